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

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from verify.certify.formula import Refused, Undecided
from verify.certify.progression import Place, Progression
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import TICK, Interpreter, Outcome, State
from verify.system.property import Form

MOST_NODES = 2_000_000  # of the product
KIND = 24  # bits for the kind of an edge
ONES = (1 << KIND) - 1
SHOWN = 5  # states of a cycle that are named

T = TypeVar("T")


class Rows:
    """Rows of numbers of up to 64 bits, one after the other."""

    def __init__(self) -> None:
        self.starts = array("Q", (0,))
        self.values = array("Q")

    def add(self, row: Iterable[int]) -> None:
        """One row more."""
        self.values.extend(row)
        self.starts.append(len(self.values))

    def __getitem__(self, number: int) -> array[int]:
        return self.values[self.starts[number] : self.starts[number + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1


class Kinds(Generic[T]):
    """Numbers for what edges of one kind have in common, so that an edge is a number: where to, and its kind."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._number: dict[T, int] = {}

    def edge(self, to: int, kind: T) -> int:
        """An edge as a number."""
        known = self._number.setdefault(kind, len(self.all))
        if known == len(self.all):
            if known > ONES:
                raise Undecided(f"the transitions are of more than {ONES:,} kinds")
            self.all.append(kind)
        return to << KIND | known

    def read(self, edge: int) -> tuple[int, T]:
        """Where an edge leads, and what is known of it."""
        return edge >> KIND, self.all[edge & ONES]


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
        self.kinds = Kinds[tuple[int, int]]()  # what holds where it leads (a bit for each predicate), and the marks
        self.edges = Rows()  # of each state, the first of which is number 1
        self.offers: list[int] = [0]  # groups of which a step is enabled in a state, as marks
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

    def leads_on(self, transitions: Iterable[tuple[int, Outcome]]) -> None:
        """The transitions of the next state, none of which fails, each after the number of the state that it leads to."""
        row: list[int] = []
        offered = 0
        for to, outcome in transitions:
            assert outcome.state is not None  # noqa: S101 - an error is refused before
            step = outcome.choice.step
            taken = sum(2 << n for n, group in enumerate(self.groups) if step in group)
            offered |= taken
            row.append(self.kinds.edge(to, (self._letter(to, outcome.state, outcome.events), taken | int(step == TICK))))
        self.edges.add(row)
        self.offers.append(offered)

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
        self.every = (1 << len(runs.automaton.promises)) - 1  # promises, a bit each
        self.number: dict[tuple[int, Place], int] = {}
        self.states: list[int] = []
        self.kinds = Kinds[int]()
        self.after = Rows()
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
        while len(self.after) < len(places):
            at = len(self.after)
            self.hurry(at)
            ahead: set[int] = set()
            for edge in runs.edges[self.states[at] - 1]:
                to, (letter, marks) = runs.kinds.read(edge)
                for way in automaton.read(places[at], letter):
                    kept = (self.every & ~way.off) << self.promised
                    ahead.add(self.kinds.edge(node(to, way.place), marks | kept))
            self.after.add(sorted(ahead))

    def ahead(self, node: int) -> Iterator[tuple[int, int]]:
        """The edges from a node: where to, and their marks."""
        return map(self.kinds.read, self.after[node])

    def violating(self) -> list[int] | None:
        """The numbers of the states of a part in which a violating run can stay; None if there is no such part."""
        waiting: list[Iterable[int]] = [range(len(self.after))]
        while waiting:
            for part in self._parts(waiting.pop()):
                inside = frozenset(part)
                marks = 0
                for n in part:
                    for to, of_edge in self.ahead(n):
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
        needed = 1 | self.every << self.promised
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
        return self.runs.offers[self.states[node]]

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
            calls = [(root, self.ahead(root))]
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
                        calls.append((to, self.ahead(to)))
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
        if len(part) > 1 or any(to == node for to, _ in self.ahead(node)):
            yield part
