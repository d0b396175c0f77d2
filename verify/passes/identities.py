"""Values that are only copied and told apart: who somebody is, not how much of something there is.

A *cell* is a variable, a field of a message in a lane, or a local slot of a step. Cells belong together if a value can go from
one to the other, or if they are compared. Such a family holds identities if nothing is done with its values but to store
constants and what other cells of it hold, and to ask whether two are equal; then its values may change names, in the state and
in the text at once, as long as different ones stay different.

``held`` is what a cell can hold: what it begins with, the constants stored in it, and what other cells that are stored in it
hold. No step leads out of these sets, whatever else a state is like, and they lie in the domains, so no such store fails. The
kinds of a lane have to be one, and it has to be a queue: else the order of messages could depend on who is meant.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from verify.base.record import record
from verify.system.domain import Domain
from verify.system.expression import Apply, Constant, Expression, Local, Operator, Read
from verify.system.statement import Assign, Bind, Block, Choose, Either, If, Send, Start
from verify.system.system import Order, System

WIDEST = 16  # values of a domain: a table of them fits into a word

Cell = tuple[Hashable, ...]  # ("variable", number), ("field", lane, index) or ("slot", step, slot)


@record
class Identities:
    """``families``: of cells that hold identities, by a number; ``held``: what they can hold; ``names``: all (family, value)."""

    families: dict[Cell, int]
    held: dict[Cell, frozenset[int]]
    names: tuple[tuple[int, int], ...]


def identities_in(system: System, asked: list[Expression], kinds: list[tuple[int, ...]]) -> Identities:
    """The identities of a closed system and its predicates. ``kinds``: of each lane, those that are sent there."""
    cells = _Cells(system, kinds)
    for lane in system.lanes:
        cells.plain(lane.open, -1)
    for predicate in asked:
        cells.plain(predicate, -1)
    cells.block(system.initially, -1, set())
    for number, step in enumerate(system.steps):
        bound: set[int] = set()
        if step.take is not None and len(kinds[step.take.lane]) == 1:
            count = len(system.messages[kinds[step.take.lane][0]].fields)
            bound = set(range(1, count + 1))
            for index in range(count):
                cells.stored("slot", number, index + 1).add(("field", step.take.lane, index))
                cells.join(("slot", number, index + 1), ("field", step.take.lane, index))
        cells.bound = bound
        cells.plain(step.guard, number)
        cells.plain(step.urgent, number)
        cells.block(step.body, number, bound)
    return cells.found()


@dataclass(slots=True)
class _Cells:
    """Cells, as they are found to belong together."""

    system: System
    kinds: list[tuple[int, ...]]
    parent: dict[Cell, Cell] = field(default_factory=dict)
    spoilt: set[Cell] = field(default_factory=set)
    constants: dict[Cell, set[int]] = field(default_factory=dict)  # that are compared with, or stored
    sources: dict[Cell, set[Cell]] = field(default_factory=dict)
    values: dict[Cell, set[int]] = field(default_factory=dict)  # constants that are stored
    bound: set[int] = field(default_factory=set)  # slots that have a value here

    def __post_init__(self) -> None:
        for number, variable in enumerate(self.system.variables):
            self.values["variable", number] = {variable.initial}
        for lane, kinds in enumerate(self.kinds):
            if len(kinds) == 1 and self.system.lanes[lane].order is Order.FIFO:
                continue
            for kind in kinds:
                for index in range(len(self.system.messages[kind].fields)):
                    self.spoilt.add(("field", lane, index))

    def stored(self, *cell: Hashable) -> set[Cell]:
        """The cells whose values go into a cell."""
        return self.sources.setdefault(cell, set())

    def root(self, cell: Cell) -> Cell:
        """What stands for the family of a cell."""
        while (above := self.parent.get(cell, cell)) != cell:
            cell = above
        return cell

    def join(self, one: Cell, other: Cell) -> None:
        """They belong together."""
        self.parent[self.root(one)] = self.root(other)

    # ---- uses

    def cell_of(self, e: Expression, step: int) -> Cell | None:
        """The cell that an expression is the value of; it is spoilt if it may have none."""
        match e:
            case Read(variable):
                return ("variable", variable)
            case Local(slot):
                cell = ("slot", step, slot)
                if slot not in self.bound:
                    self.spoilt.add(cell)
                return cell
            case _:
                return None

    def leaves(self, e: Expression, step: int) -> list[Expression] | None:
        """The constants and cells that an expression can have the value of; None if it computes something."""
        match e:
            case Constant() | Read() | Local():
                return [e]
            case Apply(Operator.IF, (condition, then, otherwise)):
                one, other = self.leaves(then, step), self.leaves(otherwise, step)
                if one is None or other is None:
                    return None
                self.plain(condition, step)
                return one + other
            case _:
                return None

    def plain(self, e: Expression, step: int) -> None:
        """An expression of which more is asked than who it is, but for comparisons within."""
        cell = self.cell_of(e, step)
        if cell is not None:
            self.spoilt.add(cell)
        match e:
            case Apply(Operator.EQUAL, (left, right)):
                one, other = self.leaves(left, step), self.leaves(right, step)
                if one is None or other is None:
                    self.plain(left, step)
                    self.plain(right, step)
                else:
                    self.together(("comparison", id(e)), one + other, step)
            case Apply(_, arguments):
                for argument in arguments:
                    self.plain(argument, step)
            case _:
                pass

    def together(self, cell: Cell, leaves: list[Expression], step: int) -> None:
        """A cell belongs to what an expression can be."""
        for leaf in leaves:
            other = self.cell_of(leaf, step)
            if isinstance(leaf, Constant):
                self.constants.setdefault(cell, set()).add(leaf.value)
            elif other is not None:
                self.join(cell, other)

    def store(self, cell: Cell, e: Expression, step: int) -> None:
        """A value is stored in a cell."""
        leaves = self.leaves(e, step)
        if leaves is None:
            self.spoilt.add(cell)
            self.plain(e, step)
            return
        self.together(cell, leaves, step)
        self.values.setdefault(cell, set()).update(x.value for x in leaves if isinstance(x, Constant))
        self.sources.setdefault(cell, set()).update(c for x in leaves if (c := self.cell_of(x, step)) is not None)

    def block(self, block: Block, step: int, bound: set[int]) -> None:
        """Statements, with the slots that have a value before."""
        bound = set(bound)
        for statement in block:
            self.bound = bound
            match statement:
                case Assign(variable, value):
                    self.store(("variable", variable), value, step)
                case Bind(slot, value):
                    self.store(("slot", step, slot), value, step)
                    bound.add(slot)
                case Send(lane, _, fields):
                    for index, value in enumerate(fields):
                        self.store(("field", lane, index), value, step)
                case Start(_, ticks):
                    self.plain(ticks, step)
                case If(condition, then, otherwise):
                    self.plain(condition, step)
                    self.block(then, step, bound)
                    self.block(otherwise, step, bound)
                case Either(branches):
                    for branch in branches:
                        self.block(branch, step, bound)
                case Choose(slot, _, _, where):
                    self.spoilt.add(("slot", step, slot))
                    self.plain(where, step)
                case _:
                    pass

    # ---- the outcome

    def found(self) -> Identities:
        """What holds identities."""
        held = self._held()
        for cell, values in held.items():
            domain = self._domain(cell)
            outside = domain is not None and not all(domain.low <= v <= domain.high for v in values)
            if outside or (domain is not None and domain.high - domain.low >= WIDEST):
                self.spoilt.add(cell)
        bad = {self.root(cell) for cell in self.spoilt}
        families: dict[Cell, int] = {}
        numbers: dict[Cell, int] = {}
        names: set[tuple[int, int]] = set()
        for cell in sorted(held, key=repr):
            root = self.root(cell)
            if root not in bad:
                families[cell] = numbers.setdefault(root, len(numbers))
                names.update((families[cell], v) for v in held[cell])
        for cell, values in self.constants.items():
            if (number := numbers.get(self.root(cell))) is not None:
                names.update((number, v) for v in values)
        return Identities(families, {c: frozenset(held[c]) for c in families}, tuple(sorted(names)))

    def _held(self) -> dict[Cell, set[int]]:
        held = {cell: set(self.values.get(cell, ())) for cell in self.values | self.sources}
        changed = True
        while changed:
            changed = False
            for cell, sources in self.sources.items():
                more = set().union(*(held.get(s, set()) for s in sources)) - held[cell]
                held[cell] |= more
                changed = changed or bool(more)
        return held

    def _domain(self, cell: Cell) -> Domain | None:
        match cell:
            case ("variable", int(number)):
                return self.system.variables[number].domain
            case ("field", int(lane), int(index)) if len(self.kinds[lane]) == 1:
                return self.system.messages[self.kinds[lane][0]].fields[index].domain
            case _:
                return None
