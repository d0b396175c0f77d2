"""The native engine: search once, answer every property on what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from verify.base.budget import Budget
from verify.engines.claim import Claim, Exhausted, Fails, Faulty, Holds, Unknown, cut_short
from verify.engines.explicit.health import Health
from verify.engines.native.graph import Whole
from verify.engines.native.health import Unconfirmed, examine
from verify.engines.native.liveness import LivenessForm, violating
from verify.engines.native.orbits import NoSuchStep
from verify.engines.native.questions import Questions, gathered
from verify.engines.native.safety import Watch, overdue, reach, seen
from verify.engines.native.space import Jumped, Space, SpentError
from verify.engines.native.values import Unsupported
from verify.passes.reductions import IDLE_JUMPS
from verify.passes.symmetry import Symmetry
from verify.semantics.satisfaction import ticks_of
from verify.system.expression import negation
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    Form,
    LeadsTo,
    Ltl,
    Never,
    NeverLonger,
    Possible,
    Property,
    Until,
    Within,
    premise_of,
)
from verify.system.serialise import digest
from verify.system.system import System
from verify.trace.trace import Trace

__all__ = ["NativeEngine", "Unconfirmed", "Unsupported"]
Answer = Holds | Fails | Unknown | Faulty
NO_MEMORY = "no more memory"



class NativeEngine:
    """Breadth-first search in machine code: the same states, transitions and verdicts as the explicit engine."""

    name = "native"

    def __init__(
        self,
        threads: int = 1,
        symmetries: Sequence[Symmetry] = (),
        *,
        fingerprints: bool = False,
        jumps: bool = False,
        lanes: int | None = None,
    ) -> None:
        """``threads`` search side by side; more than one may find another of several shortest traces each time.

        ``symmetries``: a group, of the system with all that is asked, without the one that moves nothing; ``fingerprints``,
        ``jumps``, ``lanes``: as :class:`Space` has them. What needs a trace is searched again without jumps, so that it is a
        shortest one.
        """
        self.threads = threads
        self.symmetries = symmetries
        self.fingerprints = fingerprints
        self.jumps = jumps
        self.lanes = lanes

    def check(self, system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
        """Answer each property of a closed system.

        Unsupported if it holds what is not translated, Unconfirmed if the interpreter has to decide: see :mod:`health`.
        """
        claims = self._searched(system, properties, budget, jumps=self.jumps)
        again = iter(self._searched(system, [p for p, c in zip(properties, claims, strict=True) if c is None], budget))
        whole = [next(again) if c is None else c for c in claims]
        return [c for c in whole if c is not None]

    def _searched(
        self, system: System, properties: Sequence[Property], budget: Budget, *, jumps: bool = False
    ) -> list[Claim | None]:
        """The claims; None for those that have to be asked for again, without jumps."""
        claims: list[Claim | None] = []
        while len(claims) < len(properties):
            questions, count = gathered([p.form for p in properties[len(claims) :]])
            how = (self.threads, self.symmetries)
            asks = (questions.predicates, questions.events)
            asked = properties[len(claims) : len(claims) + count]
            endless = any(isinstance(p.form, LivenessForm) for p in asked)
            space = Space(system, *asks, *how, fingerprints=self.fingerprints, jumps=jumps, lanes=self.lanes, endless=endless)
            space.search(budget, questions.wanted, questions.on_arrival)
            claims += self._claims(space, asked, questions, budget)
        return claims

    def _claims(self, space: Space, asked: Sequence[Property], questions: Questions, budget: Budget) -> list[Claim | None]:
        made = (IDLE_JUMPS,) if space.jumps else ()
        evidence = Exhausted(self.name, space.states, space.transitions, space.depth, digest(space.system), made)
        whole = Whole(space, budget)
        try:
            health, spent = examine(space, budget, whole if space.endless else None), ""
        except SpentError as problem:
            health, spent = Health(None), str(problem)
        except MemoryError:
            health, spent = Health(None), NO_MEMORY
        except Jumped:
            whole.release()
            return [None] * len(asked)
        notes = (*health.notes, *space.remarks)
        try:
            answers = [self._answer(p.form, whole, health, spent, evidence, questions) for p in asked]
            return [None if answer is None else Claim(_real(answer, space), notes) for answer in answers]
        except NoSuchStep:
            raise Unconfirmed from None
        finally:
            whole.release()

    def _answer(  # noqa: PLR0913 - what an answer depends on
        self,
        form: Form,
        whole: Whole,
        health: Health,
        spent: str,
        evidence: Exhausted,
        questions: Questions,
    ) -> Answer | None:
        space = whole.space
        numbers = (evidence.states, evidence.transitions, evidence.depth)
        try:
            found = _found(form, whole, questions)
        except Jumped:
            return None
        except SpentError as problem:
            found, spent = None, str(problem)
        except MemoryError:
            found, spent = None, NO_MEMORY
        if found is not None:
            return Holds(evidence, found) if isinstance(form, Possible) else Fails(found, evidence)
        if health.fault is not None:
            return Faulty(health.fault[0], health.fault[1], evidence)
        if space.incomplete:
            return cut_short(space.incomplete, evidence, endless=isinstance(form, LivenessForm))
        if spent:
            return Unknown(f"all states were found; looking at them: {spent}", *numbers)
        if isinstance(form, Possible):
            return Fails(None, evidence)
        return Holds(evidence, None, _premise_seen(form, space, questions))


def _real(answer: Answer, space: Space) -> Answer:
    """An answer whose trace is one of the system, not of its orbits."""
    match answer:
        case Holds(_, Trace() as witness):
            return replace(answer, witness=space.real(witness))
        case (Fails(Trace() as trace) | Faulty(_, trace)) as failing:
            return replace(failing, trace=space.real(trace))
        case _:
            return answer


def _found(form: Form, whole: Whole, questions: Questions) -> Trace | None:
    """A violation; of ``possible``, a witness."""
    space = whole.space
    match form:
        case Never(bad):
            return reach(space, bad, questions.bit(bad))
        case Possible(good):
            return reach(space, good, questions.bit(good))
        case NeverLonger(bad, bound):
            ends = negation(bad)
            watch = Watch(bad, ends, ticks_of(bound), questions.bit(bad), questions.bit(ends))
            return _overdue(whole, watch)
        case Within(trigger, response, bound):
            starts = 0 if trigger is None else questions.bit(trigger)
            return _overdue(whole, Watch(trigger, response, ticks_of(bound), starts, questions.bit(response)))
        case Eventually() | EventuallyAlways() | AlwaysEventually() | LeadsTo() | Until() | Ltl():
            return violating(whole, form, questions)
        case _:
            assert_never(form)


def _overdue(whole: Whole, watch: Watch) -> Trace | None:
    whole.release()  # an observer needs memory, and no edges
    return overdue(whole.space, watch, whole.budget)


def _premise_seen(form: Form, space: Space, questions: Questions) -> bool | None:
    premise = premise_of(form)
    return None if premise is None else seen(space, premise, questions.bit(premise))
