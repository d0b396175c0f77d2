"""Smaller automata that accept the same words."""

from __future__ import annotations

from verify.automata.automaton import Automaton, Move

MOST_COMPARED = 100


def reduced(automaton: Automaton) -> Automaton:
    """Without states that no accepting run visits, sets that add nothing, and states and moves that others stand for."""
    while True:
        size = _size(automaton)
        automaton = _fewer_sets(_alive(automaton))
        automaton = _merged(automaton)
        if len(automaton.moves) <= MOST_COMPARED:
            automaton = _simulated(automaton)
        if _size(automaton) == size:
            return automaton


def _size(automaton: Automaton) -> tuple[int, int, int]:
    return len(automaton.moves), sum(map(len, automaton.moves)), automaton.sets


def _kept(automaton: Automaton, rows: list[list[Move]]) -> Automaton:
    """The automaton with other moves, and only the states that they reach from the first."""
    index = {0: 0}
    for state in (order := [0]):
        for move in rows[state]:
            if move.target not in index:
                index[move.target] = len(index)
                order.append(move.target)
    moves = tuple(tuple(dict.fromkeys(m._replace(target=index[m.target]) for m in rows[q])) for q in order)
    settled = frozenset(index[q] for q in automaton.settled if q in index)
    return Automaton(automaton.atoms, moves, automaton.sets, settled)


def _alive(automaton: Automaton) -> Automaton:
    """Only moves to where an accepting cycle can be reached; marks only on moves within a component that has one."""
    reach, recurring = automaton.reachable(), automaton.recurring()
    goal = sum(1 << q for q in recurring)
    alive = {q for q in range(len(reach)) if q in recurring or reach[q] & goal}

    def marks(state: int, move: Move) -> int:
        together = state in recurring and reach[move.target] >> state & 1
        return move.marks if together else 0

    rows = [
        [m._replace(marks=marks(q, m)) for m in moves if m.target in alive] for q, moves in enumerate(automaton.moves)
    ]
    return _kept(automaton, rows)


def _fewer_sets(automaton: Automaton) -> Automaton:
    """Without accepting sets to which every move on a cycle belongs, or every one that belongs to another set.

    Cycles that do not accept count as well: without the sets that they miss they would.
    """
    reach = automaton.reachable()
    cyclic = [m.marks for q, row in enumerate(automaton.moves) for m in row if reach[m.target] >> q & 1]
    needed: list[int] = []
    for k in range(automaton.sets):
        others = [*needed, *range(k + 1, automaton.sets)]
        if all(marks >> k & 1 for marks in cyclic):
            continue
        if not any(all(marks >> k & 1 for marks in cyclic if marks >> j & 1) for j in others):
            needed.append(k)

    def renumbered(marks: int) -> int:
        return sum(1 << new for new, old in enumerate(needed) if marks >> old & 1)

    moves = tuple(tuple(m._replace(marks=renumbered(m.marks)) for m in row) for row in automaton.moves)
    return Automaton(automaton.atoms, moves, len(needed), automaton.settled)


def _merged(automaton: Automaton) -> Automaton:
    """States with the same moves are one (the coarsest bisimulation, by refinement of a partition)."""
    block = [int(q in automaton.settled) for q in range(len(automaton.moves))]
    while True:
        known: dict[tuple[int, frozenset[Move]], int] = {}
        finer = [
            known.setdefault((block[q], frozenset(m._replace(target=block[m.target]) for m in row)), len(known))
            for q, row in enumerate(automaton.moves)
        ]
        if len(set(finer)) == len(set(block)):
            break
        block = finer
    first: dict[int, int] = {}
    for state, number in enumerate(block):
        first.setdefault(number, state)
    return _kept(automaton, [[m._replace(target=first[block[m.target]]) for m in row] for row in automaton.moves])


def _simulated(automaton: Automaton) -> Automaton:
    """States that simulate each other are one, and a move goes that another one of its state stands for.

    Direct simulation: K. Etessami and G. J. Holzmann, Optimizing Büchi automata, CONCUR 2000, doi:10.1007/3-540-44618-4_13;
    F. Somenzi and R. Bloem, Efficient Büchi automata from LTL formulae, CAV 2000, doi:10.1007/10722167_21. A settled state is
    simulated by settled states only, so that a merged state is settled exactly where its states are.
    """
    moves = automaton.moves
    states = range(len(moves))
    above = [{r for r in states if q not in automaton.settled or r in automaton.settled} for q in states]

    def covers(one: Move, other: Move) -> bool:
        """Whether a move is possible where the other is, is in as many sets, and leads to a state that simulates."""
        return (
            one.positive & other.positive == one.positive
            and one.negative & other.negative == one.negative
            and one.marks & other.marks == other.marks
            and one.target in above[other.target]
        )

    changed = True
    while changed:
        changed = False
        for q in states:
            kept = {r for r in above[q] if all(any(covers(mine, m) for mine in moves[r]) for m in moves[q])}
            if kept != above[q]:
                above[q] = kept
                changed = True
    first = [min(r for r in above[q] if q in above[r]) for q in states]
    rows: list[list[Move]] = []
    for q in states:
        mine = list(dict.fromkeys(m._replace(target=first[m.target]) for m in moves[first[q]]))
        rows.append([m for m in mine if not any(other != m and covers(other, m) for other in mine)])
    return _kept(automaton, rows)
