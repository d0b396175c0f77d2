"""What the statements of the language do: blocks of the syntax tree to blocks of the system."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from verify.base.diagnostic import did_you_mean
from verify.base.place import Place
from verify.base.record import record
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import (
    bind_arguments,
    evaluate,
    members,
    merge,
    scalar,
    truth,
    unrounded,
)
from verify.lang.messages import message_number, message_shape
from verify.lang.model import InstanceNode, PortNode, duration_text
from verify.lang.types import fits
from verify.lang.values import (
    NUMBER,
    SPAN,
    ArrayValue,
    Cells,
    Faulty,
    InstanceValue,
    NoneValue,
    OptionalValue,
    PortValue,
    Ratio,
    RecordValue,
    Scalar,
    ScalarType,
    Shape,
    TimerValue,
    Value,
    describe,
    flatten,
    reference,
    scalars,
)
from verify.system.domain import Domain
from verify.system.expression import (
    TRUE,
    Constant,
    Expression,
    Local,
    Rigid,
    conditional,
    conjunction,
    disjunction,
    equal,
    negation,
)
from verify.system.statement import (
    Assign,
    Bind,
    Block,
    Choose,
    Either,
    If,
    Mark,
    Occur,
    Send,
    Start,
    Statement,
    Stop,
)
from verify.system.system import Citation, Rule


@record
class Body:
    """Where statements run: names (``env``), the region for ``goto``, and whether this is an ``entry``."""

    env: Env
    region: str | None = None
    entry: bool = False
    calling: tuple[str, ...] = ()

    @property
    def node(self) -> InstanceNode:
        """The instance that acts."""
        assert self.env.node is not None  # noqa: S101 - statements stand in machines only
        return self.env.node


def lower_block(block: s.Block, body: Body, *, last: bool = True) -> Block:
    """The effects of a block. ``last``: whether nothing comes after it, so that it may end with ``goto``."""
    out: list[Statement] = []
    for number, statement in enumerate(block):
        out += _lower(statement, body, last=last and number == len(block) - 1)
    return tuple(out)


def _lower(statement: s.Statement, body: Body, *, last: bool) -> Block:
    body.env.build.spend(statement.place)
    match statement:
        case s.Assignment():
            return _assignment(statement, body)
        case s.ActionCall():
            return _action(statement, body, last=last)
        case s.SendStatement():
            return _send(statement, body)
        case s.StartTimer():
            return _start(statement, body)
        case s.StopTimer(_, timer):
            return _each_timer(timer, body, lambda t: (Stop(t),))
        case s.IfStatement(_, condition, then, otherwise):
            test = truth(condition, body.env)
            yes, no = lower_block(then, body, last=last), lower_block(otherwise, body, last=last)
            if isinstance(test, Constant):
                return yes if test.value else no
            return (If(test, yes, no),)
        case s.ChooseStatement():
            return _choose(statement, body, last=last)
        case s.EitherStatement(_, branches):
            return (Either(tuple(lower_block(b, body, last=last) for b in branches)),)
        case s.Goto():
            return _goto(statement, body, last=last)
        case _:
            assert_never(statement)


# ---- storing


def _assignment(statement: s.Assignment, body: Body) -> Block:
    env = body.env
    target = evaluate(statement.target, env)
    if isinstance(target, Faulty):
        return ()
    shape = stored_shape(target)
    if shape is None:
        help_text = "variables can be assigned; parameters, lets and messages cannot"
        shown = f"'{statement.target.text}'" if isinstance(statement.target, s.Name) else describe(target)
        env.build.report("E501", f"{shown} is no variable: it cannot be assigned", statement.target.place, help_text)
        return ()
    value = evaluate(statement.value, env, target.type if isinstance(target, Scalar) else _inner_hint(target))
    return store(target, value, statement.value, body)


def _inner_hint(target: Value) -> ScalarType | None:
    return target.value.type if isinstance(target, OptionalValue) and isinstance(target.value, Scalar) else None


def stored_shape(target: Value) -> list[Scalar] | None:
    """The scalars of a place that can be stored to; None if it is no such place."""
    leaves = scalars(target)
    return leaves if leaves and all(leaf.cells is not None for leaf in leaves) else None


def store(target: Value, value: Value, e: s.Expr, body: Body) -> Block:
    """Assign a value to a place of the same structure; reported when it does not fit."""
    pairs = _pairs(target, value, body.env)
    if isinstance(value, Ratio):
        unrounded(e, body.env)
        return ()
    if isinstance(value, Faulty):
        return ()
    if pairs is None:
        mixed = isinstance(target, Scalar) and isinstance(value, Scalar) and target.type == SPAN
        help_text = "a duration has a unit: 10ms, 3s" if mixed else ""
        body.env.build.report("E502", f"{describe(value)} cannot be stored in {describe(target)}", e.place, help_text)
        return ()
    for leaf, expression in pairs:
        _check_range(leaf, expression, e.place, body.env)
    if len(pairs) == 1:
        return _store_scalar(pairs[0][0], pairs[0][1])
    out: list[Statement] = []
    ready: list[tuple[Scalar, Expression]] = []
    for leaf, expression in pairs:
        bound, binding = _by_value(expression, body.env)
        out += binding
        ready.append((leaf, bound))
    for leaf, expression in ready:
        out += _store_scalar(leaf, expression)
    return tuple(out)


def _pairs(target: Value, value: Value, env: Env) -> list[tuple[Scalar, Expression]] | None:
    """Each scalar of the place with what goes into it."""
    match target, value:
        case Scalar(), Scalar() if target.type == value.type:
            return [(target, value.expression)]
        case OptionalValue(present, inner), NoneValue():
            return [(present, Constant(0)), *((leaf, Constant(_least(leaf, env))) for leaf in scalars(inner))]
        case OptionalValue(), OptionalValue():
            inside = _pairs(target.value, value.value, env)
            if inside is None:
                return None
            present_now = value.present.expression
            least = [(leaf, conditional(present_now, e, Constant(_least(leaf, env)))) for leaf, e in inside]
            return [(target.present, present_now), *least]
        case OptionalValue(present, inner), _:
            inside = _pairs(inner, value, env)
            return None if inside is None else [(present, Constant(1)), *inside]
        case RecordValue(name, fields), RecordValue(other, _) if name == other:
            return _joined([_pairs(v, value.get(n) or NoneValue(), env) for n, v in fields])
        case InstanceValue(stored=Scalar() as stored), InstanceValue():
            return _reference_pairs(stored, target, value)
        case _:
            if (
                hasattr(target, "elements")
                and hasattr(value, "elements")
                and len(target.elements) == len(value.elements)
            ):
                return _joined([_pairs(a, b, env) for a, b in zip(target.elements, value.elements, strict=True)])
            return None


def _joined(parts: list[list[tuple[Scalar, Expression]] | None]) -> list[tuple[Scalar, Expression]] | None:
    whole: list[tuple[Scalar, Expression]] = []
    for part in parts:
        if part is None:
            return None
        whole += part
    return whole


def _reference_pairs(
    stored: Scalar, target: InstanceValue, value: InstanceValue
) -> list[tuple[Scalar, Expression]] | None:
    if not all(n in target.candidates for _, n in value.alternatives):
        return None
    numbers = [(c, Constant(target.candidates.index(n))) for c, n in value.alternatives]
    result: Expression = numbers[-1][1]
    for condition, at in reversed(numbers[:-1]):
        result = conditional(condition, at, result)
    return [(stored, result)]


def _least(leaf: Scalar, env: Env) -> int:
    domain = _domain(leaf, env)
    return 0 if domain is None else domain.low


def _domain(leaf: Scalar, env: Env) -> Domain | None:
    return env.build.variables[leaf.cells[0][1]].domain if leaf.cells else None


def _check_range(leaf: Scalar, expression: Expression, place: Place, env: Env) -> None:
    domain = _domain(leaf, env)
    if domain is None:
        return
    low, high = env.interval(expression)
    if high < domain.low or low > domain.high:
        name = env.build.variables[leaf.cells[0][1]].name if leaf.cells else ""
        shown, held = (
            env.build.span_text(a, b, spans=leaf.type == SPAN) for a, b in ((low, high), (domain.low, domain.high))
        )
        told = f"{shown} never fits into {name}, which holds {held}"
        env.build.report("E303", told, place, "widen its range, or clamp(…) the value")


def _store_scalar(leaf: Scalar, expression: Expression) -> Block:
    return _assigned(leaf.cells or (), expression)


def _assigned(cells: Cells, expression: Expression) -> Block:
    """Store in the cell whose condition holds: a balanced tree when there are many."""
    if len(cells) > 8:
        half = len(cells) // 2
        left = disjunction(*(c for c, _ in cells[:half]))
        return (If(left, _assigned(cells[:half], expression), _assigned(cells[half:], expression)),)
    block: Block = ()
    for condition, variable in reversed(cells):
        assign = (Assign(variable, expression),)
        block = assign if condition == TRUE else (If(condition, assign, block),)
    return block


def _by_value(expression: Expression, env: Env) -> tuple[Expression, Block]:
    """The expression as it is now: bound to a slot unless nothing in this step can change it."""
    if isinstance(expression, Constant | Local | Rigid) or env.slots is None:
        return expression, ()
    slot = env.slots.new(*env.interval(expression))
    return Local(slot), (Bind(slot, expression),)


def freeze(value: Value, env: Env) -> tuple[Value, Block]:
    """A value as it is now, for an action's formal: what its scalars are is bound to slots."""
    match value:
        case Scalar(type_, expression):
            bound, binding = _by_value(expression, env)
            return Scalar(type_, bound), binding
        case RecordValue(name, fields):
            out: list[Statement] = []
            frozen: list[tuple[str, Value]] = []
            for n, v in fields:
                inner, binding = freeze(v, env)
                frozen.append((n, inner))
                out += binding
            return RecordValue(name, tuple(frozen)), tuple(out)
        case OptionalValue(present, inner_value):
            flag, first = freeze(present, env)
            inside, second = freeze(inner_value, env)
            return OptionalValue(flag if isinstance(flag, Scalar) else present, inside), first + second
        case ArrayValue(elements):
            parts = [freeze(v, env) for v in elements]
            return ArrayValue(tuple(v for v, _ in parts)), tuple(x for _, b in parts for x in b)
        case InstanceValue(machine, alternatives) if len(alternatives) > 1:
            nodes = tuple(dict.fromkeys(n for _, n in alternatives))
            which: Expression = Constant(nodes.index(alternatives[-1][1]))
            for condition, node in reversed(alternatives[:-1]):
                which = conditional(condition, Constant(nodes.index(node)), which)
            bound, binding = _by_value(which, env)
            return reference(machine, nodes, Scalar(NUMBER, bound)), binding
        case _:
            return value, ()


