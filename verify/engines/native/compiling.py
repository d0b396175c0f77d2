"""A small typed part of Python, translated to LLVM IR: the language that ``runtime.kernel`` is written in.

Numbers are 64-bit integers that wrap; ``>>`` moves in zeros, ``//`` and ``%`` are unsigned, comparisons are signed. An array is
an address with the width of its elements: ``Words`` (8 bytes), ``Halves`` (4) or ``Bytes`` (1), read as unsigned numbers;
``a + n`` is the array n elements on. A class lists the fields of the one structure that functions share.
``for i in range(CONSTANT)`` is unrolled; a condition on constants is decided here. ``and`` and ``or`` compute both sides. What
is not part of this is a TypeError when the kernels are translated, which every test does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

WIDTHS = {"Words": 8, "Halves": 4, "Bytes": 1}
_TYPES = {8: "i64", 4: "i32", 1: "i8"}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.FloorDiv: "udiv",
    ast.Mod: "urem",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.LShift: "shl",
    ast.RShift: "lshr",
}
_RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "slt",
    ast.LtE: "sle",
    ast.Gt: "sgt",
    ast.GtE: "sge",
}

INTRINSICS = """
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare i64 @llvm.cttz.i64(i64, i1)

define internal void @prefetch(ptr %p) alwaysinline {
  call void @llvm.prefetch.p0(ptr %p, i32 0, i32 3, i32 1)
  ret void
}

; the number of the lowest bit that is set; 64 if none is
define internal i64 @lowest(i64 %x) alwaysinline {
  %r = call i64 @llvm.cttz.i64(i64 %x, i1 false)
  ret i64 %r
}

; one of two numbers, without a branch
define internal i64 @select(i64 %c, i64 %a, i64 %b) alwaysinline {
  %t = icmp ne i64 %c, 0
  %r = select i1 %t, i64 %a, i64 %b, !unpredictable !0
  ret i64 %r
}

; of eight words, those whose bits from 40 up are the tag, as a mask
define internal i64 @tagged(ptr %p, i64 %tag) alwaysinline {
  %v = load <8 x i64>, ptr %p, align 64
  %h = lshr <8 x i64> %v, splat (i64 40)
  %i = insertelement <8 x i64> poison, i64 %tag, i64 0
  %t = shufflevector <8 x i64> %i, <8 x i64> poison, <8 x i32> zeroinitializer
  %c = icmp eq <8 x i64> %h, %t
  %b = bitcast <8 x i1> %c to i8
  %r = zext i8 %b to i64
  ret i64 %r
}

; of eight words, those that are a certain one, as a mask
define internal i64 @holding(ptr %p, i64 %word) alwaysinline {
  %v = load <8 x i64>, ptr %p, align 64
  %i = insertelement <8 x i64> poison, i64 %word, i64 0
  %t = shufflevector <8 x i64> %i, <8 x i64> poison, <8 x i32> zeroinitializer
  %c = icmp eq <8 x i64> %v, %t
  %b = bitcast <8 x i1> %c to i8
  %r = zext i8 %b to i64
  ret i64 %r
}

; of eight words, those that are 0, as a mask
define internal i64 @vacant(ptr %p) alwaysinline {
  %v = load <8 x i64>, ptr %p, align 64
  %c = icmp eq <8 x i64> %v, zeroinitializer
  %b = bitcast <8 x i1> %c to i8
  %r = zext i8 %b to i64
  ret i64 %r
}

; put a value where 0 stands; whether it was put there
define internal i1 @claim(ptr %p, i64 %value) alwaysinline {
  %x = cmpxchg ptr %p, i64 0, i64 %value acq_rel acquire
  %r = extractvalue { i64, i1 } %x, 1
  ret i1 %r
}

; a number that several threads count with
define internal i64 @current(ptr %p) alwaysinline {
  %r = load atomic i64, ptr %p acquire, align 8
  ret i64 %r
}

