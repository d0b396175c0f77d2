"""Atomic reactions in certificates: what happens on the way does not count, and nothing that happens is left out."""


import pytest
from faults import notices

from verify.certify import meaning, obligations
from verify.certify.check import check
from verify.certify.formula import Refused
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Range
from verify.system.expression import (
    TRUE,
    Apply,
    Constant,
    Occurred,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    conjunction,
    equal,
)
from verify.system.property import Never, NeverLonger, Within
from verify.system.statement import Assign, Occur, Stop
from verify.system.system import Event, Step, StepKind, System, Timer, Variable


def reaction(name, guard, *body):
    return Step(name, StepKind.REACTION, guard, body, TRUE, unit=0)


def v(value):
    return equal(Read(0), Constant(value))


# v: 0 at first, 1 on the way of the beginning, 2 at rest; a push makes it 3, which becomes 4 and then 5; when the timer has expired
# 2 becomes 6 and 5 becomes 7, since that reaction comes first.
SYSTEM = System(
    "reacting",
    1,
    variables=(Variable("v", Range(0, 9), 0),),
    timers=(Timer("t", 3, 3),),
    events=(Event("pushed"), Event("reacted"), Event("begun")),
    steps=(
        Step("push", StepKind.ENVIRONMENT, v(2), (Assign(0, Constant(3)), Occur(0))),
        reaction("begin", v(0), Assign(0, Constant(1)), Occur(2)),
        reaction("begun", v(1), Assign(0, Constant(2))),
        reaction("react", v(3), Assign(0, Constant(4)), Occur(1)),
        reaction("go on", v(4), Assign(0, Constant(5))),
        reaction("first", conjunction(v(5), TimerIs(0, TimerStatus.EXPIRED)), Assign(0, Constant(7)), Stop(0)),
        reaction("late", TimerIs(0, TimerStatus.EXPIRED), Assign(0, Apply(Operator.ADD, (Read(0), Constant(4)))), Stop(0)),
        reaction("never", conjunction(v(6), TimerIs(0, TimerStatus.EXPIRED)), Assign(0, Constant(9))),
    ),
    units=("u",),
    atomic=True,
)
REACTIONS = [  # guard, effect, the event that occurs: as above, in another hand
    (lambda v, _: v == 0, lambda _, t: (1, t), 2),
    (lambda v, _: v == 1, lambda _, t: (2, t), None),
    (lambda v, _: v == 3, lambda _, t: (4, t), 1),
    (lambda v, _: v == 4, lambda _, t: (5, t), None),
    (lambda v, t: v == 5 and t == 0, lambda *_: (7, -1), None),
    (lambda _, t: t == 0, lambda v, _: (v + 4, -1), None),
    (lambda v, t: v == 6 and t == 0, lambda _, t: (9, t), None),
]
RANK = "(+ (ite (= t0 0) 9 0) (ite (= v0 0) 5 0) (ite (= v0 1) 4 0) (ite (= v0 3) 6 0) (ite (= v0 4) 5 0))"


def moves(state, look):
    """From (v, t, b, events, c): what follows; ``look`` gives the counter where the observer looks."""
    v, t, b, events, c = state
    if b == 0:
        if v == 2:
            yield 3, t, 1, frozenset({0}), c
        yield v, t - 1 if t > 0 else t, 1, frozenset(), c + 1 if c >= 0 else c
        return
    for guard, effect, event in REACTIONS:
        if guard(v, t):
            told = {event} if b == 1 and event is not None else set()
            yield *effect(v, t), b, events | told, c
            return
    yield v, t, 0, events, look(v, c)


def reached(form):
    """All that is met, on the way and at rest, and whether the property holds."""
    starts, stops, bound, first = None, None, 10**9, -1
    if isinstance(form, NeverLonger):
        starts, stops, bound = (lambda v: v == 2), (lambda v: v != 2), form.bound.value
    if isinstance(form, Within):
        starts, stops, bound, first = (lambda _: False), (lambda v: v == 6), form.bound.value, 0

    def look(v, c):
        if starts is None:
            return c
        begun = 0 if c < 0 and starts(v) else c
        return -1 if stops(v) else begun

    waiting = [(0, 3, 2, frozenset(), first)]
    seen = set(waiting)
    while waiting:
        for after in moves(waiting.pop(), look):
            if after not in seen and after[4] <= bound + 1:
                seen.add(after)
                waiting.append(after)
    late = any(b == 0 and c >= 0 and c + 1 > bound for _, _, b, _, c in seen)
    return seen, not late


