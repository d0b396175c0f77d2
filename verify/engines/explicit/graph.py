"""The reachable states as a graph of integers, explored once for all properties of a scenario."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from verify.base.budget import Budget, Progress
from verify.semantics.effects import Failed
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import TICK, Choice, Interpreter, Outcome, State
from verify.system.expression import Expression, events_of
from verify.trace.trace import Trace

CHECK_EVERY = 512


@dataclass(slots=True)
class Graph:
    """States in the order of their discovery, so that ``0..expanded-1`` are the expanded ones, and levels are stretches.

    Edge k leads to ``target[k]``, by ``choices[choice[k]]``, with the events ``event_sets[events[k]]``; the edges of state i are
    ``first[i]..first[i+1]-1``. ``incomplete``: why the exploration stopped early, or "".
    """

    interpreter: Interpreter
    states: list[State] = field(default_factory=list)
    roots: list[Choice] = field(default_factory=list)
    first: array[int] = field(default_factory=lambda: array("q", [0]))
    target: array[int] = field(default_factory=lambda: array("l"))
    choice: array[int] = field(default_factory=lambda: array("l"))
    events: array[int] = field(default_factory=lambda: array("l"))
    parent: array[int] = field(default_factory=lambda: array("l"))
    parent_choice: array[int] = field(default_factory=lambda: array("l"))
    choices: list[Choice] = field(default_factory=list)
    event_sets: list[frozenset[int]] = field(default_factory=list)
    failures: list[tuple[int, Choice, Failed]] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    transitions: int = 0
    incomplete: str = ""

    @property
    def expanded(self) -> int:
        """How many states have all their edges."""
        return len(self.first) - 1

    @property
    def depth(self) -> int:
        """The number of the deepest level begun, in steps."""
        return max(0, len(self.levels) - 1)

    def edges(self, state: int) -> range:
        """The numbers of a state's edges; none if it was not expanded."""
        return range(self.first[state], self.first[state + 1]) if state < self.expanded else range(0)

    def is_tick(self, edge: int) -> bool:
        """Whether an edge is a tick."""
        return self.choices[self.choice[edge]].step == TICK

    def tick_flags(self) -> list[bool]:
        """For each number of a choice, whether it is a tick."""
        return [c.step == TICK for c in self.choices]

    def path(self, state: int) -> list[Choice]:
        """The choices of a shortest way to a state."""
        way: list[Choice] = []
        while self.parent[state] >= 0:
            way.append(self.choices[self.parent_choice[state]])
            state = self.parent[state]
        way.append(self.roots[state])
        return way[::-1]

    def trace_to(self, state: int, *more: Choice) -> Trace:
        """A shortest trace to a state, and on from there."""
        return Trace((*self.path(state), *more))


def explore(interpreter: Interpreter, budget: Budget) -> Graph:
    """Every reachable state, breadth first, or as many as the budget allows."""
    graph = Graph(interpreter)
    index: dict[State, int] = {}
    choice_number: dict[Choice, int] = {}
    event_number: dict[frozenset[int], int] = {NO_EVENTS: 0}
    graph.event_sets.append(NO_EVENTS)
    for outcome in interpreter.initial():
        _root(graph, index, outcome)
    task = interpreter.system.name
    most = budget.limits.states or sys.maxsize
    number, level_end = 0, 0
    outcomes_of, states, failures = interpreter.outcomes, graph.states, graph.failures
    target, choice, events = graph.target, graph.choice, graph.events
    parent, parent_choice, first = graph.parent, graph.parent_choice, graph.first
    while number < len(states):
        if number == level_end:
            graph.levels.append(number)
            level_end = len(states)
        if number % CHECK_EVERY == 0 or len(states) >= most:
            progress = Progress(
                task, len(states), graph.transitions, len(states) - number, graph.depth, budget.seconds()
            )
            graph.incomplete = budget.spent(progress)
            if graph.incomplete:
                break
        found = outcomes_of(states[number])
        graph.transitions += len(found)
        for outcome in found:
            after = outcome.state
            if after is None:
                if outcome.failed is not None:
                    failures.append((number, outcome.choice, outcome.failed))
                continue
            made = choice_number.setdefault(outcome.choice, len(choice_number))
            at = index.setdefault(after, len(states))
            if at == len(states):
                states.append(after)
                parent.append(number)
                parent_choice.append(made)
            target.append(at)
            choice.append(made)
            occurred = outcome.events
            events.append(event_number.setdefault(occurred, len(event_number)) if occurred else 0)
        first.append(len(target))
        number += 1
    graph.choices = list(choice_number)
    graph.event_sets = list(event_number)
    return graph


def _root(graph: Graph, index: dict[State, int], outcome: Outcome) -> None:
    if outcome.state is None:
        if outcome.failed is not None:
            graph.failures.append((-1, outcome.choice, outcome.failed))
        return
    if outcome.state not in index:
        index[outcome.state] = len(graph.states)
        graph.states.append(outcome.state)
        graph.roots.append(outcome.choice)
        graph.parent.append(-1)
        graph.parent_choice.append(-1)


class Truth:
    """Where a predicate holds: at each state as an initial one (``at_state``), and on arrival by each edge (``on_edge``)."""

    def __init__(self, graph: Graph, expression: Expression) -> None:
        """Evaluate ``expression`` once for each state, and once more for each (state, events) if it asks for events."""
        holds = graph.interpreter.predicate(expression)
        self.at_state = bytearray(holds(s, NO_EVENTS) for s in graph.states)
        self._target = graph.target
        self._edges: bytearray | None = None
        if events_of(expression):
            known: dict[tuple[int, int], bool] = {}
            self._edges = bytearray(len(graph.target))
            for edge, (state, events) in enumerate(zip(graph.target, graph.events, strict=True)):
                key = (state, events)
                if key not in known:
                    known[key] = holds(graph.states[state], graph.event_sets[events])
                self._edges[edge] = known[key]

    def on_edge(self, edge: int) -> bool:
        """Whether it holds on arrival by an edge."""
        if self._edges is None:
            return bool(self.at_state[self._target[edge]])
        return bool(self._edges[edge])

    def anywhere(self, roots: Iterable[int]) -> bool:
        """Whether it holds anywhere."""
        if any(self.at_state[r] for r in roots):
            return True
        return any(self.at_state) if self._edges is None else any(self._edges)
