"""Why a property is false: in the words of the spec where what they mean is written out."""

import dataclasses

import pytest

from verify import api
from verify.base.diagnostic import InputError
from verify.passes.valuations import close_property
from verify.system.expression import FALSE, TRUE, Operator
from verify.system.property import Label, Never
from verify.system.serialise import dump_form, load_form, to_json
from verify.system.wellformed import nodes
from verify.trace.why import why

SPEC = """
machine Node { initial state Off { on startup { goto On } } state On { } }
scenario one { tick 1s; n : array 3 of Node }
let both = count(x in n : x is On) > 1
property counted : never count(x in n : x is On) > 1   # two
property broken  : always (count(x in n :
                              x is On) <= 1) or n[0] is Off
property named   : eventually always not both
property nested  : never exists(x in n : x is On and count(y in n : y is On) > 1)
property joined  : never (n[0] is On and n[1] is On) or count(x in n : x is On) == 3
property late    : whenever n[0] is On then count(x in n : x is Off) > 7 within 1s
property plain   : never n[0] is On or n[1] is On
check one {
    counted expect violated; broken expect violated; named expect violated; nested expect violated
    joined expect violated; late expect violated; plain expect violated
}
"""
SAID = {
    "counted": "now: count(x in n : x is On) > 1",
    "broken": "now: not ((count(x in n : x is On) <= 1) or n[0] is Off)",
    "named": "again and again not: not both",
    "nested": "now: exists(x in n : x is On and count(y in n : y is On) > 1)",
    "joined": "now: n[0] is On and n[1] is On",
    "late": "too late now, and still not: count(x in n : x is Off) > 7",
    "plain": "now: n[0] is On",
}
RESULTS = {r.check.property.name: r for r in api.check(api.load_text(SPEC))}


@pytest.mark.parametrize("name", SAID)
def test_a_count_is_told_as_it_was_written(name):
    found = RESULTS[name]
    assert why(found.ruling.run, found.system, found.check.property.form) == SAID[name]


def test_only_what_needs_a_label_has_one():
    assert not RESULTS["plain"].check.property.form.labels
    (label,) = RESULTS["counted"].check.property.form.labels
    assert label.text == "count(x in n : x is On) > 1"
    assert any(getattr(n, "operator", None) is Operator.IF for n in nodes(label.expression))


def test_a_label_means_nothing():
    form = RESULTS["counted"].check.property.form
    bare = dataclasses.replace(form, labels=())
    assert form == bare
    assert hash(form) == hash(bare)
    assert to_json(form, places=False) == to_json(bare, places=False)
    assert to_json(form) != to_json(bare)


def test_labels_are_saved_and_read_and_closed():
    form = RESULTS["counted"].check.property.form
    assert load_form(dump_form(form)).labels == form.labels
    asked = RESULTS["counted"].check.property
    assert close_property(asked, ()).form.labels == form.labels


def test_a_form_that_was_saved_without_labels_is_read():
    assert load_form(["Never", ["Constant", 0], None]) == Never(FALSE)
    found = load_form(["Never", ["Constant", 0], None, [["Label", ["Constant", 1], "so"]]])
    assert found.labels == (Label(TRUE, "so"),)
    for bad in (
        ["Never", ["Constant", 0]],
        ["Never", ["Constant", 0], None, [], []],
        ["Never", TRUE.value, None, [[]]],
    ):
        with pytest.raises(InputError):
            load_form(bad)
