"""Invariants in the words of certificates, and ranks: why time can always pass."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import z3

from verify.engines.symbolic.layout import Layout, State
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.terms import Term, both, equals, lifted, number
from verify.engines.symbolic.transitions import Move
from verify.system.domain import Boolean, Enumeration
from verify.system.system import StepKind

HEAVIEST = 64
SMALL = 8  # values of a variable that a rank tells apart


def stated(question: Question, invariant: Any) -> str:  # noqa: ANN401 - a Z3 term
    """The invariant over all the numbers of a state, with what the layout takes for granted: SMT-LIB text."""
    layout = question.layout
    parts = [invariant, *map(lifted, layout.shape()), *_spelt_out(layout)]
    return " ".join(_in_words(layout, z3.And(*parts)).sexpr().split())


def _in_words(layout: Layout, term: Any) -> Any:  # noqa: ANN401 - Z3 terms
    """Truth values of variables as the numbers that certificates know."""
    both_ = zip(layout.constants, layout.components, strict=True)
    pairs = [(c, z3.Int(d.name) == 1) for c, d in both_ if _renamed(d.group, d.boolean)]
    return z3.substitute(term, pairs) if pairs else term


def _renamed(group: str, boolean: bool) -> bool:
    return boolean and group == "variable"


def _spelt_out(layout: Layout) -> list[Any]:
    """What is not stored, because it never changes."""
    system = layout.system
    renamed = [z3.Int(c.name) for c in layout.components if _renamed(c.group, c.boolean)]
    found = [z3.And(word >= 0, word <= 1) for word in renamed]
    for variable, expression in layout.fixed.variables.items():
        found.append(z3.Int(f"v{variable}") == lifted(number(layout.rigid(expression))))
    width = max((len(m.fields) for m in system.messages), default=0)
    for lane, declared in enumerate(system.lanes):
        for place in range(declared.capacity):
            slot = layout.state().lanes[lane][place]
            here = z3.Bool(f"l{lane}_{place}_here")
            if slot.here is False:
                found.append(z3.Not(here))
            values = {"age": slot.age, "kind": slot.kind}
            values |= {f"f{f}": slot.fields[f] if f < len(slot.fields) else 0 for f in range(width)}
            for short, term in values.items():
                word = z3.Int(f"l{lane}_{place}_{short}")
                if isinstance(term, int) or not term.eq(word):
                    found.append(word == z3.If(here, lifted(term), z3.IntVal(0)))
    return found


@dataclass(frozen=True, slots=True)
class Ranked:
    """``rank``: SMT-LIB text; None, and ``why``, if none was found."""

    rank: str | None
    why: str = ""


def ranked(question: Question, invariant: Any, until: float) -> Ranked:  # noqa: ANN401 - a Z3 term
    """A weighted count of expired timers, due messages, messages and control states that every urgent step makes less.

    The weights come from counterexamples: what is not yet made less by a step is one more inequality for them.
    """
    layout = question.layout
    here = _features(layout, layout.state())
    moves = [m for m in question.moves if _to_be_ranked(question, m)]
    if not moves:
        return Ranked("0")
    weights = z3.Solver()
    unknown = [z3.Int(f"w{i}") for i in range(len(here))]
    weights.add(*[z3.And(w >= 0, w <= HEAVIEST) for w in unknown])
    trial = [0] * len(here)
    known = [invariant, *map(lifted, layout.shape()), *layout.premises()]
    pending = list(moves)
    while pending:
        if time.monotonic() > until:
            return Ranked(None, "out of time")
        difference = _counterexample(layout, known, pending[0], here, trial, until)
        if difference is None:
            pending.pop(0)
            continue
        if isinstance(difference, str):
            return Ranked(None, difference)
        weights.add(z3.Sum([w * d for w, d in zip(unknown, difference, strict=True)]) <= -1)
        if weights.check() != z3.sat:
            name = question.layout.system.steps[pending[0].step].name
            return Ranked(None, f"no rank of the kind that is tried goes down with every urgent step ('{name}')")
        model = weights.model()
        trial = [model.eval(w, model_completion=True).as_long() for w in unknown]
        pending = list(moves)
    total = [number(f) if w == 1 else w * number(f) for w, f in zip(trial, here, strict=True) if w]
    rank = lifted(sum(total[1:], start=total[0]) if total else 0)
    return Ranked(" ".join(_in_words(layout, rank).sexpr().split()))


def _to_be_ranked(question: Question, move: Move) -> bool:
    if move.step < 0:
        return False
    return move.urgent is not False or question.layout.system.steps[move.step].kind is StepKind.REACTION


def _counterexample(  # noqa: PLR0913 - what a trial needs
    layout: Layout, known: list[Any], move: Move, here: list[Term], trial: list[int], until: float
) -> list[int] | str | None:
    """How the features change where the trial does not go down; None if it always does, a reason if nobody knows."""
    there = _features(layout, move.state)
    changes = [lifted(number(b)) - lifted(number(a)) for a, b in zip(here, there, strict=True)]
    reacts = layout.system.steps[move.step].kind is StepKind.REACTION
    solver = z3.Solver()
    solver.set("timeout", max(1, int(1000 * (until - time.monotonic()))))
    solver.add(*known, lifted(move.arrives), lifted(True if reacts else move.urgent))
    solver.add(z3.Sum([w * c for w, c in zip(trial, changes, strict=True)]) >= 0)
    answer = solver.check()
    if answer == z3.unsat:
        return None
    if answer != z3.sat:
        return str(solver.reason_unknown())
    model = solver.model()
    return [model.eval(c, model_completion=True).as_long() for c in changes]


def _features(layout: Layout, state: State) -> list[Term]:
    system = layout.system
    found: list[Term] = [equals(t, 0) for t in state.timers]
    for lane, declared in zip(state.lanes, system.lanes, strict=True):
        found += [sum((number(both(s.here, s.age >= declared.maximum)) for s in lane), start=0)]
        found += [sum((number(s.here) for s in lane), start=0)]
    for i, variable in enumerate(system.variables):
        domain = variable.domain
        if i in layout.fixed.variables or not isinstance(domain, Boolean | Enumeration) or domain.high >= SMALL:
            continue
        found += [equals(number(state.variables[i]), v) for v in range(domain.high + 1)]
    return found
