"""A database process that several workers ask, each by a connection of its own.

Its owner binds and keeps the listening socket, starts the process on it (again when it died, or when somebody connects
after its rest), and ends one that hangs (`ivr.supervisor.database`): a worker only lets go of its connection.
"""

from __future__ import annotations

import contextlib
import select
import socket
from pathlib import Path
from typing import IO, cast

from ivr.helper_process import HelperProcess, Lines
from ivr.unix_socket import short_path


class SharedHelper(HelperProcess):
    """Like a process of our own, but `rest` and a failure end the connection only."""

    def __init__(self, path: Path, *, rest_after_s: float | None = None) -> None:
        """`path` of the socket. Connects to nothing yet."""
        super().__init__((), rest_after_s=rest_after_s)
        self._path = path

    def _opened(self) -> Lines:
        return _LineSocket(self._path)


class _LineSocket(Lines):
    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.setblocking(False)  # a full queue of connections is an error, not a wait
            with short_path(path) as short:
                self._socket.connect(str(short))
        except OSError:
            self._socket.close()
            raise
        stream = cast("IO[bytes]", self._socket.makefile("rwb", buffering=0))
        super().__init__(stream, stream)

    @property
    def pid(self) -> int:
        return 0

    @property
    def has_ended(self) -> bool:
        """Nothing is to be read between two requests but the end."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def signal_kill(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        self._requests.close()
        self._socket.close()
