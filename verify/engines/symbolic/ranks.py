"""Ranks: a number for each state that every urgent step makes less, so that time can always pass.

What can enable what makes levels of steps: M. A. Colón and H. B. Sipma, "Practical methods for proving program termination", CAV
2002, doi:10.1007/3-540-45657-0_36. The rank of a level counts control states, expired timers and messages with weights, alone and
in pairs; the weights come from counterexamples: what is not yet made less by a step is one more inequality for them. No step of a
later level changes what an earlier one counts, so that the ranks together, the earlier ones much heavier, are one.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.effects import value
from verify.engines.symbolic.invariants import in_words
from verify.engines.symbolic.layout import State
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.terms import Term, both, equals, lifted, number, subterms, truth
from verify.engines.symbolic.transitions import Move
from verify.system.domain import Boolean, Enumeration
from verify.system.expression import Apply, Constant, Expression, Local, Operator, Rigid, conjuncts, negation
from verify.system.system import StepKind

SMALL = 10  # values of a variable that a rank tells apart
HEAVIEST = 1000
MOST_PAIRS = 3000


@record
class Ranked:
    """``rank``: SMT-LIB text; None, and ``why``, if none was found."""

    rank: str | None
    why: str = ""


@record
class _Literal:
    """A number from 0 to ``most`` in each state, a truth value if that is 1: of which components it is made, in which unit."""

    here: Any
    there: tuple[Any, ...]  # after each move
    about: frozenset[int]
    unit: int | None
    most: int


_Count = tuple[_Literal, ...]  # one literal; or two that are both true


class _Failed(Exception):  # noqa: N818 - an answer
    """There is no rank, or none was found: why."""


def ranked(question: Question, invariant: Any, until: float) -> Ranked:  # noqa: ANN401 - a Z3 term
    """A rank that every urgent step and reaction makes less where the invariant holds."""
    try:
        return Ranked(_Ranks(question, invariant, until).text())
    except _Failed as failed:
        return Ranked(None, str(failed))


class _Ranks:
    def __init__(self, question: Question, invariant: Any, until: float) -> None:  # noqa: ANN401 - a Z3 term
        self.layout = question.layout
        self.until = until
        self.moves = [m for m in question.moves if _to_be_ranked(question, m)]
        self.known = [invariant, *map(lifted, self.layout.shape()), *self.layout.premises()]
        self.asserted = [lifted(self.taken(m)) for m in self.moves]
        self.index = {c.get_id(): i for i, c in enumerate(self.layout.constants)}

    def taken(self, move: Move) -> Term:
        """The move is made, and has to be ranked."""
        reacts = self.layout.system.steps[move.step].kind is StepKind.REACTION
        return move.arrives if reacts else both(move.arrives, move.urgent)

    def text(self) -> str:
        """The rank, in the words of certificates."""
        writes = [self.changed(n) for n in range(len(self.moves))]
        levels = self.levels(writes)
        literals = self.literals()
        total: list[Any] = []
        weight = 1
        later: set[int] = set()
        for level in reversed(levels):  # the last one is what weighs least
            changed = set().union(*(writes[n] for n in level))
            about = changed | set().union(*(self.read(n) for n in level))
            usable = [x for x in literals if (x.about & about or not x.about) and not x.about & later]
            later |= changed
            weights = self.weights(level, changed, usable)
            total += [weight * w * _here(c) for c, w in weights]
            weight *= 1 + sum(w * c[0].most for c, w in weights)
        rank = z3.Sum(total) if total else z3.IntVal(0)
        return " ".join(in_words(self.layout, z3.simplify(rank)).sexpr().split())

    # ---- what can enable what

    def solver(self, number_: int) -> Any:  # noqa: ANN401 - a solver
        """A solver that knows of a move that it is made."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise _Failed("out of time")
        solver = z3.Solver()
        solver.set("timeout", max(1, int(1000 * left)))
        solver.add(*self.known, self.asserted[number_])
        return solver

    def changed(self, number_: int) -> set[int]:
        """The components that a move can change."""
        solver = self.solver(number_)
        flat = self.layout.flat(self.moves[number_].state)
        pairs = [(i, c, t) for i, (c, t) in enumerate(zip(self.layout.constants, flat, strict=True)) if not c.eq(t)]
        return {i for i, c, t in pairs if self.layout.components[i].group != "busy" and solver.check(c != t) != z3.unsat}

    def read(self, number_: int) -> set[int]:
        """The components that decide whether a move is made."""
        found = {self.index[t.get_id()] for t in subterms(self.asserted[number_]) if t.get_id() in self.index}
        return {i for i in found if self.layout.components[i].group != "busy"}

    def levels(self, writes: Sequence[set[int]]) -> list[list[int]]:
        """The moves in groups, so that none enables one of an earlier group."""
        reads = [self.read(n) for n in range(len(self.moves))]
        follows = [[m for m in range(len(self.moves)) if writes[n] & reads[m]] for n in range(len(self.moves))]
        reach = [_reachable(follows, n) for n in range(len(self.moves))]
        group = [min([n, *(m for m in reach[n] if n in reach[m])]) for n in range(len(self.moves))]
        graph: dict[int, set[int]] = {g: set() for g in group}
        for n, after in enumerate(follows):
            for m in after:
                if group[n] != group[m]:
                    graph[group[m]].add(group[n])
        return [[n for n, g in enumerate(group) if g == one] for one in TopologicalSorter(graph).static_order()]

    # ---- what is counted

    def literals(self) -> list[_Literal]:
        """Expired timers; control states, and whether a number is the least it can be; messages, and those that are due."""
        layout, system = self.layout, self.layout.system
        states = [layout.state(), *(m.state for m in self.moves)]
        at = {(c.group, *c.at): i for i, c in enumerate(layout.components)}
        found = []

        def count(terms: list[Term], about: set[int], instance: int | None, most: int = 1) -> None:
            unit = None if instance is None else system.instances[instance].unit
            here, *there = map(lifted, map(truth, terms) if most == 1 else map(number, terms))
            found.append(_Literal(here, tuple(there), frozenset(about), unit, most))

        for t, timer in enumerate(system.timers):
            count([equals(s.timers[t], 0) for s in states], {at["timer", t]}, timer.instance)
        for v, variable in enumerate(system.variables):
            domain = variable.domain
            if ("variable", v) not in at:
                continue
            control = isinstance(domain, Boolean | Enumeration) and domain.high < SMALL
            for one in range(domain.high + 1) if control else (domain.low,):
                count([equals(number(s.variables[v]), one) for s in states], {at["variable", v]}, variable.instance)
            if not control:
                count([number(s.variables[v]) > domain.low for s in states], {at["variable", v]}, variable.instance)
        for part, instance in self.parts().items():
            terms = [truth(value(part, layout, s)) for s in states]
            about = {self.index[t.get_id()] for t in subterms(lifted(terms[0])) if t.get_id() in self.index}
            count(terms, about, instance)
        for n, lane in enumerate(system.lanes):
            places = {i for i, c in enumerate(layout.components) if c.group in ("here", "age") and c.at[0] == n}
            if not places:
                continue
            taken = {i for i in places if layout.components[i].group == "here"}
            count([_messages(s, n, -1) for s in states], taken, None, lane.capacity)
            if lane.maximum > 0:
                count([_messages(s, n, lane.maximum) for s in states], places, None, lane.capacity)
        return found

    def parts(self) -> dict[Expression, int | None]:
        """Conditions in guards that ask for more than one thing, or for parameters, with the instance that asks."""
        found: dict[Expression, int | None] = {}
        for move in self.moves:
            step = self.layout.system.steps[move.step]
            for part in conjuncts(step.guard):
                plain = negation(part) if isinstance(part, Apply) and part.operator is Operator.NOT else part
                leaves = set(_leaves(plain))
                rigid = all(isinstance(x, Rigid) for x in leaves)
                if leaves and (len(leaves) > 1 or rigid) and not any(isinstance(x, Local) for x in leaves):
                    found.setdefault(plain, step.instance)
        return found

    # ---- weights

    def weights(self, level: Sequence[int], changed: set[int], literals: Sequence[_Literal]) -> list[tuple[_Count, int]]:
        """Weights with which every move of the level makes the sum less."""
        single: list[_Count] = [(x,) for x in literals if x.about & changed]
        pairs = [
            (a, b)
            for a, b in itertools.combinations([x for x in literals if x.most == 1], 2)
            if a.unit == b.unit and a.about != b.about and (a.about | b.about) & changed
        ]
        if len(pairs) > MOST_PAIRS:
            pairs = []
        for tried in (single, [*single, *pairs]):
            trial = _Trial(self, level, literals, tried).run()
            if trial is not None:
                return [(c, w) for c, w in zip(tried, trial, strict=True) if w]
        name = self.layout.system.steps[self.moves[level[0]].step].name
        raise _Failed(f"no rank of the kind that is tried goes down with every urgent step ('{name}' and what it enables)")


