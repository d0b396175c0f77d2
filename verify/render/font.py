"""The font: how wide texts are in it, and the part of it that a picture takes along.

One family comes with the package, so that a picture is the same on every machine. This is the one door to fontTools.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "fonts"
FAMILY = "DejaVu Sans"  # under which the condensed faces are found, too
REGULAR = FOLDER / "DejaVuSansCondensed.ttf"
BOLD = FOLDER / "DejaVuSansCondensed-Bold.ttf"
USUAL = "".join(map(chr, range(32, 127))) + "…→"
DOTS = "…"


@lru_cache(maxsize=2)
def _advances(bold: bool) -> tuple[dict[int, float], float]:
    """The width of each character, in ems, and of the box that stands for a missing one."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - what a check without pictures does not need

    with TTFont(BOLD if bold else REGULAR, lazy=True) as font:
        em = font["head"].unitsPerEm
        widths = font["hmtx"].metrics
        return {c: widths[g][0] / em for c, g in font.getBestCmap().items()}, widths[".notdef"][0] / em


def shown(text: str) -> str:
    r"""The text, each character that the font does not have (Chinese, most emoji) as its number: ``\u4e2d``."""
    if text.isascii():
        return text
    known, _ = _advances(bold=False)
    return "".join(c if ord(c) in known or c.isspace() else _number(ord(c)) for c in text)


def _number(c: int) -> str:
    return f"\\u{c:04x}" if c < 0x10000 else f"\\U{c:08x}"


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a text: the sum of its characters' advances, no kerning, no ligatures."""
    known, missing = _advances(bold)
    return size * sum(known.get(ord(c), missing) for c in text)


def fit(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits with dots behind it."""
    text = shown(text)
    if width(text, size, bold=bold) <= room:
        return text
    while text and width(text + DOTS, size, bold=bold) > room:
        text = text[:-1].rstrip()
    return text + DOTS


def wrap(text: str, room: float, size: float, *, most: int = 99, bold: bool = False) -> list[str]:
    """The text in lines that fit, at spaces; a word too long is cut, and the last of ``most`` lines ends in dots."""
    lines: list[str] = []
    line = ""
    for word in shown(text).split():
        longer = f"{line} {word}" if line else word
        if not line or width(longer, size, bold=bold) <= room:
            line = longer
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fit(x, room, size, bold=bold) for x in lines]


@lru_cache(maxsize=16)
def part(bold: bool, characters: str) -> bytes:
    """The font with these characters only, as a TrueType file; the same bytes every time."""
    from fontTools import subset  # noqa: PLC0415 - what a check without pictures does not need
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - what a check without pictures does not need

    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, glyph_names=False)
    options.drop_tables += ["FFTM"]  # FontForge's own notes
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=[ord(c) for c in characters])
    with TTFont(BOLD if bold else REGULAR, recalcTimestamp=False) as font:
        chosen.subset(font)
        out = io.BytesIO()
        font.save(out)
    return out.getvalue()
