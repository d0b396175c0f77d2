"""The scenario under construction: instances, ports, networks, and the system's parts as they are laid out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verify.base.diagnostic import Diagnostic, error
from verify.base.place import NOWHERE, Place
from verify.lang import syntax as s
from verify.lang.scopes import Scope
from verify.lang.values import FAULTY, Faulty, RecordShape, Shape, Value
from verify.system.domain import Domain
from verify.system.expression import TRUE, Expression, Read
from verify.system.statement import Statement
from verify.system.system import (
    Event,
    Fairness,
    Instance,
    Lane,
    Message,
    Parameter,
    Rule,
    Step,
    Timer,
    Variable,
)

if TYPE_CHECKING:
    from verify.lang.traffic import Traffic

MOST_EFFORT = 100_000


class TooLarge(Exception):  # noqa: N818 - what was found, told as a diagnostic
    """A scenario, or a let in it, becomes too large when everything in it is written out; ``told`` says what and how."""

    def __init__(self, place: Place, told: str = "", help: str = "") -> None:  # noqa: A002 - a diagnostic's field
        super().__init__(told)
        self.place = place
        self.told = told
        self.help = help


@dataclass(slots=True)
class Settings:
    """``path = value`` lines that reach an instance: the path's words and numbers, and where its value is to be read."""

    path: tuple[str | int, ...]
    value: s.Expr | s.Open
    place: Place
    scope: Scope
    locals: dict[str, Value]
    used: bool = False


@dataclass(slots=True)
class PortNode:
    """A port of an instance. ``lanes_out``: the lanes it sends on; ``carrier``: whether it sees its network."""

    name: str
    owner: InstanceNode
    messages: tuple[tuple[s.MessageDecl, Scope], ...]
    network: NetworkNode | None = None
    lanes_out: list[int] = field(default_factory=list)
    lanes_in: list[int] = field(default_factory=list)
    carrier: Expression = TRUE

    @property
    def path(self) -> str:
        """``r1.lan``."""
        return f"{self.owner.name}.{self.name}"


