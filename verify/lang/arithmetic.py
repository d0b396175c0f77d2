"""Literals, logic, comparisons, arithmetic with quotients that wait for their rounding, conditionals."""

from __future__ import annotations

from verify.base.place import Place
from verify.lang import syntax as s
from verify.lang.environment import Env
from verify.lang.evaluation import evaluate, meaning, scalar, truth, unfit, unrounded
from verify.lang.paths import merge
from verify.lang.traffic import ask, asks_flow
from verify.lang.values import (
    BOOL,
    FAULTY,
    NUMBER,
    SPAN,
    ArrayValue,
    Faulty,
    InstanceValue,
    NoneValue,
    OptionalValue,
    Ratio,
    RecordValue,
    Scalar,
    ScalarType,
    Value,
    boolean,
    describe,
    number,
)
from verify.system.build import apply
from verify.system.expression import (
    FALSE,
    TRUE,
    Constant,
    Expression,
    Operator,
    conditional,
    conjunction,
    disjunction,
    equal,
    negation,
)

LARGEST_NUMBER = 2**63 - 1


@meaning.register
def _number(e: s.Number, _env: Env, _hint: ScalarType | None) -> Value:
    return number(e.value)


@meaning.register
def _duration(e: s.Duration, env: Env, _hint: ScalarType | None) -> Value:
    ticks = env.build.ticks(e.nanoseconds, e.place, e.text)
    return FAULTY if ticks is None else Scalar(SPAN, Constant(ticks))


@meaning.register
def _truth(e: s.Truth, _env: Env, _hint: ScalarType | None) -> Value:
    return boolean(TRUE if e.value else FALSE)


@meaning.register
def _nothing(_e: s.Nothing, _env: Env, _hint: ScalarType | None) -> Value:
    return NoneValue()


@meaning.register
def _unary(e: s.Unary, env: Env, _hint: ScalarType | None) -> Value:
    if e.operator == "not":
        return boolean(negation(truth(e.operand, env)))
    return _negative(e, env)


_LOGIC = {"and", "or", "implies"}
_COMPARING = {"==", "!=", "<", "<=", ">", ">="}


@meaning.register
def _chain(e: s.Chain, env: Env, _hint: ScalarType | None) -> Value:
    word = e.operators[0]
    if word in _LOGIC:
        parts = [truth(o, env) for o in e.operands]
        if word == "and":
            return boolean(conjunction(*parts))
        if word == "or":
            return boolean(disjunction(*parts))
        return boolean(disjunction(negation(parts[0]), parts[1]))
    if word in _COMPARING and asks_flow(e, env):
        return ask(e, env)
    if word in _COMPARING:
        return _compare(e, word, env)
    value = evaluate(e.operands[0], env)
    for operator, operand in zip(e.operators, e.operands[1:], strict=True):
        value = _arithmetic(operator, value, evaluate(operand, env), operand, env)
    return value


def _compare(e: s.Chain, word: str, env: Env) -> Value:
    left_node, right_node = e.operands
    if isinstance(left_node, s.Name) and not isinstance(right_node, s.Name):
        right = evaluate(right_node, env)
        left = evaluate(left_node, env, right.type if isinstance(right, Scalar) else None)
    else:
        left = _peek(left_node, right_node, env)
        right = evaluate(right_node, env, left.type if isinstance(left, Scalar) else None)
    if isinstance(left, Faulty) or isinstance(right, Faulty):
        return FAULTY
    for value, node in ((left, left_node), (right, right_node)):
        if isinstance(value, Ratio):
            return unrounded(node, env)
    if word in ("==", "!="):
        same = equality(left, right, env, e.place)
        if isinstance(same, Faulty):
            return FAULTY
        return boolean(negation(same) if word == "!=" else same)
    if not (isinstance(left, Scalar) and isinstance(right, Scalar) and left.type == right.type):
        return _mismatch(left, right, e, env)
    if left.type == BOOL:
        return env.build.report("E413", "truth values have no order", e.place, "use == and !=")
    a, b = (left.expression, right.expression) if word in ("<", "<=") else (right.expression, left.expression)
    return boolean(apply(Operator.LESS if word in ("<", ">") else Operator.AT_MOST, a, b))


def _peek(node: s.Expr, other: s.Expr, env: Env) -> Value:
    """The left side of a comparison of two names: a bare member of several enums takes the other side's enum."""
    if isinstance(node, s.Name) and isinstance(other, s.Name) and len(env.scope.enumerator(node.text)) > 1:
        hint = evaluate(other, env)
        return evaluate(node, env, hint.type if isinstance(hint, Scalar) else None)
    return evaluate(node, env)


def _mismatch(left: Value, right: Value, e: s.Expr, env: Env) -> Faulty:
    told = f"{describe(left)} cannot be compared with {describe(right)}"
    units = {SPAN, NUMBER}
    mixed = isinstance(left, Scalar) and isinstance(right, Scalar) and {left.type, right.type} == units
    return env.build.report("E413", told, e.place, "a duration has a unit: 10ms, 3s" if mixed else "")


