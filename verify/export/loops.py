"""Reactions without end, an urgent livelock: that a state comes back while units react, as clauses over a second relation.

``Loop`` holds of what reactions depend on, at two moments of one transition, with a reaction between them. If both are the same,
the reactions can go on for ever; and as a closed system has finitely many states, nothing else goes on for ever. What they do not
depend on is left out: it does not matter for what can follow what, but for errors, which are asked for at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.export.clauses import Way, depends, implication
from verify.export.definitions import Definitions

Words = dict[str, str]


class Loops:
    """The clauses, for the ways of the reactions. ``kept``: the arguments of ``Inv``, parameters apart."""

    def __init__(self, parameters: Words, kept: Words, ways: Sequence[Way]) -> None:
        self.parameters = parameters
        self.kept = kept
        self.ways = ways
        found = depends(ways, set(kept) - {"b"}, errors=False)
        self.words = [w for w in kept if w in found]
        self.first = {f"{w}_first": kept[w] for w in self.words}

    @property
    def declaration(self) -> str:
        """That of the relation."""
        sorts = [*self.parameters.values(), *self.first.values(), *(self.kept[w] for w in self.words)]
        return f"(declare-fun Loop ({' '.join(sorts)}) Bool)"

    def text(self) -> list[str]:
        """The lines."""
        lines = []
        for way in self.ways:
            lines += ["", f"; {' '.join(way.name.split())}: the first one in a loop, or a later one"]
            lines += [self.begins(way), self.goes_on(way)]
        same = [f"(= {w}_first {w})" for w in self.words]
        bound = self.parameters | self.first | {w: self.kept[w] for w in self.words}
        ends = implication(bound, self.relation([*self.first], {}), Definitions([]), same, "false")
        return [*lines, "", "; ... and reactions end", ends]

    def begins(self, way: Way) -> str:
        """A reaction after which its state may come back."""
        inside = f"(Inv {' '.join([*self.parameters, *self.kept])})"
        return self.clause(way, self.kept, inside, self.words)

    def goes_on(self, way: Way) -> str:
        """A reaction later on."""
        known = self.first | {w: self.kept[w] for w in self.words} | {"b": "Int"}
        return self.clause(way, known, self.relation([*self.first], {}), [*self.first])

    def clause(self, way: Way, known: Words, premise: str, first: Sequence[str]) -> str:
        """From one moment to the next."""
        assert way.after is not None  # noqa: S101 - reactions lead somewhere
        after = {w: f"{w}_next" for w in self.words if way.after[w] != w or w in first}
        fits = [f"(= {new} {way.after[w]})" for w, new in after.items()]
        conditions = [*way.conditions, *fits]
        bound = self.parameters | known | {new: self.kept[w] for w, new in after.items()}
        bound |= dict.fromkeys(way.written.inputs(conditions), "Int")
        return implication(bound, premise, way.written, conditions, self.relation(first, after))

    def relation(self, first: Sequence[str], after: Words) -> str:
        """The relation of a first moment and of one after it."""
        arguments = [*self.parameters, *first, *(after.get(w, w) for w in self.words)]
        return f"(Loop {' '.join(arguments)})" if arguments else "Loop"
