"""`ivr call --answer`: a telephone that waits for calls."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone, tone
from ivr.testing.sip_peer.recording import write_wav
from ivr.testing.sip_peer.waiting import poll
from tests.phone.telephones import Telephone
from tests.phone.test_call import scenario, stereo

pytestmark = pytest.mark.adapter


@scenario
async def test_it_rings_answers_and_tells_who_calls() -> None:
    async with (
        SipPeer(user="4711", display_name="Ann") as peer,
        Telephone("--answer", "--user", "agent", "--ring", "0.5", "--calls", "2") as phone,
    ):
        uri = await phone.ready_uri()
        assert uri.startswith("sip:agent@127.0.0.1:")
        for _ in range(2):
            call = await peer.dial(uri, headers={"X-Order": "12"})
            assert call.is_answered
            assert [entry.status for entry in call.provisional if entry.status >= 180] == [180]
            assert (call.answered_at_s or 0.0) - call.invited_at_s == pytest.approx(0.5, abs=0.3)
            await call.hang_up()
        assert await phone.status(10) == 0, phone.errors
    assert phone.output.count('call from "Ann" 4711 at 127.0.0.1') == 2
    assert "X-Order: 12" in phone.output
    assert phone.output.count("the other side hung up") == 2


@scenario
async def test_the_script_is_done_in_every_call_and_json_has_a_line_for_each(tmp_path: Path) -> None:
    beep = tmp_path / "beep.wav"
    write_wav(beep, tone(1000, 0.5))
    record = tmp_path / "agent.wav"
    async with SipPeer() as peer, Telephone(
        "--answer", "--ring", "0", "--calls", "2", "--at-once", "--play", beep, "--duration", "1.5", "--json",
        "--record", record,
    ) as phone:  # fmt: skip
        uri = await phone.ready_uri()
        for _ in range(2):
            call = await peer.dial(uri)
            await call.wait_ended(5)
            assert len(spans_of_tone(call.received_audio(), 1000)) == 1
            await asyncio.sleep(0.2)
        assert await phone.status(10) == 0, phone.errors
    reports = [json.loads(line) for line in phone.output.splitlines()]
    assert [report["ended_by"] for report in reports] == ["local", "local"]
    assert [Path(report["record"]).name for report in reports] == ["agent.wav", "agent-2.wav"]
    for name in ("agent.wav", "agent-2.wav"):
        assert len(spans_of_tone(stereo(tmp_path / name)[0], 1000)) == 1


@pytest.mark.parametrize(("option", "status"), [("--busy", 486), ("--decline", 603)])
@scenario
async def test_it_refuses_when_told_to(option: str, status: int) -> None:
    async with SipPeer() as peer, Telephone("--answer", option, "--ring", "0.2", "--calls", "1") as phone:
        call = await peer.dial(await phone.ready_uri())
        assert (call.is_answered, call.status) == (False, status)
        assert await phone.status(10) == 0


@scenario
async def test_it_rings_until_the_caller_gives_up() -> None:
    async with SipPeer() as peer, Telephone("--answer", "--no-answer", "--calls", "1") as phone:
        call = await peer.dial(await phone.ready_uri(), timeout_s=2)
        assert call.status == 487
        assert await phone.status(10) == 0


@scenario
async def test_a_second_caller_hears_busy() -> None:
    async with SipPeer() as peer, SipPeer(user="other") as other, Telephone("--answer", "--ring", "0") as phone:
        uri = await phone.ready_uri()
        call = await peer.dial(uri)
        assert (await other.dial(uri)).status == 486
        assert call.is_answered
        assert not call.is_ended
        phone.stop()
        begin_s = time.monotonic()
        assert await phone.status(5) == 0
        assert time.monotonic() - begin_s < 2.0
        await call.wait_ended(1)


@scenario
async def test_a_caller_who_takes_another_ones_place_is_the_same_call() -> None:
    async with (
        SipPeer() as first,
        SipPeer(user="other") as other,
        Telephone("--answer", "--ring", "0", "--calls", "1", "--json") as phone,
    ):
        uri = await phone.ready_uri()
        call = await first.dial(uri)
        helper = await first.dial(other.uri)
        await helper.refer(uri, replaces=call)
        asked = await other.wait_call(5)
        moved = await poll(lambda: asked.transferred_to, 5, lambda: "the other did not follow the REFER")
        await moved.wait_answered(5)
        await call.wait_ended(3)
        await moved.press("42")
        await moved.hang_up()
        assert await phone.status(10) == 0, phone.errors
    assert phone.report["transferred"] is True
    assert phone.report["keys_heard"] == "42"
