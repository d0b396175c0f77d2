"""The symbolic engine: proofs for all values, violations that name theirs, certificates, agreement with the explicit engine."""

import dataclasses
import io
import json
import random
import re
import sys
import time

import pytest
import z3
from siblings import sibling

from verify.base.budget import Budget, Limits
from verify.base.diagnostic import InputError
from verify.base.verdict import Verdict
from verify.certify.check import check
from verify.certify.folder import Invariant, open_certificate, save
from verify.certify.formula import Refused, read
from verify.certify.solvers import installed
from verify.cli.main import main
from verify.engines.claim import Claim, Fails, Faulty, Holds, Inductive, Unknown, Unrolled
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.symbolic import spacer
from verify.engines.symbolic.bounded import Bounded
from verify.engines.symbolic.cores import needed
from verify.engines.symbolic.effects import Unsupported
from verify.engines.symbolic.engine import SymbolicEngine
from verify.engines.symbolic.horn import solve
from verify.engines.symbolic.houdini import strengthen
from verify.engines.symbolic.invariants import stated
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.ranks import ranked
from verify.judge.judge import Convicted, judge
from verify.passes.valuations import close, close_property
from verify.semantics.interpreter import Interpreter
from verify.semantics.satisfaction import violation, witness
from verify.system.expression import Constant
from verify.system.property import Eventually, Never, NeverLonger, Possible, Property, Within
from verify.system.serialise import digest
from verify.trace.trace import replay

RANDOM = sibling("semantics", "random_systems")
BEAT = sibling("symbolic", "heartbeat")


def asked(system, form, seconds=120):
    (claim,) = SymbolicEngine().check(system, [Property("p", form)], Budget(Limits(seconds=seconds)))
    return claim


def proof(system, form, seconds=120):
    claim = asked(system, form, seconds)
    evidence = claim.answer.evidence
    assert isinstance(evidence, Inductive)
    return claim, evidence


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    system = BEAT.heartbeat()
    claim, evidence = proof(system, BEAT.NEVER)
    folder = tmp_path_factory.mktemp("certificate")
    save(system, Property("calm", BEAT.NEVER, "never alarm"), Invariant(evidence.invariant, evidence.rank), folder)
    return system, claim, evidence, folder


# ---- proofs


def test_proved_for_all_values(certified):
    system, claim, _, _ = certified
    ruling = judge(system, Property("p", BEAT.NEVER), claim)
    assert ruling.verdict is Verdict.PROVED
    assert "for all values of the open parameters" in ruling.backing


def test_bounded_response_is_proved_and_its_neighbour_is_violated():
    system = BEAT.heartbeat(crash=True)
    claim, _ = proof(system, BEAT.NOTICED)
    assert claim.answer.premise_seen
    assert judge(system, Property("p", BEAT.NOTICED), claim).verdict is Verdict.PROVED
    early = asked(system, BEAT.NOTICED_EARLY)
    assert isinstance(early.answer, Fails)


def test_impossible_is_proved():
    system = BEAT.heartbeat()
    claim, _ = proof(system, BEAT.POSSIBLE)
    assert isinstance(claim.answer, Fails)
    assert judge(system, Property("p", BEAT.POSSIBLE), claim).verdict is Verdict.VIOLATED


def test_a_violation_names_the_values():
    system = BEAT.heartbeat(slack=2)
    claim = asked(system, BEAT.NEVER)
    values = claim.answer.evidence.values
    assert values[1] == values[0] + 2  # one tick more, and the beat is always in time
    closed = close(system, values)
    run = replay(Interpreter(closed), claim.answer.trace)
    assert (
        violation(Interpreter(closed), close_property(Property("p", BEAT.NEVER), values).form, run.moments) is not None
    )


def test_an_error_is_told_with_its_values():
    system = BEAT.heartbeat(patience=30)  # a patience of more does not fit the timer
    claim = asked(system, BEAT.NEVER, 12)
    assert isinstance(claim.answer, Faulty)
    assert claim.answer.evidence.values[1] > 30


def test_liveness_is_left_to_others():
    assert isinstance(asked(BEAT.heartbeat(), Eventually(BEAT.ALARM)).answer, Unknown)


def test_templates_give_an_inductive_invariant():
    question = Question(BEAT.heartbeat(), BEAT.NEVER)
    kept = strengthen(question, time.monotonic() + 40, sampling=1.0)
    assert kept is not None
    assert kept.suffices
    assert kept.tried >= len(kept.lemmas) > 0
    invariant = z3.And(*kept.lemmas)
    text = stated(question, invariant)
    rank = ranked(question, invariant, time.monotonic() + 20)
    check(BEAT.heartbeat(), BEAT.NEVER, text, rank.rank)
    few = needed(question, kept.lemmas, z3.BoolVal(val=True), time.monotonic() + 20)
    assert 0 < len(few) < len(kept.lemmas)
    check(BEAT.heartbeat(), BEAT.NEVER, stated(question, z3.And(*few)), rank.rank)


