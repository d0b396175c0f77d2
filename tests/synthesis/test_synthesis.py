"""``verify synthesize``: conditions, how they are written, what shows them, and what becomes of lies, hangs and faulty questions."""

import dataclasses
import json
import time

import pytest

from verify import api
from verify.base.verdict import Verdict
from verify.cli.main import main
from verify.engines.claim import Claim, Holds, Inductive
from verify.engines.region import Bound, Covered, Met, Safe, Sample, Stuck
from verify.semantics.interpreter import START, Choice
from verify.synthesis import asking
from verify.system.expression import Rigid
from verify.system.serialise import digest
from verify.trace.trace import Trace

SPEC = """
enum Kind { plain, late, off }
machine Watched {
    parameter period : duration 10ms..10s
    parameter wait   : duration 10ms..30s
    parameter strict : bool
    parameter kind   : Kind
    variable missed  : 0..2 = 0
    timer beat
    timer patience
    initial state Calm {
        on startup { start beat for period; start patience for (if kind == late then wait + 20ms else wait) }
        on timeout beat { start beat for period; start patience for wait }
        on timeout patience when kind == off { }
        on timeout patience when strict or missed == 0 { missed := missed + 1; goto Alarmed }
    }
    state Alarmed { }
}
scenario base {
    tick 10ms
    w : Watched { period = any duration 10ms..10s; wait = any duration 10ms..30s; strict = true; kind = plain }
    startup of w at 0s
}
scenario kinds  extends base { w.kind = any Kind; w.strict = any bool }
scenario closed extends base { w.period = 1s; w.wait = 2s }
scenario empty  extends base { assume w.period > 9s and w.wait > w.period * 4 and w.wait < w.period }
scenario narrow extends base { assume w.wait > 20s }
scenario all_bad extends base { assume w.wait <= w.period }
property calm  : never w is Alarmed
property again : always eventually w is Calm
property stuck : never w is Alarmed for longer than 1s
check base    { calm expect violated; again expect violated; stuck expect violated }
check kinds   { calm expect violated }
check closed  { calm expect proved }
check empty   { calm expect invalid }
check narrow  { calm expect proved }
check all_bad { calm expect violated }
"""


@pytest.fixture(scope="module")
def spec():
    return api.load_text(SPEC)


def one(spec, name, seconds=60):
    (found,) = api.synthesize(spec, [name], limits=api.Limits(seconds=seconds))
    return found


def test_the_condition_is_exact_and_shown_on_both_sides(spec):
    found = one(spec, "base.calm")
    assert found.known is api.Known.EXACT
    assert found.text == "w.wait > w.period"
    assert found.assumes == ("assume w.wait > w.period",)
    assert found.inside.verdict is Verdict.PROVED
    assert found.inside.proof is not None
    assert {s.verdict for s in found.outside} == {Verdict.VIOLATED}
    (bound,) = [s for s in found.outside if s.at_bound]
    period, wait = (part.split(" = ")[1] for part in bound.values.split(", "))
    assert period == wait
    assert [s.verdict for s in found.beside] == [Verdict.PROVED]


def test_what_is_printed_can_be_pasted(spec):
    """The conditions on a truth value, an enum and two durations at once; with them the property is proved, without it is not."""
    found = one(spec, "kinds.calm")
    assert found.known is api.Known.EXACT
    assert set(found.text.split(" or ")) >= {"w.kind == off", "w.wait > w.period"}
    pasted = SPEC.replace("scenario closed", f"scenario pasted extends kinds {{ {'; '.join(found.assumes)} }}\nscenario closed")
    pasted += "\ncheck pasted { calm expect proved }\n"
    again = api.load_text(pasted)
    task = next(t for t in again.tasks if t.scenario == "pasted")
    known = next(t for t in again.tasks if t.scenario == "kinds").system.assumptions
    assert len(task.system.assumptions) == len(known) + len(found.assumes)
    (result,) = api.check(
        dataclasses.replace(again, tasks=(task,)), limits=api.Limits(120), how=api.How(api.Engine.SYMBOLIC)
    )
    assert result.verdict is Verdict.PROVED


def test_for_all_values_for_none_and_for_no_values_at_all(spec):
    always = one(spec, "narrow")
    assert (always.known, always.text, always.assumes) == (api.Known.EXACT, "true", ())
    never = one(spec, "all_bad")
    assert (never.known, never.text, never.assumes) == (api.Known.EXACT, "false", ())
    assert {s.verdict for s in never.outside} == {Verdict.VIOLATED}
    nothing = one(spec, "empty")
    assert nothing.known is api.Known.INVALID
    assert "no values of the open parameters" in api.condition_text(nothing)


def test_a_bound_is_asked_like_a_never(spec):
    assert one(spec, "stuck").text == "w.wait > w.period"


ERRORS = """
machine Counter {
    parameter step : 1..50
    parameter most : 1..90
    variable n : 0..100 = 0
    timer t
    initial state Run {
        on startup { start t for 1s }
        on timeout t { n := n + 2 * step; if n < most { start t for 1s } else { goto Full } }
    }
    state Full { }
}
scenario counted { tick 1s; c : Counter { step = any 1..50; most = any 1..90 } startup of c at 0s; assume c.most <= 2 * c.step }
property small : never c is Full and c.n > 60
check counted { small expect violated }
"""


