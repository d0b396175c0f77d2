"""The languages of other checkers, and the files that exports are kept in. Each exporter is loaded when it is asked."""

from __future__ import annotations

from pathlib import Path

from verify.base.diagnostic import InputError, error
from verify.base.place import Place
from verify.export.manner import PLAIN, Manner
from verify.system.property import Property
from verify.system.system import System

EXPORTS = {"promela": "for SPIN", "tla": "for TLC", "horn": "Horn clauses, for their solvers"}
EXPORTED = b"exported by verify"
HEAD = 400  # bytes of a file, in which that stands


def known_language(to: str, manner: Manner | None = None) -> None:
    """InputError unless something can be exported to ``to``, and in this manner."""
    if to not in EXPORTS:
        told = f"nothing is exported to '{to}'" if to else "--to has to say which language to export to"
        known = ", ".join(f"{name} ({checker})" for name, checker in EXPORTS.items())
        raise InputError([error("E826", told, help=f"known: {known}")])
    if to != "horn" and manner is not None:
        told = f"an export to {to} is written in one manner only"
        raise InputError([error("E829", told, help="--ignore-errors, --delays and --small are for: --to horn")])


def written(  # noqa: PLR0913 - what an export depends on
    system: System, asked: Property | None, to: str, version: str, manner: Manner | None, name: str
) -> str:
    """The system in a language that is known; NotExported if something in it has no counterpart there."""
    match to:
        case "horn":
            from verify.export.horn import horn  # noqa: PLC0415 - only who exports waits for it

            return horn(system, asked, version, manner or PLAIN)
        case "tla":
            from verify.export.tla.module import tla  # noqa: PLC0415 - only who exports waits for it

            return tla(system, asked, version, name)
        case _:
            from verify.export.promela import promela  # noqa: PLC0415 - only who exports waits for it

            return promela(system, asked, version)


def save_export(text: str, path: Path) -> list[Path]:
    """Write an export, a TLA+ module with its configuration beside it; InputError rather than overwrite what is none."""
    parts = {path: text}
    if path.suffix == ".tla":
        from verify.export.tla.module import configuration  # noqa: PLC0415 - only who exports waits for it

        parts[path.with_suffix(".cfg")] = configuration(text)
    for each in parts:
        _not_ours(each)
    for each, part in parts.items():
        try:
            each.write_text(part, encoding="utf-8")
        except OSError as problem:
            raise InputError([error("E803", f"cannot write {each}: {problem.strerror or problem}")]) from problem
    return list(parts)


def _not_ours(path: Path) -> None:
    try:
        if path.exists() and not (path.is_file() and EXPORTED in path.read_bytes()[:HEAD]):
            told = f"{path} is there already, and nothing that verify has exported: it is left alone"
            raise InputError([error("E805", told, Place(str(path)), "choose another name")])
    except OSError as problem:
        raise InputError([error("E803", f"cannot write {path}: {problem.strerror or problem}")]) from problem


def module_name(path: Path) -> str:
    """The name of a TLA+ module that is kept in a file; InputError if the file's name cannot be one."""
    from verify.export.tla.names import module_name as fitting  # noqa: PLC0415 - only who exports waits for it

    if path.suffix != ".tla" or fitting(path.stem) != path.stem:
        told = f"a module of TLA+ has the name of its file, and cannot be kept in {path.name}"
        raise InputError([error("E828", told, Place(str(path)), f"{fitting(path.stem)}.tla is a name that fits")])
    return path.stem
