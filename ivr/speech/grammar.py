"""The closed list of a listening step, as Vosk wants it. Pure: what the model knows is asked through a function."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

UNKNOWN = "[unk]"
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'"})
_NOT_WORD = re.compile(r"[^\w'\-\[\]]+|_")


@dataclass(frozen=True, slots=True)
class Grammar:
    """Phrases that can be heard, and the words that had to go."""

    phrases: tuple[str, ...]
    missing_words: tuple[str, ...]

    @property
    def json(self) -> str:
        """Vosk's form: it does not decode JSON escapes, so umlauts stay as they are."""
        return json.dumps(self.phrases, ensure_ascii=False)


def normalize_phrase(text: str) -> str:
    """Lower case, straight apostrophes, no punctuation, single spaces."""
    return " ".join(_NOT_WORD.sub(" ", text.translate(_APOSTROPHES).lower()).split())


def build_grammar(phrases: Sequence[str], allow_unknown: bool, knows: Callable[[str], bool]) -> Grammar:
    """Leave out words that the model lacks, then empty and repeated phrases.

    With nothing left the grammar is `[unk]` alone, so that speech is reported as unknown instead of as free text.
    """
    kept: list[str] = []
    missing: list[str] = []
    for phrase in phrases:
        words = [part for word in normalize_phrase(phrase).split() for part in _parts(word, knows)]
        missing += [word for word in words if not knows(word)]
        kept.append(" ".join(word for word in words if knows(word)))
    if allow_unknown or not any(kept):
        kept.append(UNKNOWN)
    return Grammar(tuple(dict.fromkeys(phrase for phrase in kept if phrase)), tuple(dict.fromkeys(missing)))


def _parts(word: str, knows: Callable[[str], bool]) -> list[str]:
    """A hyphenated word is heard as its parts where the model does not have it as one word."""
    return [word] if knows(word) else [part for part in word.split("-") if part]
