"""One query to Spacer, in a process of its own: clauses on standard input, parameters as arguments, an answer on standard output.

A. Komuravelli, A. Gurfinkel, S. Chaki, "SMT-based model checking for recursive programs", FMSD 48(3), 2016,
doi:10.1007/s10703-016-0249-4. The answer is ``unsat`` (the goal can be reached), ``unknown`` and why, or ``sat`` and the solution
of the relation: a formula over its arguments, in their order ``x0``, ``x1`` ….
"""

from __future__ import annotations

import sys

import z3

RELATION = "reached"


def main(arguments: list[str]) -> int:
    """Answer the query; arguments are pairs of a Z3 parameter and its value."""
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        z3.set_param(name, value)
    solver = z3.SolverFor("HORN")
    solver.from_string(sys.stdin.read())
    try:
        answer = solver.check()
        if answer == z3.sat:
            print(f"sat\n{_solution(solver.model())}")  # noqa: T201 - the answer goes to whoever started this process
        else:
            print(answer if answer == z3.unsat else f"unknown {solver.reason_unknown()}")  # noqa: T201 - the same
    except z3.Z3Exception as problem:
        print(f"unknown {problem}")  # noqa: T201 - the same
    return 0


def _solution(model: z3.ModelRef) -> str:
    for declaration in model.decls():
        if declaration.name() == RELATION:
            sorts = [declaration.domain(i) for i in range(declaration.arity())]
            known = [z3.Const(f"x{i}", sort) for i, sort in enumerate(sorts)]
            found = model[declaration]
            body = found.else_value() if isinstance(found, z3.FuncInterp) else found
            return str(z3.simplify(z3.substitute_vars(body, *known)).sexpr())
    return "true"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
