"""A supervisor in a talk of one of several workers: the one that has the call is found."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ivr.testing.sip_peer import SipPeer
from tests.live.bots import TARGETS, hears, key_for, live
from tests.live.test_workers import bot_of, call_to, command, serving
from tests.ports import ports_of

pytestmark = pytest.mark.live

PERSON_HZ = 1330


@live
async def test_the_worker_that_has_the_call_lets_the_supervisor_in(tmp_path: Path) -> None:
    person_port, supervisor_port = ports_of("monitoring_workers", 2)
    targets = {name: {"sip": f"sip:person@127.0.0.1:{person_port}"} for name in TARGETS}
    with bot_of(2, tmp_path / "bot", targets=targets, monitoring={"allowed": True}) as bot:
        added = await command(bot, "agents", "add", "eva", "--sip", f"sip:eva@127.0.0.1:{supervisor_port}")
        assert added.returncode == 0, added.stderr
        async with (
            AsyncExitStack() as stack,
            SipPeer(user="person", port=person_port) as desk,
            SipPeer(user="eva", port=supervisor_port) as supervisors,
        ):
            first, second = sorted(worker["sip"] for worker in serving(bot))
            await call_to(stack, "other", first)
            call = await call_to(stack, "talking", second)
            call_id = bot.offered()[-1]
            early = await command(bot, "monitor", call_id, "--as", "eva")
            assert (early.returncode, early.stderr) == (1, "the caller does not talk with a person now\n")
            await call.press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)
            person = await desk.wait_call(10)
            person_tone = person.send_tone(PERSON_HZ, 60.0)
            await hears(call, PERSON_HZ)
            assert person_tone.started_at_s is not None
            done = await command(bot, "monitor", call_id, "--as", "eva")
            assert (done.returncode, done.stdout) == (0, f"eva takes part in {call_id}: listen\n"), done.stderr
            supervisor = await supervisors.wait_call(1)
            await hears(supervisor, PERSON_HZ)
            unknown = await command(bot, "monitor", "another", "--as", "eva")
            assert unknown.returncode == 1 and "there is no such call in progress" in unknown.stderr
            await call.hang_up()
            await asyncio.gather(supervisor.wait_ended(8), person.wait_ended(8))
