"""What callers say to "is that right?": yes, no, or at once what is right: "no, Tuesday", "not Friday, Tuesday"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from ivr.flow import grammar
from ivr.flow.form_reading import LONGEST_VALUE_WORDS, whole_reading
from ivr.flow.languages.base import Language
from ivr.flow.values.base import CHOICE, Asked, Reading, without_edges
from ivr.flow.values.registry import kind_of

MOST_DENIALS = 4
"""So many things are looked at that a caller speaks against in one sentence."""


def apart(words: Sequence[str], language: Language) -> tuple[str, list[str]]:
    """The "yes" or "no" at the beginning (empty where there is none), and what follows it; "yes, but" is a no."""
    rest, openers = list(words), _openers(language)
    for phrases in (openers.no, openers.yes):
        found = grammar.phrase_at(rest, 0, phrases) if rest else None
        if found is not None:
            behind = rest[len(found[0]) :]
            exception = grammar.phrase_at(behind, 0, openers.but) if behind else None
            if exception is not None:
                return "no", _without_lead(behind[len(exception[0]) :], openers)
            return found[1], _without_lead(behind, openers)
    return "", _without_lead(rest, openers)


class _Openers(NamedTuple):
    """What replies begin with."""

    no: grammar.ByFirstWord
    yes: grammar.ByFirstWord
    but: grammar.ByFirstWord
    leads: grammar.ByFirstWord
    """ "I mean", "make it", and a repeated "no"."""


@cache
def _openers(language: Language) -> _Openers:
    no, yes, leads = {"no": language.no}, {"yes": language.yes}, {"lead": (*language.no_leads, *language.no)}
    return _Openers(*map(grammar.by_first_word, (no, yes, {"but": language.but}, leads)))


def says_no(words: Sequence[str], language: Language) -> bool:
    """Whether there is a "no" or a "wrong" anywhere in some words."""
    return end_of(words, _openers(language).no) > 0


def end_of(words: Sequence[str], phrases: grammar.ByFirstWord) -> int:
    """Where the first of the phrases ends that are in some words; 0 where none is."""
    for at in range(len(words)):
        found = grammar.phrase_at(words, at, phrases)
        if found is not None:
            return at + len(found[0])
    return 0


def _without_lead(words: list[str], openers: _Openers) -> list[str]:
    rest = words
    while rest and (lead := grammar.phrase_at(rest, 0, openers.leads)) is not None:
        rest = rest[len(lead[0]) :]
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
    places = [at for at, word in enumerate(rest) if word in language.against]
    for at in reversed(places[:MOST_DENIALS]):
        name, length = _denied_at(rest[at + 1 :], fields, known)
        if length:
            rest[at : at + 1 + length] = []
            denied |= {name} if name in known else set()
    return rest, denied


def _denied_at(words: Sequence[str], fields: Mapping[str, Asked], known: Mapping[str, object]) -> tuple[str, int]:
    """The field whose value the words begin with, and how long that is."""
    fillers = next(iter(fields.values())).language.fillers
    ends = [end for end in range(min(LONGEST_VALUE_WORDS, len(words)), 0, -1) if words[end - 1] not in fillers]
    of_others: dict[str, int] = {}
    """Fields that the words could be a value of, but not the one that they have, and how long that is at most."""
    for length in ends:
        for name, asked in fields.items():
            reading = _exactly(words[:length], asked)
            if reading is None or reading.is_part:
                continue
            if name in known and known[name] in (reading.value, *reading.others):
                return name, length
            of_others.setdefault(name, length)
    followed = (name for name, length in of_others.items() if _begins_with_value(words[length:], fields[name]))
    name = next(followed, "")
    return name, of_others.get(name, 0)


def _begins_with_value(words: Sequence[str], asked: Asked) -> bool:
    return any(_exactly(words[:end], asked) for end in range(1, min(LONGEST_VALUE_WORDS, len(words)) + 1))


def _exactly(words: Sequence[str], asked: Asked) -> Reading | None:
    """The value that the words are, all of them but those around it that say nothing."""
    kind = kind_of(asked.settings.ask)
    inner = without_edges(words, asked.language.fillers)
    if kind.is_free or not inner:
        return None
    return whole_reading(kind, asked, list(words)) or whole_reading(kind, asked, inner)


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
