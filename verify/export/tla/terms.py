"""Expressions as terms of TLA+. Truth values are Booleans there, members of enumerations strings; numbers stay numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from verify.base.record import record
from verify.export.paths import NotExported
from verify.export.tla.names import NUMBER, TRUTH, Names, Sort, quoted
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
from verify.system.system import Order, System

LARGEST = 2**31 - 1
OPEN, LOGIC, NOT, COMPARED, SUM, PRODUCT, ATOM = range(7)  # how tightly a term holds together


@record
class Term:
    """A text of TLA+, what it stands for, how tightly it holds together; ``value``: the number, if it is a constant."""

    text: str
    sort: Sort = NUMBER
    level: int = ATOM
    value: int | None = None
    branching: bool = False  # TLC would take its disjuncts for several ways of an action
    parts: tuple[Term, ...] = ()  # of a conjunction
    denial: str = ""  # the text that says the opposite, where that is not ~(...)

    def at(self, level: int) -> str:
        """The text where something stands that holds as tightly as ``level``: in parentheses if this one is looser."""
        return self.text if self.level >= level else f"({self.text})"


class State(Protocol):
    """Where the values of an expression come from."""

    def variable(self, index: int) -> Term:
        """The value of a variable."""

    def timer(self, index: int) -> Term:
        """The ticks of a timer."""

    def lane(self, index: int) -> Term:
        """What is in a lane."""

    def local(self, slot: int) -> Term:
        """A local value."""

    def occurred(self) -> str:
        """The events of the last step."""


class Terms:
    """Translates the expressions of a system."""

    def __init__(self, system: System, names: Names) -> None:
        self.system = system
        self.names = names

    # ---- sorts

    def number(self, term: Term) -> Term:
        """A term as a number."""
        if term.sort == NUMBER:
            return term
        if term.value is not None:
            return number(term.value)
        if term.sort == TRUTH:
            return Term(f"Number({term.text})")
        assert isinstance(term.sort, tuple)  # noqa: S101 - there is no other sort
        return Term(f"Rank({term.text}, {self.names.enumeration(term.sort)})")

    def truth(self, term: Term) -> Term:
        """A term as a truth value."""
        if term.value is not None:
            return truth(bool(term.value))
        return term if term.sort == TRUTH else Term(f"{self.number(term).at(SUM)} # 0", TRUTH, COMPARED)

    def stored(self, term: Term, sort: Sort) -> Term:
        """A term of a value that is known to be one of ``sort``."""
        if term.sort == sort:
            return term
        if term.value is not None:
            return constant(term.value, sort)
        if sort == NUMBER:
            return self.number(term)
        if sort == TRUTH:
            return Term(f"{self.number(term).at(SUM)} = 1", TRUTH, COMPARED)
        assert isinstance(sort, tuple)  # noqa: S101 - there is no other sort
        return Term(f"{self.names.enumeration(sort)}[{self.number(term).at(SUM)} + 1]", sort)

    def alike(self, a: Term, b: Term) -> tuple[Term, Term]:
        """Two terms of one sort: as they are if they can be, as numbers if not."""
        if a.sort == b.sort:
            return a, b
        for one, other in ((a, b), (b, a)):
            if one.value is not None and other.value is None and fits(one.value, other.sort):
                made = constant(one.value, other.sort)
                return (made, b) if one is a else (a, made)
        return self.number(a), self.number(b)

    # ---- expressions

    def term(self, e: Expression, state: State) -> Term:
        """An expression over a state."""
        match e:
            case Constant(value):
                return number(value)
            case Read(variable):
                return state.variable(variable)
            case Local(slot):
                return state.local(slot)
            case TimerIs(timer, status):
                return timer_is(state.timer(timer), status)
            case Count(lane):
                bag = self.system.lanes[lane].order is Order.UNORDERED
                return Term(f"{'BagCardinality' if bag else 'Len'}({state.lane(lane).text})")
            case Due(lane):
                return self.due(lane, state.lane(lane))
            case Occurred(event):
                return Term(f"{self.names.events[event]} \\in {state.occurred()}", TRUTH, COMPARED)
            case Rigid():
                raise NotExported("open parameters: TLC needs their values")
            case Apply(operator, arguments):
                return self.applied(operator, [self.term(a, state) for a in arguments])

    def holds(self, e: Expression, state: State) -> Term:
        """An expression as a truth value."""
        return self.truth(self.term(e, state))

    def due(self, lane: int, held: Term) -> Term:
        """Whether a message that could be delivered next is at its maximum delay."""
        most = self.system.lanes[lane].maximum
        if self.system.lanes[lane].order is Order.UNORDERED:
            return Term(f"\\E x \\in DOMAIN {held.at(ATOM)} : x.age >= {most}", TRUTH, OPEN, branching=True)
        return Term(f"{held.at(SUM)} # <<>> /\\ Head({held.text}).age >= {most}", TRUTH, LOGIC)

    def applied(self, operator: Operator, a: Sequence[Term]) -> Term:
        """An operator and its arguments."""
        match operator:
            case Operator.AND | Operator.OR:
                return self.joined(operator, [self.truth(x) for x in a])
            case Operator.NOT:
                return negated(self.truth(a[0]))
            case Operator.IF:
                return self.conditional(self.truth(a[0]), a[1], a[2])
            case Operator.EQUAL:
                return self.equal(a[0], a[1])
            case _:
                return arithmetic(operator, [self.number(x) for x in a])

    def joined(self, operator: Operator, parts: Sequence[Term]) -> Term:
        """All of several truth values, or any."""
        both = operator is Operator.AND
        flat = [q for p in parts for q in ((both and p.parts) or (p,))]
        neutral = [p for p in flat if p.value != int(both)]
        if any(p.value == int(not both) for p in neutral):
            return truth(not both)
        if len(neutral) < 2:
            return neutral[0] if neutral else truth(both)
        text = (" /\\ " if both else " \\/ ").join(dict.fromkeys(p.at(NOT) for p in neutral))
        branching = not both or any(p.branching for p in neutral)
        return Term(text, TRUTH, LOGIC, branching=branching, parts=tuple(dict.fromkeys(neutral)) if both else ())

    def equal(self, left: Term, right: Term) -> Term:
        """``left = right``."""
        a, b = self.alike(left, right)
        if a.value is not None and b.value is not None:
            return truth(a.value == b.value)
        if a.sort == TRUTH and b.value is not None:
            return a if b.value else negated(a)
        if a.sort == TRUTH and a.value is not None:
            return b if a.value else negated(b)
        return Term(f"{a.at(SUM)} = {b.at(SUM)}", TRUTH, COMPARED, denial=f"{a.at(SUM)} # {b.at(SUM)}")

    def conditional(self, test: Term, then: Term, otherwise: Term) -> Term:
        """``if test then … else …``."""
        if test.value is not None:
            return then if test.value else otherwise
        a, b = self.alike(then, otherwise)
        if a == b:
            return a
        return Term(f"IF {test.text} THEN {a.at(LOGIC)} ELSE {b.text}", a.sort, OPEN, branching=a.branching or b.branching)


def number(value: int) -> Term:
    """A number."""
    if abs(value) > LARGEST:
        raise NotExported(f"the number {value:,}: TLC counts with 32 bits")
    return Term(str(value), NUMBER, ATOM if value >= 0 else SUM, value)


def truth(value: bool) -> Term:
    """A truth value."""
    return Term("TRUE" if value else "FALSE", TRUTH, ATOM, int(value))


def fits(value: int, sort: Sort) -> bool:
    """Whether a number stands for something of a sort."""
    return sort == NUMBER or 0 <= value < (2 if sort == TRUTH else len(sort))


def constant(value: int, sort: Sort) -> Term:
    """What a number stands for in a sort."""
    if sort == NUMBER:
        return number(value)
    if sort == TRUTH:
        return truth(bool(value))
    return Term(quoted(sort[value]), sort, ATOM, value)


def timer_is(ticks: Term, status: TimerStatus) -> Term:
    """Whether a timer has a status."""
    if ticks.value is not None:
        known = TimerStatus.STOPPED if ticks.value < 0 else TimerStatus.RUNNING if ticks.value else TimerStatus.EXPIRED
        return truth(status is known)
    if status is TimerStatus.RUNNING:
        return Term(f"{ticks.at(SUM)} > Expired", TRUTH, COMPARED)
    name = "Stopped" if status is TimerStatus.STOPPED else "Expired"
    return Term(f"{ticks.at(SUM)} = {name}", TRUTH, COMPARED, denial=f"{ticks.at(SUM)} # {name}")


def negated(part: Term) -> Term:
    """Not ``part``."""
    if part.value is not None:
        return truth(not part.value)
    if part.denial:
        return Term(part.denial, TRUTH, COMPARED)
    return Term(f"~{part.at(ATOM)}", TRUTH, NOT)


def arithmetic(operator: Operator, a: Sequence[Term]) -> Term:
    """An operator on numbers."""
    match operator:
        case (Operator.ADD | Operator.MULTIPLY | Operator.MINIMUM | Operator.MAXIMUM) if len(a) == 1:
            return a[0]
        case Operator.ADD:
            return Term(" + ".join(x.at(PRODUCT) for x in a), NUMBER, SUM)
        case Operator.MULTIPLY:
            return Term(" * ".join(x.at(ATOM) for x in a), NUMBER, PRODUCT)
        case Operator.SUBTRACT:
            return Term(f"{a[0].at(PRODUCT)} - {a[1].at(PRODUCT)}", NUMBER, SUM)
        case Operator.DIVIDE | Operator.MODULO:
            return divided(operator, a[0], a[1])
        case Operator.LESS:
            return Term(f"{a[0].at(SUM)} < {a[1].at(SUM)}", TRUTH, COMPARED)
        case Operator.AT_MOST:
            return Term(f"{a[0].at(SUM)} <= {a[1].at(SUM)}", TRUTH, COMPARED)
        case Operator.MINIMUM | Operator.MAXIMUM:
            name = "Min" if operator is Operator.MINIMUM else "Max"
            found = a[0].text
            for other in a[1:]:
                found = f"{name}({found}, {other.text})"
            return Term(found)
        case _:
            message = f"{operator} is no operator on numbers"
            raise TypeError(message)


def divided(operator: Operator, a: Term, b: Term) -> Term:
    """TLA+ divides by what is greater than 0, and rounds as we do; by what is not, the signs of both change before."""
    quotient = operator is Operator.DIVIDE
    if b.value is None or b.value < 0:
        return Term(f"{'Quotient' if quotient else 'Remainder'}({a.text}, {b.text})")
    sign = "\\div" if quotient else "%"
    return Term(f"{a.at(ATOM)} {sign} {b.text}", NUMBER, SUM)


__all__ = [
    "ATOM",
    "COMPARED",
    "LOGIC",
    "NOT",
    "OPEN",
    "SUM",
    "State",
    "Term",
    "Terms",
    "constant",
    "fits",
    "negated",
    "number",
    "truth",
]
