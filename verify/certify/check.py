"""Check a certificate: build everything that has to be shown, ask the solvers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.certify.formula import Refused, Undecided
from verify.certify.obligations import obligations
from verify.certify.solvers import installed
from verify.system.property import Form
from verify.system.system import System

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """Every obligation was shown by each of the solvers."""

    obligations: int
    solvers: tuple[str, ...]


def check(  # noqa: PLR0913 - what a certificate says, and how it is to be checked
    system: System,
    form: Form,
    invariant: str,
    rank: str,
    *,
    only: Sequence[str] | None = None,
    seconds: float = SECONDS,
    steps: int = 1,
) -> Accepted:
    """Check that the invariant proves the property of the system, for all values of its parameters; Refused if it does not.

    ``only``: the names of the solvers to ask, by default all that are installed. ``seconds``: for each question. ``steps``: of
    the induction, see :func:`verify.certify.obligations.obligations`.
    """
    solvers = {n: s for n, s in installed().items() if only is None or n in only}
    asked = obligations(system, form, invariant, rank, steps)
    for obligation in asked:
        for name, says in solvers.items():
            answer = says(obligation.script, seconds)
            if answer != ("sat" if obligation.satisfiable else "unsat"):
                if answer not in ("sat", "unsat"):
                    raise Undecided(f"{name} does not decide the obligation '{obligation.name}': {answer}")
                raise Refused(f"{name}: {_why(obligation.name)}")
    return Accepted(len(asked), tuple(solvers))


def _why(obligation: str) -> str:
    kind, _, step = obligation.partition("-")
    return {
        "premises": "no values of the parameters satisfy what is assumed",
        "base": f"there may be a violation after {step} steps",
        "begin": "the invariant does not hold in every first state",
        "property": "the invariant does not exclude a violation",
        "step": f"the step {step} leads out of the invariant, or into an error",
        "time": f"the rank does not show that time passes: {f'the step {step}' if step else 'it may be negative'}",
    }[kind]
