"""Proofs by Horn clauses over the state relation: Spacer finds the invariant, in fresh processes with several settings.

K. Hoder and N. Bjørner, "Generalized property directed reachability", SAT 2012, doi:10.1007/978-3-642-31612-8_13. What comes
back is a candidate: only the certificate that is made of it, checked by :mod:`verify.certify`, is a proof.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import z3

from verify.base.record import record
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.spacer import RELATION
from verify.engines.symbolic.terms import either, lifted, subterms

TURN = 0.02  # seconds between two looks at the processes
ELIMINATION = 5000  # milliseconds


@record
class Setting:
    """``merged``: one clause for all moves instead of one for each; ``parameters`` of Z3."""

    name: str
    merged: bool
    parameters: tuple[str, ...]


LEANER = ("fp.spacer.simplify_pob", "true")  # obligations without what the others say already: often three times as fast
SETTINGS = (
    Setting("one clause, leaner obligations", merged=True, parameters=LEANER),
    Setting("one clause, older arithmetic", merged=True, parameters=(*LEANER, "smt.arith.solver", "2")),
    Setting("a clause for each step", merged=False, parameters=LEANER),
    Setting("one clause", merged=True, parameters=()),
    Setting("global guidance", merged=False, parameters=("fp.spacer.global", "true")),
    Setting("another seed", merged=False, parameters=("fp.spacer.random_seed", "7", "smt.random_seed", "7")),
)


@record
class Solved:
    """``invariant`` over the layout's constants and parameters; or ``reachable``, or neither, and ``why``."""

    invariant: Any = None
    reachable: bool = False
    why: str = ""
    setting: str = ""


def clauses(question: Question, *, merged: bool, lemmas: Sequence[Any] = ()) -> str:
    """The Horn clauses of a question, in SMT-LIB: satisfiable if neither the goal nor an error can be reached.

    ``lemmas``: an inductive invariant that is known already, over the layout's constants.
    """
    layout = question.layout
    words = [*layout.parameters, *layout.constants]
    relation = z3.Function(RELATION, *[w.sort() for w in words], z3.BoolSort())
    here = relation(*words)
    known = [lifted(t) for t in (*layout.premises(), *layout.shape(), *lemmas)]
    solver = z3.SolverFor("HORN")

    def rule(body: list[Any], head: Any, inputs: list[Any]) -> None:  # noqa: ANN401 - Z3 terms
        variables = [*words, *inputs]
        clause = z3.Implies(z3.And(*body), head)
        solver.add(z3.ForAll(variables, clause) if variables else clause)

    first = question.initial
    start = layout.flat(first.state)
    rule([*layout.premises(), lifted(first.arrives)], relation(*layout.parameters, *start), first.inputs)
    wrong = [(lifted(either(first.failed, first.beyond)), first.allowed, first.inputs)]
    rule([*layout.premises(), *[lifted(x) for x in wrong[0][:2]]], z3.BoolVal(val=False), first.inputs)
    after = [z3.Const(f"{w}_after", w.sort()) for w in layout.constants]
    every: list[Any] = []
    inputs: list[Any] = []
    for move in question.moves:
        flat = layout.flat(move.state)
        if merged:
            every.append(z3.And(lifted(move.arrives), *[a == t for a, t in zip(after, flat, strict=True)]))
            inputs += move.inputs
        else:
            rule([here, *known, lifted(move.arrives)], relation(*layout.parameters, *flat), move.inputs)
        bad = either(move.fails, move.overruns)
        if bad is not False:
            rule([here, *known, lifted(bad)], z3.BoolVal(val=False), move.inputs)
    if merged:
        rule([here, *known, z3.Or(*every)], relation(*layout.parameters, *after), [*after, *inputs])
    rule([here, *known, question.goal], z3.BoolVal(val=False), [])
    return str(solver.to_smt2()).replace("(check-sat)", "")


@dataclass(slots=True)
class _Attempt:
    setting: Setting
    process: subprocess.Popen[str]
    out: Any


