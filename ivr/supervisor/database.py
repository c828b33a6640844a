"""The process that writes the records of all workers: where they reach it, when it is started, what ends it.

    worker 1 … N ──► database.sock ──► process ──► database
                          │
                      supervisor: keeps the socket listening, so that workers wait in it while there is no process

The process rests by itself when no worker is connected, and the next connection starts it again. It outlives a
supervisor that is killed for the last records of its workers: all of them hold the lifeline, and its standard input is
the other end of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from ivr.errors import ConfigError
from ivr.storage.remote_database import WORKER_COMMAND
from ivr.supervisor.fleet import EARLY_S, restart_delay_s
from ivr.unix_socket import only_for_us, short_path

SOCKET: Final = "database.sock"
HUNG_AFTER_S: Final = 15.0
"""It gives a sign of life every second, on a busy machine later: its priority is low."""
CLOSE_LIMIT_S: Final = 6.0
"""A locked database gives up before."""
_KILL_LIMIT_S: Final = 1.0
_BACKLOG: Final = 1024
"""More than workers; one that finds it full tries again."""
_PIECE: Final = 4096

log = structlog.get_logger(__name__)


class SharedDatabase:
    """The supervisor's end. Needs no library for databases."""

    lifeline: int
    """To be held by every process that may have records to write; nobody writes to it."""
    _lifeline_end: int
    _listener: socket.socket

    def __init__(self, folder: Path, command: Sequence[str] = WORKER_COMMAND) -> None:
        """Opens nothing yet. `command` is given the number of the listening socket."""
        self.path = folder.absolute() / SOCKET
        """Where workers connect."""
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._serving: asyncio.Task[None] | None = None
        self._is_closing = False

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    def open(self) -> None:
        """Begin to listen, in a folder that is there and no other bot's. Raises ConfigError."""
        try:
            self._listener = _listening(self.path)
        except OSError as error:
            raise ConfigError(
                f"the folder {self.path.parent} cannot be used ({error.strerror}); set `workers: run_dir:` to one that "
                "can"
            ) from error
        self._lifeline_end, self.lifeline = os.pipe()
        self._serving = asyncio.create_task(self._serve())

    async def close(self) -> None:
        """Let it end with what it is writing, for nobody is left who has more; by force after the limit. Idempotent."""
        if self._serving is None or self._is_closing:
            return
        self._is_closing = True
        os.close(self.lifeline)
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), CLOSE_LIMIT_S)
        self._serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving
        await self._end_stuck()
        os.close(self._lifeline_end)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    async def _end_stuck(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        log.error("database_process_did_not_end", pid=process.pid, remedy="see whether the database hangs")
        _kill(process)
        with contextlib.suppress(TimeoutError):  # held by a dead network disk: it goes once that is back
            await asyncio.wait_for(process.wait(), _KILL_LIMIT_S)

    async def _serve(self) -> None:
        """Have a process whenever somebody wants one."""
        failures = 0
        while not self._is_closing:
            await self._wanted()
            begun_s = time.monotonic()
            is_well = await self._served()
            is_early = time.monotonic() - begun_s < EARLY_S
            failures = failures + 1 if is_early and not is_well else 0
            await asyncio.sleep(restart_delay_s(failures))

    async def _wanted(self) -> None:
        """Until a worker waits in the queue."""
        loop, is_wanted = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._listener.fileno(), is_wanted.set)
        try:
            await is_wanted.wait()
        finally:
            loop.remove_reader(self._listener.fileno())

    async def _served(self) -> bool:
        """One process, until its end; False where that was not its own will."""
        try:
            process = self._process = await self._started()
        except OSError as error:
            log.error("database_process_not_started", reason=error.strerror, remedy="records wait on disk meanwhile")
            return False
        await _follow(process)
        status = await process.wait()
        self._process = None
        if status:
            log.error("database_process_ended", status=status, remedy="it is started again; records wait meanwhile")
        return status == 0

    async def _started(self) -> asyncio.subprocess.Process:
        listening = self._listener.fileno()
        return await asyncio.create_subprocess_exec(
            *self._command,
            str(listening),
            stdin=self._lifeline_end,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=[listening],
        )


def _listening(file: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        with short_path(file) as path, only_for_us():
            path.unlink(missing_ok=True)
            listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


async def _follow(process: asyncio.subprocess.Process) -> None:
    """Returns at the end of the process; one that hangs is ended."""
    assert process.stdout is not None
    try:
        while await asyncio.wait_for(process.stdout.read(_PIECE), HUNG_AFTER_S):
            pass
    except TimeoutError:
        log.error("database_process_hangs", pid=process.pid, remedy="it is ended and started again")
        _kill(process)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
