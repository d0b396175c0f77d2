"""Endless runs of a searched space: fair cycles in which time passes.

A run violates a form if from some point on it stays within edges of one kind, among states that are reached in a certain way;
the forms differ in which. So no product with a monitor is needed: its memory is the set of states, and the kind of edges.
"""

from __future__ import annotations

from verify.automata.automaton import Automaton
from verify.base.record import record
from verify.engines.native.expansion import TICK
from verify.engines.native.graph import FIRST_TRUTH, Component, Filter, Graph, Whole
from verify.engines.native.product import Product
from verify.engines.native.questions import WINDOW, Questions
from verify.engines.native.space import NOWHERE, Memory, Space
from verify.semantics.expressions import NO_EVENTS
from verify.semantics.interpreter import Choice
from verify.system.expression import Expression
from verify.system.property import AlwaysEventually, Eventually, EventuallyAlways, LeadsTo, Ltl, Until
from verify.trace.trace import Trace

NamedForm = Eventually | EventuallyAlways | AlwaysEventually | LeadsTo | Until
LivenessForm = NamedForm | Ltl
ANY = Filter()


@record
class Shape:
    """What violates: a cycle by edges ``along``, one of which has the marks ``accepts``, among certain states.

    These are all, if ``everywhere``; else those reached from the initial states ``pending``, and from behind edges ``enter``, by
    edges ``along``.
    """

    along: Filter
    accepts: int
    everywhere: bool
    pending: frozenset[int]
    enter: Filter | None = None


def violating(whole: Whole, form: LivenessForm, questions: Questions) -> Trace | None:
    """A lasso (or, for ``until``, a finite trace) that violates a form; None if what was expanded has none.

    On a partial search no cycles are looked for. SpentError if the budget does not allow an answer.
    """
    space = whole.space
    if space.incomplete and not isinstance(form, Until | Ltl):
        return None
    block = questions.blocks[id(form)]
    shift = block // WINDOW * WINDOW
    graph = whole.graph(shift, cycles=isinstance(form, AlwaysEventually | EventuallyAlways))
    try:
        if isinstance(form, Ltl):
            return _of_formula(graph, questions.automata[id(form)], block - shift)
        p, q = 1 << FIRST_TRUTH + block - shift, 1 << FIRST_TRUTH + block - shift + 1
        if isinstance(form, Until):
            broken = _broken(graph, form, p, q)
            if broken is not None or space.incomplete:
                return broken
        shape = _shape(space, form, p, q)
        return _lasso_of(graph, shape, whole.members() if shape.everywhere else _reached(graph, shape))
    finally:
        graph.tidy()


def _of_formula(graph: Graph, automaton: Automaton, block: int) -> Trace | None:
    """A run that the automaton of the negation accepts."""
    product = Product(graph, automaton, block)
    try:
        if product.lost is not None:
            return Trace(tuple(product.lost))
        if graph.space.incomplete:
            return None
        return _lasso_of(product, Shape(ANY, automaton.every << FIRST_TRUTH, True, frozenset()), product.recurring())
    finally:
        product.release()


def _shape(space: Space, form: NamedForm, p: int, q: int) -> Shape:
    """``p``, ``q``: the marks of the form's predicates, in the order of :func:`questions.atoms`."""
    everywhere = frozenset[int]()
    match form:
        case Eventually(good):
            return Shape(Filter(p, 0), 0, False, _without(space, good))
        case AlwaysEventually():
            return Shape(Filter(p, 0), 0, True, everywhere)
        case EventuallyAlways():
            return Shape(ANY, p, True, everywhere)
        case LeadsTo(trigger, response):
            pending = _without(space, response) - _without(space, trigger)
            return Shape(Filter(q, 0), 0, False, pending, Filter(p | q, p))
        case Until(_, goal):
            return Shape(Filter(p | q, p), 0, False, _without(space, goal))


def _without(space: Space, predicate: Expression) -> frozenset[int]:
    """The initial states in which a predicate does not hold."""
    holds = space.interpreter.predicate(predicate)
    return frozenset(r for r in range(len(space.roots)) if not holds(space.state(r), NO_EVENTS))


