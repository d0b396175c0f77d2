"""What is reached exactly is an invariant that the checker accepts, if all is well, and refuses as soon as a state is missing.

And one step of the checker's meaning of a system is one of the interpreter's, from states met by chance.
"""

import random
from dataclasses import replace

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
    equal,
)
from verify.system.property import Never, NeverLonger, Possible, Within
from verify.system.statement import Assign, Choose, Either, If, Occur, Stop
from verify.system.system import (
    Event,
    Lane,
    Message,
    Order,
    Parameter,
    Step,
    StepKind,
    System,
    Timer,
    Variable,
    WhenFull,
)

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
    return replace(system, atomic=False), RANDOM.random_form(m, FORMS[seed % len(FORMS)])


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
    assumed = replace(system, assumptions=(small,))
    assert not accepted(assumed, reaches(4), whole)
    assert accepted(assumed, reaches(5), whole)
    assert not accepted(replace(system, assumptions=(FALSE,)), reaches(5), whole)


def errors_and_endings_agree():
    """An error at first, and reactions without an end, whether they are urgent or not."""
    variable = Variable("v", Range(0, 3), 0)
    system = System("s", 1, variables=(variable,))
    assert accepted(system, Never(FALSE), "(= v0 0)")
    assert not accepted(replace(system, initially=(Assign(0, Constant(4)),)), Never(FALSE), "true")
    high = Step("high", StepKind.ENVIRONMENT, TRUE, (Assign(0, Constant(4)),))
    assert not accepted(replace(system, steps=(high,)), Never(FALSE), "true")
    for urgent in (TRUE, FALSE):
        spin = Step("spin", StepKind.REACTION, TRUE, (), urgent, unit=0)
        spins = replace(system, units=("u",), steps=(spin,))
        assert not accepted(spins, Never(FALSE), "(= v0 0)")
        ends = replace(spin, guard=Apply(Operator.EQUAL, (Read(0), FALSE)), body=(Assign(0, TRUE),))
        assert accepted(replace(spins, steps=(ends,)), Never(FALSE), "(<= 0 v0 1)", "(- 1 v0)")


def parts_agree():
    """Each conjunct that a step may change is kept, and all summands together go down, wherever they stand."""
    variables = (Variable("v", Range(0, 3), 0), Variable("w", Range(0, 3), 0))
    some = Apply(Operator.LESS, (FALSE, Read(0)))
    down = Assign(0, Apply(Operator.SUBTRACT, (Read(0), TRUE)))
    up = Assign(1, Apply(Operator.ADD, (Read(1), TRUE)))
    start = (Assign(0, Constant(3)),)

    def system(*body):
        return System("s", 1, variables=variables, initially=start, steps=(Step("moves", StepKind.ENVIRONMENT, some, body, TRUE),))

    both, ranges = system(down, up), "(and (<= 0 v0) (<= v0 3)) (<= 0 v1) (<= v1 3)"
    assert accepted(both, Never(FALSE), f"(and {ranges} (= (+ v0 v1) 3))", "v0")
    assert not accepted(both, Never(FALSE), f"(and {ranges})", "v0")
    assert not accepted(both, Never(FALSE), f"(and {ranges} (= v1 0))", "v0")
    assert not accepted(both, Never(FALSE), f"(and (= v1 0) {ranges})", "v0")
    for rank in ("(+ v0 v1)", "(+ v1 v0)", "(+ 1 (+ v0 v1))", "v1", "7", "(- v0 3)"):
        assert not accepted(both, Never(FALSE), f"(and {ranges} (= (+ v0 v1) 3))", rank)
    for rank in ("(+ v0 (* 2 v0))", "(+ v0 3)", "(+ (* 2 v0) v1)", "(+ v1 (+ v0 v0))", "(let ((a!1 v0)) (+ a!1 a!1))"):
        assert accepted(both, Never(FALSE), f"(and {ranges} (= (+ v0 v1) 3))", rank)
    assert accepted(system(down), Never(FALSE), f"(and {ranges} (= v1 0))", "(+ v0 v1)")


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


class Stepper:
    """Every step and the tick of a system, as the checker means them, and as the interpreter does them."""

    def __init__(self, system):
        self.system, self.words, self.interpreter = system, state_words(system, EVENTS), Interpreter(system)
        self.meant = [(h, Meant(self.words, h.effect, h.script, h.enabled)) for h in happenings(system, self.words)]

    def wanted(self, outcomes):
        nodes = [(o.state, o.events, -1) for o in outcomes if o.failed is None]
        return {tuple(map(int, REACHED.values(self.system, EVENTS, n).values())) for n in nodes}, any(o.failed for o in outcomes)

    def begins(self):
        """The first states, which agree."""
        first = begin(self.system, self.words)
        at_first = [o._replace(events=NONE) for o in self.interpreter.initial()]
        assert Meant(self.words, first, first.script).ways(dict.fromkeys(self.words, 0)) == self.wanted(at_first)
        return at_first

    def agrees(self, state, events=NONE):
        """All that follows from a state, and agrees."""
        told = REACHED.values(self.system, EVENTS, (state, events, -1))
        outcomes = self.interpreter.outcomes(state)
        for happening, made in self.meant:
            step = TICK if happening.step is None else self.system.steps.index(happening.step)
            place = happening.effect.position
            same = [o for o in outcomes if o.choice.step == step and o.choice.position == place]
            found = made.ways(told)
            if happening.step is not None and self.system.steps.count(happening.step) > 1:
                continue
            assert found == self.wanted(same)
        return outcomes


