"""Induction over several steps: what is accepted after k steps is refused after fewer, and never without its base."""

import dataclasses
import time

import pytest
from faults import notices

from verify import api
from verify.base.budget import Budget
from verify.base.verdict import Verdict
from verify.certify import obligations, paths
from verify.certify.check import check
from verify.certify.folder import Invariant, open_certificate, save
from verify.certify.formula import Refused
from verify.cli.main import main
from verify.engines.symbolic.engine import _Search
from verify.judge.judge import Convicted, judge
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Operator, Read, TimerIs, TimerStatus, disjunction
from verify.system.property import Never, NeverLonger, Property, Within
from verify.system.statement import Assign, Start, Stop
from verify.system.system import Step, StepKind, System, Timer, Variable


def v(value):
    return Apply(Operator.EQUAL, (Read(0), Constant(value)))


def goes(*pairs):
    return [Step(f"{a}-{b}", StepKind.ENVIRONMENT, v(a), (Assign(0, Constant(b)),)) for a, b in pairs]


# 0 and 1 come and go; 3, 4, 5 are not reached, and lead from one to the next; 6 leads to itself and to 7
COUNTS = System("counts", 1, variables=(Variable("v", Range(0, 7), 0),), steps=tuple(goes((0, 1), (1, 0), (3, 4), (4, 5), (6, 6), (6, 7))))
ANY = "(and (<= 0 v0) (<= v0 7))"
LOW = "(and (<= 0 v0) (<= v0 5) (not (= v0 2)))"


def accepted(system, form, invariant, steps, rank="0"):
    try:
        check(system, form, invariant, rank, only=["z3"], steps=steps)
    except Refused:
        return False
    return True


def least(system, form, invariant, most=5, rank="0"):
    """The least number of steps that is accepted; all that are more are accepted as well."""
    found = [k for k in range(1, most + 1) if accepted(system, form, invariant, k, rank)]
    assert found == list(range(most + 1 - len(found), most + 1))
    return found[0] if found else None


def states_agree():
    """A tick is a step that goes nowhere, so that what is not reached stays there for ever: ticks have to be excluded."""
    assert least(COUNTS, Never(v(5)), LOW) is None  # 4 may wait as long as it likes
    assert least(COUNTS, Never(v(6)), LOW) == 1
    assert least(COUNTS, Never(v(1)), LOW) is None
    assert least(COUNTS, Never(v(7)), ANY) is None


# here every state is urgent but for 0 and 1, so that no tick waits in 3 or 4
HASTY = System(
    "hasty",
    1,
    variables=(Variable("v", Range(0, 7), 0),),
    steps=tuple(Step(s.name, s.kind, s.guard, s.body, TRUE if s.name[0] in "34" else FALSE) for s in COUNTS.steps[:-2]),
)
RANK = "(ite (= v0 3) 2 (ite (= v0 4) 1 0))"


def paths_agree():
    """A path to a violation has to have an end somewhere."""
    assert least(HASTY, Never(v(5)), LOW, rank=RANK) == 3
    assert least(HASTY, Never(disjunction(v(5), v(4))), LOW, rank=RANK) == 2
    assert least(HASTY, Never(disjunction(v(5), v(4), v(3))), LOW, rank=RANK) == 2
    assert least(HASTY, Never(disjunction(v(5), v(4), v(3))), "(and (<= 0 v0) (<= v0 1))", rank=RANK) == 1
    assert least(HASTY, Never(v(1)), LOW, rank=RANK) is None  # the base: it is reached after a step
    assert least(HASTY, Never(v(0)), LOW, rank=RANK) is None  # at once


def beginnings_agree():
    """Begun at 3 the violation comes after two steps, and no longer run leads to it."""
    late = dataclasses.replace(HASTY, variables=(Variable("v", Range(0, 7), 3),))
    assert least(late, Never(v(5)), LOW, rank=RANK) is None
    assert least(late, Never(v(3)), LOW, rank=RANK) is None


PUSH = Step("push", StepKind.ENVIRONMENT, v(0), (Assign(0, TRUE), Start(0, Constant(2))))
FALL = Step("fall", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Assign(0, FALSE), Stop(0)), TRUE)
LAMP = System("lamp", 1, variables=(Variable("v", Range(0, 1), 0),), timers=(Timer("t", 2),), steps=(PUSH, FALL))


