"""What is reached exactly is an invariant that the checker accepts, if all is well, and refuses as soon as a state is missing.

And one step of the checker's meaning of a system is one of the interpreter's, from states met by chance.
"""

import dataclasses
import random

import pytest
import z3
from siblings import sibling

from verify.certify.check import check
from verify.certify.formula import Refused, Undecided
from verify.certify.meaning import begin, happenings
from verify.certify.obligations import obligations
from verify.certify.vocabulary import state_words
from verify.semantics.interpreter import TICK, Interpreter
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Occurred, Operator, Read, Rigid, TimerIs, TimerStatus
from verify.system.property import Never, NeverLonger, Possible, Within
from verify.system.statement import Assign, Either, Occur, Stop
from verify.system.system import Event, Parameter, Step, StepKind, System, Timer, Variable

MOST_WAYS = 300
NONE = frozenset()


RANDOM = sibling("semantics", "random_systems")
ENCODING = sibling("symbolic", "test_encoding")
REACHED = sibling("certify", "reached")
FORMS = (Never, NeverLonger, Within, Possible)
EVENTS = Never(Apply(Operator.AND, (FALSE, Occurred(0), Occurred(1))))


def drawn(seed):
    """A seeded system whose reactions are steps, small or wide or with many values outside their ranges, and a form of it."""
    source = RANDOM.Seeded(random.Random(seed))
    if seed % 3 == 2:
        system, m = RANDOM.wide_system(source)
    else:
        m = RANDOM.makers(source)
        m.loose = 70 if seed % 3 == 1 else m.loose
        system, _ = RANDOM.random_system(source, m)
    return dataclasses.replace(system, atomic=False), RANDOM.random_form(m, FORMS[seed % len(FORMS)])


def accepted(system, form, invariant, rank="0"):
    """Whether the checker accepts."""
    try:
        check(system, form, invariant, rank, only=["z3"])
    except Undecided:
        raise
    except Refused:
        return False
    return True


# ---- what is reached


def exact_agrees(system, form, seed, most=25):
    """The checker accepts what is reached, where nothing bad is; and nothing less. Whether it did (None: too large)."""
    if (found := REACHED.reached(system, form, most)) is None:
        return None
    ranked, nodes = REACHED.ranks(found.nodes), list(found.nodes)
    whole = REACHED.invariant(system, form, nodes)
    honest = not found.violated and not found.failed and ranked is not None
    rank = REACHED.rank(system, form, ranked) if ranked is not None else "0"
    assert accepted(system, form, whole, rank) == honest
    if not honest:
        return False
    missing = random.Random(seed).choice(nodes)
    if missing == found.first or len(nodes) > 1:
        assert not accepted(system, form, REACHED.invariant(system, form, [n for n in nodes if n != missing]), rank)
    if any(ranked.values()):
        assert not accepted(system, form, whole, f"(- {rank} {max(ranked.values()) + 1})")
        top = max(ranked, key=ranked.get)
        assert not accepted(system, form, whole, REACHED.rank(system, form, ranked | {top: ranked[top] - 1}))
    return True


def parameters_agree():
    """Open systems: what all values of the parameters allow is accepted, what one does not is refused."""
    limited = Variable("v", Range(0, 9), 0)
    count = Step("count", StepKind.ENVIRONMENT, Apply(Operator.LESS, (Read(0), Rigid(0))), (Assign(0, Apply(Operator.ADD, (Read(0), TRUE))),))
    small = Apply(Operator.AT_MOST, (Rigid(0), Constant(4)))
    system = System("s", 1, variables=(limited,), parameters=(Parameter("p", Range(1, 6)),), steps=(count,))
    whole = "(and (<= 0 v0) (<= v0 p0))"

    def reaches(value):
        return Never(Apply(Operator.EQUAL, (Read(0), Constant(value))))

    assert not accepted(system, reaches(6), whole)
    assert accepted(system, reaches(7), whole)
    assumed = dataclasses.replace(system, assumptions=(small,))
    assert not accepted(assumed, reaches(4), whole)
    assert accepted(assumed, reaches(5), whole)
    assert not accepted(dataclasses.replace(system, assumptions=(FALSE,)), reaches(5), whole)


