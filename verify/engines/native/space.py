"""The states that a search found, in memory: room that grows, the search level by level, and states by number."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from pathlib import Path

import verify
from verify.base.budget import Budget, Progress
from verify.engines.native import compiling
from verify.engines.native.checkpoint import Keeper
from verify.engines.native.compiling import fields_of, translate
from verify.engines.native.expansion import Emitted, Notes, emit, emit_eight
from verify.engines.native.layout import Layout, layout_of
from verify.engines.native.machine import Compiled, compiled, compresses_vectors, function, stored
from verify.engines.native.orbits import Orbits
from verify.engines.native.rows import EIGHT
from verify.passes.nonzeno import passing_steps
from verify.passes.symmetry import Symmetry
from verify.semantics.interpreter import Choice, Interpreter, Outcome, State
from verify.system.expression import Expression
from verify.system.system import System
from verify.trace.trace import Trace

BATCH = 128  # states that are expanded together
AHEAD = 64  # rows that memory is asked for before they are looked at
NUMBERS = 64  # of states that a thread takes at a time
RECENT = 4096  # states that a thread remembers to have met a moment ago
OWN = (  # memory of one thread
    *("rows", "eight", "spare", "ahead"),
    *("hashes", "picked", "keys", "targets", "recent"),
    *("batch", "begins"),
)
QUOTA = 1 << 16  # states between two looks at the budget
BUCKET = 8  # slots
SMALLEST = 1 << 13  # slots of a new table
SMALL_TABLE = 1 << 20  # slots
LONG = 20_000_000  # states after which better code is worth compiling it
MANY = 1 << 21  # states after which code for eight at a time is worth compiling it,
SOME = 1 << 12  # and using it, if it was compiled before
NARROW = 4  # words of a state with which it is
PARALLEL = 1 << 12  # states of a level that are worth several threads
LOAD = 0.7  # of the slots are filled before the table doubles
WIDEST = 62  # predicates at once
FAILURE = 1 << 63  # bits of ``seen``: a failure,
STUCK = 1 << 62  # a state without rows
NOWHERE = 0xFFFFFFFF
LARGEST = NOWHERE - 1  # states: the passes number them in 32 bits

LARGE_PAGE = 1 << 21  # bytes

PAUSED, FINISHED, FULL, FOUND = range(4)  # why a kernel comes back


class Memory:
    """Zeroed memory, in bytes; what is not touched takes no room. MemoryError if there is none."""

    def __init__(self, size: int) -> None:
        self._map = self._mapped(size)

    @staticmethod
    def _mapped(size: int) -> mmap.mmap:
        try:
            # private: shared memory cannot grow
            found = mmap.mmap(-1, _in_pages(size), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as problem:
            raise MemoryError(size) from problem
        _in_large_pages(found)
        return found

    @property
    def address(self) -> int:
        """Where it begins; another place after :meth:`grow`."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def grow(self, size: int) -> None:
        """Make it larger, keeping what it holds."""
        if len(self._map) < LARGE_PAGE <= _in_pages(size):  # where it stands it would keep its small pages
            self._copied(size)
            return
        try:
            self._map.resize(_in_pages(size))
        except OSError as problem:
            raise MemoryError(size) from problem
        except SystemError:  # this operating system cannot
            self._copied(size)
        _in_large_pages(self._map)

    def _copied(self, size: int) -> None:
        bigger = self._mapped(size)
        bigger[: len(self._map)] = self._map[:]
        self._map = bigger

    def words(self, at: int, count: int) -> tuple[int, ...]:
        """``count`` words from word ``at`` on."""
        return tuple((ctypes.c_uint64 * count).from_buffer(self._map, 8 * at))

    def halves(self, at: int, count: int) -> tuple[int, ...]:
        """``count`` numbers of 32 bits from the ``at``-th on."""
        return tuple((ctypes.c_uint32 * count).from_buffer(self._map, 4 * at))

    def put(self, at: int, width: int, value: int) -> None:
        """Store the ``at``-th number of ``width`` bytes."""
        self._map[width * at : width * (at + 1)] = value.to_bytes(width, "little")

    def view(self, start: int, size: int) -> memoryview:
        """``size`` bytes from byte ``start`` on, themselves; to be released before :meth:`grow`."""
        return memoryview(self._map)[start : start + size]

    def copy(self, other: Memory, size: int) -> None:
        """Take the first ``size`` bytes of another."""
        ctypes.memmove(self.address, other.address, size)

    def first(self, size: int) -> int:
        """The first of ``size`` bytes that is 1; negative if there is none."""
        return self._map.find(b"\x01", 0, size)

    def fill(self, size: int, value: int) -> None:
        """Set the first ``size`` bytes."""
        ctypes.memset(self.address, value, size)


