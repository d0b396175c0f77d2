"""Traces in words: who, when, what changed, by which rule and clause; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from verify.judge.judge import failure_text
from verify.semantics.interpreter import TICK, Outcome, State
from verify.system.display import show_time
from verify.system.property import Form
from verify.system.system import System, Taking
from verify.trace.differences import Changed, Difference, Removed, Sent, TimerChanged, differences, show_message
from verify.trace.itf import step_name
from verify.trace.trace import Run
from verify.trace.why import why

INDENT = "    "


def tell(run: Run, system: System, form: Form | None = None) -> str:
    """A run as text: a line for each step that is no tick, with the time it happens."""
    return "\n".join(_lines(run, system, form)) + "\n"


def _lines(run: Run, system: System, form: Form | None) -> Iterator[str]:
    yield f"{run.events} events in {run.steps} steps, {show_time(run.ticks, system)}"
    width = max(len(_clock(run.ticks, system)), 7)
    now = 0
    before: State | None = None
    for index, outcome in enumerate(run.outcomes):
        if run.trace.loop is not None and index == run.trace.loop + 1:
            yield f"{INDENT}{'':>{width}}  -- from here on, again and again:"
        if outcome.choice.step == TICK:
            now += 1
        yield from _step(outcome, before, now, system, width)
        before = outcome.state
    if run.failed is not None:
        yield f"{INDENT}{_clock(now, system):>{width}}  error: {failure_text(run.failed)}"
    elif run.ticks and run.outcomes[-1].choice.step == TICK:
        yield f"{INDENT}{_clock(now, system):>{width}}  (time has passed)"
    reason = "" if form is None else why(run, system, form)
    if reason:
        yield f"{INDENT}{reason}"


def _clock(ticks: int, system: System) -> str:
    seconds = ticks * system.tick_nanoseconds / 10**9
    digits = 0
    while digits < 9 and system.tick_nanoseconds % 10 ** (9 - digits):
        digits += 1
    return f"{seconds:.{digits}f} s"


def _step(outcome: Outcome, before: State | None, now: int, system: System, width: int) -> Iterator[str]:
    if before is None:
        return
    changes = [] if outcome.state is None else differences(before, outcome.state, outcome.choice.step, system)
    shown = _changes(changes, outcome, system)
    if outcome.choice.step == TICK and not outcome.rules:
        return
    head = _head(outcome, before, system)
    yield f"{INDENT}{_clock(now, system):>{width}}  {head}"
    if shown:
        yield f"{INDENT}{'':>{width}}      {'; '.join(shown)}"
    for rule in dict.fromkeys(outcome.rules):
        yield f"{INDENT}{'':>{width}}      by '{system.rules[rule].text}'{_cited(rule, system)}"


def _cited(rule: int, system: System) -> str:
    clauses = [f"{c.reference} {c.clause}{'' if c.verified else ' (unverified)'}" for c in system.rules[rule].citations]
    return f"  [{'; '.join(clauses)}]" if clauses else ""


def _head(outcome: Outcome, before: State, system: System) -> str:
    if outcome.choice.step < 0:
        return step_name(outcome.choice, system)
    step = system.steps[outcome.choice.step]
    if step.take is None:
        return step.name
    lane = system.lanes[step.take.lane]
    start = len(system.variables) + len(system.timers)
    held = before[start + step.take.lane]
    message = held[outcome.choice.position]
    several = any(other[1] == message[1] and other[2:] != message[2:] for other in held)
    kind = show_message(message[1:], system) if several else system.messages[message[1]].name
    ends = f"from {system.instances[lane.sender].name} to {system.instances[lane.receiver].name}"
    match step.take.taking:
        case Taking.DELIVER:
            age = f", {show_time(message[0], system)} after it was sent" if lane.maximum else ""
            return (
                f"{system.instances[lane.receiver].name} receives {kind} from {system.instances[lane.sender].name}{age}"
            )
        case Taking.LOSE:
            return f"{kind} {ends} is lost"
        case Taking.COPY:
            return f"{kind} {ends} is duplicated"
        case _:
            assert_never(step.take.taking)


def _changes(changes: list[Difference], outcome: Outcome, system: System) -> list[str]:
    step = system.steps[outcome.choice.step] if outcome.choice.step >= 0 else None
    taken = step.take.lane if step is not None and step.take is not None else -1
    shown: list[str] = []
    sent: dict[str, list[str]] = {}
    for change in changes:
        match change:
            case Changed(name, before, after, _, is_state):
                shown.append(f"{name}: {before} -> {after}" if is_state else f"{name} becomes {after} (was {before})")
            case TimerChanged(name, after, instance):
                if instance is not None:
                    shown.append(f"{name} {after}")
            case Sent(lane, text):
                receiver = system.instances[system.lanes[lane].receiver].name
                sent.setdefault(f"{system.instances[system.lanes[lane].sender].name} sends {text}", []).append(receiver)
            case Removed(lane, text):
                if lane != taken:
                    shown.append(f"{text} under way on {system.lanes[lane].name} is lost")
            case _:
                assert_never(change)
    shown += [f"{text} to {', '.join(receivers)}" for text, receivers in sent.items()]
    return shown
