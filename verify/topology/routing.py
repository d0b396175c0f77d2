"""Routes for demands in a network of which some parts have failed, or why there are none.

Free re-routing: traffic may be split and sent over any path. One demand is a maximum flow (networkx, in whole numbers); several
at once are a linear program (HiGHS), whose answer in floating point is made exact again, and never trusted without.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verify.base.record import record
from verify.topology.linear import NoOptimum, Program
from verify.topology.network import Demand, Link, Network, reachable
from verify.topology.question import Cut, Lengths, Obstacle, Requirement, Route, Witness

if TYPE_CHECKING:
    import networkx as nx

FINEST = 10**9  # the largest denominator that a number of the linear program is read with


class Unsolved(Exception):  # noqa: N818 - a state of affairs
    """The numbers are too close to each other for the linear program: nothing is known."""


@record
class Arc:
    """One direction of a link that is up. ``capacity``: None is without limit."""

    link: str
    start: str
    end: str
    capacity: Fraction | None


def arcs(network: Network, dead: frozenset[str]) -> list[Arc]:
    """Both directions of every link that carries anything."""
    found: list[Arc] = []
    for link in network.links:
        carried = link.usable(network.up(link, dead))
        if carried != 0 and link.a != link.b:
            found += [Arc(link.name, link.a, link.b, carried), Arc(link.name, link.b, link.a, carried)]
    return found


def solve(network: Network, requirements: Sequence[Requirement], failed: frozenset[str]) -> Witness | Obstacle:
    """Routes for each requirement with ``failed`` down, or what is in the way of the first that cannot be met."""
    routes: list[tuple[Route, ...]] = []
    for number, requirement in enumerate(requirements):
        reasons: list[tuple[frozenset[str], Cut | Lengths]] = []
        for waiting in network.choices(failed):
            found = meet(network, requirement, failed | waiting)
            if isinstance(found, tuple):
                routes.append(found)
                break
            reasons.append((waiting, found))
        else:
            return Obstacle(number, tuple(reasons))
    return Witness(tuple(routes), needs(network, [r for several in routes for r in several], failed))


def needs(network: Network, routes: Sequence[Route], failed: frozenset[str]) -> frozenset[str]:
    """The atoms that routes rest on: of a LAG with loads, every member that is up; with none, no more than its minimum."""
    found: set[str] = set()
    loaded = {name for r in routes if r.amount for name in r.links}
    for route in routes:
        found.update(route.nodes)
        for name in route.links:
            link = network.by_name[name]
            up = [atom for atom in link.atoms if atom not in failed]
            found.update(up if name in loaded else up[: max(1, link.minimum)])
    return frozenset(found)


def meet(network: Network, requirement: Requirement, dead: frozenset[str]) -> tuple[Route, ...] | Cut | Lengths:
    """Routes for all demands of a requirement at once, with ``dead`` out of use, or one reason why not."""
    routes: list[Route] = []
    for demand in requirement.demands:
        found = reachable(network, demand.a, dead)
        if demand.b not in found:
            return Cut(demand.name, frozenset(found or {demand.a}), Fraction(0))
        if not demand.amount:
            routes.append(_route(demand, found))
    loaded = [d for d in requirement.demands if d.amount]
    if len(loaded) == 1:
        single = flow(network, loaded[0], dead)
        return (*routes, *single) if isinstance(single, tuple) else single
    if loaded:
        several = together(network, loaded, dead)
        return (*routes, *several) if isinstance(several, tuple) else several
    return tuple(routes)


def _route(demand: Demand, found: dict[str, Link | None]) -> Route:
    nodes, links = [demand.b], []
    while (link := found[nodes[-1]]) is not None:
        links.append(link.name)
        nodes.append(link.a if link.b == nodes[-1] else link.b)
    return Route(demand.name, tuple(reversed(nodes)), tuple(reversed(links)), Fraction(0))


# ---- one demand: a maximum flow


def most(network: Network, a: str, b: str, dead: frozenset[str]) -> Fraction | None:
    """The maximum flow from ``a`` to ``b``; None is without limit."""
    best: Fraction | None = Fraction(0)
    for waiting in network.choices(dead):
        out = dead | waiting
        if a in out or b in out:
            continue
        present = arcs(network, out)
        bound = sum((x.capacity for x in present if x.capacity is not None), Fraction(1))
        value = _maximum(present, a, b, bound)[0]
        if value >= bound:
            return None
        best = max(best or Fraction(0), value)
    return best


def _maximum(
    present: Sequence[Arc], a: str, b: str, bound: Fraction
) -> tuple[Fraction, dict[Arc, Fraction], frozenset[str]]:
    """A flow of at most ``bound`` and as large as can be, by arc, and the nodes before the first minimum cut."""
    import networkx as nx  # noqa: PLC0415 - loaded when something flows
    from networkx.algorithms.flow import shortest_augmenting_path  # noqa: PLC0415 - loaded when something flows

    scale = math.lcm(bound.denominator, *(x.capacity.denominator for x in present if x.capacity is not None))
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from([a, b])
    graph.add_edge((), a, capacity=int(bound * scale))  # no node is called ()
    for number, arc in enumerate(present):
        carried = bound if arc.capacity is None else min(bound, arc.capacity)
        graph.add_edge(arc.start, (number,), capacity=int(carried * scale))
        graph.add_edge((number,), arc.end, capacity=int(carried * scale))
    residual = shortest_augmenting_path(graph, (), b)
    value = Fraction(residual.graph["flow_value"], scale)
    carried_by = {
        arc: Fraction(residual[arc.start][(n,)]["flow"], scale)
        for n, arc in enumerate(present)
        if residual[arc.start][(n,)]["flow"] > 0
    }
    return value, carried_by, _before(residual, a)


def _before(residual: nx.DiGraph[Any], a: str) -> frozenset[str]:
    """The nodes that the residual network still leads to from ``a``: none of their borders has room."""
    seen: set[Any] = {a}
    waiting: list[Any] = [a]
    for node in waiting:
        for other, edge in residual[node].items():
            if other != () and other not in seen and edge["flow"] < edge["capacity"]:
                seen.add(other)
                waiting.append(other)
    return frozenset(n for n in seen if not isinstance(n, tuple))


def flow(network: Network, demand: Demand, dead: frozenset[str]) -> tuple[Route, ...] | Cut:
    """Routes for one demand alone, or the minimum cut that is too small for it."""
    present = arcs(network, dead)
    value, carried, before = _maximum(present, demand.a, demand.b, demand.amount)
    if value < demand.amount:
        return Cut(demand.name, before, value)
    return _routes(demand, demand.amount, carried)


def _routes(demand: Demand, amount: Fraction, carried: dict[Arc, Fraction]) -> tuple[Route, ...]:
    """A flow taken apart into paths; circles are left behind. ``carried`` is used up."""
    found: list[Route] = []
    rest = amount
    while rest > 0:
        path = _path(demand.a, demand.b, carried)
        if path is None:
            break
        part = min(rest, *(carried[arc] for arc in path))
        for arc in path:
            carried[arc] -= part
        rest -= part
        nodes = (demand.a, *(arc.end for arc in path))
        found.append(Route(demand.name, nodes, tuple(arc.link for arc in path), part))
    return tuple(found)


def _path(a: str, b: str, carried: dict[Arc, Fraction], least: Fraction = Fraction(0)) -> list[Arc] | None:
    """The path with the fewest arcs that all carry more than ``least``."""
    onward: dict[str, list[Arc]] = {}
    for arc, amount in carried.items():
        if amount > least:
            onward.setdefault(arc.start, []).append(arc)
    came: dict[str, Arc] = {}
    waiting = [a]
    for node in waiting:
        if node == b:
            break
        for arc in onward.get(node, ()):
            if arc.end not in came and arc.end != a:
                came[arc.end] = arc
                waiting.append(arc.end)
    if b not in came:
        return None
    path = [came[b]]
    while path[-1].start != a:
        path.append(came[path[-1].start])
    return path[::-1]


def paths_apart(
    network: Network, demand: Demand, fallible: frozenset[str]
) -> list[tuple[tuple[Route, ...], frozenset[str]]]:
    """As many paths as there can be of which no two share an atom that may fail (Menger), each with the atoms it needs.

    Members of a LAG are links of their own here: none has a minimum of more than one.
    """
    import networkx as nx  # noqa: PLC0415 - loaded when something flows

    a, b = demand.a, demand.b
    graph: nx.DiGraph = nx.DiGraph()
    plenty = len(network.nodes) + sum(len(link.atoms) for link in network.links) + 1

    def room(atom: str) -> int:
        return 1 if atom in fallible else plenty

    for node in network.nodes:
        graph.add_edge(("in", node), ("out", node), capacity=plenty if node in (a, b) else room(node))
    for link in network.links:
        if link.a == link.b:
            continue
        for atom in link.atoms:
            graph.add_edge(("from", atom), ("to", atom), capacity=room(atom))
            for node in (link.a, link.b):
                graph.add_edge(("out", node), ("from", atom), capacity=plenty)
                graph.add_edge(("to", atom), ("in", node), capacity=plenty)
    if a == b:
        return []
    _, carried = nx.maximum_flow(graph, ("out", a), ("in", b), flow_func=nx.algorithms.flow.shortest_augmenting_path)
    found: list[tuple[tuple[Route, ...], frozenset[str]]] = []
    link_of = {atom: link.name for link in network.links for atom in link.atoms}
    while len(found) < plenty and (steps := _follow(carried, ("out", a), ("in", b))):
        nodes = (a, *(name for kind, name in steps if kind == "in"))
        on = tuple(name for kind, name in steps if kind == "from")
        route = Route(demand.name, nodes, tuple(link_of[x] for x in on), Fraction(0))
        found.append(((route,), frozenset((*nodes, *on))))
    return found


def _follow(
    carried: dict[tuple[str, str], dict[tuple[str, str], int]], start: tuple[str, str], end: tuple[str, str]
) -> list[tuple[str, str]]:
    """One path of a flow in whole numbers, without ``start``, taken out of it; [] if nothing flows any more."""
    came: dict[tuple[str, str], tuple[str, str]] = {start: start}
    waiting = [start]
    for at in waiting:
        for other, amount in carried[at].items():
            if amount > 0 and other not in came:
                came[other] = at
                waiting.append(other)
    if end not in came:
        return []
    path = [end]
    while path[-1] != start:
        path.append(came[path[-1]])
    path.reverse()
    for here, there in itertools.pairwise(path):
        carried[here][there] -= 1
    return path[1:]


# ---- several demands: a linear program


def together(network: Network, demands: Sequence[Demand], dead: frozenset[str]) -> tuple[Route, ...] | Lengths:
    """Routes for all demands at once, or lengths by which they cannot be; Unsolved where it is too close to tell.

    Every demand's ends must be joined.
    """
    present = arcs(network, dead)
    try:
        share, flows, duals = concurrent(present, demands)
    except NoOptimum as problem:
        raise Unsolved(str(problem)) from problem
    if share > 1 - 1e-6:
        routes = _split(demands, flows, share)
        if _fits(routes, present):
            return routes
        exact = _exact(demands, routes, present)
        if exact is not None:
            return exact
    lengths = _lengths(present, demands, duals)
    if lengths is not None:
        return lengths
    message = f"{share:.9f} of the demands can be met, as far as floating point can tell"
    raise Unsolved(message)


def concurrent(
    present: Sequence[Arc], demands: Sequence[Demand]
) -> tuple[float, dict[str, dict[Arc, float]], dict[Arc, float]]:
    """The largest share of all the demands that can be met at once, at most 1,000 of them.

    Returns the share, what each arc carries of the demands from each source (in units of the largest demand), and the price
    of each arc's capacity: the dual variables.
    """
    unit = max(d.amount for d in demands)
    sources = list(dict.fromkeys(d.a for d in demands))
    nodes = list(dict.fromkeys(n for arc in present for n in (arc.start, arc.end)))
    program = Program()
    share = program.variable(1.0, most=1000.0)
    columns = {s: [program.variable(0.0) for _ in present] for s in sources}
    for source in sources:
        wanted: dict[str, Fraction] = {}
        for d in demands:
            if d.a == source:
                wanted[d.b] = wanted.get(d.b, Fraction(0)) + d.amount / unit
        at: dict[str, list[tuple[int, float]]] = {n: [] for n in nodes}
        for column, arc in zip(columns[source], present, strict=True):
            at[arc.end].append((column, 1.0))
            at[arc.start].append((column, -1.0))
        for node in nodes:
            if node != source:
                terms = at[node] + ([(share, -float(wanted[node]))] if node in wanted else [])
                program.row(terms, least=0.0, most=0.0)
    limited = [(n, arc, arc.capacity) for n, arc in enumerate(present) if arc.capacity is not None]
    rows = {
        arc: program.row([(columns[s][n], 1.0) for s in sources], most=float(capacity / unit))
        for n, arc, capacity in limited
    }
    values, prices = program.maximise()
    flows = {s: {arc: values[c] for c, arc in zip(columns[s], present, strict=True)} for s in sources}
    return values[share], flows, {arc: abs(prices[row]) for arc, row in rows.items()}


def _split(demands: Sequence[Demand], flows: dict[str, dict[Arc, float]], share: float) -> tuple[Route, ...]:
    """The program's flows as routes that carry exactly what is asked for; whether they fit is to be seen."""
    unit = max(d.amount for d in demands)
    found: list[Route] = []
    left = {s: {arc: Fraction(x) for arc, x in flow.items() if x > 1e-9} for s, flow in flows.items()}
    for demand in demands:
        wanted = demand.amount / unit * Fraction(share)
        paths: list[tuple[list[Arc], Fraction]] = []
        rest = wanted
        while rest > wanted * Fraction(1, 10**7):
            path = _path(demand.a, demand.b, left[demand.a], Fraction(1, 10**10))
            if path is None:
                break
            part = min(rest, *(left[demand.a][arc] for arc in path))
            for arc in path:
                left[demand.a][arc] -= part
            rest -= part
            paths.append((path, part))
        found += _rounded(demand, paths)
    return tuple(found)


