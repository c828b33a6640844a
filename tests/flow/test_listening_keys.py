"""Keys in menus and questions: sequences, entries, commands, typing ahead."""

from __future__ import annotations

import pytest

from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD, ask, menu, offered

pytestmark = pytest.mark.unit


def answer(call: CallScript) -> object:
    return call.variables.get("value")


def test_a_key_chooses() -> None:
    assert menu().presses("1").hears("here is sales").has_ended


def test_a_key_interrupts_the_prompt() -> None:
    call = menu().interrupts(keys="2", after_s=0.4).hears("here is support")
    assert call.prompts[0].was_cut and call.prompts[0].heard_s == pytest.approx(0.4)


def test_an_unknown_key_is_no_match() -> None:
    call = menu().presses("7").hears("did not understand").hears("say sales")
    note = call.record[-1]
    assert (call.step, note.outcome, note.heard, note.mode) == ("main", "no_match", "7", "dtmf")


def test_an_unknown_kind_of_key_is_no_match() -> None:
    for call in (menu(), ask("digits")):
        call.presses("A").hears("did not understand")
        assert [(note.outcome, note.heard) for note in call.record] == [("no_match", "A")]


PREFIXES = (
    HEAD
    + """
start: main
steps:
  main:
    menu:
      prompt: "Dial the extension."
      choices:
        one: {keys: "1", go: one}
        twelve: {keys: "12", go: twelve}
        long: {keys: "345", go: twelve}
  one: {say: "This is one.", next: hang_up}
  twelve: {say: "This is twelve.", next: hang_up}
"""
)


def test_a_sequence_that_begins_like_a_shorter_one_is_taken_when_typed_on() -> None:
    call = offered(PREFIXES).presses("12").hears("this is twelve")
    assert (call.step, call.record[0].heard, call.record[0].meaning) == ("twelve", "12", "twelve")


def test_a_sequence_that_could_go_on_is_taken_after_the_inter_digit_timer() -> None:
    call = offered(PREFIXES).presses("1").stays_silent(1.9)
    assert call.step == "main"
    call.waits(0.2).hears("this is one")


def test_a_sequence_that_is_not_finished_in_time_is_no_match() -> None:
    call = offered(PREFIXES).presses("34").stays_silent(2.1).hears("did not understand")
    assert call.record[-1].heard == "34"


def test_a_sequence_that_leads_nowhere_is_no_match() -> None:
    call = offered(PREFIXES).presses("13").hears("did not understand")
    assert (call.step, call.record[-1].outcome, call.record[-1].heard) == ("main", "no_match", "13")


def test_wrong_keys_that_come_together_are_one_mistake() -> None:
    call = menu(max_attempts="2").presses("4712").hears("did not understand")
    assert [(note.outcome, note.heard) for note in call.record] == [("no_match", "4712")]
    assert call.presses("1").hears("here is sales").has_ended


def test_a_right_key_after_a_pause_counts_and_one_at_once_does_not() -> None:
    for pause_s, is_asked_again in ((0.6, True), (0.8, False)):
        call = menu().presses("7").waits(pause_s).press_now("1").listens()
        assert (call.step == "main") is is_asked_again, pause_s


def test_a_burst_of_wrong_keys_is_one_unclear_confirmation() -> None:
    call = ask("digits", length="2", confirm="always").presses("12").hears("is that right?").presses("4799").listens()
    assert call.state.input.pending is not None and call.state.input.pending.tries == 2
    assert call.presses("1").hears("thank you").variables["value"] == "12"


def test_a_hundred_wrong_keys_are_kept_in_part() -> None:
    call = menu().presses("7" * 100, every_s=0.1).hears("did not understand")
    assert call.record[-1].heard == "7" * 32


def test_keys_typed_ahead_after_a_wrong_one_belong_to_its_mistake() -> None:
    call = offered(AHEAD.replace("BARGE", "digits"))
    call.state = _with_keys_ahead(call, "91234")
    call.listens()
    assert (call.step, call.record[-1].heard) == ("main", "91234")


# --- entries


def test_a_fixed_length_entry_ends_by_itself() -> None:
    assert answer(ask("digits", length="4").presses("0451").hears("thank you")) == "0451"


def test_hash_ends_an_entry_before_the_timer() -> None:
    assert answer(ask("digits").presses("45#").hears("thank you")) == "45"


def test_the_inter_digit_timer_ends_an_entry() -> None:
    call = ask("digits").presses("45").stays_silent(1.9)
    assert answer(call) is None
    assert answer(call.waits(0.2).hears("thank you")) == "45"


def test_another_terminator() -> None:
    call = ask("digits", terminator='"*"', commands="  agent: {keys: '0', go: bye}\n").presses("45*").hears("thank you")
    assert answer(call) == "45"


def test_without_a_terminator_the_timer_ends_the_entry() -> None:
    ask("digits", terminator='""', commands="  agent: {keys: '0', go: bye}\n").presses("45").presses("#").hears(
        "did not understand"
    )
    assert answer(ask("digits", terminator='""', length="2").presses("45").hears("thank")) == "45"


