"""Whether time has to pass, told from the steps alone: no state of the system is looked at.

**What is shown.** That no cycle of transitions is without a tick, so that in every endless run time passes. It is a sufficient
condition, as structural non-Zenoness is (S. Tripakis, "Verifying progress in timed systems", 1999,
doi:10.1007/3-540-48778-6_18): where it does not hold, nothing is known.

**How.** Take any cycle without a tick, and let ``S`` hold all steps that may be on one; at first, all. On a cycle everything that
changes comes back, and without a tick only steps change anything. So a step of ``S`` is on no such cycle, and leaves ``S``, if

- it is never enabled; or what it does always ends in an error;
- it takes a variable (or the status of a timer) away from the values that its guard allows, and no step of ``S`` stores one of
  these again; or it makes a variable less, and no step of ``S`` ever makes it more (budgets);
- it takes a message away, and no step of ``S`` sends into that lane; or the message has to be older than 0, and
  what is sent is not.

What is delivered on a cycle is sent on that cycle again: so the messages that a step of ``S`` can take are those that steps of
``S`` send. Steps are run on sets of values (:mod:`verify.passes.possible`), where each variable has any value of its domain and
each timer any status; so nothing depends on what is reachable. Atomic reactions run within transitions: what they store and
send counts as what steps of ``S`` do, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from verify.passes.possible import Env, Fields, Possible, TimerSet, entered, run, started
from verify.passes.valuesets import ValueSet, between, common, joined, only
from verify.system.expression import Apply, Constant, Operator, Read, TimerIs, TimerStatus
from verify.system.statement import Assign, Block, Duplicate, statements
from verify.system.system import Step, StepKind, System, Taking

STATUSES = tuple(TimerStatus)
NOTHING: Final[ValueSet] = frozenset()
PATIENCE: Final = 24  # times that fewer messages are left without a step that is ruled out

Place = tuple[str, int]  # ("variable", n) or ("timer", n), whose values are the statuses by number


def time_has_to_pass(system: System) -> bool:
    """Whether no cycle of transitions is without a tick; False as well where that cannot be told this way."""
    return _Ruling(system).all_out()


def passing_steps(system: System) -> frozenset[int]:
    """Steps that are on no cycle of transitions at all, by number: faults that spend a budget, and what only they make possible.

    As above, with ticks on the cycle as well: a tick makes any timer expire, and messages older.
    """
    ruling = _Ruling(system, ticking=True)
    ruling.all_out()
    inner = {n for n, s in enumerate(system.steps) if system.atomic and s.kind is StepKind.REACTION}
    return frozenset(range(len(system.steps))) - inner - ruling.left.keys()


@dataclass(slots=True)
class _Does:
    """What a step does.

    ``leaves``: places that it takes away from these values; ``lowers``: variables that it makes less, ``raises``: that it may
    make more; ``fills``: lanes into which it may put a message.
    """

    leaves: dict[Place, ValueSet] = field(default_factory=dict)
    lowers: frozenset[int] = frozenset()
    raises: frozenset[int] = frozenset()
    fills: frozenset[int] = frozenset()
    stores: dict[Place, ValueSet] = field(default_factory=dict)
    sends: dict[int, Fields] = field(default_factory=dict)


class _Noting(Possible):
    """The sets of all that is possible, which stay as they are; what a step does is noted beside them."""

    def __init__(self, system: System, fields: list[Fields]) -> None:
        everything = [between(v.domain.low, v.domain.high) for v in system.variables]
        timers = [TimerSet(frozenset(STATUSES), t.maximum) for t in system.timers]
        super().__init__(system, everything, timers, fields, set(range(len(system.events))))
        self.does = _Does()

    def store(self, variable: int, values: ValueSet) -> None:
        self._note(("variable", variable), values)

    def start(self, timer: int, values: ValueSet) -> None:
        self._note(("timer", timer), _numbered(started(values)))

    def stop(self, timer: int) -> None:
        self._note(("timer", timer), _numbered((TimerStatus.STOPPED,)))

    def send(self, lane: int, message: int, values: list[ValueSet]) -> None:
        _mixed(self.does.sends.setdefault(lane, {}), message, values)

    def occur(self, event: int) -> None:
        pass

    def _note(self, place: Place, values: ValueSet) -> None:
        _stored(self.does.stores, place, values)


def _numbered(statuses: Iterable[TimerStatus]) -> ValueSet:
    return frozenset(STATUSES.index(s) for s in statuses)


def _stored(stores: dict[Place, ValueSet], place: Place, values: ValueSet) -> None:
    stores[place] = joined(stores.get(place, NOTHING), values)


def _mixed(kinds: Fields, message: int, values: Iterable[ValueSet]) -> None:
    before = kinds.get(message)
    mixed = tuple(values) if before is None else tuple(joined(a, b) for a, b in zip(before, values, strict=True))
    kinds[message] = mixed


def _shared(left: Fields, right: Fields) -> Fields:
    """The messages that are in both."""
    both = {m: tuple(common(a, b) for a, b in zip(left[m], right[m], strict=True)) for m in left if m in right}
    return {m: values for m, values in both.items() if all(values)}


class _Ruling:
    """Rules out steps until no more can be. ``ticking``: cycles may hold ticks."""

    def __init__(self, system: System, *, ticking: bool = False) -> None:
        self.system = system
        self.ticking = ticking
        whole = [tuple(between(f.domain.low, f.domain.high) for f in m.fields) for m in system.messages]
        self.everything: list[Fields] = [dict(enumerate(whole)) for _ in system.lanes]
        self.fields = list(self.everything)
        self.duplicated = {s.lane for step in system.steps for s in statements(step.body) if isinstance(s, Duplicate)}
        reacting = [system.atomic and s.kind is StepKind.REACTION for s in system.steps]
        done = [self._done(s) for s in system.steps]
        self.always = [d for d, inner in zip(done, reacting, strict=True) if inner and d is not None]
        self.left = {n: d for n, (d, inner) in enumerate(zip(done, reacting, strict=True)) if not inner and d is not None}

    def all_out(self) -> bool:
        """Whether no step is left."""
        patience = PATIENCE
        while self.left and patience:
            out = self._out()
            for number in out:
                del self.left[number]
            if not self._fewer_messages() and not out:
                return False
            patience -= not out
        return not self.left

    # ---- what a step does

    def _done(self, step: Step) -> _Does | None:
        """None: it is on no cycle, whatever others do."""
        copies = step.take is not None and step.take.taking is Taking.COPY
        noting = _Noting(self.system, self.everything if copies else self.fields)
        _, before = entered(noting, step)
        if before is None or self._aged(step):
            return None
        _, after = run(step.body, before)
        if after is None:
            return None
        does = noting.does
        for place in does.stores:
            was, is_ = _held(before, place), _held(after, place)
            if not common(was, is_):
                does.leaves[place] = was
        inside = list(statements(step.body))
        does.lowers = frozenset(_lowered(step.body))
        does.raises = frozenset(s.variable for s in inside if isinstance(s, Assign) and _taken_off(s) is None)
        does.fills = frozenset(does.sends) | {s.lane for s in inside if isinstance(s, Duplicate)}
        return does

    def _aged(self, step: Step) -> bool:
        """Whether a step takes only messages that time has made older."""
        if self.ticking or step.take is None or step.take.taking is not Taking.DELIVER:
            return False
        return self.system.lanes[step.take.lane].minimum > 0 and step.take.lane not in self.duplicated

    # ---- ruling out

    def _acting(self) -> Iterator[_Does]:
        yield from self.left.values()
        yield from self.always

    def _out(self) -> list[int]:
        """The steps that are on no cycle of those that are left."""
        stored: dict[Place, ValueSet] = {}
        raised: set[int] = set()
        filled: set[int] = set()
        if self.ticking:
            stored |= {("timer", n): _numbered((TimerStatus.EXPIRED,)) for n in range(len(self.system.timers))}
        for does in self._acting():
            for place, values in does.stores.items():
                _stored(stored, place, values)
            raised |= does.raises
            filled |= does.fills
        return [n for n, does in self.left.items() if self._is_out(self.system.steps[n], does, stored, raised, filled)]

    def _is_out(
        self, step: Step, does: _Does, stored: dict[Place, ValueSet], raised: set[int], filled: set[int]
    ) -> bool:
        if any(not common(values, stored[place]) for place, values in does.leaves.items()):
            return True
        if does.lowers - raised:
            return True
        return step.take is not None and step.take.taking is not Taking.COPY and step.take.lane not in filled

    # ---- what can be taken

    def _fewer_messages(self) -> bool:
        """Leave in each lane what is sent there by what is left; whether that is less than before.

        Never more: of a message with fewer fields less may be known, and what it leads to seem to be more.
        """
        sent: list[Fields] = [{} for _ in self.system.lanes]
        for does in self._acting():
            for lane, kinds in does.sends.items():
                for message, values in kinds.items():
                    _mixed(sent[lane], message, values)
        kept = [_shared(before, now) for before, now in zip(self.fields, sent, strict=True)]
        changed = {n for n, kinds in enumerate(kept) if kinds != self.fields[n] and n not in self.duplicated}
        for lane in changed:
            self.fields[lane] = kept[lane]
        for number in list(self.left):
            step = self.system.steps[number]
            if step.take is None or step.take.lane not in changed:
                continue
            again = self._done(step)
            if again is None:
                del self.left[number]
            else:
                self.left[number] = again
        return bool(changed)


def _held(env: Env, place: Place) -> ValueSet:
    """The values that a place can have at a point of a step."""
    what, number = place
    if what == "variable":
        return env.values(Read(number))
    return _numbered(s for s in STATUSES if only(env.values(TimerIs(number, s))) != 0)


def _lowered(block: Block) -> Iterator[int]:
    """The variables that a block makes less, whichever way it takes."""
    for statement in block:
        if isinstance(statement, Assign) and (_taken_off(statement) or 0) > 0:
            yield statement.variable


def _taken_off(assign: Assign) -> int | None:
    """The constant of 0 or more that is taken from a variable; None if anything else is stored there."""
    match assign.value:
        case Apply(Operator.SUBTRACT, (Read(variable), Constant(value))) if variable == assign.variable and value >= 0:
            return value
        case Read(variable) if variable == assign.variable:
            return 0
        case _:
            return None
