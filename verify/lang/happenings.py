"""What the environment does: startups, faults with budgets and windows, repairs, signals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from verify.base.diagnostic import did_you_mean
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import constant, evaluate, members, truth
from verify.lang.instances import initial_values
from verify.lang.messages import message_number
from verify.lang.model import Build, InstanceNode, NetworkNode, PoolNode, PortNode
from verify.lang.networks import CUT, INTACT, SILENT, WITH_CARRIER_LOSS
from verify.lang.rules import add_step, by_event, dispatch
from verify.lang.scopes import Scope
from verify.lang.values import (
    NUMBER,
    SPAN,
    Faulty,
    InstancesValue,
    InstanceValue,
    MachineName,
    NetworkValue,
    PortValue,
    Slots,
    Value,
    describe,
)
from verify.system.build import apply
from verify.system.domain import Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Constant,
    Expression,
    Local,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    conjunction,
    disjunction,
    equal,
    negation,
)
from verify.system.statement import Assign, Bind, Block, Clear, Duplicate, If, Occur, Start, Statement, Stop
from verify.system.system import Step, StepKind, Take, Taking

MOST_BUDGET = 1000


@dataclass(slots=True)
class Happening:
    """One fault or event with its target known. ``lanes``: those of a network that it is about."""

    kind: str
    fault: s.Fault
    env: Env
    pool: PoolNode
    name: str
    node: InstanceNode | None = None
    network: NetworkNode | None = None
    port: PortNode | None = None
    senders: tuple[PortNode, ...] = ()
    receivers: tuple[PortNode, ...] = ()
    cut: int | None = None
    ending: tuple[int, int, int, int | None] | None = None

    @property
    def target(self) -> str:
        """What it strikes: an instance, a network, an end, or directions of a network."""
        if self.node is not None:
            return self.node.name
        if self.port is not None:
            return self.port.path
        assert self.network is not None  # noqa: S101 - resolve() has seen to it
        return self.network.name + _way(self.fault, self.senders, self.receivers)

    @property
    def one_way(self) -> bool:
        """Whether it is about one direction only."""
        return self.fault.from_end is not None or self.fault.to_end is not None


# ---- resolving


def resolve(pool: PoolNode, scope: Scope, build: Build) -> list[Happening]:
    """Every fault of a pool, with ``for``, ``each`` and its target unfolded."""
    found: list[Happening] = []
    for fault in pool.declaration.faults:
        for env in _unfolded(fault, Env(build, scope)):
            if fault.lasts is not None and fault.kind not in ("crash", "cut"):
                build.report("E605", f"'{fault.kind}' does not last", fault.lasts.place, "crashes and cuts do")
            for target in _targets(fault, env):
                happening = _aim(fault, env, pool, target)
                if happening is not None:
                    found.append(happening)
    return found


def _unfolded(fault: s.Fault, env: Env) -> Iterator[Env]:
    if fault.domain is None:
        yield env
        return
    for condition, value in members(fault.domain, env) or []:
        if condition == TRUE:
            yield env.having(**{fault.variable: value})
        else:
            env.build.report("E402", "this set must be known before the scenario runs", fault.place)


def _targets(fault: s.Fault, env: Env) -> list[Value]:
    value = evaluate(fault.target, env)
    match value:
        case Faulty():
            return []
        case InstancesValue(_, nodes):
            several = nodes
        case MachineName(machine) if fault.each:
            several = tuple(n for n in env.build.all_nodes() if n.machine is machine)
            if not several:
                env.build.report("E604", f"there is no instance of {machine.name} here", fault.target.place)
        case _:
            return [value]
    return [InstanceValue(n.machine.name, ((TRUE, n),)) for n in several]


def _aim(fault: s.Fault, env: Env, pool: PoolNode, target: Value) -> Happening | None:
    build = env.build
    shown = f"{fault.kind} {fault.what}".strip()
    match fault.kind, target:
        case (("crash" | "restart" | "shutdown" | "startup" | "signal"), InstanceValue()):
            node = target.only
            if node is None:
                build.report("E604", "which instance this is must be known", fault.target.place)
                return None
            return _aim_instance(fault, env, pool, node)
        case (("lose" | "duplicate" | "cut" | "repair"), NetworkValue(network)):
            senders = _ends(fault.from_end, network, env)
            receivers = _ends(fault.to_end, network, env)
            if senders is None or receivers is None:
                return None
            way = _way(fault, senders, receivers)
            joint = " on" if fault.kind in ("lose", "duplicate") else ""
            name = f"{shown}{joint} {network.name}{way}"
            return Happening(fault.kind, fault, env, pool, name, None, network, None, senders, receivers)
        case (("cut" | "repair"), PortValue(port)) if port.network is not None:
            return Happening(fault.kind, fault, env, pool, f"{shown} {port.path}", None, port.network, port)
        case _:
            told = f"'{fault.kind}' does not happen to {describe(target)}"
            wanted = (
                "an instance" if fault.kind in ("crash", "restart", "shutdown", "startup", "signal") else "a network"
            )
            build.report("E604", told, fault.target.place, f"it happens to {wanted}")
            return None


def _aim_instance(fault: s.Fault, env: Env, pool: PoolNode, node: InstanceNode) -> Happening | None:
    build = env.build
    if fault.kind == "signal" and fault.what not in node.signals:
        told = f"a {node.machine.name} has no signal '{fault.what}'"
        build.report("E201", told, fault.place, did_you_mean(fault.what, node.signals))
        return None
    if fault.kind in ("crash", "restart") and node.owner is not None:
        told = f"{node.name} is a part: it crashes with {node.top.name}"
        build.report("E604", told, fault.target.place, f"{fault.kind} {node.top.name}")
        return None
    label = f"{fault.kind} {fault.what} of {node.name}" if fault.what else f"{fault.kind} {node.name}"
    return Happening(fault.kind, fault, env, pool, label, node)


def _ends(e: s.Expr | None, network: NetworkNode, env: Env) -> tuple[PortNode, ...] | None:
    if e is None:
        return tuple(network.ends)
    value = evaluate(e, env)
    match value:
        case PortValue(port) if port in network.ends:
            return (port,)
        case InstanceValue():
            node = value.only
            ports = tuple(p for p in network.ends if node is not None and p.owner is node)
            if ports:
                return ports
        case Faulty():
            return None
        case _:
            pass
    env.build.report("E604", f"this is no end of {network.name}", e.place, ", ".join(p.path for p in network.ends))
    return None


def _way(fault: s.Fault, senders: tuple[PortNode, ...], receivers: tuple[PortNode, ...]) -> str:
    text = f" from {senders[0].path}" if fault.from_end is not None else ""
    return text + (f" to {receivers[0].path}" if fault.to_end is not None else "")


# ---- variables that faults need


def reserve_cuts(happenings: list[Happening], build: Build) -> None:
    """Lay out a variable for each thing that can be cut: a whole network, an end, a direction."""
    for h in happenings:
        if h.kind not in ("cut", "repair") or h.network is None:
            continue
        if h.port is not None:
            if h.port.path not in h.network.end_cuts:
                h.network.end_cuts[h.port.path] = build.variable(f"{h.port.path}.cut", CUT, INTACT)
            h.cut = h.network.end_cuts[h.port.path]
        elif h.one_way:
            for key in _directions(h):
                if key not in h.network.direction_cuts:
                    name = f"{h.network.name}.{key[0]}->{key[1]}.cut"
                    h.network.direction_cuts[key] = build.variable(name, CUT, INTACT)
        else:
            if h.network.whole_cut is None:
                h.network.whole_cut = build.variable(f"{h.network.name}.cut", CUT, INTACT)
            h.cut = h.network.whole_cut


def _directions(h: Happening) -> list[tuple[str, str]]:
    return [(a.path, b.path) for a in h.senders for b in h.receivers if a is not b]


def reserve_pool(pool: PoolNode, name: str, scope: Scope, build: Build) -> None:
    """Lay out the budget and the window of a pool."""
    d = pool.declaration
    env = Env(build, scope)
    if d.most is not None:
        most = constant(d.most, env, NUMBER, "a budget")
        if most is not None and not 0 <= most <= MOST_BUDGET:
            build.report("E302", f"a budget of {most}", d.most.place, f"0..{MOST_BUDGET}, or unlimited")
        elif most is not None:
            pool.variable = build.variable(f"{name} left", Range(0, most), most)
    elif not d.unlimited and not all(f.at for f in d.faults):
        told = f"how many of these {d.word} can there be?"
        build.report("E606", told, d.place, f"write {d.word} at most 1 {{ … }}, or {d.word} unlimited {{ … }}")
    if d.between is not None:
        low = constant(d.between[0], env, SPAN, "a time")
        high = constant(d.between[1], env, SPAN, "a time")
        if low is not None and high is not None:
            if not 0 <= low <= high:
                shown = build.span_text(low, high, spans=True)
                build.report("E302", f"the window {shown} is empty", d.between[0].place)
                return
            if low > 0:
                pool.opens = build.timer(f"{name} opens", low, None, low)
            pool.closes = build.timer(f"{name} closes", high + 1, None, high + 1)


def reserve_ends(happenings: list[Happening], build: Build) -> None:
    """Lay out the clocks of faults that ``lasts``, so that whatever ends such a fault earlier can stop them."""
    for h in happenings:
        if h.fault.lasts is None:
            continue
        window = _window(h.fault.lasts, h.env)
        if window is None:
            continue
        low, high = window
        closes = build.timer(f"end of {h.name} due", max(high, 1))
        opens = build.timer(f"end of {h.name} possible", low) if 0 < low < high else None
        h.ending = (low, high, closes, opens)
        build.ends.setdefault(h.target, []).extend([closes] if opens is None else [closes, opens])


# ---- startups


def startup_steps(node: InstanceNode, plan: s.Startup | None, scope: Scope, build: Build) -> None:
    """When an instance gets its startup: at 0s unless the scenario says otherwise."""
    if plan is not None and plan.mode == "never":
        return
    slots = Slots()
    guard: list[Expression] = [node.is_up]
    effect: list[Statement] = []
    urgent: Expression = FALSE
    if plan is not None and plan.mode == "any" and plan.repeatable:
        guard += _all_initial(node)
    elif plan is not None and plan.mode == "any":
        pending = build.timer(f"startup of {node.name} pending", 1, None, 0)
        node.startup_timers.append(pending)
        guard.append(negation(TimerIs(pending, TimerStatus.STOPPED)))
        effect.append(Stop(pending))
    else:
        window = _window(plan.window if plan is not None else None, Env(build, scope))
        if window is None:
            return
        opened, urgent, effect = _scheduled(f"startup of {node.name}", window, build, node.startup_timers)
        guard += opened
    block = (*effect, *_startup(node, build, slots))
    name = f"startup {node.name}"
    step = Step(name, StepKind.ENVIRONMENT, conjunction(*guard), block, urgent, None, node.number, None, slots.used)
    add_step(build, step, ("startup", node.name))


def _startup(node: InstanceNode, build: Build, slots: Slots) -> Block:
    out: list[Statement] = [Occur(build.event(f"startup of {node.name}"))]
    for member in node.family():
        out += dispatch(member, by_event("startup"), build, slots)[0]
    return tuple(out)


def _all_initial(node: InstanceNode) -> list[Expression]:
    found: list[Expression] = []
    for variable, region in node.regions.values():
        number = next((i for i, st in enumerate(region.states) if st.initial), 0)
        found.append(equal(Read(variable), Constant(number)))
    return found


def _window(window: s.Window | None, env: Env) -> tuple[int, int] | None:
    if window is None:
        return (0, 0)
    low = constant(window.low, env, SPAN, "a time")
    high = constant(window.high, env, SPAN, "a time") if window.high is not None else low
    if low is None or high is None:
        return None
    if not 0 <= low <= high:
        env.build.report(
            "E302", f"the window {low}..{high} ticks is empty", window.place, "the earlier time comes first"
        )
        return None
    return low, high


def _scheduled(
    name: str, window: tuple[int, int], build: Build, noted: list[int] | None = None
) -> tuple[list[Expression], Expression, list[Statement]]:
    """Clocks for something that happens once within a window: guard, urgency, and what ends them."""
    low, high = window
    closes = build.timer(f"{name} due", max(high, 1), None, high)
    timers = [closes]
    guard: list[Expression] = [negation(TimerIs(closes, TimerStatus.STOPPED))]
    if 0 < low < high:
        opens = build.timer(f"{name} possible", low, None, low)
        timers.append(opens)
        guard = [TimerIs(opens, TimerStatus.EXPIRED)]
    elif low == high:
        guard = [TimerIs(closes, TimerStatus.EXPIRED)]
    if noted is not None:
        noted += timers
    return guard, TimerIs(closes, TimerStatus.EXPIRED), [Stop(t) for t in timers]


# ---- faults


def fault_steps(h: Happening, build: Build) -> None:
    """The steps of one fault: it happens, and it ends if it ``lasts``."""
    guard, urgent, spend = _permission(h, build)
    match h.kind:
        case "crash":
            _crash(h, guard, urgent, spend, build)
        case "restart":
            _restart(h, guard, urgent, spend, build)
        case "shutdown" | "startup" | "signal":
            _event(h, guard, urgent, spend, build)
        case "lose" | "duplicate":
            _message_fault(h, guard, urgent, spend, build)
        case "cut":
            _cut(h, guard, urgent, spend, build)
        case _:
            _repair(h, guard, urgent, spend, build)


def _permission(h: Happening, build: Build) -> tuple[list[Expression], Expression, Block]:
    """Guard, urgency and price of a fault: its budget and window, or its own time; and its ``when``."""
    guard: list[Expression] = [truth(h.fault.when, h.env)] if h.fault.when is not None else []
    if h.fault.at is not None:
        window = _window(h.fault.at, h.env)
        if window is None:
            return [FALSE], FALSE, ()
        opened, urgent, effect = _scheduled(h.name, window, build)
        return [*guard, *opened], urgent, tuple(effect)
    pool = h.pool
    if pool.opens is not None:
        guard.append(TimerIs(pool.opens, TimerStatus.EXPIRED))
    if pool.closes is not None:
        guard.append(TimerIs(pool.closes, TimerStatus.RUNNING))
    if pool.variable is None:
        return guard, FALSE, ()
    left = Read(pool.variable)
    guard.append(apply(Operator.LESS, Constant(0), left))
    return guard, FALSE, (Assign(pool.variable, apply(Operator.SUBTRACT, left, Constant(1))),)


def _environment(  # noqa: PLR0913 - a step has many sides
    h: Happening,
    name: str,
    guard: list[Expression],
    urgent: Expression,
    body: Block,
    build: Build,
    *,
    slots: int = 0,
    take: Take | None = None,
    tag: tuple[str, str] = ("", ""),
) -> None:
    instance = h.node.number if h.node is not None else None
    step = Step(name, StepKind.ENVIRONMENT, conjunction(*guard), body, urgent, take, instance, None, slots)
    add_step(build, step, tag)


def _node(h: Happening) -> InstanceNode:
    assert h.node is not None  # noqa: S101 - resolve() has seen to it
    return h.node


def _crash(h: Happening, guard: list[Expression], urgent: Expression, spend: Block, build: Build) -> None:
    node = _node(h)
    after = _ends_later(h)
    effect: list[Statement] = [Occur(build.event(f"crash of {node.name}"))]
    for member in node.family():
        effect += _forget(member, build)
    if node.alive is not None:
        effect.append(Assign(node.alive, FALSE))
    effect += [Stop(t) for t in node.startup_timers]
    if after is not None:
        effect += after[2]
    _environment(h, h.name, [node.is_up, *guard], urgent, (*spend, *effect), build, tag=("crash", node.name))
    if after is not None:
        slots = Slots()
        back = _revive(node, build, slots)
        name = f"restart {node.name}"
        _environment(h, name, [negation(node.is_up), *after[0]], after[1], back, build, slots=slots.used)


def _ends_later(h: Happening) -> tuple[list[Expression], Expression, Block] | None:
    """For a fault that ``lasts``: guard and urgency of its end, and what starts its clocks. Its end stops them again."""
    if h.ending is None:
        return None
    low, high, closes, opens = h.ending
    start: list[Statement] = [Start(closes, Constant(high))]
    guard: list[Expression] = [negation(TimerIs(closes, TimerStatus.STOPPED))]
    if opens is not None:
        start.append(Start(opens, Constant(low)))
        guard = [TimerIs(opens, TimerStatus.EXPIRED)]
    elif low == high:
        guard = [TimerIs(closes, TimerStatus.EXPIRED)]
    return guard, TimerIs(closes, TimerStatus.EXPIRED), tuple(start)


def _forget(node: InstanceNode, build: Build) -> Block:
    """All that an instance holds goes back to its initial values, but for what survives a crash."""
    surviving = {i.name for i in node.machine.items if isinstance(i, s.VariableDecl) and i.survives}
    kept: set[int] = set()
    for name in surviving & set(node.variables):
        kept |= {v for leaf in _leaves(node.variables[name]) for v in leaf}
    out: list[Statement] = []
    for number, variable in enumerate(build.variables):
        if variable.instance == node.number and number not in kept and number != node.alive:
            out.append(Assign(number, Constant(variable.initial)))
    out += [Stop(t) for t in node.timers.values()]
    return tuple(out)


def _leaves(value: Value) -> list[list[int]]:
    from verify.lang.values import scalars  # noqa: PLC0415 - one use

    return [[v for _, v in leaf.cells or ()] for leaf in scalars(value)]


def _revive(node: InstanceNode, build: Build, slots: Slots) -> Block:
    """Reset and startup in one step."""
    out: list[Statement] = [Occur(build.event(f"restart of {node.name}"))]
    if node.alive is not None:
        out.append(Assign(node.alive, TRUE))
    out += [Stop(t) for t in build.ends.get(node.name, [])]
    out += initial_values(node.family(), build, slots, everything=True)
    return (*out, *_startup(node, build, slots))


def _restart(h: Happening, guard: list[Expression], urgent: Expression, spend: Block, build: Build) -> None:
    node = _node(h)
    slots = Slots()
    body = (*spend, *_revive(node, build, slots))
    down = negation(node.is_up)
    _environment(h, h.name, [down, *guard], urgent, body, build, slots=slots.used, tag=("restart", node.name))


def _event(h: Happening, guard: list[Expression], urgent: Expression, spend: Block, build: Build) -> None:
    node = _node(h)
    slots = Slots()
    if h.kind == "startup":
        body = (*spend, *_startup(node, build, slots))
    elif h.kind == "shutdown":
        out: list[Statement] = [*spend, Occur(build.event(f"shutdown of {node.name}"))]
        for member in node.family():
            out += dispatch(member, by_event("shutdown"), build, slots)[0]
        body = tuple(out)
    else:
        event = Occur(build.event(f"signal {h.fault.what} of {node.name}"))
        body = (*spend, event, *dispatch(node, by_event(h.fault.what), build, slots)[0])
    _environment(h, h.name, [node.is_up, *guard], urgent, body, build, slots=slots.used, tag=(h.kind, node.name))


def _message_fault(h: Happening, guard: list[Expression], urgent: Expression, spend: Block, build: Build) -> None:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    kind: int | None = None
    if h.fault.what:
        found = h.env.scope.look_up(h.fault.what, s.MessageDecl, h.fault.place, build.faults)
        if found is None:
            return
        kind = message_number(found[0], found[1], build)
    for lane in h.network.lanes:
        a, b = build.lane_ends[lane]
        if a not in h.senders or b not in h.receivers:
            continue
        only = [equal(Local(0), Constant(kind))] if kind is not None else []
        lost = h.kind == "lose"
        take = Take(lane, Taking.LOSE if lost else Taking.COPY)
        body = (*spend, *_lost_events(h, a, build)) if lost else (*spend, Duplicate(lane))
        slots = 1 + max((len(m.fields) for m in build.messages), default=0)
        name = f"{h.kind} {build.lanes[lane].name}"
        tag = (h.kind, h.network.name)
        _environment(h, name, [*guard, *only], urgent, body, build, slots=slots, take=take, tag=tag)


def _lost_events(h: Happening, sender: PortNode, build: Build) -> Block:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    block: Block = ()
    for declaration, scope in reversed(sender.messages):
        number = message_number(declaration, scope, build)
        occur = (Occur(build.event(f"lost {declaration.name} on {h.network.name}")),)
        block = (If(equal(Local(0), Constant(number)), occur, block),) if len(sender.messages) > 1 else occur
    return block


def _cut(h: Happening, guard: list[Expression], urgent: Expression, spend: Block, build: Build) -> None:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    slots = Slots()
    after = _ends_later(h)
    started = after[2] if after is not None else ()
    if h.cut is None:
        intact, effect = _cut_directions(h, build)
    else:
        intact, effect = [equal(Read(h.cut), Constant(INTACT))], _cut_lanes(h, build, slots)
    target = h.port.path if h.port is not None else h.network.name
    body = (*spend, *started, Occur(build.event(f"cut of {target}")), *effect)
    _environment(h, h.name, [*intact, *guard], urgent, body, build, slots=slots.used, tag=("cut", target))
    if after is not None:
        back_slots = Slots()
        mended = _mend(h, build, back_slots)
        _environment(h, f"end of {h.name}", after[0], after[1], mended, build, slots=back_slots.used)


def _cut_directions(h: Happening, build: Build) -> tuple[list[Expression], Block]:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    cuts = [h.network.direction_cuts[key] for key in _directions(h)]
    lanes = [n for n in h.network.lanes if build.lane_ends[n][0] in h.senders and build.lane_ends[n][1] in h.receivers]
    effect: list[Statement] = [Assign(c, Constant(SILENT)) for c in cuts]
    effect += [Clear(lane) for lane in lanes]
    return [disjunction(*(equal(Read(c), Constant(INTACT)) for c in cuts))], tuple(effect)


def _cut_lanes(h: Happening, build: Build, slots: Slots) -> Block:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    assert h.cut is not None  # noqa: S101 - the caller has looked
    lanes = [n for n in h.network.lanes if h.port is None or h.port in build.lane_ends[n]]
    emptied: list[Statement] = [Clear(lane) for lane in lanes]
    if h.fault.silent:
        return (Assign(h.cut, Constant(SILENT)), *emptied)
    seen, before = _carriers(h, slots)
    told = [_link_event(port, "link_down", flag, build, slots) for port, flag in seen]
    return (*before, Assign(h.cut, Constant(WITH_CARRIER_LOSS)), *emptied, *(x for block in told for x in block))


def _seeing(h: Happening) -> list[PortNode]:
    """The ends whose carrier a cut or repair changes."""
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    if h.port is None or h.network.declaration.kind == "link":
        return list(h.network.ends)
    return [h.port]


def _carriers(h: Happening, slots: Slots) -> tuple[list[tuple[PortNode, Expression]], Block]:
    """Each end concerned, with whether it saw the network before: bound, because the step is about to change it."""
    seen: list[tuple[PortNode, Expression]] = []
    block: list[Statement] = []
    for port in _seeing(h):
        slot = slots.new(0, 1)
        block.append(Bind(slot, port.carrier))
        seen.append((port, Local(slot)))
    return seen, tuple(block)


def _link_event(port: PortNode, event: str, before: Expression, build: Build, slots: Slots) -> Block:
    """``link_down`` to an end that saw its network and does so no more, ``link_up`` to one that sees it again."""
    block, _ = dispatch(port.owner, by_event(event, port.name), build, slots)
    if not block:
        return ()
    changed = (
        conjunction(before, negation(port.carrier))
        if event == "link_down"
        else conjunction(negation(before), port.carrier)
    )
    return (If(conjunction(port.owner.is_up, changed), block),)


def _mend(h: Happening, build: Build, slots: Slots) -> Block:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    target = h.port.path if h.port is not None else h.network.name
    occur = Occur(build.event(f"repair of {target}"))
    stops = [Stop(t) for t in build.ends.get(h.target, [])]
    if h.cut is None:
        cuts = [h.network.direction_cuts[key] for key in _directions(h)]
        return (occur, *stops, *(Assign(c, Constant(INTACT)) for c in cuts))
    seen, before = _carriers(h, slots)
    told = [_link_event(port, "link_up", flag, build, slots) for port, flag in seen]
    return (*before, occur, *stops, Assign(h.cut, Constant(INTACT)), *(x for block in told for x in block))


def _repair(h: Happening, guard: list[Expression], urgent: Expression, spend: Block, build: Build) -> None:
    assert h.network is not None  # noqa: S101 - resolve() has seen to it
    slots = Slots()
    cuts = [h.cut] if h.cut is not None else [h.network.direction_cuts[key] for key in _directions(h)]
    broken = disjunction(*(negation(equal(Read(c), Constant(INTACT))) for c in cuts))
    target = h.port.path if h.port is not None else h.network.name
    body = (*spend, *_mend(h, build, slots))
    _environment(h, h.name, [broken, *guard], urgent, body, build, slots=slots.used, tag=("repair", target))
