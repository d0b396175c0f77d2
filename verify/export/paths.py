"""The ways through a step: what has to hold of the state before it for each way to make its choices, and what is done then.

Other languages have transitions that are enabled or not. So the conditions under which a choice can be made, which stand in the
middle of a body, are moved before it: every value that the body stored by then is replaced by what it was computed from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from verify.base.record import record
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    conditional,
    conjunction,
    equal,
    negation,
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
    Send,
    Start,
    Statement,
    Stop,
    statements,
)

MOST = 20_000  # ways through all steps of a system


class NotExported(Exception):  # noqa: N818 - an answer
    """Something that the other language is not given: what."""


@record
class Path:
    """One way. ``condition``: on the state before; ``body``: statements without choices; ``empty``: a choice has no option."""

    condition: Expression
    body: Block
    empty: bool = False


def paths(block: Block) -> Iterator[Path]:
    """Every way through a body; NotExported if a choice depends on what is in a lane that the body has changed before."""
    yield from _follow(list(block), _Known(), TRUE, ())


@dataclass(slots=True)
class _Known:
    """What the body has stored so far, in terms of the state before it."""

    variables: dict[int, Expression] = field(default_factory=dict)
    timers: dict[int, Expression | None] = field(default_factory=dict)  # the ticks; None: stopped
    locals: dict[int, Expression] = field(default_factory=dict)
    lanes: set[int] = field(default_factory=set)

    def copy(self) -> _Known:
        return _Known(dict(self.variables), dict(self.timers), dict(self.locals), set(self.lanes))

    def before(self, e: Expression) -> Expression:
        """An expression over the present state as one over the state before."""
        match e:
            case Read(variable):
                return self.variables.get(variable, e)
            case Local(slot):
                return self.locals.get(slot, e)
            case TimerIs(timer, status) if timer in self.timers:
                return _status(self.timers[timer], status)
            case Count(lane) | Due(lane) if lane in self.lanes:
                raise NotExported("a choice that depends on a lane which the same step has changed before")
            case Apply(operator, arguments):
                return Apply(operator, tuple(self.before(a) for a in arguments))
            case _:
                return e

    def run(self, statement: Statement) -> None:
        """What a statement without choices makes of it."""
        match statement:
            case Assign(variable, value):
                self.variables[variable] = self.before(value)
            case Bind(slot, value):
                self.locals[slot] = self.before(value)
            case Start(timer, ticks):
                self.timers[timer] = self.before(ticks)
            case Stop(timer):
                self.timers[timer] = None
            case Send(lane) | Duplicate(lane) | Clear(lane):
                self.lanes.add(lane)
            case If(condition, then, otherwise):
                self._either(self.before(condition), then, otherwise)
            case _:
                pass

    def _either(self, condition: Expression, then: Block, otherwise: Block) -> None:
        one, other = self.copy(), self.copy()
        for known, block in ((one, then), (other, otherwise)):
            for statement in block:
                known.run(statement)
        for mine, a, b in (
            (self.variables, one.variables, other.variables),
            (self.locals, one.locals, other.locals),
        ):
            for index in a.keys() | b.keys():
                leaf: Expression = Read(index) if mine is self.variables else Local(index)
                mine[index] = conditional(condition, a.get(index, leaf), b.get(index, leaf))
        for timer in one.timers.keys() | other.timers.keys():
            self.timers[timer] = _Forked(condition, timer, one.timers, other.timers).ticks()
        self.lanes |= one.lanes | other.lanes


@record
class _Forked:
    """A timer that one branch leaves otherwise than the other."""

    condition: Expression
    timer: int
    one: dict[int, Expression | None]
    other: dict[int, Expression | None]

    def ticks(self) -> Expression:
        """A number with the same status: -1 stopped, 0 expired, 1 running."""

        def number(known: dict[int, Expression | None]) -> Expression:
            if self.timer not in known:
                running = conditional(TimerIs(self.timer, TimerStatus.RUNNING), Constant(1), Constant(-1))
                return conditional(TimerIs(self.timer, TimerStatus.EXPIRED), Constant(0), running)
            ticks = known[self.timer]
            return Constant(-1) if ticks is None else ticks

        return conditional(self.condition, number(self.one), number(self.other))


def _status(ticks: Expression | None, status: TimerStatus) -> Expression:
    if ticks is None:
        return TRUE if status is TimerStatus.STOPPED else FALSE
    match status:
        case TimerStatus.STOPPED:
            return Apply(Operator.LESS, (ticks, Constant(0)))
        case TimerStatus.EXPIRED:
            return equal(ticks, Constant(0))
        case TimerStatus.RUNNING:
            return Apply(Operator.LESS, (Constant(0), ticks))


def _follow(waiting: list[Statement], known: _Known, condition: Expression, done: Block) -> Iterator[Path]:
    for at, statement in enumerate(waiting):
        rest = waiting[at + 1 :]
        if not chooses(statement):
            known.run(statement)
            done = (*done, statement)
            continue
        match statement:
            case If(test, then, otherwise):
                holds = known.before(test)
                for when, block in ((holds, then), (negation(holds), otherwise)):
                    yield from _follow([*block, *rest], known.copy(), conjunction(condition, when), done)
            case Either(branches):
                for block in branches:
                    yield from _follow([*block, *rest], known.copy(), condition, done)
            case Choose(slot, low, high, where):
                if high - low >= MOST:
                    raise NotExported(f"a choice among {high - low + 1:,} values")
                none = condition
                for value in range(low, high + 1):
                    chosen = known.copy()
                    chosen.locals[slot] = Constant(value)
                    holds = chosen.before(where)
                    none = conjunction(none, negation(holds))
                    bound = (*done, Bind(slot, Constant(value)))
                    yield from _follow(rest, chosen, conjunction(condition, holds), bound)
                if where != TRUE:
                    yield Path(none, done, empty=True)
        return
    if condition != FALSE:
        yield Path(condition, done)


def chooses(statement: Statement) -> bool:
    """Whether a statement makes choices."""
    return any(isinstance(s, Choose | Either) for s in statements((statement,)))


__all__ = ["NotExported", "Path", "chooses", "paths"]
