"""Certificates about endless runs: the automaton against every short lasso, the search against the explicit engine."""

import dataclasses
import random
import shutil
from pathlib import Path

import pytest
from faults import notices
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.certify import endless, progression, reached
from verify.certify.closed import check_closed
from verify.certify.exhaustion import find_sets
from verify.certify.folder import open_certificate
from verify.certify.formula import Refused, Undecided
from verify.certify.progression import Progression
from verify.cli.main import main
from verify.engines.claim import Holds
from verify.engines.explicit.engine import ExplicitEngine
from verify.semantics.temporal import on_lasso
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Constant, Read, TimerIs, TimerStatus, negation
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    LeadsTo,
    Ltl,
    LtlApply,
    LtlAtom,
    Property,
    Until,
)
from verify.system.statement import Assign, Start, Stop
from verify.system.system import Fairness, Step, StepKind, System, Timer, Variable

AUTOMATA = sibling("automata", "test_automata")
CLOSED = sibling("certify", "test_closed")
RANDOM = sibling("semantics", "random_systems")
P, Q = AUTOMATA.P, AUTOMATA.Q
FORMS = (Eventually, EventuallyAlways, AlwaysEventually, LeadsTo, Until, Ltl)
MOST = 300

# ---- the automaton, by every lasso of up to three letters over two atoms


def formula(source, leaves):
    if leaves <= 1:
        return LtlAtom(source.choice([P, Q, P, Q, P, Q, negation(P), TRUE, FALSE]))
    if source.random() < 0.4:
        return LtlApply(source.choice(AUTOMATA.ONE), (formula(source, leaves - 1),))
    left = source.randint(1, leaves - 1)
    return LtlApply(source.choice(AUTOMATA.TWO), (formula(source, left), formula(source, leaves - left)))


def denied(automaton, word, back):
    """Whether the automaton accepts a lasso: by positions and places, and cycles from each of them that put nothing off for ever."""
    letters = [sum(1 << n for n, p in enumerate(automaton.predicates) if AUTOMATA.reading([x])(p)[0]) for x in word]
    every = (1 << len(automaton.promises)) - 1
    edges, waiting = {}, [(0, automaton.start)]
    while waiting:
        node = waiting.pop()
        if node not in edges:
            at, place = node
            after = at + 1 if at + 1 < len(word) else back
            edges[node] = [((after, w.place), every & ~w.off) for w in automaton.read(place, letters[at])]
            waiting += [to for to, _ in edges[node]]
    return any(_round(edges, node) == every for node in edges)


def _round(edges, start):
    """All marks on edges that lie on a cycle through a node; -1 if there is none."""
    ahead = AUTOMATA.forward(edges, start)
    inside = {n for n in ahead if start in AUTOMATA.forward(edges, n)}
    if start not in inside:
        return -1
    marks = 0
    for node in inside:
        for to, of_edge in edges[node]:
            if to in inside:
                marks |= of_edge
    return marks


def automaton_agrees(seed):
    source = random.Random(seed)
    asked = formula(source, source.randint(1, 6))
    automaton = Progression(Ltl(asked))
    for word, back in source.sample(AUTOMATA.SHORT, 30):
        meant = on_lasso(asked, AUTOMATA.reading(word), back - 1)
        assert denied(automaton, word, back) is not meant, (asked, word, back)


def test_the_automaton_accepts_what_violates():
    for seed in range(600):
        automaton_agrees(seed)


# ---- the search, against the explicit engine


def drawn(seed):
    """A seeded system, with fairness or without, and a form of it."""
    source = RANDOM.Seeded(random.Random(seed))
    m = RANDOM.makers(source)
    system, _ = RANDOM.random_system(source, m)
    kind = FORMS[seed % len(FORMS)]
    if kind is not Ltl:
        return system, RANDOM.random_form(m, kind)
    asked = formula(random.Random(seed), 4)
    atoms = [m.truth(1, (), events=True) for _ in range(2)]
    return system, Ltl(_renamed(asked, atoms))


def _renamed(asked, atoms):
    if isinstance(asked, LtlApply):
        return LtlApply(asked.operator, tuple(_renamed(a, atoms) for a in asked.arguments))
    predicate = asked.predicate
    if isinstance(predicate, Constant):
        return asked
    return LtlAtom(atoms[predicate.variable] if isinstance(predicate, Read) else negation(atoms[0]))


def accepted(system, form):
    """None: there are too many states, or the system is faulty as such."""
    try:
        rows = reached.reached(system, form, MOST)
    except (Undecided, Refused):
        return None
    try:
        check_closed(system, form, rows)
    except Refused as problem:
        return False if "violates the property" in str(problem) else None
    return True


def search_agrees(system, form, seed):
    found = accepted(system, form)
    if found is None:
        return None
    (claim,) = ExplicitEngine().check(system, [Property("p", form)], Budget(Limits(states=MOST)))
    assert isinstance(claim.answer, Holds) is found, (seed, form, claim.answer)
    return found


