"""What was sent in a run and not carried: its lane was not open, as where the network is cut.

A state does not show it. So the run is made once more, with a second lane behind each that can close: it takes what the first
does not. It is emptied after each step, and nothing reads it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from verify.semantics.interpreter import START, TICK, Choice, Interpreter, NotEnabled, Outcome, State
from verify.system.expression import TRUE, negation
from verify.system.statement import Block, Either, If, Send, Statement
from verify.system.system import Lane, Order, System, WhenFull
from verify.trace.trace import Run

MOST = 64  # messages of one step into one lane


def uncarried(run: Run, system: System) -> list[list[tuple[int, tuple[int, ...]]]]:
    """For each outcome of a run, the lanes that took nothing and the messages: kind, then fields."""
    closing = [i for i, lane in enumerate(system.lanes) if lane.open != TRUE]
    if not closing:
        return [[] for _ in run.outcomes]
    interpreter = Interpreter(_doubled(system, closing))
    found: list[list[tuple[int, tuple[int, ...]]]] = []
    before: State | None = None
    for outcome in run.outcomes:
        again = None if outcome.state is None else _again(interpreter, before, outcome.choice, len(closing))
        taken = () if again is None or again.state is None else again.state[-len(closing) :]
        found.append([(n, message[1:]) for n, held in zip(closing, taken, strict=False) for message in held])
        before = outcome.state
    return found


def _again(interpreter: Interpreter, before: State | None, choice: Choice, more: int) -> Outcome | None:
    if choice.step == START:
        return next((o for o in interpreter.initial() if o.choice == choice), None)
    if before is None or (choice.step == TICK and not interpreter.system.atomic):
        return None
    try:
        return interpreter.apply((*before, *[()] * more), choice)
    except NotEnabled:
        return None


def _doubled(system: System, closing: list[int]) -> System:
    behind = {n: len(system.lanes) + k for k, n in enumerate(closing)}
    lanes = [_behind(system.lanes[n]) for n in closing]
    steps = tuple(replace(step, body=_block(step.body, behind)) for step in system.steps)
    initially = _block(system.initially, behind)
    return replace(system, lanes=(*system.lanes, *lanes), steps=steps, initially=initially)


def _behind(lane: Lane) -> Lane:
    gate = negation(lane.open)
    return replace(lane, capacity=MOST, order=Order.FIFO, when_full=WhenFull.DROP_NEWEST, open=gate)


def _block(block: Block, behind: dict[int, int]) -> Block:
    return tuple(x for statement in block for x in _twice(statement, behind))


def _twice(statement: Statement, behind: dict[int, int]) -> tuple[Any, ...]:
    match statement:
        case Send(lane) if lane in behind:
            return statement, replace(statement, lane=behind[lane])
        case If(_, then, otherwise):
            return (replace(statement, then=_block(then, behind), otherwise=_block(otherwise, behind)),)
        case Either(branches):
            return (replace(statement, branches=tuple(_block(b, behind) for b in branches)),)
        case _:
            return (statement,)
