"""The reference interpreter: from a state, every transition. Correct before fast; everything else is measured against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from verify.semantics.effects import ChoiceMet, Effect, Failed, FailureMet, Scratch, effect_of, sorted_bag
from verify.semantics.expressions import NO_EVENTS, Evaluator, evaluator
from verify.system.expression import FALSE, TRUE, Apply, Expression, Local
from verify.system.system import Failure, Order, StepKind, System, Taking

State = tuple[Any, ...]

TICK = -1
START = -2


class Choice(NamedTuple):
    """What makes a transition one: the step (TICK, or START for the beginning), the message's position, the picks made."""

    step: int
    position: int = -1
    picks: tuple[int, ...] = ()


class Outcome(NamedTuple):
    """A transition: where it leads (None if an error ends the run there), what occurred, which rules ran."""

    choice: Choice
    state: State | None
    events: frozenset[int]
    failed: Failed | None
    rules: tuple[int, ...]


class NotEnabled(Exception):  # noqa: N818 - an answer, not an error of ours
    """The choice is not possible in this state."""


class _Ready:
    """A step made ready to run. ``guard`` None: always; ``urgent`` False: never, unless its message is due."""

    __slots__ = ("body", "guard", "lane", "number", "reads_message", "slots", "taking", "urgent")
    body: Effect

    def __init__(self, number: int, system: System) -> None:
        step = system.steps[number]
        self.number = number
        self.guard = None if step.guard == TRUE else evaluator(step.guard, system)
        fixed = step.urgent in (TRUE, FALSE)
        self.urgent: Evaluator | bool = step.urgent == TRUE if fixed else evaluator(step.urgent, system)
        self.slots = max(1, step.slots)
        self.lane = -1 if step.take is None else step.take.lane
        self.taking = None if step.take is None else step.take.taking
        self.reads_message = step.take is not None and _reads_message(step.guard)

        def first(r: Scratch) -> None:  # most runs take few of the steps
            if self.body is first:
                self.body = effect_of(step.body, system)
            self.body(r)

        self.body = first


