"""Random closed systems, expressions and forms, drawn from any source of whole numbers.

``Drawn(draw)`` draws through hypothesis, ``Seeded(random.Random(n))`` from a seeded generator.
"""

from dataclasses import dataclass, is_dataclass, replace
from dataclasses import fields as dataclass_fields
from enum import Enum

from hypothesis import strategies as st

from verify.system.domain import Boolean, Enumeration, Range
from verify.system.expression import (
    FALSE,
    TRUE,
    Apply,
    Constant,
    Count,
    Due,
    Local,
    Occurred,
    Operator,
    Read,
    TimerIs,
    TimerStatus,
)
from verify.system.property import (
    AlwaysEventually,
    Eventually,
    EventuallyAlways,
    LeadsTo,
    Never,
    NeverLonger,
    Possible,
    Until,
    Within,
)
from verify.system.statement import (
    Assign,
    Bind,
    Choose,
    Clear,
    Duplicate,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Stop,
)
from verify.system.system import (
    Event,
    Fairness,
    Field,
    Lane,
    Message,
    Order,
    Rule,
    Step,
    StepKind,
    System,
    Take,
    Taking,
    Timer,
    Variable,
    WhenFull,
)


class Drawn:
    """Whole numbers from hypothesis."""

    def __init__(self, draw):
        self.draw = draw

    def integer(self, low, high):
        return self.draw(st.integers(low, high))


class Seeded:
    """Whole numbers from a random generator."""

    def __init__(self, generator):
        self.generator = generator

    def integer(self, low, high):
        return self.generator.randint(low, high)


