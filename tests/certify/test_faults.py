"""Seeded faults of the checker of certificates: each makes it believe too much or too little, and the agreement must notice it."""


import pytest
from faults import mixed, noticed, notices
from siblings import sibling

from verify.certify import meaning, obligations
from verify.certify.formula import Undecided

FAULTY = sibling("symbolic", "test_encoding_faults")
EXACT = sibling("certify", "test_exact")

MEANING = {
    "a value too low is stored": (meaning.Effect.one, "(<= {numeral(domain.low)} {term} {numeral(domain.high)})", "(<= {term} {numeral(domain.high)})"),
    "a timer starts beyond its maximum": (meaning.Effect.one, "(<= 0 {term} {self.system.timers[timer].maximum})", "(<= 0 {term})"),
    "a stopped timer has expired": (meaning.Effect.one, 'self.state[f"t{timer}"] = "(- 1)"', 'self.state[f"t{timer}"] = "0"'),
    "only the first branch may be picked": (meaning.Effect.one, "{len(branches) - 1}", "0"),
    "a duplicate stands a place too far": (meaning.Effect.one, "self.position + 1", "self.position + 2"),
    "a lane is not cleared": (meaning.Effect.one, 'self.put(lane, free, {}, "true")', "pass"),
    "the branches of if are swapped": (
        meaning.Effect.fork,
        "self.either(sort, condition, left.state[word], right.state[word])",
        "self.either(sort, condition, right.state[word], left.state[word])",
    ),
    "an error of the other branch counts": (meaning.Effect.fork, "self.along(negated(condition))", "self.path"),
    "what a branch bound is lost": (meaning.Effect.fork, 'self.either("Int", condition, a, b)', "b"),
    "the branches picked are swapped": (
        meaning.Effect.alternatives,
        "self.either(sort, condition, left.state[word], right.state[word])",
        "self.either(sort, condition, right.state[word], left.state[word])",
    ),
    "a choice from nothing is no error": (meaning.Effect.choose, "self.fail(negated(some))", "pass"),
    "nothing may be chosen but the lowest": (meaning.Effect.choose, "{numeral(statement.high)})", "{numeral(statement.low)})"),
    "a closed lane is open": (meaning.Effect.send, "opened = self.truth(lane.open)", 'opened = "true"'),
    "an error of a closed lane counts": (meaning.Effect.send, "self.path = self.along(opened)", "pass"),
    "a field outside its range is sent": (meaning.Effect.send, 'self.fail(f"(not (<= {numeral(declared.domain.low)} {term} {numeral(declared.domain.high)}))")', "pass"),
    "a message enters with an age": (meaning.Effect.send, '"age": "0"', '"age": str(lane.minimum)'),
    "an event under a condition is forgotten": (meaning.Effect.one, 'if f"e{event}" in self.state:', 'if f"e{event}" in self.state and self.path == "true":'),
    "a message fills all free places": (meaning.Effect.insert, "all_of([condition, front, negated", "all_of([condition, negated"),
    "quotients round as those of SMT-LIB": (meaning.Effect.arithmetic, "(- {a[0]} {signed}) {a[1]}", "{a[0]} {a[1]}"),
    "remainders are those of SMT-LIB": (meaning.Effect.arithmetic, "(+ {remainder} {a[1]})", "{remainder}"),
    "less is at most": (meaning.Effect.condition, "{_SIMPLE[operator]}", "{_SIMPLE[operator].replace('<', '<=').replace('<==', '<=')}"),
    "negative numbers are false": (meaning.Effect.condition, "(not (= {self.number(e)} 0))", "(> {self.number(e)} 0)"),
    "the minimum delay is longer": (meaning._taking, "{lane.minimum}", "{lane.minimum + 1}"),
    "a message can be late": (meaning._taking, 'due = f"(>= {message[\'age\']} {lane.maximum})"', "pass"),
    "a free place delivers": (meaning._taking, 'conditions = [message["here"]]', "conditions = []"),
    "a copy removes the message": (meaning._made, "is not Taking.COPY", "is not None"),
    "the first message is taken, whichever was meant": (meaning._made, "range(position, ", "range(0, "),
}

MORE = {
    "variables begin at the lowest": (meaning.begin, "numeral(v.initial)", "numeral(v.domain.low)"),
    "timers begin stopped": (meaning.begin, "numeral(t.initial)", '"(- 1)"'),
    "what is done at first is forgotten": (meaning.begin, "effect.run(system.initially)", "pass"),
    "a timer expires a tick late": (meaning._tick, "(ite (> {word} 0)", "(ite (> {word} 1)"),
    "an event stays over a tick": (meaning._tick, 'effect.state |= {w: "false" for w in words if w.startswith("e")}', "pass"),
    "events of the step before stay": (meaning._made, 'effect.state |= {w: "false" for w in words if w.startswith("e")}', "pass"),
    "time passes by what is urgent": (meaning._tick, "negated(any_of([h.urgent for h in steps]))", '"true"'),
    "only the first urgent step counts": (meaning._tick, "for h in steps]))", "for h in steps[:1]]))"),
    "urgent though not enabled": (meaning._made, "all_of([enabled, urgent])", "urgent"),
    "ages go on for ever": (meaning._older, "(< {age} {lane.maximum})", "(<= {age} {lane.maximum})"),
    "a bag is not sorted when it ages": (meaning._older, "if lane.order is Order.UNORDERED:", "if False:"),
    "a bag is not sorted when a message enters": (meaning.Effect.enter, "if declared.order is Order.UNORDERED:", "if False:"),
    "the youngest stand first": (meaning.Effect.precedes, "(> {a['age']} {b['age']})", "(< {a['age']} {b['age']})"),
    "equal copies are taken twice": (meaning._taking, "lane.order is Order.UNORDERED and position > 0", "False"),
    "a copy is one of the first place": (meaning._taking, "position - 1", "0"),
    "a queue delivers any message": (meaning._of_step, "1 if only_head else lane.capacity", "lane.capacity"),
    "a full lane is no error": (meaning.Effect.enter, "self.fail(full)", "pass"),
    "what moves on is not counted": (meaning.Effect.enter, "max(0, at - 1)", "at"),
    "a timer that is stopped has expired": (meaning.Effect.condition, 'TimerStatus.EXPIRED: "="', 'TimerStatus.EXPIRED: "<="'),
    "nothing is ever due": (meaning.Effect.is_due, "(>= {age}", "(> {age}"),
    "the first place is not counted": (meaning.Effect.number, "self.places(lane)]", "self.places(lane)[1:]]"),
    "the least is the greatest": (meaning.Effect.arithmetic, "operator is Operator.MINIMUM else", "operator is Operator.MAXIMUM else"),
    "a choice on the other branch is made": (meaning.Effect.choose, 'f"(=> {all_of([self.path, some])} {wanted})"', "wanted"),
    "a lane that is full takes the newest": (meaning.Effect.enter, 'self.insert(lane, message, at, self.script.named("Bool", all_of([condition, negated(full)])))\n        else', "self.insert(lane, message, at, condition)\n        else"),
}

