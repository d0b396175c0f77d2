"""The explicit engine against naive answers on random small systems: verdicts, shortest lengths, counts, and the judge."""

import dataclasses
import importlib.util
import itertools
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from verify.base.budget import Budget, Limits
from verify.base.verdict import Verdict
from verify.engines.claim import Fails, Fault, Faulty, Holds, Unknown
from verify.engines.explicit import graph as graph_module
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import judge
from verify.semantics.interpreter import START, TICK, Interpreter
from verify.semantics.satisfaction import Moment, violation
from verify.system.domain import Range
from verify.system.expression import Constant, Read, equal
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    LeadsTo,
    Never,
    NeverLonger,
    Possible,
    Property,
    Until,
    Within,
)
from verify.system.statement import Assign
from verify.system.system import Failure, Fairness, Step, StepKind, System, Variable
from verify.trace.trace import replay


def _sibling(name):
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "semantics" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


RANDOM = _sibling("random_systems")
MOST = 220
NONE = frozenset()


class TooLarge(Exception):  # noqa: N818 - an answer
    pass


class Naive:
    """Everything reachable, by the interpreter alone: states, and arrivals (a state with the events of the step to it)."""

    def __init__(self, system):
        self.system = system
        self.interpreter = Interpreter(system)
        self.out = {}
        self.depth = 0
        self.failures = []
        begin = self.interpreter.initial()
        self.failures += [o for o in begin if o.failed]
        self.roots = list(dict.fromkeys(o.state for o in begin if not o.failed))
        front = list(self.roots)
        level = 0
        while front:
            ahead = []
            for state in front:
                if state in self.out:
                    continue
                self.depth = max(self.depth, level)
                found = self.interpreter.outcomes(state)
                self.failures += [o for o in found if o.failed]
                self.out[state] = found
                if len(self.out) > MOST:
                    raise TooLarge
                ahead += [o.state for o in found if not o.failed]
            front = ahead
            level += 1
        self.transitions = sum(len(x) for x in self.out.values())
        # arrivals
        self.first = [(s, NONE) for s in self.roots]
        self.nodes = []
        self.edges = {}
        waiting = list(self.first)
        seen = set(waiting)
        while waiting:
            node = waiting.pop()
            self.nodes.append(node)
            self.edges[node] = [((o.state, o.events), o.choice.step) for o in self.out[node[0]] if not o.failed]
            for after, _ in self.edges[node]:
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        if len(self.nodes) > MOST:
            raise TooLarge

    def where(self, expression):
        holds = self.interpreter.predicate(expression)
        return {n for n in self.nodes if holds(n[0], n[1])}

    def enabled(self, node, group):
        return any(o.choice.step in group for o in self.out[node[0]])

    # ---- safety: lengths of shortest violations, None if there is none

    def shortest_to(self, goal):
        level, front, seen = 0, set(self.first), set()
        while front:
            if front & goal:
                return level
            seen |= front
            front = {a for n in front for a, _ in self.edges[n]} - seen
            level += 1
        return None

    def shortest_overdue(self, starts, stops, bound):
        """Every arrival that starts is a pending question of its own; none is forgotten for an older one."""
        arrived, seen_arrivals = set(self.first), set()
        pending, seen_pending = set(), set()
        level = 0
        while arrived or pending:
            pending = {(n, t) for n, t in pending if n not in stops}
            pending |= {(n, 0) for n in arrived if starts(n, level) and n not in stops}
            pending -= seen_pending
            seen_pending |= pending
            ahead = set()
            for node, ticks in pending:
                for after, step in self.edges[node]:
                    if ticks + (step == TICK) > bound:
                        return level + 1
                    ahead.add((after, ticks + (step == TICK)))
            seen_arrivals |= arrived
            arrived = {a for n in arrived for a, _ in self.edges[n]} - seen_arrivals
            pending = ahead
            level += 1
        return None

    # ---- liveness

    def forward(self, start, allowed):
        found, waiting = set(), [n for n in start if n in allowed]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += [a for a, _ in self.edges[node] if a in allowed]
        return found

    def strongly_connected(self, nodes):
        """By transitive closure, one bit set a node."""
        order = sorted(nodes, key=repr)
        number = {n: i for i, n in enumerate(order)}
        reach = [0] * len(order)
        for n in order:
            for after, _ in self.edges[n]:
                if after in number:
                    reach[number[n]] |= 1 << number[after]
        for k in range(len(order)):
            for i in range(len(order)):
                if reach[i] >> k & 1:
                    reach[i] |= reach[k]
        done, out = set(), []
        for i in range(len(order)):
            if i in done or not reach[i] >> i & 1:
                continue
            part = {j for j in range(len(order)) if reach[i] >> j & 1 and reach[j] >> i & 1}
            done |= part
            out.append({order[j] for j in part})
        return out

    def good_set(self, part, needed):
        """Whether a run that goes round all of a strongly connected set for ever is one that violates."""
        inside = [(n, step) for n in part for a, step in self.edges[n] if a in part]
        if not any(step == TICK for _, step in inside) or not part & needed:
            return False
        for fairness in self.system.fairness:
            if any(step in fairness.steps for _, step in inside):
                continue
            on = [self.enabled(n, fairness.steps) for n in part]
            if any(on) if fairness.strong else all(on):
                return False
        return True

    def endless(self, allowed, needed):
        """Whether there is a fair endless run within ``allowed``, past ``needed`` again and again.

        The groups of strong fairness that it takes for ever are guessed; no node may enable another one.
        """
        strong = [f for f in self.system.fairness if f.strong]
        for size in range(len(strong) + 1):
            for taken in itertools.combinations(strong, size):
                others = [f.steps for f in strong if f not in taken]
                left = {n for n in allowed if not any(self.enabled(n, g) for g in others)}
                if any(self.good_set(p, needed) for p in self.strongly_connected(left)):
                    return True
        return False

    def endless_by_subsets(self, allowed, needed):
        """The same from the definition: every strongly connected set of nodes is tried."""
        order = sorted(allowed, key=repr)
        for size in range(1, len(order) + 1):
            for chosen in itertools.combinations(order, size):
                part = set(chosen)
                if self.strongly_connected(part) == [part] and self.good_set(part, needed):
                    return True
        return False

    def violated(self, form):
        """(violated, length of a shortest finite violation or None)."""
        everything = set(self.nodes)
        match form:
            case Never(bad):
                length = self.shortest_to(self.where(bad))
                return length is not None, length
            case NeverLonger(bad, bound):
                held = self.where(bad)
                length = self.shortest_overdue(lambda n, _: n in held, everything - held, bound.value)
                return length is not None, length
            case Within(None, response, bound):
                length = self.shortest_overdue(lambda _, at: at == 0, self.where(response), bound.value)
                return length is not None, length
            case Within(trigger, response, bound):
                asked = self.where(trigger)
                length = self.shortest_overdue(lambda n, _: n in asked, self.where(response), bound.value)
                return length is not None, length
            case Eventually(good):
                allowed = self.forward(self.first, everything - self.where(good))
                return self.fair(allowed, allowed), None
            case EventuallyAlways(good):
                return self.fair(everything, everything - self.where(good)), None
            case AlwaysEventually(good):
                allowed = everything - self.where(good)
                return self.fair(allowed, allowed), None
            case LeadsTo(trigger, response):
                allowed = everything - self.where(response)
                allowed = self.forward(self.where(trigger) & allowed, allowed)
                return self.fair(allowed, allowed), None
            case Until(hold, goal):
                kept, reached = self.where(hold), self.where(goal)
                going = kept - reached
                lost = everything - kept - reached
                level, front, seen = 0, set(self.first), set()
                while front:
                    if front & lost:
                        return True, level
                    front &= going
                    seen |= front
                    front = {a for n in front for a, _ in self.edges[n]} - seen
                    level += 1
                allowed = self.forward(self.first, going)
                return self.fair(allowed, allowed), None
        raise AssertionError(form)

    def fair(self, allowed, needed):
        answer = self.endless(allowed, needed)
        if len(allowed) <= 7:
            assert answer == self.endless_by_subsets(allowed, needed)
        return answer

    # ---- faults

    def faulty(self):
        kinds = set()
        if any(o.failed.failure is not Failure.LIVELOCK for o in self.failures):
            kinds.add(Fault.FAILURE)
        if any(o.failed.failure is Failure.LIVELOCK for o in self.failures):
            kinds.add(Fault.LIVELOCK)
        if any(not found for found in self.out.values()):
            kinds.add(Fault.DEADLOCK)
        steps = self.system.steps
        reacting = {
            s: {
                o.state
                for o in found
                if not o.failed and o.choice.step >= 0 and steps[o.choice.step].kind is StepKind.REACTION
            }
            for s, found in self.out.items()
        }
        if any(s in _closure(reacting, reacting[s]) for s in self.out):
            kinds.add(Fault.LIVELOCK)
        after = {s: {o.state for o in found if not o.failed} for s, found in self.out.items()}
        ticking = {s for s, found in self.out.items() if any(o.choice.step == TICK and not o.failed for o in found)}
        if any(not (_closure(after, {s}) & ticking) for s in self.out):
            kinds.add(Fault.TIMELOCK)
        return kinds


