"""A leg's audio: what is played to it, who listens to it, whom it is joined with. SIP thread only.

`FramePort.onFrameReceived` runs on the media thread and only hands a value on. Frame ports are made once and lent to
one leg after the other, because deleting one corrupts memory while the media thread may still be in it.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pjsua2 as pj
import structlog

from ivr.errors import MediaFailed
from ivr.ports import AudioSink, EchoAwareSink
from ivr.sip.key_tones import KeyTones
from ivr.sip.players import LoopPlayer, OncePlayer
from ivr.sip.side_routes import SideRoutes
from ivr.sip.thread import SipThread
from ivr.sip.wav import Pcm, assemble, to_wav

SETTLE_S: Final = 0.3
"""How long the media thread may still be in something that was disconnected."""
FRAME_MS: Final = 20

_TWO_WORDS: Final = ctypes.c_size_t * 2

log = structlog.get_logger(__name__)


def copy_frame(buffer: Any) -> bytes:
    """The bytes of a `ByteVector` (std::vector<unsigned char>): its first two words are begin and end.

    Some 70 times faster than the bindings' own conversion, which matters on the media thread.
    """
    begin, end = _TWO_WORDS.from_address(int(buffer.this))
    return ctypes.string_at(begin, end - begin)


def fast_copy_works() -> bool:
    """Whether this build's vectors are laid out as `copy_frame` expects."""
    return copy_frame(pj.ByteVector([1, 2, 255])) == b"\x01\x02\xff"


class FramePort(pj.AudioMediaPort):  # type: ignore[misc]  # the library's bindings are untyped
    """Gives incoming frames to a sink, on the media thread."""

    def __init__(self, rate_hz: int, chunk_ms: int) -> None:
        pj.AudioMediaPort.__init__(self)
        self.sink: AudioSink | None = None
        self.chunk_ms = chunk_ms
        self.lost_frames = 0
        self._copy = copy_frame if fast_copy_works() else bytes
        media_format = pj.MediaFormatAudio()
        media_format.init(pj.PJMEDIA_FORMAT_PCM, rate_hz, 1, chunk_ms * 1000, 16)
        self.createPort("sink", media_format)

    def onFrameReceived(self, frame: Any) -> None:
        sink = self.sink
        if sink is None:
            return
        try:
            pcm = self._copy(frame.buf)
            if pcm:
                sink.write(pcm)
        except Exception:
            self.lost_frames += 1


class FramePorts:
    """Lends frame ports; one that was given back rests until the media thread has left it."""

    def __init__(self, rate_hz: int, thread: SipThread) -> None:
        self._rate_hz = rate_hz
        self._thread = thread
        self._free: list[FramePort] = []
        self.made = 0

    def take(self, chunk_ms: int = FRAME_MS) -> FramePort:
        """A port of one's own that gives so much audio at once."""
        for place, port in enumerate(self._free):
            if port.chunk_ms == chunk_ms:
                return self._free.pop(place)
        self.made += 1
        return FramePort(self._rate_hz, chunk_ms)

    def give_back(self, port: FramePort) -> None:
        """The port is disconnected; lend it again after a moment."""
        port.sink, port.lost_frames = None, 0
        self._thread.after(SETTLE_S, partial(self._free.append, port))

    def close(self) -> None:
        """Let go of all ports; the media clock must be off."""
        self._free.clear()


@dataclass(frozen=True, slots=True)
class Playing:
    """What is to be played: the arguments of `ivr.ports.Telephony.play`."""

    play_id: str
    files: tuple[Path, ...]
    is_loop: bool = False
    lead_in_s: float = 0.0
    from_s: float = 0.0


class _Playback:
    """One `play`: from the command to its last frame."""

    def __init__(self, play_id: str, player: OncePlayer | LoopPlayer, start_delay_s: float, pcm: Pcm) -> None:
        self.play_id = play_id
        self.player: OncePlayer | LoopPlayer | None = player
        self.start_delay_s = start_delay_s
        self.started_at_s: float | None = None
        self._pcm = pcm

    def tell(self, sink: AudioSink | None) -> None:
        """Let a listener know what is still to be sent."""
        if self.started_at_s is not None and isinstance(sink, EchoAwareSink):
            gone = round((time.monotonic() - self.started_at_s) * self._pcm.rate_hz) * 2
            if isinstance(self.player, LoopPlayer):
                gone %= len(self._pcm.samples)
            sink.plays(self._pcm.samples[gone:], self._pcm.rate_hz)


