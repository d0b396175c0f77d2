"""Expressions against an evaluator that is as plain as can be, and against what folding and bounds say of them."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from verify.semantics.expressions import evaluator
from verify.system.build import apply, bounds, is_rigid, weigh
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Local,
    Occurred,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
    conditional,
    conjunction,
    disjunction,
    equal,
    negation,
)
from verify.system.system import Event, Lane, Order, System, Timer, Variable

LOW, HIGH = -4, 5
SYSTEM = System(
    "w",
    1,
    variables=tuple(Variable(f"x{i}", Range(LOW, HIGH), 0) for i in range(3)),
    timers=(Timer("t", 3), Timer("u", 3)),
    lanes=(Lane("l", "n", 0, 1, 2, 0, 2), Lane("k", "n", 0, 1, 2, 0, 1, Order.UNORDERED)),
    events=(Event("e"), Event("d")),
)


def naive(e, state, slots, occurred):  # noqa: C901
    """By recursion and the words of the definitions."""
    at = lambda x: naive(x, state, slots, occurred)  # noqa: E731
    match e:
        case Constant(value):
            return value
        case Read(variable):
            return state[variable]
        case Local(slot):
            return slots[slot]
        case TimerIs(timer, status):
            left = state[3 + timer]
            word = "stopped" if left == -1 else "expired" if left == 0 else "running"
            return 1 if word == status.value else 0
        case Count(lane):
            return len(state[5 + lane])
        case Due(lane):
            held = state[5 + lane]
            next_ = held[:1] if lane == 0 else held
            return 1 if [m for m in next_ if m[0] == (2, 1)[lane]] else 0
        case Occurred(event):
            return 1 if event in occurred else 0
    first, *rest = e.arguments
    match e.operator:
        case Operator.AND:
            return 0 if at(first) == 0 else 1 if not rest else at(Apply(Operator.AND, tuple(rest)))
        case Operator.OR:
            return 1 if at(first) == 1 else 0 if not rest else at(Apply(Operator.OR, tuple(rest)))
        case Operator.IF:
            return at(rest[0]) if at(first) == 1 else at(rest[1])
        case Operator.NOT:
            return 1 - at(first)
    values = [at(a) for a in e.arguments]
    a, b = values[0], values[-1]
    match e.operator:
        case Operator.ADD:
            total = 0
            for v in values:
                total += v
            return total
        case Operator.SUBTRACT:
            return a - b
        case Operator.MULTIPLY:
            total = 1
            for v in values:
                total *= v
            return total
        case Operator.DIVIDE:
            return math.floor(a / b)
        case Operator.MODULO:
            return a - b * math.floor(a / b)
        case Operator.MINIMUM:
            return min(values)
        case Operator.MAXIMUM:
            return max(values)
        case Operator.EQUAL:
            return 1 if a == b else 0
        case Operator.LESS:
            return 1 if a < b else 0
        case Operator.AT_MOST:
            return 0 if b < a else 1
    raise AssertionError(e)


constants = st.integers(-5, 6).map(Constant)
divisors = st.integers(-4, 4).filter(bool).map(Constant) | st.just(Apply(Operator.ADD, (Constant(2), Count(0))))


def expressions(leaves):
    """Strategies for numbers and for truth values, over leaves (numbers, truths); each as deep as hypothesis likes."""
    numbers, truths = leaves

    def bigger(inner):
        number, truth = inner.map(lambda p: p[0]), inner.map(lambda p: p[1])
        several = st.lists(number, min_size=1, max_size=4).map(tuple)
        truths_ = st.lists(truth, min_size=1, max_size=4).map(tuple)
        arithmetic = st.one_of(
            st.builds(
                Apply, st.sampled_from([Operator.ADD, Operator.MULTIPLY, Operator.MINIMUM, Operator.MAXIMUM]), several
            ),
            st.builds(Apply, st.just(Operator.SUBTRACT), st.tuples(number, number)),
            st.builds(Apply, st.sampled_from([Operator.DIVIDE, Operator.MODULO]), st.tuples(number, divisors)),
            st.builds(Apply, st.just(Operator.IF), st.tuples(truth, number, number)),
            truth,
        )
        logic = st.one_of(
            st.builds(
                Apply, st.sampled_from([Operator.EQUAL, Operator.LESS, Operator.AT_MOST]), st.tuples(number, number)
            ),
            st.builds(Apply, st.sampled_from([Operator.AND, Operator.OR]), truths_),
            st.builds(Apply, st.just(Operator.NOT), st.tuples(truth)),
            st.builds(Apply, st.just(Operator.IF), st.tuples(truth, truth, truth)),
        )
        return st.tuples(arithmetic, logic)

    return st.recursive(st.tuples(numbers, truths), bigger, max_leaves=12)


whole = expressions(
    (
        constants | st.integers(0, 2).map(Read) | st.integers(0, 1).map(Local) | st.integers(0, 1).map(Count),
        st.sampled_from([TRUE, FALSE])
        | st.builds(TimerIs, st.integers(0, 1), st.sampled_from(list(TimerStatus)))
        | st.integers(0, 1).map(Due)
        | st.integers(0, 1).map(Occurred),
    )
)
message = st.integers(0, 2)
places = st.tuples(
    st.tuples(
        *[st.integers(LOW, HIGH)] * 3,
        *[st.integers(-1, 3)] * 2,
        st.lists(message.map(lambda age: (age, 0)), max_size=2).map(tuple),
        st.lists(message.map(lambda age: (min(age, 1), 0)), max_size=2).map(tuple),
    ),
    st.tuples(st.integers(LOW, HIGH), st.integers(LOW, HIGH)),
    st.frozensets(st.integers(0, 1)),
)


def interval(leaf):
    assert isinstance(leaf, Read | Local)
    return LOW, HIGH


@settings(max_examples=250)
@given(whole, st.lists(places, min_size=1, max_size=4))
def test_an_expression_has_the_value_of_its_definition_and_lies_in_its_bounds(pair, where):
    for e in pair:
        function = evaluator(e, SYSTEM)
        low, high = bounds(e, interval)
        for place in where:
            value = naive(e, *place)
            assert function(*place) == value
            assert low <= value <= high


def rebuilt(e):
    """The expression made again from its parts by what folds."""
    if not isinstance(e, Apply):
        return e
    arguments = [rebuilt(a) for a in e.arguments]
    match e.operator:
        case Operator.AND:
            return conjunction(*arguments)
        case Operator.OR:
            return disjunction(*arguments)
        case Operator.NOT:
            return negation(*arguments)
        case Operator.EQUAL:
            return equal(*arguments)
        case Operator.IF:
            return conditional(*arguments)
    return apply(e.operator, *arguments)


def applied(e):
    return apply(e.operator, *map(applied, e.arguments)) if isinstance(e, Apply) else e


@settings(max_examples=250)
@given(whole, st.lists(places, min_size=1, max_size=4))
def test_folding_changes_no_value_and_makes_nothing_larger(pair, where):
    for e in pair:
        for folded in (rebuilt(e), applied(e)):
            assert weigh(folded)[0] <= weigh(e)[0]
            function = evaluator(folded, SYSTEM)
            low, high = bounds(folded, interval)
            for place in where:
                value = naive(e, *place)
                assert function(*place) == value
                assert low <= value <= high


closed = expressions((constants, st.sampled_from([TRUE, FALSE])))
flat = st.sampled_from([LOW, -1, 0, 1, HIGH])


@settings(max_examples=100)
@given(closed)
def test_an_expression_of_constants_alone_folds_to_its_value(pair):
    for e in pair:
        state = (0, 0, 0, -1, -1, (), ())
        if "Count" not in repr(e):
            assert applied(e) == Constant(naive(e, state, (), frozenset()))
            assert is_rigid(e)


def test_bounds_of_division_and_modulo_hold_all_values_of_small_ranges():
    for low in range(-4, 5):
        for high in range(low, 5):
            for c in range(-3, 4):
                for d in range(c, 4):
                    if c == d == 0:
                        continue
                    for operator, compute in (
                        (Operator.DIVIDE, lambda x, y: x // y),
                        (Operator.MODULO, lambda x, y: x % y),
                        (Operator.MULTIPLY, lambda x, y: x * y),
                        (Operator.SUBTRACT, lambda x, y: x - y),
                    ):
                        made = Apply(operator, (Read(0), Read(1)))
                        least, most = bounds(made, lambda leaf, a=(low, high), b=(c, d): (a, b)[leaf.variable])
                        values = [compute(x, y) for x in range(low, high + 1) for y in range(c, d + 1) if y]
                        assert least <= min(values), (operator, low, high, c, d)
                        assert max(values) <= most, (operator, low, high, c, d)


def test_joining():
    a, b, c = (equal(Read(i), Constant(i)) for i in range(3))
    assert conjunction() == TRUE
    assert disjunction() == FALSE
    assert conjunction(a, TRUE, a) == a
    assert conjunction(a, Apply(Operator.AND, (b, c)), b) == Apply(Operator.AND, (a, b, c))
    assert conjunction(a, FALSE, b) == FALSE
    assert disjunction(a, TRUE) == TRUE
    assert disjunction(FALSE, Apply(Operator.OR, (a, b))) == Apply(Operator.OR, (a, b))
    assert conjunction(Apply(Operator.OR, (a, b)), c) == Apply(Operator.AND, (Apply(Operator.OR, (a, b)), c))
    assert negation(negation(a)) == a
    assert conditional(a, b, b) == b
    assert not is_rigid(Apply(Operator.ADD, (Rigid(0), Read(0))))
    assert is_rigid(Apply(Operator.ADD, (Rigid(0), TRUE)))


def test_a_graph_of_shared_parts_is_written_once():
    e = Read(0)
    for _ in range(60):
        e = Apply(Operator.MINIMUM, (Apply(Operator.ADD, (e, TRUE)), Apply(Operator.ADD, (e, TRUE))))
        e = Apply(Operator.MAXIMUM, (e, e))
    assert evaluator(Read(0), SYSTEM)((3,), (), frozenset()) == 3
    assert bounds(e, interval) == (LOW + 60, HIGH + 60)
    assert weigh(e)[1] == 121 + 60
