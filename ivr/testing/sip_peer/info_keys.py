"""Keys in the body of an INFO: application/dtmf-relay, and application/dtmf, which holds the bare key. Pure."""

from __future__ import annotations

import re

from ivr.testing.sip_peer.message import SipRequest
from ivr.testing.sip_peer.recording import ReceivedKey

DTMF_RELAY = "application/dtmf-relay"
_SIGNAL = re.compile(r"Signal\s*=\s*(\S+)", re.IGNORECASE)
_DURATION = re.compile(r"Duration\s*=\s*(\d+)", re.IGNORECASE)


def relay_body(digit: str, duration_ms: int) -> bytes:
    """Body of an INFO with one key."""
    return f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode()


def key_of_info(request: SipRequest, at_s: float) -> ReceivedKey | None:
    """The key that an INFO brings, if it brings one; `at_s` is the instant of its arrival."""
    text = request.body.decode("utf-8", "replace")
    is_bare = (request.headers.get("Content-Type") or "").strip().lower() == "application/dtmf"
    signal = re.match(r"\s*(\S+)", text) if is_bare else _SIGNAL.search(text)
    if signal is None:
        return None
    duration = _DURATION.search(text)
    return ReceivedKey(signal[1], "info", at_s, float(duration[1]) if duration else 0.0, 1, False, True)
