"""The encoding says what the interpreter says: expressions, initial states, every transition, delays."""

import random

import pytest
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from siblings import sibling

from verify.engines.symbolic.effects import Unsupported, value
from verify.engines.symbolic.layout import Layout
from verify.engines.symbolic.terms import lifted, number
from verify.engines.symbolic.transitions import Transitions
from verify.semantics.expressions import evaluator
from verify.semantics.interpreter import START, TICK, Choice, Interpreter
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Count, Due, Local, Operator, Read
from verify.system.statement import Assign, Bind, Choose, Clear, Duplicate, Either, If, Occur, Send, Start, Stop
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
CALM = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
NONE = frozenset()
BEYOND = "beyond what was unrolled"
MOST_WAYS = 300


def closed(layout, term, values):
    pairs = [
        (c, z3.BoolVal(bool(v)) if d.boolean else z3.IntVal(v))
        for c, d, v in zip(layout.constants, layout.components, values, strict=True)
    ]
    return z3.simplify(z3.substitute(lifted(term), pairs))


def plain(term):
    if z3.is_bool(term):
        assert z3.is_true(term) or z3.is_false(term)
        return int(z3.is_true(term))
    return term.as_long()


def ways(layout, move, values, more=()):
    """Every way to make a move from the state with these values: (choice, values or failure or BEYOND)."""
    solver = z3.Solver()
    solver.add(closed(layout, move.enabled, values), closed(layout, move.allowed, values), *more)
    picks = [(closed(layout, c, values), i) for c, i in move.picks]
    beyond = closed(layout, move.beyond, values)
    failures = [(closed(layout, c, values), f.value, name) for c, f, name in move.failures]
    state = [closed(layout, t, values) for t in layout.flat(move.state)]
    found = []
    while solver.check() == z3.sat:
        assert len(found) < MOST_WAYS
        model = solver.model()

        def of(term, model=model):
            return plain(model.eval(term, model_completion=True))

        made = [i for c, i in picks if of(c)]
        choice = Choice(move.step, move.position, tuple(of(i) for i in made))
        failed = next(((f, name) for c, f, name in failures if of(c)), None)
        if failed is not None:
            found.append((choice, failed))
        else:
            found.append((choice, BEYOND if of(beyond) else [of(t) for t in state]))
        solver.add(z3.Not(z3.And(*[c == bool(of(c)) for c, _ in picks], *[i == of(i) for i in made])))
        if not picks:
            break
    return found


def answers(layout, move, values, more=()):
    """Every way to make a move from the state with these values: (choice, state or failure or BEYOND, events)."""
    return [
        (choice, after, NONE) if not isinstance(after, list) else (choice, layout.plain(after, ()), events_in(layout, after))
        for choice, after in ways(layout, move, values, more)
    ]


def events_in(layout, values):
    return frozenset(c.at[0] for c, v in zip(layout.components, values, strict=True) if c.group == "event" and v)


def told(outcome):
    if outcome.failed is None:
        return outcome.choice, outcome.state, outcome.events
    return outcome.choice, (outcome.failed.failure.value, outcome.failed.subject), NONE


def expected(outcomes):
    found = []
    for o in outcomes:
        choice, state, events = told(o)
        if o.failed is not None and o.failed.failure.value == "an urgent livelock":
            state = BEYOND
        found.append((choice, state, events))
    return found


def agree(found, wanted, *, atomic):
    if (
        atomic
    ):  # the order of errors and of what was not unrolled may differ; what is no error is told alike, or not at all
        beyond = {c for c, s, _ in found if s == BEYOND}
        wanted = [(c, BEYOND, NONE) if c in beyond else (c, s, e) for c, s, e in wanted]
    assert sorted(map(repr, found)) == sorted(map(repr, wanted))


def walk(system, seed, steps, *, patient=False):
    """States met by chance; ``patient``: mostly by letting time pass."""
    interpreter = Interpreter(system)
    draw = random.Random(seed)
    states = []
    alive = [o.state for o in interpreter.initial() if o.state is not None]
    while alive and len(states) < steps:
        states.append(draw.choice(alive))
        made = [o for o in interpreter.outcomes(states[-1]) if o.state is not None]
        ticks = [o for o in made if o.choice.step == TICK]
        alive = [o.state for o in (ticks if patient and ticks and draw.random() < 0.7 else made)]
    return interpreter, states


def transitions_agree(system, seed, steps=6, *, patient=False):
    layout = Layout(system, range(len(system.events)))
    transitions = Transitions(layout)
    interpreter, states = walk(system, seed, steps, patient=patient)
    begun = answers(layout, transitions.initial, [0] * len(layout.components))
    agree(begun, expected(interpreter.initial()), atomic=system.atomic)
    for index, state in enumerate(states):
        # what occurred before changes nothing
        values = layout.values(state, frozenset(range(len(system.events) if index % 2 else 0)))
        assert layout.plain(values, ()) == state
        shape = closed(layout, z3.And(*map(lifted, layout.shape())), values)
        assert z3.is_true(shape)
        found = [x for m in transitions.moves for x in answers(layout, m, values)]
        found += answers(layout, transitions.tick, values, [transitions.delay == 1])
        agree(found, expected(interpreter.outcomes(state)), atomic=system.atomic)
        delays_agree(layout, transitions, interpreter, state)


