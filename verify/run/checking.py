"""One scenario's checks to results: open parameters enumerated or left to the solvers, engines run, claims judged."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, assert_never

from verify.base.budget import Budget, Keeping, Limits, Progress
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.engines.claim import Claim, Fails, Faulty, Holds, Unknown, Unrolled
from verify.judge.judge import Convicted, Ruling, judge
from verify.lang.specification import Check, Task
from verify.passes.valuations import MOST, allowed, close, close_property, valuations
from verify.run.agreement import cross_checked, witnesses
from verify.run.choosing import Engine, How, claims, few_values, solved, symbolic_claims
from verify.run.racing import Latecomer
from verify.system.display import show_value
from verify.system.property import Property
from verify.system.serialise import digest
from verify.system.system import System

UNASKED = 240.0  # seconds of the symbolic engine for a property that only it can decide, where there is no limit
TRIED = 4  # values of open parameters, where there are too many
BRIEF_SECONDS = 5.0  # for each of them
BRIEF_STATES = 300_000
Report = Callable[[Progress], None]
AS_NEEDED = How()


@record
class Result:
    """The verdict on one check.

    ``system``: what ``ruling`` is about: closed if there is a run, ``values`` tells for which open parameters. ``asked``: the
    property as it is meant there.
    """

    spec: str
    scenario: str
    check: Check
    ruling: Ruling
    system: System
    asked: Property
    values: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """What is known."""
        return self.ruling.verdict

    @property
    def file_name(self) -> str:
        """How files about it are called, without an ending."""
        spec = Path(self.spec)
        return f"{spec.parent.name}-{spec.stem}.{self.scenario}.{self.check.property.name}".lstrip("-.")

    def as_expected(self, *, strict: bool = False) -> bool:
        """Whether this is what the check expects; under ``strict`` a vacuous proof is not."""
        return self.verdict is self.check.expected and not (strict and self.ruling.vacuous)


def check_task(  # noqa: PLR0913 - what a run depends on
    spec: str,
    task: Task,
    limits: Limits,
    report: Report | None = None,
    how: How = AS_NEEDED,
    checkpoint: Path | None = None,
) -> list[Result]:
    """Decide all the checks of a task, in their order. ``checkpoint``: the folder in which its long searches are kept."""
    start = time.monotonic()
    budget = Budget(limits, report, keeping=_keeping(task.system, checkpoint))
    properties = [c.property for c in task.checks]
    if task.system.parameters:
        answers = _open(task.system, properties, budget, how)
    else:
        rulings = _closed(task.system, properties, budget, how)
        answers = [Answer(r, task.system, asked) for asked, r in zip(properties, rulings, strict=True)]
    seconds = time.monotonic() - start
    return [
        Result(spec, task.scenario, check, *answer, seconds)
        for check, answer in zip(task.checks, answers, strict=True)
    ]


def _keeping(system: System, folder: Path | None) -> Keeping | None:
    if folder is None:
        return None
    from verify.engines.native.checkpoint import belongs  # noqa: PLC0415 - LLVM takes a while to load

    owner = digest(system)
    belongs(folder, owner)
    return Keeping(folder, owner)


def _closed(system: System, properties: list[Property], budget: Budget, how: How) -> list[Ruling]:
    if how.cross_check:
        return cross_checked(system, properties, budget, *witnesses(how))
    answers = claims(system, properties, budget, how)
    return [judge(system, asked, claim) for asked, claim in zip(properties, answers, strict=True)]


class Answer(NamedTuple):
    """What a result says: see there."""

    ruling: Ruling
    system: System
    asked: Property
    values: str = ""


def _open(system: System, properties: list[Property], budget: Budget, how: How) -> list[Answer]:
    """Every valuation of the open parameters; the first that is not a proof decides, and is named."""
    known = valuations(system)
    if known.too_many or (how.engine is Engine.SYMBOLIC and known.all):
        if how.engine is Engine.SYMBOLIC:
            return _for_all(system, properties, budget, "")
        return _a_few_before_all(system, properties, budget, how, known.total)
    if not known.all:
        reason = "no values of the open parameters satisfy every assume"
        return [Answer(Ruling(Verdict.INVALID, reason), system, asked) for asked in properties]
    decided: list[Answer | None] = [None] * len(properties)
    counted = [(0, 0, 0)] * len(properties)
    vacuous = [True] * len(properties)
    proved: list[dict[tuple[int, ...], tuple[str, ...]]] = [{} for _ in properties]  # and the engines that agreed
    with Latecomer(system, properties, budget, solved if how == AS_NEEDED else None) as solvers:
        for values in known.all:
            for i, claim in solvers.news():
                if decided[i] is None:
                    decided[i] = _not_proved_before(system, properties[i], claim, proved[i])
            waiting = [i for i, answer in enumerate(decided) if answer is None]
            if not waiting:
                break
            closed = close(system, values)
            asked = [close_property(properties[i], values) for i in waiting]
            for i, here, ruling in zip(waiting, asked, _closed(closed, asked, budget, how), strict=True):
                if ruling.verdict is Verdict.PROVED:
                    proved[i][values] = ruling.agreed
                else:
                    decided[i] = Answer(ruling, closed, here, _named(system, values))
                states, transitions, depth = counted[i]
                counted[i] = (states + ruling.states, transitions + ruling.transitions, max(depth, ruling.depth))
                vacuous[i] = vacuous[i] and ruling.vacuous
    return [
        answer or Answer(_proved(proved[i], *counted[i], vacuous=vacuous[i]), system, properties[i])
        for i, answer in enumerate(decided)
    ]


def _not_proved_before(system: System, asked: Property, claim: Claim, proved: Container[tuple[int, ...]]) -> Answer:
    """The solvers' answer; Convicted if it is a violation for values for which a search has proved the property."""
    answer = _one_for_all(system, asked, claim, "")
    evidence = getattr(claim.answer, "evidence", None)
    if answer.ruling.verdict is not Verdict.PROVED and isinstance(evidence, Unrolled) and evidence.values in proved:
        raise Convicted(f"a search and the solvers disagree about '{asked.name}' for {_named(system, evidence.values)}")
    return answer


