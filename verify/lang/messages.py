"""Messages: their shapes, their numbers in the system, and how a step reads the one it took."""

from __future__ import annotations

from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.model import Build
from verify.lang.scopes import Scope
from verify.lang.types import MOST_SCALARS, shape_of
from verify.lang.values import BOOL, RecordShape, RecordValue, Scalar, Slots, assemble, flatten
from verify.system.expression import Local
from verify.system.system import Field, Message


def message_shape(declaration: s.MessageDecl, scope: Scope, build: Build) -> RecordShape | None:
    """The shape of a message; computed once."""
    known = build.message_shapes.get(id(declaration))
    if known is not None:
        return known
    before = len(build.faults)
    found = scope.find(declaration.name)
    home = found[1] if found is not None and found[0] is declaration else scope
    fields = [(f.name, shape_of(f.type, Env(build, home))) for f in declaration.fields]
    names = [n for n, _ in fields]
    for field in declaration.fields:
        if names.count(field.name) > 1:
            build.report("E203", f"'{field.name}' stands twice in {declaration.name}", field.place)
    if len(build.faults) > before:
        return None
    kept = tuple((n, sh) for n, sh in fields if sh is not None)
    shape = RecordShape(declaration.name, kept, sum(sh.size for _, sh in kept))
    if shape.size > MOST_SCALARS:
        told = f"this message carries {shape.size:,} values"
        build.report("E302", told, declaration.place, f"up to {MOST_SCALARS:,} are possible")
        return None
    build.message_shapes[id(declaration)] = shape
    return shape


def message_number(declaration: s.MessageDecl, scope: Scope, build: Build) -> int:
    """The number of a message in the system; laid out when first asked for."""
    if id(declaration) not in build.message_index:
        shape = message_shape(declaration, scope, build)
        flat = flatten(shape, "") if shape is not None else []
        build.message_index[id(declaration)] = len(build.messages)
        build.declared_messages[len(build.messages)] = declaration
        build.messages.append(Message(declaration.name, tuple(Field(n, d) for n, d in flat)))
    return build.message_index[id(declaration)]


def taken_message(declaration: s.MessageDecl, scope: Scope, build: Build, slots: Slots) -> RecordValue | None:
    """The message that a step took, read from the slots 1.. that hold its fields."""
    shape = message_shape(declaration, scope, build)
    if shape is None:
        return None
    domains = [domain for _, domain in flatten(shape, "")]
    for at, domain in enumerate(domains, 1):
        slots.bounds[at] = (domain.low, domain.high)
    return _read(shape, list(range(1, len(domains) + 1)))


def sample_message(declaration: s.MessageDecl, scope: Scope, build: Build, slots: Slots) -> RecordValue | None:
    """Some message, in slots of its own."""
    shape = message_shape(declaration, scope, build)
    if shape is None:
        return None
    return _read(shape, [slots.new(domain.low, domain.high) for _, domain in flatten(shape, "")])


def _read(shape: RecordShape, places: list[int]) -> RecordValue | None:
    value = assemble(shape, [Scalar(BOOL, Local(at)) for at in places])
    return value if isinstance(value, RecordValue) else None
