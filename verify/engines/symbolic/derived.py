"""Rigid numbers that linear arithmetic does not know: each quotient and product of parameters becomes a parameter of its own.

What is known of it besides is stated as axioms: all of it where it is a linear number divided by a constant, else its bounds and
how it compares with the others, each shown before it is used. What holds for all values that satisfy the axioms holds for the
numbers that are meant; a run that is found for others shows nothing.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.layout import Layout, State
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.terms import Term, lifted, subterms
from verify.engines.symbolic.transitions import Move
from verify.passes.valuations import closed_expression
from verify.system.build import bounds
from verify.system.expression import Apply, Constant, Expression, Operator, Rigid

AXIOM = 400  # milliseconds for each question about an axiom


@record
class Derived:
    """``word`` stands for ``term``, a term over the parameters, which is ``expression``. ``name``: that of a variable, or ""."""

    word: Any
    term: Any
    expression: Expression
    name: str
    ticks: bool


class Extended(Layout):
    """A layout with derived parameters, and with more premises. ``fewer``: axioms that say only how large they can be."""

    def __init__(self, base: Layout, derived: Sequence[Derived], pairs: list[Any]) -> None:
        """``pairs``: what is replaced by what. The terms of the base are not changed."""
        self.__dict__.update(base.__dict__)
        self.base = base
        self.derived = tuple(derived)
        self.parameters = [*base.parameters, *[d.word for d in derived]]
        self.pairs = pairs
        self.axioms: list[Any] = []
        self.fewer: list[Any] = []
        self.assumed: list[Any] = []
        self.met: list[z3.ModelRef] = []

    def premises(self) -> list[Any]:
        """Those of the base, the axioms, and what is assumed besides."""
        return [*[replaced(p, self.pairs) for p in self.base.premises()], *self.axioms, *self.assumed]

    @property
    def complete(self) -> bool:
        """Whether the axioms say all that the derived parameters are."""
        return all(_quotient(d, self.pairs) for d in self.derived)

    def whole(self, values: Sequence[int]) -> tuple[int, ...]:
        """With what the derived parameters are then."""
        closed = [closed_expression(d.expression, tuple(values)) for d in self.derived]
        return (*values, *(c.value for c in closed if isinstance(c, Constant)))

    def meant(self, term: Any) -> Any:  # noqa: ANN401 - Z3 terms
        """A term over derived parameters, with what they stand for."""
        return z3.substitute(term, [(d.word, d.term) for d in self.derived])

    def exactly(self) -> list[Any]:
        """What the derived parameters are."""
        return [d.word == d.term for d in self.derived]


def replaced(term: Any, pairs: list[Any]) -> Any:  # noqa: ANN401 - Z3 terms
    """The term with each first of a pair replaced by the second."""
    return z3.substitute(lifted(term), pairs) if pairs else lifted(term)


def linear(question: Question, until: float) -> tuple[Question, Extended]:
    """The question over derived parameters; Unsupported if a divisor may have either sign."""
    layout = question.layout
    found: dict[int, Any] = {}
    for term in _terms(question):
        _collect(term, layout.parameters, found)
    derived = _described(list(found.values()), question)
    pairs = [(d.term, d.word) for d in derived]
    extended = Extended(layout, derived, pairs)
    extended.axioms = _axioms(extended, until)
    extended.fewer = [b for d in derived for b in _bounds(d, extended)]
    made = copy.copy(question)
    made.layout = extended
    made.goal = replaced(question.goal, pairs)
    made.bound = replaced(question.bound, pairs)
    made.initial = _moved(question.initial, pairs)
    made.moves = [_moved(m, pairs) for m in question.moves]
    made.tick = made.moves[-1]
    return made, extended


def _terms(question: Question) -> list[Any]:
    moves = [question.initial, *question.moves]
    found = [question.goal, question.bound, *question.layout.premises()]
    for m in moves:
        found += [*question.layout.flat(m.state), m.arrives, m.urgent, m.beyond, m.failed, m.allowed]
        found += [t for pair in m.picks for t in pair]
    return [lifted(t) for t in found]


def _collect(root: Any, parameters: Sequence[Any], found: dict[int, Any]) -> None:  # noqa: ANN401 - a Z3 term
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        term = waiting.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if _is_hard(term) and _is_rigid(term, parameters):
            if not any(term.eq(t) for t in found.values()):
                found[term.get_id()] = term
        else:
            waiting += term.children()


def _is_hard(term: Any) -> bool:  # noqa: ANN401 - a Z3 term
    if not z3.is_app(term):
        return False
    kind = term.decl().kind()
    if kind in (z3.Z3_OP_IDIV, z3.Z3_OP_MOD):
        return True
    return bool(kind == z3.Z3_OP_MUL and sum(1 for a in term.children() if not z3.is_int_value(a)) > 1)


def _is_rigid(root: Any, parameters: Sequence[Any]) -> bool:  # noqa: ANN401 - a Z3 term
    known = {p.get_id() for p in parameters}
    names = (t for t in subterms(root) if z3.is_const(t) and t.decl().kind() == z3.Z3_OP_UNINTERPRETED)
    return all(t.get_id() in known for t in names)


def _turned(term: Any, layout: Layout) -> Any:  # noqa: ANN401 - Z3 terms
    """The same number by a divisor that is positive: there Z3's quotients are ours."""
    if term.decl().kind() == z3.Z3_OP_MUL or (z3.is_int_value(term.arg(1)) and term.arg(1).as_long() > 0):
        return term
    top, by = term.children()
    for holds, same in ((by <= 0, term), (by >= 0, -(top / -by) if term.decl().kind() == z3.Z3_OP_IDIV else top % -by)):
        solver = z3.Solver()
        solver.set("timeout", AXIOM)
        solver.add(*layout.premises(), holds)
        if solver.check() == z3.unsat:
            return same
    message = f"a division by {by}, whose sign is not known"
    raise Unsupported(message)


