"""Scenarios with ``extends`` unfolded: one plan, in which later lines replace earlier ones on the same path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from verify.base.diagnostic import did_you_mean
from verify.lang import syntax as s
from verify.lang.model import Build
from verify.lang.scopes import Scope, reserved

T = TypeVar("T")


@dataclass(slots=True)
class Plan:
    """All lines of a scenario and its parents, each with the scope of the file that it stands in."""

    tick: s.Tick | None = None
    atomic: bool = False
    messages_first: bool = False
    instances: dict[str, tuple[s.InstanceDecl, Scope]] = field(default_factory=dict)
    overrides: list[tuple[s.Setting, Scope]] = field(default_factory=list)
    networks: dict[str, tuple[s.Network, Scope]] = field(default_factory=dict)
    startups: list[tuple[s.Startup, Scope]] = field(default_factory=list)
    pools: dict[str, tuple[s.Pool, Scope]] = field(default_factory=dict)
    assumptions: list[tuple[s.Assume, Scope]] = field(default_factory=list)
    fairness: list[tuple[s.Fair, Scope]] = field(default_factory=list)
    traffic: tuple[s.Traffic, Scope] | None = None
    added: int = 0


def ancestry(scenario: s.Scenario, scope: Scope, build: Build) -> list[tuple[s.Scenario, Scope]]:
    """The scenario with its parents, the oldest first; empty, reported, when they go round in a circle."""
    chain = [(scenario, scope)]
    while chain[0][0].parent:
        child, home = chain[0]
        found = home.look_up(child.parent, s.Scenario, child.place, build.faults)
        if found is None:
            return []
        if any(found[0] is known for known, _ in chain):
            build.report("E701", f"scenario '{child.name}' extends itself", child.place)
            return []
        chain.insert(0, found)
    return chain


def unfold(scenario: s.Scenario, scope: Scope, build: Build) -> Plan:
    """The plan of a scenario."""
    plan = Plan()
    for item_of, home in ancestry(scenario, scope, build):
        seen: set[str] = set()
        for item in item_of.items:
            _add(plan, item, home, build, seen)
    return plan


def _add(plan: Plan, item: s.ScenarioItem, scope: Scope, build: Build, seen: set[str]) -> None:
    match item:
        case s.Tick():
            _once("tick", item, build, seen)
            plan.tick = item
        case s.Reactions():
            plan.atomic = item.atomic
        case s.MessagesFirst():
            plan.messages_first = True
        case s.InstanceDecl():
            build.faults += reserved(item.name, item.place)
            _once(item.name, item, build, seen)
            plan.instances[item.name] = (item, scope)
            plan.overrides = [o for o in plan.overrides if _root(o[0].path) != item.name]
        case s.Network():
            build.faults += reserved(item.name, item.place)
            _once(item.name, item, build, seen)
            plan.networks[item.name] = (item, scope)
        case s.Setting():
            plan.overrides.append((item, scope))
        case s.Startup():
            plan.startups.append((item, scope))
        case s.Assume():
            plan.assumptions.append((item, scope))
        case s.Fair():
            plan.fairness.append((item, scope))
        case s.Pool():
            if item.name:
                _once(item.name, item, build, seen)
            plan.added += 1
            plan.pools[item.name or f"{item.word} #{plan.added}"] = (item, scope)
        case s.Traffic():
            _once("topology", item, build, seen)
            plan.traffic = (item, scope)
        case s.Without():
            _remove(plan, item, build)


def _once(name: str, item: s.ScenarioItem, build: Build, seen: set[str]) -> None:
    if name in seen:
        build.report("E203", f"'{name}' stands twice in this scenario", item.place)
    seen.add(name)


def _remove(plan: Plan, item: s.Without, build: Build) -> None:
    match item.kind:
        case "assume":
            plan.assumptions.clear()
        case "fair":
            plan.fairness.clear()
        case "startup":
            kept = [(x, sc) for x, sc in plan.startups if _text(x.target) != item.name]
            if len(kept) == len(plan.startups):
                build.report("E702", f"there is no 'startup of {item.name}' to take away", item.place)
            plan.startups = kept
        case "faults" | "events" if not item.name:
            plan.pools = {name: kept for name, kept in plan.pools.items() if kept[0].word != item.kind}
        case "faults" | "events":
            _remove_named(plan.pools, item, build)
        case "network":
            _remove_named(plan.networks, item, build)
        case _:
            _remove_named(plan.instances, item, build)


def _remove_named(table: dict[str, T], item: s.Without, build: Build) -> None:
    if item.name not in table:
        told = f"there is no {item.kind} '{item.name}' to take away"
        build.report("E702", told, item.place, did_you_mean(item.name, table))
    else:
        del table[item.name]


def _root(e: s.Expr) -> str:
    while isinstance(e, s.Member | s.Index):
        e = e.base
    return e.text if isinstance(e, s.Name) else ""


def _text(e: s.Expr) -> str:
    match e:
        case s.Name(_, text):
            return text
        case s.Index(_, s.Name(_, text), s.Number(_, at)):
            return f"{text}[{at}]"
        case _:
            return ""
