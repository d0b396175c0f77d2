"""Regions of the open parameters, as linear bounds over rigid expressions; and what a search for them has to tell."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.record import record
from verify.engines.claim import Claim
from verify.system.build import apply
from verify.system.expression import (
    Apply,
    Constant,
    Expression,
    Operator,
    Rigid,
    conjunction,
    disjunction,
)
from verify.trace.trace import Trace


@record
class Bound:
    """The sum of the terms, each so many times, is at most ``most``. Terms are parameters, or rigid expressions over them."""

    terms: tuple[tuple[Expression, int], ...]
    most: int

    @property
    def expression(self) -> Expression:
        """The bound as a condition: what is subtracted stands on the right."""
        left = [_times(e, n) for e, n in self.terms if n > 0]
        right = [_times(e, -n) for e, n in self.terms if n < 0]
        (left if self.most < 0 else right).append(Constant(abs(self.most)))
        return Apply(Operator.AT_MOST, (_sum(left), _sum(right)))

    @property
    def opposite(self) -> Bound:
        """The bound that holds where this one does not."""
        return Bound(tuple((e, -n) for e, n in self.terms), -self.most - 1)


Region = tuple[Bound, ...]  # all of them hold; () is everything


def point(values: Sequence[int]) -> Region:
    """The region of one valuation of all parameters."""
    bounds = ((Bound(((Rigid(i), 1),), v), Bound(((Rigid(i), -1),), -v)) for i, v in enumerate(values))
    return tuple(b for pair in bounds for b in pair)


def _times(expression: Expression, count: int) -> Expression:
    return apply(Operator.MULTIPLY, Constant(count), expression)


def _sum(parts: Sequence[Expression]) -> Expression:
    return apply(Operator.ADD, *parts) if parts else Constant(0)


def within(regions: Sequence[Region]) -> Expression:
    """That one of the regions holds."""
    return disjunction(*(conjunction(*(b.expression for b in r)) for r in regions))


def beyond(regions: Sequence[Region]) -> tuple[Expression, ...]:
    """What holds outside all the regions: each is an assumption of its own."""
    return tuple(disjunction(*(b.opposite.expression for b in r)) for r in regions)


@record
class Met:
    """A region in which every value is bad; a run for ``values``, if one was found; ``failed``: it ends in an error."""

    region: Region
    values: tuple[int, ...]
    trace: Trace | None
    failed: bool


@record
class Sample:
    """Values in a region, with a run that shows that they are bad. ``facet``: the number of the bound that they are nearest to.

    ``beside``: the nearest values that lie beyond that bound, and in no region.
    """

    region: int
    facet: int | None
    values: tuple[int, ...]
    trace: Trace | None
    failed: bool
    beside: tuple[int, ...] | None = None


@record
class Covered:
    """All the regions that were met, written as simply as possible, and for each whether its runs end in errors.

    ``named``: what the expressions in it are called in the model.
    """

    regions: tuple[Region, ...]
    failed: tuple[bool, ...]
    named: tuple[tuple[Expression, str], ...] = ()


@record
class Safe:
    """A claim that the property holds outside the regions of the last :class:`Covered`."""

    claim: Claim


@record
class Whole:
    """The regions of the last :class:`Covered` leave no values."""


@record
class Looked:
    """How far the search is: no bad values but those that were told, up to so many moves."""

    depth: int


@record
class Stuck:
    """The search has ended without a proof: why."""

    why: str


News = Met | Sample | Covered | Safe | Whole | Looked | Stuck
