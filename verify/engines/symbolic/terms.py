"""Terms: Python numbers and truth values as long as nothing is open, Z3 integers and Booleans from there on.

A truth value and the integers 0 and 1 stand for each other, as in :mod:`verify.system.expression`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, assert_never

import z3

from verify.system.expression import (
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Occurred,
    Operator,
    Read,
    Rigid,
    TimerIs,
)

Term = Any  # int, bool, z3.ArithRef, z3.BoolRef: Z3 has no types that a checker could read


def number(term: Term) -> Term:
    """The term as an integer."""
    if isinstance(term, bool):
        return int(term)
    if isinstance(term, int) or z3.is_int(term):
        return term
    return z3.If(term, z3.IntVal(1), z3.IntVal(0))


def truth(term: Term) -> Term:
    """The term as a truth value."""
    if isinstance(term, int):
        return bool(term)
    if z3.is_bool(term):
        return term
    if z3.is_app_of(term, z3.Z3_OP_ITE) and z3.is_int_value(term.arg(1)) and z3.is_int_value(term.arg(2)):
        then, otherwise = (term.arg(i).as_long() != 0 for i in (1, 2))
        return either(both(term.arg(0), then), both(no(term.arg(0)), otherwise))
    return term != 0


def subterms(*roots: Any) -> Iterator[Any]:  # noqa: ANN401 - Z3 terms
    """Z3 terms and all that they consist of, each once."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        term = waiting.pop()
        if term.get_id() not in seen:
            seen.add(term.get_id())
            yield term
            waiting += term.children()


def lifted(term: Term) -> Any:  # noqa: ANN401 - a Z3 term
    """The term as one of Z3's."""
    if isinstance(term, bool):
        return z3.BoolVal(term)
    return z3.IntVal(term) if isinstance(term, int) else term


def same(a: Term, b: Term) -> bool:
    """Whether two terms are written alike."""
    if isinstance(a, int) or isinstance(b, int):
        return type(a) is type(b) and bool(a == b)
    return bool(a.eq(b))


def both(*parts: Term) -> Term:
    """All of them hold."""
    kept: list[Term] = []
    for part in parts:
        if part is False:
            return False
        if part is not True and not any(part.eq(x) for x in kept):
            kept.append(part)
    return True if not kept else kept[0] if len(kept) == 1 else z3.And(*kept)


def either(*parts: Term) -> Term:
    """One of them holds."""
    kept: list[Term] = []
    for part in parts:
        if part is True:
            return True
        if part is not False and not any(part.eq(x) for x in kept):
            kept.append(part)
    return False if not kept else kept[0] if len(kept) == 1 else z3.Or(*kept)


def no(part: Term) -> Term:
    """It does not hold."""
    if isinstance(part, bool):
        return not part
    return part.arg(0) if z3.is_not(part) else z3.Not(part)


def choose(condition: Term, then: Term, otherwise: Term) -> Term:
    """``then`` where the condition holds, ``otherwise`` elsewhere; of one kind, numbers or truth values."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    if same(then, otherwise):
        return then
    if then is True and otherwise is False:
        return condition
    return z3.If(condition, lifted(then), lifted(otherwise))


def equals(a: Term, b: Term) -> Term:
    """They are the same number."""
    return bool(a == b) if isinstance(a, int) and isinstance(b, int) else lifted(number(a)) == lifted(number(b))


def less(a: Term, b: Term) -> Term:
    """``a`` is below ``b``."""
    return a < b


def at_most(a: Term, b: Term) -> Term:
    """``a`` is not above ``b``."""
    return a <= b


def within(term: Term, low: Term, high: Term) -> Term:
    """``low`` <= term <= ``high``."""
    return both(at_most(low, term), at_most(term, high))


def _divided(a: Term, b: Term) -> Term:
    """Rounded toward minus infinity; Z3 rounds so that the remainder is not negative."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    x = lifted(a)
    if isinstance(b, int):
        return x / b if b > 0 else -x / -b
    return z3.If(b > 0, x / b, -x / -b)


def _remainder(a: Term, b: Term) -> Term:
    """With the sign of the divisor."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    x = lifted(a)
    if isinstance(b, int):
        return x % b if b > 0 else -(-x % -b)
    return z3.If(b > 0, x % b, -(-x % -b))


def _folded(arguments: Sequence[Term], pick: Callable[[Term, Term], Term]) -> Term:
    best = arguments[0]
    for other in arguments[1:]:
        best = choose(pick(other, best), other, best)
    return best


def applied(operator: Operator, given: Sequence[Term]) -> Term:
    """What the operator gives."""
    match operator:
        case Operator.AND:
            return both(*map(truth, given))
        case Operator.OR:
            return either(*map(truth, given))
        case Operator.NOT:
            return no(truth(given[0]))
        case Operator.IF:
            condition = truth(given[0])
            if isinstance(condition, bool):
                return given[1] if condition else given[2]
            return choose(condition, number(given[1]), number(given[2]))
        case _:
            return _computed(operator, [number(x) for x in given])


def _computed(operator: Operator, a: Sequence[Term]) -> Term:
    match operator:
        case Operator.ADD:
            return sum(a[1:], start=a[0])
        case Operator.SUBTRACT:
            return a[0] - a[1]
        case Operator.MULTIPLY:
            product = a[0]
            for factor in a[1:]:
                product = product * factor
            return product
        case Operator.DIVIDE:
            return _divided(a[0], a[1])
        case Operator.MODULO:
            return _remainder(a[0], a[1])
        case Operator.MINIMUM:
            return _folded(a, less)
        case Operator.MAXIMUM:
            return _folded(a, lambda other, best: less(best, other))
        case Operator.EQUAL:
            return equals(a[0], a[1])
        case Operator.LESS:
            return less(a[0], a[1])
        case Operator.AT_MOST:
            return at_most(a[0], a[1])
        case Operator.AND | Operator.OR | Operator.NOT | Operator.IF:
            raise AssertionError(operator)
        case _:
            assert_never(operator)


def term_of(expression: Expression, leaf: Callable[[Expression], Term]) -> Term:
    """The expression as a term; ``leaf`` gives that of each leaf but constants. Shared parts are made once."""
    done: dict[int, Term] = {}
    waiting = [expression]
    while waiting:
        e = waiting[-1]
        arguments = e.arguments if isinstance(e, Apply) else ()
        missing = [a for a in arguments if id(a) not in done]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if id(e) in done:
            continue
        match e:
            case Constant(value):
                done[id(e)] = value
            case Apply(operator):
                done[id(e)] = applied(operator, [done[id(a)] for a in arguments])
            case Read() | Rigid() | Local() | TimerIs() | Count() | Due() | Occurred():
                done[id(e)] = leaf(e)
            case _:
                assert_never(e)
    return done[id(expression)]
