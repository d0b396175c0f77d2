"""Small systems whose transitions are counted by hand."""

import pytest

from verify.semantics.interpreter import START, TICK, Choice, Interpreter, NotEnabled
from verify.system.domain import Boolean, Enumeration, Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Local,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
    equal,
)
from verify.system.statement import (
    Assign,
    Bind,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Stop,
)
from verify.system.system import (
    Event,
    Failure,
    Field,
    Lane,
    Message,
    Order,
    Parameter,
    Rule,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
    WhenFull,
)

ENVIRONMENT, REACTION, TIMEOUT, DELIVERY = (
    StepKind.ENVIRONMENT,
    StepKind.REACTION,
    StepKind.TIMEOUT,
    StepKind.DELIVERY,
)
EXPIRED = TimerIs(0, TimerStatus.EXPIRED)


def number(value):
    return Constant(value)


def at(value, variable=0):
    return equal(Read(variable), Constant(value))


def op(operator, *arguments):
    return Apply(operator, arguments)


def plus(a, b):
    return op(Operator.ADD, a, b)


def step(*body, guard=TRUE, kind=ENVIRONMENT, urgent=FALSE, **more):
    return Step("s", kind, guard, body, urgent, **more)


def taking(how, *body, guard=TRUE, urgent=FALSE, lane=0, slots=2):
    kind = DELIVERY if how is Taking.DELIVER else ENVIRONMENT
    return Step(how.value, kind, guard, body, urgent, Take(lane, how), slots=slots)


def world(*steps, variables=1, timers=(), lanes=(), high=3, **more):
    kept = tuple(Variable(f"x{i}", Range(0, high), 0) for i in range(variables))
    messages = (Message("m", (Field("f", Range(0, 3)),)), Message("n", (Field("f", Range(0, 3)),)))
    return System(
        "w",
        1,
        variables=kept,
        timers=timers,
        lanes=lanes,
        messages=messages,
        steps=steps,
        units=("u0", "u1"),
        events=(Event("e"), Event("d")),
        rules=(Rule("r", None), Rule("q", None)),
        **more,
    )


def lane(capacity=3, minimum=0, maximum=2, order=Order.FIFO, when_full=WhenFull.ERROR, gate=TRUE):  # noqa: PLR0913 - as many as a lane has
    return Lane("l", "n", 0, 1, capacity, minimum, maximum, order, when_full, gate)


def after(system, state, *, step=None):
    """The states that follow, of one step or of all, None for an error; in the interpreter's order."""
    return [o.state for o in Interpreter(system).outcomes(state) if step is None or o.choice.step == step]


def only(system, state, step=0):
    (found,) = (o for o in Interpreter(system).outcomes(state) if o.choice.step == step)
    return found


def ticks(system, state):
    return any(o.choice.step == TICK for o in Interpreter(system).outcomes(state))


def beginning(system):
    return [o.state for o in Interpreter(system).initial()]


# ---- the beginning


def test_the_initial_state():
    system = System(
        "w",
        1,
        variables=(Variable("b", Boolean(), 1), Variable("c", Enumeration("E", ("a", "b", "c")), 2)),
        timers=(Timer("t", 5), Timer("u", 5, 0), Timer("v", 5, 5)),
        lanes=(lane(),),
    )
    (first,) = Interpreter(system).initial()
    assert first.state == (1, 2, -1, 0, 5, ())
    assert first.choice == Choice(START)


def test_initially_runs_once_in_order_before_atomic_reactions():
    react = step(Assign(1, number(2)), guard=at(1), kind=REACTION, unit=0)
    begin = (Assign(0, plus(Read(0), TRUE)), Start(0, Read(0)), If(at(1), (Assign(2, Read(0)),)))
    system = world(react, variables=3, timers=(Timer("t", 3),), initially=begin)
    assert beginning(system) == [(1, 0, 1, 1)]
    # with atomic reactions x0 = 1 stays enabled for ever unless the reaction ends it
    done = step(Assign(1, number(2)), Assign(0, FALSE), guard=at(1), kind=REACTION, unit=0)
    atomic = world(done, variables=3, timers=(Timer("t", 3),), initially=begin, atomic=True)
    assert beginning(atomic) == [(0, 2, 1, 1)]


