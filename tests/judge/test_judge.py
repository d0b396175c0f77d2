"""Engines that lie are convicted; honest ones are believed."""

import dataclasses

import pytest

from verify.base.budget import Budget
from verify.base.verdict import Verdict
from verify.engines.claim import Claim, Exhausted, Fails, Fault, Faulty, Holds, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import Convicted, judge
from verify.semantics.interpreter import START, TICK, Choice
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Operator, Read, TimerIs, TimerStatus, equal, negation
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    LeadsTo,
    Ltl,
    LtlApply,
    LtlAtom,
    Never,
    NeverLonger,
    Possible,
    Property,
    Until,
    Within,
)
from verify.system.serialise import digest
from verify.system.statement import Assign, Choose, Start
from verify.system.system import Fairness, Step, StepKind, System, Timer, Variable
from verify.trace.trace import Trace

UP, DOWN, PICK, RING, BREAK = range(5)


def at(value):
    return equal(Read(0), Constant(value))


def step(name, guard, *body, kind=StepKind.ENVIRONMENT, urgent=FALSE, slots=0):
    return Step(name, kind, guard, body, urgent, slots=slots)


SYSTEM = System(
    "lamp",
    1,
    variables=(Variable("x", Range(0, 3), 0),),
    timers=(Timer("t", 2, 2),),
    steps=(
        step("up", at(0), Assign(0, TRUE)),
        step("down", at(1), Assign(0, FALSE)),
        step("pick", at(1), Choose(0, 2, 3, TRUE), Assign(0, Apply(Operator.ADD, (FALSE, Read(0)))), slots=1),
        step("ring", TimerIs(0, TimerStatus.EXPIRED), Start(0, Constant(2)), kind=StepKind.TIMEOUT, urgent=TRUE),
    ),
)
FAIR = dataclasses.replace(SYSTEM, fairness=(Fairness("up", (UP,)),))
STRONG = dataclasses.replace(SYSTEM, fairness=(Fairness("pick", (PICK,), strong=True),))
BROKEN = dataclasses.replace(
    SYSTEM, steps=(*SYSTEM.steps, step("break", at(1), Assign(0, Constant(7)), kind=StepKind.REACTION))
)
FORMS = {
    "never": Never(at(1)),
    "never longer": NeverLonger(at(0), Constant(1)),
    "possible": Possible(at(1)),
    "within": Within(None, at(1), Constant(1)),
    "eventually": Eventually(at(1)),
    "eventually always": EventuallyAlways(at(1)),
    "always eventually": AlwaysEventually(at(1)),
    "leads to": LeadsTo(at(0), at(1)),
    "until": Until(at(0), at(1)),
    "until, broken": Until(at(1), at(2)),
    "ltl": Ltl(LtlApply("eventually", (LtlAtom(at(1)),))),
    "ltl, broken": Ltl(LtlApply("until", (LtlAtom(at(1)), LtlAtom(at(2))))),
}


def evidence(system=SYSTEM, **changed):
    return dataclasses.replace(Exhausted("liar", 5, 9, 2, digest(system)), **changed)


def trace(*steps, loop=None):
    """``START`` first; a pair is a step with its picks."""
    made = [Choice(s) if isinstance(s, int) else Choice(s[0], -1, (s[1],)) for s in steps]
    return Trace((Choice(START), *made), loop)


def ruled(form, answer, system=SYSTEM, notes=()):
    return judge(system, Property("p", form), Claim(answer, notes))


def fails(form, given, system=SYSTEM):
    return ruled(form, Fails(given, evidence(system)), system)


# ---- honest claims


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_honest_engine_is_believed(form):
    for system in (SYSTEM, FAIR, STRONG):
        asked = Property("p", form)
        claim = ExplicitEngine().check(system, [asked], Budget())[0]
        ruling = judge(system, asked, claim)
        wanted = {Holds: Verdict.PROVED, Fails: Verdict.VIOLATED}[type(claim.answer)]
        assert ruling.verdict is wanted
        assert ruling.states == claim.answer.evidence.states


