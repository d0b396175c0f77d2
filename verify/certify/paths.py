"""A few steps one after the other, as assertions over copies of the state: word ``w`` is ``w@i`` in state number i."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from verify.certify.meaning import Happening, all_of, any_of

_TOKEN = re.compile(r"[^\s()]+")
_DEFINED = re.compile(r"\((?:define-fun|declare-const) (\S+)")
Lines = list[str]


class Paths:
    """Copies of the state, and the steps between them."""

    def __init__(self, words: Mapping[str, str], steps: Sequence[Happening]) -> None:
        """``words``: of the state, with their sorts; ``steps``: all that can happen, the observer with them."""
        self.words = words
        self.steps = steps

    def state(self, number: int) -> Lines:
        """The words of a state."""
        return [f"(declare-const {w}@{number} {sort})" for w, sort in self.words.items()]

    def at(self, number: int, lines: Iterable[str], terms: Iterable[str], part: str = "") -> tuple[Lines, list[str]]:
        """Definitions and terms about a state, of state number so much; ``part`` keeps names apart that others have as well."""
        kept = list(lines)
        names = {w: f"{w}@{number}" for w in self.words}
        names |= {n: f"{n}@{number}{part}" for line in kept for n in _DEFINED.findall(line)}

        def renamed(text: str) -> str:
            return _TOKEN.sub(lambda found: names.get(found[0], found[0]), text)

        return [renamed(x) for x in kept], [renamed(x) for x in terms]

    def is_state(self, number: int, state: Mapping[str, str]) -> list[str]:
        """That the state number so much has these values."""
        return [f"(= {w}@{number} {state[w]})" for w in self.words]

    def step(self, number: int) -> tuple[Lines, str]:
        """Definitions, and that one of the steps leads from a state to the next."""
        lines: Lines = []
        ways: list[str] = []
        for n, h in enumerate(self.steps):
            told = [h.enabled, *h.effect.allowed, *(h.effect.state[w] for w in self.words)]
            defined, here = self.at(number, h.script.lines, told, f".{n}")
            lines += defined
            conditions = len(told) - len(self.words)
            after = dict(zip(self.words, here[conditions:], strict=True))
            ways.append(all_of([*here[:conditions], *self.is_state(number + 1, after)]))
        return lines, any_of(ways)
