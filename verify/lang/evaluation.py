"""The value of an expression: one meaning for each kind of node, registered by the modules that know it.

``expressions`` brings them together; whoever evaluates imports from here.
"""

from __future__ import annotations

import functools

from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.topology_syntax import Rate
from verify.lang.values import BOOL, FAULTY, NUMBER, SPAN, Faulty, Ratio, Scalar, ScalarType, Value, describe
from verify.system.expression import FALSE, Constant, Expression


@functools.singledispatch
def meaning(e: s.Expr, env: Env, hint: ScalarType | None) -> Value:
    """The value of one kind of node; each is registered where its kind belongs."""
    del env, hint
    message = f"{type(e).__name__} has no meaning"
    raise TypeError(message)


@meaning.register
def _rate(e: Rate, env: Env, _hint: ScalarType | None) -> Value:
    help_text = "a rate stands beside flow: flow(a, b) >= 1G"
    return env.build.report("E713", f"{e.text} is a rate, and nothing that machines reckon with", e.place, help_text)


def evaluate(e: s.Expr, env: Env, hint: ScalarType | None = None) -> Value:
    """The value of an expression; faults are reported and give Faulty. ``hint``: the enum that bare members belong to."""
    env.build.spend(e.place)
    return meaning(e, env, hint)


def truth(e: s.Expr, env: Env) -> Expression:
    """A truth value; anything else is reported."""
    return scalar(e, env, BOOL, "a truth value")


def scalar(e: s.Expr, env: Env, type_: ScalarType, what: str) -> Expression:
    """A scalar of a type; anything else is reported (and the type's least value goes on)."""
    value = evaluate(e, env, type_)
    if isinstance(value, Scalar) and value.type == type_:
        return value.expression
    if isinstance(value, Ratio):
        unrounded(e, env)
    elif not isinstance(value, Faulty):
        env.build.report("E401", f"{what} is needed here, this is {describe(value)}", e.place, _unit_help(type_, value, what))
    return FALSE


def constant(e: s.Expr, env: Env, type_: ScalarType, what: str) -> int | None:
    """A number that is known in the scenario; None, reported, if it is not."""
    before = len(env.build.faults)
    expression = scalar(e, env, type_, what)
    if len(env.build.faults) > before:
        return None
    if isinstance(expression, Constant):
        return expression.value
    env.build.report(
        "E402", f"{what} must be known before the scenario runs", e.place, "use numbers and parameters only"
    )
    return None


def unrounded(e: s.Expr, env: Env) -> Faulty:
    """Report a quotient that nobody rounds."""
    help_text = "write: rounded down to 10ms (…), rounded up (…), rounded nearest (…)"
    return env.build.report("E403", "a division must say how it is rounded", e.place, help_text)


def unfit(value: Value, wanted: str, e: s.Expr, env: Env) -> Value:
    """Report that a value is not what is wanted; silent if that was told already."""
    if isinstance(value, Faulty):
        return FAULTY
    return env.build.report("E401", f"{wanted} is needed here, this is {describe(value)}", e.place)


def _unit_help(wanted: ScalarType, value: Value, what: str) -> str:
    if wanted == SPAN and isinstance(value, Scalar) and value.type == NUMBER:
        return "a duration has a unit: 10ms, 3s"
    if wanted == NUMBER and isinstance(value, Scalar) and value.type == SPAN:
        if what == "a bound":
            return "a range of durations is written: duration 1s..3s"
        return "a quotient of two durations is a number"
    return ""
