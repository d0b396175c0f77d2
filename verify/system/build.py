"""Make expressions: constants folded, and what values an expression can take (interval arithmetic)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import assert_never

from verify.system.expression import (
    FALSE,
    TRUE,
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
    conditional,
    conjunction,
    disjunction,
    negation,
)
from verify.system.statement import (
    Assign,
    Bind,
    Block,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Stop,
)

Interval = tuple[int, int]
LOGICAL = (Operator.AND, Operator.OR, Operator.NOT, Operator.IF)


def fold(operator: Operator, values: list[int]) -> int:
    """What the operator gives for constant arguments."""
    match operator:
        case Operator.ADD:
            return sum(values)
        case Operator.SUBTRACT:
            return values[0] - values[1]
        case Operator.MULTIPLY:
            return math.prod(values)
        case Operator.DIVIDE:
            return values[0] // values[1]
        case Operator.MODULO:
            return values[0] % values[1]
        case Operator.MINIMUM:
            return min(values)
        case Operator.MAXIMUM:
            return max(values)
        case Operator.EQUAL:
            return int(values[0] == values[1])
        case Operator.LESS:
            return int(values[0] < values[1])
        case Operator.AT_MOST:
            return int(values[0] <= values[1])
        case Operator.AND:
            return int(all(values))
        case Operator.OR:
            return int(any(values))
        case Operator.NOT:
            return int(not values[0])
        case Operator.IF:
            return values[1] if values[0] else values[2]
        case _:
            assert_never(operator)


def apply(operator: Operator, *arguments: Expression) -> Expression:
    """The operator applied; folded when all arguments are constants, and where a neutral element drops out."""
    constants = [a.value for a in arguments if isinstance(a, Constant)]
    if len(constants) == len(arguments):
        return Constant(fold(operator, constants))
    if operator in (Operator.ADD, Operator.MULTIPLY):
        neutral = 0 if operator is Operator.ADD else 1
        kept = tuple(a for a in arguments if a != Constant(neutral))
        if operator is Operator.MULTIPLY and Constant(0) in kept:
            return Constant(0)
        return kept[0] if len(kept) == 1 else Apply(operator, kept)
    if operator is Operator.SUBTRACT and arguments[1] == Constant(0):
        return arguments[0]
    if operator is Operator.DIVIDE and arguments[1] == Constant(1):
        return arguments[0]
    if operator in (Operator.MINIMUM, Operator.MAXIMUM) and len(arguments) == 1:
        return arguments[0]
    return Apply(operator, arguments)


def folded(operator: Operator, *arguments: Expression) -> Expression:
    """As :func:`apply`; truth values and choices are folded as soon as one argument decides them."""
    match operator:
        case Operator.AND:
            return conjunction(*arguments)
        case Operator.OR:
            return disjunction(*arguments)
        case Operator.NOT:
            return negation(arguments[0])
        case Operator.IF:
            return conditional(*arguments)
        case _:
            return apply(operator, *arguments)


def bounds(expression: Expression, leaf: Callable[[Expression], Interval]) -> Interval:
    """The least interval that interval arithmetic gives; ``leaf`` tells it for Read, Rigid and Local."""
    known: dict[int, Interval] = {}

    def visit(e: Expression) -> Interval:
        if id(e) not in known:
            known[id(e)] = inner(e)
        return known[id(e)]

    def inner(e: Expression) -> Interval:
        match e:
            case Constant(value):
                return (value, value)
            case Read() | Rigid() | Local():
                return leaf(e)
            case TimerIs() | Due() | Occurred():
                return (0, 1)
            case Count():
                return (0, 2**31)
            case Apply(operator, arguments):
                return interval(operator, [visit(a) for a in arguments])
            case _:
                assert_never(e)

    return visit(expression)


def interval(operator: Operator, of: list[Interval]) -> Interval:
    """What an operator gives for arguments from intervals."""
    match operator:
        case Operator.ADD:
            return sum(low for low, _ in of), sum(high for _, high in of)
        case Operator.SUBTRACT:
            (a, b), (c, d) = of
            return a - d, b - c
        case Operator.MULTIPLY:
            low, high = of[0]
            for c, d in of[1:]:
                corners = (low * c, low * d, high * c, high * d)
                low, high = min(corners), max(corners)
            return low, high
        case Operator.DIVIDE:
            (a, b), (c, d) = of
            divisors = [x for x in (c, d, -1, 1) if x != 0 and c <= x <= d]
            corners_ = [x // y for x in (a, b) for y in divisors] or [min(a, -b), max(b, -a)]
            return min(corners_), max(corners_)
        case Operator.MODULO:
            c, d = of[1]
            return min(0, c + 1), max(0, d - 1)
        case Operator.MINIMUM:
            return min(low for low, _ in of), min(high for _, high in of)
        case Operator.MAXIMUM:
            return max(low for low, _ in of), max(high for _, high in of)
        case Operator.IF:
            return min(of[1][0], of[2][0]), max(of[1][1], of[2][1])
        case Operator.EQUAL | Operator.LESS | Operator.AT_MOST | Operator.AND | Operator.OR | Operator.NOT:
            return (0, 1)
        case _:
            assert_never(operator)


def weigh(expression: Expression) -> tuple[int, int]:
    """How many nodes it has as a tree, and how deep it is."""
    known: dict[int, tuple[int, int]] = {}

    def visit(e: Expression) -> tuple[int, int]:
        if not isinstance(e, Apply):
            return 1, 1
        if id(e) not in known:
            inner = [visit(a) for a in e.arguments]
            known[id(e)] = 1 + sum(n for n, _ in inner), 1 + max(d for _, d in inner)
        return known[id(e)]

    return visit(expression)


def truth(value: bool) -> Constant:
    """The constant for a truth value."""
    return TRUE if value else FALSE


def is_rigid(expression: Expression) -> bool:
    """Whether it is made of constants and parameters alone: the same in every state."""
    match expression:
        case Constant() | Rigid():
            return True
        case Apply(_, arguments):
            return all(is_rigid(a) for a in arguments)
        case _:
            return False


def weigh_block(block: Block) -> tuple[int, int]:
    """How many nodes a block and its expressions have as trees, and how deep they are nested."""
    nodes, depth = 0, 0
    for statement in block:
        inner: list[tuple[int, int]] = []
        match statement:
            case Assign(_, e) | Start(_, e) | Bind(_, e):
                inner = [weigh(e)]
            case Send(_, _, fields):
                inner = [weigh(e) for e in fields]
            case Choose(_, _, _, where):
                inner = [weigh(where)]
            case If(condition, then, otherwise):
                inner = [weigh(condition), weigh_block(then), weigh_block(otherwise)]
            case Either(branches):
                inner = [weigh_block(b) for b in branches]
            case Stop() | Duplicate() | Clear() | Occur() | Mark():
                pass
            case _:
                assert_never(statement)
        nodes += 1 + sum(n for n, _ in inner)
        depth = max(depth, 1 + max((d for _, d in inner), default=0))
    return nodes, depth
