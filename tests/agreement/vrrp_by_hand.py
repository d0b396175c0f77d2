"""Two small VRRP scenarios, enumerated by hand-written code: an independent yardstick for a model checker.

Nothing here knows about a modelling language. The state machine is RFC 9568 section 6.4, the rest says
what a step and a tick are. Time is discrete, one tick is 10 ms (one centisecond).

  late   r2 starts at 0, r1 at any time in 0..50 ticks; no faults.
  crash  both start at 0; r1 may crash once and restart, and at most 2 messages may be lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

State = tuple[int, ...]
# The components of a state, in this order:
#   0  r1.up      1  r1.state   2  r1.Active_Down_Timer   3  r1.Adver_Timer
#   4  r2.up      5  r2.state   6  r2.Active_Down_Timer   7  r2.Adver_Timer
#   8  lane r1->r2, head:   priority      9  age     10  second message: priority   11  age
#  12  lane r2->r1, head:   priority     13  age     14  second message: priority   15  age
#  16  clock of r1's startup             17  clock of r2's startup
#  18  crashes left                      19  losses left
# up: 1 or 0. Timers and clocks: STOPPED, EXPIRED, or the number of ticks to go. Empty places of a lane: NOTHING.

INITIALIZE, BACKUP, ACTIVE = 0, 1, 2
STOPPED, EXPIRED, NOTHING = -1, 0, -1
R1, R2, CAPACITY, MAX_AGE = 0, 1, 2, 1

PRIORITY = (200, 100)
ADDRESS = (2, 1)
PREEMPT_MODE = True
ADVERTISEMENT_INTERVAL = 10
SKEW_TIME = tuple((256 - priority) * ADVERTISEMENT_INTERVAL // 256 for priority in PRIORITY)
ACTIVE_DOWN_INTERVAL = tuple(3 * ADVERTISEMENT_INTERVAL + skew for skew in SKEW_TIME)


class World:
    """A state taken apart, to be changed by one step and packed again."""

    def __init__(self, s: State) -> None:
        self.up, self.state = [s[0], s[4]], [s[1], s[5]]
        self.active_down_timer, self.adver_timer = [s[2], s[6]], [s[3], s[7]]
        # lane[r] holds the messages SENT by r, the head first, each as (priority, age)
        self.lane = [[(s[i], s[i + 1]) for i in (at, at + 2) if s[i] != NOTHING] for at in (8, 12)]
        self.startup_clock = [s[16], s[17]]
        self.crashes_left, self.losses_left = s[18], s[19]

    def packed(self) -> State:
        out: list[int] = []
        for r in (R1, R2):
            out += [self.up[r], self.state[r], self.active_down_timer[r], self.adver_timer[r]]
        for lane in self.lane:
            for priority, age in lane:
                out += [priority, age]
            out += [NOTHING, NOTHING] * (CAPACITY - len(lane))
        return (*out, *self.startup_clock, self.crashes_left, self.losses_left)

    # The state machine of router r, RFC 9568 section 6.4:
    def send_advert(self, r: int) -> None:
        if len(self.lane[r]) == CAPACITY:
            raise OverflowError("lane full")
        self.lane[r].append((PRIORITY[r], 0))

    def on_startup(self, r: int) -> None:  # 6.4.1; nobody is the address owner (priority 255) here
        if self.state[r] == INITIALIZE:
            self.active_down_timer[r] = ACTIVE_DOWN_INTERVAL[r]
            self.state[r] = BACKUP

    def on_timeout(self, r: int) -> None:
        if self.state[r] == BACKUP:  # 6.4.2, Active_Down_Timer
            self.active_down_timer[r] = STOPPED
            self.send_advert(r)
            self.adver_timer[r] = ADVERTISEMENT_INTERVAL
            self.state[r] = ACTIVE
        elif self.state[r] == ACTIVE:  # 6.4.3, Adver_Timer
            self.adver_timer[r] = STOPPED
            self.send_advert(r)
            self.adver_timer[r] = ADVERTISEMENT_INTERVAL

    def on_advert(self, r: int, priority: int, address: int) -> None:
        if self.state[r] == BACKUP:  # 6.4.2
            if priority == 0:
                self.active_down_timer[r] = SKEW_TIME[r]
            elif not PREEMPT_MODE or priority >= PRIORITY[r]:
                self.active_down_timer[r] = ACTIVE_DOWN_INTERVAL[r]
        elif self.state[r] == ACTIVE:  # 6.4.3
            if priority == 0:
                self.send_advert(r)
                self.adver_timer[r] = ADVERTISEMENT_INTERVAL
            elif (priority, address) > (PRIORITY[r], ADDRESS[r]):
                self.adver_timer[r] = STOPPED
                self.active_down_timer[r] = ACTIVE_DOWN_INTERVAL[r]
                self.state[r] = BACKUP
            else:  # 9568, not 5798: the losing advert is discarded and answered; Adver_Timer goes on
                self.send_advert(r)

    # The other steps, and when a step is possible:
    def timeout_due(self, r: int) -> bool:  # each state handles one timer at most
        handled = {INITIALIZE: STOPPED, BACKUP: self.active_down_timer[r], ACTIVE: self.adver_timer[r]}
        return self.up[r] == 1 and handled[self.state[r]] == EXPIRED

    def deliver(self, sender: int) -> None:
        receiver = 1 - sender
        priority, _ = self.lane[sender].pop(0)
        if self.up[receiver]:
            self.on_advert(receiver, priority, ADDRESS[sender])

    def startup(self, r: int) -> None:
        self.startup_clock[r] = STOPPED
        self.on_startup(r)

    def crash(self, r: int) -> None:
        self.crashes_left -= 1
        self.up[r], self.state[r] = 0, INITIALIZE
        self.active_down_timer[r] = self.adver_timer[r] = STOPPED
        self.startup_clock[r] = STOPPED  # a startup still to come is cancelled

    def restart(self, r: int) -> None:
        self.up[r] = 1  # the rest was reset by the crash
        self.on_startup(r)

    def lose(self, sender: int, position: int) -> None:
        self.losses_left -= 1
        del self.lane[sender][position]

    def tick_allowed(self) -> bool:
        return not any(
            self.timeout_due(r) or self.startup_clock[r] == EXPIRED or (self.lane[r] and self.lane[r][0][1] == MAX_AGE)
            for r in (R1, R2)
        )

    def tick(self) -> None:
        for timers in (self.active_down_timer, self.adver_timer, self.startup_clock):
            timers[:] = [t - 1 if t > 0 else t for t in timers]  # from 1 it becomes EXPIRED
        self.lane = [[(p, min(age + 1, MAX_AGE)) for p, age in lane] for lane in self.lane]


def initial(scenario: str) -> State:
    fresh = (1, INITIALIZE, STOPPED, STOPPED)
    r1_startup, crashes, losses = {"late": (50, 0, 0), "crash": (EXPIRED, 1, 2)}[scenario]
    return (*fresh, *fresh, *([NOTHING] * 8), r1_startup, EXPIRED, crashes, losses)


def steps(s: State) -> Iterator[tuple[str, State | None]]:
    """Every enabled choice in s, with the kind of step and the state after it (None: an error)."""

    def after(kind: str, change: Callable[..., None], *what: int) -> tuple[str, State | None]:
        world = World(s)
        try:
            change(world, *what)
        except OverflowError:
            return kind, None
        return kind, world.packed()

    now = World(s)
    for r in (R1, R2):
        if now.timeout_due(r):
            yield after("time-out", World.on_timeout, r)
        if now.lane[r]:
            yield after("delivery", World.deliver, r)
        if now.startup_clock[r] != STOPPED:
            yield after("startup", World.startup, r)
        if now.losses_left:
            for position in range(len(now.lane[r])):
                yield after("loss", World.lose, r, position)
    if now.up[R1] and now.crashes_left:
        yield after("crash", World.crash, R1)
    if not now.up[R1]:
        yield after("restart", World.restart, R1)
    if now.tick_allowed():
        yield after("tick", World.tick)


Graph = dict[State, list[tuple[str, State]]]


def closure(graph: Graph, start: set[State], inside: set[State], ticks: bool) -> set[State]:
    """What can be reached from `start`, `start` included, without leaving `inside`, with or without ticks."""
    found, todo = set(start), list(start)
    while todo:
        for kind, t in graph[todo.pop()]:
            if t not in found and t in inside and (ticks or kind != "tick"):
                found.add(t)
                todo.append(t)
    return found


def most_ticks(graph: Graph, region: set[State]) -> int | str:
    """The largest number of ticks on a path that stays in `region`. The set of the states at the end of a path
    of n ticks can only shrink as n grows: it becomes empty, or it stays the same for ever."""
    ends, n = set(region), 0
    while ends:
        ticked = {t for s in ends for kind, t in graph[s] if kind == "tick" and t in region}
        following = closure(graph, ticked, region, ticks=False)
        if following == ends:
            return "unbounded"
        if following:
            n += 1
        ends = following
    return n


@dataclass(frozen=True)
class Result:
    states: int
    transitions: int
    errors: int
    max_depth: int  # steps to the farthest state; the initial state has depth 0
    never_two_active: str
    longest_both_active: int | str  # ticks
    longest_without_active_after_crash: int | str | None  # ticks; None: no crash in this scenario


def explore(scenario: str) -> Result:
    first = initial(scenario)
    depth: dict[State, int] = {first: 0}
    graph: Graph = {}
    transitions = errors = 0
    queue = [first]
    for s in queue:  # breadth first: the list grows while it is read
        graph[s] = []
        for kind, t in steps(s):
            transitions += 1
            if t is None:
                errors += 1  # the run ends here
                continue
            graph[s].append((kind, t))
            if t not in depth:
                depth[t] = depth[s] + 1
                queue.append(t)
    both = {s for s in graph if s[1] == ACTIVE and s[5] == ACTIVE}
    verdict = f"violated after {min(depth[s] for s in both)} steps" if both else "holds"
    nobody = {s for s in graph if s[1] != ACTIVE and s[5] != ACTIVE}
    crashed = {t for s in graph for kind, t in graph[s] if kind == "crash"}
    waiting = closure(graph, crashed & nobody, nobody, ticks=True)  # a crash is pending here
    longest = most_ticks(graph, both), most_ticks(graph, waiting) if crashed else None
    return Result(len(graph), transitions, errors, max(depth.values()), verdict, *longest)


def main() -> None:
    for scenario in ("late", "crash"):
        began = time.perf_counter()
        result = explore(scenario)
        print(f"{scenario}: {time.perf_counter() - began:.1f} s")
        print(*(f"  {name}: {value}" for name, value in vars(result).items()), sep="\n")


if __name__ == "__main__":
    main()
