"""What small texts mean: reachable states, found by reasoning, against those of the reference interpreter."""

# ruff: noqa: PLR0913 - small texts read best on one line; a row of a table has its columns

import pytest

from verify.base.diagnostic import InputError
from verify.lang.specification import load_specification
from verify.semantics.interpreter import TICK, Interpreter

TAIL = "\nproperty p : never false\ncheck s { p expect proved }\n"
PAIR = "a : A\nb : A\nlink l joins a.p, b.p"


class World:
    """All reachable states of the first task of a text, with variables and timers by name."""

    def __init__(self, folder, text, most=20_000):
        path = folder / "world.spec"
        path.write_text(text + ("" if "check " in text else TAIL), encoding="utf-8")
        self.task = load_specification(path).tasks[0]
        self.system = self.task.system
        self.interpreter = Interpreter(self.system)
        self.names = [v.name for v in self.system.variables] + [t.name for t in self.system.timers]
        self.failures = {o.failed.failure.name for o in self.interpreter.initial() if o.failed}
        queue = [o.state for o in self.interpreter.initial() if o.state is not None]
        self.states = set(queue)
        self.edges = []
        for state in queue:
            for outcome in self.interpreter.outcomes(state):
                step = outcome.choice.step
                label = "tick" if step == TICK else self.system.steps[step].name
                self.edges.append((state, label, outcome.state))
                if outcome.failed:
                    self.failures.add(outcome.failed.failure.name)
                elif outcome.state not in self.states:
                    self.states.add(outcome.state)
                    queue.append(outcome.state)
            assert len(self.states) < most

    def read(self, state, name):
        at = self.names.index(name)
        value = state[at]
        if at < len(self.system.variables):
            members = getattr(self.system.variables[at].domain, "members", None)
            return members[value] if members else value
        return value

    def values(self, *names):
        found = {tuple(self.read(s, n) for n in names) for s in self.states}
        return {f[0] for f in found} if len(names) == 1 else found

    def lanes(self):
        at = len(self.names)
        return {s[at:] for s in self.states}

    def steps(self):
        return {label for _, label, _ in self.edges}


@pytest.fixture
def world(tmp_path):
    return lambda text: World(tmp_path, text)


def one(items, scenario=""):
    """A machine A with one instance a."""
    return f"enum Light {{ red, green }}\nmachine A {{ {items} }}\nscenario s {{ tick 10ms\n a : A\n{scenario} }}"


def ends(items, scenario="", network="", sender="on startup { send M { n = 1 } send M { n = 2 } }"):
    """Two machines on a link: a sends at its startup, b is what ``items`` say; b starts up, but no rule takes that."""
    return f"""
message M {{ n : 0..3 }}
machine A {{ port p : M  initial state S {{ {sender} }} }}
machine B {{ port p : M  variable seen : 0..9 = 0  {items} }}
scenario s {{ tick 10ms
    a : A
    b : B
    link l joins a.p, b.p {{ delay 0s..10ms  capacity 2  {network} }}
    {scenario}
}}"""


LISTEN = "initial state S { on M m { seen := m.n } }"
LOG = "initial state S { on M m when seen * 3 + m.n < 10 { seen := seen * 3 + m.n } on M { } }"  # 1 then 2: 5; 2 then 1: 7


# ---- rules


def test_the_first_rule_whose_guard_holds_runs(world):
    w = world(
        one(
            "variable v : 0..3 = 0  initial state S { on startup when v == 1 { v := 3 } on startup { v := 1 } on startup { v := 2 } }"
        )
    )
    assert w.values("a.v") == {0, 1}


def test_an_event_goes_to_every_region_in_text_order_with_effects_visible_at_once(world):
    w = world(
        one("""variable v : 0..9 = 1
        region X { initial state S { on startup { v := v + 1 } } }
        region Y { initial state S { on startup { v := v * 2 } } }""")
    )
    assert w.values("a.v") == {1, 4}


def test_a_rule_at_machine_level_consumes_the_event_before_the_regions(world):
    w = world(one("variable v : 0..9 = 0  on startup when v == 0 { v := 1 } initial state S { on startup { v := 2 } }"))
    assert w.values("a.v") == {0, 1}


