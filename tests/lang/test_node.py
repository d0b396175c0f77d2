"""Nodes behave as frozen data classes do."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass, replace

import pytest

from verify.base.node import node


@node
class Pair:
    """A node with a default."""

    left: int
    right: str = "r"


@dataclass(frozen=True, slots=True)
class Model:
    """What it is to be like."""

    left: int
    right: str = "r"


@node
class Single:
    """A node with one field."""

    only: int


@node
class Empty:
    """A node without fields."""


def test_they_are_data_classes_with_slots():
    assert is_dataclass(Pair)
    assert [f.name for f in fields(Pair)] == ["left", "right"]
    assert not hasattr(Pair(1), "__dict__")
    assert Pair.__doc__ == "A node with a default."
    assert replace(Pair(1), right="x") == Pair(1, "x")


def test_they_are_compared_hashed_and_shown_by_their_fields():
    assert Pair(1) == Pair(left=1, right="r") != Pair(2)
    assert Pair(1) != Model(1)
    assert Pair(1) != (1, "r")
    assert Single(1) != 1
    assert Empty() == Empty() != Single(1)
    assert len({Pair(1), Pair(1), Pair(2), Single(1), Single(1), Empty(), Empty()}) == 4
    assert repr(Pair(1)) == repr(Model(1)).replace("Model", "Pair")


def test_they_do_not_change():
    it = Pair(1)
    with pytest.raises(FrozenInstanceError):
        it.left = 2
    with pytest.raises(FrozenInstanceError):
        del it.left
    with pytest.raises(AttributeError):
        it.other = 2
    assert it == Pair(1)


@pytest.mark.parametrize("it", [Pair(1), Single(2), Empty()])
def test_they_can_be_copied_and_sent(it):
    assert pickle.loads(pickle.dumps(it)) == it  # noqa: S301 - our own
    assert copy.deepcopy(it) == it


def test_they_are_matched_by_position():
    match Pair(1, "b"):
        case Pair(left, right):
            assert (left, right) == (1, "b")


def test_a_field_that_is_missing_is_an_error():
    with pytest.raises(TypeError):
        Pair()
