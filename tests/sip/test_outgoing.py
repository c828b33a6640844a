from __future__ import annotations

import asyncio
import socket

import pytest

from ivr.config import AccountSettings
from ivr.ports import DialRequest, EndedBy, LegAnswered, LegEnded, LegRinging
from ivr.testing.sip_peer import BUSY, AnswerAfter, PeerCall, Reject, RingForever, SipPeer
from ivr.testing.sip_peer.measure import tone_level_dbfs
from tests.sip.bot import Bot, Ear, scenario, settings
from tests.waiting import until

pytestmark = pytest.mark.adapter


@scenario
async def test_a_leg_rings_is_answered_and_is_ended_by_us() -> None:
    async with Bot() as bot, SipPeer(incoming=AnswerAfter(0.1)) as agent:
        leg_id = bot.telephony.dial(DialRequest(agent.uri, headers={"X-Reason": "sales", "X-Bad": "a\r\nX-Evil: 1"}))
        assert (await bot.wait(LegRinging, leg_id)).sip_status == 180
        await bot.wait(LegAnswered, leg_id)
        call = await agent.wait_call()
        assert call.header("X-Reason") == "sales"
        assert call.header("X-Evil") is None
        bot.telephony.hang_up(leg_id, 16)
        await call.wait_ended()
        ended = await bot.wait(LegEnded, leg_id)
    assert (ended.ended_by, ended.sip_status) == (EndedBy.LOCAL, 200)
    bot.assert_ended_once()


@scenario
async def test_an_invite_with_much_to_tell_reaches_a_telephone_that_knows_udp_only() -> None:
    told = {f"X-Answer-{number}": "a" * 100 for number in range(20)}
    async with Bot() as bot, SipPeer() as agent:
        leg_id = bot.telephony.dial(DialRequest(agent.uri, headers=told))
        await bot.wait(LegAnswered, leg_id)
        call = await agent.wait_call()
        assert call.invite_request is not None and len(call.invite_request.to_bytes()) > 2000
        assert call.header("X-Answer-19") == "a" * 100 and "/UDP" in (call.header("Via") or "")
        bot.telephony.hang_up(leg_id)
        await call.wait_ended()
    bot.assert_ended_once()


@scenario
async def test_who_is_called_is_heard_at_once_from_the_host_that_was_called() -> None:
    """Whatever host the session description names: a PBX with several addresses, a telephone behind a NAT."""

    async def elsewhere(call: PeerCall) -> None:
        honest = call._answer_sdp
        call._answer_sdp = lambda offer: honest(offer).replace(b"127.0.0.1", b"127.0.0.77")  # type: ignore[method-assign]
        call.answer()
        call.send_tone(1000, 10.0)

    async with Bot() as bot, SipPeer(incoming=elsewhere) as agent:
        leg_id, ear = bot.telephony.dial(DialRequest(agent.uri)), Ear()
        await bot.wait(LegAnswered, leg_id)
        bot.telephony.listen(leg_id, ear)
        await until(lambda: len(ear.samples()) >= 6400, "audio of most of a second")
        assert tone_level_dbfs(ear.samples()[3200:6400], 1000) > -30
        bot.telephony.hang_up(leg_id)
        await bot.wait(LegEnded, leg_id)


@scenario
async def test_the_agent_hangs_up() -> None:
    async with Bot() as bot, SipPeer() as agent:
        leg_id = bot.telephony.dial(DialRequest(agent.uri))
        await bot.wait(LegAnswered, leg_id)
        await (await agent.wait_call()).hang_up()
        ended = await bot.wait(LegEnded, leg_id)
    assert (ended.ended_by, ended.sip_status) == (EndedBy.REMOTE, 200)


@pytest.mark.parametrize("status", [404, 480, 486, 488, 503, 603])
def test_a_refusal_ends_the_leg_with_its_status(status: int) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer(incoming=Reject(status)) as agent:
            ended = await bot.wait(LegEnded, bot.telephony.dial(DialRequest(agent.uri)))
            assert (ended.ended_by, ended.sip_status) == (EndedBy.REMOTE, status)

    run()


@scenario
async def test_the_cause_of_a_refusal_is_reported() -> None:
    async def refuse(call: object) -> None:
        call.reject(480, headers={"Reason": "Q.850;cause=19"})  # type: ignore[attr-defined]

    async with Bot() as bot, SipPeer(incoming=refuse) as agent:
        assert (await bot.wait(LegEnded, bot.telephony.dial(DialRequest(agent.uri)))).hangup_cause == 19


@scenario
async def test_a_ringing_phone_stops_when_we_hang_up() -> None:
    async with Bot() as bot, SipPeer(incoming=RingForever()) as agent:
        leg_id = bot.telephony.dial(DialRequest(agent.uri))
        await bot.wait(LegRinging, leg_id)
        call = await agent.wait_call()
        bot.telephony.hang_up(leg_id)
        await call.wait_ended(1.0)
        ended = await bot.wait(LegEnded, leg_id)
    assert (ended.ended_by, ended.sip_status) == (EndedBy.LOCAL, 487)
    bot.assert_ended_once()


@scenario
async def test_a_phone_that_never_responds_can_be_given_up() -> None:
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    with silent:
        async with Bot() as bot:
            leg_id = bot.telephony.dial(DialRequest(f"sip:1@127.0.0.1:{silent.getsockname()[1]}"))
            await asyncio.sleep(0.1)
            bot.telephony.hang_up(leg_id)
            assert (await bot.wait(LegEnded, leg_id, timeout_s=1.0)).ended_by is EndedBy.LOCAL
    bot.assert_ended_once()


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        (DialRequest("nonsense"), 400, "URI"),
        (DialRequest("sip:1@no-such-host.invalid"), 502, "no-such-host.invalid"),
        (DialRequest("sip:1@127.0.0.1", account="missing"), 400, "missing"),
    ],
)
def test_what_cannot_be_dialled_ends_at_once_with_the_reason(request_: DialRequest, status: int, says: str) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot:
            ended = await bot.wait(LegEnded, bot.telephony.dial(request_), timeout_s=20)
            assert ended.sip_status == status
            assert says in ended.reason
        bot.assert_ended_once()

    run()


@scenario
async def test_without_a_free_leg_dialling_ends_with_503() -> None:
    async with Bot() as bot, SipPeer() as phone, SipPeer(incoming=BUSY) as agent:
        for _ in range(bot.telephony.max_legs):
            assert (await phone.dial(bot.uri)).is_answered
        ended = await bot.wait(LegEnded, bot.telephony.dial(DialRequest(agent.uri)))
        assert (ended.ended_by, ended.sip_status, ended.reason) == (EndedBy.LOCAL, 503, "no free leg")
    bot.assert_ended_once()


@scenario
async def test_the_account_gives_identity_and_the_request_gives_the_caller_id() -> None:
    account = AccountSettings(uri="sip:100@pbx.example", proxy=None)
    async with Bot(settings(accounts={"pbx": account})) as bot, SipPeer() as agent:
        bot.telephony.dial(DialRequest(agent.uri, account="pbx"))
        assert "sip:100@pbx.example" in ((await agent.wait_call()).header("From") or "")
        bot.telephony.dial(DialRequest(agent.uri, account="pbx", caller_id="+4930"))
        assert "sip:+4930@pbx.example" in ((await agent.wait_call()).header("From") or "")


@scenario
async def test_an_outgoing_call_by_tcp() -> None:
    async with Bot() as bot, SipPeer(transport="tcp") as agent:
        leg_id = bot.telephony.dial(DialRequest(agent.uri))
        await bot.wait(LegAnswered, leg_id)
