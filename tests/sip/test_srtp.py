"""Encrypted audio between two processes, because one process can hold one library."""

from __future__ import annotations

import asyncio
import sys

import pytest

from ivr.ports import DialRequest, LegAnswered
from tests.sip.bot import Bot, Ear, scenario, settings, until

pytestmark = pytest.mark.adapter

PEER = """
import asyncio, sys
from pathlib import Path
from ivr.ports import LegAnswered
from tests.sip.bot import Bot, settings, write_tone

async def main() -> None:
    async with Bot(settings(srtp=sys.argv[1], rtp_port=16000)) as bot:
        print(bot.telephony.port, flush=True)
        leg_id = (await bot.wait(LegAnswered, timeout_s=20)).leg_id
        bot.telephony.play(leg_id, "tone", [write_tone(Path(sys.argv[2]), 500, 2.0)])
        await asyncio.sleep(1.5)

asyncio.run(main())
"""


@pytest.mark.parametrize(("ours", "theirs"), [("mandatory", "mandatory"), ("mandatory", "optional")])
def test_encrypted_audio_is_heard(ours: str, theirs: str, tmp_path: object) -> None:
    @scenario
    async def run() -> None:
        command = [sys.executable, "-c", PEER, theirs, f"{tmp_path}/tone.wav"]
        peer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            assert peer.stdout is not None
            port = int(await peer.stdout.readline())
            async with Bot(settings(srtp=ours)) as bot:
                leg_id = bot.telephony.dial(DialRequest(f"sip:1@127.0.0.1:{port}"))
                ear = Ear()
                bot.telephony.listen(leg_id, ear)
                await bot.wait(LegAnswered, leg_id)
                await until(lambda: max(ear.samples(), default=0) > 4000, "decrypted tone")
            assert await asyncio.wait_for(peer.wait(), 10) == 0
        finally:
            if peer.returncode is None:
                peer.kill()
                await peer.wait()

    run()
