"""What is known of the values of open parameters for which a property holds, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from verify.base.record import record
from verify.base.verdict import Verdict
from verify.engines.region import Region, beyond
from verify.judge.judge import Ruling
from verify.lang.specification import Check
from verify.synthesis.words import Words
from verify.system.expression import Expression
from verify.system.system import System


class Known(Enum):
    """How far the condition is known. Nothing rounds up."""

    EXACT = "exact"  # where it holds: proved; at each of its bounds outside: a violation
    SUFFICIENT = "sufficient"  # where it holds: proved; not every bound was shown to be needed
    NECESSARY = "necessary"  # outside: violations; inside is not decided
    INVALID = "invalid"  # no values satisfy what is assumed
    UNDECIDED = "undecided"


@record
class Shown:
    """Values, in words, with the verdict on the system that is closed for them. ``at_bound``: of those next to a bound."""

    values: str
    ruling: Ruling
    system: System
    at_bound: bool = False

    @property
    def verdict(self) -> Verdict:
        """What is known of these values."""
        return self.ruling.verdict


@dataclass(slots=True)
class Condition:
    """Under which a property holds: outside all ``regions``; ``failed`` says of each whether errors are what is wrong there.

    ``whole``: nothing is outside. ``inside``: the ruling on all that is. ``outside``, ``bare``: what was shown of values in the
    regions, and how many of their bounds could not be shown. ``beside``: values next to a bound, where the property holds.
    """

    spec: str
    scenario: str
    check: Check
    system: System
    regions: tuple[Region, ...] = ()
    failed: tuple[bool, ...] = ()
    named: tuple[tuple[Expression, str], ...] = ()
    whole: bool = False
    invalid: bool = False
    inside: Ruling | None = None
    outside: list[Shown] = field(default_factory=list)
    beside: list[Shown] = field(default_factory=list)
    bare: int = 0
    missed: bool = False
    why: str = ""
    depth: int = -1
    seconds: float = 0.0

    @property
    def known(self) -> Known:
        """How far it is known."""
        if self.invalid:
            return Known.INVALID
        proved = self.inside is not None and self.inside.verdict is Verdict.PROVED
        if self.whole or proved:
            shown = not self.bare and (bool(self.outside) or not self.regions)
            return Known.EXACT if shown else Known.SUFFICIENT if proved else Known.UNDECIDED
        return Known.NECESSARY if self.regions and self.outside else Known.UNDECIDED

    @property
    def text(self) -> str:
        """The condition, with the model's names for what is derived: true, false, or when."""
        if self.whole:
            return "false"
        return " and ".join(_bracketed(c, len(self.regions)) for c in self._words(short=True).outside(self.regions)) or "true"

    @property
    def assumes(self) -> tuple[str, ...]:
        """The same as a spec takes it, one line for each condition."""
        return () if self.whole else tuple(f"assume {c}" for c in self._words().outside(self.regions))

    @property
    def where(self) -> tuple[tuple[str, str], ...]:
        """The names in :attr:`text` that are no parameters, and what they are."""
        used = {e for r in self.regions for b in r for e, _ in b.terms}
        pairs = ((n, self._words().text(e, span=True)) for e, n in self.named if n and e in used and not self.whole)
        return tuple(sorted(pairs))

    @property
    def errors(self) -> tuple[str, ...]:
        """Where what is wrong is an error, in words."""
        pairs = zip(self.regions, self.failed, strict=True)
        return tuple(self._words(short=True).inside(r) for r, failed in pairs if failed)

    @property
    def assumptions(self) -> tuple[Expression, ...]:
        """The same as expressions."""
        return beyond(self.regions)

    def _words(self, *, short: bool = False) -> Words:
        return Words(self.system, dict(self.named), short)


def _bracketed(text: str, count: int) -> str:
    return f"({text})" if count > 1 and " or " in text else text
