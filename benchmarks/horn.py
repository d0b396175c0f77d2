"""Questions with open parameters: the symbolic engine beside solvers of Horn clauses, which are given our exports.

``python benchmarks/horn.py`` asks all of them in turn, case by case, each in a process of its own with a limit of processor
time. Z3 is the one of our own environment; Golem is asked if it is on the PATH or GOLEM names it. Whoever decides has to give the
verdict that the spec expects, or the run ends. Results are written as JSON lines; ``--page`` makes ``docs/open-systems.md`` of
them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from run import machine  # noqa: E402 - of this folder

from verify import api  # noqa: E402 - of this folder's project

RESULTS = HERE / "results" / "horn"
PAGE = ROOT / "docs" / "open-systems.md"
KEEPALIVE = "benchmarks/keepalive.spec"
TOGETHER = "specs/vrrp/started_together.spec"
PRIORITIES = "specs/vrrp/priorities.spec"
NOBODY = "specs/lacp/open_passive.spec"
CASES = (
    *((KEEPALIVE, scenario, "never_both") for scenario in ("whatever", "equal", "patient")),
    *((PRIORITIES, scenario, "never_two") for scenario in ("open_gap", "open_wide_gap", "open_two_ticks")),
    *((TOGETHER, scenario, "never_two") for scenario in ("nearly", "two_steps", "six_steps", "apart")),
    (TOGETHER, "together", "brief_overlap"),
    *((NOBODY, scenario, asked) for scenario, asked in (("open_passive", "silent"), ("open_coupled", "never_formed"))),
)
WHOLE, HELPED, BARE = "as it is", "--delays --small", "--delays --small --ignore-errors"
MANNERS = {
    WHOLE: api.Manner(),
    HELPED: api.Manner(delays=True, small=True),
    BARE: api.Manner(errors=False, delays=True, small=True),
}
ANSWERS = {"sat": "proved", "unsat": "violated"}
SLOWER = 20  # how much longer than its processor time a process may take: others may need the machine
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """A solver of Horn clauses: its command, before the file."""

    name: str
    command: tuple[str, ...]


def main() -> None:
    """Measure, write, and tell; or make the page."""
    options = _options()
    if options.page:
        PAGE.write_text(page(max(RESULTS.glob("*.jsonl"))), encoding="utf-8")
        return
    out = RESULTS / f"{dt.datetime.now(dt.UTC).date().isoformat()}.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, out.open("w", encoding="utf-8") as file:
        for record in _records(Path(work), options):
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(json.dumps(record), flush=True)
    print(f"written to {out}; --page makes the page", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="of processor time, for each (10)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is asked (1)")
    parser.add_argument("--page", action="store_true", help="make the page, and measure nothing")
    return parser.parse_args()


def _peers() -> tuple[list[Peer], dict[str, str]]:
    """The solvers that are there, and their versions."""
    z3 = str(Path(sys.executable).with_name("z3"))
    found, versions = [Peer("Z3", (z3,))], {"z3": _said(z3, "--version")}
    golem = os.environ.get("GOLEM") or shutil.which("golem")
    if golem:
        found += [Peer(f"Golem, {engine}", (golem, "-l", "QF_LIA", "-e", engine)) for engine in ("spacer", "bmc")]
        versions["golem"] = _said(golem, "--version")
    return found, versions


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip().partition(" - ")[0]


def _records(work: Path, options: argparse.Namespace) -> Iterator[Record]:
    peers, versions = _peers()
    yield machine(versions) | {"seconds": options.seconds, "rounds": options.rounds}
    for number in range(options.rounds):
        for path, scenario, asked in CASES:
            spec = api.load(ROOT / path)
            task = next(t for t in spec.tasks if t.scenario == scenario)
            expected = next(c.expected.value for c in task.checks if c.property.name == asked)
            about = {"kind": "run", "round": number, "spec": path, "scenario": scenario, "property": asked}
            told = [{"tool": "verify", "manner": ""} | _ours(path, scenario, asked, options.seconds)]
            for name, manner in MANNERS.items():
                file = work / "asked.smt2"
                file.write_text(api.export(spec, scenario, asked, to="horn", manner=manner), encoding="utf-8")
                told += [{"tool": p.name, "manner": name} | _peer(p, file, options.seconds) for p in peers]
            for one in told:
                yield about | {"expected": expected} | one
                if one["verdict"] not in ("undecided", expected):
                    raise SystemExit(f"disagreement: {about | one}")


def _timed(command: list[str], seconds: int) -> tuple[str, Record]:
    """What a command says, and how long it took; it is ended when it has used up its processor time."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=SLOWER * seconds,
            check=False,
            cwd=ROOT,
            preexec_fn=limited,
        )
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        said = "timeout"
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return said, {"cpu": round(used, 3), "wall": round(wall, 3)}


