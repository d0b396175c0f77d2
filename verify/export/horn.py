"""A question of safety as constrained Horn clauses in SMT-LIB 2: satisfiable if and only if no run reaches what is asked for.

N. Bjørner, A. Gurfinkel, K. McMillan, A. Rybalchenko, "Horn clause solvers for program verification", 2015,
doi:10.1007/978-3-319-23534-9_2. The format is that of the competition of such solvers (CHC-COMP): one relation ``Inv`` over the
open parameters and the words of a state, a clause for each way into it, and queries for what must not be. Where there are atomic
reactions, ``Inv`` holds on the way, too, and a property is asked of states at rest: see :mod:`verify.export.reactions`, and
:mod:`verify.export.loops` for reactions without end.

The clauses are made of :mod:`verify.certify.meaning`, which knows single ticks only and shares nothing with the engines; longer
delays, where they are asked for, are those of :mod:`verify.export.delays`.
"""

from __future__ import annotations

from verify.certify.formula import Undecided
from verify.certify.meaning import Effect, Happening, Script, all_of, begin, happenings, negated, numeral
from verify.certify.vocabulary import parameter_words, state_words
from verify.export.clauses import Clauses, Way
from verify.export.constants import constants
from verify.export.definitions import Definitions, replaced
from verify.export.delays import delay
from verify.export.loops import Loops
from verify.export.manner import PLAIN, Manner
from verify.export.paths import NotExported
from verify.export.predicates import predicates
from verify.export.reactions import choosing, reacting_units, take_turns, turn_words
from verify.system.domain import Boolean, Domain, Enumeration
from verify.system.expression import FALSE
from verify.system.property import Form, Never, NeverLonger, Possible, Property, Safety, Within
from verify.system.system import StepKind, System

HEAD = """\
; {name}, exported by verify {version}: constrained Horn clauses, SMT-LIB 2.
; Asked: {asked}.
{answers}
; To be given to a solver of Horn clauses as it is: z3 FILE, golem FILE.
; Inv holds in every state that can be reached{way}. {time} What its words stand for:
"""
Words = dict[str, str]


def horn(system: System, asked: Property | None, version: str, manner: Manner = PLAIN) -> str:
    """The clauses; NotExported if something has no counterpart in them.

    ``asked`` None: only whether an error can be met.
    """
    if asked is not None and not isinstance(asked.form, Safety):
        raise NotExported("a property of endless runs: the clauses say what finite runs reach")
    if asked is None and not manner.errors:
        raise NotExported("nothing is asked: neither a property nor for errors")
    try:
        return Question(system, asked, manner).text(version)
    except Undecided as problem:
        raise NotExported(str(problem)) from problem


