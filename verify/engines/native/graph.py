"""The transitions among some of the states of a space, as arrays: cycles, components, and ways through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from verify.base.budget import Budget
from verify.engines.native.expansion import FAILED, PASSING, REACTION, TICK
from verify.engines.native.questions import WINDOW
from verify.engines.native.safety import FRONT
from verify.engines.native.space import BATCH, NOWHERE, QUOTA, Memory, Space, SpentError, Structure
from verify.semantics import interpreter
from verify.semantics.interpreter import Choice, Outcome
from verify.system.system import StepKind

MARKED = 0x80000000  # of a component: it has inner edges
FIRST_TRUTH = 16  # the bit of an edge's marks for the first predicate
ALONG = ("order", "low", "trail", "calls", "component")  # numbers of 32 bits that components() works with


class Filter(NamedTuple):
    """Edges with ``marks & which == value``."""

    which: int = 0
    value: int = 0


class Component(NamedTuple):
    """A component with inner edges: the marks that they have between them, and the groups that all its states offer."""

    number: int
    marks: int
    offers: int


def sliced(space: Space, kernel: str, members: Memory, budget: Budget, *arguments: int) -> int:
    """Run a pass of one kernel over all expanded states, the last first, in slices; the sum of what it returns."""
    total, end = 0, space.expanded
    space.number()
    while end > 0:
        start = max(0, end - QUOTA)
        total += space.structure.call(kernel, members, start, end, *arguments)
        end = start
        space.check(budget, end)
    return total


class Graph:
    """The edges of the expanded states among ``members``. Edges carry where ``WINDOW`` predicates from ``shift`` on hold.

    ``cycles``: only those that may be on a cycle, where the space knows steps that are on none.
    """

    def __init__(self, space: Space, members: Memory, budget: Budget, shift: int = 0, *, cycles: bool = False) -> None:
        """Build it; SpentError if the budget does not allow it."""
        groups = len(space.system.fairness)
        if space.notes.group(groups) > 1 << FIRST_TRUTH:
            raise SpentError(f"{groups} fairness groups are more than the edges can carry")
        self.space, self.shift, self.budget = space, shift, budget
        self.cycles = cycles
        self.holds = [space.interpreter.predicate(p) for p in space.predicates[shift : shift + WINDOW]]
        self.nodes = space.expanded
        self.s: Structure = space.structure
        s = self.s
        space.number()
        room = space.transitions + 2 * BATCH * s["rows_of_one"]
        refused = budget.refuses(8 * room + 40 * self.nodes)
        if refused:
            raise SpentError(refused)
        try:
            s.allocate("first", 8 * (space.states + 2))  # states that were not expanded have no edges
            s.allocate("edges", 8 * room)
            s.allocate("offered", 4 * space.states)
        except MemoryError:
            raise SpentError("no more memory for the graph") from None
        start, skipped = 0, PASSING if cycles else 0
        while start < self.nodes:
            end = min(self.nodes, start + QUOTA)
            start = s.call("link", members, start, end, shift, skipped, room)
            space.check(budget, self.nodes - start)

    def tidy(self) -> None:
        """Give back what a question needed besides the edges."""
        self.s.release(*ALONG, "at", *FRONT, "best")

    def release(self) -> None:
        """Give all its memory back."""
        self.tidy()
        self.s.release("first", "edges", "offered")

    @property
    def ends(self) -> int:
        """How many nodes edges can lead to."""
        return self.space.states

    def path(self, node: int) -> list[Choice]:
        """The choices of a shortest way to a node."""
        return self.space.path(node)

    # ---- sets of states

    def none(self) -> Memory:
        """An empty set of states: a byte each."""
        return Memory(self.ends)

    def closure(self, members: Memory, along: Filter) -> None:
        """Add what edges of a kind reach from members."""
        self.s.allocate("trail", 4 * self.ends)
        self.s.call("spread", members, self.nodes, along.which, along.value)

    def behind(self, members: Memory, edges: Filter) -> None:
        """Add where edges of a kind lead."""
        self.s.call("seed", members, self.nodes, edges.which, edges.value)

    # ---- components

    def components(self, members: Memory, along: Filter, needed: int = 0) -> tuple[list[Component], int]:
        """The strongly connected components of members along edges of a kind that hold a cycle and the marks ``needed``.

        And the number of all components.
        """
        s = self.s
        for name in ALONG:
            s.allocate(name, 4 * self.ends)
        s.allocate("at", 8 * self.ends)
        number = s.call("components", members, self.nodes, along.which, along.value)
        s.release("order", "low", "trail", "calls", "at")
        marks, offers = Memory(4 * (number + 1)), Memory(4 * (number + 1))
        offers.fill(4 * (number + 1), 0xFF)
        s.call("summarise", members, self.nodes, along.which, along.value, marks, offers)
        rows = s.call("count_needed", marks, number, MARKED | needed)
        table = Memory(24 * rows)
        s.call("collect", marks, offers, number, MARKED | needed, table)
        found = table.words(0, 3 * rows)
        return [Component(found[i], found[i + 1] & ~MARKED, found[i + 2]) for i in range(0, 3 * rows, 3)], number

    def expel(self, members: Memory, verdicts: dict[int, int], number: int) -> int:
        """Keep, of the components named, the states that offer none of the groups given; how many are left."""
        table = Memory(4 * (number + 1))
        table.fill(4 * (number + 1), 0xFF)
        for component, groups in verdicts.items():
            table.put(component, 4, groups)
        return self.s.call("expel", members, self.nodes, table)

    def member_of(self, component: int, without: int = 0) -> int:
        """The first state of a component, or the first that offers none of some groups; negative if there is none."""
        return self.s.call("member_of", self.nodes, component, without)

    def offers(self, component: int, groups: int) -> bool:
        """Whether some state of a component offers one of some groups."""
        return bool(self.s.call("offers_of", self.nodes, component, groups))

    # ---- ways

    def way(
        self,
        starts: Iterable[tuple[int, int]],
        along: Filter,
        enter: Filter,
        goal: int = NOWHERE,
        inside: int = 0,
    ) -> list[tuple[int, int, Filter]] | None:
        """A shortest way, as hops (from, to, what the edge satisfies); None if there is none. See the kernel ``wave``.

        ``starts``: states, each with 0 (the way has to enter) or 1 (it has entered).
        """
        s = self.s
        for name in (*FRONT, "best"):
            s.allocate(name, 4 * (2 * self.ends + 2))
        entries = 0
        for state, age in starts:
            for name, value in zip(FRONT, (state, age, NOWHERE), strict=True):
                s.memory(name).put(entries, 4, value)
            best = s.memory("best")
            best.put(state, 4, best.halves(state, 1)[0] | (2 if age else 1))
            entries += 1
        s["entries"] = entries
        end = s.call("wave", inside, enter.which, enter.value, along.which, along.value, goal)
        return None if end < 0 else self._back(end, along, enter, ends_entering=goal == NOWHERE)

    def _back(self, entry: int, along: Filter, enter: Filter, *, ends_entering: bool) -> list[tuple[int, int, Filter]]:
        from_state, age, before = (self.s.memory(name) for name in FRONT)
        hops: list[tuple[int, int, Filter]] = []
        while (earlier := before.halves(entry, 1)[0]) != NOWHERE:
            now, then = age.halves(entry, 1)[0], age.halves(earlier, 1)[0]
            if now != then:
                kind = enter
            elif now == 0:
                kind = along if ends_entering else Filter()
            else:
                kind = along
            hops.append((from_state.halves(earlier, 1)[0], from_state.halves(entry, 1)[0], kind))
            entry = earlier
        return hops[::-1]

    def choices(self, hops: Sequence[tuple[int, int, Filter]]) -> list[Choice]:
        """The choices that the hops of a way make."""
        return [self.space.choice(before, after, self.fits(kind)) for before, after, kind in hops]

    def fits(self, kind: Filter) -> Callable[[Outcome], bool]:
        """Whether a transition is an edge of a kind."""
        return lambda outcome: self.marks(outcome) & kind.which == kind.value

    def marks(self, outcome: Outcome) -> int:
        """The marks of a transition, computed by the interpreter."""
        space = self.space
        step = outcome.choice.step
        marks = TICK if step == interpreter.TICK else 0
        if step >= 0 and space.system.steps[step].kind is StepKind.REACTION:
            marks |= REACTION
        if outcome.state is None:
            return marks | FAILED
        for index, fairness in enumerate(space.system.fairness):
            if step in fairness.steps:
                marks |= space.notes.group(index)
        for i, holds in enumerate(self.holds):
            if holds(outcome.state, outcome.events):
                marks |= 1 << FIRST_TRUTH + i
        return marks


class Whole:
    """The graph of all expanded states, kept from one question to the next that looks at the same predicates."""

    def __init__(self, space: Space, budget: Budget) -> None:
        self.space, self.budget = space, budget
        self._graph: Graph | None = None

    def members(self) -> Memory:
        """All expanded states."""
        found = Memory(self.space.states)
        found.fill(self.space.expanded, 1)
        return found

    def graph(self, shift: int, *, cycles: bool = False) -> Graph:
        """The graph whose edges carry where the predicates from ``shift`` on hold; SpentError as for any.

        ``cycles``: edges that are on no cycle are not needed.
        """
        known = self._graph
        if known is None or known.shift != shift or (known.cycles and not cycles):
            self.release()
            known = self._graph = Graph(self.space, self.members(), self.budget, shift, cycles=cycles)
        return known

    def release(self) -> None:
        """Give its memory back."""
        if self._graph is not None:
            self._graph.release()
            self._graph = None
