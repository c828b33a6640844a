"""Keys as packets and requests of every odd kind, against the running user agent: none is lost, none is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from ivr.ports import DialRequest, DtmfMethod, KeyPressed, LegAnswered
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.rtp import EVENT_DIGITS, RtpPacket, TelephoneEvent, pack_event, pack_rtp
from tests.sip.bot import Bot, scenario
from tests.waiting import until

pytestmark = pytest.mark.adapter

RELAY = "application/dtmf-relay"
PACE_S = 0.02


@dataclass(frozen=True)
class Event:
    """A telephone-event packet; `order` is its place among the sequence numbers."""

    digit: str
    timestamp: int
    duration: int
    order: int
    is_end: bool = False

    @property
    def ends_at(self) -> int:
        """On the sender's clock, when the packet is sent."""
        return self.timestamp + self.duration


def press(digit: str, timestamp: int, order: int, packets: int = 5, end_packets: int = 3) -> list[Event]:
    """The packets of a press of 20 ms per packet."""
    events = [Event(digit, timestamp, 160 * (number + 1), order + number) for number in range(packets)]
    last = events[-1]
    ends = [Event(digit, timestamp, last.duration + 160, order + packets + extra, True) for extra in range(end_packets)]
    return events + ends


ONE, TWO = press("1", 0, 0), press("2", 1600, 10)
AGAIN = press("1", 1600, 10)
SCENES: dict[str, tuple[str, Sequence[Event]]] = {
    "all of two": ("12", [*ONE, *TWO]),
    "the same key twice": ("11", [*ONE, *AGAIN]),
    "starts lost": ("12", [*ONE[4:], *TWO[4:]]),
    "one end is all that came": ("1", ONE[-1:]),
    "all ends lost": ("12", [*ONE[:5], *TWO[:5]]),
    "all ends lost, the same key": ("11", [*ONE[:5], *AGAIN[:5]]),
    "ends and the next start lost, the same key": ("11", [*ONE[:1], *AGAIN[2:]]),
    "reversed within the press": ("1", ONE[::-1]),
    "the end before the start": ("1", [ONE[-1], *ONE[:3]]),
    "ends after the next key began": ("12", [*ONE[:5], *TWO[:2], *ONE[5:], *TWO[2:]]),
    "every packet twice": ("11", [event for event in [*ONE, *AGAIN] for _ in range(2)]),
    "held for ten seconds in two segments": (
        "1",
        [Event("1", 0, 65375, 0), Event("1", 0, 65535, 1), *press("1", 65535, 2)],
    ),
}


async def talking(bot: Bot, phone: SipPeer) -> PeerCall:
    """A call that has sent some audio and is silent now, its sequence numbers free."""
    call = await phone.dial(bot.uri)
    await bot.wait(LegAnswered)
    await until(lambda: len(call.stream.sent) >= 3, "audio of the caller")
    call.stream.is_sending = False
    return call


async def send(call: PeerCall, events: Sequence[Event]) -> None:
    """Send the packets one after the other, each at its own time; one that comes too late at the pace of the others."""
    assert call.remote_sdp is not None and call.remote_sdp.event_payload_type is not None
    first, begin = call.stream.take_sequence(100), 160 * len(call.stream.sent) + 80_000
    previous = events[0]
    for event in events:
        await asyncio.sleep(max(PACE_S, (event.ends_at - previous.ends_at) / 8000))
        previous = event
        payload = pack_event(TelephoneEvent(EVENT_DIGITS.index(event.digit), event.is_end, 10, event.duration))
        packet = RtpPacket(
            call.remote_sdp.event_payload_type, first + event.order, begin + event.timestamp, call.stream.ssrc, payload
        )
        call.stream.send_raw(pack_rtp(packet))
    await asyncio.sleep(0.1)


def pressed(bot: Bot) -> str:
    """The keys reported so far."""
    return "".join(event.digit for event in bot.seen(KeyPressed))


