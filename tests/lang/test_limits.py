"""What becomes too large is told, soon, as a diagnostic: it neither crashes nor hangs."""

import time

import pytest

from verify import api

MACHINE = (
    "machine A { %s initial state S { %s } }\nscenario s { tick 1s a : A }\n"
    "property p : never %s\ncheck s { p expect proved }\n"
)


def doubling(levels):
    return "let a0 = v\n" + "\n".join(f"let a{i} = a{i - 1} + a{i - 1}" for i in range(1, levels))


CASES = {
    "lets that double": MACHINE % (f"variable v : 0..3\n{doubling(40)}", "", "a.a39 == 0"),
    "lets with formals that double": MACHINE
    % (
        "variable v : 0..3 let f0(n : 0..3) = n + v\n"
        + "\n".join(f"let f{i}(n : 0..3) = f{i - 1}(n) + f{i - 1}(n)" for i in range(1, 30)),
        "",
        "a.f29(1) == 0",
    ),
    "constants that square": MACHINE
    % ("let a0 = 3\n" + "\n".join(f"let a{i} = a{i - 1} * a{i - 1}" for i in range(1, 40)), "", "a.a39 == 0"),
    "actions that double": MACHINE
    % (
        "variable v : 0..3 action g0 { v := 1 }\n"
        + "\n".join(f"action g{i} {{ g{i - 1} g{i - 1} }}" for i in range(1, 30)),
        "on startup { g29 }",
        "a is down",
    ),
    "records that double": "record R0 { a : bool }\n"
    + "\n".join(f"record R{i} {{ a : R{i - 1} b : R{i - 1} }}" for i in range(1, 26))
    + MACHINE % ("variable v : R25", "", "a is down"),
    "arrays of arrays": MACHINE % ("variable v : array 256 of array 256 of array 256 of bool", "", "a is down"),
    "quantifiers within quantifiers": MACHINE
    % ("variable v : 0..3", "", "exists(i in 0..4000 : exists(j in 0..4000 : i + j == a.v))"),
    "an index of an index": MACHINE
    % ("variable w : array 256 of 0..255 variable i : 0..255", "on startup { w[i] := w[w[i]] }", "a is down"),
    "deep chains of else": MACHINE
    % (
        "variable v : 0..9",
        "on startup { " + "else ".join("if v == 1 { v := 2 } " for _ in range(400)) + "}",
        "a is down",
    ),
    "a path without end": MACHINE % ("variable v : 0..3", "", "a" + ".self" * 1000 + " is down"),
    "many routers on a segment": "message M { }\nmachine A { port p : M initial state S { on startup { send M { } } } }\n"
    "scenario s { tick 1s a : array 60 of A segment q joins each a.p }\nproperty p : never a[0] is down\ncheck s { p }\n",
    "many instances": "machine A { initial state S { } }\nscenario s { tick 1s "
    + " ".join(f"a{i} : array 256 of A" for i in range(20))
    + " }\nproperty p : never a0[0] is down\ncheck s { p }\n",
    "a number of many digits": MACHINE % (f"variable v : 0..{10**400}", "", "a is down"),
    "a duration of many digits": MACHINE.replace("tick 1s", f"tick 1.{'0' * 39}1s") % ("", "", "a is down"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_words_and_soon(name):
    began = time.process_time()
    with pytest.raises(api.InputError) as found:
        api.load_text(CASES[name])
    assert time.process_time() - began < 15
    codes = {d.code for d in found.value.diagnostics if d.code.startswith("E")}
    assert codes <= {"E105", "E103", "E302", "E303", "E406"}


def test_many_uses_of_the_same_files_are_read_once(tmp_path):
    for i in range(26):
        uses = f'use "d{i - 1}.model"\nuse "d{i - 1}.model" as q\n' if i else ""
        (tmp_path / f"d{i}.model").write_text(f"{uses}enum E{i} {{ m{i} }}\n", encoding="utf-8")
    (tmp_path / "a.spec").write_text(
        'use "d25.model"\n' + MACHINE % ("variable v : E0", "", "a.v == m1"), encoding="utf-8"
    )
    began = time.process_time()
    with pytest.raises(api.InputError):
        api.load(tmp_path / "a.spec")
    assert time.process_time() - began < 15
