"""Seeded faults of questions: their observers and goals, and what they say where atomic reactions are moves."""

import pytest
from faults import noticed, notices
from siblings import sibling

from verify.engines.symbolic import questions
from verify.engines.symbolic.questions import Question
from verify.semantics.interpreter import TICK
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Occurred, Operator, Read, TimerIs, TimerStatus
from verify.system.property import Never, NeverLonger, Within
from verify.system.statement import Assign, Occur, Stop
from verify.system.system import Event, Step, StepKind, System, Timer, Variable

ENCODING = sibling("symbolic", "test_encoding")
FAULTY = sibling("symbolic", "test_encoding_faults")
REACTING = sibling("certify", "test_reactions")
NONE = frozenset()

QUESTIONS = {
    "the bound is a tick too late": (questions.Question._goal, "self.bound + 1", "self.bound + 2"),
    "a delay goes past the bound": (questions.Question._counted, "state.counter + delay <= self.bound + 1", "True"),
    "a repeated trigger starts again": (questions.Question._arrival, "both(counted < 0, starts)", "starts"),
    "what is answered at first is waited for": (questions.Question._watch, "both(starts, no(stops)), 0, IDLE", "starts, 0, IDLE"),
    "what begins at first is whatever begins": (questions.Question._watch, "starts = self._holds(watch.starts, move_state)", "pass"),
    "nobody looks after a delay": (questions.Question._watch, "self._arrival(watch, self.tick.state, self._counted(watch))", "self._counted(watch)"),
    "ticks are counted while nobody waits": (questions.Question._counted, "choose(waits, state.counter + delay, state.counter)", "state.counter + delay"),
    "a delay goes on from an event": (questions.Question._counted, "if asked_events(self.form):", "if False:"),
    "an answer after the bound counts": (questions.Question._arrival, "choose(equals(counted, self.bound + 1), counted, choose(stops, IDLE, begun))", "choose(stops, IDLE, begun)"),
    "nothing is an answer": (questions.Question._arrival, "choose(stops, IDLE, begun)", "begun"),
    "an answer at once does not count": (questions.Question._arrival, "choose(stops, IDLE, begun)", "choose(both(stops, counted >= 0), IDLE, begun)"),
    "events of a trigger are not asked for": (questions.asked_events, "(frozenset() if trigger is None else events_of(trigger))", "frozenset()"),
}

STEPWISE = {
    "what is on the way counts": (questions.Question._goal, "both(equals(state.busy, 0), ", "both(True, "),
    "the observer looks on the way": (questions.Question._watch_at_rest, "rests = move.step == REST", "rests = move.step != TICK"),
    "the observer never looks": (questions.Question._watch_at_rest, "rests = move.step == REST", "rests = False"),
    "from the beginning is never": (questions.Question._watch_at_rest, "0 if watch.starts is None else IDLE", "IDLE"),
    "from the beginning is whenever": (questions.Question._watch_at_rest, "0 if watch.starts is None else IDLE", "0"),
    "no tick is counted": (questions.Question._watch_at_rest, "self.tick.state.counter = self._counted(watch)", "pass"),
}

FALSE_YET = Apply(Operator.EQUAL, (Read(0), Constant(0)))
RINGING = [
    Within(None, TimerIs(0, TimerStatus.EXPIRED), Constant(1)),  # with the second tick it is too late, and answered
    NeverLonger(Occurred(0), Constant(1)),  # over with the next tick, however long a delay is
    Within(Occurred(0), Occurred(1), Constant(1)),
    Within(Occurred(0), FALSE, Constant(1)),
    Within(None, FALSE_YET, Constant(1)),  # answered at first
    Within(TimerIs(0, TimerStatus.EXPIRED), FALSE_YET, Constant(1)),  # answered at once
]


# ---- agreement


