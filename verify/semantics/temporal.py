"""Linear temporal logic on runs, straight from the meaning of the operators.

What is read is the truth of each predicate at each moment. A finite run is read as one that goes on for ever in a moment of
which nothing is known, with the three truth values of S. C. Kleene, None for unknown: what is true or false then is so however
the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from verify.system.expression import Constant, Expression
from verify.system.property import LtlAtom, LtlFormula

Truth = bool | None
Reading = Callable[[Expression], list[bool]]


def on_lasso(formula: LtlFormula, reading: Reading, loop: int) -> bool:
    """Whether it is true at the first moment of a run whose last moment is followed by the one after ``loop``."""
    return _along(formula, lambda e: list(reading(e)), loop + 1)[0] is True


def on_prefix(formula: LtlFormula, reading: Reading) -> Truth:
    """Whether it is true or false at the first moment of every run that begins like this, as far as can be read off."""

    def leaf(predicate: Expression) -> list[Truth]:
        beyond = bool(predicate.value) if isinstance(predicate, Constant) else None
        return [*reading(predicate), beyond]

    return _along(formula, leaf, -1)[0]


def _along(formula: LtlFormula, leaf: Callable[[Expression], list[Truth]], back: int) -> list[Truth]:
    """The formula at each moment; the last one is followed by that with the index ``back``."""
    if isinstance(formula, LtlAtom):
        return leaf(formula.predicate)
    inner = [_along(a, leaf, back) for a in formula.arguments]
    one, last = inner[0], inner[-1]
    match formula.operator:
        case "not":
            return [_not(a) for a in one]
        case "and":
            return [_all(row) for row in zip(*inner, strict=True)]
        case "or":
            return [_any(row) for row in zip(*inner, strict=True)]
        case "implies":
            return [_any((_not(a), b)) for a, b in zip(one, last, strict=True)]
        case "always":
            return _solved(False, lambda at, after: _all((one[at], after)), len(one), back)
        case "eventually":
            return _solved(True, lambda at, after: _any((one[at], after)), len(one), back)
        case "until":
            return _solved(True, lambda at, after: _any((last[at], _all((one[at], after)))), len(one), back)
        case "weakly until":
            return _solved(False, lambda at, after: _any((last[at], _all((one[at], after)))), len(one), back)
        case "release":
            return _solved(False, lambda at, after: _all((last[at], _any((one[at], after)))), len(one), back)
        case _:
            message = f"'{formula.operator}' is no operator of the logic"
            raise ValueError(message)


def _solved(least: bool, now: Callable[[int, Truth], Truth], length: int, back: int) -> list[Truth]:
    """The least or the greatest solution of ``now``, which tells a moment's truth from that of the moment after it.

    Twice from the end to the beginning is enough: the first pass settles what the loop gives to its own beginning.
    """
    truths: list[Truth] = [not least] * length
    for _ in range(2):
        after = truths[back]
        for at in reversed(range(length)):
            after = truths[at] = now(at, after)
    return truths


def _not(a: Truth) -> Truth:
    return None if a is None else not a


def _all(truths: tuple[Truth, ...]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def _any(truths: tuple[Truth, ...]) -> Truth:
    if True in truths:
        return True
    return None if None in truths else False
