"""What every caller sends, as a pcap for SIPp: the faint noise of a line as PCMU, a key by RFC 4733 now and then."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.load import NOISE_DBFS
from ivr.testing.sip_peer.g711 import encode
from ivr.testing.sip_peer.rtp import FRAME_SAMPLES, KeyShape, RtpPacket, event_packets, pack_rtp

PACKET_MS = 20
PCMU, TELEPHONE_EVENT = 0, 101
KEY = "1"
_SSRC = 0x1B0C0DE
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_ETHERNET = bytes(12) + b"\x08\x00"
_LOOPBACK = bytes((127, 0, 0, 1))


def write_audio(path: Path, duration_s: float, key_every_s: float) -> None:
    """Write it as Ethernet, IPv4, UDP and RTP; SIPp replaces addresses and ports."""
    count, key_every = round(duration_s * 1000 / PACKET_MS), round(key_every_s * 1000 / PACKET_MS)
    with path.open("wb") as file:
        file.write(_PCAP_HEADER)
        for sequence, (at_ms, packet) in enumerate(_packets(count, key_every)):
            frame = _ETHERNET + _udp(pack_rtp(packet(sequence)))
            file.write(struct.pack("<IIII", at_ms // 1000, at_ms % 1000 * 1000, len(frame), len(frame)) + frame)


class _Unnumbered:
    """A packet that waits for its place in the stream."""

    def __init__(self, payload_type: int, timestamp: int, payload: bytes, has_marker: bool = False) -> None:
        self._type, self._timestamp, self._payload, self._marker = payload_type, timestamp, payload, has_marker

    def __call__(self, sequence: int) -> RtpPacket:
        return RtpPacket(self._type, sequence, self._timestamp, _SSRC, self._payload, self._marker)


def _packets(count: int, key_every: int) -> Iterator[tuple[int, _Unnumbered]]:
    """(time in ms, packet): a key takes the place of the audio while it is pressed."""
    noise = np.random.default_rng(1).standard_normal(4 * 8000) * 32768 * 10 ** (NOISE_DBFS / 20)
    audio = encode("PCMU", noise.astype(np.int16))
    shape = KeyShape()
    key_ms = 0
    for place in range(count):
        at_ms = place * PACKET_MS
        if place % key_every == key_every // 2:
            for packet in event_packets(KEY, shape):
                yield at_ms + packet.at_ms, _event(place, packet.payload, packet.has_marker)
            key_ms = at_ms + shape.duration_ms
        if at_ms >= key_ms:
            first = place * FRAME_SAMPLES % (len(audio) - FRAME_SAMPLES)
            yield at_ms, _Unnumbered(PCMU, place * FRAME_SAMPLES, audio[first : first + FRAME_SAMPLES])


def _event(place: int, payload: bytes, has_marker: bool) -> _Unnumbered:
    return _Unnumbered(TELEPHONE_EVENT, place * FRAME_SAMPLES, payload, has_marker)


def _udp(payload: bytes) -> bytes:
    length = 8 + len(payload)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, 17, 0, _LOOPBACK, _LOOPBACK)
    return ip + struct.pack("!HHHH", 6000, 6000, length, 0) + payload
