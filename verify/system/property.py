"""What can be asked of a system.

Predicates are expressions over a state and the events of the step that led to it (none in the initial state). Runs are
maximal; those that the liveness forms quantify over have infinitely many ticks and keep the declared fairness.
Bounds are expressions over parameters alone, a constant in a closed system. They are inclusive, in ticks: an observer counts the
ticks that pass from states in which it waits, and the first tick that brings it to bound + 1 violates, whatever comes with it.
Labels are for people: forms that differ in nothing else are equal.
"""

from __future__ import annotations

from dataclasses import field

from verify.base.record import record
from verify.system.expression import Expression


@record
class Label:
    """How a part of a property was written, where what it became is no reading for people: a count, written out."""

    expression: Expression
    text: str


Labels = tuple[Label, ...]


@record
class Never:
    """No reachable state satisfies ``bad``. ``premise``: of ``always (p implies q)``, p; it should happen."""

    bad: Expression
    premise: Expression | None = None
    labels: Labels = field(default=(), compare=False)


@record
class NeverLonger:
    """``bad`` does not hold without interruption over more than ``bound`` ticks; a false state of no length interrupts."""

    bad: Expression
    bound: Expression
    labels: Labels = field(default=(), compare=False)


@record
class Possible:
    """Some reachable state satisfies ``good``: proved by a replayed witness, violated by an exhausted search."""

    good: Expression
    labels: Labels = field(default=(), compare=False)


@record
class Within:
    """Whenever ``trigger``, then ``response`` at once or before more than ``bound`` ticks have passed.

    ``trigger`` None: counted from the initial state, once. The obligation is the oldest pending; a repeated trigger does
    not restart it; a response discharges it, and one in the very state of the trigger counts.
    """

    trigger: Expression | None
    response: Expression
    bound: Expression
    labels: Labels = field(default=(), compare=False)


@record
class Eventually:
    """Every run reaches ``good``."""

    good: Expression
    labels: Labels = field(default=(), compare=False)


@record
class EventuallyAlways:
    """Every run satisfies ``good`` from some state on for ever."""

    good: Expression
    labels: Labels = field(default=(), compare=False)


@record
class AlwaysEventually:
    """Every run satisfies ``good`` again and again."""

    good: Expression
    labels: Labels = field(default=(), compare=False)


@record
class LeadsTo:
    """After every ``trigger``, ``response`` (in the same state or a later one)."""

    trigger: Expression
    response: Expression
    labels: Labels = field(default=(), compare=False)


@record
class Until:
    """``hold`` holds until ``goal`` does, and ``goal`` comes."""

    hold: Expression
    goal: Expression
    labels: Labels = field(default=(), compare=False)


@record
class Ltl:
    """A formula of linear temporal logic, over the same runs as the liveness forms."""

    formula: LtlFormula


@record
class LtlAtom:
    """A predicate."""

    predicate: Expression


@record
class LtlApply:
    """``operator``: not, and, or, implies, always, eventually, until, release, weakly until. There is no next."""

    operator: str
    arguments: tuple[LtlFormula, ...]


LtlFormula = LtlAtom | LtlApply

Safety = Never | NeverLonger | Possible | Within  # what a finite run decides, and searches look for shortest runs of
Form = (
    Never | NeverLonger | Possible | Within | Eventually | EventuallyAlways | AlwaysEventually | LeadsTo | Until | Ltl
)


def premise_of(form: Form) -> Expression | None:
    """What should happen for a form to say anything; None if it has no premise."""
    match form:
        case Never(_, premise) | Within(premise) | LeadsTo(premise):
            return premise
        case _:
            return None


@record
class Property:
    """A named question; ``text`` is its form as written."""

    name: str
    form: Form
    text: str = ""
