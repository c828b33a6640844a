"""Flows that are edited while the bot runs: real calls hear which version they are in."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.flow.loader import content_version
from ivr.publishing.worker_state import FlowState, living_workers
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav
from tests.live.bots import (
    HEARD_HZ,
    IVR,
    MENU_HZ,
    LiveBot,
    answered,
    hears,
    live,
    now_s,
    serving,
    write_project,
)
from tests.ports import ports_of
from tests.waiting import until

pytestmark = pytest.mark.live

(PORT,) = ports_of("publishing", 1)
OLD_HZ, NEW_HZ, DRAFT_HZ = HEARD_HZ["sales"], HEARD_HZ["agent"], HEARD_HZ["message"]
LIMIT_S = 2.0
"""From the editor's save to the first call that takes it."""


def shop(hz: int, **more: Any) -> str:
    """A flow whose every prompt is one tone; key 1 repeats it."""
    sound = f"sounds/t{hz}.wav"
    menu = {"prompt": sound, "choices": {"again": {"keys": "1", "go": "again"}, "bye": {"keys": "9", "go": "hang_up"}}}
    flow = {
        "flow": "shop",
        "language": "en-US",
        "start": "main",
        "defaults": {"first_input_timeout": "30s", "failed": "hang_up"},
        "steps": {"main": {"menu": menu}, "again": {"say": sound, "next": "main"}, **more},
    }
    return yaml.safe_dump(flow, sort_keys=False)


@contextmanager
def shop_bot(folder: Path, text: str, **publishing: Any) -> Iterator[LiveBot]:
    """A bot that serves `shop`, and its draft at 901."""
    numbers = {"shop": {"flow": "shop"}, "901": {"flow": "shop+draft"}}
    write_project(folder, PORT, settings={"numbers": numbers, "publishing": publishing})
    flow_file(folder).write_text(text)
    with serving(folder, PORT) as bot:
        yield bot


def flow_file(folder: Path) -> Path:
    return folder / "flows" / "shop.yaml"


def write_draft(folder: Path) -> None:
    drafts = folder / "flows" / "drafts"
    drafts.mkdir()
    (drafts / "shop.yaml").write_text(shop(DRAFT_HZ))


def state_of(bot: LiveBot, name: str = "shop") -> FlowState:
    (worker,) = living_workers(bot.folder / "var" / "flows")
    return worker.flows.get(name, FlowState("", ""))


async def taken(bot: LiveBot, text: str, name: str = "shop") -> float:
    """Wait until a flow is in service; how long that took, in seconds."""
    begun_s, version = time.monotonic(), content_version(text)
    await until(lambda: state_of(bot, name).version == version, f"{name} {version} in service", shown=bot.log)
    return time.monotonic() - begun_s


async def ring(phone: SipPeer, bot: LiveBot, user: str = "shop") -> PeerCall:
    return await answered(phone.dial(bot.uri.replace("live@", f"{user}@")))


async def next_call_hears(bot: LiveBot, hz: int, user: str = "shop") -> None:
    async with SipPeer(user="next") as phone:
        await hears(await ring(phone, bot, user), hz, within_s=4.0)


def flows(bot: LiveBot, *arguments: str) -> Any:
    """What `ivr flows … --json` says."""
    command = [str(IVR), "flows", *arguments, "--json", "--config", str(bot.folder / "ivr.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@live
async def test_a_call_in_progress_keeps_its_version_and_the_next_one_takes_the_new_one(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ)) as bot:
        async with SipPeer(user="one") as phone:
            call = await ring(phone, bot)
            await hears(call, OLD_HZ)
            flow_file(bot.folder).write_text(shop(NEW_HZ))
            assert await taken(bot, shop(NEW_HZ)) < LIMIT_S
            await next_call_hears(bot, NEW_HZ)
            pressed_s = now_s(call)
            await call.press("1")
            await hears(call, OLD_HZ, after_s=pressed_s)
        assert bot.record_of("one")["flow_version"] == content_version(shop(OLD_HZ))
        assert bot.record_of("next")["flow_version"] == content_version(shop(NEW_HZ))


@live
async def test_a_bad_edit_leaves_the_old_version_and_is_told(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ)) as bot:
        flow_file(bot.folder).write_text(shop(NEW_HZ).replace("next: main", "next: mian"))
        await until(lambda: bool(state_of(bot).problems), "the problem is seen", shown=bot.log)
        await next_call_hears(bot, OLD_HZ)
        (row,) = [row for row in (await asyncio.to_thread(flows, bot))["flows"] if row["name"] == "shop"]
        assert row["version"] == content_version(shop(OLD_HZ))
        assert [problem["message"] for problem in row["problems"]] == ["there is no step 'mian'; did you mean 'main'?"]
        assert row["calls_today"] == 1
        assert "mian" in bot.log()
    with serving(bot.folder, PORT) as again:  # and a restart changes nothing of that
        await next_call_hears(again, OLD_HZ)