def _rounded(demand: Demand, paths: list[tuple[list[Arc], Fraction]]) -> list[Route]:
    total = sum((part for _, part in paths), Fraction(0))
    if not total:
        return []
    shares = [(part / total).limit_denominator(10**4) for _, part in paths]
    largest = max(range(len(paths)), key=lambda i: shares[i])
    shares[largest] += 1 - sum(shares)
    return [
        Route(demand.name, (demand.a, *(a.end for a in path)), tuple(a.link for a in path), demand.amount * x)
        for (path, _), x in zip(paths, shares, strict=True)
        if x > 0
    ]


def loads(routes: Sequence[Route]) -> dict[tuple[str, str], Fraction]:
    """What each directed link (link, from node) carries."""
    found: dict[tuple[str, str], Fraction] = {}
    for route in routes:
        for start, link in zip(route.nodes, route.links, strict=False):
            found[link, start] = found.get((link, start), Fraction(0)) + route.amount
    return found


def _fits(routes: Sequence[Route], present: Sequence[Arc]) -> bool:
    carried = loads(routes)
    return all(x.capacity is None or carried.get((x.link, x.start), 0) <= x.capacity for x in present)


def _exact(demands: Sequence[Demand], routes: Sequence[Route], present: Sequence[Arc]) -> tuple[Route, ...] | None:
    """The same paths with amounts that fit exactly, by Z3's rational simplex; None if there are none."""
    import z3  # noqa: PLC0415 - loaded when rounding was not enough

    if len(routes) > 3000:
        return None
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    amounts = [z3.Real(f"r{i}") for i in range(len(routes))]
    solver.add(*(x >= 0 for x in amounts))
    for demand in demands:
        mine = [x for x, r in zip(amounts, routes, strict=True) if r.demand == demand.name]
        if not mine:
            return None
        solver.add(z3.Sum(mine) == z3.Q(demand.amount.numerator, demand.amount.denominator))
    using: dict[tuple[str, str], list[z3.ArithRef]] = {}
    for x, route in zip(amounts, routes, strict=True):
        for start, link in zip(route.nodes, route.links, strict=False):
            using.setdefault((link, start), []).append(x)
    for arc in present:
        if arc.capacity is not None and (arc.link, arc.start) in using:
            capacity = z3.Q(arc.capacity.numerator, arc.capacity.denominator)
            solver.add(z3.Sum(using[arc.link, arc.start]) <= capacity)
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    values = [model.eval(x, model_completion=True).as_fraction() for x in amounts]
    return tuple(Route(r.demand, r.nodes, r.links, Fraction(v)) for r, v in zip(routes, values, strict=True) if v > 0)


