"""Atomic reactions as Horn clauses: what is on the way is no state, the order is the one that is defined, what has no end is found."""

import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from faults import notices
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from siblings import sibling

from verify import api
from verify.certify import meaning
from verify.export import delays, loops, reactions
from verify.export import horn as asked
from verify.export.horn import Manner, horn
from verify.export.paths import NotExported
from verify.system.domain import Range
from verify.system.expression import (
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
)
from verify.system.property import Never, NeverLonger, Possible, Property, Within
from verify.system.statement import Assign, Choose, Either, Occur, Start, Stop
from verify.system.system import Event, Parameter, Step, StepKind, System, Timer, Variable

ROOT = Path(__file__).resolve().parents[2]
PLAIN = sibling("export", "test_horn")
REACTING = sibling("certify", "test_reactions")
RANDOM = sibling("semantics", "random_systems")
WORK = 4_000_000
MANNERS = [Manner(), Manner(delays=True, small=True)]


def is_(variable, value):
    return equal(Read(variable), Constant(value))


def to(variable, value):
    return Assign(variable, Constant(value))


def reaction(unit, guard, *body, slots=0):
    return Step(f"react {unit}", StepKind.REACTION, guard, body, TRUE, unit=unit, slots=slots)


def step(guard, *body):
    return Step("step", StepKind.ENVIRONMENT, guard, body)


def reacting(*steps, initially=(), timers=(), parameters=(), events=0):
    variables = (Variable("v", Range(0, 5), 0), Variable("w", Range(0, 5), 0))
    return System(
        "reacting",
        1,
        variables=variables,
        timers=timers,
        parameters=parameters,
        events=tuple(Event(f"e{i}") for i in range(events)),
        steps=steps,
        initially=initially,
        units=("first", "second", "third"),
        atomic=True,
    )


def answers(system, form, manners=MANNERS):
    """What Z3 says, however the question is written."""
    texts = [horn(system, None if form is None else Property("p", form), "0", manner) for manner in manners]
    assert all(map(PLAIN.well_formed, texts))
    return {PLAIN.asked_z3(text) for text in texts}


def reached(system, variable, manners=MANNERS):
    """The values that a variable can have where no unit reacts."""
    found = [answers(system, Possible(is_(variable, value)), manners) for value in range(6)]
    assert all(f in ({"sat"}, {"unsat"}) for f in found)
    return {value for value, f in enumerate(found) if f == {"unsat"}}


# ---- by hand


def nothing_comes_between():
    # a step makes v 1, which becomes 2 and then 3: 1 and 2 are no states, and neither another step nor time comes to see them
    way = [reaction(0, is_(0, 1), to(0, 2)), reaction(0, is_(0, 2), to(0, 3))]
    both = reacting(step(is_(0, 0), to(0, 1)), *way, step(is_(0, 2), to(1, 1)))
    assert reached(both, 0) == {0, 3}
    assert reached(both, 1) == {0}
    # the timer runs for a tick from the step on; if time passed on the way, the last reaction would find it expired
    late = reaction(0, Apply(Operator.AND, (is_(0, 2), TimerIs(0, TimerStatus.EXPIRED))), to(1, 1), to(0, 3))
    timed = reacting(step(is_(0, 0), to(0, 1), Start(0, Constant(1))), way[0], late, way[1], timers=(Timer("t", 1),))
    assert reached(timed, 1) == {0}


def reactions_come_at_once():
    # to the beginning, to a step, and to a tick
    first = reacting(reaction(0, is_(0, 0), to(0, 1)))
    assert reached(first, 0) == {1}
    counts = Step("step", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Stop(0),), TRUE)
    ticks = reacting(reaction(0, TimerIs(0, TimerStatus.EXPIRED), to(0, 1), Stop(0)), counts, timers=(Timer("t", 3, 3),))
    assert reached(ticks, 0) == {0, 1}
    assert answers(ticks, Within(None, is_(0, 1), Constant(3))) == {"sat"}  # it expires with the third tick
    assert answers(ticks, Within(None, is_(0, 1), Constant(2))) == {"unsat"}
    assert answers(ticks, NeverLonger(is_(0, 0), Constant(3))) == {"sat"}
    assert answers(ticks, NeverLonger(is_(0, 0), Constant(2))) == {"unsat"}
    # that the timer has expired is over when the reaction is: nobody sees it
    assert answers(ticks, Within(None, TimerIs(0, TimerStatus.EXPIRED), Constant(4))) == {"unsat"}
    assert answers(ticks, NeverLonger(Apply(Operator.NOT, (TimerIs(0, TimerStatus.EXPIRED),)), Constant(4))) == {"unsat"}
    # the tick that is too late ends in an error of the reaction: that is no violation, but it is an error
    fails = reacting(reaction(0, TimerIs(0, TimerStatus.EXPIRED), to(0, 9)), timers=(Timer("t", 3, 3),))
    for errors, answer in ((True, "unsat"), (False, "sat")):
        manners = [replace(m, errors=errors) for m in MANNERS]
        assert answers(fails, Within(None, is_(0, 1), Constant(2)), manners) == {answer}


