"""State diagrams: everything that was written is in them, and they can be laid out wherever we are."""

import html
import re
import shutil
from pathlib import Path

import pytest

from verify import api
from verify.base.diagnostic import InputError
from verify.cli.main import main
from verify.lang import syntax as s
from verify.lang.loading import Sources
from verify.lang.specification import load_models
from verify.render import layout, phrases
from verify.render.machines import diagram

ROOT = Path(__file__).resolve().parents[2]
VRRP = ROOT / "models/vrrp.model"
DECISIONS = ROOT / "docs/decisions/0001-the-waist-on-paper.md"

LAMP = """
reference book "A book of lamps"
machine Lamp {
    variable on : bool
    variable level : 0..9
    timer off
    signal push
    action leave { goto Dark }
    on startup { on := false }
    region Light {
        when level > 8 { goto Broken }
        on shutdown { on := false }
        initial state Dark  { on push when level < 5 and not on { on := true; start off for 3s; goto Lit } cite book "1.1" }
        state Lit           {
            entry { level := min(level + 1, 9) } cite book "1.2" unverified
            on push { start off for 3s }
            on timeout off { leave }
            on startup { either { goto Lit } or { if on { goto Dark } else { level := 0 } } }
        }
        state Broken { }
    }
}
"""


def scope_of(text, name="a.model"):
    sources = Sources()
    sources.given[name] = text
    return load_models(Path(name), sources)


def dot(text, machine="", name="a.model"):
    return diagram(scope_of(text, name), machine).source


