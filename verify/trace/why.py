"""Why a property is false in a run: the part of it that is, and when."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from verify.base.record import record
from verify.semantics.interpreter import Interpreter
from verify.semantics.satisfaction import Moment, Predicate, holds
from verify.system.display import show_expression
from verify.system.expression import Apply, Expression, Operator
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    Form,
    Labels,
    LeadsTo,
    Ltl,
    Never,
    NeverLonger,
    Possible,
    Until,
    Within,
)
from verify.system.system import System
from verify.trace.trace import Run


def why(run: Run, system: System, form: Form) -> str:
    """The part of a violated property that is false, in words; "" if there is nothing to add to the trace."""
    last = run.moments[-1] if run.moments else None
    if last is None or run.failed is not None:
        return ""
    if isinstance(form, Ltl):
        return "now it is false, however the run goes on" if run.trace.loop is None else "false if the loop goes on for ever"
    said = _Said(Interpreter(system), form.labels)
    match form:
        case Never(bad):
            return f"now: {said.true_part(bad, last)}"
        case NeverLonger(bad, _):
            return f"for too long now: {said.true_part(bad, run.moments[-2] if len(run.moments) > 1 else last)}"
        case Within(_, response, _):
            return f"too late now, and still not: {said.text(response)}"
        case Eventually(good) | AlwaysEventually(good):
            return f"never in the loop: {said.text(good)}"
        case EventuallyAlways(good):
            return f"again and again not: {said.text(good)}"
        case LeadsTo(_, response):
            return f"never again: {said.text(response)}"
        case Until(hold, goal):
            if run.trace.loop is None:
                return f"now neither: {said.text(hold)}, nor: {said.text(goal)}"
            return f"never: {said.text(goal)}"
        case Possible(good):
            return f"now: {said.true_part(good, last)}"
        case _:
            assert_never(form)


@record
class _Said:
    """Predicates in words: those of the spec where there is a label."""

    interpreter: Interpreter
    labels: Labels

    def text(self, expression: Expression) -> str:
        return show_expression(expression, self.interpreter.system, self.labels)

    def true_part(self, expression: Expression, moment: Moment) -> str:
        """The alternatives of a disjunction that hold, or the whole."""
        if isinstance(expression, Apply) and expression.operator is Operator.OR:
            holding = [a for a in expression.arguments if holds(self.interpreter, a)(moment)]
            if holding and (not self.labelled(expression) or all(map(self.readable, holding))):
                return " or ".join(map(self.text, holding))
        return self.text(expression)

    def labelled(self, expression: Expression) -> bool:
        return any(x.expression == expression for x in self.labels)

    def readable(self, expression: Expression) -> bool:
        """Whether it is in words, all of it."""
        if self.labelled(expression):
            return True
        if not isinstance(expression, Apply):
            return True
        return expression.operator is not Operator.IF and all(map(self.readable, expression.arguments))


class Span(NamedTuple):
    """Moments from the first to the last, both in it, and what they are."""

    first: int
    last: int
    text: str


def when(run: Run, system: System, form: Form) -> list[Span]:
    """The moments in which what the property forbids is the case, or what it demands is still missing."""
    moments = run.moments
    if not moments or run.failed is not None:
        return []
    interpreter = Interpreter(system)
    loop = run.trace.loop
    end = len(moments) - 1
    match form:
        case Never(bad):
            return _spans([holds(interpreter, bad)(m) for m in moments], "property false")
        case NeverLonger(bad, _):
            bads = [holds(interpreter, bad)(m) for m in moments]
            bads[-1] = bads[-1] or (end > 0 and bads[-2])  # the tick that was too much may end it
            return _spans(bads, "property false")[-1:]
        case Within(trigger, response, _):
            asked = None if trigger is None else holds(interpreter, trigger)
            return _pending(moments, asked, holds(interpreter, response), "waiting in vain")
        case LeadsTo(trigger, response):
            return _pending(moments, holds(interpreter, trigger), holds(interpreter, response), "waiting in vain")
        case Eventually() | Until() if loop is not None:
            return [Span(0, end, "waiting in vain")]
        case AlwaysEventually() if loop is not None:
            return [Span(loop, end, "waiting in vain")]
        case EventuallyAlways(good) if loop is not None:
            fine = holds(interpreter, good)
            return _spans([i >= loop and not fine(m) for i, m in enumerate(moments)], "false, again and again")
        case Possible(good):
            return _spans([holds(interpreter, good)(m) for m in moments], "here it is")
        case Until():
            return [Span(end, end, "property false")]
        case Ltl() if loop is None:
            return [Span(end, end, "property false")]
        case Eventually() | AlwaysEventually() | EventuallyAlways() | Ltl():
            return []
        case _:
            assert_never(form)


def _spans(flags: list[bool], text: str) -> list[Span]:
    found: list[Span] = []
    for i, flag in enumerate(flags):
        if flag and found and found[-1].last == i - 1:
            found[-1] = Span(found[-1].first, i, text)
        elif flag:
            found.append(Span(i, i, text))
    return found


def _pending(moments: list[Moment], asked: Predicate | None, answered: Predicate, text: str) -> list[Span]:
    """The wait that is still open at the end."""
    since: int | None = 0 if asked is None else None
    for i, moment in enumerate(moments):
        if answered(moment):
            since = None
        elif since is None and asked is not None and asked(moment):
            since = i
    return [] if since is None else [Span(since, len(moments) - 1, text)]