def a_watch_looks_at_rest():
    # w is 1 at rest for ever, but on the way of each step it is 0; what interrupts it there is not seen
    blink = [step(is_(1, 1), to(1, 0)), reaction(0, is_(1, 0), to(1, 1))]
    assert answers(reacting(*blink), NeverLonger(is_(1, 1), Constant(2))) == {"unsat"}
    # what begins on the way is not seen either, and what answers there is no answer
    assert answers(reacting(*blink), Within(is_(1, 0), is_(0, 1), Constant(1))) == {"sat"}
    assert answers(reacting(*blink), Within(None, is_(1, 0), Constant(1))) == {"unsat"}


def units_take_turns():
    go = step(is_(0, 0), to(0, 1))
    # of one unit the first that is enabled in the order of the text reacts
    assert reached(reacting(go, reaction(0, is_(0, 1), to(0, 2)), reaction(0, is_(0, 1), to(0, 3))), 0) == {0, 2}
    # both could: the first one does
    assert reached(reacting(go, reaction(1, is_(0, 1), to(0, 3)), reaction(0, is_(0, 1), to(0, 2))), 0) == {0, 2}
    # the second one has two things to do, and does both before the first one is asked again
    second = [reaction(1, is_(0, 1), to(0, 2)), reaction(1, is_(0, 2), to(0, 3))]
    assert reached(reacting(go, reaction(0, is_(0, 2), to(0, 4)), *second), 0) == {0, 3}
    # after the first one comes the second, after the second the third, and after that the first
    assert reached(reacting(go, reaction(0, is_(0, 1), to(0, 2)), reaction(2, is_(0, 2), to(0, 3)), reaction(1, is_(0, 2), to(0, 4))), 0) == {0, 4}
    assert reached(reacting(go, reaction(1, is_(0, 1), to(0, 2)), reaction(0, is_(0, 2), to(0, 3)), reaction(2, is_(0, 2), to(0, 4))), 0) == {0, 4}
    assert reached(reacting(go, reaction(2, is_(0, 1), to(0, 2)), reaction(1, is_(0, 2), to(0, 3)), reaction(0, is_(0, 2), to(0, 4))), 0) == {0, 4}
    # and to the next step the first one reacts first again, whoever was the last
    again = step(is_(0, 2), to(0, 3))
    others = [reaction(1, is_(0, 1), to(0, 2)), reaction(1, is_(0, 3), to(0, 4)), reaction(0, is_(0, 3), to(0, 5))]
    assert reached(reacting(go, again, *others), 0) == {0, 2, 5}


def what_has_no_end_is_found():
    go = step(is_(0, 0), to(0, 1))
    there, back = (is_(0, 1), to(0, 2)), (is_(0, 2), to(0, 1))
    for first, second in ((0, 0), (0, 1), (1, 0)):
        system = reacting(go, reaction(first, *there), reaction(second, *back))
        assert answers(system, None) == {"unsat"}
        assert answers(system, Never(is_(0, 3))) == {"unsat"}
        assert answers(system, Never(is_(0, 3)), [replace(m, errors=False) for m in MANNERS]) == {"sat"}
        assert reached(system, 0) == {0}
    assert answers(reacting(go, reaction(0, *there), reaction(1, is_(0, 2), to(0, 3))), None) == {"sat"}
    # at once, without a change; and where nobody comes
    assert answers(reacting(reaction(0, TRUE)), None) == {"unsat"}
    assert answers(reacting(reaction(0, is_(0, 4))), None) == {"sat"}
    # the second one has to be there for the loop, and it is only after its own beginning
    late = [reaction(1, is_(1, 0), to(1, 1)), reaction(1, is_(0, 2), to(0, 1))]
    assert answers(reacting(go, reaction(0, *there), *late), None) == {"unsat"}
    # the state that comes back is not the one that the reactions begin with
    assert answers(reacting(go, reaction(0, is_(0, 1), to(0, 3)), reaction(0, is_(0, 3), to(0, 2)), reaction(0, is_(0, 2), to(0, 3))), None) == {"unsat"}


