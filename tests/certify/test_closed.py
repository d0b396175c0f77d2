"""Closed sets of states: what is reached is accepted where the explicit engine proves, and nothing less than it."""

import dataclasses
import gzip
import json
import random
import shutil

import pytest
from faults import noticed, notices
from siblings import sibling

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.diagnostic import InputError
from verify.certify import closed, reached, states
from verify.certify.closed import check_closed
from verify.certify.exhaustion import check_exhaustion, find_sets
from verify.certify.folder import open_certificate, save_exhaustion
from verify.certify.formula import Refused, Undecided
from verify.cli.main import main
from verify.engines.claim import Fails, Holds
from verify.engines.explicit.engine import ExplicitEngine
from verify.system.domain import Range
from verify.system.expression import FALSE, TRUE, Apply, Constant, Occurred, Operator, Read, Rigid, TimerIs, TimerStatus
from verify.system.property import Eventually, Never, NeverLonger, Possible, Property, Within
from verify.system.statement import Assign, Choose, Occur, Start, Stop
from verify.system.system import Event, Parameter, Step, StepKind, System, Timer, Variable

RANDOM = sibling("semantics", "random_systems")
FORMS = (Never, NeverLonger, Within, Possible)
MOST = 400


def drawn(seed):
    """A seeded system, atomic or not, and a form of it."""
    source = RANDOM.Seeded(random.Random(seed))
    m = RANDOM.makers(source)
    system, _ = RANDOM.random_system(source, m)
    return system, RANDOM.random_form(m, FORMS[seed % len(FORMS)])


def claimed(system, form):
    """Whether the explicit engine shows, by exhaustion, that the property holds (of possible: that it does not)."""
    (claim,) = ExplicitEngine().check(system, [Property("p", form)], Budget(Limits(states=MOST)))
    if isinstance(form, Possible):
        return isinstance(claim.answer, Fails) and claim.answer.trace is None
    return isinstance(claim.answer, Holds)


def accepted(system, form, rows):
    try:
        check_closed(system, form, rows)
    except Undecided:
        raise
    except Refused:
        return False
    return True


def exact_agrees(system, form, seed):
    """What is reached is accepted if and only if the engine proves; one state less, or one tick less counted, is not."""
    try:
        rows = reached.reached(system, form, MOST)
    except Undecided:
        return None
    except Refused:  # an error
        assert not claimed(system, form)
        return False
    honest = accepted(system, form, rows)
    assert honest == claimed(system, form)
    if not honest:
        return False
    source = random.Random(seed)
    missing = source.choice(rows)
    assert not accepted(system, form, [r for r in rows if r != missing])
    if waiting := [r for r in rows if r.counted >= 0]:
        less = source.choice(waiting)
        assert not accepted(system, form, [r._replace(counted=r.counted - 1) if r == less else r for r in rows])
    return True


def files_agree(seed, folder):
    """What is written is what is read, and is accepted."""
    system, form = drawn(seed)
    sets = find_sets_or_none(system, form)
    if not sets:
        return
    save_exhaustion(system, Property("p", form), "by hand", sets, folder)
    known = open_certificate(folder)
    assert (known.system, known.property.form) == (system, form)
    (kept,) = known.proof.sets
    rows = list(states.read_rows(kept.path, system, kept.count, counting=closed.counts(form)))
    assert rows == sorted(rows)
    assert set(rows) == set(sets[()])
    assert check_exhaustion(system, form, known.proof.sets).states == len(rows)


def find_sets_or_none(system, form):
    try:
        return find_sets(system, form, MOST)
    except Refused:
        return None


def test_it_agrees_with_the_explicit_engine():
    found = [exact_agrees(*drawn(seed), seed) for seed in range(300)]
    assert found.count(True) > 60
    assert found.count(False) > 60


@pytest.mark.slow
def test_it_agrees_with_the_explicit_engine_on_many():
    for seed in range(300, 10_000):
        exact_agrees(*drawn(seed), seed)


def test_files_are_read_as_they_were_written(tmp_path):
    for seed in range(60):
        files_agree(seed, tmp_path / str(seed))


# ---- by hand


def v(value):
    return Apply(Operator.EQUAL, (Read(0), Constant(value)))


