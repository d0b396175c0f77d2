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
from verify.engines.symbolic.terms import either, lifted


def needed(question: Question, lemmas: Sequence[Any], invariant: Any, until: float) -> list[Any] | None:  # noqa: ANN401
    """Lemmas enough for ``invariant`` to be inductive relative to them, to exclude what is to be excluded, and for themselves.

    All of them, if there is no time to find fewer; None if all of them are not known to be enough.
    """
    search = _Cores(question, lemmas, invariant, until)
    try:
        wanted = search.first()
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

    def support(self, wanted: set[int]) -> set[int]:
        """For the induction of these lemmas."""
        found: set[int] = set()
        for arrives, pairs in self.moves:
            after = [z3.substitute(self.lemmas[i], pairs) for i in wanted]
            found |= self.core([arrives, z3.Not(z3.And(*after))])
        return found

    def core(self, asserted: list[Any]) -> set[int]:
        """Which lemmas make this unsatisfiable."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        solver = z3.Solver()
        solver.set("timeout", max(1, int(1000 * left)))
        solver.add(*self.known, *asserted)
        if solver.check(*self.flags) != z3.unsat:
            raise TimeoutError
        return {self.number[str(f)] for f in solver.unsat_core()}
