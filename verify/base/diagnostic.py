"""Faults of an input, told like a good compiler tells them: code, place with a caret, the value, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from verify.base.place import NOWHERE, Place
from verify.base.record import record


class Severity(Enum):
    """``ERROR`` stops the run with exit code 2; ``WARNING`` does so only under ``--strict``."""

    ERROR = "error"
    WARNING = "warning"


@record
class Diagnostic:
    """One fault. ``code`` is stable (``E…`` error, ``W…`` warning); ``help`` says what to do, "" if there is nothing."""

    code: str
    message: str
    place: Place = NOWHERE
    help: str = ""
    severity: Severity = Severity.ERROR

    def order(self) -> tuple[str, int, int, str, str]:
        """Sort key: by place, then code."""
        return (self.place.path, self.place.line, self.place.column, self.code, self.message)


class InputError(Exception):
    """The input is faulty: carries every diagnostic found. Never an internal error."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics), key=Diagnostic.order))
        super().__init__("\n".join(f"{d.place}: {d.code}: {d.message}" for d in self.diagnostics))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)  # it goes from one process to another


def error(code: str, message: str, place: Place = NOWHERE, help: str = "") -> Diagnostic:  # noqa: A002 - the field's name
    """An error diagnostic."""
    return Diagnostic(code, message, place, help, Severity.ERROR)


def warning(code: str, message: str, place: Place = NOWHERE, help: str = "") -> Diagnostic:  # noqa: A002 - the field's name
    """A warning diagnostic."""
    return Diagnostic(code, message, place, help, Severity.WARNING)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A help line that suggests the nearest known names, or lists them when they are few, or ""."""
    import difflib  # noqa: PLC0415 - only who mistypes waits for it

    names = sorted({k for k in known if k and not k.startswith("_")})
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.6)
    near += [n for n in names if n.lower() == name.lower() and n not in near]
    if near:
        return "did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    if 0 < len(names) <= 8:
        return "known here: " + ", ".join(names)
    return ""


def render(diagnostic: Diagnostic, sources: Mapping[str, str]) -> str:
    """The diagnostic as text with the line and a caret under the place; ``sources`` maps paths to their texts."""
    place = diagnostic.place
    out = [f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"]
    if place.path:
        out.append(f"  --> {place}")
    lines = sources.get(place.path, "").split("\n") if place.line else []
    if 0 < place.line <= len(lines):
        line, column = _shortened(lines[place.line - 1].rstrip("\r"), place.column)
        number = str(place.line)
        width = min(max(1, place.end - place.column), max(1, len(line) - column + 1))
        out.append(f"{' ' * len(number)} |")
        out.append(f"{number} | {line}")
        lead = "".join("\t" if c == "\t" else " " for c in line[: column - 1])
        out.append(f"{' ' * len(number)} | {lead}{'^' * width}")
    if diagnostic.help:
        out.append(f"  = help: {diagnostic.help}")
    return "\n".join(out)


def _shortened(line: str, column: int, keep: int = 160) -> tuple[str, int]:
    """The part of a long line around the column, with control characters made visible."""
    start = max(0, column - 1 - keep // 2) if len(line) > keep else 0
    part = line[start : start + keep]
    visible = "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in part)
    return visible, column - start
