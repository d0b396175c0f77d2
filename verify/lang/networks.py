"""Segments and links to lanes: who hears whom, with what delay, and what a cut does."""

from __future__ import annotations

from verify.base.diagnostic import did_you_mean
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import constant, evaluate, truth
from verify.lang.model import Build, NetworkNode, PortNode
from verify.lang.scopes import Scope
from verify.lang.values import NUMBER, SPAN, Faulty, InstancesValue, InstanceValue, MachineName, PortValue, describe
from verify.system.domain import Enumeration
from verify.system.expression import TRUE, Constant, Expression, Read, conjunction, equal, negation
from verify.system.system import Lane, Order, WhenFull

MOST_CAPACITY = 64
MOST_LANES = 1000
CUT = Enumeration("cut", ("intact", "cut", "silently cut"))
INTACT, WITH_CARRIER_LOSS, SILENT = 0, 1, 2


def join(declaration: s.Network, scope: Scope, build: Build) -> NetworkNode:
    """A network with its ends; its lanes come later."""
    env = Env(build, scope)
    network = NetworkNode(declaration.name, declaration, [])
    for end in declaration.ends:
        for port in _ports(end, env):
            if port.network is not None:
                told = f"{port.path} is joined to {port.network.name} already"
                build.report("E603", told, end.place, "a port belongs to one network")
            else:
                port.network = network
                network.ends.append(port)
    if declaration.kind == "link" and len(network.ends) != 2 and not build.faults:
        told = f"a link joins two ends, {network.name} joins {len(network.ends)}"
        build.report("E603", told, declaration.place, "use a segment for more")
    if len(network.ends) < 2 and not build.faults:
        build.report("E603", f"{network.name} joins fewer than two ends", declaration.place)
    return network


def _ports(end: s.End, env: Env) -> list[PortNode]:
    if end.each:
        return _each_port(end, env)
    value = evaluate(end.path, env)
    match value:
        case PortValue(port):
            return [port]
        case Faulty():
            return []
        case InstanceValue():
            node = value.only
            names = ", ".join(f"{node.name}.{p}" for p in node.ports) if node is not None else ""
            env.build.report(
                "E603", "an end is a port, this is an instance", end.place, f"write {names}" if names else ""
            )
            return []
        case _:
            env.build.report("E603", f"an end is a port, this is {describe(value)}", end.place)
            return []


def _each_port(end: s.End, env: Env) -> list[PortNode]:
    if not isinstance(end.path, s.Member):
        env.build.report("E603", "'each' is followed by Machine.port", end.place)
        return []
    base = evaluate(end.path.base, env)
    match base:
        case MachineName(machine):
            nodes = [n for n in env.build.all_nodes() if n.machine is machine]
        case InstancesValue(_, several):
            nodes = list(several)
        case Faulty():
            return []
        case _:
            env.build.report("E603", f"'each' is followed by a machine, not {describe(base)}", end.place)
            return []
    found: list[PortNode] = []
    for node in nodes:
        if end.path.name not in node.ports:
            told = f"a {node.machine.name} has no port '{end.path.name}'"
            env.build.report("E205", told, end.path.place, did_you_mean(end.path.name, node.ports))
            return []
        found.append(node.ports[end.path.name])
    return found


def lay_out_lanes(network: NetworkNode, scope: Scope, build: Build) -> None:
    """One lane for each ordered pair of ends that have a message in common."""
    env = Env(build, scope)
    d = network.declaration
    minimum = constant(d.minimum, env, SPAN, "a delay") if d.minimum is not None else 0
    maximum = constant(d.maximum, env, SPAN, "a delay") if d.maximum is not None else minimum
    capacity = constant(d.capacity, env, NUMBER, "a capacity") if d.capacity is not None else 1
    carries = truth(d.carries, env) if d.carries is not None else TRUE
    if minimum is None or maximum is None or capacity is None:
        return
    if not 0 <= minimum <= maximum:
        build.report("E302", f"the delay {minimum}..{maximum} ticks is empty or negative", d.place)
        return
    if not 1 <= capacity <= MOST_CAPACITY:
        build.report("E302", f"a capacity of {capacity}", d.place, f"1..{MOST_CAPACITY} messages are possible")
        return
    if len(build.lanes) + len(network.ends) * (len(network.ends) - 1) > MOST_LANES:
        told = f"{network.name} joins {len(network.ends)} ends: each pair needs two lanes"
        build.report("E302", told, d.place, f"up to {MOST_LANES:,} lanes are possible")
        return
    order = Order.UNORDERED if d.unordered else Order.FIFO
    for a in network.ends:
        for b in network.ends:
            if a is b or not any(m is n for m, _ in a.messages for n, _ in b.messages):
                continue
            number = len(build.lanes)
            name = f"{a.path} -> {b.path}"
            gate = conjunction(carries, *passing(network, a, b))
            lane = Lane(
                name,
                network.name,
                a.owner.number,
                b.owner.number,
                capacity,
                minimum,
                maximum,
                order,
                WhenFull(d.when_full) if d.when_full != "error" else WhenFull.ERROR,
                gate,
            )
            build.lanes.append(lane)
            build.lane_ends.append((a, b))
            network.lanes.append(number)
            a.lanes_out.append(number)
            b.lanes_in.append(number)


def passing(network: NetworkNode, sender: PortNode, receiver: PortNode) -> list[Expression]:
    """What must be intact for a message to enter the lane from one end to another."""
    cuts = [network.whole_cut, network.end_cuts.get(sender.path), network.end_cuts.get(receiver.path)]
    cuts.append(network.direction_cuts.get((sender.path, receiver.path)))
    return [equal(Read(c), Constant(INTACT)) for c in cuts if c is not None]


def set_carriers(network: NetworkNode) -> None:
    """What each end sees: no carrier while the whole, or its own end, is cut with loss of carrier (a link: either end)."""
    for port in network.ends:
        near = network.ends if network.declaration.kind == "link" else [port]
        cuts = [network.whole_cut, *(network.end_cuts.get(p.path) for p in near)]
        port.carrier = conjunction(
            *(negation(equal(Read(c), Constant(WITH_CARRIER_LOSS))) for c in cuts if c is not None)
        )
