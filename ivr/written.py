"""How validators say what may be written where they stand, for the JSON Schema that editors check with. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Shape = dict[str, Any]
"""A JSON Schema."""

_F = TypeVar("_F", bound=Callable[..., Any])
_ATTRIBUTE = "written_as"


def written(shape: Shape | Callable[[Shape], Shape]) -> Callable[[_F], _F]:
    """Say how the values of a `before` validator are written: a JSON Schema, or a function that makes one.

    The function is given the schema of what the validator answers.
    """

    def mark(validator: _F) -> _F:
        setattr(validator, _ATTRIBUTE, shape if callable(shape) else lambda inner: dict(shape))
        return validator

    return mark


def shape_of(validator: Callable[..., Any]) -> Callable[[Shape], Shape] | None:
    """What `written` said about a validator."""
    return getattr(validator, _ATTRIBUTE, None)


def also(shape: Shape) -> Callable[[Shape], Shape]:
    """For `written`: this short form, beside what the model itself takes."""
    return lambda inner: {"anyOf": [shape, inner]}


def one_or_list(inner: Shape) -> Shape:
    """For `written`: one of the list's items without the list."""
    return {"anyOf": [inner["items"], inner]}
