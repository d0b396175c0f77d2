"""Seeded faults of the symbolic encoding: each changes one place of it, and its agreement with the interpreter must notice.

A fault is a function with another text: its code is exchanged in place, and put back.
"""

import dataclasses
import itertools
import random

import pytest
import z3
from faults import mixed, noticed, notices
from siblings import sibling

from verify.engines.symbolic import effects, fixed, layout, relation, terms, transitions
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.relation import Relation
from verify.passes.valuations import close
from verify.semantics.interpreter import START, TICK, Interpreter
from verify.semantics.satisfaction import Moment, violation
from verify.system.domain import Range
from verify.system.expression import negation
from verify.system.property import Never, NeverLonger, Within
from verify.system.system import Order, Parameter, Timer, WhenFull

RANDOM = sibling("semantics", "random_systems")
ENCODING = sibling("symbolic", "test_encoding")
BEAT = sibling("symbolic", "heartbeat")
FORMS = (Never, NeverLonger, Within)
NONE = frozenset()

EFFECTS = {
    "a value too low is stored": (effects.Run.statement, "term < declared.domain.low, ", ""),
    "a value too high is stored": (effects.Run.statement, ", term > declared.domain.high", ""),
    "a timer starts beyond its maximum": (effects.Run.statement, "term > known.maximum", "term > known.maximum + 1"),
    "a stopped timer has expired": (effects.Run.statement, "state.timers[timer] = -1", "state.timers[timer] = 0"),
    "a duplicate stands a place too far": (effects.Run.statement, "self.position + 1", "self.position + 2"),
    "a second event hides the first": (
        effects.Run.statement,
        "either(self.events.get(event, False), self.path)",
        "self.path",
    ),
    "the branches of if are swapped": (
        effects.Run.branch,
        "merged(condition, reached, self.state)",
        "merged(condition, self.state, reached)",
    ),
    "an error of the other branch counts": (effects.Run.branch, "both(path, no(condition))", "path"),
    "an error of the first branch counts": (effects.Run.branch, "both(path, condition)", "path"),
    "what the first branch bound is lost": (effects.Run.branch, "choose(condition, number(a), number(b))", "number(b)"),
    "a branch too many may be picked": (effects.Run.either, "pick < len(branches)", "pick <= len(branches)"),
    "a branch may not be picked": (effects.Run.either, "pick >= 0", "pick > 0"),
    "the branches picked are swapped": (
        effects.Run.rest,
        "merged(condition, reached, self.state)",
        "merged(condition, self.state, reached)",
    ),
    "the last value is not offered": (effects.Run.choose, "pick <= statement.high)", "pick < statement.high)"),
    "a choice from nothing is no error": (effects.Run.choose, "self.fail(no(some)", "self.fail(False"),
    "a choice without its condition": (effects.Run.choose, "both(offered, self.truth(statement.where))", "offered"),
    "a closed lane is open": (effects.Run.send, "opened = self.truth(lane.open)", "opened = True"),
    "an error of a closed lane counts": (effects.Run.send, "both(self.path, opened)", "self.path"),
    "a field too high is sent": (effects.Run.send, "either(term < low, term > high)", "term < low"),
    "a message enters with an age": (effects.Run.send, "Slot(True, 0,", "Slot(True, lane.minimum,"),
    "drops the newest, not the oldest": (effects.Run.enter, "zip(squeezed,", "zip(held,"),
    "drops the oldest, not the newest": (
        effects.Run.enter,
        "a.merged(full, b) for a, b in zip(held,",
        "a.merged(full, b) for a, b in zip(inserted(shifted, slot, None),",
    ),
    "a full lane is no error": (effects.Run.enter, "self.fail(full,", "self.fail(False,"),
    "what moves on is not counted": (effects.Run.enter, "max(0, place - 1)", "place"),
    "a bag is not sorted when a message enters": (effects.Run.enter, "ordered(after, 1)", "after"),
    "a message fills all free places": (
        effects.inserted,
        "both(held[i - 1].here if i else True, no(old.here))",
        "no(old.here)",
    ),
    "the youngest stand first": (effects.before, "less(b.age, a.age)", "less(a.age, b.age)"),
    "the order of kinds is turned": (effects.before, "either(less(x, y),", "either(less(y, x),"),
    "a branch keeps the other's timers": (effects.merged, "numbers(then.timers, otherwise.timers)", "then.timers"),
    "nothing is ever due": (effects.due, "s.age >= declared.maximum", "s.age > declared.maximum"),
}

