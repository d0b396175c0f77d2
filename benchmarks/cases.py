"""What is measured: models that are written in several languages, with the counts that all must give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@dataclass(frozen=True, slots=True)
class Case:
    """A model. ``transitions``: self-loops counted, the initial state not. ``defines``: for SPIN, before ``spin -a``.

    ``table``: the binary logarithm of SPIN's hash table, which is given the size that suits it. ``tlc``: a configuration of TLC.
    ``rounds``: how often it is measured, at most. ``cold``: whether the time of whole processes is measured too.
    """

    name: str
    title: str
    spec: Path
    scenario: str
    states: int
    transitions: int
    peer: str
    defines: tuple[str, ...] = ()
    table: int = 22
    tlc: str = ""
    rounds: int = 5
    cold: bool = False


VRRP = HERE / "vrrp_tick.spec"
LACP = ROOT / "tests" / "corpus" / "lacp_tick.spec"


def _vrrp(n: int, k: int, l: int) -> tuple[str, ...]:  # noqa: E741 - the model's letter
    return (f"-DN={n}", "-DA=1", "-DB=3", f"-DK={k}", f"-DL={l}", "-DBITS")


CASES = (
    Case("vrrp-s", "VRRP-tick S", VRRP, "s", 13_058, 55_860, "vrrp.pml", _vrrp(3, 1, 1), table=18, tlc="S.cfg", cold=True),
    Case("vrrp-m", "VRRP-tick M", VRRP, "m", 1_109_057, 8_417_927, "vrrp.pml", _vrrp(4, 1, 1), tlc="M.cfg", cold=True),
    Case("vrrp-l", "VRRP-tick L", VRRP, "l", 10_505_113, 106_039_226, "vrrp.pml", _vrrp(4, 2, 2), table=24, rounds=2),
    Case("lacp-1", "LACP-tick, one link", LACP, "both", 181_235, 758_388, "lacp1_small.pml", table=20),
    Case("lacp-2", "LACP-tick, two links", HERE / "lacp_tick.spec", "two_links", 2_881_361, 16_447_298, "lacp2.pml", rounds=3),
    Case(
        "lacp-3",
        "LACP-tick, two links, one LACPDU lost",
        HERE / "lacp_tick.spec",
        "lossy_links",
        11_086_399,
        66_845_141,
        "lacp2.pml",
        ("-DLOSSES=1",),
        table=24,
        rounds=3,
    ),
)
