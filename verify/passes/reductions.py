"""The reductions, one after the other: a smaller system with the same answers, and traces turned back into its original's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from verify.base.record import record
from verify.passes.dead_messages import without_dead_messages
from verify.passes.dead_variables import without_dead_variables
from verify.passes.narrowing import narrowed
from verify.passes.slicing import sliced
from verify.passes.symmetry import Symmetry, symmetries_of
from verify.semantics.interpreter import TICK, Choice, Interpreter, State
from verify.system.property import Property
from verify.system.system import System, Taking

NARROWING = "narrowing"
SLICING = "slicing"
DEAD_MESSAGES = "dead messages"
DEAD_VARIABLES = "dead variables"
SYMMETRY = "symmetry"
IDLE_JUMPS = "idle jumps"  # made by the search: see verify.engines.native
ALL = frozenset((NARROWING, SLICING, DEAD_MESSAGES, DEAD_VARIABLES, SYMMETRY))
KNOWN = ALL | {IDLE_JUMPS}


class NotLifted(Exception):  # noqa: N818 - an answer that must never be given
    """A trace of the reduced system is none of the original: a bug of ours."""


@record
class Reduced:
    """A system that answers for ``original``.

    ``names``: the reductions that changed something, in the order they were made. ``emptied``: the lanes from which dead
    messages were taken out. ``symmetries``: of the reduced system, by which a search may keep one state for many.
    """

    original: System
    system: System
    properties: tuple[Property, ...]
    names: tuple[str, ...]
    emptied: frozenset[int] = frozenset()
    symmetries: tuple[Symmetry, ...] = ()

    @property
    def time_must_pass(self) -> bool:
        """Whether an answer with a note of a Zeno run has to be asked for again, without dead messages."""
        return bool(self.emptied)

    def lifted(self, choices: tuple[Choice, ...], loop: int | None) -> tuple[tuple[Choice, ...], int | None]:
        """A trace of the reduced system as one of the original; NotLifted if it is none.

        The same choices; before a tick, messages that the reduced system had taken out are delivered; a loop is gone round until
        it closes.
        """
        if not {SLICING, DEAD_MESSAGES, DEAD_VARIABLES} & set(self.names):
            return choices, loop
        return _Lifting(self).trace(choices, loop)


def reduced(system: System, properties: Sequence[Property], on: frozenset[str] = ALL) -> Reduced:
    """Make the reductions that are ``on``; ValueError for a name that is none."""
    if on - KNOWN:
        message = f"no such reduction: {', '.join(sorted(on - KNOWN))}"
        raise ValueError(message)
    asked = tuple(properties)
    names: list[str] = []
    emptied: frozenset[int] = frozenset()
    now = system
    if NARROWING in on:
        narrow = narrowed(now, asked)
        if (narrow.system, narrow.properties) != (now, asked):
            names.append(NARROWING)
            now, asked = narrow.system, narrow.properties
    if SLICING in on:
        part = sliced(now, asked)
        if part != now:
            names.append(SLICING)
            now = part
    if DEAD_MESSAGES in on:
        now, dead = without_dead_messages(now, asked)
        if dead:
            names.append(DEAD_MESSAGES)
            emptied = frozenset(lane for lane, _ in dead)
    if DEAD_VARIABLES in on:
        quiet = without_dead_variables(now, asked)
        if quiet != now:
            names.append(DEAD_VARIABLES)
            now = quiet
    symmetries: tuple[Symmetry, ...] = ()
    if SYMMETRY in on:  # the last, since it is about the system that is searched
        symmetries = symmetries_of(now, asked)
        names += [SYMMETRY] if symmetries else []
    return Reduced(system, now, asked, tuple(names), emptied, symmetries)


class _Pair(NamedTuple):
    """A state of the original, and the one of the reduced system that stands for it; None after an error."""

    whole: State | None
    small: State | None


class _Lifting:
    """Both systems run side by side."""

    def __init__(self, answer: Reduced) -> None:
        self.whole = Interpreter(answer.original)
        self.small = Interpreter(answer.system)
        self.emptied = answer.emptied
        self.lanes = len(answer.original.variables) + len(answer.original.timers)

    def trace(self, choices: tuple[Choice, ...], loop: int | None) -> tuple[tuple[Choice, ...], int | None]:
        made = [choices[0]]
        pair = _Pair(self._begun(self.whole, choices[0]), self._begun(self.small, choices[0]))
        stem = len(choices) if loop is None else loop + 1
        pair = self._gone(pair, choices[1:stem], made)
        if loop is None:
            return tuple(made), None
        seen: dict[State | None, int] = {}
        while pair.whole not in seen:
            seen[pair.whole] = len(made) - 1
            pair = self._gone(pair, choices[stem:], made)
        return tuple(made), seen[pair.whole]

    def _begun(self, interpreter: Interpreter, choice: Choice) -> State | None:
        return next(o.state for o in interpreter.initial() if o.choice == choice)

    def _gone(self, pair: _Pair, choices: tuple[Choice, ...], made: list[Choice]) -> _Pair:
        whole, small = pair
        for choice in choices:
            if whole is None or small is None:
                message = "the trace goes on after an error"
                raise NotLifted(message)
            while choice.step == TICK and not self.whole.tick_allowed(whole):
                extra, whole = self._delivered(whole, small)
                made.append(extra)
            after = next((o for o in self.whole.outcomes_of(whole, choice.step) if o.choice == choice), None)
            if after is None:
                message = f"step {choice.step} is not possible in the original"
                raise NotLifted(message)
            made.append(choice)
            whole, small = after.state, self.small.apply(small, choice).state
        return _Pair(whole, small)

    def _delivered(self, whole: State, small: State) -> tuple[Choice, State]:
        """A message delivered that only the original still holds."""
        for step in self._takers(whole, small):
            for outcome in self.whole.outcomes_of(whole, step):
                if outcome.state is not None:
                    return outcome.choice, outcome.state
        message = "time may pass in the reduced system only"
        raise NotLifted(message)

    def _takers(self, whole: State, small: State) -> Iterator[int]:
        for lane in sorted(self.emptied):
            if whole[self.lanes + lane] and not small[self.lanes + lane]:
                for number, step in enumerate(self.whole.system.steps):
                    if step.take is not None and step.take.lane == lane and step.take.taking is Taking.DELIVER:
                        yield number