LAYOUT = {
    "ages go on for ever": (layout.aged, "slot.age < maximum", "slot.age <= maximum"),
    "the first message is taken, whichever was meant": (layout.removed, "[*held[:place], *held[place + 1 :], free]", "[*held[1:], free]"),
    "ranges are thought smaller": (layout.Layout.shape, "term <= c.high", "term < c.high"),
    "a merged place keeps the other's age": (layout.Slot.merged, "choose(condition, self.age, otherwise.age)", "otherwise.age"),
}

PREMISES = {
    "parameters leave their domain": (layout.Layout.premises, "p <= d.domain.high", "True"),
    "nothing is assumed": (layout.Layout.premises, "for a in self.system.assumptions", "for a in ()"),
}

TRANSITIONS = {
    "the minimum delay is ignored": (transitions.Transitions._moves, "slot.age >= lane.minimum", "slot.age >= 0"),
    "a queue delivers any message": (transitions.Transitions._moves, "last = 1 if fifo and", "last = 1 if False and"),
    "equal copies are taken twice": (transitions.Transitions._moves, "if not fifo and position:", "if False:"),
    "a guard sees another kind of message": (
        transitions.Transitions._moves,
        "local = [slot.kind,",
        "local = [slot.kind + 1,",
    ),
    "a message that is due can wait": (
        transitions.Transitions._moves,
        "urgent = either(urgent, slot.age >= lane.maximum)",
        "pass",
    ),
    "a message is due a tick early": (transitions.Transitions._moves, "slot.age >= lane.maximum", "slot.age >= lane.maximum - 1"),
    "a message is delivered from a free place": (transitions.Transitions._moves, "ready = [slot.here, ", "ready = ["),
    "urgent though not enabled": (transitions.Transitions._made, "both(enabled, urgent)", "urgent"),
    "a copy removes the message": (transitions.Transitions._made, "if step.take.taking is not Taking.COPY:", "if True:"),
    "events of the step before stay": (
        transitions.Transitions._made,
        "run.events.get(e, False)",
        "either(run.events.get(e, False), self.layout.state().events[e])",
    ),
    "time passes by what is urgent": (
        transitions.Transitions.tick_allowed,
        "no(either(*(m.urgent for m in self.moves)))",
        "True",
    ),
    "only the first urgent step counts": (transitions.Transitions.tick_allowed, "for m in self.moves)", "for m in self.moves[:1])"),
    "an event stays over a tick": (
        transitions.Transitions._tick,
        "run.events.get(e, False)",
        "self.layout.state().events[e]",
    ),
    "a timer expires a tick late": (
        transitions.Transitions._tick,
        "choose(timer > 0, timer - delay, timer)",
        "choose(timer > 1, timer - delay, timer)",
    ),
    "a delay goes past a timer": (transitions.Transitions._tick, "either(timer <= 0, delay <= timer)", "True"),
    "a delay goes past a minimum": (transitions.Transitions._tick, "{lane.minimum, lane.maximum} - {0}", "{lane.maximum}"),
    "a delay goes past a maximum": (transitions.Transitions._tick, "{lane.minimum, lane.maximum} - {0}", "{lane.minimum} - {0}"),
    "a bag is not sorted when it ages": (transitions.Transitions._tick, "if lane.order is Order.UNORDERED", "if False"),
    "variables begin at the lowest": (transitions.Transitions._initial, "v.initial", "v.domain.low"),
    "timers begin stopped": (transitions.Transitions._initial, "t.initial", "-1"),
    "what is done at first is forgotten": (transitions.Transitions._initial, "run.block(self.system.initially)", "pass"),
    "the last reaction runs first": (
        transitions.Transitions._react,
        "range(len(unit) - 1, -1, -1)",
        "range(len(unit))",
    ),
    "reactions that go on are at rest": (transitions.Transitions._settle, "both(no(run.failed), either(*beyond))", "False"),
}

