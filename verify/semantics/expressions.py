"""The meaning of each operator, written once: as the Python that computes it.

An expression becomes one Python function of the state ``s``, the locals ``m`` and the events ``o`` of the last step. The state
is laid out flat: variables, then timers (-1 stopped, 0 expired, n running), then lanes (tuples of (age, kind, fields …)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, assert_never

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
    TimerStatus,
)
from verify.system.system import Order, System

Evaluator = Callable[[Sequence[Any], Sequence[int], frozenset[int]], int]
NO_EVENTS: frozenset[int] = frozenset()
_DEEPEST = 60  # CPython's parser allows some 200 nested parentheses

_STATUS = {TimerStatus.STOPPED: "<0", TimerStatus.RUNNING: ">0", TimerStatus.EXPIRED: "==0"}


def evaluator(expression: Expression, system: System) -> Evaluator:
    """The function that computes ``expression`` in a closed system; ValueError if a parameter is left open in it."""
    return _Translation(system).function(expression)


class _Translation:
    """One expression on its way to Python; ``names`` holds the functions of parts that were too deep to write in line."""

    def __init__(self, system: System) -> None:
        self.timers = len(system.variables)
        self.lanes = self.timers + len(system.timers)
        self.system = system
        self.names: dict[str, Any] = {}

    def function(self, expression: Expression) -> Evaluator:
        code = f"lambda s,m,o:{self.text(expression, 0)}"
        return eval(code, self.names)  # type: ignore[no-any-return]  # noqa: S307 - made of numbers and operators only

    def text(self, e: Expression, depth: int) -> str:
        match e:
            case Constant(value):
                return f"({value})" if value < 0 else str(value)
            case Read(variable):
                return f"s[{variable}]"
            case Local(slot):
                return f"m[{slot}]"
            case TimerIs(timer, status):
                return f"(s[{self.timers + timer}]{_STATUS[status]})"
            case Count(lane):
                return f"len(s[{self.lanes + lane}])"
            case Due(lane):
                return self.due(lane)
            case Occurred(event):
                return f"({event} in o)"
            case Rigid(parameter):
                message = f"{self.system.parameters[parameter].name} is left open: close the system first"
                raise ValueError(message)
            case Apply(operator, arguments):
                if depth >= _DEEPEST:
                    name = f"f{len(self.names)}"
                    self.names[name] = None
                    self.names[name] = self.function(e)
                    return f"{name}(s,m,o)"
                return _written(operator, [self.text(a, depth + 1) for a in arguments])
            case _:
                assert_never(e)

    def due(self, lane: int) -> str:
        maximum = self.system.lanes[lane].maximum
        place = f"s[{self.lanes + lane}]"
        if self.system.lanes[lane].order is Order.FIFO:
            return f"(len({place})>0 and {place}[0][0]>={maximum})"
        return f"any(x[0]>={maximum} for x in {place})"


def _written(operator: Operator, a: list[str]) -> str:
    match operator:
        case Operator.ADD:
            return f"({'+'.join(a)})"
        case Operator.SUBTRACT:
            return f"({a[0]}-{a[1]})"
        case Operator.MULTIPLY:
            return f"({'*'.join(a)})"
        case Operator.DIVIDE:
            return f"({a[0]}//{a[1]})"
        case Operator.MODULO:
            return f"({a[0]}%{a[1]})"
        case Operator.MINIMUM:
            return f"min(({','.join(a)},))"
        case Operator.MAXIMUM:
            return f"max(({','.join(a)},))"
        case Operator.EQUAL:
            return f"({a[0]}=={a[1]})"
        case Operator.LESS:
            return f"({a[0]}<{a[1]})"
        case Operator.AT_MOST:
            return f"({a[0]}<={a[1]})"
        case Operator.AND:
            return f"({' and '.join(a)})"
        case Operator.OR:
            return f"({' or '.join(a)})"
        case Operator.NOT:
            return f"(not {a[0]})"
        case Operator.IF:
            return f"({a[1]} if {a[0]} else {a[2]})"
        case _:
            assert_never(operator)
