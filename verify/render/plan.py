"""Where everything goes: columns from left to right, rows from top to bottom. Every label gets a place of its own.

Between two lifelines is a gap; it belongs to the one on its left, whose marks stand in it, each on a line of its row that
nothing else uses. Messages leave below the labels of their row and arrive above those of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from verify.render import font
from verify.render.story import DELIVERED, LOST, Column, Flight, Row, Story
from verify.system.display import show_time

SMALL, TINY, NORMAL = 9.0, 7.5, 9.5
WIRE = "#123a5e"
OVER = 9.0  # room above a level arrow for its label
LINE = 13.0  # from one line of marks to the next
NOTE_LINE = 12.0
MARGIN = 28.0
NOTES = 270.0
ANCHOR = 9.0  # from a row's top to where things happen
LEAST_ROW = 34.0
LEAST_GAP = 66.0
MARK_ROOM = 15.0  # a mark's sign, left of its text
BAND_PAD = 7.0
TICK_ROOM = 11.0
MOST_TICKS = 3
FOLD = 30.0
SAME_TIME = 4.0
TAIL = 40.0
HEAD = 44.0
LOOP_ROOM = 24.0
MOST_LABEL = 190.0


@dataclass(slots=True)
class Lane:
    """A column's place: its bands, each from left to right; ``end``: of the gap on its right."""

    column: Column
    left: float
    right: float
    bands: list[tuple[float, float]]
    end: float

    @property
    def middle(self) -> float:
        """Of its bands."""
        return (self.left + self.right) / 2


@dataclass(slots=True)
class Line:
    """A label in a gap, on a line (``slot``) of its row. ``side`` of its owner: 1 in the gap on the right, -1 on the left.

    ``kind``: of a mark; send; over for a message that takes no time, above its arrow; lost.
    """

    kind: str
    text: str
    gap: int
    side: int
    slot: int
    colour: str = "#1a1a1a"


@dataclass(slots=True)
class Note:
    """A line in the column of notes."""

    text: str
    size: float
    bold: bool = False
    colour: str = "#1a1a1a"


@dataclass(slots=True)
class Placed:
    """A row with its place. ``leave``: for each flight sent in it, how far below the top."""

    row: Row
    top: float = 0.0
    height: float = 0.0
    lines: list[Line] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    leave: dict[int, float] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    folded: int = 0
    waited: int = 0
    lead: float = 0.0

    @property
    def anchor(self) -> float:
        """Where things happen."""
        return self.top + self.lead + ANCHOR

    @property
    def bottom(self) -> float:
        """Where its time ends."""
        return self.top + self.height


@dataclass(slots=True)
class Plan:
    """The whole picture as one long strip; y counts from the first row's top."""

    story: Story
    lanes: list[Lane]
    rows: list[Placed]
    axis: float  # right end of the times
    notes: float  # left end of the notes
    width: float
    height: float
    tail_ticks: int

    def at(self, moment: int) -> float:
        """The y at which a moment begins: the top of its row, so that its labels lie within."""
        rows = self.rows
        last = max((i for i, p in enumerate(rows) if p.row.moment <= moment), default=0)
        here = rows[last]
        if here.row.moment == moment:
            return here.top
        top = rows[last + 1].top if last + 1 < len(rows) else self.height
        until = rows[last + 1].row.ticks if last + 1 < len(rows) else self.story.ticks[-1]
        passed = self.story.ticks[moment] - here.row.ticks
        return here.bottom + (top - here.bottom) * passed / max(1, until - here.row.ticks)


def make_plan(story: Story) -> Plan:
    """Lay out a story."""
    placed = [Placed(r) for r in story.rows]
    for number, p in enumerate(placed):
        _lines(number, p, story)
        _notes(p)
    axis = MARGIN + (LOOP_ROOM if story.loop is not None else 0)
    axis += max(font.width(_longest_time(story), SMALL, bold=True), font.width(_longest_wait(story), TINY)) + 6
    lanes = _lanes(story, placed, axis + 22)
    notes = lanes[-1].end + 6
    tail_ticks = story.ticks[-1] - story.rows[-1].ticks
    height = _stack(placed, story, tail_ticks)
    return Plan(story, lanes, placed, axis, notes, notes + NOTES + MARGIN, height, tail_ticks)


def _longest_time(story: Story) -> str:
    return max((story.clock(t) for t in (*(r.ticks for r in story.rows), story.ticks[-1])), key=len)


def waited(ticks: int, story: Story) -> str:
    """What stands beside time that was folded."""
    return f"… {show_time(ticks, story.system)} …"


def _longest_wait(story: Story) -> str:
    times = [r.ticks for r in story.rows] + [story.ticks[-1]]
    return max((waited(b - a, story) for a, b in pairwise(times)), key=len, default="")


# ---- what stands in a row


def _lines(number: int, p: Placed, story: Story) -> None:
    arriving = [f for f in story.flights if f.arrived == number]
    for flight in arriving:
        if flight.end == LOST:
            side = 1 if flight.receiver > flight.sender else -1
            _line(p, Line("lost", "lost", _gap(flight.receiver, -side), side, 1, "#b03a00"))
        elif flat(flight, story):
            side = 1 if flight.receiver > flight.sender else -1
            if flight.origin is None:
                p.lines.append(Line("over", flight.short, _gap(flight.sender, side), side, 0, WIRE))
                p.lead = OVER
        _reserve(p, flight.receiver)
        if flight.receiver:
            _reserve(p, flight.receiver - 1)
    for column, marks in sorted(p.row.marks.items()):
        for mark in marks:
            if mark.text:
                _line(p, Line(mark.kind, mark.text, column, 1, 0))
    _sends(number, p, story)