@dataclass(slots=True, eq=False)
class InstanceNode:
    """An instance of a machine, with its parts below it. ``index``: its number among the parts of one array."""

    name: str
    machine: s.Machine
    scope: Scope
    owner: InstanceNode | None
    number: int
    unit: int
    index: int = 0
    settings: list[Settings] = field(default_factory=list)
    parameters: dict[str, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    regions: dict[str, tuple[int, s.Region]] = field(default_factory=dict)
    ports: dict[str, PortNode] = field(default_factory=dict)
    parts: dict[str, tuple[bool, list[InstanceNode]]] = field(default_factory=dict)
    lets: dict[str, s.Let] = field(default_factory=dict)
    actions: dict[str, s.Action] = field(default_factory=dict)
    signals: dict[str, s.Signal] = field(default_factory=dict)
    alive: int | None = None
    startup_timers: list[int] = field(default_factory=list)
    unresolved: bool = False

    @property
    def top(self) -> InstanceNode:
        """The top-level instance it belongs to."""
        return self if self.owner is None else self.owner.top

    @property
    def is_up(self) -> Expression:
        """Whether it is up. Parts crash with their owner."""
        return TRUE if self.top.alive is None else Read(self.top.alive)

    def family(self) -> list[InstanceNode]:
        """Itself and all parts below it, owners first."""
        below = [n for _, nodes in self.parts.values() for node in nodes for n in node.family()]
        return [self, *below]


@dataclass(slots=True, eq=False)
class NetworkNode:
    """A segment or link. Cuts are variables: of the whole, of one end, of one direction; absent where nothing cuts there."""

    name: str
    declaration: s.Network
    ends: list[PortNode]
    whole_cut: int | None = None
    end_cuts: dict[str, int] = field(default_factory=dict)
    direction_cuts: dict[tuple[str, str], int] = field(default_factory=dict)
    lanes: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class PoolNode:
    """A pool of faults or events. ``variable``: what is left of its budget; None if unlimited."""

    declaration: s.Pool
    variable: int | None = None
    opens: int | None = None
    closes: int | None = None


@dataclass(slots=True)
class Build:
    """What is laid out so far; becomes a System. Indices count in these lists."""

    name: str
    tick: int
    faults: list[Diagnostic] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    timer_starts: dict[int, int] = field(default_factory=dict)
    timer_declared: set[int] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    message_index: dict[int, int] = field(default_factory=dict)
    message_shapes: dict[int, RecordShape] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)
    lane_ends: list[tuple[PortNode, PortNode]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    event_index: dict[str, int] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    parameter_places: list[Place] = field(default_factory=list)
    assumptions: list[Expression] = field(default_factory=list)
    fairness: list[Fairness] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    initially: list[Statement] = field(default_factory=list)
    nodes: dict[str, InstanceNode] = field(default_factory=dict)
    arrays: dict[str, list[InstanceNode]] = field(default_factory=dict)
    networks: dict[str, NetworkNode] = field(default_factory=dict)
    pools: dict[str, PoolNode] = field(default_factory=dict)
    atomic: bool = False
    messages_first: bool = False
    ends: dict[str, list[int]] = field(default_factory=dict)
    tags: list[tuple[str, str]] = field(default_factory=list)
    expanded: dict[tuple[str, bool], Value] = field(default_factory=dict)
    shapes: dict[tuple[int, int], Shape | None] = field(default_factory=dict)
    effort: int = 0
    traffic: Traffic | None = None

    def spend(self, place: Place, nodes: int = 1) -> None:
        """Count nodes that are read; raises TooLarge when a scenario, written out, has too many."""
        self.effort += nodes
        if self.effort > MOST_EFFORT:
            raise TooLarge(place)

    def span_text(self, low: int, high: int, *, spans: bool) -> str:
        """``low..high`` as the language writes it, or the one value that they are."""
        first, last = (duration_text(x * self.tick) if spans else str(x) for x in (low, high))
        return first if low == high else f"{first}..{last}"

    declared_messages: dict[int, s.MessageDecl] = field(default_factory=dict)

    def report(self, code: str, message: str, place: Place = NOWHERE, help: str = "") -> Faulty:  # noqa: A002
        """Note an error; gives the value that silences what follows from it."""
        self.faults.append(error(code, message, place, help))
        return FAULTY

    def variable(self, name: str, domain: Domain, initial: int, instance: int | None = None) -> int:
        """Lay out a variable."""
        self.variables.append(Variable(name, domain, initial, instance))
        return len(self.variables) - 1

    def timer(self, name: str, maximum: int, instance: int | None = None, initial: int = -1) -> int:
        """Lay out a timer."""
        self.timers.append(Timer(name, maximum, initial, instance))
        return len(self.timers) - 1

    def event(self, name: str) -> int:
        """The number of an event, laid out when first asked for."""
        if name not in self.event_index:
            self.event_index[name] = len(self.events)
            self.events.append(Event(name))
        return self.event_index[name]

    def all_nodes(self) -> list[InstanceNode]:
        """Every instance, owners before their parts, in text order."""
        return [n for top in self.nodes.values() for n in top.family()]

    def ticks(self, nanoseconds: int, place: Place, text: str) -> int | None:
        """A constant duration in ticks; None, reported, when it is no whole number of them."""
        count, rest = divmod(nanoseconds, self.tick)
        if rest:
            known = duration_text(self.tick)
            self.report(
                "E301", f"{text} is no whole number of ticks (tick {known})", place, _finer(nanoseconds, self.tick)
            )
            return None
        return count


def _finer(nanoseconds: int, tick: int) -> str:
    import math  # noqa: PLC0415 - one use

    return f"a tick of {duration_text(math.gcd(nanoseconds, tick))} would do; it makes the search larger"


def duration_text(nanoseconds: int) -> str:
    """A length of time as the language writes it: ``1.5s``, ``10ms``."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if nanoseconds % size == 0 or (unit == "s" and nanoseconds >= size and nanoseconds % 10**7 == 0):
            return f"{nanoseconds / size:.10g}{unit}"
    return f"{nanoseconds}ns"
