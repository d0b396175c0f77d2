"""Cross-checking: a verdict counts only if two engines that share no code give it.

The interpreter's search, machine code and the solvers are read from the same system and from nothing else of each other; the
search of zones runs the interpreter's steps, so that it counts beside the other two only. All of them are judged; then
verdicts are compared, the numbers of states and transitions of proofs by exhaustion, and the lengths of shortest traces.
Whoever disagrees has a bug, and which of them is not known: it is told as an engine's conviction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from verify.base.budget import Budget, Limits
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.engines.claim import Claim, Exhausted, Unknown
from verify.judge.judge import Convicted, Ruling, judge
from verify.run.beside import Answering, Beside, wait
from verify.run.choosing import EXACT, Engine, How, claims, solved, zoned
from verify.system.property import Property, Safety
from verify.system.system import System

INTERPRETER = "the reference interpreter"  # which the search of zones runs its steps on


@record
class Witness:
    """An engine that is asked: its name, and the function that answers. ``basis``: what others stand on as well ("": nothing)."""

    name: str
    answering: Answering
    basis: str = ""


def witnesses(how: How) -> tuple[tuple[Witness, ...], tuple[Witness, ...]]:
    """The engines that are asked at once, and those that are asked where these do not agree on an answer."""

    def by(engine: Engine, basis: str = "") -> Witness:
        return Witness(engine.value, partial(_answer, replace(how, engine=engine, reductions=how.reductions or EXACT)), basis)

    first = by(Engine.EXPLICIT, INTERPRETER), by(Engine.NATIVE)
    return first, (Witness(Engine.ZONES.value, zoned, INTERPRETER), Witness(Engine.SYMBOLIC.value, solved))


def _answer(how: How, system: System, asked: Sequence[Property], budget: Budget) -> list[Claim]:
    return claims(system, asked, budget, how)


@record
class _Opinion:
    name: str
    claim: Claim
    ruling: Ruling
    basis: str

    @property
    def decided(self) -> bool:
        return self.ruling.verdict is not Verdict.UNDECIDED


def cross_checked(
    system: System,
    asked: Sequence[Property],
    budget: Budget,
    first: Sequence[Witness],
    then: Sequence[Witness],
) -> list[Ruling]:
    """The verdicts on which two engines agree; UNDECIDED, and what each said, where no two decide. Convicted if two disagree.

    ``first`` have half of the time that is left, side by side; ``then`` the rest, where they are needed.
    """
    opinions: list[list[_Opinion]] = [[] for _ in asked]
    open_ = list(range(len(asked)))
    for engines, share in ((first, 0.5 if then else 1.0), (then, 1.0)):
        if not open_ or not engines:
            continue
        questions = [asked[i] for i in open_]
        limits = _part(budget, share)
        running: list[Beside] = []
        try:
            running += [Beside(w.name, w.answering, system, questions, limits) for w in engines]
            wait(running, budget.report)
        finally:
            for engine in running:
                engine.kill()
        for who, engine in zip(engines, running, strict=True):
            answers = engine.claims or [Claim(Unknown(engine.problem)) for _ in questions]
            for i, claim in zip(open_, answers, strict=True):
                opinions[i].append(_Opinion(who.name, claim, judge(system, asked[i], claim), who.basis or who.name))
        open_ = [i for i in open_ if not _enough([o for o in opinions[i] if o.decided])]
    return [_agreed(p, told) for p, told in zip(asked, opinions, strict=True)]


def _enough(decided: Sequence[_Opinion]) -> bool:
    """Whether two of them stand on nothing in common."""
    return len({o.basis for o in decided}) > 1


def _part(budget: Budget, share: float) -> Limits:
    left = budget.limits.seconds
    return budget.limits if left is None else replace(budget.limits, seconds=max(1.0, share * (left - budget.seconds())))


def _agreed(asked: Property, told: Sequence[_Opinion]) -> Ruling:
    decided = [o for o in told if o.decided]
    if len(decided) == 2 and {o.ruling.verdict for o in decided} == {Verdict.VIOLATED, Verdict.INVALID} and _solved(decided):
        decided = []  # both are so: an error here, a violation there
    for other in decided[1:]:
        difference = _difference(asked, decided[0], other)
        if difference:
            raise Convicted(f"{decided[0].name} and {other.name} disagree about '{asked.name}': {difference}")
    if _enough(decided):
        names = tuple(o.name for o in decided)
        base = next((o for o in decided if o.ruling.states), decided[0]).ruling
        return replace(base, agreed=names, backing=f"{base.backing}; agreed: {', '.join(names)}")
    said = "; ".join(f"{o.name}: {_said(o)}" for o in told)
    return replace(told[0].ruling, verdict=Verdict.UNDECIDED, backing=f"no two engines decide: {said}", run=None, proof=None)


def _solved(opinions: Sequence[_Opinion]) -> bool:
    """Whether a solver is among them, which stops at the first trace that it finds."""
    return any(not isinstance(getattr(o.claim.answer, "evidence", None), Exhausted) for o in opinions)


def _said(opinion: _Opinion) -> str:
    return str(opinion.ruling.verdict) if opinion.decided else opinion.ruling.backing


def _difference(asked: Property, a: _Opinion, b: _Opinion) -> str:
    if a.ruling.verdict is not b.ruling.verdict:
        return f"{a.ruling.verdict} ({a.ruling.backing}), {b.ruling.verdict} ({b.ruling.backing})"
    one, other = _exhausted(a), _exhausted(b)
    if one is None or other is None:
        return ""
    if a.ruling.verdict is Verdict.PROVED and a.ruling.run is None and _counts(one) != _counts(other):
        return f"{_counts(one)} and {_counts(other)} states, transitions and levels"
    if a.ruling.run is not None and b.ruling.run is not None and isinstance(asked.form, Safety):
        lengths = a.ruling.run.steps, b.ruling.run.steps
        if a.ruling.verdict is not Verdict.INVALID and lengths[0] != lengths[1]:
            return f"traces of {lengths[0]} and of {lengths[1]} steps, and both were to be shortest"
    return ""


def _exhausted(opinion: _Opinion) -> Exhausted | None:
    """Its evidence, if all states were counted as they are."""
    evidence = getattr(opinion.claim.answer, "evidence", None)
    return evidence if isinstance(evidence, Exhausted) and set(evidence.reductions) <= EXACT else None


def _counts(evidence: Exhausted) -> tuple[int, int, int]:
    return evidence.states, evidence.transitions, evidence.depth