def test_honest_lassos_and_traces_by_hand():
    assert fails(Never(at(1)), trace(UP)).verdict is Verdict.VIOLATED
    assert fails(NeverLonger(at(0), TRUE), trace(TICK, TICK)).verdict is Verdict.VIOLATED
    assert fails(Within(None, at(1), TRUE), trace(TICK, TICK)).verdict is Verdict.VIOLATED
    assert fails(Within(at(1), at(0), FALSE), trace(UP, TICK)).verdict is Verdict.VIOLATED
    assert fails(Until(at(0), at(2)), trace(UP)).verdict is Verdict.VIOLATED
    round_ = (TICK, TICK, RING)
    for form in (
        Eventually(at(1)),
        AlwaysEventually(at(1)),
        EventuallyAlways(at(1)),
        LeadsTo(at(0), at(1)),
        Until(at(0), at(1)),
        Ltl(LtlApply("eventually", (LtlAtom(at(1)),))),
    ):
        ruling = fails(form, trace(*round_, loop=0))
        assert ruling.verdict is Verdict.VIOLATED
        assert ruling.run.ticks == 2
    assert fails(EventuallyAlways(at(1)), trace(TICK, UP, DOWN, TICK, RING, loop=0)).verdict is Verdict.VIOLATED


def test_the_rest_of_a_ruling():
    ruling = ruled(Never(FALSE), Holds(evidence()), notes=("a note",))
    assert (ruling.states, ruling.transitions, ruling.depth) == (5, 9, 2)
    assert ruling.notes == ("a note",)
    assert ruling.run is None
    ruling = ruled(Never(FALSE), Unknown("tired", 4, 5, 6))
    assert ruling.verdict is Verdict.UNDECIDED
    assert (ruling.backing, ruling.states, ruling.transitions, ruling.depth) == ("tired", 4, 5, 6)
    assert ruled(Ltl(LtlAtom(TRUE)), Unknown("no")).verdict is Verdict.UNDECIDED


def test_the_vacuous_flag():
    assert ruled(Never(FALSE, at(1)), Holds(evidence(), None, False)).vacuous
    assert not ruled(Never(FALSE, at(1)), Holds(evidence(), None, True)).vacuous
    assert not ruled(Never(FALSE), Holds(evidence(), None, None)).vacuous
    for premise, vacuous in ((at(1), False), (negation(Apply(Operator.AT_MOST, (Read(0), Constant(3)))), True)):
        for form in (
            Never(Apply(Operator.AND, (premise, FALSE)), premise),
            LeadsTo(premise, TRUE),
            Within(premise, TRUE, FALSE),
        ):
            asked = Property("p", form)
            claim = ExplicitEngine().check(SYSTEM, [asked], Budget())[0]
            assert judge(SYSTEM, asked, claim).vacuous is vacuous


# ---- lies about exhaustion


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_exhaustion_of_another_system_convicts(form):
    given = trace(UP) if isinstance(form, Possible) else None
    with pytest.raises(Convicted, match="another system"):
        ruled(form, Holds(evidence(digest=digest(FAIR)), given))


def test_exhaustion_without_a_state_convicts():
    with pytest.raises(Convicted, match="without seeing a state"):
        ruled(Never(FALSE), Holds(evidence(states=0)))
    with pytest.raises(Convicted, match="without seeing a state"):
        ruled(Possible(at(1)), Fails(None, evidence(states=0)))
    with pytest.raises(Convicted, match="another system"):
        ruled(Possible(at(1)), Fails(None, evidence(digest="")))


def test_possible_without_a_witness_convicts():
    with pytest.raises(Convicted, match="without a witness"):
        ruled(Possible(at(1)), Holds(evidence()))


@pytest.mark.parametrize("form", [f for f in FORMS.values() if not isinstance(f, Possible)])
def test_a_violation_without_a_trace_convicts(form):
    with pytest.raises(Convicted, match="without a trace"):
        ruled(form, Fails(None, evidence()))


def test_a_witness_that_shows_nothing_convicts():
    with pytest.raises(Convicted, match="does not witness"):
        ruled(Possible(at(2)), Holds(evidence(), trace(UP)))
    with pytest.raises(Convicted, match="does not witness"):
        ruled(Never(FALSE), Holds(evidence(), trace(UP)))
    with pytest.raises(Convicted, match="cannot be replayed"):
        ruled(Possible(at(1)), Holds(evidence(), trace(DOWN)))
    with pytest.raises(Convicted, match="does not witness"):
        ruled(Possible(at(1)), Holds(evidence(BROKEN), trace(UP, 4)), BROKEN)


