"""A question's transition relation over named copies of the state, for solvers that unroll it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.terms import Term, lifted
from verify.engines.symbolic.transitions import Move
from verify.semantics.interpreter import TICK, Choice
from verify.trace.trace import Trace


@record
class _Part:
    """A move; ``changed``: which components, by number; ``effect``: on the state, and on the next one."""

    move: Move
    fails: Any
    changed: set[int]
    effect: Any


class Relation:
    """``step(k)``: what relates the states k and k + 1. Inputs and the move taken are numbered like the state they leave."""

    def __init__(self, question: Question) -> None:
        """Take the moves apart into what they change."""
        self.question = question
        self.layout = question.layout
        self.states: dict[int, list[Any]] = {}
        self.next = [self.layout.constant(c, "@next") for c in self.layout.components]
        self.parts = [self._part(m) for m in question.moves]

    def _part(self, move: Move) -> _Part:
        flat = self.layout.flat(move.state)
        constants = self.layout.constants
        changed = {i: t for i, (c, t) in enumerate(zip(constants, flat, strict=True)) if not t.eq(c)}
        effect = z3.And(lifted(move.arrives), *[self.next[i] == t for i, t in changed.items()])
        return _Part(move, lifted(move.fails), set(changed), effect)

    # ---- names

    def at(self, k: int) -> list[Any]:
        """The constants of state number k."""
        if k not in self.states:
            self.states[k] = [self.layout.constant(c, f"@{k}") for c in self.layout.components]
        return self.states[k]

    def here(self, term: Term, k: int, inputs: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - a Z3 term
        """A term over the layout's constants, in state number k."""
        pairs = self.pairs(k, inputs)
        return z3.substitute(lifted(term), pairs) if pairs else lifted(term)

    def pairs(self, k: int, inputs: Sequence[Any] = ()) -> list[tuple[Any, Any]]:
        """What stands for the layout's constants in state number k."""
        return [*zip(self.layout.constants, self.at(k), strict=True), *((i, z3.Int(f"{i}@{k}")) for i in inputs)]

    def selector(self, k: int, number: int) -> Any:  # noqa: ANN401 - a Z3 constant
        """Whether move ``number`` leaves state k."""
        return z3.Bool(f"move{number}@{k}")

    # ---- constraints

    def begin(self) -> list[Any]:
        """State 0 is a first one."""
        return [self.here(t, 0, self.question.initial.inputs) for t in self.question.begin()]

    def step(self, k: int) -> list[Any]:
        """Exactly one move leads from state k to state k + 1."""
        chosen = [self.selector(k, n) for n in range(len(self.parts))]
        found = [z3.PbEq([(c, 1) for c in chosen], 1)]
        after = self.at(k + 1)
        before = self.at(k)
        for part, selected in zip(self.parts, chosen, strict=True):
            pairs = [*self.pairs(k, part.move.inputs), *((self.next[i], after[i]) for i in part.changed)]
            found.append(z3.Implies(selected, z3.substitute(part.effect, pairs) if pairs else part.effect))
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            unchanged = [c for p, c in zip(self.parts, chosen, strict=True) if i not in p.changed]
            if unchanged:
                found.append(z3.Implies(z3.Or(*unchanged), new == old))
        return found

    def goal(self, k: int) -> Any:  # noqa: ANN401 - a Z3 term
        """State k answers the question."""
        return self.here(self.question.goal, k)

    def failing(self, k: int) -> Any:  # noqa: ANN401 - a Z3 term
        """Some move from state k ends in an error, which ``failed<n>@<k>`` tells."""
        found = []
        for n, part in enumerate(self.parts):
            if not z3.is_false(part.fails):
                found.append(z3.And(z3.Bool(f"failed{n}@{k}"), self.here(part.fails, k, part.move.inputs)))
        return z3.Or(*found) if found else z3.BoolVal(val=False)

    # ---- back to choices

    def parameters(self, model: z3.ModelRef) -> tuple[int, ...]:
        """The values of the open parameters."""
        return tuple(_number(model, p) for p in self.layout.parameters)

    def trace(self, model: z3.ModelRef, length: int, *, failing: bool = False) -> Trace:
        """The choices of a model with so many moves; ``failing``: and one more, that ends in an error."""
        choices = self._choice(model, self.question.initial, 0)
        for k in range(length):
            n = next(n for n in range(len(self.parts)) if _holds(model, self.selector(k, n)))
            choices += self._choice(model, self.parts[n].move, k)
        if failing:
            parts = [
                p.move
                for n, p in enumerate(self.parts)
                if _holds(model, z3.Bool(f"failed{n}@{length}")) and _holds(model, self.here(p.fails, length, p.move.inputs))
            ]
            choices += self._choice(model, parts[0], length)
        return Trace(tuple(choices))

    def _choice(self, model: z3.ModelRef, move: Move, k: int) -> list[Choice]:
        inputs = move.inputs
        picks = tuple(
            _number(model, self.here(pick, k, inputs)) for met, pick in move.picks if _holds(model, self.here(met, k, inputs))
        )
        choice = Choice(move.step, move.position, picks)
        if move.step != TICK:
            return [choice]
        return [choice] * _number(model, self.here(self.question.transitions.delay, k, inputs))


def _number(model: z3.ModelRef, term: Any) -> int:  # noqa: ANN401 - a Z3 term
    return int(model.eval(term, model_completion=True).as_long())


def _holds(model: z3.ModelRef, term: Any) -> bool:  # noqa: ANN401 - a Z3 term
    return bool(z3.is_true(model.eval(term, model_completion=True)))
