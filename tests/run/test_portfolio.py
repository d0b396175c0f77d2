"""Engines beside each other: who hangs, dies or lies is told, convicted, and never waited for."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.run import doubles
from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.cli.main import main
from verify.engines.claim import Claim, Fails, Holds, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import Convicted
from verify.run import checking, racing
from verify.run.agreement import Witness, cross_checked, witnesses
from verify.run.beside import Beside, wait
from verify.run.choosing import How, solved
from verify.run.racing import Runner, race

ROOT = Path(__file__).resolve().parents[2]

SPEC = """
machine Lamp {
    variable on : bool
    timer wait
    initial state Off { on startup { start wait for 2s  goto Waiting } }
    state Waiting { on timeout wait { on := true  goto On } }
    state On { on shutdown { on := false  goto Off } }
}
scenario one { tick 1s  lamp : Lamp  startup of lamp at 0s..1s }
property dark  : never lamp.on
property soon  : eventually lamp.on within 3s
property bright : always eventually lamp.on
check one { dark expect violated because "it is lit after 2 s"; soon expect proved because "1 s and 2 s" }
"""


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]))))


@pytest.fixture(scope="module")
def lamp():
    task = api.load_text(SPEC).tasks[0]
    return task.system, [c.property for c in task.checks]


def asked_beside(answering, lamp, limits=doubles.GENEROUS):
    with Beside("double", answering, *lamp, limits) as engine:
        wait([engine])
        return engine


# ---- one engine in a process of its own


def test_its_claims_arrive(lamp):
    engine = asked_beside(doubles.honest, lamp)
    assert engine.claims == ExplicitEngine().check(*lamp, Budget())
    assert engine.problem == ""


def test_its_progress_arrives(lamp):
    told = []
    with Beside("double", doubles.slow, *lamp, doubles.GENEROUS) as engine:
        wait([engine], told.append)
    assert told
    assert {p.task for p in told} == {"one"}


def test_what_it_prints_goes_nowhere(lamp, capfd):
    engine = asked_beside(doubles.prints, lamp)
    assert engine.claims is not None
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("double", "problem"),
    [
        (doubles.dies, "its process was ended by SIGKILL (out of memory?)"),
        (doubles.crashes, "its process was ended by SIGSEGV"),
        (doubles.leaves, "its process ended with code 7 and without an answer"),
        (doubles.raises, "it failed: ZeroDivisionError: somewhere"),
        (doubles.out_of_memory, "no more memory"),
        (doubles.babbles, "what it said is no answer"),
        (doubles.answers_too_little, "what it said is no answer"),
    ],
)
def test_it_is_told_how_it_ended(double, problem, lamp):
    engine = asked_beside(double, lamp)
    assert engine.claims is None
    assert engine.problem == problem


def test_what_it_said_before_is_kept(lamp):
    engine = asked_beside(doubles.answers_one_and_hangs, lamp, Limits(seconds=2.0))
    assert engine.claims is None
    assert engine.partial == ExplicitEngine().check(*lamp, Budget())[:1]
    assert engine.problem.startswith("killed")


def test_one_that_hangs_is_killed(lamp):
    start = time.monotonic()
    engine = asked_beside(doubles.hangs, lamp, Limits(seconds=0.5))
    assert engine.problem == "killed: it did not end within its time limit of 0.5 s"
    assert time.monotonic() - start < 15


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell what processes hold")
def test_one_that_takes_too_much_memory_is_killed(lamp):
    engine = asked_beside(doubles.takes_memory, lamp, Limits(seconds=60.0, megabytes=300))
    assert engine.problem == "killed: it took more than its memory limit of 300 MB"


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell what runs")
def test_what_it_started_is_killed_with_it(lamp, tmp_path):
    system, asked = lamp
    note = tmp_path / "pids"
    named = dataclasses.replace(system, name=str(note))
    with Beside("double", doubles.starts_a_child_and_hangs, named, asked, doubles.GENEROUS) as engine:
        until = time.monotonic() + 30
        while not (note.exists() and len(note.read_text().split()) == 2) and time.monotonic() < until:
            engine.look()
            time.sleep(0.02)
        pids = note.read_text().split()
        assert all(alive(pid) for pid in pids)
    until = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)


ASKER = """
import sys, time
from tests.run import doubles, test_portfolio
from verify import api
from verify.run import checking, racing
from verify.run.beside import Beside
import dataclasses
task = api.load_text(test_portfolio.SPEC).tasks[0]
system = dataclasses.replace(task.system, name=sys.argv[1])
Beside("double", doubles.starts_a_child_and_hangs, system, [task.checks[0].property], doubles.GENEROUS)
time.sleep(100)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell what runs")
def test_it_ends_when_who_asked_is_killed(tmp_path):
    note = tmp_path / "pids"
    asker = subprocess.Popen([sys.executable, "-c", ASKER, str(note)], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not (note.exists() and len(note.read_text().split()) == 2) and time.monotonic() < until:
            time.sleep(0.05)
        pids = note.read_text().split()
    finally:
        asker.kill()
        asker.wait()
    until = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


# ---- cross-checking


def crossed(lamp, *doubles_, then=(), limits=doubles.GENEROUS):
    system, asked = lamp
    first = [Witness(d.__name__, d) for d in doubles_]
    return cross_checked(system, asked, Budget(limits), first, [Witness(d.__name__, d) for d in then])


def test_two_that_agree_are_believed(lamp):
    rulings = crossed(lamp, doubles.honest, doubles.slow)
    assert [r.verdict for r in rulings] == [Verdict.VIOLATED, Verdict.PROVED]
    assert {r.agreed for r in rulings} == {("honest", "slow")}
    assert rulings[1].backing.endswith("; agreed: honest, slow")


@pytest.mark.parametrize(
    ("double", "says"),
    [
        (doubles.gives_up, "gives_up: no idea"),
        (doubles.dies, "dies: its process was ended by SIGKILL"),
        (doubles.raises, "raises: it failed: ZeroDivisionError"),
        (doubles.babbles, "babbles: what it said is no answer"),
    ],
)
def test_one_alone_is_not_believed(double, says, lamp):
    for ruling, verdict in zip(crossed(lamp, doubles.honest, double), ("VIOLATED", "PROVED"), strict=True):
        assert ruling.verdict is Verdict.UNDECIDED
        assert ruling.run is None
        assert f"no two engines decide: honest: {verdict}; {says}" in ruling.backing


def test_a_third_is_asked_where_one_of_two_does_not_know(lamp):
    rulings = crossed(lamp, doubles.honest, doubles.gives_up, then=[doubles.slow])
    assert [r.verdict for r in rulings] == [Verdict.VIOLATED, Verdict.PROVED]
    assert {r.agreed for r in rulings} == {("honest", "slow")}


def test_one_that_hangs_is_not_waited_for(lamp):
    start = time.monotonic()
    rulings = crossed(lamp, doubles.honest, doubles.hangs, limits=Limits(seconds=3.0))
    assert {r.verdict for r in rulings} == {Verdict.UNDECIDED}
    assert "hangs: killed: it did not end within its time limit" in rulings[0].backing
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("liar", "told"),
    [
        (doubles.proves_all, "honest and proves_all disagree about 'dark': VIOLATED"),
        (doubles.proves_with_other_counts, "honest and proves_with_other_counts disagree about 'soon'"),
        (doubles.forges_a_trace, "cannot be replayed"),
        (doubles.forges_a_certificate, "is refused"),
        (doubles.detours, "both were to be shortest|does not|cannot"),
    ],
)
def test_a_liar_is_convicted(liar, told, lamp):
    with pytest.raises(Convicted, match=told):
        crossed(lamp, doubles.honest, liar)