TERMS = {
    "division rounds as Z3 does": (terms._divided, "x / b if b > 0 else -x / -b", "x / b"),
    "a remainder is that of Z3": (terms._remainder, "x % b if b > 0 else -(-x % -b)", "x % b"),
    "the least is the greatest": (terms._folded, "other, best)\n    return", "best, other)\n    return"),
    "less is at most": (terms._computed, "return less(a[0], a[1])", "return at_most(a[0], a[1])"),
    "a negative number is false": (terms.truth, "!= 0 for i", "> 0 for i"),
    "a difference is turned": (terms._computed, "a[0] - a[1]", "a[1] - a[0]"),
    "what is chosen is turned": (terms.choose, "lifted(then), lifted(otherwise)", "lifted(otherwise), lifted(then)"),
}

FIXED = {
    "a second store is forgotten": (fixed._Search.join, "after = value if known is None or known == value else _ANY", "after = value if known is None else known"),
    "what is chosen is known": (fixed._Search.block, "case Choose(slot):\n                local[slot] = _ANY", "case Choose(slot):\n                local[slot] = Constant(0)"),
}

RELATION = {
    "what does not change may": (relation.Relation.step, "if unchanged:", "if False:"),
    "what is first does not change": (relation.Relation._part, "if not t.eq(c)", "if i and not t.eq(c)"),
    "no move is a move": (relation.Relation.step, "z3.PbEq(", "z3.PbLe("),
    "moves that are not enabled are taken": (relation.Relation._part, "z3.And(lifted(move.arrives), *", "z3.And(*"),
    "a delay is told as one tick": (relation.Relation._choice, "[choice] * ", "[choice] or "),
    "no error is found": (relation.Relation.failing, "if not z3.is_false(part.fails)", "if False"),
    "every state is a first one": (relation.Relation.begin, "for t in self.question.begin()", "for t in self.question.layout.premises()"),
}


# ---- agreement with the interpreter


def drawn(seed, kind=None):
    """A seeded system, small or wide or with many values outside their ranges, and a form of it."""
    source = RANDOM.Seeded(random.Random(seed))
    if seed % 3 == 2:
        system, m = RANDOM.wide_system(source)
    else:
        m = RANDOM.makers(source)
        m.loose = 70 if seed % 3 == 1 else m.loose
        system, _ = RANDOM.random_system(source, m)
    return system, RANDOM.random_form(m, kind or FORMS[seed % len(FORMS)])


def run_of(interpreter, seed, length):
    """A run that is met by chance."""
    draw = random.Random(seed)
    alive = [Moment(o.state, NONE, START) for o in interpreter.initial() if o.state is not None]
    run = []
    while alive and len(run) < length:
        run.append(draw.choice(alive))
        alive = [Moment(o.state, o.events, o.choice.step) for o in interpreter.outcomes(run[-1].state) if o.state is not None]
        ticks = [x for x in alive if x.step == TICK]
        alive = ticks if ticks and draw.random() < 0.3 else alive
    return run


def counted(interpreter, form, counter, moment):
    """What the observer of a form has counted on arrival, None before: from the definitions, one moment at a time."""
    if isinstance(form, Never):
        return -1
    if isinstance(form, NeverLonger):
        starts, stops = form.bad, negation(form.bad)
    else:
        starts, stops = form.trigger, form.response
    starting = (counter is None) if starts is None else interpreter.predicate(starts)(moment.state, moment.events)
    bound, counter = form.bound.value, -1 if counter is None else counter
    if counter >= 0 and moment.step == TICK:
        counter += 1
    if counter > bound:
        return bound + 1
    if interpreter.predicate(stops)(moment.state, moment.events):
        return -1
    return 0 if counter < 0 and starting else counter


