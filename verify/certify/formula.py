"""Reading a formula that somebody else wrote: known words and operators only, so that no text of a certificate is a command."""

from __future__ import annotations

import re
from typing import Final

LONGEST = 5_000_000  # characters
OPERATORS: Final = frozenset(
    {"and", "or", "not", "=>", "ite", "=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "distinct"}
)
_TOKEN: Final = re.compile(r"\(|\)|[^\s()]+")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")


class Refused(Exception):  # noqa: N818 - a judgement
    """The certificate is not accepted: why."""


class Undecided(Refused):
    """The certificate is not accepted, and nothing is wrong with it: this program or its solvers cannot tell."""


def read(text: str, words: dict[str, str], what: str) -> str:
    """The formula in a text, written anew; Refused if it holds anything else."""
    if len(text) > LONGEST:
        raise Refused(f"{what} is longer than {LONGEST:,} characters")
    tokens = _TOKEN.findall(re.sub(r";[^\n]*", "", text))
    out: list[str] = []
    scopes: list[set[str]] = [set()]
    reader = _Reader(tokens, words, what)
    reader.term(out, scopes)
    if reader.at != len(tokens):
        raise Refused(f"{what} goes on after its end: {tokens[reader.at][:40]!r}")
    return " ".join(out)


class _Reader:
    """One formula, term by term; a stack of its own, so that depth is no matter."""

    def __init__(self, tokens: list[str], words: dict[str, str], what: str) -> None:
        self.tokens = tokens
        self.words = words
        self.what = what
        self.at = 0

    def next(self) -> str:
        """The next token."""
        if self.at >= len(self.tokens):
            raise Refused(f"{self.what} ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def term(self, out: list[str], scopes: list[set[str]]) -> None:
        """Read one term and write it down."""
        waiting: list[str] = ["term"]
        while waiting:
            task = waiting.pop()
            if task == "term":
                self.begin(out, scopes, waiting)
            elif task == "more":
                if self.peek() == ")":
                    out.append(self.next())
                else:
                    waiting += ["more", "term"]
            elif task == "binding":
                self.binding(out, waiting)
            elif task == "close":
                self.expect(")", out)
            elif task == "leave":
                scopes.pop()
            else:  # a name that is bound from here on
                scopes[-1].add(task.removeprefix("bound "))

    def begin(self, out: list[str], scopes: list[set[str]], waiting: list[str]) -> None:
        """The first token of a term decides what follows."""
        token = self.next()
        if token != "(":  # noqa: S105 - a parenthesis
            known = token in ("true", "false") or token in self.words or any(token in s for s in scopes)
            if not known and not _NUMBER.fullmatch(token):
                raise Refused(f"{self.what} uses {token[:40]!r}, which is no word of the system")
            out.append(token)
            return
        operator = self.next()
        if operator == "let":
            out += ["(", "let"]
            self.expect("(", out)
            scopes.append(set())
            waiting += ["leave", "close", "term", "binding"]
            return
        if operator not in OPERATORS:
            raise Refused(f"{self.what} uses {operator[:40]!r}, which is no operator of certificates")
        out += ["(", operator]
        waiting += ["more", "term"]

    def binding(self, out: list[str], waiting: list[str]) -> None:
        """The next ``(name term)`` of a let, or its end."""
        token = self.next()
        out.append(token)
        if token == ")":  # noqa: S105 - a parenthesis
            return
        name = self.next()
        if token != "(" or not re.fullmatch(r"[a-z]+![0-9]+", name):  # noqa: S105 - a parenthesis
            raise Refused(f"{self.what} binds {name[:40]!r}")
        out.append(name)
        waiting += ["binding", f"bound {name}", "close", "term"]

    def peek(self) -> str:
        """The next token, left where it is."""
        return self.tokens[self.at] if self.at < len(self.tokens) else self.next()

    def expect(self, wanted: str, out: list[str]) -> None:
        """The next token is this one."""
        token = self.next()
        if token != wanted:
            raise Refused(f"{self.what} has {token[:40]!r} where {wanted!r} belongs")
        out.append(token)
