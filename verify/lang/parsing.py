"""One source text to a syntax tree, or to all the syntax errors in it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from verify.base.cache import cache_folder
from verify.base.diagnostic import Diagnostic, InputError, did_you_mean, error
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.formula_help import formula_help

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

GRAMMAR = Path(__file__).with_name("grammar.lark")
DEEPEST = 60
MOST_ERRORS = 10

_READABLE = {
    "NAME": "a name",
    "INT": "a number",
    "DURATION": "a duration (10ms)",
    "RATE": "a rate (10G)",
    "STRING": 'a text in quotes ("…")',
    "COMPARE": "a comparison",
    "ADDING": "'+' or '-'",
    "MULTIPLYING": "'*', '/' or 'mod'",
    "$END": "the end of the file",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LPAR": "'('",
    "RPAR": "')'",
    "COLON": "':'",
    "EQUAL": "'='",
    "COMMA": "','",
    "DOT": "'.'",
    "SEMICOLON": "';'",
    "LSQB": "'['",
    "RSQB": "']'",
    "MINUS": "'-'",
}


@functools.cache
def _grammar(*, patient: bool = False) -> Lark:
    """The parser: the quick one, or the patient one, which tells what was wrong. Lark is imported when it is first needed."""
    from lark import Lark  # noqa: PLC0415 - a heavy library, one door
    from lark import __version__ as lark_version  # noqa: PLC0415

    from verify.lang.lexing import ContextualLexer  # noqa: PLC0415 - imports lark

    text = GRAMMAR.read_text(encoding="utf-8")
    kept: str | bool = False
    with contextlib.suppress(OSError):  # a cache that cannot be written is none
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = hashlib.sha256(f"{lark_version}\n{text}".encode()).hexdigest()
        name = f"grammar-{digest[:32]}{'-patient' if patient else ''}.tables"
        kept = str(folder / name) if os.access(folder, os.W_OK) else False
    lexer = "contextual" if patient else ContextualLexer
    return Lark(text, parser="lalr", lexer=lexer, propagate_positions=True, maybe_placeholders=True, cache=kept)


def _tree(text: str) -> Tree[Token]:
    """Lark's tree; its errors, with what would have been expected."""
    from lark.exceptions import UnexpectedInput  # noqa: PLC0415 - the door

    try:
        return _grammar().parse(text)
    except UnexpectedInput:
        return _grammar(patient=True).parse(text)


def parse(text: str, path: str) -> s.File:
    """The syntax tree of ``text``; InputError with every syntax error that can be told apart.

    After an error the faulty line is blanked out and the rest is read again, so that one slip does not hide the next.
    """
    too_deep = _nesting(text, path)
    if too_deep is not None:
        raise InputError([too_deep])
    faults: list[Diagnostic] = []
    remaining = text
    while len(faults) < MOST_ERRORS:
        tree, fault, line = _attempt(remaining, path)
        if tree is not None and not faults:
            return tree
        if fault is None or (faults and fault.place.line <= faults[-1].place.line):
            break
        faults.append(fault)
        blanked = _blank(remaining, line)
        if blanked == remaining:
            break
        remaining = blanked
    raise InputError(faults)


def _attempt(text: str, path: str) -> tuple[s.File | None, Diagnostic | None, int]:
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput, VisitError  # noqa: PLC0415 - the door

    from verify.lang.topology_tree import LiteralError  # noqa: PLC0415 - imports lark
    from verify.lang.tree import TreeBuilder  # noqa: PLC0415 - imports lark

    try:
        return TreeBuilder(path, text).transform(_tree(text)), None, 0
    except UnexpectedCharacters as found:
        place = Place(path, found.line, found.column, found.column + 1)
        character = str(found.char)
        help_text = (
            "texts stand in double quotes, on one line"
            if character in "\"'"
            else formula_help(text[: found.pos_in_stream], character) or "remove it, or write it in a comment (# …)"
        )
        shown = repr(character) if character.isprintable() else f"the character U+{ord(character):04X}"
        return None, error("E102", f"{shown} means nothing here", place, help_text), found.line
    except UnexpectedInput as found:
        return _unexpected(found, text, path)
    except VisitError as found:
        if isinstance(found.orig_exc, LiteralError):
            place = found.orig_exc.place
            return None, error("E103", str(found.orig_exc), place, found.orig_exc.help), place.line
        if isinstance(found.orig_exc, RecursionError):
            return None, _deep(Place(path)), 0
        raise
    except RecursionError:
        return None, _deep(Place(path)), 0


