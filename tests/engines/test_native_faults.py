"""Seeded faults of the native engine: each changes one place of the emitter or of the kernels, and the agreement must notice it.

A fault runs in a process of its own: what it breaks, it breaks there. Where a fault of the store shows only between states that
hash alike, the hash is a poor one besides, with which the sample agrees as long as there is no fault.
"""

import faulthandler
import inspect
import itertools
import os
import random
import signal
import sys
import textwrap

import pytest
from siblings import sibling

from verify.base.budget import Budget, Limits
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.native import expansion, graph, layout, rows, space, symbolic, values
from verify.engines.native.engine import NativeEngine
from verify.engines.native.values import Unsupported
from verify.judge.judge import judge
from verify.system.expression import FALSE, Constant, Operator
from verify.system.property import Eventually, LeadsTo, Never, NeverLonger, Possible, Property

MOST = 600  # states
CHILDREN = itertools.count()
SEEDS = (*range(64), 130, 244, 353, 366)
SECONDS = 20
HASH = "    return h * 0xD6E8FEB86659FD93\n"
ALIKE = (HASH, "    return 0\n")
KEYS_ALIKE = ("    return h * 0x9E3779B97F4A7C15\n", "    return 0\n")
LAST = (HASH, "    return 0 - 1 - (h >> 40)\n")

EMITTER = {
    "division rounds toward 0": (
        values.Code._division,
        "floor = self.subtract(quotient, self.as_number(below))",
        "floor = quotient",
    ),
    "a remainder has the sign of the dividend": (
        values.Code._division,
        "modulus = self.select(below, self.add(rest, b), rest)",
        "modulus = rest",
    ),
    "a comparison folds too early": (values.Code.less, "a.low >= b.high", "a.high >= b.high"),
    "values at the edge are never equal": (values.Code.equal, "a.high < b.low", "a.high <= b.low"),
    "a selection is known by its values alone": (
        values.Code.select,
        '("select", c.text, then.text, otherwise.text)',
        '("select", then.text, otherwise.text)',
    ),
    "operations are known by their operands": (values.Code._operation, "(op, a.text, b.text)", "(a.text, b.text)"),
    "what one branch computed is known behind it": (values.Code.scope, "self._known.pop()", "self._known.append({})"),
    "a field is read a bit too wide": (values.Code.extract, "mask = (1 << width) - 1", "mask = (2 << width) - 1"),
    "a sum is thought smaller": (values.Code.add, "a.high + b.high", "max(a.low + b.low + 1, a.high)"),
    "branches that end alike are not merged": (
        symbolic.Translator._merge,
        "s.variables[i] = a if a is b",
        "s.variables[i] = s.variables[i] if a is b",
    ),
    "a value too low is stored": (symbolic.Translator._stored, "code.less(value, number(low))", "FALSE"),
    "an error within a branch is forgotten": (
        symbolic.Translator._merge,
        "code.select(condition, one.failed, other.failed)",
        "FALSE",
    ),
    "an error of a closed lane counts": (symbolic.Translator._send, "code.both(opened, inner.failed)", "inner.failed"),
    "the wrong end of a full lane is dropped": (symbolic.Translator._entered, "*held[1:]", "*held[:-1]"),
    "a bag is a queue": (symbolic.Translator._inserted, "is Order.UNORDERED", "is None"),
    "a bag is not sorted when it ages": (symbolic.Translator.aged, "self._sorted(older)", "older"),
    "ages go on for ever": (symbolic.Translator.aged, "number(most)", "number(most + 1)"),
    "a message is due a tick early": (symbolic.Translator.due, "maximum + 1", "maximum"),
    "an expired timer runs": (symbolic.Translator._status, "less(number(1), timer)", "less(number(0), timer)"),
    "a timer starts a tick short": (symbolic.Translator.run, "code.add(stored, number(1))", "stored"),
    "a message that is due is not urgent": (
        expansion._Paths._attempts,
        "code.either(urgent, to.due(lane, slot))",
        "urgent",
    ),
    "a delay has no minimum": (
        expansion._Paths._attempts,
        "code.less(number(described.minimum), to.age(lane, slot))",
        "TRUE",
    ),
    "equal copies are taken twice": (expansion._Paths._attempts, "if not fifo and position:", "if False:"),
    "a copy removes the message": (expansion._Paths._attempts, "if taking is not Taking.COPY:", "if True:"),
    "a choice from nothing is no error": (expansion._Paths._choose, "self._failing(state, end)", "pass"),
    "an expired timer stops": (expansion._Paths._later, "code.less(number(1), bits)", "code.less(number(0), bits)"),
    "time passes by what is urgent": (expansion._Paths.expand, "code.negation(urgent)", "TRUE"),
    "one event stands for another": (
        expansion._Paths._leaf,
        "self.notes.event(event)",
        "self.notes.event(self.notes.events[0])",
    ),
    "no step is of a fairness group": (expansion._Paths.expand, "self.groups[index]", "0"),
    "a timer has a bit too few": (layout.layout_of, "(t.maximum + 1).bit_length()", "t.maximum.bit_length()"),
    "a row that is written in vain stays": (rows.Rows._advance_if, "zext i1 {test} to i64", "add i64 1, 0"),
    "a row that counts is written in vain": (rows.Rows._advance_if, "zext i1 {test} to i64", "add i64 0, 0"),
    "a row in vain has the width of its state": (rows.Rows._advance_if, "self.width + 1", "self.width"),
    "fields overlap": (layout._Packing.place, "self.used[word] += width", "self.used[word] += width - (width > 1)"),
}

