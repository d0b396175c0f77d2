"""Networks from files of others: GraphML and GML as the Topology Zoo has them, JSON of nodes and edges as networkx writes it.

A node is called by its label where all labels are different, else by its id. Capacities are bit/s. Whatever is wrong is told with
the line it stands in.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath
from typing import Any, NoReturn
from xml.parsers import expat

from verify.base.diagnostic import InputError, did_you_mean, error
from verify.base.place import Place
from verify.topology.network import Demand, Link, Network

SUFFIXES = {".graphml": "graphml", ".xml": "graphml", ".gml": "gml", ".json": "json"}
MOST_NODES, MOST_LINKS = 10_000, 50_000
CAPACITIES = ("linkspeedraw", "capacity", "bandwidth")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(slots=True)
class _Found:
    """A file as it is read: nodes with labels, edges and demands with their lines."""

    path: str
    name: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str, Mapping[str, str], int]] = field(default_factory=list)
    demands: list[tuple[str, str, str]] = field(default_factory=list)

    def fail(self, told: str, line: int = 0, column: int = 0, help_text: str = "") -> NoReturn:
        place = Place(self.path, line, max(column, 1), max(column, 1) + 1) if line else Place(self.path)
        raise InputError([error("E007", told, place, help_text)])

    def node(self, name: str, label: str, line: int) -> None:
        if not name:
            self.fail("a node without an id", line)
        if name in self.labels:
            self.fail(f"the node '{name}' stands twice", line)
        if len(self.labels) >= MOST_NODES:
            self.fail(f"more than {MOST_NODES:,} nodes", line)
        self.labels[name] = " ".join(label.split())

    def edge(self, a: str | None, b: str | None, data: Mapping[str, str], line: int) -> None:
        if not a or not b:
            self.fail("an edge without a source and a target", line)
        if len(self.edges) >= MOST_LINKS:
            self.fail(f"more than {MOST_LINKS:,} edges", line)
        self.edges.append((a, b, {k.lower(): v for k, v in data.items()}, line))


def kind_of(path: str) -> str:
    """Which format a file is in, by its name: graphml, gml, json; "" for our own."""
    return SUFFIXES.get(PurePath(path).suffix.lower(), "")


def read(text: str, path: str, capacity: Fraction | None = None, unit: Fraction = Fraction(1)) -> Network:
    """The network in a text; InputError, with the line, if it is malformed.

    ``capacity``: in bit/s, for links that say none. ``unit``: what a demand of 1 means, in bit/s.
    """
    found = _Found(path, PurePath(path).stem)
    {"graphml": _graphml, "gml": _gml, "json": _json}[kind_of(path)](text, found)
    return _network(found, capacity, unit)


def _network(found: _Found, capacity: Fraction | None, unit: Fraction) -> Network:
    if not found.labels:
        found.fail("there are no nodes in it")
    counted = Counter(found.labels.values())
    named = all(label and n == 1 for label, n in counted.items())
    names = {i: label if named else i for i, label in found.labels.items()}
    titles = {} if named else {i: f"{label} ({i})" if label else i for i, label in found.labels.items()}
    links: list[Link] = []
    taken = set(names.values())
    for a, b, data, line in found.edges:
        for end in (a, b):
            if end not in names:
                found.fail(f"an edge to '{end}', which is no node", line, help_text=did_you_mean(end, names))
        if a == b:
            continue
        name, number = f"{names[a]} - {names[b]}", 2
        while name in taken:
            name, number = f"{names[a]} - {names[b]} #{number}", number + 1
        taken.add(name)
        links.append(
            Link(name, names[a], names[b], _capacity(data, found, line, capacity), place=Place(found.path, line))
        )
    demands: list[Demand] = []
    for a, b, amount in found.demands:
        for end in (a, b):
            if end not in names:
                found.fail(f"a demand of '{end}', which is no node", help_text=did_you_mean(end, names))
        value = _number(amount, found, 0, "a demand") * unit
        if a != b and value:
            demands.append(Demand(f"{names[a]} -> {names[b]}", names[a], names[b], value))
    return Network(found.name, tuple(names.values()), tuple(links), demands=tuple(demands), titles=titles)


def _capacity(data: Mapping[str, str], found: _Found, line: int, usual: Fraction | None) -> Fraction | None:
    for key in CAPACITIES:
        if data.get(key):
            value = _number(data[key], found, line, f"the {key}")
            return value or usual
    return usual


def _number(text: str, found: _Found, line: int, what: str) -> Fraction:
    try:
        value = Fraction(text) if len(text) <= 40 else None
    except (ValueError, ZeroDivisionError):
        value = None
    if value is None or value < 0 or abs(value) > 10**30:
        found.fail(f"{what} of {text[:40]!r} is no amount", line)
    return value


def amount(text: str) -> Fraction:
    """An amount such as ``10G`` or ``2.5e9``, in bit/s; ValueError if it is none, or not more than 0."""
    matched = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?(?:[eE]\d{1,2})?)([kmgtKMGT]?)", text)
    if matched is None or not Fraction(matched[1]):
        raise ValueError(text)
    return Fraction(matched[1]) * _UNITS[matched[2].lower()]


# ---- GraphML


class _GraphMl:
    """What expat calls while it reads."""

    def __init__(self, found: _Found) -> None:
        self.found = found
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.EntityDeclHandler = self.entity
        self.keys: dict[str, str] = {}
        self.item: dict[str, str] | None = None
        self.data: dict[str, str] = {}
        self.key = ""
        self.written = ""
        self.line = 0
        self.depth = 0
        self.graphs = 0

    def entity(self, *_: object) -> NoReturn:
        self.found.fail("it declares an entity, which no graph needs", self.parser.CurrentLineNumber)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        line = self.parser.CurrentLineNumber
        if self.depth == 0 and name != "graphml":
            self.found.fail(f"it begins with <{name}>, GraphML begins with <graphml>", line)
        self.depth += 1
        match name:
            case "key":
                self.keys[attributes.get("id", "")] = attributes.get("attr.name", attributes.get("id", "")).lower()
            case "graph":
                self.graphs += 1
                if self.graphs > 1:
                    self.found.fail("a graph within a graph, or a second graph", line)
                if attributes.get("edgedefault", "undirected") != "undirected":
                    _directed(self.found, line)
            case "node" | "edge":
                if self.item is not None:
                    self.found.fail(f"a <{name}> within a node or an edge", line)
                if attributes.get("directed", "false") != "false":
                    _directed(self.found, line)
                self.item, self.data, self.line = attributes, {}, line
            case "hyperedge":
                self.found.fail("a hyperedge joins more than two ends", line)
            case "data":
                self.key, self.written = attributes.get("key", ""), ""
            case _:
                pass

    def text(self, text: str) -> None:
        if self.key:
            self.written += text

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "data":
            if self.item is not None:
                self.data[self.keys.get(self.key, self.key.lower())] = self.written.strip()
            self.key = ""
        elif name in ("node", "edge") and self.item is not None:
            if name == "node":
                self.found.node(self.item.get("id", ""), self.data.get("label", self.data.get("name", "")), self.line)
            else:
                self.found.edge(self.item.get("source"), self.item.get("target"), self.data, self.line)
            self.item = None


def _directed(found: _Found, line: int) -> NoReturn:
    found.fail("the graph is directed: a link here goes both ways", line, help_text="make it undirected")


def _graphml(text: str, found: _Found) -> None:
    reader = _GraphMl(found)
    try:
        reader.parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as problem:
        found.fail(f"this is no XML: {expat.ErrorString(problem.code)}", problem.lineno, problem.offset + 1)
    if not reader.graphs:
        found.fail("there is no <graph> in it")


# ---- GML

_GML = re.compile(
    r"""(?P<key>[A-Za-z_]\w*) | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>"[^"]*") | (?P<open>\[) | (?P<close>\])""",
    re.VERBOSE,
)
_DEEPEST = 40


