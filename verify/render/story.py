"""What a picture tells, without a place for anything yet: who, which steps, which messages, what held when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from verify.base.record import record
from verify.judge.judge import failure_text
from verify.semantics.interpreter import TICK, Choice, Outcome, State
from verify.system.display import show_time, show_value
from verify.system.domain import Enumeration
from verify.system.property import Form
from verify.system.system import Step, StepKind, System, Taking
from verify.trace.differences import Changed, TimerChanged, differences, show_message
from verify.trace.trace import Run
from verify.trace.uncarried import uncarried
from verify.trace.why import Span, when, why

DELIVERED, LOST, UNCARRIED, UNDER_WAY = "delivered", "lost", "not carried", "under way"


MOST_TRACKS = 3  # bands of a column that are drawn even if they never change


@record
class Mark:
    """A small sign at a lifeline: ``kind`` start, stop, expire, crash or restart."""

    kind: str
    text: str


@record
class Repeat:
    """Rounds that are left out before a row, each the same as the one above and the one below; ``period`` in ticks."""

    times: int
    period: int


@dataclass(slots=True)
class Row:
    """Something that happens at one instant. ``moment``: the state it leads to; ``column``: whose doing it is.

    ``repeat``: what was left out before it.
    """

    moment: int
    ticks: int
    head: str
    column: int | None = None
    fault: bool = False
    details: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    marks: dict[int, list[Mark]] = field(default_factory=dict)
    repeat: Repeat | None = None


@dataclass(slots=True)
class Flight:
    """A message from its sending to its end. ``origin``: the flight it is a copy of. Rows are numbers of rows."""

    number: int
    lane: int
    sender: int
    receiver: int
    short: str
    text: str
    sent: int
    arrived: int | None = None
    end: str = UNDER_WAY
    origin: int | None = None


@dataclass(slots=True)
class Stretch:
    """A value of a track, from a row up to the next stretch or the end. ``kind``: state or down; calm or cut for networks."""

    row: int
    text: str
    colour: int
    kind: str = "state"


@dataclass(slots=True)
class Track:
    """A band of a column: one control state; ``name`` "" if it is the only one."""

    name: str
    stretches: list[Stretch] = field(default_factory=list)


@dataclass(slots=True)
class Column:
    """A lifeline: an instance with the regions and parts in it, or a network that is cut at some time."""

    name: str
    machine: str
    tracks: list[Track] = field(default_factory=list)
    network: bool = False


@dataclass(slots=True)
class Story:
    """All of it."""

    system: System
    columns: list[Column]
    rows: list[Row]
    flights: list[Flight]
    spans: list[Span]
    ticks: list[int]
    facts: str
    reason: str
    loop: int | None
    failed: str = ""

    def clock(self, ticks: int) -> str:
        """So many ticks after the beginning, with the digits that a tick needs."""
        size = self.system.tick_nanoseconds
        unit, name = (10**9, "s") if size * max(self.ticks[-1], 1) >= 10**9 else (10**6, "ms")
        digits = 0
        while digits < 9 and (size * 10**digits) % unit:
            digits += 1
        return f"{ticks * size / unit:.{digits}f} {name}"


def tell_story(run: Run, system: System, form: Form | None) -> Story:
    """What is to be drawn of a run."""
    return _Teller(run, system, form).story


class _Teller:
    def __init__(self, run: Run, system: System, form: Form | None) -> None:
        self.run, self.system = run, system
        self.tops = [i for i, x in enumerate(system.instances) if x.parent is None]
        self.column_of = {i: self.tops.index(self._top(i)) for i in range(len(system.instances))}
        self.ticks: list[int] = []
        now = 0
        for o in run.outcomes:
            now += o.choice.step == TICK
            self.ticks.append(now)
        moments = [o.state for o in run.outcomes if o.state is not None]
        self.cuts = [
            i
            for i, v in enumerate(system.variables)
            if v.instance is None
            and isinstance(v.domain, Enumeration)
            and v.domain.name == "cut"
            and len({s[i] for s in moments}) > 1
        ]
        self.columns: list[Column] = []
        self.watched: list[tuple[Track, Callable[[State], tuple[str, int, str]]]] = []
        self._columns()
        self.rows: list[Row] = []
        self.flights: list[Flight] = []
        self.held: list[list[Flight]] = [[] for _ in system.lanes]
        self.uncarried = uncarried(run, system)
        self._walk()
        facts = f"{run.events} events in {run.steps} steps, {show_time(run.ticks, system)}"
        left_out = self._leave_out()
        if left_out:
            facts += f"; not drawn, since nothing changes there: {', '.join(left_out)}"
        self.story = Story(
            system,
            self.columns,
            self.rows,
            self.flights,
            [] if form is None else when(run, system, form),
            self.ticks,
            facts,
            "" if form is None else why(run, system, form),
            run.trace.loop,
            "" if run.failed is None else failure_text(run.failed),
        )
        self._shorten()

    def _top(self, instance: int) -> int:
        parent = self.system.instances[instance].parent
        return instance if parent is None else self._top(parent)

    # ---- columns and their bands

    def _columns(self) -> None:
        for top in self.tops:
            whole = self.system.instances[top]
            column = Column(whole.name, whole.machine)
            alive = whole.alive
            members = [i for i in range(len(self.system.instances)) if self._top(i) == top]
            for member in members:
                inner = self.system.instances[member]
                for region in inner.regions:
                    part = inner.name.removeprefix(whole.name).lstrip(".")
                    name = ".".join(x for x in (part, region.name) if x)
                    track = Track(name)
                    column.tracks.append(track)
                    self.watched.append((track, self._state_reader(region.variable, alive)))
            if not column.tracks:
                track = Track("")
                column.tracks.append(track)
                self.watched.append((track, self._life_reader(alive)))
            self.columns.append(column)
        for cut in self.cuts:
            name = self.system.variables[cut].name.removesuffix(".cut")
            track = Track("")
            self.columns.append(Column(name, "network", [track], network=True))
            self.watched.append((track, self._cut_reader(cut)))

    def _leave_out(self) -> list[str]:
        """Drop the bands that are in one state all the time, where there are many; in all machines of a kind, or in none."""
        left_out: list[str] = []
        for machine in dict.fromkeys(c.machine for c in self.columns if not c.network):
            alike = [c for c in self.columns if c.machine == machine and not c.network]
            busy = {
                t.name for c in alike for t in c.tracks if len({s.text for s in t.stretches if s.kind != "down"}) > 1
            }
            if not busy or all(len(c.tracks) <= MOST_TRACKS for c in alike):
                continue
            left_out += [t.name or machine for t in alike[0].tracks if t.name not in busy]
            for column in alike:
                column.tracks = [t for t in column.tracks if t.name in busy]
        return list(dict.fromkeys(left_out))

    def _state_reader(self, variable: int, alive: int | None) -> Callable[[State], tuple[str, int, str]]:
        domain = self.system.variables[variable].domain

        def read(state: State) -> tuple[str, int, str]:
            if alive is not None and not state[alive]:
                return "down", 0, "down"
            return show_value(state[variable], domain, self.system), state[variable], "state"

        return read

    @staticmethod
    def _life_reader(alive: int | None) -> Callable[[State], tuple[str, int, str]]:
        return lambda state: ("down", 0, "down") if alive is not None and not state[alive] else ("", 0, "state")

    @staticmethod
    def _cut_reader(cut: int) -> Callable[[State], tuple[str, int, str]]:
        return lambda state: (("", 0, "calm"), ("cut", 0, "cut"), ("cut, silently", 0, "cut"))[state[cut]]

    def _watch(self, row: int, state: State) -> None:
        for track, read in self.watched:
            text, colour, kind = read(state)
            last = track.stretches[-1] if track.stretches else None
            if last is None or (last.text, last.kind) != (text, kind):
                track.stretches.append(Stretch(row, text, colour, kind))

    # ---- rows

    def _walk(self) -> None:
        outcomes = self.run.outcomes
        first = outcomes[0]
        self.rows.append(Row(0, 0, "the beginning"))
        if first.state is not None:
            self._watch(0, first.state)
            self._lanes(None, first.state, first.choice, 0)
            self._refused(0, 0)
            self._cite(first, self.rows[0])
        expired: list[TimerChanged] = []
        for index in range(1, len(outcomes)):
            before = outcomes[index - 1].state
            if before is None:
                break
            expired = self._one(index, before, outcomes[index], expired)

    def _one(self, index: int, before: State, outcome: Outcome, expired: list[TimerChanged]) -> list[TimerChanged]:
        after, choice = outcome.state, outcome.choice
        changes = [] if after is None else differences(before, after, choice.step, self.system)
        if choice.step == TICK:
            expired = [c for c in changes if isinstance(c, TimerChanged) and c.instance is not None]
            silent = [c for c in expired if not self._answered(index, c)]
            if not outcome.rules and not silent and not self.uncarried[index] and outcome.failed is None:
                if after is not None:
                    self._aged(after, choice)
                return expired
            head = "time passes" if outcome.rules or outcome.failed else f"{silent[0].name} expires"
            row = Row(index, self.ticks[index], head)
            for c in silent:
                self._mark(row, c.instance, Mark("expire", f"{self._own(c.name, c.instance)} expires"))
            expired = [c for c in expired if c not in silent]
        else:
            row = self._step_row(index, before, outcome)
            step = self.system.steps[choice.step]
            for c in [c for c in expired if c.instance == step.instance]:
                self._mark(row, c.instance, Mark("expire", f"{self._own(c.name, c.instance)} expires"))
                expired.remove(c)
        self.rows.append(row)
        number = len(self.rows) - 1
        self._lives(before, after, row)
        for change in changes:
            self._changed(change, row, choice)
        self._cite(outcome, row)
        if after is not None:
            self._watch(number, after)
            self._lanes(before, after, choice, number)
            self._refused(index, number)
        if outcome.failed is not None:
            row.details.append(f"error: {failure_text(outcome.failed)}")
            row.fault = True
        return expired

    def _answered(self, index: int, change: TimerChanged) -> bool:
        """Whether a step of its instance follows at the same instant, at which the expiry can be marked."""
        for outcome in self.run.outcomes[index + 1 :]:
            if outcome.choice.step == TICK:
                return False
            if outcome.choice.step >= 0 and self.system.steps[outcome.choice.step].instance == change.instance:
                return True
        return False

    def _own(self, name: str, instance: int | None) -> str:
        """The name of something within its column."""
        if instance is None:
            return name
        return name.removeprefix(self.system.instances[self._top(instance)].name + ".")

    def _mark(self, row: Row, instance: int | None, mark: Mark) -> None:
        if instance is not None:
            row.marks.setdefault(self.column_of[instance], []).append(mark)

    def _changed(self, change: object, row: Row, choice: Choice) -> None:
        owner = change.instance if isinstance(change, Changed | TimerChanged) else None
        if owner is not None and any(m.kind == "crash" for m in row.marks.get(self.column_of[owner], [])):
            return  # a crash puts everything back: the cross says so
        match change:
            case Changed(name, old, new, instance, False):
                owner = None if instance is None else self.system.instances[instance].alive
                hidden = owner is not None and self.system.variables[owner].name == name
                if not hidden and instance is not None:
                    row.details.append(f"{name}: {old} → {new}")
            case TimerChanged(name, after, instance) if choice.step != TICK or after != "expires":
                kind, _, rest = after.partition(" for ")
                shown = f"{self._own(name, instance)} {rest or 'stops'}"
                self._mark(row, instance, Mark("start" if kind == "starts" else "stop", shown))
            case _:
                pass

    def _lives(self, before: State, after: State | None, row: Row) -> None:
        if after is None:
            return
        for column, top in enumerate(self.tops):
            alive = self.system.instances[top].alive
            if alive is not None and before[alive] != after[alive]:
                kind = "restart" if after[alive] else "crash"
                row.marks.setdefault(column, []).insert(0, Mark(kind, ""))
                row.fault = row.fault or kind == "crash"
                row.column = column

    def _step_row(self, index: int, before: State, outcome: Outcome) -> Row:
        step = self.system.steps[outcome.choice.step]
        row = Row(index, self.ticks[index], step.name)
        if step.instance is not None:
            row.column = self.column_of[step.instance]
        if step.take is not None:
            row.head, row.fault = self._taking(step, before, outcome.choice)
        elif step.kind is StepKind.ENVIRONMENT and step.name.startswith(("crash", "cut")):
            row.fault = True
        return row

    def _taking(self, step: Step, before: State, choice: Choice) -> tuple[str, bool]:
        assert step.take is not None  # noqa: S101 - narrows
        lane = self.system.lanes[step.take.lane]
        message = before[self._lane_place(step.take.lane)][choice.position]
        kind = self.system.messages[message[1]].name
        sender, receiver = (self.system.instances[x].name for x in (lane.sender, lane.receiver))
        match step.take.taking:
            case Taking.DELIVER:
                late = f" after {show_time(message[0], self.system)}" if message[0] else ""
                return f"{receiver} receives {kind} from {sender}{late}", False
            case Taking.LOSE:
                return f"{kind} from {sender} to {receiver} is lost", True
            case Taking.COPY:
                return f"{kind} from {sender} to {receiver} is duplicated", True

    def _cite(self, outcome: Outcome, row: Row) -> None:
        by: dict[str, list[str]] = {}
        for rule in dict.fromkeys(outcome.rules):
            for c in self.system.rules[rule].citations:
                clause = f"{c.clause}{'' if c.verified else ' (unverified)'}"
                held = by.setdefault(c.reference, [])
                if clause not in held:
                    held.append(clause)
        row.cited = [f"{reference} {', '.join(clauses)}" for reference, clauses in by.items()]

    # ---- messages

    def _lane_place(self, lane: int) -> int:
        return len(self.system.variables) + len(self.system.timers) + lane

    def _aged(self, after: State, choice: Choice) -> None:
        self._lanes(None, after, choice, len(self.rows) - 1)

    def _lanes(self, before: State | None, after: State, choice: Choice, row: int) -> None:
        """Follow each message through a step: those that stay, that leave, that come."""
        take = self.system.steps[choice.step].take if choice.step >= 0 else None
        for number, lane in enumerate(self.system.lanes):
            taken: Flight | None = None
            waiting = list(self.held[number])
            if take is not None and take.lane == number and before is not None:
                taken = waiting[choice.position]
                if take.taking is not Taking.COPY:
                    waiting.pop(choice.position)
                    taken.arrived = row
                    taken.end = DELIVERED if take.taking is Taking.DELIVER else LOST
            now: list[Flight] = []
            fresh: list[tuple[int, Any]] = []
            for at, message in enumerate(after[self._lane_place(number)]):
                stays = next((f for f in waiting if f.text == show_message(message[1:], self.system)), None)
                if choice.step == TICK and message[0] == 0 and lane.maximum > 0:
                    stays = None
                if stays is not None:
                    waiting.remove(stays)
                    now.append(stays)
                    continue
                fresh.append((at, message))
                flight = self._flight(number, message[1:], row)
                copied = take is not None and take.lane == number and take.taking is Taking.COPY
                if copied and taken is not None and taken.text == flight.text:
                    flight.origin = taken.number
                now.append(flight)
            for gone in waiting:
                gone.arrived, gone.end = row, LOST
            self.held[number] = now

    def _refused(self, index: int, row: int) -> None:
        """What was sent in a step into a network that did not carry it."""
        for lane, message in self.uncarried[index]:
            flight = self._flight(lane, message, row)
            flight.arrived, flight.end = row, UNCARRIED

    def _flight(self, lane: int, message: tuple[int, ...], row: int) -> Flight:
        """A new one; ``message``: its kind and fields."""
        known = self.system.lanes[lane]
        text = show_message(message, self.system)
        kind = self.system.messages[message[0]].name
        ends = self.column_of[known.sender], self.column_of[known.receiver]
        flight = Flight(len(self.flights), lane, *ends, kind, text, row)
        self.flights.append(flight)
        return flight

    def _shorten(self) -> None:
        """Each message by its kind and the first of its fields that tells messages of its kind apart in this run."""
        parts = [_fields(f.text) for f in self.flights]
        for kind in dict.fromkeys(f.short for f in self.flights):
            mine = [(f, p) for f, p in zip(self.flights, parts, strict=True) if f.short == kind]
            best = next((k for k in range(len(mine[0][1])) if len({p[k] for _, p in mine}) > 1), None)
            for flight, fields in mine:
                if best is not None:
                    flight.short = f"{kind} ({fields[best]})"


def _fields(text: str) -> Sequence[str]:
    inside = text.partition("(")[2].removesuffix(")")
    return inside.split(", ") if inside else ()