def errors_and_endings_agree():
    """An error at first, and reactions without an end, whether they are urgent or not."""
    variable = Variable("v", Range(0, 3), 0)
    system = System("s", 1, variables=(variable,))
    assert accepted(system, Never(FALSE), "(= v0 0)")
    assert not accepted(dataclasses.replace(system, initially=(Assign(0, Constant(4)),)), Never(FALSE), "true")
    high = Step("high", StepKind.ENVIRONMENT, TRUE, (Assign(0, Constant(4)),))
    assert not accepted(dataclasses.replace(system, steps=(high,)), Never(FALSE), "true")
    for urgent in (TRUE, FALSE):
        spin = Step("spin", StepKind.REACTION, TRUE, (), urgent, unit=0)
        spins = dataclasses.replace(system, units=("u",), steps=(spin,))
        assert not accepted(spins, Never(FALSE), "(= v0 0)")
        ends = dataclasses.replace(spin, guard=Apply(Operator.EQUAL, (Read(0), FALSE)), body=(Assign(0, TRUE),))
        assert accepted(dataclasses.replace(spins, steps=(ends,)), Never(FALSE), "(<= 0 v0 1)", "(- 1 v0)")


def observers_agree():
    """A change after two ticks, and what is asked of it with bounds around that."""
    change = Step("change", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Assign(0, TRUE), Stop(0), Occur(0)), TRUE)
    idle = Step("idle", StepKind.ENVIRONMENT, TRUE, ())
    before, after = (Apply(Operator.EQUAL, (Read(0), x)) for x in (FALSE, TRUE))
    system = System("s", 1, variables=(Variable("v", Range(0, 1), 0),), timers=(Timer("t", 3, 2),), events=(Event("e"),), steps=(change, idle))
    for bound in map(Constant, range(4)):
        for form in (
            Within(None, after, bound),
            Within(before, after, bound),
            Within(after, before, bound),
            Within(None, Occurred(0), bound),
            Within(TimerIs(0, TimerStatus.RUNNING), Occurred(0), bound),
            Within(TimerIs(0, TimerStatus.EXPIRED), Occurred(0), bound),
            NeverLonger(before, bound),
            NeverLonger(after, bound),
        ):
            exact_agrees(system, form, 0)
    patient, hasty = (Within(None, after, Constant(b)) for b in (2, 1))
    nodes = REACHED.reached(system, patient, 25).nodes
    invariant, rank = REACHED.invariant(system, patient, nodes), REACHED.rank(system, patient, REACHED.ranks(nodes))
    assert accepted(system, patient, invariant, rank)
    assert not accepted(system, hasty, invariant, rank)


# ---- one step


def formulas(words, lines, told):
    """Terms over the words for each of the texts, by a script of definitions."""
    declared = [f"(declare-const {w} {sort})" for w, sort in words.items()]
    goals = []
    for number, (sort, text) in enumerate(told):
        goals += [f"(declare-const out!{number} {sort})", f"(assert (= out!{number} {text}))"]
    return [a.arg(1) if str(a.arg(0)).startswith("out!") else a.arg(0) for a in z3.parse_smt2_string("\n".join([*declared, *lines, *goals]))]


def put(term, words, told):
    """The term where the words say this."""
    pairs = [
        (z3.Bool(w), z3.BoolVal(bool(told[w]))) if sort == "Bool" else (z3.Int(w), z3.IntVal(told[w]))
        for w, sort in words.items()
    ]
    return z3.simplify(z3.substitute(term, pairs)) if pairs else term


