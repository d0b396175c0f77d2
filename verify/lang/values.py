"""What an expression of the language denotes while a scenario is lowered: structure is resolved, only scalars remain open.

A value is a tree whose leaves are scalars of the system. Leaves that can be stored to know their cells: the variables they
may stand for, each with the condition under which it does (one unless an index or a reference is computed).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verify.base.place import Place
from verify.base.record import record
from verify.system.domain import Boolean, Domain, Enumeration, Range
from verify.system.expression import TRUE, Constant, Expression, equal

if TYPE_CHECKING:
    from verify.lang import syntax as s
    from verify.lang.model import InstanceNode, NetworkNode, PoolNode, PortNode


# ---- types of scalars


@record
class Bool:
    """Truth values."""

    def __str__(self) -> str:
        return "bool"


@record
class Number:
    """Integers."""

    def __str__(self) -> str:
        return "a number"


@record
class Span:
    """Durations, counted in ticks."""

    def __str__(self) -> str:
        return "a duration"


@record
class EnumType:
    """An enum of a model."""

    name: str
    members: tuple[str, ...]
    place: Place

    def __str__(self) -> str:
        return self.name


ScalarType = Bool | Number | Span | EnumType

BOOL = Bool()
NUMBER = Number()
SPAN = Span()

# ---- shapes: what a declaration stores


@record
class ScalarShape:
    """A scalar of a domain."""

    type: ScalarType
    domain: Domain

    @property
    def size(self) -> int:
        """How many scalars it stores."""
        return 1

    def __str__(self) -> str:
        if isinstance(self.domain, Range):
            return f"{self.type} in {self.domain.low}..{self.domain.high}" + (" ticks" if self.domain.ticks else "")
        return str(self.type)


@record
class RecordShape:
    """A record or message: fields in order."""

    name: str
    fields: tuple[tuple[str, Shape], ...]
    size: int = 0

    def __str__(self) -> str:
        return self.name


@record
class ArrayShape:
    """``length`` elements of one shape."""

    element: Shape
    length: int

    @property
    def size(self) -> int:
        """How many scalars it stores."""
        return self.length * self.element.size

    def __str__(self) -> str:
        return f"array {self.length} of {self.element}"


@record
class OptionalShape:
    """A value or none."""

    element: Shape

    @property
    def size(self) -> int:
        """How many scalars it stores."""
        return 1 + self.element.size

    def __str__(self) -> str:
        return f"optional {self.element}"


@record
class ReferenceShape:
    """One of the instances of a machine within a top-level instance and its parts."""

    machine: str
    candidates: tuple[InstanceNode, ...]

    @property
    def size(self) -> int:
        """How many scalars it stores."""
        return 1

    def __str__(self) -> str:
        return f"reference to {self.machine}"


Shape = ScalarShape | RecordShape | ArrayShape | OptionalShape | ReferenceShape

# ---- values

Cells = tuple[tuple[Expression, int], ...]


@record
class Scalar:
    """One integer of the system, read as ``type``. ``cells``: where it is stored, if it can be stored to."""

    type: ScalarType
    expression: Expression
    cells: Cells | None = None


@record
class Ratio:
    """A quotient that waits for its rounding."""

    type: ScalarType
    numerator: Expression
    denominator: Expression


@record
class RecordValue:
    """A record or message, by fields."""

    name: str
    fields: tuple[tuple[str, Value], ...]

    def get(self, name: str) -> Value | None:
        """The field's value."""
        return dict(self.fields).get(name)


@record
class ArrayValue:
    """Elements in order."""

    elements: tuple[Value, ...]


@record
class OptionalValue:
    """``value`` counts where ``present`` holds; elsewhere its scalars are at their least."""

    present: Scalar
    value: Value


@record
class NoneValue:
    """``none``."""


@record
class InstanceValue:
    """An instance: the one whose condition holds. ``stored``: the number in the reference's candidates, if it is stored."""

    machine: str
    alternatives: tuple[tuple[Expression, InstanceNode], ...]
    stored: Scalar | None = None
    candidates: tuple[InstanceNode, ...] = ()

    @property
    def only(self) -> InstanceNode | None:
        """The instance, when it is known which."""
        return self.alternatives[0][1] if len(self.alternatives) == 1 else None


@record
class InstancesValue:
    """Several instances: an array of parts, or all instances of a machine."""

    machine: str
    nodes: tuple[InstanceNode, ...]


@record
class TimerValue:
    """A timer of an instance."""

    alternatives: tuple[tuple[Expression, int], ...]


@record
class RegionValue:
    """The control state of a region. ``alive``: whether its instance is up."""

    states: tuple[str, ...]
    expression: Expression
    alive: Expression


@record
class PortValue:
    """A port of an instance."""

    port: PortNode


@record
class NetworkValue:
    """A segment or link."""

    network: NetworkNode


@record
class PoolValue:
    """A named pool of faults or events."""

    pool: PoolNode


@record
class EnumSet:
    """The members of an enum, as a set."""

    type: EnumType


