"""Parts of a system in a normal form, numbered: two have one number only if one can stand for the other.

**What it leaves out.** The order of what may be put into any order: arguments of operators that commute, statements next to
each other of which neither stores what the other reads or stores, steps, and atomic reactions that have nothing to do with each
other. Names, places and provenance.

**What it keeps.** Everything else, as it stands; but identities (:mod:`verify.passes.identities`) are names, which may be
others: a cell that holds them counts by what it can hold, and not by its domain. Kinds of messages are numbered lane by lane,
in their order: lanes with messages of their own, as narrowing gives them, are alike if their messages are.

**Atomic reactions** run by units and in the order of the text. Two of them depend on each other if one stores what the other
reads or stores. Those of different connected parts of that relation neither enable nor disable nor change each other, so each
part runs as it would alone, whatever the order of the parts: it has the same end, or fails, or never ends, in which case some
state comes back. So only the order within a part is kept, and which of its reactions share a unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, assert_never

from verify.base.record import record
from verify.passes.identities import Cell, identities_in
from verify.system.domain import Domain
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
from verify.system.system import Step, StepKind, System
from verify.system.wellformed import nodes

_COMMUTING = frozenset(
    (Operator.ADD, Operator.MULTIPLY, Operator.MINIMUM, Operator.MAXIMUM, Operator.EQUAL, Operator.AND, Operator.OR)
)
_NESTED = frozenset((Operator.ADD, Operator.MULTIPLY, Operator.AND, Operator.OR))  # that can be flattened
_CHOICES = ("choices", 0)  # what a statement that chooses stores: it keeps its place


class Sort(Enum):
    """What a permutation moves."""

    VARIABLE = "variable"
    TIMER = "timer"
    LANE = "lane"
    EVENT = "event"
    NAME = "name"


@record
class Renaming:
    """Where each variable, timer, lane, event and name of an identity goes, by its number."""

    variables: tuple[int, ...]
    timers: tuple[int, ...]
    lanes: tuple[int, ...]
    events: tuple[int, ...]
    names: tuple[int, ...] = ()

    def after(self, first: Renaming) -> Renaming:
        """Both: ``first``, then this one."""
        return Renaming(
            tuple(self.variables[i] for i in first.variables),
            tuple(self.timers[i] for i in first.timers),
            tuple(self.lanes[i] for i in first.lanes),
            tuple(self.events[i] for i in first.events),
            tuple(self.names[i] for i in first.names),
        )


@record
class Node:
    """``items``: numbers of others, in an order that says nothing if ``bag``. A leaf that is moved: its sort and number."""

    label: Hashable
    items: tuple[int, ...] = ()
    bag: bool = False


@dataclass(slots=True)
class Table:
    """The numbers of nodes; equal nodes have equal numbers."""

    nodes: list[Node] = field(default_factory=list)
    numbers: dict[Node, int] = field(default_factory=dict)

    def number(self, label: Hashable, items: Iterable[int] = (), *, bag: bool = False) -> int:
        """The number of a node."""
        node = Node(label, tuple(sorted(items) if bag else items), bag)
        if node not in self.numbers:
            self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[node]


class Reader:
    """Reads a system, with what is asked of it, into a table, under any renaming."""

    def __init__(self, system: System, asked: Sequence[Expression], groups: Sequence[Sequence[int]] = ()) -> None:
        """``asked``: predicates, each of which is to stay itself; so are the groups, of steps."""
        self.table = Table()
        self.system = system
        self.asked = asked
        self.groups = [tuple(g for g, group in enumerate(groups) if i in group) for i in range(len(system.steps))]
        self.kinds = _kinds(system)
        self.identities = identities_in(system, list(asked), self.kinds)
        self.name = {name: i for i, name in enumerate(self.identities.names)}
        self.parts = _parts(system) if system.atomic else []
        self._levels: dict[int, tuple[Block, list[list[Statement]]]] = {}

    def unchanged(self) -> Renaming:
        """The renaming that moves nothing."""
        system = self.system
        parts = (system.variables, system.timers, system.lanes, system.events, self.identities.names)
        return Renaming(*(tuple(range(len(part))) for part in parts))

    def roots(self, renaming: Renaming) -> Counter[int]:
        """The numbers of everything that makes the system what it is, and of what is asked, with all items renamed."""
        reading = _Reading(self, renaming)
        number = self.table.number
        steps = [reading.step(at) for at in range(len(self.system.steps))]
        found: Counter[int] = Counter()
        families: dict[int, list[int]] = {}
        for at, (family, _) in enumerate(self.identities.names):
            families.setdefault(family, []).append(reading.item(Sort.NAME, at))
        found.update(number("family", names, bag=True) for names in families.values())
        for at, variable in enumerate(self.system.variables):
            can = reading.range_of(("variable", at), variable.domain)
            found[number("variable", (reading.item(Sort.VARIABLE, at), can))] += 1
        for at, timer in enumerate(self.system.timers):
            found[number(("timer", timer.maximum), (reading.item(Sort.TIMER, at),))] += 1
        for at in range(len(self.system.lanes)):
            found[reading.lane(at)] += 1
        for at in range(len(self.system.events)):
            found[number("event", (reading.item(Sort.EVENT, at),))] += 1
        reacting = {step for part in self.parts for unit in part for step in unit}
        found.update(number("step", (steps[i],)) for i in range(len(steps)) if i not in reacting)
        for part in self.parts:
            units = [number("unit", (steps[i] for i in unit)) for unit in part]
            found[number("reactions", units)] += 1
        for at, predicate in enumerate(self.asked):
            found[number(("asked", at), (reading.expression(predicate),))] += 1
        return found

    def levels(self, block: Block) -> list[list[Statement]]:
        """A block in Foata's normal form: each statement as early as what it depends on allows."""
        if id(block) not in self._levels:
            made: list[list[Statement]] = []
            where: list[tuple[Footprint, int]] = []
            for statement in block:
                if isinstance(statement, Mark):
                    continue
                print_ = footprint((statement,), self.system)
                level = 1 + max((at for other, at in where if print_.depends_on(other)), default=-1)
                where.append((print_, level))
                if level == len(made):
                    made.append([])
                made[level].append(statement)
            self._levels[id(block)] = block, made
        return self._levels[id(block)][1]


