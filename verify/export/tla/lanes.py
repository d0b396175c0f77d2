"""Lanes: sequences of records, the oldest message first; unordered ones are bags of records."""

from __future__ import annotations

from collections.abc import Sequence

from verify.export.tla.names import Names, members_of, sort_of
from verify.export.tla.terms import Term, Terms, number
from verify.system.system import Lane, Order, System, WhenFull

DEFINITIONS = {
    "Without": ("Without(queue, at) == SubSeq(queue, 1, at - 1) \\o SubSeq(queue, at + 1, Len(queue))",),
    "Inserted": ("Inserted(queue, at, msg) == SubSeq(queue, 1, at - 1) \\o <<msg>> \\o SubSeq(queue, at, Len(queue))",),
    "DropsNewest": (
        "DropsNewest(queue, at, msg, most) == IF Len(queue) < most THEN Inserted(queue, at, msg) ELSE queue",
    ),
    "DropsOldest": (
        "DropsOldest(queue, at, msg, most) ==",
        "  IF Len(queue) < most THEN Inserted(queue, at, msg) ELSE Inserted(Tail(queue), Max(1, at - 1), msg)",
    ),
    "Older": (
        "Older(queue, most) == [place \\in DOMAIN queue |-> [queue[place] EXCEPT !.age = Min(@ + 1, most)]]",
    ),
    "BagDropsNewest": (
        "BagDropsNewest(bag, msg, most) == IF BagCardinality(bag) < most THEN bag (+) SetToBag({msg}) ELSE bag",
    ),
    "Before": (
        "Before(x, y) == \\E place \\in DOMAIN x : (\\A at \\in 1..(place - 1) : x[at] = y[at]) /\\ x[place] < y[place]",
    ),
    "OlderBag": ("OlderBag(bag, most) == BagOfAll(LAMBDA msg : [msg EXCEPT !.age = Min(@ + 1, most)], bag)",),
}


