"""Atomic reactions, one by one, in the order that is defined.

Each unit runs its enabled reactions until it has none, then the next one does, round about, until none is enabled in any unit.
Told one by one: the unit that reacted last goes on as long as it can; after it, the first one behind it, round about, that has
something to do; if there is none, the reactions are over. (A unit that is passed over has nothing to do when it is its turn, as
nothing has happened since.) ``u`` is the unit that reacted last, the first one before any did. If only one unit reacts there is
nothing to remember.

That ``b`` is not 0 while units react, and that the first enabled reaction of a unit is the one that runs, is in
:mod:`verify.certify.meaning`; there the units take turns as they like, which is enough for proofs, and not for violations.
"""

from __future__ import annotations

from verify.certify.meaning import Effect, Happening, Script, all_of, any_of, negated
from verify.system.statement import Choose, Either, statements
from verify.system.system import Step, StepKind, System

Words = dict[str, str]


def reactions(system: System) -> list[Step]:
    """The reactions that are atomic."""
    return [s for s in system.steps if s.kind is StepKind.REACTION] if system.atomic else []


def reacting_units(system: System) -> list[int]:
    """The units that react, in their order."""
    return sorted({s.unit for s in reactions(system) if s.unit is not None})


def turn_words(system: System) -> Words:
    """The word for whose turn it is, if more than one unit reacts."""
    return {"u": "Int"} if len(reacting_units(system)) > 1 else {}


def choosing(system: System) -> bool:
    """Whether a reaction makes choices."""
    return any(isinstance(s, Choose | Either) for reaction in reactions(system) for s in statements(reaction.body))


def take_turns(system: System, words: Words, happened: list[Happening]) -> None:
    """Let the units react in their order."""
    units = reacting_units(system)
    if "u" not in words:
        return
    for h in happened:
        if h.name == "rest":
            h.effect.state["u"] = "0"
        elif h.step is not None and h.step.kind is StepKind.REACTION and h.step.unit is not None:
            here = units.index(h.step.unit)
            waits = _waits(system, h.script, words, units, here)
            h.enabled = h.script.named("Bool", all_of([h.enabled, *waits]))
            h.effect.state["u"] = str(here)


def _waits(system: System, script: Script, words: Words, units: list[int], here: int) -> list[str]:
    """What has to hold of the other units: those from the one that reacted last up to this one have nothing to do."""
    before = Effect(system, script, {w: w for w in words}, ["0"])
    conditions = []
    for other, unit in enumerate(units):
        if other == here:
            continue
        asked = f"(or (<= u {other}) (> u {here}))" if other < here else f"(and (< {here} u) (<= u {other}))"
        busy = any_of([before.truth(r.guard) for r in reactions(system) if r.unit == unit])
        conditions.append(negated(all_of([asked, script.named("Bool", busy)])))
    return conditions
