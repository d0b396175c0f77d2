"""Reset variables and stop timers whose value cannot matter any more.

**What it keeps.** Each state goes over into one that is bisimilar, choices, ticks, errors, events and all predicates of the
properties included: verdicts and the lengths of shortest traces are equal, states, transitions and depth at most as great. A
loop of the reduced system closes in the original after going round often enough: see
:func:`verify.passes.reductions.Reduced.lifted`.

**When a value is dead.** For a variable ``c`` of few values (a control state, as a rule) and another variable or timer ``x``:
``x`` is dead at a value ``v`` of ``c`` when no property reads ``x`` where ``c`` is ``v``, and no step that can be taken there
reads it (guard, urgency, the gates of lanes, every expression of the body) before it has overwritten it for certain, and a
step that does not overwrite it leads to values of ``c`` at which ``x`` is dead as well. What is read where ``c`` is ``v`` is
read off the step as it is rewritten for that value. ``x`` is never ``c`` itself, whose reads are folded away there.

**Why it is sound.** Take all states in which every variable has one of its possible values (:mod:`verify.passes.possible`,
any timer also stopped); steps lead from such states to such states. In those with ``c`` at ``v`` take pairs that differ in
``x`` alone. The same steps are enabled with the same choices, are urgent, fail; the states they lead to are equal, or such a
pair again; a tick leads to such a pair. So the pairs are bisimilar, and a reset at the end of a step, where ``c`` is such a
value, exchanges a state for a bisimilar one. Several resets are several such exchanges, one after the other.

**Atomic reactions** compare states, to notice a livelock. If no reaction chooses, they run on for ever from both states of a
pair or from neither, so that a livelock is noticed in both. Otherwise only what no reaction stores is reset, and not in
reactions: then two states on the way are equal if and only if their twins are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from verify.base.record import record
from verify.passes.possible import Env, Possible, possible_in, taken
from verify.passes.valuesets import ValueSet, holds
from verify.system.expression import FALSE, Apply, Constant, Expression, Operator, Read, TimerIs, disjunction, equal
from verify.system.property import Property
from verify.system.statement import Assign, Bind, Block, Choose, Either, If, Send, Start, Statement, Stop
from verify.system.system import Step, StepKind, System
from verify.system.wellformed import nodes

MOST_VALUES = 8  # of a variable that is looked at as a control state

Item = tuple[str, int]  # ("variable", n) or ("timer", n)


@record
class Use:
    """What a step does to variables and timers: those it may read before it stores, those it stores for certain, or perhaps."""

    reads: frozenset[Item]
    stores: frozenset[Item]
    touches: frozenset[Item]


def without_dead_variables(system: System, properties: Sequence[Property]) -> System:
    """The system with resets at the ends of steps."""
    possible = possible_in(system, stopping=True)
    runs = [_ran(step, system, possible) for step in system.steps]
    freely = not choosing(system)
    resets = dead_values(system, properties, possible, runs, freely=freely)
    if not resets:
        return system
    steps = tuple(
        step
        if run.after is None or (step.kind is StepKind.REACTION and not freely)
        else replace(step, body=(*step.body, *_resets(system, run.after, resets, run.use.touches)))
        for step, run in zip(system.steps, runs, strict=True)
    )
    return replace(system, steps=steps, initially=(*system.initially, *_at_first(system, possible, resets)))


@record
class Run:
    """A step run on all possible values: what it does, and what is known after it; None: it never leads anywhere."""

    use: Use
    after: Env | None


def _ran(step: Step, system: System, possible: Possible) -> Run:
    rewritten, after = taken(possible, step)
    return Run(used(rewritten, system), after)


Dead = dict[
    Item, dict[int, frozenset[int]]
]  # for each item, by a control variable: the values of that at which it is dead


def dead_values(
    system: System, properties: Sequence[Property], possible: Possible, runs: Sequence[Run], *, freely: bool
) -> Dead:
    """Where which items are dead."""
    uses = [run.use for run in runs]
    mentions = [_mentioned(step, system) for step in system.steps]
    items = _resettable(system, uses, freely=freely)
    asked = read_in(x for p in properties for x in nodes(p.form))
    found: Dead = {}
    for control in sorted(_controls(system)):
        domain = system.variables[control].domain
        values = [v for v in range(domain.low, domain.high + 1) if holds(possible.variables[control], v)]
        near = [n for n, m in enumerate(mentions) if ("variable", control) in m]
        far = [n for n, m in enumerate(mentions) if ("variable", control) not in m]
        read_far = frozenset[Item]().union(*(uses[n].reads for n in far))
        candidates = [x for x in items if x != ("variable", control) and x not in read_far]
        if not candidates:
            continue
        live = _live(system, possible, properties, control, values, near, asked)
        for x in candidates:
            dead = _dead(x, live, values)
            if dead:
                found.setdefault(x, {})[control] = dead
    return found


def _controls(system: System) -> set[int]:
    """The variables of few values that guards compare with constants, and those that say where an instance is."""
    found = {r.variable for i in system.instances for r in i.regions}
    found |= {i.alive for i in system.instances if i.alive is not None}
    for step in system.steps:
        guard = step.guard
        for part in guard.arguments if isinstance(guard, Apply) and guard.operator is Operator.AND else (guard,):
            match part:
                case Apply(Operator.EQUAL, (Read(variable), Constant())):
                    found.add(variable)
                case _:
                    pass
    domains = {c: system.variables[c].domain for c in found}
    return {c for c, d in domains.items() if 1 <= d.high - d.low < MOST_VALUES}


@record
class _At:
    """What happens at one value of a control variable: what properties or steps read, and where those lead that leave x alone."""

    reads: frozenset[Item]
    ways: tuple[tuple[frozenset[Item], frozenset[int]], ...]


def _live(  # noqa: PLR0913 - what it depends on
    system: System,
    possible: Possible,
    properties: Sequence[Property],
    control: int,
    values: list[int],
    near: list[int],
    asked: frozenset[Item],
) -> dict[int, _At]:
    found: dict[int, _At] = {}
    for value in values:
        given: dict[Expression, ValueSet] = {Read(control): frozenset((value,))}
        reads = asked
        if ("variable", control) in asked:
            env = Env(possible, given)
            reads = read_in(x for p in properties for e in _predicates(p.form) for x in nodes(env.simplified(e)[0]))
        ways: list[tuple[frozenset[Item], frozenset[int]]] = []
        for number in near:
            step, after = taken(possible, system.steps[number], given)
            if step.guard == FALSE:
                continue
            use = used(step, system)
            reads |= use.reads
            if after is not None and ("variable", control) in use.touches:
                there = after.values(Read(control))
                ways.append((use.stores, frozenset(v for v in values if holds(there, v))))
        found[value] = _At(reads, tuple(ways))
    return found


def _dead(x: Item, at: dict[int, _At], values: list[int]) -> frozenset[int]:
    """The greatest set of values at which it is not read, and which is not left without a store."""
    dead = {v for v in values if x not in at[v].reads}
    while True:
        alive = {v for v in dead if any(x not in stores and not after <= dead for stores, after in at[v].ways)}
        if not alive:
            return frozenset(dead)
        dead -= alive


def _resettable(system: System, uses: list[Use], *, freely: bool) -> list[Item]:
    """What some step stores, as far as reactions that are atomic allow."""
    touched = frozenset[Item]().union(*(u.touches for u in uses))
    if not freely:
        for step, use in zip(system.steps, uses, strict=True):
            if step.kind is StepKind.REACTION:
                touched -= use.touches
    return sorted(touched)


def choosing(system: System) -> bool:
    """Whether reactions are atomic and make choices."""
    reactions = tuple(step.body for step in system.steps if step.kind is StepKind.REACTION)
    return system.atomic and any(isinstance(x, Choose | Either) for x in nodes(reactions))


def _at_first(system: System, possible: Possible, dead: Dead) -> Block:
    """The resets for the initial state: so that it is none that is not seen without them."""
    return _resets(system, Env(possible, {}), dead, None)


def _resets(system: System, after: Env, dead: Dead, touches: frozenset[Item] | None) -> Block:
    """The resets that may be due where one of these items was stored; None: any."""
    resets: list[Statement] = []
    for x, controls in sorted(dead.items()):
        conditions: list[Expression] = []
        for control, values in sorted(controls.items()):
            if touches is None or x in touches or ("variable", control) in touches:
                there = after.values(Read(control))
                conditions.append(_lies_in(control, there, values, system))
        condition = disjunction(*conditions)
        if condition != FALSE:
            reset = _reset(x, system)
            resets.append(reset if isinstance(condition, Constant) else If(condition, (reset,)))
    return tuple(resets)


def _lies_in(control: int, there: ValueSet, values: frozenset[int], system: System) -> Expression:
    """Whether a control variable, which has one of the values ``there``, has one of ``values``."""
    domain = system.variables[control].domain
    reached = [v for v in range(domain.low, domain.high + 1) if holds(there, v)]
    inside = [v for v in reached if v in values]
    if len(inside) == len(reached):
        return Constant(1)
    return disjunction(*(equal(Read(control), Constant(v)) for v in inside))


def _reset(x: Item, system: System) -> Statement:
    kind, number = x
    return Stop(number) if kind == "timer" else Assign(number, Constant(system.variables[number].initial))


# ---- what steps read and store


def used(step: Step, system: System) -> Use:
    """What a step reads and stores."""
    reads = set(read_in(nodes((step.guard, step.urgent))))
    touches: set[Item] = set()
    stores = _run(step.body, frozenset(), system, reads, touches)
    return Use(frozenset(reads), stores, frozenset(touches))


def _run(
    block: Block, stored: frozenset[Item], system: System, reads: set[Item], touches: set[Item]
) -> frozenset[Item]:
    """What is stored for certain after a block; what it reads before that is added to ``reads``."""
    for statement in block:
        match statement:
            case If(condition, then, otherwise):
                reads |= read_in(nodes(condition)) - stored
                one = _run(then, stored, system, reads, touches)
                stored = one & _run(otherwise, stored, system, reads, touches)
                continue
            case Either(branches):
                ends = [_run(b, stored, system, reads, touches) for b in branches]
                stored = frozenset.intersection(*ends) if ends else stored
                continue
            case Assign(_, e) | Start(_, e) | Bind(_, e) | Choose(_, _, _, e):
                reads |= read_in(nodes(e)) - stored
            case Send(lane, _, fields):
                reads |= read_in(nodes((system.lanes[lane].open, fields))) - stored
            case _:
                pass
        here = stored_by(statement)
        if here is not None:
            touches.add(here)
            stored |= {here}
    return stored


def stored_by(statement: Statement) -> Item | None:
    """What a statement stores in, if it does."""
    match statement:
        case Assign(variable):
            return ("variable", variable)
        case Start(timer) | Stop(timer):
            return ("timer", timer)
        case _:
            return None


def read_in(found: Iterable[object]) -> frozenset[Item]:
    """The variables and timers that these nodes read."""
    items: set[Item] = set()
    for node in found:
        match node:
            case Read(variable):
                items.add(("variable", variable))
            case TimerIs(timer):
                items.add(("timer", timer))
            case _:
                pass
    return frozenset(items)


def _mentioned(step: Step, system: System) -> frozenset[Item]:
    """All that a step reads or stores, anywhere."""
    inner = list(nodes((step.guard, step.urgent, step.body)))
    gates = [x for s in inner if isinstance(s, Send) for x in nodes(system.lanes[s.lane].open)]
    stores = [stored_by(s) for s in inner if isinstance(s, Assign | Start | Stop)]
    return read_in([*inner, *gates]) | {x for x in stores if x is not None}


def _predicates(node: object) -> Iterator[Expression]:
    """The outermost expressions in a form."""
    if isinstance(node, Expression):
        yield node
    elif isinstance(node, tuple):
        for x in node:
            yield from _predicates(x)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        for f in dataclasses.fields(node):
            yield from _predicates(getattr(node, f.name))
