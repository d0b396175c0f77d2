"""The language, the interpreter and the engine against 250 lines of plain Python that know nothing of them."""


import pytest
from siblings import sibling

from verify import api

SPEC = """
use vrrp
scenario base {
    tick 10ms
    r1 : Router { priority = 200; address = 2; interval = 100ms }
    r2 : Router { priority = 100; address = 1; interval = 100ms }
    segment lan joins r1.lan, r2.lan { delay 0ms..10ms; capacity 2 }
}
scenario late  extends base { startup of r1 at 0s..500ms }
scenario crash extends base {
    faults crashes at most 1 { crash r1 }
    faults losses at most 2 { lose on lan }
    events unlimited { restart r1 }
}
let two = r1 is Active and r2 is Active
property never_two : never two
property p120 : never two for longer than 120ms
property p110 : never two for longer than 110ms
property p10  : never two for longer than 10ms
property p0   : never two for longer than 0ms
property t370 : whenever crash of r1 then r1 is Active or r2 is Active within 370ms
property t360 : whenever crash of r1 then r1 is Active or r2 is Active within 360ms
check late  { never_two expect violated; p10 expect proved; p0 expect violated }
check crash { never_two expect violated; p120 expect proved; p110 expect violated; t370 expect proved; t360 expect violated }
"""


HAND = sibling("agreement", "vrrp_by_hand")


def renamed(state, system):
    """A state of ours as one of the enumeration by hand: see the list of components there."""
    at = {v.name: state[i] for i, v in enumerate(system.variables)}
    at |= {t.name: state[len(system.variables) + i] for i, t in enumerate(system.timers)}
    start = len(system.variables) + len(system.timers)
    lanes = {lane.name: state[start + i] for i, lane in enumerate(system.lanes)}
    out = []
    for r in ("r1", "r2"):
        out += [at.get(f"{r}.up", 1), at[r], at[f"{r}.active_down"], at[f"{r}.adver"]]
    for lane in ("r1.lan -> r2.lan", "r2.lan -> r1.lan"):
        # a message of ours: age, kind, version, vrid, priority, interval, address
        shown = [(message[4], message[0]) for message in lanes[lane]]
        out += [x for pair in [*shown, *([(HAND.NOTHING, HAND.NOTHING)] * (2 - len(shown)))] for x in pair]
    clocks = [at["startup of r1 due"], at["startup of r2 due"]]
    return (*out, *clocks, at.get("crashes left", 0), at.get("losses left", 0))


def reachable(system):
    interpreter = api.Interpreter(system)
    first = [o.state for o in interpreter.initial()]
    seen, transitions = set(first), 0
    while first:
        for outcome in interpreter.outcomes(first.pop()):
            transitions += 1
            if outcome.state not in seen:
                seen.add(outcome.state)
                first.append(outcome.state)
    return seen, transitions


def hand_states(scenario):
    first = HAND.initial(scenario)
    seen, waiting = {first}, [first]
    while waiting:
        for _, after in HAND.steps(waiting.pop()):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return seen


@pytest.mark.parametrize("scenario", ["late", "crash"])
def test_the_same_states_up_to_the_renaming(scenario):
    system = next(t.system for t in api.load_text(SPEC).tasks if t.scenario == scenario)
    ours, transitions = reachable(system)
    assert {renamed(s, system) for s in ours} == hand_states(scenario)
    result = HAND.explore(scenario)
    assert (len(ours), transitions) == (result.states, result.transitions)


def test_the_same_verdicts():
    results = {(r.scenario, r.check.property.name): r for r in api.check(api.load_text(SPEC))}
    assert all(r.as_expected() for r in results.values())
    late, crash = HAND.explore("late"), HAND.explore("crash")
    assert late.longest_both_active == 1  # p10 proved, p0 violated
    assert crash.longest_both_active == 12  # p120 proved, p110 violated
    assert crash.longest_without_active_after_crash == 37  # t370 proved, t360 violated
    for name, by_hand_result in (("late", late), ("crash", crash)):
        result = results[name, "never_two"].ruling
        assert by_hand_result.never_two_active == f"violated after {result.run.steps} steps"
        assert (result.states, result.transitions, result.depth) == (
            by_hand_result.states,
            by_hand_result.transitions,
            by_hand_result.max_depth,
        )
