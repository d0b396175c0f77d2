"""The table of the RFC's steps says of each which rule models it; the model says of each rule which steps it models."""

import re
from pathlib import Path

from verify import api

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/protocols/vrrp.md").read_text(encoding="utf-8")

SPEC = """
use vrrp
scenario s {
    tick 10ms
    a : Router { address = 1 }
    b : Router { address = 2; drops_as_owner = true; priority = 255; version = v2 }
    c : Router { address = 3; asserts_itself = false; priority = 255 }
    d : Router { address = 4; asserting_restarts = true }
    segment lan joins each Router.lan
    startup of each Router any time repeatable
    events unlimited { shutdown each Router }
}
property p : possible a is Active
check s { p expect proved }
"""


def rows():
    """(section, step, whether it was read at its source, the last cell) of each row."""
    section = ""
    for line in TABLE.splitlines():
        heading = re.match(r"## (6\.4\.\d|7\.1) ", line)
        if heading:
            section = heading.group(1)
        elif line.startswith("## "):
            section = ""
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        if section and line.startswith("| ") and len(cells) == 7 and cells[0] not in ("step", "check"):
            read = bool(re.search(r"\b[CE]\b", cells[5]))
            steps = re.findall(r"\((\d+a?)\)", cells[0]) or [cells[0]]
            for step in steps:
                yield section, step, read, cells[6]


def citations():
    """(section, step) -> (heads of the rules that cite it, whether all say that it was read)."""
    system = api.load_text(SPEC).tasks[0].system
    found = {}
    for rule in system.rules:
        for citation in rule.citations:
            section, _, rest = citation.clause.partition(" ")
            if citation.reference in ("rfc5798", "err8298"):
                continue
            for step in re.findall(r"\((\d+a?)\)", rest) or [rest]:
                heads, verified = found.setdefault((section, step), (set(), True))
                heads.add(rule.text)
                found[section, step] = heads, verified and citation.verified
    return found


def test_every_row_names_rules_or_says_why_not():
    for section, step, _, cell in rows():
        assert cell.startswith("left out because ") or "`" in cell, (section, step)


def test_the_table_and_the_model_name_the_same_rules():
    listed = {}
    for section, step, _, cell in rows():
        heads = {h for h in re.findall(r"`([^`]+)`", cell) if h.startswith("on ")}
        if heads:
            listed[section, step] = heads
    assert listed == {key: heads for key, (heads, _) in citations().items()}


def test_what_was_not_read_is_cited_as_unverified():
    read = {(section, step): r for section, step, r, _ in rows()}
    cited = {key: verified for key, (_, verified) in citations().items()}
    assert cited == {key: read[key] for key in cited}
    assert sum(not verified for verified in cited.values()) == 14
    assert "These are 14 steps" in TABLE


def test_every_step_of_the_standard_has_a_row():
    steps = {(section, step) for section, step, _, _ in rows()}
    for section, first, last in (("6.4.1", 100, 175), ("6.4.2", 305, 470), ("6.4.3", 605, 775)):
        expected = {(section, str(n)) for n in range(first, last + 1, 5)}
        assert expected <= steps, sorted(expected - steps)
