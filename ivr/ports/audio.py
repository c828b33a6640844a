"""Who takes the audio of a leg."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class AudioSink(Protocol):
    """Takes a leg's incoming audio. Called on the media thread: must copy and return at once, never block or raise.

    A sink with an attribute `chunk_ms`, a multiple of 20, is given that much at once: every call into Python costs.
    One that is an `EchoAwareSink` is told what is played to the leg meanwhile.
    """

    def write(self, pcm: bytes) -> None:
        """Take one frame: mono 16-bit little-endian PCM at `Telephony.sample_rate_hz`, normally 20 ms."""


@runtime_checkable
class EchoAwareSink(AudioSink, Protocol):
    """Wants to know what the leg is sent, because the line may send it back. Called on the telephony's thread."""

    def plays(self, pcm: bytes, sample_rate_hz: int) -> None:
        """This (mono, 16-bit) is sent from now on, give or take 0.1 s."""

    def falls_silent(self) -> None:
        """Nothing is sent any more."""
