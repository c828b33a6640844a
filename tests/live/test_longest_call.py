"""A caller who does nothing for as long as the settings allow is let go with a word."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ivr.testing.sip_peer import SipPeer
from tests.live.bots import answered, live, running_bot
from tests.ports import ports_of

pytestmark = pytest.mark.live

(PORT,) = ports_of("longest_call", 1)
LIMIT_S = 3.0


@live
async def test_a_silent_caller_hears_goodbye_and_the_bot_hangs_up(tmp_path: Path) -> None:
    with running_bot(tmp_path / "bot", PORT, longest_call=f"{LIMIT_S:g}s") as bot:
        async with SipPeer(user="silent") as phone:
            call = await answered(phone.dial(bot.uri))
            await call.wait_ended(LIMIT_S + 12.0)
        record = await asyncio.to_thread(bot.record_of, "silent")
    assert (record["end_reason"], record["ended_by"]) == ("too_long", "bot")
    assert record["talk_s"] > LIMIT_S + 2.0, "the goodbye takes its time"
    assert record["steps"][-1]["outcome"] == "too_long"
