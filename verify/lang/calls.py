"""Calls: lets with formals, records, built-in functions."""

from __future__ import annotations

from dataclasses import replace

from verify.base.diagnostic import did_you_mean
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.evaluation import evaluate, meaning, unfit, unrounded
from verify.lang.paths import BUILTINS, enum_type, expand, merge
from verify.lang.traffic import FUNCTIONS, ask
from verify.lang.types import fits, shape_of
from verify.lang.values import (
    FAULTY,
    NUMBER,
    SPAN,
    Faulty,
    InstanceValue,
    PoolValue,
    PortValue,
    Ratio,
    RecordShape,
    RecordValue,
    Scalar,
    ScalarType,
    TimerValue,
    Value,
    boolean,
    describe,
)
from verify.system.build import apply
from verify.system.expression import FALSE, Expression, Operator, Read, TimerIs, TimerStatus, conjunction, disjunction


@meaning.register
def _call(e: s.Call, env: Env, _hint: ScalarType | None) -> Value:
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
        if name in FUNCTIONS:
            return ask(e, env)
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
            return unfit(port, "a port", arguments[0], env)
        case "left" if len(arguments) == 1:
            pool = evaluate(arguments[0], env)
            if isinstance(pool, PoolValue) and pool.pool.variable is not None:
                return Scalar(NUMBER, Read(pool.pool.variable))
            return unfit(pool, "a pool of faults with a budget", arguments[0], env)
        case _:
            counts = {"clamp": "3", "min": "1 or more", "max": "1 or more"}
            told = f"'{name}' takes {counts.get(name, '1')} arguments, here are {len(arguments)}"
            return env.build.report("E404", told, e.place)


def _timer_status(status: TimerStatus, argument: s.Expr, env: Env) -> Value:
    timer = evaluate(argument, env)
    if not isinstance(timer, TimerValue):
        return unfit(timer, "a timer", argument, env)
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
