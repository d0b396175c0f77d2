"""Check a proof by exhaustion: a closed set of states for each of the values of the open parameters, given or found again.

Where the certificate keeps no states, the reference interpreter searches: what is accepted then is the claim, on its own word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.certify.closed import check_closed, counts
from verify.certify.folder import Kept
from verify.certify.formula import Refused, Undecided
from verify.certify.reached import reached
from verify.certify.states import Row, read_rows
from verify.passes.valuations import MOST, close, close_property, valuations
from verify.system.property import Form, Property
from verify.system.system import System

_TROUBLE = (ArithmeticError, LookupError, TypeError, ValueError, RecursionError)  # of a system that nobody lowered


@dataclass(frozen=True, slots=True)
class Exhausted:
    """What was looked at: sets (one for each of the values of the parameters), states and transitions."""

    sets: int
    states: int
    transitions: int


def check_exhaustion(system: System, form: Form, sets: Sequence[Kept] = (), seconds: float | None = None) -> Exhausted:
    """Check that all that is reachable shows the property, for all values of the parameters; Refused if it does not.

    ``sets``: where the states are kept, () if they have to be found. ``seconds``: for all of it, None for as long as it takes.
    """
    until = None if seconds is None else time.monotonic() + seconds
    try:
        return _checked(system, form, sets, until)
    except _TROUBLE as problem:
        told = f"{type(problem).__name__}: {str(problem)[:80]}"
        raise Refused(f"the reference interpreter cannot run this system: {told}") from problem


def _checked(system: System, form: Form, sets: Sequence[Kept], until: float | None) -> Exhausted:
    wanted = values_of(system)
    kept = {s.values: s for s in sets}
    if sets and (len(kept) != len(sets) or set(kept) != set(wanted)):
        raise Refused(f"there are {len(sets)} sets of states, and not one for each of the {len(wanted)} values of the parameters")
    states = transitions = 0
    for values in wanted:
        here, asked = closed_for(system, form, values)
        rows: Iterable[Row]
        if sets:
            rows = read_rows(kept[values].path, here, kept[values].count, counting=counts(asked))
        else:
            rows = reached(here, asked, None, until)
        done = check_closed(here, asked, rows, until)
        states, transitions = states + done.states, transitions + done.transitions
    return Exhausted(len(wanted), states, transitions)


def find_sets(system: System, form: Form, most: int, seconds: float | None = None) -> dict[tuple[int, ...], list[Row]]:
    """The states for each of the values of the parameters; {} if together they are more than ``most``, or take too long.

    Refused if they do not show the property: then what is claimed is false.
    """
    until = None if seconds is None else time.monotonic() + seconds
    found: dict[tuple[int, ...], list[Row]] = {}
    left = most
    try:
        for values in values_of(system):
            here, asked = closed_for(system, form, values)
            rows = reached(here, asked, left, until)
            check_closed(here, asked, rows, until)
            found[values] = rows
            left -= len(rows)
    except Undecided:
        return {}
    return found


def values_of(system: System) -> tuple[tuple[int, ...], ...]:
    """All values of the parameters that the assumptions allow: of a closed system, one without any."""
    known = valuations(system)
    if known.too_many:
        raise Refused(f"{known.total:,} values of the open parameters are more than are searched one by one ({MOST:,})")
    if not known.all:
        raise Refused("no values of the parameters satisfy what is assumed")
    return known.all


def closed_for(system: System, form: Form, values: tuple[int, ...]) -> tuple[System, Form]:
    """The system and the form for these values."""
    return close(system, values), close_property(Property("", form), values).form
