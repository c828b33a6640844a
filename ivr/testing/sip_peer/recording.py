"""What a call sent and received, packet by packet; audio and figures computed from it. Pure but for WAV files."""

from __future__ import annotations

import itertools
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivr.testing.sip_peer.g711 import Pcm, decode
from ivr.testing.sip_peer.rtp import CLOCK_HZ, FRAME_S, RtpPacket, parse_event


@dataclass(frozen=True, slots=True)
class TimedPacket:
    """An RTP packet and the instant at which it arrived or was sent."""

    at_s: float
    """time.monotonic() seconds; of received packets the kernel's receive time, not that of our reading."""
    packet: RtpPacket
    codec: str
    """PCMU, PCMA, G722, telephone-event, or empty for an unknown payload type."""


@dataclass(frozen=True, slots=True)
class RtpStats:
    """Figures of a received stream."""

    packets: int
    lost: int
    """Missing sequence numbers."""
    gap_p50_ms: float
    gap_p99_ms: float
    gap_max_ms: float
    jitter_ms: float
    """RFC 3550 §6.4.1, at the end of the stream."""


def layout(packets: Sequence[TimedPacket], zero_s: float, end_s: float | None = None, *, slack_ms: float = 40.0) -> Pcm:
    """Audio at 8 kHz laid out by time of arrival, sample 0 at `zero_s`; gaps and what is not audio are zeros.

    A packet that follows its predecessor by sequence number is put right behind it as long as that differs by no more
    than `slack_ms` from its arrival, so that jitter makes no clicks; else it is put where it arrived.
    """
    audio = [entry for entry in packets if entry.codec not in ("", "telephone-event")]
    if end_s is None:
        end_s = audio[-1].at_s + FRAME_S + slack_ms / 1000 if audio else zero_s
    out = np.zeros(max(0, round((end_s - zero_s) * CLOCK_HZ)), dtype=np.int16)
    next_start, next_sequence = 0, -1
    for entry in audio:
        start = round((entry.at_s - zero_s) * CLOCK_HZ)
        follows = entry.packet.sequence == next_sequence
        if follows and abs(next_start - start) <= slack_ms * CLOCK_HZ / 1000:
            start = next_start
        pcm = decode(entry.codec, entry.packet.payload)
        _put(out, start, pcm)
        next_start, next_sequence = start + len(pcm), (entry.packet.sequence + 1) & 0xFFFF
    return out


def _put(out: Pcm, start: int, pcm: Pcm) -> None:
    first, last = max(start, 0), min(start + len(pcm), len(out))
    if first < last:
        out[first:last] = pcm[first - start : last - start]


def rtp_stats(packets: Sequence[TimedPacket]) -> RtpStats:
    """Count, loss, gaps between arrivals and jitter of a stream."""
    at_s = np.array([entry.at_s for entry in packets])
    gaps_ms = np.diff(at_s) * 1000 if len(packets) > 1 else np.zeros(1)
    p50, p99 = np.percentile(gaps_ms, [50, 99])
    return RtpStats(
        packets=len(packets),
        lost=_lost(packets),
        gap_p50_ms=float(p50),
        gap_p99_ms=float(p99),
        gap_max_ms=float(gaps_ms.max()),
        jitter_ms=_jitter_ms(packets),
    )


def _lost(packets: Sequence[TimedPacket]) -> int:
    """Expected minus received, per source (a new SSRC is a new stream)."""
    streams: dict[int, list[int]] = {}
    for entry in packets:
        numbers = streams.setdefault(entry.packet.ssrc, [])
        last = numbers[-1] if numbers else entry.packet.sequence
        numbers.append(last + ((entry.packet.sequence - last + 0x8000) & 0xFFFF) - 0x8000)
    return sum(max(numbers) - min(numbers) + 1 - len(set(numbers)) for numbers in streams.values())


def _jitter_ms(packets: Sequence[TimedPacket]) -> float:
    jitter_s = 0.0
    for before, after in itertools.pairwise(packets):
        ticks = after.packet.timestamp - before.packet.timestamp
        if before.packet.ssrc == after.packet.ssrc and "telephone-event" not in (before.codec, after.codec):
            jitter_s += (abs(after.at_s - before.at_s - ticks / CLOCK_HZ) - jitter_s) / 16
    return jitter_s * 1000


@dataclass(frozen=True, slots=True)
class ReceivedKey:
    """A key press heard from the other side."""

    digit: str
    method: str
    """rfc4733 or info."""
    at_s: float
    """time.monotonic() of its first packet."""
    duration_ms: float
    """The longest duration announced."""
    packets: int
    has_marker: bool
    has_end: bool


def keys_of(packets: Sequence[TimedPacket]) -> list[ReceivedKey]:
    """Key presses in a stream: packets with the same source, event and timestamp are one press (RFC 4733 §2.5.2.2)."""
    presses: dict[tuple[int, int, int], list[TimedPacket]] = {}
    for entry in packets:
        event = parse_event(entry.packet.payload) if entry.codec == "telephone-event" else None
        if event is not None and event.digit:
            presses.setdefault((entry.packet.ssrc, entry.packet.timestamp, event.code), []).append(entry)
    return [_press(entries) for entries in presses.values()]


def _press(entries: list[TimedPacket]) -> ReceivedKey:
    events = [event for event in (parse_event(entry.packet.payload) for entry in entries) if event is not None]
    return ReceivedKey(
        digit=events[0].digit,
        method="rfc4733",
        at_s=entries[0].at_s,
        duration_ms=max(event.duration for event in events) * 1000 / CLOCK_HZ,
        packets=len(entries),
        has_marker=any(entry.packet.has_marker for entry in entries),
        has_end=any(event.is_end for event in events),
    )


def read_wav(path: Path | str) -> Pcm:
    """A mono 16-bit WAV file as 8 kHz samples, decimated from a multiple of that rate. Raises ValueError."""
    with wave.open(str(path), "rb") as file:
        rate_hz = file.getframerate()
        if file.getnchannels() != 1 or file.getsampwidth() != 2 or rate_hz % CLOCK_HZ:
            raise ValueError(
                f"{path}: needs mono 16-bit at a multiple of 8000 Hz; convert it with sox -r 8000 -c 1 -b 16"
            )
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return pcm.astype(np.int16) if rate_hz == CLOCK_HZ else _decimated(pcm, rate_hz // CLOCK_HZ)


def _decimated(pcm: Pcm, factor: int) -> Pcm:
    positions = np.arange(-24 * factor, 24 * factor + 1)
    taps = np.sinc(positions * 0.9 / factor) * np.hamming(len(positions))
    filtered = np.convolve(pcm.astype(np.float64), taps / taps.sum(), mode="same")
    return np.clip(np.round(filtered[::factor]), -32768, 32767).astype(np.int16)


def write_wav(path: Path | str, *channels: Pcm) -> None:
    """Write 8 kHz 16-bit PCM, one array per channel; shorter ones are filled up with silence."""
    frames = np.zeros((max(len(channel) for channel in channels), len(channels)), dtype="<i2")
    for index, channel in enumerate(channels):
        frames[: len(channel), index] = channel
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(CLOCK_HZ)
        file.writeframes(frames.tobytes())
