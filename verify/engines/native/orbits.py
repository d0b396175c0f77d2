"""One state for each orbit of a group of symmetries: that with the least words, in machine code and for traces.

A trace of the representatives is none of the system: between two steps, its states change names. :class:`Orbits` turns it into one.
It goes along with the interpreter, from the real initial state, and takes at each step one that leads into the same orbit and of
which the properties can tell no difference; since symmetries take transitions to transitions, there always is one. A loop is gone
round until it closes.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.engines.native.expansion import Notes
from verify.engines.native.layout import Layout, Place
from verify.engines.native.values import Code
from verify.passes.normal import Renaming
from verify.semantics.interpreter import START, TICK, Choice, Interpreter, Outcome, State
from verify.system.expression import Expression
from verify.system.system import StepKind
from verify.trace.trace import Trace

Words = tuple[int, ...]
Moves = dict[tuple[int, int, int], int]  # from a word, to a word, so many bits up: the mask of what goes there


class NoSuchStep(Exception):  # noqa: N818 - an answer: the interpreter has to decide
    """The real run cannot follow that of the representatives: two errors meet in one step, or a bug of ours."""


class Orbits:
    """The orbits of a system's states under a group of symmetries, given without the one that moves nothing."""

    def __init__(self, layout: Layout, notes: Notes, symmetries: Sequence[Renaming]) -> None:
        self.layout = layout
        self.moves = [_moves(layout, how) for how in symmetries]
        self.events = [{e: how.events[e] for e in notes.events} for how in symmetries]
        self._bits = [{notes.event(e): notes.event(to) for e, to in events.items()} for events in self.events]

    def __bool__(self) -> bool:
        return bool(self.moves)

    def least(self, words: Words) -> Words:
        """The words of the representative of a state."""
        return min((words, *(_moved(words, moves) for moves in self.moves)))

    def emitted(self) -> str:
        """``i64 canonical(ptr row)``: put the representative in a row, and its events into the row's note."""
        code = Code()
        width = self.layout.words
        row = [_loaded(code, i) for i in range(width + 1)]
        best = row
        for moves, bits in zip(self.moves, self._bits, strict=True):
            told = {(width, width, to - at): 0 for at, to in bits.items()}
            for at, to in bits.items():
                told[width, width, to - at] |= 1 << at
            told[width, width, 0] = told.get((width, width, 0), 0) | 2**64 - 1 & ~sum(1 << at for at in bits)
            image = _image(code, row, moves | told)
            less = _less(code, image[:width], best[:width])
            best = [_selected(code, less, a, b) for a, b in zip(image, best, strict=True)]
        for i, (before, after) in enumerate(zip(row, best, strict=True)):
            if before != after:
                place = code.name("p")
                code.emit(f"{place} = getelementptr i64, ptr %row, i64 {i}")
                code.emit(f"store i64 {after}, ptr {place}")
        code.emit("ret i64 0")
        return "\n".join(("define i64 @canonical(ptr noalias %row) {", "start:", *code.lines, "}"))

    # ---- traces

    def real(self, trace: Trace, interpreter: Interpreter, predicates: Sequence[Expression]) -> Trace:
        """A trace of the system that visits the orbits of a trace of representatives."""
        if not self:
            return trace
        run = _Run(self, interpreter, predicates)
        choices = trace.choices
        run.begin(choices[0])
        stem = len(choices) if trace.loop is None else trace.loop + 1
        for choice in choices[1:stem]:
            run.step(choice)
        if trace.loop is None:
            return Trace(tuple(run.made))
        seen: dict[State | None, int] = {}
        while run.state not in seen:
            seen[run.state] = len(run.made) - 1
            for choice in choices[stem:]:
                run.step(choice)
        return Trace(tuple(run.made), seen[run.state])