def test_the_engines_that_are_asked_share_no_code():
    first, then = witnesses(How())
    assert [w.name for w in first] == ["explicit", "native"]
    assert [w.name for w in then] == ["zones", "symbolic"]
    bases = {w.name: w.basis or w.name for w in (*first, *then)}
    assert bases["zones"] == bases["explicit"]
    assert len(set(bases.values())) == 3


def test_real_engines_agree(lamp):
    rulings = cross_checked(*lamp, Budget(doubles.GENEROUS), *witnesses(How()))
    assert [r.verdict for r in rulings] == [Verdict.VIOLATED, Verdict.PROVED]
    assert {r.agreed for r in rulings} == {("explicit", "native")}


def test_the_solvers_are_asked_where_a_search_has_met_its_limit(lamp):
    rulings = cross_checked(*lamp, Budget(Limits(seconds=60.0)), witnesses(How())[0][:1], witnesses(How())[1])
    assert {r.agreed for r in rulings} == {("explicit", "zones", "symbolic")}


def test_two_that_stand_on_the_same_are_one(lamp):
    system, asked = lamp
    same = [Witness(d.__name__, d, "the same") for d in (doubles.honest, doubles.slow)]
    for ruling in cross_checked(system, asked, Budget(doubles.GENEROUS), same, []):
        assert ruling.verdict is Verdict.UNDECIDED
        assert "no two engines decide" in ruling.backing
    third = [Witness("other", doubles.honest)]
    assert {r.agreed for r in cross_checked(system, asked, Budget(doubles.GENEROUS), same, third)} == {("honest", "slow", "other")}


