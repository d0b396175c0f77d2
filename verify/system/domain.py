"""What a variable can hold. Every value in a system is an integer; the domain says how it is read."""

from __future__ import annotations

from verify.base.record import record


@record
class Boolean:
    """0 is false, 1 is true."""

    @property
    def low(self) -> int:
        """The least value."""
        return 0

    @property
    def high(self) -> int:
        """The greatest value."""
        return 1


@record
class Range:
    """The integers ``low``..``high``, both in it. ``ticks`` says that they are durations, counted in ticks."""

    low: int
    high: int
    ticks: bool = False


@record
class Enumeration:
    """The value i stands for ``members[i]``."""

    name: str
    members: tuple[str, ...]

    @property
    def low(self) -> int:
        """The least value."""
        return 0

    @property
    def high(self) -> int:
        """The greatest value."""
        return len(self.members) - 1


Domain = Boolean | Range | Enumeration


def contains(domain: Domain, value: int) -> bool:
    """Whether the value lies in the domain."""
    return domain.low <= value <= domain.high