def test_several_initial_states_by_choices_of_atomic_reactions():
    react = step(Choose(0, 1, 3, TRUE), Assign(0, Local(0)), guard=at(0), kind=REACTION, unit=0, slots=1)
    system = world(react, atomic=True)
    found = Interpreter(system).initial()
    assert [o.state for o in found] == [(1,), (2,), (3,)]
    assert [o.choice for o in found] == [Choice(START, -1, (n,)) for n in (1, 2, 3)]


def test_open_parameters_are_refused():
    with pytest.raises(ValueError, match="open"):
        Interpreter(System("w", 1, parameters=(Parameter("p", Boolean()),)))
    with pytest.raises(ValueError, match="open"):
        Interpreter(System("w", 1, parameters=(Parameter("p", Boolean()),), steps=(step(guard=Rigid(0)),)))


# ---- time


def test_a_timer_runs_for_exactly_as_many_ticks_as_it_was_started_for():
    system = world(timers=(Timer("t", 4),))
    state = (0, 3)
    for left in (2, 1, 0, 0, 0):
        (state,) = after(system, state)
        assert state == (0, left)
    assert after(system, (0, -1)) == [(0, -1)]


def test_expired_is_a_level_until_stopped_or_started():
    system = world(step(Stop(0), guard=EXPIRED), step(Start(0, number(2))), timers=(Timer("t", 4),))
    assert after(system, (0, 0)) == [(0, -1), (0, 2), (0, 0)]


def test_starting_for_no_time_expires_now_and_starting_again_replaces():
    system = world(step(Start(0, FALSE)), step(Start(0, number(4))), step(Start(0, number(2))), timers=(Timer("t", 4),))
    for state in ((0, -1), (0, 0), (0, 1), (0, 3)):
        assert after(system, state)[:3] == [(0, 0), (0, 4), (0, 2)]


def test_each_timer_status_holds_exactly_where_it_should():
    for value, which in (
        (-1, TimerStatus.STOPPED),
        (0, TimerStatus.EXPIRED),
        (1, TimerStatus.RUNNING),
        (4, TimerStatus.RUNNING),
    ):
        for status in TimerStatus:
            system = world(step(guard=TimerIs(0, status)), timers=(Timer("t", 4),))
            assert len(after(system, (0, value), step=0)) == (status is which)


@pytest.mark.parametrize(("ticks_", "fits"), [(-1, False), (0, True), (4, True), (5, False)])
def test_a_timer_takes_no_more_than_its_maximum(ticks_, fits):
    found = only(world(step(Start(0, number(ticks_))), timers=(Timer("t", 4),)), (0, -1))
    if fits:
        assert found.state == (0, ticks_)
    else:
        assert found.state is None
        assert found.failed[:5] == (Failure.RANGE, "t", ticks_, 0, 4)


def test_all_timers_and_messages_grow_older_in_one_tick():
    system = world(timers=(Timer("t", 4), Timer("u", 4)), lanes=(lane(), lane(maximum=0)))
    assert after(system, (2, 3, -1, ((0, 0, 1), (2, 0, 1)), ((0, 1, 1),))) == [
        (2, 2, -1, ((1, 0, 1), (2, 0, 1)), ((0, 1, 1),))
    ]


# ---- urgency


@pytest.mark.parametrize("kind", [REACTION, TIMEOUT, ENVIRONMENT])
def test_no_time_passes_where_an_urgent_step_is_enabled(kind):
    system = world(step(Assign(0, TRUE), guard=at(0), kind=kind, urgent=TRUE))
    assert not ticks(system, (0,))
    assert ticks(system, (1,))
    lazy = world(step(Assign(0, TRUE), guard=at(0), kind=kind))
    assert ticks(lazy, (0,))


def test_urgent_is_asked_in_this_state_and_only_of_enabled_steps():
    system = world(step(guard=at(1, 1), urgent=at(2)), variables=2)
    assert ticks(system, (2, 0))
    assert ticks(system, (0, 1))
    assert not ticks(system, (2, 1))


def test_an_urgent_step_that_fails_still_holds_time():
    system = world(step(Assign(0, number(9)), urgent=TRUE))
    assert after(system, (0,)) == [None]


def test_an_urgent_step_does_not_hold_other_steps():
    system = world(step(Assign(0, TRUE), urgent=TRUE), step(Assign(0, number(2))))
    assert after(system, (0,)) == [(1,), (2,)]


