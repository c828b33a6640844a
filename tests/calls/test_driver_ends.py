"""How calls end: by the caller, the network, a mistake of ours."""

from __future__ import annotations

import pytest

from ivr.errors import RecognizerFailed
from ivr.flow.run import TEMPORARY_FAILURE
from ivr.ports import EndedBy
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ended_by", "status", "expected"),
    [
        (EndedBy.REMOTE, 200, ("caller_hung_up", "caller", 200)),
        (EndedBy.NETWORK, 408, ("failed", "network", 408)),
        (EndedBy.LOCAL, 500, ("failed", "bot", 500)),
    ],
)
def test_how_a_leg_ended_is_in_the_record(ended_by: EndedBy, status: int, expected: tuple[str, str, int]) -> None:
    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        leg = await bot.answered()
        bot.telephony.end(leg, status, ended_by=ended_by, hangup_cause=16)
        await bot.settle()
        record = bot.record
        assert (record.end_reason, record.ended_by, record.sip_status) == expected
        assert record.hangup_cause == 16 and record.steps[-1].outcome == "hung_up"

    play()


@on_a_switchboard()
async def test_a_mistake_of_ours_in_a_timer_ends_the_call(bot: Switchboard) -> None:
    await bot.answered()
    bot.flows["desk"].steps.pop("main")
    await bot.after(6.1)
    assert bot.telephony.live_legs == []
    assert (bot.record.end_reason, bot.record.ended_by) == ("failed", "bot")
    assert bot.telephony.asked_for("hang_up")[0].details == (TEMPORARY_FAILURE,)


@on_a_switchboard()
async def test_a_mistake_of_ours_before_the_answer_refuses_the_call(bot: Switchboard) -> None:
    bot.flows["desk"].steps.clear()
    await bot.offer()
    assert [(asked.name, asked.details) for asked in bot.telephony.asked] == [("reject", (500,))]
    assert (bot.record.end_reason, bot.record.sip_status) == ("failed", 500)


def test_a_mistake_of_an_adapter_in_rendering_refuses_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        async def broken(segments: object) -> None:
            raise OSError("disk full")

        bot.prompts.is_cold = True
        monkeypatch.setattr(bot.prompts, "render", broken)
        await bot.offer()
        assert bot.telephony.names == ["ring", "reject"]

    play()


def test_a_stream_that_cannot_be_closed_does_not_keep_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        leg = await bot.answered()
        stream = bot.recognizer.streams[-1]

        def broken() -> None:
            stream.is_closed = True
            raise RecognizerFailed("gone")

        monkeypatch.setattr(stream, "close", broken)
        bot.telephony.end(leg)
        await bot.settle()
        assert bot.registry.call_count == 0

    play()
