"""Rule about words that the recognizer's vocabulary lacks: it hears what sounds like them, or never anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ivr.errors import Problem
from ivr.flow.checks.sounds import listened_for
from ivr.flow.checks.speech import applies, every_phrase, has_model, phrases_of
from ivr.flow.checks.subject import Subject
from ivr.flow.grammar import normalized
from ivr.yaml_source import DataPath

_Active = dict[tuple[object, str], tuple[str, ...]]
"""What is listened for in a step, or anywhere, by language: worked out once for all the words that are missing."""


def unknown_words(subject: Subject) -> Iterator[Problem]:
    """Words that the recognizer does not know: a warning that tells the substitute, an error where there is none."""
    knows = subject.context.knows_word
    if knows is None:
        return
    active: _Active = {}
    for path, phrases in phrases_of(subject):
        for tag, index, phrase in every_phrase(phrases):
            for language in subject.languages:
                if not applies(phrases, tag, language) or not has_model(subject, language):
                    continue
                missing = [word for word in normalized(phrase).split() if not knows(language, word)]
                if missing:
                    yield from _problems(subject, subject.path_of(path, tag, index), language, missing, active)


def _problems(
    subject: Subject, path: DataPath, language: str, missing: Sequence[str], active: _Active
) -> Iterator[Problem]:
    found = _substitutes(subject, path, language, missing, active)
    for word in missing:
        if word in found:
            message = (
                f"'{word}' is not in the model of {language}; it will be listened for as '{found[word]}' and the like: "
                f"try it, or use another word"
            )
            yield subject.warning(path, message, "substituted_word")
    if deaf := [word for word in missing if word not in found]:
        words = ", ".join(f"'{word}'" for word in deaf)
        message = f"the recognizer of {language} does not know {words}; use other words"
        yield subject.error(path, message, "unknown_word")


def _substitutes(
    subject: Subject, path: DataPath, language: str, missing: Sequence[str], active: _Active
) -> Mapping[str, str]:
    """What is listened for in place of each, in every question that has the words."""
    look_up = subject.context.substitutes
    if look_up is None:
        return {}
    step = path[1] if path[0] == "steps" else None  # a command is heard in many
    if (step, language) not in active:
        active[step, language] = listened_for(subject, step, language)
    return {word: ways[0] for word, ways in look_up(language, missing, active[step, language]).items()}
