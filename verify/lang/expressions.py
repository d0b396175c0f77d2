"""What the expressions of the language denote."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from verify.base.diagnostic import did_you_mean
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.model import InstanceNode, TooLarge
from verify.lang.types import fits, shape_of
from verify.lang.values import (
    BOOL,
    FAULTY,
    NUMBER,
    SPAN,
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
    Ratio,
    RecordShape,
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
from verify.system.build import apply, weigh
from verify.system.expression import (
    FALSE,
    TRUE,
    Constant,
    Expression,
    Occurred,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
    conditional,
    conjunction,
    disjunction,
    equal,
    negation,
)

LARGEST = 20_000
DEEPEST = 120
LARGEST_NUMBER = 2**63 - 1
BUILTINS = ("min", "max", "clamp", "running", "expired", "stopped", "up", "left")


def evaluate(e: s.Expr, env: Env, hint: ScalarType | None = None) -> Value:
    """The value of an expression; faults are reported and give Faulty. ``hint``: the enum that bare members belong to."""
    env.build.spend(e.place)
    match e:
        case s.Number(_, value):
            return number(value)
        case s.Duration(place, nanoseconds, text):
            ticks = env.build.ticks(nanoseconds, place, text)
            return FAULTY if ticks is None else Scalar(SPAN, Constant(ticks))
        case s.Truth(_, value):
            return boolean(TRUE if value else FALSE)
        case s.Nothing():
            return NoneValue()
        case s.Name():
            return _name(e, env, hint)
        case s.Member():
            return _member(e, env)
        case s.Index():
            return _index(e, env)
        case s.Call():
            return _call(e, env)
        case s.Unary(_, "not", operand):
            return boolean(negation(truth(operand, env)))
        case s.Unary():
            return _negative(e, env)
        case s.Chain():
            return _chain(e, env)
        case s.Conditional():
            return _conditional(e, env, hint)
        case s.Is():
            return _is(e, env)
        case s.Otherwise():
            return _otherwise(e, env, hint)
        case s.Rounded():
            return _rounded(e, env)
        case s.Quantifier():
            return _quantifier(e, env)
        case s.Edge():
            return _edge(e, env)
        case _:
            assert_never(e)


# ---- what callers ask for


def truth(e: s.Expr, env: Env) -> Expression:
    """A truth value; anything else is reported."""
    return scalar(e, env, BOOL, "a truth value")


def scalar(e: s.Expr, env: Env, type_: ScalarType, what: str) -> Expression:
    """A scalar of a type; anything else is reported (and the type's least value goes on)."""
    value = evaluate(e, env, type_)
    if isinstance(value, Scalar) and value.type == type_:
        return value.expression
    if isinstance(value, Ratio):
        unrounded(e, env)
    elif not isinstance(value, Faulty):
        env.build.report("E401", f"{what} is needed here, this is {describe(value)}", e.place, _unit_help(type_, value))
    return FALSE


def constant(e: s.Expr, env: Env, type_: ScalarType, what: str) -> int | None:
    """A number that is known in the scenario; None, reported, if it is not."""
    before = len(env.build.faults)
    expression = scalar(e, env, type_, what)
    if len(env.build.faults) > before:
        return None
    if isinstance(expression, Constant):
        return expression.value
    env.build.report(
        "E402", f"{what} must be known before the scenario runs", e.place, "use numbers and parameters only"
    )
    return None


def unrounded(e: s.Expr, env: Env) -> Faulty:
    """Report a quotient that nobody rounds."""
    help_text = "write: rounded down to 10ms (…), rounded up (…), rounded nearest (…)"
    return env.build.report("E403", "a division must say how it is rounded", e.place, help_text)


def _unit_help(wanted: ScalarType, value: Value) -> str:
    if wanted == SPAN and isinstance(value, Scalar) and value.type == NUMBER:
        return "a duration has a unit: 10ms, 3s"
    if wanted == NUMBER and isinstance(value, Scalar) and value.type == SPAN:
        return "a quotient of two durations is a number"
    return ""


# ---- names and paths


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


def _member(e: s.Member, env: Env) -> Value:
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


def _index(e: s.Index, env: Env) -> Value:
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


# ---- calls


def _call(e: s.Call, env: Env) -> Value:
    if isinstance(e.base, s.Name) and e.base.text not in env.locals:
        name = e.base.text
        let = env.node.lets.get(name) if env.node is not None else None
        if let is not None and env.node is not None:
            return _call_let(let, e, env, env.at(env.node))
        found = env.scope.find(name)
        if found is not None and isinstance(found[0], s.Let):
            return _call_let(found[0], e, env, replace(env, scope=found[1], locals={}))
        if found is not None and isinstance(found[0], s.Record):
            return _construct(found[0], e, env)
        if name in BUILTINS:
            return _builtin(name, e, env)
        told = f"no function '{name}'"
        lets = [*env.scope.names(s.Let), *env.scope.names(s.Record), *BUILTINS, *(env.node.lets if env.node else ())]
        return env.build.report("E206", told, e.base.place, did_you_mean(name, lets))
    if isinstance(e.base, s.Member):
        return _call_member(e, e.base, env)
    return env.build.report("E206", "only lets, records and built-in functions can be called", e.place)


def _call_member(e: s.Call, base: s.Member, env: Env) -> Value:
    target = evaluate(base.base, env)
    if isinstance(target, Faulty):
        return FAULTY
    if not isinstance(target, InstanceValue):
        return env.build.report("E206", f"{describe(target)} has no functions", base.place)
    found: list[tuple[Expression, Value]] = []
    for condition, node in target.alternatives:
        let = node.lets.get(base.name)
        if let is None:
            told = f"a {node.machine.name} has no let '{base.name}'"
            return env.build.report("E206", told, base.place, did_you_mean(base.name, node.lets))
        found.append((condition, _call_let(let, e, env, env.at(node))))
    return merge(found, env, e.place)


def _call_let(let: s.Let, e: s.Call, env: Env, inner: Env) -> Value:
    bound = bind_arguments(let.name, let.formals, e.arguments, e.place, env, inner)
    return FAULTY if bound is None else expand(let, bound, inner, e.place)


def bind_arguments(  # noqa: PLR0913 - one call, seen from both sides
    name: str,
    formals: tuple[s.Formal, ...],
    arguments: tuple[tuple[str | None, s.Expr], ...],
    place: Place,
    env: Env,
    inner: Env,
) -> tuple[Value, ...] | None:
    """The values of a call's arguments, checked against the formals; None, reported, when they do not fit."""
    if len(arguments) != len(formals):
        told = f"'{name}' takes {len(formals)} arguments, here are {len(arguments)}"
        env.build.report("E404", told, place, "its formals: " + ", ".join(f.name for f in formals) if formals else "")
        return None
    bound: list[Value] = []
    for (label, argument), formal in zip(arguments, formals, strict=True):
        if label is not None and label != formal.name:
            told = f"the argument '{label}' stands where '{formal.name}' is expected"
            env.build.report("E404", told, argument.place, "arguments stand in the order of the formals")
            return None
        value = evaluate(argument, env, formal_hint(formal, inner))
        if isinstance(value, Faulty):
            return None
        if isinstance(value, Ratio):
            unrounded(argument, env)
            return None
        if not formal_fits(value, formal, inner):
            told = f"'{formal.name}' of '{name}' cannot be {describe(value)}"
            env.build.report("E411", told, argument.place, f"it was declared at {formal.place}")
            return None
        bound.append(value)
    return tuple(bound)


def formal_hint(formal: s.Formal, env: Env) -> ScalarType | None:
    """The enum that a formal is of, if it is of one."""
    found = env.scope.find(formal.type.name) if formal.type.kind == "named" else None
    return enum_type(found[0]) if found is not None and isinstance(found[0], s.Enum) else None


def formal_fits(value: Value, formal: s.Formal, env: Env) -> bool:
    """Whether a value can be bound to a formal."""
    if formal.type.kind == "named":
        found = env.scope.find(formal.type.name)
        match found:
            case (s.Machine() as machine, _):
                return isinstance(value, InstanceValue) and value.machine == machine.name
            case (s.MessageDecl() as message, _):
                return isinstance(value, RecordValue) and value.name == message.name
            case _:
                pass
    shape = shape_of(formal.type, env)
    return shape is not None and fits(value, shape)


def _construct(record: s.Record, e: s.Call, env: Env) -> Value:
    before = len(env.build.faults)
    shape = shape_of(s.TypeExpr(e.place, "named", name=record.name), env)
    fields = {f.name: f for f in record.fields}
    shapes = dict(shape.fields) if isinstance(shape, RecordShape) else {}
    given: dict[str, Value] = {}
    for label, argument in e.arguments:
        if label is None or label not in fields:
            told = f"'{label}' is no field of {record.name}" if label else "the fields of a record are named"
            env.build.report("E205", told, argument.place, did_you_mean(label or "", fields) or "write field = value")
            continue
        if label in given:
            env.build.report("E203", f"'{label}' is given twice", argument.place)
        formal = s.Formal(fields[label].place, label, fields[label].type)
        given[label] = evaluate(argument, env, formal_hint(formal, env))
        if isinstance(given[label], Ratio):
            unrounded(argument, env)
        elif label in shapes and not isinstance(given[label], Faulty) and not fits(given[label], shapes[label]):
            told = f"'{label}' cannot be {describe(given[label])}"
            env.build.report("E411", told, argument.place, f"it is {shapes[label]}")
    missing = [n for n in fields if n not in given]
    if missing:
        env.build.report("E412", f"{record.name} lacks {', '.join(missing)}", e.place, "give every field a value")
    if len(env.build.faults) > before or any(isinstance(v, Faulty) for v in given.values()):
        return FAULTY
    return RecordValue(record.name, tuple((n, given[n]) for n in fields))


def _builtin(name: str, e: s.Call, env: Env) -> Value:
    arguments = [a for _, a in e.arguments]
    match name:
        case "min" | "max" if len(arguments) >= 1:
            return _extreme(Operator.MINIMUM if name == "min" else Operator.MAXIMUM, arguments, e, env)
        case "clamp" if len(arguments) == 3:
            value, low, high = arguments
            inner = _extreme(Operator.MAXIMUM, [value, low], e, env)
            return _extreme_values(Operator.MINIMUM, [inner, evaluate(high, env)], e, env)
        case "running" | "expired" | "stopped" if len(arguments) == 1:
            return _timer_status(TimerStatus(name), arguments[0], env)
        case "up" if len(arguments) == 1:
            port = evaluate(arguments[0], env)
            if isinstance(port, PortValue):
                return boolean(port.port.carrier if port.port.network is not None else FALSE)
            return _unfit(port, "a port", arguments[0], env)
        case "left" if len(arguments) == 1:
            pool = evaluate(arguments[0], env)
            if isinstance(pool, PoolValue) and pool.pool.variable is not None:
                return Scalar(NUMBER, Read(pool.pool.variable))
            return _unfit(pool, "a pool of faults with a budget", arguments[0], env)
        case _:
            counts = {"clamp": "3", "min": "1 or more", "max": "1 or more"}
            told = f"'{name}' takes {counts.get(name, '1')} arguments, here are {len(arguments)}"
            return env.build.report("E404", told, e.place)


def _unfit(value: Value, wanted: str, e: s.Expr, env: Env) -> Value:
    if isinstance(value, Faulty):
        return FAULTY
    return env.build.report("E401", f"{wanted} is needed here, this is {describe(value)}", e.place)


def _timer_status(status: TimerStatus, argument: s.Expr, env: Env) -> Value:
    timer = evaluate(argument, env)
    if not isinstance(timer, TimerValue):
        return _unfit(timer, "a timer", argument, env)
    if len(timer.alternatives) == 1:
        return boolean(TimerIs(timer.alternatives[0][1], status))
    return boolean(disjunction(*(conjunction(c, TimerIs(t, status)) for c, t in timer.alternatives)))


def _extreme(operator: Operator, arguments: list[s.Expr], e: s.Expr, env: Env) -> Value:
    return _extreme_values(operator, [evaluate(a, env) for a in arguments], e, env)


def _extreme_values(operator: Operator, values: list[Value], e: s.Expr, env: Env) -> Value:
    if any(isinstance(v, Faulty) for v in values):
        return FAULTY
    leaves = [v for v in values if isinstance(v, Scalar) and v.type in (NUMBER, SPAN)]
    if len(leaves) != len(values) or len({v.type for v in leaves}) != 1:
        shown = " and ".join(describe(v) for v in values)
        return env.build.report("E401", f"numbers or durations are compared here, not {shown}", e.place)
    return Scalar(leaves[0].type, apply(operator, *(v.expression for v in leaves)))


# ---- arithmetic and logic

_LOGIC = {"and", "or", "implies"}
_COMPARING = {"==", "!=", "<", "<=", ">", ">="}


def _chain(e: s.Chain, env: Env) -> Value:
    word = e.operators[0]
    if word in _LOGIC:
        parts = [truth(o, env) for o in e.operands]
        if word == "and":
            return boolean(conjunction(*parts))
        if word == "or":
            return boolean(disjunction(*parts))
        return boolean(disjunction(negation(parts[0]), parts[1]))
    if word in _COMPARING:
        return _compare(e, word, env)
    value = evaluate(e.operands[0], env)
    for operator, operand in zip(e.operators, e.operands[1:], strict=True):
        value = _arithmetic(operator, value, evaluate(operand, env), operand, env)
    return value


def _compare(e: s.Chain, word: str, env: Env) -> Value:
    left_node, right_node = e.operands
    if isinstance(left_node, s.Name) and not isinstance(right_node, s.Name):
        right = evaluate(right_node, env)
        left = evaluate(left_node, env, right.type if isinstance(right, Scalar) else None)
    else:
        left = _peek(left_node, right_node, env)
        right = evaluate(right_node, env, left.type if isinstance(left, Scalar) else None)
    if isinstance(left, Faulty) or isinstance(right, Faulty):
        return FAULTY
    for value, node in ((left, left_node), (right, right_node)):
        if isinstance(value, Ratio):
            return unrounded(node, env)
    if word in ("==", "!="):
        same = equality(left, right, env, e.place)
        if isinstance(same, Faulty):
            return FAULTY
        return boolean(negation(same) if word == "!=" else same)
    if not (isinstance(left, Scalar) and isinstance(right, Scalar) and left.type == right.type):
        return _mismatch(left, right, e, env)
    if left.type == BOOL:
        return env.build.report("E413", "truth values have no order", e.place, "use == and !=")
    a, b = (left.expression, right.expression) if word in ("<", "<=") else (right.expression, left.expression)
    return boolean(apply(Operator.LESS if word in ("<", ">") else Operator.AT_MOST, a, b))


def _peek(node: s.Expr, other: s.Expr, env: Env) -> Value:
    """The left side of a comparison of two names: a bare member of several enums takes the other side's enum."""
    if isinstance(node, s.Name) and isinstance(other, s.Name) and len(env.scope.enumerator(node.text)) > 1:
        hint = evaluate(other, env)
        return evaluate(node, env, hint.type if isinstance(hint, Scalar) else None)
    return evaluate(node, env)


def _mismatch(left: Value, right: Value, e: s.Expr, env: Env) -> Faulty:
    told = f"{describe(left)} cannot be compared with {describe(right)}"
    units = {SPAN, NUMBER}
    mixed = isinstance(left, Scalar) and isinstance(right, Scalar) and {left.type, right.type} == units
    return env.build.report("E413", told, e.place, "a duration has a unit: 10ms, 3s" if mixed else "")


def equality(left: Value, right: Value, env: Env, place: Place) -> Expression | Faulty:
    """Whether two values are equal, as an expression."""
    match left, right:
        case Scalar(), Scalar() if left.type == right.type:
            return equal(left.expression, right.expression)
        case RecordValue(name, fields), RecordValue(other, _) if name == other:
            return _all_equal([(v, right.get(n) or FAULTY) for n, v in fields], env, place)
        case ArrayValue(mine), ArrayValue(theirs) if len(mine) == len(theirs):
            return _all_equal(list(zip(mine, theirs, strict=True)), env, place)
        case (NoneValue(), NoneValue()):
            return TRUE
        case (OptionalValue(present, _), NoneValue()) | (NoneValue(), OptionalValue(present, _)):
            return negation(present.expression)
        case OptionalValue(), OptionalValue():
            return _all_equal([(left.present, right.present), (left.value, right.value)], env, place)
        case (OptionalValue(present, inner), other_value) | (other_value, OptionalValue(present, inner)):
            same = equality(inner, other_value, env, place)
            return same if isinstance(same, Faulty) else conjunction(present.expression, same)
        case InstanceValue(), InstanceValue():
            pairs = [(c, d) for c, n in left.alternatives for d, m in right.alternatives if n is m]
            return disjunction(*(conjunction(c, d) for c, d in pairs))
        case _:
            if isinstance(left, Faulty) or isinstance(right, Faulty):
                return FAULTY
            told = f"{describe(left)} cannot be compared with {describe(right)}"
            return env.build.report("E413", told, place)


def _all_equal(pairs: list[tuple[Value, Value]], env: Env, place: Place) -> Expression | Faulty:
    parts: list[Expression] = []
    for a, b in pairs:
        same = equality(a, b, env, place)
        if isinstance(same, Faulty):
            return FAULTY
        parts.append(same)
    return conjunction(*parts)


def _negative(e: s.Unary, env: Env) -> Value:
    value = evaluate(e.operand, env)
    match value:
        case Scalar(type_, expression) if type_ in (NUMBER, SPAN):
            return Scalar(type_, apply(Operator.SUBTRACT, Constant(0), expression))
        case Ratio(type_, numerator, denominator):
            return Ratio(type_, apply(Operator.SUBTRACT, Constant(0), numerator), denominator)
        case Faulty():
            return FAULTY
        case _:
            return env.build.report("E401", f"a number is needed here, this is {describe(value)}", e.operand.place)


def _as_ratio(value: Value) -> Ratio | None:
    match value:
        case Scalar(type_, expression) if type_ in (NUMBER, SPAN):
            return Ratio(type_, expression, Constant(1))
        case Ratio():
            return value
        case _:
            return None


def _arithmetic(operator: str, left: Value, right: Value, node: s.Expr, env: Env) -> Value:
    value = _joined_numbers(operator, left, right, node, env)
    ratio = _as_ratio(value)
    parts = (ratio.numerator, ratio.denominator) if ratio is not None else ()
    if any(isinstance(x, Constant) and abs(x.value) > LARGEST_NUMBER for x in parts):
        return env.build.report(
            "E303", "the number becomes too large", node.place, f"up to {LARGEST_NUMBER:,} is possible"
        )
    return value


def _joined_numbers(operator: str, left: Value, right: Value, node: s.Expr, env: Env) -> Value:
    if isinstance(left, Faulty) or isinstance(right, Faulty):
        return FAULTY
    a, b = _as_ratio(left), _as_ratio(right)
    if a is None or b is None:
        told = f"'{operator}' cannot join {describe(left)} and {describe(right)}"
        return env.build.report("E414", told, node.place)
    match operator:
        case "+" | "-" if a.type == b.type:
            return _added(operator, a, b)
        case "*" if NUMBER in (a.type, b.type):
            type_ = SPAN if SPAN in (a.type, b.type) else NUMBER
            top = apply(Operator.MULTIPLY, a.numerator, b.numerator)
            return _settled(Ratio(type_, top, apply(Operator.MULTIPLY, a.denominator, b.denominator)))
        case "/" if b.type == NUMBER or a.type == SPAN:
            return _divided(a, b, node, env)
        case "mod" if a.type == b.type and isinstance(left, Scalar) and isinstance(right, Scalar):
            if _nonzero(right.expression, node, env):
                return Scalar(a.type, apply(Operator.MODULO, left.expression, right.expression))
            return FAULTY
        case _:
            told = f"'{operator}' cannot join {describe(left)} and {describe(right)}"
            mixed = {a.type, b.type} == {NUMBER, SPAN}
            return env.build.report("E414", told, node.place, "a duration has a unit: 10ms, 3s" if mixed else "")


def _settled(value: Ratio) -> Value:
    return Scalar(value.type, value.numerator) if value.denominator == Constant(1) else value


def _added(operator: str, a: Ratio, b: Ratio) -> Value:
    kind = Operator.ADD if operator == "+" else Operator.SUBTRACT
    if a.denominator == b.denominator:
        return _settled(Ratio(a.type, apply(kind, a.numerator, b.numerator), a.denominator))
    left = apply(Operator.MULTIPLY, a.numerator, b.denominator)
    right = apply(Operator.MULTIPLY, b.numerator, a.denominator)
    return Ratio(a.type, apply(kind, left, right), apply(Operator.MULTIPLY, a.denominator, b.denominator))


def _divided(a: Ratio, b: Ratio, node: s.Expr, env: Env) -> Value:
    if not _nonzero(b.numerator, node, env):
        return FAULTY
    type_ = NUMBER if a.type == b.type else SPAN
    top = apply(Operator.MULTIPLY, a.numerator, b.denominator)
    return Ratio(type_, top, apply(Operator.MULTIPLY, a.denominator, b.numerator))


def _nonzero(divisor: Expression, node: s.Expr, env: Env) -> bool:
    low, high = env.interval(divisor)
    if low <= 0 <= high:
        shown = "0" if low == high else f"{low}..{high}"
        env.build.report(
            "E415", f"the divisor can be 0 (it is in {shown})", node.place, "max(1, …) keeps it away from 0"
        )
        return False
    return True


def _rounded(e: s.Rounded, env: Env) -> Value:
    value = evaluate(e.operand, env)
    ratio = _as_ratio(value)
    if ratio is None:
        return _unfit(value, "a quotient", e.operand, env)
    unit: Expression = Constant(1)
    if e.unit is not None:
        unit = scalar(e.unit, env, ratio.type, f"a unit for {ratio.type}")
        if env.interval(unit)[0] <= 0:
            return env.build.report("E416", "the unit of a rounding must be more than 0", e.unit.place)
    elif ratio.type == SPAN:
        return env.build.report(
            "E416", "a rounding of durations names its unit", e.place, f"rounded {e.direction} to 10ms (…)"
        )
    bottom = apply(Operator.MULTIPLY, ratio.denominator, unit)
    top = ratio.numerator
    low, high = env.interval(bottom)
    if low < 0 < high:
        told = f"the divisor can have either sign (it is in {low}..{high})"
        return env.build.report("E415", told, e.operand.place, "max(1, …) keeps it positive")
    if high < 0:
        bottom, top = (apply(Operator.SUBTRACT, Constant(0), x) for x in (bottom, top))
    return Scalar(ratio.type, apply(Operator.MULTIPLY, _quotient(e.direction, top, bottom), unit))


def _quotient(direction: str, top: Expression, bottom: Expression) -> Expression:
    """``top / bottom`` rounded down, up, or to the nearest (halves up); ``bottom`` is positive."""
    match direction:
        case "down":
            return apply(Operator.DIVIDE, top, bottom)
        case "up":
            return apply(
                Operator.DIVIDE, apply(Operator.ADD, top, apply(Operator.SUBTRACT, bottom, Constant(1))), bottom
            )
        case _:
            twice = apply(Operator.MULTIPLY, Constant(2), top)
            return apply(
                Operator.DIVIDE, apply(Operator.ADD, twice, bottom), apply(Operator.MULTIPLY, Constant(2), bottom)
            )


def _conditional(e: s.Conditional, env: Env, hint: ScalarType | None) -> Value:
    condition = truth(e.condition, env)
    then = evaluate(e.then, env, hint)
    otherwise = evaluate(e.otherwise, env, hint or (then.type if isinstance(then, Scalar) else None))
    a, b = _as_ratio(then), _as_ratio(otherwise)
    quotient = isinstance(then, Ratio) or isinstance(otherwise, Ratio)
    if quotient and a is not None and b is not None and a.type == b.type:
        top = conditional(condition, a.numerator, b.numerator)
        return Ratio(a.type, top, conditional(condition, a.denominator, b.denominator))
    told = f"the branches are {describe(then)} and {describe(otherwise)}"
    return merge([(condition, then), (negation(condition), otherwise)], env, e.place, told)


def _otherwise(e: s.Otherwise, env: Env, hint: ScalarType | None) -> Value:
    value = evaluate(e.operand, env, hint)
    if isinstance(value, Faulty):
        return FAULTY
    if not isinstance(value, OptionalValue):
        return env.build.report("E401", f"'otherwise' follows an optional, this is {describe(value)}", e.operand.place)
    inner = value.value.type if isinstance(value.value, Scalar) else hint
    default = evaluate(e.default, env, inner)
    present = value.present.expression
    return merge([(present, value.value), (negation(present), default)], env, e.place)


# ---- states, sets, events


def _is(e: s.Is, env: Env) -> Value:
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


MOST_MEMBERS = 4096


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


def _quantifier(e: s.Quantifier, env: Env) -> Value:
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


def _edge(e: s.Edge, env: Env) -> Value:
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
