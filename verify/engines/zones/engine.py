"""The zone engine: safety and bounds of closed systems, by symbolic states whose clocks are sets of differences."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.budget import Budget
from verify.engines.claim import Claim, Exhausted, Fails, Fault, Faulty, Holds, Unknown
from verify.engines.explicit.components import cyclic
from verify.engines.explicit.health import fault_of
from verify.engines.zones.search import Edge, Found, Observer, Search
from verify.engines.zones.space import Discrete, Space, Unsupported
from verify.engines.zones.traces import trace_to
from verify.semantics.interpreter import State
from verify.semantics.satisfaction import ticks_of
from verify.system.expression import Expression, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Property, Safety, Within, premise_of
from verify.system.serialise import digest
from verify.system.system import StepKind, System
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
        goals = iter(asked.goals([p.form for p in properties if isinstance(p.form, Never | Possible)]))
        return [next(goals) if isinstance(p.form, Never | Possible) else asked.bounded(p.form) for p in properties]


def _not_asked() -> Claim:
    return Claim(Unknown("the zone engine answers questions of safety only"))


class _Asked:
    """The questions to one system: goals in one search, each bound in one of its own."""

    def __init__(self, space: Space, budget: Budget) -> None:
        self.space = space
        self.budget = budget
        self.predicate = space.interpreter.predicate
        self.digest = digest(space.system)

    def goals(self, forms: list[Never | Possible]) -> list[Claim]:
        """Search for all of them at once."""
        if not forms:
            return []
        wanted = [self.predicate(f.bad if isinstance(f, Never) else f.good) for f in forms]
        premises = [(i, p) for i, f in enumerate(forms) if (p := premise_of(f)) is not None]
        noted = [self.predicate(p) for _, p in premises]
        search = Search(self.space, [*wanted, *noted], len(wanted), None, self.budget)
        found = search.run()
        seen: dict[int, bool | None] = {i: len(wanted) + k in found.goals for k, (i, _) in enumerate(premises)}
        missed = any(i not in found.goals for i in range(len(forms)))
        faulty = self.faulty(search) if missed else None
        return [self.answer(form, search, found.goals.get(i), faulty, seen.get(i)) for i, form in enumerate(forms)]

    def bounded(self, form: Form) -> Claim:
        """The answer to a question with a bound: a search for a time in which the observer waits too long."""
        match form:
            case NeverLonger(bad, bound):
                observer = Observer(self.predicate(bad), self.predicate(negation(bad)), ticks_of(bound))
            case Within(trigger, response, bound):
                starts = None if trigger is None else self.predicate(trigger)
                observer = Observer(starts, self.predicate(response), ticks_of(bound))
            case _:
                return _not_asked()
        premise = premise_of(form)
        noted: list[Expression] = [] if premise is None else [premise]
        search = Search(self.space, [self.predicate(p) for p in noted], 0, observer, self.budget)
        found = search.run()
        faulty = self.faulty(search) if found.late is None else None
        return self.answer(form, search, found.late, faulty, None if premise is None else 0 in found.goals)

    def answer(self, form: Form, search: Search, hit: Edge | None, faulty: Claim | None, premise_seen: bool | None) -> Claim:
        """What a search says of a form; ``hit``: the edge with which it is violated, or (possible) witnessed; else ``faulty``."""
        evidence = self.evidence(search.found)
        if hit is not None:
            trace = self.trace(search, hit)
            return Claim(Holds(evidence, trace) if isinstance(form, Possible) else Fails(trace, evidence))
        if faulty is not None:
            return faulty
        return Claim(Fails(None, evidence) if isinstance(form, Possible) else Holds(evidence, None, premise_seen))

    def faulty(self, search: Search) -> Claim | None:
        """What a search says of all that it has not reached, if it is not that it has seen everything."""
        found = search.found
        evidence = self.evidence(found)
        if found.failure is not None:
            move = found.failure.move
            fault = Fault.FAILURE if move is None or move.failed is None else fault_of(move.failed)
            return Claim(Faulty(fault, self.trace(search, found.failure), evidence))
        told = f"{found.incomplete}: no violation in {len(found.nodes):,} zones" if found.incomplete else ""
        if told or _endless_reactions(self.space.system, found):
            reason = told or "reactions can go on for ever in no time"
            return Claim(Unknown(reason, evidence.states, evidence.transitions, evidence.depth))
        stuck = _stuck(found)
        return None if stuck is None else Claim(Faulty(Fault.TIMELOCK, self.trace(search, stuck), evidence))

    def evidence(self, found: Found) -> Exhausted:
        """What was looked at."""
        depth = found.nodes[-1].depth if found.nodes else 0
        return Exhausted(NAME, len(found.nodes), found.transitions, depth, self.digest, (MERGED,))

    def trace(self, search: Search, edge: Edge) -> Trace:
        """The trace that ends with an edge."""
        return trace_to(self.space, search.observer, search.found.nodes, edge)


def _discretes(found: Found) -> list[Discrete]:
    """The representatives that were met: all states of a zone have the same steps, so that they tell what steps lead to."""
    return list({n.discrete.state: n.discrete for n in found.nodes}.values())


def _endless_reactions(system: System, found: Found) -> bool:
    """Whether reactions lead round."""
    discretes = _discretes(found)
    number = {d.state: i for i, d in enumerate(discretes)}
    ahead = [
        [number[m.state] for m in d.moves if m.state in number and system.steps[m.choice.step].kind is StepKind.REACTION]
        for d in discretes
    ]
    return bool(cyclic(len(ahead), ahead.__getitem__))


def _stuck(found: Found) -> Edge | None:
    """The edge to a node from which no tick is reached, by whatever steps."""
    discretes = _discretes(found)
    behind: dict[State, list[State]] = {}
    for d in discretes:
        for move in d.moves:
            if move.state is not None:
                behind.setdefault(move.state, []).append(d.state)
    alive = {d.state for d in discretes if d.patient}
    waiting = list(alive)
    while waiting:
        for before in behind.get(waiting.pop(), ()):
            if before not in alive:
                alive.add(before)
                waiting.append(before)
    return next((n.edge for n in found.nodes if n.discrete.state not in alive), None)
