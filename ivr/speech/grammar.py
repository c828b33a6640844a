"""The closed list of a listening step, as Vosk wants it. Pure: what the model knows is asked through a function."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

UNKNOWN = "[unk]"
MIN_PART = 3
"""Letters of a part of a compound; shorter words are in too many others."""
MOST_WAYS = 10
"""So often a phrase is listed whose words have substitutes."""
_NONE: Mapping[str, Sequence[str]] = {}
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'"})
_NOT_WORD = re.compile(r"[^\w'\-\[\]]+|_")


@dataclass(frozen=True, slots=True)
class Grammar:
    """Phrases that can be heard, and the words that had to go."""

    phrases: tuple[str, ...]
    missing_words: tuple[str, ...]
    joined: Mapping[str, str] = field(default_factory=dict)
    """What the model hears in place of a word that it lacks, and that one: "voice mail", "voicemail". Longest first."""
    is_provisional: bool = False
    """Whether substitutes of the missing words are still looked for, so that one should ask again."""

    @property
    def json(self) -> str:
        """Vosk's form: it does not decode JSON escapes, so umlauts stay as they are."""
        return json.dumps(self.phrases, ensure_ascii=False)


def normalize_phrase(text: str) -> str:
    """Lower case, straight apostrophes, no punctuation, single spaces."""
    return " ".join(_NOT_WORD.sub(" ", text.translate(_APOSTROPHES).lower()).split())


def build_grammar(
    phrases: Sequence[str],
    allow_unknown: bool,
    knows: Callable[[str], bool],
    substitutes: Mapping[str, Sequence[str]] = _NONE,
) -> Grammar:
    """Put known words in place of those that the model lacks, or leave these out; then empty and repeated phrases.

    `substitutes`: what sounds like a missing word. With nothing left the grammar is `[unk]` alone, so that speech is
    reported as unknown instead of as free text.
    """
    kept: list[str] = []
    missing: list[str] = []
    joined: dict[str, str] = {}
    for phrase in phrases:
        words = [part for word in normalize_phrase(phrase).split() for part in _parts(word, knows, joined)]
        missing += [word for word in words if not knows(word) and word not in substitutes]
        kept += _ways([(word,) if knows(word) else substitutes.get(word, ("",)) for word in words])
        joined |= {each: word for word in words if not knows(word) for each in substitutes.get(word, ())}
    if allow_unknown or not any(kept):
        kept.append(UNKNOWN)
    listed = tuple(dict.fromkeys(phrase for phrase in kept if phrase))
    return Grammar(listed, tuple(dict.fromkeys(missing)), _unwritten(joined, phrases))


def _unwritten(joined: Mapping[str, str], phrases: Iterable[str]) -> dict[str, str]:
    """Where both spellings are listed, they stay apart."""
    written = f" {' | '.join(map(normalize_phrase, phrases))} "
    longest_first = sorted(joined.items(), key=lambda pair: -len(pair[0]))
    return {heard: word for heard, word in longest_first if f" {heard} " not in written}


def _ways(words: Sequence[Sequence[str]]) -> list[str]:
    """A phrase in every way that its words can be heard, `MOST_WAYS` in all and so the nearest only."""
    open_places = sum(len(ways) > 1 for ways in words)
    most = int(MOST_WAYS ** (1 / open_places)) if open_places else 1
    return [" ".join(filter(None, way)) for way in product(*(ways[:most] for ways in words))]


def _parts(word: str, knows: Callable[[str], bool], joined: dict[str, str]) -> list[str]:
    """A word that the model lacks is heard as its parts, if it has these."""
    if knows(word):
        return [word]
    if "-" in word:
        return [part for part in word.split("-") if part]
    if two := compound_of(word, knows):
        joined[" ".join(two)] = word
        return list(two)
    return [word]


def compound_of(word: str, knows: Callable[[str], bool]) -> tuple[str, str] | None:
    """The two known words that a word is made of ("kontonummer"), the most even split; None where there are none."""
    splits = [(word[:at], word[at:]) for at in range(MIN_PART, len(word) - MIN_PART + 1)]
    known = [split for split in splits if knows(split[0]) and knows(split[1])]
    return min(known, key=lambda split: abs(len(split[0]) - len(split[1])), default=None)


def rejoined(text: str, joined: Mapping[str, str]) -> str:
    """What was heard, with compounds as they were listed."""
    padded = f" {text} "
    for two, one in joined.items():
        padded = padded.replace(f" {two} ", f" {one} ")
    return padded.strip()
