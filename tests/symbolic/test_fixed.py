"""What never changes is so in every state that is reached, and what is found by hand is found."""

import random
from collections import Counter

import pytest
from faults import notices
from siblings import sibling

from verify.base.budget import Budget, Limits
from verify.engines.explicit.graph import explore
from verify.engines.symbolic import fixed
from verify.engines.symbolic.fixed import fixed_values
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Local, Operator, Read
from verify.system.statement import Assign, Bind, Choose, Either, If, Send
from verify.system.system import Field, Lane, Message, Step, StepKind, System, Take, Taking, Variable

RANDOM = sibling("semantics", "random_systems")
MOST = 2_000
found = Counter()


def holds_everywhere(system):
    """Each value that is said to be fixed is that of every state (systems are closed: it is a number)."""
    known = fixed_values(system)
    graph = explore(Interpreter(system), Budget(Limits(states=MOST)))
    lanes = len(system.variables) + len(system.timers)
    for state in graph.states:
        for variable, value in known.variables.items():
            assert state[variable] == value.value, (variable, state)
        for number in range(len(system.lanes)):
            for _, kind, *values in state[lanes + number]:
                assert kind in known.kinds[number]
                for at, value in enumerate(values):
                    wanted = known.fields.get((number, kind, at))
                    assert wanted is None or wanted.value == value
    found["variables"] += len(known.variables)
    found["others"] += len(system.variables) - len(known.variables)
    found["fields"] += len(known.fields)


def random_holds(seed):
    source = RANDOM.Seeded(random.Random(seed))
    system, _ = RANDOM.random_system(source, RANDOM.makers(source))
    holds_everywhere(system)


def test_random_systems():
    found.clear()
    for seed in range(300):
        random_holds(seed)
    print(found)
    assert found["variables"] > 100
    assert found["others"] > 100
    assert found["fields"] > 5


# ---- by hand


def step(*body, slots=0, take=None, guard=TRUE):
    return Step("s", StepKind.ENVIRONMENT, guard, body, slots=slots, take=take)


def system(*steps, initially=(), values=(0, 0)):
    variables = tuple(Variable(f"v{i}", Range(0, 9), value) for i, value in enumerate(values))
    lanes = (Lane("l", "n", 0, 0, 2, 0, 1),)
    return System("s", 1, variables=variables, messages=(Message("m", (Field("f", Range(0, 9)),)),), lanes=lanes, steps=steps, initially=initially)


def variables_of(*steps, **others):
    whole = system(*steps, **others)
    holds_everywhere(whole)
    return {v: e.value for v, e in fixed_values(whole).variables.items()}


ONE, TWO = Constant(1), Constant(2)
SENT = step(Send(0, 0, (ONE,)))


def by_hand():
    """Each line is one way to be fixed, or not to be."""
    assert variables_of() == {0: 0, 1: 0}
    assert variables_of(step(Assign(0, ONE))) == {1: 0}
    assert variables_of(step(Assign(0, Read(1)))) == {0: 0, 1: 0}
    assert variables_of(step(Assign(0, Read(1))), step(Assign(1, ONE))) == {}
    assert variables_of(step(Assign(0, ONE)), values=(1, 0)) == {0: 1, 1: 0}
    assert variables_of(step(Assign(0, ONE), guard=FALSE)) == {0: 0, 1: 0}
    # branches: the one that is not taken does not count, both do where nobody knows
    assert variables_of(step(If(Read(1), (Assign(0, ONE),)))) == {0: 0, 1: 0}
    assert variables_of(step(If(Read(1), (), (Assign(0, ONE),)))) == {1: 0}
    assert variables_of(step(Assign(1, TWO), If(Read(1), (Assign(0, ONE),)))) == {}
    assert variables_of(step(Either(((Assign(0, ONE),), ())))) == {1: 0}
    assert variables_of(step(Either(((), (Assign(0, ONE),))))) == {1: 0}
    # what branches bind
    chosen = Either(((Bind(0, ONE),), (Bind(0, TWO),)))
    assert variables_of(step(chosen, Assign(0, Local(0)), slots=1), values=(1, 0)) == {1: 0}
    same = Either(((Bind(0, ONE),), (Bind(0, ONE),)))
    assert variables_of(step(same, Assign(0, Local(0)), slots=1), values=(1, 0)) == {0: 1, 1: 0}
    half = If(Read(1), (Bind(0, TWO),))
    assert variables_of(step(Assign(1, ONE), Bind(0, ONE), half, Assign(0, Local(0)), slots=1), values=(1, 0)) == {}
    assert variables_of(step(Choose(0, 1, 2, TRUE), Assign(0, Local(0)), slots=1), values=(1, 0)) == {1: 0}
    # the beginning
    assert variables_of(initially=(Assign(0, ONE),)) == {0: 1, 1: 0}
    assert variables_of(initially=(Assign(1, ONE), If(Read(1), (Assign(0, ONE),)))) == {1: 1}
    assert variables_of(initially=(Bind(0, ONE), If(Read(1), (Assign(0, ONE),)))) == {0: 0, 1: 0}
    # messages
    take = Take(0, Taking.DELIVER)
    heard = step(Assign(0, Local(1)), slots=2, take=take)
    assert variables_of(heard) == {0: 0, 1: 0}
    assert variables_of(SENT, heard, values=(1, 0)) == {0: 1, 1: 0}
    assert variables_of(SENT, step(Send(0, 0, (TWO,))), heard, values=(1, 0)) == {1: 0}
    assert variables_of(SENT, heard) == {1: 0}
    assert fixed_values(system(SENT)).fields == {(0, 0, 0): ONE}
    assert fixed_values(system(SENT)).sent(0) == [0]
    assert fixed_values(system()).sent(0) == []
    # conditions of which one part is enough
    both = Apply(Operator.AND, (Read(1), Read(0)))
    assert variables_of(step(Assign(1, Read(1)), If(both, (Assign(0, TWO),)))) == {0: 0, 1: 0}


def test_by_hand():
    by_hand()


_S = fixed._Search
FAULTS = {
    "the branch that is not taken counts": (_S.block, "if isinstance(found, Constant):", "if False:"),
    "stores under conditions are forgotten": (_S._begin, "case If() | Either() | Bind() | Choose():", "case Choose():"),
    "one branch speaks for all": (_S.branches, "all(v == values[0] for v in values)", "True"),
    "a field is what was sent first": (_S.join, "after = value if known is None or known == value else _ANY", "after = value if known is None or known == value else known if isinstance(key, tuple) else _ANY"),
    "a second store is forgotten": (_S.join, "after = value if known is None or known == value else _ANY", "after = value if known is None else known"),
    "what is chosen is known": (_S.block, "case Choose(slot):\n                local[slot] = _ANY", "case Choose(slot):\n                local[slot] = Constant(1)"),
    "steps that cannot be taken are": (_S.step, "self.value(step.guard, local) != Constant(0)", "True"),
    "one round is enough": (fixed.fixed_values, "while search.changed:", "for _ in range(1):"),
}
CHECKS = [(by_hand,), *((random_holds, seed) for seed in range(60))]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)
