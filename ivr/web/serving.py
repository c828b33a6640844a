"""Serves the pages on a socket that is listening already; ends when nobody has looked for a while."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from ivr.web.desk import Desk

REST_AFTER_S: Final = 60.0
"""Without a connection."""
LOOK_EVERY_S: Final = 1.0
CONNECTIONS_LIMIT: Final = 200
"""What comes beyond them gets 503."""
END_LIMIT_S: Final = 1
LOCAL_PROXY: Final = "127.0.0.1,::1"
"""Whose word about where a browser is counts, where the settings name a proxy."""


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None is taken."""
        yield


async def serve(app: ASGIApp, desk: Desk, listener: socket.socket, stop: asyncio.Event) -> None:
    """Until told to stop, or until it rests."""
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # a browser that sends nonsense is no event
    server = _Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(desk.settings.public_url or any(each.public_url for each in desk.rooms.values())),
            forwarded_allow_ips=LOCAL_PROXY,
            limit_concurrency=CONNECTIONS_LIMIT,
            timeout_graceful_shutdown=END_LIMIT_S,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await _until_rest(server, desk, stop, serving)
    server.should_exit = True
    await serving


async def _until_rest(server: uvicorn.Server, desk: Desk, stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    idle_since_s = time.monotonic()
    while not stop.is_set() and not serving.done():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
        now_s = time.monotonic()
        if server.server_state.connections or not desk.limit.is_empty(now_s):  # failed logins count on
            idle_since_s = now_s
        if now_s - idle_since_s > REST_AFTER_S:
            return
