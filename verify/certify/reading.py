"""The invariant of a certificate for people: in the names and the signs of the model. Nothing is checked by it.

Solvers give conditions over numbers. What holds because of the ranges of values, and places of lanes that are free, is left out;
values that never change come first; of the rest, each line holds in every reachable state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import z3

from verify.certify.vocabulary import parameter_words, state_words
from verify.system.display import show_time, show_value
from verify.system.domain import Boolean, Domain, Enumeration, Range
from verify.system.property import Form
from verify.system.system import System

SIMPLIFYING = 5000  # milliseconds
LONGEST = 4000  # characters of a line; what is longer is only in the other file


def readable(system: System, form: Form, invariant: str) -> str:
    """The invariant as text: what never changes, then what holds in every state, a line each."""
    words = state_words(system, form) | parameter_words(system)
    known = {w: (z3.Bool if sort == "Bool" else z3.Int)(w) for w, sort in words.items()}
    (whole,) = z3.parse_smt2_string(f"(assert {invariant})", decls=known) or [z3.BoolVal(val=True)]
    goal = z3.Goal()
    goal.add(whole)
    try:
        simpler = z3.TryFor(z3.Then("simplify", "propagate-values", "ctx-simplify", "simplify"), SIMPLIFYING)(goal)
        parts = [x for sub in simpler for x in sub]
    except z3.Z3Exception:  # out of time
        parts = list(goal)
    names = _Names(system)
    fixed: list[str] = []
    others: list[str] = []
    rested: list[str] = []
    for part in _flat(parts):
        if names.is_trivial(part):
            continue
        at_rest = _at_rest(part)
        if at_rest is not None:
            rested += map(names.text, _flat([at_rest]))
        else:
            (fixed if _is_fixed(part) else others).append(names.text(part))
    lines = [f"{system.name}: an invariant. A timer's name stands for the time that it has left (less than 0: stopped).", ""]
    lines += ["Never changes:", *(f"  {x}" for x in dict.fromkeys(fixed)), ""] if fixed else []
    lines += ["In every reachable state:", *(f"  {_short(x)}" for x in dict.fromkeys(others))]
    lines += [] if others else ["  nothing else is needed"]
    if rested:
        lines += ["", "When units are at rest:", *(f"  {_short(x)}" for x in rested)]
    return "\n".join(lines) + "\n"


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ... (see invariant.smt2)"


def _flat(parts: Iterable[Any]) -> list[Any]:
    found = []
    for part in parts:
        if z3.is_and(part):
            found += _flat(part.children())
        elif z3.is_not(part) and z3.is_or(part.arg(0)):
            found += _flat([z3.Not(x) for x in part.arg(0).children()])
        else:
            found.append(part)
    return found


def _at_rest(part: Any) -> Any:  # noqa: ANN401 - Z3 terms
    """What a condition says of the states in which no unit reacts, if it says nothing else."""
    if not z3.is_or(part):
        return None
    busy = [x for x in part.children() if {str(c) for c in _constants(x)} == {"b"}]
    others = [x for x in part.children() if not any(x.eq(y) for y in busy)]
    solver, reacts = z3.Solver(), z3.Int("b")
    solver.add(reacts >= 0, (reacts >= 1) != z3.Or(*busy))
    if not others or solver.check() != z3.unsat:
        return None
    return z3.Or(*others) if len(others) > 1 else others[0]


def _is_fixed(equation: Any) -> bool:  # noqa: ANN401 - a Z3 term
    """A variable on one side, parameters and numbers on the other."""
    if not z3.is_eq(equation) or any(str(c)[0] not in "vp" for c in _constants(equation)):
        return False
    sides = equation.children()
    names = [{str(t) for t in _constants(side)} for side in sides]
    pairs = zip(sides, names, names[::-1], strict=True)
    return any(side.num_args() == 0 and n and all(x.startswith("p") for x in m) for side, n, m in pairs)


def _constants(root: Any) -> Iterable[Any]:  # noqa: ANN401 - Z3 terms
    """The words in a term, each once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        term = waiting.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            yield term
        waiting += term.children()


def _is_bound(e: Any) -> bool:  # noqa: ANN401 - a Z3 term
    return bool(z3.is_le(e) or z3.is_ge(e) or z3.is_lt(e) or z3.is_gt(e))


