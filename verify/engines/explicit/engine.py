"""The explicit engine: explore once, answer every property on the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from verify.automata.tableau import TooLarge
from verify.base.budget import Budget
from verify.engines.claim import Claim, Exhausted, Fails, Faulty, Holds, Unknown
from verify.engines.explicit.graph import Graph, Truth, explore
from verify.engines.explicit.health import Health, examine
from verify.engines.explicit.liveness import violating
from verify.engines.explicit.monitors import LivenessForm
from verify.engines.explicit.safety import Watch, overdue, reach
from verify.semantics.interpreter import Interpreter
from verify.semantics.satisfaction import ticks_of
from verify.system.expression import Expression, negation
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    Form,
    LeadsTo,
    Ltl,
    Never,
    NeverLonger,
    Possible,
    Property,
    Until,
    Within,
)
from verify.system.serialise import digest
from verify.system.system import System
from verify.trace.trace import Trace


class ExplicitEngine:
    """Breadth-first search on the reference interpreter: shortest traces, exact counts."""

    name = "explicit"

    def check(self, system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
        """Answer each property of a closed system; what the budget does not allow is Unknown."""
        return self.claims(explore(Interpreter(system), budget), properties)

    def claims(self, graph: Graph, properties: Sequence[Property]) -> list[Claim]:
        """As :meth:`check`, on a graph that is explored already."""
        states, depth = len(graph.states), graph.depth
        evidence = Exhausted(self.name, states, graph.transitions, depth, digest(graph.interpreter.system))
        health = examine(graph)
        return [Claim(_answer(p.form, graph, health, evidence), health.notes) for p in properties]


def _answer(form: Form, graph: Graph, health: Health, evidence: Exhausted) -> Holds | Fails | Unknown | Faulty:
    if isinstance(form, Possible):
        witness = reach(graph, Truth(graph, form.good))
        if witness is not None:
            return Holds(evidence, witness)
    else:
        try:
            trace = _violation(form, graph)
        except TooLarge as problem:
            return Unknown(str(problem), evidence.states, evidence.transitions, evidence.depth)
        if trace is not None:
            return Fails(trace, evidence)
    if health.fault is not None:
        return Faulty(health.fault[0], health.fault[1], evidence)
    if graph.incomplete:
        endless = isinstance(form, LivenessForm)
        looked = "no finite violation" if endless else "no violation"
        note = " (endless runs are looked at when the search is whole)" if endless else ""
        reason = f"{graph.incomplete}{note}: {looked} up to depth {max(0, evidence.depth - 1)}"
        return Unknown(reason, evidence.states, evidence.transitions, evidence.depth)
    if isinstance(form, Possible):
        return Fails(None, evidence)
    return Holds(evidence, None, _premise_seen(form, graph))


def _violation(form: Form, graph: Graph) -> Trace | None:
    match form:
        case Never(bad):
            return reach(graph, Truth(graph, bad))
        case NeverLonger(bad, bound):
            watch = Watch(Truth(graph, bad), Truth(graph, negation(bad)), ticks_of(bound))
            return overdue(graph, watch)
        case Within(trigger, response, bound):
            starts = None if trigger is None else Truth(graph, trigger)
            return overdue(graph, Watch(starts, Truth(graph, response), ticks_of(bound)))
        case Eventually() | EventuallyAlways() | AlwaysEventually() | LeadsTo() | Until() | Ltl():
            # in a search that was cut short no cycles are looked for: that takes longer than the search
            return violating(graph, form, cycles=not graph.incomplete)
        case Possible():
            return None
        case _:
            assert_never(form)


def _premise_seen(form: Form, graph: Graph) -> bool | None:
    premise: Expression | None = None
    match form:
        case Never(_, premise) | Within(premise) | LeadsTo(premise):
            pass
        case _:
            return None
    if premise is None:
        return None
    return Truth(graph, premise).anywhere(range(len(graph.roots)))
