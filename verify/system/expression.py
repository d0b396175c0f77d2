"""Expressions: seven kinds of leaves and one of inner nodes. Truth values are the integers 0 and 1.

Every operator is total: front ends prove before that no divisor can be 0. Arithmetic is unbounded; only stores are checked.
"""

from __future__ import annotations

from enum import Enum

from verify.base.record import record


class Operator(Enum):
    """What :class:`Apply` computes of its arguments (their number in brackets)."""

    ADD = "+"  # [1..]
    SUBTRACT = "-"  # [2]
    MULTIPLY = "*"  # [1..]
    DIVIDE = "div"  # [2] rounded toward minus infinity; the divisor is never 0
    MODULO = "mod"  # [2] has the sign of the divisor
    MINIMUM = "min"  # [1..]
    MAXIMUM = "max"  # [1..]
    EQUAL = "=="  # [2]
    LESS = "<"  # [2]
    AT_MOST = "<="  # [2]
    AND = "and"  # [1..] short-circuits from left to right
    OR = "or"  # [1..] short-circuits from left to right
    NOT = "not"  # [1]
    IF = "if"  # [3] condition, then, else; only the branch taken is evaluated


class TimerStatus(Enum):
    """A timer is in exactly one of these."""

    STOPPED = "stopped"
    RUNNING = "running"
    EXPIRED = "expired"


@record
class Constant:
    """An integer."""

    value: int


@record
class Read:
    """The present value of ``system.variables[variable]``."""

    variable: int


@record
class Rigid:
    """The value of ``system.parameters[parameter]``: the same in all states of a behaviour."""

    parameter: int


@record
class Local:
    """A value bound within the step: of the message taken (slot 0 its kind, slot 1.. its fields), by Bind or by Choose."""

    slot: int


@record
class TimerIs:
    """Whether ``system.timers[timer]`` has the status."""

    timer: int
    status: TimerStatus


@record
class Count:
    """How many messages are in ``system.lanes[lane]``."""

    lane: int


@record
class Due:
    """Whether a message that could be delivered next from ``system.lanes[lane]`` is at its maximum delay."""

    lane: int


@record
class Occurred:
    """Whether ``system.events[event]`` occurred in the step that led to this state. Only in properties."""

    event: int


@record
class Apply:
    """An operator applied to arguments."""

    operator: Operator
    arguments: tuple[Expression, ...]


Expression = Constant | Read | Rigid | Local | TimerIs | Count | Due | Occurred | Apply

TRUE = Constant(1)
FALSE = Constant(0)


def conjunction(*parts: Expression) -> Expression:
    """``parts`` joined by AND, constants folded, nested conjunctions flattened."""
    return _joined(Operator.AND, parts, neutral=TRUE, absorbing=FALSE)


def disjunction(*parts: Expression) -> Expression:
    """``parts`` joined by OR, constants folded, nested disjunctions flattened."""
    return _joined(Operator.OR, parts, neutral=FALSE, absorbing=TRUE)


def _joined(operator: Operator, parts: tuple[Expression, ...], neutral: Constant, absorbing: Constant) -> Expression:
    kept: list[Expression] = []
    for part in parts:
        inner = part.arguments if isinstance(part, Apply) and part.operator is operator else (part,)
        for item in inner:
            if item == absorbing:
                return absorbing
            if item != neutral and item not in kept:
                kept.append(item)
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else Apply(operator, tuple(kept))


def negation(part: Expression) -> Expression:
    """NOT ``part``, with constants and double negations folded."""
    match part:
        case Constant(value):
            return FALSE if value else TRUE
        case Apply(Operator.NOT, (inner,)):
            return inner
        case _:
            return Apply(Operator.NOT, (part,))


def conjuncts(condition: Expression) -> tuple[Expression, ...]:
    """What a condition asks for, all at once."""
    return condition.arguments if isinstance(condition, Apply) and condition.operator is Operator.AND else (condition,)


def events_of(expression: Expression) -> frozenset[int]:
    """The events that an expression asks for."""
    found: set[int] = set()
    seen: set[int] = set()
    waiting = [expression]
    while waiting:
        e = waiting.pop()
        match e:
            case Occurred(event):
                found.add(event)
            case Apply(_, arguments) if id(e) not in seen:
                seen.add(id(e))
                waiting += arguments
            case _:
                pass
    return frozenset(found)


def equal(left: Expression, right: Expression) -> Expression:
    """``left == right``, folded when both are constants."""
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(int(left.value == right.value))
    return Apply(Operator.EQUAL, (left, right))


def conditional(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """``if condition then … else …``, folded when the condition is constant or both branches are equal."""
    if isinstance(condition, Constant):
        return then if condition.value else otherwise
    return then if then == otherwise else Apply(Operator.IF, (condition, then, otherwise))
