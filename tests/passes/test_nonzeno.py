"""What is said of time from the steps alone, against cycles in what is reachable."""

import random
from dataclasses import replace

import pytest
from faults import notices
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.engines.explicit import health
from verify.engines.explicit.components import components, cyclic
from verify.engines.explicit.graph import explore
from verify.passes import nonzeno, possible
from verify.passes.narrowing import narrowed
from verify.passes.nonzeno import passing_steps, time_has_to_pass
from verify.semantics.interpreter import Interpreter
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Local,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    conjunction,
    equal,
)
from verify.system.statement import Assign, Duplicate, If, Send, Start, Stop
from verify.system.system import Field, Lane, Message, Step, StepKind, System, Take, Taking, Timer, Variable

RANDOM = sibling("semantics", "random_systems")
SEEDS = range(600)
MOST = 1_500


def pruned(system):
    """The system without the steps that are not ruled out, so that all of it is."""
    ruling = nonzeno._Ruling(system)
    ruling.all_out()
    kept = [s for n, s in enumerate(system.steps) if n not in ruling.left]
    return replace(system, steps=tuple(kept), fairness=())


def random_one(seed):
    source = RANDOM.Seeded(random.Random(seed))
    made = RANDOM.wide_system(source) if seed % 2 else RANDOM.random_system(source)
    return made[0]


def timeless_cycles(system):
    """The cycles without a tick among the first states."""
    graph = explore(Interpreter(system), Budget(Limits(states=MOST)))
    ticks = graph.tick_flags()
    return cyclic(graph.expanded, lambda node: health._inner(graph, node, ticks))


def agrees(seed):
    """The system as it is, and without what is left of it; how many steps that cannot repeat were looked at."""
    system = random_one(seed)
    if time_has_to_pass(system):
        assert not timeless_cycles(system), seed
    small = pruned(system)
    assert time_has_to_pass(small), seed
    assert not timeless_cycles(small), seed
    return len(small.steps)


def test_what_is_ruled_out_is_on_no_cycle_of_random_systems():
    looked_at = [agrees(seed) for seed in SEEDS]
    assert sum(looked_at) > 2 * len(SEEDS)


# ---- cycles without a tick, each of them hidden from one of the rules

ENVIRONMENT, REACTION = StepKind.ENVIRONMENT, StepKind.REACTION


def at(value, variable=0):
    return equal(Read(variable), Constant(value))


def put(value, variable=0):
    return Assign(variable, Constant(value))


def less(value, variable=0):
    return Assign(variable, Apply(Operator.SUBTRACT, (Read(variable), Constant(value))))


def step(guard, *body, kind=ENVIRONMENT, **more):
    return Step("s", kind, guard, body, **more)


def take(taking, guard, *body):
    return step(guard, *body, kind=StepKind.DELIVERY, take=Take(0, taking), slots=2)


def world(*steps, start=(0, 0, 0), minimum=0, **more):
    return System(
        "w",
        1,
        variables=tuple(Variable(n, Range(0, 2), v) for n, v in zip("xyz", start, strict=True)),
        timers=(Timer("t", 2, -1),),
        messages=(Message("m", (Field("f", Range(0, 1)),)),),
        lanes=(Lane("l", "n", 0, 0, 2, minimum, minimum + 1),),
        units=("u",),
        steps=steps,
        **more,
    )


SENT = Send(0, 0, (Constant(1),))
ONCE = step(at(1, 1), put(0, 1), SENT)
COPIED = take(Taking.COPY, conjunction(at(0), equal(Count(0), Constant(1))), put(1), Duplicate(0))
LOWERED = step(Apply(Operator.LESS, (Constant(0), Read(0))), less(1))
IS_ONE, IS_ZERO = equal(Local(1), Constant(1)), equal(Local(1), Constant(0))

