"""Parts of a question: where all of them hold, the question does, by exhaustion on both sides; and what is found by hand is found."""

import dataclasses
import random
from collections import Counter

import pytest
from faults import notices
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Fails, Fault, Faulty, Holds, Inductive, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.engine import SymbolicEngine
from verify.judge.judge import judge
from verify.passes import cones, parts, projection
from verify.passes.parts import parts_of
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Local,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    conjunction,
    disjunction,
    negation,
)
from verify.system.property import Never, NeverLonger, Possible, Property, Within
from verify.system.statement import Assign, Choose, If, Occur, Send, Start, Stop
from verify.system.system import (
    Event,
    Field,
    Lane,
    Message,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
    WhenFull,
)

RANDOM = sibling("semantics", "random_systems")
MOST = 3_000
met = Counter()


def drawn(seed):
    """Copies of a small system that see each other a little, or a system like any; and a form of it, often a disjunction."""
    source = RANDOM.Seeded(random.Random(seed))
    if seed % 4:
        system, m = RANDOM.twin_system(source)
    else:
        m = RANDOM.makers(source)
        system, _ = RANDOM.random_system(source, m)
    steps = tuple(_spoken(s, source.integer(0, 2)) if seed % 3 == 0 else s for s in system.steps)
    system = dataclasses.replace(system, atomic=False, steps=steps)
    form = RANDOM.random_form(m, (Never, Never, NeverLonger, Within, Possible)[seed % 5])
    if isinstance(form, Never):
        form = Never(disjunction(*(m.truth(1, (), events=seed % 7 == 0) for _ in range(2))))
    return system, form


def chatter(seed):
    """Two or three machines that tell each other numbers on timeouts, and store or answer what they hear; and a form about one of them."""
    r = random.Random(seed)
    size = r.choice((2, 2, 3))
    pairs = [(a, b) for a in range(size) for b in range(size) if a != b]

    def told(at, heard):
        return r.choice((Constant(r.randrange(3)), Read(at), *([Local(1)] if heard else [])))

    def said(at, heard):
        return [Send(n, 0, (told(at, heard),)) for n, (a, _) in enumerate(pairs) if a == at and r.random() < 0.6]

    def stored(at, heard):
        kinds = (Assign(at, told(at, heard)), Start(at, Constant(r.randrange(1, 4))))
        return [s for s in kinds if r.random() < 0.6]

    def perhaps(at, statements):
        return (If(v(at, r.randrange(3)), tuple(statements)),) if statements and r.random() < 0.4 else tuple(statements)

    steps = []
    for at in range(size):
        again = Start(at, Constant(r.randrange(2, 5)))
        steps.append(Step(f"say {at}", StepKind.TIMEOUT, expired(at), (again, *perhaps(at, [*said(at, False), *stored(at, False)])), TRUE))
    for n, (_, at) in enumerate(pairs):
        body = r.choice((said, said, stored, lambda *x: [*said(*x), *stored(*x)]))(at, True)
        guard = Apply(Operator.AT_MOST, (Local(1), Constant(r.randrange(3)))) if r.random() < 0.2 else TRUE
        steps.append(Step(f"hear {n}", StepKind.DELIVERY, guard, perhaps(at, body), take=Take(n, Taking.DELIVER), slots=2))
    full = (WhenFull.ERROR, WhenFull.ERROR, WhenFull.DROP_NEWEST)
    gates = [v(r.randrange(size), r.randrange(3)) if r.random() < 0.2 else TRUE for _ in pairs]
    lanes = tuple(
        Lane(f"l{n}", "n", 0, 0, r.randrange(1, 4), 0, r.randrange(3), when_full=r.choice(full), open=gate) for n, gate in enumerate(gates)
    )
    variables = tuple(Variable(f"v{n}", Range(0, 2), r.randrange(3)) for n in range(size))
    timers = tuple(Timer(f"t{n}", 5, r.randrange(4)) for n in range(size))
    messages = (Message("m", (Field("f", Range(0, 2)),)),)
    system = System("chatter", 1, variables=variables, timers=timers, messages=messages, lanes=lanes, steps=tuple(steps))
    asked = [v(n, r.randrange(3)) for n in r.sample(range(size), r.choice((1, 1, 2)))]
    bound = Constant(r.randrange(6))
    one, both = asked[0], disjunction(*asked)
    return system, r.choice((Never(both), NeverLonger(one, bound), Within(one, v(0, r.randrange(3)), bound), Possible(one)))


