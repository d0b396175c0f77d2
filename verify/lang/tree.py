"""From lark's reductions to the syntax tree. Method names are the grammar's; children are tokens, nodes, or None."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, TypeVar

from lark import Token
from lark.visitors import v_args

from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.topology_tree import MOST_DIGITS, LiteralError, TopologyTree, whole

if TYPE_CHECKING:
    from lark.tree import Meta

NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}


LONGEST_PATH = 60

Written = TypeVar("Written", s.Chain, s.Unary, s.Quantifier)


def nanoseconds(text: str, place: Place) -> int:
    """The length of a duration literal such as ``3.62s``; LiteralError for fractions of a nanosecond."""
    digits = text.rstrip("nusmih")
    whole(digits.partition(".")[0], place)
    if len(digits) > 2 * MOST_DIGITS:
        raise LiteralError(f"a duration of {len(digits)} digits is too fine", place, "the finest unit is 1ns")
    with localcontext() as context:
        context.prec = 80
        value = Decimal(digits) * NANOSECONDS[text[len(digits) :]]
    if value != value.to_integral_value():
        raise LiteralError(f"{text} is no whole number of nanoseconds", place, "the finest unit is 1ns")
    return int(value)


def _kept(children: list[Any], *kinds: type) -> tuple[Any, ...]:
    return tuple(c for c in children if isinstance(c, kinds))


@v_args(meta=True)
class TreeBuilder(TopologyTree):
    """Builds the nodes of :mod:`verify.lang.syntax` for the file ``path`` with the text ``text``."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self._file = path
        self._text = text
        self._written: dict[int, tuple[s.Expr, str]] = {}  # with its node, so that its id stays its own

    def _head(self, meta: Meta) -> str:
        """The text of a rule up to its block, on one line."""
        text = self._text[meta.start_pos : meta.end_pos]
        return " ".join(text.split("{")[0].split())[:120]

    # ---- files

    def start(self, _meta: Meta, c: list[Any]) -> s.File:
        return s.File(self._file, tuple(c))

    def use(self, _meta: Meta, c: list[Any]) -> s.Use:
        target, alias = c
        quoted = target.type == "STRING"
        return s.Use(self._at(target), target[1:-1] if quoted else str(target), quoted, str(alias or ""))

    def protocol(self, _meta: Meta, c: list[Any]) -> s.Protocol:
        return s.Protocol(self._at(c[0]), str(c[0]))

    def reference(self, _meta: Meta, c: list[Any]) -> s.Reference:
        return s.Reference(self._at(c[0]), str(c[0]), c[1][1:-1])

    def enum(self, _meta: Meta, c: list[Any]) -> s.Enum:
        return s.Enum(self._at(c[0]), str(c[0]), tuple(str(x) for x in c[1:]))

    def record(self, _meta: Meta, c: list[Any]) -> s.Record:
        return s.Record(self._at(c[0]), str(c[0]), _kept(c, s.FieldDecl))

    def message(self, _meta: Meta, c: list[Any]) -> s.MessageDecl:
        return s.MessageDecl(self._at(c[0]), str(c[0]), _kept(c, s.FieldDecl))

    def field(self, _meta: Meta, c: list[Any]) -> s.FieldDecl:
        return s.FieldDecl(self._at(c[0]), str(c[0]), c[1])

    # ---- types

    def bool_type(self, meta: Meta, _c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(meta), "bool")

    def named_type(self, meta: Meta, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(meta), "named", low=c[0], name=_dotted(c[0]))

    def range_type(self, meta: Meta, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(meta), "range", c[0], c[1])

    def duration_type(self, meta: Meta, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(meta), "duration", c[0], c[1])

    def array_type(self, meta: Meta, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(meta), "array", c[0], element=c[1])

    def optional_type(self, meta: Meta, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(meta), "optional", element=c[0])

    def reference_type(self, _meta: Meta, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(self._at(c[0]), "reference", name=str(c[0]))

    # ---- machines

    def machine(self, _meta: Meta, c: list[Any]) -> s.Machine:
        name, owner, *items = c
        return s.Machine(self._at(name), str(name), str(owner or ""), tuple(items))

    def port(self, _meta: Meta, c: list[Any]) -> s.Port:
        return s.Port(self._at(c[0]), str(c[0]), tuple(c[1:]))

    def parameter(self, _meta: Meta, c: list[Any]) -> s.ParameterDecl:
        return s.ParameterDecl(self._at(c[0]), str(c[0]), c[1], c[2])

    def variable(self, _meta: Meta, c: list[Any]) -> s.VariableDecl:
        return s.VariableDecl(self._at(c[0]), str(c[0]), c[1], c[2], c[3] is not None)

    def survives(self, _meta: Meta, _c: list[Any]) -> str:
        return "survives"

    def timer(self, _meta: Meta, c: list[Any]) -> s.TimerDecl:
        return s.TimerDecl(self._at(c[0]), str(c[0]), c[1])

    def let(self, _meta: Meta, c: list[Any]) -> s.Let:
        return s.Let(self._at(c[0]), str(c[0]), c[1] or (), c[2])

    def formals(self, _meta: Meta, c: list[Any]) -> tuple[s.Formal, ...]:
        return tuple(c)

    def formal(self, _meta: Meta, c: list[Any]) -> s.Formal:
        return s.Formal(self._at(c[0]), str(c[0]), c[1])

    def action(self, _meta: Meta, c: list[Any]) -> s.Action:
        return s.Action(self._at(c[0]), str(c[0]), c[1] or (), c[2])

    def signal(self, _meta: Meta, c: list[Any]) -> s.Signal:
        return s.Signal(self._at(c[0]), str(c[0]))

    def part(self, _meta: Meta, c: list[Any]) -> s.Part:
        return s.Part(self._at(c[0]), str(c[0]), c[1], c[2] or ())

    def region(self, _meta: Meta, c: list[Any]) -> s.Region:
        return s.Region(self._at(c[0]), str(c[0]), _kept(c, s.Rule), _kept(c, s.State))

    def state(self, _meta: Meta, c: list[Any]) -> s.State:
        initial, name, entry, *rules = c
        body, citations = entry or (None, ())
        return s.State(self._at(name), str(name), initial is not None, body, citations, tuple(rules))

    def initial(self, _meta: Meta, _c: list[Any]) -> str:
        return "initial"

    def entry(self, _meta: Meta, c: list[Any]) -> tuple[s.Block, tuple[s.Cite, ...]]:
        return c[0], tuple(c[1:])

    def event_rule(self, meta: Meta, c: list[Any]) -> s.Rule:
        (event, binder, port), guard, body, *cites = c
        place = self._at(meta)
        return s.Rule(place, self._head(meta), event, binder, port, "", guard, body, tuple(cites))

    def timeout_rule(self, meta: Meta, c: list[Any]) -> s.Rule:
        timer, guard, body, *cites = c
        return s.Rule(self._at(meta), self._head(meta), "", "", "", str(timer), guard, body, tuple(cites))

    def when_rule(self, meta: Meta, c: list[Any]) -> s.Rule:
        guard, body, *cites = c
        return s.Rule(self._at(meta), self._head(meta), "", "", "", "", guard, body, tuple(cites))

    def event(self, _meta: Meta, c: list[Any]) -> tuple[str, str, str]:
        return c[0], str(c[1] or ""), str(c[2] or "")

    def cite(self, _meta: Meta, c: list[Any]) -> s.Cite:
        return s.Cite(self._at(c[0]), str(c[0]), c[1][1:-1], c[2] is None)

    def unverified(self, _meta: Meta, _c: list[Any]) -> str:
        return "unverified"

    # ---- statements

    def block(self, _meta: Meta, c: list[Any]) -> s.Block:
        return tuple(c)

    def assign(self, meta: Meta, c: list[Any]) -> s.Assignment:
        return s.Assignment(self._at(meta), c[0], c[1])

    def call(self, meta: Meta, c: list[Any]) -> s.ActionCall:
        return s.ActionCall(self._at(meta), c[0])

    def send(self, meta: Meta, c: list[Any]) -> s.SendStatement:
        message, *rest = c
        inits = tuple(x for x in rest if isinstance(x, tuple))
        port = rest[-1] if rest and not isinstance(rest[-1], tuple) else None
        return s.SendStatement(self._at(meta), message, inits, port)

    def init(self, _meta: Meta, c: list[Any]) -> tuple[s.Name, s.Expr | None]:
        return s.Name(self._at(c[0]), str(c[0])), c[1]

    def start_timer(self, meta: Meta, c: list[Any]) -> s.StartTimer:
        return s.StartTimer(self._at(meta), c[0], c[1])

    def stop_timer(self, meta: Meta, c: list[Any]) -> s.StopTimer:
        return s.StopTimer(self._at(meta), c[0])

    def if_statement(self, meta: Meta, c: list[Any]) -> s.IfStatement:
        condition, then, otherwise = c
        if isinstance(otherwise, s.IfStatement):
            otherwise = (otherwise,)
        return s.IfStatement(self._at(meta), condition, then, otherwise or ())

    def choose(self, meta: Meta, c: list[Any]) -> s.ChooseStatement:
        return s.ChooseStatement(self._at(meta), str(c[0]), c[1], c[2], c[3])

    def either(self, meta: Meta, c: list[Any]) -> s.EitherStatement:
        return s.EitherStatement(self._at(meta), tuple(c))

    def goto(self, _meta: Meta, c: list[Any]) -> s.Goto:
        return s.Goto(self._at(c[0]), str(c[0]))

    # ---- expressions

    def _as_written(self, meta: Meta, node: Written) -> Written:
        """The node, its text remembered for the parts of properties."""
        self._written[id(node)] = node, " ".join(self._text[meta.start_pos : meta.end_pos].split())
        return node

    def _chain(self, meta: Meta, c: list[Any], word: str) -> s.Chain:
        return self._as_written(meta, s.Chain(self._at(meta), tuple(c), (word,) * (len(c) - 1)))

    def disjunction(self, meta: Meta, c: list[Any]) -> s.Chain:
        return self._chain(meta, c, "or")

    def conjunction(self, meta: Meta, c: list[Any]) -> s.Chain:
        return self._chain(meta, c, "and")

    def implies(self, meta: Meta, c: list[Any]) -> s.Chain:
        return self._chain(meta, c, "implies")

    def _mixed(self, meta: Meta, c: list[Any]) -> s.Chain:
        return self._as_written(meta, s.Chain(self._at(meta), tuple(c[::2]), tuple(str(x) for x in c[1::2])))

    compare = _mixed
    sum = _mixed
    product = _mixed

    def conditional(self, meta: Meta, c: list[Any]) -> s.Conditional:
        return s.Conditional(self._at(meta), *c)

    def not_(self, meta: Meta, c: list[Any]) -> s.Unary:
        return self._as_written(meta, s.Unary(self._at(meta), "not", c[0]))

    def negative(self, meta: Meta, c: list[Any]) -> s.Unary:
        return s.Unary(self._at(meta), "-", c[0])

    def is_(self, meta: Meta, c: list[Any]) -> s.Is:
        return s.Is(self._at(meta), c[0], str(c[1]), negated=False)

    def is_not(self, meta: Meta, c: list[Any]) -> s.Is:
        return s.Is(self._at(meta), c[0], str(c[1]), negated=True)

    def is_none(self, meta: Meta, c: list[Any]) -> s.Is:
        return s.Is(self._at(meta), c[0], "none", negated=False)

    def is_not_none(self, meta: Meta, c: list[Any]) -> s.Is:
        return s.Is(self._at(meta), c[0], "none", negated=True)

    def otherwise(self, meta: Meta, c: list[Any]) -> s.Otherwise:
        return s.Otherwise(self._at(meta), *c)

    def path(self, meta: Meta, c: list[Any]) -> s.Expr:
        base: s.Expr = s.Name(self._at(c[0]), str(c[0])) if isinstance(c[0], Token) else c[0]
        if len(c) > LONGEST_PATH:
            raise LiteralError(f"a path of {len(c)} parts is too long", self._at(meta), f"{LONGEST_PATH} are possible")
        for kind, value, place in c[1:]:
            whole = Place(self._file, meta.line, meta.column, place.end if place.line == meta.line else 0)
            match kind:
                case "member":
                    base = s.Member(place, base, value)
                case "index":
                    base = s.Index(place, base, value)
                case _:
                    base = s.Call(whole, base, value)
        return base

    place = path

    def member(self, _meta: Meta, c: list[Any]) -> tuple[str, str, Place]:
        return "member", str(c[0]), self._at(c[0])

    def index(self, meta: Meta, c: list[Any]) -> tuple[str, s.Expr, Place]:
        return "index", c[0], self._at(meta)

    def arguments(self, meta: Meta, c: list[Any]) -> tuple[str, tuple[Any, ...], Place]:
        return "arguments", tuple(x for x in c if x is not None), self._at(meta)

    def argument(self, _meta: Meta, c: list[Any]) -> tuple[str | None, s.Expr]:
        return (None, c[0]) if len(c) == 1 else (str(c[0]), c[1])

    def number(self, _meta: Meta, c: list[Any]) -> s.Number:
        return s.Number(self._at(c[0]), whole(c[0], self._at(c[0])))

    def duration(self, _meta: Meta, c: list[Any]) -> s.Duration:
        return self._duration(c[0])

    def _duration(self, token: Token) -> s.Duration:
        return s.Duration(self._at(token), nanoseconds(token, self._at(token)), str(token))

    def true_(self, meta: Meta, _c: list[Any]) -> s.Truth:
        return s.Truth(self._at(meta), value=True)

    def false_(self, meta: Meta, _c: list[Any]) -> s.Truth:
        return s.Truth(self._at(meta), value=False)

    def none_(self, meta: Meta, _c: list[Any]) -> s.Nothing:
        return s.Nothing(self._at(meta))

    def rounded(self, meta: Meta, c: list[Any]) -> s.Rounded:
        return s.Rounded(self._at(meta), str(c[0]), c[1], c[2])

    def unit(self, _meta: Meta, c: list[Any]) -> s.Expr:
        token = c[0]
        match token.type:
            case "DURATION":
                return self._duration(token)
            case "INT":
                return s.Number(self._at(token), whole(token, self._at(token)))
            case _:
                return s.Name(self._at(token), str(token))

    def quantifier(self, meta: Meta, c: list[Any]) -> s.Quantifier:
        kind, name, domain, where, body = c
        return self._as_written(meta, s.Quantifier(self._at(meta), str(kind), str(name), domain, where, body))

    def edge(self, meta: Meta, c: list[Any]) -> s.Edge:
        return s.Edge(self._at(meta), str(c[0]), "", c[1])

    def edge_named(self, meta: Meta, c: list[Any]) -> s.Edge:
        return s.Edge(self._at(meta), str(c[0]), str(c[1]), c[2])

    def set_of(self, meta: Meta, c: list[Any]) -> s.SetOf:
        return s.SetOf(self._at(meta), c[0])

    def set_range(self, meta: Meta, c: list[Any]) -> s.SetRange:
        return s.SetRange(self._at(meta), c[0], c[1])

    def set_list(self, meta: Meta, c: list[Any]) -> s.SetList:
        return s.SetList(self._at(meta), tuple(c))

    def qname(self, _meta: Meta, c: list[Any]) -> str:
        return f"{c[0]}.{c[1]}" if c[1] else str(c[0])

    # ---- scenarios

    def scenario(self, _meta: Meta, c: list[Any]) -> s.Scenario:
        return s.Scenario(self._at(c[0]), str(c[0]), str(c[1] or ""), tuple(c[2:]))

    def tick(self, _meta: Meta, c: list[Any]) -> s.Tick:
        return s.Tick(self._at(c[0]), nanoseconds(c[0], self._at(c[0])))

    def reactions(self, meta: Meta, c: list[Any]) -> s.Reactions:
        return s.Reactions(self._at(meta), str(c[0]) == "atomic")

    def ordering(self, meta: Meta, _c: list[Any]) -> s.MessagesFirst:
        return s.MessagesFirst(self._at(meta))

    def instance(self, _meta: Meta, c: list[Any]) -> s.InstanceDecl:
        return s.InstanceDecl(self._at(c[0]), str(c[0]), c[1], c[2] or ())

    def settings(self, _meta: Meta, c: list[Any]) -> tuple[s.Setting, ...]:
        return _kept(c, s.Setting)

    def setting(self, meta: Meta, c: list[Any]) -> s.Setting:
        return s.Setting(self._at(meta), c[0], c[1])

    override = setting

    def open_value(self, meta: Meta, c: list[Any]) -> s.Open:
        return s.Open(self._at(meta), c[0])

    def assume(self, meta: Meta, c: list[Any]) -> s.Assume:
        return s.Assume(self._at(meta), c[0])

    def network(self, _meta: Meta, c: list[Any]) -> s.Network:
        kind, name, *rest = c
        found: dict[str, Any] = dict(x for x in rest if isinstance(x, tuple))
        low, high = found.get("delay", (None, None))
        return s.Network(
            self._at(name),
            str(kind),
            str(name),
            _kept(rest, s.End),
            low,
            high,
            found.get("capacity"),
            "unordered" in found,
            found.get("when_full", "error"),
            found.get("carries"),
        )

    def end(self, meta: Meta, c: list[Any]) -> s.End:
        return s.End(self._at(meta), c[1], c[0] is not None)

    def each(self, _meta: Meta, _c: list[Any]) -> str:
        return "each"

    def delay(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "delay", (c[0], c[1])

    def capacity(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "capacity", c[0]

    def unordered(self, _meta: Meta, _c: list[Any]) -> tuple[str, Any]:
        return "unordered", True

    def when_full(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "when_full", " ".join(str(c[0]).split())

    def carries(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "carries", c[0]

    def startup(self, meta: Meta, c: list[Any]) -> s.Startup:
        each, target, (mode, window, repeatable) = c
        return s.Startup(self._at(meta), target, each is not None, mode, window, repeatable)

    def startup_at(self, _meta: Meta, c: list[Any]) -> tuple[str, s.Window | None, bool]:
        return "at", c[0], False

    def startup_any(self, _meta: Meta, c: list[Any]) -> tuple[str, s.Window | None, bool]:
        return "any", None, c[0] is not None

    def startup_never(self, _meta: Meta, _c: list[Any]) -> tuple[str, s.Window | None, bool]:
        return "never", None, False

    def repeatable(self, _meta: Meta, _c: list[Any]) -> str:
        return "repeatable"

    def window(self, meta: Meta, c: list[Any]) -> s.Window:
        return s.Window(self._at(meta), c[0], c[1])

    def pool(self, _meta: Meta, c: list[Any]) -> s.Pool:
        word, name, limit, between, *faults = c
        most = limit if limit is not None and limit != "unlimited" else None
        place = self._at(name) if name else self._at(word)
        return s.Pool(place, str(word), str(name or ""), most, limit == "unlimited", between, tuple(faults))

    def limit_most(self, _meta: Meta, c: list[Any]) -> s.Expr:
        return c[0]  # type: ignore[no-any-return]

    def limit_none(self, _meta: Meta, _c: list[Any]) -> str:
        return "unlimited"

    def between(self, _meta: Meta, c: list[Any]) -> tuple[s.Expr, s.Expr]:
        return c[0], c[1]

    def fault(self, meta: Meta, c: list[Any]) -> s.Fault:
        variable, domain, happening, *qualifiers = c
        found = dict(qualifiers)
        return s.Fault(
            self._at(meta),
            **{"what": "", "each": False, "from_end": None, "to_end": None, "silent": False} | happening,
            variable=str(variable or ""),
            domain=domain,
            when=found.get("when"),
            lasts=found.get("lasts"),
            at=found.get("at"),
        )

    def to_instance(self, _meta: Meta, c: list[Any]) -> dict[str, Any]:
        return {"kind": str(c[0]), "each": c[1] is not None, "target": c[2]}

    def to_signal(self, _meta: Meta, c: list[Any]) -> dict[str, Any]:
        return {"kind": "signal", "what": str(c[0]), "each": c[1] is not None, "target": c[2]}

    def to_message(self, _meta: Meta, c: list[Any]) -> dict[str, Any]:
        kind, what, target, sender, receiver = c
        return {"kind": str(kind), "what": what or "", "target": target, "from_end": sender, "to_end": receiver}

    def to_network(self, _meta: Meta, c: list[Any]) -> dict[str, Any]:
        kind, target, sender, receiver, silent = c
        return {
            "kind": str(kind),
            "target": target,
            "from_end": sender,
            "to_end": receiver,
            "silent": silent is not None,
        }

    def from_end(self, _meta: Meta, c: list[Any]) -> s.Expr:
        return c[0]  # type: ignore[no-any-return]

    to_end = from_end

    def silent(self, _meta: Meta, _c: list[Any]) -> str:
        return "silent"

    def only_when(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "when", c[0]

    def lasts(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "lasts", c[0]

    def at_time(self, _meta: Meta, c: list[Any]) -> tuple[str, Any]:
        return "at", c[0]

    def fair(self, meta: Meta, c: list[Any]) -> s.Fair:
        strength, kind, each, target = c
        return s.Fair(self._at(meta), str(strength or "") == "strongly", str(kind), target, each is not None)

    def traffic(self, meta: Meta, c: list[Any]) -> s.Traffic:
        return s.Traffic(self._at(meta), c[0], _kept(c, s.Passing))

    def passing(self, _meta: Meta, c: list[Any]) -> s.Passing:
        return s.Passing(c[0], c[1])

    def without_network(self, _meta: Meta, c: list[Any]) -> s.Without:
        return s.Without(self._at(c[1]), "network", str(c[1]))

    def without_startup(self, meta: Meta, c: list[Any]) -> s.Without:
        return s.Without(self._at(meta), "startup", _dotted(c[0]), c[0])

    def without_pool(self, _meta: Meta, c: list[Any]) -> s.Without:
        return s.Without(self._at(c[1]), str(c[0]), "" if c[1].type == "ALL" else str(c[1]))

    def without_assume(self, meta: Meta, _c: list[Any]) -> s.Without:
        return s.Without(self._at(meta), "assume", "")

    def without_fair(self, meta: Meta, _c: list[Any]) -> s.Without:
        return s.Without(self._at(meta), "fair", "")

    def without_instance(self, _meta: Meta, c: list[Any]) -> s.Without:
        return s.Without(self._at(c[0]), "instance", str(c[0]))

    # ---- properties and checks

    def property(self, meta: Meta, c: list[Any]) -> s.PropertyDecl:
        start = c[1].place
        text = " ".join(self._text[meta.start_pos : meta.end_pos].split())
        shown = text.split(":", 1)[1].strip() if ":" in text else text
        parts = tuple((part, self._part_text(part)) for whole in c[1].predicates for part in _parts(whole))
        return s.PropertyDecl(self._at(c[0]), str(c[0]), s.FormNode(start, *_form_parts(c[1])), shown, parts)

    def _part_text(self, part: s.Expr) -> str:
        if id(part) in self._written:
            return self._written[id(part)][1]
        lines, place = self._text.splitlines(), part.place
        return lines[place.line - 1][place.column - 1 : place.end - 1] if 0 < place.line <= len(lines) else ""

    def _form(self, meta: Meta, kind: str, predicates: list[Any], bound: Any = None) -> s.FormNode:  # noqa: ANN401
        return s.FormNode(self._at(meta), kind, tuple(predicates), bound)

    def never(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "never", c[:1], c[1])

    def always(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "always", c)

    def possible(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "possible", c)

    def eventually(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "eventually", c[:1], c[1])

    def eventually_always(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "eventually always", c)

    def always_eventually(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "always eventually", c)

    def whenever(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "whenever", c[:2], c[2])

    def leads_to(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "leads to", c)

    def until(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return self._form(meta, "until", c)

    def ltl_form(self, meta: Meta, c: list[Any]) -> s.FormNode:
        return s.FormNode(self._at(meta), "ltl", (), None, c[0])

    def survives_form(self, meta: Meta, c: list[Any]) -> s.FormNode:
        number, _, name, *among, body = c
        failures = whole(number, self._at(number))
        parts = tuple(x for x in among if x is not None)
        found = s.Survival(failures, name, self._at(meta), parts)
        return s.FormNode(self._at(meta), "survives", (body,), None, None, found)

    def _ltl(self, meta: Meta, operator: str, c: list[Any]) -> s.LtlNode:
        return s.LtlNode(self._at(meta), operator, tuple(c))

    def ltl_implies(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "implies", c)

    def ltl_or(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "or", c)

    def ltl_and(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "and", c)

    def ltl_until_(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "until", c)

    def ltl_release(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "release", c)

    def ltl_weak(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "weakly until", c)

    def ltl_not(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "not", c)

    def ltl_always(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "always", c)

    def ltl_eventually(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return self._ltl(meta, "eventually", c)

    def ltl_atom(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return s.LtlNode(self._at(meta), "atom", (), c[0])

    def ltl_true(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return s.LtlNode(self._at(meta), "atom", (), self.true_(meta, c))

    def ltl_false(self, meta: Meta, c: list[Any]) -> s.LtlNode:
        return s.LtlNode(self._at(meta), "atom", (), self.false_(meta, c))

    def ltl_name(self, _meta: Meta, c: list[Any]) -> s.LtlNode:
        place = self._at(c[0])
        return s.LtlNode(place, "atom", (), s.Name(place, str(c[0])))

    def check(self, _meta: Meta, c: list[Any]) -> s.Check:
        return s.Check(self._at(c[0]), str(c[0]), _kept(c, s.Expectation), c[-1] == "native")

    def needs(self, _meta: Meta, _c: list[Any]) -> str:
        return "native"

    def expectation(self, _meta: Meta, c: list[Any]) -> s.Expectation:
        return s.Expectation(self._at(c[0]), str(c[0]), str(c[1] or ""), c[2][1:-1] if c[2] else "")


def _parts(e: s.Expr) -> Iterator[s.Expr]:
    """A predicate and, if it joins several, each of those."""
    yield e
    match e:
        case s.Chain(_, operands, operators) if operators[0] in ("and", "or", "implies"):
            for operand in operands:
                yield from _parts(operand)
        case s.Unary(_, "not", operand):
            yield from _parts(operand)
        case _:
            pass


def _form_parts(form: s.FormNode) -> tuple[str, tuple[s.Expr, ...], s.Expr | None, s.LtlNode | None, s.Survival | None]:
    return form.kind, form.predicates, form.bound, form.ltl, form.survival


def _dotted(expression: s.Expr) -> str:
    """``a.b`` as text, or "" for anything else than names and members."""
    match expression:
        case s.Name(_, text):
            return text
        case s.Member(_, base, name):
            front = _dotted(base)
            return f"{front}.{name}" if front else ""
        case s.Index(_, base, s.Number(_, at)):
            front = _dotted(base)
            return f"{front}[{at}]" if front else ""
        case _:
            return ""
