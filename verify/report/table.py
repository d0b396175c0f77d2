"""The table of verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from verify.base.verdict import Verdict
from verify.run.checking import Result
from verify.run.surveys import SurveyResult

Row = Result | SurveyResult

MARKS = {True: "ok", False: "!!"}


HEAD = ("scenario", "property", "found", "expected", "states", "")


def table(results: Sequence[Row], *, strict: bool = False) -> str:
    """One row for each check, under a line for each file; then what else was noticed in a scenario."""
    if not results:
        return ""
    rows = [_row(r, strict=strict) for r in results]
    widths = [max(len(row[c]) for row in (HEAD, *rows)) for c in range(5)]
    lines: list[str] = []
    spec = None
    for result, row in zip(results, rows, strict=True):
        if result.spec != spec:
            spec = result.spec
            lines += ["", spec] if lines else [spec]
            lines.append(_line("  ", HEAD, widths))
        lines.append(_line(MARKS[result.as_expected(strict=strict)], row, widths))
    notes = dict.fromkeys(f"  note on {r.scenario}: {note}" for r in results for note in r.ruling.notes)
    return "\n".join([*lines, *notes]) + "\n"


def _line(mark: str, row: tuple[str, ...], widths: list[int]) -> str:
    cells = [f"{row[c]:>{widths[c]}}" if c == 4 else f"{row[c]:<{widths[c]}}" for c in range(5)]
    return f"  {mark}  {'  '.join(cells)}  {row[5]}".rstrip()


def _row(result: Row, *, strict: bool) -> tuple[str, str, str, str, str, str]:
    told: list[str] = []
    if result.ruling.vacuous:
        told.append("vacuous: its premise never happens" + (" (an error under --strict)" if strict else ""))
    if result.verdict in (Verdict.UNDECIDED, Verdict.INVALID):
        told.append(result.ruling.backing)
    elif result.ruling.agreed:
        told.append(f"agreed: {', '.join(result.ruling.agreed)}")
    if result.values and result.verdict is not Verdict.PROVED:
        told.append(f"for {result.values}")
    if result.ruling.run is not None and result.verdict is Verdict.VIOLATED:
        told.append(
            f"after {result.ruling.run.steps} steps"
            + (", for ever" if result.ruling.run.trace.loop is not None else "")
        )
    states = f"{result.ruling.states:,}" if result.ruling.states else "-"
    expected = str(result.check.expected)
    return result.scenario, result.check.property.name, str(result.verdict), expected, states, "; ".join(told)


def summary(results: Sequence[Row], waiting: int, *, strict: bool = False) -> str:
    """One line: how many verdicts of each kind, how many unexpected, how many left out."""
    counts = {v: sum(1 for r in results if r.verdict is v) for v in Verdict}
    shown = ", ".join(f"{n} {v.value}" for v, n in counts.items() if n)
    unexpected = sum(1 for r in results if not r.as_expected(strict=strict))
    ending = f"{unexpected} unexpected" if unexpected else "all as expected"
    left_out = f"; {waiting} wait for the native engine (--all runs them here)" if waiting else ""
    return f"{len(results)} {'check' if len(results) == 1 else 'checks'}: {shown or 'none'}; {ending}{left_out}"
