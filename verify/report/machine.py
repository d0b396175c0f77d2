"""Results as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from verify import __version__
from verify.run.checking import Result
from verify.run.surveys import SurveyResult
from verify.system.serialise import digest
from verify.topology.question import Route
from verify.trace.itf import step_name

VERSION = 1


def to_json(
    results: Sequence[Result | SurveyResult], waiting: Sequence[str], exit_code: int, *, strict: bool = False
) -> str:
    """All results as one JSON object; ``seconds`` apart, the same input gives the same text."""
    whole = {
        "format": "redundancy-verify results",
        "version": VERSION,
        "verify": __version__,
        "exit_code": exit_code,
        "results": [_result(r, strict=strict) for r in results],
        "waiting": list(waiting),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _result(result: Result | SurveyResult, *, strict: bool) -> dict[str, Any]:
    run = result.ruling.run
    found: dict[str, Any] = {
        "spec": result.spec,
        "scenario": result.scenario,
        "property": result.check.property.name,
        "text": result.check.property.text,
        "verdict": result.verdict.value,
        "expected": result.check.expected.value,
        "as_expected": result.as_expected(strict=strict),
        "because": result.check.because,
        "backing": result.ruling.backing,
        "agreed": list(result.ruling.agreed),
        "vacuous": result.ruling.vacuous,
        "notes": list(result.ruling.notes),
        "states": result.ruling.states,
        "transitions": result.ruling.transitions,
        "depth": result.ruling.depth,
        "values": result.values,
        "system": digest(result.system) if isinstance(result, Result) else "",
        "line": result.check.place.line,
        "seconds": round(result.seconds, 3),
    }
    if isinstance(result, SurveyResult):
        found["failed"] = [[u.name for u in v.failed] for v in result.answer.violations]
        found["routes"] = [[_route(r) for several in w.routes for r in several] for w in result.answer.witnesses]
    elif run is not None:
        found["trace"] = {
            "steps": run.steps,
            "events": run.events,
            "ticks": run.ticks,
            "nanoseconds": run.ticks * result.system.tick_nanoseconds,
            "loop": run.trace.loop,
            "taken": [step_name(o.choice, result.system) for o in run.outcomes],
        }
    return found


def _route(route: Route) -> dict[str, Any]:
    shown = {"demand": route.demand, "nodes": list(route.nodes), "links": list(route.links)}
    return {**shown, "amount": str(route.amount)}
