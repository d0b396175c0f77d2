"""One search of the native engine in a process of its own, told as JSON on standard output: what ``run.py`` starts.

``python searching.py SPEC SCENARIO THREADS [PROPERTY] [--lanes N]``: without a property only the search is timed, with one
the whole answer; ``--lanes 1`` or ``8`` says how many states are expanded at a time, which otherwise the engine chooses. Code for
that is then compiled before the clock starts; ``prepared`` says how long it took.
Of the reductions only the narrowing of ranges is on, as it is by default: it changes no count.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from verify import api
from verify.base.budget import Budget
from verify.engines.native.engine import NativeEngine
from verify.engines.native.questions import gathered
from verify.engines.native.space import Space
from verify.passes.reductions import reduced
from verify.run.choosing import EXACT


def main() -> None:
    """Search, and print how long it took and what it needed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spec", type=Path)
    parser.add_argument("scenario")
    parser.add_argument("threads", type=int)
    parser.add_argument("property", nargs="?")
    parser.add_argument("--lanes", type=int, choices=(1, 8))
    options = parser.parse_args()
    path, threads = options.spec, options.threads
    task = next(t for t in api.load(path).tasks if t.scenario == options.scenario)
    asked = [c.property for c in task.checks]
    told: dict[str, object] = {}
    if options.property:
        wanted = [p for p in asked if p.name == options.property]
        NativeEngine().check(api.load(path).tasks[0].system, wanted, Budget())  # compiles what all systems share
        start = time.perf_counter()
        small = reduced(task.system, wanted, EXACT)
        (claim,) = NativeEngine(threads, lanes=options.lanes).check(small.system, small.properties, Budget())
        told["seconds"] = time.perf_counter() - start
        told["answer"] = type(claim.answer).__name__
        evidence = claim.answer.evidence
        told["states"], told["transitions"] = evidence.states, evidence.transitions
    else:
        small = reduced(task.system, asked[:1], EXACT)
        questions, _ = gathered([p.form for p in small.properties])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        space = Space(small.system, questions.predicates, questions.events, threads, lanes=options.lanes)
        told["prepared"] = time.perf_counter() - start
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


if __name__ == "__main__":
    main()
