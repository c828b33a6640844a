"""From an input to what it means for the step, and from there to where the flow goes."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.flow import frames, grammar, speaking
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, InputStep, MenuStep
from ivr.flow.question import Question
from ivr.flow.run import Run
from ivr.flow.state import Input, Pending
from ivr.language_tags import primary_language


@dataclass(frozen=True, slots=True)
class Answer:
    """What an input means."""

    meaning: str
    """`choice:NAME`, `command:NAME`, `yes`, `no`, `value`, or `part` of a value."""
    value: object
    heard: str
    """Keys or words as they came."""
    spoken: str
    """How it is read back."""
    confidence: float | None = None
    is_invalid: bool = False
    """Understood, and not allowed (a number out of range)."""

    @property
    def can_be_confirmed(self) -> bool:
        """Whether `confirm: always` applies: not to a plain yes or no."""
        return self.meaning not in ("yes", "no")


def by_keys(run: Run, step: InputStep, meaning: str, typed: str) -> Answer:
    """The answer in a complete key entry."""
    if meaning == "value":
        return _value(run, step, typed, typed, None)
    return Answer(meaning, _value_of(meaning), typed, _read_back(run, step, meaning, ""))


def by_voice(run: Run, step: InputStep, question: Question, text: str, confidence: float) -> Answer | None:
    """The answer in an utterance; None where it has none."""
    if question.collects and run.state.input.pending is None:
        answer = _spoken_value(run, step, question, text, confidence)
        if answer is not None:
            return answer
    found = grammar.match_phrases(text, confidence, question.phrases)
    if found is None:
        return None
    read_back = _read_back(run, step, found.meaning, found.phrase)
    is_command = found.meaning.startswith("command:")
    heard = found.phrase if is_command else text  # what else was said may be a part of a sensitive answer
    return Answer(found.meaning, _value_of(found.meaning), heard, read_back, found.confidence)


def _spoken_value(run: Run, step: InputStep, question: Question, text: str, confidence: float) -> Answer | None:
    sureness = confidence * grammar.UNKNOWN_FACTOR ** grammar.unknown_count(text)
    if question.collects == "digits":
        digits = grammar.spoken_digits(text, run.language)
        return Answer("part", digits, text, digits, sureness) if digits else None
    number = grammar.spoken_number(text, run.language)
    if number is None or len(str(number)) > question.rules.max_length:
        return None
    return _value(run, step, str(number), text, sureness)


def _value(run: Run, step: InputStep, typed: str, heard: str, confidence: float | None) -> Answer:
    assert isinstance(step, AskStep)
    tag = primary_language(run.state.language)
    if step.ask == "digits":
        return Answer("value", typed, heard, speaking.digits(tag, typed), confidence)
    number = int(typed)
    low = step.minimum is not None and number < step.minimum
    high = step.maximum is not None and number > step.maximum
    return Answer("value", number, heard, speaking.number(tag, number), confidence, is_invalid=low or high)


def _value_of(meaning: str) -> object:
    if meaning in ("yes", "no"):
        return meaning == "yes"
    return meaning.partition(":")[2]


def _read_back(run: Run, step: InputStep, meaning: str, phrase: str) -> str:
    """The words in which a choice is read back: those that were said, else its first phrase, else its name."""
    if phrase:
        return phrase
    name = meaning.partition(":")[2]
    choices = step.menu.choices if isinstance(step, MenuStep) else getattr(step, "choices", None) or {}
    choice = choices.get(name)
    phrases = choice.say.for_language(run.state.language) if choice and choice.say else ()
    return phrases[0] if phrases else name.replace("_", " ")


def accept(run: Run, step: InputStep, pending: Pending, outcome: str) -> None:
    """Take an answer: keep its value, write it down, go where it leads."""
    kind, _, name = pending.meaning.partition(":")
    is_sensitive = isinstance(step, AskStep) and step.sensitive and kind != "command"
    held = run.state.input
    run.note(
        "command" if kind == "command" else step.action,
        outcome,
        started_at_s=held.started_at_s,
        attempt=held.attempt,
        mode=pending.mode,
        prompt=held.prompt_text,
        heard=MASK if is_sensitive else pending.heard,
        meaning=MASK if is_sensitive else name or _written(pending),
        confidence=pending.confidence,
    )
    run.set(input=Input(), steps_without_input=0)
    if kind == "command":
        _obey(run, name)
        return
    run.set(history=(*run.state.history, run.state.step)[-50:])
    if isinstance(step, MenuStep):
        _keep(run, step.into, name, is_sensitive=False)
        run.goto(step.menu.choices[name].go or step.next or "return")
    elif isinstance(step, AskStep):
        _keep(run, step.into, pending.value, is_sensitive=is_sensitive)
        run.goto(_exit(step, pending) or step.next or "return")


def _written(pending: Pending) -> str:
    return pending.meaning if isinstance(pending.value, bool) else str(pending.value)


def _exit(step: AskStep, pending: Pending) -> str | None:
    """Where a yes or no leads, when it has an exit of its own."""
    if step.ask != "yes_no":
        return None
    return step.confirmed if pending.value else step.denied


def _keep(run: Run, name: str | None, value: object, *, is_sensitive: bool) -> None:
    if name is None:
        return
    sensitive = run.state.sensitive | {name} if is_sensitive else run.state.sensitive - {name}
    run.set(variables={**run.state.variables, name: value}, sensitive=sensitive)


def _obey(run: Run, name: str) -> None:
    """Carry a command out."""
    command = run.flow.commands[name]
    if command.language:
        run.change_language(command.language)
    frames.go_in(run, run.commands_depth, command.go)
