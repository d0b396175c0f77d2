"""``verify``: what each command does, and with which exit code it ends."""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from verify.base.diagnostic import Diagnostic, InputError, Severity, did_you_mean, error, render
from verify.base.place import NOWHERE, Place
from verify.base.verdict import Verdict
from verify.cli.arguments import parser
from verify.cli.progress import ProgressLine, describe

if TYPE_CHECKING:
    from verify.lang.loading import Sources
    from verify.lang.specification import Specification, Task
    from verify.lang.topologies import Survey
    from verify.run.checking import Result
    from verify.run.surveys import SurveyResult
    from verify.system.system import System

Checked = TypeVar("Checked", "Task", "Survey")
OK, UNEXPECTED, FAULTY, UNDECIDED, OURS = 0, 1, 2, 3, 70
INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143
YOUNG = 200_000  # objects between two looks for garbage: what a start makes stays, and to look at it takes a tenth of the time


class Terminated(BaseException):
    """SIGTERM was received."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Whatever goes wrong is told in words."""
    options = parser().parse_args(arguments)
    young = gc.get_threshold()
    gc.set_threshold(YOUNG, 20, 100)
    before = signal.signal(signal.SIGTERM, _terminate)
    command: Callable[[argparse.Namespace], int] = {
        "check": _check,
        "certify": _certify,
        "simulate": _simulate,
        "render": _render,
        "show": _show,
        "export": _export,
        "diagram": _draw,
        "graph": _draw,
        "spof": _spof,
        "synthesize": _synthesize,
    }[options.command]
    try:
        return command(options)
    except InputError as found:
        _tell_faults(found.diagnostics, {})
        return FAULTY
    except KeyboardInterrupt:
        print("verify: stopped", file=sys.stderr)
        return INTERRUPTED
    except Terminated:
        print("verify: terminated", file=sys.stderr)
        return TERMINATED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as problem:  # noqa: BLE001 - the last door: nothing prints a stack trace at a user
        return _our_fault(problem)
    finally:
        signal.signal(signal.SIGTERM, before)
        gc.set_threshold(*young)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _our_fault(problem: Exception) -> int:
    if os.environ.get("VERIFY_DEBUG"):
        raise problem
    print(f"verify: internal error: {type(problem).__name__}: {problem}", file=sys.stderr)
    print("verify: this is a bug of ours; please report it with the files and the command", file=sys.stderr)
    print("verify: (VERIFY_DEBUG=1 shows where it happened)", file=sys.stderr)
    return OURS


def _tell_faults(faults: Sequence[Diagnostic], texts: dict[str, str], so: str = "nothing was run") -> None:
    for fault in faults:
        print(render(fault, texts), file=sys.stderr)
        print(file=sys.stderr)
    errors = sum(1 for f in faults if f.severity is Severity.ERROR)
    if errors:
        print(f"verify: {errors} error{'s' if errors > 1 else ''}; {so}", file=sys.stderr)


# ---- check


def _check(options: argparse.Namespace) -> int:
    from verify import api  # noqa: PLC0415 - what --help does not need

    sources = api.Sources(largest=options.max_file_size)
    try:
        specs = api.load_all(api.find_specs(options.paths), sources, options.scenario)
    except InputError as found:
        _tell_faults(found.diagnostics, sources.texts)
        return FAULTY
    warnings = sorted({w for s in specs for w in s.warnings}, key=Diagnostic.order)
    if warnings and (options.strict or not options.quiet):
        _tell_faults(warnings, sources.texts)
        if options.strict:
            print(
                f"verify: {len(warnings)} warnings, which --strict takes for errors; nothing was run", file=sys.stderr
            )
            return FAULTY
    specs = _chosen(specs, options.scenario, options.property)
    if options.out is not None:
        api.write_traces([], options.out)
    return _Checking(options, specs).run()


