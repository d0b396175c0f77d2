"""The values of open parameters for which a property fails, region by region, until the rest is proved.

A. Cimatti, A. Griggio, S. Mover, S. Tonetta, "Parameter synthesis with IC3", FMCAD 2013, doi:10.1109/FMCAD.2013.6679406: a run
that violates, its moves kept and everything else left open, makes a region of values; what is outside all regions is asked again,
here of the unrolling and of Spacer at once.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import z3

from verify.base.budget import Budget
from verify.base.record import record
from verify.engines.claim import Claim, Holds, Inductive
from verify.engines.region import Bound, Covered, Looked, Met, News, Region, Safe, Sample, Stuck, Whole, beyond
from verify.engines.symbolic.derived import linear
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.halfspaces import Cube, avoided, holds, projected
from verify.engines.symbolic.horn import TURN, Solved
from verify.engines.symbolic.invariants import stated
from verify.engines.symbolic.paths import Implicant, told
from verify.engines.symbolic.provers import Provers
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.ranks import ranked
from verify.engines.symbolic.regions import Ground, Point, beyond_facet, on_facet, simplified, spread
from verify.engines.symbolic.relation import Relation
from verify.semantics.interpreter import START, Choice
from verify.system.expression import Expression, Rigid
from verify.system.property import Property
from verify.system.serialise import digest
from verify.system.system import System
from verify.trace.trace import Trace

NAME = "symbolic"
SECONDS = 600.0  # if there is no limit
DEEPEST = 60  # moves that are unrolled
SLICE = 1.0  # seconds of unrolling before the provers are looked at
QUIET = 2  # levels without news, after which provers are asked
SILENT = 8  # levels, if there was no news before
PATIENCE = 1.5  # seconds without news, after which they are asked all the same
AXIOMS = 0.2  # of the time, at most, for axioms
FURTHER = 2  # points of each region besides those at its bounds
CERTIFYING = 30.0  # seconds for a rank


def synthesised(system: System, properties: Sequence[Property], budget: Budget) -> Iterator[News]:
    """What the search for the bad values of one property has to tell, as it comes."""
    seconds = budget.limits.seconds if budget.limits.seconds is not None else SECONDS
    try:
        yield from _Synthesis(system, properties[0], time.monotonic() + seconds).news()
    except Unsupported as problem:
        yield Stuck(f"the symbolic engine does not encode this: {problem}")


@record
class _Run:
    """A run of the unrolling: the moves, the values of every name in its model, whether it ends in an error."""

    moves: tuple[int, ...]
    values: Mapping[str, int]
    trace: Trace
    failing: int | None


class _Unrolling:
    """Longer and longer runs outside the regions that are known."""

    def __init__(self, question: Question) -> None:
        self.relation = Relation(question)
        self.depth = -1
        self.spent = 0.0  # seconds
        self.solver = z3.Solver()
        self.solver.add(*self.relation.begin())
        self.entered = 0
        self.at: dict[int, Any] = {}

    def block(self, cube: Cube) -> None:
        """Leave a region out from now on."""
        self.solver.add(avoided(cube))

    def search(self, until: float) -> _Run | bool | None:
        """One level, without what was blocked: a run; True if there is none; None if time is over."""
        k, start = self.depth + 1, time.monotonic()
        if k and self.entered < k:
            self.solver.add(*self.relation.step(k - 1))
            self.entered = k
        for failing in (False, True):
            found = self._ask(self.solver, k, until, failing=failing)
            if not isinstance(found, bool):
                break
        else:
            self.depth = k
        self.spent += time.monotonic() - start
        return found

    def _ask(self, solver: Any, k: int, until: float, *, failing: bool) -> _Run | bool | None:  # noqa: ANN401 - Z3's
        left = int(1000 * (until - time.monotonic()))
        if left <= 0:
            return None
        solver.set("timeout", left)
        solver.push()
        solver.add(self.relation.failing(k) if failing else self.relation.goal(k))
        answer = solver.check()
        model = solver.model() if answer == z3.sat else None
        solver.pop()
        if model is None:
            return True if answer == z3.unsat else None
        return self._run(model, k, failing=failing)

    def at_once(self, until: float, blocked: Sequence[Cube]) -> _Run | None:
        """An error before the first state."""
        first, solver = self.relation.question.initial, z3.Solver()
        solver.set("timeout", max(1, int(1000 * (until - time.monotonic()))))
        solver.add(*self.relation.layout.premises(), first.fails if z3.is_expr(first.fails) else z3.BoolVal(bool(first.fails)))
        solver.add(*[avoided(c) for c in blocked])
        if solver.check() != z3.sat:
            return None
        values = _values(solver.model())
        picks = tuple(values.get(str(p), 0) for met, p in first.picks if _true(solver.model(), met))
        return _Run((), values, Trace((Choice(START, -1, picks),)), -1)

    def _run(self, model: z3.ModelRef, k: int, *, failing: bool) -> _Run:
        parts = self.relation.parts
        moves = tuple(
            next(n for n in range(len(parts)) if _true(model, self.relation.selector(j, n))) for j in range(k)
        )
        last = None
        if failing:
            last = next(
                n
                for n, p in enumerate(parts)
                if _true(model, z3.Bool(f"failed{n}@{k}")) and _true(model, self.relation.here(p.fails, k, p.move.inputs))
            )
        return _Run(moves, _values(model), self.relation.trace(model, k, failing=failing), last)

    def run_for(self, point: Point, depth: int, until: float) -> _Run | None:
        """A run of so many moves for these values."""
        if depth not in self.at:
            solver = z3.Solver()
            solver.add(*self.relation.begin())
            for j in range(depth):
                solver.add(*self.relation.step(j))
            self.at[depth] = solver
        solver = self.at[depth]
        solver.push()
        solver.add(*[w == v for w, v in zip(self.relation.layout.parameters, point.all, strict=True)])
        for failing in (False, True):
            found = self._ask(solver, depth, until, failing=failing)
            if isinstance(found, _Run):
                solver.pop()
                return found
        solver.pop()
        return None


def _values(model: z3.ModelRef) -> dict[str, int]:
    found = {}
    for declared in model.decls():
        if declared.arity() == 0:
            value = model[declared]
            found[declared.name()] = int(value.as_long()) if z3.is_int_value(value) else int(z3.is_true(value))
    return found


def _true(model: z3.ModelRef, term: Any) -> bool:  # noqa: ANN401 - a Z3 term
    return term if isinstance(term, bool) else bool(z3.is_true(model.eval(term, model_completion=True)))


class _Synthesis:
    def __init__(self, system: System, asked: Property, until: float) -> None:
        self.system = system
        self.asked = asked
        self.until = until
        self.plain = Question(system, asked.form)
        now = time.monotonic()
        self.question, self.layout = linear(self.plain, now + AXIOMS * (until - now))
        self.ground = Ground(self.layout, until)
        self.unrolling = _Unrolling(self.question)
        self.provers = Provers(self.question, self.layout)
        self.cubes: list[Cube] = []  # the regions, as they were written last
        self.covered = False  # whether those are all that were met
        self.met: list[tuple[Cube, bool]] = []
        self.depths: dict[int, None] = {}
        self.reachable = False
        self.reasons: list[str] = []

    def news(self) -> Iterator[News]:
        """Regions, until the rest is proved or nothing more is found; then samples of them."""
        if self.ground.empty():
            yield Stuck("no values of the open parameters satisfy every assume")
            return
        yield from self._begun()
        try:
            ended = yield from self._searched()
        finally:
            self.provers.end()
        self.reasons += self.provers.reasons
        if not ended:
            if not self.covered:
                yield self._covering()
            yield Stuck(self._why())
        self.layout.assumed = []
        yield from self._samples(self.cubes)

    def _searched(self) -> Generator[News, None, bool]:
        """Unrolling and provers in turns; whether nothing is left to be known."""
        heard, at = time.monotonic(), -1
        while time.monotonic() < self.until:
            solved = self.provers.look()
            if solved is not None and solved.reachable:
                self.reachable = True
                self.provers.end()
            elif solved is not None:
                claim = self._proved(solved)
                if claim is not None:
                    yield Safe(claim)
                    return True
            deep = self.unrolling.depth >= DEEPEST
            if self.provers.running and (deep or self.provers.first(self.unrolling.spent)):
                time.sleep(TURN)
                continue
            if deep and self.covered:
                return False
            found = self._deeper()
            if isinstance(found, _Run):
                yield self._region(found)
                heard, at, self.covered, self.reachable = time.monotonic(), self.unrolling.depth, False, False
                self.provers.end()
                continue
            yield Looked(self.unrolling.depth)
            quiet = self.unrolling.depth >= (at + QUIET if self.met else SILENT) or time.monotonic() > heard + PATIENCE
            if not self.covered and quiet:
                yield self._covering()
                if self.ground.empty(*[avoided(c) for c in self.cubes]):
                    yield Whole()
                    return True
                self.layout.assumed = [avoided(c) for c in self.cubes]
                self.provers.begin(self.unrolling.spent)
        return False

    def _begun(self) -> Iterator[News]:
        """Errors before the first state."""
        while (found := self.unrolling.at_once(self.until, [c for c, _ in self.met])) is not None:
            yield self._region(found)

    def _deeper(self) -> _Run | bool | None:
        if self.unrolling.depth >= DEEPEST:
            return None
        return self.unrolling.search(min(self.until, time.monotonic() + SLICE))

    # ---- regions

    def _region(self, run: _Run) -> Met:
        if run.failing == -1:
            conditions: list[Any] = [self.question.initial.fails]
        else:
            conditions = told(self.unrolling.relation, run.moves, failing=run.failing)
        reasons = Implicant(run.values)
        for condition in conditions:
            reasons.require(condition if z3.is_expr(condition) else z3.BoolVal(bool(condition)))
        words = {str(p) for p in self.layout.parameters}
        names = {n for form in reasons.cube for n, _ in form.terms} - words
        values = {n: run.values.get(n, 0) for form in reasons.cube for n, _ in form.terms}
        cube = projected(reasons.cube, names, values)
        self.met.append((cube, run.failing is not None))
        self.unrolling.block(cube)
        self.depths[len(run.moves)] = None
        shown, real = self._real(cube, run)
        failed = (real or run).failing is not None
        return Met(self._plain(cube), shown, None if real is None else real.trace, failed)

    def _real(self, cube: Cube, run: _Run) -> tuple[tuple[int, ...], _Run | None]:
        """The run and its values; another one in the cube, if the derived parameters may not be what they should."""
        if self.ground.linear:
            return tuple(run.values.get(str(p), 0) for p in self.layout.base.parameters), run
        point = self.ground.point(holds(cube))
        if point is None:
            return (), None
        assumed, self.layout.assumed = self.layout.assumed, []
        real = self.unrolling.run_for(point, len(run.moves), self.until)
        self.layout.assumed = assumed
        return point.values, real

    def _covering(self) -> Covered:
        parts: list[tuple[Cube, bool]] = []
        for failed in (False, True):
            cubes = [c for c, f in self.met if f is failed]
            parts += [(c, failed) for c in simplified(cubes, self.ground)] if cubes else []
        if len({f for _, f in parts}) > 1:  # what is an error anyway need not be told twice
            parts = self._without_errors(parts)
        self.cubes, self.covered = [c for c, _ in parts], True
        return Covered(tuple(map(self._plain, self.cubes)), tuple(f for _, f in parts), self._named())

    def _without_errors(self, parts: list[tuple[Cube, bool]]) -> list[tuple[Cube, bool]]:
        wrong = z3.Or(*[holds(c) for c, f in parts if f])
        return [(c, f) for c, f in parts if f or not self.ground.empty(holds(c), z3.Not(wrong))]

    def _plain(self, cube: Cube) -> Region:
        known: dict[str, Expression] = {str(p): Rigid(i) for i, p in enumerate(self.layout.base.parameters)}
        known |= {str(d.word): d.expression for d in self.layout.derived}
        return tuple(Bound(tuple((known[n], c) for n, c in form.terms), -form.constant) for form in cube)

    def _named(self) -> tuple[tuple[Expression, str], ...]:
        return tuple((d.expression, d.name) for d in self.layout.derived if d.ticks or d.name)

    # ---- the rest

    def _proved(self, solved: Solved) -> Claim | None:
        """The claim for the system in which what was found is assumed not to be."""
        rank = ranked(self.question, solved.invariant, min(self.until, time.monotonic() + CERTIFYING))
        if rank.rank is None:
            self.reasons.append(f"an invariant was found; that time can always pass was not shown: {rank.why}")
            return None
        invariant = stated(self.plain, self.layout.meant(solved.invariant))
        outside = beyond([self._plain(c) for c in self.cubes])
        asked = replace(self.system, assumptions=(*self.system.assumptions, *outside))
        evidence = Inductive(NAME, invariant, rank.rank, f"Spacer, {solved.setting}", digest(asked))
        return Claim(Holds(evidence))

    def _why(self) -> str:
        reasons = "; ".join(dict.fromkeys(self.reasons)) or "out of time"
        if self.reachable:
            return f"there are more bad values, for runs of more than {self.unrolling.depth} moves: {reasons}"
        return f"no proof for the rest, of which runs of up to {self.unrolling.depth} moves were looked at: {reasons}"

    # ---- samples

    def _samples(self, covered: Sequence[Cube]) -> Iterator[News]:
        self.layout.assumed = []
        for number, cube in enumerate(covered):
            for i, facet in enumerate(cube):
                point = on_facet(cube, facet, self.ground)
                if point is not None:
                    beside = beyond_facet(cube, facet, covered, self.ground)
                    yield self._sample(number, i, point, beside)
            for point in spread(cube, self.ground, FURTHER):
                yield self._sample(number, None, point, None)

    def _sample(self, region: int, facet: int | None, point: Point, beside: Point | None) -> Sample:
        run = None
        for depth in self.depths:
            run = run or self.unrolling.run_for(point, depth, self.until)
        near = None if beside is None else beside.values
        failed = run is not None and run.failing is not None
        return Sample(region, facet, point.values, run.trace if run is not None else None, failed, near)
