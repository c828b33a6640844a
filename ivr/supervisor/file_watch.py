"""Looks at the flows on behalf of all workers: fifty of them looking would cost a tenth of a core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ivr.config import Settings
from ivr.publishing.watch import Signature, look
from ivr.publishing.worker_state import WORKERS

REST_S: Final = 30.0
"""Between two looks at nothing: `look_every: 0s`."""


async def watch(settings: Callable[[], Settings], changed: Callable[[], None]) -> None:
    """Tell of every change of flows, recordings and published versions, until cancelled."""
    seen = await asyncio.to_thread(_look, settings())
    while True:
        every_s = settings().publishing.look_every
        await asyncio.sleep(every_s or REST_S)
        now = await asyncio.to_thread(_look, settings()) if every_s else seen
        if now != seen:  # workers wait until the files are whole
            seen = now
            changed()


def _look(settings: Settings) -> Signature:
    folders = [Path(settings.flows), Path(settings.sounds)]
    if settings.publishing.publish == "manual":
        folders.append(Path(settings.publishing.versions_dir))
    found = look(folders)
    return {name: each for name, each in found.items() if f"{os.sep}{WORKERS}{os.sep}" not in name}
