"""A line that sends back what it receives, late and weaker, as telephones with a loudspeaker do. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ivr.testing.sip_peer.g711 import decode, encode
from ivr.testing.sip_peer.recording import TimedPacket


class EchoBack:
    """Mixes what came `delay_s` ago into what is sent, packet by packet."""

    def __init__(self, first: int, delay_s: float, loss_db: float) -> None:
        """`first` is the place of the first packet that is sent back."""
        self._next, self._delay_s, self._gain = first, delay_s, 10 ** (-loss_db / 20)

    def mixed(self, payload: bytes, codec: str, received: Sequence[TimedPacket], now_s: float) -> bytes:
        """The payload with the echo that is due; G.711 only."""
        if codec not in ("PCMU", "PCMA") or self._next >= len(received):
            return payload
        due = received[self._next]
        if due.at_s + self._delay_s > now_s:
            return payload
        self._next += 1
        if due.codec != codec or len(due.packet.payload) != len(payload):
            return payload
        back = decode(codec, due.packet.payload) * self._gain
        both = np.clip(decode(codec, payload) + back, -32768, 32767).astype(np.int16)
        return encode(codec, both)
