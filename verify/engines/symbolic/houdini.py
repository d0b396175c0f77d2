"""Invariants from templates: what a clock, or the difference of two, is bound by in each control state and filling of the lanes.

C. Flanagan and K. R. M. Leino, "Houdini, an annotation assistant for ESC/Java", FME 2001, doi:10.1007/3-540-45251-6_29: guess
many lemmas, drop whatever a step from a state that satisfies all of them breaks, until nothing is dropped. The templates are
those of octagons (A. Miné, HOSC 19, 2006, doi:10.1007/s10990-006-8609-1) under small cubes of control; samples of reachable
states rule out most of them before.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.layout import Component
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.samples import Sample, samples
from verify.engines.symbolic.terms import both, either, lifted

FEW = 4  # values of a variable that is taken for control
MOST_LEMMAS = 5000
KEPT = (0, 1, 4)  # of the thresholds that fit, by their distance
ROUNDS = 1
SLACK = 2  # so many times the longest delay is tried around each threshold

Literal = tuple[int, int, bool]  # component, value, whether it has it


@record
class Lemma:
    """In ``cube``, the sum of ``clocks`` (component, sign) is at most threshold number ``most``; None: never ``cube``."""

    cube: tuple[Literal, ...]
    clocks: tuple[tuple[int, int], ...] = ()
    most: int | None = None


class Templates:
    """The lemmas that are tried for a question."""

    def __init__(self, question: Question, seen: Sequence[Sample]) -> None:
        """``seen``: reachable states; what they break is not tried."""
        self.question = question
        layout = question.layout
        self.components = layout.components
        self.seen = seen
        self.delay = max((lane.maximum for lane in layout.system.lanes), default=0)
        self.terms = self._terms()
        self.compiled = [_compiled(t, layout.parameters) for t in self.terms]
        known = {s.parameters: self.thresholds(s.parameters) for s in seen}
        self.numbers = [known[s.parameters] for s in seen]

    # ---- thresholds

    def _terms(self) -> list[Any]:
        """What timers are started with, the observer's bound and their differences: terms over parameters alone."""
        found: dict[str, Any] = {"0": z3.IntVal(0)}
        for move in [*self.question.moves, self.question.initial]:
            for term in move.state.timers:
                for leaf in _leaves(lifted(term)):
                    if _is_rigid(leaf, self.question.layout.parameters):
                        found.setdefault(str(z3.simplify(leaf)), leaf)
        for leaf in _leaves(lifted(self.question.bound)):
            found.setdefault(str(z3.simplify(leaf)), leaf)
        singles = list(found.values())
        for a, b in itertools.permutations(singles, 2):
            found.setdefault(str(z3.simplify(a - b)), z3.simplify(a - b))
        around: dict[str, Any] = {}
        for term in found.values():
            for k in range(-SLACK, SLACK + 1):
                for one in (-1, 0, 1):
                    moved = z3.simplify(term + (k * self.delay + one))
                    around.setdefault(str(moved), moved)
        return list(around.values())

    # ---- cubes

    def _cubes(self) -> Iterator[tuple[Literal, ...]]:
        control = [i for i, c in enumerate(self.components) if c.group == "variable" and c.high - c.low < FEW]
        filling = [i for i, c in enumerate(self.components) if c.group == "here"]
        modes = [(i, v) for i in control for v in range(self.components[i].low, self.components[i].high + 1)]
        held = [(i, v) for i in filling for v in (0, 1)]
        yield ()
        for size in (1, 2):
            for chosen in itertools.combinations(modes, size):
                if len({i for i, _ in chosen}) == size:
                    base = tuple((i, v, True) for i, v in chosen)
                    yield base
                    for more in (1, 2):
                        for extra in itertools.combinations(held, more):
                            if len({i for i, _ in extra}) == more and (more == 1 or size == 2):
                                yield (*base, *((i, v, True) for i, v in extra))
        for more in (1, 2):
            for extra in itertools.combinations(held, more):
                if len({i for i, _ in extra}) == more:
                    yield tuple((i, v, True) for i, v in extra)

    def lemmas(self, until: float, lost: set[Lemma] | None = None) -> list[Lemma]:
        """Lemmas that no sample breaks: of each shape the tightest bounds, and the cubes that were never met.

        What a lemma with fewer literals says already is left out, unless that one is ``lost``.
        """
        gone = lost or set()
        clocks = [i for i, c in enumerate(self.components) if c.group in ("timer", "age", "counter")]
        found: list[Lemma] = []
        impossible: list[frozenset[Literal]] = []
        known: dict[tuple[Any, ...], list[tuple[frozenset[Literal], frozenset[int]]]] = {}
        for cube in self._cubes():
            if time.monotonic() > until or len(found) > MOST_LEMMAS:
                break
            literals = frozenset(cube)
            if any(other <= literals for other in impossible):
                continue
            met = [n for n, s in enumerate(self.seen) if all((s.values[i] == v) is same for i, v, same in cube)]
            if not met:
                if Lemma(cube) not in gone:
                    impossible.append(literals)
                    found.append(Lemma(cube))
                continue
            taken = {self.components[i].at[:2] for i, v, _ in cube if v and self.components[i].group == "here"}
            ages = {i for i in clocks if self.components[i].group == "age" and self.components[i].at in taken}
            for shape in _shapes([i for i in clocks if self.components[i].group != "age" or i in ages], ages):
                bounds = self._tightest(met, shape)
                wider = known.setdefault(shape, [])
                fresh = [b for b in bounds if not any(other <= literals and b in seen for other, seen in wider)]
                kept = [b for b in fresh if Lemma(cube, shape, b) not in gone]
                wider.append((literals, frozenset(kept)))
                found += [Lemma(cube, shape, b) for b in kept]
        return found[:MOST_LEMMAS]

    def _tightest(self, met: Sequence[int], shape: tuple[tuple[int, int], ...]) -> list[int]:
        """Of the thresholds that hold on all these samples the closest ones, and some further off."""
        needed: dict[tuple[int, ...], tuple[int, int]] = {}
        for n in met:
            sample = self.seen[n]
            value = sum(f * sample.values[i] for i, f in shape)
            if sample.parameters not in needed or needed[sample.parameters][0] < value:
                needed[sample.parameters] = (value, n)
        worst = list(needed.values())
        fitting = [t for t in range(len(self.terms)) if all(self.numbers[n][t] >= v for v, n in worst)]
        holding = sorted((sum(self.numbers[n][t] - v for v, n in worst), t) for t in fitting)
        return [t for n, (_, t) in enumerate(holding) if n in KEPT]

    # ---- as terms, and on values

    def term(self, lemma: Lemma, state: Sequence[Any]) -> Any:  # noqa: ANN401 - a Z3 term
        """The lemma over the constants of a state."""
        cube = lifted(both(*(_literal(self.components[i], state[i], v) for i, v, _ in lemma.cube)))
        if lemma.most is None:
            return z3.Not(cube)
        signed = [state[i] if f == 1 else -state[i] for i, f in lemma.clocks]
        bound = sum(signed[1:], start=signed[0]) <= self.terms[lemma.most]
        return z3.Implies(cube, bound) if lemma.cube else bound

    def broken(self, lemma: Lemma, values: Sequence[int], thresholds: Sequence[int]) -> bool:
        """Whether a state breaks it."""
        if any(values[i] != v for i, v, _ in lemma.cube):
            return False
        return lemma.most is None or sum(f * values[i] for i, f in lemma.clocks) > thresholds[lemma.most]

    def thresholds(self, parameters: Sequence[int]) -> list[int]:
        """The values of all thresholds."""
        return [f(parameters) for f in self.compiled]


