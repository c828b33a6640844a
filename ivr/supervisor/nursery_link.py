"""The supervisor's end of a nursery: starts the process, has it fork, hears of its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ivr.errors import IvrError
from ivr.supervisor.channel import Message
from ivr.supervisor.database import SharedDatabase

MESSAGE_LIMIT: Final = 65_536
COMMAND: Final = (sys.executable, "-P", "-m", "ivr.supervisor.nursery")


@dataclass(frozen=True, slots=True)
class Reports:
    """Who hears of what a nursery does."""

    forked: Callable[[int, int], None]
    """Slot and process."""
    ended: Callable[[NurseryLink], None]
    prepared: Callable[[NurseryLink, bool], None]
    """The flows as they are now can be taken, or could not be prepared."""


@dataclass(eq=False)
class NurseryLink:
    """One nursery."""

    reports: Reports
    database: SharedDatabase
    _process: subprocess.Popen[bytes] = field(init=False)
    _line: socket.socket = field(init=False)
    _loaded: asyncio.Future[str] = field(init=False)
    is_preparing: bool = field(default=False, init=False)
    """Whether it was told to look at the flows and has not said yet what came of it."""

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    async def start(self, config: str | None, overrides: Mapping[str, object], legs: int, *, is_first: bool) -> None:
        """Have it load everything; the first one finds no worker alive.

        Raises IvrError with the reason where that fails; it is gone then.
        """
        loop = asyncio.get_running_loop()
        self._loaded = loop.create_future()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _spawned(theirs.fileno(), self.database.lifeline)
        self._line.setblocking(False)
        what = {"config": config, "overrides": dict(overrides), "legs": legs, "is_first": is_first}
        self._send({**what, "database": str(self.database.path)})
        loop.add_reader(self._line.fileno(), self._read)
        if reason := await self._loaded:
            self.close()
            raise IvrError(reason)

    def fork(self, slot: int, *, is_again: bool) -> socket.socket:
        """Our end of the new worker's channel; `is_again`: the one before it died. Raises OSError: no nursery."""
        ours, theirs = socket.socketpair()
        order = {"do": "fork", "slot": slot, "is_again": is_again}
        with theirs:
            try:
                socket.send_fds(self._line, [json.dumps(order).encode()], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def reload(self) -> None:
        """Have it look at the flows; it says when they can be taken."""
        self.is_preparing = True
        with contextlib.suppress(OSError):
            self._send({"do": "reload"})

    def retire(self) -> None:
        """Have it end with its last worker."""
        with contextlib.suppress(OSError):
            self._send({"do": "retire"})

    def close(self) -> None:
        """Let go: it ends when its workers have ended, after a while by force. Idempotent."""
        if self._line.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._line.fileno())
            self._line.close()

    async def wait(self, limit_s: float) -> None:
        """Until it is gone; by force after the limit. `close` has to come before."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, limit_s)
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def _send(self, message: Message) -> None:
        self._line.send(json.dumps(message).encode())

    def _read(self) -> None:
        try:
            data = self._line.recv(MESSAGE_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._heard(json.loads(data))
            return
        self.close()
        if not self._loaded.done():
            self._loaded.set_result("the process that loads the speech models ended; its last words are above")
        else:
            self.reports.ended(self)

    def _heard(self, message: dict[str, Any]) -> None:
        match message["say"]:
            case "loaded":
                self._loaded.set_result("")
            case "failed":
                self._loaded.set_result(message["reason"])
            case "prepared":
                self.is_preparing = not message["is_last"]
                self.reports.prepared(self, message["is_done"])
            case "forked":
                self.reports.forked(message["slot"], message["pid"])


def _spawned(descriptor: int, lifeline: int) -> subprocess.Popen[bytes]:
    """It holds the lifeline without knowing, and so does every worker."""
    inherited = [descriptor, lifeline]
    return subprocess.Popen((*COMMAND, str(descriptor)), pass_fds=inherited, stdin=subprocess.DEVNULL)
