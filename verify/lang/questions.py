"""What is asked of the scenario: states, sets and quantifiers over them, events."""

from __future__ import annotations

from typing import assert_never

from verify.base.diagnostic import did_you_mean
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.evaluation import evaluate, meaning, scalar, truth
from verify.lang.model import InstanceNode
from verify.lang.paths import region_value
from verify.lang.values import (
    FAULTY,
    NUMBER,
    SPAN,
    ArrayValue,
    EnumSet,
    Faulty,
    InstancesValue,
    InstanceValue,
    MachineName,
    NetworkValue,
    OptionalValue,
    PortValue,
    RegionValue,
    Scalar,
    ScalarType,
    Value,
    boolean,
    describe,
    number,
)
from verify.system.build import apply
from verify.system.expression import (
    FALSE,
    TRUE,
    Constant,
    Expression,
    Occurred,
    Operator,
    Read,
    conditional,
    conjunction,
    disjunction,
    equal,
    negation,
)

MOST_MEMBERS = 4096


@meaning.register
def _is(e: s.Is, env: Env, _hint: ScalarType | None) -> Value:
    value = evaluate(e.operand, env)
    found = _is_value(e, value, env)
    if isinstance(found, Faulty):
        return FAULTY
    return boolean(negation(found) if e.negated else found)


def _is_value(e: s.Is, value: Value, env: Env) -> Expression | Faulty:
    match value:
        case InstanceValue() if e.name in ("up", "down"):
            up = disjunction(*(conjunction(c, n.is_up) for c, n in value.alternatives))
            return up if e.name == "up" else negation(up)
        case InstanceValue():
            states = [(c, _instance_state(n, e, env)) for c, n in value.alternatives]
            if any(isinstance(x, Faulty) for _, x in states):
                return FAULTY
            return disjunction(*(conjunction(c, x) for c, x in states if not isinstance(x, Faulty)))
        case RegionValue():
            return _region_state(value, e, env)
        case NetworkValue(network) if e.name == "cut":
            return FALSE if network.whole_cut is None else negation(equal(Read(network.whole_cut), Constant(0)))
        case PortValue(port) if e.name == "cut":
            cut = port.network.end_cuts.get(port.path) if port.network is not None else None
            return FALSE if cut is None else negation(equal(Read(cut), Constant(0)))
        case OptionalValue(present, _) if e.name == "none":
            return negation(present.expression)
        case Faulty():
            return FAULTY
        case _:
            told = f"{describe(value)} cannot be '{e.name}'"
            return env.build.report("E417", told, e.place, "an instance is up, down or in a state; a network is cut")


def _region_state(region: RegionValue, e: s.Is, env: Env) -> Expression | Faulty:
    if e.name not in region.states:
        help_text = did_you_mean(e.name, region.states)
        return env.build.report("E207", f"no state '{e.name}' in this region", e.place, help_text)
    return conjunction(region.alive, equal(region.expression, Constant(region.states.index(e.name))))


def _instance_state(node: InstanceNode, e: s.Is, env: Env) -> Expression | Faulty:
    holding = [r for r, (_, region) in node.regions.items() if any(st.name == e.name for st in region.states)]
    if len(holding) == 1:
        return _region_state(region_value(node, holding[0]), e, env)
    if holding:
        told = f"'{e.name}' is a state of several regions: {', '.join(holding)}"
        return env.build.report("E204", told, e.place, f"write {node.name}.{holding[0]} is {e.name}")
    known = [st.name for _, region in node.regions.values() for st in region.states]
    told = f"a {node.machine.name} has no state '{e.name}'"
    return env.build.report("E207", told, e.place, did_you_mean(e.name, [*known, "up", "down"]))


def members(domain: s.Set, env: Env) -> list[tuple[Expression, Value]] | None:
    """The members of a set, each with the condition under which it belongs; None, reported, if it is no set."""
    match domain:
        case s.SetOf(_, e):
            return _named_set(e, env)
        case s.SetRange(place, low, high):
            return _range_set(place, scalar(low, env, NUMBER, "a number"), scalar(high, env, NUMBER, "a number"), env)
        case s.SetList(_, items):
            values = [evaluate(i, env) for i in items]
            return None if any(isinstance(v, Faulty) for v in values) else [(TRUE, v) for v in values]
        case _:
            assert_never(domain)


def _named_set(e: s.Expr, env: Env) -> list[tuple[Expression, Value]] | None:
    value = evaluate(e, env)
    match value:
        case InstancesValue(machine, nodes):
            return [(TRUE, InstanceValue(machine, ((TRUE, n),))) for n in nodes]
        case MachineName(machine):
            known = env.build.all_nodes() if env.node is None else env.node.top.family()
            return [(TRUE, InstanceValue(machine.name, ((TRUE, n),))) for n in known if n.machine is machine]
        case EnumSet(type_):
            return [(TRUE, Scalar(type_, Constant(i))) for i in range(len(type_.members))]
        case ArrayValue(elements):
            return [(TRUE, v) for v in elements]
        case Faulty():
            return None
        case _:
            told = f"{describe(value)} is no set"
            help_text = "a machine, an enum, an array, a range 1..3 or {a, b}"
            env.build.report("E418", told, e.place, help_text)
            return None


def _range_set(place: Place, low: Expression, high: Expression, env: Env) -> list[tuple[Expression, Value]] | None:
    first, last = env.interval(low)[0], env.interval(high)[1]
    if last - first >= MOST_MEMBERS:
        env.build.report(
            "E418", f"a set of {last - first + 1:,} members is too large", place, f"the limit is {MOST_MEMBERS:,}"
        )
        return None
    found: list[tuple[Expression, Value]] = []
    for i in range(first, last + 1):
        inside = conjunction(apply(Operator.AT_MOST, low, Constant(i)), apply(Operator.AT_MOST, Constant(i), high))
        if inside != FALSE:
            found.append((inside, number(i)))
    return found


