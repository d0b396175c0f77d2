"""A part of a system: some of its variables, timers and lanes, and what its steps store in them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import replace

from verify.base.record import record
from verify.passes.cones import Item, items_in, plain_guard, target
from verify.passes.narrowing import mapped
from verify.system.domain import Boolean
from verify.system.expression import (
    FALSE,
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
    conjunction,
    disjunction,
    negation,
)
from verify.system.property import Form, Never, NeverLonger, Possible, Within
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
    Send,
    Start,
    Statement,
    Stop,
    statements,
)
from verify.system.system import Step, StepKind, System, Taking, Variable, WhenFull
from verify.system.wellformed import nodes

LIMITED = (WhenFull.ERROR, WhenFull.WAIT)  # a message too many is an error
_OVER = Variable("over", Boolean(), 0)  # whether a lane was too full: what that means is asked elsewhere
_WORD = re.compile(r"\b([vtl])(\d+)(?=_|\b)")


@record
class Part:
    """A smaller question. ``variables``, ``timers``, ``lanes``: the numbers that its own have in the whole system."""

    system: System
    form: Form
    variables: tuple[int, ...]
    timers: tuple[int, ...]
    lanes: tuple[int, ...]

    def in_words_of_the_whole(self, text: str) -> str:
        """A formula about the part, in the words of certificates, as one about the whole system."""
        numbers = {"v": self.variables, "t": self.timers, "l": self.lanes}

        def word(found: re.Match[str]) -> str:
            kind, number = found[1], int(found[2])
            if number == len(numbers[kind]):
                return "0"  # nothing is over in the whole
            return f"{kind}{numbers[kind][number]}"

        return _WORD.sub(word, text)

    @property
    def size(self) -> int:
        """How much it is about."""
        return len(self.variables) + len(self.timers) + len(self.lanes)


def projected(system: System, steps: Iterable[Step], form: Form, cone: set[Item], strict: Container[Item]) -> Part:
    """The part of a system that is about ``cone``, and the form about it.

    ``strict``: the lanes that are an error here when they are too full; with others it is over.
    """
    return _Projection(system, cone, strict).part(steps, form)


class _Projection:
    def __init__(self, system: System, cone: set[Item], strict: Container[Item]) -> None:
        self.system = system
        self.cone = cone
        self.kept = {kind: tuple(sorted(n for k, n in cone if k == kind)) for kind in ("variable", "timer", "lane")}
        self.numbers = {(kind, old): new for kind, olds in self.kept.items() for new, old in enumerate(olds)}
        full = {n for n in self.kept["lane"] if system.lanes[n].when_full in LIMITED}
        self.lenient = {n for n in full if ("lane", n) not in strict}
        self.over = len(self.kept["variable"])

    def part(self, steps: Iterable[Step], form: Form) -> Part:
        """What the form and these steps are about."""
        system, kept = self.system, self.kept
        variables = [replace(system.variables[i], instance=None) for i in kept["variable"]]
        small = replace(
            system,
            instances=(),
            variables=(*variables, *([_OVER] if self.lenient else [])),
            timers=tuple(replace(system.timers[i], instance=None) for i in kept["timer"]),
            lanes=tuple(replace(system.lanes[n], open=self.gate(n)) for n in kept["lane"]),
            rules=(),
            steps=tuple(self.step(s) for s in steps if self.matters(s)),
            fairness=(),
            units=(),
            atomic=False,
            initially=self.block(system.initially),
        )
        asked: Form = mapped(form, self.renamed)
        return Part(small, _until_over(asked, self.over) if self.lenient else asked, *kept.values())

    def there(self, step: Step) -> bool:
        """Whether the step takes a message from a lane of the part."""
        return step.take is not None and ("lane", step.take.lane) in self.cone

    def matters(self, step: Step) -> bool:
        """Whether the step changes anything in the part."""
        takes = step.take is not None and step.take.taking is not Taking.COPY and self.there(step)
        return takes or any(target(s) in self.cone for s in statements(step.body))

    def step(self, step: Step) -> Step:
        """What the step does in the part."""
        made = replace(step, body=self.block(step.body), instance=None, unit=None)
        if made.take is not None and self.there(step):
            made = replace(made, take=replace(made.take, lane=self.numbers["lane", made.take.lane]))
        elif made.take is not None:
            made = _free(made, self.system)
        going = negation(Read(self.over)) if self.lenient else TRUE
        return replace(made, guard=conjunction(going, self.renamed(made.guard)), urgent=self.renamed(made.urgent))

    def renamed(self, e: Expression) -> Expression:
        """An expression with the numbers of the part."""
        match e:
            case Read(variable):
                return Read(self.numbers["variable", variable])
            case TimerIs(timer, status):
                return TimerIs(self.numbers["timer", timer], status)
            case Count(lane):
                return Count(self.numbers["lane", lane])
            case Due(lane):
                return Due(self.numbers["lane", lane])
            case Apply(operator, arguments):
                return Apply(operator, tuple(map(self.renamed, arguments)))
            case _:
                return e

    def block(self, whole: Block) -> Block:
        """What a block stores in the part."""
        return tuple(made for s in whole if (made := self.one(s)) is not None)

    def one(self, s: Statement) -> Statement | None:
        """What a statement stores in the part, if anything."""
        item = target(s)
        if isinstance(s, Mark) or (item is not None and item not in self.cone):
            return None
        match s:
            case If(condition, then, otherwise):
                inner = self.block(then), self.block(otherwise)
                return If(self.renamed(condition), *inner) if any(inner) else None
            case Either(branches):
                made = tuple(map(self.block, branches))
                return Either(made) if any(made) else None
            case Send(lane) | Duplicate(lane) if lane in self.lenient:
                return If(self.room(lane), (self.renumbered(s),), (Assign(self.over, TRUE),))
            case _:
                return self.renumbered(s)

    def renumbered(self, statement: Statement) -> Statement:
        """A statement that stores in something, with the numbers of the part."""
        made: Statement = mapped(statement, self.renamed)
        match made:
            case Assign(variable):
                return replace(made, variable=self.numbers["variable", variable])
            case Start(timer) | Stop(timer):
                return replace(made, timer=self.numbers["timer", timer])
            case Send(lane) | Duplicate(lane) | Clear(lane):
                return replace(made, lane=self.numbers["lane", lane])
            case _:
                return made

    def gate(self, lane: int) -> Expression:
        """Whether the lane is open; if the part does not know, nothing is sent there."""
        open_ = self.system.lanes[lane].open
        return self.renamed(open_) if items_in(open_) <= self.cone else TRUE

    def room(self, lane: int) -> Expression:
        """Whether one more message is no error."""
        fits = Apply(Operator.LESS, (Count(self.numbers["lane", lane]), Constant(self.system.lanes[lane].capacity)))
        return disjunction(negation(self.gate(lane)), fits)


def _until_over(form: Form, over: int) -> Form:
    """The form, of which nothing is asked once that variable is true."""
    going = negation(Read(over))
    match form:
        case Never(bad):
            return Never(conjunction(going, bad))
        case NeverLonger(bad, bound):
            return NeverLonger(conjunction(going, bad), bound)
        case Possible(good):
            return Possible(conjunction(going, good))
        case Within(trigger, response, bound):
            begun = None if trigger is None else conjunction(going, trigger)
            return Within(begun, disjunction(Read(over), response), bound)
        case _:
            return form


def _free(step: Step, system: System) -> Step:
    """The step at any time, with any message that there can be: what it takes from does not matter here."""
    width = max((len(m.fields) for m in system.messages), default=0)
    used = sorted({n.slot for n in nodes(step.body) if isinstance(n, Local) and n.slot <= width})
    bound = {s.slot for s in statements(step.body) if isinstance(s, Bind | Choose)}
    any_: list[Statement] = []
    for slot in used:
        if slot in bound:
            continue
        low, high = 0, len(system.messages) - 1
        if slot:
            domains = [m.fields[slot - 1].domain for m in system.messages if len(m.fields) >= slot]
            low, high = min(d.low for d in domains), max(d.high for d in domains)
        any_.append(Choose(slot, low, high, TRUE))
    return replace(
        step, kind=StepKind.ENVIRONMENT, take=None, guard=plain_guard(step), urgent=FALSE, body=(*any_, *step.body)
    )