def test_a_guarded_rule_at_machine_level_lets_other_events_through(world):
    w = world(one("variable v : 0..9 = 0  on startup when v == 7 { v := 1 } initial state S { on startup { v := 2 } }"))
    assert w.values("a.v") == {0, 2}


def test_goto_runs_the_entry_of_its_target_in_the_same_step(world):
    w = world(
        one("variable v : 0..9 = 0  initial state S { on startup { v := 3  goto T } } state T { entry { v := v + 1 } }")
    )
    assert w.values("a", "a.v") == {("S", 0), ("T", 4)}


def test_goto_to_the_own_state_runs_its_entry_again(world):
    w = world(one("variable v : 0..9 = 0  initial state S { entry { v := v + 1 } on startup { goto S } }"))
    assert w.values("a.v") == {1, 2}


def test_a_global_arrow_is_taken_once_and_blocks_the_rules_of_states(world):
    w = world(
        one("""variable up : bool = false  variable v : 0..3 = 0
        region R {
            when up { goto Off }
            initial state On { on startup { up := true } }
            state Off { when v == 0 { v := 1 } }
        }""")
    )
    assert w.values("a.R", "a.v") == {("On", 0), ("Off", 0)}


def test_urgent_rules_are_steps_of_their_own_and_hold_time(world):
    w = world(
        one(
            "variable v : 0..3 = 0  initial state S { on startup { v := 1 } when v == 1 { v := 2 } when v == 2 { v := 3 } }"
        )
    )
    assert w.values("a.v") == {0, 1, 2, 3}
    assert not [e for e in w.edges if e[1] == "tick" and w.read(e[0], "a.v") in (1, 2)]


def test_atomic_reactions_leave_no_state_between(world):
    text = (
        "variable v : 0..3 = 0  initial state S { on startup { v := 1 } when v == 1 { v := 2 } when v == 2 { v := 3 } }"
    )
    assert world(one(text, "reactions atomic")).values("a.v") == {0, 3}


def test_an_urgent_livelock_is_an_error_of_atomic_reactions(world):
    text = "variable v : 0..1 = 0  initial state S { when v == 0 { v := 1 } when v == 1 { v := 0 } }"
    assert world(one(text, "reactions atomic")).failures == {"LIVELOCK"}


# ---- values


def test_assignments_take_effect_in_text_order(world):
    w = world(
        one("variable v : 0..9 = 1  variable w : 0..9 = 2  initial state S { on startup { v := w  w := v + 1 } }")
    )
    assert w.values("a.v", "a.w") == {(1, 2), (2, 3)}


def test_the_formals_of_an_action_are_values_of_the_moment_of_the_call(world):
    w = world(
        one("variable v : 0..9 = 1  action f(n : 0..9) { v := 5  v := v + n } initial state S { on startup { f(v) } }")
    )
    assert w.values("a.v") == {1, 6}


def test_a_let_is_called_by_name_on_the_present_state(world):
    w = world(
        one(
            "variable v : 0..9 = 1  variable w : 0..9 = 0  let twice = v * 2  initial state S { on startup { v := 4  w := twice } }"
        )
    )
    assert w.values("a.w") == {0, 8}


def test_a_value_outside_its_range_ends_the_run(world):
    w = world(one("variable v : 0..3 = 2  initial state S { on startup { v := v + 2 } }"))
    assert w.failures == {"RANGE"}
    assert w.values("a.v") == {2}


def test_dynamic_index_reads_and_writes_one_element(world):
    w = world(
        one("""variable t : array 3 of 0..9  variable i : 0..2 = 1  variable v : 0..9
        initial state S { on startup { t[i] := 7  i := 2  t[i] := t[clamp(i - 1, 0, 2)] + 1  v := t[0] } }""")
    )
    assert w.values("a.t[0]", "a.t[1]", "a.t[2]", "a.v") == {(0, 0, 0, 0), (0, 7, 8, 0)}


def test_an_element_can_index_its_own_array(world):
    w = world(one("variable t : array 2 of 0..1  initial state S { on startup { t[t[0]] := 1  t[t[0]] := 0 } }"))
    assert w.values("a.t[0]", "a.t[1]") == {(0, 0), (1, 0)}