class _Names:
    """Terms over the words of certificates, in the names of a system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.states = {r.variable for i in system.instances for r in i.regions}

    # ---- what is left out

    def is_trivial(self, part: Any) -> bool:  # noqa: ANN401 - a Z3 term
        """It says no more than the range of one value does, or that a place that is free holds nothing."""
        if z3.is_true(part):
            return True
        about = {str(c) for c in _constants(part)}
        if len(about) == 1:
            solver = z3.Solver()
            solver.set("timeout", 200)
            (word,) = about
            low, high = self.range(word)
            if low is not None:
                solver.add(z3.Int(word) >= low, z3.Int(word) <= high, z3.Not(part))
                return bool(solver.check() == z3.unsat)
        places = {w.rsplit("_", 1)[0] for w in about if w.startswith("l")}
        shorts = {w.rsplit("_", 1)[1] for w in about if w.startswith("l")}
        return len(places) == 1 and about == {f"{p}_{s}" for p in places for s in shorts} and shorts != {"here"}

    def range(self, word: str) -> tuple[int | None, int]:
        """The least and the greatest value of a word, as far as its declaration says."""
        if word == "b":
            return 0, 2
        if word[0] == "v":
            domain = self.system.variables[int(word[1:])].domain
            return domain.low, domain.high
        if word[0] == "t":
            return -1, self.system.timers[int(word[1:])].maximum
        if word[0] == "p":
            domain = self.system.parameters[int(word[1:])].domain
            return domain.low, domain.high
        return None, 0

    # ---- words

    def word(self, name: str) -> str:
        """A word of certificates as a person reads it."""
        if name == "b":
            return "units react"
        if name == "c":
            return "the time waited"
        number = int(name[1:].split("_", maxsplit=1)[0])
        match name[0]:
            case "v":
                return self.system.variables[number].name
            case "t":
                return self.system.timers[number].name
            case "p":
                return self.system.parameters[number].name
            case "e":
                return f"({self.system.events[number].name})"
            case _:
                place, short = name.split("_")[1:]
                where = f"{_ordinal(int(place))} message on {self.system.lanes[number].name}"
                return f"(there is a {where})" if short == "here" else f"({self.short(short)} of the {where})"

    def short(self, word: str) -> str:
        """A part of a message: its age, its kind, or a field, by its name if all messages call it the same."""
        if word in ("age", "kind"):
            return word
        number = int(word[1:])
        names = {m.fields[number].name for m in self.system.messages if number < len(m.fields)}
        return names.pop() if len(names) == 1 else f"field {number}"

    def domain(self, name: str) -> Domain | None:
        """The domain of a word, if it has one."""
        if name[0] == "v":
            return self.system.variables[int(name[1:])].domain
        return self.system.parameters[int(name[1:])].domain if name[0] == "p" else None

    def is_time(self, name: str) -> bool:
        """Whether a word counts ticks."""
        domain = self.domain(name) if name[0] in "vp" else None
        return name == "c" or name[0] == "t" or name.endswith("_age") or (isinstance(domain, Range) and domain.ticks)

    # ---- terms

    def text(self, e: Any) -> str:  # noqa: ANN401 - a Z3 term
        """A condition."""
        if z3.is_not(e):
            return self.negated(e.arg(0))
        if z3.is_and(e):
            return " and ".join(self.inside(x) for x in e.children())
        if z3.is_or(e):
            return self.implied(e.children())
        if z3.is_const(e):
            return self.word(str(e)) if e.decl().kind() == z3.Z3_OP_UNINTERPRETED else str(e).lower()
        if z3.is_app_of(e, z3.Z3_OP_ITE):
            return f"(if {self.text(e.arg(0))} then {self.text(e.arg(1))} else {self.text(e.arg(2))})"
        sign = {z3.Z3_OP_EQ: "==", z3.Z3_OP_LE: "<=", z3.Z3_OP_GE: ">=", z3.Z3_OP_LT: "<", z3.Z3_OP_GT: ">"}
        if e.decl().kind() in sign:
            return self.compared(sign[e.decl().kind()], e.arg(0), e.arg(1))
        return self.number(e, time=False)

    def inside(self, e: Any) -> str:  # noqa: ANN401 - a Z3 term
        """A condition within another."""
        loose = z3.is_and(e) or z3.is_or(e) or (z3.is_not(e) and (z3.is_and(e.arg(0)) or z3.is_or(e.arg(0))))
        return f"({self.text(e)})" if loose else self.text(e)

    def negated(self, e: Any) -> str:  # noqa: ANN401 - a Z3 term
        """That a condition does not hold."""
        opposite = {z3.Z3_OP_EQ: "!=", z3.Z3_OP_LE: ">", z3.Z3_OP_GE: "<", z3.Z3_OP_LT: ">=", z3.Z3_OP_GT: "<="}
        if z3.is_not(e):
            return self.text(e.arg(0))
        if e.decl().kind() in opposite and not z3.is_bool(e.arg(0)):
            return self.compared(opposite[e.decl().kind()], e.arg(0), e.arg(1))
        if z3.is_and(e):
            return self.implied([z3.Not(x) for x in e.children()])
        if z3.is_or(e):
            return " and ".join(self.inside(z3.Not(x)) for x in e.children())
        return f"not {self.inside(e)}"

    def implied(self, parts: Sequence[Any]) -> str:
        """One of these: read as an implication, if something in it is denied."""
        given = [x.arg(0) for x in parts if z3.is_not(x)]
        then = [x for x in parts if not z3.is_not(x)]
        if not given:
            return " or ".join(self.inside(x) for x in then)
        if not then and len(given) > 1:
            bounds = [x for x in given if _is_bound(x)]
            if bounds:  # read best as what the others imply
                given = [x for x in given if not x.eq(bounds[-1])]
                then = [z3.Not(bounds[-1])]
        if not then:
            return f"not ({' and '.join(self.inside(x) for x in given)})"
        return f"{' and '.join(self.inside(x) for x in given)} implies {' or '.join(self.inside(x) for x in then)}"

    def compared(self, sign: str, left: Any, right: Any) -> str:  # noqa: ANN401 - Z3 terms
        """A comparison; of one word with a number in the manner of the model."""
        if z3.is_bool(left):
            return f"{self.inside(left)} {sign} {self.inside(right)}"
        if z3.is_int_value(left):
            turned = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
            return self.compared(turned.get(sign, sign), right, left)
        if z3.is_const(left) and z3.is_int_value(right):
            found = self.one(str(left), sign, right.as_long())
            if found is not None:
                return found
        time = all(self.is_time(str(c)) for side in (left, right) for c in _constants(side))
        plus, minus = self.moved(left)
        more, less = self.moved(right)
        return f"{self.added([*plus, *less], time)} {sign} {self.added([*more, *minus], time)}"

    def one(self, name: str, sign: str, value: int) -> str | None:
        """A comparison of one word with a number, if the model has words for it."""
        if name == "b" and (sign, value) in (("<=", 0), ("==", 0), ("<", 1)):
            return "units are at rest"
        if name == "b" and (sign, value) in ((">=", 1), ("!=", 0), (">", 0)):
            return "units react"
        if name[0] == "t" and (sign, value) == ("==", 0):
            return f"expired({self.word(name)})"
        if name[0] == "t" and (sign, value) in (("==", -1), ("<", 0), ("<=", -1)):
            return f"stopped({self.word(name)})"
        if name[0] == "t" and (sign, value) in ((">", 0), (">=", 1)):
            return f"running({self.word(name)})"
        domain = self.domain(name)
        if isinstance(domain, Boolean | Enumeration):
            holding = [x for x in range(domain.low, domain.high + 1) if _holds(x, sign, value)]
            others = [x for x in range(domain.low, domain.high + 1) if x not in holding]
            is_state = name[0] == "v" and int(name[1:]) in self.states
            if isinstance(domain, Boolean) and len(holding) == 1:
                return self.word(name) if holding == [1] else f"not {self.word(name)}"
            if len(others) == 1:
                return f"{self.word(name)} {'is not' if is_state else '!='} {show_value(others[0], domain, self.system)}"
            shown = [f"{self.word(name)} {'is' if is_state else '=='} {show_value(x, domain, self.system)}" for x in holding]
            return shown[0] if len(shown) == 1 else f"({' or '.join(shown)})"
        return None

    def moved(self, e: Any) -> tuple[list[Any], list[Any]]:  # noqa: ANN401 - Z3 terms
        """The parts of a sum, and those that are taken away, as (factor, term)."""
        plus: list[Any] = []
        minus: list[Any] = []
        for part in e.children() if z3.is_add(e) else [e]:
            factor, term = 1, part
            if z3.is_mul(part) and part.num_args() == 2 and z3.is_int_value(part.arg(0)):
                factor, term = part.arg(0).as_long(), part.arg(1)
            elif z3.is_int_value(part):
                factor, term = part.as_long(), None
            (plus if factor >= 0 else minus).append((abs(factor), term))
        return plus, minus

    def added(self, parts: Sequence[Any], time: bool) -> str:
        """A sum."""
        number = sum(f for f, t in parts if t is None)
        shown = [(f"{f} * " if f > 1 else "") + self.number(t, time=time) for f, t in parts if t is not None]
        if number or not shown:
            shown.append(show_time(number, self.system) if time else str(number))
        return " + ".join(shown)

    def number(self, e: Any, *, time: bool) -> str:  # noqa: ANN401 - a Z3 term
        """A number."""
        if z3.is_int_value(e):
            return show_time(e.as_long(), self.system) if time else str(e.as_long())
        if z3.is_const(e):
            return self.word(str(e))
        if z3.is_app_of(e, z3.Z3_OP_ITE):
            return f"(if {self.text(e.arg(0))} then {self.number(e.arg(1), time=time)} else {self.number(e.arg(2), time=time)})"
        if z3.is_add(e):
            plus, minus = self.moved(e)
            taken = f" - {self.added(minus, time)}" if minus else ""
            return f"({self.added(plus, time)}{taken})"
        known = {z3.Z3_OP_MUL: "*", z3.Z3_OP_IDIV: "div", z3.Z3_OP_MOD: "mod"}
        sign = known.get(e.decl().kind(), str(e.decl()))
        return f"({f' {sign} '.join(self.number(x, time=False) for x in e.children())})"


def _ordinal(place: int) -> str:
    return {0: "first", 1: "second", 2: "third"}.get(place, f"{place + 1}th")


def _holds(x: int, sign: str, value: int) -> bool:
    return {"==": x == value, "!=": x != value, "<=": x <= value, ">=": x >= value, "<": x < value, ">": x > value}[sign]
