"""The explicit engine against naive answers on random small systems: verdicts, shortest lengths, counts, and the judge."""

import copy
import dataclasses
import itertools
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from siblings import sibling

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
    Ltl,
    LtlApply,
    LtlAtom,
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

RANDOM = sibling("semantics", "random_systems")
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
        if not any(step == TICK for _, step in inside) or not all(part & each for each in needed):
            return False
        for fairness in self.system.fairness:
            if any(step in fairness.steps for _, step in inside):
                continue
            on = [self.enabled(n, fairness.steps) for n in part]
            if any(on) if fairness.strong else all(on):
                return False
        return True

    def endless(self, allowed, needed):
        """Whether there is a fair endless run within ``allowed``, past each set in ``needed`` again and again.

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
            case Ltl(formula):
                length = self.shortest_loss(formula)
                return length is not None or self.false_for_ever(formula), length
        raise AssertionError(form)

    # ---- formulas

    def shortest_loss(self, formula):
        """The length of a shortest run after which a formula is false: what is left to ask for, step by step.

        F. Bacchus and F. Kabanza, Planning for temporally extended goals, Ann. Math. Artif. Intell. 22, 1998.
        """
        where = {a: self.where(a) for a in predicates(formula)}
        whole = folded(formula)
        level, front, seen = 0, {(n, left_after(whole, n, where)) for n in self.first}, set()
        while front:
            if any(left == NO for _, left in front):
                return level
            seen |= front
            front = {
                (a, any_of([all_of([left_after(f, a, where) for f in x]) for x in left]))
                for n, left in front
                for a, _ in self.edges[n]
            } - seen
            level += 1
        return None

    def false_for_ever(self, formula):
        """Whether a fair endless run makes a formula false: a guess of the truth of each part at each moment.

        O. Lichtenstein and A. Pnueli, Checking that finite state concurrent programs satisfy their linear specification,
        POPL 1985, doi:10.1145/318593.318622.
        """
        where = {a: self.where(a) for a in predicates(formula)}
        temporal = [f for f in parts(formula) if isinstance(f, LtlApply) and f.operator in FULFILLED]
        guesses = list(itertools.product((False, True), repeat=len(temporal)))

        def truth(node):
            """The parts' truth at an arrival, given that of the temporal ones."""
            arrival, guess = node[:2], dict(zip(temporal, node[2], strict=True))

            def of(f):
                if isinstance(f, LtlAtom):
                    return arrival in where[f.predicate]
                return guess[f] if f in guess else CONNECTIVE[f.operator]([of(a) for a in f.arguments])

            return of

        def follows(one, other):
            return all(one(f) == NOW[f.operator]([one(a) for a in f.arguments], other(f)) for f in temporal)

        known = {(*n, g): truth((*n, g)) for n in self.nodes for g in guesses}
        tableau = copy.copy(self)
        tableau.nodes = list(known)
        tableau.edges = {
            n: [((*a, g), step) for a, step in self.edges[n[:2]] for g in guesses if follows(known[n], known[*a, g])]
            for n in known
        }
        first = [(*n, g) for n in self.first for g in guesses if not known[*n, g](formula)]
        allowed = tableau.forward(first, set(known))
        needed = [{n for n in allowed if FULFILLED[f.operator](f, known[n])} for f in temporal]
        return tableau.fair(allowed, *needed)

    def fair(self, allowed, *needed):
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


def parts(formula):
    """A formula and all below it, each once."""
    inner = [formula.arguments] if isinstance(formula, LtlApply) else []
    return list(dict.fromkeys([formula, *(p for row in inner for a in row for p in parts(a))]))


def predicates(formula):
    return [p.predicate for p in parts(formula) if isinstance(p, LtlAtom)]


CONNECTIVE = {
    "not": lambda x: not x[0],
    "and": all,
    "or": any,
    "implies": lambda x: not x[0] or x[1],
}
NOW = {  # the truth now, from that of the parts now and of the whole at the next moment
    "always": lambda x, after: x[0] and after,
    "eventually": lambda x, after: x[0] or after,
    "until": lambda x, after: x[1] or (x[0] and after),
    "weakly until": lambda x, after: x[1] or (x[0] and after),
    "release": lambda x, after: x[1] and (x[0] or after),
}
FULFILLED = {  # what happens again and again, so that the truth of a part is not put off for ever
    "always": lambda f, of: of(f) or not of(f.arguments[0]),
    "eventually": lambda f, of: not of(f) or of(f.arguments[0]),
    "until": lambda f, of: not of(f) or of(f.arguments[1]),
    "weakly until": lambda f, of: of(f) or not (of(f.arguments[0]) or of(f.arguments[1])),
    "release": lambda f, of: of(f) or not of(f.arguments[1]),
}


