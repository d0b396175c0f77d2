"""Open parameters: equal ones as one, and a few values to begin with."""

from verify import api
from verify.engines.symbolic.corners import corners
from verify.passes.equal_parameters import unified
from verify.passes.valuations import allowed
from verify.system.domain import Range
from verify.system.expression import Apply, Operator, Read, Rigid, equal
from verify.system.property import NeverLonger
from verify.system.statement import Assign
from verify.system.system import Parameter, Step, StepKind, System, Variable

P, Q, R = Rigid(0), Rigid(1), Rigid(2)


def system(*assumptions):
    step = Step("store", StepKind.ENVIRONMENT, Apply(Operator.LESS, (Read(0), Q)), (Assign(0, R),))
    return System(
        "s",
        1,
        variables=(Variable("v", Range(0, 9), 0),),
        steps=(step,),
        parameters=(Parameter("p", Range(0, 9)), Parameter("q", Range(3, 20)), Parameter("r", Range(0, 7))),
        assumptions=assumptions,
    )


def test_equal_parameters_are_one():
    asked = NeverLonger(equal(Read(0), R), Q)
    made, form = unified(system(equal(P, Q), equal(R, Q)), asked)
    assert made.steps[0].guard == Apply(Operator.LESS, (Read(0), P))
    assert made.steps[0].body == (Assign(0, P),)
    assert form == NeverLonger(equal(Read(0), P), P)
    assert made.parameters == system().parameters
    assert made.assumptions == (equal(P, Q), equal(R, Q))


def test_others_stay_what_they_are():
    asked = NeverLonger(equal(Read(0), R), Q)
    different = system(Apply(Operator.LESS, (P, Q)))
    assert unified(different, asked) == (different, asked)


def test_corners_are_allowed_and_begin_with_the_least_and_the_greatest():
    given = system(equal(P, Q), Apply(Operator.LESS, (R, P)))
    found = corners(given, 5)
    assert found[:2] == [(3, 3, 0), (9, 9, 7)]
    assert len(found) == len(set(found)) == 5
    assert all(allowed(given, v) for v in found)


def test_there_are_none_where_nothing_is_allowed():
    assert corners(system(Apply(Operator.LESS, (P, P))), 5) == []


SPEC = """
protocol p
machine M {
    parameter most : 0..100000
    timer t
    initial state A {
        on startup { start t for 10ms }
        on timeout t when most > 40000 { goto B }
        on timeout t { start t for 10ms }
    }
    state B { }
}
scenario s { tick 10ms; m : M { most = any 0..100000 }; startup of m at 0s }
scenario low extends s { assume m.most <= 40000 }
property calm : never m is B
check s   { calm expect violated because "above 40,000 it is left" }
check low { calm expect proved because "below it is not" }
"""


def test_a_violation_is_found_for_values_that_are_easy_to_read(tmp_path):
    path = tmp_path / "m.spec"
    path.write_text(SPEC)
    violated, proved = api.check(api.load(path))
    assert violated.as_expected()
    assert violated.values == "m.most = 100000"
    assert violated.ruling.states > 0  # a search found it
    assert proved.as_expected()
    assert "for all values of the open parameters" in proved.ruling.backing