def test_delivery_is_urgent_at_the_maximum_delay_only():
    system = world(taking(Taking.DELIVER), lanes=(lane(minimum=1, maximum=2),))
    assert after(system, (0, ((0, 0, 1),))) == [(0, ((1, 0, 1),))]
    assert after(system, (0, ((1, 0, 1),))) == [(0, ()), (0, ((2, 0, 1),))]
    assert after(system, (0, ((2, 0, 1),))) == [(0, ())]
    refused = world(taking(Taking.DELIVER, guard=at(1)), lanes=(lane(minimum=1, maximum=2),))
    assert after(refused, (0, ((2, 0, 1),))) == [(0, ((2, 0, 1),))]


def test_loss_is_urgent_only_where_it_says_so():
    system = world(taking(Taking.LOSE), lanes=(lane(),))
    assert ticks(system, (0, ((2, 0, 1),)))
    system = world(taking(Taking.LOSE, urgent=at(1)), lanes=(lane(),))
    assert ticks(system, (0, ((2, 0, 1),)))
    assert not ticks(system, (1, ((0, 0, 1),)))
    assert ticks(system, (1, ()))


def test_a_delivery_with_an_urgent_expression_is_urgent_where_it_holds():
    system = world(taking(Taking.DELIVER, urgent=at(1)), lanes=(lane(),))
    assert ticks(system, (0, ((0, 0, 1),)))
    assert not ticks(system, (0, ((2, 0, 1),)))
    assert not ticks(system, (1, ((0, 0, 1),)))


def test_a_tick_is_allowed_where_the_transitions_say_so():
    system = world(taking(Taking.DELIVER), step(guard=at(1), urgent=TRUE), lanes=(lane(),))
    inner = Interpreter(system)
    for state in ((0, ()), (1, ()), (0, ((1, 0, 0),)), (0, ((2, 0, 0),)), (1, ((2, 0, 0),))):
        assert inner.tick_allowed(state) == ticks(system, state)
        assert bool(inner.outcomes_of(state, TICK)) == ticks(system, state)


# ---- lanes


def test_fifo_delivers_its_head_only():
    system = world(taking(Taking.DELIVER, Assign(0, Local(1))), lanes=(lane(),))
    held = ((1, 0, 2), (0, 0, 3))
    assert after(system, (0, held), step=0) == [(2, ((0, 0, 3),))]


def test_fifo_waits_for_a_head_that_is_too_young():
    system = world(taking(Taking.DELIVER), lanes=(lane(minimum=1),))
    assert after(system, (0, ((0, 0, 2), (2, 0, 3))), step=0) == []


def test_unordered_delivers_any_that_is_old_enough_and_equal_copies_once():
    system = world(taking(Taking.DELIVER, Assign(0, Local(1))), lanes=(lane(4, 1, 2, Order.UNORDERED),))
    held = ((1, 0, 1), (1, 0, 1), (1, 0, 3), (0, 0, 2))
    assert after(system, (0, held), step=0) == [(1, held[1:]), (3, (*held[:2], held[3]))]
    assert [o.choice.position for o in Interpreter(system).outcomes((0, held))] == [0, 2, -1]


def test_loss_takes_any_position_of_any_age():
    held = ((0, 0, 1), (0, 0, 1), (0, 1, 1))
    fifo = world(taking(Taking.LOSE), lanes=(lane(3, 1),))
    assert after(fifo, (0, held), step=0) == [(0, held[1:]), (0, (held[0], held[2])), (0, held[:2])]
    bag = world(taking(Taking.LOSE), lanes=(lane(3, 1, order=Order.UNORDERED),))
    assert after(bag, (0, held), step=0) == [(0, held[1:]), (0, held[:2])]


def test_a_copy_stands_right_behind_with_the_same_age():
    system = world(taking(Taking.COPY, Duplicate(0)), lanes=(lane(4),))
    held = ((2, 0, 1), (1, 0, 2))
    assert after(system, (0, held), step=0) == [(0, (held[0], *held)), (0, (*held, held[1]))]


def test_a_copy_that_does_not_duplicate_leaves_the_lane_alone():
    system = world(taking(Taking.COPY, Assign(0, Local(1))), lanes=(lane(4),))
    assert after(system, (0, ((2, 0, 3),)), step=0) == [(3, ((2, 0, 3),))]


