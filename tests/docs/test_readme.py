"""Every command and every example of the README, the API page and CONTRIBUTING is run, or is what CI runs."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from verify.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
API = (ROOT / "docs/api.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")


def blocks(text, kind):
    found = re.findall(r"^```([\w-]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for name, body in found if name == kind]


def commands(text):
    return [line[2:] for block in blocks(text, "") for line in block.splitlines() if line.startswith("$ ")]


def test_the_commands_are_known():
    assert commands(README) == [
        "python -m pip install '.[test]'",
        "verify check specs/",
        "python -m pytest -n auto",
        "verify check gateways.spec",
    ]
    # installing and testing is what CI does, from a fresh clone, in a fresh environment
    assert "python -m pip install --quiet '.[dev]'" in CI
    assert "python -m pytest -n auto\n" in CI


@pytest.mark.slow
def test_checking_the_shipped_specs_ends_with_0(capsys):
    assert main(["check", str(ROOT / "specs"), "-q"]) == 0
    assert "all as expected" in capsys.readouterr().out


def test_checking_those_that_are_searched_ends_with_0(capsys):
    searched = [str(p) for p in sorted((ROOT / "specs").rglob("*.spec")) if not p.stem.startswith("open_")]
    assert main(["check", *searched, "-q"]) == 0
    assert "all as expected" in capsys.readouterr().out


def test_the_example_prints_what_the_readme_shows(tmp_path):
    (example,) = blocks(README, "verify")
    (shown,) = blocks(README, "text")
    (tmp_path / "gateways.spec").write_text(example, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "verify", "check", "gateways.spec"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stdout == shown


def test_the_picture_is_what_the_example_draws(tmp_path, monkeypatch):
    (example,) = blocks(README, "verify")
    monkeypatch.chdir(tmp_path)
    Path("gateways.spec").write_text(example, encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["check", "gateways.spec", "--out", "pictures", "-q"]) == 0
    (drawn,) = Path("pictures").glob("*never_two*.svg")
    assert drawn.read_bytes() == (ROOT / "docs/pictures/gateways.svg").read_bytes()


def test_other_commands_that_the_readme_names(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    spec = "specs/vrrp/three.spec"
    for line in (f"simulate {spec} --seed 3", f"check {spec} --out {tmp_path} -q", f"show {spec}"):
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(line.split()) == 0
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["render", str(next(tmp_path.glob("*.itf.json")))]) == 0


@pytest.mark.parametrize("example", blocks(API, "python"))
def test_the_examples_of_the_python_interface(example, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(compile(example, "docs/api.md", "exec"), {})
    assert capsys.readouterr().out


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_no_page_names_a_machine_or_a_host_of_a_registry():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/work/|/root/|/home/|pypi\.org|files\.pythonhosted", text), path