# ---- forged traces


@pytest.mark.parametrize(
    "given",
    [
        Trace(()),
        Trace((Choice(UP),)),
        Trace((Choice(START), Choice(START))),
        Trace((Choice(START, 0),)),
        Trace((Choice(START, -1, (0,)),)),
        trace(DOWN),
        trace(UP, UP),
        trace(TICK, TICK, TICK),
        trace(RING),
        trace(17),
        trace(-3),
        trace(UP, PICK),
        trace(UP, (PICK, 1)),
        trace(UP, (PICK, 4)),
        trace((UP, 0)),
        Trace((Choice(START), Choice(UP, 0))),
        Trace((Choice(START), Choice(TICK, -1, (0,)))),
        trace(UP, loop=2),
        trace(UP, loop=-1),
    ],
)
def test_an_impossible_trace_convicts(given):
    for form in (Never(TRUE), Until(FALSE, FALSE), Eventually(FALSE)):
        with pytest.raises(Convicted, match="cannot be replayed"):
            fails(form, given)
    with pytest.raises(Convicted, match="cannot be replayed"):
        ruled(Never(FALSE), Faulty(Fault.TIMELOCK, given, evidence()))


def test_a_trace_that_goes_on_after_an_error_convicts():
    with pytest.raises(Convicted, match="ended in an error"):
        fails(Never(TRUE), trace(UP, 4, TICK), BROKEN)


def test_a_trace_that_ends_in_an_error_is_no_violation():
    with pytest.raises(Convicted, match="ends in an error"):
        fails(Never(at(1)), trace(UP, 4), BROKEN)


@pytest.mark.parametrize(
    ("form", "given"),
    [
        (Never(at(2)), trace(UP)),
        (NeverLonger(at(0), TRUE), trace(TICK)),
        (NeverLonger(at(0), TRUE), trace(TICK, UP, DOWN, TICK)),
        (Within(None, at(1), TRUE), trace(TICK, UP)),
        (Within(None, at(1), TRUE), trace(UP, DOWN, TICK, TICK)),
        (Within(at(1), at(0), FALSE), trace(TICK, UP)),
        (Within(at(0), at(0), FALSE), trace(TICK, TICK)),
        (Until(at(0), at(1)), trace(UP, DOWN, TICK)),
        (Until(at(0), at(2)), trace(TICK)),
        (Eventually(at(1)), trace(TICK)),
        (AlwaysEventually(at(1)), trace(TICK, TICK)),
        (EventuallyAlways(at(1)), trace(TICK, TICK)),
        (LeadsTo(at(0), at(1)), trace(TICK, TICK)),
        (Possible(at(2)), trace(UP)),
        (Ltl(LtlAtom(at(0))), trace(UP)),
        (Ltl(LtlApply("eventually", (LtlAtom(at(2)),))), trace(TICK)),
    ],
)
def test_a_trace_that_violates_nothing_convicts(form, given):
    with pytest.raises(Convicted, match="does not violate"):
        fails(form, given)


# ---- forged lassos


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (trace(TICK, TICK, loop=0), "does not close"),
        (trace(TICK, loop=1), "does not close"),
        (trace(loop=0), "does not close"),
        (trace(UP, DOWN, loop=0), "no time passes"),
    ],
)
def test_a_lasso_that_is_no_endless_run_convicts(given, why):
    for form in (
        Eventually(at(2)),
        Until(TRUE, at(2)),
        EventuallyAlways(at(2)),
        AlwaysEventually(at(2)),
        LeadsTo(at(0), at(2)),
        Ltl(LtlApply("eventually", (LtlAtom(at(2)),))),
    ):
        with pytest.raises(Convicted, match=why):
            fails(form, given)


