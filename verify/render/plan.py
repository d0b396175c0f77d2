"""Where everything goes: columns from left to right, rows from top to bottom. Every label gets a place of its own.

Between two lifelines is a gap; it belongs to the one on its left, whose marks stand in it, each on a line of its row that
nothing else uses. Messages leave below the labels of their row and arrive above those of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from verify.render import font
from verify.render.story import DELIVERED, LOST, UNCARRIED, Column, Flight, Row, Story
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
REPEAT = 44.0
SAME_TIME = 4.0
TAIL = 40.0
UNDER_WAY = 48.0  # how much is drawn of the way of a message that has not arrived
HEAD = 44.0
LOOP_ROOM = 24.0
MOST_LABEL = 190.0
ATTEMPTS = 6
AROUND = 26.0  # how far a message to its own sender goes
LOWER = {"over": -9.5, "ended": 2.5, "lost": 2.0}  # than other labels of their line
BESIDE = ("send", "over", "ended")  # lines that stand beside their owner


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

    ``shift``: how far it stands from its usual place, to be clear of arrows. ``kind``: of a mark; send; over for a message that
    takes no time, above its arrow; lost; ended, below an arrow that ends near.
    """

    kind: str
    text: str
    gap: int
    side: int
    slot: int
    colour: str = "#1a1a1a"
    shift: float = 0.0


@dataclass(slots=True)
class Note:
    """A line in the column of notes."""

    text: str
    size: float
    bold: bool = False
    colour: str = "#1a1a1a"


@dataclass(slots=True)
class Placed:
    """A row with its place.

    ``leave``: for each flight sent in it, how far below its anchor; ``stub``: how long those are that end near their sender.
    """

    row: Row
    top: float = 0.0
    height: float = 0.0
    lines: list[Line] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    leave: dict[int, float] = field(default_factory=dict)
    stub: dict[int, float] = field(default_factory=dict)
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


@dataclass(slots=True)
class _Room:
    """More room than labels alone need: width for gaps, lines that stay empty at the top of a gap's part of a row."""

    wider: dict[int, float] = field(default_factory=dict)
    lower: dict[tuple[int, int], int] = field(default_factory=dict)


def make_plan(story: Story) -> Plan:
    """Lay out a story. Where labels would lie over arrows, they move aside, then gaps become wider, then rows higher."""
    room = _Room()
    best: tuple[int, Plan] | None = None
    for attempt in range(ATTEMPTS):
        plan = _laid_out(story, room)
        left = step_aside(plan)
        if best is None or len(left) < best[0]:
            best = len(left), plan
        if not left:
            break
        for number, line in left:
            if attempt % 2 == 0:
                room.wider[line.gap] = min(room.wider.get(line.gap, 0.0) + 24, 48.0)
            else:
                at = number, line.gap
                room.lower[at] = min(room.lower.get(at, 0) + 1, 3)
    assert best is not None  # noqa: S101 - there is an attempt
    return best[1]


def _laid_out(story: Story, room: _Room) -> Plan:
    placed = [Placed(r) for r in story.rows]
    for (number, gap), lines in room.lower.items():
        placed[number].slots[gap] = lines
    for number, p in enumerate(placed):
        _lines(number, p, story)
        _notes(p)
    axis = MARGIN + (LOOP_ROOM if story.loop is not None else 0)
    axis += max(font.width(_longest_time(story), SMALL, bold=True), font.width(_longest_wait(story), TINY)) + 6
    lanes = _lanes(story, placed, axis + 22, room.wider)
    notes = lanes[-1].end + 6
    tail_ticks = story.ticks[-1] - story.rows[-1].ticks
    height = _stack(placed, story, tail_ticks)
    return Plan(story, lanes, placed, axis, notes, notes + NOTES + MARGIN, height, tail_ticks)


def step_aside(plan: Plan) -> list[tuple[int, Line]]:
    """Move labels sideways to where no arrow runs through them; those that nothing helps, with their rows."""
    arrows = [ends(f, plan) for f in plan.story.flights]
    left: list[tuple[int, Line]] = []
    for number, placed in enumerate(plan.rows):
        top, bottom = placed.top - LINE, placed.bottom + LINE
        near = [a for a in arrows if a[0][1] <= bottom and a[1][1] >= top]
        movable = [x for x in placed.lines if x.kind not in ("lost", "ended")]
        left += [(number, x) for x in movable if not _finds_place(x, placed, plan, near)]
    return left