class Makers:
    """Expressions and statements over the parts of a system. ``loose``: of a hundred values, how many may lie outside their range."""

    loose = 3

    def __init__(self, source, variables, timers, lanes, messages, events):  # noqa: PLR0913
        self.source = source
        self.variables = variables
        self.timers = timers
        self.lanes = lanes
        self.messages = messages
        self.events = events

    def pick(self, options):
        return options[self.source.integer(0, len(options) - 1)]

    def chance(self, percent):
        return self.source.integer(1, 100) <= percent

    # ---- expressions

    def number(self, depth, slots=()):
        kinds = ["constant", "read", "read"]
        kinds += ["local"] * 2 if slots else []
        kinds += ["count"] if self.lanes else []
        kinds += ["apply"] * 3 if depth > 0 else []
        match self.pick(kinds):
            case "constant":
                return Constant(self.source.integer(-1, 3))
            case "read":
                return Read(self.source.integer(0, len(self.variables) - 1))
            case "local":
                return Local(self.pick(slots))
            case "count":
                return Count(self.source.integer(0, len(self.lanes) - 1))
        operator = self.pick(
            [
                Operator.ADD,
                Operator.SUBTRACT,
                Operator.MULTIPLY,
                Operator.DIVIDE,
                Operator.MODULO,
                Operator.MINIMUM,
                Operator.MAXIMUM,
                Operator.IF,
            ]
        )
        match operator:
            case Operator.SUBTRACT:
                return Apply(operator, (self.number(depth - 1, slots), self.number(depth - 1, slots)))
            case Operator.DIVIDE | Operator.MODULO:
                divisor = Constant(self.pick([-3, -2, -1, 1, 2, 3]))
                return Apply(operator, (self.number(depth - 1, slots), divisor))
            case Operator.IF:
                parts = (self.truth(depth - 1, slots), self.number(depth - 1, slots), self.number(depth - 1, slots))
                return Apply(operator, parts)
        return Apply(operator, tuple(self.number(depth - 1, slots) for _ in range(self.source.integer(1, 3))))

    def truth(self, depth, slots=(), events=False):
        kinds = ["compare"] * 3
        kinds += ["timer"] * 2 if self.timers else []
        kinds += ["due"] if self.lanes else []
        kinds += ["occurred"] * 2 if events and self.events else []
        kinds += ["constant"] if depth <= 0 and self.chance(20) else []
        kinds += ["apply"] * 2 if depth > 0 else []
        match self.pick(kinds):
            case "compare":
                operator = self.pick([Operator.EQUAL, Operator.EQUAL, Operator.LESS, Operator.AT_MOST])
                if self.chance(60):
                    variable = self.source.integer(0, len(self.variables) - 1)
                    domain = self.variables[variable].domain
                    return Apply(operator, (Read(variable), Constant(self.source.integer(domain.low, domain.high))))
                return Apply(operator, (self.number(depth - 1, slots), self.number(depth - 1, slots)))
            case "timer":
                return TimerIs(self.source.integer(0, len(self.timers) - 1), self.pick(list(TimerStatus)))
            case "due":
                return Due(self.source.integer(0, len(self.lanes) - 1))
            case "occurred":
                return Occurred(self.source.integer(0, len(self.events) - 1))
            case "constant":
                return self.pick([TRUE, FALSE])
        operator = self.pick([Operator.AND, Operator.OR, Operator.NOT, Operator.IF])
        if operator is Operator.NOT:
            return Apply(operator, (self.truth(depth - 1, slots, events),))
        count = 3 if operator is Operator.IF else self.source.integer(1, 3)
        return Apply(operator, tuple(self.truth(depth - 1, slots, events) for _ in range(count)))

    def fitted(self, low, high, depth, slots):
        """A number that nearly always lies in a range."""
        if self.chance(35):
            return Constant(self.source.integer(low, high))
        inner = self.number(depth, slots)
        if self.chance(self.loose):
            return inner
        size = Apply(Operator.MODULO, (inner, Constant(high - low + 1)))
        return Apply(Operator.ADD, (size, Constant(low)))

    # ---- statements

    def block(self, depth, slots, room, copying, most=3):
        """Statements; ``slots`` the bound locals, ``room`` the first free one. Returns them and the locals used."""
        out = []
        used = room
        for _ in range(self.source.integer(1, most)):
            statement, slots, room, here = self.statement(depth, slots, room, copying)
            used = max(used, here)
            out.append(statement)
        return tuple(out), used

    def statement(self, depth, slots, room, copying):
        kinds = ["assign"] * 6 + ["mark"]
        kinds += ["start"] * 3 + ["stop"] if self.timers else []
        kinds += ["send"] * 3 + ["clear"] if self.lanes else []
        kinds += ["duplicate"] if copying is not None else []
        kinds += ["if", "choose", "either", "bind"] if depth > 0 else []
        kinds += ["occur"] * 2 if self.events else []
        match self.pick(kinds):
            case "assign":
                variable = self.source.integer(0, len(self.variables) - 1)
                domain = self.variables[variable].domain
                made = Assign(variable, self.fitted(domain.low, domain.high, 1, slots))
            case "mark":
                made = Mark(0)
            case "start":
                timer = self.source.integer(0, len(self.timers) - 1)
                made = Start(timer, self.fitted(0, self.timers[timer].maximum, 1, slots))
            case "stop":
                made = Stop(self.source.integer(0, len(self.timers) - 1))
            case "send":
                message = self.source.integer(0, len(self.messages) - 1)
                fields = tuple(
                    self.fitted(f.domain.low, f.domain.high, 1, slots) for f in self.messages[message].fields
                )
                made = Send(self.source.integer(0, len(self.lanes) - 1), message, fields)
            case "clear":
                lane = self.source.integer(0, len(self.lanes) - 1)
                made = Clear(lane) if lane != copying else Mark(0)
            case "duplicate":
                made = Duplicate(copying)
            case "occur":
                made = Occur(self.source.integer(0, len(self.events) - 1))
            case "bind":
                made = Bind(room, self.number(1, slots))
                return made, (*slots, room), room + 1, room + 1
            case "choose":
                low = self.source.integer(-1, 1)
                where = TRUE
                if self.chance(10):
                    where = self.truth(1, (*slots, room))
                elif self.chance(40):
                    where = Apply(Operator.AT_MOST, (Constant(low + 1), Apply(Operator.ADD, (Local(room), TRUE))))
                made = Choose(room, low, low + self.source.integer(0, 2), where)
                return made, (*slots, room), room + 1, room + 1
            case "if":
                then, one = self.block(depth - 1, slots, room, copying, 2)
                otherwise, two = ((), room) if self.chance(50) else self.block(depth - 1, slots, room, copying, 2)
                made = If(self.truth(1, slots), then, otherwise)
                return made, slots, room, max(one, two)
            case "either":
                branches = [self.block(depth - 1, slots, room, copying, 2) for _ in range(self.source.integer(2, 3))]
                made = Either((*(b for b, _ in branches),))
                return made, slots, room, max(n for _, n in branches)
        return made, slots, room, room

    # ---- steps

    def step(self, number):
        kinds = [StepKind.ENVIRONMENT] * 3 + [StepKind.REACTION]
        kinds += [StepKind.TIMEOUT] * 3 if self.timers else []
        kinds += [StepKind.DELIVERY] * 3 if self.lanes else []
        kind = self.pick(kinds)
        take, slots, room, copying = None, (), 0, None
        if kind is StepKind.DELIVERY or (self.lanes and kind is StepKind.ENVIRONMENT and self.chance(30)):
            lane = self.source.integer(0, len(self.lanes) - 1)
            taking = Taking.DELIVER if kind is StepKind.DELIVERY else self.pick([Taking.LOSE, Taking.COPY])
            take = Take(lane, taking)
            fields = min(len(m.fields) for m in self.messages)
            slots = tuple(range(1 + fields))
            room = 1 + max(len(m.fields) for m in self.messages)
            copying = lane if taking is Taking.COPY else None
        parts = []
        urgent = FALSE
        if kind is StepKind.TIMEOUT:
            parts.append(TimerIs(self.source.integer(0, len(self.timers) - 1), TimerStatus.EXPIRED))
            urgent = TRUE
        if kind is StepKind.REACTION:
            urgent = TRUE
            # a reaction turns itself off, most of the time
            variable = self.source.integer(0, len(self.variables) - 1)
            domain = self.variables[variable].domain
            value = Constant(self.source.integer(domain.low, domain.high))
            parts.append(Apply(Operator.EQUAL, (Read(variable), value)))
        if kind is StepKind.ENVIRONMENT and take is None and self.chance(15):
            urgent = self.truth(1)
        if self.chance(50) or not parts:
            parts.append(self.truth(2, slots if take is not None and self.chance(60) else ()))
        guard = parts[0] if len(parts) == 1 else Apply(Operator.AND, tuple(parts))
        body, used = self.block(2, slots, room, copying)
        if kind is StepKind.REACTION and self.chance(85):
            size = domain.high - domain.low + 1
            away = (value.value - domain.low + self.source.integer(1, size - 1)) % size + domain.low
            body = tuple(s for s in body if not isinstance(s, Either) or self.chance(70))
            body = (*body, Assign(variable, Constant(away)))
        if kind is StepKind.TIMEOUT and self.chance(85):
            timer = parts[0].timer
            again = Start(timer, Constant(self.source.integer(1, self.timers[timer].maximum)))
            body = (*body, self.pick([Stop(timer), again]))
        if copying is not None and not self.chance(30):
            body = (Duplicate(copying), *body)
        elif copying is not None:
            body = (*body, Mark(0))
        if copying is not None:
            # a copy is of the message where it stands: nothing else touches the lane before
            body = self.calm(body, copying)
        unit = self.source.integer(0, 1) if kind is StepKind.REACTION else None
        return Step(f"s{number}", kind, guard, body, urgent, take, None, unit, max(used, room))

    def calm(self, block, lane):
        out = []
        for statement in block:
            match statement:
                case Send(at) | Clear(at) if at == lane:
                    out.append(Mark(0))
                case If(condition, then, otherwise):
                    out.append(If(condition, self.calm(then, lane), self.calm(otherwise, lane)))
                case Either(branches):
                    out.append(Either(tuple(self.calm(b, lane) for b in branches)))
                case _:
                    out.append(statement)
        seen = False
        kept = []
        for statement in out:
            if isinstance(statement, Duplicate):
                if seen:
                    continue
                seen = True
            kept.append(statement)
        return tuple(kept)


