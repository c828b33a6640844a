"""`GET /metrics` for Prometheus, on a thread of its own: whatever comes in there, no call waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from ivr.errors import ConfigError
from ivr.measures.counters import Snapshot

CONNECTIONS_LIMIT: Final = 16
"""A further one is closed at once."""
REQUEST_LIMIT_S: Final = 5.0
"""From the connection to the last byte of the answer."""
HEAD_LIMIT: Final = 8192
"""Bytes of a request's head."""
FRESH_S: Final = 1.0
"""An answer is given again for so long, so that many questions cost no more than one."""
_CLOSE_LIMIT_S: Final = 3.0

log = structlog.get_logger(__name__)


class MetricsServer:
    """Answers from `start` to `close`."""

    def __init__(self, address: str, port: int, read: Callable[[], Snapshot]) -> None:
        """`read` gives the figures; it is called on the thread of this server."""
        self._address, self._read = (address, port), read
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._socket: socket.socket | None = None
        self._done = asyncio.Event()
        self._open = 0
        self._body, self._read_at_s = b"", float("-inf")

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1]) if self._socket else 0

    def start(self) -> None:
        """Begin to listen. Raises ConfigError."""
        try:
            self._socket = socket.create_server(
                self._address, family=socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET, backlog=16
            )
        except OSError as error:
            self._loop.close()
            raise ConfigError(
                f"metrics: cannot listen on {self._address[0]}:{self._address[1]} ({error.strerror or error}); "
                "set metrics.listen to another address or port"
            ) from error
        self._thread.start()

    def close(self) -> None:
        """Idempotent."""
        if self._thread.ident is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(_CLOSE_LIMIT_S)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._listen())
        except Exception:
            log.exception("metrics_ended")

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._serve, sock=self._socket, limit=HEAD_LIMIT)
        await self._done.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= CONNECTIONS_LIMIT:
            writer.transport.abort()
            return
        self._open += 1
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                writer.transport.set_write_buffer_limits(high=0)  # `drain` waits for all of it
                writer.write(await self._answer(reader))
                await writer.drain()
                writer.close()
        except (OSError, TimeoutError, EOFError):
            pass
        except Exception:
            log.exception("metrics_failed")
        finally:
            self._open -= 1
            if not writer.is_closing():
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response("431 Request Header Fields Too Large")
        match head.split(b"\r\n", 1)[0].split(b" "):
            case [b"GET" | b"HEAD" as method, path, version] if version.startswith(b"HTTP/1."):
                if path.split(b"?", 1)[0] != b"/metrics":
                    return _response("404 Not Found", b"see /metrics\n")
                return _response("200 OK", self._text(), has_body=method == b"GET")
            case [_, _, version] if version.startswith(b"HTTP/1."):
                return _response("405 Method Not Allowed", extra="Allow: GET, HEAD\r\n")
        return _response("400 Bad Request")

    def _text(self) -> bytes:
        now_s = time.monotonic()
        if now_s - self._read_at_s >= FRESH_S:
            from ivr.measures.exposition import as_text

            self._body, self._read_at_s = as_text(self._read()), now_s
        return self._body


def _response(status: str, body: bytes = b"", *, has_body: bool = True, extra: str = "") -> bytes:
    kind = "text/plain; version=0.0.4; charset=utf-8"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}"
    return f"{head}Connection: close\r\n\r\n".encode() + (body if has_body else b"")
