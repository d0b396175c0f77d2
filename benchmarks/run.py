"""Measures the native engine beside SPIN (and TLC), interleaved, on the same models: ``python benchmarks/run.py``.

Each round runs every tool once, so that all meet the same weather on this machine. Counts of states and transitions are checked
in each run. Results are written as JSON lines, with the machine and the date, into ``benchmarks/results``; ``page.py`` makes the
page from them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cases import CASES, HERE, ROOT, Case

GCC = ("-O2", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=16000")  # of those tried, the fastest: COLLAPSE, BFS, two cores, -O3 are slower
LANES = (1, 8)  # states that are expanded at a time
LIVENESS = ("vrrp-m", "at_most_one", "settles")
SAFETY = "at_most_one"
TOUCHED = 1_000_000  # states
TOUCH = """
import mmap
memory = mmap.mmap(-1, 2 << 30)
for i in range(0, 2 << 30, 4096):
    memory[i] = 1
"""
Record = dict[str, Any]


def main() -> None:
    """Measure, write, and tell."""
    options = _options()
    wanted = [c for c in CASES if not options.only or c.name in options.only]
    peers = _peers(options.tlc)
    out = options.out / f"{options.name or dt.datetime.now(dt.UTC).date().isoformat()}.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, out.open("w", encoding="utf-8") as file:
        for record in _records(wanted, peers, Path(work), options):
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(_line(record), flush=True)
    print(f"written to {out}; python {Path(__file__).with_name('page.py')} makes the page", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=[c.name for c in CASES], help="only this model (may be repeated)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run, at most (5)")
    parser.add_argument("--tlc", type=Path, help="tla2tools.jar, to measure TLC as well")
    parser.add_argument("--lanes", action="store_true", help="measure one and eight states at a time as well")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="the folder for the results")
    parser.add_argument("--name", help="the name of the results (default: the date)")
    return parser.parse_args()


def _peers(jar: Path | None) -> dict[str, str]:
    """The peers that are installed, with their versions."""
    found = {}
    if shutil.which("spin") and shutil.which("gcc"):
        found["spin"] = _said("spin", "-V").partition(" -- ")[0]
        found["gcc"] = _said("gcc", "--version").partition("\n")[0]
    if jar is not None and jar.is_file() and shutil.which("java"):
        found["tlc"] = str(jar.resolve())
    return found


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def machine(peers: dict[str, str]) -> Record:
    """What a reader has to know about where this was measured."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    flags = set(re.findall(r"^flags\s*:(.*)$", cpu, re.MULTILINE)[0].split()) if "flags" in cpu else set()

    def told(name: str) -> str:
        return (re.findall(rf"^{name}\s*:\s*(.*)$", cpu, re.MULTILINE) or ["?"])[0]

    return {
        "kind": "machine",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cpu": f"{told('model name')}, family {told('cpu family')}, model {told('model')}",
        "cores": len(os.sched_getaffinity(0)),
        "avx2": "avx2" in flags,
        "avx512": "avx512f" in flags,
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "peers": {name: version for name, version in peers.items() if name != "tlc"},
    }


def _records(cases: list[Case], peers: dict[str, str], work: Path, options: argparse.Namespace) -> Iterator[Record]:
    here = machine(peers)
    yield here
    for case in cases:
        yield {"kind": "model", "case": case.name, "title": case.title, "states": case.states, "transitions": case.transitions}
        folder = work / case.name
        folder.mkdir()
        cache = folder / "cache"
        pan = _built(case, folder) if "spin" in peers else None
        _ours(case, cache, 1)  # fills the cache
        if here["avx512"]:
            _ours(case, cache, 1, lanes=8)
        for number in range(min(options.rounds, case.rounds)):
            about = {"kind": "run", "case": case.name, "round": number}
            if pan is not None:
                _touch(case)
                yield about | {"tool": "spin", "what": "search"} | _spin(case, pan)
            for threads in (1, 2):
                _touch(case)
                yield about | {"tool": "verify", "what": "search"} | _ours(case, cache, threads)
                for lanes in LANES if options.lanes else ():
                    what = {"tool": "verify", "what": f"search, {lanes} at a time"}
                    _touch(case)
                    yield about | what | _ours(case, cache, threads, lanes=lanes)
            if "tlc" in peers and case.tlc:
                yield about | {"tool": "tlc", "what": "process"} | _tlc(case, peers["tlc"], folder / f"tlc-{number}")
            if case.cold:
                if pan is not None:
                    yield about | {"tool": "spin", "what": "cold"} | _spin_cold(case, folder, number)
                for asked, what in (("", "cold"), (SAFETY, "cold, safety")):
                    empty, other = folder / f"empty-{what}-{number}", folder / f"other-{what}-{number}"
                    yield about | {"tool": "verify", "what": f"{what}, first run of all"} | _whole(case, empty, asked)
                    yield about | {"tool": "verify", "what": f"{what}, same model again"} | _whole(case, empty, asked)
                    _whole(next(c for c in CASES if c.cold and c != case), other, asked)  # the same kernels
                    yield about | {"tool": "verify", "what": f"{what}, new model"} | _whole(case, other, asked)
            if case.name == LIVENESS[0]:
                for lanes in LANES if here["avx512"] else LANES[:1]:
                    for name in LIVENESS[1:]:
                        what = {"tool": "verify", "what": f"answer {name}, {lanes} at a time"}
                        _touch(case)
                        yield about | what | _ours(case, cache, 1, name, lanes)


