"""What a violating run looks like: a small automaton beside the states, for the named forms and for formulas of LTL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verify.automata.tableau import translate
from verify.base.record import record
from verify.engines.explicit.graph import Graph, Truth
from verify.system.expression import Expression
from verify.system.property import AlwaysEventually, Eventually, EventuallyAlways, LeadsTo, Ltl, Until

LivenessForm = Eventually | EventuallyAlways | AlwaysEventually | LeadsTo | Until | Ltl
FAILED = -1
Moves = tuple[tuple[int, int], ...]


class Letters:
    """Which predicates hold: bit i of a letter is that of predicate i."""

    def __init__(self, graph: Graph, predicates: Sequence[Expression]) -> None:
        """Each predicate is evaluated once where it can differ."""
        self._truths = [(1 << i, Truth(graph, p)) for i, p in enumerate(predicates)]

    def at_root(self, state: int) -> int:
        """The letter of a state as the first one, where no event has occurred."""
        return sum(bit for bit, truth in self._truths if truth.at_state[state])

    def on_edge(self, edge: int) -> int:
        """The letter on arrival by an edge."""
        letter = 0
        for bit, truth in self._truths:
            if truth.on_edge(edge):
                letter |= bit
        return letter


@record
class Monitor:
    """A memory of one number beside the state, 0 before the first state: a generalised Büchi automaton of the violating runs.

    ``moves(memory, letter)``: the memories after reading a letter, each with the marks of the move, a bit for each of ``sets``
    accepting sets; none if no violation can follow. The memory FAILED: violated already, however the run goes on (only where
    ``can_fail``). A violating cycle meets every accepting set, and has only memories that are ``within``.
    """

    letters: Letters
    moves: Callable[[int, int], Moves]
    sets: int = 0
    within: Callable[[int], bool] = bool
    can_fail: bool = False


STAY: Moves = ((0, 0),)


def monitor(form: LivenessForm, graph: Graph) -> Monitor:
    """The monitor of a form."""

    def anywhere(_: int) -> bool:
        return True

    match form:
        case Eventually(good):
            return Monitor(Letters(graph, (good,)), lambda _, letter: () if letter else STAY, within=anywhere)
        case EventuallyAlways(good):
            bad: Moves = ((0, 1),)
            return Monitor(Letters(graph, (good,)), lambda _, letter: STAY if letter else bad, 1, anywhere)
        case AlwaysEventually(good):
            waiting: Moves = ((1, 0),)
            return Monitor(Letters(graph, (good,)), lambda _, letter: STAY if letter else waiting)
        case LeadsTo(trigger, response):
            asked: tuple[Moves, ...] = (STAY, ((1, 0),))  # the trigger is bit 0, the response bit 1
            letters = Letters(graph, (trigger, response))
            return Monitor(letters, lambda memory, letter: STAY if letter & 2 else asked[memory | letter])
        case Until(hold, goal):
            failed: Moves = ((FAILED, 0),)
            table = (failed, STAY, (), ())  # hold is bit 0, goal is bit 1
            return Monitor(Letters(graph, (hold, goal)), lambda _, letter: table[letter], 0, anywhere, can_fail=True)
        case Ltl():
            return _of_formula(form, graph)


def _of_formula(form: Ltl, graph: Graph) -> Monitor:
    """The automaton of the negation; TooLarge if it grows out of hand."""
    automaton = translate(form.formula, negated=True)
    recurring = automaton.recurring()
    known: dict[tuple[int, int], Moves] = {}

    def moves(memory: int, letter: int) -> Moves:
        if (memory, letter) not in known:
            made = [m for m in automaton.moves[memory] if m.reads(letter)]
            lost = any(m.target in automaton.settled for m in made)
            known[memory, letter] = ((FAILED, 0),) if lost else tuple({(m.target, m.marks): None for m in made})
        return known[memory, letter]

    letters = Letters(graph, automaton.atoms)
    return Monitor(letters, moves, automaton.sets, recurring.__contains__, can_fail=bool(automaton.settled))
