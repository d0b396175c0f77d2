"""Which engine answers: the interpreter's where it is done before a compiler would be, machine code for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum

from verify.base.budget import Budget
from verify.base.record import record
from verify.engines.claim import Claim, Evidence, Exhausted, Fails, Faulty, Holds, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.explicit.graph import explore
from verify.passes.reductions import ALL, DEAD_MESSAGES, IDLE_JUMPS, NARROWING, Reduced, reduced
from verify.run.beside import Beside, wait
from verify.semantics.interpreter import Interpreter
from verify.system.property import Property
from verify.system.serialise import digest
from verify.system.system import System
from verify.trace.trace import Trace

SMALL = 2_000  # states that the interpreter explores in the time that compiling takes
LARGE = 2_000_000  # states after which all reductions are worth their time
EXACT = frozenset((NARROWING,))  # reductions that change no count


class Engine(Enum):
    """What a user can ask for."""

    AUTO = "auto"
    EXPLICIT = "explicit"
    NATIVE = "native"
    ZONES = "zones"
    SYMBOLIC = "symbolic"


@record
class How:
    """How to search.

    ``threads``, ``reductions`` (None: the exact one, and all where a search is large) and ``fingerprints`` are the native
    engine's. With fingerprints it proves nothing of what does not fit into a word. ``cross_check``: verdicts count only if two
    engines give them.
    """

    engine: Engine = Engine.AUTO
    threads: int = 1
    reductions: frozenset[str] | None = None
    fingerprints: bool = False
    cross_check: bool = False


def claims(system: System, properties: Sequence[Property], budget: Budget, how: How) -> list[Claim]:
    """Answers to the properties of a closed system, in their order; of an open one, if the symbolic engine is asked."""
    match how.engine:
        case Engine.EXPLICIT:
            return ExplicitEngine().check(system, properties, budget)
        case Engine.NATIVE:
            found = _native(system, properties, budget, how)
            if isinstance(found, str):
                return [Claim(Unknown(f"the native engine does not translate this: {found}")) for _ in properties]
            return found
        case Engine.ZONES:
            return list(zoned(system, properties, budget))
        case Engine.SYMBOLIC:
            return symbolic_claims(system, properties, budget)
        case Engine.AUTO:
            return _quickest(system, properties, budget, how)


def symbolic_claims(system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
    """Answers to the properties of a system with open parameters, or of a closed one, by solvers in a process of their own."""
    left = budget.limits.seconds
    limits = replace(budget.limits, seconds=None if left is None else max(0.0, left - budget.seconds()))
    with Beside("symbolic", solved, system, properties, limits) as engine:
        wait([engine], budget.report)
        missing = len(properties) - len(engine.partial)
        return [*engine.partial, *(Claim(Unknown(engine.problem)) for _ in range(missing))]


def solved(system: System, properties: Sequence[Property], budget: Budget) -> Iterator[Claim]:
    """The solvers' answers, here, each as soon as it is known. What hangs in a solver hangs here."""
    from verify.engines.symbolic.engine import SymbolicEngine  # noqa: PLC0415 - Z3 takes a while to load

    return SymbolicEngine().answers(system, properties, budget)


def zoned(system: System, properties: Sequence[Property], budget: Budget) -> Iterator[Claim]:
    """The answers of the search of zones, here."""
    from verify.engines.zones.engine import ZoneEngine  # noqa: PLC0415 - what is not needed often

    return iter(ZoneEngine().check(system, properties, budget))


def few_values(system: System, most: int) -> list[tuple[int, ...]]:
    """At most so many values of the open parameters that the assumptions allow."""
    from verify.engines.symbolic.corners import corners  # noqa: PLC0415 - Z3 takes a while to load

    return corners(system, most)


def _quickest(system: System, properties: Sequence[Property], budget: Budget, how: How) -> list[Claim]:
    limits = budget.limits
    if limits.states is None or limits.states > SMALL:
        graph = explore(Interpreter(system), replace(budget, limits=replace(limits, states=SMALL)))
        if not graph.incomplete:
            return ExplicitEngine().claims(graph, properties)
        found = _native(system, properties, budget, how)
        if not isinstance(found, str):
            return found
    return ExplicitEngine().check(system, properties, budget)


def _native(system: System, properties: Sequence[Property], budget: Budget, how: How) -> list[Claim] | str:
    """Claims of the native engine; why not, if it does not translate the system."""
    from verify.engines.native.engine import Unconfirmed, Unsupported  # noqa: PLC0415 - LLVM takes a while to load

    try:
        return _searched(system, properties, budget, how)
    except (Unsupported, Unconfirmed) as problem:
        return str(problem)


def _searched(system: System, properties: Sequence[Property], budget: Budget, how: How) -> list[Claim]:
    if how.reductions is not None:
        return _reduced(system, properties, budget, how, how.reductions)
    if budget.keeping is not None:  # one search, so that what is kept is of use
        return _reduced(system, properties, budget, how, ALL)
    most = budget.limits.states
    if most is not None and most <= LARGE:
        return _reduced(system, properties, budget, how, EXACT)
    first = replace(budget, limits=replace(budget.limits, states=LARGE))
    answers = _reduced(system, properties, first, how, EXACT)
    if not any(isinstance(a.answer, Unknown) and a.answer.states >= LARGE for a in answers):
        return answers
    if how.engine is not Engine.AUTO:
        return _reduced(system, properties, budget, how, ALL)
    from verify.run.racing import Runner, race  # noqa: PLC0415 - what a short search does not need

    others = [Runner("symbolic", solved), Runner("zones", zoned, exhausts=True)]
    return race(system, properties, budget, lambda given: _reduced(system, properties, given, how, ALL), others)


def _reduced(
    system: System, properties: Sequence[Property], budget: Budget, how: How, on: frozenset[str]
) -> list[Claim]:
    """Claims about a system, found on a smaller one."""
    from verify.engines.native.engine import NativeEngine  # noqa: PLC0415 - LLVM takes a while to load

    small = reduced(system, properties, on)
    engine = NativeEngine(how.threads, small.symmetries, fingerprints=how.fingerprints, jumps=IDLE_JUMPS in on)
    answers = engine.check(small.system, small.properties, budget)
    if small.time_must_pass and any(c.notes and not isinstance(c.answer, Fails) for c in answers):
        return _reduced(system, properties, budget, how, on - {DEAD_MESSAGES})
    return [replace(c, answer=_lifted(c.answer, small, digest(system))) for c in answers]


Answer = Holds | Fails | Unknown | Faulty


def _lifted(answer: Answer, small: Reduced, original: str) -> Answer:
    """An answer about the reduced system as one about the original."""

    def about(found: Evidence) -> Evidence:
        if not isinstance(found, Exhausted):
            return found
        return replace(found, digest=original, reductions=(*small.names, *found.reductions))

    def lifted(found: Trace) -> Trace:
        return Trace(*small.lifted(found.choices, found.loop))

    match answer:
        case Holds(evidence, witness):
            return replace(answer, evidence=about(evidence), witness=None if witness is None else lifted(witness))
        case Fails(trace, evidence):
            return replace(answer, evidence=about(evidence), trace=None if trace is None else lifted(trace))
        case Faulty(_, trace, evidence):
            return replace(answer, evidence=about(evidence), trace=lifted(trace))
        case Unknown():
            return answer
