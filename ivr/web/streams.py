"""Pages that change by themselves: server-sent events (HTML Standard §9.2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from fastapi import HTTPException, Request
from fastapi.responses import Response, StreamingResponse

from ivr.web.desk import Desk, token_hash

EVERY_S: Final = 2.0
SESSION_EVERY_S: Final = 30.0
"""How often it is looked whether the viewer is still logged in."""
STREAMS_LIMIT: Final = 500
"""Open pages. Each costs half a millisecond of a processor a second; what they show is read once for all."""

_open: set[object] = set()


def stream(request: Request, desk: Desk, part: Callable[[], Awaitable[str]], every_s: float | None = None) -> Response:
    """A part of the page, whenever it is not what it was before; 503 where too many look."""
    if len(_open) >= STREAMS_LIMIT:
        raise HTTPException(503)
    headers = {"X-Accel-Buffering": "no"}  # nginx would keep events back
    events = _events(request, desk, part, EVERY_S if every_s is None else every_s)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(
    request: Request, desk: Desk, part: Callable[[], Awaitable[str]], every_s: float
) -> AsyncIterator[str]:
    token, looked_at_s, before = token_hash(request.state.viewer.token), time.monotonic(), ""
    mine = object()
    _open.add(mine)
    try:
        while True:
            if time.monotonic() - looked_at_s > SESSION_EVERY_S:
                looked_at_s = time.monotonic()
                if await asyncio.to_thread(desk.people.user_of_session, token, desk.now()) is None:
                    yield event("over", "-")
                    return
            now = await part()
            yield event("figures", now) if now != before else ": alive\n\n"
            before = now
            await asyncio.sleep(every_s)
    finally:
        _open.discard(mine)


def event(name: str, data: str) -> str:
    """One event as it is sent."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n"
