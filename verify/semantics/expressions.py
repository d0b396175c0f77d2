"""The meaning of each operator, written once: as the Python that computes it.

An expression becomes a Python function of the state ``s``, the locals ``m`` and the events ``o`` of the last
step. The state is laid out flat: variables, then timers (-1 stopped, 0 expired, n running), then lanes
(tuples of (age, kind, fields …)).

Parts that are deep, long, or long and shared become functions of their own: neither CPython's parser (some
200 nested parentheses) nor its compiler (which recurs on syntax trees) meets its limits, and the text is no
longer than the expression as a graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, assert_never

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
_DEEPEST = 40  # parentheses
_LONGEST = 4_000  # characters
_SHARED = 60  # characters of a part that is used again
_WIDEST = 40  # terms of a sum: CPython nests "a + b + c" to the left

_STATUS = {TimerStatus.STOPPED: "<0", TimerStatus.RUNNING: ">0", TimerStatus.EXPIRED: "==0"}


def evaluator(expression: Expression, system: System) -> Evaluator:
    """The function that computes ``expression``; ValueError if a parameter is left open in it."""
    return _Translation(system).function(expression)


class _Text(NamedTuple):
    source: str
    depth: int = 0


class _Translation:
    """One expression on its way to Python; ``names`` holds the functions of the parts that stand apart."""

    def __init__(self, system: System) -> None:
        self.timers = len(system.variables)
        self.lanes = self.timers + len(system.timers)
        self.system = system
        self.names: dict[str, Any] = {"sum": sum, "prod": math.prod}

    def function(self, expression: Expression) -> Evaluator:
        shared = _shared(expression)
        done: dict[int, _Text] = {}
        waiting = [expression]
        while waiting:
            e = waiting[-1]
            arguments = e.arguments if isinstance(e, Apply) else ()
            missing = [a for a in arguments if id(a) not in done]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if id(e) not in done:
                text = self.text(e, [done[id(a)] for a in arguments])
                done[id(e)] = self.apart(text, again=id(e) in shared)
        return self.made(done[id(expression)].source)

    def made(self, source: str) -> Evaluator:
        code = f"lambda s,m,o:{source}"
        return eval(code, self.names)  # type: ignore[no-any-return]  # noqa: S307 - made of numbers and operators only

    def apart(self, text: _Text, *, again: bool) -> _Text:
        """The text, or the call of a function made of it."""
        long = len(text.source) > (_SHARED if again else _LONGEST)
        if text.depth <= _DEEPEST and not long:
            return text
        name = f"f{len(self.names)}"
        self.names[name] = self.made(text.source)
        return _Text(f"{name}(s,m,o)", 1)

    def text(self, e: Expression, inner: list[_Text]) -> _Text:
        match e:
            case Constant(value):
                return _Text(f"({value})" if value < 0 else str(value), 1)
            case Read(variable):
                return _Text(f"s[{variable}]")
            case Local(slot):
                return _Text(f"m[{slot}]")
            case TimerIs(timer, status):
                return _Text(f"(s[{self.timers + timer}]{_STATUS[status]})", 1)
            case Count(lane):
                return _Text(f"len(s[{self.lanes + lane}])", 1)
            case Due(lane):
                return _Text(self.due(lane), 2)
            case Occurred(event):
                return _Text(f"({event} in o)", 1)
            case Rigid(parameter):
                message = f"{self.system.parameters[parameter].name} is left open: close the system first"
                raise ValueError(message)
            case Apply(operator):
                source = _written(operator, [t.source for t in inner])
                return _Text(source, 2 + max(t.depth for t in inner))
            case _:
                assert_never(e)

    def due(self, lane: int) -> str:
        maximum = self.system.lanes[lane].maximum
        place = f"s[{self.lanes + lane}]"
        if self.system.lanes[lane].order is Order.FIFO:
            return f"(len({place})>0 and {place}[0][0]>={maximum})"
        return f"any(x[0]>={maximum} for x in {place})"


def _shared(expression: Expression) -> set[int]:
    """Identities of the inner nodes that stand in more than one place."""
    seen: set[int] = set()
    again: set[int] = set()
    waiting = [expression]
    while waiting:
        e = waiting.pop()
        if isinstance(e, Apply):
            if id(e) in seen:
                again.add(id(e))
            else:
                seen.add(id(e))
                waiting.extend(e.arguments)
    return again


def _written(operator: Operator, a: list[str]) -> str:
    match operator:
        case Operator.ADD:
            return f"sum(({','.join(a)}))" if len(a) > _WIDEST else f"({'+'.join(a)})"
        case Operator.SUBTRACT:
            return f"({a[0]}-{a[1]})"
        case Operator.MULTIPLY:
            return f"prod(({','.join(a)}))" if len(a) > _WIDEST else f"({'*'.join(a)})"
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
