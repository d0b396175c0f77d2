"""Strongly connected components, and what follows from them: cycles without time, and where time stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

Successors = Callable[[int], Iterable[int]]


def components(nodes: Iterable[int], successors: Successors) -> Iterator[list[int]]:
    """The strongly connected components among ``nodes``, in reverse topological order, without recursion.

    R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1(2), 1972, doi:10.1137/0201010.
    """
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    for root in nodes:
        if root in order:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(successors(root)))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for after in rest:
                if after not in order:
                    order[after] = low[after] = len(order)
                    stack.append(after)
                    on_stack.add(after)
                    work.append((after, iter(successors(after))))
                    break
                if after in on_stack:
                    low[node] = min(low[node], order[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    at = stack.index(node) if len(stack) < 64 else _find(stack, node)
                    found = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(found)
                    yield found


def _find(stack: Sequence[int], node: int) -> int:
    at = len(stack) - 1
    while stack[at] != node:
        at -= 1
    return at


def cyclic(nodes: int, successors: Successors) -> list[list[int]]:
    """The components of the graph 0..nodes-1 that hold a cycle; none, quickly, when there is none.

    First everything that lies on no cycle and leads to none is peeled off from the far end (Kahn 1962), then Tarjan runs on
    what is left.
    """
    ahead = [0] * nodes
    behind: dict[int, list[int]] = {}
    for node in range(nodes):
        for after in successors(node):
            ahead[node] += 1
            behind.setdefault(after, []).append(node)
    ready = [n for n in range(nodes) if ahead[n] == 0]
    left = nodes
    while ready:
        node = ready.pop()
        left -= 1
        for before in behind.get(node, ()):
            ahead[before] -= 1
            if ahead[before] == 0:
                ready.append(before)
    if not left:
        return []
    remaining = [n for n in range(nodes) if ahead[n] > 0]
    inside = set(remaining)
    found = components(remaining, lambda n: (a for a in successors(n) if a in inside))
    return [c for c in found if len(c) > 1 or c[0] in set(successors(c[0]))]