@pytest.mark.parametrize("name", SCENES)
def test_no_key_is_lost_or_doubled(name: str) -> None:
    expected, events = SCENES[name]

    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            await send(await talking(bot, phone), events)
            assert pressed(bot) == expected

    run()


@scenario
async def test_event_packets_that_are_none_are_ignored() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await talking(bot, phone)
        assert call.remote_sdp is not None and call.remote_sdp.event_payload_type is not None
        for payload in (b"", b"\x01", b"\x01\x0a\x00", b"\xc8\x0a\x00\xa0", b"\x10\x0a\x00\xa0", b"\xff" * 300):
            number = call.stream.take_sequence()
            packet = RtpPacket(call.remote_sdp.event_payload_type, number, 90_000, call.stream.ssrc, payload)
            call.stream.send_raw(pack_rtp(packet))
        call.stream.is_sending = True
        phone.rtp.wake()
        await call.press("8")
        await bot.wait(KeyPressed)
        assert pressed(bot) == "8"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "key"),
    [
        (b"Signal=9", RELAY, 200, "9"),  # the library aborts the process over this one
        (b"Signal= 5\r\nDuration= 160\r\n", RELAY, 200, "5"),
        (b"signal=10\r\n", RELAY, 200, "*"),
        (b"Duration=", RELAY, 400, ""),
        (b"Signal=", RELAY, 400, ""),
        (b"Signal=\xff\x00\xfe", RELAY, 400, ""),
        (b"#", "application/dtmf", 200, "#"),
        (b"<to_encoder/>", "application/media_control+xml", 415, ""),
        (b"", "", 200, ""),
    ],
)
def test_an_info_of_any_form_gets_its_answer_and_its_key(body: bytes, content_type: str, status: int, key: str) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call = await phone.dial(bot.uri)
            await bot.wait(LegAnswered)
            assert (await call.send_request("INFO", body=body, content_type=content_type)).status == status
            assert (await call.send_request("INFO", body=b"Signal=1", content_type=RELAY)).status == 200
            await bot.wait(KeyPressed, count=len(key) + 1)
            assert pressed(bot) == f"{key}1"
            assert (await call.reinvite()).status == 200  # its CSeq follows those of the INFOs

    run()


@scenario
async def test_an_info_that_is_repeated_is_answered_again_and_pressed_once() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        data = _info(call, "Signal=4")
        for _ in range(3):
            phone.send_raw(data, call.dialog.address)
            assert b" 200 " in (await phone.raw_response(containing=b"INFO")).data
        await bot.wait(KeyPressed)
        await call.press("5", method="info")
        await bot.wait(KeyPressed, count=2)
        assert pressed(bot) == "45"


@scenario
async def test_an_info_with_another_tag_presses_no_key_of_the_call() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        own = call.dialog.local.rpartition("tag=")[2].encode()
        for data in (_info(call, "Signal=4").replace(own, b"stranger"), _info(call, "Signal=4", has_tag=False)):
            phone.send_raw(data, call.dialog.address)
            assert b" 481 " in (await phone.raw_response(containing=b"INFO")).data
        await call.press("5", method="info")
        await bot.wait(KeyPressed)
        assert pressed(bot) == "5"


def _info(call: PeerCall, body: str, *, has_tag: bool = True) -> bytes:
    request = call.dialog.request("INFO")
    if not has_tag:
        request.headers.set("To", request.headers.need("To").split(";tag=")[0])
    request.headers.set("Content-Type", RELAY)
    request.body = body.encode()
    return request.to_bytes()


@scenario
async def test_keys_by_info_on_a_call_that_we_made_count() -> None:
    async with Bot() as bot, SipPeer() as phone:
        bot.telephony.dial(DialRequest(phone.uri))
        call = await phone.wait_call()
        await bot.wait(LegAnswered)
        await call.press("6", method="info")
        event = await bot.wait(KeyPressed)
        assert (event.digit, event.method) == ("6", DtmfMethod.SIP_INFO)
