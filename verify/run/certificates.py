"""What backs a verdict, written down: certificates of proofs, by induction and by exhaustion."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from verify.base.diagnostic import InputError, error
from verify.base.verdict import Verdict
from verify.certify.exhaustion import find_sets
from verify.certify.folder import Invariant, save, save_exhaustion
from verify.certify.formula import Refused
from verify.judge.judge import Convicted
from verify.run.checking import Result

KEPT = 10_000  # states of a proof by exhaustion that are written down
KEPT_SECONDS = 60.0  # in which they are to be found


def write_certificates(results: Iterable[Result], folder: Path, *, states: int = KEPT) -> list[Path]:
    """A certificate, in a folder of its own, for each proof by induction and each exhaustion.

    ``states``: the most that are kept; where there are more, ``verify certify`` has to search again. InputError if it cannot be
    written, Convicted if the reference interpreter finds that something else is so.
    """
    written: list[Path] = []
    try:
        for result in results:
            own = folder / f"{result.file_name}.certificate"
            proof = result.ruling.proof
            if proof is not None:
                shown = Invariant(proof.invariant, proof.rank, proof.steps)
                written.append(save(result.system, result.asked, shown, own))
            elif _exhausted(result):
                written.append(_write_exhaustion(result, own, states))
    except OSError as problem:
        raise InputError([error("E803", f"cannot write to {folder}: {problem.strerror or problem}")]) from problem
    return written


def _exhausted(result: Result) -> bool:
    """Whether all states were seen, and show the verdict."""
    return result.verdict in (Verdict.PROVED, Verdict.VIOLATED) and result.ruling.run is None


def _write_exhaustion(result: Result, folder: Path, states: int) -> Path:
    system, asked = result.system, result.asked
    try:
        sets = find_sets(system, asked.form, states, KEPT_SECONDS)
    except Refused as problem:
        told = f"'{asked.name}' in '{system.name}' is said to be {result.verdict.value}"
        message = f"{told}, and the reference interpreter does not agree: {problem}"
        raise Convicted(message) from problem
    return save_exhaustion(system, asked, result.ruling.backing, sets, folder)
