"""What every variable, timer and lane can ever hold: abstract interpretation over sets of values.

**What is computed.** One set for each variable, for each field of each kind of message in each lane, the greatest start of each
timer, the events that can occur: the least fixpoint (widened) of running every step from every combination of these values.
Within a step the order of statements counts, guards and conditions narrow what is read under them; between steps it does not.

**Why it is sound.** By induction over runs, statement by statement: what is stored is joined to its set before anything else can
read it, atomic reactions included, and a store outside the declared domain ends the run, so that only the values inside are
joined. Conditions only ever drop values for which they are false. So in every reachable state, and at every point within a step,
each expression has a value of the set computed for it there.

**Rewriting.** With the sets at hand, each expression is replaced by one that has the same value wherever it can be evaluated, and
a branch that is never taken is left out. Statements that fail, and choices, stay: the same choices make the same transitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from verify.passes.valuesets import (
    ANY,
    BOTH,
    Interval,
    ValueSet,
    applied,
    between,
    common,
    ends,
    holds,
    joined,
    only,
    within,
    without,
)
from verify.system.build import apply
from verify.system.expression import (
    FALSE,
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Occurred,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
    conjunction,
)
from verify.system.statement import (
    Assign,
    Bind,
    Block,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Statement,
    Stop,
)
from verify.system.system import Step, System

PATIENCE = 24  # times that a set may grow before it is widened
SPLITS = 8  # alternatives of a disjunction that are looked at apart
DEEPEST = 4  # disjunctions and conjunctions within each other that a condition is taken apart into
ZERO: Final[ValueSet] = frozenset((0,))

Fields = dict[int, tuple[ValueSet, ...]]  # by kind of message
Key = tuple[str, int]  # of what the sets are about: ("variable", n), ("timer", n), ("lane", n), ("event", n)


@dataclass(slots=True)
class TimerSet:
    """``statuses`` that a timer can have; ``most``: its greatest number of ticks to go, -1 if it is never started."""

    statuses: frozenset[TimerStatus]
    most: int


@dataclass(slots=True)
class Possible:
    """The sets. ``fields[lane][kind]``: of the fields of the messages of that kind that are ever sent there."""

    system: System
    variables: list[ValueSet]
    timers: list[TimerSet]
    fields: list[Fields]
    events: set[int]
    grown: dict[Key, int] = field(default_factory=dict)
    changed: set[Key] = field(default_factory=set)
    used: set[Key] = field(default_factory=set)
    failing: frozenset[Key] = frozenset()  # variables and timers in which a store may fail, lanes in which a field may

    # ---- growing

    def _grow(self, key: Key) -> bool:
        """Note a change; whether it is time to widen."""
        self.changed.add(key)
        self.grown[key] = self.grown.get(key, 0) + 1
        return self.grown[key] > PATIENCE

    def _widened(self, key: Key, old: ValueSet, new: ValueSet, low: int, high: int) -> ValueSet:
        """The join of two sets within a domain; an end that keeps moving goes to the domain's end at once."""
        both = joined(old, new)
        if both == old:
            return old
        if self._grow(key):
            (a, b), (c, d) = ends(old), ends(both)
            return between(low if c < a else c, high if d > b else d)
        return both

    def store(self, variable: int, values: ValueSet) -> None:
        """A variable can get these values, all of its domain."""
        domain = self.system.variables[variable].domain
        old = self.variables[variable]
        self.variables[variable] = self._widened(("variable", variable), old, values, domain.low, domain.high)

    def send(self, lane: int, message: int, values: list[ValueSet]) -> None:
        """A message with these fields can come into a lane."""
        old = self.fields[lane].get(message)
        if old is None:
            self.fields[lane][message] = tuple(values)
            self._grow(("lane", lane))
            return
        domains = [f.domain for f in self.system.messages[message].fields]
        key = ("lane", lane)
        self.fields[lane][message] = tuple(
            self._widened(key, a, b, d.low, d.high) for a, b, d in zip(old, values, domains, strict=True)
        )

    def start(self, timer: int, values: ValueSet) -> None:
        """A timer can be started for so many ticks."""
        self._time(timer, TimerSet(frozenset(started(values) | {TimerStatus.EXPIRED}), ends(values)[1]))

    def stop(self, timer: int) -> None:
        """A timer can be stopped."""
        self._time(timer, TimerSet(frozenset((TimerStatus.STOPPED,)), -1))

    def _time(self, timer: int, new: TimerSet) -> None:
        old = self.timers[timer]
        both = TimerSet(old.statuses | new.statuses, max(old.most, new.most))
        if both != old:
            self.timers[timer] = both
            self._grow(("timer", timer))

    def occur(self, event: int) -> None:
        """An event can occur."""
        if event not in self.events:
            self.events.add(event)
            self._grow(("event", event))

    # ---- looking

    def leaf(self, e: Expression) -> ValueSet:
        """What a leaf can be, whatever the place; not of locals."""
        match e:
            case Constant(value):
                return frozenset((value,))
            case Read(variable):
                self.used.add(("variable", variable))
                return self.variables[variable]
            case Rigid(parameter):
                domain = self.system.parameters[parameter].domain
                return between(domain.low, domain.high)
            case TimerIs(timer, status):
                self.used.add(("timer", timer))
                statuses = self.timers[timer].statuses
                if status not in statuses:
                    return ZERO
                return BOTH if len(statuses) > 1 else frozenset((1,))
            case Count(lane):
                self.used.add(("lane", lane))
                return between(0, self.system.lanes[lane].capacity) if self.fields[lane] else ZERO
            case Due(lane):
                self.used.add(("lane", lane))
                return BOTH if self.fields[lane] else ZERO
            case Occurred(event):
                self.used.add(("event", event))
                return BOTH if event in self.events else ZERO
            case _:
                return ANY


