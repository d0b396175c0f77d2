"""Reductions against the run without them: verdicts, counts, and traces judged on the original system."""

import dataclasses
import importlib.util
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Claim, Fails, Faulty, Holds, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import judge
from verify.passes.reductions import ALL, DEAD_VARIABLES, NARROWING, reduced
from verify.system.property import Property
from verify.system.serialise import digest
from verify.system.statement import Choose, Either
from verify.system.system import StepKind
from verify.system.wellformed import faults, nodes
from verify.trace.trace import Trace

ROOT = Path(__file__).resolve().parents[2]


def _sibling(name):
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "semantics" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


RANDOM = _sibling("random_systems")
SMALL = Limits(states=400)


def lifted(claim, small):
    """The claim about the original system."""

    def back(trace):
        return None if trace is None else Trace(*small.lifted(trace.choices, trace.loop))

    answer = claim.answer
    if isinstance(answer, Unknown):
        return claim
    evidence = dataclasses.replace(answer.evidence, digest=digest(small.original))
    match answer:
        case Holds(_, witness):
            answer = dataclasses.replace(answer, evidence=evidence, witness=back(witness))
        case Fails(_, _) | Faulty(_, _, _):
            answer = dataclasses.replace(answer, evidence=evidence, trace=back(answer.trace))
    return Claim(answer, claim.notes)


def rulings(system, properties, on, engine, limits):
    """Of the properties, judged on the original system; and the reduced system."""
    small = reduced(system, properties, on)
    assert faults(small.system) == []
    claims = engine.check(small.system, small.properties, Budget(limits))
    return [judge(system, p, lifted(c, small)) for p, c in zip(properties, claims, strict=True)], small


def numbers(ruling):
    return ruling.states, ruling.transitions, ruling.depth


def choosy(system):
    """Whether atomic reactions choose: then not every state is brought into its reduced form."""
    bodies = [s.body for s in system.steps if s.kind is StepKind.REACTION]
    return system.atomic and any(isinstance(x, Choose | Either) for x in nodes(tuple(bodies)))


def compare(system, properties, on, plain, limits=SMALL):
    """How the run with reductions differs from the one without."""
    found, small = rulings(system, properties, on, ExplicitEngine(), limits)
    for before, after, asked in zip(plain, found, properties, strict=True):
        assert (after.verdict, after.vacuous) == (before.verdict, before.vacuous), asked
        finite = after.run is not None and after.run.trace.loop is None
        if before.run is not None and before.run.trace.loop is None:
            assert finite, asked
            assert after.run.steps == before.run.steps, asked
        if on <= {NARROWING}:
            assert numbers(after) == numbers(before), asked
            assert after.notes == before.notes
        else:
            if not choosy(system):
                assert all(a <= b for a, b in zip(numbers(after), numbers(before), strict=True)), asked
            assert bool(after.notes) == bool(before.notes)
    return small, found


def sample(start, count, forms=4):
    for seed in range(start, start + count):
        system, m = RANDOM.random_system(RANDOM.Seeded(random.Random(seed)))
        properties = [Property(f"p{i}", RANDOM.random_form(m)) for i in range(forms)]
        claims = ExplicitEngine().check(system, properties, Budget(SMALL))
        plain = [judge(system, p, c) for p, c in zip(properties, claims, strict=True)]
        if all(r.verdict is not Verdict.UNDECIDED for r in plain):
            yield seed, system, properties, plain


def changed(on, start, count):
    """Compare on random systems; how many were changed, and how many states went away, by verdict."""
    seen = Counter()
    for seed, system, properties, plain in sample(start, count):
        try:
            small, found = compare(system, properties, on, plain)
        except AssertionError as problem:
            problem.add_note(f"seed {seed}")
            raise
        seen.update(small.names)
        seen["fewer"] += plain[0].states > found[0].states
        seen["loops"] += sum(r.run is not None and r.run.trace.loop is not None for r in found)
        seen.update(r.verdict for r in found)
    return seen


def test_narrowing_keeps_every_number_on_random_systems():
    seen = changed(frozenset((NARROWING,)), 0, 250)
    assert seen[NARROWING] > 100
    assert min(seen[Verdict.PROVED], seen[Verdict.VIOLATED], seen[Verdict.INVALID]) > 20
    assert seen["fewer"] == 0


def test_dead_variables_keep_verdicts_and_lengths_on_random_systems():
    seen = changed(frozenset((DEAD_VARIABLES,)), 1000, 250)
    assert seen[DEAD_VARIABLES] > 20
    assert seen["fewer"] > 5


def test_all_together_on_random_systems():
    seen = changed(ALL, 2000, 250)
    assert seen["fewer"] > 5
    assert seen["loops"] > 10
