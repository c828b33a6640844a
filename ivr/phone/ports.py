"""What a telephone needs beyond the bot's telephony, and who watches it."""

from __future__ import annotations

from typing import Protocol

from ivr.ports import AudioSink, DtmfMethod, LegId, Telephony


class PhoneTelephony(Telephony, Protocol):
    """Telephony of a telephone: follows REFER and Replaces, and lets its user hear himself."""

    def listen_sent(self, leg_id: LegId, sink: AudioSink | None) -> None:
        """Send what is played to the leg to `sink` as well, frame by frame as it is sent; None ends it."""

    def send_digits(self, leg_id: LegId, digits: str, method: DtmfMethod = DtmfMethod.RFC4733) -> None:
        """Send keys by RFC 4733, or by INFO."""


class PhoneView(Protocol):
    """Shows a call to whoever sits in front of it."""

    def note(self, text: str, at_s: float | None = None) -> None:
        """Something happened; `at_s` is counted from the answer."""

    def levels(self, sent_dbfs: float, heard_dbfs: float) -> None:
        """Loudest frame of both directions since the last time."""
