"""The transitions of a system as terms: each step with each place of the message it takes, and the passing of time.

**Time.** One delay is d >= 1 ticks, d open. It ends at the latest where something that a guard can ask of time changes: where a
running timer expires, where a message reaches its lane's minimum or maximum delay. So all the states that it passes agree, except
for the events of the step before it, on every guard, every urgency and every predicate with its first state: if no urgent step is
enabled in that one, none is on the way, and a delay of d is d ticks of the interpreter. Longer delays are several of these in a
row, so nothing is lost.

**Atomic reactions** are unrolled, as long as they make no choices: ROUNDS rounds of the units, REACTIONS reactions of a unit in a
row. What would need more is the condition ``beyond`` of a move: no search may call the system explored while that can happen.

Or they are moves of their own (``stepwise`` of the layout), for proofs: units are busy after each step and tick, until no
reaction is enabled; they may take turns as they like, each with the first of its reactions that is enabled. So more states are
met than there are, and what holds where nobody is busy holds of the system.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import z3

from verify.engines.symbolic.effects import Run, Unsupported, merged, ordered, value
from verify.engines.symbolic.layout import Layout, State, aged, removed
from verify.engines.symbolic.terms import Term, both, choose, either, equals, lifted, no, number, truth
from verify.semantics.interpreter import START, TICK
from verify.system.expression import Apply, Expression, Local
from verify.system.statement import Block, Choose, Either, statements
from verify.system.system import Failure, Order, Step, StepKind, Taking

REST = -3  # the move after which nobody is busy
AFTER_STEP, AT_FIRST = 1, 2  # why units are busy
REACTIONS = 6
ROUNDS = 3
LARGEST = 300  # reactions, unrolled


@dataclass(slots=True)
class Move:
    """A way to go on from the state of the layout's constants.

    ``enabled``, ``urgent`` (which implies it), over that state alone; ``allowed``: what the inputs have to satisfy; ``failures``:
    (condition, which, of what); ``picks``: (condition, choice), in their order; ``state`` afterwards, if no error is met;
    ``beyond``: that the reactions need more than was unrolled.
    """

    step: int
    position: int
    enabled: Term
    urgent: Term
    state: State
    allowed: Term = True
    failures: list[tuple[Term, Failure, str]] = field(default_factory=list)
    picks: list[tuple[Term, Any]] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    beyond: Term = False

    @property
    def failed(self) -> Term:
        """Whether an error ends the run here."""
        return either(*(f[0] for f in self.failures))

    @property
    def arrives(self) -> Term:
        """Enabled, with inputs that are allowed, and no error."""
        return both(self.enabled, self.allowed, no(self.failed), no(self.beyond))

    @property
    def fails(self) -> Term:
        """Enabled, with inputs that are allowed, and an error."""
        return both(self.enabled, self.allowed, self.failed)

    @property
    def overruns(self) -> Term:
        """Enabled, with inputs that are allowed, and nobody knows what the reactions do."""
        return both(self.enabled, self.allowed, no(self.failed), self.beyond)


class Transitions:
    """All moves of a system; ``delay`` is the length of the tick's."""

    def __init__(self, layout: Layout) -> None:
        """Unsupported if the system has reactions that cannot be unrolled."""
        self.layout = layout
        self.system = layout.system
        self.delay = z3.Int("d")
        self.stepwise = layout.stepwise
        self.units: list[list[tuple[int, Step]]] = [[] for _ in self.system.units]
        if self.system.atomic:
            self._reactions()
        self.initial = self._initial()
        self.moves = [m for number, step in enumerate(self.system.steps) for m in self._moves(number, step)]
        if self.stepwise:
            self.moves += self._inner()
        self.tick = self._tick()

    def _reactions(self) -> None:
        for number_, step in enumerate(self.system.steps):
            if step.kind is not StepKind.REACTION:
                continue
            if step.unit is None or step.take is not None:
                message = f"the reaction '{step.name}' has no unit, or takes a message"
                raise Unsupported(message)
            if not self.stepwise and _chooses(step.body):
                message = f"the reaction '{step.name}' chooses, within an atomic reaction"
                raise Unsupported(message)
            self.units[step.unit].append((number_, step))
        count = sum(map(len, self.units)) * REACTIONS * ROUNDS
        if count > LARGEST and not self.stepwise:
            message = f"atomic reactions, unrolled to {count:,} (the most is {LARGEST})"
            raise Unsupported(message)

    def _ahead(self, state: State, local: list[Term], position: int, prefix: str) -> Run:
        return Run(self.layout, state, local, position, names=itertools.count(), prefix=prefix)

    def _initial(self) -> Move:
        variables: list[Term] = [v.initial for v in self.system.variables]
        begun = self.layout.state()
        lanes = [[type(s)(fields=(0,) * len(s.fields)) for s in lane] for lane in begun.lanes]
        events: dict[int, Term] = dict.fromkeys(self.layout.events, False)
        state = State(variables, [t.initial for t in self.system.timers], lanes, events)
        widest = max((s.slots for s in self.system.steps), default=0) + 64
        run = self._ahead(state, [0] * widest, -1, "s_")
        run.block(self.system.initially)
        beyond = self._settle(run)
        run.state.events, run.state.busy = events, AT_FIRST if self.stepwise else 0
        return self._move(START, -1, True, False, run, beyond)

    def _move(self, step: int, position: int, enabled: Term, urgent: Term, run: Run, beyond: Term) -> Move:  # noqa: PLR0913
        allowed = both(*run.allowed)
        return Move(step, position, enabled, urgent, run.state, allowed, run.failures, run.picks, run.inputs, beyond)

    def _moves(self, number_: int, step: Step) -> Iterator[Move]:
        if self.system.atomic and step.kind is StepKind.REACTION:
            return
        state = self.layout.state()
        if step.take is None:
            enabled = truth(value(step.guard, self.layout, state))
            if enabled is not False:
                at_rest = both(enabled, equals(state.busy, 0))
                yield self._made(number_, step, -1, at_rest, truth(value(step.urgent, self.layout, state)))
            return
        if not self.layout.fixed.sent(step.take.lane):
            return
        lane = self.system.lanes[step.take.lane]
        fifo = lane.order is Order.FIFO
        last = 1 if fifo and step.take.taking is Taking.DELIVER else lane.capacity
        for position in range(last):
            slot = state.lanes[step.take.lane][position]
            ready = [slot.here, equals(state.busy, 0)]
            if step.take.taking is Taking.DELIVER:
                ready.append(slot.age >= lane.minimum)
            if not fifo and position:
                earlier = state.lanes[step.take.lane][position - 1]
                alike = [equals(earlier.age, slot.age), equals(earlier.kind, slot.kind)]
                alike += [equals(a, b) for a, b in zip(earlier.fields, slot.fields, strict=True)]
                ready.append(no(both(*alike)))
            local = [slot.kind, *slot.fields] + [0] * step.slots
            ready.append(truth(value(step.guard, self.layout, state, local if _reads(step.guard) else [])))
            urgent = truth(value(step.urgent, self.layout, state, []))
            if step.take.taking is Taking.DELIVER:
                urgent = either(urgent, slot.age >= lane.maximum)
            enabled = both(*ready)
            if enabled is not False:
                yield self._made(number_, step, position, enabled, urgent)

    def _made(self, number_: int, step: Step, position: int, enabled: Term, urgent: Term) -> Move:
        state = self.layout.state()
        local: list[Term] = [0] * max(1, step.slots)
        if step.take is not None:
            slot = state.lanes[step.take.lane][position]
            content = [slot.kind, *slot.fields]
            local = [*content, *[0] * max(0, max(1, step.slots) - len(content))]
            if step.take.taking is not Taking.COPY:
                state.lanes[step.take.lane] = removed(state.lanes[step.take.lane], position)
        run = self._ahead(state, local, position, f"m{number_}_{max(0, position)}_")
        run.block(step.body)
        beyond = self._settle(run)
        run.state.events = {e: run.events.get(e, False) for e in self.layout.events}
        run.state.busy = AFTER_STEP if self.stepwise else 0
        return self._move(number_, position, enabled, both(enabled, urgent), run, beyond)

    # ---- time

    @property
    def tick_allowed(self) -> Term:
        """No enabled step is urgent, and nobody is busy."""
        return both(no(either(*(m.urgent for m in self.moves))), equals(self.layout.state().busy, 0))

    def _tick(self) -> Move:
        state = self.layout.state()
        delay, bounds = self.delay, [self.delay >= 1]
        for t, timer in enumerate(state.timers):
            if not isinstance(timer, int):
                bounds.append(either(timer <= 0, delay <= timer))
                state.timers[t] = choose(timer > 0, timer - delay, timer)
        for number_, lane in enumerate(self.system.lanes):
            if lane.maximum == 0 or not self.layout.fixed.sent(number_):
                continue
            for slot in state.lanes[number_]:
                stages = {lane.minimum, lane.maximum} - {0}
                bounds += [either(no(slot.here), slot.age >= s, slot.age + delay <= s) for s in stages]
            held = [aged(slot, delay, lane.maximum) for slot in state.lanes[number_]]
            state.lanes[number_] = ordered(held, len(held) - 1) if lane.order is Order.UNORDERED else held
        run = self._ahead(state, [0] * (max((s.slots for s in self.system.steps), default=0) + 64), -1, "t_")
        beyond = self._settle(run)
        if not self.stepwise and any(self.units):
            bounds.append(either(delay == 1, self._quiet()))
        run.state.events = {e: run.events.get(e, False) for e in self.layout.events}
        run.state.busy = AFTER_STEP if self.stepwise else 0
        made = self._move(TICK, -1, self.tick_allowed, False, run, beyond)
        made.allowed = both(made.allowed, *bounds)
        made.inputs = [delay, *made.inputs]
        return made

    def _quiet(self) -> Term:
        """No reaction can run on the way: none is enabled in the first state, and the way agrees with it on every guard."""
        state = self.layout.state()
        return no(either(*(truth(value(r.guard, self.layout, state)) for unit in self.units for _, r in unit)))

    # ---- atomic reactions

    def _inner(self) -> Iterator[Move]:
        """Reactions, each a move; and the rest after them."""
        state = self.layout.state()
        nobody, busy = True, state.busy > 0
        for unit in self.units:
            earlier: Term = True
            for number_, reaction in unit:
                guard = truth(value(reaction.guard, self.layout, state))
                enabled = both(busy, earlier, guard)
                earlier = both(earlier, no(guard))
                if enabled is False:
                    continue
                move = self._made(number_, reaction, -1, enabled, True)
                move.state.busy, told = state.busy, equals(state.busy, AFTER_STEP)
                after = {e: either(held, both(told, move.state.events[e])) for e, held in state.events.items()}
                move.state.events = after  # those of the beginning are not told
                yield move
            nobody = both(nobody, earlier)
        self.layout.facts.append(lifted(either(busy, nobody)))
        rested = self.layout.state()
        rested.busy = 0
        rests = both(busy, nobody)
        yield Move(REST, -1, rests, rests, rested)

    def _settle(self, run: Run) -> Term:
        """Run the reactions; the condition under which they were not at rest after all that was unrolled."""
        if self.stepwise or not any(self.units):
            return False
        widest = max(max(1, r.slots) for unit in self.units for _, r in unit)
        run.local += [0] * max(0, widest - len(run.local))
        beyond: list[Term] = []
        for _ in range(ROUNDS):
            for unit in self.units:
                if all(self._react(run, unit) for _ in range(REACTIONS if unit else 0)):
                    beyond += [run.truth(r.guard) for _, r in unit]
        beyond += [run.truth(r.guard) for unit in self.units for _, r in unit]
        return both(no(run.failed), either(*beyond))

    def _react(self, run: Run, unit: list[tuple[int, Step]]) -> bool:
        """The first enabled reaction of a unit runs, if one is; whether one might."""
        guards = [run.truth(r.guard) for _, r in unit]
        if all(g is False for g in guards):
            return False
        before, local, path = run.state, run.local, run.path
        after, locals_after = before, local
        for index in range(len(unit) - 1, -1, -1):
            guard = guards[index]
            if guard is False:
                continue
            first = both(guard, *(no(g) for g in guards[:index]))
            run.path, run.state, run.local = both(path, first), before.copy(), list(local)
            run.block(unit[index][1].body)
            after = merged(guard, run.state, after)
            pairs = zip(run.local, locals_after, strict=True)
            locals_after = [choose(guard, number(a), number(b)) for a, b in pairs]
        run.path, run.state, run.local = path, after, locals_after
        return True


def _chooses(block: Block) -> bool:
    return any(isinstance(s, Choose | Either) for s in statements(block))


def _reads(expression: Expression) -> bool:
    match expression:
        case Local():
            return True
        case Apply(_, arguments):
            return any(map(_reads, arguments))
        case _:
            return False


__all__ = ["Move", "Transitions", "Unsupported"]
