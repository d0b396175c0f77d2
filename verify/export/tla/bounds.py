"""What an expression is at least and at most, where that is plain to see: such stores need no check."""

from __future__ import annotations

from verify.system.expression import Apply, Constant, Expression, Local, Operator, Read, TimerIs
from verify.system.system import System

Bounds = tuple[int, int] | None  # None: not known
LOGICAL = {Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.NOT}


def bounds(e: Expression, system: System, fields: dict[int, Bounds]) -> Bounds:
    """The least and the greatest value; ``fields``: those of the fields of the message taken, by slot."""
    match e:
        case Constant(value):
            return value, value
        case Read(variable):
            domain = system.variables[variable].domain
            return domain.low, domain.high
        case Local(slot):
            return fields.get(slot)
        case TimerIs():
            return 0, 1
        case Apply(operator, _) if operator in LOGICAL:
            return 0, 1
        case Apply(operator, arguments):
            parts = [bounds(a, system, fields) for a in arguments]
            known = [p for p in parts if p is not None]
            return _applied(operator, known) if len(known) == len(parts) else None
        case _:
            return None


def _applied(operator: Operator, a: list[tuple[int, int]]) -> Bounds:
    match operator:
        case Operator.ADD:
            return sum(x for x, _ in a), sum(y for _, y in a)
        case Operator.SUBTRACT:
            return a[0][0] - a[1][1], a[0][1] - a[1][0]
        case Operator.MINIMUM:
            return min(x for x, _ in a), min(y for _, y in a)
        case Operator.MAXIMUM:
            return max(x for x, _ in a), max(y for _, y in a)
        case Operator.AND | Operator.OR if all(x >= 0 and y <= 1 for x, y in a):
            return 0, 1
        case Operator.IF:
            return min(a[1][0], a[2][0]), max(a[1][1], a[2][1])
        case Operator.MODULO if a[1][0] > 0:
            return 0, a[1][1] - 1
        case _:
            return None


__all__ = ["Bounds", "bounds"]
