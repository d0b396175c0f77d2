"""What statements do to a state of terms: branches are merged, choices become inputs, errors become conditions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, assert_never

import z3

from verify.engines.symbolic.layout import Layout, Slot, State, empty
from verify.engines.symbolic.terms import Term, both, choose, either, equals, less, no, number, term_of, truth
from verify.system.expression import (
    TRUE,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Occurred,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
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
    Statement,
    Stop,
)
from verify.system.system import Failure, Order, WhenFull

WIDEST_CHOICE = 1024


class Unsupported(Exception):  # noqa: N818 - an answer, not a fault of ours
    """Something that the encoding does not know: what."""


@dataclass(slots=True)
class Run:
    """A step under way. ``failures``: (condition, which, of what); ``picks``: (condition, the choice made), in their order."""

    layout: Layout
    state: State
    local: list[Term]
    position: int = -1
    path: Term = True
    names: Iterator[int] = field(default_factory=itertools.count)
    prefix: str = ""
    failures: list[tuple[Term, Failure, str]] = field(default_factory=list)
    picks: list[tuple[Term, Any]] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    allowed: list[Term] = field(default_factory=list)
    events: dict[int, Term] = field(default_factory=dict)

    # ---- expressions

    def value(self, expression: Expression) -> Term:
        """The expression in the state as it is now."""
        return value(expression, self.layout, self.state, self.local)

    def truth(self, expression: Expression) -> Term:
        """The expression as a condition."""
        return truth(self.value(expression))

    @property
    def failed(self) -> Term:
        """Whether an error has ended the run before."""
        return either(*(f[0] for f in self.failures))

    def fail(self, condition: Term, failure: Failure, subject: str) -> None:
        """An error, if the condition holds here."""
        met = both(self.path, condition)
        if met is not False:
            self.failures.append((met, failure, subject))

    # ---- statements

    def block(self, block: Block) -> None:
        """Run a block."""
        for statement in block:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        """Run a statement."""
        state = self.state
        match statement:
            case Assign(variable, expression):
                declared = self.layout.system.variables[variable]
                term = number(self.value(expression))
                self.fail(either(term < declared.domain.low, term > declared.domain.high), Failure.RANGE, declared.name)
                state.variables[variable] = term
            case Start(timer, ticks):
                term, known = number(self.value(ticks)), self.layout.system.timers[timer]
                self.fail(either(term < 0, term > known.maximum), Failure.RANGE, known.name)
                state.timers[timer] = term
            case Stop(timer):
                state.timers[timer] = -1
            case Send():
                self.send(statement)
            case Duplicate(lane):
                self.enter(lane, state.lanes[lane][self.position], self.position + 1, True)
            case Clear(lane):
                state.lanes[lane] = empty(self.layout, lane)
            case Bind(slot, expression):
                self.local[slot] = number(self.value(expression))
            case Choose():
                self.choose(statement)
            case If(condition, then, otherwise):
                self.branch(self.truth(condition), then, otherwise)
            case Either(branches):
                self.either(branches)
            case Occur(event):
                if event in self.layout.events:
                    self.events[event] = either(self.events.get(event, False), self.path)
            case Mark():
                pass
            case _:
                assert_never(statement)

    def branch(self, condition: Term, then: Block, otherwise: Block) -> None:
        """Run one of two blocks."""
        if isinstance(condition, bool):
            self.block(then if condition else otherwise)
            return
        path, before, local = self.path, self.state, self.local
        self.path, self.state, self.local = both(path, condition), before.copy(), list(local)
        self.block(then)
        reached, bound = self.state, self.local
        self.path, self.state, self.local = both(path, no(condition)), before.copy(), list(local)
        self.block(otherwise)
        self.path = path
        self.state = merged(condition, reached, self.state)
        self.local = [choose(condition, number(a), number(b)) for a, b in zip(bound, self.local, strict=True)]

    def either(self, branches: tuple[Block, ...]) -> None:
        """Run any of the branches."""
        if not branches:
            message = "a choice among no branches"
            raise Unsupported(message)
        pick = self.input()
        self.picks.append((both(self.path, no(self.failed)), pick))
        self.allowed.append(both(pick >= 0, pick < len(branches)))
        self.rest(pick, branches, 0)

    def rest(self, pick: Term, branches: tuple[Block, ...], first: int) -> None:
        """Run the branch that was picked, from the first that is left."""
        if first == len(branches) - 1:
            self.block(branches[first])
            return
        path, before, local = self.path, self.state, self.local
        condition = pick == first
        self.path, self.state, self.local = both(path, condition), before.copy(), list(local)
        self.block(branches[first])
        reached, bound = self.state, self.local
        self.path, self.state, self.local = both(path, no(condition)), before.copy(), list(local)
        self.rest(pick, branches, first + 1)
        self.path = path
        self.state = merged(condition, reached, self.state)
        self.local = [choose(condition, number(a), number(b)) for a, b in zip(bound, self.local, strict=True)]

    def choose(self, statement: Choose) -> None:
        """Any value for which the condition holds."""
        pick = self.input()
        offered = both(pick >= statement.low, pick <= statement.high)
        alive = both(self.path, no(self.failed))
        some: Term = statement.low <= statement.high
        if statement.where != TRUE:
            if statement.high - statement.low >= WIDEST_CHOICE:
                message = f"a choice among {statement.high - statement.low + 1:,} values with a condition"
                raise Unsupported(message)
            options = []
            for option in range(statement.low, statement.high + 1):
                self.local[statement.slot] = option
                options.append(self.truth(statement.where))
            some = either(*options)
            self.local[statement.slot] = pick
            offered = both(offered, self.truth(statement.where))
        self.picks.append((both(alive, some), pick))
        self.allowed.append(either(no(both(alive, some)), offered))
        self.fail(no(some), Failure.CHOICE, "choose")
        self.local[statement.slot] = pick

    def input(self) -> Any:  # noqa: ANN401 - a Z3 constant
        """A new input of the step."""
        made = z3.Int(f"{self.prefix}i{next(self.names)}")
        self.inputs.append(made)
        return made

    # ---- lanes

    def send(self, statement: Send) -> None:
        """A message enters a lane that is open."""
        lane, message = self.layout.system.lanes[statement.lane], self.layout.system.messages[statement.message]
        opened = self.truth(lane.open)
        outside, self.path = self.path, both(self.path, opened)
        values = [number(self.value(e)) for e in statement.fields]
        for term, declared in zip(values, message.fields, strict=True):
            low, high = declared.domain.low, declared.domain.high
            self.fail(either(term < low, term > high), Failure.RANGE, f"{message.name}.{declared.name}")
        width = self.layout.width(statement.lane)
        if statement.message not in self.layout.fixed.sent(statement.lane):
            self.path = outside  # it is never sent: no rule that would do it can run
            return
        slot = Slot(True, 0, statement.message, (*values, *[0] * (width - len(values))))
        self.enter(statement.lane, slot, None, opened)
        self.path = outside

    def enter(self, number_: int, slot: Slot, place: int | None, condition: Term) -> None:
        """A message enters at a place, None at the end; or what the lane's policy makes of it when it is full."""
        lane, held = self.layout.system.lanes[number_], self.state.lanes[number_]
        full = held[-1].here
        free = Slot(fields=(0,) * len(held[0].fields))
        shifted = [*held[1:], free]
        match lane.when_full:
            case WhenFull.DROP_NEWEST:
                after = [a.merged(full, b) for a, b in zip(held, inserted(held, slot, place), strict=True)]
            case WhenFull.DROP_OLDEST:
                lower = None if place is None else max(0, place - 1)
                squeezed = inserted(shifted, slot, lower)
                after = [a.merged(full, b) for a, b in zip(squeezed, inserted(held, slot, place), strict=True)]
            case WhenFull.ERROR | WhenFull.WAIT:
                self.fail(full, Failure.FULL_LANE, lane.name)
                after = inserted(held, slot, place)
            case _:
                assert_never(lane.when_full)
        if lane.order is Order.UNORDERED:
            after = ordered(after, 1)
        self.state.lanes[number_] = [a.merged(condition, b) for a, b in zip(after, held, strict=True)]


