"""What the expressions of the language denote: brings all kinds together. Import from here to evaluate."""

from verify.lang.arithmetic import equality
from verify.lang.calls import bind_arguments, formal_hint
from verify.lang.evaluation import constant, evaluate, scalar, truth, unrounded
from verify.lang.paths import enum_type, expand, merge
from verify.lang.questions import members

__all__ = [
    "bind_arguments",
    "constant",
    "enum_type",
    "equality",
    "evaluate",
    "expand",
    "formal_hint",
    "members",
    "merge",
    "scalar",
    "truth",
    "unrounded",
]
