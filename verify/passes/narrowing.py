"""Narrow every domain to the values that can ever be stored, and fold what thereby is constant.

**What it keeps.** Everything: the reachable states of both systems correspond one to one, with the same transitions between
them under the same choices, the same errors, urgency, events and truth of every predicate. States, transitions and depth are
equal.

**Why.** By :mod:`verify.passes.possible` each expression is replaced by one of the same value wherever it is evaluated in a
run. A domain shrinks to the hull of what is stored in it without an error: a value that is stored in a run lies in the
declared domain if and only if it lies in the hull, since the values stored outside of the domain, if any, lie outside of the
hull too, which is part of it. So the same stores fail. Each lane gets messages of its own, narrowed to what is sent there, in
the order of the kinds that they stand for, so that bags keep their order; in a step that takes one, the kind is translated
back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from verify.base.record import record
from verify.passes.possible import Env, Possible, possible_in, run, taken
from verify.passes.valuesets import ValueSet, ends
from verify.semantics.effects import FailureMet, Scratch, effect_of
from verify.system.build import apply
from verify.system.domain import Domain, Range
from verify.system.expression import FALSE, Apply, Constant, Expression, Local, Operator, conditional, equal
from verify.system.property import Form, Ltl, Property
from verify.system.statement import Assign, Bind, Block, Choose, Either, If, Send, Start, Statement, statements
from verify.system.system import Field, Lane, Message, Step, System, Timer, Variable

MOST_SLOTS: Final = 64


@record
class Narrowed:
    """The narrow system, with the properties asked of it."""

    system: System
    properties: tuple[Property, ...]


def narrowed(system: System, properties: Sequence[Property]) -> Narrowed:
    """The same system in tighter domains. Traces of either are traces of the other."""
    begun = _begun(system)
    possible = possible_in(begun)
    everywhere = Env(possible, {})
    initially, _ = run(begun.initially, everywhere)
    lanes = tuple(_lane(lane, everywhere) for lane in begun.lanes)
    folded = replace(
        begun,
        variables=tuple(_variable(v, values) for v, values in zip(begun.variables, possible.variables, strict=True)),
        timers=tuple(_timer(t, p.most) for t, p in zip(begun.timers, possible.timers, strict=True)),
        lanes=lanes,
        steps=tuple(taken(possible, step)[0] for step in begun.steps),
        initially=initially,
    )
    asked = tuple(replace(p, form=_form(p.form, everywhere)) for p in properties)
    return Narrowed(_with_own_messages(folded, possible), asked)


def _form(form: Form, everywhere: Env) -> Form:
    """A form with its predicates folded.

    In a formula of LTL none becomes a constant: then a finite run could be lost, which none is in the system as written.
    """

    def folded(e: Expression) -> Expression:
        made = everywhere.simplified(e)[0]
        return e if isinstance(form, Ltl) and isinstance(made, Constant) else made

    narrow: Form = mapped(form, folded)
    return narrow


def mapped(node: Any, change: Callable[[Expression], Expression]) -> Any:  # noqa: ANN401 - any node of the waist
    """A form, or any other node that is no expression, with each expression in it changed."""
    if isinstance(node, tuple):
        return tuple(mapped(x, change) for x in node)
    if isinstance(node, Expression):
        return change(node)
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        changed = {f.name: mapped(getattr(node, f.name), change) for f in dataclasses.fields(node) if f.init}
        return type(node)(**changed)
    return node


def _begun(system: System) -> System:
    """The system with what runs at the beginning done, if that is without errors and depends on no parameter."""
    if not system.initially or system.parameters:
        return system
    start = [v.initial for v in system.variables] + [t.initial for t in system.timers]
    scratch = Scratch([*start, *(() for _ in system.lanes)], [0] * MOST_SLOTS)
    try:
        effect_of(system.initially, system)(scratch)
    except FailureMet:
        return system
    values = scratch.s
    first = len(system.variables)
    return replace(
        system,
        variables=tuple(replace(v, initial=values[i]) for i, v in enumerate(system.variables)),
        timers=tuple(replace(t, initial=values[first + i]) for i, t in enumerate(system.timers)),
        initially=(),
    )


def _domain(domain: Domain, values: ValueSet) -> Domain:
    low, high = ends(values)
    if (low, high) == (domain.low, domain.high):
        return domain
    return Range(low, high, ticks=isinstance(domain, Range) and domain.ticks)


def _variable(variable: Variable, values: ValueSet) -> Variable:
    return replace(variable, domain=_domain(variable.domain, values))


def _timer(timer: Timer, most: int) -> Timer:
    return replace(timer, maximum=most)


def _lane(lane: Lane, everywhere: Env) -> Lane:
    return replace(lane, open=everywhere.simplified(lane.open)[0])


# ---- messages of each lane


def _with_own_messages(system: System, possible: Possible) -> System:
    """A message for each kind and lane, shared by lanes in which it is the same."""
    wanted: dict[tuple[int, tuple[Field, ...]], list[int]] = {}
    for lane, kinds in enumerate(possible.fields):
        for kind, sets in kinds.items():
            declared = system.messages[kind].fields
            fields = tuple(replace(f, domain=_domain(f.domain, v)) for f, v in zip(declared, sets, strict=True))
            wanted.setdefault((kind, fields), []).append(lane)
    messages: list[Message] = []
    number: dict[tuple[int, int], int] = {}  # of a kind in a lane
    for (kind, fields), lanes in sorted(wanted.items(), key=lambda item: (item[0][0], item[1])):
        for lane in lanes:
            number[lane, kind] = len(messages)
        messages.append(Message(system.messages[kind].name, fields))
    # what is never put into a lane, because an error or a closed lane is in its way, is still named by a send
    spare = {}
    for kind, message in enumerate(system.messages):
        spare[kind] = len(messages)
        messages.append(message)
    renaming = _Renaming(number, spare)
    steps = tuple(renaming.step(step) for step in system.steps)
    used = {s.message for step in steps for s in statements(step.body) if isinstance(s, Send)}
    while messages and len(messages) - 1 not in used and len(messages) > len(wanted):
        messages.pop()
    return replace(system, messages=tuple(messages), steps=steps)


class _Renaming:
    """Kinds of messages by their new numbers, in sends and in what steps read of the message they take."""

    def __init__(self, number: dict[tuple[int, int], int], spare: dict[int, int]) -> None:
        self.number = number
        self.spare = spare

    def step(self, step: Step) -> Step:
        """The step with new numbers."""
        read: dict[int, Expression] = {}
        if step.take is not None:
            kinds = {kind: new for (lane, kind), new in self.number.items() if lane == step.take.lane}
            if any(kind != new for kind, new in kinds.items()):
                read = kinds_read(kinds)
                return replace(
                    step, guard=_replaced(step.guard, kinds, read[0], {}), body=self.block(step.body, kinds, read[0])
                )
        return replace(step, body=self.block(step.body, {}, None))

    def block(self, block: Block, kinds: dict[int, int], kind: Expression | None) -> Block:
        """A block of a step that takes a message of these kinds; ``kind`` None: nothing to translate back."""
        memo: dict[int, tuple[Expression, Expression]] = {}

        def new(e: Expression) -> Expression:
            return e if kind is None else _replaced(e, kinds, kind, memo)

        def one(statement: Statement) -> Statement:
            match statement:
                case Send(lane, message, fields):
                    return Send(
                        lane, self.number.get((lane, message), self.spare[message]), tuple(new(e) for e in fields)
                    )
                case Assign(variable, value):
                    return Assign(variable, new(value))
                case Start(timer, ticks):
                    return Start(timer, new(ticks))
                case Bind(slot, value):
                    return Bind(slot, new(value))
                case If(condition, then, otherwise):
                    return If(new(condition), all_(then), all_(otherwise))
                case Choose(slot, low, high, where):
                    return Choose(slot, low, high, new(where))
                case Either(branches):
                    return Either(tuple(all_(b) for b in branches))
                case _:
                    return statement

        def all_(block: Block) -> Block:
            return tuple(one(s) for s in block)

        return all_(block)


def kinds_read(kinds: dict[int, int]) -> dict[int, Expression]:
    """Slot 0 as it was: the old number of the kind, told from the new one."""
    (first, _), *rest = sorted(kinds.items())
    known: Expression = Constant(first)
    for old, new in rest:
        known = conditional(equal(Local(0), Constant(new)), Constant(old), known)
    return {0: known}


def _replaced(
    e: Expression, kinds: dict[int, int], kind: Expression, memo: dict[int, tuple[Expression, Expression]]
) -> Expression:
    match e:
        case Local(0):
            return kind
        case Apply(Operator.EQUAL, (Local(0), Constant(old))) | Apply(Operator.EQUAL, (Constant(old), Local(0))):
            return equal(Local(0), Constant(kinds[old])) if old in kinds else FALSE
        case Apply(operator, arguments):
            if id(e) in memo:
                return memo[id(e)][1]
            inner = [_replaced(a, kinds, kind, memo) for a in arguments]
            same = all(a is b for a, b in zip(inner, arguments, strict=True))
            made = e if same else apply(operator, *inner)
            memo[id(e)] = (e, made)
            return made
        case _:
            return e
