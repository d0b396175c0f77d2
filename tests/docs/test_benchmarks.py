"""The page of benchmarks is made from the results, and the models that are measured are the reference models."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.test_tla import JAR, tlc
from verify import api

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


def module(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


PAGE, CASES = module("page"), module("cases").CASES
RESULTS = [
    json.loads(line)
    for p in sorted((BENCHMARKS / "results").glob("*.jsonl"))
    for line in p.read_text("utf-8").splitlines()
]


def test_the_page_is_what_the_results_give():
    assert PAGE.PAGE.read_text(encoding="utf-8") == PAGE.page(PAGE.latest())


def test_a_result_that_misses_what_is_asked_is_told_so(tmp_path):
    records = [r for r in RESULTS if r["kind"] != "run"]
    for tool, seconds in (("spin", 11.0), ("verify", 1.0)):
        run = {"kind": "run", "case": "vrrp-m", "round": 0, "tool": tool, "what": "search", "threads": 1}
        records.append(run | {"seconds": seconds, "states": 1, "transitions": 1, "bits": 50, "words": 1})
    records = [r | {"avx512": False} if r["kind"] == "machine" else r for r in records]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    told = PAGE.page(PAGE.Results(tmp_path / "a.jsonl"))
    assert "| VRRP-tick M, search, one thread | at least 20 times | 11.0 | skipped: this CPU has no AVX-512 |" in told
    assert "| VRRP-tick M, one state at a time | at least 12 times | 11.0 | **no** |" in told
    assert "| LACP-tick, two links, one LACPDU lost (3 words) | at least 10 times | - | not measured |" in told


def test_one_and_eight_states_at_a_time_are_compared_where_they_were_measured(tmp_path):
    records = [r for r in RESULTS if r["kind"] != "run"]
    for tool, what, seconds in (("spin", "search", 14.0), ("verify", "search, 1 at a time", 1.0), ("verify", "search, 8 at a time", 0.5)):
        run = {"kind": "run", "case": "vrrp-m", "round": 0, "tool": tool, "what": what, "threads": 1}
        records.append(run | {"seconds": seconds, "states": 1, "transitions": 1, "bits": 50, "words": 1})
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    told = PAGE.page(PAGE.Results(tmp_path / "a.jsonl"))
    assert "| VRRP-tick M, one state at a time | at least 12 times | 14.0 | yes |" in told
    assert "| VRRP-tick M | 1 | 1.00 s | 500 ms | 2.00 |" in told


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_results_have_the_counts_of_the_reference_model(case):
    runs = [r for r in RESULTS if r.get("case") == case.name and r["kind"] == "run"]
    assert {r["tool"] for r in runs} >= {"verify"}
    assert {(r["states"], r["transitions"]) for r in runs} == {(case.states, case.transitions)}


def test_the_model_that_is_measured_is_that_of_the_corpus():
    corpus = (ROOT / "tests/corpus/vrrp_tick.spec").read_text(encoding="utf-8")
    measured = (BENCHMARKS / "vrrp_tick.spec").read_text(encoding="utf-8")
    assert corpus.partition("\nscenario")[0] == measured.partition("\nscenario")[0]
    assert len(api.load(BENCHMARKS / "lacp_tick.spec").tasks) == 2


def searched(case, threads):
    command = [sys.executable, BENCHMARKS / "searching.py", case.spec, case.scenario, str(threads)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["vrrp-s", "lacp-1"])
def test_a_small_one_is_measured(name):
    case = next(c for c in CASES if c.name == name)
    found = searched(case, 1)
    assert (found["states"], found["transitions"]) == (case.states, case.transitions)
    assert found["seconds"] > 0
    assert found["tables_bytes"] >= 8 * found["words"] * found["states"]


@pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="SPIN is not installed")
def test_spin_is_measured_beside_it(tmp_path):
    command = [
        sys.executable,
        BENCHMARKS / "run.py",
        "--only",
        "vrrp-s",
        "--rounds",
        "1",
        "--out",
        tmp_path,
        "--name",
        "one",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    told = PAGE.page(PAGE.Results(tmp_path / "one.jsonl"))
    assert "| VRRP-tick S | 13,058 | 55,860 | " in told


@tlc
@pytest.mark.slow
def test_tlc_is_measured_beside_it(tmp_path):
    command = [sys.executable, BENCHMARKS / "run.py", "--only", "vrrp-s", "--rounds", "1", "--tlc", JAR, "--out", tmp_path, "--name", "one"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    assert PAGE.Results(tmp_path / "one.jsonl").over_tlc("vrrp-s", "cold, safety, new model") > 1