def _shapes(clocks: Sequence[int], ages: set[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Bounds of a clock, differences of two, and of a clock that goes up and one that goes down the sum."""
    for i in clocks:
        yield ((i, 1),)
        yield ((i, -1),)
    for i, j in itertools.combinations(clocks, 2):
        yield ((i, 1), (j, -1))
        yield ((i, -1), (j, 1))
        if i in ages or j in ages:
            yield ((i, 1), (j, 1))
            yield ((i, -1), (j, -1))


def _literal(component: Component, constant: Any, value: int) -> Any:  # noqa: ANN401 - Z3 terms
    if component.boolean:
        return constant if value else z3.Not(constant)
    return constant == value


def _leaves(term: Any) -> Iterator[Any]:  # noqa: ANN401 - a Z3 term
    if z3.is_app_of(term, z3.Z3_OP_ITE):
        yield from _leaves(term.arg(1))
        yield from _leaves(term.arg(2))
    else:
        yield term


def _is_rigid(term: Any, parameters: Sequence[Any]) -> bool:  # noqa: ANN401 - a Z3 term
    if term.num_args() == 0:
        return z3.is_int_value(term) or any(term.eq(p) for p in parameters)
    return all(_is_rigid(a, parameters) for a in term.children())


def _compiled(term: Any, parameters: Sequence[Any]) -> Callable[[Sequence[int]], int]:  # noqa: ANN401 - a Z3 term
    """The term as a function of the parameters' values."""
    if z3.is_int_value(term):
        value = int(term.as_long())
        return lambda _: value
    for index, parameter in enumerate(parameters):
        if term.eq(parameter):
            return lambda values: values[index]
    inner = [_compiled(a, parameters) for a in term.children()]
    kind = term.decl().kind()
    if kind == z3.Z3_OP_ADD:
        return lambda values: sum(f(values) for f in inner)
    if kind == z3.Z3_OP_MUL:
        return lambda values: math.prod(f(values) for f in inner)
    if kind == z3.Z3_OP_SUB:
        return lambda values: inner[0](values) - sum(f(values) for f in inner[1:])
    if kind == z3.Z3_OP_UMINUS:
        return lambda values: -inner[0](values)
    if kind == z3.Z3_OP_IDIV and z3.is_int_value(term.arg(1)) and term.arg(1).as_long() > 0:
        return lambda values: inner[0](values) // inner[1](values)
    message = f"a threshold that holds {term.decl().name()}"
    raise Unsupported(message)


@record
class Kept:
    """``lemmas`` that are inductive together, of so many that were ``tried``; whether they suffice as a proof."""

    lemmas: tuple[Any, ...]
    tried: int
    suffices: bool


def strengthen(question: Question, until: float, *, sampling: float = 4.0) -> Kept | None:
    """An inductive invariant from the templates, None if there was no time to get one."""
    seen = samples(question, min(sampling, max(0.1, (until - time.monotonic()) / 4)))
    templates = Templates(question, seen)
    left: list[Lemma] = []
    lost: set[Lemma] = set()
    tried = 0
    found: Kept | None = None
    for _ in range(ROUNDS):
        lemmas = templates.lemmas(time.monotonic() + max(0.1, (until - time.monotonic()) / 4), lost)
        if found is not None and set(lemmas) <= set(left):
            break
        after = _Dropping(question, templates, list(dict.fromkeys([*left, *lemmas]))).run(until)
        if after is None:
            break
        tried += len(set(lemmas) - set(left))
        lost |= set(lemmas) - set(after)
        left = after
        parts = [templates.term(x, question.layout.constants) for x in left]
        found = Kept(tuple(parts), tried, suffices(question, parts, until))
        if found.suffices:
            break
    return found


def suffices(question: Question, parts: Sequence[Any], until: float) -> bool:
    """Whether the lemmas exclude the goal, errors, and reactions without end."""
    layout = question.layout
    solver = z3.Solver()
    solver.set("timeout", max(1, int(1000 * (until - time.monotonic()))))
    solver.add(*parts, *layout.premises(), *map(lifted, layout.shape()))
    wrong = [question.goal, *(lifted(either(m.fails, m.overruns)) for m in question.moves)]
    first = z3.Solver()
    first.add(*layout.premises(), lifted(either(question.initial.fails, question.initial.overruns)))
    return first.check() == z3.unsat and all(solver.check(w) == z3.unsat for w in map(_named(solver), wrong))


def _named(solver: z3.Solver) -> Callable[[Any], Any]:
    """A literal for a formula, as assumptions are to be literals."""

    def name(formula: Any) -> Any:  # noqa: ANN401 - Z3 terms
        literal = z3.FreshConst(z3.BoolSort(), "asked")
        solver.add(z3.Implies(literal, formula))
        return literal

    return name


class _Dropping:
    """The loop: one solver for each move, whose lemmas are assumptions that go away."""

    def __init__(self, question: Question, templates: Templates, lemmas: list[Lemma]) -> None:
        self.question = question
        self.templates = templates
        self.lemmas = dict(enumerate(lemmas))
        layout = question.layout
        self.after = [z3.Const(f"{c}_after", c.sort()) for c in layout.constants]
        self.flags = [z3.Bool(f"lemma{i}") for i in range(len(lemmas))]
        known = [*layout.premises(), *map(lifted, layout.shape())]
        here = [z3.Implies(f, templates.term(x, layout.constants)) for f, x in zip(self.flags, lemmas, strict=True)]
        broken = [z3.And(f, z3.Not(templates.term(x, self.after))) for f, x in zip(self.flags, lemmas, strict=True)]
        self.solvers = []
        for move in [question.initial, *question.moves]:
            solver = z3.SolverFor("QF_LIA")
            flat = layout.flat(move.state)
            solver.add(*known[: len(layout.premises())] if move is question.initial else known)
            solver.add(lifted(move.arrives), *[a == t for a, t in zip(self.after, flat, strict=True)])
            if move is not question.initial:
                solver.add(*here)
            solver.add(z3.Or(*broken))
            self.solvers.append(solver)

    def run(self, until: float) -> list[Lemma] | None:
        """The lemmas that are left when no move breaks any; None if time is up before."""
        pending = list(self.solvers)
        while pending and self.lemmas:
            if time.monotonic() > until:
                return None
            solver = pending[0]
            solver.set("timeout", max(1, int(1000 * (until - time.monotonic()))))
            answer = solver.check(*[self.flags[i] for i in self.lemmas])
            if answer == z3.unsat:
                pending.pop(0)
            elif answer == z3.sat:
                self.drop(solver.model())
                pending = [solver, *[s for s in self.solvers if s is not solver]]
            else:
                return None
        return list(self.lemmas.values())

    def drop(self, model: z3.ModelRef) -> None:
        """Drop all lemmas that the state after the move breaks."""
        values = [_plain(model.eval(a, model_completion=True)) for a in self.after]
        parameters = [_plain(model.eval(p, model_completion=True)) for p in self.question.layout.parameters]
        thresholds = self.templates.thresholds(parameters)
        gone = [i for i, x in self.lemmas.items() if self.templates.broken(x, values, thresholds)]
        for i in gone:
            del self.lemmas[i]
            for solver in self.solvers:
                solver.add(z3.Not(self.flags[i]))


def _plain(term: Any) -> int:  # noqa: ANN401 - a Z3 value
    return int(z3.is_true(term)) if z3.is_bool(term) else int(term.as_long())
