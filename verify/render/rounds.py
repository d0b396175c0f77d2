"""A story without the rounds that repeat: the first and the last of them stay, and say how many stood between."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from verify.base.record import record
from verify.render.story import Flight, Repeat, Row, Story

LEAST = 2  # rounds worth leaving out
LONGEST = 60  # rows of a round


@record
class _Fold:
    """Rows from ``first`` up to ``stop`` are left out: so many rounds, of the rows before and behind them."""

    first: int
    stop: int
    repeat: Repeat


def fold_rounds(story: Story) -> Story:
    """The story with repeated rounds left out.

    A round is the same rows, with the same messages, after the same time. None is left out in which a control state
    changes, a network is cut or repaired, an error happens, the property begins or ceases to be false, or the loop begins.
    """
    folds = _folds(story)
    return _without(story, folds) if folds else story


def _folds(story: Story) -> list[_Fold]:
    names: dict[Hashable, int] = {}
    looks = [names.setdefault(x, len(names)) for x in _looks(story)]
    crossed = _crossed(story)
    found: list[_Fold] = []
    at = 1
    while at < len(story.rows):
        best = max(
            (f for size in range(1, LONGEST + 1) if (f := _fold_at(at, size, story, looks, crossed))),
            key=lambda f: f.stop - f.first,
            default=None,
        )
        if best is None:
            at += 1
        else:
            found.append(best)
            at = best.stop + 1
    return found


def _fold_at(at: int, size: int, story: Story, looks: list[int], crossed: list[bool]) -> _Fold | None:
    """The fold of rounds of ``size`` rows, the first of which begins at ``at``."""
    rows = story.rows
    if at + size * (LEAST + 2) > len(rows):
        return None
    period = rows[at + size].ticks - rows[at].ticks
    count = 1
    while period and _same(at + (count - 1) * size, size, period, rows, looks):
        count += 1
    first = at + size
    if count < LEAST + 2 or crossed[first]:
        return None
    for last in range(count - 1, LEAST, -1):  # the round that stays below
        stop = at + last * size
        if not crossed[stop] and _calm(first, stop, story):
            return _Fold(first, stop, Repeat(last - 1, period))
    return None


def _same(at: int, size: int, period: int, rows: list[Row], looks: list[int]) -> bool:
    """Whether the round at a row is followed by one like it."""
    return at + 2 * size <= len(rows) and all(
        looks[i] == looks[i + size] and rows[i + size].ticks - rows[i].ticks == period for i in range(at, at + size)
    )


def _looks(story: Story) -> list[Hashable]:
    """What is to be seen of each row, times left out."""
    seen: list[list[Hashable]] = [[] for _ in story.rows]
    for c, column in enumerate(story.columns):
        for k, track in enumerate(column.tracks):
            for stretch in track.stretches:
                seen[stretch.row].append((c, k, stretch.text, stretch.kind))
    for f in story.flights:
        after = None if f.arrived is None else f.arrived - f.sent
        copy = None if f.origin is None else f.sent - story.flights[f.origin].sent
        seen[f.sent].append((f.lane, f.text, after, f.end, copy))
    return [
        (
            row.head,
            row.column,
            row.fault,
            tuple(row.details),
            tuple(row.cited),
            tuple((column, mark) for column, marks in sorted(row.marks.items()) for mark in marks),
            tuple(more),
        )
        for row, more in zip(story.rows, seen, strict=True)
    ]


def _calm(first: int, stop: int, story: Story) -> bool:
    """Whether nothing begins or ends in the rows from ``first`` up to ``stop``, nor in the time around them."""
    turns = [x for span in story.spans for x in (span.first, span.last + 1)]
    turns += [] if story.loop is None else [story.loop]
    if any(story.rows[first - 1].moment < turn < story.rows[stop].moment for turn in turns):
        return False
    return not any(first <= s.row < stop for c in story.columns for t in c.tracks for s in t.stretches)


def _crossed(story: Story) -> list[bool]:
    """For each row, whether a message is on its way from before it to it or past it."""
    found = [False] * (len(story.rows) + 1)
    for f in story.flights:
        for row in range(f.sent + 1, (len(story.rows) if f.arrived is None else f.arrived) + 1):
            found[row] = True
    return found


def _without(story: Story, folds: list[_Fold]) -> Story:
    gone = {row for fold in folds for row in range(fold.first, fold.stop)}
    kept = [i for i in range(len(story.rows)) if i not in gone]
    at = {old: new for new, old in enumerate(kept)}
    repeats = {fold.stop: fold.repeat for fold in folds}
    rows = [replace(story.rows[i], repeat=repeats.get(i)) for i in kept]
    flights = [f for f in story.flights if f.sent not in gone]
    number = {f.number: new for new, f in enumerate(flights)}

    def moved(f: Flight) -> Flight:
        arrived = None if f.arrived is None else at[f.arrived]
        origin = None if f.origin is None else number[f.origin]
        return replace(f, number=number[f.number], sent=at[f.sent], arrived=arrived, origin=origin)

    columns = [
        replace(c, tracks=[replace(t, stretches=[replace(s, row=at[s.row]) for s in t.stretches]) for t in c.tracks])
        for c in story.columns
    ]
    return replace(story, rows=rows, flights=[moved(f) for f in flights], columns=columns)