OBLIGATIONS = {
    "steps need not keep the invariant": (obligations._Task.all, "*map(self.keeps, steps)", "self.keeps(steps[-1])"),
    "the tick need not keep it": (obligations._Task.all, "*map(self.keeps, steps)", "*map(self.keeps, steps[:-1])"),
    "the first state need not satisfy it": (obligations._Task.all, "self.begins(), ", ""),
    "a violation need not be excluded": (obligations._Task.all, "*shown, ", ""),
    "time need not pass": (obligations._Task.all, ", *self.ends(steps)]", "]"),
    "errors at first are allowed": (obligations._Task.begins, "*effect.failures, ", ""),
    "errors are allowed": (obligations._Task.keeps, "*h.effect.failures, ", ""),
    "all is shown of what is impossible": (obligations._Task.keeps, "[here, h.enabled,", '[here, h.enabled, "false",'),
    "a rank may be negative": (obligations._Task.ends, "(< {rank} 0)", "false"),
    "a rank may stay": (obligations._Task.ends, "(>= {self.of('rank', h.effect.state)}", "(> {self.of('rank', h.effect.state)}"),
    "reactions need no rank": (obligations._Task.ends, "reacts = h.step.kind is StepKind.REACTION", "reacts = False"),
    "the bound is a tick too late": (obligations._Task.violated, "(> (+ c 1) {most})", "(> c {most})"),
    "the bound is a tick too early": (obligations._Task.violated, "(> (+ c 1) {most})", "(> (+ c 2) {most})"),
    "the observer counts steps": (obligations._Task.count, ' if h.ticks else "c"', ""),
    "the observer does not count": (obligations._Task.count, "(ite (>= c 0) (+ c 1) c)", "c"),
    "a repeated trigger starts again": (obligations._Task.count, "[f'(< {before} 0)', asked]", "[asked]"),
    "nothing stops the observer": (obligations._Task.count, 'f"(ite {answered} (- 1) {begun})"', "begun"),
    "what begins later is not observed": (obligations._Task.count, "f\"(ite {all_of([f'(< {before} 0)', asked])} 0 {before})\"", "before"),
    "what begins at once is not observed": (obligations._Task.first, "{all_of([asked, negated(answered)])}", "false"),
    "from the beginning is whenever": (obligations._Task.asked, '"true" if at_first else "false"', '"true"'),
    "nothing has to be possible": (obligations._Task.all, "return [premises, ", "return ["),
    "nothing is assumed": (obligations._Task.head, "for a in assumed)", "for a in ())"),
    "parameters leave their domain": (obligations._Task.head, "(<= {low} p{i} {high})", "(<= {low} p{i})"),
}


def exact_agrees(system, form, seed):
    try:
        EXACT.exact_agrees(system, form, seed)
    except Undecided:
        return


def meaning_agrees(seed):
    try:
        EXACT.meaning_agrees(EXACT.drawn(seed)[0], seed)
    except Undecided:
        return


def by_hand_agrees(seed):
    EXACT.meaning_agrees(FAULTY.ENCODING.by_hand_system(), seed, 4)


def lanes_agree(order, full, delays, seed):
    EXACT.meaning_agrees(FAULTY.ENCODING.lanes_system(order, full, *delays), seed, 6)


BY_HAND = [(by_hand_agrees, seed) for seed in range(4)]
STEPS = BY_HAND + mixed([(lanes_agree, *given) for _, *given in FAULTY.LANES], [(meaning_agrees, seed) for seed in range(80)])
WHOLE = [(EXACT.parameters_agree,), (EXACT.errors_and_endings_agree,), (EXACT.observers_agree,), (EXACT.parts_agree,), *((exact_agrees, *EXACT.drawn(seed), seed) for seed in range(100))]
CHOSEN = [(EXACT.small_steps_agree,), (EXACT.chosen_lanes_agree,)]
TABLES = {"meaning": (MEANING, STEPS), "more": (MORE, [*CHOSEN, *STEPS]), "obligations": (OBLIGATIONS, WHOLE)}


@pytest.mark.parametrize(("table", "name"), FAULTY.each(TABLES, {"obligations", "more"}))
def test_a_fault_is_noticed(table, name):
    faults, checks = TABLES[table]
    notices(faults[name], checks)


@pytest.mark.slow
def test_without_a_fault_nothing_is_noticed():
    assert noticed([*CHOSEN, *STEPS[:20]]) is None
    assert noticed(WHOLE[:40]) is None
