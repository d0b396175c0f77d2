"""The native engine: its emitter, layout, kernel language and store one by one; then the whole against the explicit engine."""

import ctypes
import dataclasses
import itertools
import random
import stat
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Fails, Holds, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.native import machine, space
from verify.engines.native.compiling import translate
from verify.engines.native.engine import NativeEngine
from verify.engines.native.health import Unconfirmed
from verify.engines.native.layout import layout_of, packed_message
from verify.engines.native.machine import compiled, function
from verify.engines.native.space import Memory, Space
from verify.engines.native.symbolic import Translator, known
from verify.engines.native.values import Code, Unsupported
from verify.judge.judge import judge
from verify.semantics.effects import sorted_bag
from verify.semantics.expressions import evaluator
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Boolean, Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Local,
    Operator,
    Read,
    conditional,
    equal,
)
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    LeadsTo,
    Ltl,
    LtlApply,
    LtlAtom,
    Never,
    Possible,
    Property,
    Until,
)
from verify.system.statement import Assign, If, Send
from verify.system.system import (
    Field,
    Lane,
    Message,
    Order,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Variable,
    WhenFull,
)

RANDOM = sibling("semantics", "random_systems")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def environment(guard, *body, slots=0):
    return Step("s", StepKind.ENVIRONMENT, guard, body, FALSE, None, None, None, slots)


def numbers(*ranges, steps=(), initial=None):
    """A system of variables alone."""
    values = initial or [low for low, _ in ranges]
    variables = [Variable(f"x{i}", Range(*r), v) for i, (r, v) in enumerate(zip(ranges, values, strict=True))]
    return System("w", 1, variables=tuple(variables), steps=tuple(steps))


# ---- both engines


def summary(ruling):
    finite = ruling.run is not None and ruling.run.trace.loop is None
    length = ruling.run.steps if finite else None
    return ruling.verdict, ruling.states, ruling.transitions, ruling.depth, ruling.vacuous, length, ruling.notes


def rulings(engine, system, forms, budget=None):
    asked = [Property(f"p{i}", form) for i, form in enumerate(forms)]
    claims = engine.check(system, asked, budget or Budget())
    return [judge(system, a, c) for a, c in zip(asked, claims, strict=True)]


def agree(system, forms, most=6_000):
    """Compare both engines, judged; the verdicts, None if the system is too large or for another engine."""
    asked = [Property(f"p{i}", form) for i, form in enumerate(forms)]
    try:
        claims = NativeEngine().check(system, asked, Budget(Limits(states=most)))
    except (Unsupported, Unconfirmed):
        return None
    native = [judge(system, a, c) for a, c in zip(asked, claims, strict=True)]
    if native[0].states >= most:
        return None
    explicit = rulings(ExplicitEngine(), system, forms)
    for form, mine, other in zip(forms, native, explicit, strict=True):
        assert summary(mine) == summary(other), form
    return [ruling.verdict for ruling in native]


# ---- the emitter: expressions


def computed(system, expressions, locals_=()):
    """Functions (state, locals, events) of compiled code; ``locals_``: the interval of each local."""
    layout = layout_of(system)
    texts = []
    for number, expression in enumerate(expressions):
        code = Code()
        words = tuple(code.loaded("%words", i) for i in range(layout.words))
        to = Translator(code, layout, words)
        s = to.fresh()
        for slot, (low, high) in enumerate(locals_):
            s.locals[slot] = known(code.loaded("%locals", slot), low, high)
        for occurred in range(len(system.events)):
            s.events[occurred] = code.as_bit(code.extract(code.parameter("%note"), occurred, 1))
        value = code.as_number(to.value(expression, s))
        lines = "\n".join([f"define i64 @f{number}(ptr %words, ptr %locals, i64 %note) {{", "start:", *code.lines])
        texts.append(f"{lines}\n  ret i64 {value.text}\n}}")
    made = compiled("\n".join(texts), optimised=False)

    def at(number):
        address = function(made.address(f"f{number}"), 3)

        def call(state, slots=(), events=frozenset()):
            row = (ctypes.c_uint64 * layout.words)(*layout.pack(state))
            bound = (ctypes.c_int64 * max(1, len(slots)))(*slots)
            note = sum(1 << e for e in events)
            return address(ctypes.addressof(row), ctypes.addressof(bound), note), made

        return lambda *arguments: call(*arguments)[0]

    return [at(number) for number in range(len(expressions))]


VALUES = range(-4, 5)


def once_and_then_for_ever():
    """A step that happens once, with no time before it; then only time passes."""
    first = Apply(Operator.LESS, (FALSE, Read(0)))
    once = Step("once", StepKind.ENVIRONMENT, first, (Assign(0, Apply(Operator.SUBTRACT, (Read(0), TRUE))), Assign(1, TRUE)), first)
    return System("once", 1, variables=(Variable("left", Range(0, 1), 1), Variable("done", Range(0, 1), 0)), steps=(once,))


def test_what_happens_once_leads_to_what_is_for_ever():
    """What looks for cycles anywhere leaves out what is on none; what begins somewhere does not, whichever is asked first."""
    done, undone = (Apply(Operator.EQUAL, (Read(1), Constant(n))) for n in (1, 0))
    never = Apply(Operator.EQUAL, (Read(0), Constant(2)))
    forms = (AlwaysEventually(undone), EventuallyAlways(done), Eventually(never), LeadsTo(undone, never), Until(undone, never))
    for order in itertools.permutations(forms, 3):
        asked = [Property(f"p{i}", form) for i, form in enumerate(order)]
        system = once_and_then_for_ever()
        rulings = [[judge(system, a, c) for a, c in zip(asked, e.check(system, asked, Budget()), strict=True)] for e in (NativeEngine(), ExplicitEngine())]
        assert [r.verdict for r in rulings[0]] == [r.verdict for r in rulings[1]]
        for form, ruling in zip(order, rulings[0], strict=True):
            assert ruling.verdict is (Verdict.PROVED if isinstance(form, EventuallyAlways) else Verdict.VIOLATED)


