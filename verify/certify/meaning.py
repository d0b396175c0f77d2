"""What a system means, in SMT-LIB: written from the definitions in :mod:`verify.system`, for certificates alone.

A state is a table from words to terms (texts). A script grows by definitions, one for each value that a statement computes; what
is said twice is named once. One tick is one tick: nothing here knows of longer delays.

**Atomic reactions** happen one by one: ``b`` is not 0 after a step, a tick, and at the beginning, until no reaction is enabled.
The units may take turns in any order, each with its first enabled reaction; the order that is defined is one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from verify.certify.formula import Undecided
from verify.certify.vocabulary import place_words
from verify.system.expression import (
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
)
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
)
from verify.system.system import Lane, Order, Step, StepKind, System, Taking, WhenFull

MOST_OPTIONS = 1024
Words = dict[str, str]
_SIMPLE = {
    Operator.ADD: "+",
    Operator.SUBTRACT: "-",
    Operator.MULTIPLY: "*",
    Operator.EQUAL: "=",
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
}
_TRUTHS = (Operator.AND, Operator.OR, Operator.NOT, Operator.EQUAL, Operator.LESS, Operator.AT_MOST)


def numeral(value: int) -> str:
    """A number as SMT-LIB writes it."""
    return str(value) if value >= 0 else f"(- {-value})"


def all_of(parts: Sequence[str]) -> str:
    """The conjunction."""
    kept = [p for p in parts if p != "true"]
    return "true" if not kept else kept[0] if len(kept) == 1 else f"(and {' '.join(kept)})"


def any_of(parts: Sequence[str]) -> str:
    """The disjunction."""
    kept = [p for p in parts if p != "false"]
    return "false" if not kept else kept[0] if len(kept) == 1 else f"(or {' '.join(kept)})"


def negated(part: str) -> str:
    """The negation."""
    return f"(not {part})"


@dataclass(slots=True)
class Script:
    """Lines of SMT-LIB that define what the terms mention. ``inputs``: constants that stand for choices."""

    lines: list[str] = field(default_factory=list)
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    prefix: str = "x"

    def named(self, sort: str, term: str) -> str:
        """A name for a term; short terms are their own."""
        if len(term) < 12 and "(" not in term:
            return term
        if (sort, term) not in self.known:
            name = f"{self.prefix}!{len(self.known)}"
            self.known[sort, term] = name
            self.lines.append(f"(define-fun {name} () {sort} {term})")
        return self.known[sort, term]

    def input(self) -> str:
        """A new number that anything may be chosen for."""
        name = f"{self.prefix}!i{len(self.lines)}"
        self.lines.append(f"(declare-const {name} Int)")
        return name


@dataclass(slots=True)
class Effect:
    """A step at work: its state so far, where it stands (``path``), what went wrong and what its inputs must satisfy."""

    system: System
    script: Script
    state: Words
    local: list[str]
    position: int = -1
    path: str = "true"
    failures: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    # ---- expressions

    def number(self, e: Expression) -> str:
        """The expression as an Int."""
        match e:
            case Constant(value):
                return numeral(value)
            case Read(variable):
                return self.state[f"v{variable}"]
            case Rigid(parameter):
                return f"p{parameter}"
            case Local(slot):
                return self.local[slot]
            case Count(lane):
                taken = [f"(ite {self.state[f'l{lane}_{p}_here']} 1 0)" for p in self.places(lane)]
                return self.script.named("Int", f"(+ 0 {' '.join(taken)})")
            case Apply(operator, arguments) if operator not in _TRUTHS:
                return self.script.named("Int", self.arithmetic(operator, arguments))
            case Apply() | TimerIs() | Due() | Occurred():
                return self.script.named("Int", f"(ite {self.truth(e)} 1 0)")
            case _:
                assert_never(e)

    def arithmetic(self, operator: Operator, arguments: tuple[Expression, ...]) -> str:
        """Operators that give numbers."""
        if operator is Operator.IF:
            return f"(ite {self.truth(arguments[0])} {self.number(arguments[1])} {self.number(arguments[2])})"
        a = [self.number(x) for x in arguments]
        if operator in (Operator.DIVIDE, Operator.MODULO):
            # SMT-LIB: a = b * q + r with 0 <= r < |b|; here r has the sign of b, and q = (a - r) / b
            remainder = f"(mod {a[0]} {a[1]})"
            signed = f"(ite (and (< {a[1]} 0) (not (= {remainder} 0))) (+ {remainder} {a[1]}) {remainder})"
            signed = self.script.named("Int", signed)
            return signed if operator is Operator.MODULO else f"(div (- {a[0]} {signed}) {a[1]})"
        if operator in (Operator.MINIMUM, Operator.MAXIMUM):
            sign = "<=" if operator is Operator.MINIMUM else ">="
            best = a[0]
            for other in a[1:]:
                best = self.script.named("Int", f"(ite ({sign} {best} {other}) {best} {other})")
            return best
        if len(a) == 1:
            return a[0]
        return f"({_SIMPLE[operator]} {' '.join(a)})"

    def truth(self, e: Expression) -> str:
        """The expression as a Bool."""
        return self.script.named("Bool", self.condition(e))

    def condition(self, e: Expression) -> str:
        """The expression as a Bool, spelt out."""
        match e:
            case Constant(value):
                return "true" if value else "false"
            case TimerIs(timer, status):
                sign = {TimerStatus.STOPPED: "<", TimerStatus.EXPIRED: "=", TimerStatus.RUNNING: ">"}[status]
                return f"({sign} {self.state[f't{timer}']} 0)"
            case Occurred(event):
                return self.state.get(f"e{event}", "false")
            case Due(lane):
                declared = self.system.lanes[lane]
                places = [0] if declared.order is Order.FIFO else self.places(lane)
                return any_of([self.is_due(lane, p) for p in places])
            case Apply(Operator.AND, arguments):
                return all_of([self.truth(a) for a in arguments])
            case Apply(Operator.OR, arguments):
                return any_of([self.truth(a) for a in arguments])
            case Apply(Operator.NOT, (inner,)):
                return negated(self.truth(inner))
            case Apply(operator, (left, right)) if operator in _TRUTHS:
                return f"({_SIMPLE[operator]} {self.number(left)} {self.number(right)})"
            case _:
                return f"(not (= {self.number(e)} 0))"

    def is_due(self, lane: int, place: int) -> str:
        """A message stands in the place and is at its maximum delay."""
        here, age = self.state[f"l{lane}_{place}_here"], self.state[f"l{lane}_{place}_age"]
        return all_of([here, f"(>= {age} {self.system.lanes[lane].maximum})"])

    def places(self, lane: int) -> list[int]:
        """The places of a lane."""
        return list(range(self.system.lanes[lane].capacity))

    # ---- statements

    def fail(self, condition: str) -> None:
        """An error here, if the condition holds."""
        self.failures.append(self.script.named("Bool", all_of([self.path, condition])))

    def run(self, block: Block) -> None:
        """Run a block."""
        for statement in block:
            self.one(statement)

    def one(self, statement: Statement) -> None:
        """Run a statement."""
        match statement:
            case Assign(variable, value):
                domain, term = self.system.variables[variable].domain, self.number(value)
                self.fail(f"(not (<= {numeral(domain.low)} {term} {numeral(domain.high)}))")
                self.state[f"v{variable}"] = term
            case Start(timer, ticks):
                term = self.number(ticks)
                self.fail(f"(not (<= 0 {term} {self.system.timers[timer].maximum}))")
                self.state[f"t{timer}"] = term
            case Stop(timer):
                self.state[f"t{timer}"] = "(- 1)"
            case Bind(slot, value):
                self.local[slot] = self.number(value)
            case If(condition, then, otherwise):
                self.fork(self.truth(condition), then, otherwise)
            case Either(()):  # it stops the step, and time with it if the step is urgent
                raise Undecided("a choice among no branches is not known to this program")
            case Either(branches):
                pick = self.script.input()
                self.allowed.append(f"(<= 0 {pick} {len(branches) - 1})")
                self.alternatives(pick, branches)
            case Choose():
                self.choose(statement)
            case Send():
                self.send(statement)
            case Duplicate(lane):
                place = place_words(self.system, lane, self.position)
                message = {w.rsplit("_", 1)[1]: self.state[w] for w in place}
                self.enter(lane, message, self.position + 1, "true")
            case Clear(lane):
                for free in self.places(lane):
                    self.put(lane, free, {}, "true")
            case Occur(event):
                if f"e{event}" in self.state:
                    self.state[f"e{event}"] = any_of([self.state[f"e{event}"], self.path])
            case Mark():
                pass
            case _:
                assert_never(statement)

    def fork(self, condition: str, then: Block, otherwise: Block) -> None:
        """Both branches, each where it is taken, and what they leave."""
        left = replace(self, state=dict(self.state), local=list(self.local), path=self.along(condition))
        left.run(then)
        right = replace(self, state=dict(self.state), local=list(self.local), path=self.along(negated(condition)))
        right.run(otherwise)
        for word in self.state:
            sort = "Bool" if word.endswith("_here") or word.startswith("e") else "Int"
            self.state[word] = self.either(sort, condition, left.state[word], right.state[word])
        self.local = [self.either("Int", condition, a, b) for a, b in zip(left.local, right.local, strict=True)]

    def along(self, condition: str) -> str:
        """The path with one more condition."""
        return self.script.named("Bool", all_of([self.path, condition]))

    def either(self, sort: str, condition: str, a: str, b: str) -> str:
        """``a`` where the condition holds, ``b`` elsewhere."""
        return a if a == b else self.script.named(sort, f"(ite {condition} {a} {b})")

    def alternatives(self, pick: str, branches: tuple[Block, ...], first: int = 0) -> None:
        """The branch that was picked."""
        if first == len(branches) - 1:
            self.run(branches[first])
            return
        condition = self.script.named("Bool", f"(= {pick} {first})")
        left = replace(self, state=dict(self.state), local=list(self.local), path=self.along(condition))
        left.run(branches[first])
        right = replace(self, state=dict(self.state), local=list(self.local), path=self.along(negated(condition)))
        right.alternatives(pick, branches, first + 1)
        for word in self.state:
            sort = "Bool" if word.endswith("_here") or word.startswith("e") else "Int"
            self.state[word] = self.either(sort, condition, left.state[word], right.state[word])
        self.local = [self.either("Int", condition, a, b) for a, b in zip(left.local, right.local, strict=True)]

    def choose(self, statement: Choose) -> None:
        """Any value of the range that satisfies the condition; none is an error."""
        if statement.high - statement.low >= MOST_OPTIONS and statement.where != Constant(1):
            raise Undecided("a choice among too many values for this program")
        pick = self.script.input()
        options = ["true"] if statement.low <= statement.high else []
        if statement.where != Constant(1):
            options = []
            for option in range(statement.low, statement.high + 1):
                self.local[statement.slot] = numeral(option)
                options.append(self.truth(statement.where))
        self.local[statement.slot] = pick
        some = self.script.named("Bool", any_of(options))
        wanted = all_of([f"(<= {numeral(statement.low)} {pick} {numeral(statement.high)})", self.truth(statement.where)])
        self.allowed.append(f"(=> {all_of([self.path, some])} {wanted})")
        self.fail(negated(some))

    # ---- lanes

    def send(self, statement: Send) -> None:
        """A message at the end of a lane that is open."""
        lane, message = self.system.lanes[statement.lane], self.system.messages[statement.message]
        opened = self.truth(lane.open)
        whole = self.path
        self.path = self.along(opened)
        content = {"here": "true", "age": "0", "kind": str(statement.message)}
        for number, (declared, value) in enumerate(zip(message.fields, statement.fields, strict=True)):
            term = self.number(value)
            self.fail(f"(not (<= {numeral(declared.domain.low)} {term} {numeral(declared.domain.high)}))")
            content[f"f{number}"] = term
        self.enter(statement.lane, content, None, opened)
        self.path = whole

    def content(self, lane: int, place: int) -> Words:
        """What stands in a place, by short words; a place behind the last one is free."""
        words = place_words(self.system, lane, min(place, self.system.lanes[lane].capacity - 1))
        if place >= self.system.lanes[lane].capacity:
            return {w.rsplit("_", 1)[1]: "false" if w.endswith("_here") else "0" for w in words}
        return {w.rsplit("_", 1)[1]: self.state[w] for w in words}

    def put(self, lane: int, place: int, content: Words, condition: str) -> None:
        """Set a place, where the condition holds; what ``content`` does not tell is 0 (and no message, if it tells nothing)."""
        for word, sort in place_words(self.system, lane, place).items():
            short = word.rsplit("_", 1)[1]
            new = content.get(short, "false" if sort == "Bool" else "0")
            self.state[word] = new if condition == "true" else self.either(sort, condition, new, self.state[word])

    def enter(self, lane: int, message: Words, at: int | None, condition: str) -> None:
        """A message enters at a place (None: the first that is free), if the condition holds, by the rules of a full lane."""
        declared = self.system.lanes[lane]
        full = self.script.named("Bool", self.state[f"l{lane}_{declared.capacity - 1}_here"])
        if declared.when_full is WhenFull.DROP_OLDEST:
            shift = self.script.named("Bool", all_of([condition, full]))
            moved = [self.content(lane, p + 1) for p in self.places(lane)]
            for place, content in zip(self.places(lane), moved, strict=True):
                self.put(lane, place, content, shift)
            if at is not None:
                lower = max(0, at - 1)
                self.insert(lane, message, lower, shift)
                self.insert(lane, message, at, self.script.named("Bool", all_of([condition, negated(full)])))
            else:
                self.insert(lane, message, None, condition)
        elif declared.when_full is WhenFull.DROP_NEWEST:
            self.insert(lane, message, at, self.script.named("Bool", all_of([condition, negated(full)])))
        else:
            self.fail(full)
            self.insert(lane, message, at, condition)
        if declared.order is Order.UNORDERED:
            self.sort(lane)

    def insert(self, lane: int, message: Words, at: int | None, condition: str) -> None:
        """Into a lane that has room: what stands at the place or behind it moves on."""
        before = [self.content(lane, p) for p in self.places(lane)]
        for place in reversed(self.places(lane)):
            if at is not None:
                if place >= at:
                    self.put(lane, place, message if place == at else before[place - 1], condition)
                continue
            front = before[place - 1]["here"] if place else "true"
            first_free = self.script.named("Bool", all_of([condition, front, negated(before[place]["here"])]))
            self.put(lane, place, message, first_free)

    def sort(self, lane: int) -> None:
        """The canonical order of an unordered lane: the oldest first, then by kind and fields; free places last."""
        size = self.system.lanes[lane].capacity
        for end in range(size - 1, 0, -1):
            for place in range(end):
                first, second = self.content(lane, place), self.content(lane, place + 1)
                swap = self.script.named("Bool", self.precedes(second, first))
                self.put(lane, place, second, swap)
                self.put(lane, place + 1, first, swap)

    def precedes(self, a: Words, b: Words) -> str:
        """Whether ``a`` comes strictly before ``b``."""
        term = "false"
        keys = ["kind", *sorted((k for k in a if k.startswith("f")), key=lambda k: int(k[1:]))]
        for key in reversed(keys):
            term = f"(or (< {a[key]} {b[key]}) (and (= {a[key]} {b[key]}) {term}))"
        older = f"(or (> {a['age']} {b['age']}) (and (= {a['age']} {b['age']}) {term}))"
        return f"(and {a['here']} (or (not {b['here']}) {older}))"


@dataclass(slots=True)
class Happening:
    """A step (with one position of its message) from any state: when it can be, whether it is urgent, and what it leads to.

    ``step`` None: the tick (``ticks``), or the rest after atomic reactions. ``seen``: whether what it leads to is a state of the
    system, and not one on the way to it.
    """

    name: str
    step: Step | None
    script: Script
    enabled: str
    urgent: str
    effect: Effect
    ticks: bool = False
    seen: bool = True


def happenings(system: System, words: Words) -> list[Happening]:
    """Every step from the state that the words tell, the tick last."""
    found = [h for number, step in enumerate(system.steps) for h in _of_step(system, words, number, step)]
    if "b" in words:
        found.append(_rest(system, words))
    return [*found, _tick(system, words, found)]


def begin(system: System, words: Words) -> Effect:
    """The first state."""
    state = {w: "false" if sort == "Bool" else "0" for w, sort in words.items()}
    state |= {f"v{i}": numeral(v.initial) for i, v in enumerate(system.variables)}
    state |= {f"t{i}": numeral(t.initial) for i, t in enumerate(system.timers)}
    effect = Effect(system, Script(prefix="begin"), state, ["0"] * 64)
    effect.run(system.initially)
    effect.state |= {w: "false" for w in words if w.startswith("e")}
    if "b" in words:
        effect.state["b"] = "2"
    return effect


def _of_step(system: System, words: Words, number: int, step: Step) -> list[Happening]:
    if "b" in words and step.kind is StepKind.REACTION:
        return [_reaction(system, words, number, step)]
    if step.take is None:
        return [_made(system, words, f"s{number}", step, -1)]
    lane = system.lanes[step.take.lane]
    only_head = lane.order is Order.FIFO and step.take.taking is Taking.DELIVER
    return [_made(system, words, f"s{number}p{p}", step, p) for p in range(1 if only_head else lane.capacity)]


def _made(system: System, words: Words, name: str, step: Step, position: int) -> Happening:
    script = Script(prefix=name)
    effect = Effect(system, script, {w: w for w in words}, ["0"] * max(1, step.slots), position)
    conditions: list[str] = []
    urgent = effect.truth(step.urgent)
    if step.take is not None:
        conditions, due, message = _taking(system, effect, step, position)
        urgent = any_of([urgent, due])
        effect.local = [message["kind"], *(message[f"f{i}"] for i in range(len(message) - 3))]
        effect.local += ["0"] * max(0, step.slots - len(effect.local))
    if "b" in words:
        conditions.append("(= b 0)")
        effect.state["b"] = "1"
    enabled = script.named("Bool", all_of([*conditions, effect.truth(step.guard)]))
    if step.take is not None and step.take.taking is not Taking.COPY:
        lane = step.take.lane
        for place in range(position, system.lanes[lane].capacity):
            effect.put(lane, place, effect.content(lane, place + 1), "true")
    effect.state |= {w: "false" for w in words if w.startswith("e")}
    effect.run(step.body)
    return Happening(name, step, script, enabled, script.named("Bool", all_of([enabled, urgent])), effect, seen="b" not in words)


def _reaction(system: System, words: Words, number: int, step: Step) -> Happening:
    if step.take is not None or step.unit is None:
        raise Undecided(f"the reaction '{step.name}' takes a message, or has no unit")
    script = Script(prefix=f"s{number}")
    effect = Effect(system, script, {w: w for w in words}, ["0"] * max(1, step.slots))
    before = [s for s in system.steps[:number] if s.kind is StepKind.REACTION and s.unit == step.unit]
    waiting = [negated(effect.truth(s.guard)) for s in before]
    enabled = script.named("Bool", all_of(["(> b 0)", *waiting, effect.truth(step.guard)]))
    effect.state |= {w: "false" for w in words if w.startswith("e")}
    effect.run(step.body)
    for event in (w for w in words if w.startswith("e")):  # those of the beginning are not told
        effect.state[event] = script.named("Bool", any_of([event, all_of(["(= b 1)", effect.state[event]])]))
    return Happening(f"s{number}", step, script, enabled, enabled, effect, seen=False)


def _rest(system: System, words: Words) -> Happening:
    script = Script(prefix="rest")
    effect = Effect(system, script, {w: w for w in words}, ["0"])
    waiting = [negated(effect.truth(s.guard)) for s in system.steps if s.kind is StepKind.REACTION]
    effect.state["b"] = "0"
    return Happening("rest", None, script, script.named("Bool", all_of(["(> b 0)", *waiting])), "false", effect)


def _taking(system: System, effect: Effect, step: Step, position: int) -> tuple[list[str], str, Words]:
    assert step.take is not None  # noqa: S101 - the caller has looked
    lane, number = system.lanes[step.take.lane], step.take.lane
    message = effect.content(number, position)
    conditions = [message["here"]]
    due = "false"
    if step.take.taking is Taking.DELIVER:
        conditions.append(f"(>= {message['age']} {lane.minimum})")
        due = f"(>= {message['age']} {lane.maximum})"
    if lane.order is Order.UNORDERED and position > 0:
        other = effect.content(number, position - 1)
        conditions.append(negated(all_of([f"(= {message[k]} {other[k]})" for k in message if k != "here"])))
    return conditions, due, message


def _tick(system: System, words: Words, steps: list[Happening]) -> Happening:
    script = Script(prefix="tick")
    effect = Effect(system, script, {w: w for w in words}, ["0"])
    for number in range(len(system.timers)):
        word = f"t{number}"
        effect.state[word] = script.named("Int", f"(ite (> {word} 0) (- {word} 1) {word})")
    for number, lane in enumerate(system.lanes):
        _older(effect, number, lane)
    effect.state |= {w: "false" for w in words if w.startswith("e")}
    allowed = negated(any_of([h.urgent for h in steps]))
    if "b" in words:
        allowed = all_of(["(= b 0)", allowed])
        effect.state["b"] = "1"
    lines = [line for h in steps for line in h.script.lines]
    script.lines = [*lines, *script.lines]
    named = script.named("Bool", allowed)
    return Happening("tick", None, script, named, "false", effect, ticks=True, seen="b" not in words)


def _older(effect: Effect, number: int, lane: Lane) -> None:
    for place in range(lane.capacity):
        age, here = effect.state[f"l{number}_{place}_age"], effect.state[f"l{number}_{place}_here"]
        aged = f"(ite (and {here} (< {age} {lane.maximum})) (+ {age} 1) {age})"
        effect.state[f"l{number}_{place}_age"] = effect.script.named("Int", aged)
    if lane.order is Order.UNORDERED:
        effect.sort(number)
