"""A question of safety in parts that are smaller, and together are enough.

**What it keeps.** If every question holds, in one of the ways in which it can be asked, the whole does: the invariants of the
parts, taken together, are one of the system. A part that does not hold says nothing. That time can pass is asked of the whole.

**Which.** ``never (A or B)`` is asked as ``never A`` and ``never B``. A step with which A begins to hold is the last of its
run: it is asked about in the part of A alone, and nothing that it stores besides matters. Without such steps others are
impossible: a victim that never leads sends nothing. Of those that are left, a part has what its predicate sees, and all that
is stored in that, by whatever step under whatever condition; what a step stores elsewhere is left out. So each step of the
system is one of the part, or changes nothing in it, or is impossible as long as the parts hold; and a tick that the system
allows the part allows as well. Errors belong to what is stored: where something that no predicate sees may fail, it has a part
of its own, in which only errors count.

**The smaller way.** A delivery may come at any time, with any message that there can be: then the part need not know of its
lane, nor of whoever sends there. A predicate is asked about first with deliveries free that are only answered; an error of a
lane with those free that are not. What is free may come too often, so that lanes are too full in such a part that never are in
the system: there it is over, as if the run had ended, and whether that happens is the question of the lane's own part. Up to
the first violation of any part no lane is too full, so that none is over before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from verify.base.record import record
from verify.passes.cones import Free, Item, Store, cone_of, items_in, stored_in, stores_of, target
from verify.passes.possible import possible_in, taken
from verify.passes.projection import LIMITED, Part, projected
from verify.system.build import apply
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Expression,
    Operator,
    Read,
    conjunction,
    events_of,
    negation,
)
from verify.system.property import Form, Never, NeverLonger, Possible, Within
from verify.system.statement import Assign, Choose, Either, statements
from verify.system.system import Step, System, Taking


@record
class Parts:
    """Questions that are enough; each may be asked in one of several ways, the first the smallest.

    ``without``: the system without the steps that are impossible as long as the parts hold, or their last.
    """

    questions: tuple[tuple[Part, ...], ...]
    without: System


def parts_of(system: System, form: Form) -> Parts | None:
    """The parts of a question; None if it has none that are smaller, or reactions are atomic."""
    if system.reacts or not isinstance(form, Never | NeverLonger | Within | Possible):
        return None
    forms = _forms(form)
    possible = possible_in(system)
    plain = [taken(possible, step)[0] for step in system.steps]  # conditions that the guard decides are decided
    last = [_ends(step, forms) for step in plain]
    alive = _alive(
        replace(system, steps=tuple(s for s, end in zip(system.steps, last, strict=True) if end is None)), forms
    )
    if any(_homeless(step) for step in alive):
        return None
    asked = _Asked(system, alive)
    for number, goal in enumerate(forms):
        seen = items_in(goal)
        asked.goal(goal, seen, [_only(step, seen) for step, end in zip(plain, last, strict=True) if end == number])
    whole = len(system.variables) + len(system.timers) + len(system.lanes)
    if any(q[0].size == whole for q in asked.questions):
        return None
    asked.errors()
    return Parts(tuple(asked.questions), replace(system, steps=tuple(alive)))


class _Asked:
    """The questions, one after the other, and the items in which errors are not asked about yet."""

    def __init__(self, system: System, alive: Sequence[Step]) -> None:
        self.system = system
        self.alive = list(alive)
        self.stores = list(stores_of(system, alive))
        self.questions: list[tuple[Part, ...]] = []
        may_fail = possible_in(replace(system, steps=tuple(alive))).failing | _chosen(system, alive) | _full(system)
        self.missing = may_fail & {i for i, _ in self.stores}

    def goal(self, goal: Form, seen: set[Item], ends: list[Step]) -> None:
        """Ask about a form; ``ends``: its last steps."""
        last = [x for x in stores_of(self.system, ends, begins=False) if x[0] in seen]
        self._ask(goal, seen, _answers, ends, last)

    def errors(self) -> None:
        """Ask about errors that nothing else is about."""
        while self.missing:
            self._ask(Never(FALSE), {min(self.missing)}, _silent)

    def _ask(
        self, goal: Form, seen: set[Item], free: Free, ends: Sequence[Step] = (), last: Sequence[Store] = ()
    ) -> None:
        """``free``: the deliveries that may come at any time where the question is asked in a smaller way."""
        steps = [*self.alive, *ends]
        cone = cone_of(seen, [*self.stores, *last])
        less = cone_of(seen, [*stores_of(self.system, self.alive, free=free), *last])
        strict = cone if less == cone else seen
        self.missing -= {i for i in less if i[0] != "lane" or i in strict}
        ways = [(less, strict)] if less == cone else [(less, strict), (cone, cone)]
        self.questions.append(tuple(projected(self.system, steps, goal, items, full) for items, full in ways))


def _answers(step: Step) -> bool:
    """Whether a step delivers a message, and stores in lanes alone."""
    return _delivers(step) and all(i is None or i[0] in ("lane", "event") for i in map(target, statements(step.body)))


def _silent(step: Step) -> bool:
    """Whether a step delivers a message, and sends none."""
    return _delivers(step) and all(i is None or i[0] != "lane" for i in map(target, statements(step.body)))


def _delivers(step: Step) -> bool:
    return step.take is not None and step.take.taking is Taking.DELIVER


def _full(system: System) -> set[Item]:
    """Lanes in which a message too many is an error."""
    return {("lane", n) for n, lane in enumerate(system.lanes) if lane.when_full in LIMITED}


def _chosen(system: System, steps: Iterable[Step]) -> set[Item]:
    """What is stored where something has to be chosen: there may be nothing to choose from."""
    found: set[Item] = set()
    for step in steps:
        if any(isinstance(s, Choose | Either) for s in statements(step.body)):
            found |= stored_in(step)
    first = list(statements(system.initially))
    if any(isinstance(s, Choose | Either) for s in first):
        found |= {i for i in map(target, first) if i is not None}
    return found


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
    """Whether a step may find nothing to choose from, and stores nothing with which it would belong to a part.

    So does one that has to choose from no branches, wherever it belongs.
    """
    inner = list(statements(step.body))
    if any(isinstance(s, Either) and not s.branches for s in inner):
        return True
    return any(isinstance(s, Choose) for s in inner) and not stored_in(step)


def _only(step: Step, items: set[Item]) -> Step:
    """A step that stores in these items alone, at its outermost."""
    return replace(step, body=tuple(s for s in step.body if target(s) in items))


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