def _finds_place(line: Line, placed: Placed, plan: Plan, arrows: list[Ends]) -> bool:
    lane = plan.lanes[line.gap]
    x, _, text, left = label_box(line, placed, plan)
    following = plan.lanes[line.gap + 1].left if line.gap + 1 < len(plan.lanes) else lane.end
    least, most = lane.right + 4 - left, following - 4 - (x + text)
    ways = [0.0, *(s for k in range(1, 12) for s in (6.0 * k, -6.0 * k) if least <= s <= most)]
    for line.shift in ways:
        x, base, text, left = label_box(line, placed, plan)
        box = left - 3, base - 6.5, x + text + 3, base + 1.5
        if not any(_through(a, box) for a in arrows):
            return True
    line.shift = 0.0
    return False


def _through(arrow: Ends, box: tuple[float, float, float, float]) -> bool:
    """Whether a line that goes down, or is level, meets a box."""
    (ax, ay), (bx, by) = arrow
    left, top, right, bottom = box
    if by < top or ay > bottom or max(ax, bx) < left or min(ax, bx) > right:
        return False
    if by == ay:
        return True
    high, low = (ax + (bx - ax) * (min(max(y, ay), by) - ay) / (by - ay) for y in (top, bottom))
    return max(high, low) >= left and min(high, low) <= right


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
        if stops(flight, story) or _short_copy(flight, story):
            continue
        if flight.end == LOST:
            side = side_of(flight)
            _line(p, Line("lost", "lost", _gap(flight.receiver, -side), side, 1, "#b03a00"))
        elif flat(flight, story):
            side = side_of(flight)
            if flight.origin is None:
                p.lines.append(Line("over", flight.short, _gap(flight.sender, side), side, 0, WIRE))
                p.lead = OVER
        _reserve(p, flight.receiver)
        if flight.receiver:
            _reserve(p, flight.receiver - 1)
        if flat(flight, story):
            for gap in range(min(flight.sender, flight.receiver), max(flight.sender, flight.receiver)):
                _reserve(p, gap)
    for column, marks in sorted(p.row.marks.items()):
        for mark in marks:
            if mark.text:
                _line(p, Line(mark.kind, mark.text, column, 1, 0))
    _sends(number, p, story)


def side_of(flight: Flight) -> int:
    """On which side of its sender a message leaves: 1 on the right, also to another port of the sender; -1 on the left."""
    return -1 if flight.receiver < flight.sender else 1


def stops(flight: Flight, story: Story) -> bool:
    """Whether a message ends beside its sender: it was not carried, or was lost before any time passed."""
    return flight.end in (LOST, UNCARRIED) and flight.origin is None and flat(flight, story)


def _short_copy(flight: Flight, story: Story) -> bool:
    """Whether a message is a copy that was lost before any time passed: it ends beside the place where it was made."""
    return flight.end == LOST and flight.origin is not None and flat(flight, story)


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
    _stubs(number, p, story)
    sent = [
        f
        for f in story.flights
        if f.sent == number and f.origin is None and not level(f, story) and not stops(f, story)
    ]
    for side in (1, -1):
        for text in dict.fromkeys(f.short for f in sent if side_of(f) == side):
            group = [f for f in sent if f.short == text and side_of(f) == side]
            line = Line("send", text, _gap(group[0].sender, side), side, 0, WIRE)
            _line(p, line)
            for flight in group:
                p.leave[flight.number] = LINE * line.slot + 6.5


def _stubs(number: int, p: Placed, story: Story) -> None:
    """Those that end beside their sender: the label above, what became of it below. Alike ones are drawn once, in one place."""
    ended = [f for f in story.flights if f.arrived == number and stops(f, story)]
    for key in dict.fromkeys((f.sender, side_of(f), f.short, f.end) for f in ended):
        group = [f for f in ended if (f.sender, side_of(f), f.short, f.end) == key]
        side = key[1]
        gap = _gap(group[0].sender, side)
        line = Line("send", group[0].short, gap, side, 0, WIRE)
        _line(p, line)
        end = group[0].end if len(group) == 1 else f"{group[0].end} ({len(group)})"
        _line(p, Line("ended", end, gap, side, 0, "#b03a00"))
        for flight in group:
            p.leave[flight.number] = LINE * line.slot + 8.0
            p.stub[flight.number] = max(34.0, font.width(font.fit(line.text, MOST_LABEL, SMALL), SMALL) + 18)


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


