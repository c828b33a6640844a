"""Turn taking on a virtual clock: frames are a string, `#` speech and `.` none, 20 ms each."""

from __future__ import annotations

import pytest

from ivr.flow.turn import (
    Completeness,
    EndCause,
    Paused,
    SpeechEnded,
    SpeechStarted,
    TurnEvent,
    TurnSettings,
    TurnState,
    end,
    judge,
    step,
)

pytestmark = pytest.mark.unit

FRAME_S = 0.02
SETTINGS = TurnSettings(final_silence_s=0.5, max_speech_duration_s=3.0)


def play(
    frames: str, settings: TurnSettings = SETTINGS, begin_s: float = 100.0, words: Completeness | None = None
) -> list[TurnEvent]:
    """What happens but for the pauses; `words` is told in each of them."""
    state, events = TurnState(), list[TurnEvent]()
    for index, frame in enumerate(frames):
        event: TurnEvent | None
        state, event = step(settings, state, begin_s + index * FRAME_S, frame == "#")
        if isinstance(event, Paused):
            state, event = judge(settings, state, event.decided_at_s, words) if words else (state, None)
        if event:
            events.append(event)
    return events


def end_s(frames: str, words: Completeness | None, settings: TurnSettings = SETTINGS) -> float:
    """How long after the last speech of an utterance its end is decided."""
    ended = next(event for event in play(frames, settings, words=words) if isinstance(event, SpeechEnded))
    return round(ended.decided_at_s - ended.ended_at_s, 3)


def test_silence_is_no_turn() -> None:
    assert play("." * 500) == []


def test_sustained_speech_begins_a_turn_at_its_first_frame() -> None:
    (event,) = play("." * 50 + "#" * 6)
    assert isinstance(event, SpeechStarted)
    assert event.started_at_s == pytest.approx(101.0)
    assert event.decided_at_s == pytest.approx(101.12)


def test_a_turn_can_be_told_to_end_and_another_begins_like_the_first() -> None:
    state = TurnState()
    assert end(state, 100.0) == (state, None)
    for index in range(10):
        state, _ = step(SETTINGS, state, 100.0 + index * FRAME_S, index < 8)
    state, ended = end(state, 100.2)
    assert ended is not None and ended.cause is EndCause.TOLD
    assert (ended.started_at_s, ended.ended_at_s, ended.decided_at_s) == pytest.approx((100.0, 100.16, 100.2))
    assert not state.is_speaking and end(state, 100.2)[1] is None


def test_a_click_shorter_than_the_onset_is_no_turn() -> None:
    assert play("." * 10 + "#" * 5 + "." * 50) == []


def test_clicks_far_apart_do_not_add_up() -> None:
    assert play((("." * 20) + "##") * 20) == []


def test_speech_with_short_gaps_adds_up_within_the_window() -> None:
    (event,) = play("....##.##.##....")
    assert isinstance(event, SpeechStarted)
    assert event.started_at_s == pytest.approx(100.08)


def test_the_lead_in_belongs_to_the_utterance() -> None:
    event = play("." * 50 + "#" * 6)[0]
    assert isinstance(event, SpeechStarted)
    assert event.audio_from_s == pytest.approx(101.0 - 0.3)


def test_the_lead_in_does_not_reach_before_the_first_frame() -> None:
    event = play("..." + "#" * 6)[0]
    assert isinstance(event, SpeechStarted)
    assert event.audio_from_s == pytest.approx(100.0)


def test_final_silence_ends_the_utterance() -> None:
    started, ended = play("#" * 20 + "." * 25)
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert ended.cause is EndCause.SILENCE
    assert ended.started_at_s == pytest.approx(100.0)
    assert ended.ended_at_s == pytest.approx(100.4)
    assert ended.decided_at_s == pytest.approx(100.9)


def test_one_frame_less_than_the_final_silence_does_not_end_it() -> None:
    assert len(play("#" * 20 + "." * 24)) == 1


def test_a_pause_shorter_than_the_final_silence_is_part_of_the_utterance() -> None:
    events = play("#" * 20 + "." * 24 + "#" * 10 + "." * 25)
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded]
    assert isinstance(events[1], SpeechEnded)
    assert events[1].ended_at_s == pytest.approx(100.0 + 54 * FRAME_S)


def test_even_one_speech_frame_prolongs_the_utterance() -> None:
    assert len(play("#" * 20 + "." * 24 + "#" + "." * 24)) == 1


def test_endless_speech_ends_at_its_longest_duration() -> None:
    _, ended = play("#" * 150)
    assert isinstance(ended, SpeechEnded)
    assert ended.cause is EndCause.TOO_LONG
    assert ended.decided_at_s == pytest.approx(103.0)


