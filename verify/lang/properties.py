"""Properties of the language to properties of the system."""

from __future__ import annotations

from dataclasses import replace

from verify.base.diagnostic import Severity
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import scalar, truth
from verify.lang.model import Build
from verify.lang.scopes import Scope
from verify.lang.values import SPAN
from verify.system import property as p
from verify.system.build import is_rigid
from verify.system.expression import Apply, Constant, Expression, Operator, negation
from verify.system.wellformed import nodes


def lower_property(declaration: s.PropertyDecl, scope: Scope, build: Build) -> p.Property:
    """The property in a scenario; faults are reported."""
    env = Env(build, scope, in_property=True)
    form = _form(declaration.form, env)
    if not isinstance(form, p.Ltl):
        form = replace(form, labels=_labels(declaration, env))
    return p.Property(declaration.name, form, declaration.text)


def _labels(declaration: s.PropertyDecl, env: Env) -> p.Labels:
    """The parts that nobody can read once they are written out, in their own words. Reports nothing: all was reported."""
    build = env.build
    reported, effort = len(build.faults), build.effort
    if any(f.severity is Severity.ERROR for f in build.faults):
        return ()
    found: dict[Expression, str] = {}
    for part, text in declaration.parts:
        build.effort = 0  # it was spent before
        lowered = truth(part, env)
        if text and any(isinstance(n, Apply) and n.operator is Operator.IF for n in nodes(lowered)):
            found.setdefault(lowered, text)
    build.effort = effort
    del build.faults[reported:]
    return tuple(p.Label(e, text) for e, text in found.items())


def _form(form: s.FormNode, env: Env) -> p.Form:
    if form.ltl is not None:
        return p.Ltl(_ltl(form.ltl, env))
    parts = [truth(e, env) for e in form.predicates]
    bound = _bound(form.bound, env) if form.bound is not None else None
    match form.kind:
        case "never":
            return p.Never(parts[0]) if bound is None else p.NeverLonger(parts[0], bound)
        case "always":
            return p.Never(negation(parts[0]), _premise(form.predicates[0], env))
        case "possible":
            return p.Possible(parts[0])
        case "eventually":
            return p.Eventually(parts[0]) if bound is None else p.Within(None, parts[0], bound)
        case "eventually always":
            return p.EventuallyAlways(parts[0])
        case "always eventually":
            return p.AlwaysEventually(parts[0])
        case "whenever":
            return p.Within(parts[0], parts[1], bound if bound is not None else Constant(0))
        case "leads to":
            return p.LeadsTo(parts[0], parts[1])
        case _:
            return p.Until(parts[0], parts[1])


def _premise(e: s.Expr, env: Env) -> Expression | None:
    if isinstance(e, s.Chain) and e.operators[0] == "implies":
        return truth(e.operands[0], env)
    return None


def _bound(e: s.Expr, env: Env) -> Expression:
    bound = scalar(e, env, SPAN, "a duration")
    if not is_rigid(bound):
        env.build.report(
            "E402", "a bound must be known before the scenario runs", e.place, "use numbers and parameters only"
        )
        return Constant(0)
    low, _ = env.interval(bound)
    if low < 0:
        env.build.report("E302", "a bound cannot be negative", e.place)
    return bound


_LTL_WORDS = {"not", "and", "or", "implies", "always", "eventually", "until", "release", "weakly until"}


def _ltl(node: s.LtlNode, env: Env) -> p.LtlFormula:
    if node.predicate is not None:
        return p.LtlAtom(truth(node.predicate, env))
    assert node.operator in _LTL_WORDS  # noqa: S101 - the grammar has no other
    return p.LtlApply(node.operator, tuple(_ltl(a, env) for a in node.arguments))