def test_time_that_stops_is_no_proof():
    """A step that is urgent for ever: nothing bad happens, and no verdict is given."""
    system = BEAT.heartbeat()
    spin = dataclasses.replace(system.steps[1], name="spin", guard=Constant(1), body=())
    stuck = dataclasses.replace(system, steps=(*system.steps, spin))
    claim = asked(stuck, BEAT.NEVER, 10)
    assert isinstance(claim.answer, Unknown)
    assert "time can always pass was not shown" in claim.answer.reason


# ---- certificates


def test_every_solver_that_is_installed_accepts(certified):
    system, _, evidence, _ = certified
    assert check(system, BEAT.NEVER, evidence.invariant, evidence.rank).solvers == tuple(installed())


def test_the_command_accepts(certified, capsys):
    assert main(["certify", str(certified[3])]) == 0
    assert "accepted: calm is PROVED in heartbeat for all values" in capsys.readouterr().out


def _changed(folder, copy, change):
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    change(copy)
    return copy


def _text(name, old, new):
    def change(folder):
        path = folder / name
        text = path.read_text()
        assert re.search(old, text)
        path.write_text(re.sub(old, new, text, count=1))

    return change


def _whole(name, text):
    return lambda folder: (folder / name).write_text(text)


def _json(edit):
    def change(folder):
        path = folder / "certificate.json"
        told = json.loads(path.read_text())
        edit(told)
        path.write_text(json.dumps(told))

    return change


def _drop_a_step(told):
    told["system"]["system"][10].pop()


def _other_digest(told):
    told["system"]["digest"] = "0" * 64


def _resealed(edit):
    """Another system, with the digest that belongs to it."""

    def change(folder):
        known = open_certificate(folder)
        other = dataclasses.replace(known, **edit(known))
        save(other.system, other.property, other.proof, folder)

    return change


TAMPERED = {
    "true as the invariant": _whole("invariant.smt2", "true"),
    "false as the invariant": _whole("invariant.smt2", "false"),
    "the invariant cut off": _text("invariant.smt2", r"\)\s*$", ""),
    "something behind it": _text("invariant.smt2", r"\s*$", " (and true)"),
    "a command in it": _whole("invariant.smt2", "true) (assert false"),
    "an unknown word": _whole("invariant.smt2", "(and true stranger)"),
    "an unknown operator": _whole("invariant.smt2", "(forall ((x Int)) true)"),
    "a quoted word": _whole("invariant.smt2", "|true|"),
    "the bad state let in": _text("invariant.smt2", r"^", "(or (= v0 1) "),
    "one value of the parameters": _text("invariant.smt2", r"^(.*)\n", r"(and (= p0 7) \1)\n"),
    "an empty file": _whole("invariant.smt2", ""),
    "a constant rank": _whole("rank.smt2", "0"),
    "a rank that goes up": _whole("rank.smt2", "(- 0 t0)"),
    "no rank": lambda folder: (folder / "rank.smt2").unlink(),
    "a dropped rule": _json(_drop_a_step),
    "another digest": _json(_other_digest),
    "another format": _json(lambda told: told.update(format="something")),
    "another version": _json(lambda told: told.update(version=1)),
    "no property": _json(lambda told: told.pop("property")),
    "a property of other words": _json(lambda told: told["property"].update(form=["Never", ["Read", 99], None, []])),
    "another property": _resealed(lambda _: {"property": Property("calm", Never(Constant(1)))}),
    "another system": _resealed(lambda _: {"system": BEAT.heartbeat(slack=2)}),
    "a system that crashes": _resealed(lambda _: {"system": BEAT.heartbeat(slack=0, crash=True)}),
    "no values left": _resealed(lambda k: {"system": dataclasses.replace(k.system, assumptions=(Constant(0),))}),
    "a lane without room": _resealed(
        lambda k: {"system": dataclasses.replace(k.system, lanes=(dataclasses.replace(k.system.lanes[0], maximum=9),))}
    ),
}
UNREADABLE = {"no rank", "another format", "another version", "no property"}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_certificates_are_refused(name, certified, tmp_path, capsys):
    folder = _changed(certified[3], tmp_path / "copy", TAMPERED[name])
    if name == "the bad state let in":
        (folder / "invariant.smt2").write_text((folder / "invariant.smt2").read_text() + ")")
    assert main(["certify", str(folder)]) == (2 if name in UNREADABLE else 1)
    told = capsys.readouterr()
    assert "E833" in told.err if name in UNREADABLE else "refused" in told.out


def test_no_certificate_at_all(tmp_path):
    with pytest.raises(InputError):
        open_certificate(tmp_path)


