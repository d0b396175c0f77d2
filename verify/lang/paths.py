"""Names, members and indices: what a path leads to, and what it is when the path is computed."""

from __future__ import annotations

from dataclasses import replace

from verify.base.diagnostic import did_you_mean
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.evaluation import evaluate, meaning, scalar
from verify.lang.model import InstanceNode, TooLarge
from verify.lang.values import (
    FAULTY,
    NUMBER,
    ArrayValue,
    EnumSet,
    EnumType,
    Faulty,
    InstancesValue,
    InstanceValue,
    MachineName,
    NetworkValue,
    NoneValue,
    OptionalValue,
    PoolValue,
    PortValue,
    RecordValue,
    RegionValue,
    Scalar,
    ScalarType,
    TimerValue,
    Value,
    boolean,
    describe,
    number,
    scalars,
)
from verify.system.build import weigh
from verify.system.expression import (
    FALSE,
    TRUE,
    Constant,
    Expression,
    Read,
    conditional,
    conjunction,
    disjunction,
    equal,
)

LARGEST = 20_000
DEEPEST = 120
BUILTINS = ("min", "max", "clamp", "running", "expired", "stopped", "up", "left")


@meaning.register
def _name(e: s.Name, env: Env, hint: ScalarType | None) -> Value:
    text = e.text
    if text in env.locals:
        return env.locals[text]
    if env.node is not None:
        found = member_of(env.node, text, env, e.place)
        if found is not None:
            return found
    else:
        found = _scenario_name(text, env)
        if found is not None:
            return found
    if isinstance(hint, EnumType) and text in hint.members:
        return Scalar(hint, Constant(hint.members.index(text)))
    declared = _declared_name(e, env)
    if declared is not None:
        return declared
    other = env.scope.find(text)
    if other is not None:
        kind = {
            s.MessageDecl: "a message",
            s.Record: "a record",
            s.Scenario: "a scenario",
            s.PropertyDecl: "a property",
        }
        told = f"'{text}' is {kind.get(type(other[0]), 'a reference')}, not a value"
        return env.build.report("E202", told, e.place)
    return env.build.report("E201", f"no name '{text}' here", e.place, did_you_mean(text, visible(env)))


def _declared_name(e: s.Name, env: Env) -> Value | None:
    found = env.scope.find(e.text)
    match found:
        case (s.Let() as let, home):
            if let.formals:
                told = f"'{let.name}' takes {len(let.formals)} arguments"
                return env.build.report("E404", told, e.place, f"write {let.name}(…)")
            outer = replace(env, scope=home, locals={}, node=None if env.node is None else env.node)
            return expand(let, (), outer, e.place)
        case (s.Machine() as machine, _):
            return MachineName(machine)
        case (s.Enum() as enum, _):
            return EnumSet(enum_type(enum))
        case _:
            pass
    members = {m[0].place: m for m in env.scope.enumerator(e.text)}
    if len(members) == 1:
        (enum, at) = next(iter(members.values()))
        return Scalar(enum_type(enum), Constant(at))
    if members:
        names = ", ".join(sorted(m[0].name for m in members.values()))
        return env.build.report(
            "E204", f"'{e.text}' is a member of several enums: {names}", e.place, "write Enum.member"
        )
    return None


def enum_type(enum: s.Enum) -> EnumType:
    """The type that an enum declares."""
    return EnumType(enum.name, enum.members, enum.place)


def visible(env: Env) -> list[str]:
    """Every name that could stand where an expression does."""
    names = [*env.locals, *env.scope.names(), *BUILTINS]
    if env.node is not None:
        node = env.node
        for group in (node.parameters, node.variables, node.lets, node.timers, node.parts, node.ports, node.regions):
            names += list(group)
    else:
        names += [*env.build.nodes, *env.build.arrays, *env.build.networks, *env.build.pools]
    for declaration, _ in (d for d in (env.scope.find(n) for n in env.scope.names(s.Enum)) if d is not None):
        names += declaration.members if isinstance(declaration, s.Enum) else []
    return names


def _scenario_name(text: str, env: Env) -> Value | None:
    build = env.build
    if text in build.arrays:
        nodes = build.arrays[text]
        return InstancesValue(nodes[0].machine.name if nodes else "", tuple(nodes))
    if text in build.nodes:
        node = build.nodes[text]
        return InstanceValue(node.machine.name, ((TRUE, node),))
    if text in build.networks:
        return NetworkValue(build.networks[text])
    if text in build.pools:
        return PoolValue(build.pools[text])
    return None


