"""Find the symmetries of a system: exchanges of equal instances and links that change nothing but names.

A symmetry moves variables, timers, lanes and events, and changes the names of identities. It is one if the system, renamed, is
the same system: the same domains, lanes, steps and atomic reactions, in the normal form of :mod:`verify.passes.normal`; and if
each predicate that is asked for, renamed, is the same predicate. Then it takes each transition to one, a tick to a tick, an
error to an error, and no predicate can tell a state from its image. The initial state need not stay what it is.

**What it keeps.** A search that stores one state of each orbit keeps verdicts, of every form, and lengths of shortest traces to
a state; not counts, and loops may close later. What speaks of endless runs asks for fairness: there each group of steps has to
stay itself, so that being enabled and being taken are the same for a state and its image.

**How they are found.** By guessing: the nodes of the normal form are coloured and the colours refined, as long as neighbours
tell nodes apart; then one of two alike is singled out in one copy, the other in another, and so on until nothing is alike. **No
guess is trusted**: each is checked by reading the system again under it, and comparing all of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from verify.base.record import record
from verify.passes.identities import Cell
from verify.passes.normal import Node, Reader, Renaming, Sort
from verify.system.expression import Expression
from verify.system.property import Property
from verify.system.system import System

MOST: Final = 24  # symmetries of a group: each is tried on each state
GUESSES: Final = 200
LARGEST: Final = 200_000  # nodes that are coloured


@record
class Symmetry:
    """Where each variable, timer, lane and event goes, by its number; and what becomes of identities.

    ``values``: of a variable ("variable", number) or a field ("field", lane, index) that holds some, all that it can hold, each
    with what its image then holds.
    """

    variables: tuple[int, ...]
    timers: tuple[int, ...]
    lanes: tuple[int, ...]
    events: tuple[int, ...]
    values: dict[Cell, dict[int, int]]


def symmetries_of(system: System, properties: Sequence[Property]) -> tuple[Symmetry, ...]:
    """A group of symmetries of a closed system with what is asked of it; without the one that moves nothing."""
    reader = Reader(system, list(_asked(tuple(p.form for p in properties))), [f.steps for f in system.fairness])
    same = reader.unchanged()
    plain = reader.roots(same)
    if len(reader.table.nodes) > LARGEST:
        return ()
    acts = _Action(system, reader)
    group = {acts.on(same): same}
    guesses = _Guesses(reader.table.nodes, dict(plain), same)
    for found in reversed(list(guesses.all(lambda guess: reader.roots(guess) == plain))):
        group = _generated(group, found, acts)
    return tuple(_symmetry(reader, how) for how in tuple(group.values())[1:])


def _symmetry(reader: Reader, how: Renaming) -> Symmetry:
    known = reader.identities
    values = {
        cell: {v: known.names[how.names[reader.name[known.families[cell], v]]][1] for v in held}
        for cell, held in known.held.items()
        if cell[0] != "slot"
    }
    return Symmetry(how.variables, how.timers, how.lanes, how.events, values)


class _Action:
    """What a renaming does to that part of a state that is not always the same."""

    def __init__(self, system: System, reader: Reader) -> None:
        self.variables = [i for i, v in enumerate(system.variables) if v.domain.low < v.domain.high]
        self.timers = [i for i, t in enumerate(system.timers) if t.maximum >= 0]
        self.lanes = [i for i, kinds in enumerate(reader.kinds) if kinds]
        known = reader.identities
        held = {(known.families[cell], v) for cell, values in known.held.items() if len(values) > 1 for v in values}
        self.names = sorted(reader.name[name] for name in held)

    def on(self, how: Renaming) -> tuple[int, ...]:
        """Where it all goes."""
        moved = (
            (how.variables[i] for i in self.variables),
            (how.timers[i] for i in self.timers),
            (how.lanes[i] for i in self.lanes),
            (how.names[i] for i in self.names),
        )
        return tuple(x for part in moved for x in part)


def _asked(node: Any) -> Iterator[Expression]:  # noqa: ANN401 - any part of a form
    """The predicates of forms."""
    if isinstance(node, Expression):
        yield node
    elif isinstance(node, tuple):
        for inner in node:
            yield from _asked(inner)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        for known in dataclasses.fields(node):
            if known.compare:
                yield from _asked(getattr(node, known.name))


Group = dict[tuple[int, ...], Renaming]  # by what they do


def _generated(group: Group, more: Renaming, acts: _Action) -> Group:
    """The group that one more symmetry makes of a group; the group as it was, if that is too large."""
    made = dict(group)
    waiting = [more]
    while waiting:
        new = waiting.pop()
        if acts.on(new) in made:
            continue
        made[acts.on(new)] = new
        if len(made) > MOST:
            return group
        waiting += [x for old in list(made.values()) for x in (new.after(old), old.after(new))]
    return made


Colours = dict[int, int]  # of nodes


class _Guesses:
    """Colours of a graph, refined; two copies of it are coloured alike where they are alike."""

    def __init__(self, nodes: list[Node], roots: dict[int, int], same: Renaming) -> None:
        self.same = same
        self.around: list[list[tuple[int, int]]] = [[] for _ in nodes]  # neighbours, and where they stand
        for number, node in enumerate(nodes):
            for place, item in enumerate(node.items, 1):
                where = 0 if node.bag else place
                self.around[number].append((item, 2 * where))
                self.around[item].append((number, 2 * where + 1))
        self.leaves = [n for n, node in enumerate(nodes) if _moved(node.label) and len(self.around[n]) > 1]
        self.label: dict[int, tuple[Sort, int]] = {n: nodes[n].label for n in self.leaves}  # type: ignore[misc]
        self.named: dict[Any, int] = {}
        start = {}
        for number, node in enumerate(nodes):
            label = node.label[0] if number in self.label else node.label  # type: ignore[index]
            start[number] = self._name(("begin", label, node.bag, len(node.items), roots.get(number, 0)))
        self.start = self._refined(start, list(start))
        self.left = GUESSES

    def _name(self, what: Any) -> int:  # noqa: ANN401 - anything that can be compared
        return self.named.setdefault(what, len(self.named))

    def _refined(self, colours: Colours, changed: list[int]) -> Colours:
        """Colours that neighbours tell apart. ``changed``: nodes whose colour is new."""
        colours = dict(colours)
        classes: dict[int, list[int]] = {}
        for number, colour in colours.items():
            classes.setdefault(colour, []).append(number)
        while changed:
            touched = sorted({colours[n] for c in changed for n, _ in self.around[c]})
            split: dict[int, list[int]] = {}
            for colour in touched:
                if len(classes[colour]) == 1:
                    continue
                parts: dict[tuple[tuple[int, int], ...], list[int]] = {}
                for n in classes[colour]:
                    seen = tuple(sorted((colours[other], place) for other, place in self.around[n]))
                    parts.setdefault(seen, []).append(n)
                if len(parts) > 1:
                    del classes[colour]
                    split |= {self._name((colour, seen)): part for seen, part in parts.items()}
            classes |= split
            colours |= {n: colour for colour, part in split.items() for n in part}
            changed = [n for part in split.values() for n in part]
        return colours

    def _single(self, colours: Colours, leaf: int) -> Colours:
        """The colours, refined, once a leaf is singled out."""
        alone = colours | {leaf: self._name(("alone", colours[leaf]))}
        return self._refined(alone, [leaf])

    def _cells(self, colours: Colours) -> dict[int, list[int]]:
        """Leaves by colour."""
        cells: dict[int, list[int]] = {}
        for leaf in self.leaves:
            cells.setdefault(colours[leaf], []).append(leaf)
        return cells

    def all(self, holds: Callable[[Renaming], bool]) -> Iterator[Renaming]:
        """Guesses that hold, and make a whole group: those of each level leave alone what was singled out before."""
        colours = self.start
        while True:
            cell = min((c for c in self._cells(colours).values() if len(c) > 1), key=len, default=None)
            if cell is None:
                return
            first, *others = cell
            left = self._single(colours, first)
            right: list[dict[int, int]] = []
            for other in others:
                if other in _orbit(first, right):
                    continue
                guess = self._matched(left, self._single(colours, other))
                if guess is not None and holds(self._renaming(guess)):
                    right.append(guess)
                    yield self._renaming(guess)
            colours = left

    def _matched(self, left: Colours, right: Colours) -> dict[int, int] | None:
        """Leaves of one copy by those of the other, if their colours can be told apart to the end in the same way."""
        self.left -= 1
        ours, theirs = self._cells(left), self._cells(right)
        if self.left < 0 or {c: len(x) for c, x in ours.items()} != {c: len(x) for c, x in theirs.items()}:
            return None
        open_ = min((c for c in ours if len(ours[c]) > 1), key=lambda c: len(ours[c]), default=None)
        if open_ is None:
            return {cell[0]: theirs[c][0] for c, cell in ours.items()}
        deeper = self._single(left, ours[open_][0])
        for other in theirs[open_]:
            found = self._matched(deeper, self._single(right, other))
            if found is not None:
                return found
        return None

    def _renaming(self, guess: dict[int, int]) -> Renaming:
        to = {
            Sort.VARIABLE: list(self.same.variables),
            Sort.TIMER: list(self.same.timers),
            Sort.LANE: list(self.same.lanes),
            Sort.EVENT: list(self.same.events),
            Sort.NAME: list(self.same.names),
        }
        for before, after in guess.items():
            sort, number = self.label[before]
            to[sort][number] = self.label[after][1]
        return Renaming(*(tuple(x) for x in to.values()))


def _moved(label: Any) -> bool:  # noqa: ANN401 - of a node
    return isinstance(label, tuple) and isinstance(label[0], Sort)


def _orbit(first: int, guesses: list[dict[int, int]]) -> set[int]:
    """All leaves to which guesses, one after the other, take a leaf."""
    reached = {first}
    while True:
        more = {guess[x] for guess in guesses for x in reached} - reached
        if not more:
            return reached
        reached |= more
