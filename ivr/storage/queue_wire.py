"""Acts of queues as JSON values, between a worker and the process that has the database. Needs no database library.

What goes over is what `ivr.ports.queues.CallQueues` says of arguments and results: both ends read it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from ivr.acd.queue import Queues
from ivr.config_queues import QueueSettings
from ivr.ports.queues import CallQueues

_SETTINGS: TypeAdapter[dict[str, QueueSettings]] = TypeAdapter(dict[str, QueueSettings])


def encode_arguments(act: str, arguments: Mapping[str, object]) -> dict[str, Any]:
    """Plain values of an act's arguments."""
    return {name: _types(act)[name].dump_python(value, mode="json") for name, value in arguments.items()}


def decode_arguments(act: str, plain: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments again. Raises KeyError for an act that there is not, ValueError."""
    return {name: _types(act)[name].validate_python(value) for name, value in plain.items()}


def encode_result(act: str, result: object) -> Any:
    """Plain value of what an act returned."""
    return _types(act)["return"].dump_python(result, mode="json")


def decode_result(act: str, plain: Any) -> Any:
    """What the act returned. Raises ValueError."""
    return _types(act)["return"].validate_python(plain)


def encode_settings(queues: Queues) -> dict[str, Any]:
    """Only what is not the default, durations as plain seconds."""
    plain: dict[str, Any] = _SETTINGS.dump_python(dict(queues), mode="json", exclude_defaults=True)
    return plain


def decode_settings(plain: Mapping[str, Any]) -> Queues:
    """The settings again."""
    return _SETTINGS.validate_python(plain)


@cache
def _types(act: str) -> dict[str, TypeAdapter[Any]]:
    """Of every argument of an act, and of its result as `return`."""
    if act.startswith("_") or act not in vars(CallQueues):
        raise KeyError(act)
    return {name: TypeAdapter(hint) for name, hint in get_type_hints(vars(CallQueues)[act]).items()}
