"""Systems and properties as JSON, and their digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import types
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from typing import Any

from verify.base.diagnostic import InputError, error
from verify.base.place import NOWHERE, Place
from verify.system import domain, expression, statement, system
from verify.system import property as properties
from verify.system.wellformed import faults

VERSION = 1
DEEPEST = 1000
_MODULES = (domain, expression, statement, system, properties)
_NODES: dict[str, type] = {
    name: node
    for module in _MODULES
    for name, node in vars(module).items()
    if isinstance(node, type) and dataclasses.is_dataclass(node) and node.__module__ == module.__name__
}


def to_json(node: Any, *, places: bool = True) -> Any:  # noqa: ANN401 - any node of the waist
    """A node of the waist as lists, numbers and strings: ``["Apply", "and", [...]]``, fields in their order.

    Without ``places``, what only helps people to find and read something is left out: places, labels.
    """
    match node:
        case None | bool() | int() | str():
            return node
        case Enum():
            return node.name
        case Place():
            return [node.path, node.line, node.column, node.end] if places else []
        case tuple():
            return [to_json(x, places=places) for x in node]
        case _ if type(node).__name__ in _NODES:
            told = [f for f in dataclasses.fields(node) if places or f.compare]
            fields = [to_json(getattr(node, f.name), places=places) for f in told]
            return [type(node).__name__, *fields]
        case _:
            message = f"{type(node).__name__} is no part of a system"
            raise TypeError(message)


def dump(what: system.System) -> dict[str, Any]:
    """A system as a JSON object with a version and its digest."""
    with _deep():
        system_ = to_json(what)
    return {"format": "redundancy-verify system", "version": VERSION, "digest": digest(what), "system": system_}


@contextmanager
def _deep() -> Iterator[None]:
    """Room for the recursion over deep expressions."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def digest(what: system.System) -> str:
    """SHA-256, in hexadecimal, of all that has meaning or is shown, but for places in sources."""
    return _digest(_This(what))


class _This:
    """A system as a key: itself, not one that equals it, which may be written otherwise (1 is true)."""

    __slots__ = ("system",)

    def __init__(self, what: system.System) -> None:
        self.system = what

    def __hash__(self) -> int:
        return id(self.system)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and self.system is other.system


@lru_cache(maxsize=16)
def _digest(this: _This) -> str:
    """What many ask for: it takes a while."""
    return digest_of(this.system)


def digest_of(what: Any) -> str:  # noqa: ANN401 - any node of the waist, or a tuple of them
    """As :func:`digest`, of any part of a system or of a property."""
    with _deep():
        text = json.dumps(to_json(what, places=False), separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def dump_form(form: properties.Form) -> Any:  # noqa: ANN401 - lists, numbers and strings
    """A property's form as JSON."""
    with _deep():
        return to_json(form)


def load_form(data: Any) -> properties.Form:  # noqa: ANN401 - what a JSON file holds
    """The form in a JSON value; InputError if it is none."""
    _not_too_deep(data)
    with _deep():
        found: properties.Form = _node(data, properties.Form)
    return found


def load(data: Any) -> system.System:  # noqa: ANN401 - what a JSON file holds
    """The system in a JSON object; InputError if it is none, is damaged, or does not have the digest it claims."""
    if not isinstance(data, dict) or data.get("format") != "redundancy-verify system":
        raise _bad("this is no system written by verify")
    if data.get("version") != VERSION or data.get("version") is True:
        raise _bad(f"version {data.get('version')!r} is not known, this is version {VERSION}")
    _not_too_deep(data.get("system"))
    with _deep():
        found = _node(data.get("system"), system.System)
    if not isinstance(found, system.System):
        raise _bad("there is no system in it")
    problems = faults(found)
    if problems:
        raise _bad(f"the system does not hang together: {problems[0]}")
    if digest(found) != data.get("digest"):
        raise _bad("the digest is not that of the system: the file was changed")
    return found


def _not_too_deep(data: Any) -> None:  # noqa: ANN401 - what a JSON file holds
    level = [data]
    for _ in range(DEEPEST):
        level = [x for item in level if isinstance(item, list) for x in item if isinstance(x, list)]
        if not level:
            return
    raise _bad("nested too deeply")


def _bad(message: str) -> InputError:
    return InputError([error("E801", message)])


def _node(data: Any, wanted: Any) -> Any:  # noqa: ANN401 - driven by the fields' types
    """What ``data`` means as a ``wanted``: a class, an enum, a tuple or a union of them."""
    if isinstance(wanted, types.UnionType):
        return _union(data, wanted)
    origin = typing.get_origin(wanted)
    if origin is tuple:
        if not isinstance(data, list):
            raise _bad("a list is missing")
        return tuple(_node(x, typing.get_args(wanted)[0]) for x in data)
    if wanted in (int, str, bool):
        if type(data) is not wanted:
            raise _bad(f"{data!r} stands where {wanted.__name__} is expected")
        return data
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        if not isinstance(data, str) or data not in wanted.__members__:
            raise _bad(f"{data!r} is no {wanted.__name__}")
        return wanted[data]
    if wanted is Place:
        return _place(data)
    return _record(data, (wanted,))


def _place(data: Any) -> Place:  # noqa: ANN401 - what a JSON file holds
    match data:
        case [str(path), int(line), int(column), int(end)]:
            return Place(path, line, column, end)
        case []:
            return NOWHERE
        case _:
            raise _bad(f"{str(data)[:60]!r} is no place")


def _union(data: Any, wanted: types.UnionType) -> Any:  # noqa: ANN401 - driven by the fields' types
    options = typing.get_args(wanted)
    if data is None:
        if types.NoneType in options:
            return None
        raise _bad("a part is missing")
    if type(data) is int and int in options:
        return data
    return _record(data, tuple(o for o in options if o is not types.NoneType))


def _record(data: Any, options: tuple[Any, ...]) -> Any:  # noqa: ANN401 - driven by the fields' types
    if not isinstance(data, list) or not data or not isinstance(data[0], str) or data[0] not in _NODES:
        raise _bad(f"{str(data)[:60]!r} is no part of a system")
    node = _NODES[data[0]]
    if node not in options:
        raise _bad(f"a {data[0]} stands where it cannot")
    hints = _hints(node)
    fields = dataclasses.fields(node)
    needed = sum(1 for f in fields if f.compare)  # labels came later: what was written before them is read
    if not needed < len(data) <= len(fields) + 1:
        raise _bad(f"a {data[0]} has {len(fields)} fields, here are {len(data) - 1}")
    return node(*(_node(value, hints[f.name]) for f, value in zip(fields, data[1:], strict=False)))


def _hints(node: type) -> dict[str, Any]:
    if node not in _known_hints:
        _known_hints[node] = typing.get_type_hints(node)
    return _known_hints[node]


_known_hints: dict[type, dict[str, Any]] = {}
