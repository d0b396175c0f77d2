"""From lark's reductions to the syntax tree: literals, and topologies."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lark import Token, Transformer
from lark.visitors import v_args

from verify.base.place import Place
from verify.lang import topology_syntax as t

if TYPE_CHECKING:
    from lark.tree import Meta


MOST_DIGITS = 18
RATES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class LiteralError(ValueError):
    """A number or duration that is written right and cannot be meant."""

    def __init__(self, message: str, place: Place, help: str) -> None:  # noqa: A002 - the field's name
        super().__init__(message)
        self.place = place
        self.help = help


def whole(text: str, place: Place) -> int:
    """The value of digits; LiteralError if there are too many of them."""
    if len(text) > MOST_DIGITS:
        told = f"a number of {len(text)} digits is too large"
        raise LiteralError(told, place, f"{MOST_DIGITS} digits are possible")
    return int(text)


@v_args(meta=True)
class TopologyTree(Transformer[Token, Any]):
    """Builds the nodes of :mod:`verify.lang.topology_syntax`. Methods are named after the grammar's rules."""

    _file: str

    def _at(self, item: Token | Meta) -> Place:
        line, column = getattr(item, "line", None), getattr(item, "column", None)
        if line is None or column is None:
            return Place(self._file)
        end = item.end_column if item.end_line == line else 0
        return Place(self._file, line, column, max(end or 0, column + 1))

    def rate(self, _meta: Meta, c: list[Any]) -> t.Rate:
        return self._rate(c[0])

    def _rate(self, token: Token) -> t.Rate:
        place = self._at(token)
        if len(token) > 2 * MOST_DIGITS:
            raise LiteralError(f"a rate of {len(token)} digits is too fine", place, "the finest unit is 1 bit/s")
        return t.Rate(place, Fraction(token[:-1]) * RATES[token[-1]], str(token))

    def topology(self, _meta: Meta, c: list[Any]) -> t.TopologyDecl:
        items = [x for item in c[1:] for x in (item if isinstance(item, tuple) else (item,))]
        return t.TopologyDecl(self._at(c[0]), str(c[0]), tuple(items))

    def vertices(self, _meta: Meta, c: list[Any]) -> tuple[t.VertexDecl, ...]:
        return tuple(t.VertexDecl(self._at(x), str(x)) for x in c)

    def _end(self, token: Token) -> t.PartName:
        return t.PartName(self._at(token), str(token))

    def edge_line(self, meta: Meta, c: list[Any]) -> t.EdgeDecl:
        name, a, b, capacity = c[1:]
        known = None if capacity is None else self._rate(capacity)
        return t.EdgeDecl(self._at(name or meta), str(name or ""), self._end(a), self._end(b), known)

    def lag(self, _meta: Meta, c: list[Any]) -> t.LagDecl:
        name, a, b, members, capacity, minimum, buckets = c
        least = whole(minimum, self._at(minimum)) if minimum is not None else 1
        count = whole(members, self._at(members))
        at, ends = self._at(name), (self._end(a), self._end(b))
        return t.LagDecl(at, str(name), *ends, count, self._rate(capacity), least, buckets or 0)

    def hash_buckets(self, _meta: Meta, c: list[Any]) -> int:
        return whole(c[0], self._at(c[0]))

    def hash_sticky(self, _meta: Meta, _c: list[Any]) -> int:
        return -1

    def risk_group(self, _meta: Meta, c: list[Any]) -> t.GroupDecl:
        name, kind, *members = c
        return t.GroupDecl(self._at(name), str(name), str(kind or ""), tuple(members))

    def standby(self, _meta: Meta, c: list[Any]) -> t.StandbyDecl:
        return t.StandbyDecl(self._at(c[0]), str(c[0]), tuple(c[1:]))

    def demand(self, _meta: Meta, c: list[Any]) -> t.DemandDecl:
        name, a, b, amount = c
        asked = None if amount is None else self._rate(amount)
        return t.DemandDecl(self._at(name), str(name), self._end(a), self._end(b), asked)

    def part_name(self, _meta: Meta, c: list[Any]) -> t.PartName:
        index = None if c[1] is None else whole(c[1], self._at(c[1]))
        return t.PartName(self._at(c[0]), str(c[0]), index)
