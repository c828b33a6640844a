"""What a model's confidence is worth: its own figure made into the share of utterances that are right.

A model's figure orders utterances well and says little by itself. A model folder may hold `confidence.json`, points of
a line by parts that was fitted to utterances of known words; without that file the figure stays as it is.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from ivr.errors import ModelMissing

FILE: Final = "confidence.json"


@dataclass(frozen=True, slots=True)
class ConfidenceMap:
    """A line that never falls, from the model's figure to the share that is right, both 0.0 to 1.0."""

    points: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))

    def __post_init__(self) -> None:
        """Raises ValueError unless it goes from (0, 0) to the right edge, and never back or down."""
        raw, right = zip(*self.points, strict=True)
        is_rising = all(a < b for a, b in pairwise(raw)) and all(a <= b for a, b in pairwise(right))
        is_whole = self.points[0] == (0.0, 0.0) and raw[-1] == 1.0 and right[-1] <= 1.0
        if not is_rising or not is_whole or not all(map(math.isfinite, (*raw, *right))):
            raise ValueError("the points must begin with [0, 0], end at 1, and rise")

    def __call__(self, raw: float) -> float:
        """The share of utterances with this figure that are right."""
        figures, shares = zip(*self.points, strict=True)
        return round(float(np.interp(raw, figures, shares)), 4)


IDENTITY: Final = ConfidenceMap()


def confidence_map(model: Path) -> ConfidenceMap:
    """The map of a model folder. Raises ModelMissing for a file that cannot be used."""
    path = model / FILE
    if not path.is_file():
        return IDENTITY
    try:
        points = json.loads(path.read_text(encoding="utf-8"))["points"]
        return ConfidenceMap(tuple((float(raw), float(right)) for raw, right in points))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelMissing(
            f"speech model {model}: {FILE} cannot be used ({error}); restore the file, or delete it: then the model's "
            f"own confidence counts"
        ) from error
