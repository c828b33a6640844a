"""Telephone keys as peers report them: which RTP event is a new press, and which key a SIP INFO names. Pure."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from ivr.sip.translate import DIGITS

_LONGEST_SEGMENT_MS: Final = 8191
"""65,535 samples of 8 kHz: a key that is held for longer goes on as a new event (RFC 4733 §2.5.1.3)."""
_TOLERANCE_MS: Final = 60
"""What packets of one press may be apart from their pace."""
_REMEMBERED: Final = 8
_RELAY: Final = "application/dtmf-relay"
_BARE: Final = "application/dtmf"
_SIGNAL: Final = re.compile(r"^[ \t]*signal[ \t]*[=:][ \t]*\"?([^\s\";]+)", re.IGNORECASE | re.MULTILINE)
_EVENT_NUMBERS: Final = {str(number): key for number, key in enumerate("*#ABCD", start=10)}
"""Some senders write the event code (RFC 4733 §3.2) where others write the sign."""


@dataclass(slots=True)
class _Press:
    digit: str
    timestamps_ms: set[int]
    began_at_ms: float
    duration_ms: int
    is_ended: bool


@dataclass(slots=True)
class KeyPresses:
    """Tells the first report of a press from later ones, from the start that each report names.

    The library compares with the last report only: it takes a press for the one before when that had the same digit and
    was shorter, and one report that comes late for a new press.
    """

    _recent: deque[_Press] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def is_new(self, digit: str, timestamp_ms: int, duration_ms: int, *, is_end: bool, at_s: float) -> bool:
        """Whether a press began. `timestamp_ms`: its start on the sender's clock; `at_s`: the instant of the report."""
        began_at_ms = at_s * 1000 - duration_ms
        press = self._same(digit, timestamp_ms, began_at_ms)
        if press is None:
            self._recent.append(_Press(digit, {timestamp_ms}, began_at_ms, duration_ms, is_end))
            return True
        press.timestamps_ms.add(timestamp_ms)
        press.duration_ms = duration_ms
        press.is_ended = press.is_ended or is_end
        return False

    def _same(self, digit: str, timestamp_ms: int, began_at_ms: float) -> _Press | None:
        alike = [press for press in self._recent if press.digit == digit]
        for press in alike:
            if timestamp_ms in press.timestamps_ms:
                return press
        if alike and alike[-1] is self._recent[-1] and _goes_on(alike[-1], timestamp_ms, began_at_ms):
            return alike[-1]
        return None


def _goes_on(press: _Press, timestamp_ms: int, began_at_ms: float) -> bool:
    """Whether a report with another start belongs to the press: its next segment, or another clock."""
    if press.is_ended:
        return False
    is_next_segment = (
        any(abs(timestamp_ms - known_ms - _LONGEST_SEGMENT_MS) <= 1 for known_ms in press.timestamps_ms)
        and press.duration_ms >= _LONGEST_SEGMENT_MS - _TOLERANCE_MS
    )
    return is_next_segment or abs(began_at_ms - press.began_at_ms) <= _TOLERANCE_MS


def key_of_info(content_type: str, body: str) -> str | None:
    """The key that the body of an INFO names: empty when it names none, None when it is not about keys."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (_RELAY, _BARE):
        return None
    found = _SIGNAL.search(body)
    text = found[1] if found else body.strip() if kind == _BARE else ""
    sign = _EVENT_NUMBERS.get(text, text.upper())
    return sign if sign in DIGITS else ""
