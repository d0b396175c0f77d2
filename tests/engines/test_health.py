"""What is wrong with a scenario as such: errors, livelocks, deadlocks, timelocks; and the note on Zeno runs."""

from verify.base.budget import Budget
from verify.base.verdict import Verdict
from verify.engines.claim import Fails, Fault, Faulty, Holds
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import judge
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
    equal,
    negation,
)
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    LeadsTo,
    Never,
    Possible,
    Property,
    Until,
    Within,
)
from verify.system.statement import Assign, Choose, Either, Occur, Send, Start
from verify.system.system import Event, Lane, Message, Step, StepKind, System, Timer, Variable

ENVIRONMENT, REACTION, TIMEOUT = StepKind.ENVIRONMENT, StepKind.REACTION, StepKind.TIMEOUT


def at(value, variable=0):
    return equal(Read(variable), Constant(value))


def step(kind, guard, *body, urgent=FALSE, **more):
    return Step(f"{kind.value} {more.pop('name', '')}".strip(), kind, guard, body, urgent, **more)


def world(*steps, high=3, **more):
    return System("w", 1, variables=(Variable("x", Range(0, high), 0),), steps=steps, units=("u",), **more)


def asked(system, form=None):
    """The engine's claim, and the verdict of the judge on it."""
    question = Property("p", form or Never(FALSE))
    claim = ExplicitEngine().check(system, [question], Budget())[0]
    return claim, judge(system, question, claim)


def trace_of(claim):
    return [c.step for c in claim.answer.trace.choices]


def fault_of(claim):
    assert isinstance(claim.answer, Faulty), claim
    return claim.answer.fault


def test_a_healthy_system_has_neither_faults_nor_notes():
    claim, ruling = asked(world(step(ENVIRONMENT, at(0), Assign(0, TRUE))))
    assert isinstance(claim.answer, Holds)
    assert claim.notes == ()
    assert (ruling.states, ruling.transitions, ruling.depth) == (2, 3, 1)


def test_deadlock_is_where_an_urgent_step_leads_nowhere():
    claim, ruling = asked(
        world(step(ENVIRONMENT, at(0), Assign(0, TRUE)), step(ENVIRONMENT, at(1), Either(()), urgent=TRUE))
    )
    assert fault_of(claim) is Fault.DEADLOCK
    assert trace_of(claim) == [-2, 0]
    assert ruling.verdict is Verdict.INVALID


def test_an_urgent_step_that_only_fails_is_an_error_and_no_deadlock():
    claim, ruling = asked(world(step(ENVIRONMENT, at(0), Assign(0, Constant(9)), urgent=TRUE)))
    assert fault_of(claim) is Fault.FAILURE
    assert "x would be 9" in ruling.backing


def test_timelock_by_an_urgent_step_that_changes_nothing():
    claim, ruling = asked(
        world(step(ENVIRONMENT, at(0), Assign(0, TRUE)), step(ENVIRONMENT, at(1), Assign(0, TRUE), urgent=TRUE))
    )
    assert fault_of(claim) is Fault.TIMELOCK
    assert ruling.verdict is Verdict.INVALID
    assert trace_of(claim) == [-2, 0]


def test_timelock_by_a_timer_restarted_for_no_time():
    expired = TimerIs(0, TimerStatus.EXPIRED)
    system = world(step(TIMEOUT, expired, Start(0, FALSE), urgent=TRUE), timers=(Timer("t", 2, 2),))
    claim, _ = asked(system)
    assert fault_of(claim) is Fault.TIMELOCK
    assert trace_of(claim) == [-2, -1, -1]


def test_no_timelock_where_the_urgent_cycle_can_be_left():
    system = world(
        step(ENVIRONMENT, at(0), Assign(0, TRUE), urgent=TRUE),
        step(ENVIRONMENT, at(1), Assign(0, FALSE), urgent=TRUE),
        step(ENVIRONMENT, at(1), Assign(0, Constant(2)), urgent=TRUE),
    )
    claim, _ = asked(system)
    assert isinstance(claim.answer, Holds)
    assert len(claim.notes) == 1
    assert "Zeno" in claim.notes[0]


def test_zeno_runs_are_a_note():
    system = world(
        step(ENVIRONMENT, at(0), Assign(0, TRUE), name="up"), step(ENVIRONMENT, at(1), Assign(0, FALSE), name="down")
    )
    claim, ruling = asked(system)
    assert isinstance(claim.answer, Holds)
    assert ruling.notes == claim.notes
    assert len(claim.notes) == 1
    assert "environment up, environment down" in claim.notes[0]


def test_a_step_that_takes_time_before_it_repeats_is_no_zeno_run():
    expired = TimerIs(0, TimerStatus.EXPIRED)
    system = world(step(TIMEOUT, expired, Start(0, TRUE), urgent=TRUE), timers=(Timer("t", 1, 1),))
    claim, _ = asked(system)
    assert isinstance(claim.answer, Holds)
    assert claim.notes == ()


def test_livelock_of_one_reaction():
    claim, ruling = asked(
        world(step(ENVIRONMENT, at(0), Assign(0, TRUE)), step(REACTION, at(1), Assign(0, TRUE), urgent=TRUE, unit=0))
    )
    assert fault_of(claim) is Fault.LIVELOCK
    assert trace_of(claim) == [-2, 0, 1]
    assert claim.answer.trace.loop == 1
    assert ruling.verdict is Verdict.INVALID


