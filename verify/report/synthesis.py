"""Conditions on open parameters in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from verify import __version__
from verify.base.verdict import Verdict
from verify.synthesis.condition import Condition, Known, Shown
from verify.synthesis.words import given
from verify.system.display import show_expression

VERSION = 1
INDENT = "    "
MOST_SHOWN = 4  # values of each kind in words; JSON has all

HEADS = {
    Known.EXACT: "holds exactly when",
    Known.SUFFICIENT: "holds when (whether it holds elsewhere is not known)",
    Known.NECESSARY: "holds at most when (whether it always holds then is not known)",
}


def conditions_json(conditions: Sequence[Condition], exit_code: int) -> str:
    """All conditions as one JSON object; ``seconds`` apart, all of it is a matter of the input and the limits."""
    whole = {
        "format": "redundancy-verify conditions",
        "version": VERSION,
        "verify": __version__,
        "exit_code": exit_code,
        "conditions": [_condition(c) for c in conditions],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _condition(found: Condition) -> dict[str, Any]:
    asked = found.check.property
    inside = found.inside
    known = found.known not in (Known.UNDECIDED, Known.INVALID)
    return {
        "spec": found.spec,
        "scenario": found.scenario,
        "property": asked.name,
        "text": asked.text,
        "known": found.known.value,
        "condition": found.text if known else None,
        "where": dict(found.where) if known else {},
        "assume": list(found.assumes) if known else [],
        "errors": list(found.errors) if known else [],
        "parameters": [p.name for p in found.system.parameters],
        "inside": None if inside is None else {"verdict": inside.verdict.value, "backing": inside.backing},
        "outside": [_shown(s) for s in found.outside],
        "beside": [_shown(s) for s in found.beside],
        "not_shown": found.bare,
        "why": found.why,
        "depth": found.depth,
        "seconds": round(found.seconds, 3),
    }


def _shown(shown: Shown) -> dict[str, Any]:
    verdict = {"verdict": shown.verdict.value, "backing": shown.ruling.backing}
    return {"values": shown.values, "at_bound": shown.at_bound, **verdict}


def condition_text(found: Condition) -> str:
    """One condition in words: what it is, how to write it, what shows it."""
    asked = found.check.property
    lines = [f"{found.scenario}: {asked.name} {_head(found)}"]
    if found.known in HEADS and found.regions and not found.whole:
        lines += _when(found)
    lines.append(f"{INDENT}{asked.text}")
    lines.append(f"{INDENT}for {_given(found)}")
    lines += [f"{INDENT}{line}" for line in _evidence(found)]
    return "\n".join(lines) + "\n"


def _head(found: Condition) -> str:
    if found.known is Known.INVALID:
        return "is INVALID: no values of the open parameters satisfy every assume"
    if found.known is Known.UNDECIDED:
        return f"is UNDECIDED: {found.why or 'out of time'}"
    if found.whole:
        return "holds for no values of the open parameters"
    if not found.regions:
        return "holds for all values of the open parameters"
    return HEADS[found.known]


def _when(found: Condition) -> list[str]:
    lines = [f"{INDENT}{INDENT}{found.text}"]
    lines += [f"{INDENT}where {name} is {meaning}" for name, meaning in found.where]
    lines += [f"{INDENT}in a scenario:"]
    lines += [f"{INDENT}{INDENT}{line}" for line in found.assumes]
    lines += [f"{INDENT}an error of the scenario is what happens where {where}" for where in found.errors]
    return lines


def _given(found: Condition) -> str:
    assumed = " and ".join(show_expression(a, found.system) for a in found.system.assumptions)
    return given(found.system) + (f"; {assumed}" if assumed else "")


def _evidence(found: Condition) -> list[str]:
    lines = []
    if found.inside is not None and found.inside.verdict is Verdict.PROVED:
        lines.append(f"inside: PROVED, {found.inside.backing.removeprefix('proved ')}")
    elif found.known is Known.NECESSARY:
        lines.append(f"inside: UNDECIDED, {found.why or 'out of time'}")
    if found.missed:
        lines.append("inside: there are more values for which it does not hold, no region of which was found")
    if found.outside:
        lines.append(f"outside: {_counted(len(found.outside), 'valuation')} shown, each by a trace that was replayed:")
        first = sorted(found.outside, key=lambda s: not s.at_bound)
        lines += [f"{INDENT}{s.values}: {s.verdict}{_where(s)}" for s in first[:MOST_SHOWN]]
        lines += _more(len(found.outside))
    if found.bare:
        lines.append(f"outside: at {_counted(found.bare, 'bound')} nothing could be shown")
    if found.beside:
        lines.append("beside the bounds, searched one by one:")
        lines += [f"{INDENT}{s.values}: {s.verdict}, {s.ruling.backing}" for s in found.beside[:MOST_SHOWN]]
        lines += _more(len(found.beside))
    return lines


def _where(shown: Shown) -> str:
    return ", at a bound" if shown.at_bound else ""


def _more(count: int) -> list[str]:
    return [f"{INDENT}and {count - MOST_SHOWN} more"] if count > MOST_SHOWN else []


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
