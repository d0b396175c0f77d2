"""Text for pictures: escaped, wrapped, and set in rows. Graphviz reads it as HTML-like labels."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Sequence

from verify.render import font

# Of the palette of Okabe and Ito, told apart by readers with any colour vision. No meaning hangs on a colour alone.
INK, GREY, FAINT = "#1a1a1a", "#5f5f5f", "#b8b8b8"
BLUE, RED, GREEN, PURPLE = "#0072b2", "#c04a00", "#00795a", "#8a4f7d"
PAPER, TINT = "#ffffff", "#f3f5f7"


def clean(text: str) -> str:
    """The text on one line: what is no visible character becomes a space, what the font does not have its number."""
    return font.shown(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def shortened(text: str, most: int) -> str:
    """The text, cut at a word with an ellipsis where it is longer."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > most // 2 else cut).rstrip() + "…"


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` characters, broken before ``and`` and ``or`` and after ``;`` where that is possible."""
    parts = re.split(r" (?=(?:and|or) )|(?<=;) ", text.replace(" }", "\N{NO-BREAK SPACE}}"))
    out: list[str] = []
    for part in parts:
        if out and len(out[-1]) + 1 + len(part) <= width:
            out[-1] += f" {part}"
        else:
            out += textwrap.wrap(part, width, break_on_hyphens=False) or [""]
    return out


def styled(text: str, *, size: float = 10, colour: str = INK, bold: bool = False) -> str:
    """Text in a font, escaped: for HTML, and from Graphviz, to which a backslash and a letter mean a name."""
    inner = html.escape(clean(text)).replace("\\", "\\\\") or " "
    if bold:
        inner = f"<B>{inner}</B>"
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{colour}">{inner}</FONT>'


def lines(text: str, width: int, *, size: float = 10, colour: str = INK, bold: bool = False) -> list[str]:
    """Wrapped text, each line styled."""
    return [styled(line, size=size, colour=colour, bold=bold) for line in wrapped(clean(text), width)]


def row(rows: Iterable[str], *, align: str = "LEFT", pad: int = 1, attributes: str = "") -> str:
    """One table row of styled lines."""
    inner = "".join(f'{line}<BR ALIGN="{align}"/>' for line in rows)
    return f'<TR><TD ALIGN="{align}" BALIGN="{align}" CELLPADDING="{pad}"{attributes}>{inner}</TD></TR>'


def table(rows: Sequence[str], *, attributes: str = 'BORDER="0"') -> str:
    """Rows as a label."""
    return f'<<TABLE {attributes} CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>>'
