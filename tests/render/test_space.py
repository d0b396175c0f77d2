"""State graphs: every state is in them once, paths are marked, and what is too large is told."""

import dataclasses
import html
import itertools
import re
from pathlib import Path

import pytest

from verify import api
from verify.base.budget import Budget, Limits
from verify.base.diagnostic import InputError
from verify.base.verdict import Verdict
from verify.cli.main import main
from verify.render import space
from verify.render.layout import draw
from verify.semantics.interpreter import TICK

ROOT = Path(__file__).resolve().parents[2]
TICKING = ROOT / "tests/corpus/vrrp_tick.spec"

WARD = """
message Ping { }
machine Watchdog {
    port wire : Ping
    timer dead
    initial state Waiting {
        on startup { start dead for 30s }
        on Ping { start dead for 30s }
        on timeout dead { goto Alarm }
    }
    state Alarm { on Ping { start dead for 30s; goto Waiting } }
}
machine Heart {
    port wire : Ping
    timer beat
    initial state Beating {
        on startup { send Ping { }; start beat for 20s }
        on timeout beat { send Ping { }; start beat for 20s }
    }
}
scenario ward {
    tick 1s
    dog   : Watchdog
    heart : Heart
    link wire joins dog.wire, heart.wire { delay 0s; capacity 1 }
    faults at most 1 { lose on wire }
}
property quiet : never dog is Alarm
property alarms : possible dog is Alarm
property comes_back : always eventually dog is Waiting
property for_ever : eventually always dog is Alarm
check ward { quiet expect violated; alarms expect proved; comes_back expect proved; for_ever expect violated }
"""

FAULTY = """
machine Counter { variable n : 0..3 timer t  initial state Up {
    on startup { start t for 1s }
    on timeout t { n := n + 1; start t for 1s }
} }
scenario runs_over { tick 1s  c : Counter }
property small : never c.n > 3
check runs_over { small expect invalid }
"""


def surveyed(text, asked="", scenario=None, limits=None):
    spec = api.load_text(text) if isinstance(text, str) else api.load(text)
    task = next(t for t in spec.tasks if scenario in (None, t.scenario))
    return space.survey(task.system, [c.property for c in task.checks], asked, Budget(limits or Limits()))


def shown(source):
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", source)).split())


def test_ticks_in_a_row_are_folded_and_time_is_kept():
    found = surveyed(WARD)
    drawing = space.lay_out(found, 60)
    assert drawing.whole
    assert len(drawing.nodes) < len(found.graph.states) / 4
    hidden = len(found.graph.states) - len(drawing.nodes)
    assert sum(ticks - 1 for _, _, ticks in drawing.arrows if ticks) == hidden
    assert "20 s" in [n for (_, _, ticks), a in drawing.arrows.items() if ticks for n in a.names]
    source = space.picture(found).source
    assert source.count("style=dashed") == 2 * sum(1 for _, _, ticks in drawing.arrows if ticks)


def test_every_edge_of_the_graph_is_an_arrow():
    found = surveyed(WARD)
    drawing = space.lay_out(found, 60)
    graph = found.graph
    for state in drawing.nodes:
        for edge in graph.edges(state):
            step = graph.choices[graph.choice[edge]].step
            if step != TICK:
                name = graph.interpreter.system.steps[step].name
                assert name in drawing.arrows[state, graph.target[edge], 0].names


@pytest.mark.parametrize("scenario", ["two", "three"])
def test_every_state_is_counted_once(scenario):
    found = surveyed(TICKING, scenario=scenario)
    drawing = space.lay_out(found, 60)
    assert not drawing.whole
    assert sum(drawing.counts) == len(found.graph.states)
    source = space.picture(found).source
    written = [int(n.replace(",", "")) for n in re.findall(r">([\d,]+) states?<", source)]
    assert sum(written) == len(found.graph.states)


def test_a_machine_that_is_down_is_down():
    drawing = space.lay_out(surveyed(TICKING, scenario="two"), 60)
    assert (("r[0]", ("down",)), ("r[1]", ("Master",))) in drawing.nodes
    assert len(drawing.nodes) == 15


def test_max_nodes_chooses_between_the_two():
    found = surveyed(TICKING, scenario="two")
    assert space.lay_out(found, 10_000).whole
    assert not space.lay_out(found, 10).whole


@pytest.mark.parametrize("most", [60, 3])
def test_the_path_is_numbered_in_its_order(most):
    found = surveyed(WARD, "quiet")
    drawing = space.lay_out(found, most)
    assert drawing.whole == (most == 60)
    taken = sorted((n, ends) for ends, a in drawing.arrows.items() for n in a.numbers)
    assert [n for n, _ in taken] == list(range(1, len(taken) + 1))
    for (_, (_, head, _)), (_, (tail, _, _)) in itertools.pairwise(taken):
        assert head == tail
    assert taken[0][1][0] == drawing.roots[0]
    source = space.picture(found, most).source
    assert source.count("penwidth=3") == 2 * len(taken)
    assert "quiet is violated" in shown(source)
    assert "quiet is VIOLATED" in shown(source)


