"""JSON Schema of a flow: one branch for each kind of step. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ivr.flow.model import Flow, Step
from ivr.flow.steps.registry import STEP_KINDS
from ivr.model_schema import Notes, schema_of

STEP = "Step"


def flow_schema(notes: Notes) -> dict[str, Any]:
    """The schema of a flow file."""
    schema = schema_of(Flow, notes, tuple(STEP_KINDS.values()))
    schema["definitions"][STEP] = _step(schema["definitions"], STEP_KINDS.items())
    schema["properties"]["start"]["description"] = "The first step."
    schema["properties"]["steps"] |= {"minProperties": 1, "description": "Its steps, by name."}
    return schema


def _step(definitions: dict[str, Any], kinds: Iterable[tuple[str, type[Step]]]) -> dict[str, Any]:
    """A step is what its action key says: with that key, an editor offers its exits, and refuses every other key."""
    known = dict(kinds)
    return {
        "type": "object",
        "description": f"One thing that a call does; exactly one of: {', '.join(known)}.",
        "properties": {action: {"description": _summary(kind)} for action, kind in known.items()},
        "oneOf": [{"required": [action]} for action in known],
        "allOf": [
            {"if": {"required": [action]}, "then": {"$ref": f"#/definitions/{kind.__name__}"}}
            for action, kind in known.items()
        ],
    }


def _summary(kind: type[Step]) -> str:
    return (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
