"""Ways into a state, and what must not be, as constrained Horn clauses over one relation ``Inv``."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.record import record
from verify.certify.meaning import all_of, any_of, negated
from verify.export.definitions import Definitions

Words = dict[str, str]


@record
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
        wanted = depends(ways, set(self.words))
        self.kept = [w for w in self.words if w in wanted and w not in known]

    @property
    def declaration(self) -> str:
        """That of the relation."""
        sorts = " ".join([*self.parameters.values(), *(self.words[w] for w in self.kept)])
        return f"(declare-fun Inv ({sorts}) Bool)"

    def text(self, ways: Sequence[Way]) -> list[str]:
        """The lines."""
        return [line for way in ways for line in self.of(way)]

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
        variables = {} if way.first else {w: self.words[w] for w in self.kept}
        variables |= {new: self.words[w] for w, new in after.items()}
        variables |= dict.fromkeys(way.written.inputs(conditions), "Int")
        premise = None if way.first else self.relation({})
        return implication(self.parameters | variables, premise, way.written, conditions, head)

    def relation(self, after: Words) -> str:
        """The relation of a state, in which some words are others."""
        arguments = [*self.parameters, *(after.get(w, w) for w in self.kept)]
        return f"(Inv {' '.join(arguments)})" if arguments else "Inv"


def implication(variables: Words, premise: str | None, written: Definitions, conditions: Sequence[str], head: str) -> str:
    """A clause: for all these variables, the relation of the premise and the conditions imply the head."""
    body = written.around(all_of(conditions))
    bound = " ".join(f"({w} {sort})" for w, sort in (variables or {"any": "Int"}).items())
    parts = [*([] if premise is None else [premise]), *([body] if body != "true" else [])]
    whole = "true" if not parts else parts[0] if len(parts) == 1 else f"(and {parts[0]}\n    {parts[1]})"
    return f"(assert (forall ({bound})\n  (=> {whole}\n    {head})))"


def depends(ways: Sequence[Way], words: set[str], *, errors: bool = True) -> set[str]:
    """The words that a condition of some ways depends on, be it by way of other words. ``errors``: or an error on them."""
    asked = [[*w.conditions, *(w.failed if errors else [])] for w in ways]
    wanted = set().union(*(w.written.mentioned(terms) for w, terms in zip(ways, asked, strict=True))) & words
    fresh = wanted
    while fresh:
        found = set().union(*(w.written.mentioned([w.after[x] for x in fresh]) for w in ways if w.after is not None))
        fresh = (found & words) - wanted
        wanted |= fresh
    return wanted
