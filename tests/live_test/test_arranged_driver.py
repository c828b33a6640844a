"""Calls of a bot under test, with telephony and clock in memory: each finds the world that was laid ready for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ivr.flow.calendar import HoursState
from ivr.flow.jobs import JobResult
from ivr.live_test.arranged_driver import ArrangedDriver, Stage
from ivr.live_test.arrangement import Arrangement, Desk, Heard
from ivr.rehearsal.model import Given, Mock
from ivr.testing.services import hours_result
from tests.calls.switchboard import Switchboard

pytestmark = pytest.mark.unit

FLOW = """
flow: desk
language: en-US
languages: [de-DE]
start: now
variables: {account: "1", found: {}}
defaults: {failed: sorry}
steps:
  now: {hours: office, open: main, closed: shut}
  shut: {say: "Closed.", next: hang_up}
  main:
    menu:
      prompt: {en: "Press 1 to 4.", de: "Eins bis vier."}
      choices:
        ask: {keys: "1", say: {en: [ask], de: [fragen]}, go: look_up}
        leave: {keys: "2", go: leave}
        tell: {keys: "3", go: told}
        agent: {keys: "4", go: agent}
  look_up:
    request: {get: "https://crm.example.com/{{ account }}", into: found}
    not_found: nothing
    error: sorry
    next: tell
  tell: {say: {en: "It is {{ found.balance }}.", de: "Es sind {{ found.balance }}."}, next: main}
  nothing: {say: "There is none.", next: main}
  told: {send: {webhook: crm, variables: [account]}, next: main}
  leave: {record: {prompt: "Speak.", max_length: 20s}, into: message, next: main, failed: sorry}
  agent: {transfer: {to: agent, mode: bridge}, failed: main}
  sorry: {say: "Sorry.", next: hang_up}
"""


def by_the_clock(calendar: str, now: datetime) -> JobResult:
    return hours_result(HoursState.OPEN if 9 <= now.hour < 17 else HoursState.CLOSED)


Rehearsed = Callable[[Switchboard, Desk], Coroutine[None, None, None]]


def rehearse(folder: Path, test: Rehearsed) -> None:
    """Play a test with a bot whose calls are arranged."""

    async def play() -> None:
        desk = Desk(folder)
        stage = Stage(desk, folder / "recordings", by_the_clock)
        bot = Switchboard(FLOW, make_driver=partial(ArrangedDriver, stage))
        await bot.telephony.start(bot.registry.handle)
        await test(bot, desk)
        await bot.telephony.stop()
        await bot.after(16.0)
        assert bot.registry.call_count == 0
        assert bot.clock.timer_count == 0, "a timer is left"

    asyncio.run(play())


def outcomes(bot: Switchboard) -> list[tuple[str, str]]:
    return [(line.step, line.outcome) for line in bot.record.steps]


def given(**values: Any) -> Given:
    return Given.model_validate(values)


def test_the_call_begins_when_and_as_it_is_given(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        world = given(language="de-DE", variables={"account": "99"})
        desk.lay("a", Arrangement(world, datetime(2026, 11, 23, 16, 59, 58, tzinfo=UTC)))
        leg = await bot.offer()
        assert bot.said(leg) == ["Eins bis vier."]
        call_id = desk.call_of("a")
        assert call_id == bot.record.id
        bot.telephony.end(leg)
        await bot.settle()
        assert bot.record.variables["account"] == "99"

    rehearse(tmp_path, test)


def test_hours_go_by_the_given_time_which_passes(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement(begins_at=datetime(2026, 11, 23, 23, 0, tzinfo=UTC)))
        leg = await bot.offer()
        assert bot.said(leg) == ["Closed."]

    rehearse(tmp_path, test)


def test_requests_are_answered_by_mocks_one_after_the_other_and_nobody_is_asked(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        found = Mock.model_validate({"status": 200, "json": {"balance": 7}, "after": "2s"})
        desk.lay("a", Arrangement(mocks={"look_up": (Mock(outcome="not_found"), found)}))
        leg = await bot.answered()
        await bot.press(leg, "1")
        await bot.after(4.0)
        await bot.press(leg, "1")
        await bot.after(1.5)
        assert "It is 7." not in " ".join(bot.said(leg))
        await bot.after(1.0)
        assert "There is none." in bot.said(leg)[1] and "It is 7." in bot.said(leg)[2]
        assert not bot.data.asked

    rehearse(tmp_path, test)


def test_a_message_that_nobody_waits_for_goes_nowhere(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement())
        leg = await bot.answered()
        await bot.press(leg, "3")
        await bot.after(1.0)
        assert outcomes(bot)[-1][0] == "told"
        assert not bot.messages.posted

    rehearse(tmp_path, test)


def test_a_request_without_a_mock_fails(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement())
        leg = await bot.answered()
        await bot.press(leg, "1")
        await bot.after(1.0)
        assert ("look_up", "error") in outcomes(bot) and not bot.data.asked

    rehearse(tmp_path, test)


def test_the_message_of_a_mock_can_be_played_back(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement(mocks={"leave": (Mock.model_validate({"outcome": "done", "after": "3s"}),)}))
        leg = await bot.answered()
        await bot.press(leg, "2")
        await bot.after(8.0)
        line = next(line for line in bot.record.steps if line.step == "leave")
        assert line.outcome == "done"
        assert (tmp_path / "recordings" / line.meaning).stat().st_size > 3 * 16000
        assert not bot.recorder.recordings

    rehearse(tmp_path, test)


def test_a_call_without_speech_has_keys_only(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement(given(speech=False)))
        leg = await bot.answered()
        assert not bot.recognizer.streams
        await bot.press(leg, "3")
        assert outcomes(bot)[-1][0] == "told"

    rehearse(tmp_path, test)


def test_an_utterance_is_heard_as_it_is_arranged_once(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement())
        await bot.answered()
        await bot.after(3.0)
        desk.hears(bot.record.id, Heard(0.0, is_noise=True))
        await bot.says("ask")
        desk.hears(bot.record.id, Heard(0.1))
        await bot.after(5.0)
        await bot.says("ask")
        await bot.after(5.0)
        await bot.says("ask")
        heard = [(line.outcome, line.confidence) for line in bot.record.steps if line.step == "main"]
        assert heard == [("no_match", 0.1), ("match", 0.95)]  # noise is nobody's answer

    rehearse(tmp_path, test)


def test_every_target_is_the_person_of_the_conversation(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement(person="sip:person@127.0.0.1:7"))
        leg = await bot.answered()
        await bot.press(leg, "4")
        await bot.after(1.0)
        (asked,) = bot.telephony.asked_for("dial")
        assert "sip:agent@127.0.0.1:7" in str(asked)

    rehearse(tmp_path, test)


def test_what_lies_ready_is_for_one_call(tmp_path: Path) -> None:
    async def test(bot: Switchboard, desk: Desk) -> None:
        desk.lay("a", Arrangement(begins_at=datetime(2026, 11, 23, 23, 0, tzinfo=UTC)))
        first, second = await bot.offer(), await bot.offer()
        assert (bot.said(first), bot.said(second)) == (["Closed."], ["Press 1 to 4."])

    rehearse(tmp_path, test)
