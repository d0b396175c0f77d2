"""Reductions against the run without them: verdicts, counts, and traces judged on the original system."""

import dataclasses
import random
from collections import Counter
from enum import Enum
from pathlib import Path

import pytest
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Claim, Fails, Faulty, Holds, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.native.engine import NativeEngine
from verify.engines.native.layout import layout_of
from verify.judge.judge import Convicted, judge
from verify.passes import dead_messages, dead_variables, narrowing, possible, slicing
from verify.passes.narrowing import narrowed
from verify.passes.reductions import ALL, DEAD_MESSAGES, DEAD_VARIABLES, NARROWING, SLICING, NotLifted, reduced
from verify.passes.valuesets import ends
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Count, Due, Local, Operator, Read
from verify.system.property import Ltl, LtlApply, LtlAtom, Never, Property
from verify.system.serialise import digest
from verify.system.statement import Assign, Choose, Duplicate, Either, If, Mark, Send
from verify.system.system import Field, Lane, Message, Step, StepKind, System, Take, Taking, Variable, WhenFull
from verify.system.wellformed import faults, nodes
from verify.trace.trace import Trace

ROOT = Path(__file__).resolve().parents[2]


RANDOM = sibling("semantics", "random_systems")
SMALL = Limits(states=400)
FEW = Limits(states=450)


def lifted(claim, small):
    """The claim about the original system."""

    def back(trace):
        return None if trace is None else Trace(*small.lifted(trace.choices, trace.loop))

    answer = claim.answer
    if isinstance(answer, Unknown):
        return claim
    evidence = dataclasses.replace(answer.evidence, digest=digest(small.original))
    match answer:
        case Holds(_, witness):
            answer = dataclasses.replace(answer, evidence=evidence, witness=back(witness))
        case Fails(_, _) | Faulty(_, _, _):
            answer = dataclasses.replace(answer, evidence=evidence, trace=back(answer.trace))
    return Claim(answer, claim.notes)


def rulings(system, properties, on, engine, limits):
    """Of the properties, judged on the original system; and the reduced system."""
    small = reduced(system, properties, on)
    assert faults(small.system) == []
    claims = engine.check(small.system, small.properties, Budget(limits))
    return [judge(system, p, lifted(c, small)) for p, c in zip(properties, claims, strict=True)], small


def numbers(ruling):
    return ruling.states, ruling.transitions, ruling.depth


def choosy(system):
    """Whether atomic reactions choose: then not every state is brought into its reduced form."""
    bodies = [s.body for s in system.steps if s.kind is StepKind.REACTION]
    return system.atomic and any(isinstance(x, Choose | Either) for x in nodes(tuple(bodies)))


def compare(system, properties, on, plain, limits=SMALL):
    """How the run with reductions differs from the one without."""
    found, small = rulings(system, properties, on, ExplicitEngine(), limits)
    for before, after, asked in zip(plain, found, properties, strict=True):
        if small.time_must_pass and after.notes and after.verdict is not Verdict.VIOLATED:
            continue
        assert (after.verdict, after.vacuous) == (before.verdict, before.vacuous), asked
        finite = after.run is not None and after.run.trace.loop is None
        if before.run is not None and before.run.trace.loop is None:
            assert finite, asked
            longer = after.run.steps - before.run.steps
            assert longer == 0 or (longer > 0 and small.emptied), asked
        if on <= {NARROWING}:
            assert numbers(after) == numbers(before), asked
            assert after.notes == before.notes
        else:
            if not choosy(system):
                assert all(a <= b for a, b in zip(numbers(after), numbers(before), strict=True)), asked
            assert bool(after.notes) == bool(before.notes)
    return small, found


