"""SPIN confirms: the states and transitions of exported systems, and what it says of their properties."""

import random
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.semantics.random_systems import Seeded, random_form, random_system, sized_system
from verify import api
from verify.base.budget import Budget, Limits
from verify.engines.claim import Fails, Holds
from verify.engines.explicit.engine import ExplicitEngine
from verify.export.paths import NotExported
from verify.export.promela import promela
from verify.system.domain import Range
from verify.system.expression import FALSE, Constant, Read, equal
from verify.system.property import Never, NeverLonger, Possible, Property, Within
from verify.system.statement import Assign
from verify.system.system import Step, StepKind, System, Variable

ROOT = Path(__file__).resolve().parents[2]
spin = pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="SPIN is not installed")


def run(text, folder, *, check=False):
    """SPIN's states and transitions (ours: without the initial state), and whether an assertion fails."""
    (folder / "m.pml").write_text(text, encoding="utf-8")
    made = subprocess.run(
        ["spin", "-a", "-o2", *(["-DCHECK"] if check else []), "m.pml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    subprocess.run(["gcc", "-O0", "-DSAFETY", "-DNOREDUCE", "-w", "-o", "pan", "pan.c"], cwd=folder, check=True)
    told = subprocess.run(
        ["./pan", "-m1000000", "-n", "-E"], cwd=folder, capture_output=True, text=True, check=False
    ).stdout
    stored, matched, errors = (
        int(re.findall(p, told)[0]) for p in (r"(\d+) states, stored", r"(\d+) states, matched", r"errors: (\d+)")
    )
    return stored, stored + matched - 1, errors > 0


FORMS = (Never, Possible, NeverLonger, Within)


def compared(seed, folder):
    """Compare SPIN with the interpreter about a random system; None if it has errors, is large, or has no counterpart."""
    generator = random.Random(f"promela {seed}")
    system, made = sized_system(generator) if seed % 2 else random_system(Seeded(generator))
    forms = [Never(FALSE), *(random_form(made, kind) for kind in FORMS)]
    claims = ExplicitEngine().check(system, [Property("p", f) for f in forms], Budget(Limits(states=3_000)))
    if not isinstance(claims[0].answer, Holds):
        return None
    evidence = claims[0].answer.evidence
    try:
        found = run(promela(system, None, "0"), folder)
    except NotExported:
        return None
    assert found == (evidence.states, evidence.transitions, False)
    for form, claim in list(zip(forms, claims, strict=True))[1:]:
        seen = isinstance(claim.answer, Holds) if isinstance(form, Possible) else isinstance(claim.answer, Fails)
        assert run(promela(system, Property("p", form), "0"), folder, check=True)[2] == seen, form
    return system


@spin
def test_a_variable_that_nothing_reads(tmp_path):
    # without -o2, SPIN's elimination of dead variables leaves it out of the states: 2 states instead of 4
    flip, flop = (
        Step(
            f"to {to}",
            StepKind.ENVIRONMENT,
            equal(Read(0), Constant(1 - to)),
            (Assign(0, Constant(to)), Assign(1, Constant(last))),
        )
        for to, last in ((1, 1), (0, 1))
    )
    forget = Step("forget", StepKind.ENVIRONMENT, equal(Read(0), Constant(1)), (Assign(1, Constant(0)),))
    variables = (Variable("read", Range(0, 1), 0), Variable("unread", Range(0, 1), 0))
    system = System("small", 1, variables=variables, steps=(flip, flop, forget))
    (claim,) = ExplicitEngine().check(system, [Property("p", Never(FALSE))], Budget(Limits()))
    evidence = claim.answer.evidence
    assert run(promela(system, None, "0"), tmp_path) == (evidence.states, evidence.transitions, False)
    assert evidence.states == 4


@spin
def test_random_systems(tmp_path):
    assert sum(compared(seed, tmp_path) is not None for seed in range(30)) >= 4


@spin
@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 500, 100))
def test_many_random_systems(start, tmp_path):
    assert sum(compared(seed, tmp_path) is not None for seed in range(start, start + 100)) >= 15


@spin
@pytest.mark.parametrize("path", ["specs/vrrp/pair.spec", "specs/lacp/passive.spec"])
def test_shipped_scenarios(path, tmp_path):
    spec = api.load(ROOT / path)
    for task in spec.tasks[:4]:
        results = api.check(replace(spec, tasks=(task,)))
        safe = [r for r in results if isinstance(r.check.property.form, FORMS)]
        expected = (results[0].ruling.states, results[0].ruling.transitions, False)
        assert run(api.export(spec, task.scenario), tmp_path) == expected
        for result in safe[:2]:
            seen = (result.verdict.value == "violated") != isinstance(result.check.property.form, Possible)
            text = api.export(spec, task.scenario, result.check.property.name)
            assert run(text, tmp_path, check=True)[2] == seen, result.check.property.name
