"""`ivr call` hears what comes before the answer: it shows it, records it, and counts it apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.phone.telephones import Telephone
from tests.phone.test_call import scenario, stereo

pytestmark = pytest.mark.adapter

EARLY_HZ, ANSWERED_HZ = 500, 900


async def _tone_before_the_answer(call: PeerCall) -> None:
    call.progress()
    await call.send_tone(EARLY_HZ, 1.0).wait()
    call.answer()
    await call.send_tone(ANSWERED_HZ, 1.0).wait()
    await call.hang_up()


async def _tone_and_refusal(call: PeerCall) -> None:
    call.progress()
    await call.send_tone(EARLY_HZ, 1.0).wait()
    call.reject(486)


@scenario
async def test_early_media_is_recorded_before_what_follows_the_answer(tmp_path: Path) -> None:
    record = tmp_path / "call.wav"
    async with (
        SipPeer(incoming=_tone_before_the_answer) as peer,
        Telephone(peer.uri, "--record", record, "--json", "--no-listen") as phone,
    ):
        assert await phone.status() == 0, phone.errors
    _, heard = stereo(record)
    ((early_s, early_end_s),) = spans_of_tone(heard, EARLY_HZ)
    ((answered_s, _),) = spans_of_tone(heard, ANSWERED_HZ)
    assert early_s == pytest.approx(0.0, abs=0.15) and early_end_s - early_s == pytest.approx(1.0, abs=0.15)
    assert phone.report["early_media_s"] == pytest.approx(answered_s, abs=0.2)
    assert phone.report["duration_s"] == pytest.approx(1.0, abs=0.3), "counted from the answer"
    assert "ringing (183)" in phone.errors and "early media" in phone.errors


@scenario
async def test_a_call_that_is_heard_and_refused_is_recorded(tmp_path: Path) -> None:
    record = tmp_path / "call.wav"
    async with (
        SipPeer(incoming=_tone_and_refusal) as peer,
        Telephone(peer.uri, "--record", record, "--no-listen") as phone,
    ):
        assert await phone.status() == 1
    _, heard = stereo(record)
    assert len(spans_of_tone(heard, EARLY_HZ)) == 1
    assert "without an answer" in phone.output and str(record) in phone.output
    assert "busy (SIP 486" in phone.errors
