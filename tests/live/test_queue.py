"""Callers who wait in queues, on real calls: music, prompts, agents' telephones, and rows that are gone afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from ivr.acd.agent import Act, Agent, AgentState
from ivr.storage.queues import DatabaseQueues
from ivr.testing.sip_peer import DECLINE, PeerCall, RingForever, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.live.bots import (
    EXIT_HZ,
    HEARD_HZ,
    HOLD_HZ,
    IVR,
    MENU_HZ,
    NO_INPUT_HZ,
    NO_MATCH_HZ,
    WHISPER_HZ,
    LiveBot,
    answered,
    hears,
    live,
    now_s,
    running_bot,
    sound,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

CALLER_HZ, AGENT_HZ = 440, 1330
COMFORT_HZ: Final = NO_MATCH_HZ
ENDS = {
    "full": EXIT_HZ["busy"],
    "too_long": EXIT_HZ["no_answer"],
    "failed": EXIT_HZ["failed"],
    "after": HEARD_HZ["sales"],
    "out": HEARD_HZ["agent"],
    "callback": HEARD_HZ["message"],
}
"""Tone of each way out."""
BOT_PORT, *OTHER_PORTS = ports_of("queue", 4)
PORTS = dict(zip(("anna", "ben", "trunk"), OTHER_PORTS, strict=True))
SALES, AFTER, SMALL, SHORT, BACK = "1", "2", "3", "4", "5"
"""Keys of the menu."""
QUEUES: dict[str, Any] = {
    "sales": {"ring_for": "3s", "wrap_up": "60s"},
    "small": {"max_length": 1},
    "short": {"max_wait": "4s"},
    "back": {
        "ring_for": "5s",
        "callback_via": {"sip": f"sip:{{number}}@127.0.0.1:{PORTS['trunk']}", "numbers": ["+49"]},
    },
}


def _waiting(name: str, **more: Any) -> dict[str, Any]:
    queue = {"name": name, "music": sound(HOLD_HZ), "tell": [], "comfort": sound(COMFORT_HZ), "tell_every": "10s"}
    ends = {"full": "is_full", "too_long": "is_too_long", "failed": "is_failed"}
    keys = {"keys": {"9": "is_out"}}
    return {"queue": {**queue, **more.pop("queue", {})}, **keys, **ends, **more}


def queue_flow() -> dict[str, Any]:
    """A menu of queues, and a tone for each way out of them."""
    steps: dict[str, Any] = {
        "wait_1": _waiting("sales", queue={"whisper": sound(WHISPER_HZ)}),
        "wait_2": _waiting("sales", after="is_after"),
        "wait_3": _waiting("small"),
        "wait_4": _waiting("short"),
        "wait_5": _waiting(
            "back", queue={"callback_key": "5", "callback_number": "+4930901820"}, callback="is_callback"
        ),
    }
    choices = {name: {"keys": name[-1], "go": name} for name in steps}
    steps["main"] = {"menu": {"prompt": sound(MENU_HZ), "choices": choices}}
    steps |= {f"is_{name}": {"say": sound(hz), "next": "main"} for name, hz in ENDS.items()}
    return {
        "flow": "queues",
        "language": "en-US",
        "start": "main",
        "defaults": {"no_input": sound(NO_INPUT_HZ), "no_match": sound(NO_INPUT_HZ), "failed": "hang_up"},
        "steps": steps,
    }


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that callers and agents reach without a PBX."""
    folder = tmp_path_factory.mktemp("queues") / "bot"
    settings = {"default_flow": "queues", "queues": QUEUES}
    with running_bot(folder, BOT_PORT, flows=[queue_flow()], settings=settings) as running:
        yield running


@pytest.fixture
def queues(bot: LiveBot) -> Iterator[DatabaseQueues]:
    """The agents anna and ben, who have not come yet; afterwards nobody waits and nobody is called."""
    with opened_queues(bot) as opened:
        for name in ("anna", "ben"):
            opened.add_agent(name, f"sip:{name}@127.0.0.1:{PORTS[name]}", {})
        yield opened
        _is_empty_soon(opened)


@contextmanager
def opened_queues(bot: LiveBot) -> Iterator[DatabaseQueues]:
    """The rows, as commands see them."""
    opened = DatabaseQueues(f"sqlite:///{bot.folder}/var/calls.db", {})
    opened.migrate()
    try:
        yield opened
    finally:
        opened.close()


def _is_empty_soon(queues: DatabaseQueues) -> None:
    deadline_s = time.monotonic() + 15
    while True:
        scene = queues.scene()
        states = {agent.state for agent in scene.agents}
        if not (scene.calls or scene.offers or states & {AgentState.RESERVED, AgentState.ON_CALL}):
            break
        assert time.monotonic() < deadline_s, f"left in the database: {scene}"
        time.sleep(0.1)
    for agent in scene.agents:
        if agent.state is not AgentState.LOGGED_OUT:
            queues.agent_acts(agent.name, Act.LOG_OUT, datetime.now(UTC))