@live
async def test_rollback_brings_the_old_version_back_into_file_and_service(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ)) as bot:
        flow_file(bot.folder).write_text(shop(NEW_HZ))
        await taken(bot, shop(NEW_HZ))
        await asyncio.to_thread(flows, bot, "rollback", "shop")
        assert flow_file(bot.folder).read_text() == shop(OLD_HZ)
        await taken(bot, shop(OLD_HZ))
        await next_call_hears(bot, OLD_HZ)
        history = await asyncio.to_thread(flows, bot, "versions", "shop")
        assert [entry["how"] for entry in history] == ["rolled back", "edited", "first seen"]


@live
async def test_a_rollback_and_a_call_to_the_draft_leave_the_call_in_progress_its_version(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ)) as bot:
        write_draft(bot.folder)
        flow_file(bot.folder).write_text(shop(NEW_HZ))
        await taken(bot, shop(NEW_HZ))
        await taken(bot, shop(DRAFT_HZ), "shop+draft")
        async with SipPeer(user="one") as phone:
            call = await ring(phone, bot)
            await hears(call, NEW_HZ)
            await next_call_hears(bot, DRAFT_HZ, "shop+draft")
            await asyncio.to_thread(flows, bot, "rollback", "shop")
            await taken(bot, shop(OLD_HZ))
            await next_call_hears(bot, OLD_HZ)
            pressed_s = now_s(call)
            await call.press("1")
            await hears(call, NEW_HZ, after_s=pressed_s)
        assert bot.record_of("one")["flow_version"] == content_version(shop(NEW_HZ))
        assert bot.record_of("next")["flow_version"] == content_version(shop(OLD_HZ))


@live
async def test_a_draft_is_called_at_its_own_number_and_published(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ)) as bot:
        write_draft(bot.folder)
        await taken(bot, shop(DRAFT_HZ), "shop+draft")
        for number in ("shop+draft", "901"):
            await next_call_hears(bot, DRAFT_HZ, number)
        await next_call_hears(bot, OLD_HZ)
        await asyncio.to_thread(flows, bot, "publish", "shop")
        await taken(bot, shop(DRAFT_HZ))
        await next_call_hears(bot, DRAFT_HZ)
        async with SipPeer() as phone:
            await until(lambda: not state_of(bot, "shop+draft").version, "the draft is gone")
            assert (await phone.dial(bot.uri.replace("live@", "shop+draft@"))).status == 480


@live
async def test_with_manual_publishing_a_changed_file_waits(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ), publish="manual") as bot:
        flow_file(bot.folder).write_text(shop(NEW_HZ))
        await until(lambda: state_of(bot).newer == content_version(shop(NEW_HZ)), "the file waits", shown=bot.log)
        await next_call_hears(bot, OLD_HZ)
        await asyncio.to_thread(flows, bot, "publish", "shop")
        await taken(bot, shop(NEW_HZ))
        await next_call_hears(bot, NEW_HZ)
        assert state_of(bot).newer == ""


@live
async def test_a_recording_that_appears_brings_its_flow_into_service(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(1333)) as bot:
        async with SipPeer() as phone:
            assert (await phone.dial(bot.uri.replace("live@", "shop@"))).status == 480
        write_wav(bot.folder / "sounds" / "t1333.wav", tone(1333, 0.6))
        await taken(bot, shop(1333))
        await next_call_hears(bot, 1333)


@live
async def test_sighup_takes_the_files_and_the_bot_goes_on(tmp_path: Path) -> None:
    with shop_bot(tmp_path / "bot", shop(OLD_HZ), look_every="0s") as bot:
        flow_file(bot.folder).write_text(shop(NEW_HZ))
        bot.process.send_signal(signal.SIGHUP)
        await taken(bot, shop(NEW_HZ))
        await next_call_hears(bot, NEW_HZ)
        await next_call_hears(bot, MENU_HZ, "live")