def _lanes(story: Story, placed: list[Placed], start: float, wider: dict[int, float]) -> list[Lane]:
    room = [LEAST_GAP] * len(story.columns)
    room[-1] = 20.0
    for p in placed:
        for line in p.lines:
            line.text = font.fit(line.text, MOST_LABEL, SMALL)
            needed = font.width(line.text, SMALL) + (30 if line.kind in BESIDE else MARK_ROOM + 12)
            room[line.gap] = max(room[line.gap], needed)
    room = [width + wider.get(gap, 0.0) for gap, width in enumerate(room)]
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
            y += REPEAT if p.row.repeat is not None else space
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
        return min(plan.height - 8, leaves(flight, plan) + UNDER_WAY)
    if stops(flight, plan.story):
        return leaves(flight, plan)
    return plan.rows[flight.arrived].anchor


def leaves(flight: Flight, plan: Plan) -> float:
    """The y at which a flight begins."""
    placed = plan.rows[flight.sent]
    if flight.origin is not None:
        return placed.anchor
    if stops(flight, plan.story):
        assert flight.arrived is not None  # noqa: S101 - narrows
        ended = plan.rows[flight.arrived]
        return ended.anchor + ended.leave[flight.number]
    if level(flight, plan.story):
        return arrives(flight, plan)
    return placed.anchor + placed.leave[flight.number]


Ends = tuple[tuple[float, float], tuple[float, float]]


def ends(flight: Flight, plan: Plan) -> Ends:
    """Where a message leaves and where it ends, on the strip."""
    sender, receiver = plan.lanes[flight.sender], plan.lanes[flight.receiver]
    right = side_of(flight) > 0
    x0 = sender.right if right else sender.left
    y0, y1 = leaves(flight, plan), arrives(flight, plan)
    if stops(flight, plan.story):
        length = plan.rows[flight.arrived or 0].stub[flight.number]
        return (x0, y0), (x0 + length if right else x0 - length, y0)
    if flight.sender == flight.receiver:
        return (x0, y0), (x0 if flight.end == DELIVERED else x0 + AROUND, max(y1, y0 + AROUND / 2))
    x1 = receiver.left if right else receiver.right
    if flight.end != DELIVERED:
        before = plan.lanes[flight.receiver - 1].right if right else plan.lanes[flight.receiver + 1].left
        x1 = before + (x1 - before) * 0.55
    start, stop = (x0, y0), (x1, max(y1, y0))
    if flight.origin is not None:
        (ax, ay), (bx, by) = ends(plan.story.flights[flight.origin], plan)
        part = 0.5 if by <= ay else min(0.85, max(0.15, (y0 - ay) / (by - ay)))
        start = (ax + (bx - ax) * part, ay + (by - ay) * part if by > ay else y0)
        if _short_copy(flight, plan.story):
            return start, (start[0] + side_of(flight) * AROUND, start[1])
    return start, stop


def label_box(line: Line, placed: Placed, plan: Plan) -> tuple[float, float, float, float]:
    """Left, base line, width of a label, and the left end of what belongs to it, on the strip."""
    lane, text = plan.lanes[line.gap], font.width(line.text, SMALL)
    base = placed.anchor + LINE * line.slot + 3.2 + LOWER.get(line.kind, 0.0)
    if line.kind in BESIDE:
        x = lane.right + 8 if line.side > 0 else plan.lanes[line.gap + 1].left - 8 - text
        return x + line.shift, base, text, x + line.shift
    if line.kind == "lost":
        following = plan.lanes[line.gap + 1].left
        near = lane.right + (following - lane.right) * (0.55 if line.side > 0 else 0.45) - text / 2
        return near, base, text, near
    left = lane.right + 4 + line.shift
    return left + MARK_ROOM - 1, base, text, left
