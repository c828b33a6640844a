"""Durations and shares as people write them: a number with its unit."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from ivr.written import written

DURATION_PATTERN = r"^(\d+(\.\d+)?h)? ?(\d+(\.\d+)?m(?!s))? ?(\d+(\.\d+)?s)? ?(\d+(\.\d+)?ms)?$"
"""The form of a duration in a JSON Schema."""

_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


@written(
    {
        "type": "string",
        "pattern": DURATION_PATTERN,
        "minLength": 2,
        "examples": ["6s", "700ms", "1m30s"],
    }
)
def parse_duration_s(value: object) -> float:
    """Seconds of a duration with its unit: `6s`, `700ms`, `1m30s`, `2h`. Raises ValueError for anything else."""
    if isinstance(value, float):  # already parsed: a default, or a copy of a model
        return value
    match = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) and value.strip() else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write a number with its unit, such as 6s, 700ms or 1m30s")
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


Duration = Annotated[float, BeforeValidator(parse_duration_s)]
"""Seconds; written with a unit."""


@written({"type": "string", "pattern": r"^\d+(\.\d+)? ?%$", "examples": ["5%", "90%"]})
def parse_share(value: object) -> float:
    """A share from 0 to 1, written in per cent: `5%`. Raises ValueError for anything else."""
    if isinstance(value, float):  # already parsed: a default, or a copy of a model
        return value
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError(f"{value!r} is not a share; write 0% to 100%")
    return float(match[1]) / 100


Share = Annotated[float, BeforeValidator(parse_share)]
"""From 0 to 1; written in per cent."""
