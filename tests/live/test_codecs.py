"""Codecs, encryption and transports through Asterisk: what is chosen, and that tones come through at their level."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import tone_level_dbfs
from ivr.testing.sip_peer.sdp import parse_sdp
from tests.lab import control
from tests.live.bots import HEARD_HZ, MENU_HZ, LiveBot, answered, caller, hears, live, running_bot
from tests.ports import ports_of

pytestmark = pytest.mark.live

(DIRECT_PORT,) = ports_of("codecs", 1)
SENT_DBFS = -17.0
"""Level of the prompts' tones: -20 dBFS RMS is what prompts are brought to, and a sine's RMS is 3 dB below its peak."""


@pytest.fixture(scope="module")
def trunk_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Behind the trunk that offers each codec alone; encryption is taken when it is offered."""
    with running_bot(tmp_path_factory.mktemp("trunk"), control.TRUNK_PORT, srtp="optional") as bot:
        yield bot


async def _level_dbfs(call: PeerCall) -> float:
    """Level of the menu's tone, measured over half a second in the middle of it."""
    start_s = await hears(call, MENU_HZ)
    await hears(call, MENU_HZ, after_s=start_s + 0.7)
    begin = round((start_s + 0.1) * 8000)
    return tone_level_dbfs(call.received_audio()[begin : begin + 4000], MENU_HZ)


FORMATS = {"PCMA": "alaw", "PCMU": "ulaw", "G722": "g722", "SRTP": "", "TCP": "", "anonymous": ""}


@pytest.mark.parametrize(
    ("number", "kind"), [(121, "PCMA"), (122, "PCMU"), (123, "G722"), (126, "SRTP"), (127, "TCP"), (128, "anonymous")]
)
@live
async def test_prompts_keep_their_level_and_keys_are_heard(trunk_bot: LiveBot, number: int, kind: str) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(number)))
        assert await _level_dbfs(call) == pytest.approx(SENT_DBFS, abs=1.0)
        assert FORMATS[kind] in control.asterisk_cli("pjsip show channelstats").replace("to-ivr", ""), "another codec"
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])


@pytest.mark.parametrize("number", [124, 125])
@live
async def test_a_codec_that_is_not_configured_is_refused(trunk_bot: LiveBot, number: int) -> None:
    async with caller() as phone:
        call = await phone.dial(control.number(number))
        assert call.status == 488


@live
async def test_a_caller_without_a_number_is_recorded_as_anonymous(trunk_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(128)))
        await hears(call, MENU_HZ)
    assert trunk_bot.calls(1)[0]["ani"] in ("", "anonymous")


@live
async def test_the_configured_order_decides_in_answers_and_in_the_bots_own_offers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An offer's order is a preference only (RFC 3264 §6.1); an INVITE without SDP makes the bot offer."""
    with running_bot(tmp_path_factory.mktemp("order"), DIRECT_PORT, codecs=["PCMA", "PCMU"]) as bot:
        async with SipPeer(codecs=("G722", "PCMU", "PCMA")) as phone:
            call = await answered(phone.dial(bot.uri))
            assert call.codec == "PCMA"
            await hears(call, MENU_HZ)
            asked = await answered(phone.dial(bot.uri, late_offer=True))
            assert asked.final is not None
            assert [name for _, name in parse_sdp(asked.final.body).codecs] == ["PCMA", "PCMU"]
            await hears(asked, MENU_HZ)


@live
async def test_where_encryption_is_mandatory_plain_audio_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_bot(tmp_path_factory.mktemp("mandatory"), DIRECT_PORT, srtp="mandatory") as bot:
        async with SipPeer() as phone:
            assert (await phone.dial(bot.uri)).status in (488, 406)
