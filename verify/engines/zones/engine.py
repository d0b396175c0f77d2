"""The zone engine: safety and bounds of closed systems, by symbolic states whose clocks are sets of differences."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.budget import Budget
from verify.engines.claim import Claim, Exhausted, Fails, Fault, Faulty, Holds, Unknown
from verify.engines.explicit.components import cyclic
from verify.engines.explicit.health import fault_of
from verify.engines.zones.search import Edge, Found, Observer, Search
from verify.engines.zones.space import Space, Unsupported
from verify.engines.zones.traces import trace_to
from verify.semantics.interpreter import State
from verify.semantics.satisfaction import ticks_of
from verify.system.expression import Expression, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Property, Safety, Within, premise_of
from verify.system.serialise import digest
from verify.system.system import System
from verify.trace.trace import Trace

NAME = "zones"
MERGED = "states of one zone"  # what makes its counts others than those of states


class ZoneEngine:
    """Explores sets of states. Its counts are of those sets; traces have the fewest moves, ticks apart."""

    name = NAME

    def check(self, system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
        """Answer each property of a closed system; what the budget does not allow is Unknown."""
        if not any(isinstance(p.form, Safety) for p in properties):
            return [_not_asked() for _ in properties]
        try:
            space = Space(system)
        except Unsupported as problem:
            return [Claim(Unknown(f"the zone engine does not take this: {problem}")) for _ in properties]
        asked = _Asked(space, budget)
        asked.goals([p.form for p in properties if isinstance(p.form, Never | Possible)])
        return [asked.claim(p.form) for p in properties]


def _not_asked() -> Claim:
    return Claim(Unknown("the zone engine answers questions of safety only"))


class _Asked:
    """The questions to one system: goals in one search, each bound in one of its own."""

    def __init__(self, space: Space, budget: Budget) -> None:
        self.space = space
        self.budget = budget
        self.predicate = space.interpreter.predicate
        self.reached: dict[int, Claim] = {}

    def goals(self, forms: list[Never | Possible]) -> None:
        """Search for all of them at once."""
        if not forms:
            return
        wanted = [self.predicate(f.bad if isinstance(f, Never) else f.good) for f in forms]
        premises = [(i, p) for i, f in enumerate(forms) if (p := premise_of(f)) is not None]
        noted = [self.predicate(p) for _, p in premises]
        search = Search(self.space, [*wanted, *noted], len(wanted), None, self.budget)
        found = search.run()
        seen: dict[int, bool | None] = {i: len(wanted) + k in found.goals for k, (i, _) in enumerate(premises)}
        for i, form in enumerate(forms):
            self.reached[id(form)] = self.answer(form, search, found.goals.get(i), seen.get(i))

    def claim(self, form: Form) -> Claim:
        """The answer to one question."""
        match form:
            case Never() | Possible():
                return self.reached[id(form)]
            case NeverLonger(bad, bound):
                return self.bounded(form, Observer(self.predicate(bad), self.predicate(negation(bad)), ticks_of(bound)))
            case Within(trigger, response, bound):
                starts = None if trigger is None else self.predicate(trigger)
                return self.bounded(form, Observer(starts, self.predicate(response), ticks_of(bound)))
            case _:
                return _not_asked()

    def bounded(self, form: Form, observer: Observer) -> Claim:
        """Search for a time in which the observer waits too long."""
        premise = premise_of(form)
        noted: list[Expression] = [] if premise is None else [premise]
        search = Search(self.space, [self.predicate(p) for p in noted], 0, observer, self.budget)
        found = search.run()
        return self.answer(form, search, found.late, None if premise is None else 0 in found.goals)

    def answer(self, form: Form, search: Search, hit: Edge | None, premise_seen: bool | None) -> Claim:
        """What a search says of a form; ``hit``: the edge with which it is violated, or (possible) witnessed."""
        found = search.found
        depth = max((n.depth for n in found.nodes[-1:]), default=0)
        evidence = Exhausted(NAME, len(found.nodes), found.transitions, depth, digest(self.space.system), (MERGED,))
        if hit is not None:
            trace = self.trace(search, hit)
            return Claim(Holds(evidence, trace) if isinstance(form, Possible) else Fails(trace, evidence))
        if found.failure is not None:
            move = found.failure.move
            fault = Fault.FAILURE if move is None or move.failed is None else fault_of(move.failed)
            return Claim(Faulty(fault, self.trace(search, found.failure), evidence))
        if found.incomplete:
            told = f"{found.incomplete}: no violation in {len(found.nodes):,} zones"
            return Claim(Unknown(told, len(found.nodes), found.transitions, depth))
        if _endless_reactions(search):
            return Claim(Unknown("reactions can go on for ever in no time", len(found.nodes), found.transitions, depth))
        stuck = _stuck(search)
        if stuck is not None:
            return Claim(Faulty(Fault.TIMELOCK, self.trace(search, stuck), evidence))
        if isinstance(form, Possible):
            return Claim(Fails(None, evidence))
        return Claim(Holds(evidence, None, premise_seen))

    def trace(self, search: Search, edge: Edge) -> Trace:
        """The trace that ends with an edge."""
        return trace_to(self.space, search.observer, search.found.nodes, edge)


def _endless_reactions(search: Search) -> bool:
    """Whether reactions lead round: all states of a zone have the same steps, so that the representatives tell it."""
    number = {state: i for i, state in enumerate(search.steps)}
    ahead = [[number[to] for to, reaction in after if reaction and to in number] for after in search.steps.values()]
    return bool(cyclic(len(ahead), ahead.__getitem__))


def _stuck(search: Search) -> Edge | None:
    """The edge to a node from which no tick is reached, by whatever steps."""
    found: Found = search.found
    behind: dict[State, list[State]] = {}
    for state, after in search.steps.items():
        for to, _ in after:
            behind.setdefault(to, []).append(state)
    alive = {n.discrete.state for n in found.nodes if n.discrete.patient}
    waiting = list(alive)
    while waiting:
        for before in behind.get(waiting.pop(), ()):
            if before not in alive:
                alive.add(before)
                waiting.append(before)
    return next((n.edge for n in found.nodes if n.discrete.state not in alive), None)
