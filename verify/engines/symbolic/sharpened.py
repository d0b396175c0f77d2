"""What is the same in every reachable state, put in its place; and conditions that the assumptions decide, decided.

The values are those of :mod:`verify.engines.symbolic.fixed`; the solver is asked about the conditions. In every reachable state
each step of the result does what it does in the system. Nobody has to believe it: a proof that was found with the result is
confirmed on the system itself.
"""

from __future__ import annotations

from dataclasses import replace

import z3

from verify.engines.symbolic.fixed import Fixed
from verify.engines.symbolic.layout import Layout
from verify.engines.symbolic.terms import lifted, truth
from verify.passes.narrowing import mapped
from verify.system.build import folded, is_rigid
from verify.system.expression import Apply, Constant, Expression, Local, Operator, Read
from verify.system.statement import Bind, Block, Choose, Either, If, Statement, statements
from verify.system.system import Step, System

PATIENCE = 500  # milliseconds for each condition
TRUTHS = {Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.AND, Operator.OR, Operator.NOT}


def sharpened(system: System) -> System:
    """The system, sharper; itself, if it has no open parameters: then other passes see as much."""
    if not system.parameters:
        return system
    decided = _Assumed(system)
    return replace(system, steps=tuple(_step(s, system, decided) for s in system.steps))


class _Assumed:
    """Conditions over parameters that the assumptions decide."""

    def __init__(self, system: System) -> None:
        self.layout = Layout(system, [])
        self.solver = z3.Solver()
        self.solver.set("timeout", PATIENCE)
        self.solver.add(*self.layout.premises())
        self.known: dict[Expression, Expression] = {}

    def __call__(self, condition: Expression) -> Expression:
        if condition not in self.known:
            self.known[condition] = self._asked(condition)
        return self.known[condition]

    def _asked(self, condition: Expression) -> Expression:
        term = lifted(truth(self.layout.rigid(condition)))
        for value, wrong in ((1, z3.Not(term)), (0, term)):
            if self.solver.check(wrong) == z3.unsat:
                return Constant(value)
        return condition


def _step(step: Step, system: System, decided: _Assumed) -> Step:
    fixed: Fixed = decided.layout.fixed
    local: dict[int, Expression] = {}
    if step.take is not None and len(kinds := fixed.sent(step.take.lane)) == 1:
        (kind,) = kinds
        bound = {s.slot for s in statements(step.body) if isinstance(s, Bind | Choose)}
        facts = {n + 1: fixed.fields.get((step.take.lane, kind, n)) for n in range(len(system.messages[kind].fields))}
        local = {slot: e for slot, e in ({0: Constant(kind)} | facts).items() if e is not None and slot not in bound}

    def known(e: Expression) -> Expression:
        match e:
            case Read(variable):
                return fixed.variables.get(variable, e)
            case Local(slot):
                return local.get(slot, e)
            case Apply(operator, arguments):
                try:
                    made = folded(operator, *map(known, arguments))
                except ZeroDivisionError:  # where nothing is evaluated
                    return e
                truth_ = isinstance(made, Apply) and made.operator in TRUTHS and is_rigid(made)
                return decided(made) if truth_ else made
            case _:
                return e

    def block(whole: Block) -> Block:
        return tuple(made for s in whole for made in one(s))

    def one(s: Statement) -> Block:
        match s:
            case If(condition, then, otherwise):
                condition = known(condition)
                if isinstance(condition, Constant):
                    return block(then if condition.value else otherwise)
                return (If(condition, block(then), block(otherwise)),)
            case Either(branches):
                return (Either(tuple(map(block, branches))),)
            case _:
                return (mapped(s, known),)

    return replace(step, guard=known(step.guard), urgent=known(step.urgent), body=block(step.body))
