"""What callers say to "is that right?": yes, no, or at once what is right: "no, Tuesday", "not Friday, Tuesday"."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ivr.flow import grammar
from ivr.flow.form_reading import LONGEST_VALUE_WORDS, whole_reading
from ivr.flow.languages.base import Language
from ivr.flow.values.base import CHOICE, Asked, Reading, without_edges
from ivr.flow.values.registry import kind_of


def apart(words: Sequence[str], language: Language) -> tuple[str, list[str]]:
    """The "yes" or "no" at the beginning (empty where there is none), and what follows it; "yes, but" is a no."""
    rest = list(words)
    for meaning, phrases in (("no", language.no), ("yes", language.yes)):
        if length := _beginning(rest, phrases):
            behind = rest[length:]
            exception = _beginning(behind, language.but)
            return "no" if exception else meaning, _without_lead(behind[exception:], language)
    return "", _without_lead(rest, language)


def _beginning(words: Sequence[str], phrases: Collection[str]) -> int:
    """How many words the longest phrase has with which they begin."""
    return max((len(p) for phrase in phrases if list(words[: len(p := phrase.split())]) == p), default=0)


def end_of(words: Sequence[str], phrases: Collection[str]) -> int:
    """Where the first of the phrases ends that are in some words; 0 where none is."""
    ends = (at + length for at in range(len(words)) if (length := _beginning(words[at:], phrases)))
    return next(ends, 0)


def _without_lead(words: list[str], language: Language) -> list[str]:
    """The words behind "I mean", "make it", and a repeated "no"."""
    leads = sorted((phrase.split() for phrase in (*language.no_leads, *language.no)), key=len, reverse=True)
    rest = words
    while (lead := next((lead for lead in leads if rest[: len(lead)] == lead), None)) is not None:
        rest = rest[len(lead) :]
    return rest


def without_denied(
    words: Sequence[str], fields: Mapping[str, Asked], known: Mapping[str, object]
) -> tuple[list[str], set[str]]:
    """The words without what the caller speaks against ("not Friday"), and the fields that have such a value.

    "Not" before a value that no field has stays a plain no, unless another value of that kind follows: "not Monday,
    Tuesday" is what a caller says who was misheard.
    """
    rest, denied = list(words), set[str]()
    language = next(iter(fields.values())).language
    for at in reversed([at for at, word in enumerate(rest) if word in language.against]):
        name, length = _denied_at(rest[at + 1 :], fields, known)
        if length:
            rest[at : at + 1 + length] = []
            denied |= {name} if name in known else set()
    return rest, denied


def _denied_at(words: Sequence[str], fields: Mapping[str, Asked], known: Mapping[str, object]) -> tuple[str, int]:
    """The field whose value the words begin with, and how long that is."""
    others = ("", 0)
    fillers = next(iter(fields.values())).language.fillers
    ends = [end for end in range(min(LONGEST_VALUE_WORDS, len(words)), 0, -1) if words[end - 1] not in fillers]
    for length in ends:
        for name, asked in fields.items():
            reading = value_in(words[:length], asked)
            if reading is None or reading.is_part:
                continue
            if name in known and known[name] in (reading.value, *reading.others):
                return name, length
            if not others[1] and any(value_in(words[length:end], asked) for end in range(length + 1, len(words) + 1)):
                others = (name, length)
    return others


def value_in(words: Sequence[str], asked: Asked) -> Reading | None:
    """The value that some words are, for one question; words that say nothing may stand around it."""
    if not words:
        return None
    kind = kind_of(asked.settings.ask)
    if not kind.is_value:
        meanings = {meaning: p for meaning, p in kind.phrases(asked).items() if meaning.startswith(CHOICE)}
        found = grammar.match_phrases(" ".join(words), 1.0, meanings)
        return Reading(kind.value_of(found.meaning)) if found else None
    if kind.is_free:
        return None
    inner = without_edges(words, asked.language.fillers)
    return whole_reading(kind, asked, list(words)) or (whole_reading(kind, asked, inner) if inner else None)
