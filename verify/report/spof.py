"""The report on a network: as a table for people, as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from verify import __version__
from verify.report.survey import names, rate
from verify.topology.analysis import Report
from verify.topology.capacity import Loss, worst
from verify.topology.network import Network, Unit

VERSION = 1
MOST_ROWS = 40


def table(report: Report) -> str:
    """The report as text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    network = report.network
    counts = [
        counted(len(network.nodes), "node"),
        counted(len(network.links), "link"),
        counted(len(network.groups), "group"),
    ]
    about = counted(len(network.demands), "demand") if network.demands else "every pair of nodes is asked for"
    yield f"{network.name}: {', '.join(counts)}; {about}"
    if len(report.islands) > 1:
        parts = "; ".join(names(p, network) for p in report.islands[1:4])
        yield f"  it is in {len(report.islands)} pieces from the start: apart from the largest {parts}"
    yield ""
    yield from _singles(report)
    yield from _cuts(report)
    yield from _pairs(report)
    yield from _capacity(report)


def counted(number: int, word: str) -> str:
    """``1 link``, ``2 links``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def called(unit: Unit, network: Network) -> str:
    """A unit with its kind: ``node gw1``, ``power feed_a (gw1, sw1)``."""
    inside = f" ({names(unit.atoms, network)})" if unit.group else ""
    return f"{unit.kind} {network.titles.get(unit.name, unit.name) if unit.kind == 'node' else unit.name}{inside}"


def _singles(report: Report) -> Iterator[str]:
    network = report.network
    if not report.singles:
        yield "no single point of failure"
        return
    yield f"{counted(len(report.singles), 'single point')} of failure"
    by_name = {c.failed[0].name: c for c in report.cuts if len(c.failed) == 1}
    for single in report.singles[:MOST_ROWS]:
        cut = by_name.get(single.unit.name)
        if cut is not None and cut.demands:
            told = f"parts {names(cut.demands)}"
        else:
            smaller = sorted(n for part in single.parts[1:] for n in part)
            told = f"parts {names(smaller, network)} from the rest"
        yield f"  {called(single.unit, network):<40}  {told}"
    yield from _left_out(len(report.singles))


def _left_out(count: int) -> Iterator[str]:
    if count > MOST_ROWS:
        yield f"  … and {count - MOST_ROWS:,} more (--json has all)"


def _cuts(report: Report) -> Iterator[str]:
    for size in range(2, report.size + 1):
        sets = [c for c in report.cuts if len(c.failed) == size]
        yield ""
        if report.complete < size:
            yield f"cut sets of {size}: UNDECIDED ({report.unknown}); {len(sets)} were found"
        else:
            yield f"{counted(len(sets), 'minimal cut set')} of {size}"
        for cut in sets[:MOST_ROWS]:
            told = f"  parts {names(cut.demands)}" if report.network.demands else ""
            yield f"  {' + '.join(called(u, report.network) for u in cut.failed)}{told}"
        yield from _left_out(len(sets))


def _pairs(report: Report) -> Iterator[str]:
    if not report.pairs:
        return
    yield ""
    yield "failures that it takes to part the ends of a demand"
    for pair in report.pairs:
        number = "no number" if pair.failures is None and not pair.unknown else pair.unknown or str(pair.failures)
        shown = "; ".join(" - ".join(path) for path in pair.paths[:4])
        yield f"  {pair.demand.name:<20}  {number:<10}  {shown}".rstrip()


def _capacity(report: Report) -> Iterator[str]:
    if not report.losses:
        return
    network = report.network
    intact, *failures = report.losses
    yield ""
    yield "what is left to carry, of every demand at once"
    yield f"  {'nothing failed':<40}  {left(intact)}"
    shown = sorted(failures, key=lambda x: (x.share is None, x.share or 0))
    few = [x for x in shown if x.carried is not True] or shown[:5]
    for loss in few[:MOST_ROWS]:
        unit = called(loss.unit, network) if loss.unit is not None else ""
        yield f"  {unit:<40}  {left(loss)}"
    yield from _left_out(len(few))
    lowest = worst(report.losses)
    if lowest is not None and lowest.unit is not None:
        yield f"  the worst failure: {called(lowest.unit, network)}; {left(lowest)}"
    if report.upgrade is not None:
        if report.upgrade.hopeless:
            yield f"  smallest upgrade: none. {report.upgrade.hopeless}"
        else:
            added = ", ".join(f"{name} +{rate(x)}{_each(name, network)}" for name, x in report.upgrade.extra)
            yield f"  smallest upgrade: {added} ({rate(report.upgrade.total)} in all)"


def _each(name: str, network: Network) -> str:
    return " for each member" if network.by_name[name].members else ""


def left(loss: Loss) -> str:
    """What is left after a failure, in a few words."""
    if loss.parted:
        return f"0 %: {loss.parted} is parted"
    percent = "without limit" if loss.share is None else f"{_percent(loss)} %"
    word = {True: "carried", False: "NOT carried", None: "UNDECIDED: too close to tell"}[loss.carried]
    return f"{percent}: {word}"


def _percent(loss: Loss) -> str:
    """Rounded so that less than everything never reads as 100 %."""
    value = float(loss.share or 0) * 100
    return f"{value:.1f}" if loss.carried or value < 99.9 else f"{value:.6g}"


def to_json(reports: list[Report], exit_code: int) -> str:
    """Reports as one JSON object; the same input gives the same text. Amounts are bit/s, as fractions."""
    whole = {
        "format": "redundancy-verify topologies",
        "version": VERSION,
        "verify": __version__,
        "exit_code": exit_code,
        "topologies": [_report(r) for r in reports],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _report(report: Report) -> dict[str, Any]:
    network = report.network
    return {
        "name": network.name,
        "nodes": len(network.nodes),
        "links": len(network.links),
        "demands": len(network.demands),
        "pieces": [sorted(p) for p in report.islands],
        "single_points": [
            {"kind": s.unit.kind, "name": s.unit.name, "parts": [sorted(p) for p in s.parts]} for s in report.singles
        ],
        "cut_sets": [
            {"failed": [u.name for u in c.failed], "demands": list(c.demands), "side": sorted(c.side)}
            for c in report.cuts
        ],
        "size": report.size,
        "complete": report.complete,
        "unknown": report.unknown,
        "pairs": [
            {"demand": p.demand.name, "failures": p.failures, "paths": [list(x) for x in p.paths], "unknown": p.unknown}
            for p in report.pairs
        ],
        "losses": [
            {
                "failed": x.unit.name if x.unit is not None else None,
                "carried": x.carried,
                "share": None if x.share is None else float(x.share),
                "exact": x.exact,
                "parted": x.parted,
            }
            for x in report.losses
        ],
        "upgrade": None
        if report.upgrade is None
        else {
            "extra": {name: str(x) for name, x in report.upgrade.extra},
            "total": str(report.upgrade.total),
            "hopeless": report.upgrade.hopeless,
        },
    }