# ---- a race


def waits_until_overtaken(budget, asked):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        why = budget.overtaken()
        if why:
            return [Claim(Unknown(why)) for _ in asked]
        time.sleep(0.02)
    return [Claim(Unknown("nobody overtook")) for _ in asked]


def test_who_is_first_answers(lamp):
    system, asked = lamp
    found = race(system, asked, Budget(), lambda b: waits_until_overtaken(b, asked), [Runner("symbolic", solved)])
    assert [type(c.answer) for c in found] == [Fails, Holds]


def test_a_search_goes_on_for_what_the_solvers_are_not_asked(lamp):
    task = api.load_text(SPEC + 'check one { bright expect proved because "nobody shuts it down" }').tasks[-1]
    asked = [*lamp[1], next(c.property for c in task.checks if c.property.name == "bright")]
    found = race(lamp[0], asked, Budget(), lambda b: doubles.slow_here(lamp[0], asked, b), [Runner("symbolic", solved)])
    assert [type(c.answer) for c in found] == [Fails, Holds, Holds]


@pytest.mark.parametrize("double", [doubles.hangs, doubles.dies, doubles.raises, doubles.babbles, doubles.gives_up])
def test_a_search_needs_nobody_beside_it(double, lamp):
    system, asked = lamp
    start = time.monotonic()
    found = race(system, asked, Budget(), lambda b: doubles.slow_here(system, asked, b), [Runner("double", double)])
    assert [type(c.answer) for c in found] == [Fails, Holds]
    assert time.monotonic() - start < 15


def test_who_contradicts_is_convicted(lamp):
    system, asked = lamp

    def waits_and_answers(budget):
        waits_until_overtaken(budget, asked)
        return doubles.honest(system, asked, Budget())

    with pytest.raises(Convicted, match="disagree about 'dark'"):
        race(system, asked, Budget(), waits_and_answers, [Runner("double", doubles.forges_a_certificate)])


def test_what_solvers_say_has_to_be_something_that_can_be_checked(lamp):
    system, asked = lamp
    with pytest.raises(Convicted, match=r"'dark'.*without anything that can be checked"):
        race(system, asked, Budget(), lambda b: waits_until_overtaken(b, asked), [Runner("double", doubles.proves_all)])


# ---- open parameters, tried one by one, and the solvers beside

