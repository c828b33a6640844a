"""Prompts by count, help, counters of steps, and what `repeat` and `back` bring again."""

from __future__ import annotations

import pytest

from ivr.errors import FlowSyntaxError
from ivr.flow.loader import load_flow
from ivr.flow.prompts import fixed_prompts
from ivr.flow.segments import Speech
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD, ask, offered

pytestmark = pytest.mark.unit

BY_COUNT = '{1: "The long way.", 2: "Short.", 4: ["With", "keys."]}'


def test_each_attempt_has_the_prompt_of_its_count_and_the_last_one_repeats() -> None:
    call = ask("digits", prompt=BY_COUNT, length="2", max_attempts="6", no_input='"Hm."', failed="sorry")
    call.stays_silent(60)
    said = [prompt.removeprefix("Hm. ") for prompt in call.prompts_heard]
    assert said[:6] == ["The long way.", "Short.", "Short.", "With keys.", "With keys.", "With keys."]


def test_a_step_that_is_entered_anew_counts_from_one() -> None:
    call = ask("digits", prompt=BY_COUNT, length="2", no_input='"Hm."', failed="sorry")
    call.stays_silent(6).hears("short").presses("*").hears("the long way")


def test_a_text_that_is_said_again_may_change_with_the_visits() -> None:
    text = (
        HEAD
        + "start: hello\nsteps:\n  hello: {say: {1: Welcome., 2: Here again.}, next: menu}\n"
        + ('  menu: {menu: {prompt: "Main menu.", choices: {on: {keys: "1"}}}, next: hello}\n')
    )
    call = offered(text).hears("welcome. main menu").presses("1").hears("here again.").presses("1").hears("here again.")
    assert call.variables.keys() == {"call"}


def test_every_prompt_of_a_count_is_rendered_beforehand() -> None:
    flow = load_flow(f"{HEAD}start: a\nsteps:\n  a: {{say: {BY_COUNT}, next: hang_up}}\n", "f.yaml").flow
    texts = {part.text for segments in fixed_prompts(flow) for part in segments if isinstance(part, Speech)}
    assert {"The long way.", "Short.", "With", "keys."} <= texts


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ('{2: "Short."}', "nothing is said the first time; write it under 1"),
        ('{1: {1: "A", 2: "B"}}', "side by side"),
        ('{1: "A", 0: "B"}', "does not fit"),
    ],
)
def test_counts_that_cannot_be_are_refused(prompt: str, message: str) -> None:
    with pytest.raises(FlowSyntaxError, match=message):
        load_flow(f"{HEAD}start: a\nsteps:\n  a: {{say: {prompt}, next: hang_up}}\n", "f.yaml")


# --- counters in conditions

COUNTED = """
start: ask
steps:
  ask: {ask: digits, prompt: "Try {{ step.visits }}?", length: 1, into: code, next: judge, failed: hang_up}
  judge:
    when:
      - {if: "code == '7'", go: right}
      - {if: "step.visits >= 3", go: wrong}
      - {else: true, go: ask}
  right: {say: "Right.", next: hang_up}
  wrong: {say: "Wrong, {{ step.name }}.", next: hang_up}
"""


def test_a_step_knows_how_often_it_was_entered() -> None:
    call = offered(HEAD + COUNTED).hears("try 1").presses("1").hears("try 2").presses("2").hears("try 3")
    assert call.presses("3").hears("wrong, wrong.").has_ended
    assert offered(HEAD + COUNTED).presses("1").presses("7").hears("right").has_ended


def test_a_prompt_that_is_played_out_first_is_no_second_visit() -> None:
    text = (
        HEAD
        + "start: hello\nsteps:\n  hello: {say: Hello., barge_in: none, next: ask}\n"
        + ('  ask: {ask: digits, prompt: "Try {{ step.visits }}?", length: 1, into: code, next: hang_up}\n')
    )
    assert offered(text).hears("try 1").step == "ask"


# --- help


def helped(**more: str) -> CallScript:
    return ask("digits", length="2", help='["Two digits, on your card.", "Ask the office."]', failed="sorry", **more)