def made(word, arguments):
    """An operator applied to formulas, True and False; constants folded."""
    if word in CONNECTIVE:
        if word == "implies":
            return made("or", [made("not", arguments[:1]), arguments[1]])
        if word == "not":
            return not arguments[0] if isinstance(arguments[0], bool) else (word, *arguments)
        stops = word != "and"
        if stops in arguments:
            return stops
        kept = frozenset(a for a in arguments if not isinstance(a, bool))
        return (word, kept) if kept else not stops
    one, last = arguments[0], arguments[-1]
    if isinstance(last, bool) and not (word == "weakly until" and not last):
        return last
    if isinstance(one, bool):
        return {
            "until": made("eventually", [last]) if one else last,
            "weakly until": one or last,
            "release": last if one else made("always", [last]),
        }[word]
    return (word, *arguments)


def folded(formula):
    if isinstance(formula, LtlAtom):
        constant = isinstance(formula.predicate, Constant)
        return bool(formula.predicate.value) if constant else ("atom", formula.predicate)
    return made(formula.operator, [folded(a) for a in formula.arguments])


# What is left to ask: alternatives, each a set of formulas that begin with a word of time, or negations of such.
YES, NO = frozenset({frozenset()}), frozenset()


def fewest(alternatives):
    return frozenset(x for x in alternatives if not any(y < x for y in alternatives))


def all_of(rows):
    return fewest({frozenset().union(*choice) for choice in itertools.product(*rows)})


def any_of(rows):
    return fewest(frozenset().union(*rows))


def none_of(row):
    turned = [[frozenset({f[1] if f[0] == "not" else ("not", f)}) for f in x] for x in row]
    return all_of(turned)


def left_after(formula, arrival, where):
    """What a formula asks of the run after an arrival."""
    if isinstance(formula, bool):
        return YES if formula else NO
    word, *inner = formula
    if word == "atom":
        return YES if arrival in where[inner[0]] else NO
    inner = inner[0] if word in ("and", "or") else inner
    now = [left_after(a, arrival, where) for a in inner]
    again = frozenset({frozenset({formula})})
    match word:
        case "not":
            return none_of(now[0])
        case "and":
            return all_of(now)
        case "or":
            return any_of(now)
        case "always":
            return all_of([now[0], again])
        case "eventually":
            return any_of([now[0], again])
        case "until" | "weakly until":
            return any_of([now[1], all_of([now[0], again])])
        case "release":
            return all_of([now[1], any_of([now[0], again])])
    raise AssertionError(formula)


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


# ---- formulas


def op(word, *arguments):
    return LtlApply(word, arguments)


def as_formula(form):
    """A named form, written as a formula."""
    match form:
        case Never(bad):
            return op("always", op("not", LtlAtom(bad)))
        case Eventually(good):
            return op("eventually", LtlAtom(good))
        case EventuallyAlways(good):
            return op("eventually", op("always", LtlAtom(good)))
        case AlwaysEventually(good):
            return op("always", op("eventually", LtlAtom(good)))
        case LeadsTo(trigger, response):
            return op("always", op("implies", LtlAtom(trigger), op("eventually", LtlAtom(response))))
        case Until(hold, goal):
            return op("until", LtlAtom(hold), LtlAtom(goal))
    raise AssertionError(form)


def asked_with_fairness(start, count):
    """Random systems, half of them with fairness of their own, and makers of predicates for them."""
    for seed, (system, _, _) in seeded(start, count, 0):
        rng = random.Random(seed)
        steps = range(len(system.steps))
        number = rng.randint(1, 2) if steps and rng.random() < 0.5 else 0
        groups = [Fairness(f"g{i}", (rng.choice(steps),), rng.random() < 0.7) for i in range(number)]
        fair = dataclasses.replace(system, fairness=tuple(groups)) if groups else system
        source = RANDOM.Seeded(rng)
        yield (
            seed,
            fair,
            RANDOM.Makers(source, system.variables, system.timers, system.lanes, system.messages, system.events),
        )


