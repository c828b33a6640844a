from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, suppress

import pytest

from ivr.config import AccountSettings
from ivr.ports import EndedBy, LegAnswered, LegEnded, LegOffered
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario, settings
from tests.waiting import until

pytestmark = pytest.mark.adapter

IDENTITY = {"P-Asserted-Identity": '"Boss" <sip:+4930@pbx>', "X-Ticket": "77", "User-to-User": "ab;encoding=hex"}


@scenario
async def test_an_offer_names_caller_number_and_context() -> None:
    async with Bot() as bot, SipPeer(user="200", display_name="Ann") as phone:
        await phone.dial(bot.uri, headers=IDENTITY)
        offer = await bot.wait(LegOffered)
        answered = await bot.wait(LegAnswered)
        port = phone.address[1]
    assert (offer.ani, offer.ani_name, offer.dnis, offer.account) == ("200", "Ann", "100", "")
    assert offer.headers == {"X-Ticket": "77", "User-to-User": "ab;encoding=hex"}
    assert offer.remote == f"127.0.0.1:{port}"
    assert offer.sip_call_id == phone.calls[0].call_id
    assert answered.codec == "PCMA"
    bot.assert_ended_once()


@scenario
async def test_asserted_identity_of_a_trusted_peer_is_believed() -> None:
    async with Bot(settings(trusted_peers=("127.0.0.1",))) as bot, SipPeer(user="200") as phone:
        await phone.dial(bot.uri, headers=IDENTITY)
        offer = await bot.wait(LegOffered)
    assert (offer.ani, offer.ani_name) == ("+4930", "Boss")


@scenario
async def test_a_trunk_is_known_by_its_address() -> None:
    trunk = AccountSettings(uri="sip:bot@127.0.0.1")
    async with Bot(settings(accounts={"trunk": trunk})) as bot, SipPeer() as phone:
        await phone.dial(bot.uri)
        assert (await bot.wait(LegOffered)).account == "trunk"


@scenario
async def test_a_call_by_tcp_is_taken() -> None:
    async with Bot() as bot, SipPeer(transport="tcp") as phone:
        call = await phone.dial(f"{bot.uri};transport=tcp")
        assert call.is_answered
        await bot.wait(LegAnswered)
        await call.hang_up()
        assert (await bot.wait(LegEnded)).ended_by is EndedBy.REMOTE


@scenario
async def test_an_invite_without_sdp_is_answered_with_an_offer() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri, late_offer=True)
        assert call.is_answered
        await bot.wait(LegAnswered)


@scenario
async def test_no_common_codec_is_refused_and_the_next_call_works() -> None:
    async with Bot(settings(codecs=("PCMA",))) as bot, SipPeer() as phone:
        refused = await phone.dial(bot.uri, codecs=("PCMU",))
        taken = await phone.dial(bot.uri, codecs=("PCMA",))
        assert (refused.status, taken.status) == (488, 200)
        assert len(bot.seen(LegOffered)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"this is not sdp\r\n",
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n",
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 9 udptl t38\r\n",
    ],
)
def test_unusable_offers_are_refused_and_the_next_call_works(body: bytes) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            phone.send_raw(phone.invite_text(bot.uri, body=body), ("127.0.0.1", bot.telephony.port))
            response = await phone.raw_response(containing=b"SIP/2.0 4")
            assert response.data.split(b" ")[1] in {b"400", b"488"}
            assert (await phone.dial(bot.uri)).is_answered

    run()


@scenario
async def test_an_offer_with_an_impossible_address_is_refused_and_the_process_lives() -> None:
    body = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 " + b"9" * 400 + b"\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    async with Bot() as bot, SipPeer() as phone:
        phone.send_raw(phone.invite_text(bot.uri, body=body), ("127.0.0.1", bot.telephony.port))
        assert b" 400 " in (await phone.raw_response(containing=b"SIP/2.0 4")).data
        assert (await phone.dial(bot.uri)).is_answered
        assert len(bot.seen(LegOffered)) == 1


@scenario
async def test_calls_that_come_and_go_at_once_never_disturb_each_other() -> None:
    async def call_often(phone: SipPeer) -> list[int]:
        statuses = []
        for number in range(40):
            call = await phone.dial(bot.uri)
            statuses.append(call.status)
            await asyncio.sleep(0.003 * (number % 5))
            assert call.ended_by is None, f"thrown out in place of another call: {call!r}"
            await call.hang_up()
        return statuses

    async with Bot() as bot, SipPeer() as phone:
        results = await asyncio.gather(*(call_often(phone) for _ in range(3)))
        assert results == [[200] * 40] * 3
        await bot.wait(LegEnded, count=120)
    bot.assert_ended_once()


@scenario
async def test_a_flood_of_connections_and_invites_is_survived() -> None:
    async with Bot() as bot, SipPeer() as phone:
        address = ("127.0.0.1", bot.telephony.port)
        with ExitStack() as stack:
            for _ in range(100):
                connection = stack.enter_context(socket.socket())
                connection.settimeout(0.1)
                with suppress(OSError):
                    connection.connect(address)
            assert (await phone.options(address, timeout_s=5)).status == 200
        for _ in range(300):
            phone.send_raw(phone.invite_text(bot.uri), address)
        assert (await phone.options(address, timeout_s=10)).status == 200
    bot.assert_ended_once()


