"""Invariants in the words of certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from verify.engines.symbolic.layout import Layout
from verify.engines.symbolic.questions import Question
from verify.engines.symbolic.terms import Term, lifted, number


def stated(question: Question, invariant: Any) -> str:  # noqa: ANN401 - a Z3 term
    """The invariant over all the numbers of a state, with what the layout takes for granted: SMT-LIB text."""
    layout = question.layout
    parts = [invariant, *map(lifted, layout.shape()), *_spelt_out(layout)]
    return " ".join(in_words(layout, z3.And(*parts)).sexpr().split())


def in_words(layout: Layout, term: Any) -> Any:  # noqa: ANN401 - Z3 terms
    """Truth values of variables as the numbers that certificates know."""
    both_ = zip(layout.constants, layout.components, strict=True)
    pairs = [(c, z3.Int(d.name) == 1) for c, d in both_ if _renamed(d.group, d.boolean)]
    return z3.substitute(term, pairs) if pairs else term


def from_words(layout: Layout, text: str) -> Any:  # noqa: ANN401 - Z3 terms
    """A formula in the words of certificates, about the layout's own constants; of what the layout does not store, what it is."""
    state = layout.state()
    meant: dict[str, Any] = {f"v{i}": lifted(number(x)) for i, x in enumerate(state.variables)}
    meant |= {f"t{i}": lifted(x) for i, x in enumerate(state.timers)}
    for start, here, values in _places(layout):
        meant[f"{start}here"] = lifted(here)
        meant |= {start + short: z3.If(lifted(here), lifted(term), z3.IntVal(0)) for short, term in values.items()}
    words = {w: z3.Const(f"{w}!word", t.sort()) for w, t in meant.items()}
    others = {str(c): c for c in (*layout.constants, *layout.parameters) if str(c) not in words}
    (parsed,) = z3.parse_smt2_string(f"(assert {text})", decls=words | others)
    return z3.substitute(parsed, [(words[w], t) for w, t in meant.items()])


def _renamed(group: str, boolean: bool) -> bool:
    return boolean and group == "variable"


def _spelt_out(layout: Layout) -> list[Any]:
    """What is not stored, because it never changes."""
    renamed = [z3.Int(c.name) for c in layout.components if _renamed(c.group, c.boolean)]
    found = [z3.And(word >= 0, word <= 1) for word in renamed]
    for variable, expression in layout.fixed.variables.items():
        found.append(z3.Int(f"v{variable}") == lifted(number(layout.rigid(expression))))
    for start, present, values in _places(layout):
        here = z3.Bool(f"{start}here")
        if present is False:
            found.append(z3.Not(here))
        for short, term in values.items():
            word = z3.Int(start + short)
            if isinstance(term, int) or not term.eq(word):
                found.append(word == z3.If(here, lifted(term), z3.IntVal(0)))
    return found


def _places(layout: Layout) -> Iterator[tuple[str, Term, dict[str, Term]]]:
    """Of each place of a lane: how its words begin, whether it is taken, and the terms of its other words."""
    width = max((len(m.fields) for m in layout.system.messages), default=0)
    for lane, places in enumerate(layout.state().lanes):
        for place, slot in enumerate(places):
            fields = {f"f{f}": slot.fields[f] if f < len(slot.fields) else 0 for f in range(width)}
            yield f"l{lane}_{place}_", slot.here, {"age": slot.age, "kind": slot.kind, **fields}