def delays_agree(layout, transitions, interpreter, state, most=4):
    """A delay of d is d ticks; and the passing states agree on what is enabled."""
    tick = transitions.tick
    for length in range(2, most + 1):
        found = answers(layout, tick, layout.values(state), [transitions.delay == length])
        for _, after, _ in found:
            if after == BEYOND or (isinstance(after, tuple) and len(after) == 2 and isinstance(after[0], str)):
                continue
            way = [state]
            for _ in range(length):
                assert interpreter.tick_allowed(way[-1])
                (outcome,) = interpreter.outcomes_of(way[-1], TICK)
                assert outcome.state is not None
                way.append(outcome.state)
            assert way[-1] == after
            steps = [{o.choice for o in interpreter.outcomes(s)} for s in way[:-1]]
            assert all({c.step for c in s} == {c.step for c in steps[0]} for s in steps)


@CALM
@given(st.data())
def test_transitions_of_random_systems(data):
    system, _ = RANDOM.random_system(RANDOM.Drawn(data.draw))
    try:
        transitions_agree(system, data.draw(st.integers(0, 10**6)))
    except Unsupported:
        return


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_transitions_of_seeded_systems(start):
    for seed in range(start, start + 20):
        system, _ = RANDOM.random_system(RANDOM.Seeded(random.Random(seed)))
        try:
            transitions_agree(system, seed, 4)
        except Unsupported:
            continue


@CALM
@given(st.data())
def test_expressions(data):
    system, makers = RANDOM.random_system(RANDOM.Drawn(data.draw))
    layout = Layout(system, range(len(system.events)))
    _, states = walk(system, data.draw(st.integers(0, 10**6)), 4)
    expression = data.draw(st.sampled_from([makers.number, makers.truth]))(3)
    term = number(value(expression, layout, layout.state()))
    for state in states:
        wanted = int(evaluator(expression, system)(state, (), NONE))
        assert plain(closed(layout, term, layout.values(state))) == wanted


def test_division_rounds_toward_minus_infinity():
    for operator, python in ((Operator.DIVIDE, int.__floordiv__), (Operator.MODULO, int.__mod__)):
        a, b = Variable("a", Range(-9, 9), 0), Variable("b", Range(-9, 9), 1)
        steps = tuple(
            Step("any", StepKind.ENVIRONMENT, TRUE, (Assign(v, Constant(1)), Assign(v, Constant(0)))) for v in (0, 1)
        )
        system = System("s", 1, variables=(a, b), steps=steps)
        layout = Layout(system)
        layout.fixed.variables.clear()
        term = value(Apply(operator, (Read(0), Read(1))), layout, layout.state())
        for x in range(-9, 10):
            for y in (-4, -3, -1, 1, 2, 5):
                assert plain(closed(layout, term, [x, y])) == python(x, y)


def lanes_system(order, full, capacity, minimum, maximum, *, taken=True):  # noqa: PLR0913
    lane = Lane("l", "n", 0, 0, capacity, minimum, maximum, order, full)
    send = Step("send", StepKind.ENVIRONMENT, TRUE, (Either(((Send(0, 0, ()),), (Send(0, 1, ()),))),))
    take = Step("take", StepKind.DELIVERY, TRUE, (), take=Take(0, Taking.DELIVER), slots=1)
    lose = Step("lose", StepKind.ENVIRONMENT, TRUE, (), take=Take(0, Taking.LOSE), slots=1)
    copy = Step("copy", StepKind.ENVIRONMENT, TRUE, (Duplicate(0),), take=Take(0, Taking.COPY), slots=1)
    messages = (Message("a", ()), Message("b", ()))
    return System("s", 1, timers=(Timer("t", 3, 2),), messages=messages, lanes=(lane,), steps=(send, *((take,) if taken else ()), lose, copy))


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("full", list(WhenFull))
def test_lanes(order, full):
    for capacity, minimum, maximum in ((1, 0, 0), (2, 0, 2), (3, 1, 2)):
        transitions_agree(lanes_system(order, full, capacity, minimum, maximum), 1, 25)


def old_bag_agrees():
    """Of two messages in a bag the younger comes to the oldest age, and stands first there."""
    system = lanes_system(Order.UNORDERED, WhenFull.DROP_NEWEST, 2, 0, 1, taken=False)
    layout, state = Layout(system), (2, ((1, 1), (0, 0)))
    transitions = Transitions(layout)
    found = answers(layout, transitions.tick, layout.values(state), [transitions.delay == 1])
    agree(found, expected(Interpreter(system).outcomes_of(state, TICK)), atomic=False)


def test_a_bag_that_grows_old():
    old_bag_agrees()