# ---- timers


def _each_timer(e: s.Expr, body: Body, make: object) -> Block:
    timer = evaluate(e, body.env)
    if isinstance(timer, Faulty):
        return ()
    if not isinstance(timer, TimerValue):
        body.env.build.report("E401", f"a timer is needed here, this is {describe(timer)}", e.place)
        return ()
    block: Block = ()
    for condition, t in reversed(timer.alternatives):
        effect = make(t)  # type: ignore[operator]
        block = effect if condition == TRUE else (If(condition, effect, block),)
    return block


def _start(statement: s.StartTimer, body: Body) -> Block:
    env = body.env
    ticks = scalar(statement.duration, env, SPAN, "a duration")
    low, high = env.interval(ticks)
    if high < 0:
        env.build.report("E303", f"the duration is negative ({low}..{high} ticks)", statement.duration.place)

    def start(timer: int) -> Block:
        build = env.build
        build.timer_starts[timer] = max(build.timer_starts.get(timer, 0), high)
        maximum = build.timers[timer].maximum
        if timer in build.timer_declared and low > maximum:
            shown, most = duration_text(low * build.tick), duration_text(maximum * build.tick)
            told = f"{shown} never fits into {build.timers[timer].name}, which holds at most {most}"
            build.report("E303", told, statement.duration.place, "raise its 'up to'")
        return (Start(timer, ticks),)

    return _each_timer(statement.timer, body, start)


