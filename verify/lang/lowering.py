"""A scenario to a system: the order in which everything is laid out."""

from __future__ import annotations

from verify.base.diagnostic import did_you_mean
from verify.base.place import NOWHERE, Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import evaluate, truth
from verify.lang.happenings import (
    Happening,
    fault_steps,
    reserve_cuts,
    reserve_ends,
    reserve_pool,
    resolve,
    startup_steps,
)
from verify.lang.instances import MOST_INSTANCES, initial_values, instantiate, lay_out, path_words, settings_of
from verify.lang.messages import message_number
from verify.lang.model import Build, InstanceNode, PoolNode, Settings
from verify.lang.networks import join, lay_out_lanes, set_carriers
from verify.lang.rules import check_events, delivery_steps, reaction_steps, timeout_steps
from verify.lang.scenarios import Plan
from verify.lang.scopes import Scope
from verify.lang.traffic import lay_out_traffic
from verify.lang.types import array_size
from verify.lang.values import (
    Faulty,
    InstancesValue,
    InstanceValue,
    MachineName,
    NetworkValue,
    PortValue,
    Slots,
    Value,
    describe,
    number,
)
from verify.system.build import is_rigid, weigh, weigh_block
from verify.system.statement import Block, If, Mark
from verify.system.system import Fairness, System, Timer


def lay_out_scenario(plan: Plan, build: Build) -> None:
    """Lay out everything of a plan in ``build``. Faults are collected there; with any, the system is not to be used."""
    build.atomic = plan.atomic
    build.messages_first = plan.messages_first
    _instances(plan, build)
    if build.faults:
        return
    networks = {name: join(d, scope, build) for name, (d, scope) in plan.networks.items()}
    build.networks.update(networks)
    happenings = _pools(plan, build)
    crashable = {h.node for h in happenings if h.node is not None and h.kind in ("crash", "restart")}
    for node in build.all_nodes():
        lay_out(node, build, crashable=node.top in crashable)
    reserve_cuts(happenings, build)
    reserve_ends(happenings, build)
    for name, (pool, scope) in plan.pools.items():
        reserve_pool(build.pools[name], pool.name or name.split(" ")[0], scope, build)
    for network in networks.values():
        set_carriers(network)
    for name, network in networks.items():
        lay_out_lanes(network, plan.networks[name][1], build)
    lay_out_traffic(plan, build)
    build.initially += initial_values(build.all_nodes(), build, Slots(), everything=False)
    _steps(plan, happenings, build)
    _assumptions(plan, build)
    _fairness(plan, build)


def _assumptions(plan: Plan, build: Build) -> None:
    for line, scope in plan.assumptions:
        assumed = truth(line.expression, Env(build, scope))
        if not is_rigid(assumed):
            told = "an assume speaks of parameters only"
            build.report(
                "E402", told, line.expression.place, "what changes while the scenario runs belongs into a property"
            )
        build.assumptions.append(assumed)


def _instances(plan: Plan, build: Build) -> None:
    for name, (declaration, scope) in plan.instances.items():
        type_ = declaration.type
        is_array = type_.kind == "array"
        size = array_size(type_, Env(build, scope)) if is_array else 1
        named = type_.element if is_array and type_.element is not None else type_
        if named.kind != "named" or not named.name:
            build.report("E208", "an instance is of a machine, or an array of one", type_.place)
            continue
        found = scope.look_up(named.name, s.Machine, named.place, build.faults)
        if found is None or size is None:
            continue
        machine, home = found
        if len(build.instances) + size > MOST_INSTANCES:
            build.report("E302", f"more than {MOST_INSTANCES} instances", declaration.place)
            continue
        if machine.owner:
            told = f"{machine.name} is part of {machine.owner}"
            build.report("E210", told, named.place, f"make an instance of {machine.owner}")
            continue
        nodes = [
            instantiate(
                build,
                f"{name}[{i}]" if is_array else name,
                machine,
                home,
                None,
                i,
                _settings(name, i if is_array else None, declaration, scope, plan, build),
            )
            for i in range(size)
        ]
        for node in nodes:
            build.nodes[node.name] = node
        if is_array:
            build.arrays[name] = nodes
    if not plan.instances:
        build.report("E703", "the scenario has no instances")
    _stray_overrides(plan, build)


def _settings(  # noqa: PLR0913 - what one line of a scenario reaches
    name: str, index: int | None, declaration: s.InstanceDecl, scope: Scope, plan: Plan, build: Build
) -> list[Settings]:
    at: dict[str, Value] = {"index": number(index or 0)}
    found = settings_of(declaration.settings, scope, at, build)
    for line, home in plan.overrides:
        words = path_words(line.path)
        if words is None or words[0] != name:
            continue
        rest = words[1:]
        if index is not None and rest and isinstance(rest[0], int):
            if rest[0] != index:
                continue
            rest = rest[1:]
        if rest:
            found.append(Settings(rest, line.value, line.place, home, at))
    return found