def quiet(source):
    """A system with lanes of one message that nobody looks into, losses that spend a budget, and deaf receivers."""
    system, m = RANDOM.random_system(source)
    lanes = tuple(
        dataclasses.replace(x, capacity=1, when_full=WhenFull.DROP_OLDEST, open=blind(x.open)) for x in system.lanes
    )
    steps = []
    budget = len(system.variables)
    for whole in system.steps:
        step = dataclasses.replace(whole, guard=blind(whole.guard), urgent=blind(whole.urgent), body=blind(whole.body))
        taking = whole.take.taking if whole.take else None
        if taking is Taking.LOSE or taking is Taking.COPY:
            spends = Assign(budget, Apply(Operator.SUBTRACT, (Read(budget), Constant(1))))
            guard = Apply(Operator.AND, (Apply(Operator.LESS, (Constant(0), Read(budget))), step.guard))
            take = Take(step.take.lane, Taking.LOSE)
            made = dataclasses.replace(step, guard=guard, body=(spends,), take=take, urgent=FALSE)
        elif taking is Taking.DELIVER and m.chance(60):
            deaf = Apply(m.pick([Operator.EQUAL, Operator.LESS]), (Local(m.pick([0, 1])), Constant(1)))
            body = (If(deaf, (), step.body),) if m.chance(70) else ()
            made = dataclasses.replace(step, body=body, slots=max(step.slots, 2), guard=m.pick([TRUE, step.guard]))
        else:
            made = step
        steps.append(made)
    m.lanes = []
    return dataclasses.replace(
        system,
        variables=(*system.variables, Variable("budget", Range(0, 2), 2)),
        lanes=lanes,
        steps=tuple(steps),
        fairness=(),
        atomic=False,
    ), m


def blind(node):
    """The node without a look into a lane."""
    match node:
        case Count():
            return Constant(1)
        case Due():
            return TRUE
        case Duplicate():
            return Mark(0)
        case tuple():
            return tuple(blind(x) for x in node)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, Enum):
            return type(node)(*(blind(getattr(node, f.name)) for f in dataclasses.fields(node)))
        case _:
            return node


def modal(source):
    """A system in which most steps belong to one of three modes, and properties ask only in some."""
    system, m = RANDOM.random_system(source)
    mode = len(system.variables)
    steps = []
    for step in system.steps:
        guard, body = step.guard, step.body
        if m.chance(85):
            guard = Apply(Operator.AND, (Apply(Operator.EQUAL, (Read(mode), Constant(m.pick([0, 1, 2])))), guard))
        if m.chance(60):
            body = (*body, Assign(mode, Constant(m.pick([0, 1, 2]))))
        steps.append(dataclasses.replace(step, guard=guard, body=body))
    truth = m.truth

    def asked(depth, slots=(), events=False):
        inner = truth(depth, slots, events)
        return Apply(Operator.AND, (Apply(Operator.EQUAL, (Read(mode), Constant(m.pick([0, 1])))), inner))

    m.truth = asked
    variables = (*system.variables, Variable("mode", Range(0, 2), 0))
    return dataclasses.replace(system, variables=variables, steps=tuple(steps)), m


def anything(source):
    return RANDOM.random_system(source)


def sample(start, count, forms=4, make=anything):
    for seed in range(start, start + count):
        system, m = make(RANDOM.Seeded(random.Random(seed)))
        if make is quiet:
            m.events = []
        properties = [Property(f"p{i}", RANDOM.random_form(m)) for i in range(forms)]
        claims = ExplicitEngine().check(system, properties, Budget(SMALL))
        plain = [judge(system, p, c) for p, c in zip(properties, claims, strict=True)]
        if all(r.verdict is not Verdict.UNDECIDED for r in plain):
            yield seed, system, properties, plain


def changed(on, start, count, make=anything):
    """Compare on random systems; how many were changed, and how many states went away, by verdict."""
    seen = Counter()
    for seed, system, properties, plain in sample(start, count, make=make):
        try:
            small, found = compare(system, properties, on, plain)
        except AssertionError as problem:
            problem.add_note(f"seed {seed}")
            raise
        seen.update(small.names)
        seen["fewer"] += plain[0].states > found[0].states
        seen["loops"] += sum(r.run is not None and r.run.trace.loop is not None for r in found)
        seen.update(r.verdict for r in found)
    return seen