class Interpreter:
    """The transitions of a closed system. States are flat tuples: see :mod:`verify.semantics.expressions`."""

    def __init__(self, system: System) -> None:
        """Prepare ``system``; ValueError if it has open parameters, or reactions that could never run."""
        if system.parameters:
            message = f"system '{system.name}' has open parameters: close it first"
            raise ValueError(message)
        self.system = system
        self._timers = len(system.variables)
        self._lanes = self._timers + len(system.timers)
        self._size = self._lanes + len(system.lanes)
        ready = [_Ready(i, system) for i in range(len(system.steps))]
        reacting = [system.atomic and step.kind is StepKind.REACTION for step in system.steps]
        self._all = ready
        self._steps = [r for r, inner in zip(ready, reacting, strict=True) if not inner]
        self._units: list[list[_Ready]] = [[] for _ in system.units]
        for r, inner in zip(ready, reacting, strict=True):
            unit = system.steps[r.number].unit
            if not inner:
                continue
            if unit is None or r.taking is not None:
                message = f"the reaction '{system.steps[r.number].name}' has no unit, or takes a message"
                raise ValueError(message)
            self._units[unit].append(r)

    @cached_property
    def _initially(self) -> Effect:
        return effect_of(self.system.initially, self.system)

    # ---- the beginning

    def initial(self) -> list[Outcome]:
        """The initial states: one, or several when atomic reactions make choices at once."""
        start = [v.initial for v in self.system.variables] + [t.initial for t in self.system.timers]
        state: list[Any] = [*start, *(() for _ in self.system.lanes)]

        def begin(r: Scratch) -> None:
            self._initially(r)
            self._settle(r)

        return list(self._explored(tuple(state), START, -1, begin, self._widest()))

    def _widest(self) -> int:
        return max((step.slots for step in self.system.steps), default=0) + 64

    # ---- transitions

    def outcomes(self, state: State) -> list[Outcome]:
        """Every transition from a state, in a fixed order: the steps as they stand, then the tick."""
        found, urgent = self.steps(state)
        if not urgent:
            found += self._ticked(state)
        return found

    def steps(self, state: State) -> tuple[list[Outcome], bool]:
        """The transitions from a state that are no ticks, and whether one of their steps is urgent."""
        found: list[Outcome] = []
        urgent = False
        for r in self._steps:
            if r.taking is None:
                if r.guard is None or r.guard(state, (), NO_EVENTS):
                    urgent = urgent or self._is_urgent(r, state)
                    found += self._explored(state, r.number, -1, r.body, r.slots)
            else:
                for position in self._positions(r, state):
                    urgent = urgent or self._is_due(r, state, position)
                    found += self._taken(r, state, position)
        return found, urgent

    def apply(self, state: State, choice: Choice) -> Outcome:
        """The transition that a choice makes; NotEnabled if it is not possible here."""
        for outcome in self.outcomes_of(state, choice.step):
            if outcome.choice == choice:
                return outcome
        raise NotEnabled(choice)

    def outcomes_of(self, state: State, step: int) -> list[Outcome]:
        """The transitions that one step (or TICK) makes from a state."""
        if step == TICK:
            return list(self._ticked(state)) if self.tick_allowed(state) else []
        if not 0 <= step < len(self._all) or self._all[step] not in self._steps:
            return []
        r = self._all[step]
        if r.taking is not None:
            return [o for position in self._positions(r, state) for o in self._taken(r, state, position)]
        if r.guard is None or r.guard(state, (), NO_EVENTS):
            return list(self._explored(state, step, -1, r.body, r.slots))
        return []

    def tick_allowed(self, state: State) -> bool:
        """Whether no enabled step is urgent."""
        for r in self._steps:
            if r.taking is not None:
                if any(self._is_due(r, state, p) for p in self._positions(r, state)):
                    return False
            elif (r.guard is None or r.guard(state, (), NO_EVENTS)) and self._is_urgent(r, state):
                return False
        return True

    def enabled(self, state: State, step: int) -> bool:
        """Whether a step can be taken here (with whatever message)."""
        return bool(self.outcomes_of(state, step))

    def predicate(self, expression: Expression) -> Callable[[State, frozenset[int]], bool]:
        """A predicate over states and the events of the step that led to them."""
        function = evaluator(expression, self.system)
        return lambda state, events: bool(function(state, (), events))

    # ---- one step

    def _is_urgent(self, r: _Ready, state: State) -> bool:
        return r.urgent if isinstance(r.urgent, bool) else bool(r.urgent(state, (), NO_EVENTS))

    def _is_due(self, r: _Ready, state: State, position: int) -> bool:
        if r.taking is not Taking.DELIVER:
            return self._is_urgent(r, state)
        due = state[self._lanes + r.lane][position][0] >= self.system.lanes[r.lane].maximum
        return bool(due) or self._is_urgent(r, state)

    def _positions(self, r: _Ready, state: State) -> Iterator[int]:
        """Where the messages stand that a step can take: of equal copies in a bag, the first."""
        held = state[self._lanes + r.lane]
        if not held:
            return
        lane = self.system.lanes[r.lane]
        fifo = lane.order is Order.FIFO
        last = 1 if fifo and r.taking is Taking.DELIVER else len(held)
        for position in range(last):
            message = held[position]
            if r.taking is Taking.DELIVER and message[0] < lane.minimum:
                continue
            if not fifo and position and held[position - 1] == message:
                continue
            if r.guard is None or r.guard(state, message[1:] if r.reads_message else (), NO_EVENTS):
                yield position

    def _taken(self, r: _Ready, state: State, position: int) -> Iterator[Outcome]:
        at = self._lanes + r.lane
        message = state[at][position]
        rest = state
        if r.taking is not Taking.COPY:
            held = state[at]
            rest = (*state[:at], (*held[:position], *held[position + 1 :]), *state[at + 1 :])
        locals_ = [*message[1:], *([0] * (r.slots - len(message) + 1))]
        return self._explored(rest, r.number, position, r.body, locals_)

    def _ticked(self, state: State) -> Iterator[Outcome]:
        """Time passes: running timers go down, messages grow older."""
        after = list(state)
        for at in range(self._timers, self._lanes):
            if after[at] > 0:
                after[at] -= 1
        for number, lane in enumerate(self.system.lanes):
            held = after[self._lanes + number]
            if held:
                aged = tuple((min(x[0] + 1, lane.maximum), *x[1:]) for x in held)
                after[self._lanes + number] = sorted_bag(aged) if lane.order is Order.UNORDERED else aged
        yield from self.after_tick(tuple(after))

    def after_tick(self, state: State) -> Iterator[Outcome]:
        """What becomes of a state in which a tick has passed just now: atomic reactions run."""
        if not self.system.atomic:
            yield Outcome(Choice(TICK), state, NO_EVENTS, None, ())
        else:
            yield from self._explored(state, TICK, -1, _nothing, self._widest())

    def _explored(
        self, state: State, step: int, position: int, body: Effect, slots: int | list[int]
    ) -> Iterator[Outcome]:
        """Run a body once for each way to make its choices, in the order of the picks."""
        waiting: list[tuple[int, ...]] = [()]
        while waiting:
            picks = waiting.pop()
            r = Scratch(list(state), [0] * slots if isinstance(slots, int) else list(slots), picks, 0, position)
            choice = Choice(step, position, picks)
            try:
                body(r)
                if self.system.atomic and step != START:
                    self._settle(r)
            except ChoiceMet as met:
                waiting += [(*picks, option) for option in reversed(met.options)]
            except FailureMet as met:
                yield Outcome(choice, None, frozenset(r.events), met.failed, tuple(r.rules))
            else:
                events = frozenset(r.events) if r.events and step != START else NO_EVENTS
                yield Outcome(choice, tuple(r.s), events, None, tuple(r.rules))

    def _settle(self, r: Scratch) -> None:
        """Atomic reactions: each unit runs its first enabled reaction, again and again, until none is left in any unit."""
        seen: set[State] = set()
        while any([self._settle_unit(r, unit) for unit in range(len(self._units))]):  # noqa: C419 - every unit, each time
            whole = tuple(r.s)
            if whole in seen:
                raise FailureMet(Failed(Failure.LIVELOCK, "the units together"))
            seen.add(whole)

    def _settle_unit(self, r: Scratch, unit: int) -> bool:
        """Whether the unit had anything to do."""
        reactions = self._units[unit]
        seen: set[State] = set()
        while True:
            enabled = next((x for x in reactions if x.guard is None or x.guard(r.s, (), NO_EVENTS)), None)
            if enabled is None:
                return bool(seen)
            local = tuple(r.s)
            if local in seen:
                raise FailureMet(Failed(Failure.LIVELOCK, self.system.units[unit]))
            seen.add(local)
            if len(r.m) < enabled.slots:
                r.m += [0] * (enabled.slots - len(r.m))
            enabled.body(r)


def _nothing(_: Scratch) -> None:
    """The effect of a tick on its own."""


def _reads_message(expression: Expression) -> bool:
    """Whether an expression depends on the message taken."""
    match expression:
        case Local():
            return True
        case Apply(_, arguments):
            return any(_reads_message(a) for a in arguments)
        case _:
            return False
