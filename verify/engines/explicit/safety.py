"""Safety on the explored graph: reaching a state, and observers that count ticks."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from verify.base.record import record
from verify.engines.explicit.graph import Graph, Truth
from verify.semantics.interpreter import Choice
from verify.trace.trace import Trace

IDLE = -1


def reach(graph: Graph, goal: Truth) -> Trace | None:
    """A shortest trace to where a predicate holds, None if it holds nowhere in what was explored."""
    for root in range(len(graph.roots)):
        if goal.at_state[root]:
            return graph.trace_to(root)
    for state in range(graph.expanded):
        for edge in graph.edges(state):
            if goal.on_edge(edge):
                return graph.trace_to(state, graph.choices[graph.choice[edge]])
    return None


@record
class Watch:
    """An observer that counts ticks while it waits.

    It starts (at 0) where ``starts`` holds and ``stops`` does not, and goes idle where ``stops`` holds. ``starts`` None: it
    runs from the initial state, once.
    """

    starts: Truth | None
    stops: Truth
    bound: int


@dataclass(slots=True)
class _Front:
    """Nodes of the product, each with the edge and node it came from."""

    state: array[int] = field(default_factory=lambda: array("l"))
    age: array[int] = field(default_factory=lambda: array("l"))
    before: array[int] = field(default_factory=lambda: array("l"))
    edge: array[int] = field(default_factory=lambda: array("l"))

    def add(self, state: int, age: int, before: int, edge: int) -> None:
        self.state.append(state)
        self.age.append(age)
        self.before.append(before)
        self.edge.append(edge)


def overdue(graph: Graph, watch: Watch) -> Trace | None:
    """A shortest trace on which the observer counts more than its bound, None if what was explored has none.

    Breadth first over (state, age). A node is left out if an age at least as great was seen at its state in the same level
    or an earlier one. That loses no shortest violation: from one state, the observer's next age is monotone in its age (a
    tick adds one to any age but IDLE, going idle and starting depend on the arrival alone, and IDLE is below every age), so
    whatever the lesser age can reach in n steps, the greater one exceeds or equals in n steps.
    """
    ticks = graph.tick_flags()
    best = array("l", [IDLE - 1]) * max(1, len(graph.states))
    front = _Front()
    for root in range(len(graph.roots)):
        age = _arrival(IDLE, bool(watch.stops.at_state[root]), _starts_at(watch, root))
        best[root] = max(best[root], age)
        front.add(root, age, -1, -1)
    number = 0
    while number < len(front.state):
        state, age = front.state[number], front.age[number]
        for edge in graph.edges(state):
            now = age
            if now != IDLE and ticks[graph.choice[edge]]:
                now += 1
                if now > watch.bound:
                    return _trace(graph, front, number, graph.choices[graph.choice[edge]])
            begins = watch.starts is not None and now == IDLE and watch.starts.on_edge(edge)
            now = _arrival(now, watch.stops.on_edge(edge), begins)
            after = graph.target[edge]
            if now > best[after]:
                best[after] = now
                front.add(after, now, number, edge)
        number += 1
    return None


def _starts_at(watch: Watch, root: int) -> bool:
    return True if watch.starts is None else bool(watch.starts.at_state[root])


def _arrival(age: int, stops: bool, starts: bool) -> int:
    if stops:
        return IDLE
    return 0 if age == IDLE and starts else age


def _trace(graph: Graph, front: _Front, number: int, last: Choice) -> Trace:
    way = [last]
    while front.before[number] >= 0:
        way.append(graph.choices[graph.choice[front.edge[number]]])
        number = front.before[number]
    way.append(graph.roots[front.state[number]])
    return Trace(tuple(way[::-1]))
