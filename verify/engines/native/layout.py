"""How a state is packed into 64-bit words.

A variable takes the bits of its range. A timer is stored as n + 2 while it runs with n + 1 ticks to go: 0 stopped, 1 expired.
A lane is as many slots as it holds messages, the next to come first; an empty slot is 0. A slot is, from its highest bits
down: age + 1, the kind and the fields counted down from their greatest value; so a bag in descending order is in the order
that the semantics gives it. No field lies across two words. Equal states have equal words, and the other way round.
"""

from __future__ import annotations

from typing import Any

from verify.base.record import record
from verify.engines.native.values import Unsupported
from verify.semantics.effects import sorted_bag
from verify.semantics.interpreter import State
from verify.system.statement import Block, Either, If, Send, Statement
from verify.system.system import Order, System

WORD = 64
WIDEST = 62  # bits of one field: within, arithmetic on it does not wrap


@record
class Place:
    """Where a field lies: ``width`` bits from bit ``shift`` of a word; none, if it is constant."""

    word: int
    shift: int
    width: int

    @property
    def mask(self) -> int:
        """Its bits within its word."""
        return (1 << self.width) - 1 << self.shift


@record
class Part:
    """A field within a slot, counted down from ``high``."""

    shift: int
    width: int
    high: int


@record
class Slot:
    """The fields of a message in a lane. ``kinds``: those that are ever sent there, in order; ``fields[kind]``: its parts."""

    age: Part
    kind: Part
    kinds: tuple[int, ...]
    fields: dict[int, tuple[Part, ...]]
    width: int


@record
class Layout:
    """The places of a system's variables, timers and lane slots in ``words`` words."""

    system: System
    words: int
    variables: tuple[Place, ...]
    timers: tuple[Place, ...]
    lanes: tuple[tuple[Place, ...], ...]
    slots: tuple[Slot, ...]
    bits: int

    def pack(self, state: State) -> tuple[int, ...]:
        """The words of a state of the interpreter."""
        words = [0] * self.words
        at = 0
        for place, variable in zip(self.variables, self.system.variables, strict=True):
            words[place.word] |= (state[at] - variable.domain.low) << place.shift
            at += 1
        for place in self.timers:
            words[place.word] |= (state[at] + 1) << place.shift
            at += 1
        for places, slot in zip(self.lanes, self.slots, strict=True):
            for place, message in zip(places, state[at], strict=False):
                words[place.word] |= packed_message(slot, message) << place.shift
            at += 1
        return tuple(words)

    def unpack(self, words: tuple[int, ...]) -> State:
        """The state of the interpreter that words stand for."""
        state: list[Any] = []
        for place, variable in zip(self.variables, self.system.variables, strict=True):
            state.append(_bits(words, place) + variable.domain.low)
        state += [_bits(words, place) - 1 for place in self.timers]
        for places, slot, lane in zip(self.lanes, self.slots, self.system.lanes, strict=True):
            held = tuple(_message(slot, bits) for place in places if (bits := _bits(words, place)))
            state.append(sorted_bag(held) if lane.order is Order.UNORDERED else held)
        return tuple(state)


def _bits(words: tuple[int, ...], place: Place) -> int:
    return words[place.word] >> place.shift & (1 << place.width) - 1


def packed_message(slot: Slot, message: tuple[int, ...]) -> int:
    """The bits of a message (age, kind, fields …)."""
    age, kind, *fields = message
    bits = (age + 1) << slot.age.shift | (slot.kind.high - slot.kinds.index(kind)) << slot.kind.shift
    for part, value in zip(slot.fields[kind], fields, strict=True):
        bits |= (part.high - value) << part.shift
    return bits


def _message(slot: Slot, bits: int) -> tuple[int, ...]:
    def value(part: Part) -> int:
        return part.high - (bits >> part.shift & (1 << part.width) - 1)

    kind = slot.kinds[value(slot.kind)]
    return ((bits >> slot.age.shift) - 1, kind, *(value(p) for p in slot.fields[kind]))


def layout_of(system: System) -> Layout:
    """Pack a closed system; Unsupported where a field or a message is too wide for a word, or a lane has no room at all."""
    if any(lane.capacity < 1 for lane in system.lanes):
        raise Unsupported("a lane that holds no message")
    slots = tuple(_slot(system, lane) for lane in range(len(system.lanes)))
    packing = _Packing()
    lanes = tuple(
        tuple(packing.place(slot.width, lane.name) for _ in range(lane.capacity))
        for lane, slot in zip(system.lanes, slots, strict=True)
    )
    variables = tuple(
        packing.place((v.domain.high - v.domain.low).bit_length(), v.name) for v in system.variables
    )
    timers = tuple(packing.place((t.maximum + 1).bit_length(), t.name) for t in system.timers)
    return Layout(system, len(packing.used), variables, timers, lanes, slots, sum(packing.used))


class _Packing:
    """First fit: each field goes to the first word with room for it."""

    def __init__(self) -> None:
        self.used = [0]

    def place(self, width: int, name: str) -> Place:
        if width > WIDEST:
            raise Unsupported(f"'{name}' needs {width} bits, more than {WIDEST}")
        for word, used in enumerate(self.used):
            if used + width <= WORD:
                self.used[word] += width
                return Place(word, used, width)
        self.used.append(width)
        return Place(len(self.used) - 1, 0, width)


def _slot(system: System, number: int) -> Slot:
    kinds = tuple(sorted(_sent(system, number)))
    fields: dict[int, tuple[Part, ...]] = {}
    needed = 0
    for kind in kinds:
        shift = sum((f.domain.high - f.domain.low).bit_length() for f in system.messages[kind].fields)
        needed = max(needed, shift)
    for kind in kinds:
        shift = needed
        parts = []
        for field in system.messages[kind].fields:
            width = (field.domain.high - field.domain.low).bit_length()
            shift -= width
            parts.append(Part(shift, width, field.domain.high))
        fields[kind] = tuple(parts)
    most = max(0, len(kinds) - 1)
    kind_part = Part(needed, most.bit_length(), most)
    age = Part(needed + kind_part.width, (system.lanes[number].maximum + 1).bit_length(), 0)
    return Slot(age, kind_part, kinds, fields, age.shift + age.width if kinds else 0)


def _sent(system: System, lane: int) -> set[int]:
    """The kinds of messages that some step may put into a lane."""
    found: set[int] = set()
    waiting: list[Statement] = [*system.initially]
    for step in system.steps:
        waiting += step.body
    blocks: tuple[Block, ...]
    while waiting:
        match waiting.pop():
            case Send(at, message, _) if at == lane:
                found.add(message)
            case If(_, then, otherwise):
                waiting += (*then, *otherwise)
            case Either(blocks):
                waiting += [s for block in blocks for s in block]
            case _:
                pass
    return found
