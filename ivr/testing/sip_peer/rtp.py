"""RTP packets (RFC 3550 §5.1) and key presses as telephone-event packets (RFC 4733 §2). Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

EVENT_DIGITS = "0123456789*#ABCD"
"""A digit's place is its event code (RFC 4733 §3.2 table 3)."""
CLOCK_HZ = 8000
FRAME_SAMPLES = 160
"""20 ms."""
FRAME_S = 0.02
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    has_marker: bool = False


def pack_rtp(packet: RtpPacket) -> bytes:
    """The wire form, without CSRCs, extension or padding."""
    second = packet.payload_type | (0x80 if packet.has_marker else 0)
    header = _HEADER.pack(0x80, second, packet.sequence & 0xFFFF, packet.timestamp & 0xFFFFFFFF, packet.ssrc)
    return header + packet.payload


def parse_rtp(data: bytes) -> RtpPacket | None:
    """Read a packet, skipping CSRCs, extension and padding; None for anything else (RTCP, STUN, noise)."""
    if len(data) < 12 or data[0] >> 6 != 2 or 72 <= data[1] & 0x7F <= 76:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10 and len(data) >= start + 4:
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """Payload of a telephone-event packet (RFC 4733 §2.3)."""

    code: int
    is_end: bool
    volume: int
    """Power in -dBm0, 0 to 63; higher is quieter."""
    duration: int
    """In samples of 8 kHz, 0 to 65535."""

    @property
    def digit(self) -> str:
        """The key, or an empty string for an event that is not a key."""
        return EVENT_DIGITS[self.code] if self.code < len(EVENT_DIGITS) else ""


def pack_event(event: TelephoneEvent) -> bytes:
    """The four payload bytes."""
    return _EVENT.pack(event.code, (0x80 if event.is_end else 0) | (event.volume & 0x3F), min(event.duration, 0xFFFF))


def parse_event(payload: bytes) -> TelephoneEvent | None:
    """Read a telephone-event payload; None if it is too short."""
    if len(payload) < 4:
        return None
    code, flags, duration = _EVENT.unpack_from(payload)
    return TelephoneEvent(code, bool(flags & 0x80), flags & 0x3F, duration)


@dataclass(frozen=True, slots=True)
class KeyShape:
    """How a key press looks on the wire. The defaults are a well-behaved telephone's."""

    duration_ms: int = 100
    gap_ms: int = 100
    """Silence after the key before the next one."""
    volume: int = 10
    end_packets: int = 3
    """How often the final packet is sent (RFC 4733 §2.5.1.4: three times); 0 = all lost, 6 = doubled."""
    has_marker: bool = True
    """Whether the first packet has the marker bit (RFC 4733 §2.5.1.1)."""
    held_ms: int = 0
    """How long the key was already down before the first packet, as after a transfer with the key held."""
    drop_packets: frozenset[int] = frozenset()
    """Indexes of packets in the sequence that are lost (their sequence numbers are used up)."""


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet of a key press, `at_ms` after its first."""

    at_ms: int
    payload: bytes
    has_marker: bool
    is_lost: bool = False


def event_packets(digit: str, shape: KeyShape) -> list[EventPacket]:
    """The packets of one key press: one every 20 ms, then the final one `end_packets` times at the same instant.

    Like an audio packet, each is sent at the end of the 20 ms that it reports: the first says 160 samples.
    All of them carry the same RTP timestamp, that of its start (RFC 4733 §2.2). Raises ValueError for what is no key.
    """
    code = EVENT_DIGITS.find(digit.upper())
    if code < 0 or len(digit) != 1:
        raise ValueError(f"not a telephone key: {digit!r}; use one of {EVENT_DIGITS}")
    last_ms = max(0, shape.duration_ms - 20)
    steps = [(at_ms, False) for at_ms in range(0, last_ms, 20)]
    steps += [(last_ms, True)] * shape.end_packets
    packets = []
    for index, (at_ms, is_end) in enumerate(steps):
        event = TelephoneEvent(code, is_end, shape.volume, (at_ms + 20 + shape.held_ms) * CLOCK_HZ // 1000)
        is_lost = index in shape.drop_packets
        packets.append(EventPacket(at_ms, pack_event(event), index == 0 and shape.has_marker, is_lost))
    return packets