def _closure(after, start):
    found, waiting = set(), list(start)
    while waiting:
        s = waiting.pop()
        if s not in found:
            found.add(s)
            waiting += after[s]
    return found


def expected(naive, form):
    """The verdict, and the length of the trace behind it if that is determined."""
    if isinstance(form, Possible):
        length = naive.shortest_to(naive.where(form.good))
        if length is not None:
            return Verdict.PROVED, length
        return (Verdict.INVALID if naive.faulty() else Verdict.VIOLATED), None
    violated, length = naive.violated(form)
    if violated:
        return Verdict.VIOLATED, length
    return (Verdict.INVALID if naive.faulty() else Verdict.PROVED), None


def compare(system, forms, naive):
    """Ask the engine, judge its claims, and hold both against the naive answers."""
    properties = [Property(f"p{i}", form) for i, form in enumerate(forms)]
    claims = ExplicitEngine().check(system, properties, Budget())
    verdicts = []
    for asked, claim in zip(properties, claims, strict=True):
        ruling = judge(system, asked, claim)
        verdict, length = expected(naive, asked.form)
        assert ruling.verdict is verdict, (asked, claim.answer)
        assert (ruling.states, ruling.transitions) == (len(naive.out), naive.transitions)
        assert ruling.depth == naive.depth
        if length is not None:
            assert ruling.run is not None
            assert ruling.run.steps == length, (asked, claim.answer)
        if verdict is Verdict.INVALID:
            assert claim.answer.fault in naive.faulty()
        if verdict is Verdict.PROVED:
            premise = None
            match asked.form:
                case Never(_, premise) | Within(premise) | LeadsTo(premise):
                    pass
            assert ruling.vacuous == (premise is not None and not naive.where(premise)), asked
        verdicts.append((type(asked.form).__name__, verdict))
    return verdicts


