"""Generalised Büchi automata, with letters and acceptance on their moves."""

from __future__ import annotations

from typing import NamedTuple

from verify.base.record import record
from verify.system.expression import Expression


class Move(NamedTuple):
    """A move to ``target`` by each letter that has all bits of ``positive`` and none of ``negative``.

    Bit i of a letter: whether atom i holds. Bit k of ``marks``: the move belongs to accepting set k.
    """

    positive: int
    negative: int
    target: int
    marks: int

    def reads(self, letter: int) -> bool:
        """Whether it can be made by a letter."""
        return letter & self.positive == self.positive and not letter & self.negative


@record
class Automaton:
    """Accepts a word if some run from state 0 makes moves of each of the ``sets`` accepting sets infinitely often.

    ``moves[q]``: those of state q. ``settled``: states without an obligation, in which every word is accepted. A run gets there
    by a finite word on which the formula's three-valued reading is true already (its informative prefixes: O. Kupferman and
    M. Y. Vardi, Model checking of safety properties, Form. Methods Syst. Des. 19, 2001, doi:10.1023/A:1011254632723).
    """

    atoms: tuple[Expression, ...]
    moves: tuple[tuple[Move, ...], ...]
    sets: int
    settled: frozenset[int]

    @property
    def every(self) -> int:
        """The marks of all accepting sets."""
        return (1 << self.sets) - 1

    def reachable(self) -> list[int]:
        """For each state, the set of states that one or more moves lead to, a bit each (S. Warshall, 1962)."""
        reach = [sum({1 << m.target for m in moves}) for moves in self.moves]
        for middle in range(len(reach)):
            for state in range(len(reach)):
                if reach[state] >> middle & 1:
                    reach[state] |= reach[middle]
        return reach

    def recurring(self) -> frozenset[int]:
        """The states on accepting cycles: all others are visited finitely often by every accepting run."""
        reach = self.reachable()
        found: set[int] = set()
        for state in range(len(self.moves)):
            if state not in found and reach[state] >> state & 1:
                inside = {q for q in range(len(reach)) if reach[state] >> q & 1 and reach[q] >> state & 1}
                marks = 0
                for move in (m for q in inside for m in self.moves[q] if m.target in inside):
                    marks |= move.marks
                if marks == self.every:
                    found |= inside
        return frozenset(found)
