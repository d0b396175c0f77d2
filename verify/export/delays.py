"""Delays of any length as one step: exactly those states that ticks reach one after another, in one move.

A delay of d ticks is allowed where a tick is, while no running timer and no message passes the instant at which something could
first see it: that a timer expires, that a message reaches its lane's minimum or maximum. Until then guards, urgency and
predicates have the same values after each tick as before it: of a running timer they see that it runs, of a message's age on
which side of the minimum and the maximum it is, of events nothing (what a watch sees of them is over with the first tick: so
there are none in the state that a delay with a watch begins in). So each of the d ticks is allowed, and together they do what the
delay does. Nor does a unit react on the way: none could in the first state, which is one at rest. A delay of one tick is always
among them.
"""

from __future__ import annotations

from verify.certify.meaning import Effect, Happening, Script, all_of, negated
from verify.system.system import Lane, Order, System


def delay(system: System, words: dict[str, str], tick: Happening) -> tuple[Happening, str]:
    """A delay from the state that the words tell, and the word for its ticks."""
    effect = Effect(system, Script(prefix="delay"), {w: w for w in words}, ["0"])
    ticks = effect.script.input()
    conditions = [tick.enabled, f"(<= 1 {ticks})"]
    for number in range(len(system.timers)):
        word = f"t{number}"
        conditions.append(f"(or (<= {word} 0) (<= {ticks} {word}))")
        effect.state[word] = effect.script.named("Int", f"(ite (> {word} 0) (- {word} {ticks}) {word})")
    for number, lane in enumerate(system.lanes):
        conditions += _older(effect, number, lane, ticks)
    events = [w for w in words if w.startswith("e")]
    if "c" in words:
        conditions += [negated(w) for w in events]
    effect.state |= dict.fromkeys(events, "false") | ({"b": "1"} if "b" in words else {})
    effect.script.lines = [*tick.script.lines, *effect.script.lines]
    return Happening("delay", None, effect.script, all_of(conditions), "false", effect, seen=tick.seen), ticks


def _older(effect: Effect, number: int, lane: Lane, ticks: str) -> list[str]:
    """Let the messages of a lane grow older; what that asks of the ticks."""
    conditions = []
    for place in range(lane.capacity if lane.maximum else 0):
        age, here = effect.state[f"l{number}_{place}_age"], effect.state[f"l{number}_{place}_here"]
        grows = f"(and {here} (< {age} {lane.maximum}))"
        seen = {lane.minimum, lane.maximum} - {0}
        conditions += [f"(=> (and {here} (< {age} {least})) (<= {ticks} (- {least} {age})))" for least in sorted(seen)]
        effect.state[f"l{number}_{place}_age"] = effect.script.named("Int", f"(ite {grows} (+ {age} {ticks}) {age})")
    if lane.order is Order.UNORDERED:
        effect.sort(number)
    return conditions