PUSH = Step("push", StepKind.ENVIRONMENT, v(0), (Assign(0, TRUE), Start(0, Constant(2)), Occur(0)))
FALL = Step("fall", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Assign(0, FALSE), Stop(0), Occur(1)), TRUE)
LAMP = System(
    "lamp",
    1,
    variables=(Variable("v", Range(0, 3), 0),),
    timers=(Timer("t", 3),),
    events=(Event("pushed"), Event("fallen")),
    steps=(PUSH, FALL),
)
ON, PUSHED, FALLEN = v(1), Occurred(0), Occurred(1)


def with_steps(*steps, **changes):
    return dataclasses.replace(LAMP, steps=steps, **changes)


def test_the_bound_is_exact():
    for form, holds in (
        (NeverLonger(ON, Constant(2)), True),
        (NeverLonger(ON, Constant(1)), False),
        (Within(PUSHED, v(0), Constant(2)), True),
        (Within(PUSHED, v(0), Constant(1)), False),
        (Within(ON, FALLEN, Constant(2)), True),
        (Within(ON, FALLEN, Constant(1)), False),
        (Within(None, ON, Constant(5)), False),
        (Within(None, v(0), Constant(0)), True),
        (Never(Apply(Operator.AND, (PUSHED, v(0)))), True),
        (Never(PUSHED), False),
        (Possible(v(2)), True),
        (Possible(ON), False),
    ):
        assert accepted(LAMP, form, reached.reached(LAMP, form)) == holds, form


NOTHING = Never(FALSE)


def refusal(system, form=NOTHING, rows=None):
    with pytest.raises(Refused) as problem:
        check_closed(system, form, reached.reached(system, form) if rows is None else rows)
    return str(problem.value)


def test_what_is_refused_is_told():
    spin = Step("spin", StepKind.REACTION, ON, (), unit=0)
    held = Step("held", StepKind.ENVIRONMENT, ON, (), TRUE)
    wrong = Step("wrong", StepKind.ENVIRONMENT, ON, (Assign(0, Constant(4)),))
    assert "for ever in no time" in refusal(with_steps(PUSH, FALL, spin, units=("u",)))
    assert "no tick can be reached" in refusal(with_steps(PUSH, held))
    assert "error" in refusal(with_steps(PUSH, FALL, wrong))
    rows = reached.reached(LAMP, Never(FALSE))
    assert "an error: a value outside its range, of v" in refusal(with_steps(PUSH, FALL, wrong), rows=rows)
    assert "leads out of the set" in refusal(LAMP, rows=rows[:-1])
    assert "the beginning leads out of the set" in refusal(LAMP, rows=[])
    assert "without open parameters" in refusal(dataclasses.replace(LAMP, parameters=(Parameter("p", Range(0, 1)),)), rows=[])
    assert "the beginning leads out of the set" in refusal(LAMP, Eventually(ON), rows=[])
    wide = Step("wide", StepKind.ENVIRONMENT, TRUE, (Choose(0, 0, 10**6, TRUE),), slots=1)
    with pytest.raises(Undecided, match="too much for this program"):
        check_closed(with_steps(wide), Never(FALSE), [])


def test_open_parameters_need_a_set_each():
    start = dataclasses.replace(PUSH, body=(Assign(0, Rigid(0)), Start(0, Constant(2))))
    system = with_steps(start, FALL, parameters=(Parameter("p", Range(0, 3)),), assumptions=(Apply(Operator.LESS, (Rigid(0), Constant(3))),))
    form = Never(Apply(Operator.LESS, (Rigid(0), Read(0))))
    sets = find_sets(system, form, MOST)
    assert list(sets) == [(0,), (1,), (2,)]
    assert check_exhaustion(system, form).sets == 3
    with pytest.raises(Refused, match="violation"):
        check_exhaustion(system, Never(v(2)))
    with pytest.raises(Refused, match="no values"):
        check_exhaustion(dataclasses.replace(system, assumptions=(FALSE,)), form)
    with pytest.raises(Refused, match="more than are searched"):
        check_exhaustion(dataclasses.replace(system, parameters=(Parameter("p", Range(0, 5000)),)), form)