class _Run:
    """A run of representatives, and a real one beside it."""

    def __init__(self, orbits: Orbits, interpreter: Interpreter, predicates: Sequence[Expression]) -> None:
        self.orbits = orbits
        self.interpreter = interpreter
        self._holds = [interpreter.predicate(p) for p in predicates]
        self.made: list[Choice] = []
        self.state: State | None = None
        self.shadow: State | None = None

    def begin(self, choice: Choice) -> None:
        """Start as a run of representatives does: from the state of which the first of those is one."""
        first = next(o for o in self.interpreter.initial() if o.choice == choice)
        self._go(first, first)

    def step(self, choice: Choice) -> None:
        """Go on, as the representative does by a choice."""
        assert self.state is not None  # noqa: S101 - a trace ends with an error
        assert self.shadow is not None  # noqa: S101
        there = self.interpreter.apply(self.shadow, choice)
        wanted = self._told(there)
        for here in self.interpreter.outcomes(self.state):
            if self._told(here) == wanted:
                return self._go(here, there)
        raise NoSuchStep(choice)

    def _go(self, here: Outcome, there: Outcome) -> None:
        layout = self.orbits.layout
        self.made.append(here.choice)
        self.state = here.state
        self.shadow = None
        if there.state is not None:
            self.shadow = layout.unpack(self.orbits.least(layout.pack(there.state)))

    def _told(self, outcome: Outcome) -> tuple[object, ...]:
        """What symmetries keep of a transition."""
        system = self.interpreter.system
        step = outcome.choice.step
        reacts = step >= 0 and system.steps[step].kind is StepKind.REACTION
        groups = tuple(step in fairness.steps for fairness in system.fairness)
        kind = (step == TICK, step == START, reacts, groups)
        if outcome.state is None:
            assert outcome.failed is not None  # noqa: S101 - that is why
            return (*kind, outcome.failed.failure)
        orbit = self.orbits.least(self.orbits.layout.pack(outcome.state))
        return (*kind, orbit, tuple(holds(outcome.state, outcome.events) for holds in self._holds))


# ---- words


def _moves(layout: Layout, how: Renaming) -> Moves:
    """Where bits go."""
    found: Moves = {}

    def move(source: Place, target: Place) -> None:
        if source.width != target.width:
            message = "a symmetry between fields of different widths"
            raise ValueError(message)
        key = (source.word, target.word, target.shift - source.shift)
        found[key] = found.get(key, 0) | source.mask

    for at, to in enumerate(how.variables):
        move(layout.variables[at], layout.variables[to])
    for at, to in enumerate(how.timers):
        move(layout.timers[at], layout.timers[to])
    for at, to in enumerate(how.lanes):
        for source, target in zip(layout.lanes[at], layout.lanes[to], strict=True):
            move(source, target)
    return {key: mask for key, mask in found.items() if mask}


def _moved(words: Words, moves: Moves) -> Words:
    made = [0] * len(words)
    for (source, target, up), mask in moves.items():
        bits = words[source] & mask
        made[target] |= bits << up if up >= 0 else bits >> -up
    return tuple(made)


def _loaded(code: Code, index: int) -> str:
    return code.loaded("%row", index).text


def _image(code: Code, row: Sequence[str], moves: Moves) -> list[str]:
    made = ["0"] * len(row)
    for (source, target, up), mask in sorted(moves.items()):
        bits = _made(code, f"and i64 {row[source]}, {mask if mask < 2**63 else mask - 2**64}") if mask else "0"
        if mask and up:
            bits = _made(code, f"{'shl' if up > 0 else 'lshr'} i64 {bits}, {abs(up)}")
        made[target] = bits if made[target] == "0" else _made(code, f"or i64 {made[target]}, {bits}")
    return made


def _less(code: Code, a: Sequence[str], b: Sequence[str]) -> str:
    """Whether words come before others."""
    less = "false"
    for x, y in zip(reversed(a), reversed(b), strict=True):
        below = _made(code, f"icmp ult i64 {x}, {y}")
        same = _made(code, f"icmp eq i64 {x}, {y}")
        less = _made(code, f"select i1 {same}, i1 {less}, i1 {below}")
    return less


def _selected(code: Code, condition: str, a: str, b: str) -> str:
    return a if a == b else _made(code, f"select i1 {condition}, i64 {a}, i64 {b}")


def _made(code: Code, text: str) -> str:
    name = code.name("o")
    code.emit(f"{name} = {text}")
    return name