@pytest.mark.parametrize(
    ("policy", "order", "wanted"),
    [
        (WhenFull.ERROR, Order.FIFO, None),
        (WhenFull.WAIT, Order.FIFO, None),
        (WhenFull.DROP_NEWEST, Order.FIFO, ((2, 0, 1), (1, 0, 2))),
        (WhenFull.DROP_OLDEST, Order.FIFO, ((1, 0, 2), (0, 0, 0))),
        (WhenFull.DROP_NEWEST, Order.UNORDERED, ((2, 0, 1), (1, 0, 2))),
        (WhenFull.DROP_OLDEST, Order.UNORDERED, ((1, 0, 2), (0, 0, 0))),
    ],
)
def test_a_send_into_a_full_lane(policy, order, wanted):
    system = world(step(Send(0, 0, (FALSE,))), lanes=(lane(2, 0, 2, order, policy),))
    found = only(system, (0, ((2, 0, 1), (1, 0, 2))))
    if wanted is None:
        assert found.state is None
        assert found.failed.failure is Failure.FULL_LANE
        assert found.failed.subject == "l"
    else:
        assert found.state == (0, wanted)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (WhenFull.ERROR, [None, None]),
        (WhenFull.DROP_NEWEST, [((2, 0, 1), (1, 0, 2)), ((2, 0, 1), (1, 0, 2))]),
        # the oldest goes, even if it is the one that is copied
        (WhenFull.DROP_OLDEST, [((2, 0, 1), (1, 0, 2)), ((1, 0, 2), (1, 0, 2))]),
    ],
)
def test_a_copy_in_a_full_lane(policy, wanted):
    system = world(taking(Taking.COPY, Duplicate(0)), lanes=(lane(2, when_full=policy),))
    found = after(system, (0, ((2, 0, 1), (1, 0, 2))), step=0)
    assert found == [None if w is None else (0, w) for w in wanted]


def test_a_bag_is_kept_sorted_the_oldest_first():
    system = world(step(Send(0, 1, (TRUE,))), lanes=(lane(4, 0, 2, Order.UNORDERED),))
    held = ((2, 1, 0), (0, 0, 3), (0, 1, 2))
    assert only(system, (0, held)).state == (0, ((2, 1, 0), (0, 0, 3), (0, 1, 1), (0, 1, 2)))
    # ages that meet at the maximum make an equal bag
    aged = world(lanes=(lane(4, 0, 2, Order.UNORDERED),))
    assert after(aged, (0, ((2, 1, 0), (1, 0, 3)))) == [(0, ((2, 0, 3), (2, 1, 0)))]


def test_a_bag_does_not_depend_on_the_order_of_sends():
    both = [step(Send(0, 0, (number(a),)), Send(0, 0, (number(b),))) for a, b in ((1, 2), (2, 1))]
    assert len({s for s in after(world(*both, lanes=(lane(4, order=Order.UNORDERED),)), (0, ())) if s[1]}) == 1
    assert len({s for s in after(world(*both, lanes=(lane(4),)), (0, ())) if s[1]}) == 2


def test_a_closed_lane_swallows_what_is_sent_unchecked():
    system = world(
        step(Send(0, 0, (number(9),))), step(Assign(0, TRUE), Send(0, 0, (number(2),))), lanes=(lane(1, gate=at(1)),)
    )
    assert after(system, (0, ())) == [(0, ()), (1, ((0, 0, 2),)), (0, ())]
    # full does not matter either
    assert after(system, (0, ((1, 0, 1),)), step=0) == [(0, ((1, 0, 1),))]


def test_clear_empties_and_what_was_taken_is_gone_before():
    system = world(
        step(Clear(0)),
        taking(Taking.DELIVER, Assign(0, Count(0)), Send(0, 1, (Local(1),))),
        lanes=(lane(2),),
    )
    held = ((1, 0, 1), (0, 0, 2))
    assert after(system, (0, held), step=0) == [(0, ())]
    assert after(system, (0, held), step=1) == [(1, ((0, 0, 2), (0, 1, 1)))]


def test_count_and_due():
    guards = [equal(Count(0), number(n)) for n in range(4)]
    system = world(*(step(guard=g) for g in guards), step(guard=Due(0)), lanes=(lane(),))

    def enabled(held):
        return [o.choice.step for o in Interpreter(system).outcomes((0, held)) if o.choice.step != TICK]

    assert enabled(()) == [0]
    assert enabled(((1, 0, 0), (2, 0, 0))) == [2]
    assert enabled(((2, 0, 0), (1, 0, 0))) == [2, 4]
    bag = world(step(guard=Due(0)), lanes=(lane(order=Order.UNORDERED),))
    assert len(after(bag, (0, ((2, 0, 0), (1, 0, 0))), step=0)) == 1
    assert len(after(bag, (0, ((1, 0, 0),)), step=0)) == 0