def _in_pages(size: int) -> int:
    """A size in whole pages; in large ones where that is worth it. Linux begins memory of such a size at a large page."""
    page = LARGE_PAGE if size > LARGE_PAGE // 2 else mmap.PAGESIZE
    return max(1, -(-size // page)) * page


def _in_large_pages(found: mmap.mmap) -> None:
    """Ask for large pages where they are worth it: a table is read at random."""
    if len(found) >= LARGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without them
            found.madvise(mmap.MADV_HUGEPAGE)


SOURCE = Path(__file__).with_name("runtime.kernel")
WRITERS = tuple(Path(__file__).with_name(f"{name}.py") for name in ("rows", "expansion", "symbolic", "values", "layout"))


class Kernels:
    """The kernels for one kind of states, each compiled when it is first called; those of every search at once."""

    def __init__(self, width: int, *, keys: bool, fingerprints: bool = False, **shapes: bool) -> None:
        flags = {"KEYS": keys or fingerprints, "FINGERPRINTS": fingerprints}
        flags |= {name.upper(): on for name, on in shapes.items()}
        sizes = {"WIDTH": width, "BATCH": BATCH, "AHEAD": AHEAD, "RECENT": RECENT, "NUMBERS": NUMBERS}
        self._constants = sizes | {name: int(on) for name, on in flags.items()}
        of_keys = ("rebuild_keys", "spread_keys") if keys or fingerprints else ()
        self._together = ("search", "rebuild", "locate", "parent", "link_timeless", "acyclic", *of_keys)
        self._compiled: dict[str, Compiled] = {}

    def address(self, name: str) -> int:
        """Where a kernel begins."""
        if name not in self._compiled:
            wanted = self._together if name in self._together else (name,)
            source = SOURCE.read_text(encoding="utf-8")
            told = f"{_translator()}\n{source}\n{sorted(self._constants.items())} {wanted}"
            made = compiled(lambda: translate(source, self._constants, wanted), optimised=True, source=told)
            self._compiled |= dict.fromkeys(wanted, made)
        return self._compiled[name].address(name)


@cache
def _translator() -> str:
    """The program that translates the kernels: what it writes depends on nothing else than that and the kernels."""
    return Path(compiling.__file__).read_text(encoding="utf-8")


@cache
def _writers() -> str:
    """The programs that write the code of a system."""
    return "\n".join(path.read_text(encoding="utf-8") for path in WRITERS)


@cache
def _kernels(width: int, *, keys: bool, fingerprints: bool = False, **shapes: bool) -> Kernels:
    return Kernels(width, keys=keys, fingerprints=fingerprints, **shapes)


@cache
def _fields() -> dict[str, int]:
    return {name: at for at, name in enumerate(fields_of(SOURCE.read_text(encoding="utf-8")))}


class Structure:
    """The structure that the kernels share. Memory that a field points to is kept here."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels
        self._values = (ctypes.c_int64 * len(_fields()))()
        self._memory: dict[str, Memory] = {}
        self._functions: dict[str, Callable[..., int]] = {}

    def __getitem__(self, field: str) -> int:
        return self._values[_fields()[field]]

    def __setitem__(self, field: str, value: int) -> None:
        self._values[_fields()[field]] = value - 2**64 if value >= 2**63 else value

    @property
    def pointer(self) -> int:
        """Where the structure itself lies; it does not move."""
        return ctypes.addressof(self._values)

    def memory(self, field: str) -> Memory:
        """The memory that a field points to."""
        return self._memory[field]

    def allocate(self, field: str, size: int) -> Memory:
        """Give a field new memory, all 0; what it had before goes first."""
        self._memory.pop(field, None)
        self._memory[field] = Memory(size)
        self[field] = self._memory[field].address
        return self._memory[field]

    def like(self, other: Structure, *own: str) -> None:
        """Have what another structure has in all fields, except those with memory of ours."""
        kept = {field: self[field] for field in own}
        ctypes.memmove(self.pointer, other.pointer, ctypes.sizeof(self._values))
        for field, value in kept.items():
            self[field] = value

    def grow(self, field: str, size: int) -> None:
        """Make the memory of a field larger."""
        self._memory[field].grow(size)
        self[field] = self._memory[field].address

    def release(self, *fields: str) -> None:
        """Give memory back."""
        for field in fields:
            self._memory.pop(field, None)
            self[field] = 0

    def call(self, name: str, *arguments: int | Memory) -> int:
        """Run a kernel on this structure."""
        if name not in self._functions:
            self._functions[name] = function(self.kernels.address(name), 1 + len(arguments))
        given = [a.address if isinstance(a, Memory) else a for a in arguments]
        return self._functions[name](self.pointer, *given)


def _room(slots: int) -> int:
    """For how many states slots are enough."""
    return min(LARGEST, int(slots * LOAD))


def _size_of_table(slots: int) -> int:
    """Bytes for a table, and for the bucket behind it, which takes what is known."""
    return 8 * (slots + BUCKET)


class SpentError(Exception):
    """The budget does not allow to answer: why."""


class Jumped(Exception):  # noqa: N818 - an answer: to be asked again, without jumps
    """The steps of a trace are not known: time jumped."""


class Space:
    """The reachable states of a closed system, as far as a budget allowed to search."""

    def __init__(  # noqa: PLR0913 - the ways to search
        self,
        system: System,
        predicates: Sequence[Expression],
        events: Sequence[int] = (),
        threads: int = 1,
        symmetries: Sequence[Symmetry] = (),
        *,
        fingerprints: bool = False,
        jumps: bool = False,
        lanes: int | None = None,
        endless: bool = False,
    ) -> None:
        """Compile a system; Unsupported if that is not possible. ``events``: those that the predicates ask for.

        ``endless``: endless runs will be asked about, so that the notes tell which steps are on no cycle.

        ``symmetries``: of the system with the predicates; then one state of each orbit is kept, and transitions lead to it.
        ``jumps``: leave out states in which a tick is all that is possible, if it changes no predicate. The steps of a trace are
        not known then. Not where events or fairness could tell a difference.
        ``lanes``: how many states the search expands at a time, 1 or 8; None: 8 once there are MANY (SOME, if that code was
        compiled before), if this CPU is made for it.
        It changes nothing but the order of the states within a level.
        ``fingerprints``: tell states that are wider than a word apart by 63 bits of a hash. The search is never complete then.
        """
        self.system = system
        self.endless = endless
        self.interpreter = Interpreter(system)
        self.layout: Layout = layout_of(system)
        self.notes = Notes(len(system.fairness), tuple(events), passing_steps(system) if endless else frozenset())
        self.predicates = tuple(predicates)
        emitted: Emitted = emit(self.layout, self.notes, predicates)
        self.orbits = Orbits(self.layout, self.notes, symmetries)
        self._text = f"{emitted.text}\n{self.orbits.emitted()}" if self.orbits else emitted.text
        self._entries = ("expand", "truths", *(["react"] if system.atomic else []), *(["canonical"] if self.orbits else []))
        self._functions = compiled(self._text, optimised=False)
        self._better = False
        self._eight: Compiled | None = None
        pays = compresses_vectors() and self.layout.words <= NARROW
        self._eight_from: int | None = None  # states
        if pays and lanes is None:
            self._eight_from = SOME if stored(self._told_of_eight(), optimised=False) else MANY
        told = (verify.__version__, str(jumps), self._text, SOURCE.read_text(encoding="utf-8"), _writers())
        self.code = hashlib.sha256("\n".join(told).encode()).hexdigest()
        width = self.layout.words
        self.fingerprints = fingerprints and self.layout.bits >= 64  # below, whole states are no longer than fingerprints
        self.jumps = jumps and not events and not system.fairness
        self._keys = self.layout.bits < 64 or self.fingerprints
        options = {"fingerprints": True} if self.fingerprints else {}
        options |= {"atomic": system.atomic, "groups": bool(system.fairness), "symmetric": bool(self.orbits), "jumps": self.jumps}
        kernels = _kernels(width, keys=self._keys, **options)
        kernels.address("search")  # compiled now, with what every search needs
        s = self.structure = Structure(kernels)
        self._enter()
        rows = max(1, emitted.rows)
        s["rows_of_one"] = rows
        s["units"] = len(system.units)
        s["threads"] = threads
        self._allocate_batch(s)
        if lanes == EIGHT:
            self._expand_eights()
        self._beside = [Structure(kernels) for _ in range(threads)] if threads > 1 else []
        self._pool = ThreadPoolExecutor(max(1, threads - 1))  # starts a thread when there is work for it
        for mine in self._beside:
            mine["rows_of_one"] = rows
            self._allocate_batch(mine)
        self.levels: list[int] = []
        self.roots: list[Choice] = []
        self.root_failures: list[Outcome] = []
        self.incomplete = ""
        self.seen: dict[int, int] = {}
        self.remarks: list[str] = []

    def _allocate_batch(self, s: Structure) -> None:
        """What one thread needs for itself."""
        width, rows = self.layout.words, s["rows_of_one"]
        s.allocate("rows", 8 * (width + 1) * (rows * BATCH + EIGHT))
        s.allocate("eight", 8 * width * EIGHT)
        for field in ("spare", "ahead"):
            s.allocate(field, 8 * (width + 1) * (rows + 2))
        for field in ("hashes", "picked", "keys", "targets"):
            s.allocate(field, 8 * rows * BATCH)
        s.allocate("recent", 8 * (width + 1) * RECENT)
        for field in ("batch", "begins"):
            s.allocate(field, 8 * (BATCH + 1))

    # ---- search

    @property
    def states(self) -> int:
        """How many were found."""
        return self.structure["states"]

    @property
    def expanded(self) -> int:
        """How many were expanded: all those below."""
        return self.structure["next"]

    @property
    def transitions(self) -> int:
        """How many the expanded states have."""
        return self.structure["transitions"]

    @property
    def depth(self) -> int:
        """The number of the deepest level begun, in steps."""
        return max(0, len(self.levels) - 1)

    def search(self, budget: Budget, wanted: int = 0, on_arrival: int = 0) -> None:
        """Find every state, breadth first, or as many as the budget allows.

        ``wanted``: predicates (as bits) that are looked for in states, ``on_arrival``: on transitions. ``seen[bit]`` is then the
        first of at most BATCH states of which one has it; likewise for FAILURE and STUCK.
        """
        s = self.structure
        s["wanted"], s["wanted_on_arrival"], s["watched"] = wanted, on_arrival, FAILURE | STUCK
        with Keeper(self, budget, (wanted, on_arrival)) as keeper:
            try:
                self._begin(budget, keeper)
                while self.expanded < self.states and not self.incomplete:
                    if self.expanded == s["stop"]:
                        self.levels.append(self.expanded)
                        s["stop"] = self.states
                    self._level(budget, keeper)
                if self.fingerprints and not self.incomplete:
                    chance = self.states**2 / 2**64
                    told = f"states were told apart by fingerprints: with a chance of up to {chance:.1e} one was missed"
                    self.incomplete = told
            except MemoryError:
                self.incomplete = "no more memory"
            keeper.finish()

    def _begin(self, budget: Budget, keeper: Keeper) -> None:
        s = self.structure
        roots = self._roots()
        kept = keeper.known()
        slots = SMALLEST
        while max(kept, len(roots)) + 2 * s["threads"] * (BATCH * s["rows_of_one"] + NUMBERS) > _room(slots):
            slots *= 2
        size = self._size_of_words(slots)
        if kept:
            self.incomplete = budget.refuses(8 * slots + size)
            if self.incomplete:
                return
        self._use(slots)
        words = s.allocate("words", size)
        s.allocate("table", _size_of_table(slots))
        if kept:
            keeper.restore()
            self._leave_out(sum(self.seen))
        else:
            for i, word in enumerate(word for root in roots for word in root):
                words.put(i, 8, word)
            s["states"] = len(roots)
        s.call("rebuild_keys" if self._keys else "rebuild")

    def _roots(self) -> list[tuple[int, ...]]:
        """The words of the initial states; their choices, and those that fail, are noted."""
        known: dict[tuple[int, ...], Choice] = {}
        for outcome in self.interpreter.initial():
            if outcome.state is None:
                self.root_failures.append(outcome)
            else:
                known.setdefault(self.packed(outcome.state), outcome.choice)
        self.roots += known.values()
        return list(known)

    def _level(self, budget: Budget, keeper: Keeper) -> None:
        s = self.structure
        while self.expanded < s["stop"]:
            if self._eight is None and self._eight_from is not None and self.states >= self._eight_from:
                self._expand_eights()
            most = budget.limits.states
            quota = QUOTA if most is None else max(1, min(QUOTA, (most - self.states) // s["rows_of_one"]))
            if self._beside and most is None and s["stop"] - self.expanded >= PARALLEL:
                reason = self._side_by_side(quota)
            else:
                reason = s.call("search", quota)
                if reason == FOUND:
                    self._note(s["seen"], s["seen_from"])
            if reason == FULL:
                self.incomplete = self._grow(budget)
            if self.states > LONG and not self._better:
                self._improve()
            keeper.look()
            if self.expanded < self.states:
                self.incomplete = self.incomplete or budget.spent(self._progress(budget, self.states - self.expanded))
            if self.incomplete:
                return

    def _improve(self) -> None:
        """Compile the system again, with LLVM's optimiser."""
        if self._eight is not None:
            self._expand_eights(optimised=True)
        self._better = True
        self._functions = compiled(self._text, optimised=True)
        self._enter()

    def _enter(self) -> None:
        """Let the kernels find the functions of the system."""
        for name in self._entries:
            self.structure[name] = self._functions.address(name)

    def _expand_eights(self, *, optimised: bool = False) -> None:
        """Compile the system for eight states at a time."""
        told = self._told_of_eight()
        self._eight = compiled(lambda: emit_eight(self.layout, self.notes, self.predicates), optimised=optimised, source=told)
        for name in ("expand_eight", "truths_eight"):
            self.structure[name] = self._eight.address(name)

    def _told_of_eight(self) -> str:
        """All that the code for eight states at a time depends on: that for one, and who writes it."""
        return f"{_writers()}\n{self._text}"

    def _side_by_side(self, quota: int) -> int:
        """Let all threads search for a while; FULL if one of them needs room."""
        s = self.structure
        for mine in self._beside:
            mine.like(s, *OWN)
            mine["transitions"] = 0
        s.kernels.address("search_beside")  # compiled by one thread, before there are several
        mine, *others = self._beside
        started = [self._pool.submit(other.call, "search_beside", s.pointer, quota) for other in others]
        try:
            reasons = [mine.call("search_beside", s.pointer, quota)]
        finally:
            wait(started)  # whatever happens: they write to memory of ours
        reasons += [task.result() for task in started]
        s["next"] = min(s["next"], s["stop"])
        s["transitions"] += sum(mine["transitions"] for mine in self._beside)
        spare = [range(mine["spare_number"], mine["spare_end"]) for mine in self._beside]
        for hole in sorted((number for numbers in spare for number in numbers), reverse=True):
            s.call("fill", hole)
        for reason, mine in zip(reasons, self._beside, strict=True):
            if reason == FOUND:
                self._note(mine["seen"], mine["seen_from"])
        return FULL if FULL in reasons else PAUSED

    def _note(self, seen: int, start: int) -> None:
        seen &= 2**64 - 1
        for bit in range(64):
            if seen >> bit & 1:
                self.seen[1 << bit] = min(start, self.seen.get(1 << bit, start))
        self._leave_out(seen)

    def _leave_out(self, seen: int) -> None:
        """Look no longer for what was seen."""
        s = self.structure
        s["wanted"] &= ~seen & 2**62 - 1
        s["wanted_on_arrival"] &= ~seen & 2**62 - 1
        s["watched"] = s["watched"] & 2**64 - 1 & ~seen

    def _grow(self, budget: Budget) -> str:
        """Make room for more states; why not, if that is not allowed."""
        s = self.structure
        if s["room"] >= LARGEST:
            return f"{LARGEST:,} states are all that the passes can number"
        needed = 8 * s["slots"] * 2 + 8 * self.layout.words * s["room"]
        refused = budget.refuses(needed)
        if refused:
            return refused
        self._double()
        return ""

    def _double(self) -> None:
        """Twice the slots; four times, where that is little: each growth enters every state again."""
        s = self.structure
        before = s["slots"]
        slots = before * (4 if before < SMALL_TABLE else 2)
        s.grow("words", self._size_of_words(slots))
        s.grow("table", _size_of_table(slots))
        self._use(slots)
        if self._keys and s.call("spread_keys", before):
            return
        s.memory("table").fill(_size_of_table(slots if self._keys else before), 0)  # what is new is empty
        s.call("rebuild_keys" if self._keys else "rebuild")

    def _use(self, slots: int) -> None:
        """Have the kernels use so many slots of the table."""
        s = self.structure
        s["slots"], s["shift"], s["room"] = slots, 64 - (slots // BUCKET).bit_length() + 1, _room(slots)

    def _size_of_words(self, slots: int) -> int:
        """Bytes for all states that so many slots have room for, and for one that turns out to be known."""
        return 8 * self.layout.words * (_room(slots) + 1)

    def number(self) -> None:
        """Let the table tell the number of a state, which the passes want. MemoryError if there is no room for that."""
        if self._keys:
            self.structure.allocate("table", _size_of_table(self.structure["slots"]))
            self.structure.call("rebuild")
            self._keys = False

    def _progress(self, budget: Budget, queue: int) -> Progress:
        return Progress(self.system.name, self.states, self.transitions, queue, self.depth, budget.seconds())

    def check(self, budget: Budget, queue: int, more: int = 0) -> None:
        """Tell how far an analysis is; SpentError if it must stop, or must not take ``more`` bytes."""
        reason = budget.spent(self._progress(budget, queue), searching=False) or (budget.refuses(more) if more else "")
        if reason:
            raise SpentError(reason)

    # ---- states by number

    def words(self, number: int) -> tuple[int, ...]:
        """The words of a state."""
        return self.structure.memory("words").words(number * self.layout.words, self.layout.words)

    def state(self, number: int) -> State:
        """A state, as the interpreter has it."""
        return self.layout.unpack(self.words(number))

    def packed(self, state: State) -> tuple[int, ...]:
        """The words that a state is kept by: its own, or those of the representative of its orbit."""
        return self.orbits.least(self.layout.pack(state))

    def find(self, state: State) -> int:
        """The number of a state; negative, if it was not found."""
        self.number()
        row = (ctypes.c_uint64 * self.layout.words)(*self.packed(state))
        return self.structure.call("locate", ctypes.addressof(row))

    def level_of(self, number: int) -> int:
        """The level of a state: its distance from the beginning, in steps."""
        return bisect_right(self.levels, number) - 1

    def choice(self, before: int, after: int, fits: Callable[[Outcome], bool] = lambda _: True) -> Choice:
        """The first choice by which a state leads to another; Jumped, where ticks may be in between."""
        if self.jumps:
            raise Jumped
        wanted = self.words(after)
        for outcome in self.interpreter.outcomes(self.state(before)):
            if outcome.state is not None and self.packed(outcome.state) == wanted and fits(outcome):
                return outcome.choice
        message = f"the interpreter knows no such transition of '{self.system.name}'"
        raise RuntimeError(message)

    def real(self, trace: Trace) -> Trace:
        """A trace of the system for a trace along states that are kept. NoSuchStep if there is none."""
        return self.orbits.real(trace, self.interpreter, self.predicates)

    def path(self, number: int) -> list[Choice]:
        """The choices of a shortest way to a state: level by level backwards, to the first state that leads there."""
        way: list[Choice] = []
        for level in range(self.level_of(number) - 1, -1, -1):
            before = self.structure.call("parent", self.levels[level], self.levels[level + 1], number)
            way.append(self.choice(before, number))
            number = before
        way.append(self.roots[number])
        return way[::-1]
