"""What never changes: variables and message fields that hold one rigid expression in every reachable state.

Conditional constant propagation over the whole system, flow-insensitive: M. N. Wegman and F. K. Zadeck, "Constant propagation
with conditional branches", TOPLAS 13(2), 1991, doi:10.1145/103135.103136. The equations it finds are inductive together; a
certificate states them as a part of its invariant, so that nobody has to believe this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar, assert_never

from verify.system.build import LOGICAL, folded, is_rigid
from verify.system.expression import (
    Apply,
    Constant,
    Expression,
    Local,
    Read,
)
from verify.system.statement import (
    Assign,
    Bind,
    Block,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Stop,
)
from verify.system.system import Step, System

Key = TypeVar("Key")
_ANY: Final = Read(-1)  # stands for a value that is not fixed


@dataclass(slots=True)
class Fixed:
    """What ``variables`` always hold, by number; ``kinds`` of messages, by lane; ``fields``, by lane, message and field."""

    variables: dict[int, Expression] = field(default_factory=dict)
    kinds: dict[int, set[int]] = field(default_factory=dict)
    fields: dict[tuple[int, int, int], Expression] = field(default_factory=dict)

    def sent(self, lane: int) -> list[int]:
        """The kinds of messages that a lane can hold."""
        return sorted(self.kinds.get(lane, ()))


def fixed_values(system: System) -> Fixed:
    """Variables and fields that are the same rigid expression in every reachable state."""
    search = _Search(system)
    while search.changed:
        search.changed = False
        for step in system.steps:
            search.step(step)
    return Fixed(
        {v: e for v, e in search.variables.items() if e is not _ANY},
        search.kinds,
        {k: e for k, e in search.fields.items() if e is not _ANY},
    )


class _Search:
    def __init__(self, system: System) -> None:
        self.system = system
        self.variables: dict[int, Expression] = {i: Constant(v.initial) for i, v in enumerate(system.variables)}
        self.kinds: dict[int, set[int]] = {}
        self.fields: dict[tuple[int, int, int], Expression] = {}
        self.changed = True
        self._begin(system.initially)

    def _begin(self, block: Block) -> None:
        """What ``initially`` leaves: an assignment outside conditions replaces what was there, any other is joined."""
        for statement in block:
            match statement:
                case Assign(variable, value):
                    self.variables[variable] = self.value(value, {})
                case If() | Either() | Bind() | Choose():
                    self.block((statement,), {})
                case _:
                    pass

    def step(self, step: Step) -> None:
        local: dict[int, Expression] = {}
        if step.take is not None:
            lane = step.take.lane
            kinds = self.kinds.get(lane)
            if not kinds:
                return
            for slot in range(step.slots):
                local[slot] = _ANY
            if len(kinds) == 1:
                (kind,) = kinds
                local[0] = Constant(kind)
                for number in range(len(self.system.messages[kind].fields)):
                    local[1 + number] = self.fields[lane, kind, number]
        if self.value(step.guard, local) != Constant(0):
            self.block(step.body, local)

    def block(self, block: Block, local: dict[int, Expression]) -> None:
        for statement in block:
            match statement:
                case Assign(variable, value):
                    self.join(self.variables, variable, self.value(value, local))
                case Send(lane, message, values):
                    self.send(lane, message, [self.value(v, local) for v in values])
                case Bind(slot, value):
                    local[slot] = self.value(value, local)
                case Choose(slot):
                    local[slot] = _ANY
                case If(condition, then, otherwise):
                    found = self.value(condition, local)
                    taken: tuple[Block, ...] = (then, otherwise)
                    if isinstance(found, Constant):
                        taken = (then,) if found.value else (otherwise,)
                    self.branches(taken, local)
                case Either(branches):
                    self.branches(branches, local)
                case Start() | Stop() | Duplicate() | Clear() | Occur() | Mark():
                    pass
                case _:
                    assert_never(statement)

    def branches(self, blocks: tuple[Block, ...], local: dict[int, Expression]) -> None:
        ends = []
        for block in blocks:
            inner = dict(local)
            self.block(block, inner)
            ends.append(inner)
        for slot in {s for end in ends for s in end}:
            values = [end.get(slot, _ANY) for end in ends]
            local[slot] = values[0] if all(v == values[0] for v in values) else _ANY

    def send(self, lane: int, message: int, values: list[Expression]) -> None:
        if message not in self.kinds.setdefault(lane, set()):
            self.kinds[lane].add(message)
            self.changed = True
        for number, value in enumerate(values):
            self.join(self.fields, (lane, message, number), value)

    def join(self, table: dict[Key, Expression], key: Key, value: Expression) -> None:
        known = table.get(key)
        after = value if known is None or known == value else _ANY
        if known is not after and known != after:
            table[key] = after
            self.changed = True

    def value(self, expression: Expression, local: dict[int, Expression]) -> Expression:
        """The rigid expression that it is bound to be, or _ANY."""
        done: dict[int, Expression] = {}

        def visit(e: Expression) -> Expression:
            if id(e) not in done:
                done[id(e)] = self._value(e, local) if not isinstance(e, Apply) else _joined(e, visit)
            return done[id(e)]

        found = visit(expression)
        return found if is_rigid(found) else _ANY

    def _value(self, leaf: Expression, local: dict[int, Expression]) -> Expression:
        match leaf:
            case Read(variable):
                return self.variables[variable]
            case Local(slot):
                return local.get(slot, _ANY)
            case _ if is_rigid(leaf):
                return leaf
            case _:
                return _ANY


def _joined(e: Apply, visit: Callable[[Expression], Expression]) -> Expression:
    parts = tuple(visit(a) for a in e.arguments)
    if e.operator not in LOGICAL and not all(map(is_rigid, parts)):
        return _ANY
    try:
        return folded(e.operator, *parts)
    except ZeroDivisionError:  # where it is not evaluated
        return _ANY
