"""What a network still carries when one of its units has failed, which failure is the worst, and what would mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from verify.base.budget import Budget, Progress
from verify.base.record import record
from verify.topology import certificates
from verify.topology.linear import NoOptimum, Program
from verify.topology.network import Demand, Link, Network, Unit
from verify.topology.question import Lengths, Obstacle, Requirement, Witness, spared
from verify.topology.routing import Arc, Unsolved, arcs, concurrent, loads, most, solve


@record
class Loss:
    """What is left of all the demands when ``unit`` has failed (None: when nothing has).

    ``carried``: whether they are all met at once; None: not known, the numbers are too close. ``share``: how much of each can
    be met, at most 1,000 times (None: without limit). ``exact`` says whether the share is exact, or floating point. ``loads``:
    what each directed link (link, from node) carries in bit/s while all are met; the routes were checked.
    """

    unit: Unit | None
    carried: bool | None
    share: Fraction | None
    exact: bool
    loads: dict[tuple[str, str], Fraction]
    parted: str = ""


@record
class Upgrade:
    """More capacity in bit/s for links (for each member of a LAG), the least in total that mends every single failure.

    ``extra`` is empty and ``hopeless`` says why if no capacity mends it. ``total``: the sum over all members.
    """

    extra: tuple[tuple[str, Fraction], ...]
    total: Fraction
    hopeless: str = ""


def losses(network: Network, budget: Budget | None = None) -> tuple[Loss, ...]:
    """The loss with nothing failed, then with each unit failed that can; the ends of the demands do not fail."""
    budget = budget or Budget()
    demands = tuple(d for d in network.demands if d.amount)
    found = [_loss(network, demands, None)]
    for number, unit in enumerate(spared(network, demands)):
        if budget.spent(Progress(network.name, number, number, 0, 1, budget.seconds())):
            break
        found.append(_loss(network, demands, unit))
    return tuple(found)


def _loss(network: Network, demands: tuple[Demand, ...], unit: Unit | None) -> Loss:
    failed = unit.atoms if unit is not None else frozenset[str]()
    requirements = (Requirement(demands),)
    carried: bool | None
    try:
        found = solve(network, requirements, failed)
    except Unsolved:
        share, exact = _share(network, demands, failed)
        return Loss(unit, None, share, exact, {})
    if isinstance(found, Obstacle):
        certificates.check_obstacle(network, requirements, failed, found)
        carried, on = False, dict[tuple[str, str], Fraction]()
    else:
        certificates.check_witness(network, requirements, found)
        carried, on = True, loads(found.routes[0])
    share, exact = _share(network, demands, failed)
    return Loss(unit, carried, share, exact, on, _parted(found))


def _parted(found: Witness | Obstacle) -> str:
    if isinstance(found, Witness):
        return ""
    reason = found.reasons[0][1]
    return "" if isinstance(reason, Lengths) or reason.left else reason.demand


def _share(network: Network, demands: Sequence[Demand], failed: frozenset[str]) -> tuple[Fraction | None, bool]:
    """How much of every demand can be met at once, and whether the number is exact."""
    if len(demands) == 1:
        whole = most(network, demands[0].a, demands[0].b, failed)
        return (None if whole is None else whole / demands[0].amount), True
    best = Fraction(0)
    for waiting in network.choices(failed):
        present = arcs(network, failed | waiting)
        if _joined(present, demands):
            try:
                best = max(best, Fraction(concurrent(present, demands)[0]).limit_denominator(10**6))
            except NoOptimum:
                continue
    return best, best == 0


def _joined(present: Sequence[Arc], demands: Sequence[Demand]) -> bool:
    import networkx as nx  # noqa: PLC0415 - loaded when something flows

    graph: nx.Graph = nx.Graph([(x.start, x.end) for x in present])
    return all(d.a in graph and d.b in graph and nx.has_path(graph, d.a, d.b) for d in demands)


def worst(found: Sequence[Loss]) -> Loss | None:
    """The failure that leaves least; None if nothing can fail."""
    failures = [x for x in found if x.unit is not None]
    return min(failures, key=lambda x: (x.share is None, x.share or 0), default=None)


def upgrade(network: Network, found: Sequence[Loss]) -> Upgrade | None:
    """The least capacity in total that would let every failure be survived; None if all are, or this is not known.

    A linear program over all the failures that break a demand; what it says is rounded up and tried before it is believed.
    """
    broken = [x for x in found if x.carried is False]
    if not broken or any(x.carried is None for x in found):
        return None
    parted = [x for x in broken if x.parted]
    if parted:
        names = ", ".join(x.unit.name if x.unit is not None else "nothing" for x in parted[:3])
        more = f" and {len(parted) - 3} more" if len(parted) > 3 else ""
        return Upgrade((), Fraction(0), f"{names}{more}: no capacity mends a parted demand, it takes another path")
    if network.standbys:
        return None
    demands = tuple(d for d in network.demands if d.amount)
    unit = max(d.amount for d in demands)
    failures = [x.unit.atoms if x.unit is not None else frozenset[str]() for x in broken]
    try:
        more_of = _least(network, demands, unit, failures)
    except NoOptimum:
        return None
    for slack in (Fraction(0), Fraction(1, 10**6), Fraction(1, 10**4)):
        extra = {name: _rounded(x, slack) * unit for name, x in more_of.items() if x > 1e-7}
        wider = replace(network, links=tuple(_wider(link, extra) for link in network.links))
        try:
            mended = all(isinstance(solve(wider, (Requirement(demands),), failed), Witness) for failed in failures)
        except Unsolved:
            mended = False
        if mended:
            total = sum((x * len(network.by_name[name].atoms) for name, x in extra.items()), Fraction(0))
            return Upgrade(tuple(extra.items()), total)
    return None


def _wider(link: Link, extra: dict[str, Fraction]) -> Link:
    return link if link.capacity is None else replace(link, capacity=link.capacity + extra.get(link.name, 0))


def _rounded(x: float, slack: Fraction) -> Fraction:
    near = Fraction(x).limit_denominator(1000)
    value = near if abs(near - Fraction(x)) < Fraction(1, 10**7) else Fraction(x).limit_denominator(10**6)
    return value * (1 + slack)


def _least(
    network: Network, demands: Sequence[Demand], unit: Fraction, failures: Sequence[frozenset[str]]
) -> dict[str, float]:
    """More capacity for each member of each link, in units of ``unit``: one program for all the failures together."""
    program = Program()
    more_of = {
        link.name: program.variable(-float(len(link.atoms))) for link in network.links if link.capacity is not None
    }
    sources = list(dict.fromkeys(d.a for d in demands))
    for failed in failures:
        present = arcs(network, failed)
        columns = {s: [program.variable(0.0) for _ in present] for s in sources}
        for source in sources:
            at: dict[str, list[tuple[int, float]]] = {n: [] for n in network.nodes}
            for column, arc in zip(columns[source], present, strict=True):
                at[arc.end].append((column, 1.0))
                at[arc.start].append((column, -1.0))
            for node, terms in at.items():
                if node != source:
                    here = sum(float(d.amount / unit) for d in demands if d.a == source and d.b == node)
                    program.row(terms, least=here, most=here)
        for number, arc in enumerate(present):
            if arc.capacity is not None:
                link = network.by_name[arc.link]
                factor = float(1 / link.fullest_share(network.up(link, failed))) if link.members else 1.0
                terms = [(columns[s][number], 1.0) for s in sources]
                program.row([*terms, (more_of[arc.link], -factor)], most=float(arc.capacity / unit))
    values, _ = program.maximise()
    return {name: values[column] for name, column in more_of.items()}
