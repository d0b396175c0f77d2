"""All the smallest failures that break a requirement, up to a number of units that fail.

The search asks for routes while a set of units has failed. If there are none, the set is a violation. If there are some, every
larger set that breaks the requirement has to touch one of the atoms they rest on: each unit that does is added in turn, and not
used again behind the next one. So no violation is missed, whatever groups there are, and few sets are tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from verify.base.budget import Budget, Progress
from verify.topology.network import MOST_CHOICES, Unit
from verify.topology.question import Answer, Obstacle, Question, Violation, Witness, atoms
from verify.topology.routing import Unsolved, paths_apart, solve


def answer(question: Question, budget: Budget | None = None, *, first: bool = False) -> Answer:
    """Every minimal violation with up to ``question.failures`` units; ``first``: one of the smallest is enough.

    Fewer failures first: where the budget ends, what is known for smaller numbers stays.
    """
    if question.network.combinations > MOST_CHOICES:
        return Answer((), (), f"the stand-bys can be chosen in more than {MOST_CHOICES} ways", -1)
    apart = disjoint(question)
    if len(apart) > question.failures:
        return Answer((), apart[: question.failures + 1], "", question.failures, 1)
    search = _Search(question, budget or Budget())
    search.witnesses += apart
    complete = -1
    for most in range(question.failures + 1):
        try:
            search.to(most)
        except Unsolved as problem:
            search.unknown = str(problem)
        if search.unknown:
            break
        complete = most
        if first and search.violations:
            break
    witnesses = () if search.violations else tuple(search.witnesses)
    return Answer(tuple(search.minimal()), witnesses, search.unknown, complete, search.solved)


def disjoint(question: Question) -> tuple[Witness, ...]:
    """Paths of which no unit touches two, as many as a flow finds (Menger); for one connection only, else none."""
    network = question.network
    if len(question.requirements) != 1 or network.standbys or any(link.minimum > 1 for link in network.links):
        return ()
    (requirement,) = question.requirements
    if len(requirement.demands) != 1 or requirement.demands[0].amount:
        return ()
    found: list[Witness] = []
    used: set[str] = set()
    for routes, needs in paths_apart(network, requirement.demands[0], atoms(question.units)):
        touching = {u.name for u in question.units if u.atoms & needs}
        if not touching & used:
            used |= touching
            found.append(Witness((routes,), needs))
    return tuple(found)


@dataclass(slots=True)
class _Search:
    question: Question
    budget: Budget
    violations: dict[frozenset[str], Violation] = field(default_factory=dict)
    witnesses: list[Witness] = field(default_factory=list)
    unknown: str = ""
    solved: int = 0
    most: int = 0

    def to(self, most: int) -> None:
        """Search with up to ``most`` failures."""
        self.most = most
        self.visit((), frozenset())

    def visit(self, failed: tuple[Unit, ...], banned: frozenset[str]) -> None:
        """Every violation that holds ``failed`` and none of ``banned``."""
        names = frozenset(u.name for u in failed)
        if self.unknown or any(known <= names for known in self.violations):
            return
        found = self.routes(failed)
        if isinstance(found, Obstacle):
            self.violations[names] = Violation(failed, found)
            return
        if len(failed) == self.most:
            return
        down = atoms(failed)
        tried: set[str] = set()
        for unit in self.question.units:
            if unit.atoms & found.needs and unit.name not in banned and not unit.atoms <= down:
                self.visit((*failed, unit), banned | tried)
                tried.add(unit.name)

    def routes(self, failed: tuple[Unit, ...]) -> Witness | Obstacle:
        """Routes that are known already, or new ones."""
        down = atoms(failed)
        for witness in self.witnesses:
            if not witness.needs & down:
                return witness
        progress = Progress(self.question.network.name, self.solved, self.solved, 0, self.most, self.budget.seconds())
        self.unknown = self.unknown or self.budget.spent(progress)
        found = solve(self.question.network, self.question.requirements, down)
        self.solved += 1
        if isinstance(found, Witness):
            self.witnesses.append(found)
        return found

    def minimal(self) -> list[Violation]:
        """The violations that hold no smaller one, smallest first."""
        sets = list(self.violations)
        kept = [v for names, v in self.violations.items() if not any(other < names for other in sets)]
        return sorted(kept, key=lambda v: (len(v.failed), [u.name for u in v.failed]))


def fewest(question: Question, budget: Budget | None = None) -> tuple[int | None, Violation | None, str]:
    """How many failures it takes, with one such set; (None, None, "") if none do. ``question.failures`` is the most tried.

    Groups make this a hard problem (smallest hitting set): Z3 proposes a smallest set that touches all routes known so far,
    the routing answers with new routes, until there are none. A third value that is not "" says why nothing is known.
    """
    import z3  # noqa: PLC0415 - loaded when somebody counts

    budget = budget or Budget()
    failing = {u.name: z3.Bool(u.name) for u in question.units}
    solver = z3.Solver()
    failed: tuple[Unit, ...] = ()
    solved, least = 0, 0
    try:
        while isinstance(found := solve(question.network, question.requirements, atoms(failed)), Witness):
            solved += 1
            touching = [failing[u.name] for u in question.units if u.atoms & found.needs]
            reason = budget.spent(Progress(question.network.name, solved, solved, 0, least, budget.seconds()))
            if reason or not touching:
                return None, None, reason
            solver.add(z3.Or(touching))
            while (told := solver.check(z3.PbLe([(x, 1) for x in failing.values()], least))) == z3.unsat:
                least += 1
                if least > question.failures:
                    return None, None, f"more than {question.failures}"
            if told == z3.unknown:
                return None, None, f"Z3: {solver.reason_unknown()}"
            model = solver.model()
            failed = tuple(u for u in question.units if z3.is_true(model.eval(failing[u.name])))
    except Unsolved as problem:
        return None, None, str(problem)
    return len(failed), Violation(failed, found), ""
