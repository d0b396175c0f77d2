"""The arguments of every command."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

from verify import __version__
from verify.lang.loading import LARGEST_FILE

EXIT_CODES = """exit codes of check:
  0 every verdict as expected          3 undecided where a verdict was expected
  1 some verdict is not the expected   70 an engine was convicted by the judge: our bug
  2 the input is faulty                130, 143 stopped by Ctrl-C, SIGTERM
"""


SPOF_CODES = """exit codes of spof:
  0 no single point of failure, and enough is left when any part fails
  1 there is a single point of failure, or a failure that leaves too little
  2 the input is faulty                 3 not known, a limit was met
"""


SYNTHESIS_CODES = """exit codes of synthesize:
  0 each condition is exact: proved inside, violated at its bounds outside
  2 the input is faulty                    3 not known, or known on one side only
  70 an engine was convicted: our bug      130, 143 stopped by Ctrl-C, SIGTERM
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog="verify", description="A formal model checker for redundancy protocols.")
    whole.add_argument("--version", action="version", version=f"verify {__version__}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _check(commands)
    _certify(commands)
    _simulate(commands)
    _render(commands)
    _show(commands)
    _export(commands)
    _diagram(commands)
    _graph(commands)
    _spof(commands)
    _synthesize(commands)
    return whole


def _check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser(
        "check",
        help="decide the checks of spec files",
        description="Decide every check of the spec files given; of a folder, of all specs in it.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="spec files, or folders of them")
    check.add_argument("--json", action="store_true", help="print the results as JSON on standard output")
    check.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write a trace file (ITF) and a picture (SVG) for each trace, a certificate for each proof into DIR",
    )
    check.add_argument(
        "--certificate-states",
        type=_count,
        default=10_000,
        metavar="N",
        help="with --out: keep the states of a proof by exhaustion if there are up to N (10000); certify searches again for more",
    )
    check.add_argument("--strict", action="store_true", help="warnings are errors, vacuous proofs are failures")
    check.add_argument(
        "--engine",
        choices=("auto", "explicit", "native", "zones", "symbolic"),
        default="auto",
        help="explicit: the reference interpreter; native: machine code; zones: sets of states that differ in time; "
        "symbolic: Z3 (default: auto, what is done first)",
    )
    check.add_argument(
        "--cross-check",
        action="store_true",
        help="a verdict counts only if two engines that share no code agree on it; else it is UNDECIDED",
    )
    check.add_argument(
        "--threads", type=_count, default=1, metavar="N", help="threads of the native engine in each scenario (1)"
    )
    check.add_argument(
        "--fingerprints",
        action="store_true",
        help="native engine: tell wide states apart by 63 bits of a hash; finds violations sooner and proves nothing",
    )
    check.add_argument(
        "--reductions",
        type=_reductions,
        metavar="LIST",
        help="of the native engine: none, or names joined by commas: narrowing, slicing, dead-messages, dead-variables, "
        "symmetry, idle-jumps; all: all but the last (default: narrowing, which changes no count, and all in searches of "
        "millions of states)",
    )
    check.add_argument(
        "--all", action="store_true", help="with --engine explicit: also the checks that are said to need the native engine"
    )
    only_this = "only this scenario; others are not laid out (may be repeated)"
    check.add_argument("--scenario", action="append", metavar="NAME", help=only_this)
    check.add_argument("--property", action="append", metavar="NAME", help="only this property (may be repeated)")
    check.add_argument(
        "--traces",
        choices=("unexpected", "all", "none"),
        help="which traces to print (default: all for one file, unexpected for more)",
    )
    check.add_argument(
        "--time-limit", type=_seconds, default=600.0, metavar="S", help="seconds for each scenario (600; 0: none)"
    )
    check.add_argument(
        "--memory-limit", type=_count, default=8000, metavar="MB", help="for each process (8000; 0: none)"
    )
    check.add_argument(
        "--max-states", type=_count, default=0, metavar="N", help="states for each scenario (0: no limit)"
    )
    check.add_argument(
        "--checkpoint",
        type=Path,
        metavar="DIR",
        help="keep long searches of the native engine in DIR, now and then and when stopped; a later run takes them up again",
    )
    check.add_argument(
        "--workers", type=_count, default=0, metavar="N", help="scenarios side by side (0: one for each core)"
    )
    _common(check)


def _certify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    certify = commands.add_parser(
        "certify",
        help="check certificates of proofs, and traces, again",
        description="Check what check --out has written: certificates of proofs by induction, with Z3 and, where it is "
        "installed, cvc5; of proofs by exhaustion, and traces, with the reference interpreter.",
    )
    certify.add_argument(
        "paths", nargs="+", type=Path, metavar="FILE", help="certificates (folders, or their certificate.json), trace files"
    )
    certify.add_argument(
        "--solver", action="append", choices=("z3", "cvc5"), help="ask this one (may be repeated; default: all)"
    )
    certify.add_argument(
        "--time-limit", type=_seconds, default=60.0, metavar="S", help="for each question and each search (60; 0: none)"
    )


def _simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    simulate = commands.add_parser("simulate", help="walk through a scenario at random, reproducibly")
    simulate.add_argument("path", type=Path, metavar="SPEC")
    simulate.add_argument("--scenario", metavar="NAME", help="which scenario (default: the first that is checked)")
    simulate.add_argument(
        "--seed", type=int, metavar="N", help="the walk to take; printed, so that it can be taken again"
    )
    simulate.add_argument("--steps", type=_count, default=25, metavar="N", help="how many steps besides ticks (25)")
    _common(simulate)


def _render(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    render = commands.add_parser("render", help="replay a saved trace: tell it in words, or draw it")
    render.add_argument("path", type=Path, metavar="TRACE", help="a trace file that check --out has written")
    render.add_argument(
        "--format", choices=("text", "svg", "png", "pdf"), default="text", help="words, or a sequence diagram (text)"
    )
    render.add_argument("--out", type=Path, metavar="FILE", help="write to FILE; it replaces only pictures of ours")


def _show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = commands.add_parser("show", help="print the transition system that a scenario means")
    show.add_argument("path", type=Path, metavar="SPEC")
    show.add_argument("--scenario", metavar="NAME", help="which scenario (default: the first that is checked)")
    show.add_argument("--json", action="store_true", help="as JSON, with its digest")
    _common(show)


def _export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = commands.add_parser(
        "export",
        help="write a scenario in the language of another checker",
        description="Write the transition system of a scenario in Promela, for SPIN, or in TLA+, for TLC: the same states, "
        "the same transitions; or a question of safety as Horn clauses in SMT-LIB 2, open parameters included. "
        "docs/exports.md tells more.",
    )
    export.add_argument("path", type=Path, metavar="SPEC")
    export.add_argument("--scenario", metavar="NAME", help="which scenario (default: the first that is checked)")
    export.add_argument("--property", metavar="NAME", help="a property of safety that is written with it (default: none)")
    export.add_argument(
        "--to", default="", metavar="LANGUAGE", help="promela (for SPIN), tla (TLA+, for TLC), or horn (Horn clauses)"
    )
    export.add_argument("--ignore-errors", action="store_true", help="horn: an error ends a run, and is no violation")
    export.add_argument("--delays", action="store_true", help="horn: a delay of any length is one step, instead of each tick")
    export.add_argument(
        "--small", action="store_true", help="horn: constants as such, and nothing that the question does not depend on"
    )
    export.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write to FILE, which must not exist, or be an export of ours (TLA+: NAME.tla, and NAME.cfg beside it)",
    )
    _common(export)


def _diagram(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    diagram = commands.add_parser("diagram", help="draw the machines of a model as state diagrams")
    diagram.add_argument(
        "path", type=Path, metavar="MODEL", help="a model file, a spec, or the name of a shipped model"
    )
    diagram.add_argument("--machine", metavar="NAME", help="only this machine")
    _drawn(diagram)
    _common(diagram)


def _graph(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    graph = commands.add_parser("graph", help="draw the states that a scenario reaches")
    graph.add_argument("path", type=Path, metavar="SPEC")
    graph.add_argument("--scenario", metavar="NAME", help="which scenario (default: the first that is checked)")
    graph.add_argument("--property", metavar="NAME", help="whose trace is marked (default: the first that is violated)")
    graph.add_argument(
        "--max-nodes",
        type=_count,
        default=60,
        metavar="N",
        help="up to so many boxes, each state has its own; else those with the same control states share one (60)",
    )
    graph.add_argument("--time-limit", type=_seconds, default=600.0, metavar="S", help="seconds (600; 0: none)")
    graph.add_argument(
        "--max-states",
        type=_count,
        default=500_000,
        metavar="N",
        help="states that are explored (500,000; 0: no limit)",
    )
    _drawn(graph)
    _common(graph)


def _spof(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    spof = commands.add_parser(
        "spof",
        help="single points of failure, cut sets and capacity of a network",
        description="Examine networks: of topologies in our own files, of GraphML, GML and JSON.",
        epilog=SPOF_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    spof.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="files with networks, or folders of them")
    spof.add_argument("--topology", action="append", metavar="NAME", help="only this topology (may be repeated)")
    spof.add_argument(
        "--size", type=_count, metavar="N", help="cut sets with up to N parts (default: 2 for up to 60 demands, else 1)"
    )
    spof.add_argument("--all-pairs", action="store_true", help="ask for every pair of nodes, not for the demands")
    spof.add_argument("--capacity", type=_amount, metavar="RATE", help="of links that say none: 10G, 400M, 155520000")
    spof.add_argument(
        "--demand-unit",
        type=_amount,
        metavar="RATE",
        help="what a demand of 1 means in GraphML, GML and JSON (1 bit/s)",
    )
    spof.add_argument("--json", action="store_true", help="print the report as JSON")
    spof.add_argument("--failed", metavar="NAME", help="draw the failure of this node, link, member or group")
    spof.add_argument("--time-limit", type=_seconds, default=600.0, metavar="S", help="seconds for each (600; 0: none)")
    _drawn(spof)
    _common(spof)


def _synthesize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    synthesize = commands.add_parser(
        "synthesize",
        help="the condition on open parameters under which a property holds",
        description="Find the exact condition on the open parameters of a scenario under which a property of it holds.",
        epilog=SYNTHESIS_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    synthesize.add_argument("path", type=Path, metavar="SPEC")
    synthesize.add_argument(
        "--check",
        action="append",
        metavar="NAME",
        help="a scenario that is checked, a property, or SCENARIO.PROPERTY (may be repeated; default: all with open parameters)",
    )
    synthesize.add_argument("--json", action="store_true", help="print the conditions as JSON on standard output")
    synthesize.add_argument(
        "--time-limit", type=_seconds, default=600.0, metavar="S", help="seconds for each condition (600; 0: none)"
    )
    synthesize.add_argument(
        "--memory-limit", type=_count, default=8000, metavar="MB", help="for each process (8000; 0: none)"
    )
    _common(synthesize)


def _amount(text: str) -> Fraction:
    from verify.topology.formats import amount  # noqa: PLC0415 - what other commands do not need

    try:
        return amount(text)
    except ValueError as problem:
        message = f"{text!r} is no rate: 10G, 400M, 155520000"
        raise argparse.ArgumentTypeError(message) from problem


def _drawn(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("svg", "png", "pdf", "dot"), help="default: as --out is named, or svg")
    command.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: standard output)")


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--quiet", "-q", action="store_true", help="no progress, no warnings")
    command.add_argument(
        "--max-file-size",
        type=_count,
        default=LARGEST_FILE,
        metavar="BYTES",
        help=f"the largest source file that is read ({LARGEST_FILE:,})",
    )


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        message = f"{text!r} is no whole number of 0 or more"
        raise argparse.ArgumentTypeError(message)
    return value


REDUCTIONS = ("narrowing", "slicing", "dead-messages", "dead-variables", "symmetry", "idle-jumps")


def _reductions(text: str) -> frozenset[str]:
    names = {"all": list(REDUCTIONS[:-1]), "none": []}.get(text, text.split(","))
    for name in names:
        if name not in REDUCTIONS:
            message = f"{name!r} is no reduction: all, none, or {', '.join(REDUCTIONS)}"
            raise argparse.ArgumentTypeError(message)
    return frozenset(name.replace("-", " ") for name in names)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 10**9:
        message = f"{text!r} is no number of seconds"
        raise argparse.ArgumentTypeError(message)
    return value