def makers(source):
    """The parts of a random system, and what makes expressions over them."""

    def pick(options):
        return options[source.integer(0, len(options) - 1)]

    variables = []
    for number in range(source.integer(2, 4)):
        domain = pick([Boolean(), Range(0, 1), Range(0, 2), Range(-1, 1), Range(1, 2)])
        variables.append(Variable(f"v{number}", domain, source.integer(domain.low, domain.high)))
    timers = []
    for number in range(source.integer(1, 2)):
        maximum = source.integer(1, 3)
        timers.append(Timer(f"t{number}", maximum, source.integer(-1, maximum)))
    messages = [Message("m0", ())]
    if source.integer(0, 1):
        messages.append(Message("m1", (Field("f", pick([Boolean(), Range(1, 2)])),)))
    lanes = []
    for number in range(pick([0, 0, 1, 1, 2])):
        minimum = source.integer(0, 1)
        maximum = minimum + source.integer(0, 1)
        order, full = pick(list(Order)), pick(list(WhenFull))
        if source.integer(0, 3):
            full = pick([WhenFull.DROP_NEWEST, WhenFull.DROP_OLDEST])
        gate = TRUE
        if source.integer(0, 4) == 0:
            gate = Apply(Operator.EQUAL, (Read(0), Constant(variables[0].initial)))
        lanes.append(Lane(f"l{number}", "n", 0, 0, source.integer(1, 2), minimum, maximum, order, full, gate))
    events = [Event(f"e{number}") for number in range(2)]
    return Makers(source, variables, timers, lanes, messages, events)