def random_chatter(seed):
    parts_are_enough(*chatter(seed))


def _spoken(step, how):
    """The step; if it delivers a message, by chance only what it sends, or only what it stores elsewhere."""
    if step.kind is not StepKind.DELIVERY or how == 2:
        return step
    return dataclasses.replace(step, body=tuple(s for s in step.body if isinstance(s, Send) is bool(how)))


def claimed(system, form):
    (claim,) = ExplicitEngine().check(system, [Property("p", form)], Budget(Limits(states=MOST)))
    return claim.answer


def shown(answer, form):
    """Whether it shows that nothing bad is reached, and no error; that time can pass is asked of the whole."""
    if isinstance(answer, Faulty):
        return answer.fault is not Fault.FAILURE
    return isinstance(answer, Fails) and answer.trace is None if isinstance(form, Possible) else isinstance(answer, Holds)


def holds(ways):
    """Whether a question is shown in one of the ways in which it can be asked."""
    for number, part in enumerate(ways):
        if shown(claimed(part.system, part.form), part.form):
            met["smaller way"] += number == 0 and len(ways) > 1
            return True
    return False


def parts_are_enough(system, form):
    """Where the question does not hold, some part does not, in whatever way it is asked."""
    found = parts_of(system, form)
    met["none" if found is None else "parts"] += 1
    if found is None:
        return
    whole = claimed(system, form)
    if isinstance(whole, Unknown):
        return
    every = all(map(holds, found.questions))
    met["hold"] += every
    met["not enough"] += shown(whole, form) and not every
    if every:
        assert shown(whole, form), whole


def random_parts(seed):
    parts_are_enough(*drawn(seed))


def known_parts():
    """What was once too little: a choice that is an error, an urgent step, both without a store; an empty choice of branches."""
    for seed in (127, 1103, 1331, 1832, 2578, 2760):
        random_parts(seed)


def test_random_systems():
    met.clear()
    for seed in range(600):
        random_parts(seed)
        random_chatter(seed)
    print(met)
    assert met["smaller way"] > 20
    assert met["parts"] > 100
    assert met["hold"] > 20


# ---- by hand: a leader beats; each of two followers waits, and takes over if it hears nothing


def v(variable, value):
    return Apply(Operator.EQUAL, (Read(variable), Constant(value)))


def expired(timer):
    return TimerIs(timer, TimerStatus.EXPIRED)


def trio(patience=5, losses=0):
    """Timer 0 is the leader's; variables 0 and 1 are 1 once a follower leads, variable 2 is what may still be lost."""
    beat = Step("beat", StepKind.TIMEOUT, expired(0), (Start(0, Constant(3)), Send(0, 0, (Constant(7),)), Send(1, 0, (Constant(7),))), TRUE)
    steps = [beat]
    for n in range(2):
        hear = Step(f"hear {n}", StepKind.DELIVERY, TRUE, (If(v(n, 0), (Start(1 + n, Constant(patience)),)),), take=Take(n, Taking.DELIVER), slots=2)
        body = (Stop(1 + n), Assign(n, TRUE), Send(2 + n, 0, (Constant(n),)), Occur(0))
        take_over = Step(f"take over {n}", StepKind.TIMEOUT, conjunction(expired(1 + n), v(n, 0)), body, TRUE)
        answer = Step(f"answer {n}", StepKind.DELIVERY, TRUE, (Start(0, Constant(3)),), take=Take(2 + n, Taking.DELIVER), slots=2)
        spent = (Assign(2, Apply(Operator.SUBTRACT, (Read(2), TRUE))),)
        lose = Step(f"lose {n}", StepKind.ENVIRONMENT, conjunction(Apply(Operator.LESS, (FALSE, Read(2))), Apply(Operator.EQUAL, (Local(1), Constant(7)))), spent, take=Take(n, Taking.LOSE), slots=2)
        steps += [hear, take_over, answer, *([lose] if losses else [])]
    timers = (Timer("beat", 3, 0), Timer("wait 0", 9, patience), Timer("wait 1", 9, patience))
    lanes = tuple(Lane(f"l{n}", "n", 0, 0, 1, 0, 1) for n in range(4))
    variables = (Variable("a", Range(0, 1), 0), Variable("b", Range(0, 1), 0), Variable("left", Range(0, 2), losses))
    messages = (Message("m", (Field("f", Range(0, 9)),)),)
    return System("trio", 1, variables=variables, timers=timers, messages=messages, lanes=lanes, events=(Event("led"),), steps=tuple(steps))


