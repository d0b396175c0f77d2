"""Automata of formulas: against the meaning of the operators on every short lasso, and against SPIN's never claims."""

import itertools
import random
import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.automata.tableau import TooLarge, translate
from verify.semantics.temporal import on_lasso, on_prefix
from verify.system.expression import FALSE, TRUE, Read, negation
from verify.system.property import LtlApply, LtlAtom

P, Q, R = Read(0), Read(1), Read(2)
ONE, TWO = ("not", "always", "eventually"), ("and", "or", "implies", "until", "release", "weakly until")


def atom(predicate):
    return LtlAtom(predicate)


def op(word, *parts):
    return LtlApply(word, parts)


def always(part):
    return op("always", part)


def eventually(part):
    return op("eventually", part)


ATOMS = st.sampled_from([P, Q, P, Q, P, Q, negation(P), TRUE, FALSE]).map(atom)
FORMULAS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(op, st.sampled_from(ONE), inner),
        st.builds(op, st.sampled_from(TWO), inner, inner),
        st.builds(op, st.sampled_from(("and", "or")), inner, inner, inner),
    ),
    max_leaves=6,
)
# (letters, where the last one leads back to): every lasso of up to three letters over two atoms, longer ones by chance
SHORT = [(w, back) for n in (1, 2, 3) for w in itertools.product(range(4), repeat=n) for back in range(n)]


def reading(word):
    """A predicate's truth at each letter: atom i is bit i."""

    def of(predicate):
        match predicate:
            case Read(number):
                return [bool(letter >> number & 1) for letter in word]
            case _ if predicate in (TRUE, FALSE):
                return [predicate == TRUE] * len(word)
            case _:
                return [not x for x in of(predicate.arguments[0])]

    return of


def letter_of(automaton, letter):
    """Atoms are numbered as they come in the formula."""
    return sum(1 << i for i, a in enumerate(automaton.atoms) if letter >> a.variable & 1)


def accepts(automaton, word, back):
    """Whether some run over the lasso goes through all accepting sets again and again: by the product's closure."""
    letters = [letter_of(automaton, x) for x in word]
    edges, seen, waiting = {}, {(0, 0)}, [(0, 0)]
    while waiting:
        state, at = node = waiting.pop()
        after = at + 1 if at + 1 < len(word) else back
        edges[node] = [((m.target, after), m.marks) for m in automaton.moves[state] if m.reads(letters[at])]
        waiting += [x for x, _ in edges[node] if x not in seen]
        seen |= {x for x, _ in edges[node]}
    reach = {n: forward(edges, n) for n in edges}
    for node in edges:
        inside = {n for n in reach[node] if node in reach[n]}
        marks = [m for n in inside for x, m in edges[n] if x in inside]
        if marks and all(any(m >> k & 1 for m in marks) for k in range(automaton.sets)):
            return True
    return False


def forward(edges, node):
    found, waiting = set(), [x for x, _ in edges[node]]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [x for x, _ in edges[node]]
    return found


def settles(automaton, word):
    """Whether a run over a finite word ends in a settled state."""
    states = {0}
    for letter in word:
        states = {m.target for q in states for m in automaton.moves[q] if m.reads(letter_of(automaton, letter))}
    return bool(states & automaton.settled)


def check(formula, words):
    yes, no = translate(formula), translate(formula, negated=True)
    for word, back in words:
        holds = on_lasso(formula, reading(word), back - 1)
        assert accepts(yes, word, back) == holds, (formula, word, back)
        assert accepts(no, word, back) != holds, (formula, word, back)
    for word in {w for w, _ in words}:
        known = on_prefix(formula, reading(word))
        assert settles(yes, word) == (known is True), (formula, word)
        assert settles(no, word) == (known is False), (formula, word)


@settings(max_examples=60)
@given(FORMULAS)
def test_an_automaton_accepts_exactly_the_lassos_that_satisfy_its_formula(formula):
    check(formula, SHORT)


