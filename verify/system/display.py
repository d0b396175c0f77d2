"""Systems in words: values as they are read, expressions with names, a whole system as a listing."""

from __future__ import annotations

from typing import assert_never

from verify.system.domain import Boolean, Domain, Enumeration, Range
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
)
from verify.system.property import Labels
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
from verify.system.system import System

SUMS = (Operator.ADD, Operator.SUBTRACT)
PRODUCTS = (Operator.MULTIPLY, Operator.DIVIDE, Operator.MODULO)


def show_time(ticks: int, system: System) -> str:
    """So many ticks as a time: ``3.6 s``, ``20 ms``."""
    nanoseconds = ticks * system.tick_nanoseconds
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if abs(nanoseconds) >= size or (unit == "ms" and nanoseconds == 0):
            return f"{nanoseconds / size:.12g} {unit}"
    return f"{nanoseconds} ns"


def show_value(value: int, domain: Domain, system: System) -> str:
    """A value as its domain reads it."""
    match domain:
        case Boolean():
            return "true" if value else "false"
        case Enumeration(_, members):
            return members[value] if 0 <= value < len(members) else str(value)
        case Range(_, _, ticks):
            return show_time(value, system) if ticks else str(value)
        case _:
            assert_never(domain)


def show_expression(expression: Expression, system: System, labels: Labels = ()) -> str:
    """An expression with the names of variables, timers and lanes; what has a label, in its words."""
    return _Words(system, labels).text(expression)


class _Words:
    def __init__(self, system: System, labels: Labels = ()) -> None:
        self.system = system
        self.labels = {x.expression: x.text for x in labels}
        self.states = {r.variable for i in system.instances for r in i.regions}

    def text(self, e: Expression) -> str:
        if self.labels and e in self.labels:
            return self.labels[e]
        match e:
            case Constant(value):
                return str(value)
            case Read(variable):
                return self.system.variables[variable].name
            case Rigid(parameter):
                return self.system.parameters[parameter].name
            case Local(slot):
                return f"${slot}"
            case TimerIs(timer, status):
                return f"{status.value}({self.system.timers[timer].name})"
            case Count(lane):
                return f"count({self.system.lanes[lane].name})"
            case Due(lane):
                return f"due({self.system.lanes[lane].name})"
            case Occurred(event):
                return f"({self.system.events[event].name})"
            case Apply(operator, arguments):
                return self.applied(operator, arguments)
            case _:
                assert_never(e)

    def applied(self, operator: Operator, arguments: tuple[Expression, ...]) -> str:
        match operator, arguments:
            case Operator.EQUAL, (Read(variable), Constant(value)):
                return self.compared(variable, value, "is", "==")
            case Operator.NOT, (Apply(Operator.EQUAL, (Read(variable), Constant(value))),):
                return self.compared(variable, value, "is not", "!=")
            case Operator.NOT, (Apply(Operator.EQUAL, (left, right)),):
                return f"{self.compared_part(left)} != {self.compared_part(right)}"
            case ((Operator.EQUAL | Operator.LESS | Operator.AT_MOST), _):
                return f" {operator.value} ".join(self.compared_part(a) for a in arguments)
            case Operator.NOT, (inner,):
                return f"not {self.inside(inner)}"
            case Operator.IF, (condition, then, otherwise):
                return f"(if {self.text(condition)} then {self.text(then)} else {self.text(otherwise)})"
            case ((Operator.MINIMUM | Operator.MAXIMUM), _):
                return f"{operator.value}({', '.join(self.text(a) for a in arguments)})"
            case _:
                return f" {operator.value} ".join(self.operand(a, operator, i) for i, a in enumerate(arguments))

    def compared(self, variable: int, value: int, word: str, sign: str) -> str:
        known = self.system.variables[variable]
        shown = show_value(value, known.domain, self.system)
        return f"{known.name} {word if variable in self.states else sign} {shown}"

    def compared_part(self, e: Expression) -> str:
        """A side of a comparison: in parentheses if it is a truth value that was asked for."""
        text = self.text(e)
        asked = isinstance(e, Apply) and e.operator in (Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.NOT)
        return f"({text})" if asked else self.inside(e)

    def operand(self, e: Expression, operator: Operator, place: int) -> str:
        """A part of a sum or of a product: in brackets where it would be read as something else without."""
        text = self.inside(e)
        if not isinstance(e, Apply) or e in self.labels:
            return text
        if e.operator in SUMS:
            apart = operator in PRODUCTS or (operator is Operator.SUBTRACT and place > 0)
        else:
            apart = e.operator in PRODUCTS and operator in PRODUCTS and place > 0
        return f"({text})" if apart else text

    def inside(self, e: Expression) -> str:
        text = self.text(e)
        if e in self.labels and " " in text:
            return f"({text})"
        return f"({text})" if isinstance(e, Apply) and e.operator in (Operator.AND, Operator.OR) else text


