"""Two kinds of answer to one question: ``survives any n failures`` of a topology, and a scenario in which each part may fail once."""


from hypothesis import given, settings
from hypothesis import strategies as st
from siblings import sibling

from verify import api
from verify.base.verdict import Verdict
from verify.topology.network import Hashing

brute = sibling("topology", "networks")


def written(network):
    """A random network in the language; amounts in k, so that they have no fractions there."""

    def rate(x):
        return "" if x is None else f" {int(x * 6)}k"

    lines = [f"node {', '.join(network.nodes)}"]
    for link in network.links:
        if link.members is None:
            lines.append(f"link {link.name} : {link.a} - {link.b}{rate(link.capacity)}")
        else:
            hashing = {
                Hashing.EVEN: "",
                Hashing.STICKY: " hash sticky",
                Hashing.BUCKETS: f" hash {link.buckets} buckets",
            }
            capacity = rate(link.capacity) or " 1k"
            lag = f"lag {link.name} : {link.a} - {link.b} {link.members} x{capacity} minimum {link.minimum}"
            lines.append(lag + hashing[link.hashing])
    lines += [f"standby {x.name} {{ {', '.join(x.members)} }}" for x in network.standbys]
    return "topology t {\n    " + "\n    ".join(lines) + "\n}\n"


MACHINE = """
machine Part { signal fail; initial state Up { on fail { goto Down } } state Down { } }
"""


@settings(max_examples=25, deadline=None)
@given(brute.networks(loaded=True, standbys=True, largest=4, loops=False), st.integers(1, 2), st.booleans())
def test_survives_and_a_scenario_agree(network, failures, flow):
    (demand,) = network.demands
    ends = f"{demand.a}, {demand.b}"
    asked = f"flow({ends}) >= {int(demand.amount * 6)}k" if flow else f"connected({ends})"
    atoms = [n for n in network.nodes if n not in (demand.a, demand.b)]
    atoms += [atom for link in network.links for atom in link.atoms]
    passing = "; ".join(f"{atom} passes traffic when part[{n}] is Up" for n, atom in enumerate(atoms))
    text = f"""{written(network)}{MACHINE}
scenario s {{
    tick 1s
    part : array {len(atoms)} of Part
    topology t {{ {passing} }}
    events at most {failures} {{ signal fail of each Part }}
}}
property static  : survives any {failures} failures of t : {asked}
property dynamic : always {asked}
check t {{ static expect proved }}
check s {{ dynamic expect proved }}
"""
    spec = api.load_text(text)
    ((static,),) = api.check_topologies(spec)
    (dynamic,) = api.check(spec)
    assert static.verdict in (Verdict.PROVED, Verdict.VIOLATED)
    assert static.verdict is dynamic.verdict


def test_a_part_passes_traffic_when_a_machine_says_so():
    spec = api.load_text("""
topology branch {
    node client, left, right, internet
    link client - left 1G; link client - right 1G; link left - internet 1G; link right - internet 1G
}
machine Gateway { signal take; signal leave; initial state Idle { on take { goto Active } } state Active { on leave { goto Idle } } }
scenario pair {
    tick 1s
    l : Gateway; r : Gateway
    topology branch { left passes traffic when l is Active; right passes traffic when r is Active }
    events at most 2 { signal take of each Gateway }
}
scenario leaves extends pair { events unlimited { signal leave of l } }
property one    : possible connected(client, internet)
property both   : possible flow(client, internet) >= 2G
property always_: always (l is Active implies connected(client, internet))
property exact  : always flow(client, internet) >= 1G implies l is Active or r is Active
property stays  : l is Active leads to not connected(client, internet)
check pair { one expect proved; both expect proved; always_ expect proved; exact expect proved; stays expect violated }
check leaves { stays expect violated; always_ expect proved }
""")
    assert [r.as_expected() for r in api.check(spec)] == [True] * 7