def test_a_short_entry_is_no_match() -> None:
    for call in (
        ask("digits", length="4").presses("12#").hears("did not understand"),
        ask("digits", min_length="3").presses("12").stays_silent(2.1).hears("did not understand"),
    ):
        assert answer(call) is None
        assert [(note.outcome, note.heard) for note in call.record] == [("no_match", "12")]


def test_a_number_of_any_length_can_be_typed() -> None:
    assert answer(ask("number").presses("105#").hears("thank you")) == 105
    assert answer(ask("number", max_length="2").presses("42").hears("thank you")) == 42


@pytest.mark.parametrize("typed", ["1#", "201#"])
def test_a_number_out_of_range_is_no_match(typed: str) -> None:
    call = ask("number", minimum="2", maximum="200").presses(typed).hears("did not understand")
    assert answer(call) is None
    assert [(note.outcome, note.heard) for note in call.record] == [("no_match", typed.rstrip("#"))]


TWO_ENTRIES = """  thanks: {ask: digits, prompt: "And the second?", into: second, max_length: 3, next: hang_up}
"""


def test_a_hash_after_a_complete_entry_is_not_an_answer_to_the_next_question() -> None:
    call = ask("digits", then=TWO_ENTRIES, length="2").presses("12#").hears("second?")
    assert call.step == "thanks" and call.state.input.typed == ""
    assert call.is_speaking, "the next prompt goes on"


def test_only_one_hash_is_swallowed_and_only_at_once() -> None:
    no_commands = TWO_ENTRIES.replace("max_length: 3", "max_length: 3, commands: []")
    twice = ask("digits", then=no_commands, length="2").presses("12##")
    late = ask("digits", then=TWO_ENTRIES, length="2").presses("12").stays_silent(2.1).presses("#")
    for call in (twice, late):
        call.waits(2.1).hears("did not understand")
        assert answer(call) == "12" and "second" not in call.variables
        assert (call.record[-1].step, call.record[-1].outcome) == ("thanks", "no_match")


TWO_WITH_BACK = (
    HEAD
    + """
start: main
commands: {back: {keys: "##", go: back}}
steps:
  main: {menu: {prompt: "Main.", choices: {code: {keys: "1", go: code}}}}
  code: {ask: digits, length: 2, prompt: "Your code?", into: code, next: thanks}
  thanks: {say: "Thanks.", next: second}
  second: {ask: digits, prompt: "And the second?", into: second, next: hang_up}
"""
)


@pytest.mark.parametrize("typed", ["12##", "12###"])
def test_a_command_of_two_hashes_behind_a_complete_entry_loses_none_of_them(typed: str) -> None:
    call = offered(TWO_WITH_BACK).presses("1").hears("code?").presses(typed).hears("your code?")
    call.waits(2.1)
    assert (call.step, call.state.input.typed, call.state.input.attempt) == ("code", "", 1)
    assert [(note.kind, note.meaning) for note in call.record if note.step == "second"] == [("command", "back")]


def test_two_hashes_typed_ahead_with_the_entry_lose_none_either() -> None:
    call = offered(TWO_WITH_BACK).presses("1")
    call.interrupts(keys="12##", after_s=0.1).hears("your code?")
    assert call.step == "code" and call.variables["code"] == "12"


def test_a_swallowed_hash_is_not_half_of_a_command_given_later() -> None:
    call = offered(TWO_WITH_BACK).presses("1").presses("12#").stays_silent(2.1).presses("#").waits(2.1)
    assert call.step == "second" and call.record[-1].outcome == "no_match"


def test_another_key_after_a_complete_entry_counts() -> None:
    call = ask("digits", then=TWO_ENTRIES, length="2").presses("125#")
    assert call.has_ended and call.variables["second"] == "5"


# --- commands


def test_zero_is_a_command_in_a_menu_and_a_digit_in_an_entry() -> None:
    menu().presses("0").hears("an agent it is")
    assert answer(ask("digits", length="2").presses("00").hears("thank you")) == "00"


@pytest.mark.parametrize("typed", ["*", "12*"])
def test_star_repeats_and_drops_what_was_typed(typed: str) -> None:
    call = ask("digits", length="4").presses(typed).hears("what is it?").does_not_hear("sorry")
    assert call.state.input.attempt == 1
    assert answer(call.presses("1234").hears("thank you")) == "1234"
    assert [note.outcome for note in call.record if note.kind == "command"] == ["match"]


def test_a_command_of_two_keys_in_an_entry() -> None:
    call = offered(
        HEAD
        + """
start: main
commands: {back: {keys: "##", go: back}}
steps:
  main: {menu: {prompt: "Main.", choices: {code: {keys: "1", go: code}}}}
  code: {ask: digits, prompt: "Your code?", into: code, next: hang_up}
"""
    )
    call.presses("1").hears("code?").presses("##").hears("main.")
    call.presses("1").hears("code?").presses("#").stays_silent(2.1).hears("did not understand")
    call.presses("#5").hears("did not understand")
    outcomes = [(note.kind, note.outcome) for note in call.record if note.step == "code"]
    assert outcomes == [("command", "match"), ("ask", "no_match"), ("ask", "no_match")]


