"""Seeded faults of the LACP model: each is noticed by the shipped checks of the scenarios named beside it."""

import re
from pathlib import Path

import pytest

from verify import api

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "models/lacp.model").read_text(encoding="utf-8")
SPECS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "specs/lacp").glob("*.spec")}

# name: the place and what it becomes, or several of them; the spec and its scenarios that notice
MUTANTS = {
    # ---- 6.4.9
    "recordPDU: the match of the partner's record ignored": (
        [("(not p.actor.aggregation or p.partner == me) and p.actor_sync", "p.actor_sync")],
        "clauses wrong_key",
    ),
    "recordPDU: a match asked of an Individual partner": (
        [("(not p.actor.aggregation or p.partner == me)", "p.partner == me")],
        "clauses individual_wrong",
    ),
    "recordPDU: only the system matched": (
        [("aggregation or p.partner == me)", "aggregation or p.partner.system == me.system)")],
        "clauses wrong_port",
    ),
    "recordPDU: Synchronization not read": (
        [("p.partner == me) and p.actor_sync", "p.partner == me)")],
        "clauses not_in_sync",
    ),
    "recordPDU: without Activity": (
        [
            (
                "and p.actor_sync\n                              and (p.actor_activity or (active and p.partner_activity))",
                "and p.actor_sync",
            )
        ],
        "clauses nobody_active",
    ),
    "recordPDU: the own Activity not asked": (
        [("(active and p.partner_activity)", "p.partner_activity")],
        "clauses wrongly_active",
    ),
    "recordPDU: the own Activity is enough": ([("(active and p.partner_activity)", "active")], "clauses nobody_active"),
    "recordPDU: Collecting taken from Synchronization": (
        [("partner_collecting := p.actor_collecting", "partner_collecting := p.actor_sync")],
        "clauses independent_to_deaf",
    ),
    "recordPDU: stays Defaulted": (
        [("defaulted          := false", "defaulted          := true")],
        "clauses unplugged",
    ),
    "recordDefault: keeps the partner": ([("        partner            := nobody\n", "")], "clauses again"),
    "recordDefault: keeps Activity": (
        [("        partner_activity   := admin_activity\n", "")],
        "clauses silence_passive",
    ),
    "recordDefault: keeps Timeout": ([("        partner_short      := admin_short\n", "")], "clauses silence"),
    "recordDefault: keeps Synchronization": ([("        partner_sync       := admin_sync\n", "")], "clauses silence"),
    "recordDefault: keeps Collecting": ([("        partner_collecting := admin_collecting\n", "")], "clauses silence"),
    "recordDefault: not Defaulted": (
        [("defaulted          := true", "defaulted          := false")],
        "clauses silence",
    ),
    "update_Default_Selected: nothing": (
        [("{ if partner != nobody { selected := UNSELECTED } }", "{ }")],
        "clauses silence",
    ),
    "update_Selected: nothing": (
        [("{ if p.actor != partner { selected := UNSELECTED } }", "{ }")],
        "clauses other_key",
    ),
    "update_Selected: the system only": (
        [("if p.actor != partner {", "if p.actor.system != partner.system {")],
        "clauses other_key",
    ),
    "update_Selected: without Aggregation": (
        [("if p.actor != partner {", "if p.actor.system != partner.system or p.actor.key != partner.key {")],
        "clauses becomes_individual",
    ),
    "update_Selected: after recordPDU": (
        [
            ("        update_selected(p)                    # both compare with what was known before\n", ""),
            ("        record_pdu(p)\n", "        record_pdu(p)\n        update_selected(p)\n"),
        ],
        "clauses other_key",
    ),
    "update_NTT: without the identity": (
        [("if p.partner != me or p.partner_activity", "if p.partner_activity")],
        "clauses lies_key",
    ),
    "update_NTT: the system only": (
        [("if p.partner != me or", "if p.partner.system != me.system or")],
        "clauses lies_port",
    ),
    "update_NTT: without Activity": ([("or p.partner_activity != active or", "or")], "clauses lies_activity"),
    "update_NTT: without Timeout": ([("or p.partner_short != short or", "or")], "clauses lies_timeout"),
    "update_NTT: without Synchronization": ([(" or p.partner_sync != synchronized {", " {")], "clauses lies_sync"),
    "update_NTT: without Synchronization, in a pair": (
        [(" or p.partner_sync != synchronized {", " {")],
        "transport lost_attached",
    ),
    "update_NTT: compares Collecting": (
        [
            ("    actor_collecting   : bool\n", "    actor_collecting   : bool\n    partner_collecting : bool\n"),
            (
                "partner, partner_activity, partner_short, partner_sync\n",
                "partner, partner_activity, partner_short, partner_sync, partner_collecting\n",
            ),
            (
                "p.partner_sync != synchronized { ntt",
                "p.partner_sync != synchronized or p.partner_collecting != collecting { ntt",
            ),
        ],
        "transport lost_collecting",
    ),
    # ---- 6.4.12
    "current_while by the partner's bit": (
        [("for if short then short_timeout", "for if p.actor_short then short_timeout")],
        "clauses silence_slow",
    ),
    "current_while not started by a LACPDU": (
        [("        start current_while for if short then short_timeout else long_timeout\n", "")],
        "clauses silence",
    ),
    "LACP_DISABLED: keeps Aggregation": (
        [("                partner.aggregation := false\n", "")],
        "clauses switched_off",
    ),
    "PORT_DISABLED: keeps Synchronization": (
        [("entry { partner_sync := false; stop current_while }", "entry { stop current_while }")],
        "clauses unplugged",
    ),
    "PORT_DISABLED: forgets the partner": (
        [("entry { partner_sync := false; stop", "entry { record_default; partner_sync := false; stop")],
        "clauses unplugged",
    ),
    "EXPIRED: keeps Synchronization": ([("                partner_sync := false\n", "")], "clauses silence"),
    "EXPIRED: the partner's Timeout not short": (
        [("                partner_short := true\n", "")],
        "clauses silence_slow",
    ),
    "EXPIRED: the long timeout": (
        [("start current_while for short_timeout", "start current_while for long_timeout")],
        "clauses silence",
    ),
    "EXPIRED: does not ask": ([("if asks_in_expired { ntt := true }", "")], "clauses unplugged"),
    "EXPIRED: left out": (
        [("on timeout current_while { goto EXPIRED }", "on timeout current_while { goto DEFAULTED }")],
        "clauses silence",
    ),
    # ---- 6.4.13
    "Periodic: by the own bit": (
        [
            (
                'when not partner_short { goto SLOW_PERIODIC }                           cite ax2014 "6.4.13 F',
                'when not short { goto SLOW_PERIODIC } cite ax2014 "6.4.13 F',
            ),
            ("when partner_short { goto PERIODIC_TX }", "when short { goto PERIODIC_TX }"),
            ("when partner_short { goto FAST_PERIODIC }", "when short { goto FAST_PERIODIC }"),
            (
                'when not partner_short { goto SLOW_PERIODIC }                           cite ax2014 "6.4.13 P',
                'when not short { goto SLOW_PERIODIC } cite ax2014 "6.4.13 P',
            ),
        ],
        "clauses rate_slow",
    ),
    "Periodic: two passive ends speak": ([("(not active and not partner_activity)", "false")], "passive passive"),
    "Periodic: passive, though the partner is active": (
        [("(not active and not partner_activity)", "not active")],
        "pair active_passive_unlimited",
    ),
    "SLOW_PERIODIC: not left when the partner asks": (
        [("when partner_short { goto PERIODIC_TX }", "when false { }")],
        "clauses silence_slow",
    ),
    "PERIODIC_TX: no NTT": ([("entry { stop periodic; ntt := true }", "entry { stop periodic }")], "clauses rate_fast"),
    # ---- 6.4.14 and 6.4.15
    "Selection: no STANDBY": ([("if held_back then STANDBY else SELECTED", "SELECTED")], "pair no_room"),
    "Selection: does not wait": (
        [("not waits_for_partner or Receive", "true or Receive")],
        "transport patient_passive",
    ),
    "DETACHED: no NTT": (
        [
            (
                "state DETACHED {\n            entry { stop wait_while; ntt := true }",
                "state DETACHED {\n            entry { stop wait_while }",
            )
        ],
        "clauses attached_moves",
    ),
    "WAITING: skipped": (
        [("when selected == SELECTED and ready {", "when selected == SELECTED {")],
        "clauses scripted",
    ),
    "WAITING: attaches in STANDBY": ([("when selected == SELECTED and ready {", "when ready {")], "clauses held_back"),
    "WAITING: not left": ([("when selected == UNSELECTED { goto DETACHED }", "when false { }")], "clauses scripted"),
    "ATTACHED: no NTT": (
        [
            (
                "state ATTACHED {\n            entry { stop wait_while; ntt := true }",
                "state ATTACHED {\n            entry { stop wait_while }",
            )
        ],
        "outages slow",
    ),
    "ATTACHED: not left": ([("when selected != SELECTED { goto DETACHED }", "when false { }")], "clauses other_key"),
    "ATTACHED: coupled control asks Collecting": (
        [("when partner_sync and coupled {", "when partner_sync and partner_collecting and coupled {")],
        "clauses coupled_to_deaf",
    ),
    "ATTACHED: control is always coupled": (
        [
            ("when partner_sync and not coupled {", "when false {"),
            ("when partner_sync and coupled {", "when partner_sync {"),
        ],
        "clauses independent_to_deaf",
    ),
    "COLLECTING: no NTT": (
        [("state COLLECTING {\n            entry { ntt := true }", "state COLLECTING {\n            entry { }")],
        "transport uneven",
    ),
    "COLLECTING: not left": (
        [
            (
                'when selected != SELECTED or not partner_sync { goto ATTACHED }         cite ax2014 "6.4.15 COLLECTING-',
                'when false { goto ATTACHED } cite ax2014 "6.4.15 COLLECTING-',
            ),
        ],
        "clauses leaves",
    ),
    "COLLECTING: does not ask Collecting": (
        [("when partner_collecting { goto", "when true { goto")],
        "clauses independent_to_deaf",
    ),
    "DISTRIBUTING: sets NTT": (
        [
            (
                "state DISTRIBUTING {                                                        # sets no NTT",
                "state DISTRIBUTING { entry { ntt := true }",
            ),
        ],
        "clauses collects_late",
    ),
    "DISTRIBUTING: goes on when the partner does not collect": (
        [("or not partner_sync or not partner_collecting {", "or not partner_sync {")],
        "clauses stops_collecting",
    ),
    "COLLECTING_DISTRIBUTING: no NTT": (
        [
            (
                "state COLLECTING_DISTRIBUTING {\n            entry { ntt := true }",
                "state COLLECTING_DISTRIBUTING {\n            entry { }",
            )
        ],
        "transport uneven_mixed",
    ),
    "COLLECTING_DISTRIBUTING: not left": (
        [
            (
                'when selected != SELECTED or not partner_sync { goto ATTACHED }         cite ax2014 "6.4.15 COLLECTING_',
                'when false { goto ATTACHED } cite ax2014 "6.4.15 COLLECTING_',
            ),
        ],
        "clauses coupled_leaves",
    ),
    # ---- 6.4.16
    "Transmit: no limit": ([("(tx_limit == 0 or sent_in_interval < tx_limit)", "true")], "clauses storm"),
    "Transmit: two in each interval": ([("tx_limit       : 0..9 = 3", "tx_limit       : 0..9 = 2")], "clauses storm"),
    "Transmit: the interval does not end": (
        [("on timeout tx_interval { sent_in_interval := 0 }", "on timeout tx_interval { }")],
        "clauses storm",
    ),
    # ---- 6.4.17
    "ACTOR_CHURN: does not end": ([("when synchronized { goto NO_ACTOR_CHURN }", "when false { }")], "churn slow_wait"),
    "NO_ACTOR_CHURN: not left": (
        [("when not synchronized { goto ACTOR_CHURN_MONITOR }", "when false { }")],
        "churn slow_move",
    ),
    "PARTNER_CHURN: does not end": (
        [("when partner_sync { goto NO_PARTNER_CHURN }", "when false { }")],
        "churn late_partner",
    ),
    "NO_PARTNER_CHURN: not left": (
        [("when not partner_sync { goto PARTNER_CHURN_MONITOR }", "when false { }")],
        "churn lost_partner",
    ),
    # ---- management, values that are taken where nothing is said
    "a shutdown does not disable the ports": (
        [("on shutdown { running_ := false }", "on shutdown { }")],
        "restarts pause",
    ),
    "partner_admin: Synchronization 0": (
        [("admin_sync        : bool = true", "admin_sync        : bool = false")],
        "clauses silence",
    ),
    "partner_admin: Collecting 1": (
        [("admin_collecting  : bool = false", "admin_collecting  : bool = true")],
        "clauses silence",
    ),
    "partner_admin: LACP_Timeout short": (
        [("admin_short       : bool = false", "admin_short       : bool = true")],
        "clauses silence",
    ),
}