def _unexpected(found: Exception, text: str, path: str) -> tuple[None, Diagnostic, int]:
    from lark.exceptions import UnexpectedToken  # noqa: PLC0415 - the door

    if not isinstance(found, UnexpectedToken):
        raise found
    token: Token = found.token
    accepts = sorted(found.accepts or found.expected or ())
    if token.type == "$END":
        return None, _torn(text, path), _last_line(text)
    place = Place(path, token.line or 0, token.column or 0, token.end_column or 0)
    words = [w for a in accepts for w in _words(a)]
    suggestion = did_you_mean(str(token), words) if str(token).isidentifier() else ""
    before = text[: token.start_pos or 0]
    in_formula = formula_help(before, str(token))
    if in_formula:
        suggestion = in_formula
    elif re.search(r"\d(\.\d+)? +$", before) and str(token) in ("s", "ms", "us", "ns", "min", "h"):
        suggestion = f"a duration is written without a space: {before.split()[-1]}{token}"
    elif re.search(r"\d$", before) and str(token) == ".":
        suggestion = "only durations have fractions, and their unit follows without a space: 3.6s"
    elif not suggestion.startswith("did you mean"):
        suggestion = "expected here: " + ", ".join(_listed(accepts))
    return None, error("E101", f"unexpected '{_clip(str(token))}'", place, suggestion), token.line or 0


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"


def _words(terminal: str) -> list[str]:
    """The keywords that a terminal stands for, as written; none for names, numbers and signs."""
    pattern = _grammar(patient=True).get_terminal(terminal).pattern if terminal in _terminals() else None
    value = str(getattr(pattern, "value", ""))
    without_lookahead = re.sub(r"\(\?[=!].*\)$", "", value.replace(r"\s+", " "))
    options = re.sub(r"\(\?:|[()]|\\b", "", without_lookahead).split("|")
    return [o for o in options if o.replace(" ", "").isalpha()]


@functools.cache
def _terminals() -> frozenset[str]:
    return frozenset(t.name for t in _grammar(patient=True).terminals)


def _listed(accepts: list[str]) -> list[str]:
    readable = [r for a in accepts for r in ([_READABLE[a]] if a in _READABLE else [f"'{w}'" for w in _words(a)])]
    kept = sorted(set(readable), key=lambda r: (not r.startswith("a "), r))
    return [*kept[:9], "…"] if len(kept) > 9 else kept or ["something else"]


def _torn(text: str, path: str) -> Diagnostic:
    """The file ends too early: points at the bracket that was never closed."""
    stack: list[tuple[str, int, int]] = []
    for line, column, character in _brackets(text):
        if character in "{([":
            stack.append((character, line, column))
        elif stack:
            stack.pop()
    if stack:
        character, line, column = stack[-1]
        return error(
            "E104",
            f"the file ends before this '{character}' is closed",
            Place(path, line, column, column + 1),
            "is the file cut off? add the closing bracket",
        )
    last = _last_line(text)
    return error(
        "E104", "the file ends in the middle of a declaration", Place(path, last, 1, 2), "is the file cut off?"
    )


def _last_line(text: str) -> int:
    return max(1, len(text.rstrip().split("\n")))


def _brackets(text: str) -> list[tuple[int, int, str]]:
    """Every bracket outside comments and texts, with its line and column."""
    found: list[tuple[int, int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        quoted = False
        for column, character in enumerate(line, 1):
            if character == '"':
                quoted = not quoted
            elif character == "#" and not quoted:
                break
            elif not quoted and character in "{}()[]":
                found.append((number, column, character))
    return found


def _nesting(text: str, path: str) -> Diagnostic | None:
    depth = 0
    for line, column, character in _brackets(text):
        depth += 1 if character in "{([" else -1
        if depth > DEEPEST:
            return _deep(Place(path, line, column, column + 1))
    return None


def _deep(place: Place) -> Diagnostic:
    return error("E105", f"nested more than {DEEPEST} deep", place, "give the inner parts names with let")


def _blank(text: str, line: int) -> str:
    """The text with one line made empty; a bracket that it opened is blanked up to where it is closed."""
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return text
    balance = 0
    for number in range(line - 1, len(lines)):
        for _, _, character in _brackets(lines[number]):
            balance += 1 if character in "{([" else -1
        kept = ""
        if balance < 0 and number == line - 1:
            kept = "}" * -balance
            balance = 0
        lines[number] = kept
        if balance <= 0:
            break
    return "\n".join(lines)
