"""Symmetry against the run without it: verdicts, lengths, orbits counted one by one, and traces judged on the original system."""

import inspect
import itertools
import random
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Unknown
from verify.engines.native import orbits as orbits_module
from verify.engines.native import space
from verify.engines.native.engine import Unsupported
from verify.engines.native.layout import layout_of
from verify.engines.native.orbits import NoSuchStep
from verify.engines.native.space import Space
from verify.judge.judge import Convicted, judge
from verify.passes import identities, normal, symmetry
from verify.passes.normal import Reader
from verify.passes.reductions import ALL, SYMMETRY, reduced
from verify.passes.symmetry import MOST, symmetries_of
from verify.run.choosing import Engine, How, claims
from verify.semantics.interpreter import TICK, Interpreter, NotEnabled
from verify.system.domain import Boolean, Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Occurred, Operator, Read
from verify.system.property import EventuallyAlways, Ltl, LtlApply, LtlAtom, Never, Possible, Property
from verify.system.statement import Assign, Choose, Either, Occur, Send, Start
from verify.system.system import Event, Fairness, Lane, Message, Step, StepKind, System, Timer, Variable, WhenFull
from verify.system.wellformed import nodes
from verify.trace.trace import ReplayFailed

ROOT = Path(__file__).resolve().parents[2]
ONLY = frozenset((SYMMETRY,))


RANDOM = sibling("semantics", "random_systems")
COUNT = 60  # random systems; several thousand were tried once
LIMITS = Limits(states=12_000)


def random_formula(m):
    """A formula of linear temporal logic over one or two predicates."""
    p, q = (LtlAtom(m.truth(1, (), events=True)) for _ in range(2))
    one = LtlApply(m.pick(["until", "release"]), (p, q))
    again = LtlApply("always", (LtlApply("eventually", (p,)),))
    return m.pick([one, again, LtlApply("implies", (again, LtlApply("eventually", (q,))))])


def case(seed, forms=3):
    """A system and what is asked of it."""
    system, m = RANDOM.twin_system(RANDOM.Seeded(random.Random(seed)))
    asked = [RANDOM.random_form(m) for _ in range(forms)]
    if m.chance(30):
        asked[-1] = Ltl(random_formula(m))
    return system, [Property(f"p{i}", form) for i, form in enumerate(asked)]


def rulings(system, properties, on, limits=LIMITS, threads=1):
    """Of the properties, judged on the system."""
    found = claims(system, properties, Budget(limits), How(Engine.NATIVE, threads, on))
    if any(isinstance(c.answer, Unknown) for c in found):
        return None
    return [judge(system, p, c) for p, c in zip(properties, found, strict=True)]


def differences(plain, found, *, exact):
    """Where a run with symmetry disagrees with the one without; ``exact``: lengths of finite traces are equal."""
    told = []
    for at, (before, after) in enumerate(zip(plain, found, strict=True)):
        if (before.verdict, before.vacuous, bool(before.notes)) != (after.verdict, after.vacuous, bool(after.notes)):
            told.append(f"p{at}: {before.verdict} {before.notes}, then {after.verdict} {after.notes}")
        if before.states < after.states or before.transitions < after.transitions or before.depth < after.depth:
            told.append(f"p{at}: more states")
        runs = [r.run for r in (before, after)]
        if exact and None not in runs and runs[0].trace.loop is None and runs[0].steps != runs[1].steps:
            told.append(f"p{at}: {runs[0].steps} steps, then {runs[1].steps}")
    return told


