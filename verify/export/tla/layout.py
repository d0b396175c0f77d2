"""How formulas are laid out: lists of conjuncts under one another, what belongs together indented."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 110
Lines = list[str]


def hanging(prefix: str, lines: Sequence[str]) -> Lines:
    """Lines behind a prefix."""
    return [f"{prefix if i == 0 else ' ' * len(prefix)}{line}" for i, line in enumerate(lines)]


def bulleted(lines: Sequence[str]) -> bool:
    """Whether lines are a list of conjuncts."""
    return any(line.startswith("/\\ ") for line in lines)


def both(items: Sequence[Lines], last: Lines) -> Lines:
    """Conjuncts, and behind them what may be a list of more."""
    if not items:
        return last
    before = [line for item in items for line in (item if is_remark(item) else hanging("/\\ ", item))]
    return [*before, *(last if bulleted(last) else hanging("/\\ ", last))]


def listed(items: Sequence[Lines], sign: str = "/\\") -> Lines:
    """Conjuncts, or disjuncts, under one another; remarks stand between them."""
    said = [item for item in items if not is_remark(item)]
    if not said:
        return [*(line for item in items for line in item), "TRUE"]
    if len(items) == 1:
        return list(items[0])
    return [line for item in items for line in (item if is_remark(item) else hanging(f"{sign} ", item))]


def is_remark(item: Lines) -> bool:
    """Whether a line is nothing but a remark."""
    return all(line.startswith("\\* ") for line in item)


def conditional(test: str, then: Lines, otherwise: Lines) -> Lines:
    """IF, THEN, ELSE; another IF behind ELSE goes on in the same column."""
    chained = otherwise[0].startswith("IF ")
    rest = [f"ELSE {otherwise[0]}", *otherwise[1:]] if chained else hanging("ELSE ", otherwise)
    return [f"IF {test}", *hanging("THEN ", then), *rest]


def letting(named: Sequence[tuple[str, str]], body: Lines) -> Lines:
    """LET, with a line for each name."""
    if not named:
        return body
    lines = [f"{name} == {text}" for name, text in named]
    return [*hanging("LET ", lines), *hanging("IN  ", body)]


def folded(line: str) -> Lines:
    """A line, in two if a message makes it long."""
    at = line.find("[kind |-> ")
    return [line] if len(line) <= WIDTH or at < 0 else [line[:at].rstrip(), f"  {line[at:]}"]


def spread(start: str, parts: Sequence[str], end: str) -> Lines:
    """Parts with commas between them, on one line if they fit."""
    line = f"{start}{', '.join(parts)}{end}"
    if len(line) <= WIDTH:
        return [line]
    lines, rest = [start.rstrip()], "  "
    for i, part in enumerate(parts):
        piece = part + (end if i == len(parts) - 1 else ", ")
        if len(rest) + len(piece) > WIDTH and rest.strip():
            lines.append(rest.rstrip())
            rest = "  "
        rest += piece
    return [*lines, rest.rstrip()]


__all__ = ["Lines", "both", "bulleted", "conditional", "folded", "hanging", "is_remark", "letting", "listed", "spread"]
