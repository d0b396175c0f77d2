"""Invariants for people."""

import pytest

from verify.certify.reading import readable
from verify.system.domain import Boolean, Enumeration, Range
from verify.system.expression import TRUE, Occurred
from verify.system.property import Never, NeverLonger, Within
from verify.system.system import (
    Event,
    Field,
    Instance,
    Lane,
    Message,
    Parameter,
    Region,
    Step,
    StepKind,
    System,
    Timer,
    Variable,
)

SYSTEM = System(
    "small",
    10_000_000,
    instances=(Instance("r", "Router", None, 0, (Region("", 0),)),),
    variables=(
        Variable("r", Enumeration("states", ("Initialize", "Backup", "Active")), 0, 0),
        Variable("r.up", Boolean(), 0, 0),
        Variable("r.wait", Range(0, 100, ticks=True), 0, 0),
        Variable("r.count", Range(0, 5), 0, 0),
    ),
    timers=(Timer("r.adver", 100),),
    messages=(Message("Advertisement", (Field("priority", Range(0, 255)),)),),
    lanes=(Lane("a -> b", "lan", 0, 0, 2, 0, 1),),
    events=(Event("crash of r"),),
    parameters=(Parameter("p", Range(1, 254)),),
    steps=(Step("react", StepKind.REACTION, TRUE, (), TRUE, unit=0),),
    units=("r",),
    atomic=True,
)


def lines(invariant, form=None):
    text = readable(SYSTEM, form or NeverLonger(TRUE, TRUE), invariant)
    return [x.strip() for x in text.splitlines() if x.startswith("  ")]


@pytest.mark.parametrize(
    ("invariant", "wanted"),
    [
        ("(= v0 2)", "r is Active"),
        ("(not (= v0 2))", "r is not Active"),
        ("(<= v0 1)", "r is not Active"),
        ("(>= v0 1)", "r is not Initialize"),
        ("(= v1 1)", "r.up"),
        ("(= v1 0)", "not r.up"),
        ("(<= v2 20)", "r.wait <= 200 ms"),
        ("(< v3 3)", "r.count < 3"),
        ("(= v3 p0)", "r.count == p"),
        ("(= t0 0)", "expired(r.adver)"),
        ("(< t0 0)", "stopped(r.adver)"),
        ("(> t0 0)", "running(r.adver)"),
        ("(=> (= v1 1) (< t0 30))", "r.up implies r.adver < 300 ms"),
        ("(not (and (= v0 1) (= v1 1) (<= t0 30)))", "r is Backup and r.up implies r.adver > 300 ms"),
        ("(<= (- t0 v2) 7)", "r.adver <= 70 ms + r.wait"),
        ("(not l0_0_here)", "not (there is a first message on a -> b)"),
        ("(=> l0_1_here (> l0_0_f0 100))", "(there is a second message on a -> b) implies (priority of the first message on a -> b) > 100"),
        ("(<= c 30)", "the time waited <= 300 ms"),
        ("(or (> b 0) (and (= v1 1) (= v0 1)))", "r.up"),
    ],
)
def test_a_condition_reads_like_the_model(invariant, wanted):
    assert wanted in " \n".join(lines(invariant)).replace("r.wait + 70 ms", "70 ms + r.wait")


def test_what_a_range_says_is_left_out():
    assert lines("(and (<= 0 v0 2) (<= (- 1) t0 100) (<= 0 b 2) (or l0_0_here (= l0_0_age 0)))") == ["nothing else is needed"]


def test_what_never_changes_comes_first():
    text = readable(SYSTEM, Never(TRUE), "(and (<= t0 7) (= v3 2) (= v2 (div p0 2)))")
    assert text.index("Never changes:") < text.index("r.count == 2") < text.index("In every reachable state:") < text.index("r.adver <=")
    assert "r.wait == (p div 2)" in text


def test_what_holds_at_rest_is_told_apart():
    text = readable(SYSTEM, Never(TRUE), "(or (> b 0) (and (= v1 1) (= v0 1)))")
    assert text.split("When units are at rest:\n")[1].split("\n")[:2] in (["  r.up", "  r is Backup"], ["  r is Backup", "  r.up"])


def test_what_holds_in_some_states_that_react_is_no_matter_of_rest():
    text = readable(SYSTEM, Never(TRUE), "(or (> b 1) (= v1 1) (= v0 1))")
    assert "When units are at rest:" not in text


def test_events_have_their_names():
    assert "not (crash of r)" in readable(SYSTEM, Within(Occurred(0), TRUE, TRUE), "(not e0)")