def compare(seeds, on=ONLY, forms=3):
    """Compare on random systems; what was seen."""
    seen = Counter()
    for seed in seeds:
        system, properties = case(seed, forms)
        if on == ONLY and not symmetries_of(system, properties):
            seen["none"] += 1
            continue
        plain = rulings(system, properties, frozenset())
        if plain is None or plain[0].states >= LIMITS.states:
            seen["large"] += 1
            continue
        found = rulings(system, properties, on)
        assert found is not None, seed
        assert differences(plain, found, exact=on == ONLY) == [], seed
        seen["compared"] += 1
        seen["names"] += any(v != w for x in symmetries_of(system, properties) for held in x.values.values() for v, w in held.items())
        seen["fewer"] += found[0].states < plain[0].states
        seen["atomic"] += system.atomic
        seen.update(r.verdict for r in found)
        seen["loops"] += sum(r.run is not None and r.run.trace.loop is not None for r in found)
        seen["longer loops"] += sum(
            r.run is not None and r.run.trace.loop is not None and r.run.steps > p.run.steps for r, p in zip(found, plain, strict=True)
        )
    return seen


def test_symmetry_keeps_verdicts_and_lengths_on_random_systems():
    seen = compare(range(1000, 1000 + COUNT))
    assert seen["fewer"] > COUNT // 5
    assert min(seen[Verdict.PROVED], seen[Verdict.VIOLATED]) > COUNT // 5
    assert seen["names"] > COUNT // 10
    assert min(seen["loops"], seen["atomic"], seen[Verdict.INVALID]) > 3


