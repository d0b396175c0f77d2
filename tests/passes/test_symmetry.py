"""Symmetry against the run without it: verdicts, lengths, orbits counted one by one, and traces judged on the original system."""

import importlib.util
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.explicit.graph import explore
from verify.engines.native import orbits as orbits_module
from verify.engines.native.engine import NativeEngine, Unconfirmed, Unsupported
from verify.engines.native.expansion import Notes
from verify.engines.native.layout import layout_of
from verify.engines.native.orbits import Orbits
from verify.judge.judge import Convicted, judge
from verify.passes import normal
from verify.passes.normal import Reader, Renaming
from verify.passes.reductions import ALL, SYMMETRY, reduced
from verify.passes.symmetry import MOST, symmetries_of
from verify.run.choosing import Engine, How, claims
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Boolean, Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Local, Occurred, Operator, Read
from verify.system.property import Eventually, Ltl, LtlApply, LtlAtom, Never, Property
from verify.system.statement import Assign, If, Occur, Send
from verify.system.system import Event, Fairness, Field, Lane, Message, Step, StepKind, System, Take, Taking, Variable

ROOT = Path(__file__).resolve().parents[2]
ONLY = frozenset((SYMMETRY,))


def _sibling(name):
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "semantics" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


RANDOM = _sibling("random_systems")
LIMITS = Limits(states=12_000)


def random_formula(m):
    """A formula of linear temporal logic over one or two predicates."""
    p, q = (LtlAtom(m.truth(1, (), events=True)) for _ in range(2))
    one = LtlApply(m.pick(["until", "release"]), (p, q))
    again = LtlApply("always", (LtlApply("eventually", (p,)),))
    return m.pick([one, again, LtlApply("implies", (again, LtlApply("eventually", (q,))))])


def case(seed, forms=3):
    """A system and what is asked of it."""
    system, m = RANDOM.twin_system(RANDOM.Seeded(random.Random(seed)))
    asked = [RANDOM.random_form(m) for _ in range(forms)]
    if m.chance(30):
        asked[-1] = Ltl(random_formula(m))
    return system, [Property(f"p{i}", form) for i, form in enumerate(asked)]


def rulings(system, properties, on, limits=LIMITS, threads=1):
    """Of the properties, judged on the system."""
    found = claims(system, properties, Budget(limits), How(Engine.NATIVE, threads, on))
    if any(isinstance(c.answer, Unknown) for c in found):
        return None
    return [judge(system, p, c) for p, c in zip(properties, found, strict=True)]


def differences(plain, found, *, exact):
    """Where a run with symmetry disagrees with the one without; ``exact``: lengths of finite traces are equal."""
    told = []
    for at, (before, after) in enumerate(zip(plain, found, strict=True)):
        if (before.verdict, before.vacuous, bool(before.notes)) != (after.verdict, after.vacuous, bool(after.notes)):
            told.append(f"p{at}: {before.verdict} {before.notes}, then {after.verdict} {after.notes}")
        if before.states < after.states or before.transitions < after.transitions or before.depth < after.depth:
            told.append(f"p{at}: more states")
        runs = [r.run for r in (before, after)]
        if exact and None not in runs and runs[0].trace.loop is None and runs[0].steps != runs[1].steps:
            told.append(f"p{at}: {runs[0].steps} steps, then {runs[1].steps}")
    return told


def compare(seeds, on=ONLY, forms=3):
    """Compare on random systems; what was seen."""
    seen = Counter()
    for seed in seeds:
        system, properties = case(seed, forms)
        if on == ONLY and not symmetries_of(system, properties):
            seen["none"] += 1
            continue
        plain = rulings(system, properties, frozenset())
        if plain is None or plain[0].states >= LIMITS.states:
            seen["large"] += 1
            continue
        found = rulings(system, properties, on)
        assert found is not None, seed
        assert differences(plain, found, exact=on == ONLY) == [], seed
        seen["compared"] += 1
        seen["names"] += any(v != w for x in symmetries_of(system, properties) for held in x.values.values() for v, w in held.items())
        seen["fewer"] += found[0].states < plain[0].states
        seen["atomic"] += system.atomic
        seen.update(r.verdict for r in found)
        seen["loops"] += sum(r.run is not None and r.run.trace.loop is not None for r in found)
        seen["longer loops"] += sum(
            r.run is not None and r.run.trace.loop is not None and r.run.steps > p.run.steps for r, p in zip(found, plain, strict=True)
        )
    return seen


def test_symmetry_keeps_verdicts_and_lengths_on_random_systems():
    seen = compare(range(150))
    assert seen["fewer"] > 40
    assert min(seen[Verdict.PROVED], seen[Verdict.VIOLATED], seen[Verdict.INVALID]) > 10
    assert seen["loops"] > 5
