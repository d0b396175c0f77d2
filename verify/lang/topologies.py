"""Topologies of the language to networks, and ``survives …`` to questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verify.base.diagnostic import Diagnostic, did_you_mean, error
from verify.base.place import Place
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.lang import syntax as s
from verify.lang import topology_syntax as t
from verify.lang.scopes import Scope, reserved
from verify.topology.network import Demand, Group, Hashing, Link, Network, Standby, Unit
from verify.topology.question import Question, Requirement, spared, without

MOST_MEMBERS = 256
MOST_BUCKETS = 65_536
MOST_FAILURES = 100
CLASSES = ("nodes", "links", "groups")

NOT_STATIC = (
    "survives asks about a network that stands still: connected(a, b), flow(a, b) >= 1G, carries(demand, …), joined by 'and'; "
    "faults of machines have budgets in a scenario"
)


@record
class Survival:
    """A property about a topology. ``text``: its form as written."""

    name: str
    question: Question
    text: str


def lower_topology(declaration: t.TopologyDecl, faults: list[Diagnostic]) -> Network:
    """The network that a topology describes; with faults, which are reported, it is not to be used."""
    return _Lowering(declaration, faults).network()


class _Lowering:
    def __init__(self, declaration: t.TopologyDecl, faults: list[Diagnostic]) -> None:
        self.declaration = declaration
        self.faults = faults
        self.first: dict[str, Place] = {}
        self.nodes = [x.name for x in declaration.items if isinstance(x, t.VertexDecl)]
        self.links: dict[str, Link] = {}

    def report(self, code: str, told: str, place: Place, help_text: str = "") -> None:
        self.faults.append(error(code, told, place, help_text))

    def network(self) -> Network:
        """Everything, in text order."""
        for item in self.declaration.items:
            if not (isinstance(item, t.EdgeDecl) and not item.name):
                self.named(item.name, item.place)
        for item in self.declaration.items:
            if isinstance(item, t.EdgeDecl | t.LagDecl):
                self.link(item)
        groups: list[Group] = []
        standbys: list[Standby] = []
        demands: list[Demand] = []
        for item in self.declaration.items:
            match item:
                case t.GroupDecl():
                    groups.append(Group(item.name, item.kind, self.parts(item.members), item.place))
                case t.StandbyDecl():
                    standbys.append(self.standby(item))
                case t.DemandDecl():
                    demands.append(self.demand(item))
                case _:
                    pass
        if not self.nodes:
            self.report("E714", f"topology '{self.declaration.name}' has no nodes", self.declaration.place)
        links = tuple(self.links.values())
        return Network(self.declaration.name, tuple(self.nodes), links, tuple(groups), tuple(standbys), tuple(demands))

    def named(self, name: str, place: Place) -> None:
        self.faults += reserved(name, place)
        if name in CLASSES or name == "all":
            self.report("E211", f"'{name}' cannot be a name: it means something already", place, "choose another name")
        if name in self.first:
            self.report("E203", f"'{name}' stands twice in this topology", place, f"first at {self.first[name]}")
        self.first.setdefault(name, place)

    def node(self, part: t.PartName) -> str:
        if part.name not in self.nodes:
            self.report("E201", f"no node '{part.name}'", part.place, did_you_mean(part.name, self.nodes))
        return part.name

    def link(self, item: t.EdgeDecl | t.LagDecl) -> None:
        a, b = self.node(item.a), self.node(item.b)
        if a == b:
            self.report("E714", f"a link from '{a}' to itself joins nothing", item.b.place)
        if item.capacity is not None and item.capacity.value <= 0:
            self.report("E302", "a capacity of 0", item.capacity.place, "leave the link out")
        capacity = None if item.capacity is None else item.capacity.value
        if isinstance(item, t.LagDecl):
            self.links[item.name] = self.lag(item, capacity)
            return
        name = item.name or f"{a} - {b}"
        number = 2
        while name in self.links:
            name = f"{a} - {b} #{number}"
            number += 1
        self.links[name] = Link(name, a, b, capacity, place=item.place)

    def lag(self, item: t.LagDecl, capacity: Fraction | None) -> Link:
        if not 1 <= item.members <= MOST_MEMBERS:
            told = f"a LAG of {item.members} members"
            self.report("E302", told, item.place, f"1..{MOST_MEMBERS} members are possible")
        elif not 1 <= item.minimum <= item.members:
            told = f"a minimum of {item.minimum} of {item.members} members"
            self.report("E302", told, item.place, "the minimum is 1 or more, and not more than there are")
        elif item.buckets > 0 and not item.members <= item.buckets <= MOST_BUCKETS:
            told = f"{item.buckets} buckets for {item.members} members"
            self.report("E302", told, item.place, "there are at least as many buckets as members")
        hashing = Hashing.EVEN if not item.buckets else Hashing.BUCKETS if item.buckets > 0 else Hashing.STICKY
        members = min(max(1, item.members), MOST_MEMBERS)
        buckets = max(item.buckets, 0)
        return Link(item.name, item.a.name, item.b.name, capacity, members, item.minimum, hashing, buckets, item.place)

    def parts(self, members: Sequence[t.PartName]) -> tuple[str, ...]:
        return tuple(m.text for m in members if self.part(m))

    def part(self, part: t.PartName) -> bool:
        """Whether a name is one of a node, a link, or a member of a LAG; reported if not."""
        link = self.links.get(part.name)
        if link is None and part.name not in self.nodes:
            known = [*self.nodes, *self.links]
            self.report("E201", f"no node and no link '{part.name}'", part.place, did_you_mean(part.name, known))
            return False
        if part.index is not None and (link is None or link.members is None):
            self.report("E408", f"'{part.name}' is no LAG: it has no members", part.place)
            return False
        if part.index is not None and link is not None and part.index >= (link.members or 0):
            told = f"'{part.name}' has no member {part.index}"
            self.report("E409", told, part.place, f"its members are [0]..[{(link.members or 1) - 1}]")
            return False
        return True

    def standby(self, item: t.StandbyDecl) -> Standby:
        if len(item.members) < 2:
            self.report("E714", f"'{item.name}' has nothing to stand by for", item.place, "name two or more members")
        for member in item.members:
            if member.index is not None:
                self.report("E202", f"'{member.text}' is a member of a LAG", member.place, "name nodes and links")
        return Standby(item.name, self.parts(item.members), item.place)

    def demand(self, item: t.DemandDecl) -> Demand:
        a, b = self.node(item.a), self.node(item.b)
        if a == b:
            self.report("E714", f"'{item.name}' goes from '{a}' to itself", item.b.place)
        return Demand(item.name, a, b, item.amount.value if item.amount is not None else Fraction(0), item.place)


# ---- questions


def lower_survival(declaration: s.PropertyDecl, network: Network, faults: list[Diagnostic]) -> Survival | None:
    """The question that ``survives …`` asks about a network; None, reported, if it is none."""
    survival = declaration.form.survival
    if survival is None:
        return None
    before = len(faults)
    wanted = requirements(declaration.form.predicates[0], network, faults)
    if survival.failures > MOST_FAILURES:
        told = f"{survival.failures} failures"
        faults.append(error("E302", told, survival.place, f"up to {MOST_FAILURES} are possible"))
    units = _units(survival, network, wanted, faults)
    if len(faults) > before:
        return None
    question = Question(network, tuple(wanted), units, survival.failures)
    return Survival(declaration.name, question, declaration.text)


def _units(
    survival: s.Survival, network: Network, requirements: Sequence[Requirement], faults: list[Diagnostic]
) -> tuple[Unit, ...]:
    demands = tuple(d for r in requirements for d in r.demands)
    usual = spared(network, demands)
    if not survival.among:
        return usual
    every = {u.name: u for u in network.units}
    ends = frozenset(end for d in demands for end in (d.a, d.b))
    kinds = {g.kind for g in network.groups if g.kind}
    chosen: dict[str, Unit] = {}
    for part in survival.among:
        name = part.text
        link = network.by_name.get(name)
        if name in every and not every[name].group:
            chosen[name] = every[name]
        elif link is not None:
            chosen |= {atom: every[atom] for atom in link.atoms}
        elif name in every:
            chosen |= {u.name: u for u in without((every[name],), ends)}
        elif name in CLASSES or name in kinds:
            chosen |= {u.name: u for u in usual if _of_class(u, name)}
        else:
            told = f"nothing in '{network.name}' is called '{name}'"
            known = [*CLASSES, *kinds, *every, *network.by_name]
            faults.append(error("E201", told, part.place, did_you_mean(name, known)))
    return tuple(chosen[u.name] for u in network.units if u.name in chosen)


def _of_class(unit: Unit, name: str) -> bool:
    match name:
        case "nodes":
            return unit.kind == "node" and not unit.group
        case "links":
            return unit.kind in ("link", "member") and not unit.group
        case "groups":
            return unit.group
        case _:
            return unit.group and unit.kind == name


def requirements(e: s.Expr, network: Network, faults: list[Diagnostic]) -> list[Requirement]:
    """What an expression asks of a network: connected, flow, carries, joined by ``and``; anything else is reported."""
    match e:
        case s.Chain(_, operands, operators) if set(operators) == {"and"}:
            return [r for operand in operands for r in requirements(operand, network, faults)]
        case s.Chain(_, (s.Call(_, s.Name(_, "flow"), _) as call, t.Rate() as rate), (">=",)):
            ends = _ends(call, network, faults)
            if rate.value <= 0:
                faults.append(error("E302", "a flow of 0 is always there", rate.place, "ask for connected(a, b)"))
                return []
            return [Requirement((Demand(f"{ends[0]} -> {ends[1]}", *ends, rate.value),))] if ends else []
        case s.Call(_, s.Name(_, "connected"), _):
            ends = _ends(e, network, faults)
            return [Requirement((Demand(f"{ends[0]} -> {ends[1]}", *ends),))] if ends else []
        case s.Call(_, s.Name(_, "carries"), arguments):
            return _carries(e, [a for _, a in arguments], network, faults)
        case _:
            told = "connected, flow or carries is needed here"
            faults.append(error("E710", told, e.place, NOT_STATIC))
            return []


def _ends(call: s.Call, network: Network, faults: list[Diagnostic]) -> tuple[str, str] | None:
    names: list[str] = []
    for label, argument in call.arguments:
        match argument:
            case s.Name(_, name) if label is None and name in network.nodes:
                names.append(name)
            case s.Name(_, name):
                faults.append(error("E201", f"no node '{name}'", argument.place, did_you_mean(name, network.nodes)))
                return None
            case _:
                told = f"a node of '{network.name}' is needed here"
                faults.append(error("E710", told, argument.place, NOT_STATIC))
                return None
    if len(names) != 2 or names[0] == names[1]:
        faults.append(error("E404", "two different nodes are needed here", call.place))
        return None
    return names[0], names[1]


def _carries(
    call: s.Expr, arguments: Sequence[s.Expr], network: Network, faults: list[Diagnostic]
) -> list[Requirement]:
    known = {d.name: d for d in network.demands}
    names = [a.text if isinstance(a, s.Name) else "" for a in arguments]
    if names == ["all"]:
        names = list(known)
    for name, argument in zip(names, arguments, strict=False):
        if name not in known:
            told = f"no demand '{name}'" if name else "a demand is needed here"
            faults.append(error("E201", told, argument.place, did_you_mean(name, known)))
            return []
    if not names:
        faults.append(
            error("E404", f"'{network.name}' has no demands to carry", call.place, "write: demand d : a -> b 1G")
        )
        return []
    return [Requirement(tuple(known[n] for n in dict.fromkeys(names)))]


@record
class SurveyCheck:
    """One question about a topology with the answer that is expected; see :class:`verify.lang.specification.Check`."""

    property: Survival
    expected: Verdict
    because: str
    place: Place
    stated: bool
    native: bool = False


@record
class Survey:
    """A topology with the checks asked of it."""

    scenario: str
    network: Network
    checks: tuple[SurveyCheck, ...]


def lower_survey(
    group: Sequence[s.Check], declaration: t.TopologyDecl, scope: Scope, faults: list[Diagnostic]
) -> Survey | None:
    """The checks asked of a topology; None if something is wrong, which is reported."""
    before = len(faults)
    network = lower_topology(declaration, faults)
    if len(faults) > before:
        return None
    checks: list[SurveyCheck] = []
    asked: set[str] = set()
    for check in group:
        for e in check.expectations:
            if e.property in asked:
                faults.append(error("E203", f"'{e.property}' is checked twice in {check.scenario}", e.place))
            asked.add(e.property)
            found = scope.look_up(e.property, s.PropertyDecl, e.place, faults)
            if found is None:
                continue
            survival = found[0].form.survival
            if survival is None:
                told = f"'{e.property}' is about a scenario, '{check.scenario}' is a topology"
                help_text = "of a topology one asks: survives any 1 failure of … : …"
                faults.append(error("E711", told, e.place, help_text))
                continue
            about = found[1].find(survival.topology)
            if about is None or about[0] is not declaration:
                told = f"'{e.property}' is about '{survival.topology}', not about '{check.scenario}'"
                faults.append(error("E711", told, e.place, f"write: check {survival.topology} {{ {e.property} … }}"))
                continue
            lowered = lower_survival(found[0], network, faults)
            if lowered is not None:
                verdict = Verdict(e.verdict) if e.verdict else Verdict.PROVED
                checks.append(SurveyCheck(lowered, verdict, e.because, e.place, bool(e.verdict), check.native))
    return Survey(declaration.name, network, tuple(checks)) if len(faults) == before else None
