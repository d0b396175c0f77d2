"""What makes a run possible: of a model of an unrolling, a cube of linear inequalities over parameters, delays and choices.

The run is told again symbolically, from its first state: each state is a term over those alone. Of each condition on the way,
and of each branch of a term, the cube keeps what made it so in the model: an implicant. Every point of the cube is a run with the
same moves in the same order, to the same end.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import z3

from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.halfspaces import Linear
from verify.engines.symbolic.relation import Relation
from verify.engines.symbolic.terms import lifted, subterms


def told(relation: Relation, moves: Sequence[int], *, failing: int | None = None) -> list[Any]:
    """Conditions over parameters and numbered inputs: that these moves can follow one another, and end where they should.

    ``failing``: the move that ends in an error at last; None: the last state answers the question.
    """
    question, layout = relation.question, relation.layout
    first = question.initial

    def numbered(terms: Sequence[Any], inputs: Sequence[Any], k: int) -> list[Any]:
        pairs = [(i, z3.Int(f"{i}@{k}")) for i in inputs]
        return [z3.substitute(lifted(t), pairs) if pairs else lifted(t) for t in terms]

    conditions = numbered([first.arrives], first.inputs, 0)
    state = numbered(layout.flat(first.state), first.inputs, 0)

    def here(term: Any) -> Any:  # noqa: ANN401 - Z3 terms
        return z3.substitute(lifted(term), list(zip(layout.constants, state, strict=True)))

    for k, n in enumerate(moves):
        move = question.moves[n]
        arrives, *after = numbered([move.arrives, *layout.flat(move.state)], move.inputs, k)
        conditions.append(here(arrives))
        state = [here(t) for t in after]
    if failing is None:
        conditions.append(here(question.goal))
    else:
        move = question.moves[failing]
        conditions += [here(t) for t in numbered([move.fails], move.inputs, len(moves))]
    return conditions


class Implicant:
    """Collects ``cube``: inequalities that hold at ``values`` and imply what was asked of it."""

    def __init__(self, values: Mapping[str, int]) -> None:
        """``values``: of every name; a name that is missing is 0."""
        self.values = values
        self.cube: dict[Linear, None] = {}
        self._value: dict[int, int] = {}
        self._form: dict[int, Linear] = {}
        self._done: set[tuple[int, bool]] = set()
        self._kept: list[Any] = []  # a term that is forgotten gives its number to another

    # ---- values

    def value(self, root: Any) -> int:  # noqa: ANN401 - a Z3 term
        """What a term is at the values; truth values are 0 and 1."""
        self._kept.append(root)
        waiting = [root]
        while waiting:
            term = waiting[-1]
            missing = [a for a in term.children() if a.get_id() not in self._value]
            if missing and term.get_id() not in self._value:
                waiting.extend(missing)
                continue
            waiting.pop()
            if term.get_id() not in self._value:
                self._value[term.get_id()] = self._computed(term, [self._value[a.get_id()] for a in term.children()])
        return self._value[root.get_id()]

    def _computed(self, term: Any, a: list[int]) -> int:  # noqa: ANN401, C901 - one case for each operator
        kind = term.decl().kind()
        match kind:
            case z3.Z3_OP_ANUM:
                return int(term.as_long())
            case z3.Z3_OP_TRUE:
                return 1
            case z3.Z3_OP_FALSE:
                return 0
            case z3.Z3_OP_UNINTERPRETED:
                return int(self.values.get(term.decl().name(), 0))
            case z3.Z3_OP_ADD:
                return sum(a)
            case z3.Z3_OP_SUB:
                return a[0] - sum(a[1:])
            case z3.Z3_OP_UMINUS:
                return -a[0]
            case z3.Z3_OP_MUL:
                product = 1
                for x in a:
                    product *= x
                return product
            case z3.Z3_OP_IDIV:
                return a[0] // a[1] if a[1] > 0 else -(a[0] // -a[1])
            case z3.Z3_OP_MOD:
                return a[0] % abs(a[1])
            case z3.Z3_OP_ITE:
                return a[1] if a[0] else a[2]
            case z3.Z3_OP_AND:
                return int(all(a))
            case z3.Z3_OP_OR:
                return int(any(a))
            case z3.Z3_OP_NOT:
                return 1 - a[0]
            case z3.Z3_OP_IMPLIES:
                return int(not a[0] or bool(a[1]))
            case z3.Z3_OP_EQ:
                return int(a[0] == a[1])
            case z3.Z3_OP_DISTINCT:
                return int(len(set(a)) == len(a))
            case z3.Z3_OP_LE:
                return int(a[0] <= a[1])
            case z3.Z3_OP_LT:
                return int(a[0] < a[1])
            case z3.Z3_OP_GE:
                return int(a[0] >= a[1])
            case z3.Z3_OP_GT:
                return int(a[0] > a[1])
            case _:
                message = f"the operator {term.decl().name()} in a run"
                raise Unsupported(message)

    # ---- linear forms

    def form(self, root: Any) -> Linear:  # noqa: ANN401 - a Z3 term
        """The term, as it is where the branches are those that were taken."""
        waiting = [root]
        self.value(root)
        while waiting:
            term = waiting[-1]
            if term.get_id() in self._form:
                waiting.pop()
                continue
            needed = self._needed(term)
            missing = [t for t in needed if t.get_id() not in self._form]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            self._form[term.get_id()] = self._joined(term, [self._form[t.get_id()] for t in needed])
        return self._form[root.get_id()]

    def _needed(self, term: Any) -> list[Any]:  # noqa: ANN401 - a Z3 term
        if term.decl().kind() != z3.Z3_OP_ITE:
            return list(term.children())
        taken = bool(self.value(term.arg(0)))
        self.require(term.arg(0), holds=taken)
        return [term.arg(1) if taken else term.arg(2)]

    def _joined(self, term: Any, parts: list[Linear]) -> Linear:  # noqa: ANN401 - a Z3 term
        kind = term.decl().kind()
        match kind:
            case z3.Z3_OP_ANUM:
                return Linear((), int(term.as_long()))
            case z3.Z3_OP_UNINTERPRETED:
                return Linear(((term.decl().name(), 1),))
            case z3.Z3_OP_ADD | z3.Z3_OP_SUB:
                found = parts[0]
                for part in parts[1:]:
                    found = found.plus(part, 1 if kind == z3.Z3_OP_ADD else -1)
                return found
            case z3.Z3_OP_UMINUS:
                return parts[0].times(-1)
            case z3.Z3_OP_MUL:
                return self._product(parts)
            case z3.Z3_OP_ITE:
                return parts[0]
            case _:  # a quotient, or a remainder: as it is here, and no further
                for part in parts:
                    self._fixed(part)
                return Linear((), self.value(term))

    def _product(self, parts: list[Linear]) -> Linear:
        """Of several open factors all but the first keep their values."""
        found = Linear((), 1)
        for part in parts:
            if found.terms and part.terms:
                self._fixed(part)
                found = found.times(part.at(self._known(part)))
            else:
                found = part.times(found.constant) if not found.terms else found.times(part.constant)
        return found

    def _fixed(self, form: Linear) -> None:
        if form.terms:
            here = Linear((), form.at(self._known(form)))
            self.cube[form.plus(here, -1)] = None
            self.cube[here.plus(form, -1)] = None

    # ---- conditions

    def require(self, condition: Any, *, holds: bool = True) -> None:  # noqa: ANN401 - a Z3 term
        """Keep what makes the condition hold, or not."""
        self.value(condition)
        waiting = [(condition, holds)]
        while waiting:
            term, wanted = waiting.pop()
            if (term.get_id(), wanted) in self._done:
                continue
            self._done.add((term.get_id(), wanted))
            waiting += self._reasons(term, wanted=wanted)

    def _reasons(self, term: Any, *, wanted: bool) -> Iterator[tuple[Any, bool]]:  # noqa: ANN401 - one case each
        kind = term.decl().kind()
        arguments = term.children()
        match kind:
            case z3.Z3_OP_TRUE | z3.Z3_OP_FALSE:
                pass
            case z3.Z3_OP_NOT:
                yield arguments[0], not wanted
            case z3.Z3_OP_AND | z3.Z3_OP_OR:
                if wanted is (kind == z3.Z3_OP_AND):
                    yield from ((a, wanted) for a in arguments)
                else:
                    yield self._chosen([a for a in arguments if bool(self.value(a)) is wanted]), wanted
            case z3.Z3_OP_IMPLIES:
                if not wanted:
                    yield arguments[0], True
                    yield arguments[1], False
                elif self.value(arguments[1]):
                    yield arguments[1], True
                else:
                    yield arguments[0], False
            case z3.Z3_OP_ITE:
                taken = bool(self.value(arguments[0]))
                yield arguments[0], taken
                yield arguments[1 if taken else 2], wanted
            case z3.Z3_OP_EQ | z3.Z3_OP_DISTINCT if z3.is_bool(arguments[0]):
                yield from ((a, bool(self.value(a))) for a in arguments)
            case z3.Z3_OP_EQ | z3.Z3_OP_DISTINCT:
                self._compared(arguments, same=wanted is (kind == z3.Z3_OP_EQ))
            case z3.Z3_OP_LE | z3.Z3_OP_LT | z3.Z3_OP_GE | z3.Z3_OP_GT:
                self._ordered(kind, arguments, wanted=wanted)
            case _:
                message = f"the condition {term.decl().name()} in a run"
                raise Unsupported(message)

    def _chosen(self, alike: list[Any]) -> Any:  # noqa: ANN401 - Z3 terms
        """Of several reasons one that is kept already, or the shortest."""
        for term in alike:
            if (term.get_id(), bool(self.value(term))) in self._done:
                return term
        return min(alike, key=_size)

    def _compared(self, arguments: list[Any], *, same: bool) -> None:
        if len(arguments) != 2:
            message = "a comparison of more than two numbers in a run"
            raise Unsupported(message)
        difference = self.form(arguments[0]).plus(self.form(arguments[1]), -1)
        if same:
            self.cube[difference] = None
            self.cube[difference.times(-1)] = None
        else:
            below = difference.at(self._known(difference)) < 0
            self.cube[(difference if below else difference.times(-1)).plus(Linear((), 1))] = None

    def _ordered(self, kind: int, arguments: list[Any], *, wanted: bool) -> None:
        left, right = (self.form(a) for a in arguments)
        if kind in (z3.Z3_OP_GE, z3.Z3_OP_GT):
            left, right = right, left
        strict = kind in (z3.Z3_OP_LT, z3.Z3_OP_GT)
        if not wanted:
            left, right, strict = right, left, not strict
        self.cube[left.plus(right, -1).plus(Linear((), int(strict)))] = None

    def _known(self, form: Linear) -> dict[str, int]:
        return {n: self.values.get(n, 0) for n, _ in form.terms}


def _size(term: Any) -> int:  # noqa: ANN401 - a Z3 term
    """How many different nodes a term has, up to a hundred."""
    return sum(1 for _ in itertools.islice(subterms(term), 100))