def inserted(held: list[Slot], slot: Slot, place: int | None) -> list[Slot]:
    """A lane with one more message; where it is full, the last one is lost."""
    if place is not None:
        return [*held[:place], slot, *held[place:]][: len(held)]
    found = []
    for i, old in enumerate(held):
        arrives: Term = both(held[i - 1].here if i else True, no(old.here))
        found.append(slot.merged(arrives, old))
    return found


def before(a: Slot, b: Slot) -> Term:
    """Whether ``a`` stands before ``b`` in the canonical order of an unordered lane: taken places first, the oldest first."""
    smaller: Term = False
    for x, y in reversed(list(zip((a.kind, *a.fields), (b.kind, *b.fields), strict=True))):
        smaller = either(less(x, y), both(equals(x, y), smaller))
    smaller = either(less(b.age, a.age), both(equals(a.age, b.age), smaller))
    return both(a.here, either(no(b.here), smaller))


def ordered(held: list[Slot], passes: int) -> list[Slot]:
    """A lane after so many passes of bubble sort from its end; one settles a single message that entered at the end."""
    held = list(held)
    for _ in range(passes):
        for i in range(len(held) - 1, 0, -1):
            swap = before(held[i], held[i - 1])
            held[i - 1], held[i] = held[i].merged(swap, held[i - 1]), held[i - 1].merged(swap, held[i])
    return held


