"""Symbolic states: what does not change while time passes, and the zone of what does.

Guards read of a timer only whether it is stopped, running or expired, and of a message only whether its lane's minimum and
maximum delay have passed. So a state is a representative, in which each running timer has 1 tick left and each message the
age at which it became what it is (young, deliverable, due), and a zone: the ticks that are left for each timer, and for each
message until it becomes the next. All states of a zone have the same steps, by the reference interpreter, which runs them on
the representative: its clocks are numbers that say which they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from verify.base.record import record
from verify.engines.zones.zone import Term
from verify.semantics.effects import Failed, sorted_bag
from verify.semantics.interpreter import Choice, Interpreter, Outcome, State
from verify.system.system import Lane, Order, System, WhenFull


class Unsupported(Exception):  # noqa: N818 - an answer
    """The system is none that zones can be told apart in: why."""


class Ticking(int):
    """A number of a state that belongs to a clock. Of equal numbers with different clocks neither is the other."""

    clock: int

    @classmethod
    def of(cls, value: int, clock: int) -> Ticking:
        """A value of a clock."""
        made = cls(value)
        made.clock = clock
        return made

    def __eq__(self, other: object) -> bool:
        return int.__eq__(self, other) is True and (not isinstance(other, Ticking) or other.clock == self.clock)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


@record
class Move:
    """A transition of all states of a zone.

    ``state`` None: it ends in the error ``failed``. ``terms``: the clocks of the state that it leads to, by those before; clock
    0, or where clocks end the first that does, is the present.
    """

    choice: Choice
    events: frozenset[int]
    failed: Failed | None
    state: State | None
    terms: tuple[Term, ...]


class Discrete(NamedTuple):
    """A representative: its number of clocks, its moves but for ticks, and whether a tick is allowed."""

    state: State
    clocks: int
    moves: tuple[Move, ...]
    patient: bool


class Space:
    """The symbolic states of a closed system."""

    def __init__(self, system: System) -> None:
        """Unsupported if it has lanes in which the order of ages matters and is not that of the messages."""
        self.system = system
        self.interpreter = Interpreter(system)
        self.timers = len(system.variables)
        self.lanes = self.timers + len(system.timers)
        for lane in system.lanes:
            if lane.order is Order.UNORDERED and lane.when_full is WhenFull.DROP_OLDEST:
                message = f"the unordered lane '{lane.name}' drops its oldest message when it is full"
                raise Unsupported(message)
        self._known: dict[State, Discrete] = {}
        self._endings: dict[tuple[State, tuple[int, ...]], tuple[Move, ...]] = {}

    def initial(self) -> list[Move]:
        """The moves of the beginning."""
        return [self._move(outcome, 0) for outcome in self.interpreter.initial()]

    def discrete(self, state: State) -> Discrete:
        """What is common to all states that a representative stands for."""
        found = self._known.get(state)
        if found is None:
            marked, clocks = self.marked(state)
            outcomes, urgent = self.interpreter.steps(marked)
            moves = tuple(self._move(outcome, 0) for outcome in outcomes)
            found = self._known[state] = Discrete(state, clocks, moves, not urgent)
        return found

    def ended(self, state: State, ending: tuple[int, ...]) -> tuple[Move, ...]:
        """The moves of the tick with which some clocks come to their end (none: with which none of a state does)."""
        key, present = (state, ending), ending[0] if ending else 0
        found = self._endings.get(key)
        if found is None:
            after = self._after(self.marked(state)[0], frozenset(ending))
            found = self._endings[key] = tuple(self._move(o, present) for o in self.interpreter.after_tick(after))
        return found

    def marked(self, state: State) -> tuple[State, int]:
        """A representative with its clocks in it, counted from 1 in the order of the state; how many they are."""
        whole = list(state)
        clocks = 0
        for at in range(self.timers, self.lanes):
            if whole[at] > 0:
                clocks += 1
                whole[at] = Ticking.of(1, clocks)
        for number, lane in enumerate(self.system.lanes):
            held = []
            for message in whole[self.lanes + number]:
                if message[0] < lane.maximum:
                    clocks += 1
                    held.append((Ticking.of(message[0], clocks), *message[1:]))
                else:
                    held.append(message)
            whole[self.lanes + number] = tuple(held)
        return tuple(whole), clocks

    def _after(self, marked: State, ending: frozenset[int]) -> State:
        """The state after a tick: timers that end expire, messages become what is next; what ends has no clock."""
        whole = list(marked)
        for at in range(self.timers, self.lanes):
            if _clock(whole[at]) in ending:
                whole[at] = 0
        for number, lane in enumerate(self.system.lanes):
            at = self.lanes + number
            held = tuple((next_age(lane, m[0]), *m[1:]) if _clock(m[0]) in ending else m for m in whole[at])
            whole[at] = sorted_bag(held) if lane.order is Order.UNORDERED else held
        return tuple(whole)

    def _move(self, outcome: Outcome, present: int) -> Move:
        if outcome.state is None:
            return Move(outcome.choice, outcome.events, outcome.failed, None, ())
        state, terms = self._unmarked(outcome.state, present)
        return Move(outcome.choice, outcome.events, None, state, terms)

    def _unmarked(self, marked: State, present: int) -> tuple[State, tuple[Term, ...]]:
        """The representative of a state that the interpreter made of one, and the terms of its clocks."""
        whole = list(marked)
        terms: list[Term] = []
        for at in range(self.timers, self.lanes):
            value = whole[at]
            if value > 0:
                terms.append((value.clock, 0) if isinstance(value, Ticking) else (present, value))
                whole[at] = 1
        for number, lane in enumerate(self.system.lanes):
            held: list[tuple[int, ...]] = []
            for message in whole[self.lanes + number]:
                age = message[0]
                if age < lane.maximum:
                    left = next_age(lane, age) - int(age)
                    terms.append((age.clock, 0) if isinstance(age, Ticking) else (present, left))
                held.append((int(age), *message[1:]))
            whole[self.lanes + number] = tuple(held)
        return tuple(whole), tuple(terms)

    def place(self, discrete: Discrete, move: Move) -> tuple[int, int, tuple[int, ...]] | None:
        """Of a move that takes a message of an unordered lane: the lane, the clock of the message (0: none), its content."""
        step = move.choice.step
        take = self.system.steps[step].take if step >= 0 else None
        if take is None or self.system.lanes[take.lane].order is not Order.UNORDERED:
            return None
        message = self.marked(discrete.state)[0][self.lanes + take.lane][move.choice.position]
        return take.lane, _clock(message[0]), message


def next_age(lane: Lane, age: int) -> int:
    """The age at which a message becomes something else: deliverable, then due."""
    return lane.minimum if age < lane.minimum else lane.maximum


def _clock(value: Any) -> int:  # noqa: ANN401 - a number of a state
    return value.clock if isinstance(value, Ticking) else 0


