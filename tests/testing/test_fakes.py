"""What only the fakes have: ways to look at them and to play the other side. tests/contract has what ports promise."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pytest import mark

from ivr.flow.segments import Pause, Segment, SoundFile, Speech
from ivr.ports import DialRequest, LegEnded, LegId, ListenRequest, TelephonyEvent
from ivr.testing.clock import ManualClock
from ivr.testing.prompts import MemoryPrompts
from ivr.testing.recognizer import ScriptedRecognizer
from ivr.testing.telephony import FakeTelephony

pytestmark = mark.unit

PROMPT = Path("/prompts/a.wav")


def started() -> tuple[FakeTelephony, ManualClock, list[TelephonyEvent]]:
    clock, events = ManualClock(), list[TelephonyEvent]()
    telephony = FakeTelephony(clock, length_s=lambda file: 1.0)
    asyncio.run(telephony.start(events.append))
    return telephony, clock, events


def test_what_was_asked_for_is_kept_in_order_even_for_a_leg_that_is_gone() -> None:
    telephony, _, _ = started()
    leg = telephony.offer()
    telephony.answer(leg)
    telephony.hang_up(leg, 17)
    telephony.send_digits(leg, "1")
    assert telephony.names == ["answer", "hang_up", "send_digits"]
    assert [asked.details for asked in telephony.asked_for("hang_up", leg)] == [(17,)]
    assert telephony.asked_for("hang_up", LegId("other")) == []


def test_what_a_leg_is_doing_can_be_seen() -> None:
    telephony, clock, _ = started()
    caller, target = telephony.offer(), telephony.dial(DialRequest("sip:a@b"))
    telephony.answer(caller)
    telephony.pick_up(target)
    telephony.play(caller, "p1", [PROMPT])
    assert (telephony.playing(caller), telephony.playing(target)) == ("p1", "")
    clock.advance(1.1)
    assert telephony.playing(caller) == ""
    telephony.play(caller, "p2", [PROMPT], loop=True)
    telephony.join(caller, target)
    assert (telephony.playing(caller), telephony.joined_to(caller), telephony.joined_to(target)) == ("", target, caller)
    telephony.end(target)
    assert telephony.joined_to(caller) == "" and telephony.live_legs == [caller]


def test_a_party_who_is_gone_is_heard_no_more() -> None:
    telephony, clock, events = started()
    leg = telephony.dial(DialRequest("sip:a@b"))
    telephony.end(leg, 404, hangup_cause=1)
    telephony.ringing(leg)
    telephony.pick_up(leg)
    telephony.press(leg, "1")
    telephony.speak(leg, bytes(640))
    telephony.refer_progress(leg, 200, is_final=True)
    telephony.end(leg)
    clock.advance()
    (ended,) = events
    assert isinstance(ended, LegEnded) and (ended.sip_status, ended.hangup_cause) == (404, 1)


def test_a_stream_keeps_its_audio_until_it_is_closed() -> None:
    recognizer = ScriptedRecognizer(ManualClock())
    stream = recognizer.open(ListenRequest("l1", "en-US", ("one",), True, 0.7, 15.0), 8000, print)
    assert recognizer.listening is stream
    stream.write(b"12")
    stream.close()
    stream.write(b"34")
    assert recognizer.streams[0].audio == b"12" and recognizer.listening is None


def test_prompts_know_what_their_files_say_and_warm_ones_are_always_ready() -> None:
    prompts = MemoryPrompts()
    segments: list[Segment] = [Speech("Hello", "en"), Pause(0.5), SoundFile("sounds/en/a.wav")]
    files = prompts.cached(segments)
    assert files is not None and prompts.texts(files) == "Hello [sounds/en/a.wav]"
    assert prompts.length_s(files[1]) == 0.5
    with pytest.raises(KeyError):
        prompts.length_s(PROMPT)
