"""What depends on what: of each store in a system, all that decides whether it is made, and what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from verify.passes.dead_variables import read_in, stored_by
from verify.system.expression import FALSE, Count, Due, Expression, Local, Occurred, conjunction, conjuncts
from verify.system.statement import (
    Bind,
    Block,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Occur,
    Send,
    Statement,
    statements,
)
from verify.system.system import Step, System, Taking
from verify.system.wellformed import nodes

Item = tuple[str, int]  # ("variable", n), ("timer", n), ("lane", n), ("event", n)
Store = tuple[Item, set[Item]]
Free = Callable[[Step], bool]


def _none(_: Step) -> bool:
    """No step is free."""
    return False


def items_in(node: object) -> set[Item]:
    """What expressions in a node read."""
    inner = list(nodes(node))
    lanes = {("lane", n.lane) for n in inner if isinstance(n, Count | Due)}
    return {*read_in(inner), *lanes, *(("event", n.event) for n in inner if isinstance(n, Occurred))}


def stores_of(system: System, steps: Iterable[Step], *, begins: bool = True, free: Free = _none) -> Iterator[Store]:
    """What is stored, with everything on which it depends whether and what.

    ``begins``: in the beginning as well. ``free``: which deliveries may come at any time, with any message that there can be.
    """
    if begins:
        yield from _stored(system, system.initially, set())
    for step in steps:
        if strikes(step):
            yield ("lane", step.take.lane if step.take is not None else 0), items_in((step.guard, step.body))
            yield from _stored(system, step.body, items_in(plain_guard(step)))
            continue
        context = items_in((step.guard, step.urgent))
        inner = list(statements(step.body))
        if step.take is not None and not free(step):
            context.add(("lane", step.take.lane))
        if any(isinstance(s, Choose | Bind) for s in inner):
            context |= items_in(step.body)
        if step.take is not None and step.take.taking is not Taking.COPY:
            yield ("lane", step.take.lane), context
        yield from _stored(system, step.body, context)


def plain_guard(step: Step) -> Expression:
    """What the guard asks for besides the message."""
    return conjunction(*(c for c in conjuncts(step.guard) if not reads_message(c)))


def stored_in(step: Step) -> set[Item]:
    """Everything that a step stores in, the lane from which it takes a message included; events are not stored."""
    found = {i for i in map(target, statements(step.body)) if i is not None and i[0] != "event"}
    if step.take is not None and step.take.taking is not Taking.COPY:
        found.add(("lane", step.take.lane))
    return found


def strikes(step: Step) -> bool:
    """Whether a step is a fault that strikes a message, and stores nothing that depends on it: spent faults, mostly.

    Where its lane does not matter it may strike at any time. It is not urgent, so that this takes no tick away.
    """
    plain = not any(
        isinstance(s, Choose | Bind | Duplicate | Send | If | Either) or reads_message(s) for s in step.body
    )
    lost = step.take is not None and step.take.taking is Taking.LOSE
    return lost and plain and step.urgent == FALSE


def reads_message(node: object) -> bool:
    """Whether something reads the message that is taken."""
    return any(isinstance(n, Local) for n in nodes(node))


def _stored(system: System, block: Block, context: set[Item]) -> Iterator[Store]:
    for statement in block:
        item = target(statement)
        match statement:
            case If(condition, then, otherwise):
                inner = context | items_in(condition)
                yield from _stored(system, then, inner)
                yield from _stored(system, otherwise, inner)
            case Either(branches):
                for branch in branches:
                    yield from _stored(system, branch, context)
            case Send(lane):
                yield ("lane", lane), context | items_in((statement, system.lanes[lane].open))
            case _ if item is not None:
                yield item, context | items_in(statement)
            case _:
                pass


def target(statement: Statement) -> Item | None:
    """What a statement stores in."""
    match statement:
        case Send(lane) | Duplicate(lane) | Clear(lane):
            return ("lane", lane)
        case Occur(event):
            return ("event", event)
        case _:
            return stored_by(statement)


def cone_of(roots: set[Item], stores: Iterable[Store]) -> set[Item]:
    """The roots, with all on which what is stored there depends."""
    cone = set(roots)
    while True:
        more = set[Item]().union(*(reads for item, reads in stores if item in cone)) - cone
        if not more:
            return cone
        cone |= more
