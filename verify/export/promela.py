"""A closed system in Promela, the language of SPIN: one ``d_step`` for each transition, so that SPIN stores the same states.

G. J. Holzmann, The SPIN Model Checker, Addison-Wesley 2003. Values are stored less the low end of their range, timers plus one
(0 stopped, 1 expired), lanes as a number of messages and the fields of each place, 0 where there is none. SPIN counts one
transition more than we do: the initial state. Where an error ends a run, SPIN meets an assertion that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from verify.base.record import record
from verify.export.paths import MOST, NotExported, chooses, paths
from verify.export.predicates import predicates
from verify.semantics.interpreter import Interpreter
from verify.system.expression import (
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Expression,
    Local,
    Occurred,
    Operator,
    Read,
    Rigid,
    TimerIs,
    TimerStatus,
    events_of,
)
from verify.system.property import Never, NeverLonger, Possible, Property, Safety, Within
from verify.system.statement import (
    Assign,
    Bind,
    Block,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Statement,
    Stop,
    statements,
)
from verify.system.system import Lane, Order, Step, StepKind, System, Taking, WhenFull

LARGEST = 2**31 - 1
LONGEST = 4096  # reactions within one transition; more are a livelock
HEAD = """\
/* {name}, exported by verify {version}. Build and run:
 *   spin -a -o2 FILE && gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -m1000000
 * (-o2: otherwise SPIN leaves variables out of its states that nothing reads, and counts fewer.)
 * SPIN's "states, stored" are our states; "stored" plus "matched" are our transitions plus one, for the initial state.
{check} */
"""
CHECK = """\
 * {what}: spin -a -o2 -DCHECK FILE; an assertion that fails is {meaning}.
