"""JSON lines between two processes over a connected socket, on the event loop; and processes handed over with them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from ivr.json_object import read_object

Message = dict[str, Any]
LINE_LIMIT: Final = 1_000_000
"""Bytes; a longer line is nonsense."""
_PIECE: Final = 65_536

log = structlog.get_logger(__name__)


class LineChannel:
    """One end. Whatever does not fit into the socket because the other end hangs is dropped: nobody ever waits."""

    def __init__(self, end: socket.socket, received: Callable[[Message], None], ended: Callable[[], None]) -> None:
        """`ended` is called once when the other process is gone, however it went."""
        self._socket, self._received, self._ended = end, received, ended
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        end.setblocking(False)
        self._loop.add_reader(end.fileno(), self._read)

    def send(self, message: Mapping[str, object]) -> bool:
        """Say something; False where that was not possible."""
        line = json.dumps(message).encode() + b"\n"
        try:
            return self._socket.send(line) == len(line)
        except OSError:  # full, or the other end is gone: the reader tells
            return False

    def close(self) -> None:
        """Let go of it; `ended` is not called. Idempotent."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self) -> None:
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece or len(self._buffer) > LINE_LIMIT:
            self.close()
            self._ended()
            return
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        for line in lines:
            self._hand_on(line)

    def _hand_on(self, line: bytes) -> None:
        try:
            message = read_object(line)
        except ValueError:
            log.warning("unreadable_message", length=len(line))
            return
        self._received(message)
