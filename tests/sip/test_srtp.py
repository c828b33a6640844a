"""Encrypted audio between two processes, because one process can hold one library."""

from __future__ import annotations

import asyncio
import sys

import pytest

from ivr.ports import DialRequest, LegAnswered
from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.message import SipResponse, parse_message
from ivr.testing.sip_peer.sdp import build_offer
from tests.sip.bot import Bot, Ear, scenario, settings
from tests.waiting import until

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


KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
HOSTILE = [
    "a=crypto:",
    "a=crypto:1",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:!!!!",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 2000,
    "a=crypto:-1 NO_SUCH_SUITE inline:" + KEY,
    "a=crypto:99999999999999999999 AES_CM_128_HMAC_SHA1_80 clear:" + KEY,
    "a=crypto:1 " + "X" * 300 + " inline:" + KEY,
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY + "|2^99999|1:9999",
]


@scenario
async def test_whatever_a_line_about_keys_says_it_is_answered_and_the_process_lives() -> None:
    statuses = {}
    async with Bot(settings(srtp="mandatory", trusted_peers=("127.0.0.1",))) as bot, SipPeer() as phone:
        for line in HOSTILE:
            body = build_offer("127.0.0.1", 9, ("PCMU",)).replace(b"RTP/AVP", b"RTP/SAVP") + f"{line}\r\n".encode()
            invite = phone.invite_text(bot.uri, body=body)
            phone.send_raw(invite, ("127.0.0.1", bot.telephony.port))
            final = None
            call_id = parse_message(invite).headers.need("Call-ID")
            while final is None or final.status < 200 or final.headers.get("Call-ID") != call_id:
                message = parse_message((await phone.raw_response(5)).data)
                final = message if isinstance(message, SipResponse) else None
            statuses[line[:60]] = final.status
        assert (await phone.options(("127.0.0.1", bot.telephony.port))).status == 200
    assert set(list(statuses.values())[:-1]) <= {400, 406, 488}, statuses
    assert list(statuses.values())[-1] in {200, 400, 406, 488}, "a key that is right, with a lifetime that is not"
