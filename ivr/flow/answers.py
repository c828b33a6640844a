"""From an input to what it means for the step."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow import correcting, grammar
from ivr.flow.asking import asked_of, open_form
from ivr.flow.form_hearing import WRONG, hear
from ivr.flow.form_view import field_ask
from ivr.flow.model import AskStep, FormStep, InputStep, MenuStep
from ivr.flow.overlap import closest_meaning
from ivr.flow.question import PICK, Question, phrases_of
from ivr.flow.run import Run
from ivr.flow.state import FormProgress, Pending
from ivr.flow.values.base import CHOICE, Asked, Reading, without_edges
from ivr.flow.values.registry import kind_of
from ivr.immutable import immutable

FIELDS = "fields"
"""Meaning of an answer that holds values of several fields of a form: by field, their readings."""

WHOLE = "form"
"""Meaning of all answers of a form, read back together."""


@immutable
class Answer:
    """What an input means."""

    meaning: str
    """`choice:NAME`, `command:NAME`, `pick:PLACE`, `yes`, `no`, `value`, `part` of a value, or `fields`."""
    value: object
    heard: str
    """Keys or words as they came."""
    spoken: str
    """How it is read back."""
    confidence: float | None = None
    is_invalid: bool = False
    """Understood, and not allowed (a number out of range)."""
    others: tuple[object, ...] = ()
    """Further values that the same words may mean."""
    is_correction: bool = False
    """Given in place of a "no"."""

    @property
    def can_be_confirmed(self) -> bool:
        """Whether `confirm: always` applies: not to a plain yes or no, nor to what cannot be read back."""
        return self.meaning not in ("yes", "no") and bool(self.spoken)


def by_keys(run: Run, step: InputStep, meaning: str, typed: str) -> Answer | None:
    """The answer in a complete key entry; None where it has none."""
    if meaning != "value":
        return Answer(meaning, _value_of(meaning), typed, _read_back(run, step, meaning, ""))
    assert isinstance(step, AskStep)
    asked = asked_of(run, step)
    reading = kind_of(step.ask).from_keys(asked, typed)
    return _answer(asked, reading, typed, None) if reading else None


def by_voice(run: Run, step: InputStep, question: Question, text: str, confidence: float) -> Answer | None:
    """The answer in an utterance; None where it has none."""
    pending = run.state.input.pending
    if pending is not None:
        return _reply(run, step, question, pending, text, confidence)
    if question.is_free:
        return _free(run, step, question, text, confidence)
    return (
        _spoken_value(run, step, text, confidence)
        or _spoken_fields(run, text, confidence)
        or _phrase(run, step, question, text, confidence)
    )


def _phrase(run: Run, step: InputStep, question: Question, text: str, confidence: float) -> Answer | None:
    found = grammar.match_phrases(text, confidence, question.phrases, question.by_first_word)
    found = found or _meant(run, question, text, confidence)
    if found is None:
        return None
    read_back = _read_back(run, step, found.meaning, found.phrase)
    is_command = found.meaning.startswith("command:")
    heard = found.phrase if is_command else text  # what else was said may be a part of a sensitive answer
    return Answer(found.meaning, _value_of(found.meaning), heard, read_back, found.confidence)


def _meant(run: Run, question: Question, text: str, confidence: float) -> grammar.PhraseMatch | None:
    """The choice that other words come close to; commands want to be said as they are written."""
    choices = {meaning: said for meaning, said in question.phrases.items() if meaning.startswith(CHOICE)}
    if not choices or grammar.has_phrase(text, question.by_first_word):
        return None
    return closest_meaning(text, confidence, choices, run.language)


def _free(run: Run, step: InputStep, question: Question, text: str, confidence: float) -> Answer | None:
    """Anything at all; a command only where it is all that was said."""
    assert isinstance(step, AskStep)
    said = grammar.normalized(text)
    for meaning, phrases in question.phrases.items():
        if any(grammar.normalized(phrase) == said for phrase in phrases):
            return Answer(meaning, _value_of(meaning), said, said, confidence)
    asked = asked_of(run, step)
    reading = kind_of(step.ask).from_speech(asked, grammar.known_words(said))
    return _answer(asked, reading, text, confidence) if reading else None


def _sureness(text: str, confidence: float) -> float:
    return confidence * grammar.UNKNOWN_FACTOR ** grammar.unknown_count(text)


def _answer(asked: Asked, reading: Reading, heard: str, confidence: float | None) -> Answer:
    kind = kind_of(asked.settings.ask)
    if reading.is_part:
        return Answer("part", reading.value, heard, str(reading.value), confidence)
    meaning = "value" if kind.is_value else f"{CHOICE}{reading.value}"
    spoken = kind.spoken(asked, reading.value)
    return Answer(meaning, reading.value, heard, spoken, confidence, reading.is_invalid, reading.others)


def _spoken_value(run: Run, step: InputStep, text: str, confidence: float) -> Answer | None:
    """A value that the whole utterance is, unknown speech and words that say nothing aside."""
    if not isinstance(step, AskStep) or not kind_of(step.ask).is_value:
        return None
    asked, words = asked_of(run, step), grammar.known_words(grammar.normalized(text))
    kind = kind_of(step.ask)
    reading = kind.from_speech(asked, words)
    if reading is None and (inner := without_edges(words, asked.language.fillers)):
        reading = kind.from_speech(asked, inner)
    return _answer(asked, reading, text, _sureness(text, confidence)) if reading else None


# --- forms


def _spoken_fields(run: Run, text: str, confidence: float) -> Answer | None:
    """Values of a form in one sentence, unless they answer the field alone that is asked and chosen by its words."""
    form, progress = open_form(run), run.state.form
    if form is None or progress is None:
        return None
    words = grammar.known_words(grammar.normalized(text))
    readings = hear(run, form, progress, words, progress.filled, is_reply=progress.stage != "fields").readings
    if not readings or (set(readings) == {progress.asked} and progress.stage == "fields"):
        return None
    return _fields_answer(run, form, readings, text, _sureness(text, confidence))


def _fields_answer(
    run: Run, form: FormStep, readings: Mapping[str, Reading], heard: str, confidence: float | None
) -> Answer:
    spoken = [
        kind_of(form.form.fields[name].ask).spoken(asked_of(run, field_ask(form, name)), reading.value)
        for name, reading in readings.items()
        if reading is not WRONG
    ]
    return Answer(FIELDS, readings, heard, ", ".join(spoken), confidence)


# --- replies to "is that right?"


def _reply(
    run: Run, step: InputStep, question: Question, pending: Pending, text: str, confidence: float
) -> Answer | None:
    words = grammar.known_words(grammar.normalized(text))
    polarity, other = "", None
    if not pending.meaning.startswith("command:"):
        polarity, other = _other_value(run, step, pending, words, text, _sureness(text, confidence))
    if other is not None:
        return _as_reply(other, pending, polarity)
    plain = _phrase(run, step, question, text, confidence)
    if polarity == "no" and not pending.others and (plain is None or plain.meaning == "yes"):
        return Answer("no", False, text, "", _sureness(text, confidence))  # "no" and what is no value; "yes, but"
    return plain


def _as_reply(other: Answer, pending: Pending, polarity: str) -> Answer | None:
    """A value said in reply: the same one agrees, another one corrects, unless it comes with a "yes"."""
    is_same = other.meaning == pending.meaning and other.value == pending.value and not pending.others
    if is_same or other.is_invalid:
        return Answer("no" if polarity == "no" or other.is_invalid else "yes", polarity != "no", other.heard, "",
                      other.confidence)  # fmt: skip
    if polarity == "yes":
        return None
    return Answer(other.meaning, other.value, other.heard, other.spoken, other.confidence, others=other.others,
                  is_correction=True)  # fmt: skip


def _other_value(
    run: Run, step: InputStep, pending: Pending, words: list[str], text: str, sureness: float
) -> tuple[str, Answer | None]:
    """The "yes" or "no" in a reply, and what is said in place of the answer that is confirmed."""
    form, progress = open_form(run), run.state.form
    if form is not None and progress is not None and (pending.meaning in (FIELDS, WHOLE) or len(form.form.fields) > 1):
        heard = hear(run, form, progress, words, _known(progress, pending), is_reply=True)
        if heard.readings and (pending.meaning in (FIELDS, WHOLE) or set(heard.readings) != {progress.asked}):
            return heard.polarity, _fields_answer(run, form, heard.readings, text, sureness)
    if isinstance(step, MenuStep):
        polarity, rest = correcting.apart(words, run.language)
        phrases = phrases_of(step.menu.choices, run.state.language)
        found = grammar.match_phrases(" ".join(rest), sureness, phrases)
        answer = Answer(found.meaning, _value_of(found.meaning), text, found.phrase, sureness) if found else None
        return polarity, answer
    if not isinstance(step, AskStep) or step.ask == "yes_no":
        return correcting.apart(words, run.language)[0], None
    asked = asked_of(run, step)
    rest, denied = correcting.without_denied(words, {"": asked}, {"": pending.value})
    polarity, rest = correcting.apart(rest, run.language)
    reading = correcting.value_in(rest, asked)
    answer = _answer(asked, reading, text, sureness) if reading else None
    return "no" if denied else polarity, answer


def _known(progress: FormProgress, pending: Pending) -> Mapping[str, object]:
    """The values that the caller knows of: those that were taken, and those that are read back."""
    if pending.meaning == FIELDS and isinstance(pending.value, Mapping):
        return {**progress.filled, **{name: reading.value for name, reading in pending.value.items()}}
    return progress.filled if pending.meaning == WHOLE else {**progress.filled, progress.asked: pending.value}


def _value_of(meaning: str) -> object:
    if meaning in ("yes", "no"):
        return meaning == "yes"
    if meaning.startswith(PICK):
        return int(meaning.removeprefix(PICK))
    return meaning.partition(":")[2]


def _read_back(run: Run, step: InputStep, meaning: str, phrase: str) -> str:
    """The words in which a choice is read back: those that were said, else its first phrase, else its name."""
    if phrase:
        return phrase
    name = meaning.partition(":")[2]
    if isinstance(step, AskStep) and meaning.startswith(CHOICE):
        return kind_of(step.ask).spoken(asked_of(run, step), name)
    choice = step.menu.choices.get(name) if isinstance(step, MenuStep) else None
    phrases = choice.say.for_language(run.state.language) if choice and choice.say else ()
    return phrases[0] if phrases else name.replace("_", " ")
