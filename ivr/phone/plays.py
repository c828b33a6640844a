"""What one call plays: every play can be waited for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

from ivr.ports import LegId, Telephony


class Plays:
    """Begins plays and knows which are not over yet."""

    def __init__(self, telephony: Telephony) -> None:
        self._telephony = telephony
        self._running: dict[str, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)

    async def play(self, leg_id: LegId, files: Sequence[Path]) -> None:
        """Play files one after the other; returns when that is over, whatever ended it."""
        play_id = f"play-{next(self._numbers)}"
        over = self._running[play_id] = asyncio.get_running_loop().create_future()
        self._telephony.play(leg_id, play_id, list(files))
        await over

    def over(self, play_id: str) -> None:
        """The telephony says that one is over."""
        over = self._running.pop(play_id, None)
        if over is not None and not over.done():
            over.set_result(None)

    def all_over(self) -> None:
        """Nothing is played any more."""
        for play_id in list(self._running):
            self.over(play_id)
