"""What a step changed, as data."""

from __future__ import annotations

from typing import Any

from verify.base.record import record
from verify.semantics.interpreter import TICK, State
from verify.system.display import show_time, show_value
from verify.system.system import System


@record
class Changed:
    """A variable (or control state) got another value; ``instance`` its owner's number, None for the environment's."""

    name: str
    before: str
    after: str
    instance: int | None
    is_state: bool


@record
class TimerChanged:
    """A timer was started (``after`` its time), stopped, or expired."""

    name: str
    after: str
    instance: int | None


@record
class Sent:
    """A message entered a lane."""

    lane: int
    text: str


@record
class Removed:
    """A message left a lane."""

    lane: int
    text: str


Difference = Changed | TimerChanged | Sent | Removed


def differences(before: State, after: State, step: int, system: System) -> list[Difference]:
    """What is different after a step, in the order of the system's parts. Time that merely passes is no difference."""
    found: list[Difference] = []
    states = {r.variable for i in system.instances for r in i.regions}
    for at, variable in enumerate(system.variables):
        if before[at] != after[at]:
            old, new = (show_value(x[at], variable.domain, system) for x in (before, after))
            found.append(Changed(variable.name, old, new, variable.instance, at in states))
    for number, timer in enumerate(system.timers):
        at = len(system.variables) + number
        told = _timer(before[at], after[at], step, system)
        if told:
            found.append(TimerChanged(timer.name, told, timer.instance))
    start = len(system.variables) + len(system.timers)
    for number in range(len(system.lanes)):
        old_lane, new_lane = _contents(before[start + number]), _contents(after[start + number])
        if step == TICK:
            continue
        gone = [m for m in old_lane if old_lane.count(m) > new_lane.count(m)]
        come = [m for m in new_lane if new_lane.count(m) > old_lane.count(m)]
        found += [Removed(number, show_message(m, system)) for m in dict.fromkeys(gone)]
        found += [Sent(number, show_message(m, system)) for m in dict.fromkeys(come)]
    return found


def _timer(old: int, new: int, step: int, system: System) -> str:
    if step == TICK:
        return "expires" if old > 0 and new == 0 else ""
    if old == new:
        return ""
    if new < 0:
        return "" if old == 0 else "stops"
    return f"starts for {show_time(new, system)}"


def _contents(lane: tuple[Any, ...]) -> list[tuple[int, ...]]:
    return [message[1:] for message in lane]


def show_message(message: tuple[int, ...], system: System) -> str:
    """A message (kind, fields …) as ``Advertisement(priority 200, …)``."""
    kind = system.messages[message[0]]
    fields = [f"{f.name} {show_value(v, f.domain, system)}" for f, v in zip(kind.fields, message[1:], strict=True)]
    return f"{kind.name}({', '.join(fields)})"
