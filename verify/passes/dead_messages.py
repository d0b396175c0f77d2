"""Take out of a lane at once what nobody will ever react to.

**What it keeps.** Verdicts on properties that ask for no event and do not look into the lane, of every form, in systems
without fairness whose reactions are not atomic; violations and witnesses can be lifted. Not the lengths of traces: a message
that the reduced system took out is delivered, to no effect, in the original.

**Which.** A message (its kind and its fields) is dead when every step that can deliver it does nothing but take it (nor does
one that copies it exist), and every step that loses it at most spends a budget. It is taken out of lanes that hold one
message and drop the oldest, and whose content is asked for by nobody: neither by ``Count`` nor by ``Due``. There its presence
stops no other message: one that is sent replaces it.

**Why it is sound.** A *budget* is a variable that only steps of the environment, never urgent, ask for, as ``0 < b`` in a
conjunction that is their guard, and change, by taking 1. Let a state s of the original be *below* a state r of the reduced
system when they are equal but for dead messages, which only s has, and budgets, of which r has at least as much. Then what s
can do, r can do: a step that delivers a dead message, or loses it, leads from s below r again; any other step is enabled in
r, with the same choices, since its guard reads neither, but for budgets, of which r has more; it fails in both or in neither
and leads below again. A tick of s is one of r: what is enabled in r and urgent is enabled in s, as no urgent step asks for
budgets. So each violation of the original, finite or endless (dead messages are not delivered for ever without others being
sent), is one of the reduced system up to stuttering, which no form without events notices, an observer's clock included: no
tick is added or left out. The other way, a run of the reduced system is one of the original with equal budgets, in which each
dead message that is urgent is delivered before the next tick.

**Time that stops.** That no tick can be reached from s does not say the same of r, which may have a budget left that gets it
out. So a reduced system in which steps can follow each other for ever without a tick (a note of a Zeno run) is to be asked
again without this reduction; without such a cycle, there is none in the original and time never stops.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from verify.passes.possible import Possible, possible_in, taken
from verify.passes.valuesets import ValueSet
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
    conjunction,
    conjuncts,
    disjunction,
    equal,
)
from verify.system.property import Property
from verify.system.statement import Assign, Bind, Block, Clear, Either, If, Mark, Occur, Send, Statement
from verify.system.system import Step, StepKind, System, Taking, WhenFull
from verify.system.wellformed import nodes

MOST: Final = 64  # messages of a kind that are looked at one by one

Dead = dict[tuple[int, int], tuple[tuple[int, ...], ...]]  # by lane and kind: the fields of those that are dead


def without_dead_messages(system: System, properties: Sequence[Property]) -> tuple[System, Dead]:
    """The system whose sends leave out what is dead; and that."""
    if system.fairness or system.atomic or _any_of(properties, Occurred):
        return system, {}
    dead = dead_messages(system, properties)
    if not dead:
        return system, {}
    return replace(system, steps=tuple(replace(s, body=_without(s.body, system, dead)) for s in system.steps)), dead


def dead_messages(system: System, properties: Sequence[Property]) -> Dead:
    """The messages that are dead, in lanes from which they can be taken out."""
    asked = nodes((tuple(p.form for p in properties), system.lanes, system.steps))
    looked = {node.lane for node in asked if isinstance(node, Count | Due)}
    budgets = budgets_of(system, properties)
    possible: Possible | None = None
    found: Dead = {}
    for number, lane in enumerate(system.lanes):
        if lane.capacity != 1 or lane.when_full is not WhenFull.DROP_OLDEST or number in looked:
            continue
        takers = [s for s in system.steps if s.take is not None and s.take.lane == number]
        if any(s.take is not None and s.take.taking is Taking.COPY for s in takers):
            continue
        possible = possible or possible_in(system)
        for kind, sets in possible.fields[number].items():
            vectors = [v for v in _vectors(sets) if all(_ignored(possible, s, kind, v, budgets) for s in takers)]
            if vectors:
                found[number, kind] = tuple(vectors)
    return found


def _any_of(properties: Sequence[Property], node: type) -> bool:
    return any(isinstance(x, node) for x in nodes(tuple(p.form for p in properties)))


def _vectors(sets: tuple[ValueSet, ...]) -> Iterable[tuple[int, ...]]:
    single = [s for s in sets if isinstance(s, frozenset)]
    if len(single) < len(sets) or math.prod(len(s) for s in single) > MOST:
        return ()
    return itertools.product(*(sorted(s) for s in single))


def _ignored(possible: Possible, step: Step, kind: int, fields: tuple[int, ...], budgets: frozenset[int]) -> bool:
    """Whether a step does nothing, but for spending budgets if it loses, with such a message."""
    given: dict[Expression, ValueSet] = {Local(0): frozenset((kind,))}
    given |= {Local(i): frozenset((v,)) for i, v in enumerate(fields, 1)}
    made, _ = taken(possible, step, given)
    if made.guard == FALSE:
        return True
    losing = step.take is not None and step.take.taking is Taking.LOSE
    if losing and step.urgent != FALSE:
        return False
    allowed = budgets if losing else frozenset[int]()
    return all(
        isinstance(s, Mark | Occur | Bind) or (isinstance(s, Assign) and s.variable in allowed) for s in made.body
    )


# ---- budgets


def budgets_of(system: System, properties: Sequence[Property]) -> frozenset[int]:
    """The variables of which more allows more, and that nothing else asks for."""
    read = {x.variable for x in nodes((tuple(p.form for p in properties), system.lanes)) if isinstance(x, Read)}
    bad = set(read) | {i.alive for i in system.instances} | {r.variable for i in system.instances for r in i.regions}
    bad |= {x.variable for x in nodes(system.initially) if isinstance(x, Assign | Read)}
    for step in system.steps:
        asked = {v for v in map(_asks, conjuncts(step.guard)) if v is not None}
        outside = tuple(p for p in conjuncts(step.guard) if _asks(p) is None)
        spent = {s.variable for s in step.body if isinstance(s, Assign) and _spends(s, system)}
        if step.kind is not StepKind.ENVIRONMENT or step.urgent != FALSE:
            spent = set()
            bad |= asked
        bad |= spent - asked
        rest = tuple(s for s in step.body if not (isinstance(s, Assign) and s.variable in spent))
        bad |= {x.variable for x in nodes((outside, step.urgent, rest)) if isinstance(x, Read | Assign)}
        counted = [s.variable for s in step.body if isinstance(s, Assign)]
        bad |= {v for v in spent if counted.count(v) > 1}
    return frozenset(range(len(system.variables))) - {v for v in bad if v is not None}


def _asks(part: Expression) -> int | None:
    """The variable that a part of a guard asks for, as a budget."""
    match part:
        case Apply(Operator.LESS, (Constant(0), Read(variable))):
            return variable
        case _:
            return None


def _spends(statement: Assign, system: System) -> bool:
    """Whether it takes 1 from a variable of 0 or more; one of at most 1 becomes 0."""
    domain = system.variables[statement.variable].domain
    match statement.value:
        case Apply(Operator.SUBTRACT, (Read(variable), Constant(1))):
            return variable == statement.variable and domain.low >= 0
        case Constant(0):
            return (domain.low, domain.high) == (0, 1)
        case _:
            return False


# ---- rewriting


def _without(block: Block, system: System, dead: Dead) -> Block:
    return tuple(_sent(s, system, dead) for s in block)


def _sent(statement: Statement, system: System, dead: Dead) -> Statement:
    match statement:
        case Send(lane, message, fields) if (lane, message) in dead:
            vectors = dead[lane, message]
            condition = disjunction(
                *(
                    conjunction(*(equal(e, Constant(v)) for e, v in zip(fields, vector, strict=True)))
                    for vector in vectors
                )
            )
            gate = system.lanes[lane].open
            cleared: Statement = Clear(lane) if gate == TRUE else If(gate, (Clear(lane),))
            if condition == FALSE:
                return statement
            return cleared if condition == TRUE else If(condition, (cleared,), (statement,))
        case If(condition, then, otherwise):
            return If(condition, _without(then, system, dead), _without(otherwise, system, dead))
        case Either(branches):
            return Either(tuple(_without(b, system, dead) for b in branches))
        case _:
            return statement
