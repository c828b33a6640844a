"""The legs of the bot under test, shared out among conversations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Legs:
    """So many calls at once, no more; who came first is served first."""

    def __init__(self, count: int) -> None:
        self._count = self._free = max(count, 1)
        self._changed = asyncio.Condition()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def taken(self, count: int) -> AsyncIterator[None]:
        """Wait for that many (at most all there are), and keep them."""
        wanted = min(count, self._count)
        async with self._turn, self._changed:
            await self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            async with self._changed:
                self._free += wanted
                self._changed.notify_all()
