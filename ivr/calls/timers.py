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


class NamedTimers:
    """The timers of one call, by name."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._running: dict[str, TimerHandle] = {}

    def start(self, name: str, after_s: float, callback: Callable[[], None]) -> None:
        """Call back after so many seconds, unless it is cancelled before."""

        def fire() -> None:
            self._running.pop(name, None)
            callback()

        self._running[name] = self._timers.call_later(after_s, fire)

    def cancel(self, name: str) -> None:
        """Forget a timer, where it runs."""
        if timer := self._running.pop(name, None):
            timer.cancel()

    def cancel_all(self) -> None:
        """Forget those that run."""
        for timer in self._running.values():
            timer.cancel()
