"""The solvers that are asked: Z3, and cvc5 where it is installed (``pip install cvc5``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Solver = Callable[[str, float], str]

SIMPLEX = 2  # Z3's older arithmetic: at once done with quotients by constants, with which the newer one takes seconds
INLINED = ("simplify", "propagate-values", "solve-eqs", "smt")  # the same, once definitions are put in where they are used
TURNS = (0.1, 0.5, 2.0, 8.0)  # seconds for each of these two in turn, up to half of all: what one is done with at once may
# take the other minutes


def z3_says(script: str, seconds: float) -> str:
    """What Z3 answers to a script: sat, unsat, or why there is no answer."""
    import z3  # noqa: PLC0415 - not needed before

    try:
        for way, most in _ways(seconds):
            solver = way()
            solver.set("timeout", int(most * 1000))
            solver.from_string(script.replace("(check-sat)", ""))
            answer = str(solver.check())
            if answer in ("sat", "unsat"):
                return answer
    except z3.Z3Exception as problem:
        return f"error: {problem}"
    return f"unknown: {solver.reason_unknown()}"


def _ways(seconds: float) -> Iterator[tuple[Callable[[], Any], float]]:
    """Ways to ask Z3, one after the other, and the seconds for each."""
    left = seconds
    for most in TURNS:
        if left - 2 * most >= seconds / 2:
            yield from ((_older, most), (_inlined, most))
            left -= 2 * most
    yield _plain, left


def _plain() -> Any:  # noqa: ANN401 - a Z3 solver
    import z3  # noqa: PLC0415 - not needed before

    return z3.Solver(ctx=z3.Context())


def _older() -> Any:  # noqa: ANN401 - a Z3 solver
    solver = _plain()
    solver.set("smt.arith.solver", SIMPLEX)
    return solver


def _inlined() -> Any:  # noqa: ANN401 - a Z3 solver
    import z3  # noqa: PLC0415 - not needed before

    context = z3.Context()
    return z3.Then(*(z3.Tactic(name, context) for name in INLINED)).solver()


def cvc5_says(script: str, seconds: float) -> str:
    """What cvc5 answers to a script: sat, unsat, or why there is no answer."""
    import cvc5  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra

    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    solver.setOption("ite-simp", "true")  # what a step does is conditions within conditions
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "obligation")
    answer = ""
    try:
        while not (command := parser.nextCommand()).isNull():
            answer = str(command.invoke(solver, parser.getSymbolManager())).strip() or answer
    except RuntimeError as problem:
        return f"error: {problem}"
    return answer if answer in ("sat", "unsat") else f"unknown: {answer}"


def installed() -> dict[str, Solver]:
    """The solvers that can be asked here, by name."""
    found: dict[str, Solver] = {"z3": z3_says}
    try:
        import cvc5  # type: ignore[import-not-found,unused-ignore]  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return found
    return found | {"cvc5": cvc5_says}
