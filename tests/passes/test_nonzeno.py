"""What is said of time from the steps alone, against cycles in what is reachable."""

import random
from dataclasses import replace

import pytest
from faults import exchanged
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.engines.explicit.components import cyclic
from verify.engines.explicit.graph import explore
from verify.passes import nonzeno, possible
from verify.passes.narrowing import narrowed
from verify.passes.nonzeno import time_has_to_pass
from verify.semantics.interpreter import Interpreter

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

    def inner(node):
        return [t for e in graph.edges(node) if not ticks[graph.choice[e]] and (t := graph.target[e]) < graph.expanded]

    return cyclic(graph.expanded, inner)


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


FAULTS = [
    (nonzeno._Ruling._is_out, "if any(not common(values, stored[place])", "if any(True"),
    (nonzeno._Ruling._is_out, "does.less - raised", "does.less"),
    (nonzeno._Ruling._is_out, "and step.take.taking is not Taking.COPY ", ""),
    (nonzeno._Ruling._is_out, "and step.take.lane not in filled", ""),
    (nonzeno._Ruling._done, "if not common(was, is_):", "if was != is_:"),
    (nonzeno._Ruling._done, "self.everything if copies else self.fields", "self.fields"),
    (nonzeno._Ruling._aged, " and not self._duplicated(number)", ""),
    (nonzeno._Ruling._aged, "lane.minimum > 0", "lane.maximum > 0"),
    (nonzeno._Ruling._acting, "yield from self.always", "pass"),
    (nonzeno._Ruling._steps, " or (self.system.atomic and step.kind is StepKind.REACTION)", ""),
    (nonzeno._Ruling._out, "joined(stored[place], values) if place in stored else values", "values"),
    (nonzeno._Ruling._out, "filled |= {s.lane for s in statements(step.body) if isinstance(s, Duplicate)}", "pass"),
    (nonzeno._Ruling._fewer_messages, " and not self._duplicated(n)", ""),
    (nonzeno._Noting.stop, "TimerStatus.STOPPED", "TimerStatus.RUNNING"),
    (nonzeno._Noting._stored, "values if before is None else joined(before, values)", "values"),
    (nonzeno._mixed, "joined(a, b)", "b"),
    (nonzeno._taken_off, "and value >= 0", ""),
    (possible.started, "low == 0", "low < 0"),
    (possible.Env.timed, "if left else None", "if len(left) > 1 else None"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0].__name__}: {f[1]}")
def test_seeded_faults_are_noticed(fault):
    with exchanged(*fault):
        assert any(noticed(seed) for seed in SEEDS)


def noticed(seed):
    try:
        agrees(seed)
    except AssertionError:
        return True
    return False


def test_the_steps_of_shipped_routers_say_that_time_passes():
    spec = api.load("specs/vrrp/three.spec")
    for task in spec.tasks:
        assert time_has_to_pass(narrowed(task.system, []).system)
