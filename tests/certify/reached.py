"""All that a small closed system reaches, with the observer of a form, by the interpreter; and as an invariant and a rank."""

import functools
from dataclasses import dataclass, field

from verify.certify.vocabulary import state_words
from verify.semantics.expressions import evaluator
from verify.semantics.interpreter import TICK, Interpreter
from verify.system.expression import negation
from verify.system.property import Never, NeverLonger, Possible
from verify.system.system import StepKind, Taking

NONE = frozenset()


class Observer:
    """What the observer of a form counts, from the definitions."""

    def __init__(self, interpreter, form):
        self.bound = None
        if isinstance(form, Never | Possible):
            return
        bad = isinstance(form, NeverLonger)
        starts, stops = (form.bad, negation(form.bad)) if bad else (form.trigger, form.response)
        self.bound = form.bound.value
        self.starts = None if starts is None else interpreter.predicate(starts)
        self.stops = interpreter.predicate(stops)

    def counted(self, before, step, state, events):
        """On arrival; None before: at first. What passes the bound is bound + 1."""
        if self.bound is None:
            return -1
        starting = before is None if self.starts is None else self.starts(state, events)
        ticks = -1 if before is None else before
        if ticks >= 0 and step == TICK:
            ticks += 1
        if ticks > self.bound:
            return ticks
        if self.stops(state, events):
            return -1
        return 0 if ticks < 0 and starting else ticks


@dataclass
class Reached:
    """Nodes (state, events, counter), with the steps that lead on; ``violated``, ``failed``: whether that was met."""

    nodes: dict = field(default_factory=dict)
    first: tuple | None = None
    violated: bool = False
    failed: bool = False


def urgent(system, state, choice):
    """Whether a step is urgent, or a reaction: the rank has to go down."""
    if choice.step == TICK:
        return False
    step = system.steps[choice.step]
    if step.kind is StepKind.REACTION or evaluator(step.urgent, system)(state, (), NONE):
        return True
    if step.take is None or step.take.taking is not Taking.DELIVER:
        return False
    held = state[len(system.variables) + len(system.timers) + step.take.lane]
    return held[choice.position][0] >= system.lanes[step.take.lane].maximum


def reached(system, form, most):
    """Everything that can be reached, None if that is more than so much."""
    interpreter = Interpreter(system)
    watch, found = Observer(interpreter, form), Reached()
    asked = {int(w[1:]) for w in state_words(system, form) if w.startswith("e")}
    goal = interpreter.predicate(form.bad if isinstance(form, Never) else form.good) if watch.bound is None else None
    waiting = []
    for outcome in interpreter.initial():
        if outcome.failed is not None:
            found.failed = True
            continue
        found.first = (outcome.state, NONE, watch.counted(None, None, outcome.state, NONE))
        waiting.append(found.first)
    while waiting:
        node = waiting.pop()
        if node in found.nodes:
            continue
        state, events, counter = node
        found.nodes[node] = after = []
        if len(found.nodes) > most:
            return None
        if goal is not None and goal(state, events):
            found.violated = True
        for outcome in interpreter.outcomes(state):
            if outcome.failed is not None:
                found.failed = True
                continue
            met = outcome.events & asked
            ticks = watch.counted(counter, outcome.choice.step, outcome.state, outcome.events)
            if watch.bound is not None and ticks > watch.bound:
                found.violated = True
                continue
            next_ = (outcome.state, met, ticks)
            after.append((urgent(system, state, outcome.choice), next_))
            waiting.append(next_)
    return found


def ranks(nodes):
    """For each node the most urgent steps in a row from it; None if there is no end to them."""
    found, open_ = {}, set()

    def of(node):
        if node in open_:
            raise RecursionError
        if node not in found:
            open_.add(node)
            found[node] = max((1 + of(after) for pressing, after in nodes[node] if pressing), default=0)
            open_.discard(node)
        return found[node]

    try:
        for node in nodes:
            of(node)
    except RecursionError:
        return None
    return found


def values(system, form, node):
    """What the words say in a node."""
    state, events, counter = node
    timers = len(system.variables)
    lanes = timers + len(system.timers)
    told = {}
    for word, sort in state_words(system, form).items():
        match word[0]:
            case "v":
                told[word] = int(state[int(word[1:])])
            case "t":
                told[word] = state[timers + int(word[1:])]
            case "e":
                told[word] = int(word[1:]) in events
            case "c":
                told[word] = counter
            case _:
                lane, place, what = word[1:].split("_")
                held = state[lanes + int(lane)]
                message = held[int(place)] if int(place) < len(held) else None
                at = {"age": 0, "kind": 1}.get(what, 2 + int(what[1:]) if what[0] == "f" and what[1:].isdigit() else 0)
                if sort == "Bool":
                    told[word] = message is not None
                else:
                    told[word] = message[at] if message is not None and at < len(message) else 0
    return told


def stated(told):
    """That the words say so."""
    return "(and " + " ".join(_one(w, v) for w, v in told.items()) + ")"


def _one(word, value):
    if isinstance(value, bool):
        return word if value else f"(not {word})"
    return f"(= {word} {value if value >= 0 else f'(- {-value})'})"


def invariant(system, form, nodes):
    """Exactly these nodes."""
    return "(or false " + " ".join(stated(values(system, form, n)) for n in nodes) + ")"


def rank(system, form, ranked):
    """Exactly these ranks, 0 elsewhere."""
    told = [(stated(values(system, form, n)), r) for n, r in ranked.items() if r]
    numeral = [(c, r if r >= 0 else f"(- {-r})") for c, r in told]
    return functools.reduce(lambda rest, x: f"(ite {x[0]} {x[1]} {rest})", numeral, "0")
