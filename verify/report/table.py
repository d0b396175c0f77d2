"""The table of verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.verdict import Verdict
from verify.run.checking import Result

MARKS = {True: "ok", False: "!!"}


def table(results: Sequence[Result], *, strict: bool = False) -> str:
    """One row for each check, under a line for each file."""
    if not results:
        return ""
    rows = [_row(r, strict=strict) for r in results]
    widths = [max(len(row[c]) for row in rows) for c in range(4)]
    lines: list[str] = []
    spec = None
    for result, row in zip(results, rows, strict=True):
        if result.spec != spec:
            spec = result.spec
            lines.append(f"{spec}" if not lines else f"\n{spec}")
        cells = [f"{row[0]:<{widths[0]}}", f"{row[1]:<{widths[1]}}", f"{row[2]:<{widths[2]}}", f"{row[3]:>{widths[3]}}"]
        lines.append(f"  {MARKS[result.as_expected(strict=strict)]}  {'  '.join(cells)}  {row[4]}".rstrip())
    return "\n".join(lines) + "\n"


def _row(result: Result, *, strict: bool) -> tuple[str, str, str, str, str]:
    verdict = str(result.verdict)
    told: list[str] = []
    if result.verdict is not result.check.expected:
        told.append(f"expected {result.check.expected}")
    if result.ruling.vacuous:
        told.append("vacuous: its premise never happens" + (" (an error under --strict)" if strict else ""))
    if result.verdict in (Verdict.UNDECIDED, Verdict.INVALID):
        told.append(result.ruling.backing)
    if result.values and result.verdict is not Verdict.PROVED:
        told.append(f"for {result.values}")
    if result.ruling.run is not None and result.verdict is Verdict.VIOLATED:
        told.append(
            f"after {result.ruling.run.steps} steps"
            + (", for ever" if result.ruling.run.trace.loop is not None else "")
        )
    states = f"{result.ruling.states:,} states" if result.ruling.states else ""
    return result.scenario, result.check.property.name, verdict, states, "; ".join(told)


def summary(results: Sequence[Result], waiting: int, *, strict: bool = False) -> str:
    """One line: how many verdicts of each kind, how many unexpected, how many left out."""
    counts = {v: sum(1 for r in results if r.verdict is v) for v in Verdict}
    shown = ", ".join(f"{n} {v.value}" for v, n in counts.items() if n)
    unexpected = sum(1 for r in results if not r.as_expected(strict=strict))
    ending = f"{unexpected} unexpected" if unexpected else "all as expected"
    left_out = f"; {waiting} wait for the native engine (--all runs them here)" if waiting else ""
    return f"{len(results)} checks: {shown or 'none'}; {ending}{left_out}"