def drawn(source, forms):
    system, m = RANDOM.random_system(source)
    try:
        naive = Naive(system)
    except TooLarge:
        return None
    return system, [RANDOM.random_form(m) for _ in range(forms)], naive


@st.composite
def questions(draw):
    found = drawn(RANDOM.Drawn(draw), 4)
    assume(found is not None)
    return found


QUICK = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)


@QUICK
@given(questions())
def test_the_engine_and_the_naive_answer_agree(question):
    for name, verdict in compare(*question):
        event(f"{name} {verdict}")


def seeded(start, count, forms=4):
    for seed in range(start, start + count):
        found = drawn(RANDOM.Seeded(random.Random(seed)), forms)
        if found is not None:
            yield seed, found


def test_agreement_on_a_fixed_sample_in_which_every_verdict_is_frequent():
    counted = Counter()
    for seed, (system, forms, naive) in seeded(0, 260):
        try:
            counted.update(compare(system, forms, naive))
        except Exception as problem:
            raise AssertionError(f"seed {seed}") from problem
    total = counted.total()
    assert total >= 600
    verdicts = Counter()
    for (_, verdict), number in counted.items():
        verdicts[verdict] += number
    assert verdicts[Verdict.VIOLATED] >= total // 5
    assert verdicts[Verdict.PROVED] >= total // 8
    assert verdicts[Verdict.INVALID] >= total // 50
    for kind in (Never, NeverLonger, Within, Eventually, EventuallyAlways, AlwaysEventually, LeadsTo, Until):
        assert counted[kind.__name__, Verdict.VIOLATED] >= 5, (kind, counted)
        assert counted[kind.__name__, Verdict.PROVED] >= 5, (kind, counted)
    assert counted["Possible", Verdict.PROVED] >= 5
    assert counted["Possible", Verdict.VIOLATED] >= 5