class Portfolio:
    """Spacer with several settings, so many side by side. A context: on leaving it, whatever still runs is killed."""

    def __init__(
        self,
        question: Question,
        workers: int = 2,
        settings: tuple[Setting, ...] = SETTINGS,
        lemmas: Sequence[Any] = (),
    ) -> None:
        """Ask a question, given an inductive invariant; nothing runs yet."""
        self.question = question
        self.lemmas = lemmas
        self.workers = workers
        self.waiting = list(settings)
        self.running: list[_Attempt] = []
        self.reasons: list[str] = []
        self.texts: dict[bool, Path] = {}
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for attempt in self.running:
            attempt.process.kill()
            attempt.process.wait()
            attempt.out.close()
            self.reasons.append(f"{attempt.setting.name}: out of time")
        self.running = []
        self.folder.cleanup()

    @property
    def spent(self) -> bool:
        """Whether every setting has given up."""
        return not self.waiting and not self.running

    def look(self) -> Solved | None:
        """The answer, if there is one by now; begins what can begin."""
        for attempt in [a for a in self.running if a.process.poll() is not None]:
            self.running.remove(attempt)
            found = _answer(self.question, attempt)
            if found.invariant is not None or found.reachable:
                return found
            self.reasons.append(f"{attempt.setting.name}: {found.why}")
        while self.waiting and len(self.running) < self.workers:
            setting = self.waiting.pop(0)
            if setting.merged not in self.texts:
                path = Path(self.folder.name) / f"clauses{len(self.texts)}.smt2"
                path.write_text(clauses(self.question, merged=setting.merged, lemmas=self.lemmas), encoding="utf-8")
                self.texts[setting.merged] = path
            self.running.append(_begin(setting, self.texts[setting.merged]))
        return None


def solve(question: Question, until: float, workers: int = 2, settings: tuple[Setting, ...] = SETTINGS) -> Solved:
    """Ask Spacer with several settings, until ``until`` (of time.monotonic)."""
    with Portfolio(question, workers, settings) as portfolio:
        while time.monotonic() < until and not portfolio.spent:
            found = portfolio.look()
            if found is not None:
                return found
            time.sleep(TURN)
    return Solved(why="; ".join(portfolio.reasons) or "out of time")


def _begin(setting: Setting, text: Path) -> _Attempt:
    out = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed when its process has ended
    with text.open(encoding="utf-8") as clauses_:
        process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", "verify.engines.symbolic.spacer", *setting.parameters],
            stdin=clauses_,
            stdout=out,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    return _Attempt(setting, process, out)


def _answer(question: Question, attempt: _Attempt) -> Solved:
    attempt.out.seek(0)
    answer, _, solution = attempt.out.read().partition("\n")
    attempt.out.close()
    if answer == "unsat":
        return Solved(reachable=True, setting=attempt.setting.name)
    if answer != "sat":
        return Solved(why=answer or f"the process died ({attempt.process.returncode})")
    words = [*question.layout.parameters, *question.layout.constants]
    known = {f"x{i}": z3.Const(f"x{i}", w.sort()) for i, w in enumerate(words)}
    try:
        (formula,) = z3.parse_smt2_string(f"(assert {solution})", decls=known) or [z3.BoolVal(val=True)]
    except (z3.Z3Exception, ValueError) as problem:
        return Solved(why=f"its solution cannot be read: {problem}")
    formula = _without_quantifiers(formula)
    if formula is None:
        return Solved(why="its solution has quantifiers")
    pairs = [(known[f"x{i}"], w) for i, w in enumerate(words)]
    return Solved(z3.substitute(formula, pairs), setting=attempt.setting.name)


def _without_quantifiers(formula: Any) -> Any:  # noqa: ANN401 - a Z3 term
    """The formula with its quantifiers eliminated, None if that fails."""
    if not _quantified(formula):
        return formula
    try:
        plain = z3.TryFor(z3.Then("qe", "simplify"), ELIMINATION)(formula).as_expr()
    except z3.Z3Exception:
        return None
    return None if _quantified(plain) else plain


def _quantified(root: Any) -> bool:  # noqa: ANN401 - a Z3 term
    return any(map(z3.is_quantifier, subterms(root)))
