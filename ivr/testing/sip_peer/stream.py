"""The audio of one call of a peer: a packet every 20 ms, a note of every arrival.

    schedule   |----20----|----20----|----20----|      absolute instants: a late packet does not delay the next
    sent       x          x             x    x         behind by up to 10 frames: sent at once; more: skipped as lost

Arrival times are the kernel's (SO_TIMESTAMPNS), so they stay true when this process is late to read.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from ivr.testing.sip_peer.echo import EchoBack
from ivr.testing.sip_peer.g711 import SILENCE, Pcm, encode
from ivr.testing.sip_peer.recording import TimedPacket
from ivr.testing.sip_peer.rtp import FRAME_S, FRAME_SAMPLES, KeyShape, RtpPacket, event_packets, pack_rtp, parse_rtp
from ivr.testing.sip_peer.sdp import TELEPHONE_EVENT, AudioSdp

SO_TIMESTAMPNS = 35
"""Socket option for the kernel's receive times: Linux; the socket module has no name for it."""
_TIMESPEC = struct.Struct("@qq")
_MAX_CATCH_UP = 10
Address = tuple[str, int]


@dataclass(slots=True)
class Sending:
    """Something queued to be sent; the instants (time.monotonic()) of its first and last packet are None until then."""

    label: str
    started_at_s: float | None = None
    ended_at_s: float | None = None
    is_done: bool = False
    """Sent to the end, or given up with its call."""
    _waiting: list[asyncio.Future[None]] = field(default_factory=list, repr=False)

    async def wait(self, timeout_s: float = 60.0) -> None:
        """Until it is sent. Raises TimeoutError."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self.is_done:
            _release(future)
        async with asyncio.timeout(timeout_s):
            await future

    def _finish(self, at_s: float | None) -> None:
        self.ended_at_s = at_s
        self.is_done = True
        for future in self._waiting:
            # The loop may have been closed while the last packet was on its way.
            with contextlib.suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_release, future)


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(slots=True)
class _Audio:
    sending: Sending
    frames: deque[bytes]
    frame_list: list[bytes] | None = None
    """Set for a loop."""


@dataclass(slots=True)
class _Key:
    sending: Sending
    digit: str
    shape: KeyShape


class RtpStream:
    """The audio of one call: one socket, one schedule, one record. Made and closed by the engine."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.port: int = sock.getsockname()[1]
        self.received: list[TimedPacket] = []
        self.sent: list[TimedPacket] = []
        self.max_late_ms = 0.0
        """How far behind its schedule a packet was sent, at worst: the instrument's own error."""
        self.skipped = 0
        """Packets never sent because the process was too far behind."""
        self.codec = ""
        self.is_sending = False
        self.echo: EchoBack | None = None
        self._lock = threading.Lock()
        self._remote: Address | None = None
        self._payload_type = 0
        self._names: dict[int, str] = {}
        self._event_payload_type: int | None = None
        self.ssrc = secrets.randbits(32)
        """Source of the packets (RFC 3550 §5.1); may be changed on the way."""
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._needs_marker = True
        self._audio: deque[_Audio] = deque()
        self._keys: deque[_Key] = deque()
        self._key_plan: deque[tuple[float, bytes, bool, bool]] = deque()
        self._key_timestamp = 0
        self._key_free_at_s = 0.0
        self.due_s = 0.0

    def configure(self, remote: AudioSdp, codec: str, payload_type: int) -> None:
        """Take over what was negotiated; sending starts, stops or is redirected at the next frame."""
        with self._lock:
            self._remote = (remote.address, remote.port) if remote.port else None
            self.codec, self._payload_type = codec, payload_type
            self._event_payload_type = remote.event_payload_type
            self._names = {TELEPHONE_EVENT: "telephone-event"} | dict(remote.codecs) | {payload_type: codec}
            if remote.event_payload_type is not None:
                self._names[remote.event_payload_type] = "telephone-event"
            may_send = remote.port > 0 and remote.direction in ("sendrecv", "recvonly")
            if may_send and not self.is_sending:
                self.due_s = time.monotonic()
            self.is_sending = may_send

    @property
    def has_events(self) -> bool:
        """Whether the other side takes telephone-events."""
        return self._event_payload_type is not None

    def queue_pcm(self, pcm: Pcm, label: str, *, is_loop: bool = False, drop_packets: Collection[int] = ()) -> Sending:
        """Send 8 kHz samples after what is queued; the last frame is filled up with silence."""
        return self.queue_payload(encode(self.codec, pcm), label, is_loop=is_loop, drop_packets=drop_packets)

    def queue_payload(
        self, data: bytes, label: str, *, is_loop: bool = False, drop_packets: Collection[int] = ()
    ) -> Sending:
        """Send coded audio as it is (160 bytes per frame in every codec that we have), all but the lost packets."""
        silence = self._silence()
        frames = [data[at : at + FRAME_SAMPLES] for at in range(0, len(data), FRAME_SAMPLES)]
        if frames:
            frames[-1] += silence[len(frames[-1]) :]
        frames = [b"" if index in drop_packets else frame for index, frame in enumerate(frames)]
        sending = Sending(label)
        with self._lock:
            self._audio.append(_Audio(sending, deque(frames), frames if is_loop else None))
        return sending

    def queue_key(self, digit: str, shape: KeyShape) -> Sending:
        """Send a key press after those queued; audio pauses meanwhile."""
        event_packets(digit, shape)
        sending = Sending(digit)
        with self._lock:
            self._keys.append(_Key(sending, digit, shape))
        return sending

    def stop_audio(self) -> None:
        """Silence from the next frame on."""
        with self._lock:
            for audio in self._audio:
                audio.sending._finish(time.monotonic())
            self._audio.clear()

    def give_up(self) -> None:
        """Nothing will be sent any more: release those who wait."""
        self.is_sending = False
        self.stop_audio()
        with self._lock:
            for key in self._keys:
                key.sending._finish(None)
            self._keys.clear()

    def send_raw(self, data: bytes) -> None:
        """Send any bytes to the other side's audio port, outside the schedule."""
        if self._remote is not None:
            self.socket.sendto(data, self._remote)

    def take_sequence(self, count: int = 1) -> int:
        """The first of so many sequence numbers that the schedule leaves out: for packets of one's own."""
        with self._lock:
            first, self._sequence = self._sequence & 0xFFFF, self._sequence + count
        return first

    def _silence(self) -> bytes:
        return bytes([SILENCE.get(self.codec, 0xFF)]) * FRAME_SAMPLES

    # --- on the RTP thread

    def send_due(self, now_s: float) -> None:
        """Send every packet whose time has come."""
        with self._lock:
            behind = int((now_s - self.due_s) / FRAME_S)
            if behind > _MAX_CATCH_UP:
                self.skipped += behind
                self.due_s += behind * FRAME_S
                self._sequence += behind
                self._timestamp += behind * FRAME_SAMPLES
            while self.is_sending and self.due_s <= now_s:
                self.max_late_ms = max(self.max_late_ms, (now_s - self.due_s) * 1000)
                self._send_frame()
                self.due_s += FRAME_S
                self._timestamp += FRAME_SAMPLES

    def _send_frame(self) -> None:
        if self._keys and not self._key_plan and self.due_s >= self._key_free_at_s:
            self._plan_key(self._keys[0])
        if self._key_plan:
            self._send_key_packets()
        else:
            payload = self._next_payload()
            if self.echo is not None:
                payload = self.echo.mixed(payload, self.codec, self.received, time.monotonic())
            self._emit(self._payload_type, payload, self._timestamp, self._needs_marker)
            self._needs_marker = False

    def _plan_key(self, key: _Key) -> None:
        self._key_timestamp = self._timestamp
        for packet in event_packets(key.digit, key.shape):
            at_s = self.due_s + packet.at_ms / 1000 - 1e-4
            self._key_plan.append((at_s, packet.payload, packet.has_marker, packet.is_lost))
        end_s = self.due_s + key.shape.duration_ms / 1000
        self._key_free_at_s = end_s + key.shape.gap_ms / 1000 - 1e-4

    def _send_key_packets(self) -> None:
        key = self._keys[0]
        while self._key_plan and self._key_plan[0][0] <= self.due_s:
            _, payload, has_marker, is_lost = self._key_plan.popleft()
            if is_lost or self._event_payload_type is None:
                self._sequence += 1
            else:
                self._emit(self._event_payload_type, payload, self._key_timestamp, has_marker)
            now_s = time.monotonic()
            key.sending.started_at_s = key.sending.started_at_s or now_s
        if not self._key_plan:
            self._keys.popleft()
            key.sending._finish(time.monotonic())

    def _next_payload(self) -> bytes:
        while self._audio:
            audio = self._audio[0]
            if not audio.frames and audio.frame_list:
                audio.frames.extend(audio.frame_list)
            if audio.frames:
                return self._take(audio)
            self._audio.popleft()
            audio.sending._finish(time.monotonic())
        return self._silence()

    def _take(self, audio: _Audio) -> bytes:
        frame = audio.frames.popleft()
        if audio.sending.started_at_s is None:
            audio.sending.started_at_s = time.monotonic()
        return frame

    def _emit(self, payload_type: int, payload: bytes, timestamp: int, has_marker: bool) -> None:
        packet = RtpPacket(
            payload_type, self._sequence & 0xFFFF, timestamp & 0xFFFFFFFF, self.ssrc, payload, has_marker
        )
        self._sequence += 1
        if self._remote is None or not payload:  # lost on the way
            return
        # A full buffer or a closed port at the other side is packet loss, as on any network.
        with contextlib.suppress(OSError):
            self.socket.sendto(pack_rtp(packet), self._remote)
        name = "telephone-event" if payload_type == self._event_payload_type else self.codec
        self.sent.append(TimedPacket(time.monotonic(), packet, name))

    def read_all(self) -> None:
        """Note every packet that has arrived."""
        while True:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(2048, 64)
            except OSError:
                return
            packet = parse_rtp(data)
            if packet is not None:
                name = self._names.get(packet.payload_type, "")
                self.received.append(TimedPacket(_arrival_s(ancillary), packet, name))


def _arrival_s(ancillary: list[tuple[int, int, bytes]]) -> float:
    """The kernel's receive time on the monotonic clock."""
    now_s = time.monotonic()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            age_s = time.time() - (seconds + nanoseconds / 1e9)
            return now_s - age_s if 0 <= age_s < 5 else now_s
    return now_s
