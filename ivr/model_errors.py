"""Operator's words for what pydantic refuses. Pure.

`problems_of` turns a ValidationError into problems with positions: what is wrong; what to do. Nothing of pydantic's own
vocabulary is ever shown.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ivr.errors import Problem
from ivr.yaml_source import DataPath, YamlSource

_NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
_LANGUAGE_PATTERN = r"^[a-z]{2}(-[A-Z]{2})?$"

_SHAPES = {
    "string": "text; put it in quotes",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "dict": "a group of `key: value` lines",
    "model": "a group of `key: value` lines",
    "list": "a list",
    "tuple": "a list",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}


def did_you_mean(word: str, known: Collection[str], *, limit: int = 12) -> str:
    """`did you mean 'x'?`, or the list of what is known, or an empty text where nothing is."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    if not known:
        return ""
    shown = list(known)[:limit]
    return "use one of: " + ", ".join(shown) + (", …" if len(known) > limit else "")


def nothing_written(name: str) -> str:
    """For a key without a value."""
    return f"nothing is written after '{name}'; write a value (text that begins with # goes in quotes)"


def problems_of(
    error: ValidationError, model: type[BaseModel], source: YamlSource, base: DataPath = (), *, step: str = ""
) -> list[Problem]:
    """Every error as a problem; `base` is where the model's data is in the file."""
    return [_problem(detail, model, source, base, step) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails, model: type[BaseModel], source: YamlSource, base: DataPath, step: str) -> Problem:
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    path = source_path(source, base, loc)
    message, rule = _explain(detail, model, path)
    at_key = detail["type"] == "extra_forbidden" or "[key]" in detail["loc"] or detail["input"] is None
    return source.problem(path, message, rule, at_key=at_key, step=step or owner_of(path))


def owner_of(path: DataPath) -> str:
    """What a message names as the place: the step or command that a path leads into, else its first key."""
    if len(path) > 1 and path[0] in ("steps", "commands"):
        return str(path[1])
    return str(path[0]) if path else ""


def source_path(source: YamlSource, base: DataPath, loc: tuple[int | str, ...]) -> DataPath:
    """The longest path of the file that `loc` spells; parts that only the model knows are stepped over."""
    path, written = base, source.positions.values
    if (whole := (*base, *loc)) in written:
        return whole
    for part in loc:
        if (*path, part) in written:
            path = (*path, part)
    return path


def _explain(detail: ErrorDetails, model: type[BaseModel], path: DataPath) -> tuple[str, str]:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return _unknown_key(detail, model), "unknown_key"
    if kind == "missing":
        return f"'{detail['loc'][-1]}' is missing; add it", "missing_key"
    if given is None:
        return nothing_written(name), "empty"
    if kind == "literal_error":
        return _not_allowed(name, given, str(context.get("expected", ""))), "not_allowed"
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"{given!r} does not fit '{name}'; write {words} {context[key]}", "out_of_range"
    if kind == "value_error":
        return str(context.get("error", detail["msg"])), "bad_value"
    if kind == "string_pattern_mismatch":
        return _pattern(name, given, str(context.get("pattern", ""))), "bad_value"
    shape = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float")
    expected = _SHAPES.get(shape)
    if expected:
        return f"{_shown(given)} does not fit '{name}'; write {expected}", "wrong_type"
    return f"{_shown(given)} does not fit '{name}'; see the reference of this key", "bad_value"


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "a group of keys"
        case list() | tuple():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= 40 else text[:37] + "…'"


def _not_allowed(name: str, given: object, expected: str) -> str:
    allowed = re.findall(r"'([^']*)'", expected)
    if expected == "True":
        return f"{_shown(given)} does not fit '{name}'; write true"
    if not allowed:
        return f"{_shown(given)} does not fit '{name}'; write {expected}"
    allowed = [word or '""' for word in allowed]
    near = difflib.get_close_matches(str(given), allowed, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near else ""
    return f"{_shown(given)} does not fit '{name}'; {hint or 'write one of: ' + ', '.join(allowed)}"


_EXAMPLES = {"currency": "EUR", "region": "DE", "scale": '"1..5"'}
"""Key with a pattern of its own to a value that fits it."""


def _pattern(name: str, given: object, pattern: str) -> str:
    if pattern == _NAME_PATTERN:
        return f"{given!r} is not a name; write lower case letters, digits and _, beginning with a letter"
    if pattern == _LANGUAGE_PATTERN:
        return f"{given!r} is not a language; write a tag such as en-US or de"
    if example := _EXAMPLES.get(name):
        return f"{given!r} does not fit '{name}'; write for example {example}"
    return f"{given!r} does not fit '{name}'; write something of the form {pattern}"


def _unknown_key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *parents, key = detail["loc"]
    allowed = allowed_keys(model, tuple(parents))
    return f"unknown key '{key}'; {did_you_mean(str(key), allowed, limit=40) or 'remove it'}"


def allowed_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at `loc` below a model."""
    models: tuple[type[BaseModel], ...] = (model,)
    for part in loc:
        fields = [field for each in models for name, field in each.model_fields.items() if part in (name, field.alias)]
        if fields:
            models = tuple(found for field in fields for found in models_in(field.annotation))
    names = (
        field.alias or name for each in models for name, field in each.model_fields.items() if field.init is not False
    )
    return list(dict.fromkeys(names))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)
