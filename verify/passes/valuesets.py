"""Sets of values, from above, as abstract interpretation needs them: exact while small, intervals when they grow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import reduce
from typing import Final

from verify.base.record import record
from verify.system.build import fold, interval
from verify.system.expression import Operator

MOST = 64  # values kept one by one
PAIRS = 1024  # combinations of arguments looked at one by one


@record
class Interval:
    """All the integers ``low``..``high``."""

    low: int
    high: int


ValueSet = frozenset[int] | Interval

BOTH: Final[ValueSet] = frozenset((0, 1))
ANY: Final[ValueSet] = Interval(-(1 << 200), 1 << 200)
_COMPARISONS = (Operator.EQUAL, Operator.LESS, Operator.AT_MOST)
_FOLDED = (Operator.ADD, Operator.MULTIPLY, Operator.MINIMUM, Operator.MAXIMUM)


def ends(values: ValueSet) -> tuple[int, int]:
    """The least and the greatest of a set that is not empty."""
    return (values.low, values.high) if isinstance(values, Interval) else (min(values), max(values))


def only(values: ValueSet) -> int | None:
    """The value of a set of one, else None."""
    if isinstance(values, Interval):
        return values.low if values.low == values.high else None
    return next(iter(values)) if len(values) == 1 else None


def holds(values: ValueSet, value: int) -> bool:
    """Whether a value is in the set."""
    return values.low <= value <= values.high if isinstance(values, Interval) else value in values


def between(low: int, high: int) -> ValueSet:
    """The integers ``low``..``high``."""
    return frozenset(range(low, high + 1)) if high - low < MOST else Interval(low, high)


def joined(left: ValueSet, right: ValueSet) -> ValueSet:
    """A set that holds both."""
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        both = left | right
        return both if len(both) <= MOST else Interval(min(both), max(both))
    if not left or not right:
        return left or right
    (a, b), (c, d) = ends(left), ends(right)
    return Interval(min(a, c), max(b, d))


def within(values: ValueSet, low: int, high: int) -> ValueSet:
    """Those of the values that lie in ``low``..``high``; may be empty."""
    if isinstance(values, Interval):
        low, high = max(low, values.low), min(high, values.high)
        return between(low, high) if low <= high else frozenset()
    return frozenset(v for v in values if low <= v <= high)


def common(left: ValueSet, right: ValueSet) -> ValueSet:
    """The values in both sets; may be empty."""
    if isinstance(left, Interval):
        return within(right, left.low, left.high)
    return frozenset(v for v in left if holds(right, v))


def without(values: ValueSet, value: int) -> ValueSet:
    """The set without a value, as far as that can be told; may be empty."""
    if isinstance(values, frozenset):
        return values - {value}
    if value == values.low:
        return between(value + 1, values.high) if value < values.high else frozenset()
    return between(values.low, value - 1) if value == values.high else values


def applied(operator: Operator, of: Sequence[ValueSet]) -> ValueSet:
    """All that an operator can give for arguments of these sets, none of them empty."""
    match operator:
        case Operator.AND:
            if any(only(v) == 0 for v in of):
                return frozenset((0,))
            return BOTH if any(holds(v, 0) for v in of) else frozenset((1,))
        case Operator.OR:
            if all(only(v) == 0 for v in of):
                return frozenset((0,))
            return BOTH if all(holds(v, 0) for v in of) else frozenset((1,))
        case Operator.NOT:
            return BOTH if holds(of[0], 0) and only(of[0]) != 0 else frozenset((int(only(of[0]) == 0),))
        case Operator.IF:
            taken = ([of[1]] if only(of[0]) != 0 else []) + ([of[2]] if holds(of[0], 0) else [])
            return reduce(joined, taken)
        case _:
            return _computed(operator, of)


def _computed(operator: Operator, of: Sequence[ValueSet]) -> ValueSet:
    sets = [v for v in of if isinstance(v, frozenset)]
    if len(sets) == len(of):
        if operator in _FOLDED:
            return reduce(lambda left, right: _pairs(operator, [left, right]), of)
        return _pairs(operator, of)
    if operator in _COMPARISONS:
        return _compared(operator, of)
    low, high = interval(operator, [ends(v) for v in of])
    return between(low, high)


def _pairs(operator: Operator, of: Sequence[ValueSet]) -> ValueSet:
    sets = [v for v in of if isinstance(v, frozenset)]
    if len(sets) < len(of) or math.prod(len(v) for v in sets) > PAIRS:
        if operator in _COMPARISONS:
            return _compared(operator, of)
        return between(*interval(operator, [ends(v) for v in of]))
    divides = operator in (Operator.DIVIDE, Operator.MODULO)
    found = frozenset(fold(operator, [*v]) for v in itertools.product(*sets) if not divides or v[1] != 0)
    if not found:  # no divisor is 0: such a place is never evaluated
        return frozenset((0,))
    return found if len(found) <= MOST else Interval(min(found), max(found))


def _compared(operator: Operator, of: Sequence[ValueSet]) -> ValueSet:
    (a, b), (c, d) = ends(of[0]), ends(of[1])
    match operator:
        case Operator.EQUAL:
            return frozenset((0,)) if b < c or d < a or not common(of[0], of[1]) else BOTH
        case Operator.LESS:
            always, never = b < c, a >= d
        case _:
            always, never = b <= c, a > d
    return frozenset((1,)) if always else frozenset((0,)) if never else BOTH
