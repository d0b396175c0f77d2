"""Zones: sets of clock values as difference bound matrices (Dill, 1989), over the integers, always in their closed form.

``zone[i][j]`` is the most that clock i may be above clock j. Clock 0 is the constant 0; clocks 1, 2, … are the ticks that are
left until something happens, at least 1 each. A closed matrix has no bound that others make smaller: it is the only one of
its set, the projection on some clocks is the matrix of their rows and columns, and each of its bounds is met by a point.
Bounds are between integers, so that the set of integer points is what the matrix says, not less.
"""

from __future__ import annotations

from collections.abc import Sequence

Zone = tuple[tuple[int, ...], ...]
Term = tuple[int, int]  # (clock, offset): the value of the clock, and so much more

NOTHING_RUNS: Zone = ((0,),)


def rebased(zone: Zone, terms: Sequence[Term]) -> Zone:
    """The zone of the clocks that the terms give; the first of them is what is called 0 from now on."""
    return tuple(tuple(zone[i][j] + c - d for j, d in terms) for i, c in terms)


def constrained(zone: Zone, i: int, j: int, most: int) -> Zone | None:
    """The part in which clock i is at most so much above clock j; None if it is empty."""
    if zone[i][j] <= most:
        return zone
    if zone[j][i] + most < 0:
        return None
    row = zone[j]
    return tuple(tuple(min(old, line[i] + most + more) for old, more in zip(line, row, strict=True)) for line in zone)


def delayed(zone: Zone) -> Zone:
    """What the zone becomes while time passes and nothing happens: all clocks fall alike, each to 1 at least."""
    if len(zone) == 1:
        return zone
    least = tuple(0 if i == 0 else min(line[i] for line in zone[1:]) - 1 for i in range(len(zone)))
    return (least, *zone[1:])


def includes(zone: Zone, other: Zone) -> bool:
    """Whether the other is a part of it; both have the same clocks."""
    return all(a >= b for line, row in zip(zone, other, strict=True) for a, b in zip(line, row, strict=True))


def passes(zone: Zone) -> bool:
    """Whether a tick can pass somewhere in it before anything happens: all clocks can be above 1 at once."""
    return all(line[0] >= 2 for line in zone[1:])


def ticked(zone: Zone) -> Zone:
    """The zone after one tick in which nothing happened; it must pass."""
    for clock in range(1, len(zone)):
        part = constrained(zone, 0, clock, -2)
        if part is None:
            message = "no tick passes in this zone"
            raise ValueError(message)
        zone = part
    return rebased(zone, [(0, 0), *((clock, -1) for clock in range(1, len(zone)))])


def first_to_end(zone: Zone, at: int | None = None) -> list[tuple[tuple[int, ...], Zone]]:
    """Which clocks can come to their end first, at once with one another, and the part of the zone in which they do.

    ``at``: in so many ticks, None for whenever.
    """
    found: list[tuple[tuple[int, ...], Zone]] = []
    for first in range(1, len(zone)):
        part: Zone | None = zone
        if at is not None:
            part = constrained(zone, first, 0, at)
            part = None if part is None else constrained(part, 0, first, -at)
        waiting: list[tuple[tuple[int, ...], int, Zone]] = [] if part is None else [((first,), 1, part)]
        while waiting:
            ending, clock, here = waiting.pop()
            if clock == len(zone):
                found.append((ending, here))
                continue
            if clock == first:
                waiting.append((ending, clock + 1, here))
                continue
            later = constrained(here, first, clock, -1)
            if later is not None:
                waiting.append((ending, clock + 1, later))
            if clock > first:  # of clocks that end at once, the lowest is the first
                same = constrained(here, first, clock, 0)
                same = None if same is None else constrained(same, clock, first, 0)
                if same is not None:
                    waiting.append(((*ending, clock), clock + 1, same))
    return found