def _touch(case: Case) -> None:
    """Before a long search, whoever's: a virtual machine is given its memory when that is touched, which can take longer.

    More than a search needs, for it is given other pages than were touched last.
    """
    if case.states > TOUCHED:
        subprocess.run([sys.executable, "-c", TOUCH], check=True)


# ---- ours


def _environment(cache: Path) -> dict[str, str]:
    """An installed package comes with its modules compiled; here the first run leaves them compiled."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "VERIFY_CACHE": str(cache)}


def _ours(case: Case, cache: Path, threads: int, asked: str = "", lanes: int = 0) -> Record:
    command = [sys.executable, str(HERE / "searching.py"), str(case.spec), case.scenario, str(threads)]
    command += [asked] if asked else []
    command += ["--lanes", str(lanes)] if lanes else []
    told = subprocess.run(command, env=_environment(cache), capture_output=True, text=True, check=True)
    found: Record = json.loads(told.stdout)
    return {"threads": threads} | _agreed(case, found)


def _whole(case: Case, cache: Path, asked: str = "") -> Record:
    """The command line, from start to verdict: all checks of the scenario, or one, with the search for deadlocks and the like."""
    command = [sys.executable, "-m", "verify", "check", str(case.spec), "--scenario", case.scenario, "--engine", "native"]
    command += ["--reductions", "narrowing", "--json", "--quiet", "--time-limit", "0"]
    command += ["--property", asked] if asked else []
    start = time.perf_counter()
    done = subprocess.run(command, env=_environment(cache), capture_output=True, text=True, check=True, cwd=ROOT)
    seconds = time.perf_counter() - start
    result = json.loads(done.stdout)["results"][0]
    return {"threads": 1, "seconds": seconds} | _agreed(case, {k: result[k] for k in ("states", "transitions")})


def _agreed(case: Case, found: Record) -> Record:
    if (found["states"], found["transitions"]) != (case.states, case.transitions):
        told = f"{found['states']:,} states and {found['transitions']:,} transitions"
        raise SystemExit(f"{case.name}: {told}, not {case.states:,} and {case.transitions:,}")
    return found


# ---- the peers


def _built(case: Case, folder: Path) -> Path:
    subprocess.run(["spin", "-a", *case.defines, str(HERE / "peers" / case.peer)], cwd=folder, check=True, capture_output=True)
    subprocess.run(["gcc", *GCC, "-w", "-o", "pan", "pan.c"], cwd=folder, check=True)
    return folder / "pan"


def _spin(case: Case, pan: Path) -> Record:
    start = time.perf_counter()
    text = _said(str(pan), "-m10000", f"-w{case.table}", "-n")
    seconds = time.perf_counter() - start

    def number(pattern: str) -> int:
        return int(re.findall(pattern, text)[0])

    states, matched = number(r"(\d+) states, stored"), number(r"(\d+) states, matched")
    memory = float(re.findall(r"([\d.]+)\s+total actual memory usage", text)[0]) * 2**20
    found = {"seconds": seconds, "threads": 1, "states": states, "transitions": states + matched - 1, "peak_bytes": round(memory)}
    return _agreed(case, found)


def _spin_cold(case: Case, folder: Path, number: int) -> Record:
    place = folder / f"cold-{number}"
    place.mkdir()
    start = time.perf_counter()
    found = _spin(case, _built(case, place))
    return found | {"seconds": time.perf_counter() - start}


def _tlc(case: Case, jar: str, folder: Path) -> Record:
    folder.mkdir()
    command = ["java", "-XX:+UseParallelGC", f"-Djava.io.tmpdir={folder}", "-cp", jar, "tlc2.TLC", "-workers", "2", "-deadlock"]
    command += ["-metadir", str(folder), "-config", case.tlc, "VRRP.tla"]  # both found in the folder where it runs
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    text = subprocess.run(command, cwd=HERE / "peers", capture_output=True, text=True, check=True).stdout
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    generated, distinct = re.findall(r"([\d,]+) states generated, ([\d,]+) distinct states found", text)[-1]
    found = {"states": int(distinct.replace(",", "")), "transitions": int(generated.replace(",", "")) - 1}
    version = re.findall(r"TLC2 Version ([\d.]+)", text)[0]
    return {"seconds": seconds, "cpu_seconds": worked, "threads": 2, "version": version} | _agreed(case, found)


def _line(record: Record) -> str:
    if record["kind"] != "run":
        return json.dumps(record)
    return f"{record['case']:8} {record['tool']:6} {record['what']:24} {record['threads']} thread  {record['seconds']:9.3f} s"


if __name__ == "__main__":
    main()