def level(flight: Flight, story: Story) -> bool:
    """Whether a message is drawn as a level arrow: it arrives, and takes no time."""
    return flight.end == DELIVERED and flat(flight, story)


def flat(flight: Flight, story: Story) -> bool:
    """Whether a message takes no time."""
    return flight.arrived is not None and story.rows[flight.sent].ticks == story.rows[flight.arrived].ticks


def _gap(column: int, side: int) -> int:
    """The gap on a side of a column; each is named after the column on its left."""
    return column if side > 0 else column - 1


def _reserve(p: Placed, gap: int) -> None:
    p.slots[gap] = max(1, p.slots.get(gap, 0))


def _line(p: Placed, line: Line) -> None:
    line.slot = max(line.slot, p.slots.get(line.gap, 0))
    p.slots[line.gap] = line.slot + 1
    p.lines.append(line)


def _sends(number: int, p: Placed, story: Story) -> None:
    """A label on each side that messages go to, and below it the place where they leave."""
    sent = [f for f in story.flights if f.sent == number and f.origin is None and not level(f, story)]
    for side in (1, -1):
        for text in dict.fromkeys(f.short for f in sent if (f.receiver > f.sender) == (side > 0)):
            group = [f for f in sent if f.short == text and (f.receiver > f.sender) == (side > 0)]
            line = Line("send", text, _gap(group[0].sender, side), side, 0, WIRE)
            _line(p, line)
            for flight in group:
                p.leave[flight.number] = LINE * line.slot + 6.5


def _notes(p: Placed) -> None:
    colour = "#b03a00" if p.row.fault else "#1a1a1a"
    p.notes += [Note(x, SMALL, True, colour) for x in font.wrap(p.row.head, NOTES, SMALL, most=2, bold=True)]
    for detail in p.row.details[:6]:
        p.notes += [Note(x, SMALL) for x in font.wrap(detail, NOTES, SMALL, most=2)]
    if len(p.row.details) > 6:
        p.notes.append(Note(f"… and {len(p.row.details) - 6} more changes", SMALL))
    for cited in p.row.cited:
        p.notes += [Note(x, TINY, colour="#5f5f5f") for x in font.wrap(cited, NOTES, TINY, most=3)]


# ---- columns


def _lanes(story: Story, placed: list[Placed], start: float) -> list[Lane]:
    room = [LEAST_GAP] * len(story.columns)
    room[-1] = 20.0
    for p in placed:
        for line in p.lines:
            line.text = font.fit(line.text, MOST_LABEL, SMALL)
            needed = font.width(line.text, SMALL) + (26 if line.kind in ("send", "over") else MARK_ROOM + 12)
            room[line.gap] = max(room[line.gap], needed)
    lanes: list[Lane] = []
    x = start
    for column, gap in zip(story.columns, room, strict=True):
        widths = [_band([s.text for s in t.stretches], t.name, column) for t in column.tracks]
        inner = sum(widths) + 3 * (len(widths) - 1)
        head = max(font.width(column.name, 11, bold=True), font.width(column.machine, TINY)) + 14
        whole = max(inner, head)
        left = x + (whole - inner) / 2
        bands: list[tuple[float, float]] = []
        at = left
        for width in widths:
            bands.append((at, at + width))
            at += width + 3
        lanes.append(Lane(column, left, left + inner, bands, x + whole + gap))
        x += whole + gap
    return lanes


def _band(names: list[str], title: str, column: Column) -> float:
    widest = max((font.width(n, SMALL, bold=True) for n in names), default=0)
    least = 22.0 if column.network else 44.0
    return max(least, widest + 2 * BAND_PAD, font.width(title, TINY) + 4)


# ---- rows


def _stack(placed: list[Placed], story: Story, tail_ticks: int) -> float:
    y = 0.0
    for number, p in enumerate(placed):
        if number:
            p.waited = p.row.ticks - placed[number - 1].row.ticks
            p.folded, space = _pause(p.waited)
            y += space
        p.top = y
        marks = max(p.slots.values(), default=0) * LINE + (6 if p.leave else 0)
        notes = sum(NOTE_LINE if n.size > TINY else 10.5 for n in p.notes)
        p.height = max(LEAST_ROW if number or p.notes[1:] else 26.0, ANCHOR + marks + 2, notes + 7) + p.lead
        y = p.bottom
    return y + max(TAIL, _pause(tail_ticks)[1] + (TAIL if story.loop is not None else 10))


def _pause(ticks: int) -> tuple[int, float]:
    if ticks == 0:
        return 0, SAME_TIME
    if ticks <= MOST_TICKS:
        return 0, TICK_ROOM * ticks
    return ticks, FOLD


def arrives(flight: Flight, plan: Plan) -> float:
    """The y at which a flight ends."""
    if flight.arrived is None:
        return plan.height - 8
    return plan.rows[flight.arrived].anchor


def leaves(flight: Flight, plan: Plan) -> float:
    """The y at which a flight begins."""
    placed = plan.rows[flight.sent]
    if flight.origin is not None:
        return placed.anchor
    if level(flight, plan.story):
        return arrives(flight, plan)
    return placed.anchor + placed.leave[flight.number]