def test_records_are_copied_and_compared_by_value(world):
    w = world(
        "record R { x : 0..9  y : 0..9 }\n"
        + one("""variable r : R = R(x = 1, y = 2)  variable q : R  variable same : bool
        initial state S { on startup { q := r  same := q == r  r.x := 5  r := R(x = r.y, y = r.x) } }""")
    )
    assert w.values("a.q.x", "a.q.y", "a.r.x", "a.r.y", "a.same") == {(0, 0, 1, 2, 0), (1, 2, 2, 5, 1)}


def test_optional_values(world):
    w = world(
        one("""variable o : optional 0..9  variable v : 0..9  variable was : bool
        initial state S { on startup { was := o is none  o := 4  v := o otherwise 1  goto T } }
        state T { when o == 4 { o := none  v := o otherwise 1 } }""")
    )
    assert w.values("a", "a.o.present", "a.v", "a.was") == {("S", 0, 0, 0), ("T", 1, 4, 1), ("T", 0, 1, 1)}


def test_none_carries_no_value_so_that_equal_states_are_equal(world):
    w = world(
        one("variable o : optional 2..9  initial state S { on startup { o := 4  o := none  goto T } } state T { }")
    )
    assert w.values("a", "a.o") == {("S", 2), ("T", 2)}


@pytest.mark.parametrize(
    ("top", "bottom", "down", "up", "nearest"),
    [
        (7, 2, 3, 4, 4),
        (-7, 2, -4, -3, -3),
        (7, -2, -4, -3, -3),
        (-7, -2, 3, 4, 4),
        (6, 3, 2, 2, 2),
        (-5, 3, -2, -1, -2),
        (1, 3, 0, 1, 0),
    ],
)
def test_rounding(world, top, bottom, down, up, nearest):
    w = world(
        one(f"""variable x : -9..9 = {top}  variable y : {min(bottom, -bottom) if bottom < 0 else 1}..{-1 if bottom < 0 else 9} = {bottom}
        variable d : -9..9  variable u : -9..9  variable n : -9..9
        initial state S {{ on startup {{ d := rounded down (x / y)  u := rounded up (x / y)  n := rounded nearest (x / y) }} }}""")
    )
    assert w.values("a.d", "a.u", "a.n") == {(-9, -9, -9), (down, up, nearest)}


def test_rounding_a_duration_to_a_unit(world):
    w = world(
        one("variable d : duration 0s..1s  initial state S { on startup { d := rounded up to 20ms (50ms / 2) } }")
    )
    assert w.values("a.d") == {0, 4}


def test_modulo(world):
    w = world(one("variable v : 0..9 = 8  initial state S { on startup { v := v mod 3 } }"))
    assert w.values("a.v") == {8, 2}


def test_choose_offers_every_member_that_its_condition_allows(world):
    w = world(one("variable v : 0..9 = 0  initial state S { on startup { choose x in 1..5 where x != 3 { v := x } } }"))
    assert w.values("a.v") == {0, 1, 2, 4, 5}


def test_an_empty_choice_is_an_error(world):
    w = world(
        one("variable v : 0..9 = 0  initial state S { on startup { choose x in 1..5 where x > 5 + v { v := x } } }")
    )
    assert w.failures == {"CHOICE"}


def test_choices_multiply(world):
    w = world(
        one(
            "variable v : 0..9  variable l : Light  initial state S { on startup { either { v := 1 } or { v := 2 } choose x in Light { l := x } } }"
        )
    )
    assert w.values("a.v", "a.l") == {(0, "red"), (1, "red"), (1, "green"), (2, "red"), (2, "green")}


# ---- parts


PARTS = """
machine Box { variable sum : 0..9 = 0  part cell : array 3 of Cell { weight = index + 1 }
    let heavy = count(c in cell : c.weight > 1)
    initial state S { on startup { sum := heavy } on shutdown { sum := sum(c in cell : c.weight) } } }
machine Cell part of Box { parameter weight : 0..9  variable mine : 0..9 = 0  variable next : reference to Cell
    initial state S { on startup { mine := owner.sum + weight  next := owner.cell[2]  owner.cell[2].mine := 9 } } }
"""


