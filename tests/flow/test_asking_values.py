"""Questions for dates, times, amounts, phone numbers, ratings, free speech and choices out of data, as dialogs."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import answer, ask, ask_text, offered

pytestmark = pytest.mark.unit


# --- dates


def test_a_date_by_voice_is_kept_as_iso_text() -> None:
    assert answer(ask("date").says("on friday the fourth of december").hears("thank you")) == "2026-12-04"


def test_a_date_by_keys_ends_with_the_hash_or_after_eight_digits() -> None:
    assert answer(ask("date").presses("1204#").hears("thank you")) == "2026-12-04"
    assert answer(ask("date").presses("12042027").hears("thank you")) == "2027-12-04"


def test_a_date_that_does_not_exist_is_no_match() -> None:
    for call in (ask("date").says("february thirty first"), ask("date").presses("0231#")):
        call.hears("did not understand")
        assert [note.outcome for note in call.record] == ["no_match"]


def test_a_date_is_confirmed_as_people_say_it() -> None:
    call = ask("date", confirm="always").says("in two weeks").hears("I understood Monday, December 7th. Is that right?")
    assert answer(call.says("yes").hears("thank you")) == "2026-12-07"


def test_today_moves_on_with_the_call() -> None:
    from datetime import UTC, datetime

    late = datetime(2026, 11, 23, 23, 59, 30, tzinfo=UTC)
    call = CallScript(ask_text("date", first_input_timeout="60s")).offered(now=late)
    assert answer(call.waits(40).says("today").hears("thank you")) == "2026-11-24"


def test_a_call_knows_the_day_and_the_time_it_came_in() -> None:
    call = ask("date", prompt='"It is {{ call.time | time }} on {{ call.today | date }}."')
    call.hears("It is 10 AM on Monday, November 23rd.")


def test_a_date_in_german() -> None:
    text = ask_text("date", confirm="always").replace("language: en-US", "language: de-DE")
    call = CallScript(text).offered().says("am dritten Mai").hears("Ich habe Montag, den dritten Mai verstanden.")
    assert answer(call.says("passt").hears("thank you")) == "2027-05-03"


# --- times


def test_the_half_of_the_day_is_asked_where_it_is_not_clear() -> None:
    call = ask("time").says("half past seven").hears("Do you mean 7:30 AM, or 7:30 PM?")
    assert answer(call.says("in the evening").hears("thank you")) == "19:30"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [("the first", "07:30"), ("in the morning", "07:30"), ("p m", "19:30"), ("half past seven p m", "19:30"),
     ("seven thirty in the morning", "07:30"), ("eight a m", "08:00")],
)  # fmt: skip
def test_the_half_of_the_day_can_be_said_in_many_ways(reply: str, expected: str) -> None:
    assert answer(ask("time").says("half past seven").hears("mean").says(reply).hears("thank you")) == expected


@pytest.mark.parametrize(("key", "expected"), [("1", "07:30"), ("2", "19:30")])
def test_the_half_of_the_day_can_be_keyed(key: str, expected: str) -> None:
    assert answer(ask("time").says("half past seven").hears("mean").presses(key).hears("thank you")) == expected


def test_an_unclear_half_of_the_day_is_asked_once_more_and_then_all_over() -> None:
    call = ask("time").says("seven").hears("Do you mean").stays_silent(7).hears("Do you mean")
    call.stays_silent(7).hears("What is it?")
    assert [note.outcome for note in call.record] == ["to_confirm", "denied"]


def test_another_time_without_its_half_is_asked_back_in_its_turn() -> None:
    call = ask("time").says("seven").hears("7 AM").says("no eight").hears("8 AM, or 8 PM").says("evening")
    assert answer(call.hears("thank you")) == "20:00"


def test_limits_make_the_half_of_the_day_clear() -> None:
    call = ask("time", earliest='"17:00"', latest='"22:00"').says("half past seven").hears("thank you")
    assert answer(call) == "19:30"


def test_a_time_that_was_chosen_is_confirmed_where_the_step_wants_it() -> None:
    call = ask("time", confirm="always").says("seven").hears("mean").presses("2").hears("I understood 7 PM")
    assert answer(call.says("yep").hears("thank you")) == "19:00"


def test_a_time_by_keys() -> None:
    assert answer(ask("time").presses("0730").hears("thank you")) == "07:30"


# --- amounts


def test_an_amount_by_voice_and_by_keys() -> None:
    assert answer(ask("amount").says("twelve dollars fifty").hears("thank you")) == 12.5
    assert answer(ask("amount").presses("12*50#").hears("thank you")) == 12.5
    assert answer(ask("amount", keyed="cents").presses("1250#").hears("thank you")) == 12.5


def test_the_star_begins_a_command_where_no_amount_was_begun() -> None:
    call = ask("amount").presses("*").hears("What is it?")
    assert (call.record[0].kind, call.record[0].meaning) == ("command", "again")


def test_the_currency_of_the_flow_is_heard_and_spoken() -> None:
    text = ask_text("amount", confirm="always").replace("language: en-US", "language: en-US\ncurrency: GBP")
    call = offered(text).says("ten pounds").hears("I understood ten pounds.")
    assert answer(call.says("yes").hears("thank you")) == 10


def test_money_is_spoken_in_the_currency_of_the_flow_or_the_filter() -> None:
    text = ask_text("number", prompt="\"{{ 2 | money }} and {{ 2 | money('CHF') }}\"")
    offered(text).hears("two dollars and two francs")
    offered(text.replace("language: en-US", "language: en-US\ncurrency: EUR")).hears("two euros and")


# --- phone numbers


def test_a_phone_number_is_said_in_groups() -> None:
    call = ask("phone").says("two oh one").waits(1).says("triple five").waits(1).says("oh one two three").waits(2.1)
    assert answer(call.hears("thank you")) == "+12015550123"


def test_a_phone_number_with_a_country_code() -> None:
    call = ask("phone").says("plus four nine three oh").waits(1).says("one two three four five six").waits(2.1)
    assert answer(call.hears("thank you")) == "+4930123456"


def test_a_number_that_no_telephone_has_is_no_match() -> None:
    call = ask("phone", invalid='"No telephone has that number."').presses("555#").hears("No telephone has")
    assert [note.outcome for note in call.record] == ["no_match"]


def test_texts_for_values_that_are_not_allowed_have_a_counter_of_their_own() -> None:
    call = ask("phone", invalid='["First.", "Second."]', no_match='["Pardon?"]', max_attempts="5")
    call.presses("555#").hears("First.").says("bananas").waits(7).presses("555#").hears("Second.")
    assert [note.outcome for note in call.record] == ["no_match", "no_input", "no_match"]


def test_without_such_a_text_a_value_that_is_not_allowed_is_a_no_match() -> None:
    ask("number", maximum="5", no_match='["One.", "Two."]').says("six").hears("One.").says("seven").hears("Two.")


# --- ratings


def test_a_mark_by_key_is_taken_at_once_or_when_no_longer_one_can_follow() -> None:
    assert answer(ask("rating").presses("4").hears("thank you")) == 4
    ten = ask("rating", scale='"0..10"').presses("1")
    assert answer(ten) is None and answer(ten.waits(2.1).hears("thank you")) == 1
    assert answer(ask("rating", scale='"0..10"').presses("10").hears("thank you")) == 10


def test_a_mark_beyond_the_scale_is_heard_and_not_taken() -> None:
    for call in (ask("rating").says("six"), ask("rating").presses("0")):
        call.hears("did not understand")
        assert answer(call) is None


# --- free speech


def test_free_speech_is_listened_to_without_a_list() -> None:
    call = ask("free", commands="  agent: {keys: '0', say: [agent], go: bye}\n")
    assert call.listening is not None and call.listening.phrases == ()


def test_free_speech_is_kept_as_text() -> None:
    call = free_call("my parcel never came")
    assert answer(call.hears("thank you")) == "my parcel never came"


def test_a_command_is_obeyed_where_it_is_all_that_is_said() -> None:
    free_call("agent").hears("an agent it is")
    assert answer(free_call("the agent was rude").hears("thank you")) == "the agent was rude"


def free_call(said: str) -> CallScript:
    return says(ask("free").listens(), said)


def test_where_speech_cannot_be_recognized_free_speech_fails_after_its_attempts() -> None:
    call = CallScript(ask_text("free", failed="sorry"), deaf={"en-US"}).offered()
    for _ in range(3):
        call.stays_silent(7)
    assert "too bad" in call.transcript


def says(call: CallScript, text: str) -> CallScript:
    """What the recognizer tells at the end of an utterance that has begun."""
    assert call.listening is not None
    call.feed(e.UtteranceHeard(call.clock.monotonic_s(), call.listening.listen_id, text, 0.9))
    return call


def speaking(**settings: str) -> CallScript:
    """A caller in the middle of a sentence."""
    return ask("free", failed="sorry", **settings).listens().begins_to_speak()


def test_a_hash_leaves_free_speech_before_a_word_was_said() -> None:
    call = ask("free", failed="sorry").presses("#").waits(2.1).hears("too bad")
    assert "value" not in call.variables
    note = next(note for note in call.record if note.step == "question")
    assert (note.kind, note.outcome, note.mode, note.heard, note.attempt) == ("ask", "skipped", "dtmf", "#", 1)


def test_a_question_can_have_an_exit_of_its_own_for_callers_who_say_nothing() -> None:
    ask("free", failed="sorry", skipped="thanks").presses("#").waits(2.1).hears("thank you")


def test_a_hash_ends_what_is_being_said_and_loses_none_of_it() -> None:
    call = speaking()
    call.presses("#")
    assert call.step == "question" and call.listening is not None, "the recognizer has yet to tell what it was"
    assert c.EndUtterance() in call.commands, "and is to wait for no silence"
    assert answer(says(call, "my parcel never came").hears("thank you")) == "my parcel never came"


def test_a_hash_behind_mere_noise_leaves_the_question() -> None:
    says(speaking().presses("#"), "").hears("too bad")
    broken = speaking().presses("#")
    assert broken.listening is not None
    broken.feed(e.ListeningFailed(broken.clock.monotonic_s(), broken.listening.listen_id, "gone"))
    broken.hears("too bad")


def test_a_recognizer_that_tells_nothing_after_a_hash_is_given_up_soon() -> None:
    call = speaking().presses("#").waits(3.8)
    assert call.step == "question"
    call.waits(0.3).hears("too bad")


def test_a_second_hash_waits_for_nothing_more() -> None:
    speaking(commands="  agent: {keys: '0', say: [agent], go: bye}\n").presses("##").hears("too bad")


def test_two_hashes_while_speaking_are_the_command_of_two_hashes() -> None:
    call = speaking().presses("##").hears("what is it?")
    assert [note.meaning for note in call.record if note.kind == "command"] == ["back"]


def test_a_hash_soon_after_free_speech_belongs_to_it() -> None:
    second = '  thanks: {ask: free, prompt: "And why?", into: second, failed: sorry, next: hang_up}\n'
    call = ask("free", then=second).listens()
    says(call, "it is broken").presses("#").waits(2.1)
    assert (call.step, call.record[-1].outcome) == ("thanks", "match")
    call.presses("#").waits(2.1).hears("too bad")


def test_a_person_can_be_asked_for_by_key_in_free_speech() -> None:
    ask("free").presses("0").hears("an agent it is")


def test_another_key_can_end_free_speech_or_none() -> None:
    ask("free", failed="sorry", terminator='"*"', commands="  agent: {keys: '0', go: bye}\n").presses("*").hears(
        "too bad"
    )
    ask("free", failed="sorry", terminator='""').presses("#").waits(2.1).hears("did not understand")


# --- choices out of data

ORDERS = """
flow: test
language: en-US
start: question
variables: {orders: [red shoes, {name: "4712", say: [blue hat, hat]}]}
commands: {agent: {keys: "0", say: [agent], go: bye}}
steps:
  question:
    ask: choice
    choices_from: orders
    prompt: "Which order? {{ choices }}"
    into: value
    empty: none_there
    failed: bye
    next: thanks
  thanks: {say: "Thank you.", next: hang_up}
  none_there: {say: "You have no orders.", next: hang_up}
  bye: {say: "An agent it is.", next: hang_up}