def meaning_agrees(system, seed, length=4):
    """Every step and the tick, from states met by chance; and the beginning."""
    stepper, draw = Stepper(system), random.Random(seed)
    alive = stepper.begins()
    for _ in range(length):
        alive = [o for o in alive if o.failed is None]
        if not alive:
            return
        here = draw.choice(alive)
        alive = stepper.agrees(here.state, here.events)


def chosen_lanes_agree():
    """From states that chance seldom meets: (the timer, the messages of the lane by age and kind)."""
    error, newest, oldest = WhenFull.ERROR, WhenFull.DROP_NEWEST, WhenFull.DROP_OLDEST
    # of two in a bag the younger comes to the oldest age, where nobody takes them, and stands first there
    Stepper(ENCODING.lanes_system(Order.UNORDERED, newest, 2, 0, 1, taken=False)).agrees((2, ((1, 1), (0, 0))))
    # what comes into a bag stands where it belongs; of equal copies the first one is taken, wherever they stand
    bag = Stepper(ENCODING.lanes_system(Order.UNORDERED, newest, 3, 0, 2))
    for held in ((0, 1),), ((1, 0), (1, 0)), ((1, 0), (0, 1), (0, 1)):
        bag.agrees((2, held))
    for full in (error, newest, oldest):  # a full queue, of which the head is taken and any other copied
        Stepper(ENCODING.lanes_system(Order.FIFO, full, 3, 0, 2)).agrees((2, ((2, 0), (1, 1), (0, 0))))


def small_steps_agree():
    """What guards ask of time and of lanes, at the first instant at which they say yes and at the last at which they say no."""

    def step(name, guard, *body):
        return Step(name, StepKind.ENVIRONMENT, guard, body)

    two = Apply(Operator.EQUAL, (Count(0), Constant(2)))
    least = Apply(Operator.MINIMUM, (Read(0), Constant(2)))
    chosen = If(equal(Read(0), Constant(1)), (), (Choose(0, 1, 2, Apply(Operator.EQUAL, (Local(0), Constant(2)))), Assign(0, Local(0))))
    other = Choose(0, 0, 2, TRUE)
    steps = (
        step("expired", TimerIs(0, TimerStatus.EXPIRED)),
        step("due", Due(0)),
        step("two", two),
        step("occur", TRUE, Occur(0)),
        step("least", TRUE, Assign(0, least)),
        replace(step("choose", TRUE, chosen, other, Assign(1, Local(0))), slots=1),
        replace(step("calm", equal(Read(0), Constant(1))), urgent=TRUE),
        replace(step("pressing", equal(Read(0), Constant(3))), urgent=TRUE),
    )
    system = System(
        "small",
        1,
        variables=(Variable("v", Range(0, 3), 1), Variable("w", Range(0, 3), 2)),
        timers=(Timer("t", 3, 3),),
        messages=(Message("m", ()),),
        lanes=(Lane("l", "n", 0, 0, 2, 0, 2, when_full=WhenFull.DROP_OLDEST),),
        events=(Event("e"), Event("f")),
        steps=steps,
        initially=(Assign(1, Constant(3)),),
    )
    small = Stepper(system)
    small.begins()
    for v, timer in ((1, -1), (3, 0), (2, 1), (0, 2)):
        for lane in (), ((1, 0),), ((2, 0), (0, 0)):
            small.agrees((v, 0, timer, lane), frozenset({0}))


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


def test_states_that_chance_seldom_meets():
    chosen_lanes_agree()
    small_steps_agree()


def test_what_open_parameters_allow():
    parameters_agree()


def test_bounds_around_what_takes_two_ticks():
    observers_agree()


def test_conjuncts_and_summands():
    parts_agree()


def test_errors_at_first_and_reactions_without_end_are_refused():
    errors_and_endings_agree()


def test_obligations_name_every_step():
    system, form = drawn(0)
    names = [o.name for o in obligations(system, form, "true", "0")]
    assert len(names) == len(set(names))
    words = state_words(system, form)
    assert {f"step-{h.name}" for h in happenings(system, words)} <= set(names)
