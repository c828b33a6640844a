"""Attempts, confirmation, and what the record says of them."""

from __future__ import annotations

import pytest

from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD, ask, menu, offered

pytestmark = pytest.mark.unit

MENU_PROMPT = "Say sales or press 1. Say support or press 2."
TEXTS = {
    "no_input": '["Silence one.", "Silence two."]',
    "no_match": '["Wrong one.", "Wrong two."]',
    "max_attempts": "4",
    "failed": "bye",
}


def outcomes(call: CallScript) -> list[str]:
    return [note.outcome for note in call.record]


def test_each_attempt_has_its_text_and_the_last_repeats() -> None:
    call = menu(**TEXTS).stays_silent(6.1).hears("silence one. say sales").stays_silent(6.1).hears("silence two. say")
    call.stays_silent(6.1).hears("silence two.").stays_silent(6.1).hears("an agent it is")
    assert outcomes(call)[:4] == ["no_input"] * 4
    assert [note.attempt for note in call.record[:4]] == [1, 2, 3, 4]


def test_silence_and_mistakes_share_the_attempts() -> None:
    call = menu(**TEXTS).stays_silent(6.1).hears("silence one").presses("9").hears("wrong two")
    call.stays_silent(6.1).hears("silence two").says("bananas").hears("an agent it is")
    assert outcomes(call)[:4] == ["no_input", "no_match", "no_input", "no_match"]
    assert [note.attempt for note in call.record[:4]] == [1, 2, 3, 4] and call.step == "bye"


def test_without_texts_of_its_own_the_flow_uses_those_of_the_language() -> None:
    call = menu().stays_silent(6.1).hears("Sorry, I did not hear anything. Say sales").presses("9")
    call.hears("Sorry, I did not")
    assert outcomes(call) == ["no_input", "no_match"]
    assert call.prompts_heard[-1] == "Sorry, I did not understand that. " + MENU_PROMPT


def test_after_the_last_attempt_without_an_exit_the_call_ends() -> None:
    call = menu(max_attempts="1").stays_silent(6.1)
    assert call.has_ended and outcomes(call) == ["no_input"]


def test_without_reprompt_only_the_text_is_said() -> None:
    call = menu(reprompt="false", **TEXTS).stays_silent(6.1).hears("silence one.")
    assert call.prompts_heard[-1] == "Silence one."
    call.is_interrupted_by_noise(after_s=0.2)
    assert call.prompts_heard[-1] == "Silence one."
    call.presses("1").hears("here is sales")


def test_a_prompt_without_text_listens_at_once() -> None:
    flow = HEAD + 'start: q\nsteps:\n  q: {ask: digits, prompt: "", length: 1, into: v}\n'
    call = offered(flow)
    assert not call.is_speaking and call.listening is not None
    assert call.presses("4").has_ended


def test_a_new_visit_begins_with_the_first_attempt() -> None:
    call = menu(**TEXTS).stays_silent(6.1).says("repeat").hears("say sales").does_not_hear("silence")
    call.stays_silent(6.1).hears("silence one")
    assert [(note.outcome, note.attempt) for note in call.record if note.kind == "menu"] == [("no_input", 1)] * 2


# --- confirmation


def test_low_confidence_is_confirmed_and_high_is_not() -> None:
    low = menu().says("sales", 0.5).hears("I understood sales. Is that right?").says("yes").hears("here is sales")
    high = menu().says("sales", 0.9).hears("here is sales")
    assert (outcomes(low), outcomes(high)) == (["to_confirm", "confirmed", "done"], ["match", "done"])
    assert low.step == high.step == "sales"


def test_too_low_confidence_is_no_match() -> None:
    call = menu().says("sales", 0.2).hears("did not understand")
    assert (call.step, outcomes(call), call.record[0].heard) == ("main", ["no_match"], "sales")


def test_bands_of_the_step() -> None:
    bands = "{accept: 0.4, reject: 0.1}"
    call = menu(confidence=bands).says("sales", 0.5).hears("here is sales")
    assert (call.step, outcomes(call)) == ("sales", ["match", "done"])


def test_never_confirm() -> None:
    unsure = menu(confirm="never").says("sales", 0.5).hears("here is sales")
    too_unsure = menu(confirm="never").says("sales", 0.2).hears("did not understand")
    assert (outcomes(unsure), outcomes(too_unsure)) == (["match", "done"], ["no_match"])


def test_always_confirm_keys_too_but_no_commands() -> None:
    key = menu(confirm="always").presses("1").hears("I understood sales.").presses("1").hears("here is sales")
    command = menu(confirm="always").presses("0").hears("an agent it is")
    assert (outcomes(key), outcomes(command)) == (["to_confirm", "confirmed", "done"], ["match", "done"])
    assert (key.step, command.step) == ("sales", "bye")


def test_yes_and_no_are_not_read_back() -> None:
    call = ask("yes_no", confirm="always").says("yes").hears("thank you")
    assert call.variables["value"] is True and outcomes(call) == ["match", "done"]


def test_own_confirm_prompt() -> None:
    call = ask("digits", length="3", confirm="always", confirm_prompt='"Did you say {{ heard }}?"').presses("123")
    call.hears("did you say 1 2 3?").presses("1").hears("thank you")
    assert outcomes(call) == ["to_confirm", "confirmed", "done"]


