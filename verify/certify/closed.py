"""Check that a set of states is closed, and that what is claimed follows from it.

The reference interpreter says what comes after a state: it is the definition. Nothing else is used of what engines use. Shown is:

- every first state is in the set, and so is every state after one in it, by every step and tick; none of them is an error;
- no state of the set is a violation. Of a property with a bound, each state has the most that the observer can have counted
  there, and from it no tick brings it beyond the bound. That is enough for all lesser counts: on the same way, what the observer
  has counted after a step is never less for having counted more before;
- something can happen in every state, reactions do not go on for ever in no time, and from every state a tick can be reached;
- of a property of endless runs: no cycle through the set is one of a run that violates it (:mod:`verify.certify.endless`).

These are the promises of a proof by exhaustion. A set may hold more states than are reached, as long as all of this is so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from verify.certify.endless import Endless
from verify.certify.formula import Refused, Undecided
from verify.certify.states import Row
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import TICK, Interpreter, Outcome, State
from verify.system.expression import Constant, Expression, events_of, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Safety, Within
from verify.system.statement import Choose
from verify.system.system import StepKind, System
from verify.system.wellformed import nodes

MOST_OPTIONS = 100_000  # of one choice
CHECK_EVERY = 256
IDLE = -1


@dataclass(frozen=True, slots=True)
class Closed:
    """What was looked at: states, and the transitions from them."""

    states: int
    transitions: int


def check_closed(system: System, form: Form, rows: Iterable[Row], until: float | None = None) -> Closed:
    """Check that the rows are a closed set that shows the property; Refused if they are not, Undecided if time is up.

    ``until``: that point of ``time.monotonic()``, None if there is no limit.
    """
    able(system)
    return _Checking(system, form, until).all(rows)


def able(system: System) -> None:
    """Refused or Undecided if this program cannot judge such a system."""
    if system.parameters:
        raise Refused("a closed set is one of a system without open parameters")
    if any(isinstance(n, Choose) and n.high - n.low >= MOST_OPTIONS for n in nodes(system)):
        raise Undecided(f"a choice from more than {MOST_OPTIONS:,} values is too much for this program")


def counts(form: Form) -> bool:
    """Whether the observer of a form counts ticks."""
    return isinstance(form, NeverLonger | Within)


@dataclass(frozen=True, slots=True)
class Observer:
    """Waits from where ``starts`` holds (None: from the first state) to where ``stops`` does, and may count to ``bound``."""

    starts: Callable[[State, frozenset[int]], bool] | None
    stops: Callable[[State, frozenset[int]], bool]
    bound: int

    def at_first(self, state: State) -> int:
        """What is counted in a first state."""
        if self.stops(state, NO_EVENTS):
            return IDLE
        return 0 if self.starts is None or self.starts(state, NO_EVENTS) else IDLE

    def arrives(self, before: int, outcome: Outcome, state: State) -> int:
        """What is counted after a transition, ``before`` already the tick included."""
        if self.stops(state, outcome.events):
            return IDLE
        begins = before == IDLE and self.starts is not None and self.starts(state, outcome.events)
        return 0 if begins else before


def observer_of(interpreter: Interpreter, form: Form) -> Observer | None:
    """The observer of a form with a bound; None of the others."""
    match form:
        case NeverLonger(bad, bound):
            starts: Expression | None = bad
            stops = negation(bad)
        case Within(starts, stops, bound):
            pass
        case _:
            return None
    if not isinstance(bound, Constant):
        raise Refused("the bound of the property is no number")
    return Observer(None if starts is None else interpreter.predicate(starts), interpreter.predicate(stops), bound.value)


@dataclass(slots=True)
class _Edges:
    """Some transitions, by the numbers of their states: from where, where to."""

    after: dict[int, list[int]] = field(default_factory=dict)

    def behind(self) -> dict[int, list[int]]:
        """From where one comes to a state."""
        found: dict[int, list[int]] = {}
        for state, ahead in self.after.items():
            for other in ahead:
                found.setdefault(other, []).append(state)
        return found


class _Checking:
    """One set at work. States are numbered by their lines, from 1 on."""

    def __init__(self, system: System, form: Form, until: float | None) -> None:
        self.system = system
        self.interpreter = Interpreter(system)
        self.observer = observer_of(self.interpreter, form)
        wrong = form.bad if isinstance(form, Never) else form.good if isinstance(form, Possible) else None
        self.wrong = None if wrong is None else self.interpreter.predicate(wrong)
        self.of_steps = wrong is not None and bool(events_of(wrong))
        self.endless = None if isinstance(form, Safety) else Endless(self.interpreter, form)
        self.until = until
        self.line: dict[State, int] = {}
        self.counted: list[int] = [IDLE]
        self.transitions = 0
        self.reactions = _Edges()
        self.timeless = _Edges()  # from states in which no tick is allowed

    def all(self, rows: Iterable[Row]) -> Closed:
        """Everything that has to be shown."""
        for number, row in enumerate(rows, 1):
            self.hurry(number)
            if self.line.setdefault(row.state, number) != number:
                raise Refused(f"{self.at(number)} stands on line {self.line[row.state]:,} already")
            self.counted.append(row.counted)
        self.begins()
        for state, number in self.line.items():
            self.hurry(number)
            self.leads_on(state, number)
        self.reactions_end()
        self.time_passes()
        if self.endless is not None:
            self.endless.check(self.hurry)
        return Closed(len(self.line), self.transitions)

    def hurry(self, number: int) -> None:
        """Look at the clock now and then."""
        if number % CHECK_EVERY == 0 and self.until is not None and time.monotonic() > self.until:
            raise Undecided(f"the time limit is met at state {number:,}")

    # ---- the set is closed, and no state of it is a violation

    def begins(self) -> None:
        """Every first state is in the set."""
        for outcome in self.interpreter.initial():
            number, state = self.arrived(outcome, "the beginning")
            if self.observer is not None and self.observer.at_first(state) > self.counted[number]:
                raise Refused(f"{self.at(number)} is a first state, in which the observer waits: it counts from 0 there")
            if self.endless is not None:
                self.endless.begin(number, state)

    def leads_on(self, state: State, number: int) -> None:
        """Everything that can happen in a state."""
        if self.wrong is not None and not self.of_steps and self.wrong(state, NO_EVENTS):
            raise Refused(f"{self.at(number)} is a violation of the property")
        ticks = False
        ahead: list[int] = []
        outcomes = self.interpreter.outcomes(state)
        for outcome in outcomes:
            step = outcome.choice.step
            name = "a tick" if step == TICK else f"the step '{self.system.steps[step].name}'"
            what = f"{self.at(number)}: {name}"
            to, after = self.arrived(outcome, what)
            self.counts_on(number, outcome, after, to, what)
            ticks = ticks or step == TICK
            ahead.append(to)
            if step != TICK and self.system.steps[step].kind is StepKind.REACTION:
                self.reactions.after.setdefault(number, []).append(to)
        self.transitions += len(ahead)
        if not ahead:
            raise Refused(f"{self.at(number)}: nothing can happen any more")
        if not ticks:
            self.timeless.after[number] = ahead
        if self.endless is not None:
            self.endless.leads_on(zip(ahead, outcomes, strict=True))

    def arrived(self, outcome: Outcome, what: str) -> tuple[int, State]:
        """Where a transition leads, which has to be in the set and no violation; ``what`` led there."""
        state = outcome.state
        if state is None:
            failed = "" if outcome.failed is None else f": {outcome.failed.failure.value}, of {outcome.failed.subject}"
            raise Refused(f"{what} leads to an error{failed}")
        number = self.line.get(state)
        if number is None:
            raise Refused(f"{what} leads out of the set, to {_told(state)}")
        if self.of_steps and self.wrong is not None and self.wrong(state, outcome.events):
            raise Refused(f"{what} leads to {self.at(number)}, and violates the property there")
        return number, state

    def counts_on(self, number: int, outcome: Outcome, after: State, to: int, what: str) -> None:
        """The observer does not pass its bound, and counts no more after a step than is written there."""
        if self.observer is None:
            return
        now = self.counted[number]
        if now != IDLE and outcome.choice.step == TICK:
            now += 1
            if now > self.observer.bound:
                raise Refused(f"{what} brings the observer to {now}, and the property allows {self.observer.bound}")
        now = self.observer.arrives(now, outcome, after)
        if now > self.counted[to]:
            raise Refused(f"{what} leads to {self.at(to)} with {now} counted, and {self.counted[to]} is written there")

    # ---- time

    def reactions_end(self) -> None:
        """What has no reaction ahead is taken away, again and again; what is left goes round, or leads to where it does."""
        after, behind = self.reactions.after, self.reactions.behind()
        left = {state: len(ahead) for state, ahead in after.items()}
        ready = [state for state in behind if state not in left]
        while ready:
            for before in behind.get(ready.pop(), ()):
                left[before] -= 1
                if not left[before]:
                    ready.append(before)
        rest = [state for state, ahead in left.items() if ahead]
        if rest:
            raise Refused(f"{self.at(min(rest))}: from here reactions can go on for ever in no time")

    def time_passes(self) -> None:
        """From every state one in which a tick is allowed can be reached."""
        behind = self.timeless.behind()
        waiting = set(self.timeless.after)
        ready = [state for state in behind if state not in waiting]
        while ready:
            for before in behind.get(ready.pop(), ()):
                if before in waiting:
                    waiting.discard(before)
                    ready.append(before)
        if waiting:
            raise Refused(f"{self.at(min(waiting))}: from here no tick can be reached, time cannot pass")

    def at(self, number: int) -> str:
        """A state, for a message."""
        return f"the state on line {number:,}"


def _told(state: State) -> str:
    text = str(state)
    return text if len(text) <= 160 else text[:160] + "…"
