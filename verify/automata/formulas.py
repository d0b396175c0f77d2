"""Formulas in negation normal form, each kept once and known by a number."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from verify.system.expression import Apply, Constant, Expression, Operator
from verify.system.property import LtlApply, LtlAtom, LtlFormula

TRUE, FALSE = 0, 1


class Kind(Enum):
    """What a node is."""

    CONSTANT = auto()
    LITERAL = auto()
    AND = auto()
    OR = auto()
    UNTIL = auto()
    RELEASE = auto()


class Node(NamedTuple):
    """``left`` and ``right`` are numbers of nodes; of a literal, the number of its atom, and 1 if it is positive, else 0."""

    kind: Kind
    left: int
    right: int


class Formulas:
    """The nodes made so far. The makers simplify.

    No rule turns a formula that a finite word leaves open into one that it settles, but for constants: ``always (p or not p)``
    stays what it is. So the words that settle a formula are those that the three-valued reading on finite runs settles.
    """

    def __init__(self) -> None:
        """TRUE and FALSE are there."""
        self.nodes: list[Node] = [Node(Kind.CONSTANT, 1, 0), Node(Kind.CONSTANT, 0, 0)]
        self.atoms: dict[Expression, int] = {}
        self._numbers: dict[Node, int] = {node: number for number, node in enumerate(self.nodes)}

    def _make(self, kind: Kind, left: int, right: int) -> int:
        node = Node(kind, left, right)
        number = self._numbers.setdefault(node, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number

    def literal(self, predicate: Expression, positive: bool) -> int:
        """A predicate or its negation; atoms are numbered in the order of their coming."""
        match predicate:
            case Constant(value):
                return TRUE if bool(value) is positive else FALSE
            case Apply(Operator.NOT, (inner,)):
                return self.literal(inner, not positive)
            case _:
                return self._make(Kind.LITERAL, self.atoms.setdefault(predicate, len(self.atoms)), int(positive))

    def both(self, a: int, b: int) -> int:
        """``a and b``."""
        if FALSE in (a, b) or self._opposite(a, b):
            return FALSE
        if TRUE in (a, b) or a == b:
            return a if b == TRUE else b
        if self._always(a) and self._always(b):
            return self.release(FALSE, self.both(self.nodes[a].right, self.nodes[b].right))
        if self._eventually_always(a) and self._eventually_always(b):
            return self.until(TRUE, self.both(self.nodes[a].right, self.nodes[b].right))
        return self._make(Kind.AND, min(a, b), max(a, b))

    def either(self, a: int, b: int) -> int:
        """``a or b``."""
        if TRUE in (a, b):
            return TRUE
        if FALSE in (a, b) or a == b:
            return a if b == FALSE else b
        if self._eventually(a) and self._eventually(b):
            return self.until(TRUE, self.either(self.nodes[a].right, self.nodes[b].right))
        if self._always_eventually(a) and self._always_eventually(b):
            return self.release(FALSE, self.either(self.nodes[a].right, self.nodes[b].right))
        return self._make(Kind.OR, min(a, b), max(a, b))

    def until(self, a: int, b: int) -> int:
        """``a until b``."""
        inner = self.nodes[b]
        if b in (TRUE, FALSE, a) or a == FALSE:
            return b
        if inner.kind is Kind.UNTIL and inner.left == a:
            return b
        if a == TRUE and inner.kind is Kind.UNTIL:
            return self.until(TRUE, inner.right)
        if a == TRUE and self._always_eventually(b):
            return b
        return self._make(Kind.UNTIL, a, b)

    def release(self, a: int, b: int) -> int:
        """``a release b``."""
        inner = self.nodes[b]
        if b in (TRUE, FALSE, a) or a == TRUE:
            return b
        if inner.kind is Kind.RELEASE and inner.left == a:
            return b
        if a == FALSE and inner.kind is Kind.RELEASE:
            return self.release(FALSE, inner.right)
        if a == FALSE and self._eventually_always(b):
            return b
        return self._make(Kind.RELEASE, a, b)

    def _opposite(self, a: int, b: int) -> bool:
        one, other = self.nodes[a], self.nodes[b]
        return one.kind is other.kind is Kind.LITERAL and one.left == other.left and one.right != other.right

    def _always(self, a: int) -> bool:
        return self.nodes[a].kind is Kind.RELEASE and self.nodes[a].left == FALSE

    def _eventually(self, a: int) -> bool:
        return self.nodes[a].kind is Kind.UNTIL and self.nodes[a].left == TRUE

    def _always_eventually(self, a: int) -> bool:
        return self._always(a) and self._eventually(self.nodes[a].right)

    def _eventually_always(self, a: int) -> bool:
        return self._eventually(a) and self._always(self.nodes[a].right)

    def normal(self, formula: LtlFormula, positive: bool = True) -> int:
        """The formula, or its negation, in negation normal form."""
        if isinstance(formula, LtlAtom):
            return self.literal(formula.predicate, positive)
        parts = formula.arguments
        if formula.operator == "not":
            return self.normal(parts[0], not positive)
        if formula.operator == "implies":
            return self.normal(LtlApply("or", (LtlApply("not", parts[:1]), parts[1])), positive)
        inner = [self.normal(p, positive) for p in parts]
        match formula.operator:
            case "and" | "or":
                join = self.both if (formula.operator == "and") is positive else self.either
                joined = inner[0]
                for part in inner[1:]:
                    joined = join(joined, part)
                return joined
            case "always":
                return self.release(FALSE, inner[0]) if positive else self.until(TRUE, inner[0])
            case "eventually":
                return self.until(TRUE, inner[0]) if positive else self.release(FALSE, inner[0])
            case "until":
                return self.until(*inner) if positive else self.release(*inner)
            case "release":
                return self.release(*inner) if positive else self.until(*inner)
            case "weakly until":  # b release (a or b)
                a, b = inner
                return self.release(b, self.either(a, b)) if positive else self.until(b, self.both(a, b))
            case _:
                message = f"'{formula.operator}' is no operator of the logic"
                raise ValueError(message)
