"""What is asked of a network under failures, and what answers it: routes that stand, or an obstacle that is in the way."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verify.base.record import record
from verify.topology.network import Demand, Network, Unit


@record
class Requirement:
    """Demands that must be met at the same time. An ``amount`` of 0 asks for a connection."""

    demands: tuple[Demand, ...]

    def __str__(self) -> str:
        if len(self.demands) > 1:
            return f"carries({', '.join(d.name for d in self.demands)})"
        d = self.demands[0]
        return f"flow({d.a}, {d.b}) >= {d.amount}" if d.amount else f"connected({d.a}, {d.b})"


@record
class Question:
    """Does every requirement hold whichever ``failures`` of the ``units`` have failed? Each requirement for itself."""

    network: Network
    requirements: tuple[Requirement, ...]
    units: tuple[Unit, ...]
    failures: int


@record
class Route:
    """A path from node to node (``nodes``, one more than ``links``) that carries ``amount`` of the demand ``demand``."""

    demand: str
    nodes: tuple[str, ...]
    links: tuple[str, ...]
    amount: Fraction


@record
class Witness:
    """Routes that meet every requirement, as long as all the atoms of ``needs`` are up. ``routes``: for each requirement."""

    routes: tuple[tuple[Route, ...], ...]
    needs: frozenset[str]


@record
class Cut:
    """Nodes that hold the source and not the sink of a demand; what crosses their border is too little. In bit/s."""

    demand: str
    side: frozenset[str]
    left: Fraction


@record
class Lengths:
    """Lengths of the directed links (link, from node): the demands need more length than the capacities have.

    ``share``: with these lengths at most this share of all the demands can be met at once.
    """

    lengths: Mapping[tuple[str, str], Fraction]
    share: Fraction


@record
class Obstacle:
    """Why a requirement fails: a cut or lengths for each choice of the stand-bys (the atoms that do not pass traffic)."""

    requirement: int
    reasons: tuple[tuple[frozenset[str], Cut | Lengths], ...]


@record
class Violation:
    """Units whose failure breaks a requirement, none of them in vain, and why."""

    failed: tuple[Unit, ...]
    obstacle: Obstacle


@record
class Answer:
    """All minimal violations with up to the number of failures asked for; if there are none, witnesses for all of them.

    ``unknown``: why the answer is not complete, "" if it is. ``complete``: up to how many failures it is complete all the same.
    """

    violations: tuple[Violation, ...]
    witnesses: tuple[Witness, ...]
    unknown: str = ""
    complete: int = 0
    solved: int = 0


def atoms(units: tuple[Unit, ...]) -> frozenset[str]:
    """All the atoms of some units."""
    return frozenset[str]().union(*(u.atoms for u in units))


def spared(network: Network, demands: tuple[Demand, ...], named: frozenset[str] = frozenset()) -> tuple[Unit, ...]:
    """All units without the ends of the demands, unless ``named``: an end does not fail, its group takes the others down."""
    ends = frozenset(end for d in demands for end in (d.a, d.b)) - named
    return without(network.units, ends)


def without(units: tuple[Unit, ...], kept: frozenset[str]) -> tuple[Unit, ...]:
    """Units whose ``kept`` atoms do not fail; what has nothing left is no unit any more."""
    left = (u if not u.atoms & kept else Unit(u.name, u.kind, u.atoms - kept, u.group) for u in units)
    return tuple(u for u in left if u.atoms)
