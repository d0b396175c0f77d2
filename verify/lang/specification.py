"""The front end's door: a path to the checks in it, each with its system, or all the faults found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from verify.base.diagnostic import Diagnostic, InputError, Severity, error, warning
from verify.base.place import Place
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.lang import syntax as s
from verify.lang.examination import examine
from verify.lang.lint import lint_scenario, lint_scope
from verify.lang.loading import Sources, load
from verify.lang.lowering import check_sizes, finish, lay_out_scenario
from verify.lang.model import MOST_EFFORT, Build, TooLarge
from verify.lang.properties import lower_property
from verify.lang.scenarios import unfold
from verify.lang.scopes import Scope, build_scopes
from verify.lang.topologies import Survey, lower_survey, lower_topology
from verify.lang.topology_syntax import TopologyDecl
from verify.system.property import Property
from verify.system.system import System
from verify.topology.network import Network


@record
class Check:
    """One question with the answer that is expected. ``stated``: whether the spec says what it expects."""

    property: Property
    expected: Verdict
    because: str
    place: Place
    native: bool
    stated: bool


@record
class Task:
    """A scenario as a system, with the checks asked of it."""

    scenario: str
    system: System
    checks: tuple[Check, ...]


@record
class Specification:
    """A spec file, understood. ``warnings``: what is odd about it. ``surveys``: what is asked of its topologies.

    ``topologies``: all that it declares, asked of or not. ``asked``: the scenario (or topology) and the property of each check
    in it, whether all scenarios were wanted or not.
    """

    path: str
    tasks: tuple[Task, ...]
    warnings: tuple[Diagnostic, ...]
    surveys: tuple[Survey, ...] = ()
    topologies: tuple[Network, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()


def load_specification(path: Path, sources: Sources | None = None, only: Collection[str] | None = None) -> Specification:
    """Read a spec file and all that it uses; InputError with every fault found.

    ``only``: the scenarios that are wanted. The others are not laid out, so that what is wrong in them alone is not found.
    """
    known = sources if sources is not None else Sources()
    file = load(path, known)
    faults: list[Diagnostic] = []
    scope = build_scopes(file, known, faults)
    if _errors(faults):
        raise InputError(faults)
    for each in _reachable(scope):
        sample = Build("", 1)
        with _bounded(sample, Place(each.path)):
            examine(each, sample)
        faults += sample.faults
        faults += lint_scope(each)
    topologies = tuple(lower_topology(d, faults) for d in file.declarations if isinstance(d, TopologyDecl))
    tasks: list[Task] = []
    surveys: list[Survey] = []
    groups = _grouped(file)
    for group in groups:
        if only is not None and group[0].scenario not in only:
            continue
        about = scope.find(group[0].scenario)
        if about is not None and isinstance(about[0], TopologyDecl):
            survey = lower_survey(group, about[0], scope, faults)
            surveys += [survey] if survey is not None else []
            faults += [_unstated(e) for check in group for e in check.expectations if not e.verdict]
            continue
        task, found = _task(group, scope)
        faults += found
        if task is not None:
            tasks.append(task)
    faults += _unchecked(file, tasks)
    if _errors(faults):
        raise InputError(_without_echoes(faults))
    warnings = tuple(sorted(set(faults), key=Diagnostic.order))
    asked = tuple((check.scenario, e.property) for group in groups for check in group for e in check.expectations)
    return Specification(str(path), tuple(tasks), warnings, tuple(surveys), topologies, asked)


def load_topologies(path: Path, sources: Sources | None = None) -> tuple[Network, ...]:
    """The topologies that a file declares, in text order; InputError with every fault found in them."""
    known = sources if sources is not None else Sources()
    file = load(path, known)
    faults: list[Diagnostic] = []
    build_scopes(file, known, faults)
    found = tuple(lower_topology(d, faults) for d in file.declarations if isinstance(d, TopologyDecl))
    if not found and not faults:
        help_text = "write: topology NAME { node a, b; link a - b 1G }"
        faults.append(error("E714", f"{path} has no topology", Place(str(path)), help_text))
    if _errors(faults):
        raise InputError(faults)
    return found


def load_models(path: Path, sources: Sources | None = None) -> Scope:
    """Read a model file and check it; InputError with every fault found."""
    known = sources if sources is not None else Sources()
    load_specification(path, known)
    return build_scopes(known.files[str(path)], known, [])


def _errors(faults: list[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in faults)


def _without_echoes(faults: list[Diagnostic]) -> list[Diagnostic]:
    """One diagnostic for a place and message; what is wrong in a model is told once, not for each scenario."""
    seen: dict[tuple[Place, str], Diagnostic] = {}
    for fault in faults:
        seen.setdefault((fault.place, fault.code), fault)
    return list(seen.values())


def _reachable(scope: Scope) -> list[Scope]:
    """Every scope of the files that a file uses, with or without a name, each once."""
    found = [scope]
    known = {id(scope)}
    for each in found:
        for other in [*each.used, *each.aliases.values()]:
            if id(other) not in known:
                known.add(id(other))
                found.append(other)
    return found


def _grouped(file: s.File) -> list[list[s.Check]]:
    """The checks of a file by scenario and by whether they need the native engine, in text order."""
    groups: dict[tuple[str, bool], list[s.Check]] = {}
    for declaration in file.declarations:
        if isinstance(declaration, s.Check):
            groups.setdefault((declaration.scenario, declaration.native), []).append(declaration)
    return list(groups.values())


def _task(group: list[s.Check], scope: Scope) -> tuple[Task | None, list[Diagnostic]]:
    first = group[0]
    faults: list[Diagnostic] = []
    found = scope.look_up(first.scenario, s.Scenario, first.place, faults)
    if found is None:
        return None, faults
    build = build_scenario(found[0], found[1])
    if not _errors(build.faults):
        build.faults += lint_scenario(build)
    checks: list[Check] = []
    with _bounded(build, first.place):
        asked = [(check, e) for check in group for e in check.expectations]
        for number, (check, e) in enumerate(asked):
            if any(e.property == other.property for _, other in asked[:number]):
                build.report("E203", f"'{e.property}' is checked twice in {check.scenario}", e.place)
        checks += [c for check, e in asked if (c := _check(e, check, scope, build)) is not None]
    if not _errors(build.faults):
        check_sizes(build)
    faults += build.faults
    if _errors(faults):
        return None, faults
    return Task(found[0].name, finish(build), tuple(checks)), faults


def build_scenario(scenario: s.Scenario, scope: Scope) -> Build:
    """A scenario laid out; its faults are in the result."""
    build = Build(scenario.name, 1)
    plan = unfold(scenario, scope, build)
    if plan.tick is None:
        if not build.faults:
            build.report("E301", f"scenario '{scenario.name}' has no tick", scenario.place, "write: tick 10ms")
        return build
    if plan.tick.nanoseconds <= 0:
        build.report("E301", "a tick must be longer than nothing", plan.tick.place)
        return build
    build.tick = plan.tick.nanoseconds
    with _bounded(build, scenario.place):
        lay_out_scenario(plan, build)
    return build


@contextmanager
def _bounded(build: Build, place: Place) -> Iterator[None]:
    """Tell as a diagnostic what becomes too large when everything is written out."""
    try:
        yield
    except RecursionError:
        build.report(
            "E406", "an expression here becomes too deep when written out", place, "give its parts to variables"
        )
    except TooLarge as found:
        what = f"scenario '{build.name}'" if build.name else "this"
        told = found.told or f"{what} becomes too large when written out"
        build.report("E406", told, found.place, found.help or f"the limit is {MOST_EFFORT:,} nodes")


def _check(expectation: s.Expectation, check: s.Check, scope: Scope, build: Build) -> Check | None:
    found = scope.look_up(expectation.property, s.PropertyDecl, expectation.place, build.faults)
    if found is None or (_errors(build.faults) and not build.steps):
        return None
    if not expectation.verdict:
        build.faults.append(_unstated(expectation))
    if found[0].form.survival is not None:
        told = (
            f"'{expectation.property}' is about the topology '{found[0].form.survival.topology}', not about a scenario"
        )
        build.report("E711", told, expectation.place, f"write: check {found[0].form.survival.topology} {{ … }}")
        return None
    verdict = Verdict(expectation.verdict) if expectation.verdict else Verdict.PROVED
    lowered = lower_property(found[0], found[1], build)
    stated = bool(expectation.verdict)
    return Check(lowered, verdict, expectation.because, expectation.place, check.native, stated)


def _unstated(expectation: s.Expectation) -> Diagnostic:
    told = f"'{expectation.property}' does not say what is expected"
    return warning("W101", told, expectation.place, "write expect proved, violated, undecided or invalid")


def _unchecked(file: s.File, tasks: list[Task]) -> list[Diagnostic]:
    """Properties that no check asks, and spec files without a check."""
    asked = {e.property for d in file.declarations if isinstance(d, s.Check) for e in d.expectations}
    faults = [
        warning("W102", f"no check asks for '{declaration.name}'", declaration.place)
        for declaration in file.declarations
        if isinstance(declaration, s.PropertyDecl) and declaration.name not in asked
    ]
    if not tasks and not asked and Path(file.path).suffix == ".spec":
        faults.append(
            error("E705", f"{file.path} has no checks", Place(file.path), "write: check SCENARIO { PROPERTY }")
        )
    return faults