def member_of(node: InstanceNode, name: str, env: Env, place: Place) -> Value | None:
    """What ``name`` is within an instance, or None."""
    if name in node.parameters:
        return node.parameters[name]
    if name in node.variables:
        return node.variables[name]
    if name in node.lets:
        let = node.lets[name]
        if let.formals:
            told = f"'{name}' takes {len(let.formals)} arguments"
            return env.build.report("E404", told, place, f"write {name}(…)")
        return expand(let, (), env.at(node), place)
    if name in node.timers:
        return TimerValue(((TRUE, node.timers[name]),))
    if name in node.regions and name:
        return region_value(node, name)
    if name in node.ports:
        return PortValue(node.ports[name])
    if name in node.parts:
        is_array, nodes = node.parts[name]
        machine = nodes[0].machine.name if nodes else ""
        return InstancesValue(machine, tuple(nodes)) if is_array else InstanceValue(machine, ((TRUE, nodes[0]),))
    match name:
        case "owner" if node.owner is not None:
            return InstanceValue(node.owner.machine.name, ((TRUE, node.owner),))
        case "self":
            return InstanceValue(node.machine.name, ((TRUE, node),))
        case "index":
            return number(node.index)
        case _:
            return None


def region_value(node: InstanceNode, name: str) -> RegionValue:
    """The control state of a region."""
    variable, region = node.regions[name]
    return RegionValue(tuple(st.name for st in region.states), Read(variable), node.is_up)


def expand(let: s.Let, arguments: tuple[Value, ...], env: Env, place: Place) -> Value:
    """The body of a let with its formals bound: call by name on the present state."""
    key = f"{env.node.name if env.node else ''}.{let.name}@{let.place}"
    memo = (key, env.in_property)
    if not let.formals and memo in env.build.expanded:
        return env.build.expanded[memo]
    if key in env.expanding:
        return env.build.report("E405", f"'{let.name}' is defined by itself", let.place, "lets cannot be recursive")
    bound = {f.name: a for f, a in zip(let.formals, arguments, strict=True)}
    inner = replace(env, locals=bound, expanding=(*env.expanding, key))
    value = evaluate(let.body, inner)
    for leaf in scalars(value):
        nodes, depth = weigh(leaf.expression)
        if nodes > LARGEST or depth > DEEPEST:
            told = f"'{let.name}' becomes too large when written out ({nodes:,} nodes, {depth} deep)"
            raise TooLarge(place, told, f"the limits are {LARGEST:,} and {DEEPEST}; use a variable")
    if not let.formals:
        env.build.expanded[memo] = value
    return value


@meaning.register
def _member(e: s.Member, env: Env, _hint: ScalarType | None) -> Value:
    qualified = _qualified(e, env)
    if qualified is not None:
        return qualified
    base = evaluate(e.base, env)
    match base:
        case InstanceValue():
            return _through(base, e, env)
        case RecordValue():
            found = base.get(e.name)
            if found is not None:
                return found
            names = [n for n, _ in base.fields]
            told = f"{base.name} has no field '{e.name}'"
            return env.build.report("E205", told, e.place, did_you_mean(e.name, names))
        case EnumSet(type_) if e.name in type_.members:
            return Scalar(type_, Constant(type_.members.index(e.name)))
        case EnumSet(type_):
            told = f"enum {type_.name} has no member '{e.name}'"
            return env.build.report("E205", told, e.place, did_you_mean(e.name, type_.members))
        case OptionalValue(_, RecordValue()):
            told = f"this may be none: its field '{e.name}' cannot be read"
            return env.build.report("E407", told, e.place, "write (x otherwise …).field, or test with 'is not none'")
        case Faulty():
            return FAULTY
        case _:
            return env.build.report("E205", f"{describe(base)} has no member '{e.name}'", e.place)


def _qualified(e: s.Member, env: Env) -> Value | None:
    if not isinstance(e.base, s.Name) or e.base.text in env.locals:
        return None
    alias = env.scope.aliases.get(e.base.text)
    if alias is None or (env.node is None and _scenario_name(e.base.text, env) is not None):
        return None
    found = _declared_name(s.Name(e.place, e.name), replace(env, scope=alias))
    return (
        found
        if found is not None
        else env.build.report("E201", f"no '{e.name}' in {e.base.text}", e.place, did_you_mean(e.name, alias.names()))
    )


def _through(base: InstanceValue, e: s.Member, env: Env) -> Value:
    found: list[tuple[Expression, Value]] = []
    for condition, node in base.alternatives:
        value = member_of(node, e.name, env, e.place)
        if value is None:
            names = [
                *node.parameters,
                *node.variables,
                *node.lets,
                *node.timers,
                *node.ports,
                *node.parts,
                *node.regions,
            ]
            told = f"a {node.machine.name} has no member '{e.name}'"
            return env.build.report("E205", told, e.place, did_you_mean(e.name, names))
        found.append((condition, value))
    return merge(found, env, e.place)


@meaning.register
def _index(e: s.Index, env: Env, _hint: ScalarType | None) -> Value:
    base = evaluate(e.base, env)
    if isinstance(base, Faulty):
        return FAULTY
    if isinstance(base, InstancesValue):
        elements: list[Value] = [InstanceValue(base.machine, ((TRUE, n),)) for n in base.nodes]
    elif isinstance(base, ArrayValue):
        elements = list(base.elements)
    else:
        return env.build.report("E408", f"{describe(base)} cannot be indexed", e.place)
    at = scalar(e.at, env, NUMBER, "an index")
    low, high = env.interval(at)
    if low < 0 or high >= len(elements):
        shown = f"{low}" if low == high else f"{low}..{high}"
        told = f"the index can be {shown}, the elements are 0..{len(elements) - 1}"
        return env.build.report("E409", told, e.at.place, "narrow its range, or use clamp(…)")
    if isinstance(at, Constant):
        return elements[at.value]
    return merge([(equal(at, Constant(i)), elements[i]) for i in range(low, high + 1)], env, e.place)


