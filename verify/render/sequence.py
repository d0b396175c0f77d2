"""Sequence diagrams of runs: who was in which state when, what was sent, heard and lost, and when the property was false."""

from __future__ import annotations

from verify.render import paper
from verify.render.draw import Words, pages, strip
from verify.render.plan import Plan, make_plan
from verify.render.rounds import fold_rounds
from verify.render.scene import Picture
from verify.render.story import tell_story
from verify.render.svg import to_svg
from verify.system.property import Form
from verify.system.system import System
from verify.trace.trace import Run

HIGHEST = 6000.0  # a higher picture is broken into pages where each is an image of its own


def sequence(run: Run, system: System, form: Form | None = None, *, title: str = "", text: str = "") -> str:
    """A run as one SVG, as long as it takes. ``title`` and ``text`` stand above it: what was asked, and the answer."""
    return to_svg(strip(_plan(run, system, form), _words(title, text, system)))


def sequence_png(run: Run, system: System, form: Form | None = None, *, title: str = "", text: str = "") -> list[bytes]:
    """A run as PNG: one image, or several if it is very long."""
    plan, words = _plan(run, system, form), _words(title, text, system)
    whole = strip(plan, words)
    pictures = [whole] if whole.height <= HIGHEST else pages(plan, words, HIGHEST / 2)
    return [paper.to_png(to_svg(x)) for x in pictures]


def sequence_pdf(run: Run, system: System, form: Form | None = None, *, title: str = "", text: str = "") -> bytes:
    """A run as PDF, in pages of A4."""
    return paper.to_pdf(sequence_pages(run, system, form, title=title, text=text))


def sequence_pages(
    run: Run, system: System, form: Form | None = None, *, title: str = "", text: str = ""
) -> list[Picture]:
    """A run in pages that have the form of paper."""
    plan, words = _plan(run, system, form), _words(title, text, system)
    width, height = paper.paper(plan.width)
    return pages(plan, words, plan.width * height / width)


def _plan(run: Run, system: System, form: Form | None) -> Plan:
    return make_plan(fold_rounds(tell_story(run, system, form)))


def _words(title: str, text: str, system: System) -> Words:
    return Words(title or system.name, text)
