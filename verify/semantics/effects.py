"""What statements do: each becomes a function that changes a state under construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, assert_never

from verify.semantics.expressions import NO_EVENTS, evaluator
from verify.system.domain import Domain
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
from verify.system.system import Failure, Lane, Order, System, WhenFull


class Failed(NamedTuple):
    """An error that ended a run: which, of what, and the value that did not fit."""

    failure: Failure
    subject: str
    value: int | None = None
    low: int = 0
    high: int = 0


class FailureMet(Exception):  # noqa: N818 - an event of the semantics, not a fault of ours
    """Raised within a step when an error ends the run."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.subject)
        self.failed = failed


class ChoiceMet(Exception):  # noqa: N818 - an event of the semantics, not a fault of ours
    """Raised within a step at a choice that nobody has made yet; ``options`` are the picks it offers."""

    def __init__(self, options: tuple[int, ...]) -> None:
        super().__init__(options)
        self.options = options


@dataclass(slots=True)
class Scratch:
    """A state under construction, and the choices to be made in this step."""

    s: list[Any]
    m: list[int]
    picks: tuple[int, ...] = ()
    made: int = 0
    position: int = -1
    events: set[int] = field(default_factory=set)
    rules: list[int] = field(default_factory=list)

    def pick(self, options: Callable[[], tuple[int, ...]]) -> int:
        """The choice made here; raises ChoiceMet when it is still open."""
        if self.made >= len(self.picks):
            raise ChoiceMet(options())
        self.made += 1
        return self.picks[self.made - 1]


Effect = Callable[[Scratch], None]


def effect_of(block: Block, system: System) -> Effect:
    """The function that runs a block."""
    effects = [_effect(statement, system) for statement in block]
    if len(effects) == 1:
        return effects[0]

    def run(r: Scratch) -> None:
        for effect in effects:
            effect(r)

    return run


def _effect(statement: Statement, system: System) -> Effect:
    match statement:
        case Assign():
            return _assign(statement, system)
        case Start():
            return _start(statement, system)
        case Stop(timer):
            return _store(len(system.variables) + timer, -1)
        case Send():
            return _send(statement, system)
        case Duplicate(lane):
            return _duplicate(lane, system)
        case Clear(lane):
            return _store(len(system.variables) + len(system.timers) + lane, ())
        case Bind(slot, value):
            return _bind(slot, evaluator(value, system))
        case If(condition, then, otherwise):
            return _if(evaluator(condition, system), effect_of(then, system), effect_of(otherwise, system))
        case Choose():
            return _choose(statement, system)
        case Either(branches):
            return _either([effect_of(b, system) for b in branches])
        case Occur(event):
            return lambda r: r.events.add(event)
        case Mark(rule):
            return lambda r: r.rules.append(rule)
        case _:
            assert_never(statement)


def _assign(statement: Assign, system: System) -> Effect:
    at, value = statement.variable, evaluator(statement.value, system)
    variable = system.variables[at]
    low, high, name = variable.domain.low, variable.domain.high, variable.name

    def effect(r: Scratch) -> None:
        v = value(r.s, r.m, NO_EVENTS)
        if not low <= v <= high:
            raise FailureMet(Failed(Failure.RANGE, name, int(v), low, high))
        r.s[at] = int(v)

    return effect


def _start(statement: Start, system: System) -> Effect:
    at, ticks = len(system.variables) + statement.timer, evaluator(statement.ticks, system)
    timer = system.timers[statement.timer]
    high, name = timer.maximum, timer.name

    def effect(r: Scratch) -> None:
        v = ticks(r.s, r.m, NO_EVENTS)
        if not 0 <= v <= high:
            raise FailureMet(Failed(Failure.RANGE, name, int(v), 0, high))
        r.s[at] = int(v)

    return effect


def _store(at: int, value: Any) -> Effect:  # noqa: ANN401 - a number or a lane
    def effect(r: Scratch) -> None:
        r.s[at] = value

    return effect


def _bind(slot: int, value: Callable[..., int]) -> Effect:
    def effect(r: Scratch) -> None:
        r.m[slot] = int(value(r.s, r.m, NO_EVENTS))

    return effect


def _if(condition: Callable[..., int], then: Effect, otherwise: Effect) -> Effect:
    def effect(r: Scratch) -> None:
        if condition(r.s, r.m, NO_EVENTS):
            then(r)
        else:
            otherwise(r)

    return effect


def _choose(statement: Choose, system: System) -> Effect:
    slot, where = statement.slot, evaluator(statement.where, system)

    def effect(r: Scratch) -> None:
        def options() -> tuple[int, ...]:
            found = []
            for value in range(statement.low, statement.high + 1):
                r.m[slot] = value
                if where(r.s, r.m, NO_EVENTS):
                    found.append(value)
            if not found:
                raise FailureMet(Failed(Failure.CHOICE, "choose"))
            return tuple(found)

        r.m[slot] = r.pick(options)

    return effect


def _either(branches: list[Effect]) -> Effect:
    options = tuple(range(len(branches)))

    def effect(r: Scratch) -> None:
        branches[r.pick(lambda: options)](r)

    return effect


# ---- lanes


def _send(statement: Send, system: System) -> Effect:
    lane = system.lanes[statement.lane]
    at = len(system.variables) + len(system.timers) + statement.lane
    gate = evaluator(lane.open, system)
    message = system.messages[statement.message]
    kind = statement.message
    fields: list[tuple[Callable[..., int], Domain, str]] = [
        (evaluator(e, system), f.domain, f"{message.name}.{f.name}")
        for e, f in zip(statement.fields, message.fields, strict=True)
    ]

    def effect(r: Scratch) -> None:
        if not gate(r.s, r.m, NO_EVENTS):
            return
        values = [0, kind]
        for value, domain, name in fields:
            v = int(value(r.s, r.m, NO_EVENTS))
            if not domain.low <= v <= domain.high:
                raise FailureMet(Failed(Failure.RANGE, name, v, domain.low, domain.high))
            values.append(v)
        r.s[at] = _entered(lane, r.s[at], tuple(values), len(r.s[at]))

    return effect


def _duplicate(number: int, system: System) -> Effect:
    lane = system.lanes[number]
    at = len(system.variables) + len(system.timers) + number

    def effect(r: Scratch) -> None:
        r.s[at] = _entered(lane, r.s[at], r.s[at][r.position], r.position + 1)

    return effect


def _entered(lane: Lane, held: tuple[Any, ...], message: tuple[int, ...], at: int) -> tuple[Any, ...]:
    """The lane with one more message at a place, or what its policy makes of it when it is full."""
    if len(held) >= lane.capacity:
        match lane.when_full:
            case WhenFull.DROP_NEWEST:
                return held
            case WhenFull.DROP_OLDEST:
                held, at = held[1:], max(0, at - 1)
            case WhenFull.ERROR | WhenFull.WAIT:
                raise FailureMet(Failed(Failure.FULL_LANE, lane.name, len(held) + 1, 0, lane.capacity))
            case _:
                assert_never(lane.when_full)
    filled = (*held[:at], message, *held[at:])
    return sorted_bag(filled) if lane.order is Order.UNORDERED else filled


def sorted_bag(held: tuple[Any, ...]) -> tuple[Any, ...]:
    """An unordered lane in its canonical order: the oldest first."""
    return tuple(sorted(held, key=lambda x: (-x[0], x[1:])))
