"""Eight states at a time: the same rows, the same states, transitions, levels and verdicts as one at a time.

On a machine without AVX-512, where nobody would choose it, LLVM writes the same with what there is.
"""

import ctypes
import dataclasses
import operator
import random
import re
from collections import Counter
from functools import reduce
from pathlib import Path

import llvmlite.binding as llvm
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Keeping, Limits
from verify.base.verdict import Verdict
from verify.engines.native import machine, space
from verify.engines.native.engine import NativeEngine
from verify.engines.native.expansion import emit, emit_eight
from verify.engines.native.health import Unconfirmed
from verify.engines.native.machine import function
from verify.engines.native.rows import EIGHT
from verify.engines.native.space import FAILURE, STUCK, Space
from verify.engines.native.values import Unsupported
from verify.judge.judge import judge
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Count, Local, Operator, Read, equal
from verify.system.property import Never, Property
from verify.system.statement import Assign, Either, Send
from verify.system.system import Field, Lane, Message, Step, StepKind, System, Take, Taking, Variable

RANDOM = sibling("semantics", "random_systems")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "cache"))


def environment(guard, *body, urgent=FALSE):
    return Step("s", StepKind.ENVIRONMENT, guard, body, urgent, None, None, None, 0)


def less(a, b):
    return Apply(Operator.LESS, (a, b))


def plus(a, b):
    return Apply(Operator.ADD, (a, b))


def counting(size, count, *more, steps=()):
    """``count`` counters, so that the levels are of many states."""
    variables = [Variable(f"x{i}", Range(0, size - 1), 0) for i in range(count)]
    ups = [environment(less(Read(i), Constant(size - 1)), Assign(i, plus(Read(i), TRUE))) for i in range(count)]
    return System("w", 1, variables=(*variables, *more), steps=(*ups, *steps))


def widened(system, words, generator):
    """A system of so many more words, in the first and the last of which a number of 60 bits comes and goes."""
    first, high = len(system.variables), 2**60 - 1
    more = tuple(Variable(f"y{i}", Range(0, high), generator.randint(0, high)) for i in range(words))
    changed = [Read(first + i) for i in sorted({0, words - 1})] if words else []
    turns = [environment(TRUE, Assign(y.variable, Apply(Operator.SUBTRACT, (Constant(high), y)))) for y in changed]
    return dataclasses.replace(system, variables=(*system.variables, *more), steps=(*system.steps, *turns))


# ---- the functions


class Functions:
    """What a space has compiled, called with states of the interpreter."""

    def __init__(self, found):
        s, self.layout = found.structure, found.layout
        self.row = self.layout.words + 1
        self.room = s["rows_of_one"] + 1
        self.space = found
        self.each, self.eight = function(s["expand"], 2), function(s["expand_eight"], 3)
        self.truths_each, self.truths_eight = function(s["truths"], 2), function(s["truths_eight"], 2)

    def call(self, code, states, *more):
        flat = [word for state in states for word in self.layout.pack(state)]
        words = (ctypes.c_uint64 * len(flat))(*flat)
        return code(ctypes.addressof(words), *more)

    def rows_of_each(self, states):
        """The rows of states, one after the other, and a bit for each that has none."""
        found, rowless = Counter(), 0
        for i, state in enumerate(states):
            out = (ctypes.c_uint64 * (self.row * self.room))()
            end = self.call(self.each, [state], ctypes.addressof(out))
            rows = self._rows(out, end)
            found.update(rows)
            rowless |= (not rows) << i
        return found, rowless

    def rows_of_eight(self, states, count):
        """The rows of the first of eight states, at once, and a bit for each that has none."""
        out = (ctypes.c_uint64 * (self.row * (self.room * count + EIGHT)))()
        end = self.call(self.eight, states, count, ctypes.addressof(out))
        rows = self._rows(out, end)
        return Counter(rows), out[len(rows) * self.row]

    def _rows(self, out, end):
        length = (end - ctypes.addressof(out)) // 8
        assert length % self.row == 0
        return [tuple(out[i : i + self.row]) for i in range(0, length, self.row)]


def some_state(system, sent, generator):
    """Any state, reachable or not."""
    state = [generator.randint(v.domain.low, v.domain.high) for v in system.variables]
    state += [generator.randint(-1, t.maximum) for t in system.timers]
    for lane, kinds in zip(system.lanes, sent, strict=True):
        held = []
        for _ in range(generator.randint(0, lane.capacity) if kinds else 0):
            kind = generator.choice(kinds)
            fields = [generator.randint(f.domain.low, f.domain.high) for f in system.messages[kind].fields]
            held.append((generator.randint(0, lane.maximum), kind, *fields))
        state.append(tuple(held))
    return tuple(state)


