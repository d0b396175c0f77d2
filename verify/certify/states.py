"""Sets of states in a file: one line of JSON for each, in ascending order, compressed. Read as what a stranger wrote."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from verify.base.diagnostic import InputError, error
from verify.base.place import Place
from verify.certify.formula import Refused
from verify.semantics.effects import sorted_bag
from verify.semantics.interpreter import State
from verify.system.domain import contains
from verify.system.system import Lane, Order, System

LONGEST = 2**20  # bytes of a line


class Row(NamedTuple):
    """A state, and the most that the observer of a property with a bound can have counted there (-1: it does not wait)."""

    state: State
    counted: int = -1


def write_rows(path: Path, rows: Iterable[Row], *, counting: bool) -> int:
    """Write rows in their order, the same bytes for the same set; how many there are."""
    ordered = sorted(rows)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as file:
        for row in ordered:
            values = [*map(_plain, row.state), row.counted] if counting else [*map(_plain, row.state)]
            file.write(json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n")
    return len(ordered)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a number or a lane
    """As JSON: of whatever kind a number is, a number."""
    return [[int(x) for x in message] for message in value] if isinstance(value, tuple) else int(value)


def read_rows(path: Path, system: System, count: int, *, counting: bool) -> Iterator[Row]:
    """The rows of a file that should hold so many, one after the other.

    Refused where it holds other states than it may, InputError where it holds none. No more is unpacked than a line at a time,
    and nothing after the first line that does not belong here.
    """
    read = _Rows(system, counting=counting)
    number, before = 0, None
    try:
        with gzip.open(path, "rb") as file:
            while line := file.readline(LONGEST + 1):
                number += 1
                if number > count:
                    raise Refused(f"{path}: the certificate tells of {count:,} states, and here are more")
                row = read.row(line, f"{path}, line {number:,}")
                if before is not None and row.state <= before:
                    raise Refused(f"{path}, line {number:,}: this state belongs before the one above, or is the same")
                before = row.state
                yield row
    except (OSError, EOFError, zlib.error) as problem:
        where = f" after line {number:,}" if number else ""
        told = (problem.strerror if isinstance(problem, OSError) else "") or str(problem)
        raise InputError([error("E833", f"{path} cannot be read{where}: {told}", Place(str(path), number))]) from problem
    if number != count:
        raise Refused(f"{path}: the certificate tells of {count:,} states, and here are {number:,}")


class _Rows:
    """What a line has to be."""

    def __init__(self, system: System, *, counting: bool) -> None:
        self.system = system
        self.counting = counting
        self.variables = len(system.variables)
        self.lanes = self.variables + len(system.timers)
        self.width = self.lanes + len(system.lanes) + int(counting)

    def row(self, line: bytes, where: str) -> Row:
        """A line as a row."""
        if not line.endswith(b"\n"):
            raise Refused(f"{where}: longer than {LONGEST:,} bytes, or cut off")
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise InputError([error("E833", f"{where}: {_shown(line)} is no JSON")]) from problem
        if not isinstance(data, list) or len(data) != self.width:
            held = f"{len(data)} values" if isinstance(data, list) else _shown(line)
            raise Refused(f"{where}: a state has {self.width} values here, this line has {held}")
        for number, variable in enumerate(self.system.variables):
            value = data[number]
            if type(value) is not int or not contains(variable.domain, value):
                held = f"{variable.domain.low}..{variable.domain.high}"
                raise Refused(f"{where}: the variable '{variable.name}' holds {held}, not {_shown(value)}")
        for number, timer in enumerate(self.system.timers):
            value = data[self.variables + number]
            if type(value) is not int or not -1 <= value <= timer.maximum:
                raise Refused(f"{where}: the timer '{timer.name}' holds -1..{timer.maximum}, not {_shown(value)}")
        lanes = [self.lane(data[self.lanes + n], lane, where) for n, lane in enumerate(self.system.lanes)]
        counted = data[-1] if self.counting else -1
        if type(counted) is not int or counted < -1:
            raise Refused(f"{where}: the observer counts from -1 on, not {_shown(counted)}")
        return Row((*data[: self.lanes], *lanes), counted)

    def lane(self, data: Any, lane: Lane, where: str) -> tuple[tuple[int, ...], ...]:  # noqa: ANN401 - what a JSON file holds
        """The messages of a lane."""
        if not isinstance(data, list) or len(data) > lane.capacity:
            raise Refused(f"{where}: the lane '{lane.name}' holds up to {lane.capacity} messages, not {_shown(data)}")
        found = tuple(self.message(message, lane, where) for message in data)
        if lane.order is Order.UNORDERED and sorted_bag(found) != found:
            raise Refused(f"{where}: the messages of the lane '{lane.name}' are not in their order")
        return found

    def message(self, data: Any, lane: Lane, where: str) -> tuple[int, ...]:  # noqa: ANN401 - what a JSON file holds
        """A message: its age, its kind, its fields."""
        if not isinstance(data, list) or len(data) < 2 or not all(type(x) is int for x in data):
            raise Refused(f"{where}: the lane '{lane.name}' holds messages, not {_shown(data)}")
        age, kind, *fields = data
        if not 0 <= age <= lane.maximum or not 0 <= kind < len(self.system.messages):
            raise Refused(f"{where}: the lane '{lane.name}' holds no message {_shown(data)}: its age or its kind")
        declared = self.system.messages[kind]
        fit = len(fields) == len(declared.fields)
        if not fit or not all(contains(f.domain, v) for f, v in zip(declared.fields, fields, strict=True)):
            raise Refused(f"{where}: the fields of {_shown(data)} are none of a '{declared.name}'")
        return (age, kind, *fields)


def _shown(value: Any) -> str:  # noqa: ANN401 - what a JSON file holds
    """A value for a message: not more of it than fits in a line."""
    text = repr(value[:60]) if isinstance(value, bytes | str | list) else repr(value) if not _huge(value) else "a huge number"
    return text if len(text) <= 60 else text[:60] + "…"


def _huge(value: Any) -> bool:  # noqa: ANN401 - what a JSON file holds
    return isinstance(value, int) and value.bit_length() > 1000