@scenario
async def test_video_and_fax_beside_audio_are_refused_by_media_line() -> None:
    body = (
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        b"m=video 9 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=image 9 udptl t38\r\n"
    )
    async with Bot() as bot, SipPeer() as phone:
        phone.send_raw(phone.invite_text(bot.uri, body=body), ("127.0.0.1", bot.telephony.port))
        response = await phone.raw_response(containing=b"SIP/2.0 200")
    lines = response.data.decode().split("\r\n")
    media = [line for line in lines if line.startswith("m=")]
    assert media[0].startswith("m=audio ") and not media[0].startswith("m=audio 0 ")
    assert [line.split()[1] for line in media[1:]] == ["0", "0"]


@scenario
async def test_a_call_without_a_free_leg_is_refused_with_486() -> None:
    async with Bot() as bot, SipPeer() as phone:
        calls = [await phone.dial(bot.uri) for _ in range(bot.telephony.max_legs + 1)]
        assert [call.status for call in calls] == [200] * bot.telephony.max_legs + [486]
        await calls[0].hang_up()
        await bot.wait(LegEnded)
        assert (await phone.dial(bot.uri)).status == 200


@pytest.mark.parametrize("given", [{"reserved_legs": 3}, {"max_calls": 1}])
def test_callers_beyond_the_configured_number_are_refused_and_not_offered(given: dict[str, int]) -> None:
    @scenario
    async def run() -> None:
        async with Bot(settings(**given)) as bot, SipPeer() as phone:
            first, second = await phone.dial(bot.uri), await phone.dial(bot.uri)
            assert (first.status, second.status) == (200, 486)
            await first.hang_up()
            await bot.wait(LegEnded)
            assert (await phone.dial(bot.uri)).status == 200
        assert len(bot.seen(LegOffered)) == 2
        bot.assert_ended_once()

    run()


@scenario
async def test_an_offer_that_cannot_be_answered_ends_with_the_status_that_it_was_refused_with() -> None:
    body = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    async with Bot() as bot, SipPeer() as phone:
        phone.send_raw(phone.invite_text(bot.uri, body=body), ("127.0.0.1", bot.telephony.port))
        await phone.raw_response(containing=b"SIP/2.0 488")
        ended = await bot.wait(LegEnded)
    assert (ended.ended_by, ended.sip_status) == (EndedBy.LOCAL, 488)


@scenario
async def test_ringing_then_rejecting() -> None:
    async with Bot(answers=False) as bot, SipPeer() as phone:
        call = await phone.invite(bot.uri)
        leg_id = (await bot.wait(LegOffered)).leg_id
        bot.telephony.ring(leg_id)
        await call.wait_provisional(180)
        bot.telephony.reject(leg_id, 404)
        await call.wait_ended()
        assert call.status == 404
        ended = await bot.wait(LegEnded)
        assert (ended.ended_by, ended.sip_status) == (EndedBy.LOCAL, 404)


@scenario
async def test_a_caller_who_gives_up_while_ringing() -> None:
    async with Bot(answers=False) as bot, SipPeer() as phone:
        call = await phone.invite(bot.uri)
        bot.telephony.ring((await bot.wait(LegOffered)).leg_id)
        await call.wait_provisional(180)
        await call.cancel()
        ended = await bot.wait(LegEnded)
        assert (ended.ended_by, ended.sip_status) == (EndedBy.REMOTE, 487)


@scenario
async def test_hanging_up_an_offered_leg_declines_it() -> None:
    async with Bot(answers=False) as bot, SipPeer() as phone:
        call = await phone.invite(bot.uri)
        bot.telephony.hang_up((await bot.wait(LegOffered)).leg_id)
        await call.wait_ended()
        assert call.status == 603


@scenario
async def test_the_cause_of_the_callers_bye_is_reported() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        await call.hang_up(headers={"Reason": "Q.850;cause=31"})
        ended = await bot.wait(LegEnded)
    assert (ended.ended_by, ended.sip_status, ended.hangup_cause) == (EndedBy.REMOTE, 200, 31)


@scenario
async def test_our_bye_carries_the_cause_and_commands_after_it_are_ignored() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        leg_id = (await bot.wait(LegAnswered)).leg_id
        for _ in range(2):
            bot.telephony.hang_up(leg_id, 17)
        await call.wait_ended()
        assert call.requests_of("BYE")[0].request.headers.get("Reason") == 'Q.850;cause=17;text="User busy"'
        assert (await bot.wait(LegEnded)).ended_by is EndedBy.LOCAL
        bot.telephony.stop_playing(leg_id)
        bot.telephony.listen(leg_id, None)
        bot.telephony.refer(leg_id, "sip:x@127.0.0.1")
        bot.telephony.answer(leg_id)
        await asyncio.sleep(0.05)
    bot.assert_ended_once()


@scenario
async def test_hold_and_resume_keep_the_call() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        leg_id = (await bot.wait(LegAnswered)).leg_id
        for direction in ("sendonly", "inactive", "sendrecv"):
            assert (await call.reinvite(direction)).status == 200
        call.send_tone(440, 0.3)
        await until(lambda: not bot.seen(LegEnded, leg_id), "living call")
        assert len(bot.seen(LegAnswered)) == 1
