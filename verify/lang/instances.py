"""Machines to instances: parameters, parts, and what is laid out for them in the system."""

from __future__ import annotations

from verify.base.diagnostic import did_you_mean
from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.expressions import constant, evaluate
from verify.lang.model import Build, InstanceNode, PortNode, Settings
from verify.lang.scopes import Scope, reserved
from verify.lang.statements import Body, as_shape, entry_block, store
from verify.lang.types import array_size, fits, shape_of
from verify.lang.values import (
    NUMBER,
    SPAN,
    ArrayValue,
    Faulty,
    RecordValue,
    Scalar,
    ScalarShape,
    ScalarType,
    Shape,
    Slots,
    Value,
    assemble,
    describe,
    flatten,
    number,
    scalars,
)
from verify.system.domain import Boolean, Enumeration, Range, contains
from verify.system.expression import TRUE, Constant, Read, Rigid
from verify.system.statement import Assign, Block, Choose, Either, Occur, Send, Statement, statements
from verify.system.system import Instance, Parameter, Region

MOST_INSTANCES = 256


def path_words(e: s.Expr) -> tuple[str | int, ...] | None:
    """``port[0].key`` as ("port", 0, "key"); None for anything that is no such path."""
    match e:
        case s.Name(_, text):
            return (text,)
        case s.Member(_, base, name):
            front = path_words(base)
            return None if front is None else (*front, name)
        case s.Index(_, base, s.Number(_, at)):
            front = path_words(base)
            return None if front is None else (*front, at)
        case _:
            return None


def settings_of(lines: tuple[s.Setting, ...], scope: Scope, names: dict[str, Value], build: Build) -> list[Settings]:
    """The ``path = value`` lines of a block."""
    found: list[Settings] = []
    for line in lines:
        words = path_words(line.path)
        if words is None:
            build.report(
                "E209", "this is no path to a parameter", line.place, "write name = value, or part[0].name = value"
            )
        elif any(words == other.path for other in found):
            build.report("E203", "this is set twice", line.place)
        else:
            found.append(Settings(words, line.value, line.place, scope, names))
    return found


def instantiate(  # noqa: PLR0913 - a constructor
    build: Build,
    name: str,
    machine: s.Machine,
    scope: Scope,
    owner: InstanceNode | None,
    index: int,
    settings: list[Settings],
) -> InstanceNode:
    """Make an instance and its parts, with their parameters; nothing is laid out yet."""
    if owner is None:
        build.units.append(name)
    unit = len(build.units) - 1 if owner is None else owner.unit
    number_ = len(build.instances)
    parent = None if owner is None else owner.number
    build.instances.append(Instance(name, machine.name, parent, unit))
    node = InstanceNode(name, machine, scope, owner, number_, unit, index, settings)
    _declare_members(node, build)
    for item in machine.items:
        if isinstance(item, s.ParameterDecl):
            node.parameters[item.name] = _parameter(item, node, build)
    for item in machine.items:
        if isinstance(item, s.Part):
            node.parts[item.name] = _part(item, node, build)
    _unused_settings(node, build)
    return node


def _declare_members(node: InstanceNode, build: Build) -> None:
    seen: dict[str, Place] = {}
    for item in node.machine.items:
        if isinstance(item, s.Rule | s.State):
            continue
        build.faults += reserved(item.name, item.place)
        if item.name in seen:
            told = f"'{item.name}' is declared twice in {node.machine.name}"
            build.report("E203", told, item.place, f"first declared at {seen[item.name]}")
        seen.setdefault(item.name, item.place)
        if isinstance(item, s.Let | s.Action):
            _repeated_formals(item.formals, build)
        match item:
            case s.Let():
                node.lets[item.name] = item
            case s.Action():
                node.actions[item.name] = item
            case s.Signal():
                node.signals[item.name] = item
            case s.Port():
                found = [node.scope.look_up(m, s.MessageDecl, item.place, build.faults) for m in item.messages]
                node.ports[item.name] = PortNode(item.name, node, tuple(f for f in found if f is not None))
                node.unresolved = node.unresolved or None in found
            case _:
                pass


def _repeated_formals(formals: tuple[s.Formal, ...], build: Build) -> None:
    names = [f.name for f in formals]
    for at, formal in enumerate(formals):
        build.faults += reserved(formal.name, formal.place)
        if formal.name in names[:at]:
            build.report("E203", f"'{formal.name}' is declared twice", formal.place)


