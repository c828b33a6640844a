"""Surveys: questions one after the other, what is kept of each, and the ways out."""

from __future__ import annotations

import pytest

from ivr.errors import FlowSyntaxError
from ivr.flow import commands as c
from ivr.flow.loader import load_flow
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

SURVEY = (
    HEAD
    + """
start: feedback
commands:
  back: {keys: "##", say: [go back], go: back}
  again: {say: [repeat], go: repeat}
defaults: {no_input: "Hm.", no_match: "What?", failed: bye}
steps:
  feedback:
    survey:
      name: satisfaction
      intro: "Two questions."
      questions:
        service: {ask: rating, prompt: "How was the service?"}
        reason: {ask: digits, length: 2, prompt: "Which reason?", if: "service < 3", sensitive: true}
        again: {ask: yes_no, prompt: "Would you call again?", into: is_loyal}
      opt_out: {keys: "*", say: [stop it]}
      thanks: "Thank you."
    opted_out: too_bad
    next: bye
  too_bad: {say: "Too bad.", next: hang_up}
  bye: {say: "Bye.", next: hang_up}
"""
)


def call(text: str = SURVEY) -> CallScript:
    return CallScript(text).offered()


def kept(talk: CallScript) -> list[tuple[str, str, object]]:
    notes = [command for command in talk.commands if isinstance(command, c.NoteAnswer)]
    assert {note.survey for note in notes} <= {"satisfaction"}
    return [(note.question, note.outcome, note.answer) for note in notes]


def test_the_questions_are_asked_one_after_the_other_and_each_answer_is_kept() -> None:
    talk = call().hears("two questions. how was the service?").presses("2").hears("which reason").presses("42")
    talk.hears("call again?").says("yes").hears("thank you. bye.")
    assert talk.has_ended
    assert kept(talk) == [("service", "answered", 2), ("reason", "answered", "***"), ("again", "answered", True)]
    assert talk.variables["service"] == 2 and talk.variables["is_loyal"] is True


def test_how_an_answer_was_given_is_kept_with_it() -> None:
    talk = call().says("four", 0.9)
    answer = next(command for command in talk.commands if isinstance(command, c.NoteAnswer))
    assert (answer.mode, answer.answer) == ("voice", 4) and answer.confidence is not None
    assert answer.asked_at_s < talk.clock.monotonic_s()


def test_a_question_whose_condition_does_not_hold_is_skipped() -> None:
    talk = call().presses("5").hears("call again?").presses("1").hears("thank you")
    assert kept(talk)[1] == ("reason", "skipped", None)


def test_a_question_without_an_answer_is_left_out_after_its_attempts() -> None:
    talk = call().stays_silent(6).hears("hm. how was").stays_silent(6).hears("call again?")
    assert kept(talk) == [("service", "no_answer", None), ("reason", "skipped", None)]
    assert talk.variables["service"] is None


def test_what_was_answered_is_kept_when_the_caller_hangs_up() -> None:
    talk = call().presses("4").hears("call again").hangs_up()
    assert kept(talk) == [("service", "answered", 4), ("reason", "skipped", None), ("again", "hung_up", None)]


def test_a_caller_who_wants_no_more_gets_out_by_key_or_word() -> None:
    talk = call().presses("*").hears("too bad")
    assert talk.has_ended and kept(talk) == [("service", "opted_out", None)]
    assert kept(call().presses("4").says("stop it").hears("too bad"))[-1] == ("again", "opted_out", None)


def test_without_an_exit_of_its_own_an_opt_out_leads_to_next() -> None:
    assert call(SURVEY.replace("    opted_out: too_bad\n", "")).presses("*").hears("bye").has_ended


def test_back_leads_to_the_question_before_and_its_new_answer_counts() -> None:
    talk = call().presses("4").hears("call again").says("go back").hears("how was the service").presses("1")
    talk.hears("which reason")
    assert [entry[1:] for entry in kept(talk) if entry[0] == "service"] == [("answered", 4), ("answered", 1)]


def test_repeat_and_keys_typed_ahead() -> None:
    talk = call().says("repeat").hears("two questions. how was the service").presses("51").hears("thank you")
    assert kept(talk)[-1] == ("again", "answered", True)


def test_a_survey_in_a_flow_that_another_runs() -> None:
    part = SURVEY.replace("flow: test", "flow: ask_them").replace("next: hang_up", "next: return")
    main = f"{HEAD}start: go\nsteps:\n  go: {{run: ask_them, next: end}}\n  end: {{say: Done., next: hang_up}}\n"
    talk = CallScript(main, runs=[part]).offered().presses("5").presses("1").hears("done")
    assert [note.step for note in talk.record][:3] == ["go", "go/feedback", "go/feedback.service"]
    assert kept(talk)[-1] == ("again", "answered", True)


def test_a_survey_that_is_done_again_asks_anew() -> None:
    talk = call(SURVEY.replace("    next: bye", "    next: feedback")).presses("4").presses("1").hears("how was")
    assert talk.variables["service"] is None


def test_next_repeat_asks_the_survey_again_and_not_its_thanks() -> None:
    talk = call(SURVEY.replace("    next: bye", "    next: repeat")).presses("4").presses("1")
    talk.hears("thank you. two questions. how was the service?").presses("5").hears("call again?")
    talk = call(SURVEY.replace("opted_out: too_bad", "opted_out: repeat")).presses("*").hears("two questions. how was")
    assert not talk.has_ended


def test_a_survey_without_questions_is_refused() -> None:
    text = f"{HEAD}start: a\nsteps:\n  a: {{survey: {{questions: {{}}}}, next: hang_up}}\n"
    with pytest.raises(FlowSyntaxError, match="questions"):
        load_flow(text, "f.yaml")