OPEN = """
machine Lamp {
    parameter delay : 1..200
    variable on : bool
    timer wait up to 200s
    initial state Off { on startup { start wait for delay * 1s  goto Waiting } }
    state Waiting { on timeout wait { on := true  goto On } }
    state On { on shutdown { on := false  goto Off } }
}
scenario any_delay { tick 1s  lamp : Lamp { delay = any 1..200 }  startup of lamp at 0s }
property dark  : never lamp.on
property soon  : eventually lamp.on within 200s
property stays : eventually always lamp.on
check any_delay { dark expect violated because "it is lit"; soon expect proved because "the longest delay"; stays expect proved because "for ever" }
"""


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(racing, "PATIENCE", 0.0)


def slowly(monkeypatch):
    closed = checking._closed

    def one_by_one(*arguments):
        time.sleep(0.05)
        return closed(*arguments)

    monkeypatch.setattr(checking, "_closed", one_by_one)
    return api.check(api.load_text(OPEN))


@pytest.mark.usefixtures("impatient")
def test_the_solvers_answer_for_all_values_while_these_are_tried(monkeypatch):
    dark, soon, stays = slowly(monkeypatch)
    assert [r.verdict for r in (dark, soon, stays)] == [Verdict.VIOLATED, Verdict.PROVED, Verdict.PROVED]
    assert "for all values of the open parameters" in soon.ruling.backing
    assert stays.ruling.backing.startswith("exhausted for each of 200 valuations")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("double", [doubles.dies, doubles.hangs, doubles.babbles, doubles.gives_up])
def test_values_are_tried_whatever_the_solvers_do(monkeypatch, double):
    monkeypatch.setattr(checking, "solved", double)
    results = api.check(api.load_text(OPEN))
    assert [r.verdict for r in results] == [Verdict.VIOLATED, Verdict.PROVED, Verdict.PROVED]
    assert results[1].ruling.backing.startswith("exhausted for each of 200 valuations")


@pytest.mark.usefixtures("impatient")
def test_solvers_that_lie_about_all_values_are_convicted(monkeypatch):
    monkeypatch.setattr(checking, "solved", doubles.forges_a_certificate)
    with pytest.raises(Convicted, match="is refused"):
        slowly(monkeypatch)


# ---- the command


def spec_file(tmp_path, text=SPEC):
    path = tmp_path / "lamp.spec"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_command_tells_who_agreed(tmp_path, capsys):
    assert main(["check", str(spec_file(tmp_path)), "--cross-check", "-q"]) == 0
    out = capsys.readouterr().out
    assert "VIOLATED  VIOLATED" in out
    assert out.count("agreed: explicit, native") == 2
    assert main(["check", str(spec_file(tmp_path)), "--cross-check", "-q", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert [r["agreed"] for r in results] == [["explicit", "native"]] * 2


def test_what_only_one_engine_decides_is_undecided(tmp_path, capsys):
    many = SPEC.replace(
        "variable on : bool",
        "variable on : bool  variable n : 0..60000 = 0  signal more  on more when n < 60000 { n := n + 1 }",
    )
    many = many.replace("startup of lamp", "events unlimited { signal more of lamp }  startup of lamp")
    many += 'property counts : always eventually lamp.on\ncheck one { counts expect proved because "see soon" }'
    path = spec_file(tmp_path, many)
    assert main(["check", str(path), "--cross-check", "-q", "--time-limit", "4"]) == 3
    out = capsys.readouterr().out
    assert "no two engines decide: explicit:" in out


@pytest.mark.parametrize(
    "more", [["--engine", "native"], ["--checkpoint", "kept"], ["--fingerprints"]], ids=lambda m: m[0]
)
def test_what_does_not_go_together_is_told(tmp_path, more, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(spec_file(tmp_path)), "--cross-check", *more]) == 2
    assert "error[E825]: a cross-check asks several engines" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