def show(system: System) -> str:
    """The whole system as a listing."""
    words = _Words(system)
    out = [f"system {system.name}, tick {show_time(1, system)}"]
    out += [f"  parameter {p.name} : {_domain(p.domain)}" for p in system.parameters]
    out += [f"  assume {words.text(a)}" for a in system.assumptions]
    for v in system.variables:
        out.append(f"  variable {v.name} : {_domain(v.domain)} = {show_value(v.initial, v.domain, system)}")
    out += [f"  timer {t.name} up to {show_time(t.maximum, system)}" for t in system.timers]
    for lane in system.lanes:
        delay = f"{show_time(lane.minimum, system)}..{show_time(lane.maximum, system)}"
        out.append(f"  lane {lane.name} on {lane.network}: delay {delay}, capacity {lane.capacity}, {lane.order.value}")
    for step in system.steps:
        out.append(f"  {step.kind.value} {step.name} when {words.text(step.guard)}")
        out += [f"      {line}" for line in _block(step.body, words)]
    return "\n".join(out) + "\n"


def _domain(domain: Domain) -> str:
    match domain:
        case Boolean():
            return "bool"
        case Enumeration(name, members):
            return f"{name} {{ {', '.join(members)} }}"
        case Range(low, high, ticks):
            return f"{low}..{high}{' ticks' if ticks else ''}"
        case _:
            assert_never(domain)


def _block(block: Block, words: _Words) -> list[str]:
    return [line for statement in block for line in _statement(statement, words)]


def _statement(statement: Statement, words: _Words) -> list[str]:
    system = words.system
    match statement:
        case Assign(variable, value):
            return [f"{system.variables[variable].name} := {words.text(value)}"]
        case Start(timer, ticks):
            return [f"start {system.timers[timer].name} for {words.text(ticks)} ticks"]
        case Stop(timer):
            return [f"stop {system.timers[timer].name}"]
        case Send(lane, message, fields):
            shown = ", ".join(words.text(f) for f in fields)
            return [f"send {system.messages[message].name}({shown}) on {system.lanes[lane].name}"]
        case Duplicate(lane):
            return [f"duplicate on {system.lanes[lane].name}"]
        case Clear(lane):
            return [f"clear {system.lanes[lane].name}"]
        case Bind(slot, value):
            return [f"${slot} := {words.text(value)}"]
        case Choose(slot, low, high, where):
            return [f"choose ${slot} in {low}..{high} where {words.text(where)}"]
        case If(condition, then, otherwise):
            out = [f"if {words.text(condition)}", *(f"    {x}" for x in _block(then, words))]
            return out + (["else", *(f"    {x}" for x in _block(otherwise, words))] if otherwise else [])
        case Either(branches):
            return [x for b in branches for x in ("either", *(f"    {y}" for y in _block(b, words)))]
        case Occur(event):
            return [f"occurs: {system.events[event].name}"]
        case Mark(rule):
            return [f"rule {system.rules[rule].text}"]
        case _:
            assert_never(statement)