CYCLES = {
    "there and back": world(step(at(0), put(1)), step(at(1), put(0))),
    "less and more": world(LOWERED, step(at(0), put(2))),
    "less by a negative number": world(LOWERED, step(at(0), less(-1))),
    "less, and more in a reaction": world(LOWERED, step(at(0), put(2), kind=REACTION, unit=0), atomic=True),
    "a timer stopped and started": world(
        step(TimerIs(0, TimerStatus.STOPPED), Start(0, Constant(1))), step(TimerIs(0, TimerStatus.RUNNING), Stop(0))
    ),
    "a timer that expires at once": world(
        step(TimerIs(0, TimerStatus.EXPIRED), Stop(0)), step(TimerIs(0, TimerStatus.STOPPED), Start(0, FALSE))
    ),
    "back in one of two ways": world(step(at(0), put(1)), step(at(1), If(at(0, 1), (put(0),), (put(2),)))),
    "sent and taken": world(step(at(0), put(1), SENT), take(Taking.DELIVER, TRUE, put(0))),
    "copied and taken": world(ONCE, COPIED, take(Taking.DELIVER, at(1), put(0)), start=(0, 1, 0)),
    "copied and taken, when older": world(ONCE, COPIED, take(Taking.DELIVER, at(1), put(0)), start=(0, 1, 0), minimum=1),
    "copied and lost": world(ONCE, COPIED, take(Taking.LOSE, IS_ONE, put(0)), start=(0, 1, 0)),
    "looked at, and left where it is": world(
        ONCE, take(Taking.COPY, conjunction(at(0), IS_ONE), put(1)), take(Taking.COPY, at(1), put(0)), start=(0, 1, 0)
    ),
    "two senders, one of them for a while": world(
        step(at(0), put(1), SENT),
        take(Taking.DELIVER, IS_ONE, put(0)),
        take(Taking.DELIVER, IS_ZERO),
        step(at(1, 1), put(0, 1), Send(0, 0, (FALSE,))),
        step(at(1, 2), put(0, 2), put(1, 1)),
        start=(0, 0, 1),
    ),
}  # fmt: skip


def hidden(name):
    assert timeless_cycles(CYCLES[name])
    assert not time_has_to_pass(CYCLES[name]), name


@pytest.mark.parametrize("name", CYCLES)
def test_a_cycle_is_never_overlooked(name):
    hidden(name)


def test_messages_that_seem_to_become_more_and_fewer():
    """A message without fields may seem to lead to one with a field, and that one to the first: rounds of it have an end."""
    answer = If(equal(Local(1), Constant(-1)), (SENT,), (Send(0, 1, ()),))
    system = world(step(at(1, 1), put(0, 1), Send(0, 1, ())), take(Taking.DELIVER, TRUE, answer), start=(0, 1, 0))
    system = replace(system, messages=(*system.messages, Message("empty", ())))
    assert timeless_cycles(system)
    assert not time_has_to_pass(system)


def test_messages_that_become_fewer_one_by_one():
    """Each message is answered by one that is less: that this ends is not looked for a million times."""
    smaller = Send(0, 0, (Apply(Operator.SUBTRACT, (Local(1), Constant(1))),))
    system = world(take(Taking.DELIVER, TRUE, If(IS_ZERO, (), (smaller,))))
    system = replace(system, messages=(Message("m", (Field("f", Range(0, 10**6)),)),))
    assert not time_has_to_pass(system)


def test_what_is_not_told_of_a_system_whose_time_passes():
    """A step that is never reached leaves the question open: nothing depends on what is reachable."""
    unreached = world(step(at(2), put(1)), step(at(1), put(2)))
    assert not timeless_cycles(unreached)
    assert not time_has_to_pass(unreached)


# ---- steps on no cycle at all


def on_cycles(system):
    """The steps that are on a cycle among the first states."""
    graph = explore(Interpreter(system), Budget(Limits(states=MOST)))
    edges = [
        (node, graph.target[e], graph.choices[graph.choice[e]].step)
        for node in range(graph.expanded)
        for e in range(graph.first[node], graph.first[node + 1])
    ]
    after = {}
    for node, target, _ in edges:
        after.setdefault(node, []).append(target)
    found = components(range(len(graph.states)), lambda node: after.get(node, ()))
    where = {node: number for number, nodes in enumerate(found) for node in nodes}
    return {s for node, target, s in edges if where[node] == where[target] and s >= 0}


def nothing_passes(system, seed=None):
    found = passing_steps(system)
    assert not on_cycles(system) & found, seed
    if system.atomic:  # reactions are no transitions
        assert not [n for n in found if system.steps[n].kind is REACTION], seed


def passing_agrees(seed):
    system = random_one(seed)
    nothing_passes(system, seed)
    return len(passing_steps(system))


