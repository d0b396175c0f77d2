"""The shipped specs and the reference model: verdicts, state counts and lengths are pinned.

A changed count is a changed meaning.
"""

import json
from pathlib import Path

import pytest

from verify import api

ROOT = Path(__file__).resolve().parents[2]
PINS = json.loads(Path(__file__).with_name("pins.json").read_text(encoding="utf-8"))
SPECS = sorted((ROOT / "specs").rglob("*.spec"))


def measured(path, *, native=False):
    results = api.check(api.load(path), native=native)
    return {
        f"{r.scenario}.{r.check.property.name}": [
            r.verdict.value,
            r.ruling.states,
            r.ruling.transitions,
            r.ruling.run.steps if r.ruling.run else None,
        ]
        for r in results
    }, results


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_shipped_specs_give_their_pinned_numbers(path):
    found, results = measured(path)
    assert all(r.as_expected() for r in results)
    pinned = PINS[path.relative_to(ROOT).as_posix()]
    assert found == {name: row for name, row in pinned.items() if name in found}


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_what_waits_for_the_native_engine_holds_on_the_interpreter_too(path):
    found, results = measured(path, native=True)
    assert all(r.as_expected() for r in results)
    assert found == PINS[path.relative_to(ROOT).as_posix()]


def test_every_expectation_has_its_reason():
    for path in SPECS:
        for task in api.load(path).tasks:
            for check in task.checks:
                assert check.stated, (path, check.property.name)
                assert check.because, (path, check.property.name)


def test_vrrp_tick_has_the_counts_that_spin_and_tlc_give():
    results = api.check(api.load(Path(__file__).with_name("vrrp_tick.spec")))
    numbers = [(r.scenario, r.ruling.states, r.ruling.transitions, r.ruling.run.steps) for r in results]
    assert numbers == [("two", 410, 1050, 8), ("three", 13058, 55860, 8)]


def lacp_tick(*, native):
    results = api.check(api.load(Path(__file__).with_name("lacp_tick.spec")), native=native)
    return [(r.scenario, r.verdict.value, r.ruling.states, r.ruling.transitions) for r in results], results


def test_lacp_tick_has_the_counts_of_the_reference_model():
    assert lacp_tick(native=False)[0] == [("calm", "proved", 1323, 3751), ("lossy", "proved", 4209, 12633)]


@pytest.mark.slow
def test_lacp_tick_with_faults_has_the_counts_that_spin_gives():
    numbers, results = lacp_tick(native=True)
    assert numbers[2:] == [("faulty", "violated", 73562, 277160), ("both", "violated", 181235, 758388)]
    assert results[-1].ruling.run.steps == 32
