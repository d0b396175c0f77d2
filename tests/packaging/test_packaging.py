"""The project's files agree with each other: names, versions, commands, and what stands at the top level."""

import pkgutil
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import verify

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TEST_COMMAND = "python -m pytest -n auto"

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "benchmarks",
    "docs",
    "models",
    "pyproject.toml",
    "specs",
    "tests",
    "verify",
}


def test_command_line_entry_can_be_called():
    assert PYPROJECT["project"]["scripts"] == {"verify": "verify.cli.main:main"}
    assert callable(pkgutil.resolve_name(PYPROJECT["project"]["scripts"]["verify"]))


def test_top_level_holds_only_the_permitted_names():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = {name.split("/")[0] for name in listing.splitlines()}
    assert found <= TOP_LEVEL


def test_package_is_marked_as_typed():
    assert (ROOT / "verify" / "py.typed").is_file()


def test_changelog_begins_with_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([^\]\s]+)", changelog, flags=re.MULTILINE)
    assert headings[0] in {"Unreleased", verify.__version__}


@pytest.mark.parametrize("path", ["README.md", ".ci/run"])
def test_documented_test_command_is_the_one_that_ci_runs(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert TEST_COMMAND in {line.strip().removeprefix("$ ") for line in lines}