def test_it_agrees_with_the_explicit_engine():
    found = [search_agrees(*drawn(seed), seed) for seed in range(900)]
    assert found.count(True) > 100
    assert found.count(False) > 100


@pytest.mark.slow
def test_it_agrees_with_the_explicit_engine_on_many():
    for seed in range(900, 12_000):
        search_agrees(*drawn(seed), seed)


# ---- by hand: lies are refused


v = CLOSED.v
ENVIRONMENT = StepKind.ENVIRONMENT
PUSH = Step("push", ENVIRONMENT, v(0), (Assign(0, TRUE), Start(0, Constant(2))))
FALL = Step("fall", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Assign(0, FALSE), Stop(0)), TRUE)
TWICE = Step("twice", ENVIRONMENT, v(1), (Assign(0, Constant(2)),))
BACK = Step("back", ENVIRONMENT, v(2), (Assign(0, TRUE),))


def lamp(*steps, fairness=()):
    return System("lamp", 1, variables=(Variable("v", Range(0, 3), 0),), timers=(Timer("t", 3),), steps=steps, fairness=fairness)


op = AUTOMATA.op
ON, OFF = v(1), v(0)
WEAK, STRONG = Fairness("pushed", (0,)), Fairness("pushed", (0,), strong=True)
NESTED = Ltl(op("always", op("implies", LtlAtom(ON), op("until", LtlAtom(ON), op("always", LtlAtom(OFF))))))
AGAIN_ON, AGAIN_OFF = (op("always", op("eventually", LtlAtom(x))) for x in (ON, OFF))
SAID = {
    "it is pushed, if only for fairness": (lamp(PUSH, FALL, fairness=(WEAK,)), Eventually(ON), True),
    "it need not be pushed": (lamp(PUSH, FALL), Eventually(ON), False),
    "on leads to off": (lamp(PUSH, FALL), LeadsTo(ON, OFF), True),
    "off need not lead to on": (lamp(PUSH, FALL), LeadsTo(OFF, ON), False),
    "weakly fair to it, off leads to on": (lamp(PUSH, FALL, fairness=(WEAK,)), LeadsTo(OFF, ON), True),
    "on, for ever off again": (lamp(PUSH, FALL, fairness=(WEAK,)), NESTED, False),
    "off, until on": (lamp(PUSH, FALL, fairness=(WEAK,)), Until(OFF, ON), True),
    "on, from the beginning": (lamp(PUSH, FALL, fairness=(WEAK,)), Until(ON, OFF), True),
    "back and forth takes no time: that run does not count": (lamp(PUSH, FALL, TWICE, BACK), LeadsTo(ON, OFF), True),
    "it may be pushed again and again": (lamp(PUSH, FALL), EventuallyAlways(OFF), False),
    "a run in no time does not count": (lamp(PUSH, FALL, Step("again", ENVIRONMENT, ON, ())), LeadsTo(ON, OFF), True),
    "on again and again, and off again and again": (
        lamp(PUSH, FALL, fairness=(WEAK,)), Ltl(op("not", op("and", AGAIN_ON, AGAIN_OFF))), False
    ),
    "weakly fair is not enough where it is not always enabled": (
        lamp(Step("up", ENVIRONMENT, ON, (Assign(0, Constant(3)),)), PUSH, FALL, fairness=(WEAK,)), LeadsTo(ON, v(3)), False
    ),
    "strongly fair is": (
        lamp(
            Step("up", ENVIRONMENT, ON, (Assign(0, Constant(3)), Stop(0))), PUSH, FALL, fairness=(STRONG, Fairness("x", (1,)))
        ), EventuallyAlways(v(3)), True
    ),
}  # fmt: skip


def said(name):
    system, form, holds = SAID[name]
    assert accepted(system, form) is holds


@pytest.mark.parametrize("name", SAID)
def test_what_is_so_is_accepted_and_nothing_else(name):
    said(name)


def test_a_cycle_is_told():
    with pytest.raises(Refused, match=r"go on for ever through the state on line 1, and violates the property"):
        check_closed(lamp(PUSH, FALL), Eventually(ON), sorted(reached.reached(lamp(PUSH, FALL), Eventually(ON))))


# ---- files and the command


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("endless")
    assert main(["check", "specs/vrrp/partition.spec", "specs/vrrp/pair.spec", "--out", str(out), "-q"]) == 0
    return out


def endless_ones(folder):
    return [f for f in sorted(folder.glob("*.certificate")) if isinstance(open_certificate(f).property.form, FORMS)]


def test_the_command_accepts(written, capsys):
    found = endless_ones(written)
    assert len(found) >= 3
    assert main(["certify", *map(str, found)]) == 0
    told = capsys.readouterr().out
    assert "no endless run along them violates the property" in told