def what_counts_has_an_end():
    # a parameter says how far: up to it v counts, and there it stays; if it may be v's highest value and more is asked for, v leaves its range
    more = Assign(0, Apply(Operator.ADD, (Read(0), Constant(1))))
    for highest, answer in ((5, "sat"), (6, "unsat")):
        until = reaction(0, Apply(Operator.LESS, (Read(0), Rigid(0))), more)
        system = reacting(until, parameters=(Parameter("p", Range(1, highest)),))
        assert answers(system, None) == {answer}
    # it stays where it is for one value only
    stays = reaction(0, Apply(Operator.AND, (equal(Read(0), Rigid(0)), is_(0, 3))))
    for highest, answer in ((2, "sat"), (4, "unsat")):
        system = reacting(step(Apply(Operator.LESS, (Read(0), Constant(5))), more), stays, parameters=(Parameter("p", Range(1, highest)),))
        assert answers(system, None) == {answer}


def reactions_choose():
    # a choice of a branch and one of a number: each result is a state, those that the condition excludes are none
    go = step(is_(0, 0), to(0, 1))
    branches = reaction(0, is_(0, 1), Either(((to(0, 2),), (to(0, 4),))))
    assert reached(reacting(go, branches), 0) == {0, 2, 4}
    number = reaction(0, is_(0, 1), Choose(0, 2, 5, Apply(Operator.NOT, (equal(meaning.Local(0), Constant(3)),))), Assign(0, meaning.Local(0)), slots=1)
    assert reached(reacting(go, number), 0) == {0, 2, 4, 5}
    # one of the branches comes back to where it was: for ever, if it is always taken
    again = reaction(0, is_(0, 1), Either(((to(0, 1),), (to(0, 4),))))
    assert answers(reacting(go, again), None) == {"unsat"}
    assert reached(reacting(go, again), 0) == {0, 4}


def events_of_reactions():
    # of a step and of its reactions, but not of the beginning's; and over with the next step
    go = step(is_(0, 0), to(0, 1), Occur(0))
    begins = reaction(0, is_(1, 0), to(1, 1), Occur(2))
    system = reacting(go, begins, reaction(0, is_(0, 1), to(0, 2), Occur(1)), events=3)
    happened = [Apply(Operator.AND, (Occurred(e), is_(0, 2))) for e in range(3)]
    assert [answers(system, Possible(h)) for h in happened] == [{"unsat"}, {"unsat"}, {"sat"}]
    assert [answers(system, Possible(Apply(Operator.AND, (Occurred(e), is_(0, 0))))) for e in range(3)] == [{"sat"}] * 3
    both = Apply(Operator.AND, (Occurred(0), Apply(Operator.NOT, (Occurred(1),))))
    assert answers(system, Possible(both)) == {"sat"}


def another_hand_agrees(form):
    """The system of the certificates' tests, of which that room knows in another hand what is met."""
    states, in_time = REACTING.reached(form)
    holds = in_time and REACTING.at_rest(form, states)
    assert answers(REACTING.SYSTEM, form) == {"sat" if holds else "unsat"}


BY_HAND = [
    (nothing_comes_between,),
    (reactions_come_at_once,),
    (a_watch_looks_at_rest,),
    (units_take_turns,),
    (what_has_no_end_is_found,),
    (what_counts_has_an_end,),
    (reactions_choose,),
    (events_of_reactions,),
]


@pytest.mark.parametrize("check", [c for (c,) in BY_HAND], ids=lambda c: c.__name__)
def test_by_hand(check):
    check()


@pytest.mark.parametrize("form", REACTING.FORMS, ids=repr)
def test_another_hand(form):
    another_hand_agrees(form)


