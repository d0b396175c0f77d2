"""Fewer lemmas: of many that are inductive together, those that a proof needs.

The inductive core: what the solver used for the property, then what it used for the induction of that, and so on. E. Ghassabani,
A. Gacek, M. W. Whalen, "Efficient generation of inductive validity cores", FSE 2016, doi:10.1145/2950290.2950346.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import z3

from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.relation import Relation
from verify.engines.symbolic.terms import either, lifted


def needed(
    question: Question,
    lemmas: Sequence[Any],
    invariant: Any,  # noqa: ANN401 - a Z3 term
    until: float,
    steps: int = 1,
) -> list[Any] | None:
    """Lemmas enough for ``invariant`` to be inductive relative to them, to exclude what is to be excluded, and for themselves.

    All of them, if there is no time to find fewer; None if all of them are not known to be enough. ``steps``: of an induction in
    which the lemmas exclude errors, and violations after so many states without one.
    """
    search = _Cores(question, lemmas, invariant, until)
    try:
        wanted = search.first() if steps == 1 else search.along(steps)
    except TimeoutError:
        return None
    try:
        done: set[int] = set()
        while wanted - done:
            fresh = wanted - done
            done |= fresh
            wanted |= search.support(fresh)
    except TimeoutError:
        return list(lemmas)
    return [lemmas[i] for i in sorted(wanted)]


def inductive_after(question: Question, lemmas: Sequence[Any], until: float, most: int) -> int | None:
    """The least number of moves after which no violation follows states that satisfy the lemmas and are none; None if unknown.

    k-induction: M. Sheeran, S. Singh, G. Stålmarck, "Checking safety properties using induction and a SAT-solver", FMCAD 2000,
    doi:10.1007/3-540-40922-X_8.
    """
    relation = Relation(question)
    known = [*question.layout.premises(), *map(lifted, question.layout.shape()), *lemmas]
    solver = z3.Solver()
    solver.add(*(relation.here(x, 0) for x in known))
    for k in range(1, most + 1):
        solver.add(z3.Not(relation.goal(k - 1)), *relation.step(k - 1), *(relation.here(x, k) for x in known))
        left = until - time.monotonic()
        if left <= 0:
            return None
        solver.set("timeout", max(1, int(1000 * left)))
        solver.push()
        solver.add(relation.goal(k))
        answer = solver.check()
        solver.pop()
        if answer == z3.unsat:
            return k
    return None


class _Cores:
    def __init__(self, question: Question, lemmas: Sequence[Any], invariant: Any, until: float) -> None:  # noqa: ANN401
        self.question = question
        self.lemmas = lemmas
        self.invariant = invariant
        self.until = until
        layout = question.layout
        self.flags = [z3.Bool(f"lemma{i}") for i in range(len(lemmas))]
        self.number = {str(f): i for i, f in enumerate(self.flags)}
        self.known = [*layout.premises(), *map(lifted, layout.shape()), invariant]
        self.known += [z3.Implies(f, x) for f, x in zip(self.flags, lemmas, strict=True)]
        self.moves = []
        for move in question.moves:
            flat = layout.flat(move.state)
            self.moves.append((lifted(move.arrives), list(zip(layout.constants, flat, strict=True))))

    def first(self) -> set[int]:
        """For the property, and for the invariant's own induction."""
        wrong = [self.question.goal, *(lifted(either(m.fails, m.overruns)) for m in self.question.moves)]
        found = set().union(*(self.core([w]) for w in wrong))
        for arrives, pairs in self.moves:
            found |= self.core([arrives, z3.Not(z3.substitute(self.invariant, pairs))])
        return found

    def along(self, steps: int) -> set[int]:
        """For a property that is inductive over so many moves, and against errors."""
        wrong = [lifted(either(m.fails, m.overruns)) for m in self.question.moves]
        found = set().union(*(self.core([w]) for w in wrong))
        relation = Relation(self.question)
        path = [relation.here(x, k) for k in range(steps + 1) for x in self.known]
        for k in range(steps):
            path += [*relation.step(k), z3.Not(relation.goal(k))]
        return found | self.unsatisfiable([*path, relation.goal(steps)])

    def support(self, wanted: set[int]) -> set[int]:
        """For the induction of these lemmas."""
        found: set[int] = set()
        for arrives, pairs in self.moves:
            after = [z3.substitute(self.lemmas[i], pairs) for i in wanted]
            found |= self.core([arrives, z3.Not(z3.And(*after))])
        return found

    def core(self, asserted: list[Any]) -> set[int]:
        """Which lemmas make this unsatisfiable of a state."""
        return self.unsatisfiable([*self.known, *asserted])

    def unsatisfiable(self, asserted: list[Any]) -> set[int]:
        """Which of the flags of lemmas make this unsatisfiable."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        solver = z3.Solver()
        solver.set("timeout", max(1, int(1000 * left)))
        solver.add(*asserted)
        if solver.check(*self.flags) != z3.unsat:
            raise TimeoutError
        return {self.number[str(f)] for f in solver.unsat_core()}