class Env:
    """What is known at a point of a step: narrower sets for some variables, and the locals. Never changed once made."""

    __slots__ = ("_known", "_memo", "possible")

    def __init__(self, possible: Possible, known: dict[Expression, ValueSet]) -> None:
        """``known``: of the Reads and Locals about which more is known than everywhere."""
        self.possible = possible
        self._known = known
        self._memo: dict[int, tuple[Expression, Expression, ValueSet]] = {}

    def knowing(self, leaf: Expression, values: ValueSet) -> Env:
        """The same with one leaf known."""
        return Env(self.possible, {**self._known, leaf: values})

    def timed(self, timer: int, statuses: AbstractSet[TimerStatus]) -> Env | None:
        """The same with a timer in one of these statuses; None if it cannot be."""
        left = {s for s in statuses if only(self.values(TimerIs(timer, s))) != 0}
        return self.restarted(timer, left) if left else None

    def restarted(self, timer: int, statuses: AbstractSet[TimerStatus]) -> Env:
        """The same after a timer got one of these statuses, whatever it had before."""
        truth = frozenset((1,)) if len(statuses) == 1 else BOTH
        known: dict[Expression, ValueSet] = {TimerIs(timer, s): truth if s in statuses else ZERO for s in TimerStatus}
        return Env(self.possible, {**self._known, **known})

    def join(self, other: Env) -> Env:
        """What is known whichever of the two is the case."""
        shared = [leaf for leaf in self._known if leaf in other._known]
        mixed = {leaf: joined(self._known[leaf], other._known[leaf]) for leaf in shared}
        return Env(self.possible, mixed)

    def values(self, e: Expression) -> ValueSet:
        """All that an expression can be here."""
        return self.simplified(e)[1]

    def simplified(self, e: Expression) -> tuple[Expression, ValueSet]:
        """An expression with the same value here, and all that it can be."""
        known = self._memo.get(id(e))
        if known is not None:
            return known[1], known[2]
        if isinstance(e, Apply):
            made, values = self._applied(e)
        else:
            made, values = e, self._known.get(e) or self.possible.leaf(e)
        value = only(values)
        if value is not None and not isinstance(e, Constant):
            made = Constant(value)
        self._memo[id(e)] = (e, made, values)
        return made, values

    def _applied(self, e: Apply) -> tuple[Expression, ValueSet]:
        inner = [self.simplified(a) for a in e.arguments]
        values = applied(e.operator, [v for _, v in inner])
        if only(values) is not None:
            return e, values
        match e.operator:
            case Operator.IF if not holds(inner[0][1], 0):
                return inner[1][0], values
            case Operator.IF if only(inner[0][1]) == 0:
                return inner[2][0], values
            case Operator.AND | Operator.OR:
                neutral = 1 if e.operator is Operator.AND else 0
                left = [x for x in inner if only(x[1]) != neutral]
                if len(left) == 1 and not isinstance(left[0][1], Interval) and left[0][1] <= {0, 1}:
                    return left[0][0], values
                inner = left
            case _:
                pass
        arguments = tuple(made for made, _ in inner)
        if len(arguments) == len(e.arguments) and all(a is b for a, b in zip(arguments, e.arguments, strict=True)):
            return e, values
        return apply(e.operator, *arguments), values

    # ---- conditions

    def assuming(self, e: Expression, truth: bool = True, depth: int = DEEPEST) -> Env | None:
        """What is known where a condition has a truth value; None if it never has it here."""
        values = self.values(e)
        if (only(values) == 0) if truth else not holds(values, 0):
            return None
        match e:
            case Apply(Operator.NOT, (inner,)):
                return self.assuming(inner, not truth, depth)
            case Apply(Operator.AND | Operator.OR as operator, arguments) if depth > 0:
                if (operator is Operator.AND) is truth:
                    return self._all(arguments, truth, depth - 1)
                return self._any(arguments, truth, depth - 1)
            case Apply(Operator.EQUAL, (left, right)):
                return self._equal(left, right) if truth else self._different(left, right)
            case Apply(Operator.LESS, (left, right)):
                return self._ordered(left, right, 1) if truth else self._ordered(right, left, 0)
            case Apply(Operator.AT_MOST, (left, right)):
                return self._ordered(left, right, 0) if truth else self._ordered(right, left, 1)
            case Read() | Local():
                left_ = without(values, 0) if truth else within(values, 0, 0)
                return self.knowing(e, left_) if left_ else None
            case TimerIs(timer, status):
                return self.timed(timer, {status}) if truth else self.timed(timer, set(TimerStatus) - {status})
            case _:
                return self

    def _all(self, parts: Iterable[Expression], truth: bool, depth: int) -> Env | None:
        env: Env | None = self
        for part in parts:
            env = env.assuming(part, truth, depth) if env is not None else None
        return env

    def _any(self, parts: tuple[Expression, ...], truth: bool, depth: int) -> Env | None:
        if len(parts) > SPLITS:
            return self
        found: Env | None = None
        for part in parts:
            one = self.assuming(part, truth, depth)
            if one is not None:
                found = one if found is None else found.join(one)
        return found

    def _equal(self, left: Expression, right: Expression) -> Env | None:
        both = common(self.values(left), self.values(right))
        if not both:
            return None
        env = self
        for side in (left, right):
            if isinstance(side, Read | Local):
                env = env.knowing(side, both)
        return env

    def _different(self, left: Expression, right: Expression) -> Env | None:
        env = self
        for side, other in ((left, right), (right, left)):
            value = only(self.values(other))
            if value is not None and isinstance(side, Read | Local):
                rest = without(env.values(side), value)
                if not rest:
                    return None
                env = env.knowing(side, rest)
        return env

    def _ordered(self, left: Expression, right: Expression, gap: int) -> Env | None:
        """``left + gap <= right``."""
        a, b = self.values(left), self.values(right)
        low, high = ends(a)[0], ends(b)[1]
        a, b = within(a, low, high - gap), within(b, low + gap, high)
        if not a or not b:
            return None
        env = self
        for side, values in ((left, a), (right, b)):
            if isinstance(side, Read | Local):
                env = env.knowing(side, values)
        return env


