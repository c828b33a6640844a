"""The peer's echo: what came is sent back late and weaker, beside what is said."""

from __future__ import annotations

import numpy as np
import pytest

from ivr.testing.sip_peer.echo import EchoBack
from ivr.testing.sip_peer.g711 import decode, encode
from ivr.testing.sip_peer.measure import level_dbfs, tone
from ivr.testing.sip_peer.recording import TimedPacket
from ivr.testing.sip_peer.rtp import RtpPacket

pytestmark = pytest.mark.unit

SILENCE = bytes([0xFF]) * 160


def received(count: int) -> list[TimedPacket]:
    """A tone, a packet each 20 ms from 100.0 s on."""
    frames = tone(700, count * 0.02, -10.0).reshape(-1, 160)
    return [
        TimedPacket(100.0 + place * 0.02, RtpPacket(0, place, place * 160, 1, encode("PCMU", frame), False), "PCMU")
        for place, frame in enumerate(frames)
    ]


def test_what_came_is_sent_back_after_its_delay_and_loss() -> None:
    echo, came = EchoBack(0, 0.2, 15.0), received(20)
    sent = [echo.mixed(SILENCE, "PCMU", came, 100.0 + place * 0.02 + 0.001) for place in range(20)]
    levels = [level_dbfs(decode("PCMU", payload)) for payload in sent]
    assert levels[:10] == [level_dbfs(decode("PCMU", SILENCE))] * 10
    assert levels[10:] == pytest.approx([-25.0] * 10, abs=0.5)


def test_what_is_said_is_heard_beside_the_echo() -> None:
    voice = encode("PCMU", tone(400, 0.02, -20.0))
    mixed = decode("PCMU", EchoBack(0, 0.0, 15.0).mixed(voice, "PCMU", received(1), 101.0))
    assert level_dbfs(mixed) == pytest.approx(10 * np.log10(10 ** (-20 / 10) + 10 ** (-25 / 10)), abs=1.0)


def test_it_begins_with_the_packets_that_come_from_now_on() -> None:
    assert EchoBack(1, 0.0, 15.0).mixed(SILENCE, "PCMU", received(1), 101.0) == SILENCE


def test_other_codecs_are_left_alone() -> None:
    assert EchoBack(0, 0.0, 15.0).mixed(b"\x01" * 160, "G722", received(1), 101.0) == b"\x01" * 160
