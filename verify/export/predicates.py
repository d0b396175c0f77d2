"""What a property asks of states, for exports that count ticks themselves: see :mod:`verify.system.property`."""

from __future__ import annotations

from verify.system.expression import FALSE, Expression, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Within


def predicates(form: Form | None) -> list[Expression]:
    """The predicate of a form; of one with a bound, where the watch begins and where it ends. None of no form, and of others."""
    match form:
        case Never(predicate) | Possible(predicate):
            return [predicate]
        case NeverLonger(bad):
            return [bad, negation(bad)]
        case Within(trigger, response):
            return [FALSE if trigger is None else trigger, response]
        case _:
            return []
