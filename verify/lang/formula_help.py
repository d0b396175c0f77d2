"""What to do about a syntax error in a formula of linear temporal logic, or where one was meant."""

from __future__ import annotations

import re

from verify.base.diagnostic import did_you_mean

_TIME = ("always", "eventually", "until", "release", "weakly")
_WORDS = (*_TIME, "not", "and", "or", "implies")
_ELSEWHERE = {
    "G": "always",
    "F": "eventually",
    "U": "until",
    "R": "release",
    "V": "release",
    "W": "weakly until",
    "[": "always",
    "<": "eventually",
    "!": "not",
    "&": "and",
    "|": "or",
    "-": "implies",
    "->": "implies",
}
_FRONTS = (["always"], ["eventually"], ["always", "eventually"], ["eventually", "always"])
_AFTERWARDS = re.compile(r"^\s*(check|scenario|topology|machine|let|enum|message|record|protocol|reference|use)\b", re.MULTILINE)


def formula_help(before: str, met: str) -> str:
    """A help line for an unexpected ``met`` after the text ``before``; "" where no formula is meant."""
    headings = list(re.finditer(r"\bproperty\s+\w+\s*:", before))
    if not headings:
        return ""
    inside = re.sub(r"#[^\n]*", "", before[headings[-1].end() :])
    words = inside.split()
    if not words or _AFTERWARDS.search(inside):
        return ""
    last = re.search(r"(\w*)\s*$", inside)
    previous = last[1] if last else ""
    if words[0] == "ltl":
        return _within(inside, previous, met)
    if met in _TIME or (previous in _TIME and words not in _FRONTS):
        return (
            "words of time stand once, in front; put 'ltl' there to write a formula of them: ltl always eventually {…}"
        )
    return ""


def _within(inside: str, previous: str, met: str) -> str:
    if inside.count("{") > inside.count("}"):
        time = met in _TIME or previous in _TIME
        return "words of time stand outside of the braces: always {…}" if time else ""
    if {met, previous} & {"X", "next"}:
        return "there is no 'next': what other instances do may come between any two steps"
    for word in (met, previous):
        if word in _ELSEWHERE:
            return f"write '{_ELSEWHERE[word]}'"
    if previous == "weakly":
        return "write 'weakly until'"
    if met in ("within", "for"):
        return "a formula has no durations; 'within' and 'for longer than' are forms of their own, without 'ltl'"
    if met == "leads" or previous == "whenever":
        return "in a formula, write: always ({…} implies eventually {…})"
    for word in (met, previous):
        if word not in _WORDS and (meant := did_you_mean(word, _WORDS)):
            return meant
    return "conditions stand in braces: ltl always {a is Active}"