def come(queues: DatabaseQueues, name: str) -> None:
    """An agent logs in."""
    queues.agent_acts(name, Act.LOG_IN, datetime.now(UTC))


def agent_of(queues: DatabaseQueues, name: str) -> Agent:
    return next(agent for agent in queues.scene().agents if agent.name == name)


async def soon(condition: Callable[[], bool], what: str, within_s: float = 12.0) -> None:
    """Poll with a deadline."""
    deadline_s = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.1)


def desk(name: str, **options: Any) -> SipPeer:
    """An agent's telephone."""
    return SipPeer(user=name, port=PORTS[name], **options)


@asynccontextmanager
async def waiting(bot: LiveBot, key: str = SALES, user: str = "caller") -> AsyncIterator[PeerCall]:
    """A caller who has asked for a queue."""
    async with SipPeer(user=user) as phone:
        call = await answered(phone.dial(bot.uri))
        await hears(call, MENU_HZ)
        await call.press(key)
        yield call


async def talk(call: PeerCall, agent: PeerCall) -> None:
    """Each hears the other."""
    since_s = now_s(call)
    call.send_tone(CALLER_HZ, 3.0)
    agent.send_tone(AGENT_HZ, 3.0)
    await hears(agent, CALLER_HZ)
    await hears(call, AGENT_HZ, after_s=since_s)


@live
async def test_a_caller_waits_with_music_is_told_and_talks_to_the_agent_who_gets_free(
    bot: LiveBot, queues: DatabaseQueues
) -> None:
    def command(*arguments: str) -> None:
        subprocess.run([IVR, "agents", *arguments, "--config", bot.folder / "ivr.yaml"], check=True, timeout=30)

    async with desk("anna") as anna, waiting(bot) as call:
        told_s = await hears(call, COMFORT_HZ)
        await hears(call, HOLD_HZ, after_s=told_s + 0.8)
        await soon(lambda: len(queues.scene().calls) == 1, "the caller waits")
        await asyncio.to_thread(command, "state", "anna", "available")
        rung = await anna.wait_call(10)
        await rung.wait_answered(5)
        await hears(rung, WHISPER_HZ)
        await soon(lambda: agent_of(queues, "anna").state is AgentState.ON_CALL, "anna is on the call")
        await talk(call, rung)
        await rung.hang_up()
        await call.wait_ended(8)
        await soon(lambda: agent_of(queues, "anna").state is AgentState.WRAP_UP, "anna has work after the call")
        assert rung.invite_request is not None
        headers = dict(rung.invite_request.headers)
        assert (headers["X-IVR-Caller"], headers["X-IVR-Queue"]) == ("caller", "sales")
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert (record["end_reason"], record["ended_by"], record["transfer_target"]) == ("transferred", "agent", "anna")
    (line,) = [line for line in record["steps"] if line["kind"] == "queue"]
    assert (line["outcome"], line["meaning"]) == ("connected", "anna") and line["detail"].startswith("waited ")
    assert record["variables"]["queue"]["position"] == 1
    assert [(each["agent"], each["queue"]) for each in record["talks"]] == [("anna", "sales")]


