"""State diagrams: the machines of a model as they were written, one arrow for each rule that leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from verify.base.diagnostic import InputError, did_you_mean, error
from verify.base.record import record
from verify.lang import syntax as s
from verify.lang.rules import BUILT_IN_EVENTS
from verify.lang.scopes import Scope
from verify.render import phrases
from verify.render.labels import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    PAPER,
    PURPLE,
    RED,
    TINT,
    lines,
    row,
    shortened,
    styled,
    table,
)
from verify.render.layout import new_graph

if TYPE_CHECKING:
    from graphviz import Digraph

LONGEST = 110  # characters of a guard; what is longer is cut
SHORT = 84  # characters of what a rule does
WIDE, NARROW = 40, 30  # characters of a line in a box, and beside an arrow


@record
class _Look:
    """How rules of one kind are drawn: told apart by the line, not by the colour alone."""

    word: str
    colour: str
    line: str
    head: str


MESSAGE = _Look("message", BLUE, "solid", "normal")
TIMEOUT = _Look("timeout", RED, "dashed", "normal")
WHEN = _Look("condition", GREEN, "dotted", "normal")
EVENT = _Look("event or signal", PURPLE, "solid", "vee")


def machines_of(scope: Scope) -> dict[str, s.Machine]:
    """The machines that a file sees, by the names it knows them by: its own first, then those of the files it uses."""
    found: dict[str, s.Machine] = {}
    for seen in scope.seen():
        for name, declared in seen.own.items():
            if isinstance(declared, s.Machine):
                found.setdefault(name, declared)
    for alias, other in scope.aliases.items():
        found.update({f"{alias}.{name}": machine for name, machine in machines_of(other).items()})
    return found


def diagram(scope: Scope, machine: str = "") -> Digraph:
    """The state diagram of the machines that a file sees, or of one of them; InputError if there is none."""
    known = machines_of(scope)
    if machine and machine not in known:
        raise InputError([error("E201", f"no machine '{machine}'", help=did_you_mean(machine, known))])
    if not known:
        raise InputError(
            [error("E814", f"there is no machine in {scope.path}", help="name a model, or a spec that uses one")]
        )
    drawn = {name: m for name, m in known.items() if m.rules or m.regions} or known
    chosen = {machine: known[machine]} if machine else drawn
    whole = new_graph(rankdir="TB", nodesep="0.35", ranksep="0.3")
    used: set[str] = set()
    for number, (name, declared) in enumerate(chosen.items()):
        signals = {i.name for i in declared.items if isinstance(i, s.Signal)}
        used |= {x.word for x in _Drawing(whole, f"m{number}", name, declared, signals).draw()}
    looks = [x for x in (MESSAGE, TIMEOUT, WHEN, EVENT) if x.word in used]
    doubt = any(not c.verified for m in chosen.values() for c in _cited(m))
    left = [] if machine else [name for name in known if name not in chosen]
    told = lines(f"without states or rules: {', '.join(left)}", 100, size=8, colour=GREY) if left else []
    whole.attr(label=table([row([_legend(looks, doubt=doubt), *told], align="CENTER", pad=4)]), labelloc="b")
    return whole


def _legend(looks: Iterable[_Look], *, doubt: bool) -> str:
    samples = {"solid": "━━▶", "dashed": "╺ ╺ ▶", "dotted": "┄┄▶"}
    shown = [styled(f"{'━━≻' if x is EVENT else samples[x.line]} {x.word}", size=8, colour=x.colour) for x in looks]
    ends = [styled("● initial", size=8), styled("? clause unverified", size=8, colour=GREY)]
    return "&#160;&#160;&#160;&#160;".join([*shown, *(ends if doubt else ends[:1])])


class _Drawing:
    """One machine in the making."""

    def __init__(self, whole: Digraph, key: str, name: str, machine: s.Machine, signals: set[str]) -> None:
        self.whole, self.key, self.name, self.machine = whole, key, name, machine
        self.signals = signals
        self.actions = {i.name: i.body for i in machine.items if isinstance(i, s.Action)}
        self.looks: list[_Look] = []
        self.count = 0
        self.nodes: dict[tuple[int, str], str] = {}
        for number, region in enumerate(machine.regions):
            for state in region.states:
                self.nodes[number, state.name] = f"{key}.{number}.{_plain(state.name)}"

    def draw(self) -> list[_Look]:
        """Put the machine into the graph; the looks that were used."""
        from graphviz import Digraph  # noqa: PLC0415 - loaded when something is drawn

        regions = self.machine.regions
        cluster = Digraph(f"cluster_{self.key}")
        owner = f"part of {self.machine.owner}" if self.machine.owner else ""
        title = [styled(self.name, size=14, bold=True)] + ([styled(owner, size=9, colour=GREY)] if owner else [])
        rules = [r for r in self.machine.rules if not _targets(r.body, self.actions)]
        label = self._heading(title, "in every state, before anything else", rules)
        cluster.attr(style="rounded", color=FAINT, penwidth="1", margin="14", label=label, labeljust="l")
        if not regions:
            cluster.node(f"{self.key}.empty", label=table([row([styled("no states", size=9, colour=GREY)])]))
        for number, region in enumerate(regions):
            inner = Digraph(f"cluster_{self.key}_{number}")
            own = [r for r in region.rules if not _targets(r.body, self.actions)]
            title = [styled(region.name, size=11, bold=True, colour=GREY)] if region.name else []
            inner.attr(label="", style="rounded,dashed" if region.name else "invis", color=FAINT, margin="12")
            if title:
                inner.attr(label=self._heading(title, "in every state of this region", own), labeljust="l")
            self._region(inner, number, region)
            cluster.subgraph(inner)
        self.whole.subgraph(cluster)
        return self.looks

    def _heading(self, title: list[str], told: str, rules: list[s.Rule]) -> str:
        """The label of a cluster: its name and, in a box, the rules that hold in all its states."""
        rows = [row(title, pad=3)]
        if rules:
            boxed = [row([styled(told, size=9, colour=GREY, bold=True)], pad=4), "<HR/>"]
            boxed += [line for r in rules for line in self._rule(r, WIDE)]
            box = table(boxed, attributes=f'BORDER="1" COLOR="{FAINT}" BGCOLOR="{TINT}"')[1:-1]
            rows.append(f'<TR><TD ALIGN="LEFT" CELLPADDING="4">{box}</TD></TR>')
        return table(rows)

    def _region(self, inner: Digraph, number: int, region: s.Region) -> None:
        key = f"{self.key}.{number}"
        names = {state.name for state in region.states}
        for state in region.states:
            node = self.nodes[number, state.name]
            inner.node(node, label=self._state(state), tooltip=state.name)
            if state.initial:
                inner.node(f"{key}.initial", label="", shape="point", width="0.13", color=INK)
                inner.edge(f"{key}.initial", node, color=INK)
        for state in region.states:
            for rule in state.rules:
                for target, sometimes in _led(rule, self.actions):
                    if target in names and target != state.name:
                        ends = self.nodes[number, state.name], self.nodes[number, target]
                        self._arrow(inner, ends, rule, sometimes=sometimes)
        everywhere = [
            (rule, self.nodes[number, target], sometimes)
            for rule in (*self.machine.rules, *region.rules)
            for target, sometimes in _led(rule, self.actions)
            if target in names
        ]
        if everywhere:
            text = table([row([styled("any state", size=9, colour=GREY)], align="CENTER", pad=3)])
            inner.node(f"{key}.any", label=text, shape="ellipse", style="dashed", color=GREY, margin="0.02,0.0")
        for rule, target, sometimes in everywhere:
            self._arrow(inner, (f"{key}.any", target), rule, sometimes=sometimes)

    def _state(self, state: s.State) -> str:
        rows = [row([styled(state.name, size=12, bold=True)], align="CENTER", pad=5)]
        if state.entry:
            text = f"entry / {shortened(phrases.block(state.entry), LONGEST)}"
            rows += ["<HR/>", row(lines(text, WIDE, size=9), pad=4), *_clauses(state.entry_citations, WIDE)]
        listed = [line for r in state.rules for line in self._listed(r, state)]
        if listed:
            rows += ["<HR/>", *listed, _GAP]
        border = "2" if state.initial else "1"
        return table(rows, attributes=f'STYLE="ROUNDED" BORDER="{border}" COLOR="{INK}" BGCOLOR="{PAPER}"')

    def _listed(self, rule: s.Rule, state: s.State) -> list[str]:
        """A rule that leads nowhere, or back to its state, is listed there."""
        targets = _targets(rule.body, self.actions)
        if state.name in targets:
            return self._rule(rule, WIDE, "enters the state again")
        return [] if targets else self._rule(rule, WIDE)

    def _rule(self, rule: s.Rule, width: int, remark: str = "") -> list[str]:
        """A rule's rows: its event, its guard, what it does, its clauses."""
        look = self._look(rule)
        if look not in self.looks:
            self.looks.append(look)
        event, guard = _event(rule), "" if rule.guard is None else phrases.expression(rule.guard)
        guard = shortened(guard, LONGEST)
        if event:
            shown = lines(event, width, size=9, colour=look.colour, bold=True)
            shown += lines(f"[{guard}]", width, size=9) if guard else []
        else:
            shown = lines(f"when {guard}", width, size=9, colour=look.colour, bold=True)
        shown += lines(f"/ {_effect(rule.body)}", width + 3, size=8.5) if _effect(rule.body) else []
        shown += lines(f"({remark})", width, size=8.5, colour=GREY) if remark else []
        return [_GAP, row(shown, pad=2), *_clauses(rule.citations, width)]

    def _look(self, rule: s.Rule) -> _Look:
        if rule.timer:
            return TIMEOUT
        if not rule.event:
            return WHEN
        return EVENT if rule.event in BUILT_IN_EVENTS or rule.event in self.signals else MESSAGE

    def _arrow(self, into: Digraph, ends: tuple[str, str], rule: s.Rule, *, sometimes: bool) -> None:
        """An arrow through its label, which is a node: so it stays within its cluster, and nothing is drawn over it.

        An arrow to an earlier state is laid out the other way round, so that states stand in the order of the text.
        """
        look = self._look(rule)
        order = list(self.nodes.values())
        back = ends[0] in order and order.index(ends[0]) > order.index(ends[1])
        self.count += 1
        middle = f"{self.key}.rule{self.count}"
        into.node(middle, label=table([*self._rule(rule, NARROW, "in some cases" if sometimes else "")]))
        drawn = {"color": look.colour, "style": look.line, "penwidth": "1.6" if look is WHEN else "1.2"}
        if back:
            into.edge(ends[1], middle, dir="back", arrowtail=look.head, **drawn)
            into.edge(middle, ends[0], dir="none", **drawn)
        else:
            into.edge(ends[0], middle, dir="none", **drawn)
            into.edge(middle, ends[1], arrowhead=look.head, **drawn)


