"""Durations as people write them: a number with its unit."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from ivr.written import written

DURATION_PATTERN = r"^(\d+(\.\d+)?h)? ?(\d+(\.\d+)?m(?!s))? ?(\d+(\.\d+)?s)? ?(\d+(\.\d+)?ms)?$"
"""The form of a duration in a JSON Schema."""

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
