"""Answers about topologies in words: what failed, what is parted from what, how much is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from verify.run.surveys import SurveyResult
from verify.topology.network import Network
from verify.topology.question import Cut, Question, Requirement, Violation

INDENT = "    "
UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
MOST_NAMED = 8


def rate(amount: Fraction | None) -> str:
    """An amount in bit/s as the language writes it, to four digits; None is without limit."""
    if amount is None:
        return "without limit"
    for size, letter in UNITS:
        if amount >= size:
            return f"{float(amount / size):.4g}{letter}"
    return f"{float(amount):.4g}"


def names(parts: Iterable[str], network: Network | None = None) -> str:
    """Names in a row, those of many left out; with titles where a node's name is only a number."""
    shown = [network.titles.get(p, p) if network is not None else p for p in sorted(parts)]
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED + 1 else ""
    return ", ".join(shown[:MOST_NAMED] if more else shown) + more


def asked(requirement: Requirement) -> str:
    """A requirement as the language writes it."""
    if len(requirement.demands) > 1:
        return f"carries({', '.join(d.name for d in requirement.demands)})"
    d = requirement.demands[0]
    return f"flow({d.a}, {d.b}) >= {rate(d.amount)}" if d.amount else f"connected({d.a}, {d.b})"


def explain_survey(result: SurveyResult) -> str:
    """The failure behind a violation, or the routes behind a proof, in words; "" if there are none."""
    lines = violation_lines(result)
    return "\n".join(f"{INDENT}{line}" for line in lines) + "\n" if lines else ""


def violation_lines(result: SurveyResult) -> Sequence[str]:
    """The first failure that breaks a property, in lines; none if there is none."""
    found = result.answer.violations
    return _violation(found[0], result.check.property.question) if found else ()


def _violation(violation: Violation, question: Question) -> Sequence[str]:
    failed = ", ".join(f"{u.kind} {u.name}" + _members(u.name, u.atoms, group=u.group) for u in violation.failed)
    requirement = question.requirements[violation.obstacle.requirement]
    lines = [
        f"when {failed} {'fails' if len(violation.failed) == 1 else 'fail'}:" if failed else "with nothing failed:"
    ]
    seen: set[str] = set()
    for _, reason in violation.obstacle.reasons:
        if isinstance(reason, Cut):
            demand = next(d for d in requirement.demands if d.name == reason.demand)
            rest = [n for n in question.network.nodes if n not in reason.side]
            told = f"from {{{names(reason.side)}}} to {{{names(rest)}}} "
            told += f"goes {rate(reason.left)} of {rate(demand.amount)}" if demand.amount else "goes nothing"
        else:
            told = f"at most {float(reason.share) * 100:.1f} % of every demand of {asked(requirement)} can be carried at once"
        if told not in seen:
            lines.append(INDENT + told)
        seen.add(told)
    return lines


def _members(name: str, atoms: frozenset[str], *, group: bool) -> str:
    return f" ({names(atoms)})" if group and atoms != {name} else ""
