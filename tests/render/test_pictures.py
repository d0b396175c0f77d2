"""Pictures: their geometry, what stands in them, and that they are the same everywhere."""

import dataclasses
import functools
import json
import random
import shutil
import struct
import sys
import xml.etree.ElementTree as ET
import zlib

import pytest

from verify import api
from verify.cli.main import main
from verify.render import font, paper
from verify.render.draw import Words, pages, strip
from verify.render.labels import clean
from verify.render.plan import ends, label_box, make_plan
from verify.render.rounds import fold_rounds
from verify.render.scene import Group, Picture, Text
from verify.render.story import tell_story
from verify.render.svg import to_svg
from verify.semantics.interpreter import TICK, Interpreter
from verify.trace.trace import Trace, replay
from verify.trace.uncarried import uncarried
from verify.trace.why import Span

SVG = "{http://www.w3.org/2000/svg}"

MACHINE = """
message Hello { number : 0..9 }
machine Node {
    port lan : Hello
    parameter rank : 0..9 = 1
    variable boots : 0..9
    timer beat
    initial state Idle { on startup { start beat for 20ms; goto Quiet } }
    state Quiet { on timeout beat { send Hello { number = rank }; start beat for 500ms; goto Loud }  on Hello { } }
    state Loud { on timeout beat { send Hello { number = rank }; start beat for 500ms }  on Hello { goto Quiet } }
}
"""


def scenario(count, *, delay="0ms..20ms"):
    machines = "\n".join(f"    n{i} : Node {{ rank = {i} }}" for i in range(1, count + 1))
    return f"""{MACHINE}
scenario one {{
    tick 10ms
{machines}
    segment lan joins each Node.lan {{ delay {delay}; capacity 8 }}
    faults unlimited {{ crash n1 lasts 10ms..30ms }}
    faults copies unlimited {{ duplicate on lan }}
    faults losses unlimited {{ lose on lan }}
    faults cuts at most 2 {{ cut lan lasts 20ms..40ms }}
}}
property quiet : never n1 is Loud and n2 is Loud
property calm  : eventually always n1 is Idle
check one {{ quiet expect violated; calm expect violated }}
"""


SPECS = {count: api.load_text(scenario(count)) for count in (2, 3, 5)}


def task(count):
    return SPECS[count].tasks[0]


@functools.cache
def walked(count, steps, seed=1):
    """A walk in which the faults are rare enough that something else happens, too."""
    system = task(count).system
    interpreter = Interpreter(system)
    draw = random.Random(seed)
    outcome = interpreter.initial()[0]
    choices = [outcome.choice]
    while len(choices) <= steps:
        found = [o for o in interpreter.outcomes(outcome.state) if o.state is not None]
        weights = [
            4 if o.choice.step == TICK else 1 if system.steps[o.choice.step].kind.value == "environment" else 12
            for o in found
        ]
        outcome = draw.choices(found, weights)[0]
        choices.append(outcome.choice)
    return system, replay(interpreter, Trace(tuple(choices)))


@functools.cache
def steered(*wanted, count=2):
    """The run that takes the first step whose name begins as wanted, letting time pass where there is none."""
    system = task(count).system
    interpreter = Interpreter(system)
    outcome = interpreter.initial()[0]
    choices = [outcome.choice]
    for name in wanted:
        for _ in range(200):
            found = interpreter.outcomes(outcome.state)
            named = [o for o in found if o.choice.step >= 0 and system.steps[o.choice.step].name.startswith(name)]
            ticks = [o for o in found if o.choice.step == TICK]
            outcome = (named or ticks or found)[0]
            choices.append(outcome.choice)
            if named:
                break
        else:
            pytest.fail(f"there is no step {name}")
    return system, replay(interpreter, Trace(tuple(choices)))


def form_of(count, number=0):
    return task(count).checks[number].property.form


def plan_of(system, run, form=None):
    return make_plan(tell_story(run, system, form))


def drawn(system, run, form=None):
    return ET.fromstring(api.sequence(run, system, form, title="a title", text="a property"))


def groups(root, kind):
    return [g for g in root.iter(f"{SVG}g") if g.get("class") == kind]