def test_the_rows_of_eight_states_are_those_of_each():
    """Also of states that no run reaches, and of less than eight."""
    widths, compared = Counter(), 0
    for seed in range(24):
        generator = random.Random(seed)
        system, m = RANDOM.wide_system(RANDOM.Seeded(generator), seed % 4)
        system = widened(system, (0, 0, 1, 2, 3, 5)[seed % 6], generator)
        try:
            found = Space(system, [m.truth(2) for _ in range(4)], lanes=8)
        except Unsupported:
            continue
        widths[found.layout.words] += 1
        code, sent = Functions(found), [slot.kinds for slot in found.layout.slots]
        for count in (*range(1, 9), 8, 8):
            states = [some_state(system, sent, generator) for _ in range(EIGHT)]
            assert code.rows_of_eight(states, count) == code.rows_of_each(states[:count]), (seed, count)
            compared += 1
            truths = reduce(operator.or_, (code.call(code.truths_each, [state], 0) for state in states[:count]))
            assert code.call(code.truths_eight, states, count) == truths, (seed, count)
    assert compared >= 150
    assert widths.keys() >= {1, 2, 3, 4, 6}


def by_field(division, dividend):
    """Divides by the field of a message: never 0 in those of the kind that is taken, 0 in the state beside."""
    body, guard = (Assign(0, Apply(division, (dividend, Local(1)))),), equal(Local(0), FALSE)
    empty = equal(Count(0), FALSE)
    sends = [environment(empty, Send(0, kind, (Constant(value),))) for kind in (0, 1) for value in range(1 - kind, 4)]
    take = Step("d", StepKind.DELIVERY, guard, body, FALSE, Take(0, Taking.DELIVER), None, None, 2)
    return System(
        "w",
        1,
        variables=(Variable("x", Range(-9, 9), 0),),
        messages=(Message("a", (Field("f", Range(1, 3)),)), Message("b", (Field("f", Range(0, 3)),))),
        lanes=(Lane("l", "n", 0, 0, 1, 0, 1),),
        steps=(*sends, take),
    )


@pytest.mark.parametrize("division", [Operator.DIVIDE, Operator.MODULO], ids=lambda o: o.name)
@pytest.mark.parametrize("dividend", [Constant(7), Read(0)], ids=["a number", "a variable"])
def test_a_division_by_0_in_a_state_that_takes_no_part_is_no_error(division, dividend):
    system = by_field(division, dividend)
    found, one = searched(system, lanes=8), searched(system, lanes=1)
    assert (found.states, found.transitions, found.levels) == (one.states, one.transitions, one.levels)
    beside = [s for s in (one.state(n) for n in range(one.states)) if s[1]]
    assert any(message[1:] == (1, 0) for s in beside for message in s[1])


@pytest.mark.parametrize("stuck", [True, False])
def test_a_state_without_rows_is_seen_among_others(stuck):
    system = cornered(stuck=stuck)
    found, one = searched(system, lanes=8), searched(system, lanes=1)
    assert (STUCK in found.seen) == (STUCK in one.seen) == stuck
    assert (found.states, found.transitions, found.levels) == (one.states, one.transitions, one.levels)
    verdicts = [judged(NativeEngine(lanes=lanes), system, [Never(FALSE)])[0] for lanes in (8, 1)]
    assert summary(verdicts[0]) == summary(verdicts[1])


def cornered(*, stuck):
    """At (1, 2) an urgent step leads nowhere, or to itself, and no other is enabled; on the same level are three more states."""
    here = Apply(Operator.AND, (equal(Read(0), TRUE), equal(Read(1), Constant(2))))
    away = Apply(Operator.NOT, (here,))
    ups = [dataclasses.replace(s, guard=Apply(Operator.AND, (s.guard, away))) for s in counting(4, 2).steps]
    ends = [environment(here, Either(((),) if not stuck else ()), urgent=TRUE)]
    return dataclasses.replace(counting(4, 2), steps=(*ups, *ends))


# ---- the search


def searched(system, predicates=(), budget=None, **options):
    found = Space(system, predicates, **options)
    found.search(budget or Budget())
    return found


