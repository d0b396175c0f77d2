"""Zones against the sets of points that they mean: everything up to 6 ticks, written out."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from verify.engines.zones.zone import constrained, delayed, first_to_end, includes, passes, rebased, ticked

HIGHEST = 6


def points(zone):
    """The values of the clocks, clock 0 left out."""
    size = len(zone)
    found = set()
    for values in itertools.product(range(1, HIGHEST + 1), repeat=size - 1):
        whole = (0, *values)
        if all(whole[i] - whole[j] <= zone[i][j] for i in range(size) for j in range(size)):
            found.add(values)
    return found


def closed(zone):
    """No bound can be smaller, and each is met."""
    inside = [(0, *p) for p in points(zone)]
    size = len(zone)
    return all(zone[i][j] == max(p[i] - p[j] for p in inside) for i in range(size) for j in range(size))


@st.composite
def zones(draw, most=3):
    """A zone of a few clocks: all values, then some differences bounded, as long as something is left."""
    count = draw(st.integers(1, most))
    zone = tuple(tuple(0 if i == j else HIGHEST if j == 0 else -1 if i == 0 else HIGHEST - 1 for j in range(count + 1)) for i in range(count + 1))
    for _ in range(draw(st.integers(0, 5))):
        i, j = draw(st.integers(0, count)), draw(st.integers(0, count))
        part = constrained(zone, i, j, draw(st.integers(-5, 5))) if i != j else None
        zone = zone if part is None else part
    return zone


@given(zones(), st.integers(0, 3), st.integers(0, 3), st.integers(-6, 6))
def test_constrained(zone, i, j, most):
    i, j = i % len(zone), j % len(zone)
    if i == j:
        return
    wanted = {p for p in points(zone) if (0, *p)[i] - (0, *p)[j] <= most}
    part = constrained(zone, i, j, most)
    if part is None:
        assert not wanted
    else:
        assert points(part) == wanted
        assert closed(part)


@given(zones())
def test_delayed(zone):
    wanted = {tuple(v - d for v in p) for p in points(zone) for d in range(HIGHEST) if min(p) - d >= 1}
    assert points(delayed(zone)) == wanted
    assert closed(delayed(zone))


@given(zones(), zones())
def test_includes(zone, other):
    if len(zone) == len(other):
        assert includes(zone, other) == (points(other) <= points(zone))


@given(zones())
def test_a_tick(zone):
    wanted = {tuple(v - 1 for v in p) for p in points(zone) if min(p) >= 2}
    assert passes(zone) == bool(wanted)
    if wanted:
        assert points(ticked(zone)) == wanted
        assert closed(ticked(zone))


@given(zones(), st.data())
def test_clocks_stop_start_and_are_copied(zone, data):
    count = data.draw(st.integers(0, 3))
    terms = [data.draw(st.one_of(st.tuples(st.integers(1, len(zone) - 1), st.just(0)), st.tuples(st.just(0), st.integers(1, HIGHEST)))) for _ in range(count)]
    wanted = {tuple((0, *p)[i] + c for i, c in terms) for p in points(zone)}
    moved = rebased(zone, [(0, 0), *terms])
    assert points(moved) == wanted
    assert closed(moved)


@given(zones(), st.one_of(st.none(), st.integers(1, 3)))
def test_the_first_to_end(zone, at):
    found = {}
    for ending, part in first_to_end(zone, at):
        assert ending == tuple(sorted(ending))
        assert ending not in found
        found[ending] = points(part)
        assert closed(part)
        left = [c for c in range(1, len(zone)) if c not in ending]
        after = rebased(part, [(ending[0], 0), *((c, 0) for c in left)])
        assert points(after) == {tuple(p[c - 1] - min(p) for c in left) for p in found[ending]}
    wanted = {}
    for p in points(zone):
        if at is None or min(p) == at:
            wanted.setdefault(tuple(i for i, v in enumerate(p, 1) if v == min(p)), set()).add(p)
    assert found == wanted
