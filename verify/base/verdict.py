"""The four answers. A verdict has no truth value: nobody can write ``if verdict`` and round UNDECIDED up."""

from __future__ import annotations

from enum import Enum
from typing import NoReturn


class Verdict(Enum):
    """What is known about a property in a scenario."""

    PROVED = "proved"
    VIOLATED = "violated"
    UNDECIDED = "undecided"
    INVALID = "invalid"

    def __bool__(self) -> NoReturn:
        message = "a verdict is no truth value: compare it with Verdict.PROVED, VIOLATED, UNDECIDED or INVALID"
        raise TypeError(message)

    def __str__(self) -> str:
        return self.value.upper()