def test_narrowing_keeps_every_number_on_random_systems():
    seen = changed(frozenset((NARROWING,)), 0, 150)
    assert seen[NARROWING] > 100
    assert min(seen[Verdict.PROVED], seen[Verdict.VIOLATED], seen[Verdict.INVALID]) > 20
    assert seen["fewer"] == 0


def test_dead_variables_keep_verdicts_and_lengths_on_random_systems():
    seen = changed(frozenset((DEAD_VARIABLES,)), 1000, 120, modal)
    assert seen[DEAD_VARIABLES] > 30
    assert seen["fewer"] > 5


def test_slicing_keeps_verdicts_and_lengths_on_random_systems():
    seen = changed(frozenset((SLICING,)), 5000, 150)
    assert seen[SLICING] > 10
    assert seen["fewer"] > 5


def test_dead_messages_keep_verdicts_on_random_systems():
    seen = changed(frozenset((DEAD_MESSAGES,)), 3000, 150, quiet)
    assert seen[DEAD_MESSAGES] > 10
    assert seen["fewer"] > 5


def test_all_together_on_random_systems():
    for make in (anything, modal, quiet):
        seen = changed(ALL, 2000, 60, make)
        assert seen["fewer"] > 0
        assert seen["loops"] > 10


@pytest.mark.parametrize("path", ["vrrp/pair", "vrrp/loss", "vrrp/preemption", "lacp/pair"])
def test_shipped_specs_keep_their_verdicts_and_counts(path):
    checked = 0
    for task in api.load(ROOT / "specs" / f"{path}.spec").tasks:
        properties = [c.property for c in task.checks]
        claims = ExplicitEngine().check(task.system, properties, Budget(FEW))
        plain = [judge(task.system, p, c) for p, c in zip(properties, claims, strict=True)]
        if task.system.parameters or Verdict.UNDECIDED in [r.verdict for r in plain]:
            continue
        compare(task.system, properties, frozenset((NARROWING,)), plain, FEW)
        compare(task.system, properties, ALL, plain, FEW)
        checked += 1
    assert checked


def test_the_native_engine_answers_alike_on_reduced_systems():
    seen = Counter()
    for make in (modal, quiet):
        for _, system, properties, plain in sample(4000, 12, make=make):
            found, small = rulings(system, properties, ALL, NativeEngine(), SMALL)
            explicit, _ = rulings(system, properties, ALL, ExplicitEngine(), SMALL)
            assert [numbers(r) for r in found] == [numbers(r) for r in explicit]
            if not (small.time_must_pass and any(r.notes for r in found)):
                assert [r.verdict for r in found] == [r.verdict for r in plain]
            seen.update(small.names)
    assert min(seen[name] for name in (NARROWING, SLICING, DEAD_MESSAGES)) > 0


def task_of(path, scenario):
    return next(t for t in api.load(ROOT / path).tasks if t.scenario == scenario)


def test_adverts_that_no_router_heeds_are_taken_out():
    task = task_of("tests/corpus/vrrp_tick.spec", "three")
    properties = [c.property for c in task.checks]
    claims = ExplicitEngine().check(task.system, properties, Budget(Limits()))
    plain = [judge(task.system, p, c) for p, c in zip(properties, claims, strict=True)]
    small, found = compare(task.system, properties, ALL, plain, Limits())
    assert {NARROWING, DEAD_MESSAGES} <= set(small.names)
    assert found[0].states < plain[0].states / 2


def test_narrow_states_of_shipped_models():
    for path, scenario, most in (("specs/vrrp/three.spec", "trio", 85), ("specs/lacp/pair.spec", "apart", 90)):
        task = task_of(path, scenario)
        small = reduced(task.system, [c.property for c in task.checks], frozenset((NARROWING,)))
        assert layout_of(small.system).bits <= most


