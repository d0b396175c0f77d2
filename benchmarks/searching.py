"""One search of the native engine in a process of its own, told as JSON on standard output: what ``run.py`` starts.

``python searching.py SPEC SCENARIO THREADS [PROPERTY]``: without a property only the search is timed, with one the whole answer.
No reductions are on, so that the counts are those of the model.
"""

from __future__ import annotations

import inspect
import json
import resource
import sys
import time
from pathlib import Path

from verify import api
from verify.base.budget import Budget
from verify.engines.native.engine import NativeEngine
from verify.engines.native.questions import gathered
from verify.engines.native.space import Space


def main() -> None:
    """Search, and print how long it took and what it needed."""
    path, scenario, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    task = next(t for t in api.load(path).tasks if t.scenario == scenario)
    asked = [c.property for c in task.checks]
    told: dict[str, object] = {}
    if len(sys.argv) > 4:
        wanted = [p for p in asked if p.name == sys.argv[4]]
        NativeEngine().check(api.load(path).tasks[0].system, wanted, Budget())  # compiles what all systems share
        start = time.perf_counter()
        (claim,) = NativeEngine(*([threads] if threads > 1 else [])).check(task.system, wanted, Budget())
        told["seconds"] = time.perf_counter() - start
        told["answer"] = type(claim.answer).__name__
        evidence = claim.answer.evidence
        told["states"], told["transitions"] = evidence.states, evidence.transitions
    else:
        questions, _ = gathered([p.form for p in asked[:1]])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        space = Space(task.system, questions.predicates, questions.events, *([threads] if threads > 1 else []))
        start = time.perf_counter()
        space.search(Budget(), questions.wanted, questions.on_arrival)
        told["seconds"] = time.perf_counter() - start
        s, words = space.structure, space.layout.words
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told |= {"states": space.states, "transitions": space.transitions, "levels": len(space.levels)}
        told |= {"words": words, "bits": space.layout.bits}
        told |= {"peak_bytes": 1024 * peak, "found_bytes": 1024 * (peak - before)}
        told |= {"tables_bytes": 8 * s["slots"] + 8 * words * space.states}
    print(json.dumps(told))


def threads_known() -> bool:
    """Whether the engine has threads."""
    return "threads" in inspect.signature(Space).parameters


if __name__ == "__main__":
    main()
