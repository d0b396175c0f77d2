"""The search of zones beside that of states: the same verdicts, and every trace is one."""

import dataclasses
import random
from collections import Counter
from pathlib import Path

import pytest
from faults import noticed, notices
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.cli.main import main
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.zones import engine, search, space, traces, zone
from verify.engines.zones.engine import ZoneEngine
from verify.engines.zones.traces import NoTimes
from verify.judge.judge import Convicted, judge
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Occurred,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    negation,
)
from verify.system.property import Eventually, Never, NeverLonger, Possible, Property, Safety, Within
from verify.system.statement import Assign, Occur, Send, Start, Stop
from verify.system.system import (
    Event,
    Field,
    Lane,
    Message,
    Order,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
    WhenFull,
)

RANDOM = sibling("semantics", "random_systems")
FORMS = (Never, NeverLonger, Within, Possible)
SPECS = Path(api.find_specs([Path("specs/vrrp")])[0]).parent.parent


def drawn(seed):
    """A seeded system, small or wide, and a property of each form."""
    source = RANDOM.Seeded(random.Random(seed))
    if seed % 3 == 2:
        system, m = RANDOM.wide_system(source)
    else:
        m = RANDOM.makers(source)
        system, _ = RANDOM.random_system(source, m)
    return system, [Property(f.__name__, RANDOM.random_form(m, f)) for f in FORMS]


def agrees(system, properties, most=20_000):
    """Both engines give the same verdicts, or one says that it does not know; (form, verdict) of what both knew."""
    found = []
    wanted = ExplicitEngine().check(system, properties, Budget(Limits(states=most)))
    for asked, one, other in zip(properties, wanted, ZoneEngine().check(system, properties, Budget()), strict=True):
        mine, theirs = judge(system, asked, other), judge(system, asked, one)
        if Verdict.UNDECIDED in (mine.verdict, theirs.verdict):
            continue
        assert mine.verdict is theirs.verdict, (asked.name, mine.backing, theirs.backing)
        assert mine.vacuous == theirs.vacuous
        found.append((asked.name, mine.verdict))
    return found


def test_random_systems_agree():
    found = Counter(x for seed in range(300) for x in agrees(*drawn(seed)))
    print(found)
    for form in FORMS:
        for verdict in (Verdict.PROVED, Verdict.VIOLATED):
            assert found[form.__name__, verdict] > 40


@pytest.mark.slow
def test_many_random_systems_agree():
    for seed in range(300, 10_000):
        agrees(*drawn(seed))


# ---- by hand


def v(value):
    return Apply(Operator.EQUAL, (Read(0), Constant(value)))


EXPIRED = TimerIs(0, TimerStatus.EXPIRED)
PUSH = Step("push", StepKind.ENVIRONMENT, v(0), (Assign(0, TRUE), Start(0, Constant(200)), Occur(0)))
FALL = Step("fall", StepKind.TIMEOUT, EXPIRED, (Assign(0, FALSE), Stop(0)), TRUE)
LAMP = System(
    "lamp",
    1,
    variables=(Variable("v", Range(0, 3), 0),),
    timers=(Timer("t", 200),),
    events=(Event("pushed"),),
    steps=(PUSH, FALL),
)
ON, PUSHED = v(1), Occurred(0)


def verdict(system, form):
    asked = Property("p", form)
    (claim,) = ZoneEngine().check(system, [asked], Budget())
    return judge(system, asked, claim)


def test_bounds_are_exact_and_cost_nothing():
    for form, holds in (
        (NeverLonger(ON, Constant(200)), True),
        (NeverLonger(ON, Constant(199)), False),
        (Within(PUSHED, v(0), Constant(200)), True),
        (Within(PUSHED, v(0), Constant(199)), False),
        (Within(ON, PUSHED, Constant(200)), False),  # a tick later it is on and was not pushed, and may never be again
        (Within(None, ON, Constant(5)), False),
        (Within(None, v(0), Constant(0)), True),
    ):
        ruling = verdict(LAMP, form)
        assert ruling.verdict is (Verdict.PROVED if holds else Verdict.VIOLATED), form
        assert ruling.states <= 5


def test_what_holds_in_the_next_tick_only():
    """Events last for the state after their step: a tick later they are over."""
    calm = Apply(Operator.AND, (ON, negation(PUSHED)))
    ruling = verdict(LAMP, Never(calm))
    assert ruling.verdict is Verdict.VIOLATED
    assert (ruling.run.steps, ruling.run.ticks) == (2, 1)
    assert verdict(LAMP, NeverLonger(calm, Constant(199))).verdict is Verdict.PROVED
    assert verdict(LAMP, NeverLonger(calm, Constant(198))).verdict is Verdict.VIOLATED


