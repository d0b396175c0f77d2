"""States that can be reached, to guess invariants from: random walks, for several values of the parameters."""

from __future__ import annotations

import random
import time

import z3

from verify.base.record import record
from verify.engines.symbolic.layout import IDLE, Layout
from verify.engines.symbolic.questions import Observer, Question
from verify.passes.valuations import allowed, close, closed_expression
from verify.semantics.effects import sorted_bag
from verify.semantics.interpreter import TICK, Interpreter, Outcome, State
from verify.system.expression import Constant, Expression
from verify.system.system import Order, System

DRAWS = 400


@record
class Sample:
    """The values of the layout's components, and of the parameters."""

    values: tuple[int, ...]
    parameters: tuple[int, ...]


def parameter_values(layout: Layout, most: int) -> list[tuple[int, ...]]:
    """Up to so many different values of the parameters that the assumptions allow: extremes by the solver, others drawn."""
    if not layout.parameters:
        return [()]
    found: dict[tuple[int, ...], None] = {}
    for parameter in layout.parameters[: len(layout.system.parameters)]:
        for sense in (z3.Optimize.minimize, z3.Optimize.maximize):
            best = z3.Optimize()
            best.set("timeout", 1000)
            best.add(*layout.premises())
            sense(best, parameter)
            if best.check() == z3.sat:
                model = best.model()
                of_system = layout.parameters[: len(layout.system.parameters)]
                found[tuple(model.eval(p, model_completion=True).as_long() for p in of_system)] = None
    draw = random.Random(1)  # noqa: S311 - samples, no secrets
    for _ in range(DRAWS):
        if len(found) >= most:
            break
        values = tuple(draw.randint(p.domain.low, p.domain.high) for p in layout.system.parameters)
        if allowed(layout.system, values):
            found[values] = None
    return list(found)[:most]


def samples(question: Question, seconds: float, most: int = 12) -> list[Sample]:
    """States of random walks, without those that repeat."""
    found: dict[Sample, None] = {}
    choices = parameter_values(question.layout, most)
    for number, values in enumerate(choices):
        until = time.monotonic() + seconds / max(1, len(choices))
        walker = _Walker(question, values, number)
        while time.monotonic() < until:
            for sample in walker.walk(until):
                found[sample] = None
    return list(found)


class _Walker:
    def __init__(self, question: Question, values: tuple[int, ...], seed: int) -> None:
        self.question = question
        self.parameters = values
        self.whole = question.layout.whole(values)
        self.interpreter = Interpreter(close(question.layout.system, values))
        self.draw = random.Random(seed)  # noqa: S311 - samples, no secrets
        self.watch = None if question.observer is None else _Watch(self, question.observer)

    def walk(self, until: float, most: int = 200) -> list[Sample]:
        layout, seen = self.question.layout, []
        outcomes = [o for o in self.interpreter.initial() if o.state is not None]
        counter = IDLE
        state: State = ()
        for number in range(most):
            if not outcomes or time.monotonic() > until:
                break
            taken, ticks = self.drawn(outcomes), 1
            if taken.choice.step == TICK and not layout.system.atomic:
                ticks = self.length(state, counter)
                taken = taken._replace(state=later(layout.system, state, ticks))
            if self.watch is not None:
                counter = self.watch.after(taken, counter, ticks, first=number == 0)
            state = taken.state or ()
            seen.append(Sample(tuple(layout.values(state, taken.events, counter)), self.whole))
            outcomes = [o for o in self.interpreter.outcomes(state) if o.state is not None]
        return seen

    def length(self, state: State, counter: int) -> int:
        """How long to wait: mostly until something changes."""
        system = self.question.layout.system
        timers, lanes = len(system.variables), len(system.variables) + len(system.timers)
        bounds = [t for t in state[timers:lanes] if t > 0]
        for lane, held in zip(system.lanes, state[lanes:], strict=True):
            bounds += [stage - m[0] for m in held for stage in (lane.minimum, lane.maximum) if m[0] < stage]
        if self.watch is not None and 0 <= counter <= self.watch.bound:
            bounds.append(self.watch.bound + 1 - counter)
        most = min(bounds, default=1)
        return most if self.draw.random() < 0.6 else self.draw.randint(1, most)

    def drawn(self, outcomes: list[Outcome]) -> Outcome:
        ticks = [o for o in outcomes if o.choice.step == TICK]
        others = [o for o in outcomes if o.choice.step != TICK]
        if ticks and others:
            return self.draw.choice(ticks if self.draw.random() < 0.5 else others)
        return self.draw.choice(ticks or others)

    def holds(self, expression: Expression, outcome: Outcome) -> bool:
        closed = closed_expression(expression, self.parameters)
        return self.interpreter.predicate(closed)(outcome.state or (), outcome.events)


def later(system: System, state: State, ticks: int) -> State:
    """The state so many ticks on, if nothing but time happens: for samples, from which nothing follows."""
    timers, lanes = len(system.variables), len(system.variables) + len(system.timers)
    held = []
    for lane, messages in zip(system.lanes, state[lanes:], strict=True):
        aged = tuple((min(m[0] + ticks, lane.maximum), *m[1:]) for m in messages)
        held.append(sorted_bag(aged) if lane.order is Order.UNORDERED else aged)
    return (*state[:timers], *(max(0, t - ticks) if t > 0 else t for t in state[timers:lanes]), *held)


class _Watch:
    """The observer of the question, along a walk."""

    def __init__(self, walker: _Walker, observer: Observer) -> None:
        self.walker = walker
        self.observer = observer
        bound = closed_expression(observer.bound, walker.parameters)
        self.bound = max(0, bound.value) if isinstance(bound, Constant) else 0

    def after(self, outcome: Outcome, counter: int, ticks: int, *, first: bool) -> int:
        if outcome.choice.step == TICK and 0 <= counter <= self.bound:
            counter += ticks
        if counter > self.bound:
            return counter
        if self.walker.holds(self.observer.stops, outcome):
            return IDLE
        starts = self.observer.starts
        begins = first if starts is None else self.walker.holds(starts, outcome)
        return 0 if counter == IDLE and begins else counter