ENDLESS = {  # of what endless runs are looked for in
    "every step is on no cycle": (expansion._Paths.__init__, "PASSING if n in notes.passing else 0", "PASSING"),
    "edges on no cycle are always left out": (graph.Graph.__init__, "PASSING if cycles else 0", "PASSING"),
}

KERNELS = {
    "states that hash alike are the same": [ALIKE, ("    return differs == 0\n", "    return 1\n")],
    "only one state of a bucket is looked at": [
        ALIKE,
        ("            hits = hits & (hits - 1)\n", "            hits = 0\n"),
    ],
    "only one bucket is looked at": [
        ALIKE,
        ("        if free != 0:\n            return -1 - at", "        if 1:\n            return -1 - at"),
    ],
    "the table does not go round": [
        LAST,
        ("            at = 0\n    return 0\n\n\ndef locate", "            at = at\n    return 0\n\n\ndef locate"),
    ],
    "the table is rebuilt with its neighbours": [(" | (i + j + 1)\n", " | (i + j + 2)\n")],
    "a state that is known is entered again": [("        new = holding(table + at, entry) == 0\n", "        new = 1\n")],
    "a state is known where there is none": [("        fresh = fresh + new * WIDTH\n", "        fresh = fresh + 0 * WIDTH\n")],
    "what failed is a state": [("        drop_failed(s)\n", "        pass\n")],
    "a row that did not fail is dropped": [("        if (row[WIDTH] & FAILED) == 0:\n            kept", "        if row[WIDTH] == 0:\n            kept")],
    "what is hashed is where a failed row stood": [("        drop_failed(s)\n        hash_rows(s)\n", "        drop_failed(s)\n")],
    "whatever was met a moment ago is this state": [KEYS_ALIKE, ("            known = recent[last] == entry\n", "            known = recent[last] != 0\n")],
    "what a full bucket sends on is lost": [KEYS_ALIKE, ("        later += 1\n", "        later += 0\n")],
    "what a full bucket sends on is new": [KEYS_ALIKE, ("        if enter_key(s, entries[i], hashes[i]):\n", "        enter_key(s, entries[i], hashes[i])\n        if 1:\n")],
    "a state is kept with its mark": [("        fresh[0] = entry & (PRESENT - 1)\n", "        fresh[0] = entry\n")],
    "units react once": [
        ("            if unit == s.units and busy != 0:\n", "            if unit == s.units and 0:\n")
    ],
    "transitions are counted by state": [("s.transitions + s.number\n", "s.transitions + count\n")],
    "an observer is a tick too patient": [
        ("                        if now - 2 > bound:\n", "                        if now - 3 > bound:\n")
    ],
    "an observer that waits is stopped by nothing": [
        (
            "                        if (truth >> stops) & 1 != 0:\n",
            "                        if (truth >> stops) & 1 != 0 and once:\n",
        )
    ],
    "time is not locked": [
        (
            "                elif targets[r] != NOWHERE:\n                    if member",
            "                elif 1:\n                    leaves = 1\n                    if member",
        )
    ],
    "components do not close": [
        (
            "                            low[parent] = low[node]\n",
            "                            low[parent] = low[parent]\n",
        )
    ],
}

GROWING = {  # of the set, when it grows
    "buckets go where they were": [("(key_hash(entry & (PRESENT - 1)) >> s.shift) * 8\n                if", "at\n                if")],
    "what came into a bucket from others is overwritten": [("        filled[i] = lowest(vacant(s.table + (at + 8 * i)))\n", "        filled[i] = 0\n")],
    "the first buckets are lost": [("    while count > 0:\n        count -= 1\n", "    while 0:\n        count -= 1\n")],
}

