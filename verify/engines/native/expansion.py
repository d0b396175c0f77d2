"""The functions that a system becomes: all its transitions from a state, its atomic reactions, and where predicates hold.

``i64 expand(ptr words, ptr out)`` writes one row for each transition, in the order of the interpreter, and returns where it
stopped: the words of the state it leads to, then a note. A transition that an error ends has the note FAILED.
``i64 react(ptr words, i64 unit, ptr out)`` does so for the first enabled reaction of a unit; no row: it has none.
``i64 truths(ptr words, i64 note)`` has bit i set where ``predicates[i]`` holds, with the events of the note.

``i64 expand_eight(ptr words, i64 count, ptr out)`` and ``i64 truths_eight(ptr words, i64 count)`` do so for up to eight states at
a time, see :mod:`rows`: the rows of all of them, in no order, and what holds in some of them, with no event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from verify.engines.native.layout import Layout
from verify.engines.native.rows import DECLARATIONS, Eight, Rows
from verify.engines.native.symbolic import Symbolic, Translator, known
from verify.engines.native.values import FALSE, TRUE, Unsupported, Value, number, word_constant
from verify.system.expression import Expression
from verify.system.statement import Block, Choose, Either, If, Statement
from verify.system.system import Order, Step, StepKind, System, Taking

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK = 1  # the note of a transition: time passed
REACTION = 2  # ... a reaction ran that is no part of another step
FAILED = 4  # ... an error ended the run
PASSING = 8  # ... by a step that is on no cycle
_FIRST = 4  # bits of notes before the fairness groups; the events come behind these
MOST_PATHS = 20_000  # ways through all steps together


@dataclass(frozen=True, slots=True)
class Notes:
    """The bits of a note behind the first ones: one for each fairness group, then one for each event that is asked for.

    ``passing``: the steps whose rows say that they are on no cycle.
    """

    groups: int
    events: tuple[int, ...]
    passing: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if _FIRST + self.groups + len(self.events) > 62:
            raise Unsupported(f"{self.groups} fairness groups and {len(self.events)} events do not fit into a note")

    def group(self, index: int) -> int:
        """The bit that says that a step of a group was taken."""
        return 1 << _FIRST + index

    def event(self, event: int) -> int:
        """The position of the bit that says that an event occurred."""
        return _FIRST + self.groups + self.events.index(event)


@dataclass(slots=True)
class Emitted:
    """The text of the functions. ``rows``: the most that ``expand`` or ``react`` writes."""

    text: str
    rows: int


def emit(layout: Layout, notes: Notes, predicates: Sequence[Expression]) -> Emitted:
    """Translate a closed system; Unsupported if it holds what is left to other engines."""
    system = layout.system
    steps = _Paths(layout, notes, Rows(layout.words))
    steps.expand()
    text = [steps.function("expand", "ptr noalias %words, ptr noalias %out")]
    rows = steps.rows
    if system.atomic:
        reactions = _Paths(layout, notes, Rows(layout.words))
        reactions.react()
        text.append(reactions.function("react", "ptr noalias %words, i64 %unit, ptr noalias %out"))
        rows = max(rows, reactions.rows)
    code = Rows(layout.words)
    occurred = {e: code.as_bit(code.extract(code.parameter("%note"), notes.event(e), 1)) for e in notes.events}
    _truths(code, layout, predicates, occurred)
    text.append(_function("truths", "ptr noalias %words, i64 %note", code))
    return Emitted("\n".join(text), rows)


def emit_eight(layout: Layout, notes: Notes, predicates: Sequence[Expression]) -> str:
    """The text of the functions for eight states at a time, of a system that :func:`emit` translates."""
    steps = _Paths(layout, notes, Eight(layout.words))
    steps.expand()
    text = [DECLARATIONS, steps.function("expand_eight", "ptr noalias %words, i64 %count, ptr noalias %out")]
    code = Eight(layout.words)
    _truths(code, layout, predicates, {})
    text.append(_function("truths_eight", "ptr noalias %words, i64 %count", code))
    return "\n".join(text)


def _truths(code: Rows, layout: Layout, predicates: Sequence[Expression], occurred: dict[int, Value]) -> None:
    translator = Translator(code, layout, code.words())
    state = translator.fresh()
    state.events.update(occurred)
    out = number(0)
    for i, predicate in enumerate(predicates):
        out = code.joined(out, code.place(translator.truth(predicate, state), i))
    code.give(out)


def _function(name: str, parameters: str, code: Rows) -> str:
    return "\n".join((f"define i64 @{name}({parameters}) {{", "start:", *code.lines, "}"))


Continuation = Callable[[Symbolic], None]


class _Paths:
    """Follows every path through the steps, and writes a row at the end of each."""

    def __init__(self, layout: Layout, notes: Notes, code: Rows) -> None:
        self.layout = layout
        self.system: System = layout.system
        self.notes = notes
        self.code = code
        self.to = Translator(code, layout, code.words(), frozenset(notes.events))
        self.rows = 0
        self.groups = [PASSING if n in notes.passing else 0 for n in range(len(self.system.steps))]
        for index, fairness in enumerate(self.system.fairness):
            for step in fairness.steps:
                self.groups[step] |= notes.group(index)

    def function(self, name: str, parameters: str) -> str:
        """The whole function."""
        self.code.end()
        return _function(name, parameters, self.code)

    # ---- expand

    def expand(self) -> None:
        """Every step, then the tick."""
        code = self.code
        urgent = FALSE
        for index, step in enumerate(self.system.steps):
            reacts = step.kind is StepKind.REACTION
            if reacts and self.system.atomic:
                continue
            note = self.groups[index] | (REACTION if reacts else 0)
            for enabled, due, state in self._attempts(step):
                urgent = code.either(urgent, code.both(enabled, due))
                self.code.when(enabled, partial(self._follow, step.body, state, note))
        self.code.when(code.negation(urgent), lambda: self._leaf(self._later(), TICK))

    def _attempts(self, step: Step) -> Iterator[tuple[Value, Value, Symbolic]]:
        """Each way to begin a step: whether it is enabled, whether it is urgent then, and the state to begin with."""
        code, to = self.code, self.to
        urgent = to.truth(step.urgent, to.fresh())
        if step.take is None:
            yield to.truth(step.guard, to.fresh()), urgent, to.fresh()
            return
        lane, taking = step.take.lane, step.take.taking
        described = self.system.lanes[lane]
        fifo = described.order is Order.FIFO
        held = to.lane(to.fresh(), lane)
        for position, slot in enumerate(held[:1] if fifo and taking is Taking.DELIVER else held):
            there = to.occupied(slot)
            due = urgent
            if taking is Taking.DELIVER:
                there = code.both(there, code.less(number(described.minimum), to.age(lane, slot)))
                due = code.either(urgent, to.due(lane, slot))
            if not fifo and position:  # of equal copies in a bag, the first
                there = code.both(there, code.negation(code.equal(slot, held[position - 1])))
            for kind in self.layout.slots[lane].kinds:
                state = to.fresh()
                state.position = position
                state.locals = to.message(lane, slot, kind, sure=False)
                enabled = code.both(there, to.is_kind(lane, slot, kind))
                enabled = code.both(enabled, to.truth(step.guard, state))  # which sees the message in its lane
                state.locals = to.message(lane, slot, kind, sure=True)
                if taking is not Taking.COPY:
                    state.lanes[lane] = [*held[:position], *held[position + 1 :], number(0)]
                yield enabled, due, state

    def _later(self) -> Symbolic:
        """The state a tick later."""
        code, to = self.code, self.to
        state = to.fresh()
        for index, timer in enumerate(self.system.timers):
            bits = to.timer(state, index)
            less = code.subtract(bits, code.as_number(code.less(number(1), bits)))
            state.timers[index] = known(less, 0, max(1, timer.maximum))
        for index in range(len(self.system.lanes)):
            state.lanes[index] = to.aged(index, to.lane(state, index))
        return state

    # ---- react

    def react(self) -> None:
        """The first enabled reaction of a unit."""
        for unit in range(len(self.system.units)):
            mine = self.code.equal(self.code.parameter("%unit"), number(unit))
            reactions = [s for s in self.system.steps if s.kind is StepKind.REACTION and s.unit == unit]
            if any(chooses(statement) for s in reactions for statement in s.body):
                raise Unsupported("choices within atomic reactions")
            self.code.when(mine, partial(self._first, reactions))

    def _first(self, reactions: list[Step]) -> None:
        if not reactions:
            return
        state = self.to.fresh()
        enabled = self.to.truth(reactions[0].guard, state)
        self.code.when(enabled, lambda: self._follow(reactions[0].body, state, 0))
        self.code.when(self.code.negation(enabled), lambda: self._first(reactions[1:]))

    # ---- paths

    def _follow(self, block: Block, state: Symbolic, note: int) -> None:
        self._rest(list(block), state, lambda end: self._leaf(end, note))

    def _rest(self, statements: list[Statement], state: Symbolic, end: Continuation) -> None:
        """Run statements up to the first choice; from there, a path for each way to make it."""
        for at, statement in enumerate(statements):
            if chooses(statement):
                self._failing(state, end)
                goes_on = self.code.negation(state.failed)
                self.code.when(goes_on, partial(self._split, statement, statements[at + 1 :], state, end))
                return
            self.to.run(statement, state)
        end(state)

    def _split(self, statement: Statement, rest: list[Statement], state: Symbolic, end: Continuation) -> None:
        state.failed = FALSE
        match statement:
            case If(condition, yes, no):
                truth = self.to.truth(condition, state)
                for holds, block in ((truth, yes), (self.code.negation(truth), no)):
                    self.code.when(holds, partial(self._rest, [*block, *rest], state.copy(), end))
            case Either(branches):
                for block in branches:
                    self.code.when(TRUE, partial(self._rest, [*block, *rest], state.copy(), end))
            case Choose():
                self._choose(statement, rest, state, end)
            case _:
                message = f"no choice: {statement}"
                raise TypeError(message)

    def _choose(self, statement: Choose, rest: list[Statement], state: Symbolic, end: Continuation) -> None:
        if statement.high - statement.low > MOST_PATHS:
            raise Unsupported(f"a choice among {statement.high - statement.low + 1:,} values")
        ways = []
        for value in range(statement.low, statement.high + 1):
            chosen = state.copy()
            chosen.locals[statement.slot] = number(value)
            ways.append((self.to.truth(statement.where, chosen), chosen))
        for holds, chosen in ways:
            self.code.when(holds, partial(self._rest, rest, chosen, end))
        state.failed = self.code.negation(reduce(self.code.either, (holds for holds, _ in ways), FALSE))
        self._failing(state, end)

    def _failing(self, state: Symbolic, end: Continuation) -> None:
        """The row of a run that an error has ended: it makes no more choices."""
        ended = self.to.fresh()
        ended.failed, ended.events = TRUE, dict(state.events)
        self.code.when(state.failed, lambda: end(ended))

    def _leaf(self, state: Symbolic, note: int) -> None:
        """Write the row of one transition."""
        code = self.code
        self.rows += 1
        if self.rows > MOST_PATHS:
            raise Unsupported(f"more than {MOST_PATHS:,} ways through its steps")
        told = word_constant(note)
        for event, occurred in sorted(state.events.items()):
            told = code.joined(told, code.place(occurred, self.notes.event(event)))
        if state.failed.constant != 0:
            told = code.joined(told, code.place(state.failed, FAILED.bit_length() - 1))
        code.write([*self.to.packed(state), told])


def chooses(statement: Statement) -> bool:
    """Whether a statement makes choices."""
    match statement:
        case Choose() | Either():
            return True
        case If(_, then, otherwise):
            return any(chooses(s) for s in (*then, *otherwise))
        case _:
            return False
