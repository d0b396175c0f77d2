"""The syntax tree: what was written, with its places, before any meaning. All nodes are frozen."""

from __future__ import annotations

from typing import Literal

from verify.base.place import Place
from verify.base.record import record
from verify.lang.topology_syntax import PartName, Rate, TopologyDecl

# ---- expressions


@record
class Number:
    """``12``."""

    place: Place
    value: int


@record
class Duration:
    """``10ms``, in nanoseconds; ``text`` as written."""

    place: Place
    nanoseconds: int
    text: str


@record
class Truth:
    """``true`` or ``false``."""

    place: Place
    value: bool


@record
class Nothing:
    """``none``."""

    place: Place


@record
class Name:
    """An identifier."""

    place: Place
    text: str


@record
class Member:
    """``base.name``."""

    place: Place
    base: Expr
    name: str


@record
class Index:
    """``base[at]``."""

    place: Place
    base: Expr
    at: Expr


@record
class Call:
    """``base(arguments)``; a named argument carries its name."""

    place: Place
    base: Expr
    arguments: tuple[tuple[str | None, Expr], ...]


@record
class Unary:
    """``not e`` and ``-e``."""

    place: Place
    operator: Literal["not", "-"]
    operand: Expr


@record
class Chain:
    """``a + b - c``: operands and the operators between them, of one level of binding, left to right."""

    place: Place
    operands: tuple[Expr, ...]
    operators: tuple[str, ...]


@record
class Conditional:
    """``if c then a else b``."""

    place: Place
    condition: Expr
    then: Expr
    otherwise: Expr


@record
class Is:
    """``e is Name``, ``e is not none``: ``name`` "none" for none."""

    place: Place
    operand: Expr
    name: str
    negated: bool


@record
class Otherwise:
    """``e otherwise d``: the value of an optional, or d."""

    place: Place
    operand: Expr
    default: Expr


@record
class Rounded:
    """``rounded down to 10ms (e)``; unit None: to whole numbers."""

    place: Place
    direction: str
    unit: Expr | None
    operand: Expr


@record
class SetOf:
    """A set named by an expression: a machine, an enum, a list of parts."""

    place: Place
    expression: Expr


@record
class SetRange:
    """``low .. high``."""

    place: Place
    low: Expr
    high: Expr


@record
class SetList:
    """``{a, b}``."""

    place: Place
    items: tuple[Expr, ...]


Set = SetOf | SetRange | SetList


@record
class Quantifier:
    """``count(r in Router where E : E)``."""

    place: Place
    kind: str
    name: str
    domain: Set
    where: Expr | None
    body: Expr | None


@record
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


@record
class TypeExpr:
    """``kind``: bool, named, range, duration, array, optional or reference."""

    place: Place
    kind: str
    low: Expr | None = None
    high: Expr | None = None
    name: str = ""
    element: TypeExpr | None = None


# ---- statements


@record
class Assignment:
    """``x := e``."""

    place: Place
    target: Expr
    value: Expr


@record
class ActionCall:
    """``announce`` or ``follow(a)``."""

    place: Place
    target: Expr


@record
class SendStatement:
    """``send M { fields } on port``; a field without value takes what has its name."""

    place: Place
    message: str
    fields: tuple[tuple[Name, Expr | None], ...]
    port: Expr | None


@record
class StartTimer:
    """``start t for d``."""

    place: Place
    timer: Expr
    duration: Expr


@record
class StopTimer:
    """``stop t``."""

    place: Place
    timer: Expr


@record
class IfStatement:
    """``if c { … } else { … }``."""

    place: Place
    condition: Expr
    then: Block
    otherwise: Block


@record
class ChooseStatement:
    """``choose x in S where P { … }``."""

    place: Place
    name: str
    domain: Set
    where: Expr | None
    body: Block


@record
class EitherStatement:
    """``either { … } or { … }``."""

    place: Place
    branches: tuple[Block, ...]


@record
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


@record
class Cite:
    """``cite rfc9568 "6.4.2"``."""

    place: Place
    reference: str
    clause: str
    verified: bool


@record
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


@record
class State:
    """A state of a region; ``entry`` None if there is none."""

    place: Place
    name: str
    initial: bool
    entry: Block | None
    entry_citations: tuple[Cite, ...]
    rules: tuple[Rule, ...]


@record
class Region:
    """States with rules of their own; ``name`` "" for the region of a machine that declares none."""

    place: Place
    name: str
    rules: tuple[Rule, ...]
    states: tuple[State, ...]


@record
class Formal:
    """A formal parameter."""

    place: Place
    name: str
    type: TypeExpr


@record
class Let:
    """``let f(x : T) = e``."""

    place: Place
    name: str
    formals: tuple[Formal, ...]
    body: Expr


@record
class Action:
    """``action f(x : T) { … }``."""

    place: Place
    name: str
    formals: tuple[Formal, ...]
    body: Block


@record
class Port:
    """``port p : M, N``."""

    place: Place
    name: str
    messages: tuple[str, ...]