def _a_few_before_all(
    system: System, properties: list[Property], budget: Budget, how: How, total: int
) -> list[Answer]:
    """Too many values to be searched one by one: violations for a few of them, by searches; else what the solvers say of all."""
    decided: dict[int, Answer] = {}
    for values in few_values(system, TRIED):
        waiting = [i for i in range(len(properties)) if i not in decided]
        closed = close(system, values)
        asked = [close_property(properties[i], values) for i in waiting]
        for i, here, ruling in zip(waiting, asked, _closed(closed, asked, _brief(budget), how), strict=True):
            if ruling.verdict in (Verdict.VIOLATED, Verdict.INVALID):
                decided[i] = Answer(ruling, closed, here, _named(system, values))
        if len(decided) == len(properties):
            break
    left = [i for i in range(len(properties)) if i not in decided]
    answers = _for_all(system, [properties[i] for i in left], _short(budget, len(left)), _too_many(total)) if left else []
    decided |= dict(zip(left, answers, strict=True))
    return [decided[i] for i in range(len(properties))]


def _brief(budget: Budget) -> Budget:
    """A budget for one of the few: it is not worth more."""
    limits, left = budget.limits, math.inf
    if limits.seconds is not None:
        left = max(0.0, limits.seconds - budget.seconds()) / 2
    states = BRIEF_STATES if limits.states is None else min(BRIEF_STATES, limits.states)
    return Budget(replace(limits, seconds=min(BRIEF_SECONDS, left), states=states), budget.report)


def _short(budget: Budget, count: int) -> Budget:
    """A budget of UNASKED seconds for each of so many properties, or what is left if that is less."""
    left = budget.limits.seconds
    seconds = UNASKED * count if left is None else min(UNASKED * count, max(0.0, left - budget.seconds()))
    return Budget(replace(budget.limits, seconds=seconds), budget.report)


def _too_many(total: int) -> str:
    return f"{total:,} valuations of the open parameters are more than {MOST:,}; symbolic (for longer: --engine symbolic): "


def _for_all(system: System, properties: list[Property], budget: Budget, why: str) -> list[Answer]:
    """The symbolic engine's answers: a proof is one for all values, a trace is judged in the system closed for its values."""
    return [_one_for_all(system, p, c, why) for p, c in zip(properties, symbolic_claims(system, properties, budget), strict=True)]


def _one_for_all(system: System, asked: Property, claim: Claim, why: str) -> Answer:
    match claim.answer:
        case Unknown(reason):
            return Answer(replace(judge(system, asked, claim), backing=why + reason), system, asked)
        case Fails(trace, evidence) | Holds(evidence, trace) | Faulty(_, trace, evidence):
            if trace is None or not isinstance(evidence, Unrolled):
                return Answer(judge(system, asked, claim), system, asked)
            values = evidence.values
            closed = close(system, values)
            here = replace(claim.answer, evidence=replace(evidence, digest=digest(closed)))
            if evidence.digest != digest(system) or not allowed(system, values):
                raise Convicted(f"{evidence.engine} found a trace of another system than '{system.name}'")
            meant = close_property(asked, values)
            return Answer(judge(closed, meant, replace(claim, answer=here)), closed, meant, _named(system, values))
        case _:
            assert_never(claim.answer)


def _proved(
    proved: Mapping[tuple[int, ...], tuple[str, ...]], states: int, transitions: int, depth: int, *, vacuous: bool
) -> Ruling:
    """A proof for each valuation, as one; they ``agreed`` who agreed on each."""
    backing = f"exhausted for each of {len(proved):,} valuations: {states:,} states, {transitions:,} transitions"
    first, *others = proved.values()
    agreed = tuple(name for name in first if all(name in names for names in others))
    return Ruling(Verdict.PROVED, backing, None, vacuous, (), states, transitions, depth, agreed=agreed)


def _named(system: System, values: tuple[int, ...]) -> str:
    pairs = zip(system.parameters, values, strict=True)
    return ", ".join(f"{p.name} = {show_value(v, p.domain, system)}" for p, v in pairs)
