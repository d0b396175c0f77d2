"""Every kind of answer against brute force, on random multigraphs with groups, LAGs and stand-bys; every certificate checked."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st
from siblings import sibling

from verify.base.budget import Budget
from verify.topology import certificates
from verify.topology.analysis import all_cut_sets, connection, cut_sets, islands, single_cuts, single_points
from verify.topology.capacity import losses, upgrade
from verify.topology.network import Demand, Group, Hashing, Link, Network, Standby
from verify.topology.question import Obstacle, Question, Requirement, spared
from verify.topology.routing import most, solve
from verify.topology.search import answer, disjoint, fewest

brute = sibling("topology", "networks")

pytestmark = pytest.mark.filterwarnings("error")


def names(found):
    return {frozenset(u.name for u in v.failed) for v in found.violations}


def joined_in_some_choice(network, demand, down):
    return any(brute.joined(network, demand.a, demand.b, down | w) for w in brute.standby_choices(network, down))


@settings(max_examples=150, deadline=None)
@given(brute.networks(standbys=True), st.integers(0, 3))
def test_minimal_cut_sets_of_a_demand(network, size):
    (demand,) = network.demands
    question = Question(network, (Requirement(network.demands),), spared(network, network.demands), size)
    found = answer(question)
    certificates.check(question, found)
    assert names(found) == brute.minimal_sets(
        question.units, size, lambda down: not joined_in_some_choice(network, demand, down)
    )
    assert found.complete == size


@settings(max_examples=60, deadline=None)
@given(brute.networks(loaded=True, standbys=True), st.integers(0, 2))
def test_one_flow(network, failures):
    (demand,) = network.demands
    question = Question(network, (Requirement(network.demands),), spared(network, network.demands), failures)
    found = answer(question)
    certificates.check(question, found)

    def value(down):
        return max(
            (
                0 if {demand.a, demand.b} & (down | w) else brute.smallest_cut(network, demand.a, demand.b, down | w)
                for w in brute.standby_choices(network, down)
            ),
        )

    assert most(network, demand.a, demand.b, frozenset()) == value(frozenset())
    assert names(found) == brute.minimal_sets(question.units, failures, lambda down: value(down) < demand.amount)


def together_by_z3(network, demands, down):
    """Whether all demands fit at once: a linear program of its own, by demand, in exact numbers."""
    edges = brute.alive_edges(network, down)
    solver = z3.Solver()
    flows = {}
    for d in demands:
        for i, (_, a, b, _) in enumerate(edges):
            for start in (a, b):
                flows[d.name, i, start] = z3.Real(f"{d.name} {i} {start}")
                solver.add(flows[d.name, i, start] >= 0)
                if a == b:
                    break
        for node in network.nodes:
            out = z3.Sum([x for (n, i, s), x in flows.items() if n == d.name and s == node] or [z3.RealVal(0)])
            into = z3.Sum(
                [
                    x
                    for (n, i, s), x in flows.items()
                    if n == d.name and node in edges[i][1:3] and (s != node or edges[i][1] == edges[i][2])
                ]
                or [z3.RealVal(0)]
            )
            amount = z3.Q(d.amount.numerator, d.amount.denominator)
            solver.add(out - into == (amount if node == d.a else -amount if node == d.b else 0))
    for i, (_, a, b, capacity) in enumerate(edges):
        for start in {a, b}:
            solver.add(
                z3.Sum([x for (_, j, s), x in flows.items() if j == i and s == start])
                <= z3.Q(capacity.numerator, capacity.denominator)
            )
    return solver.check() == z3.sat


@settings(max_examples=60, deadline=None)
@given(brute.networks(loaded=True, demands=3), st.integers(0, 1))
def test_several_flows_at_once(network, failures):
    question = Question(network, (Requirement(network.demands),), spared(network, network.demands), failures)
    found = answer(question)
    assert not found.unknown
    certificates.check(question, found)
    assert names(found) == brute.minimal_sets(
        question.units, failures, lambda down: not together_by_z3(network, network.demands, down)
    )


@settings(max_examples=80, deadline=None)
@given(brute.networks())
def test_how_many_failures_it_takes(network):
    (demand,) = network.demands
    units = spared(network, network.demands)
    number, violation, unknown = fewest(Question(network, (connection(demand),), units, 20))
    assert not unknown
    sets = brute.minimal_sets(
        units, min(6, len(units)), lambda down: not brute.joined(network, demand.a, demand.b, down)
    )
    expected = min((len(x) for x in sets), default=None)
    if expected is not None or (number is not None and number <= 6):
        assert number == expected
    if violation is not None:
        question = Question(network, (connection(demand),), units, number)
        certificates.check_violation(question, violation)
        if number:
            below = replace(question, failures=number - 1)
            certificates.check(below, answer(below))


@settings(max_examples=100, deadline=None)
@given(brute.networks(demands=3))
def test_single_points_of_demands_are_the_cut_sets_of_one(network):
    found = {(c.failed[0].name, d) for c in single_cuts(network, network.demands) for d in c.demands}
    sets, complete, _ = cut_sets(network, network.demands, 1, Budget())
    assert complete == 1
    parted = {d for c in sets if not c.failed for d in c.demands}  # from the start
    assert found == {(c.failed[0].name, d) for c in sets if c.failed for d in c.demands if d not in parted}


def parts_two(network, unit):
    """Whether a unit parts two nodes that stay up, by trying every pair."""
    up = [n for n in network.nodes if n not in unit.atoms]
    return any(
        brute.joined(network, x, y, frozenset()) and not brute.joined(network, x, y, unit.atoms)
        for x, y in itertools.combinations(up, 2)
    )


@settings(max_examples=150, deadline=None)
@given(brute.networks())
def test_single_points(network):
    found = single_points(network)
    assert {s.unit.name for s in found} == {u.name for u in network.units if parts_two(network, u)}
    for single in found:
        assert len(single.parts) > 1


@settings(max_examples=60, deadline=None)
@given(brute.networks(), st.integers(1, 3))
def test_cut_sets_of_a_whole_network(network, size):
    found, complete, unknown = all_cut_sets(network, size, Budget())
    expected = set()
    for a, b in itertools.combinations(network.nodes, 2):
        if brute.joined(network, a, b, frozenset()):
            units = [u for u in network.units if not u.atoms & {a, b}]
            expected |= brute.minimal_sets(units, size, lambda down, a=a, b=b: not brute.joined(network, a, b, down))
    smallest = {s for s in expected if not any(other < s for other in expected)}
    assert (complete, unknown) == (size, "")
    assert {frozenset(u.name for u in c.failed) for c in found} == smallest


@settings(max_examples=40, deadline=None)
@given(brute.networks(loaded=True, demands=2))
def test_an_upgrade_mends_every_failure(network):
    found = losses(network)
    for loss in found:
        down = loss.unit.atoms if loss.unit else frozenset()
        assert loss.carried == together_by_z3(network, network.demands, down)
        if loss.carried is False:
            assert loss.share is not None
            assert loss.share < 1
    mended = upgrade(network, found)
    if all(x.carried for x in found):
        assert mended is None
    elif not mended.hopeless:
        extra = dict(mended.extra)
        wider = replace(
            network, links=tuple(replace(x, capacity=x.capacity + extra.get(x.name, 0)) for x in network.links)
        )
        assert all(x.carried for x in losses(wider))
        almost = {n: x * Fraction(9, 10) for n, x in extra.items()}
        less = replace(
            network, links=tuple(replace(x, capacity=x.capacity + almost.get(x.name, 0)) for x in network.links)
        )
        assert not all(x.carried for x in losses(less))


def test_paths_that_share_nothing():
    links = tuple(Link(f"l{i}", a, b) for i, (a, b) in enumerate(["ab", "bd", "ac", "cd"]))
    network = Network("square", tuple("abcd"), links, demands=(Demand("x", "a", "d"),))
    question = Question(network, (Requirement(network.demands),), spared(network, network.demands), 1)
    assert [w.routes[0][0].nodes for w in disjoint(question)] == [("a", "b", "d"), ("a", "c", "d")]
    found = answer(question)
    assert len(found.witnesses) == 2
    certificates.check(question, found)


def test_a_standby_does_not_add_up():
    def two(standbys):
        links = (
            Link("west", "c", "g1", Fraction(1)),
            Link("east", "c", "g2", Fraction(1)),
            Link("up1", "g1", "i"),
            Link("up2", "g2", "i"),
        )
        return Network("gateways", ("c", "g1", "g2", "i"), links, standbys=standbys)

    assert most(two(()), "c", "i", frozenset()) == 2
    assert most(two((Standby("pair", ("g1", "g2")),)), "c", "i", frozenset()) == 1
    assert most(two((Standby("pair", ("g1", "g2")),)), "c", "i", frozenset(["g1"])) == 1
    assert most(two(()), "c", "i", frozenset(["g1"])) == 1


@pytest.mark.parametrize(
    ("hashing", "buckets", "up", "capacity"),
    [
        (Hashing.EVEN, 0, 4, 40),
        (Hashing.EVEN, 0, 3, 30),
        (Hashing.BUCKETS, 8, 4, 40),
        (Hashing.BUCKETS, 8, 3, Fraction(80, 3)),  # shares of 3/8, 3/8, 2/8
        (Hashing.STICKY, 0, 4, 40),
        (Hashing.STICKY, 0, 3, 20),  # one member carries two quarters
    ],
)
def test_what_a_lag_carries(hashing, buckets, up, capacity):
    assert Link("l", "a", "b", Fraction(10), 4, 1, hashing, buckets).usable(up) == capacity


def small_question():
    links = (Link("l0", "a", "b", Fraction(2)), Link("l1", "a", "b", Fraction(3)))
    network = Network(
        "two", ("a", "b"), links, (Group("duct", "", ("l0", "l1")),), (), (Demand("d", "a", "b", Fraction(2)),)
    )
    units = tuple(u for u in spared(network, network.demands) if not u.group)
    return Question(network, (Requirement(network.demands),), units, 1)


def test_the_checker_refuses_what_is_not_so():
    question = small_question()
    found = answer(question)
    certificates.check(question, found)
    witness = found.witnesses[0]
    (route,) = witness.routes[0]
    with pytest.raises(certificates.Refused, match="no witness stands"):
        certificates.check(question, replace(found, witnesses=found.witnesses[:1]))
    for routes, told in [
        (replace(route, amount=Fraction(1)), "carry 1 of 2"),
        (replace(route, links=("nowhere",)), None),
        (replace(route, nodes=("b", "a")), "does not join a and b"),
        (replace(route, demand="x"), "unknown demand"),
    ]:
        with pytest.raises((certificates.Refused, KeyError), match=told):
            certificates.check(question, replace(found, witnesses=(replace(witness, routes=((routes,),)),)))
    with pytest.raises(certificates.Refused, match="may fail"):
        certificates.check(question, replace(found, witnesses=(replace(witness, needs=frozenset()),)))
    high = replace(question, requirements=(Requirement((replace(question.network.demands[0], amount=Fraction(4)),)),))
    crossed = answer(high)
    assert names(crossed) == {frozenset(["l0"]), frozenset(["l1"])}
    certificates.check(high, crossed)
    with pytest.raises(certificates.Refused, match="crosses"):
        certificates.check_violation(question, crossed.violations[1])
    overloaded = answer(replace(question, failures=0))
    with pytest.raises(certificates.Refused, match="carry 2 of 4"):
        certificates.check(replace(high, failures=0), overloaded)


def test_an_obstacle_needs_every_choice():
    standby = (Standby("s", ("l0", "l1")),)
    question = small_question()
    network = replace(question.network, standbys=standby)
    requirements = (Requirement((replace(network.demands[0], amount=Fraction(5)),)),)
    found = solve(network, requirements, frozenset())
    assert isinstance(found, Obstacle)
    certificates.check_obstacle(network, requirements, frozenset(), found)
    with pytest.raises(certificates.Refused, match="left out"):
        certificates.check_obstacle(network, requirements, frozenset(), replace(found, reasons=found.reasons[:1]))


def test_islands_are_told():
    network = Network("apart", ("a", "b", "c"), (Link("l", "a", "b"),))
    assert islands(network) == (frozenset("ab"), frozenset("c"))
    assert not [s for s in single_points(network) if s.unit.kind == "node"]
