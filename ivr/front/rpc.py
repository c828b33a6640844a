"""Kamailio's control socket: JSON-RPC 2.0 over Unix datagrams (module jsonrpcs)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from pathlib import Path
from typing import Any, Final

from ivr.errors import TelephonyError
from ivr.json_object import read_object

_LARGEST_ANSWER_BYTES: Final = 1 << 20
_LIMIT_S: Final = 2.0


class FrontFailed(TelephonyError):
    """Kamailio is not installed, does not start, or refuses a command."""


class ControlSocket:
    """Asks one question at a time. `open` before the first, `close` at the end; both as often as wanted."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._own = server.with_name("client.sock")
        self._socket: socket.socket | None = None
        self._ids = itertools.count(1)
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Bind the address that answers come to."""
        self.close()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._own))

    def close(self) -> None:
        """Give the address back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._own.unlink(missing_ok=True)

    async def ask(self, method: str, *parameters: str | int) -> Any:
        """The result. Raises FrontFailed: refused, no answer in 2 s, nobody there."""
        async with self._turn:
            number = next(self._ids)
            request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
            try:
                async with asyncio.timeout(_LIMIT_S):
                    answer = await self._exchange(json.dumps(request).encode(), number)
            except (OSError, TimeoutError, ValueError) as error:
                raise FrontFailed(f"the front does not answer ({type(error).__name__}: {method})") from error
        if "error" in answer:
            refusal = answer["error"]
            reason = refusal.get("message", "") if isinstance(refusal, dict) else refusal
            raise FrontFailed(f"the front refused {method}: {reason}")
        return answer.get("result")

    async def _exchange(self, request: bytes, number: int) -> dict[str, Any]:
        if self._socket is None:
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(BlockingIOError):
                self._socket.sendto(request, str(self._server))
                break
            await asyncio.sleep(0.01)  # its queue holds a few datagrams
        while True:
            answer = read_object(await loop.sock_recv(self._socket, _LARGEST_ANSWER_BYTES))
            if answer.get("id") == number:  # an answer that came too late is nobody's
                return answer