; add to a number that several threads count with; what it was before
define internal i64 @increase(ptr %p, i64 %n) alwaysinline {
  %r = atomicrmw add ptr %p, i64 %n acq_rel
  ret i64 %r
}

!0 = !{}
"""
_INTRINSICS = {  # their results
    "prefetch": None,
    "lowest": "i64",
    "tagged": "i64",
    "holding": "i64",
    "vacant": "i64",
    "select": "i64",
    "claim": "i1",
    "current": "i64",
    "increase": "i64",
}
_PARAMETERS = {
    **dict.fromkeys(("prefetch", "lowest", "vacant", "current"), 1),
    **dict.fromkeys(("tagged", "holding", "claim", "increase"), 2),
    "select": 3,
}
_TAKE_POINTERS = {"prefetch", "tagged", "holding", "vacant", "claim", "current", "increase"}  # as their first argument


class Typed(NamedTuple):
    """An operand. ``kind``: ``i64``, ``i1`` or ``ptr``; ``width``: of an array's elements; ``constant``: if it is known."""

    text: str
    kind: str = "i64"
    width: int = 0
    constant: int | None = None


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def fields_of(source: str) -> dict[str, str]:
    """The fields of the shared structure, in order, each with its type."""
    found = re.search(r"^class .*\n(?:[ \t]+.*\n|\n)*", source, re.MULTILINE)  # every start asks, and need not parse all
    if found is None:
        message = "no class lists the fields"
        raise TypeError(message)
    (node,) = ast.parse(found[0]).body
    return {
        item.target.id: ast.unparse(item.annotation)
        for item in ast.iter_child_nodes(node)
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def translate(source: str, constants: dict[str, int], wanted: Iterable[str] = ()) -> str:
    """The IR of the functions of a file of kernels: those wanted, with all that they call, or every one.

    TypeError for what is not part of the language.
    """
    tree = _parsed(source)
    fields = fields_of(source)
    known = dict(constants)
    for node in tree.body:  # constants of the file
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known.setdefault(node.targets[0].id, int(eval(ast.unparse(node.value), {}, known)))  # noqa: S307 - our own file
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    needed = _called(functions, wanted) or set(functions)
    text = [INTRINSICS]
    text += [_Function(node, functions, fields, known).text() for name, node in functions.items() if name in needed]
    return "\n".join(text)


def _called(functions: dict[str, ast.FunctionDef], wanted: Iterable[str]) -> set[str]:
    """Functions, and all that they call."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            calls = (n.func for n in ast.walk(functions[name]) if isinstance(n, ast.Call))
            waiting += [f.id for f in calls if isinstance(f, ast.Name) and f.id in functions]
    return found


@dataclass(slots=True)
class _Function:
    node: ast.FunctionDef
    functions: dict[str, ast.FunctionDef]
    fields: dict[str, str]
    constants: dict[str, int]
    entry: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    locals: dict[str, tuple[str, int]] = field(default_factory=dict)  # kind, width
    unrolled: dict[str, int] = field(default_factory=dict)
    loops: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    open: bool = True  # whether the present block still lacks its last instruction

    def text(self) -> str:
        parameters = []
        for argument in self.node.args.args:
            if argument.annotation is None:
                raise self.wrong(self.node, "a parameter without a type")
            kind = ast.unparse(argument.annotation)
            type_ = "i64" if kind == "Number" else "ptr"
            parameters.append(f"{type_} %arg.{argument.arg}")
            self.declare(argument.arg, type_, WIDTHS.get(kind, 0))
            self.entry.append(f"  store {type_} %arg.{argument.arg}, ptr %l.{argument.arg}")
        self.block(self.node.body)
        if self.open:
            self.emit("ret i64 0")
        head = f"define i64 @{self.node.name}({', '.join(parameters)}) {{"
        return "\n".join((head, "entry:", *self.entry, "  br label %begin", "begin:", *self.lines, "}"))

    def wrong(self, node: ast.AST, what: str) -> TypeError:
        return TypeError(f"line {getattr(node, 'lineno', '?')}: {what}: {ast.unparse(node)[:60]}")

    def declare(self, name: str, kind: str, width: int) -> None:
        if name not in self.locals:
            self.locals[name] = (kind, width)
            self.entry.insert(0, f"  %l.{name} = alloca {kind}")

    def emit(self, line: str) -> None:
        if self.open:
            self.lines.append("  " + line)
        if line.startswith(("br ", "ret ")):
            self.open = False

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.open = True

    def name(self) -> str:
        self.count += 1
        return f"%t{self.count}"

    def label(self) -> str:
        self.count += 1
        return f"b{self.count}"

    # ---- statements

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if self.open:
                self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value):
                self.value(value)
            case ast.AnnAssign(ast.Name(name), annotation, value) if value is not None:
                width = WIDTHS.get(ast.unparse(annotation), 0)
                self.assign(name, self.converted(self.value(value), "ptr" if width else "i64"), width)
            case ast.Assign([target], value):
                self.store(target, self.value(value))
            case ast.AugAssign(target, operator, value):
                combined = ast.BinOp(target, operator, value)
                ast.copy_location(combined, node)
                self.store(target, self.value(combined))
            case ast.Return(value):
                result = Typed("0") if value is None else self.converted(self.value(value), "i64")
                self.emit(f"ret i64 {result.text}")
            case ast.If(test, body, orelse):
                self.branch(self.truth(test), body, orelse)
            case ast.While(test, body, []):
                self.loop(test, body)
            case ast.For(ast.Name(name), ast.Call(ast.Name("range"), [bound], []), body, []):
                times = self.value(bound).constant
                if times is None:
                    raise self.wrong(node, "the bound of an unrolled loop is a constant")
                loops, self.loops = self.loops, []  # nothing leaves an unrolled loop early
                for i in range(times):
                    self.unrolled[name] = i
                    self.block(body)
                self.unrolled.pop(name, None)
                self.loops = loops
            case ast.Break() | ast.Continue() if not self.loops:
                raise self.wrong(node, "no loop to leave")
            case ast.Break():
                self.emit(f"br label %{self.loops[-1][1]}")
            case ast.Continue():
                self.emit(f"br label %{self.loops[-1][0]}")
            case _:
                raise self.wrong(node, "not part of the kernel language")

    def branch(self, test: Typed, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        if test.constant is not None:
            self.block(body if test.constant else orelse)
            return
        then, otherwise, behind = self.label(), self.label(), self.label()
        self.emit(f"br i1 {test.text}, label %{then}, label %{otherwise}")
        for label, block in ((then, body), (otherwise, orelse)):
            self.begin(label)
            self.block(block)
            self.emit(f"br label %{behind}")
        self.begin(behind)

    def loop(self, test: ast.expr, body: list[ast.stmt]) -> None:
        again, inside, behind = self.label(), self.label(), self.label()
        self.emit(f"br label %{again}")
        self.begin(again)
        self.emit(f"br i1 {self.truth(test).text}, label %{inside}, label %{behind}")
        self.begin(inside)
        self.loops.append((again, behind))
        self.block(body)
        self.loops.pop()
        self.emit(f"br label %{again}")
        self.begin(behind)

    def assign(self, name: str, value: Typed, width: int) -> None:
        self.declare(name, value.kind, width)
        if self.locals[name] != (value.kind, width):
            raise TypeError(f"'{name}' has two types in {self.node.name}")
        self.emit(f"store {value.kind} {value.text}, ptr %l.{name}")

    def store(self, target: ast.expr, value: Typed) -> None:
        match target:
            case ast.Name(name):
                if value.kind == "i1":
                    value = self.converted(value, "i64")
                self.assign(name, value, value.width)
            case ast.Subscript(array, index):
                place, width = self.element(array, index)
                value = self.converted(value, "i64")
                if width == 8:
                    self.emit(f"store i64 {value.text}, ptr {place}")
                else:
                    narrow = self.name()
                    self.emit(f"{narrow} = trunc i64 {value.text} to {_TYPES[width]}")
                    self.emit(f"store {_TYPES[width]} {narrow}, ptr {place}")
            case ast.Attribute():
                place, kind = self.place(target)
                type_ = "i64" if kind == "Number" else "ptr"
                self.emit(f"store {type_} {self.converted(value, type_).text}, ptr {place}")
            case _:
                raise self.wrong(target, "nothing to store in")

    # ---- expressions

    def truth(self, node: ast.expr) -> Typed:
        return self.converted(self.value(node), "i1")

    def converted(self, value: Typed, kind: str) -> Typed:
        if value.kind == kind:
            return value
        if value.constant is not None and kind == "i1":
            return Typed("true" if value.constant else "false", "i1", 0, int(bool(value.constant)))
        how = {
            ("i1", "i64"): f"zext i1 {value.text} to i64",
            ("i64", "i1"): f"icmp ne i64 {value.text}, 0",
            ("i64", "ptr"): f"inttoptr i64 {value.text} to ptr",
            ("ptr", "i64"): f"ptrtoint ptr {value.text} to i64",
        }[value.kind, kind]
        name = self.name()
        self.emit(f"{name} = {how}")
        return Typed(name, kind, value.width)

    def value(self, node: ast.expr) -> Typed:
        match node:
            case ast.Constant(int(number)):
                return Typed(str(_signed(number)), constant=number)
            case ast.Name(name):
                return self.named(node, name)
            case ast.Attribute():
                place, kind = self.place(node)
                return self.load(place, "i64" if kind == "Number" else "ptr", WIDTHS.get(kind, 0))
            case ast.Subscript(array, index):
                place, width = self.element(array, index)
                loaded = self.load(place, _TYPES[width], 0)
                if width == 8:
                    return loaded
                wide = self.name()
                self.emit(f"{wide} = zext {_TYPES[width]} {loaded.text} to i64")
                return Typed(wide)
            case ast.BinOp(left, operator, right):
                if type(operator) not in _ARITHMETIC:
                    raise self.wrong(node, "not part of the kernel language")
                return self.arithmetic(operator, self.value(left), self.value(right))
            case ast.Compare(left, [relation], [right]) if type(relation) in _RELATIONS:
                return self.comparison(relation, self.value(left), self.value(right))
            case ast.BoolOp(operator, values):
                return self.logic("and" if isinstance(operator, ast.And) else "or", [self.truth(v) for v in values])
            case ast.UnaryOp(ast.Not(), operand):
                return self.inverse(self.truth(operand))
            case ast.UnaryOp(ast.USub(), operand):
                return self.arithmetic(ast.Sub(), Typed("0", constant=0), self.value(operand))
            case ast.Call():
                return self.call(node)
            case _:
                raise self.wrong(node, "not part of the kernel language")

    def named(self, node: ast.expr, name: str) -> Typed:
        if name in self.unrolled:
            return Typed(str(self.unrolled[name]), constant=self.unrolled[name])
        if name in self.locals:
            kind, width = self.locals[name]
            return self.load(f"%l.{name}", kind, width)
        if name in self.constants:
            return Typed(str(_signed(self.constants[name])), constant=self.constants[name])
        raise self.wrong(node, "an unknown name")

    def load(self, place: str, kind: str, width: int) -> Typed:
        name = self.name()
        self.emit(f"{name} = load {kind}, ptr {place}")
        return Typed(name, kind, width)

    def place(self, node: ast.Attribute) -> tuple[str, str]:
        """The address of a field of the structure, and its type."""
        structure = self.value(node.value)
        if node.attr not in self.fields:
            raise self.wrong(node, "an unknown field")
        name = self.name()
        self.emit(f"{name} = getelementptr i64, ptr {structure.text}, i64 {list(self.fields).index(node.attr)}")
        return name, self.fields[node.attr]

    def element(self, array: ast.expr, index: ast.expr) -> tuple[str, int]:
        base, number = self.value(array), self.converted(self.value(index), "i64")
        if base.kind != "ptr" or not base.width:
            raise self.wrong(array, "no array")
        name = self.name()
        self.emit(f"{name} = getelementptr {_TYPES[base.width]}, ptr {base.text}, i64 {number.text}")
        return name, base.width

    def arithmetic(self, operator: ast.operator, a: Typed, b: Typed) -> Typed:
        if a.kind == "ptr" and isinstance(operator, ast.Add):
            b = self.converted(b, "i64")
            name = self.name()
            self.emit(f"{name} = getelementptr {_TYPES[a.width]}, ptr {a.text}, i64 {b.text}")
            return Typed(name, "ptr", a.width)
        a, b = self.converted(a, "i64"), self.converted(b, "i64")
        if a.constant is not None and b.constant is not None:
            both = {"a": a.constant & 2**64 - 1, "b": b.constant & 2**64 - 1}
            folded = _signed(eval(f"a {_SYMBOLS[type(operator)]} b", {}, both))  # noqa: S307
            return Typed(str(folded), constant=folded)
        name = self.name()
        self.emit(f"{name} = {_ARITHMETIC[type(operator)]} i64 {a.text}, {b.text}")
        return Typed(name)

    def comparison(self, relation: ast.cmpop, a: Typed, b: Typed) -> Typed:
        a, b = self.converted(a, "i64"), self.converted(b, "i64")
        name = self.name()
        self.emit(f"{name} = icmp {_RELATIONS[type(relation)]} i64 {a.text}, {b.text}")
        return Typed(name, "i1")

    def logic(self, operator: str, values: list[Typed]) -> Typed:
        out = values[0]
        for value in values[1:]:
            name = self.name()
            self.emit(f"{name} = {operator} i1 {out.text}, {value.text}")
            out = Typed(name, "i1")
        return out

    def inverse(self, value: Typed) -> Typed:
        if value.constant is not None:
            return Typed("false" if value.constant else "true", "i1", 0, 1 - value.constant)
        name = self.name()
        self.emit(f"{name} = xor i1 {value.text}, true")
        return Typed(name, "i1")

    def call(self, node: ast.Call) -> Typed:
        match node.func:
            case ast.Name(name) if name in _INTRINSICS:
                if len(node.args) != _PARAMETERS[name]:
                    raise self.wrong(node, "as many arguments as parameters")
                arguments = [
                    self.converted(self.value(a), "ptr" if i == 0 and name in _TAKE_POINTERS else "i64")
                    for i, a in enumerate(node.args)
                ]
                return self.called(f"@{name}", _INTRINSICS[name], arguments)
            case ast.Name(name) if name in self.functions:
                wanted = [ast.unparse(a.annotation) for a in self.functions[name].args.args if a.annotation is not None]
                if len(wanted) != len(node.args):
                    raise self.wrong(node, "as many arguments as parameters")
                arguments = [
                    self.converted(self.value(a), "i64" if kind == "Number" else "ptr")
                    for a, kind in zip(node.args, wanted, strict=True)
                ]
                return self.called(f"@{name}", "i64", arguments)
            case ast.Name("address") if isinstance(node.args[0], ast.Attribute):
                return Typed(self.place(node.args[0])[0], "ptr")
            case ast.Attribute() as attribute:  # a function whose address is in the structure
                place, _ = self.place(attribute)
                function = self.load(place, "ptr", 0)
                return self.called(function.text, "i64", [self.value(a) for a in node.args])
            case _:
                raise self.wrong(node, "an unknown function")

    def called(self, function: str, result: str | None, arguments: list[Typed]) -> Typed:
        listed = ", ".join(f"{a.kind} {a.text}" for a in arguments)
        if result is None:
            self.emit(f"call void {function}({listed})")
            return Typed("0")
        name = self.name()
        self.emit(f"{name} = call {result} {function}({listed})")
        return Typed(name, result)


_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value