def question_agrees(system, form, seed, length=5):
    """The moves of a question, with its observer, and its goal, along a run."""
    interpreter = Interpreter(system)
    question = Question(system, form)
    made, run, counter = question.layout, run_of(interpreter, seed, length), None

    def after(outcome, counter):
        if outcome.failed is not None:
            return (outcome.choice, ENCODING.told(outcome)[1])
        moment = Moment(outcome.state, outcome.events if outcome.choice.step != START else NONE, outcome.choice.step)
        return outcome.choice, made.values(outcome.state, moment.events, counted(interpreter, form, counter, moment))

    def agree(found, outcomes, counter):
        wanted = [after(o, counter) for o in outcomes]
        ENCODING.agree([(*x, NONE) for x in found], [(*x, NONE) for x in wanted], atomic=True)

    agree(ENCODING.ways(made, question.initial, [0] * len(made.components)), interpreter.initial(), None)
    for index, moment in enumerate(run):
        counter = counted(interpreter, form, counter, moment)
        passed = not isinstance(form, Never) and counter > form.bound.value
        violated = violation(interpreter, form, run[: index + 1]) is not None
        if not isinstance(form, Never):
            assert passed == violated
        values = made.values(moment.state, moment.events, counter)
        bad = interpreter.predicate(form.bad)(moment.state, moment.events) if isinstance(form, Never) else passed
        assert ENCODING.plain(ENCODING.closed(made, question.goal, values)) == bad
        outcomes = interpreter.outcomes(moment.state)
        if passed:
            outcomes = [o for o in outcomes if o.choice.step != TICK]
        found = []
        for move in question.moves:
            only = [question.transitions.delay == 1] if move.step == TICK else []
            found += ENCODING.ways(made, move, values, only)
        agree(found, outcomes, counter)
        delays_agree(question, interpreter, moment, counter)


def delays_agree(question, interpreter, moment, counter):
    """A delay is so many ticks, none of which violates but the last."""
    made, form = question.layout, question.form
    values = made.values(moment.state, moment.events, counter)
    for length in (2, 3):
        for _, found in ENCODING.ways(made, question.tick, values, [question.transitions.delay == length]):
            if not isinstance(found, list):
                continue
            now, ticks = moment, counter
            for _ in range(length):
                assert isinstance(form, Never) or ticks <= form.bound.value
                assert interpreter.tick_allowed(now.state)
                (outcome,) = interpreter.outcomes_of(now.state, TICK)
                now = Moment(outcome.state, outcome.events, TICK)
                ticks = counted(interpreter, form, ticks, now)
            assert found == made.values(now.state, now.events, ticks)


def relation_agrees(system, form, seed, length=3):
    """From a state, the relation leads to what the interpreter reaches with the choices that it tells, and misses nothing."""
    interpreter = Interpreter(system)
    question = Question(system, form)
    if any(s.kind.name == "REACTION" for s in system.steps) and system.atomic:
        return
    found, made = Relation(question), question.layout
    first = z3.Solver()
    first.add(*found.begin())
    assert (first.check() == z3.sat) == any(o.failed is None for o in interpreter.initial())
    if first.check() == z3.sat:
        first.add(z3.Or(*[a != b for a, b in zip(found.at(0), valued(first.model(), found.at(0)), strict=True)]))
        assert first.check() == z3.unsat
    for moment in run_of(interpreter, seed, length):
        state = moment.state
        values = made.values(state, moment.events)
        pairs = [c == (z3.BoolVal(bool(v)) if z3.is_bool(c) else v) for c, v in zip(found.at(0), values, strict=True)]
        solver = z3.Solver()
        solver.add(*pairs, *found.step(0), z3.Int("d@0") <= 3)
        reached = set()
        while solver.check() == z3.sat:
            assert len(reached) < ENCODING.MOST_WAYS
            model = solver.model()
            there = valued(model, found.at(1))
            now = state
            for choice in found.trace(model, 1).choices[1:]:
                outcome = interpreter.apply(now, choice)
                assert outcome.state is not None
                now = outcome.state
            told = [ENCODING.plain(x) for x in there]
            assert told == made.values(now, outcome.events, told[-1] if made.counting else -1)
            reached.add(made.plain(told, ()))
            solver.add(z3.Or(*[a != b for a, b in zip(found.at(1), there, strict=True)]))
        outcomes = interpreter.outcomes(state)
        if not made.counting:
            assert {o.state for o in outcomes if o.failed is None} <= reached
        solver = z3.Solver()
        solver.add(*pairs, found.failing(0))
        assert (solver.check() == z3.sat) == any(o.failed is not None for o in outcomes)


def valued(model, constants):
    return [model.eval(c, model_completion=True) for c in constants]