def _here(count: _Count) -> Any:  # noqa: ANN401 - a Z3 term
    return lifted(number(both(*(x.here for x in count)))) if len(count) > 1 else lifted(number(count[0].here))


def _there(count: _Count, n: int) -> Any:  # noqa: ANN401 - a Z3 term
    return lifted(number(both(*(x.there[n] for x in count)))) if len(count) > 1 else lifted(number(count[0].there[n]))


def _to_be_ranked(question: Question, move: Move) -> bool:
    if move.step < 0:
        return False
    return move.urgent is not False or question.layout.system.steps[move.step].kind is StepKind.REACTION


def _leaves(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Apply):
        for argument in expression.arguments:
            yield from _leaves(argument)
    elif not isinstance(expression, Constant):
        yield expression


def _messages(state: State, lane: int, age: int) -> Term:
    held = (both(s.here, s.age >= age) if age > 0 else s.here for s in state.lanes[lane])
    return sum((number(h) for h in held), start=0)


def _reachable(follows: Sequence[Sequence[int]], start: int) -> set[int]:
    seen: set[int] = set()
    waiting = list(follows[start])
    while waiting:
        n = waiting.pop()
        if n not in seen:
            seen.add(n)
            waiting += follows[n]
    return seen


class _Trial:
    """Weights, and what speaks against them, in turns."""

    def __init__(self, ranks: _Ranks, level: Sequence[int], literals: Sequence[_Literal], counts: Sequence[_Count]) -> None:
        self.ranks = ranks
        self.level = level
        self.literals = literals
        known = {id(x): i for i, x in enumerate(literals)}
        self.counts = counts
        self.parts = [tuple(known[id(x)] for x in c) for c in counts]
        self.unknown = [z3.Real(f"w{i}") for i in range(len(counts))]
        self.wanted = z3.Solver()
        self.wanted.add(*[z3.And(w >= 0, w <= HEAVIEST) for w in self.unknown])

    def run(self) -> list[int] | None:
        """Weights that every move of the level makes less; None if there are none."""
        moves = [(n, self.ranks.solver(n)) for n in self.level]
        pending = list(moves)
        trial = [0] * len(self.counts)
        while pending:
            n, solver = pending[0]
            change = self.change(n, solver, trial)
            if change is None:
                pending.pop(0)
                continue
            self.wanted.add(z3.Sum([w * d for w, d in zip(self.unknown, change, strict=True) if d]) <= -1)
            self.wanted.set("timeout", max(1, int(1000 * (self.ranks.until - time.monotonic()))))
            answer = self.wanted.check()
            if answer == z3.unknown:
                raise _Failed("out of time")
            if answer != z3.sat:
                return None
            model = self.wanted.model()
            trial = _whole([model.eval(w, model_completion=True).as_fraction() for w in self.unknown])
            pending = [pending[0], *(m for m in moves if m[0] != n)]
        return trial

    def change(self, n: int, solver: Any, trial: Sequence[int]) -> list[int] | None:  # noqa: ANN401 - a solver
        """How the counts change where a move does not make the trial less; None if it always does."""
        left = self.ranks.until - time.monotonic()
        if left <= 0:
            raise _Failed("out of time")
        solver.set("timeout", max(1, int(1000 * left)))
        weighed = [(c, w) for c, w in zip(self.counts, trial, strict=True) if w]
        solver.push()
        if weighed:
            solver.add(z3.Sum([w * (_there(c, n) - _here(c)) for c, w in weighed]) >= 0)
        answer = solver.check()
        model = solver.model() if answer == z3.sat else None
        solver.pop()
        if answer == z3.unsat:
            return None
        if model is None:
            raise _Failed(str(solver.reason_unknown()))
        before = [_evaluated(model, x.here) for x in self.literals]
        after = [_evaluated(model, x.there[n]) for x in self.literals]
        return [math.prod(after[i] for i in p) - math.prod(before[i] for i in p) for p in self.parts]


def _evaluated(model: z3.ModelRef, term: Any) -> int:  # noqa: ANN401 - a Z3 term
    found = model.eval(term, model_completion=True)
    return int(z3.is_true(found)) if z3.is_bool(found) else int(found.as_long())


def _whole(weights: Sequence[Any]) -> list[int]:
    """The same proportions in whole numbers."""
    common = math.lcm(*(w.denominator for w in weights)) if weights else 1
    found = [int(w * common) for w in weights]
    least = math.gcd(*found) or 1
    return [w // least for w in found]


