"""A sharpened system does the same in every state that is reached, for all values that are assumed; and is sharper where it should be."""

import dataclasses
import random
from collections import Counter

import pytest
from faults import notices
from siblings import sibling

from verify.base.budget import Budget, Limits
from verify.engines.explicit.graph import explore
from verify.engines.symbolic import sharpened as module
from verify.engines.symbolic.sharpened import sharpened
from verify.passes.narrowing import mapped
from verify.passes.valuations import close, valuations
from verify.semantics.interpreter import Interpreter
from verify.system import build
from verify.system.build import apply
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Expression,
    Local,
    Operator,
    Read,
    Rigid,
    conjunction,
)
from verify.system.statement import Assign, Bind, If, Send
from verify.system.system import Field, Lane, Message, Parameter, Step, StepKind, System, Take, Taking, Variable

RANDOM = sibling("semantics", "random_systems")
MOST = 1_500
met = Counter()


def opened(seed):
    """A random system with some of its numbers left open, and something assumed about them."""
    r = random.Random(seed)
    system, _ = RANDOM.random_system(RANDOM.Seeded(r), RANDOM.makers(RANDOM.Seeded(r)))
    parameters = []

    def open_(e: Expression) -> Expression:
        match e:
            case Constant(value) if value > 0 and r.random() < 0.3:
                if len(parameters) == 2:
                    return Rigid(r.randrange(2)) if r.random() < 0.5 else e
                parameters.append(Parameter(f"p{len(parameters)}", Range(value, value + r.randrange(2))))
                return Rigid(len(parameters) - 1)
            case Apply(Operator.DIVIDE | Operator.MODULO):
                return e
            case Apply(operator, arguments):
                return apply(operator, *map(open_, arguments))
            case _:
                return e

    steps = tuple(dataclasses.replace(s, guard=open_(s.guard), body=mapped(s.body, open_)) for s in system.steps)
    assumed = ()
    if len(parameters) == 2:
        assumed = (Apply(r.choice((Operator.LESS, Operator.AT_MOST, Operator.EQUAL)), (Rigid(0), Rigid(1))),)
    return dataclasses.replace(system, steps=steps, parameters=tuple(parameters), assumptions=assumed)


def seen(system):
    graph = explore(Interpreter(system), Budget(Limits(states=MOST)))
    return None if graph.incomplete else (graph.states, graph.transitions, len(graph.failures))


def does_the_same(system):
    if not system.parameters:
        return
    sharp = sharpened(system)
    met["changed"] += sharp != system
    for values in valuations(system).all:
        here, there = (seen(close(s, values)) for s in (system, sharp))
        met["compared"] += here is not None
        assert here == there, values


def random_does_the_same(seed):
    does_the_same(opened(seed))


def test_random_systems():
    met.clear()
    for seed in range(300):
        random_does_the_same(seed)
    print(met)
    assert met["changed"] > 50
    assert met["compared"] > 200


# ---- by hand: two who send their ranks, a receiver that ranks between them


def ranked():
    """Parameter 0 is above 1, and 1 above 2: the ranks of a sender, of the receiver, and of another sender."""
    message = (Field("rank", Range(0, 9)), Field("what", Range(0, 9)))
    say = [Step(f"say {n}", StepKind.ENVIRONMENT, TRUE, (Send(n, 0, (Rigid(2 * n), Read(1))),)) for n in range(2)]
    beaten = Apply(Operator.LESS, (Rigid(1), Local(1)))
    told = Apply(Operator.EQUAL, (Local(2), Constant(3)))
    hear = [
        Step(f"hear {n}", StepKind.DELIVERY, TRUE, (If(conjunction(beaten, told), (Assign(0, Local(1)),), (Bind(2, FALSE), Assign(1, Local(2)))),), take=Take(n, Taking.DELIVER), slots=3)
        for n in range(2)
    ]
    return System(
        "ranked",
        1,
        variables=(Variable("heard", Range(0, 9), 0), Variable("said", Range(0, 9), 0)),
        messages=(Message("m", message),),
        lanes=tuple(Lane(f"l{n}", "n", 0, 0, 1, 0, 1) for n in range(2)),
        steps=(*say, *hear),
        parameters=tuple(Parameter(f"p{n}", Range(1, 5)) for n in range(3)),
        assumptions=(Apply(Operator.LESS, (Rigid(1), Rigid(0))), Apply(Operator.LESS, (Rigid(2), Rigid(1)))),
    )


def by_hand():
    """What is assumed decides who is heard; what a slot holds that is bound in the step is not what came."""
    first, second = (s.body for s in sharpened(ranked()).steps[2:])
    told = Apply(Operator.EQUAL, (Local(2), Constant(3)))
    other = (Bind(2, FALSE), Assign(1, Local(2)))
    assert first == (If(told, (Assign(0, Rigid(0)),), other),)
    assert second == other
    does_the_same(ranked())


def test_by_hand():
    by_hand()


def test_closed_systems_are_as_they_were():
    closed = dataclasses.replace(ranked(), parameters=(), assumptions=(), steps=ranked().steps[2:])
    assert sharpened(closed) is closed


FAULTS = {
    "what is bound on the way came with the message": (module._step, "if e is not None and slot not in bound", "if e is not None"),
    "a condition that may be false is true": (module._Assumed._asked, "((1, z3.Not(term)), (0, term))", "((1, term), (0, z3.Not(term)))"),
    "nothing is assumed": (module._Assumed.__init__, "self.solver.add(*self.layout.premises())", "pass"),
    "the other branch": (module._step, "then if condition.value else otherwise", "otherwise if condition.value else then"),
    "and is or": (build.folded, "return conjunction(*arguments)", "return disjunction(*arguments)"),
    "fields are in another order": (module._step, "{n + 1: fixed", "{n + 2: fixed"),
}
CHECKS = [(by_hand,), *((random_does_the_same, seed) for seed in range(300))]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)
