"""Horn clauses: what a solver that is not ours says of exported questions, and what the interpreter finds state by state."""

import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter, deque
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import z3

from tests.semantics.random_systems import Seeded, random_form, random_system, sized_system
from verify import api
from verify.certify.formula import Undecided
from verify.certify.meaning import Effect, Happening, Script, happenings
from verify.certify.vocabulary import parameter_words
from verify.export.delays import delay
from verify.export.horn import Manner, Question, horn
from verify.export.paths import NotExported
from verify.semantics.interpreter import TICK, Interpreter
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Occurred,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
    equal,
    negation,
)
from verify.system.property import Eventually, Never, NeverLonger, Possible, Property, Within
from verify.system.statement import Assign, Either, Occur, Send, Start
from verify.system.system import (
    Event,
    Lane,
    Message,
    Order,
    Parameter,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
)

ROOT = Path(__file__).resolve().parents[2]
GOLEM = os.environ.get("GOLEM") or shutil.which("golem")
WORK = 2_000_000
FORMS = (Never, Possible, NeverLonger, Within)


def asked_z3(text, work=0):
    """Z3's answer to the clauses. ``work``: how much it may do, in its own measure, whatever else the machine does meanwhile."""
    solver = z3.SolverFor("HORN", ctx=z3.Context())
    solver.set("rlimit", work)
    solver.from_string(text.replace("(check-sat)", ""))
    return str(solver.check())


