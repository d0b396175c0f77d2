"""``verify spof``: what it does."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from verify import api
from verify.base.diagnostic import Diagnostic, InputError
from verify.cli.drawing import format_of, write
from verify.cli.progress import ProgressLine

OK, SINGLE_POINTS, UNDECIDED = 0, 1, 3


def spof(options: argparse.Namespace, sources: api.Sources) -> int:
    """``verify spof``; the exit code."""
    found = _networks(options, sources)
    drawn = format_of(options) if options.out is not None or options.format else ""
    limits = api.Limits(options.time_limit or None)
    progress = ProgressLine(quiet=options.quiet)
    reports: list[api.Report] = []
    try:
        for network in found:
            reports.append(api.examine(network, options.size, limits=limits, report=progress))  # noqa: PERF401 - stopped, it keeps them
    finally:
        progress.clear()
    code = max((exit_code(r) for r in reports), key=(OK, UNDECIDED, SINGLE_POINTS).index)
    if drawn:
        if len(reports) > 1:
            told = f"{len(reports)} topologies do not fit into one picture"
            raise InputError([api.Diagnostic("E817", told, help="choose one with --topology NAME")])
        write(api.draw_network(reports[0], options.failed or "", form=drawn), options.out)
        if options.out is None:
            return code
    if options.json:
        print(api.reports_json(reports, code), end="")
    else:
        print("\n".join(api.report_table(r) for r in reports), end="")
    return code


def exit_code(report: api.Report) -> int:
    """The exit code for one report."""
    if report.singles or any(x.carried is False for x in report.losses):
        return SINGLE_POINTS
    if report.complete < 1 or any(x.carried is None for x in report.losses):
        return UNDECIDED
    return OK


def _networks(options: argparse.Namespace, sources: api.Sources) -> list[api.Network]:
    found: list[api.Network] = []
    faults: list[Diagnostic] = []
    for path in _files(options.paths):
        try:
            found += api.read_networks(path, sources, capacity=options.capacity, unit=options.demand_unit)
        except InputError as problem:
            faults += problem.diagnostics
    if faults:
        raise InputError(faults)
    if options.topology:
        chosen = [n for n in found if n.name in options.topology]
        if not chosen:
            known = ", ".join(n.name for n in found[:8])
            told = f"no topology '{options.topology[0]}'"
            raise InputError([api.Diagnostic("E201", told, help=f"known here: {known}")])
        found = chosen
    return [replace(n, demands=()) for n in found] if options.all_pairs else found


def _files(paths: list[Path]) -> list[Path]:
    """The files themselves, and of each folder those that hold topologies by their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in api.TOPOLOGY_SUFFIXES and p.is_file())
            if not inside:
                told = f"there is no topology in the folder {path}"
                endings = ", ".join(api.TOPOLOGY_SUFFIXES)
                raise InputError([api.Diagnostic("E706", told, help=f"topologies are files that end in {endings}")])
            found += inside
        else:
            found.append(path)
    return found