"""


def test_entries_of_a_list_are_offered_with_their_keys() -> None:
    offered(ORDERS).hears("Which order? For red shoes, press 1. For blue hat, press 2.")


@pytest.mark.parametrize(("said", "value"), [("red shoes", "red shoes"), ("the hat", "4712")])
def test_an_entry_is_chosen_by_its_words(said: str, value: str) -> None:
    assert answer(offered(ORDERS).says(said).hears("thank you")) == value


def test_an_entry_is_chosen_by_its_key() -> None:
    assert answer(offered(ORDERS).presses("2").hears("thank you")) == "4712"


def test_nothing_but_the_list_can_be_chosen() -> None:
    call = offered(ORDERS).says("green gloves").hears("did not understand").presses("3").hears("did not understand")
    assert answer(call) is None


def test_an_empty_list_is_not_asked() -> None:
    call = CallScript(ORDERS).offered(variables={"orders": []}).hears("You have no orders.")
    assert [note.outcome for note in call.record][:1] == ["no_choices"]
    call = CallScript(ORDERS.replace("    empty: none_there\n", "")).offered(variables={"orders": "broken"})
    call.hears("An agent it is.")


def test_a_sensitive_list_is_masked_in_the_record() -> None:
    call = CallScript(ORDERS).offered(sensitive={"orders"}).hears("red shoes").presses("1").hears("thank you")
    assert call.record[0].prompt == "Which order? ***"
