"""JSON Schema of `ivr.yaml`: that of the settings, with `${NAME}` wherever a value may come from the environment."""

from __future__ import annotations

from typing import Any

from ivr.config import Settings
from ivr.model_schema import Notes, schema_of

_REFERENCE = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$", "description": "From the environment."}
_SCALARS = ("integer", "number", "boolean")


def settings_schema(notes: Notes) -> dict[str, Any]:
    """The schema of a settings file."""
    schema = schema_of(Settings, notes)
    for part in (schema, *schema["definitions"].values()):
        properties = part.get("properties", {})
        for key, value in properties.items():
            properties[key] = _or_reference(value)
    return schema


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    is_closed = schema.get("type") in _SCALARS or "enum" in schema or "pattern" in schema
    if schema.get("format") == "password":
        return {**_REFERENCE, **{key: schema[key] for key in ("description",) if key in schema}}
    if not is_closed:
        return schema
    outer: dict[str, Any] = {key: schema.pop(key) for key in ("description", "default") if key in schema}
    return {"anyOf": [schema, _REFERENCE], **outer}
