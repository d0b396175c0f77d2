"""Where an expression or statement is read: the file's names, the instance, local names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from verify.lang.model import Build, InstanceNode
from verify.lang.scopes import Scope
from verify.lang.values import Slots, Value
from verify.system.build import Interval, bounds
from verify.system.expression import Apply, Constant, Count, Due, Expression, Local, Occurred, Read, Rigid, TimerIs


@dataclass(frozen=True, slots=True)
class Env:
    """``node`` None: the scenario itself. ``in_property``: events may be asked for. ``expanding``: lets being unfolded."""

    build: Build
    scope: Scope
    node: InstanceNode | None = None
    locals: dict[str, Value] = field(default_factory=dict)
    slots: Slots | None = None
    in_property: bool = False
    expanding: tuple[str, ...] = ()

    def having(self, /, **more: Value) -> Env:
        """The same place with more local names."""
        return replace(self, locals={**self.locals, **more})

    def at(self, node: InstanceNode) -> Env:
        """Within an instance: its machine's file, no local names."""
        return replace(self, node=node, scope=node.scope, locals={})

    def interval(self, expression: Expression) -> Interval:
        """What values the expression can take, as far as domains tell."""

        def leaf(e: Expression) -> Interval:
            match e:
                case Read(variable):
                    domain = self.build.variables[variable].domain
                    return domain.low, domain.high
                case Rigid(parameter):
                    domain = self.build.parameters[parameter].domain
                    return domain.low, domain.high
                case Local(slot):
                    return self.slots.bounds.get(slot, (0, 0)) if self.slots is not None else (0, 0)
                case Constant() | TimerIs() | Count() | Due() | Occurred() | Apply():
                    return (0, 0)
                case _:
                    assert_never(e)

        return bounds(expression, leaf)
