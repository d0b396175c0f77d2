"""A state on its way through a body: what the body has stored so far, as terms over the state before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from verify.export.tla.names import NUMBER, Names, sort_of
from verify.export.tla.terms import Term, number
from verify.system.system import System

Place = tuple[str, int]  # a variable, a timer, a lane, or what has occurred, and its index
VARIABLE, TIMER, LANE, EVENTS = "variable", "timer", "lane", ("events", 0)


@dataclass(slots=True)
class Values:
    """A state: ``base`` is where the one before stands ("" in the variables of the module, else "s.")."""

    system: System
    names: Names
    base: str = ""
    stored: dict[Place, Term] = field(default_factory=dict)
    locals: dict[int, Term] = field(default_factory=dict)
    message: Callable[[int], Term] | None = None  # the message that the step has taken

    def copy(self) -> Values:
        """The same, to go on from in another way."""
        return Values(self.system, self.names, self.base, dict(self.stored), dict(self.locals), self.message)

    def read(self, place: Place) -> Term:
        """What stands at a place."""
        return self.stored[place] if place in self.stored else self.before(place)

    def before(self, place: Place) -> Term:
        """What stood at a place before the step."""
        kind, index = place
        match kind:
            case "variable":
                group, name = self.names.variables[index]
                return Term(f"{self.base}{group}.{name}", sort_of(self.system.variables[index].domain))
            case "timer":
                group, name = self.names.timers[index]
                return Term(f"{self.base}{group}.{name}")
            case "lane":
                return Term(f"{self.base}{self.names.lanes[index]}")
            case _:
                return Term(f"{self.base}occurred" if self.base else "{}")

    # ---- what expressions ask for

    def variable(self, index: int) -> Term:
        """The value of a variable."""
        return self.read((VARIABLE, index))

    def timer(self, index: int) -> Term:
        """The ticks of a timer."""
        return self.read((TIMER, index))

    def lane(self, index: int) -> Term:
        """What is in a lane."""
        return self.read((LANE, index))

    def local(self, slot: int) -> Term:
        """A local value; of one that nothing has bound, 0."""
        if slot in self.locals:
            return self.locals[slot]
        return self.message(slot) if self.message is not None else number(0)

    def occurred(self) -> str:
        """The events of the last step: of a property, which reads states that are reached."""
        return f"{self.base}occurred"


class Message:
    """The message that a step takes: slot 0 its kind, the others its fields."""

    def __init__(self, system: System, names: Names, kinds: frozenset[int], text: str) -> None:
        self.system = system
        self.names = names
        self.kinds = sorted(kinds)
        self.text = text

    def known(self, kind: int) -> Message:
        """The same message where its kind is known."""
        return Message(self.system, self.names, frozenset([kind]), self.text)

    def __call__(self, slot: int) -> Term:
        """The term of a slot."""
        if slot == 0:
            return Term(f"{self.text}.kind", self.names.kinds)
        return self._field(slot - 1)

    def _field(self, index: int) -> Term:
        fields = {kind: self._of(kind, index) for kind in self.kinds}
        found = set(fields.values())
        if not found:
            return number(0)
        if len(found) == 1:
            return found.pop()
        return self._by_kind(fields)

    def _by_kind(self, fields: Mapping[int, Term]) -> Term:
        """Kinds that have different fields in the same place: as a number, whichever it is."""
        *first, last = fields
        text = self._number(fields[last])
        for kind in reversed(first):
            text = f'IF {self.text}.kind = "{self.names.kinds[kind]}" THEN {self._number(fields[kind])} ELSE {text}'
        return Term(f"({text})")

    def _number(self, term: Term) -> str:
        if term.value is not None or term.sort == NUMBER:
            return term.text
        return f"Number({term.text})" if isinstance(term.sort, str) else f"Rank({term.text}, {self.names.enumeration(term.sort)})"

    def _of(self, kind: int, index: int) -> Term:
        fields = self.system.messages[kind].fields
        if index >= len(fields):
            return number(0)
        return Term(f"{self.text}.{self.names.fields[kind][index]}", sort_of(fields[index].domain))


__all__ = ["EVENTS", "LANE", "TIMER", "VARIABLE", "Message", "Place", "Values"]
