"""What is left of a formula of linear temporal logic when a moment has been read: progression, as an automaton on demand.

F. Bacchus, F. Kabanza, "Planning for temporally extended goals", 1998, doi:10.1023/A:1018985923441, for one moment; promises that
may not be put off for ever as in J.-M. Couvreur, "On-the-fly verification of linear temporal logic", 1999,
doi:10.1007/3-540-48119-2_16. Only concrete moments are read here: there is no tableau, and nothing is shared with the one of the
engines.

A place of the automaton is what has to hold from the next moment on, all of it. Reading a moment leads to any of several places,
each with the promises that were put off. A run is accepted where each promise is kept or not in force again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from verify.system.expression import Expression
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    Form,
    LeadsTo,
    Ltl,
    LtlApply,
    LtlAtom,
    LtlFormula,
    Until,
)


class Literal(NamedTuple):
    """A predicate by its number, or that it is false."""

    predicate: int
    holds: bool


@dataclass(frozen=True, slots=True)
class And:
    """A conjunction."""

    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Or:
    """A disjunction."""

    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Promised:
    """``left`` until ``right``, which comes."""

    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Kept:
    """``right`` up to and including where ``left`` holds, if it ever does."""

    left: Formula
    right: Formula


Formula = bool | Literal | And | Or | Promised | Kept
Place = frozenset[Formula]


class Way(NamedTuple):
    """One way to read a moment: what has to hold from the next one on, and the promises put off (a bit each)."""

    place: Place
    off: int


class Progression:
    """The automaton of a formula that is denied: what it accepts are the runs that violate it."""

    def __init__(self, form: Form) -> None:
        """Of a form about endless runs."""
        self.predicates: list[Expression] = []
        self.promises: list[Promised] = []
        self.start: Place = frozenset((self._turned(formula_of(form), truth=False),))
        self._known: dict[tuple[Place, int], tuple[Way, ...]] = {}

    def read(self, place: Place, letter: int) -> tuple[Way, ...]:
        """What can be left after a moment; bit n of the letter: whether predicate n holds in it."""
        found = self._known.get((place, letter))
        if found is None:
            made = dict.fromkeys(self._ways(sorted(place, key=repr), letter, frozenset(), 0))
            found = self._known[place, letter] = tuple(made)
        return found

    def _ways(self, now: list[Formula], letter: int, later: Place, off: int) -> list[Way]:
        """The ways in which all of ``now`` holds, ``later`` being put off already."""
        if not now:
            return [Way(later, off)]
        first, rest = now[0], now[1:]
        match first:
            case bool():
                return self._ways(rest, letter, later, off) if first else []
            case Literal(predicate, holds):
                return self._ways(rest, letter, later, off) if bool(letter >> predicate & 1) is holds else []
            case And(left, right):
                return self._ways([left, right, *rest], letter, later, off)
            case Or(left, right):
                return [w for side in (left, right) for w in self._ways([side, *rest], letter, later, off)]
            case Promised(left, right):
                waits = self._ways([left, *rest], letter, later | {first}, off | 1 << self.promises.index(first))
                return [*self._ways([right, *rest], letter, later, off), *waits]
            case Kept(left, right):
                done = self._ways([left, right, *rest], letter, later, off)
                return [*done, *self._ways([right, *rest], letter, later | {first}, off)]

    # ---- from the logic as it is written

    def _turned(self, formula: LtlFormula, *, truth: bool) -> Formula:
        """The formula, or its denial, with denials at predicates alone."""
        if isinstance(formula, LtlAtom):
            if formula.predicate not in self.predicates:
                self.predicates.append(formula.predicate)
            return Literal(self.predicates.index(formula.predicate), truth)

        def same(part: LtlFormula) -> Formula:
            return self._turned(part, truth=truth)

        parts = formula.arguments
        match formula.operator:
            case "not":
                return self._turned(parts[0], truth=not truth)
            case "and" | "or" as operator:
                return _folded(And if (operator == "and") is truth else Or, [same(p) for p in parts])
            case "implies":
                return (Or if truth else And)(self._turned(parts[0], truth=not truth), same(parts[1]))
            case "eventually":
                return self._until(True, same(parts[0])) if truth else Kept(False, same(parts[0]))
            case "always":
                return Kept(False, same(parts[0])) if truth else self._until(True, same(parts[0]))
            case "until":
                left, right = same(parts[0]), same(parts[1])
                return self._until(left, right) if truth else Kept(left, right)
            case "release":
                left, right = same(parts[0]), same(parts[1])
                return Kept(left, right) if truth else self._until(left, right)
            case "weakly until":  # the goal releases hold-or-goal; its denial: not the goal, until neither
                left, right = same(parts[0]), same(parts[1])
                return Kept(right, Or(left, right)) if truth else self._until(right, And(left, right))
            case _:
                message = f"'{formula.operator}' is no operator of the logic"
                raise ValueError(message)

    def _until(self, left: Formula, right: Formula) -> Promised:
        made = Promised(left, right)
        if made not in self.promises:
            self.promises.append(made)
        return made


def _folded(join: Callable[[Formula, Formula], Formula], parts: list[Formula]) -> Formula:
    whole = parts[-1]
    for part in reversed(parts[:-1]):
        whole = join(part, whole)
    return whole


def formula_of(form: Form) -> LtlFormula:
    """A form about endless runs as a formula of the logic; ValueError for another."""
    match form:
        case Eventually(good):
            return _eventually(LtlAtom(good))
        case EventuallyAlways(good):
            return _eventually(_always(LtlAtom(good)))
        case AlwaysEventually(good):
            return _always(_eventually(LtlAtom(good)))
        case LeadsTo(trigger, response):
            return _always(LtlApply("implies", (LtlAtom(trigger), _eventually(LtlAtom(response)))))
        case Until(hold, goal):
            return LtlApply("until", (LtlAtom(hold), LtlAtom(goal)))
        case Ltl(formula):
            return formula
        case _:
            message = f"{type(form).__name__} is not about endless runs"
            raise ValueError(message)


def _always(formula: LtlFormula) -> LtlFormula:
    return LtlApply("always", (formula,))


def _eventually(formula: LtlFormula) -> LtlFormula:
    return LtlApply("eventually", (formula,))
