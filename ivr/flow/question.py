"""What a listening step asks for right now: the keys and phrases that mean something, and how long to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivr.flow.digits import DigitRules
from ivr.flow.grammar import digit_words, phrase_list
from ivr.flow.languages.base import Language
from ivr.flow.model import AskStep, Choice, Confidence, Flow, InputStep, MenuStep, Prompt, PromptList

LONGEST_ENTRY = 40
"""Most digits that any question takes."""

ANY_ENTRY = DigitRules(1, LONGEST_ENTRY, "#")

YES_KEY, NO_KEY = "1", "2"

LONGEST_ENTRY_WITH_UNKNOWN = 2
"""Up to so many digits the recognizer may answer "something else"; longer strings tend to collapse into it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a step listens: its own settings, the flow's where it has none."""

    first_input_timeout_s: float
    inter_digit_timeout_s: float
    final_silence_s: float
    max_speech_duration_s: float
    max_attempts: int
    barge_in: str
    confidence: Confidence
    confirm: str
    confirm_prompt: Prompt | None
    no_input: PromptList | None
    no_match: PromptList | None
    reprompt: bool
    failed: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that an input is compared with."""

    keys: Mapping[str, str]
    """Key sequence to meaning."""
    phrases: Mapping[str, tuple[str, ...]]
    """Meaning to the words for it."""
    collects: str = ""
    """`digits` or `number` where a value is collected; empty where one of the meanings is chosen."""
    rules: DigitRules = ANY_ENTRY
    extra_words: tuple[str, ...] = ()
    allows_unknown: bool = True

    @property
    def listens_for(self) -> tuple[str, ...]:
        """The closed list for the recognizer."""
        return phrase_list([self.extra_words, *self.phrases.values()])


def waiting_for(flow: Flow, step: InputStep) -> Waiting:
    """The step's settings with the flow's defaults filled in."""

    def own(name: str) -> Any:
        value = getattr(step, name)
        return getattr(flow.defaults, name) if value is None else value

    return Waiting(
        first_input_timeout_s=own("first_input_timeout"),
        inter_digit_timeout_s=own("inter_digit_timeout"),
        final_silence_s=own("final_silence"),
        max_speech_duration_s=own("max_speech_duration"),
        max_attempts=own("max_attempts"),
        barge_in=own("barge_in"),
        confidence=own("confidence"),
        confirm=own("confirm"),
        confirm_prompt=own("confirm_prompt"),
        no_input=own("no_input"),
        no_match=own("no_match"),
        reprompt=own("reprompt"),
        failed=own("failed"),
    )


def question_of(flow: Flow, step: InputStep, tag: str, language: Language) -> Question:
    """What the step asks, in the language of the call."""
    if isinstance(step, MenuStep):
        keys, phrases = _choices(step.menu.choices, tag)
        return _with_commands(Question(keys, phrases), flow, step, tag)
    assert isinstance(step, AskStep)
    match step.ask:
        case "choice":
            keys, phrases = _choices(step.choices or {}, tag)
            asked = Question(keys, phrases)
        case "yes_no":
            asked = yes_no(language)
        case "digits":
            asked = _digits(step, language)
        case "number":
            rules = DigitRules(1, step.max_length or 12, step.terminator)
            asked = Question({}, {}, "number", rules, digit_words(language))
    return _with_commands(asked, flow, step, tag)


def confirmation(flow: Flow, step: InputStep, tag: str, language: Language) -> Question:
    """The yes or no behind an answer that needs one; the commands stay active."""
    return _with_commands(yes_no(language), flow, step, tag)


def yes_no(language: Language) -> Question:
    """Yes (key 1) or no (key 2)."""
    return Question({YES_KEY: "yes", NO_KEY: "no"}, {"yes": language.yes, "no": language.no})


def _digits(step: AskStep, language: Language) -> Question:
    shortest = step.length or step.min_length or 1
    longest = step.length or step.max_length or LONGEST_ENTRY
    return Question(
        {},
        {},
        "digits",
        DigitRules(shortest, longest, step.terminator),
        digit_words(language),
        allows_unknown=longest <= LONGEST_ENTRY_WITH_UNKNOWN,
    )


def _choices(choices: Mapping[str, Choice], tag: str) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    keys = {choice.keys: f"choice:{name}" for name, choice in choices.items() if choice.keys}
    phrases = {f"choice:{name}": c.say.for_language(tag) for name, c in choices.items() if c.say}
    return keys, phrases


def _with_commands(question: Question, flow: Flow, step: InputStep, tag: str) -> Question:
    names = flow.commands if step.commands is None else step.commands
    keys, phrases = dict(question.keys), dict(question.phrases)
    for name in names:
        command = flow.commands[name]
        # A digit belongs to the number that is being entered; only commands that begin with * or # are keys there.
        if command.keys and not (question.collects and command.keys[0].isdigit()):
            keys.setdefault(command.keys, f"command:{name}")
        if command.say:
            phrases.setdefault(f"command:{name}", command.say.for_language(tag))
    return replace(question, keys=keys, phrases=phrases)
