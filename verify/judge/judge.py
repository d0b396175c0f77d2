"""Claims to verdicts: every trace is replayed by a fresh interpreter, violations looked for again, invariants rechecked."""

from __future__ import annotations

from typing import assert_never

from verify.base.record import record
from verify.base.verdict import Verdict
from verify.certify.check import check
from verify.certify.formula import Refused, Undecided
from verify.engines.claim import Claim, Evidence, Exhausted, Fails, Fault, Faulty, Holds, Inductive, Unknown, Unrolled
from verify.semantics.effects import Failed
from verify.semantics.interpreter import Interpreter
from verify.semantics.satisfaction import endless, lasso_violates, violation, witness
from verify.system.property import Possible, Property
from verify.system.serialise import digest
from verify.system.system import Failure, StepKind, System
from verify.trace.trace import ReplayFailed, Run, Trace, replay


class Convicted(Exception):  # noqa: N818 - a judgement
    """An engine claimed something that is not so: a bug of ours, exit code 70."""


@record
class Ruling:
    """A verdict with what backs it. ``run``: the replayed trace, if there is one. ``vacuous``: its premise never happens.

    ``agreed``: the engines that gave it, if several were asked.
    """

    verdict: Verdict
    backing: str
    run: Run | None = None
    vacuous: bool = False
    notes: tuple[str, ...] = ()
    states: int = 0
    transitions: int = 0
    depth: int = 0
    proof: Inductive | None = None
    agreed: tuple[str, ...] = ()


def judge(system: System, asked: Property, claim: Claim) -> Ruling:
    """The verdict on a claim; Convicted if the claim is false. The system is closed, unless the claim is a proof by induction."""
    try:
        return _judged(system, asked, claim)
    except Undecided as problem:
        return Ruling(Verdict.UNDECIDED, f"a proof was found that cannot be checked: {problem}", None, False, claim.notes)


def _judged(system: System, asked: Property, claim: Claim) -> Ruling:
    match claim.answer:
        case Holds(evidence, trace, premise_seen):
            _same_system(system, evidence)
            run = None if trace is None else _witnessed(system, asked, trace)
            if isinstance(asked.form, Possible) and run is None:
                message = f"'{asked.name}' is claimed possible without a witness"
                raise Convicted(message)
            vacuous = premise_seen is False
            backing = "witness replayed" if run is not None else _backed(system, asked, evidence)
            return Ruling(Verdict.PROVED, backing, run, vacuous, claim.notes, *_numbers(evidence), _proof(evidence))
        case Fails(trace, evidence):
            if trace is None:
                return _impossible(system, asked, evidence, claim.notes)
            run = _violated(system, asked, trace)
            return Ruling(Verdict.VIOLATED, "trace replayed", run, False, claim.notes, *_numbers(evidence))
        case Faulty(fault, trace, evidence):
            run = _faulty(system, fault, trace)
            return Ruling(Verdict.INVALID, _fault_text(fault, run), run, False, claim.notes, *_numbers(evidence))
        case Unknown(reason, states, transitions, depth):
            return Ruling(Verdict.UNDECIDED, reason, None, False, claim.notes, states, transitions, depth)
        case _:
            assert_never(claim.answer)


def _impossible(system: System, asked: Property, evidence: Evidence, notes: tuple[str, ...]) -> Ruling:
    """No state of an exhausted search satisfies what was claimed possible: the only violation without a trace."""
    _same_system(system, evidence)
    if not isinstance(asked.form, Possible):
        message = f"'{asked.name}' is claimed violated without a trace"
        raise Convicted(message)
    backing = _backed(system, asked, evidence)
    return Ruling(Verdict.VIOLATED, backing, None, False, notes, *_numbers(evidence), _proof(evidence))


def _numbers(evidence: Evidence) -> tuple[int, int, int]:
    match evidence:
        case Exhausted(_, states, transitions, depth):
            return states, transitions, depth
        case Unrolled(_, depth):
            return 0, 0, depth
        case Inductive():
            return 0, 0, 0
        case _:
            assert_never(evidence)


def _proof(evidence: Evidence) -> Inductive | None:
    return evidence if isinstance(evidence, Inductive) else None


def _backed(system: System, asked: Property, evidence: Evidence) -> str:
    """What shows it, in words. An invariant is checked here, by a program that shares nothing with the engine that found it."""
    match evidence:
        case Exhausted(engine, states, transitions, depth):
            found = f"exhausted by {engine}: {states:,} states, {transitions:,} transitions, depth {depth}"
            return found + (f"; reduced: {', '.join(evidence.reductions)}" if evidence.reductions else "")
        case Inductive(engine, invariant, rank, method):
            try:
                accepted = check(system, asked.form, invariant, rank, steps=evidence.steps)
            except Undecided:
                raise
            except Refused as problem:
                message = f"the proof of '{asked.name}' by {engine} is refused: {problem}"
                raise Convicted(message) from problem
            every = " for all values of the open parameters" if system.parameters else ""
            checked = " and ".join(accepted.solvers)
            return f"proved{every} by induction ({method}), {accepted.obligations} obligations checked by {checked}"
        case Unrolled(engine):
            message = f"{engine} claims '{asked.name}' from a search up to some depth"
            raise Convicted(message)
        case _:
            assert_never(evidence)


