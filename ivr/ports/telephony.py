"""What telephony can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from ivr.calls.monitoring import Participation
from ivr.immutable import immutable
from ivr.ports.audio import AudioSink
from ivr.ports.legs import LegId, TelephonyEvent


@immutable
class DialRequest:
    """Where an outgoing leg goes. Built from configuration only, never from caller input."""

    uri: str
    """Full SIP URI."""
    account: str = ""
    """Account whose identity and credentials are used; empty for the default local identity."""
    caller_id: str = ""
    """User part shown as From where the account allows it; empty for the account's own."""
    headers: Mapping[str, str] = field(default_factory=dict)


@immutable
class MessageRequest:
    """A text for somebody's telephone (RFC 3428). Built from configuration only, except for the text."""

    uri: str
    """Full SIP URI."""
    text: str
    account: str = ""
    """Account whose identity is used; empty for the default local identity."""
    leg_id: LegId | None = None
    """To the party of this leg, inside the call: `uri` and `account` say nothing then."""


class Telephony(Protocol):
    """SIP legs and their audio.

    Every method may be called from the event loop's thread, returns at once and never raises because of the peer: what
    came of it arrives as an event through the sink given to `start`. Commands for a leg that has already ended are
    ignored (hang-up races are normal).
    """

    sample_rate_hz: int

    @property
    def max_legs(self) -> int:
        """How many legs the library can carry at once, read from it."""

    async def start(self, sink: Callable[[TelephonyEvent], None]) -> None:
        """Open sockets, register accounts; events go to `sink` on the loop's thread. Raises TelephonyError."""

    async def stop(self) -> None:
        """End all legs with BYE/CANCEL/503, unregister, free everything. Idempotent; every end is reported before."""

    def ring(self, leg_id: LegId) -> None:
        """Send 180."""

    def start_early_media(self, leg_id: LegId) -> None:
        """Send 183 with an SDP answer; LegEarlyMedia follows, and what is played is heard before the answer.

        Nothing follows for a caller who sent no offer: his audio comes up with the answer. Without effect on a leg that
        is answered, or was dialled.
        """

    def answer(self, leg_id: LegId) -> None:
        """Send 200 with an SDP answer. Without effect on a leg that was dialled."""

    def reject(self, leg_id: LegId, sip_status: int) -> None:
        """Refuse an offered leg with a final status of 300 or more; any other leg is hung up."""

    def hang_up(self, leg_id: LegId, hangup_cause: int | None = None) -> None:
        """BYE, CANCEL or 603, whichever the leg's state asks for."""

    def dial(self, request: DialRequest) -> LegId:
        """Start an outgoing leg. With no leg free, LegEnded(503, ended_by=LOCAL, reason='no free leg') follows.

        Raises TelephonyError before `start` and after `stop`.
        """

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
        """Play WAV files (mono, 16-bit, 8 or 16 kHz) one after the other, without a gap, after `lead_in_s` of silence.
        The first `from_s` of them are left out; a loop only begins there, and may have been round many times by then.

        A play that is already running on the leg is stopped first. One that is asked for before the leg's audio is up
        begins with it.
        """

    def stop_playing(self, leg_id: LegId) -> None:
        """Silence at the next frame."""

    def listen(self, leg_id: LegId, sink: AudioSink | None) -> None:
        """Send the leg's incoming audio to `sink`; None ends it. One sink at a time."""

    def join(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Bridge the audio of two answered legs, both ways; whatever was played to them stops."""

    def let_hear(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Let the party of this leg hear the other leg, which need not be answered yet (early media), and not the other
        way round; what was played to it stops. Ends with the next play or join on either leg, or with one of them.
        """

    def take_part(self, leg_id: LegId, caller_id: LegId, person_id: LegId, how: Participation) -> None:
        """Let the party of an answered leg hear two joined legs, and be heard there as `how` says; asked again, as it
        says now. Ends when the leg is hung up. The bridge of the two is not touched.
        """

    def refer(self, leg_id: LegId, uri: str) -> None:
        """REFER the party of this leg to `uri` (RFC 3515): blind."""

    def refer_replacing(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """REFER the party of this leg to the party of the other, with Replaces (RFC 3891, RFC 5589 §7.3)."""

    def send_digits(self, leg_id: LegId, digits: str) -> None:
        """Send keys by RFC 4733."""

    def send_message(self, request: MessageRequest, report: Callable[[int, str], None]) -> None:
        """Send a SIP MESSAGE outside of any call, or to the party of a leg. `report` is called once, on the loop's
        thread, with the final SIP status and its reason; what never left has a status too (503 before `start`, 502 for
        a host without address, 481 for a leg that is over).
        """