def random_system(source, made=None):
    """A small closed system, and the makers that know its parts."""
    m = made or makers(source)
    atomic = m.chance(35)
    steps = [m.step(number) for number in range(source.integer(3, 8))]
    fairness = []
    for number in range(m.pick([0, 0, 1, 2])):
        members = sorted({source.integer(0, len(steps) - 1) for _ in range(source.integer(1, 2))})
        fairness.append(Fairness(f"f{number}", tuple(members), m.chance(50)))
    initially = ()
    if m.chance(25):
        initially = (Assign(0, m.fitted(m.variables[0].domain.low, m.variables[0].domain.high, 1, ())),)
        if m.chance(40):
            initially = (*initially, Start(0, Constant(source.integer(0, m.timers[0].maximum))))
    system = System(
        "random",
        10**6,
        variables=tuple(m.variables),
        timers=tuple(m.timers),
        messages=tuple(m.messages),
        lanes=tuple(m.lanes),
        events=tuple(m.events),
        rules=(Rule("a rule", None),),
        steps=tuple(steps),
        fairness=tuple(fairness),
        units=("u0", "u1"),
        atomic=atomic,
        initially=initially,
    )
    return system, m


def random_form(m, kind=None):
    """A form with random predicates."""
    kinds = [Never, NeverLonger, Possible, Within, Eventually, EventuallyAlways, AlwaysEventually, LeadsTo, Until]

    def predicate():
        return m.truth(m.source.integer(0, 2), (), events=True)

    kind = kind or m.pick(kinds)
    bound = Constant(m.source.integer(0, 4))
    if kind is Never:
        return Never(predicate(), predicate() if m.chance(30) else None)
    if kind is NeverLonger:
        return NeverLonger(predicate(), bound)
    if kind is Within:
        return Within(None if m.chance(35) else predicate(), predicate(), bound)
    if kind in (LeadsTo, Until):
        return kind(predicate(), predicate())
    return kind(predicate())


# ---- wider systems: every operator, lane, taking and fault, and as large as is asked for