def asked_golem(text, folder, seconds=5.0):
    """Golem's answer to the clauses."""
    path = folder / "asked.smt2"
    path.write_text(text, encoding="utf-8")
    try:
        told = subprocess.run(
            [GOLEM, "-l", "QF_LIA", str(path)],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "unknown"
    if "non-linear" in told.stderr or "Divisor must be constant" in told.stderr:
        return "refused"
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout.split()[0]


class Reference:
    """All runs of a small closed system, state by state, with the watch of a property: from the definitions, by interpretation."""

    def __init__(self, system, form):
        self.interpreter = Interpreter(system)
        self.form = form
        match form:
            case Never(goal) | Possible(goal):
                self.goal = self.interpreter.predicate(goal)
            case NeverLonger(bad, bound):
                self.starts, self.stops = map(self.interpreter.predicate, (bad, negation(bad)))
                self.bound = bound.value
            case Within(trigger, response, bound):
                self.starts, self.stops = map(self.interpreter.predicate, (trigger or FALSE, response))
                self.bound = bound.value

    def unsatisfiable(self, *, errors=True, most=4000):
        """Whether what is asked for is reached, or an error is met that counts; None if there are too many states."""
        errors = errors and not isinstance(self.form, Possible)
        self.waiting, self.known = deque(), set()
        met = any(self.arrives(o, -1, first=True, errors=errors) for o in self.interpreter.initial())
        while self.waiting and not met:
            if len(self.known) > most:
                return None
            state, age = self.waiting.popleft()
            met = any(self.arrives(o, age, errors=errors) for o in self.interpreter.outcomes(state))
        return met

    def arrives(self, outcome, age, *, errors, first=False):
        """Note where a transition leads; whether it is an answer."""
        ticks = not first and outcome.choice.step == TICK
        if outcome.state is None:
            return errors
        if first:  # what reactions do at first is no event of a step
            outcome = outcome._replace(events=frozenset())
        if not hasattr(self, "goal") and ticks and age >= 0 and age + 1 > self.bound:
            return True
        if hasattr(self, "goal"):
            if self.goal(outcome.state, outcome.events):
                return True
        else:
            age += ticks and age >= 0
            once = first and isinstance(self.form, Within) and self.form.trigger is None
            if age < 0 and (once or self.starts(outcome.state, outcome.events)):
                age = 0
            if self.stops(outcome.state, outcome.events):
                age = -1
        if (outcome.state, age) not in self.known:
            self.known.add((outcome.state, age))
            self.waiting.append((outcome.state, age))
        return False


def closed_system(seed):
    """A small random system without atomic reactions, and what makes predicates over it; None if it has them."""
    generator = random.Random(f"horn {seed}")
    system, made = sized_system(generator) if seed % 2 else random_system(Seeded(generator))
    return None if system.atomic else (system, made)


def compared(seeds, ask, count):
    """Compare a solver's answers with the interpreter's; what was answered is counted."""
    for seed in seeds:
        drawn = closed_system(seed)
        if drawn is None:
            continue
        system, made = drawn
        for kind in FORMS:
            form = random_form(made, kind)
            errors = bool(seed % 3)
            expected = Reference(system, form).unsatisfiable(errors=errors)
            if expected is None:
                continue
            try:
                answer = ask(horn(system, Property("p", form), "0", Manner(errors, bool(seed & 4), bool(seed & 2))))
            except NotExported:
                continue
            count[answer] += 1
            assert answer in ("unknown", "refused", "unsat" if expected else "sat"), (seed, form)
    return count


# ---- the text


def counter(bound, *, assumptions=()):
    """``v`` counts by ``step`` (open, 1..3) to 6 at the most, an error beyond; ``never v == bound``."""
    step = Rigid(0)
    more = Assign(0, Apply(Operator.ADD, (Read(0), step)))
    guard = Apply(Operator.LESS, (Read(0), Constant(6)))
    system = System(
        "counter",
        1,
        variables=(Variable("counter\nof steps", Range(0, 8), 0),),
        parameters=(Parameter("step", Range(1, 3)),),
        assumptions=assumptions,
        steps=(Step("more", StepKind.ENVIRONMENT, guard, (more,)),),
    )
    return system, Property("p", Never(equal(Read(0), Constant(bound))), "never there")


def tree(text):
    """The commands of a file, as nested lists."""
    done = [[]]
    for word in re.findall(r"[()]|[^\s()]+", re.sub(r";[^\n]*", "", text)):
        if word == "(":
            done.append([])
        elif word == ")":
            made = done.pop()
            done[-1].append(made)
        else:
            done[-1].append(word)
    assert len(done) == 1
    return done[0]


def words_in(term):
    """All words of a term."""
    return {term} if isinstance(term, str) else set().union(*map(words_in, term), set())


def named(term):
    """The operator of a term, or the term itself."""
    return term if isinstance(term, str) else term[0]


def well_formed(text):
    """Whether the commands are those of the competition's format, and each clause is one; how many there are."""
    logic, declared, *asserted, check = tree(text)
    assert (logic, check) == (["set-logic", "HORN"], ["check-sat"])
    assert declared[:2] == ["declare-fun", "Inv"]
    assert declared[3] == "Bool"
    relations = {"Inv": len(declared[2])}
    if asserted[0][0] == "declare-fun":  # of reactions without end
        _, name, sorts, result = asserted.pop(0)
        assert (name, result) == ("Loop", "Bool")
        relations[name] = len(sorts)
    for command, (quantifier, bound, (implies, body, head)) in asserted:
        assert (command, quantifier, implies) == ("assert", "forall", "=>")
        variables = [name for name, _ in bound]
        assert len(variables) == len(set(variables))
        parts = body[1:] if body[0] == "and" else [body]
        before = [p for p in parts if named(p) in relations]
        assert len(before) <= 1  # linear
        applied = [[x] if isinstance(x, str) else x for x in before + ([head] if head != "false" else [])]
        assert all(len(r) == 1 + relations[r[0]] and len(set(r)) == len(r) for r in applied), applied
        assert all(set(r[1:]) <= set(variables) for r in applied)
        rest = [p for p in parts if named(p) not in relations]
        assert not any(relations.keys() & words_in(p) for p in rest)
        mentioned = set().union(*map(words_in, [*rest, *applied]))
        assert {v for v in variables if "!" in v} <= mentioned
    return len(asserted)


def test_the_format():
    system, asked = counter(7)
    text = horn(system, asked, "1.2.3")
    assert well_formed(text) == 5  # the beginning, a step and its error, a tick, the property
    assert text.startswith("; counter, exported by verify 1.2.3: constrained Horn clauses")
    assert ";   p0: step, 1..3" in text
    assert ";   v0: counter of steps, 0..8" in text
    assert "; s0: more\n" in text
    assert "; Asked: p: never there." in text
    for seed in range(12):
        drawn = closed_system(seed)
        for kind in FORMS if drawn else ():
            well_formed(horn(drawn[0], Property("p", random_form(drawn[1], kind)), "0"))


def test_open_parameters():
    # 0, 1, ..; 0, 2, 4, 6; 0, 3, 6: 6 is always reached, 5 only by ones, 7 never
    assert asked_z3(horn(*counter(6), "0")) == "unsat"
    assert asked_z3(horn(*counter(7), "0")) == "sat"
    assert asked_z3(horn(*counter(5), "0")) == "unsat"
    two = Apply(Operator.AT_MOST, (Constant(2), Rigid(0)))
    assert asked_z3(horn(*counter(5, assumptions=(two,)), "0")) == "sat"
    none = Apply(Operator.AT_MOST, (Constant(4), Rigid(0)))
    assert asked_z3(horn(*counter(6, assumptions=(none,)), "0")) == "sat"


def test_errors():
    system, asked = counter(8)  # never reached; with 5 as the highest value, 6 is an error
    narrow = replace(system, variables=(Variable("v", Range(0, 5), 0),))
    assert asked_z3(horn(system, asked, "0")) == "sat"
    assert asked_z3(horn(narrow, asked, "0")) == "unsat"
    assert asked_z3(horn(narrow, asked, "0", Manner(errors=False))) == "sat"
    assert asked_z3(horn(narrow, None, "0")) == "unsat"
    assert asked_z3(horn(system, None, "0")) == "sat"
    assert "no error can be met" in horn(narrow, asked, "0")
    assert "in runs up to an error" in horn(narrow, asked, "0", Manner(errors=False))


def test_what_is_possible():
    system, _ = counter(0)
    narrow = replace(system, variables=(Variable("v", Range(0, 5), 0),))
    for value, answer in ((5, "unsat"), (6, "sat")):
        text = horn(narrow, Property("p", Possible(equal(Read(0), Constant(value)))), "0")
        assert asked_z3(text) == answer
        assert "sat: it is not possible for all values" in text


def test_what_is_refused():
    system, asked = counter(7)
    nobodys = Step("r", StepKind.REACTION, FALSE, ())
    with pytest.raises(NotExported, match="has no unit"):
        horn(replace(system, atomic=True, steps=(nobodys,), units=("u",)), asked, "0")
    with pytest.raises(NotExported, match="endless runs"):
        horn(system, Property("p", Eventually(FALSE)), "0")
    with pytest.raises(NotExported, match="nothing is asked"):
        horn(system, None, "0", Manner(errors=False))
    nowhere = replace(system, steps=(Step("s", StepKind.ENVIRONMENT, FALSE, (Either(()),)),))
    with pytest.raises(NotExported, match="no branches"):
        horn(nowhere, asked, "0")


def test_the_command(tmp_path):
    path = tmp_path / "gap.smt2"
    command = [sys.executable, "-m", "verify", "export", ROOT / "specs/vrrp/priorities.spec", "--scenario", "open_gap", "--to", "horn"]
    asked = ["--property", "never_two", "--out", path]
    for more in ([], ["--ignore-errors", "--delays", "--small"]):
        subprocess.run([*command, *asked, *more], check=True, capture_output=True)
        assert (len(more) == 0) == ("no error can be met" in path.read_text(encoding="utf-8"))
        assert well_formed(path.read_text(encoding="utf-8")) > 10
    command[-1] = "promela"
    refused = subprocess.run([*command, "--ignore-errors"], check=False, capture_output=True, text=True)
    assert (refused.returncode, "E829" in refused.stderr) == (2, True)


# ---- delays


class Steps:
    """The tick and the delay of a system, as scripts over any state: to be compared by Z3."""

    def __init__(self, system, form):
        clauses = Question(system, Property("p", form), Manner(delays=True))
        self.words = clauses.words
        self.tick = happenings(system, self.words)[-1]
        self.delay, self.ticks = delay(system, self.words, self.tick)
        stays = Effect(system, Script(prefix="stays"), {w: w for w in self.words}, [])
        self.stays = Happening("stays", None, stays.script, "true", "false", stays)
        for happening, ticks in ((self.tick, "1"), (self.delay, self.ticks), (self.stays, "0")):
            clauses.watch(happening, ticks)
        self.lines = [f"(declare-const {w} {sort})" for w, sort in self.words.items()]
        self.lines += [f"(declare-const {w} Int)" for w in parameter_words(system)]

    def taken(self, happening, name, ticks="", state=None):
        """Whether it is allowed from a state (None: any), and what it leads to."""
        known = {self.ticks: ticks} | (state or {})

        def renamed(text):
            def word(found):
                return known.get(found.group(), found.group() + name if "!" in found.group() else found.group())

            return re.sub(r"[^\s()]+", word, text)

        self.lines += [renamed(line) for line in happening.script.lines if f"-const {self.ticks} " not in line]
        return renamed(happening.enabled), {w: renamed(happening.effect.state[w]) for w in self.words}

    def shape(self, system):
        """What holds of every state in which the property has been looked at."""
        _, still = self.taken(self.stays, "stays")
        told = [f"(>= t{i} (- 1))" for i in range(len(system.timers))]
        told += [f"(>= c (- 1)) (= c {still['c']})"] if "c" in self.words else []
        for number, lane in enumerate(system.lanes):
            effect = Effect(system, Script(prefix=f"sorted{number}"), {w: w for w in self.words}, [])
            places = [effect.content(number, p) for p in range(lane.capacity)]
            told += [f"(<= 0 {p['age']} {lane.maximum}) (or {p['here']} (= {p['age']} 0))" for p in places]
            for first, second in pairwise(places):
                told.append(f"(=> {second['here']} {first['here']})")
                told += [f"(not {effect.precedes(second, first)})"] if lane.order is Order.UNORDERED else []
        return " ".join(told)

    def differs(self, one, other):
        return "(or false " + " ".join(f"(not (= {one[w]} {other[w]}))" for w in self.words) + ")"

    def asked(self, claim):
        solver = z3.Solver(ctx=z3.Context())
        solver.from_string("\n".join([*self.lines, f"(assert {claim})"]))
        return str(solver.check())


def is_its_ticks(system, form):
    """By induction over their number: a delay is allowed where its ticks are, one after another, and does what they do."""
    s = Steps(system, form)
    s.lines.append("(declare-const d Int)")
    shape = s.shape(system)
    tick, after = s.taken(s.tick, "-tick")
    once, first = s.taken(s.delay, "-once", "1")
    quiet = " ".join(["(and true", *(f"(not {w})" for w in s.words if w[0] == "e" and "c" in s.words)]) + ")"
    same = f"(= {once} (and {tick} {quiet})) (not (and {once} {s.differs(after, first)}))"
    assert s.asked(f"(and {shape} (not (and {same})))") == "unsat"
    some, there = s.taken(s.delay, "-some", "d")
    more, beyond = s.taken(s.delay, "-more", "(+ d 1)")
    next_one, last = s.taken(s.tick, "-last", state=there)
    claim = f"(and {some} {next_one} (not {s.differs(last, beyond)}))"
    assert s.asked(f"(and {shape} (>= d 1) {more} (not {claim}))") == "unsat"
    return s.asked(f"(and {shape} (>= d 1) {more})") == "sat"


@pytest.mark.parametrize(("seeds", "least"), [(range(6), 4), pytest.param(range(6, 40), 25, marks=pytest.mark.slow)])
def test_a_delay_is_its_ticks(seeds, least):
    longer = 0
    for seed in seeds:
        drawn = closed_system(seed)
        for kind in (Never, NeverLonger, Within) if drawn else ():
            try:
                longer += is_its_ticks(drawn[0], random_form(drawn[1], kind))
            except Undecided:
                continue
    assert longer >= least


def test_what_a_delay_must_not_pass():
    # a message that can be delivered at once when it is 2 ticks old, a timer, an event that a watch looks at
    lane = Lane("l", "n", 0, 0, 1, 2, 5)
    at_once = Step("take", StepKind.DELIVERY, TRUE, (), TRUE, Take(0, Taking.DELIVER), slots=1)
    send = Step("send", StepKind.ENVIRONMENT, TRUE, (Send(0, 0, ()), Occur(0)))
    rings = Step("ring", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Start(0, Constant(4)),), TRUE)
    system = System(
        "attentive",
        1,
        variables=(Variable("v", Range(0, 1), 0),),
        timers=(Timer("t", 4, 4),),
        messages=(Message("m", ()),),
        lanes=(lane,),
        events=(Event("sent"),),
        steps=(at_once, send, rings),
    )
    quiet = equal(Read(0), Constant(0))
    for form in (Never(quiet), Within(quiet, Occurred(0), Constant(3)), NeverLonger(negation(Occurred(0)), Constant(3))):
        assert is_its_ticks(system, form)