def test_livelock_of_two_reactions_though_a_third_could_end_it():
    claim, _ = asked(
        world(
            step(ENVIRONMENT, at(0), Assign(0, TRUE)),
            step(REACTION, at(1), Assign(0, Constant(2)), urgent=TRUE, unit=0),
            step(REACTION, at(2), Assign(0, TRUE), urgent=TRUE, unit=0),
            step(REACTION, at(2), Assign(0, Constant(3)), urgent=TRUE, unit=0),
        )
    )
    assert fault_of(claim) is Fault.LIVELOCK
    assert trace_of(claim) == [-2, 0, 1, 2]
    assert claim.answer.trace.loop == 1


def test_reactions_that_come_to_rest_are_no_livelock():
    claim, _ = asked(
        world(
            step(ENVIRONMENT, at(0), Assign(0, TRUE)),
            step(REACTION, at(1), Assign(0, Constant(2)), urgent=TRUE, unit=0),
            step(REACTION, at(2), Assign(0, Constant(3)), urgent=TRUE, unit=0),
        )
    )
    assert isinstance(claim.answer, Holds)


def test_livelock_of_atomic_reactions():
    steps = (
        step(ENVIRONMENT, at(0), Assign(0, TRUE)),
        step(REACTION, at(1), Assign(0, Constant(2)), urgent=TRUE, unit=0),
        step(REACTION, at(2), Assign(0, TRUE), urgent=TRUE, unit=0),
    )
    claim, ruling = asked(world(*steps, atomic=True))
    assert fault_of(claim) is Fault.LIVELOCK
    assert trace_of(claim) == [-2, 0]
    assert claim.answer.trace.loop is None
    assert "never come to rest" in ruling.backing


def test_livelock_in_the_very_beginning():
    claim, ruling = asked(world(step(REACTION, at(0), Assign(0, FALSE), urgent=TRUE, unit=0), atomic=True))
    assert fault_of(claim) is Fault.LIVELOCK
    assert trace_of(claim) == [-2]
    assert ruling.states == 0


def test_errors_make_every_question_faulty_that_is_not_violated():
    system = world(
        step(ENVIRONMENT, TRUE, Assign(0, Apply(Operator.ADD, (Read(0), TRUE)))),
        high=2,
    )
    for form in (
        Never(at(3)),
        Possible(at(3)),
        Until(TRUE, at(0)),
        LeadsTo(at(3), FALSE),
        Within(None, TRUE, Constant(0)),
        AlwaysEventually(TRUE),
    ):
        claim, ruling = asked(system, form)
        assert fault_of(claim) is Fault.FAILURE, form
        assert trace_of(claim) == [-2, 0, 0, 0]
        assert ruling.verdict is Verdict.INVALID
        assert "x would be 3, it holds 0..2" in ruling.backing


def test_a_violation_beside_an_error_stays_one_and_so_does_a_witness():
    system = world(step(ENVIRONMENT, TRUE, Assign(0, Apply(Operator.ADD, (Read(0), TRUE)))), high=2)
    for form in (Never(at(2)), Eventually(at(2)), Within(None, at(1), Constant(3))):
        claim, ruling = asked(system, form)
        assert isinstance(claim.answer, Fails), form
        assert ruling.verdict is Verdict.VIOLATED
    claim, ruling = asked(system, Possible(at(2)))
    assert isinstance(claim.answer, Holds)
    assert ruling.verdict is Verdict.PROVED
    assert ruling.run.steps == 2


def test_a_violation_beside_a_livelock_stays_one():
    system = world(step(REACTION, at(0), Assign(0, FALSE), urgent=TRUE, unit=0))
    claim, ruling = asked(system, Never(at(0)))
    assert ruling.verdict is Verdict.VIOLATED
    assert trace_of(claim) == [-2]


def test_the_nearest_error_is_told():
    system = world(
        step(ENVIRONMENT, at(0), Assign(0, TRUE)),
        step(ENVIRONMENT, at(1), Choose(0, 1, 0, TRUE), slots=1),
        step(ENVIRONMENT, at(1), Assign(0, Constant(2))),
        step(ENVIRONMENT, at(2), Assign(0, Constant(8))),
    )
    claim, ruling = asked(system)
    assert trace_of(claim) == [-2, 0, 1]
    assert "nothing to choose" in ruling.backing


def test_a_full_lane_is_an_error():
    system = world(
        step(ENVIRONMENT, TRUE, Send(0, 0, ())),
        messages=(Message("m", ()),),
        lanes=(Lane("l", "n", 0, 0, 2, 0, 0),),
    )
    claim, ruling = asked(system)
    assert fault_of(claim) is Fault.FAILURE
    assert trace_of(claim) == [-2, 0, 0, 0]
    assert "full lane l (capacity 2)" in ruling.backing


def test_an_error_in_the_beginning_is_one():
    system = world(initially=(Assign(0, Constant(4)),))
    claim, ruling = asked(system)
    assert fault_of(claim) is Fault.FAILURE
    assert trace_of(claim) == [-2]
    assert (ruling.states, ruling.transitions) == (0, 0)


def test_what_atomic_reactions_do_before_the_first_state_is_no_event_of_it():
    """Predicates see no events in the initial state; the engine and the judge agree about that."""
    system = System(
        "w",
        1,
        variables=(Variable("x", Range(0, 1), 0),),
        events=(Event("e"),),
        steps=(step(REACTION, at(0), Assign(0, TRUE), Occur(0), urgent=TRUE, unit=0),),
        units=("u",),
        atomic=True,
    )
    assert asked(system, Never(Occurred(0)))[1].verdict is Verdict.PROVED
    _, ruling = asked(system, Never(negation(Occurred(0))))
    assert ruling.verdict is Verdict.VIOLATED
    assert ruling.run.steps == 0
    assert asked(system, Possible(Occurred(0)))[1].verdict is Verdict.VIOLATED
    assert asked(system, Eventually(Occurred(0)))[1].verdict is Verdict.VIOLATED
