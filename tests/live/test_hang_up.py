"""The caller hangs up in every state: the bot lets go, the record says so, the next call works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ivr.testing.sip_peer import PeerCall, RingForever, SipPeer
from tests.live.bots import (
    HEARD_HZ,
    HOLD_HZ,
    MENU_HZ,
    NO_INPUT_HZ,
    NUMBER_HZ,
    TARGETS,
    LiveBot,
    answered,
    greeted,
    hears,
    key_for,
    live,
    now_s,
    running_bot,
    wait_until,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

PORT, PERSON_PORT = ports_of("hang_up", 2)
GREETING = "You are calling from {{ call.from | spell }}. " + "Please wait a moment. " * 20
PERSON_HZ = 1330
CONFIRM_HZ = HEARD_HZ["message"]


def _confirming_flow() -> dict[str, Any]:
    """Asks for two digits and whether they are right; its hang-up carries a cause."""
    return {
        "flow": "confirming",
        "start": "pair",
        "variables": {"pair": ""},
        "defaults": {
            "first_input_timeout": "2s",
            "max_attempts": 1,
            "no_input": f"sounds/t{NO_INPUT_HZ}.wav",
            "failed": "bye",
        },
        "steps": {
            "pair": {
                "ask": "digits",
                "length": 2,
                "into": "pair",
                "prompt": f"sounds/t{NUMBER_HZ}.wav",
                "no_match": f"sounds/t{NO_INPUT_HZ}.wav",
                "confirm": "always",
                "confirm_prompt": f"sounds/t{CONFIRM_HZ}.wav",
                "next": "bye",
            },
            "bye": {"hang_up": {"cause": 31}},
        },
    }


def _spoken_flow() -> dict[str, Any]:
    """Its greeting is rendered while the telephone rings."""
    return {
        "flow": "spoken",
        "start": "greeting",
        "steps": {
            "greeting": {"say": GREETING, "next": "bye"},
            "bye": {"hang_up": True},
        },
    }


@pytest.fixture(scope="module")
def direct_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Called without a PBX."""
    flows = [_confirming_flow(), _spoken_flow()]
    settings = {
        "numbers": {flow["flow"]: {"flow": flow["flow"]} for flow in flows},
        "targets": {name: {"sip": f"sip:person@127.0.0.1:{PERSON_PORT}"} for name in TARGETS},
    }
    with running_bot(tmp_path_factory.mktemp("direct"), PORT, flows=flows, settings=settings) as bot:
        yield bot


Reach = Callable[[PeerCall], Awaitable[object]]


async def _greeting(call: PeerCall) -> None:
    await hears(call, MENU_HZ)


async def _listening(call: PeerCall) -> None:
    await hears(call, MENU_HZ)
    await asyncio.sleep(4.6 - now_s(call))


async def _speaking(call: PeerCall) -> None:
    await hears(call, MENU_HZ)
    await call.press("1")
    await hears(call, HEARD_HZ["sales"])


async def _digit_entry(call: PeerCall) -> None:
    await hears(call, MENU_HZ)
    await call.press("4")
    await hears(call, NUMBER_HZ)
    await call.press("12")


async def _talking(call: PeerCall) -> None:
    """In the middle of an utterance."""
    await hears(call, MENU_HZ)
    call.send_tone(300, 2.0)
    await asyncio.sleep(0.5)


async def _at_once(call: PeerCall) -> None:
    """In the same instant as the answer."""


STATES: dict[str, Reach] = {
    "at_once": _at_once,
    "greeting": _greeting,
    "listening": _listening,
    "talking": _talking,
    "speaking": _speaking,
    "digit_entry": _digit_entry,
}


@pytest.mark.parametrize("state", STATES)
@live
async def test_a_hang_up_is_recorded_and_the_next_call_works(direct_bot: LiveBot, state: str) -> None:
    async with SipPeer(user=state) as phone:
        call = await answered(phone.dial(direct_bot.uri))
        await STATES[state](call)
        await call.hang_up()
    await _ended_by_caller(direct_bot, state)
    await greeted(direct_bot)


async def _ended_by_caller(bot: LiveBot, user: str) -> dict[str, Any]:
    record = await asyncio.to_thread(bot.record_of, user)
    assert (record["end_reason"], record["ended_by"], record["sip_status"]) == ("caller_hung_up", "caller", 200)
    assert record["answered_at"], record
    assert record["steps"], record
    assert record["steps"][-1]["outcome"] == "hung_up", record["steps"]
    return record


@live
async def test_a_hang_up_during_the_confirmation_keeps_what_was_said(direct_bot: LiveBot) -> None:
    async with SipPeer(user="confirmation") as phone:
        call = await answered(phone.dial(direct_bot.uri.replace("live@", "confirming@")))
        await hears(call, NUMBER_HZ)
        await call.press("42")
        await hears(call, CONFIRM_HZ)
        await call.hang_up()
    record = await _ended_by_caller(direct_bot, "confirmation")
    assert "42" in [step["heard"] for step in record["steps"]]


