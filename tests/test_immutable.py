"""Values that are compared by what they hold."""

from __future__ import annotations

import pickle
from dataclasses import field, replace

import pytest

from ivr.immutable import immutable

pytestmark = pytest.mark.unit


@immutable
class Place:
    """A value."""

    name: str
    words: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    remark: str = field(default="", compare=False)


@immutable
class Nothing:
    """A value without fields."""


@immutable
class Told(Place):
    """One with more."""

    by: str = ""

    def __repr__(self) -> str:
        return "told"


def test_two_values_that_hold_the_same_are_equal_and_found_by_each_other() -> None:
    one, other = Place("here", ("a",), remark="x"), Place("here", ("a",), remark="y")
    assert one == other and {one: 1}[other] == 1
    assert one != replace(one, name="there")
    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing())


def test_values_of_different_kinds_are_different() -> None:
    values: list[object] = [Place("here"), Told("here"), Nothing(), "here"]
    assert [values.index(value) for value in values] == [0, 1, 2, 3]


def test_a_value_shows_what_it_holds_but_for_what_is_hidden() -> None:
    assert repr(Place("here", secret="4711")) == "Place(name='here', words=(), remark='')"
    assert repr(Told("here", by="Ann")) == "told"


def test_a_value_has_no_other_fields() -> None:
    with pytest.raises(AttributeError):
        setattr(Place("here"), "place", 1)  # noqa: B010


def test_a_value_survives_a_pipe() -> None:
    assert pickle.loads(pickle.dumps(Told("here", by="Ann"))) == Told("here", by="Ann")
