"""Whether a run violates a property, straight from the definitions in :mod:`verify.system.property`.

The judge uses this and nothing of the engines. A run is a list of moments; a lasso is a run whose last state equals the one
at ``loop``: its infinite behaviour is the moments up to ``loop``, then those after it for ever.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple, assert_never

from verify.semantics.interpreter import TICK, Interpreter, State
from verify.semantics.temporal import Reading, on_lasso, on_prefix
from verify.system.expression import Constant, Expression
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    Form,
    LeadsTo,
    Ltl,
    Never,
    NeverLonger,
    Possible,
    Until,
    Within,
)


class Moment(NamedTuple):
    """A state of a run, the events of the step that led to it, and that step (START for the first)."""

    state: State
    events: frozenset[int]
    step: int


Predicate = Callable[[Moment], bool]


def holds(interpreter: Interpreter, expression: Expression) -> Predicate:
    """The predicate over moments."""
    inner = interpreter.predicate(expression)
    return lambda moment: inner(moment.state, moment.events)


def ticks_of(bound: Expression) -> int:
    """A bound in ticks; ValueError if it depends on a parameter that is still open."""
    if not isinstance(bound, Constant):
        message = "the bound of this property depends on open parameters"
        raise ValueError(message)  # noqa: TRY004 - the system is not closed
    return bound.value


def violation(interpreter: Interpreter, form: Form, run: Sequence[Moment]) -> int | None:
    """The index of the first moment at which a finite run violates the form, None if it does not."""
    match form:
        case Never(bad):
            return _first(holds(interpreter, bad), run)
        case NeverLonger(bad, bound):
            return _too_long(holds(interpreter, bad), ticks_of(bound), run)
        case Within(trigger, response, bound):
            asked = None if trigger is None else holds(interpreter, trigger)
            return _too_late(asked, holds(interpreter, response), ticks_of(bound), run)
        case Until(hold, goal):
            kept, reached = holds(interpreter, hold), holds(interpreter, goal)
            for index, moment in enumerate(run):
                if reached(moment):
                    return None
                if not kept(moment):
                    return index
            return None
        case Ltl(formula):
            lost = bisect_left(  # what is false for certain stays so on a longer run
                range(len(run)), True, key=lambda i: on_prefix(formula, _reading(interpreter, run[: i + 1])) is False
            )
            return lost if lost < len(run) else None
        case Possible() | Eventually() | EventuallyAlways() | AlwaysEventually() | LeadsTo():
            return None
        case _:
            assert_never(form)


def _reading(interpreter: Interpreter, run: Sequence[Moment]) -> Reading:
    return lambda predicate: list(map(holds(interpreter, predicate), run))


def witness(interpreter: Interpreter, form: Possible, run: Sequence[Moment]) -> int | None:
    """The index of the first moment that satisfies the form."""
    return _first(holds(interpreter, form.good), run)


def _first(predicate: Predicate, run: Sequence[Moment]) -> int | None:
    return next((i for i, moment in enumerate(run) if predicate(moment)), None)


def _too_long(bad: Predicate, bound: int, run: Sequence[Moment]) -> int | None:
    """For each stretch of bad moments, the ticks that pass from its first moment on while bad holds."""
    since: int | None = None
    for index, moment in enumerate(run):
        if since is not None and moment.step == TICK and _ticks(run, since, index) > bound:
            return index
        if not bad(moment):
            since = None
        elif since is None:
            since = index
    return None


def _too_late(trigger: Predicate | None, response: Predicate, bound: int, run: Sequence[Moment]) -> int | None:
    since: int | None = 0 if trigger is None and not response(run[0]) else None
    for index, moment in enumerate(run):
        if since is not None and moment.step == TICK and _ticks(run, since, index) > bound:
            return index
        if response(moment):
            since = None
        elif since is None and trigger is not None and trigger(moment):
            since = index
    return None


def _ticks(run: Sequence[Moment], start: int, end: int) -> int:
    return sum(1 for moment in run[start + 1 : end + 1] if moment.step == TICK)


def lasso_violates(interpreter: Interpreter, form: Form, run: Sequence[Moment], loop: int) -> bool:
    """Whether the infinite run of a lasso violates a liveness form."""
    cycle = run[loop + 1 :]
    match form:
        case Eventually(good):
            return not any(map(holds(interpreter, good), run))
        case EventuallyAlways(good):
            return not all(map(holds(interpreter, good), cycle))
        case AlwaysEventually(good):
            return not any(map(holds(interpreter, good), cycle))
        case LeadsTo(trigger, response):
            asked, answered = holds(interpreter, trigger), holds(interpreter, response)
            if any(map(answered, cycle)):
                return False
            last = max((i for i, moment in enumerate(run) if answered(moment)), default=-1)
            return any(asked(moment) for moment in run[last + 1 :])
        case Until(hold, goal):
            return not any(map(holds(interpreter, goal), run)) and all(map(holds(interpreter, hold), run))
        case Ltl(formula):
            return not on_lasso(formula, _reading(interpreter, run), loop)
        case Never() | NeverLonger() | Possible() | Within():
            return False
        case _:
            assert_never(form)


def endless(interpreter: Interpreter, run: Sequence[Moment], loop: int) -> str:
    """Why a lasso is no run that liveness is about, or "": it must close, let time pass, and keep the declared fairness."""
    cycle = run[loop + 1 :]
    if not cycle or run[-1].state != run[loop].state:
        return "the loop does not close"
    if not any(moment.step == TICK for moment in cycle):
        return "no time passes in the loop"
    for fairness in interpreter.system.fairness:
        if any(moment.step in fairness.steps for moment in cycle):
            continue
        enabled = [any(interpreter.enabled(moment.state, step) for step in fairness.steps) for moment in cycle]
        if any(enabled) if fairness.strong else all(enabled):
            return f"the loop is not fair to {fairness.name}"
    return ""