def _same_system(system: System, evidence: Evidence) -> None:
    if evidence.digest != digest(system):
        message = f"{evidence.engine} searched another system than '{system.name}'"
        raise Convicted(message)
    if isinstance(evidence, Exhausted) and evidence.states < 1:
        message = f"{evidence.engine} claims to have exhausted '{system.name}' without seeing a state"
        raise Convicted(message)


def _replayed(interpreter: Interpreter, trace: Trace, what: str) -> Run:
    try:
        return replay(interpreter, trace)
    except ReplayFailed as problem:
        message = f"the trace for {what} cannot be replayed: {problem}"
        raise Convicted(message) from problem


def _witnessed(system: System, asked: Property, trace: Trace) -> Run:
    interpreter = Interpreter(system)
    run = _replayed(interpreter, trace, f"'{asked.name}'")
    if not isinstance(asked.form, Possible) or run.failed or witness(interpreter, asked.form, run.moments) is None:
        message = f"the trace for '{asked.name}' does not witness it"
        raise Convicted(message)
    return run


def _violated(system: System, asked: Property, trace: Trace) -> Run:
    interpreter = Interpreter(system)
    run = _replayed(interpreter, trace, f"'{asked.name}'")
    if run.failed is not None:
        message = f"the trace for '{asked.name}' ends in an error, not in a violation"
        raise Convicted(message)
    if trace.loop is None:
        if violation(interpreter, asked.form, run.moments) is None:
            message = f"the trace for '{asked.name}' does not violate it"
            raise Convicted(message)
        return run
    reason = endless(interpreter, run.moments, trace.loop)
    if reason:
        message = f"the lasso for '{asked.name}' is no endless run: {reason}"
        raise Convicted(message)
    if not lasso_violates(interpreter, asked.form, run.moments, trace.loop):
        message = f"the lasso for '{asked.name}' does not violate it"
        raise Convicted(message)
    return run


def _faulty(system: System, fault: Fault, trace: Trace) -> Run:
    interpreter = Interpreter(system)
    run = _replayed(interpreter, trace, fault.value)
    match fault:
        case Fault.FAILURE:
            proved = run.failed is not None
        case Fault.LIVELOCK if trace.loop is None:
            proved = run.failed is not None and run.failed.failure is Failure.LIVELOCK
        case Fault.LIVELOCK:
            cycle = run.moments[trace.loop + 1 :] if trace.loop is not None else []
            reacting = all(m.step >= 0 and system.steps[m.step].kind is StepKind.REACTION for m in cycle)
            proved = bool(cycle) and reacting and run.moments[-1].state == run.moments[trace.loop or 0].state
        case Fault.DEADLOCK:
            proved = run.failed is None and not interpreter.outcomes(run.moments[-1].state)
        case Fault.TIMELOCK:
            proved = run.failed is None and not _time_can_pass(interpreter, run)
        case _:
            assert_never(fault)
    if not proved:
        message = f"the trace does not show that {fault.value}"
        raise Convicted(message)
    return run


def shown_by(system: System, asked: Property, verdict: Verdict, trace: Trace) -> Run:
    """The run of a trace that is said to show a verdict; Convicted if it does not."""
    match verdict:
        case Verdict.PROVED:
            return _witnessed(system, asked, trace)
        case Verdict.VIOLATED:
            return _violated(system, asked, trace)
        case Verdict.INVALID:
            return _faulty_somehow(system, trace)
        case Verdict.UNDECIDED:
            message = "no trace shows that something is not known"
            raise Convicted(message)
        case _:
            assert_never(verdict)


def _faulty_somehow(system: System, trace: Trace) -> Run:
    """A trace that shows one of the faults, whichever it is."""
    refused: list[str] = []
    for fault in Fault:
        try:
            return _faulty(system, fault, trace)
        except Convicted as problem:
            refused.append(str(problem))
    raise Convicted(refused[0] if len(set(refused)) == 1 else "the trace shows no fault of the question")


def _time_can_pass(interpreter: Interpreter, run: Run) -> bool:
    """Whether a tick can be reached from the end of a run: a search of its own."""
    seen = {run.moments[-1].state}
    waiting = list(seen)
    while waiting:
        state = waiting.pop()
        if interpreter.tick_allowed(state):
            return True
        for outcome in interpreter.outcomes(state):
            if outcome.state is not None and outcome.state not in seen:
                seen.add(outcome.state)
                waiting.append(outcome.state)
    return False


def _fault_text(fault: Fault, run: Run) -> str:
    if run.failed is None:
        return fault.value
    return f"{fault.value}: {failure_text(run.failed)}"


def failure_text(failed: Failed) -> str:
    """An error in words."""
    match failed.failure:
        case Failure.RANGE:
            return f"{failed.subject} would be {failed.value}, it holds {failed.low}..{failed.high}"
        case Failure.FULL_LANE:
            return f"a message is sent into the full lane {failed.subject} (capacity {failed.high})"
        case Failure.CHOICE:
            return "there is nothing to choose from"
        case Failure.LIVELOCK:
            return f"the urgent rules of {failed.subject} never come to rest"
        case _:
            assert_never(failed.failure)
