"""A telephony without a network: records what it is asked for, and lets a test play the other side of every leg."""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ivr.errors import TelephonyError
from ivr.ports import (
    AudioSink,
    DialRequest,
    DtmfMethod,
    EndedBy,
    KeyPressed,
    LegAnswered,
    LegEarlyMedia,
    LegEnded,
    LegId,
    LegOffered,
    LegRinging,
    MessageRequest,
    Participation,
    PlayFailed,
    PlayFinished,
    ReferProgressed,
    RtpStats,
    TelephonyEvent,
)
from ivr.testing.clock import ManualClock
from ivr.testing.fake_leg import OK, REQUEST_TERMINATED, Asked, FakeLeg, status_of_end, wav_length_s

FRAME_MS: Final = 20
_NO_SUCH_CALL: Final = 481
_SERVICE_UNAVAILABLE: Final = 503
_DECLINE: Final = 603


@dataclass
class FakeTelephony:
    """Implements `ivr.ports.Telephony` on a manual clock.

    Events reach the sink when the clock is moved on (`clock.advance()` is enough), never inside a method of the port.
    """

    clock: ManualClock
    max_legs: int = 4
    sample_rate_hz: int = 8000
    length_s: Callable[[Path], float] = wav_length_s
    """How long a file plays."""
    asked: list[Asked] = field(default_factory=list)
    is_started: bool = False
    message_status: int = OK
    """How a SIP MESSAGE is answered."""
    callers_offer: bool = True
    """Whether the INVITEs of callers have a session description."""
    _sink: Callable[[TelephonyEvent], None] | None = None
    _legs: dict[LegId, FakeLeg] = field(default_factory=dict)
    _count: int = 0

    # --- the port

    async def start(self, sink: Callable[[TelephonyEvent], None]) -> None:
        """Events go to `sink`. Raises TelephonyError when it is started already."""
        if self.is_started:
            raise TelephonyError("the telephony is running already; stop it first")
        self._sink, self.is_started = sink, True

    async def stop(self) -> None:
        """End all legs; their ends have been reported when it returns."""
        for leg_id, leg in list(self._legs.items()):
            self._end(leg_id, EndedBy.LOCAL, status_of_end(leg, refused_with=_SERVICE_UNAVAILABLE))
        self.is_started = False
        self.clock.advance()

    def ring(self, leg_id: LegId) -> None:
        """Send 180."""
        self._note("ring", leg_id)

    def start_early_media(self, leg_id: LegId) -> None:
        """Send 183; `LegEarlyMedia` follows where the caller sent an offer."""
        if self._note("start_early_media", leg_id) and self._legs[leg_id].is_incoming and self.callers_offer:
            self._early_media(leg_id)

    def answer(self, leg_id: LegId) -> None:
        """Send 200; `LegAnswered` follows."""
        if self._note("answer", leg_id) and self._legs[leg_id].is_incoming:
            self._answered(leg_id)

    def reject(self, leg_id: LegId, sip_status: int) -> None:
        """Refuse; an answered leg is hung up."""
        if self._note("reject", leg_id, sip_status):
            self._end(leg_id, EndedBy.LOCAL, status_of_end(self._legs[leg_id], refused_with=sip_status))

    def hang_up(self, leg_id: LegId, hangup_cause: int | None = None) -> None:
        """End a leg; `LegEnded` follows."""
        if self._note("hang_up", leg_id, hangup_cause):
            self._end(leg_id, EndedBy.LOCAL, status_of_end(self._legs[leg_id], refused_with=_DECLINE))

    def dial(self, request: DialRequest) -> LegId:
        """Start an outgoing leg, or fail with 503 where none is free. Raises TelephonyError before `start`."""
        if not self.is_started:
            raise TelephonyError("dial before start; start the telephony first")
        leg_id = self._new_leg(is_incoming=False)
        self._note("dial", leg_id, request)
        if len(self._legs) > self.max_legs:
            self._end(leg_id, EndedBy.LOCAL, _SERVICE_UNAVAILABLE, reason="no free leg")
        return leg_id

    def play(
        self,
        leg_id: LegId,
        play_id: str,
        files: Sequence[Path],
        *,
        loop: bool = False,
        lead_in_s: float = 0.0,
        from_s: float = 0.0,
    ) -> None:
        """Play; `PlayFinished` comes after the files' length, counted from the answer where that is later."""
        if not self._note("play", leg_id, play_id, tuple(files), loop, lead_in_s, from_s):
            return
        self._silence(leg_id)
        try:
            length_s = sum(self.length_s(file) for file in files)
        except (OSError, EOFError, wave.Error, KeyError) as error:
            self._send(PlayFailed(leg_id, self._now_s(), play_id, str(error)))
            return
        if length_s <= 0:
            self._send(PlayFailed(leg_id, self._now_s(), play_id, "nothing to play"))
            return
        leg = self._legs[leg_id]
        leg.play_id, leg.play_s = play_id, None if loop else lead_in_s + max(length_s - from_s, 0.1)
        self._run_play(leg_id)

    def stop_playing(self, leg_id: LegId) -> None:
        """Silence."""
        if self._note("stop_playing", leg_id):
            self._silence(leg_id)

    def listen(self, leg_id: LegId, sink: AudioSink | None) -> None:
        """Keep the sink."""
        if self._note("listen", leg_id, sink is not None):
            self._legs[leg_id].sink = sink

    def join(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Bridge; what was played stops, and an earlier bridge ends."""
        if self._note("join", leg_id, other_leg_id) and other_leg_id in self._legs:
            for one, other in ((leg_id, other_leg_id), (other_leg_id, leg_id)):
                self._silence(one)
                self._part(one)
                self._legs[one].joined = other

    def let_hear(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """The one hears the other; what was played stops."""
        if self._note("let_hear", leg_id, other_leg_id):
            self._silence(leg_id)

    def take_part(self, leg_id: LegId, caller_id: LegId, person_id: LegId, how: Participation) -> None:
        """A third party; the bridge stays."""
        self._note("take_part", leg_id, caller_id, person_id, how)

    def refer(self, leg_id: LegId, uri: str) -> None:
        """Blind REFER; a test answers with `refer_progress`."""
        self._note("refer", leg_id, uri)

    def refer_replacing(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """REFER with Replaces."""
        self._note("refer_replacing", leg_id, other_leg_id)

    def send_digits(self, leg_id: LegId, digits: str) -> None:
        """Keys to the peer."""
        self._note("send_digits", leg_id, digits)

    def send_message(self, request: MessageRequest, report: Callable[[int, str], None]) -> None:
        """A text; answered with `message_status`."""
        self.asked.append(Asked("send_message", "", (request,)))
        status = self.message_status if self.is_started else _SERVICE_UNAVAILABLE
        if self.is_started and request.leg_id is not None and request.leg_id not in self._legs:
            status = _NO_SUCH_CALL
        self.clock.call_later(0.0, lambda: report(status, ""))

    # --- the other side, played by a test

    def offer(
        self, ani: str = "+4930111", dnis: str = "100", account: str = "", headers: Mapping[str, str] | None = None
    ) -> LegId:
        """A caller dials the bot."""
        leg_id = self._new_leg(is_incoming=True)
        remote, sip_call_id = "192.0.2.1:5060", f"{leg_id}@peer"
        self._send(
            LegOffered(leg_id, self._now_s(), ani, "Caller", dnis, account, remote, sip_call_id, dict(headers or {}))
        )
        return leg_id

    def press(
        self,
        leg_id: LegId,
        keys: str,
        method: DtmfMethod = DtmfMethod.RFC4733,
        *,
        every_s: float = 0.2,
        held_s: float = 0.0,
    ) -> None:
        """The party of a leg presses keys; time moves on by `every_s` after each."""
        for key in keys:
            self._send_of(leg_id, KeyPressed(leg_id, self._now_s(), key, method, held_s))
            self.clock.advance(every_s)

    def speak(self, leg_id: LegId, pcm: bytes) -> None:
        """The party of a leg is heard: frames go to its sink, in the sink's own size, while time moves on."""
        rest = memoryview(pcm)
        while rest:
            leg = self._legs.get(leg_id)
            chunk_ms = getattr(leg.sink if leg else None, "chunk_ms", FRAME_MS)
            size_bytes = 2 * self.sample_rate_hz * chunk_ms // 1000
            self.clock.advance(chunk_ms / 1000)
            if leg is not None and leg.has_audio and leg.sink is not None:
                leg.sink.write(bytes(rest[:size_bytes]).ljust(size_bytes, b"\0"))
            rest = rest[size_bytes:]

    def ringing(self, leg_id: LegId, sip_status: int = 180) -> None:
        """The dialled telephone rings."""
        self._send_of(leg_id, LegRinging(leg_id, self._now_s(), sip_status))

    def sends_early_media(self, leg_id: LegId) -> None:
        """The dialled telephone, or whatever is before it, is heard before it is answered."""
        self.ringing(leg_id, 183)
        self._early_media(leg_id)

    def pick_up(self, leg_id: LegId) -> None:
        """The dialled person answers."""
        self._answered(leg_id)

    def refer_progress(self, leg_id: LegId, sip_status: int, *, is_final: bool) -> None:
        """News of a REFER."""
        self._send_of(leg_id, ReferProgressed(leg_id, self._now_s(), sip_status, is_final))

    def end(
        self,
        leg_id: LegId,
        sip_status: int | None = None,
        *,
        ended_by: EndedBy = EndedBy.REMOTE,
        reason: str = "",
        hangup_cause: int | None = None,
        rtp: RtpStats | None = None,
    ) -> None:
        """The other side ends its leg, or refuses it; without a status, with that of a BYE or a CANCEL."""
        if (leg := self._legs.get(leg_id)) is not None:
            status = status_of_end(leg, refused_with=REQUEST_TERMINATED) if sip_status is None else sip_status
            self._end(leg_id, ended_by, status, hangup_cause, reason, rtp)

    # --- what a test looks at

    @property
    def live_legs(self) -> list[LegId]:
        """Legs that have not ended."""
        return list(self._legs)

    @property
    def names(self) -> list[str]:
        """Names of the methods called, in order."""
        return [asked.name for asked in self.asked]

    def asked_for(self, name: str, leg_id: LegId | None = None) -> list[Asked]:
        """Calls of one method."""
        return [asked for asked in self.asked if asked.name == name and leg_id in (None, asked.leg_id)]

    def dialled(self) -> list[LegId]:
        """Legs that were dialled, in order."""
        return [LegId(asked.leg_id) for asked in self.asked_for("dial")]

    def playing(self, leg_id: LegId) -> str:
        """The play that runs on a leg; empty when silent."""
        return self._legs[leg_id].play_id

    def sink_of(self, leg_id: LegId) -> AudioSink | None:
        """Where a leg's audio goes."""
        return self._legs[leg_id].sink

    def joined_to(self, leg_id: LegId) -> str:
        """The leg at the other end of the bridge."""
        return self._legs[leg_id].joined

    # --- inside

    def _now_s(self) -> float:
        return self.clock.monotonic_s()

    def _new_leg(self, *, is_incoming: bool) -> LegId:
        self._count += 1
        leg_id = LegId(f"leg{self._count}")
        self._legs[leg_id] = FakeLeg(is_incoming)
        return leg_id

    def _note(self, name: str, leg_id: LegId, *details: Any) -> bool:
        self.asked.append(Asked(name, leg_id, details))
        return leg_id in self._legs

    def _send(self, event: TelephonyEvent) -> None:
        self.clock.call_later(0.0, lambda: self._deliver(event))

    def _send_of(self, leg_id: LegId, event: TelephonyEvent) -> None:
        """Nothing is heard of a leg that has ended."""
        if leg_id in self._legs:
            self._send(event)

    def _deliver(self, event: TelephonyEvent) -> None:
        if self._sink is not None:
            self._sink(event)

    def _early_media(self, leg_id: LegId) -> None:
        leg = self._legs.get(leg_id)
        if leg is not None and not leg.has_audio:
            self._send(LegEarlyMedia(leg_id, self._now_s(), "PCMA"))
            self._audio_up(leg_id)

    def _answered(self, leg_id: LegId) -> None:
        leg = self._legs.get(leg_id)
        if leg is not None and not leg.is_answered:
            leg.is_answered = True
            self._send(LegAnswered(leg_id, self._now_s(), "PCMA"))
            if not leg.has_audio:
                self._audio_up(leg_id)

    def _audio_up(self, leg_id: LegId) -> None:
        self._legs[leg_id].has_audio = True
        self._run_play(leg_id)

    def _end(
        self,
        leg_id: LegId,
        ended_by: EndedBy,
        sip_status: int,
        hangup_cause: int | None = None,
        reason: str = "",
        rtp: RtpStats | None = None,
    ) -> None:
        if leg_id in self._legs:
            self._silence(leg_id)
            self._part(leg_id)
            del self._legs[leg_id]
            self._send(LegEnded(leg_id, self._now_s(), ended_by, sip_status, reason, hangup_cause, rtp))

    def _silence(self, leg_id: LegId) -> None:
        leg = self._legs[leg_id]
        if leg.play_timer is not None:
            leg.play_timer.cancel()
        leg.play_id, leg.play_s, leg.play_timer = "", None, None

    def _part(self, leg_id: LegId) -> None:
        leg = self._legs[leg_id]
        other = self._legs.get(LegId(leg.joined))
        leg.joined = ""
        if other is not None:
            other.joined = ""

    def _run_play(self, leg_id: LegId) -> None:
        """Nothing is heard before the audio is up; a play that was asked for earlier begins then."""
        leg = self._legs[leg_id]
        if leg.has_audio and leg.play_s is not None:
            leg.play_timer = self.clock.call_later(leg.play_s, lambda: self._play_over(leg_id))

    def _play_over(self, leg_id: LegId) -> None:
        play_id = self._legs[leg_id].play_id
        self._silence(leg_id)
        self._deliver(PlayFinished(leg_id, self._now_s(), play_id))
