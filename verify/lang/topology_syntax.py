"""The syntax tree of topologies."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verify.base.place import Place


@dataclass(frozen=True, slots=True)
class Rate:
    """``10G``: bits in a second."""

    place: Place
    value: Fraction
    text: str


@dataclass(frozen=True, slots=True)
class PartName:
    """``sw1``, or ``uplink[0]``, a member of a LAG; ``index`` None where there is none."""

    place: Place
    name: str
    index: int | None = None

    @property
    def text(self) -> str:
        """As it is written."""
        return self.name if self.index is None else f"{self.name}[{self.index}]"


@dataclass(frozen=True, slots=True)
class VertexDecl:
    """One name of ``node a, b``."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class EdgeDecl:
    """``link name : a - b 1G``; ``name`` "" and ``capacity`` None where there is none."""

    place: Place
    name: str
    a: PartName
    b: PartName
    capacity: Rate | None


@dataclass(frozen=True, slots=True)
class LagDecl:
    """``lag name : a - b 4 x 10G minimum 2 hash 8 buckets``; ``buckets`` 0: in equal shares, -1: sticky."""

    place: Place
    name: str
    a: PartName
    b: PartName
    members: int
    capacity: Rate
    minimum: int
    buckets: int


@dataclass(frozen=True, slots=True)
class GroupDecl:
    """``group name : kind { … }``."""

    place: Place
    name: str
    kind: str
    members: tuple[PartName, ...]


@dataclass(frozen=True, slots=True)
class StandbyDecl:
    """``standby name { … }``."""

    place: Place
    name: str
    members: tuple[PartName, ...]


@dataclass(frozen=True, slots=True)
class DemandDecl:
    """``demand name : a -> b 1G``."""

    place: Place
    name: str
    a: PartName
    b: PartName
    amount: Rate | None


TopologyItem = VertexDecl | EdgeDecl | LagDecl | GroupDecl | StandbyDecl | DemandDecl


@dataclass(frozen=True, slots=True)
class TopologyDecl:
    """``topology name { … }``."""

    place: Place
    name: str
    items: tuple[TopologyItem, ...]
