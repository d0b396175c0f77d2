"""LLVM IR as text, with value numbering: what was computed before is named again, what is constant is folded.

Every value knows the interval it lies in, so that what cannot happen is not emitted. A value is a number (``i64``) or a bit
(``i1``). Names are numbered in scopes: what is computed under a condition is not known behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from verify.base.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 2**62  # what lies beyond could wrap in 64 bits


class Unsupported(Exception):  # noqa: N818 - an answer: this system is for another engine
    """The system holds something that is not translated to machine code."""


@record
class Value:
    """An operand: its text, the interval it lies in, and whether it is a bit."""

    text: str
    low: int
    high: int
    bit: bool = False

    @property
    def constant(self) -> int | None:
        """Its value, if that is known while translating."""
        return self.low if self.low == self.high else None


def number(value: int) -> Value:
    """A constant number; Unsupported if it is too large."""
    _within(value, value)
    return Value(str(value), value, value)


def bit(value: object) -> Value:
    """A constant bit."""
    return TRUE if value else FALSE


FALSE = Value("false", 0, 0, bit=True)
TRUE = Value("true", 1, 1, bit=True)


def _within(low: int, high: int) -> None:
    if low < -LARGEST or high > LARGEST:
        raise Unsupported("arithmetic beyond 62 bits")


class Code:
    """The body of one function under construction. A value is that of one state; in :mod:`rows`, of eight."""

    number_type = "i64"
    bit_type = "i1"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.label = "start"
        self._known: list[dict[tuple[object, ...], Value]] = [{}]
        self._facts: list[dict[str, Value]] = [{}]
        self._made: dict[str, tuple[object, ...]] = {}  # of a bit's name: how it was computed
        self._count = 0

    # ---- emission

    def of(self, operand: Value | int) -> str:
        """An operand as an instruction has it; a number stands for a constant word."""
        return str(_signed(operand)) if isinstance(operand, int) else operand.text

    def type_of(self, value: Value) -> str:
        """The type of a value."""
        return self.bit_type if value.bit else self.number_type

    def instruction(self, op: str, a: Value, b: Value | int) -> str:
        """One of two operands of the same type."""
        return f"{op} {self.type_of(a)} {self.of(a)}, {self.of(b)}"

    def name(self, stem: str = "v") -> str:
        """A name that was not used before."""
        self._count += 1
        return f"%{stem}{self._count}"

    def emit(self, line: str) -> None:
        """One instruction."""
        self.lines.append("  " + line)

    def begin(self, label: str) -> None:
        """Start a basic block."""
        self.lines.append(f"{label}:")
        self.label = label

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed or assumed within is not known afterwards."""
        self._known.append({})
        self._facts.append({})
        yield
        self._facts.pop()
        self._known.pop()

    def assume(self, condition: Value, *, holds: bool = True) -> None:
        """Within this scope a condition holds, or does not: so does what follows from that."""
        made = self._made.get(condition.text)
        self._facts[-1][condition.text] = bit(holds)
        match made:
            case ("not", Value() as inner):
                self.assume(inner, holds=not holds)
            case ("and", Value() as a, Value() as b) if holds:
                self.assume(a)
                self.assume(b)
            case ("or", Value() as a, Value() as b) if not holds:
                self.assume(a, holds=False)
                self.assume(b, holds=False)
            case ("eq", Value() as a, Value() as b) if holds:
                if b.constant is not None:
                    a, b = b, a
                if a.constant is not None and b.constant is None:
                    self._facts[-1][b.text] = a
            case _:
                pass

    def _fact(self, value: Value) -> Value:
        for facts in reversed(self._facts):
            if value.text in facts:
                return facts[value.text]
        return value

    def _numbered(self, key: tuple[object, ...], low: int, high: int, *, is_bit: bool, text: Callable[[], str]) -> Value:
        for known in reversed(self._known):
            if key in known:
                return self._fact(known[key])
        if low == high:
            return bit(low) if is_bit else number(low)
        _within(low, high)
        name = self.name()
        self.emit(f"{name} = {text()}")
        value = Value(name, low, high, is_bit)
        self._known[-1][key] = value
        return value

    def _operation(self, op: str, a: Value, b: Value, low: int, high: int) -> Value:
        key = (op, a.text, b.text)
        return self._numbered(key, low, high, is_bit=False, text=lambda: self.instruction(op, a, b))

    # ---- conversions

    def as_number(self, a: Value) -> Value:
        """A bit as 0 or 1."""
        if not a.bit:
            return a
        if a.constant is not None:
            return number(a.constant)
        text = f"zext {self.bit_type} {a.text} to {self.number_type}"
        return self._numbered(("zext", a.text), 0, 1, is_bit=False, text=lambda: text)

    def as_bit(self, a: Value) -> Value:
        """Whether a number is not 0."""
        return a if a.bit else self.negation(self.equal(a, number(0)))

    # ---- arithmetic

    def add(self, a: Value, b: Value) -> Value:
        """A + b."""
        a, b = sorted((self.as_number(a), self.as_number(b)), key=lambda x: x.text)
        if a.constant == 0:
            return b
        if b.constant == 0:
            return a
        return self._operation("add", a, b, a.low + b.low, a.high + b.high)

    def subtract(self, a: Value, b: Value) -> Value:
        """A - b."""
        a, b = self.as_number(a), self.as_number(b)
        if b.constant == 0:
            return a
        if a.text == b.text:
            return number(0)
        return self._operation("sub", a, b, a.low - b.high, a.high - b.low)

    def multiply(self, a: Value, b: Value) -> Value:
        """A * b."""
        a, b = sorted((self.as_number(a), self.as_number(b)), key=lambda x: x.text)
        if a.constant == 1:
            return b
        if b.constant == 1:
            return a
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        return self._operation("mul", a, b, min(corners), max(corners))

    def divide(self, a: Value, b: Value) -> Value:
        """The quotient, rounded toward minus infinity. The divisor is not 0 wherever the result matters."""
        return self._division(a, b)[0]

    def modulo(self, a: Value, b: Value) -> Value:
        """The remainder, with the sign of the divisor."""
        return self._division(a, b)[1]

    def _division(self, a: Value, b: Value) -> tuple[Value, Value]:
        a, b = self.as_number(a), self.as_number(b)
        if a.constant is not None and b.constant:
            return number(a.constant // b.constant), number(a.constant % b.constant)
        if b.low <= 0 <= b.high:  # both branches of a conditional are computed: what is not wanted must not trap
            safe = self.select(self.equal(b, number(0)), number(1), b)
            b = Value(safe.text, b.low, max(1, b.high))
        reach = max(abs(a.low), abs(a.high))
        most = max(abs(b.low), abs(b.high)) - 1
        quotient = self._operation("sdiv", a, b, -reach, reach)
        rest = self._operation("srem", a, b, max(-most, -reach), min(most, reach))
        if a.low >= 0 and b.low > 0:
            return Value(quotient.text, 0, a.high), Value(rest.text, 0, rest.high)
        signs = self._operation("xor", rest, b, -LARGEST, LARGEST)
        below = self.both(self.less(signs, number(0)), self.negation(self.equal(rest, number(0))))
        floor = self.subtract(quotient, self.as_number(below))
        modulus = self.select(below, self.add(rest, b), rest)
        low, high = min(0, b.low + 1), max(0, b.high - 1)
        return Value(floor.text, -reach, reach), Value(modulus.text, low, high)

    def least(self, a: Value, b: Value) -> Value:
        """The smaller one."""
        return self.select(self.less(a, b), a, b)

    def greatest(self, a: Value, b: Value) -> Value:
        """The greater one."""
        return self.select(self.less(a, b), b, a)

    # ---- comparisons

    def equal(self, a: Value, b: Value) -> Value:
        """A == b."""
        if a.bit and b.constant is not None and not b.bit:
            return a if b.constant == 1 else self.negation(a) if b.constant == 0 else FALSE
        if b.bit and a.constant is not None and not a.bit:
            return self.equal(b, a)
        a, b = sorted((self.as_number(a), self.as_number(b)), key=lambda x: x.text)
        if a.text == b.text:
            return TRUE
        if a.high < b.low or b.high < a.low:
            return FALSE
        return self._compare("eq", a, b)

    def less(self, a: Value, b: Value) -> Value:
        """A < b."""
        a, b = self.as_number(a), self.as_number(b)
        if a.high < b.low:
            return TRUE
        if a.low >= b.high or a.text == b.text:
            return FALSE
        return self._compare("slt", a, b)

    def at_most(self, a: Value, b: Value) -> Value:
        """A <= b."""
        return self.negation(self.less(b, a))

    def _compare(self, relation: str, a: Value, b: Value) -> Value:
        key = ("icmp", relation, a.text, b.text)
        found = self._numbered(key, 0, 1, is_bit=True, text=lambda: self.instruction(f"icmp {relation}", a, b))
        self._made.setdefault(found.text, (relation, a, b))
        return found

    # ---- bits

    def negation(self, a: Value) -> Value:
        """Not a."""
        if a.constant is not None:
            return bit(not a.constant)
        match self._made.get(a.text):
            case ("not", Value() as inner):
                return self._fact(inner)
            case _:
                pass
        found = self._numbered(("not", a.text), 0, 1, is_bit=True, text=lambda: self.instruction("xor", a, TRUE))
        self._made.setdefault(found.text, ("not", a))
        return found

    def both(self, a: Value, b: Value) -> Value:
        """A and b."""
        if a.constant is not None:
            return b if a.constant else FALSE
        if b.constant is not None:
            return a if b.constant else FALSE
        return a if a.text == b.text else self._logic("and", a, b)

    def either(self, a: Value, b: Value) -> Value:
        """A or b."""
        if a.constant is not None:
            return TRUE if a.constant else b
        if b.constant is not None:
            return TRUE if b.constant else a
        return a if a.text == b.text else self._logic("or", a, b)

    def _logic(self, op: str, a: Value, b: Value) -> Value:
        a, b = sorted((a, b), key=lambda x: x.text)
        found = self._numbered((op, a.text, b.text), 0, 1, is_bit=True, text=lambda: self.instruction(op, a, b))
        self._made.setdefault(found.text, (op, a, b))
        return found

    def select(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """Then or otherwise."""
        if condition.constant is not None:
            return then if condition.constant else otherwise
        then = self._branch(then, condition, holds=True)
        otherwise = self._branch(otherwise, condition, holds=False)
        if then.text == otherwise.text and then.bit == otherwise.bit:
            return then
        if then.bit and otherwise.bit:
            if then.constant is not None and otherwise.constant is not None:
                return condition if then.constant else self.negation(condition)
        else:
            then, otherwise = self.as_number(then), self.as_number(otherwise)
            if then.text == otherwise.text:
                return then
        c = condition
        ways = ", ".join(f"{self.type_of(x)} {self.of(x)}" for x in (then, otherwise))
        found = self._numbered(
            ("select", c.text, then.text, otherwise.text),
            min(then.low, otherwise.low),
            max(then.high, otherwise.high),
            is_bit=then.bit,
            text=lambda: f"select {self.bit_type} {c.text}, {ways}",
        )
        self._made.setdefault(found.text, ("select", c, then, otherwise))
        return found

    def _branch(self, value: Value, condition: Value, *, holds: bool) -> Value:
        """What a value is where a condition holds, or does not."""
        match self._made.get(value.text):
            case ("select", Value() as c, Value() as then, Value() as otherwise):
                if c.text == condition.text:
                    return then if holds else otherwise
                if self._made.get(c.text) == ("not", condition) or self._made.get(condition.text) == ("not", c):
                    return otherwise if holds else then
            case _:
                pass
        if value.text == condition.text:
            return bit(holds)
        return value

    # ---- packed words (unsigned: their interval says nothing)

    def extract(self, word: Value, shift: int, width: int) -> Value:
        """``width`` bits of a word, as an unsigned number."""
        if width == 0:
            return number(0)
        if word.constant is not None:
            return number(word.constant >> shift & (1 << width) - 1)
        moved = word
        if shift:
            moved = self._word(("lshr", word.text, shift), lambda: self.instruction("lshr", word, shift))
        if shift + width == 64:
            return Value(moved.text, 0, (1 << width) - 1) if width < 62 else moved
        mask = (1 << width) - 1
        key = ("mask", moved.text, mask)
        return self._numbered(key, 0, mask, is_bit=False, text=lambda: self.instruction("and", moved, mask))

    def place(self, value: Value, shift: int) -> Value:
        """A number moved to its place in a word."""
        value = self.as_number(value)
        if value.constant is not None:
            return word_constant(value.constant << shift)
        if not shift:
            return value
        return self._word(("shl", value.text, shift), lambda: self.instruction("shl", value, shift))

    def without(self, word: Value, mask: int) -> Value:
        """A word with the bits of ``mask`` cleared."""
        keep = ~mask & 2**64 - 1
        if word.constant is not None:
            return word_constant(int(word.text) & keep)
        return self._word(("and", word.text, keep), lambda: self.instruction("and", word, keep))

    def joined(self, a: Value, b: Value) -> Value:
        """Two words whose bits do not overlap, in one."""
        if a.text == "0":
            return b
        if b.text == "0":
            return a
        if a.constant is not None and b.constant is not None:
            return word_constant(a.constant | b.constant)
        a, b = sorted((a, b), key=lambda x: x.text)
        return self._word(("orw", a.text, b.text), lambda: self.instruction("or", a, b))

    def word_sum(self, a: Value, b: Value) -> Value:
        """The sum of two words, wherever it may wrap to."""
        if b.text == "0":
            return a
        return self._word(("addw", a.text, b.text), lambda: self.instruction("add", a, b))

    def _word(self, key: tuple[object, ...], text: Callable[[], str]) -> Value:
        for known in reversed(self._known):
            if key in known:
                return known[key]
        name = self.name("w")
        self.emit(f"{name} = {text()}")
        value = Value(name, -LARGEST, LARGEST)
        self._known[-1][key] = value
        return value

    def loaded(self, pointer: str, index: int) -> Value:
        """The word at an index behind a pointer, which nothing changes within this function."""

        def text() -> str:
            place = self.name("p")
            self.emit(f"{place} = getelementptr i64, ptr {pointer}, i64 {index}")
            return f"load i64, ptr {place}"

        return self._word(("load", pointer, index), text)

    def parameter(self, text: str) -> Value:
        """A word that the caller passes."""
        return Value(text, -LARGEST, LARGEST)


def word_constant(value: int) -> Value:
    """A constant word; its text is signed, as 64 bits are printed."""
    value = _signed(value & 2**64 - 1)
    return Value(str(value), value, value)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
