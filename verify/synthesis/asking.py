"""The solvers' search for bad values, in a process of its own: what it has to tell, as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from verify.base.budget import Budget, Limits
from verify.engines.region import News
from verify.run.beside import Beside, ended
from verify.system.property import Property
from verify.system.system import System


def search(system: System, asked: Sequence[Property], budget: Budget) -> Iterator[News]:
    """What is run in the process."""
    from verify.engines.symbolic.synthesis import synthesised  # noqa: PLC0415 - Z3 takes a while to load

    return synthesised(system, asked, budget)


class Asked(Beside):
    """As :class:`Beside`, for news instead of claims. ``over``: whether it has told everything."""

    def __init__(self, system: System, asked: Property, limits: Limits) -> None:
        """Start the search."""
        self.heard: list[News] = []
        self.over = False
        super().__init__("symbolic", search, system, [asked], limits)  # type: ignore[arg-type]  # its answers are news

    @property
    def running(self) -> bool:
        """Whether it may still tell something."""
        return not self.over and not self.problem

    def news(self) -> list[News]:
        """What it has told since the last time."""
        self.look()
        found, self.heard = self.heard, []
        return found

    def _take(self, message: object) -> None:
        match message:
            case str():
                self.problem = message
            case (item,) if isinstance(item, get_args(News)):
                self.heard.append(item)
            case ():
                self.over = True
            case None:
                self.problem = ended(self._process.wait())
            case _:
                self.problem = "what it said is no answer"
