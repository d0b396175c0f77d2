"""What a model's things are called in TLA+: an instance is a variable, its own variables and timers are fields of a record."""

from __future__ import annotations

import re
from collections.abc import Iterable

from verify.system.domain import Boolean, Domain, Enumeration
from verify.system.system import System

NUMBER, TRUTH = "number", "truth"
Sort = str | tuple[str, ...]  # NUMBER, TRUTH, or the members of an enumeration

ENVIRONMENT = "environment"
WORDS = frozenset(
    re.findall(
        r"\w+",
        """ASSUME ASSUMPTION AXIOM BOOLEAN BY CASE CHOOSE CONSTANT CONSTANTS COROLLARY DEF DEFINE DEFS DOMAIN ELSE ENABLED EXCEPT
EXTENDS FALSE HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS OMITTED OTHER PICK PROOF PROPOSITION PROVE QED
RECURSIVE SF_ STATE STRING SUBSET SUFFICES TAKE TEMPORAL THEN THEOREM TRUE UNCHANGED UNION USE VARIABLE VARIABLES WF_ WITH WITNESS
ACTION ANY ASSERTION CONTEXT INVARIANT INVARIANTS INIT NEXT ONLY PROPERTY SPECIFICATION SYMMETRY VIEW CHECK_DEADLOCK""",
    )
)
DEFINED = frozenset(
    re.findall(
        r"\w+",
        """Nat Int Seq Len Head Tail Append SubSeq SelectSeq Assert Print PrintT JavaTime TLCGet TLCSet TLCEval Permutations
SortSeq RandomElement Any ToString Bags IsABag BagToSet SetToBag BagIn EmptyBag BagUnion SubBag BagOfAll BagCardinality CopiesIn
Cardinality IsFiniteSet Integers Naturals Sequences TLC FiniteSets LOCAL_Sum Sum Init Next Spec TypeOK Tick Urgent vars
Number Min Max Quotient Remainder Rank Holds Stopped Expired Down Without Inserted Older OlderBag DropsNewest DropsOldest
BagDropsNewest BagDropsOldest Oldest Before Key Become Settled Quiet Watch WatchTick Waits Starts Stops occurred waited
s t x y at bag msg other key before queue most order place seen""",
    )
)

SIGNS = {"->": "to", "!=": "is not", "==": "is", "<=": "at most", ">=": "at least", "<": "below", ">": "above", ":=": "becomes"}
LONGEST = 60  # characters of a name


def identifier(text: str) -> str:
    """A text as a name of TLA+: letters, digits and underscores."""
    for sign, word in SIGNS.items():
        text = text.replace(sign, f" {word} ")
    name = re.sub(r"_{2,}", "_", re.sub(r"[^A-Za-z0-9_]", "_", text)).lstrip("_")[:LONGEST]
    name = name if text.endswith("_") else name.rstrip("_")
    return name if re.match(r"(?!WF_|SF_)[A-Za-z]", name) else f"x_{name}"


def module_name(text: str) -> str:
    """A text as the name of a module."""
    return unique(identifier(text), {*WORDS, *DEFINED, ENVIRONMENT})


def unique(name: str, taken: set[str]) -> str:
    """A name that nothing has yet; it is taken from now on."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def quoted(text: str) -> str:
    """A text as a string of TLA+."""
    return '"' + plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(text: str) -> str:
    """A text on one line, of characters that TLC reads."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


def sort_of(domain: Domain) -> Sort:
    """What the values of a domain are in TLA+."""
    match domain:
        case Boolean():
            return TRUTH
        case Enumeration(_, members):
            return members
        case _:
            return NUMBER


def members_of(domain: Domain) -> str:
    """The set of the values of a domain."""
    match domain:
        case Boolean():
            return "BOOLEAN"
        case Enumeration(_, members):
            return "{" + ", ".join(quoted(m) for m in members) + "}"
        case _:
            return f"{domain.low}..{domain.high}"


class Names:
    """All names of one module, each given once."""

    def __init__(self, system: System, module: str, properties: Iterable[str]) -> None:
        self.taken = {*WORDS, *DEFINED, ENVIRONMENT, module}
        self.asked = {name: unique(identifier(name), self.taken) for name in properties}
        self._system = system
        self._fields: dict[int | None, set[str]] = {}
        self.groups: dict[int | None, str] = {}
        for instance in dict.fromkeys((*(v.instance for v in system.variables), *(t.instance for t in system.timers))):
            self.groups[instance] = self._group(instance)
            self._fields[instance] = set(WORDS)
        self.variables = [(self.groups[v.instance], self._field(v.name, v.instance)) for v in system.variables]
        self.timers = [(self.groups[t.instance], self._field(t.name, t.instance)) for t in system.timers]
        self.lanes = [unique(identifier(lane.name), self.taken) for lane in system.lanes]
        strings: set[str] = set()
        self.kinds = tuple(unique(m.name, strings) for m in system.messages)
        self.events = [quoted(e.name) for e in system.events]
        self.message_sets = [unique(_capital(m.name), self.taken) for m in system.messages]
        self.fields = self._message_fields()
        self.enumerations: dict[tuple[str, ...], str] = {}

    def _group(self, instance: int | None) -> str:
        if instance is None:
            return ENVIRONMENT
        return unique(identifier(self._system.instances[instance].name), self.taken)

    def _field(self, name: str, instance: int | None) -> str:
        owner = "" if instance is None else self._system.instances[instance].name
        rest = "state" if name == owner else name.removeprefix(f"{owner}.")
        return unique(identifier(rest), self._fields[instance])

    def _message_fields(self) -> list[list[str]]:
        """A field's name is that of the model, unless two kinds of messages mean values of different sorts by it."""
        sorts: dict[str, Sort] = {}
        found = []
        for message in self._system.messages:
            taken = {*WORDS, "kind", "age"}
            names = []
            for field in message.fields:
                name = unique(identifier(field.name), taken)
                while sorts.setdefault(name, sort_of(field.domain)) != sort_of(field.domain):
                    name = unique(f"{name}_of_{identifier(message.name)}", taken)
                names.append(name)
            found.append(names)
        return found

    def action(self, name: str) -> str:
        """A name for what a step does."""
        return unique(_capital(name), self.taken)

    def enumeration(self, members: tuple[str, ...]) -> str:
        """A name for the sequence of the members of an enumeration, where their order matters."""
        if members not in self.enumerations:
            self.enumerations[members] = unique("Order_of_" + identifier(members[0]), self.taken)
        return self.enumerations[members]


def _capital(text: str) -> str:
    name = identifier(text)
    return name[:1].upper() + name[1:]


__all__ = [
    "ENVIRONMENT",
    "NUMBER",
    "TRUTH",
    "Names",
    "Sort",
    "identifier",
    "members_of",
    "module_name",
    "plain",
    "quoted",
    "sort_of",
    "unique",
]
