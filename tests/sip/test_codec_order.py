"""The first configured codec that the other side offers is what is used, whoever offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ivr.ports import DialRequest, KeyPressed, LegAnswered, LegEnded
from ivr.sip import arrivals
from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.sdp import build_offer, parse_sdp
from tests.sip.bot import Bot, Ear, scenario, settings
from tests.waiting import until

pytestmark = pytest.mark.adapter

OFFERED = ("G722", "PCMU", "PCMA")
NO_COMMON_CODEC = (
    build_offer("127.0.0.1", 9, ("PCMU",)).replace(b"AVP 0 ", b"AVP 97 ").replace(b":0 PCMU/8000", b":97 opus/48000/2")
)


def names(body: bytes) -> list[str]:
    """The codecs that a session description names."""
    return [name for _, name in parse_sdp(body).codecs]


@pytest.mark.parametrize(
    ("configured", "chosen"),
    [
        (("PCMA", "PCMU", "G722"), "PCMA"),
        (("PCMU", "PCMA"), "PCMU"),
        (("G722", "PCMA"), "G722"),
        (("GSM", "PCMA", "PCMU"), "PCMA"),
    ],
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_answer_names_the_first_configured_codec_of_the_offer(
    configured: tuple[str, ...], chosen: str, transport: Any
) -> None:
    @scenario
    async def run() -> None:
        async with Bot(settings(codecs=configured)) as bot, SipPeer(codecs=OFFERED, transport=transport) as phone:
            call = await phone.dial(f"{bot.uri};transport={transport}")
            assert call.final is not None
            assert names(call.final.body) == [chosen]
            assert parse_sdp(call.final.body).event_payload_type == 101
            assert (await bot.wait(LegAnswered)).codec.upper() == chosen
            await call.press("5")
            assert (await bot.wait(KeyPressed)).digit == "5"

    run()


@scenario
async def test_a_renewed_offer_is_answered_in_the_same_order_and_its_audio_is_heard() -> None:
    async with Bot(settings(codecs=("PCMA", "PCMU"))) as bot, SipPeer(codecs=OFFERED) as phone:
        call = await phone.dial(bot.uri, codecs=("PCMU",))
        leg_id = (await bot.wait(LegAnswered)).leg_id
        ear = Ear()
        bot.telephony.listen(leg_id, ear)
        call.codecs = OFFERED
        assert names((await call.reinvite()).body) == ["PCMA"]
        call.send_tone(440, 2.0)
        await until(lambda: bool(len(ear.pcm)) and max(abs(ear.samples()[-800:])) > 4000, "tone at its level")
        update = await call.send_request("UPDATE", body=call.offer_sdp(), content_type="application/sdp")
        assert names(update.body) == ["PCMA"]


@scenario
async def test_an_offer_within_a_call_that_we_made_is_answered_in_our_order() -> None:
    async with Bot(settings(codecs=("PCMA", "PCMU"))) as bot, SipPeer(codecs=("PCMU", "PCMA")) as phone:
        bot.telephony.dial(DialRequest(phone.uri))
        call = await phone.wait_call()
        await bot.wait(LegAnswered)
        assert names((await call.reinvite()).body) == ["PCMA"]


@scenario
async def test_an_invite_without_an_offer_is_offered_our_order() -> None:
    async with Bot(settings(codecs=("PCMA", "PCMU"))) as bot, SipPeer(codecs=OFFERED) as phone:
        call = await phone.dial(bot.uri, late_offer=True)
        assert call.final is not None
        assert names(call.final.body) == ["PCMA", "PCMU"]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_within_a_call_without_a_common_codec_is_488_and_the_call_goes_on(method: str) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call = await phone.dial(bot.uri)
            await bot.wait(LegAnswered)
            response = await call.send_request(method, body=NO_COMMON_CODEC, content_type="application/sdp")
            assert response.status == 488
            await call.press("7")
            assert (await bot.wait(KeyPressed)).digit == "7"
            assert (await call.reinvite()).status == 200
            assert not bot.seen(LegEnded)

    run()


def _is_absent(name: str, *types: object) -> Callable[..., Any]:
    raise AttributeError(f"undefined symbol: {name}")


@scenario
async def test_with_another_library_the_callers_order_holds_and_calls_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrivals, "function", _is_absent)
    async with Bot(settings(codecs=("PCMA", "PCMU"))) as bot, SipPeer(codecs=OFFERED) as phone:
        call = await phone.dial(bot.uri)
        assert (call.status, call.codec) == (200, "PCMU")
