"""The Python interface: everything that the command line does, as functions.

>>> from verify import api
>>> spec = api.load_text('''
... machine Lamp { variable on : bool  initial state Idle { on startup { on := true } } }
... scenario one { tick 1s  lamp : Lamp }
... property lit : eventually lamp.on
... check one { lit expect proved }
... ''')
>>> [str(result.verdict) for result in api.check(spec)]
['PROVED']
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from verify import __version__
from verify.base.budget import Budget, Limits, Progress
from verify.base.diagnostic import Diagnostic, InputError, did_you_mean, error, render
from verify.base.place import Place
from verify.base.verdict import Verdict
from verify.certify.formula import Refused, Undecided
from verify.export.languages import EXPORTS, known_language, module_name, save_export, written
from verify.export.manner import Manner
from verify.judge.judge import Convicted, Ruling, judge
from verify.lang.loading import Sources, library_folder, read_text
from verify.lang.specification import Check, Specification, Task, load_models, load_specification, load_topologies
from verify.report.machine import to_json
from verify.report.spof import called, counted, left
from verify.report.spof import table as report_table
from verify.report.spof import to_json as reports_json
from verify.report.survey import explain_survey, violation_lines
from verify.report.table import table
from verify.report.words import tell
from verify.run.checking import AS_NEEDED, Result
from verify.run.choosing import Engine, How
from verify.run.conductor import Job, default_workers, run_jobs
from verify.run.surveys import SurveyResult, check_survey
from verify.run.walk import random_walk
from verify.semantics.interpreter import Choice, Interpreter, Outcome
from verify.system.property import Form, Property
from verify.system.serialise import digest
from verify.system.system import System
from verify.topology import certificates
from verify.topology.analysis import Report
from verify.topology.analysis import report as examine_network
from verify.topology.formats import SUFFIXES, kind_of
from verify.topology.formats import read as read_format
from verify.topology.network import Network
from verify.topology.question import Cut, atoms
from verify.trace import itf
from verify.trace.trace import ReplayFailed, Run, Trace, replay

if TYPE_CHECKING:
    from verify.judge.recheck import Certified, recheck
    from verify.report.synthesis import condition_text, conditions_json
    from verify.run.certificates import write_certificates
    from verify.synthesis.condition import Condition, Known, Shown
else:

    def __getattr__(name: str) -> object:
        """What few commands need is loaded when it is asked for."""
        if name not in _LATER:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = globals()[name] = getattr(import_module(_LATER[name]), name)
        return found


_LATER = {
    **dict.fromkeys(("Certified", "recheck"), "verify.judge.recheck"),
    **dict.fromkeys(("condition_text", "conditions_json"), "verify.report.synthesis"),
    "write_certificates": "verify.run.certificates",
    **dict.fromkeys(("Condition", "Known", "Shown"), "verify.synthesis.condition"),
}
MOST_CUTS = 12  # numbered in a picture
TOPOLOGY_SUFFIXES = (*SUFFIXES, ".topology")

__all__ = [
    "EXPORTS",
    "TOPOLOGY_SUFFIXES",
    "Certified",
    "Check",
    "Choice",
    "Condition",
    "Convicted",
    "Diagnostic",
    "Engine",
    "How",
    "InputError",
    "Interpreter",
    "Known",
    "Limits",
    "Manner",
    "Network",
    "Outcome",
    "Progress",
    "Refused",
    "Report",
    "Result",
    "Ruling",
    "Run",
    "Shown",
    "Sources",
    "Specification",
    "SurveyResult",
    "System",
    "Task",
    "Trace",
    "Undecided",
    "Verdict",
    "check",
    "check_topologies",
    "condition_text",
    "conditions_json",
    "default_workers",
    "digest",
    "draw",
    "draw_failure",
    "draw_machines",
    "draw_network",
    "draw_states",
    "draw_trace",
    "examine",
    "explain",
    "export",
    "find_specs",
    "judge",
    "known_language",
    "load",
    "load_all",
    "load_text",
    "module_name",
    "random_walk",
    "read_networks",
    "read_trace",
    "recheck",
    "render",
    "replay",
    "report_table",
    "reports_json",
    "results_of",
    "save",
    "save_export",
    "sequence",
    "synthesize",
    "table",
    "tell",
    "to_json",
    "waits",
    "write_certificates",
    "write_failures",
    "write_pictures",
    "write_traces",
]


def find_specs(paths: Iterable[Path]) -> list[Path]:
    """The spec files that are meant: files themselves, folders with all in them, ``specs/…`` of the installed library.

    InputError for a path that does not exist and for a folder without specs.
    """
    found: list[Path] = []
    faults: list[Diagnostic] = []
    for path in paths:
        here = path if path.exists() else _shipped(path)
        if here is None:
            faults.append(error("E001", f"there is no {path}", Place(str(path))))
        elif here.is_dir():
            inside = sorted(p for p in here.rglob("*.spec") if p.is_file())
            if not inside:
                help_text = "specs are files that end in .spec"
                faults.append(error("E706", f"there is no spec in the folder {path}", Place(str(path)), help_text))
            found += inside
        else:
            found.append(here)
    if faults:
        raise InputError(faults)
    return list(dict.fromkeys(found))


def _shipped(path: Path) -> Path | None:
    """What ``specs/…`` means where there is no such path: the specs that came with the package."""
    if path.is_absolute() or not path.parts or path.parts[0] != "specs":
        return None
    candidate = library_folder("specs").joinpath(*path.parts[1:])
    return candidate if candidate.exists() else None


def load(path: Path | str, sources: Sources | None = None) -> Specification:
    """Read one spec file; InputError with every fault in it."""
    return load_specification(Path(path), sources)


def load_text(text: str, name: str = "<text>") -> Specification:
    """A spec from a text instead of a file. ``use`` finds the shipped models, and files beside ``name``."""
    sources = Sources()
    sources.given[name] = text
    return load_specification(Path(name), sources)


def load_all(paths: Iterable[Path], sources: Sources, only: Collection[str] | None = None) -> list[Specification]:
    """Read all spec files before anything runs; InputError with every fault in any of them.

    ``only``: the scenarios that are wanted, in any of them; what is wrong in others alone is not found.
    """
    specs: list[Specification] = []
    faults: list[Diagnostic] = []
    for path in paths:
        try:
            specs.append(load_specification(path, sources, only))
        except InputError as found:
            faults += found.diagnostics
    if faults:
        raise InputError(faults)
    return specs


def check(  # noqa: PLR0913 - options, all by name but one
    specs: Specification | Sequence[Specification],
    *,
    limits: Limits | None = None,
    workers: int = 1,
    how: How = AS_NEEDED,
    everything: bool = False,
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] | None = None,
) -> list[Result]:
    """Decide every check, in order.

    ``how``: which engine answers, with how many threads and which reductions. ``everything``: run on the explicit engine even
    what is said to need the native one. ``checkpoint``: a folder in which long searches are kept now and then, and from which
    they are taken up again; InputError if what it holds is damaged or about something else, or if it cannot be written.
    """
    groups = results_of(
        specs, limits=limits, workers=workers, how=how, everything=everything, checkpoint=checkpoint, report=report
    )
    return [r for group in groups for r in group]


def results_of(  # noqa: PLR0913 - options, all by name but one
    specs: Specification | Sequence[Specification],
    *,
    limits: Limits | None = None,
    workers: int = 1,
    how: How = AS_NEEDED,
    everything: bool = False,
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    rescued: list[Result] | None = None,
) -> Iterator[list[Result]]:
    """As :func:`check`, the results of each scenario as soon as they are known, in order.

    When the caller is interrupted, what was finished out of turn is put into ``rescued``.
    """
    several = [specs] if isinstance(specs, Specification) else list(specs)
    if how.cross_check:
        _only_crossed(how, checkpoint)
    jobs = [Job(spec.path, task) for spec in several for task in spec.tasks if everything or not waits(task, how.engine)]
    if checkpoint is not None:
        jobs = _kept(jobs, checkpoint, how.engine)
    return run_jobs(jobs, limits or Limits(), workers, report, rescued, how)


def _only_crossed(how: How, checkpoint: Path | None) -> None:
    """InputError if something is asked for that a cross-check cannot give."""
    asked = {"one engine": how.engine is not Engine.AUTO, "checkpoints": checkpoint is not None, "fingerprints": how.fingerprints}
    for what in (name for name, wanted in asked.items() if wanted):
        told = f"a cross-check asks several engines, each for a whole answer: it does not go with {what}"
        raise InputError([error("E825", told, help="leave out one of the two")])


def _kept(jobs: Sequence[Job], folder: Path, engine: Engine) -> list[Job]:
    """The jobs, each with a folder of its own; InputError before anything runs."""
    from verify.engines.native.checkpoint import belongs, prepare  # noqa: PLC0415 - LLVM takes a while to load

    if engine is Engine.EXPLICIT:
        raise InputError([error("E824", "checkpoints are kept by the native engine, and the explicit one was asked for")])
    prepare(folder)
    taken: Counter[str] = Counter()
    found: list[Job] = []
    for job in jobs:
        name = re.sub(r"[^\w.-]", "_", f"{Path(job.spec).stem}.{job.task.scenario}")
        taken[name] += 1
        own = folder / (name if taken[name] == 1 else f"{name}.{taken[name]}")
        belongs(own, digest(job.task.system))
        found.append(replace(job, checkpoint=own))
    return found


def waits(task: Task, engine: Engine) -> bool:
    """Whether a task is left out, since it is said to need the native engine and the explicit one was asked for."""
    return engine is Engine.EXPLICIT and all(c.native for c in task.checks)


def check_topologies(
    specs: Specification | Sequence[Specification], *, limits: Limits | None = None
) -> Iterator[list[SurveyResult]]:
    """Decide every check of a topology (``survives …``), in order; the results of each topology as soon as they are known."""
    for spec in [specs] if isinstance(specs, Specification) else specs:
        for each in spec.surveys:
            yield check_survey(spec.path, each, limits or Limits())


def read_networks(
    path: Path, sources: Sources | None = None, *, capacity: Fraction | None = None, unit: Fraction | None = None
) -> tuple[Network, ...]:
    """The networks in a file: one in GraphML, GML or JSON (by its ending), all ``topology`` in one of ours.

    ``capacity``: in bit/s, for links that say none. ``unit``: what a demand of 1 means in files of others, in bit/s (1).
    InputError, with the line, if the file is malformed.
    """
    known = sources if sources is not None else Sources()
    if kind_of(str(path)):
        text = known.texts[str(path)] = read_text(path, known)
        return (read_format(text, str(path), capacity, unit or Fraction(1)),)
    found = load_topologies(path, known)
    if capacity is None:
        return found
    return tuple(
        replace(n, links=tuple(replace(x, capacity=capacity) if x.capacity is None else x for x in n.links))
        for n in found
    )


def examine(
    network: Network,
    size: int | None = None,
    *,
    limits: Limits | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Report:
    """Single points of failure, cut sets with up to ``size`` units, connectivity and capacity under failures of a network.

    Convicted if the small checker refuses an answer: a bug of ours.
    """
    try:
        return examine_network(network, size, Budget(limits or Limits(), report))
    except certificates.Refused as problem:
        message = f"'{network.name}': {problem}"
        raise Convicted(message) from problem


def draw_network(report: Report, failed: str = "", *, form: str = "svg") -> bytes:
    """The network of a report as a picture, in ``form``: svg, png, pdf or dot. ``failed``: the unit whose failure is shown."""
    from verify.render.topology import Marks  # noqa: PLC0415 - only who draws waits for it
    from verify.render.topology import picture as network_picture  # noqa: PLC0415 - only who draws waits for it

    network = report.network
    every = {u.name: u for u in network.units}
    if failed and failed not in every:
        raise InputError(
            [error("E201", f"nothing in '{network.name}' is called '{failed}'", help=did_you_mean(failed, every))]
        )
    single = frozenset(x.unit.name for x in report.singles)
    told = [f"{counted(len(network.nodes), 'node')}, {counted(len(network.links), 'link')}"]
    found = {x.unit.name if x.unit is not None else "": x for x in report.losses}
    loads = found[failed].loads if failed in found else {}
    if failed:
        down = every[failed].atoms
        side = next((c.side for c in report.cuts if [u.name for u in c.failed] == [failed]), frozenset[str]())
        title = f"{network.name} without {called(every[failed], network)}"
        told += [] if failed not in found else [left(found[failed])]
        return network_picture(network, Marks(title, tuple(told), failed=down, side=side, loads=loads), form)
    pairs = [c for c in report.cuts if len(c.failed) == 2][:MOST_CUTS]
    cuts: dict[str, tuple[int, ...]] = {}
    for number, cut in enumerate(pairs, 1):
        for atom in atoms(cut.failed):
            cuts[atom] = (*cuts.get(atom, ()), number)
    told.append(f"{counted(len(single), 'single point')} of failure" if single else "no single point of failure")
    many = sum(1 for c in report.cuts if len(c.failed) == 2)
    if many:
        told.append(f"{counted(many, 'cut set')} of two" + (f", the first {MOST_CUTS} numbered" if many > MOST_CUTS else ""))
    return network_picture(network, Marks(network.name, tuple(told), single=single, cuts=cuts, loads=loads), form)


def explain(result: Result | SurveyResult) -> str:
    """The trace behind a result, or the failure of a topology, in words; "" if it has none."""
    if isinstance(result, SurveyResult):
        return explain_survey(result)
    run = result.ruling.run
    return "" if run is None else tell(run, result.system, result.asked.form)


def write_traces(results: Iterable[Result], folder: Path) -> list[Path]:
    """A trace file (ITF) for each result with a trace; the folder is made if need be. InputError if it cannot be written."""
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for result in results:
            run = result.ruling.run
            if run is None:
                continue
            asked = result.asked
            path = folder / f"{result.file_name}.itf.json"
            verdict = result.verdict.value
            whole = itf.to_itf(
                run,
                result.system,
                scenario=result.scenario,
                asked=asked.name,
                text=asked.text,
                verdict=verdict,
                form=asked.form,
            )
            itf.write(path, whole)
            written.append(path)
    except OSError as problem:
        raise InputError([error("E803", f"cannot write to {folder}: {problem.strerror or problem}")]) from problem
    return written


def write_pictures(results: Iterable[Result], folder: Path) -> list[Path]:
    """A sequence diagram (SVG) for each result with a trace, beside the trace files. InputError if it cannot be written."""
    written: list[Path] = []
    for result in results:
        run, asked = result.ruling.run, result.check.property
        if run is None:
            continue
        title = _title(asked.name, result.scenario, result.verdict.value)
        parts = draw(run, result.system, asked.form, title=title, text=asked.text)
        written += save(parts, folder / f"{result.file_name}.svg")
    return written


def write_failures(results: Iterable[SurveyResult], folder: Path, form: str = "svg") -> list[Path]:
    """A picture for each violation of a topology: what failed, and what it parts. InputError if it cannot be written."""
    written: list[Path] = []
    for result in results:
        if result.answer.violations:
            spec, asked = Path(result.spec), result.check.property
            name = f"{spec.parent.name}-{spec.stem}.{result.scenario}.{asked.name}.{form}".lstrip("-.")
            written += save([draw_failure(result, form)], folder / name)
    return written


def draw_failure(result: SurveyResult, form: str = "svg") -> bytes:
    """The failure that breaks a property of a topology, in ``form``: svg, png, pdf or dot."""
    from verify.render.topology import Marks  # noqa: PLC0415 - only who draws waits for it
    from verify.render.topology import picture as network_picture  # noqa: PLC0415 - only who draws waits for it

    asked, violation = result.check.property, result.answer.violations[0]
    reason = violation.obstacle.reasons[0][1]
    side = reason.side if isinstance(reason, Cut) else frozenset[str]()
    title = _title(asked.name, result.scenario, result.verdict.value)
    marks = Marks(title, (asked.text, *violation_lines(result)), failed=atoms(violation.failed), side=side)
    return network_picture(asked.question.network, marks, form)


def _title(asked: str, scenario: str, verdict: str) -> str:
    return f"{asked} in {scenario}: {verdict.upper()}"


def draw(  # noqa: PLR0913 - what stands in a picture
    run: Run, system: System, form: Form | None = None, *, kind: str = "svg", title: str = "", text: str = ""
) -> list[bytes]:
    """A run as a sequence diagram. ``kind``: svg, png or pdf. One file, or several images where a PNG would be too high.

    ``form``: the property; the time in which it is false is shaded. InputError if a library is missing.
    """
    from verify.render import sequence as drawing  # noqa: PLC0415 - only who draws waits for it
    from verify.render.paper import Missing  # noqa: PLC0415 - only who draws waits for it

    try:
        match kind:
            case "svg":
                return [drawing.sequence(run, system, form, title=title, text=text).encode("utf-8")]
            case "png":
                return drawing.sequence_png(run, system, form, title=title, text=text)
            case "pdf":
                return [drawing.sequence_pdf(run, system, form, title=title, text=text)]
            case _:
                raise InputError([error("E806", f"there is no picture format '{kind}': svg, png, pdf")])
    except Missing as problem:
        help_text = "install redundancy-verify again, with its dependencies"
        raise InputError([error("E806", str(problem), help=help_text)]) from problem


def sequence(run: Run, system: System, form: Form | None = None, *, title: str = "", text: str = "") -> str:
    """A run as a sequence diagram, in SVG; see :func:`draw`."""
    return draw(run, system, form, title=title, text=text)[0].decode("utf-8")


def draw_trace(path: Path, kind: str = "svg") -> list[bytes]:
    """A trace file as a sequence diagram; see :func:`draw`."""
    saved = itf.read_all(path)
    run = _replayed(saved.system, saved.trace, path)
    told = saved.described
    title = _title(told["property"], told["scenario"], told["verdict"])
    return draw(run, saved.system, saved.form, kind=kind, title=title, text=told["text"])


def save(parts: Sequence[bytes], path: Path) -> list[Path]:
    """Write a picture. Several images get numbers: ``name-1.png`` … InputError rather than overwrite what we did not draw."""
    from verify.render.output import is_ours  # noqa: PLC0415 - only who draws waits for it

    paths = (
        [path]
        if len(parts) == 1
        else [path.with_name(f"{path.stem}-{n}{path.suffix}") for n in range(1, len(parts) + 1)]
    )
    try:
        for place in paths:
            if place.exists() and not is_ours(place):
                told = f"{place} is there already, and no picture that verify has drawn: it is left alone"
                raise InputError([error("E805", told, Place(str(place)), "choose another name")])
        for place, part in zip(paths, parts, strict=True):
            place.write_bytes(part)
    except OSError as problem:
        raise InputError([error("E803", f"cannot write {path}: {problem.strerror or problem}")]) from problem
    return paths


def read_trace(path: Path) -> tuple[System, Run, dict[str, str]]:
    """A trace file, replayed; InputError if it is none, or cannot be replayed."""
    system, trace, described = itf.read(path)
    return system, _replayed(system, trace, path), described


def _replayed(system: System, trace: Trace, path: Path) -> Run:
    try:
        run = replay(Interpreter(system), trace)
    except (ReplayFailed, ValueError, ArithmeticError, LookupError, RecursionError) as problem:
        raise InputError([error("E804", f"{path} cannot be replayed: {problem}", Place(str(path)))]) from problem
    if trace.loop is not None and run.outcomes[-1].state != run.outcomes[trace.loop].state:
        raise InputError([error("E804", f"{path} cannot be replayed: its loop does not close", Place(str(path)))])
    return run


def draw_machines(path: Path | str, machine: str = "", *, form: str = "svg", sources: Sources | None = None) -> bytes:
    """The machines of a model, or of all that a spec uses, as state diagrams, in ``form``: svg, png, pdf or dot.

    ``path``: a file, ``models/…`` of the installed library, or the name of a shipped model. ``machine``: only this one.
    """
    from verify.render import layout  # noqa: PLC0415 - only who draws waits for it
    from verify.render.machines import diagram  # noqa: PLC0415 - only who draws waits for it

    return layout.draw(diagram(load_models(_model(Path(path)), sources), machine), form)


def _model(path: Path) -> Path:
    """The path itself, or the shipped model or spec that it means where there is no such file."""
    if path.exists() or path.is_absolute() or not path.parts:
        return path
    models = library_folder("models")
    shipped = models.joinpath(*path.parts[1:]) if path.parts[0] == "models" else models / f"{path}.model"
    return shipped if shipped.is_file() else _shipped(path) or path


def draw_states(  # noqa: PLR0913 - each may be left out
    spec: Specification,
    scenario: str = "",
    asked: str = "",
    *,
    most: int = 60,
    form: str = "svg",
    limits: Limits | None = None,
    report: Callable[[Progress], None] | None = None,
) -> bytes:
    """The states that a scenario reaches, in ``form``: svg, png, pdf or dot. More boxes than ``most``: by control states.

    ``scenario``: "" is the first that is checked. ``asked``: the property whose trace is marked, "" the first that is violated.
    """
    from verify.render import layout  # noqa: PLC0415 - only who draws waits for it
    from verify.render.space import picture, survey  # noqa: PLC0415 - only who draws waits for it

    system, properties = _checked(spec, scenario, asked)
    budget = Budget(limits or Limits(), report)
    return layout.draw(picture(survey(system, properties, asked, budget), most), form)


def _checked(spec: Specification, scenario: str, asked: str) -> tuple[System, list[Property]]:
    """The system of a scenario ("": the first that is checked), and what is checked of it; ``asked`` ("": nothing) must be."""
    tasks = [t for t in spec.tasks if scenario in ("", t.scenario)]
    if not tasks:
        told = f"no check asks about the scenario '{scenario}'" if scenario else "nothing is checked here"
        known = ", ".join(dict.fromkeys(t.scenario for t in spec.tasks))
        raise InputError([error("E707", told, Place(spec.path), f"checked here: {known}" if known else "")])
    name = tasks[0].scenario
    properties = [c.property for t in tasks if t.scenario == name for c in t.checks]
    if asked and asked not in {p.name for p in properties}:
        help_text = did_you_mean(asked, {p.name for p in properties})
        told = f"no check asks for '{asked}' in the scenario '{name}'"
        raise InputError([error("E709", told, Place(spec.path), help_text)])
    return tasks[0].system, properties


def export(  # noqa: PLR0913 - each may be left out
    spec: Specification,
    scenario: str = "",
    asked: str = "",
    *,
    to: str = "promela",
    manner: Manner | None = None,
    name: str = "",
) -> str:
    """The system of a scenario in the language of another checker: ``to`` is promela, tla (TLA+), or horn (Horn clauses).

    ``scenario``: "" is the first that is checked. ``asked``: a property of safety that is written with it, "" for none.
    ``manner``: how Horn clauses are written.
    ``name``: of the module, in TLA+ that of its file; behind its end stands the configuration for TLC.
    InputError if something in it has no counterpart there.
    """
    from verify.export.paths import NotExported  # noqa: PLC0415 - only who exports waits for it

    known_language(to, manner)
    system, properties = _checked(spec, scenario, asked)
    try:
        return written(system, next((p for p in properties if p.name == asked), None), to, __version__, manner, name)
    except NotExported as problem:
        told = f"the scenario '{system.name}' cannot be exported to {to}: {problem}"
        raise InputError([error("E827", told, Place(spec.path))]) from problem


def synthesize(
    spec: Specification,
    names: Sequence[str] = (),
    *,
    limits: Limits | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Iterator[Condition]:
    """The conditions on the open parameters under which properties hold, each as soon as it is known as far as it will be.

    ``names``: scenarios, properties, or ``scenario.property``; () means all checks of scenarios with open parameters that can
    be asked. InputError for a name that means nothing, or nothing that can be asked. ``limits``: for each.
    """
    from verify.synthesis.synthesising import synthesise  # noqa: PLC0415 - only who synthesises waits for it

    chosen = _to_be_synthesised(spec, names)  # faults are told at once, not when the first condition is asked for
    return (synthesise(spec.path, task, asked, limits or Limits(), report) for task, asked in chosen)


def _to_be_synthesised(spec: Specification, names: Sequence[str]) -> list[tuple[Task, Check]]:
    from verify.synthesis.synthesising import ASKED  # noqa: PLC0415 - only who synthesises waits for it

    every = [(t, c) for t in spec.tasks for c in t.checks]
    chosen: list[tuple[Task, Check]] = []
    faults: list[Diagnostic] = []
    for name in names:
        meant = [(t, c) for t, c in every if name in (t.scenario, c.property.name, f"{t.scenario}.{c.property.name}")]
        if not meant:
            known = {n for t, c in every for n in (t.scenario, c.property.name)}
            told = f"nothing that is checked here is called '{name}'"
            faults.append(error("E830", told, Place(spec.path), did_you_mean(name, known)))
            continue
        able = [(t, c) for t, c in meant if t.system.parameters and isinstance(c.property.form, ASKED)]
        if not able:
            faults.append(_not_asked(name, *meant[0]))
        chosen += [x for x in able if x not in chosen]
    if not names:
        chosen = [(t, c) for t, c in every if t.system.parameters and isinstance(c.property.form, ASKED)]
        if not chosen:
            faults.append(_not_asked("", *every[0]) if every else error("E831", "nothing is checked here", Place(spec.path)))
    if faults:
        raise InputError(faults)
    return chosen


def _not_asked(name: str, task: Task, asked: Check) -> Diagnostic:
    """Why nothing can be synthesised for what a name means."""
    if not task.system.parameters:
        what = f"the scenario '{task.scenario}' leaves no parameter open" if name else "no scenario here leaves a parameter open"
        help_text = "write, in the scenario: r1.priority = any 1..254"
        return error("E831", what, asked.place, help_text)
    told = f"the condition for '{asked.property.name}' cannot be looked for: it is no property of safety"
    return error("E832", told, asked.place, "those are: never, always, for longer than, within")