# ---- statements


def run(block: Block, env: Env) -> tuple[Block, Env | None]:
    """The block rewritten, and what is known after it; None if its end is never reached."""
    done: list[Statement] = []
    after: Env | None = env
    for statement in block:
        if after is None:
            break
        made, after = _executed(statement, after)
        done += made
    return tuple(done), after


def _executed(statement: Statement, env: Env) -> tuple[Block, Env | None]:
    possible = env.possible
    match statement:
        case Assign(variable, value):
            made, values = env.simplified(value)
            domain = possible.system.variables[variable].domain
            stored = within(values, domain.low, domain.high)
            if stored != values:
                possible.failing |= {("variable", variable)}
            if not stored:
                return (Assign(variable, made),), None
            possible.store(variable, stored)
            return (Assign(variable, made),), env.knowing(Read(variable), stored)
        case Start(timer, ticks):
            made, values = env.simplified(ticks)
            stored = within(values, 0, possible.system.timers[timer].maximum)
            if stored != values:
                possible.failing |= {("timer", timer)}
            if not stored:
                return (Start(timer, made),), None
            possible.start(timer, stored)
            return (Start(timer, made),), env.restarted(timer, started(stored))
        case Stop(timer):
            possible.stop(timer)
            return (statement,), env.restarted(timer, {TimerStatus.STOPPED})
        case Send():
            return _sent(statement, env)
        case Bind(slot, value):
            made, values = env.simplified(value)
            return (Bind(slot, made),), env.knowing(Local(slot), values)
        case If():
            return _branched(statement, env)
        case Choose():
            return _chosen(statement, env)
        case Either(branches):
            ran = [run(branch, env) for branch in branches]
            return (Either(tuple(made for made, _ in ran)),), _merged([after for _, after in ran])
        case Occur(event):
            possible.occur(event)
            return (statement,), env
        case Duplicate() | Clear() | Mark():
            return (statement,), env
        case _:
            assert_never(statement)


