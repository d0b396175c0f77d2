"""Expressions and statements of a model as text again, on one line."""

from __future__ import annotations

from typing import assert_never

from verify.lang import syntax as s
from verify.lang.topology_syntax import Rate


def expression(e: s.Expr) -> str:
    """An expression as it would be written."""
    match e:
        case s.Number(_, value):
            return str(value)
        case Rate(_, _, text):
            return text
        case s.Duration(_, _, text) | s.Name(_, text):
            return text
        case s.Truth(_, value):
            return "true" if value else "false"
        case s.Nothing():
            return "none"
        case s.Member(_, base, name):
            return f"{_inside(base)}.{name}"
        case s.Index(_, base, at):
            return f"{_inside(base)}[{expression(at)}]"
        case s.Call(_, base, arguments):
            given = [f"{name} = {expression(a)}" if name else expression(a) for name, a in arguments]
            return f"{_inside(base)}({', '.join(given)})"
        case s.Unary(_, sign, operand):
            return f"not {_inside(operand)}" if sign == "not" else f"-{_inside(operand)}"
        case s.Chain(_, operands, operators):
            level = _LEVELS.get(operators[0], _TIGHT)
            parts = [_inside(operands[0], level)]
            for operator, operand in zip(operators, operands[1:], strict=True):
                parts += [operator, _inside(operand, level)]
            return " ".join(parts)
        case s.Conditional(_, condition, then, otherwise):
            return f"if {expression(condition)} then {expression(then)} else {expression(otherwise)}"
        case s.Is(_, operand, name, negated):
            return f"{_inside(operand)} is {'not ' if negated else ''}{name}"
        case s.Otherwise(_, operand, default):
            return f"{_inside(operand)} otherwise {_inside(default)}"
        case s.Rounded(_, direction, unit, operand):
            to = "" if unit is None else f" to {expression(unit)}"
            return f"rounded {direction}{to} ({expression(operand)})"
        case s.Quantifier(_, kind, name, domain, where, body):
            only = "" if where is None else f" where {expression(where)}"
            rest = "" if body is None else f" : {expression(body)}"
            return f"{kind}({name} in {_set(domain)}{only}{rest})"
        case s.Edge(_, kind, what, target):
            word = {"sent": "by", "delivered": "to", "lost": "on"}.get(kind, "of")
            return " ".join(part for part in (kind, what, word, expression(target)) if part)
        case _:
            assert_never(e)


_LEVELS = {"implies": 1, "or": 1, "and": 1, "==": 2, "!=": 2, "<": 2, "<=": 2, ">": 2, ">=": 2, "+": 3, "-": 3}
_TIGHT = 4


def _inside(e: s.Expr, level: int = _TIGHT) -> str:
    """An operand, in parentheses unless it binds tighter than what it stands in."""
    match e:
        case s.Chain(_, _, operators):
            loose = _LEVELS.get(operators[0], _TIGHT) <= level
        case s.Is() | s.Unary():
            loose = level > 1
        case s.Conditional() | s.Otherwise():
            loose = True
        case _:
            loose = False
    return f"({expression(e)})" if loose else expression(e)


def _set(domain: s.Set) -> str:
    match domain:
        case s.SetOf(_, inner):
            return expression(inner)
        case s.SetRange(_, low, high):
            return f"{expression(low)} .. {expression(high)}"
        case s.SetList(_, items):
            return "{" + ", ".join(map(expression, items)) + "}"
        case _:
            assert_never(domain)


def block(statements: s.Block) -> str:
    """Statements, with semicolons between them."""
    return "; ".join(map(statement, statements))


def statement(what: s.Statement) -> str:
    """A statement as it would be written."""
    match what:
        case s.Assignment(_, target, value):
            return f"{expression(target)} := {expression(value)}"
        case s.ActionCall(_, target):
            return expression(target)
        case s.SendStatement(_, message, fields, port):
            given = [n.text if value is None else f"{n.text} = {expression(value)}" for n, value in fields]
            on = "" if port is None else f" on {expression(port)}"
            return f"send {message} {{ {', '.join(given)} }}{on}" if given else f"send {message}{on}"
        case s.StartTimer(_, timer, duration):
            return f"start {expression(timer)} for {expression(duration)}"
        case s.StopTimer(_, timer):
            return f"stop {expression(timer)}"
        case s.IfStatement(_, condition, then, otherwise):
            rest = f" else {{ {block(otherwise)} }}" if otherwise else ""
            return f"if {expression(condition)} {{ {block(then)} }}{rest}"
        case s.ChooseStatement(_, name, domain, where, body):
            only = "" if where is None else f" where {expression(where)}"
            return f"choose {name} in {_set(domain)}{only} {{ {block(body)} }}"
        case s.EitherStatement(_, branches):
            return "either " + " or ".join(f"{{ {block(b)} }}" for b in branches)
        case s.Goto(_, state):
            return f"goto {state}"
        case _:
            assert_never(what)