def test_what_is_refused():
    # an error would end the run in which an event came back with its state; the clauses do not know that
    chooses = reaction(0, is_(0, 1), Either(((Occur(0),), (to(0, 2),))))
    system = reacting(step(is_(0, 0), to(0, 1)), chooses, events=1)
    for form, errors in ((Possible(Occurred(0)), True), (Never(Occurred(0)), False)):
        with pytest.raises(NotExported, match="events, and choices"):
            horn(system, Property("p", form), "0", Manner(errors=errors))
    assert answers(system, Never(Occurred(0))) == {"unsat"}
    assert answers(system, Possible(is_(0, 2))) == {"unsat"}


# ---- agreement


def reacting_system(source):
    """A small random system with atomic reactions, and what makes predicates over it; None if it has none."""
    system, made = RANDOM.random_system(source)
    system = replace(system, atomic=True)
    return (system, made) if system.reacts else None


def agrees(system, form, manner, count=None):
    """Z3 says of the clauses what the interpreter finds state by state."""
    expected = PLAIN.Reference(system, form).unsatisfiable(errors=manner.errors)
    if expected is None:
        return
    try:
        text = horn(system, Property("p", form), "0", manner)
    except NotExported:
        return
    answer = PLAIN.asked_z3(text, WORK)
    if count is not None:
        count[answer] += 1
    assert answer in ("unknown", "unsat" if expected else "sat"), form


def seeded_agrees(seed, count=None):
    generator = random.Random(f"reacting {seed}")
    drawn = reacting_system(RANDOM.Seeded(generator))
    if drawn is not None:
        for kind in PLAIN.FORMS:
            agrees(drawn[0], RANDOM.random_form(drawn[1], kind), Manner(bool(seed % 3), bool(seed & 4), bool(seed & 2)), count)


@pytest.mark.parametrize(("seeds", "least"), [(range(25), 12), pytest.param(range(25, 400), 200, marks=pytest.mark.slow)])
def test_random_systems(seeds, least):
    count = Counter()
    for seed in seeds:
        seeded_agrees(seed, count)
    assert min(count["sat"], count["unsat"]) >= least, count
    assert count["unknown"] <= sum(count.values()) / 3, count


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_drawn_systems(data):
    drawn = reacting_system(RANDOM.Drawn(data.draw))
    if drawn is not None:
        form = RANDOM.random_form(drawn[1], data.draw(st.sampled_from(PLAIN.FORMS)))
        agrees(drawn[0], form, Manner(*(data.draw(st.booleans()) for _ in range(3))))


# Without the question whether an error can be met: that reactions have an end is what Z3 does not find out in a minute.
LACP = [("open_passive", "silent"), ("open_passive", "never_formed"), ("open_passive", "a_hears"), ("open_coupled", "never_formed")]


