"""Parameters that an assumption makes equal, as one: what depended on two depends on one, and more of it never changes."""

from __future__ import annotations

import dataclasses

from verify.passes.narrowing import mapped
from verify.system.build import apply
from verify.system.expression import Apply, Expression, Operator, Rigid
from verify.system.property import Form
from verify.system.system import System


def unified(system: System, form: Form) -> tuple[System, Form]:
    """The system and the form with the first of equal parameters for all of them. All stay, and so do the assumptions."""
    first = list(range(len(system.parameters)))
    for assumption in system.assumptions:
        match assumption:
            case Apply(Operator.EQUAL, (Rigid(a), Rigid(b))):
                one, other = sorted((first[a], first[b]))
                first = [one if x == other else x for x in first]
            case _:
                pass
    if first == list(range(len(first))):
        return system, form

    def renamed(e: Expression) -> Expression:
        match e:
            case Rigid(parameter):
                return Rigid(first[parameter])
            case Apply(operator, arguments):
                return apply(operator, *map(renamed, arguments))
            case _:
                return e

    made: System = mapped(system, renamed)
    asked: Form = mapped(form, renamed)
    return dataclasses.replace(made, assumptions=system.assumptions), asked
