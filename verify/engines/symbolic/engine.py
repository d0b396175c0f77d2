"""The symbolic engine: safety for all values of the open parameters. Violations by unrolling, proofs by invariants."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import z3

from verify.base.budget import Budget, Progress
from verify.engines.claim import Claim, Fails, Fault, Faulty, Holds, Inductive, Unknown, Unrolled
from verify.engines.symbolic.bounded import Bounded, Found
from verify.engines.symbolic.cores import needed
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.horn import TURN, Portfolio, Solved
from verify.engines.symbolic.houdini import strengthen
from verify.engines.symbolic.invariants import ranked, stated
from verify.engines.symbolic.questions import Question
from verify.system.property import Form, Never, NeverLonger, Possible, Property, Within
from verify.system.serialise import digest
from verify.system.system import System

NAME = "symbolic"
SECONDS = 60.0  # for each property, if there is no limit
DEEPEST = 60  # moves that are unrolled
SLICE = 4.0  # seconds of unrolling before the provers are looked at
ALONE = 0.2  # of the time, before templates are tried
TEMPLATES = 0.6  # of the time that is left then
HELPED = 0.8  # of the time that is left after that, for the provers alone
RESERVED = 0.25  # of the time, for making a certificate of what is found last: fewer lemmas, and a rank
PREMISE = 10.0  # seconds, at most, for the question whether a premise ever happens


class SymbolicEngine:
    """For closed systems and open ones. Claims of proofs hold for all values that are assumed; traces name theirs."""

    name = NAME

    def check(self, system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
        """Answer each property as far as the budget allows; what time there is is shared evenly."""
        return list(self.answers(system, properties, budget))

    def answers(self, system: System, properties: Sequence[Property], budget: Budget) -> Iterator[Claim]:
        """As :meth:`check`, each answer as soon as it is known."""
        for number, asked in enumerate(properties):
            seconds = SECONDS
            if budget.limits.seconds is not None:
                seconds = max(0.0, budget.limits.seconds - budget.seconds()) / (len(properties) - number)
            yield self._claim(system, asked.form, time.monotonic() + seconds, budget)

    def _claim(self, system: System, form: Form, until: float, budget: Budget) -> Claim:
        if not isinstance(form, Never | NeverLonger | Within | Possible):
            return Claim(Unknown("the symbolic engine answers questions of safety only"))
        try:
            return _Search(system, form, until, budget).answer()
        except Unsupported as problem:
            return Claim(Unknown(f"the symbolic engine does not encode this: {problem}"))


class _Search:
    """One property, searched for a violation and a proof at once."""

    def __init__(self, system: System, form: Form, until: float, budget: Budget) -> None:
        self.system = system
        self.form = form
        self.end = until  # when a certificate has to be there
        self.until = until - RESERVED * (until - time.monotonic())  # when the search for one ends
        self.budget = budget
        self.question = Question(system, form)
        self.digest = digest(system)
        self.failed: Found | None = None
        self.reachable = False
        self.lemmas: tuple[Any, ...] = ()
        self.reasons: list[str] = []

    def answer(self) -> Claim:
        """Unrolling beside Spacer; after a while invariants from templates; then Spacer once more, which may use those."""
        goal, errors = Bounded(self.question), Bounded(self.question, failures=True)
        start = time.monotonic()
        with Portfolio(self.question) as alone:
            claim = self._side_by_side(alone, goal, errors, start + ALONE * (self.until - start))
            if claim is None and not self.reachable:
                claim = self._from_templates()
            if claim is None and not self.lemmas:
                claim = self._side_by_side(alone, goal, errors, self.until)
        self.reasons += alone.reasons
        if claim is None and self.lemmas:
            with Portfolio(self.question, lemmas=self.lemmas) as helped:
                claim = self._waiting(helped, time.monotonic() + HELPED * (self.until - time.monotonic()))
                if claim is None:
                    claim = self._side_by_side(helped, goal, errors, self.until)
            self.reasons += helped.reasons
        if claim is not None:
            return claim
        if self.failed is not None:
            evidence = Unrolled(NAME, errors.depth + 1, self.failed.values, self.digest)
            return Claim(Faulty(Fault.FAILURE, self.failed.trace, evidence))
        return Claim(Unknown(self._why(goal), depth=max(0, goal.depth)))

    def _from_templates(self) -> Claim | None:
        kept = strengthen(self.question, time.monotonic() + TEMPLATES * (self.until - time.monotonic()))
        if kept is None:
            self.reasons.append("templates: out of time")
            return None
        self.lemmas = kept.lemmas
        return self._stated(z3.BoolVal(val=True), "templates", kept.lemmas) if kept.suffices else None

    def _side_by_side(self, provers: Portfolio, goal: Bounded, errors: Bounded, until: float) -> Claim | None:
        while time.monotonic() < until:
            claim = self._looked(provers)
            if claim is not None:
                return claim
            found = self._unrolled(goal, errors)
            if found is not None:
                return self._found(found, goal.depth + 1)
            if goal.depth >= DEEPEST and (self.reachable or provers.spent):
                break
        return None

    def _waiting(self, provers: Portfolio, until: float) -> Claim | None:
        """For the provers alone: they need what the machine has."""
        while time.monotonic() < until and not provers.spent and not self.reachable:
            claim = self._looked(provers)
            if claim is not None:
                return claim
            time.sleep(TURN)
        return None

    def _looked(self, provers: Portfolio) -> Claim | None:
        solved = None if self.reachable else provers.look()
        return None if solved is None else self._proved(solved, provers.lemmas)

    def _unrolled(self, goal: Bounded, errors: Bounded) -> Found | None:
        """Go on unrolling for a while: the goal first, errors up to the same depth behind it."""
        until = min(self.until, time.monotonic() + SLICE)
        if goal.depth >= DEEPEST:
            time.sleep(TURN)
            return None
        found = goal.search(goal.depth + 1, until).found
        self.budget.spent(Progress(self.system.name, 0, 0, 0, max(0, goal.depth), self.budget.seconds()))
        if found is None and self.failed is None and errors.depth < goal.depth:
            self.failed = errors.search(goal.depth, until).found
        return found

    def _found(self, found: Found, depth: int) -> Claim:
        evidence = Unrolled(NAME, depth, found.values, self.digest)
        if isinstance(self.form, Possible):
            return Claim(Holds(evidence, found.trace))
        return Claim(Fails(found.trace, evidence))

    def _proved(self, solved: Solved, lemmas: Sequence[Any]) -> Claim | None:
        """The claim that an invariant makes; None if something is reachable, or if the invariant does not suffice."""
        if solved.reachable:
            self.reachable = True
            return None
        helped = " with lemmas from templates" if lemmas else ""
        return self._stated(solved.invariant, f"Spacer{helped}, {solved.setting}", lemmas)

    def _stated(self, invariant: Any, method: str, given: Sequence[Any]) -> Claim | None:  # noqa: ANN401 - a Z3 term
        now = time.monotonic()
        lemmas = needed(self.question, given, invariant, now + (self.end - now) / 2)
        if lemmas is None:
            self.reasons.append(f"{method}: the invariant that it gave could not be confirmed")
            return None
        if lemmas:
            invariant = z3.And(invariant, *lemmas)
        rank = ranked(self.question, invariant, self.end)
        if rank.rank is None:
            return Claim(Unknown(f"an invariant was found; that time can always pass was not shown: {rank.why}"))
        evidence = Inductive(NAME, stated(self.question, invariant), rank.rank, method, self.digest)
        if isinstance(self.form, Possible):
            return Claim(Fails(None, evidence))
        seen, notes = self._premise()
        return Claim(Holds(evidence, None, seen), notes)

    def _premise(self) -> tuple[bool | None, tuple[str, ...]]:
        premise = self.form.premise if isinstance(self.form, Never) else None
        if isinstance(self.form, Within):
            premise = self.form.trigger
        if premise is None:
            return None, ()
        search = Bounded(Question(self.system, Possible(premise)))
        if search.search(DEEPEST, min(self.end, time.monotonic() + PREMISE)).found is not None:
            return True, ()
        return None, (f"no run of up to {max(0, search.depth)} moves was found in which the premise happens",)

    def _why(self, goal: Bounded) -> str:
        looked = f"no violation up to {max(0, goal.depth)} moves (delays count as one)"
        if self.reachable:
            return f"{looked}; but there is one, or an error, further on"
        return f"{looked}; no proof: {'; '.join(dict.fromkeys(self.reasons)) or 'out of time'}"