def test_a_guard_may_read_the_message():
    wanted = op(Operator.AND, equal(Local(0), TRUE), op(Operator.LESS, Local(1), Read(0)))
    system = world(taking(Taking.LOSE, Assign(0, Local(1)), guard=wanted), lanes=(lane(),))
    held = ((0, 0, 1), (0, 1, 1), (0, 1, 3))
    assert after(system, (2, held), step=0) == [(1, (held[0], held[2]))]
    assert after(system, (1, held), step=0) == []
    fifo = world(taking(Taking.DELIVER, guard=equal(Local(1), number(3))), lanes=(lane(),))
    assert after(fifo, (2, held), step=0) == []


def test_a_guard_that_reads_the_message_decides_about_urgency():
    system = world(taking(Taking.DELIVER, guard=equal(Local(1), number(3))), lanes=(lane(),))
    assert ticks(system, (0, ((2, 0, 1),)))
    assert not ticks(system, (0, ((2, 0, 3),)))


def test_kinds_of_messages_with_different_numbers_of_fields():
    messages = (Message("a", ()), Message("b", (Field("f", Range(0, 3)), Field("g", Range(0, 3)))))
    body = If(equal(Local(0), TRUE), (Assign(0, plus(Local(1), Local(2))),))
    system = System(
        "w",
        1,
        variables=(Variable("x", Range(0, 6), 0),),
        messages=messages,
        lanes=(lane(),),
        steps=(Step("d", DELIVERY, TRUE, (body, Bind(3, Read(0))), FALSE, Take(0, Taking.DELIVER), slots=4),),
    )
    assert after(system, (0, ((0, 0),)), step=0) == [(0, ())]
    assert after(system, (0, ((0, 1, 2, 3),)), step=0) == [(5, ())]


# ---- choices


def test_choose_goes_from_low_to_high_where_it_may():
    odd = equal(op(Operator.MODULO, Local(0), number(2)), TRUE)
    system = world(step(Choose(0, -3, 3, odd), Assign(0, op(Operator.MAXIMUM, Local(0), FALSE)), slots=1))
    found = [o for o in Interpreter(system).outcomes((0,)) if o.choice.step == 0]
    assert [o.choice.picks for o in found] == [(-3,), (-1,), (1,), (3,)]
    assert [o.state for o in found] == [(0,), (0,), (1,), (3,)]


def test_choices_in_a_row_are_ordered_by_the_first_and_see_what_was_done():
    body = (
        Choose(0, 0, 1, TRUE),
        Either(((Assign(0, Local(0)),), (), (Assign(0, number(3)),))),
        Choose(1, 0, 3, op(Operator.LESS, Local(1), Read(0))),
        Assign(1, plus(Local(1), Local(0))),
    )
    found = [o for o in Interpreter(world(step(*body, slots=2), variables=2)).outcomes((1, 0)) if o.choice.step == 0]
    assert [o.choice.picks for o in found] == [
        (0, 0),  # x0 = 0: nothing is less
        (0, 1, 0),
        (0, 2, 0),
        (0, 2, 1),
        (0, 2, 2),
        (1, 0, 0),
        (1, 1, 0),
        (1, 2, 0),
        (1, 2, 1),
        (1, 2, 2),
    ]
    assert found[0].failed.failure is Failure.CHOICE
    assert [o.state for o in found[1:]] == [(1, 0), (3, 0), (3, 1), (3, 2), (1, 1), (1, 1), (3, 1), (3, 2), (3, 3)]


def test_an_empty_choice_is_an_error():
    for low, high, where in ((1, 0, TRUE), (0, 3, FALSE)):
        found = only(world(step(Choose(0, low, high, where), slots=1)), (0,))
        assert found.state is None
        assert found.failed.failure is Failure.CHOICE


def test_nothing_of_one_choice_is_left_in_another():
    body = (
        Bind(1, FALSE),
        Choose(0, 0, 1, TRUE),
        If(equal(Local(0), FALSE), (Bind(1, number(3)),)),
        Assign(0, Local(1)),
    )
    assert after(world(step(*body, slots=2)), (0,), step=0) == [(3,), (0,)]


def test_bound_locals_and_events_and_rules():
    system = world(
        step(Mark(1), Bind(0, number(2)), Assign(0, Local(0)), If(at(2), (Occur(1), Mark(0)), (Occur(0),)), slots=1)
    )
    found = only(system, (0,))
    assert (found.state, found.events, found.rules) == ((2,), frozenset({1}), (1, 0))