# ---- agreement


def test_random_systems():
    count = compared(range(50), lambda text: asked_z3(text, WORK), Counter())
    assert min(count["sat"], count["unsat"]) >= 30, count
    assert count["unknown"] <= sum(count.values()) / 3, count


@pytest.mark.slow
def test_many_random_systems():
    count = compared(range(60, 260), lambda text: asked_z3(text, WORK), Counter())
    assert min(count["sat"], count["unsat"]) >= 150, count
    assert count["unknown"] <= sum(count.values()) / 3, count


@pytest.mark.skipif(GOLEM is None, reason="Golem is not installed")
def test_golem(tmp_path):
    count = compared(range(20), lambda text: asked_golem(text, tmp_path, 2.0), Counter())
    assert min(count["sat"], count["unsat"]) >= 8, count


def test_a_small_export():
    spec = api.load(ROOT / "specs/vrrp/priorities.spec")
    whole, small = (
        api.export(spec, "open_gap", "never_two", to="horn", manner=Manner(small=small)) for small in (False, True)
    )
    assert len(tree(small)[1][2]) < len(tree(whole)[1][2]) / 2
    assert well_formed(small) == well_formed(whole)
    assert "; v1: r1.learned, 1..25500, always 10" in small.replace("   ", " ")
    # the skew is (256 - priority) * interval / 256, and the interval that is heard is always the same
    assert any(open_product(t) for t in tree(whole))
    assert not any(open_product(t) for t in tree(small))


