"""Idle jumps against the search without them: verdicts and lengths, and the faults that the comparison notices."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Unknown
from verify.engines.native import space
from verify.engines.native.engine import NativeEngine, Unconfirmed, Unsupported
from verify.judge.judge import judge
from verify.passes.reductions import IDLE_JUMPS
from verify.run.choosing import Engine, How, claims
from verify.system.domain import Range
from verify.system.expression import TRUE, Constant, Read, TimerIs, TimerStatus, equal
from verify.system.property import Never, NeverLonger, Property, Within
from verify.system.statement import Assign, Stop
from verify.system.system import Fairness, Step, StepKind, System, Timer, Variable

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(states=4_000)


RANDOM = sibling("semantics", "random_systems")


def case(seed):
    """A system with long timers and without fairness, and what is asked of it without events."""
    make = random.Random(seed)
    system, m = (RANDOM.random_system, RANDOM.wide_system)[seed % 2](RANDOM.Seeded(make))
    timers = tuple(replace(t, maximum=t.maximum + 9, initial=make.choice((t.initial, t.maximum + 9))) for t in system.timers)
    steps = tuple(s for s in system.steps if s.kind is not StepKind.ENVIRONMENT or make.random() < 0.3)
    m.events = []
    properties = [Property(f"p{i}", RANDOM.random_form(m)) for i in range(4)]
    return replace(system, timers=timers, steps=steps, fairness=()), properties


def rulings(system, properties, **how):
    """Judged; None where the search is too large or for another engine."""
    try:
        found = NativeEngine(**how).check(system, properties, Budget(LIMITS))
    except (Unsupported, Unconfirmed):
        return None
    if any(isinstance(c.answer, Unknown) for c in found):
        return None
    return [judge(system, p, c) for p, c in zip(properties, found, strict=True)]


def compare(seeds, lanes=1):
    """Compare; what was seen."""
    seen = Counter()
    for seed in seeds:
        system, properties = case(seed)
        plain = rulings(system, properties)
        if plain is None or plain[0].states >= LIMITS.states:
            continue
        found = rulings(system, properties, jumps=True, lanes=lanes)
        for before, after in zip(plain, found, strict=True):
            assert (after.verdict, after.vacuous, after.notes) == (before.verdict, before.vacuous, before.notes), seed
            if lanes == 1:
                assert (after.run and after.run.trace) == (before.run and before.run.trace), seed
            assert (after.run and after.run.steps) == (before.run and before.run.steps), seed
            assert after.states <= before.states, seed
            seen[after.verdict] += 1
            seen["fewer"] += after.states < before.states
            seen[type(properties[0].form)] += 1
    return seen


def test_jumps_keep_verdicts_and_traces_on_random_systems():
    seen = compare(range(100))
    assert seen["fewer"] > 25
    assert min(seen[Verdict.PROVED], seen[Verdict.VIOLATED], seen[Verdict.INVALID]) > 12


def test_jumps_keep_verdicts_and_lengths_eight_states_at_a_time():
    seen = compare(range(100, 140), lanes=8)
    assert seen["fewer"] > 10


def waiting(ticks):
    """A timer runs for long; then x becomes 1."""
    expired = TimerIs(0, TimerStatus.EXPIRED)
    step = Step("done", StepKind.TIMEOUT, expired, (Stop(0), Assign(0, TRUE)), TRUE)
    return System("waiting", 1, variables=(Variable("x", Range(0, 1), 0),), timers=(Timer("t", ticks, ticks),), steps=(step,))


def test_time_jumps_over_what_is_idle():
    done, other = equal(Read(0), TRUE), equal(Read(0), Constant(0))
    asked = [
        Property("within", Within(None, done, Constant(1000))),
        Property("too soon", Within(None, done, Constant(999))),
        Property("longer", NeverLonger(other, Constant(1000))),
        Property("too long", NeverLonger(other, Constant(999))),
        Property("never", Never(equal(Read(0), Constant(2)))),
    ]
    system = waiting(1000)
    found = rulings(system, asked, jumps=True)
    plain = rulings(system, asked)
    assert [r.verdict for r in found] == [r.verdict for r in plain]
    assert [r.states for r in found if r.verdict is Verdict.PROVED] == [3, 3, 3]  # at first, when it expires, when x is 1
    assert "idle jumps" in found[0].backing
    assert [r.states for r in found if r.verdict is Verdict.VIOLATED] == [1002, 1002]


def test_time_does_not_jump_where_fairness_or_events_could_tell():
    system = waiting(1000)
    (ruling,) = rulings(replace(system, fairness=(Fairness("f", (0,)),)), [Property("p", Never(equal(Read(0), Constant(2))))], jumps=True)
    assert ruling.states == 1002
    assert "idle jumps" not in ruling.backing


def test_time_does_not_jump_over_an_error():
    wrong = Step("wrong", StepKind.REACTION, TimerIs(0, TimerStatus.EXPIRED), (Stop(0), Assign(0, Constant(2))), TRUE, unit=0)
    system = replace(waiting(20), steps=(wrong,), units=("u",), atomic=True)
    plain, found = (rulings(system, [Property("p", Never(equal(Read(0), TRUE)))], jumps=jumps)[0] for jumps in (False, True))
    assert plain.verdict is found.verdict is Verdict.INVALID
    assert plain.run.steps == found.run.steps == 20


def test_a_shipped_spec_with_jumps():
    task = next(t for t in api.load(ROOT / "specs/vrrp/loss.spec").tasks if t.scenario == "two_lost")
    properties = [c.property for c in task.checks]
    found, plain = (
        claims(task.system, properties, Budget(), How(Engine.NATIVE, reductions=frozenset(on))) for on in ([IDLE_JUMPS], [])
    )
    few, many = (judge(task.system, p, c) for p, (c, *_) in zip(properties * 2, (found, plain), strict=False))
    assert few.verdict is many.verdict is Verdict.PROVED
    assert few.states * 10 < many.states
    assert few.backing.endswith("reduced: idle jumps")


FAULTS = {
    "predicates are not looked at": ("if s.truths(ahead, 0) == truth:", "if 1:"),
    "other steps are forgotten": ("if end == ahead + ROW and (ahead[WIDTH] & (TICK | FAILED)) == TICK:", "if end != ahead:"),
    "the ticks do not count": ("now = now + (note >> TICKS)", "now = now + 0"),
    "an error is a step": ("(ahead[WIDTH] & (TICK | FAILED)) == TICK", "(ahead[WIDTH] & TICK) == TICK"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_seeded_fault_is_noticed(name, monkeypatch, tmp_path):
    old, new = FAULTS[name]
    text = space.SOURCE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    broken = tmp_path / "runtime.kernel"
    broken.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(space, "SOURCE", broken)
    space._kernels.cache_clear()
    try:
        with pytest.raises((AssertionError, RuntimeError, StopIteration)):  # noqa: PT012 - one after the other
            test_time_does_not_jump_over_an_error()
            compare(range(80))
    finally:
        space._kernels.cache_clear()