def test_a_choice_is_applied_or_not_enabled():
    system = world(step(Choose(0, 1, 2, TRUE), Assign(0, Local(0)), guard=at(0), slots=1))
    inner = Interpreter(system)
    assert inner.apply((0,), Choice(0, -1, (2,))).state == (2,)
    for wrong in (Choice(0), Choice(0, -1, (3,)), Choice(0, 0, (1,)), Choice(0, -1, (1, 1)), Choice(1), Choice(-7)):
        with pytest.raises(NotEnabled):
            inner.apply((0,), wrong)
    with pytest.raises(NotEnabled):
        inner.apply((2,), Choice(0, -1, (2,)))


# ---- values


@pytest.mark.parametrize(("value", "fits"), [(-1, False), (0, True), (3, True), (4, False)])
def test_a_value_outside_the_domain_ends_the_run(value, fits):
    found = only(world(step(Assign(0, number(value)))), (1,))
    sent = only(world(step(Send(0, 1, (number(value),))), lanes=(lane(),)), (1, ()))
    if fits:
        assert found.state == (value,)
        assert sent.state == (1, ((0, 1, value),))
    else:
        assert found.state is sent.state is None
        assert found.failed[:5] == (Failure.RANGE, "x0", value, 0, 3)
        assert sent.failed[:5] == (Failure.RANGE, "n.f", value, 0, 3)


def test_effects_see_those_before_them_and_an_error_stops_at_once():
    system = world(
        step(Assign(0, TRUE), Assign(1, plus(Read(0), TRUE)), Assign(0, number(4)), Assign(1, number(5))), variables=2
    )
    assert only(system, (0, 0)).failed.value == 4
    system = world(step(Assign(0, Read(1)), Assign(1, Read(0))), variables=2)
    assert only(system, (1, 2)).state == (2, 2)


def test_truth_values_are_stored_as_numbers():
    for expression in (at(0), op(Operator.NOT, at(1)), op(Operator.LESS, Read(0), TRUE), EXPIRED, Due(0)):
        system = world(step(Assign(0, expression)), timers=(Timer("t", 1),), lanes=(lane(),))
        state = only(system, (0, 0, ((2, 0, 0),))).state
        assert type(state[0]) is int
        assert state[0] == 1


def value_of(expression, state=(0,)):
    system = System("w", 1, variables=(Variable("x", Range(-(10**9), 10**9), 0),), steps=(step(Assign(0, expression)),))
    return only(system, state).state[0]


@pytest.mark.parametrize(
    ("a", "b", "quotient", "rest"),
    [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1), (-6, 3, -2, 0), (0, -5, 0, 0), (1, -5, -1, -4)],
)
def test_division_rounds_down_and_the_rest_has_the_sign_of_the_divisor(a, b, quotient, rest):
    assert value_of(op(Operator.DIVIDE, number(a), number(b))) == quotient
    assert value_of(op(Operator.MODULO, number(a), number(b))) == rest
    assert value_of(op(Operator.DIVIDE, Read(0), number(b)), (a,)) == quotient
    assert value_of(op(Operator.MODULO, number(a), Read(0)), (b,)) == rest


def test_what_is_not_asked_for_is_not_computed():
    wrong = equal(op(Operator.DIVIDE, TRUE, Read(0)), TRUE)  # divides by 0
    assert value_of(op(Operator.AND, FALSE, wrong)) == 0
    assert value_of(op(Operator.OR, TRUE, wrong)) == 1
    assert value_of(op(Operator.AND, TRUE, FALSE, wrong)) == 0
    assert value_of(op(Operator.IF, TRUE, number(5), wrong)) == 5
    assert value_of(op(Operator.IF, FALSE, wrong, number(6))) == 6
    for expression in (op(Operator.AND, wrong, FALSE), op(Operator.OR, wrong, TRUE)):
        with pytest.raises(ZeroDivisionError):
            value_of(expression)


# ---- depth


def nested(depth, make, inner=None):
    expression = Read(0) if inner is None else inner
    for _ in range(depth):
        expression = make(expression)
    return expression


