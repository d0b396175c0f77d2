"""``verify diagram`` and ``verify graph``: what they do."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verify import api
from verify.base.diagnostic import InputError, error
from verify.base.place import Place
from verify.cli.progress import ProgressLine
from verify.render.layout import FORMATS


def diagram(options: argparse.Namespace, sources: api.Sources) -> None:
    """``verify diagram``."""
    form = format_of(options)
    write(api.draw_machines(options.path, options.machine or "", form=form, sources=sources), options.out)


def graph(options: argparse.Namespace, sources: api.Sources) -> None:
    """``verify graph``."""
    form = format_of(options)
    spec = api.load(api.find_specs([options.path])[0], sources)
    limits = api.Limits(options.time_limit or None, None, options.max_states or None)
    progress = ProgressLine(quiet=options.quiet)
    names = options.scenario or "", options.property or ""
    try:
        drawn = api.draw_states(spec, *names, most=options.max_nodes, form=form, limits=limits, report=progress)
    finally:
        progress.clear()
    write(drawn, options.out)


def format_of(options: argparse.Namespace) -> str:
    """The format that is asked for: said, or as the file is named, or SVG."""
    suffix = "" if options.out is None else options.out.suffix.lstrip(".").lower()
    form = options.format or {"gv": "dot", "": "svg"}.get(suffix, suffix)
    if form not in FORMATS:
        raise InputError([error("E815", f"'.{suffix}' is no format of pictures", help=f"known: {', '.join(FORMATS)}")])
    if options.out is None and form in ("png", "pdf") and sys.stdout.isatty():
        raise InputError(
            [error("E816", f"a {form.upper()} is nothing for a terminal", help=f"write --out FILE.{form}")]
        )
    return str(form)


def write(data: bytes, out: Path | None) -> None:
    """Write a picture to a file, or to standard output."""
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(data)
    except OSError as problem:
        told = f"cannot write to {out}: {problem.strerror or problem}"
        raise InputError([error("E803", told, Place(str(out)))]) from problem
