"""The product of a graph with the automaton of a formula: what formulas of LTL need beyond the named forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verify.automata.automaton import Automaton
from verify.engines.native.graph import FIRST_TRUTH, Filter, Graph
from verify.engines.native.space import FOUND, FULL, NOWHERE, PAUSED, QUOTA, Memory, SpentError, Structure
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import Choice, Outcome, State

MOST_SETS = 15  # accepting sets that the marks of an edge have room for
NODES = ("node_state", "node_memory", "node_parent")


class Product(Graph):
    """A node is a state with a memory of the automaton. The marks of its edges are those of the graph, and the accepting sets.

    ``lost``: the choices of a shortest finite run after which every run is accepted; None if there is none.
    """

    def __init__(self, graph: Graph, automaton: Automaton, block: int) -> None:
        """Build it from the edges of ``graph``, whose predicates from bit ``block`` on are the atoms."""
        if automaton.sets > MOST_SETS:
            raise SpentError(f"an automaton of {automaton.sets} accepting sets")
        self.graph, self.automaton, self.block = graph, automaton, block
        self.space, self.shift, self.budget = graph.space, graph.shift, graph.budget
        self.letters = 1 << len(automaton.atoms)
        self.s = Structure(graph.s.kernels)
        self.holds = graph.holds
        self._atoms = graph.holds[block : block + len(automaton.atoms)]
        self.lost: list[Choice] | None = None
        self.nodes = 0
        try:
            self._moves()
            self._build()
            self._ends = self.s["entries"]  # which way() counts in as well
        except MemoryError:
            raise SpentError("no more memory for the product with the formula") from None

    @property
    def ends(self) -> int:
        """How many nodes edges can lead to."""
        return self._ends

    def release(self) -> None:
        """Give its memory back."""
        super().release()
        self.s.release(*NODES, "ids", "moves", "moves_first")

    # ---- building

    def _after(self, memory: int, letter: int) -> list[tuple[int, int]]:
        """The next memories, each with its accepting sets; NOWHERE: every run is accepted."""
        made = [m for m in self.automaton.moves[memory] if m.reads(letter)]
        if any(m.target in self.automaton.settled for m in made):
            return [(NOWHERE, 0)]
        return list(dict.fromkeys((m.target, m.marks) for m in made))

    def _moves(self) -> None:
        memories, letters = len(self.automaton.moves), self.letters
        rows = [self._after(memory, letter) for memory in range(memories) for letter in range(letters)]
        first = self.s.allocate("moves_first", 8 * (len(rows) + 1))
        moves = self.s.allocate("moves", 8 * max(1, sum(map(len, rows))))
        at = 0
        for i, row in enumerate(rows):
            for target, marks in row:
                moves.put(at, 8, target | marks << 32)
                at += 1
            first.put(i + 1, 8, at)
        self.s["most_moves"] = max(1, *map(len, rows))

    def _build(self) -> None:
        s, memories = self.s, len(self.automaton.moves)
        room, edges = 1 << 12, 1 << 14
        for name in NODES:
            s.allocate(name, 4 * room)
        s.allocate("ids", 4 * self.graph.ends * memories)
        s.allocate("first", 8 * (room + 1))
        s.allocate("offered", 4 * room)
        s.allocate("edges", 8 * edges)
        s["entries_room"], s["edges_room"] = room, edges
        if not self._roots(memories):
            return
        arguments = (s.pointer, memories, FIRST_TRUTH + self.block, self.letters, QUOTA)
        while (reason := self.graph.s.call("multiply", *arguments)) in {PAUSED, FULL}:
            self.space.check(self.budget, s["entries"] - s["entry"], 20 * room + 8 * edges if reason == FULL else 0)
            if reason == FULL:
                room, edges = 2 * room, 2 * edges
                for name in (*NODES, "offered"):
                    s.grow(name, 4 * room)
                s.grow("first", 8 * (room + 1))
                s.grow("edges", 8 * edges)
                s["entries_room"], s["edges_room"] = room, edges
        self.nodes = s["entry"]
        if reason == FOUND:
            node, target = s["entry"], s["seen_from"]
            self.lost = [*self.path(node), self._choice(node, target, lambda letter: NOWHERE in self._targets(node, letter))]

    def _roots(self, memories: int) -> bool:
        """Enter the initial nodes; False if a run is lost at its beginning already."""
        s, entries = self.s, 0
        for root in range(len(self.space.roots)):
            letter = self._letter(self.space.state(root), NO_EVENTS)
            for memory, _ in self._after(0, letter):
                if memory == NOWHERE:
                    self.lost = [self.space.roots[root]]
                    return False
                if s.memory("ids").halves(root * memories + memory, 1)[0]:
                    continue
                for name, value in zip(NODES, (root, memory, NOWHERE), strict=True):
                    s.memory(name).put(entries, 4, value)
                entries += 1
                s.memory("ids").put(root * memories + memory, 4, entries)
        s["entries"] = entries
        return True

    # ---- nodes

    def _node(self, node: int) -> tuple[int, int]:
        """The state and the memory of a node."""
        return self.s.memory("node_state").halves(node, 1)[0], self.s.memory("node_memory").halves(node, 1)[0]

    def _letter(self, state: State, events: frozenset[int]) -> int:
        return sum(1 << i for i, holds in enumerate(self._atoms) if holds(state, events))

    def _targets(self, node: int, letter: int) -> dict[int, int]:
        """The memories that a letter leads to, each with all accepting sets that a move there has."""
        found: dict[int, int] = {}
        for target, marks in self._after(self._node(node)[1], letter):
            found[target] = found.get(target, 0) | marks
        return found

    def _choice(self, node: int, state: int, fits: Callable[[int], bool], kind: Filter | None = None) -> Choice:
        """The choice by which a node's state leads to a state, with a letter that fits, and as an edge of a kind."""

        def suits(outcome: Outcome) -> bool:
            assert outcome.state is not None  # noqa: S101 - choice() compares states first
            if not fits(self._letter(outcome.state, outcome.events)):
                return False
            if kind is None:
                return True
            low = (1 << FIRST_TRUTH) - 1
            return self.marks(outcome) & kind.which & low == kind.value & low

        return self.space.choice(self._node(node)[0], state, suits)

    def recurring(self) -> Memory:
        """The nodes whose memory lies on accepting cycles of the automaton."""
        wanted = Memory(len(self.automaton.moves))
        for memory in self.automaton.recurring():
            wanted.put(memory, 1, 1)
        found = self.none()
        self.s.call("remember", found, self.nodes, wanted)
        return found

    # ---- ways

    def path(self, node: int) -> list[Choice]:
        """The choices of a shortest way to a node."""
        way: list[Choice] = []
        while (before := self.s.memory("node_parent").halves(node, 1)[0]) != NOWHERE:
            way.append(self._hop(before, node, None))
            node = before
        way.append(self.space.roots[self._node(node)[0]])
        return way[::-1]

    def _hop(self, before: int, after: int, kind: Filter | None) -> Choice:
        state, memory = self._node(after)
        accepting = 0 if kind is None else (kind.value & kind.which) >> FIRST_TRUTH

        def fits(letter: int) -> bool:
            moves = self._after(self._node(before)[1], letter)
            return any(target == memory and marks & accepting == accepting for target, marks in moves)

        return self._choice(before, state, fits, kind)

    def choices(self, hops: Sequence[tuple[int, int, Filter]]) -> list[Choice]:
        """The choices that the hops of a way make."""
        return [self._hop(before, after, kind) for before, after, kind in hops]
