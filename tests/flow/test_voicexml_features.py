"""Features of VoiceXML that are small parts of larger things here: each alone, as docs/voicexml.md names it."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD, ask, menu, offered

pytestmark = pytest.mark.unit


def flow(steps: str, head: str = "") -> CallScript:
    """A call in a flow of these steps, which begins at `start`."""
    return offered(f"{HEAD}{head}start: start\nsteps:\n{steps}")


def test_variables_have_their_first_values_before_any_step() -> None:
    call = flow('  start: {say: "{{ count }} for {{ who }}.", next: hang_up}\n', "variables: {count: 3, who: you}\n")
    call.hears("3 for you.")


def test_assigning_and_clearing_a_variable() -> None:
    steps = (
        '  start: {set: {tries: "{{ tries + 1 }}", code: ""}, next: told}\n'
        '  told: {say: "Try {{ tries }}, code ({{ code }}).", next: hang_up}\n'
    )
    call = flow(steps, 'variables: {tries: 1, code: "4711"}\n').hears("try 2, code ().")
    assert (call.variables["tries"], call.variables["code"]) == (2, "")


@pytest.mark.parametrize(("tries", "said"), [(3, "many"), (2, "some"), (1, "few")])
def test_the_first_condition_that_holds_decides_and_else_takes_the_rest(tries: int, said: str) -> None:
    steps = (
        '  start: {when: [{if: "tries > 2", go: many}, {if: "tries > 1", go: some}, {else: true, go: few}]}\n'
        + "".join(f'  {name}: {{say: "{name}", next: hang_up}}\n' for name in ("many", "some", "few"))
    )
    assert flow(steps, f"variables: {{tries: {tries}}}\n").hears(said).prompts_heard == [said]


@pytest.mark.parametrize(("tries", "said"), [(1, "Which one?"), (2, "Again. Which one?")])
def test_part_of_a_prompt_is_said_only_where_its_condition_holds(tries: int, said: str) -> None:
    text = "{% if tries > 1 %}Again. {% endif %}Which one?"
    call = flow(f'  start: {{say: "{text}", next: hang_up}}\n', f"variables: {{tries: {tries}}}\n")
    assert call.listens().prompts_heard == [said]


def test_next_goes_to_the_step_it_names_and_not_to_the_one_below() -> None:
    steps = (
        "  start: {set: {a: 1}, next: third}\n"
        '  second: {say: "Second.", next: hang_up}\n'
        '  third: {say: "Third.", next: hang_up}\n'
    )
    assert flow(steps).hears("third").prompts_heard == ["Third."]


def test_what_follows_an_answer_is_the_step_it_leads_to() -> None:
    then = '  thanks: {say: "You said {{ value }}.", next: hang_up}\n'
    ask("digits", length="2", then=then).presses("42").hears("you said 42")


def test_a_form_that_knows_a_value_already_is_led_past_its_question() -> None:
    steps = (
        "  start: {when: [{if: \"code != ''\", go: known}], next: question}\n"
        '  question: {ask: digits, length: 2, prompt: "Which code?", into: code, next: known}\n'
        '  known: {say: "It is {{ code }}.", next: hang_up}\n'
    )
    assert flow(steps, 'variables: {code: "42"}\n').hears("it is 42").prompts_heard == ["It is 42."]
    flow(steps, 'variables: {code: ""}\n').hears("which code?").presses("43").hears("it is 43")


def test_silence_is_counted_from_the_end_of_the_prompt_for_as_long_as_the_step_says() -> None:
    call = menu(first_input_timeout="4s").listens().waits(3.9)
    assert not call.record
    call.waits(0.2)
    assert [note.outcome for note in call.record] == ["no_input"]


def test_a_step_has_its_own_setting_before_that_of_the_flow() -> None:
    defaults = "defaults: {first_input_timeout: 9s}\n"
    steps = '  start: {{ask: digits, length: 1, prompt: "One?", into: a, next: hang_up{more}}}\n'
    of_the_flow = flow(steps.format(more=""), defaults).listens().waits(8.9)
    of_the_step = flow(steps.format(more=", first_input_timeout: 2s"), defaults).listens().waits(2.1)
    assert not of_the_flow.record and [note.outcome for note in of_the_step.record] == ["no_input"]


def test_a_flow_says_with_which_cause_it_hangs_up() -> None:
    call = flow("  start: {say: Bye., next: end}\n  end: {hang_up: {cause: 16}}\n").listens()
    assert [command for command in call.commands if isinstance(command, c.HangUp)] == [c.HangUp(16)]


def test_next_hang_up_ends_the_call_after_its_last_words() -> None:
    call = flow('  start: {say: "Goodbye.", next: hang_up}\n').hears("goodbye")
    assert call.phase is not Phase.ENDED and call.has_ended


def test_the_caller_who_hangs_up_ends_the_call_in_the_middle_of_a_question() -> None:
    call = menu().listens().hangs_up()
    assert call.phase is Phase.ENDED and call.record[-1].outcome == "hung_up"


def test_the_record_says_how_much_of_a_prompt_was_heard() -> None:
    cut = menu(barge_in="any").interrupts(keys="1", after_s=0.7)
    assert cut.prompts[0].was_cut and cut.prompts[0].heard_s == pytest.approx(0.7)
    whole = menu().presses("1")
    assert not whole.prompts[0].was_cut
