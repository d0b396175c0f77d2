"""The tableau: a formula to an automaton whose states are sets of formulas, those that the rest of the word must satisfy."""

from __future__ import annotations

from typing import NamedTuple

from verify.automata.automaton import Automaton, Move
from verify.automata.formulas import FALSE, TRUE, Formulas, Kind
from verify.automata.reduction import reduced
from verify.system.property import LtlFormula

MOST_STATES = 500
MOST_SETS = 60
MOST_TERMS = 2_000


class TooLarge(Exception):  # noqa: N818 - an answer
    """The automaton of a formula would have more states or moves than can be handled."""


class Term(NamedTuple):
    """One way to satisfy a set of formulas: literals now, and formulas from the next moment on."""

    positive: int = 0
    negative: int = 0
    rest: frozenset[int] = frozenset()

    def asks_less(self, other: Term) -> bool:
        """Whether it asks for nothing that the other does not ask for."""
        return (
            self.positive & other.positive == self.positive
            and self.negative & other.negative == self.negative
            and self.rest <= other.rest
        )


def translate(formula: LtlFormula, *, negated: bool = False) -> Automaton:
    """An automaton that accepts the words that satisfy a formula, or those that do not; TooLarge if it grows out of hand.

    J.-M. Couvreur, On-the-fly verification of linear temporal logic, FM'99, LNCS 1708, doi:10.1007/3-540-48119-2_16: the tableau
    of R. Gerth, D. Peled, M. Y. Vardi and P. Wolper (PSTV 1995, doi:10.1007/978-0-387-34892-6_1) with letters and acceptance on
    the moves: for each until, the set of moves that do not put it off. As there is no next, those are the moves that do not ask
    for it at the next moment.
    """
    formulas = Formulas()
    start = formulas.normal(formula, not negated)
    index: dict[frozenset[int], int] = {frozenset({start} - {TRUE}): 0}
    rows: list[list[Term]] = []
    for state in (order := list(index)):
        rows.append(_terms(formulas, state))
        for term in rows[-1]:
            if term.rest not in index:
                index[term.rest] = len(index)
                order.append(term.rest)
        if len(order) > MOST_STATES or sum(map(len, rows)) > 10 * MOST_STATES:
            message = f"the automaton of the formula has more than {MOST_STATES} states or {10 * MOST_STATES} moves"
            raise TooLarge(message)
    untils = sorted({f for state in order for f in state if formulas.nodes[f].kind is Kind.UNTIL})
    if len(untils) > MOST_SETS:
        message = f"the automaton of the formula has more than {MOST_SETS} accepting sets"
        raise TooLarge(message)
    moves = tuple(
        tuple(
            Move(t.positive, t.negative, index[t.rest], sum(1 << k for k, u in enumerate(untils) if u not in t.rest))
            for t in row
        )
        for row in rows
    )
    settled = frozenset(index[s] for s in index if not s)
    return reduced(Automaton(tuple(formulas.atoms), moves, len(untils), settled))


def _terms(formulas: Formulas, state: frozenset[int]) -> list[Term]:
    """The ways to satisfy all formulas of a state, without those that ask for more than another one."""
    found: list[Term] = []
    seen = 0
    waiting: list[tuple[tuple[int, ...], frozenset[int], Term]] = [(tuple(sorted(state)), frozenset(), Term())]
    while waiting:
        todo, done, term = waiting.pop()
        if todo:
            number, others = todo[0], todo[1:]
            if number in done:
                waiting.append((others, done, term))
            else:
                known = done | {number}
                waiting += [((*now, *others), known, more) for now, more in _expanded(formulas, number, term)]
            continue
        seen += 1
        if seen > MOST_TERMS:
            message = f"a state of the formula's automaton has more than {MOST_TERMS} ways to go on"
            raise TooLarge(message)
        if not any(f.asks_less(term) for f in found):
            found = [f for f in found if not term.asks_less(f)]
            found.append(term)
    return found


def _expanded(formulas: Formulas, number: int, term: Term) -> list[tuple[tuple[int, ...], Term]]:
    """The alternatives of a formula: what must hold in this moment too, and the term so far with what it adds."""
    kind, left, right = formulas.nodes[number]
    match kind:
        case Kind.CONSTANT:
            return [] if number == FALSE else [((), term)]
        case Kind.LITERAL:
            bit = 1 << left
            if (term.negative if right else term.positive) & bit:
                return []
            if right:
                return [((), term._replace(positive=term.positive | bit))]
            return [((), term._replace(negative=term.negative | bit))]
        case Kind.AND:
            return [((left, right), term)]
        case Kind.OR:
            return [((left,), term), ((right,), term)]
        case Kind.UNTIL:
            later = term._replace(rest=term.rest | {number})
            return [((left,), later), ((right,), term)]
        case Kind.RELEASE:
            return [((right,), term._replace(rest=term.rest | {number})), ((left, right), term)]
