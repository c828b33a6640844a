"""What `ivr call` shows: plain lines, or a live view with level meters at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

_FLOOR_DBFS: Final = -60.0
_METER_WIDTH: Final = 24
_FALL_DB_PER_S: Final = 40.0
_REFRESH_PER_S: Final = 12
_HELP: Final = "keys 0-9 * # are sent · type a text and press Enter to say it · / before a digit or q · q hangs up"


class Lines:
    """One line per event."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def note(self, text: str, at_s: float | None = None) -> None:
        """Print a line, with the time since the answer."""
        stamp = "       " if at_s is None else f"{at_s:6.1f} "
        print(f"{stamp} {text}", file=self._stream, flush=True)

    def levels(self, sent_dbfs: float, heard_dbfs: float) -> None:
        """Nothing: a meter needs a terminal."""


class Screen:
    """Lines that scroll above a meter for each direction and the line that is being typed."""

    def __init__(self, typed: Callable[[], str]) -> None:
        self._console = Console(file=sys.stdout, highlight=False)
        self._typed = typed
        self._levels = [_FLOOR_DBFS, _FLOOR_DBFS]
        self._shown_at_s = time.monotonic()
        self._live = Live(
            console=self._console, refresh_per_second=_REFRESH_PER_S, transient=True, get_renderable=self._render
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def note(self, text: str, at_s: float | None = None) -> None:
        """Add a line."""
        line = Text("        " if at_s is None else f"{at_s:6.1f}  ", style="dim")
        line.append(text, style="bold" if text.startswith("heard") else "")
        self._console.print(line)

    def levels(self, sent_dbfs: float, heard_dbfs: float) -> None:
        """Rise at once, fall slowly."""
        now_s = time.monotonic()
        fall_db = (now_s - self._shown_at_s) * _FALL_DB_PER_S
        self._shown_at_s = now_s
        for index, level in enumerate((sent_dbfs, heard_dbfs)):
            self._levels[index] = max(level, self._levels[index] - fall_db, _FLOOR_DBFS)

    def _render(self) -> Text:
        sent, heard = self._levels
        view = Text("  you  ")
        view.append(meter(sent), style="green").append("   they ").append(meter(heard), style="cyan")
        typed = self._typed()
        view.append("\n  ").append(f"> {typed}" if typed else _HELP, style="" if typed else "dim")
        return view


def meter(level_dbfs: float, width: int = _METER_WIDTH) -> str:
    """A bar for -60 to 0 dBFS."""
    filled = round((min(max(level_dbfs, _FLOOR_DBFS), 0.0) - _FLOOR_DBFS) / -_FLOOR_DBFS * width)
    return "█" * filled + "·" * (width - filled)
