"""Leave out variables and timers that no question sees.

**What it keeps.** Each state goes over into one that is bisimilar, choices, ticks, errors, events and all predicates of the
properties included, as in :mod:`verify.passes.dead_variables`: verdicts and lengths of shortest traces are equal.

**Which.** What no guard, urgency, gate of a lane, condition, choice, message or property reads, and no store to something
that stays, and whose own stores cannot fail: their values lie in the domain (:mod:`verify.passes.possible`). All steps stay,
so that time passes as before, fairness asks for the same, and a loop closes after going round often enough. In systems whose
atomic reactions choose, what reactions store stays: see there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verify.passes.dead_variables import Item, choosing, read_in, stored_by
from verify.passes.possible import possible_in
from verify.system.domain import Range
from verify.system.property import Property
from verify.system.statement import Assign, Block, Either, If, Start, Statement, Stop, statements
from verify.system.system import StepKind, System
from verify.system.wellformed import nodes


def sliced(system: System, properties: Sequence[Property]) -> System:
    """The system without what nobody sees: such variables and timers keep their place, and one value."""
    kept = seen(system, properties) | possible_in(system).failing
    if choosing(system):
        reactions = statements(x for s in system.steps if s.kind is StepKind.REACTION for x in s.body)
        kept |= {x for x in map(stored_by, reactions) if x is not None}
    kept = _cone(kept, _everything(system))
    variables = tuple(
        v if ("variable", i) in kept else replace(v, domain=Range(v.initial, v.initial))
        for i, v in enumerate(system.variables)
    )
    timers = tuple(
        t if ("timer", i) in kept else replace(t, maximum=-1, initial=-1) for i, t in enumerate(system.timers)
    )
    return replace(
        system,
        variables=variables,
        timers=timers,
        steps=tuple(replace(s, body=_without(s.body, kept)) for s in system.steps),
        initially=_without(system.initially, kept),
    )


def seen(system: System, properties: Sequence[Property]) -> frozenset[Item]:
    """What is read by anything but a store to a variable or a timer."""
    asked = (tuple(p.form for p in properties), tuple(x.open for x in system.lanes))
    found = set(read_in(nodes((asked, tuple((s.guard, s.urgent) for s in system.steps)))))
    for statement in _everything(system):
        match statement:
            case If(condition):
                found |= read_in(nodes(condition))
            case Either() | Assign() | Start():
                pass
            case _:
                found |= read_in(nodes(statement))
    return frozenset(found)


def _cone(kept: frozenset[Item], statements: list[Statement]) -> frozenset[Item]:
    """What is kept, with all that is read for what is stored in it."""
    stores = [(stored_by(s), read_in(nodes(s))) for s in statements if isinstance(s, Assign | Start)]
    while True:
        more = frozenset[Item]().union(*(reads for item, reads in stores if item in kept)) - kept
        if not more:
            return kept
        kept |= more


def _everything(system: System) -> list[Statement]:
    return list(statements((*system.initially, *(x for s in system.steps for x in s.body))))


def _without(block: Block, kept: frozenset[Item]) -> Block:
    made: list[Statement] = []
    for statement in block:
        match statement:
            case Assign() | Start() | Stop():
                if stored_by(statement) in kept:
                    made.append(statement)
            case If(condition, then, otherwise):
                made.append(If(condition, _without(then, kept), _without(otherwise, kept)))
            case Either(branches):
                made.append(Either(tuple(_without(b, kept) for b in branches)))
            case _:
                made.append(statement)
    return tuple(made)
