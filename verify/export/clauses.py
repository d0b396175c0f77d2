"""Ways into a state, and what must not be, as constrained Horn clauses over one relation ``Inv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.certify.meaning import all_of, any_of, negated
from verify.export.definitions import Definitions

Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class Way:
    """From any state that is reached (``first``: from none) to another, or to what must not be (``after`` None).

    ``conditions``: when; ``failed``: when an error is met on it instead; ``after``: the words of the state that it leads to.
    """

    name: str
    written: Definitions
    conditions: list[str]
    failed: list[str]
    after: Words | None
    first: bool = False


class Clauses:
    """Clauses over open parameters and the words of a state. ``errors``: that none is met is asked for, too."""

    def __init__(self, parameters: Words, words: Words, errors: bool) -> None:
        self.parameters = parameters
        self.words = words
        self.errors = errors
        self.kept = list(words)

    def leave_out(self, ways: Sequence[Way], known: set[str]) -> None:
        """No arguments for words that no condition depends on, be it by way of other words; nor for those that are known."""
        wanted = set().union(*(w.written.mentioned([*w.conditions, *w.failed]) for w in ways)) & self.words.keys()
        fresh = wanted
        while fresh:
            found = set().union(*(w.written.mentioned([w.after[x] for x in fresh]) for w in ways if w.after is not None))
            fresh = (found & self.words.keys()) - wanted
            wanted |= fresh
        self.kept = [w for w in self.words if w in wanted and w not in known]

    def text(self, ways: Sequence[Way]) -> list[str]:
        """The lines."""
        sorts = " ".join([*self.parameters.values(), *(self.words[w] for w in self.kept)])
        lines = ["(set-logic HORN)", f"(declare-fun Inv ({sorts}) Bool)"]
        for way in ways:
            lines += self.of(way)
        return lines

    def of(self, way: Way) -> list[str]:
        """The clause of a way, and the query whether an error is met on it."""
        failed = [f for f in way.failed if f != "false"]
        told = ["", f"; {' '.join(way.name.split())}"]
        if way.after is None:
            return [*told, self.clause(way, way.conditions, "false", {})]
        after = {w: f"{w}_next" for w in self.kept if way.first or way.after[w] != w}
        fits = [f"(= {new} {way.after[w]})" for w, new in after.items()]
        right = [negated(any_of(failed))] if failed else []
        told.append(self.clause(way, [*way.conditions, *right, *fits], self.relation(after), after))
        if failed and self.errors:
            told += ["; ... and no error on it", self.clause(way, [*way.conditions, any_of(failed)], "false", {})]
        return told

    def clause(self, way: Way, conditions: Sequence[str], head: str, after: Words) -> str:
        """An implication, for all that is mentioned in it."""
        body = way.written.around(all_of(conditions))
        variables = {} if way.first else {w: self.words[w] for w in self.kept}
        variables |= {new: self.words[w] for w, new in after.items()}
        variables |= dict.fromkeys(way.written.inputs(conditions), "Int")
        bound = " ".join(f"({w} {sort})" for w, sort in (self.parameters | variables or {"any": "Int"}).items())
        parts = [*([] if way.first else [self.relation({})]), *([body] if body != "true" else [])]
        premise = "true" if not parts else parts[0] if len(parts) == 1 else f"(and {parts[0]}\n    {parts[1]})"
        return f"(assert (forall ({bound})\n  (=> {premise}\n    {head})))"

    def relation(self, after: Words) -> str:
        """The relation of a state, in which some words are others."""
        arguments = [*self.parameters, *(after.get(w, w) for w in self.kept)]
        return f"(Inv {' '.join(arguments)})" if arguments else "Inv"
