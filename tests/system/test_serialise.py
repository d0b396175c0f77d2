"""Systems as JSON: there and back, digests, and hostile data."""

import copy
import dataclasses
import json
import os
import random
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest
from siblings import sibling

from verify import api
from verify.base.diagnostic import InputError
from verify.base.place import Place
from verify.system import serialise
from verify.system.domain import Range
from verify.system.expression import TRUE, Apply, Constant, Operator, Read
from verify.system.serialise import digest, dump, load
from verify.system.system import Rule, Step, StepKind, System, Variable

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs" / "vrrp").glob("*.spec"))


def random_system(seed):
    module = sibling("semantics", "random_systems")
    return module.random_system(module.Seeded(random.Random(seed)))[0]


def through_json(system):
    return load(json.loads(json.dumps(dump(system))))


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_shipped_systems_there_and_back(path):
    for task in api.load(path).tasks:
        assert through_json(task.system) == task.system


def test_random_systems_there_and_back():
    for seed in range(60):
        system = random_system(seed)
        assert through_json(system) == system


# ---- digests


def mutations(node):
    """Every system-like node that differs from this one in one leaf."""
    match node:
        case bool():
            yield not node
        case Enum():
            yield from (other for other in type(node) if other is not node)
        case int():
            yield node + 1
        case str():
            yield node + "'"
        case None:
            yield 0
        case Place():
            return
        case tuple():
            for i, inner in enumerate(node):
                yield node[:i] + node[i + 1 :]
                for changed in mutations(inner):
                    yield (*node[:i], changed, *node[i + 1 :])
        case _:
            for f in dataclasses.fields(node):
                for changed in mutations(getattr(node, f.name)):
                    yield dataclasses.replace(node, **{f.name: changed})


def test_every_change_of_meaning_changes_the_digest():
    system = random_system(3)
    seen = {digest(system): system}
    for count, changed in enumerate(mutations(system)):
        if changed == system:
            continue
        name = digest(changed)
        assert name not in seen or seen[name] == changed, count
        seen[name] = changed
    assert len(seen) > 100


def test_places_do_not_change_the_digest_and_nothing_else_is_left_out():
    system = System("w", 1, rules=(Rule("r", None, Place("a.model", 3, 4, 5)), Rule("s", None)))
    moved = dataclasses.replace(
        system, rules=(Rule("r", None, Place("b.model", 6)), Rule("s", None, Place("c", 1, 2, 3)))
    )
    assert digest(system) == digest(moved)
    assert digest(dataclasses.replace(system, rules=system.rules[::-1])) != digest(system)
    assert through_json(moved).rules[0].place == Place("b.model", 6)


def test_digests_do_not_depend_on_the_seed_of_hashing():
    code = (
        "from verify import api\n"
        "for t in api.load('specs/vrrp/pair.spec').tasks: print(t.scenario, api.digest(t.system))\n"
    )
    found = set()
    for seed in "012":
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert found != {""}


# ---- hostile data

JUNK = [
    None,
    True,
    -1,
    2**70,
    1.5,
    float("nan"),
    "",
    "Apply",
    "\ud800",
    [],
    [[]],
    [[], []],
    {},
    {"a": 1},
    ["System"],
    [None],
]


def spots(data, way=()):
    """The ways to everything inside nested lists."""
    yield way
    if isinstance(data, list):
        for i, inner in enumerate(data):
            yield from spots(inner, (*way, i))


def replaced(data, way, value):
    if not way:
        return value
    out = copy.copy(data)
    out[way[0]] = replaced(out[way[0]], way[1:], value)
    return out


def fresh(data):
    """The digest made to fit again, if there is one: a careful forger."""
    try:
        found = serialise._node(data["system"], System)
        return {**data, "digest": digest(found)}
    except Exception:  # noqa: BLE001 - whatever it is, load must answer for itself
        return data


def refused(data):
    """Loaded, or refused as an input: nothing else happens."""
    try:
        found = load(data)
    except InputError:
        return True
    assert isinstance(found, System)
    return False


def test_junk_anywhere_is_an_input_error():
    data = dump(random_system(5))
    rng = random.Random(1)
    ways = list(spots(data["system"]))
    for _ in range(1500):
        way, junk = rng.choice(ways), rng.choice(JUNK)
        hurt = {**data, "system": replaced(data["system"], way, junk)}
        refused(hurt)
        refused(fresh(hurt))


def test_lists_cut_short_or_drawn_out_are_input_errors():
    data = dump(random_system(5))
    for way in spots(data["system"]):
        inner = data["system"]
        for i in way:
            inner = inner[i]
        if not isinstance(inner, list) or not inner:
            continue
        for hurt in (inner[:-1], inner[1:], [*inner, 0], [*inner, inner], inner[::-1]):
            refused({**data, "system": replaced(data["system"], way, hurt)})


def test_a_change_without_the_digest_is_noticed():
    data = dump(random_system(7))
    assert not refused(data)
    assert refused({**data, "digest": "0" * 64})
    assert refused({**data, "digest": None})
    assert refused({k: v for k, v in data.items() if k != "digest"})
    assert refused({**data, "system": replaced(data["system"], (1,), "other")})


@pytest.mark.parametrize("data", [*JUNK, {"format": "redundancy-verify system"}], ids=repr)
def test_what_is_no_system_at_all(data):
    assert refused(data)


@pytest.mark.parametrize("key", ["format", "version", "system", "digest"])
def test_junk_in_the_frame(key):
    data = dump(random_system(7))
    for junk in JUNK:
        if not (key == "version" and junk is True):
            assert refused({**data, key: junk}), junk
    del data[key]
    assert refused(data)


def test_other_versions():
    data = dump(random_system(7))
    for version in (0, 2, "1", None, [1]):
        assert refused({**data, "version": version})


def test_huge_nesting():
    data = dump(System("w", 1, assumptions=(TRUE,)))
    deep = ["Constant", 1]
    for _ in range(20_000):
        deep = ["Apply", "NOT", [deep]]
    assert refused({**data, "system": _deep_copy_of(data["system"], deep)})
    lists = []
    for _ in range(20_000):
        lists = [lists]
    assert refused({**data, "system": lists})
    assert refused({**data, "system": _deep_copy_of(data["system"], lists)})


def _deep_copy_of(system, part):
    fields = [f.name for f in dataclasses.fields(System)]
    out = list(system)
    out[1 + fields.index("assumptions")] = [part]
    return out


@pytest.mark.parametrize("depth", [60, 120, 200])
def test_what_can_be_written_can_be_read(depth):
    e = Read(0)
    for _ in range(depth):
        e = Apply(Operator.MINIMUM, (e, Constant(3)))
    step = Step("s", StepKind.ENVIRONMENT, Apply(Operator.EQUAL, (e, Constant(0))), ())
    system = System("w", 1, variables=(Variable("x", Range(0, 3), 0),), steps=(step,))
    try:
        data = dump(system)
    except RecursionError:
        pytest.skip("too deep to be written")
    assert load(data) == system
