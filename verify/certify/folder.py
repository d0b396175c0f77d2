"""Certificates as folders of files: the system, the property, and what shows it.

Of a proof by induction, the invariant and the rank, and for reading what has to be shown of them. Of a proof by exhaustion, the
reachable states of the system, one file for each value of its open parameters; none where there are more than were to be kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.base.diagnostic import Diagnostic, InputError, error
from verify.base.place import Place
from verify.certify.closed import counts
from verify.certify.formula import Refused
from verify.certify.obligations import obligations
from verify.certify.states import Row, write_rows
from verify.system.property import Form, Property
from verify.system.serialise import dump, dump_form, load, load_form
from verify.system.system import System
from verify.system.wellformed import property_faults

FORMAT = "redundancy-verify certificate"
VERSION = 2
INDUCTION, EXHAUSTION = "induction", "exhaustion"
_LARGEST = 100_000_000


@dataclass(frozen=True, slots=True)
class Invariant:
    """A formula over states, a rank, and the steps of the induction: see :mod:`verify.certify.obligations`."""

    invariant: str
    rank: str
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A closed set of states in a file: how many there are, for these values of the open parameters."""

    values: tuple[int, ...]
    count: int
    path: Path


@dataclass(frozen=True, slots=True)
class ClosedSets:
    """What was searched, in the engine's words; and the sets of states, in the order of the values (): none are kept."""

    found: str
    sets: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is claimed, and why."""

    system: System
    property: Property
    proof: Invariant | ClosedSets


def save(system: System, asked: Property, proof: Invariant, folder: Path) -> Path:
    """Write a proof by induction into a folder of its own; the file to be given to ``verify certify``."""
    from verify.certify.reading import readable  # noqa: PLC0415 - Z3 takes a while to load

    folder.mkdir(parents=True, exist_ok=True)
    invariant, rank = proof.invariant, proof.rank
    (folder / "invariant.smt2").write_text(invariant + "\n", encoding="utf-8")
    (folder / "invariant.txt").write_text(readable(system, asked.form, invariant), encoding="utf-8")
    (folder / "rank.smt2").write_text(rank + "\n", encoding="utf-8")
    for o in obligations(system, asked.form, invariant, rank, proof.steps):
        wanted = "satisfiable" if o.satisfiable else "unsatisfiable"
        (folder / f"{o.name}.smt2").write_text(f"; has to be {wanted}\n{o.script}", encoding="utf-8")
    return _headed(folder, system, asked, {"kind": INDUCTION, "steps": proof.steps})


def save_exhaustion(
    system: System, asked: Property, found: str, sets: dict[tuple[int, ...], list[Row]], folder: Path
) -> Path:
    """Write a proof by exhaustion; ``sets``: the states for each of the values of the open parameters, {} if none are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for number, (values, rows) in enumerate(sets.items(), 1):
        count = write_rows(folder / _set_name(number), rows, counting=counts(asked.form))
        told.append({"values": list(values), "states": count})
    return _headed(folder, system, asked, {"kind": EXHAUSTION, "found": found, "sets": told})


def _set_name(number: int) -> str:
    return f"states-{number}.jsonl.gz"


def _headed(folder: Path, system: System, asked: Property, proof: dict[str, Any]) -> Path:
    told = {
        "format": FORMAT,
        "version": VERSION,
        **proof,
        "property": {"name": asked.name, "text": asked.text, "form": dump_form(asked.form)},
        "system": dump(system),
    }
    path = folder / "certificate.json"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return path


def open_certificate(path: Path) -> Certificate:
    """The certificate in a folder, or whose ``certificate.json`` this is.

    InputError if there is none that can be read; Refused if there is one, and what it says cannot be.
    """
    head = path / "certificate.json" if path.is_dir() else path
    folder = head.parent
    try:
        told = json.loads(_text(head))
    except (ValueError, RecursionError) as problem:
        raise InputError([_unreadable(head, f"is no JSON: {str(problem)[:80]}")]) from problem
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise InputError([_unreadable(head, "is no certificate written by verify")])
    if told.get("version") != VERSION or told.get("kind") not in (INDUCTION, EXHAUSTION):
        version = f"{str(told.get('version'))[:20]}, {str(told.get('kind'))[:20]}"
        raise InputError([_unreadable(head, f"is a certificate of another version ({version}); this is version {VERSION}")])
    asked = told.get("property")
    if not isinstance(asked, dict) or not isinstance(asked.get("name"), str) or not isinstance(asked.get("text"), str):
        raise InputError([_unreadable(head, "tells no property")])
    system, form = _claimed(told.get("system"), asked.get("form"), head)
    proof: Invariant | ClosedSets
    if told["kind"] == INDUCTION:
        if type(told.get("steps")) is not int:
            raise InputError([_unreadable(head, "does not tell the steps of its induction")])
        proof = Invariant(_text(folder / "invariant.smt2"), _text(folder / "rank.smt2"), told["steps"])
    else:
        proof = _closed_sets(told, system, folder)
    return Certificate(system, Property(asked["name"], form, asked["text"]), proof)


def _claimed(system: object, form: object, path: Path) -> tuple[System, Form]:
    try:
        known, meant = load(system), load_form(form)
    except InputError as problem:
        raise Refused(problem.diagnostics[0].message) from problem
    faults = property_faults(meant, known)
    if faults:
        raise Refused(f"the property does not fit the system of {path.name}: {faults[0]}")
    return known, meant


def _closed_sets(told: dict[str, Any], system: System, folder: Path) -> ClosedSets:
    sets: list[Kept] = []
    listed = told.get("sets")
    for number, item in enumerate(listed if isinstance(listed, list) else [None], 1):
        match item:
            case {"values": [*values], "states": int(count)} if all(type(v) is int for v in values):
                if len(values) != len(system.parameters):
                    raise Refused(f"a set of states gives {len(values)} values to {len(system.parameters)} parameters")
                sets.append(Kept(tuple(values), count, folder / _set_name(number)))
            case _:
                raise InputError([_unreadable(folder / "certificate.json", "does not list its sets of states")])
    return ClosedSets(str(told.get("found", "")), tuple(sets))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError([_unreadable(path, f"is larger than {_LARGEST:,} bytes")])
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        told = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise InputError([_unreadable(path, f"cannot be read: {told or problem}")]) from problem


def _unreadable(path: Path, why: str) -> Diagnostic:
    help_text = "a certificate is a folder that check --out has written, or the certificate.json in it"
    return error("E833", f"{path} {why}", Place(str(path)), help_text)
