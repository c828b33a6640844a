"""What `ivr serve` promises: one line when it is ready, a clean end, and a reason for what does not work."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.testing.sip_peer import SipPeer
from tests.live.bots import (
    HEARD_HZ,
    IVR,
    MENU_HZ,
    SPEECH,
    LiveBot,
    answered,
    greeted,
    hears,
    live,
    running_bot,
    serving,
    write_project,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

(PORT,) = ports_of("serve", 1)
END_LIMIT_S = 5.0


def _failed_start(folder: Path) -> str:
    """What a bot that cannot start prints; it must exit with 1 and without a traceback."""
    done = subprocess.run(
        [IVR, "serve", "--config", str(folder / "ivr.yaml")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=folder,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed
    assert "Traceback" not in printed
    assert "ready sip:" not in printed
    return printed


@live
async def test_sigterm_says_goodbye_to_callers_and_ends_in_time(tmp_path: Path) -> None:
    with running_bot(tmp_path / "bot", PORT) as bot:
        ready = [line for line in (bot.folder / "out.txt").read_text().splitlines() if line.startswith("ready ")]
        assert ready == [f"ready sip:live@127.0.0.1:{PORT}"]
        async with SipPeer(user="one") as one, SipPeer(user="two") as two:
            calls = [await answered(phone.dial(bot.uri)) for phone in (one, two)]
            await hears(calls[0], MENU_HZ)
            begun_s = time.monotonic()
            status = await asyncio.to_thread(bot.stop)
            took_s = time.monotonic() - begun_s
            for call in calls:
                await call.wait_ended(1)
                assert call.requests_of("BYE"), "no BYE"
        assert status == 0
        assert took_s < END_LIMIT_S
        records = [bot.record_of(user) for user in ("one", "two")]
        assert {(record["end_reason"], record["ended_by"]) for record in records} == {("bot_hung_up", "bot")}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free_again:
        free_again.bind(("127.0.0.1", PORT))


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    write_project(tmp_path / "bot", PORT)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", PORT))
        printed = _failed_start(tmp_path / "bot")
    assert f"127.0.0.1:{PORT}" in printed
    assert "taken by another program" in printed


def test_an_unknown_key_is_shown_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "bot"
    write_project(folder, PORT)
    text = (folder / "ivr.yaml").read_text()
    (folder / "ivr.yaml").write_text(text + "volume: 11\n")
    line = text.count("\n") + 1
    assert re.search(rf"ivr\.yaml:{line}:1: .*volume", _failed_start(folder))


@live
async def test_a_broken_flow_is_told_and_the_others_are_served(tmp_path: Path) -> None:
    folder = tmp_path / "bot"
    write_project(folder, PORT, settings={"numbers": {"77": {"flow": "broken"}}})
    broken = {"flow": "broken", "start": "hello", "steps": {"hello": {"say": "Hello.", "next": "nowhere"}}}
    (folder / "flows" / "broken.yaml").write_text(yaml.safe_dump(broken))
    (folder / "flows" / "torn.yaml").write_text("flow: [unfinished\n")
    with serving(folder, PORT) as bot:
        await greeted(bot)
        async with SipPeer() as phone:
            assert (await phone.dial(bot.uri.replace("live@", "77@"))).status == 480
        assert re.search(r"broken\.yaml:\d+:\d+: .*nowhere", bot.log())
        assert re.search(r"torn\.yaml:\d+:\d+", bot.log())


@live
async def test_a_missing_sound_keeps_its_flow_out_and_not_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "bot"
    say: dict[str, Any] = {"hello": {"say": "sounds/absent.wav", "next": "bye"}, "bye": {"hang_up": True}}
    silent = {"flow": "silent", "start": "hello", "steps": say}
    with running_bot(folder, PORT, flows=[silent]) as bot:
        await greeted(bot)
        assert re.search(r"silent\.yaml:\d+:\d+: .*absent\.wav", bot.log())


@live
async def test_without_its_model_the_bot_goes_on_with_keys(tmp_path: Path) -> None:
    folder = tmp_path / "bot"
    speech = {"cache_dir": str(folder / "cache"), "models": {"en": str(folder / "no-such-model")}}
    with running_bot(folder, PORT, settings={"speech": speech}) as bot:
        assert "no-such-model" in bot.log()
        assert "ivr models" in bot.log()
        await _keys_work(bot)


async def _keys_work(bot: LiveBot) -> None:
    async with SipPeer() as phone:
        call = await answered(phone.dial(bot.uri))
        await hears(call, MENU_HZ)
        call.send_wav(SPEECH / "spy-agent.wav")
        await asyncio.sleep(0.5)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])


@live
async def test_without_its_database_the_bot_answers_and_keeps_the_records(tmp_path: Path) -> None:
    folder = tmp_path / "bot"
    url = {"url": "postgresql+psycopg://ivr@127.0.0.1:5999/calls"}
    with running_bot(folder, PORT, settings={"database": url}) as bot:
        await _keys_work(bot)
        await asyncio.sleep(0.5)
        assert "call records" in bot.log()
        assert any(file.stat().st_size for file in (folder / "var" / "spool").rglob("*") if file.is_file())


@live
async def test_without_a_synthesizer_recordings_are_played(tmp_path: Path) -> None:
    folder = tmp_path / "bot"
    speech = {"cache_dir": str(folder / "cache"), "synthesizer": "none", "recognizer": "none"}
    with running_bot(folder, PORT, settings={"speech": speech}) as bot:
        await _keys_work(bot)