class WideMakers(Makers):
    """As :class:`Makers`, with more kinds of everything. ``choosing``: whether statements may choose."""

    atomic = False
    choosing = True

    def number(self, depth, slots=()):
        if depth > 0 and self.chance(18):
            inner = self.number(depth - 1, slots)
            match self.source.integer(0, 3):
                case 0:  # a division that is guarded: by 0 where it is not wanted
                    divisor = self.number(0, slots)
                    operator = self.pick([Operator.DIVIDE, Operator.MODULO])
                    zero = Apply(Operator.EQUAL, (divisor, FALSE))
                    return Apply(Operator.IF, (zero, inner, Apply(operator, (inner, divisor))))
                case 1:
                    divisor = Apply(Operator.MAXIMUM, (TRUE, self.number(depth - 1, slots)))
                    return Apply(self.pick([Operator.DIVIDE, Operator.MODULO]), (inner, divisor))
                case 2:
                    divisor = Apply(Operator.MINIMUM, (Constant(-1), self.number(depth - 1, slots)))
                    return Apply(self.pick([Operator.DIVIDE, Operator.MODULO]), (inner, divisor))
                case _:
                    return self.truth(depth - 1, slots)
        return super().number(depth, slots)

    def statement(self, depth, slots, room, copying):
        if self.choosing and self.chance(1):
            return Either(()), slots, room, room
        if self.choosing and self.chance(4):  # now and then from nothing
            low = self.source.integer(-1, 1)
            made = Choose(room, low, low + self.source.integer(0, 2), self.truth(1, (*slots, room)))
            return made, (*slots, room), room + 1, room + 1
        if depth > 0 and self.chance(8):  # branches that agree in part
            shared, _, _, used = self.plain(slots, room)
            other, _, _, also = self.plain(slots, room)
            branches = self.pick([((shared,), (shared, other)), ((other, shared), (shared,)), ((shared,), (shared,))])
            return If(self.truth(1, slots), *branches), slots, room, max(used, also)
        if self.choosing:
            return super().statement(depth, slots, room, copying)
        for _ in range(4):
            found = super().statement(depth, slots, room, copying)
            if not _chooses(found[0]):
                return found
        return Mark(0), slots, room, room

    def plain(self, slots, room):
        """A statement without choices or bindings."""
        match self.source.integer(0, 3):
            case 0 if self.timers:
                timer = self.source.integer(0, len(self.timers) - 1)
                return Start(timer, self.fitted(0, self.timers[timer].maximum, 1, slots)), slots, room, room
            case 1 if self.lanes:
                return self.sending(slots), slots, room, room
            case _:
                variable = self.source.integer(0, len(self.variables) - 1)
                domain = self.variables[variable].domain
                return Assign(variable, self.fitted(domain.low, domain.high, 1, slots)), slots, room, room

    def sending(self, slots):
        message = self.source.integer(0, len(self.messages) - 1)
        fields = tuple(self.fitted(f.domain.low, f.domain.high, 1, slots) for f in self.messages[message].fields)
        return Send(self.source.integer(0, len(self.lanes) - 1), message, fields)

    def step(self, number):
        kinds = [StepKind.ENVIRONMENT] * 3 + [StepKind.REACTION] * (3 if self.atomic else 1)
        kinds += [StepKind.TIMEOUT] * 2 if self.timers else []
        kinds += [StepKind.DELIVERY] * 4 if self.lanes else []
        kind = self.pick(kinds)
        if kind is StepKind.REACTION:
            return self.reaction(number)
        if kind is StepKind.DELIVERY or (self.lanes and kind is StepKind.ENVIRONMENT and self.chance(60)):
            return self.taking(number, kind)
        parts, urgent = [], FALSE
        if kind is StepKind.TIMEOUT:
            parts.append(TimerIs(self.source.integer(0, len(self.timers) - 1), TimerStatus.EXPIRED))
            urgent = TRUE
        elif self.chance(15):
            urgent = self.truth(1)
        if self.chance(50) or not parts:
            parts.append(self.truth(2))
        body, used = self.block(2, (), 0, None)
        if kind is StepKind.TIMEOUT and self.chance(90):
            timer = parts[0].timer
            body = (*body, self.pick([Stop(timer), Start(timer, Constant(self.timers[timer].maximum))]))
        elif kind is StepKind.ENVIRONMENT and self.lanes and self.chance(60):
            body = (self.sending(()), *body)
        return Step(f"s{number}", kind, _all(parts), body, urgent, None, None, None, used)

    def reaction(self, number):
        """It turns itself off, most of the time."""
        variable = self.source.integer(0, len(self.variables) - 1)
        domain = self.variables[variable].domain
        value = self.source.integer(domain.low, domain.high)
        parts = [Apply(Operator.EQUAL, (Read(variable), Constant(value)))]
        if self.chance(50):
            parts.append(self.truth(2))
        self.choosing = not self.atomic or self.chance(3)
        body, used = self.block(2, (), 0, None, 2)
        self.choosing = True
        if domain.high > domain.low and self.chance(92):
            size = domain.high - domain.low + 1
            away = (value - domain.low + self.source.integer(1, size - 1)) % size + domain.low
            body = (*body, Assign(variable, Constant(away)))
        return Step(f"s{number}", StepKind.REACTION, _all(parts), body, TRUE, None, None, self.pick([0, 1]), used)

    def taking(self, number, kind):
        lane = self.source.integer(0, len(self.lanes) - 1)
        taking = Taking.DELIVER if kind is StepKind.DELIVERY else self.pick([Taking.LOSE, Taking.COPY, Taking.COPY])
        most = max(len(m.fields) for m in self.messages)
        parts, slots = [], tuple(range(1 + min(len(m.fields) for m in self.messages)))
        if self.chance(60):  # a message of one kind, whose fields the guard may read
            message = self.source.integer(0, len(self.messages) - 1)
            parts.append(Apply(Operator.EQUAL, (Local(0), Constant(message))))
            slots = tuple(range(1 + len(self.messages[message].fields)))
        if self.chance(40):
            parts.append(self.truth(2, slots))
        urgent = self.truth(1) if self.chance(10) else FALSE
        copying = lane if taking is Taking.COPY else None
        body, used = self.block(2, tuple(range(1 + most)), 1 + most, copying)
        if copying is not None:
            body = (Duplicate(copying), *body) if self.chance(70) else (*body, Mark(0))
            body = self.calm(body, copying)
        return Step(f"s{number}", kind, _all(parts), body, urgent, Take(lane, taking), None, None, max(used, 1 + most))


def _all(parts):
    return TRUE if not parts else parts[0] if len(parts) == 1 else Apply(Operator.AND, tuple(parts))


def _chooses(statement):
    match statement:
        case Choose() | Either():
            return True
        case If(_, then, otherwise):
            return any(map(_chooses, (*then, *otherwise)))
    return False


def wide_makers(source, size):
    """The parts of a wide system; ``size`` of each are added to what a small one has."""

    def pick(options):
        return options[source.integer(0, len(options) - 1)]

    small = [
        Boolean(),
        Range(0, 2),
        Range(-1, 1),
        Range(1, 2),
        Range(-3, -2),
        Range(7, 7),
        Enumeration("e", ("a", "b", "c")),
    ]
    variables = []
    for number in range(source.integer(2, 4)):
        domain = pick(small)
        variables.append(Variable(f"v{number}", domain, source.integer(domain.low, domain.high)))
    for number in range(size):
        low = source.integer(-4, 1)
        variables.append(Variable(f"w{number}", Range(low, low + source.integer(3, 5)), low))
    timers = []
    for number in range(source.integer(1, 2)):
        maximum = source.integer(0, 3)
        timers.append(Timer(f"t{number}", maximum, source.integer(-1, maximum)))
    domains = [Boolean(), Range(1, 3), Range(0, 3), Range(-1, 1), Range(3, 3)]
    messages = [Message("m0", ()), Message("m1", (Field("f", pick(domains)),))]
    if source.integer(0, 2):
        messages.append(Message("m2", (Field("f", pick(domains)), Field("g", pick(domains)))))
    lanes = []
    for number in range(pick([0, 1, 1, 1, 2])):
        minimum = source.integer(0, 1)
        maximum = minimum + source.integer(0, 2)
        gate = TRUE
        if source.integer(0, 4) == 0:
            gate = Apply(Operator.EQUAL, (Read(0), Constant(variables[0].initial)))
        order, full, capacity = pick(list(Order)), pick(list(WhenFull)), source.integer(1, 3)
        lanes.append(Lane(f"l{number}", "n", 0, 0, capacity, minimum, maximum, order, full, gate))
    events = [Event(f"e{number}") for number in range(2)]
    return WideMakers(source, variables, timers, lanes, messages, events)


