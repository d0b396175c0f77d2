"""Searches that survive their process: what was found, written into a folder now and then, and taken up again.

A task has a folder. ``system.json`` in it says which system it is about, and each search (open parameters need several) has a
folder named after what it asks: ``manifest.json``, and ``000000.states``, ``000001.states`` …, the words of the states in the
order of their discovery, little-endian. States never change once they are found, so each time only the new ones are written.

Every file is written beside its place, synced, and renamed; first the pieces, then the manifest that lists them. So whenever
the process dies, the manifest speaks of whole pieces. It holds their digests, and each JSON file begins with its own. A folder
that is damaged, or about something else, is an InputError, and stays as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, Self

from verify.base.budget import Budget
from verify.base.diagnostic import InputError, error
from verify.base.place import Place
from verify.system.serialise import digest, digest_of

if TYPE_CHECKING:
    from verify.engines.native.space import Space

VERSION = 1
PIECE = 1 << 26  # bytes of a file of states, at most
SECONDS = 60.0  # between two times that states are written,
SHARE = 10  # or, once they have doubled, so many times as long as writing took
FEWEST = 1 << 17  # states that are worth it
STOPPING = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], Any] | int | None


# ---- folders


def prepare(folder: Path) -> None:
    """Make a folder for the checkpoints of a run; InputError if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".trial-{os.getpid()}"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as problem:
        raise _unwritable(folder, problem) from problem


def belongs(folder: Path, system_digest: str) -> bool:
    """Whether a task's folder holds checkpoints of a system; InputError if they are of another one, or damaged."""
    told = _sealed(folder / "system.json")
    if told is None:
        strangers = [p for p in folder.glob("*") if p.name not in ("lock", "system.json.new")]
        if strangers:
            raise _damaged(folder / "system.json", "it is missing")
        return False
    if told.get("version") != VERSION:
        raise _foreign(folder, f"it has the format {told.get('version')}, this is {VERSION}")
    if told.get("system") != system_digest:
        raise _foreign(folder, f"it is of another system (digest {str(told.get('system'))[:12]}, not {system_digest[:12]})")
    return True


def _sealed(path: Path) -> dict[str, Any] | None:
    """What a JSON file says that begins with its digest; None if there is none, InputError if it is damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise _damaged(path, problem.strerror or str(problem)) from problem
    seal, _, text = data.partition(b"\n")
    if seal != hashlib.sha256(text).hexdigest().encode("ascii"):
        raise _damaged(path, "it is not what was written")
    found: dict[str, Any] = json.loads(text)
    return found


def _seal(path: Path, told: dict[str, Any]) -> None:
    text = json.dumps(told, separators=(",", ":")).encode("ascii")
    _write(path, hashlib.sha256(text).hexdigest().encode("ascii") + b"\n" + text)


def _write(path: Path, data: bytes | memoryview) -> None:
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _sync(folder: Path) -> None:
    """Make sure that what was renamed in a folder stays so."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path, why: str) -> InputError:
    help_text = "it was left as it is; name another folder, or delete this one to begin again"
    return InputError([error("E821", f"the checkpoint is damaged: {path.name}: {why}", Place(str(path)), help_text)])


def _foreign(folder: Path, why: str) -> InputError:
    help_text = "it was left as it is; name another folder, or delete this one to begin again"
    return InputError([error("E822", f"the checkpoint does not fit: {why}", Place(str(folder)), help_text)])


def _unwritable(folder: Path, problem: OSError) -> InputError:
    return InputError([error("E803", f"cannot write {folder}: {problem.strerror or problem}")])


# ---- one search


