"""What can be wrong with a scenario as such: errors, livelocks, time that stops; and what is worth a note: Zeno runs."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.record import record
from verify.engines.claim import Fault
from verify.engines.explicit.components import cyclic
from verify.engines.explicit.graph import Graph
from verify.semantics.effects import Failed
from verify.system.system import Failure, StepKind
from verify.trace.trace import Trace

SHOWN = 4  # steps that a note names


@record
class Health:
    """``fault``: what makes the scenario faulty, with a trace to it. ``notes``: what is allowed and worth knowing."""

    fault: tuple[Fault, Trace] | None
    notes: tuple[str, ...] = ()


def examine(graph: Graph) -> Health:
    """Look for errors, and where everything was explored, for livelocks, deadlocks, timelocks and Zeno cycles."""
    if graph.failures:
        source, choice, failed = graph.failures[0]
        trace = Trace((choice,)) if source < 0 else graph.trace_to(source, choice)
        return Health((fault_of(failed), trace))
    if graph.incomplete:
        return Health(None)
    steps = graph.interpreter.system.steps
    ticks = graph.tick_flags()
    timeless = cyclic(graph.expanded, lambda n: _inner(graph, n, ticks))
    if not timeless:
        return Health(_stuck(graph))
    reacting = [c.step >= 0 and steps[c.step].kind is StepKind.REACTION for c in graph.choices]
    livelock = cyclic(graph.expanded, lambda n: _chosen(graph, n, reacting))
    if livelock:
        return Health((Fault.LIVELOCK, _cycle(graph, min(livelock, key=min), reacting)))
    stuck = _stuck(graph) or _timelock(graph, ticks)
    return Health(stuck, tuple(_zeno(graph, component, ticks) for component in sorted(timeless, key=min)[:3]))


def _inner(graph: Graph, node: int, ticks: list[bool]) -> list[int]:
    return [t for e in graph.edges(node) if not ticks[graph.choice[e]] and (t := graph.target[e]) < graph.expanded]


def _chosen(graph: Graph, node: int, wanted: list[bool]) -> list[int]:
    return [t for e in graph.edges(node) if wanted[graph.choice[e]] and (t := graph.target[e]) < graph.expanded]


def _stuck(graph: Graph) -> tuple[Fault, Trace] | None:
    """A state with nothing after it."""
    for state in range(graph.expanded):
        if graph.first[state] == graph.first[state + 1]:
            return Fault.DEADLOCK, graph.trace_to(state)
    return None


def _timelock(graph: Graph, ticks: list[bool]) -> tuple[Fault, Trace] | None:
    """A state from which no tick can be reached."""
    behind: list[list[int]] = [[] for _ in range(graph.expanded)]
    alive = bytearray(graph.expanded)
    waiting: list[int] = []
    for state in range(graph.expanded):
        for edge in graph.edges(state):
            behind[graph.target[edge]].append(state)
            if ticks[graph.choice[edge]] and not alive[state]:
                alive[state] = 1
                waiting.append(state)
    while waiting:
        for before in behind[waiting.pop()]:
            if not alive[before]:
                alive[before] = 1
                waiting.append(before)
    dead = alive.find(0)
    return None if dead < 0 else (Fault.TIMELOCK, graph.trace_to(dead))


def _cycle(graph: Graph, component: list[int], wanted: list[bool]) -> Trace:
    """A trace to a component and once around in it, by wanted edges."""
    start = min(component)
    inside = set(component)
    before: dict[int, tuple[int, int]] = {}
    front = [start]
    while start not in before:
        ahead: list[int] = []
        for node in front:
            for edge in graph.edges(node):
                after = graph.target[edge]
                if wanted[graph.choice[edge]] and after in inside and after not in before:
                    before[after] = (node, edge)
                    ahead.append(after)
        front = ahead
    way: list[int] = []
    node = start
    while not way or node != start:
        node, edge = before[node]
        way.append(edge)
    stem = graph.path(start)
    loop = [graph.choices[graph.choice[e]] for e in reversed(way)]
    return Trace((*stem, *loop), len(stem) - 1)


def _zeno(graph: Graph, component: list[int], ticks: list[bool]) -> str:
    inside = set(component)
    names: dict[str, None] = {}
    for node in sorted(component):
        for edge in graph.edges(node):
            if graph.target[edge] in inside and not ticks[graph.choice[edge]]:
                names[graph.interpreter.system.steps[graph.choices[graph.choice[edge]].step].name] = None
    return zeno_note(list(names))


def fault_of(failed: Failed) -> Fault:
    """What an error that ended a run makes of the scenario."""
    return Fault.LIVELOCK if failed.failure is Failure.LIVELOCK else Fault.FAILURE


def zeno_note(names: Sequence[str]) -> str:
    """What is told of a cycle without a tick, by the names of its steps."""
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return f"a Zeno run: {shown} can go on for ever in no time; liveness looks at runs in which time passes"
