"""What is allowed and looks wrong: handlers that can never be reached, messages nobody can receive, and their like."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TypeVar

from verify.base.diagnostic import Diagnostic, warning
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.model import Build
from verify.lang.scopes import Scope

T = TypeVar("T")


def lint_scope(scope: Scope) -> list[Diagnostic]:
    """Warnings about the machines and messages of a file."""
    faults: list[Diagnostic] = []
    machines = [d for d in scope.own.values() if isinstance(d, s.Machine)]
    for machine in machines:
        for region in machine.regions:
            faults += _unreachable_states(machine, region)
            faults += _shadowed([*machine.rules, *region.rules], [st.rules for st in region.states])
        faults += _idle_timers(machine, machines)
        faults += _two_forms(machine)
        faults += _idle_actions(machine)
    for declaration in scope.own.values():
        if isinstance(declaration, s.MessageDecl):
            faults += _unheard(declaration, machines)
    return faults


# ---- states and handlers


def _unreachable_states(machine: s.Machine, region: s.Region) -> list[Diagnostic]:
    aims = {g.state for g in _statements(machine, s.Goto)}
    return [
        warning("W201", f"no goto leads to state '{state.name}': its rules can never run", state.place)
        for state in region.states
        if not state.initial and state.name not in aims
    ]


def _shadowed(above: list[s.Rule], states: list[tuple[s.Rule, ...]]) -> list[Diagnostic]:
    faults = _behind(above)
    blocking = [r for r in above if r.guard is None]
    for rules in states:
        faults += _behind(list(rules))
        faults += [_never(rule, first) for rule in rules for first in blocking if _same_event(first, rule)]
    return faults


def _behind(rules: list[s.Rule]) -> list[Diagnostic]:
    return [
        _never(rule, first)
        for number, rule in enumerate(rules)
        for first in rules[:number]
        if first.guard is None and _same_event(first, rule)
    ][:1]


def _same_event(first: s.Rule, second: s.Rule) -> bool:
    if not (first.event or first.timer):
        return False
    return (first.event, first.timer) == (second.event, second.timer) and first.port in ("", second.port)


def _never(rule: s.Rule, first: s.Rule) -> Diagnostic:
    told = f"this handler can never be reached: the one at line {first.place.line} takes every '{rule.event or rule.timer}'"
    return warning("W202", told, rule.place, "put the guarded handler first")


def _idle_timers(machine: s.Machine, machines: list[s.Machine]) -> list[Diagnostic]:
    """Timers that nobody starts: neither their machine, nor another one through a path that ends in their name."""
    own = {_last_name(t.timer) for t in _statements(machine, s.StartTimer)}
    others = {
        _last_name(t.timer)
        for m in machines
        for t in _statements(m, s.StartTimer)
        if m is not machine and not isinstance(t.timer, s.Name)
    }
    return [
        warning("W203", f"timer '{item.name}' is never started: its handlers can never be reached", item.place)
        for item in machine.items
        if isinstance(item, s.TimerDecl) and item.name not in own | others
    ]


def _last_name(e: s.Expr) -> str:
    match e:
        case s.Name(_, text):
            return text
        case s.Member(_, _, name):
            return name
        case s.Index(_, base, _):
            return _last_name(base)
        case _:
            return ""


def _two_forms(machine: s.Machine) -> list[Diagnostic]:
    """A timer that is both taken by ``on timeout`` and read by ``expired``: the first makes the second false at once."""
    taken = {r.timer for r in _rules(machine) if r.timer}
    read = {
        call.arguments[0][1].text
        for call in _nodes(machine, s.Call)
        if isinstance(call.base, s.Name)
        and call.base.text == "expired"
        and len(call.arguments) == 1
        and isinstance(call.arguments[0][1], s.Name)
    }
    return [
        warning(
            "W207",
            f"timer '{item.name}' is handled by 'on timeout' and read by 'expired'",
            item.place,
            "use one of the two: the handler stops the timer",
        )
        for item in machine.items
        if isinstance(item, s.TimerDecl) and item.name in taken & read
    ]


def _idle_actions(machine: s.Machine) -> list[Diagnostic]:
    called = {
        base.text
        for call in _statements(machine, s.ActionCall)
        if isinstance(base := call.target.base if isinstance(call.target, s.Call) else call.target, s.Name)
    }
    return [
        warning("W204", f"action '{item.name}' is never called", item.place)
        for item in machine.items
        if isinstance(item, s.Action) and item.name not in called
    ]


# ---- messages


def _unheard(message: s.MessageDecl, machines: list[s.Machine]) -> list[Diagnostic]:
    carrying = [m for m in machines if any(isinstance(i, s.Port) and message.name in i.messages for i in m.items)]
    sent = any(t.message == message.name for m in machines for t in _statements(m, s.SendStatement))
    heard = any(r.event == message.name for m in carrying for r in _rules(m))
    if sent and carrying and not heard:
        return [warning("W205", f"nobody can receive '{message.name}': no machine has a handler for it", message.place)]
    return []


def lint_scenario(build: Build) -> list[Diagnostic]:
    """Warnings about a scenario that was laid out without errors."""
    faults: list[Diagnostic] = []
    for node in build.all_nodes():
        for port in node.ports.values():
            if port.network is None:
                told = f"{port.path} is joined to nothing: what it sends is lost"
                faults.append(warning("W206", told, _declared(node.machine, port.name), f"in scenario '{build.name}'"))
    return faults


def _declared(machine: s.Machine, port: str) -> Place:
    return next(i.place for i in machine.items if isinstance(i, s.Port) and i.name == port)


# ---- walking


def _rules(machine: s.Machine) -> list[s.Rule]:
    states = [r for region in machine.regions for st in region.states for r in st.rules]
    return [*machine.rules, *(r for region in machine.regions for r in region.rules), *states]


def _statements(machine: s.Machine, kind: type[T]) -> Iterator[T]:
    blocks = [r.body for r in _rules(machine)]
    blocks += [i.body for i in machine.items if isinstance(i, s.Action)]
    blocks += [st.entry for region in machine.regions for st in region.states if st.entry is not None]
    for block in blocks:
        yield from (x for x in _walk(block) if isinstance(x, kind))


def _walk(block: s.Block) -> Iterator[s.Statement]:
    for statement in block:
        yield statement
        match statement:
            case s.IfStatement(_, _, then, otherwise):
                yield from _walk(then)
                yield from _walk(otherwise)
            case s.ChooseStatement():
                yield from _walk(statement.body)
            case s.EitherStatement(_, branches):
                for branch in branches:
                    yield from _walk(branch)
            case _:
                continue


def _nodes(tree: object, kind: type[T]) -> Iterator[T]:
    """Every node of a kind in a part of the syntax tree."""
    if isinstance(tree, kind):
        yield tree
    if isinstance(tree, tuple):
        for part in tree:
            yield from _nodes(part, kind)
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, Place):
        for field in dataclasses.fields(tree):
            yield from _nodes(getattr(tree, field.name), kind)