def wide_system(source, size=0):
    """A closed system of every kind of part, and its makers. ``size``: how many counters multiply its states, fivefold or so."""
    m = wide_makers(source, size)
    m.atomic = m.chance(35)
    steps = [m.step(number) for number in range(source.integer(3, 7))]
    for number, lane in enumerate(m.lanes):  # traffic, mostly into a lane with room
        if m.chance(75):
            room = Apply(Operator.LESS, (Count(number), Constant(lane.capacity + m.chance(25))))
            body = (replace(m.sending(()), lane=number),)
            steps.append(Step(f"m{number}", StepKind.ENVIRONMENT, room, body))
    for number in range(size):  # each counts for itself
        variable = len(m.variables) - size + number
        domain = m.variables[variable].domain
        shifted = Apply(Operator.SUBTRACT, (Read(variable), Constant(domain.low - 1)))
        again = Apply(Operator.MODULO, (shifted, Constant(domain.high - domain.low + 1)))
        body = (Assign(variable, Apply(Operator.ADD, (again, Constant(domain.low)))),)
        steps.append(Step(f"c{number}", StepKind.ENVIRONMENT, TRUE, body))
    if m.chance(15):  # time stands still, once a value is reached
        domain = m.variables[0].domain
        there = Apply(Operator.EQUAL, (Read(0), Constant(source.integer(domain.low, domain.high))))
        elsewhere = Apply(Operator.NOT, (there,))
        steps = [s if m.chance(30) else replace(s, guard=Apply(Operator.AND, (elsewhere, s.guard))) for s in steps]
        steps.append(
            Step("stays", StepKind.ENVIRONMENT, there, m.pick([(Mark(0),), (Either(()),), (Either(()),)]), TRUE)
        )
    fairness = []
    for number in range(m.pick([0, 0, 1, 2])):
        members = sorted({source.integer(0, len(steps) - 1) for _ in range(source.integer(1, 2))})
        fairness.append(Fairness(f"f{number}", tuple(members), m.chance(50)))
    initially = ()
    if m.chance(25):
        initially = (Assign(0, m.fitted(m.variables[0].domain.low, m.variables[0].domain.high, 1, ())),)
    system = System(
        "wide",
        10**6,
        variables=tuple(m.variables),
        timers=tuple(m.timers),
        messages=tuple(m.messages),
        lanes=tuple(m.lanes),
        events=tuple(m.events),
        rules=(Rule("a rule", None),),
        steps=tuple(steps),
        fairness=tuple(fairness),
        units=("u0", "u1"),
        atomic=m.atomic,
        initially=initially,
    )
    return system, m


def sized_system(generator):
    """A wide system from a seeded generator: about a third have more than 1,000 states."""
    return wide_system(Seeded(generator), generator.choice((0, 0, 1, 1, 2, 2, 3, 3, 4)))


# ---- systems with symmetries: a small system several times over


