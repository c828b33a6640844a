"""What a caller hears who waits: goes on after every prompt where the prompt interrupted it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ivr.ports import Clock, LegId, Telephony

PLAY_ID: Final = "hold"


class HoldSound:
    """The hold sound of one leg; none before `start`."""

    def __init__(self, telephony: Telephony, clock: Clock, leg_id: LegId) -> None:
        self._telephony, self._clock, self._leg_id = telephony, clock, leg_id
        self._files: Sequence[Path] = ()
        self._heard_s = 0.0
        """How much of it was heard before it was interrupted."""
        self._since_s: float | None = None
        """When it began, or went on; None while it is not heard."""

    def start(self, files: Sequence[Path]) -> None:
        """Have something to play; `resume` plays it."""
        self._files, self._heard_s, self._since_s = files, 0.0, None

    def resume(self) -> bool:
        """Play it, unless it plays. False where there is none."""
        if self._files and self._since_s is None:
            self._since_s = self._clock.monotonic_s()
            self._telephony.play(self._leg_id, PLAY_ID, self._files, loop=True, from_s=self._heard_s)
        return bool(self._files)

    def pause(self) -> None:
        """Something else is played instead."""
        if self._since_s is not None:
            self._heard_s += self._clock.monotonic_s() - self._since_s
            self._since_s = None

    def stop(self) -> bool:
        """It is not wanted any more; whether it was heard until now."""
        was_heard = self._since_s is not None
        self._files, self._since_s = (), None
        return was_heard