def _parameter(item: s.ParameterDecl, node: InstanceNode, build: Build) -> Value:
    env = Env(build, node.scope, node)
    shape = shape_of(item.type, env)
    hint = shape.type if isinstance(shape, ScalarShape) else None
    value: Value | None = None
    place = item.place
    if item.default is not None:
        value = evaluate(item.default, env, hint)
        place = item.default.place
    setting = [line for line in node.settings if line.path == (item.name,)]
    for line in setting:
        line.used = True
    if setting:
        value, place = _setting_value(setting[-1], node, item, hint, build), setting[-1].place
    for line in node.settings:
        if line.path[0] == item.name and len(line.path) > 1:
            line.used = True
            if value is None and shape is not None:
                value = _least(shape)
            value = _override_field(value, line.path[1:], line, node, build)
    if shape is None or isinstance(value, Faulty):
        return Faulty()
    if value is None:
        return _missing(item, shape, node, build)
    return _checked(value, shape, f"{node.name}.{item.name}", place, env)


def _missing(item: s.ParameterDecl, shape: Shape, node: InstanceNode, build: Build) -> Value:
    if build.name == "":
        return _sample(shape)
    help_text = f"write {node.name} : {node.machine.name} {{ {item.name} = … }}"
    return build.report("E304", f"parameter '{item.name}' of {node.name} has no value", _place(node, item), help_text)


def _least(shape: Shape) -> Value:
    return assemble(shape, [Scalar(NUMBER, Constant(d.low)) for _, d in flatten(shape, "")])


def _sample(shape: Shape) -> Value:
    """A value to read a machine with: 1 where that is possible, so that it can be a size and a divisor."""
    leaves = [Scalar(NUMBER, Constant(min(d.high, max(d.low, 1)))) for _, d in flatten(shape, "")]
    return assemble(shape, leaves)


def _place(node: InstanceNode, item: s.ParameterDecl) -> Place:
    return node.settings[0].place if node.settings else item.place


def _setting_value(
    line: Settings, node: InstanceNode, item: s.ParameterDecl, hint: ScalarType | None, build: Build
) -> Value:
    env = Env(build, line.scope, None, {"index": number(node.index), **line.locals})
    if isinstance(line.value, s.Open):
        return _open(line.value, f"{node.name}.{item.name}", env)
    return evaluate(line.value, env, hint)


def _open(value: s.Open, name: str, env: Env) -> Value:
    shape = shape_of(value.type, env)
    if shape is None:
        return Faulty()
    if not isinstance(shape, ScalarShape):
        return env.build.report(
            "E423", "only scalars can be left open", value.place, "any 1..254, any bool, any MyEnum"
        )
    env.build.parameters.append(Parameter(name, shape.domain))
    env.build.parameter_places.append(value.place)
    return Scalar(shape.type, Rigid(len(env.build.parameters) - 1))


def _override_field(
    value: Value | None, path: tuple[str | int, ...], line: Settings, node: InstanceNode, build: Build
) -> Value:
    """The value with what stands at ``path`` within it replaced."""
    if not path:
        item = s.ParameterDecl(line.place, ".".join(str(w) for w in line.path), s.TypeExpr(line.place, "bool"), None)
        return _setting_value(line, node, item, value.type if isinstance(value, Scalar) else None, build)
    first, rest = path[0], path[1:]
    match value:
        case Faulty():
            return value
        case RecordValue(name, fields) if value.get(str(first)) is not None:
            return RecordValue(
                name, tuple((n, _override_field(v, rest, line, node, build) if n == first else v) for n, v in fields)
            )
        case ArrayValue(elements) if isinstance(first, int) and first < len(elements):
            return ArrayValue(
                tuple(_override_field(v, rest, line, node, build) if i == first else v for i, v in enumerate(elements))
            )
        case _:
            shown = describe(value) if value is not None else "what has no value yet"
            return build.report("E209", f"{shown} has no part '{first}'", line.place)


