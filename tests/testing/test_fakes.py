"""The fakes keep what the ports promise."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

from pytest import approx, mark

from ivr.ports import DialRequest, LegAnswered, LegEnded, LegId, ListenRequest, PlayFailed, PlayFinished, TelephonyEvent
from ivr.testing.clock import ManualClock
from ivr.testing.recognizer import ScriptedRecognizer
from ivr.testing.telephony import FakeTelephony

pytestmark = mark.unit


def started() -> tuple[FakeTelephony, ManualClock, list[TelephonyEvent]]:
    clock, events = ManualClock(), list[TelephonyEvent]()
    telephony = FakeTelephony(clock)
    asyncio.run(telephony.start(events.append))
    return telephony, clock, events


def test_a_play_ends_after_its_files_and_a_stopped_one_never(tmp_path: Path) -> None:
    telephony, clock, events = started()
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 12000))
    leg = telephony.offer()
    telephony.answer(leg)
    telephony.play(leg, "stopped", [tmp_path / "a.wav"])
    telephony.play(leg, "p1", [tmp_path / "a.wav"], lead_in_s=0.5)
    clock.advance(1.9)
    assert not [event for event in events if isinstance(event, PlayFinished)]
    clock.advance(0.2)
    (finished,) = [event for event in events if isinstance(event, PlayFinished)]
    assert finished.play_id == "p1" and finished.at_s == approx(1002.0)


def test_a_file_that_is_not_there_is_an_event() -> None:
    telephony, clock, events = started()
    leg = telephony.offer()
    telephony.play(leg, "p1", [Path("/nowhere.wav")])
    clock.advance()
    assert isinstance(events[-1], PlayFailed)


def test_a_leg_is_answered_once_and_ends_once_and_late_commands_are_ignored() -> None:
    telephony, clock, events = started()
    leg = telephony.offer()
    for _ in range(2):
        telephony.answer(leg)
        telephony.hang_up(leg)
    telephony.answer(leg)
    telephony.play(leg, "p1", [])
    telephony.stop_playing(leg)
    telephony.listen(leg, None)
    telephony.join(leg, LegId("other"))
    telephony.reject(leg, 486)
    telephony.send_digits(leg, "1")
    clock.advance()
    assert [type(event) for event in events[1:]] == [LegAnswered, LegEnded]


def test_events_come_after_the_command_has_returned_and_a_full_bot_dials_nobody() -> None:
    telephony, clock, events = started()
    telephony.max_legs = 1
    telephony.offer()
    leg = telephony.dial(DialRequest("sip:a@b"))
    assert events == []
    clock.advance()
    ended = events[-1]
    assert isinstance(ended, LegEnded) and (ended.leg_id, ended.sip_status, ended.reason) == (leg, 503, "no free leg")


def test_a_closed_recognizer_stream_reports_nothing() -> None:
    recognizer, events = ScriptedRecognizer(ManualClock(), vocabulary=frozenset({"one"})), list[object]()
    request = ListenRequest("l1", "en-US", ("one",), True, 0.7, 15.0)
    stream = recognizer.open(request, 8000, events.append)
    stream.write(b"12")
    recognizer.hears("one")
    stream.close()
    recognizer.hears_speech()
    recognizer.hears("one")
    recognizer.breaks()
    assert len(events) == 1 and recognizer.streams[0].audio == b"12"
    assert recognizer.unknown_words("en", ["one", "two"]) == ("two",)
    recognizer.close()
    assert recognizer.is_closed and "en" in recognizer.capabilities.languages