@live
async def test_music_goes_on_without_a_gap_while_it_rings(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna", incoming=RingForever()) as anna, waiting(bot, AFTER) as call:
        told_s = await hears(call, COMFORT_HZ)
        from_s = await hears(call, HOLD_HZ, after_s=told_s + 0.8)
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(10)
        await rung.wait_ended(10)
        until_s = now_s(call) - 0.3
        spans = spans_of_tone(call.received_audio(), HOLD_HZ, bridge_s=0.1)
        await call.hang_up()
    assert any(begin_s <= from_s + 0.1 and end_s >= min(until_s, told_s + 9) for begin_s, end_s in spans), spans


@live
async def test_who_does_not_answer_is_paused_and_the_next_agent_rings(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna", incoming=RingForever()) as anna, desk("ben") as ben, waiting(bot) as call:
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(10)
        await asyncio.to_thread(come, queues, "ben")
        await rung.wait_ended(10)
        other = await ben.wait_call(10)
        await other.wait_answered(5)
        await soon(lambda: agent_of(queues, "anna").state is AgentState.PAUSED, "anna is paused")
        assert agent_of(queues, "anna").reason == "no_answer"
        await talk(call, other)
        await call.hang_up()
        await other.wait_ended(5)


@live
async def test_who_declines_stays_available(bot: LiveBot, queues: DatabaseQueues) -> None:
    async def declines(call: PeerCall) -> None:
        call.ring()
        await asyncio.sleep(0.5)
        call.reject(DECLINE.status)

    async with desk("anna", incoming=declines) as anna, waiting(bot) as call:
        await asyncio.to_thread(come, queues, "anna")
        await (await anna.wait_call(10)).wait_ended(8)
        await soon(lambda: agent_of(queues, "anna").state is AgentState.AVAILABLE, "anna is available again")
        assert not call.is_ended
        await call.hang_up()


@live
async def test_two_callers_get_the_agent_in_the_order_in_which_they_came(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna") as anna, waiting(bot, user="first") as first:
        await hears(first, HOLD_HZ)
        await soon(lambda: len(queues.scene().calls) == 1, "the first waits")
        async with waiting(bot, user="second") as second:
            await hears(second, HOLD_HZ)
            await soon(lambda: len(queues.scene().calls) == 2, "the second waits")
            await asyncio.to_thread(come, queues, "anna")
            rung = await anna.wait_call(10)
            await rung.wait_answered(5)
            await talk(first, rung)
            assert not spans_of_tone(second.received_audio(), AGENT_HZ)
            await first.hang_up()
            await rung.wait_ended(5)
            await soon(lambda: agent_of(queues, "anna").state is AgentState.WRAP_UP, "the first talk is over")
            await asyncio.to_thread(queues.agent_acts, "anna", Act.READY, datetime.now(UTC))
            again = await anna.wait_call(10)
            await again.wait_answered(5)
            await talk(second, again)
            await second.hang_up()


@live
async def test_a_caller_who_hangs_up_while_waiting_is_out_of_the_queue(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with waiting(bot) as call:
        await hears(call, HOLD_HZ)
        await soon(lambda: len(queues.scene().calls) == 1, "the caller waits")
        await call.hang_up()
    await soon(lambda: not queues.scene().calls, "the caller is out")
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert [line["outcome"] for line in record["steps"] if line["kind"] == "queue"] == ["hung_up"]


@live
async def test_a_caller_who_hangs_up_while_it_rings_stops_the_telephone(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna", incoming=RingForever()) as anna, waiting(bot) as call:
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(10)
        await call.hang_up()
        await rung.wait_ended(3)
        assert not rung.is_answered
        await soon(lambda: agent_of(queues, "anna").state is AgentState.AVAILABLE, "anna is available again")


@live
async def test_the_flow_goes_on_after_the_talk(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna") as anna, waiting(bot, AFTER) as call:
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(10)
        await rung.wait_answered(5)
        await talk(call, rung)
        await rung.hang_up()
        after_s = await hears(call, ENDS["after"])
        await hears(call, MENU_HZ, after_s=after_s)
        await call.hang_up()


@live
async def test_a_key_leads_out_of_the_queue(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with waiting(bot) as call:
        await hears(call, HOLD_HZ)
        await call.press("9")
        out_s = await hears(call, ENDS["out"])
        assert not [span for span in spans_of_tone(call.received_audio(), HOLD_HZ) if span[0] > out_s]
        await soon(lambda: not queues.scene().calls, "the caller is out")
        await call.hang_up()


@live
async def test_a_full_queue_takes_nobody(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with waiting(bot, SMALL, user="first") as first:
        await soon(lambda: len(queues.scene().calls) == 1, "the first waits")
        async with waiting(bot, SMALL, user="second") as second:
            await hears(second, ENDS["full"])
            await second.hang_up()
        await first.hang_up()


@live
async def test_who_waits_too_long_goes_on_in_the_flow(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with waiting(bot, SHORT) as call:
        await hears(call, ENDS["too_long"], 20)
        await call.hang_up()


@live
async def test_who_waits_goes_on_waiting_while_the_database_is_away(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna") as anna, waiting(bot) as call:
        await hears(call, HOLD_HZ)
        await soon(lambda: len(queues.scene().calls) == 1, "the caller waits")
        with _away(bot.folder / "var/calls.db"):
            await asyncio.sleep(6.0)
            assert not call.is_ended
            await hears(call, HOLD_HZ, after_s=now_s(call) - 0.5)
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(15)
        await rung.wait_answered(5)
        await talk(call, rung)
        await call.hang_up()


@contextmanager
def _away(file: Path) -> Iterator[None]:
    """Nobody else can write."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@live
async def test_who_keeps_the_place_without_the_line_is_called_back(bot: LiveBot, queues: DatabaseQueues) -> None:
    async with desk("anna") as anna, SipPeer(user="home", port=PORTS["trunk"]) as home:
        async with waiting(bot, BACK) as call:
            await hears(call, HOLD_HZ)
            await call.press("5")
            await hears(call, ENDS["callback"])
            await call.hang_up()
        assert [each.callback for each in queues.scene().calls] == ["+4930901820"]
        await asyncio.to_thread(come, queues, "anna")
        back = await home.wait_call(20)
        await back.wait_answered(5)
        assert not anna.calls, "nobody rings before the caller is there"
        await back.wait_sound(8)
        await back.press("1")
        rung = await anna.wait_call(8)
        await rung.wait_answered(5)
        await talk(back, rung)
        await back.hang_up()
        await rung.wait_ended(5)
    record = await asyncio.to_thread(bot.record_of, "+4930901820", within_s=15)
    lines = [(line["kind"], line["outcome"], line["meaning"]) for line in record["steps"]]
    assert lines == [("callback", "reached", "back"), ("queue", "connected", "anna")]
    assert (record["end_reason"], record["ended_by"], record["answered_at"] is not None) == (
        "transferred",
        "caller",
        True,
    )
    assert record["tags"]["callback_of"] in bot.offered()