EIGHT = {  # of the way to do it for eight states at a time
    "a row is compressed as if no condition were": (
        rows.Eight._under,
        "self.mask, self.bits = Value(narrowed, 0, 1, bit=True), self._as_bits(narrowed)",
        "self.bits = self._as_bits(narrowed)",
    ),
    "a row is not compressed": (rows.Eight._compressed, 'if not value.text.startswith("%"):', "if True:"),
    "only the last condition counts": (rows.Eight._under, "select <8 x i1> {self.mask.text},", "select <8 x i1> {condition.text},"),
    "a condition holds of all states or of none": (rows.Eight._under, "icmp ne i8 {self.bits}, 0", "icmp eq i8 {self.bits}, -1"),
    "a state too many takes part": (rows.Eight.__init__, "icmp ult", "icmp ule"),
    "a constant is that of the first state only": (
        rows.Eight.of,
        "return f\"splat ({'i1' if isinstance(operand, Value) and operand.bit else 'i64'} {text})\"",
        "return 'splat (i1 true)' if text == 'true' else 'zeroinitializer' if text == 'false' else f'<i64 {text}' + ', i64 0' * 7 + '>'",
    ),
    "eight rows are written, however many there are": (rows.Eight.write, 'self._advance(f"[{len(row)} x i64]", wide)', 'self._advance(f"[{len(row)} x i64]", "8")'),
    "states without rows are missed": (rows.Eight.write, "and i8 {self.carried['rowless'][1]}, {others}", "and i8 0, {others}"),
    "a state has no row where others have one": (rows.Eight.write, "xor i8 {self.bits}, -1", "xor i8 {self.bits}, -2"),
    "columns are rows": (rows.Eight.write, "len(row))[::-1]", "EIGHT)"),
    "words of states are mixed up": (rows.Eight.words, "state * self.width + word", "word * EIGHT + state"),
    "what is picked is of the first vector": (rows.Eight._picked, "EIGHT + place", "place"),
    "what holds in one state is not looked at": (rows.Eight.give, "call i64 @llvm.vector.reduce.or.v8i64(<8 x i64> {own})", "extractelement <8 x i64> {own}, i64 0"),
    "a state that takes no part divides by what it has": (rows.Eight._division, "if b.constant in {None, -1}:", "if False:"),
}

EIGHTS = {
    "whatever was met a moment ago is this state, in several words": [ALIKE, ("same(place, row) & place[WIDTH]", "place[WIDTH]")],
    "where there are less than eight states, eight are taken": [("s.expand_eight(state, some, out)", "s.expand_eight(state, 8, out)")],
    "the next eight states are seven of the last": [("        state = state + 8 * WIDTH\n", "        state = state + WIDTH\n")],
    "a state without rows is not seen beside others": [("        if after[0] != 0:\n", "        if after == out:\n")],
    "less than eight states are moved by their first words": [("            while i < left * WIDTH:\n", "            while i < left:\n")],
    "reactions are not run after eight states": [("        complete(s, out, after)\n", "        pass\n")],
    "what holds is looked at in one state": [("s.truths_eight(state, some)", "s.truths_eight(state, 1)")],
}


RANDOM = sibling("semantics", "random_systems")
AT_A_TIME = sibling("engines", "test_native_eight")


def summary(ruling):
    finite = ruling.run is not None and ruling.run.trace.loop is None
    length = ruling.run.steps if finite else None
    return ruling.verdict, ruling.states, ruling.transitions, ruling.depth, ruling.vacuous, length


def native(system, asked, lanes=1):
    claims = NativeEngine(lanes=lanes).check(system, asked, Budget(Limits(states=MOST * 4)))
    return [summary(judge(system, a, c)) for a, c in zip(asked, claims, strict=True)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Systems, what is asked of them, and the explicit engine's answers; the native engine's agree with them."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERIFY_CACHE", str(tmp_path_factory.mktemp("cache")))
        for seed in SEEDS:
            system, m = RANDOM.wide_system(RANDOM.Seeded(random.Random(seed)), (0, 0, 1, 2)[seed % 4])
            forms = (Never, Possible, Eventually, LeadsTo, NeverLonger, None)
            asked = [Property(f"p{i}", RANDOM.random_form(m, kind)) for i, kind in enumerate(forms)]
            claims = ExplicitEngine().check(system, asked, Budget(Limits(states=MOST)))
            answers = [summary(judge(system, a, c)) for a, c in zip(asked, claims, strict=True)]
            if not 3 < answers[0][1] < MOST:
                continue
            try:
                assert native(system, asked) == answers, seed
            except Unsupported:
                continue
            found.append((seed, system, asked, answers))
        yield found


@pytest.fixture(scope="module")
def sample_of_eight(sample):
    """Some of the sample, some of it in more words, and what has states without rows or divisions under conditions."""
    never = [Property("p", Never(FALSE))]
    made = [("a division", AT_A_TIME.by_field(Operator.DIVIDE, Constant(7)), never)]
    made.append(("a state without rows", AT_A_TIME.cornered(stuck=True), never))
    for seed, system, asked, _ in sample[:16]:
        made.append((seed, system, asked))
        made.append((f"{seed}, wider", AT_A_TIME.widened(system, 1 + seed % 2, random.Random(seed)), asked))
    found = [(name, system, asked, native(system, asked)) for name, system, asked in made]
    return [each for each in found if each[3][0][1] < MOST]


