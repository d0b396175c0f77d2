"""A portfolio: while a search is long, the solvers work beside it, in a process of their own. Whoever is first answers.

Claims are judged later, like any; here is only decided whose claim that is. If both end, they have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Self

from verify.base.budget import Budget
from verify.engines.claim import Claim, Exhausted, Fails, Holds, Unknown
from verify.judge.judge import Convicted
from verify.run.beside import Answering, Beside
from verify.system.property import Property, Safety
from verify.system.system import System

PATIENCE = 5.0  # seconds of one search after the other before the solvers are asked
Searching = Callable[[Budget], list[Claim]]


class Runner(NamedTuple):
    """An engine that is asked beside a search. ``exhausts``: it proves from having seen everything; others have to show more."""

    name: str
    answering: Answering
    exhausts: bool = False


def race(
    system: System, asked: Sequence[Property], budget: Budget, searching: Searching, runners: Sequence[Runner]
) -> list[Claim]:
    """Claims of a search, or of engines that were asked beside it about each property of safety: whoever has one first.

    The search ends when each property has been answered. Convicted if two that both decide a property contradict each other.
    """
    safe = [i for i, p in enumerate(asked) if isinstance(p.form, Safety)]
    if not safe:
        return searching(budget)
    beside: list[Beside] = []
    try:
        left = budget.limits.seconds
        limits = replace(budget.limits, seconds=None if left is None else max(0.0, left - budget.seconds()))
        beside += [Beside(r.name, r.answering, system, [asked[i] for i in safe], limits) for r in runners]
        overtaken = partial(_overtaken, beside, everything=len(safe) == len(asked))
        found = searching(replace(budget, overtaken=overtaken))
        answered = [(r, b.claims) for r, b in zip(runners, beside, strict=True) if b.claims is not None]
    finally:
        for engine in beside:
            engine.kill()
    others = [dict(zip(safe, claims, strict=True)) for _, claims in answered]
    for runner, claims in answered:
        for i, claim in zip(safe, claims, strict=True):
            exhausted = isinstance(getattr(claim.answer, "evidence", None), Exhausted)
            if exhausted and not runner.exhausts and not isinstance(claim.answer, Fails):
                raise Convicted(f"the solvers claim '{asked[i].name}' without anything that can be checked")
    return [_first(p, [c, *(o[i] for o in others if i in o)]) for i, (p, c) in enumerate(zip(asked, found, strict=True))]


class Latecomer:
    """Solvers that are asked for all values of open parameters when trying them one by one has taken a while. A context."""

    def __init__(self, system: System, asked: Sequence[Property], budget: Budget, solver: Answering | None) -> None:
        """Nothing runs yet. ``solver`` None: nobody is to be asked."""
        self._question = system, asked, budget, solver
        self._safe = [i for i, p in enumerate(asked) if isinstance(p.form, Safety)]
        self._engine: Beside | None = None
        self._told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._engine is not None:
            self._engine.kill()

    def news(self) -> list[tuple[int, Claim]]:
        """The claims that decide something, with the numbers of their properties, once they are there."""
        system, asked, budget, solver = self._question
        if solver is None or not self._safe or self._told or budget.seconds() < PATIENCE:
            return []
        if self._engine is None:
            left = budget.limits.seconds
            limits = replace(budget.limits, seconds=None if left is None else max(0.0, left - budget.seconds()))
            self._engine = Beside("symbolic", solver, system, [asked[i] for i in self._safe], limits)
        self._told = self._engine.look()
        claims = zip(self._safe, self._engine.claims or (), strict=False)
        return [(i, claim) for i, claim in claims if not isinstance(claim.answer, Unknown)]


def _overtaken(beside: Sequence[Beside], *, everything: bool) -> str:
    """Why a search is not needed any more: somebody beside it has answered everything."""
    for engine in beside:
        engine.look()
    done = next((b for b in beside if b.claims is not None and not any(isinstance(c.answer, Unknown) for c in b.claims)), None)
    return f"the {done.name} engine was first" if done is not None and everything else ""


def _first(asked: Property, claims: Sequence[Claim]) -> Claim:
    """Of several claims about a property, the first that decides it; Convicted if they contradict each other."""
    decided = [c for c in claims if not isinstance(c.answer, Unknown)]
    if len({isinstance(c.answer, Holds) for c in decided}) > 1:
        raise Convicted(f"engines that ran side by side disagree about '{asked.name}': one proves what the other refutes")
    fails = [c for c in decided if isinstance(c.answer, Fails)]  # comes before an error that is found elsewhere
    return (fails or decided or claims)[0]