@record
class ParameterDecl:
    """``parameter p : T = e``."""

    place: Place
    name: str
    type: TypeExpr
    default: Expr | None


@record
class VariableDecl:
    """``variable v : T = e survives crash``."""

    place: Place
    name: str
    type: TypeExpr
    initial: Expr | None
    survives: bool


@record
class TimerDecl:
    """``timer t up to d``."""

    place: Place
    name: str
    maximum: Expr | None


@record
class Signal:
    """``signal s``."""

    place: Place
    name: str


@record
class Open:
    """``any T``: a value left open."""

    place: Place
    type: TypeExpr


@record
class Setting:
    """``path = value``."""

    place: Place
    path: Expr
    value: Expr | Open


@record
class Part:
    """``part p : array n of Port { settings }``."""

    place: Place
    name: str
    type: TypeExpr
    settings: tuple[Setting, ...]


MachineItem = Port | ParameterDecl | VariableDecl | TimerDecl | Let | Action | Signal | Part | Rule | Region | State


@record
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


@record
class FieldDecl:
    """``name : T`` in a record or message."""

    place: Place
    name: str
    type: TypeExpr


@record
class Use:
    """``use vrrp as v`` or ``use "file.model"``."""

    place: Place
    target: str
    quoted: bool
    alias: str


@record
class Protocol:
    """``protocol vrrp``."""

    place: Place
    name: str


@record
class Reference:
    """``reference rfc9568 "…"``."""

    place: Place
    name: str
    title: str


@record
class Enum:
    """``enum Version { v2, v3 }``."""

    place: Place
    name: str
    members: tuple[str, ...]


@record
class Record:
    """``record Info { … }``."""

    place: Place
    name: str
    fields: tuple[FieldDecl, ...]


@record
class MessageDecl:
    """``message Advertisement { … }``."""

    place: Place
    name: str
    fields: tuple[FieldDecl, ...]


# ---- scenarios


@record
class Tick:
    """``tick 10ms``."""

    place: Place
    nanoseconds: int


@record
class Reactions:
    """``reactions atomic``."""

    place: Place
    atomic: bool


@record
class MessagesFirst:
    """``messages before timeouts``."""

    place: Place


@record
class InstanceDecl:
    """``r1 : Router { settings }``."""

    place: Place
    name: str
    type: TypeExpr
    settings: tuple[Setting, ...]


@record
class Assume:
    """``assume E``."""

    place: Place
    expression: Expr


@record
class End:
    """An end of a network; ``each``: of every instance of a machine."""

    place: Place
    path: Expr
    each: bool


@record
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


@record
class Window:
    """``low .. high``; high None: exactly low."""

    place: Place
    low: Expr
    high: Expr | None


@record
class Startup:
    """``startup of r1 at 0s..5s``. ``mode``: at, any or never."""

    place: Place
    target: Expr
    each: bool
    mode: str
    window: Window | None
    repeatable: bool


@record
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


@record
class Pool:
    """``faults NAME at most n between a and b { … }``. ``most`` None: ``unlimited`` says whether that was written."""

    place: Place
    word: str
    name: str
    most: Expr | None
    unlimited: bool
    between: tuple[Expr, Expr] | None
    faults: tuple[Fault, ...]


@record
class Fair:
    """``fair strongly delivery on lan``."""

    place: Place
    strong: bool
    kind: str
    target: Expr
    each: bool


@record
class Passing:
    """``part passes traffic when E``."""

    part: PartName
    condition: Expr


@record
class Traffic:
    """``topology name { … }`` in a scenario: which of its parts pass traffic when."""

    place: Place
    topology: str
    passing: tuple[Passing, ...]


@record
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


@record
class Scenario:
    """A scenario as written, before ``extends`` is unfolded."""

    place: Place
    name: str
    parent: str
    items: tuple[ScenarioItem, ...]


# ---- properties


@record
class LtlNode:
    """``operator`` atom (then ``predicate``), or a word of the logic over ``arguments``."""

    place: Place
    operator: str
    arguments: tuple[LtlNode, ...] = ()
    predicate: Expr | None = None


@record
class Survival:
    """``survives any n failures of T among …``: how many, of which topology, and among which parts (none: all)."""

    failures: int
    topology: str
    place: Place
    among: tuple[PartName, ...]


@record
class FormNode:
    """A property's form: ``kind`` names it; ``predicates`` and ``bound`` as the form needs them."""

    place: Place
    kind: str
    predicates: tuple[Expr, ...]
    bound: Expr | None = None
    ltl: LtlNode | None = None
    survival: Survival | None = None


@record
class PropertyDecl:
    """``property name : form``; ``text`` the form as written; ``parts``: its predicates, and what they join, as written."""

    place: Place
    name: str
    form: FormNode
    text: str
    parts: tuple[tuple[Expr, str], ...] = ()


@record
class Expectation:
    """``name expect violated because "…"``; ``verdict`` "" when nothing is said."""

    place: Place
    property: str
    verdict: str
    because: str


@record
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


@record
class File:
    """One source file, parsed."""

    path: str
    declarations: tuple[Declaration, ...]
