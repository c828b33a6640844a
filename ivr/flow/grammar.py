"""What callers may say in a step, and what an utterance means against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache

from ivr.flow.languages.base import Language
from ivr.immutable import immutable

UNKNOWN_WORD = "[unk]"
"""How recognizers mark speech outside the list."""

UNKNOWN_FACTOR = 0.85
"""Confidence in a phrase is multiplied by this for each stretch of unknown speech around it."""


class Band(StrEnum):
    """What a confidence is worth."""

    ACCEPT = "accept"
    CONFIRM = "confirm"
    REJECT = "reject"


def band(confidence: float, accept: float, reject: float) -> Band:
    """The band of a confidence."""
    if confidence >= accept:
        return Band.ACCEPT
    return Band.CONFIRM if confidence >= reject else Band.REJECT


@immutable
class PhraseMatch:
    """Which meaning was found, in which words, and how sure that is."""

    meaning: str
    phrase: str
    confidence: float


@lru_cache(maxsize=8192)
def normalized(text: str) -> str:
    """Lower case, single spaces, no punctuation: the form that recognizers answer in."""
    plain = text.lower().replace("’", "'")
    return " ".join("".join(c if c.isalnum() or c in "'[]" else " " for c in plain).split())


def known_words(text: str) -> list[str]:
    """The words of an utterance without the marks of unknown speech."""
    return [word for word in text.split() if word != UNKNOWN_WORD]


def unknown_count(text: str) -> int:
    """How many stretches of unknown speech an utterance has."""
    return text.split().count(UNKNOWN_WORD)


Entry = tuple[list[str], str, str]
"""Words, meaning and phrase as it was written."""

ByFirstWord = Mapping[str, Sequence[Entry]]
"""First word to the phrases that begin with it, the longest first."""


def by_first_word(meanings: Mapping[str, Sequence[str]]) -> ByFirstWord:
    """Phrases as they are looked for."""
    phrases = [(normalized(phrase).split(), meaning, phrase) for meaning, group in meanings.items() for phrase in group]
    found: dict[str, list[Entry]] = {}
    for entry in sorted(phrases, key=lambda entry: -len(entry[0])):
        if entry[0]:
            found.setdefault(entry[0][0], []).append(entry)
    return found


def phrase_at(words: Sequence[str], place: int, phrases: ByFirstWord) -> Entry | None:
    """The longest phrase that begins at a place of some words."""
    for entry in phrases.get(words[place], ()):
        wanted = entry[0]
        if words[place : place + len(wanted)] == wanted:
            return entry
    return None


def match_phrases(
    text: str, confidence: float, meanings: Mapping[str, Sequence[str]], ready: ByFirstWord | None = None
) -> PhraseMatch | None:
    """The one meaning whose phrase is in the utterance; None where there is none, or more than one.

    The longest phrase wins, so that "no thanks" is not "thanks". Words of the list that are left over beside the phrase
    make it doubtful only when they are a phrase of another meaning. `ready` is what `by_first_word` makes of them.
    """
    words = known_words(normalized(text))
    found = _longest(words, by_first_word(meanings) if ready is None else ready)
    if len({meaning for meaning, _ in found}) != 1:
        return None
    meaning, phrase = found[0]
    return PhraseMatch(meaning, phrase, confidence * UNKNOWN_FACTOR ** unknown_count(text))


def has_phrase(text: str, phrases: ByFirstWord) -> bool:
    """Whether any phrase is in the utterance."""
    return bool(_longest(known_words(normalized(text)), phrases))


def _longest(words: list[str], phrases: ByFirstWord) -> list[tuple[str, str]]:
    """Meaning and phrase of what is found from left to right, the longest at each place."""
    found, at = [], 0
    while at < len(words):
        entry = phrase_at(words, at, phrases)
        if entry is not None:
            found.append((entry[1], entry[2]))
        at += 1 if entry is None else len(entry[0])
    return found


def spoken_digits(text: str, language: Language) -> str | None:
    """Digits of "one two double five", "twelve thirty four", "oh three"; None where other words are among them."""
    words = known_words(normalized(text))
    digits, at = "", 0
    while at < len(words):
        repeat = language.repeats.get(words[at], 1)
        at += words[at] in language.repeats
        piece, used = _longest_number(words[at:], language)
        if not used or (repeat > 1 and len(piece) > 1):
            return None
        digits, at = digits + piece * repeat, at + used
    return digits or None


def _longest_number(words: Sequence[str], language: Language) -> tuple[str, int]:
    """Digits of the longest number that the words begin with, and how many words it takes; none where none begins."""
    for end in range(len(words), 1, -1):
        is_run_of_digits = all(word in language.digits for word in words[:end])
        value = None if is_run_of_digits else language.read_number(words[:end])
        if value is not None:
            return str(value), end
    if words and words[0] in language.digits:
        return language.digits[words[0]], 1
    value = language.read_number(words[:1]) if words else None
    return ("", 0) if value is None else (str(value), 1)


def spoken_number(text: str, language: Language) -> int | None:
    """Whole number of "one hundred and five", "double five"; None where other words are among them."""
    words = known_words(normalized(text))
    value = language.read_number(words) if words else None
    if value is None:
        digits = spoken_digits(text, language)
        value = int(digits) if digits else None
    return value


@cache
def digit_words(language: Language) -> tuple[str, ...]:
    """The words to listen for where digits are asked."""
    return tuple(dict.fromkeys([*language.digits, *language.repeats, *language.number_words]))


def phrase_list(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """One closed list out of several, without doubles, in the recognizer's form."""
    return tuple(dict.fromkeys(normalized(phrase) for group in groups for phrase in group))
