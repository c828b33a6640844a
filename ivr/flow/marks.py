"""Marks on the fields of models: what a text of a flow is, so that every step's exits, templates and prompts are found.

A step says what its keys hold by the types of its fields (`Target`, `Template` …); the check, the graph and the prompts
that are rendered beforehand walk models with `find` and need to know no kind of step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

DataPath = tuple[str | int, ...]
_M = TypeVar("_M", bound=BaseModel)


class Mark(Enum):
    """What a text stands for."""

    TARGET = "target"
    """The step that follows: an exit."""
    TEMPLATE = "template"
    """Text (or any value that may be text) with `{{ … }}` in it."""
    CONDITION = "condition"
    """An expression."""
    INTO = "into"
    """The variable that takes a value by this step's `next`."""


Target = Annotated[str, Mark.TARGET]
Template = Annotated[str, Mark.TEMPLATE]
TemplateValue = Annotated[Any, Mark.TEMPLATE]
"""A value of any kind; text in it is a template."""
Condition = Annotated[str, Mark.CONDITION]


def find(model: BaseModel, mark: Mark, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Every text below `model` that bears the mark, with its path in the terms of the file."""
    for name, key, marks, holds_models in _fields(type(model)):
        value = getattr(model, name)
        if value is not None and (holds_models or mark in marks):
            yield from _find(value, mark, mark in marks, (*path, key))


def _find(value: object, mark: Mark, is_marked: bool, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    if isinstance(value, BaseModel):
        yield from find(value, mark, path)
    elif isinstance(value, str):
        if is_marked:
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _find(item, mark, is_marked, (*path, key))
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _find(item, mark, is_marked, (*path, index))


def find_models(value: object, kind: type[_M], path: DataPath = ()) -> Iterator[tuple[DataPath, _M]]:
    """Every model of a kind below `value`, with its path in the terms of the file."""
    if isinstance(value, kind):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, key, _, holds_models in _fields(type(value)):
            if holds_models:
                yield from find_models(getattr(value, name), kind, (*path, key))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from find_models(item, kind, (*path, key))
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from find_models(item, kind, (*path, index))


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, frozenset[Mark], bool], ...]:
    """Attribute, key in the file, marks, and whether there can be a model inside, of each field."""
    return tuple(
        (name, field.alias or name, marks_of(field), _holds_models(field.annotation))
        for name, field in model.model_fields.items()
    )


def marks_of(field: FieldInfo) -> frozenset[Mark]:
    """The marks that a field of a model bears itself."""
    return _marks((field.metadata, field.annotation))


def _marks(annotation: Any) -> frozenset[Mark]:
    if isinstance(annotation, Mark):
        return frozenset({annotation})
    parts = annotation if isinstance(annotation, list | tuple) else get_args(annotation)
    return frozenset(mark for part in parts for mark in _marks(part))


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_holds_models(part) for part in get_args(annotation))