def _peer(peer: Peer, file: Path, seconds: int) -> Record:
    said, times = _timed([*peer.command, str(file)], seconds)
    word = said.split()[0] if said.split() else ""
    refused = "non-linear" in said or "Divisor must be constant" in said
    return {"verdict": ANSWERS.get(word, "undecided"), "refused": refused} | times


def _ours(path: str, scenario: str, asked: str, seconds: int) -> Record:
    """The command line, from the spec to the verdict that the judge gives."""
    command = [sys.executable, "-m", "verify", "check", path, "--scenario", scenario, "--property", asked]
    command += ["--engine", "symbolic", "--json", "--quiet", "--time-limit", str(SLOWER * seconds)]
    said, times = _timed(command, seconds)
    start = said.find("{")
    found = json.loads(said[start:])["results"][0]["verdict"] if start >= 0 else "undecided"
    return {"verdict": found, "refused": False} | times


# ---- the page

INTRODUCTION = """\
# Open parameters, beside solvers of Horn clauses

Made by `python benchmarks/horn.py --page` from `benchmarks/results/horn/{name}`; without `--page` it measures again. Each
question has open parameters. It is put to the symbolic engine (`verify check --engine symbolic`, from the spec to the verdict:
the violation replayed, the proof checked again), and as [Horn clauses](exports.md#horn-clauses) to solvers that know nothing of
it: the system as it is, one clause for each step and for a tick; with `--delays --small`; and with `--ignore-errors` as well,
which asks less: not whether a lane can overflow or a value leave its range, which a proof of ours excludes. Whoever decides gives
the verdict that the spec expects, or the run would have ended. (Our engine asks Z3 as well, in its own way; the clauses do not
come from it.)

{machine}.

Times are seconds of processor time of all processes together, {rounds}; "-": not decided within {seconds} s (of
each process); "refused": Golem takes linear arithmetic only; "not measured": other programs took the machine for too long. The
time of a solver begins when the file is there.

"""


def page(results: Path) -> str:
    """The page, in Markdown."""
    told = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    here, runs = told[0], told[1:]
    most = SLOWER * here["seconds"]
    where = f"{here['date']}, {here['cpu']}, {here['cores']} cores; {'; '.join(here['peers'].values())}; commit {here['commit']}"
    rounds = "of one run" if here["rounds"] == 1 else f"the median of {here['rounds']} runs"
    columns = list(dict.fromkeys((r["tool"], r["manner"]) for r in runs))
    text = INTRODUCTION.format(name=results.name, machine=where, rounds=rounds, seconds=here["seconds"])
    heads = [tool if tool == "verify" else f"{tool}, {manner}" for tool, manner in columns]
    lines = ["| question | verdict | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(heads)]
    for key in dict.fromkeys(_key(r) for r in runs):
        cells = [_cell([r for r in runs if _key(r) == key and (r["tool"], r["manner"]) == c], most) for c in columns]
        expected = next(r["expected"] for r in runs if _key(r) == key)
        lines.append(f"| `{key}` | {expected} | {' | '.join(cells)} |")
    asked = len(dict.fromkeys(_key(r) for r in runs))
    decided = [sum(_decided(r) for r in runs if (r["tool"], r["manner"]) == c and r["round"] == 0) for c in columns]
    lines.append(f"| **decided** | | {' | '.join(f'{n} of {asked}' for n in decided)} |")
    if asked < len(CASES):
        lines += ["", f"The run was stopped after {asked} of {len(CASES)} questions."]
    return text + "\n".join(lines) + "\n"


def _key(record: Record) -> str:
    return f"{Path(record['spec']).stem}.{record['scenario']}.{record['property']}"


def _decided(record: Record) -> bool:
    return record["verdict"] != "undecided"


def _cell(records: list[Record], most: float) -> str:
    if any(r["refused"] for r in records):
        return "refused"
    if any(not _decided(r) and r["wall"] >= most for r in records):
        return "not measured"
    return f"{median(r['cpu'] for r in records):.2f}" if records and all(map(_decided, records)) else "-"


if __name__ == "__main__":
    main()