def test_a_number_is_read_back_in_words() -> None:
    call = ask("number", confirm="always").presses("105#").hears("one hundred and five")
    assert call.state.input.pending is not None and "value" not in call.variables
    assert call.presses("1").hears("thank you").variables["value"] == 105


def test_denial_asks_again() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").says("no").hears("what is it?").presses("34")
    call.presses("1").hears("thank you")
    assert call.variables["value"] == "34"
    assert outcomes(call)[:3] == ["to_confirm", "denied", "to_confirm"]


def test_denial_counts_as_an_attempt() -> None:
    call = ask("digits", length="1", confirm="always", max_attempts="2", failed="sorry")
    call.presses("1").presses("2").hears("what is it").presses("1").presses("2").hears("too bad")
    assert outcomes(call) == [*["to_confirm", "denied"] * 2, "done"] and call.step == "sorry"
    assert "value" not in call.variables


@pytest.mark.parametrize("unclear", ["silence", "words", "unsure", "key"])
def test_an_unclear_confirmation_twice_is_a_no(unclear: str) -> None:
    call = ask("digits", length="2", confirm="always").presses("12").hears("is that right?")
    for _ in range(2):
        assert call.state.input.pending is not None
        match unclear:
            case "silence":
                call.stays_silent(6.1)
            case "words":
                call.says("bananas")
            case "unsure":
                call.says("yes", 0.1)
            case "key":
                call.presses("9").listens()
    assert call.state.input.pending is None and call.state.input.attempt == 2
    call.hears("what is it?")


def test_an_unclear_confirmation_once_is_asked_again() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").says("bananas").hears("is that right?").says("yes")
    call.hears("thank you")
    assert call.variables["value"] == "12"
    assert outcomes(call) == ["to_confirm", "confirmed", "done"]


def test_commands_work_in_a_confirmation() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").presses("0").hears("an agent it is")
    assert "value" not in call.variables
    ask("digits", length="2", confirm="always").presses("12").says("agent").hears("an agent it is")
    ask("digits", length="2", confirm="always").presses("12").presses("*").hears("what is it?")


def test_an_unsure_command_in_a_confirmation_is_confirmed_itself() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").says("agent", 0.5).hears("I understood agent")
    call.says("yes").hears("an agent it is")
    assert call.step == "bye" and "value" not in call.variables


def test_an_unheard_command_in_a_confirmation_is_unclear() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").says("agent", 0.1).hears("1 2. is that right?")
    assert call.step == "question" and call.state.input.pending is not None


def test_digits_by_voice_are_confirmed_when_unsure() -> None:
    call = ask("digits", length="3").says("one two three", 0.5).hears("1 2 3").says("yes").hears("thank you")
    assert call.variables["value"] == "123" and call.record[1].confidence == pytest.approx(0.5)


def test_the_prompt_of_a_confirmation_can_be_interrupted() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").interrupts(keys="1", after_s=0.3)
    assert call.variables["value"] == "12"


# --- the record


def test_the_record_of_a_menu() -> None:
    call = menu().presses("9").presses("1").hears("here is sales")
    wrong, right, said = call.record
    assert (wrong.step, wrong.kind, wrong.attempt, wrong.outcome, wrong.heard, wrong.mode) == (
        "main", "menu", 1, "no_match", "9", "dtmf",
    )  # fmt: skip
    assert (right.attempt, right.outcome, right.heard, right.meaning) == (2, "match", "1", "sales")
    assert right.prompt == "Sorry, I did not understand that. Say sales or press 1. Say support or press 2."
    assert right.started_at_s == wrong.ended_at_s and right.ended_at_s > right.started_at_s
    assert (said.step, said.kind, said.outcome, said.prompt) == ("sales", "say", "done", "Here is sales.")


CITIES = (("bonn", 0.5), ("born", 0.2), ("rome", 0.3))


def _asked_for_a_city() -> CallScript:
    call = ask("choice", confirm="low_confidence", choices="{bonn: {say: [bonn]}, rome: {say: [rome]}}")
    return call.says("bonn", 0.5, n_best=CITIES).hears("bonn")


def test_after_a_no_the_second_best_is_asked_for() -> None:
    call = _asked_for_a_city().says("no").hears("rome").says("yes").hears("thank you")
    assert call.variables["value"] == "rome"
    assert [(note.outcome, note.attempt) for note in call.record[:4]] == [
        ("to_confirm", 1), ("denied", 1), ("to_confirm", 1), ("confirmed", 1),
    ]  # fmt: skip


def test_after_two_nos_the_question_is_asked_again() -> None:
    call = _asked_for_a_city().says("no").hears("rome").says("no").hears("what is it?")
    assert call.state.input.attempt == 2 and "value" not in call.variables


def test_an_unlikely_second_best_is_not_asked_for() -> None:
    call = ask("choice", choices="{bonn: {say: [bonn]}, rome: {say: [rome]}}")
    call.says("bonn", 0.5, n_best=(("bonn", 0.5), ("[unk]", 0.4), ("rome", 0.1))).hears("bonn").says("no")
    call.hears("what is it?")
    assert call.state.input.attempt == 2


def test_a_second_best_that_is_a_command_or_not_allowed_is_not_asked_for() -> None:
    call = ask("number", maximum="50", confirm="always")
    call.says("fifteen", 0.5, n_best=(("fifteen", 0.5), ("agent", 0.3), ("fifty one", 0.2))).hears("fifteen").says("no")
    assert call.hears("what is it?").state.input.attempt == 2
