"""Which engine answers: the interpreter's where it is done before a compiler would be, machine code for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from verify.base.budget import Budget
from verify.engines.claim import Claim, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.explicit.graph import explore
from verify.engines.native.engine import NativeEngine, Unconfirmed, Unsupported
from verify.semantics.interpreter import Interpreter
from verify.system.property import Property
from verify.system.system import System

SMALL = 2_000  # states that the interpreter explores in the time that compiling takes


class Choice(Enum):
    """What a user can ask for."""

    AUTO = "auto"
    EXPLICIT = "explicit"
    NATIVE = "native"


def claims(system: System, properties: Sequence[Property], budget: Budget, choice: Choice) -> list[Claim]:
    """Answers to the properties of a closed system, in their order."""
    match choice:
        case Choice.EXPLICIT:
            return ExplicitEngine().check(system, properties, budget)
        case Choice.NATIVE:
            try:
                return NativeEngine().check(system, properties, budget)
            except (Unsupported, Unconfirmed) as problem:
                return [Claim(Unknown(f"the native engine does not translate this: {problem}")) for _ in properties]
        case Choice.AUTO:
            return _quickest(system, properties, budget)


def _quickest(system: System, properties: Sequence[Property], budget: Budget) -> list[Claim]:
    limits = budget.limits
    if limits.states is None or limits.states > SMALL:
        graph = explore(Interpreter(system), replace(budget, limits=replace(limits, states=SMALL)))
        if not graph.incomplete:
            return ExplicitEngine().claims(graph, properties)
        try:
            return NativeEngine().check(system, properties, budget)
        except (Unsupported, Unconfirmed):
            pass
    return ExplicitEngine().check(system, properties, budget)
