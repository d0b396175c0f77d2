"""Records behave as frozen data classes do."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace

import pytest

from verify.base.record import record


@record
class Pair:
    """A record with a default."""

    left: int
    right: str = "r"


@dataclass(frozen=True, slots=True)
class Model:
    """What it is to be like."""

    left: int
    right: str = "r"


@record
class Placed:
    """A record with a field that does not count."""

    what: int
    where: int = field(default=0, compare=False)


@record
class Single:
    """A record with one field."""

    only: int


@record
class Empty:
    """A record without fields."""


def test_they_are_data_classes_with_slots():
    assert is_dataclass(Pair)
    assert [f.name for f in fields(Pair)] == ["left", "right"]
    assert not hasattr(Pair(1), "__dict__")
    assert Pair.__doc__ == "A record with a default."
    assert replace(Pair(1), right="x") == Pair(1, "x")


def test_they_are_compared_hashed_and_shown_by_their_fields():
    assert Pair(1) == Pair(left=1, right="r") != Pair(2)
    assert Pair(1) != Model(1)
    assert Pair(1) != (1, "r")
    assert Single(1) != 1
    assert Empty() == Empty() != Single(1)
    assert len({Pair(1), Pair(1), Pair(2), Single(1), Single(1), Empty(), Empty()}) == 4
    assert repr(Pair(1)) == repr(Model(1)).replace("Model", "Pair")


def test_what_does_not_count_is_kept_shown_and_sent():
    assert Placed(1, 2) == Placed(1, 3) != Placed(2, 2)
    assert hash(Placed(1, 2)) == hash(Placed(1, 3))
    assert repr(Placed(1, 2)) == "Placed(what=1, where=2)"
    assert pickle.loads(pickle.dumps(Placed(1, 2))).where == 2  # noqa: S301 - our own


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