def test_what_comes_later_is_seen():
    """A second timer, started in the last ticks of the first, still runs when the first has expired."""
    expired, runs = TimerIs(0, TimerStatus.EXPIRED), TimerIs(1, TimerStatus.RUNNING)
    first = Apply(Operator.AND, (v(0), TimerIs(0, TimerStatus.RUNNING)))
    go = Step("go", StepKind.ENVIRONMENT, first, (Assign(0, TRUE), Start(1, Constant(3))))
    system = System("two", 1, variables=LAMP.variables, timers=(Timer("a", 10, 10), Timer("b", 3)), steps=(go,))
    ruling = verdict(system, Possible(Apply(Operator.AND, (expired, runs))))
    assert ruling.verdict is Verdict.PROVED
    assert ruling.run.ticks == 10


def test_equal_messages_are_several():
    """Two messages of the same content may have different times left."""
    system = bag(0, 9)
    found = space.Space(system).discrete((3, -1, -1, ((0, 0, 0), (0, 0, 0))))
    assert (found.clocks, len([m for m in found.moves if m.choice.step == 1])) == (2, 2)
    assert {m.terms for m in found.moves if m.choice.step == 1} == {((1, 0),), ((2, 0),)}


def test_faults_of_the_scenario():
    held = Step("held", StepKind.ENVIRONMENT, ON, (), TRUE)
    wrong = Step("wrong", StepKind.ENVIRONMENT, ON, (Assign(0, Constant(4)),))
    spin = Step("spin", StepKind.REACTION, ON, (), unit=0)

    def with_steps(*steps, **changes):
        return dataclasses.replace(LAMP, steps=steps, **changes)

    assert "time cannot pass" in verdict(with_steps(PUSH, held), Never(FALSE)).backing
    assert "v would be 4, it holds 0..3" in verdict(with_steps(PUSH, FALL, wrong), Never(FALSE)).backing
    assert "for ever in no time" in verdict(with_steps(PUSH, FALL, spin, units=("u",)), Never(FALSE)).backing
    assert verdict(with_steps(PUSH, FALL, wrong), Never(ON)).verdict is Verdict.VIOLATED


def bag(minimum, maximum, when_full=WhenFull.DROP_NEWEST):
    """Numbered messages in an unordered lane; what was delivered last is seen."""
    number = Apply(Operator.LESS, (Read(0), Constant(3)))
    count = Apply(Operator.ADD, (Read(0), TRUE))
    send = Step("send", StepKind.ENVIRONMENT, number, (Send(0, 0, (Read(0),)), Assign(0, count), Start(0, Constant(5))))
    take = Step("take", StepKind.DELIVERY, TRUE, (Assign(1, local(1)),), take=Take(0, Taking.DELIVER), slots=2)
    return System(
        "bag",
        1,
        variables=(Variable("sent", Range(0, 3), 0), Variable("last", Range(-1, 2), -1)),
        timers=(Timer("t", 5),),
        messages=(Message("m", (Field("n", Range(0, 2)),)),),
        lanes=(Lane("l", "n", 0, 0, 3, minimum, maximum, Order.UNORDERED, when_full),),
        steps=(send, take),
    )


def local(slot):
    from verify.system.expression import Local  # noqa: PLC0415 - one use

    return Local(slot)


@pytest.mark.parametrize("delays", [(0, 0), (0, 9), (3, 9), (9, 9)])
def test_unordered_lanes(delays):
    last = [Apply(Operator.EQUAL, (Read(1), Constant(n))) for n in range(3)]
    early = Apply(Operator.AND, (last[2], TimerIs(0, TimerStatus.RUNNING)))
    forms = [Possible(last[2]), Possible(early), Never(last[1]), *(NeverLonger(last[0], Constant(b)) for b in (0, 5))]
    forms += [Within(Apply(Operator.EQUAL, (Read(0), Constant(3))), last[2], Constant(b)) for b in (8, 9, 10)]
    assert len(agrees(bag(*delays), [Property(f"{i}", f) for i, f in enumerate(forms)])) == len(forms)


def test_what_is_not_taken_is_told():
    told = verdict(bag(0, 3, WhenFull.DROP_OLDEST), Never(FALSE))
    assert told.verdict is Verdict.UNDECIDED
    assert "drops its oldest message" in told.backing
    assert "safety only" in verdict(LAMP, Eventually(ON)).backing
    (claim,) = ZoneEngine().check(LAMP, [Property("p", Never(FALSE))], Budget(Limits(states=1)))
    assert "limit of 1 states: no violation in 1 zones" in claim.answer.reason


# ---- the shipped specs


def shipped(pattern):
    for path in sorted(SPECS.glob(pattern)):
        for task in api.load(path).tasks:
            if not task.system.parameters:
                yield task


def as_expected(task, seconds):
    checks = [c for c in task.checks if isinstance(c.property.form, Safety)]
    claims = ZoneEngine().check(task.system, [c.property for c in checks], Budget(Limits(seconds=seconds)))
    for check, claim in zip(checks, claims, strict=True):
        ruling = judge(task.system, check.property, claim)
        assert ruling.verdict is check.expected, (task.scenario, check.property.name, ruling.backing)
    return len(checks)