def _merged(envs: list[Env | None]) -> Env | None:
    found: Env | None = None
    for env in envs:
        if env is not None:
            found = env if found is None else found.join(env)
    return found


def _sent(statement: Send, env: Env) -> tuple[Block, Env | None]:
    system = env.possible.system
    inside = env.assuming(system.lanes[statement.lane].open)
    if inside is None:
        return (), env
    outside = env.assuming(system.lanes[statement.lane].open, False)
    fields: list[Expression] = []
    stored: list[ValueSet] = []
    for expression, declared in zip(statement.fields, system.messages[statement.message].fields, strict=True):
        made, values = inside.simplified(expression)
        fields.append(made)
        stored.append(within(values, declared.domain.low, declared.domain.high))
        if stored[-1] != values:
            env.possible.failing |= {("lane", statement.lane)}
    made_ = Send(statement.lane, statement.message, tuple(fields))
    if not all(stored):
        return (made_,), outside
    env.possible.send(statement.lane, statement.message, stored)
    return (made_,), env


def _branched(statement: If, env: Env) -> tuple[Block, Env | None]:
    yes, no = env.assuming(statement.condition), env.assuming(statement.condition, False)
    if no is None and yes is not None:
        return run(statement.then, yes)
    if yes is None and no is not None:
        return run(statement.otherwise, no)
    if yes is None or no is None:  # neither: this place is never reached
        return (), None
    condition, _ = env.simplified(statement.condition)
    then, one = run(statement.then, yes)
    otherwise, two = run(statement.otherwise, no)
    if not then and not otherwise:
        return (), env
    return (If(condition, then, otherwise),), _merged([one, two])


