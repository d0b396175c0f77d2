"""Each machine read on its own, so that a model is checked even where no scenario uses it."""

from __future__ import annotations

from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import evaluate, expand, formal_hint, truth
from verify.lang.instances import initial_values, instantiate, lay_out
from verify.lang.messages import message_shape, sample_message
from verify.lang.model import Build, InstanceNode
from verify.lang.rules import check_events, run_rule
from verify.lang.scopes import Scope
from verify.lang.statements import Body
from verify.lang.types import shape_of
from verify.lang.values import NUMBER, Scalar, Slots, Value, assemble, flatten
from verify.system.expression import Local


def examine(scope: Scope, build: Build) -> None:
    """Read every machine and message of a file with sample instances; faults are reported in ``build``."""
    for declaration in scope.own.values():
        if isinstance(declaration, s.MessageDecl):
            message_shape(declaration, scope, build)
        elif isinstance(declaration, s.Record):
            shape_of(s.TypeExpr(declaration.place, "named", name=declaration.name), Env(build, scope))
        elif isinstance(declaration, s.Machine) and not declaration.owner:
            _examine_machine(declaration, scope, build)
        elif isinstance(declaration, s.Machine):
            scope.look_up(declaration.owner, s.Machine, declaration.place, build.faults)


def _examine_machine(machine: s.Machine, scope: Scope, build: Build) -> None:
    top = instantiate(build, machine.name, machine, scope, None, 0, [])
    build.nodes[top.name] = top
    for node in top.family():
        lay_out(node, build, crashable=False)
    for node in top.family():
        check_events(node, build)
        initial_values([node], build, Slots(), everything=True)
        for let in node.lets.values():
            _examine_let(let, node, build)
        for rule in node.machine.rules:
            _examine_rule(rule, node, "" if "" in node.regions else None, build)
        for name, (_, region) in node.regions.items():
            for rule in [*region.rules, *(r for st in region.states for r in st.rules)]:
                _examine_rule(rule, node, name, build)
            for state in region.states:
                _examine_entry(state, node, name, build)


def _examine_rule(rule: s.Rule, node: InstanceNode, region: str | None, build: Build) -> None:
    slots = Slots()
    env = Env(build, node.scope, node, slots=slots)
    found = node.scope.find(rule.event) if rule.event else None
    if found is not None and isinstance(found[0], s.MessageDecl) and rule.binder:
        message = sample_message(found[0], found[1], build, slots)
        if message is None:
            return
        env = env.having(**{rule.binder: message})
    if rule.guard is not None:
        truth(rule.guard, env)
    run_rule(rule, Body(env, region))


def _examine_entry(state: s.State, node: InstanceNode, region: str, build: Build) -> None:
    if state.entry is not None:
        env = Env(build, node.scope, node, slots=Slots())
        rule = s.Rule(state.place, "", "", "", "", "", None, state.entry, state.entry_citations)
        run_rule(rule, Body(env, region, entry=True))


def _examine_let(let: s.Let, node: InstanceNode, build: Build) -> None:
    slots = Slots()
    env = Env(build, node.scope, node, slots=slots)
    values: list[Value] = []
    for formal in let.formals:
        value = _sample(formal, env, slots)
        if value is None:
            return
        values.append(value)
    if let.formals:
        expand(let, tuple(values), env, let.place)
    else:
        evaluate(s.Name(let.place, let.name), env)


def _sample(formal: s.Formal, env: Env, slots: Slots) -> Value | None:
    """Some value of a formal's type, for reading a let that nobody calls; None for what has no sample."""
    found = env.scope.find(formal.type.name) if formal.type.kind == "named" else None
    if found is not None and isinstance(found[0], s.MessageDecl):
        return sample_message(found[0], found[1], env.build, slots)
    if found is not None and isinstance(found[0], s.Machine):
        return None
    shape = shape_of(formal.type, env)
    if shape is None:
        return None
    leaves = [
        Scalar(formal_hint(formal, env) or NUMBER, Local(slots.new(d.low, d.high))) for _, d in flatten(shape, "")
    ]
    return assemble(shape, leaves)