def test_every_check_of_vrrp():
    assert sum(as_expected(task, 60.0) for task in shipped("vrrp/*.spec")) > 140


LARGE = {"apart", "apart_unlimited", "apart_flap", "delayed"}  # tens of thousands of zones


@pytest.mark.slow
def test_every_check_of_lacp_but_the_largest():
    assert sum(as_expected(task, 300.0) for task in shipped("lacp/*.spec") if task.scenario not in LARGE) > 250


LATE = [x for name in ("never_two", "brief_overlap", "no_overlap") for x in ("--property", name)]


def test_the_command(capsys):
    assert main(["check", "specs/vrrp/pair.spec", "--engine", "zones", "--scenario", "late", *LATE, "-q"]) == 0
    told = capsys.readouterr().out
    assert "3 checks: 1 proved, 2 violated; all as expected" in told


# ---- seeded faults

FAULTS = {
    "a constraint is not carried on": (zone.constrained, "min(old, line[i] + most + more)", "old"),
    "an empty part is none": (zone.constrained, "zone[j][i] + most < 0", "zone[j][i] + most < -1"),
    "a part that is not empty is": (zone.constrained, "zone[j][i] + most < 0", "zone[j][i] + most <= 0"),
    "time does not pass": (zone.delayed, "if len(zone) == 1:", "if True:"),
    "clocks fall below 1": (zone.delayed, "- 1 for i", "for i"),
    "a part of another is any": (zone.includes, "all(a >= b", "any(a >= b"),
    "a tick passes that ends a clock": (zone.passes, "line[0] >= 2", "line[0] >= 1"),
    "clocks do not end at once": (zone.first_to_end, "if clock > first:", "if False:"),
    "clocks end only at once": (zone.first_to_end, "if later is not None:", "if False:"),
    "what ends later ends not later": (zone.first_to_end, "constrained(here, first, clock, -1)", "constrained(here, first, clock, 0)"),
    "equal messages are one": (space.Ticking.__eq__, "and (not isinstance(other, Ticking) or other.clock == self.clock)", ""),
    "a timer is started a tick longer": (space.Space._unmarked, "else (present, value))", "else (present, value + 1))"),
    "a message is due when it can be delivered": (space.next_age, "lane.minimum if age < lane.minimum else lane.maximum", "lane.maximum"),
    "ended timers are stopped": (space.Space._after, "whole[at] = 0", "whole[at] = -1"),
    "ticks wait for nobody": (search.Search._expand, "if discrete.patient:", "if True:"),
    "an observer waits a tick longer": (search.Search._enter, "observer.bound + 1", "observer.bound + 2"),
    "an observer starts again": (search.Search._enter, "if waiting else (present", "if False else (present"),
    "what ends an observer's wait is not seen": (search.Observer.arrives, "self.stops(state, events)", "False"),
    "the next tick changes nothing": (search.Search._enter, "settled = now == calm", "settled = True"),
    "events last": (search.Search._enter, "if self.goals and events and passes(zone):", "if False:"),
    "late is not late": (search.Search._ends, "late = node.waiting and clocks + 1 in ending", "late = False"),
    "time may stop": (engine._stuck, "return next((n.edge for n in found.nodes if n.discrete.state not in alive), None)", "return None"),
    "reactions may go on for ever": (engine._endless_reactions, "return bool(cyclic(len(ahead), ahead.__getitem__))", "return False"),
    "moves need no time": (traces._Path.when, "self.times.apart(run.begun, number, run.ticks, run.ticks)", "pass"),
    "moves may be late": (traces._Path.when, "self.times.apart(run.begun, number, 0, run.ticks - 1)", "pass"),
}


def hand_agrees(test, *given):
    try:
        test(*given)
    except (Convicted, NoTimes, ValueError, IndexError) as problem:
        raise AssertionError from problem


def random_agrees(seed):
    try:
        agrees(*drawn(seed))
    except (Convicted, NoTimes, ValueError, IndexError) as problem:  # what the judge, or the engine itself, sees of a fault
        raise AssertionError from problem


CHECKS = [
    (hand_agrees, test_bounds_are_exact_and_cost_nothing),
    (hand_agrees, test_what_holds_in_the_next_tick_only),
    (hand_agrees, test_what_comes_later_is_seen),
    (hand_agrees, test_equal_messages_are_several),
    (hand_agrees, test_faults_of_the_scenario),
    *((hand_agrees, test_unordered_lanes, d) for d in ((0, 9), (3, 9))),
    *((random_agrees, seed) for seed in range(150)),
]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)


def test_without_a_fault_nothing_is_noticed():
    assert noticed(CHECKS[:60]) is None
