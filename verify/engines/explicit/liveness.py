"""Liveness: endless runs in which time passes and the declared fairness is kept, searched for one that violates."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from verify.engines.explicit.components import components
from verify.engines.explicit.graph import Graph, Truth
from verify.semantics.interpreter import Choice
from verify.system.expression import TRUE
from verify.system.property import AlwaysEventually, Eventually, EventuallyAlways, LeadsTo, Until
from verify.trace.trace import Trace

LivenessForm = Eventually | EventuallyAlways | AlwaysEventually | LeadsTo | Until
DONE, FAILED = -1, -2


@dataclass(frozen=True, slots=True)
class Monitor:
    """A memory of one number beside the state. ``after(memory, p, q)``: the memory on arrival where p and q hold or not.

    DONE: nothing can be violated any more; FAILED: violated at once. ``within``: a violating cycle has only nodes whose memory
    satisfies it; ``meets``: and at least one whose memory satisfies this.
    """

    p: Truth
    q: Truth
    after: Callable[[int, bool, bool], int]
    within: Callable[[int], bool]
    meets: Callable[[int], bool]


def monitor(form: LivenessForm, graph: Graph) -> Monitor:
    """The monitor of a form; the memory before the first state is 0."""

    def always(_: int) -> bool:
        return True

    def one(memory: int) -> bool:
        return memory == 1

    truth = Truth(graph, TRUE)
    match form:
        case Eventually(good):
            return Monitor(Truth(graph, good), truth, lambda _m, p, _q: DONE if p else 0, always, always)
        case EventuallyAlways(good):
            return Monitor(Truth(graph, good), truth, lambda _m, p, _q: 0 if p else 1, always, one)
        case AlwaysEventually(good):
            return Monitor(Truth(graph, good), truth, lambda _m, p, _q: 0 if p else 1, one, always)
        case LeadsTo(trigger, response):
            p, q = Truth(graph, trigger), Truth(graph, response)
            return Monitor(p, q, lambda m, asked, answered: 0 if answered else int(bool(m) or asked), one, always)
        case Until(hold, goal):
            p, q = Truth(graph, hold), Truth(graph, goal)
            return Monitor(p, q, lambda _m, kept, done: DONE if done else 0 if kept else FAILED, always, always)


@dataclass(slots=True)
class Product:
    """The explored states with the monitor's memory, breadth first; edges as (graph edge, node) in one flat list a node."""

    graph: Graph
    state: array[int] = field(default_factory=lambda: array("l"))
    memory: array[int] = field(default_factory=lambda: array("l"))
    parent: array[int] = field(default_factory=lambda: array("l"))
    parent_edge: array[int] = field(default_factory=lambda: array("l"))
    first: array[int] = field(default_factory=lambda: array("q", [0]))
    edge: array[int] = field(default_factory=lambda: array("l"))
    target: array[int] = field(default_factory=lambda: array("l"))
    failed: tuple[int, int] | None = None

    def edges(self, node: int) -> range:
        """The numbers of a node's edges in ``edge`` and ``target``."""
        return range(self.first[node], self.first[node + 1])

    def choice(self, number: int) -> Choice:
        """The choice that an edge of the product makes."""
        return self.graph.choices[self.graph.choice[self.edge[number]]]

    def path(self, node: int) -> list[Choice]:
        """The choices of a shortest way to a node."""
        way: list[Choice] = []
        while self.parent[node] >= 0:
            way.append(self.graph.choices[self.graph.choice[self.parent_edge[node]]])
            node = self.parent[node]
        way.append(self.graph.roots[self.state[node]])
        return way[::-1]


def build_product(graph: Graph, watch: Monitor) -> Product:
    """Every node that matters; stops at the first that has FAILED."""
    product = Product(graph)
    index: dict[tuple[int, int], int] = {}

    def node(state: int, memory: int, parent: int, edge: int) -> int:
        at = index.setdefault((state, memory), len(index))
        if at == len(product.state):
            product.state.append(state)
            product.memory.append(memory)
            product.parent.append(parent)
            product.parent_edge.append(edge)
        return at

    for root in range(len(graph.roots)):
        memory = watch.after(0, bool(watch.p.at_state[root]), bool(watch.q.at_state[root]))
        if memory == FAILED:
            product.failed = (-1, root)
            return product
        if memory != DONE:
            node(root, memory, -1, -1)
    number = 0
    while number < len(product.state):
        for edge in graph.edges(product.state[number]):
            memory = watch.after(product.memory[number], watch.p.on_edge(edge), watch.q.on_edge(edge))
            if memory == FAILED:
                product.failed = (number, edge)
                return product
            if memory != DONE:
                at = node(graph.target[edge], memory, number, edge)
                product.edge.append(edge)
                product.target.append(at)
        product.first.append(len(product.edge))
        number += 1
    return product


