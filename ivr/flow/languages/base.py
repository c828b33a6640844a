"""The shape of a language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time

from ivr.flow.languages.moments import SpokenDay, SpokenTime


@dataclass(frozen=True)
class Calendar:
    """Days and times of one language."""

    date_words: tuple[str, ...]
    """Words and phrases to listen for where a date is asked."""
    read_date: Callable[[Sequence[str], bool], SpokenDay | None]
    """The day in some words, all of them; the flag says that numbers alone begin with the month."""
    say_date: Callable[[date, str, bool], str]
    """A day as it is said in a region ("US", "" for any), with or without its year."""
    time_words: tuple[str, ...]
    read_time: Callable[[Sequence[str]], SpokenTime | None]
    say_time: Callable[[time, str], str]


@dataclass(frozen=True)
class Currency:
    """How amounts of one currency are said: one and many of the unit, and of the hundredth."""

    unit: tuple[str, str]
    cent: tuple[str, str]
    heard: tuple[str, ...]
    """Words for the unit that callers use."""
    heard_cent: tuple[str, ...]


@dataclass(frozen=True)
class Money:
    """Amounts of money in one language."""

    currencies: Mapping[str, Currency]
    """By ISO 4217 code."""
    point: tuple[str, ...]
    """Words for the decimal point."""
    joins: frozenset[str]
    """Words between unit and hundredths: "and"."""
    ones: frozenset[str]
    """Articles that mean one before a unit: "a dollar"."""
    one: str
    """One before a unit, as it is said."""
    say: Callable[[str, str], str]
    """Units and hundredths in words, one of which may be empty, as one amount."""


@dataclass(frozen=True)
class QueueWords:
    """What callers are told who wait for an agent."""

    next: str
    """Nobody is before the caller."""
    position: str
    """Template with `number`, two at least: the caller's place."""
    soon: str
    """The wait is shorter than a minute."""
    one_minute: str
    minutes: str
    """Template with `number`, two at least."""
    long: str
    """The wait is longer than an hour."""
    no_callback: str
    """Nobody can be called back at the caller's number."""

    @property
    def fixed(self) -> tuple[str, ...]:
        """Those that say the same in every call."""
        return (self.next, self.soon, self.one_minute, self.long, self.no_callback)


@dataclass(frozen=True, eq=False)
class Language:
    """Words and texts that the dialog engine needs in one language."""

    tag: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    digits: Mapping[str, str]
    """Spoken digit to key: "one" to "1", "oh" to "0"."""
    alike: Mapping[str, str]
    """Words that sound like another one, to that one: "to" to "two"."""
    repeats: Mapping[str, int]
    """Words that repeat the next digit: "double" to 2."""
    number_words: tuple[str, ...]
    """Every word that a spoken whole number can hold."""
    read_number: Callable[[Sequence[str]], int | None]
    """Whole number of a run of words, or None if they are none."""
    confirm_prompt: str
    """Template with `heard`."""
    no_input: str
    no_match: str
    help: tuple[str, ...]
    """How callers ask for help."""
    no_leads: tuple[str, ...]
    """Words between a "no" and what is right: "i mean", "make it"."""
    against: tuple[str, ...]
    """Words before what is not meant: "not" Friday."""
    but: tuple[str, ...]
    """Words between a "yes" and what is not right after all: "but", "except"."""
    fillers: frozenset[str]
    """Words around a value that say nothing."""
    cues: Mapping[str, frozenset[str]]
    """Kind of value to the words that announce one: "at" a time."""
    calendar: Calendar
    money: Money
    plus: tuple[str, ...]
    """Words for the + before a country code."""
    which_one: str
    """Template with `first` and `second`: two things that the same words may mean."""
    which_words: tuple[tuple[str, ...], tuple[str, ...]]
    """Words that choose the earlier or the later of two times."""
    change_what: str
    """What should be changed of several answers."""
    changed: str
    """Template with `heard`: an answer was changed."""
    for_choice: str
    """Template with `name` and `keys`: one entry of a list that comes out of data."""
    review: str
    """What may be done with a message: 1 keeps it, 2 plays it, 3 records it again."""
    review_words: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    """Words for these three."""
    names: Mapping[str, str]
    """How characters are called that a synthesizer would misread or leave out."""
    too_long: str = ""
    """Said before the bot ends a call that took too long; nothing where empty."""
    queue: QueueWords | None = None
    """What callers are told in a queue; nothing where it is left out."""
    stemmer: str = ""
    """Snowball's name of the language."""
    small_words: frozenset[str] = frozenset()
    """Words that say nothing of what a caller wants: "the", "my", "would"."""
    negations: tuple[str, ...] = ()
    """Words that deny what is said with them: "don't"."""
    synonyms: tuple[tuple[str, ...], ...] = ()
    """Words that callers use for the same thing."""

    def words_of_numbers(self, highest: int) -> tuple[str, ...]:
        """The single words for numbers up to `highest`."""
        values = {word: self.read_number([word]) for word in self.number_words}
        return tuple(word for word, value in values.items() if value is not None and value <= highest)