def merge(alternatives: list[tuple[Expression, Value]], env: Env, place: Place, told: str = "") -> Value:
    """The value whose condition holds; the conditions exclude one another and one of them holds.

    ``told``: what to say when the values are not of one kind.
    """
    if len(alternatives) == 1:
        return alternatives[0][1]
    values = [v for _, v in alternatives]
    if any(isinstance(v, NoneValue | OptionalValue) for v in values) and any(
        not isinstance(v, NoneValue) for v in values
    ):
        template = next(v for v in values if not isinstance(v, NoneValue))
        alternatives = [(c, _made_optional(v, template)) for c, v in alternatives]
        values = [v for _, v in alternatives]
    first = values[0]
    match first:
        case Scalar() if all(isinstance(v, Scalar) and v.type == first.type for v in values):
            leaves = [(c, v) for c, v in alternatives if isinstance(v, Scalar)]
            return Scalar(first.type, _selected([(c, v.expression) for c, v in leaves]), _cells(leaves))
        case RecordValue(name, fields) if all(isinstance(v, RecordValue) and v.name == name for v in values):
            merged = [
                (n, merge([(c, v.get(n) or FAULTY) for c, v in alternatives if isinstance(v, RecordValue)], env, place))
                for n, _ in fields
            ]
            return RecordValue(name, tuple(merged))
        case ArrayValue(elements) if all(isinstance(v, ArrayValue) for v in values):
            return ArrayValue(
                tuple(
                    merge([(c, v.elements[i]) for c, v in alternatives if isinstance(v, ArrayValue)], env, place)
                    for i in range(len(elements))
                )
            )
        case OptionalValue() if all(isinstance(v, OptionalValue) for v in values):
            pairs = [(c, v) for c, v in alternatives if isinstance(v, OptionalValue)]
            present = merge([(c, v.present) for c, v in pairs], env, place)
            inner = merge([(c, v.value) for c, v in pairs], env, place)
            return OptionalValue(present, inner) if isinstance(present, Scalar) else FAULTY
        case InstanceValue() if all(isinstance(v, InstanceValue) for v in values):
            return _merge_instances([(c, v) for c, v in alternatives if isinstance(v, InstanceValue)])
        case TimerValue() if all(isinstance(v, TimerValue) for v in values):
            timers = [
                (conjunction(c, d), t) for c, v in alternatives if isinstance(v, TimerValue) for d, t in v.alternatives
            ]
            return TimerValue(tuple(timers))
        case RegionValue() if all(isinstance(v, RegionValue) and v.states == first.states for v in values):
            regions = [(c, v) for c, v in alternatives if isinstance(v, RegionValue)]
            at = _selected([(c, v.expression) for c, v in regions])
            return RegionValue(first.states, at, _selected([(c, v.alive) for c, v in regions]))
        case _:
            pass
    if any(isinstance(v, Faulty) for v in values):
        return FAULTY
    return env.build.report("E410", told or "what this is depends on the index: it must be known here", place)


def _made_optional(value: Value, template: Value) -> Value:
    """A value, or none, as an optional of the template's structure."""
    inner = template.value if isinstance(template, OptionalValue) else template
    match value:
        case OptionalValue():
            return value
        case NoneValue():
            return OptionalValue(boolean(FALSE), inner)
        case _:
            return OptionalValue(boolean(TRUE), value)


def _selected(alternatives: list[tuple[Expression, Expression]]) -> Expression:
    """The expression whose condition holds, as a balanced tree when there are many."""
    if len(alternatives) > 8:
        half = len(alternatives) // 2
        left = disjunction(*(c for c, _ in alternatives[:half]))
        return conditional(left, _selected(alternatives[:half]), _selected(alternatives[half:]))
    result = alternatives[-1][1]
    for condition, value in reversed(alternatives[:-1]):
        result = conditional(condition, value, result)
    return result


def _cells(leaves: list[tuple[Expression, Scalar]]) -> tuple[tuple[Expression, int], ...] | None:
    cells: list[tuple[Expression, int]] = []
    for condition, leaf in leaves:
        if leaf.cells is None:
            return None
        cells += [(conjunction(condition, c), v) for c, v in leaf.cells]
    return tuple(cells)


def _merge_instances(pairs: list[tuple[Expression, InstanceValue]]) -> InstanceValue:
    alternatives = [(conjunction(c, d), n) for c, v in pairs for d, n in v.alternatives]
    first = pairs[0][1]
    leaves = [(c, v.stored) for c, v in pairs if v.stored is not None]
    stored = None
    if len(leaves) == len(pairs) and all(v.candidates == first.candidates for _, v in pairs):
        stored = Scalar(NUMBER, _selected([(c, x.expression) for c, x in leaves]), _cells(leaves))
    return InstanceValue(first.machine, tuple(alternatives), stored, first.candidates if stored else ())