def noticed(sample, fault, lanes=1):
    """Where a fault is noticed: the seed of a system, how, and the exit code; None if it is not."""
    reading, writing = os.pipe()
    child_number = next(CHILDREN)
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            fault()
            space._writers = lambda: str(child_number)  # so that no other test finds the code of a fault
            for seed, system, asked, answers in sample:
                os.write(writing, f"{seed}:".encode())
                try:
                    same = native(system, asked, lanes) == answers
                except Unsupported:
                    continue
                except BaseException as problem:  # noqa: BLE001 - whatever it is, it was noticed
                    os.write(writing, type(problem).__name__.encode())
                    os._exit(1)
                if not same:
                    os.write(writing, b"another answer")
                    os._exit(1)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if status == 0 else (*said.rsplit(":", 2)[-2:], status)


def replaced(method, old, new):
    """Put a method in the place of one, with another text."""

    def fault():
        text = textwrap.dedent(inspect.getsource(method))
        module = sys.modules[method.__module__]
        owner = getattr(module, method.__qualname__.split(".")[0]) if "." in method.__qualname__ else None
        text = text.replace(old, new).replace("super()", f"super({method.__qualname__.split('.')[0]}, self)")
        made = {}
        exec("from __future__ import annotations\n" + text, module.__dict__, made)
        if owner is None:
            setattr(space, method.__name__, made[method.__name__])
        else:
            setattr(owner, method.__name__, made[method.__name__])

    return fault


def kernels(folder, changes, *, growing=False):
    def fault():
        if growing:
            space.BATCH, space.SMALLEST = 2, 64
        text = space.SOURCE.read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        space.SOURCE = folder / "kernels.py"
        space.SOURCE.write_text(text, encoding="utf-8")
        space._kernels.cache_clear()

    return fault


@pytest.mark.parametrize("name", EMITTER | ENDLESS)
def test_a_fault_of_the_emitter_is_noticed(name, sample):
    method, old, new = (EMITTER | ENDLESS)[name]
    assert inspect.getsource(method).count(old) == 1
    how = noticed(sample, replaced(method, old, new))
    print("seed", how)
    assert how is not None


@pytest.mark.parametrize("name", KERNELS)
def test_a_fault_of_the_kernels_is_noticed(name, sample, tmp_path):
    text = space.SOURCE.read_text(encoding="utf-8")
    assert all(text.count(old) >= 1 for old, _ in KERNELS[name])
    how = noticed(sample, kernels(tmp_path, KERNELS[name]))
    print("seed", how)
    assert how is not None


@pytest.mark.parametrize("name", GROWING)
def test_a_fault_of_growing_is_noticed(name, sample, tmp_path):
    text = space.SOURCE.read_text(encoding="utf-8")
    assert all(text.count(old) == 1 for old, _ in GROWING[name])
    how = noticed(sample, kernels(tmp_path, GROWING[name], growing=True))
    print("seed", how)
    assert how is not None


def test_without_a_fault_nothing_is_noticed_when_it_grows(sample, tmp_path):
    assert noticed(sample[:30], kernels(tmp_path, [], growing=True)) is None


@pytest.mark.parametrize("name", [*EIGHT, *EIGHTS])
def test_a_fault_of_eight_states_at_a_time_is_noticed(name, sample_of_eight, tmp_path):
    if name in EIGHT:
        method, old, new = EIGHT[name]
        assert inspect.getsource(method).count(old) == 1
        how = noticed(sample_of_eight, replaced(method, old, new), rows.EIGHT)
    else:
        text = space.SOURCE.read_text(encoding="utf-8")
        assert all(text.count(old) == 1 for old, _ in EIGHTS[name])
        how = noticed(sample_of_eight, kernels(tmp_path, EIGHTS[name]), rows.EIGHT)
    print("seed", how)
    assert how is not None


def test_without_a_fault_nothing_is_noticed_eight_at_a_time(sample_of_eight):
    assert noticed(sample_of_eight, lambda: None, rows.EIGHT) is None


@pytest.mark.parametrize(
    "changes", [[], [ALIKE], [KEYS_ALIKE], [LAST]], ids=["no fault", "states that hash alike", "keys that hash alike", "the last bucket"]
)
def test_without_a_fault_nothing_is_noticed(changes, sample, tmp_path):
    """Nor by a poor hash: the store is exact."""
    assert noticed(sample[:30], kernels(tmp_path, changes)) is None