def _described(terms: list[Any], question: Question) -> list[Derived]:
    layout = question.layout
    rigid = {v: z3.simplify(lifted(layout.rigid(e))) for v, e in layout.fixed.variables.items()}
    clocks = [t for m in [question.initial, *question.moves] for t in m.state.timers]
    found = []
    for i, term in enumerate(terms):
        plain = z3.simplify(term)
        variable = next((v for v, t in rigid.items() if t.eq(plain)), None)
        declared = layout.system.variables[variable] if variable is not None else None
        ticks = bool(getattr(declared.domain, "ticks", False)) if declared else any(_holds(lifted(c), term) for c in clocks)
        expression = expressed(_turned(term, layout), layout.parameters)
        found.append(Derived(z3.Int(f"q{i}"), term, expression, declared.name if declared else "", ticks))
    return found


def _holds(root: Any, part: Any) -> bool:  # noqa: ANN401 - Z3 terms
    return any(term.eq(part) for term in subterms(root))


# ---- axioms


def _axioms(layout: Extended, until: float) -> list[Any]:
    found = [a for d in layout.derived for a in _quotient(d, layout.pairs)]
    open_ = [d for d in layout.derived if not _quotient(d, layout.pairs)]
    for d in open_:
        found += [a for a in _bounds(d, layout) if _shown(a, layout, until)]
    words = [*layout.parameters]
    for d, other in itertools.product(open_, words):
        if not d.word.eq(other):
            found += [a for a in (d.word <= other, d.word >= other) if _shown(a, layout, until)]
    for d, other in itertools.combinations(open_, 2):
        swapped = _renaming(d.term, other.term)
        if swapped is not None:
            p, q = swapped
            orders = [(p <= q, d.word >= other.word), (p >= q, d.word <= other.word)]
            orders += [(p <= q, d.word <= other.word), (p >= q, d.word >= other.word)]
            found += [z3.Implies(*o) for o in orders if _shown(z3.Implies(*o), layout, until)]
    return found


def _quotient(d: Derived, pairs: list[Any]) -> list[Any]:
    """All that there is to know of a linear number divided by a constant."""
    kind = d.term.decl().kind()
    if kind not in (z3.Z3_OP_IDIV, z3.Z3_OP_MOD) or not z3.is_int_value(d.term.arg(1)):
        return []
    top, by = d.term.arg(0), d.term.arg(1)
    inner = [p for p in pairs if not p[0].eq(d.term)]
    top = replaced(top, inner)
    if _nonlinear(top):
        return []
    if kind == z3.Z3_OP_IDIV:
        return [by * d.word <= top, top <= by * d.word + by - 1]
    return [d.word >= 0, d.word < by, (top - d.word) % by == 0]


def _nonlinear(root: Any) -> bool:  # noqa: ANN401 - a Z3 term
    return any(map(_is_hard, subterms(root)))


def _bounds(d: Derived, layout: Extended) -> list[Any]:
    """The least and the greatest value that interval arithmetic gives."""
    domains = [p.domain for p in layout.system.parameters]

    def leaf(e: Expression) -> tuple[int, int]:
        assert isinstance(e, Rigid)  # noqa: S101 - nothing else is rigid
        return domains[e.parameter].low, domains[e.parameter].high

    low, high = bounds(d.expression, leaf)
    return [d.word >= low, d.word <= high]