def asking(form):
    return CLOSED.resealed(lambda known: (known.system, dataclasses.replace(known.property, form=form)))


def never_off(known):
    steps = tuple(s for s in known.system.steps if s.kind is not StepKind.TIMEOUT)
    return dataclasses.replace(known.system, steps=steps), known.property


TAMPERED = {
    "something that never comes": asking(Eventually(FALSE)),
    "something that stops": asking(EventuallyAlways(TimerIs(0, TimerStatus.EXPIRED))),
    "something that does not come again": asking(AlwaysEventually(FALSE)),
    "an answer that is none": asking(LeadsTo(TRUE, FALSE)),
    "a goal that is not reached": asking(Until(TRUE, FALSE)),
    "a formula that is false": asking(Ltl(op("always", op("eventually", LtlAtom(FALSE))))),
    "no timeouts": CLOSED.resealed(never_off),
    "a predicate of another system": asking(Eventually(Read(999))),
    "a state less": lambda f: CLOSED.head(f, lambda told: told["sets"][0].update(states=told["sets"][0]["states"] - 1)),
    "another digest": lambda f: CLOSED.head(f, lambda told: told["system"].update(digest="0" * 64)),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_certificates_are_refused(name, written, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(endless_ones(written)[0], folder)
    TAMPERED[name](folder)
    assert main(["certify", str(folder)]) == 1
    assert "refused" in capsys.readouterr().out


def test_a_lying_engine_is_convicted_when_states_are_written(tmp_path):
    results = api.check(api.load("specs/vrrp/pair.spec"))
    honest = next(r for r in results if isinstance(r.asked.form, FORMS) and r.ruling.run is None)
    lie = dataclasses.replace(honest, asked=dataclasses.replace(honest.asked, form=Eventually(FALSE)))
    with pytest.raises(api.Convicted, match="the reference interpreter does not agree"):
        api.write_certificates([lie], tmp_path)


# ---- seeded faults

_P, _E, _X = Progression, endless.Endless, endless._Product
FAULTS = [
    (_P._ways, "(left, right) for w", "(left,) for w"),
    (_P._ways, "[*self._ways([right, *rest], letter, later, off), *waits]", "waits"),
    (_P._ways, "self.promises.index(first)", "0"),
    (_P._ways, "off | 1 << self.promises.index(first)", "off"),
    (_P._ways, "done = self._ways([left, right, *rest]", "done = self._ways([left, *rest]"),
    (_P._ways, "self._ways([right, *rest], letter, later | {first}, off)]", "self._ways([right, *rest], letter, later, off)]"),
    (_P._ways, "is holds", "is not holds"),
    (_P._turned, "truth=not truth), same", "truth=truth), same"),
    (_P._turned, "Kept(right, Or(left, right)) if truth", "Kept(left, Or(left, right)) if truth"),
    (_P._turned, "Kept(left, right) if truth else self._until(left, right)", "self._until(left, right)"),
    (progression.formula_of, '_always(LtlApply("implies"', '_eventually(LtlApply("implies"'),
    (_E.begin, "NO_EVENTS", "frozenset((0,))"),
    (_E.leads_on, "outcome.events", "NO_EVENTS"),
    (_E.leads_on, "offered |= taken", "offered = taken"),
    (_E.leads_on, "int(step == TICK)", "1"),
    (_E.leads_on, "if step in group", "if step not in group"),
    (_X._build, "every & ~way.off", "every"),
    (_X.violating, "if to in inside", "if True"),
    (_X._left, "if fairness.strong", "if not fairness.strong"),
    (_X._left, "elif all(", "elif any("),
    (_X._left, "& unfair]", "]"),
    (_X._left, "if marks & bit", "if False"),
    (_X._left, "needed = 1 |", "needed = 0 |"),
    (_X._popped, "len(part) > 1 or", "len(part) > 2 or"),
    (_X._popped, "any(to == node for to, _ in self.ahead(node))", "False"),
    (_X._parts, "low[node] = min(low[node], index[to])", "pass"),
    (_X._parts, "low[calls[-1][0]] = min(low[calls[-1][0]], low[node])", "pass"),
]  # fmt: skip


def checks():
    yield from ((said, name) for name in SAID)
    yield from ((automaton_agrees, seed) for seed in range(150))
    yield from ((search_agrees, *drawn(seed), seed) for seed in range(900))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0].__name__}: {f[1][:50]}")
def test_seeded_faults_are_noticed(fault):
    notices(fault, checks())


# ---- the library


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(map(str, Path("specs").glob("[vl]*/*.spec"))))
def test_every_shipped_proof_about_endless_runs_is_accepted(path):
    for task in api.load(path).tasks:
        for check in task.checks:
            if isinstance(check.property.form, FORMS) and check.expected is api.Verdict.PROVED:
                find_sets(task.system, check.property.form, 10_000, 60.0)  # Refused if it is not
