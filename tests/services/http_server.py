"""A real HTTP server that misbehaves in every way that a test asks for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

LIMIT_S = 20.0


@dataclass(frozen=True)
class Received:
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Behave = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def answer(
    status: int = 200, body: bytes | object = b"", headers: Mapping[str, str] | None = None, *, after_s: float = 0.0
) -> Behave:
    """A plain answer; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after_s)
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
        lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await writer.drain()

    return behave


async def drips(request: Received, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever: no single wait is long."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"1")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drips_headers(request: Received, writer: asyncio.StreamWriter) -> None:
    """The same before the answer has even begun."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000:
        if writer.is_closing():
            return
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def floods(request: Received, writer: asyncio.StreamWriter) -> None:
    """Megabytes without a length."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()


async def closes(request: Received, writer: asyncio.StreamWriter) -> None:
    """No answer at all."""
    writer.close()


async def breaks_off(request: Received, writer: asyncio.StreamWriter) -> None:
    """Half an answer."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
    writer.close()


async def talks_nonsense(request: Received, writer: asyncio.StreamWriter) -> None:
    """Not HTTP."""
    writer.write(b"220 mail.example.com ESMTP\r\n")
    writer.close()


async def is_silent(request: Received, writer: asyncio.StreamWriter) -> None:
    """Says nothing, and notices when the other side leaves."""
    await asyncio.sleep(LIMIT_S)


@dataclass
class HttpServer:
    """Behaves by path; each path may have several behaviours, one after the other, of which the last repeats."""

    paths: dict[str, list[Behave]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    received: list[Received] = field(default_factory=list)
    closed_early: int = 0
    """Connections that the other side closed while an answer was on its way."""
    port: int = 0
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def on(self, path: str, *behaviours: Behave) -> Self:
        """What happens at a path."""
        self.paths[path] = list(behaviours)
        return self

    def url(self, path: str = "/", host: str | None = None) -> str:
        """Address of a path."""
        return f"http{'s' if self.tls else ''}://{host or self.host}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while (request := await _read(reader)) is not None and not writer.is_closing():
                self.received.append(request)
                await self._behave(request, reader, writer)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _behave(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behaviours = self.paths.get(request.target.partition("?")[0], [answer(404)])
        behave = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        working = asyncio.ensure_future(behave(request, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        self.closed_early += leaving.done() and not working.done()
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, target, headers, body)