class LegMedia:
    """The audio of one leg. Everything asked for before the audio is up takes effect when it is."""

    def __init__(self, rate_hz: int, thread: SipThread, ports: FramePorts) -> None:
        self._rate_hz = rate_hz
        self._thread = thread
        self._ports = ports
        self._audio: Any = None
        self._port: FramePort | None = None
        self._sent_port: FramePort | None = None
        self._key_port: FramePort | None = None
        self._playback: _Playback | None = None
        self._partner: LegMedia | None = None
        self._heard: LegMedia | None = None
        """Whom this one hears, one way."""
        self._hearer: LegMedia | None = None
        self.routes = SideRoutes()
        self.on_finished: Callable[[str], None] = lambda play_id: None
        self.on_failed: Callable[[str, str], None] = lambda play_id, reason: None

    @property
    def is_up(self) -> bool:
        """Whether audio can flow."""
        return self._audio is not None

    def attach(self, audio: Any) -> None:
        """The leg's audio came up or was negotiated anew, which cuts every connection: make them again."""
        self._audio = audio
        if self._playback is not None:
            self._connect_playback(self._playback)
        if self._port is not None:
            self._try(audio.startTransmit, self._port)
        if self._key_port is not None:
            self._try(audio.startTransmit, self._key_port)
        if self._partner is not None:
            self._connect_partner(self._partner)
        if self._heard is not None:
            self._connect_heard(self._heard)
        if self._hearer is not None:
            self._hearer._connect_heard(self)
        self.routes.attach(audio)

    def detach(self) -> None:
        """No audio for now (hold without media); what was playing goes on when it is back."""
        self._audio = None
        self.routes.detach()

    # --- playing

    def play(self, wanted: Playing) -> None:
        """Play files without a gap, instead of what is playing now."""
        self.stop_playing()
        self.hear_nobody()
        play_id, is_loop = wanted.play_id, wanted.is_loop
        try:
            # Silence in front of a loop would be repeated with it: such a loop is started later instead.
            prefix_s = 0.0 if is_loop else wanted.lead_in_s
            pcm = assemble(
                wanted.files, lead_in_s=prefix_s, rate_hz=self._rate_hz, is_loop=is_loop, from_s=wanted.from_s
            )
            on_end = partial(self._thread.post, partial(self._ended, play_id))
            player = LoopPlayer(to_wav(pcm)) if is_loop else OncePlayer(to_wav(pcm), on_end)
        except MediaFailed as error:
            self.on_failed(play_id, str(error))
        except (pj.Error, OSError) as error:
            self.on_failed(play_id, getattr(error, "reason", str(error)))
        else:
            self._playback = _Playback(play_id, player, wanted.lead_in_s if is_loop else 0.0, pcm)
            self._connect_playback(self._playback)

    def _connect_playback(self, playback: _Playback) -> None:
        if self._audio is None:
            return
        delay_s, playback.start_delay_s = playback.start_delay_s, 0.0
        if delay_s > 0:
            self._thread.after(delay_s, partial(self._start, playback))
        else:
            self._start(playback)

    def _start(self, playback: _Playback) -> None:
        if playback is self._playback and playback.player is not None and self._audio is not None:
            if self._sent_port is not None:
                self._try(playback.player.startTransmit, self._sent_port)
            self._try(playback.player.startTransmit, self._audio)
            playback.started_at_s = time.monotonic()
            playback.tell(self._sink)

    def _ended(self, play_id: str) -> None:
        if self._playback is None or self._playback.play_id != play_id:
            return
        self.stop_playing()
        self.on_finished(play_id)

    def stop_playing(self) -> None:
        """Silence at the next frame."""
        playback, self._playback = self._playback, None
        if playback is None:
            return
        player, playback.player = playback.player, None
        if isinstance(self._sink, EchoAwareSink):
            self._sink.falls_silent()
        if self._audio is not None:
            self._try(player.stopTransmit, self._audio)  # type: ignore[union-attr]
        if self._sent_port is not None:
            self._try(player.stopTransmit, self._sent_port)  # type: ignore[union-attr]
        self._thread.after(SETTLE_S, partial(_drop, [player]))

    # --- listening

    def listen(self, sink: AudioSink | None) -> None:
        """Send incoming frames to `sink`; None ends it."""
        if sink is None:
            self._return_port()
            return
        chunk_ms = getattr(sink, "chunk_ms", FRAME_MS)
        if self._port is not None and self._port.chunk_ms != chunk_ms:
            self._return_port()
        if self._port is None:
            self._port = self._ports.take(chunk_ms)
            if self._audio is not None:
                self._try(self._audio.startTransmit, self._port)
        self._port.sink = sink
        if self._playback is not None:
            self._playback.tell(sink)

    @property
    def _sink(self) -> AudioSink | None:
        return None if self._port is None else self._port.sink

    def _return_port(self) -> None:
        port, self._port = self._port, None
        if port is None:
            return
        if port.lost_frames:
            log.warning("sip.sink_failed", lost_frames=port.lost_frames)
        port.sink = None
        if self._audio is not None:
            self._try(self._audio.stopTransmit, port)
        self._ports.give_back(port)

    def listen_sent(self, sink: AudioSink | None) -> None:
        """Send frames of what is played to `sink` as well, from the next play on; None ends it."""
        port = self._sent_port
        if sink is not None:
            port = self._sent_port = port or self._ports.take()
            port.sink = sink
        elif port is not None:
            self._sent_port, port.sink = None, None
            if self._playback is not None and self._playback.player is not None:
                self._try(self._playback.player.stopTransmit, port)
            self._ports.give_back(port)

    def hear_keys(self, report: Callable[[str], None]) -> None:
        """Report keys that come as tones, from the moment when the audio is up to its end."""
        sink = KeyTones(self._rate_hz, lambda key: self._thread.post(partial(report, key)))
        self._key_port = self._ports.take(sink.chunk_ms)
        self._key_port.sink = sink

    def _hear_no_keys(self) -> None:
        port, self._key_port = self._key_port, None
        if port is not None:
            if self._audio is not None:
                self._try(self._audio.stopTransmit, port)
            self._ports.give_back(port)

    # --- joining

    def join(self, other: LegMedia) -> None:
        """Both hear each other; what was played to them stops."""
        for media in (self, other):
            media.stop_playing()
            media.hear_nobody()
            media.part()
        self._partner, other._partner = other, self
        self._connect_partner(other)

    def _connect_partner(self, other: LegMedia) -> None:
        if self._audio is not None and other._audio is not None:
            self._try(self._audio.startTransmit, other._audio)
            self._try(other._audio.startTransmit, self._audio)

    def part(self) -> None:
        """End the bridge with the other leg, if there is one."""
        other, self._partner = self._partner, None
        if other is None:
            return
        other._partner = None
        if self._audio is not None and other._audio is not None:
            self._try(self._audio.stopTransmit, other._audio)
            self._try(other._audio.stopTransmit, self._audio)

    def hear(self, other: LegMedia) -> None:
        """Hear the other leg, and not be heard there; what was played to this one stops."""
        self.stop_playing()
        self.part()
        self.hear_nobody()
        self._heard, other._hearer = other, self
        self._connect_heard(other)

    def _connect_heard(self, other: LegMedia) -> None:
        if self._audio is not None and other._audio is not None:
            self._try(other._audio.startTransmit, self._audio)

    def hear_nobody(self) -> None:
        """End what `hear` began."""
        other, self._heard = self._heard, None
        if other is None:
            return
        other._hearer = None
        if self._audio is not None and other._audio is not None:
            self._try(other._audio.stopTransmit, self._audio)

    def close(self) -> None:
        """The leg has ended: let go of everything."""
        self._hear_no_keys()
        self.detach()
        self.routes.clear()
        self.stop_playing()
        self._return_port()
        self.listen_sent(None)
        self.part()
        self.hear_nobody()
        if self._hearer is not None:
            self._hearer.hear_nobody()
        self.on_finished, self.on_failed = lambda play_id: None, lambda play_id, reason: None

    @staticmethod
    def _try(connect: Callable[[Any], None], other: Any) -> None:
        """The other side may have hung up a moment ago: then there is nothing left to connect."""
        try:
            connect(other)
        except pj.Error as error:
            log.debug("sip.media_connect_failed", reason=error.reason)


def _drop(owners: list[Any]) -> None:
    """Release the last reference, on the SIP thread."""
    owners.clear()
