"""Traces and their replay."""

from __future__ import annotations

from verify.base.record import record
from verify.semantics.effects import Failed
from verify.semantics.interpreter import START, TICK, Choice, Interpreter, NotEnabled, Outcome
from verify.semantics.satisfaction import Moment


@record
class Trace:
    """Choices from the beginning on, the first with step START. ``loop``: the index of the state that the last one returns to."""

    choices: tuple[Choice, ...]
    loop: int | None = None


@record
class Run:
    """A replayed trace: ``outcomes[i]`` led to the i-th state. ``failed``: the error that ended it, if one did."""

    trace: Trace
    outcomes: tuple[Outcome, ...]
    failed: Failed | None = None

    @property
    def moments(self) -> list[Moment]:
        """Its moments; an outcome that failed has no state and is none."""
        return [Moment(o.state, o.events, o.choice.step) for o in self.outcomes if o.state is not None]

    @property
    def steps(self) -> int:
        """Transitions taken, ticks included."""
        return len(self.outcomes) - 1

    @property
    def ticks(self) -> int:
        """Ticks among them: the time that passes."""
        return sum(1 for o in self.outcomes if o.choice.step == TICK)

    @property
    def events(self) -> int:
        """Steps that are not ticks."""
        return self.steps - self.ticks


class ReplayFailed(Exception):  # noqa: N818 - an answer to a question
    """The trace is none of this system."""


def replay(interpreter: Interpreter, trace: Trace) -> Run:
    """Run a trace's choices; ReplayFailed if one of them is not possible where it stands."""
    if not trace.choices or trace.choices[0].step != START:
        message = "a trace begins with its initial state"
        raise ReplayFailed(message)
    first = next((o for o in interpreter.initial() if o.choice == trace.choices[0]), None)
    if first is None:
        message = "there is no such initial state"
        raise ReplayFailed(message)
    outcomes = [first]
    for number, choice in enumerate(trace.choices[1:], 1):
        state = outcomes[-1].state
        if state is None:
            message = f"step {number}: the run ended in an error before"
            raise ReplayFailed(message)
        try:
            outcomes.append(interpreter.apply(state, choice))
        except NotEnabled:
            message = f"step {number} is not possible there"
            raise ReplayFailed(message) from None
    if trace.loop is not None and not 0 <= trace.loop < len(outcomes):
        message = "the loop begins outside the trace"
        raise ReplayFailed(message)
    return Run(trace, tuple(outcomes), outcomes[-1].failed)