def open_product(term):
    """Whether something stands in a term that is multiplied by what is no number, or divided by it."""
    if isinstance(term, str):
        return False
    if term and term[0] in ("*", "div", "mod"):
        numbers = [a for a in term[1:] if isinstance(a, str) and a.isdigit()]
        if len(term) - 1 - len(numbers) > 1 or (term[0] != "*" and term[-1] not in numbers):
            return True
    return any(map(open_product, term))


OPEN = [
    ("specs/vrrp/priorities.spec", "open_gap", "never_two", "unsat"),
    ("benchmarks/keepalive.spec", "equal", "never_both", "unsat"),
    ("benchmarks/keepalive.spec", "patient", "never_both", "sat"),
]


def exported(path, scenario, asked):
    return api.export(api.load(ROOT / path), scenario, asked, to="horn", manner=Manner(delays=True, small=True))


TWO_STEPS = ("specs/vrrp/started_together.spec", "two_steps", "never_two", "unsat")


@pytest.mark.parametrize(
    ("path", "scenario", "asked", "answer"), [*OPEN, pytest.param(*TWO_STEPS, marks=pytest.mark.slow)]
)
def test_open_parameters_of_specs(path, scenario, asked, answer):
    assert asked_z3(exported(path, scenario, asked)) == answer


@pytest.mark.parametrize("path", sorted({path for path, *_ in [*OPEN, TWO_STEPS]}))
def test_what_the_specs_expect(path):
    # what the solvers answer here is what the specs say, and what the other tests see our engines find
    for task in api.load(ROOT / path).tasks:
        for check in task.checks:
            found = [a for p, s, asked, a in [*OPEN, TWO_STEPS] if (p, s, asked) == (path, task.scenario, check.property.name)]
            assert found in ([], ["sat" if check.expected.value == "proved" else "unsat"])


@pytest.mark.skipif(GOLEM is None, reason="Golem is not installed")
@pytest.mark.parametrize(("path", "scenario", "asked", "answer"), OPEN)
def test_golem_and_open_parameters(path, scenario, asked, answer, tmp_path):
    assert asked_golem(exported(path, scenario, asked), tmp_path, 300.0) == answer
