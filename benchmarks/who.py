"""Puts each shipped check of safety to a symbolic engine, and tells who decides what: ``python benchmarks/who.py``.

Every check is asked in a process of its own, with a limit of time. What is decided has to be what the searches found (the verdict
that the spec expects, which the tests see confirmed); a disagreement ends it. Results are written as JSON lines, one for each
check; a run that was stopped goes on where it ended. ``--page`` makes ``docs/who-decides.md`` of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from verify import api  # noqa: E402 - of this folder's project
from verify.base.budget import Limits  # noqa: E402
from verify.judge.judge import judge  # noqa: E402
from verify.passes.valuations import valuations  # noqa: E402
from verify.run.beside import Beside, wait  # noqa: E402
from verify.run.checking import check_task  # noqa: E402
from verify.run.choosing import solved, zoned  # noqa: E402
from verify.system.property import Safety  # noqa: E402

RESULTS = HERE / "results" / "who"
ENGINES = {"symbolic": solved, "zones": zoned}
DATE = "2026-11-27"
PAGE = ROOT / "docs" / "who-decides.md"
PROTOCOLS = {"vrrp": "VRRP", "lacp": "LACP"}
LONGEST = 160  # characters of a reason
Record = dict[str, Any]


def main() -> None:
    """Ask, write, and tell; or make the page."""
    options = _options()
    if options.page:
        PAGE.write_text(page({engine: read(_results(engine)) for engine in ENGINES}), encoding="utf-8")
        return
    results = options.results or _results(options.engine)
    known = {_key(r) for r in read(results)} if results.exists() else set()
    with results.open("a", encoding="utf-8") as file:
        for record in _asked(options.engine, options.only, known, options.seconds):
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(f"{record['seconds']:6.1f} s  {record['found']:10} {'/'.join(_key(record))}", flush=True)
            if record["found"] not in ("undecided", record["expected"]):
                raise SystemExit(f"disagreement: {record}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=tuple(ENGINES), default="symbolic", help="who is asked (symbolic)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each check (20)")
    parser.add_argument("--only", default="", help="specs whose path has this in it")
    parser.add_argument("--results", type=Path, help="the file of results")
    parser.add_argument("--page", action="store_true", help="make the page, and measure nothing")
    return parser.parse_args()


def _results(engine: str) -> Path:
    return RESULTS / f"{engine}-{DATE}.jsonl"


def _key(record: Record) -> tuple[str, str, str]:
    return record["spec"], record["scenario"], record["property"]


def read(path: Path) -> list[Record]:
    """The results of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _asked(engine: str, only: str, known: set[tuple[str, str, str]], seconds: float) -> Iterator[Record]:
    for folder in PROTOCOLS:
        for path in sorted((ROOT / "specs" / folder).glob("*.spec")):
            name = path.relative_to(ROOT).as_posix()
            if only not in name:
                continue
            for task in api.load(path).tasks:
                for check in task.checks:
                    about = {"spec": name, "scenario": task.scenario, "property": check.property.name}
                    if isinstance(check.property.form, Safety) and _key(about) not in known:
                        yield about | {"expected": check.expected.value} | _one(engine, name, task, check, seconds)


def _one(name: str, spec: str, task: Any, check: Any, seconds: float) -> Record:  # noqa: ANN401 - of the front end
    start = time.monotonic()
    if name == "zones" and valuations(task.system).too_many:
        return {"found": "undecided", "seconds": 0.0, "why": "more values of the open parameters than are taken one by one"}
    if task.system.parameters:
        how = api.How(api.Engine(name))
        (result,) = check_task(spec, replace(task, checks=(check,)), Limits(seconds=seconds), how=how)
        ruling = result.ruling
    else:
        with Beside(name, ENGINES[name], task.system, [check.property], Limits(seconds=seconds)) as engine:
            wait([engine])
            if engine.claims is None:
                return {"found": "undecided", "seconds": time.monotonic() - start, "why": engine.problem}
            ruling = judge(task.system, check.property, engine.claims[0])
    return {"found": ruling.verdict.value, "seconds": round(time.monotonic() - start, 2), "why": ruling.backing}


INTRODUCTION = """\
# Who decides what

Made by `python benchmarks/who.py --page` from `benchmarks/results/who/`. Each shipped check of safety, decided by exhaustive
search, was also put to the two symbolic engines, each alone, in a process of its own: the solvers (`--engine symbolic`) with a
limit of 20 s for VRRP and 5 s for LACP, the search of zones (`--engine zones`) with one of 300 s. What they decided is what the
searches found, or the run would have ended. The machines had two cores, which other programs used as well: an AMD EPYC (family
26, model 2), and for the solvers on VRRP an Intel Xeon (family 6, model 167).

The solvers answer for all values of open parameters at once; zones take their values one by one, up to 1,000.
"""
COLUMNS = ("specs", "checks of safety", "solvers", "median, slowest", "zones", "median, slowest", "either")
HEAD = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
NAMES = {"symbolic": "the solvers", "zones": "the search of zones"}


def page(records: dict[str, list[Record]]) -> str:
    """The page, in Markdown."""
    asked = sum(len(t.checks) for f in PROTOCOLS for p in (ROOT / "specs" / f).glob("*.spec") for t in _safe(p))
    lines = [INTRODUCTION]
    for engine, found in records.items():
        if len(found) < asked:
            lines += [f"Of {asked:,} such checks {len(found):,} were put to {NAMES[engine]}.", ""]
    lines += HEAD
    for folder, title in PROTOCOLS.items():
        lines.append(_row(f"**{title}**", records, f"specs/{folder}/"))
    lines += [_row("**all**", records, "specs/"), ""]
    lines += HEAD
    specs = sorted({r["spec"] for found in records.values() for r in found})
    lines += [_row(f"`{spec}`", records, spec) for spec in specs]
    for engine, found in records.items():
        lines += ["", f"## Not decided by {NAMES[engine]}", ""]
        for record in (r for r in found if r["found"] == "undecided"):
            why = record["why"] if len(record["why"]) <= LONGEST else record["why"][:LONGEST] + " …"
            lines.append(f"- `{'/'.join(_key(record))}` ({record['expected']}): {why}")
    return "\n".join(lines) + "\n"


def _safe(path: Path) -> list[Any]:
    """The tasks of a spec with their checks of safety alone."""
    return [
        replace(t, checks=tuple(c for c in t.checks if isinstance(c.property.form, Safety))) for t in api.load(path).tasks
    ]


def _row(title: str, records: dict[str, list[Record]], start: str) -> str:
    cells: list[str] = []
    decided: set[tuple[str, str, str]] = set()
    every: set[tuple[str, str, str]] = set()
    for found in records.values():
        mine = [r for r in found if r["spec"].startswith(start)]
        done = [r for r in mine if r["found"] != "undecided"]
        decided |= {_key(r) for r in done}
        every |= {_key(r) for r in mine}
        times = sorted(r["seconds"] for r in done)
        cells.append(_share(len(done), len(mine)))
        cells.append(f"{times[len(times) // 2]:.1f} s, {times[-1]:.1f} s" if times else "-")
    return f"| {title} | {len(every)} | {' | '.join(cells)} | {_share(len(decided), len(every))} |"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.0f} %)" if whole else "-"


if __name__ == "__main__":
    main()
