"""A question of safety as constrained Horn clauses in SMT-LIB 2: satisfiable if and only if no run reaches what is asked for.

N. Bjørner, A. Gurfinkel, K. McMillan, A. Rybalchenko, "Horn clause solvers for program verification", 2015,
doi:10.1007/978-3-319-23534-9_2. The format is that of the competition of such solvers (CHC-COMP): one relation ``Inv`` over the
open parameters and the words of a state, a clause for each way into it, and queries for what must not be.

The clauses are made of :mod:`verify.certify.meaning`, which knows single ticks only and shares nothing with the engines; longer
delays, where they are asked for, are those of :mod:`verify.export.delays`.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.certify.formula import Undecided
from verify.certify.meaning import Effect, Happening, Script, all_of, any_of, begin, happenings, negated, numeral
from verify.certify.vocabulary import parameter_words, state_words
from verify.export.definitions import Definitions
from verify.export.delays import delay
from verify.export.paths import NotExported
from verify.system.domain import Boolean, Domain, Enumeration
from verify.system.expression import FALSE, Expression, negation
from verify.system.property import Form, Never, NeverLonger, Possible, Property, Safety, Within
from verify.system.system import StepKind, System

HEAD = """\
; {name}, exported by verify {version}: constrained Horn clauses, SMT-LIB 2.
; Asked: {asked}.
{answers}
; To be given to a solver of Horn clauses as it is: z3 FILE, golem FILE.
; Inv holds in every state that can be reached. {time} What its words stand for:
"""
NAMES = {Never: "never", NeverLonger: "never longer", Within: "within"}
Words = dict[str, str]


def horn(system: System, asked: Property | None, version: str, *, errors: bool = True, delays: bool = False) -> str:
    """The clauses; NotExported if something has no counterpart in them.

    ``asked`` None: only whether an error can be met. ``errors``: an error that can be met makes them unsatisfiable, as it makes
    a property one that is not proved; otherwise it ends its run, and no more. (What is asked to be possible is so with errors.)
    ``delays``: a delay, however long, is one step; otherwise each tick is.
    """
    if asked is not None and not isinstance(asked.form, Safety):
        raise NotExported("a property of endless runs: the clauses say what finite runs reach")
    if system.atomic and any(s.kind is StepKind.REACTION for s in system.steps):
        raise NotExported("atomic reactions: a step and all reactions to it would have to be one clause")
    if asked is None and not errors:
        raise NotExported("nothing is asked: neither a property nor for errors")
    try:
        return _Clauses(system, asked, errors=errors, delays=delays).text(version)
    except Undecided as problem:
        raise NotExported(str(problem)) from problem


class _Clauses:
    def __init__(self, system: System, asked: Property | None, *, errors: bool, delays: bool) -> None:
        self.system = system
        self.asked = asked
        self.form: Form = Never(FALSE) if asked is None else asked.form
        self.errors = errors and not isinstance(self.form, Possible)
        self.delays = delays
        self.words = state_words(system, self.form)
        self.parameters = parameter_words(system)

    # ---- the whole

    def text(self, version: str) -> str:
        """The file."""
        sorts = " ".join([*self.parameters.values(), *self.words.values()])
        steps = happenings(self.system, self.words)
        tick = steps[-1]
        if self.delays:
            longer, ticks = delay(self.system, self.words, tick)
            self.watch(longer, ticks)
            steps = [*steps[: None if self.watches_events else -1], longer]
        for h in steps:
            if h.name != "delay":
                self.watch(h, "1" if h is tick else "0")
        lines = [self.head(version), *self.legend(), "(set-logic HORN)", f"(declare-fun Inv ({sorts}) Bool)"]
        lines += self.begins()
        for h in steps:
            lines += self.leads(h)
        lines += [*self.asks(tick), "", "(check-sat)", ""]
        return "\n".join(lines)

    @property
    def watches_events(self) -> bool:
        """Whether a watch looks at events: then no delay begins in the state that they led to, and a single tick does."""
        return "c" in self.words and any(w.startswith("e") for w in self.words)

    def head(self, version: str) -> str:
        """What is asked, and what the answers mean."""
        some = " for some values of the parameters" if self.parameters else ""
        every = " for all values of the parameters" if self.parameters else ""
        if isinstance(self.form, Possible):
            answers = [f"; sat: it is not possible{every}. unsat: it is possible{some}."]
        elif self.errors:
            answers = [f"; sat: it holds{every}, and no error can be met. unsat: it is violated, or an error is met{some}."]
        else:
            answers = [f"; sat: it holds{every} in runs up to an error. unsat: it is violated{some}."]
        answers.append("; Whether time can always pass is not asked: what holds because time stands still, holds here.")
        asked = "no error" if self.asked is None else f"{self.asked.name}: {self.asked.text}"
        name = _plain(self.system.name)
        time = "A delay of any length is one step." if self.delays else "Each tick of the model is one step."
        told = HEAD.format(name=name, version=version, asked=_plain(asked), answers="\n".join(answers), time=time)
        return told.rstrip()

    def legend(self) -> list[str]:
        """What the words stand for."""
        s = self.system
        told = [f"p{i}: {x.name}, {_domain(x.domain)}" for i, x in enumerate(s.parameters)]
        told += [f"v{i}: {x.name}, {_domain(x.domain)}" for i, x in enumerate(s.variables)]
        told += [f"t{i}: {x.name}, -1 stopped, 0 expired, at most {x.maximum} ticks" for i, x in enumerate(s.timers)]
        for i, lane in enumerate(s.lanes):
            kept = f"{lane.order.value}, {lane.minimum}..{lane.maximum} ticks"
            told.append(f"l{i}_P_here, _age, _kind, _fN: {lane.name} ({kept}), at place P of {lane.capacity}")
        kinds = ", ".join(f"{i} {m.name}({', '.join(f.name for f in m.fields)})" for i, m in enumerate(s.messages))
        told += [f"kinds of messages: {kinds}"] if s.lanes else []
        told += [f"{w}: in the step to this state, {s.events[int(w[1:])].name}" for w in self.words if w[0] == "e"]
        told += ["c: the ticks that the property has waited, -1 while it does not wait"] if "c" in self.words else []
        return [*(f";   {_plain(line)}" for line in told), ""]

    # ---- clauses

    def begins(self) -> list[str]:
        """The first state, under what is assumed of the parameters."""
        effect = begin(self.system, self.words)
        premises = [
            f"(<= {numeral(p.domain.low)} p{i} {numeral(p.domain.high)})" for i, p in enumerate(self.system.parameters)
        ]
        premises += [effect.truth(a) for a in self.system.assumptions]
        if "c" in self.words:
            starts, stops = self.watched(effect)
            starts = "true" if isinstance(self.form, Within) and self.form.trigger is None else starts
            effect.state["c"] = f"(ite {all_of([starts, negated(stops)])} 0 (- 1))"
        return self.way("the beginning", [], effect.script.lines, premises, effect)

    def leads(self, h: Happening) -> list[str]:
        """A step, or the tick."""
        name = f"a {h.name}" if h.step is None else f"{h.name}: {h.step.name}"
        return self.way(name, [self.relation({})], h.script.lines, [h.enabled], h.effect)

    def way(self, name: str, before: list[str], lines: Sequence[str], conditions: list[str], effect: Effect) -> list[str]:
        """The clause of a way into the relation, and the query whether an error is met on it."""
        failed = [f for f in effect.failures if f != "false"]
        after = {w: f"{w}_next" for w in self.words if effect.state[w] != w or not before}
        fits = [f"(= {new} {effect.state[w]})" for w, new in after.items()]
        conditions = [*conditions, *effect.allowed]
        right = [negated(any_of(failed))] if failed else []
        written = Definitions(lines)
        clause = self.clause(written, before, [*conditions, *right, *fits], self.relation(after), after)
        told = ["", f"; {_plain(name)}", clause]
        if failed and self.errors:
            told += ["; ... and no error on it", self.clause(written, before, [*conditions, any_of(failed)], "false", {})]
        return told

    def asks(self, tick: Happening) -> list[str]:
        """The query for what must not be."""
        if self.asked is None:
            return []
        effect = self.here()
        match self.form:
            case Never(goal) | Possible(goal):
                lines, conditions = effect.script.lines, [effect.truth(goal)]
            case NeverLonger(_, bound) | Within(_, _, bound):
                most = effect.number(bound)
                conditions = [tick.enabled, "(>= c 0)", f"(> (+ c 1) {most})"]
                lines = [*tick.script.lines, *effect.script.lines]
            case _:
                raise AssertionError(self.form)
        told = "what is possible" if isinstance(self.form, Possible) else "what must not be"
        return ["", f"; {told}", self.clause(Definitions(lines), [self.relation({})], conditions, "false", {})]

    def clause(
        self, written: Definitions, before: list[str], conditions: Sequence[str], head: str, after: Words
    ) -> str:
        """An implication, for all that is mentioned in it."""
        body = written.around(all_of(conditions))
        variables = {w: sort for w, sort in self.words.items() if before}
        variables |= {new: self.words[w] for w, new in after.items()} | dict.fromkeys(written.inputs(conditions), "Int")
        bound = " ".join(f"({w} {sort})" for w, sort in (self.parameters | variables or {"any": "Int"}).items())
        parts = [*before, *([body] if body != "true" else [])]
        premise = "true" if not parts else parts[0] if len(parts) == 1 else f"(and {parts[0]}\n    {parts[1]})"
        return f"(assert (forall ({bound})\n  (=> {premise}\n    {head})))"

    def relation(self, after: Words) -> str:
        """The relation of a state, in which some words are others."""
        arguments = [*self.parameters, *(after.get(w, w) for w in self.words)]
        return f"(Inv {' '.join(arguments)})" if arguments else "Inv"

    def here(self) -> Effect:
        """Any state that the words tell."""
        return Effect(self.system, Script(prefix="goal"), {w: w for w in self.words}, [])

    # ---- the watch of a property with a bound: see verify.system.property

    def watched(self, effect: Effect) -> tuple[str, str]:
        """Whether a watch begins in a state, and whether it ends there."""
        starts: Expression
        match self.form:
            case NeverLonger(bad):
                starts, stops = bad, negation(bad)
            case Within(trigger, response):
                starts, stops = FALSE if trigger is None else trigger, response
            case _:
                raise AssertionError(self.form)
        return effect.truth(starts), effect.truth(stops)

    def watch(self, h: Happening, ticks: str) -> None:
        """Let the watch go along with a step that takes some ticks."""
        if "c" not in self.words:
            return
        starts, stops = self.watched(h.effect)
        script = h.effect.script
        counted = "c" if ticks == "0" else script.named("Int", f"(ite (>= c 0) (+ c {ticks}) c)")
        running = script.named("Int", f"(ite {all_of([f'(< {counted} 0)', starts])} 0 {counted})")
        h.effect.state["c"] = script.named("Int", f"(ite {stops} (- 1) {running})")


def _domain(domain: Domain) -> str:
    match domain:
        case Boolean():
            return "0 false, 1 true"
        case Enumeration(_, members):
            return ", ".join(f"{i} {m}" for i, m in enumerate(members))
        case _:
            return f"{domain.low}..{domain.high}"


def _plain(text: str) -> str:
    """Within a comment, which ends with its line."""
    return " ".join(text.split())