class Meant:
    """A step, the tick or the beginning, as the checker means it."""

    def __init__(self, words, effect, script, enabled="true", step=None):
        told = [("Bool", enabled), ("Bool", f"(and true {' '.join(effect.allowed)})"), ("Bool", f"(or false {' '.join(effect.failures)})")]
        told += [(sort, effect.state[w]) for w, sort in words.items()]
        self.words, self.step = words, step
        self.enabled, self.allowed, self.failed, *self.after = formulas(words, script.lines, told)

    def ways(self, told):
        """What it leads to from there: (values of the words, in their order), and whether an error can be met."""
        solver = z3.Solver()
        enabled, allowed, failed, *after = (put(t, self.words, told) for t in (self.enabled, self.allowed, self.failed, *self.after))
        solver.add(enabled, allowed)
        errs = solver.check(failed) == z3.sat
        solver.add(z3.Not(failed))
        found = set()
        while solver.check() == z3.sat:
            assert len(found) < MOST_WAYS
            model = solver.model()
            met = [model.eval(t, model_completion=True) for t in after]
            found.add(tuple(ENCODING.plain(x) for x in met))
            solver.add(z3.Or(*[a != b for a, b in zip(after, met, strict=True)]))
        return found, errs


def meaning_agrees(system, seed, length=4):
    """Every step and the tick, from states met by chance; and the beginning."""
    words, interpreter, draw = state_words(system, EVENTS), Interpreter(system), random.Random(seed)

    def wanted(outcomes):
        nodes = [(o.state, o.events, -1) for o in outcomes if o.failed is None]
        return {tuple(map(int, REACHED.values(system, EVENTS, n).values())) for n in nodes}, any(o.failed for o in outcomes)

    first = begin(system, words)
    at_first = [o._replace(events=NONE) for o in interpreter.initial()]
    assert Meant(words, first, first.script).ways(dict.fromkeys(words, 0)) == wanted(at_first)
    meant = [(h, Meant(words, h.effect, h.script, h.enabled)) for h in happenings(system, words)]
    alive = at_first
    for _ in range(length):
        alive = [o for o in alive if o.failed is None]
        if not alive:
            return
        state, events = (here := draw.choice(alive)).state, here.events
        told = REACHED.values(system, EVENTS, (state, events, -1))
        alive = interpreter.outcomes(state)
        for happening, made in meant:
            step = TICK if happening.step is None else system.steps.index(happening.step)
            place = happening.effect.position
            same = [o for o in alive if o.choice.step == step and o.choice.position == place]
            found = made.ways(told)
            if happening.step is not None and system.steps.count(happening.step) > 1:
                continue
            assert found == wanted(same)


@pytest.mark.parametrize("start", range(0, 30, 15))
def test_exactly_what_is_reached_is_accepted(start):
    found = []
    for seed in range(start, start + 15):
        system, form = drawn(seed)
        try:
            found.append(exact_agrees(system, form, seed))
        except Undecided:
            continue
    assert found.count(True) > 1
    assert found.count(False) > 1


@pytest.mark.parametrize("start", range(0, 40, 20))
def test_a_step_is_one_of_the_interpreter(start):
    for seed in range(start, start + 20):
        system, _ = drawn(seed)
        try:
            meaning_agrees(system, seed)
        except Undecided:
            continue


def test_a_choice_among_no_branches_is_not_judged():
    """Nobody can make it, and time does not pass while it is urgent."""
    none = Step("none", StepKind.ENVIRONMENT, TRUE, (Either(()),), TRUE)
    with pytest.raises(Undecided, match="no branches"):
        check(System("s", 1, steps=(none,)), Never(FALSE), "true", "0", only=["z3"])


def test_what_open_parameters_allow():
    parameters_agree()


def test_bounds_around_what_takes_two_ticks():
    observers_agree()


def test_errors_at_first_and_reactions_without_end_are_refused():
    errors_and_endings_agree()


def test_obligations_name_every_step():
    system, form = drawn(0)
    names = [o.name for o in obligations(system, form, "true", "0")]
    assert len(names) == len(set(names))
    words = state_words(system, form)
    assert {f"step-{h.name}" for h in happenings(system, words)} <= set(names)
