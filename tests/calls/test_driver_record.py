"""record in a live call: audio goes to the recorder, what was kept goes to the flow, a hang-up loses nothing."""

from __future__ import annotations

import pytest

from ivr.flow.events import RecordingEnd
from ivr.ports import LegId
from ivr.testing.recorder import MemoryRecording
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

FLOW = """
flow: desk
language: en-US
start: voicemail
defaults: {failed: sorry}
on_hang_up: tell
steps:
  voicemail:
    record: {prompt: "Leave a message after the tone.", review: true}
    into: message
    next: thanks
  thanks: {say: "Thank you.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
  tell: {send: {webhook: crm, variables: [message]}, next: hang_up}
"""
ON = on_a_switchboard(flow=FLOW)


async def recording(bot: Switchboard) -> tuple[LegId, MemoryRecording]:
    """A caller after the tone."""
    leg = await bot.offer()
    assert bot.said(leg) == ["Leave a message after the tone. [tone]"]
    assert bot.recorder.recordings == [], "nothing is recorded before the tone is over"
    await bot.after(4.0)
    (kept,) = bot.recorder.recordings
    return leg, kept


def steps_of(bot: Switchboard) -> list[tuple[str, str, str]]:
    return [(line.step, line.outcome, line.meaning) for line in bot.record.steps]


@ON
async def test_the_callers_audio_is_recorded_and_reviewed(bot: Switchboard) -> None:
    leg, kept = await recording(bot)
    assert kept.request.call_id in bot.log.calls
    bot.telephony.speak(leg, bytes(640))
    assert len(kept.audio) == 640
    kept.spoken_s = 4.0
    await bot.press(leg, "5")
    assert not kept.is_done, "only the terminator ends a message"
    await bot.press(leg, "#")
    assert kept.is_done and bot.telephony.sink_of(leg) is not kept
    file = f"{kept.request.call_id}-voicemail.wav"
    await bot.press(leg, "2")
    assert bot.said(leg)[-1].startswith(f"[{file}] To keep your message")
    await bot.press(leg, "1")
    assert bot.said(leg)[-1] == "Thank you."
    assert steps_of(bot)[0] == ("voicemail", "done", file)
    assert bot.recorder.dropped == []


@ON
async def test_a_message_that_is_recorded_again_is_removed(bot: Switchboard) -> None:
    leg, kept = await recording(bot)
    kept.spoken_s = 4.0
    kept.stop(RecordingEnd.SILENCE)
    await bot.settle()
    await bot.press(leg, "3")
    assert bot.recorder.dropped == [f"{kept.request.call_id}-voicemail.wav"]
    await bot.after(4.0)
    assert len(bot.recorder.recordings) == 2


@ON
async def test_what_was_said_before_a_hang_up_is_kept_and_sent(bot: Switchboard) -> None:
    leg, kept = await recording(bot)
    kept.spoken_s = 2.5
    bot.telephony.end(leg)
    await bot.settle()
    (message,) = bot.messages.posted
    file = f"{kept.request.call_id}-voicemail.wav"
    assert message.data == {"message": {"file": file, "duration_s": 2.5}}  # type: ignore[union-attr]
    assert steps_of(bot)[0] == ("voicemail", "hung_up", file)
    assert bot.registry.call_count == 0


@ON
async def test_a_hang_up_without_a_word_keeps_nothing(bot: Switchboard) -> None:
    leg, _ = await recording(bot)
    bot.telephony.end(leg)
    await bot.settle()
    (message,) = bot.messages.posted
    assert message.data == {"message": None}  # type: ignore[union-attr]
    assert bot.registry.call_count == 0


@ON
async def test_where_nothing_can_be_recorded_the_flow_goes_on(bot: Switchboard) -> None:
    leg, kept = await recording(bot)
    kept.stop(RecordingEnd.FAILED)
    await bot.settle()
    assert bot.said(leg)[-1] == "Sorry."
    assert steps_of(bot)[0][:2] == ("voicemail", "error")


@ON
async def test_a_recording_ends_even_when_the_audio_stops_coming(bot: Switchboard) -> None:
    leg, kept = await recording(bot)
    kept.spoken_s = 9.0
    await bot.after(124.0)
    assert kept.is_done and bot.said(leg)[-1].startswith("To keep your message")
