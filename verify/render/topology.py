"""A network as a picture: single points of failure marked, failures crossed out, what is parted shaded, loads on the links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from verify.base.diagnostic import InputError, error
from verify.render.labels import BLUE, FAINT, GREY, INK, PAPER, RED, clean, row, shortened, styled, table
from verify.render.layout import draw, new_graph
from verify.topology.network import Link, Network

if TYPE_CHECKING:
    from graphviz import Digraph

MOST_NODES, MOST_LINKS = 400, 1200  # what can be laid out, and looked at
MANY = 40  # nodes: above, names are smaller and only what is marked has a label
SHADE = "#d9e8f3"
CROSS = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands out in a picture. ``told``: lines under the title.

    ``single``: names of single points of failure. ``failed``: atoms that are down. ``side``: nodes that are parted from the
    others. ``cuts``: for each atom the numbers of the cut sets it is in. ``loads``: of directed links (link, from node), bit/s.
    """

    title: str
    told: tuple[str, ...] = ()
    single: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    side: frozenset[str] = frozenset()
    cuts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    loads: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)


def picture(network: Network, marks: Marks, form: str) -> bytes:
    """The network in a format of pictures; InputError if it is too large to be looked at."""
    if len(network.nodes) > MOST_NODES or len(network.links) > MOST_LINKS:
        told = f"{len(network.nodes):,} nodes and {len(network.links):,} links are too many for a picture"
        raise InputError([error("E813", told, help=f"up to {MOST_NODES} nodes and {MOST_LINKS:,} links are drawn")])
    many = len(network.nodes) > MANY
    head = [styled(shortened(marks.title, 100), size=24 if many else 14, bold=True)]
    head += [styled(shortened(line, 120), size=16 if many else 10, colour=GREY) for line in marks.told]
    graph = new_graph(
        label=table([row(head, align="CENTER", pad=6)]),
        labelloc="t",
        overlap="false",
        splines="true",
        sep="+4" if many else "+18",
        outputorder="edgesfirst",
        start="7",
        maxiter="5000",
    )
    keys = {name: f"n{number}" for number, name in enumerate(network.nodes)}
    for name in network.nodes:
        _node(graph, keys[name], name, network, marks, many=many)
    for link in network.links:
        _link(graph, keys, link, network, marks, many=many)
    return draw(graph, form, "neato")


def _node(graph: Digraph, key: str, name: str, network: Network, marks: Marks, *, many: bool) -> None:  # noqa: PLR0913
    down = name in marks.failed
    single = name in marks.single
    size = 9 if many else 10
    shown = network.titles.get(name, name)
    label = [styled(f"{CROSS} {shown}" if down else shown, size=size, bold=single, colour=GREY if down else INK)]
    if single and not down:
        label.append(styled("single point", size=size - 1.5, colour=RED))
    if name in marks.cuts and not down:
        label.append(styled(_cut_text(marks.cuts[name]), size=size - 1.5, colour=BLUE))
    graph.node(
        key,
        label=table([row(label, align="CENTER", pad=2)]),
        shape="box",
        style="rounded,filled,dashed" if down else "rounded,filled",
        fillcolor=SHADE if name in marks.side else PAPER,
        color=RED if single or down else GREY,
        penwidth="2.2" if single else "1",
        peripheries="2" if single else "1",
        margin="0.04,0.02",
    )


def _cut_text(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(str(n) for n in numbers[:4])
    return f"cut {shown}{' …' if len(numbers) > 4 else ''}"


def _link(  # noqa: PLR0913 - one line of the picture
    graph: Digraph, keys: dict[str, str], link: Link, network: Network, marks: Marks, *, many: bool
) -> None:
    up = network.up(link, marks.failed)
    down = up < max(1, link.minimum)
    gone = [a for a in link.atoms if a in marks.failed]
    single = link.name in marks.single or any(a in marks.single for a in link.atoms)
    share = _share(link, up, marks)
    label = []
    size = 8 if many else 8.5
    if link.capacity is not None and not many:
        label.append(styled(_capacity_text(link, up), size=size, colour=GREY))
    if share is not None and (not many or share > Fraction(7, 10)):
        label.append(styled(f"{float(share) * 100:.0f} %", size=size, bold=share > Fraction(9, 10)))
    if single and not down and not many:
        label.append(styled("single point", size=size, colour=RED))
    numbers = tuple(dict.fromkeys(n for a in link.atoms for n in marks.cuts.get(a, ())))
    if numbers and not gone:
        label.append(styled(_cut_text(numbers), size=size, colour=BLUE))
    if gone:
        told = f"{CROSS} {len(gone)} of {link.members}" if link.members else CROSS
        label.append(styled(told, size=11, bold=True, colour=RED))
    paper = f'BORDER="0" BGCOLOR="{PAPER}"'
    attributes = {"label": table([row(label, align="CENTER", pad=1)], attributes=paper)} if label else {}
    width = 1.0 if share is None else 1 + 3 * min(1.0, float(share))
    graph.edge(
        keys[link.a],
        keys[link.b],
        dir="none",
        color=FAINT if down else RED if single else INK,
        style="dashed" if down else "solid",
        penwidth=f"{max(width, 3.0 if single else 1.0):.1f}",
        len="0.6" if many else "2.2",
        tooltip=clean(link.name),
        **attributes,
    )


def _capacity_text(link: Link, up: int) -> str:
    capacity = float(link.capacity or 0)
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if capacity >= size:
            text = f"{capacity / size:.4g}{letter}"
            break
    else:
        text = f"{capacity:.4g}"
    return f"{up} of {link.members} x {text}" if link.members else text


def _share(link: Link, up: int, marks: Marks) -> Fraction | None:
    """The load of the fuller direction over what is left; None where nothing is known."""
    carried = link.usable(up)
    if not marks.loads or not carried:
        return None
    return max(marks.loads.get((link.name, end), Fraction(0)) for end in (link.a, link.b)) / carried
