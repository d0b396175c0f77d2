"""Breadth-first search of symbolic states, each with the zone in which the observer of a property has a clock as well.

A node is a representative, whether the observer waits, and a zone: that of arrival, or where ticks are allowed all that it
becomes while nothing happens. A node whose zone is part of one that is known is not followed. Zones are finite sets, so that
the search ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from verify.base.budget import Budget, Progress
from verify.base.record import record
from verify.engines.zones.space import Discrete, Move, Space
from verify.engines.zones.zone import (
    NOTHING_RUNS,
    Term,
    Zone,
    delayed,
    first_to_end,
    includes,
    passes,
    rebased,
    ticked,
)
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import State

CHECK_EVERY = 256
Predicate = Callable[[State, frozenset[int]], bool]


@record
class Observer:
    """Waits from where ``starts`` holds (None: from the first state) to where ``stops`` does, ``bound`` ticks at most."""

    starts: Predicate | None
    stops: Predicate
    bound: int

    def at_first(self, state: State) -> bool:
        """Whether it waits in a first state."""
        if self.stops(state, NO_EVENTS):
            return False
        return self.starts is None or self.starts(state, NO_EVENTS)

    def arrives(self, state: State, events: frozenset[int], *, waiting: bool) -> bool:
        """Whether it waits after a transition."""
        if self.stops(state, events):
            return False
        return waiting or (self.starts is not None and self.starts(state, events))


class Kind(Enum):
    """What led to a node."""

    START = "start"
    STEP = "step"
    PASSING = "a tick in which nothing happens"
    ENDING = "the tick with which clocks end"


@record
class Edge:
    """How a node was reached: from its parent (-1: none); ``ending``: the clocks that ended; None for a move: a tick like any."""

    parent: int
    kind: Kind
    move: Move | None = None
    ending: tuple[int, ...] = ()


@record
class Node:
    """``settled``: ticks that pass change nothing, so that the zone is one of all of them; else one tick is a move of its own.

    ``depth``: moves from the beginning.
    """

    discrete: Discrete
    waiting: bool
    zone: Zone
    settled: bool
    edge: Edge
    depth: int


@dataclass(slots=True)
class Found:
    """What a search has seen.

    ``goals``: for each goal the edge with which it was reached first. ``late``: that with which the observer's bound was passed.
    ``failure``: that with which an error was met. ``incomplete``: why it ended early, or "".
    """

    nodes: list[Node] = field(default_factory=list)
    transitions: int = 0
    goals: dict[int, Edge] = field(default_factory=dict)
    late: Edge | None = None
    failure: Edge | None = None
    incomplete: str = ""


class Search:
    """One search: for goals, or beside an observer."""

    def __init__(self, space: Space, goals: Sequence[Predicate], needed: int, observer: Observer | None, budget: Budget) -> None:
        """``needed``: how many of the goals have to be reached for the search to end; the others are only noted."""
        self.space = space
        self.goals = goals
        self.needed = needed
        self.observer = observer
        self.budget = budget
        self.found = Found()
        self._known: dict[tuple[State, bool], list[Zone]] = {}

    def run(self) -> Found:
        """Everything, or until what is asked is seen."""
        found = self.found
        for move in self.space.initial():
            self._arrive(Edge(-1, Kind.START, move), move, NOTHING_RUNS)
        number = 0
        while number < len(found.nodes):
            if self._over():
                break
            if number % CHECK_EVERY == 0:
                nodes = len(found.nodes)
                seconds = self.budget.seconds()
                progress = Progress(self.space.system.name, nodes, found.transitions, nodes - number, 0, seconds)
                found.incomplete = self.budget.spent(progress)
                if found.incomplete:
                    break
            self._expand(number)
            number += 1
        return found

    def _over(self) -> bool:
        if self.observer is not None:
            return self.found.late is not None
        return 0 < self.needed == sum(goal < self.needed for goal in self.found.goals)

    # ---- one node

    def _expand(self, number: int) -> None:
        node = self.found.nodes[number]
        discrete = node.discrete
        for move in discrete.moves:
            self._arrive(Edge(number, Kind.STEP, move), move, node.zone)
        if discrete.patient:
            for ending, part in first_to_end(node.zone, None if node.settled else 1):
                self._ends(number, node, ending, part)
            if not node.settled and passes(node.zone):
                self._passes(number, node)

    def _ends(self, number: int, node: Node, ending: tuple[int, ...], part: Zone) -> None:
        """The tick with which these clocks end; where the observer's is among them, it has waited too long."""
        clocks = node.discrete.clocks
        late = node.waiting and clocks + 1 in ending
        for move in self.space.ended(node.discrete.state, tuple(c for c in ending if c <= clocks)):
            edge = Edge(number, Kind.ENDING, move, ending)
            if not late or move.state is None:
                self._arrive(edge, move, part)
            elif self.found.late is None:
                self.found.late = edge

    def _passes(self, number: int, node: Node) -> None:
        """One tick after which the observer sees something else: no event any more."""
        terms = [(clock, 0) for clock in range(1, node.discrete.clocks + 1)]
        self.found.transitions += 1
        self._enter(Edge(number, Kind.PASSING), node.discrete, ticked(node.zone), terms, NO_EVENTS)

    # ---- arriving

    def _arrive(self, edge: Edge, move: Move, zone: Zone) -> None:
        self.found.transitions += 1
        if move.state is None:
            if self.found.failure is None:
                self.found.failure = edge
            return
        self._enter(edge, self.space.discrete(move.state), zone, move.terms, move.events)

    def _enter(self, edge: Edge, discrete: Discrete, before: Zone, kept: Sequence[Term], events: frozenset[int]) -> None:
        waiting = edge.parent >= 0 and self.found.nodes[edge.parent].waiting
        present = edge.ending[0] if edge.ending else 0
        terms = [(present, 0), *kept]
        observer, now, calm = self.observer, False, False
        if observer is not None:
            if edge.kind is Kind.START:
                now = observer.at_first(discrete.state)
            else:
                now = observer.arrives(discrete.state, events, waiting=waiting)
            if now:
                terms.append((len(before) - 1, 0) if waiting else (present, observer.bound + 1))
            calm = observer.arrives(discrete.state, NO_EVENTS, waiting=now)
        zone = rebased(before, terms)
        settled = now == calm
        self._reach(edge, discrete.state, events)
        if discrete.patient:
            if self.goals and events and passes(zone):
                self._calm(edge, discrete, zone)
            if settled:
                zone = delayed(zone)
        others = self._known.setdefault((discrete.state, now), [])
        if any(includes(other, zone) for other in others):
            return
        others[:] = [other for other in others if not includes(zone, other)]
        others.append(zone)
        self.found.nodes.append(Node(discrete, now, zone, settled, edge, self._depth(edge)))

    def _depth(self, edge: Edge) -> int:
        return self.found.nodes[edge.parent].depth + 1 if edge.parent >= 0 else 0

    def _reach(self, edge: Edge, state: State, events: frozenset[int]) -> None:
        """Which goals hold on arrival."""
        for number, goal in enumerate(self.goals):
            if number not in self.found.goals and goal(state, events):
                self.found.goals[number] = edge

    def _calm(self, edge: Edge, discrete: Discrete, zone: Zone) -> None:
        """Which goals hold after a tick that brought nothing: no event any more."""
        for number, goal in enumerate(self.goals):
            if number not in self.found.goals and goal(discrete.state, NO_EVENTS):
                node = Node(discrete, waiting=False, zone=zone, settled=False, edge=edge, depth=self._depth(edge))
                self.found.nodes.append(node)
                self.found.goals[number] = Edge(len(self.found.nodes) - 1, Kind.PASSING)
