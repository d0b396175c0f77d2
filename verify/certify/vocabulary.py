"""The words of a certificate: one SMT-LIB constant for each number of a state.

``v3`` the value of variable 3; ``t0`` of timer 0 (-1 stopped, 0 expired); ``l1_0_here`` (Bool) whether the first place of lane 1
is taken; ``l1_0_age``, ``l1_0_kind``, ``l1_0_f2`` the age, the message and its field 2 there (0 where the place is free, and for
fields that the message does not have); ``e4`` (Bool) whether event 4 occurred in the step to this state; ``c`` the ticks that the
property's observer has counted (-1 while it does not wait), if it has one; ``b``, with atomic reactions, 0 at rest, 1 while units
react to a step or a tick, 2 while they react to the beginning; ``p0`` the value of parameter 0. All others are Int.
"""

from __future__ import annotations

from verify.system.expression import events_of
from verify.system.property import Form, Never, NeverLonger, Possible, Within
from verify.system.system import System

Words = dict[str, str]


def asked_events(form: Form) -> list[int]:
    """The events that the property's predicates ask for."""
    match form:
        case Never(predicate) | Possible(predicate) | NeverLonger(predicate):
            return sorted(events_of(predicate))
        case Within(None, response):
            return sorted(events_of(response))
        case Within(trigger, response):
            return sorted(events_of(response) | events_of(trigger)) if trigger is not None else []
        case _:
            return []


def place_words(system: System, lane: int, place: int) -> Words:
    """The words of one place of a lane, with their sorts."""
    width = max((len(m.fields) for m in system.messages), default=0)
    start = f"l{lane}_{place}_"
    content = {start + name: "Int" for name in ("age", "kind", *(f"f{i}" for i in range(width)))}
    return {start + "here": "Bool", **content}


def state_words(system: System, form: Form) -> Words:
    """All words of a state, with their sorts, in their order."""
    words = {f"v{i}": "Int" for i in range(len(system.variables))}
    words |= {f"t{i}": "Int" for i in range(len(system.timers))}
    for lane, declared in enumerate(system.lanes):
        for place in range(declared.capacity):
            words |= place_words(system, lane, place)
    words |= {f"e{i}": "Bool" for i in asked_events(form)}
    words |= {"c": "Int"} if isinstance(form, NeverLonger | Within) else {}
    return words | ({"b": "Int"} if system.reacts else {})


def parameter_words(system: System) -> Words:
    """The words of the open parameters, with their sorts."""
    return {f"p{i}": "Int" for i in range(len(system.parameters))}