@meaning.register
def _quantifier(e: s.Quantifier, env: Env, _hint: ScalarType | None) -> Value:
    items = members(e.domain, env)
    if items is None:
        return FAULTY
    env.build.spend(e.place, len(items))
    rows: list[tuple[Expression, s.Expr | None, Env]] = []
    for inside, value in items:
        inner = env.having(**{e.name: value})
        where = truth(e.where, inner) if e.where is not None else TRUE
        rows.append((conjunction(inside, where), e.body, inner))
    match e.kind:
        case "exists":
            return boolean(disjunction(*(conjunction(c, truth(b, i) if b else TRUE) for c, b, i in rows)))
        case "forall":
            return boolean(conjunction(*(disjunction(negation(c), truth(b, i) if b else TRUE) for c, b, i in rows)))
        case "count":
            hits = [conjunction(c, truth(b, i) if b else TRUE) for c, b, i in rows]
            ones = [conditional(h, Constant(1), Constant(0)) for h in hits]
            return Scalar(NUMBER, apply(Operator.ADD, *ones) if ones else Constant(0))
        case _:
            return _fold_quantifier(e, rows, env)


def _fold_quantifier(e: s.Quantifier, rows: list[tuple[Expression, s.Expr | None, Env]], env: Env) -> Value:
    if e.body is None:
        return env.build.report("E419", f"'{e.kind}' needs what to fold: {e.kind}(x in S : E)", e.place)
    values = [evaluate(b, i) for _, b, i in rows if b is not None]
    leaves = [v for v in values if isinstance(v, Scalar) and v.type in (NUMBER, SPAN)]
    if any(isinstance(v, Faulty) for v in values):
        return FAULTY
    if len(leaves) != len(values) or len({v.type for v in leaves}) > 1:
        return env.build.report("E401", f"'{e.kind}' folds numbers or durations", e.body.place)
    if e.kind == "sum":
        type_ = leaves[0].type if leaves else NUMBER
        terms = [conditional(c, v.expression, Constant(0)) for (c, _, _), v in zip(rows, leaves, strict=True)]
        return Scalar(type_, apply(Operator.ADD, *terms) if terms else Constant(0))
    if not leaves or any(c != TRUE for c, _, _ in rows):
        told = f"'{e.kind}' of a set that may be empty has no value"
        return env.build.report("E419", told, e.place, f"write {e.kind}(x in S : if P then E else …)")
    operator = Operator.MINIMUM if e.kind == "min" else Operator.MAXIMUM
    return Scalar(leaves[0].type, apply(operator, *(v.expression for v in leaves)))


@meaning.register
def _edge(e: s.Edge, env: Env, _hint: ScalarType | None) -> Value:
    if not env.in_property:
        return env.build.report(
            "E420", f"'{e.kind} of …' can be asked in properties only", e.place, "states are asked with 'is'"
        )
    target = evaluate(e.target, env)
    match target:
        case InstanceValue():
            nodes = [(c, n) for c, n in target.alternatives]
        case InstancesValue(_, several):
            nodes = [(TRUE, n) for n in several]
        case MachineName(machine):
            nodes = [(TRUE, n) for n in env.build.all_nodes() if n.machine is machine]
        case NetworkValue(network) if e.kind in ("cut", "repair"):
            return _happened(f"{e.kind} of {network.name}", env)
        case NetworkValue(network) if e.kind == "lost":
            carried = sorted({m.name for end in network.ends for m, _ in end.messages})
            if e.what.split(".")[-1] not in carried:
                told = f"{network.name} carries no '{e.what}'"
                return env.build.report("E201", told, e.place, did_you_mean(e.what, carried))
            return _happened(f"lost {e.what.split('.')[-1]} on {network.name}", env)
        case PortValue(port) if e.kind in ("cut", "repair"):
            return _happened(f"{e.kind} of {port.path}", env)
        case Faulty():
            return FAULTY
        case _:
            return env.build.report("E420", f"'{e.kind}' does not happen to {describe(target)}", e.target.place)
    if e.kind in ("cut", "repair", "lost"):
        return env.build.report("E420", f"'{e.kind}' happens to networks and ports", e.target.place)
    parts: list[Expression] = []
    for condition, node in nodes:
        name = _event_name(e, node, env)
        if name is None:
            return FAULTY
        parts.append(conjunction(condition, _happened(name, env).expression))
    return boolean(disjunction(*parts))


def _happened(event: str, env: Env) -> Scalar:
    """Whether an event occurs; one that the scenario does not have never does."""
    number_ = env.build.event_index.get(event)
    return boolean(FALSE if number_ is None else Occurred(number_))


def _event_name(e: s.Edge, node: InstanceNode, env: Env) -> str | None:
    known: list[str]
    what = e.what.split(".")[-1]
    match e.kind:
        case "timeout":
            known, word = list(node.timers), "timer"
        case "signal":
            known, word = list(node.signals), "signal"
        case "sent" | "delivered":
            known, word = [m.name for p in node.ports.values() for m, _ in p.messages], "message"
        case _:
            return f"{e.kind} of {node.top.name}"
    if what not in known:
        env.build.report("E201", f"a {node.machine.name} has no {word} '{what}'", e.place, did_you_mean(what, known))
        return None
    joint = {"sent": "by", "delivered": "to"}.get(e.kind, "of")
    return f"{e.kind} {what} {joint} {node.name}"