@pytest.mark.parametrize(("scenario", "name"), LACP)
def test_lacp(scenario, name, tmp_path):
    # sat where the spec says "proved": see there for why
    spec, path = api.load(ROOT / "specs/lacp/open_passive.spec"), tmp_path / "asked.smt2"
    check = next(c for t in spec.tasks if t.scenario == scenario for c in t.checks if c.property.name == name)
    path.write_text(api.export(spec, scenario, name, to="horn", manner=Manner(errors=False, delays=True, small=True)), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    assert PLAIN.well_formed(text) > 50
    assert "Loop" not in text
    told = subprocess.run([Path(sys.executable).with_name("z3"), "-T:60", path], capture_output=True, text=True, timeout=90, check=True)
    assert (told.stdout.split(), check.expected.value) == (["sat"], "proved")


def test_lacp_with_errors():
    """Each reaction is a clause of its own, and there are two of it in the question whether reactions have an end."""
    spec = api.load(ROOT / "specs/lacp/open_passive.spec")
    text = api.export(spec, "open_passive", "silent", to="horn", manner=Manner(small=True))
    assert PLAIN.well_formed(text) > 100
    assert text.count(": the first one in a loop, or a later one\n") > 20
    assert ";   u: the unit that reacted last, of 0 a, 1 b" in text


@pytest.mark.skipif(PLAIN.GOLEM is None, reason="Golem is not installed")
def test_golem(tmp_path):
    go = step(is_(0, 0), to(0, 1))
    for last, answer in ((1, "unsat"), (3, "sat")):
        system = reacting(go, reaction(0, is_(0, 1), to(0, 2)), reaction(1, is_(0, 2), to(0, last)))
        assert PLAIN.asked_golem(horn(system, None, "0"), tmp_path) == answer


# ---- faults

FAULTS = {
    "steps do not wait for reactions": (meaning._made, 'conditions.append("(= b 0)")', "pass", nothing_comes_between),
    "time does not wait for reactions": (meaning._tick, '"(= b 0)", ', "", nothing_comes_between),
    "rest comes while a reaction is enabled": (meaning._rest, ", *waiting", "", nothing_comes_between),
    "later reactions come first": (meaning._reaction, "*waiting, ", "", units_take_turns),
    "nobody reacts at first": (meaning.begin, '["b"] = "2"', '["b"] = "0"', reactions_come_at_once),
    "nobody reacts to a step": (meaning._made, 'effect.state["b"] = "1"', "pass", nothing_comes_between),
    "nobody reacts to a tick": (meaning._tick, 'effect.state["b"] = "1"', "pass", reactions_come_at_once),
    "nobody reacts to a delay": (delays.delay, '({"b": "1"} if "b" in words else {})', "{}", reactions_come_at_once),
    "the watch looks at the end of a delay": (delays.delay, ", seen=tick.seen", "", reactions_come_at_once),
    "what is on the way counts": (asked.Question.at_rest, "if self.system.reacts", "if False", nothing_comes_between),
    "the watch looks on the way": (asked.Question.watch, "if not h.seen:", "if False:", a_watch_looks_at_rest),
    "what came too late is forgotten": (asked.Question.watch, "if self.system.reacts", "if False", reactions_come_at_once),
    "an observer begins before the reactions": (asked.Question.begins, "if self.system.reacts:", "if False:", None),
    "from the beginning is never": (asked.Question.begins, '"true" if once else "false"', '"false"', reactions_come_at_once),
    "the bound is a tick too late": (asked.Question.late, "(> c {", "(> (- c 1) {", reactions_come_at_once),
    "the bound is a tick too early": (asked.Question.late, "(> c {", "(> (+ c 1) {", reactions_come_at_once),
    "units take turns as they like": (reactions.take_turns, "[h.enabled, *waits]", "[h.enabled]", units_take_turns),
    "nobody knows who was last": (reactions.take_turns, 'h.effect.state["u"] = str(here)', "pass", units_take_turns),
    "who was last is remembered": (reactions.take_turns, 'h.effect.state["u"] = "0"', "pass", units_take_turns),
    "the one before waits as well": (reactions._waits, "(> u {here}))", "true)", units_take_turns),
    "after the last one comes nobody": (reactions._waits, "(or (<= u {other}) (> u {here}))", "(<= u {other})", units_take_turns),
    "the next one is passed over": (reactions._waits, '(<= u {other}))"\n', '(< u {other}))"\n', units_take_turns),
    "who reacted last does not go on": (reactions._waits, "(< {here} u)", "(<= {here} u)", units_take_turns),
    "loops are not looked for": (asked.Question.text, "if self.errors and reacting", "if False", what_has_no_end_is_found),
    "loops have one reaction": (loops.Loops.text, "self.begins(way), self.goes_on(way)", "self.begins(way)", what_has_no_end_is_found),
    "loops begin nowhere": (loops.Loops.text, "self.begins(way), self.goes_on(way)", "self.goes_on(way)", what_has_no_end_is_found),
    "every reaction is a loop": (loops.Loops.text, 'same, "false"', '[], "false"', what_has_no_end_is_found),
    "where a loop began moves on": (loops.Loops.goes_on, "[*self.first])", "self.words)", what_has_no_end_is_found),
    "reactions of a loop change nothing": (loops.Loops.clause, "if way.after[w] != w or w in first}", "if w in first}", what_has_no_end_is_found),
}
REST = [*BY_HAND, *((another_hand_agrees, form) for form in reversed(REACTING.FORMS)), *((seeded_agrees, seed) for seed in range(20))]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    *fault, aimed = FAULTS[name]
    notices(fault, [*([(aimed,)] if aimed else []), *REST])
