"""A supervisor in a talk through Asterisk: listens, whispers, joins, and leaves it as it was."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import ModuleType

import pytest
from playwright.async_api import expect

from ivr.ports.people import Role, User
from ivr.storage.people import PeopleRepository
from ivr.testing.sip_peer import PeerCall, RingForever
from ivr.testing.sip_peer.measure import spans_of_tone
from ivr.web.passwords import hashed
from tests.lab import control
from tests.live.bots import (
    IVR,
    MENU_HZ,
    LiveBot,
    answered,
    caller,
    hears,
    key_for,
    live,
    now_s,
    running_bot,
    wait_until,
)
from tests.live.test_desk import pages
from tests.ports import ports_of

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("switch_is_empty")]

DESK, PASSWORD = f"127.0.0.1:{ports_of('monitoring', 1)[0]}", "a-long-password"
TONES = {"caller": 440, "person": 1330, "supervisor": 880}


@pytest.fixture(scope="module")
def bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that allows it, and two supervisors: one has a telephone, the other's is not there."""
    settings = {"monitoring": {"allowed": True, "ring_for": "15s"}}
    folder, environ = tmp_path_factory.mktemp("monitored"), {"IVR_WEB__LISTEN": DESK}
    with running_bot(folder, control.RTP_TRUNK_PORT, environ=environ, settings=settings) as running:
        for name, number in (("eva", 2002), ("otto", 2999)):
            _ivr(running, "agents", "add", name, "--sip", control.number(number))
        with PeopleRepository(f"sqlite:///{folder}/var/calls.db") as people:
            people.add(User("eva", Role.SUPERVISOR, "", datetime.now(UTC)), hashed(PASSWORD))
        yield running


def _ivr(bot: LiveBot, *arguments: str) -> str:
    """What a command prints; with its exit status where that is not 0."""
    command = [str(IVR), *arguments, "--config", str(bot.folder / "ivr.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=bot.folder)
    return done.stdout if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"


async def _monitor(bot: LiveBot, name: str, mode: str) -> str:
    call_id = bot.offered()[-1]
    return await asyncio.to_thread(_ivr, bot, "monitor", call_id, "--as", name, "--mode", mode)


@asynccontextmanager
async def _talk(mode: str = "bridge") -> AsyncIterator[tuple[PeerCall, PeerCall]]:
    """Caller and person, who hear each other through the bot."""
    async with caller("agent1") as desk, caller() as phone:
        await desk.register()
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press(key_for("phone", mode), duration_ms=60, gap_ms=60)
        person = await desk.wait_call(8)
        await person.wait_answered(5)
        await asyncio.sleep(1.0)  # a whisper of the flow
        person.send_tone(TONES["person"], 1.0)
        await hears(call, TONES["person"])
        yield call, person
        await call.hang_up()
        await person.wait_ended(5)


async def _hearers(talkers: Mapping[str, PeerCall]) -> dict[str, list[str]]:
    """Who hears whom: each speaks for a moment while the others are silent."""
    await asyncio.sleep(1.2)  # what was sent before is over
    heard = {}
    for talker, call in talkers.items():
        since_s = {name: now_s(each) for name, each in talkers.items()}
        await call.send_tone(TONES[talker], 1.0).wait()
        await asyncio.sleep(0.6)
        heard[talker] = [
            name
            for name, each in talkers.items()
            if name != talker
            and any(span[1] > since_s[name] for span in spans_of_tone(each.received_audio(), TONES[talker]))
        ]
    return heard


@live
async def test_a_supervisor_listens_whispers_joins_and_the_talk_goes_on_without_him(bot: LiveBot) -> None:
    async with caller("agent2") as desk, _talk() as (call, person):
        await desk.register()
        told = await _monitor(bot, "eva", "listen")
        assert told == f"eva takes part in {bot.offered()[-1]}: listen\n"
        supervisor = await desk.wait_call(1)
        talkers = {"caller": call, "person": person, "supervisor": supervisor}
        assert await _hearers(talkers) == {
            "caller": ["person", "supervisor"],
            "person": ["caller", "supervisor"],
            "supervisor": [],
        }
        await _monitor(bot, "eva", "whisper")
        assert (await _hearers(talkers))["supervisor"] == ["person"]
        await _monitor(bot, "eva", "join")
        assert (await _hearers(talkers))["supervisor"] == ["caller", "person"]
        await supervisor.hang_up()
        del talkers["supervisor"]
        assert await _hearers(talkers) == {"caller": ["person"], "person": ["caller"]}
    record = await asyncio.to_thread(bot.record_of, "caller")
    lines = [(line["meaning"], line["outcome"]) for line in record["steps"] if line["kind"] == "monitor"]
    assert lines == [("eva", "listen"), ("eva", "whisper"), ("eva", "join")]
    assert record["end_reason"] == "transferred"


@live
async def test_the_supervisors_leg_ends_with_the_talk(bot: LiveBot) -> None:
    async with caller("agent2") as desk:
        await desk.register()
        async with _talk():
            await _monitor(bot, "eva", "listen")
            supervisor = await desk.wait_call(1)
        await supervisor.wait_ended(5)


@live
async def test_a_supervisor_who_is_not_reached_is_told_and_the_talk_goes_on(bot: LiveBot) -> None:
    async with _talk() as (call, person):
        told = await _monitor(bot, "otto", "listen")
        assert told.startswith("exit 1: the telephone of otto was not reached: ")
        assert await _hearers({"caller": call, "person": person}) == {"caller": ["person"], "person": ["caller"]}


@live
async def test_a_talk_that_was_handed_over_cannot_be_listened_to(bot: LiveBot) -> None:
    async with caller("agent2", incoming=RingForever()) as desk, _talk("auto"):
        await desk.register()
        wait_until(lambda: "call_ended" in bot.log().rpartition("call_offered")[2], 10, bot.log)
        told = await _monitor(bot, "eva", "listen")
        assert told.startswith("exit 1: there is no such call in progress; one that was handed over by REFER")


@live
async def test_at_the_desk_a_supervisor_takes_part_by_buttons(bot: LiveBot) -> None:
    async with pages(1) as (page,), caller("agent2") as desk:
        await desk.register()
        await page.goto(f"http://{DESK}")
        await page.get_by_label("Name").fill("eva")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        async with _talk() as (call, person):
            await page.get_by_role("button", name="Listen").click()
            supervisor = await desk.wait_call(8)
            await expect(page.get_by_role("status")).to_have_text("You take part in the talk: listen")
            await page.get_by_role("button", name="Whisper").click()
            await expect(page.get_by_role("status")).to_have_text("You take part in the talk: whisper")
            talkers = {"caller": call, "person": person, "supervisor": supervisor}
            assert (await _hearers(talkers))["supervisor"] == ["person"]
        await supervisor.wait_ended(5)
        await page.goto(f"http://{DESK}/wallboard")
        await expect(page.get_by_text("No calls in progress.")).to_be_visible()
        await expect(page.get_by_role("button", name="Listen")).to_have_count(0)