def bounds_agree():
    """The observer goes along: a lamp is on for 2 ticks; where it may be on for longer, it has been so before."""
    typed = "(and (<= 0 v0 1) (<= (- 1) t0 2) (<= (- 1) c) (=> (= v0 0) (and (= t0 (- 1)) (= c (- 1)))) (=> (= v0 1) (>= t0 0)))"
    rank = "(ite (= t0 0) 1 0)"
    assert least(LAMP, NeverLonger(v(1), Constant(2)), typed, rank=rank) == 2
    assert least(LAMP, NeverLonger(v(1), Constant(1)), typed, rank=rank) is None
    assert least(LAMP, Within(v(1), v(0), Constant(2)), typed, rank=rank) == 2
    exact = "(=> (= v0 1) (= (+ c t0) 2))"
    assert least(LAMP, NeverLonger(v(1), Constant(2)), f"(and {typed} {exact})", rank=rank) == 1


CHECKS = [(states_agree,), (paths_agree,), (beginnings_agree,), (bounds_agree,)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c[0].__name__)
def test_by_hand(check):
    check[0]()


def test_the_number_of_steps_is_looked_at(tmp_path):
    for steps in (0, -1, 13, 10**9):
        assert not accepted(HASTY, Never(v(5)), LOW, steps, RANK)
    folder = tmp_path / "it"
    save(HASTY, Property("p", Never(v(5)), "never 5"), Invariant(LOW, RANK, 3), folder)
    assert open_certificate(folder).proof.steps == 3
    assert main(["certify", str(folder)]) == 0
    head = folder / "certificate.json"
    for steps, code in ("2", 1), ("13", 1), ("true", 2), ('"3"', 2):
        copy = tmp_path / f"copy{steps.strip(chr(34))}"
        copy.mkdir()
        for path in folder.iterdir():
            (copy / path.name).write_text(path.read_text())
        (copy / "certificate.json").write_text(head.read_text().replace('"steps": 3', f'"steps": {steps}'))
        assert main(["certify", str(copy)]) == code


def test_the_engine_finds_them():
    for bound, verdict in ((2, Verdict.PROVED), (1, Verdict.VIOLATED)):
        asked = Property("p", NeverLonger(v(1), Constant(bound)))
        claim = _Search(LAMP, asked.form, time.monotonic() + 30, Budget(), {})._after_some_moves()
        if verdict is Verdict.VIOLATED:
            assert claim is None
            continue
        steps = claim.answer.evidence.steps
        assert steps > 1
        ruling = judge(LAMP, asked, claim)
        assert ruling.verdict is verdict
        assert f"{steps}-induction with lemmas from templates" in ruling.backing
        fewer = dataclasses.replace(claim.answer, evidence=dataclasses.replace(claim.answer.evidence, steps=1))
        with pytest.raises(Convicted):
            judge(LAMP, asked, dataclasses.replace(claim, answer=fewer))


@pytest.mark.slow
def test_the_engine_finds_them_for_all_priorities():
    task = next(t for t in api.load("specs/vrrp/open_pair.spec").tasks if t.scenario == "open_apart")
    (asked,) = (c.property for c in task.checks)
    claim = _Search(task.system, asked.form, time.monotonic() + 120, Budget(), {})._from_templates()
    assert claim.answer.evidence.steps > 1
    assert judge(task.system, asked, claim).verdict is Verdict.PROVED


_T, _P = obligations._Task, paths.Paths
FAULTS = {
    "nothing is asked of the beginning": (_T.along, "for last in range(count):", "for last in ():"),
    "only the first state is looked at": (_T.along, "for last in range(count):", "for last in range(1):"),
    "states before may be violated": (_T.along, "negated(all_of(violated))", '"true"'),
    "states before have to be violated": (_T.along, "negated(all_of(violated))", "all_of(violated)"),
    "steps lead anywhere": (_T.along, "asserted += [step, ", 'asserted += ["true", '),
    "no step can be taken": (_T.along, "asserted += [step, ", 'asserted += ["false", '),
    "only the last step is taken": (_P.step, "enumerate(self.steps)", "enumerate(self.steps[-1:])"),
    "the last step is not taken": (_P.step, "enumerate(self.steps)", "enumerate(self.steps[:-1])"),
    "steps need not be enabled": (_P.step, "told = [h.enabled, ", 'told = ["true", '),
    "a step starts anew": (_P.step, "self.is_state(number + 1, after)", "self.is_state(number, after)"),
    "the path begins anywhere": (_T.along, "*paths.is_state(0, effect.state)]", "]"),
    "the end need not be violated": (_T.along, "asserted, all_of(violated)", 'asserted, "true"'),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)
