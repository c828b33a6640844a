"""Rules about prompts: languages, recordings, length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ivr.errors import Problem
from ivr.flow.checks.subject import PromptPlace, Subject
from ivr.flow.model import AskStep, MenuStep
from ivr.flow.parts import PromptItem
from ivr.flow.segments import HOLD_MUSIC
from ivr.flow.steps.record import RecordReview
from ivr.flow.template_rules import is_template
from ivr.yaml_source import DataPath

LONGEST_PROMPT_S = 15.0
WORDS_PER_MINUTE = 160

_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}")
_KEY = r"(\d|\*|#|one|two|three|four|five|six|seven|eight|nine|zero|star|pound|hash)"
_ZIFFER = r"(\d|\*|#|eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|null|stern|raute)"
_KEY_FIRST = {
    "en": re.compile(rf"\b(press|dial|push|hit)\s+(the\s+)?{_KEY}\s+(for|to|if|and)\b", re.IGNORECASE),
    "de": re.compile(
        rf"\b(drücken|wählen)\s+sie\s+(bitte\s+)?(die\s+)?{_ZIFFER},?\s+(für|um|wenn|falls)\b", re.IGNORECASE
    ),
}


def prompt_language(subject: Subject) -> Iterator[Problem]:
    """A prompt that is missing in a language which the flow can be in."""
    for place in subject.prompts:
        for path, item in subject.items(place):
            missing = [tag for tag in subject.languages if item.text and not _has_text(item, tag)]
            if missing:
                message = (
                    f"there is no text in {', '.join(missing)}, and the flow can be in it; add `{missing[0][:2]}:`"
                )
                yield subject.error(path, message, "prompt_language")
            if isinstance(subject.flow.steps.get(place.step), RecordReview):  # built in, in every language
                continue
            for tag in item.text:
                if tag and not any(tag in (language, language.split("-")[0]) for language in subject.languages):
                    message = f"the flow is never in '{tag}'; remove the text, or add the language under languages:"
                    yield subject.warning((*path, tag), message, "unused_language", at_key=True)


def _has_text(item: PromptItem, tag: str) -> bool:
    return any(key in item.text for key in (tag, tag.split("-")[0], ""))


def empty_prompt(subject: Subject) -> Iterator[Problem]:
    """A prompt that says nothing."""
    for place in subject.prompts:
        if not place.prompt.items and not place.prompt.by_count:
            yield subject.error(place.path, "the prompt is empty; write what the bot says", "empty_prompt", at_key=True)
        for path, item in subject.items(place):
            kinds = [bool(item.text), item.play is not None, item.pause is not None].count(True)
            blank = bool(item.text) and not any(text.strip() for text in item.text.values())
            if kinds == 0 or blank:
                yield subject.error(path, "the prompt is empty; write what the bot says", "empty_prompt")
            elif kinds > 1:
                message = "a part of a prompt is text, a recording or a pause; make them separate parts of a list"
                yield subject.error(path, message, "prompt_part")
            elif not item.text and (item.rate or item.emphasis):
                message = "`rate` and `emphasis` are marks of a text; only what is spoken can have them"
                yield subject.error(path, message, "prompt_part")


def sound_file(subject: Subject) -> Iterator[Problem]:
    """A recording that is missing, cannot be played, or lies outside `sounds/`."""
    for place in subject.prompts:
        for path, item in subject.items(place):
            if item.play not in (None, HOLD_MUSIC.path) and (trouble := _sound_trouble(subject, item.play)):
                yield subject.error(path, trouble, "sound_file")


def _sound_trouble(subject: Subject, play: str) -> str | None:
    if is_template(play):
        return "a recording is a fixed file, never a template; choose between recordings with `when`"
    if not play.startswith("sounds/") or ".." in PurePosixPath(play).parts:
        return f"'{play}' is not below sounds/; write sounds/<language>/<name>.wav"
    return subject.context.sound_problem(play) if subject.context.sound_problem else None


def long_prompt(subject: Subject) -> Iterator[Problem]:
    """A prompt that takes longer than people listen."""
    for place in subject.prompts:
        for tag in subject.languages:
            duration_s = _duration_s(place, tag)
            if duration_s > LONGEST_PROMPT_S:
                message = f"this takes about {duration_s:.0f} s to say; keep it under {LONGEST_PROMPT_S:.0f} s"
                yield subject.warning(place.path, message, "long_prompt", at_key=True)
                break


def _duration_s(place: PromptPlace, tag: str) -> float:
    total_s = 0.0
    for item in place.prompt.items:
        text = item.text.get(tag) or item.text.get(tag.split("-")[0]) or item.text.get("", "")
        words = len(_TEMPLATE.sub(" value ", text).split())
        total_s += words * 60 / WORDS_PER_MINUTE + (item.pause or 0.0)
    return total_s


def key_before_choice(subject: Subject) -> Iterator[Problem]:
    """ "Press 1 for sales": by the time people know that they want sales, they have forgotten the key."""
    for place in subject.prompts:
        step = subject.flow.steps.get(place.step)
        offers = isinstance(step, MenuStep) or (isinstance(step, AskStep) and step.ask == "choice")
        for path, tag, text in subject.texts(place) if offers or place.step == "defaults" else ():
            found = _find_key_first(tag or subject.flow.language, text)
            if found:
                message = f"'{found}': people forget a key that comes first; name the choice first, then its key"
                yield subject.warning(path, message, "key_before_choice")


def _find_key_first(tag: str, text: str) -> str | None:
    pattern = _KEY_FIRST.get(tag.split("-")[0])
    found = pattern.search(text) if pattern else None
    return found[0] if found else None


def templates_in(subject: Subject) -> Iterator[tuple[str, DataPath, str, str]]:
    """Step, place, key and text of every template in a prompt."""
    for place in subject.prompts:
        for path, _, text in subject.texts(place):
            if is_template(text):
                yield place.step, path, place.key, text
