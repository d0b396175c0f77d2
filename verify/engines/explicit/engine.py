"""The explicit engine: explore once, answer every property on the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from verify.automata.tableau import TooLarge
from verify.base.budget import Budget
from verify.engines.claim import Claim, Exhausted, Fails, Faulty, Holds, Unknown, cut_short
from verify.engines.explicit.graph import Graph, Truth, explore
from verify.engines.explicit.health import Health, examine
from verify.engines.explicit.liveness import violating
from verify.engines.explicit.monitors import LivenessForm
from verify.engines.explicit.safety import Watch, overdue, reach
from verify.semantics.interpreter import Interpreter
from verify.semantics.satisfaction import ticks_of
from verify.system.expression import negation
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
    premise_of,
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
        return cut_short(graph.incomplete, evidence, endless=isinstance(form, LivenessForm))
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
    premise = premise_of(form)
    return None if premise is None else Truth(graph, premise).anywhere(range(len(graph.roots)))
