"""The shipped specs and the reference model: verdicts, state counts and lengths are pinned.

A changed count is a changed meaning.
"""

import json
from pathlib import Path

import pytest

from verify import api

ROOT = Path(__file__).resolve().parents[2]
PINS = json.loads(Path(__file__).with_name("pins.json").read_text(encoding="utf-8"))
EVERY = sorted((ROOT / "specs").rglob("*.spec"))
OPEN = [p for p in EVERY if p.stem.startswith("open_")]  # for more values than can be searched one by one
SPECS = [p for p in EVERY if p not in OPEN]


def length(run):
    """Steps of a shortest finite trace; a lasso is not pinned: which one is found is the engine's business."""
    return None if run is None else "for ever" if run.trace.loop is not None else run.steps


def measured(path, engine=api.Engine.AUTO):
    results = api.check(api.load(path), how=api.How(engine), everything=True)
    return {
        f"{r.scenario}.{r.check.property.name}": [
            r.verdict.value,
            r.ruling.states,
            r.ruling.transitions,
            length(r.ruling.run),
        ]
        for r in results
    }, results


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_shipped_specs_give_their_pinned_numbers(path):
    found, results = measured(path)
    assert all(r.as_expected() for r in results)
    assert found == PINS[path.relative_to(ROOT).as_posix()]


@pytest.mark.slow
@pytest.mark.parametrize("engine", [api.Engine.EXPLICIT, api.Engine.NATIVE], ids=lambda e: e.value)
@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_each_engine_alone_gives_the_pinned_numbers(path, engine):
    found, results = measured(path, engine)
    assert all(r.as_expected() for r in results)
    assert found == PINS[path.relative_to(ROOT).as_posix()]


@pytest.mark.parametrize(
    "path", [pytest.param(p, marks=() if p.stem in ("open_loss", "open_overlap") else pytest.mark.slow) for p in OPEN], ids=lambda p: p.stem
)
def test_open_specs_are_decided_for_all_values(path):
    results = api.check(api.load(path), limits=api.Limits(seconds=400), everything=True)
    assert all(r.as_expected() for r in results), [(r.scenario, r.check.property.name, r.ruling) for r in results]
    for r in results:
        if r.verdict is api.Verdict.PROVED:
            assert "for all values of the open parameters" in r.ruling.backing
        else:
            assert r.values
            assert r.ruling.run is not None


def test_every_proved_bound_of_open_specs_has_a_violated_neighbour():
    for path in OPEN:
        verdicts = {c.expected for t in api.load(path).tasks for c in t.checks}
        assert verdicts == {api.Verdict.PROVED, api.Verdict.VIOLATED}, path


def test_every_expectation_has_its_reason():
    for path in EVERY:
        for task in api.load(path).tasks:
            for check in task.checks:
                assert check.stated, (path, check.property.name)
                assert check.because, (path, check.property.name)


def test_vrrp_tick_has_the_counts_that_spin_and_tlc_give():
    results = api.check(api.load(Path(__file__).with_name("vrrp_tick.spec")))
    numbers = [(r.scenario, r.ruling.states, r.ruling.transitions, r.ruling.run.steps) for r in results]
    assert numbers == [("two", 410, 1050, 8), ("three", 13058, 55860, 8), ("four", 1109057, 8417927, 8)]


def test_lacp_tick_has_the_counts_of_the_reference_model_and_of_spin():
    results = api.check(api.load(Path(__file__).with_name("lacp_tick.spec")))
    assert [(r.scenario, r.verdict.value, r.ruling.states, r.ruling.transitions) for r in results] == [
        ("calm", "proved", 1323, 3751),
        ("lossy", "proved", 4209, 12633),
        ("faulty", "violated", 73562, 277160),
        ("both", "violated", 181235, 758388),
    ]
    assert results[-1].ruling.run.steps == 32
