"""Bodies as formulas: what a step stores becomes the next values, its choices ways through the formula, its checks ``Assert``.

A body is followed from its first statement to its last. What it stores is kept as terms over the state before; where a value is
long and needed again, LET gives it a name. At a choice, and at an ``if`` behind which nothing is left to do, the formula divides,
and each part goes on by itself. TLC finds a successor for each way through the formula: those are our transitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from verify.base.record import record
from verify.export.paths import MOST, NotExported, chooses
from verify.export.tla.bounds import Bounds, bounds
from verify.export.tla.lanes import Lanes
from verify.export.tla.layout import Lines, both, conditional, folded, hanging, letting, listed, spread
from verify.export.tla.names import NUMBER, TRUTH, Names, Sort, plain, quoted, sort_of
from verify.export.tla.states import EVENTS, LANE, TIMER, VARIABLE, Message, Place, Values
from verify.export.tla.terms import ATOM, COMPARED, LOGIC, NOT, OPEN, Term, Terms, negated, number
from verify.system.domain import Domain
from verify.system.expression import (
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Operator,
    Read,
    TimerIs,
    conjuncts,
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
from verify.system.system import System

SHORT = 24  # characters of a term that is written again rather than named


@record
class Store:
    """Where a value goes: what fits there, and what it is called, in full and in short."""

    low: int
    high: int
    sort: Sort
    subject: str
    label: str

    @staticmethod
    def of(domain: Domain, subject: str, label: str) -> Store:
        """A place that holds the values of a domain."""
        return Store(domain.low, domain.high, sort_of(domain), subject, label)


@dataclass(slots=True)
class Part:
    """What stands between two divisions of a formula: names, and conjuncts in their order."""

    named: list[tuple[str, str]] = field(default_factory=list)
    items: list[Lines] = field(default_factory=list)


@dataclass(slots=True)
class Body:
    """The body of one step."""

    system: System
    names: Names
    terms: Terms
    lanes: Lanes
    events: frozenset[int]  # those that the property asks for
    given: frozenset[Expression] = frozenset()  # what the guard says of the state before
    taken: str = ""  # the place of the message taken, in a lane that keeps it
    fields: dict[int, Bounds] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    ways: int = 0

    def formula(self, block: Block, values: Values) -> Lines:
        """The whole body over the state before."""
        return self.follow(list(block), values)

    def follow(self, waiting: list[Statement], values: Values) -> Lines:
        """What is left of a body, from a state on."""
        part = Part()
        while waiting:
            statement, *waiting = waiting
            match statement:
                case If(condition, then, otherwise):
                    test = self.test(condition, values, part)
                    if test.value is not None:
                        waiting = [*(then if test.value else otherwise), *waiting]
                    elif chooses(statement) or not any(map(self.counts, waiting)):
                        return self.joined(part, self.divided(test, statement, waiting, values))
                    else:
                        self.run(statement, values, part, None)
                case Choose():
                    return self.joined(part, self.chosen(statement, waiting, values, part))
                case Either(branches):
                    ways = [self.follow([*branch, *waiting], values.copy()) for branch in branches]
                    return self.joined(part, self.either(ways))
                case _:
                    self.run(statement, values, part, None)
        self.ways += 1
        if self.ways > MOST:
            raise NotExported(f"more than {MOST:,} ways through one step")
        return self.end(part, values)

    def counts(self, statement: Statement) -> bool:
        """Whether a statement does anything."""
        return not isinstance(statement, Mark) and not (isinstance(statement, Occur) and statement.event not in self.events)

    def test(self, condition: Expression, values: Values, part: Part) -> Term:
        """A condition of an ``if``: known where the guard has said the same, and nothing in it has changed since."""
        known = frozenset() if values.locals else self.given
        left = [p for p in conjuncts(condition) if p not in known or not _reads(p).isdisjoint(values.stored)]
        return self.terms.joined(Operator.AND, [self.holding(p, values, part) for p in left])

    def divided(self, test: Term, statement: If, waiting: list[Statement], values: Values) -> Lines:
        """An ``if`` from which both branches go on by themselves."""
        one, other = values.copy(), values.copy()
        match statement.condition:
            case Apply(Operator.EQUAL, (Local(0), Constant(kind))) if isinstance(one.message, Message) and 0 not in one.locals:
                one.message = one.message.known(kind)
        then = self.follow([*statement.then, *waiting], one)
        otherwise = self.follow([*statement.otherwise, *waiting], other)
        return conditional(test.text, then, otherwise)

    def chosen(self, statement: Choose, waiting: list[Statement], values: Values, part: Part) -> Lines:
        """A choice among numbers: some, or an error."""
        name = self.fresh("choice")
        inner = values.copy()
        inner.locals[statement.slot] = Term(name)
        every = f"\\E {name} \\in {statement.low}..{statement.high} :"
        if statement.where == TRUE:
            return [every, *hanging("  ", self.follow(waiting, inner))]
        where = self.holding(statement.where, inner, part)
        part.items.append([f"Assert({every} {where.text}, {quoted('an empty choice')})"])
        rest = self.follow(waiting, inner)
        return [every, *hanging("  ", both([[guard(where)]], rest))]

    # ---- the ends, which differ between steps and reactions

    def joined(self, part: Part, last: Lines) -> Lines:
        """What stands before a division, and what comes of it."""
        return letting(part.named, both(part.items, last))

    def either(self, ways: Sequence[Lines]) -> Lines:
        """Several ways to go on."""
        return listed(ways, "\\/") if ways else ["FALSE"]

    def end(self, part: Part, values: Values) -> Lines:
        """What a way comes to."""
        raise NotImplementedError

    # ---- statements without choices

    def run(self, statement: Statement, values: Values, part: Part, when: Term | None) -> None:
        """Store what a statement does; ``when``: under which condition it is met."""
        match statement:
            case Assign(variable, value):
                known = self.system.variables[variable]
                store = Store.of(known.domain, known.name, self.label((VARIABLE, variable)))
                values.stored[VARIABLE, variable] = self.checked(value, values, part, when, store)
            case Start(timer, ticks):
                clock = self.system.timers[timer]
                store = Store(0, clock.maximum, NUMBER, clock.name, self.label((TIMER, timer)))
                term = self.checked(ticks, values, part, when, store)
                values.stored[TIMER, timer] = Term("Expired", value=0) if term.value == 0 else term
            case Stop(timer):
                values.stored[TIMER, timer] = Term("Stopped", value=-1)
            case Bind(slot, value):
                values.locals[slot] = self.named(self.evaluated(value, values, part), "value", part)
            case Send():
                self.send(statement, values, part, when)
            case Duplicate(lane):
                self.duplicate(lane, values, part, when)
            case Clear(lane):
                values.stored[LANE, lane] = Term("EmptyBag" if self.lanes.bag(lane) else "<<>>")
            case If():
                self.merge(statement, values, part, when)
            case Occur(event):
                if event in self.events:
                    self.occur(self.names.events[event], values)
            case Mark(rule):
                self.remark(rule, part)
            case Choose() | Either():
                message = "choices divide the formula"
                raise TypeError(message)

    def occur(self, event: str, values: Values) -> None:
        """One more event of this step."""
        before = values.read(EVENTS)
        text = f"{{{event}}}" if before.text == "{}" else f"{before.at(ATOM)} \\cup {{{event}}}"
        values.stored[EVENTS] = Term(text, level=ATOM if before.text == "{}" else COMPARED)

    def remark(self, rule: int, part: Part) -> None:
        """A remark that tells the rule, with its clauses."""
        known = self.system.rules[rule]
        cited = "".join(f"  [{plain(f'{c.reference} {c.clause}')}]" for c in known.citations)
        remark = [f"\\* {plain(known.text)}{cited}"]
        if remark not in part.items:
            part.items.append(remark)

    def checked(self, e: Expression, values: Values, part: Part, when: Term | None, store: Store) -> Term:
        """A value of a store: named, and checked where it might not fit."""
        term = self.evaluated(e, values, part)
        low, high = store.low, store.high
        within = bounds(e, self.system, {} if values.locals else self.fields)
        if within is None or within[0] < low or high < within[1]:
            term = self.named(self.terms.number(term), store.label, part)
            fits = Term(f"{term.text} \\in {number(low).text}..{number(high).text}", TRUTH, COMPARED)
            self.demand(fits, when, f"{store.subject} leaves {low}..{high}", part)
            if term.value is not None and not low <= term.value <= high:
                return Term(quoted("never"), store.sort)
        return self.terms.stored(term, store.sort)

    def demand(self, condition: Term, when: Term | None, message: str, part: Part) -> None:
        """What has to be so, or an error ends the run."""
        text = condition.text if when is None else f"{when.at(NOT)} => {condition.at(NOT)}"
        part.items.append([f"Assert({text}, {quoted(message)})"])

    def merge(self, statement: If, values: Values, part: Part, when: Term | None) -> None:
        """An ``if`` that is followed by more: each value that a branch stores becomes one with IF."""
        test = self.test(statement.condition, values, part)
        if test.value is not None:
            for each in statement.then if test.value else statement.otherwise:
                self.run(each, values, part, when)
            return
        test = self.named(test, "holds", part)
        one, other = values.copy(), values.copy()
        for known, block, holds in ((one, statement.then, test), (other, statement.otherwise, negated(test))):
            under = holds if when is None else self.named(self.terms.joined(Operator.AND, [when, holds]), "holds", part)
            for each in block:
                self.run(each, known, part, under)
        for place in sorted({**one.stored, **other.stored}):
            a, b = one.read(place), other.read(place)
            if a != b:
                made = self.either_value(place, test, a, b)
                values.stored[place] = self.named(made, self.label(place), part)
            else:
                values.stored[place] = a
        for slot in sorted({**one.locals, **other.locals}):
            made = self.terms.conditional(test, one.local(slot), other.local(slot))
            values.locals[slot] = self.named(made, "value", part)

    def either_value(self, place: Place, test: Term, a: Term, b: Term) -> Term:
        """One value or the other."""
        if place[0] == VARIABLE:
            sort = sort_of(self.system.variables[place[1]].domain)
            a, b = self.terms.stored(a, sort), self.terms.stored(b, sort)
        return Term(f"IF {test.text} THEN {a.at(LOGIC)} ELSE {b.text}", a.sort, OPEN)

    def label(self, place: Place) -> str:
        """What a value that goes to a place is called."""
        match place:
            case ("variable", index):
                return self.names.variables[index][1]
            case ("timer", index):
                return self.names.timers[index][1]
            case ("lane", index):
                return self.names.lanes[index]
            case _:
                return "events"

    def named(self, term: Term, label: str, part: Part) -> Term:
        """A name for a term that is needed again, unless it is short."""
        if term.value is not None or (term.level == ATOM and len(term.text) <= SHORT):
            return term
        name = self.fresh(label)
        part.named.append((name, term.text))
        return Term(name, term.sort)

    def fresh(self, label: str) -> str:
        """A name that means nothing yet, in the module and in this step."""
        number_ = 1
        while f"{label}_{number_}" in self.used or f"{label}_{number_}" in self.names.taken:
            number_ += 1
        self.used.add(f"{label}_{number_}")
        return f"{label}_{number_}"

    def evaluated(self, e: Expression, values: Values, part: Part) -> Term:
        """An expression; what it reads of what the body has stored gets a name first."""
        for place in sorted(_reads(e) & values.stored.keys()):
            values.stored[place] = self.named(values.stored[place], self.label(place), part)
        return self.terms.term(e, values)

    def holding(self, e: Expression, values: Values, part: Part) -> Term:
        """A condition."""
        return self.terms.truth(self.evaluated(e, values, part))

    # ---- lanes

    def send(self, statement: Send, values: Values, part: Part, when: Term | None) -> None:
        """A message enters a lane, unless that is not open."""
        lane = statement.lane
        opened = self.holding(self.system.lanes[lane].open, values, part)
        if opened.value is not None and not opened.value:
            return
        under = when
        if opened.value is None:
            opened = self.named(opened, "open", part)
            under = opened if when is None else self.named(self.terms.joined(Operator.AND, [when, opened]), "open", part)
        message = self.system.messages[statement.message]
        terms = []
        for e, known in zip(statement.fields, message.fields, strict=True):
            store = Store.of(known.domain, f"{message.name}.{known.name}", "value")
            terms.append(self.checked(e, values, part, under, store))
        held = self.named(values.lane(lane), self.names.lanes[lane], part)
        self.roomy(lane, held, part, under)
        after = self.lanes.entered(lane, held, self.lanes.made(statement.message, terms))
        if opened.value is None:
            after = Term(f"IF {opened.text} THEN {after.at(LOGIC)} ELSE {held.text}", level=OPEN)
        values.stored[LANE, lane] = after

    def duplicate(self, lane: int, values: Values, part: Part, when: Term | None) -> None:
        """A copy of the message taken, right behind it."""
        if (LANE, lane) in values.stored:
            raise NotExported("a duplicate of a message in a lane that the same step has changed before")
        held = values.lane(lane)
        self.roomy(lane, held, part, when)
        after = self.lanes.entered(lane, held, "msg", f"{self.taken} + 1")
        values.stored[LANE, lane] = after

    def roomy(self, lane: int, held: Term, part: Part, when: Term | None) -> None:
        """Where a full lane is an error, that it is not full."""
        if self.lanes.fails_full(lane):
            room = Term(self.lanes.room(lane, held), TRUTH, COMPARED)
            self.demand(room, when, f"{self.system.lanes[lane].name} is full", part)


def guard(term: Term) -> str:
    """A condition as a conjunct of an action: TLC must not take its disjuncts for different ways."""
    return f"Holds({term.text})" if term.branching else term.text


def updated(values: Values, places: Iterable[Place]) -> dict[str, list[str]]:
    """For each variable of the module that a body has changed, how: parts of an EXCEPT, or one whole value."""
    names = values.names
    found: dict[str, list[str]] = {}
    order = {VARIABLE: 0, TIMER: 1}
    for place in sorted(places, key=lambda p: (order.get(p[0], 2), p)):
        if place not in values.stored or (place != EVENTS and values.stored[place] == values.before(place)):
            continue
        text = values.stored[place].text
        match place:
            case ("variable", index):
                group, name = names.variables[index]
            case ("timer", index):
                group, name = names.timers[index]
            case ("lane", index):
                found[names.lanes[index]] = [text]
                continue
            case _:
                found["occurred"] = [text]
                continue
        found.setdefault(group, []).append(f"!.{name} = {text}")
    return found


def after(variable: str, base: str, parts: Sequence[str], start: str = "") -> Lines:
    """The new value of a variable of the module."""
    if parts[0].startswith("!."):
        return spread(f"{start}[{base}{variable} EXCEPT ", parts, "]")
    return folded(f"{start}{parts[0]}")


def _reads(e: Expression) -> set[Place]:
    match e:
        case Read(variable):
            return {(VARIABLE, variable)}
        case TimerIs(timer):
            return {(TIMER, timer)}
        case Count(lane) | Due(lane):
            return {(LANE, lane)}
        case Apply(_, arguments):
            return set().union(*map(_reads, arguments))
        case _:
            return set()


__all__ = ["Body", "Part", "after", "guard", "updated"]
