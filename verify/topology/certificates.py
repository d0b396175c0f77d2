"""The small checker: believes nothing that the search says. Routes are walked, borders counted, coverage is tried anew.

Shares the data of a network and nothing else with what finds answers; exact arithmetic only.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from fractions import Fraction

from verify.topology.network import Link, Network, Unit
from verify.topology.question import Answer, Cut, Lengths, Obstacle, Question, Requirement, Violation, Witness


class Refused(Exception):  # noqa: N818 - a judgement
    """A certificate does not show what it is said to show."""


def check(question: Question, answer: Answer) -> None:
    """Refused unless the answer is shown: each violation, and, if there is none, that witnesses stand for every failure.

    That a list of violations is complete is shown only where it is empty.
    """
    for violation in answer.violations:
        check_violation(question, violation)
    if not answer.violations and not answer.unknown:
        check_survival(question, answer.witnesses)


def check_survival(question: Question, witnesses: Sequence[Witness]) -> None:
    """Refused unless each witness holds, and whatever fails, up to the number asked for, leaves one of them untouched."""
    for witness in witnesses:
        check_witness(question.network, question.requirements, witness)
    missed = uncovered(question.units, [w.needs for w in witnesses], question.failures)
    if missed is not None:
        message = f"no witness stands when {', '.join(u.name for u in missed) or 'nothing'} fails"
        raise Refused(message)


def uncovered(units: Sequence[Unit], needs: Sequence[frozenset[str]], most: int) -> tuple[Unit, ...] | None:
    """At most ``most`` units that touch every one of ``needs``; None if there are none.

    The first of ``needs`` that is not touched yet has to be touched by somebody: each who can is tried.
    """

    def extend(failed: tuple[Unit, ...]) -> tuple[Unit, ...] | None:
        down = frozenset[str]().union(*(u.atoms for u in failed))
        standing = next((n for n in needs if not n & down), None)
        if standing is None:
            return failed
        if len(failed) == most:
            return None
        for unit in units:
            if unit.atoms & standing:
                found = extend((*failed, unit))
                if found is not None:
                    return found
        return None

    return extend(())


def check_witness(network: Network, requirements: Sequence[Requirement], witness: Witness) -> None:
    """Refused unless the routes of a witness meet every requirement and rest on nothing but what it says it needs."""
    if len(witness.routes) != len(requirements):
        message = "a witness does not speak of every requirement"
        raise Refused(message)
    for requirement, routes in zip(requirements, witness.routes, strict=True):
        loads: dict[tuple[str, str], Fraction] = {}
        met: dict[str, Fraction] = {}
        touched: set[str] = set()
        ends = {d.name: d for d in requirement.demands}
        for route in routes:
            if route.demand not in ends or route.amount < 0:
                message = f"a route of the unknown demand {route.demand}"
                raise Refused(message)
            demand = ends[route.demand]
            if (route.nodes[0], route.nodes[-1]) != (demand.a, demand.b) or len(route.nodes) != len(route.links) + 1:
                message = f"a route of {route.demand} does not join {demand.a} and {demand.b}"
                raise Refused(message)
            for start, end, name in zip(route.nodes, route.nodes[1:], route.links, strict=False):
                link = network.by_name[name]
                if {link.a, link.b} != {start, end}:
                    message = f"{name} does not join {start} and {end}"
                    raise Refused(message)
                loads[name, start] = loads.get((name, start), Fraction(0)) + route.amount
            touched.update(route.nodes, route.links)
            met[route.demand] = met.get(route.demand, Fraction(0)) + route.amount
        for demand in requirement.demands:
            if demand.name not in met or met[demand.name] < demand.amount:
                message = f"the routes of {demand.name} carry {met.get(demand.name, 0)} of {demand.amount}"
                raise Refused(message)
        _check_parts(network, witness, loads, touched)


def _check_parts(network: Network, witness: Witness, loads: dict[tuple[str, str], Fraction], touched: set[str]) -> None:
    """The nodes are needed, each link has the members it needs, no more on it than they carry, and stand-bys take turns."""
    for name in touched:
        link = network.by_name.get(name)
        if link is None:
            if name not in witness.needs:
                message = f"a route uses {name}, which may fail"
                raise Refused(message)
            continue
        if not {link.a, link.b} <= witness.needs:
            message = f"a route uses {name}, whose end may fail"
            raise Refused(message)
        held = sum(1 for atom in link.atoms if atom in witness.needs)
        if held < max(1, link.minimum):
            message = f"a route uses {name}, of which too little is sure"
            raise Refused(message)
        carried = link.usable(held)
        for start in (link.a, link.b):
            load = loads.get((name, start), Fraction(0))
            if carried is not None and load > carried:
                message = f"{name} would carry {load} from {start}, its capacity is {carried}"
                raise Refused(message)
    for standby in network.standbys:
        used = touched.intersection(standby.members)
        if len(used) > 1:
            message = f"{', '.join(sorted(used))} are used at once, they are stand-bys of each other"
            raise Refused(message)


def check_violation(question: Question, violation: Violation) -> None:
    """Refused unless the failed units are as many as may fail, and the obstacle stands in every choice of the stand-bys."""
    if len(violation.failed) > question.failures or any(u not in question.units for u in violation.failed):
        message = "what failed is not what may fail"
        raise Refused(message)
    failed = frozenset[str]().union(*(u.atoms for u in violation.failed))
    check_obstacle(question.network, question.requirements, failed, violation.obstacle)


def check_obstacle(
    network: Network, requirements: Sequence[Requirement], failed: frozenset[str], obstacle: Obstacle
) -> None:
    """Refused unless one requirement cannot be met with ``failed`` down, for the reasons given, whatever stand-by is taken."""
    requirement = requirements[obstacle.requirement]
    reasons = dict(obstacle.reasons)
    for waiting in network.choices(failed):
        reason = reasons.get(waiting)
        if reason is None:
            message = "a choice of the stand-bys is left out"
            raise Refused(message)
        dead = failed | waiting
        if isinstance(reason, Cut):
            _check_cut(network, requirement, dead, reason)
        else:
            _check_lengths(network, requirement, dead, reason)


def _capacity(link: Link, dead: frozenset[str]) -> Fraction | None:
    if link.a in dead or link.b in dead:
        return Fraction(0)
    return link.usable(sum(1 for atom in link.atoms if atom not in dead))


def _check_cut(network: Network, requirement: Requirement, dead: frozenset[str], cut: Cut) -> None:
    demand = next(d for d in requirement.demands if d.name == cut.demand)
    if demand.a in dead or demand.b in dead:
        return
    if demand.a not in cut.side or demand.b in cut.side:
        message = f"the cut does not part {demand.a} from {demand.b}"
        raise Refused(message)
    left = Fraction(0)
    for link in network.links:
        if (link.a in cut.side) != (link.b in cut.side):
            carried = _capacity(link, dead)
            if carried is None or (carried and not demand.amount):
                message = f"{link.name} crosses the cut"
                raise Refused(message)
            left += carried
    if left != cut.left or (demand.amount and left >= demand.amount):
        message = f"{left} crosses the cut, {demand.amount} is asked for"
        raise Refused(message)


def _check_lengths(network: Network, requirement: Requirement, dead: frozenset[str], lengths: Lengths) -> None:
    """Every route takes at least its shortest length out of what the capacities have: too little for all of them."""
    if any(x < 0 for x in lengths.lengths.values()):
        message = "a length is negative"
        raise Refused(message)
    there = Fraction(0)
    arcs: dict[str, list[tuple[str, Fraction]]] = {n: [] for n in network.nodes}
    for link in network.links:
        carried = _capacity(link, dead)
        for start, end in ((link.a, link.b), (link.b, link.a)):
            length = lengths.lengths.get((link.name, start), Fraction(0))
            if carried != 0:
                arcs[start].append((end, length))
            if carried is None and length:
                message = f"{link.name} is without limit and has a length"
                raise Refused(message)
            there += (carried or 0) * length
    needed = Fraction(0)
    for source in dict.fromkeys(d.a for d in requirement.demands):
        distance = _distances(arcs, source)
        for demand in requirement.demands:
            if demand.a == source and demand.amount:
                if demand.b not in distance:
                    return
                needed += demand.amount * distance[demand.b]
    if needed <= there or there / needed > lengths.share:
        message = f"the demands need {needed} of length, the capacities have {there}"
        raise Refused(message)


def _distances(arcs: dict[str, list[tuple[str, Fraction]]], source: str) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    waiting = [(Fraction(0), source)]
    while waiting:
        so_far, node = heapq.heappop(waiting)
        if node not in found:
            found[node] = so_far
            for other, length in arcs[node]:
                if other not in found:
                    heapq.heappush(waiting, (so_far + length, other))
    return found