def judged(engine, system, forms, budget=None):
    asked = [Property(f"p{i}", form) for i, form in enumerate(forms)]
    claims = engine.check(system, asked, budget or Budget())
    return [judge(system, a, c) for a, c in zip(asked, claims, strict=True)]


def summary(ruling):
    finite = ruling.run is not None and ruling.run.trace.loop is None
    return ruling.verdict, ruling.states, ruling.transitions, ruling.depth, ruling.vacuous, ruling.run.steps if finite else None


def agree(system, forms, most=4_000, threads=1):
    """Judge a system both ways; the verdicts, None if it is too large or for another engine."""
    limits = Budget(Limits(states=most))
    try:
        one = judged(NativeEngine(lanes=1), system, forms, limits)
        if one[0].states >= most:
            return None
        eight = judged(NativeEngine(threads, lanes=8), system, forms, limits if threads == 1 else None)
    except (Unsupported, Unconfirmed):
        return None
    for form, a, b in zip(forms, one, eight, strict=True):
        assert summary(a) == summary(b), form
    return [ruling.verdict for ruling in eight]


CI = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)


@CI
@given(st.data())
def test_answers_are_the_same_eight_at_a_time(data):
    system, m = RANDOM.wide_system(RANDOM.Drawn(data.draw))
    for verdict in agree(system, [RANDOM.random_form(m) for _ in range(5)]) or ["left out"]:
        event(str(verdict))


def agree_on(seeds):
    counted = Counter()
    for seed in seeds:
        generator = random.Random(seed)
        system, m = RANDOM.sized_system(generator)
        system = widened(system, (0, 0, 1, 2)[seed % 4], generator)
        try:
            counted.update(agree(system, [RANDOM.random_form(m) for _ in range(5)]) or ["left out"])
        except Exception as problem:
            raise AssertionError(f"seed {seed}") from problem
    return counted


def test_answers_are_the_same_on_a_fixed_sample_of_small_and_large_systems():
    counted = agree_on(range(40))
    assert counted["left out"] <= 16, counted
    assert min(counted[v] for v in (Verdict.PROVED, Verdict.VIOLATED, Verdict.INVALID)) >= 10, counted


@pytest.mark.slow
def test_answers_are_the_same_on_a_thousand_systems():
    agree_on(range(2_000_000, 2_001_000))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("store", ["keys", "tags", "fingerprints"])
def test_each_store_holds_the_same_states(threads, store, monkeypatch):
    """States of less than 64 bits, wider ones, and fingerprints of those; one thread and several, batches of any size."""
    monkeypatch.setattr(space, "PARALLEL", 1)
    monkeypatch.setattr(space, "QUOTA", 96)
    more = [] if store == "keys" else [Variable(f"y{i}", Range(0, 2**40), i) for i in range(2)]
    system = counting(9, 4, *more)
    options = {"fingerprints": store == "fingerprints"}
    one = searched(system, lanes=1, **options)
    found = searched(system, lanes=8, threads=threads, **options)
    assert found.layout.words == (1 if store == "keys" else 2)
    assert (found.states, found.transitions, found.levels) == (one.states, one.transitions, one.levels)
    assert found.states == 9**4
    assert {found.words(n) for n in range(found.states)} == {one.words(n) for n in range(one.states)}
    for n in (0, 700, 9**4 - 1):
        assert len(found.path(n)) - 1 == found.level_of(n) == sum(found.state(n)[:4])


def test_several_threads_give_the_same_answers_eight_at_a_time(monkeypatch):
    monkeypatch.setattr(space, "PARALLEL", 1)
    answered = 0
    for seed in range(70_000, 70_012):
        system, m = RANDOM.sized_system(random.Random(seed))
        system = widened(system, seed % 2, random.Random(seed))
        answered += agree(system, [RANDOM.random_form(m) for _ in range(4)], threads=2) is not None
    assert answered >= 6


@pytest.mark.parametrize(
    ("file", "scenario", "states", "transitions"),
    [
        ("benchmarks/vrrp_tick.spec", "s", 13_058, 55_860),
        ("benchmarks/vrrp_tick.spec", "m", 1_109_057, 8_417_927),
        ("tests/corpus/lacp_tick.spec", "both", 181_235, 758_388),
    ],
)
def test_reference_models_have_the_counts_of_their_tables(file, scenario, states, transitions):
    path = Path(__file__).parents[2] / file
    (task,) = (t for t in api.load(path).tasks if t.scenario == scenario)
    found = searched(task.system, lanes=8)
    assert (found.states, found.transitions) == (states, transitions)
    assert not found.seen.keys() & {FAILURE, STUCK}


