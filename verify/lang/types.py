"""What a declared type stores, and whether a value fits it."""

from __future__ import annotations

from verify.base.diagnostic import did_you_mean
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.evaluation import constant
from verify.lang.values import (
    BOOL,
    NUMBER,
    SPAN,
    ArrayShape,
    ArrayValue,
    EnumType,
    InstanceValue,
    NoneValue,
    OptionalShape,
    OptionalValue,
    RecordShape,
    RecordValue,
    ReferenceShape,
    Scalar,
    ScalarShape,
    Shape,
    Value,
)
from verify.system.domain import Boolean, Enumeration, Range

LONGEST_ARRAY = 256
MOST_SCALARS = 1024


def shape_of(type_: s.TypeExpr, env: Env, seen: tuple[str, ...] = ()) -> Shape | None:
    """The shape that a type stores in this scenario; None, reported, if it has none or is too large."""
    shape = _shape(type_, env, seen)
    if shape is not None and shape.size > MOST_SCALARS:
        told = f"this type stores {shape.size:,} values"
        env.build.report("E302", told, type_.place, f"up to {MOST_SCALARS:,} are possible")
        return None
    return shape


def _shape(type_: s.TypeExpr, env: Env, seen: tuple[str, ...]) -> Shape | None:
    match type_.kind:
        case "bool":
            return ScalarShape(BOOL, Boolean())
        case "range" | "duration":
            return _range(type_, env)
        case "array":
            return _array(type_, env, seen)
        case "optional" if type_.element is not None:
            element = shape_of(type_.element, env, seen)
            if isinstance(element, OptionalShape):
                env.build.report("E421", "an optional of an optional says nothing more", type_.place)
                return None
            return None if element is None else OptionalShape(element)
        case "reference":
            return _reference(type_, env)
        case _:
            return _named(type_, env, seen)


def _range(type_: s.TypeExpr, env: Env) -> Shape | None:
    if type_.low is None or type_.high is None:
        return None
    span = type_.kind == "duration"
    low, high = (_bound(b, env, span=span, upper=upper) for b, upper in ((type_.low, False), (type_.high, True)))
    if low is None or high is None:
        return None
    if low > high:
        env.build.report("E302", f"the range {low}..{high} is empty", type_.place, "the lower bound comes first")
        return None
    return ScalarShape(SPAN if span else NUMBER, Range(low, high, span))


def _bound(e: s.Expr, env: Env, *, span: bool, upper: bool) -> int | None:
    """A bound of a range. Literal durations between two ticks are rounded into the range: only whole ticks are stored."""
    if span and isinstance(e, s.Duration):
        return e.nanoseconds // env.build.tick if upper else -(-e.nanoseconds // env.build.tick)
    return constant(e, env, SPAN if span else NUMBER, "a duration" if span else "a bound")


def _array(type_: s.TypeExpr, env: Env, seen: tuple[str, ...]) -> Shape | None:
    size = array_size(type_, env)
    element = shape_of(type_.element, env, seen) if type_.element is not None else None
    return None if size is None or element is None else ArrayShape(element, size)


def array_size(type_: s.TypeExpr, env: Env) -> int | None:
    """The number of elements of an array type; None, reported, if it is not known or out of bounds."""
    if type_.low is None:
        return None
    size = constant(type_.low, env, NUMBER, "the size of an array")
    if size is not None and not 1 <= size <= LONGEST_ARRAY:
        env.build.report(
            "E302", f"an array of {size} elements", type_.place, f"1..{LONGEST_ARRAY} elements are possible"
        )
        return None
    return size


def _reference(type_: s.TypeExpr, env: Env) -> Shape | None:
    found = env.scope.look_up(type_.name, s.Machine, type_.place, env.build.faults)
    if found is None:
        return None
    if env.node is None:
        env.build.report("E422", "references live in machines only", type_.place)
        return None
    candidates = tuple(n for n in env.node.top.family() if n.machine is found[0])
    if not candidates:
        told = f"there is no {type_.name} that this could refer to"
        env.build.report("E422", told, type_.place, "a reference is to a part of the same top-level instance")
        return None
    return ReferenceShape(type_.name, candidates)


def _named(type_: s.TypeExpr, env: Env, seen: tuple[str, ...]) -> Shape | None:
    name = type_.name
    found = env.scope.find(name) if name else None
    match found:
        case (s.Enum() as enum, _):
            return ScalarShape(EnumType(enum.name, enum.members, enum.place), Enumeration(enum.name, enum.members))
        case (s.Record() | s.MessageDecl() as record, home) if record.name not in seen:
            key = (id(record), id(env.node.top) if env.node is not None else 0)
            if key not in env.build.shapes:
                inner = Env(env.build, home, env.node)
                found_fields = [(f.name, shape_of(f.type, inner, (*seen, record.name))) for f in record.fields]
                fields = tuple((n, sh) for n, sh in found_fields if sh is not None)
                env.build.shapes[key] = RecordShape(record.name, fields, sum(sh.size for _, sh in fields))
            return env.build.shapes[key]
        case (s.Record() | s.MessageDecl(), _):
            env.build.report("E421", f"'{name}' contains itself", type_.place)
            return None
        case _:
            known = [*env.scope.names(s.Enum), *env.scope.names(s.Record), "bool", "duration", "array", "optional"]
            help_text = did_you_mean(name, known)
            shown = f"'{name}' is no type" if name else "this is no type"
            env.build.report("E208", shown, type_.place, help_text or "a range is written 0..7")
            return None


def fits(value: Value, shape: Shape) -> bool:
    """Whether a value can be stored in a shape, ranges aside."""
    match value, shape:
        case Scalar(type_), ScalarShape(wanted, _):
            return type_ == wanted
        case RecordValue(name, _), RecordShape(wanted_name, _):
            return name == wanted_name
        case ArrayValue(elements), ArrayShape(element, length):
            return len(elements) == length and all(fits(v, element) for v in elements)
        case NoneValue(), OptionalShape():
            return True
        case OptionalValue(_, inner), OptionalShape(element):
            return fits(inner, element)
        case _, OptionalShape(element):
            return fits(value, element)
        case InstanceValue(), ReferenceShape(machine, candidates):
            return value.machine == machine and all(n in candidates for _, n in value.alternatives)
        case _:
            return False