def _chosen(specs: list[Specification], scenarios: list[str] | None, properties: list[str] | None) -> list[Specification]:
    """Only the checks of some scenarios, and of some properties; each name must be one that is checked."""
    asked = [each for s in specs for each in s.asked]
    known = {"scenario": [scenario for scenario, _ in asked], "property": [name for _, name in asked]}
    faults = [
        error("E707", f"no check asks about the {kind} '{name}'", help=did_you_mean(name, names))
        for wanted, (kind, names) in zip((scenarios, properties), known.items(), strict=True)
        for name in wanted or ()
        if name not in names
    ]
    if faults:
        raise InputError(faults)

    def left(each: Checked) -> Checked:
        return replace(each, checks=tuple(c for c in each.checks if properties is None or c.property.name in properties))

    def kept(them: tuple[Checked, ...]) -> tuple[Checked, ...]:
        return tuple(x for x in map(left, them) if x.checks and (scenarios is None or x.scenario in scenarios))

    if scenarios is None and properties is None:
        return specs
    chosen = [replace(s, tasks=kept(s.tasks), surveys=kept(s.surveys)) for s in specs]
    chosen = [s for s in chosen if s.tasks or s.surveys]
    if not chosen:
        raise InputError([error("E707", "no check asks about these properties in these scenarios")])
    return chosen


class _Checking:
    """One run of ``check``: prints each file's table when it is complete, or what is known when it is stopped."""

    def __init__(self, options: argparse.Namespace, specs: list[Specification]) -> None:
        from verify.api import Engine, How, Limits, waits  # noqa: PLC0415 - what --help does not need

        self.options = options
        self.how = How(Engine(options.engine), options.threads, options.reductions, options.fingerprints, options.cross_check)
        self.specs = specs
        self.results: list[Result | SurveyResult] = []
        self.rescued: list[Result] = []
        self.shown = 0
        self.progress = ProgressLine(quiet=options.quiet)
        self.limits = Limits(options.time_limit or None, options.memory_limit or None, options.max_states or None)
        self.traces = options.traces or ("all" if len(specs) == 1 else "unexpected")
        self.waiting = [
            f"{s.path}: {t.scenario}"
            for s in specs
            for t in s.tasks
            if not options.all and waits(t, self.how.engine)
        ]

    def run(self) -> int:
        """Check everything; the exit code."""
        from verify import api  # noqa: PLC0415 - what --help does not need

        start = time.monotonic()
        workers = self.options.workers or api.default_workers()
        try:
            for group in api.results_of(
                self.specs,
                limits=self.limits,
                workers=workers,
                how=self.how,
                everything=self.options.all,
                checkpoint=self.options.checkpoint,
                report=self.progress,
                rescued=self.rescued,
            ):
                if self.results and group and group[0].spec != self.results[-1].spec:
                    self.flush()
                self.results += group
            for surveyed in api.check_topologies(self.specs, limits=self.limits):
                self.results += surveyed
        except api.Convicted as found:
            self.flush()
            print(f"verify: an engine was convicted: {found}", file=sys.stderr)
            print(
                "verify: this is a bug of ours; please report it with the spec and the models it uses", file=sys.stderr
            )
            return OURS
        except InputError as found:  # a checkpoint that cannot be used
            self.flush()
            _tell_faults(found.diagnostics, {}, "the run ends here" if self.results else "nothing was run")
            return FAULTY
        except (KeyboardInterrupt, Terminated) as stopped:
            return self.stopped(stopped)
        self.flush()
        return self.finish(time.monotonic() - start)

    def flush(self) -> None:
        """Print what has come since the last time."""
        from verify import api  # noqa: PLC0415 - what --help does not need

        new = self.results[self.shown :]
        self.shown = len(self.results)
        self.progress.clear()
        if self.options.json or not new:
            return
        print(api.table(new, strict=self.options.strict))
        for result in new:
            if self.wanted(result):
                self.tell(result)
        sys.stdout.flush()

    def wanted(self, result: Result | SurveyResult) -> bool:
        """Whether a trace, or the failure of a topology, is to be printed."""
        from verify import api  # noqa: PLC0415 - what --help does not need

        shown = (
            bool(result.answer.violations) if isinstance(result, api.SurveyResult) else result.ruling.run is not None
        )
        if not shown or self.traces == "none":
            return False
        return self.traces == "all" or not result.as_expected(strict=self.options.strict)

    def tell(self, result: Result | SurveyResult) -> None:
        """Print a trace in words."""
        from verify import api  # noqa: PLC0415 - what --help does not need

        check = result.check
        as_expected = "as expected" if result.as_expected(strict=self.options.strict) else f"expected {check.expected}"
        print(f"{result.scenario}: {check.property.name} is {result.verdict} ({as_expected})")
        print(f"    {check.property.text}")
        if check.because:
            print(f"    because {check.because}")
        if result.values:
            print(f"    for {result.values}")
        told = api.explain(result)
        print(told if isinstance(result, api.SurveyResult) else "    " + told)

    def finish(self, seconds: float) -> int:
        """The end of a whole run."""
        from verify import api  # noqa: PLC0415 - what --help does not need
        from verify.report.table import summary  # noqa: PLC0415 - what --help does not need

        strict = self.options.strict
        code = exit_code([(r.verdict, r.check.expected, r.as_expected(strict=strict)) for r in self.results])
        if self.options.json:
            print(api.to_json(self.results, self.waiting, code, strict=strict), end="")
        if self.options.out is not None:
            traced = [r for r in self.results if not isinstance(r, api.SurveyResult)]
            written = api.write_traces(traced, self.options.out)
            api.write_pictures(traced, self.options.out)
            api.write_failures([r for r in self.results if isinstance(r, api.SurveyResult)], self.options.out)
            proofs = api.write_certificates(traced, self.options.out, states=self.options.certificate_states)
            if proofs:
                print(f"verify: {len(proofs)} certificates written to {self.options.out}", file=sys.stderr)
            print(f"verify: {len(written)} traces written to {self.options.out}, each with a picture", file=sys.stderr)
        line = summary(self.results, len(self.waiting), strict=strict)
        if not self.options.json:
            for name in self.waiting:
                print(f"waits for the native engine: {name}")
            print(line)
        if not self.options.quiet:
            print(f"verify: {seconds:.1f} s", file=sys.stderr)
        return code

    def stopped(self, why: BaseException) -> int:
        """Ctrl-C or SIGTERM: what is known is printed."""
        self.results += self.rescued
        self.flush()
        for progress in self.progress.latest.values():
            if not any(r.scenario == progress.task for r in self.results):
                print(f"verify: stopped at {describe(progress)}", file=sys.stderr)
        total = sum(len(t.checks) for s in self.specs for t in s.tasks) + sum(
            len(x.checks) for s in self.specs for x in s.surveys
        )
        print(f"verify: stopped; {len(self.results)} of {total} checks were decided", file=sys.stderr)
        return TERMINATED if isinstance(why, Terminated) else INTERRUPTED