def _broken(graph: Graph, form: Until, hold: int, goal: int) -> Trace | None:
    """A shortest trace to where an ``until`` holds neither its one predicate nor the other."""
    space = graph.space
    waiting = _without(space, form.goal)
    at_once = waiting & _without(space, form.hold)
    if at_once:
        return Trace((space.roots[min(at_once)],))
    starts = [(root, 0) for root in sorted(waiting)]
    hops = graph.way(starts, Filter(hold | goal, hold), Filter(hold | goal, 0)) if starts else None
    if hops is None:
        return None
    return Trace((space.roots[hops[0][0]], *graph.choices(hops)))


def _reached(graph: Graph, shape: Shape) -> Memory:
    found = graph.none()
    for root in shape.pending:
        found.put(root, 1, 1)
    if shape.enter is not None:
        graph.behind(found, shape.enter)
    graph.closure(found, shape.along)
    return found


# ---- fair components


def _lasso_of(graph: Graph, shape: Shape, members: Memory) -> Trace | None:
    """A lasso through a fair component in which time passes; None if there is none.

    Strong fairness by refinement: where a group is offered in a component and never taken within it, no fair cycle passes
    through the states that offer it (E. A. Emerson and C.-L. Lei, Modalities for model checking, Sci. Comput. Program. 8,
    1987, doi:10.1016/0167-6423(87)90036-0).
    """
    needed = TICK | shape.accepts
    while True:
        found, number = graph.components(members, shape.along, needed)
        verdicts: dict[int, int] = {}
        for component in found:
            blocked = _blocked(graph, component)
            if blocked is None:
                continue
            if not blocked:
                return _lasso(graph, shape, graph.member_of(component.number), component)
            verdicts[component.number] = blocked
        if not verdicts or not graph.expel(members, verdicts, number):
            return None


def _blocked(graph: Graph, component: Component) -> int | None:
    """The groups whose states a fair cycle must avoid: 0 if the component is fair, None if weak fairness rules it out."""
    blocked = 0
    for index, fairness in enumerate(graph.space.system.fairness):
        group = graph.space.notes.group(index)
        if component.marks & group:
            continue
        if fairness.strong:
            if graph.offers(component.number, group):
                blocked |= group
        elif component.offers & group:
            return None
    return blocked


# ---- lassos


def _lasso(graph: Graph, shape: Shape, start: int, component: Component) -> Trace:
    """A way to the component and around in it, past a tick, an accepting edge, and all that fairness asks for."""
    stem = _stem(graph, shape, start)
    along, inside = shape.along, component.number
    at = start
    hops = []
    marks = [TICK, *(1 << i for i in range(shape.accepts.bit_length()) if shape.accepts >> i & 1)]
    for index, fairness in enumerate(graph.space.system.fairness):
        group = graph.space.notes.group(index)
        if component.marks & group:
            marks.append(group)
        elif not fairness.strong:
            away = graph.member_of(inside, group)
            if away != at:
                hops += _found(graph.way([(at, 1)], along, along, away, inside))
                at = away
    for mark in marks:
        hops += _found(graph.way([(at, 0)], along, Filter(along.which | mark, along.value | mark), NOWHERE, inside))
        at = hops[-1][1]
    if at != start:
        hops += _found(graph.way([(at, 1)], along, along, start, inside))
    return Trace((*stem, *graph.choices(hops)), len(stem) - 1)


def _found(hops: list[tuple[int, int, Filter]] | None) -> list[tuple[int, int, Filter]]:
    assert hops is not None  # noqa: S101 - within a component there is a way
    return hops


def _stem(graph: Graph, shape: Shape, start: int) -> list[Choice]:
    space = graph.space
    if shape.everywhere:
        return graph.path(start)
    if start in shape.pending:
        return [space.roots[start]]
    starts = [(root, 1) for root in sorted(shape.pending)]
    if shape.enter is not None:
        starts += [(root, 0) for root in range(len(space.roots))]
    hops = _found(graph.way(starts, shape.along, shape.enter or ANY, start))
    return [space.roots[hops[0][0]], *graph.choices(hops)]
