"""Random walks, reproducible by their seed."""

from __future__ import annotations

import random

from verify.semantics.interpreter import TICK, Choice, Interpreter, Outcome
from verify.system.system import System
from verify.trace.trace import Run, Trace


def random_walk(system: System, seed: int, steps: int) -> Run:
    """A run of at most ``steps`` steps besides ticks, drawn with ``seed``; ends early at an error or where nothing can happen.

    While time can pass, a tick is as likely as all other steps together, so that rare faults do not all strike at once.
    """
    interpreter = Interpreter(system)
    draw = random.Random(seed)  # noqa: S311 - a walk, no secret
    outcomes = [draw.choice(interpreter.initial())]
    taken = ticks = 0
    while taken < steps and ticks < 1000 * steps and outcomes[-1].state is not None:
        possible = interpreter.outcomes(outcomes[-1].state)
        if not possible:
            break
        outcomes.append(_drawn(possible, draw))
        if outcomes[-1].choice.step == TICK:
            ticks += 1
        else:
            taken += 1
    choices: tuple[Choice, ...] = tuple(o.choice for o in outcomes)
    return Run(Trace(choices), tuple(outcomes), outcomes[-1].failed)


def _drawn(possible: list[Outcome], draw: random.Random) -> Outcome:
    passing = [o for o in possible if o.choice.step == TICK]
    others = [o for o in possible if o.choice.step != TICK]
    if passing and others:
        return draw.choice(passing if draw.random() < 0.9 else others)
    return draw.choice(passing or others)