class Lanes:
    """What bodies do with lanes."""

    def __init__(self, system: System, names: Names, terms: Terms, sent: Sequence[frozenset[int]]) -> None:
        self.system = system
        self.names = names
        self.terms = terms
        self.sent = sent

    def bag(self, lane: int) -> bool:
        """Whether a lane is a bag."""
        return self.system.lanes[lane].order is Order.UNORDERED

    def room(self, lane: int, held: Term) -> str:
        """Whether one more fits in."""
        return f"{'BagCardinality' if self.bag(lane) else 'Len'}({held.text}) < {self.system.lanes[lane].capacity}"

    def fails_full(self, lane: int) -> bool:
        """Whether a message for which there is no room ends the run."""
        return self.system.lanes[lane].when_full in (WhenFull.ERROR, WhenFull.WAIT)

    def entered(self, lane: int, held: Term, message: str, at: str = "") -> Term:
        """The lane with one more message: at its end, or at a place."""
        described = self.system.lanes[lane]
        if self.bag(lane):
            return Term(self._in_bag(lane, described, held, message))
        match described.when_full:
            case WhenFull.ERROR | WhenFull.WAIT:
                return Term(f"Inserted({held.text}, {at}, {message})" if at else f"Append({held.text}, {message})")
            case WhenFull.DROP_NEWEST if not at:
                return Term(f"IF {self.room(lane, held)} THEN Append({held.text}, {message}) ELSE {held.text}", level=0)
            case WhenFull.DROP_OLDEST if not at:
                return Term(f"Append(IF {self.room(lane, held)} THEN {held.text} ELSE Tail({held.text}), {message})")
            case WhenFull.DROP_NEWEST:
                return Term(f"DropsNewest({held.text}, {at}, {message}, {described.capacity})")
            case WhenFull.DROP_OLDEST:
                return Term(f"DropsOldest({held.text}, {at}, {message}, {described.capacity})")

    def _in_bag(self, lane: int, described: Lane, held: Term, message: str) -> str:
        match described.when_full:
            case WhenFull.ERROR | WhenFull.WAIT:
                return f"({held.text} (+) SetToBag({{{message}}}))"
            case WhenFull.DROP_NEWEST:
                return f"BagDropsNewest({held.text}, {message}, {described.capacity})"
            case WhenFull.DROP_OLDEST:
                room = self.room(lane, held)
                less = f"{held.text} (-) SetToBag({{{self.oldest(lane)}({held.text})}})"
                return f"((IF {room} THEN {held.text} ELSE {less}) (+) SetToBag({{{message}}}))"

    # ---- which of a bag goes first

    def oldest(self, lane: int) -> str:
        """The name of the operator that finds the message which a bag drops."""
        return f"Oldest_of_{self.names.lanes[lane]}"

    def dropping(self) -> list[str]:
        """The definitions of those operators: the oldest message; of those, the least in its kind and its fields."""
        lines: list[str] = []
        for lane, described in enumerate(self.system.lanes):
            if not self.bag(lane) or described.when_full is not WhenFull.DROP_OLDEST:
                continue
            kinds = sorted(self.sent[lane])
            key = "<<>>"
            for kind in reversed(kinds):
                made = self._key(kind)
                key = made if kind == kinds[-1] else f'IF x.kind = "{self.names.kinds[kind]}" THEN {made} ELSE {key}'
            lines += [
                f"{self.oldest(lane)}(bag) ==",
                f"  LET key(x) == {key}",
                "  IN  CHOOSE msg \\in DOMAIN bag : \\A other \\in DOMAIN bag : ~Before(key(other), key(msg))",
            ]
        return [*lines, ""] if lines else []

    def _key(self, kind: int) -> str:
        fields = self.system.messages[kind].fields
        parts = ["-x.age", str(kind)]
        for name, field in zip(self.names.fields[kind], fields, strict=True):
            parts.append(self.terms.number(Term(f"x.{name}", sort_of(field.domain))).text)
        return f"<<{', '.join(parts)}>>"

    # ---- messages

    def made(self, message: int, fields: Sequence[Term]) -> str:
        """A new message, as a record."""
        values = [f'kind |-> "{self.names.kinds[message]}"', "age |-> 0"]
        values += [f"{name} |-> {term.text}" for name, term in zip(self.names.fields[message], fields, strict=True)]
        return f"[{', '.join(values)}]"

    def held(self, message: Sequence[int]) -> str:
        """A message of a state, as a record."""
        age, kind, *fields = message
        described = self.system.messages[kind].fields
        terms = [self.terms.stored(number(v), sort_of(f.domain)) for v, f in zip(fields, described, strict=True)]
        return self.made(kind, terms).replace("age |-> 0", f"age |-> {age}", 1)

    def sets(self) -> list[str]:
        """For each kind of message, the set of all there can be up to an age."""
        used = sorted(frozenset().union(*self.sent))
        lines = []
        for kind in used:
            fields = zip(self.names.fields[kind], self.system.messages[kind].fields, strict=True)
            parts = [f'kind : {{"{self.names.kinds[kind]}"}}', "age : 0..most"]
            parts += [f"{name} : {members_of(field.domain)}" for name, field in fields]
            lines.append(f"{self.names.message_sets[kind]}(most) == [{', '.join(parts)}]")
        return lines

    def typed(self, lane: int) -> str:
        """That a lane holds what it can hold."""
        described, name = self.system.lanes[lane], self.names.lanes[lane]
        kinds = [f"{self.names.message_sets[k]}({described.maximum})" for k in sorted(self.sent[lane])] or ["{}"]
        every = " \\cup ".join(kinds)
        if self.bag(lane):
            return f"DOMAIN {name} \\subseteq ({every}) /\\ BagCardinality({name}) <= {described.capacity}"
        return f"{name} \\in Seq({every}) /\\ Len({name}) <= {described.capacity}"


__all__ = ["DEFINITIONS", "Lanes"]
