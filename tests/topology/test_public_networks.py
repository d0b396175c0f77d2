"""The 229 topologies that PyPI's topohub carries: single points of failure against taking each part out, by union and find."""

import importlib.util
from pathlib import Path

import pytest

from verify.topology.analysis import single_cuts, single_points
from verify.topology.formats import read

_found = importlib.util.find_spec("topohub")
FILES = (
    sorted(p for kind in ("sndlib", "topozoo") for p in Path(_found.origin).parent.glob(f"data/{kind}/*.json"))
    if _found
    else []
)
pytestmark = pytest.mark.skipif(not FILES, reason="the topologies of topohub are not installed")


def labels(network, gone):
    """For each node that is up the least node of its part."""
    parent = {n: n for n in network.nodes if n != gone}

    def root(n):
        while parent[n] != n:
            n = parent[n]
        return n

    for link in network.links:
        if link.name != gone and gone not in (link.a, link.b):
            parent[root(link.a)] = root(link.b)
    return {n: root(n) for n in parent}


def by_hand(network):
    before = labels(network, None)
    found = set()
    for name in (*network.nodes, *(link.name for link in network.links)):
        after = labels(network, name)
        if len(set(after.values())) > len({before[n] for n in after}):
            found.add(name)
    return found


@pytest.mark.skipif(len(FILES) != 229, reason="another release of topohub")
def test_how_many_there_are():
    assert sum(1 for p in FILES if p.parent.name == "sndlib") == 26


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_single_points_of_failure(path):
    network = read(path.read_text(encoding="utf-8"), str(path))
    expected = by_hand(network)
    assert {s.unit.name for s in single_points(network)} == expected
    parted = {c.failed[0].name for c in single_cuts(network, network.demands)}
    assert parted <= expected
    if path.parent.name == "sndlib" and len(network.demands) == len(network.nodes) * (len(network.nodes) - 1):
        assert parted == expected
