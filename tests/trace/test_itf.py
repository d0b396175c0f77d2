"""Trace files: there and back, and hostile ones."""

import copy
import dataclasses
import json

import pytest

from verify import api
from verify.base.budget import Budget
from verify.base.diagnostic import InputError
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import judge
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Boolean, Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Local, Operator, Read, TimerIs, TimerStatus, equal
from verify.system.property import Eventually, Never, Property
from verify.system.serialise import dump
from verify.system.statement import Assign, Choose, Send, Start
from verify.system.system import (
    Field,
    Lane,
    Message,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
)
from verify.trace import itf
from verify.trace.trace import replay

ENVIRONMENT = StepKind.ENVIRONMENT
SYSTEM = System(
    "w",
    10**6,
    variables=(Variable("x", Range(0, 3), 0), Variable("b", Boolean(), 0)),
    timers=(Timer("t", 2, 2),),
    messages=(Message("m", (Field("f", Range(0, 3)),)),),
    lanes=(Lane("l", "n", 0, 1, 1, 0, 1),),
    steps=(
        Step(
            "send",
            ENVIRONMENT,
            equal(Read(0), FALSE),
            (Choose(0, 1, 3, TRUE), Assign(0, Local(0)), Send(0, 0, (Local(0),))),
            slots=1,
        ),
        Step(
            "deliver",
            StepKind.DELIVERY,
            TRUE,
            (Assign(1, equal(Local(1), Constant(3))), Assign(0, FALSE)),
            FALSE,
            Take(0, Taking.DELIVER),
            slots=2,
        ),
        Step("ring", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Start(0, Constant(2)),), TRUE),
    ),
)
READ_B = Apply(Operator.EQUAL, (Read(1), TRUE))


def traced(form):
    asked = Property("p", form)
    claim = ExplicitEngine().check(SYSTEM, [asked], Budget())[0]
    return judge(SYSTEM, asked, claim).run


def written(form):
    return itf.to_itf(traced(form), SYSTEM, scenario="w", asked="p", text="a text", verdict="violated")


@pytest.mark.parametrize("form", [Never(READ_B), Eventually(READ_B)])
def test_a_trace_there_and_back_replays_to_the_same_run(form, tmp_path):
    run = traced(form)
    path = tmp_path / "a.itf.json"
    itf.write(path, written(form))
    system, trace, described = itf.read(path)
    assert system == SYSTEM
    assert trace == run.trace
    assert described == {"scenario": "w", "property": "p", "text": "a text", "verdict": "violated"}
    assert replay(Interpreter(system), trace) == run
    assert api.read_trace(path) == (SYSTEM, run, described)


def test_the_states_are_for_reading():
    whole = written(Never(READ_B))
    assert whole["vars"] == ["step", "x", "b", "t", "l"]
    assert [s["step"] for s in whole["states"]] == ["start", "send", "deliver"]
    assert whole["states"][1] == {
        "#meta": {"index": 1},
        "step": "send",
        "x": "3",
        "b": "false",
        "t": 2,
        "l": ["m(f 3) age 0"],
    }
    assert "loop" not in whole
    assert written(Eventually(READ_B))["loop"] == traced(Eventually(READ_B)).trace.loop


def test_what_a_file_says_of_its_states_is_not_believed(tmp_path):
    whole = written(Never(READ_B))
    whole["states"] = []
    itf.write(tmp_path / "a", whole)
    assert api.read_trace(tmp_path / "a")[1] == traced(Never(READ_B))


def changed(*way, to):
    def change(whole):
        inner = whole
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = to

    return change