def equality(left: Value, right: Value, env: Env, place: Place) -> Expression | Faulty:
    """Whether two values are equal, as an expression."""
    match left, right:
        case Scalar(), Scalar() if left.type == right.type:
            return equal(left.expression, right.expression)
        case RecordValue(name, fields), RecordValue(other, _) if name == other:
            return _all_equal([(v, right.get(n) or FAULTY) for n, v in fields], env, place)
        case ArrayValue(mine), ArrayValue(theirs) if len(mine) == len(theirs):
            return _all_equal(list(zip(mine, theirs, strict=True)), env, place)
        case (NoneValue(), NoneValue()):
            return TRUE
        case (OptionalValue(present, _), NoneValue()) | (NoneValue(), OptionalValue(present, _)):
            return negation(present.expression)
        case OptionalValue(), OptionalValue():
            return _all_equal([(left.present, right.present), (left.value, right.value)], env, place)
        case (OptionalValue(present, inner), other_value) | (other_value, OptionalValue(present, inner)):
            same = equality(inner, other_value, env, place)
            return same if isinstance(same, Faulty) else conjunction(present.expression, same)
        case InstanceValue(), InstanceValue():
            pairs = [(c, d) for c, n in left.alternatives for d, m in right.alternatives if n is m]
            return disjunction(*(conjunction(c, d) for c, d in pairs))
        case _:
            if isinstance(left, Faulty) or isinstance(right, Faulty):
                return FAULTY
            told = f"{describe(left)} cannot be compared with {describe(right)}"
            return env.build.report("E413", told, place)


def _all_equal(pairs: list[tuple[Value, Value]], env: Env, place: Place) -> Expression | Faulty:
    parts: list[Expression] = []
    for a, b in pairs:
        same = equality(a, b, env, place)
        if isinstance(same, Faulty):
            return FAULTY
        parts.append(same)
    return conjunction(*parts)


def _negative(e: s.Unary, env: Env) -> Value:
    value = evaluate(e.operand, env)
    match value:
        case Scalar(type_, expression) if type_ in (NUMBER, SPAN):
            return Scalar(type_, apply(Operator.SUBTRACT, Constant(0), expression))
        case Ratio(type_, numerator, denominator):
            return Ratio(type_, apply(Operator.SUBTRACT, Constant(0), numerator), denominator)
        case Faulty():
            return FAULTY
        case _:
            return env.build.report("E401", f"a number is needed here, this is {describe(value)}", e.operand.place)


def _as_ratio(value: Value) -> Ratio | None:
    match value:
        case Scalar(type_, expression) if type_ in (NUMBER, SPAN):
            return Ratio(type_, expression, Constant(1))
        case Ratio():
            return value
        case _:
            return None


def _arithmetic(operator: str, left: Value, right: Value, node: s.Expr, env: Env) -> Value:
    value = _joined_numbers(operator, left, right, node, env)
    ratio = _as_ratio(value)
    parts = (ratio.numerator, ratio.denominator) if ratio is not None else ()
    if any(isinstance(x, Constant) and abs(x.value) > LARGEST_NUMBER for x in parts):
        return env.build.report(
            "E303", "the number becomes too large", node.place, f"up to {LARGEST_NUMBER:,} is possible"
        )
    return value


def _joined_numbers(operator: str, left: Value, right: Value, node: s.Expr, env: Env) -> Value:
    if isinstance(left, Faulty) or isinstance(right, Faulty):
        return FAULTY
    a, b = _as_ratio(left), _as_ratio(right)
    if a is None or b is None:
        told = f"'{operator}' cannot join {describe(left)} and {describe(right)}"
        return env.build.report("E414", told, node.place)
    match operator:
        case "+" | "-" if a.type == b.type:
            return _added(operator, a, b)
        case "*" if NUMBER in (a.type, b.type):
            type_ = SPAN if SPAN in (a.type, b.type) else NUMBER
            top = apply(Operator.MULTIPLY, a.numerator, b.numerator)
            return _settled(Ratio(type_, top, apply(Operator.MULTIPLY, a.denominator, b.denominator)))
        case "/" if b.type == NUMBER or a.type == SPAN:
            return _divided(a, b, node, env)
        case "mod" if a.type == b.type and isinstance(left, Scalar) and isinstance(right, Scalar):
            if _nonzero(right.expression, node, env):
                return Scalar(a.type, apply(Operator.MODULO, left.expression, right.expression))
            return FAULTY
        case _:
            told = f"'{operator}' cannot join {describe(left)} and {describe(right)}"
            mixed = {a.type, b.type} == {NUMBER, SPAN}
            return env.build.report("E414", told, node.place, "a duration has a unit: 10ms, 3s" if mixed else "")