def exit_code(outcomes: Sequence[tuple[Verdict, Verdict, bool]]) -> int:
    """The exit code for (found, expected, as expected) of each check: the first of 1, 3, 0 that applies."""
    wrong = [found for found, _, fine in outcomes if not fine]
    if any(found is not Verdict.UNDECIDED for found in wrong):
        return UNEXPECTED
    return UNDECIDED if wrong else OK


# ---- the others


def _certify(options: argparse.Namespace) -> int:
    from verify import api  # noqa: PLC0415 - what --help does not need
    from verify.certify.solvers import installed  # noqa: PLC0415 - what --help does not need

    missing = [s for s in options.solver or () if s not in installed()]
    if missing:
        raise InputError([error("E810", f"{missing[0]} is not installed", NOWHERE, f"install it: pip install {missing[0]}")])
    for path in options.paths:
        if not path.exists():
            raise InputError([error("E001", f"cannot read {path}: there is no such file or folder")])
    codes = [OK]
    for path in options.paths:
        try:
            known = api.recheck(path, only=options.solver, seconds=options.time_limit or None)
        except InputError as found:
            codes.append(FAULTY)
            _tell_faults(found.diagnostics, {})
        except api.Undecided as problem:
            codes.append(UNDECIDED)
            print(f"{path}: not decided: {problem}")
        except api.Refused as problem:
            codes.append(UNEXPECTED)
            print(f"{path}: refused: {problem}")
        else:
            every = " for all values of its parameters" if known.every else ""
            print(f"{path}: accepted: {known.property.name} is {known.verdict} in {known.system}{every}")
            print(f"    {known.property.text}")
            print(f"    {known.shown}")
        sys.stdout.flush()
    return next(code for code in (FAULTY, UNEXPECTED, UNDECIDED, OK) if code in codes)


def _one_system(options: argparse.Namespace) -> System | None:
    from verify import api  # noqa: PLC0415 - what --help does not need
    from verify.passes.valuations import close, valuations  # noqa: PLC0415 - what --help does not need

    sources = api.Sources(largest=options.max_file_size)
    try:
        spec = api.load(api.find_specs([options.path])[0], sources)
    except InputError as found:
        _tell_faults(found.diagnostics, sources.texts)
        return None
    names = [t.scenario for t in spec.tasks]
    if not names:
        help_text = "a topology does not move; verify spof examines it"
        raise InputError([error("E707", "nothing is checked of a scenario here", Place(str(options.path)), help_text)])
    wanted = options.scenario or names[0]
    if wanted not in names:
        help_text = "checked here: " + ", ".join(dict.fromkeys(names))
        raise InputError(
            [error("E707", f"no check asks about the scenario '{wanted}'", Place(str(options.path)), help_text)]
        )
    system = next(t.system for t in spec.tasks if t.scenario == wanted)
    if system.parameters and options.command == "simulate":
        known = valuations(system)
        if not known.all:
            raise InputError([error("E708", "open parameters: there are too many values, or none, to draw from")])
        system = close(system, known.all[0])
    return system


