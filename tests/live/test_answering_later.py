"""Real calls through Asterisk to flows that answer later: heard before the answer, answered, refused with a status."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from ivr.testing.sip_peer.measure import spans_of_tone
from tests.lab import control
from tests.live.bots import HEARD_HZ, MENU_HZ, NUMBER_HZ, LiveBot, caller, hears, live, running_bot

pytestmark = pytest.mark.live

EARLY_HZ, EARLY_S = HEARD_HZ["sales"], 0.6
CLOSED_HZ, CLOSED_S = NUMBER_HZ, 2.0
ANNOUNCED, CLOSED = "1042", "1043"


def _flow(name: str, steps: dict[str, Any]) -> dict[str, Any]:
    return {"flow": name, "answer": "later", "start": "early", "steps": steps}


def _announced() -> dict[str, Any]:
    menu = {"prompt": f"sounds/t{MENU_HZ}.wav", "choices": {"bye": {"keys": "9", "go": "hang_up"}}}
    steps = {
        "early": {"say": f"sounds/t{EARLY_HZ}.wav", "next": "up"},
        "up": {"answer": {"after": "1s"}, "next": "menu"},
        "menu": {"menu": menu, "failed": "hang_up"},
    }
    return _flow("announced", steps)


def _closed() -> dict[str, Any]:
    steps = {
        "early": {"say": f"sounds/t{CLOSED_HZ}.wav", "next": "no"},
        "no": {"hang_up": {"status": 486}},
    }
    return _flow("closed", steps)


@pytest.fixture(scope="module")
def late_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot behind the trunk, with two numbers that are not answered at once."""
    numbers = {ANNOUNCED: {"flow": "announced"}, CLOSED: {"flow": "closed"}}
    folder = tmp_path_factory.mktemp("late")
    flows = [_announced(), _closed()]
    with running_bot(folder, control.RTP_TRUNK_PORT, flows=flows, settings={"numbers": numbers}) as bot:
        yield bot


@live
async def test_a_caller_hears_the_announcement_before_the_call_is_answered(late_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await phone.dial(control.number(ANNOUNCED))
        assert call.is_answered and [each.status for each in call.provisional if each.has_sdp][:1] == [183]
        assert call.answered_at_s is not None
        await hears(call, MENU_HZ)
        first_s = call.received[0].at_s
        ((_, early_end_s),) = spans_of_tone(call.received_audio(first_s), EARLY_HZ)
        await call.press("9")
        await call.wait_ended(5)
        answered_s = call.answered_at_s - first_s
    assert early_end_s < answered_s, "heard whole before the answer"
    assert answered_s - early_end_s == pytest.approx(1.0, abs=0.4), "then it is quiet for as long as the flow says"
    record = await asyncio.to_thread(late_bot.record_of, "caller")
    assert record["end_reason"] == "bot_hung_up" and record["ring_s"] > EARLY_S + 1.0


@live
async def test_a_refused_caller_hears_why_and_gets_the_status(late_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await phone.dial(control.number(CLOSED))
        assert (call.is_answered, call.status) == (False, 486)
        ((begins_s, ends_s),) = spans_of_tone(call.received_audio(call.received[0].at_s), CLOSED_HZ)
    assert ends_s - begins_s == pytest.approx(CLOSED_S, abs=0.15)
    record = await asyncio.to_thread(late_bot.record_of, "caller")
    assert (record["end_reason"], record["ended_by"], record["sip_status"]) == ("rejected", "bot", 486)
    assert record["answered_at"] is None and record["talk_s"] == 0
