"""The terminal's keyboard, key by key, for `ivr call`."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import termios
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self


class TerminalKeys:
    """Hands every typed character on; puts the terminal back as it was."""

    def __init__(self, on_char: Callable[[str], None]) -> None:
        self._on_char = on_char
        self._fd = sys.stdin.fileno()
        self._before: list[object] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)  # Ctrl-C stays a signal
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]

    def _read(self) -> None:
        data = os.read(self._fd, 1024)
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
        for char in self._decoder.decode(data):
            self._on_char(char)