def test_formulas_are_read_strictly():
    words = {"v0": "Int"}
    assert (
        read("(let ((a!1 (+ v0 1))) (< a!1 2)) ; a remark", words, "it") == "( let ( ( a!1 ( + v0 1 ) ) ) ( < a!1 2 ) )"
    )
    for text in ("(let ((v0 1)) true)", "(let ((a!1 1)) true) a!1", "x", "(exit)", "((and) true)", "1.5", "-1"):
        with pytest.raises(Refused):
            read(text, words, "it")


# ---- the judge


def test_a_lying_engine_is_convicted(certified):
    system, _, evidence, _ = certified
    what = Property("p", BEAT.NEVER)
    lies = [
        dataclasses.replace(evidence, invariant="true"),
        dataclasses.replace(evidence, digest=digest(BEAT.heartbeat(slack=2))),
        dataclasses.replace(evidence, rank="0"),
        Unrolled("liar", 9, (), digest(system)),
    ]
    for lie in lies:
        with pytest.raises(Convicted):
            judge(system, what, Claim(Holds(lie)))


# ---- agreement


def _bounded_agrees(system, form):
    """Up to the depth that is searched, the solver finds a violation where the explicit engine does, and only there."""
    (wanted,) = ExplicitEngine().check(system, [Property("p", form)], Budget(Limits(states=1500)))
    try:
        search = Bounded(Question(system, form)).search(7, time.monotonic() + 20)
    except Unsupported:
        return None
    if search.found is None:
        there = wanted.answer.witness if isinstance(wanted.answer, Holds) else getattr(wanted.answer, "trace", None)
        if isinstance(wanted.answer, Faulty | Unknown) or there is None or search.depth < 7:
            return False
        assert len(there.choices) - 1 > 7
        return False
    interpreter = Interpreter(system)
    run = replay(interpreter, search.found.trace)
    assert run.failed is None
    seen = (
        witness(interpreter, form, run.moments)
        if isinstance(form, Possible)
        else violation(interpreter, form, run.moments)
    )
    assert seen is not None
    if isinstance(wanted.answer, Holds | Fails):
        assert isinstance(wanted.answer, Holds if isinstance(form, Possible) else Fails)
    return True


@pytest.mark.parametrize("start", range(0, 45, 15))
def test_bounded_search_on_random_systems(start):
    found = 0
    for seed in range(start, start + 15):
        for kind in (Never, NeverLonger, Within, Possible):
            system, makers = RANDOM.random_system(RANDOM.Seeded(random.Random(seed)))
            if system.atomic and len(system.steps) > 5:
                continue
            found += bool(_bounded_agrees(system, RANDOM.random_form(makers, kind)))
    assert found > 5


def _proved_agrees(system, form):
    question = Question(system, form, stepwise=True)
    solved = solve(question, time.monotonic() + 6)
    (wanted,) = ExplicitEngine().check(system, [Property("p", form)], Budget(Limits(states=1500)))
    if solved.invariant is None:
        return False
    assert isinstance(wanted.answer, Fails if isinstance(form, Possible) else Holds) or not isinstance(
        wanted.answer, Fails | Holds
    )
    rank = ranked(question, solved.invariant, time.monotonic() + 10)
    if rank.rank is not None:
        check(system, form, stated(question, solved.invariant), rank.rank)
        assert not isinstance(wanted.answer, Faulty)
    return rank.rank is not None


def test_proofs_of_random_systems_are_accepted_and_agree():
    proved = 0
    for seed in range(1000, 1030):
        system, makers = RANDOM.random_system(RANDOM.Seeded(random.Random(seed)))
        kind = (Never, NeverLonger, Within, Possible)[seed % 4]
        if not system.atomic:
            proved += _proved_agrees(system, RANDOM.random_form(makers, kind))
    assert proved > 2


def test_proofs_of_random_systems_with_atomic_reactions_are_accepted_and_agree():
    proved = 0
    for seed in range(2000, 2060):
        system, makers = RANDOM.random_system(RANDOM.Seeded(random.Random(seed)))
        kind = (Never, NeverLonger, Within, Possible)[seed % 4]
        if system.reacts:
            proved += _proved_agrees(system, RANDOM.random_form(makers, kind))
    assert proved > 2


def test_spacer_answers_in_a_process_of_its_own(capsys, monkeypatch):
    text = "(declare-fun reached (Int) Bool)(assert (reached 0))(assert (forall ((x Int)) (=> (and (reached x) (< x 9)) (reached (+ x 1)))))"
    monkeypatch.setattr(
        sys, "stdin", io.StringIO(text + "(assert (forall ((x Int)) (=> (and (reached x) (> x 9)) false)))")
    )
    assert spacer.main([]) == 0
    assert capsys.readouterr().out.startswith("sat\n")
