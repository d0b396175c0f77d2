"""The small shipped scenarios, cross-checked: each verdict is given by two engines that share no code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from verify import api

ROOT = Path(__file__).resolve().parents[2]
PINS = json.loads(Path(__file__).with_name("pins.json").read_text(encoding="utf-8"))
SPECS = [p for p in sorted(PINS) if "topology" not in p]
FEW, SMALL = 1_000, 50_000  # states


def scenarios(path, most):
    """Those of whose states all checks have seen some, and no more than so many."""
    states = {}
    for name, pinned in PINS[path].items():
        states.setdefault(name.partition(".")[0], []).append(pinned[1])
    return {name for name, seen in states.items() if 0 < min(seen) <= max(seen) <= most}


def cross_checked(path, wanted):
    spec = api.load(ROOT / path)
    chosen = replace(spec, tasks=tuple(t for t in spec.tasks if t.scenario in wanted))
    return api.check(chosen, how=api.How(cross_check=True), workers=api.default_workers())


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.removeprefix("specs/"))
def test_a_small_scenario_of_each_spec(path):
    wanted = sorted(scenarios(path, FEW))[:1]
    if not wanted:
        pytest.skip("it has no scenario that is so small")
    results = cross_checked(path, wanted)
    assert results
    assert all(r.as_expected() and len(r.ruling.agreed) > 1 for r in results)


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.removeprefix("specs/"))
def test_every_small_scenario(path):
    results = cross_checked(path, scenarios(path, SMALL))
    assert all(r.as_expected() and len(r.ruling.agreed) > 1 for r in results)