def test_parts_read_and_write_their_owner_and_siblings(world):
    w = world(PARTS + "scenario s { tick 1s  x : Box { cell[2].weight = 5 } }")
    # the owner first: sum = 2; cell 0: 3, cell 1: 4, cell 2 is written last by itself
    assert w.values("x.sum", "x.cell[0].mine", "x.cell[1].mine", "x.cell[2].mine") == {(0, 0, 0, 0), (2, 3, 4, 9)}
    assert w.values("x.cell[0].next") == {"x.cell[0]", "x.cell[2]"}


# ---- extends


def test_a_later_line_replaces_an_inherited_one_and_without_takes_away(world):
    w = world("""machine A { parameter n : 0..9 = 1  variable v : 0..9 = n  initial state S { } }
        scenario base { tick 10ms  a : A { n = 2 }  b : A  c : A  startup of a at 0s..10ms }
        scenario s extends base { tick 20ms  a.n = 3  b : A { n = 7 }  without c  without startup of a }""")
    assert w.system.tick_nanoseconds == 20_000_000
    assert w.values("a.v", "b.v") == {(3, 7)}
    assert "startup of c due" not in w.names
    assert w.steps() == {"startup a", "startup b", "tick"}


def test_without_faults_takes_a_pool_away(world):
    w = world("""machine A { initial state S { } }
        scenario base { tick 10ms  a : A  faults f at most 1 { crash a }  events g unlimited { shutdown a } }
        scenario s extends base { without faults f }""")
    assert w.steps() == {"startup a", "shutdown a", "tick"}


def test_without_faults_all_takes_every_pool_away(world):
    w = world("""machine A { initial state S { } }
        scenario base { tick 10ms  a : A  faults f at most 1 { crash a }  faults at most 2 { shutdown a } }
        scenario s extends base { without faults all }""")
    assert w.steps() == {"startup a", "tick"}


# ---- time


def starts(w, label):
    """After how many ticks from the beginning a step can happen; every other step but ticks is ignored."""
    depth = {w.interpreter.initial()[0].state: 0}
    for state, step, after in w.edges:  # breadth first, ticks only
        if step == "tick" and state in depth:
            depth.setdefault(after, depth[state] + 1)
    return {depth[state] for state, step, _ in w.edges if step == label and state in depth}


@pytest.mark.parametrize(
    ("window", "times"),
    [("at 0s", {0}), ("at 30ms", {3}), ("at 0s..20ms", {0, 1, 2}), ("at 10ms..30ms", {1, 2, 3}), ("never", set())],
)
def test_startup_windows(world, window, times):
    w = world(one("initial state S { on startup { goto T } } state T { }", f"startup of a {window}"))
    assert starts(w, "startup a") == times


def test_startup_at_any_time_happens_once_and_may_not_happen(world):
    w = world(one("variable v : 0..3 = 0  initial state S { on startup { v := v + 1 } }", "startup of a any time"))
    assert w.values("a.v") == {0, 1}
    assert [e for e in w.edges if e[1] == "tick" and w.read(e[0], "a.v") == 0]


def test_a_fault_within_a_window_and_at_a_time(world):
    text = "initial state S { }"
    quiet = "startup of a never  "
    assert starts(world(one(text, quiet + "faults at most 1 between 10ms and 20ms { crash a }")), "crash a") == {1, 2}
    assert starts(world(one(text, quiet + "faults { crash a at 20ms }")), "crash a") == {2}


def test_a_timer_fires_after_its_duration_and_holds_time_until_then(world):
    w = world(one("timer t  initial state S { on startup { start t for 30ms } on timeout t { goto T } } state T { }"))
    assert w.values("a", "a.t") == {("S", -1), ("S", 3), ("S", 2), ("S", 1), ("S", 0), ("T", -1)}
    assert not [e for e in w.edges if e[1] == "tick" and w.read(e[0], "a.t") == 0]


def test_a_timer_that_nobody_takes_does_not_hold_time(world):
    w = world(one("timer t  initial state S { on startup { start t for 10ms } }"))
    assert [e for e in w.edges if e[1] == "tick" and w.read(e[0], "a.t") == 0 and w.read(e[2], "a.t") == 0]


