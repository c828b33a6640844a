"""Attempts that escalate (short, longer, help) and their counters, in every kind of question.

VoiceXML has the same: `count` of prompts (2.0 §4.1.6) and of events (2.0 §5.2), which begin anew with each visit.
"""

from __future__ import annotations

import pytest

from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

FLOW = (
    HEAD
    + """
start: first
commands: {back: {keys: "##", say: [go back], go: back}}
defaults: {failed: gave_up, max_attempts: 3}
variables: {value: "", message: ""}
steps:
  first: {menu: {prompt: "First?", choices: {on: {keys: "1", go: here}}}}
  here: STEP
  last: {menu: {prompt: "Last?", choices: {on: {keys: "1", go: hang_up}}}}
  gave_up: {say: "Given up.", next: hang_up}
"""
)

TEXTS = (
    'no_input: ["Short.", "Longer."], no_match: ["Wrong.", "Wrong again."], '
    'help: ["Help.", "More help."], first_input_timeout: 6s'
)
COUNTED = '{1: "The question?", 2: "Again?"}'

PART = f"""
flow: part
language: en-US
start: ask
defaults: {{failed: missed}}
steps:
  ask: {{ask: digits, length: 2, prompt: {COUNTED}, into: one, {TEXTS}, next: return}}
  missed: {{return: {{outcome: missed}}}}
"""

STEPS = {
    "menu": f'{{menu: {{prompt: {COUNTED}, choices: {{on: {{keys: "12"}}}}}}, {TEXTS}, next: last}}',
    "ask": f"{{ask: digits, length: 2, prompt: {COUNTED}, into: value, {TEXTS}, next: last}}",
    "form": f"{{form: {{fields: {{a: {{ask: digits, length: 2, prompt: {COUNTED}, {TEXTS}}}}}}}, next: last}}",
    "survey": f'{{survey: {{questions: {{one: {{ask: digits, length: 2, prompt: {COUNTED}, {TEXTS}, max_attempts: 3, '
              "failed: gave_up}}}, next: last}",
    "run": "{run: part, missed: gave_up, next: last}",
}  # fmt: skip


def begun(kind: str) -> CallScript:
    """A call that has come to the question."""
    call = CallScript(FLOW.replace("STEP", STEPS[kind]), runs=[PART]).offered().presses("1")
    assert said(call) == "The question?"
    return call


def said(call: CallScript) -> str:
    """All that the bot said since the caller did something."""
    call.listens()
    return " ".join(prompt.text for prompt in call.said_now)


def waits_on(call: CallScript) -> str:
    """What is said after silence."""
    return said(call.stays_silent(6.1))


@pytest.mark.parametrize("kind", STEPS)
def test_silence_escalates_and_gives_up(kind: str) -> None:
    call = begun(kind)
    assert [waits_on(call) for _ in range(3)] == ["Short. Again?", "Longer. Again?", "Given up."]


@pytest.mark.parametrize("kind", STEPS)
def test_mistakes_share_the_counter_with_silence(kind: str) -> None:
    call = begun(kind)
    assert waits_on(call) == "Short. Again?"
    assert said(call.says("bananas")) == "Wrong again. Again?"
    assert said(call.says("bananas")) == "Given up."


@pytest.mark.parametrize("kind", STEPS)
def test_help_escalates_by_itself_and_costs_no_attempt(kind: str) -> None:
    call = begun(kind)
    assert said(call.says("help")).startswith("Help.")
    assert waits_on(call) == "Short. Again?"
    assert said(call.says("help")).startswith("More help.")
    assert [waits_on(call) for _ in range(2)] == ["Longer. Again?", "Given up."]


@pytest.mark.parametrize("kind", STEPS)
def test_who_comes_again_is_asked_as_for_the_first_time(kind: str) -> None:
    call = begun(kind)
    assert waits_on(call) == "Short. Again?"
    assert said(call.says("go back")) == "First?"
    assert said(call.presses("1")) == "The question?"
    assert waits_on(call) == "Short. Again?"


@pytest.mark.parametrize("kind", STEPS)
def test_the_attempts_are_counted_in_the_record(kind: str) -> None:
    call = begun(kind)
    waits_on(call)
    call.says("bananas").listens()
    call.presses("12").hears("Last?")
    asked = [(note.attempt, note.outcome) for note in call.record if note.outcome in ("no_input", "no_match", "match")]
    assert asked[1:4] == [(1, "no_input"), (2, "no_match"), (3, "match")]


def test_the_attempts_at_a_message_escalate() -> None:
    step = '{record: {prompt: "You are recorded."}, into: message, no_input: ["Short.", "Longer."], next: last}'
    call = CallScript(FLOW.replace("STEP", step)).offered().presses("1").hears("You are recorded.")
    assert waits_on(call).startswith("Short. You are recorded.")
    assert waits_on(call).startswith("Longer. You are recorded.")
    assert waits_on(call).startswith("Given up.")


def test_the_review_of_a_message_is_asked_twice_and_the_message_kept() -> None:
    step = '{record: {prompt: "You are recorded.", review: true, review_prompt: "Keep it?"}, into: message, next: last}'
    call = CallScript(FLOW.replace("STEP", step)).offered().presses("1").leaves_message(3.0, then="#").hears("Keep it?")
    assert waits_on(call).endswith("Keep it?")
    assert waits_on(call) == "Last?"
