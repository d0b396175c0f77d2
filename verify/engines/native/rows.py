"""How rows are written: those of one state, or those of eight states at a time.

What steps mean is said once, in :mod:`symbolic` and :mod:`expansion`; here is what a condition and a row become. For eight states
a value is a vector, a condition narrows the mask of the states that take part, and a row is compressed: those of the states that
take part come one after the other. So the rows are not grouped by state.

What is computed for a state that takes no part is not looked at, but must not be an error either: every instruction has a value
for all operands but a division, which divides by 1 there. The vectors are LLVM's own, not those of a kind of machine: where a
machine has no instruction to compress one, LLVM writes several, and the result is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verify.engines.native.values import Code, Value, number

EIGHT = 8
SHORT = 16  # instructions that are rather done in vain than guessed about: a wrong guess takes as long
TRAPS = ("sdiv", "srem")  # what is never done in vain
DECLARATIONS = """declare <8 x i64> @llvm.experimental.vector.compress.v8i64(<8 x i64>, <8 x i1>, <8 x i64>)
declare i64 @llvm.vector.reduce.or.v8i64(<8 x i64>)
declare i8 @llvm.ctpop.i8(i8)
"""


def _short(lines: Sequence[str]) -> bool:
    return len(lines) <= SHORT and not any(f" {op} " in line for op in TRAPS for line in lines)


class Rows(Code):
    """The body of a function that reads the state at ``%words`` and may write its rows from ``%out`` on."""

    def __init__(self, width: int) -> None:
        """``width``: the words of a state."""
        super().__init__()
        self.width = width
        self.carried = {"cursor": ("ptr", "%out")}  # what conditions may change: its type and name
        self._rows: dict[str, str] = {}  # of one state: where a row ends, and where it begins

    def words(self) -> tuple[Value, ...]:
        """The words of the state."""
        return tuple(self.loaded("%words", i) for i in range(self.width))

    def when(self, condition: Value, emitted: Callable[[], None]) -> None:
        """What is emitted happens only under a condition; nothing is, if that cannot hold."""
        if condition.constant == 0:
            return
        if condition.constant is not None:
            with self.scope():
                emitted()
            return
        self._under(condition, emitted)

    def _under(self, condition: Value, emitted: Callable[[], None]) -> None:
        self._branch_on(condition.text, condition, emitted)

    def _branch_on(self, test: str, condition: Value, emitted: Callable[[], None]) -> None:
        """Emit under a branch; without one, where it is one row and so little that it may as well be done in vain."""
        inside, behind = self.name("do")[1:], self.name("go")[1:]
        start = len(self.lines)
        self.emit(f"br i1 {test}, label %{inside}, label %{behind}")
        came, before = self.label, dict(self.carried)
        self.begin(inside)
        with self.scope():
            self.assume(condition)
            emitted()
        left, after = self.label, dict(self.carried)
        if left == inside and self._rows.get(after["cursor"][1]) == before["cursor"][1] and _short(self.lines[start + 2 :]):
            del self.lines[start : start + 2]
            self.label = came
            self._advance_if(test, before["cursor"][1])
            return
        self.emit(f"br label %{behind}")
        self.begin(behind)
        for what, (kind, name) in after.items():
            if name != before[what][1]:
                merged = self.name("out")
                self.emit(f"{merged} = phi {kind} [ {before[what][1]}, %{came} ], [ {name}, %{left} ]")
                self.carried[what] = (kind, merged)

    def write(self, row: Sequence[Value]) -> None:
        """Write a row."""
        for i, value in enumerate(row):
            self._store(f"i64 {value.text}", i)
        before = self.carried["cursor"][1]
        self._advance("i64", str(len(row)))
        self._rows[self.carried["cursor"][1]] = before

    def _store(self, value: str, words: int) -> None:
        """Store something so many words behind the cursor."""
        cursor = place = self.carried["cursor"][1]
        if words:
            place = self.name("p")
            self.emit(f"{place} = getelementptr i64, ptr {cursor}, i64 {words}")
        self.emit(f"store {value}, ptr {place}, align 8")

    def _advance(self, element: str, count: str) -> None:
        after = self.name("out")
        self.emit(f"{after} = getelementptr {element}, ptr {self.carried['cursor'][1]}, i64 {count}")
        self.carried["cursor"] = ("ptr", after)

    def _advance_if(self, test: str, start: str) -> None:
        """Leave a row behind that was written from a place on, if a test holds; otherwise the next one overwrites it."""
        rows = self.name()
        self.emit(f"{rows} = zext i1 {test} to i64")
        self.carried["cursor"] = ("ptr", start)
        self._advance(f"[{self.width + 1} x i64]", rows)

    def end(self) -> None:
        """Return where the rows end."""
        end = self.name("end")
        self.emit(f"{end} = ptrtoint ptr {self.carried['cursor'][1]} to i64")
        self.emit(f"ret i64 {end}")

    def give(self, word: Value) -> None:
        """Return a word."""
        self.emit(f"ret i64 {word.text}")


class Eight(Rows):
    """The same for the eight states at ``%words``, one behind the other, of which the first ``%count`` take part.

    Behind the rows stands a word with a bit for each of them that has no row.
    """

    number_type = "<8 x i64>"
    bit_type = "<8 x i1>"

    def __init__(self, width: int) -> None:
        """``width``: the words of a state."""
        super().__init__(width)
        one, each, mask = self.name(), self.name(), self.name("m")
        places = ", ".join(f"i64 {i}" for i in range(EIGHT))
        self.emit(f"{one} = insertelement <8 x i64> poison, i64 %count, i64 0")
        self.emit(f"{each} = shufflevector <8 x i64> {one}, <8 x i64> poison, <8 x i32> zeroinitializer")
        self.emit(f"{mask} = icmp ult <8 x i64> <{places}>, {each}")
        self.mask = Value(mask, 0, 1, bit=True)  # the states that take part,
        self.bits = self._as_bits(mask)  # also as a number
        self.carried["rowless"] = ("i8", self.bits)

    def of(self, operand: Value | int) -> str:
        """An operand; a constant is the same for all states."""
        text = super().of(operand)
        if text.startswith("%"):
            return text
        return f"splat ({'i1' if isinstance(operand, Value) and operand.bit else 'i64'} {text})"

    def words(self) -> tuple[Value, ...]:
        """The words of the states: the first of each, the second of each, and so on."""
        blocks = []
        for i in range(self.width):
            place, block = self.name("p"), self.name("w")
            self.emit(f"{place} = getelementptr <8 x i64>, ptr %words, i64 {i}")
            self.emit(f"{block} = load <8 x i64>, ptr {place}, align 8")
            blocks.append(block)
        at = [[state * self.width + word for state in range(EIGHT)] for word in range(self.width)]
        return tuple(self.parameter(self._picked(blocks, [divmod(i, EIGHT) for i in each])) for each in at)

    def _division(self, a: Value, b: Value) -> tuple[Value, Value]:
        b = self.as_number(b)
        if b.constant in {None, -1}:  # of a state that takes no part, the intervals say nothing
            b = Value(self.select(self.mask, b, number(1)).text, b.low, b.high)
        return super()._division(a, b)

    def _under(self, condition: Value, emitted: Callable[[], None]) -> None:
        """What is emitted happens to the states of which a condition holds, if there are any."""
        whole = self.mask, self.bits
        narrowed, some = self.name("m"), self.name()
        self.emit(f"{narrowed} = select <8 x i1> {self.mask.text}, <8 x i1> {condition.text}, <8 x i1> zeroinitializer")
        self.mask, self.bits = Value(narrowed, 0, 1, bit=True), self._as_bits(narrowed)
        self.emit(f"{some} = icmp ne i8 {self.bits}, 0")
        self._branch_on(some, condition, emitted)
        self.mask, self.bits = whole

    def _as_bits(self, mask: str) -> str:
        name = self.name()
        self.emit(f"{name} = bitcast <8 x i1> {mask} to i8")
        return name

    def write(self, row: Sequence[Value]) -> None:
        """Write the rows of the states that take part. What is written behind them goes when the next are."""
        columns = [self._compressed(value) for value in row]
        for i in range(len(row)):
            at = [divmod(EIGHT * i + j, len(row))[::-1] for j in range(EIGHT)]
            self._store(f"<8 x i64> {self._picked(columns, at)}", EIGHT * i)
        number_, wide, others, left = self.name(), self.name(), self.name(), self.name()
        self.emit(f"{number_} = call i8 @llvm.ctpop.i8(i8 {self.bits})")
        self.emit(f"{wide} = zext i8 {number_} to i64")
        self._advance(f"[{len(row)} x i64]", wide)
        self.emit(f"{others} = xor i8 {self.bits}, -1")
        self.emit(f"{left} = and i8 {self.carried['rowless'][1]}, {others}")
        self.carried["rowless"] = ("i8", left)

    def _compressed(self, value: Value) -> str:
        """The values of the states that take part, one after the other."""
        if not value.text.startswith("%"):
            return self.of(value)
        name = self.name()
        vector = f"<8 x i64> {value.text}, <8 x i1> {self.mask.text}, <8 x i64> poison"
        self.emit(f"{name} = call <8 x i64> @llvm.experimental.vector.compress.v8i64({vector})")
        return name

    def _picked(self, vectors: Sequence[str], wanted: Sequence[tuple[int, int]]) -> str:
        """The vector of eight elements of others: of which, and which."""
        first, *others = sorted({which for which, _ in wanted})
        if not others and [place for _, place in wanted] == list(range(EIGHT)):
            return vectors[first]
        made, at = vectors[first], [place if which == first else None for which, place in wanted]
        for other in others or [first]:
            for i, (which, place) in enumerate(wanted):
                if which == other != first:
                    at[i] = EIGHT + place
            name = self.name()
            listed = ", ".join(f"i32 {'poison' if i is None else i}" for i in at)
            self.emit(f"{name} = shufflevector <8 x i64> {made}, <8 x i64> {vectors[other]}, <8 x i32> <{listed}>")
            made, at = name, [None if place is None else i for i, place in enumerate(at)]
        return made

    def end(self) -> None:
        """Return where the rows end."""
        rowless = self.name()
        self.emit(f"{rowless} = zext i8 {self.carried['rowless'][1]} to i64")
        self._store(f"i64 {rowless}", 0)
        super().end()

    def give(self, word: Value) -> None:
        """Return the bits of a word that some state has that takes part."""
        found, own = self.name(), self.name()
        self.emit(f"{own} = select <8 x i1> {self.mask.text}, <8 x i64> {self.of(word)}, <8 x i64> zeroinitializer")
        self.emit(f"{found} = call i64 @llvm.vector.reduce.or.v8i64(<8 x i64> {own})")
        self.emit(f"ret i64 {found}")
