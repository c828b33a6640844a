"""What free words mean for a menu, when none of its phrases was said as it is written.

"I have a problem with an invoice" means the choice `say: [my bill]`: the words that say something are compared by their
stems (Snowball), with words of the same meaning taken for each other. Words that several choices share count less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

from ivr.flow.grammar import PhraseMatch, known_words, normalized
from ivr.flow.languages.base import Language

LEAST_SHARE = 0.5
"""So much of a phrase must be there, by the weight of its words."""
LEAST_LEAD = 0.25
"""So much more than of the next best meaning."""
TRUST = 0.7
"""The confidence is multiplied by this and by the share."""
MOST_TRUST = 0.69
"""Below `accept` as it is by default, also where an engine is certain of its words: such an answer is read back."""


def closest_meaning(
    text: str, confidence: float, meanings: Mapping[str, Sequence[str]], language: Language
) -> PhraseMatch | None:
    """The one meaning that the words of an utterance come close to; None where there is none, or more than one."""
    if not _denials(language).isdisjoint(known_words(normalized(text))):
        return None
    said = _content(text, language)
    phrases = {
        meaning: [(phrase, _content_of_phrase(phrase, language)) for phrase in group]
        for meaning, group in meanings.items()
    }
    counts = Counter(word for group in phrases.values() for word in set().union(*(words for _, words in group)))
    shares = sorted(
        (
            (_share(words, said, counts), meaning, phrase)
            for meaning, group in phrases.items()
            for phrase, words in group
        ),
        reverse=True,
    )
    best, meaning, phrase = shares[0] if shares else (0.0, "", "")
    next_best = next((share for share, other, _ in shares if other != meaning), 0.0)
    if best < LEAST_SHARE or best - next_best < LEAST_LEAD:
        return None
    return PhraseMatch(meaning, phrase, min(confidence * TRUST * best, MOST_TRUST))


def _share(words: frozenset[str], said: frozenset[str], counts: Mapping[str, int]) -> float:
    """How much of the words was said, each weighing the less the more meanings it belongs to."""
    total = sum(1 / counts[word] for word in words)
    return sum(1 / counts[word] for word in words & said) / total if total else 0.0


def _content(text: str, language: Language) -> frozenset[str]:
    """The words that say something: without small ones, by their stems, one for all of the same meaning."""
    stem, small = _stem_of(language.stemmer), language.fillers | language.small_words
    stems = {stem(word) for word in known_words(normalized(text)) if word not in small}
    same = _same_words(language)
    return frozenset(same.get(word, word) for word in stems)


_content_of_phrase = lru_cache(maxsize=8192)(_content)
"""Phrases are written in flows: what they say is worked out once."""


@cache
def _denials(language: Language) -> frozenset[str]:
    """Words that turn what is said into its opposite."""
    return frozenset((*language.against, *language.negations))


@cache
def _same_words(language: Language) -> Mapping[str, str]:
    """Stem to the first stem of the words that mean the same."""
    stem = _stem_of(language.stemmer)
    return {stem(word): stem(group[0]) for group in language.synonyms for word in group}


@cache
def _stem_of(stemmer: str) -> Callable[[str], str]:
    """Word to stem; the word itself where the language has no stemmer."""
    if not stemmer:
        return str
    from snowballstemmer import stemmer as snowball  # loads all its languages, and is needed rarely

    found = snowball(stemmer)
    return cache(lambda word: str(found.stemWord(word)))