def test_a_named_form_written_as_a_formula_has_the_same_verdict():
    counted = Counter()
    for seed, system, m in asked_with_fairness(60_000, 220):
        named = [RANDOM.random_form(m, kind) for kind in (*LIVENESS, Never)]
        # a formula that is false of itself is so at once; the named forms look for an endless run
        named = [f for f in named if not any(isinstance(p, Constant) for p in predicates(as_formula(f)))]
        logical = [Ltl(as_formula(f)) for f in named]
        asked = [Property(f"p{i}", f) for i, f in enumerate([*named, *logical])]
        rulings = [
            judge(system, p, c) for p, c in zip(asked, ExplicitEngine().check(system, asked, Budget()), strict=True)
        ]
        for form, one, other in zip(named, rulings, rulings[len(named) :], strict=False):
            assert one.verdict is other.verdict, (seed, form)
            finite = one.run is not None and one.run.trace.loop is None
            assert not finite or one.run.steps == other.run.steps, (seed, form)
            counted[type(form).__name__, one.verdict] += 1
    for kind in (*LIVENESS, Never):
        assert counted[kind.__name__, Verdict.VIOLATED] >= 10, counted
        assert counted[kind.__name__, Verdict.PROVED] >= 10, counted


def random_formula(rng, atoms, depth):
    if depth == 0 or rng.random() < 0.2:
        return LtlAtom(rng.choice(atoms))
    word = rng.choice(("not", "and", "or", "implies", *NOW))
    return op(
        word,
        *(random_formula(rng, atoms, depth - 1) for _ in range(1 if word in ("not", "always", "eventually") else 2)),
    )


def test_random_formulas_against_a_guess_of_the_truth_of_every_part():
    counted = Counter()
    for seed, system, m in asked_with_fairness(70_000, 200):
        naive, rng = Naive(system), random.Random(seed)
        if len(naive.nodes) > 24:
            continue
        atoms = [m.truth(m.source.integer(0, 2), (), events=True) for _ in range(2)]
        formulas = [random_formula(rng, atoms, 3) for _ in range(4)]
        formulas = [f for f in formulas if sum(isinstance(p, LtlApply) and p.operator in NOW for p in parts(f)) <= 3]
        try:
            for formula, (_, verdict) in zip(formulas, compare(system, [Ltl(f) for f in formulas], naive), strict=True):
                finite = verdict is Verdict.VIOLATED and naive.shortest_loss(formula) is not None
                counted[verdict, finite] += 1
        except Exception as problem:
            raise AssertionError(f"seed {seed}") from problem
    assert counted[Verdict.PROVED, False] >= 30, counted
    assert counted[Verdict.VIOLATED, False] >= 30, counted
    assert counted[Verdict.VIOLATED, True] >= 30, counted


def test_a_finite_violation_of_a_formula_is_found_in_a_search_that_is_cut_short():
    system = chosen((0, 1), (1, 2), (2, 3), (3, 2), fairness=())
    forms = [
        Ltl(op("until", LtlAtom(at(0)), LtlAtom(at(2)))),  # lost at 1
        Ltl(op("always", op("not", LtlAtom(at(3))))),  # lost at 3, which is not reached
        Ltl(op("eventually", LtlAtom(at(3)))),  # needs a loop
    ]
    asked = [Property(f"p{i}", form) for i, form in enumerate(forms)]
    found, *others = ExplicitEngine().check(system, asked, Budget(Limits(states=2)))
    assert judge(system, asked[0], found).run.steps == 1
    for claim in others:
        assert isinstance(claim.answer, Unknown)
        assert "no finite violation" in claim.answer.reason


def test_a_formula_whose_automaton_is_too_large_is_undecided():
    system = chosen((0, 1), (1, 0), fairness=())
    goals = (op("always", op("eventually", LtlAtom(equal(Read(0), Constant(i))))) for i in range(14))
    asked = Property("p", Ltl(op("not", op("and", *goals))))
    (claim,) = ExplicitEngine().check(system, [asked], Budget())
    ruling = judge(system, asked, claim)
    assert ruling.verdict is Verdict.UNDECIDED
    assert "automaton" in ruling.backing


def test_the_first_moment_has_no_events():
    # 0 holds before any step; a formula without a word of time is about the first moment alone
    system = chosen((0, 1), (1, 0), fairness=())
    assert decide(system, Ltl(LtlAtom(at(0)))) is Verdict.PROVED
    assert decide(system, Ltl(LtlAtom(at(1)))) is Verdict.VIOLATED


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
