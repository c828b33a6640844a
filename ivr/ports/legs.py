"""What telephony reports: legs, keys, what was played, registrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import NewType

from ivr.immutable import immutable

LegId = NewType("LegId", str)
"""Names one leg for the life of the process; never reused."""


class DtmfMethod(StrEnum):
    """How a key arrived."""

    RFC4733 = "rfc4733"
    SIP_INFO = "sip_info"
    IN_AUDIO = "in_audio"
    """As tones, heard where the settings ask for it."""


class EndedBy(StrEnum):
    """Who ended a leg."""

    REMOTE = "remote"
    LOCAL = "local"
    NETWORK = "network"
    """Nobody said so: transport error or timeout."""


@immutable
class LegEvent:
    """Something happened on a leg."""

    leg_id: LegId
    at_s: float


@immutable
class LegOffered(LegEvent):
    """An INVITE came in; 100 (and 180) may have been sent, nothing is answered yet."""

    ani: str
    """User part of the identity header (P-Asserted-Identity of a trusted peer, else From)."""
    ani_name: str
    dnis: str
    """User part of the request URI: the number dialled."""
    account: str
    """Name of the account it came in by; empty for an unregistered trunk."""
    remote: str
    """`address:port` of the peer."""
    sip_call_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that may carry context: X-*, User-to-User, Diversion, Referred-By, by canonical name."""
    offers_video: bool = False
    """Whether its telephone offered a video stream; or a PBX that keeps it says so by `X-Offers-Video: 1`."""


@immutable
class LegRinging(LegEvent):
    """An outgoing leg got a provisional answer (180 or 183)."""

    sip_status: int


@immutable
class LegEarlyMedia(LegEvent):
    """The leg's audio is up before the answer (RFC 3960). Sent at most once per leg, and never after `LegAnswered`."""

    codec: str = ""


@immutable
class LegAnswered(LegEvent):
    """The leg is answered and its audio is up. Sent once per leg."""

    codec: str = ""


@immutable
class KeyPressed(LegEvent):
    """A new key press (RFC 4733 §2.5, or INFO), reported at its start and not yet de-duplicated."""

    digit: str
    method: DtmfMethod
    held_s: float
    """How long the key was already down when it was first seen (from the RTP event's duration); 0 when unknown."""


@immutable
class PlayFinished(LegEvent):
    """All files of one `play` were heard to the end. Not sent for a play that was stopped."""

    play_id: str


@immutable
class PlayFailed(LegEvent):
    """A `play` could not start (file missing or unreadable, or nothing to play)."""

    play_id: str
    reason: str


@immutable
class ReferProgressed(LegEvent):
    """Progress of a REFER that we sent on this leg (RFC 3515 §2.4.4), or its refusal."""

    sip_status: int
    is_final: bool
    reason: str = ""


@immutable
class LegReferred(LegEvent):
    """A telephone follows its peer's REFER or Replaces: the party goes on at a new leg. A bot never reports this."""

    new_leg_id: LegId


@immutable
class TextReceived(LegEvent):
    """A telephone was sent a text within the call (RFC 3428 §4). A bot takes none."""

    text: str
    """Without control characters."""


@immutable
class RtpStats:
    """Packets of a leg's audio, as the library counted them."""

    sent: int
    received: int
    lost: int
    jitter_ms: float
    """Mean of what was received."""
    round_trip_ms: float = 0.0
    """Mean, by RTCP; 0 where the other side sends none."""

    def plus(self, later: RtpStats) -> RtpStats:
        """Both together: audio that is negotiated anew is counted from the beginning."""
        packets = self.received + later.received
        share = later.received / packets if packets else 1.0
        return RtpStats(
            self.sent + later.sent,
            packets,
            self.lost + later.lost,
            self.jitter_ms + share * (later.jitter_ms - self.jitter_ms),
            later.round_trip_ms or self.round_trip_ms,
        )


@immutable
class LegEnded(LegEvent):
    """The leg is gone. The last event of every leg, sent exactly once."""

    ended_by: EndedBy
    sip_status: int
    """Final status of the INVITE, 200 for an answered leg that ended by BYE."""
    reason: str = ""
    hangup_cause: int | None = None
    """Q.850 cause of the Reason header (RFC 3326), if one came."""
    rtp: RtpStats | None = None
    """None for a leg that had no audio."""


@immutable
class RegistrationChanged:
    """An account became registered or lost its registration."""

    account: str
    is_registered: bool
    sip_status: int
    reason: str


TelephonyEvent = LegEvent | RegistrationChanged
