"""The port: what every engine is asked, and what it may claim."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from verify.base.budget import Budget
from verify.base.record import record
from verify.system.property import Property
from verify.system.system import System
from verify.trace.trace import Trace


class Fault(Enum):
    """Why a question is faulty, besides the errors that the semantics knows."""

    FAILURE = "an error is reachable"
    LIVELOCK = "an urgent livelock is reachable"
    TIMELOCK = "time cannot pass any more"
    DEADLOCK = "nothing can happen any more"


@record
class Exhausted:
    """Evidence: all reachable states were seen. ``digest``: of the system asked about; ``reductions``: that made it smaller."""

    engine: str
    states: int
    transitions: int
    depth: int
    digest: str
    reductions: tuple[str, ...] = ()


@record
class Unrolled:
    """Evidence of a solver's trace: so many moves were looked at. ``values``: of the open parameters, for its trace."""

    engine: str
    depth: int
    values: tuple[int, ...]
    digest: str


@record
class Inductive:
    """Evidence for all values of the open parameters: an invariant and a rank, in the words of :mod:`verify.certify.vocabulary`.

    ``method``: how they were found, in words. ``digest``: of the system as it was asked about. ``steps``: of the induction; where
    there are several, the invariant alone need not exclude a violation.
    """

    engine: str
    invariant: str
    rank: str
    method: str
    digest: str
    steps: int = 1


Evidence = Exhausted | Unrolled | Inductive


@record
class Holds:
    """It holds: by exhaustion, induction, or (``possible``) a witness. ``premise_seen`` None: no premise, or not known."""

    evidence: Evidence
    witness: Trace | None = None
    premise_seen: bool | None = None


@record
class Fails:
    """The property does not hold: by a trace, or (``possible``, trace None) by exhaustion or induction."""

    trace: Trace | None
    evidence: Evidence


@record
class Unknown:
    """Not known: why, and how far the search got."""

    reason: str
    states: int = 0
    transitions: int = 0
    depth: int = 0


def cut_short(why: str, found: Exhausted, *, endless: bool) -> Unknown:
    """What a search that ended early, without a violation, says. ``endless``: of a property of endless runs."""
    looked = "no finite violation" if endless else "no violation"
    note = " (endless runs are looked at when the search is whole)" if endless else ""
    reason = f"{why}{note}: {looked} up to depth {max(0, found.depth - 1)}"
    return Unknown(reason, found.states, found.transitions, found.depth)


@record
class Faulty:
    """The question is faulty: the trace leads to the error, or to where time stands still; its loop is a livelock's."""

    fault: Fault
    trace: Trace
    evidence: Evidence


@record
class Claim:
    """An engine's answer to one property, with what else it noticed (``notes``)."""

    answer: Holds | Fails | Unknown | Faulty
    notes: tuple[str, ...] = ()


class Engine(Protocol):
    """What explores. The system is closed, but for the symbolic engine's; the claims are in the order of the properties."""

    name: str

    def check(self, system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
        """Answer each property as far as the budget allows."""
        ...
