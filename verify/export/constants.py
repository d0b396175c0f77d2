"""What can only ever have one value: variables, and fields of the messages on a lane.

A variable has its initial value for ever if every assignment to it gives it that value; a field of a lane's messages has a value
if every message that is sent there has the field, and it is sent with that value. What is sent and assigned may be other such
values: the largest set of these claims in which each follows from all (by induction over the steps of a run, then, all are true).
"""

from __future__ import annotations

from collections.abc import Iterable

from verify.base.record import record
from verify.system.expression import Apply, Constant, Expression, Local, Operator, Read
from verify.system.statement import Assign, Bind, Choose, Send, statements
from verify.system.system import Step, System

Field = tuple[int, int]  # a lane, and the number of a field


@record
class Constants:
    """The values, of variables and of fields."""

    variables: dict[int, int]
    fields: dict[Field, int]


@record
class _Given:
    """A statement that gives something a value, where it stands (``step`` None: before the first state)."""

    target: int | Field
    value: Expression
    step: Step | None
    rebound: frozenset[int]  # slots that the step binds itself


def constants(system: System) -> Constants:
    """The largest set of claims that follow from one another."""
    given = [g for s in (*system.steps, None) for g in _given(system, s)]
    claims: dict[int | Field, int] = {i: v.initial for i, v in enumerate(system.variables)}
    short = _short(system)
    for g in given * 2:  # twice: what is sent may be what another message brought
        value = _value(g, claims)
        if value is not None and g.target not in short:
            claims.setdefault(g.target, value)
    while wrong := {g.target for g in given if g.target in claims and _value(g, claims) != claims[g.target]}:
        claims = {target: value for target, value in claims.items() if target not in wrong}
    return Constants(
        {t: c for t, c in claims.items() if isinstance(t, int)}, {t: c for t, c in claims.items() if isinstance(t, tuple)}
    )


def _value(given: _Given, claims: dict[int | Field, int]) -> int | None:
    return _of(given.value, given, claims)


def _of(e: Expression, given: _Given, claims: dict[int | Field, int]) -> int | None:
    match e:
        case Constant(value):
            return value
        case Read(variable):
            return claims.get(variable)
        case Local(slot) if slot > 0 and slot not in given.rebound and given.step is not None and given.step.take:
            return claims.get((given.step.take.lane, slot - 1))
        case Apply(Operator.IF, (_, then, otherwise)):
            one, other = _of(then, given, claims), _of(otherwise, given, claims)
            return one if one == other else None
        case _:
            return None


def _given(system: System, step: Step | None) -> Iterable[_Given]:
    every = list(statements(system.initially if step is None else step.body))
    rebound = frozenset(s.slot for s in every if isinstance(s, Bind | Choose))
    for statement in every:
        match statement:
            case Assign(variable, value):
                yield _Given(variable, value, step, rebound)
            case Send(lane, _, fields):
                yield from (_Given((lane, f), value, step, rebound) for f, value in enumerate(fields))
            case _:
                pass


def _short(system: System) -> set[Field]:
    """Fields that not every message on their lane has."""
    sent = [s for step in system.steps for s in statements(step.body) if isinstance(s, Send)]
    sent += [s for s in statements(system.initially) if isinstance(s, Send)]
    width = max((len(m.fields) for m in system.messages), default=0)
    return {(s.lane, f) for s in sent for f in range(len(s.fields), width)}
