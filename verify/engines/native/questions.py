"""What is asked of a space: the predicates of all properties, each a bit, and who needs which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from verify.automata.automaton import Automaton
from verify.automata.tableau import TooLarge, translate
from verify.engines.native.values import Unsupported
from verify.system.expression import TRUE, Expression, events_of, negation
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    Form,
    LeadsTo,
    Ltl,
    Never,
    NeverLonger,
    Possible,
    Until,
    Within,
)

MOST_ATOMS = 10  # of a formula of LTL: each doubles the table of its automaton
WINDOW = 15  # predicates whose truth an edge can carry
MOST = 60  # predicates that one search follows


@dataclass(slots=True)
class Questions:
    """The predicates, in the order of their bits. ``wanted``, ``on_arrival``: those that the search looks for, as masks."""

    predicates: list[Expression] = field(default_factory=list)
    wanted: int = 0
    on_arrival: int = 0
    blocks: dict[int, int] = field(default_factory=dict)  # of a form, by identity: its first predicate
    automata: dict[int, Automaton] = field(default_factory=dict)  # of formulas of LTL: of their negation

    @property
    def events(self) -> tuple[int, ...]:
        """The events that some predicate asks for."""
        return tuple(sorted(frozenset().union(*(events_of(p) for p in self.predicates))))

    def bit(self, predicate: Expression) -> int:
        """The number of a predicate."""
        return self.predicates.index(predicate)

    def _known(self, predicate: Expression) -> int:
        if predicate not in self.predicates:
            self.predicates.append(predicate)
        return self.predicates.index(predicate)

    def _want(self, predicate: Expression | None) -> None:
        if predicate is None:
            return
        if events_of(predicate):
            self.on_arrival |= 1 << self._known(predicate)
        else:
            self.wanted |= 1 << self._known(predicate)

    def add(self, form: Form) -> None:
        """Follow what a form needs, as far as it is not followed for its cycles already."""
        match form:
            case Never(bad, premise):
                self._want(bad)
                self._want(premise)
            case Possible(good):
                self._want(good)
            case NeverLonger(bad):
                self._known(bad)
                self._known(negation(bad))
            case Within(trigger, response):
                if trigger is not None:
                    self._want(trigger)
                self._known(response)
            case LeadsTo(trigger, _):
                self._want(trigger)
            case _:
                pass

    def add_block(self, form: Form) -> None:
        """Give a form that speaks of endless runs neighbouring bits, within one window."""
        wanted = atoms(form)
        if isinstance(form, Ltl):
            try:
                self.automata[id(form)] = translate(form.formula, negated=True)
            except TooLarge as problem:
                raise Unsupported(str(problem)) from None
            wanted = list(self.automata[id(form)].atoms) or [TRUE]
        if len(wanted) > (MOST_ATOMS if isinstance(form, Ltl) else WINDOW):
            raise Unsupported(f"a formula of {len(wanted)} predicates")
        start = len(self.predicates)
        if start // WINDOW != (start + len(wanted) - 1) // WINDOW:
            start = -(-start // WINDOW) * WINDOW
            self.predicates += [wanted[0]] * (start - len(self.predicates))
        self.blocks[id(form)] = start
        self.predicates += wanted


def atoms(form: Form) -> list[Expression]:
    """The predicates of a form that speaks of endless runs, in a fixed order; none of the others."""
    match form:
        case Eventually(good) | AlwaysEventually(good):
            return [good]
        case EventuallyAlways(good):
            return [negation(good)]
        case LeadsTo(trigger, response):
            return [trigger, response]
        case Until(hold, goal):
            return [hold, goal]
        case _:
            return []


def gathered(forms: Sequence[Form]) -> tuple[Questions, int]:
    """The questions of as many forms, from the first on, as one search can follow; and their number."""
    count = len(forms)
    while True:
        questions = Questions()
        for form in forms[:count]:
            if atoms(form) or isinstance(form, Ltl):
                questions.add_block(form)
        for form in forms[:count]:
            if not isinstance(form, Ltl):
                questions.add(form)
        if len(questions.predicates) <= MOST:
            return questions, count
        if count == 1:
            raise Unsupported("a property of too many predicates")
        count = max(1, count * MOST // len(questions.predicates))
