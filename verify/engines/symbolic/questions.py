"""A question about a system, for the solvers: its moves with the observer that the question needs, and which states answer it.

An observer counts the ticks that pass while it waits, as :mod:`verify.system.property` defines it; it stops at bound + 1,
which is the violation. A delay is no longer than brings it there. Predicates that ask for events hold differently in the first
state of a delay than on its way: where that matters to the observer, the delay is a single tick.
"""

from __future__ import annotations

from typing import Any

from verify.base.record import record
from verify.engines.symbolic.effects import value
from verify.engines.symbolic.layout import IDLE, Layout, State
from verify.engines.symbolic.terms import Term, both, choose, either, equals, lifted, no, number, truth
from verify.engines.symbolic.transitions import REST, Move, Transitions
from verify.semantics.interpreter import START, TICK
from verify.system.expression import FALSE, Expression, events_of, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Within
from verify.system.system import System


@record
class Observer:
    """It waits from where ``starts`` holds (None: from the beginning, once) to where ``stops`` does, at most ``bound`` ticks."""

    starts: Expression | None
    stops: Expression
    bound: Expression


def observer_of(form: Form) -> Observer | None:
    """The observer of a form with a bound."""
    match form:
        case NeverLonger(bad, bound):
            return Observer(bad, negation(bad), bound)
        case Within(trigger, response, bound):
            return Observer(trigger, response, bound)
        case _:
            return None


class Question:
    """``moves`` (steps, then the delay), ``initial``, and ``goal``: the states of the layout that violate, or that are sought."""

    def __init__(self, system: System, form: Form | None, *, stepwise: bool = False) -> None:
        """A form of safety, or None: no goal. Unsupported if the system cannot be encoded.

        ``stepwise``: atomic reactions are moves of their own, for proofs.
        """
        self.form = form
        self.observer = None if form is None else observer_of(form)
        self.layout = Layout(system, sorted(asked_events(form)), counting=self.observer is not None, stepwise=stepwise)
        self.transitions = Transitions(self.layout)
        self.initial = self.transitions.initial
        self.tick = self.transitions.tick
        self.moves: list[Move] = [*self.transitions.moves, self.tick]
        self.bound: Term = 0
        if self.observer is not None:
            bound = number(self.layout.rigid(self.observer.bound))
            self.bound = choose(bound > 0, bound, 0)
            self._watch(self.observer)
        self.goal = lifted(self._goal())

    def _goal(self) -> Term:
        state = self.layout.state()
        match self.form:
            case Never(asked) | Possible(asked):
                return both(equals(state.busy, 0), truth(value(asked, self.layout, state)))
            case None:
                return False
            case _:
                return equals(state.counter, self.bound + 1)

    def _holds(self, expression: Expression, state: State, *, arriving: bool = True) -> Term:
        return truth(value(expression, self.layout, state, events=None if arriving else {}))

    def _watch(self, watch: Observer) -> None:
        state = self.layout.state()
        if self.layout.stepwise:
            self._watch_at_rest(watch)
            return
        for move in self.moves:
            if move.step != TICK:
                move.state.counter = self._arrival(watch, move.state, state.counter)
        stops, starts = self._holds(watch.stops, move_state := self.initial.state), True
        if watch.starts is not None:
            starts = self._holds(watch.starts, move_state)
        self.initial.state.counter = choose(both(starts, no(stops)), 0, IDLE)
        self.tick.state.counter = self._arrival(watch, self.tick.state, self._counted(watch))

    def _watch_at_rest(self, watch: Observer) -> None:
        """Where atomic reactions are moves, the observer looks when they are at rest."""
        state = self.layout.state()
        for move in self.moves:
            rests = move.step == REST
            move.state.counter = self._arrival(watch, move.state, state.counter) if rests else state.counter
        self.initial.state.counter = 0 if watch.starts is None else IDLE
        self.tick.state.counter = self._counted(watch)

    def _counted(self, watch: Observer) -> Term:
        """The counter after the delay, before anything is looked at; and what that means for the delay."""
        state = self.layout.state()
        delay, waits = self.transitions.delay, state.counter >= 0
        limits = [no(equals(state.counter, self.bound + 1)), either(no(waits), state.counter + delay <= self.bound + 1)]
        if asked_events(self.form):
            stopping = self._holds(watch.stops, state, arriving=False)
            starting = FALSE if watch.starts is None else watch.starts
            waiting = both(self._holds(starting, state, arriving=False), no(stopping))
            limits.append(either(delay == 1, choose(waits, no(stopping), no(waiting))))
        self.tick.allowed = both(self.tick.allowed, *limits)
        return choose(waits, state.counter + delay, state.counter)

    def _arrival(self, watch: Observer, state: State, counted: Term) -> Term:
        """The counter on arrival; what has passed the bound stays there."""
        stops = self._holds(watch.stops, state)
        starts = False if watch.starts is None else self._holds(watch.starts, state)
        begun = choose(both(counted < 0, starts), 0, counted)
        return choose(equals(counted, self.bound + 1), counted, choose(stops, IDLE, begun))

    # ---- for the solvers

    def begin(self) -> list[Any]:
        """What holds of the first state, over the layout's constants and the inputs of the beginning."""
        flat = self.layout.flat(self.initial.state)
        same = [c == t for c, t in zip(self.layout.constants, flat, strict=True)]
        return [*self.layout.premises(), lifted(self.initial.arrives), *same]


def asked_events(form: Form | None) -> frozenset[int]:
    """The events that a form's predicates ask for."""
    match form:
        case Never(bad):
            return events_of(bad)
        case Possible(good):
            return events_of(good)
        case NeverLonger(bad):
            return events_of(bad)
        case Within(trigger, response):
            return events_of(response) | (frozenset() if trigger is None else events_of(trigger))
        case _:
            return frozenset()


__all__ = ["START", "Observer", "Question", "asked_events", "observer_of"]