def violating(graph: Graph, form: LivenessForm, *, cycles: bool = True) -> Trace | None:
    """A lasso (or, for ``until``, a finite trace) that violates the form; None if what was explored has none.

    ``cycles``: whether to look for lassos at all; without, only ``until`` can be found violated.

    Sound on a partial exploration as well: a cycle of explored edges is a cycle, and fairness asks only for the edges of states
    on it, which were expanded, or they would have none.
    """
    if not cycles and not isinstance(form, Until):
        return None
    watch = monitor(form, graph)
    product = build_product(graph, watch)
    if product.failed is not None:
        number, edge = product.failed
        if number < 0:
            return graph.trace_to(edge)
        return Trace((*product.path(number), graph.choices[graph.choice[edge]]))
    if not cycles:
        return None
    ticks = graph.tick_flags()
    nodes = [n for n in range(len(product.state)) if watch.within(product.memory[n])]
    found = _fair_component(product, set(nodes), watch, ticks)
    return None if found is None else _lasso(product, found, watch, ticks)


# ---- fair components


def _fair_component(product: Product, nodes: set[int], watch: Monitor, ticks: list[bool]) -> set[int] | None:
    """Nodes of a component with a fair cycle in which time passes, None if there is none.

    Strong fairness by refinement: where a group is enabled in a component and never taken within it, no fair cycle passes
    through the nodes that enable it (E. A. Emerson and C.-L. Lei, Modalities for model checking, Sci. Comput. Program. 8,
    1987, doi:10.1016/0167-6423(87)90036-0).
    """
    waiting = [nodes]
    while waiting:
        part = waiting.pop()
        for component in components(sorted(part), lambda n, part=part: _inside(product, n, part)):  # type: ignore[misc]
            inside = set(component)
            if not _has_tick(product, inside, ticks) or not any(watch.meets(product.memory[n]) for n in inside):
                continue
            blocked = _unfair(product, inside)
            if blocked is None:
                continue
            if not blocked:
                return inside
            waiting.append(inside - blocked)
    return None


def _inside(product: Product, node: int, part: set[int]) -> list[int]:
    return [product.target[e] for e in product.edges(node) if product.target[e] in part]


def _has_tick(product: Product, inside: set[int], ticks: list[bool]) -> bool:
    return any(
        ticks[product.graph.choice[product.edge[e]]]
        for n in inside
        for e in product.edges(n)
        if product.target[e] in inside
    )


def _unfair(product: Product, inside: set[int]) -> set[int] | None:
    """The nodes that a fair cycle must avoid: none if the component is fair, None if weak fairness rules it out whole."""
    for fairness in product.graph.interpreter.system.fairness:
        group = frozenset(fairness.steps)
        if _taken(product, inside, group) is not None:
            continue
        enabling = {n for n in inside if _enabled(product, n, group)}
        if fairness.strong and enabling:
            return enabling
        if not fairness.strong and len(enabling) == len(inside):
            return None
    return set()


def _enabled(product: Product, node: int, group: frozenset[int]) -> bool:
    graph = product.graph
    state = product.state[node]
    if any(graph.choices[graph.choice[e]].step in group for e in graph.edges(state)):
        return True
    return any(source == state and choice.step in group for source, choice, _ in graph.failures)


def _taken(product: Product, inside: set[int], group: frozenset[int]) -> tuple[int, int] | None:
    for node in sorted(inside):
        for e in product.edges(node):
            if product.target[e] in inside and product.choice(e).step in group:
                return node, e
    return None


# ---- lassos


def _lasso(product: Product, inside: set[int], watch: Monitor, ticks: list[bool]) -> Trace:
    """A way to the component and around in it, past a tick, the node that matters, and all that fairness asks for."""
    start = next(n for n in sorted(inside) if watch.meets(product.memory[n]))
    stem = product.path(start)
    loop: list[int] = []
    at = start
    tick = next(
        (n, e)
        for n in _nearest(product, start, inside)
        for e in product.edges(n)
        if product.target[e] in inside and ticks[product.graph.choice[product.edge[e]]]
    )
    stops: list[tuple[int, int | None]] = [tick]
    for fairness in product.graph.interpreter.system.fairness:
        group = frozenset(fairness.steps)
        taken = _taken(product, inside, group)
        if taken is not None:
            stops.append(taken)
        elif not fairness.strong:
            stops.append((next(n for n in sorted(inside) if not _enabled(product, n, group)), None))
    for node, edge in stops:
        loop += _way(product, at, node, inside)
        at = node
        if edge is not None:
            loop.append(edge)
            at = product.target[edge]
    loop += _way(product, at, start, inside)
    return Trace((*stem, *(product.choice(e) for e in loop)), len(stem) - 1)


def _nearest(product: Product, start: int, inside: set[int]) -> list[int]:
    """The nodes of a component, those nearer to ``start`` first."""
    order = [start]
    seen = {start}
    for node in order:
        for after in _inside(product, node, inside):
            if after not in seen:
                seen.add(after)
                order.append(after)
    return order


def _way(product: Product, start: int, goal: int, inside: set[int]) -> list[int]:
    """The edges of a shortest way within a component; none if it starts where it ends."""
    if start == goal:
        return []
    before: dict[int, int] = {}
    came: dict[int, int] = {start: -1}
    front = [start]
    while goal not in came:
        ahead: list[int] = []
        for node in front:
            for e in product.edges(node):
                after = product.target[e]
                if after in inside and after not in came:
                    came[after] = node
                    before[after] = e
                    ahead.append(after)
        front = ahead
    way: list[int] = []
    node = goal
    while node != start:
        way.append(before[node])
        node = came[node]
    return way[::-1]
