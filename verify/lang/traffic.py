"""``connected`` and ``flow`` in a scenario: over a topology of which some parts pass traffic only when a machine says so.

A question becomes a condition on those parts: whatever breaks it holds one of the minimal sets of parts that break it, so it is
met when of each such set some part passes traffic. The sets are found, and checked, as those of ``survives`` are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verify.base.diagnostic import did_you_mean
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.evaluation import truth
from verify.lang.model import Build
from verify.lang.scenarios import Plan
from verify.lang.topologies import lower_topology, requirements
from verify.lang.topology_syntax import TopologyDecl
from verify.lang.values import FAULTY, Value, boolean
from verify.system.expression import Expression, conjunction, disjunction
from verify.topology import certificates
from verify.topology.network import Network, Unit
from verify.topology.question import Question
from verify.topology.search import answer

MOST_PARTS = 40
MOST_SETS = 500
FUNCTIONS = ("connected", "flow", "carries")


@dataclass(frozen=True, slots=True)
class Traffic:
    """The topology of a scenario. ``passes``: for each unit that may stop passing traffic, when it does pass.

    ``known``: what was asked before, with its condition.
    """

    network: Network
    passes: Mapping[str, tuple[Unit, Expression]]
    known: dict[object, Expression] = field(default_factory=dict)


def lay_out_traffic(plan: Plan, build: Build) -> None:
    """The topology that a scenario names, with the conditions of its parts; faults are reported."""
    if plan.traffic is None:
        return
    line, scope = plan.traffic
    found = scope.look_up(line.topology, TopologyDecl, line.place, build.faults)
    if found is None:
        return
    before = len(build.faults)
    network = lower_topology(found[0], build.faults)
    if len(build.faults) > before:
        return
    known = {u.name: u for u in network.units if not u.group}
    for link in network.links:
        known.setdefault(link.name, Unit(link.name, "link", frozenset(link.atoms)))
    passes: dict[str, tuple[Unit, Expression]] = {}
    for passing in line.passing:
        name = passing.part.text
        if name not in known:
            told = f"no node and no link '{name}' in '{network.name}'"
            build.report("E201", told, passing.part.place, did_you_mean(name, known))
            continue
        if name in passes:
            build.report("E203", f"'{name}' stands twice here", passing.part.place)
        passes[name] = known[name], truth(passing.condition, Env(build, scope))
    if len(passes) > MOST_PARTS:
        told = f"{len(passes)} parts that may stop passing traffic"
        build.report("E302", told, line.place, f"up to {MOST_PARTS} are possible")
    build.traffic = Traffic(network, passes)


def asks_flow(e: s.Chain, env: Env) -> bool:
    """Whether a comparison is one of ``flow(…)`` of the topology, and not of a let of that name."""
    first = e.operands[0]
    if not (isinstance(first, s.Call) and isinstance(first.base, s.Name) and first.base.text == "flow"):
        return False
    own = env.node is not None and "flow" in env.node.lets
    return not own and env.scope.find("flow") is None and "flow" not in env.locals


def ask(e: s.Call | s.Chain, env: Env) -> Value:
    """The condition under which a question about the scenario's topology is met."""
    traffic = env.build.traffic
    if traffic is None:
        help_text = "write in the scenario: topology NAME { PART passes traffic when … }"
        return env.build.report("E712", "the scenario has no topology to ask", e.place, help_text)
    before = len(env.build.faults)
    asked = tuple(requirements(e, traffic.network, env.build.faults))
    if len(env.build.faults) > before:
        return FAULTY
    known = traffic.known.get(asked)
    if known is None:
        units = tuple(unit for unit, _ in traffic.passes.values())
        question = Question(traffic.network, asked, units, len(units))
        given = answer(question)
        if given.unknown or len(given.violations) > MOST_SETS:
            told = given.unknown or f"{len(given.violations)} sets of parts break this"
            return env.build.report("E712", told, e.place, f"up to {MOST_SETS} are possible: let fewer parts stop")
        certificates.check(question, given)
        known = traffic.known[asked] = conjunction(
            *(disjunction(*(traffic.passes[u.name][1] for u in v.failed)) for v in given.violations)
        )
    return boolean(known)
