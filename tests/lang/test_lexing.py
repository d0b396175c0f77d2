"""The quick lexer gives the parser what lark's own gives it: the same tokens with the same places, for the same texts."""

import random
from pathlib import Path

import pytest
from lark import Token, Tree, UnexpectedInput

from tests.lang.test_fuzz import SPEC, mutant
from verify.lang.parsing import _grammar

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    p
    for folder in ("models", "specs", "tests", "benchmarks")
    for p in sorted((ROOT / folder).rglob("*.*"))
    if p.suffix in (".spec", ".model")
]


def tokens(text: str, *, patient: bool) -> tuple[Tree[Token], list[tuple[object, ...]]] | None:
    """The tree, and of each token in it all that is known; None if the text is refused."""
    try:
        tree = _grammar(patient=patient).parse(text)
    except UnexpectedInput:
        return None
    found = tree.scan_values(lambda value: isinstance(value, Token))
    return tree, [(t.type, t.start_pos, t.end_pos, t.line, t.column, t.end_line, t.end_column) for t in found]


def test_every_file_is_read_alike() -> None:
    assert len(FILES) > 100
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert tokens(text, patient=False) == tokens(text, patient=True), path


@pytest.mark.parametrize("seed", range(4))
def test_scrambled_texts_are_read_alike_or_refused_alike(seed: int) -> None:
    dice = random.Random(seed)
    texts = [mutant(SPEC, dice) for _ in range(60)]
    answers = [tokens(text, patient=False) for text in texts]
    assert answers == [tokens(text, patient=True) for text in texts]
    assert 0 < answers.count(None) < len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a remark",
        "\r\n\t\f",
        "let a = 1 mod 2",
        "let model = 1  let mod2 = 2",
        "let x = timeout",
        "property p : never timeout t of a",
        "property p : never sent Hello by a and crash of b",
        "let count = 1  let y = count(x in Bridge : true)",
        "let d = 1.5s + 3min - 2h * 10ms",
        "let d = 3.6 s",
        "let d = 12s3",
        'check c { p expect proved because "it is so" } needs native',
        "scenario s { link l joins a, b { when full drops   \n oldest } }",
        "topology t { node a, b  link a - b 10G }",
        "let ünicode = 1",
        "let a = 1 ? 2",
        "let a == 1",
    ],
)
def test_what_is_hard_to_tell_apart(text: str) -> None:
    assert tokens(text, patient=False) == tokens(text, patient=True)
