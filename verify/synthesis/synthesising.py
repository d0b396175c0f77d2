"""One property of an open scenario to the condition under which it holds: what the solvers say is judged, piece by piece.

Inside: the system that assumes the condition is PROVED, by a certificate that the judge checks. Outside: at each bound, and at
some values more, a trace that the judge replays in the system closed for them. Beside each bound the nearest values inside are
closed too, and put to the search that ``check`` uses, which knows nothing of all this. Convicted if two of these disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from verify.base.budget import Budget, Limits, Progress
from verify.base.verdict import Verdict
from verify.engines.claim import Claim, Fails, Fault, Faulty, Unrolled
from verify.engines.region import Covered, Looked, Met, News, Safe, Sample, Stuck, Whole, point
from verify.judge.judge import Convicted, Ruling, judge
from verify.lang.specification import Check, Task
from verify.passes.valuations import MOST, allowed, close, close_property, valuations
from verify.run.choosing import How, claims
from verify.synthesis.asking import Asked
from verify.synthesis.condition import Condition, Known, Shown
from verify.system.display import show_value
from verify.system.property import Never, NeverLonger, Within
from verify.system.serialise import digest
from verify.trace.trace import Trace

TURN = 0.02  # seconds between two looks
SOLVING = 0.7  # of the time, for the solvers; the rest is for what they could not do
BESIDE = 20.0  # seconds for the values beside a bound
MOST_BESIDE = 8  # of them are looked at
Report = Callable[[Progress], None]
ASKED = (Never, NeverLonger, Within)  # forms whose condition can be looked for


def synthesise(spec: str, task: Task, check: Check, limits: Limits, report: Report | None = None) -> Condition:
    """The condition on the open parameters of a task's system under which one of its properties holds, as far as it is found."""
    return _Synthesising(Condition(spec, task.scenario, check, task.system), limits, report).run()