@pytest.mark.parametrize("operator", Operator, ids=lambda o: o.name)
def test_an_operator_has_the_value_that_the_semantics_gives_it(operator):
    system = numbers((-4, 4), (-4, 4), (0, 1))
    x, y, truth = Read(0), Read(1), Read(2)
    small, positive = Apply(Operator.SUBTRACT, (x, y)), Apply(Operator.MULTIPLY, (x, x))
    match operator:
        case Operator.NOT:
            made = [Apply(operator, (truth,)), Apply(operator, (equal(x, y),))]
        case Operator.AND | Operator.OR:
            parts = (truth, equal(x, y), Apply(Operator.LESS, (x, y)))
            made = [Apply(operator, parts[:n]) for n in (1, 2, 3)] + [
                Apply(operator, (c, truth)) for c in (TRUE, FALSE)
            ]
        case Operator.IF:
            made = [
                Apply(operator, (c, a, b)) for c in (truth, equal(x, y)) for a, b in ((x, y), (truth, x), (TRUE, FALSE))
            ]
        case Operator.DIVIDE | Operator.MODULO:
            # the divisor is 0 in the branch that is not taken
            made = [
                conditional(equal(y, FALSE), Constant(9), Apply(operator, (a, y))) for a in (x, positive, small, truth)
            ]
            made += [Apply(operator, (a, Constant(c))) for a in (x, positive) for c in (-9, -3, -1, 1, 2, 9)]
            made += [
                Apply(operator, (x, Apply(Operator.ADD, (positive, TRUE)))),
                Apply(operator, (Constant(-7), Constant(2))),
            ]
        case Operator.SUBTRACT | Operator.EQUAL | Operator.LESS | Operator.AT_MOST:
            made = [
                Apply(operator, pair)
                for pair in ((x, y), (y, x), (x, x), (x, truth), (truth, x), (x, TRUE), (FALSE, y))
            ]
            made += [Apply(operator, (equal(x, y), truth)), Apply(operator, (equal(x, y), Constant(2)))]
        case _:
            made = [
                Apply(operator, parts)
                for parts in ((x,), (x, y), (y, x, truth), (x, Constant(2)), (FALSE, x), (TRUE, y))
            ]
    for expression, compiled_ in zip(made, computed(system, made), strict=True):
        wanted = evaluator(expression, system)
        for state in itertools.product(VALUES, VALUES, (0, 1)):
            assert compiled_(state) == wanted(state, (), frozenset()), (expression, state)


def full(source, size=0):
    """A wide system of which every lane may hold every kind of message."""
    m = RANDOM.wide_makers(source, size)
    sends = [
        Send(lane, kind, tuple(Constant(f.domain.low) for f in message.fields))
        for lane in range(len(m.lanes))
        for kind, message in enumerate(m.messages)
    ]
    step = environment(TRUE, *sends) if sends else environment(TRUE)
    parts = {name: tuple(getattr(m, name)) for name in ("variables", "timers", "messages", "lanes", "events")}
    return System("w", 1, steps=(step,), **parts), m


def some_state(system, generator):
    state = [generator.randint(v.domain.low, v.domain.high) for v in system.variables]
    state += [generator.randint(-1, t.maximum) for t in system.timers]
    for lane in system.lanes:
        held = []
        for _ in range(generator.randint(0, lane.capacity)):
            kind = generator.randrange(len(system.messages))
            fields = [generator.randint(f.domain.low, f.domain.high) for f in system.messages[kind].fields]
            held.append((generator.randint(0, lane.maximum), kind, *fields))
        state.append(sorted_bag(tuple(held)) if lane.order is Order.UNORDERED else tuple(held))
    return tuple(state)


def test_random_expressions_have_the_values_that_the_semantics_gives_them():
    for seed in range(40):
        generator = random.Random(seed)
        system, m = full(RANDOM.Seeded(generator), seed % 3)
        made = [m.number(3, (0, 1)) for _ in range(10)] + [m.truth(3, (0, 1), events=True) for _ in range(10)]
        states = [some_state(system, generator) for _ in range(30)]
        wanted = [evaluator(e, system) for e in made]
        for expression, mine, other in zip(made, computed(system, made, ((-3, 5), (0, 9))), wanted, strict=True):
            for state in states:
                slots = (generator.randint(-3, 5), generator.randint(0, 9))
                events = frozenset(e for e in range(2) if generator.random() < 0.5)
                assert mine(state, slots, events) == other(state, slots, events), (seed, expression, state, slots)


# ---- the emitter: what was wrong once


def test_branches_that_store_the_same_are_not_what_was_before():
    more = Apply(Operator.ADD, (Read(1), TRUE))
    both = If(equal(Read(2), FALSE), (Assign(0, more), Assign(2, TRUE)), (Assign(0, more),))
    system = numbers((0, 3), (1, 2), (0, 1), steps=[environment(TRUE, both)])
    assert agree(system, [Never(equal(Read(0), Constant(2)))]) == [Verdict.VIOLATED]


