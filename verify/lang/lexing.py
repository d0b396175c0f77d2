"""Tokens, told apart by what the parser can take next: lark's contextual lexer with one small pattern for each terminal.

Lark's own compiles one large pattern for every set of terminals that can follow, which takes longer than reading most models.
Here each terminal has its pattern, compiled when it is first tried, and words that are written out in the grammar are looked up.
What is accepted has the same tokens (a test compares); for what is not, the parser asks lark's own lexer, which explains better.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lark import Token, UnexpectedCharacters
from lark.lexer import Lexer, PatternStr

if TYPE_CHECKING:
    from lark.common import LexerConf
    from lark.lexer import LexerState, TerminalDef
    from lark.parsers.lalr_parser_state import ParserState

Matcher = Callable[[str, int], "re.Match[str] | None"]


class ContextualLexer(Lexer):
    """The same tokens as lark's of this name. UnexpectedCharacters, without details, where none can stand."""

    __future_interface__ = 1

    def __init__(self, conf: LexerConf) -> None:
        self._terminals: dict[str, TerminalDef] = {t.name: t for t in conf.terminals}
        self._ignored: list[str] = list(conf.ignore)
        self._matchers: dict[str, Matcher] = {}
        self._choices: dict[int, _Choice] = {}

    def lex(self, lexer_state: LexerState, parser_state: ParserState[Any]) -> Iterator[Token]:
        """The tokens of the text; each is chosen when the parser has taken the one before."""
        given: Any = lexer_state.text
        text: str = given if isinstance(given, str) else given.text
        lines = [0, *(m.end() for m in re.finditer("\n", text))]  # where each begins
        states = parser_state.parse_conf.parse_table.states
        skip = self._skip
        at = skip(text, 0).end()
        while at < len(text):
            position = parser_state.position
            choice = self._choices.get(position)
            if choice is None:
                choice = self._choices[position] = _Choice(self, states[position])
            name, end = choice.longest(text, at)
            if end <= at:
                raise UnexpectedCharacters(text, at, 0, 0)  # type: ignore[no-untyped-call]
            row, last = bisect_right(lines, at), bisect_right(lines, end - 1)
            yield Token(name, text[at:end], at, row, at - lines[row - 1] + 1, last, end - lines[last - 1] + 1, end)
            at = skip(text, end).end()

    @cached_property
    def _skip(self) -> Callable[[str, int], re.Match[str]]:
        """Past everything that is ignored."""
        patterns = "|".join(self._terminals[name].pattern.to_regexp() for name in self._ignored)
        match: Any = re.compile(f"(?:{patterns})*").match
        return match  # type: ignore[no-any-return]  # it always matches

    def terminal(self, name: str) -> TerminalDef | None:
        """A terminal; None for what is no terminal, and for the end."""
        return self._terminals.get(name)

    def matcher(self, name: str) -> Matcher:
        """What finds a terminal at a place."""
        if name not in self._matchers:
            self._matchers[name] = re.compile(self._terminals[name].pattern.to_regexp()).match
        return self._matchers[name]


class _Choice:
    """The terminals that can follow in one state of the parser, in lark's order."""

    def __init__(self, lexer: ContextualLexer, followers: dict[str, Any]) -> None:
        found = [t for t in map(lexer.terminal, followers) if t is not None]
        found.sort(key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
        self._words: dict[str, dict[str, str]] = {}  # of a pattern: the words that it matches and that are terminals of their own
        self._tried: list[tuple[str, Matcher]] = []
        patterns = [t for t in found if not isinstance(t.pattern, PatternStr)]
        literal: set[str] = set()
        for pattern in patterns:
            words = self._words[pattern.name] = {}
            for word in found:
                if isinstance(word.pattern, PatternStr) and word.priority == pattern.priority:
                    value = word.pattern.value
                    match = lexer.matcher(pattern.name)(value, 0)
                    if match is not None and match.end() == len(value):
                        words[value] = word.name
                        literal.add(word.name)
        self._tried = [(t.name, lexer.matcher(t.name)) for t in found if t.name not in literal]

    def longest(self, text: str, at: int) -> tuple[str, int]:
        """The terminal that stands at a place, and where it ends; an end of -1 if there is none."""
        for name, match in self._tried:
            found = match(text, at)
            if found is not None:
                words = self._words.get(name)
                return (words.get(found[0], name) if words else name), found.end()
        return "", -1
