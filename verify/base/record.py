"""Records, of which this package has hundreds: frozen data classes that are made quickly when a module is loaded."""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """As ``dataclass(frozen=True, slots=True)``, which compiles six methods for each class; here one is, and the rest is shared.

    For fields with plain defaults, or none. Not ordered; compared and hashed by the fields that count for that, and shown by all.
    """
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    parts = fields(made)
    names = [part.name for part in parts]
    known: dict[str, Any] = {f"set_{name}": getattr(made, name).__set__ for name in names}
    known |= {f"default_{part.name}": part.default for part in parts if part.default is not MISSING}
    given = [f"{name}=default_{name}" if f"default_{name}" in known else name for name in names]
    lines = [f"    set_{name}(self, {name})" for name in names] or ["    pass"]
    exec("\n".join([f"def __init__(self, {', '.join(given)}):", *lines]), known)  # noqa: S102 - names of fields
    values = attrgetter("__class__", *(part.name for part in parts if part.compare))

    def equal(self: T, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: T) -> int:
        return hash(values(self))

    def reduced(self: T) -> tuple[type[T], tuple[Any, ...]]:
        return self.__class__, tuple([getattr(self, name) for name in names])

    made.__init__, made.__reduce__ = known["__init__"], reduced
    made.__eq__, made.__hash__, made.__repr__ = equal, hashed, _shown
    made.__setattr__ = made.__delattr__ = _refused
    return made  # type: ignore[no-any-return]  # it is the class, with slots


def _refused(_: object, name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"a record does not change: {name!r}")


def _shown(self: Any) -> str:  # noqa: ANN401 - a record of any class
    told = ", ".join(f"{part.name}={getattr(self, part.name)!r}" for part in fields(self))
    return f"{type(self).__qualname__}({told})"