# ---- sending


def _send(statement: s.SendStatement, body: Body) -> Block:
    env, node = body.env, body.node
    found = env.scope.look_up(statement.message, s.MessageDecl, statement.place, env.build.faults)
    if found is None:
        return ()
    declaration = found[0]
    port = _sending_port(statement, declaration, body)
    values = _message_fields(statement, declaration, body)
    if port is None or values is None:
        return ()
    number = message_number(declaration, found[1], env.build)
    event = env.build.event(f"sent {declaration.name} by {node.name}")
    lanes = [lane for lane in port.lanes_out if _accepts(env, lane, declaration)]
    return (Occur(event), *(Send(lane, number, values) for lane in lanes))


def _accepts(env: Env, lane: int, declaration: s.MessageDecl) -> bool:
    _, receiver = env.build.lane_ends[lane]
    return any(m is declaration for m, _ in receiver.messages)


def _sending_port(statement: s.SendStatement, declaration: s.MessageDecl, body: Body) -> PortNode | None:
    build = body.env.build
    if statement.port is not None:
        value = evaluate(statement.port, body.env)
        if isinstance(value, PortValue):
            if any(m is declaration for m, _ in value.port.messages):
                return value.port
            told = f"port {value.port.name} does not carry {declaration.name}"
            build.report("E503", told, statement.port.place, "name it in the port's declaration")
        elif not isinstance(value, Faulty):
            build.report("E401", f"a port is needed here, this is {describe(value)}", statement.port.place)
        return None
    carrying = [p for p in body.node.ports.values() if any(m is declaration for m, _ in p.messages)]
    if len(carrying) == 1:
        return carrying[0]
    if body.node.unresolved:
        return None
    told = f"{'no port carries' if not carrying else 'several ports carry'} {declaration.name}"
    names = ", ".join(p.name for p in carrying)
    build.report("E503", told, statement.place, f"say which: send … on {names}" if names else "declare: port p : M")
    return None