@settings(max_examples=60)
@given(
    FORMULAS,
    st.lists(
        st.tuples(st.lists(st.integers(0, 3), max_size=6), st.lists(st.integers(0, 3), min_size=1, max_size=6)),
        min_size=5,
        max_size=20,
    ),
)
def test_and_of_longer_lassos(formula, words):
    check(formula, [((*stem, *cycle), len(stem)) for stem, cycle in words])


# ---- the reading of lassos, against the definition by positions


def at(formula, word, back, position):
    """The formula at a position, from the definition: all later positions up to where they repeat."""
    if isinstance(formula, LtlAtom):
        return reading(word)(formula.predicate)[position]
    ahead, here = [], position
    for _ in range(2 * len(word)):
        ahead.append(here)
        here = here + 1 if here + 1 < len(word) else back

    def holds(i, x):
        return at(formula.arguments[i], word, back, x)

    def until(hold, goal):
        return any(goal(x) and all(hold(y) for y in ahead[:i]) for i, x in enumerate(ahead))

    match formula.operator:
        case "not":
            return not holds(0, position)
        case "and":
            return all(holds(i, position) for i in range(len(formula.arguments)))
        case "or":
            return any(holds(i, position) for i in range(len(formula.arguments)))
        case "implies":
            return not holds(0, position) or holds(1, position)
        case "always":
            return all(holds(0, x) for x in ahead)
        case "eventually":
            return any(holds(0, x) for x in ahead)
        case "until":
            return until(lambda x: holds(0, x), lambda x: holds(1, x))
        case "weakly until":
            return all(holds(0, x) for x in ahead) or until(lambda x: holds(0, x), lambda x: holds(1, x))
        case "release":
            return not until(lambda x: not holds(0, x), lambda x: not holds(1, x))
    raise AssertionError(formula)


SMALL = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(op, st.sampled_from(ONE), inner),
        st.builds(op, st.sampled_from(TWO), inner, inner),
    ),
    max_leaves=3,
)


@settings(max_examples=100)
@given(SMALL, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.data())
def test_the_reading_of_a_lasso_is_the_definition(formula, word, data):
    back = data.draw(st.integers(0, len(word) - 1))
    assert on_lasso(formula, reading(word), back - 1) == at(formula, word, back, 0)


