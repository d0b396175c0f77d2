"""A picture as SVG. It takes the part of the font that it needs along, so that no viewer sets its texts in another."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import assert_never
from xml.sax.saxutils import escape, quoteattr

from verify.render import font
from verify.render.output import MADE_BY
from verify.render.scene import Box, Circle, Group, Path, Picture, Shape, Text


def to_svg(picture: Picture) -> str:
    """The picture as an SVG document; the same text every time."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    w, h = _n(picture.width), _n(picture.height)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        f"font-family=\"'verify sans', '{font.FAMILY}', sans-serif\" font-stretch=\"condensed\">"
    )
    yield f"<!-- {MADE_BY} -->"
    yield f"<title>{_safe(picture.title)}</title>"
    yield f"<desc>{_safe(picture.description)}</desc>"
    yield "<style>"
    yield "text { font-kerning: none; font-variant-ligatures: none; white-space: pre }"
    yield from _faces(picture)
    yield "</style>"
    yield f'<rect width="{w}" height="{h}" fill="#ffffff"/>'
    for group in picture.groups:
        yield from _group(group)
    yield "</svg>"


def _faces(picture: Picture) -> Iterator[str]:
    for bold, weight in ((False, "normal"), (True, "bold")):
        used = {c for t in picture.texts if t.bold is bold for c in t.text}
        if not used:
            continue
        held = base64.b64encode(font.part(bold, "".join(sorted({*font.USUAL, *used})))).decode("ascii")
        yield (
            f"@font-face {{ font-family: 'verify sans'; font-weight: {weight}; font-stretch: condensed; "
            f"src: url(data:font/ttf;base64,{held}) format('truetype') }}"
        )


def _group(group: Group) -> Iterator[str]:
    about = "".join(f" data-{k}={quoteattr(_clean(v))}" for k, v in group.about.items())
    yield f'<g class="{group.kind}"{about}>'
    yield from (_shape(s) for s in group.shapes)
    yield "</g>"


def _shape(shape: Shape) -> str:
    match shape:
        case Path(pieces, stroke, line, fill, closed, dash, opacity):
            drawn = "".join(
                "M" + " ".join(f"{_n(x)},{_n(y)}" for x, y in points) + ("Z" if closed else "") for points in pieces
            )
            return f'<path d="{drawn}"{_pen(fill, stroke, line, dash, opacity)}/>'
        case Box(x, y, w, h, fill, stroke, line, radius, dash, opacity):
            round_ = f' rx="{_n(radius)}"' if radius else ""
            place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}"'
            return f"<rect {place}{round_}{_pen(fill, stroke, line, dash, opacity)}/>"
        case Circle(x, y, radius, fill, stroke, line):
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"{_pen(fill, stroke, line, (), 1.0)}/>'
        case Text(x, y, text, size, _, bold, colour, upright):
            weight = ' font-weight="bold"' if bold else ""
            turned = f' transform="rotate(-90 {_n(x)} {_n(y)})"' if upright else ""
            place = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"'
            return f'<text {place}{weight} fill="{colour}"{turned}>{_safe(text)}</text>'
        case _:
            assert_never(shape)


def _pen(fill: str, stroke: str, line: float, dash: tuple[float, ...], opacity: float) -> str:
    out = f' fill="{fill or "none"}"'
    if stroke:
        out += f' stroke="{stroke}" stroke-width="{_n(line)}"'
    if dash:
        out += f' stroke-dasharray="{" ".join(_n(d) for d in dash)}"'
    if opacity < 1:
        out += f' opacity="{_n(opacity)}"'
    return out


def _n(value: float) -> str:
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(max(c, " ") for c in text)


def _safe(text: str) -> str:
    return escape(_clean(text))
