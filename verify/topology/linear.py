"""A linear program in floating point: the one door to HiGHS. Its answers are made exact, or dropped, by who asks."""

from __future__ import annotations

from collections.abc import Sequence


class NoOptimum(Exception):  # noqa: N818 - a state of affairs
    """The program has no optimum, or none was found."""


class Program:
    """Maximise a sum of variables that are not negative, under rows ``least <= sum of terms <= most``."""

    def __init__(self) -> None:
        self._costs: list[float] = []
        self._highest: list[float] = []
        self._rows: list[tuple[list[int], list[float], float, float]] = []

    def variable(self, worth: float, most: float = float("inf")) -> int:
        """A new variable of 0 to ``most``; what one of it is worth. Its number."""
        self._costs.append(worth)
        self._highest.append(most)
        return len(self._costs) - 1

    def row(self, terms: Sequence[tuple[int, float]], least: float = float("-inf"), most: float = float("inf")) -> int:
        """A new row of (variable, factor). Its number."""
        self._rows.append(([v for v, _ in terms], [x for _, x in terms], least, most))
        return len(self._rows) - 1

    def maximise(self) -> tuple[list[float], list[float]]:
        """The best values of the variables, and the dual value of each row; NoOptimum if there are none."""
        import highspy  # noqa: PLC0415 - a heavy library, one door
        import numpy as np  # noqa: PLC0415 - comes with it

        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self._costs), len(self._rows)
        program.sense_ = highspy.ObjSense.kMaximize
        program.col_cost_ = np.array(self._costs)
        program.col_lower_ = np.zeros(len(self._costs))
        program.col_upper_ = np.array(self._highest)
        program.row_lower_ = np.array([least for _, _, least, _ in self._rows])
        program.row_upper_ = np.array([most for _, _, _, most in self._rows])
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.cumsum([0, *(len(v) for v, _, _, _ in self._rows)])
        program.a_matrix_.index_ = np.array([v for variables, _, _, _ in self._rows for v in variables], dtype=np.int32)
        program.a_matrix_.value_ = np.array([x for _, factors, _, _ in self._rows for x in factors], dtype=float)
        class Silent(highspy.Highs):
            """Says nothing: some versions greet on standard output as soon as they enable callbacks."""

            def enableCallbacks(self) -> None:  # noqa: N802 - its name there
                self.setOptionValue("output_flag", False)
                super().enableCallbacks()  # type: ignore[no-untyped-call]

        solver = Silent()  # type: ignore[no-untyped-call]
        solver.setOptionValue("output_flag", False)  # where that is no part of it
        solver.setOptionValue("threads", 1)
        solver.passModel(program)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise NoOptimum(solver.modelStatusToString(solver.getModelStatus()))
        solution = solver.getSolution()
        return list(solution.col_value), list(solution.row_dual)
