"""What a caller gives in confidence is in no line of the record, and in no variable that is written down."""

from __future__ import annotations

import pytest

from ivr.flow.moment import masked
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD, ask, offered

pytestmark = pytest.mark.unit

FLOW = (
    HEAD
    + """
start: pin
on_error: sorry
commands: {agent: {keys: "0", say: [agent], go: sorry}}
steps:
  pin: {ask: digits, prompt: "Your pin?", into: pin, length: 4, sensitive: true, confirm: CONFIRM, next: copy}
  copy: {set: {copied: "{{ pin }}", spoken: "pin {{ copied | digits }}", other: 5}, next: told}
  told: {say: "It is {{ pin | digits }}, {{ copied }} and {{ spoken }}.", next: check}
  check: {when: [{if: "pin == '7391'", go: call}], next: call}
  call: {transfer: {to: agent, announce: "Calling for {{ pin }}."}, failed: done}
  done:
    menu: {prompt: "{% if pin | int > 5000 %}Big{% else %}No{% endif %} {{ pin }}", choices: {a: {keys: "1", go: odd}}}
  odd: {say: "{{ pin | date }}"}
  sorry: {say: "Sorry."}
"""
)


def assert_hidden(call: CallScript, *secrets: str) -> None:
    for note in call.record:
        shown = f"{note.prompt}|{note.heard}|{note.meaning}|{note.detail}"
        assert not [secret for secret in secrets if secret in shown], note


@pytest.mark.parametrize("confirm", ["always", "never"])
def test_a_pin_is_masked_wherever_it_is_written(confirm: str) -> None:
    call = offered(FLOW.replace("CONFIRM", confirm)).says("seven three").waits(0.5).says("nine one")
    if confirm == "always":
        call.hears("7 3, 9 1").presses("1")
    call.hears("it is 7 3, 9 1").transfer_ends("busy").hears("big 7391").presses("1").hears("sorry")
    assert_hidden(call, "7391", "7 3 9", "seven", "nine")
    assert masked(call.state) | {"call": 0} == {"pin": "***", "copied": "***", "spoken": "***", "other": 5, "call": 0}


def test_wrong_entries_are_masked() -> None:
    call = (
        offered(FLOW.replace("CONFIRM", "always")).presses("739*").presses("7391").presses("2").presses("73").waits(2.1)
    )
    call.hangs_up()
    assert_hidden(call, "739", "73")
    assert "***" in {note.heard for note in call.record}


def test_what_is_said_beside_a_command_is_not_written_down() -> None:
    call = offered(FLOW.replace("CONFIRM", "never")).says("seven three agent").hears("sorry")
    assert_hidden(call, "seven")
    assert call.record[0].heard == "agent"


def test_the_recognizer_knows_that_it_is_sensitive() -> None:
    listening = ask("digits", sensitive="true").listening
    assert listening is not None and listening.is_sensitive


def test_a_variable_that_gets_a_harmless_value_is_shown_again() -> None:
    text = (
        HEAD
        + """
start: pin
steps:
  pin: {ask: digits, prompt: "Pin?", into: pin, length: 1, sensitive: true, next: clear}
  clear: {set: {pin: "none"}, next: told}
  told: {say: "It is {{ pin }}."}
"""
    )
    call = offered(text).presses("7").hears("it is none")
    assert call.record[-1].prompt == "It is none."


def test_a_text_that_needs_the_value_is_masked_whole() -> None:
    text = (
        HEAD
        + """
start: age
steps:
  age: {ask: number, prompt: "Age?", into: age, sensitive: true, next: told}
  told: {say: "{% if age > 17 %}Welcome.{% else %}Too young.{% endif %}"}
"""
    )
    call = offered(text).presses("42#").hears("welcome.")
    assert call.record[-1].prompt == "***"


def test_a_list_with_a_sensitive_value_in_it_is_sensitive() -> None:
    flow = """
flow: pins
start: ask
steps:
  ask: {ask: digits, length: 4, prompt: "Your PIN?", into: pin, sensitive: true, confirm: never, next: keep}
  keep: {set: {both: ["{{ pin }}", {again: "{{ pin }}"}], one: [1]}, next: hang_up}
"""
    call = CallScript(flow).offered().presses("4711")
    assert call.state.variables["both"] == ["4711", {"again": "4711"}]
    assert "both" in call.state.sensitive and "one" not in call.state.sensitive
    assert not any("4711" in note.meaning for note in call.record)