def _stray_overrides(plan: Plan, build: Build) -> None:
    for line, _ in plan.overrides:
        words = path_words(line.path)
        if words is None or words[0] not in plan.instances or len(words) < 2:
            shown = str(words[0]) if words else ""
            told = f"no instance '{shown}' here" if words else "this is no path to a parameter"
            help_text = did_you_mean(shown, plan.instances)
            if words and words[0] in plan.instances:
                told, help_text = f"'{shown}' is an instance, not a parameter", f"write {shown}.PARAMETER = …"
            build.report("E209", told, line.place, help_text)


def _pools(plan: Plan, build: Build) -> list[Happening]:
    happenings: list[Happening] = []
    for name, (pool, scope) in plan.pools.items():
        node = PoolNode(pool)
        build.pools[name] = node
        happenings += resolve(node, scope, build)
    return happenings


def _steps(plan: Plan, happenings: list[Happening], build: Build) -> None:
    for network in build.networks.values():
        for end in network.ends:
            for message, scope in end.messages:
                message_number(message, scope, build)
    for node in build.all_nodes():
        check_events(node, build)
        reaction_steps(node, build)
    for node in build.all_nodes():
        timeout_steps(node, build)
    delivery_steps(build)
    plans = _startup_plans(plan, build)
    for node in build.nodes.values():
        chosen = plans.get(node.name)
        startup_steps(node, chosen[0] if chosen else None, chosen[1] if chosen else node.scope, build)
    for happening in happenings:
        fault_steps(happening, build)


def _startup_plans(plan: Plan, build: Build) -> dict[str, tuple[s.Startup, Scope]]:
    chosen: dict[str, tuple[s.Startup, Scope]] = {}
    for startup, scope in plan.startups:
        for node in _started(startup, scope, build):
            chosen[node.name] = (startup, scope)
    return chosen


def _started(startup: s.Startup, scope: Scope, build: Build) -> list[InstanceNode]:
    value = evaluate(startup.target, Env(build, scope))
    match value:
        case InstanceValue() if value.only is not None and value.only.owner is None:
            return [value.only]
        case InstancesValue(_, nodes):
            return list(nodes)
        case MachineName(machine) if startup.each:
            return [n for n in build.nodes.values() if n.machine is machine]
        case MachineName(machine):
            build.report(
                "E604", "this is a machine, not an instance", startup.target.place, f"startup of each {machine.name}"
            )
        case Faulty():
            pass
        case _:
            told = f"startup happens to top-level instances, not to {describe(value)}"
            build.report("E604", told, startup.target.place)
    return []


def _fairness(plan: Plan, build: Build) -> None:
    for fair, scope in plan.fairness:
        value = evaluate(fair.target, Env(build, scope))
        match value:
            case InstanceValue() if value.only is not None:
                names = [value.only.name]
            case InstancesValue(_, nodes):
                names = [n.name for n in nodes]
            case MachineName(machine):
                names = [n.name for n in build.nodes.values() if n.machine is machine]
            case NetworkValue(network):
                names = [network.name]
            case PortValue(port):
                names = [port.path]
            case Faulty():
                continue
            case _:
                build.report("E704", f"fairness is not promised of {describe(value)}", fair.place)
                continue
        for name in names:
            steps = tuple(i for i, tag in enumerate(build.tags) if tag == (fair.kind, name))
            if not steps:
                told = f"there is no '{fair.kind}' of {name} to be fair about"
                build.report("E704", told, fair.place, "name something that this scenario lets happen")
            else:
                build.fairness.append(Fairness(f"{fair.kind} of {name}", steps, fair.strong))


MOST_NODES, MOST_DEPTH = 200_000, 150


def check_sizes(build: Build) -> None:
    """Report steps that are too large or too deep for the engines to work with."""
    for step in build.steps:
        nodes, depth = weigh_block(step.body)
        guard_nodes, guard_depth = weigh(step.guard)
        if nodes + guard_nodes > MOST_NODES or max(depth, guard_depth) > MOST_DEPTH:
            told = f"the step '{step.name}' becomes too large when written out ({nodes + guard_nodes:,} nodes, {depth} deep)"
            help_text = f"the limits are {MOST_NODES:,} and {MOST_DEPTH}; use fewer cases, or a variable for a part"
            build.report("E406", told, _step_place(step.body, build), help_text)
            return


def _step_place(block: Block, build: Build) -> Place:
    """Where the first rule of a step stands."""
    for statement in block:
        match statement:
            case Mark(rule):
                return build.rules[rule].place
            case If(_, then, otherwise):
                place = _step_place((*then, *otherwise), build)
                if place != NOWHERE:
                    return place
            case _:
                continue
    return NOWHERE


def finish(build: Build) -> System:
    """The system that was laid out."""
    timers = tuple(
        Timer(t.name, max(1, build.timer_starts.get(i, 1)), t.initial, t.instance)
        if t.instance is not None and i not in build.timer_declared
        else t
        for i, t in enumerate(build.timers)
    )
    return System(
        build.name,
        build.tick,
        tuple(build.instances),
        tuple(build.variables),
        timers,
        tuple(build.messages),
        tuple(build.lanes),
        tuple(build.events),
        tuple(build.rules),
        tuple(build.steps),
        tuple(build.parameters),
        tuple(build.assumptions),
        tuple(build.fairness),
        tuple(build.units),
        build.atomic,
        tuple(build.initially),
    )