LEADS = Never(disjunction(v(0, 1), v(1, 1)))


def names(part, whole):
    return [
        [whole.variables[i].name for i in part.variables],
        [whole.timers[i].name for i in part.timers],
        [whole.lanes[i].name for i in part.lanes],
        [s.name for s in part.system.steps],
    ]


def by_hand():
    """Each follower is asked about apart; what a follower sends when it leads does not matter, and a loss elsewhere may strike at any time."""
    whole = trio(losses=1)
    found = parts_of(whole, LEADS)
    (first,) = found.questions[0]
    assert names(first, whole) == [
        ["a", "left"],
        ["beat", "wait 0"],
        ["l0"],
        ["beat", "hear 0", "lose 0", "lose 1", "take over 0"],
    ]
    elsewhere = first.system.steps[3]
    assert elsewhere.take is None
    assert elsewhere.guard == Apply(Operator.LESS, (FALSE, Read(1)))
    assert [s.name for s in found.without.steps] == ["beat", "hear 0", "lose 0", "hear 1", "lose 1"]
    for patience, losses in ((5, 0), (4, 0), (3, 0), (8, 1), (7, 1), (6, 1)):
        system = trio(patience, losses)
        parts_are_enough(system, LEADS)
        assert all(map(holds, parts_of(system, LEADS).questions)) == isinstance(claimed(system, LEADS), Holds)
    # one that does not listen any more once something was lost takes over, and an error that no follower sees is one
    deaf = dataclasses.replace(trio(8, 1), steps=tuple(_deaf(s) for s in trio(8, 1).steps))
    parts_are_enough(deaf, LEADS)
    assert not isinstance(claimed(deaf, LEADS), Holds)
    more = Step("more", StepKind.ENVIRONMENT, TRUE, (Assign(3, Apply(Operator.ADD, (Read(3), TRUE))),))
    counting = dataclasses.replace(trio(), variables=(*trio().variables, Variable("n", Range(0, 2), 0)), steps=(*trio().steps, more))
    assert parts_of(counting, LEADS) is not None
    parts_are_enough(counting, LEADS)


def _deaf(step):
    body = tuple(If(v(2, 1), s.then) if isinstance(s, If) else s for s in step.body)
    return dataclasses.replace(step, body=body)


def words():
    """Formulas of a part are told in the words of the whole."""
    part = projection.Part(trio(), LEADS, (0, 2), (0, 2), (1,))
    assert part.in_words_of_the_whole("(and (= v1 0) (<= t1 t0) l0_0_here (= l0_0_f0 3) (= c 1) e0 (= p1 v0))") == "(and (= v2 0) (<= t2 t0) l1_0_here (= l1_0_f0 3) (= c 1) e0 (= p1 v0))"
    over = projection.Part(trio(), LEADS, (2,), (), ())
    assert over.in_words_of_the_whole("(and (= v0 3) (= v1 0))") == "(and (= v2 3) (= 0 0))"  # nothing is over in the whole


# ---- by hand: a leader beats, and answers what a follower says; a second follower is answered as well


