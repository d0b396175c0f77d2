"""The syntax tree of topologies."""

from __future__ import annotations

from fractions import Fraction

from verify.base.place import Place
from verify.base.record import record


@record
class Rate:
    """``10G``: bits in a second."""

    place: Place
    value: Fraction
    text: str


@record
class PartName:
    """``sw1``, or ``uplink[0]``, a member of a LAG; ``index`` None where there is none."""

    place: Place
    name: str
    index: int | None = None

    @property
    def text(self) -> str:
        """As it is written."""
        return self.name if self.index is None else f"{self.name}[{self.index}]"


@record
class VertexDecl:
    """One name of ``node a, b``."""

    place: Place
    name: str


@record
class EdgeDecl:
    """``link name : a - b 1G``; ``name`` "" and ``capacity`` None where there is none."""

    place: Place
    name: str
    a: PartName
    b: PartName
    capacity: Rate | None


@record
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


@record
class GroupDecl:
    """``group name : kind { … }``."""

    place: Place
    name: str
    kind: str
    members: tuple[PartName, ...]


@record
class StandbyDecl:
    """``standby name { … }``."""

    place: Place
    name: str
    members: tuple[PartName, ...]


@record
class DemandDecl:
    """``demand name : a -> b 1G``."""

    place: Place
    name: str
    a: PartName
    b: PartName
    amount: Rate | None


TopologyItem = VertexDecl | EdgeDecl | LagDecl | GroupDecl | StandbyDecl | DemandDecl


@record
class TopologyDecl:
    """``topology name { … }``."""

    place: Place
    name: str
    items: tuple[TopologyItem, ...]