def test_a_reduction_that_there_is_none_of():
    with pytest.raises(ValueError, match="no such reduction: magic"):
        reduced(System("s", 1), [], frozenset(("magic",)))


# ---- what a domain says, by hand

X = Read(0)


def counter(high, limit):
    """x counts up to a limit, as an environment step that stops there."""
    step = Step("up", StepKind.ENVIRONMENT, Apply(Operator.LESS, (X, Constant(limit))), (Assign(0, plus(X, 1)),))
    return System("counter", 1, variables=(Variable("x", Range(0, high), 0),), steps=(step,))


def plus(e, n):
    return Apply(Operator.ADD, (e, Constant(n)))


def test_a_counter_is_narrowed_to_what_its_guard_lets_through():
    assert narrowed(counter(1000, 5), []).system.variables[0].domain == Range(0, 5)


def test_a_formula_with_a_predicate_that_never_holds_is_violated_by_a_lasso_all_the_same():
    beyond = LtlAtom(Apply(Operator.EQUAL, (X, Constant(7))))
    asked = [Property("p", Ltl(LtlApply("always", (LtlApply("eventually", (beyond,)),))))]
    found, _ = rulings(counter(1000, 5), asked, frozenset((NARROWING,)), NativeEngine(), SMALL)
    assert found[0].verdict is Verdict.VIOLATED
    assert found[0].run.trace.loop is not None


@pytest.mark.parametrize("limit", [7, 8, 9, 500])
def test_a_store_outside_of_the_declared_domain_still_fails(limit):
    before = ExplicitEngine().check(counter(8, limit), [Property("p", Never(FALSE))], Budget(Limits()))
    after = ExplicitEngine().check(
        narrowed(counter(8, limit), []).system, [Property("p", Never(FALSE))], Budget(Limits())
    )
    assert type(before[0].answer) is type(after[0].answer) is (Holds if limit <= 8 else Faulty)


def test_a_field_that_may_be_wrong_still_fails():
    send = Send(0, 0, (plus(X, 1),))
    lane = Lane("l", "n", 0, 0, 1, 0, 0, when_full=WhenFull.DROP_OLDEST)
    message = Message("m", (Field("f", Range(0, 5)),))
    grow = Step("grow", StepKind.ENVIRONMENT, Apply(Operator.LESS, (X, Constant(5))), (Assign(0, plus(X, 1)),))
    say = Step("say", StepKind.ENVIRONMENT, TRUE, (send,))
    system = System(
        "s", 1, variables=(Variable("x", Range(0, 9), 0),), messages=(message,), lanes=(lane,), steps=(grow, say)
    )
    small = narrowed(system, []).system
    assert small.messages[0].fields[0].domain == Range(1, 5)
    for which in (system, small):
        answer = ExplicitEngine().check(which, [Property("p", Never(FALSE))], Budget(Limits()))[0].answer
        assert isinstance(answer, Faulty)
        assert len(answer.trace.choices) == 7


# ---- seeded mistakes of the passes: the comparisons above notice them


def found_out(on, start, count, make=anything):
    """Whether the comparison fails, on one of many random systems."""
    try:
        changed(frozenset(on), start, count, make)
    except (AssertionError, Convicted, NotLifted, KeyError, IndexError):
        return True
    return False


def test_a_variable_taken_for_dead_although_a_property_reads_it(monkeypatch):
    monkeypatch.setattr(dead_variables, "_predicates", lambda _: iter(()))
    original = dead_variables.dead_values
    monkeypatch.setattr(
        dead_variables, "dead_values", lambda system, _, *rest, **how: original(system, [], *rest, **how)
    )
    assert found_out([DEAD_VARIABLES], 1000, 200, modal)