def test_limits():
    assert find_sets(LAMP, Never(FALSE), 1) == {}
    with pytest.raises(Undecided, match="time limit"):
        check_exhaustion(LAMP, Never(FALSE), seconds=-1.0)


# ---- files and the command

@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Certificates and traces of a shipped spec."""
    out = tmp_path_factory.mktemp("closed")
    assert main(["check", "specs/vrrp/priorities.spec", "--out", str(out), "-q", "--certificate-states", "600"]) == 0
    return out


def test_the_command_accepts(written, capsys):
    assert main(["certify", *map(str, sorted(written.glob("*.certificate"))), *map(str, sorted(written.glob("*.itf.json")))]) == 0
    told = capsys.readouterr().out
    assert "never_two is PROVED in gap_2" in told
    assert "a closed set of 569 states: by the reference interpreter, none of 573 transitions leaves it" in told
    assert "no states are kept; searched again by the reference interpreter: 690 states, 706 transitions" in told
    assert "never_two is PROVED in open_two_ticks for all values of its parameters" in told
    assert "never_two is VIOLATED in gap_1" in told
    assert "a run of 364 steps, 3.6 s, taken again by the reference interpreter" in told


def lines(folder, change):
    path = folder / "states-1.jsonl.gz"
    told = gzip.decompress(path.read_bytes()).decode().splitlines()
    change(told)
    path.write_bytes(gzip.compress(("\n".join(told) + "\n").encode()))


def head(folder, change):
    path = folder / "certificate.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def recount(number):
    return lambda told: told["sets"][0].update(states=number)


def dropped(folder):
    lines(folder, lambda told: told.pop(200))
    head(folder, recount(568))


def repeated(folder):
    lines(folder, lambda told: told.insert(200, told[200]))
    head(folder, recount(570))


def unordered(folder):
    lines(folder, lambda told: told.reverse())


def first(change):
    def edit(told):
        row = json.loads(told[0])
        change(row)
        told[0] = json.dumps(row)

    return lambda folder: lines(folder, edit)


def resealed(change):
    def edit(folder):
        known = open_certificate(folder)
        at = folder / "certificate.json"
        told = json.loads(at.read_text())
        system, asked = change(known)
        save_exhaustion(system, asked, "", {}, folder)
        other = json.loads(at.read_text())
        at.write_text(json.dumps(other | {"sets": told["sets"]}))

    return edit


def weaker(known):
    return known.system, dataclasses.replace(known.property, form=Never(TRUE))


def fewer_steps(known):
    return dataclasses.replace(known.system, steps=known.system.steps[1:]), known.property


def longer_delay(known):
    lane = known.system.lanes[0]
    longer = dataclasses.replace(lane, maximum=lane.maximum + 1)
    return dataclasses.replace(known.system, lanes=(longer, *known.system.lanes[1:])), known.property


TAMPERED = {
    "a state is gone": (dropped, 1),
    "a state is there twice": (repeated, 1),
    "the states stand in another order": (unordered, 1),
    "fewer are told of": (lambda f: head(f, recount(568)), 1),
    "more are told of": (lambda f: head(f, recount(570)), 1),
    "a value outside its range": (first(lambda row: row.__setitem__(0, 99)), 1),
    "a truth value as a number": (first(lambda row: row.__setitem__(0, True)), 1),
    "a value too many": (first(lambda row: row.append(0)), 1),
    "a lane that is none": (first(lambda row: row.__setitem__(-1, 0)), 1),
    "messages of no kind": (first(lambda row: row.__setitem__(-1, [[0, 77]])), 1),
    "another state": (first(lambda row: row.__setitem__(1, row[1] + 1)), 1),
    "another property": (resealed(weaker), 1),
    "a step less": (resealed(fewer_steps), 1),
    "a longer delay": (resealed(longer_delay), 1),
    "values of parameters that are not there": (lambda f: head(f, lambda told: told["sets"][0].update(values=[1])), 1),
    "the set twice": (lambda f: head(f, lambda told: told["sets"].append(told["sets"][0])), 1),
    "another digest": (lambda f: head(f, lambda told: told["system"].update(digest="0" * 64)), 1),
    "a line that is no JSON": (lambda f: lines(f, lambda told: told.__setitem__(3, "[1,")), 2),
    "a file that is cut off": (lambda f: (f / "states-1.jsonl.gz").write_bytes((f / "states-1.jsonl.gz").read_bytes()[:-40]), 2),
    "a file of something else": (lambda f: (f / "states-1.jsonl.gz").write_bytes(b"\0" * 5000), 2),
    "no file": (lambda f: (f / "states-1.jsonl.gz").unlink(), 2),
    "no list of sets": (lambda f: head(f, lambda told: told.pop("sets")), 2),
    "another kind": (lambda f: head(f, lambda told: told.update(kind="hearsay")), 2),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_certificates_are_refused(name, written, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(written / "vrrp-priorities.gap_2.never_two.certificate", folder)
    change, code = TAMPERED[name]
    change(folder)
    assert main(["certify", str(folder)]) == code
    told = capsys.readouterr()
    assert "refused" in told.out if code == 1 else "E833" in told.err


def trace(folder, change):
    path = folder / "trace.itf.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


FORGED = {
    "a choice less": (lambda told: told["#meta"]["choices"].pop(), 1),
    "a choice that is not possible": (lambda told: told["#meta"]["choices"].insert(3, [0, 5, []]), 1),
    "a state retold": (lambda told: told["states"][7].update({told["vars"][1]: "Active"}), 1),
    "a state less": (lambda told: told["states"].pop(), 1),
    "another verdict": (lambda told: told["#meta"].update(verdict="proved"), 1),
    "said to be invalid": (lambda told: told["#meta"].update(verdict="invalid"), 1),
    "a loop": (lambda told: told.update(loop=3), 1),
    "asked in words only": (lambda told: told["#meta"].update(form=None), 1),
    "no verdict": (lambda told: told["#meta"].update(verdict="undecided"), 2),
    "no choices": (lambda told: told["#meta"].pop("choices"), 2),
    "another format": (lambda told: told["#meta"].update(format="SITF"), 2),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_traces_are_refused(name, written, tmp_path, capsys):
    shutil.copy(written / "vrrp-priorities.gap_1.never_two.itf.json", tmp_path / "trace.itf.json")
    change, code = FORGED[name]
    trace(tmp_path, change)
    assert main(["certify", str(tmp_path / "trace.itf.json")]) == code
    told = capsys.readouterr()
    assert "refused" in told.out if code == 1 else "E802" in told.err


def test_what_is_no_certificate(tmp_path, capsys):
    (tmp_path / "noise.bin").write_bytes(random.Random(1).randbytes(5000))
    (tmp_path / "empty").mkdir()
    assert main(["certify", str(tmp_path / "noise.bin"), str(tmp_path / "empty")]) == 2
    told = capsys.readouterr().err
    assert "noise.bin" in told
    assert "empty" in told


def test_a_lying_engine_is_convicted_when_states_are_written(tmp_path):
    spec = api.load("specs/vrrp/priorities.spec")
    results = api.check(spec)
    liar = next(r for r in results if r.scenario == "gap_0" and r.check.property.name == "never_two")
    honest = next(r for r in results if r.scenario == "gap_0" and r.check.property.name == "brief_overlap")
    with pytest.raises(api.Convicted, match="the reference interpreter does not agree"):
        api.write_certificates([dataclasses.replace(liar, ruling=honest.ruling)], tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        api.write_certificates([honest], tmp_path / "file")


# ---- seeded faults

_C = closed._Checking
FAULTS = {
    "first states may be missing": (_C.all, "self.begins()", "pass"),
    "what follows may be missing": (_C.arrived, 'raise Refused(f"{what} leads out of the set, to {_told(state)}")', "number = 1"),
    "errors are no matter": (_C.leads_on, "outcomes = self.interpreter.outcomes(state)", "outcomes = [o for o in self.interpreter.outcomes(state) if o.state is not None]"),
    "violations are no matter": (_C.leads_on, "self.wrong is not None and not self.of_steps", "False"),
    "events are not seen": (_C.arrived, "self.of_steps and ", "False and "),
    "ticks are not counted": (_C.counts_on, "now += 1", "pass"),
    "the bound is a tick too late": (_C.counts_on, "now > self.observer.bound", "now > self.observer.bound + 1"),
    "the bound is a tick too early": (_C.counts_on, "now > self.observer.bound", "now >= self.observer.bound"),
    "counts may be too low": (_C.counts_on, "now > self.counted[to]", "False"),
    "an observer does not wait at first": (_C.begins, "self.observer.at_first(state) > self.counted[number]", "False"),
    "nothing stops an observer": (closed.Observer.arrives, "self.stops(state, outcome.events)", "False"),
    "events do not stop an observer": (closed.Observer.arrives, "self.stops(state, outcome.events)", "self.stops(state, NO_EVENTS)"),
    "nothing starts an observer": (closed.Observer.arrives, "begins = before == IDLE and", "begins = False and"),
    "an observer starts again": (closed.Observer.arrives, "before == IDLE and self.starts", "self.starts"),
    "from the beginning is never": (closed.Observer.at_first, "self.starts is None or", "self.starts is not None and"),
    "reactions may go on for ever": (_C.all, "self.reactions_end()", "pass"),
    "any cycle is one of reactions": (_C.leads_on, "self.system.steps[step].kind is StepKind.REACTION", "True"),
    "reactions that lead on do not end": (_C.reactions_end, "ready = [state for state in behind if state not in left]", "ready = []"),
    "time may stop": (_C.all, "self.time_passes()", "pass"),
    "time passes at once or never": (_C.time_passes, "ready.append(before)", "pass"),
    "only some are searched": (reached._Search.rows, "for outcome in outcomes]", "for outcome in outcomes[:2]]"),
    "counts are not carried on": (reached._Search.counted, "waiting.append(to)", "pass"),
}


def by_hand(name):
    """What is told of the systems above."""
    try:
        {f.__name__: f for f in (test_the_bound_is_exact, test_what_is_refused_is_told)}[name]()
    except pytest.fail.Exception as problem:  # what should have been refused is not
        raise AssertionError from problem


def silent_agrees():
    """An urgent message that nothing takes up: there is no tick, and no step."""
    stuck = Step("stuck", StepKind.DELIVERY, ON, (Assign(0, Constant(2)), Start(0, Constant(1))))
    ends = Step("ends", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (), TRUE)
    system = with_steps(PUSH, stuck, ends)
    rows = reached.reached(system, Never(FALSE))
    assert accepted(system, Never(FALSE), rows) == claimed(system, Never(FALSE))


def late_agrees():
    """A state that is met at once, and once more after a tick: what was counted then is carried on from it."""
    lit = Apply(Operator.LESS, (Constant(0), Read(0)))
    turn = Step("turn", StepKind.ENVIRONMENT, v(0), (Assign(0, Constant(2)), Start(0, Constant(1))))
    back = Step("back", StepKind.TIMEOUT, TimerIs(0, TimerStatus.EXPIRED), (Assign(0, Constant(1)), Stop(0)), TRUE)
    jump = Step("jump", StepKind.ENVIRONMENT, v(0), (Assign(0, Constant(1)),))
    on, off = (Step(f"from {a}", StepKind.ENVIRONMENT, v(a), (Assign(0, Constant(b)),), TRUE) for a, b in ((1, 3), (3, 0)))
    system = with_steps(jump, turn, back, on, off)
    for bound, holds in ((0, False), (1, True)):
        form = NeverLonger(lit, Constant(bound))
        assert accepted(system, form, reached.reached(system, form)) == holds


def low_counts_agree():
    """Counts that begin anew at each tick are not what the observer counts."""
    for form in (NeverLonger(ON, Constant(1)), NeverLonger(ON, Constant(2))):
        low = [r._replace(counted=min(r.counted, 0)) for r in reached.reached(LAMP, form)]
        assert not accepted(LAMP, form, low)


CHECKS = [
    (low_counts_agree,),
    (late_agrees,),
    (by_hand, "test_the_bound_is_exact"),
    (silent_agrees,),
    *((exact_agrees, *drawn(seed), seed) for seed in range(120)),
    (by_hand, "test_what_is_refused_is_told"),
]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name):
    notices(FAULTS[name], CHECKS)


def test_without_a_fault_nothing_is_noticed():
    assert noticed(CHECKS) is None
