"""What marks of a text (`rate`, `emphasis`) come to in figures that every engine can make something of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ivr.flow.segments import Emphasis, Rate, Speech


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is spoken, beside the usual."""

    rate: float = 1.0
    pitch: float = 1.0
    gain_db: float = 0.0
    """Given by the prompt store, so it is heard with every engine."""


_RATES: Mapping[Rate | None, float] = {None: 1.0, "x-slow": 0.6, "slow": 0.8, "fast": 1.25, "x-fast": 1.5}
_EMPHASES: Mapping[Emphasis | None, Manner] = {
    None: Manner(),
    "reduced": Manner(1.1, 0.95, -3.0),
    "moderate": Manner(0.92, 1.1, 2.0),
    "strong": Manner(0.85, 1.2, 4.0),
}


def manner_of(speech: Speech) -> Manner:
    """How the text is to be spoken."""
    emphasis = _EMPHASES[speech.emphasis]
    return Manner(_RATES[speech.rate] * emphasis.rate, emphasis.pitch, emphasis.gain_db)