def _message_fields(
    statement: s.SendStatement, declaration: s.MessageDecl, body: Body
) -> tuple[Expression, ...] | None:
    env = body.env
    shape = message_shape(declaration, env.scope, env.build)
    if shape is None:
        return None
    known = dict(shape.fields)
    given: dict[str, tuple[Value, s.Expr]] = {}
    for name, value in statement.fields:
        if name.text not in known:
            told = f"{declaration.name} has no field '{name.text}'"
            env.build.report("E205", told, name.place, did_you_mean(name.text, known))
            continue
        if name.text in given:
            env.build.report("E203", f"'{name.text}' is given twice", name.place)
        expression = value if value is not None else name
        given[name.text] = (evaluate(expression, env, _field_hint(known[name.text])), expression)
    missing = [n for n in known if n not in given]
    if missing:
        told = f"{declaration.name} lacks {', '.join(missing)}"
        env.build.report("E412", told, statement.place, "give every field a value")
        return None
    return _flat_fields(declaration.name, known, given, env)


def _field_hint(shape: Shape) -> ScalarType | None:
    return getattr(shape, "type", None)


def _flat_fields(
    message: str, known: dict[str, Shape], given: dict[str, tuple[Value, s.Expr]], env: Env
) -> tuple[Expression, ...] | None:
    flat: list[Expression] = []
    for name, shape in known.items():
        value, node = given[name]
        if isinstance(value, Faulty):
            return None
        if isinstance(value, Ratio):
            unrounded(node, env)
            return None
        if not fits(value, shape):
            env.build.report("E411", f"'{name}' of {message} cannot be {describe(value)}", node.place, f"it is {shape}")
            return None
        leaves = [x.expression for x in scalars(as_shape(value, shape))]
        for leaf, (_, domain) in zip(leaves, flatten(shape, name), strict=True):
            low, high = env.interval(leaf)
            if high < domain.low or low > domain.high:
                told = f"{low}..{high} never fits into '{name}' of {message}, which holds {domain.low}..{domain.high}"
                env.build.report("E303", told, node.place)
        flat += leaves
    return tuple(flat)


def as_shape(value: Value, shape: Shape) -> Value:
    """The value with optionals written out where the shape has them."""
    from verify.lang.values import BOOL, OptionalShape, RecordShape, assemble  # noqa: PLC0415 - local to messages

    match value, shape:
        case NoneValue(), OptionalShape(element):
            leaves = [Scalar(BOOL, Constant(d.low)) for _, d in flatten(element, "")]
            return OptionalValue(Scalar(BOOL, Constant(0)), assemble(element, leaves))
        case OptionalValue(), OptionalShape():
            return value
        case _, OptionalShape(element):
            return OptionalValue(Scalar(BOOL, Constant(1)), as_shape(value, element))
        case RecordValue(name, fields), RecordShape(_, shapes):
            inner = dict(shapes)
            return RecordValue(name, tuple((n, as_shape(v, inner[n])) for n, v in fields))
        case _:
            return value


# ---- control


