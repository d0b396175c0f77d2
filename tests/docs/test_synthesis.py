"""The page on synthesis: its command prints what is shown, its Python runs."""

import re
from pathlib import Path

import pytest

from verify.cli.main import main

TEXT = (Path(__file__).resolve().parents[2] / "docs/synthesis.md").read_text(encoding="utf-8")


def block(kind):
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.slow
def test_the_command_prints_what_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("together.spec").write_text(block("verify"), encoding="utf-8")
    command = re.search(r"^\$ verify (.*)$", TEXT, re.MULTILINE)[1]
    assert main([*command.split(), "-q"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(block("text"))
    assert "inside: PROVED, for all values of the open parameters by induction" in told
    assert "VIOLATED, at a bound" in told
    assert "PROVED, exhausted by explicit" in told


def test_the_python_runs():
    exec(compile(block("python"), "docs/synthesis.md", "exec"), {})
