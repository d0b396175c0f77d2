"""Questions about topologies to results: searched, and believed only after the small checker has accepted the answer."""

from __future__ import annotations

import time

from verify.base.budget import Budget, Limits
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.judge.judge import Convicted, Ruling
from verify.lang.topologies import Survey, SurveyCheck
from verify.topology import certificates
from verify.topology.question import Answer
from verify.topology.search import answer


@record
class SurveyResult:
    """The verdict on one check of a topology (``scenario`` is its name), with the answer that backs it."""

    spec: str
    scenario: str
    check: SurveyCheck
    ruling: Ruling
    answer: Answer
    seconds: float
    values: str = ""

    @property
    def verdict(self) -> Verdict:
        """What is known."""
        return self.ruling.verdict

    def as_expected(self, *, strict: bool = False) -> bool:
        """Whether this is what the check expects; under ``strict`` a vacuous proof is not."""
        return self.verdict is self.check.expected and not (strict and self.ruling.vacuous)


def check_survey(spec: str, survey: Survey, limits: Limits) -> list[SurveyResult]:
    """Decide all the checks of a topology, in their order. Convicted if the checker refuses an answer: our bug."""
    found: list[SurveyResult] = []
    for check in survey.checks:
        start = time.monotonic()
        question = check.property.question
        given = answer(question, Budget(limits), first=True)
        try:
            certificates.check(question, given)
        except certificates.Refused as problem:
            message = f"the answer to '{check.property.name}' of '{survey.scenario}' is refused: {problem}"
            raise Convicted(message) from problem
        found.append(SurveyResult(spec, survey.scenario, check, _ruling(check, given), given, time.monotonic() - start))
    return found


def _ruling(check: SurveyCheck, given: Answer) -> Ruling:
    question = check.property.question
    if given.violations:
        return Ruling(Verdict.VIOLATED, "failure checked")
    if given.unknown:
        sure = f"; no violation with up to {given.complete} failures" if given.complete >= 0 else ""
        return Ruling(Verdict.UNDECIDED, f"{given.unknown}{sure}")
    sets = f"{len(given.witnesses)} sets of routes"
    backing = f"certified: {sets}, one stands whichever {question.failures} of {len(question.units)} fail"
    return Ruling(Verdict.PROVED, backing, None, not question.units)