def _settled(value: Ratio) -> Value:
    return Scalar(value.type, value.numerator) if value.denominator == Constant(1) else value


def _added(operator: str, a: Ratio, b: Ratio) -> Value:
    kind = Operator.ADD if operator == "+" else Operator.SUBTRACT
    if a.denominator == b.denominator:
        return _settled(Ratio(a.type, apply(kind, a.numerator, b.numerator), a.denominator))
    left = apply(Operator.MULTIPLY, a.numerator, b.denominator)
    right = apply(Operator.MULTIPLY, b.numerator, a.denominator)
    return Ratio(a.type, apply(kind, left, right), apply(Operator.MULTIPLY, a.denominator, b.denominator))


def _divided(a: Ratio, b: Ratio, node: s.Expr, env: Env) -> Value:
    if not _nonzero(b.numerator, node, env):
        return FAULTY
    type_ = NUMBER if a.type == b.type else SPAN
    top = apply(Operator.MULTIPLY, a.numerator, b.denominator)
    return Ratio(type_, top, apply(Operator.MULTIPLY, a.denominator, b.numerator))


def _nonzero(divisor: Expression, node: s.Expr, env: Env) -> bool:
    low, high = env.interval(divisor)
    if low <= 0 <= high:
        shown = "0" if low == high else f"{low}..{high}"
        env.build.report(
            "E415", f"the divisor can be 0 (it is in {shown})", node.place, "max(1, …) keeps it away from 0"
        )
        return False
    return True


@meaning.register
def _rounded(e: s.Rounded, env: Env, _hint: ScalarType | None) -> Value:
    value = evaluate(e.operand, env)
    ratio = _as_ratio(value)
    if ratio is None:
        return unfit(value, "a quotient", e.operand, env)
    unit: Expression = Constant(1)
    if e.unit is not None:
        unit = scalar(e.unit, env, ratio.type, f"a unit for {ratio.type}")
        if env.interval(unit)[0] <= 0:
            return env.build.report("E416", "the unit of a rounding must be more than 0", e.unit.place)
    elif ratio.type == SPAN:
        return env.build.report(
            "E416", "a rounding of durations names its unit", e.place, f"rounded {e.direction} to 10ms (…)"
        )
    bottom = apply(Operator.MULTIPLY, ratio.denominator, unit)
    top = ratio.numerator
    low, high = env.interval(bottom)
    if low < 0 < high:
        told = f"the divisor can have either sign (it is in {low}..{high})"
        return env.build.report("E415", told, e.operand.place, "max(1, …) keeps it positive")
    if high < 0:
        bottom, top = (apply(Operator.SUBTRACT, Constant(0), x) for x in (bottom, top))
    return Scalar(ratio.type, apply(Operator.MULTIPLY, _quotient(e.direction, top, bottom), unit))


def _quotient(direction: str, top: Expression, bottom: Expression) -> Expression:
    """``top / bottom`` rounded down, up, or to the nearest (halves up); ``bottom`` is positive."""
    match direction:
        case "down":
            return apply(Operator.DIVIDE, top, bottom)
        case "up":
            return apply(
                Operator.DIVIDE, apply(Operator.ADD, top, apply(Operator.SUBTRACT, bottom, Constant(1))), bottom
            )
        case _:
            twice = apply(Operator.MULTIPLY, Constant(2), top)
            return apply(
                Operator.DIVIDE, apply(Operator.ADD, twice, bottom), apply(Operator.MULTIPLY, Constant(2), bottom)
            )


@meaning.register
def _conditional(e: s.Conditional, env: Env, hint: ScalarType | None) -> Value:
    condition = truth(e.condition, env)
    then = evaluate(e.then, env, hint)
    otherwise = evaluate(e.otherwise, env, hint or (then.type if isinstance(then, Scalar) else None))
    a, b = _as_ratio(then), _as_ratio(otherwise)
    quotient = isinstance(then, Ratio) or isinstance(otherwise, Ratio)
    if quotient and a is not None and b is not None and a.type == b.type:
        top = conditional(condition, a.numerator, b.numerator)
        return Ratio(a.type, top, conditional(condition, a.denominator, b.denominator))
    told = f"the branches are {describe(then)} and {describe(otherwise)}"
    return merge([(condition, then), (negation(condition), otherwise)], env, e.place, told)


@meaning.register
def _otherwise(e: s.Otherwise, env: Env, hint: ScalarType | None) -> Value:
    value = evaluate(e.operand, env, hint)
    if isinstance(value, Faulty):
        return FAULTY
    if not isinstance(value, OptionalValue):
        return env.build.report("E401", f"'otherwise' follows an optional, this is {describe(value)}", e.operand.place)
    inner = value.value.type if isinstance(value.value, Scalar) else hint
    default = evaluate(e.default, env, inner)
    present = value.present.expression
    return merge([(present, value.value), (negation(present), default)], env, e.place)
