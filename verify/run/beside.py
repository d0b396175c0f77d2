"""An engine in a process of its own, beside whatever else runs: asked once, looked at now and then, killed with all it started.

What it prints goes nowhere; if it hangs, dies, takes too much memory or says what is no answer, that is told, and nothing is
waited for. It ends when the process that asked it does, however that ends.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from verify.base.budget import Budget, Limits, Progress
from verify.engines.claim import Claim
from verify.system.property import Property
from verify.system.system import System

Answering = Callable[[System, Sequence[Property], Budget], Iterable[Claim]]

TURN = 0.02  # seconds between two looks
OVERTIME = 2.0  # seconds beyond its limit after which an engine is killed
WEIGHED = 0.5  # seconds between two looks at its memory
HEAVIER = 1.1  # times its limit of memory, at which it is killed


class Beside:
    """One question to one engine. A context: on leaving it, whatever still runs is killed.

    ``claims``: the answers, in the order of the properties, once all are there; ``problem``: why there will be none. ``partial``:
    those that came before.
    """

    def __init__(self, name: str, answering: Answering, system: System, asked: Sequence[Property], limits: Limits) -> None:
        """Start it. ``answering``: a function that can be pickled, called with a budget of ``limits`` of its own."""
        self.name = name
        self.claims: list[Claim] | None = None
        self.partial: list[Claim] = []
        self.problem = ""
        self.progress: Progress | None = None
        self._asked = len(asked)
        self._limits = limits
        self._start = self._weighed = time.monotonic()
        self._messages: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "verify.run.beside"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        question = pickle.dumps((answering, system, tuple(asked), limits))
        threading.Thread(target=self._ask, args=(question,), daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        """Whether it may still answer."""
        return self.claims is None and not self.problem

    def look(self) -> bool:
        """Take what it has said; whether it has ended, with claims or with a problem."""
        while self.running and not self._messages.empty():
            self._take(self._messages.get())
        if self.running:
            self._overdue()
        if not self.running:
            self.kill()
        return not self.running

    def kill(self) -> None:
        """End it, and all that it started."""
        if self._process.poll() is None or self._process.stdin is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
                self._process.stdin = None

    def _ask(self, question: bytes) -> None:
        stdin = self._process.stdin
        with suppress(OSError, ValueError):  # it died before it had read the question
            if stdin is not None:
                _write(stdin, question)

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        with self._process.stdout as stdout:
            while True:
                try:
                    self._messages.put(pickle.loads(_read(stdout)))  # noqa: S301 - what our own process wrote
                except EOFError:
                    self._messages.put(None)
                    return
                except Exception:  # noqa: BLE001 - whatever it is, it is no message
                    self._messages.put(TypeError())
                    return

    def _take(self, message: object) -> None:
        match message:
            case Progress():
                self.progress = message
            case str():
                self.problem = message
            case (Claim() as claim,) if len(self.partial) < self._asked:
                self.partial.append(claim)
            case () if len(self.partial) == self._asked:
                self.claims = self.partial
            case None:
                self.problem = ended(self._process.wait())
            case _:
                self.problem = "what it said is no answer"

    def _overdue(self) -> None:
        now = time.monotonic()
        limit = self._limits.seconds
        if limit is not None and now - self._start > limit + OVERTIME:
            self.problem = f"killed: it did not end within its time limit of {limit:g} s"
        most = self._limits.megabytes
        if most is not None and now - self._weighed > WEIGHED:
            self._weighed = now
            if _group_megabytes(self._process.pid) > HEAVIER * most:
                self.problem = f"killed: it took more than its memory limit of {most:,} MB"


def wait(engines: Sequence[Beside], report: Callable[[Progress], None] | None = None) -> None:
    """Until each has ended, one way or the other."""
    while not all([engine.look() for engine in engines]):  # noqa: C419 - each is looked at
        for engine in engines:
            if report is not None and engine.progress is not None:
                report(engine.progress)
                engine.progress = None
        time.sleep(TURN)


def ended(code: int) -> str:
    """How a process ended that did not say so."""
    if code < 0:
        why = " (out of memory?)" if -code == signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{why}"
    return f"its process ended with code {code} and without an answer"


def _group_megabytes(group: int) -> int:
    """What all processes of a group hold, in MB; 0 where the system does not tell."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            told = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(told[2]) == group:
                pages += int(told[21])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


# ---- in the process


def main() -> int:
    """Answer the question on standard input, on what was standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the engine prints is no message
    lock = threading.Lock()

    def tell(message: object) -> None:
        with lock:
            _write(out, pickle.dumps(message))

    answering, system, asked, limits = pickle.loads(_read(sys.stdin.buffer))  # noqa: S301 - what our own process wrote
    threading.Thread(target=_with_the_asker, daemon=True).start()
    try:
        for claim in answering(system, asked, Budget(limits, tell)):
            tell((claim,))
        tell(())  # that was all
    except MemoryError:
        tell("no more memory")
    except Exception as problem:  # noqa: BLE001 - told to who asked
        tell(f"it failed: {type(problem).__name__}: {problem}"[:300])
    return 0


def _with_the_asker() -> None:
    """End with the process that asked: it holds the other end of standard input."""
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _write(stream: IO[bytes], message: bytes) -> None:
    stream.write(len(message).to_bytes(8, "little") + message)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    head = stream.read(8)
    size = int.from_bytes(head, "little")
    body = stream.read(size) if len(head) == 8 else b""
    if len(head) < 8 or len(body) < size:
        raise EOFError
    return body


if __name__ == "__main__":
    sys.exit(main())
