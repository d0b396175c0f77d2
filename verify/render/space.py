"""State graphs: what a scenario reaches. Each state where they are few; where they are many, what the machines are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verify.base.budget import Budget
from verify.base.diagnostic import InputError, error
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.engines.explicit.engine import ExplicitEngine
from verify.engines.explicit.graph import Graph, explore
from verify.judge.judge import Ruling, failure_text, judge
from verify.passes.valuations import close, close_property, valuations
from verify.render.labels import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PAPER,
    PURPLE,
    RED,
    TINT,
    clean,
    lines,
    row,
    shortened,
    styled,
    table,
)
from verify.render.layout import new_graph
from verify.semantics.interpreter import TICK, Interpreter, State
from verify.system.display import show_time, show_value
from verify.system.property import Possible, Property
from verify.system.system import Instance, StepKind, System
from verify.trace.differences import show_message
from verify.trace.trace import Run

if TYPE_CHECKING:
    from graphviz import Digraph

MOST_NODES, MOST_ARROWS = 300, 1500  # what can be laid out, and looked at
NAMES, DETAILS = 5, 9  # lines beside an arrow, and in a state, before "more"
WIDE = 34

COLOURS = {
    StepKind.DELIVERY: BLUE,
    StepKind.TIMEOUT: RED,
    StepKind.REACTION: GREEN,
    StepKind.ENVIRONMENT: PURPLE,
}
PLURALS = {
    "delivery": "deliveries",
    "timeout": "timeouts",
    "reaction": "reactions",
    "environment": "environment steps",
}


@record
class Survey:
    """What there is to draw. ``ruling``: on ``asked``, whose trace is marked; None: on none. ``values``: of open parameters."""

    graph: Graph
    asked: Property | None = None
    ruling: Ruling | None = None
    values: str = ""

    @property
    def run(self) -> Run | None:
        """The run to mark."""
        return None if self.ruling is None else self.ruling.run


Control = tuple[tuple[str, tuple[str, ...]], ...]
Key = int | str | Control  # the number of a state, the text of an error, or what the machines are in


@dataclass(slots=True)
class _Node:
    """A box: one state, or all those with equal control states. ``inside``: kinds of the steps that stay in it."""

    rows: list[str]
    states: list[int] = field(default_factory=list)
    inside: Counter[str] = field(default_factory=Counter)
    stuck: int = 0


@dataclass(slots=True)
class _Arrow:
    """``names``: of the steps, with their kinds; None: time. ``numbers``: where the marked path takes it."""

    names: dict[str, StepKind | None] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Drawing:
    """A graph before its layout. Nodes by the number of a state or by a class; arrows by tail, head and length in ticks."""

    whole: bool
    nodes: dict[Key, _Node] = field(default_factory=dict)
    arrows: dict[tuple[Key, Key, int], _Arrow] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    roots: list[Key] = field(default_factory=list)
    path: list[Key] = field(default_factory=list)
    again: int = 0

    @property
    def counts(self) -> list[int]:
        """How many states stand in each node."""
        return [len(n.states) for n in self.nodes.values()]


def survey(system: System, properties: Sequence[Property], asked: str, budget: Budget) -> Survey:
    """Explore a scenario and look for a trace to mark: of the property that is asked for, or of the first that is violated."""
    if not system.parameters:
        return _surveyed(system, properties, asked, budget, "")
    known = valuations(system)
    if not known.all:
        raise InputError([error("E708", "open parameters: there are too many values, or none, to draw for")])
    every: list[Survey] = []
    for values in known.all:
        pairs = zip(system.parameters, values, strict=True)
        named = ", ".join(f"{p.name} = {show_value(v, p.domain, system)}" for p, v in pairs)
        closed = [close_property(p, values) for p in properties]
        found = _surveyed(close(system, values), closed, asked, budget, named)
        if found.ruling is not None and found.ruling.verdict is Verdict.VIOLATED:
            return found
        every = every or [found]
    return every[0]


def _surveyed(system: System, properties: Sequence[Property], asked: str, budget: Budget, values: str) -> Survey:
    graph = explore(Interpreter(system), budget)
    wanted = [p for p in properties if asked in ("", p.name)]
    claims = ExplicitEngine().claims(graph, wanted)
    rulings = [(p, judge(system, p, claim)) for p, claim in zip(wanted, claims, strict=True)]
    if asked:
        return Survey(graph, *rulings[0], values)
    for verdict in (Verdict.VIOLATED, Verdict.INVALID):
        for one, ruling in rulings:
            if ruling.verdict is verdict and ruling.run is not None:
                return Survey(graph, one, ruling, values)
    return Survey(graph, None, None, values)


def picture(found: Survey, most: int = 60) -> Digraph:
    """The graph of states, or of control states where there are more than ``most``; InputError if that is too large, too."""
    drawing = lay_out(found, most)
    if len(drawing.nodes) > max(MOST_NODES, most) or len(drawing.arrows) > MOST_ARROWS:
        told = f"{len(drawing.nodes):,} boxes and {len(drawing.arrows):,} arrows are too many to draw"
        raise InputError([error("E813", told, help="draw a scenario with fewer machines, or verify show")])
    return _Picture(found, drawing).draw()


def lay_out(found: Survey, most: int) -> Drawing:
    """What stands where: the whole graph if it has at most ``most`` nodes once ticks in a row are folded, else the quotient."""
    small = len(found.graph.states) <= 50 * max(1, most)
    whole = _whole(found) if small else None
    drawing = whole if whole is not None and len(whole.nodes) <= most else _quotient(found)
    changing = _changing(found.graph) if drawing.whole else set()
    failing = {x for x, _, _ in found.graph.failures}
    for node in drawing.nodes.values():
        stuck = (x for x in node.states if x < found.graph.expanded and not found.graph.edges(x) and x not in failing)
        node.stuck = sum(1 for _ in stuck)
        if drawing.whole:
            node.rows = _state_rows(found.graph, node.states[0], changing)
    _failures(found.graph, drawing)
    _mark(found, drawing)
    return drawing


# ---- each state


def _whole(found: Survey) -> Drawing:
    graph = found.graph
    folded = _folded(found)
    drawing = Drawing(whole=True)
    kept = [x for x in range(len(graph.states)) if x not in folded]
    drawing.nodes = {x: _Node([], [x]) for x in kept}
    drawing.roots = list(range(len(graph.roots)))
    for tail in kept:
        for edge in graph.edges(tail):
            head, ticks = graph.target[edge], int(graph.is_tick(edge))
            if ticks:
                while head in folded:
                    head, ticks = graph.target[graph.first[head]], ticks + 1
            arrow = drawing.arrows.setdefault((tail, head, ticks), _Arrow())
            name, kind = _step(graph, graph.choices[graph.choice[edge]].step)
            arrow.names[show_time(ticks, graph.interpreter.system) if ticks else name] = kind
    return drawing


def _folded(found: Survey) -> set[int]:
    """The states between two ticks: one way in, one way out, nothing else to tell of them."""
    graph = found.graph
    entered = Counter(graph.target)
    by_tick = {graph.target[e] for e in range(len(graph.target)) if graph.is_tick(e)}
    special = set(range(len(graph.roots))) | {x for x, _, _ in graph.failures}
    if found.run is not None:
        number = {state: x for x, state in enumerate(graph.states)}
        ends = [o.state for o in found.run.outcomes if o.state is not None]
        special.add(number[ends[-1]])
        if found.run.trace.loop is not None:
            special.add(number[ends[found.run.trace.loop]])
    return {
        x
        for x in range(graph.expanded)
        if entered[x] == 1
        and x in by_tick
        and x not in special
        and len(graph.edges(x)) == 1
        and graph.is_tick(graph.first[x])
        and graph.target[graph.first[x]] != x
    }


def _changing(graph: Graph) -> set[int]:
    """The variables, control states aside, that are not the same in all states."""
    system = graph.interpreter.system
    hidden = {r.variable for i in system.instances for r in i.regions} | {i.alive for i in system.instances}
    first = graph.states[0] if graph.states else ()
    return {
        at for at in range(len(system.variables)) if at not in hidden and any(x[at] != first[at] for x in graph.states)
    }


def _state_rows(graph: Graph, number: int, changing: set[int]) -> list[str]:
    system, state = graph.interpreter.system, graph.states[number]
    details = _details(system, state, changing)
    more = len(details) - DETAILS
    shown = [line for text in details[:DETAILS] for line in lines(shortened(text, 80), WIDE, size=8, colour=GREY)]
    if more > 0:
        shown.append(styled(f"… and {more} more", size=8, colour=GREY))
    return _control_rows(_control(system, state)) + ([row(shown, pad=3)] if shown else [])


def _details(system: System, state: State, changing: set[int]) -> list[str]:
    """Variables that ever change, timers that run, messages under way."""
    told = [
        f"{v.name} = {show_value(state[at], v.domain, system)}"
        for at, v in enumerate(system.variables)
        if at in changing
    ]
    start = len(system.variables)
    for timer, value in zip(system.timers, state[start:], strict=False):
        if value >= 0:
            told.append(f"{timer.name}: {show_time(value, system) if value else 'expired'}")
    start += len(system.timers)
    for lane, held in zip(system.lanes, state[start:], strict=True):
        for message in held:
            age = f", {show_time(message[0], system)} old" if message[0] else ""
            told.append(f"{lane.name}: {show_message(message[1:], system)}{age}")
    return told


# ---- control states


def _quotient(found: Survey) -> Drawing:
    graph = found.graph
    system = graph.interpreter.system
    drawing = Drawing(whole=False)
    telling = sorted(
        {r.variable for i in system.instances for r in i.regions}
        | {i.alive for i in system.instances if i.alive is not None}
    )
    known: dict[tuple[int, ...], Control] = {}
    classes: list[Control] = []
    for state in graph.states:
        short = tuple(state[at] for at in telling)
        if short not in known:
            known[short] = _control(system, state)
        classes.append(known[short])
    for x, control in enumerate(classes):
        if control not in drawing.nodes:
            drawing.nodes[control] = _Node(_control_rows(control))
        drawing.nodes[control].states.append(x)
    drawing.roots = list(dict.fromkeys(classes[x] for x in range(len(graph.roots))))
    seen: set[tuple[Key, Key, int]] = set()
    for tail in range(graph.expanded):
        for edge in graph.edges(tail):
            step = graph.choices[graph.choice[edge]].step
            ends = classes[tail], classes[graph.target[edge]]
            if (*ends, step) in seen:
                continue
            seen.add((*ends, step))
            name, kind = _step(graph, step)
            if ends[0] == ends[1]:
                drawing.nodes[ends[0]].inside["time" if kind is None else kind.value] += 1
            else:
                drawing.arrows.setdefault((*ends, 0), _Arrow()).names[name] = kind
    return drawing


def _control(system: System, state: State) -> Control:
    """What each machine that has states or can be down is in."""
    return tuple((i.name, _where(system, i, state)) for i in system.instances if i.regions or i.alive is not None)


def _where(system: System, instance: Instance, state: State) -> tuple[str, ...]:
    top = instance
    while top.alive is None and top.parent is not None:
        top = system.instances[top.parent]
    if top.alive is not None and not state[top.alive]:
        return ("down",)
    named = len(instance.regions) > 1
    shown: list[str] = []
    for region in instance.regions:
        at = show_value(state[region.variable], system.variables[region.variable].domain, system)
        shown.append(f"{region.name} {at}" if named else at)
    return tuple(shown) or ("up",)


def _control_rows(control: Control) -> list[str]:
    cells: list[str] = []
    for name, states in control:
        title = row([styled(name, size=9.5, colour=GREY)], align="RIGHT", pad=2)
        where = [styled(x, size=9.5, bold=True, colour=GREY if x == "down" else INK) for x in states]
        cells.append(title.removesuffix("</TR>") + row(where, pad=2).removeprefix("<TR>"))
    if not cells:
        return [row([styled("no machine has states", size=9, colour=GREY)], pad=4)]
    inner = "".join(cells)
    return [f'<TR><TD><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0">{inner}</TABLE></TD></TR>']


# ---- errors, and the path


def _step(graph: Graph, step: int) -> tuple[str, StepKind | None]:
    if step == TICK:
        return "time passes", None
    known = graph.interpreter.system.steps[step]
    return known.name, known.kind


def _place(drawing: Drawing, graph: Graph, state: int) -> Key:
    return state if drawing.whole else _control(graph.interpreter.system, graph.states[state])


def _failures(graph: Graph, drawing: Drawing) -> None:
    for state, choice, failed in graph.failures:
        text = failure_text(failed)
        if text not in drawing.errors:
            drawing.errors.append(text)
        if state < 0:
            continue
        name, kind = _step(graph, choice.step)
        arrow = drawing.arrows.setdefault((_place(drawing, graph, state), text, 0), _Arrow())
        arrow.names[name] = kind


def _mark(found: Survey, drawing: Drawing) -> None:
    """Number the arrows of the run, in its order; steps within a box have no number."""
    run = found.run
    if run is None:
        return
    number = {state: x for x, state in enumerate(found.graph.states)}
    at: Key = ""
    taken = ticks = 0
    for index, outcome in enumerate(run.outcomes):
        after: Key
        if outcome.state is not None:
            after = _place(drawing, found.graph, number[outcome.state])
            ticks = ticks + 1 if drawing.whole and outcome.choice.step == TICK else 0
            if after not in drawing.nodes:
                continue  # a state that is folded away
        else:
            after, ticks = "" if outcome.failed is None else failure_text(outcome.failed), 0
        arrow = drawing.arrows.get((at, after, ticks))
        if index and arrow is not None:
            taken += 1
            arrow.numbers.append(taken)
            if not ticks:
                name, kind = _step(found.graph, outcome.choice.step)
                arrow.names = {name: kind, **arrow.names}
        if run.trace.loop == index:
            drawing.again = taken + 1
        if not drawing.path or drawing.path[-1] != after:
            drawing.path.append(after)
        at, ticks = after, 0


# ---- the picture


class _Picture:
    def __init__(self, found: Survey, drawing: Drawing) -> None:
        self.found, self.drawing = found, drawing
        self.system = found.graph.interpreter.system
        self.ids: dict[Key, str] = {key: f"n{number}" for number, key in enumerate(drawing.nodes)}
        self.ids.update({text: f"error{number}" for number, text in enumerate(drawing.errors)})
        self.whole = new_graph(rankdir="TB", nodesep="0.3", ranksep="0.3")
        self.kinds: set[StepKind | None] = set()

    def draw(self) -> Digraph:
        whole, drawing = self.whole, self.drawing
        for number, root in enumerate(drawing.roots):
            whole.node(f"initial{number}", label="", shape="point", width="0.14", color=INK)
            whole.edge(f"initial{number}", self.ids[root], color=INK)
        for key, node in drawing.nodes.items():
            whole.node(self.ids[key], label=self.box(key, node))
        for text in drawing.errors:
            rows = [row(lines(f"error: {text}", WIDE, size=9, bold=True), align="CENTER", pad=5)]
            label = table(rows, attributes=f'BORDER="3" COLOR="{RED}" BGCOLOR="{PAPER}"')
            whole.node(self.ids[text], label=label)
        order = {key: number for number, key in enumerate([*drawing.nodes, *drawing.errors])}
        for number, ((tail, head, ticks), arrow) in enumerate(drawing.arrows.items()):
            back = order[tail] > order[head]
            self.arrow(f"a{number}", (self.ids[tail], self.ids[head]), arrow, ticks=ticks, back=back)
        whole.attr(label=self.caption(), labelloc="t", labeljust="l")
        return whole

    def box(self, key: Key, node: _Node) -> str:
        rows = list(node.rows)
        if not self.drawing.whole:
            rows.append("<HR/>")
            many = len(node.states)
            rows.append(row([styled(f"{many:,} state{'s' if many > 1 else ''}", size=9)], align="CENTER", pad=3))
            if node.inside:
                text = "inside: " + ", ".join(_counted(kind, n) for kind, n in sorted(node.inside.items()))
                rows.append(row(lines(text, WIDE, size=7.5, colour=GREY), pad=3))
        if node.stuck:
            text = "nothing follows" if self.drawing.whole else f"nothing follows {node.stuck:,} of them"
            rows.append(row([styled(text, size=8, colour=RED, bold=True)], align="CENTER", pad=3))
        if any(x >= self.found.graph.expanded for x in node.states):
            text = "not explored further" if self.drawing.whole else "not all explored"
            rows.append(row([styled(text, size=8, colour=GREY)], align="CENTER", pad=3))
        on_path = key in self.drawing.path
        if on_path and key == self.drawing.path[-1] and self.found.asked is not None:
            rows.append(_badge(self.end()))
        border = "3" if on_path else "1"
        shade = TINT if key in self.drawing.roots else PAPER
        return table(rows, attributes=f'STYLE="ROUNDED" BORDER="{border}" COLOR="{INK}" BGCOLOR="{shade}"')

    def end(self) -> str:
        """What the last box of the path is marked with."""
        asked, ruling = self.found.asked, self.found.ruling
        if asked is None or ruling is None:
            return ""
        if ruling.verdict is Verdict.INVALID:
            return "here the question becomes faulty"
        if isinstance(asked.form, Possible):
            return f"{asked.name} holds here"
        return f"{asked.name} is violated"

    def arrow(self, middle: str, ends: tuple[str, str], arrow: _Arrow, *, ticks: int, back: bool) -> None:
        """An arrow through its label; one that leads back is laid out the other way round."""
        path = bool(arrow.numbers)
        self.kinds |= set(arrow.names.values())
        time = ticks > 0 or set(arrow.names.values()) == {None}
        width = "3" if path else "1"
        colour = INK if path else GREY
        drawn = {"color": colour, "style": "dashed" if time else "solid", "penwidth": width}
        self.whole.node(middle, label=self.beside(arrow))
        tail, head = ends
        if tail == head:
            self.whole.edge(tail, middle, dir="none", **drawn)
            self.whole.edge(tail, middle, dir="back", **drawn)
        elif back:
            self.whole.edge(head, middle, dir="back", **drawn)
            self.whole.edge(middle, tail, dir="none", **drawn)
        else:
            self.whole.edge(tail, middle, dir="none", **drawn)
            self.whole.edge(middle, head, **drawn)

    def beside(self, arrow: _Arrow) -> str:
        names = list(arrow.names.items())
        shown: list[str] = []
        for number, (name, kind) in enumerate(names[:NAMES]):
            colour = GREY if kind is None else COLOURS[kind]
            bold = bool(arrow.numbers) and number == 0
            shown += lines(shortened(clean(name), 70), WIDE, size=8.5, colour=colour, bold=bold)
        if len(names) > NAMES:
            shown.append(styled(f"… and {len(names) - NAMES} more", size=8, colour=GREY))
        beside = row(shown, pad=2)
        if arrow.numbers:
            text = ", ".join(map(str, arrow.numbers[:6])) + (", …" if len(arrow.numbers) > 6 else "")
            badge = row([styled(text, size=9, colour=PAPER, bold=True)], pad=3, attributes=f' BGCOLOR="{INK}"')
            beside = badge.removesuffix("</TR>") + beside.removeprefix("<TR>")
        return table([beside])

    def caption(self) -> str:
        found, graph = self.found, self.found.graph
        told = f"{len(graph.states):,} states, {graph.transitions:,} transitions, depth {graph.depth}"
        rows = [row([styled(self.system.name, size=14, bold=True)], pad=2)]
        small = lines(told, 90, size=9)
        if found.values:
            small += lines(f"for {found.values}", 90, size=9)
        if graph.incomplete:
            small += lines(f"explored in part: {graph.incomplete}", 90, size=9, bold=True)
        what = (
            "one box for each state; ticks in a row are one dashed arrow"
            if self.drawing.whole
            else "one box for all states in which the machines are in the same control states"
        )
        small += lines(what, 90, size=9, colour=GREY)
        rows.append(row(small, pad=2))
        if found.asked is not None and found.ruling is not None:
            rows += [row([line], pad=2) for line in self.verdict(found.asked, found.ruling)]
        legend = [
            styled(f"■ {kind.value}", size=8, colour=colour) for kind, colour in COLOURS.items() if kind in self.kinds
        ]
        legend += [styled("- - time", size=8, colour=GREY)] if None in self.kinds else []
        legend.append(styled("● initial", size=8))
        rows.append(row(["&#160;&#160;&#160;".join(legend)], pad=4))
        return table(rows)

    def verdict(self, asked: Property, ruling: Ruling) -> list[str]:
        shown = lines(f"{asked.name} is {ruling.verdict}", 90, size=10, bold=True)
        shown += lines(shortened(clean(asked.text), 180), 90, size=9)
        if self.drawing.path:
            text = f"its {'witness' if ruling.verdict is Verdict.PROVED else 'path'} is thick and numbered"
            if self.drawing.again:
                text += f"; from {self.drawing.again} on, again and again"
            shown += lines(text, 90, size=9, colour=GREY)
        return shown


def _badge(text: str) -> str:
    """White on black, no wider than it has to be."""
    inner = table([row([styled(text, size=9, colour=PAPER, bold=True)], align="CENTER", pad=2)])
    dark = inner[1:-1].replace("<TABLE ", f'<TABLE STYLE="ROUNDED" BGCOLOR="{INK}" ', 1)
    return f'<TR><TD ALIGN="CENTER" CELLPADDING="3">{dark}</TD></TR>'


def _counted(kind: str, number: int) -> str:
    """``2 deliveries``."""
    if number == 1:
        return kind
    return f"{number} {PLURALS.get(kind, kind)}"
