"""A question of safety in parts that are smaller, and together are enough.

**What it keeps.** If every part holds, the question does: the invariants of the parts, taken together, are one of the system,
and so the sum of their ranks is a rank. A part that does not hold says nothing.

**Which.** ``never (A or B)`` is asked as ``never A`` and ``never B``. A step with which A begins to hold is the last of its
run: it is asked about in the part of A alone, and nothing that it stores besides matters. Without such steps others are
impossible: a victim that never leads sends nothing. Of those that are left, a part has what its predicate sees, and all that
is stored in that, by whatever step under whatever condition; what a step stores elsewhere is left out. So each step of the
system is one of the part, or changes nothing in it, or is impossible as long as the parts hold; and a tick that the system
allows the part allows as well. Errors belong to what is stored: what no predicate sees but is stored somewhere has a part of
its own, in which only errors count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from verify.passes.dead_variables import read_in, stored_by
from verify.passes.narrowing import mapped
from verify.passes.possible import possible_in, taken
from verify.system.build import apply
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Occurred,
    Operator,
    Read,
    TimerIs,
    conjunction,
    conjuncts,
    events_of,
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
    Occur,
    Send,
    Start,
    Statement,
    Stop,
    statements,
)
from verify.system.system import Step, StepKind, System, Taking
from verify.system.wellformed import nodes

FEW = 2  # items more are no reason for another part
Item = tuple[str, int]  # ("variable", n), ("timer", n), ("lane", n), ("event", n)
_WORD = re.compile(r"\b([vtl])(\d+)(?=_|\b)")


@dataclass(frozen=True, slots=True)
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
        return _WORD.sub(lambda found: f"{found[1]}{numbers[found[1]][int(found[2])]}", text)

    @property
    def size(self) -> int:
        """How much it is about."""
        return len(self.variables) + len(self.timers) + len(self.lanes)


@dataclass(frozen=True, slots=True)
class Parts:
    """``parts`` that are enough; and the system ``without`` the steps that are impossible as long as they hold, or their last."""

    parts: tuple[Part, ...]
    without: System


def parts_of(system: System, form: Form) -> Parts | None:
    """The parts of a question; None if it has none that are smaller, or reactions are atomic."""
    if system.reacts or not isinstance(form, Never | NeverLonger | Within | Possible):
        return None
    forms = _forms(form)
    possible = possible_in(system)
    plain = [taken(possible, step)[0] for step in system.steps]  # conditions that the guard decides are decided
    last = [_ends(step, forms) for step in plain]
    alive = _alive(replace(system, steps=tuple(s for s, end in zip(system.steps, last, strict=True) if end is None)), forms)
    if any(_homeless(step) for step in alive):
        return None
    stores = list(_stores(system, alive))
    asked: list[tuple[Form, set[Item], list[Step]]] = []
    for number, goal in enumerate(forms):
        seen = _items(goal)
        ends = [_only(step, seen) for step, end in zip(plain, last, strict=True) if end == number]
        cone = _cone(seen, [*stores, *(x for x in _stores(system, ends, begins=False) if x[0] in seen)])
        asked.append((goal, cone, [*alive, *ends]))
    while missing := {item for item, _ in stores if item[0] != "event"}.difference(*(cone for _, cone, _ in asked)):
        cone = _cone({min(missing)}, stores)
        nearest = min((c for _, c, _ in asked), key=lambda c: len(cone - c))
        if len(cone - nearest) <= FEW:
            nearest |= cone
        else:
            asked.append((Never(FALSE), cone, alive))
    found = [_part(system, steps, goal, cone) for goal, cone, steps in asked]
    whole = len(system.variables) + len(system.timers) + len(system.lanes)
    if len(found) == 1 or any(p.size == whole for p in found):
        return None
    return Parts(tuple(found), replace(system, steps=tuple(alive)))


def _ends(step: Step, forms: list[Form]) -> int | None:
    """The number of a form of which the step is the last: with it, whatever was before, what must never hold does."""
    inner = list(statements(step.body))
    stored = [s.variable for s in inner if isinstance(s, Assign)]
    sure = {
        s.variable: s.value
        for s in step.body
        if isinstance(s, Assign) and isinstance(s.value, Constant) and stored.count(s.variable) == 1
    }

    def after(e: Expression) -> Expression:
        match e:
            case Read(variable):
                return sure.get(variable, e)
            case Apply(operator, arguments):
                return apply(operator, *map(after, arguments))
            case _:
                return e

    for number, form in enumerate(forms):
        try:
            if isinstance(form, Never) and after(form.bad) == TRUE:
                return number
        except ZeroDivisionError:  # the constant is an error, and is not stored
            continue
    return None


def _homeless(step: Step) -> bool:
    """Whether a step stores nothing with which it would belong to a part, and may be an error, or keep time from passing.

    So does one that has to choose from nothing, wherever it belongs.
    """
    inner = list(statements(step.body))
    if any(isinstance(s, Either) and not s.branches for s in inner):
        return True
    takes = step.take is not None and step.take.taking is not Taking.COPY
    stored = any(item is not None and item[0] != "event" for item in map(_target, inner))
    matters = step.urgent != FALSE or step.kind is StepKind.REACTION or any(isinstance(s, Choose) for s in inner)
    return matters and not takes and not stored


def _only(step: Step, items: set[Item]) -> Step:
    """A step that stores in these items alone, at its outermost."""
    return replace(step, body=tuple(s for s in step.body if _target(s) in items))


def _forms(form: Form) -> list[Form]:
    """The parts of a predicate that must never hold, one by one."""
    match form:
        case Never(Apply(Operator.OR, arguments)):
            return [Never(a) for a in arguments]
        case Never(bad):
            return [Never(bad)]
        case _:
            return [form]


def _alive(system: System, forms: list[Form]) -> list[Step]:
    """The steps that can be taken before what must never hold does."""
    bad = [f.bad for f in forms if isinstance(f, Never)]
    if any(events_of(b) for b in bad):
        return list(system.steps)
    safe = conjunction(*(negation(b) for b in bad))
    wary = replace(system, steps=tuple(replace(s, guard=conjunction(safe, s.guard)) for s in system.steps))
    possible = possible_in(wary)
    kept = [taken(possible, s)[0] for s in wary.steps]
    return [replace(s, body=k.body) for s, k in zip(system.steps, kept, strict=True) if k.guard != FALSE]


# ---- what depends on what


def _items(node: object) -> set[Item]:
    """What expressions in a node read."""
    inner = list(nodes(node))
    lanes = {("lane", n.lane) for n in inner if isinstance(n, Count | Due)}
    return {*read_in(inner), *lanes, *(("event", n.event) for n in inner if isinstance(n, Occurred))}


def _stores(system: System, steps: Iterable[Step], *, begins: bool = True) -> Iterator[tuple[Item, set[Item]]]:
    """What is stored, with everything on which it depends whether and what. ``begins``: in the beginning as well."""
    if begins:
        yield from _stored(system, system.initially, set())
    for step in steps:
        if _strikes(step):
            yield ("lane", step.take.lane if step.take is not None else 0), _items((step.guard, step.body))
            yield from _stored(system, step.body, _items(tuple(c for c in conjuncts(step.guard) if not _local(c))))
            continue
        context = _items((step.guard, step.urgent))
        inner = list(statements(step.body))
        if step.take is not None:
            context.add(("lane", step.take.lane))
        if any(isinstance(s, Choose | Bind) for s in inner):
            context |= _items(step.body)
        if step.take is not None and step.take.taking is not Taking.COPY:
            yield ("lane", step.take.lane), context
        yield from _stored(system, step.body, context)


def _strikes(step: Step) -> bool:
    """Whether a step is a fault that strikes a message, and stores nothing that depends on it: spent faults, mostly.

    Where its lane does not matter it may strike at any time. It is not urgent, so that this takes no tick away.
    """
    plain = not any(isinstance(s, Choose | Bind | Duplicate | Send | If | Either) or _local(s) for s in step.body)
    lost = step.take is not None and step.take.taking is Taking.LOSE
    return lost and plain and step.urgent == FALSE


def _local(node: object) -> bool:
    """Whether something reads the message that is taken."""
    return any(isinstance(n, Local) for n in nodes(node))


def _stored(system: System, block: Block, context: set[Item]) -> Iterator[tuple[Item, set[Item]]]:
    for statement in block:
        item = _target(statement)
        match statement:
            case If(condition, then, otherwise):
                inner = context | _items(condition)
                yield from _stored(system, then, inner)
                yield from _stored(system, otherwise, inner)
            case Either(branches):
                for branch in branches:
                    yield from _stored(system, branch, context)
            case Send(lane):
                yield ("lane", lane), context | _items((statement, system.lanes[lane].open))
            case _ if item is not None:
                yield item, context | _items(statement)
            case _:
                pass


def _target(statement: Statement) -> Item | None:
    """What a statement stores in."""
    match statement:
        case Send(lane) | Duplicate(lane) | Clear(lane):
            return ("lane", lane)
        case Occur(event):
            return ("event", event)
        case _:
            return stored_by(statement)


def _cone(roots: set[Item], stores: list[tuple[Item, set[Item]]]) -> set[Item]:
    """The roots, with all on which what is stored there depends."""
    cone = set(roots)
    while True:
        more = set[Item]().union(*(reads for item, reads in stores if item in cone)) - cone
        if not more:
            return cone
        cone |= more


# ---- a part


def _part(system: System, steps: Iterable[Step], form: Form, cone: set[Item]) -> Part:
    kept = {kind: tuple(sorted(n for k, n in cone if k == kind)) for kind in ("variable", "timer", "lane")}
    numbers = {(kind, old): new for kind, olds in kept.items() for new, old in enumerate(olds)}

    def renamed(e: Expression) -> Expression:
        match e:
            case Read(variable):
                return Read(numbers["variable", variable])
            case TimerIs(timer, status):
                return TimerIs(numbers["timer", timer], status)
            case Count(lane):
                return Count(numbers["lane", lane])
            case Due(lane):
                return Due(numbers["lane", lane])
            case Apply(operator, arguments):
                return Apply(operator, tuple(map(renamed, arguments)))
            case _:
                return e

    def block(whole: Block) -> Block:
        return tuple(made for s in whole if (made := one(s)) is not None)

    def one(s: Statement) -> Statement | None:
        item = _target(s)
        if isinstance(s, Mark) or (item is not None and item not in cone):
            return None
        match s:
            case If(condition, then, otherwise):
                inner = block(then), block(otherwise)
                return If(renamed(condition), *inner) if any(inner) else None
            case Either(branches):
                made = tuple(map(block, branches))
                return Either(made) if any(made) else None
            case _:
                return _renumbered(mapped(s, renamed), numbers)

    kept_steps: list[Step] = []
    for step in steps:
        there = step.take is not None and ("lane", step.take.lane) in cone
        takes = there and step.take is not None and step.take.taking is not Taking.COPY
        if not takes and not any(_target(s) in cone for s in statements(step.body)):
            continue
        take = replace(step.take, lane=numbers["lane", step.take.lane]) if there and step.take is not None else None
        guard = step.guard
        if take is None and step.take is not None:  # it strikes elsewhere
            guard = conjunction(*(c for c in conjuncts(guard) if not _local(c)))
        guard, urgent = renamed(guard), renamed(step.urgent)
        kept_steps.append(replace(step, guard=guard, urgent=urgent, body=block(step.body), take=take, instance=None, unit=None))
    lanes = [system.lanes[i] for i in kept["lane"]]
    small = replace(
        system,
        instances=(),
        variables=tuple(replace(system.variables[i], instance=None) for i in kept["variable"]),
        timers=tuple(replace(system.timers[i], instance=None) for i in kept["timer"]),
        lanes=tuple(replace(x, open=renamed(x.open) if _items(x.open) <= cone else TRUE) for x in lanes),  # nothing is sent there
        rules=(),
        steps=tuple(kept_steps),
        fairness=(),
        units=(),
        atomic=False,
        initially=block(system.initially),
    )
    return Part(small, mapped(form, renamed), kept["variable"], kept["timer"], kept["lane"])


def _renumbered(statement: Statement, numbers: dict[Item, int]) -> Statement:
    """A statement that stores in something by its new number."""
    match statement:
        case Assign(variable):
            return replace(statement, variable=numbers["variable", variable])
        case Start(timer) | Stop(timer):
            return replace(statement, timer=numbers["timer", timer])
        case Send(lane) | Duplicate(lane) | Clear(lane):
            return replace(statement, lane=numbers["lane", lane])
        case _:
            return statement