def test_messages_before_timeouts(world):
    items = "timer t  initial state S { on startup { start t for 10ms } on M { goto Heard } on timeout t { goto Out } } state Heard { } state Out { }"
    sender = "on startup { send M { n = 1 } }"
    both = world(ends(items, sender=sender, network="").replace("delay 0s..10ms", "delay 10ms"))
    assert both.values("b") == {"S", "Heard", "Out"}
    first = world(
        ends(items, "messages before timeouts\nstartup of a at 0s", sender=sender).replace(
            "delay 0s..10ms", "delay 10ms"
        )
    )
    # both start at 0s: the message is due in the instant in which the timer expires
    assert first.values("b") == {"S", "Heard"}


# ---- crash and restart


def test_a_crash_resets_all_but_what_survives_and_lasts_its_window(world):
    w = world(
        one(
            "variable v : 0..3 = 0  variable k : 0..3 = 0 survives crash  timer t  initial state S { on startup { v := 2  k := 3  start t for 1s } }",
            "faults at most 1 { crash a at 0s lasts 20ms..30ms }",
        )
    )
    down = {(w.read(s, "a.v"), w.read(s, "a.k"), w.read(s, "a.t")) for s in w.states if w.read(s, "a.up") == 0}
    assert down == {(0, 0, -1), (0, 3, -1)}  # before and after the startup
    gone = [e for e in w.edges if e[1] == "restart a"]
    assert {w.read(after, "a.v") for _, _, after in gone} == {2}


def test_a_restart_runs_entries_and_initial_values_that_use_locals(world):
    w = world(
        "record R { x : 0..7  y : 0..7 }\n"
        + one(
            """parameter q : R = R(x = 1, y = 2)  variable r : R = q  variable c : R = r
        variable v : 0..7 = 0  action up(n : 0..7) { v := min(n + 1, 7) }
        initial state S { entry { up(v) up(v) } }""",
            "faults at most 1 { crash a lasts 10ms }",
        )
    )
    alive = [s for s in w.states if w.read(s, "a.up")]
    assert {(w.read(s, "a.v"), w.read(s, "a.c.x"), w.read(s, "a.c.y")) for s in alive} == {(2, 1, 2)}


def test_each_and_for_unfold_in_faults(world):
    text = "machine A { signal s  initial state S { } }\nscenario s { tick 1s  r : array 3 of A  %s }"
    assert world(text % "faults unlimited { crash each A }").steps() >= {"crash r[0]", "crash r[1]", "crash r[2]"}
    w = world(text % "faults unlimited { for i in 0..1 : signal s of r[i] }")
    assert {x for x in w.steps() if x.startswith("signal")} == {"signal s of r[0]", "signal s of r[1]"}


def test_a_signal_is_an_event_of_its_instance(world):
    w = world(
        one(
            "signal poke  variable v : 0..2  on poke when v < 2 { v := v + 1 } initial state S { }",
            "events unlimited { signal poke of a when a.v != 1 }",
        )
    )
    assert w.values("a.v") == {0, 1}


# ---- networks


def test_messages_of_a_lane_arrive_in_order(world):
    assert world(ends(LOG)).values("b.seen") == {0, 1, 5}


def test_unordered_messages_arrive_in_any_order(world):
    assert world(ends(LOG, network="unordered")).values("b.seen") == {0, 1, 2, 5, 7}


def test_loss_takes_any_copy(world):
    assert world(ends(LOG, "faults at most 1 { lose on l }")).values("b.seen") == {0, 1, 2, 5}


def test_a_duplicate_stands_right_behind(world):
    # 1 1 2 -> 1, 4 (, 14 is too much), 1 2 2 -> 1, 5; with room for three
    w = world(ends(LOG, "faults at most 1 { duplicate on l }").replace("capacity 2", "capacity 3"))
    assert w.values("b.seen") == {0, 1, 4, 5}


def test_a_message_is_delivered_within_its_delay(world):
    w = world(ends(LISTEN).replace("delay 0s..10ms", "delay 20ms..30ms"))
    ages = {m[0] for lanes in w.lanes() for lane in lanes for m in lane}
    assert ages == {0, 1, 2, 3}
    at = [state[len(w.names) :] for state, label, _ in w.edges if label == "deliver a.p -> b.p"]
    assert {lane[0][0] for lanes in at for lane in lanes if lane} == {2, 3}


