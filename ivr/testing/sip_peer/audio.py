"""The audio side of a call: what is sent, pressed, recorded and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from ivr.testing.sip_peer import measure
from ivr.testing.sip_peer.echo import EchoBack
from ivr.testing.sip_peer.g711 import Pcm, decode
from ivr.testing.sip_peer.recording import (
    ReceivedKey,
    RtpStats,
    TimedPacket,
    keys_of,
    layout,
    read_wav,
    rtp_stats,
    write_wav,
)
from ivr.testing.sip_peer.rtp import KeyShape
from ivr.testing.sip_peer.stream import RtpStream, Sending
from ivr.testing.sip_peer.waiting import poll


class CallAudio:
    """Audio of one call. Silence is sent whenever nothing is queued. Instants are time.monotonic() seconds."""

    def __init__(self, stream: RtpStream) -> None:
        self.stream = stream
        """The RTP stream itself: `.port`, `.max_late_ms`, `.skipped`, `.send_raw(bytes)`."""
        self.answered_at_s: float | None = None
        """When the 200 OK of the INVITE came or was sent."""
        self._info_keys: list[ReceivedKey] = []

    # --- sending

    @property
    def codec(self) -> str:
        """Negotiated codec, PCMU, PCMA or G722; empty before."""
        return self.stream.codec

    def send_wav(self, source: Path | str | Pcm, *, loop: bool = False, drop_packets: Collection[int] = ()) -> Sending:
        """Queue a mono 16-bit WAV file (8 kHz or a multiple) or an int16 array of 8 kHz. Returns at once.

        `drop_packets` are the packets of it, counted from 0, that are lost on the way.
        """
        pcm = read_wav(source) if isinstance(source, str | Path) else source
        self._need_codec()
        return self.stream.queue_pcm(pcm, "wav", is_loop=loop, drop_packets=drop_packets)

    def send_tone(self, hz: float, duration_s: float, *, level_dbfs: float = -12.0) -> Sending:
        """Queue a sine. Returns at once."""
        self._need_codec()
        return self.stream.queue_pcm(measure.tone(hz, duration_s, level_dbfs), f"{hz} Hz")

    def echo(self, delay_s: float = 0.2, loss_db: float = 15.0) -> None:
        """Send back what comes from now on, late and weaker, beside what is sent otherwise. G.711 only."""
        self.stream.echo = EchoBack(len(self.stream.received), delay_s, loss_db)

    def stop_sending(self) -> None:
        """Drop what is queued: silence from the next frame on."""
        self.stream.stop_audio()

    def _need_codec(self) -> None:
        if not self.codec:
            raise RuntimeError("the call has no audio yet; await call.wait_answered() first")

    async def press_rtp(self, keys: str, shape: KeyShape) -> list[Sending]:
        """Send keys as telephone-events of any shape and wait until they are out."""
        if not self.stream.has_events:
            raise RuntimeError("telephone-event was not negotiated on this call; use method='info'")
        sendings = [self.stream.queue_key(digit, shape) for digit in keys]
        for sending in sendings:
            await sending.wait()
        return sendings

    # --- what came and went

    @property
    def received(self) -> list[TimedPacket]:
        """Every RTP packet received, with its arrival time."""
        return self.stream.received

    @property
    def sent(self) -> list[TimedPacket]:
        """Every RTP packet sent."""
        return self.stream.sent

    @property
    def received_keys(self) -> list[ReceivedKey]:
        """Keys heard so far, by RTP and INFO, in order of time."""
        return sorted(keys_of(list(self.received)) + self._info_keys, key=lambda key: key.at_s)

    @property
    def received_digits(self) -> str:
        """The keys heard, as text."""
        return "".join(key.digit for key in self.received_keys)

    def received_audio(self, zero_s: float | None = None, end_s: float | None = None, *, slack_ms: float = 40.0) -> Pcm:
        """What was heard, 8 kHz by time of arrival; sample 0 is at `zero_s` (default: the answer), gaps are zeros."""
        return layout(list(self.received), self._zero_s(zero_s), end_s, slack_ms=slack_ms)

    def sent_audio(self, zero_s: float | None = None, end_s: float | None = None, *, slack_ms: float = 40.0) -> Pcm:
        """What was sent, on the same time line as `received_audio`; key presses are silence in it."""
        return layout(list(self.sent), self._zero_s(zero_s), end_s, slack_ms=slack_ms)

    def _zero_s(self, zero_s: float | None) -> float:
        if zero_s is not None:
            return zero_s
        if self.answered_at_s is not None:
            return self.answered_at_s
        return self.received[0].at_s if self.received else time.monotonic()

    def since_answer_s(self, at_s: float) -> float:
        """An instant on the time line of `received_audio()`."""
        return at_s - self._zero_s(None)

    def write_stereo_wav(self, path: Path | str, zero_s: float | None = None) -> None:
        """Left what was sent, right what was received."""
        write_wav(path, self.sent_audio(zero_s), self.received_audio(zero_s))

    def rtp_stats(self, from_s: float | None = None, to_s: float | None = None) -> RtpStats:
        """Figures of the received stream, optionally only of packets that arrived between two instants."""
        first, last = from_s or float("-inf"), to_s or float("inf")
        return rtp_stats([entry for entry in list(self.received) if first <= entry.at_s <= last])

    # --- waiting

    async def wait_digits(self, digits: str, timeout_s: float = 5.0) -> None:
        """Until exactly these keys were heard since the call began. Raises TimeoutError with what was heard."""
        await poll(
            lambda: True if self.received_digits == digits else None,
            timeout_s,
            lambda: f"heard keys {self.received_digits!r} instead of {digits!r}",
        )

    async def wait_sound(
        self, timeout_s: float = 5.0, *, after_s: float | None = None, threshold_dbfs: float = -45.0
    ) -> float:
        """Until a received frame arrives that is louder than the threshold; returns its arrival time.

        Only frames after the instant `after_s` count (default: now). Raises TimeoutError.
        """
        return await self._wait_frame(timeout_s, after_s, lambda level_dbfs: level_dbfs > threshold_dbfs, 1, "sound")

    async def wait_silence(
        self,
        timeout_s: float = 5.0,
        *,
        after_s: float | None = None,
        threshold_dbfs: float = -45.0,
        sustain_s: float = 0.2,
    ) -> float:
        """Until received frames stay below the threshold for `sustain_s`; returns the arrival time of the first."""
        frames = max(1, round(sustain_s / 0.02))
        return await self._wait_frame(
            timeout_s, after_s, lambda level_dbfs: level_dbfs <= threshold_dbfs, frames, "silence"
        )

    async def _wait_frame(
        self, timeout_s: float, after_s: float | None, wanted: Callable[[float], bool], count: int, what: str
    ) -> float:
        """Until `count` frames in a row have the wanted level; returns the arrival time of the first."""
        first_s = time.monotonic() if after_s is None else after_s
        entries = self._frames()
        run: list[float] = []

        def look() -> float | None:
            for entry in entries():
                if entry.at_s >= first_s and entry.codec not in ("", "telephone-event"):
                    level_dbfs = measure.level_dbfs(decode(entry.codec, entry.packet.payload))
                    run.append(entry.at_s) if wanted(level_dbfs) else run.clear()
                    if len(run) == count:
                        return run[0]
            return None

        return await poll(look, timeout_s, lambda: f"no {what} came; {len(self.received)} packets received")

    def _frames(self) -> Callable[[], Iterator[TimedPacket]]:
        """Each call of the result goes on where the last one stopped."""
        seen = 0

        def unseen() -> Iterator[TimedPacket]:
            nonlocal seen
            while seen < len(self.received):
                seen += 1
                yield self.received[seen - 1]

        return unseen
