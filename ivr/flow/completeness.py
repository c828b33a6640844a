"""Whether the words of an utterance so far are a whole answer: then the turn ends sooner, and after half of one later.

Pure comparison of words; what the answer means, and whether it is taken, is decided when the utterance has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from ivr.flow.digits import DigitRules
from ivr.flow.grammar import UNKNOWN_WORD, normalized, spoken_digits
from ivr.flow.languages.base import Language
from ivr.flow.turn import Completeness
from ivr.immutable import immutable


@immutable
class Expected:
    """What may be said to an open question, as far as it shows when an answer is whole."""

    phrases: tuple[tuple[str, str], ...] = ()
    """Each phrase in the recognizer's form, and its meaning."""
    open_meanings: frozenset[str] = frozenset()
    """Meanings behind which more may follow: "no" where "no, Tuesday" is understood."""
    rules: DigitRules | None = None
    """Of an entry that is said digit by digit."""
    digits: str = field(default="", repr=False)
    """Those that earlier utterances have brought."""

    def after(self, text: str, language: Language) -> Expected:
        """What is expected once this was heard: digits of an entry are kept until there are enough."""
        if self.rules is None:
            return self
        digits = self.digits + (spoken_digits(text, language) or "")
        return replace(self, digits="" if self.rules.is_complete(digits) else digits)


def completeness(expected: Expected, text: str, language: Language) -> Completeness:
    """How whole the words are. Unknown speech among them, and none at all, say nothing."""
    words = normalized(text).split()
    if not words or UNKNOWN_WORD in words:
        return Completeness.OPEN
    found = _of_phrase(expected, words, language)
    if expected.rules is None or found is Completeness.COMPLETE:
        return found
    of_digits = _of_digits(expected, expected.rules, words, language)
    if found is Completeness.INCOMPLETE and of_digits is Completeness.COMPLETE:
        return Completeness.OPEN  # "two" may be all of an entry and the beginning of "to leave"
    return of_digits


def _of_phrase(expected: Expected, words: Sequence[str], language: Language) -> Completeness:
    """A phrase is whole when it cannot become one of another meaning, whichever way its words are spelled."""
    said = [language.alike.get(word, word) for word in words]
    meanings, longer = set(), set()
    for phrase, meaning in expected.phrases:
        parts = [language.alike.get(word, word) for word in phrase.split()]
        if parts == said:
            meanings.add(meaning)
        elif parts[: len(said)] == said:
            longer.add(meaning)
    if not meanings:
        return Completeness.INCOMPLETE if longer else Completeness.OPEN
    is_whole = len(meanings | longer) == 1 and not meanings & expected.open_meanings
    return Completeness.COMPLETE if is_whole else Completeness.OPEN


def _of_digits(expected: Expected, rules: DigitRules, words: Sequence[str], language: Language) -> Completeness:
    if words[-1] in language.repeats:  # "double": of what?
        return Completeness.INCOMPLETE
    said = spoken_digits(" ".join(words), language)
    if said is None:
        return Completeness.OPEN
    digits = expected.digits + said
    if not rules.is_complete(digits):
        return Completeness.OPEN if rules.is_acceptable(digits) else Completeness.INCOMPLETE
    if len(digits) > rules.max_length:
        return Completeness.OPEN
    longer = [spoken_digits(" ".join([*words, word]), language) or said for word in language.number_words]
    # "twenty" may become "twenty five", which has two digits as well.
    may_grow = any(more != said and len(expected.digits + more) <= rules.max_length for more in longer)
    return Completeness.OPEN if may_grow else Completeness.COMPLETE
