"""What can be wrong with a searched space as such; the twin of :mod:`verify.engines.explicit.health`, by passes."""

from __future__ import annotations

from verify.base.budget import Budget
from verify.engines.claim import Fault
from verify.engines.explicit.health import SHOWN, Health, fault_of, zeno_note
from verify.engines.native.expansion import REACTION, TICK
from verify.engines.native.graph import Component, Filter, Graph, Whole, sliced
from verify.engines.native.space import BATCH, FAILURE, QUOTA, STUCK, Jumped, Memory, Space, SpentError
from verify.passes.nonzeno import time_has_to_pass
from verify.semantics import interpreter
from verify.trace.trace import Trace

LOOKED_AT = 2_000  # states in which they are looked for
GLANCED = 50_000  # states whose transitions are looked at in less time than the steps of a system
TIMELESS = Filter(TICK, 0)
REACTING = Filter(REACTION, REACTION)


class Unconfirmed(Exception):  # noqa: N818 - an answer: the interpreter has to decide
    """Machine code took long reactions for a livelock; the interpreter does not say so."""


def examine(space: Space, budget: Budget, whole: Whole | None = None) -> Health:
    """Look for errors, and where everything was explored, for livelocks, deadlocks, timelocks and Zeno cycles.

    ``whole``: the graph, if it will be needed anyway. Jumped, where time jumps and there may be any.
    """
    failed = _failure(space)
    if failed is not None or space.incomplete:
        return Health(failed)
    if _time_passes(space, budget, whole):
        return Health(_stuck(space))
    if space.jumps:
        raise Jumped
    endless = Memory(space.states)
    endless.fill(space.states, 1)
    if not _trimmed(space, endless, space.states, TIMELESS, budget):
        return Health(_stuck(space))
    reacting = Memory(space.states)
    reacting.fill(space.states, 1)
    if _trimmed(space, reacting, space.states, REACTING, budget):
        return Health((Fault.LIVELOCK, _cycle(space, reacting, budget)))
    fault = _stuck(space) or _timelock(space, endless, budget)
    return Health(fault, _zeno(space, endless, budget))


def _failure(space: Space) -> tuple[Fault, Trace] | None:
    for outcome in space.root_failures:
        assert outcome.failed is not None  # noqa: S101 - that is why it is here
        return fault_of(outcome.failed), Trace((outcome.choice,))
    start = space.seen.get(FAILURE)
    if start is None:
        return None
    for number in range(start, min(start + BATCH, space.expanded)):
        for outcome in space.interpreter.outcomes(space.state(number)):
            if outcome.failed is not None:
                return fault_of(outcome.failed), Trace((*space.path(number), outcome.choice))
    raise Unconfirmed


def _stuck(space: Space) -> tuple[Fault, Trace] | None:
    """A state with nothing after it."""
    start = space.seen.get(STUCK)
    if start is None:
        return None
    number = next(n for n in range(start, space.expanded) if not space.interpreter.outcomes(space.state(n)))
    return Fault.DEADLOCK, Trace(tuple(space.path(number)))


def _time_passes(space: Space, budget: Budget, whole: Whole | None) -> bool:
    """Whether no cycle is without a tick; False as well where there is no room to find out this way."""
    if space.states > GLANCED and time_has_to_pass(space.system):
        return True
    if whole is not None:
        try:
            return _only_ticking(whole)
        except (SpentError, MemoryError):
            whole.release()  # the steps without a tick alone take less room
    s = space.structure
    room = space.transitions + 2 * BATCH * s["rows_of_one"]
    if budget.refuses(4 * room + 9 * space.states):
        return False
    try:
        space.number()
        s.allocate("first", 8 * (space.states + 1))
        s.allocate("trail", 4 * room)
        start = 0
        while start < space.states:
            start = s.call("link_timeless", start, min(space.states, start + QUOTA), room)
            space.check(budget, space.states - start)
        s.allocate("calls", 4 * space.states)
        s.allocate("at", 8 * space.states)
        return bool(s.call("acyclic", Memory(space.states), space.states))
    except MemoryError:
        return False
    finally:
        s.release("first", "trail", "calls", "at")


def _only_ticking(whole: Whole) -> bool:
    """Whether no cycle of the graph is without a tick. If so, the graph stays for others."""
    graph = whole.graph(0, cycles=True)
    found, _ = graph.components(whole.members(), TIMELESS)
    graph.tidy()
    if found:
        whole.release()
    return not found


def _trimmed(space: Space, members: Memory, left: int, along: Filter, budget: Budget) -> int:
    """Leave only states from which edges of a kind can be followed for ever; how many are left."""
    while left:
        gone = sliced(space, "trim", members, budget, along.which, along.value)
        left -= gone
        if not gone:
            break
    return left


def _timelock(space: Space, endless: Memory, budget: Budget) -> tuple[Fault, Trace] | None:
    """A state from which no tick can be reached. It never leaves the states that can go on for ever without one."""
    locked = Memory(space.states)
    locked.copy(endless, space.states)
    while sliced(space, "confine", locked, budget):
        pass
    first = locked.first(space.states)
    return None if first < 0 else (Fault.TIMELOCK, Trace(tuple(space.path(first))))


def _cycle(space: Space, members: Memory, budget: Budget) -> Trace:
    """A trace to the first cycle of reactions, and once around."""
    graph = Graph(space, members, budget)
    try:
        found, _ = graph.components(members, REACTING)
        start, inside = min((graph.member_of(c.number), c.number) for c in found)
        loop = graph.way([(start, 1)], REACTING, REACTING, start, inside)
        assert loop is not None  # noqa: S101 - a component that holds a cycle
        stem = space.path(start)
        return Trace((*stem, *graph.choices(loop)), len(stem) - 1)
    finally:
        graph.release()


def _zeno(space: Space, members: Memory, budget: Budget) -> tuple[str, ...]:
    graph = Graph(space, members, budget)
    try:
        found, _ = graph.components(members, TIMELESS)
        first = sorted((graph.member_of(c.number), c) for c in found[:1000])[:3]
        return tuple(_told(space, graph, component, start) for start, component in first)
    finally:
        graph.release()


def _told(space: Space, graph: Graph, component: Component, start: int) -> str:
    names: dict[str, None] = {}
    inside = graph.s.memory("component")
    looked = 0
    for number in range(start, space.expanded):
        if inside.halves(number, 1)[0] != component.number:
            continue
        looked += 1
        for outcome in space.interpreter.outcomes(space.state(number)):
            if outcome.choice.step == interpreter.TICK or outcome.state is None:
                continue
            if inside.halves(space.find(outcome.state), 1)[0] == component.number:
                names[space.system.steps[outcome.choice.step].name] = None
        if looked >= LOOKED_AT or len(names) > SHOWN:
            break
    return zeno_note(list(names))

