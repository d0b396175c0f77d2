"""The page on topologies: its examples give their verdicts, and its command prints what is shown."""

import re
from pathlib import Path

import pytest

from verify import api
from verify.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/topologies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```verify\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
BRANCH = BLOCKS[0]


@pytest.mark.parametrize("block", BLOCKS[1:], ids=lambda b: b.split()[1])
def test_the_examples_give_their_verdicts(block):
    spec = api.load_text(block)
    assert not spec.warnings
    results = [r for group in api.check_topologies(spec) for r in group]
    assert results
    assert [r.check.property.name for r in results if not r.as_expected()] == []


def test_the_command_prints_what_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("branch.topology").write_text(BRANCH, encoding="utf-8")
    command = re.search(r"^\$ verify (.*)$", TEXT, re.MULTILINE)[1]
    assert main([*command.split(), "-q"]) == 1
    assert capsys.readouterr().out == re.search(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[1]


def test_the_shipped_story_is_as_expected():
    spec = api.load(ROOT / "specs/topology/branch_office.spec")
    results = [r for group in api.check_topologies(spec) for r in group]
    assert len(results) == 31
    assert all(r.as_expected() and r.check.because for r in results)
