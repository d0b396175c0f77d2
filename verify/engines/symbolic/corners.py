"""A few values of open parameters that the assumptions allow: as low as can be, as high as can be, and mixed."""

from __future__ import annotations

import random

import z3

from verify.engines.symbolic.layout import Layout
from verify.passes.valuations import allowed
from verify.system.domain import Domain
from verify.system.system import System

PATIENCE = 300  # milliseconds for each question


def corners(system: System, most: int) -> list[tuple[int, ...]]:
    """At most so many different ones; one parameter after the other gets the value that is wished, if it can still have it."""
    layout = Layout(system)
    solver = z3.Solver()
    solver.set("timeout", PATIENCE)
    solver.add(*layout.premises())
    draw = random.Random(1)  # noqa: S311 - samples, no secrets
    found: dict[tuple[int, ...], None] = {}
    for number in range(2 * most):
        if len(found) >= most:
            break
        values = _corner(layout, solver, number, draw)
        if values is not None and allowed(system, values):
            found[values] = None
    return list(found)


def _corner(layout: Layout, solver: z3.Solver, number: int, draw: random.Random) -> tuple[int, ...] | None:
    declared = list(zip(layout.parameters, layout.system.parameters, strict=True))
    if number > 1:
        draw.shuffle(declared)
    solver.push()
    try:
        for constant, parameter in declared:
            wished = constant == _wish(parameter.domain, number, draw)
            if solver.check(wished) == z3.sat:
                solver.add(wished)
        if solver.check() != z3.sat:
            return None
        model = solver.model()
    finally:
        solver.pop()
    return tuple(int(model.eval(p, model_completion=True).as_long()) for p in layout.parameters)


def _wish(domain: Domain, number: int, draw: random.Random) -> int:
    if number < 2:
        return domain.high if number else domain.low
    return draw.choice((domain.low, domain.high, draw.randint(domain.low, domain.high)))