def shown(source):
    """The text in labels, tags taken away, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", source)).split())


def sketch(title):
    text = DECISIONS.read_text(encoding="utf-8").split(f"\n## {title}")[1]
    return re.search(r"```verify\n(.*?)```", text, re.DOTALL)[1]


def edges(source):
    return re.findall(r'^\s*("?[\w.]+"?) -> ("?[\w.]+"?) \[(.*)\]$', source, re.MULTILINE)


def test_every_state_rule_and_clause_of_vrrp_is_drawn():
    scope = load_models(VRRP)
    source = diagram(scope).source
    machine = scope.own["Router"]
    text = shown(source)
    rules = list(machine.rules)
    for region in machine.regions:
        rules += region.rules
        for state in region.states:
            assert f"<B>{state.name}</B>" in source
            rules += state.rules
    for rule in rules:
        for cited in rule.citations:
            first = cited.clause.split(" (")[0]
            assert f"{cited.reference} {first}" in text
            for number in re.findall(r"\(\w+\)", cited.clause):
                assert number in text
        if rule.guard is not None:
            assert phrases.expression(rule.guard) in text
    assert "? clause unverified" in text
    assert "stop adver; send Advertisement { … }" in text
    leading = [r for r in rules if r.body and isinstance(r.body[-1], s.Goto)]
    assert len(re.findall(r'"m0\.rule\d+" \[label', source)) == len(leading) == 6


@pytest.mark.parametrize("title", ["LACP", "An MLAG", "HSRP", "An EVPN", "Hosts"])
def test_every_state_of_the_sketches_is_drawn(title):
    text = sketch(title)
    source = dot(text)
    for name in re.findall(r"\bstate (\w+)", text):
        assert f"<B>{name}</B>" in source
    for name in re.findall(r"\bregion (\w+)", text):
        assert f"<B>{name}</B>" in source


def test_regions_are_clusters_and_global_arrows_leave_from_any_state():
    source = dot(sketch("LACP"), "Port")
    assert re.findall(r"subgraph (cluster\w+)", source) == [
        "cluster_m0",
        "cluster_m0_0",
        "cluster_m0_1",
        "cluster_m0_2",
    ]
    assert source.count("any state") == 1
    assert [e[:2] for e in edges(source) if ".any" in e[0]] == [('"m0.0.any"', '"m0.rule4"')]
    assert ('"m0.rule4"', '"m0.0.Disabled"') in [e[:2] for e in edges(source)]


def test_one_point_leads_to_each_initial_state():
    leading = [e[1] for e in edges(dot(sketch("LACP"), "Port")) if "initial" in e[0]]
    assert leading == ['"m0.0.Disabled"', '"m0.1.Unselected"', '"m0.2.Detached"']


def test_what_stays_is_listed_and_what_may_go_is_said_so():
    source = dot(LAMP)
    text = shown(source)
    assert "entry / level := min(level + 1, 9)" in text
    assert "book 1.2 ?" in text
    assert "[level < 5 and not on]" in text
    assert "in every state, before anything else startup / on := false" in text
    assert "in every state of this region shutdown / on := false" in text
    assert "push / start off for 3s" in text
    assert "(enters the state again)" in text
    assert "(in some cases)" in text
    rules = re.findall(r'"m0\.rule\d+" \[label', source)
    assert len(rules) == 4  # push, the time-out through an action, one way of startup, the global arrow
    assert "timeout off / leave" in text


def test_an_arrow_back_points_at_the_earlier_state():
    into = [e for e in edges(dot(LAMP)) if "dir=back" in e[2]]
    assert [e[0] for e in into] == ['"m0.0.Dark"', '"m0.0.Dark"']


def test_a_long_guard_is_wrapped_and_cut():
    guard = " or ".join(f"level == {n % 10}" for n in range(30))
    source = dot(LAMP.replace("level < 5 and not on", guard))
    longest = max(len(html.unescape(x)) for x in re.findall(r">([^<>\n]+)</", source))
    assert longest <= 45
    assert "…]" in shown(source)


HOSTILE = '1.1 <b>&amp;"quoted" \\N \\l %s {x|y} </TABLE> \u202e é 漢'


@pytest.mark.parametrize("form", ["svg", "png"])
def test_hostile_text_is_drawn_as_it_stands(form):
    source = LAMP.replace('"1.1"', '"' + HOSTILE.replace('"', "'") + '"')
    scope = scope_of(source)
    drawn = layout.draw(diagram(scope), form)
    assert drawn[:4] in (b"<?xm", b"\x89PNG")
    if form == "svg":
        assert "&lt;b&gt;&amp;amp;" in drawn.decode()
        assert "&lt;/TABLE&gt;" in drawn.decode()


def test_names_that_no_parser_would_give_are_escaped():
    place = scope_of(LAMP).own["Lamp"].place
    state = s.State(place, 'a"b<c>&\n\\n:x', True, None, (), ())
    scope = scope_of(LAMP)
    scope.own["Lamp"] = s.Machine(place, 'M"<&\n', 'O"<', (state,))
    graph = diagram(scope, "Lamp")
    assert layout.draw(graph, "svg").startswith(b"<?xml")
    assert 'a"b<c>& \\n:x' in html.unescape(layout.draw(graph, "svg").decode())


def test_the_same_bytes_each_time():
    scope = load_models(VRRP)
    for form in layout.FORMATS:
        assert layout.draw(diagram(scope), form) == layout.draw(diagram(load_models(VRRP)), form)


def test_without_a_dot_program_or_fonts(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shutil.which("dot") is None
    drawn = {form: layout.draw(diagram(load_models(VRRP)), form) for form in layout.FORMATS}
    assert drawn["svg"].startswith(b"<?xml")
    assert drawn["png"].startswith(b"\x89PNG")
    assert drawn["pdf"].startswith(b"%PDF")
    assert b"DejaVuSans" in drawn["pdf"]  # letters, not boxes
    assert b"(D:20000101000000" in drawn["pdf"]  # the same bytes at any time of day
    assert drawn["dot"].startswith(b"digraph")


def test_a_dot_program_is_used_where_there_is_one(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\ncat > /dev/null\necho "drawn $1 $2 $FONTCONFIG_FILE"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    drawn = layout.draw(diagram(load_models(VRRP)), "svg").decode()
    assert drawn.startswith("drawn -Kdot -Tsvg")
    assert "verify-" in drawn


def test_a_dot_program_that_fails_is_told(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho no such luck >&2\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(InputError, match=r"E812.*no such luck"):
        layout.draw(diagram(load_models(VRRP)), "svg")


def test_nothing_to_lay_out_with_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(layout.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="E811"):
        layout.draw(diagram(load_models(VRRP)), "svg")


def test_fonts_come_with_their_licence():
    assert {p.name for p in layout.FOLDER.iterdir()} >= {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "LICENSE-DejaVu.txt"}


def test_the_command_writes_what_the_name_says(tmp_path, capsysbinary):
    assert main(["diagram", str(VRRP), "--out", str(tmp_path / "a.dot")]) == 0
    assert (tmp_path / "a.dot").read_bytes().startswith(b"digraph")
    assert main(["diagram", "vrrp", "--format", "dot"]) == 0
    assert capsysbinary.readouterr().out == (tmp_path / "a.dot").read_bytes()


def test_a_spec_shows_the_machines_that_it_uses():
    assert b"<B>Router</B>" in api.draw_machines(next((ROOT / "specs").rglob("*.spec")), form="dot")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["diagram", "none.model"], "E001"),
        (["diagram", str(VRRP), "--machine", "Ruter"], "did you mean 'Router'?"),
        (["diagram", str(VRRP), "--out", "a.gif"], "E815"),
        (["diagram", str(VRRP), "--format", "dot", "--out", "no/such/folder.dot"], "E803"),
    ],
)
def test_faults_are_told_and_end_with_2(arguments, told, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_model_without_machines_is_told():
    with pytest.raises(InputError, match="E814"):
        dot("message Ping { }")


@pytest.mark.parametrize(
    "guard",
    [
        "level < 5 and (on or level == 2)",
        "not (on and level > 2)",
        "level + 1 < 5",
        "(if on then 1 else 2) == level",
        "self is Dark",
        "not on and running(off)",
    ],
)
def test_guards_read_as_they_are_written(guard):
    source = LAMP.replace("level < 5 and not on", guard)
    state = next(x for x in scope_of(source).own["Lamp"].regions[0].states if x.name == "Dark")
    assert phrases.expression(state.rules[0].guard) == guard
