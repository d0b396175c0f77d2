"""Liveness: endless runs in which time passes and the declared fairness is kept, searched for one that violates."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from verify.engines.explicit.components import components
from verify.engines.explicit.graph import Graph
from verify.engines.explicit.monitors import FAILED, LivenessForm, Monitor, monitor
from verify.semantics.interpreter import TICK, Choice
from verify.system.property import Ltl, Until
from verify.trace.trace import Trace


@dataclass(slots=True)
class Product:
    """The explored states with the monitor's memory, breadth first; edges as (graph edge, node, marks) in flat lists.

    Marks are those of the monitor's move. ``failed``: the node (or -1) and the graph edge (or the root) that violate at once.
    """

    graph: Graph
    state: array[int] = field(default_factory=lambda: array("l"))
    memory: array[int] = field(default_factory=lambda: array("l"))
    parent: array[int] = field(default_factory=lambda: array("l"))
    parent_edge: array[int] = field(default_factory=lambda: array("l"))
    first: array[int] = field(default_factory=lambda: array("q", [0]))
    edge: array[int] = field(default_factory=lambda: array("l"))
    target: array[int] = field(default_factory=lambda: array("l"))
    marks: array[int] = field(default_factory=lambda: array("Q"))
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
        for memory, _ in watch.moves(0, watch.letters.at_root(root)):
            if memory == FAILED:
                product.failed = (-1, root)
                return product
            node(root, memory, -1, -1)
    number = 0
    while number < len(product.state):
        for edge in graph.edges(product.state[number]):
            for memory, marks in watch.moves(product.memory[number], watch.letters.on_edge(edge)):
                if memory == FAILED:
                    product.failed = (number, edge)
                    return product
                at = node(graph.target[edge], memory, number, edge)
                product.edge.append(edge)
                product.target.append(at)
                product.marks.append(marks)
        product.first.append(len(product.edge))
        number += 1
    return product


def violating(graph: Graph, form: LivenessForm, *, cycles: bool = True) -> Trace | None:
    """A lasso, or a finite trace that no continuation mends, that violates the form; None if what was explored has none.

    ``cycles``: whether to look for lassos at all. TooLarge if the automaton of a formula grows out of hand.

    Sound on a partial exploration as well: a cycle of explored edges is a cycle, and fairness asks only for the edges of states
    on it, which were expanded, or they would have none.
    """
    if not cycles and not isinstance(form, Until | Ltl):
        return None
    watch = monitor(form, graph)
    if not cycles and not watch.can_fail:
        return None
    product = build_product(graph, watch)
    if product.failed is not None:
        number, edge = product.failed
        if number < 0:
            return graph.trace_to(edge)
        return Trace((*product.path(number), graph.choices[graph.choice[edge]]))
    if not cycles:
        return None
    nodes = [n for n in range(len(product.state)) if watch.within(product.memory[n])]
    found = _fair_component(product, set(nodes), watch)
    return None if found is None else _lasso(product, found, watch)


# ---- fair components


def _fair_component(product: Product, nodes: set[int], watch: Monitor) -> set[int] | None:
    """Nodes of a component with a fair cycle in which time passes and every accepting set is met, None if there is none.

    Strong fairness by refinement: where a group is enabled in a component and never taken within it, no fair cycle passes
    through the nodes that enable it (E. A. Emerson and C.-L. Lei, Modalities for model checking, Sci. Comput. Program. 8,
    1987, doi:10.1016/0167-6423(87)90036-0).
    """
    ticks = product.graph.tick_flags()
    every = (1 << watch.sets) - 1
    waiting = [nodes]
    while waiting:
        part = waiting.pop()
        for component in components(sorted(part), lambda n, part=part: _inside(product, n, part)):  # type: ignore[misc]
            inside = set(component)
            marks, ticking = 0, False
            for e in _edges_inside(product, inside):
                marks |= product.marks[e]
                ticking = ticking or ticks[product.graph.choice[product.edge[e]]]
            if not ticking or marks != every:
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


def _edges_inside(product: Product, inside: set[int]) -> Iterator[int]:
    return (e for n in inside for e in product.edges(n) if product.target[e] in inside)


def _unfair(product: Product, inside: set[int]) -> set[int] | None:
    """The nodes that a fair cycle must avoid: none if the component is fair, None if weak fairness rules it out whole."""
    for fairness in product.graph.interpreter.system.fairness:
        group = frozenset(fairness.steps)
        if any(product.choice(e).step in group for e in _edges_inside(product, inside)):
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


# ---- lassos


def _lasso(product: Product, inside: set[int], watch: Monitor) -> Trace:
    """A way to the component and around in it, past an edge of each accepting set, a tick, and all that fairness asks for."""
    start = at = min(inside)
    stem = product.path(start)
    loop: list[int] = []
    for wanted in _wanted(product, inside, watch):
        if not any(map(wanted, loop)):
            loop += _way(product, at, wanted, inside)
            at = product.target[loop[-1]]
    if at != start:
        loop += _way(product, at, lambda e: product.target[e] == start, inside)
    return Trace((*stem, *(product.choice(e) for e in loop)), len(stem) - 1)


def _wanted(product: Product, inside: set[int], watch: Monitor) -> Iterator[Callable[[int], bool]]:
    """What the edges of a loop must be: for each of these, one of them."""
    for k in range(watch.sets):
        yield lambda e, k=k: bool(product.marks[e] >> k & 1)  # type: ignore[misc]
    yield lambda e: product.choice(e).step == TICK
    for fairness in product.graph.interpreter.system.fairness:
        group = frozenset(fairness.steps)
        if any(product.choice(e).step in group for e in _edges_inside(product, inside)):
            yield lambda e, group=group: product.choice(e).step in group  # type: ignore[misc]
        elif not fairness.strong:
            yield lambda e, group=group: not _enabled(product, product.target[e], group)  # type: ignore[misc]


def _way(product: Product, start: int, wanted: Callable[[int], bool], inside: set[int]) -> list[int]:
    """The edges of a shortest way within a component that ends with one that is wanted; there is one."""
    came: dict[int, int] = {}  # the edge by which a node was reached first, and from where
    origin: dict[int, int] = {}
    order = [start]
    for node in order:
        for e in product.edges(node):
            after = product.target[e]
            if after not in inside:
                continue
            if wanted(e):
                way = [e]
                while node != start:
                    way.append(came[node])
                    node = origin[node]  # noqa: PLW2901 - back to where the way began
                return way[::-1]
            if after != start and after not in came:
                came[after], origin[after] = e, node
                order.append(after)
    message = "no such edge in a component that was found to have one"
    raise AssertionError(message)