CHOICES = ("#meta", "choices")
TAMPERED = {
    "no such step": changed(*CHOICES, 1, to=[9, -1, []]),
    "a step not enabled": changed(*CHOICES, 1, to=[1, 0, []]),
    "another pick": changed(*CHOICES, 1, to=[0, -1, [4]]),
    "a pick missing": changed(*CHOICES, 1, to=[0, -1, []]),
    "a position too much": changed(*CHOICES, 1, to=[0, 0, [3]]),
    "no start": changed(*CHOICES, 0, to=[-1, -1, []]),
    "no choices": changed(*CHOICES, to=[]),
    "choices of another shape": changed(*CHOICES, to={"a": 1}),
    "a choice of another shape": changed(*CHOICES, 1, to=[0]),
    "a choice of strings": changed(*CHOICES, 1, to=["0", "-1", []]),
    "picks of strings": changed(*CHOICES, 1, to=[0, -1, ["3"]]),
    "picks of floats": changed(*CHOICES, 1, to=[0, -1, [3.0]]),
    "a choice nested": changed(*CHOICES, 1, to=[[0], -1, [3]]),
    "choices null": changed(*CHOICES, to=None),
    "loop outside": changed("loop", to=17),
    "loop before": changed("loop", to=-1),
    "loop a text": changed("loop", to="0"),
    "loop a truth": changed("loop", to=True),
    "loop a float": changed("loop", to=0.0),
    "another version": changed("#meta", "version", to=2),
    "no version": changed("#meta", "version", to=None),
    "another format": changed("#meta", "format", to="XML"),
    "meta of another shape": changed("#meta", to=[]),
    "system of another shape": changed("#meta", "system", to=[]),
    "system null": changed("#meta", "system", to=None),
    "system changed": changed("#meta", "system", "system", 1, to="v"),
    "its digest changed": changed("#meta", "system", "digest", to="0"),
    "its version changed": changed("#meta", "system", "version", to=0),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_file_is_an_input_error(change, tmp_path):
    whole = copy.deepcopy(json.loads(json.dumps(written(Never(READ_B)))))
    change(whole)
    itf.write(tmp_path / "a", whole)
    with pytest.raises(InputError):
        api.read_trace(tmp_path / "a")


def test_a_loop_that_does_not_close_is_an_input_error(tmp_path):
    whole = written(Never(READ_B))
    whole["loop"] = 1
    itf.write(tmp_path / "a", whole)
    with pytest.raises(InputError):
        api.read_trace(tmp_path / "a")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe" * 100,
        b"{",
        b"not json",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"#meta": 1}',
        b'{"#meta": {}}',
        b'{"#meta": {"format": "ITF"}}',
        b"[" * 100_000,
        b'{"#meta":' * 100_000,
        b"9" * 10_000,
        "\u00e9".encode("latin-1"),
    ],
    ids=range(16),
)
def test_what_is_no_trace_file(content, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(InputError):
        api.read_trace(path)


def test_files_that_are_not_there(tmp_path):
    for path in (tmp_path / "none", tmp_path, tmp_path / ("x" * 5000), tmp_path / "a\0b"):
        with pytest.raises(InputError):
            api.read_trace(path)


def test_a_system_that_makes_no_sense_with_a_digest_that_fits(tmp_path):
    """Whoever changes a file can change its digest as well."""
    steps = SYSTEM.steps
    senseless = [
        dataclasses.replace(SYSTEM, variables=()),
        dataclasses.replace(SYSTEM, timers=()),
        dataclasses.replace(SYSTEM, lanes=()),
        dataclasses.replace(SYSTEM, messages=()),
        dataclasses.replace(SYSTEM, steps=(dataclasses.replace(steps[0], guard=Read(99)), *steps[1:])),
        dataclasses.replace(SYSTEM, steps=(dataclasses.replace(steps[0], guard=Local(3)), *steps[1:])),
        dataclasses.replace(SYSTEM, steps=(dataclasses.replace(steps[0], slots=0), *steps[1:])),
        dataclasses.replace(SYSTEM, steps=(dataclasses.replace(steps[0], slots=-7), *steps[1:])),
        dataclasses.replace(
            SYSTEM, steps=(dataclasses.replace(steps[0], guard=Apply(Operator.SUBTRACT, (TRUE,))), *steps[1:])
        ),
        dataclasses.replace(
            SYSTEM, steps=(dataclasses.replace(steps[0], guard=Apply(Operator.MINIMUM, ())), *steps[1:])
        ),
        dataclasses.replace(
            SYSTEM, steps=(dataclasses.replace(steps[0], guard=Apply(Operator.DIVIDE, (TRUE, FALSE))), *steps[1:])
        ),
    ]
    whole = written(Never(READ_B))
    failed = []
    for number, system in enumerate(senseless):
        whole["#meta"]["system"] = dump(system)
        itf.write(tmp_path / "a", whole)
        try:
            api.read_trace(tmp_path / "a")
        except InputError:
            continue
        except Exception as problem:  # noqa: BLE001 - that is the question
            failed.append((number, type(problem).__name__))
    assert failed == [], failed
