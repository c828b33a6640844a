"""Flows that run flows: values in and out, scope, commands, the way back, errors."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow.masking import MASK
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

MAIN = """
flow: main
start: first
variables: {code: "mine", wish: "a pizza"}
commands:
  person: {keys: "0", say: [person], go: to_person}
  back: {keys: "##", say: [go back], go: back}
  again: {keys: "*", say: [repeat], go: repeat}
defaults: {failed: sorry}
steps:
  first:
    ask: digits
    prompt: "Shop?"
    length: 1
    into: shop
    next: look_up
  look_up:
    run: ask_code
    with: {reason: "{{ wish }}"}
    into: {customer: code, sure: sure}
    found: found
    given_up: sorry
  found: {say: "Customer {{ customer }}, code {{ code }}.", next: last}
  last:
    ask: digits
    prompt: "How many?"
    length: 1
    into: count
    next: bye
  bye: {say: "Bye.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
  to_person: {say: "A person.", next: hang_up}
"""

PART = """
flow: ask_code
takes: [reason]
variables: {tries: 0}
start: ask
defaults: {failed: given_up}
steps:
  ask: {ask: digits, prompt: "Your code, for {{ reason }}?", length: 2, into: code, next: sure}
  sure: {ask: yes_no, prompt: "Sure?", into: sure, confirmed: give, denied: ask}
  give: {return: {outcome: found, values: {code: "{{ code }}", sure: "{{ sure }}"}}}
  given_up: {return: {outcome: given_up}}
"""


def call(main: str = MAIN, *parts: str) -> CallScript:
    return CallScript(main, runs=parts or (PART,)).offered()


def test_values_go_in_and_results_come_back_by_the_exit_of_the_outcome() -> None:
    talk = call().presses("1").hears("for a pizza").presses("42").hears("sure?").presses("1")
    talk.hears("customer 42").hears("how many")
    assert talk.variables["customer"] == "42" and talk.variables["sure"] is True
    assert talk.step == "last" and talk.state.flow == ""


def test_a_flow_has_variables_of_its_own() -> None:
    talk = call().presses("1").presses("42").presses("1").hears("code mine")
    assert "tries" not in talk.variables and talk.variables["code"] == "mine"


def test_a_flow_knows_no_variable_that_it_was_not_given() -> None:
    talk = call(MAIN, PART.replace("{{ reason }}", "{{ wish }}")).presses("1")
    assert talk.record[-1].outcome == "error" or talk.hears("sorry").has_ended


def test_an_outcome_leads_to_its_exit_or_to_next() -> None:
    assert call().presses("1").stays_silent(30).hears("sorry").has_ended
    by_next = MAIN.replace("    given_up: sorry\n", "    next: found\n").replace("Customer {{ customer }}", "Customer?")
    assert call(by_next).presses("1").stays_silent(30).hears("customer?").step == "last"


def test_a_flow_that_just_ends_goes_on_at_next() -> None:
    main = f"{HEAD}start: run_it\nsteps:\n  run_it: {{run: part, next: after}}\n"
    main += "  after: {say: 'After.', next: hang_up}\n"
    for end in ("{say: 'Inside.'}", "{say: 'Inside.', next: return}", "{return: true}"):
        part = f"flow: part\nstart: only\nsteps:\n  only: {end}\n"
        assert call(main, part).hears("after").has_ended


def test_a_return_in_the_flow_that_was_called_ends_the_call() -> None:
    talk = CallScript(f"{HEAD}start: end\nsteps:\n  end: {{return: {{outcome: found}}}}\n").offered()
    assert talk.has_ended and any(isinstance(command, c.HangUp) for command in talk.commands)


def test_a_flow_may_end_the_call() -> None:
    part = "flow: ask_code\nstart: only\nsteps:\n  only: {say: 'That was it.', next: hang_up}\n"
    assert call(MAIN, part).presses("1").hears("that was it").has_ended


def test_the_whole_result_can_be_kept_as_one_group() -> None:
    main = MAIN.replace("into: {customer: code, sure: sure}", "into: customer").replace(
        "Customer {{ customer }}", "Customer {{ customer.code }}"
    )
    talk = call(main).presses("1").presses("42").presses("1").hears("customer 42")
    assert talk.variables["customer"] == {"code": "42", "sure": True}


def test_commands_of_the_caller_flow_are_heard_inside_and_lead_out_of_it() -> None:
    talk = call().presses("1").hears("your code").says("person").hears("a person")
    assert talk.has_ended and talk.state.frames == () and talk.variables["wish"] == "a pizza"


def test_a_command_that_leads_nowhere_else_stays_inside() -> None:
    talk = call().presses("1").hears("your code").presses("*").hears("your code")
    assert talk.state.flow == "ask_code" and talk.step == "ask"


def test_a_flow_with_commands_of_its_own_hears_only_these() -> None:
    part = PART.replace("start: ask\n", 'start: ask\ncommands: {stop: {keys: "9", say: [stop], go: given_up}}\n')
    talk = call(MAIN, part).presses("1").says("person").hears("your code").says("stop")
    assert talk.hears("sorry").has_ended


def test_back_leads_out_of_a_flow_to_the_question_before_it() -> None:
    talk = call().presses("1").hears("your code").says("go back").hears("shop?")
    assert talk.step == "first" and talk.state.frames == ()
    assert talk.presses("2").hears("your code").presses("42").presses("1").hears("how many").variables["shop"] == "2"


def test_back_leads_into_a_flow_where_it_asked_last() -> None:
    talk = call().presses("1").presses("42").presses("1").hears("how many").presses("##").hears("sure?")
    assert (talk.state.flow, talk.step) == ("ask_code", "sure") and talk.variables["code"] == "42"
    talk.presses("##").hears("your code").presses("77").presses("1").hears("customer 77")
    assert talk.step == "last"


def test_back_leads_to_the_question_that_a_command_led_away_from() -> None:
    main = MAIN.replace('to_person: {say: "A person.", next: hang_up}', 'to_person: {say: "Nobody.", next: last}')
    assert (
        call(main)
        .presses("1")
        .presses("42")
        .hears("sure?")
        .says("person")
        .hears("nobody. how many?")
        .says("go back")
        .hears("sure?")
    )
    talk = call(main).hears("shop?").says("person").hears("how many?").says("person").hears("how many?")
    talk.says("go back").hears("shop?")


def test_back_at_the_very_first_question_asks_it_again() -> None:
    main = MAIN.replace("start: first", "start: look_up")
    assert call(main).hears("your code").presses("##").hears("your code").state.flow == "ask_code"


def test_keys_typed_ahead_are_taken_by_the_questions_of_a_flow() -> None:
    talk = call().presses("1421").hears("customer 42")
    assert talk.step == "last"


def test_what_was_queued_to_be_said_is_played_with_the_first_question_of_a_flow() -> None:
    main = f"{HEAD}start: hello\nsteps:\n  hello: {{say: 'Hello.', next: run_it}}\n" + (
        "  run_it: {run: ask_code, with: {reason: nothing}, next: hang_up}\n"
    )
    assert call(main).prompts_heard == ["Hello. Your code, for nothing?"]


def test_sensitive_values_stay_sensitive_on_the_way_in_and_out() -> None:
    part = PART.replace("into: code, next", "into: code, sensitive: true, next")
    talk = call(MAIN, part).presses("1").presses("42").presses("1").hears("customer 42")
    assert "customer" in talk.state.sensitive and "sure" not in talk.state.sensitive
    assert not [note for note in talk.record if "42" in f"{note.prompt}{note.heard}{note.meaning}{note.detail}"]
    inside = MAIN.replace("length: 1\n    into: shop", "length: 1\n    into: wish\n    sensitive: true")
    asked = call(inside).presses("7").hears("for 7")
    assert "reason" in asked.state.sensitive
    asked.stays_silent(6)
    assert MASK in asked.record[-1].prompt


def test_a_group_with_a_sensitive_value_in_it_is_sensitive() -> None:
    part = PART.replace("into: code, next", "into: code, sensitive: true, next")
    main = MAIN.replace("into: {customer: code, sure: sure}", "into: customer").replace("{{ customer }}", "known")
    assert "customer" in call(main, part).presses("1").presses("42").presses("1").state.sensitive


def test_the_record_says_in_which_flow_a_step_was() -> None:
    talk = call().presses("1").presses("42")
    assert [note.step for note in talk.record] == ["first", "look_up", "look_up/ask"]


def test_the_language_of_the_call_goes_in_and_comes_out() -> None:
    main = (
        f"{HEAD}languages: [de-DE]\nstart: run_it\nsteps:\n  run_it: {{run: part, next: after}}\n"
        "  after: {say: {en: 'In {{ call.language }}.', de: 'Auf {{ call.language }}.'}, next: hang_up}\n"
    )
    part = "flow: part\nlanguages: [de-DE]\nstart: change\nsteps:\n  change: {language: de-DE, next: return}\n"
    assert call(main, part).hears("Auf de-DE").has_ended


ENDLESS = "flow: part\nstart: deeper\nsteps:\n  deeper: {run: part, next: return}\n"


def test_flows_that_run_each_other_for_ever_are_stopped() -> None:
    main = f"{HEAD}on_error: sorry\nstart: run_it\nsteps:\n  run_it: {{run: part, next: hang_up}}\n" + (
        "  sorry: {say: 'Sorry.', next: hang_up}\n"
    )
    talk = call(main, ENDLESS).hears("sorry")
    assert talk.has_ended and talk.state.frames == ()
    assert any("wait for each other" in note.detail for note in talk.record)


def test_a_flow_that_is_not_there_is_an_error_of_the_step() -> None:
    talk = CallScript(MAIN).offered().presses("1")
    assert talk.hears("sorry").has_ended and "no flow 'ask_code'" in talk.record[1].detail


def test_an_error_that_a_flow_does_not_handle_is_handled_by_the_one_that_runs_it() -> None:
    part = "flow: ask_code\nstart: only\nsteps:\n  only: {say: '{{ missing }}', next: return}\n"
    assert call(MAIN, part).presses("1").hears("sorry").has_ended
    own = part.replace("start:", "on_error: here\nstart:") + "  here: {say: 'Handled here.', next: return}\n"
    talk = call(MAIN.replace("given_up: sorry", "next: last"), own).presses("1")
    assert talk.hears("handled here").step == "last"


def test_a_call_keeps_the_flows_that_it_began_with() -> None:
    talk = call().presses("1").hears("your code")
    assert talk.program.parts["ask_code"].steps["ask"] is talk.program.flow_named("ask_code").steps["ask"]
    assert talk.phase is Phase.LISTENING and talk.state.flow == "ask_code"
