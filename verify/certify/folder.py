"""Certificates as folders of files: the system, the property, the invariant, the rank; and, for reading, what has to be shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from verify.base.diagnostic import InputError
from verify.certify.formula import Refused
from verify.certify.obligations import obligations
from verify.system.property import Property
from verify.system.serialise import dump, dump_form, load, load_form
from verify.system.system import System
from verify.system.wellformed import property_faults

FORMAT = "redundancy-verify certificate"
VERSION = 1
_LARGEST = 100_000_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is claimed, and why: see :mod:`verify.certify.obligations`."""

    system: System
    property: Property
    invariant: str
    rank: str


def save(certificate: Certificate, folder: Path) -> Path:
    """Write a certificate into a folder of its own; the file to be given to ``verify certify``."""
    from verify.certify.reading import readable  # noqa: PLC0415 - Z3 takes a while to load

    folder.mkdir(parents=True, exist_ok=True)
    what = certificate.property
    told = {
        "format": FORMAT,
        "version": VERSION,
        "property": {"name": what.name, "text": what.text, "form": dump_form(what.form)},
        "system": dump(certificate.system),
    }
    (folder / "invariant.smt2").write_text(certificate.invariant + "\n", encoding="utf-8")
    (folder / "invariant.txt").write_text(readable(certificate.system, what.form, certificate.invariant), encoding="utf-8")
    (folder / "rank.smt2").write_text(certificate.rank + "\n", encoding="utf-8")
    for o in obligations(certificate.system, what.form, certificate.invariant, certificate.rank):
        wanted = "satisfiable" if o.satisfiable else "unsatisfiable"
        (folder / f"{o.name}.smt2").write_text(f"; has to be {wanted}\n{o.script}", encoding="utf-8")
    path = folder / "certificate.json"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return path


def open_certificate(path: Path) -> Certificate:
    """The certificate in a folder, or whose ``certificate.json`` this is; Refused if it is none."""
    folder = path if path.is_dir() else path.parent
    try:
        told = json.loads(_text(folder / "certificate.json" if path.is_dir() else path))
    except (ValueError, RecursionError) as problem:
        raise Refused(f"{path} holds no certificate: {problem}") from problem
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("version") != VERSION:
        raise Refused(f"{path} is no certificate of version {VERSION}")
    asked = told.get("property")
    if not isinstance(asked, dict) or not isinstance(asked.get("name"), str) or not isinstance(asked.get("text"), str):
        raise Refused(f"{path} tells no property")
    try:
        system, form = load(told.get("system")), load_form(asked.get("form"))
    except InputError as problem:
        raise Refused(f"{path}: {problem.diagnostics[0].message}") from problem
    faults = property_faults(form, system)
    if faults:
        raise Refused(f"{path}: the property does not fit the system: {faults[0]}")
    invariant, rank = (_text(folder / name) for name in ("invariant.smt2", "rank.smt2"))
    return Certificate(system, Property(asked["name"], form, asked["text"]), invariant, rank)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise Refused(f"{path} is larger than {_LARGEST:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise Refused(f"{path} cannot be read: {problem}") from problem
