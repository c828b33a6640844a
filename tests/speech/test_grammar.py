"""The closed list as Vosk wants it."""

from __future__ import annotations

import pytest

from ivr.speech.grammar import build_grammar, compound_of, normalize_phrase, rejoined

pytestmark = pytest.mark.unit

KNOWN = {"yes", "no", "i'm", "sorry", "call", "back", "für", "weiß", "a"}


def knows(word: str) -> bool:
    return word in KNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes!", "yes"),
        ("  I’m   SORRY. ", "i'm sorry"),
        ("Für_weiß?", "für weiß"),
        ("call-back", "call-back"),
        ("a, b; c", "a b c"),
    ],
)
def test_phrases_are_normalized(text: str, expected: str) -> None:
    assert normalize_phrase(text) == expected


def test_umlauts_are_not_escaped() -> None:
    assert build_grammar(["für"], True, knows).json == '["für", "[unk]"]'


def test_unknown_words_are_dropped_from_their_phrase() -> None:
    grammar = build_grammar(["yes please", "no"], False, knows)
    assert grammar.phrases == ("yes", "no")
    assert grammar.missing_words == ("please",)


def test_a_phrase_without_any_known_word_goes() -> None:
    assert build_grammar(["foo bar", "no"], True, knows).phrases == ("no", "[unk]")


def test_a_list_without_any_known_word_hears_only_the_unknown() -> None:
    assert build_grammar(["foo"], False, knows).phrases == ("[unk]",)


def test_a_hyphenated_word_is_heard_as_its_parts() -> None:
    assert build_grammar(["call-back"], False, knows).phrases == ("call back",)


def test_equal_phrases_appear_once() -> None:
    assert build_grammar(["Yes", "yes!"], False, knows).phrases == ("yes",)


def test_a_compound_is_heard_as_its_parts_and_told_as_one_word() -> None:
    grammar = build_grammar(["callback please", "no"], True, knows)
    assert grammar.phrases == ("call back", "no", "[unk]") and grammar.missing_words == ("please",)
    assert (
        rejoined("no call back", grammar.joined) == "no callback" and rejoined("callback", grammar.joined) == "callback"
    )


def test_where_both_spellings_are_listed_they_stay_apart() -> None:
    grammar = build_grammar(["callback", "call back"], True, knows)
    assert rejoined("call back", grammar.joined) == "call back"


def test_a_substitute_is_heard_in_place_of_a_missing_word_and_told_as_it_was_written() -> None:
    substitutes = {"kolbeck": ("call back", "call")}
    grammar = build_grammar(["sorry kolbeck", "foo"], False, knows, substitutes)
    assert grammar.phrases == ("sorry call back", "sorry call") and grammar.missing_words == ("foo",)
    assert rejoined("sorry call back", grammar.joined) == "sorry kolbeck" == rejoined("sorry call", grammar.joined)


def test_a_phrase_with_several_missing_words_is_listed_in_a_few_ways() -> None:
    ways = tuple(f"way {number}" for number in range(10))
    grammar = build_grammar(["one two", "one"], False, lambda _: False, {"one": ways, "two": ways})
    assert len(grammar.phrases) == 9 + 10


def test_a_substitute_that_is_a_phrase_of_its_own_is_told_as_that() -> None:
    grammar = build_grammar(["kolbeck", "call back"], False, knows, {"kolbeck": ("call back",)})
    assert rejoined("call back", grammar.joined) == "call back"


def test_the_most_even_split_is_taken_and_short_parts_are_none() -> None:
    words = {"kon", "tonummer", "konto", "nummer", "an", "rufen"}
    assert compound_of("kontonummer", words.__contains__) == ("konto", "nummer")
    assert compound_of("anrufen", words.__contains__) is None and compound_of("", words.__contains__) is None