def _simulate(options: argparse.Namespace) -> int:
    from verify import api  # noqa: PLC0415 - what --help does not need

    system = _one_system(options)
    if system is None:
        return FAULTY
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    print(f"{system.name}, seed {seed}")
    print("    " + api.tell(api.random_walk(system, seed, options.steps), system), end="")
    return OK


def _render(options: argparse.Namespace) -> int:
    from verify import api  # noqa: PLC0415 - what --help does not need

    if options.format == "text":
        system, run, described = api.read_trace(options.path)
        told = f"{described['scenario']}: {described['property']} is {described['verdict'].upper()}\n"
        told += f"    {described['text']}\n    {api.tell(run, system)}"
        parts = [told.encode("utf-8")]
    else:
        if options.out is None and options.format != "svg":
            raise InputError([error("E807", f"a {options.format} is no text: say where to with --out FILE")])
        parts = api.draw_trace(options.path, options.format)
    if options.out is None:
        print(parts[0].decode("utf-8"), end="")
        return OK
    for written in api.save(parts, options.out):
        print(f"verify: written to {written}", file=sys.stderr)
    return OK


def _show(options: argparse.Namespace) -> int:
    from verify.system.display import show  # noqa: PLC0415 - what --help does not need
    from verify.system.serialise import dump  # noqa: PLC0415 - what --help does not need

    system = _one_system(options)
    if system is None:
        return FAULTY
    print(json.dumps(dump(system), indent=1, ensure_ascii=False) if options.json else show(system), end="")
    return OK


def _export(options: argparse.Namespace) -> int:
    from verify import api  # noqa: PLC0415 - what --help does not need

    api.known_language(options.to)
    name = api.module_name(options.out) if options.to == "tla" and options.out is not None else ""
    sources = api.Sources(largest=options.max_file_size)
    try:
        spec = api.load(api.find_specs([options.path])[0], sources)
    except InputError as found:
        _tell_faults(found.diagnostics, sources.texts)
        return FAULTY
    asked = api.Manner(errors=not options.ignore_errors, delays=options.delays, small=options.small)
    manner = asked if options.to == "horn" or asked != api.Manner() else None
    text = api.export(spec, options.scenario or "", options.property or "", to=options.to, manner=manner, name=name)
    if options.out is None:
        print(text, end="")
        return OK
    for written in api.save_export(text, options.out):
        print(f"verify: written to {written}", file=sys.stderr)
    return OK


def _draw(options: argparse.Namespace) -> int:
    from verify.cli import drawing  # noqa: PLC0415 - what --help does not need

    def draw(sources: Sources) -> int:
        (drawing.diagram if options.command == "diagram" else drawing.graph)(options, sources)
        return OK

    return _reading(options, draw)


def _spof(options: argparse.Namespace) -> int:
    from verify.cli.spof import spof  # noqa: PLC0415 - what --help does not need

    return _reading(options, lambda sources: spof(options, sources), "an answer was refused", "the files")


def _synthesize(options: argparse.Namespace) -> int:
    from verify.cli.synthesis import synthesize  # noqa: PLC0415 - what --help does not need

    return _reading(options, lambda sources: synthesize(options, sources))


def _reading(
    options: argparse.Namespace,
    command: Callable[[Sources], int],
    convicted: str = "an engine was convicted",
    sent: str = "the spec and the models it uses",
) -> int:
    """Run a command that reads sources; their faults are told with their lines. ``sent``: what to send us with a bug."""
    from verify.judge.judge import Convicted  # noqa: PLC0415 - what --help does not need
    from verify.lang.loading import Sources  # noqa: PLC0415 - what --help does not need

    sources = Sources(largest=options.max_file_size)
    try:
        return command(sources)
    except InputError as found:
        _tell_faults(found.diagnostics, sources.texts)
        return FAULTY
    except Convicted as found:
        print(f"verify: {convicted}: {found}", file=sys.stderr)
        print(f"verify: this is a bug of ours; please report it with {sent}", file=sys.stderr)
        return OURS
