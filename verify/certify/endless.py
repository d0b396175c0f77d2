"""Whether an endless run through a closed set of states violates a property: the search for a cycle that would.

Endless runs that count have ticks again and again and keep the declared fairness. Each transition is joined with what it leaves
of the denied property (:mod:`verify.certify.progression`). A run that violates ends in a strongly connected part of that product,
in which there is a tick, each promise is kept or not in force somewhere, each weakly fair group is taken or somewhere not
enabled, and each strongly fair group is taken or nowhere enabled (E. A. Emerson, C.-L. Lei, "Modalities for model checking",
1987, doi:10.1016/0167-6423(87)90036-0; R. E. Tarjan, "Depth-first search and linear graph algorithms", 1972,
doi:10.1137/0201010).

For runs that violate in a finite part already nothing more is needed: in a set that was checked, each leads on to one that
counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from verify.certify.formula import Refused, Undecided
from verify.certify.progression import Place, Progression
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import TICK, Interpreter, Outcome, State
from verify.system.property import Form

MOST_NODES = 3_000_000  # of the product
SHOWN = 5  # states of a cycle that are named


class Edge(NamedTuple):
    """A transition to a numbered state: what holds there (a bit for each predicate), and its marks (see Endless)."""

    to: int
    letter: int
    marks: int


class Endless:
    """The transitions of a closed set, and the cycles among them.

    Marks of an edge: bit 0 a tick; then, for each declared group, whether the step is one of it; then, for each promise of the
    denied property, whether it was not put off.
    """

    def __init__(self, interpreter: Interpreter, form: Form) -> None:
        self.automaton = Progression(form)
        self.holds = [interpreter.predicate(p) for p in self.automaton.predicates]
        self.fairness = interpreter.system.fairness
        self.groups = [frozenset(f.steps) for f in self.fairness]
        self.firsts: dict[tuple[int, int], None] = {}  # numbered states, and what holds there at first
        self.edges: dict[int, list[Edge]] = {}
        self.offers: dict[int, int] = {}  # groups of which a step is enabled in a state, as marks
        self._letters: dict[tuple[int, frozenset[int]], int] = {}

    def _letter(self, number: int, state: State, events: frozenset[int]) -> int:
        known = self._letters.get((number, events))
        if known is None:
            known = sum(1 << n for n, holds in enumerate(self.holds) if holds(state, events))
            self._letters[number, events] = known
        return known

    def begin(self, number: int, state: State) -> None:
        """A first state."""
        self.firsts[number, self._letter(number, state, NO_EVENTS)] = None

    def lead(self, number: int, outcome: Outcome, to: int, state: State) -> None:
        """A transition from one numbered state to another."""
        step = outcome.choice.step
        taken = sum(2 << n for n, group in enumerate(self.groups) if step in group)
        self.offers[number] = self.offers.get(number, 0) | taken
        edge = Edge(to, self._letter(to, state, outcome.events), taken | int(step == TICK))
        self.edges.setdefault(number, []).append(edge)

    def check(self, hurry: Callable[[int], None]) -> None:
        """Refused if there is an endless run that counts and violates; ``hurry`` is told how many nodes were looked at."""
        product = _Product(self, hurry)
        cycle = product.violating()
        if cycle is not None:
            named = ", ".join(f"{n:,}" for n in cycle[:SHOWN]) + (", …" if len(cycle) > SHOWN else "")
            lines = "the state on line" if len(cycle) == 1 else "the states on lines"
            raise Refused(f"a run can go on for ever through {lines} {named}, and violates the property")


class _Product:
    """States together with what has to hold from the next moment on, all that can be reached."""

    def __init__(self, runs: Endless, hurry: Callable[[int], None]) -> None:
        self.runs = runs
        self.hurry = hurry
        self.promised = len(runs.groups) + 1  # the bit of the first promise
        self.number: dict[tuple[int, Place], int] = {}
        self.states: list[int] = []
        self.after: list[list[tuple[int, int]]] = []
        self._build()

    def _build(self) -> None:
        runs, automaton = self.runs, self.runs.automaton
        places: list[Place] = []

        def node(state: int, place: Place) -> int:
            known = self.number.setdefault((state, place), len(places))
            if known == len(places):
                if known >= MOST_NODES:
                    raise Undecided(f"endless runs are looked at in up to {MOST_NODES:,} states and places, and here are more")
                places.append(place)
                self.states.append(state)
            return known

        for state, letter in runs.firsts:
            for way in automaton.read(automaton.start, letter):
                node(state, way.place)
        every = (1 << len(automaton.promises)) - 1
        while len(self.after) < len(places):
            at = len(self.after)
            self.hurry(at)
            ahead = {
                (node(edge.to, way.place), edge.marks | (every & ~way.off) << self.promised)
                for edge in runs.edges.get(self.states[at], ())
                for way in automaton.read(places[at], edge.letter)
            }
            self.after.append(sorted(ahead))

    def violating(self) -> list[int] | None:
        """The numbers of the states of a part in which a violating run can stay; None if there is no such part."""
        waiting: list[Iterable[int]] = [range(len(self.after))]
        while waiting:
            for part in self._parts(waiting.pop()):
                inside = frozenset(part)
                marks = 0
                for n in part:
                    for to, of_edge in self.after[n]:
                        if to in inside:
                            marks |= of_edge
                rest = self._left(part, marks)
                if rest is None:
                    return sorted({self.states[n] for n in part})
                if rest:
                    waiting.append(rest)
        return None

    def _left(self, part: list[int], marks: int) -> list[int] | None:
        """None if a run that stays in all of a part counts and violates; else what of it may still hold such a run."""
        needed = 1 | ((1 << len(self.runs.automaton.promises)) - 1) << self.promised
        if marks & needed != needed:
            return []
        unfair = 0
        for n, fairness in enumerate(self.runs.fairness):
            bit = 2 << n
            if marks & bit:
                continue
            if fairness.strong:
                unfair |= bit
            elif all(self._offered(node) & bit for node in part):
                return []
        rest = [node for node in part if not self._offered(node) & unfair]
        return None if len(rest) == len(part) else rest

    def _offered(self, node: int) -> int:
        return self.runs.offers.get(self.states[node], 0)

    def _parts(self, nodes: Iterable[int]) -> Iterator[list[int]]:
        """The strongly connected parts of the product, without what is not among the nodes, that hold a cycle."""
        within = set(nodes)
        index: dict[int, int] = {}
        low: dict[int, int] = {}
        stack: list[int] = []
        open_: set[int] = set()
        for root in sorted(within):
            if root in index:
                continue
            calls = [(root, iter(self.after[root]))]
            index[root] = low[root] = len(index)
            stack.append(root)
            open_.add(root)
            while calls:
                node, ahead = calls[-1]
                for to, _ in ahead:
                    if to not in within:
                        continue
                    if to not in index:
                        index[to] = low[to] = len(index)
                        stack.append(to)
                        open_.add(to)
                        calls.append((to, iter(self.after[to])))
                        break
                    if to in open_:
                        low[node] = min(low[node], index[to])
                else:
                    calls.pop()
                    self.hurry(len(index))
                    if calls:
                        low[calls[-1][0]] = min(low[calls[-1][0]], low[node])
                    if low[node] == index[node]:
                        yield from self._popped(node, stack, open_)

    def _popped(self, node: int, stack: list[int], open_: set[int]) -> Iterator[list[int]]:
        part: list[int] = []
        while not part or part[-1] != node:
            part.append(stack.pop())
            open_.discard(part[-1])
        if len(part) > 1 or any(to == node for to, _ in self.after[node]):
            yield part