def kinds(*body, guard=TRUE):
    """Two kinds of messages whose field has the same bits, and another interval."""
    empty = equal(Count(0), FALSE)
    take = Take(0, Taking.DELIVER)
    return System(
        "w",
        1,
        variables=(Variable("x", Boolean(), 0),),
        messages=(Message("a", (Field("f", Range(1, 3)),)), Message("b", (Field("f", Range(0, 3)),))),
        lanes=(Lane("l", "n", 0, 0, 1, 0, 1),),
        steps=(
            environment(empty, Send(0, 0, (TRUE,))),
            environment(empty, Send(0, 1, (FALSE,))),
            Step("d", StepKind.DELIVERY, guard, body, FALSE, take, None, None, 2),
        ),
    )


def test_a_field_has_its_interval_only_in_messages_of_its_kind():
    system = kinds(Assign(0, equal(Local(1), FALSE)))
    assert agree(system, [Never(equal(Read(0), TRUE))]) == [Verdict.VIOLATED]


def test_a_guard_may_divide_by_a_field_that_another_kind_lets_be_0():
    third = Apply(Operator.DIVIDE, (Constant(3), Local(1)))
    guard = Apply(Operator.AND, (equal(Local(0), FALSE), equal(third, Constant(3))))
    assert agree(kinds(Assign(0, TRUE), guard=guard), [Never(equal(Read(0), TRUE))]) == [Verdict.VIOLATED]


def test_behind_a_store_that_fails_nothing_is_divided_by_0():
    moved = Assign(0, Apply(Operator.ADD, (Read(1), Constant(2))))
    step = environment(TRUE, moved, Assign(1, Apply(Operator.DIVIDE, (Constant(6), Read(0)))))
    system = numbers((0, 3), (0, 3), steps=[step], initial=(2, 0))
    assert agree(system, [Never(equal(Read(0), FALSE))]) == [Verdict.INVALID]


def test_a_leads_to_that_is_pending_at_once_may_be_answered_and_asked_again():
    """From 0, where it is pending, only 1 can come, which answers; from 2, which asks again, there is no way back."""
    moves = ((0, 1), (1, 2))
    steps = [environment(equal(Read(0), Constant(a)), Assign(0, Constant(b))) for a, b in moves]
    steps[0] = dataclasses.replace(steps[0], urgent=TRUE)
    asks = Apply(Operator.NOT, (equal(Read(0), TRUE),))
    system = numbers((0, 2), steps=steps)
    assert agree(system, [LeadsTo(asks, equal(Read(0), TRUE))]) == [Verdict.VIOLATED]


# ---- numbers


@pytest.mark.parametrize(
    ("operator", "high"),
    [(Operator.ADD, 2**61), (Operator.SUBTRACT, 2**61), (Operator.MULTIPLY, 2**32)],
    ids=lambda x: getattr(x, "name", ""),
)
def test_arithmetic_that_might_wrap_is_for_another_engine(operator, high):
    made = Apply(operator, (Read(0), Read(1)))
    again = Apply(operator, (made, made)) if operator is Operator.ADD else made
    low = -high - 1 if operator is Operator.SUBTRACT else 0
    for reach, wraps in ((2**16, False), (high, True)):
        system = numbers((max(low, -reach), reach), (max(low, -reach), reach))
        asked = [Apply(Operator.LESS, (again, Constant(5)))]
        if wraps:
            with pytest.raises(Unsupported):
                Space(system, asked)
        else:
            Space(system, asked)


def test_constants_and_domains_that_are_too_large_are_for_another_engine():
    with pytest.raises(Unsupported, match="62 bits"):
        Space(numbers((0, 1)), [equal(Read(0), Constant(2**62 + 1))])
    with pytest.raises(Unsupported, match="63 bits"):
        Space(numbers((0, 2**63 - 1)), [])
    with pytest.raises(Unsupported, match="a lane that holds no message"):
        Space(System("w", 1, lanes=(Lane("l", "n", 0, 0, 0, 0, 0),)), [])


def test_numbers_at_the_edge_of_what_is_allowed():
    high = 2**60
    system = numbers((-high, high), (0, 3))
    made = [
        Apply(Operator.ADD, (Read(0), Read(0))),
        Apply(Operator.DIVIDE, (Read(0), Constant(-7))),
        Apply(Operator.MODULO, (Read(0), Constant(1 - high))),
        Apply(Operator.MULTIPLY, (Read(0), Read(1))),
        Apply(Operator.AT_MOST, (Read(0), Constant(-high))),
    ]
    for expression, mine in zip(made, computed(system, made), strict=True):
        wanted = evaluator(expression, system)
        for state in itertools.product((-high, 1 - high, -1, 0, 1, high - 1, high), range(4)):
            assert mine(state) == wanted(state, (), frozenset()), (expression, state)


