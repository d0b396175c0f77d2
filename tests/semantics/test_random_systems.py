"""What the random systems cover: every operator, statement, kind of lane and of fault, and how large they are. ``-s`` prints it."""

import random
from collections import Counter
from itertools import product

import pytest
from siblings import sibling

from verify.base.budget import Budget, Limits
from verify.engines.claim import Fault
from verify.engines.explicit.graph import explore
from verify.engines.explicit.health import examine
from verify.semantics.interpreter import Interpreter
from verify.system.expression import Apply, Expression, Operator
from verify.system.statement import Statement
from verify.system.system import Failure, Order, StepKind, Taking, WhenFull
from verify.system.wellformed import faults, nodes

SAMPLE = 160
MOST = 1_500


RANDOM = sibling("semantics", "random_systems")


def covered(system):
    """What one system has, and what happens in its first states."""
    found = set()
    for node in nodes(system):
        if isinstance(node, Apply):
            found.add(node.operator)
        elif isinstance(node, Expression | Statement):
            found.add(type(node))
    found |= {step.kind for step in system.steps}
    graph = explore(Interpreter(system), Budget(Limits(states=MOST)))
    found.add(("more than", 1000 * (len(graph.states) > 1000)))
    found |= {failed.failure for _, _, failed in graph.failures}
    health = examine(graph).fault
    if health is not None:
        found.add(health[0])
    first = len(system.variables) + len(system.timers)
    most = [max((len(s[first + i]) for s in graph.states), default=0) for i in range(len(system.lanes))]
    for step in {graph.choices[c].step for c in graph.choice} - {-1}:
        take = system.steps[step].take
        if take is not None:  # it was taken
            found |= {(system.lanes[take.lane].order, take.taking)}
    for lane, held in zip(system.lanes, most, strict=True):
        if held == lane.capacity:
            found |= {(lane.order, lane.when_full), ("delay", lane.minimum, lane.maximum), ("capacity", lane.capacity)}
    for state in graph.states:
        found |= {("kind", message[1]) for lane in state[first:][: len(system.lanes)] for message in lane}
    if system.atomic and any(s.kind is StepKind.REACTION for s in system.steps):
        found.add("atomic reactions")
    found |= {("fairness", f.strong) for f in system.fairness}
    return found


@pytest.fixture(scope="module")
def coverage():
    counted = Counter()
    for seed in range(SAMPLE):
        counted.update(covered(RANDOM.sized_system(random.Random(seed))[0]))
    for what, number in sorted(counted.items(), key=lambda item: str(item[0])):
        print(f"{number:4}  {what}")
    return counted


def test_the_systems_hang_together():
    for seed in range(SAMPLE):
        assert faults(RANDOM.sized_system(random.Random(seed))[0]) == []


def test_every_operator_and_statement_is_frequent(coverage):
    wanted = [*Operator, *Statement.__args__, *StepKind]
    wanted += [leaf for leaf in Expression.__args__ if leaf.__name__ not in {"Apply", "Rigid", "Occurred"}]
    assert min((coverage[w], str(w)) for w in wanted)[0] >= 5


def test_every_kind_of_lane_is_filled_and_taken_from(coverage):
    for wanted in (*product(Order, WhenFull), *product(Order, Taking)):
        assert coverage[wanted] >= 3, wanted
    assert min(coverage["kind", message] for message in range(3)) >= 10
    assert min(coverage["capacity", capacity] for capacity in (1, 2, 3)) >= 5
    assert sum(isinstance(what, tuple) and what[0] == "delay" for what in coverage) >= 5


def test_every_fault_is_found(coverage):
    for wanted in (*Failure, *Fault):
        assert coverage[wanted] >= 2, wanted


def test_a_third_is_large_and_the_rest_is_small(coverage):
    assert SAMPLE // 4 <= coverage["more than", 1000] <= SAMPLE // 2
    assert coverage["atomic reactions"] >= SAMPLE // 5
    assert min(coverage["fairness", True], coverage["fairness", False]) >= SAMPLE // 6
