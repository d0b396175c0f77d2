"""From a path of symbolic states to a trace: the earliest times at which its moves can happen, and every tick between them.

The moves of a path ask of their times what difference constraints say: a clock that was started for so many ticks ends with
just that tick, or has not ended yet. Each state of the last zone is reached, so that there are times; the earliest are those
of the longest ways to them (Bellman and Ford).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from verify.base.record import record
from verify.engines.zones.search import Edge, Kind, Node, Observer
from verify.engines.zones.space import Space, next_age
from verify.semantics.interpreter import TICK, Choice, Interpreter, State
from verify.trace.trace import Trace


class NoTimes(Exception):  # noqa: N818 - a bug of ours, which the judge would see as well
    """The moves of a path contradict one another."""


@record
class _Run:
    """A clock at work: started with move ``begun``, for so many ticks."""

    begun: int
    ticks: int


@dataclass(slots=True)
class _Times:
    """Constraints ``time[after] >= time[before] + least``."""

    count: int
    least: list[tuple[int, int, int]] = field(default_factory=list)

    def apart(self, before: int, after: int, least: int, most: int | None = None) -> None:
        """The second is at least, and at most, so many ticks after the first."""
        self.least.append((before, after, least))
        if most is not None:
            self.least.append((after, before, -most))

    def earliest(self) -> list[int]:
        """The earliest times, the first move at 0."""
        times = [0] * self.count
        for _ in range(self.count + 1):
            changed = False
            for before, after, least in self.least:
                if times[before] + least > times[after]:
                    times[after] = times[before] + least
                    changed = True
            if not changed and times[0] == 0:
                return times
        raise NoTimes


def trace_to(space: Space, observer: Observer | None, nodes: list[Node], last: Edge) -> Trace:
    """The trace that ends with an edge."""
    path = [last]
    while path[-1].parent >= 0:
        path.append(nodes[path[-1].parent].edge)
    path.reverse()
    return _Path(space, observer, nodes, path).trace()


class _Path:
    def __init__(self, space: Space, observer: Observer | None, nodes: list[Node], path: list[Edge]) -> None:
        self.space = space
        self.observer = observer
        self.nodes = nodes
        self.path = path
        self.times = _Times(len(path))
        self.taken: dict[int, tuple[int, _Run | None, int, tuple[int, ...]]] = {}

    def trace(self) -> Trace:
        """The times, then the choices."""
        runs: list[_Run] = []
        for number, edge in enumerate(self.path):
            runs = self.move(number, edge, runs)
        return Trace(tuple(self.choices(self.times.earliest())))

    def move(self, number: int, edge: Edge, runs: list[_Run]) -> list[_Run]:
        """What a move asks of its time; the clocks after it. ``runs``: those before it, the first is clock 1."""
        if number:
            self.when(number, edge, runs)
        present = edge.ending[0] if edge.ending else 0
        if edge.move is None:
            after = runs[: self.nodes[edge.parent].discrete.clocks]
        else:
            after = [_Run(number, c) if i == present else runs[i - 1] for i, c in edge.move.terms]
        if self.observer is not None and number + 1 < len(self.path):
            node = self.nodes[self.path[number + 1].parent]
            if node.waiting:
                waited = number > 0 and self.nodes[edge.parent].waiting
                after.append(runs[-1] if waited else _Run(number, self.observer.bound + 1))
        return after

    def when(self, number: int, edge: Edge, runs: list[_Run]) -> None:
        node = self.nodes[edge.parent]
        for clock, run in enumerate(runs, 1):
            if clock in edge.ending:
                self.times.apart(run.begun, number, run.ticks, run.ticks)
            else:
                self.times.apart(run.begun, number, 0, run.ticks - 1)
        instant = not node.discrete.patient or not node.settled
        match edge.kind:
            case Kind.STEP:
                self.times.apart(number - 1, number, 0, 0 if instant else None)
                place = None if edge.move is None else self.space.place(node.discrete, edge.move)
                if place is not None:
                    lane, clock, message = place
                    self.taken[number] = lane, runs[clock - 1] if clock else None, int(message[0]), message[1:]
            case Kind.PASSING | Kind.ENDING:
                self.times.apart(number - 1, number, 1, None if node.settled and edge.kind is Kind.ENDING else 1)
            case Kind.START:
                pass

    # ---- choices

    def choices(self, times: list[int]) -> list[Choice]:
        """Every choice, ticks included."""
        found: list[Choice] = []
        state: State = ()
        interpreter = self.space.interpreter
        for number, edge in enumerate(self.path):
            choice = edge.move.choice if edge.move is not None else Choice(TICK)
            waited = times[number] - times[number - 1] if number else 0
            for _ in range(waited - (edge.kind in (Kind.PASSING, Kind.ENDING))):
                found.append(Choice(TICK))
                state = _after(interpreter, state, found[-1])
            if number in self.taken:
                choice = choice._replace(position=self.position(number, times, state))
            found.append(choice)
            if number + 1 < len(self.path):
                state = _first(interpreter, choice) if number == 0 else _after(interpreter, state, choice)
        return found

    def position(self, number: int, times: list[int], state: State) -> int:
        """Where the message stands that a step takes from an unordered lane."""
        lane, run, age, content = self.taken[number]
        declared = self.space.system.lanes[lane]
        if run is not None:
            age = next_age(declared, age) - (times[run.begun] + run.ticks - times[number])
        held = state[self.space.lanes + lane]
        return next((i for i, m in enumerate(held) if (m[0], m[1:]) == (age, content)), -1)


def _first(interpreter: Interpreter, choice: Choice) -> State:
    return next((o.state for o in interpreter.initial() if o.choice == choice and o.state is not None), ())


def _after(interpreter: Interpreter, state: State, choice: Choice) -> State:
    return interpreter.apply(state, choice).state or ()