@pytest.mark.parametrize(
    ("policy", "seen", "failures"),
    [
        ("when full drops newest", {0, 1}, set()),
        ("when full drops oldest", {0, 2}, set()),
        ("when full error", {0}, {"FULL_LANE"}),
    ],
)
def test_a_full_lane(world, policy, seen, failures):
    w = world(ends(LISTEN, network=policy).replace("capacity 2", "capacity 1"))
    assert (w.values("b.seen"), w.failures) == (seen, failures)


def test_a_rule_that_would_have_to_wait_is_not_enabled(world):
    sender = "on startup { goto T } } state T { when seen < 3 { seen := seen + 1  send M { n = seen } }"
    text = ends(LISTEN, network="when full waits", sender=sender).replace(
        "port p : M  initial", "port p : M  variable seen : 0..3 = 0  initial"
    )
    w = world(text.replace("capacity 2", "capacity 1"))
    assert w.failures == set()
    assert w.values("b.seen") == {0, 1, 2, 3}


SEES = "variable saw : 0..2 = 0  initial state S { on M m { seen := m.n } on link_down { saw := 1 } on link_up { saw := 2 } }"


def test_a_cut_empties_the_lanes_and_tells_both_ends(world):
    w = world(ends(SEES, "startup of b never  faults at most 1 { cut l lasts 10ms }"))
    cut = [s for s in w.states if w.read(s, "l.cut") != "intact"]
    assert all(lane == () for s in cut for lane in s[len(w.names) :])
    assert {w.read(s, "b.saw") for s in cut} == {1}
    assert w.values("b.saw") == {0, 1, 2}
    assert w.values("b.seen") == {0, 1, 2}


def test_a_silent_cut_tells_nobody(world):
    w = world(ends(SEES, "faults at most 1 { cut l silent }"))
    assert w.values("b.saw") == {0}
    assert "silently cut" in w.values("l.cut")


def test_one_end_of_a_segment_is_cut_alone(world):
    text = ends(SEES, "faults at most 1 { cut a.p }").replace("link l", "segment l")
    assert world(text).values("b.saw") == {0}  # the interface below a: b keeps its carrier
    assert world(text.replace("segment l", "link l")).values("b.saw") == {0, 1}  # the other end of a link sees it


def test_a_cut_of_one_direction_leaves_the_other(world):
    w = world(ends(LISTEN, "faults { cut l from a to b at 0s }  startup of a at 10ms"))
    assert w.values("b.seen") == {0}
    w = world(ends(LISTEN, "faults { cut l from b to a at 0s }  startup of a at 10ms"))
    assert w.values("b.seen") == {0, 1, 2}


def test_carries_when_decides_at_the_send(world):
    assert world(ends(LISTEN, network="carries when b.seen == 9")).values("b.seen") == {0}


def test_a_message_to_a_dead_instance_is_discarded(world):
    w = world(ends(LISTEN, "faults at most 1 { crash b }  startup of b never"))
    assert [e for e in w.edges if e[1] == "deliver a.p -> b.p" and w.read(e[0], "b.up") == 0]
    assert {w.read(s, "b.seen") for s in w.states if w.read(s, "b.up") == 0} == {0}


# ---- what is left open


def test_open_parameters_and_assumptions_are_kept_apart_from_states(tmp_path):
    path = tmp_path / "open.spec"
    path.write_text(
        one("parameter n : 0..9 = 1  variable v : 0..9 = n  initial state S { }", "a.n = any 2..5  assume a.n > 3")
        + TAIL
    )
    system = load_specification(path).tasks[0].system
    assert [(p.domain.low, p.domain.high) for p in system.parameters] == [(2, 5)]
    assert len(system.assumptions) == 1
    with pytest.raises(ValueError, match="open"):
        Interpreter(system)


def test_an_assumption_about_the_state_is_refused(world):
    with pytest.raises(InputError):
        world(one("variable v : 0..9 = 0  initial state S { on startup { v := 1 } }", "assume a.v == 1"))
