"""A closed system as a module of TLA+, with the configuration that TLC is given: an action for each step, the same states.

L. Lamport, Specifying Systems, Addison-Wesley 2002. Each instance is a variable of the module, a record of its own variables and
timers; a lane is a sequence of records, or a bag of them where it is unordered. Where an error ends a run, ``Assert`` fails. TLC
counts one state "generated" more than we count transitions: the initial one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from verify.export.paths import NotExported
from verify.export.predicates import predicates
from verify.export.tla import lanes as of_lanes
from verify.export.tla.lanes import Lanes
from verify.export.tla.layout import Lines, spread
from verify.export.tla.names import Names, members_of, module_name, plain, quoted, sort_of
from verify.export.tla.states import Values
from verify.export.tla.steps import Steps
from verify.export.tla.terms import Terms, number
from verify.semantics.interpreter import Interpreter
from verify.system.expression import events_of
from verify.system.property import Never, NeverLonger, Possible, Property, Safety, Within
from verify.system.statement import Send, statements
from verify.system.system import StepKind, System

END = "=" * 77
HEAD = """\
\\* {name}, exported by verify {version}. For TLC, which need not look for deadlocks:
\\*   java -cp tla2tools.jar tlc2.TLC -deadlock -config {module}.cfg {module}.tla
\\* TLC's "distinct states found" are our states{product}; its "states generated" are our transitions, and the initial state.
\\* Where an error ends a run, Assert fails: a value out of its range, a full lane, an empty choice, an urgent livelock."""
DEFINITIONS: dict[str, tuple[str, ...]] = {
    "Stopped": ("Stopped == -1  \\* a timer: stopped, expired, or the ticks that it still runs",),
    "Expired": ("Expired == 0",),
    "Down": ("Down(x) == IF x > 0 THEN x - 1 ELSE x",),
    "Holds": ("Holds(x) == x = TRUE  \\* TLC would take each disjunct of x for a way of its own",),
    "Number": ("Number(x) == IF x THEN 1 ELSE 0",),
    "Rank": ("Rank(x, order) == (CHOOSE place \\in DOMAIN order : order[place] = x) - 1",),
    "Min": ("Min(x, y) == IF x < y THEN x ELSE y",),
    "Max": ("Max(x, y) == IF x > y THEN x ELSE y",),
    "Quotient": ("Quotient(x, y) == IF y > 0 THEN x \\div y ELSE (-x) \\div (-y)",),
    "Remainder": ("Remainder(x, y) == IF y > 0 THEN x % y ELSE -((-x) % (-y))",),
    **of_lanes.DEFINITIONS,
}


def tla(system: System, asked: Property | None, version: str, module: str = "") -> str:
    """The module, and behind its end the configuration for TLC; NotExported if something in it has no counterpart here.

    ``module``: its name, which has to be that of its file ("": made of the system's).
    """
    return _Module(system, asked, module or module_name(system.name)).text(version)


def configuration(text: str) -> str:
    """What stands behind the end of a module: the configuration for TLC."""
    return text.partition(END + "\n")[2].lstrip("\n")


class _Module:
    def __init__(self, system: System, asked: Property | None, module: str) -> None:
        if system.parameters:
            raise NotExported("open parameters: TLC needs their values")
        if asked is not None and not isinstance(asked.form, Safety):
            raise NotExported("a property of endless runs: TLC is given what finite runs decide")
        self.system = system
        self.asked = asked
        self.predicates = predicates(None if asked is None else asked.form)
        self.module = module
        (first, *others) = Interpreter(system).initial()
        if others or first.state is None:
            raise NotExported("an error before the first state")
        self.initial = first.state
        self.names = Names(system, module, [asked.name] if asked else [])
        self.terms = Terms(system, self.names)
        self.lanes = Lanes(system, self.names, self.terms, _sent(system))
        self.events = frozenset().union(*map(events_of, self.predicates))
        self.variables = (
            *self.names.groups.values(),
            *self.names.lanes,
            *(["occurred"] if self.events else []),
        )
        self.steps = Steps(system, self.names, self.terms, self.lanes, self.events, self.variables)

    @property
    def watched(self) -> bool:
        """Whether the property needs to count ticks."""
        return len(self.predicates) == 2

    # ---- the parts of the module

    def text(self, version: str) -> str:
        body = [*self.lanes.dropping(), *self.typed(), *self.property(), *self.first(), *self.behaviour()]
        used = _used("\n".join(body))
        orders = [f"{name} == <<{', '.join(map(quoted, m))}>>" for m, name in self.names.enumerations.items()]
        modules = ["Integers", "Sequences", "TLC", *(["Bags"] if any(map(self.lanes.bag, range(len(self.system.lanes)))) else [])]
        product = " (with what the property has to remember)" if self.watched or self.events else ""
        head = HEAD.format(name=plain(self.system.name), version=version, module=self.module, product=product)
        every = (*self.variables, *(["waited"] if self.watched else []))
        lines = [
            f"---- MODULE {self.module} ----",
            *head.splitlines(),
            f"EXTENDS {', '.join(modules)}",
            "",
            *self.declared(every),
            *spread("vars == <<", every, ">>"),
            "",
            *(line for name, made in DEFINITIONS.items() if name in used for line in made),
            *orders,
            *([""] if used or orders else []),
            *body,
            END,
            "",
            *self.configured(version),
        ]
        return "\n".join(lines) + "\n"

    def declared(self, every: Iterable[str]) -> Lines:
        told = {self.names.lanes[i]: f"lane {plain(lane.name)}" for i, lane in enumerate(self.system.lanes)}
        for instance, group in self.names.groups.items():
            told[group] = "budgets, cuts, windows" if instance is None else f"{plain(self.system.instances[instance].machine)}"
        told |= {"occurred": "the events of the last step that the property asks for"}
        told |= {"waited": "ticks that the property has waited, -1 where it does not wait"}
        *most, last = [(name, told[name]) for name in every]
        return ["VARIABLES", *(f"  {n},  \\* {t}" for n, t in most), f"  {last[0]}  \\* {last[1]}", ""]

    def typed(self) -> Lines:
        """What the values of all variables are: an invariant of every system."""
        sets = self.lanes.sets()
        lines = [*sets, *([""] if sets else []), "TypeOK =="]
        for instance, group in self.names.groups.items():
            parts = [
                f"{self.names.variables[i][1]} : {members_of(v.domain)}"
                for i, v in enumerate(self.system.variables)
                if v.instance == instance
            ]
            parts += [
                f"{self.names.timers[i][1]} : Stopped..{t.maximum}"
                for i, t in enumerate(self.system.timers)
                if t.instance == instance
            ]
            lines += [f"  {line}" for line in spread(f"/\\ {group} \\in [", parts, "]")]
        lines += [f"  /\\ {self.lanes.typed(lane)}" for lane in range(len(self.system.lanes))]
        return [*lines, ""]

    def first(self) -> Lines:
        timers = len(self.system.variables)
        lanes = timers + len(self.system.timers)
        lines = ["Init =="]
        for instance, group in self.names.groups.items():
            parts = []
            for i, v in enumerate(self.system.variables):
                if v.instance == instance:
                    value = self.terms.stored(number(self.initial[i]), sort_of(v.domain)).text
                    parts.append(f"{self.names.variables[i][1]} |-> {value}")
            for i, t in enumerate(self.system.timers):
                if t.instance == instance:
                    ticks = self.initial[timers + i]
                    parts.append(f"{self.names.timers[i][1]} |-> {({-1: 'Stopped', 0: 'Expired'}).get(ticks, ticks)}")
            lines += [f"  {line}" for line in spread(f"/\\ {group} = [", parts, "]")]
        for i, name in enumerate(self.names.lanes):
            lines.append(f"  /\\ {name} = {self.held(i, self.initial[lanes + i])}")
        lines += ["  /\\ occurred = {}"] if self.events else []
        if self.watched:
            begins = "~Stops" if self.once else "Starts /\\ ~Stops"
            lines.append(f"  /\\ waited = IF {begins} THEN 0 ELSE -1")
        return [*lines, ""]

    def held(self, lane: int, messages: Iterable[tuple[int, ...]]) -> str:
        """The messages of a lane of the initial state."""
        made = [self.lanes.held(m) for m in messages]
        if not self.lanes.bag(lane):
            return f"<<{', '.join(made)}>>"
        return " (+) ".join(f"SetToBag({{{m}}})" for m in made) or "EmptyBag"

    @property
    def once(self) -> bool:
        """Whether the property is watched from the beginning, and only from there."""
        return self.asked is not None and isinstance(self.asked.form, Within) and self.asked.form.trigger is None

    def property(self) -> Lines:
        """What the property forbids (of one that asks whether something is possible: the witness)."""
        if self.asked is None:
            return []
        name = self.names.asked[self.asked.name]
        state = Values(self.system, self.names)
        truths = [self.terms.holds(p, state) for p in self.predicates]
        told = f"\\* {plain(f'{self.asked.name}: {self.asked.text}')}"
        match self.asked.form:
            case Never() | Possible():
                witness = ["\\* a state that violates this is a witness"] if isinstance(self.asked.form, Possible) else []
                return [told, *witness, f"{name} == ~({truths[0].text})", ""]
            case NeverLonger(_, bound) | Within(_, _, bound):
                return [told, *self.watching(name, truths[0].text, truths[1].text, self.terms.term(bound, state).text), ""]
            case _:
                return []

    def watching(self, name: str, starts: str, stops: str, bound: str) -> Lines:
        """Counts ticks from where it begins, as :mod:`verify.system.property` defines it."""
        return [
            f"Starts == {starts}",
            f"Stops == {stops}",
            "Waits(x) == IF Stops' THEN -1 ELSE IF x >= 0 THEN x ELSE IF Starts' THEN 0 ELSE -1",
            "Watch == waited' = Waits(waited)",
            f"WatchTick == waited' = IF waited >= {bound} THEN waited + 1 ELSE Waits(IF waited >= 0 THEN waited + 1 ELSE -1)",
            f"{name} == waited <= {bound}",
        ]

    def behaviour(self) -> Lines:
        lines: Lines = self.steps.reactions() if self.system.atomic else []
        actions = []
        for step in self.system.steps:
            if self.system.atomic and step.kind is StepKind.REACTION:
                continue
            actions.append(self.names.action(step.name))
            lines += self.steps.action(step, actions[-1], ["Watch"] if self.watched else [])
        lines += self.steps.tick(["WatchTick"] if self.watched else [])
        lines += ["Next ==", *(f"  \\/ {name}" for name in (*actions, "Tick")), "", "Spec == Init /\\ [][Next]_vars", ""]
        return lines

    def configured(self, version: str) -> Lines:
        """The configuration: text behind the end of a module is not read with it."""
        asked = [f"INVARIANT {self.names.asked[self.asked.name]}"] if self.asked else []
        return [
            f"\\* {self.module}.cfg, exported by verify {version}",
            "SPECIFICATION Spec",
            "INVARIANT TypeOK",
            *asked,
        ]


def _used(text: str) -> set[str]:
    """The definitions that a text needs."""
    found = {name for name in DEFINITIONS if re.search(rf"\b{name}\b", text)}
    needed = found | {n for name in found for n in DEFINITIONS if re.search(rf"\b{n}\b", " ".join(DEFINITIONS[name]))}
    return needed if needed == found else _used("\n".join((text, *needed)))


def _sent(system: System) -> list[frozenset[int]]:
    """For each lane, the kinds of messages that are sent on it."""
    found: list[set[int]] = [set() for _ in system.lanes]
    for statement in statements(x for step in system.steps for x in step.body):
        if isinstance(statement, Send):
            found[statement.lane].add(statement.message)
    return [frozenset(kinds) for kinds in found]


__all__ = ["configuration", "tla"]
