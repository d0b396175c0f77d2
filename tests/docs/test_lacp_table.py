"""The table of the arrows of LACP's state machines says of each which rule models it; the model says of each rule which arrow it models."""

import re
from pathlib import Path

from verify import api

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/protocols/lacp.md").read_text(encoding="utf-8")

SPEC = """
use lacp
scenario s {
    tick 1s
    a : System { id = 1; port[0].detects_churn = true }
    b : System { id = 2; ports = 2; port[0].coupled = true; port[0].lacp_enabled = false; port[1].detects_churn = true }
    c : System { id = 3; port[0].coupled = true; port[0].held_back = true }
    link one joins a.port[0].wire, b.port[0].wire
    d : System { id = 4; port[0].vintage = AX2020; port[0].wait_to_restore = 2s; port[0].revertive = false }
    e : System { id = 5; port[0].vintage = AX2020; port[0].coupled = true }
    link two joins b.port[1].wire, c.port[0].wire
    link three joins d.port[0].wire, e.port[0].wire
    faults unlimited { cut one; cut two; cut three }
}
property p : possible a is up
check s { p expect proved }
"""

MUX_2020 = "DETACHED ATTACHED_WTR ATTACHED COLLECTING COLLECTING_DISTRIBUTING"

FIGURES = {
    "6.4.12": """any-PORT_DISABLED INITIALIZE-PORT_DISABLED PORT_DISABLED-INITIALIZE PORT_DISABLED-EXPIRED PORT_DISABLED-LACP_DISABLED
        LACP_DISABLED-PORT_DISABLED EXPIRED-CURRENT EXPIRED-DEFAULTED DEFAULTED-CURRENT CURRENT-CURRENT CURRENT-EXPIRED any-INITIALIZE
        CURRENT-PORT_DISABLED""",
    "6.4.13": """any-NO_PERIODIC NO_PERIODIC-FAST_PERIODIC FAST_PERIODIC-SLOW_PERIODIC FAST_PERIODIC-PERIODIC_TX
        SLOW_PERIODIC-PERIODIC_TX PERIODIC_TX-FAST_PERIODIC PERIODIC_TX-SLOW_PERIODIC""",
    "6.4.15": """any-DETACHED DETACHED-WAITING WAITING-DETACHED WAITING-ATTACHED ATTACHED-DETACHED ATTACHED-COLLECTING
        COLLECTING-ATTACHED COLLECTING-DISTRIBUTING DISTRIBUTING-COLLECTING ATTACHED-COLLECTING_DISTRIBUTING
        COLLECTING_DISTRIBUTING-ATTACHED""",
    "6.4 Mux": f"{MUX_2020} ATTACH DETACHED-ATTACH " + " ".join(f"any-{state}" for state in MUX_2020.split()),
    "6.4.17": " ".join(
        f"any-{w}_MONITOR {w}_MONITOR-NO_{w} {w}_MONITOR-{w} {w}-NO_{w} NO_{w}-{w}_MONITOR"
        for w in ("ACTOR_CHURN", "PARTNER_CHURN")
    ),
}


def rows():
    """(section, arrow, the last cell) of each row."""
    section = ""
    for line in TABLE.splitlines():
        if line.startswith("## "):
            heading = re.match(r"## (6\.4\.\d+|6\.4 \w+) ", line)
            section = heading.group(1) if heading else ""
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        if section and line.startswith("| ") and cells[0] != "arrow":
            assert len(cells) == 4, line
            yield section, cells[0], cells[3]


def citations():
    """(section, arrow) -> heads of the rules that cite it; and whether any citation claims to be verified."""
    found = {}
    claimed = False
    for rule in api.load_text(SPEC).tasks[0].system.rules:
        for citation in rule.citations:
            section, _, arrow = citation.clause.rpartition(" ")
            found.setdefault((section, arrow), set()).add(rule.text)
            claimed = claimed or citation.verified
    return found, claimed


def test_every_row_names_rules_or_says_why_not():
    for section, arrow, cell in rows():
        assert cell.startswith("left out because ") or re.match(r"`(on|when|entry) ", cell), (section, arrow)


def test_the_table_and_the_model_name_the_same_rules():
    listed = {}
    for section, arrow, cell in rows():
        heads = {h for h in re.findall(r"`([^`]+)`", cell) if h.startswith(("on ", "when ", "entry "))}
        if heads:
            listed[section, arrow] = heads
    assert listed == citations()[0]


def test_only_the_machines_of_2020_are_cited_by_name():
    for rule in api.load_text(SPEC).tasks[0].system.rules:
        for citation in rule.citations:
            assert citation.clause.startswith("6.4 ") == (citation.reference == "ax2020"), citation


def test_no_citation_claims_that_the_standard_was_read():
    assert not citations()[1]
    assert "Every citation of the model is therefore `unverified`" in TABLE


def test_every_arrow_has_a_row():
    listed = [(section, arrow) for section, arrow, _ in rows()]
    assert len(listed) == len(set(listed))
    for section, arrows in FIGURES.items():
        assert {(section, a) for a in arrows.split()} <= set(listed)