class _Synthesising:
    def __init__(self, condition: Condition, limits: Limits, report: Report | None) -> None:
        self.found = condition
        self.system = condition.system
        self.asked = condition.check.property
        self.limits = limits
        self.report = report
        self.start = time.monotonic()
        self.near: dict[tuple[int, ...], None] = {}

    def run(self) -> Condition:
        """Listen to the solvers to their end, then look at what they left."""
        part = None if self.limits.seconds is None else SOLVING * self.limits.seconds
        with Asked(self.system, self.asked, replace(self.limits, seconds=part)) as solvers:
            while True:
                running = solvers.running
                for item in solvers.news():
                    self.hear(item)
                if not running:
                    break
                self.tell()
                time.sleep(TURN)
            self.found.why = self.found.why or solvers.problem
        if self.found.known is not Known.INVALID:
            self.left_over()
            self.alongside()
        self.found.seconds = time.monotonic() - self.start
        return self.found

    def tell(self) -> None:
        """Progress."""
        if self.report is not None:
            self.report(Progress(self.system.name, 0, 0, 0, max(0, self.found.depth), time.monotonic() - self.start))

    def hear(self, item: News) -> None:
        """Take one piece of news, judged."""
        found = self.found
        match item:
            case Met(region, values, trace, failed):
                if trace is not None:
                    self.shown(values, trace, failed=failed)
                found.regions, found.failed = (*found.regions, region), (*found.failed, failed)
                found.inside = None
            case Covered(regions, failed, named):
                found.regions, found.failed, found.named = regions, failed, named
                found.inside = None
            case Safe(claim):
                assumed = (*self.system.assumptions, *found.assumptions)
                found.inside = judge(replace(self.system, assumptions=assumed), self.asked, claim)
                found.why = found.why if found.inside.verdict is Verdict.PROVED else found.inside.backing
            case Whole():
                found.whole = True
            case Sample():
                self.sampled(item)
            case Looked(depth):
                found.depth = depth
            case Stuck(why):
                found.why = why
                found.invalid = why.startswith("no values")

    # ---- single values

    def shown(self, values: tuple[int, ...], trace: Trace, *, failed: bool, at_bound: bool = False) -> None:
        """A trace that the solvers found, judged in the system that is closed for its values."""
        if not allowed(self.system, values):
            raise Convicted(f"the solvers name values that are not assumed: {self.named(values)}")
        closed, asked = close(self.system, values), close_property(self.asked, values)
        evidence = Unrolled("symbolic", 0, (), digest(closed))
        answer = Faulty(Fault.FAILURE, trace, evidence) if failed else Fails(trace, evidence)
        self.keep(Shown(self.named(values), judge(closed, asked, Claim(answer)), closed, at_bound))

    def keep(self, shown: Shown) -> None:
        """Once for the same values."""
        known = [other for other in self.found.outside if shown.values == other.values]
        if not any(other.at_bound or not shown.at_bound for other in known):
            self.found.outside = [*(o for o in self.found.outside if o not in known), shown]

    def sampled(self, sample: Sample) -> None:
        """Values at a bound, or anywhere in a region: bad. Beside the bound: to be looked at."""
        if sample.trace is not None:
            self.shown(sample.values, sample.trace, failed=sample.failed, at_bound=sample.facet is not None)
        else:
            ruling = self.searched(sample.values)
            if ruling.verdict is Verdict.PROVED:
                raise Convicted(f"'{self.asked.name}' is proved for {self.named(sample.values)}, where it should fail")
            if ruling.verdict is Verdict.UNDECIDED:
                self.found.bare += sample.facet is not None
            else:
                closed = close(self.system, sample.values)
                self.keep(Shown(self.named(sample.values), ruling, closed, sample.facet is not None))
        if sample.beside is not None:
            self.near.setdefault(sample.beside)

    def searched(self, values: tuple[int, ...]) -> Ruling:
        """What the searches of ``check`` say of single values."""
        if not allowed(self.system, values):
            raise Convicted(f"the solvers name values that are not assumed: {self.named(values)}")
        closed, asked = close(self.system, values), close_property(self.asked, values)
        budget = Budget(replace(self.limits, seconds=self.seconds(BESIDE)), self.report)
        return judge(closed, asked, claims(closed, [asked], budget, How())[0])

    def alongside(self) -> None:
        """The values beside the bounds: the property should hold there, where no region was found that has them after all."""
        left = replace(self.system, assumptions=(*self.system.assumptions, *self.found.assumptions))
        near = [v for v in self.near if not self.found.whole and (not allowed(self.system, v) or allowed(left, v))]
        for values in near[:MOST_BESIDE]:
            ruling = self.searched(values)
            self.found.beside.append(Shown(self.named(values), ruling, close(self.system, values), at_bound=True))
            if ruling.verdict in (Verdict.VIOLATED, Verdict.INVALID):
                if self.found.known in (Known.EXACT, Known.SUFFICIENT):
                    raise Convicted(f"'{self.asked.name}' is proved, and {ruling.verdict} for {self.named(values)}")
                self.found.missed = True

    # ---- what the solvers left

    def left_over(self) -> None:
        """Where no proof was found, and few values are left: they are searched one by one; bad ones become regions."""
        found = self.found
        if found.whole or (found.inside is not None and found.inside.verdict is Verdict.PROVED):
            return
        proved = 0
        for values in self.few():
            ruling = self.searched(values) if self.seconds(None) != 0 else Ruling(Verdict.UNDECIDED, "out of time")
            if ruling.verdict is Verdict.UNDECIDED:
                found.why = found.why or f"{self.named(values)}: {ruling.backing}"
                return
            if ruling.verdict is Verdict.PROVED:
                proved += 1
                continue
            found.regions, found.failed = (*found.regions, point(values)), (*found.failed, ruling.verdict is Verdict.INVALID)
            self.keep(Shown(self.named(values), ruling, close(self.system, values), at_bound=True))
        if proved:
            found.inside, found.why = Ruling(Verdict.PROVED, f"for each of {proved:,} valuations, searched one by one"), ""
        elif valuations(self.system).total <= MOST:
            found.whole, found.why = True, ""

    def few(self) -> tuple[tuple[int, ...], ...]:
        """The values that are in no region, if they are few."""
        return valuations(replace(self.system, assumptions=(*self.system.assumptions, *self.found.assumptions))).all

    def seconds(self, most: float | None) -> float | None:
        """What is left of the time, and no more than that much."""
        left = None if self.limits.seconds is None else max(0.0, self.limits.seconds - (time.monotonic() - self.start))
        return left if most is None or (left is not None and left < most) else most

    def named(self, values: tuple[int, ...]) -> str:
        """Values in words."""
        pairs = zip(self.system.parameters, values, strict=True)
        return ", ".join(f"{p.name} = {show_value(v, p.domain, self.system)}" for p, v in pairs)


__all__ = ["ASKED", "synthesise"]