@dataclass(frozen=True)
class Copies:
    """Where the parts of a system are in each of ``count`` copies of it.

    The first ``shared`` variables are common. Messages go ``ahead`` copies on, round about.
    """

    system: System
    count: int
    shared: int
    ahead: int

    def variable(self, at, copy):
        """The number of a variable in a copy."""
        return at if at < self.shared else at + copy * (len(self.system.variables) - self.shared)

    def node(self, node, copy):
        """A node of the system, in a copy."""
        match node:
            case Read(at):
                return Read(self.variable(at, copy))
            case Assign(at, value):
                return Assign(self.variable(at, copy), self.node(value, copy))
            case TimerIs() | Start() | Stop():
                return self._moved(node, "timer", copy * len(self.system.timers), copy)
            case Send():
                return self._moved(node, "lane", (copy + self.ahead) % self.count * len(self.system.lanes), copy)
            case Count() | Due() | Duplicate() | Clear() | Take():
                return self._moved(node, "lane", copy * len(self.system.lanes), copy)
            case Occurred() | Occur():
                return self._moved(node, "event", copy * len(self.system.events), copy)
            case tuple():
                return tuple(self.node(x, copy) for x in node)
            case Enum() | Boolean():
                return node
            case _ if is_dataclass(node):
                return replace(node, **{f.name: self.node(getattr(node, f.name), copy) for f in dataclass_fields(node)})
            case _:
                return node

    def _moved(self, node, name, by, copy):
        rest = {f.name: self.node(getattr(node, f.name), copy) for f in dataclass_fields(node) if f.name != name}
        return replace(node, **{name: getattr(node, name) + by}, **rest)

    def whole(self, steps, m):
        """All the copies, with these steps."""
        rest = self.system.variables[self.shared :]
        copies = range(self.count)
        return replace(
            self.system,
            variables=(*self.system.variables[: self.shared], *(replace(v, name=f"{v.name}.{c}") for c in copies for v in rest)),
            timers=tuple(replace(t, name=f"{t.name}.{c}") for c in copies for t in self.system.timers),
            lanes=tuple(replace(self.node(x, c), name=f"{x.name}.{c}") for c in copies for x in self.system.lanes),
            events=tuple(replace(e, name=f"{e.name}.{c}") for c in copies for e in self.system.events),
            steps=tuple(steps),
            fairness=tuple(self._fairness(steps, m)),
            units=tuple(f"u{i}" for i in range(2 * self.count)),
        )

    def _fairness(self, steps, m):
        for number in range(m.pick([0, 0, 1, 2])):
            name = m.pick(self.system.steps).name
            copies = range(self.count) if m.chance(75) else [m.source.integer(0, self.count - 1)]
            wanted = {f"{name}.{copy}" for copy in copies}
            yield Fairness(f"f{number}", tuple(i for i, s in enumerate(steps) if s.name in wanted), m.chance(50))

    def predicate(self, inner, m):
        """Of all copies, of any, of so many, or of one."""
        copies = [self.node(inner, x) for x in range(self.count)]
        if m.chance(10):
            return m.pick(copies)
        if m.chance(25):
            told = tuple(Apply(Operator.IF, (x, TRUE, FALSE)) for x in copies)
            return Apply(Operator.EQUAL, (Apply(Operator.ADD, told), Constant(m.source.integer(0, self.count))))
        return Apply(m.pick([Operator.AND, Operator.OR, Operator.OR]), tuple(copies))


def twin_system(source):
    """Two or three copies of a small system that see each other, now and then spoilt in one place; and its makers."""
    parts = makers(source)
    known = (parts.variables[:3], parts.timers[:1], parts.lanes[:1], parts.messages, parts.events)
    m = WideMakers(source, *known)
    m.atomic = m.chance(35)
    steps = [m.step(number) for number in range(source.integer(2, 4))]
    base = System(
        "twins",
        10**6,
        variables=tuple(m.variables),
        timers=tuple(m.timers),
        messages=tuple(m.messages),
        lanes=tuple(m.lanes),
        events=tuple(m.events),
        rules=(Rule("a rule", None),),
        steps=tuple(steps),
        atomic=m.atomic,
    )
    copies = Copies(base, m.pick([2, 2, 2, 3]), source.integer(0, 1), m.pick([0, 0, 1]))
    apart = 0 if m.chance(30) else 2  # units of their own
    made = []
    for copy in range(copies.count):
        for step in steps:
            unit = None if step.unit is None else step.unit + apart * copy
            made.append(replace(copies.node(step, copy), name=f"{step.name}.{copy}", unit=unit))
        if m.lanes and copy == 0:
            telling = m.chance(50)
        if m.lanes and telling:
            made.append(_telling(copies, copy, m))
    if m.chance(50):
        made.reverse()
    system = copies.whole(made, m)
    known = ()
    if m.chance(45):
        system, known = acquainted(system, copies, m)
    plain, inside = m.truth, []

    def truth(depth, slots=(), events=False):
        if inside:
            return plain(depth, slots, events)
        if known and m.chance(40):
            return m.pick(known)
        inside.append(True)
        inner = plain(depth, slots, events)
        inside.pop()
        return copies.predicate(inner, m)

    m.truth = truth
    return (spoilt(system, m) if m.chance(30) else system), m