RUNS = {
    "8 steps, 2 machines": lambda: walked(2, 8),
    "60 steps, 3 machines": lambda: walked(3, 60),
    "220 steps, 5 machines": lambda: walked(5, 220),
    "300 steps, 2 machines": lambda: walked(2, 300, seed=4),
    "crash, restart": lambda: steered("startup n1", "crash n1", "restart n1"),
    "cut": lambda: steered("startup n1", "n1 timeout", "cut lan", "end of cut"),
    "refused": lambda: steered("startup n1", "cut lan", "n1 timeout"),
    "lost": lambda: steered("startup n1", "n1 timeout", "lose"),
    "duplicate": lambda: steered("startup n1", "n1 timeout", "duplicate", "deliver", "deliver"),
}


def meets(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def check_geometry(picture):
    texts = list(picture.texts)
    for text in texts:
        left, top, right, bottom = text.box
        assert left >= 0, text
        assert top >= 0, text
        assert right <= picture.width, text
        assert bottom <= picture.height, text
    ordered = sorted(texts, key=lambda t: t.box[1])
    for at, a in enumerate(ordered):
        for b in ordered[at + 1 :]:
            if b.box[1] >= a.box[3]:
                break
            assert not meets(a.box, b.box), (a, b)


@pytest.mark.parametrize("name", RUNS)
def test_no_two_texts_meet_and_all_lie_on_the_page(name):
    system, run = RUNS[name]()
    plan = plan_of(system, run, form_of(2))
    words = Words("a title that is so long that it has to be broken into lines " * 4, "a property of some length " * 12)
    check_geometry(strip(plan, words))
    for page in pages(plan, words, 900):
        check_geometry(page)


@pytest.mark.parametrize("name", RUNS)
def test_each_instance_is_a_lifeline_and_each_message_is_drawn_once(name):
    system, run = RUNS[name]()
    root = drawn(system, run)
    assert [g.get("data-instance") for g in groups(root, "lifeline")] == [i.name for i in system.instances]
    flights = tell_story(run, system, None).flights
    shown = [(g.get("data-number"), g.get("data-end")) for g in groups(root, "message")]
    assert shown == [(str(f.number), f.end) for f in flights]
    start = len(system.variables) + len(system.timers)
    last = run.moments[-1].state
    assert sum(1 for f in flights if f.end == "under way") == sum(len(lane) for lane in last[start:])
    taken = [system.steps[o.choice.step].take for o in run.outcomes if o.choice.step >= 0]
    assert sum(1 for t in taken if t and t.taking.name == "DELIVER") == sum(1 for f in flights if f.end == "delivered")
    assert sum(1 for t in taken if t and t.taking.name == "LOSE") <= sum(1 for f in flights if f.end == "lost")
    assert sum(1 for t in taken if t and t.taking.name == "COPY") == sum(1 for f in flights if f.origin is not None)


@pytest.mark.parametrize("name", RUNS)
def test_every_page_break_keeps_every_note(name):
    system, run = RUNS[name]()
    plan = plan_of(system, run)
    whole = strip(plan, Words("t"))
    parts = pages(plan, Words("t"), 700)
    notes = [t.text for g in whole.groups if g.kind == "notes" for t in g.shapes]
    assert [t.text for p in parts for g in p.groups if g.kind == "notes" for t in g.shapes] == notes
    assert all(p.width == whole.width for p in parts)


def test_a_lost_message_ends_in_a_cross_and_says_so():
    root = drawn(*RUNS["lost"]())
    (lost,) = [g for g in groups(root, "message") if g.get("data-end") == "lost"]
    assert len(lost.findall(f"{SVG}path")) == 3  # the line, the cross and the paper around it
    assert "lost" in [t.text for t in root.iter(f"{SVG}text")]


def line_of(group):
    return [tuple(map(float, at.split(","))) for at in group.find(f"{SVG}path").get("d")[1:].split(" ")]


@pytest.mark.parametrize("name", ["lost", "refused"])
def test_what_ends_before_time_passes_ends_in_a_cross_beside_its_sender(name):
    root = drawn(*RUNS[name]())
    end = "lost" if name == "lost" else "not carried"
    (group,) = [g for g in groups(root, "message") if g.get("data-end") == end]
    (x0, y0), (x1, y1) = line_of(group)
    assert y0 == y1
    assert 30 < x1 - x0 < 130
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert end in texts
    assert ("message not carried: the network is cut" in texts) is (name == "refused")
    assert ("message lost" in texts) is (name == "lost")


def test_what_a_cut_network_does_not_carry_is_drawn_for_each_receiver():
    system, run = steered("startup n1", "cut lan", "n1 timeout", count=3)
    flights = tell_story(run, system, None).flights
    assert [(f.sender, f.receiver, f.end, f.short) for f in flights] == [
        (0, 1, "not carried", "Hello"),
        (0, 2, "not carried", "Hello"),
    ]
    assert all(f.sent == f.arrived for f in flights)
    assert "not carried (2)" in [t.text for t in drawn(system, run).iter(f"{SVG}text")]


CHOOSES = """
message Beat { n : 0..3 }
machine Node { port lan : Beat
    timer t
    initial state Idle { on startup { either { send Beat { n = 1 } } or { send Beat { n = 2 } }; goto Busy } }
    state Busy { on Beat { } } }
scenario one { tick 1s; a : Node; b : Node
    segment lan joins each Node.lan { delay 0s; capacity 1 }
    faults at most 1 { cut lan from a } }
property never_busy : never a is Busy and lan is cut
check one { never_busy expect proved }
"""


def test_what_is_not_carried_is_found_with_the_choices_that_were_made():
    spec = api.load_text(CHOOSES)
    system = spec.tasks[0].system
    interpreter = Interpreter(system)
    start = interpreter.initial()[0]
    cut = next(o for o in interpreter.outcomes(start.state) if "cut" in system.steps[o.choice.step].name)
    for pick, n in ((0, 1), (1, 2)):
        begun = next(
            o
            for o in interpreter.outcomes(cut.state)
            if system.steps[o.choice.step].name == "startup a" and o.choice.picks == (pick,)
        )
        run = replay(interpreter, Trace((start.choice, cut.choice, begun.choice)))
        lane = next(i for i, x in enumerate(system.lanes) if x.sender == 0)
        assert uncarried(run, system) == [[], [], [(lane, (0, n))]]
        assert all(held == () for held in begun.state[-len(system.lanes) :])


WITHIN_ITSELF = """
message Hello { }
machine Port part of System { port lan : Hello
    initial state Idle { on startup { send Hello { }; goto Busy } }
    state Busy { on Hello { } } }
machine System { part port : array 2 of Port  initial state Up { } }
scenario one { tick 1s; a : System; b : System
    segment lan joins a.port[0].lan, a.port[1].lan, b.port[0].lan { delay 0s..1s; capacity 4 } }
property heard : never a.port[1] is Busy and b.port[0] is Busy
check one { heard expect violated }
"""


def test_a_message_from_one_part_to_another_stays_on_the_page():
    (result,) = api.check(api.load_text(WITHIN_ITSELF))
    plan = plan_of(result.system, result.ruling.run)
    own = [f for f in plan.story.flights if f.sender == f.receiver]
    assert own
    for flight in own:
        (x0, y0), (x1, y1) = ends(flight, plan)
        assert min(x0, x1) >= plan.lanes[flight.sender].right
        assert y1 > y0
    check_geometry(strip(plan, Words("t")))


# ---- rounds

ROUNDS = """
message Hello { }
machine Loud { port lan : Hello  timer beat
    initial state On { on startup { start beat for 1s }  on timeout beat { send Hello { }; start beat for 1s } } }
machine Quiet { port lan : Hello  variable heard : 0..1
    timer late
    initial state Idle { on startup { start late for LATEs }  on Hello { }  on timeout late { goto Woken } }
    state Woken { on Hello { } } }
scenario one { tick 1s; a : Loud; b : Quiet; segment lan joins a.lan, b.lan { delay 0s; capacity 1 }
    startup of each Loud at 0s; startup of b at 0s }
property asleep : PROPERTY
check one { asleep expect violated }
"""


def rounds(late, asked="eventually b is Idle and b.heard == 1 within 30s"):
    (result,) = api.check(api.load_text(ROUNDS.replace("LATE", str(late)).replace("PROPERTY", asked)))
    return result.system, result.ruling.run, result.check.property.form


def told(system, run, form):
    return [t.text for t in drawn(system, run, form).iter(f"{SVG}text")]


def test_rounds_that_repeat_are_left_out_but_for_the_first_and_the_last():
    system, run, form = rounds(99)
    whole = tell_story(run, system, form)
    story = fold_rounds(whole)
    (at,) = [i for i, r in enumerate(story.rows) if r.repeat is not None]
    repeat = story.rows[at].repeat
    size = 2  # it is sent, it is received
    assert repeat.period == 1
    assert len(whole.rows) - len(story.rows) == repeat.times * size
    before, after = story.rows[at - size : at], story.rows[at : at + size]
    assert [r.head for r in before] == [r.head for r in after]
    assert after[0].ticks - before[0].ticks == repeat.times + 1
    assert len(whole.flights) - len(story.flights) == repeat.times
    assert [f.number for f in story.flights] == list(range(len(story.flights)))
    assert all(f.arrived == f.sent + 1 for f in story.flights if f.arrived is not None)
    assert f"\N{MULTIPLICATION SIGN} {repeat.times} the same, every 1 s" in told(system, run, form)
    assert "rounds left out" in told(system, run, form)
    check_geometry(strip(make_plan(story), Words("t")))


def test_no_round_is_left_out_in_which_a_state_changes():
    system, run, form = rounds(15)
    story = fold_rounds(tell_story(run, system, form))
    woken = next(s for c in story.columns for t in c.tracks for s in t.stretches if s.text == "Woken")
    assert story.rows[woken.row].ticks == 15
    assert story.rows[woken.row].repeat is None
    assert sum(r.repeat is not None for r in story.rows) == 2


def test_no_round_is_left_out_in_which_the_property_begins_to_be_false():
    system, run, form = rounds(99)
    whole = tell_story(run, system, form)
    plain = next(r.repeat for r in fold_rounds(whole).rows if r.repeat is not None)
    for row in range(3, len(whole.rows) - 2):
        moment = whole.rows[row].moment
        story = fold_rounds(dataclasses.replace(whole, spans=[Span(moment, len(whole.ticks) - 1, "property false")]))
        assert moment in [r.moment for r in story.rows]
        looped = fold_rounds(dataclasses.replace(whole, spans=[], loop=moment))
        assert moment in [r.moment for r in looped.rows]
    assert plain.times > 20


def test_what_differs_is_no_round():
    system, run, form = rounds(99)
    whole = tell_story(run, system, form)
    for row in range(len(whole.rows)):
        changed = [dataclasses.replace(r, details=["x: 0 → 1"]) if i == row else r for i, r in enumerate(whole.rows)]
        story = fold_rounds(dataclasses.replace(whole, rows=changed))
        assert whole.rows[row].moment in [r.moment for r in story.rows]


# ---- labels and arrows


@pytest.mark.parametrize(
    "name", ["60 steps, 3 machines", "300 steps, 2 machines", "cut", "refused", "lost", "duplicate"]
)
def test_no_label_lies_over_an_arrow(name):
    plan = plan_of(*RUNS[name]())
    arrows = [ends(f, plan) for f in plan.story.flights]
    for placed in plan.rows:
        for line in placed.lines:
            x, base, width, _ = label_box(line, placed, plan)
            for arrow in arrows:
                for k in range(101):
                    at = [a + (b - a) * k / 100 for a, b in zip(*arrow, strict=True)]
                    assert not (x < at[0] < x + width and base - 6 < at[1] < base + 1), (line, arrow)


def test_bands_that_never_change_are_left_out_and_named():
    system, run = MANY_BANDS()
    story = tell_story(run, system, None)
    assert [[t.name for t in c.tracks] for c in story.columns] == [["First", "Second"], ["First", "Second"]]
    assert story.facts.endswith("not drawn, since nothing changes there: Third, Fourth")


def MANY_BANDS():  # noqa: N802 - a run, like RUNS
    kinds = "\n".join(
        f"    region {name} {{ initial state Off {{ {body} }} state On {{ }} }}"
        for name, body in (
            ("First", "on startup { goto On }"),
            ("Second", "on startup { goto On }"),
            ("Third", ""),
            ("Fourth", ""),
        )
    )
    spec = f"""machine Node {{\n{kinds}\n}}
scenario one {{ tick 1s; a : Node; b : Node }}
property off : never a.First is On
check one {{ off expect violated }}
"""
    (result,) = api.check(api.load_text(spec))
    return result.system, result.ruling.run


def test_a_copy_says_of_what():
    root = drawn(*RUNS["duplicate"]())
    (copy,) = [g for g in groups(root, "message") if g.get("data-copy-of")]
    original = next(g for g in groups(root, "message") if g.get("data-number") == copy.get("data-copy-of"))
    assert (original.get("data-from"), original.get("data-to")) == (copy.get("data-from"), copy.get("data-to"))


def test_a_message_slants_just_where_it_takes_time():
    system, run = walked(3, 120, seed=2)
    root = drawn(system, run)
    flights = {str(f.number): f for f in tell_story(run, system, None).flights}
    rows = tell_story(run, system, None).rows
    seen = set()
    for group in groups(root, "message"):
        flight = flights[group.get("data-number")]
        if flight.end != "delivered" or flight.origin is not None:
            continue
        line = group.find(f"{SVG}path").get("d")[1:].split(" ")
        (_, y0), (_, y1) = (map(float, p.split(",")) for p in line)
        takes_time = rows[flight.arrived].ticks > rows[flight.sent].ticks
        assert (y1 > y0) is takes_time
        seen.add(takes_time)
    assert seen == {True, False}


def test_crash_cut_and_timers_are_marked():
    texts = [t.text for t in drawn(*RUNS["crash, restart"]()).iter(f"{SVG}text")]
    assert {"down", "crash n1", "restart", "crash", "beat 20 ms"} <= set(texts)
    root = drawn(*RUNS["cut"]())
    assert [g.get("data-instance") for g in groups(root, "network")] == ["lan"]
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert {"cut", "beat expires", "beat 500 ms", "Hello (number 1)"} <= set(texts)


PARTS = """
message Hello { }
machine System {
    port lan : Hello
    part port : array 3 of Port
    region Mux  { initial state Detached { on startup { goto Collecting_and_distributing } }  state Collecting_and_distributing { } }
    region Link { initial state Down { on startup { send Hello { }; goto Up } }  state Up { on Hello { } } }
}
machine Port part of System { timer t  initial state Idle { on startup { start t for 1s; goto Busy } }  state Busy { on timeout t { goto Idle } } }
scenario one { tick 1s; a : System; b : System; segment lan joins a.lan, b.lan { delay 1s; capacity 2 } }
property up : never b.Link is Up
check one { up expect violated }
"""


def test_regions_and_parts_are_bands_of_one_lifeline():
    (result,) = api.check(api.load_text(PARTS))
    root = drawn(result.system, result.ruling.run, result.check.property.form)
    lifelines = groups(root, "lifeline")
    assert [g.get("data-instance") for g in lifelines] == ["a", "b"]
    names = {t.text for t in lifelines[1].iter(f"{SVG}text")}
    assert {"Mux", "Link", "port[0]", "port[2]", "Collecting_and_distributing", "Up", "Busy"} <= names
    plan = plan_of(result.system, result.ruling.run)
    assert [len(lane.bands) for lane in plan.lanes] == [5, 5]
    check_geometry(strip(plan, Words("t")))


def test_without_the_library_a_format_is_refused_in_words(monkeypatch):
    system, run = walked(2, 3)
    for kind, module in (("png", "resvg_py"), ("pdf", "reportlab.pdfbase")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(api.InputError, match="needs the package"):
            api.draw(run, system, kind=kind)


def test_idle_time_is_folded():
    system, run = steered("startup n1", "n1 timeout", "n1 timeout")
    plan = plan_of(system, run)
    assert [p.folded for p in plan.rows if p.folded]
    assert plan.height < 600
    texts = [t.text for t in drawn(system, run).iter(f"{SVG}text")]
    assert any(t.startswith("… ") and t.endswith(" ms …") for t in texts)


def test_the_window_in_which_the_property_is_false_is_shaded():
    system, run = steered("startup n1", "startup n2", "n1 timeout", "n2 timeout")
    (window,) = groups(drawn(system, run, form_of(2)), "window")
    assert int(window.get("data-from")) == run.steps == int(window.get("data-to"))
    texts = [t.text for t in drawn(system, run, form_of(2)).iter(f"{SVG}text")]
    assert any(t.startswith("Now: ") and t.endswith("n2 is Loud") for t in texts)
    assert not groups(drawn(system, run), "window")


def test_a_lasso_is_marked_for_ever():
    system, run = steered("startup n1", "n1 timeout")
    last = run.trace.choices[-1]
    assert last.step >= 0
    looped = type(run)(Trace(run.trace.choices, 1), run.outcomes)
    root = drawn(system, looped, form_of(2, 1))
    (loop,) = groups(root, "loop")
    assert [t.text for t in loop.iter(f"{SVG}text")] == ["for ever"]
    assert len(groups(root, "window")) == 1
    for page in pages(plan_of(system, looped, form_of(2, 1)), Words("t"), 400):
        check_geometry(page)


def test_a_run_that_ends_in_an_error_says_so():
    system = task(2).system
    interpreter = Interpreter(system)
    draw = random.Random(3)
    outcome = interpreter.initial()[0]
    choices = [outcome.choice]
    while outcome.failed is None and len(choices) < 4000:
        found = interpreter.outcomes(outcome.state)
        copies = [o for o in found if o.choice.step >= 0 and system.steps[o.choice.step].name.startswith("duplicate")]
        outcome = draw.choice(copies or [o for o in found if o.choice.step == TICK] or found)
        choices.append(outcome.choice)
    run = replay(interpreter, Trace(tuple(choices)))
    assert run.failed is not None
    texts = [t.text for t in drawn(system, run).iter(f"{SVG}text")]
    assert any(t.startswith("Error: ") for t in texts)


def test_the_same_run_is_the_same_picture_byte_for_byte():
    system, run = walked(3, 40)
    for kind in ("svg", "png", "pdf"):
        assert api.draw(run, system, kind=kind, title="t") == api.draw(run, system, kind=kind, title="t")


# ---- fonts


def pixels(image):
    """The rows of an RGBA or RGB PNG without interlacing."""
    assert image.startswith(b"\x89PNG")
    at, data = 8, b""
    while at < len(image):
        (size,) = struct.unpack(">I", image[at : at + 4])
        kind = image[at + 4 : at + 8]
        body = image[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        data += body if kind == b"IDAT" else b""
        at += 12 + size
    assert depth == 8
    step = {2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(data), [], bytes(width * step)
    for y in range(height):
        line = raw[y * (width * step + 1) : (y + 1) * (width * step + 1)]
        before = unfiltered(line[0], bytearray(line[1:]), before, step)
        rows.append(before)
    return rows


def unfiltered(kind, line, above, step):
    for i in range(len(line)):
        a = line[i - step] if i >= step else 0
        b, c = above[i], above[i - step] if i >= step else 0
        near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        line[i] = (line[i] + (0, a, b, (a + b) // 2, near)[kind]) & 255
    return bytes(line)


def ink(text, *, fonts=True):
    """The picture of a text alone: how many pixels are dark, and the rows."""
    shape = Text(10, 30, text, 20, font.width(text, 20))
    svg = to_svg(Picture(200, 40, "t", "d", [Group("g", {}, [shape])]))
    rows = pixels(paper.to_png(svg if fonts else svg.replace("<text", "<none").replace("</text", "</none")))
    return sum(1 for row in rows for value in row[::4] if value < 128), rows


def test_png_shows_text_without_any_font_of_the_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "none.conf"))
    monkeypatch.setenv("FONTCONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    empty, _ = ink("Active", fonts=False)
    dark, rows = ink("Active")
    missing, boxes = ink("\U000f0000" * 6)
    assert empty == 0
    assert dark > 300
    assert rows != boxes
    assert missing != dark
    assert ink("Passive")[1] != rows


def test_measured_widths_are_those_that_are_drawn():
    text = "Advertisement (priority 200)"
    _, rows = ink(text[:20])
    right = max(x for row in rows for x, value in enumerate(row[::4]) if value < 128) / paper.SHARPNESS
    assert right == pytest.approx(10 + font.width(text[:20], 20), abs=3)


def test_a_text_is_cut_where_it_does_not_fit():
    assert font.fit("abcdef", 1000, 9) == "abcdef"
    short = font.fit("abcdefghijklmnop", 40, 9)
    assert short.endswith("…")
    assert font.width(short, 9) <= 40
    assert all(
        font.width(x, 9) <= 80
        for x in font.wrap("many words that go on and on, verylongwordwithoutanyspaceinit " * 3, 80, 9)
    )
    assert len(font.wrap("one two three four five six seven", 30, 9, most=2)) == 2


def test_what_the_font_does_not_have_is_written_as_its_number():
    assert font.shown("Zürich → λ") == "Zürich → λ"
    assert font.shown("\u4e2d \U0001f980") == "\\u4e2d \\U0001f980"
    assert font.wrap("see \u4e2d", 200, 9) == ["see \\u4e2d"]
    system, run = walked(2, 8)
    svg = api.sequence(run, system, None, title="\u4e2d", text="\U0001f980")
    assert "\\u4e2d" in svg
    assert "\\U0001f980" in svg
    assert clean("\u4e2d\n\u6587") == "\\u4e2d \\u6587"


# ---- the command line


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A folder with a spec, and the trace and the picture that a check has written."""
    folder = tmp_path_factory.mktemp("checked")
    path = folder / "a.spec"
    asked = scenario(2).replace("calm expect violated ", "")
    path.write_text(asked.replace("violated; ", "violated "), encoding="utf-8")
    assert main(["check", str(path), "--out", str(folder / "out"), "-q"]) == 0
    return folder


@pytest.fixture
def trace(checked, tmp_path):
    shutil.copytree(checked, tmp_path, dirs_exist_ok=True)
    return next((tmp_path / "out").glob("*.itf.json"))


def test_render_writes_each_format(trace, tmp_path, capsys):
    capsys.readouterr()
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("text", b"one: quiet is VIOLATED")):
        out = tmp_path / f"picture.{kind}"
        assert main(["render", str(trace), "--format", kind, "--out", str(out)]) == 0
        assert out.read_bytes().startswith(start)
        again = main(["render", str(trace), "--format", kind, "--out", str(out)])
        assert again == (2 if kind == "text" else 0)
    svg = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert svg == trace.with_name(trace.name.replace(".itf.json", ".svg")).read_text(encoding="utf-8")
    assert 'class="window"' in svg
    capsys.readouterr()
    assert main(["render", str(trace), "--format", "svg"]) == 0
    assert capsys.readouterr().out == svg


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "text"])
def test_render_overwrites_nothing_but_pictures(kind, trace, tmp_path, capsys):
    for place in (trace, tmp_path / "a.spec"):
        before = place.read_bytes()
        assert main(["render", str(trace), "--format", kind, "--out", str(place)]) == 2
        assert place.read_bytes() == before
        assert "E805" in capsys.readouterr().err


def test_a_png_needs_a_file_and_a_folder_that_is_there(trace, tmp_path, capsys):
    assert main(["render", str(trace), "--format", "png"]) == 2
    assert "--out FILE" in capsys.readouterr().err
    assert main(["render", str(trace), "--format", "png", "--out", str(tmp_path / "no" / "x.png")]) == 2
    assert "E803" in capsys.readouterr().err
    assert main(["render", str(tmp_path / "a.spec"), "--format", "svg"]) == 2


def test_a_trace_without_the_form_is_drawn_without_the_window(trace, tmp_path):
    whole = json.loads(trace.read_text(encoding="utf-8"))
    del whole["#meta"]["form"]
    old = tmp_path / "old.itf.json"
    old.write_text(json.dumps(whole), encoding="utf-8")
    (svg,) = api.draw_trace(old)
    assert b'class="window"' not in svg
    whole["#meta"]["form"] = ["Never", ["Read", 999], None]
    old.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(api.InputError):
        api.draw_trace(old)


def test_a_very_high_picture_becomes_several_images(tmp_path):
    system, run = walked(2, 700, seed=4)
    parts = api.draw(run, system, kind="png")
    assert len(parts) > 1
    written = api.save(parts, tmp_path / "x.png")
    assert [w.name for w in written] == [f"x-{n}.png" for n in range(1, len(parts) + 1)]


def test_choice_of_a_format_that_is_none():
    system, run = walked(2, 3)
    with pytest.raises(api.InputError, match="no picture format"):
        api.draw(run, system, kind="gif")