def talkers(delay=1, **changed):
    """Lane 0 is from the leader to the follower, lane 1 back, lane 2 from the second follower. Variable 0: what was last heard; 1: what it says, 3 or 4."""
    turned = Apply(Operator.SUBTRACT, (Constant(7), Read(1)))
    beat = Step("beat", StepKind.TIMEOUT, expired(0), (Start(0, Constant(3)), Send(0, 0, (Constant(7),))), TRUE)
    hear = Step("hear", StepKind.DELIVERY, TRUE, (Start(1, Constant(3)), Assign(0, Local(1))), take=Take(0, Taking.DELIVER), slots=2)
    ask = Step("ask", StepKind.TIMEOUT, expired(1), (Start(1, Constant(3)), Assign(1, turned), Send(1, 0, (Read(1),))), TRUE)
    other = Step("other", StepKind.TIMEOUT, expired(2), (Start(2, Constant(2)), Send(2, 0, (Constant(5),))), TRUE)
    answers = [
        Step(f"answer {n}", StepKind.DELIVERY, TRUE, (Send(0, 0, (Local(1),)),), take=Take(n, Taking.DELIVER), slots=2) for n in (1, 2)
    ]
    parts_ = {
        "variables": (Variable("heard", Range(0, 9), 7), Variable("says", Range(0, 9), 3)),
        "timers": (Timer("beat", 3, 0), Timer("wait", 3, 3), Timer("other", 3, 2)),
        "lanes": tuple(Lane(f"l{n}", "n", 0, 0, 4, 0, delay) for n in range(3)),
        "messages": (Message("m", (Field("f", Range(0, 9)),)),),
        "steps": (beat, hear, ask, other, *answers),
    }
    return System("talkers", 1, **(parts_ | changed))


def answered():
    """Of what is only answered, nothing matters but that an answer may come; how many fit is asked elsewhere."""
    whole = talkers()
    heard = Never(v(0, 2))
    small, large = parts_of(whole, heard).questions[0]
    assert names(small, whole) == [["heard"], ["beat"], ["l0"], ["beat", "hear", "answer 1", "answer 2"]]
    assert names(large, whole)[1:3] == [["beat", "wait", "other"], ["l0", "l1", "l2"]]
    free = small.system.steps[2]
    assert (free.take, free.guard.arguments, free.urgent) == (None, (Read(1),), FALSE)  # the one variable more tells whether it is over
    assert free.body[0] == Choose(1, 0, 9, TRUE)
    for form in (heard, Never(v(0, 6)), Never(v(0, 5)), Never(v(0, 3)), NeverLonger(v(0, 7), Constant(2)), NeverLonger(v(0, 7), Constant(9))):
        parts_are_enough(whole, form)
        parts_are_enough(talkers(lanes=tuple(dataclasses.replace(x, capacity=1) for x in whole.lanes)), form)
        parts_are_enough(talkers(lanes=tuple(dataclasses.replace(x, capacity=2, open=v(0, 7)) for x in whole.lanes)), form)
    gated = parts_of(talkers(lanes=tuple(dataclasses.replace(x, open=v(0, 7)) for x in whole.lanes)), heard).questions[0][0]
    fits = Apply(Operator.LESS, (Count(0), Constant(4)))
    assert gated.system.steps[0].body[1].condition == disjunction(negation(v(0, 7)), fits)  # what a closed lane does not take is no error
    for bound in range(5):
        parts_are_enough(whole, Within(v(0, 5), v(0, 7), Constant(bound)))


def test_by_hand():
    by_hand()
    words()
    answered()
    known_parts()


def test_no_parts():
    seen = [v(0, 1), v(1, 1), *(TimerIs(n, TimerStatus.RUNNING) for n in range(3)), *(Apply(Operator.EQUAL, (Count(n), Constant(1))) for n in range(4))]
    assert parts_of(trio(losses=1), Within(None, disjunction(*seen), Constant(9))) is None
    assert parts_of(dataclasses.replace(trio(), atomic=True, steps=(*trio().steps, Step("r", StepKind.REACTION, FALSE, (), unit=0)), units=("u",)), LEADS) is None


