"""What a run has written down, judged again from its file alone: certificates of proofs, traces of violations and witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from verify.base.diagnostic import InputError, error
from verify.base.place import Place
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.certify.check import check
from verify.certify.exhaustion import check_exhaustion
from verify.certify.folder import Certificate, ClosedSets, Invariant, open_certificate
from verify.certify.formula import Refused
from verify.judge.judge import Convicted, shown_by
from verify.system.display import show_time
from verify.system.property import Possible, Property, Safety
from verify.system.system import System
from verify.trace import itf

CERTIFICATE = "certificate.json"


@record
class Certified:
    """What was accepted: of which property and system, that it is ``verdict``; ``every``: for all values of open parameters.

    ``shown``: what was looked at, in words.
    """

    verdict: Verdict
    property: Property
    system: str
    every: bool
    shown: str


def recheck(path: Path, *, only: Sequence[str] | None = None, seconds: float | None = None) -> Certified:
    """Judge a certificate or a trace file. Refused if it does not show what it claims, InputError if it cannot be read.

    ``only``: the solvers to ask, by default all that are installed. ``seconds``: for each question to a solver, for each search.
    """
    if not path.is_dir() and path.name != CERTIFICATE:
        return _trace(path)
    known = open_certificate(path)
    verdict = Verdict.VIOLATED if isinstance(known.property.form, Possible) else Verdict.PROVED
    return Certified(verdict, known.property, known.system.name, bool(known.system.parameters), _proof(known, only, seconds))


def _proof(known: Certificate, only: Sequence[str] | None, seconds: float | None) -> str:
    system, form, shown = known.system, known.property.form, known.proof
    match shown:
        case Invariant(invariant, rank):
            asking = 10**6 if seconds is None else seconds
            done = check(system, form, invariant, rank, only=only, seconds=asking, steps=shown.steps)
            return f"{done.obligations} obligations, each shown by {' and '.join(done.solvers)}"
        case ClosedSets(_, sets):
            found = check_exhaustion(system, form, sets, seconds)
            many, steps = f"{found.states:,} states", f"{found.transitions:,} transitions"
            several = "" if found.sets == 1 else f", for {found.sets} values of the parameters"
            endless = "" if isinstance(form, Safety) else f"; no endless run along them violates the property{_given(system)}"
            if sets:
                return f"a closed set of {many}{several}: by the reference interpreter, none of {steps} leaves it{endless}"
            return f"no states are kept; searched again by the reference interpreter: {many}, {steps}{several}{endless}"
        case _:
            assert_never(shown)


def _given(system: System) -> str:
    """The fairness that is declared, which a proof about endless runs rests on."""
    promised = [f"{f.name}{' (strongly)' if f.strong else ''}" for f in system.fairness]
    return f", given fairness to {', '.join(promised)}" if promised else ""


def _trace(path: Path) -> Certified:
    saved = itf.read_all(path)
    told = saved.described
    verdict = next((v for v in Verdict if v.value == told["verdict"]), None)
    if verdict is None or verdict is Verdict.UNDECIDED:
        claimed = told["verdict"][:40]
        raise InputError([error("E802", f"{path} tells no verdict that a trace can show: '{claimed}'", Place(str(path)))])
    if saved.form is None:
        raise Refused("the file says what was asked in words only")
    asked = Property(told["property"], saved.form, told["text"])
    try:
        run = shown_by(saved.system, asked, verdict, saved.trace)
    except Convicted as problem:
        raise Refused(str(problem)) from problem
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as problem:
        told_why = f"{type(problem).__name__}: {str(problem)[:80]}"
        raise Refused(f"the reference interpreter cannot run this system: {told_why}") from problem
    if saved.shown != itf.shown_states(run, saved.system):
        raise Refused("the states that stand in the file are not those of the run")
    lasso = "" if saved.trace.loop is None else f", the last {run.steps - saved.trace.loop} of them for ever"
    shown = f"a run of {run.steps} steps, {show_time(run.ticks, saved.system)}{lasso}, taken again by the reference interpreter"
    return Certified(verdict, asked, saved.system.name, every=False, shown=shown)
