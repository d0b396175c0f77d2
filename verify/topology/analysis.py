"""The report on a network: single points of failure, small cut sets, connectivity, and what is left to carry when parts fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from verify.base.budget import Budget
from verify.base.record import record
from verify.topology import certificates
from verify.topology.capacity import Loss, Upgrade, losses, upgrade
from verify.topology.network import Demand, Network, Unit, reachable
from verify.topology.question import Cut, Question, Requirement, Violation, spared
from verify.topology.search import answer, fewest

MOST_COUNTED = 8  # failures: beyond that, "more than 8"
MANY = 60  # demands: beyond that, only what is quick unless it is asked for


@record
class Single:
    """A unit whose failure parts nodes that are up. ``parts``: what is left of the network it was part of, largest first."""

    unit: Unit
    parts: tuple[frozenset[str], ...]


@record
class CutSet:
    """Units that part a demand together, none of them in vain."""

    failed: tuple[Unit, ...]
    demands: tuple[str, ...]
    side: frozenset[str]


@record
class Pair:
    """A demand: how many failures it takes to part its ends (None: no number does), and paths that no unit touches twice.

    ``unknown``: why the number is not known, or "more than 8".
    """

    demand: Demand
    failures: int | None
    paths: tuple[tuple[str, ...], ...]
    unknown: str


@record
class Report:
    """What was found. ``cuts``: all minimal cut sets with up to ``complete`` units (-1: none is sure); ``size`` was asked for.

    ``singles``: those of one unit; with demands, those that part a demand, else those that part any two nodes.
    """

    network: Network
    singles: tuple[Single, ...]
    cuts: tuple[CutSet, ...]
    size: int
    complete: int
    unknown: str
    pairs: tuple[Pair, ...]
    islands: tuple[frozenset[str], ...]
    losses: tuple[Loss, ...]
    upgrade: Upgrade | None


def usual_size(network: Network) -> int:
    """Up to how many units cut sets are looked for unless somebody says: 2 for a few demands, else 1."""
    return 2 if 0 < len(network.demands) <= MANY else 1


def report(network: Network, size: int | None = None, budget: Budget | None = None) -> Report:
    """Examine a network: its demands, or, where it has none, all pairs of its nodes. ``size``: see :func:`usual_size`."""
    budget = budget or Budget()
    size = usual_size(network) if size is None else size
    singles = () if network.demands else single_points(network)
    pairs: tuple[Pair, ...] = ()
    lost: tuple[Loss, ...] = ()
    mended: Upgrade | None = None
    if network.demands:
        if size > 1:
            cuts, complete, unknown = cut_sets(network, network.demands, size, budget)
        else:
            cuts, complete, unknown = single_cuts(network, network.demands), 1, ""
        ones = {c.failed[0].name for c in cuts if len(c.failed) == 1}
        singles = tuple(_parts(network, u) for u in network.units if u.name in ones)
        if len(network.demands) <= MANY:
            pairs = tuple(_pair(network, d, budget) for d in network.demands)
        if any(d.amount for d in network.demands) and any(link.capacity is not None for link in network.links):
            lost = losses(network, budget)
            mended = upgrade(network, lost)
    elif size > 1:
        cuts, complete, unknown = all_cut_sets(network, size, budget)
    else:
        cuts, complete, unknown = tuple(CutSet((s.unit,), (), s.parts[-1]) for s in singles), 1, ""
    return Report(network, singles, cuts, size, complete, unknown, pairs, islands(network), lost, mended)


def islands(network: Network, dead: frozenset[str] = frozenset()) -> tuple[frozenset[str], ...]:
    """The parts of a network that nothing joins, largest first; nodes of ``dead`` are in none."""
    found: list[frozenset[str]] = []
    seen: set[str] = set()
    for node in network.nodes:
        if node not in seen and node not in dead:
            found.append(frozenset(reachable(network, node, dead)))
            seen |= found[-1]
    return tuple(sorted(found, key=lambda part: (-len(part), sorted(part))))


def _parts(network: Network, unit: Unit) -> Single:
    home = {n: i for i, island in enumerate(islands(network)) for n in island}
    after = islands(network, unit.atoms)
    broken = {home[min(part)] for part in after if sum(1 for p in after if home[min(p)] == home[min(part)]) > 1}
    return Single(unit, tuple(p for p in after if home[min(p)] in broken))


def single_points(network: Network) -> tuple[Single, ...]:
    """Every unit whose failure parts two nodes that are up and were joined before.

    Nodes and links are the articulation points of the graph in which each link is a node of its own (Hopcroft and Tarjan
    1973, by networkx); groups and members of LAGs are taken out one by one.
    """
    import networkx as nx  # noqa: PLC0415 - loaded when something is examined

    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(("node", n) for n in network.nodes)
    for link in network.links:
        if link.a != link.b and network.up(link, frozenset()) >= max(1, link.minimum):
            graph.add_edges_from([(("link", link.name), ("node", link.a)), (("link", link.name), ("node", link.b))])
    articulations = set(nx.articulation_points(graph))
    before = len(islands(network))
    found: list[Single] = []
    for unit in network.units:
        if unit.kind in ("node", "link") and not unit.group:
            single = (unit.kind, unit.name) in articulations and (unit.kind == "link" or _parts_others(network, unit))
        else:
            gone = sum(1 for island in islands(network) if island <= unit.atoms)
            single = len(islands(network, unit.atoms)) > before - gone
        if single:
            found.append(_parts(network, unit))
    return tuple(found)


def single_cuts(network: Network, demands: Sequence[Demand]) -> tuple[CutSet, ...]:
    """Every unit that parts a demand by itself: each is taken out, and looked what is still joined."""
    before = _home(islands(network))
    found: list[CutSet] = []
    for unit in network.units:
        parted: list[str] = []
        side = frozenset[str]()
        for ends, several in _by_fallen_ends(demands, unit.atoms).items():
            after = islands(network, unit.atoms - ends)
            home = _home(after)
            for d in several:
                if before[d.a] == before[d.b] and home[d.a] != home[d.b]:
                    parted.append(d.name)
                    side = side or after[home[d.a]]
        if parted:
            found.append(CutSet((unit,), tuple(parted), side))
    return tuple(found)


def _home(parts: Sequence[frozenset[str]]) -> dict[str, int]:
    return {n: i for i, part in enumerate(parts) for n in part}


def _by_fallen_ends(demands: Sequence[Demand], down: frozenset[str]) -> dict[frozenset[str], list[Demand]]:
    """The demands by which of their ends a failure would take down, and spares."""
    found: dict[frozenset[str], list[Demand]] = {}
    for d in demands:
        found.setdefault(down & {d.a, d.b}, []).append(d)
    return found


def _parts_others(network: Network, unit: Unit) -> bool:
    """Whether a node parts other nodes: a node between its links is an articulation also where a link leads nowhere else."""
    return len(_parts(network, unit).parts) > 1


def connection(demand: Demand) -> Requirement:
    """That a demand's ends are joined, whatever amount it asks for."""
    return Requirement((replace(demand, amount=Fraction(0)),))


