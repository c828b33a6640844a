"""A small, real HTTP proxy: tunnels (CONNECT) and plain requests, with basic authentication where that is wanted."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit


@dataclass
class ProxyServer:
    """Notes whom it was asked for."""

    authorization: str = ""
    """`Basic …` that is wanted; empty for none."""
    refuses_with: str = ""
    """Status line in place of "200": `403 Forbidden`."""
    names: dict[str, str] = field(default_factory=dict)
    """Names that only the proxy knows, and their addresses."""
    asked_for: list[str] = field(default_factory=list)
    """`CONNECT 93.184.216.34:443`, `GET http://…`."""
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """For the settings."""
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._handle(reader, writer)
        finally:
            await _close(writer)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, _, rest = head.partition("\r\n")
        method, target, _ = first.split(" ", 2)
        self.asked_for.append(f"{method} {target}")
        if self.authorization and f"Proxy-Authorization: {self.authorization}\r\n" not in rest:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif self.refuses_with:
            writer.write(f"HTTP/1.1 {self.refuses_with}\r\nContent-Length: 0\r\n\r\n".encode())
        elif method == "CONNECT":
            host, _, port = target.rpartition(":")
            await self._pass_on(host, int(port), reader, writer, b"", b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            url = urlsplit(target)
            request = f"{method} {url.path}{'?' if url.query else ''}{url.query} HTTP/1.1\r\n{rest}".encode("latin-1")
            await self._pass_on(str(url.hostname), url.port or 80, reader, writer, request, b"")

    async def _pass_on(
        self,
        host: str,
        port: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        forth: bytes,
        back: bytes,
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(self.names.get(host, host.strip("[]")), port)
        try:
            writer.write(back)
            far_writer.write(forth)
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            await _close(far_writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
