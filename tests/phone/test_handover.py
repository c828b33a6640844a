"""The demonstration for real: the bot hands a caller's `ivr call` over to an agent's `ivr call --answer`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.testing.sip_peer.measure import spans_of_tone, tone
from ivr.testing.sip_peer.recording import write_wav
from ivr.testing.sip_peer.waiting import poll
from tests.free_port import free_udp_port
from tests.phone.telephones import Telephone
from tests.phone.test_call import scenario, stereo

pytestmark = pytest.mark.adapter

PROJECT_DIR = Path(__file__).parents[2]
SETTINGS = """
sip: {{address: 127.0.0.1, port: {port}, rtp_port: 12000, rtp_port_count: 100}}
flows: {flows}
sounds: {sounds}
default_flow: demo
targets:
  agent: {{sip: "{agent}"}}
speech: {{cache_dir: "{cache}"}}
database: {{url: "sqlite:///{folder}/calls.db", spool_dir: "{folder}/spool"}}
"""


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("cache")


async def start_bot(folder: Path, agent_uri: str, cache: Path) -> tuple[asyncio.subprocess.Process, str]:
    """A serving bot and how to call it."""
    port = free_udp_port()
    config = folder / "ivr.yaml"
    config.write_text(
        SETTINGS.format(
            port=port, agent=agent_uri, folder=folder, cache=cache,
            flows=PROJECT_DIR / "flows", sounds=PROJECT_DIR / "sounds",
        )
    )  # fmt: skip
    output = folder / "bot.log"
    with output.open("wb") as file:
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from ivr.cli.main import app; app()", "serve", "--config", str(config),
            stdout=file, stderr=file, cwd=folder,
        )  # fmt: skip
    await poll(lambda: True if "\nready sip:" in output.read_text() else None, 40, output.read_text)
    return bot, f"sip:demo@127.0.0.1:{port}"


@pytest.mark.parametrize("bot_dies", [False, True])
@scenario
async def test_caller_and_agent_talk_directly_after_the_hand_over(
    bot_dies: bool, tmp_path: Path, cache_dir: Path
) -> None:
    caller_beep, agent_beep = tmp_path / "440.wav", tmp_path / "1000.wav"
    write_wav(caller_beep, tone(440, 3.0))
    write_wav(agent_beep, tone(1000, 3.0))
    caller_record, agent_record = tmp_path / "caller.wav", tmp_path / "agent.wav"
    async with Telephone(
        "--answer", "--user", "agent", "--ring", "0.5", "--calls", "1", "--json", "--no-listen",
        "--wait", "4", "--at-once", "--play", agent_beep, "--record", agent_record,
    ) as agent:  # fmt: skip
        bot, uri = await start_bot(tmp_path, await agent.ready_uri(), cache_dir)
        try:
            async with Telephone(
                uri, "--at-once", "--press", "3", "--wait", "9", "--at-once", "--play", caller_beep,
                "--record", caller_record, "--duration", "15", "--json", "--no-listen",
            ) as caller:  # fmt: skip
                await caller.said("connected with the new party", 20)
                if bot_dies:
                    await asyncio.sleep(1.0)
                    bot.kill()
                assert await caller.status(40) == 0, caller.errors
                assert await agent.status(10) == 0, agent.errors
        finally:
            if bot.returncode is None and not bot_dies:
                bot.send_signal(signal.SIGTERM)
            await bot.wait()
    assert caller.report["transferred"] is True
    assert agent.report["transferred"] is True
    assert agent.report["ended_by"] == "remote"
    for record, own_hz, other_hz in ((caller_record, 440, 1000), (agent_record, 1000, 440)):
        sent, heard = stereo(record)
        assert [end - begin for begin, end in spans_of_tone(sent, own_hz)] == [pytest.approx(3.0, abs=0.06)]
        assert [end - begin for begin, end in spans_of_tone(heard, other_hz)] == [pytest.approx(3.0, abs=0.06)]
