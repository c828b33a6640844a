"""What typed characters mean during a call. Pure.

A key of the telephone is sent at once; anything else begins a line that is spoken when Enter ends it. A line that is to
begin with a digit or with `q` begins with `/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TELEPHONE_KEYS: Final = frozenset("0123456789*#")
_ENTER: Final = ("\r", "\n")
_ERASE: Final = ("\x7f", "\b")
_HANG_UP: Final = ("q", "Q", "\x03", "\x04")
_ESCAPE: Final = "\x1b"
_CLEAR: Final = "\x15"


@dataclass(frozen=True, slots=True)
class SendKey:
    """Press a key."""

    key: str


@dataclass(frozen=True, slots=True)
class SayLine:
    """Speak a text."""

    text: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


KeyboardAction = SendKey | SayLine | HangUp


class Keyboard:
    """Collects a line."""

    def __init__(self) -> None:
        self.line = ""
        """What has been typed and not spoken yet, with its `/`."""
        self._is_in_escape = False

    def feed(self, char: str) -> KeyboardAction | None:
        """Take one typed character."""
        if self._is_in_escape:  # cursor and function keys send ESC [ … letter
            self._is_in_escape = not (char.isalpha() or char == "~")
            return None
        if char == _ESCAPE:
            self._is_in_escape = True
        elif char in _ENTER:
            return self._end_line()
        elif char in _ERASE:
            self.line = self.line[:-1]
        elif char == _CLEAR:
            self.line = ""
        elif char in _HANG_UP and (not self.line or not char.isprintable()):
            return HangUp()
        elif not self.line and char in _TELEPHONE_KEYS:
            return SendKey(char)
        elif char.isprintable():
            self.line += char
        return None

    def _end_line(self) -> SayLine | None:
        text, self.line = self.line.removeprefix("/").strip(), ""
        return SayLine(text) if text else None
