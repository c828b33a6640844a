"""What a listening step asks for right now: the keys and phrases that mean something, and how long to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ivr.flow.completeness import Expected
from ivr.flow.digits import DigitRules
from ivr.flow.grammar import ByFirstWord, by_first_word, normalized, phrase_list
from ivr.flow.languages import language_for
from ivr.flow.languages.base import Language
from ivr.flow.model import Flow, InputStep
from ivr.flow.parts import Choice, Command, Confidence, Prompt, PromptList
from ivr.flow.values.base import CHOICE, Asked
from ivr.flow.values.registry import kind_of
from ivr.flow.values.yes_no import NO_KEY, YES_KEY
from ivr.immutable import immutable

PICK = "pick:"
"""Meanings that begin so name one of the values that the same words may mean, by its place."""


@immutable
class Waiting:
    """How a step listens: its own settings, the flow's where it has none."""

    first_input_timeout_s: float
    inter_digit_timeout_s: float
    final_silence_s: float
    complete_silence_s: float
    incomplete_silence_s: float
    max_speech_duration_s: float
    max_attempts: int
    barge_in: str
    confidence: Confidence
    confirm: str
    confirm_prompt: Prompt | None
    no_input: PromptList | None
    no_match: PromptList | None
    invalid: PromptList | None
    help: PromptList | None
    reprompt: bool
    failed: str | None


@dataclass(frozen=True)
class Question:
    """Everything that an input is compared with."""

    keys: Mapping[str, str]
    """Key sequence to meaning."""
    phrases: Mapping[str, tuple[str, ...]]
    """Meaning to the words for it."""
    rules: DigitRules | None = None
    """How keys make an entry; None where one of the meanings is chosen."""
    extra_words: tuple[str, ...] = ()
    allows_unknown: bool = True
    is_free: bool = False
    """Whether anything may be said."""
    is_spelled: bool = False
    """Whether `rules` hold for what is said as well, digit by digit."""
    open_meanings: frozenset[str] = frozenset()
    """Meanings behind which more may be said."""

    @cached_property
    def expected(self) -> Expected | None:
        """What shows that an answer is whole; None where anything may be said."""
        if self.is_free:
            return None
        phrases = tuple((normalized(phrase), meaning) for meaning, group in self.phrases.items() for phrase in group)
        return Expected(phrases, self.open_meanings, self.rules if self.is_spelled else None)

    @cached_property
    def listens_for(self) -> tuple[str, ...]:
        """The closed list for the recognizer; empty for free speech, and where nothing can be said."""
        return () if self.is_free else phrase_list([self.extra_words, *self.phrases.values()])

    @cached_property
    def by_first_word(self) -> ByFirstWord:
        """The phrases, ready to be looked for in an utterance."""
        return by_first_word(self.phrases)


def waiting_for(flow: Flow, step: InputStep) -> Waiting:
    """The step's settings with the flow's defaults filled in."""

    def own(name: str) -> Any:
        value = getattr(step, name)
        return getattr(flow.defaults, name) if value is None else value

    return Waiting(
        first_input_timeout_s=own("first_input_timeout"),
        inter_digit_timeout_s=own("inter_digit_timeout"),
        final_silence_s=own("final_silence"),
        complete_silence_s=own("complete_silence"),
        incomplete_silence_s=own("incomplete_silence"),
        max_speech_duration_s=own("max_speech_duration"),
        max_attempts=own("max_attempts"),
        barge_in=own("barge_in"),
        confidence=own("confidence"),
        confirm=own("confirm"),
        confirm_prompt=own("confirm_prompt"),
        no_input=own("no_input"),
        no_match=own("no_match"),
        invalid=own("invalid"),
        help=own("help"),
        reprompt=own("reprompt"),
        failed=own("failed"),
    )


def question_of_choices(flow: Flow, step: InputStep, choices: Mapping[str, Choice], tag: str) -> Question:
    """What a menu asks, in the language of the call."""
    keys = {choice.keys: f"{CHOICE}{name}" for name, choice in choices.items() if choice.keys}
    return with_commands(Question(keys, phrases_of(choices, tag)), flow, step, tag)


def phrases_of(choices: Mapping[str, Choice], tag: str) -> dict[str, tuple[str, ...]]:
    """Meaning to the words for it, of choices that are written in the flow."""
    return {f"{CHOICE}{name}": choice.say.for_language(tag) for name, choice in choices.items() if choice.say}


def question_of_value(flow: Flow, step: InputStep, asked: Asked, more_words: tuple[str, ...] = ()) -> Question:
    """What is asked where a value is wanted."""
    kind = kind_of(asked.settings.ask)
    question = Question(
        kind.keys(asked),
        kind.phrases(asked),
        kind.entry(asked),
        (*kind.words(asked), *more_words),
        kind.allows_unknown(asked) or bool(more_words),
        kind.is_free,
        kind.is_spelled and not more_words,
    )
    if question.extra_words:  # values are said in many words: nothing but a command is known to be whole
        question = replace(question, open_meanings=frozenset(question.phrases))
    return with_commands(question, flow, step, asked.tag)


def confirmation(flow: Flow, step: InputStep, tag: str, language: Language, values: Question | None) -> Question:
    """The yes or no behind an answer; what would be another answer is heard as well, and the commands stay active."""
    phrases: dict[str, tuple[str, ...]] = {"yes": language.yes, "no": language.no}
    words: tuple[str, ...] = ()
    if values is not None and not values.is_free:
        words = (*language.no_leads, *language.against, *language.but, *values.extra_words, *values_of(values))
    more = frozenset({"no"} if words else ())
    question = Question({YES_KEY: "yes", NO_KEY: "no"}, phrases, extra_words=words, open_meanings=more)
    return with_commands(question, flow, step, tag)


def which(flow: Flow, step: InputStep, tag: str, language: Language, values: Question) -> Question:
    """The question which of several values is meant."""
    phrases = {f"{PICK}{place}": words for place, words in enumerate(language.which_words)}
    keys = {str(place + 1): f"{PICK}{place}" for place in range(len(phrases))}
    return with_commands(Question(keys, phrases, extra_words=values.extra_words), flow, step, tag)


def values_of(question: Question) -> tuple[str, ...]:
    """The words that choose among choices."""
    return tuple(w for meaning, words in question.phrases.items() if meaning.startswith(CHOICE) for w in words)


def with_commands(question: Question, flow: Flow, step: InputStep, tag: str) -> Question:
    """The question with what can be asked for in every step."""
    keys, phrases = dict(question.keys), dict(question.phrases)
    for name, command in commands_heard(flow, step).items():
        # A digit belongs to the number that is being entered; only commands that begin with * or # are keys there.
        if command.keys and not (question.rules is not None and command.keys[0].isdigit()):
            keys.setdefault(command.keys, f"command:{name}")
        if command.say:
            phrases.setdefault(f"command:{name}", command.say.for_language(tag))
    if "help" not in flow.commands and step.commands != () and waiting_for(flow, step).help:
        phrases.setdefault("command:help", language_for(tag).help)
    return replace(question, keys=keys, phrases=phrases)


def commands_heard(flow: Flow, step: InputStep) -> dict[str, Command]:
    """What can be asked for while a step listens: every command of the flow where it names none."""
    names = flow.commands if step.commands is None else step.commands
    own: dict[str, Command] = getattr(step, "own_commands", {})
    return {**{name: flow.commands[name] for name in names if name in flow.commands}, **own}