@record
class MachineName:
    """The name of a machine: the set of all its instances."""

    machine: s.Machine


@record
class Faulty:
    """What could not be understood; already reported. Everything made of it is silent."""


Value = (
    Scalar
    | Ratio
    | RecordValue
    | ArrayValue
    | OptionalValue
    | NoneValue
    | InstanceValue
    | InstancesValue
    | TimerValue
    | RegionValue
    | PortValue
    | NetworkValue
    | PoolValue
    | EnumSet
    | MachineName
    | Faulty
)

FAULTY = Faulty()


def boolean(expression: Expression) -> Scalar:
    """A truth value."""
    return Scalar(BOOL, expression)


def number(value: int) -> Scalar:
    """A constant integer."""
    return Scalar(NUMBER, Constant(value))


def describe(value: Value) -> str:
    """What kind of thing it is, for messages."""
    match value:
        case Scalar(type_):
            return str(type_)
        case Ratio():
            return "a quotient without rounding"
        case RecordValue(name):
            return f"a {name}"
        case ArrayValue(elements):
            return f"an array of {len(elements)}"
        case OptionalValue(_, inner):
            return f"an optional ({describe(inner)})"
        case NoneValue():
            return "none"
        case InstanceValue(machine):
            return f"a {machine}"
        case InstancesValue(machine):
            return f"several instances of {machine}"
        case TimerValue():
            return "a timer"
        case RegionValue():
            return "a region"
        case PortValue():
            return "a port"
        case NetworkValue():
            return "a network"
        case PoolValue():
            return "a pool of faults"
        case EnumSet(type_):
            return f"the enum {type_.name}"
        case MachineName(machine):
            return f"the machine {machine.name}"
        case Faulty():
            return "something faulty"


def scalars(value: Value) -> list[Scalar]:
    """The scalars of a storable value, in order."""
    match value:
        case Scalar():
            return [value]
        case RecordValue(_, fields):
            return [x for _, v in fields for x in scalars(v)]
        case ArrayValue(elements):
            return [x for v in elements for x in scalars(v)]
        case OptionalValue(present, inner):
            return [present, *scalars(inner)]
        case InstanceValue(stored=Scalar() as stored):
            return [stored]
        case _:
            return []


def flatten(shape: Shape, name: str) -> list[tuple[str, Domain]]:
    """The scalars that a shape stores, with names such as ``partner.key``."""
    match shape:
        case ScalarShape(_, domain):
            return [(name, domain)]
        case RecordShape(_, fields):
            return [x for n, f in fields for x in flatten(f, f"{name}.{n}" if name else n)]
        case ArrayShape(element, length):
            return [x for i in range(length) for x in flatten(element, f"{name}[{i}]")]
        case OptionalShape(element):
            return [(f"{name}.present", Boolean()), *flatten(element, name)]
        case ReferenceShape(_, candidates):
            members = tuple(c.name for c in candidates)
            return [(name, Enumeration("reference", members))]


def assemble(shape: Shape, leaves: list[Scalar]) -> Value:
    """The value of a shape whose scalars, in the order of :func:`flatten`, are taken from the front of ``leaves``."""
    match shape:
        case ScalarShape(type_, _):
            leaf = leaves.pop(0)
            return Scalar(type_, leaf.expression, leaf.cells)
        case RecordShape(name, fields):
            return RecordValue(name, tuple((n, assemble(f, leaves)) for n, f in fields))
        case ArrayShape(element, length):
            return ArrayValue(tuple(assemble(element, leaves) for _ in range(length)))
        case OptionalShape(element):
            leaf = leaves.pop(0)
            return OptionalValue(Scalar(BOOL, leaf.expression, leaf.cells), assemble(element, leaves))
        case ReferenceShape(machine, candidates):
            leaf = leaves.pop(0)
            return reference(machine, candidates, Scalar(NUMBER, leaf.expression, leaf.cells))


def reference(machine: str, candidates: tuple[InstanceNode, ...], stored: Scalar) -> InstanceValue:
    """The instance whose number among the candidates is ``stored``."""
    if isinstance(stored.expression, Constant):
        node = candidates[stored.expression.value]
        return InstanceValue(machine, ((TRUE, node),), stored, candidates)
    alternatives = tuple((equal(stored.expression, Constant(i)), c) for i, c in enumerate(candidates))
    if len(alternatives) == 1:
        alternatives = ((TRUE, candidates[0]),)
    return InstanceValue(machine, alternatives, stored, candidates)


@dataclass(slots=True)
class Slots:
    """The locals of a step under construction, with the interval each can hold. Slots 0..``reserved``-1 hold the message."""

    reserved: int = 0
    bounds: dict[int, tuple[int, int]] = field(default_factory=dict)
    used: int = 0

    def new(self, low: int, high: int) -> int:
        """A fresh slot."""
        slot = max(self.used, self.reserved)
        self.used = slot + 1
        self.bounds[slot] = (low, high)
        return slot
