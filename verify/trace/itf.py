"""Trace files: the Informal Trace Format of Apalache (ADR-015), with what is needed to replay them.

The states are for reading and for other tools; ``#meta`` carries the system and the choices, from which a reader of ours computes
the states again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verify.base.diagnostic import InputError, error
from verify.base.place import Place
from verify.base.record import record
from verify.semantics.interpreter import Choice, State
from verify.system import serialise
from verify.system.display import show_value
from verify.system.property import Form
from verify.system.system import System
from verify.system.wellformed import property_faults
from verify.trace.differences import show_message
from verify.trace.trace import Run, Trace

VERSION = 1
LARGEST = 256 * 2**20


def to_itf(  # noqa: PLR0913 - what a file is headed with
    run: Run, system: System, *, scenario: str, asked: str, text: str, verdict: str, form: Form | None = None
) -> dict[str, Any]:
    """A replayed trace as an ITF object. ``asked``: the property's name, ``text``: its form as written."""
    names = [v.name for v in system.variables] + [t.name for t in system.timers] + [x.name for x in system.lanes]
    whole: dict[str, Any] = {
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "version": VERSION,
            "description": f"{asked} in {scenario}: {verdict}",
            "scenario": scenario,
            "property": asked,
            "text": text,
            "verdict": verdict,
            "form": None if form is None else serialise.dump_form(form),
            "choices": [[c.step, c.position, list(c.picks)] for c in run.trace.choices],
            "system": serialise.dump(system),
        },
        "vars": ["step", *names],
        "states": shown_states(run, system),
    }
    if run.trace.loop is not None:
        whole["loop"] = run.trace.loop
    return whole


def shown_states(run: Run, system: System) -> list[dict[str, Any]]:
    """The states of a run as they stand in a file: for reading, and for other tools."""
    return [
        {"#meta": {"index": i}, "step": step_name(o.choice, system), **_values(o.state, system)}
        for i, o in enumerate(run.outcomes)
        if o.state is not None
    ]


def step_name(choice: Choice, system: System) -> str:
    """The name of the step that a choice takes."""
    if choice.step >= 0:
        return system.steps[choice.step].name
    return "tick" if choice.step == -1 else "start"


def _values(state: State, system: System) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    for variable in system.variables:
        found[variable.name] = show_value(state[at], variable.domain, system)
        at += 1
    for timer in system.timers:
        found[timer.name] = {-1: "stopped", 0: "expired"}.get(state[at], state[at])
        at += 1
    for lane in system.lanes:
        found[lane.name] = [f"{show_message(m[1:], system)} age {m[0]}" for m in state[at]]
        at += 1
    return found


def write(path: Path, whole: dict[str, Any]) -> None:
    """Write a trace file."""
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@record
class Saved:
    """What a trace file holds. ``form`` None: it does not say what was asked but in words. ``shown``: states, for reading."""

    system: System
    trace: Trace
    described: dict[str, str]
    form: Form | None
    shown: object = None


def read(path: Path) -> tuple[System, Trace, dict[str, str]]:
    """The system, the trace and its description of a trace file; InputError for anything else than such a file."""
    saved = read_all(path)
    return saved.system, saved.trace, saved.described


def read_all(path: Path) -> Saved:
    """As :func:`read`, with the property."""
    shown = str(path)
    try:
        if path.stat().st_size > LARGEST:
            raise _bad(shown, f"{shown} is larger than {LARGEST:,} bytes")
        whole = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise _bad(shown, f"cannot read {shown}: {problem.strerror or problem}") from problem
    except (ValueError, RecursionError) as problem:
        raise _bad(shown, f"{shown} is no JSON: {str(problem)[:80]}") from problem
    meta = whole.get("#meta") if isinstance(whole, dict) else None
    if not isinstance(meta, dict) or meta.get("format") != "ITF" or "system" not in meta:
        raise _bad(shown, f"{shown} is no trace written by verify")
    if meta.get("version") != VERSION:
        raise _bad(shown, f"trace version {meta.get('version')!r} is not known, this is version {VERSION}")
    system = serialise.load(meta["system"])
    loop = whole.get("loop")
    if loop is not None and type(loop) is not int:
        raise _bad(shown, "the loop is no number")
    described = {k: str(meta.get(k, "")) for k in ("scenario", "property", "text", "verdict")}
    form = None if meta.get("form") is None else serialise.load_form(meta["form"])
    if form is not None:
        misfits = property_faults(form, system)
        if misfits:
            raise _bad(shown, f"the property does not fit the system: {misfits[0]}")
    return Saved(system, Trace(_choices(meta.get("choices"), shown), loop), described, form, whole.get("states"))


def _choices(data: Any, path: str) -> tuple[Choice, ...]:  # noqa: ANN401 - what a JSON file holds
    if not isinstance(data, list):
        raise _bad(path, "there are no choices in it")
    found: list[Choice] = []
    for item in data:
        match item:
            case [int(step), int(position), list(picks)] if all(type(p) is int for p in picks):
                found.append(Choice(step, position, tuple(picks)))
            case _:
                raise _bad(path, f"{str(item)[:60]!r} is no choice")
    return tuple(found)


def _bad(path: str, message: str) -> InputError:
    return InputError([error("E802", message, Place(path))])