@pytest.mark.parametrize(("before", "after"), [(8, 1), (1, 8)])
def test_a_search_that_was_stopped_goes_on_the_other_way(before, after, tmp_path):
    """A checkpoint does not tell how many states were expanded at a time."""
    system = counting(9, 4)
    kept = Keeping(tmp_path, "digest")
    cut = searched(system, lanes=before, budget=Budget(Limits(states=2_000), keeping=kept))
    assert cut.incomplete
    found = searched(system, lanes=after, budget=Budget(keeping=kept))
    one = searched(system, lanes=1)
    assert (found.states, found.transitions, found.levels) == (one.states, one.transitions, one.levels)


# ---- where it is done


def test_it_is_done_where_the_cpu_is_made_for_it(monkeypatch):
    monkeypatch.setattr(space, "MANY", 500)
    monkeypatch.setattr(space, "stored", lambda *_, **__: False)
    for able in (True, False):
        monkeypatch.setattr(space, "compresses_vectors", lambda able=able: able)
        found = searched(counting(9, 4))
        assert (found.structure["expand_eight"] != 0) == able
        assert found.states == 9**4
        assert searched(counting(9, 4), lanes=1).structure["expand_eight"] == 0
        assert searched(counting(7, 3)).structure["expand_eight"] == 0  # 343 states
    monkeypatch.setattr(space, "compresses_vectors", lambda: True)
    wide = counting(9, 4, *(Variable(f"y{i}", Range(0, 2**60), i) for i in range(5)))
    assert searched(wide).structure["expand_eight"] == 0
    assert searched(wide, lanes=8).states == 9**4


def test_what_was_compiled_before_is_used_earlier(monkeypatch, tmp_path):
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path))
    monkeypatch.setattr(space, "SOME", 500)
    monkeypatch.setattr(space, "compresses_vectors", lambda: True)
    first, second = [(searched(counting(9, 4), lanes=lanes), searched(counting(9, 4))) for lanes in (1, 8)]
    assert not first[1].structure["expand_eight"]
    assert second[1].structure["expand_eight"]
    assert first[1].levels == second[1].levels


def test_better_code_is_made_of_both_ways(monkeypatch):
    monkeypatch.setattr(space, "LONG", 1_000)
    made = []
    real = space.compiled
    monkeypatch.setattr(space, "compiled", lambda text, *, source="", **how: made.append((callable(text), how["optimised"])) or real(text, source=source, **how))
    assert searched(counting(9, 4), lanes=8).states == 9**4
    assert Counter(made) == Counter({(eight, better): 1 for eight in (True, False) for better in (True, False)})


def test_a_cpu_is_asked_for_what_it_can_do(monkeypatch):
    for features, able in (({"avx2": True}, False), ({"avx512f": True, "avx512dq": True, "avx512vl": True}, True), ({"avx512f": True}, False)):
        monkeypatch.setattr(machine.llvm, "get_host_cpu_features", lambda features=features: features)
        assert machine.compresses_vectors() is able


def about(system, predicates=()):
    found = Space(system, predicates, lanes=1)
    return emit_eight(found.layout, found.notes, found.predicates), emit(found.layout, found.notes, found.predicates).text


def test_only_what_every_machine_has_is_called():
    system, m = RANDOM.wide_system(RANDOM.Seeded(random.Random(3)), 1)
    text, each = about(system, [m.truth(2)])
    called = set(re.findall(r"@(llvm\.[\w.]+)", text))
    assert called == {"llvm.experimental.vector.compress.v8i64", "llvm.vector.reduce.or.v8i64", "llvm.ctpop.i8"}
    assert "x i64>" not in each


def test_with_avx_512_it_is_one_instruction_a_word():
    text, _ = about(counting(9, 4))
    llvm.initialize_native_target()
    triple = llvm.get_process_triple()
    if not triple.startswith("x86_64"):
        pytest.skip("another kind of machine")
    target = llvm.Target.from_triple(triple).create_target_machine(cpu="x86-64-v4", opt=1)
    module = llvm.parse_assembly(text)
    module.triple = triple
    written = target.emit_assembly(module)
    assert written.count("vpcompressq") == text.count("call <8 x i64> @llvm.experimental") == 9
    assert "%ymm" not in written
