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
    APART = "apart"
    """A part that becomes steps of its own (see `StepKind.pieces`): found in those, not here."""


Target = Annotated[str, Mark.TARGET]
Template = Annotated[str, Mark.TEMPLATE]
TemplateValue = Annotated[Any, Mark.TEMPLATE]
"""A value of any kind; text in it is a template."""
Condition = Annotated[str, Mark.CONDITION]


def find(model: BaseModel, mark: Mark, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Every text below `model` that bears the mark, with its path in the terms of the file."""
    for name, key, is_marked in _ways_to_mark(type(model), mark):
        value = getattr(model, name)
        if value:
            yield from _find(value, mark, is_marked, (*path, key))


def _find(value: object, mark: Mark, is_marked: bool, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    if isinstance(value, str):
        if is_marked:
            yield path, value
    elif isinstance(value, BaseModel):
        yield from find(value, mark, path)
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
    if isinstance(value, BaseModel):
        for name, key in _ways_to_model(type(value), kind):
            yield from find_models(getattr(value, name), kind, (*path, key))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from find_models(item, kind, (*path, key))
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from find_models(item, kind, (*path, index))


@cache
def _ways_to_mark(model: type[BaseModel], mark: Mark) -> tuple[tuple[str, str, bool], ...]:
    """Attribute, key in the file and whether it bears the mark, of each field in or below which the mark can be."""
    return tuple(
        (name, key, mark in marks)
        for name, key, marks, models in _fields(model)
        if mark in marks or any(mark in _marks_below(each) for each in models)
    )


@cache
def _ways_to_model(model: type[BaseModel], kind: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Attribute and key in the file of each field in or below which a model of the kind can be."""
    return tuple(
        (name, key)
        for name, key, _, models in _fields(model)
        if any(_is_open(below) or issubclass(below, kind) for each in models for below in _models_below(each))
    )


@cache
def _marks_below(model: type[BaseModel]) -> frozenset[Mark]:
    found = _models_below(model)
    if any(_is_open(each) for each in found):
        return frozenset(Mark)
    return frozenset(mark for each in found for _, _, marks, _ in _fields(each) for mark in marks)


@cache
def _models_below(model: type[BaseModel]) -> frozenset[type[BaseModel]]:
    """The model, and every model that can be inside."""
    found: set[type[BaseModel]] = set()
    waiting = [model]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += [inner for _, _, _, models in _fields(each) for inner in models]
    return frozenset(found)


def _is_open(model: type[BaseModel]) -> bool:
    """Whether anything may stand for it: steps of kinds that are not known here."""
    return bool(model.__subclasses__())


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, frozenset[Mark], tuple[type[BaseModel], ...]], ...]:
    """Attribute, key in the file, marks, and the models that may be inside, of each field that is not kept apart."""
    found = []
    for name, field in model.model_fields.items():
        marks = marks_of(field)
        if Mark.APART not in marks:
            found.append((name, field.alias or name, marks, tuple(_models_in(field.annotation))))
    return tuple(found)


def marks_of(field: FieldInfo) -> frozenset[Mark]:
    """The marks that a field of a model bears itself."""
    return _marks((field.metadata, field.annotation))


def _marks(annotation: Any) -> frozenset[Mark]:
    if isinstance(annotation, Mark):
        return frozenset({annotation})
    parts = annotation if isinstance(annotation, list | tuple) else get_args(annotation)
    return frozenset(mark for part in parts for mark in _marks(part))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