@pytest.mark.parametrize("depth", [1, 59, 60, 61, 119, 120, 121, 500])
def test_deep_expressions(depth):
    assert value_of(nested(depth, lambda e: plus(e, TRUE)), (7,)) == 7 + depth
    assert value_of(nested(depth, lambda e: op(Operator.SUBTRACT, TRUE, e)), (7,)) == (7 if depth % 2 == 0 else -6)
    assert value_of(nested(depth, lambda e: op(Operator.NOT, e), at(7)), (7,)) == (depth + 1) % 2
    assert value_of(nested(depth, lambda e: op(Operator.MAXIMUM, e, number(3))), (7,)) == 7
    chain = nested(depth, lambda e: op(Operator.IF, at(1), TRUE, e), FALSE)
    assert value_of(chain, (1,)) == 1
    assert value_of(chain, (2,)) == 0
    condition = nested(depth, lambda e: op(Operator.IF, e, FALSE, TRUE), at(7))
    assert value_of(condition, (7,)) == (depth + 1) % 2


def test_long_expressions():
    assert value_of(op(Operator.ADD, *[Read(0)] * 3000), (2,)) == 6000
    assert value_of(op(Operator.OR, *[at(n) for n in range(3000)]), (2999,)) == 1
    assert value_of(op(Operator.MINIMUM, *[number(n) for n in range(3000)], Read(0)), (-5,)) == -5
    assert value_of(op(Operator.AND, *[at(4)] * 3000), (4,)) == 1


# ---- atomic reactions


def reaction(guard, *body, unit=0, **more):
    return step(*body, guard=guard, kind=REACTION, urgent=TRUE, unit=unit, **more)


def test_reactions_are_no_transitions_and_run_with_the_step_before():
    steps = (
        step(Assign(0, TRUE), Occur(0), Mark(0), guard=at(0)),
        reaction(at(1), Assign(0, number(2)), Occur(1), Mark(1)),
        reaction(at(2), Assign(0, number(3))),
    )
    system = world(*steps, atomic=True)
    inner = Interpreter(system)
    found = only(system, (0,))
    assert found == (Choice(0), (3,), frozenset({0, 1}), None, (0, 1))
    assert inner.outcomes_of((1,), 1) == []
    assert not inner.enabled((1,), 1)
    # the same without: each is a step of its own
    plain = world(*steps)
    assert after(plain, (0,)) == [(1,), (0,)]
    assert after(plain, (1,)) == [(2,)]


def test_the_first_reaction_in_text_order_runs_again_from_the_start():
    steps = (
        step(Assign(0, TRUE), guard=at(0)),
        reaction(at(3), Assign(1, number(3)), Assign(0, FALSE)),
        reaction(at(1), Assign(0, number(3))),
        reaction(at(1), Assign(0, number(2))),
    )
    assert only(world(*steps, variables=2, atomic=True), (0, 0)).state == (0, 3)


def test_a_tick_is_settled_as_well():
    system = world(
        reaction(op(Operator.AND, at(0), EXPIRED), Assign(0, TRUE), Stop(0)), timers=(Timer("t", 2),), atomic=True
    )
    assert after(system, (0, 2)) == [(0, 1)]
    assert after(system, (0, 1)) == [(1, -1)]


def test_choices_within_settling_belong_to_the_transition():
    pick = reaction(at(1), Choose(0, 2, 3, TRUE), Assign(0, Local(0)), slots=1)
    system = world(step(Either(((), (Assign(0, TRUE),))), guard=at(0)), pick, timers=(Timer("t", 2),), atomic=True)
    found = Interpreter(system).outcomes((0, -1))
    assert [(o.choice.picks, o.state) for o in found] == [
        ((0,), (0, -1)),
        ((1, 2), (2, -1)),
        ((1, 3), (3, -1)),
        ((), (0, -1)),
    ]
    # a tick may be several transitions
    late = reaction(op(Operator.AND, at(0), EXPIRED), Choose(0, 2, 3, TRUE), Assign(0, Local(0)), slots=1)
    found = Interpreter(world(late, timers=(Timer("t", 2),), atomic=True)).outcomes((0, 1))
    assert [(o.choice, o.state) for o in found] == [(Choice(TICK, -1, (2,)), (2, 0)), (Choice(TICK, -1, (3,)), (3, 0))]


def test_a_unit_that_comes_back_is_a_livelock():
    two = (reaction(at(1), Assign(0, number(2))), reaction(at(2), Assign(0, TRUE)))
    found = only(world(step(Assign(0, TRUE), guard=at(0)), *two, atomic=True), (0,))
    assert found.state is None
    assert found.failed[:2] == (Failure.LIVELOCK, "u0")
    found = only(world(step(Assign(0, TRUE), guard=at(0)), reaction(at(1), Assign(0, TRUE), unit=1), atomic=True), (0,))
    assert found.failed[:2] == (Failure.LIVELOCK, "u1")