@pytest.mark.parametrize(
    "widths", [(62, 2), (2, 62), (32, 32), (61, 3, 1), (1, 63 - 2, 2, 62, 40, 30), (0, 0), (0, 62, 0)], ids=str
)
def test_words_are_filled_to_their_last_bit(widths):
    ranges = [(-5, 2**w - 6) for w in widths]
    steps = [environment(TRUE, Assign(i, Constant(high))) for i, (_, high) in enumerate(ranges)]
    steps += [
        environment(equal(Read(i), Constant(high)), Assign(i, Constant(low))) for i, (low, high) in enumerate(ranges)
    ]
    system = numbers(*ranges, steps=steps)
    layout = layout_of(system)
    assert layout.bits == sum(widths)
    assert layout.words == max(1, -(-sum(widths) // 64)) or len(widths) > 4
    ends = [Apply(Operator.AND, tuple(equal(Read(i), Constant(r[k])) for i, r in enumerate(ranges))) for k in (0, 1)]
    assert agree(system, [Possible(ends[0]), Possible(ends[1]), Never(ends[1])])


@pytest.mark.parametrize("order", Order, ids=lambda o: o.name)
@pytest.mark.parametrize("full_", WhenFull, ids=lambda w: w.name)
@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_a_lane_of_any_capacity(order, full_, capacity):
    steps = (
        environment(TRUE, Send(0, 0, ())),
        environment(TRUE, Send(0, 1, (Read(0),))),
        environment(TRUE, Assign(0, conditional(equal(Read(0), TRUE), Constant(-1), TRUE))),
        Step("d", StepKind.DELIVERY, TRUE, (Assign(0, Local(1)),), FALSE, Take(0, Taking.DELIVER), None, None, 2),
        Step("l", StepKind.ENVIRONMENT, equal(Local(0), TRUE), (), FALSE, Take(0, Taking.LOSE), None, None, 2),
    )
    system = System(
        "w",
        1,
        variables=(Variable("x", Range(-1, 1), 0),),
        messages=(Message("a", ()), Message("b", (Field("f", Range(-1, 1)),))),
        lanes=(Lane("l", "n", 0, 0, capacity, 0, 2, order, full_),),
        steps=steps,
    )
    verdicts = agree(system, [Possible(equal(Count(0), Constant(n))) for n in range(capacity + 2)])
    assert verdicts is not None
    assert verdicts[:-1] == [Verdict.PROVED] * (capacity + 1)
    assert verdicts[-1] is not Verdict.PROVED


# ---- the layout


def test_states_are_packed_and_unpacked():
    for seed in range(60):
        generator = random.Random(seed)
        system, _ = full(RANDOM.Seeded(generator), seed % 4)
        layout = layout_of(system)
        seen = {}
        for _ in range(60):
            state = some_state(system, generator)
            words = layout.pack(state)
            assert len(words) == layout.words
            assert layout.unpack(words) == state
            assert seen.setdefault(words, state) == state
        places = [*layout.variables, *layout.timers, *itertools.chain(*layout.lanes)]
        taken = Counter((p.word, bit) for p in places for bit in range(p.shift, p.shift + p.width))
        assert all(number == 1 and bit < 64 for (_, bit), number in taken.items())


def test_a_bag_stands_in_the_order_of_its_bits():
    fields = (
        Message("a", ()),
        Message("b", (Field("f", Range(-1, 1)), Field("g", Boolean()))),
        Message("c", (Field("h", Range(3, 4)),)),
    )
    lane = Lane("l", "n", 0, 0, 3, 0, 2, Order.UNORDERED)
    sends = (Send(0, 0, ()), Send(0, 1, (FALSE, FALSE)), Send(0, 2, (Constant(3),)))
    system = System("w", 1, messages=fields, lanes=(lane,), steps=(environment(TRUE, *sends),))
    slot = layout_of(system).slots[0]
    bodies = [(0,), *((1, f, g) for f in (-1, 0, 1) for g in (0, 1)), (2, 3), (2, 4)]
    messages = [(age, *body) for age in range(3) for body in bodies]
    by_bits = sorted(messages, key=lambda m: -packed_message(slot, m))
    assert tuple(by_bits) == sorted_bag(tuple(messages))
    assert len({packed_message(slot, m) for m in messages}) == len(messages)
    assert min(packed_message(slot, m) for m in messages) > 0  # an empty slot is 0


def test_the_transitions_of_random_states_are_those_of_the_interpreter():
    """Also of states that no run reaches."""
    for seed in range(30):
        generator = random.Random(seed)
        system, _ = RANDOM.wide_system(RANDOM.Seeded(generator), seed % 3)
        if system.atomic:
            continue
        found, interpreter = Space(system, []), Interpreter(system)
        width, most = found.layout.words, found.structure["rows_of_one"]
        expand = function(found.structure["expand"], 2)
        sent = [set(slot.kinds) for slot in found.layout.slots]
        first = len(system.variables) + len(system.timers)
        for _ in range(40):
            state = some_state(system, generator)
            if any(m[1] not in sent[i] for i, lane in enumerate(state[first:]) for m in lane):
                continue
            row = (ctypes.c_uint64 * width)(*found.layout.pack(state))
            out = (ctypes.c_uint64 * ((width + 1) * (most + 1)))()
            end = expand(ctypes.addressof(row), ctypes.addressof(out))
            rows = [out[i : i + width + 1] for i in range(0, (end - ctypes.addressof(out)) // 8, width + 1)]
            after = [None if r[-1] & 4 else found.layout.unpack(tuple(r[:-1])) for r in rows]
            assert Counter(after) == Counter(o.state for o in interpreter.outcomes(state)), (seed, state)


# ---- the kernel language

STRUCTURE = "class S:\n    a: Number\n    b: Words\n    f: Words\n\n"


def kernel(source, parameters, constants=None):
    made = compiled(translate(STRUCTURE + source, constants or {}), optimised=True)
    call = function(made.address("k"), parameters)
    return lambda *arguments: (call(*arguments), made)[0]


def expression(text, **constants):
    return kernel(f"def k(x: Number, y: Number) -> Number:\n    return {text}\n", 2, constants)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x + y", lambda x, y: x + y),
        ("x - y", lambda x, y: x - y),
        ("-x", lambda x, _: -x),
        ("x * y", lambda x, y: x * y),
        ("x // (y | 1)", lambda x, y: (x % 2**64) // (y % 2**64 | 1)),
        ("x % (y | 1)", lambda x, y: (x % 2**64) % (y % 2**64 | 1)),
        ("x & y", lambda x, y: x & y),
        ("x | y", lambda x, y: x | y),
        ("x ^ y", lambda x, y: x ^ y),
        ("x << 3", lambda x, _: x << 3),
        ("x >> 3", lambda x, _: (x % 2**64) >> 3),
        ("x < y", lambda x, y: x < y),
        ("x <= y", lambda x, y: x <= y),
        ("x > y", lambda x, y: x > y),
        ("x >= y", lambda x, y: x >= y),
        ("x == y", lambda x, y: x == y),
        ("x != y", lambda x, y: x != y),
        ("not x", lambda x, _: not x),
        ("x and y", lambda x, y: bool(x) and bool(y)),
        ("x or y or 0", lambda x, y: bool(x or y)),
        ("(x < y) + 1", lambda x, y: (x < y) + 1),
        ("lowest(x)", lambda x, _: 64 if not x else (x & -x).bit_length() - 1),
        ("(0 - 1) >> 1", lambda *_: 2**63 - 1),
        ("(0 - 7) // 2", lambda *_: (2**64 - 7) // 2),
        ("C + x", lambda x, _: 5 + x),
        ("not C", lambda *_: 0),
    ],
)
def test_an_expression_of_the_kernel_language(text, wanted):
    k = expression(text, C=5)
    some = (0, 1, 2, -1, 7, -8, 2**40, 2**63 - 1, -(2**63))
    for x, y in itertools.product(some, some):
        value = int(wanted(x, y)) % 2**64
        assert k(x, y) % 2**64 == value, (x, y)


def test_statements_of_the_kernel_language():
    source = """
STEP = 2


def twice(n: Number) -> Number:
    return n * 2


def k(s: S, n: Number, bytes: Bytes, halves: Halves, words: Words) -> Number:
    total = 0
    i = 0
    while i < n:
        i += 1
        if i == 3:
            continue
        elif i > 8:
            break
        else:
            total += i
        while 1:
            total += 100
            break
    for j in range(STEP + 1):
        words[j] = j * 11
    if STEP:
        halves[1] = total
    else:
        unknown(total)
    bytes[1] = 511
    behind: Words = words + STEP
    s.a = behind[0] + s.a
    s.b = behind
    s.b[1] = twice(total) + s.f(4, 5)
    return total + bytes[1]
"""
    made = compiled(translate(STRUCTURE + source, {}), optimised=True)
    plus = compiled("define i64 @plus(i64 %a, i64 %b) {\n %c = add i64 %a, %b\n ret i64 %c\n}", optimised=False)
    words, halves, bytes_ = (ctypes.c_uint64 * 4)(), (ctypes.c_uint32 * 2)(), (ctypes.c_uint8 * 3)()
    structure = (ctypes.c_int64 * 3)(7, 0, plus.address("plus"))
    at = [ctypes.addressof(x) for x in (structure, bytes_, halves, words)]
    total = sum(i for i in range(1, 9) if i != 3) + 700
    assert function(made.address("k"), 5)(at[0], 20, *at[1:]) == total + 255
    assert list(words) == [0, 11, 22, 2 * total + 9]
    assert list(halves) == [0, total]
    assert list(bytes_) == [0, 255, 0]
    assert list(structure) == [29, at[3] + 16, plus.address("plus")]


def test_the_intrinsics_of_the_kernel_language():
    source = "def k(p: Words, tag: Number) -> Number:\n    return tagged(p, tag) | (vacant(p) << 8) | (lowest(vacant(p)) << 16)\n"
    memory = Memory(64)
    for i, value in enumerate([5 << 40 | 1, 0, 5 << 40 | 9, 6 << 40, 5, 0, 1 << 39, 0xFFFFFF << 40]):
        memory.put(i, 8, value)
    k = kernel(source, 2)
    assert k(memory.address, 5) == 0b101 | 0b100010 << 8 | 1 << 16
    assert k(memory.address, 0xFFFFFF) & 0xFF == 0b10000000
    claimed = kernel("def k(p: Words, v: Number) -> Number:\n    return claim(p, v) + increase(p + 1, v) * 2\n", 2)
    words = (ctypes.c_uint64 * 2)()
    assert claimed(ctypes.addressof(words), 3) == 1
    assert claimed(ctypes.addressof(words), 4) == 6
    assert list(words) == [3, 7]


@pytest.mark.parametrize(
    "body",
    [
        "return x ** 2",
        "return x / 2",
        "return x is 1",
        "return 1 < x < 3",
        "return [x]",
        "return 'text'",
        "return unknown",
        "return unknown(x)",
        "return k(x, x)",
        "return lowest(x, x)",
        "return x[0]",
        "return s.nothing",
        "for i in range(x):\n        x += i",
        "for i in range(1, 2):\n        x += i",
        "for i in x:\n        x += i",
        "for i in range(2):\n        break",
        "while x:\n        x -= 1\n    else:\n        x = 1",
        "break",
        "x: Words = x",
        "x, y = 1, 2",
        "with x:\n        pass",
        "del x",
        "x.y.z = 1",
    ],
)
def test_what_is_not_part_of_the_kernel_language_is_refused(body):
    with pytest.raises(TypeError):
        translate(f"{STRUCTURE}def k(x: Number) -> Number:\n    {body}\n", {})


def test_kernels_need_a_structure_and_types():
    with pytest.raises(TypeError):
        translate("def k(x: Number) -> Number:\n    return x\n", {})
    with pytest.raises(TypeError):
        translate(STRUCTURE + "def k(x):\n    return x\n", {})


# ---- memory


def test_memory_keeps_what_it_holds_when_it_grows():
    memory = Memory(10)
    memory.put(1, 8, 2**64 - 1)
    memory.put(5, 4, 7)
    memory.grow(3 << 22)
    assert memory.words(0, 3) == (0, 2**64 - 1, 7 << 32)
    assert memory.halves(2, 4) == (2**32 - 1, 2**32 - 1, 0, 7)
    assert memory.words((3 << 22) // 8 - 1, 1) == (0,)
    assert memory.first(8) < 0
    memory.put(3, 1, 1)
    assert memory.first(8) == 3
    other = Memory(64)
    other.fill(64, 0xFF)
    other.copy(memory, 8)
    assert other.words(0, 2) == (1 << 24, 2**64 - 1)


def test_memory_that_is_not_there_is_an_error_that_python_knows():
    with pytest.raises(MemoryError):
        Memory(1 << 60)
    with pytest.raises(MemoryError):
        Memory(100).grow(1 << 60)


# ---- the store


def grid(size, count):
    """A walk over ``size ** count`` states."""
    steps = [
        environment(
            Apply(Operator.LESS, (Read(i), Constant(size - 1))), Assign(i, Apply(Operator.ADD, (Read(i), TRUE)))
        )
        for i in range(count)
    ]
    return numbers(*[(0, size - 1)] * count, steps=steps)


def hashed(monkeypatch, folder, text):
    """Kernels with another hash."""
    whole = space.SOURCE.read_text(encoding="utf-8")
    lines = ("    return h * 0xD6E8FEB86659FD93\n", "    return h * 0x9E3779B97F4A7C15\n")
    assert all(whole.count(line) == 1 for line in lines)
    changed = whole
    for line in lines:
        changed = changed.replace(line, f"    return {text}\n")

    source = folder / "changed.kernel"
    source.write_text(changed, encoding="utf-8")
    monkeypatch.setattr(space, "SOURCE", source)
    monkeypatch.setattr(space, "_kernels", space.Kernels)


HASHES = {
    "as it is": "h * 0xD6E8FEB86659FD93",
    "one bucket and one tag": "0",
    "the last bucket, one tag": "0 - 1",
    "the last bucket, many tags": "(h * 0xD6E8FEB86659FD93) | (0xFFFFFFFFFF << 24)",
    "tags that would be 0": "(h * 0xD6E8FEB86659FD93) & (0xFFFFFFFFFF << 24)",
    "few buckets": "(h * 0xD6E8FEB86659FD93) & (0x3 << 62)",
}


@pytest.mark.parametrize("wide", [0, 1], ids=["in one word", "in two words"])
@pytest.mark.parametrize("text", HASHES.values(), ids=HASHES)
def test_every_state_is_found_whatever_its_hash(text, wide, monkeypatch, tmp_path):
    hashed(monkeypatch, tmp_path, text)
    monkeypatch.setattr(space, "SMALLEST", 64)
    system = grid(11, 3)
    more = tuple(Variable(f"y{i}", Range(0, 2**40), i) for i in range(2 * wide))
    found = Space(dataclasses.replace(system, variables=(*system.variables, *more)), [])
    found.search(Budget())
    assert found.layout.words == 1 + wide
    assert (found.states, found.transitions, found.depth) == (11**3, 3 * 11**2 * 10 + 11**3 - 1 + 1, 30)
    numbers_ = [found.find((*state, *range(2 * wide))) for state in itertools.product(range(11), repeat=3)]
    assert sorted(numbers_) == list(range(11**3))
    assert all(found.find(found.state(n)) == n for n in range(0, 11**3, 37))
    levels = [sum(found.state(n)[:3]) for n in range(found.states)]
    assert levels == sorted(levels)
    for n in (0, 1, 700, 11**3 - 1):
        assert len(found.path(n)) - 1 == levels[n] == found.level_of(n)


def test_a_state_that_was_not_reached_is_not_found():
    found = Space(
        numbers(
            (0, 200),
            (0, 3),
            steps=[
                environment(
                    Apply(Operator.LESS, (Read(0), Constant(99))), Assign(0, Apply(Operator.ADD, (Read(0), TRUE)))
                )
            ],
        ),
        [],
    )
    found.search(Budget())
    assert found.states == 100
    assert all(found.find((x, y)) < 0 for x in range(201) for y in range(4) if x > 99 or y > 0)


def test_the_store_grows_and_keeps_every_state():
    found = Space(grid(17, 4), [])
    found.search(Budget())
    assert found.states == 17**4
    assert found.structure["slots"] > 8 * space.SMALLEST
    assert len({found.find(state) for state in itertools.product(range(0, 17, 3), repeat=4)}) == 6**4


def test_a_set_that_grows_where_it_stands_is_a_set(monkeypatch, tmp_path):
    """Its buckets are found from the top bits of a state, as with a hash: whatever stands far behind its bucket, all is found again."""
    whole = space.SOURCE.read_text(encoding="utf-8")
    hashes = "    h = key ^ (key >> 32)\n    return h * 0x9E3779B97F4A7C15\n"
    assert whole.count(hashes) == 1
    source = tmp_path / "changed.kernel"
    source.write_text(whole.replace(hashes, "    return key << 1\n"), encoding="utf-8")
    monkeypatch.setattr(space, "SOURCE", source)
    kernels = space.Kernels(1, keys=True, **dict.fromkeys(("atomic", "groups", "symmetric", "jumps"), False))
    chance = random.Random(5)
    grown = Counter()
    for _ in range(300):
        slots, times = chance.choice((256, 512, 1024)), chance.choice((2, 4))
        crowded = [chance.getrandbits(63) for _ in range(chance.choice((1, 3, 30)))]
        wanted = {chance.choice((chance.getrandbits(63), chance.choice(crowded) ^ chance.getrandbits(40))) for _ in range(int(slots * 0.7))}
        structure = space.Structure(kernels)
        structure["shift"], structure["slots"] = 64 - (slots // 8).bit_length() + 1, slots
        structure.allocate("recent", 16 * space.RECENT)
        table = structure.allocate("table", 8 * (slots * times + 8))
        entries = [0] * slots
        for key in wanted:
            at = key >> 63 - (slots // 8).bit_length() + 1 << 3
            while entries[at]:
                at = (at + 1) % slots
            entries[at] = key | 1 << 63
            table.put(at, 8, entries[at])
        table.put(slots, 8, 77)  # left behind the set
        slots *= times
        structure["shift"], structure["slots"] = 64 - (slots // 8).bit_length() + 1, slots
        done = structure.call("spread_keys", slots // times)
        grown[done] += 1
        if not done:
            continue
        after = table.words(0, slots)
        assert {e & 2**63 - 1 for e in after if e} == wanted
        assert len([e for e in after if e]) == len(wanted)
        for key in wanted:
            at = key >> 63 - (slots // 8).bit_length() + 1 << 3
            while key | 1 << 63 not in after[at : at + 8]:
                assert 0 not in after[at : at + 8], "a bucket with room ends the search"
                at = (at + 8) % slots
    assert grown[0] > 10
    assert grown[1] > 100


def test_all_zeros_is_a_state():
    """In two words: 2 down to 0, beside what is wide and always 0."""
    down = environment(Apply(Operator.LESS, (Constant(0), Read(0))), Assign(0, Apply(Operator.SUBTRACT, (Read(0), TRUE))))
    found = Space(numbers((0, 2), (0, 2**40), (0, 2**40), steps=[down], initial=[2, 0, 0]), [])
    found.search(Budget())
    assert found.layout.words == 2
    assert found.layout.pack((0, 0, 0)) == (0, 0)
    assert found.states == 3


@pytest.mark.parametrize("wide", [0, 1], ids=["in one word", "in two words"])
def test_memory_that_ends_while_the_table_doubles_leaves_what_was_found(wide, monkeypatch):
    mapped, grow = Memory._mapped, Memory.grow
    most = 8 * space.SMALLEST * 4 * (1 + wide)  # the table, whose states need less

    def refused(size):
        if size >= most:
            raise MemoryError(size)

    monkeypatch.setattr(Memory, "_mapped", staticmethod(lambda size: refused(size) or mapped(size)))
    monkeypatch.setattr(Memory, "grow", lambda self, size: refused(size) or grow(self, size))
    system = grid(17, 4)
    more = tuple(Variable(f"y{i}", Range(0, 2**40), i) for i in range(2 * wide))
    found = Space(dataclasses.replace(system, variables=(*system.variables, *more)), [])
    found.search(Budget())
    assert found.incomplete == "no more memory"
    assert found.states > 1_000
    assert all(found.find(found.state(n)) == n for n in range(0, found.states, 97))


# ---- agreement

CI = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)


@CI
@given(st.data())
def test_the_native_and_the_explicit_engine_agree(data):
    system, m = RANDOM.wide_system(RANDOM.Drawn(data.draw))
    for verdict in agree(system, [RANDOM.random_form(m) for _ in range(5)]) or ["left out"]:
        event(str(verdict))


def agree_on(seeds):
    counted = Counter()
    for seed in seeds:
        generator = random.Random(seed)
        system, m = RANDOM.sized_system(generator)
        try:
            counted.update(agree(system, [RANDOM.random_form(m) for _ in range(5)]) or ["left out"])
        except Exception as problem:
            raise AssertionError(f"seed {seed}") from problem
    return counted


def test_agreement_on_a_fixed_sample_of_small_and_large_systems():
    counted = agree_on(range(240))
    assert counted["left out"] <= 60, counted
    assert min(counted[Verdict.PROVED], counted[Verdict.VIOLATED], counted[Verdict.INVALID]) >= 80, counted


@pytest.mark.slow
def test_agreement_on_ten_thousand_systems():
    agree_on(range(1_000_000, 1_010_000))


# ---- less than everything


@pytest.mark.parametrize("states", [1, 60, 400])
def test_a_partial_search_never_proves(states):
    counted = Counter()
    for seed in range(24):
        system, m = RANDOM.wide_system(RANDOM.Seeded(random.Random(seed)), 3 + (states > 100))
        forms = [RANDOM.random_form(m) for _ in range(6)]
        asked = [Property(f"p{i}", form) for i, form in enumerate(forms)]
        try:
            claims = NativeEngine().check(system, asked, Budget(Limits(states=states)))
            whole = Space(system, [])
        except (Unsupported, Unconfirmed):
            continue
        whole.search(Budget())
        for a, claim in zip(asked, claims, strict=True):
            ruling = judge(system, a, claim)
            counted[type(claim.answer)] += 1
            match claim.answer:
                case Holds(evidence, witness):
                    assert witness is not None or evidence.states == whole.states, seed
                case Fails(None, evidence):
                    assert evidence.states == whole.states, seed
                case Unknown(reason, reached):
                    assert ruling.verdict is Verdict.UNDECIDED
                    assert reason.startswith(f"limit of {states} states")
                    assert whole.states >= reached >= states
    assert counted[Unknown] >= 15, counted
    assert counted[Fails] >= 10, counted


def test_an_until_on_a_partial_search_looks_at_what_was_expanded():
    system = grid(2, 17)
    full_ = equal(Apply(Operator.ADD, tuple(map(Read, range(17)))), Constant(17))
    for limit in (3_000, 30_000):
        (ruling,) = rulings(NativeEngine(), system, [Until(TRUE, full_)], Budget(Limits(states=limit)))
        assert ruling.verdict is Verdict.UNDECIDED
    (ruling,) = rulings(NativeEngine(), system, [Eventually(full_)], Budget(Limits(states=3_000)))
    assert ruling.verdict is Verdict.UNDECIDED


# ---- the cache


TEXT = "define i64 @f(i64 %x) {\n %y = add i64 %x, 1\n ret i64 %y\n}"


def plus_one():
    made = compiled(TEXT, optimised=False)
    return function(made.address("f"), 1)(41)


def test_a_damaged_cache_is_made_again(cache):
    assert plus_one() == 42
    (stored,) = cache.glob("*.o")
    good = stored.read_bytes()
    flipped = bytes([*good[:100], good[100] ^ 1, *good[101:]])
    for damaged in (b"", b"x", good[:32], good[:-1], good[32:], flipped, b"\0" * len(good)):
        stored.write_bytes(damaged)
        assert plus_one() == 42
        assert stored.read_bytes() == good
    assert [p.name for p in cache.iterdir()] == [stored.name]


def test_what_the_cache_holds_is_used(cache, monkeypatch):
    plus_one()
    wrong = compiled(TEXT.replace("add i64 %x, 1", "add i64 %x, 2"), optimised=False)
    assert wrong is not None
    digests = {p: p.read_bytes() for p in cache.glob("*.o")}
    assert len(digests) == 2
    monkeypatch.setattr(machine._Stored, "write", lambda *_: pytest.fail("compiled again"))
    assert plus_one() == 42


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv("VERIFY_CACHE", str(file / "cache"))
    assert plus_one() == 42
    closed = tmp_path / "closed"
    closed.mkdir(mode=stat.S_IRUSR)
    monkeypatch.setenv("VERIFY_CACHE", str(closed / "cache"))
    assert plus_one() == 42
    monkeypatch.setattr(machine.tempfile, "NamedTemporaryFile", lambda **_: (_ for _ in ()).throw(OSError("full")))
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "other"))
    assert plus_one() == 42
    assert list((tmp_path / "other").glob("*")) == []


def test_the_cache_forgets_the_oldest(cache, monkeypatch):
    monkeypatch.setattr(machine, "KEPT", 3)
    for number in range(6):
        compiled(TEXT.replace("i64 %x, 1", f"i64 %x, {number}"), optimised=False)
    assert len(list(cache.glob("*.o"))) == 3


# ---- threads


@pytest.mark.parametrize("threads", [2, 3])
def test_several_threads_find_the_same_states(threads, monkeypatch):
    monkeypatch.setattr(space, "PARALLEL", 1)
    monkeypatch.setattr(space, "QUOTA", 96)
    searched = 0
    for seed in range(40):
        system, _ = RANDOM.sized_system(random.Random(70_000 + seed))
        try:
            alone = Space(system, ())
        except Unsupported:
            continue
        alone.search(Budget(Limits(states=20_000)))
        if alone.incomplete:
            continue
        together = Space(system, (), threads=threads)
        together.search(Budget())
        assert (together.states, together.transitions, together.depth) == (
            alone.states,
            alone.transitions,
            alone.depth,
        ), seed
        assert together.levels == alone.levels, seed
        assert {together.words(n) for n in range(together.states)} == {alone.words(n) for n in range(alone.states)}, (
            seed
        )
        assert all(together.find(together.state(n)) == n for n in range(together.states)), seed
        searched += 1
    assert searched >= 25


# ---- formulas


def formula(m, generator, depth):
    if depth == 0 or generator.random() < 0.2:
        return LtlAtom(m.truth(generator.randint(0, 1), (), events=True))
    word = generator.choice(["not", "and", "or", "implies", "always", "eventually", "until", "release", "weakly until"])
    count = 1 if word in ("not", "always", "eventually") else 2
    return LtlApply(word, tuple(formula(m, generator, depth - 1) for _ in range(count)))


def test_formulas_of_ltl_get_the_answers_of_the_explicit_engine():
    counted = Counter()
    for seed in range(80_000, 80_090):
        generator = random.Random(seed)
        system, m = RANDOM.random_system(RANDOM.Seeded(generator))
        counted.update(agree(system, [Ltl(formula(m, generator, 3)) for _ in range(3)]) or ["left out"])
    assert counted["left out"] < 30, counted
    assert len([v for v in counted if v != "left out" and counted[v] >= 5]) >= 2, counted


# ---- fingerprints


def test_a_lasso_of_a_formula_goes_far_and_further():
    up = environment(TRUE, Assign(0, Apply(Operator.MODULO, (Apply(Operator.ADD, (Read(0), TRUE)), Constant(3000)))))
    system = numbers((0, 2999), steps=[up])
    other = LtlAtom(Apply(Operator.NOT, (equal(Read(0), Constant(7)),)))
    (ruling,) = rulings(NativeEngine(), system, [Ltl(LtlApply("eventually", (LtlApply("always", (other,)),)))])
    assert ruling.verdict is Verdict.VIOLATED
    assert ruling.run.steps >= 3000


def test_fingerprints_find_what_is_wrong_and_prove_nothing():
    path = Path(__file__).parents[1] / "corpus" / "lacp_tick.spec"
    results = api.check(api.load(path), how=api.How(api.Engine.NATIVE, fingerprints=True))
    told = {r.scenario: (r.verdict, r.ruling.states, r.ruling.backing) for r in results}
    assert told["both"][:2] == (Verdict.VIOLATED, 181_235)
    assert told["lossy"][:2] == (Verdict.UNDECIDED, 4_209)
    assert "fingerprints: with a chance of up to 9.6e-13 one was missed" in told["lossy"][2]


def test_what_fits_into_a_word_needs_no_fingerprints():
    path = Path(__file__).parents[1] / "corpus" / "vrrp_tick.spec"
    spec = api.load(path)
    task = next(t for t in spec.tasks if t.scenario == "two")
    never = Property("never", Never(FALSE))
    (claim,) = NativeEngine(fingerprints=True).check(task.system, [never], Budget())
    assert isinstance(claim.answer, Holds)