def _gml(text: str, found: _Found) -> None:
    whole = _gml_list(_gml_tokens(text, found), found, 0)
    graphs = [(v, line) for k, v, line in whole if k == "graph" and isinstance(v, list)]
    if len(graphs) != 1:
        found.fail("there is no 'graph [' in it" if not graphs else "there is more than one graph in it")
    items, line = graphs[0]
    if any(k == "directed" and v == "1" for k, v, _ in items):
        _directed(found, line)
    for key, value, at in items:
        if key in ("node", "edge"):
            if not isinstance(value, list):
                found.fail(f"a {key} without '['", at)
            data = {k.lower(): v for k, v, _ in value if isinstance(v, str)}
            if key == "node":
                found.node(data.get("id", ""), data.get("label", ""), at)
            else:
                found.edge(data.get("source"), data.get("target"), data, at)


def _gml_tokens(text: str, found: _Found) -> Iterator[tuple[str, str, int]]:
    at, line = 0, 1
    while at < len(text):
        if text[at] == "\n":
            line += 1
        if text[at].isspace():
            at += 1
            continue
        if text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        matched = _GML.match(text, at)
        if matched is None:
            column = at - text.rfind("\n", 0, at)
            found.fail(f"{text[at]!r} means nothing in GML", line, column)
        yield str(matched.lastgroup), matched.group(), line
        line += matched.group().count("\n")
        at = matched.end()