@pytest.mark.parametrize("system", [trio(), trio(8, 1)], ids=["no loss", "one loss"])
def test_the_engine_proves_in_parts(system):
    asked = Property("p", LEADS)
    (claim,) = SymbolicEngine().check(system, [asked], Budget(Limits(seconds=60)))
    assert isinstance(claim.answer.evidence, Inductive)
    ruling = judge(system, asked, claim)
    assert ruling.verdict is Verdict.PROVED


def test_what_does_not_hold_is_not_proved_in_parts():
    for system in (trio(3), trio(6, 1)):
        asked = Property("p", LEADS)
        (claim,) = SymbolicEngine().check(system, [asked], Budget(Limits(seconds=60)))
        assert judge(system, asked, claim).verdict in (Verdict.VIOLATED, Verdict.UNDECIDED)


@pytest.mark.slow
def test_random_proofs_in_parts_are_accepted():
    proved = 0
    for seed in range(300):
        system, form = drawn(seed)
        if parts_of(system, form) is None:
            continue
        try:
            (claim,) = SymbolicEngine().check(system, [Property("p", form)], Budget(Limits(seconds=6)))
        except (Unsupported, ZeroDivisionError):  # the latter where nothing is evaluated: no front end lets that through
            continue
        proved += judge(system, Property("p", form), claim).verdict is Verdict.PROVED
    assert proved > 5


@pytest.mark.slow
def test_three_routers_for_all_priorities():
    spec = api.load("specs/vrrp/open_three.spec")
    (result,) = (r for r in api.check(spec, limits=Limits(seconds=240)) if r.scenario == "trio_two_lost")
    assert result.verdict is Verdict.PROVED
    assert "in 2 parts" in result.ruling.backing


FAULTS = {
    "what is last may go on": (parts._ends, "after(form.bad) == TRUE", "after(form.bad) != FALSE"),
    "the last step is left out": (parts._Asked._ask, "[*self.alive, *ends]", "self.alive"),
    "errors elsewhere do not count": (parts._Asked.errors, "while self.missing:", "while False:"),
    "errors of lanes count where one is left out": (parts._Asked._ask, 'if i[0] != "lane" or i in strict}', "}"),
    "a full lane is no error": (parts._full, "lane.when_full in LIMITED", "False"),
    "nothing to choose from is no error": (parts._chosen, "found |= stored_in(step)", "pass"),
    "errors of choices do not count": (parts._homeless, "return any(isinstance(s, Choose)", "return False and any(isinstance(s, Choose)"),
    "impossible steps are possible": (parts._alive, "if k.guard != FALSE]", "]"),
    "possible steps are impossible": (parts._alive, "if k.guard != FALSE]", "if k.guard == TRUE]"),
    "what is taken does not matter": (cones.stores_of, 'context.add(("lane", step.take.lane))', "pass"),
    "a loss elsewhere is none": (cones.strikes, "return lost and plain and step.urgent == FALSE", "return False"),
    "steps are not urgent where they should be": (projection._Projection.step, "self.renamed(made.urgent)", "TRUE"),
    "what is free is urgent": (projection._free, "urgent=FALSE", "urgent=TRUE"),
    "what is free never happens": (projection._free, "guard=plain_guard(step)", "guard=FALSE"),
    "what is free brings the least": (projection._free, "any_.append(Choose(slot, low, high, TRUE))", "any_.append(Choose(slot, low, low, TRUE))"),
    "conditions are forgotten": (projection._Projection.one, "If(self.renamed(condition), *inner)", "If(Constant(1), *inner)"),
    "it is over too early": (projection._Projection.room, "capacity)", "capacity - 1)"),
    "it is over for a closed lane": (projection._Projection.room, "negation(self.gate(lane))", "FALSE"),
    "timers keep their numbers": (projection.Part.in_words_of_the_whole, '"t": self.timers', '"t": range(99)'),
    "what is over is told": (projection.Part.in_words_of_the_whole, 'return "0"', 'return "1"'),
}
CHECKS = [(by_hand,), (words,), (answered,), (known_parts,), *((random_parts, seed) for seed in range(200)), *((random_chatter, seed) for seed in range(300))]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)
