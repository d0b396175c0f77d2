"""Unions of cubes over the parameters, written as simply as possible.

The steps are those of two-level minimisation of logic: R. K. Brayton, G. D. Hachtel, C. T. McMullen, A. L.
Sangiovanni-Vincentelli, "Logic Minimization Algorithms for VLSI Synthesis", 1984: expand each cube as far as the union allows,
then leave out what the others cover. Only what the premises leave counts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.derived import Extended
from verify.engines.symbolic.halfspaces import Cube, Linear, avoided, holds, tidy

ROUGH = 2000  # milliseconds for a question about the derived parameters' axioms
EXACT = 1000  # milliseconds for one about what they are


@record
class Point:
    """Values of the parameters, and of the derived ones."""

    values: tuple[int, ...]
    all: tuple[int, ...]


class Ground:
    """What the premises leave of the parameters: questions about it."""

    def __init__(self, layout: Extended, until: float) -> None:
        """``until``: from then on nothing is shown any more."""
        self.layout = layout
        self.until = until
        self.rough = z3.Solver()
        self.rough.add(*layout.premises())
        self.linear = layout.complete
        self.exact = z3.Solver()
        self.exact.add(*layout.premises(), *layout.exactly())

    def empty(self, *conditions: Any) -> bool:  # noqa: ANN401 - Z3 terms
        """Whether no values satisfy them; False where nobody knows."""
        if self._ask(self.rough, ROUGH, conditions) == z3.unsat:
            return True
        return not self.linear and self._ask(self.exact, EXACT, conditions) == z3.unsat

    def point(self, *conditions: Any) -> Point | None:  # noqa: ANN401 - Z3 terms
        """Values that satisfy them, with the derived parameters as they are; None if there are none, or none are found."""
        if self._ask(self.exact, 10 * EXACT, conditions) != z3.sat:
            return None
        model = self.exact.model()
        found = tuple(int(model.eval(p, model_completion=True).as_long()) for p in self.layout.parameters)
        return Point(found[: len(self.layout.base.parameters)], found)

    def _ask(self, solver: Any, milliseconds: int, conditions: Sequence[Any]) -> Any:  # noqa: ANN401 - Z3's own
        left = int(1000 * (self.until - time.monotonic()))
        if left <= 0:
            return z3.unknown
        solver.set("timeout", min(left, milliseconds))
        return solver.check(*[_flag(solver, c) for c in conditions])


def _flag(solver: Any, condition: Any) -> Any:  # noqa: ANN401 - Z3's own
    """A literal that stands for the condition."""
    flag = z3.FreshBool("asked")
    solver.add(z3.Implies(flag, condition))
    return flag


def simplified(cubes: Sequence[Cube], ground: Ground) -> list[Cube]:
    """The same union, of fewer and wider cubes."""
    kept = [c for c in dict.fromkeys(cubes) if not ground.empty(holds(c))]
    union = z3.Or(*[holds(c) for c in kept])
    constants = _constants(kept)
    wide = [_expanded(c, union, constants, ground) for c in kept]
    wide = sorted(dict.fromkeys(wide), key=lambda c: (len(c), [len(x.terms) for x in c]))
    for cube in list(reversed(wide)):
        others = [c for c in wide if c != cube]
        if others and ground.empty(holds(cube), *[avoided(c) for c in others]):
            wide = others
    return wide


def _constants(cubes: Sequence[Cube]) -> dict[tuple[tuple[str, int], ...], list[int]]:
    """Of each left side the constants that it stands with, and those on the other side of what stands against it."""
    found: dict[tuple[tuple[str, int], ...], set[int]] = {}
    for form in (x for cube in cubes for x in cube):
        found.setdefault(form.terms, set()).add(form.constant)
        turned = form.opposite
        found.setdefault(turned.terms, set()).add(turned.constant)
    return {terms: sorted(constants) for terms, constants in found.items()}


def _expanded(
    cube: Cube, union: Any, constants: dict[tuple[tuple[str, int], ...], list[int]], ground: Ground  # noqa: ANN401 - a Z3 term
) -> Cube:
    def covered(forms: Sequence[Linear]) -> bool:
        return ground.empty(holds(tuple(forms)), z3.Not(union))

    left = list(cube)
    for form in sorted(cube, key=lambda x: (-len(x.terms), x.terms)):
        others = [x for x in left if x != form]
        if covered(others):
            left = others
            continue
        for constant in constants[form.terms]:
            if constant >= form.constant:
                break
            if covered([*others, Linear(form.terms, constant)]):
                left = [*others, Linear(form.terms, constant)]
                break
    return tidy(left)


# ---- points of a cube


def on_facet(cube: Cube, facet: Linear, ground: Ground) -> Point | None:
    """A point of the cube as near as possible to where the facet's bound is met."""
    inside = holds(cube)
    found = ground.point(inside, facet.term == 0)
    if found is not None:
        return found
    return _nearest(ground, facet.term, inside)


def beyond_facet(cube: Cube, facet: Linear, cubes: Sequence[Cube], ground: Ground) -> Point | None:
    """The nearest point beyond the facet that is in no cube."""
    others = holds(tuple(x for x in cube if x != facet))
    free = z3.And(*[avoided(c) for c in cubes])
    found = ground.point(others, free, facet.term == 1)
    if found is not None:
        return found
    return _nearest(ground, -facet.term, z3.And(others, free))


def _nearest(ground: Ground, term: Any, condition: Any) -> Point | None:  # noqa: ANN401 - Z3 terms
    """A point where the term is as large as possible, by bisection of the way to 0."""
    words = ground.layout.parameters

    def at(point: Point) -> int:
        pairs = [(w, z3.IntVal(v)) for w, v in zip(words, point.all, strict=True)]
        return int(z3.simplify(z3.substitute(term, pairs)).as_long())

    best = ground.point(condition)
    low, high = (at(best), 0) if best is not None else (0, 0)
    while best is not None and low < high:
        middle = (low + high + 1) // 2
        better = ground.point(condition, term >= middle)
        if better is None:
            high = middle - 1
        else:
            best, low = better, at(better)
    return best


def spread(cube: Cube, ground: Ground, count: int) -> Iterator[Point]:
    """Points of the cube here and there: the same ones each time."""
    chance = random.Random(7)  # noqa: S311 - any numbers do
    domains = [p.domain for p in ground.layout.system.parameters]
    for _ in range(count):
        conditions = [holds(cube)]
        for word, domain in zip(ground.layout.base.parameters, domains, strict=True):
            pivot = chance.randint(domain.low, domain.high)
            side = word >= pivot if chance.random() < 0.5 else word <= pivot
            if ground.point(*conditions, side) is not None:
                conditions.append(side)
        found = ground.point(*conditions)
        if found is not None:
            yield found
