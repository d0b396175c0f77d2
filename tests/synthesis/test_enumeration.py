"""The condition on three parameters of few values is, value by value, what enumeration says; on random systems."""


import pytest
from siblings import sibling

from verify.base.budget import Limits
from verify.base.verdict import Verdict
from verify.passes.valuations import closed_expression
from verify.synthesis.condition import Known
from verify.synthesis.synthesising import synthesise

OPEN = sibling("synthesis", "open_systems")


def compared(seed, seconds):
    """The condition that was found; the test fails if it is not that of the enumeration."""
    task = OPEN.open_task(seed)
    table = OPEN.enumerated(task)
    if table is None:
        pytest.skip("too many states to enumerate")
    found = synthesise("random", task, task.checks[0], Limits(seconds=seconds))
    held = {v: not found.whole and all(closed_expression(a, v).value for a in found.assumptions) for v in table}
    wanted = {v: verdict is Verdict.PROVED for v, verdict in table.items()}
    if found.known is Known.EXACT:
        assert held == wanted, found.text
    else:
        assert not [v for v in table if wanted[v] and not held[v]], found.text
    return found


@pytest.mark.parametrize("seed", [7, 12, 16, 21, 32, 35])
def test_some_of_each_kind(seed):
    assert compared(seed, 60).known is Known.EXACT


def test_values_beside_a_bound_that_turn_out_to_be_bad_convict_nobody():
    assert compared(108, 15).text == "false"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 116))
def test_random_systems(seed):
    compared(seed, 15)