def test_an_unfair_lasso_convicts():
    waiting = trace(TICK, TICK, RING, loop=0)
    with pytest.raises(Convicted, match="not fair to up"):
        fails(Eventually(at(1)), waiting, FAIR)
    assert fails(Eventually(at(1)), waiting, STRONG).verdict is Verdict.VIOLATED
    blinking = trace(UP, DOWN, TICK, TICK, RING, loop=0)
    with pytest.raises(Convicted, match="not fair to pick"):
        fails(Eventually(at(2)), blinking, STRONG)
    assert fails(Eventually(at(2)), blinking, FAIR).verdict is Verdict.VIOLATED
    # enabled for ever from some point on, and weak
    weak = dataclasses.replace(SYSTEM, fairness=(Fairness("pick", (PICK,)),))
    staying = trace(UP, TICK, TICK, RING, loop=1)
    with pytest.raises(Convicted, match="not fair to pick"):
        fails(Eventually(at(2)), staying, weak)
    assert fails(Eventually(at(2)), blinking, weak).verdict is Verdict.VIOLATED


@pytest.mark.parametrize(
    "form",
    [
        Eventually(at(1)),
        AlwaysEventually(at(1)),
        EventuallyAlways(Apply(Operator.AT_MOST, (Read(0), TRUE))),
        LeadsTo(at(0), at(1)),
        LeadsTo(at(3), at(2)),
        Until(at(0), at(1)),
        Ltl(LtlApply("always", (LtlApply("eventually", (LtlAtom(at(1)),)),))),
        Never(at(2)),
        Possible(at(1)),
    ],
)
def test_a_lasso_that_does_not_violate_convicts(form):
    with pytest.raises(Convicted, match="does not violate"):
        fails(form, trace(UP, DOWN, TICK, TICK, RING, loop=0))


def test_until_is_not_violated_by_a_lasso_on_which_hold_breaks_after_the_goal():
    with pytest.raises(Convicted, match="does not violate"):
        fails(Until(at(0), at(1)), trace(UP, TICK, TICK, RING, loop=1))


def test_a_formula_that_may_still_come_true_is_not_lost_by_a_finite_trace():
    waits = Ltl(LtlApply("until", (LtlAtom(at(0)), LtlAtom(at(2)))))
    with pytest.raises(Convicted, match="does not violate"):
        fails(waits, trace(TICK))
    assert fails(waits, trace(UP)).verdict is Verdict.VIOLATED
    assert fails(waits, trace(TICK, TICK, RING, loop=0)).verdict is Verdict.VIOLATED


# ---- faults


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_that_the_trace_does_not_show_convicts(fault):
    for given in (trace(), trace(UP), trace(TICK, TICK, RING, loop=0), trace(UP, DOWN, loop=0), trace(UP, loop=1)):
        with pytest.raises(Convicted, match="does not show"):
            ruled(Never(FALSE), Faulty(fault, given, evidence()))


def test_an_error_is_no_livelock_deadlock_or_timelock():
    for fault in (Fault.LIVELOCK, Fault.DEADLOCK, Fault.TIMELOCK):
        for loop in (None, 0, 1, 2):
            with pytest.raises(Convicted, match="does not show"):
                ruled(Never(FALSE), Faulty(fault, trace(UP, 4, loop=loop), evidence(BROKEN)), BROKEN)
    ruling = ruled(Never(FALSE), Faulty(Fault.FAILURE, trace(UP, 4), evidence(BROKEN)), BROKEN)
    assert ruling.verdict is Verdict.INVALID
    assert ruling.backing == "an error is reachable: x would be 7, it holds 0..3"


def test_a_forged_livelock_through_a_tick_convicts():
    reacting = dataclasses.replace(SYSTEM, steps=(step("r", at(0), Assign(0, FALSE), kind=StepKind.REACTION),))
    assert (
        ruled(Never(FALSE), Faulty(Fault.LIVELOCK, trace(0, loop=0), evidence()), reacting).verdict is Verdict.INVALID
    )
    with pytest.raises(Convicted, match="does not show"):
        ruled(Never(FALSE), Faulty(Fault.LIVELOCK, trace(TICK, 0, loop=0), evidence()), reacting)
    calm = dataclasses.replace(reacting, timers=())
    with pytest.raises(Convicted, match="does not show"):
        ruled(Never(FALSE), Faulty(Fault.LIVELOCK, trace(TICK, 0, loop=0), evidence()), calm)
