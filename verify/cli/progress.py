"""Progress on standard error: one line that is written over on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from verify.base.budget import Progress, resident_megabytes


@dataclass(slots=True)
class ProgressLine:
    """``quiet``: says nothing. ``latest``: what was last heard of each task. ``words``: how it is told, None as of a search."""

    quiet: bool = False
    every: float = 5.0
    words: Callable[[Progress], str] | None = None
    latest: dict[str, Progress] = field(default_factory=dict)
    _width: int = 0
    _last: float = field(default_factory=time.monotonic)

    def __call__(self, progress: Progress) -> None:
        """Show how far a search is."""
        self.latest[progress.task] = progress
        if self.quiet:
            return
        text = (self.words or describe)(progress)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text:<{self._width}}")
            sys.stderr.flush()
            self._width = len(text)
        elif time.monotonic() - self._last >= self.every:
            self._last = time.monotonic()
            sys.stderr.write(text + "\n")

    def clear(self) -> None:
        """Take the line away before something else is printed."""
        if self._width and sys.stderr.isatty():
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
        self._width = 0


def describe(progress: Progress) -> str:
    """How far a search is, in words."""
    rate = progress.states / progress.seconds if progress.seconds > 0 else 0.0
    return (
        f"{progress.task}: {progress.states:,} states ({rate:,.0f}/s), {progress.queue:,} waiting, "
        f"depth {progress.depth}, {resident_megabytes():,} MB, {progress.seconds:.0f} s"
    )