def test_symmetry_with_all_other_reductions_on_random_systems():
    seen = compare(range(2000, 2000 + COUNT // 2), ALL)
    assert seen["fewer"] > COUNT // 5


def reachable(system):
    """All states, by the interpreter; None if they are too many."""
    interpreter = Interpreter(system)
    found = {o.state for o in interpreter.initial() if o.state is not None}
    waiting = list(found)
    while waiting:
        for outcome in interpreter.outcomes(waiting.pop()):
            if outcome.state is not None and outcome.state not in found:
                found.add(outcome.state)
                waiting.append(outcome.state)
                if len(found) > 3000:
                    return None
    return found


@pytest.mark.parametrize("lanes", [1, 8])
def test_one_state_of_each_orbit_is_kept_and_machine_code_finds_the_same_ones(lanes):
    compared = 0
    for seed in range(3000, 3000 + COUNT // 2):
        system, properties = case(seed)
        group = symmetries_of(system, properties)
        states = reachable(system) if group else None
        if not states:
            continue
        try:
            searched = Space(system, [], (), 1, group, lanes=lanes)
        except Unsupported:
            continue
        searched.search(Budget())
        kept = {searched.words(i) for i in range(searched.states)}
        assert kept == {searched.packed(s) for s in states}, seed
        orbit = {searched.layout.pack(s) for s in states}
        for words in list(orbit)[:50]:
            images = {words, *(image.of(words) for image in searched.orbits.images)}
            assert {searched.orbits.least(x) for x in images} == {min(images)}, seed  # a group
        compared += 1
    assert compared > COUNT // 8


def test_threads_agree_with_one_thread(monkeypatch):
    monkeypatch.setattr(space, "PARALLEL", 64)
    task = next(t for t in api.load(ROOT / "tests/corpus/lacp_tick.spec").tasks if t.scenario == "faulty")
    properties = [c.property for c in task.checks]
    one, two = (rulings(task.system, properties, ALL, Limits(), threads) for threads in (1, 2))
    kept = [(r.verdict, r.states, r.transitions, r.run.steps) for r in one]
    assert kept == [(r.verdict, r.states, r.transitions, r.run.steps) for r in two]


@pytest.mark.parametrize(
    ("path", "scenario", "size"),
    [
        ("tests/corpus/lacp_tick.spec", "lossy", 2),
        ("specs/lacp/pair.spec", "pair", 2),  # whose systems know each other by number
        ("specs/lacp/pair.spec", "mixed", 1),
        ("specs/vrrp/pair.spec", "equal", 1),  # addresses are compared by size
    ],
)
def test_shipped_specs(path, scenario, size):
    task = next(t for t in api.load(ROOT / path).tasks if t.scenario == scenario)
    properties = [c.property for c in task.checks]
    small = reduced(task.system, properties, ALL)
    assert len(small.symmetries) == size - 1
    plain = rulings(task.system, properties, ALL - {SYMMETRY}, Limits())
    found = rulings(task.system, properties, ALL, Limits())
    assert differences(plain, found, exact=True) == []
    if size > 1:
        assert any(r.backing.endswith("symmetry") for r in found)
        assert found[0].states < plain[0].states * 0.6


def transitions(interpreter, state, how, image, predicates, groups):  # noqa: PLR0913 - what is kept
    """What a state does, as a multiset: each transition with all that is kept of it, its end and its events under a map."""
    steps = interpreter.system.steps
    for outcome in interpreter.outcomes(state):
        number = outcome.choice.step
        reacts = number >= 0 and steps[number].kind is StepKind.REACTION
        kept = (number == TICK, reacts, tuple(number in g for g in groups), outcome.failed and outcome.failed.failure)
        if outcome.state is None:
            yield kept
        else:
            told = tuple(holds(outcome.state, outcome.events) for holds in predicates)
            yield *kept, told, image(outcome.state), frozenset(how.events[e] for e in outcome.events)


def unlike(system, properties, most=25):
    """A state that does not do what its image under a symmetry does; None if there is none among the first."""
    group = symmetries_of(system, properties)
    interpreter, layout = Interpreter(system), layout_of(system)
    same = Reader(system, [], []).unchanged()
    asked = [interpreter.predicate(e) for e in symmetry._asked(tuple(p.form for p in properties))]
    groups = [f.steps for f in system.fairness]
    states = list(itertools.islice(walk(interpreter), most))
    for how in group[:3]:
        words = orbits_module._Image(layout, how)

        def image(state, words=words):
            return layout.unpack(words.of(layout.pack(state)))

        for state in states:
            here = Counter(transitions(interpreter, state, how, image, asked, groups))
            there = Counter(transitions(interpreter, image(state), same, lambda s: s, asked, groups))
            if here != there:
                return state
    return None


def walk(interpreter):
    """States, as they are found."""
    found = {o.state: None for o in interpreter.initial() if o.state is not None}
    for state in (waiting := list(found)):
        yield state
        for outcome in interpreter.outcomes(state):
            if outcome.state is not None and outcome.state not in found:
                found[outcome.state] = None
                waiting.append(outcome.state)


def first_unlike(seeds):
    """The first seed of whose system some symmetry is none."""
    for seed in seeds:
        system, properties = case(seed)
        if not any(isinstance(x, Choose | Either) for x in nodes(tuple(s.body for s in system.steps if system.atomic))) and unlike(
            system, properties
        ):
            return seed
    return None


def test_symmetries_take_transitions_to_transitions():
    assert first_unlike(range(5000, 5000 + 3 * COUNT)) is None


# ---- by hand


def ring(count, *, initial=0, high=1):
    """A token that goes round: who[i] says whether i has it; time passes with each hand-over."""
    variables = [Variable(f"has{i}", Range(0, high), int(i == initial)) for i in range(count)]
    steps = []
    for i in range(count):
        body = (Assign(i, FALSE), Assign((i + 1) % count, TRUE))
        steps.append(Step(f"pass{i}", StepKind.ENVIRONMENT, Apply(Operator.EQUAL, (Read(i), TRUE)), body))
    return System("ring", 1, variables=tuple(variables), steps=tuple(steps))


def test_a_loop_is_gone_round_until_it_closes():
    system = ring(3)
    asked = [Property("p", EventuallyAlways(Apply(Operator.AND, tuple(map(Read, range(3))))))]
    fair = replace(system, fairness=(Fairness("moves", (0, 1, 2)),))
    (ruling,) = rulings(fair, asked, ONLY)
    assert (ruling.states, ruling.verdict) == (1, Verdict.VIOLATED)
    trace = ruling.run.trace
    assert sum(c.step >= 0 for c in trace.choices[trace.loop + 1 :]) in (3, 6)  # not a third of it


def test_what_mentions_one_is_not_asked_of_another():
    (ruling,) = rulings(ring(3), [Property("p", Never(Read(2)))], ONLY)
    assert (ruling.verdict, ruling.states) == (Verdict.VIOLATED, 3)
    both = [Property("p", Never(Apply(Operator.AND, (Read(0), Read(1))))), Property("q", Never(Read(2)))]
    assert symmetries_of(ring(3), both[:1]) == ()
    assert len(symmetries_of(ring(3), [])) == 2
    assert [r.states for r in rulings(ring(3), both, ONLY)] == [3, 3]


def test_a_range_that_differs_is_no_symmetry():
    system = ring(3)
    wide = (replace(system.variables[0], domain=Range(0, 2)), *system.variables[1:])
    step = replace(system.steps[0], body=(*system.steps[0].body, Assign(1, Apply(Operator.ADD, (Read(1), FALSE)))))
    assert symmetries_of(replace(system, variables=wide, steps=(step, *system.steps[1:])), []) == ()


def atomic(first, second, *, same_unit=True):
    """x and y are set by the environment; reactions undo that, in the order of the text."""
    steps = [Step(n, StepKind.ENVIRONMENT, Apply(Operator.EQUAL, (Read(v), FALSE)), (Assign(v, TRUE),)) for v, n in enumerate("xy")]
    for at, (v, more) in enumerate(((0, first), (1, second))):
        unit = 0 if same_unit else at
        guard = Apply(Operator.EQUAL, (Read(v), TRUE))
        steps.append(Step(f"r{v}", StepKind.REACTION, guard, (Assign(v, FALSE), *more), TRUE, unit=unit))
    variables = tuple(Variable(n, Range(0, 1), 0) for n in "xyz")
    return System("atomic", 1, variables=variables, steps=tuple(steps), units=("u0", "u1"), atomic=True)


@pytest.mark.parametrize("same_unit", [True, False])
def test_atomic_reactions_that_depend_on_each_other_keep_their_order(same_unit):
    alone = atomic((), (), same_unit=same_unit)
    assert len(symmetries_of(alone, [])) == 1
    both = Assign(2, Apply(Operator.SUBTRACT, (TRUE, Read(2))))
    together = atomic((both,), (both,), same_unit=same_unit)
    assert symmetries_of(together, []) == ()


def test_events_change_their_names_with_what_they_happen_to():
    steps = [
        Step(f"fail{i}", StepKind.ENVIRONMENT, Apply(Operator.EQUAL, (Read(i), FALSE)), (Assign(i, TRUE), Occur(i))) for i in range(2)
    ]
    variables = tuple(Variable(f"x{i}", Range(0, 1), 0) for i in range(2))
    system = System("events", 1, variables=variables, events=(Event("e0"), Event("e1")), steps=tuple(steps))
    wrong = Never(Apply(Operator.OR, tuple(Apply(Operator.AND, (Occurred(i), Apply(Operator.NOT, (Read(i),)))) for i in range(2))))
    right = Never(Apply(Operator.OR, tuple(Apply(Operator.AND, (Occurred(i), Read(i), Apply(Operator.NOT, (Read(1 - i),)))) for i in range(2))))
    found = rulings(system, [Property("p", wrong), Property("q", right)], ONLY)
    assert [(r.verdict, r.states) for r in found] == [(Verdict.PROVED, 3), (Verdict.VIOLATED, 3)]


def friends(compare_=Operator.EQUAL, high=3):
    """Each of three may take one of the others for a friend, by number, as long as they have none."""
    steps = []
    for i in range(3):
        for j in range(3):
            if i != j:
                guard = Apply(compare_, (Read(i), FALSE)) if compare_ is Operator.EQUAL else Apply(Operator.LESS, (Read(i), TRUE))
                steps.append(Step(f"{i}{j}", StepKind.ENVIRONMENT, guard, (Assign(i, Constant(j + 1)),)))
    variables = tuple(Variable(f"friend{i}", Range(0, high), 0) for i in range(3))
    return System("friends", 1, variables=variables, steps=tuple(steps))


def test_identities_change_their_names_with_those_they_name():
    mutual = [Property("p", Never(Apply(Operator.AND, (Apply(Operator.EQUAL, (Read(0), Constant(2))), Apply(Operator.EQUAL, (Read(1), FALSE))))))]
    same = Apply(Operator.AND, tuple(Apply(Operator.EQUAL, (Read(i), Read((i + 1) % 3))) for i in range(3)))
    alike = [Property("q", Possible(same))]
    system = friends()
    assert len(symmetries_of(system, alike)) == 5
    assert len(symmetries_of(system, [*alike, *mutual])) == 0
    (whole,), (found,) = (rulings(system, alike, on) for on in (frozenset(), ONLY))
    assert (whole.states, found.states) == (27, 7)  # by Burnside's lemma: (27 + 3 * 3 + 2 * 3) / 6


def test_what_is_more_than_a_name_is_none():
    assert symmetries_of(friends(Operator.LESS), []) == ()


def test_large_groups_are_used_in_part():
    system = System(
        "many",
        1,
        variables=tuple(Variable(f"x{i}", Boolean(), 0) for i in range(7)),
        steps=tuple(Step(f"s{i}", StepKind.ENVIRONMENT, TRUE, (Assign(i, Apply(Operator.SUBTRACT, (TRUE, Read(i)))),)) for i in range(7)),
    )
    group = symmetries_of(system, [])
    assert 2 < len(group) < MOST
    (ruling,) = rulings(system, [Property("p", Never(FALSE))], ONLY)
    assert ruling.states < 2**7


# ---- seeded faults: the comparisons above notice each


def seeded(monkeypatch, method, old, new):
    """Put a method in the place of one, with another text."""
    text = textwrap.dedent(inspect.getsource(method))
    assert text.count(old) == 1, method
    module = sys.modules[method.__module__]
    *owner, name = method.__qualname__.split(".")
    made = {}
    exec("from __future__ import annotations\n" + text.replace(old, new), module.__dict__, made)
    monkeypatch.setattr(getattr(module, owner[0]) if owner else module, name, made[name])


SYMMETRIES = {  # taken for symmetries
    "what is asked is forgotten": (Reader.roots, "enumerate(self.asked)", "enumerate(())"),
    "ranges are not compared": (normal._Reading.range_of, '("any of", domain.low, domain.high)', '"any"'),
    "timers are not compared": (Reader.roots, '("timer", timer.maximum)', '"timer"'),
    "lanes are not compared": (normal._Reading.lane, "lane.capacity, lane.minimum, lane.maximum, lane.order, lane.when_full", "0"),
    "gates are not compared": (normal._Reading.lane, "self.expression(lane.open), ", ""),
    "guards are not compared": (normal._Reading.step, "self.expression(step.guard), ", ""),
    "urgency is not compared": (normal._Reading.step, "self.expression(step.urgent), ", ""),
    "bodies are not compared": (normal._Reading.step, ", self.block(step.body)", ""),
    "fairness is not compared": (normal._Reading.step, ", self.reader.groups[at]", ""),
    "statements may go anywhere": (normal.Footprint.depends_on, "return not (", "return False and not ("),
    "a subtraction commutes": (normal._Reading._applied, "given, bag=operator in _COMMUTING", "given, bag=True"),
    "reactions have no order": (normal._parts, "prints[i].depends_on(prints[j])", "False"),
    "constants are all alike": (normal._Reading._expression, '("constant", value)', '("constant", 0)'),
    "what is stored is any name": (normal._Reading.stored, "return self.name(cell, value)", 'return self.number("a name")'),
    "a name may be more or less": (identities._Cells.plain, "case Apply(Operator.EQUAL, ", "case Apply(Operator.EQUAL | Operator.LESS, "),
    "bits are moved too far": (
        orbits_module._Image._field,
        "target.shift - source.shift)",
        "target.shift - source.shift + (target.shift > source.shift))",
    ),
    "names are not changed": (orbits_module._Image._field, "all(v == w for v, w in values.items())", "True"),
}
SEARCHES = {  # gone wrong
    "events keep their names": (orbits_module.Orbits.emitted, "_renamed(code, row[width], bits)", "row[width]"),
    "an empty slot has names": (orbits_module._Image.emitted, "if x.there is not None:", "if False:"),
    "a state of the orbit is as good as the other": (orbits_module._Run._told, "(*kind, orbit, ", "(*kind, "),
    "any step will do": (orbits_module._Run._told, "kind = (step == TICK, ", "kind = (0, "),
    "a loop is gone round once": (orbits_module.Orbits.real, "while run.state not in seen:", "if 1:"),
    "a trace of representatives is one": (orbits_module.Orbits.real, "if not self:", "if 1:"),
}
WHERE = {  # where random systems show it
    "ranges are not compared": range(5180, 5190),
    "lanes are not compared": range(5200, 5210),
    "guards are not compared": range(5160, 5170),
    "urgency is not compared": range(5475, 5485),
    "statements may go anywhere": range(5425, 5430),
    "reactions have no order": range(5425, 5430),
}
NOTICED = (AssertionError, Convicted, ReplayFailed, KeyError, StopIteration, ValueError, RuntimeError, IndexError, NoSuchStep, NotEnabled)


def almost(kind):
    """A system of two things that differ in one."""
    two = tuple(Variable(f"x{i}", Range(0, 1), 0) for i in range(2))
    steps = [Step(f"s{i}", StepKind.ENVIRONMENT, TRUE, (Assign(i, Apply(Operator.SUBTRACT, (TRUE, Read(i)))),)) for i in range(2)]
    match kind:
        case "timer":
            start = [Step(f"t{i}", StepKind.ENVIRONMENT, TRUE, (Start(i, Apply(Operator.ADD, (Read(i), TRUE))),)) for i in range(2)]
            return System("timers", 1, variables=two, timers=(Timer("t0", 1), Timer("t1", 2)), steps=(*steps, *start))
        case "gate":
            send = [Step(f"t{i}", StepKind.ENVIRONMENT, TRUE, (Send(i, 0, ()),)) for i in range(2)]
            lanes = tuple(Lane(f"l{i}", "n", 0, 0, 1, 0, 1, when_full=WhenFull.DROP_OLDEST, open=(TRUE, FALSE)[i]) for i in range(2))
            return System("gates", 1, messages=(Message("m", ()),), lanes=lanes, steps=tuple(send))
        case "subtraction":
            taken = Step("t", StepKind.ENVIRONMENT, TRUE, (Assign(2, Apply(Operator.SUBTRACT, (Read(0), Read(1)))),))
            return System("subtraction", 1, variables=(*two, Variable("z", Range(-1, 1), 0)), steps=(*steps, taken))
        case "less":
            return friends(Operator.LESS)


ALMOST = {
    "timers are not compared": "timer",
    "gates are not compared": "gate",
    "a subtraction commutes": "subtraction",
    "a name may be more or less": "less",
}


@pytest.mark.parametrize("kind", ALMOST.values())
def test_what_differs_in_one_thing_has_no_symmetry(kind):
    assert symmetries_of(almost(kind), []) == ()


@pytest.mark.parametrize("name", SYMMETRIES)
def test_what_is_no_symmetry_is_noticed(name, monkeypatch):
    seeded(monkeypatch, *SYMMETRIES[name])
    try:
        if name in ALMOST:
            assert unlike(almost(ALMOST[name]), []) is not None
            return
        found = first_unlike(WHERE.get(name, range(5000, 5050)))
    except NOTICED:
        return
    assert found is not None


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_gone_wrong_is_noticed(name, monkeypatch):
    seeded(monkeypatch, *SEARCHES[name])
    if name.startswith("events"):
        with pytest.raises(NOTICED):
            test_events_change_their_names_with_what_they_happen_to()
    else:
        with pytest.raises(NOTICED):
            compare(range(4000, 4200))
