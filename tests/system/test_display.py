"""Expressions in words: brackets stand where they are needed, and nowhere else."""

import pytest

from verify.system.display import show_expression
from verify.system.domain import Range
from verify.system.expression import Apply, Constant, Operator, Read
from verify.system.system import System, Variable

SYSTEM = System("w", 1, variables=tuple(Variable(name, Range(0, 9), 0) for name in "abc"), steps=())
A, B, C = (Read(i) for i in range(3))


def of(operator, *arguments):
    return Apply(operator, arguments)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (of(Operator.DIVIDE, of(Operator.MULTIPLY, of(Operator.SUBTRACT, Constant(256), A), B), Constant(256)), "(256 - a) * b div 256"),
        (of(Operator.SUBTRACT, A, of(Operator.SUBTRACT, B, C)), "a - (b - c)"),
        (of(Operator.SUBTRACT, A, of(Operator.ADD, B, C)), "a - (b + c)"),
        (of(Operator.SUBTRACT, of(Operator.SUBTRACT, A, B), C), "a - b - c"),
        (of(Operator.ADD, A, of(Operator.SUBTRACT, B, C)), "a + b - c"),
        (of(Operator.ADD, A, of(Operator.MULTIPLY, B, C)), "a + b * c"),
        (of(Operator.MODULO, A, of(Operator.MULTIPLY, B, C)), "a mod (b * c)"),
        (of(Operator.MULTIPLY, A, of(Operator.ADD, B, C)), "a * (b + c)"),
        (of(Operator.AND, of(Operator.OR, A, B), C), "(a or b) and c"),
    ],
)
def test_brackets_stand_where_they_are_needed(expression, text):
    assert show_expression(expression, SYSTEM) == text