def acquainted(system, copies, m):
    """The system, whose copies tell each other who they are, by numbers from 1 on; and predicates about that."""
    count, first, lane = copies.count, len(system.variables), len(system.lanes)
    domain = Range(0, count + m.chance(20))
    order = Order.UNORDERED if m.chance(10) else Order.FIFO
    kind = len(system.messages)
    hello = Message("hello", (Field("who", domain), Field("whom", domain))[: m.pick([1, 2])])
    steps = []
    for copy in range(count):
        me, mine = Constant(copy + 1), Read(first + copy)
        other = (copy + 1) % count
        to = lane + other
        said = (me, m.pick([mine, Constant(other + 1)]))[: len(hello.fields)]
        steps.append(Step(f"say.{copy}", StepKind.ENVIRONMENT, Apply(Operator.EQUAL, (Count(to), FALSE)), (Send(to, kind, said),)))
    heard = m.pick([TRUE, Apply(Operator.EQUAL, (Read(first), FALSE))])
    back = m.chance(50)
    for copy in range(count):
        who = first + copy
        guard = TRUE if heard == TRUE else Apply(Operator.EQUAL, (Read(who), FALSE))
        body = (Assign(who, Local(1)),)
        if len(hello.fields) > 1:
            body = (If(Apply(Operator.EQUAL, (Local(2), Constant(copy + 1))), body, (Assign(who, FALSE),)),)
        steps.append(Step(f"hear.{copy}", StepKind.DELIVERY, guard, body, take=Take(lane + copy, Taking.DELIVER), slots=3))
        if back:
            steps.append(Step(f"forget.{copy}", StepKind.ENVIRONMENT, Apply(Operator.EQUAL, (Read(who), Constant((copy + 1) % count + 1))), (Assign(who, FALSE),)))
    if m.chance(10):  # more than a name
        steps[-1] = replace(steps[-1], guard=Apply(Operator.LESS, (Read(first), Read(first + 1))))
    knows = [Apply(Operator.EQUAL, (Read(first + c), Constant((c + 1) % count + 1))) for c in range(count)]
    alone = [Apply(Operator.EQUAL, (Read(first + c), FALSE)) for c in range(count)]
    asked = [Apply(o, tuple(x)) for o in (Operator.AND, Operator.OR) for x in (knows, alone)]
    asked += [Apply(Operator.EQUAL, (Read(first), Read(first + 1))), knows[0]]
    lanes = tuple(Lane(f"hello.{c}", "n", 0, 0, m.pick([1, 1, 2]), 0, 1, order, WhenFull.DROP_OLDEST) for c in range(1)) * count
    return replace(
        system,
        variables=(*system.variables, *(Variable(f"who.{c}", domain, 0) for c in range(count))),
        messages=(*system.messages, hello),
        lanes=(*system.lanes, *lanes),
        steps=(*system.steps, *steps),
    ), asked


def _telling(copies, copy, m):
    """A step by which one copy tells all others, in their order."""
    at = copies.shared if copies.shared < len(m.variables) else 0
    domain = m.variables[at].domain
    own = copies.variable(at, copy)
    message = len(m.messages) - 1
    said = tuple(Constant(f.domain.low) for f in m.messages[message].fields)
    body = tuple(Send(x * len(m.lanes), message, said) for x in range(copies.count) if x != copy)
    asked = Apply(Operator.EQUAL, (Read(own), Constant(domain.high)))
    return Step(f"tell.{copy}", StepKind.ENVIRONMENT, asked, (*body, Assign(own, Constant(domain.low))))


def spoilt(system, m):
    """The system with one place changed."""

    def changed(name, change):
        parts = getattr(system, name)
        at = m.source.integer(0, len(parts) - 1)
        return replace(system, **{name: (*parts[:at], change(parts[at]), *parts[at + 1 :])})

    def wider(variable):
        return replace(variable, domain=Range(variable.domain.low, variable.domain.high + 1))

    def another(variable):
        return replace(variable, initial=m.source.integer(variable.domain.low, variable.domain.high))

    kinds = [
        lambda: changed("variables", wider),
        lambda: changed("variables", another),
        lambda: changed("timers", lambda t: replace(t, maximum=t.maximum + 1)),
        lambda: changed("timers", lambda t: replace(t, initial=m.source.integer(-1, t.maximum))),
        lambda: changed("steps", lambda s: replace(s, guard=Apply(Operator.AND, (s.guard, Due(0) if m.lanes else Read(0))))),
        lambda: changed("steps", lambda s: replace(s, urgent=TRUE)),
        lambda: changed("steps", lambda s: replace(s, body=s.body[::-1] if s.slots == 0 else s.body[:1])),
        lambda: changed("steps", lambda s: replace(s, body=(*s.body, m.pick([Occur(0), Stop(0), Mark(0)])))),
    ]
    if m.lanes:
        kinds += [
            lambda: changed("lanes", lambda x: replace(x, maximum=x.maximum + 1)),
            lambda: changed("lanes", lambda x: replace(x, capacity=x.capacity + 1)),
            lambda: changed("lanes", lambda x: replace(x, when_full=WhenFull.DROP_NEWEST)),
            lambda: changed("lanes", lambda x: replace(x, order=Order.FIFO)),
            lambda: changed("lanes", lambda x: replace(x, open=TRUE)),
        ]
    return m.pick(kinds)()