def test_errors_are_bad_too_and_told_apart():
    """One step is all there is; more than 100 is an error, more than 60 a violation: that more than 60 is left out says both."""
    found = one(api.load_text(ERRORS), "small")
    assert found.known is api.Known.EXACT
    assert found.text == "c.step <= 30"
    alone = ERRORS.replace("c.n > 60", "c.n > 100")
    found = one(api.load_text(alone), "small")
    assert found.known is api.Known.EXACT
    assert found.text == "true"  # 2 * 50 is no error
    alone = alone.replace("0..100", "0..70")
    found = one(api.load_text(alone), "small")
    assert (found.text, found.errors) == ("c.step <= 35", ("c.step >= 36",))
    assert {s.verdict for s in found.outside} == {Verdict.INVALID}


# ---- the command


@pytest.fixture
def path(tmp_path):
    written = tmp_path / "watch.spec"
    written.write_text(SPEC, encoding="utf-8")
    return str(written)


def test_the_command_in_words_and_as_json(path, capsys):
    assert main(["synthesize", path, "--check", "base.calm", "-q"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("base: calm holds exactly when\n        w.wait > w.period\n")
    assert "assume w.wait > w.period\n" in told
    assert main(["synthesize", path, "--check", "base.calm", "--json", "-q"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["conditions"]
    assert (found["known"], found["condition"]) == ("exact", "w.wait > w.period")
    assert found["inside"]["verdict"] == "proved"
    assert any(s["at_bound"] and s["verdict"] == "violated" for s in found["outside"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("clam", "E830"),
        ("clam", "did you mean 'calm'?"),
        ("closed", "E831"),
        ("closed", "leaves no parameter open"),
        ("again", "E832"),
        ("again", "no property of safety"),
    ],
)
def test_faulty_questions(path, capsys, name, told):
    assert main(["synthesize", path, "--check", name, "-q"]) == 2
    assert told in capsys.readouterr().err


# ---- lies, hangs, and what is not finished




class Told:
    """Stands for the process of the solvers."""

    def __init__(self, *news, hangs=False):
        self.left, self.hangs, self.problem, self.running = list(news), hangs, "", True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running = False

    def news(self):
        self.running = False
        found, self.left = self.left, []
        return found


def with_news(monkeypatch, *news):
    monkeypatch.setattr("verify.synthesis.synthesising.Asked", lambda *_: Told(*news))


WRONG = (Bound(((Rigid(1), 1),), 50),)  # a wait of 500 ms or less: neither all that is bad, nor only that
START_ONLY = Trace((Choice(START, -1, ()),))


def safe(spec):
    """A claim that everything beyond WRONG is proved, with an invariant that says nothing."""
    task = next(t for t in spec.tasks if t.scenario == "base")
    covered = Covered((WRONG,), (False,))
    assumed = dataclasses.replace(task.system, assumptions=(*task.system.assumptions, WRONG[0].opposite.expression))
    return covered, Safe(Claim(Holds(Inductive("liar", "true", "0", "a guess", digest(assumed)))))


def test_a_forged_proof_is_convicted(spec, monkeypatch):
    with_news(monkeypatch, *safe(spec))
    with pytest.raises(api.Convicted, match="refused"):
        one(spec, "base.calm")


def test_a_proof_of_another_condition_is_convicted(spec, monkeypatch):
    _, claim = safe(spec)
    with_news(monkeypatch, Covered((), ()), claim)
    with pytest.raises(api.Convicted, match="another system"):
        one(spec, "base.calm")


@pytest.mark.parametrize(
    "lie",
    [
        Met(WRONG, (100, 50), START_ONLY, failed=False),
        Met(WRONG, (100, 50), START_ONLY, failed=True),
        Sample(0, 0, (100, 50), START_ONLY, failed=False),
        Sample(0, 0, (10, 50), None, failed=False),  # it holds there
        Sample(0, 0, (0, 50), None, failed=False),  # no value of the period
    ],
)
def test_a_region_that_is_not_bad_is_convicted(spec, monkeypatch, lie):
    with_news(monkeypatch, Covered((WRONG,), (False,)), lie)
    with pytest.raises(api.Convicted):
        one(spec, "base.calm")


def test_one_side_is_not_rounded_up(spec, monkeypatch, capsys, path):
    """A search that ends early: what it found is needed, and no more is said."""
    (_, values) = (WRONG, (100, 50))
    with_news(monkeypatch, Covered((WRONG,), (False,)), Sample(0, 0, values, None, failed=False), Stuck("tired"))
    found = one(spec, "base.calm")
    assert found.known is api.Known.NECESSARY
    assert main(["synthesize", path, "--check", "base.calm", "-q"]) == 3
    told = capsys.readouterr().out
    assert "holds at most when" in told
    assert "inside: UNDECIDED, tired" in told
    with_news(monkeypatch, Stuck("tired"))
    assert one(spec, "base.calm").known is api.Known.UNDECIDED


def test_a_search_that_hangs_is_killed(spec, monkeypatch):
    monkeypatch.setattr(asking, "search", hanging)
    start = time.monotonic()
    found = one(spec, "base.calm", seconds=2)
    assert time.monotonic() - start < 30
    assert found.known is api.Known.UNDECIDED
    assert "killed" in found.why


def hanging(_system, _asked, _budget):
    time.sleep(1000)
    yield Stuck("")