def test_speech_that_goes_on_after_the_longest_duration_is_a_new_utterance() -> None:
    events = play("#" * 160)
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded, SpeechStarted]
    assert isinstance(events[2], SpeechStarted)
    assert events[2].audio_from_s == pytest.approx(103.0), "no audio is heard twice"


def test_a_second_utterance_follows_the_first() -> None:
    events = play("#" * 20 + "." * 60 + "#" * 20 + "." * 60)
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded] * 2


def test_missing_frames_count_as_silence() -> None:
    state, _ = TurnState(), None
    for index in range(10):
        state, _ = step(SETTINGS, state, index * FRAME_S, True)
    assert state.is_speaking
    state, event = step(SETTINGS, state, 2.0, False)
    assert isinstance(event, SpeechEnded)
    assert not state.is_speaking


@pytest.mark.parametrize("final_silence_s", [0.3, 0.7, 1.5])
def test_the_decision_comes_exactly_after_the_configured_silence(final_silence_s: float) -> None:
    settings = TurnSettings(final_silence_s=final_silence_s, max_speech_duration_s=30.0)
    ended = play("#" * 40 + "." * 100, settings)[1]
    assert isinstance(ended, SpeechEnded)
    assert ended.decided_at_s - ended.ended_at_s == pytest.approx(final_silence_s, abs=FRAME_S)


def test_the_onset_can_be_configured() -> None:
    settings = TurnSettings(onset_s=0.04, onset_window_s=0.04)
    assert len(play("..##", settings)) == 1
    assert play("..#.#.#", settings) == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"final_silence_s": 0.0}, "must be positive"),
        ({"max_speech_duration_s": -1.0}, "must be positive"),
        ({"onset_s": 0.3, "onset_window_s": 0.2}, "is shorter than"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        TurnSettings(**settings)


SAID = "#" * 20 + "." * 100


def test_a_whole_answer_ends_sooner_and_half_an_answer_later() -> None:
    assert end_s(SAID, Completeness.COMPLETE) == pytest.approx(0.36)  # whole frames
    assert end_s(SAID, Completeness.OPEN) == pytest.approx(0.5)
    assert end_s(SAID, Completeness.INCOMPLETE) == pytest.approx(1.2)
    assert end_s(SAID, None) == pytest.approx(0.5)


def test_a_whole_answer_never_waits_longer_than_others_and_half_of_one_never_less() -> None:
    short = TurnSettings(final_silence_s=0.2)
    assert end_s(SAID, Completeness.COMPLETE, short) == pytest.approx(0.2)
    long = TurnSettings(final_silence_s=1.6)
    assert end_s(SAID, Completeness.INCOMPLETE, long) == pytest.approx(1.6)


def test_each_pause_is_judged_once_and_speech_that_goes_on_is_judged_anew() -> None:
    state, paused = TurnState(), []
    for index, frame in enumerate("#" * 20 + "." * 24 + "#" * 10 + "." * 30):
        state, event = step(SETTINGS, state, index * FRAME_S, frame == "#")
        if isinstance(event, Paused):
            paused.append(round(event.decided_at_s, 2))
            state, _ = judge(SETTINGS, state, event.decided_at_s, Completeness.INCOMPLETE)
    assert paused == [0.76, 1.44]


def test_words_that_went_on_after_a_pause_are_no_longer_half_an_answer() -> None:
    state, ended = TurnState(), None
    pauses = iter([Completeness.INCOMPLETE, Completeness.OPEN])
    for index, frame in enumerate("#" * 20 + "." * 24 + "#" * 10 + "." * 60):
        state, event = step(SETTINGS, state, index * FRAME_S, frame == "#")
        if isinstance(event, Paused):
            state, event = judge(SETTINGS, state, event.decided_at_s, next(pauses))
        ended = event if isinstance(event, SpeechEnded) else ended
    assert ended is not None and ended.decided_at_s - ended.ended_at_s == pytest.approx(0.5)


def test_noise_that_never_stops_ends_after_the_longest_utterance_however_often_it_is_judged() -> None:
    events = play(("#" * 30 + "." * 20) * 20, words=Completeness.INCOMPLETE)
    ends = [event for event in events if isinstance(event, SpeechEnded)]
    assert ends[0].cause is EndCause.TOO_LONG and ends[0].decided_at_s == pytest.approx(103.0)


def test_words_told_when_nobody_speaks_change_nothing() -> None:
    assert judge(SETTINGS, TurnState(), 5.0, Completeness.COMPLETE)[1] is None
