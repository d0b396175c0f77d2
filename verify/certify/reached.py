"""Every state that the reference interpreter reaches, with the most that the observer of a property can have counted in it."""

from __future__ import annotations

import time
from collections import deque

from verify.certify.closed import CHECK_EVERY, IDLE, Observer, able, observer_of
from verify.certify.formula import Refused, Undecided
from verify.certify.states import Row
from verify.semantics.interpreter import TICK, Interpreter, Outcome, State
from verify.system.property import Form
from verify.system.system import System

KEEP, BEGIN, END = 0, 1, 2  # what an observer makes of an arrival
Edge = tuple[int, int, int]  # where to, 1 of a tick, what the observer makes of it


def reached(system: System, form: Form, most: int | None = None, until: float | None = None) -> list[Row]:
    """The rows of a closed system, in no order.

    Undecided if there are more than ``most``, or ``until`` (of ``time.monotonic()``) is over; Refused if an error is reached.
    Counts end one above the bound: such a row is a violation.
    """
    able(system)
    return _Search(system, form, most, until).rows()


class _Search:
    def __init__(self, system: System, form: Form, most: int | None, until: float | None) -> None:
        self.interpreter = Interpreter(system)
        self.observer = observer_of(self.interpreter, form)
        self.most = most
        self.until = until
        self.number: dict[State, int] = {}
        self.states: list[State] = []
        self.edges: list[list[Edge]] = []

    def rows(self) -> list[Row]:
        for outcome in self.interpreter.initial():
            self.at(outcome)
        first = len(self.states)
        while len(self.edges) < len(self.states):
            self.hurry(len(self.edges))
            outcomes = self.interpreter.outcomes(self.states[len(self.edges)])
            self.edges.append([self.edge(outcome) for outcome in outcomes])
        return list(map(Row, self.states, self.counted(self.observer, first)))

    def at(self, outcome: Outcome) -> int:
        """The number of the state that a transition leads to."""
        if outcome.state is None:
            raise Refused("the reference interpreter meets an error")
        found = self.number.setdefault(outcome.state, len(self.states))
        if found == len(self.states):
            if found == self.most:
                raise Undecided(f"there are more than {self.most:,} states")
            self.states.append(outcome.state)
        return found

    def edge(self, outcome: Outcome) -> Edge:
        """A transition: its class is that of an arrival from where the observer does not wait, and from where it does."""
        to = self.at(outcome)
        if self.observer is None:
            return to, 0, KEEP
        state = self.states[to]
        if self.observer.arrives(1, outcome, state) == IDLE:
            made = END
        else:
            made = KEEP if self.observer.arrives(IDLE, outcome, state) == IDLE else BEGIN
        return to, int(outcome.choice.step == TICK), made

    def counted(self, observer: Observer | None, first: int) -> list[int]:
        """The most that can be counted in each state: raised until nothing rises."""
        most = [IDLE] * len(self.states)
        if observer is None:
            return most
        for number in range(first):
            most[number] = observer.at_first(self.states[number])
        waiting = deque(range(len(self.states)))
        inside = bytearray(b"\1") * len(self.states)
        steps = 0
        while waiting:
            self.hurry(steps := steps + 1)
            state = waiting.popleft()
            inside[state] = 0
            before = most[state]
            for to, tick, made in self.edges[state]:
                if made == END:
                    continue
                begun = 0 if made == BEGIN else IDLE
                now = begun if before == IDLE else min(before + tick, observer.bound + 1)
                if now > most[to]:
                    most[to] = now
                    if not inside[to]:
                        inside[to] = 1
                        waiting.append(to)
        return most

    def hurry(self, number: int) -> None:
        """Look at the clock now and then."""
        if number % CHECK_EVERY == 0 and self.until is not None and time.monotonic() > self.until:
            raise Undecided(f"the time limit is met after {len(self.states):,} states")
