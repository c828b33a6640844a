"""A call whose caller has left: the flow's clean-up, and the record that is closed behind it."""

from __future__ import annotations

import pytest

from ivr.calls.driver import AFTERWARDS_LIMIT_S
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps import registry
from ivr.flow.steps.kind import StepKind
from ivr.flow.steps.models import TagStep
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

FLOW = """
flow: desk
start: main
on_hang_up: {go: keep, always: true}
steps:
  main: {ask: digits, prompt: "Your code?", length: 2, into: code, next: done, failed: hang_up}
  done: {say: "Thank you.", next: main}
  keep: {tag: {code: "{{ code | default('none') }}"}}
"""


@on_a_switchboard(flow=FLOW)
async def test_the_record_tells_what_the_clean_up_did(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "42")
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.tags == {"code": "42"} and bot.record.end_reason == "caller_hung_up"
    assert bot.record.steps[-1].kind == "tag" and bot.registry.call_count == 0


@on_a_switchboard(flow=FLOW)
async def test_it_runs_for_a_caller_who_left_before_the_answer(bot: Switchboard) -> None:
    leg = bot.telephony.offer("+4930111", "100")
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.tags == {"code": "none"} and bot.registry.call_count == 0


@on_a_switchboard(flow=FLOW)
async def test_it_runs_once_where_the_bot_hung_up(bot: Switchboard) -> None:
    await bot.answered()
    await bot.after(60.0)
    assert bot.record.end_reason == "bot_hung_up" and bot.record.tags == {"code": "none"}
    assert [step.kind for step in bot.record.steps].count("tag") == 1


def never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def works_on(run: Run, name: str, found: TagStep) -> None:
        run.state.phase = Phase.WORKING

    kind = StepKind(TagStep, works_on, needs_caller=False)
    monkeypatch.setitem(registry._BY_MODEL, TagStep, kind)  # type: ignore[misc]


def test_a_clean_up_that_never_ends_does_not_keep_the_record_open(monkeypatch: pytest.MonkeyPatch) -> None:
    never_ends(monkeypatch)

    @on_a_switchboard(flow=FLOW)
    async def play(bot: Switchboard) -> None:
        leg = await bot.answered()
        bot.telephony.end(leg)
        await bot.settle()
        assert bot.record.ended_at is None and bot.registry.call_count == 1
        await bot.after(AFTERWARDS_LIMIT_S + 0.1)
        assert bot.record.end_reason == "caller_hung_up" and bot.registry.call_count == 0

    play()


def test_a_shutdown_closes_the_record_of_a_clean_up_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    never_ends(monkeypatch)

    @on_a_switchboard(flow=FLOW)
    async def play(bot: Switchboard) -> None:
        leg = await bot.answered()
        bot.telephony.end(leg)
        await bot.settle()
        await bot.registry.stop(0.01)
        assert bot.record.end_reason == "caller_hung_up" and bot.registry.call_count == 0

    play()