EXPIRED, STOPPED = TimerIs(0, TimerStatus.EXPIRED), TimerIs(0, TimerStatus.STOPPED)
AROUND = {
    **CYCLES,
    "a timer that starts again": world(step(EXPIRED, Start(0, Constant(2)), urgent=TRUE), step(STOPPED, Start(0, Constant(1)))),
    "a timer stopped, once it expired": world(step(EXPIRED, Stop(0)), step(STOPPED, Start(0, Constant(1)))),
    "a message that has to be older": world(step(equal(Count(0), FALSE), SENT), take(Taking.DELIVER, TRUE), minimum=1),
    "a budget that a reaction to time restores": world(
        LOWERED, step(conjunction(EXPIRED, at(0)), put(2), Start(0, Constant(1)), kind=REACTION, unit=0), step(STOPPED, Start(0, Constant(1))), atomic=True
    ),
}


def passes_by(name):
    nothing_passes(AROUND[name], name)


@pytest.mark.parametrize("name", AROUND)
def test_what_is_on_a_cycle_with_ticks_is_not_passing(name):
    assert on_cycles(AROUND[name])
    passes_by(name)


def test_what_passes_is_on_no_cycle_of_random_systems():
    assert sum(map(passing_agrees, SEEDS)) > len(SEEDS) // 2


def test_what_spends_a_budget_passes_and_what_it_makes_possible():
    """A crash that can happen twice, what only happens after it, and a beat that goes on."""
    crash = step(Apply(Operator.LESS, (FALSE, Read(0))), less(1), put(1, 1))
    recovery = step(at(1, 1), put(0, 1))
    beat = step(EXPIRED, Start(0, Constant(2)), urgent=TRUE)
    start = step(STOPPED, Start(0, Constant(2)))
    assert passing_steps(world(crash, recovery, beat, start, start=(2, 0, 0))) == {0, 1, 3}


FAULTS = [
    (nonzeno._Ruling._out, "if self.ticking:", "if False:"),
    (nonzeno._Ruling._aged, "if self.ticking or ", "if "),
    (nonzeno.passing_steps, "- inner - ruling.left.keys()", "- ruling.left.keys()"),
    (nonzeno._Ruling._is_out, "if any(not common(values, stored[place])", "if any(True"),
    (nonzeno._Ruling._is_out, "does.lowers - raised", "does.lowers"),
    (nonzeno._Ruling._is_out, "and step.take.taking is not Taking.COPY ", ""),
    (nonzeno._Ruling._is_out, "and step.take.lane not in filled", ""),
    (nonzeno._Ruling._done, "if not common(was, is_):", "if was != is_:"),
    (nonzeno._Ruling._done, "self.everything if copies else self.fields", "self.fields"),
    (nonzeno._Ruling._aged, " and step.take.lane not in self.duplicated", ""),
    (nonzeno._Ruling._aged, ".minimum > 0", ".maximum > 0"),
    (nonzeno._Ruling._acting, "yield from self.always", "pass"),
    (nonzeno._Ruling._out, "raised |= does.raises", "pass"),
    (nonzeno._Ruling._out, "_stored(stored, place, values)", "stored[place] = values"),
    (nonzeno._Ruling._done, " | {s.lane for s in inside if isinstance(s, Duplicate)}", ""),
    (nonzeno._Ruling._fewer_messages, " and n not in self.duplicated", ""),
    (nonzeno._Noting.stop, "TimerStatus.STOPPED", "TimerStatus.RUNNING"),
    (nonzeno._Noting._note, "_stored(self.does.stores, place, values)", "self.does.stores[place] = values"),
    (nonzeno._mixed, "joined(a, b)", "b"),
    (nonzeno._taken_off, "and value >= 0", ""),
    (possible.started, "low == 0", "low < 0"),
    (possible.Env.timed, "if left else None", "if len(left) > 1 else None"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0].__name__}: {f[1]}")
def test_seeded_faults_are_noticed(fault):
    notices(fault, [*((hidden, name) for name in CYCLES), *((passes_by, name) for name in AROUND), *((agrees, seed) for seed in SEEDS)])


def test_the_steps_of_shipped_routers_say_that_time_passes():
    spec = api.load("specs/vrrp/three.spec")
    for task in spec.tasks:
        assert time_has_to_pass(narrowed(task.system, []).system)
