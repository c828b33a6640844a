"""JSON Schema of a file with conversations (`*.test.yaml`). Pure."""

from __future__ import annotations

from typing import Any

from ivr.model_schema import Notes, schema_of
from ivr.rehearsal.acts import VERBS, Act
from ivr.rehearsal.model import ConversationFile


def conversations_schema(notes: Notes) -> dict[str, Any]:
    """The schema of a file with conversations."""
    schema = schema_of(ConversationFile, notes, tuple(VERBS.values()))
    schema["definitions"][Act.__name__] = _line()
    schema["required"] = ["tests"]
    return schema


def _line() -> dict[str, Any]:
    """A line of a call: one verb, with underscores or spaces."""
    lines = {verb: {"$ref": f"#/definitions/{kind.__name__}"} for verb, kind in VERBS.items()}
    spaced = {verb.replace("_", " "): line for verb, line in lines.items()}
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {**lines, **spaced},
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
            {"enum": ["hang_up", "hang up"]},
        ],
        "description": "What is heard, said, pressed or expected; one thing in each line.",
    }
