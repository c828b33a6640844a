"""Reaching persons through Asterisk: who counts as one, which of several is joined, what they learn beforehand."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

from ivr.testing.sip_peer import PeerCall, RingForever, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.lab import control
from tests.live.bots import (
    EXIT_HZ,
    HEARD_HZ,
    HOLD_HZ,
    MENU_HZ,
    NUMBER_HZ,
    TARGETS,
    WHISPER_HZ,
    LiveBot,
    answered,
    caller,
    hears,
    live,
    now_s,
    running_bot,
    sound,
    wait_until,
)
from tests.live.talking import CALLER_HZ, talk_both_ways
from tests.ports import ports_of

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("switch_is_empty")]


ACCEPTED: dict[str, Any] = {"mode": "bridge", "whisper": sound(WHISPER_HZ), "accept": "key", "accept_within": "1500ms"}
TRANSFERS: dict[str, dict[str, Any]] = {
    "11": {"to": "phone", **ACCEPTED},
    "12": {"to": "answers", **ACCEPTED},
    "21": {"to": ["busy", {"target": "rings", "ring_for": "1500ms"}, "phone"], "mode": "bridge"},
    "22": {"to": ["phone", "phone2", "busy"], "ring": "all", "mode": "bridge"},
    "23": {"to": ["rings", "phone", "phone2", "answers"], "ring": "all", "mode": "bridge", "ring_for": "2s"},
    "24": {"to": "phone", "return_key": "*"},
    "25": {"to": "announced", "mode": "bridge", "early_media": "pass"},
    "26": {"to": "announced", "mode": "bridge"},
    "31": {"to": "direct", "mode": "bridge", "notify": "slow"},
}
"""Keys of the menu, and what they lead to."""
NUMBERS = {**TARGETS, "phone2": "2002", "announced": "2016"}
DIRECT_PORT, WEBHOOK_PORT = ports_of("reaching", 2)
EXITS = {
    **EXIT_HZ,
    "not_accepted": HEARD_HZ["message"],
    "after": HEARD_HZ["sales"],
    "returned": HEARD_HZ["agent"],
}


def people_flow() -> dict[str, Any]:
    """A menu of transfers, and a tone for each way in which they can end."""
    choices = {f"to_{keys}": {"keys": keys, "go": f"to_{keys}"} for keys in TRANSFERS}
    steps: dict[str, Any] = {"main": {"menu": {"prompt": sound(MENU_HZ), "choices": choices}}}
    for keys, transfer in TRANSFERS.items():
        exits = {name: f"exit_{name}" for name in EXIT_HZ}
        exits |= {"not_accepted": "exit_not_accepted"} if transfer.get("accept") == "key" else {}
        exits |= {"after": "exit_after", "returned": "exit_returned"} if transfer.get("return_key") else {}
        steps[f"to_{keys}"] = {"transfer": {"hold": sound(HOLD_HZ), "ring_for": "4s", **transfer}, **exits}
    choices["to_31"]["go"] = "account"
    steps["account"] = {"ask": "digits", "prompt": sound(NUMBER_HZ), "length": 4, "into": "account", "next": "to_31"}
    steps |= {f"exit_{name}": {"say": sound(hz), "next": "main"} for name, hz in EXITS.items()}
    return {
        "flow": "people",
        "language": "en-US",
        "start": "main",
        "defaults": {"no_input": sound(460), "no_match": sound(520), "failed": "hang_up"},
        "steps": steps,
    }


@pytest.fixture(scope="module")
def bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot behind the trunk that sends keys as RFC 4733."""
    targets = {name: {"sip": control.number(number)} for name, number in NUMBERS.items()}
    targets["direct"] = {"sip": f"sip:direct@127.0.0.1:{DIRECT_PORT}"}
    webhook = {"url": f"http://127.0.0.1:{WEBHOOK_PORT}/calls", "allow_private": True}
    settings = {"default_flow": "people", "targets": targets, "send": {"webhooks": {"slow": webhook}}}
    folder = tmp_path_factory.mktemp("people")
    with running_bot(folder, control.RTP_TRUNK_PORT, flows=[people_flow()], settings=settings) as running:
        yield running


@asynccontextmanager
async def _calling(keys: str) -> AsyncIterator[PeerCall]:
    """A caller who has asked for a person."""
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press(keys, duration_ms=60, gap_ms=60)
        yield call


@live
async def test_a_person_is_joined_by_the_key_and_not_before(bot: LiveBot) -> None:
    async with caller("agent1") as desk:
        await desk.register()
        async with _calling("11") as call:
            agent = await desk.wait_call(8)
            await agent.wait_answered(5)
            await hears(agent, WHISPER_HZ)
            call.send_tone(CALLER_HZ, 1.5)
            await asyncio.sleep(0.8)
            assert not spans_of_tone(agent.received_audio(), CALLER_HZ), "joined before the key"
            await agent.press("1")
            await talk_both_ways(call, agent)
            await call.hang_up()
            await agent.wait_ended(5)


@live
async def test_what_answers_and_presses_nothing_is_let_go_and_the_caller_is_still_there(bot: LiveBot) -> None:
    async with _calling("12") as call:
        exit_s = await hears(call, EXITS["not_accepted"], 8)
        assert not spans_of_tone(call.received_audio(), control.TONE_HZ), "the caller heard the voicemail"
        await hears(call, MENU_HZ, after_s=exit_s)
        wait_until(lambda: control.channels() == 2, 3, lambda: "the person's leg is still there")


