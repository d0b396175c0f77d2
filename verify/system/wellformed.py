"""Whether a system hangs together: every number in a node counts something there. For data from outside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from verify.system.domain import Boolean, Enumeration, Range, contains
from verify.system.expression import Apply, Count, Due, Local, Occurred, Operator, Read, Rigid, TimerIs
from verify.system.property import Form, LtlApply
from verify.system.statement import Assign, Bind, Choose, Clear, Duplicate, Mark, Occur, Send, Start, Stop
from verify.system.system import Fairness, Instance, Region, Step, System, Take

_COUNTED: Final[dict[type, tuple[tuple[str, str], ...]]] = {
    Read: (("variable", "variables"),),
    Rigid: (("parameter", "parameters"),),
    TimerIs: (("timer", "timers"),),
    Count: (("lane", "lanes"),),
    Due: (("lane", "lanes"),),
    Occurred: (("event", "events"),),
    Assign: (("variable", "variables"),),
    Start: (("timer", "timers"),),
    Stop: (("timer", "timers"),),
    Send: (("lane", "lanes"), ("message", "messages")),
    Duplicate: (("lane", "lanes"),),
    Clear: (("lane", "lanes"),),
    Occur: (("event", "events"),),
    Mark: (("rule", "rules"),),
    Take: (("lane", "lanes"),),
    Region: (("variable", "variables"),),
    Instance: (("parent", "instances"), ("unit", "units"), ("alive", "variables")),
    Step: (("instance", "instances"), ("unit", "units")),
}

_ARITY: Final = {
    Operator.SUBTRACT: 2,
    Operator.DIVIDE: 2,
    Operator.MODULO: 2,
    Operator.EQUAL: 2,
    Operator.LESS: 2,
    Operator.AT_MOST: 2,
    Operator.NOT: 1,
    Operator.IF: 3,
}

_INITIAL_SLOTS: Final = 64
_LTL_ARITY: Final = {
    "not": 1,
    "always": 1,
    "eventually": 1,
    "until": 2,
    "release": 2,
    "weakly until": 2,
    "implies": 2,
    "and": None,
    "or": None,
}


def faults(system: System) -> list[str]:
    """What does not fit, in no more words than needed; empty for a system that hangs together."""
    found = list(_all(system, system))
    found += _declarations(system)
    for index, step in enumerate(system.steps):
        if step.slots < 0:
            found.append(f"step {index} has {step.slots} slots")
        found += [f"step {index}: {text}" for text in _locals(step, step.slots)]
    return found


def property_faults(form: Form, system: System) -> list[str]:
    """What does not fit in a property of a system."""
    return [*_all(form, system), *_locals(form, 0)]


def _all(root: object, system: System) -> Iterator[str]:
    for node in nodes(root):
        yield from _node(node, system)
        if isinstance(node, Choose) and node.low > node.high + 1:
            yield f"a choice from {node.low}..{node.high}"


def _node(node: Any, system: System) -> Iterator[str]:  # noqa: ANN401 - any node of the waist
    for name, table in _COUNTED.get(type(node), ()):
        index, size = getattr(node, name), len(getattr(system, table))
        if index is not None and not 0 <= index < size:
            yield f"{type(node).__name__}.{name} is {index}, there are {size} {table}"
    match node:
        case Apply(operator, arguments):
            if not arguments or len(arguments) != _ARITY.get(operator, len(arguments)):
                yield f"{len(arguments)} arguments for '{operator.value}'"
        case LtlApply(word, formulas):
            if word not in _LTL_ARITY or not formulas or len(formulas) != (_LTL_ARITY[word] or len(formulas)):
                yield f"{len(formulas)} arguments for '{word}'"
        case Send(_, message, fields) if 0 <= message < len(system.messages):
            if len(fields) != len(system.messages[message].fields):
                yield f"{len(fields)} fields for the message '{system.messages[message].name}'"
        case Fairness(name, steps):
            if any(not 0 <= step < len(system.steps) for step in steps):
                yield f"fairness '{name}' names a step that is not there"
        case Range(low, high) if low > high:
            yield f"the range {low}..{high} is empty"
        case Enumeration(name, members) if not members:
            yield f"the enumeration '{name}' is empty"
        case _:
            pass


def _declarations(system: System) -> Iterator[str]:
    for variable in system.variables:
        if not contains(variable.domain, variable.initial):
            yield f"the variable '{variable.name}' begins outside its domain"
    for timer in system.timers:
        if not -1 <= timer.initial <= timer.maximum:
            yield f"the timer '{timer.name}' begins outside -1..{timer.maximum}"
    for lane in system.lanes:
        if lane.capacity < 1 or not 0 <= lane.minimum <= lane.maximum:
            delays = f"{lane.minimum}..{lane.maximum}"
            yield f"the lane '{lane.name}' has capacity {lane.capacity}, delays {delays}"
        yield from (f"the lane '{lane.name}': {text}" for text in _locals(lane.open, 0))
    yield from (f"initially: {text}" for text in _locals(system.initially, _INITIAL_SLOTS))
    owners = [v.instance for v in system.variables] + [t.instance for t in system.timers]
    for owner in [*owners, *(r.instance for r in system.rules)]:
        if owner is not None and not 0 <= owner < len(system.instances):
            yield f"there is no instance {owner}"
    if system.tick_nanoseconds < 1:
        yield f"a tick of {system.tick_nanoseconds} ns"


def _locals(root: object, slots: int) -> Iterator[str]:
    for node in nodes(root):
        slot = node.slot if isinstance(node, Local | Bind | Choose) else 0
        if slot < 0 or (slot >= slots and isinstance(node, Local | Bind | Choose)):
            yield f"slot {slot}, there are {slots}"


def nodes(root: object) -> Iterator[Any]:
    """All nodes at and below ``root``, each object once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, type | Boolean) and id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(getattr(node, f.name) for f in dataclasses.fields(node))
