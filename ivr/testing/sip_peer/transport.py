"""Signalling sockets: UDP, or TCP with its framing (RFC 3261 §18.3). Bytes in, bytes out; knows nothing of calls."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Protocol, cast

Address = tuple[str, int]
OnData = Callable[[bytes, Address], None]
_CONTENT_LENGTH = re.compile(rb"(?:^|\r\n)(?:content-length|l)\s*:\s*(\d+)", re.IGNORECASE)


class SignallingTransport(Protocol):
    """What the peer needs of a socket."""

    name: str
    """UDP or TCP, as in Via."""
    is_reliable: bool
    local: Address

    def send(self, data: bytes, to: Address) -> None:
        """Send, opening a connection where there is none. Never raises because of the other side."""

    async def close(self) -> None:
        """Close every socket."""


class _UdpProtocol(asyncio.DatagramProtocol):
    def __init__(self, on_data: OnData, closed: asyncio.Event) -> None:
        self._on_data, self._closed = on_data, closed

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._on_data(data, cast(Address, addr[:2]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()


class UdpTransport:
    """One datagram socket."""

    name = "UDP"
    is_reliable = False

    def __init__(self, transport: asyncio.DatagramTransport, closed: asyncio.Event) -> None:
        self._transport, self._closed = transport, closed
        self.local: Address = transport.get_extra_info("sockname")[:2]

    @classmethod
    async def open(cls, host: str, port: int, on_data: OnData) -> UdpTransport:
        """Bind. Raises OSError."""
        closed = asyncio.Event()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _UdpProtocol(on_data, closed), local_addr=(host, port)
        )
        return cls(transport, closed)

    def send(self, data: bytes, to: Address) -> None:
        """One datagram."""
        if not self._transport.is_closing():
            self._transport.sendto(data, to)

    async def close(self) -> None:
        """Close the socket."""
        self._transport.close()
        await self._closed.wait()


def take_message(buffer: bytearray) -> bytes | None:
    """Cut the first whole message from a stream's buffer; keep-alive line ends are dropped. None until there is one."""
    while buffer[:2] == b"\r\n":
        del buffer[:2]
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    match = _CONTENT_LENGTH.search(bytes(buffer[:end]))
    size = end + 4 + (int(match[1]) if match else 0)
    if len(buffer) < size:
        return None
    message = bytes(buffer[:size])
    del buffer[:size]
    return message


class TcpTransport:
    """A listening socket and the connections to and from it, each named by its far end."""

    name = "TCP"
    is_reliable = True

    def __init__(self, on_data: OnData) -> None:
        self._on_data = on_data
        self._writers: dict[Address, asyncio.StreamWriter] = {}
        self._waiting: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.local: Address = ("", 0)

    @classmethod
    async def open(cls, host: str, port: int, on_data: OnData) -> TcpTransport:
        """Listen. Raises OSError."""
        self = cls(on_data)
        self._server = await asyncio.start_server(self._accepted, host, port)
        self.local = self._server.sockets[0].getsockname()[:2]
        return self

    def send(self, data: bytes, to: Address) -> None:
        """Over the connection to that address, which is opened if there is none."""
        writer = self._writers.get(to)
        if writer is not None:
            writer.write(data)
        elif to in self._waiting:
            self._waiting[to].append(data)
        else:
            self._waiting[to] = [data]
            task = asyncio.get_running_loop().create_task(self._connect(to))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, to: Address) -> None:
        try:
            reader, writer = await asyncio.open_connection(*to)
        except OSError:
            self._waiting.pop(to, None)
            return
        for data in self._waiting.pop(to, []):
            writer.write(data)
        await self._serve(reader, writer, to)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._serve(reader, writer, writer.get_extra_info("peername")[:2])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: Address) -> None:
        self._writers[address] = writer
        buffer = bytearray()
        try:
            while chunk := await reader.read(65536):
                buffer += chunk
                while (message := take_message(buffer)) is not None:
                    self._on_data(message, address)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.pop(address, None)
            writer.close()

    async def close(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()


async def open_transport(kind: str, host: str, port: int, on_data: OnData) -> SignallingTransport:
    """A transport by name, `udp` or `tcp`. Raises OSError, ValueError."""
    if kind == "udp":
        return await UdpTransport.open(host, port, on_data)
    if kind == "tcp":
        return await TcpTransport.open(host, port, on_data)
    raise ValueError(f"transport {kind!r} is unknown; use udp or tcp")
