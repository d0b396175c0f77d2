"""Effects of a step, executed in order; each sees what those before it did. A block is a tuple of statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from verify.base.record import record
from verify.system.expression import Expression


@record
class Assign:
    """Store a value in a variable. Outside its domain: the error RANGE, which ends the run."""

    variable: int
    value: Expression


@record
class Start:
    """Start a timer for so many ticks, replacing what ran; 0 ticks: expired now. Below 0 or above its maximum: RANGE."""

    timer: int
    ticks: Expression


@record
class Stop:
    """Stop a timer."""

    timer: int


@record
class Send:
    """Put a message of ``system.messages[message]``, age 0, at the end of a lane.

    Vanishes when the lane is not ``open``. A field outside its domain: RANGE. A full lane does what its policy says.
    """

    lane: int
    message: int
    fields: tuple[Expression, ...]


@record
class Duplicate:
    """Put a second copy of the message that the step took (but did not remove) right behind it."""

    lane: int


@record
class Clear:
    """Empty a lane."""

    lane: int


@record
class Bind:
    """Give a local slot a value, for the rest of the step."""

    slot: int
    value: Expression


@record
class If:
    """Run ``then`` or ``otherwise``."""

    condition: Expression
    then: Block
    otherwise: Block = ()


@record
class Choose:
    """Bind ``slot`` to any of ``low``..``high`` for which ``where`` (which may read the slot) holds: one transition each.

    None: the error CHOICE, which ends the run.
    """

    slot: int
    low: int
    high: int
    where: Expression


@record
class Either:
    """Run any one of the branches: one transition each."""

    branches: tuple[Block, ...]


@record
class Occur:
    """``system.events[event]`` occurs in this step."""

    event: int


@record
class Mark:
    """``system.rules[rule]`` is what runs from here on: provenance, no effect."""

    rule: int


Statement = Assign | Start | Stop | Send | Duplicate | Clear | Bind | If | Choose | Either | Occur | Mark
Block = tuple[Statement, ...]


def statements(block: Iterable[Statement]) -> Iterator[Statement]:
    """All statements in text order, those within others included."""
    for statement in block:
        yield statement
        match statement:
            case If(_, then, otherwise):
                yield from statements(then)
                yield from statements(otherwise)
            case Either(branches):
                for branch in branches:
                    yield from statements(branch)
            case _:
                pass
