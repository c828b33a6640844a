"""From a prompt of the flow to the segments that are played, and to the text that is kept in the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ivr.flow import templates
from ivr.flow.languages import language_for
from ivr.flow.marks import find_models
from ivr.flow.model import Flow, FormStep
from ivr.flow.parts import Prompt, PromptItem
from ivr.flow.program import Program
from ivr.flow.segments import BEEP, LAST_WORD_PAUSE, Pause, Segment, SoundFile, Speech
from ivr.flow.steps.models import LanguageStep
from ivr.flow.template_rules import is_template
from ivr.immutable import immutable
from ivr.language_tags import primary_language


def text_for(item: PromptItem, language: str) -> str | None:
    """The item's text in a language: "en-US" finds "en-US", then "en", then the text of every language."""
    for tag in (language, primary_language(language), ""):
        if tag in item.text:
            return item.text[tag]
    return next(iter(item.text.values()), None)


def segments_of(prompt: Prompt, variables: Mapping[str, object], language: str) -> tuple[Segment, ...]:
    """What is played. Raises TemplateFailed."""
    return tuple(_segment(item, variables, language) for item in prompt.items)


@immutable
class Said:
    """A prompt as it is said in a call."""

    segments: tuple[Segment, ...]
    text: str
    """As one line for the record."""


NOTHING_SAID = Said((), "")


def fixed(prompt: Prompt, language: str) -> Said | None:
    """How a prompt is said that says the same whatever the variables hold; None for others, and where the times count.

    Worked out once for all calls.
    """
    try:
        return prompt.said[language]
    except KeyError:
        prompt.said[language] = made = _fixed(prompt, language)
        return made


def _fixed(prompt: Prompt, language: str) -> Said | None:
    texts = (text for item in prompt.items for text in item.text.values())
    if prompt.by_count or any(map(is_template, texts)):
        return None
    segments = segments_of(prompt, {}, language)
    return Said(without_empty(segments), text_of_segments(segments))


def with_sensitive_marked(
    segments: Sequence[Segment], prompt: Prompt, written: Mapping[str, object], language: str
) -> tuple[Segment, ...]:
    """The segments, those marked that would read otherwise with `written`, the variables as they may be kept."""
    marked = []
    for segment, item in zip(segments, prompt.items, strict=True):
        if isinstance(segment, Speech):
            try:
                is_same = _segment(item, written, language) == segment
            except templates.TemplateFailed:  # a mask is no number
                is_same = False
            segment = segment if is_same else replace(segment, is_sensitive=True)
        marked.append(segment)
    return tuple(marked)


def without_empty(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Those that say something."""
    return tuple(segment for segment in segments if not is_empty(segment))


def is_empty(segment: Segment) -> bool:
    """Whether there is nothing to say in it."""
    return isinstance(segment, Speech) and not segment.text


def _segment(item: PromptItem, variables: Mapping[str, object], language: str) -> Segment:
    if item.play is not None:
        return SoundFile(item.play)
    if item.pause is not None:
        return Pause(item.pause)
    text = templates.render(text_for(item, language) or "", variables, language).strip()
    return Speech(text, language, rate=item.rate, emphasis=item.emphasis)


def text_of(prompt: Prompt, variables: Mapping[str, object], language: str) -> str:
    """What the prompt says, as one line for the record; recordings appear as `[file]`. Raises TemplateFailed."""
    return text_of_segments(segments_of(prompt, variables, language))


def text_of_segments(segments: Iterable[Segment]) -> str:
    """What all the segments of a prompt say, as one line for the record."""
    shown = []
    for segment in segments:
        if isinstance(segment, Speech):
            shown.append(segment.text)
        elif isinstance(segment, SoundFile):
            shown.append(f"[{segment.path}]")
    return " ".join(shown)


def languages_of(flow: Flow) -> tuple[str, ...]:
    """Every language that a call of the flow can be in, the first one first."""
    return tuple(dict.fromkeys([flow.language, *flow.languages, *changes_to(flow)]))


def changes_to(flow: Flow) -> tuple[str, ...]:
    """The languages that the flow itself changes to, as far as they are written in it."""
    commands = [command.language for command in flow.commands.values() if command.language]
    steps = [step.language for step in flow.steps.values() if isinstance(step, LanguageStep)]
    return (*commands, *(str(tag) for tag in steps if not is_template(str(tag))))


def fixed_prompts(flow: Flow | Program) -> tuple[tuple[Segment, ...], ...]:
    """Every prompt whose text is known before a call, in every language of it: what is rendered at load time."""
    program = Program.of(flow)
    found: dict[tuple[Segment, ...], None] = {(LAST_WORD_PAUSE,): None}
    if any(step.action == "record" for part in program.flows for step in part.steps.values()):
        found[(BEEP,)] = None
    for language in languages_of(program.main):
        spoken = language_for(language)
        found[(Speech(spoken.no_input, language),)] = None
        found[(Speech(spoken.no_match, language),)] = None
        if any(isinstance(step, FormStep) for part in program.flows for step in part.steps.values()):
            found[(Speech(spoken.change_what, language),)] = None
        if spoken.queue is not None and any(map(waits_in_queue, program.flows)):
            found |= {(Speech(text, language),): None for text in spoken.queue.fixed}
        for prompt in (prompt for part in program.flows for prompt in prompts_of(part)):
            fixed = [item for item in prompt.items if not is_template(text_for(item, language) or "")]
            for item in fixed:
                segment = _segment(item, {}, language)
                if not is_empty(segment):
                    found[(segment,)] = None
    return tuple(found)


def waits_in_queue(flow: Flow) -> bool:
    """Whether callers wait for agents in it: what they are told then is the bot's own."""
    return any(step.action == "queue" for step in flow.steps.values())


def prompts_of(flow: Flow) -> Iterable[Prompt]:
    """Every prompt anywhere in the flow."""
    yield from (prompt for _, prompt in find_models(flow.defaults, Prompt))
    for step in flow.steps.values():
        yield from (prompt for _, prompt in find_models(step, Prompt))
