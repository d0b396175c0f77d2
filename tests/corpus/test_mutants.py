"""Seeded faults of the VRRP model: each is noticed by the shipped checks of the spec named beside it."""

import re
from pathlib import Path

import pytest

from verify import api

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "models/vrrp.model").read_text(encoding="utf-8")

MUTANTS = {
    "(445) greater instead of at least": ("a.priority >= priority {", "a.priority > priority {", "pair"),
    "(735) lesser address wins": ("a.address > address)", "a.address < address)", "clauses"),
    "(735) equal address wins": ("a.address > address)", "a.address >= address)", "preemption"),
    "(725) equal priority wins": ("a.priority > priority or (", "a.priority >= priority or (", "clauses"),
    "(710) no answer to priority 0": (
        "when a.priority == 0 { lead }",
        "when a.priority == 0 { start adver for interval }",
        "strangers",
    ),
    "(715) no restart on priority 0": (
        "when a.priority == 0 { lead }",
        "when a.priority == 0 { advertise }",
        "strangers",
    ),
    "(460) timer not restarted": (
        "{ skew := fresh_skew }\n            start active_down for down_after",
        "{ skew := fresh_skew }",
        "pair",
    ),
    "(450) nothing learnt in Backup": (
        "            learn(a)\n            if recomputes",
        "            if recomputes",
        "clauses",
    ),
    "(450a) skew not recomputed": (
        "if recomputes_skew { skew := fresh_skew }",
        "if false { skew := fresh_skew }",
        "clauses",
    ),
    "(745) nothing learnt by who yields": (
        "            stop adver\n            learn(a)\n",
        "            stop adver\n",
        "clauses",
    ),
    "(750) skew not recomputed by who yields": (
        "            learn(a)\n            skew := fresh_skew\n            start active_down for down_after\n            goto Backup",
        "            learn(a)\n            start active_down for down_after\n            goto Backup",
        "clauses",
    ),
    "(665) no advert of priority 0": (
        "send Advertisement { version = wire, vrid, priority = 0, interval, address }",
        "",
        "failover",
    ),
    "(430) priority 0 ignored": (
        "when a.priority == 0 { start active_down for skew }",
        "when a.priority == 0 { }",
        "failover",
    ),
    "(430) the full interval": (
        "{ start active_down for skew }",
        "{ start active_down for down_after }",
        "failover",
    ),
    "(430) at once": ("{ start active_down for skew }", "{ start active_down for 0s }", "clauses failover"),
    "(405) the interval learnt": ("start adver for interval", "start adver for learned", "clauses"),
    "(370) no advert": ("on timeout active_down { lead;", "on timeout active_down { start adver for interval;", "pair"),
    "(155) what was learnt stays": ("            learned := interval\n", "", "clauses"),
    "(355) a Backup announces its leave": (
        "on shutdown { stop active_down; goto",
        "on shutdown { stop active_down; send Advertisement { version = wire, vrid, priority = 0, interval, address } goto",
        "clauses",
    ),
    "(350) the timer runs on": ("on shutdown { stop active_down; goto", "on shutdown { goto", "clauses"),
    "(775a) never": ("when asserts_itself { advertise }", "when asserts_itself { }", "loss"),
    "(775a) always": ("version == v3_9568   # answers", "true # answers", "loss"),
    "preempt ignored": ("when not preempts or a.priority", "when a.priority", "preemption"),
    "Active asks preempt": ("when beats_me(a) {", "when beats_me(a) and preempts {", "clauses"),
    "the owner is not heeded": ("preempt or (is_owner and owner_always_preempts)", "preempt", "strangers"),
    "three becomes two": ("3 * learned + skew", "2 * learned + skew", "pair"),
    "three becomes four": ("3 * learned + skew", "4 * learned + skew", "pair"),
    "skew of 255 - priority": ("(256 - priority) *", "(255 - priority) *", "priorities pair misconfiguration"),
    "skew not scaled in v3": ("(if version == v2 then v2_second else learned) / 256", "1s / 256", "pair failover"),
    "skew scaled in v2": ("(if version == v2 then v2_second else learned)", "learned", "clauses"),
    "vrid not checked": ("when a.vrid != vrid { }", "when false { }", "misconfiguration"),
    "version not checked": ("when a.version != wire { }", "when false { }", "misconfiguration"),
    "interval not checked in v2": (
        "when drops_other_interval and a.interval",
        "when false and a.interval",
        "intervals",
    ),
    "owners of RFC 5798 hear": ("bool = version != v3_9568   # 7.1", "bool = false # 7.1", "clauses"),
    "v2 learns": ("bool = version != v2        # v3 takes", "bool = true # v3 takes", ""),
    "forwards in Backup": ("let forwards = self is Active", "let forwards = self is up", "misconfiguration"),
    "accepts in Backup": ("let accepts  = self is Active and", "let accepts  = self is up and", "misconfiguration"),
    "accepts by default": ("accept    : bool = false", "accept    : bool = true ", "misconfiguration"),
    "no preemption by default": ("preempt   : bool = true", "preempt   : bool = false", "preemption"),
}


def unexpected(folder, spec):
    specs = api.load(folder / f"{spec}.spec")
    return [r for r in api.check(specs, limits=api.Limits(seconds=60, states=20_000)) if not r.as_expected()]


@pytest.fixture
def mutated(tmp_path):
    for path in (ROOT / "specs/vrrp").glob("*.spec"):
        # without the scenarios of 100,000 states, so that a mutant takes seconds
        text = re.sub(r"^check late \{.*?^\}", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", [n for n, (_, _, specs) in MUTANTS.items() if specs])
def test_a_check_notices(name, mutated):
    old, new, specs = MUTANTS[name]
    assert MODEL.count(old) == 1, "the place of the mutation is not clear"
    (mutated / "vrrp.model").write_text(MODEL.replace(old, new), encoding="utf-8")
    assert any(unexpected(mutated, spec) for spec in specs.split())


def test_without_a_mutation_no_check_notices(mutated):
    (mutated / "vrrp.model").write_text(MODEL, encoding="utf-8")
    assert not any(unexpected(mutated, spec) for spec in ("clauses", "strangers", "misconfiguration"))
