"""Every example of the language manual is read, and those with checks are run: the manual says what the program does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from verify.base.budget import Budget, Limits
from verify.base.diagnostic import InputError
from verify.base.verdict import Verdict
from verify.engines.explicit.engine import ExplicitEngine
from verify.judge.judge import Ruling, judge
from verify.lang.specification import Task, load_specification
from verify.passes.valuations import close, close_property, valuations
from verify.run.surveys import check_survey

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "language.md"
TEXT = MANUAL.read_text(encoding="utf-8")
FENCE = re.compile(r"^```(verify(?:-\w+)?(?: pending)?)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"^check\s", re.MULTILINE)
NAMED = re.compile(r"#\s*file\s+(\S+)")
CODES = re.compile(r"[EW]\d{3}")
SECONDS = 20


@dataclass(frozen=True)
class Block:
    """A fenced example: its kind, its text, and its line in the manual."""

    kind: str
    text: str
    line: int

    @property
    def first_line(self) -> str:
        """The comment that may name a file, codes or warnings."""
        return self.text.split("\n", 1)[0]

    @property
    def filename(self) -> str:
        """Its own name, where other examples use it; else one by its content."""
        named = NAMED.match(self.first_line)
        if named:
            return named.group(1)
        return "example.spec" if CHECK.search(self.text) else "example.model"


def _blocks() -> list[Block]:
    return [Block(m.group(1), m.group(2), TEXT.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(TEXT)]


BLOCKS = _blocks()


def _of(kind: str) -> list[object]:
    """The examples of a kind. ``pending``: what the program does not do yet; the word must go when it does."""
    pending = pytest.mark.xfail(strict=True, reason="the program does not do what the manual says yet")
    plain = [pytest.param(b, id=f"line {b.line}") for b in BLOCKS if b.kind == kind]
    late = [pytest.param(b, id=f"line {b.line}", marks=pending) for b in BLOCKS if b.kind == f"{kind} pending"]
    return plain + late


def _saved(block: Block, folder: Path) -> Path:
    """The block as a file, beside every example that has a name of its own."""
    for other in BLOCKS:
        if NAMED.match(other.first_line):
            (folder / other.filename).write_text(other.text, encoding="utf-8")
    path = folder / block.filename
    path.write_text(block.text, encoding="utf-8")
    return path


def _rulings(task: Task) -> list[list[Ruling]]:
    """For each valuation of the open parameters, the rulings on all checks of the task."""
    known = valuations(task.system)
    assert not known.too_many
    rows: list[list[Ruling]] = []
    for values in known.all:
        system = close(task.system, values)
        asked = [close_property(c.property, values) for c in task.checks]
        claims = ExplicitEngine().check(system, asked, Budget(Limits(seconds=SECONDS)))
        rows.append([judge(system, p, claim) for p, claim in zip(asked, claims, strict=True)])
    return rows


def _verdict(rulings: list[Ruling]) -> Verdict:
    """One verdict over all valuations: a violation for one is a violation; nothing to look at is INVALID."""
    found = {r.verdict for r in rulings}
    order = (Verdict.VIOLATED, Verdict.INVALID, Verdict.UNDECIDED, Verdict.PROVED)
    return next((v for v in order if v in found), Verdict.INVALID)


@pytest.mark.parametrize("block", _of("verify"))
def test_the_example_is_understood_and_gives_its_verdicts(block: Block, tmp_path: Path) -> None:
    specification = load_specification(_saved(block, tmp_path))
    told = {d.code for d in specification.warnings}
    assert told == set(re.findall(r"W\d{3}", block.first_line)), specification.warnings
    for survey in specification.surveys:
        for found in check_survey(specification.path, survey, Limits(seconds=SECONDS)):
            assert found.as_expected(), (found.check.property.name, found.ruling)
    for task in specification.tasks:
        if task.checks and task.checks[0].native:
            continue
        rows = _rulings(task)
        for number, check in enumerate(task.checks):
            rulings = [row[number] for row in rows]
            shown = f"{task.scenario}: {check.property.name}: {[r.backing for r in rulings][:3]}"
            assert _verdict(rulings) is check.expected, shown
            vacuous = any(r.vacuous for r in rulings)
            assert vacuous == ("vacuous" in check.because), f"{shown}: vacuous is {vacuous}"


@pytest.mark.parametrize("block", _of("verify-error"))
def test_the_faulty_example_is_refused_with_its_code(block: Block, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_specification(_saved(block, tmp_path))
    told = {d.code for d in caught.value.diagnostics if d.severity.value == "error"}
    assert told == set(CODES.findall(block.first_line)), caught.value


def test_every_fence_is_of_a_known_kind() -> None:
    assert {b.kind for b in BLOCKS} <= {"verify", "verify pending", "verify-error"}
    assert len(BLOCKS) > 50


def test_every_link_within_the_manual_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_every_code_of_the_program_that_warns_is_listed() -> None:
    folder = Path(load_specification.__code__.co_filename).parent
    used = {c for path in folder.glob("*.py") for c in re.findall(r'"(W\d{3})"', path.read_text(encoding="utf-8"))}
    assert used <= set(CODES.findall(TEXT))