class _Reading:
    """A system read under one renaming."""

    def __init__(self, reader: Reader, renaming: Renaming) -> None:
        self.reader = reader
        self.system = reader.system
        self.number = reader.table.number
        self.to = {
            Sort.VARIABLE: renaming.variables,
            Sort.TIMER: renaming.timers,
            Sort.LANE: renaming.lanes,
            Sort.EVENT: renaming.events,
            Sort.NAME: renaming.names,
        }
        self.known: dict[tuple[int, int, int | None], tuple[Expression, int]] = {}
        self.families = reader.identities.families
        self.at = -1  # the step that is read
        self.taken: int | None = None  # the lane whose message slot 0 tells the kind of

    def item(self, sort: Sort, at: int) -> int:
        """A leaf."""
        return self.number((sort, self.to[sort][at]))

    def lane(self, at: int) -> int:
        """A lane: all of it but its ends and its names."""
        lane = self.system.lanes[at]
        messages = [
            self.number("message", [self.range_of(("field", at, i), f.domain) for i, f in enumerate(fields)])
            for fields in (self.system.messages[kind].fields for kind in self.reader.kinds[at])
        ]
        label = ("lane", lane.capacity, lane.minimum, lane.maximum, lane.order, lane.when_full)
        return self.number(label, (self.item(Sort.LANE, at), self.expression(lane.open), *messages))

    def range_of(self, cell: Cell, domain: Domain) -> int:
        """What a cell can hold: any of its domain, or certain names."""
        if cell not in self.families:
            return self.number(("any of", domain.low, domain.high))
        return self.number("one of", (self.name(cell, value) for value in self.reader.identities.held[cell]), bag=True)

    def name(self, cell: Cell, value: int) -> int:
        """What a cell calls a value."""
        return self.item(Sort.NAME, self.reader.name[self.families[cell], value])

    def step(self, at: int) -> int:
        """A step: whether it is a reaction, its groups, what it takes, its guard, its urgency and its body."""
        step: Step = self.system.steps[at]
        self.at = at
        take: tuple[int, ...] = ()
        label: tuple[Any, ...] = ("a step", step.kind is StepKind.REACTION, self.reader.groups[at])
        if step.take is not None:
            stored = nodes(step.body)
            bound = any(isinstance(x, Bind | Choose) and x.slot == 0 for x in stored)
            self.taken = None if bound else step.take.lane
            take = (self.item(Sort.LANE, step.take.lane),)
            kinds = self.reader.kinds[step.take.lane] if bound else ()
            label = (*label, step.take.taking, kinds)
        parts = (self.expression(step.guard), self.expression(step.urgent), self.block(step.body))
        self.taken, self.at = None, -1
        return self.number(label, (*parts, *take))

    # ---- expressions

    def expression(self, e: Expression) -> int:
        """An expression."""
        key = id(e), self.at, self.taken
        if key not in self.known:
            self.known[key] = e, self._expression(e)  # which keeps what the identity is of
        return self.known[key][1]

    def _expression(self, e: Expression) -> int:
        match e:
            case Constant(value):
                return self.number(("constant", value))
            case Read(variable):
                return self.item(Sort.VARIABLE, variable)
            case Rigid(parameter):
                return self.number(("parameter", parameter))
            case Local(slot):
                kinds = () if slot or self.taken is None else self.reader.kinds[self.taken]
                return self.number(("local", slot, kinds))
            case TimerIs(timer, status):
                return self.number(("timer is", status), (self.item(Sort.TIMER, timer),))
            case Count(lane):
                return self.number("count", (self.item(Sort.LANE, lane),))
            case Due(lane):
                return self.number("due", (self.item(Sort.LANE, lane),))
            case Occurred(event):
                return self.number("occurred", (self.item(Sort.EVENT, event),))
            case Apply(operator, arguments):
                return self._applied(operator, arguments)
            case _:
                assert_never(e)

    def _applied(self, operator: Operator, arguments: tuple[Expression, ...]) -> int:
        match operator, arguments:
            case Operator.EQUAL, ((Local(0), Constant(kind)) | (Constant(kind), Local(0))) if self.taken is not None:
                return self.number(("kind", self._rank(self.taken, kind)))
            case Operator.EQUAL, (left, right):
                cell = self._cell(left) or self._cell(right)
                if cell is not None:
                    return self.number(operator, (self.stored(cell, left), self.stored(cell, right)), bag=True)
            case _:
                pass
        given = [self.expression(a) for a in arguments]
        if operator in _NESTED:
            nodes_ = self.reader.table.nodes
            given = [x for g in given for x in (nodes_[g].items if nodes_[g].label is operator else (g,))]
        if operator in (Operator.AND, Operator.OR):
            given = list(dict.fromkeys(given))
        return self.number(operator, given, bag=operator in _COMMUTING)

    def _cell(self, e: Expression) -> Cell | None:
        """A cell that holds identities, of those that an expression can be the value of."""
        match e:
            case Read(variable):
                cell: Cell = ("variable", variable)
            case Local(slot):
                cell = ("slot", self.at, slot)
            case Apply(Operator.IF, (_, then, otherwise)):
                return self._cell(then) or self._cell(otherwise)
            case _:
                return None
        return cell if cell in self.families else None

    def stored(self, cell: Cell, e: Expression) -> int:
        """An expression as a value of a cell, or as compared with one: a constant is a name if the cell holds identities."""
        match e:
            case Constant(value) if cell in self.families:
                return self.name(cell, value)
            case Apply(Operator.IF, (condition, then, otherwise)) if cell in self.families:
                parts = (self.expression(condition), self.stored(cell, then), self.stored(cell, otherwise))
                return self.number(Operator.IF, parts)
            case _:
                return self.expression(e)

    def _rank(self, lane: int, kind: int) -> int:
        """The number of a kind among those of a lane; -1 if it is never there."""
        kinds = self.reader.kinds[lane]
        return kinds.index(kind) if kind in kinds else -1

    # ---- statements

    def block(self, block: Block) -> int:
        """A block, level by level."""
        levels = self.reader.levels(block)
        return self.number("block", [self.number("level", map(self.statement, level), bag=True) for level in levels])

    def statement(self, statement: Statement) -> int:
        """A statement."""
        number = self.number
        match statement:
            case Assign(variable, value):
                return number("assign", (self.item(Sort.VARIABLE, variable), self.stored(("variable", variable), value)))
            case Start(timer, ticks):
                return number("start", (self.item(Sort.TIMER, timer), self.expression(ticks)))
            case Stop(timer):
                return number("stop", (self.item(Sort.TIMER, timer),))
            case Send(lane, message, fields):
                label = ("send", self._rank(lane, message))
                said = [self.stored(("field", lane, i), e) for i, e in enumerate(fields)]
                return number(label, (self.item(Sort.LANE, lane), *said))
            case Duplicate(lane):
                return number("duplicate", (self.item(Sort.LANE, lane),))
            case Clear(lane):
                return number("clear", (self.item(Sort.LANE, lane),))
            case Bind(slot, value):
                return number(("bind", slot), (self.stored(("slot", self.at, slot), value),))
            case If(condition, then, otherwise):
                return number("if", (self.expression(condition), self.block(then), self.block(otherwise)))
            case Choose(slot, low, high, where):
                return number(("choose", slot, low, high), (self.expression(where),))
            case Either(branches):
                return number("either", map(self.block, branches))
            case Occur(event):
                return number("occurs", (self.item(Sort.EVENT, event),))
            case Mark():
                return number("mark")
            case _:
                assert_never(statement)


