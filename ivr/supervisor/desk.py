"""The desk's process as the bot sees it: listens for it, starts it when somebody comes, tells it how the bot is.

The bot keeps the listening socket. The process is started once when the bot is ready, so that the first login is told,
ends when nobody has looked for a while, and is started again by the next browser. Whatever happens to it, no call
notices: the bot only answers how it is, and lets a supervisor take part in a talk.

    -> {"say": "begin", "config": …, "overrides": …}    -> {"say": "status", …}     <- {"do": "status"}
    <- {"do": "monitor", "id": 1, …}     who takes part     -> {"say": "monitored", "id": 1, "reason": ""}
    <- {"say": "line", "text": …}     for the operator's eyes
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from ivr.config_web import WebSettings
from ivr.errors import IvrError
from ivr.supervisor.channel import LineChannel, Message
from ivr.supervisor.fleet import EARLY_S, restart_delay_s

COMMAND: Final = (sys.executable, "-P", "-m", "ivr.desk_process")
START_AFTER_S: Final = 1.0
"""After the bot is ready: its first calls come before."""
BIND_AGAIN_S: Final = 30.0
END_LIMIT_S: Final = 2.0
_BACKLOG: Final = 64

Status = Callable[[], Awaitable[Mapping[str, object]]]
"""How the bot is: `is_up`, `calls`, `capacity`, `since` (ISO 8601), `problem` and `talks`."""

Monitored = Callable[[Mapping[str, Any]], Awaitable[object]]
"""Lets a supervisor take part in a talk (`ivr.supervisor.monitoring`). Raises IvrError."""

log = structlog.get_logger(__name__)


class DeskProcess:
    """From `run` to `close`."""

    def __init__(
        self,
        settings: WebSettings,
        config: Path | None,
        overrides: Mapping[str, object],
        status: Status,
        say: Callable[[str], None],
        monitor: Monitored,
    ) -> None:
        """`config` and `overrides` are where the settings came from: the process reads them itself."""
        self._settings, self._status, self._say, self._monitor = settings, status, say, monitor
        self._begin = {"say": "begin", "config": str(config) if config else None, "overrides": dict(overrides)}
        self._listener: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: LineChannel | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Have a process whenever somebody wants one, until cancelled; nothing where the settings want no desk."""
        if self._settings.address is None:
            return
        listener = await self._bound()
        self._say(f"desk: {self._settings.url}")
        await asyncio.sleep(START_AFTER_S)
        failures = 0
        while True:
            begun_s = time.monotonic()
            is_well = await self._served(listener)
            is_early = time.monotonic() - begun_s < EARLY_S
            failures = failures + 1 if is_early and not is_well else 0
            await asyncio.sleep(restart_delay_s(failures))
            await _wanted(listener)

    async def close(self) -> None:
        """End the process. `run` has to be cancelled before. Idempotent."""
        if self._channel is not None:
            self._channel.close()  # it ends with that
        for task in self._telling:
            task.cancel()
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_end, process)
        if self._listener is not None:
            self._listener.close()

    async def _bound(self) -> socket.socket:
        """The listening socket; where somebody else has the port, that is said once and tried again."""
        is_told = False
        while True:
            try:
                self._listener = _listening(*self._settings.address or ("", 0))
                return self._listener
            except OSError as error:
                if not is_told:
                    log.error(
                        "desk_not_served",
                        address=self._settings.listen,
                        reason=error.strerror or str(error),
                        remedy="calls go on; end what listens there, or set web.listen to another port, or to nothing",
                    )
                is_told = True
            await asyncio.sleep(BIND_AGAIN_S)

    async def _served(self, listener: socket.socket) -> bool:
        """One process, until its end; False where that was not its own will."""
        has_ended = asyncio.Event()
        try:
            ours, self._process = _spawned(listener)
        except OSError as error:
            log.error("desk_not_started", reason=error.strerror, remedy="calls go on; it is tried again")
            return False
        self._channel = LineChannel(ours, self._heard, has_ended.set)
        self._channel.send(self._begin)
        await has_ended.wait()
        process, self._process, self._channel = self._process, None, None
        status = await asyncio.to_thread(_end, process)
        if status:
            log.error("desk_ended", status=status, remedy="calls go on; it is started again with the next page")
        return status == 0

    def _heard(self, message: Message) -> None:
        match message:
            case {"do": "status"}:
                self._spawn(self._tell_status())
            case {"do": "monitor", "id": int(number)}:
                self._spawn(self._tell_monitored(number, message))
            case {"say": "line", "text": str(text)}:
                self._say(text)

    def _spawn(self, telling: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_status(self) -> None:
        self._tell({"say": "status", **await self._status()})

    async def _tell_monitored(self, number: int, message: Message) -> None:
        try:
            await self._monitor(message)
            reason = ""
        except IvrError as error:
            reason = str(error)
        self._tell({"say": "monitored", "id": number, "reason": reason})

    def _tell(self, message: Mapping[str, object]) -> None:
        if self._channel is not None:
            self._channel.send(message)


async def _wanted(listener: socket.socket) -> None:
    """Until a browser waits in the queue."""
    loop, is_wanted = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listener.fileno(), is_wanted.set)
    try:
        await is_wanted.wait()
    finally:
        loop.remove_reader(listener.fileno())


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _spawned(listener: socket.socket) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Our end of its channel, which is its standard input. Raises OSError."""
    ours, theirs = socket.socketpair()
    number = listener.fileno()
    with theirs:
        try:
            command = (*COMMAND, str(number))
            process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, pass_fds=[number])
            return ours, process
        except OSError:
            ours.close()
            raise


def _end(process: subprocess.Popen[bytes]) -> int:
    """Its exit status, 0 for one that we had to kill after it let go of us."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(END_LIMIT_S)
    process.kill()
    process.wait()
    return 0
