"""A state under construction, as values; and what expressions and statements mean on it.

The twin of :mod:`verify.semantics.effects` and :mod:`verify.semantics.expressions`: where those compute, this
emits what computes.
Both branches of a conditional are computed and one is selected, which is no other meaning: every operator is total.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import assert_never

from verify.engines.native.layout import Layout, Place
from verify.engines.native.values import FALSE, LARGEST, TRUE, Code, Value, number
from verify.system.expression import (
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Occurred,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
)
from verify.system.statement import (
    Assign,
    Bind,
    Block,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Statement,
    Stop,
)
from verify.system.system import Order, System, WhenFull


@dataclass(slots=True)
class Symbolic:
    """What a step has made of a state so far. ``failed``: whether an error ended it; ``position``: of the message taken.

    Variables hold their value, timers and slots their bits, as :mod:`layout` says; None where nothing was changed.
    """

    variables: list[Value | None]
    timers: list[Value | None]
    lanes: list[list[Value] | None]
    locals: dict[int, Value] = field(default_factory=dict)
    events: dict[int, Value] = field(default_factory=dict)
    failed: Value = FALSE
    position: int = -1

    def copy(self) -> Symbolic:
        """An independent copy."""
        return replace(
            self,
            variables=list(self.variables),
            timers=list(self.timers),
            lanes=list(self.lanes),
            locals=dict(self.locals),
            events=dict(self.events),
        )


class Translator:
    """Emits the meaning of expressions and statements over the words of one state."""

    def __init__(self, code: Code, layout: Layout, words: tuple[Value, ...], events: frozenset[int] = frozenset()) -> None:
        """``events``: those that somebody asks for; the others are not followed."""
        self.code = code
        self.layout = layout
        self.system: System = layout.system
        self.words = words
        self.events = events

    def fresh(self) -> Symbolic:
        """The state as it is in the words."""
        system = self.system
        return Symbolic([None] * len(system.variables), [None] * len(system.timers), [None] * len(system.lanes))

    # ---- reading

    def field(self, place: Place) -> Value:
        """The bits at a place."""
        return self.code.extract(self.words[place.word], place.shift, place.width)

    def variable(self, s: Symbolic, index: int) -> Value:
        """The value of a variable."""
        now = s.variables[index]
        if now is None:
            domain = self.system.variables[index].domain
            bits = self.field(self.layout.variables[index])
            now = self.code.add(known(bits, 0, domain.high - domain.low), number(domain.low))
        return now

    def timer(self, s: Symbolic, index: int) -> Value:
        """The bits of a timer."""
        now = s.timers[index]
        if now is None:
            now = known(self.field(self.layout.timers[index]), 0, self.system.timers[index].maximum + 1)
        return now

    def lane(self, s: Symbolic, index: int) -> list[Value]:
        """The slots of a lane."""
        now = s.lanes[index]
        return now if now is not None else [self.field(place) for place in self.layout.lanes[index]]

    def age(self, lane: int, slot: Value) -> Value:
        """The age of a message, plus one; 0 if there is none."""
        part = self.layout.slots[lane].age
        return known(self.code.extract(slot, part.shift, part.width), 0, self.system.lanes[lane].maximum + 1)

    def occupied(self, slot: Value) -> Value:
        """Whether a slot holds a message."""
        return self.code.negation(self.code.equal(slot, number(0)))

    def due(self, lane: int, slot: Value) -> Value:
        """Whether a message is at its maximum delay."""
        return self.code.equal(self.age(lane, slot), number(self.system.lanes[lane].maximum + 1))

    def is_kind(self, lane: int, slot: Value, kind: int) -> Value:
        """Whether an occupied slot holds a message of a kind."""
        layout = self.layout.slots[lane]
        stored = layout.kind.high - layout.kinds.index(kind)
        return self.code.equal(self.code.extract(slot, layout.kind.shift, layout.kind.width), number(stored))

    def message(self, lane: int, slot: Value, kind: int, *, sure: bool) -> dict[int, Value]:
        """The locals that taking a message of a kind binds. ``sure``: the slot is known to hold that kind.

        Kinds share the bits of a slot: what is not sure has the interval of its bits, not of the field.
        """
        found = {0: number(kind)}
        fields = self.system.messages[kind].fields
        for i, (part, f) in enumerate(zip(self.layout.slots[lane].fields[kind], fields, strict=True), 1):
            value = self.code.subtract(number(part.high), self.code.extract(slot, part.shift, part.width))
            found[i] = known(value, f.domain.low, f.domain.high) if sure else value
        return found

    # ---- expressions

    def value(self, expression: Expression, s: Symbolic) -> Value:
        """What an expression is in a state: bottom up, each shared part once."""
        done: dict[int, Value] = {}
        waiting = [expression]
        while waiting:
            e = waiting[-1]
            arguments = e.arguments if isinstance(e, Apply) else ()
            missing = [a for a in arguments if id(a) not in done]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if id(e) not in done:
                inner = [done[id(a)] for a in arguments]
                done[id(e)] = self._applied(e.operator, inner) if isinstance(e, Apply) else self._leaf(e, s)
        return done[id(expression)]

    def truth(self, expression: Expression, s: Symbolic) -> Value:
        """A predicate, as a bit."""
        return self.code.as_bit(self.value(expression, s))

    def _leaf(self, e: Expression, s: Symbolic) -> Value:
        match e:
            case Constant(value):
                return number(value)
            case Read(variable):
                return self.variable(s, variable)
            case Local(slot):
                return s.locals.get(slot, number(0))
            case TimerIs(timer, status):
                return self._status(self.timer(s, timer), status)
            case Count(lane):
                return reduce(self.code.add, [self.occupied(x) for x in self.lane(s, lane)], number(0))
            case Due(lane):
                held = self.lane(s, lane)
                heads = held[:1] if self.system.lanes[lane].order is Order.FIFO else held
                return reduce(self.code.either, [self.due(lane, x) for x in heads], FALSE)
            case Occurred(event):
                return s.events.get(event, FALSE)
            case Rigid() | Apply():
                message = f"not a leaf of a closed system: {e}"
                raise TypeError(message)
            case _:
                assert_never(e)

    def _status(self, timer: Value, status: TimerStatus) -> Value:
        match status:
            case TimerStatus.STOPPED:
                return self.code.equal(timer, number(0))
            case TimerStatus.EXPIRED:
                return self.code.equal(timer, number(1))
            case TimerStatus.RUNNING:
                return self.code.less(number(1), timer)
            case _:
                assert_never(status)

    def _applied(self, operator: Operator, a: list[Value]) -> Value:
        code = self.code
        match operator:
            case Operator.ADD:
                return reduce(code.add, a)
            case Operator.SUBTRACT:
                return code.subtract(a[0], a[1])
            case Operator.MULTIPLY:
                return reduce(code.multiply, a)
            case Operator.DIVIDE:
                return code.divide(a[0], a[1])
            case Operator.MODULO:
                return code.modulo(a[0], a[1])
            case Operator.MINIMUM:
                return reduce(code.least, a)
            case Operator.MAXIMUM:
                return reduce(code.greatest, a)
            case Operator.EQUAL:
                return code.equal(a[0], a[1])
            case Operator.LESS:
                return code.less(a[0], a[1])
            case Operator.AT_MOST:
                return code.at_most(a[0], a[1])
            case Operator.AND:
                return reduce(code.both, [code.as_bit(x) for x in a])
            case Operator.OR:
                return reduce(code.either, [code.as_bit(x) for x in a])
            case Operator.NOT:
                return code.negation(code.as_bit(a[0]))
            case Operator.IF:
                return code.select(code.as_bit(a[0]), a[1], a[2])
            case _:
                assert_never(operator)

    # ---- statements without choices

    def run(self, statement: Statement, s: Symbolic) -> None:
        """What a statement makes of a state. Choices are the business of who follows the paths."""
        code = self.code
        match statement:
            case Assign(variable, value):
                domain = self.system.variables[variable].domain
                s.variables[variable] = self._stored(self.value(value, s), domain.low, domain.high, s)
            case Start(timer, ticks):
                stored = self._stored(self.value(ticks, s), 0, self.system.timers[timer].maximum, s)
                s.timers[timer] = code.add(stored, number(1))
            case Stop(timer):
                s.timers[timer] = number(0)
            case Send():
                self._send(statement, s)
            case Duplicate(lane):
                s.lanes[lane] = self._duplicated(lane, s)
            case Clear(lane):
                s.lanes[lane] = [number(0)] * len(self.layout.lanes[lane])
            case Bind(slot, value):
                s.locals[slot] = code.as_number(self.value(value, s))
            case If(condition, then, otherwise):
                self._if(self.truth(condition, s), then, otherwise, s)
            case Occur(event):
                if event in self.events:
                    s.events[event] = TRUE
            case Mark():
                pass
            case Choose() | Either():
                message = "a choice is a path of its own"
                raise TypeError(message)
            case _:
                assert_never(statement)

    def _stored(self, value: Value, low: int, high: int, s: Symbolic) -> Value:
        """A value that has to lie in a range, or the step fails."""
        code = self.code
        value = code.as_number(value)
        outside = code.either(code.less(value, number(low)), code.less(number(high), value))
        s.failed = code.either(s.failed, outside)
        if outside.constant:
            return number(low)
        if value.low >= low and value.high <= high:
            return value
        # a failed step stores nothing, but what it computes next must stay within its interval: a division relies on it
        least = max(low, value.low)
        held = code.select(outside, number(least), value)
        return known(held, least, min(high, value.high)) if held.constant is None else held

    def _if(self, condition: Value, then: Block, otherwise: Block, s: Symbolic) -> None:
        if condition.constant is not None:
            for statement in then if condition.constant else otherwise:
                self.run(statement, s)
            return
        one, other = s.copy(), s.copy()
        for branch, block in ((one, then), (other, otherwise)):
            branch.failed = FALSE
            for statement in block:
                self.run(statement, branch)
        self._merge(condition, one, other, s)

    def _merge(self, condition: Value, one: Symbolic, other: Symbolic, s: Symbolic) -> None:
        """Make of ``s`` what one branch or the other made of it."""
        code = self.code
        for i, (a, b) in enumerate(zip(one.variables, other.variables, strict=True)):
            s.variables[i] = a if a is b else code.select(condition, self.variable(one, i), self.variable(other, i))
        for i, (a, b) in enumerate(zip(one.timers, other.timers, strict=True)):
            s.timers[i] = a if a is b else code.select(condition, self.timer(one, i), self.timer(other, i))
        for i, (held, also) in enumerate(zip(one.lanes, other.lanes, strict=True)):
            if held is also:
                s.lanes[i] = held
            else:
                pairs = zip(self.lane(one, i), self.lane(other, i), strict=True)
                s.lanes[i] = [code.select(condition, a, b) for a, b in pairs]
        for slot in one.locals.keys() | other.locals.keys():
            zero = number(0)
            s.locals[slot] = code.select(condition, one.locals.get(slot, zero), other.locals.get(slot, zero))
        for event in one.events.keys() | other.events.keys():
            s.events[event] = code.select(condition, one.events.get(event, FALSE), other.events.get(event, FALSE))
        s.failed = code.either(s.failed, code.select(condition, one.failed, other.failed))

    # ---- lanes

    def _send(self, statement: Send, s: Symbolic) -> None:
        code = self.code
        lane = self.system.lanes[statement.lane]
        layout = self.layout.slots[statement.lane]
        opened = self.truth(lane.open, s)
        if opened.constant == 0:
            return
        inner = s.copy()
        inner.failed = FALSE
        slot = code.place(number(1), layout.age.shift)
        kind = layout.kind.high - layout.kinds.index(statement.message)
        slot = code.joined(slot, code.place(number(kind), layout.kind.shift))
        parts = zip(
            statement.fields,
            self.system.messages[statement.message].fields,
            layout.fields[statement.message],
            strict=True,
        )
        for expression, f, part in parts:
            value = self._stored(self.value(expression, s), f.domain.low, f.domain.high, inner)
            slot = code.joined(slot, code.place(code.subtract(number(part.high), value), part.shift))
        held = self.lane(s, statement.lane)
        after, full = self._entered(statement.lane, held, known(slot, 1, LARGEST), None)
        inner.failed = code.either(inner.failed, full)
        s.lanes[statement.lane] = [code.select(opened, a, b) for a, b in zip(after, held, strict=True)]
        s.failed = code.either(s.failed, code.both(opened, inner.failed))

    def _duplicated(self, lane: int, s: Symbolic) -> list[Value]:
        held = self.lane(s, lane)
        after, full = self._entered(lane, held, held[s.position], s.position + 1)
        s.failed = self.code.either(s.failed, full)
        return after

    def _entered(self, number_: int, held: list[Value], message: Value, at: int | None) -> tuple[list[Value], Value]:
        """The lane with one more message, at a place or at its end, and whether that is an error."""
        code = self.code
        lane = self.system.lanes[number_]
        full = self.occupied(held[-1])
        room = self._inserted(number_, held, message, at)
        match lane.when_full:
            case WhenFull.DROP_NEWEST:
                return [code.select(full, a, b) for a, b in zip(held, room, strict=True)], FALSE
            case WhenFull.DROP_OLDEST:
                rest = [*held[1:], number(0)]
                least = self._inserted(number_, rest, message, None if at is None else max(0, at - 1))
                return [code.select(full, a, b) for a, b in zip(least, room, strict=True)], FALSE
            case WhenFull.ERROR | WhenFull.WAIT:
                return room, full
            case _:
                assert_never(lane.when_full)

    def _inserted(self, lane: int, held: list[Value], message: Value, at: int | None) -> list[Value]:
        """A lane that is not full with a message put in; at the end if ``at`` is None; a bag keeps its order."""
        code = self.code
        if self.system.lanes[lane].order is Order.UNORDERED:
            out: list[Value] = []
            carried = message
            for slot in held:  # an insertion into a descending row
                goes_before = self._below(slot, carried)
                out.append(code.select(goes_before, carried, slot))
                carried = code.select(goes_before, slot, carried)
            return out
        if at is not None:
            return [*held[:at], message, *held[at:-1]] if at < len(held) else list(held)
        out = []
        before = TRUE
        for slot in held:
            taken = self.occupied(slot)
            out.append(code.select(code.both(before, code.negation(taken)), message, slot))
            before = taken
        return out

    def _below(self, a: Value, b: Value) -> Value:
        """A < b, as the bits of slots, which are at most 62."""
        return self.code.less(a, b)

    def aged(self, lane: int, held: list[Value]) -> list[Value]:
        """The slots of a lane a tick later: each message older by one, up to the maximum."""
        code = self.code
        part = self.layout.slots[lane].age
        most = self.system.lanes[lane].maximum + 1
        older = []
        for slot in held:
            age = self.age(lane, slot)
            grows = code.both(self.occupied(slot), code.less(age, number(most)))
            more = code.place(code.as_number(grows), part.shift)
            older.append(code.word_sum(slot, more))
        if self.system.lanes[lane].order is Order.UNORDERED:
            older = self._sorted(older)
        return older

    def _sorted(self, row: list[Value]) -> list[Value]:
        """In descending order, by exchanges of neighbours."""
        code = self.code
        row = list(row)
        for end in range(len(row) - 1, 0, -1):
            for i in range(end):
                wrong = self._below(row[i], row[i + 1])
                row[i], row[i + 1] = code.select(wrong, row[i + 1], row[i]), code.select(wrong, row[i], row[i + 1])
        return row

    # ---- writing

    def packed(self, s: Symbolic) -> list[Value]:
        """The words of a state."""
        words = list(self.words)
        changed: list[list[tuple[Place, Value]]] = [[] for _ in words]
        for place, now, variable in zip(self.layout.variables, s.variables, self.system.variables, strict=True):
            if now is not None:
                changed[place.word].append((place, self.code.subtract(now, number(variable.domain.low))))
        for place, now in zip(self.layout.timers, s.timers, strict=True):
            if now is not None:
                changed[place.word].append((place, now))
        for places, slots in zip(self.layout.lanes, s.lanes, strict=True):
            if slots is not None:
                for place, now in zip(places, slots, strict=True):
                    changed[place.word].append((place, now))
        return [self._rewritten(word, fields) for word, fields in zip(words, changed, strict=True)]

    def _rewritten(self, word: Value, fields: list[tuple[Place, Value]]) -> Value:
        code = self.code
        real = [
            (place, now)
            for place, now in fields
            if place.width and now.text != code.extract(word, place.shift, place.width).text
        ]
        if not real:
            return word
        rest = code.without(word, reduce(lambda mask, f: mask | f[0].mask, real, 0))
        return reduce(code.joined, [code.place(now, place.shift) for place, now in real], rest)


def known(value: Value, low: int, high: int) -> Value:
    """The same value, known to lie in an interval."""
    return Value(value.text, max(low, value.low), min(high, value.high), value.bit)