# ---- what statements and reactions have to do with each other


Place = tuple[Hashable, int]


@record
class Footprint:
    """What is read and what is stored."""

    reads: frozenset[Place]
    stores: frozenset[Place]

    def depends_on(self, other: Footprint) -> bool:
        """Whether their order may say something."""
        if _CHOICES in self.stores or _CHOICES in other.stores:
            return True
        return not (
            self.stores.isdisjoint(other.stores)
            and self.stores.isdisjoint(other.reads)
            and self.reads.isdisjoint(other.stores)
        )


def footprint(block: Block, system: System, *asked: Expression) -> Footprint:  # noqa: C901 - one case for each statement
    """That of a block, and of expressions that are looked at before."""
    reads: set[Place] = set()
    stores: set[Place] = set()

    def look(*expressions: Expression) -> None:
        for node in nodes(expressions):
            match node:
                case Read(variable):
                    reads.add((Sort.VARIABLE, variable))
                case TimerIs(timer):
                    reads.add((Sort.TIMER, timer))
                case Count(lane) | Due(lane):
                    reads.add((Sort.LANE, lane))
                case Local(slot):
                    reads.add(("slot", slot))
                case _:
                    pass

    def run(inner: Block) -> None:
        for statement in inner:
            match statement:
                case Assign(variable, value):
                    look(value)
                    stores.add((Sort.VARIABLE, variable))
                case Start(timer, ticks):
                    look(ticks)
                    stores.add((Sort.TIMER, timer))
                case Stop(timer):
                    stores.add((Sort.TIMER, timer))
                case Send(lane, _, fields):
                    look(system.lanes[lane].open, *fields)
                    stores.add((Sort.LANE, lane))
                case Duplicate(lane) | Clear(lane):
                    stores.add((Sort.LANE, lane))
                case Bind(slot, value):
                    look(value)
                    stores.add(("slot", slot))
                case If(condition, then, otherwise):
                    look(condition)
                    run(then)
                    run(otherwise)
                case Choose(slot, _, _, where):
                    look(where)
                    stores.update((("slot", slot), _CHOICES))
                case Either(branches):
                    stores.add(_CHOICES)
                    for branch in branches:
                        run(branch)
                case Occur() | Mark():
                    pass
                case _:
                    assert_never(statement)

    look(*asked)
    run(block)
    return Footprint(frozenset(reads), frozenset(stores))


