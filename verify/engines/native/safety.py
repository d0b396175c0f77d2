"""Finite violations in a searched space: reaching a state, and observers that count ticks."""

from __future__ import annotations

from collections.abc import Callable

from verify.base.budget import Budget
from verify.base.record import record
from verify.engines.native.space import BATCH, FOUND, FULL, PAUSED, QUOTA, Jumped, Space, SpentError
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import TICK, Choice, Outcome
from verify.system.expression import Expression, events_of
from verify.trace.trace import Trace

IDLE = 1  # how ages are stored: idle, and n + 2 for n ticks
ENTRY = 4  # bytes of a number in the front
FRONT = ("from_state", "age", "before")


def reach(space: Space, predicate: Expression, bit: int) -> Trace | None:
    """A shortest trace to where a predicate holds, None if it holds nowhere in what was expanded."""
    holds = space.interpreter.predicate(predicate)
    on_arrival = bool(events_of(predicate))
    if on_arrival:
        for root in range(len(space.roots)):
            if holds(space.state(root), NO_EVENTS):
                return Trace(tuple(space.path(root)))
    start = space.seen.get(1 << bit)
    if start is None:
        return None
    for number in range(start, min(start + BATCH, space.expanded)):
        state = space.state(number)
        if not on_arrival:
            if holds(state, NO_EVENTS):
                return Trace(tuple(space.path(number)))
            continue
        for outcome in space.interpreter.outcomes(state):
            if outcome.state is not None and holds(outcome.state, outcome.events):
                return Trace((*space.path(number), outcome.choice))
    message = f"a predicate of '{space.system.name}' holds for machine code and not for the interpreter"
    raise RuntimeError(message)


def seen(space: Space, predicate: Expression, bit: int) -> bool:
    """Whether a predicate that the search looked for held anywhere."""
    if 1 << bit in space.seen:
        return True
    holds = space.interpreter.predicate(predicate)
    return any(holds(space.state(root), NO_EVENTS) for root in range(len(space.roots)))


@record
class Watch:
    """An observer as in :mod:`verify.engines.explicit.safety`; ``starts`` None: it runs from the initial state, once."""

    starts: Expression | None
    stops: Expression
    bound: int
    starts_bit: int
    stops_bit: int


def overdue(space: Space, watch: Watch, budget: Budget) -> Trace | None:
    """A shortest trace on which an observer counts more than its bound, None if what was expanded has none."""
    s = space.structure
    observer = _Observer(space, watch)
    try:
        space.number()
        s.allocate("best", ENTRY * space.states)
        room = max(4 * s["rows_of_one"] * BATCH, len(space.roots) + 1 << 10)
        for name in FRONT:
            s.allocate(name, ENTRY * room)
        for root in range(len(space.roots)):
            stored = observer.at_root(space, root)
            s.memory("best").put(root, ENTRY, stored)
            for name, value in zip(FRONT, (root, stored, 0), strict=True):
                s.memory(name).put(root, ENTRY, value)
        s["entries"], s["entry"], s["entries_room"] = len(space.roots), 0, room
        arguments = (watch.starts_bit, watch.stops_bit, int(watch.starts is None), watch.bound)
        while (reason := s.call("overdue", *arguments, QUOTA)) in {PAUSED, FULL}:
            queue = s["entries"] - s["entry"]
            space.check(budget, queue, 3 * ENTRY * room if reason == FULL else 0)
            if reason == FULL:
                room *= 2
                for name in FRONT:
                    s.grow(name, ENTRY * room)
                s["entries_room"] = room
        if reason == FOUND and space.jumps:
            raise Jumped
        return _trace(space, observer, s["entry"]) if reason == FOUND else None
    except MemoryError:
        raise SpentError("no more memory for the observer") from None
    finally:
        s.release("best", *FRONT)


class _Observer:
    """The observer as Python, to find the choices of a trace."""

    def __init__(self, space: Space, watch: Watch) -> None:
        self.starts = None if watch.starts is None else space.interpreter.predicate(watch.starts)
        self.stops = space.interpreter.predicate(watch.stops)

    def at_root(self, space: Space, root: int) -> int:
        """How the age of an initial state is stored."""
        state = space.state(root)
        starts = self.starts is None or self.starts(state, NO_EVENTS)
        return IDLE + 1 if starts and not self.stops(state, NO_EVENTS) else IDLE

    def arrives(self, age: int, after: int) -> Callable[[Outcome], bool]:
        """Whether a transition takes an age to another, as they are stored."""

        def fits(outcome: Outcome) -> bool:
            assert outcome.state is not None  # noqa: S101 - choice() compares states first
            now = age + 1 if age > IDLE and outcome.choice.step == TICK else age
            if self.stops(outcome.state, outcome.events):
                now = IDLE
            elif now == IDLE and self.starts is not None and self.starts(outcome.state, outcome.events):
                now = IDLE + 1
            return now == after

        return fits


def _trace(space: Space, observer: _Observer, entry: int) -> Trace:
    """The way to an entry of the front, and the tick that is too many."""
    from_state, age, before = (space.structure.memory(name) for name in FRONT)

    def at(memory_entry: int) -> tuple[int, int]:
        return from_state.halves(memory_entry, 1)[0], age.halves(memory_entry, 1)[0]

    state, stored = at(entry)
    last = next(o for o in space.interpreter.outcomes_of(space.state(state), TICK) if o.state is not None)
    way: list[Choice] = [last.choice]
    while entry >= len(space.roots):
        earlier = before.halves(entry, 1)[0]
        source, source_age = at(earlier)
        way.append(space.choice(source, state, observer.arrives(source_age, stored)))
        entry, state, stored = earlier, source, source_age
    way.append(space.roots[state])
    return Trace(tuple(way[::-1]))
