"""Time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, handed in so that tests own it."""

    def monotonic_s(self) -> float:
        """Seconds that never jump."""

    def now(self) -> datetime:
        """UTC-aware wall clock."""