def cut_sets(
    network: Network, demands: Iterable[Demand], size: int, budget: Budget
) -> tuple[tuple[CutSet, ...], int, str]:
    """All minimal sets of up to ``size`` units that part a demand; up to which size they are complete, and why no further.

    Each answer is checked by the small checker before it is believed.
    """
    collected = _Collected(network, size, budget)
    for demand in demands:
        collected.ask(demand, spared(network, (demand,)))
    return _smallest(collected.found), collected.complete, collected.unknown


class _Collected:
    """The sets that part some demand, from one question for each; up to which size they are complete, and why no further."""

    def __init__(self, network: Network, size: int, budget: Budget) -> None:
        self.network, self.size, self.budget = network, size, budget
        self.found: dict[frozenset[str], CutSet] = {}
        self.complete, self.unknown = size, ""

    def ask(self, demand: Demand, units: tuple[Unit, ...]) -> None:
        """Which of the units part a demand. The answer is checked before it is believed."""
        question = Question(self.network, (connection(demand),), units, self.size)
        given = answer(question, self.budget)
        certificates.check(question, given)
        self.complete = min(self.complete, given.complete)
        self.unknown = self.unknown or given.unknown
        for violation in given.violations:
            self._add(violation, demand.name)

    def _add(self, violation: Violation, demand: str) -> None:
        names = frozenset(u.name for u in violation.failed)
        known = self.found.get(names)
        if known is not None:
            self.found[names] = replace(known, demands=(*known.demands, demand))
            return
        reason = violation.obstacle.reasons[0][1]
        side = reason.side if isinstance(reason, Cut) else frozenset[str]()
        self.found[names] = CutSet(violation.failed, (demand,), side)


def _smallest(found: dict[frozenset[str], CutSet]) -> tuple[CutSet, ...]:
    return tuple(sorted(found.values(), key=lambda c: (len(c.failed), [u.name for u in c.failed])))


def all_cut_sets(network: Network, size: int, budget: Budget) -> tuple[tuple[CutSet, ...], int, str]:
    """All minimal sets of up to ``size`` units that part two nodes which are up; see :func:`cut_sets`.

    Some of a few roots is up whatever fails, so the pairs of a root and another node are enough. A unit that takes down an end
    of a pair asks nothing of that pair. A set is left out if a smaller one in it parts two nodes.
    """
    collected = _Collected(network, size, budget)
    for island in islands(network):
        roots = _roots(network, sorted(island, key=lambda n: (-len(network.at[n]), n)), size)
        done: set[frozenset[str]] = set()
        for root in roots:
            for other in sorted(island):
                pair = frozenset((root, other))
                if len(pair) == 2 and pair not in done:
                    done.add(pair)
                    demand = Demand(f"{root} - {other}", root, other)
                    collected.ask(demand, tuple(u for u in network.units if not u.atoms & pair))
    found = collected.found
    smallest = {n: c for n, c in found.items() if not any(other < n for other in found)}
    return _smallest(smallest), collected.complete, collected.unknown


def _roots(network: Network, nodes: Sequence[str], size: int) -> Sequence[str]:
    """So many of the nodes that no ``size`` units take all of them down."""
    for many in range(1, len(nodes) + 1):
        taken = sorted((len(u.atoms & set(nodes[:many])) for u in network.units), reverse=True)
        if sum(taken[:size]) < many:
            return nodes[:many]
    return nodes


def _pair(network: Network, demand: Demand, budget: Budget) -> Pair:
    units = spared(network, (demand,))
    question = Question(network, (connection(demand),), units, MOST_COUNTED)
    number, violation, unknown = fewest(question, budget)
    if violation is not None:
        certificates.check_violation(question, violation)
    paths: tuple[tuple[str, ...], ...] = ()
    if number:
        given = answer(replace(question, failures=number - 1), budget)
        certificates.check(replace(question, failures=number - 1), given)
        paths = tuple(w.routes[0][0].nodes for w in given.witnesses)
    return Pair(demand, number, paths, unknown)