class Question:
    """What is asked of a system, way by way."""

    def __init__(self, system: System, asked: Property | None, manner: Manner) -> None:
        self.system = system
        self.asked = asked
        self.manner = manner
        self.form: Form = Never(FALSE) if asked is None else asked.form
        self.errors = manner.errors and not isinstance(self.form, Possible)
        self.words = state_words(system, self.form) | turn_words(system)
        self.parameters = parameter_words(system)
        self.same: Words = {}  # variables that always have one value
        self.fields: dict[str, Words] = {}  # fields of the message that a step takes, which do
        if manner.small:
            self.find_constants()
        events = any(w.startswith("e") for w in self.words)
        if events and choosing(system) and not self.errors:
            raise NotExported("events, and choices within atomic reactions, where an error ends no more than its run")

    # ---- the whole

    def text(self, version: str) -> str:
        """The file."""
        happened = happenings(self.system, self.words)
        take_turns(self.system, self.words, happened)
        *steps, tick = happened
        asks = self.asks(tick)  # before a watch goes along with it
        every = self.watched_steps(steps, tick)
        led = [(h, self.leads(h)) for h in every]
        ways = [self.begins(), *(way for _, way in led), *asks]
        clauses = Clauses(self.parameters, self.words, self.errors)
        if self.manner.small:
            clauses.leave_out(ways, set(self.same))
        reacting = [way for h, way in led if self.system.reacts and h.step is not None and h.step.kind is StepKind.REACTION]
        kept = {w: self.words[w] for w in clauses.kept}
        loops = [Loops(self.parameters, kept, reacting)] if self.errors and reacting else []
        lines = ["(set-logic HORN)", clauses.declaration, *(x.declaration for x in loops), *clauses.text(ways)]
        lines += [line for x in loops for line in x.text()]
        return "\n".join([self.head(version), *self.legend(clauses.kept), *lines, "", "(check-sat)", ""])

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
        time = "A delay of any length is one step." if self.manner.delays else "Each tick of the model is one step."
        way = ", and on the way of reactions" if self.system.reacts else ""
        told = HEAD.format(way=way, name=name, version=version, asked=_plain(asked), answers="\n".join(answers), time=time)
        return told.rstrip()

    def legend(self, kept: list[str]) -> list[str]:
        """What the words stand for."""
        s, always = self.system, {w: f", always {value}" for w, value in self.same.items()}
        told = [f"p{i}: {x.name}, {_domain(x.domain)}" for i, x in enumerate(s.parameters)]
        told += [f"v{i}: {x.name}, {_domain(x.domain)}{always.get(f'v{i}', '')}" for i, x in enumerate(s.variables)]
        told += [f"t{i}: {x.name}, -1 stopped, 0 expired, at most {x.maximum} ticks" for i, x in enumerate(s.timers)]
        for i, lane in enumerate(s.lanes):
            delays = f"{lane.order.value}, {lane.minimum}..{lane.maximum} ticks"
            told.append(f"l{i}_P_here, _age, _kind, _fN: {lane.name} ({delays}), at place P of {lane.capacity}")
        kinds = ", ".join(f"{i} {m.name}({', '.join(f.name for f in m.fields)})" for i, m in enumerate(s.messages))
        told += [f"kinds of messages: {kinds}"] if s.lanes else []
        told += [f"{w}: in the step to this state, {s.events[int(w[1:])].name}" for w in self.words if w[0] == "e"]
        told += ["c: the ticks that the property has waited, -1 while it does not wait"] if "c" in self.words else []
        told += ["b: 0 at rest, 1 while units react to a step or a tick, 2 to the beginning"] if "b" in self.words else []
        told += [f"u: the unit that reacted last, of {self.units()}"] if "u" in self.words else []
        told += ["what of these is no argument of Inv, nothing asked depends on"] if len(kept) < len(self.words) else []
        return [*(f";   {_plain(line)}" for line in told), ""]

    def units(self) -> str:
        """The units that react, by their numbers."""
        return ", ".join(f"{i} {self.system.units[unit]}" for i, unit in enumerate(reacting_units(self.system)))

    # ---- ways

    def begins(self) -> Way:
        """The first state, under what is assumed of the parameters."""
        effect = begin(self.system, self.words)
        domains = [p.domain for p in self.system.parameters]
        premises = [f"(<= {numeral(d.low)} p{i} {numeral(d.high)})" for i, d in enumerate(domains)]
        premises += [effect.truth(a) for a in self.system.assumptions]
        if "c" in self.words:
            starts, stops = self.watched(effect)
            once = isinstance(self.form, Within) and self.form.trigger is None
            starts = "true" if once else starts
            waits = all_of([starts, negated(stops)])
            if self.system.reacts:  # nobody looks before the reactions are over
                waits = "true" if once else "false"
            effect.state["c"] = f"(ite {waits} 0 (- 1))"
        return Way("the beginning", Definitions(effect.script.lines), premises, effect.failures, effect.state, first=True)

    def watched_steps(self, steps: list[Happening], tick: Happening) -> list[Happening]:
        """All that happens, the tick or the delay last, and a watch with it."""
        for h in steps:
            self.watch(h, "0")
        passing = [tick]
        if self.manner.delays:
            longer, ticks = delay(self.system, self.words, tick)
            self.watch(longer, ticks)
            # a watch that looks at events: no delay begins in the state that they led to, and a single tick does
            events = "c" in self.words and any(w.startswith("e") for w in self.words)
            passing = [*([tick] if events else []), longer]
        self.watch(tick, "1")
        return [*steps, *passing]

    def leads(self, h: Happening) -> Way:
        """A step, the tick, or a delay."""
        name = f"a {h.name}" if h.step is None else f"{h.name}: {h.step.name}"
        given, effect = self.given(h.name), h.effect
        after = {w: replaced(term, given) for w, term in effect.state.items()}
        conditions = [replaced(c, given) for c in (h.enabled, *effect.allowed)]
        return Way(name, self.definitions(h.script), conditions, [replaced(f, given) for f in effect.failures], after)

    def asks(self, tick: Happening) -> list[Way]:
        """The query for what must not be."""
        if self.asked is None:
            return []
        effect = Effect(self.system, Script(prefix="goal"), {w: w for w in self.words}, [])
        match self.form:
            case Never(goal) | Possible(goal):
                script, conditions = effect.script, [*self.at_rest(), effect.truth(goal)]
            case NeverLonger() | Within() if self.system.reacts:
                script, conditions = effect.script, [*self.at_rest(), self.late(effect)]
            case NeverLonger(_, bound) | Within(_, _, bound):
                conditions = [tick.enabled, "(>= c 0)", f"(> (+ c 1) {effect.number(bound)})"]
                script = Script([*tick.script.lines, *effect.script.lines])
            case _:
                raise AssertionError(self.form)
        told = "what is possible" if isinstance(self.form, Possible) else "what must not be"
        return [Way(told, self.definitions(script), [replaced(c, self.same) for c in conditions], [], None)]

    # ---- what always has one value

    def find_constants(self) -> None:
        """Look for it."""
        known = constants(self.system)
        self.same = {f"v{i}": numeral(value) for i, value in known.variables.items()}
        for number, step in enumerate(self.system.steps):
            if step.take is not None:
                lane = step.take.lane
                for p in range(self.system.lanes[lane].capacity):
                    sure = {f"l{lane}_{p}_f{f}": numeral(c) for (at, f), c in known.fields.items() if at == lane}
                    self.fields[f"s{number}p{p}"] = sure

    def given(self, where: str) -> Words:
        """What has one value wherever a step is enabled: there, the message that it takes is in its place."""
        return self.same | self.fields.get(where, {})

    def definitions(self, script: Script) -> Definitions:
        """Those of a script, with the values in them; each definition is named after the step whose it is."""
        return Definitions([replaced(line, self.given(line.split()[1].split("!")[0])) for line in script.lines])

    # ---- the watch of a property with a bound: see verify.system.property

    def watched(self, effect: Effect) -> tuple[str, str]:
        """Whether a watch begins in a state, and whether it ends there."""
        starts, stops = predicates(self.form)
        return effect.truth(starts), effect.truth(stops)

    def watch(self, h: Happening, ticks: str) -> None:
        """Let the watch go along with a step that takes some ticks; where units react it looks when they are done."""
        if "c" not in self.words:
            return
        script = h.effect.script
        counted = "c" if ticks == "0" else script.named("Int", f"(ite (>= c 0) (+ c {ticks}) c)")
        if not h.seen:
            h.effect.state["c"] = counted
            return
        starts, stops = self.watched(h.effect)
        running = script.named("Int", f"(ite {all_of([f'(< {counted} 0)', starts])} 0 {counted})")
        seen = script.named("Int", f"(ite {stops} (- 1) {running})")
        # where units react, what has come too late is asked for at rest after the tick that made it so
        h.effect.state["c"] = f"(ite {self.late(h.effect)} c {seen})" if self.system.reacts else seen

    def late(self, effect: Effect) -> str:
        """That the ticks counted are more than the bound."""
        assert isinstance(self.form, NeverLonger | Within)  # noqa: S101 - there is a watch
        return effect.script.named("Bool", f"(and (>= c 1) (> c {effect.number(self.form.bound)}))")

    def at_rest(self) -> list[str]:
        """That no unit reacts."""
        return ["(= b 0)"] if self.system.reacts else []


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
