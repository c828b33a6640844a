"""Transfers to a person through Asterisk: every mode and exit, measured on the audio of both ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import pytest

from ivr.testing.sip_peer import PeerCall, RingForever
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.lab import control
from tests.live.bots import (
    EXIT_HZ,
    HOLD_HZ,
    MENU_HZ,
    WHISPER_HZ,
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
from tests.live.talking import CALLER_HZ, talk_both_ways

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("switch_is_empty")]

FAILURES = {
    "busy": "busy",
    "rings": "no_answer",
    "declines": "refused",
    "nowhere": "unknown",
    "moved": "unknown",
    "away": "unreachable",
    "no_line": "unreachable",
}


async def _asks_for(call: PeerCall, target: str, mode: str) -> None:
    await hears(call, MENU_HZ)
    await call.press(key_for(target, mode), duration_ms=60, gap_ms=60)


@asynccontextmanager
async def _at_the_desk(mode: str, number: int = 1041) -> AsyncIterator[tuple[PeerCall, PeerCall]]:
    """A caller whom the bot connects with the person at the desk, and the call there."""
    async with caller() as phone, caller("agent1") as desk:
        await desk.register()
        call = await answered(phone.dial(control.number(number)))
        await _asks_for(call, "phone", mode)
        yield call, await desk.wait_call(8)


@pytest.mark.parametrize(
    ("mode", "target"),
    [*(("auto", target) for target in FAILURES), ("attended", "busy"), ("bridge", "busy"), ("bridge", "rings")],
)
@live
async def test_each_failure_reaches_its_exit_with_the_caller_still_there(bot: LiveBot, mode: str, target: str) -> None:
    outcome = FAILURES[target]
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await _asks_for(call, target, mode)
        exit_s = await hears(call, EXIT_HZ[outcome], 12)
        await hears(call, MENU_HZ, after_s=exit_s)
        await call.press("1")  # the flow goes on as if nothing had happened
        await hears(call, 710)


@live
async def test_hold_sound_is_heard_while_it_rings_and_keys_do_nothing(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await _asks_for(call, "rings", "auto")
        await hears(call, HOLD_HZ)
        await call.press("9")
        await hears(call, EXIT_HZ["no_answer"], 10)
        hold = spans_of_tone(call.received_audio(), HOLD_HZ, bridge_s=0.1)
    assert sum(end - start for start, end in hold) > 3.0, f"hold sound only in {hold}"


def _channels() -> str:
    return control.asterisk_cli("core show channels concise")


@live
async def test_a_telephone_behind_the_pbx_is_told_who_calls_and_nobody_else_can_say_so(bot: LiveBot) -> None:
    async with _at_the_desk("bridge") as (call, agent):
        await agent.wait_answered(5)
        told = _told(agent)
        await call.hang_up()
        await agent.wait_ended(5)
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert (told["X-IVR-Call-Id"], told["X-IVR-Caller"]) == (record["id"], "caller")
    assert b"call_id=" + record["id"].encode() in bytes.fromhex(told["User-to-User"].partition(";")[0])
    async with caller() as phone, caller("agent1") as desk:
        await desk.register()
        await answered(phone.dial(control.number(2001), headers={"X-IVR-Caller": "president"}))
        assert _told(await desk.wait_call(5)) == {}


def _told(call: PeerCall) -> dict[str, str]:
    """What came with a call about who calls."""
    assert call.invite_request is not None
    headers = call.invite_request.headers
    return {name: value for name, value in headers if name.startswith(("X-IVR-", "User-to-User"))}


@pytest.mark.parametrize("mode", ["auto", "attended"])
@live
async def test_caller_and_person_talk_and_the_bot_leaves_the_path(bot: LiveBot, mode: str) -> None:
    async with _at_the_desk(mode) as (call, agent):
        await agent.wait_answered(5)
        await asyncio.sleep(1.0)
        wait_until(lambda: control.channels() == 2, 3, lambda: "the bot is still in the path")
        await talk_both_ways(call, agent)
        await call.hang_up()
        await agent.wait_ended(5)
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert (record["end_reason"], record["transfer_target"]) == ("transferred", "phone")


@live
async def test_a_bridge_stays_and_the_persons_hang_up_ends_the_call(bot: LiveBot) -> None:
    async with _at_the_desk("bridge") as (call, agent):
        await agent.wait_answered(5)
        await talk_both_ways(call, agent)
        await agent.hang_up()
        await call.wait_ended(5)
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert (record["end_reason"], record["ended_by"]) == ("transferred", "agent")


@live
async def test_the_person_is_told_first_and_only_then_joined(bot: LiveBot) -> None:
    async with _at_the_desk("bridge") as (call, agent):
        call.send_tone(CALLER_HZ, 12.0)  # nobody listens to the caller any more
        await agent.wait_answered(5)
        await hears(agent, CALLER_HZ)
        whisper = spans_of_tone(agent.received_audio(), WHISPER_HZ)
        joined_s = spans_of_tone(agent.received_audio(), CALLER_HZ)[0][0]
        assert [span for span in whisper if span[1] - span[0] > 0.4], f"no whisper: {whisper}"
        assert joined_s >= whisper[-1][1] - 0.05, "the caller was heard during the whisper"
        assert not spans_of_tone(call.received_audio(), WHISPER_HZ), "the caller heard the whisper"
        await call.hang_up()


@live
async def test_a_bridge_ends_for_the_person_when_the_caller_hangs_up(bot: LiveBot) -> None:
    async with _at_the_desk("bridge") as (call, agent):
        await agent.wait_answered(5)
        await talk_both_ways(call, agent)
        await call.hang_up()
        await agent.wait_ended(5)


@live
async def test_the_ringing_phone_stops_when_the_caller_hangs_up(bot: LiveBot) -> None:
    async with caller() as phone, caller("agent1", incoming=RingForever()) as desk:
        await desk.register()
        call = await answered(phone.dial(control.number(1041)))
        await _asks_for(call, "phone", "auto")
        agent = await desk.wait_call(8)
        await call.hang_up()
        hung_up_s = time.monotonic()
        await agent.wait_ended(3)
        assert time.monotonic() - hung_up_s < 1.0


@live
async def test_where_refer_is_refused_the_bot_stays_as_a_bridge(
    lab: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_bot(tmp_path_factory.mktemp("fixed"), control.FIXED_TRUNK_PORT):
        async with _at_the_desk("auto", 1031) as (call, agent):
            await agent.wait_answered(5)
            await asyncio.sleep(1.0)
            assert control.channels() == 4, "caller, bot, bot, person"
            await talk_both_ways(call, agent)
            await call.hang_up()
            await agent.wait_ended(5)


@live
async def test_a_blind_refer_that_is_refused_brings_the_caller_back_to_the_flow(
    lab: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_bot(tmp_path_factory.mktemp("refusing"), control.FIXED_TRUNK_PORT):
        async with caller() as phone:
            call = await answered(phone.dial(control.number(1031)))
            await _asks_for(call, "answers", "refer")
            await hears(call, EXIT_HZ["refused"])


@live
async def test_a_blind_refer_moves_the_caller(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await _asks_for(call, "answers", "refer")
        await hears(call, control.TONE_HZ)
        wait_until(lambda: "PJSIP/ivr" not in _channels(), 3, lambda: f"the bot is still in the path: {_channels()}")
    record = await asyncio.to_thread(bot.record_of, "caller")
    assert record["end_reason"] == "transferred"


@live
async def test_a_blind_refer_to_nowhere_resumes_the_flow(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await _asks_for(call, "nowhere", "refer")
        await hears(call, EXIT_HZ["unknown"])


@pytest.mark.parametrize(("target", "outcome"), [("busy", "busy"), ("rings", "no_answer"), ("away", "unreachable")])
@live
async def test_a_caller_whom_the_pbx_sends_back_goes_on_at_the_exit(bot: LiveBot, target: str, outcome: str) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await _asks_for(call, target, "refer")
        await hears(call, EXIT_HZ[outcome], 15)


@live
async def test_a_held_key_does_not_transfer_again_when_the_caller_comes_back(bot: LiveBot) -> None:
    keys = key_for("busy", "refer")
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press(keys[:-1], duration_ms=60, gap_ms=60)
        await call.press(keys[-1], duration_ms=2500)
        exit_s = await hears(call, EXIT_HZ["busy"], 10)
        await hears(call, MENU_HZ, after_s=exit_s)
        await asyncio.sleep(2.0)
        menu_s = now_s(call)
        assert [span for span in spans_of_tone(call.received_audio(), MENU_HZ) if span[1] > menu_s - 0.5], (
            "menu cut off"
        )