def _action(statement: s.ActionCall, body: Body, *, last: bool) -> Block:
    call = statement.target
    base, arguments = (call.base, call.arguments) if isinstance(call, s.Call) else (call, ())
    build = body.env.build
    if not isinstance(base, s.Name):
        build.report("E504", "only actions of this machine can be called", statement.place)
        return ()
    action = body.node.actions.get(base.text)
    if action is None:
        told = f"no action '{base.text}'"
        build.report(
            "E206", told, base.place, did_you_mean(base.text, body.node.actions) or "an assignment is written x := …"
        )
        return ()
    if base.text in body.calling:
        build.report("E405", f"action '{base.text}' calls itself", action.place, "actions cannot be recursive")
        return ()
    inner = body.env.at(body.node)
    bound = bind_arguments(action.name, action.formals, arguments, statement.place, body.env, inner)
    if bound is None:
        return ()
    out: list[Statement] = []
    names: dict[str, Value] = {}
    for formal, value in zip(action.formals, bound, strict=True):
        names[formal.name], binding = freeze(value, body.env)
        out += binding
    within = replace(body, env=replace(inner, locals=names), calling=(*body.calling, base.text))
    return (*out, *lower_block(action.body, within, last=last))


def _choose(statement: s.ChooseStatement, body: Body, *, last: bool) -> Block:
    env = body.env
    items = members(statement.domain, env)
    if items is None or env.slots is None:
        return ()
    if not items:
        env.build.report("E505", "there is nothing to choose from", statement.place)
        return ()
    slot = env.slots.new(0, len(items) - 1)
    options = [(equal(Local(slot), Constant(i)), v) for i, (_, v) in enumerate(items)]
    value = merge(options, env, statement.place)
    inner = env.having(**{statement.name: value})
    belongs = [conjunction(o, c) for (o, _), (c, _) in zip(options, items, strict=True) if c != TRUE]
    where = truth(statement.where, inner) if statement.where is not None else TRUE
    if belongs:
        plain = [o for (o, _), (c, _) in zip(options, items, strict=True) if c == TRUE]
        where = conjunction(where, _any(belongs + plain))
    block = lower_block(statement.body, replace(body, env=inner), last=last)
    return (Choose(slot, 0, len(items) - 1, where), *block)


def _any(parts: list[Expression]) -> Expression:
    return negation(conjunction(*(negation(p) for p in parts)))


def _goto(statement: s.Goto, body: Body, *, last: bool) -> Block:
    build, node = body.env.build, body.node
    if not last:
        build.report("E506", "goto comes last", statement.place, "move what follows before it")
    if body.entry:
        build.report("E507", "an entry cannot goto", statement.place, "use a rule: when true { goto … }")
        return ()
    regions = [body.region] if body.region is not None else list(node.regions)
    holding = [r for r in regions if any(st.name == statement.state for st in node.regions[r][1].states)]
    if len(holding) != 1:
        known = [st.name for r in regions for st in node.regions[r][1].states]
        told = (
            f"no state '{statement.state}' here" if not holding else f"several regions have a state '{statement.state}'"
        )
        build.report("E207", told, statement.place, "" if holding else did_you_mean(statement.state, known))
        return ()
    return enter(node, holding[0], statement.state, body)


def enter(node: InstanceNode, region: str, state: str, body: Body) -> Block:
    """Go to a state and run its entry."""
    variable, declaration = node.regions[region]
    number = next(i for i, st in enumerate(declaration.states) if st.name == state)
    return (Assign(variable, Constant(number)), *entry_block(node, declaration.states[number], region, body))


def entry_block(node: InstanceNode, state: s.State, region: str, body: Body) -> Block:
    """The entry of a state, marked as its own rule."""
    if state.entry is None:
        return ()
    inside = Body(replace(body.env.at(node), slots=body.env.slots), region, entry=True, calling=body.calling)
    mark = mark_rule(node, f"entry of {state.name}", state.place, state.entry_citations, body.env)
    return (mark, *lower_block(state.entry, inside))


def mark_rule(node: InstanceNode, text: str, place: Place, cites: tuple[s.Cite, ...], env: Env) -> Mark:
    """A mark for a rule of an instance; the rule is laid out when first marked."""
    citations: list[Citation] = []
    for cite in cites:
        found = node.scope.look_up(cite.reference, s.Reference, cite.place, env.build.faults)
        if found is not None:
            citations.append(Citation(cite.reference, cite.clause, found[0].title, cite.verified))
    rule = Rule(text, node.number, place, tuple(citations))
    if rule in env.build.rules:
        return Mark(env.build.rules.index(rule))
    env.build.rules.append(rule)
    return Mark(len(env.build.rules) - 1)
