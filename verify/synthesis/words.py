"""Conditions on parameters in the language of specs: as short as the model's names allow, and as a spec takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from verify.engines.region import Bound, Region
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
from verify.system.system import System


def duration(ticks: int, system: System) -> str:
    """So many ticks as a spec writes them: ``3.61s``, ``10ms``."""
    nanoseconds = ticks * system.tick_nanoseconds
    if nanoseconds < 0:
        return f"-{duration(-ticks, system)}"
    for unit, digits in (("s", 9), ("ms", 6), ("us", 3)):
        if nanoseconds >= 10**digits or (unit == "ms" and nanoseconds == 0):
            whole, rest = divmod(nanoseconds, 10**digits)
            fraction = f"{rest:0{digits}d}".rstrip("0")
            return f"{whole}.{fraction}{unit}" if fraction else f"{whole}{unit}"
    return f"{nanoseconds}ns"


@dataclass(frozen=True, slots=True)
class Words:
    """``named``: expressions that count ticks, with what they are called ("": nothing); ``short``: whether to use those names."""

    system: System
    named: Mapping[Expression, str] = field(default_factory=dict)
    short: bool = False

    # ---- conditions

    def outside(self, regions: Sequence[Region]) -> tuple[str, ...]:
        """What holds outside all the regions, one condition for each."""
        return tuple(" or ".join(self.bound(b.opposite, joined=len(r) > 1) for b in r) for r in regions)

    def inside(self, region: Region) -> str:
        """What holds in a region."""
        return " and ".join(self.bound(b, joined=len(region) > 1) for b in region) or "true"

    def bound(self, bound: Bound, *, joined: bool = False) -> str:
        """A bound; ``joined`` to others, so that it needs brackets where it is several conditions itself."""
        if len(bound.terms) == 1:
            (expression, count), most = bound.terms[0], bound.most
            domain = self._domain(expression)
            if isinstance(domain, Boolean | Enumeration):
                low, high = (-(most // -count), domain.high) if count < 0 else (domain.low, most // count)
                return self._among(expression, domain, max(low, domain.low), min(high, domain.high), joined=joined)
        return self._compared(bound)

    def _among(self, expression: Expression, domain: Boolean | Enumeration, low: int, high: int, *, joined: bool) -> str:
        name = self.text(expression, span=False)
        values = range(low, high + 1)
        if isinstance(domain, Boolean):
            return {(0, 0): f"not {name}", (1, 1): name}.get((low, high), "true" if values else "false")
        others = [v for v in range(domain.high + 1) if v not in values]
        if len(others) == 1 and len(values) > 1:
            return f"{name} != {domain.members[others[0]]}"
        text = " or ".join(f"{name} == {domain.members[v]}" for v in values) or "false"
        return f"({text})" if joined and len(values) > 1 else text

    def _compared(self, bound: Bound) -> str:
        span = any(self._is_span(e) for e, _ in bound.terms)
        above = [(e, n) for e, n in bound.terms if n > 0]
        below = [(e, -n) for e, n in bound.terms if n < 0]
        most = bound.most
        if not below:
            return f"{self._sum(above, span)} <= {self._amount(most, span)}"
        if not above:
            return f"{self._sum(below, span)} >= {self._amount(-most, span)}"
        if most in (0, -1):  # below > above reads better than above < below
            return f"{self._sum(below, span)} {'>=' if most == 0 else '>'} {self._sum(above, span)}"
        if most > 0:
            return f"{self._difference(above, below, span)} <= {self._amount(most, span)}"
        left = self._difference(below, above, span)
        return f"{left} > {self._amount(-most - 1, span)}" if span else f"{left} >= {-most}"

    def _difference(self, plus: list[tuple[Expression, int]], minus: list[tuple[Expression, int]], span: bool) -> str:
        return " - ".join([self._sum(plus, span), *(self._times(e, n, span) for e, n in minus)])

    def _sum(self, parts: list[tuple[Expression, int]], span: bool) -> str:
        return " + ".join(self._times(e, n, span) for e, n in parts)

    def _times(self, expression: Expression, count: int, span: bool) -> str:
        if span and not self._is_span(expression):
            return f"{self._factor(expression, span=False)} * {duration(count, self.system)}"
        return self.text(expression, span=span) if count == 1 else f"{count} * {self._factor(expression, span=span)}"

    def _amount(self, number: int, span: bool) -> str:
        return duration(number, self.system) if span else str(number)

    # ---- expressions

    def _domain(self, e: Expression) -> Domain | None:
        return self.system.parameters[e.parameter].domain if isinstance(e, Rigid) else None

    def _is_span(self, e: Expression) -> bool:
        """Whether an expression counts ticks."""
        if e in self.named:
            return True
        match e:
            case Rigid():
                domain = self._domain(e)
                return isinstance(domain, Range) and domain.ticks
            case Apply(Operator.DIVIDE, (top, bottom)):
                return self._is_span(top) and not self._is_span(bottom)
            case Apply(Operator.IF, (_, then, otherwise)):
                return self._is_span(then) or self._is_span(otherwise)
            case Apply(Operator.ADD | Operator.SUBTRACT | Operator.MULTIPLY | Operator.MODULO, arguments):
                return any(map(self._is_span, arguments))
            case _:
                return False

    def text(self, e: Expression, *, span: bool) -> str:
        """An expression as a number, or as a duration."""
        if self.short and self.named.get(e):
            return self.named[e]
        match e:
            case Constant(value):
                return duration(value, self.system) if span else str(value)
            case Rigid(parameter):
                name, tick = self.system.parameters[parameter].name, duration(1, self.system)
                if isinstance(self._domain(e), Boolean) and span:
                    return f"(if {name} then {tick} else 0ms)"
                if self._is_span(e) is span:
                    return name
                return f"{name} * {tick}" if span else f"rounded down ({name} / {tick})"
            case Apply(operator, arguments):
                return self._applied(operator, arguments, span=span)
            case Read() | Local() | TimerIs() | Count() | Due() | Occurred():
                raise AssertionError(e)
            case _:
                assert_never(e)

    def _applied(self, operator: Operator, arguments: tuple[Expression, ...], *, span: bool) -> str:
        match operator:
            case Operator.ADD:
                return " + ".join(self.text(a, span=span) for a in arguments)
            case Operator.SUBTRACT:
                left, right = arguments
                return f"{self.text(left, span=span)} - {self._factor(right, span=span)}"
            case Operator.MULTIPLY:
                return self._product(arguments, span=span)
            case Operator.DIVIDE:
                return self._quotient(*arguments, span=span)
            case Operator.MODULO:
                return " mod ".join(self._factor(a, span=span) for a in arguments)
            case Operator.IF:
                condition, then, otherwise = arguments
                chosen = [self.text(x, span=span) for x in (then, otherwise)]
                return f"(if {self.text(condition, span=False)} then {chosen[0]} else {chosen[1]})"
            case Operator.EQUAL | Operator.LESS | Operator.AT_MOST:
                either = any(map(self._is_span, arguments))
                return f" {operator.value} ".join(self.text(a, span=either) for a in arguments)
            case Operator.AND | Operator.OR:
                return "(" + f" {operator.value} ".join(self.text(a, span=False) for a in arguments) + ")"
            case Operator.NOT:
                return f"not ({self.text(arguments[0], span=False)})"
            case Operator.MINIMUM | Operator.MAXIMUM:
                return f"{operator.value}({', '.join(self.text(a, span=span) for a in arguments)})"
            case _:
                assert_never(operator)

    def _product(self, arguments: tuple[Expression, ...], *, span: bool) -> str:
        """One factor of a duration is a duration, the last one that can be."""
        if not span:
            return " * ".join(self._factor(a, span=False) for a in arguments)
        spans = [i for i, a in enumerate(arguments) if self._is_span(a)]
        constants = [i for i, a in enumerate(arguments) if isinstance(a, Constant)]
        chosen = (spans or constants or [len(arguments) - 1])[-1]
        return " * ".join(self._factor(a, span=i == chosen) for i, a in enumerate(arguments))

    def _quotient(self, top: Expression, bottom: Expression, *, span: bool) -> str:
        if span:
            inner = f"{self._factor(top, span=True)} / {self._factor(bottom, span=False)}"
            return f"rounded down to {duration(1, self.system)} ({inner})"
        both = self._is_span(top) and self._is_span(bottom)
        return f"rounded down ({self._factor(top, span=both)} / {self._factor(bottom, span=both)})"

    def _factor(self, e: Expression, *, span: bool) -> str:
        """An expression, in brackets where it stands in a product."""
        text = self.text(e, span=span)
        loose = isinstance(e, Apply) and e.operator in (Operator.ADD, Operator.SUBTRACT, Operator.MODULO)
        loose = loose or (isinstance(e, Rigid) and " * " in text)
        return f"({text})" if loose and not (self.short and self.named.get(e)) else text


def given(system: System) -> str:
    """What the spec says of the open parameters before."""
    words = Words(system)
    return ", ".join(f"{p.name} in {_range(p.domain, words.system)}" for p in system.parameters)


def _range(domain: Domain, system: System) -> str:
    match domain:
        case Boolean():
            return "false, true"
        case Enumeration(_, members):
            return ", ".join(members)
        case Range(low, high, ticks):
            return f"{duration(low, system)}..{duration(high, system)}" if ticks else f"{low}..{high}"
        case _:
            assert_never(domain)
