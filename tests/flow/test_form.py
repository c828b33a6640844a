"""The form step: several values in one sentence or one after the other, corrections, the whole confirmed."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript

pytestmark = pytest.mark.unit

BOOKING = """
flow: booking
language: en-US
start: hello
commands:
  agent: {keys: "0", say: [agent], go: office}
  again: {keys: "*", say: [repeat], go: repeat}
  back: {keys: "##", say: [go back], go: back}
  german: {say: [deutsch], language: de-DE}
languages: [de-DE]
defaults: {failed: sorry}
steps:
  hello:
    menu:
      prompt: "For a table, press 1."
      choices: {table: {keys: "1", say: [table], go: book}}
  book:
    form:
      prompt: "For how many people, on which day and at what time?"
      fields:
        people: {ask: number, prompt: "How many people?", minimum: 1, maximum: 12, unit: [people, guests]}
        day: {ask: date, prompt: "On which day?", earliest: today, into: table_day}
        at: {ask: time, prompt: "At what time?", earliest: "17:00", latest: "22:00", say: [time]}
    confirm_prompt: "A table for {{ people }} on {{ table_day | date }} at {{ at | time }}. Is that right?"
    next: done
  done: {say: "See you.", next: hang_up}
  office: {say: "The office.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
"""

WHOLE = "A table for {} on {} at {}. Is that right?"


def form(text: str = BOOKING) -> CallScript:
    return CallScript(text).offered().presses("1").hears("For how many people")


def booked(call: CallScript) -> tuple[object, ...]:
    call.hears("See you.")
    return tuple(call.variables[name] for name in ("people", "table_day", "at"))


def outcomes(call: CallScript) -> list[tuple[str, str]]:
    return [(note.outcome, note.detail) for note in call.record if note.kind == "form"]


FRIDAY = "Friday, November 27th"


@pytest.mark.parametrize(
    "said",
    [
        "two people on friday at eight",
        "a table for two on friday at eight please",
        "i would like a table for two people at eight on friday",
        "on friday at eight in the evening for two",
        "friday the twenty seventh at eight p m two people",
        "at eight on friday for two guests",
        "november twenty seventh at eight we are two people",
        "two people friday eight",
    ],
)
def test_one_sentence_fills_all_fields(said: str) -> None:
    call = form().says(said).hears(WHOLE.format(2, FRIDAY, "8 PM")).says("yes")
    assert booked(call) == (2, "2026-11-27", "20:00")
    assert outcomes(call) == [("match", "people"), ("confirmed", "whole")]


def test_what_is_missing_is_asked_in_turn() -> None:
    call = form().says("on friday").hears("How many people?").says("four").hears("At what time?").says("at nine")
    assert booked(call.hears(WHOLE.format(4, FRIDAY, "9 PM")).says("yes")) == (4, "2026-11-27", "21:00")
    assert outcomes(call) == [("match", "people"), ("match", "people"), ("match", "at"), ("confirmed", "whole")]


def test_a_later_sentence_may_fill_more_than_was_asked() -> None:
    call = (
        form().says("for two").hears("On which day?").says("on friday at eight").hears(WHOLE.format(2, FRIDAY, "8 PM"))
    )
    assert booked(call.presses("1"))[0] == 2


def test_keys_answer_the_field_that_is_asked() -> None:
    call = form().presses("4#").hears("On which day?").presses("1127#").hears("At what time?").presses("2030")
    assert booked(call.hears(WHOLE.format(4, FRIDAY, "8:30 PM")).presses("1")) == (4, "2026-11-27", "20:30")


def test_a_bare_number_answers_the_field_that_is_asked() -> None:
    form().says("eight").hears("On which day?").says("friday").hears("At what time?").says("eight").hears("for 8 on")


def test_silence_at_the_opening_leads_to_the_first_field() -> None:
    call = form().stays_silent(7).hears("did not hear anything. How many people?").says("two").hears("On which day?")
    assert outcomes(call) == [("no_input", "people"), ("match", "people")]


def test_each_field_has_attempts_of_its_own() -> None:
    call = form().says("bananas").hears("How many").says("bananas").hears("How many").says("two").hears("which day")
    call.says("bananas").hears("which day").says("bananas").hears("which day").says("bananas").hears("Sorry.")
    assert [outcome for outcome, _ in outcomes(call)] == ["no_match", "no_match", "match", *["no_match"] * 3]


def test_what_is_not_allowed_is_asked_again() -> None:
    call = form().says("twenty people on friday").hears("How many people?").says("twenty").hears("How many people?")
    assert booked_so_far(call) == {"table_day": "2026-11-27"}


def booked_so_far(call: CallScript) -> dict[str, object]:
    return {name: call.variables[name] for name in ("people", "table_day", "at") if name in call.variables}


# --- the whole


def test_no_and_a_new_value_changes_that_field_and_reads_all_back_again() -> None:
    call = form().says("two people on friday at eight").hears("is that right").says("no tuesday")
    call.hears(WHOLE.format(2, "Tuesday, November 24th", "8 PM")).says("that's right")
    assert booked(call) == (2, "2026-11-24", "20:00")
    assert outcomes(call) == [("match", "people"), ("corrected", "whole"), ("confirmed", "whole")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("no for three at nine", (3, FRIDAY, "9 PM")),
        ("at nine", (2, FRIDAY, "9 PM")),
        ("no no i mean on saturday", (2, "Saturday, November 28th", "8 PM")),
        ("no we are four people", (4, FRIDAY, "8 PM")),
    ],
)
def test_corrections_of_the_whole(said: str, expected: tuple[object, ...]) -> None:
    form().says("two people on friday at eight").hears("is that right").says(said).hears(WHOLE.format(*expected))


def test_a_plain_no_asks_what_is_to_be_changed() -> None:
    call = form().says("two people on friday at eight").hears("is that right").says("no").hears("What should I change?")
    call.says("the day").hears("On which day?").says("tomorrow")
    assert booked(call.hears(WHOLE.format(2, "Tuesday, November 24th", "8 PM")).says("yes"))[1] == "2026-11-24"


def test_what_is_to_be_changed_is_said_by_the_fields_own_words_or_its_key() -> None:
    asked = form().says("two people on friday at eight").hears("is that right").says("no").hears("change")
    asked.says("time").hears("At what time?")
    keyed = form().says("two people on friday at eight").hears("is that right").presses("2").hears("change")
    keyed.presses("1").hears("How many people?").presses("5#").hears("for 5 on")


def test_the_new_value_answers_what_is_to_be_changed() -> None:
    call = form().says("two people on friday at eight").hears("is that right").says("no").hears("change")
    call.says("on tuesday").hears(WHOLE.format(2, "Tuesday, November 24th", "8 PM"))


def test_the_prompt_for_changes_is_the_forms_own() -> None:
    text = BOOKING.replace("      fields:\n", '      change_prompt: "What is wrong?"\n      fields:\n')
    form(text).says("two people on friday at eight").hears("is that right").says("no").hears("What is wrong?")


def test_an_unclear_reply_repeats_the_whole_once_and_then_asks_what_to_change() -> None:
    call = form().says("two people on friday at eight").hears("is that right").stays_silent(7).hears("is that right")
    call.stays_silent(7).hears("What should I change?")


def test_nobody_is_asked_for_ever_what_to_change() -> None:
    call = form().says("two people on friday at eight").hears("is that right").says("no")
    for _ in range(3):
        call.hears("What should I change?").stays_silent(7)
    assert "Sorry." in call.transcript


def test_without_confirmation_the_form_ends_with_its_last_field() -> None:
    text = BOOKING.replace("    confirm_prompt:", "    confirm: never\n    confirm_prompt:")
    assert booked(form(text).says("two people on friday at eight")) == (2, "2026-11-27", "20:00")


def test_with_low_confidence_only_an_unsure_form_is_read_back() -> None:
    text = BOOKING.replace("    confirm_prompt:", "    confirm: low_confidence\n    confirm_prompt:")
    assert booked(form(text).says("two people on friday at eight"))[0] == 2
    form(text).says("two people on friday at eight", 0.5).hears("is that right")


def test_a_form_without_a_text_of_its_own_lists_what_it_understood() -> None:
    text = BOOKING[: BOOKING.index("    confirm_prompt")] + BOOKING[BOOKING.index("    next: done") :]
    text = text.replace("    next: done\n", "    confirm: always\n    next: done\n")
    form(text).says("two people on friday at eight").hears(f"I understood two, {FRIDAY}, 8 PM. Is that right?")


# --- corrections on the way


def test_a_field_already_given_is_corrected_on_the_way() -> None:
    call = form().says("three").hears("On which day?").says("no four people").hears("All right, four. On which day?")
    assert booked_so_far(call) == {"people": 4}


def test_an_answer_with_a_correction_takes_both() -> None:
    call = (
        form().says("three").hears("On which day?").says("no four people on friday").hears("All right, four. At what")
    )
    assert booked_so_far(call) == {"people": 4, "table_day": "2026-11-27"}


def test_a_badly_heard_sentence_is_confirmed_in_a_form_that_does_not_confirm_the_whole() -> None:
    text = BOOKING.replace("    confirm_prompt:", "    confirm: never\n    confirm_prompt:")
    text = text.replace("defaults: {", "defaults: {confirm: low_confidence, ")
    call = form(text.replace('"How many people?", ', '"How many people?", confirm: low_confidence, '))
    call.says("two people on friday", 0.5).hears(f"I understood two, {FRIDAY}. Is that right?").says("yes")
    assert booked_so_far(call.hears("At what time?")) == {"people": 2, "table_day": "2026-11-27"}


def test_a_time_without_its_half_is_asked_back_at_once() -> None:
    text = BOOKING.replace(', earliest: "17:00", latest: "22:00"', "")
    call = form(text).says("two people on friday at eight").hears("Do you mean 8 AM, or 8 PM?").says("in the evening")
    assert booked(call.hears(WHOLE.format(2, FRIDAY, "8 PM")).says("yes"))[2] == "20:00"


# --- commands, languages, coming back


def test_commands_work_in_a_form_and_a_form_that_was_left_begins_anew() -> None:
    form().says("for two").hears("On which day?").says("agent").hears("The office.")
    call = form().says("for two").hears("which day").presses("##").hears("For a table").presses("1")
    call.hears("For how many people")


def test_repeat_asks_the_field_again_and_keeps_the_others() -> None:
    call = form().says("for two").hears("On which day?").says("repeat").hears("On which day?").says("friday")
    assert booked_so_far(call.hears("At what time?")) == {"people": 2, "table_day": "2026-11-27"}


def test_a_form_goes_on_in_another_language() -> None:
    text = BOOKING.replace('"At what time?"', '{en: "At what time?", de: "Um wie viel Uhr?"}')
    call = form(text).says("for two on friday").hears("At what time?").says("deutsch").hears("Um wie viel Uhr?")
    call.says("um acht").hears("A table for 2 on Freitag, den siebenundzwanzigsten November at 20 Uhr.")


def test_going_back_from_behind_a_form_opens_it_anew() -> None:
    text = BOOKING.replace("next: done", "next: more").replace(
        "  done:", '  more: {ask: yes_no, prompt: "Anything else?", into: more, next: done}\n  done:'
    )
    call = form(text).says("two people on friday at eight").hears("is that right").says("yes").hears("Anything else?")
    call.presses("##").hears("For how many people")


def test_without_an_opening_the_first_field_opens_the_form() -> None:
    text = BOOKING.replace('      prompt: "For how many people, on which day and at what time?"\n', "")
    call = CallScript(text).offered().presses("1").hears("How many people?").says("two people on friday at eight")
    call.hears("is that right")


def test_where_speech_cannot_be_recognized_the_fields_are_keyed_one_by_one() -> None:
    call = CallScript(BOOKING, deaf={"en-US"}).offered().presses("1").hears("How many people?").presses("2#")
    call.hears("On which day?").presses("1127#").hears("At what time?").presses("2000").hears("Is that right?")
    assert booked(call.presses("1")) == (2, "2026-11-27", "20:00")


def test_hanging_up_in_a_form_is_recorded_with_the_field() -> None:
    call = form().says("for two").hears("On which day?").hangs_up()
    assert outcomes(call)[-1] == ("hung_up", "day")
    assert call.phase is Phase.ENDED


# --- what must not be written down

SECRET = """
flow: secret
language: en-US
start: login
defaults: {failed: sorry}
steps:
  login:
    form:
      prompt: "Your customer number and your PIN, please."
      fields:
        customer: {ask: digits, length: 4, prompt: "Your customer number?"}
        pin: {ask: digits, length: 2, prompt: "Your PIN?", sensitive: true}
    confirm: always
    next: done
  done: {say: "Thank you.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
"""


def test_a_form_with_a_sensitive_field_writes_no_answer_down() -> None:
    call = CallScript(SECRET).offered().presses("4712").hears("Your PIN?").presses("97").hears("I understood")
    call.says("yes").hears("Thank you.")
    assert call.state.sensitive == {"pin"}
    written = " ".join(f"{note.heard} {note.meaning} {note.prompt}" for note in call.record)
    assert "97" not in written and "9 7" not in written and "4712" not in written
    assert all(command.is_sensitive for command in call.commands if isinstance(command, c.StartListening))


def test_sentences_of_both_languages_are_taken_apart() -> None:
    text = BOOKING.replace("language: en-US\n", "language: de-DE\n").replace("[people, guests]", "[personen, leute]")
    for said in (
        "zwei Personen am Freitag um acht",
        "einen Tisch für zwei am Freitag um acht Uhr abends bitte",
        "am Freitag um acht für zwei Personen",
        "ich hätte gern für zwei am siebenundzwanzigsten November um zwanzig Uhr",
    ):
        call = CallScript(text).offered().presses("1").hears("For how many").says(said).hears("for 2 on Freitag")
        assert booked(call.says("ja genau")) == (2, "2026-11-27", "20:00")


@pytest.mark.parametrize("heard", ["eighth in the evening", "at eighth p m", "eight in the evening"])
def test_an_hour_that_was_heard_as_a_day_is_a_time_with_its_half_of_the_day(heard: str) -> None:
    call = form().says("four people on friday").hears("At what time?").says(heard).hears("at 8 PM").says("yes")
    assert booked(call) == (4, "2026-11-27", "20:00")
