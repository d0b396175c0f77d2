"""Random small networks, and answers about them by brute force: nothing of the search is used."""

import itertools
from fractions import Fraction

from hypothesis import strategies as st

from verify.topology.network import Demand, Group, Hashing, Link, Network, Standby

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def networks(draw, *, loaded=False, standbys=False, demands=1, largest=5, loops=True):  # noqa: PLR0913 - what is drawn
    """Multigraphs of up to five nodes with groups and LAGs, and demands from different ends. ``loops``: of a node to itself."""
    nodes = NAMES[: draw(st.integers(2, largest))]
    links = []
    for number in range(draw(st.integers(1, 7))):
        a = draw(st.sampled_from(nodes))
        b = draw(st.sampled_from(nodes if loops else [n for n in nodes if n != a]))
        capacity = Fraction(draw(st.integers(1, 6)), draw(st.sampled_from((1, 1, 2, 3)))) if loaded else None
        members = draw(st.sampled_from((None, None, None, 2, 3)))
        hashing = draw(st.sampled_from(Hashing)) if members else Hashing.EVEN
        minimum = draw(st.integers(1, members)) if members else 1
        links.append(
            Link(f"l{number}", a, b, capacity, members, minimum, hashing, 8 if hashing is Hashing.BUCKETS else 0)
        )
    atoms = [*nodes, *(atom for link in links for atom in link.atoms)]
    groups = [
        Group(f"g{n}", "", tuple(draw(st.lists(st.sampled_from(atoms), min_size=1, max_size=3, unique=True))))
        for n in range(draw(st.integers(0, 3)))
    ]
    waiting = []
    if standbys and draw(st.booleans()):
        names = [*nodes, *(link.name for link in links)]
        chosen = draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
        waiting.append(Standby("s", tuple(chosen)))
    wanted = []
    for number in range(demands):
        a, b = draw(st.lists(st.sampled_from(nodes), min_size=2, max_size=2, unique=True))
        amount = Fraction(draw(st.integers(1, 8)), draw(st.sampled_from((1, 2)))) if loaded else Fraction(0)
        wanted.append(Demand(f"d{number}", a, b, amount))
    return Network("random", nodes, tuple(links), tuple(groups), tuple(waiting), tuple(wanted))


def alive_edges(network, down):
    """(link, a, b, capacity) of what carries anything; LAG shares by counting, worked out here once more."""
    edges = []
    for link in network.links:
        up = [atom for atom in link.atoms if atom not in down]
        if link.a in down or link.b in down or len(up) < link.minimum or not up:
            continue
        capacity = link.capacity
        if capacity is not None and link.members is not None:
            match link.hashing:
                case Hashing.EVEN:
                    counts = [1] * len(up)
                case Hashing.BUCKETS:
                    counts = [len(range(i, link.buckets, len(up))) for i in range(len(up))]
                case Hashing.STICKY:
                    counts = [1] * len(up)
                    counts[0] += link.members - len(up)
            capacity = link.capacity * sum(counts) / max(counts)
        edges.append((link.name, link.a, link.b, capacity))
    return edges


def standby_choices(network, down):
    """Every set of atoms that wait while one member of each stand-by that is up is active."""
    expanded = []
    for standby in network.standbys:
        members = [network.atoms_of([m]) for m in standby.members]
        active = [m for m in members if m - down] or [frozenset()]
        expanded.append([frozenset().union(*members) - m for m in active])
    return [frozenset().union(*c) for c in itertools.product(*expanded)]


def joined(network, a, b, down):
    """Whether two nodes are joined, by merging labels until nothing changes."""
    label = {n: n for n in network.nodes}
    edges = alive_edges(network, down)
    changed = True
    while changed:
        changed = False
        for _, x, y, _ in edges:
            low = min(label[x], label[y])
            if label[x] != low or label[y] != low:
                label[x] = label[y] = low
                changed = True
    return a not in down and b not in down and label[a] == label[b]


def smallest_cut(network, a, b, down):
    """The maximum flow as the smallest cut, over all sets of nodes (None: without limit)."""
    best = None
    others = [n for n in network.nodes if n not in (a, b)]
    for inside in itertools.product((False, True), repeat=len(others)):
        side = {a, *(n for n, yes in zip(others, inside, strict=True) if yes)}
        crossing = [c for _, x, y, c in alive_edges(network, down) if (x in side) != (y in side)]
        if None not in crossing:
            best = sum(crossing) if best is None else min(best, sum(crossing))
    return best


def minimal_sets(units, most, breaks):
    """All minimal sets of up to ``most`` units that break something, by trying every set."""
    found = []
    for size in range(most + 1):
        for chosen in itertools.combinations(units, size):
            names = frozenset(u.name for u in chosen)
            if not any(f <= names for f in found) and breaks(frozenset().union(*(u.atoms for u in chosen))):
                found.append(names)
    return set(found)