@settings(max_examples=100)
@given(FORMULAS, st.lists(st.integers(0, 3), max_size=3), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_what_a_prefix_settles_stays_so(formula, word, more):
    known = on_prefix(formula, reading(word))
    if known is not None:
        assert on_lasso(formula, reading(word + more), len(word) - 1) is known
        assert on_prefix(formula, reading(word + more)) is known


# ---- size


@pytest.mark.parametrize(
    ("formula", "states", "sets"),
    [
        (eventually(atom(P)), 2, 1),
        (always(atom(P)), 1, 0),
        (always(eventually(atom(P))), 1, 1),
        (eventually(always(atom(P))), 2, 1),
        (always(op("implies", atom(P), eventually(atom(Q)))), 2, 1),
        (op("until", atom(P), atom(Q)), 2, 1),
        (op("and", *(always(eventually(atom(x))) for x in (P, Q, R))), 1, 3),
        (eventually(eventually(always(eventually(atom(P))))), 1, 1),
        (op("or", atom(P), op("not", atom(P))), 2, 0),
        (op("or", *(always(eventually(atom(Read(i)))) for i in range(70))), 1, 1),
        (op("and", *(eventually(always(atom(Read(i)))) for i in range(70))), 2, 1),
    ],
)
def test_well_known_formulas_have_small_automata(formula, states, sets):
    automaton = translate(formula)
    assert (len(automaton.moves), automaton.sets) == (states, sets)


def test_nothing_accepts_what_cannot_be():
    for formula in (atom(FALSE), op("and", always(atom(P)), eventually(op("not", atom(P)))), eventually(atom(FALSE))):
        assert translate(formula).moves == ((),)


def test_a_formula_that_grows_out_of_hand_is_refused():
    states = [eventually(op("and", atom(Read(i)), eventually(atom(Read(i + 20))))) for i in range(8)]
    ways = [always(eventually(atom(Read(i)))) for i in range(14)]
    sets = [eventually(always(op("or", atom(Read(i)), eventually(atom(Read(i + 70)))))) for i in range(70)]
    for word, parts in (("and", states), ("and", ways), ("or", sets)):
        with pytest.raises(TooLarge, match="more than"):
            translate(op(word, *parts))


# ---- SPIN


def promela(formula):
    if isinstance(formula, LtlAtom):
        names = {P: "p", Q: "q", TRUE: "true", FALSE: "false", negation(P): "(!p)"}
        return names[formula.predicate]
    parts = [promela(a) for a in formula.arguments]
    match formula.operator:
        case "not":
            return f"(! {parts[0]})"
        case "always":
            return f"([] {parts[0]})"
        case "eventually":
            return f"(<> {parts[0]})"
        case "release":
            return f"({parts[0]} V {parts[1]})"
        case "weakly until":
            return f"(([] {parts[0]}) || ({parts[0]} U {parts[1]}))"
        case word:
            sign = {"and": "&&", "or": "||", "implies": "->", "until": "U"}[word]
            return "(" + f" {sign} ".join(parts) + ")"


class NeverClaim:
    """A Büchi automaton with accepting states, as ``spin -f`` prints it."""

    def __init__(self, text):
        always_true = compile("True", "guard", "eval")
        self.block, self.edges, self.final = {}, [], set()
        body = True
        for line in text.splitlines():
            if label := re.match(r"^(\w+):", line):
                if body:  # labels that follow one another name one state
                    self.edges.append([])
                body = False
                self.block[label[1]] = len(self.edges) - 1
                self.final |= {len(self.edges) - 1} if label[1].startswith("accept") else set()
                continue
            body = True
            if move := re.match(r"^\s*:: (?:atomic \{ )?\((.*)\) -> (?:goto (\w+)|assert)", line):
                guard = move[1].replace("!", " not ").replace("&&", " and ").replace("||", " or ")
                self.edges[-1].append((compile(guard.strip(), "guard", "eval"), move[2] or "accept_all"))
            elif line.strip() == "skip":
                self.edges[-1].append((always_true, "accept_all"))

    def accepts(self, word, back):
        edges, waiting = {}, [(0, 0)]
        while waiting:
            state, position = node = waiting.pop()
            if node in edges:
                continue
            after = position + 1 if position + 1 < len(word) else back
            names = {"p": word[position] & 1, "q": word[position] >> 1 & 1, "true": True, "false": False}
            edges[node] = [
                ((self.block[label], after), 0)
                for guard, label in self.edges[state]
                if eval(guard, {}, names)  # noqa: S307 - SPIN wrote it
            ]
            waiting += [x for x, _ in edges[node]]
        return any(n[0] in self.final and n in forward(edges, n) for n in edges)


@pytest.mark.skipif(shutil.which("spin") is None, reason="SPIN is not installed")
def test_spin_accepts_the_same_words(tmp_path):
    source = random.Random(20)

    def drawn(depth):
        if depth == 0 or source.random() < 0.15:
            return atom(source.choice((P, Q, negation(P))))
        word = source.choice((*ONE, *TWO))
        return op(word, *(drawn(depth - 1) for _ in range(1 if word in ONE else 2)))

    compared, accepted = 0, 0
    for _ in range(60):
        formula = drawn(3)
        try:
            run = subprocess.run(
                ["spin", "-f", promela(formula)], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=10
            )
        except subprocess.TimeoutExpired:
            continue
        claim, ours = NeverClaim(run.stdout), translate(formula)
        for _ in range(60):
            word = [source.randrange(4) for _ in range(source.randint(1, 6))]
            back = source.randrange(len(word))
            answer = accepts(ours, word, back)
            assert claim.accepts(word, back) == answer, (promela(formula), word, back, run.stdout)
            compared += 1
            accepted += answer
    assert compared > 2000
    assert compared // 10 < accepted < compared * 9 // 10
