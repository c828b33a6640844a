"""Wait for something that another task or thread brings about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_S = 0.005


async def poll(look: Callable[[], T | None], timeout_s: float, what: Callable[[], str]) -> T:
    """Look every 5 ms until there is a result. Raises TimeoutError with `what()`, which says what is missing."""
    deadline_s = time.monotonic() + timeout_s
    while (found := look()) is None:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what()} (waited {timeout_s} s)")
        await asyncio.sleep(POLL_S)
    return found
