"""JSON Schema of what operators write, out of the models that read it. Pure.

Models say by their validators which short forms they take, and a validator is code; so it says with `@written` what may
stand where it is. What does not say it is left open in the schema: an editor must never mark what the bot accepts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from ivr.flow.marks import Mark, marks_of
from ivr.model_errors import models_in
from ivr.units import DURATION_PATTERN
from ivr.written import shape_of

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What editors know best."""

Notes = Callable[[type[BaseModel]], Mapping[str, str]]
"""A model to what its source says about each field."""

_HINTS = {Mark.TARGET: "A step of this flow, or `hang_up`, `repeat`, `back`."}
"""What an editor says about a field by its mark."""


def schema_of(model: type[BaseModel], notes: Notes, further: Sequence[type[BaseModel]] = ()) -> dict[str, Any]:
    """The schema of a model; `definitions` holds those of the models in it, and of `further` ones, by class name."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(each, "validation") for each in (model, *further)]
    _, found = models_json_schema(wanted, ref_template="#/definitions/{model}", schema_generator=_Generator)
    definitions: dict[str, Any] = found["$defs"]
    for each in _models_below(wanted):
        if each.__name__ in definitions:
            _describe(definitions[each.__name__], each, notes(each))
    definitions = {name: _clean(definition) for name, definition in definitions.items()}
    whole = definitions.pop(model.__name__)
    return {"$schema": DIALECT, "title": (model.__doc__ or "").split("\n")[0], **whole, "definitions": definitions}


class _Generator(GenerateJsonSchema):
    """Asks validators how what they take is written."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """The shape that the validator tells; what the model takes, and anything else, where it tells none."""
        inner = self.generate_inner(schema["schema"])
        shape = shape_of(schema["function"]["function"])
        return {"anyOf": [inner, {}]} if shape is None else shape(deepcopy(inner))


def _models_below(wanted: Sequence[tuple[type[BaseModel], JsonSchemaMode]]) -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = {}
    waiting = [model for model, _ in wanted]
    while waiting:
        model = waiting.pop()
        if model not in found:
            found[model] = None
            waiting += [each for field in model.model_fields.values() for each in models_in(field.annotation)]
    return list(found)


def _describe(definition: dict[str, Any], model: type[BaseModel], notes: Mapping[str, str]) -> None:
    """What the source says about each field, and what its mark means; fields that nobody writes are taken out."""
    properties = _properties(definition)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key not in properties:
            continue
        if field.init is False:
            del properties[key]
            continue
        hints = [_HINTS[mark] for mark in marks_of(field) if mark in _HINTS]
        said = " ".join(filter(None, [notes.get(name, ""), *hints]))
        if said:
            properties[key]["description"] = said


def _properties(definition: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = definition.get("properties", {})
    return own or next((_properties(each) for each in definition.get("anyOf", ()) if "properties" in each), {})


def _clean(schema: Any) -> Any:
    """Without what says nothing to an editor: titles made of names, null (no key stands empty), long defaults."""
    if isinstance(schema, list):
        return [_clean(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned = {
        key: {name: _clean(part) for name, part in value.items()} if key in ("properties", "patternProperties")
        else _clean(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and not _is_plain(value))
    }  # fmt: skip
    return _in_own_words(_without_null(cleaned))


def _is_plain(default: object) -> bool:
    return isinstance(default, bool | int | float) or (isinstance(default, str | list) and bool(default))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf")
    if not choices or {"type": "null"} not in choices:
        return schema
    kept = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {"anyOf": kept, **rest}


def _in_own_words(schema: dict[str, Any]) -> dict[str, Any]:
    """Keys that have a form allow no others; a default duration has its unit; Markdown for editors that show it."""
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    elif "anyOf" in schema:
        schema.pop("additionalProperties", None)  # it is that of each branch
    if schema.get("pattern") == DURATION_PATTERN and isinstance(schema.get("default"), float):
        schema["default"] = f"{schema['default']:g}s"
    if isinstance(schema.get("description"), str):
        schema["description"] = re.sub(r"\s*\n\s*", " ", schema["description"]).strip()
    return schema
