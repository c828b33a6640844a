"""Wait for something that another task, thread or process brings about: look again and again, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

LIMIT_S = 20.0
POLL_S = 0.005


def wait_until(
    is_true: Callable[[], bool],
    what: str,
    limit_s: float = LIMIT_S,
    *,
    shown: Callable[[], object] = str,
    every_s: float = POLL_S,
) -> None:
    """Block until it is so; a failure says `what` should have come, and what `shown` returns then."""
    for _ in _looks(is_true, what, limit_s, shown):
        time.sleep(every_s)


async def until(
    is_true: Callable[[], bool],
    what: str,
    limit_s: float = LIMIT_S,
    *,
    shown: Callable[[], object] = str,
    every_s: float = POLL_S,
) -> None:
    """The same for a coroutine: the loop goes on meanwhile."""
    for _ in _looks(is_true, what, limit_s, shown):
        await asyncio.sleep(every_s)


def _looks(is_true: Callable[[], bool], what: str, limit_s: float, shown: Callable[[], object]) -> Iterator[None]:
    give_up_s = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < give_up_s, f"not within {limit_s:g} s: {what}\n{shown()}"
        yield
