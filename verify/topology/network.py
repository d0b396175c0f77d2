"""A network as frozen data: nodes, links with capacities, groups that fail together, stand-bys, demands.

Capacities and demands are exact fractions of bit/s (or of any one unit). A link carries its capacity in each direction (full
duplex). What can fail by itself is an *atom*: a node, a link, or one member of a LAG; what fails at once is a *unit* of atoms.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from verify.base.place import NOWHERE, Place
from verify.base.record import record

MOST_CHOICES = 256  # combinations of stand-by members that are tried


class Hashing(Enum):
    """How a LAG spreads its conversations over the members that are left.

    ``EVEN``: in equal shares. ``BUCKETS``: a fixed number of hash buckets is dealt out anew, so that some members get one more
    than others. ``STICKY``: only the buckets of a lost member move, in the worst case all to the same member.
    """

    EVEN = "even"
    BUCKETS = "buckets"
    STICKY = "sticky"


@record
class Link:
    """A link between the nodes ``a`` and ``b``. ``capacity``: of each member, in each direction; None is without limit.

    ``members``: None for a plain link; for a LAG how many there are, of which ``minimum`` must be up for it to carry anything.
    ``buckets``: for BUCKETS.
    """

    name: str
    a: str
    b: str
    capacity: Fraction | None = None
    members: int | None = None
    minimum: int = 1
    hashing: Hashing = Hashing.EVEN
    buckets: int = 0
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def atoms(self) -> tuple[str, ...]:
        """What can fail of it: itself, or its members ``name[0]``, ``name[1]`` and so on."""
        if self.members is None:
            return (self.name,)
        return tuple(f"{self.name}[{i}]" for i in range(self.members))

    def usable(self, up: int) -> Fraction | None:
        """What it carries with ``up`` members left, in each direction; None is without limit. 0 if it is down.

        A LAG is full as soon as its fullest member is: with a share s of the traffic on that member it carries c / s.
        """
        if up < max(1, self.minimum):
            return Fraction(0)
        if self.capacity is None or self.members is None:
            return self.capacity
        return self.capacity / self.fullest_share(up)

    def fullest_share(self, up: int) -> Fraction:
        """The share of a LAG's traffic that its fullest member gets, in the worst case, with ``up`` members left."""
        total = self.members or 1
        match self.hashing:
            case Hashing.BUCKETS:
                return Fraction(-(-self.buckets // up), self.buckets)
            case Hashing.STICKY:
                return Fraction(total - up + 1, total)
            case _:
                return Fraction(1, up)


@record
class Group:
    """Atoms, or nodes and links by name, that fail together. ``kind``: the reader's word, such as chassis, feed, duct, site."""

    name: str
    kind: str
    members: tuple[str, ...]
    place: Place = field(default=NOWHERE, compare=False)


@record
class Standby:
    """Nodes or links of which at most one at a time passes traffic; any that is up may be the one."""

    name: str
    members: tuple[str, ...]
    place: Place = field(default=NOWHERE, compare=False)


@record
class Demand:
    """Traffic from ``a`` to ``b``; ``amount`` 0 asks for a connection only."""

    name: str
    a: str
    b: str
    amount: Fraction = Fraction(0)
    place: Place = field(default=NOWHERE, compare=False)


@record
class Unit:
    """What fails at once. ``kind``: node, link, member, or a group's own kind. ``group``: whether it is one."""

    name: str
    kind: str
    atoms: frozenset[str]
    group: bool = False


@dataclass(frozen=True)
class Network:
    """A whole network. ``titles``: how a node is called by its owners, where that is not its name."""

    name: str
    nodes: tuple[str, ...]
    links: tuple[Link, ...]
    groups: tuple[Group, ...] = ()
    standbys: tuple[Standby, ...] = ()
    demands: tuple[Demand, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def by_name(self) -> dict[str, Link]:
        """The links by their names."""
        return {link.name: link for link in self.links}

    @functools.cached_property
    def at(self) -> dict[str, tuple[Link, ...]]:
        """The links at each node. A link from a node to itself joins nothing and is left out."""
        found: dict[str, list[Link]] = {n: [] for n in self.nodes}
        for link in self.links:
            if link.a != link.b:
                found[link.a].append(link)
                found[link.b].append(link)
        return {n: tuple(links) for n, links in found.items()}

    def atoms_of(self, names: Iterable[str]) -> frozenset[str]:
        """The atoms that names of nodes, links and members of LAGs stand for."""
        found: set[str] = set()
        for name in names:
            found.update(self.by_name[name].atoms if name in self.by_name else (name,))
        return frozenset(found)

    @functools.cached_property
    def units(self) -> tuple[Unit, ...]:
        """All that can fail: nodes, links and members of LAGs, groups, in text order."""
        nodes = [Unit(n, "node", frozenset([n])) for n in self.nodes]
        links = [
            Unit(a, "link" if link.members is None else "member", frozenset([a]))
            for link in self.links
            for a in link.atoms
        ]
        groups = [Unit(g.name, g.kind or "group", self.atoms_of(g.members), group=True) for g in self.groups]
        return (*nodes, *links, *groups)

    def up(self, link: Link, failed: frozenset[str]) -> int:
        """How many members of a link are left (a plain link has one); 0 if an end has failed."""
        if link.a in failed or link.b in failed:
            return 0
        return sum(1 for atom in link.atoms if atom not in failed)

    def choices(self, failed: frozenset[str]) -> Iterator[frozenset[str]]:
        """For each way of taking one member of every stand-by that is up: the atoms that do not pass traffic then."""
        options: list[list[frozenset[str]]] = []
        for standby in self.standbys:
            members = [self.atoms_of([m]) for m in standby.members]
            up = [m for m in members if not m <= failed]
            every = frozenset[str]().union(*members)
            options.append([every - m for m in up] or [every])
        for waiting in itertools.product(*options):
            yield frozenset[str]().union(*waiting)

    @property
    def combinations(self) -> int:
        """How many choices there are while nothing has failed."""
        total = 1
        for standby in self.standbys:
            total *= len(standby.members)
        return total


def reachable(network: Network, start: str, dead: frozenset[str]) -> dict[str, Link | None]:
    """Every node that traffic from ``start`` gets to, with the link by which it was first reached, breadth first."""
    if start in dead:
        return {}
    found: dict[str, Link | None] = {start: None}
    waiting = [start]
    for node in waiting:
        for link in network.at[node]:
            other = link.b if link.a == node else link.a
            if other not in found and other not in dead and network.up(link, dead) >= max(1, link.minimum):
                found[other] = link
                waiting.append(other)
    return found
