"""Timers as the application uses them: asyncio's loop fits, and so does the manual clock of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """A running timer."""

    def cancel(self) -> None:
        """Forget it."""


class Timers(Protocol):
    """Calls back later, on the loop's thread."""

    def call_later(self, after_s: float, callback: Callable[[], None], /) -> TimerHandle:
        """Call back after so many seconds."""
