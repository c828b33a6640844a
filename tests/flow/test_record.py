"""Messages of callers: how one is left, reviewed, given up, and what the flow knows of it."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

MAILBOX = (
    HEAD
    + """
start: hello
defaults: {no_input: "Hm.", no_match: "What?", failed: bye}
on_hang_up: note
steps:
  hello: {say: "Hello.", next: voicemail}
  voicemail:
    record: {prompt: "Please leave a message after the tone.", max_length: 20s REVIEW}
    into: message
    no_input: ["I heard nothing.", "Nothing again."]
    failed: sorry
    next: thanks
  thanks: {say: "{{ message.duration_s }} seconds. Thanks.", next: bye}
  sorry: {say: "Too bad.", next: bye}
  bye: {say: "Bye.", next: hang_up}
  note: {send: {webhook: crm, variables: [message]}, next: hang_up}
"""
)
PLAIN = MAILBOX.replace(" REVIEW", "")
REVIEWED = MAILBOX.replace(" REVIEW", ", review: true")
KEPT = {"file": "voicemail-1.wav", "duration_s": 6.0}


def call(text: str = PLAIN) -> CallScript:
    return CallScript(text).offered()


def recorded(talk: CallScript) -> list[tuple[int, str, str]]:
    return [(note.attempt, note.outcome, note.detail) for note in talk.record if note.kind == "record"]


def test_a_message_ends_by_silence() -> None:
    talk = call().hears("hello. please leave a message after the tone. [tone]").leaves_message(6.0)
    talk.hears("6.0 seconds. thanks. bye.")
    assert talk.has_ended
    assert talk.variables["message"] == KEPT
    assert recorded(talk) == [(1, "done", "6.0 s, silence")]


def test_a_message_ends_by_its_key_and_by_no_other() -> None:
    talk = call().hears("tone").leaves_message(6.0, then="12#").hears("thanks")
    assert recorded(talk) == [(1, "done", "6.0 s, stopped")]


def test_any_key_can_end_it() -> None:
    text = PLAIN.replace("max_length: 20s", "terminator: any")
    assert call(text).hears("tone").leaves_message(6.0, then="5").hears("thanks")


def test_a_message_has_a_longest_length() -> None:
    talk = call().hears("tone").leaves_message(30.0).hears("20.0 seconds")
    assert recorded(talk) == [(1, "done", "20.0 s, max_length")]


def test_the_prompt_cannot_be_interrupted_into_the_recording() -> None:
    talk = call()
    talk.interrupts(keys="#")
    assert talk.is_speaking and not talk.prompts[-1].was_cut
    assert not any(isinstance(command, c.StartRecording) for command in talk.commands)
    talk.leaves_message(6.0).hears("6.0 seconds")


def test_no_tone_where_none_is_wanted() -> None:
    talk = call(PLAIN.replace("max_length: 20s", "beep: false")).hears("after the tone.")
    assert "[tone]" not in talk.prompts[-1].text


def test_silence_is_asked_again_and_leads_out_in_the_end() -> None:
    talk = call().stays_silent(6.1).hears("i heard nothing. please leave")
    talk.stays_silent(6.1).hears("nothing again. please leave")
    talk.stays_silent(6.1).hears("too bad. bye.")
    assert talk.has_ended
    assert recorded(talk) == [(attempt, "no_input", "nothing") for attempt in (1, 2, 3)]


def test_a_message_that_is_too_short_counts_as_none() -> None:
    talk = call().hears("tone").leaves_message(0.5, then="#").hears("i heard nothing")
    assert recorded(talk) == [(1, "no_input", "stopped")]
    talk.leaves_message(6.0).hears("6.0 seconds")


def test_what_was_said_before_a_hang_up_is_kept() -> None:
    talk = call().listens().leaves_message(6.0, then="1").hangs_up()
    assert talk.has_ended and talk.variables["message"] == KEPT
    assert recorded(talk) == [(1, "hung_up", "6.0 s, hung_up")]
    (work,) = [command for command in talk.commands if isinstance(command, c.StartJob)]
    assert work.job.message.data == {"message": KEPT}  # type: ignore[union-attr]


def test_a_hang_up_without_a_word_is_written_down_once() -> None:
    talk = call().listens().hangs_up()
    assert talk.has_ended and "message" not in talk.variables
    assert [outcome for _, outcome, _ in recorded(talk)] == ["hung_up"]


def test_a_caller_who_leaves_during_the_prompt_has_said_nothing() -> None:
    talk = call().waits(0.5).hangs_up()
    assert talk.has_ended and recorded(talk) == []


def test_where_nothing_can_be_kept_the_flow_goes_on() -> None:
    talk = call().recording_fails().hears("too bad")
    assert recorded(talk) == [(1, "error", "the disk is full")]


def test_an_error_goes_where_on_error_says() -> None:
    text = PLAIN.replace("    failed: sorry\n", "    failed: sorry\n    on_error: oops\n")
    text = text.replace("steps:\n", 'steps:\n  oops: {say: "Oops.", next: bye}\n')
    assert call(text).recording_fails().hears("oops. bye.")


def test_a_mail_takes_the_message_along() -> None:
    send = "{send: {mail: office, subject: New, text: A message., attach: message}"
    talk = call(PLAIN.replace("{send: {webhook: crm, variables: [message]}", send))
    talk.listens().leaves_message(6.0, then="1").hangs_up()
    (work,) = [command for command in talk.commands if isinstance(command, c.StartJob)]
    assert work.job.message.attachment == "voicemail-1.wav"  # type: ignore[union-attr]


# --- review


def test_a_message_is_heard_and_kept() -> None:
    talk = call(REVIEWED).hears("tone").leaves_message(6.0).hears("to keep your message, press 1")
    talk.presses("2").hears("[voicemail-1.wav] to keep").says("keep it").hears("6.0 seconds. thanks.")
    assert talk.variables["message"] == KEPT
    assert not any(isinstance(command, c.DropRecording) for command in talk.commands)


def test_a_message_that_is_recorded_again_is_removed() -> None:
    talk = call(REVIEWED).hears("tone").leaves_message(6.0).says("record it again").hears("after the tone")
    assert c.DropRecording("voicemail-1.wav") in talk.commands
    talk.leaves_message(4.0).presses("1").hears("4.0 seconds")
    assert talk.variables["message"] == {"file": "voicemail-2.wav", "duration_s": 4.0}


def test_the_record_of_the_call_tells_of_the_review() -> None:
    talk = call(REVIEWED).hears("tone").leaves_message(6.0).presses("2").presses("3").leaves_message(4.0).presses("1")
    assert [outcome for _, outcome, _ in recorded(talk)] == ["done", "played", "given_up", "done"]


def test_playing_it_can_be_interrupted() -> None:
    talk = call(REVIEWED).hears("tone").leaves_message(6.0).presses("2")
    talk.interrupts(keys="1", after_s=0.5).hears("6.0 seconds")


def test_a_caller_who_does_not_answer_the_review_has_left_a_message_all_the_same() -> None:
    talk = call(REVIEWED).hears("tone").leaves_message(6.0).stays_silent(6.1).stays_silent(6.1)
    assert talk.hears("6.0 seconds").variables["message"] == KEPT


def test_a_hang_up_in_the_review_keeps_the_message() -> None:
    talk = call(REVIEWED).hears("tone").leaves_message(6.0).listens().hangs_up()
    assert talk.variables["message"] == KEPT
    assert any(isinstance(command, c.StartJob) for command in talk.commands)


def test_the_review_speaks_german() -> None:
    text = REVIEWED.replace("language: en-US", "language: de-DE")
    assert "de-DE" in text
    call(text).hears("tone").leaves_message(6.0).hears("behalten").says("behalten").hears("6.0 seconds")


def test_a_text_of_ones_own_for_the_review() -> None:
    text = MAILBOX.replace(" REVIEW", ", review: true, review_prompt: 'One keeps it.'")
    call(text).hears("tone").leaves_message(6.0).hears("one keeps it.").presses("1").hears("6.0 seconds")


@pytest.mark.parametrize("text", [PLAIN, REVIEWED])
def test_next_repeat_takes_another_message(text: str) -> None:
    talk = call(text.replace("    next: thanks", "    next: repeat")).leaves_message(6.0, then="#")
    if "review" in text:
        talk.presses("1")
    talk.hears("please leave a message")
