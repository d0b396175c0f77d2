"""Names of files: what a file declares and what it sees of the files that it uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from verify.base.diagnostic import Diagnostic, did_you_mean, error
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.loading import Sources, used_path
from verify.lang.topology_syntax import TopologyDecl

Named = s.Enum | s.Record | s.MessageDecl | s.Machine | s.Reference | s.Scenario | TopologyDecl | s.Let | s.PropertyDecl
N = TypeVar("N", bound=Named)

_KINDS: dict[type, str] = {
    s.Enum: "enum",
    s.Record: "record",
    s.MessageDecl: "message",
    s.Machine: "machine",
    s.Reference: "reference",
    s.Scenario: "scenario",
    TopologyDecl: "topology",
    s.Let: "let",
    s.PropertyDecl: "property",
}


@dataclass(slots=True)
class Scope:
    """The names that one file sees. ``own``: declared here; ``used``: scopes used without, ``aliases``: with a name."""

    path: str
    own: dict[str, Named] = field(default_factory=dict)
    used: list[Scope] = field(default_factory=list)
    aliases: dict[str, Scope] = field(default_factory=dict)

    def seen(self) -> list[Scope]:
        """This scope and all that are used without a name, directly or not, each once."""
        found = [self]
        known = {id(self)}
        for scope in found:
            for other in scope.used:
                if id(other) not in known:
                    known.add(id(other))
                    found.append(other)
        return found

    def find(self, name: str) -> tuple[Named, Scope] | None:
        """The declaration of a name such as ``Router`` or ``v.Router``, and the scope it was declared in."""
        front, dot, rest = name.partition(".")
        if dot:
            return self.aliases[front].find(rest) if front in self.aliases else None
        return next(((scope.own[name], scope) for scope in self.seen() if name in scope.own), None)

    def names(self, kind: type[object] | None = None) -> list[str]:
        """All names seen, of one kind or of all."""

        def of(scopes: list[Scope]) -> list[str]:
            return [n for sc in scopes for n, d in sc.own.items() if kind is None or isinstance(d, kind)]

        aliased = [f"{alias}.{n}" for alias, scope in self.aliases.items() for n in of(scope.seen())]
        return of(self.seen()) + aliased

    def look_up(self, name: str, kind: type[N], place: Place, faults: list[Diagnostic]) -> tuple[N, Scope] | None:
        """The declaration of a name that must be of a kind; None when it is not, which is reported."""
        found = self.find(name)
        word = _KINDS[kind]
        if found is None:
            faults.append(error("E201", f"no {word} '{name}'", place, did_you_mean(name, self.names(kind))))
            return None
        declaration, home = found
        if not isinstance(declaration, kind):
            told = f"'{name}' is a {_KINDS[type(declaration)]}, not a {word}"
            faults.append(error("E202", told, place, did_you_mean(name, self.names(kind))))
            return None
        return declaration, home

    def enumerator(self, name: str) -> list[tuple[s.Enum, int]]:
        """Every enum seen here with a member of this name, and which member it is."""
        scopes = {id(sc): sc for root in (self, *self.aliases.values()) for sc in root.seen()}
        declared = [d for sc in scopes.values() for d in sc.own.values() if isinstance(d, s.Enum) and name in d.members]
        return [(d, d.members.index(name)) for d in declared]


def build_scopes(file: s.File, sources: Sources, faults: list[Diagnostic]) -> Scope:
    """The scope of a loaded file; duplicates are reported."""
    return _build(file, sources, faults, {})


def _build(file: s.File, sources: Sources, faults: list[Diagnostic], done: dict[str, Scope]) -> Scope:
    if file.path in done:
        return done[file.path]
    scope = done[file.path] = Scope(file.path)
    for declaration in file.declarations:
        if isinstance(declaration, s.Use):
            other = _build(sources.files[str(used_path(declaration, Path(file.path)))], sources, faults, done)
            if declaration.alias:
                scope.aliases[declaration.alias] = other
            else:
                scope.used.append(other)
        elif isinstance(declaration, Named):
            _declare(scope, declaration, faults)
    return scope


RESERVED = frozenset({"true", "false", "none", "self", "index", "owner"})


def reserved(name: str, place: Place) -> list[Diagnostic]:
    """An error for a name that means something already."""
    if name not in RESERVED:
        return []
    return [error("E211", f"'{name}' cannot be a name: it means something already", place, "choose another name")]


def _declare(scope: Scope, declaration: Named, faults: list[Diagnostic]) -> None:
    faults += reserved(declaration.name, declaration.place)
    if isinstance(declaration, s.Enum):
        faults += [x for m in declaration.members for x in reserved(m, declaration.place)]
    first = scope.own.get(declaration.name)
    if first is not None:
        told = f"'{declaration.name}' is declared twice"
        faults.append(error("E203", told, declaration.place, f"first declared at {first.place}"))
    scope.own.setdefault(declaration.name, declaration)
    if isinstance(declaration, s.Enum):
        repeated = {m for m in declaration.members if declaration.members.count(m) > 1}
        faults.extend(
            error("E203", f"'{m}' stands twice in enum {declaration.name}", declaration.place) for m in sorted(repeated)
        )
