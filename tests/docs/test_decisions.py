"""The sketches of the decisions are files of the language: they load, and their checks give what they say."""

import re
from pathlib import Path

import pytest

from verify import api

FOLDER = Path(__file__).resolve().parents[2] / "docs/decisions"
SKETCHES = [
    pytest.param(block, id=f"{path.stem[:4]}-{number}")
    for path in sorted(FOLDER.glob("*.md"))
    for number, block in enumerate(
        re.findall(r"^```verify\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
]


@pytest.mark.parametrize("sketch", SKETCHES)
def test_sketch(sketch):
    results = api.check(api.load_text(sketch), limits=api.Limits(seconds=30))
    assert results
    assert all(r.as_expected() for r in results), [
        (r.check.property.name, str(r.verdict), r.ruling.backing) for r in results
    ]


def test_every_decision_is_in_the_list():
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (FOLDER / "README.md").read_text(encoding="utf-8")))
    assert listed == {p.name for p in FOLDER.glob("0*.md")}