def reactions_agree():
    """Of two reactions that are enabled the first one runs."""
    is_one = Apply(Operator.EQUAL, (Read(0), Constant(1)))
    go = Step("go", StepKind.ENVIRONMENT, TRUE, (Assign(0, Constant(1)),))
    first, second = (Step(f"to {n}", StepKind.REACTION, is_one, (Assign(0, Constant(n)),), TRUE, unit=0) for n in (2, 0))
    variables = (Variable("v", Range(0, 2), 0),)
    transitions_agree(System("s", 1, variables=variables, steps=(go, first, second), units=("u",), atomic=True), 0, 3)


def test_the_first_reaction_runs():
    reactions_agree()


def by_hand_system():
    """Every statement, with values inside and outside of what they may be, under conditions and without."""
    v, w, local = Read(0), Read(1), Local(0)

    def apply(operator, *arguments):
        return Apply(operator, tuple(Constant(a) if isinstance(a, int) else a for a in arguments))

    def step(name, *body, guard=TRUE, urgent=FALSE):
        return Step(name, StepKind.ENVIRONMENT, guard, body, urgent, slots=3)

    is_two = apply(Operator.EQUAL, v, 2)
    steps = (
        step("set", Choose(0, -1, 5, TRUE), Assign(0, local)),
        step("start", Choose(0, -1, 5, TRUE), Start(0, local)),
        step("send", Choose(0, 0, 3, TRUE), Send(0, 0, (local,))),
        step("empty", Choose(0, 1, 3, apply(Operator.LESS, local, v)), Assign(1, apply(Operator.SUBTRACT, local, 2))),
        step("fork", If(is_two, (Bind(0, Constant(1)), Stop(0), Occur(0)), (Bind(0, Constant(-1)), Occur(1))), Assign(1, local)),
        step("late", If(is_two, (Assign(1, Constant(9)),), (Assign(2, Constant(1)),))),
        step("later", If(is_two, (Assign(2, Constant(0)),), (Start(0, Constant(7)),))),
        step("again", Occur(0), If(is_two, (Occur(0),), ())),
        step("any", Either(((Assign(1, Constant(0)),), (Assign(1, Constant(1)), Stop(0)), (Clear(0),)))),
        step("quotient", Assign(1, apply(Operator.DIVIDE, apply(Operator.SUBTRACT, v, 2), -2)), guard=apply(Operator.LESS, w, 2)),
        step("floor", Assign(1, apply(Operator.DIVIDE, apply(Operator.SUBTRACT, v, 2), 2))),
        step("rest", Assign(1, apply(Operator.MODULO, v, -2))),
        step("least", Assign(1, apply(Operator.MINIMUM, v, 2, w))),
        step("most", Assign(1, apply(Operator.MINIMUM, apply(Operator.MAXIMUM, v, 2), 2))),
        step("number", Assign(2, FALSE), guard=apply(Operator.IF, is_two, -1, 0)),
        step("difference", Assign(2, TRUE), guard=apply(Operator.SUBTRACT, v, 2)),
        step("pressing", Assign(1, Constant(0)), guard=apply(Operator.EQUAL, w, 2), urgent=apply(Operator.LESS, v, 3)),
        Step("take", StepKind.DELIVERY, apply(Operator.AT_MOST, Local(1), v), (Assign(1, Local(1)),), take=Take(0, Taking.DELIVER), slots=2),
        Step("due", StepKind.ENVIRONMENT, Due(0), (Start(0, Count(0)),)),
    )
    gate = apply(Operator.NOT, apply(Operator.EQUAL, v, 3))
    return System(
        "by hand",
        1,
        variables=(Variable("v", Range(1, 3), 2), Variable("w", Range(-1, 2), 0), Variable("b", Range(0, 1), 1)),
        timers=(Timer("t", 3, 2),),
        messages=(Message("m", (Field("f", Range(1, 2)),)),),
        lanes=(Lane("l", "n", 0, 0, 2, 0, 2, Order.FIFO, WhenFull.DROP_OLDEST, gate),),
        events=(Event("e"), Event("f")),
        steps=steps,
        initially=(Assign(0, Constant(1)), Start(0, Constant(3))),
    )


@pytest.mark.parametrize("seed", range(2))
def test_by_hand(seed):
    transitions_agree(by_hand_system(), seed, 10)


def test_a_choice_among_no_branches_is_refused():
    system = System("s", 1, steps=(Step("none", StepKind.ENVIRONMENT, TRUE, (Either(()),)),))
    with pytest.raises(Unsupported, match="no branches"):
        Transitions(Layout(system))


def test_a_choice_too_wide_is_refused():
    wide = Choose(0, 0, 10**6, Apply(Operator.LESS, (Local(0), Constant(3))))
    system = System("s", 1, steps=(Step("wide", StepKind.ENVIRONMENT, TRUE, (wide,), slots=1),))
    with pytest.raises(Unsupported, match="1,000,001 values"):
        Transitions(Layout(system))


def test_initial_choice_is_the_start():
    layout = Layout(System("s", 1))
    assert Transitions(layout).initial.step == START