def test_a_guard_that_is_forgotten_among_the_reads(monkeypatch):
    original = dead_variables.used

    def forgetful(step, system):
        return original(dataclasses.replace(step, guard=TRUE), system)

    monkeypatch.setattr(dead_variables, "used", forgetful)
    assert found_out([DEAD_VARIABLES], 1000, 200, modal)


def mode_is(value):
    return Apply(Operator.EQUAL, (Read(0), Constant(value)))


def branching():
    """In mode 0, x is set; on the way to mode 1 it is cleared only if y; in mode 1 a property reads it."""
    small = [Variable(name, Range(0, 1), 0) for name in ("mode", "x", "y")]
    leave = Step("leave", StepKind.ENVIRONMENT, mode_is(0), (If(Read(2), (Assign(1, FALSE),)), Assign(0, TRUE)))
    steps = (*(Step("set", StepKind.ENVIRONMENT, mode_is(0), (Assign(v, TRUE),)) for v in (1, 2)), leave)
    asked = [Property("p", Never(Apply(Operator.AND, (mode_is(1), Read(1)))))]
    return System("branching", 1, variables=tuple(small), steps=steps), asked


def test_a_store_in_one_branch_is_not_certain(monkeypatch):
    system, asked = branching()
    ruling = rulings(system, asked, frozenset((DEAD_VARIABLES,)), ExplicitEngine(), SMALL)[0][0]
    assert ruling.verdict is Verdict.VIOLATED
    original = dead_variables._run

    def hasty(block, stored, system, reads, touches):
        original(block, stored, system, reads, touches)
        return stored | touches

    monkeypatch.setattr(dead_variables, "_run", hasty)
    ruling = rulings(system, asked, frozenset((DEAD_VARIABLES,)), ExplicitEngine(), SMALL)[0][0]
    assert ruling.verdict is Verdict.PROVED


def test_a_set_that_misses_what_is_stored_under_a_condition(monkeypatch):
    original = possible._branched

    def blind_(statement, env):
        made, after = original(dataclasses.replace(statement, otherwise=()), env)
        return made, after

    monkeypatch.setattr(possible, "_branched", blind_)
    assert found_out([NARROWING], 0, 250)


def test_a_timer_that_never_expires(monkeypatch):
    monkeypatch.setattr(
        possible.Possible, "start", lambda self, t, v: self._time(t, possible.TimerSet(frozenset(), ends(v)[1]))
    )
    assert found_out([NARROWING], 0, 250)


def test_a_domain_narrowed_too_far(monkeypatch):
    original = narrowing._domain

    def shaved(domain, values):
        made = original(domain, values)
        return Range(made.low, max(made.low, made.high - 1))

    monkeypatch.setattr(narrowing, "_domain", shaved)
    assert found_out([NARROWING], 0, 250)


def test_a_sliced_variable_that_a_property_reads(monkeypatch):
    original = slicing.seen
    monkeypatch.setattr(slicing, "seen", lambda system, _: original(system, []))
    assert found_out([SLICING], 5000, 250)


def test_a_sliced_store_that_fails(monkeypatch):
    original = slicing.possible_in
    monkeypatch.setattr(slicing, "possible_in", lambda s: dataclasses.replace(original(s), failing=frozenset()))
    assert found_out([SLICING], 5880, 20)


def test_a_message_taken_for_dead_that_one_step_heeds(monkeypatch):
    original = dead_messages._ignored
    monkeypatch.setattr(
        dead_messages,
        "_ignored",
        lambda possible_, step, *rest: step.kind is StepKind.DELIVERY or original(possible_, step, *rest),
    )
    assert found_out([DEAD_MESSAGES], 3000, 250, quiet)


def test_a_budget_that_a_property_reads(monkeypatch):
    original = dead_messages.budgets_of
    monkeypatch.setattr(dead_messages, "budgets_of", lambda system, _: original(system, []))
    assert found_out([DEAD_MESSAGES], 3360, 20, quiet)
