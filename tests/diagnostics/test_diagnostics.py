"""Each kind of fault, and all that is said about it. A case is a text and, beside it, what is expected to be told."""

from pathlib import Path

import pytest

from verify.base.diagnostic import InputError, render
from verify.lang.loading import Sources
from verify.lang.specification import load_specification

CASES = Path(__file__).parent / "cases"
LARGEST = 4096  # bytes: so that the case of a too large file is small


def told(path):
    """All that is said about a file, with paths shortened to the names of files."""
    sources = Sources(largest=LARGEST)
    try:
        found = load_specification(path, sources).warnings
    except InputError as problem:
        found = problem.diagnostics
    text = "\n\n".join(render(d, sources.texts) for d in found)
    return text.replace(f"{path.parent}/", "") + "\n"


@pytest.mark.parametrize("expected", sorted(CASES.glob("*.expected")), ids=lambda p: p.stem)
def test_what_is_told(expected):
    (case,) = (p for p in CASES.glob(f"{expected.stem}.*") if p.suffix in (".spec", ".model"))
    assert told(case) == expected.read_text(encoding="utf-8")


def test_a_folder_is_no_file(tmp_path):
    folder = tmp_path / "folder.spec"
    folder.mkdir()
    assert told(folder) == "error[E001]: folder.spec is a folder, not a file\n  --> folder.spec\n"


def test_a_missing_file(tmp_path):
    assert (
        told(tmp_path / "none.spec")
        == "error[E001]: cannot read none.spec: No such file or directory\n  --> none.spec\n"
    )


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a.spec").symlink_to(tmp_path / "b.spec")
    (tmp_path / "b.spec").symlink_to(tmp_path / "a.spec")
    assert told(tmp_path / "a.spec").startswith("error[E001]: cannot read a.spec: ")


def test_every_case_is_expected():
    stems = {
        p.stem
        for p in CASES.iterdir()
        if p.suffix in (".spec", ".model") and p.stem[:1] in "EW" and p.stem[1:4].isdigit()
    }
    assert stems == {p.stem for p in CASES.glob("*.expected")}
