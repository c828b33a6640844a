"""A worker that fronts of several nodes lead calls to: nobody else gets a word out of it."""

from __future__ import annotations

import pytest

from ivr.testing.sip_peer import SipPeer
from tests.ports import ports_of
from tests.sip.bot import Bot, scenario, settings

pytestmark = pytest.mark.adapter

OWN_FRONT, OTHER_FRONT = ports_of("strangers", 2)


@scenario
async def test_both_fronts_are_answered_and_strangers_get_no_word() -> None:
    given = settings(front=f"127.0.0.1:{OWN_FRONT}", other_fronts=(f"127.0.0.1:{OTHER_FRONT}",))
    async with Bot(given) as bot:
        for port in (OWN_FRONT, OTHER_FRONT):
            async with SipPeer(port=port) as front:
                call = await front.dial(bot.uri, timeout_s=3)
                assert call.is_answered, port
                await call.hang_up()
        for transport in ("udp", "tcp"):
            async with SipPeer(transport=transport) as stranger:
                call = await stranger.invite(bot.uri)
                with pytest.raises(TimeoutError):
                    await call.wait_provisional(100, 0.5)
                call.abandon()
