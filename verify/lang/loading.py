"""From a path to the parsed files it needs: limits, imports, and where ``use vrrp`` finds its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from verify.base.diagnostic import Diagnostic, InputError, did_you_mean, error
from verify.base.place import NOWHERE, Place
from verify.lang import syntax as s
from verify.lang.parsing import parse

LARGEST_FILE = 2 * 2**20  # bytes; raised with --max-file-size


@dataclass(slots=True)
class Sources:
    """Files read so far: texts and trees by path. ``largest``: the size limit of one file, in bytes.

    ``given``: texts to be taken instead of files of these names.
    """

    largest: int = LARGEST_FILE
    given: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, s.File] = field(default_factory=dict)


def library_folder(kind: str) -> Path:
    """The folder of shipped ``models`` or ``specs``: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "library" / kind
    return installed if installed.is_dir() else package.parent / kind


def read_text(path: Path, sources: Sources, place: Place = NOWHERE) -> str:
    """The text of a source file; InputError if it is missing, too large, empty, or no text."""
    shown = str(path)
    at = place if place != NOWHERE else Place(shown)
    if shown in sources.given:
        return sources.given[shown]
    try:
        with path.open("rb") as stream:
            data = stream.read(sources.largest + 1)
    except IsADirectoryError as problem:
        raise InputError([error("E001", f"{shown} is a folder, not a file", at)]) from problem
    except OSError as problem:
        raise InputError([error("E001", f"cannot read {shown}: {problem.strerror or problem}", at)]) from problem
    if len(data) > sources.largest:
        help_text = f"the limit is {sources.largest:,} bytes; raise it with --max-file-size"
        raise InputError([error("E002", f"{shown} is larger than {sources.largest:,} bytes", at, help_text)])
    if b"\0" in data:
        raise InputError([error("E003", f"{shown} is no text: it holds zero bytes", at, "is it a binary file?")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        spot = Place(shown, line, 1, 2)
        raise InputError([error("E003", f"{shown} is no UTF-8 text", spot, "save the file as UTF-8")]) from problem
    if not text.strip():
        raise InputError([error("E004", f"{shown} is empty", at)])
    return text


def load(path: Path, sources: Sources, place: Place = NOWHERE) -> s.File:
    """Parse a file and, before it is returned, everything that it uses; InputError with all the faults found."""
    return _load(path, sources, place, ())


def _load(path: Path, sources: Sources, place: Place, chain: tuple[str, ...]) -> s.File:
    name = str(path)
    if name in chain:
        circle = " -> ".join([*chain[chain.index(name) :], name])
        raise InputError([error("E005", f"circular use: {circle}", place, "move what both need into a third file")])
    if name in sources.files:
        return sources.files[name]
    text = read_text(path, sources, place)
    sources.texts[name] = text
    file = parse(text, name)
    faults: list[Diagnostic] = []
    for use in (d for d in file.declarations if isinstance(d, s.Use)):
        try:
            _load(used_path(use, path), sources, use.place, (*chain, name))
        except InputError as found:
            faults += found.diagnostics
    if faults:
        raise InputError(faults)
    sources.files[name] = file
    return file


def used_path(use: s.Use, user: Path) -> Path:
    """Where a ``use`` finds its file: a quoted path beside the user; a name beside it, in ``models`` above it, or shipped."""
    if use.quoted:
        return user.parent / use.target
    filename = f"{use.target}.model"
    own = user.resolve()
    folders = [user.parent, *(parent / "models" for parent in own.parents[:4]), library_folder("models")]
    for folder in folders:
        candidate = folder / filename
        if candidate.is_file():
            return candidate
    known = sorted({p.stem for folder in folders if folder.is_dir() for p in folder.glob("*.model")})
    raise InputError([error("E006", f"no model '{use.target}'", use.place, did_you_mean(use.target, known))])
