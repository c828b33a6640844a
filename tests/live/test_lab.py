"""The lab itself: every number does what its table says, so that other tests may rely on it."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from http.client import HTTPConnection
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from ivr.testing.sip_peer import BUSY, DECLINE, AnswerAfter, IncomingPolicy, PeerCall, RingForever, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.lab import control

pytestmark = pytest.mark.live

_ADDRESS = f"{control.HOST}:{control.PORT}"


def _peer(login: control.Login, **options: object) -> SipPeer:
    return SipPeer(user=login.username, password=login.password, registrar=_ADDRESS, **options)  # type: ignore[arg-type]


async def _dial(extension: int | str, listen_s: float = 0.0, limit_s: float = 15.0) -> PeerCall:
    """Call a number as `caller`, listen for a while, hang up."""
    async with _peer(control.CALLER) as caller:
        call = await caller.dial(control.number(extension), timeout_s=limit_s)
        await _hear(call, listen_s)
        await call.hang_up()
        return call


async def _bridged(call: PeerCall, incoming: PeerCall) -> None:
    """Until Asterisk has joined the two: a REFER that comes before is accepted and then fails."""
    await incoming.wait_answered()
    incoming.send_tone(440.0, 5.0)
    await call.wait_sound()
    incoming.stop_sending()


async def _hear(call: PeerCall, duration_s: float) -> None:
    if call.is_answered and duration_s:
        await asyncio.sleep(duration_s)


def _tone_s(call: PeerCall, hz: float) -> float:
    return sum(end_s - start_s for start_s, end_s in spans_of_tone(call.received_audio(), hz))


@pytest.mark.parametrize(
    ("extension", "sip_status", "cause"),
    [
        (2003, 480, 20),
        (2010, 486, 17),
        (2014, 403, 21),
        (2015, 503, 34),
        (2019, 410, 22),
        (2020, 500, 38),
        (2021, 603, None),
        (2110, 486, 17),
        (2999, 404, None),
    ],
)
def test_a_number_that_cannot_be_reached_says_why(
    lab: ModuleType, extension: int, sip_status: int, cause: int | None
) -> None:
    call = asyncio.run(_dial(extension))

    assert call.status == sip_status
    if cause is not None:
        assert call.header("Reason") == f"Q.850;cause={cause}"


def test_a_phone_that_nobody_answers_rings_until_the_caller_gives_up(lab: ModuleType) -> None:
    call = asyncio.run(_dial(2013, limit_s=2.0))

    assert [entry.status for entry in call.provisional][-1] == 180
    assert call.status == 487


@pytest.mark.parametrize(("extension", "hz"), [(401, 1000), (2011, 1000), (2012, 1000), (404, 800)])
def test_the_tone_of_a_number_arrives(lab: ModuleType, extension: int, hz: float) -> None:
    call = asyncio.run(_dial(extension, listen_s=1.5))

    assert _tone_s(call, hz) > 1.0


def test_early_media_is_heard_before_the_answer(lab: ModuleType) -> None:
    async def talk() -> tuple[PeerCall, float]:
        async with _peer(control.CALLER) as caller:
            call = await caller.invite(control.number(2016))
            early = await call.wait_provisional(183)
            await call.wait_answered()
            await _hear(call, 1.0)
            await call.hang_up()
            return call, early.at_s

    call, early_at_s = asyncio.run(talk())

    assert call.answered_at_s is not None
    assert call.answered_at_s - early_at_s == pytest.approx(3.0, abs=0.5)
    assert _tone_s(call, control.TONE_HZ) > 0.5


@pytest.mark.parametrize("extension", [400, 2017])
def test_an_echo_gives_back_what_it_hears(lab: ModuleType, extension: int) -> None:
    async def talk() -> PeerCall:
        async with _peer(control.CALLER) as caller:
            call = await caller.dial(control.number(extension))
            call.send_tone(440.0, 1.5)
            await _hear(call, 2.0)
            await call.hang_up()
            return call

    assert _tone_s(asyncio.run(talk()), 440.0) > 1.0


def test_keys_are_collected(lab: ModuleType) -> None:
    async def talk() -> str:
        async with _peer(control.CALLER) as caller:
            call = await caller.dial(control.number(403))
            await call.press("2580")
            await _hear(call, 0.5)
            digits = control.last_digits()
            await call.hang_up()
            return digits

    assert asyncio.run(talk()) == "2580"


def test_a_trunk_gets_the_number_dialled_and_the_caller(lab: ModuleType) -> None:
    async def talk() -> str:
        async with SipPeer(user="ivr", port=control.RTP_TRUNK_PORT) as bot, _peer(control.CALLER) as caller:
            call, incoming = await asyncio.gather(caller.dial(control.number(1043)), bot.wait_call())
            await call.hang_up()
            assert incoming.invite_request is not None
            assert f"sip:{control.CALLER.username}@" in (incoming.header("P-Asserted-Identity") or "")
            return incoming.invite_request.uri

    assert asyncio.run(talk()).startswith("sip:1043@")


@pytest.mark.parametrize(("extension", "codecs"), [(121, ["PCMA"]), (122, ["PCMU"])])
def test_the_bot_can_be_offered_one_codec(lab: ModuleType, extension: int, codecs: list[str]) -> None:
    async def talk() -> list[str]:
        async with SipPeer(user="ivr", port=control.TRUNK_PORT) as bot, _peer(control.CALLER) as caller:
            call, incoming = await asyncio.gather(caller.dial(control.number(extension)), bot.wait_call())
            await call.hang_up()
            assert incoming.invite_request is not None
            body = incoming.invite_request.body.decode()
            return [name for name in re.findall(r"a=rtpmap:\d+ ([^/]+)/", body) if name != "telephone-event"]

    assert asyncio.run(talk()) == codecs


def test_srtp_is_offered_to_the_bot(lab: ModuleType) -> None:
    async def talk() -> str:
        async with SipPeer(user="ivr", port=control.TRUNK_PORT) as bot, _peer(control.CALLER) as caller:
            bot.incoming_policy = RingForever()
            call = await caller.invite(control.number(126))
            incoming = await bot.wait_call()
            await call.cancel()
            assert incoming.invite_request is not None
            return incoming.invite_request.body.decode()

    body = asyncio.run(talk())

    assert "RTP/SAVP" in body
    assert "a=crypto:" in body


def test_a_trunk_may_be_refused_a_transfer(lab: ModuleType) -> None:
    async def talk() -> int:
        async with SipPeer(user="ivr", port=control.FIXED_TRUNK_PORT) as bot, _peer(control.CALLER) as caller:
            call, incoming = await asyncio.gather(caller.dial(control.number(103)), bot.wait_call())
            await _bridged(call, incoming)
            refused = await incoming.refer(control.number(2011))
            await call.hang_up()
            return refused.status

    assert asyncio.run(talk()) == 603


@pytest.mark.parametrize(("policy", "sip_status"), [(BUSY, 486), (DECLINE, 403), (AnswerAfter(0.2), 200)])
def test_a_registered_phone_decides_about_its_calls(lab: ModuleType, policy: IncomingPolicy, sip_status: int) -> None:
    async def talk() -> int:
        async with _peer(control.AGENT_1, incoming=policy) as agent, _peer(control.CALLER) as caller:
            await agent.register()
            call = await caller.dial(control.number(2001))
            await call.hang_up()
            return call.status

    assert asyncio.run(talk()) == sip_status


@pytest.mark.parametrize(("target", "result"), [(2010, "BUSY"), (2013, "NOANSWER"), (2003, "CHANUNAVAIL")])
def test_a_failed_blind_transfer_brings_the_caller_back(lab: ModuleType, target: int, result: str) -> None:
    async def talk() -> tuple[str | None, str | None]:
        async with SipPeer(user="ivr", port=control.RTP_TRUNK_PORT) as bot, _peer(control.CALLER) as caller:
            call, incoming = await asyncio.gather(caller.dial(control.number(104)), bot.wait_call())
            await _bridged(call, incoming)
            assert (await incoming.refer(control.number(target))).status == 202
            returned = await bot.wait_call(timeout_s=15.0)
            await returned.wait_answered()
            assert not call.is_ended
            await incoming.hang_up()
            await call.hang_up()
            return returned.header("X-Transfer-Result"), returned.header("X-Transfer-Target")

    assert asyncio.run(talk()) == (result, str(target))


def test_a_blind_transfer_reaches_the_person(lab: ModuleType) -> None:
    async def talk() -> tuple[list[int], PeerCall]:
        async with SipPeer(user="ivr", port=control.RTP_TRUNK_PORT) as bot, _peer(control.CALLER) as caller:
            call, incoming = await asyncio.gather(caller.dial(control.number(104)), bot.wait_call())
            await _bridged(call, incoming)
            await incoming.refer(control.number(2012))
            await incoming.wait_refer_done()
            await incoming.hang_up()
            await _hear(call, 1.5)
            await call.hang_up()
            return [entry.status for entry in incoming.notifies], call

    statuses, call = asyncio.run(talk())

    assert statuses[-1] == 200
    assert _tone_s(call, control.TONE_HZ) > 1.0


def test_a_restarted_registrar_knows_nobody_until_they_register_again(lab: ModuleType) -> None:
    async def talk() -> tuple[bool, bool, bool]:
        async with _peer(control.AGENT_2) as agent:
            await agent.register()
            before = control.is_registered(control.AGENT_2)
            control.stop()
            control.start()
            after = control.is_registered(control.AGENT_2)
            await agent.register()
            return before, after, control.is_registered(control.AGENT_2)

    assert asyncio.run(talk()) == (True, False, True)


def test_browsers_reach_it_by_websocket(lab: ModuleType) -> None:
    known = lab.asterisk_cli("pjsip show endpoints")
    assert all(login.username in known for login in (lab.WEB_AGENT_1, lab.WEB_AGENT_2, lab.BROWSER))
    asked = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "sip",
    }
    address = urlsplit(lab.WEBSOCKET)
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=10)) as connection:
        connection.request("GET", address.path, headers=asked)
        assert connection.getresponse().status == 101
