"""Steps as actions: one for each, with a remark that tells the rules; reactions that run at once as functions of states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.export.paths import NotExported, chooses
from verify.export.tla.bodies import Body, Part, after, guard, updated
from verify.export.tla.bounds import Bounds
from verify.export.tla.lanes import Lanes
from verify.export.tla.layout import Lines, both, bulleted, hanging, is_remark, letting, listed, spread
from verify.export.tla.names import TRUTH, Names, plain, quoted
from verify.export.tla.states import EVENTS, LANE, TIMER, VARIABLE, Message, Place, Values
from verify.export.tla.terms import COMPARED, Term, Terms, truth
from verify.system.expression import Operator, conjuncts
from verify.system.statement import Assign, Block, Clear, Duplicate, Send, Start, Stop, statements
from verify.system.system import Step, StepKind, System, Take, Taking


@dataclass(slots=True)
class Acting(Body):
    """The body of a step: its ends give the variables of the module their next values."""

    changing: tuple[str, ...] = ()  # the variables that some way through it changes
    atomic: bool = False

    def end(self, part: Part, values: Values) -> Lines:
        """The next values; those that stay are named."""
        changed = updated(values, values.stored)
        if self.atomic:
            return self.joined(part, become(self.changing, changed))
        items = [after(name, "", changed[name], f"{name}' = ") for name in self.changing if name in changed]
        same = [name for name in self.changing if name not in changed]
        if same:
            items.append(unchanged(same))
        return self.joined(part, listed(items))


@dataclass(slots=True)
class Reacting(Body):
    """The body of a reaction that runs within other steps: the state that it makes of the state ``s``."""

    def joined(self, part: Part, last: Lines) -> Lines:
        """What has to be so comes first."""
        remarks = [line for item in part.items if is_remark(item) for line in item]
        demands = [item for item in part.items if not is_remark(item)]
        if demands:
            last = [*hanging("IF ", listed(demands)), *hanging("THEN ", last), "ELSE s"]
        return [*remarks, *letting(part.named, last)]

    def end(self, part: Part, values: Values) -> Lines:
        """The state that is reached."""
        parts = [
            f"!.{name}{text[1:]}" if text.startswith("!.") else f"!.{name} = {text}"
            for name, texts in updated(values, values.stored).items()
            for text in texts
        ]
        return self.joined(part, spread("[s EXCEPT ", parts, "]") if parts else ["s"])


def become(variables: Sequence[str], changed: dict[str, list[str]]) -> Lines:
    """The state that a step makes, on which the reactions run."""
    parts = [
        " ".join(x.strip() for x in after(v, "", changed[v], f"{v} |-> ")) if v in changed else f"{v} |-> {v}"
        for v in variables
    ]
    return spread("Become([", parts, "])")


def unchanged(variables: Sequence[str]) -> Lines:
    """That variables stay as they are."""
    return spread("UNCHANGED <<", variables, ">>") if len(variables) > 1 else [f"UNCHANGED {variables[0]}"]


class Steps:
    """The actions of a system."""

    def __init__(  # noqa: PLR0913 - what all of them share
        self, system: System, names: Names, terms: Terms, lanes: Lanes, events: frozenset[int], variables: tuple[str, ...]
    ) -> None:
        self.system = system
        self.names = names
        self.terms = terms
        self.lanes = lanes
        self.events = events
        self.variables = variables
        self.urgent: dict[str, None] = {}

    # ---- one step

    def action(self, step: Step, name: str, watch: Sequence[str]) -> Lines:
        """The definition of the action of a step."""
        values = Values(self.system, self.names)
        if "occurred" in self.variables:
            values.stored[EVENTS] = Term("{}")
        changing = self._changing(step)
        given = frozenset(conjuncts(step.guard))
        body = Acting(self.system, self.names, self.terms, self.lanes, self.events, given)
        body.changing, body.atomic = changing, self.system.atomic
        lines = self._free(step, body, values) if step.take is None else self._taking(step, step.take, body, values)
        same = [v for v in self.variables if v not in changing]
        for more in ([unchanged(same)] if same else []) + [[line] for line in watch]:
            lines = then(lines, more)
        return [f"\\* {step.kind.value}: {plain(step.name)}", f"{name} ==", *(f"  {line}" for line in lines), ""]

    def _free(self, step: Step, body: Body, values: Values) -> Lines:
        """A step that takes no message."""
        allowed = self.terms.holds(step.guard, values)
        urgent = self.terms.joined(Operator.AND, [allowed, self.terms.holds(step.urgent, values)])
        if urgent.value != 0:
            self.urgent[urgent.text] = None
        return both(_conjunct(allowed), body.formula(step.body, values))

    def _taking(self, step: Step, take: Take, body: Body, values: Values) -> Lines:
        """A step that takes a message: for each that it can take."""
        lane, held = take.lane, self.names.lanes[take.lane]
        described = self.system.lanes[lane]
        delivers, bag = take.taking is Taking.DELIVER, self.lanes.bag(lane)
        values.message = Message(self.system, self.names, self.lanes.sent[lane], "msg")
        body.fields, body.taken = self._fields(lane), "at"
        allowed = self.terms.holds(step.guard, values)
        ripe = [[f"msg.age >= {described.minimum}"]] if delivers and described.minimum else []
        if bag:
            less, some, named = f"({held} (-) SetToBag({{msg}}))", [f"\\E msg \\in DOMAIN {held} :"], []
        elif delivers:
            less, some, named = f"Tail({held})", [], [f"LET msg == Head({held}) IN"]
        else:
            less, some, named = f"Without({held}, at)", [f"\\E at \\in DOMAIN {held} :"], [f"LET msg == {held}[at] IN"]
        self._note(step, take)
        if take.taking is not Taking.COPY:
            values.stored[LANE, lane] = Term(less)
        rest = both([*ripe, *_conjunct(allowed)], body.formula(step.body, values))
        head = " ".join((*some, *(named if any(re.search(r"\bmsg\b", line) for line in rest) else [])))
        whole = [head, *hanging("  ", rest)] if head else rest
        return both([[f"{held} # <<>>"]], whole) if delivers and not bag else whole

    def _note(self, step: Step, take: Take) -> None:
        """Where a step is urgent for a message that it can take."""
        described, held = self.system.lanes[take.lane], self.names.lanes[take.lane]
        delivers, bag = take.taking is Taking.DELIVER, self.lanes.bag(take.lane)
        here = f"Head({held})" if delivers and not bag else "msg" if bag else f"{held}[at]"
        values = Values(self.system, self.names)
        always = self.terms.holds(step.urgent, values)
        values.message = Message(self.system, self.names, self.lanes.sent[take.lane], here)
        allowed = self.terms.holds(step.guard, values)
        due = aged(here, described.maximum) if delivers else truth(value=False)
        ripe = aged(here, described.minimum) if delivers and always.value != 0 else truth(value=True)
        whole = self.terms.joined(Operator.AND, [ripe, self.terms.joined(Operator.OR, [always, due]), allowed])
        if whole.value == 0:
            return
        if delivers and not bag:
            some = Term(f"{held} # <<>>", TRUTH, COMPARED)
            self.urgent[self.terms.joined(Operator.AND, [some, whole]).text] = None
        else:
            name = "msg" if bag else "at"
            self.urgent[f"\\E {name} \\in DOMAIN {held} : {whole.text}"] = None

    def _fields(self, lane: int) -> dict[int, Bounds]:
        """What the fields of the messages in a lane are at least and at most."""
        kinds = [self.system.messages[k].fields for k in self.lanes.sent[lane]]
        found: dict[int, Bounds] = {}
        for slot in range(1, 1 + max((len(k) for k in kinds), default=0)):
            domains = [k[slot - 1].domain if slot <= len(k) else None for k in kinds]
            lows = [0 if d is None else d.low for d in domains]
            highs = [0 if d is None else d.high for d in domains]
            found[slot] = (min(lows), max(highs))
        return found

    def _changing(self, step: Step) -> tuple[str, ...]:
        if self.system.atomic:
            return self.variables
        places = set(_stored(step.body))
        if step.take is not None and step.take.taking is not Taking.COPY:
            places.add((LANE, step.take.lane))
        if "occurred" in self.variables:
            places.add(EVENTS)
        names = {self._owner(place) for place in places}
        return tuple(v for v in self.variables if v in names)

    def _owner(self, place: Place) -> str:
        match place:
            case ("variable", index):
                return self.names.variables[index][0]
            case ("timer", index):
                return self.names.timers[index][0]
            case ("lane", index):
                return self.names.lanes[index]
            case _:
                return "occurred"

    # ---- time

    def tick(self, watch: Sequence[str]) -> Lines:
        """Time passes, unless something is urgent."""
        changed: dict[str, list[str]] = {}
        for group, field in self.names.timers:
            changed.setdefault(group, []).append(f"!.{field} = Down(@)")
        for number, lane in enumerate(self.system.lanes):
            if lane.maximum:
                held = self.names.lanes[number]
                changed[held] = [f"{'OlderBag' if self.lanes.bag(number) else 'Older'}({held}, {lane.maximum})"]
        if "occurred" in self.variables:
            changed["occurred"] = ["{}"]
        items = [["~Urgent"]] if self.urgent else []
        if self.system.atomic:
            items.append(become(self.variables, changed))
        else:
            items += [after(v, "", changed[v], f"{v}' = ") for v in self.variables if v in changed]
            same = [v for v in self.variables if v not in changed]
            items += [unchanged(same)] if same else []
        items += [[line] for line in watch]
        lines = ["\\* time passes", "Tick ==", *(f"  {line}" for line in listed(items)), ""]
        if self.urgent:
            urgent = [f"  \\/ {text}" for text in self.urgent]
            lines = ["\\* what time waits for", "Urgent ==", *urgent, "", *lines]
        return lines

    # ---- reactions within other steps

    def reactions(self) -> Lines:
        """Atomic reactions: each unit runs its first enabled one until it has none, all units until none has any."""
        lines: Lines = []
        quiet: list[str] = []
        whole = "s"
        for unit, name in enumerate(self.system.units):
            mine = [s for s in self.system.steps if s.kind is StepKind.REACTION and s.unit == unit]
            if not mine:
                continue
            settles = self.names.action(f"Settles {name}")
            lines += self._unit(mine, settles, name, quiet)
            whole = f"{settles}({whole}, {{}})"
        lines += ["\\* nothing reacts any more", "Quiet(s) ==", *(f"  /\\ ~({text})" for text in quiet or ["FALSE"]), ""]
        lines += [
            "\\* all units, until there is quiet",
            "RECURSIVE Settled(_, _)",
            "Settled(s, seen) ==",
            "  IF Quiet(s)",
            "  THEN s",
            '  ELSE IF Assert(s \\notin seen, "an urgent livelock of the units together")',
            f"  THEN Settled({whole}, seen \\cup {{s}})",
            "  ELSE s",
            "",
            "\\* the next state: this one, when all have reacted to it",
            "Become(before) ==",
            "  \\E s \\in {Settled(before, {})} :",
            *(f"    /\\ {v}' = s.{v}" for v in self.variables),
            "",
        ]
        return lines

    def _unit(self, reactions: Sequence[Step], settles: str, name: str, quiet: list[str]) -> Lines:
        lines: Lines = []
        state = Values(self.system, self.names, "s.")
        chain: Lines = []
        for step in reactions:
            if any(chooses(statement) for statement in step.body):
                raise NotExported("choices within atomic reactions")
            made = self.names.action(step.name)
            body = Reacting(self.system, self.names, self.terms, self.lanes, self.events, frozenset(conjuncts(step.guard)))
            formula = body.formula(step.body, Values(self.system, self.names, "s."))
            lines += [f"\\* reaction: {plain(step.name)}", f"{made}(s) ==", *(f"  {line}" for line in formula), ""]
            allowed = self.terms.holds(step.guard, state).text
            quiet.append(allowed)
            chain += [f"IF {allowed}", f"THEN {settles}({made}(s), seen \\cup {{s}})"]
        first, *rest = chain
        steps = [first, *(f"ELSE {line}" if line.startswith("IF ") else line for line in rest)]
        livelock = quoted(f"an urgent livelock of {name}")
        return [
            *lines,
            f"\\* {plain(name)} runs its first reaction that can run, until none can",
            f"RECURSIVE {settles}(_, _)",
            f"{settles}(s, seen) ==",
            f"  IF ~Assert(s \\notin seen, {livelock})",
            "  THEN s",
            f"  ELSE {steps[0]}",
            *(f"  {line}" for line in steps[1:]),
            "  ELSE s",
            "",
        ]


def aged(message: str, ticks: int) -> Term:
    """Whether a message has an age at least."""
    return Term(f"{message}.age >= {ticks}", TRUTH, COMPARED) if ticks else truth(value=True)


def then(lines: Lines, more: Lines) -> Lines:
    """One more conjunct behind others."""
    return [*(lines if bulleted(lines) else hanging("/\\ ", lines)), *hanging("/\\ ", more)]


def _conjunct(condition: Term) -> list[Lines]:
    """A guard, unless there is none."""
    return [] if condition.value else [[guard(part)] for part in condition.parts or (condition,)]


def _stored(block: Block) -> Iterable[Place]:
    for statement in statements(block):
        match statement:
            case Assign(variable):
                yield (VARIABLE, variable)
            case Start(timer) | Stop(timer):
                yield (TIMER, timer)
            case Send(lane) | Duplicate(lane) | Clear(lane):
                yield (LANE, lane)
            case _:
                pass


__all__ = ["Steps"]