def test_no_run_that_the_definitions_reject_is_shorter():
    """All runs up to a length, one by one, against ``violation``: none violates before the engine's trace does."""
    tried = 0
    for seed, (system, _, naive) in seeded(5000, 150, 0):
        source = RANDOM.Seeded(random.Random(seed))
        m = RANDOM.random_system(source)[1]
        forms = [RANDOM.random_form(m, kind) for kind in (Never, NeverLonger, Within, Within)]
        runs, level = [[_moment(o)] for o in naive.interpreter.initial() if not o.failed], 0
        claims = ExplicitEngine().check(system, [Property("p", f) for f in forms], Budget())
        lengths = [_length(naive.interpreter, c.answer) for c in claims]
        while runs and len(runs) < 400 and level < 5:
            for form, length in zip(forms, lengths, strict=True):
                bad = any(violation(naive.interpreter, form, run) is not None for run in runs)
                assert bad == (length is not None and length <= level), (seed, form, level)
                tried += 1
            runs = [[*run, _moment(o)] for run in runs for o in naive.out[run[-1].state] if not o.failed]
            level += 1
    assert tried > 500


def _moment(outcome):
    """No event occurs in the initial state, whatever reactions ran to reach it."""
    events = NONE if outcome.choice.step == START else outcome.events
    return Moment(outcome.state, events, outcome.choice.step)


def _length(interpreter, answer):
    return replay(interpreter, answer.trace).steps if isinstance(answer, Fails) else None


# ---- fairness


LIVENESS = (Eventually, EventuallyAlways, AlwaysEventually, LeadsTo, Until)


def test_agreement_where_fairness_decides():
    """Dense in fairness: kept are the questions whose answer is another one without it."""
    decided = Counter()
    for seed, (system, _, _) in seeded(40_000, 330, 0):
        rng = random.Random(seed)
        groups = [
            Fairness(f"g{i}", tuple(rng.sample(range(len(system.steps)), rng.randint(1, 2))), rng.random() < 0.7)
            for i in range(rng.randint(1, 3))
        ]
        fair = dataclasses.replace(system, fairness=tuple(groups))
        free, bound = Naive(dataclasses.replace(system, fairness=())), Naive(fair)
        source = RANDOM.Seeded(rng)
        m = RANDOM.Makers(source, system.variables, system.timers, system.lanes, system.messages, system.events)
        forms = [RANDOM.random_form(m, rng.choice(LIVENESS)) for _ in range(4)]
        forms = [f for f in forms if free.violated(f)[0] and free.violated(f)[1] is None]
        try:
            decided.update(verdict for _, verdict in compare(fair, forms, bound))
        except Exception as problem:
            raise AssertionError(f"seed {seed}") from problem
    assert decided[Verdict.PROVED] >= 10, decided
    assert decided[Verdict.VIOLATED] >= 50, decided


def chosen(*moves, fairness, high=3):
    """A walk on 0..high by moves (from, to); every place lets time pass."""
    steps = tuple(
        Step(f"{a} to {b}", StepKind.ENVIRONMENT, equal(Read(0), Constant(a)), (Assign(0, Constant(b)),))
        for a, b in moves
    )
    return System("w", 1, variables=(Variable("x", Range(0, high), 0),), steps=steps, fairness=fairness)


def at(value):
    return equal(Read(0), Constant(value))


def decide(system, form):
    ((_, verdict),) = compare(system, [form], Naive(system))
    return verdict