def test_the_whole_path_takes_the_time_of_the_run():
    found = surveyed(WARD, "quiet")
    drawing = space.lay_out(found, 60)
    ticks = sum(t * len(a.numbers) for (_, _, t), a in drawing.arrows.items())
    events = sum(len(a.numbers) for (_, _, t), a in drawing.arrows.items() if not t)
    assert (ticks, events) == (found.run.ticks, found.run.events)


def test_a_loop_is_said_to_come_again():
    found = surveyed(WARD, "for_ever")
    assert found.run.trace.loop is not None
    assert re.search(r"from \d+ on, again and again", shown(space.picture(found).source))


def test_a_witness_is_marked_when_it_is_asked_for():
    text = shown(space.picture(surveyed(WARD, "alarms")).source)
    assert "alarms is PROVED" in text
    assert "alarms holds here" in text
    assert "its witness is thick and numbered" in text


def test_without_a_violation_nothing_is_marked():
    text = WARD[: WARD.index("check ward")] + "check ward { comes_back expect proved }"
    found = surveyed(text)
    assert found.ruling is None
    assert "penwidth=3" not in space.picture(found).source


def test_the_first_violation_is_taken():
    found = surveyed(WARD)
    assert found.asked.name == "quiet"
    assert found.ruling.verdict is Verdict.VIOLATED


def test_where_nothing_follows_is_said():
    text = """
    machine Stuck { variable on : bool  port p : M  initial state Up { on startup { send M { } } on M { } } }
    message M { }
    scenario stuck { tick 1s  a : Stuck  b : Stuck  segment lan joins a.p, b.p { capacity 1; when full waits } }
    property fine : never a.on
    check stuck { fine expect invalid }
    """
    found = surveyed(text)
    stuck = [x for x in range(found.graph.expanded) if not found.graph.edges(x)]
    failing = {x for x, _, _ in found.graph.failures}
    source = shown(space.picture(found).source)
    assert source.count("nothing follows") == len([x for x in stuck if x not in failing])
    assert "nothing follows" not in shown(space.picture(surveyed(FAULTY)).source)


@pytest.mark.parametrize("most", [60, 0])
def test_errors_are_nodes(most):
    found = surveyed(FAULTY)
    assert found.ruling.verdict is Verdict.INVALID
    drawing = space.lay_out(found, most)
    assert len(drawing.errors) == 1
    (into,) = [a for (_, head, _), a in drawing.arrows.items() if head == drawing.errors[0]]
    assert into.numbers
    assert "error: " in shown(space.picture(found, most).source)
    assert api.draw_states(api.load_text(FAULTY), most=most).startswith(b"<?xml")


def test_what_is_not_explored_is_said():
    found = surveyed(TICKING, scenario="three", limits=Limits(states=1000))
    text = shown(space.picture(found).source)
    assert "explored in part: limit of 1,000 states" in text
    assert "not all explored" in text
    assert sum(space.lay_out(found, 60).counts) == len(found.graph.states)


def test_open_parameters_are_those_of_the_violation():
    text = """
    machine Counter { parameter most : 1..9 = 5  variable n : 0..9  initial state Up { when n < most { n := n + 1 } } }
    scenario open_ { tick 1s  c : Counter { most = any 1..4 } }
    property small : never c.n > 2
    check open_ { small expect violated }
    """
    found = surveyed(text)
    assert found.values == "c.most = 3"
    assert "for c.most = 3" in shown(space.picture(found).source)


def test_too_large_is_told(monkeypatch):
    monkeypatch.setattr(space, "MOST_NODES", 5)
    with pytest.raises(InputError, match=r"E813.*boxes"):
        space.picture(surveyed(TICKING, scenario="two"), 4)


def test_hostile_names_are_escaped():
    spec = api.load_text(WARD)
    system = spec.tasks[0].system
    nasty = 'do<g>"&\n\\N'
    renamed = dataclasses.replace(
        system,
        name=nasty,
        instances=tuple(dataclasses.replace(i, name=nasty + i.name) for i in system.instances),
        steps=tuple(dataclasses.replace(x, name=nasty + x.name) for x in system.steps),
        timers=tuple(dataclasses.replace(x, name=nasty + x.name) for x in system.timers),
    )
    found = space.survey(renamed, [c.property for c in spec.tasks[0].checks], "", Budget())
    drawn = draw(space.picture(found), "svg")
    assert 'do<g>"& \\Ndog' in html.unescape(drawn.decode())


def test_the_same_bytes_each_time(tmp_path):
    for form in ("dot", "svg", "png", "pdf"):
        one, other = tmp_path / f"one.{form}", tmp_path / f"other.{form}"
        for path in (one, other):
            assert main(["graph", str(TICKING), "--scenario", "two", "--out", str(path), "-q"]) == 0
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["graph", "none.spec"], "E001"),
        (["graph", str(TICKING), "--scenario", "five"], "E707"),
        (["graph", str(TICKING), "--property", "at_most_on"], "did you mean 'at_most_one'?"),
        (["graph", str(TICKING), "--out", "a.jpeg"], "E815"),
    ],
)
def test_faults_are_told_and_end_with_2(arguments, told, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--quiet"]) == 2
    assert told in capsys.readouterr().err
