"""Rules to steps: dispatch of events, first match, global arrows, time-outs and urgent rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from verify.base.diagnostic import did_you_mean
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import truth
from verify.lang.messages import message_number, taken_message
from verify.lang.model import Build, InstanceNode, PortNode
from verify.lang.statements import Body, lower_block, mark_rule
from verify.lang.values import Slots, Value
from verify.system.build import apply
from verify.system.expression import (
    TRUE,
    Constant,
    Count,
    Due,
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
from verify.system.statement import Block, If, Occur, Send, Stop, statements
from verify.system.system import Step, StepKind, Take, Taking, WhenFull

BUILT_IN_EVENTS = ("startup", "shutdown", "link_up", "link_down")
Wanted = Callable[[s.Rule], bool]


def by_event(name: str, port: str = "") -> Wanted:
    """Rules for a built-in event or signal; at a port, if the rule names one."""
    return lambda rule: rule.event == name and (not rule.port or not port or rule.port == port)


def by_timer(name: str) -> Wanted:
    """Rules ``on timeout name``."""
    return lambda rule: rule.timer == name


def by_message(declaration: s.MessageDecl, port: PortNode) -> Wanted:
    """Rules for a message that comes in at a port."""
    scope = port.owner.scope

    def wanted(rule: s.Rule) -> bool:
        found = scope.find(rule.event) if rule.event else None
        return found is not None and found[0] is declaration and rule.port in ("", port.name)

    return wanted


def dispatch(
    node: InstanceNode, wanted: Wanted, build: Build, slots: Slots, message: Value | None = None
) -> tuple[Block, Expression]:
    """What an event does to an instance, and whether some rule takes it.

    Rules at machine level come first; when one takes the event, no region sees it. Then every region, in text order, runs
    its first match: rules of the region before those of the present state, which are blocked while a global arrow holds.
    """
    env = Env(build, node.scope, node, slots=slots)
    blocks: list[Block] = []
    handled: list[Expression] = []
    for name, (variable, region) in node.regions.items():
        block, taken = _in_region(node, name, variable, region, wanted, env, message)
        blocks.append(block)
        handled.append(taken)
    inside = tuple(statement for block in blocks for statement in block)
    own = [r for r in node.machine.rules if wanted(r)]
    bare = "" if "" in node.regions else None
    block, guards = _first_match(own, env, message, Body(env, bare), inside)
    return block, disjunction(*guards, *handled)


def _in_region(  # noqa: PLR0913 - the same in every call
    node: InstanceNode, name: str, variable: int, region: s.Region, wanted: Wanted, env: Env, message: Value | None
) -> tuple[Block, Expression]:
    free = negation(owned(node, name, env))
    block: Block = ()
    handled: list[Expression] = []
    body = Body(env, name)
    for number in reversed(range(len(region.states))):
        rules = [r for r in region.states[number].rules if wanted(r)]
        if rules:
            inside, guards = _first_match(rules, env, message, body, ())
            here = conjunction(equal(Read(variable), Constant(number)), free)
            handled.append(conjunction(here, disjunction(*guards)))
            block = (If(here, inside, block),)
    block, guards = _first_match([r for r in region.rules if wanted(r)], env, message, body, block)
    return block, disjunction(*guards, *reversed(handled))


def _first_match(
    rules: list[s.Rule], env: Env, message: Value | None, body: Body, otherwise: Block
) -> tuple[Block, list[Expression]]:
    block = otherwise
    guards: list[Expression] = []
    for rule in reversed(rules):
        inner = env.having(**{rule.binder: message}) if rule.binder and message is not None else env
        guard = truth(rule.guard, inner) if rule.guard is not None else TRUE
        inside = run_rule(rule, replace(body, env=inner))
        block = inside if guard == TRUE else (If(guard, inside, block),)
        guards.insert(0, guard)
    return block, guards


def run_rule(rule: s.Rule, body: Body) -> Block:
    """The effects of a rule, marked."""
    mark = mark_rule(body.node, rule.head, rule.place, rule.citations, body.env)
    return (mark, *lower_block(rule.body, body))


# ---- global arrows


def is_arrow(rule: s.Rule) -> bool:
    """Whether a rule is ``when C { … goto S }``."""
    return _is_urgent(rule) and bool(rule.body) and isinstance(rule.body[-1], s.Goto)


def _is_urgent(rule: s.Rule) -> bool:
    return not rule.event and not rule.timer


def _region_urgent(node: InstanceNode, region: str) -> list[s.Rule]:
    """The urgent rules above the states of a region, machine level first."""
    declaration = node.regions[region][1]
    own = [r for r in node.machine.rules if _is_urgent(r) and _belongs(r, node, region)]
    return own + [r for r in declaration.rules if _is_urgent(r)]


def _belongs(rule: s.Rule, node: InstanceNode, region: str) -> bool:
    """Whether an urgent rule at machine level acts on a region: the only one, or the one that its goto is of."""
    if region == "":
        return True
    last = rule.body[-1] if rule.body else None
    return isinstance(last, s.Goto) and any(st.name == last.state for st in node.regions[region][1].states)


def owned(node: InstanceNode, region: str, env: Env) -> Expression:
    """Whether a global arrow owns the region now."""
    inner = replace(env, locals={})
    arrows = [r for r in _region_urgent(node, region) if is_arrow(r)]
    return disjunction(*(truth(r.guard, inner) for r in arrows if r.guard is not None))


# ---- steps


def add_step(build: Build, step: Step, tag: tuple[str, str] = ("", "")) -> None:
    """Lay out a step, unless its guard can never hold; ``tag`` is what ``fair`` can call it by."""
    waiting = [
        apply(Operator.LESS, Count(lane), Constant(build.lanes[lane].capacity))
        for lane in sorted(_sends(step.body))
        if build.lanes[lane].when_full is WhenFull.WAIT
    ]
    guard = conjunction(step.guard, *waiting)
    if guard != Constant(0):
        build.steps.append(replace(step, guard=guard))
        build.tags.append(tag)


def _sends(block: Block) -> set[int]:
    return {s.lane for s in statements(block) if isinstance(s, Send)}


def reaction_steps(node: InstanceNode, build: Build) -> None:
    """A step for each urgent rule; in each region the first whose guard holds is the one enabled."""
    env = Env(build, node.scope, node)
    loose = [r for r in node.machine.rules if _is_urgent(r) and not any(_belongs(r, node, n) for n in node.regions)]
    for rule in loose:
        _urgent_chain([rule], TRUE, node, None, env)
    for name, (variable, region) in node.regions.items():
        above = _region_urgent(node, name)
        earlier = _urgent_chain(above, TRUE, node, name, env)
        free = negation(disjunction(*earlier))
        for number, state in enumerate(region.states):
            rules = [r for r in state.rules if _is_urgent(r)]
            here = conjunction(equal(Read(variable), Constant(number)), free)
            _urgent_chain(rules, here, node, name, env)


def _urgent_chain(
    rules: list[s.Rule], context: Expression, node: InstanceNode, region: str | None, env: Env
) -> list[Expression]:
    earlier: list[Expression] = []
    for rule in rules:
        slots = Slots()
        inner = replace(env, slots=slots)
        guard = truth(rule.guard, inner) if rule.guard is not None else TRUE
        enabled = conjunction(node.is_up, context, _not_there(rule, node, region), guard, *map(negation, earlier))
        block = run_rule(rule, Body(inner, region))
        name = f"{node.name} {rule.head}"
        step = Step(name, StepKind.REACTION, enabled, block, TRUE, None, node.number, node.unit, slots.used)
        add_step(env.build, step)
        earlier.append(guard)
    return earlier


def _not_there(rule: s.Rule, node: InstanceNode, region: str | None) -> Expression:
    """A global arrow is not taken again from the state it leads to."""
    last = rule.body[-1] if rule.body else None
    if region is None or not isinstance(last, s.Goto) or any(rule in st.rules for st in node.regions[region][1].states):
        return TRUE
    variable, declaration = node.regions[region]
    numbers = [i for i, st in enumerate(declaration.states) if st.name == last.state]
    return negation(equal(Read(variable), Constant(numbers[0]))) if numbers else TRUE


def timeout_steps(node: InstanceNode, build: Build) -> None:
    """A step for each timer that some rule takes."""
    due = [negation(Due(lane)) for lane in range(len(build.lanes))] if build.messages_first else []
    for name, timer in node.timers.items():
        slots = Slots()
        block, handled = dispatch(node, by_timer(name), build, slots)
        guard = conjunction(node.is_up, TimerIs(timer, TimerStatus.EXPIRED), handled, *due)
        event = build.event(f"timeout {name} of {node.name}")
        body = (Stop(timer), Occur(event), *block)
        title = f"{node.name} timeout {name}"
        add_step(build, Step(title, StepKind.TIMEOUT, guard, body, TRUE, None, node.number, None, slots.used))


def delivery_steps(build: Build) -> None:
    """A step for each lane: take the next message, dispatch it, or discard it when the receiver is down."""
    for number, lane in enumerate(build.lanes):
        sender, receiver = build.lane_ends[number]
        node = receiver.owner
        kinds = [(m, scope) for m, scope in sender.messages if any(m is n for n, _ in receiver.messages)]
        numbers = [message_number(m, scope, build) for m, scope in kinds]
        slots = Slots(reserved=1 + max((len(build.messages[n].fields) for n in numbers), default=0))
        body: Block = ()
        for (declaration, scope), kind in reversed(list(zip(kinds, numbers, strict=True))):
            message = taken_message(declaration, scope, build, slots)
            block, _ = dispatch(node, by_message(declaration, receiver), build, slots, message)
            event = build.event(f"delivered {declaration.name} to {node.name}")
            if any(build.lanes[x].when_full is WhenFull.WAIT for x in _sends(block)):
                told = f"a handler of {declaration.name} sends where a full lane waits"
                help_text = "a message cannot be un-received: let an urgent rule send, or let the lane drop"
                build.report("E601", told, declaration.place, help_text)
            alive = node.is_up
            inside = (Occur(event), *(block if alive == TRUE else (If(alive, block),) if block else ()))
            body = (If(equal(Local(0), Constant(kind)), inside, body),) if len(kinds) > 1 else inside
        step = Step(
            f"deliver {lane.name}",
            StepKind.DELIVERY,
            TRUE,
            body,
            take=Take(number, Taking.DELIVER),
            instance=node.number,
            slots=max(slots.used, slots.reserved),
        )
        add_step(build, step, ("delivery", lane.network))


def check_events(node: InstanceNode, build: Build) -> None:
    """Report rules for events and timers that do not exist."""
    for rule in _all_rules(node.machine):
        if rule.timer and rule.timer not in node.timers:
            told = f"a {node.machine.name} has no timer '{rule.timer}'"
            build.report("E201", told, rule.place, did_you_mean(rule.timer, node.timers))
        if rule.port and rule.port not in node.ports:
            told = f"a {node.machine.name} has no port '{rule.port}'"
            build.report("E201", told, rule.place, did_you_mean(rule.port, node.ports))
        if rule.event:
            _check_event(rule, node, build)


def _check_event(rule: s.Rule, node: InstanceNode, build: Build) -> None:
    if rule.event in BUILT_IN_EVENTS or rule.event in node.signals:
        if rule.binder:
            build.report("E602", f"'{rule.event}' carries nothing that '{rule.binder}' could name", rule.place)
        return
    found = node.scope.find(rule.event)
    if found is None or not isinstance(found[0], s.MessageDecl):
        known = [*BUILT_IN_EVENTS, *node.signals, *node.scope.names(s.MessageDecl)]
        told = f"no event '{rule.event}'"
        help_text = did_you_mean(rule.event, known)
        build.report(
            "E201", told, rule.place, help_text or "a message, a signal, startup, shutdown, link_up or link_down"
        )
        return
    if not node.unresolved and not any(m is found[0] for p in node.ports.values() for m, _ in p.messages):
        told = f"no port of {node.machine.name} carries {rule.event}"
        build.report("E503", told, rule.place, f"declare: port p : {rule.event}")


def _all_rules(machine: s.Machine) -> list[s.Rule]:
    regions = [r for region in machine.regions for r in region.rules]
    states = [r for region in machine.regions for st in region.states for r in st.rules]
    return [*machine.rules, *regions, *states]