def _checked(value: Value, shape: Shape, name: str, place: Place, env: Env) -> Value:
    if not fits(value, shape):
        mixed = (
            isinstance(shape, ScalarShape) and shape.type == SPAN and isinstance(value, Scalar) and value.type == NUMBER
        )
        help_text = "a duration has a unit: 10ms, 3s" if mixed else f"it is {shape}"
        return env.build.report("E502", f"{name} cannot be {describe(value)}", place, help_text)
    value = as_shape(value, shape)
    for leaf, (field, domain) in zip(scalars(value), flatten(shape, ""), strict=True):
        low, high = env.interval(leaf.expression)
        if low < domain.low or high > domain.high:
            spans = isinstance(domain, Range) and domain.ticks
            shown, held = (env.build.span_text(*x, spans=spans) for x in ((low, high), (domain.low, domain.high)))
            told = f"{name}.{field} = {shown} is outside {held}" if field else f"{name} = {shown} is outside {held}"
            return env.build.report("E303", told, place)
    return value


def _part(item: s.Part, node: InstanceNode, build: Build) -> tuple[bool, list[InstanceNode]]:
    env = Env(build, node.scope, node)
    is_array = item.type.kind == "array"
    size = array_size(item.type, env) if is_array else 1
    type_ = item.type.element if is_array and item.type.element is not None else item.type
    found = node.scope.look_up(type_.name, s.Machine, type_.place, build.faults) if type_.kind == "named" else None
    if found is None or size is None:
        if type_.kind != "named":
            build.report("E208", "a part is a machine, or an array of one", type_.place)
        return is_array, []
    machine, scope = found
    if machine.owner != node.machine.name:
        told = f"{machine.name} is not declared as part of {node.machine.name}"
        build.report("E210", told, type_.place, f"write: machine {machine.name} part of {node.machine.name}")
        return is_array, []
    if len(build.instances) + size > MOST_INSTANCES:
        build.report("E302", f"more than {MOST_INSTANCES} instances", item.place)
        return is_array, []
    nodes = []
    for i in range(size):
        lines = settings_of(item.settings, node.scope, {}, build)
        lines += _passed_on(item.name, i, is_array, node)
        name = f"{node.name}.{item.name}[{i}]" if is_array else f"{node.name}.{item.name}"
        nodes.append(instantiate(build, name, machine, scope, node, i, lines))
    return is_array, nodes


def _passed_on(part: str, index: int, is_array: bool, node: InstanceNode) -> list[Settings]:
    passed: list[Settings] = []
    for line in node.settings:
        if line.path[0] != part or len(line.path) < 2:
            continue
        rest = line.path[1:]
        if is_array and isinstance(rest[0], int):
            if rest[0] != index:
                continue
            rest = rest[1:]
        if rest and isinstance(rest[0], str):
            line.used = True
            passed.append(Settings(rest, line.value, line.place, line.scope, line.locals))
    return passed


def _unused_settings(node: InstanceNode, build: Build) -> None:
    for line in node.settings:
        if not line.used:
            word = str(line.path[0])
            told = f"a {node.machine.name} has no parameter '{word}'"
            known = [*node.parameters, *node.parts]
            help_text = did_you_mean(word, known)
            if not help_text.startswith("known"):
                help_text = "; ".join(x for x in (help_text, f"it has {', '.join(known)}" if known else "") if x)
            build.report("E209", told, line.place, help_text)


# ---- layout


def lay_out(node: InstanceNode, build: Build, *, crashable: bool) -> None:
    """Give an instance its variables, regions and timers in the system."""
    env = Env(build, node.scope, node)
    if crashable and node.owner is None:
        node.alive = build.variable(f"{node.name}.up", Boolean(), 1, node.number)
    regions: list[Region] = []
    for region in node.machine.regions:
        variable = _lay_out_region(region, node, build)
        if variable is not None:
            regions.append(Region(region.name, variable))
    for item in node.machine.items:
        match item:
            case s.VariableDecl():
                shape = shape_of(item.type, env)
                if shape is not None:
                    node.shapes[item.name] = shape
                    leaves = [_leaf(f"{node.name}.{n}", d, node, build) for n, d in flatten(shape, item.name)]
                    node.variables[item.name] = assemble(shape, leaves)
            case s.TimerDecl():
                _lay_out_timer(item, node, env)
            case _:
                pass
    old = build.instances[node.number]
    build.instances[node.number] = Instance(old.name, old.machine, old.parent, old.unit, tuple(regions), node.top.alive)


def _leaf(name: str, domain: Boolean | Range | Enumeration, node: InstanceNode, build: Build) -> Scalar:
    variable = build.variable(name, domain, domain.low, node.number)
    return Scalar(NUMBER, Read(variable), ((TRUE, variable),))


