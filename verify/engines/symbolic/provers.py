"""Spacer beside an unrolling, about a question whose rigid numbers are derived parameters: with what axioms, in which turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from verify.engines.symbolic.derived import Extended
from verify.engines.symbolic.horn import SETTINGS, Portfolio, Setting, Solved
from verify.engines.symbolic.questions import Question

ALONE = 8.0  # seconds after which more than one prover is asked
AHEAD = 1.0  # seconds that they have before the unrolling goes on, and then
SHARE = 3.0  # times as long as it


class Provers:
    """Spacer, first with axioms that only bound the derived parameters; after a while with all, and other settings beside."""

    def __init__(self, question: Question, layout: Extended, lemmas: Sequence[Any] = (), workers: int = 1) -> None:
        """``lemmas``: an inductive invariant that is known; ``workers``: processes, at first, for each kind of axioms."""
        self.question = question
        self.layout = layout
        self.lemmas = lemmas
        self.workers = workers
        self.exact = layout.axioms
        self.reasons: list[str] = []
        self.rough: Portfolio | None = None
        self.full: Portfolio | None = None
        self.since = self.before = 0.0

    @property
    def running(self) -> bool:
        """Whether an answer may still come."""
        return self.rough is not None or self.full is not None

    def first(self, unrolled: float) -> bool:
        """Whether they should have what the machine has; ``unrolled``: the seconds that went into the unrolling so far."""
        return time.monotonic() - self.since < AHEAD + (SHARE + 1) * (unrolled - self.before)

    def begin(self, unrolled: float) -> None:
        """Ask for a proof of what the layout's premises leave."""
        self.end()
        self.since, self.before = time.monotonic(), unrolled
        if self.layout.derived:
            self.rough = self._begun(self.layout.fewer, SETTINGS[: self.workers])
        else:
            self.full = self._begun(self.exact, SETTINGS)

    def _begun(self, axioms: list[Any], settings: tuple[Setting, ...]) -> Portfolio:
        self.layout.axioms = axioms
        made = Portfolio(self.question, self.workers, settings, self.lemmas)
        try:
            made.look()  # the question is written down now, and for good
        except BaseException:
            made.__exit__()
            raise
        finally:
            self.layout.axioms = self.exact
        return made

    def end(self) -> None:
        """Ask no more."""
        for portfolio in (self.rough, self.full):
            if portfolio is not None:
                self._leave(portfolio)
        self.rough = self.full = None

    def _leave(self, portfolio: Portfolio) -> None:
        portfolio.__exit__()  # its processes and its files
        self.reasons += portfolio.reasons

    def look(self) -> Solved | None:
        """An invariant, or that there are more bad values, once that is known."""
        if self.full is not None:
            solved = self.full.look()
            if solved is not None:
                return solved
            if time.monotonic() > self.since + 3 * ALONE:
                self.full.workers = 2
            if self.full.spent:
                self._leave(self.full)
                self.full = None
        if self.rough is not None:
            solved = self.rough.look()
            if solved is not None and not solved.reachable:
                return solved
            if solved is not None or self.rough.spent:
                self._leave(self.rough)
                self.rough = None
            if self.full is None and (self.rough is None or time.monotonic() > self.since + 2 * ALONE):
                self.full = self._begun(self.exact, SETTINGS)
        return None