def only(text, scenarios):
    """The spec with the checks of these scenarios alone, so that a mutant takes a fraction of a second."""

    def kept(block):
        return block.group() if block.group(1) in scenarios else ""

    return re.sub(r"^check (\w+) +\{(?:.*\}$|[^}]*^\}.*$)", kept, text, flags=re.MULTILINE)


def unexpected(folder, where, model):
    spec, *scenarios = where.split()
    for name, text in SPECS.items():
        (folder / name).write_text(only(text, scenarios) if name == f"{spec}.spec" else text, encoding="utf-8")
    (folder / "lacp.model").write_text(model, encoding="utf-8")
    results = api.check(api.load(folder / f"{spec}.spec"), limits=api.Limits(seconds=30, states=20_000))
    assert {r.scenario for r in results} == set(scenarios)
    assert all(r.verdict is not api.Verdict.UNDECIDED for r in results), "a limit is no verdict"
    return [r for r in results if not r.as_expected()]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_check_notices(name, tmp_path):
    changes, where = MUTANTS[name]
    mutant = MODEL
    for old, new in changes:
        assert mutant.count(old) == 1, f"the place of the mutation is not clear: {old}"
        mutant = mutant.replace(old, new)
    assert unexpected(tmp_path, where, mutant)


@pytest.mark.parametrize("where", ["clauses silence storm", "churn slow_move", "transport uneven", "pair no_room"])
def test_without_a_mutation_no_check_notices(where, tmp_path):
    assert not unexpected(tmp_path, where, MODEL)