def _lengths(present: Sequence[Arc], demands: Sequence[Demand], prices: dict[Arc, float]) -> Lengths | None:
    """The program's prices as exact lengths; None if they do not show that the demands are too much."""
    highest = max(prices.values(), default=0.0)
    if highest <= 0:
        return None
    lengths = {
        (arc.link, arc.start): Fraction(price / highest).limit_denominator(FINEST)
        for arc, price in prices.items()
        if price > highest * 1e-9
    }
    there = sum((lengths.get((x.link, x.start), Fraction(0)) * (x.capacity or 0) for x in present), Fraction(0))
    far = {source: distances(present, lengths, source) for source in {d.a for d in demands}}
    needed = sum((d.amount * far[d.a][d.b] for d in demands), Fraction(0))
    return Lengths(lengths, there / needed) if needed > there else None


def distances(arcs: Sequence[Arc], lengths: Mapping[tuple[str, str], Fraction], source: str) -> Mapping[str, Fraction]:
    """The distance of each node that can be reached; an arc without a length has none."""
    import networkx as nx  # noqa: PLC0415 - loaded when something is measured

    graph: nx.DiGraph = nx.DiGraph()
    graph.add_node(source)
    for arc in arcs:
        length = lengths.get((arc.link, arc.start), Fraction(0))
        if not graph.has_edge(arc.start, arc.end) or graph[arc.start][arc.end]["length"] > length:
            graph.add_edge(arc.start, arc.end, length=length)
    found: Mapping[str, Fraction] = nx.single_source_dijkstra_path_length(graph, source, weight="length")
    return found