_GAP = '<TR><TD HEIGHT="3"></TD></TR>'


def _plain(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z_]", "_", name)


def _event(rule: s.Rule) -> str:
    """What a rule waits for, "" for ``when``."""
    if rule.timer:
        return f"timeout {rule.timer}"
    of = f" of {rule.port}" if rule.port else ""
    binder = f" {rule.binder}" if rule.binder else ""
    return f"{rule.event}{binder}{of}"


def _effect(body: s.Block) -> str:
    """What a rule does besides going elsewhere, as many of its statements as are short together; "ignore": nothing."""
    if not body:
        return "ignore"
    rest = body[:-1] if isinstance(body[-1], s.Goto) else body
    shown = ""
    for number, each in enumerate(rest):
        text = phrases.statement(each)
        if isinstance(each, s.SendStatement) and len(shown) + len(text) > SHORT:
            text = f"send {each.message} {{ … }}"
        if number and len(shown) + len(text) > SHORT:
            return f"{shown}; …"
        shown = f"{shown}; {text}" if number else shortened(text, SHORT)
    return shown


def _clauses(citations: Iterable[s.Cite], width: int) -> list[str]:
    """Clauses as rows, small; what is unverified is marked."""
    shown: list[str] = []
    for cited in citations:
        mark = "" if cited.verified else " ?"
        shown += lines(f"{cited.reference} {cited.clause}{mark}", width + 6, size=7.5, colour=GREY)
    return [row(shown, pad=2)] if shown else []


