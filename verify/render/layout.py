"""The one door to Graphviz: a graph as DOT, SVG, PNG or PDF, with the shipped font, on any machine.

A ``dot`` program on the PATH is used through the ``graphviz`` package. Where there is none, the Graphviz libraries inside the
wheel of ``pygraphviz`` are, in a process of their own: what goes wrong in them ends in a diagnostic, not with us. Either measures
and draws text with the DejaVu fonts of this folder and no others, so that a machine without fonts draws letters, the same ones.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from verify.base.diagnostic import InputError, error

if TYPE_CHECKING:
    from graphviz import Digraph

FORMATS = ("svg", "png", "pdf", "dot")
FONT = "DejaVu Sans,Verdana,sans-serif"  # Verdana: what an SVG falls back to on a screen without DejaVu; as wide
FOLDER = Path(__file__).parent / "fonts"
PATIENCE = 120  # seconds for one layout
SHARPNESS = 144  # dots per inch of a PNG: twice the size of the SVG

_CHILD = """
import sys, pygraphviz
drawn = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode()).draw(format=sys.argv[1], prog=sys.argv[2])
sys.stdout.buffer.write(drawn)
"""


def new_graph(**attributes: str) -> Digraph:
    """An empty graph with the house's font."""
    from graphviz import Digraph  # noqa: PLC0415 - loaded when something is drawn

    plain = {"fontname": FONT, "fontsize": "10"}
    return Digraph(
        graph_attr={**plain, "bgcolor": "white", "pad": "0.2", "charset": "UTF-8", **attributes},
        node_attr={**plain, "shape": "plain"},
        edge_attr={**plain, "arrowsize": "0.8"},
    )


def draw(graph: Digraph, form: str, engine: str = "dot") -> bytes:
    """A graph in one of FORMATS, laid out by an ``engine`` of Graphviz (dot, neato); InputError if it cannot be."""
    if form == "dot":
        return str(graph.source).encode()
    whole = graph.copy()
    if form == "png":
        whole.graph_attr["dpi"] = str(SHARPNESS)
    with _environment():
        if shutil.which(engine):
            return _dateless(_by_program(whole, form, engine))
        if importlib.util.find_spec("pygraphviz") is not None:
            return _dateless(_by_library(str(whole.source), form, engine))
    help_text = "install Graphviz, or: python -m pip install pygraphviz; --format dot needs neither"
    raise InputError([error("E811", "there is nothing to lay a picture out with", help=help_text)])


def _dateless(drawn: bytes) -> bytes:
    """A PDF without the time of day, so that the same graph is the same bytes; of the same length, for its table of offsets."""
    return re.sub(rb"(/CreationDate \(D:)\d{14}", rb"\g<1>" + b"20000101000000", drawn)


def _by_program(graph: Digraph, form: str, engine: str) -> bytes:
    from graphviz import CalledProcessError, ExecutableNotFound  # noqa: PLC0415 - loaded when something is drawn

    try:
        return bytes(graph.pipe(format=form, engine=engine, quiet=True))
    except (CalledProcessError, ExecutableNotFound, OSError) as problem:
        raise _failed(getattr(problem, "stderr", b"") or str(problem)) from problem


def _by_library(source: str, form: str, engine: str) -> bytes:
    command = [sys.executable, "-P", "-c", _CHILD, form, engine]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on a text of ours
            command, input=source.encode(), capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as problem:
        raise _failed(f"not done in {PATIENCE} s") from problem
    except OSError as problem:
        raise _failed(str(problem)) from problem
    if done.returncode or not done.stdout:
        raise _failed(done.stderr)
    return done.stdout


def _failed(told: Any) -> InputError:  # noqa: ANN401 - bytes or text, as the one or the other library has it
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    lines = [line for line in text.splitlines() if line.strip()]
    shown = lines[-1][:200] if lines else "no reason was given"
    help_text = "--format dot writes the graph as it is; --machine or --max-nodes make it smaller"
    return InputError([error("E812", f"Graphviz could not draw this: {shown}", help=help_text)])


@contextmanager
def _environment() -> Iterator[None]:
    """While in it, fontconfig knows the shipped fonts and no others."""
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        known = Path(folder) / "fonts.conf"
        known.write_text(
            '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>'
            f"<dir>{escape(str(FOLDER))}</dir><cachedir>{escape(folder)}/cache</cachedir></fontconfig>\n",
            encoding="utf-8",
        )
        before = os.environ.get("FONTCONFIG_FILE")
        os.environ["FONTCONFIG_FILE"] = str(known)
        try:
            yield
        finally:
            os.environ.pop("FONTCONFIG_FILE")
            if before is not None:
                os.environ["FONTCONFIG_FILE"] = before
