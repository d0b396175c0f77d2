"""Random small systems in which some numbers are left open, and what each of their values gives, by enumeration."""

import dataclasses
import random

from siblings import sibling

from verify.base.budget import Budget, Limits
from verify.base.place import NOWHERE
from verify.base.verdict import Verdict
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import judge
from verify.lang.specification import Check, Task
from verify.passes.valuations import close, close_property, valuations
from verify.system.domain import Boolean, Range
from verify.system.expression import Apply, Constant, Operator, Rigid
from verify.system.property import Never, NeverLonger, Property, Within
from verify.system.statement import Start
from verify.system.system import Parameter

RANDOM = sibling("semantics", "random_systems")
FIRST, SECOND, FLAG = Rigid(0), Rigid(1), Rigid(2)
PARAMETERS = (Parameter("p", Range(0, 3)), Parameter("q", Range(0, 3, ticks=True)), Parameter("flag", Boolean()))


def _opened(value, chance):
    """Something over the parameters instead of a constant."""
    less = Apply(Operator.LESS, (FIRST, SECOND))
    half = Apply(Operator.DIVIDE, (Apply(Operator.ADD, (FIRST, SECOND)), Constant(2)))
    area = Apply(Operator.DIVIDE, (Apply(Operator.MULTIPLY, (FIRST, SECOND)), Constant(3)))
    return chance.choice([FLAG, less] if value in (0, 1) else [FIRST, SECOND, half, area, Apply(Operator.ADD, (FIRST, Constant(1)))])


def opened(node, chance, percent):
    """The same node with some of its constants replaced."""
    match node:
        case Constant(value):
            return _opened(value, chance) if chance.random() * 100 < percent else node
        case Apply(Operator.DIVIDE | Operator.MODULO as operator, (top, bottom)):
            return Apply(operator, (opened(top, chance, percent), bottom))
        case Start(timer, ticks):
            new = chance.choice([FIRST, SECOND, Apply(Operator.ADD, (SECOND, Constant(1)))])
            return Start(timer, new if chance.random() < 0.5 else ticks)
        case tuple():
            return tuple(opened(x, chance, percent) for x in node)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            return type(node)(**{f.name: opened(getattr(node, f.name), chance, percent) for f in dataclasses.fields(node)})
        case _:
            return node


def open_task(seed):
    """A task with one check of safety, and three open parameters of few values."""
    chance = random.Random(seed)
    system, makers = RANDOM.random_system(RANDOM.Seeded(chance))
    form = RANDOM.random_form(makers, chance.choice([Never, NeverLonger, Within]))
    steps = tuple(dataclasses.replace(s, body=opened(s.body, chance, 15), guard=opened(s.guard, chance, 15)) for s in system.steps)
    assumptions = (Apply(Operator.AT_MOST, (FIRST, SECOND)),) if chance.random() < 0.3 else ()
    system = dataclasses.replace(system, steps=steps, parameters=PARAMETERS, assumptions=assumptions, fairness=())
    check = Check(Property("asked", form, "asked"), Verdict.PROVED, "", NOWHERE, native=False, stated=True)
    return Task("random", system, (check,))


def enumerated(task, states=3000):
    """Each valuation with its verdict; None if one of them is not decided."""
    (check,) = task.checks
    found = {}
    for values in valuations(task.system).all:
        closed, asked = close(task.system, values), close_property(check.property, values)
        (claim,) = ExplicitEngine().check(closed, [asked], Budget(Limits(states=states)))
        found[values] = judge(closed, asked, claim).verdict
        if found[values] is Verdict.UNDECIDED:
            return None
    return found