@live
async def test_who_hangs_up_during_the_whisper_has_not_taken_the_call(bot: LiveBot) -> None:
    async with caller("agent1") as desk:
        await desk.register()
        async with _calling("11") as call:
            agent = await desk.wait_call(8)
            await agent.wait_answered(5)
            await hears(agent, WHISPER_HZ)
            await agent.hang_up()
            await hears(call, EXITS["not_accepted"], 4, after_s=now_s(call) - 0.5)


@live
async def test_persons_are_called_in_turn_until_one_answers(bot: LiveBot) -> None:
    async with caller("agent1") as desk:
        await desk.register()
        async with _calling("21") as call:
            agent = await desk.wait_call(8)
            await agent.wait_answered(5)
            await hears(call, HOLD_HZ)
            await talk_both_ways(call, agent)
            await agent.hang_up()
            await call.wait_ended(5)
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert (record["end_reason"], record["transfer_target"]) == ("transferred", "phone")


@live
async def test_all_telephones_ring_and_the_first_who_answers_has_the_caller(bot: LiveBot) -> None:
    async with caller("agent1", incoming=RingForever()) as first, caller("agent2", incoming=RingForever()) as second:
        await first.register()
        await second.register()
        async with _calling("22") as call:
            one, other = await first.wait_call(8), await second.wait_call(8)
            other.answer()
            await talk_both_ways(call, other)
            await one.wait_ended(3)
            assert not one.is_answered
            await call.hang_up()
            await other.wait_ended(5)


@live
async def test_who_finds_no_leg_is_called_when_the_others_have_failed(bot: LiveBot) -> None:
    async with caller("agent1", incoming=RingForever()) as first, caller("agent2", incoming=RingForever()) as second:
        await first.register()
        await second.register()
        async with _calling("23") as call:
            one, other = await first.wait_call(8), await second.wait_call(8)
            await hears(call, control.TONE_HZ, 8)
            assert one.is_ended and other.is_ended
            await call.hang_up()
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert record["transfer_target"] == "answers"


@pytest.mark.parametrize("keys", ["25", "26"])
@live
async def test_early_media_is_heard_by_the_caller_or_replaced_by_the_hold_sound(bot: LiveBot, keys: str) -> None:
    async with _calling(keys) as call:
        joined_s = await hears(call, control.TONE_HZ, 8)
        heard = call.received_audio()
        early = [span for span in spans_of_tone(heard, control.EARLY_MEDIA_HZ) if span[1] < joined_s + 0.1]
        hold = [span for span in spans_of_tone(heard, HOLD_HZ, bridge_s=0.1) if span[1] - span[0] > 1.0]
        await call.hang_up()
    assert bool(early) is (keys == "25") and bool(hold) is (keys == "26"), (early, hold)


@pytest.mark.parametrize("way", ["after", "returned"])
@live
async def test_the_caller_is_back_in_the_flow_after_the_talk(bot: LiveBot, way: str) -> None:
    async with caller("agent1") as desk:
        await desk.register()
        async with _calling("24") as call:
            agent = await desk.wait_call(8)
            await agent.wait_answered(5)
            await talk_both_ways(call, agent)
            if way == "after":
                await agent.hang_up()
            else:
                await agent.press("*")
            exit_s = await hears(call, EXITS[way], 4)
            await agent.wait_ended(3)
            await hears(call, MENU_HZ, after_s=exit_s)
            heard_s = now_s(call)
            await call.press("12", duration_ms=60, gap_ms=60)  # the flow listens again: another person
            await hears(call, HOLD_HZ, after_s=heard_s)
            await call.hang_up()
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert (record["end_reason"], record["transfer_target"]) == ("caller_hung_up", "phone")
    assert [line["outcome"] for line in record["steps"] if line["kind"] == "transfer"] == [way, "hung_up"]


@live
async def test_the_person_and_a_webhook_that_never_answers_are_told_who_calls(bot: LiveBot) -> None:
    told: asyncio.Queue[bytes] = asyncio.Queue()
    over = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
        told.put_nowait(await reader.readexactly(length))
        await over.wait()  # no answer
        writer.close()

    webhook = await asyncio.start_server(take, "127.0.0.1", WEBHOOK_PORT)
    async with webhook, SipPeer(user="direct", port=DIRECT_PORT) as person, _calling("31") as call:
        await hears(call, NUMBER_HZ)
        await call.press("4711", duration_ms=60, gap_ms=60)
        keyed_s = time.monotonic()
        rung = await person.wait_call(8)
        assert time.monotonic() - keyed_s < 3.0, "the webhook held the call up"
        await rung.wait_answered(3)
        message = json.loads(await asyncio.wait_for(told.get(), 5))
        await call.hang_up()
        await rung.wait_ended(5)
        over.set()
    assert rung.invite_request is not None
    headers = {name: value for name, value in rung.invite_request.headers if name.startswith(("X-IVR-", "User-to"))}
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert headers["X-IVR-Call-Id"] == record["id"] == message["call_id"]
    assert (headers["X-IVR-Caller"], headers["X-IVR-Answer-Account"]) == ("caller", "4711")
    assert b"&account=4711" in bytes.fromhex(headers["User-to-User"].partition(";")[0])
    assert (message["data"]["to"], message["data"]["answers"]) == ("direct", {"account": "4711"})