def _cited(machine: s.Machine) -> Iterator[s.Cite]:
    for rule in machine.rules:
        yield from rule.citations
    for region in machine.regions:
        for rule in region.rules:
            yield from rule.citations
        for state in region.states:
            yield from state.entry_citations
            for rule in state.rules:
                yield from rule.citations


def _led(rule: s.Rule, actions: dict[str, s.Block]) -> Iterator[tuple[str, bool]]:
    """Where a rule may lead, each target once, and whether it may also lead elsewhere."""
    ways = _ways(rule.body, actions, frozenset())
    several = len(set(ways)) > 1
    for target in dict.fromkeys(ways):
        if target:
            yield target, several


def _targets(body: s.Block, actions: dict[str, s.Block]) -> set[str]:
    return {way for way in _ways(body, actions, frozenset()) if way}


def _ways(body: s.Block, actions: dict[str, s.Block], inside: frozenset[str]) -> list[str]:
    """Where each way through a block leads: a state, or "" for no goto. A goto stands last, so the last statement decides."""
    if not body:
        return [""]
    match body[-1]:
        case s.Goto(_, state):
            return [state]
        case s.IfStatement(_, _, then, otherwise):
            return _ways(then, actions, inside) + _ways(otherwise, actions, inside)
        case s.EitherStatement(_, branches):
            return [way for b in branches for way in _ways(b, actions, inside)]
        case s.ChooseStatement(_, _, _, _, inner):
            return _ways(inner, actions, inside)
        case s.ActionCall(_, s.Name(_, name) | s.Call(_, s.Name(_, name), _)) if name in actions and name not in inside:
            return _ways(actions[name], actions, inside | {name})
        case _:
            return [""]