def test_a_step_can_switch_commands_off() -> None:
    for known in ("[]", "[again]"):
        call = menu(commands=known).presses("0").hears("did not understand")
        assert (call.step, call.record[-1].kind, call.record[-1].outcome) == ("main", "menu", "no_match")


def test_a_choice_goes_before_a_command_of_the_same_key() -> None:
    flow = HEAD + 'start: main\ncommands: {x: {keys: "1", say: [one], go: hang_up}}\nsteps:\n'
    flow += '  main: {menu: {prompt: "P.", choices: {a: {keys: "1", say: [one], go: a}}}}\n'
    flow += '  a: {say: "A it is.", next: hang_up}\n'
    for call in (offered(flow).presses("1"), offered(flow).says("one")):
        call.hears("a it is")
        assert (call.step, call.record[0].kind, call.record[0].meaning) == ("a", "menu", "a")


# --- typing ahead

AHEAD = (
    HEAD
    + """
start: notice
steps:
  notice: {say: "Calls may be recorded.", barge_in: BARGE, next: main}
  main: {menu: {prompt: "Press 1 or 2.", choices: {code: {keys: "1", go: code}, end: {keys: "2", go: hang_up}}}}
  code: {ask: digits, prompt: "Your code?", into: code, length: 4, next: pin}
  pin: {ask: digits, prompt: "Your pin?", into: pin, length: 2, next: thanks}
  thanks: {say: "Thank you.", next: hang_up}
"""
)


@pytest.mark.parametrize("barge_in", ["digits", "match"])
def test_a_key_during_an_announcement_answers_the_menu_behind_it(barge_in: str) -> None:
    call = offered(AHEAD.replace("BARGE", barge_in)).interrupts(keys="1").hears("your code?")
    assert "Press 1" not in " ".join(call.prompts_heard)


@pytest.mark.parametrize("barge_in", ["none", "speech"])
def test_an_announcement_without_interruption_is_heard_to_its_end(barge_in: str) -> None:
    call = offered(AHEAD.replace("BARGE", barge_in)).interrupts(keys="1").hears("press 1")
    assert not call.prompts[0].was_cut


def test_every_key_typed_ahead_finds_its_question() -> None:
    call = offered(AHEAD.replace("BARGE", "digits")).interrupts(keys="1")
    call.interrupts(keys="1234#56#", after_s=0.1).hears("thank you")
    assert (call.variables["code"], call.variables["pin"]) == ("1234", "56")


def test_keys_typed_ahead_through_two_announcements_find_their_questions() -> None:
    flow = AHEAD.replace("BARGE", "digits").replace(
        "next: main}", 'next: more}\n  more: {say: "More.", barge_in: none, next: main}', 1
    )
    call = offered(flow).interrupts(keys="1")
    assert call.hears("more.").hears("your code").step == "code"


def test_a_wrong_key_typed_ahead_is_asked_again() -> None:
    call = offered(AHEAD.replace("BARGE", "digits")).interrupts(keys="9").hears("did not understand").hears("press 1")
    assert (call.step, call.record[-1].outcome, call.record[-1].heard) == ("main", "no_match", "9")


def test_an_incomplete_entry_typed_ahead_is_waited_for() -> None:
    flow = AHEAD.replace("BARGE", "digits").replace("next: main", "next: code")
    call = offered(flow).interrupts(keys="1", after_s=0.2)
    assert call.step == "code" and call.state.input.typed == "1"
    call.presses("234").hears("your pin?")


def test_the_terminator_typed_ahead_is_not_an_answer_either() -> None:
    flow = AHEAD.replace("BARGE", "digits").replace("length: 4", "length: 1").replace("next: main", "next: code")
    call = offered(flow)
    call.state = _with_keys_ahead(call, "7#")
    call.listens().hears("your pin?")
    assert call.variables["code"] == "7" and call.state.input.typed == ""


def test_keys_typed_ahead_of_a_question_that_has_no_tries_left_go_to_the_next() -> None:
    flow = (
        AHEAD.replace("BARGE", "digits")
        .replace("next: main", "next: code")
        .replace("into: code,", "into: code, max_attempts: 1, failed: pin,")
    )
    call = offered(flow)
    call.state = _with_keys_ahead(call, "12#56")
    call.listens().hears("thank you")
    assert call.variables["pin"] == "56"


def _with_keys_ahead(call: CallScript, keys: str):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(call.state, typed_ahead=keys)


def test_a_key_does_not_cut_the_goodbye() -> None:
    call = menu().presses("1").interrupts(keys="5", after_s=0.2)
    assert call.has_ended and not call.prompts[-1].was_cut