def _lay_out_region(region: s.Region, node: InstanceNode, build: Build) -> int | None:
    names = tuple(st.name for st in region.states)
    initial = [i for i, st in enumerate(region.states) if st.initial]
    shown = f"region {region.name}" if region.name else f"machine {node.machine.name}"
    if not names:
        build.report("E509", f"{shown} has no states", region.place)
        return None
    for state in region.states:
        if names.count(state.name) > 1:
            build.report("E203", f"state '{state.name}' is declared twice in {shown}", state.place)
    if len(initial) != 1:
        told = f"{shown} has {len(initial)} initial states" if initial else f"{shown} has no initial state"
        build.report("E509", told, region.place, "mark exactly one: initial state …")
        initial = [0]
    label = f"{node.name}.{region.name}" if region.name else node.name
    variable = build.variable(label, Enumeration("state", names), initial[0], node.number)
    node.regions[region.name] = (variable, region)
    return variable


def _lay_out_timer(item: s.TimerDecl, node: InstanceNode, env: Env) -> None:
    build = env.build
    maximum = 0
    declared = item.maximum is not None
    if item.maximum is not None:
        maximum = constant(item.maximum, env, SPAN, "the bound of a timer") or 0
        if maximum < 1:
            build.report("E302", "a timer needs a bound of at least one tick", item.maximum.place)
    node.timers[item.name] = build.timer(f"{node.name}.{item.name}", maximum, node.number)
    if declared:
        build.timer_declared.add(node.timers[item.name])


# ---- initial values


def initial_values(nodes: list[InstanceNode], build: Build, slots: Slots, *, everything: bool) -> Block:
    """What makes instances new: first the initial values of all their variables, then the entries of their initial states.

    ``everything``: at a restart. At the very start, constants are laid out as initial values instead.
    """
    out: list[Statement] = []
    for node in nodes:
        body = Body(Env(build, node.scope, node, slots=slots))
        for item in node.machine.items:
            if isinstance(item, s.VariableDecl) and not (everything and item.survives):
                out += _initial_variable(item, node, body, everything=everything)
    for node in nodes:
        out += _initial_entries(node, Body(Env(build, node.scope, node, slots=slots)), everything=everything)
    return tuple(out)


def _initial_entries(node: InstanceNode, body: Body, *, everything: bool) -> Block:
    build = body.env.build
    out: list[Statement] = []
    for name, (variable, region) in node.regions.items():
        state = next((st for st in region.states if st.initial), region.states[0])
        if everything:
            out.append(Assign(variable, Constant(region.states.index(state))))
        entry = entry_block(node, state, name, body)
        if _chooses(entry):
            told = f"the entry of the initial state {state.name} sends or chooses"
            build.report("E508", told, state.place, "let a rule for 'startup' do it")
        out += entry
    return tuple(out)


def _initial_variable(item: s.VariableDecl, node: InstanceNode, body: Body, *, everything: bool) -> Block:
    build = body.env.build
    target = node.variables.get(item.name)
    if target is None:
        return ()
    block: Block = ()
    if item.initial is not None:
        hint = target.type if isinstance(target, Scalar) else None
        value = evaluate(item.initial, body.env, hint)
        block = _checked_initial(target, value, item, body)
    given = {st.variable: st.value for st in block if isinstance(st, Assign)}
    out: list[Statement] = [st for st in block if not isinstance(st, Assign)]
    for leaf in scalars(target):
        for _, variable in leaf.cells or ():
            domain = build.variables[variable].domain
            expression = given.get(variable, Constant(domain.low))
            if everything or not isinstance(expression, Constant):
                out.append(Assign(variable, expression))
            elif contains(domain, expression.value):
                old = build.variables[variable]
                build.variables[variable] = type(old)(old.name, old.domain, expression.value, old.instance)
    return tuple(out)


def _checked_initial(target: Value, value: Value, item: s.VariableDecl, body: Body) -> Block:
    assert item.initial is not None  # noqa: S101 - the caller has looked
    block = store(target, value, item.initial, body)
    build = body.env.build
    for statement in block:
        if isinstance(statement, Assign):
            domain = build.variables[statement.variable].domain
            low, high = body.env.interval(statement.value)
            if (low < domain.low or high > domain.high) and domain.low <= high and low <= domain.high:
                told = f"the initial value of '{item.name}' can be {low}..{high}, outside {domain.low}..{domain.high}"
                build.report("E303", told, item.initial.place, "widen its range")
    return block


def _chooses(block: Block) -> bool:
    return any(isinstance(s, Send | Occur | Choose | Either) for s in statements(block))