_Item = tuple[str, Any, int]


def _gml_list(tokens: Iterator[tuple[str, str, int]], found: _Found, depth: int, opened: int = 0) -> list[_Item]:
    items: list[_Item] = []
    if depth > _DEEPEST:
        found.fail(f"nested more than {_DEEPEST} deep", opened)
    for kind, key, line in tokens:
        if kind == "close" and depth:
            return items
        if kind != "key":
            found.fail(f"{key[:40]!r} stands where a key is expected", line)
        form, value, at = next(tokens, ("", "", 0))
        if form == "open":
            items.append((key, _gml_list(tokens, found, depth + 1, at), line))
        elif form in ("number", "text"):
            items.append((key, value.strip('"'), line))
        else:
            found.fail(f"'{key}' has no value", line)
    if depth:
        found.fail("the file ends before this '[' is closed", opened, help_text="is the file cut off?")
    return items


# ---- JSON


def _json(text: str, found: _Found) -> None:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as problem:
        found.fail(f"this is no JSON: {problem.msg}", problem.lineno, problem.colno)
    except (RecursionError, ValueError) as problem:
        found.fail(f"this is no JSON that can be read: {problem}")
    if not isinstance(whole, dict):
        found.fail("an object with nodes and edges is expected", 1)
    edges = "edges" if "edges" in whole else "links"
    for key in ("nodes", edges):
        if not isinstance(whole.get(key), list):
            found.fail(f"a list of {key} is missing", 1, help_text="what networkx writes with node_link_data is read")
    if whole.get("directed"):
        _directed(found, 1)
    lines = {key: _item_lines(text, key, len(whole[key])) for key in ("nodes", edges)}
    for node, line in zip(whole["nodes"], lines["nodes"], strict=True):
        if not isinstance(node, dict) or not isinstance(node.get("id"), str | int):
            found.fail("a node without an id", line)
        found.node(str(node["id"]), str(node.get("label", node.get("name", ""))), line)
    for edge, line in zip(whole[edges], lines[edges], strict=True):
        if not isinstance(edge, dict):
            found.fail("an edge without a source and a target", line)
        data = {k: str(v) for k, v in edge.items() if isinstance(v, str | int | float)}
        found.edge(data.get("source"), data.get("target"), data, line)
    described = whole.get("graph")
    demands = described.get("demands", {}) if isinstance(described, dict) else {}
    if isinstance(described, dict) and isinstance(described.get("name"), str) and described["name"]:
        found.name = described["name"]
    if not isinstance(demands, dict) or any(not isinstance(x, dict) for x in demands.values()):
        found.fail("demands are objects in an object: source, target, amount")
    found.demands += [(a, b, str(x)) for a, several in demands.items() for b, x in several.items()]


def _item_lines(text: str, key: str, count: int) -> list[int]:
    """The line of each item of the list under a key of the outermost object; zeros where it is not found."""
    decoder = json.JSONDecoder()
    for matched in re.finditer(rf'"{key}"\s*:\s*\[', text):
        at, lines = matched.end(), list[int]()
        counted, line = 0, 1
        try:
            while len(lines) < count:
                at = _gap(text, at)
                counted, line = at, line + text.count("\n", counted, at)
                lines.append(line)
                _, at = decoder.raw_decode(text, at)
        except (ValueError, IndexError):
            continue
        if text[_gap(text, at)] == "]":
            return lines
    return [0] * count


def _gap(text: str, at: int) -> int:
    while text[at] in " \t\r\n,":
        at += 1
    return at
