"""Pictures as PNG and PDF. The one door to resvg and ReportLab; neither needs a library or a font of the machine."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, assert_never

from verify.render import font
from verify.render.output import MADE_BY, sign_png
from verify.render.scene import Box, Circle, Path, Picture, Shape, Text

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

SHARPNESS = 2.0  # pixels for each unit of the picture
A4 = (595.276, 841.89)


class Missing(Exception):  # noqa: N818 - the caller says it in words
    """A library that the format needs is not installed."""


def to_png(svg: str) -> bytes:
    """An SVG of ours as PNG. No font but the one that comes with the package is looked at."""
    try:
        import resvg_py  # noqa: PLC0415 - what a check without pictures does not need
    except ImportError as problem:
        message = "PNG needs the package resvg-py"
        raise Missing(message) from problem
    image = bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=SHARPNESS,
            skip_system_fonts=True,
            font_files=[str(font.REGULAR), str(font.BOLD)],
            font_family=font.FAMILY,
            sans_serif_family=font.FAMILY,
        )
    )
    return sign_png(image)


def paper(width: float) -> tuple[float, float]:
    """The page for a picture of this width, in points: A4, on its side if the picture is wide."""
    return A4 if width <= 860 else (A4[1], A4[0])


def to_pdf(pictures: Sequence[Picture]) -> bytes:
    """Pages of one document, scaled to paper; the same bytes every time."""
    try:
        from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415 - what a check without pictures does not need
        from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415 - what a check without pictures does not need
        from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 - what a check without pictures does not need
    except ImportError as problem:
        message = "PDF needs the package reportlab"
        raise Missing(message) from problem
    for name, path in (("verify", font.REGULAR), ("verify-bold", font.BOLD)):
        pdfmetrics.registerFont(TTFont(name, str(path)))
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    canvas.setTitle(pictures[0].title)
    canvas.setSubject(pictures[0].description)
    canvas.setCreator(MADE_BY)
    for picture in pictures:
        width, height = paper(picture.width)
        scale = min(width / picture.width, height / picture.height)
        canvas.setPageSize((width, height))
        canvas.translate(0, height)
        canvas.scale(scale, -scale)
        for group in picture.groups:
            for shape in group.shapes:
                _paint(canvas, shape)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _paint(canvas: Canvas, shape: Shape) -> None:
    canvas.saveState()
    match shape:
        case Text(x, y, text, size, _, bold, colour, upright):
            canvas.setFillColor(_colour(colour))
            canvas.translate(x, y)
            canvas.scale(1, -1)
            if upright:
                canvas.rotate(90)
            canvas.setFont("verify-bold" if bold else "verify", size)
            canvas.drawString(0, 0, text)
        case Box(x, y, w, h, fill, stroke, line, radius, dash, opacity):
            _pen(canvas, fill, stroke, line, dash, opacity)
            canvas.roundRect(x, y, w, h, radius, stroke=bool(stroke), fill=bool(fill))
        case Circle(x, y, radius, fill, stroke, line):
            _pen(canvas, fill, stroke, line, (), 1.0)
            canvas.circle(x, y, radius, stroke=bool(stroke), fill=bool(fill))
        case Path(pieces, stroke, line, fill, closed, dash, opacity):
            _pen(canvas, fill, stroke, line, dash, opacity)
            path = canvas.beginPath()
            for points in pieces:
                path.moveTo(*points[0])
                for point in points[1:]:
                    path.lineTo(*point)
                if closed:
                    path.close()
            canvas.drawPath(path, stroke=bool(stroke), fill=bool(fill))
        case _:
            assert_never(shape)
    canvas.restoreState()


def _pen(canvas: Canvas, fill: str, stroke: str, line: float, dash: tuple[float, ...], opacity: float) -> None:  # noqa: PLR0913
    if fill:
        canvas.setFillColor(_colour(fill))
    if stroke:
        canvas.setStrokeColor(_colour(stroke))
        canvas.setLineWidth(line)
    if dash:
        canvas.setDash(list(dash))
    if opacity < 1:
        canvas.setStrokeAlpha(opacity)
        canvas.setFillAlpha(opacity)


def _colour(text: str) -> Any:  # noqa: ANN401 - ReportLab is not typed
    from reportlab.lib.colors import HexColor  # noqa: PLC0415 - see above

    return HexColor(text)