@live
async def test_a_caller_who_gives_up_before_the_answer_gets_487(direct_bot: LiveBot) -> None:
    async with SipPeer(user="early") as phone:
        call = await phone.invite(direct_bot.uri.replace("live@", "spoken@"))
        await call.wait_provisional(180)
        await call.cancel()
        assert call.status == 487
    record = await asyncio.to_thread(direct_bot.record_of, "early")
    assert (record["end_reason"], record["ended_by"], record["sip_status"]) == ("caller_hung_up", "caller", 487)
    assert record["answered_at"] is None
    await greeted(direct_bot)


@live
async def test_giving_up_around_the_answer_leaves_nothing_behind(direct_bot: LiveBot) -> None:
    async with SipPeer(user="around") as phone:
        for attempt in range(8):
            call = await phone.invite(direct_bot.uri)
            await asyncio.sleep(0.002 * attempt)
            await call.hang_up()  # CANCEL or BYE; a 200 that crosses the CANCEL is answered with BYE
            assert call.is_ended
    wait_until(
        lambda: sum(bool(call["ended_at"]) for call in direct_bot.calls() if call["ani"] == "around") == 8,
        5,
        lambda: f"not all are ended: {direct_bot.calls()}",
    )
    await greeted(direct_bot)


@live
async def test_the_bots_bye_carries_the_flows_cause(direct_bot: LiveBot) -> None:
    async with SipPeer(user="cause") as phone:
        call = await answered(phone.dial(direct_bot.uri.replace("live@", "confirming@")))
        await hears(call, NUMBER_HZ)
        await call.press("42")
        await hears(call, CONFIRM_HZ)
        await call.press("1")
        await call.wait_ended(5)
        (bye,) = call.requests_of("BYE")
    assert (bye.request.headers.get("Reason") or "").startswith("Q.850;cause=31")
    assert bye.request.headers.get("User-Agent") == "ivr"
    record = await asyncio.to_thread(direct_bot.record_of, "cause")
    assert (record["end_reason"], record["ended_by"], record["hangup_cause"]) == ("bot_hung_up", "bot", 31)


@live
async def test_a_caller_who_vanishes_without_a_word_does_not_keep_the_bot(direct_bot: LiveBot) -> None:
    async with SipPeer(user="vanished") as phone:
        call = await answered(phone.dial(direct_bot.uri.replace("live@", "confirming@")))
        await hears(call, NUMBER_HZ)
        call.abandon()
    # Silence leads to the flow's end.
    record = await asyncio.to_thread(direct_bot.record_of, "vanished", within_s=15)
    assert record["end_reason"] == "bot_hung_up"
    await greeted(direct_bot)


# --- during a transfer


async def _asks_for_a_person(phone: SipPeer, desk: SipPeer, bot: LiveBot, mode: str) -> tuple[PeerCall, PeerCall]:
    call = await answered(phone.dial(bot.uri))
    await hears(call, MENU_HZ)
    await call.press(key_for("phone", mode), duration_ms=60, gap_ms=60)
    return call, await desk.wait_call(5)


@live
async def test_a_hang_up_while_the_transfer_rings_stops_the_ringing(direct_bot: LiveBot) -> None:
    async with SipPeer(user="ringing") as phone, SipPeer(port=PERSON_PORT, incoming=RingForever()) as desk:
        call, person = await _asks_for_a_person(phone, desk, direct_bot, "auto")
        await hears(call, HOLD_HZ)
        await call.hang_up()
        await person.wait_ended(1)
        assert (person.ended_by, person.is_answered) == ("remote", False)
    record = await asyncio.to_thread(direct_bot.record_of, "ringing")
    assert (record["end_reason"], record["ended_by"]) == ("caller_hung_up", "caller")
    await greeted(direct_bot)


@live
async def test_a_hang_up_in_the_instant_of_the_persons_answer_ends_both_sides(direct_bot: LiveBot) -> None:
    async with SipPeer(user="instant") as phone, SipPeer(port=PERSON_PORT, incoming=RingForever()) as desk:
        call, person = await _asks_for_a_person(phone, desk, direct_bot, "auto")
        person.answer()
        await call.hang_up()
        await person.wait_ended(3)
    await asyncio.to_thread(direct_bot.record_of, "instant")
    await greeted(direct_bot)


@live
async def test_a_hang_up_while_bridged_ends_both_sides(direct_bot: LiveBot) -> None:
    async with SipPeer(user="bridged") as phone, SipPeer(port=PERSON_PORT) as desk:
        call, person = await _asks_for_a_person(phone, desk, direct_bot, "bridge")
        await person.wait_answered(5)
        person.send_tone(PERSON_HZ, 3.0)
        await hears(call, PERSON_HZ)
        await call.hang_up()
        await person.wait_ended(1)
    record = await asyncio.to_thread(direct_bot.record_of, "bridged")
    assert (record["end_reason"], record["ended_by"], record["transfer_target"]) == ("transferred", "caller", "phone")
    assert record["steps"][-1]["kind"] == "transfer"
    await greeted(direct_bot)