def parameters_agree():
    """An open system begins with the values that are assumed, and goes on as the closed one does."""
    open_ = BEAT.heartbeat(slack=1, crash=True, patience=4)
    small = (Parameter("period", Range(1, 2)), Parameter("patience", Range(1, 3)))
    system = dataclasses.replace(open_, parameters=small, timers=(Timer("beat", 3), Timer("patience", 4)))
    question = Question(system, BEAT.NEVER)
    made = question.layout
    solver = z3.Solver()
    solver.add(*question.begin())
    found = {}
    constants = [*made.parameters, *made.constants]
    while solver.check() == z3.sat:
        assert len(found) < 20
        values = valued(solver.model(), constants)
        solver.add(z3.Or(*[a != b for a, b in zip(constants, values, strict=True)]))
        found[tuple(v.as_long() for v in values[:2])] = [ENCODING.plain(v) for v in values[2:]]
    assert set(found) == {(p, q) for p in range(1, 3) for q in range(1, 4) if q >= p + 1}
    for chosen, begun in found.items():
        interpreter = Interpreter(close(system, chosen))
        (first,) = interpreter.initial()
        assert made.plain(begun, chosen) == first.state
        fixing = [p == v for p, v in zip(made.parameters, chosen, strict=True)]
        for moment in run_of(interpreter, sum(chosen), 6):
            values = made.values(moment.state)
            met = {
                made.plain(after, chosen) if isinstance(after, list) else after
                for move in question.moves
                for _, after in ENCODING.ways(
                    made, move, values, fixing + ([question.transitions.delay == 1] if move.step == TICK else [])
                )
            }
            assert met == {ENCODING.told(o)[1] for o in interpreter.outcomes(moment.state)}


def transitions_agree(seed):
    system, _ = drawn(seed)
    ENCODING.transitions_agree(system, seed, 4)


def by_hand_agrees(seed):
    ENCODING.transitions_agree(ENCODING.by_hand_system(), seed, 4)


def lanes_agree(order, full, delays, seed):
    """What nobody takes grows old in every other one."""
    system = ENCODING.lanes_system(order, full, *delays, taken=seed % 2 == 0)
    ENCODING.transitions_agree(system, seed, 7, patient=seed % 2 == 1)


LANES = [
    (lanes_agree, order, full, delays, seed)
    for seed, (delays, order, full) in enumerate(
        itertools.product(((2, 0, 1), (3, 1, 2)), Order, (WhenFull.DROP_OLDEST, WhenFull.DROP_NEWEST, WhenFull.ERROR))
    )
]
STEPS = [(transitions_agree, seed) for seed in range(60)]
TAKEN = [(relation_agrees, *drawn(seed), seed) for seed in range(30)]


BY_HAND = [(by_hand_agrees, seed) for seed in range(4)]
MIXED = [(ENCODING.old_bag_agrees,), (ENCODING.reactions_agree,), *BY_HAND[:1], *(LANES[i] for i in (0, 10, 2, 7, 9)), *BY_HAND[1:], *mixed(LANES, STEPS)]
TABLES = {
    "effects": (EFFECTS, MIXED),
    "layout": (LAYOUT, MIXED),
    "premises": (PREMISES, [(parameters_agree,)]),
    "transitions": (TRANSITIONS, MIXED),
    "fixed": (FIXED, [*BY_HAND[:1], *STEPS]),
    "relation": (RELATION, TAKEN),
    "terms": (TERMS, [*BY_HAND, *STEPS]),
}


QUICK = {"effects", "layout", "premises", "transitions", "terms", "fixed", "relation"}
LONG = {"a guard sees another kind of message", "reactions that go on are at rest", "nothing is ever due"}


def each(tables, quick):
    """The faults of all tables; those that are not quick to be noticed are slow."""
    return [
        pytest.param(table, name, marks=() if table in quick and name not in LONG else pytest.mark.slow)
        for table, (faults, _) in tables.items()
        for name in faults
    ]


@pytest.mark.parametrize(("table", "name"), each(TABLES, QUICK))
def test_a_fault_is_noticed(table, name):
    faults, checks = TABLES[table]
    notices(faults[name], checks)


@pytest.mark.slow
@pytest.mark.parametrize("checks", [[(parameters_agree,)], MIXED, TAKEN], ids=["parameters", "transitions", "relation"])
def test_without_a_fault_nothing_is_noticed(checks):
    assert noticed(checks) is None
