"""What a picture is made of: lines, boxes, circles and texts at places that the layout has chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from verify.base.record import record

Point = tuple[float, float]
Dash = tuple[float, ...]


@record
class Path:
    """A line through points; ``closed`` and filled it is an area. ``pieces``: several lines at once, all of one pen."""

    pieces: tuple[tuple[Point, ...], ...]
    stroke: str = ""
    width: float = 1.0
    fill: str = ""
    closed: bool = False
    dash: Dash = ()
    opacity: float = 1.0


@record
class Box:
    """A rectangle, its corners rounded by ``radius``."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    line: float = 1.0
    radius: float = 0.0
    dash: Dash = ()
    opacity: float = 1.0


@record
class Circle:
    """A circle around a point."""

    x: float
    y: float
    radius: float
    fill: str = ""
    stroke: str = ""
    line: float = 1.0


@record
class Text:
    """One line of text; ``x`` is its left end, ``y`` its base line, ``width`` measured. ``upright``: it runs upwards."""

    x: float
    y: float
    text: str
    size: float
    width: float
    bold: bool = False
    colour: str = "#1a1a1a"
    upright: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the ink that it may need."""
        up, down = ASCENT * self.size, DESCENT * self.size
        if self.upright:
            return self.x - up, self.y - self.width, self.x + down, self.y
        return self.x, self.y - up, self.x + self.width, self.y + down


ASCENT, DESCENT = 0.76, 0.24

Shape = Path | Box | Circle | Text


@dataclass(slots=True)
class Group:
    """Shapes that belong together: ``kind`` and ``about`` say to whom (``class`` and ``data-…`` in SVG)."""

    kind: str
    about: dict[str, str] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=list)


@dataclass(slots=True)
class Picture:
    """A page. Groups are drawn in their order."""

    width: float
    height: float
    title: str
    description: str
    groups: list[Group] = field(default_factory=list)

    @property
    def texts(self) -> Iterator[Text]:
        """Every text on it."""
        return (s for g in self.groups for s in g.shapes if isinstance(s, Text))
