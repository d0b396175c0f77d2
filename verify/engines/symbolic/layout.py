"""States as terms: variables, timers, lanes as slots, and what a question adds: its events and its counter.

The names are those of certificates (see :mod:`verify.certify.vocabulary`): ``v3`` a variable, ``t0`` a timer, ``l1_0_here``
whether the first place of lane 1 is taken, ``l1_0_age``, ``l1_0_kind``, ``l1_0_f2`` its message; ``e4`` whether event 4 occurred
in the step to this state, ``c`` the ticks that the question's observer has counted; ``b`` whether atomic reactions
are under way (0 no, 1 after a step, 2 at the beginning); ``p0`` a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import z3

from verify.base.record import record
from verify.engines.symbolic.fixed import Fixed, fixed_values
from verify.engines.symbolic.terms import Term, both, choose, lifted, number, term_of, truth
from verify.system.domain import Boolean
from verify.system.expression import Expression, Rigid
from verify.system.system import Lane, System

IDLE = -1


@record
class Slot:
    """A place of a lane. A place that is free holds zeros."""

    here: Term = False
    age: Term = 0
    kind: Term = 0
    fields: tuple[Term, ...] = ()

    def merged(self, condition: Term, otherwise: Slot) -> Slot:
        """This one where the condition holds."""
        fields = tuple(choose(condition, a, b) for a, b in zip(self.fields, otherwise.fields, strict=True))
        return Slot(
            choose(condition, self.here, otherwise.here),
            choose(condition, self.age, otherwise.age),
            choose(condition, self.kind, otherwise.kind),
            fields,
        )


@dataclass(slots=True)
class State:
    """Terms for everything. ``events``: those that the question asks for; ``counter`` of its observer, if it has one."""

    variables: list[Term]
    timers: list[Term]
    lanes: list[list[Slot]]
    events: dict[int, Term] = field(default_factory=dict)
    counter: Term = IDLE
    busy: Term = 0

    def copy(self) -> State:
        """One to be changed."""
        lanes = [list(x) for x in self.lanes]
        return State(list(self.variables), list(self.timers), lanes, dict(self.events), self.counter, self.busy)


@record
class Component:
    """One number or truth value of a state that is stored, and where it stands. ``low``, ``high``: what it can hold at all."""

    name: str
    group: str
    at: tuple[int, ...]
    low: int
    high: int
    boolean: bool


class Layout:
    """What a state of a system consists of, once what never changes is left out."""

    def __init__(
        self, system: System, events: Sequence[int] = (), *, counting: bool = False, stepwise: bool = False
    ) -> None:
        """For questions that ask for ``events``; ``counting``: with an observer; ``stepwise``: atomic reactions one by one."""
        self.system = system
        self.stepwise = stepwise and system.reacts
        self.facts: list[Any] = []  # what is known of every state besides
        self.fixed: Fixed = fixed_values(system)
        self.events = tuple(events)
        self.counting = counting
        self.parameters = [z3.Int(f"p{i}") for i in range(len(system.parameters))]
        self.components = [*self._of_variables(), *self._of_timers(), *self._of_lanes()]
        self.components += [Component(f"e{e}", "event", (e,), 0, 1, boolean=True) for e in self.events]
        if counting:
            self.components.append(Component("c", "counter", (), IDLE, 2**31, boolean=False))
        if self.stepwise:
            self.components.append(Component("b", "busy", (), 0, 2, boolean=False))
        self.stored = {(c.group, *c.at): self.constant(c) for c in self.components}
        self.constants = [self.constant(c) for c in self.components]

    def constant(self, component: Component, suffix: str = "") -> Any:  # noqa: ANN401 - a Z3 constant
        """The Z3 constant of a component; ``suffix`` tells states apart."""
        return (z3.Bool if component.boolean else z3.Int)(component.name + suffix)

    def _of_variables(self) -> list[Component]:
        return [
            Component(f"v{i}", "variable", (i,), v.domain.low, v.domain.high, isinstance(v.domain, Boolean))
            for i, v in enumerate(self.system.variables)
            if i not in self.fixed.variables
        ]

    def _of_timers(self) -> list[Component]:
        return [Component(f"t{i}", "timer", (i,), -1, t.maximum, boolean=False) for i, t in enumerate(self.system.timers)]

    def _of_lanes(self) -> list[Component]:
        return [
            c
            for number_, lane in enumerate(self.system.lanes)
            if self.fixed.sent(number_)
            for place in range(lane.capacity)
            for c in self._of_place(number_, lane, place)
        ]

    def _of_place(self, number_: int, lane: Lane, place: int) -> list[Component]:
        kinds = self.fixed.sent(number_)
        start, at = f"l{number_}_{place}_", (number_, place)
        found = [Component(f"{start}here", "here", at, 0, 1, boolean=True)]
        if lane.maximum > 0:
            found.append(Component(f"{start}age", "age", at, 0, lane.maximum, boolean=False))
        if len(kinds) > 1:
            found.append(Component(f"{start}kind", "kind", at, 0, max(kinds), boolean=False))
        for f in range(self.width(number_)):
            if len(kinds) == 1 and (number_, kinds[0], f) in self.fixed.fields:
                continue
            domains = [m.fields[f].domain for k in kinds if f < len((m := self.system.messages[k]).fields)]
            low, high = min(0, *(d.low for d in domains)), max(0, *(d.high for d in domains))
            found.append(Component(f"{start}f{f}", "field", (*at, f), low, high, boolean=False))
        return found

    def width(self, lane: int) -> int:
        """How many fields the messages of a lane have at most."""
        return max((len(self.system.messages[k].fields) for k in self.fixed.sent(lane)), default=0)

    def whole(self, values: Sequence[int]) -> tuple[int, ...]:
        """The values of :attr:`parameters`, given those of the system's."""
        return tuple(values)

    # ---- states

    def rigid(self, expression: Expression) -> Term:
        """An expression over parameters alone."""
        return term_of(expression, lambda e: self.parameters[e.parameter] if isinstance(e, Rigid) else 0)

    def state(self) -> State:
        """The state of the constants of this layout."""
        variables = [
            self.rigid(self.fixed.variables[i]) if i in self.fixed.variables else self.stored["variable", i]
            for i in range(len(self.system.variables))
        ]
        timers = [self.stored["timer", i] for i in range(len(self.system.timers))]
        lanes = [[self._slot(n, place) for place in range(lane.capacity)] for n, lane in enumerate(self.system.lanes)]
        events = {e: self.stored["event", e] for e in self.events}
        counter = self.stored[("counter",)] if self.counting else IDLE
        return State(variables, timers, lanes, events, counter, self.stored[("busy",)] if self.stepwise else 0)

    def _slot(self, lane: int, place: int) -> Slot:
        kinds = self.fixed.sent(lane)
        if not kinds:
            return Slot()
        stored = self.stored
        fields = tuple(
            stored["field", lane, place, f]
            if ("field", lane, place, f) in stored
            else self.rigid(self.fixed.fields[lane, kinds[0], f])
            for f in range(self.width(lane))
        )
        return Slot(
            stored["here", lane, place],
            stored.get(("age", lane, place), 0),
            stored.get(("kind", lane, place), kinds[0]),
            fields,
        )

    def flat(self, state: State) -> list[Any]:
        """The terms of a state, in the order of the components; free places hold zeros."""
        return [self._component(c, state) for c in self.components]

    def _component(self, c: Component, state: State) -> Any:  # noqa: ANN401 - a Z3 term
        match c.group:
            case "variable":
                term = state.variables[c.at[0]]
            case "timer":
                term = state.timers[c.at[0]]
            case "event":
                term = state.events[c.at[0]]
            case "counter":
                term = state.counter
            case "busy":
                term = state.busy
            case _:
                slot = state.lanes[c.at[0]][c.at[1]]
                content = {"here": slot.here, "age": slot.age, "kind": slot.kind}
                term = slot.fields[c.at[2]] if c.group == "field" else content[c.group]
                if c.group != "here":
                    term = self._emptied(c, slot, term)
        return lifted(truth(term) if c.boolean else number(term))

    def _emptied(self, c: Component, slot: Slot, term: Term) -> Term:
        """Zero where the place is free; what stood there before is zero already."""
        if not isinstance(term, int) and term.eq(self.stored[(c.group, *c.at)]):
            before = self.stored["here", c.at[0], c.at[1]]
            if not isinstance(slot.here, bool) and slot.here.eq(before):
                return term
        return choose(slot.here, term, 0)

    def premises(self) -> list[Any]:
        """What is known of the parameters: their domains, and what is assumed."""
        domains = [
            lifted(both(p >= d.domain.low, p <= d.domain.high))
            for p, d in zip(self.parameters, self.system.parameters, strict=True)
        ]
        return domains + [lifted(truth(self.rigid(a))) for a in self.system.assumptions]

    def shape(self) -> list[Any]:
        """What holds of every state by the way it is stored: ranges, free places behind the taken ones, zeros in them."""
        found = list(self.facts)
        for c, term in zip(self.components, self.constants, strict=True):
            if not c.boolean:
                found.append(both(term >= c.low, term <= c.high) if c.group != "counter" else term >= c.low)
            if c.group in ("age", "kind", "field"):
                found.append(z3.Or(self.stored["here", c.at[0], c.at[1]], term == 0))
            if c.group == "here" and c.at[1]:
                found.append(z3.Implies(term, self.stored["here", c.at[0], c.at[1] - 1]))
        return found

    # ---- values

    def plain(self, values: Sequence[int], parameters: Sequence[int]) -> tuple[Any, ...]:
        """A state of the interpreter from the values of the components."""
        known = {(c.group, *c.at): v for c, v in zip(self.components, values, strict=True)}

        def closed(expression: Expression) -> int:
            return int(term_of(expression, lambda e: parameters[e.parameter] if isinstance(e, Rigid) else 0))

        variables = [
            closed(self.fixed.variables[i]) if i in self.fixed.variables else known["variable", i]
            for i in range(len(self.system.variables))
        ]
        timers = [known["timer", i] for i in range(len(self.system.timers))]
        lanes = []
        for lane, declared in enumerate(self.system.lanes):
            held = []
            for place in range(declared.capacity):
                if not known.get(("here", lane, place)):
                    break
                kind = known.get(("kind", lane, place), (self.fixed.sent(lane) or [0])[0])
                fields = [
                    known["field", lane, place, f]
                    if ("field", lane, place, f) in known
                    else closed(self.fixed.fields[lane, kind, f])
                    for f in range(len(self.system.messages[kind].fields))
                ]
                held.append((known.get(("age", lane, place), 0), kind, *fields))
            lanes.append(tuple(held))
        return (*variables, *timers, *lanes)

    def values(self, state: Sequence[Any], events: frozenset[int] = frozenset(), counter: int = IDLE) -> list[int]:
        """The values of the components in a state of the interpreter."""
        timers = len(self.system.variables)
        lanes = timers + len(self.system.timers)
        found = []
        for c in self.components:
            match c.group:
                case "variable":
                    found.append(state[c.at[0]])
                case "timer":
                    found.append(state[timers + c.at[0]])
                case "event":
                    found.append(int(c.at[0] in events))
                case "counter":
                    found.append(counter)
                case "busy":
                    found.append(0)
                case _:
                    found.append(_held(state[lanes + c.at[0]], c))
        return found


def _held(lane: tuple[Any, ...], c: Component) -> int:
    if c.at[1] >= len(lane):
        return 0
    message = lane[c.at[1]]
    if c.group == "here":
        return 1
    place = {"age": 0, "kind": 1}.get(c.group, 2 + c.at[-1])
    return int(message[place]) if place < len(message) else 0


def empty(layout: Layout, lane: int) -> list[Slot]:
    """A lane that holds nothing."""
    nothing = Slot(fields=(0,) * layout.width(lane))
    return [nothing] * layout.system.lanes[lane].capacity


def removed(held: Sequence[Slot], place: int) -> list[Slot]:
    """The lane without the message at a place."""
    free = Slot(fields=(0,) * len(held[0].fields))
    return [*held[:place], *held[place + 1 :], free]


def aged(slot: Slot, ticks: Term, maximum: int) -> Slot:
    """The message so many ticks older. As long as a delay ends where an age reaches its maximum, no age passes it."""
    if maximum == 0:
        return slot
    return replace(slot, age=choose(both(slot.here, slot.age < maximum), slot.age + ticks, slot.age))

