"""The timed transition system that a scenario means.

**State.** A value for each variable; for each timer stopped, running with n > 0 ticks to go, or expired; for each lane its
messages with their ages. There is no absolute time.

**Initial state.** Every variable and timer has its ``initial`` value, all lanes are empty; then ``initially`` (no choices, no
sends) runs on it once: values that depend on parameters, and the entries of initial states.

**Steps.** From a state, each enabled (step, message taken, choices made) is one transition, self-loops included. A step is
enabled when its guard holds and, if it takes a message, once for each message that it can take.

**Time.** One tick is one transition. It is allowed if and only if no step that is *urgent* in this state is enabled. Each
running timer goes down by one (from 1 to expired); each message's age goes up by one, up to its lane's maximum.

**Urgency.** A step is urgent where its ``urgent`` expression holds; a step that takes a message for delivery is urgent for a
message at its lane's maximum delay.

**Atomic reactions.** If ``atomic``, REACTION steps are no transitions of their own: after every other step, a tick included,
and before the first, each unit runs its enabled reactions, first in text order, looking again from the start after each, until
none is enabled in any unit, all within that transition. A state that comes back on the way is the error LIVELOCK.

**Errors** (RANGE, FULL_LANE, CHOICE, LIVELOCK) end the run: the transition leads nowhere.
"""

from __future__ import annotations

from enum import Enum

from verify.base.place import NOWHERE, Place
from verify.base.record import record
from verify.system.domain import Domain
from verify.system.expression import FALSE, TRUE, Expression
from verify.system.statement import Block


class StepKind(Enum):
    """What makes a step happen."""

    REACTION = "reaction"
    TIMEOUT = "timeout"
    DELIVERY = "delivery"
    ENVIRONMENT = "environment"


class Taking(Enum):
    """Which messages of a lane a step can take. ``DELIVER`` and ``LOSE`` remove it, ``COPY`` leaves it in its place."""

    DELIVER = "deliver"  # of age minimum or more: FIFO its head only, UNORDERED any
    LOSE = "lose"  # any
    COPY = "copy"  # any


class Order(Enum):
    """How a lane keeps its messages."""

    FIFO = "fifo"
    UNORDERED = "unordered"  # kept sorted, so that equal bags are equal states; equal copies are one binding


class WhenFull(Enum):
    """What a send into a full lane does. A rule that would have to wait is not enabled: the front end puts that in guards."""

    ERROR = "error"
    DROP_OLDEST = "drops oldest"
    DROP_NEWEST = "drops newest"
    WAIT = "waits"


class Failure(Enum):
    """The errors of every scenario: implicit properties."""

    RANGE = "a value outside its range"
    FULL_LANE = "a full lane"
    CHOICE = "an empty choice"
    LIVELOCK = "an urgent livelock"


@record
class Citation:
    """A clause of a reference: ``reference`` its short name, ``title`` its full one."""

    reference: str
    clause: str
    title: str = ""
    verified: bool = True


@record
class Rule:
    """Where an effect comes from: one rule of a model, for one instance. ``text`` is its head, as written."""

    text: str
    instance: int | None
    place: Place = NOWHERE
    citations: tuple[Citation, ...] = ()


@record
class Region:
    """A control state of an instance: ``variable`` holds it, an Enumeration of states. ``name`` "" if it is the only one."""

    name: str
    variable: int


@record
class Instance:
    """A machine at work. ``parent``: its owner, for a part. ``alive``: a Boolean variable, None if it never crashes."""

    name: str
    machine: str
    parent: int | None
    unit: int
    regions: tuple[Region, ...] = ()
    alive: int | None = None


@record
class Variable:
    """A place for a value. ``instance`` None: it belongs to the environment (budgets, cuts)."""

    name: str
    domain: Domain
    initial: int
    instance: int | None = None


@record
class Timer:
    """``initial``: -1 stopped, 0 expired, n running; ``maximum`` in ticks; ``instance`` None: a window of the environment."""

    name: str
    maximum: int
    initial: int = -1
    instance: int | None = None


@record
class Parameter:
    """A number left open: rigid, any value of its domain that the assumptions allow."""

    name: str
    domain: Domain


@record
class Field:
    """One flat field of a message."""

    name: str
    domain: Domain


@record
class Message:
    """A kind of message."""

    name: str
    fields: tuple[Field, ...]


@record
class Lane:
    """The way from one end to another. Delays in ticks; ``open``: whether what is sent now enters the lane at all."""

    name: str
    network: str
    sender: int
    receiver: int
    capacity: int
    minimum: int
    maximum: int
    order: Order = Order.FIFO
    when_full: WhenFull = WhenFull.ERROR
    open: Expression = TRUE


@record
class Event:
    """Something that properties can ask for: "crash of r1". It lasts for the state after its step."""

    name: str


@record
class Take:
    """The message a step needs. It binds slot 0 to its kind and slots 1.. to its fields."""

    lane: int
    taking: Taking


@record
class Step:
    """A guarded effect.

    The guard of a step that takes a message may read it (``Local``). ``slots``: how many locals it uses, message kind and
    fields included. ``unit``: for reactions.
    """

    name: str
    kind: StepKind
    guard: Expression
    body: Block
    urgent: Expression = FALSE
    take: Take | None = None
    instance: int | None = None
    unit: int | None = None
    slots: int = 0


@record
class Fairness:
    """A promise about endless runs.

    Weak: a group of steps that is enabled for ever from some point on is taken; strong: one enabled again and again.
    """

    name: str
    steps: tuple[int, ...]
    strong: bool = False


@record
class System:
    """See the module. ``tick_nanoseconds``: the length of a tick. Indices in all nodes count in these tuples, from 0."""

    name: str
    tick_nanoseconds: int
    instances: tuple[Instance, ...] = ()
    variables: tuple[Variable, ...] = ()
    timers: tuple[Timer, ...] = ()
    messages: tuple[Message, ...] = ()
    lanes: tuple[Lane, ...] = ()
    events: tuple[Event, ...] = ()
    rules: tuple[Rule, ...] = ()
    steps: tuple[Step, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    assumptions: tuple[Expression, ...] = ()
    fairness: tuple[Fairness, ...] = ()
    units: tuple[str, ...] = ()
    atomic: bool = False
    initially: Block = ()

    @property
    def reacts(self) -> bool:
        """Whether there are atomic reactions."""
        return self.atomic and any(s.kind is StepKind.REACTION for s in self.steps)
