"""How callers correct a form: with the new value, against the old one, by the name of what is wrong, all at once."""

from __future__ import annotations

import pytest

from ivr.testing.conversation import CallScript

pytestmark = pytest.mark.unit

TABLE = """
flow: table
language: LANGUAGE
start: book
languages: [OTHER]
defaults: {failed: hang_up}
steps:
  book:
    form:
      prompt: "For how many, in which town, when?"
      fields:
        people: {ask: number, prompt: "How many people?", minimum: 1, maximum: 12, unit: [people, leute]}
        day: {ask: date, prompt: "On which day?", earliest: today, say: [day, tag, datum]}
        town:
          ask: choice
          prompt: "In which town?"
          say: [town, ort, stadt]
          choices: {bonn: {say: [bonn]}, cologne: {say: [cologne, köln]}, essen: {say: [essen]}}
        at: {ask: time, prompt: "At what time?", earliest: "17:00", latest: "22:00", say: [time, uhrzeit, zeit]}
    confirm_prompt: "{{ people }}, {{ day }}, {{ town }}, {{ at }}. Is that right?"
    next: hang_up
"""

ENGLISH = "two people in cologne on friday at eight"
GERMAN = "zwei leute in köln am freitag um acht"
FRIDAY, SATURDAY, TUESDAY, WEDNESDAY = "2026-11-27", "2026-11-28", "2026-11-24", "2026-11-25"


def table(tag: str, text: str = TABLE) -> CallScript:
    other = "de-DE" if tag == "en-US" else "en-US"
    return CallScript(text.replace("LANGUAGE", tag).replace("OTHER", other)).offered().hears("For how many")


def confirming(tag: str) -> CallScript:
    """A call to which everything is read back."""
    call = table(tag).says(ENGLISH if tag == "en-US" else GERMAN)
    return call.hears(f"2, {FRIDAY}, cologne, 20:00. Is that right?")


NEW_VALUES = [
    ("en-US", "no tuesday", (2, TUESDAY, "cologne", "20:00")),
    ("en-US", "not friday wednesday", (2, WEDNESDAY, "cologne", "20:00")),
    ("en-US", "not tuesday wednesday", (2, WEDNESDAY, "cologne", "20:00")),
    ("en-US", "tuesday not friday", (2, TUESDAY, "cologne", "20:00")),
    ("en-US", "i said bonn", (2, FRIDAY, "bonn", "20:00")),
    ("en-US", "not cologne but bonn", (2, FRIDAY, "bonn", "20:00")),
    ("en-US", "no not at eight at nine", (2, FRIDAY, "cologne", "21:00")),
    ("en-US", "not eight nine", (2, FRIDAY, "cologne", "21:00")),
    ("en-US", "three people not two", (3, FRIDAY, "cologne", "20:00")),
    ("en-US", "the time should be nine", (2, FRIDAY, "cologne", "21:00")),
    ("en-US", "the day is wrong it should be saturday", (2, SATURDAY, "cologne", "20:00")),
    ("en-US", "yes but on saturday", (2, SATURDAY, "cologne", "20:00")),
    ("en-US", "no it's for three people at nine in bonn", (3, FRIDAY, "bonn", "21:00")),
    ("en-US", "not cologne bonn and not at eight at nine", (2, FRIDAY, "bonn", "21:00")),
    ("de-DE", "nein dienstag", (2, TUESDAY, "cologne", "20:00")),
    ("de-DE", "nicht freitag sondern mittwoch", (2, WEDNESDAY, "cologne", "20:00")),
    ("de-DE", "am dienstag nicht am freitag", (2, TUESDAY, "cologne", "20:00")),
    ("de-DE", "ich habe bonn gesagt", (2, FRIDAY, "bonn", "20:00")),
    ("de-DE", "ja aber am samstag", (2, SATURDAY, "cologne", "20:00")),
    ("de-DE", "die uhrzeit ist falsch um neun", (2, FRIDAY, "cologne", "21:00")),
    ("de-DE", "nicht um acht sondern um neun und nicht in köln sondern in bonn", (2, FRIDAY, "bonn", "21:00")),
]


@pytest.mark.parametrize(("tag", "said", "expected"), NEW_VALUES)
def test_what_is_right_is_said_at_once_and_read_back(tag: str, said: str, expected: tuple[object, ...]) -> None:
    people, day, town, at = expected
    confirming(tag).says(said).hears(f"{people}, {day}, {town}, {at}. Is that right?")


