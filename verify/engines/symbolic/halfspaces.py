"""Cubes of linear inequalities over integers, and their projection.

G. B. Dantzig and B. C. Eaves, "Fourier-Motzkin elimination and its dual", JCT A 14, 1973, doi:10.1016/0097-3165(73)90004-6. It is
exact for integers where of each two inequalities that are joined one has the coefficient 1 (W. Pugh, "The Omega test", CACM
35(8), 1992, doi:10.1145/125223.125226); elsewhere the variable is given the value that it has in a model, which keeps less.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import z3

from verify.base.record import record


@record
class Linear:
    """A linear form: the names with their coefficients, sorted, and a constant."""

    terms: tuple[tuple[str, int], ...] = ()
    constant: int = 0

    def plus(self, other: Linear, times: int = 1) -> Linear:
        """This form, and so many times the other."""
        sums = dict(self.terms)
        for name, count in other.terms:
            sums[name] = sums.get(name, 0) + times * count
        kept = tuple(sorted((n, c) for n, c in sums.items() if c))
        return Linear(kept, self.constant + times * other.constant)

    def times(self, count: int) -> Linear:
        """So many times this form."""
        return Linear().plus(self, count)

    def of(self, name: str) -> int:
        """The coefficient of a name."""
        return next((c for n, c in self.terms if n == name), 0)

    def at(self, values: Mapping[str, int]) -> int:
        """Its value."""
        return self.constant + sum(c * values[n] for n, c in self.terms)

    @property
    def tight(self) -> Linear:
        """What ``self <= 0`` says, in least numbers: the constant is rounded to the next integer point."""
        divisor = math.gcd(*(c for _, c in self.terms)) if self.terms else 1
        return Linear(tuple((n, c // divisor) for n, c in self.terms), -(-self.constant // divisor))

    @property
    def term(self) -> Any:  # noqa: ANN401 - a Z3 term
        """The form as a term over integers of these names."""
        return z3.Sum([c * z3.Int(n) for n, c in self.terms]) + self.constant if self.terms else z3.IntVal(self.constant)

    @property
    def met(self) -> Any:  # noqa: ANN401 - a Z3 term
        """That it is at most 0, with what is subtracted on the right: solvers learn more readily from that."""
        sides: tuple[list[Any], list[Any]] = ([], [])
        for name, count in self.terms:
            word = z3.Int(name)
            sides[count < 0].append(word if abs(count) == 1 else abs(count) * word)
        if self.constant:
            sides[self.constant < 0].append(z3.IntVal(abs(self.constant)))
        left, right = (x[0] if len(x) == 1 else z3.Sum(x) if x else z3.IntVal(0) for x in sides)
        return left <= right

    @property
    def opposite(self) -> Linear:
        """At most 0 where this one is not."""
        return self.times(-1).plus(Linear((), 1))


Cube = tuple[Linear, ...]  # each at most 0


def holds(cube: Cube) -> Any:  # noqa: ANN401 - a Z3 term
    """The cube as a condition."""
    return z3.And(*[x.met for x in cube])


def avoided(cube: Cube) -> Any:  # noqa: ANN401 - a Z3 term
    """That the cube does not hold."""
    return cube[0].opposite.met if len(cube) == 1 else z3.Or(*[x.opposite.met for x in cube])


def tidy(forms: Iterable[Linear]) -> Cube:
    """Without what is always so, and of parallel ones the tightest."""
    closest: dict[tuple[tuple[str, int], ...], int] = {}
    for form in forms:
        tight = form.tight
        if tight.terms:
            closest[tight.terms] = max(tight.constant, closest.get(tight.terms, tight.constant))
    return tuple(sorted((Linear(t, c) for t, c in closest.items()), key=lambda x: (len(x.terms), x.terms, x.constant)))


def projected(cube: Iterable[Linear], names: Iterable[str], values: Mapping[str, int]) -> Cube:
    """The cube without these names: what all values of theirs leave of the others; ``values``: a point of the cube."""
    left = tidy(cube)
    waiting = set(names)
    while waiting:
        name = min(waiting, key=lambda n: (_joined(left, n), n))
        waiting.remove(name)
        left = _without(left, name, values)
    return left


def _joined(cube: Cube, name: str) -> int:
    above = sum(1 for x in cube if x.of(name) > 0)
    below = sum(1 for x in cube if x.of(name) < 0)
    return above * below - above - below


def _without(cube: Cube, name: str, values: Mapping[str, int]) -> Cube:
    above = [x for x in cube if x.of(name) > 0]
    below = [x for x in cube if x.of(name) < 0]
    free = [x for x in cube if not x.of(name)]
    if any(a.of(name) > 1 and b.of(name) < -1 for a in above for b in below):
        fixed = Linear((), values[name])
        return tidy([*free, *(_put(x, name, fixed) for x in (*above, *below))])
    joined = [a.times(-b.of(name)).plus(b, a.of(name)) for a in above for b in below]
    return tidy([*free, *joined])


def _put(form: Linear, name: str, value: Linear) -> Linear:
    count = form.of(name)
    return Linear(tuple((n, c) for n, c in form.terms if n != name), form.constant).plus(value, count)
