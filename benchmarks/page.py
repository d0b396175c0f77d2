"""Makes ``docs/benchmarks.md`` from the latest results: ``python benchmarks/page.py``."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
Record = dict[str, Any]

INTRODUCTION = """\
# Benchmarks

Made by `python benchmarks/page.py` from `benchmarks/results/{name}`; `python benchmarks/run.py` measures again. The tools take
turns, round by round, and each run has to give the same number of states and transitions. Times are medians; "faster" is the
median over the rounds of SPIN's time divided by ours: above 1 ours is faster. Other programs may have run on the machine at the
same time: ratios hold better than times. Before each search of more than a million states, SPIN's too, a process touches two
gigabytes: a virtual machine is given its memory at the first touch, which can take longer than the search.

{machine}

SPIN is built by `spin -a` and `gcc -O2 -DSAFETY -DNOREDUCE`, with bit fields, and has a hash table of a size that suits the
model. On our side ranges are narrowed, as by default, which changes no count; no other reductions are on. What the models are:
[benchmarks/peers](../benchmarks/peers/README.md).
"""


COLD = """
Ours is `verify check` with all checks of the scenario: two properties, one of them about endless runs; or with that of safety
alone. In both it looks for deadlocks, timelocks and Zeno runs. SPIN's visits all states and checks nothing. *First run of all*:
nothing was ever compiled on the machine, neither the tables of the grammar nor the engine's own kernels; *new model*: these are
there, its code is not; *again*: the model is as it was."""

LANES = """
The search alone, its code compiled before. Eight at a time is chosen where the CPU has AVX-512; if that code was never compiled,
from two million states on."""


TLC = """
Measured in a run of its own, `python benchmarks/run.py --tlc JAR` ({name}).
{machine} TLC {version} is given the model in TLA+, two workers and a whole
process, from start to verdict, Java's start included; ours is `verify check` with the property of safety, one thread, and code
that was never compiled for this model. The counts of both are checked in each round."""


class Results:
    """A file of results."""

    def __init__(self, path: Path) -> None:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self.name = path.name
        self.machine: Record = next(r for r in records if r["kind"] == "machine")
        self.models: list[Record] = [r for r in records if r["kind"] == "model"]
        self._runs = [r for r in records if r["kind"] == "run"]

    def runs(self, case: str, tool: str, what: str = "search", threads: int = 1) -> list[Record]:
        """The runs of one kind, in the order of their rounds."""
        wanted = (case, tool, what, threads)
        return [r for r in self._runs if (r["case"], r["tool"], r["what"], r["threads"]) == wanted]

    def seconds(self, *which: Any) -> float | None:  # noqa: ANN401 - as runs()
        """The median time; None if it was not measured."""
        found = [r["seconds"] for r in self.runs(*which)]
        return median(found) if found else None

    def ratio(self, case: str, what: str = "search", threads: int = 1, peer: str = "search") -> float | None:
        """How many times faster than SPIN, median over the rounds; None if one of them was not measured."""
        spin = {r["round"]: r["seconds"] for r in self.runs(case, "spin", peer)}
        ratios = [spin[r["round"]] / r["seconds"] for r in self.runs(case, "verify", what, threads) if r["round"] in spin]
        return median(ratios) if ratios else None

    def over_tlc(self, case: str, what: str) -> float | None:
        """How many times faster than TLC, median over the rounds; None if it was not measured."""
        tlc = {r["round"]: r["seconds"] for r in self.runs(case, "tlc", "process", 2)}
        ratios = [tlc[r["round"]] / r["seconds"] for r in self.runs(case, "verify", what) if r["round"] in tlc]
        return median(ratios) if ratios else None

    def bytes_of(self, case: str, tool: str, field: str) -> float | None:
        """Bytes a state, median."""
        found = [r[field] / r["states"] for r in self.runs(case, tool) if field in r]
        return median(found) if found else None

    def shape(self, case: str) -> tuple[int, int]:
        """The bits and words of a state; zeros if it was not measured."""
        found = self.runs(case, "verify")
        return (found[0]["bits"], found[0]["words"]) if found else (0, 0)

    def liveness(self, over: str, lanes: int) -> float | None:
        """The time of an answer about endless runs over that of an answer about states, or of the search alone."""
        safety = {r["round"]: r["seconds"] for r in self.runs("vrrp-m", "verify", f"{over}, {lanes} at a time")}
        found = self.runs("vrrp-m", "verify", f"answer settles, {lanes} at a time")
        ratios = [r["seconds"] / safety[r["round"]] for r in found if r["round"] in safety]
        return median(ratios) if ratios else None


def latest() -> Results:
    """The results of the last day."""
    return Results(max((HERE / "results").glob("*.jsonl")))


def page(results: Results) -> str:
    """The page, in Markdown."""
    parts = [INTRODUCTION.format(name=results.name, machine=_machine(results.machine)), *_asked(results)]
    parts += [*_search(results), *_lanes(results), *_cold(results), *_memory(results), *_tlc()]
    return "\n".join(parts) + "\n"


def _machine(told: Record) -> str:
    wide = "with" if told["avx512"] else "without"
    peers = "; ".join(told["peers"].values()) or "no peer was installed"
    where = f"{told['cpu']}, {told['cores']} cores, {wide} AVX-512"
    return f"{told['date']}, {where}, Python {told['python']}; {peers}. Commit {told['commit']}."


def _table(title: str, head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"\n## {title}\n", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def _asked(results: Results) -> list[str]:
    told: list[list[str]] = []
    wide = results.machine["avx512"]

    def row(what: str, least: float, found: float | None, *, vectors: bool = False, most: bool = False) -> None:
        bound = f"{'at most' if most else 'at least'} {least:g}{'' if most else ' times'}"
        if found is None:
            told.append([what, bound, "-", "not measured"])
        elif vectors and not wide:
            told.append([what, bound, _number(found), "skipped: this CPU has no AVX-512"])
        else:
            fine = found <= least if most else found >= least
            told.append([what, bound, _number(found), "yes" if fine else "**no**"])

    row("VRRP-tick M, search, one thread", 20, results.ratio("vrrp-m"), vectors=True)
    row("VRRP-tick L, search, one thread", 20, results.ratio("vrrp-l"), vectors=True)
    row("VRRP-tick L, search, two threads", 30, results.ratio("vrrp-l", threads=2), vectors=True)
    for case, name in (("vrrp-m", "M"), ("vrrp-l", "L")):
        each = results.ratio(case, "search, 1 at a time")
        row(f"VRRP-tick {name}, one state at a time", 12, results.ratio(case) if each is None and not wide else each)
    for case, least in (("vrrp-s", 2), ("vrrp-m", 5)):
        title = next((m["title"] for m in results.models if m["case"] == case), case)
        for what in ("new model", "same model again"):
            row(f"{title}, start to verdict, {what}", least, results.ratio(case, f"cold, safety, {what}", peer="cold"))
    for case in ("lacp-1", "lacp-2"):
        title = next((m["title"] for m in results.models if m["case"] == case), case)
        row(f"{title} ({results.shape(case)[1]} words)", 10, results.ratio(case))
    row("LACP-tick, two links, one LACPDU lost (3 words)", 10, results.ratio("lacp-3"))
    row("peak memory over states, VRRP-tick L, bytes", 34, results.bytes_of("vrrp-l", "verify", "peak_bytes"), most=True)
    words = results.shape("lacp-3")[1]
    peak = results.bytes_of("lacp-3", "verify", "peak_bytes")
    row(f"the same, LACP-tick, two links, one LACPDU lost ({words} words)", 20 + 8 * words, peak, most=True)
    for lanes, called in ((1, "one state"), (8, "eight states")):
        over = f"VRRP-tick M, {called} at a time"
        row(f"liveness over safety, {over}, whole answers", 3, results.liveness("answer at_most_one", lanes), most=True)
        row(f"liveness over the search alone, {over}", 3, results.liveness("search", lanes), most=True)
    return _table("What is asked of the engine", ["measure", "asked", "here", "met"], told)


def _search(results: Results) -> list[str]:
    rows = []
    for model in results.models:
        case = model["case"]
        one, two = results.seconds(case, "verify"), results.seconds(case, "verify", "search", 2)
        speed = "-" if one is None else f"{model['states'] / one / 1e6:.2f}"
        rows.append([
            model["title"],
            f"{model['states']:,}",
            f"{model['transitions']:,}",
            _time(results.seconds(case, "spin")),
            _time(one),
            _number(results.ratio(case)),
            _time(two),
            _number(results.ratio(case, threads=2)),
            speed,
        ])
    head = ["model", "states", "transitions", "SPIN", "one thread", "faster", "two threads", "faster", "million states/s"]
    return _table("Search", head, rows)


def _lanes(results: Results) -> list[str]:
    told = []
    for model in results.models:
        for threads in (1, 2):
            one, eight = (results.seconds(model["case"], "verify", f"search, {n} at a time", threads) for n in (1, 8))
            if one is not None and eight is not None:
                told.append([model["title"], str(threads), _time(one), _time(eight), _number(one / eight)])
    return [*_table("States at a time", ["model", "threads", "one", "eight", "eight is faster"], told), LANES] if told else []


def _cold(results: Results) -> list[str]:
    rows = []
    for model in results.models:
        case = model["case"]
        for asked, begins in (("all checks", "cold"), ("safety alone", "cold, safety")):
            row = [_time(results.seconds(case, "spin", "cold"))]
            for what in ("first run of all", "new model", "same model again"):
                row += [_time(results.seconds(case, "verify", f"{begins}, {what}"))]
                row += [_number(results.ratio(case, f"{begins}, {what}", peer="cold"))]
            if any(r != "-" for r in row[1:]):
                rows.append([model["title"], asked, *row])
    head = ["model", "asked", "SPIN: `spin -a`, `gcc -O2`, run"]
    head += ["first run of all", "faster", "new model", "faster", "again", "faster"]
    told = _table("From start to verdict", head, rows)
    return [*told, COLD]


def _memory(results: Results) -> list[str]:
    rows = []
    for model in results.models:
        case = model["case"]
        bits, words = results.shape(case)
        fields = ("peak_bytes", "found_bytes", "tables_bytes")
        ours = [_number(results.bytes_of(case, "verify", field)) for field in fields]
        rows.append([model["title"], str(bits), str(words), _number(results.bytes_of(case, "spin", "peak_bytes")), *ours])
    head = ["model", "bits", "words", "SPIN", "ours, whole process", "what the search added", "table and states alone"]
    return _table("Memory, bytes a state", head, rows)


def _tlc() -> list[str]:
    """Beside TLC: from the last results that have it, in a folder of their own."""
    found = sorted((HERE / "results" / "tlc").glob("*.jsonl"))
    if not found:
        return []
    results, ours, rows = Results(found[-1]), "cold, safety, new model", []
    for model in results.models:
        case = model["case"]
        rounds = len(results.runs(case, "tlc", "process", 2))
        if rounds:
            times = [_time(results.seconds(case, "tlc", "process", 2)), _time(results.seconds(case, "verify", ours))]
            rows.append([model["title"], str(rounds), *times, _number(results.over_tlc(case, ours))])
    (version,) = {r["version"] for m in results.models for r in results.runs(m["case"], "tlc", "process", 2)}
    told = TLC.format(name=results.name, machine=_machine(results.machine), version=version)
    return [*_table("Beside TLC, from start to verdict", ["model", "rounds", "TLC", "ours", "faster"], rows), told]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _time(value: float | None) -> str:
    return "-" if value is None else f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


if __name__ == "__main__":
    PAGE.write_text(page(latest()), encoding="utf-8")
