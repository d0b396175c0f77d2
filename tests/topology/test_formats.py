"""Files of others: what is read, and what is refused with its line."""

import re
from fractions import Fraction

import pytest

from verify.base.diagnostic import InputError
from verify.topology.formats import amount, read

GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="label" attr.type="string" for="node" id="d33" />
  <key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d38" />
  <graph edgedefault="undirected">
    <node id="0"><data key="d33">Linz</data></node>
    <node id="1"><data key="d33">Graz</data></node>
    <node id="2"><data key="d33">Wien &amp; Umgebung</data></node>
    <edge source="0" target="1"><data key="d38">10000000000.0</data></edge>
    <edge source="0" target="1" />
    <edge source="1" target="2" />
  </graph>
</graphml>
"""
GML = """graph [
  directed 0
  # the Topology Zoo also writes fields of its own
  stats [ nodes 2 ]
  node [ id 0 label "Linz" graphics [ x 1.5 ] ]
  node [ id 1 label "Graz
    Nord" ]
  edge [ source 0 target 1 LinkSpeedRaw 1e9 ]
]
"""
JSON = """{"directed": false, "graph": {"name": "small", "demands": {"0": {"1": 2.5, "0": 1.0}, "1": {"0": 0.0}}},
 "nodes": [
  {"id": 0, "name": "Linz"},
  {"id": 1, "name": "Linz"}
 ],
 "edges": [
  {"source": 0, "target": 1}
 ]}
"""


def test_graphml():
    network = read(GRAPHML, "zoo.graphml", Fraction(5))
    assert network.nodes == ("Linz", "Graz", "Wien & Umgebung")
    assert [(x.name, x.capacity) for x in network.links] == [
        ("Linz - Graz", 10**10),
        ("Linz - Graz #2", 5),
        ("Graz - Wien & Umgebung", 5),
    ]


def test_gml():
    network = read(GML, "zoo.gml")
    assert network.nodes == ("Linz", "Graz Nord")
    assert [(x.name, x.capacity, x.place.line) for x in network.links] == [("Linz - Graz Nord", 10**9, 8)]


def test_json_with_labels_that_are_not_different():
    network = read(JSON, "small.json", unit=Fraction(10**6))
    assert (network.name, network.nodes) == ("small", ("0", "1"))
    assert network.titles == {"0": "Linz (0)", "1": "Linz (1)"}
    assert [(d.a, d.b, d.amount) for d in network.demands] == [("0", "1", 2_500_000)]


@pytest.mark.parametrize(
    ("name", "text", "line", "told"),
    [
        ("x.graphml", GRAPHML.replace("</graph>", "</grap>"), 12, "mismatched tag"),
        ("x.graphml", GRAPHML.replace('target="2"', 'target="7"'), 11, "'7', which is no node"),
        ("x.graphml", GRAPHML.replace('<node id="1">', '<node id="0">'), 7, "'0' stands twice"),
        ("x.graphml", GRAPHML.replace("undirected", "directed"), 5, "directed"),
        ("x.graphml", GRAPHML.replace("10000000000.0", "fast"), 9, "is no amount"),
        ("x.graphml", GRAPHML.replace("<graphml", '<!DOCTYPE g [<!ENTITY a "b">]><graphml'), 2, "an entity"),
        ("x.graphml", "<html></html>", 1, "begins with <html>"),
        ("x.gml", GML.replace("target 1", "target 3"), 8, "'3', which is no node"),
        ("x.gml", GML.rstrip().rstrip("]"), 1, "before this '[' is closed"),
        ("x.gml", GML.replace("directed 0", "directed ;"), 2, "';' means nothing"),
        ("x.gml", GML.replace("id 1", "id"), 6, "'id' has no value"),
        ("x.json", JSON.replace('{"id": 1,', "{"), 4, "without an id"),
        ("x.json", JSON.replace('"target": 1', '"target": 4'), 7, "'4', which is no node"),
        ("x.json", JSON.replace('"edges": [', '"edges": ]'), 6, "no JSON"),
        ("x.json", "[]", 1, "an object"),
        ("x.json", '{"nodes": 3, "edges": []}', 1, "a list of nodes"),
    ],
)
def test_malformed_files_are_refused_with_the_line(name, text, line, told):
    with pytest.raises(InputError) as found:
        read(text, name)
    (fault,) = found.value.diagnostics
    assert told in fault.message
    assert (fault.code, fault.place.line) == ("E007", line)


@pytest.mark.parametrize(("text", "value"), [("10G", 10**10), ("2.5M", 2_500_000), ("1e9", 10**9), ("7", 7)])
def test_amounts(text, value):
    assert amount(text) == value


@pytest.mark.parametrize("text", ["x", "0", "-1G", "1GB", "nan", "1e999", "1/0"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        amount(text)