"""


def promela(system: System, asked: Property | None, version: str) -> str:
    """The model, and with ``-DCHECK`` the property; NotExported if something in it has no counterpart here."""
    return _Model(system, asked).text(version)


@record
class _Place:
    """A place for a message: the names of its parts."""

    age: str
    kind: str
    fields: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.age, self.kind, *self.fields)


Names = Callable[[int], str]


class _Model:
    def __init__(self, system: System, asked: Property | None) -> None:
        if system.parameters:
            raise NotExported("open parameters: SPIN needs their values")
        if asked is not None and not isinstance(asked.form, Safety):
            raise NotExported("a property of endless runs: SPIN is given what finite runs decide")
        self.system = system
        self.asked = asked
        self.predicates = predicates(None if asked is None else asked.form)
        self.events = sorted(frozenset().union(*map(events_of, self.predicates)))
        self.ways = 0
        (first, *others) = Interpreter(system).initial()
        if others or first.state is None:
            raise NotExported("an error before the first state")
        self.initial = first.state

    # ---- the state

    @cached_property
    def fields(self) -> list[list[tuple[int, int]]]:
        """For each lane and field: the least and the greatest value of all messages that are sent on it; 0 stands for none."""
        sent: list[set[int]] = [set() for _ in self.system.lanes]
        for statement in statements(b for s in self.system.steps for b in s.body):
            if isinstance(statement, Send):
                sent[statement.lane].add(statement.message)
        found = []
        for kinds in sent:
            domains = [[f.domain for f in self.system.messages[k].fields] for k in kinds]
            width = max((len(d) for d in domains), default=0)
            columns = [[d[i] for d in domains if i < len(d)] for i in range(width)]
            found.append([(min(0, *(d.low for d in c)), max(0, *(d.high for d in c))) for c in columns])
        return found

    def places(self, lane: int) -> list[_Place]:
        names = range(len(self.fields[lane]))
        return [
            _Place(f"l{lane}_{p}_a", f"l{lane}_{p}_k", tuple(f"l{lane}_{p}_f{f}" for f in names))
            for p in range(self.system.lanes[lane].capacity)
        ]

    def declarations(self) -> list[str]:
        lines = []
        for i, variable in enumerate(self.system.variables):
            start = self.initial[i] - variable.domain.low
            lines.append(_declared(f"v{i}", variable.domain.high - variable.domain.low, start, variable.name))
        for i, timer in enumerate(self.system.timers):
            start = self.initial[len(self.system.variables) + i] + 1
            lines.append(_declared(f"t{i}", timer.maximum + 1, start, timer.name))
        for i, lane in enumerate(self.system.lanes):
            held = self.initial[len(self.system.variables) + len(self.system.timers) + i]
            lines.append(_declared(f"l{i}_n", lane.capacity, len(held), lane.name))
            for p, place in enumerate(self.places(i)):
                age, kind, *fields = held[p] if p < len(held) else (0, 0)
                lines.append(_declared(place.age, lane.maximum, age))
                lines.append(_declared(place.kind, max(0, len(self.system.messages) - 1), kind))
                fields += [0] * (len(place.fields) - len(fields))
                for name, value, (low, high) in zip(place.fields, fields, self.fields[i], strict=True):
                    lines.append(_declared(name, high - low, value - low))
        return lines

    def hidden(self) -> list[str]:
        """Scratch that is no part of the state."""
        slots = max((s.slots for s in self.system.steps), default=0)
        width = max((len(f) for f in self.fields), default=0)
        counts = ["busy", "rounds"] if self.system.atomic else []
        names = ["x", *counts, *(f"m{i}" for i in range(slots)), "xa", "xk", *(f"x{i}" for i in range(width))]
        return [f"hidden int {name};" for name in (*names, *(f"e{i}" for i in self.events))]

    @property
    def once(self) -> bool:
        """Whether the property is watched from the beginning, and only from there."""
        return self.asked is not None and isinstance(self.asked.form, Within) and self.asked.form.trigger is None

    def checking(self) -> list[str]:
        """What is looked at in the first state, behind every transition, and before a tick.

        A watch counts ticks, plus one, from where it begins (0: it does not run), as :mod:`verify.system.property` defines it.
        """
        truths = [self.expression(p, _no_locals) for p in self.predicates]
        match None if self.asked is None else self.asked.form:
            case Never() | Possible():
                return [f"#define begun assert(!{truths[0]})", "#define checked begun", "#define late skip"]
            case NeverLonger(_, bound) | Within(_, _, bound):
                starts, stops = truths
                first = "1" if self.once else starts
                most = self.expression(bound, _no_locals)
                return [
                    "int watch;",
                    f"#define begun watch = (({first} && !{stops}) -> 1 : 0)",
                    f"#define checked watch = ({stops} -> 0 : ((watch == 0 && {starts}) -> 1 : watch))",
                    f"#define late assert(watch == 0 || watch <= {most}); watch = (watch > 0 -> watch + 1 : 0)",
                ]
            case _:
                return ["#define begun skip", "#define checked skip", "#define late skip"]

    # ---- the whole

    def text(self, version: str) -> str:
        options = [*self.steps(), self.tick()]
        if self.system.atomic:
            inner = [f"  {line}" for option in options for line in option.splitlines()]
            options = ["  :: atomic {", "    if", *inner, "    fi;", *self.settling(), "    }"]
        check = ""
        if self.asked is not None:
            possible = isinstance(self.asked.form, Possible)
            meaning = "a witness" if possible else "a violation"
            check = CHECK.format(what=_plain(f"{self.asked.name}: {self.asked.text}"), meaning=meaning)
        return "\n".join(
            (
                HEAD.format(name=_plain(self.system.name), version=version, check=check.rstrip("\n")),
                MACROS,
                *self.declarations(),
                *self.hidden(),
                "#ifdef CHECK",
                *self.checking(),
                "#else",
                "#define checked skip",
                "#define late skip",
                "#endif",
                "",
                "active proctype system() {",
                "#ifdef CHECK",
                "  d_step { begun }",
                "#endif",
                "  do",
                *options,
                "  od",
                "}",
                "",
            )
        )

    def steps(self) -> list[str]:
        lines: list[str] = []
        for step in self.system.steps:
            if self.system.atomic and step.kind is StepKind.REACTION:
                continue
            for position, condition, names, take in self.begins(step):
                for path in paths(step.body):
                    self.ways += 1
                    if self.ways > MOST:
                        raise NotExported(f"more than {MOST:,} ways through its steps")
                    chosen = self.expression(path.condition, names)
                    lines.append(f"  /* {_plain(step.name)} */")
                    lines.append(f"  :: d_step {{ ({condition} && {chosen}) ->")
                    lines += self.calm("      ") + take
                    lines += ["      assert(false);"] if path.empty else self.block(path.body, "      ", position)
                    lines += [f"      {self.ending}", "    }"]
        return lines

    @property
    def ending(self) -> str:
        """What the end of a transition does: atomic reactions come behind it."""
        return "skip" if self.system.atomic else "checked"

    def settling(self) -> list[str]:
        """Atomic reactions: each unit runs its first enabled one until it has none, all units until none has any."""
        lines = ["    d_step {", "      rounds = 0; busy = 1;", "      do"]
        lines += ["      :: (busy == 0) -> break", "      :: else -> busy = 0;"]
        for unit in range(len(self.system.units)):
            reactions = [s for s in self.system.steps if s.kind is StepKind.REACTION and s.unit == unit]
            if any(chooses(statement) for s in reactions for statement in s.body):
                raise NotExported("choices within atomic reactions")
            lines.append("        do")
            for r in reactions:  # of several that can run, a d_step takes the first
                lines += [f"        /* {_plain(r.name)} */", f"        :: {self.expression(r.guard, _zeros)} ->"]
                lines += [*self.block(r.body, "          "), f"          busy = 1; rounds++; assert(rounds < {LONGEST});"]
            lines += ["        :: else -> break", "        od;"]
        return [*lines, "      od;", "      checked", "    }"]

    def begins(self, step: Step) -> list[tuple[int, str, Names, list[str]]]:
        """Each message that a step can take: its position, the guard, the names of what it binds, and what taking it does."""
        clear = [f"      m{i} = 0;" for i in range(step.slots)]
        if step.take is None:
            return [(-1, self.expression(step.guard, _zeros), _zeros, clear)]
        lane = step.take.lane
        described = self.system.lanes[lane]
        places = self.places(lane)
        fifo, delivers = described.order is Order.FIFO, step.take.taking is Taking.DELIVER
        found = []
        for p, place in enumerate(places[:1] if fifo and delivers else places):
            conditions = [f"l{lane}_n > {p}"]
            if delivers and described.minimum:
                conditions.append(f"{place.age} >= {described.minimum}")
            if not fifo and p:
                pairs = zip(place.names, places[p - 1].names, strict=True)
                conditions.append("(" + " || ".join(f"{a} != {b}" for a, b in pairs) + ")")
            names = self.bound(lane, place)
            conditions.append(self.expression(step.guard, names))
            take = [*clear, *(f"      m{i} = {names(i)};" for i in range(min(step.slots, 1 + len(place.fields))))]
            if step.take.taking is not Taking.COPY:
                take += [f"      {line}" for line in self.removed(lane, p)]
            found.append((p, "(" + " && ".join(conditions) + ")", names, take))
        return found

    def bound(self, lane: int, place: _Place) -> Names:
        def name(slot: int) -> str:
            if slot == 0:
                return place.kind
            if slot <= len(place.fields):
                return _plus(place.fields[slot - 1], self.fields[lane][slot - 1][0])
            return "0"

        return name

    # ---- time

    def urgent(self) -> str:
        parts = []
        for step in self.system.steps:
            if self.system.atomic and step.kind is StepKind.REACTION:
                continue
            always = self.expression(step.urgent, _zeros)
            for position, condition, _, _ in self.begins(step):
                due = always
                if step.take is not None and step.take.taking is Taking.DELIVER:
                    age = self.places(step.take.lane)[position].age
                    due = f"({always} || {age} >= {self.system.lanes[step.take.lane].maximum})"
                if due != "0":
                    parts.append(condition if due == "1" else f"({condition} && {due})")
        return " || ".join(dict.fromkeys(parts)) or "0"

    def tick(self) -> str:
        lines = ["  /* time passes */", f"  :: d_step {{ (!({self.urgent()})) ->", "      late;", *self.calm("      ")]
        lines += [f"      t{i} = (t{i} > 1 -> t{i} - 1 : t{i});" for i in range(len(self.system.timers))]
        for number, lane in enumerate(self.system.lanes):
            if lane.maximum:
                for p, place in enumerate(self.places(number)):
                    older = f"(l{number}_n > {p} && {place.age} < {lane.maximum} -> {place.age} + 1 : {place.age})"
                    lines.append(f"      {place.age} = {older};")
                lines += [f"      {line}" for line in self.sorted(number)]
        return "\n".join([*lines, f"      {self.ending}", "    }"])

    def calm(self, indent: str) -> list[str]:
        """No event has occurred yet in this step."""
        return [f"{indent}e{i} = 0;" for i in self.events]

    # ---- statements

    def block(self, block: Block, indent: str, position: int = -1) -> list[str]:
        return [f"{indent}{line}" for statement in block for line in self.statement(statement, position)]

    def statement(self, statement: Statement, position: int) -> list[str]:
        match statement:
            case Assign(variable, value):
                domain = self.system.variables[variable].domain
                return self.stored(f"v{variable}", value, domain.low, domain.high, -domain.low)
            case Start(timer, ticks):
                return self.stored(f"t{timer}", ticks, 0, self.system.timers[timer].maximum, 1)
            case Stop(timer):
                return [f"t{timer} = 0;"]
            case Send():
                return self.sent(statement)
            case Duplicate(lane):
                return self.duplicated(lane, position)
            case Clear(lane):
                return [f"l{lane}_n = 0;", *(line for p in range(len(self.places(lane))) for line in self.vacant(lane, p))]
            case Bind(slot, value):
                return [f"m{slot} = {self.expression(value, _slots)};"]
            case If(condition, then, otherwise):
                yes, no = self.block(then, "   ", position), self.block(otherwise, "   ", position)
                test = f":: {self.expression(condition, _slots)} ->"
                return ["if", test, *(yes or ["   skip"]), ":: else ->", *(no or ["   skip"]), "fi;"]
            case Occur(event):
                return [f"e{event} = 1;"] if event in self.events else []
            case Mark():
                return []
            case Choose() | Either():
                message = "choices were made before"
                raise TypeError(message)

    def stored(self, name: str, value: Expression, low: int, high: int, offset: int) -> list[str]:
        """A value in its range, or an error."""
        if isinstance(value, Constant) and low <= value.value <= high:
            return [f"{name} = {value.value + offset};"]
        return [
            f"x = {self.expression(value, _slots)};",
            f"assert(x >= {low} && x <= {high});",
            f"{name} = {_plus('x', offset)};",
        ]

    # ---- lanes

    def sent(self, statement: Send) -> list[str]:
        lane = statement.lane
        fields = self.system.messages[statement.message].fields
        lines = ["xa = 0;", f"xk = {statement.message};"]
        for i, (low, _) in enumerate(self.fields[lane]):
            if i < len(fields):
                domain = fields[i].domain
                lines += self.stored(f"x{i}", statement.fields[i], domain.low, domain.high, -low)
            else:
                lines.append(f"x{i} = {-low};")
        lines += self.appended(lane)
        if self.system.lanes[lane].open == TRUE:
            return lines
        opened = self.expression(self.system.lanes[lane].open, _slots)
        return ["if", f":: {opened} ->", *(f"   {line}" for line in lines), ":: else -> skip", "fi;"]

    def appended(self, lane: int) -> list[str]:
        """The message in the scratch behind all others."""
        places = self.places(lane)
        lines = ["if"]
        for p, place in enumerate(places):
            lines += [f":: l{lane}_n == {p} -> {self.filled(place)} l{lane}_n = {p + 1};"]
        lines += [":: else ->", *(f"   {line}" for line in self.full(lane, [*self.shifted(lane, 0), self.filled(places[-1])]))]
        return [*lines, "fi;", *self.sorted(lane)]

    def full(self, lane: int, dropping: list[str]) -> list[str]:
        match self.system.lanes[lane].when_full:
            case WhenFull.DROP_NEWEST:
                return ["skip"]
            case WhenFull.DROP_OLDEST:
                return dropping
            case WhenFull.ERROR | WhenFull.WAIT:
                return ["assert(false);"]

    def duplicated(self, lane: int, position: int) -> list[str]:
        """A copy of the message at a position, right behind it."""
        places = self.places(lane)
        source = places[position]
        lines = [f"xa = {source.age};", f"xk = {source.kind};", *(f"x{i} = {f};" for i, f in enumerate(source.fields))]
        at = position + 1
        lines += ["if", f":: l{lane}_n < {len(places)} ->"]
        for p in range(len(places) - 1, at, -1):
            lines += [f"   {a} = {b};" for a, b in zip(places[p].names, places[p - 1].names, strict=True)]
        if at < len(places):
            lines.append(f"   {self.filled(places[at])}")
        lines += [f"   l{lane}_n = l{lane}_n + 1;", ":: else ->"]
        dropping = [line for p in range(position) for line in self.moved(places[p], places[p + 1])]
        lines += [f"   {line}" for line in self.full(lane, [*dropping, self.filled(places[position])])]
        return [*lines, "fi;", *self.sorted(lane)]

    def filled(self, place: _Place) -> str:
        """The message in the scratch, at a place."""
        scratch = ("xa", "xk", *(f"x{i}" for i in range(len(place.fields))))
        return " ".join(f"{a} = {b};" for a, b in zip(place.names, scratch, strict=True))

    def moved(self, to: _Place, source: _Place) -> list[str]:
        return [f"{a} = {b};" for a, b in zip(to.names, source.names, strict=True)]

    def shifted(self, lane: int, start: int) -> list[str]:
        """Everything behind a place one place on; the last one is as it was."""
        places = self.places(lane)
        return [line for p in range(start, len(places) - 1) for line in self.moved(places[p], places[p + 1])]

    def removed(self, lane: int, position: int) -> list[str]:
        return [*self.shifted(lane, position), *self.vacant(lane, len(self.places(lane)) - 1), f"l{lane}_n = l{lane}_n - 1;"]

    def vacant(self, lane: int, place: int) -> list[str]:
        here = self.places(lane)[place]
        fields = zip(here.fields, self.fields[lane], strict=True)
        return [f"{here.age} = 0;", f"{here.kind} = 0;", *(f"{name} = {-low};" for name, (low, _) in fields)]

    def sorted(self, lane: int) -> list[str]:
        """The messages of an unordered lane in their order, the oldest first; by exchanges of neighbours."""
        places = self.places(lane)
        if self.system.lanes[lane].order is Order.FIFO:
            return []
        lines = []
        for end in range(len(places) - 1, 0, -1):
            for p in range(end):
                a, b = places[p], places[p + 1]
                wrong = f"({a.age} < {b.age} || ({a.age} == {b.age} && {_above(a.names[1:], b.names[1:])}))"
                lines += ["if", f":: l{lane}_n > {p + 1} && {wrong} ->"]
                lines += [f"   x = {m}; {m} = {n}; {n} = x;" for m, n in zip(a.names, b.names, strict=True)]
                lines += [":: else -> skip", "fi;"]
        return lines

    # ---- expressions

    def expression(self, e: Expression, local: Names) -> str:
        match e:
            case Constant(value):
                if abs(value) > LARGEST:
                    raise NotExported(f"the number {value:,}: SPIN counts with 32 bits")
                return f"({value})" if value < 0 else str(value)
            case Read(variable):
                return _plus(f"v{variable}", self.system.variables[variable].domain.low)
            case Local(slot):
                return local(slot)
            case TimerIs(timer, status):
                relation = {TimerStatus.STOPPED: "== 0", TimerStatus.EXPIRED: "== 1", TimerStatus.RUNNING: "> 1"}[status]
                return f"(t{timer} {relation})"
            case Count(lane):
                return f"l{lane}_n"
            case Due(lane):
                return self.due(lane, self.system.lanes[lane])
            case Occurred(event):
                return f"e{event}"
            case Rigid():
                raise NotExported("open parameters: SPIN needs their values")
            case Apply(operator, arguments):
                return _applied(operator, [self.expression(a, local) for a in arguments])

    def due(self, lane: int, described: Lane) -> str:
        places = self.places(lane)
        heads = places[:1] if described.order is Order.FIFO else places
        return "(" + " || ".join(f"(l{lane}_n > {p} && {x.age} >= {described.maximum})" for p, x in enumerate(heads)) + ")"


MACROS = """\
#define lesser(a, b) ((a) < (b) -> (a) : (b))
#define greater(a, b) ((a) > (b) -> (a) : (b))
#define modulo(a, b) ((((a) % (b)) != 0 && (((a) < 0) != ((b) < 0))) -> (a) % (b) + (b) : (a) % (b))
#define quotient(a, b) ((((a) % (b)) != 0 && (((a) < 0) != ((b) < 0))) -> (a) / (b) - 1 : (a) / (b))
"""


def _applied(operator: Operator, a: Sequence[str]) -> str:
    match operator:
        case Operator.ADD | Operator.MULTIPLY | Operator.AND | Operator.OR:
            sign = {Operator.ADD: "+", Operator.MULTIPLY: "*", Operator.AND: "&&", Operator.OR: "||"}[operator]
            return f"({f' {sign} '.join(a)})"
        case Operator.SUBTRACT | Operator.EQUAL | Operator.LESS | Operator.AT_MOST:
            sign = {Operator.SUBTRACT: "-", Operator.EQUAL: "==", Operator.LESS: "<", Operator.AT_MOST: "<="}[operator]
            return f"({a[0]} {sign} {a[1]})"
        case Operator.DIVIDE:
            return f"quotient({a[0]}, {a[1]})"
        case Operator.MODULO:
            return f"modulo({a[0]}, {a[1]})"
        case Operator.MINIMUM | Operator.MAXIMUM:
            found = a[0]
            for other in a[1:]:
                found = f"{'lesser' if operator is Operator.MINIMUM else 'greater'}({found}, {other})"
            return found
        case Operator.NOT:
            return f"(!{a[0]})"
        case Operator.IF:
            return f"({a[0]} -> {a[1]} : {a[2]})"


def _above(a: Sequence[str], b: Sequence[str]) -> str:
    """Whether one row of numbers is greater than another, compared from the left."""
    if len(a) == 1:
        return f"{a[0]} > {b[0]}"
    return f"({a[0]} > {b[0]} || ({a[0]} == {b[0]} && {_above(a[1:], b[1:])}))"


def _plus(name: str, offset: int) -> str:
    return name if not offset else f"({name} {'+' if offset > 0 else '-'} {abs(offset)})"


def _zeros(_: int) -> str:
    return "0"


def _slots(slot: int) -> str:
    return f"m{slot}"


def _no_locals(slot: int) -> str:
    message = f"a property reads the local {slot}"
    raise TypeError(message)


def _declared(name: str, highest: int, initial: int, remark: str = "") -> str:
    told = f" /* {_plain(remark)} */" if remark else ""
    if highest > LARGEST:
        raise NotExported(f"the range of {remark or name}: SPIN counts with 32 bits")
    bits = max(1, highest.bit_length())
    start = f" = {initial}" if initial else ""
    return f"int {name}{start};{told}" if bits > 16 else f"unsigned {name} : {bits}{start};{told}"


def _plain(text: str) -> str:
    """A text that can stand in a comment."""
    return " ".join(text.replace("*/", "* /").split())


__all__ = ["NotExported", "promela"]
