"""``verify synthesize``: what it does."""

from __future__ import annotations

import argparse
import sys

from verify import api
from verify.base.budget import Progress
from verify.cli.progress import ProgressLine

OK, UNDECIDED = 0, 3


def synthesize(options: argparse.Namespace, sources: api.Sources) -> int:
    """``verify synthesize``; the exit code."""
    spec = api.load(api.find_specs([options.path])[0], sources)
    limits = api.Limits(options.time_limit or None, options.memory_limit or None)
    progress = ProgressLine(quiet=options.quiet, words=_words)
    found: list[api.Condition] = []
    try:
        for condition in api.synthesize(spec, options.check or (), limits=limits, report=progress):
            progress.clear()
            found.append(condition)
            if not options.json:
                print(api.condition_text(condition), flush=True)
            if not options.quiet:
                print(f"verify: {condition.scenario}: {condition.seconds:.1f} s", file=sys.stderr)
    finally:
        progress.clear()
    code = OK if all(c.known is api.Known.EXACT for c in found) else UNDECIDED
    if options.json:
        print(api.conditions_json(found, code), end="")
    return code


def _words(progress: Progress) -> str:
    return f"{progress.task}: runs of up to {progress.depth} moves, {progress.seconds:.0f} s"
