"""What has to be shown of an invariant and a rank, each as a script that a solver must find unsatisfiable.

With atomic reactions, each of them is a step here, and a violation has to be one at rest; the rank does not read ``b``.

With I the invariant: it holds in every first state (``begin``); no step and no tick leads out of it or into an error (``step``);
it excludes a violation (``property``). With R the rank: it is never negative, and no urgent step and no reaction but makes it
less (``time``); so finitely many of them follow one another, and time can always pass. ``premises`` alone must be satisfiable:
otherwise nothing was said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from verify.certify.formula import Refused, read
from verify.certify.meaning import Effect, Happening, Script, all_of, any_of, begin, happenings, negated, numeral
from verify.certify.paths import Paths
from verify.certify.vocabulary import parameter_words, state_words
from verify.system.expression import Expression, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Within
from verify.system.system import StepKind, System


@dataclass(frozen=True, slots=True)
class Obligation:
    """A script with a check-sat at its end. ``satisfiable``: what the answer has to be."""

    name: str
    script: str
    satisfiable: bool = False


MOST_STEPS = 12
_WORD = re.compile(r"[^\s()]+")
_DEFINED = re.compile(r"\(define-fun (\S+) ")


def obligations(system: System, form: Form, invariant: str, rank: str, steps: int = 1) -> list[Obligation]:
    """Everything that has to be shown; Refused if the formulas are none, or if this program cannot judge such a system.

    ``steps``: 1 if the invariant excludes a violation; k if there is none in the first k states of a run, nor after k states in
    which the invariant holds and none is violated (k-induction: M. Sheeran, S. Singh, G. Stålmarck, FMCAD 2000).
    """
    if not 1 <= steps <= MOST_STEPS:
        raise Refused(f"an induction over {steps} steps: this program takes 1 to {MOST_STEPS}")
    return _Task(system, form, invariant, rank).all(steps)


class _Task:
    def __init__(self, system: System, form: Form, invariant: str, rank: str) -> None:
        if not isinstance(form, Never | Possible | NeverLonger | Within):
            raise Refused("an invariant says nothing about a property of this form")
        self.system = system
        self.form = form
        self.words = state_words(system, form)
        known = self.words | parameter_words(system)
        self.invariant = read(invariant, known, "the invariant")
        self.rank = read(rank, {w: s for w, s in known.items() if w != "b"}, "the rank")

    # ---- scripts

    def head(self, *, stating: bool = True) -> list[str]:
        """Declarations, the premises, and the invariant as a function of the state."""
        lines = ["(set-logic ALL)"]
        for i, parameter in enumerate(self.system.parameters):
            low, high = numeral(parameter.domain.low), numeral(parameter.domain.high)
            lines += [f"(declare-const p{i} Int)", f"(assert (<= {low} p{i} {high}))"]
        effect = Effect(self.system, Script(prefix="premise"), {}, [])
        assumed = [effect.truth(a) for a in self.system.assumptions]
        lines += [*effect.script.lines, *(f"(assert {a})" for a in assumed)]
        if stating:
            arguments = " ".join(f"({w} {sort})" for w, sort in self.words.items())
            lines += [f"(declare-const {w} {sort})" for w, sort in self.words.items()]
            lines.append(f"(define-fun invariant ({arguments}) Bool {self.invariant})")
            lines.append(f"(define-fun rank ({arguments}) Int {self.rank})")
        return lines

    def of(self, function: str, state: dict[str, str]) -> str:
        """The invariant or the rank of a state."""
        return f"({function} {' '.join(state[w] for w in self.words)})" if self.words else function

    def made(self, name: str, lines: list[str], asserted: list[str]) -> Obligation:
        """A script of definitions and assertions."""
        asked = [f"(assert {a})" for a in asserted if a != "true"]
        whole = [*self.head(), *_used(lines, asked), *asked, "(check-sat)"]
        return Obligation(name, "\n".join(whole) + "\n")

    # ---- what has to be shown

    def all(self, induction: int = 1) -> list[Obligation]:
        steps = happenings(self.system, self.words)
        for h in steps:
            self.count(h)
        premises = Obligation("premises", "\n".join([*self.head(stating=False), "(check-sat)"]) + "\n", satisfiable=True)
        shown = [self.excludes(steps[-1])] if induction == 1 else self.along(steps, induction)
        return [premises, self.begins(), *map(self.keeps, steps), *shown, *self.ends(steps)]

    def begins(self) -> Obligation:
        effect = self.first()
        left = any_of([*effect.failures, negated(self.of("invariant", effect.state))])
        return self.made("begin", effect.script.lines, [*effect.allowed, left])

    def first(self) -> Effect:
        """The first states, with the observer."""
        effect = begin(self.system, self.words)
        if "c" in self.words and "b" in self.words:  # the observer looks first when the reactions are over
            effect.state["c"] = "0" if isinstance(self.form, Within) and self.form.trigger is None else "(- 1)"
        elif "c" in self.words:
            asked, answered = self.asked(effect, at_first=True)
            effect.state["c"] = f"(ite {all_of([asked, negated(answered)])} 0 (- 1))"
        return effect

    def keeps(self, h: Happening) -> Obligation:
        here = self.of("invariant", {w: w for w in self.words})
        left = any_of([*h.effect.failures, negated(self.of("invariant", h.effect.state))])
        return self.made(f"step-{h.name}", h.script.lines, [here, h.enabled, *h.effect.allowed, left])

    def excludes(self, tick: Happening) -> Obligation:
        lines, violated = self.violated(tick)
        return self.made("property", lines, [self.of("invariant", {w: w for w in self.words}), *violated])

    def along(self, steps: list[Happening], count: int) -> list[Obligation]:
        """No violation in one of the first states; none after so many states that satisfy the invariant and are none."""
        paths = Paths(self.words, steps)
        effect = self.first()
        begun = [*effect.allowed, *paths.is_state(0, effect.state)]
        wrong = self.violated(steps[-1])
        between = [paths.step(i) for i in range(count)]

        def path(last: int) -> tuple[list[str], list[str], str]:
            """Definitions and assertions of a path to a state, and that it is violated there."""
            lines = [line for i in range(last + 1) for line in paths.state(i)]
            asserted: list[str] = []
            for i, (defined, step) in enumerate(between[:last]):
                before, violated = paths.at(i, *wrong, ".v")
                lines += [*defined, *before]
                asserted += [step, negated(all_of(violated))]
            defined, violated = paths.at(last, *wrong, ".v")
            return [*lines, *defined], asserted, all_of(violated)

        found = []
        for last in range(count):
            lines, asserted, violated = path(last)
            found.append(self.made(f"base-{last}", [*effect.script.lines, *lines], [*begun, *asserted, violated]))
        lines, asserted, violated = path(count)
        inside = [self.of("invariant", {w: f"{w}@{i}" for w in self.words}) for i in range(count + 1)]
        found.append(self.made("property", lines, [*inside, *asserted, violated]))
        return found

    def violated(self, tick: Happening) -> tuple[list[str], list[str]]:
        """Definitions, and what holds in a state in which the property is violated, or by the tick that leaves it."""
        effect = Effect(self.system, Script(prefix="goal"), {w: w for w in self.words}, [])
        match self.form:
            case Never(goal) | Possible(goal):
                return self.seen(effect, goal)
            case NeverLonger(_, bound) | Within(_, _, bound):
                most = effect.number(bound)
                late = ["(>= c 0)", f"(> (+ c 1) {most})"]
                return [*tick.script.lines, *effect.script.lines], [tick.enabled, *late]
            case _:
                raise AssertionError(self.form)

    def seen(self, effect: Effect, goal: Expression) -> tuple[list[str], list[str]]:
        truth = effect.truth(goal)
        return effect.script.lines, [*(["(= b 0)"] if "b" in self.words else []), truth]

    def ends(self, steps: list[Happening]) -> list[Obligation]:
        """No urgent step and no reaction without the rank going down, which is never negative."""
        state = {w: w for w in self.words}
        here, rank = self.of("invariant", state), self.of("rank", state)
        found = []
        for h in steps:
            if h.step is None:
                continue
            reacts = h.step.kind is StepKind.REACTION
            stays = f"(>= {self.of('rank', h.effect.state)} {rank})"
            asserted = [here, h.enabled if reacts else h.urgent, *h.effect.allowed, stays]
            if reacts or h.urgent != "false":
                found.append(self.made(f"time-{h.name}", h.script.lines, asserted))
        return [self.made("time", [], [here, f"(< {rank} 0)"]), *found] if found else []

    # ---- the observer

    def asked(self, effect: Effect, *, at_first: bool = False) -> tuple[str, str]:
        """Whether the observer is to begin, and whether it is to stop, in a state."""
        match self.form:
            case NeverLonger(bad):
                return effect.truth(bad), effect.truth(negation(bad))
            case Within(None, response):
                return "true" if at_first else "false", effect.truth(response)
            case Within(trigger, response) if trigger is not None:
                return effect.truth(trigger), effect.truth(response)
            case _:
                raise AssertionError(self.form)

    def count(self, h: Happening) -> None:
        """Let the observer go along with a step."""
        if "c" not in self.words:
            return
        before = "(ite (>= c 0) (+ c 1) c)" if h.ticks else "c"
        if not h.seen:
            h.effect.state["c"] = h.script.named("Int", before)
            return
        asked, answered = self.asked(h.effect)
        begun = f"(ite {all_of([f'(< {before} 0)', asked])} 0 {before})"
        h.effect.state["c"] = h.script.named("Int", f"(ite {answered} (- 1) {begun})")


def _used(lines: list[str], asked: list[str]) -> list[str]:
    """The lines without the definitions that nothing after them uses."""
    names = {word for line in asked for word in _WORD.findall(line)}
    kept: list[str] = []
    for line in reversed(lines):
        defined = _DEFINED.match(line)
        if defined is None or defined[1] in names:
            names.update(_WORD.findall(line))
            kept.append(line)
    return kept[::-1]
