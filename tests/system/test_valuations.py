"""Open parameters by enumeration."""

import pytest

from verify.passes.valuations import MOST, close, close_property, closed_expression, valuations
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Boolean, Enumeration, Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Operator, Read, Rigid, equal
from verify.system.property import Never, NeverLonger, Property, Within
from verify.system.statement import Assign, Choose, Either, If, Start
from verify.system.system import Lane, Parameter, Step, StepKind, System, Timer, Variable


def opened(*domains, assume=(), **more):
    parameters = tuple(Parameter(f"p{i}", d) for i, d in enumerate(domains))
    return System("w", 1, parameters=parameters, assumptions=assume, **more)


def op(operator, *arguments):
    return Apply(operator, arguments)


def test_all_in_order():
    found = valuations(opened(Range(-1, 1), Boolean(), Enumeration("E", ("a", "b"))))
    assert found.all == tuple((a, b, c) for a in (-1, 0, 1) for b in (0, 1) for c in (0, 1))
    assert found.total == 12
    assert not found.too_many


def test_no_parameters_are_one_valuation():
    assert valuations(opened()).all == ((),)
    assert valuations(opened(assume=(FALSE,))).all == ()


def test_assumptions_choose():
    less = op(Operator.LESS, Rigid(0), Rigid(1))
    even = equal(op(Operator.MODULO, op(Operator.ADD, Rigid(0), Rigid(1)), Constant(2)), FALSE)
    found = valuations(opened(Range(0, 3), Range(0, 3), assume=(less, even)))
    assert found.all == ((0, 2), (1, 3))
    assert found.total == 16


def test_assumptions_that_nothing_satisfies():
    found = valuations(opened(Range(0, 3), assume=(op(Operator.LESS, Rigid(0), FALSE),)))
    assert found.all == ()
    assert found.total == 4
    assert not found.too_many


@pytest.mark.parametrize(("high", "many"), [(MOST - 1, False), (MOST, True)])
def test_more_than_most_are_not_enumerated(high, many):
    found = valuations(opened(Range(0, high), Range(5, 5), assume=(equal(Rigid(0), FALSE),)))
    assert found.total == high + 1
    assert found.too_many is many
    assert found.all == (() if many else ((0, 5),))


def test_astronomically_many_are_no_effort():
    assert valuations(opened(*[Range(0, 2**40)] * 8)).too_many


def test_an_assumption_may_not_read_the_state():
    with pytest.raises(ValueError, match="parameters only"):
        valuations(opened(Boolean(), assume=(Read(0),)))


def test_closing_reaches_every_corner():
    p, q = Rigid(0), Rigid(1)
    plus = op(Operator.ADD, p, q)
    body = (
        Assign(0, plus),
        If(equal(p, Constant(2)), (Start(0, q),), (Assign(0, p),)),
        Choose(0, 0, 3, equal(Apply(Operator.SUBTRACT, (plus, FALSE)), Constant(5))),
        Either(((Assign(0, p),), (Assign(0, q),))),
    )
    system = opened(
        Range(0, 3),
        Range(0, 3),
        assume=(op(Operator.LESS, p, q),),
        variables=(Variable("x", Range(0, 9), 0),),
        timers=(Timer("t", 9),),
        lanes=(Lane("l", "n", 0, 0, 1, 0, 0, open=equal(p, Constant(2))),),
        steps=(Step("s", StepKind.ENVIRONMENT, equal(p, Read(0)), body, equal(q, Constant(3)), slots=1),),
        initially=(Assign(0, p),),
    )
    closed = close(system, (2, 3))
    assert "Rigid" not in repr(closed)
    assert closed.parameters == closed.assumptions == ()
    assert closed.lanes[0].open == TRUE
    assert closed.steps[0].urgent == TRUE
    assert [o.state for o in Interpreter(closed).initial()] == [(2, -1, ())]
    assert [o.state[:2] for o in Interpreter(closed).outcomes((2, -1, ())) if o.choice.picks[:1] == (0,)] == [
        (2, 3),
        (3, 3),
    ]
    assert system.parameters  # the open one is as it was


def test_closing_a_property_makes_its_bound_a_constant():
    bound = op(Operator.ADD, op(Operator.MULTIPLY, Rigid(0), Constant(3)), Rigid(1))
    for form in (NeverLonger(equal(Read(0), Rigid(0)), bound), Within(None, equal(Read(0), Rigid(0)), bound)):
        closed = close_property(Property("p", form, "text"), (4, 1)).form
        assert closed.bound == Constant(13)
    closed = close_property(Property("p", Never(equal(Rigid(0), Read(0)), Rigid(1))), (4, 1))
    assert closed.form == Never(equal(Constant(4), Read(0)), TRUE)


def test_closing_an_expression_keeps_what_is_not_of_parameters():
    e = op(Operator.IF, equal(Read(0), Rigid(0)), op(Operator.DIVIDE, Rigid(1), Constant(2)), Read(0))
    assert closed_expression(e, (1, 7)) == op(Operator.IF, equal(Read(0), TRUE), Constant(3), Read(0))