def _chosen(statement: Choose, env: Env) -> tuple[Block, Env | None]:
    slot, low, high, where = statement.slot, statement.low, statement.high, statement.where
    if low > high:
        return (statement,), None
    inside = env.knowing(Local(slot), between(low, high))
    made, _ = inside.simplified(where)
    return (Choose(slot, low, high, made),), inside.assuming(where)


# ---- steps


def entered(
    possible: Possible, step: Step, given: dict[Expression, ValueSet] | None = None
) -> tuple[Expression, Env | None]:
    """The guard rewritten, and what is known where it holds; None if it never does. ``given``: what is known beforehand."""
    env = Env(possible, given or {})
    if step.take is not None:
        kinds = possible.fields[step.take.lane]
        possible.used.add(("lane", step.take.lane))
        if not kinds:
            return FALSE, None
        known: dict[Expression, ValueSet] = {Local(0): frozenset(kinds)}
        for number in range(max(len(fields) for fields in kinds.values())):
            sets = [fields[number] if number < len(fields) else ZERO for fields in kinds.values()]
            known[Local(number + 1)] = _all_of(sets)
        env = Env(possible, known | (given or {}))
    guard = step.guard
    parts = guard.arguments if isinstance(guard, Apply) and guard.operator is Operator.AND else (guard,)
    kept: list[Expression] = []
    after: Env | None = env
    for part in parts:
        if after is None:
            return FALSE, None
        kept.append(after.simplified(part)[0])
        after = after.assuming(part)
    return (FALSE, None) if after is None else (conjunction(*kept), after)


def _all_of(sets: list[ValueSet]) -> ValueSet:
    found = sets[0]
    for values in sets[1:]:
        found = joined(found, values)
    return found


def taken(possible: Possible, step: Step, given: dict[Expression, ValueSet] | None = None) -> tuple[Step, Env | None]:
    """A step run on the sets, and rewritten, with what is known after it.

    One that is never enabled keeps its place, with a guard that says so. None: it never leads anywhere.
    """
    guard, env = entered(possible, step, given)
    if env is None:
        return replace(step, guard=FALSE, body=(), urgent=FALSE), None
    urgent = env.simplified(step.urgent)[0]
    body, after = run(step.body, env)
    return replace(step, guard=guard, body=body, urgent=urgent), after


def started(ticks: ValueSet) -> frozenset[TimerStatus]:
    """The statuses that a timer may have when it is started for so many ticks."""
    low, high = ends(ticks)
    expired = {TimerStatus.EXPIRED} if low == 0 else set[TimerStatus]()
    return frozenset(expired | ({TimerStatus.RUNNING} if high > 0 else set()))


def possible_in(system: System, *, stopping: bool = False) -> Possible:
    """The sets of a system; ``stopping``: of one in which, besides, any timer may be stopped at any time."""
    possible = Possible(
        system,
        [frozenset((v.initial,)) for v in system.variables],
        [_began(t.initial) for t in system.timers],
        [{} for _ in system.lanes],
        set(),
    )
    if stopping:
        for timer in range(len(system.timers)):
            possible.stop(timer)
    run(system.initially, Env(possible, {}))
    readers: dict[Key, set[int]] = {}
    waiting = dict.fromkeys(range(len(system.steps)))
    while waiting:
        number = next(iter(waiting))
        del waiting[number]
        possible.used, possible.changed = set(), set()
        taken(possible, system.steps[number])
        for key in possible.used:
            readers.setdefault(key, set()).add(number)
        for key in possible.changed:
            waiting.update(dict.fromkeys(sorted(readers.get(key, ()))))
    return possible


def _began(initial: int) -> TimerSet:
    if initial < 0:
        return TimerSet(frozenset((TimerStatus.STOPPED,)), -1)
    statuses = {TimerStatus.EXPIRED} | ({TimerStatus.RUNNING} if initial else set())
    return TimerSet(frozenset(statuses), initial)