ONLY_WRONG = [
    ("en-US", "the time is wrong", "At what time?"),
    ("en-US", "no the time is wrong", "At what time?"),
    ("en-US", "the day is not right", "On which day?"),
    ("en-US", "wrong town", "In which town?"),
    ("en-US", "change the time", "At what time?"),
    ("en-US", "yes except the time", "At what time?"),
    ("en-US", "not friday", "On which day?"),
    ("en-US", "no not in cologne", "In which town?"),
    ("de-DE", "die uhrzeit ist falsch", "At what time?"),
    ("de-DE", "der tag stimmt nicht", "On which day?"),
    ("de-DE", "falscher ort", "In which town?"),
    ("de-DE", "nein nicht am freitag", "On which day?"),
    ("de-DE", "ja bis auf die uhrzeit", "At what time?"),
]


@pytest.mark.parametrize(("tag", "said", "asked"), ONLY_WRONG)
def test_what_is_said_to_be_wrong_is_asked_again(tag: str, said: str, asked: str) -> None:
    confirming(tag).says(said).hears(asked)


def test_the_others_keep_their_values() -> None:
    call = confirming("en-US").says("the day and the time are wrong").hears("On which day?").says("tuesday")
    call.hears("At what time?").says("at nine").hears(f"2, {TUESDAY}, cologne, 21:00. Is that right?").says("yes")
    assert call.variables["town"] == "cologne"


def test_a_choice_that_is_spoken_against_takes_no_other_words_along() -> None:
    confirming("en-US").says("not cologne and at nine").hears("In which town?").says("bonn")
    call = confirming("en-US").says("not cologne and at nine").says("bonn")
    call.hears(f"2, {FRIDAY}, bonn, 21:00. Is that right?")


def test_one_is_wrong_and_another_is_corrected() -> None:
    call = confirming("en-US").says("not friday and at nine").hears("On which day?").says("saturday")
    call.hears(f"2, {SATURDAY}, cologne, 21:00. Is that right?")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("the town is wrong", "In which town?"),
        ("not cologne bonn", "All right, bonn. At what time?"),
        ("no the day is wrong", "On which day?"),
        ("not friday tuesday at nine", f"3, {TUESDAY}, cologne, 21:00. Is that right?"),
    ],
)
def test_a_value_is_corrected_while_another_is_asked(said: str, heard: str) -> None:
    table("en-US").says("three people in cologne on friday").hears("At what time?").says(said).hears(heard)


def test_a_name_alone_is_no_complaint_while_a_field_is_asked() -> None:
    call = table("en-US").says("three people in cologne on friday").hears("At what time?").says("the town")
    call.hears("At what time?")


def test_yes_but_and_nothing_understood_is_no_yes() -> None:
    confirming("en-US").says("yes but hurry up").hears("What should I change?")


BADLY_HEARD = TABLE[: TABLE.index("    confirm_prompt")] + "    confirm: never\n    next: hang_up\n"
BADLY_HEARD = BADLY_HEARD.replace('"How many people?", ', '"How many people?", confirm: low_confidence, ')


def test_what_else_was_in_a_badly_heard_sentence_stays_when_one_value_is_corrected() -> None:
    call = table("en-US", BADLY_HEARD).says("two people in cologne on friday", 0.5).hears("Is that right?")
    call.says("no on saturday").hears("At what time?")
    assert [call.variables[name] for name in ("people", "day", "town")] == [2, SATURDAY, "cologne"]


def test_a_value_that_is_confirmed_alone_is_spoken_against() -> None:
    text = """
flow: one
language: en-US
start: day
steps:
  day: {ask: date, prompt: "When?", confirm: always, into: day, failed: hang_up, next: hang_up}
"""
    call = CallScript(text).offered().says("friday").hears("Is that right?").says("tuesday not friday")
    call.hears("I understood Tuesday, November 24th. Is that right?")
    CallScript(text).offered().says("friday").hears("Is that right?").says("not friday").hears("When?")


def test_the_words_of_a_correction_are_listened_for() -> None:
    call = confirming("en-US")
    assert call.listening is not None
    assert {"not", "but", "except", "time", "town", "bonn", "i said"} <= set(call.listening.phrases)
