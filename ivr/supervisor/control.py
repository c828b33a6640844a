"""How `ivr status`, `ivr drain` and `ivr monitor` reach the running bot: a socket in a folder that is its user's only.

One JSON object in, one out.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from ivr.errors import ConfigError, IvrError
from ivr.json_object import read_object
from ivr.unix_socket import only_for_us, short_path

SOCKET: Final = "bot.sock"
ANSWER_LIMIT_S: Final = 10.0
_LINE_LIMIT: Final = 4_000_000

Answer = dict[str, Any]


class ControlSocket:
    """The bot's end."""

    def __init__(self, folder: Path, answer: Callable[[Answer], Awaitable[Answer]]) -> None:
        """`answer` gives the answer to a request; it may raise IvrError."""
        self._folder, self._answer = folder, answer
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen. Raises ConfigError where another bot does, or the folder cannot be used."""
        if _is_answered(self._folder):
            raise ConfigError(
                f"another bot is running with {self._folder} (`ivr status` shows it); end it, or set `workers: "
                "run_dir:` to another folder"
            )
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with short_path(self._folder / SOCKET) as path, only_for_us():
                path.unlink(missing_ok=True)
                self._server = await asyncio.start_unix_server(self._serve, str(path))
        except OSError as error:
            raise ConfigError(
                f"the folder {self._folder} cannot be used ({error.strerror}); set `workers: run_dir:` to one that can"
            ) from error

    async def close(self) -> None:
        """Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            (self._folder / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            request = read_object(await asyncio.wait_for(reader.readline(), ANSWER_LIMIT_S))
            writer.write(json.dumps(await self._answered(request)).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _answered(self, request: Answer) -> Answer:
        try:
            return {"ok": True, **await self._answer(request)}
        except IvrError as error:
            return {"ok": False, "reason": str(error)}


def ask(folder: Path, request: Answer, limit_s: float = ANSWER_LIMIT_S) -> Answer:
    """The running bot's answer, within `limit_s`. Raises IvrError: no bot runs, or it refuses."""
    try:
        with _connected(folder) as line:
            line.settimeout(limit_s)
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer = read_object(answers.readline(_LINE_LIMIT))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise IvrError(
            f"no bot that can be asked runs here ({folder}); start one with workers: ivr serve --capacity N"
        ) from error
    except (OSError, ValueError) as error:
        raise IvrError(f"the bot gives no answer ({error}); see its log") from error
    if not answer.pop("ok", False):
        raise IvrError(str(answer.get("reason", "the bot gives no reason; see its log")))
    return answer


def _is_answered(folder: Path) -> bool:
    try:
        _connected(folder).close()
    except OSError:
        return False
    return True


def _connected(folder: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    try:
        with short_path(folder / SOCKET) as path:
            line.connect(str(path))
    except OSError:
        line.close()
        raise
    return line