def _parts(system: System) -> list[list[list[int]]]:
    """The connected parts of the atomic reactions: of each, its reactions unit by unit, in their order."""
    reactions = [i for i, step in enumerate(system.steps) if step.kind is StepKind.REACTION]
    prints = {}
    for i in reactions:
        whole = footprint(system.steps[i].body, system, system.steps[i].guard)
        prints[i] = Footprint(*(frozenset(p for p in x if p[0] != "slot") for x in (whole.reads, whole.stores)))
    part = {i: i for i in reactions}
    for i in reactions:
        for j in reactions:
            if j < i and part[i] != part[j] and prints[i].depends_on(prints[j]):
                gone, kept = part[i], part[j]
                part |= {k: kept for k, p in part.items() if p == gone}
    made: dict[int, dict[int | None, list[int]]] = {}
    for i in sorted(reactions, key=lambda i: (system.steps[i].unit or 0, i)):
        made.setdefault(part[i], {}).setdefault(system.steps[i].unit, []).append(i)
    return [list(units.values()) for units in made.values()]


def _kinds(system: System) -> list[tuple[int, ...]]:
    """Of each lane, the kinds of messages that some step puts there, in order."""
    found: list[set[int]] = [set() for _ in system.lanes]
    for node in nodes((system.initially, *(s.body for s in system.steps))):
        if isinstance(node, Send):
            found[node.lane].add(node.message)
    return [tuple(sorted(kinds)) for kinds in found]
