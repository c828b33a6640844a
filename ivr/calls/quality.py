"""How good a call's audio was: the E-model of ITU-T G.107, with its default values and what RTP tells. Pure."""

from __future__ import annotations

from ivr.immutable import immutable
from ivr.ports import RtpStats

_R_BEST = 93.2
"""Rating of a narrowband connection where nothing of what is measured here is in the way (G.107 table 3)."""
_BPL = 25.1
"""How well lost packets are concealed: G.711 with packet loss concealment, random loss (G.113 table I.4)."""
_PACKET_MS = 20.0
_NOTICED_MS = 177.3
"""Delay from which people get into each other's way (Cole and Rosenbluth 2001, a fit to G.107's Idd)."""


@immutable
class AudioQuality:
    """What came in of a call's audio, and what it must have sounded like."""

    loss_ratio: float
    """Share of packets that did not come, 0 to 1."""
    jitter_ms: float
    mos: float
    """1 to 4.5."""


def quality_of(rtp: RtpStats) -> AudioQuality | None:
    """None where nothing came in that could be judged."""
    expected = rtp.received + rtp.lost
    if not rtp.received:
        return None
    loss_ratio = rtp.lost / expected
    # The buffer that evens the jitter out holds about twice of it.
    delay_ms = rtp.round_trip_ms / 2 + _PACKET_MS + 2 * rtp.jitter_ms
    return AudioQuality(loss_ratio, rtp.jitter_ms, mos(loss_ratio, delay_ms))


def mos(loss_ratio: float, delay_ms: float) -> float:
    """Mean opinion score, 1 to 4.5, of random loss and one-way delay: R = Ro - Id - Ie,eff (G.107 clause 7)."""
    delay = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - _NOTICED_MS)
    loss_percent = 100 * loss_ratio
    loss = 95 * loss_percent / (loss_percent + _BPL)  # equation 7-29 with Ie = 0 and BurstR = 1
    return mos_of_rating(_R_BEST - delay - loss)


def mos_of_rating(rating: float) -> float:
    """G.107 annex B, equation B-4; its curve dips below 1 between 0 and 6.5, where no score is worse than 1."""
    rating = min(max(rating, 0.0), 100.0)
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)
