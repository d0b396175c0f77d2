"""Bounded model checking: longer and longer runs, the shortest answer first.

A. Biere, A. Cimatti, E. Clarke, Y. Zhu, "Symbolic model checking without BDDs", TACAS 1999, doi:10.1007/3-540-49059-0_14. The
length counts moves; a delay, however long, is one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.relation import Relation
from verify.engines.symbolic.terms import lifted, subterms
from verify.semantics.interpreter import START, Choice
from verify.trace.trace import Trace


@record
class Found:
    """A run that answers: its choices, and the values of the open parameters. ``failed``: it ends in an error instead."""

    trace: Trace
    values: tuple[int, ...]
    failed: bool = False


@record
class Searched:
    """``found``, or nothing up to ``depth`` moves (-1: not even the first state was decided), and ``why`` it ended there."""

    found: Found | None
    depth: int
    why: str = ""


class Bounded:
    """A search that can be resumed: the solver keeps what it has learnt."""

    def __init__(self, question: Question, *, failures: bool = False) -> None:
        """Look for the goal of a question; with ``failures``, for runs that end in an error instead."""
        self.relation = Relation(question)
        self.failures = failures
        self.depth = -1
        self.solver = z3.SolverFor("QF_LIA") if _linear(question) else z3.Solver()
        self.solver.add(*self.relation.begin())

    def search(self, most: int, until: float) -> Searched:
        """Up to ``most`` moves or ``until`` (of time.monotonic) has come."""
        if self.failures and self.depth < 0:
            found = self._at_once(until)
            if found is not None:
                return Searched(found, self.depth)
        while self.depth < most:
            left = until - time.monotonic()
            if left <= 0:
                return Searched(None, self.depth, "time")
            k = self.depth + 1
            if k:
                self.solver.add(*self.relation.step(k - 1))
            answer = self._ask(k, until - time.monotonic())
            if answer == z3.sat:
                return Searched(self._found(k), self.depth)
            if answer != z3.unsat:
                return Searched(None, self.depth, "time" if until <= time.monotonic() else self.solver.reason_unknown())
            self.depth = k
        return Searched(None, self.depth, f"{most} moves")

    def _at_once(self, until: float) -> Found | None:
        """An error before the first state."""
        first, solver = self.relation.question.initial, z3.Solver()
        solver.set("timeout", max(1, int((until - time.monotonic()) * 1000)))
        solver.add(*self.relation.layout.premises(), lifted(first.fails))
        if solver.check() != z3.sat:
            return None
        model = solver.model()
        picks = [pick for met, pick in first.picks if z3.is_true(model.eval(lifted(met), model_completion=True))]
        made = tuple(model.eval(p, model_completion=True).as_long() for p in picks)
        return Found(Trace((Choice(START, -1, made),)), self.relation.parameters(model), failed=True)

    def _ask(self, k: int, left: float) -> Any:  # noqa: ANN401 - Z3's answer
        self.solver.set("timeout", max(1, int(left * 1000)))
        self.solver.push()
        target = self.relation.failing(k) if self.failures else self.relation.goal(k)
        self.solver.add(target)
        answer = self.solver.check()
        self.model = self.solver.model() if answer == z3.sat else None
        self.solver.pop()
        return answer

    def _found(self, k: int) -> Found:
        assert self.model is not None  # noqa: S101 - the solver has just given it
        trace = self.relation.trace(self.model, k, failing=self.failures)
        return Found(trace, self.relation.parameters(self.model), self.failures)


def _linear(question: Question) -> bool:
    """Whether no product of two open numbers stands in it: then a solver for linear arithmetic does."""
    terms = [t for m in question.moves for t in (*question.layout.flat(m.state), m.arrives)]
    return not _multiply(t for t in (*terms, *question.begin()) if not isinstance(t, bool))


def _multiply(roots: Iterable[Any]) -> bool:
    for term in subterms(*roots):
        arguments = term.children()
        if z3.is_app_of(term, z3.Z3_OP_MUL) and sum(1 for a in arguments if not z3.is_int_value(a)) > 1:
            return True
        if z3.is_app(term) and term.decl().kind() in (z3.Z3_OP_IDIV, z3.Z3_OP_MOD) and not z3.is_int_value(arguments[1]):
            return True
    return False