def merged(condition: Term, then: State, otherwise: State) -> State:
    """The one state where the condition holds, the other elsewhere."""

    def numbers(a: list[Term], b: list[Term]) -> list[Term]:
        return [x if x is y else choose(condition, number(x), number(y)) for x, y in zip(a, b, strict=True)]

    lanes = [
        [a.merged(condition, b) for a, b in zip(x, y, strict=True)]
        for x, y in zip(then.lanes, otherwise.lanes, strict=True)
    ]
    variables = numbers(then.variables, otherwise.variables)
    return State(variables, numbers(then.timers, otherwise.timers), lanes, dict(then.events), then.counter, then.busy)


_STATUS = {
    TimerStatus.STOPPED: lambda t: t < 0,
    TimerStatus.RUNNING: lambda t: t > 0,
    TimerStatus.EXPIRED: lambda t: equals(t, 0),
}


def value(
    expression: Expression,
    layout: Layout,
    state: State,
    local: list[Term] | None = None,
    events: dict[int, Term] | None = None,
) -> Term:
    """An expression in a state; ``events`` of the step to it, by default those that the state holds."""
    occurred = state.events if events is None else events

    def leaf(e: Expression) -> Term:
        match e:
            case Read(variable):
                return state.variables[variable]
            case Rigid(parameter):
                return layout.parameters[parameter]
            case Local(slot):
                return local[slot] if local is not None else 0
            case TimerIs(timer, status):
                return _STATUS[status](state.timers[timer])
            case Count(lane):
                return sum((number(s.here) for s in state.lanes[lane]), start=0)
            case Due(lane):
                return due(layout, state, lane)
            case Occurred(event):
                return occurred.get(event, False)
            case Constant(constant):
                return constant
            case _:
                raise AssertionError(e)

    return term_of(expression, leaf)


def due(layout: Layout, state: State, lane: int) -> Term:
    """Whether a message that could be delivered next is at its maximum delay."""
    declared = layout.system.lanes[lane]
    held = state.lanes[lane][:1] if declared.order is Order.FIFO else state.lanes[lane]
    return either(*(both(s.here, s.age >= declared.maximum) for s in held))

