"""Which words sound like one that is missing."""

from __future__ import annotations

import pytest

from ivr.speech.sound_alikes import Alike, Vocabulary, distinct, sounds_of

pytestmark = pytest.mark.unit

WORDS = Vocabulary({"gold": "ɡoʊld", "sign": "saɪn", "sine": "saɪn", "cold": "koʊld", "spin": "spɪn", "ann": "æn"})


def test_a_missing_word_is_put_together_of_the_words_that_sound_most_like_it() -> None:
    first = WORDS.nearest("ɡoʊldstaɪn", 3)[0]
    assert first.words == "gold sign" and first.cost == pytest.approx(1.1)


def test_of_words_that_sound_the_same_one_is_taken_and_the_nearest_comes_first() -> None:
    found = WORDS.nearest("ɡoʊldsaɪn", 10)
    words = [alike.words for alike in found]
    assert words[0] == "gold sign" and "cold sign" in words and "gold sine" not in words
    assert len({alike.ipa for alike in found}) == len(found)
    assert [alike.cost for alike in found] == sorted(alike.cost for alike in found)


def test_what_sounds_like_nothing_has_no_substitute() -> None:
    assert WORDS.nearest("ʒuʒuʒu", 10) == [] == WORDS.nearest("", 10) == Vocabulary({}).nearest("saɪn", 10)


def test_a_vowel_in_place_of_a_vowel_is_nearer_than_a_consonant() -> None:
    assert Vocabulary({"mat": "mæt"}).nearest("mɛt", 1)[0].cost < Vocabulary({"men": "mɛn"}).nearest("mɛt", 1)[0].cost


def test_length_and_stress_are_no_sounds() -> None:
    assert sounds_of("ˈsiː n̩") == "sin"


def test_what_sounds_like_other_words_of_the_question_is_left_out() -> None:
    found = [Alike(1.0, "cold sign", "koʊldsaɪn"), Alike(1.5, "hold on", "hoʊldɑn")]
    assert distinct(found, "ɡoʊldsaɪn", ["koʊldstaɪn"], 0.25) == found[1:]
    assert distinct(found, "ɡoʊldsaɪn", ["mɛnju"], 0.25) == found
    assert distinct(found, "ɡoʊldsaɪn", ["ɡoʊldsaɪn"], 0.25) == [], "two names of one sound have no substitutes"
