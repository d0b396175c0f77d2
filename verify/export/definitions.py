"""Definitions of SMT-LIB as ``let``: a clause takes along those that it mentions, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_DEFINED: Final = re.compile(r"\(define-fun (\S+) \(\) \S+ (.*)\)")
_DECLARED: Final = re.compile(r"\(declare-const (\S+) Int\)")
_WORD: Final = re.compile(r"[^\s()]+")


def replaced(text: str, given: dict[str, str]) -> str:
    """A text in which some words are others."""
    return _WORD.sub(lambda found: given.get(found.group(), found.group()), text) if given else text


class Definitions:
    """What the lines of a script define, in their order, and the numbers that they leave to be chosen."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.terms: dict[str, str] = {}
        self.chosen: set[str] = set()
        self.height: dict[str, int] = {}  # of a name: one more than the highest that its term mentions
        for line in lines:
            if found := _DEFINED.fullmatch(line):
                name, term = found.groups()
                self.terms[name] = term
                self.height[name] = 1 + max((self.height.get(w, 0) for w in _WORD.findall(term)), default=0)
            elif found := _DECLARED.fullmatch(line):
                self.chosen.add(found.group(1))
            else:
                raise AssertionError(line)

    def mentioned(self, terms: Iterable[str]) -> set[str]:
        """All words in some terms, and in what they mention."""
        found: set[str] = set()
        waiting = list(terms)
        while waiting:
            for word in set(_WORD.findall(waiting.pop())) - found:
                found.add(word)
                if word in self.terms:
                    waiting.append(self.terms[word])
        return found

    def inputs(self, terms: Iterable[str]) -> list[str]:
        """The numbers left to be chosen that some terms mention."""
        return sorted(self.chosen & self.mentioned(terms))

    def around(self, term: str) -> str:
        """A term within the definitions that it needs, those of one height side by side."""
        needed = self.mentioned([term])
        levels: dict[int, list[str]] = {}
        for name, definition in self.terms.items():
            if name in needed:
                levels.setdefault(self.height[name], []).append(f"({name} {definition})")
        opened = [f"(let ({' '.join(levels[height])})\n    " for height in sorted(levels)]
        return "".join(opened) + term + ")" * len(opened)
