"""A small open system: a sender beats every ``p0`` ticks, a listener waits ``p1`` ticks for a beat that takes up to 2 ticks."""

from verify.system.domain import Boolean, Range
from verify.system.expression import (
    TRUE,
    Apply,
    Constant,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
    conjunction,
    equal,
)
from verify.system.property import Never, NeverLonger, Possible, Within
from verify.system.statement import Assign, Send, Start, Stop
from verify.system.system import (
    Event,
    Lane,
    Message,
    Parameter,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
)

ALARM = equal(Read(0), TRUE)
DEAD = equal(Read(1), TRUE)
PERIOD, PATIENCE = Rigid(0), Rigid(1)


def at_least(a, b):
    return Apply(Operator.AT_MOST, (b, a))


def plus(a, n):
    return Apply(Operator.ADD, (a, Constant(n)))


def heartbeat(*, slack=3, crash=False, capacity=1, patience=60):
    beat = Step(
        "beat",
        StepKind.TIMEOUT,
        TimerIs(0, TimerStatus.EXPIRED),
        (Send(0, 0, ()), Start(0, PERIOD)),
        TRUE,
    )
    miss = Step(
        "miss",
        StepKind.TIMEOUT,
        TimerIs(1, TimerStatus.EXPIRED),
        (Stop(1), Assign(0, TRUE)),
        TRUE,
    )
    hear = Step(
        "hear",
        StepKind.DELIVERY,
        TRUE,
        (Start(1, PATIENCE), Assign(0, Constant(0))),
        take=Take(0, Taking.DELIVER),
        slots=1,
    )
    steps = (beat, miss, hear)
    if crash:
        die = Step("die", StepKind.ENVIRONMENT, equal(Read(1), Constant(0)), (Stop(0), Assign(1, TRUE)))
        steps = (*steps, die)
    return System(
        "heartbeat",
        10**6,
        variables=(Variable("alarm", Boolean(), 0), Variable("dead", Boolean(), 0)),
        timers=(Timer("beat", 40), Timer("patience", patience)),
        messages=(Message("beat", ()),),
        lanes=(Lane("l", "n", 0, 0, capacity, 0, 2),),
        events=(Event("unused"),),
        steps=steps,
        parameters=(Parameter("period", Range(4, 40)), Parameter("patience", Range(1, 60))),
        assumptions=(at_least(PATIENCE, plus(PERIOD, slack)),),
        initially=(Start(0, Constant(0)), Start(1, PATIENCE)),
    )


NEVER = Never(ALARM)
POSSIBLE = Possible(ALARM)
NOTICED = Within(DEAD, ALARM, plus(PATIENCE, 2))
NOTICED_EARLY = Within(DEAD, ALARM, PATIENCE)
SHORT = NeverLonger(conjunction(ALARM, equal(Read(1), Constant(0))), Constant(2))