def _renaming(a: Any, b: Any) -> tuple[Any, Any] | None:  # noqa: ANN401 - Z3 terms
    """The two parameters in which two terms that are written alike differ."""
    found: dict[int, tuple[Any, Any]] = {}
    waiting = [(a, b)]
    while waiting:
        x, y = waiting.pop()
        if x.eq(y):
            continue
        if x.num_args() == 0 and y.num_args() == 0 and not z3.is_int_value(x) and not z3.is_int_value(y):
            found[x.get_id()] = (x, y)
        elif x.num_args() == y.num_args() and x.decl().eq(y.decl()) and x.num_args():
            waiting += zip(x.children(), y.children(), strict=True)
        else:
            return None
    return next(iter(found.values())) if len(found) == 1 else None


def _shown(axiom: Any, layout: Extended, until: float) -> bool:  # noqa: ANN401 - a Z3 term
    """Whether the axiom follows from what the derived parameters are. Values that speak against one may do so against others."""
    meant = layout.meant(axiom)
    if any(z3.is_false(values.eval(meant, model_completion=True)) for values in layout.met):
        return False
    left = int(1000 * (until - time.monotonic()))
    if left <= 0:
        return False
    solver = z3.Solver()
    solver.set("timeout", min(AXIOM, left))
    solver.add(*layout.base.premises(), z3.Not(meant))
    answer = solver.check()
    if answer == z3.sat:
        layout.met.append(solver.model())
    return bool(answer == z3.unsat)


# ---- a question once more


def _moved(move: Move, pairs: list[Any]) -> Move:
    def put(term: Term) -> Term:
        return term if isinstance(term, int) else replaced(term, pairs)

    state = _stated(move.state, put)
    return Move(
        move.step,
        move.position,
        put(move.enabled),
        put(move.urgent),
        state,
        put(move.allowed),
        [(put(c), f, s) for c, f, s in move.failures],
        [(put(c), put(p)) for c, p in move.picks],
        move.inputs,
        put(move.beyond),
    )


def _stated(state: State, put: Callable[[Term], Term]) -> State:
    lanes = [
        [replace(s, here=put(s.here), age=put(s.age), kind=put(s.kind), fields=tuple(map(put, s.fields))) for s in lane]
        for lane in state.lanes
    ]
    events = {e: put(t) for e, t in state.events.items()}
    variables, timers = [put(v) for v in state.variables], [put(t) for t in state.timers]
    return State(variables, timers, lanes, events, put(state.counter), put(state.busy))


# ---- back to expressions

_OPERATORS = {
    z3.Z3_OP_ADD: Operator.ADD,
    z3.Z3_OP_MUL: Operator.MULTIPLY,
    z3.Z3_OP_IDIV: Operator.DIVIDE,
    z3.Z3_OP_MOD: Operator.MODULO,
    z3.Z3_OP_ITE: Operator.IF,
    z3.Z3_OP_EQ: Operator.EQUAL,
    z3.Z3_OP_LT: Operator.LESS,
    z3.Z3_OP_LE: Operator.AT_MOST,
    z3.Z3_OP_AND: Operator.AND,
    z3.Z3_OP_OR: Operator.OR,
    z3.Z3_OP_NOT: Operator.NOT,
}


def expressed(term: Any, parameters: Sequence[Any]) -> Expression:  # noqa: ANN401 - a Z3 term
    """A rigid term as an expression of the waist."""
    if z3.is_int_value(term):
        return Constant(int(term.as_long()))
    if z3.is_true(term) or z3.is_false(term):
        return Constant(int(z3.is_true(term)))
    for i, p in enumerate(parameters):
        if term.eq(p):
            return Rigid(i)
    arguments = tuple(expressed(a, parameters) for a in term.children())
    kind = term.decl().kind()
    match kind:
        case z3.Z3_OP_SUB:
            first, *others = arguments
            for other in others:
                first = Apply(Operator.SUBTRACT, (first, other))
            return first
        case z3.Z3_OP_UMINUS:
            return Apply(Operator.SUBTRACT, (Constant(0), *arguments))
        case z3.Z3_OP_GT | z3.Z3_OP_GE:
            known = Operator.LESS if kind == z3.Z3_OP_GT else Operator.AT_MOST
            return Apply(known, (arguments[1], arguments[0]))
        case _ if kind in _OPERATORS:
            return Apply(_OPERATORS[kind], arguments)
        case _:
            message = f"the operator {term.decl().name()}"
            raise Unsupported(message)
