"""What is begun beside the unrolling is ended: no process and no folder is left where an answer makes others pointless."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from verify.engines.symbolic import provers as room
from verify.engines.symbolic.horn import Solved
from verify.engines.symbolic.provers import Provers


class Recorded:
    """A portfolio that gives the answers that it is told, and knows whether it was left."""

    every: list[Recorded]
    answers: list[list[Solved | None]]

    def __init__(self, *_: object) -> None:
        self.told = self.answers.pop(0)
        self.left = 0
        self.reasons: list[str] = []
        self.every.append(self)

    def look(self) -> Solved | None:
        return self.told.pop(0) if self.told else None

    @property
    def spent(self) -> bool:
        return not self.told

    def __exit__(self, *_: object) -> None:
        self.left += 1
        self.reasons.append("left")


@pytest.fixture
def recorded(monkeypatch):
    monkeypatch.setattr(room, "Portfolio", Recorded)
    Recorded.every, Recorded.answers = [], []
    return Recorded


def asked(*, derived: bool) -> Provers:
    return Provers(None, SimpleNamespace(derived=derived, axioms=["all"], fewer=["some"]))


def test_too_few_axioms_are_left_when_all_are_asked(recorded):
    recorded.answers = [[None, Solved(reachable=True), None], [None, None]]
    provers = asked(derived=True)
    provers.begin(0.0)
    assert provers.look() is None
    rough, full = recorded.every
    assert (rough.left, full.left) == (1, 0)
    provers.end()
    assert (rough.left, full.left) == (1, 1)
    assert not provers.running


def test_who_has_given_up_is_left(recorded):
    recorded.answers = [[None]]
    provers = asked(derived=False)
    provers.begin(0.0)
    assert provers.look() is None
    assert [p.left for p in recorded.every] == [1]
    assert provers.reasons == ["left"]
    assert not provers.running


def test_a_question_that_cannot_be_written_is_left(recorded, monkeypatch):
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    recorded.answers = [[None]]
    monkeypatch.setattr(recorded, "look", interrupted)
    provers = asked(derived=True)
    with pytest.raises(KeyboardInterrupt):
        provers.begin(0.0)
    assert [p.left for p in recorded.every] == [1]
    assert provers.layout.axioms == ["all"]
