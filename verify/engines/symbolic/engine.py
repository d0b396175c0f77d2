"""The symbolic engine: safety for all values of the open parameters. Violations by unrolling, proofs by invariants."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import z3

from verify.base.budget import Budget, Progress
from verify.engines.claim import Claim, Fails, Fault, Faulty, Holds, Inductive, Unknown, Unrolled
from verify.engines.symbolic.bounded import Bounded, Found
from verify.engines.symbolic.cores import inductive_after, needed
from verify.engines.symbolic.derived import linear, replaced
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.horn import TURN, Solved
from verify.engines.symbolic.houdini import strengthen
from verify.engines.symbolic.invariants import from_words, stated
from verify.engines.symbolic.provers import Provers
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.ranks import Ranked, ranked
from verify.engines.symbolic.sharpened import sharpened
from verify.engines.symbolic.terms import lifted
from verify.passes.equal_parameters import unified
from verify.passes.parts import parts_of
from verify.passes.projection import Part
from verify.system.property import Form, Never, NeverLonger, Possible, Property, Within
from verify.system.serialise import digest
from verify.system.system import System

NAME = "symbolic"
SECONDS = 60.0  # for each property, if there is no limit
DEEPEST = 60  # moves that are unrolled
SLICE = 4.0  # seconds of unrolling before the provers are looked at
ALONE = 0.2  # of the time, before templates are tried
OPEN = 0.6  # of it, if parameters are open, or for a part: there the provers are good
AHEAD = 6  # moves that are unrolled before provers come first
TEMPLATES = 0.6  # of the time that is left then
PARTS = 0.8  # of the time, for parts of the question
SEVERAL = 0.3  # of the time that is left, for induction over several moves
MOST_STEPS = 6
INDUCTION = 0.1  # of the time, for the property as its own invariant
AXIOMS = 0.1  # of the time, at most, for axioms
WAITING = 0.6  # of the time that is left after that, for provers with lemmas alone
RESERVED = 0.25  # of the time, for making a certificate of what is found last: fewer lemmas, and a rank
PREMISE = 10.0  # seconds, at most, for the question whether a premise ever happens


Known = dict[tuple[System, Form], Inductive]  # proofs of parts, which several properties may need


class SymbolicEngine:
    """For closed systems and open ones. Claims of proofs hold for all values that are assumed; traces name theirs."""

    name = NAME

    def check(self, system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
        """Answer each property as far as the budget allows; what time there is is shared evenly."""
        return list(self.answers(system, properties, budget))

    def answers(self, system: System, properties: Sequence[Property], budget: Budget) -> Iterator[Claim]:
        """As :meth:`check`, each answer as soon as it is known."""
        known: Known = {}
        for number, asked in enumerate(properties):
            seconds = SECONDS
            if budget.limits.seconds is not None:
                seconds = max(0.0, budget.limits.seconds - budget.seconds()) / (len(properties) - number)
            yield self._claim(system, asked.form, time.monotonic() + seconds, budget, known)

    def _claim(self, system: System, form: Form, until: float, budget: Budget, known: Known) -> Claim:
        if not isinstance(form, Never | NeverLonger | Within | Possible):
            return Claim(Unknown("the symbolic engine answers questions of safety only"))
        try:
            return _Search(system, form, until, budget, known).answer()
        except Unsupported as problem:
            return Claim(Unknown(f"the symbolic engine does not encode this: {problem}"))


class _Search:
    """One property, searched for a violation and a proof at once."""

    def __init__(self, system: System, form: Form, until: float, budget: Budget, known: Known | None) -> None:
        """``known``: proofs of parts. None: this is a part of a greater question, and only an invariant is wanted."""
        self.known: Known = {} if known is None else known
        self.part = known is None
        self.system = system
        self.form = form
        self.end = until  # when a certificate has to be there
        reserved = 0.0 if self.part else RESERVED
        self.until = until - reserved * (until - time.monotonic())  # when the search for one ends
        self.provers_first = self.part or bool(system.parameters)
        self.budget = budget
        self.one = unified(system, form)
        self.proved = Question(*self.one, stepwise=True)
        self.proving, self.layout = linear(self.proved, time.monotonic() + AXIOMS * (self.until - time.monotonic()))
        self.digest = digest(system)
        self.reasons: list[str] = []
        self.unrolling: tuple[Bounded, Bounded] | None = None
        self.unrollable = True
        self.slice = SLICE
        self.failed: Found | None = None
        self.reachable = False
        self.lemmas: tuple[Any, ...] = ()

    def _begun(self) -> tuple[Bounded, Bounded] | None:
        """The unrollings for the goal, and for errors; None if the system is too large for them."""
        if self.unrolling is None and self.unrollable:
            try:
                question = Question(self.system, self.form) if self.proved.layout.stepwise else self.proved
                self.unrolling = Bounded(question), Bounded(question, failures=True)
            except Unsupported as problem:
                self.reasons.append(f"not unrolled: {problem}")
                self.unrollable = False
        return self.unrolling

    @property
    def depth(self) -> int:
        """How many moves were looked at; -1 for none."""
        return -1 if self.unrolling is None else self.unrolling[0].depth

    def answer(self) -> Claim:
        """Unrolling beside Spacer; after a while invariants from templates; then Spacer with those; at last unrolling alone."""
        claim = self._at_once() or self._in_parts()
        if claim is not None:
            return claim
        start = time.monotonic()
        share = OPEN if self.provers_first else ALONE
        claim = self._beside(Provers(self.proving, self.layout), start + share * (self.until - start), templates=True)
        if claim is None and self.part and self.reachable:
            return Claim(Unknown(self._why()))
        if claim is None and self.lemmas and not self.reachable:
            claim = self._beside(Provers(self.proving, self.layout, self.lemmas, 2), self.until)
        if claim is None:
            claim = self._alone()
        if claim is not None:
            return claim
        if self.failed is not None:
            evidence = Unrolled(NAME, self.depth + 1, self.failed.values, self.digest)
            return Claim(Faulty(Fault.FAILURE, self.failed.trace, evidence))
        return Claim(Unknown(self._why(), depth=max(0, self.depth)))

    def _at_once(self) -> Claim | None:
        """The property is inductive on its own, or never holds of what the layout takes for granted."""
        safe = z3.Not(self.proving.goal)
        until = time.monotonic() + INDUCTION * (self.until - time.monotonic())
        first, layout = self.proving.initial, self.layout
        solver = z3.Solver()
        solver.set("timeout", max(1, int(1000 * (until - time.monotonic()))))
        goes = z3.substitute(self.proving.goal, list(zip(layout.constants, layout.flat(first.state), strict=True)))
        solver.add(*layout.premises(), z3.Or(lifted(first.fails), lifted(first.overruns), z3.And(lifted(first.arrives), goes)))
        if solver.check() != z3.unsat or needed(self.proving, (), safe, until) is None:
            return None
        return self._certified(safe, "induction")

    def _in_parts(self) -> Claim | None:
        """Proofs of parts of the question, as one."""
        if self.part:
            return None
        system, form = self.one
        split = parts_of(sharpened(system), form)
        if split is None:
            return None
        invariants, methods = [], []
        end = time.monotonic() + PARTS * (self.until - time.monotonic())
        for number, ways in enumerate(split.questions):
            now = time.monotonic()
            found = self._part(ways, now + (end - now) / 2, self.known)
            if found is None:
                self.reasons.append(f"part {number + 1} of {len(split.questions)}: no proof")
                return None
            part, evidence = found
            invariants.append(part.in_words_of_the_whole(evidence.invariant))
            methods.append(evidence.method)
        without = Question(split.without, form)
        told = f"(and {' '.join(invariants)} {stated(without, z3.BoolVal(val=True))})"
        invariant = replaced(from_words(self.proved.layout, told), self.layout.pairs)
        if needed(self.proving, (), invariant, self.until) is None:
            self.reasons.append(f"{len(methods)} parts: together they could not be confirmed")
            return None
        rank = ranked(self.proving, invariant, self.end)
        if rank.rank is None:
            self.reasons.append(f"{len(methods)} parts: {rank.why}")
            return None
        return self._claimed(Inductive(NAME, told, rank.rank, f"in {len(methods)} parts: {'; '.join(methods)}", self.digest))

    def _part(self, ways: Sequence[Part], until: float, known: Known) -> tuple[Part, Inductive] | None:
        """A proof of a part, asked in the first way in which there is one."""
        for number, part in enumerate(ways):
            asked = part.system, part.form
            if asked not in known:
                end = time.monotonic() + (until - time.monotonic()) / (len(ways) - number)
                evidence = getattr(_Search(*asked, end, self.budget, None).answer().answer, "evidence", None)
                if not isinstance(evidence, Inductive) or evidence.steps > 1:
                    continue
                known[asked] = evidence
            return part, known[asked]
        return None

    def _beside(self, provers: Provers, until: float, *, templates: bool = False) -> Claim | None:
        """Provers, and unrolling in turns with them; ``templates``: after that, while the provers go on."""
        provers.begin(0.0)
        try:
            claim = self._turns(provers, until)
            if claim is None and templates and not self.reachable and not self.proved.layout.stepwise:
                claim = self._from_templates()
            if claim is None and templates and not self.lemmas:
                claim = self._turns(provers, self.until)
        finally:
            provers.end()
        self.reasons += provers.reasons
        return claim

    def _from_templates(self) -> Claim | None:
        kept = strengthen(self.proving, time.monotonic() + TEMPLATES * (self.until - time.monotonic()))
        if kept is None:
            self.reasons.append("templates: out of time")
            return None
        self.lemmas = kept.lemmas
        if kept.suffices:
            return self._stated(z3.BoolVal(val=True), "templates", kept.lemmas)
        return self._after_some_moves()

    def _after_some_moves(self) -> Claim | None:
        """The property is inductive over a few moves, with the lemmas."""
        now = time.monotonic()
        until = now + SEVERAL * (self.end - now)
        steps = inductive_after(self.proving, self.lemmas, until, MOST_STEPS)
        if steps is None:
            return None
        unrolling = self._begun()
        if unrolling is None:
            return None
        first = unrolling[0].search(steps, until)
        if first.found is not None:
            return self._found(first.found)
        if first.depth < steps:
            return None
        if steps == 1:
            safe = z3.Not(self.proving.goal)
            lemmas = needed(self.proving, self.lemmas, safe, self.until)
            return None if lemmas is None else self._certified(z3.And(safe, *lemmas), "induction with lemmas from templates")
        lemmas = needed(self.proving, self.lemmas, z3.BoolVal(val=True), self.until, steps)
        if lemmas is None:
            return None
        whole = z3.And(*lemmas) if lemmas else z3.BoolVal(val=True)
        return self._certified(whole, f"{steps}-induction with lemmas from templates", steps)

    def _turns(self, provers: Provers, until: float) -> Claim | None:
        waiting = time.monotonic() + (WAITING * (until - time.monotonic()) if provers.lemmas else 0.0)
        while time.monotonic() < until:
            solved = provers.look()
            if solved is not None and not solved.reachable:
                claim = self._proved(solved, provers.lemmas)
                if claim is not None:
                    return claim
            elif solved is not None:
                self.reachable = self.layout.complete and not self.proved.layout.stepwise
                provers.end()
                if self.part:
                    return None
            ahead = self.provers_first and self.depth > AHEAD
            if provers.running and (ahead or time.monotonic() < waiting):
                time.sleep(TURN)  # they need what the machine has
                continue
            found = self._unrolled(until)
            if found is not None:
                return self._found(found)
            if not provers.running:
                break
        return None

    def _alone(self) -> Claim | None:
        """The rest of the time for the unrolling."""
        while self.unrollable and time.monotonic() < self.end and self.depth < DEEPEST:
            self.slice = self.end - time.monotonic()
            found = self._unrolled(self.end)
            if found is not None:
                return self._found(found)
        return None

    def _unrolled(self, end: float) -> Found | None:
        """Go on unrolling for a while: the goal first, errors up to the same depth behind it."""
        unrolling = self._begun() if self.depth < DEEPEST else None
        if unrolling is None:
            time.sleep(TURN)
            return None
        goal, errors = unrolling
        before, until = goal.depth, min(end, time.monotonic() + self.slice)
        found = goal.search(goal.depth + 1, until).found
        self.budget.spent(Progress(self.system.name, 0, 0, 0, max(0, goal.depth), self.budget.seconds()))
        if found is None and goal.depth == before:
            self.slice *= 2  # what was begun is begun anew
        if found is None and self.failed is None and errors.depth < goal.depth:
            self.failed = errors.search(goal.depth, until).found
        return found

    def _found(self, found: Found) -> Claim:
        evidence = Unrolled(NAME, self.depth + 1, found.values, self.digest)
        if isinstance(self.form, Possible):
            return Claim(Holds(evidence, found.trace))
        return Claim(Fails(found.trace, evidence))

    def _proved(self, solved: Solved, lemmas: Sequence[Any]) -> Claim | None:
        """The claim that an invariant makes; None if it does not suffice."""
        helped = " with lemmas from templates" if lemmas else ""
        return self._stated(solved.invariant, f"Spacer{helped}, {solved.setting}", lemmas)

    def _stated(self, invariant: Any, method: str, given: Sequence[Any]) -> Claim | None:  # noqa: ANN401 - a Z3 term
        now = time.monotonic()
        lemmas = needed(self.proving, given, invariant, now + (self.end - now) / 2)
        if lemmas is None:
            self.reasons.append(f"{method}: the invariant that it gave could not be confirmed")
            return None
        return self._certified(z3.And(invariant, *lemmas) if lemmas else invariant, method)

    def _certified(self, invariant: Any, method: str, steps: int = 1) -> Claim:  # noqa: ANN401 - a Z3 term
        """The claim that an inductive invariant makes, if there is a rank as well."""
        rank = Ranked("0") if self.part else ranked(self.proving, invariant, self.end)
        if rank.rank is None:
            return Claim(Unknown(f"an invariant was found; that time can always pass was not shown: {rank.why}"))
        told = stated(self.proved, self.layout.meant(invariant))
        return self._claimed(Inductive(NAME, told, rank.rank, method, self.digest, steps))

    def _claimed(self, evidence: Inductive) -> Claim:
        """The claim of a proof."""
        if isinstance(self.form, Possible):
            return Claim(Fails(None, evidence))
        if self.part:  # of it, only the evidence is asked for
            return Claim(Holds(evidence))
        seen, notes = self._premise()
        return Claim(Holds(evidence, None, seen), notes)

    def _premise(self) -> tuple[bool | None, tuple[str, ...]]:
        premise = self.form.premise if isinstance(self.form, Never) else None
        if isinstance(self.form, Within):
            premise = self.form.trigger
        if premise is None:
            return None, ()
        try:
            search = Bounded(Question(self.system, Possible(premise)))
        except Unsupported:
            return None, ("whether the premise ever happens was not looked at",)
        if search.search(DEEPEST, min(self.end, time.monotonic() + PREMISE)).found is not None:
            return True, ()
        return None, (f"no run of up to {max(0, search.depth)} moves was found in which the premise happens",)

    def _why(self) -> str:
        looked = f"no violation up to {max(0, self.depth)} moves (delays count as one)"
        if self.reachable:
            return f"{looked}; but there is one, or an error, further on"
        return f"{looked}; no proof: {'; '.join(dict.fromkeys(self.reasons)) or 'out of time'}"
