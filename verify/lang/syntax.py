"""The syntax tree: what was written, with its places, before any meaning. All nodes are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from verify.base.place import Place
from verify.lang.topology_syntax import PartName, Rate, TopologyDecl

# ---- expressions


@dataclass(frozen=True, slots=True)
class Number:
    """``12``."""

    place: Place
    value: int


@dataclass(frozen=True, slots=True)
class Duration:
    """``10ms``, in nanoseconds; ``text`` as written."""

    place: Place
    nanoseconds: int
    text: str


@dataclass(frozen=True, slots=True)
class Truth:
    """``true`` or ``false``."""

    place: Place
    value: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """``none``."""

    place: Place


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Member:
    """``base.name``."""

    place: Place
    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``base[at]``."""

    place: Place
    base: Expr
    at: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """``base(arguments)``; a named argument carries its name."""

    place: Place
    base: Expr
    arguments: tuple[tuple[str | None, Expr], ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """``not e`` and ``-e``."""

    place: Place
    operator: Literal["not", "-"]
    operand: Expr


@dataclass(frozen=True, slots=True)
class Chain:
    """``a + b - c``: operands and the operators between them, of one level of binding, left to right."""

    place: Place
    operands: tuple[Expr, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """``if c then a else b``."""

    place: Place
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Is:
    """``e is Name``, ``e is not none``: ``name`` "none" for none."""

    place: Place
    operand: Expr
    name: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Otherwise:
    """``e otherwise d``: the value of an optional, or d."""

    place: Place
    operand: Expr
    default: Expr


@dataclass(frozen=True, slots=True)
class Rounded:
    """``rounded down to 10ms (e)``; unit None: to whole numbers."""

    place: Place
    direction: str
    unit: Expr | None
    operand: Expr


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set named by an expression: a machine, an enum, a list of parts."""

    place: Place
    expression: Expr


@dataclass(frozen=True, slots=True)
class SetRange:
    """``low .. high``."""

    place: Place
    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class SetList:
    """``{a, b}``."""

    place: Place
    items: tuple[Expr, ...]


Set = SetOf | SetRange | SetList


@dataclass(frozen=True, slots=True)
class Quantifier:
    """``count(r in Router where E : E)``."""

    place: Place
    kind: str
    name: str
    domain: Set
    where: Expr | None
    body: Expr | None


@dataclass(frozen=True, slots=True)
class Edge:
    """``crash of r1``, ``sent M by r1``: what happened in the step that led here. ``what``: the message, timer or signal."""

    place: Place
    kind: str
    what: str
    target: Expr


Expr = (
    Number
    | Duration
    | Rate
    | Truth
    | Nothing
    | Name
    | Member
    | Index
    | Call
    | Unary
    | Chain
    | Conditional
    | Is
    | Otherwise
    | Rounded
    | Quantifier
    | Edge
)

# ---- types


@dataclass(frozen=True, slots=True)
class TypeExpr:
    """``kind``: bool, named, range, duration, array, optional or reference."""

    place: Place
    kind: str
    low: Expr | None = None
    high: Expr | None = None
    name: str = ""
    element: TypeExpr | None = None


# ---- statements


@dataclass(frozen=True, slots=True)
class Assignment:
    """``x := e``."""

    place: Place
    target: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class ActionCall:
    """``announce`` or ``follow(a)``."""

    place: Place
    target: Expr


@dataclass(frozen=True, slots=True)
class SendStatement:
    """``send M { fields } on port``; a field without value takes what has its name."""

    place: Place
    message: str
    fields: tuple[tuple[Name, Expr | None], ...]
    port: Expr | None


@dataclass(frozen=True, slots=True)
class StartTimer:
    """``start t for d``."""

    place: Place
    timer: Expr
    duration: Expr


@dataclass(frozen=True, slots=True)
class StopTimer:
    """``stop t``."""

    place: Place
    timer: Expr


@dataclass(frozen=True, slots=True)
class IfStatement:
    """``if c { … } else { … }``."""

    place: Place
    condition: Expr
    then: Block
    otherwise: Block


@dataclass(frozen=True, slots=True)
class ChooseStatement:
    """``choose x in S where P { … }``."""

    place: Place
    name: str
    domain: Set
    where: Expr | None
    body: Block


@dataclass(frozen=True, slots=True)
class EitherStatement:
    """``either { … } or { … }``."""

    place: Place
    branches: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Goto:
    """``goto S``."""

    place: Place
    state: str


Statement = (
    Assignment
    | ActionCall
    | SendStatement
    | StartTimer
    | StopTimer
    | IfStatement
    | ChooseStatement
    | EitherStatement
    | Goto
)
Block = tuple[Statement, ...]

# ---- declarations


@dataclass(frozen=True, slots=True)
class Cite:
    """``cite rfc9568 "6.4.2"``."""

    place: Place
    reference: str
    clause: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``event``: a message, signal or built-in event, "" for ``on timeout t`` and for ``when``."""

    place: Place
    head: str
    event: str
    binder: str
    port: str
    timer: str
    guard: Expr | None
    body: Block
    citations: tuple[Cite, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A state of a region; ``entry`` None if there is none."""

    place: Place
    name: str
    initial: bool
    entry: Block | None
    entry_citations: tuple[Cite, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """States with rules of their own; ``name`` "" for the region of a machine that declares none."""

    place: Place
    name: str
    rules: tuple[Rule, ...]
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class Formal:
    """A formal parameter."""

    place: Place
    name: str
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class Let:
    """``let f(x : T) = e``."""

    place: Place
    name: str
    formals: tuple[Formal, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Action:
    """``action f(x : T) { … }``."""

    place: Place
    name: str
    formals: tuple[Formal, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class Port:
    """``port p : M, N``."""

    place: Place
    name: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterDecl:
    """``parameter p : T = e``."""

    place: Place
    name: str
    type: TypeExpr
    default: Expr | None


@dataclass(frozen=True, slots=True)
class VariableDecl:
    """``variable v : T = e survives crash``."""

    place: Place
    name: str
    type: TypeExpr
    initial: Expr | None
    survives: bool


@dataclass(frozen=True, slots=True)
class TimerDecl:
    """``timer t up to d``."""

    place: Place
    name: str
    maximum: Expr | None


@dataclass(frozen=True, slots=True)
class Signal:
    """``signal s``."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Open:
    """``any T``: a value left open."""

    place: Place
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class Setting:
    """``path = value``."""

    place: Place
    path: Expr
    value: Expr | Open


@dataclass(frozen=True, slots=True)
class Part:
    """``part p : array n of Port { settings }``."""

    place: Place
    name: str
    type: TypeExpr
    settings: tuple[Setting, ...]


MachineItem = Port | ParameterDecl | VariableDecl | TimerDecl | Let | Action | Signal | Part | Rule | Region | State


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine. Rules outside every region stand in ``rules``."""

    place: Place
    name: str
    owner: str
    items: tuple[MachineItem, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rules at machine level, in text order."""
        return tuple(i for i in self.items if isinstance(i, Rule))

    @property
    def regions(self) -> tuple[Region, ...]:
        """Its regions; a machine whose states stand in no region has one without a name."""
        states = tuple(i for i in self.items if isinstance(i, State))
        bare = (Region(self.place, "", (), states),) if states else ()
        return bare + tuple(i for i in self.items if isinstance(i, Region))


@dataclass(frozen=True, slots=True)
class FieldDecl:
    """``name : T`` in a record or message."""

    place: Place
    name: str
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class Use:
    """``use vrrp as v`` or ``use "file.model"``."""

    place: Place
    target: str
    quoted: bool
    alias: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """``protocol vrrp``."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """``reference rfc9568 "…"``."""

    place: Place
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Enum:
    """``enum Version { v2, v3 }``."""

    place: Place
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """``record Info { … }``."""

    place: Place
    name: str
    fields: tuple[FieldDecl, ...]


@dataclass(frozen=True, slots=True)
class MessageDecl:
    """``message Advertisement { … }``."""

    place: Place
    name: str
    fields: tuple[FieldDecl, ...]


# ---- scenarios


@dataclass(frozen=True, slots=True)
class Tick:
    """``tick 10ms``."""

    place: Place
    nanoseconds: int


@dataclass(frozen=True, slots=True)
class Reactions:
    """``reactions atomic``."""

    place: Place
    atomic: bool


@dataclass(frozen=True, slots=True)
class MessagesFirst:
    """``messages before timeouts``."""

    place: Place


@dataclass(frozen=True, slots=True)
class InstanceDecl:
    """``r1 : Router { settings }``."""

    place: Place
    name: str
    type: TypeExpr
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Assume:
    """``assume E``."""

    place: Place
    expression: Expr


@dataclass(frozen=True, slots=True)
class End:
    """An end of a network; ``each``: of every instance of a machine."""

    place: Place
    path: Expr
    each: bool


@dataclass(frozen=True, slots=True)
class Network:
    """``segment lan joins a.p, b.p { … }``. ``maximum`` None: as the minimum."""

    place: Place
    kind: str
    name: str
    ends: tuple[End, ...]
    minimum: Expr | None
    maximum: Expr | None
    capacity: Expr | None
    unordered: bool
    when_full: str
    carries: Expr | None


@dataclass(frozen=True, slots=True)
class Window:
    """``low .. high``; high None: exactly low."""

    place: Place
    low: Expr
    high: Expr | None


@dataclass(frozen=True, slots=True)
class Startup:
    """``startup of r1 at 0s..5s``. ``mode``: at, any or never."""

    place: Place
    target: Expr
    each: bool
    mode: str
    window: Window | None
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that may happen. ``kind``: crash, restart, shutdown, startup, signal, lose, duplicate, cut, repair."""

    place: Place
    kind: str
    target: Expr
    each: bool
    what: str
    from_end: Expr | None
    to_end: Expr | None
    silent: bool
    variable: str
    domain: Set | None
    when: Expr | None
    lasts: Window | None
    at: Window | None


@dataclass(frozen=True, slots=True)
class Pool:
    """``faults NAME at most n between a and b { … }``. ``most`` None: ``unlimited`` says whether that was written."""

    place: Place
    word: str
    name: str
    most: Expr | None
    unlimited: bool
    between: tuple[Expr, Expr] | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Fair:
    """``fair strongly delivery on lan``."""

    place: Place
    strong: bool
    kind: str
    target: Expr
    each: bool


@dataclass(frozen=True, slots=True)
class Passing:
    """``part passes traffic when E``."""

    part: PartName
    condition: Expr


@dataclass(frozen=True, slots=True)
class Traffic:
    """``topology name { … }`` in a scenario: which of its parts pass traffic when."""

    place: Place
    topology: str
    passing: tuple[Passing, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """``without …``: takes an inherited line away. ``kind``: network, startup, assume, fair, instance, faults or events."""

    place: Place
    kind: str
    name: str
    target: Expr | None = None


ScenarioItem = (
    Tick
    | Reactions
    | MessagesFirst
    | InstanceDecl
    | Setting
    | Assume
    | Network
    | Startup
    | Pool
    | Fair
    | Without
    | Traffic
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as written, before ``extends`` is unfolded."""

    place: Place
    name: str
    parent: str
    items: tuple[ScenarioItem, ...]


# ---- properties


@dataclass(frozen=True, slots=True)
class LtlNode:
    """``operator`` atom (then ``predicate``), or a word of the logic over ``arguments``."""

    place: Place
    operator: str
    arguments: tuple[LtlNode, ...] = ()
    predicate: Expr | None = None


@dataclass(frozen=True, slots=True)
class Survival:
    """``survives any n failures of T among …``: how many, of which topology, and among which parts (none: all)."""

    failures: int
    topology: str
    place: Place
    among: tuple[PartName, ...]


@dataclass(frozen=True, slots=True)
class FormNode:
    """A property's form: ``kind`` names it; ``predicates`` and ``bound`` as the form needs them."""

    place: Place
    kind: str
    predicates: tuple[Expr, ...]
    bound: Expr | None = None
    ltl: LtlNode | None = None
    survival: Survival | None = None


@dataclass(frozen=True, slots=True)
class PropertyDecl:
    """``property name : form``; ``text`` the form as written; ``parts``: its predicates, and what they join, as written."""

    place: Place
    name: str
    form: FormNode
    text: str
    parts: tuple[tuple[Expr, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """``name expect violated because "…"``; ``verdict`` "" when nothing is said."""

    place: Place
    property: str
    verdict: str
    because: str


@dataclass(frozen=True, slots=True)
class Check:
    """``check scenario { … } needs native``."""

    place: Place
    scenario: str
    expectations: tuple[Expectation, ...]
    native: bool


Declaration = (
    Use
    | Protocol
    | Reference
    | Enum
    | Record
    | MessageDecl
    | Machine
    | Scenario
    | TopologyDecl
    | Let
    | PropertyDecl
    | Check
)


@dataclass(frozen=True, slots=True)
class File:
    """One source file, parsed."""

    path: str
    declarations: tuple[Declaration, ...]
