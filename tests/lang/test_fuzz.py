"""Torn and scrambled inputs: whatever the text, the front end answers with a specification or with diagnostics."""

import random
import re

import pytest

from verify.base.diagnostic import InputError, render
from verify.lang.loading import Sources, library_folder
from verify.lang.specification import load_specification

MUTANTS = 300
TOKEN = re.compile(r'"[^"\n]*"|\w+|\s+|:=|\.\.|[=!<>]=|.', re.DOTALL)

SPEC = """
record Info { key : 0..3  since : duration 0s..1s }
message Hello { info : Info; best : optional 0..3 }
enum Mood { calm, busy }
machine Bridge {
    parameter n : 1..3 = 2
    part port : array n of Port { limit = index + 1 }
    variable total : 0..6 = 0 survives crash
    signal poke
    let busy_ports = count(p in port : p.mood == busy)
    on poke when busy_ports > 0 { total := min(total + 1, 6) }
    initial state Up { on shutdown { goto Down } }
    state Down { entry { total := 0 } on startup { goto Up } }
}
machine Port part of Bridge {
    port wire : Hello
    parameter limit : 1..3
    variable mood : Mood = calm
    variable last : optional Info = none
    variable peer : reference to Port
    variable table : array 3 of 0..3
    timer wait up to 100ms
    action note(i : Info) { last := i  table[limit - 1] := i.key }
    region Main {
        when owner is Down and mood == busy { goto Idle }
        initial state Idle {
            entry { mood := calm }
            on startup { start wait for rounded up to 10ms (limit * 10ms / 2) }
            on timeout wait { send Hello { info = Info(key = limit, since = 0s), best = none } on wire; goto Busy }
        }
        state Busy {
            entry { mood := busy }
            on Hello h when h.best is none or (h.best otherwise 0) < limit { note(h.info) }
            on Hello h of wire { either { choose k in 0..2 where k < 2 { table[k] := k } } or { peer := self } }
            on link_down { if exists(p in owner.port : p.peer == self) { goto Idle } else { stop wait } }
        }
    }
}
scenario base {
    tick 10ms
    a : Bridge { n = 1 }
    b : Bridge { n = 1; port[0].limit = any 1..2 }
    link l joins a.port[0].wire, b.port[0].wire { delay 0s..10ms; capacity 2; when full drops oldest; unordered }
    startup of a at 0s..20ms
    startup of b any time repeatable
    assume b.port[0].limit >= 2
    faults few at most 2 between 0s and 50ms { lose Hello on l from a.port[0]; cut a.port[0].wire silent lasts 10ms }
    events unlimited { for x in {a, b}: signal poke of x when x is Up; crash a; restart a; cut l; repair l }
    fair strongly delivery on l
}
scenario more extends base { reactions atomic; messages before timeouts; a.n = 1; without fair }
let both = a is Up and b is Up
property fine : never (a.total == 6 and not both) for longer than 20ms
property reply : whenever (sent Hello by a.port[0]) then (delivered Hello to b.port[0]) within 10ms
property logic : ltl always ({ both } implies eventually (not { a is Down }))
check base { fine expect proved; reply expect violated because "it can be lost" }
check more { logic expect undecided } needs native
"""


def mutant(text: str, dice: random.Random) -> str:
    """The text with one to three tokens or lines deleted, doubled, swapped, or replaced by others of the same text."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        by_line = dice.random() < 0.25
        parts = text.splitlines(keepends=True) if by_line else TOKEN.findall(text)
        places = [i for i, part in enumerate(parts) if part.strip()]
        if not places:
            return text
        here, there = dice.choice(places), dice.choice(places)
        match dice.randrange(5):
            case 0:
                del parts[here]
            case 1:
                parts.insert(here, parts[here])
            case 2:
                parts[here], parts[there] = parts[there], parts[here]
            case 3:
                parts[here] = parts[there]
            case _:
                parts = parts[: max(here, 1)] if dice.random() < 0.2 else [*parts[:here], *parts[here + 1 :]]
        text = "".join(parts)
    return text


def answer(path, text):
    """Load the text: gives whether it was understood; anything but InputError goes through."""
    path.write_text(text, encoding="utf-8", newline="")
    sources = Sources()
    try:
        found = load_specification(path, sources).warnings
    except InputError as problem:
        found = problem.diagnostics
        assert found
        for diagnostic in found:
            assert diagnostic.place.path
    for diagnostic in found:
        assert render(diagnostic, sources.texts)


@pytest.mark.parametrize("suffix", [".spec", ".model"])
def test_mutants_are_understood_or_told(tmp_path, suffix):
    model = (library_folder("models") / "vrrp.model").read_text(encoding="utf-8")
    text = SPEC if suffix == ".spec" else model
    dice = random.Random(f"front end {suffix}")
    path = tmp_path / f"mutant{suffix}"
    for _ in range(MUTANTS // 2):
        answer(path, mutant(text, dice))


def test_the_text_to_be_scrambled_is_sound(tmp_path):
    path = tmp_path / "whole.spec"
    path.write_text(SPEC, encoding="utf-8")
    assert [task.scenario for task in load_specification(path).tasks] == ["base", "more"]
