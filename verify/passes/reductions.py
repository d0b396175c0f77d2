"""The reductions, one after the other: a smaller system with the same answers, and traces turned back into its original's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.passes.dead_variables import without_dead_variables
from verify.passes.narrowing import narrowed
from verify.semantics.interpreter import Choice, Interpreter, State
from verify.system.property import Property
from verify.system.system import System

NARROWING = "narrowing"
DEAD_VARIABLES = "dead variables"
ALL = frozenset((NARROWING, DEAD_VARIABLES))


@dataclass(frozen=True, slots=True)
class Reduced:
    """A system that answers for ``original``. ``names``: the reductions that changed something, in the order they were made."""

    original: System
    system: System
    properties: tuple[Property, ...]
    names: tuple[str, ...]

    def lifted(self, choices: tuple[Choice, ...], loop: int | None) -> tuple[tuple[Choice, ...], int | None]:
        """A trace of the reduced system as one of the original: the same choices, a loop gone round until it closes."""
        if loop is None or DEAD_VARIABLES not in self.names:
            return choices, loop
        return _closed(Interpreter(self.original), choices, loop)


def reduced(system: System, properties: Sequence[Property], on: frozenset[str] = ALL) -> Reduced:
    """Make the reductions that are ``on``; ValueError for a name that is none."""
    if on - ALL:
        message = f"no such reduction: {', '.join(sorted(on - ALL))}"
        raise ValueError(message)
    asked = tuple(properties)
    names: list[str] = []
    now = system
    if NARROWING in on:
        narrow = narrowed(now, asked)
        if (narrow.system, narrow.properties) != (now, asked):
            names.append(NARROWING)
            now, asked = narrow.system, narrow.properties
    if DEAD_VARIABLES in on:
        quiet = without_dead_variables(now, asked)
        if quiet != now:
            names.append(DEAD_VARIABLES)
            now = quiet
    return Reduced(system, now, asked, tuple(names))


def _closed(interpreter: Interpreter, choices: tuple[Choice, ...], loop: int) -> tuple[tuple[Choice, ...], int]:
    """Go round a loop of bisimilar states until it comes back to a state in which it began before."""
    first = next(o.state for o in interpreter.initial() if o.choice == choices[0])
    state = _after(interpreter, first, choices[1 : loop + 1])
    around = choices[loop + 1 :]
    seen = [state]
    while True:
        state = _after(interpreter, state, around)
        if state in seen:
            break
        seen.append(state)
    before = seen.index(state)
    return choices[: loop + 1] + around * len(seen), loop + before * len(around)


def _after(interpreter: Interpreter, state: State | None, choices: tuple[Choice, ...]) -> State | None:
    for choice in choices:
        if state is None:
            message = "the trace goes on after an error"
            raise ValueError(message)
        state = interpreter.apply(state, choice).state
    return state
