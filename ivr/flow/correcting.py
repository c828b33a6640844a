"""What callers say to "is that right?": yes, no, or at once what is right: "no, Tuesday"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from ivr.flow import grammar
from ivr.flow.form_reading import whole_reading
from ivr.flow.languages.base import Language
from ivr.flow.values.base import CHOICE, Asked, Reading, without_edges
from ivr.flow.values.registry import kind_of


def apart(words: Sequence[str], language: Language) -> tuple[str, list[str]]:
    """The "yes" or "no" at the beginning (empty where there is none), and what follows it."""
    rest, openers = list(words), _openers(language)
    for phrases in (openers.no, openers.yes):
        found = grammar.phrase_at(rest, 0, phrases) if rest else None
        if found is not None:
            return found[1], _without_lead(rest[len(found[0]) :], openers)
    return "", _without_lead(rest, openers)


class _Openers(NamedTuple):
    """What replies begin with."""

    no: grammar.ByFirstWord
    yes: grammar.ByFirstWord
    leads: grammar.ByFirstWord
    """ "I mean", "make it", and a repeated "no"."""


@cache
def _openers(language: Language) -> _Openers:
    no, yes, leads = {"no": language.no}, {"yes": language.yes}, {"lead": (*language.no_leads, *language.no)}
    return _Openers(grammar.by_first_word(no), grammar.by_first_word(yes), grammar.by_first_word(leads))


def _without_lead(words: list[str], openers: _Openers) -> list[str]:
    rest = words
    while rest and (lead := grammar.phrase_at(rest, 0, openers.leads)) is not None:
        rest = rest[len(lead[0]) :]
    return rest


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
