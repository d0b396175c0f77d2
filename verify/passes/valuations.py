"""Open parameters by enumeration: one closed system for each valuation that the assumptions allow."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

from verify.base.record import record
from verify.system.build import apply
from verify.system.domain import contains
from verify.system.expression import Apply, Constant, Expression, Rigid
from verify.system.property import Property
from verify.system.system import System

MOST = 1000


@record
class Valuations:
    """``all``: the values of the parameters, in order, that satisfy the assumptions; ``total``: how many there are without."""

    all: tuple[tuple[int, ...], ...]
    total: int

    @property
    def too_many(self) -> bool:
        """Whether they were not enumerated, because there are more than MOST."""
        return self.total > MOST


def valuations(system: System) -> Valuations:
    """Every valuation that the assumptions allow, unless there are more than MOST to look at."""
    total = math.prod(p.domain.high - p.domain.low + 1 for p in system.parameters)
    if total > MOST:
        return Valuations((), total)
    ranges = [range(p.domain.low, p.domain.high + 1) for p in system.parameters]
    found = tuple(v for v in itertools.product(*ranges) if all(_value(a, v) for a in system.assumptions))
    return Valuations(found, total)


def allowed(system: System, values: tuple[int, ...]) -> bool:
    """Whether these are values of the parameters' domains that satisfy every assumption."""
    inside = all(contains(p.domain, v) for p, v in zip(system.parameters, values, strict=True))
    return inside and all(_value(a, values) for a in system.assumptions)


def _value(expression: Expression, values: tuple[int, ...]) -> int:
    closed = closed_expression(expression, values)
    if not isinstance(closed, Constant):
        message = "an assumption may speak of parameters only"
        raise ValueError(message)  # noqa: TRY004 - the model is at fault, not a caller's type
    return closed.value


def closed_expression(expression: Expression, values: tuple[int, ...]) -> Expression:
    """The expression with its parameters replaced, constants folded."""
    match expression:
        case Rigid(parameter):
            return Constant(values[parameter])
        case Apply(operator, arguments):
            return apply(operator, *(closed_expression(a, values) for a in arguments))
        case _:
            return expression


def close(system: System, values: tuple[int, ...]) -> System:
    """The system for one valuation."""
    inner = _closed(system, values)
    return dataclasses.replace(inner, parameters=(), assumptions=())  # type: ignore[no-any-return]


def close_property(what: Property, values: tuple[int, ...]) -> Property:
    """The property for one valuation: its predicates and its bound."""
    return _closed(what, values)  # type: ignore[no-any-return]


def _closed(node: Any, values: tuple[int, ...]) -> Any:  # noqa: ANN401 - any node of the waist
    match node:
        case Rigid() | Apply():
            return closed_expression(node, values)
        case tuple():
            return tuple(_closed(x, values) for x in node)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            changed = {f.name: _closed(getattr(node, f.name), values) for f in dataclasses.fields(node)}
            return type(node)(**changed)
        case _:
            return node