class Keeper:
    """Keeps one search, as a context around it. Without a folder in the budget it does nothing.

    Within, Ctrl-C and SIGTERM wait for :meth:`look`, which writes before it lets them act: a search that is stopped between two
    lines of Python might have counted states and not yet noted what was seen in them.
    """

    def __init__(self, space: Space, budget: Budget, asked: tuple[int, int]) -> None:
        """``asked``: the predicates that are looked for in states, and on transitions, as bits."""
        self._space = space
        self._task = None if budget.keeping is None else budget.keeping.folder
        self._whole = "" if budget.keeping is None else budget.keeping.system
        self._folder = Path()
        self._about: dict[str, Any] = {}
        if self._task is not None:
            system = digest(space.system)
            kinds = (int(space.fingerprints), int(space.jumps), len(space.orbits.images))
            wanted = digest_of((space.predicates, space.notes.events, *asked, *kinds))
            self._folder = self._task / (system[:8] + wanted[:8])
            self._about = {
                "version": VERSION,
                "system": system,
                "asked": wanted,
                "code": space.code,
                "order": sys.byteorder,
                "words": space.layout.words,
                "bits": space.layout.bits,
            }
        self._pieces: list[tuple[int, str]] = []  # states, and the digest of their words
        self._kept = 0  # states in the pieces
        self._last: dict[str, Any] = {}  # the manifest as it is on disk
        self._when = time.monotonic()
        self._took = 0.0
        self._lock: IO[bytes] | None = None
        self._before: dict[int, Handler] = {}
        self._caught: list[int] = []
        self.trouble = ""  # why the last attempt to write failed

    # ---- signals

    def __enter__(self) -> Self:
        self._defer()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._undo()
        if self._lock is not None:
            self._lock.close()
        if self._caught and kind is None:
            signal.raise_signal(self._caught.pop())

    def _defer(self) -> None:
        if self._task is None or threading.current_thread() is not threading.main_thread():
            return
        for number in STOPPING:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, lambda caught, _: self._caught.append(caught))

    def _undo(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _obey(self) -> None:
        """Let the signals act that came meanwhile. Most end the search here; after others it goes on."""
        while self._caught:
            self._undo()
            signal.raise_signal(self._caught.pop())
            self._defer()

    # ---- writing

    def look(self) -> None:
        """To be called where the space hangs together: writes when it is time to."""
        if self._task is None:
            return
        if self._caught:
            self._save()
            if self.trouble:
                self._undo()
                raise InputError([error("E803", self.trouble)])
            self._obey()
        elif self._due():
            self._save()

    def finish(self) -> None:
        """The search has ended, whole or not: write what is worth it."""
        if self._task is not None and (self._last or self._space.incomplete or self._space.states >= FEWEST):
            self._save()
        if self.trouble:
            self._space.remarks.append(self.trouble)

    def _due(self) -> bool:
        states, waited = self._space.states, time.monotonic() - self._when
        return waited >= SECONDS or (states >= max(FEWEST, 2 * self._kept) and waited >= SHARE * self._took)

    def _save(self) -> None:
        if self._space.states < self._last.get("states", 0):  # it was not taken up
            return
        began = time.monotonic()
        try:
            if self._lock is None:
                self._open()
            self._add_pieces()
            told = {**self._about, **self._progress(), "pieces": self._pieces}
            if told != self._last:
                self._put(told)
            self.trouble = ""
        except OSError as problem:
            self.trouble = f"the last checkpoint could not be written: {self._folder}: {problem.strerror or problem}"
        except InputError as problem:
            self.trouble = f"no checkpoint could be written: {problem.diagnostics[0].message}"
        self._when = time.monotonic()
        self._took = self._when - began

    def _open(self) -> None:
        """Make the folder, with a manifest that says that nothing was kept yet."""
        assert self._task is not None  # noqa: S101 - nobody keeps without
        self._task.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        if not (self._task / "system.json").exists():
            _seal(self._task / "system.json", {"version": VERSION, "system": self._whole})
        self._folder.mkdir(exist_ok=True)
        _sync(self._task)
        self._put({**self._about, "states": 0, "pieces": []})

    def _take_lock(self) -> None:
        assert self._task is not None  # noqa: S101 - nobody keeps without
        lock = (self._task / "lock").open("ab")  # the system lets go of it when the process dies
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            lock.close()
            told = "another run is writing into this checkpoint"
            raise InputError([error("E823", told, Place(str(self._task)), "wait for it, or name another folder")]) from problem
        self._lock = lock

    def _progress(self) -> dict[str, Any]:
        space, s = self._space, self._space.structure
        return {
            "states": space.states,
            "next": space.expanded,
            "stop": s["stop"],
            "transitions": space.transitions,
            "levels": list(space.levels),
            "seen": sorted(space.seen.items()),
        }

    def _add_pieces(self) -> None:
        width = 8 * self._space.layout.words
        words = self._space.structure.memory("words")
        fresh = False
        while self._kept < self._space.states:
            count = min(self._space.states - self._kept, PIECE // width)
            with words.view(self._kept * width, count * width) as view:
                _write(self._piece(len(self._pieces)), view)
                self._pieces.append((count, hashlib.sha256(view).hexdigest()))
            self._kept += count
            fresh = True
        if fresh:
            _sync(self._folder)

    def _piece(self, number: int) -> Path:
        return self._folder / f"{number:06}.states"

    def _put(self, told: dict[str, Any]) -> None:
        _seal(self._folder / "manifest.json", told)
        _sync(self._folder)
        self._last = {**told, "pieces": list(told["pieces"])}

    # ---- reading

    def known(self) -> int:
        """How many states are kept here already. InputError if the folder is damaged, foreign or in use."""
        if self._task is None or not self._folder.exists():
            return 0
        try:
            self._take_lock()
            told = _sealed(self._folder / "manifest.json")
            if told is None:
                if any(self._folder.glob("*.states")):
                    raise _damaged(self._folder / "manifest.json", "it is missing")
                self._put({**self._about, "states": 0, "pieces": []})
                return 0
        except OSError as problem:
            raise _unwritable(self._task, problem) from problem
        if told.get("code") != self._about["code"] and told.get("system") == self._about["system"]:
            raise _foreign(self._folder, "another version of verify, or another kind of machine, has written it")
        if {name: told.get(name) for name in self._about} != self._about:
            raise _foreign(self._folder, "it is of another search")
        self._last = told
        states: int = told["states"]
        return states

    def restore(self) -> None:
        """Fill the words of a space with room for what is :meth:`known`, and take up where the search was left."""
        space, s, told = self._space, self._space.structure, self._last
        width = 8 * space.layout.words
        for count, seal in told["pieces"]:
            path = self._piece(len(self._pieces))
            with s.memory("words").view(self._kept * width, count * width) as view:
                try:
                    with path.open("rb", buffering=0) as file:
                        size = os.fstat(file.fileno()).st_size
                        got = 0
                        while got < len(view) and (more := file.readinto(view[got:])):
                            got += more
                except OSError as problem:
                    raise _damaged(path, problem.strerror or str(problem)) from problem
                if size != len(view) or got != len(view):
                    raise _damaged(path, f"{size:,} bytes instead of {len(view):,}")
                if hashlib.sha256(view).hexdigest() != seal:
                    raise _damaged(path, "it is not what was written")
            self._pieces.append((count, seal))
            self._kept += count
            self._obey()
        told["pieces"] = list(self._pieces)
        for name in ("states", "next", "stop", "transitions"):
            s[name] = told[name]
        space.levels = list(told["levels"])
        space.seen = dict(told["seen"])
        told["seen"] = sorted(space.seen.items())
