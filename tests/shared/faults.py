"""Seeded faults: a function with another text for a while, and whether anything notices."""

import contextlib
import inspect
import itertools
import sys
import textwrap

from verify.engines.symbolic.effects import Unsupported
from verify.semantics.interpreter import NotEnabled


def mixed(few, many, each=3):
    """Some of the many after each of the few."""
    rest = iter(many)
    return [*(x for one in few for x in (one, *itertools.islice(rest, each))), *rest]


def noticed(checks):
    """What notices that something is wrong, None if nothing does."""
    for check, *given in checks:
        try:
            check(*given)
        except Unsupported:
            continue
        except (AssertionError, NotEnabled, StopIteration):  # the last two: a trace that is none
            return check.__name__, given[-1] if given else None
    return None


@contextlib.contextmanager
def exchanged(function, old, new):
    """The function with another text, for a while."""
    target = function.fget if isinstance(function, property) else function
    text = textwrap.dedent(inspect.getsource(target))
    assert text.count(old) == 1
    made = {}
    exec("from __future__ import annotations\n" + text.replace(old, new), sys.modules[target.__module__].__dict__, made)
    other = made[target.__name__]
    code = target.__code__
    target.__code__ = (other.fget if isinstance(other, property) else other).__code__
    try:
        yield
    finally:
        target.__code__ = code


def notices(fault, checks):
    """Assert that one of the checks notices a fault, given as :func:`exchanged` takes it; what noticed it is printed."""
    with exchanged(*fault):
        how = noticed(checks)
    print(how)
    assert how is not None
