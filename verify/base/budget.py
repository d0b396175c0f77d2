"""What a run may use, and how it tells that it goes on."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from verify.base.record import record


@record
class Limits:
    """Upper bounds of one task; ``None`` is unlimited. A limit that is met ends in UNDECIDED, never in PROVED."""

    seconds: float | None = None
    megabytes: int | None = None
    states: int | None = None


@record
class Progress:
    """How far a search is: distinct states, transitions, states waiting, depth in steps, seconds since its start."""

    task: str
    states: int
    transitions: int
    queue: int
    depth: int
    seconds: float


@record
class Keeping:
    """Where a long search is kept and taken up again. ``system``: the digest of the task's system, parameters still open."""

    folder: Path
    system: str


@dataclass(slots=True)
class Budget:
    """Limits in use: ask :meth:`spent` now and then. ``report`` is called with the progress about twice a second.

    ``overtaken``: asked as often, why the search is not needed any more; "" while it is.
    """

    limits: Limits = field(default_factory=Limits)
    report: Callable[[Progress], None] | None = None
    interval: float = 0.5
    keeping: Keeping | None = None
    overtaken: Callable[[], str] | None = None
    _start: float = field(default_factory=time.monotonic)
    _next: float = 0.0

    def seconds(self) -> float:
        """Seconds since the budget was made."""
        return time.monotonic() - self._start

    def spent(self, progress: Progress, *, searching: bool = True) -> str:
        """The reason why the search must stop here, or "" if it may go on; passes the progress on.

        ``searching`` False: the states were found already, and how many they are is no reason any more.
        """
        now = self.seconds()
        if now >= self._next:
            self._next = now + self.interval
            if self.report is not None:
                self.report(progress)
            why = self.overtaken() if self.overtaken is not None else ""
            if why:
                return why
        limits = self.limits
        if searching and limits.states is not None and progress.states >= limits.states:
            return f"limit of {limits.states:,} states"
        if limits.seconds is not None and now >= limits.seconds:
            return f"time limit of {limits.seconds:g} s"
        if limits.megabytes is not None and resident_megabytes() >= limits.megabytes:
            return f"memory limit of {limits.megabytes:,} MB"
        return ""


    def refuses(self, more: int) -> str:
        """The reason why ``more`` bytes must not be taken, or "": a limit, or what this machine has left."""
        held = resident_megabytes()
        megabytes = more // 2**20
        if self.limits.megabytes is not None and held + megabytes > self.limits.megabytes:
            return f"memory limit of {self.limits.megabytes:,} MB"
        left = available_megabytes()
        if left is not None and megabytes > left * 9 // 10:
            return f"{megabytes:,} MB more are needed, and this machine has {left:,} MB left"
        return ""


def available_megabytes() -> int | None:
    """Memory that can be taken before this machine swaps, in MB; None where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as meminfo:  # noqa: PTH123 - a kernel file
            found = next(line for line in meminfo if line.startswith("MemAvailable:"))
        return int(found.split()[1]) // 1024
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def resident_megabytes() -> int:
    """Memory this process holds now, in MB (its peak where the system does not tell the present)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a kernel file, read often
            return int(statm.read().split()[1]) * resource.getpagesize() // 2**20
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // (2**20 if sys.platform == "darwin" else 2**10)