def bell_agrees(form, seed):
    """A bell rings after two ticks, once, and someone may come: what begins or ends with an event, and what comes with the tick that is too late."""
    expired = TimerIs(0, TimerStatus.EXPIRED)
    steps = (
        Step("ring", StepKind.TIMEOUT, expired, (Stop(0), Occur(0)), TRUE),
        Step("come", StepKind.ENVIRONMENT, FALSE_YET, (Assign(0, TRUE), Occur(1))),
    )
    events = (Event("rings"), Event("comes"))
    system = System("bell", 1, variables=(Variable("there", Range(0, 1), 0),), timers=(Timer("t", 2, 2),), events=events, steps=steps)
    FAULTY.question_agrees(system, form, seed, 5)


def stepwise_agrees(form):
    """Moves of which each is one reaction: all that is met, on the way and at rest, as the certificates' room knows it by hand."""
    system, bound = REACTING.SYSTEM, None if isinstance(form, Never) else form.bound.value
    question = Question(system, form, stepwise=True)
    made = question.layout
    asked = questions.asked_events(form)

    def look(v, c):
        if bound is None or c == bound + 1:  # what has passed the bound stays there
            return c
        starts, stops = (v == 2, v != 2) if isinstance(form, NeverLonger) else (False, v == 6)
        return -1 if stops else 0 if c < 0 and starts else c

    def wanted(state):
        moved = [(v, t, b, e & asked, c) for v, t, b, e, c in REACTING.moves(state, look)]
        return {m for m in moved if bound is None or m[4] <= bound + 1}

    def met(values):
        told = {(c.group, *c.at): v for c, v in zip(made.components, values, strict=True)}
        events = frozenset(e for e in asked if told["event", e])
        return told["variable", 0], told["timer", 0], told["busy",], events, told.get(("counter",), -1)

    ((_, first),) = ENCODING.ways(made, question.initial, [0] * len(made.components))
    assert met(first) == (0, 3, 2, NONE, 0 if isinstance(form, Within) else -1)
    waiting, seen = [first], set()
    while waiting:
        values = waiting.pop()
        if (state := met(values)) in seen:
            continue
        seen.add(state)
        v, _, b, events, c = state
        bad = c == bound + 1 if bound is not None else b == 0 and met_by(form, v, events)
        assert ENCODING.plain(ENCODING.closed(made, question.goal, values)) == bad
        only = {TICK: [question.transitions.delay == 1]}
        after = [x for move in question.moves for _, x in ENCODING.ways(made, move, values, only.get(move.step, []))]
        assert {met(x) for x in after} == wanted(state)
        waiting += after
    assert {v for v, _, b, _, _ in seen if b == 0} <= {2, 5, 6, 7}


def met_by(form, v, events):
    """Whether a state with this value of v, reached with these events, is one that the form forbids."""
    match form.bad:
        case Apply(Operator.EQUAL, (_, Constant(value))):
            return v == value
        case Apply(Operator.AND, (Occurred(event), Apply(_, (Apply(_, (_, Constant(value))),)))):
            return event in events and v != value
    raise AssertionError(form)


BELL = [(bell_agrees, form, seed) for seed in range(3) for form in RINGING]
ASKED = [*BELL, *((FAULTY.question_agrees, *FAULTY.drawn(seed, (Within, NeverLonger, Never)[seed % 3]), seed) for seed in range(60))]
REACTED = [(stepwise_agrees, REACTING.FORMS[i]) for i in (-1, -4, 1, 13)]
TABLES = {"questions": (QUESTIONS, ASKED), "stepwise": (STEPWISE, REACTED)}


@pytest.mark.parametrize("form", RINGING, ids=repr)
def test_observers_of_what_rings(form):
    for seed in range(3):
        bell_agrees(form, seed)


@pytest.mark.parametrize("form", REACTING.FORMS, ids=repr)
def test_reactions_that_are_moves(form):
    stepwise_agrees(form)


@pytest.mark.parametrize(("table", "name"), [(table, name) for table, (faults, _) in TABLES.items() for name in faults])
def test_a_fault_is_noticed(table, name):
    faults, checks = TABLES[table]
    notices(faults[name], checks)


@pytest.mark.slow
@pytest.mark.parametrize("checks", [ASKED, REACTED], ids=TABLES)
def test_without_a_fault_nothing_is_noticed(checks):
    assert noticed(checks) is None