def test_who_asks_for_help_hears_the_help_and_the_question_again() -> None:
    call = helped().says("help").hears("two digits, on your card. what is it?")
    call.says("help me").hears("ask the office. what is it?").says("help").hears("ask the office")
    assert call.presses("42").variables["value"] == "42"


def test_help_is_no_failed_attempt_and_begins_with_the_first_text_when_the_step_is_entered_anew() -> None:
    call = helped(max_attempts="2", no_input='"Hm."').says("help").says("help").hears("office")
    call.stays_silent(6).hears("hm.").says("help").hears("office").presses("*").hears("what is it").says("help")
    call.hears("on your card").stays_silent(6).hears("hm. what").stays_silent(6).hears("too bad")


def test_help_in_german() -> None:
    text = (
        HEAD.replace("en-US", "de-DE")
        + "start: a\nsteps:\n"
        + ('  a: {ask: yes_no, prompt: "Ja?", help: "Sagen Sie ja.", into: b, next: hang_up, failed: hang_up}\n')
    )
    assert offered(text).says("hilfe").hears("Sagen Sie ja. Ja?").step == "a"


def test_without_a_help_text_nobody_listens_for_it() -> None:
    call = ask("yes_no", failed="sorry")
    assert call.listening is not None and "help" not in call.listening.phrases
    assert "help" in (helped().listening or call.listening).phrases


def test_a_step_without_commands_has_no_help_either() -> None:
    text = (
        HEAD
        + "start: a\nsteps:\n"
        + ('  a: {ask: yes_no, prompt: "Yes?", help: "Say yes.", commands: [], into: b, next: hang_up}\n')
    )
    listening = offered(text).listening
    assert listening is not None and "help" not in listening.phrases


def test_a_command_may_bring_the_help_by_other_words_and_keys() -> None:
    commands = '  explain: {keys: "*", say: [explain], go: help}\n'
    call = ask("digits", commands=commands, length="2", help='"Two digits."', failed="sorry")
    assert call.presses("*").hears("two digits. what").says("explain").hears("two digits. what").step == "question"


def test_a_choice_may_lead_to_the_help() -> None:
    text = (
        HEAD
        + "start: a\nsteps:\n"
        + (
            '  a: {menu: {prompt: "Press 1.", choices: {more: {keys: "1", go: help}, end: {keys: "2", go: hang_up}}},'
            ' help: "Really."}\n'
        )
    )
    assert offered(text).presses("1").hears("really. press 1").step == "a"


# --- repeat and back

SAYS = """
languages: [de-DE]
commands:
  again: {keys: "*", go: repeat}
  back: {keys: "##", go: back}
  german: {keys: "9", language: de-DE}
start: first
steps:
  first: {menu: {prompt: {en: "First.", de: "Erst."}, choices: {on: {keys: "1", go: told}}}, failed: hang_up}
  told: {say: {en: "You have five.", de: "Sie haben fünf."}, next: second}
  second: {menu: {prompt: {en: "Second.", de: "Dann."}, choices: {on: {keys: "1", go: hang_up}}}, failed: hang_up}
"""


def test_repeat_says_again_what_was_said_before_the_question() -> None:
    call = (
        offered(HEAD + SAYS).presses("1").hears("you have five. second.").presses("*").hears("you have five. second.")
    )
    assert call.presses("*").hears("you have five. second.").step == "second"


def test_after_silence_only_the_question_is_asked_again() -> None:
    call = offered(HEAD + SAYS).presses("1").stays_silent(6)
    assert "five" not in call.prompts_heard[-1]


def test_repeat_in_another_language_leaves_out_what_was_said_in_the_first() -> None:
    assert offered(HEAD + SAYS).presses("1").presses("9").hears("Dann.").prompts_heard[-1] == "Dann."


def test_repeat_and_back_work_with_keys_typed_ahead() -> None:
    call = offered(HEAD + SAYS).interrupts(keys="1*").hears("you have five. second.")
    assert call.step == "second"
    assert offered(HEAD + SAYS).interrupts(keys="1##").hears("first.").step == "first"