def test_strong_fairness_leaves_the_part_that_never_enables_it():
    moves = ((0, 1), (1, 0), (1, 2))
    for strong in (False, True):
        # waiting in 0 for ever is fair: 1 to 2 is not enabled there
        system = chosen(*moves, fairness=(Fairness("go", (2,), strong),))
        assert decide(system, Eventually(at(2))) is Verdict.VIOLATED
    both = (Fairness("leave", (0,)), Fairness("go", (2,), strong=True))
    assert decide(chosen(*moves, fairness=both), Eventually(at(2))) is Verdict.PROVED
    # weak fairness of "go" lets the run go round, past 0, where it is not enabled
    both = (Fairness("leave", (0,)), Fairness("go", (2,)))
    assert decide(chosen(*moves, fairness=both), Eventually(at(2))) is Verdict.VIOLATED


def test_refinement_goes_on_until_nothing_is_left():
    # each group is enabled a place further: taken away one after the other
    moves = ((0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (0, 3))
    groups = tuple(Fairness(f"g{i}", (i,), strong=True) for i in (4, 2, 0))
    assert decide(chosen(*moves, fairness=groups), Eventually(at(3))) is Verdict.PROVED
    assert decide(chosen(*moves, fairness=groups[:2]), Eventually(at(3))) is Verdict.VIOLATED
    assert decide(chosen(*moves, fairness=groups[:1]), EventuallyAlways(at(3))) is Verdict.VIOLATED


def test_a_step_that_only_fails_is_enabled_all_the_same():
    # the group cannot be taken without an error: a run that waits is not fair, and so none violates
    for strong in (False, True):
        system = chosen((0, 9), fairness=(Fairness("fails", (0,), strong),))
        assert decide(system, Eventually(at(3))) is Verdict.INVALID


# ---- less than everything


def partial(question, states, monkeypatch):
    system, forms, _ = question
    properties = [Property(f"p{i}", form) for i, form in enumerate(forms)]
    whole = ExplicitEngine().check(system, properties, Budget())
    monkeypatch.setattr(graph_module, "CHECK_EVERY", 1)
    part = ExplicitEngine().check(system, properties, Budget(Limits(states=states)))
    monkeypatch.undo()
    return [(asked, a.answer, b.answer) for asked, a, b in zip(properties, whole, part, strict=True)], system, part


@pytest.mark.parametrize("states", [1, 3, 8, 20])
def test_a_partial_search_never_proves_and_is_confirmed_by_the_whole(states, monkeypatch):
    kinds = Counter()
    for seed, question in seeded(20_000, 60):
        if len(question[2].out) <= states + 1:
            continue
        answers, system, claims = partial(question, states, monkeypatch)
        for (asked, whole, part), claim in zip(answers, claims, strict=True):
            ruling = judge(system, asked, claim)
            kinds[type(part)] += 1
            match part:
                case Holds():
                    assert isinstance(asked.form, Possible), seed
                    assert part.witness is not None
                    assert isinstance(whole, Holds)
                case Fails(trace):
                    assert trace is not None, seed
                    assert isinstance(whole, Fails), seed
                case Faulty():
                    assert isinstance(whole, Faulty | Fails | Holds), seed
                    assert question[2].faulty(), seed
                    if isinstance(whole, Holds):
                        assert isinstance(asked.form, Possible)
                case Unknown():
                    assert ruling.verdict is Verdict.UNDECIDED
                    assert ruling.states >= states
    assert kinds[Unknown] > 5
    if states > 1:
        assert kinds[Fails] > 0


def test_an_unknown_names_a_depth_without_violation(monkeypatch):
    checked = 0
    for seed, question in seeded(30_000, 120):
        if len(question[2].out) <= 8:
            continue
        answers, _, _ = partial(question, 7, monkeypatch)
        for asked, whole, part in answers:
            if not isinstance(part, Unknown) or not isinstance(whole, Fails):
                continue
            if whole.trace is None or whole.trace.loop is not None:
                continue
            upto = int(part.reason.rsplit(" ", 1)[1])
            steps = len(whole.trace.choices) - 1
            assert steps > upto, (seed, asked, part, whole)
            checked += 1
    assert checked > 3
