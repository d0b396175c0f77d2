"""A plan, drawn: one strip, or pages of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from verify.render import font
from verify.render import plan as p
from verify.render.plan import WIRE, Lane, Line, Placed, Plan
from verify.render.scene import Box, Circle, Group, Path, Picture, Point, Shape, Text
from verify.render.story import DELIVERED, LOST, UNCARRIED, Flight, Repeat, Stretch
from verify.system.display import show_time

INK, QUIET, FAINT = "#1a1a1a", "#5f5f5f", "#d0d0d0"
ALARM = "#b03a00"

# Tints of the colours of Okabe and Ito, which the colour-blind can tell apart; the hatch tells them apart in grey.
FILLS = ("#ececec", "#bfe0f5", "#f7c873", "#a9dcc6", "#f5ec9a", "#e3bfd3", "#a9c4e4", "#f2b79c")
INKS = ("#8a8a8a", "#4f97c2", "#b97a10", "#2f8f6c", "#a89a1c", "#a0587f", "#3f6ea8", "#b85a2c")
HATCHES = ("", "/", "", "\\", "-", "x", "/", "-")
SHADE = "#f6d4c4"
GOOD_SHADE = "#cfe8dc"


@dataclass(slots=True)
class Words:
    """What stands above and below the diagram."""

    title: str
    text: str = ""
    because: str = ""


def strip(plan: Plan, words: Words) -> Picture:
    """The whole picture, as long as it is."""
    return _Sheet(plan, words, 0.0, plan.height, first=True, last=True, number="").picture()


def pages(plan: Plan, words: Words, height: float) -> list[Picture]:
    """The picture in pages of this height at most; a page holds one row at least, however high."""
    cuts = [0.0]
    head = _Sheet(plan, words, 0, 1, first=True, last=True, number="1").frame
    room = height - head
    for before, placed in pairwise(plan.rows):
        if placed.bottom - cuts[-1] > room and placed.top > cuts[-1]:
            cuts.append(max(before.bottom, placed.top - p.SAME_TIME / 2))
    if plan.height - cuts[-1] > room + 1 and plan.rows[-1].top > cuts[-1]:
        cuts.append(plan.rows[-1].top - p.SAME_TIME / 2)
    ends = [*cuts[1:], plan.height]
    total = len(cuts)
    return [
        _Sheet(
            plan, words, a, b, first=i == 0, last=i == total - 1, number=f"{i + 1} of {total}", tall=height
        ).picture()
        for i, (a, b) in enumerate(zip(cuts, ends, strict=True))
    ]


@dataclass(slots=True)
class _Sheet:
    """A part of the strip, from ``start`` to ``stop``, with all around it."""

    plan: Plan
    words: Words
    start: float
    stop: float
    first: bool
    last: bool
    number: str
    tall: float = 0.0
    above: list[Shape] = field(init=False)
    below: list[Shape] = field(init=False)
    top: float = field(init=False)
    bottom: float = field(init=False)

    def __post_init__(self) -> None:
        self.above, y = self._title()
        self.top = y + p.HEAD + 6
        self.below, used = self._footer()
        self.bottom = used

    @property
    def frame(self) -> float:
        """The height of everything but the diagram."""
        return self.top + self.bottom

    def y(self, strip_y: float) -> float:
        """Where a y of the strip lies on the sheet."""
        return self.top + strip_y - self.start

    def picture(self) -> Picture:
        """All of it, in the order in which it is painted."""
        plan = self.plan
        end = self.y(self.stop)
        height = max(end + self.bottom, self.tall)
        picture = Picture(plan.width, height, self.words.title, f"{self.words.text} ({plan.story.facts})")
        labels = Group("labels")
        notes = Group("notes")
        picture.groups += self._shades(labels)
        picture.groups.append(Group("rules", {}, list(self._rules())))
        picture.groups += [self._lifeline(lane) for lane in plan.lanes]
        picture.groups.append(Group("folds", {}, list(self._folds())))
        picture.groups += [g for f in plan.story.flights if (g := self._message(f)) is not None]
        for placed in self._rows():
            self._marks(placed, labels)
            notes.shapes += self._notes(placed)
        picture.groups += [labels, notes, Group("axis", {}, list(self._axis()))]
        if plan.story.loop is not None:
            picture.groups.append(Group("loop", {}, list(self._loop())))
        picture.groups.append(Group("title", {}, self.above))
        dy = height - self.bottom
        picture.groups.append(Group("footer", {}, [_moved(s, dy) for s in self.below]))
        return picture

    def _rows(self) -> Iterator[Placed]:
        return (x for x in self.plan.rows if self.start <= x.anchor < self.stop)

    # ---- above and below

    def _title(self) -> tuple[list[Shape], float]:
        room = self.plan.width - 2 * p.MARGIN
        shapes: list[Shape] = []
        y = p.MARGIN
        title = self.words.title if self.first else f"{self.words.title}, continued"
        for line in font.wrap(title, room - 60, 15, most=3, bold=True):
            y += 15
            shapes.append(_text(p.MARGIN, y, line, 15, bold=True))
            y += 4
        if self.number:
            width = font.width(self.number, p.SMALL)
            shapes.append(_text(self.plan.width - p.MARGIN - width, p.MARGIN + 12, self.number, p.SMALL, colour=QUIET))
        if self.first:
            for text, size, colour in (
                (self.words.text, 11.0, INK),
                (self.words.because, p.NORMAL, QUIET),
                (self.plan.story.facts, p.NORMAL, QUIET),
            ):
                for line in font.wrap(text, room, size, most=6):
                    y += size + 3
                    shapes.append(_text(p.MARGIN, y, line, size, colour=colour))
                y += 2
        return shapes, y + 14

    def _footer(self) -> tuple[list[Shape], float]:
        room = self.plan.width - 2 * p.MARGIN
        shapes: list[Shape] = []
        y = 12.0
        if self.last:
            story = self.plan.story
            told = f"error: {story.failed}" if story.failed else story.reason
            for line in font.wrap(told[:1].upper() + told[1:], room, 11, most=6, bold=True):
                y += 14
                shapes.append(_text(p.MARGIN, y, line, 11, bold=True, colour=ALARM if not self._good() else "#1d6b4f"))
            y += 10
        legend, y = self._legend(y)
        return [*shapes, *legend], y + p.MARGIN - 6

    def _good(self) -> bool:
        return any(s.text == "here it is" for s in self.plan.story.spans)

    def _legend(self, y: float) -> tuple[list[Shape], float]:
        """The signs that this run uses, and only those."""
        story = self.plan.story
        kinds = {m.kind for r in story.rows for ms in r.marks.values() for m in ms}
        ends = {f.end for f in story.flights}
        entries: list[str] = [k for k in ("start", "expire", "stop", "crash", "restart") if k in kinds]
        entries += [end for end in (LOST, UNCARRIED) if end in ends]
        entries += ["copy"] if any(f.origin is not None for f in story.flights) else []
        entries += ["under way"] if "under way" in ends else []
        folded = any(r.folded and r.row.repeat is None for r in self.plan.rows)
        entries += ["fold"] if folded or self.plan.tail_ticks > p.MOST_TICKS else []
        entries += ["rounds"] if any(r.row.repeat is not None for r in self.plan.rows) else []
        cut = any(s.kind == "cut" for c in story.columns for t in c.tracks for s in t.stretches)
        names = {
            "start": "timer starts",
            "expire": "timer expires",
            "stop": "timer stops",
            "crash": "crash",
            "restart": "restart",
            LOST: "message lost",
            UNCARRIED: "message not carried: the network is cut" if cut else "message not carried",
            "copy": "message duplicated",
            "under way": "still under way",
            "fold": "time left out",
            "rounds": "rounds left out",
        }
        shapes: list[Shape] = []
        x = p.MARGIN
        if entries:
            y += 12
        for entry in entries:
            width = 16 + font.width(names[entry], p.TINY) + 16
            if x + width > self.plan.width - p.MARGIN:
                x, y = p.MARGIN, y + 14
            shapes += _sign(entry, x + 5, y - 3)
            shapes.append(_text(x + 16, y, names[entry], p.TINY, colour=QUIET))
            x += width
        return shapes, y

    # ---- behind everything

    def _shades(self, labels: Group) -> list[Group]:
        plan = self.plan
        found: list[Group] = []
        for span in plan.story.spans:
            a = plan.at(span.first)
            b = plan.at(span.last + 1) if span.last + 1 < len(plan.story.ticks) else plan.height
            low, high = max(a, self.start), min(max(b, a + 3), self.stop)
            if high <= low:
                continue
            good = span.text == "here it is"
            left = plan.axis + 3
            shade = Box(left, self.y(low), plan.width - p.MARGIN + 9 - left, high - low, GOOD_SHADE if good else SHADE)
            edge = Box(left, self.y(low), 3.5, high - low, "#1d6b4f" if good else ALARM)
            told = font.width(span.text, p.TINY, bold=True)
            if told + 6 <= high - low:
                x, y = plan.width - p.MARGIN + 4, (self.y(low) + self.y(high) + told) / 2
                colour = "#1d6b4f" if good else ALARM
                labels.shapes.append(Text(x, y, span.text, p.TINY, told, True, colour, True))
            about = {"from": str(span.first), "to": str(span.last), "text": span.text}
            found.append(Group("window", about, [shade, edge]))
        return found

    def _rules(self) -> Iterator[Shape]:
        for placed in self._rows():
            y = self.y(placed.anchor)
            pieces = [((self.plan.axis + 8, y), (self.plan.notes - 6, y))]
            yield Path(tuple(pieces), FAINT, 0.6, dash=(1.0, 2.5))

    # ---- lifelines

    def _lifeline(self, lane: Lane) -> Group:
        column = lane.column
        kind = "network" if column.network else "lifeline"
        group = Group(kind, {"instance": column.name})
        shapes = group.shapes
        y = self.top - p.HEAD - 2
        name = font.width(column.name, 11, bold=True)
        machine = font.width(column.machine, p.TINY)
        wide = max(name, machine) + 14
        left = lane.middle - wide / 2
        several = len(column.tracks) > 1
        tall = 29.0
        fill = "#ffffff" if column.network else "#26323d"
        shapes.append(Box(left, y, wide, tall, fill, "#26323d", 1.0, 4.0))
        ink = "#26323d" if column.network else "#ffffff"
        shapes.append(_text(lane.middle - name / 2, y + 13, column.name, 11, bold=True, colour=ink))
        ink = QUIET if column.network else "#cfd8df"
        shapes.append(_text(lane.middle - machine / 2, y + 23.5, column.machine, p.TINY, colour=ink))
        for track, (x0, x1) in zip(column.tracks, lane.bands, strict=True):
            if several and track.name:
                width = font.width(track.name, p.TINY)
                shapes.append(_text((x0 + x1 - width) / 2, y + tall + 10.5, track.name, p.TINY, colour=QUIET))
            ends = [self._begins(s) for s in track.stretches[1:]] + [self.plan.height]
            for stretch, end in zip(track.stretches, ends, strict=True):
                begin = self._begins(stretch)
                low, high = max(begin, self.start), min(end, self.stop)
                if high > low:
                    shapes += self._stretch(stretch, x0, x1, low, high)
        return group

    def _begins(self, stretch: Stretch) -> float:
        return 0.0 if stretch.row == 0 else self.plan.rows[stretch.row].anchor

    def _stretch(self, stretch: Stretch, x0: float, x1: float, low: float, high: float) -> Iterator[Shape]:
        a, b = self.y(low), self.y(high)
        middle = (x0 + x1) / 2
        if stretch.kind == "calm":
            yield Path((((middle, a), (middle, b)),), "#26323d", 1.6)
            return
        if stretch.kind in ("down", "cut"):
            yield Path((((middle, a), (middle, b)),), "#8a8a8a", 1.4, dash=(4.0, 4.0))
            shown = stretch.text
            colour = ALARM
            y = a + (20 if stretch.kind == "down" else 12.5)
            if stretch.kind == "cut":
                arms = tuple(((middle - s, a - 4), (middle + s, a + 4)) for s in (5, -5))
                yield Path(arms, ALARM, 2.2)
                y = a + 17
        else:
            at = stretch.colour % len(FILLS)
            area = Box(x0, a, x1 - x0, b - a, FILLS[at])
            yield area
            lines = tuple(_hatch(area, HATCHES[at]))
            if lines:
                yield Path(lines, INKS[at], 0.5, opacity=0.55)
            yield replace(area, fill="", stroke=INKS[at], line=0.9)
            shown, colour, y = stretch.text, INK, a + 13
        if shown and y + 4 <= b:
            width = font.width(shown, p.SMALL, bold=True)
            back = FILLS[stretch.colour % len(FILLS)] if stretch.kind == "state" else self._paper(low + y - a)
            yield Box(middle - width / 2 - 3, y - 9.5, width + 6, 12.5, back, radius=2.5)
            yield _text(middle - width / 2, y, shown, p.SMALL, bold=True, colour=colour)

    def _folds(self) -> Iterator[Shape]:
        rows = self.plan.rows
        for before, placed in pairwise(rows):
            middle = (before.bottom + placed.top) / 2
            if placed.row.repeat is not None:
                yield from self._fold(middle - 7)
                yield from self._fold(middle + 7)
                yield from self._repeat(middle, placed.row.repeat)
            elif placed.folded:
                yield from self._fold(middle)
        if self.plan.tail_ticks > p.MOST_TICKS:
            yield from self._fold(rows[-1].bottom + p.FOLD / 2)

    def _fold(self, middle: float) -> Iterator[Shape]:
        """A break across the lifelines: the paper shows through between two waves."""
        if not self.start <= middle < self.stop:
            return
        y = self.y(middle)
        for lane in self.plan.lanes:
            x0, x1 = lane.left - 3, lane.right + 3
            upper, lower = _wave(x0, x1, y - 3), _wave(x0, x1, y + 3)
            shaded = self._paper(middle)
            yield Path(((*upper, *reversed(lower)),), fill=shaded, closed=True)
            yield Path((upper, lower), QUIET, 0.9)

    def _repeat(self, middle: float, repeat: Repeat) -> Iterator[Shape]:
        """What stands where rounds are left out."""
        if not self.start <= middle < self.stop:
            return
        told = (
            f"\N{MULTIPLICATION SIGN} {repeat.times} the same, every {show_time(repeat.period, self.plan.story.system)}"
        )
        x, y = self.plan.notes, self.y(middle)
        width = font.width(told, p.NORMAL, bold=True)
        yield Box(x, y - 9, width + 14, 18, "#ffffff", QUIET, 0.9, 9.0)
        yield _text(x + 7, y + 3.4, told, p.NORMAL, bold=True)

    def _paper(self, middle: float) -> str:
        """The colour behind a y of the strip."""
        for span in self.plan.story.spans:
            end = span.last + 1
            b = self.plan.at(end) if end < len(self.plan.story.ticks) else self.plan.height
            if self.plan.at(span.first) <= middle <= b:
                return GOOD_SHADE if span.text == "here it is" else SHADE
        return "#ffffff"

    # ---- messages

    def _message(self, flight: Flight) -> Group | None:
        start, stop = p.ends(flight, self.plan)
        inside = _within(start, stop, self.start, self.stop)
        if inside is None:
            return None
        story = self.plan.story
        about = {
            "number": str(flight.number),
            "from": story.columns[flight.sender].name,
            "to": story.columns[flight.receiver].name,
            "end": flight.end,
        }
        if flight.origin is not None:
            about["copy-of"] = str(flight.origin)
        group = Group("message", about)
        a, b = ((x, self.y(y)) for x, y in inside)
        begin = a
        lost = flight.end in (LOST, UNCARRIED)
        dash = () if flight.end == DELIVERED else (5.0, 3.0)
        whole = inside[1] == stop
        tip = a if a == b else _short(a, b, 1.0)
        if flight.sender == flight.receiver and flight.end == DELIVERED:
            out = a[0] + p.AROUND
            group.shapes.append(Path(((a, (out, a[1]), (out, b[1]), tip),), WIRE, 1.4))
            a = out, b[1]
        else:
            group.shapes.append(Path(((a, tip),), ALARM if lost else WIRE, 1.4, dash=dash))
        if inside[0] == start:
            sign = _sign("copy", *begin) if flight.origin is not None else [Circle(*begin, 2.2, WIRE)]
            group.shapes += sign
        if whole and flight.end == DELIVERED:
            group.shapes.append(_arrowhead(a, b))
        elif whole and lost:
            group.shapes += _sign(flight.end, *b)
        elif whole:
            group.shapes.append(Circle(*b, 2.6, "#ffffff", WIRE, 1.2))
        return group

    # ---- marks and notes

    def _marks(self, placed: Placed, labels: Group) -> None:
        y = self.y(placed.anchor)
        for column, marks in placed.row.marks.items():
            lane = self.plan.lanes[column]
            for mark in marks:
                if mark.kind == "crash":
                    labels.shapes += _cross(lane.middle, y, 8.0, 3.4, ALARM)
                elif mark.kind == "restart":
                    labels.shapes += _sign("restart", lane.left, y)
        for line in placed.lines:
            told = self._label(line, placed)
            at = placed.anchor + p.LINE * line.slot + p.LOWER.get(line.kind, 0.0)
            for text in [t for t in told if isinstance(t, Text)]:
                left, top, right, bottom = text.box
                labels.shapes.append(Box(left - 2, top, right - left + 4, bottom - top, self._paper(at), radius=2.0))
            labels.shapes += told

    def _label(self, line: Line, placed: Placed) -> list[Shape]:
        x, base, _, left = p.label_box(line, placed, self.plan)
        text = _text(x, self.y(base), line.text, p.SMALL, colour=line.colour)
        if line.kind in p.BESIDE or line.kind == "lost":
            return [text]
        return [*_sign(line.kind, left + 5, self.y(base - 3.2)), text]

    def _notes(self, placed: Placed) -> Iterator[Shape]:
        y = self.y(placed.anchor) + 3.2
        for note in placed.notes:
            yield _text(self.plan.notes, y, note.text, note.size, bold=note.bold, colour=note.colour)
            y += p.NOTE_LINE if note.size > p.TINY else 10.5

    # ---- time

    def _axis(self) -> Iterator[Shape]:
        plan, story = self.plan, self.plan.story
        x = plan.axis
        yield Path((((x + 3, self.top), (x + 3, self.y(self.stop))),), QUIET, 0.8)
        told = -1
        for placed in self._rows():
            y = self.y(placed.anchor)
            ticks = placed.row.ticks
            yield Path((((x, y), (x + 6, y)),), QUIET, 0.8)
            if ticks != told:
                shown = story.clock(ticks)
                width = font.width(shown, p.SMALL, bold=True)
                yield _text(x - 3 - width, y + 3.2, shown, p.SMALL, bold=True)
            told = ticks
        rows = plan.rows
        for before, placed in pairwise(rows):
            if placed.folded or placed.row.repeat is not None:
                yield from self._pause((before.bottom + placed.top) / 2, placed.waited)
            elif placed.waited > 1:
                step = (placed.top - before.bottom) / placed.waited
                for k in range(1, placed.waited):
                    at = before.bottom + step * k
                    if self.start <= at < self.stop:
                        yield Path((((x + 1, self.y(at)), (x + 5, self.y(at))),), QUIET, 0.8)
        if plan.tail_ticks:
            if plan.tail_ticks > p.MOST_TICKS:
                yield from self._pause(rows[-1].bottom + p.FOLD / 2, plan.tail_ticks)
            y = plan.height - 8
            if self.start <= y <= self.stop:
                shown = story.clock(story.ticks[-1])
                width = font.width(shown, p.SMALL, bold=True)
                yield Path((((x, self.y(y)), (x + 6, self.y(y))),), QUIET, 0.8)
                yield _text(x - 3 - width, self.y(y) + 3.2, shown, p.SMALL, bold=True)

    def _pause(self, middle: float, ticks: int) -> Iterator[Shape]:
        if not self.start <= middle < self.stop:
            return
        x, y = self.plan.axis, self.y(middle)
        yield Box(x + 1, y - 4, 5.5, 8, self._paper(middle))
        yield Path((_wave(x - 1, x + 7, y - 3), _wave(x - 1, x + 7, y + 3)), QUIET, 0.9)
        shown = p.waited(ticks, self.plan.story)
        width = font.width(shown, p.TINY)
        yield _text(x - 4 - width, y + 2.6, shown, p.TINY, colour=QUIET)

    def _loop(self) -> Iterator[Shape]:
        assert self.plan.story.loop is not None  # noqa: S101 - narrows
        loop = self.plan.story.loop
        known = next((x for x in self.plan.rows if x.row.moment == loop), None)  # the step before the first of the loop
        a, b = (self.plan.at(loop) if known is None else known.bottom), self.plan.height
        low, high = max(a, self.start), min(b, self.stop)
        if high <= low:
            return
        x = p.MARGIN + 10
        top, bottom = self.y(low), self.y(high)
        points = ((x + 9, top), (x + 3, top), (x + 3, bottom), (x + 9, bottom))
        yield Path((points,), WIRE, 1.6)
        if a >= self.start:
            yield Path((((x + 7, top - 3.5), (x + 13, top), (x + 7, top + 3.5)),), fill=WIRE, closed=True)
        shown = "for ever"
        width = font.width(shown, p.SMALL, bold=True)
        middle = (top + bottom) / 2
        yield Text(x - 2, middle + width / 2, shown, p.SMALL, width, True, WIRE, True)


# ---- small things


def _text(  # noqa: PLR0913 - a text has as many properties
    x: float, y: float, text: str, size: float, *, bold: bool = False, colour: str = INK
) -> Text:
    return Text(x, y, text, size, font.width(text, size, bold=bold), bold, colour)


def _moved(shape: Shape, dy: float) -> Shape:
    if isinstance(shape, Path):
        return replace(shape, pieces=tuple(tuple((x, y + dy) for x, y in piece) for piece in shape.pieces))
    return replace(shape, y=shape.y + dy)


def _sign(kind: str, x: float, y: float) -> list[Shape]:
    """The sign of a mark, 10 wide, around a point."""
    match kind:
        case "start":
            return [
                Circle(x, y, 4.2, "#ffffff", INK, 1.1),
                Path((((x, y - 2.6), (x, y), (x + 2.2, y + 1.2)),), INK, 1.1),
            ]
        case "expire":
            hands = Path((((x, y - 2.6), (x, y)),), "#ffffff", 1.2)
            return [Circle(x, y, 4.2, INK, INK, 1.1), hands, Circle(x, y, 0.9, "#ffffff")]
        case "stop":
            return [Circle(x, y, 4.2, "#ffffff", QUIET, 1.1), Path((((x - 3, y + 3), (x + 3, y - 3)),), QUIET, 1.1)]
        case "crash":
            return _cross(x, y, 4.5, 2.6, ALARM)
        case "lost":
            return _cross(x, y, 4.5, 2.0, ALARM)
        case "not carried":
            bar = (((x, y - 5.5), (x, y + 5.5)),)
            return [Path(bar, "#ffffff", 6.0), *_cross(x, y, 4.0, 1.6, ALARM), Path(bar, ALARM, 2.4)]
        case "restart":
            return [Path((((x - 4, y - 4), (x + 4, y), (x - 4, y + 4)),), fill="#1d6b4f", closed=True)]
        case "copy":
            return [Circle(x, y, 4.2, "#ffffff", WIRE, 1.2), Circle(x, y, 1.8, WIRE)]
        case "under way":
            return [
                Path((((x - 5, y), (x + 2, y)),), WIRE, 1.4, dash=(3.0, 2.0)),
                Circle(x + 3.4, y, 2.2, "#ffffff", WIRE, 1.2),
            ]
        case "rounds":
            return [Path(tuple(_wave(x - 5, x + 5, y + at) for at in (-5, -2, 2, 5)), QUIET, 0.9)]
        case _:
            return [Path((_wave(x - 5, x + 5, y - 2), _wave(x - 5, x + 5, y + 2)), QUIET, 0.9)]


def _cross(x: float, y: float, arm: float, width: float, colour: str) -> list[Shape]:
    arms = (((x - arm, y - arm), (x + arm, y + arm)), ((x - arm, y + arm), (x + arm, y - arm)))
    return [Path(arms, "#ffffff", width + 2.4), Path(arms, colour, width)]


def _arrowhead(a: Point, b: Point) -> Path:
    angle = math.atan2(b[1] - a[1], b[0] - a[0])
    wings = tuple((b[0] - 8 * math.cos(angle + s), b[1] - 8 * math.sin(angle + s)) for s in (0.38, -0.38))
    return Path(((wings[0], b, wings[1]),), fill=WIRE, closed=True)


def _short(a: Point, b: Point, by: float) -> Point:
    length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    return b[0] - (b[0] - a[0]) * by / length, b[1] - (b[1] - a[1]) * by / length


def _wave(x0: float, x1: float, y: float) -> tuple[Point, ...]:
    count = max(2, round((x1 - x0) / 4))
    return tuple((x0 + (x1 - x0) * k / count, y + (1.6 if k % 2 else -1.6)) for k in range(count + 1))


def _within(a: Point, b: Point, low: float, high: float) -> tuple[Point, Point] | None:
    """The part of a line that goes down (or level) from a to b between two heights."""
    if b[1] < low or a[1] >= high:
        return None

    def cut(y: float) -> Point:
        return a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]), y

    return (cut(low) if a[1] < low else a), (cut(high) if b[1] > high else b)


def _hatch(area: Box, kind: str) -> Iterator[tuple[Point, ...]]:
    """Lines across a rectangle."""
    x0, y0, x1, y1 = area.x, area.y, area.x + area.width, area.y + area.height
    if kind == "-":
        y = math.ceil(y0 / 6) * 6.0
        while y < y1:
            yield (x0, y), (x1, y)
            y += 6
    for slope, kinds in ((1, "/x"), (-1, "\\x")):
        if not kind or kind not in kinds:
            continue
        corners = [x * slope + y for x in (x0, x1) for y in (y0, y1)]
        c = math.ceil(min(corners) / 7) * 7.0  # of the line slope * x + y = c
        while c < max(corners):
            points = [(x, c - x * slope) for x in (x0, x1) if y0 <= c - x * slope <= y1]
            points += [((c - y) * slope, y) for y in (y0, y1) if x0 < (c - y) * slope < x1]
            if len(points) > 1:
                yield points[0], points[1]
            c += 7
