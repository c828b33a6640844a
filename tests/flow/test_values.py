"""Phone numbers, ratings, numbers, digits, choices, free speech, yes and no; and what every kind must have."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from ivr.flow.grammar import match_phrases
from ivr.flow.languages import LANGUAGES
from ivr.flow.model import AskType, ValueSettings
from ivr.flow.values.choice import MOST_FROM_DATA, from_data
from ivr.flow.values.registry import KINDS, kind_of
from tests.flow.value_readings import asked, keyed, spoken, value

pytestmark = pytest.mark.unit


# --- every kind


def test_every_kind_of_question_has_its_module() -> None:
    assert set(KINDS) == set(get_args(AskType))


def test_every_setting_belongs_to_some_kind_and_every_kind_names_real_ones() -> None:
    of_the_step = {"empty", "skipped"}
    named = {option for kind in KINDS.values() for option in kind.options} - of_the_step
    assert named == set(ValueSettings.model_fields) - {"ask"}


@pytest.mark.parametrize("tag", ["en-US", "de-DE"])
@pytest.mark.parametrize("kind", [name for name in KINDS if name not in ("choice", "free", "yes_no")])
def test_what_a_kind_listens_for_is_in_the_recognizers_form(kind: str, tag: str) -> None:
    words = kind_of(kind).words(asked(kind, tag))
    assert words
    assert all(word == " ".join(word.lower().split()) for word in words)


# --- yes and no

YES = """
yes|yeah|yep|yup|sure|sure thing|correct|right|that's right|that is right|yes that's right|yes please|of course|exactly|
absolutely|definitely|okay|alright|all right|that's correct|that's it|indeed|certainly|fine|perfect|i think so|uh huh|
yes i do|
go ahead|sounds good|yeah that's right|oh yes|well yes
"""
NO = """
no|nope|nah|no thanks|no thank you|not really|wrong|that's wrong|no that's wrong|no that's not right|that's not right|
not at all|no way|never|negative|incorrect|not quite|absolutely not|definitely not|of course not|i don't think so|
rather not|that's not it|not correct|no no|it isn't|not exactly|certainly not|no not really|no it is not
"""
JA = """
ja|jo|jep|jup|jaja|jawohl|genau|ganz genau|richtig|das ist richtig|stimmt|das stimmt|stimmt so|klar|na klar|sicher|
passt|
das passt|passt so|
gerne|ja gerne|ja bitte|ja genau|natürlich|selbstverständlich|auf jeden fall|in ordnung|okay|korrekt|
alles klar|einverstanden|so ist es|unbedingt|freilich|gut|ja das stimmt
"""
NEIN = """
nein|nee|nö|ne|nein danke|auf gar keinen fall|auf keinen fall|keinesfalls|niemals|nie|falsch|das ist falsch|
nein das ist falsch|stimmt nicht|das stimmt nicht|nein das stimmt nicht|das ist nicht richtig|nicht richtig|nicht ganz|
eher nicht|lieber nicht|überhaupt nicht|gar nicht|natürlich nicht|sicher nicht|passt nicht|das passt nicht|
nicht wirklich|
leider nein|leider nicht|ach nein|nein leider nicht
"""


def split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", "").split("|")]


@pytest.mark.parametrize(
    ("tag", "said", "meaning"),
    [("en", said, "yes") for said in split(YES)] + [("en", said, "no") for said in split(NO)]
    + [("de", said, "yes") for said in split(JA)] + [("de", said, "no") for said in split(NEIN)],
)  # fmt: skip
def test_yes_and_no_in_all_their_forms(tag: str, said: str, meaning: str) -> None:
    found = match_phrases(said, 1.0, kind_of("yes_no").phrases(asked("yes_no", tag)))
    assert found is not None and found.meaning == meaning


@pytest.mark.parametrize(("tag", "said"), [("en", "yes no"), ("en", "maybe"), ("de", "ja nein"), ("de", "vielleicht")])
def test_what_is_neither_yes_nor_no(tag: str, said: str) -> None:
    assert match_phrases(said, 1.0, kind_of("yes_no").phrases(asked("yes_no", tag))) is None


# --- digits

DIGITS = """
en: one two three four: 1234
en: double five: 55
en: triple seven: 777
en: oh one two: 012
en: one double two oh: 1220
en: twelve thirty four: 1234
en: forty seven twelve: 4712
en: four seven one two: 4712
en: nine double oh: 900
en: twenty one oh five: 2105
en: one hundred twenty three: 123
en: two thousand and five: 2005
en: seventy seven: 77
en: zero zero seven: 007
de: eins zwo drei: 123
de: zwo: 2
de: doppel fünf: 55
de: dreifach sieben: 777
de: zweimal die: None
de: einundzwanzig: 21
de: eins einundzwanzig drei: 1213
de: vierzig sieben: 407
de: siebenundvierzig zwölf: 4712
de: vier sieben eins zwo: 4712
de: null null sieben: 007
de: zweihundertfünf: 205
de: ein und zwanzig: 21
de: neun doppel null: 900
en: double twelve: None
en: one two please: None
de: eins bitte: None
"""


@pytest.mark.parametrize("row", DIGITS.strip().splitlines())
def test_digits(row: str) -> None:
    tag, said, expected = row.split(": ")
    reading = spoken("digits", tag, said, max_length=10)
    assert (None if reading is None else reading.value) == (None if expected == "None" else expected)
    assert reading is None or reading.is_part


# --- numbers and ratings


@pytest.mark.parametrize(
    ("tag", "said", "settings", "expected"),
    [
        ("en", "two people", {"unit": ["people", "persons"]}, 2),
        ("en", "two", {"unit": ["people"]}, 2),
        ("en", "people", {"unit": ["people"]}, None),
        ("en", "two people", {}, None),
        ("de", "vier personen", {"unit": {"en": ["people"], "de": ["personen", "leute"]}}, 4),
        ("de", "einhundertfünf", {}, 105),
        ("en", "one hundred and five", {"maximum": 100}, None),
        ("en", "five", {"minimum": 5}, 5),
    ],
)
def test_numbers(tag: str, said: str, settings: dict[str, Any], expected: int | None) -> None:
    assert value(spoken("number", tag, said, **settings)) == expected


@pytest.mark.parametrize(
    ("said", "scale", "expected"),
    [
        ("five", None, 5),
        ("one", None, 1),
        ("zero", None, None),
        ("six", None, None),
        ("ten", "0..10", 10),
        ("zero", "0..10", 0),
        ("eleven", "0..10", None),
        ("very good", None, None),
    ],
)
def test_ratings(said: str, scale: str | None, expected: int | None) -> None:
    settings = {"scale": scale} if scale else {}
    assert value(spoken("rating", "en", said, **settings)) == expected


def test_a_rating_is_complete_when_no_longer_mark_begins_with_it() -> None:
    five, ten = (kind_of("rating").entry(asked("rating", "en", scale=scale)) for scale in ("1..5", "0..10"))
    assert five is not None and ten is not None
    assert five.is_complete("1") and five.is_complete("9")
    assert not ten.is_complete("1") and ten.is_complete("2") and ten.is_complete("10") and ten.is_complete("0")


@pytest.mark.parametrize(("typed", "expected"), [("5", 5), ("0", None), ("6", None)])
def test_ratings_by_key(typed: str, expected: int | None) -> None:
    assert value(keyed("rating", "en", typed)) == expected


# --- phone numbers


@pytest.mark.parametrize(
    ("tag", "typed", "settings", "expected"),
    [
        ("de-DE", "030123456", {}, "+4930123456"),
        ("de-DE", "004930123456", {}, "+4930123456"),
        ("de-DE", "+4930123456", {}, "+4930123456"),
        ("de", "015112345678", {}, "+4915112345678"),
        ("en-US", "2015550123", {}, "+12015550123"),
        ("en-US", "12015550123", {}, "+12015550123"),
        ("en-US", "0114930123456", {}, "+4930123456"),
        ("en-US", "030123456", {"region": "DE"}, "+4930123456"),
        ("en-GB", "02079460018", {}, "+442079460018"),
        ("de-DE", "123", {}, None),
        ("en-US", "5550123", {}, None),
        ("de-DE", "99999999999999999999", {}, None),
        ("de-DE", "+", {}, None),
    ],
)
def test_phone_numbers(tag: str, typed: str, settings: dict[str, Any], expected: str | None) -> None:
    assert value(keyed("phone", tag, typed, **settings)) == expected


@pytest.mark.parametrize(
    ("tag", "said", "part"),
    [
        ("en", "plus four nine three oh", "+4930"),
        ("en", "two oh one triple five oh one two three", "2015550123"),
        ("en", "double one two", "112"),
        ("de", "plus vier neun", "+49"),
        ("de", "null drei null zwölf vierunddreißig", "0301234"),
        ("de", "null eins fünf eins doppel sieben", "015177"),
        ("en", "plus", None),
        ("en", "my number", None),
    ],
)
def test_phone_numbers_are_said_in_parts(tag: str, said: str, part: str | None) -> None:
    reading = spoken("phone", tag, said)
    assert (None if reading is None else reading.value) == part
    assert reading is None or reading.is_part


def test_a_phone_number_is_read_back_in_groups() -> None:
    assert kind_of("phone").spoken(asked("phone", "de-DE"), "+4930123456") == "plus 4 9, 3 null, 1 2 3, 4 5 6"


# --- choices out of data


def test_a_list_of_texts_is_numbered() -> None:
    assert [(o.name, o.say, o.keys) for o in from_data(["red shoes", "hat"])] == [
        ("red shoes", ("red shoes",), "1"),
        ("hat", ("hat",), "2"),
    ]


def test_a_list_of_entries_keeps_its_own_names_words_and_keys() -> None:
    data = [{"name": "4711", "say": ["red shoes", "shoes"], "keys": "2"}, {"name": 4712}, {"say": "the hat"}]
    assert [(o.name, o.say, o.keys) for o in from_data(data)] == [
        ("4711", ("red shoes", "shoes"), "2"),
        ("4712", ("4712",), "1"),
        ("the hat", ("the hat",), "3"),
    ]


@pytest.mark.parametrize("data", [None, "text", 7, {}, [], [None, True, {}, {"name": ""}, [], {"name": " "}]])
def test_what_is_no_list_of_choices_offers_nothing(data: object) -> None:
    assert from_data(data) == ()


def test_a_long_list_is_bounded_and_doubles_are_offered_once() -> None:
    options = from_data([f"order {number}" for number in range(100)])
    assert len(options) == MOST_FROM_DATA and len({option.keys for option in options}) == MOST_FROM_DATA
    assert [option.name for option in from_data(["a", "b", "a"])] == ["a", "b"]


def test_strange_keys_out_of_data_are_not_used() -> None:
    assert [option.keys for option in from_data([{"name": "a", "keys": "x1"}, {"name": "b", "keys": 3}])] == ["1", "3"]


def test_an_entry_is_never_spoken_at_length() -> None:
    assert len(from_data(["x" * 5000])[0].say[0]) == 120


# --- free speech


def test_free_speech_is_kept_as_text_up_to_so_many_words() -> None:
    assert value(spoken("free", "en", "My parcel is [unk] broken, really.")) == "my parcel is broken really"
    assert value(spoken("free", "en", "one two three", max_words=2)) == "one two"
    assert spoken("free", "en", "[unk]") is None
    assert kind_of("free").is_free


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_has_the_words_of_every_kind(tag: str) -> None:
    language = LANGUAGES[tag]
    assert language.calendar.date_words and language.calendar.time_words and language.money.currencies
    assert set(language.words_of_numbers(10)) <= set(language.number_words)