def told(states, form):
    """The invariant of exactly these states."""
    counting = isinstance(form, NeverLonger | Within)
    asked = {e for e in range(3) if f"event={e}" in repr(form)}
    parts = []
    for v, t, b, events, c in sorted(states, key=repr):
        told_ = [f"(= v0 {v})", f"(= t0 {t if t >= 0 else f'(- {-t})'})", f"(= b {b})"]
        told_ += [f"e{e}" if e in events else f"(not e{e})" for e in sorted(asked)]
        told_ += [f"(= c {c if c >= 0 else f'(- {-c})'})"] if counting else []
        parts.append(f"(and {' '.join(told_)})")
    return f"(or {' '.join(dict.fromkeys(parts))} false)"


def accepted(form, invariant, rank=RANK):
    try:
        check(SYSTEM, form, invariant, rank, only=["z3"])
    except Refused:
        return False
    return True


def never(value):
    return Never(v(value))


def with_event(event, value):
    """That the event comes with no other value of v."""
    return Never(conjunction(Occurred(event), Apply(Operator.NOT, (v(value),))))


def at_rest(form, states):
    """Whether none of the states at rest is bad."""
    match form:
        case Never(Apply(Operator.EQUAL, (_, Constant(value)))):
            return not any(b == 0 and v_ == value for v_, _, b, _, _ in states)
        case Never(Apply(Operator.AND, (Occurred(event), Apply(_, (Apply(_, (_, Constant(value))),))))):
            return not any(b == 0 and event in events and v_ != value for v_, _, b, events, _ in states)
        case _:
            return True


FORMS = [never(x) for x in range(10)]
FORMS += [with_event(e, x) for e in range(3) for x in (2, 4, 5)]
FORMS += [NeverLonger(v(2), Constant(n)) for n in (1, 2, 3, 4)]
FORMS += [Within(None, v(6), Constant(n)) for n in (2, 3)]


def exact_agrees(form):
    """What is met exactly is accepted if nothing bad is met, and refused as soon as one of it is missing."""
    states, in_time = reached(form)
    whole = told(states, form)
    assert accepted(form, whole) == (in_time and at_rest(form, states))
    if not in_time or not at_rest(form, states):
        return
    for missing in sorted(states, key=repr):
        less = told(states - {missing}, form)
        assert less == whole or not accepted(form, less)


def ranks_are_asked_for():
    whole = told(reached(never(9))[0], never(9))
    assert accepted(never(9), whole)
    assert not accepted(never(9), whole, RANK.replace("(ite (= v0 4) 5 0)", "(ite (= v0 4) 6 0)"))
    assert not accepted(never(9), whole, f"(+ {RANK} b)")


CHECKS = [(ranks_are_asked_for,), *((exact_agrees, form) for form in reversed(FORMS))]


def test_the_system_is_what_the_comment_says():
    interpreter = Interpreter(SYSTEM)
    waiting = [(o.state, o.events) for o in interpreter.initial()]
    seen = set(waiting)
    while waiting:
        for outcome in interpreter.outcomes(waiting.pop()[0]):
            if (outcome.state, outcome.events) not in seen:
                seen.add((outcome.state, outcome.events))
                waiting.append((outcome.state, outcome.events))
    assert {(*s[:2], e) for s, e in seen} == {(v_, t, e) for v_, t, b, e, _ in reached(never(9))[0] if b == 0}
    assert {s[0] for s, _ in seen} == {2, 5, 6, 7}


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_what_is_met_exactly_is_accepted(form):
    exact_agrees(form)


def test_ranks_are_asked_for():
    ranks_are_asked_for()


FAULTS = {
    "nobody reacts at first": (meaning.begin, '["b"] = "2"', '["b"] = "0"'),
    "nobody reacts to a step": (meaning._made, 'effect.state["b"] = "1"', "pass"),
    "nobody reacts to a tick": (meaning._tick, 'effect.state["b"] = "1"', "pass"),
    "steps do not wait for reactions": (meaning._made, 'conditions.append("(= b 0)")', "pass"),
    "time does not wait for reactions": (meaning._tick, '"(= b 0)", ', ""),
    "later reactions come first": (meaning._reaction, "*waiting, ", ""),
    "rest comes while a reaction is enabled": (meaning._rest, ", *waiting", ""),
    "rest never comes": (meaning._rest, "(> b 0)", "(> b 2)"),
    "events of reactions are lost": (meaning._reaction, 'any_of([event, all_of(["(= b 1)", effect.state[event]])])', "event"),
    "events of steps are lost": (meaning._reaction, "any_of([event, ", "any_of(["),
    "events of the beginning are told": (meaning._reaction, '"(= b 1)", ', ""),
    "what is on the way counts": (obligations._Task.seen, 'if "b" in self.words', "if False"),
    "reactions need no rank": (obligations._Task.ends, "reacts or h.urgent", "h.urgent.startswith('z') and h.urgent"),
    "a rank may read b": (obligations._Task.__init__, 'if w != "b"', "if w"),
    "the observer looks on the way": (obligations._Task.count, "if not h.seen:", "if False:"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)