def test_an_error_within_settling_ends_the_transition():
    system = world(step(Assign(0, TRUE), guard=at(0)), reaction(at(1), Assign(0, number(4))), atomic=True)
    assert only(system, (0,)).failed.value == 4


def test_each_unit_settles_by_itself():
    steps = (
        step(Assign(0, TRUE), Assign(1, TRUE), guard=at(0)),
        reaction(at(1), Assign(0, number(2))),
        reaction(at(1, 1), Assign(1, number(3)), unit=1),
    )
    assert only(world(*steps, variables=2, atomic=True), (0, 0)).state == (2, 3)


def test_no_reaction_is_left_enabled_after_a_transition():
    """Also where the reaction of one unit enables one of a unit that settled before it."""
    steps = (
        step(Assign(0, TRUE), guard=at(0)),
        reaction(at(1, 1), Assign(1, number(2)), unit=0),
        reaction(op(Operator.AND, at(1), at(0, 1)), Assign(1, TRUE), unit=1),
    )
    assert only(world(*steps, variables=2, atomic=True), (0, 0)).state == (1, 2)


def test_a_message_sent_is_part_of_what_a_reaction_changed():
    """A reaction that counts what it sent is at rest after the second: the lane is different each time."""
    send = reaction(op(Operator.AND, at(1), op(Operator.LESS, Count(0), number(2))), Send(0, 0, (FALSE,)))
    system = world(step(Assign(0, TRUE), guard=at(0)), send, lanes=(lane(),), atomic=True)
    assert only(system, (0, ())).state == (1, ((0, 0, 0), (0, 0, 0)))


def test_no_events_in_the_initial_state_whatever_reactions_ran():
    (first,) = Interpreter(world(reaction(at(0), Assign(0, TRUE), Occur(0)), atomic=True)).initial()
    assert (first.state, first.events) == ((1,), frozenset())


def test_a_reaction_that_could_never_run_is_refused():
    for wrong in (reaction(at(0), unit=None), reaction(at(0), take=Take(0, Taking.DELIVER))):
        with pytest.raises(ValueError, match="reaction"):
            Interpreter(world(wrong, lanes=(lane(),), atomic=True))


# ---- whole systems


def count(system):
    inner = Interpreter(system)
    waiting = [o.state for o in inner.initial()]
    seen, transitions = set(), 0
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            found = inner.outcomes(state)
            transitions += len(found)
            waiting += [o.state for o in found if o.state is not None]
    return len(seen), transitions


def test_counts_of_a_cyclic_timer():
    # 3, 2, 1 to go, then expired, which is urgent: four states, one transition each
    system = world(step(Start(0, number(3)), guard=EXPIRED, kind=TIMEOUT, urgent=TRUE), timers=(Timer("t", 3, 3),))
    assert count(system) == (4, 4)


def test_counts_of_a_lane_with_a_window():
    # one message of age 0, 1 or 2, or none. From none: send, tick. Age 0: tick. Age 1: deliver, tick. Age 2: deliver.
    system = world(
        step(Send(0, 0, (FALSE,)), guard=equal(Count(0), FALSE)), taking(Taking.DELIVER), lanes=(lane(1, 1, 2),)
    )
    assert count(system) == (4, 2 + 1 + 2 + 1)


def test_counts_of_two_in_a_bag_and_in_a_queue():
    # Two messages a, b of no delay, sent at once at most once each while x0 tells which were sent.
    sends = [
        step(Send(0, 0, (FALSE,)), Assign(0, TRUE), guard=at(0)),
        step(Send(0, 1, (FALSE,)), Assign(1, TRUE), guard=at(0, 1)),
    ]
    # bag: each is unsent, on its way or delivered, on its own: 9 states
    bag = world(*sends, taking(Taking.DELIVER), variables=2, lanes=(lane(2, 0, 0, Order.UNORDERED),))
    # sends: 3 + 3; deliveries: 3 + 3; ticks where nothing is on its way: 4
    assert count(bag) == (9, 6 + 6 + 4)
    # queue: one more state, the other order of both; deliveries from each of the two orders: the head only
    queue = world(*sends, taking(Taking.DELIVER), variables=2, lanes=(lane(2, 0, 0),))
    assert count(queue) == (10, 6 + (2 + 2 + 1 + 1) + 4)
