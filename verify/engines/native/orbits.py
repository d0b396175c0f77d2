"""One state for each orbit of a group of symmetries: that with the least words, in machine code and for traces.

A trace of the representatives is none of the system: between two steps, its states change names. :class:`Orbits` makes one of it.
It goes along with the interpreter, from the real initial state, and takes at each step one that leads into the same orbit and of
which the properties can tell no difference; since symmetries take transitions to transitions, there always is one. A loop is gone
round until it closes.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.record import record
from verify.engines.native.expansion import Notes
from verify.engines.native.layout import Layout, Part, Place, Slot
from verify.engines.native.values import Code
from verify.passes.symmetry import Symmetry
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

    def __init__(self, layout: Layout, notes: Notes, symmetries: Sequence[Symmetry]) -> None:
        self.layout = layout
        self.images = [_Image(layout, how) for how in symmetries]
        self._bits = [{notes.event(e): notes.event(how.events[e]) for e in notes.events} for how in symmetries]

    def __bool__(self) -> bool:
        return bool(self.images)

    def least(self, words: Words) -> Words:
        """The words of the representative of a state."""
        return min((words, *(image.of(words) for image in self.images)))

    def emitted(self) -> str:
        """``i64 canonical(ptr row)``: put the representative in a row, and its events into the row's note."""
        code = Code()
        width = self.layout.words
        row = [code.loaded("%row", i).text for i in range(width + 1)]
        best = row
        for image, bits in zip(self.images, self._bits, strict=True):
            words = [*image.emitted(code, row[:width]), _renamed(code, row[width], bits)]
            less = _less(code, words[:width], best[:width])
            best = [_selected(code, less, a, b) for a, b in zip(words, best, strict=True)]
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


@record
class _Exchange:
    """A field whose values change names on the way: ``table[value]`` as both are packed.

    ``there``: the bits of the source's word of which one is set if the field is there at all.
    """

    source: Place
    target: Place
    table: tuple[int, ...]
    there: int | None

    @property
    def packed(self) -> int:
        """The table as one word."""
        return sum(value << i * self.target.width for i, value in enumerate(self.table))


class _Image:
    """What a symmetry makes of packed states: bits that move, and fields that are looked up."""

    def __init__(self, layout: Layout, how: Symmetry) -> None:
        self.moves: Moves = {}
        self.exchanges: list[_Exchange] = []
        system = layout.system
        for at, to in enumerate(how.variables):
            low, high = (system.variables[i].domain.low for i in (at, to))
            values = {v - low: w - high for v, w in how.values.get(("variable", at), {}).items()}
            self._field(layout.variables[at], layout.variables[to], values)
        for at, to in enumerate(how.timers):
            self._field(layout.timers[at], layout.timers[to], {})
        for at, to in enumerate(how.lanes):
            one, other = layout.slots[at], layout.slots[to]
            names = {i: how.values[cell] for i in _indices(one) if (cell := ("field", at, i)) in how.values}
            for source, target in zip(layout.lanes[at], layout.lanes[to], strict=True):
                self._slot(source, one, target, other, names)

    def _field(self, source: Place, target: Place, values: dict[int, int], there: int | None = None) -> None:
        """A field; ``values``: those that change, as they are packed."""
        if source.width == target.width and all(v == w for v, w in values.items()):
            key = (source.word, target.word, target.shift - source.shift)
            self.moves[key] = self.moves.get(key, 0) | source.mask
        elif not values:
            message = "a symmetry between fields of different widths"
            raise ValueError(message)
        elif target.width:
            table = tuple(values.get(v, 0) for v in range(1 << source.width))
            self.exchanges.append(_Exchange(source, target, table, there))

    def _slot(self, source: Place, one: Slot, target: Place, other: Slot, names: dict[int, dict[int, int]]) -> None:
        """A slot of a lane: whole, if no name changes; else field by field, of the one kind that there is."""
        if not names:
            self._field(source, target, {})
            return
        pairs: list[tuple[Part, Part, dict[int, int]]] = [(one.age, other.age, {})]
        for index, (part, image) in enumerate(zip(*(s.fields[s.kinds[0]] for s in (one, other)), strict=True)):
            changed = names.get(index, {})
            pairs.append((part, image, {part.high - v: image.high - w for v, w in changed.items()}))
        for part, image, values in pairs:
            self._field(_within(source, part), _within(target, image), values, source.mask)

    def of(self, words: Words) -> Words:
        """The words of a state's image."""
        made = [0] * len(words)
        for (source, target, up), mask in self.moves.items():
            bits = words[source] & mask
            made[target] |= bits << up if up >= 0 else bits >> -up
        for x in self.exchanges:
            word = words[x.source.word]
            if x.there is None or word & x.there:
                made[x.target.word] |= x.table[word >> x.source.shift & (1 << x.source.width) - 1] << x.target.shift
        return tuple(made)

    def emitted(self, code: Code, row: Sequence[str]) -> list[str]:
        """The same in machine code."""
        made = ["0"] * len(row)
        for (source, target, up), mask in sorted(self.moves.items()):
            if mask:
                bits = _made(code, f"and i64 {row[source]}, {_signed(mask)}")
                made[target] = _joined(code, made[target], _shifted(code, bits, up))
        for x in self.exchanges:
            word = row[x.source.word]
            value = _made(code, f"and i64 {_shifted(code, word, -x.source.shift)}, {(1 << x.source.width) - 1}")
            far = _made(code, f"mul i64 {value}, {x.target.width}")
            found = _made(code, f"lshr i64 {_signed(x.packed)}, {far}")
            bits = _made(code, f"and i64 {found}, {(1 << x.target.width) - 1}")
            if x.there is not None:
                there = _made(code, f"and i64 {word}, {_signed(x.there)}")
                empty = _made(code, f"icmp eq i64 {there}, 0")
                bits = _made(code, f"select i1 {empty}, i64 0, i64 {bits}")
            made[x.target.word] = _joined(code, made[x.target.word], _shifted(code, bits, x.target.shift))
        return made


def _indices(slot: Slot) -> range:
    return range(len(slot.fields[slot.kinds[0]]) if slot.kinds else 0)


def _within(slot: Place, part: Part) -> Place:
    return Place(slot.word, slot.shift + part.shift, part.width)


def _renamed(code: Code, note: str, bits: dict[int, int]) -> str:
    """A note with its events moved."""
    if all(at == to for at, to in bits.items()):
        return note
    made = _made(code, f"and i64 {note}, {~sum(1 << at for at in bits)}")
    for at, to in bits.items():
        one = _made(code, f"and i64 {note}, {1 << at}")
        made = _joined(code, made, _shifted(code, one, to - at))
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


def _shifted(code: Code, bits: str, up: int) -> str:
    return bits if up == 0 else _made(code, f"{'shl' if up > 0 else 'lshr'} i64 {bits}, {abs(up)}")


def _joined(code: Code, a: str, b: str) -> str:
    return b if a == "0" else _made(code, f"or i64 {a}, {b}")


def _signed(mask: int) -> int:
    return mask if mask < 2**63 else mask - 2**64


def _made(code: Code, text: str) -> str:
    name = code.name("o")
    code.emit(f"{name} = {text}")
    return name
