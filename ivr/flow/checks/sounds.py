"""Rule about words that sound alike among those that are active together: a recognizer takes one for the other.

Measured with the embedded model on 593 pairs of its words (two voices, noise of 8 and 20 dB): of words whose sounds
differ by at most a quarter of the longer one, one in six was taken for the other; of the rest, one in a hundred. The
plain edit distance of the sounds foretold this better (AUC 0.90) than weighted phonological features did (0.83).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, combinations

from ivr.errors import Problem
from ivr.flow.checks.sound_index import SoundIndex, most_edits
from ivr.flow.checks.speech import has_model
from ivr.flow.checks.subject import Subject, ValuePlace
from ivr.flow.edit_distance import within
from ivr.flow.grammar import normalized
from ivr.flow.languages import language_for
from ivr.flow.model import InputStep, MenuStep
from ivr.flow.parts import Choice, Phrases
from ivr.flow.question import Question, confirmation, question_of_choices, question_of_value
from ivr.flow.values.base import Asked
from ivr.immutable import immutable
from ivr.language_tags import primary_language
from ivr.yaml_source import DataPath

FEW = 8
"""So many phrases are compared each with each; to make an index of them takes longer."""


@immutable
class _Heard:
    """A phrase that is listened for."""

    phrase: str
    meaning: str
    name: str
    """As messages call it: `the choice sales`."""
    path: DataPath | None = None
    """Where the flow says it; None for yes, no, digits and numbers."""


@immutable
class _Pair:
    """Two phrases that one step listens for; the later one is reported."""

    first: _Heard
    second: _Heard
    where: str


def sounds_alike(subject: Subject) -> Iterator[Problem]:
    """Words with the same pronunciation (an error), or nearly the same (a warning), and different meanings."""
    pronounce = subject.context.pronounce
    if pronounce is None:
        return
    reported: set[tuple[DataPath, object]] = set()
    for tag in subject.languages:
        groups = [group for group in _groups(subject, tag) if group.is_written] if has_model(subject, tag) else []
        phrases = dict.fromkeys(heard.phrase for group in groups for heard in group.new)
        sounds = pronounce(tag, list(phrases)) if phrases else {}
        for pair in (pair for group in groups for pair in _pairs(group, sounds)):
            likeness = _likeness(pair, sounds)
            assert pair.second.path is not None
            places = (pair.second.path, pair.first.path or pair.first.phrase)
            if likeness and places not in reported:
                reported.add(places)
                yield _problem(subject, pair, likeness)


def _likeness(pair: _Pair, sounds: Mapping[str, str]) -> str:
    first, second = sounds.get(pair.first.phrase), sounds.get(pair.second.phrase)
    if not first or not second:
        return ""
    if first == second:
        return "exactly"
    return "almost" if within(first, second, most_edits(max(len(first), len(second)))) else ""


def _problem(subject: Subject, pair: _Pair, likeness: str) -> Problem:
    first, second = pair.first, pair.second
    assert second.path is not None
    line = f", line {subject.line_of(first.path)}" if first.path else ""
    sounds = "is also" if first.phrase == second.phrase else f"sounds {likeness} like '{first.phrase}',"
    what = f"'{second.phrase}' {sounds} {first.name}{line} (both in {pair.where})"
    remedy = "use another word" if likeness == "exactly" else "use a word that differs more, or a longer phrase"
    if second.meaning.startswith("command:"):
        remedy += ", or leave the command out with `commands:`"
    report = subject.error if likeness == "exactly" else subject.warning
    return report(second.path, f"{what}; {remedy}", "sounds_alike")


class _Common:
    """What many questions listen for."""

    def __init__(self, heard: Iterable[_Heard]) -> None:
        self.heard = list(heard)
        self._index: SoundIndex | None = None

    def near(self, sound: str, sounds: Mapping[str, str]) -> list[int]:
        """Places of what may sound like it."""
        if self._index is None:
            self._index = SoundIndex([sounds.get(heard.phrase, "") for heard in self.heard])
        return self._index.may_be_near(sound)

    def pairs(self, sounds: Mapping[str, str]) -> Iterator[tuple[_Heard, _Heard]]:
        """Every two that may sound alike."""
        if len(self.heard) <= FEW:
            yield from combinations(self.heard, 2)
            return
        for place, heard in enumerate(self.heard):
            for other in self.near(sounds.get(heard.phrase, ""), sounds):
                if other > place:
                    yield heard, self.heard[other]


@immutable
class _Group:
    """What one question listens for: its own phrases, and those that it has in common with others."""

    own: _Common
    common: _Common
    is_first: bool
    """Whether it is the first with these: what is in common is compared once."""
    name: str
    kind: str

    @property
    def new(self) -> list[_Heard]:
        """What no group before it has."""
        return self.own.heard + (self.common.heard if self.is_first else [])

    @property
    def is_written(self) -> bool:
        """Whether the flow has a word in it."""
        return bool(self.own.heard) or any(heard.path is not None for heard in self.common.heard)


def _pairs(group: _Group, sounds: Mapping[str, str]) -> Iterator[_Pair]:
    """Every two phrases of different meanings that are active together, and may sound alike."""
    if group.is_first:
        yield from _different(group.common.pairs(sounds), group.name, group.kind)
    product = (
        (heard, group.common.heard[place])
        for heard in group.own.heard
        for place in group.common.near(sounds.get(heard.phrase, ""), sounds)
    )
    yield from _different(chain(group.own.pairs(sounds), product), group.name, group.kind)


def _groups(subject: Subject, tag: str) -> Iterator[_Group]:
    """Phrases that are active together. The commands and the words that the language brings along come once."""
    done: dict[object, _Common] = {}
    nothing = _Common(())
    for found in _questions(subject):
        own, common = _Common(_choices(subject, found, tag)), done.get(found.key)
        is_first = common is None
        if common is None:
            common = done[found.key] = _Common(_common(subject, found.step, _asked(subject, found, tag), tag))
        yield _Group(own, common, is_first, found.name, found.kind)
        confirms = (found.step.confirm or subject.flow.defaults.confirm) != "never"
        if confirms and ("confirmation", found.step.commands) not in done:
            question = confirmation(subject.flow, found.step, tag, language_for(tag), None)
            common = done["confirmation", found.step.commands] = _Common(_common(subject, found.step, question, tag))
            yield _Group(nothing, common, True, f"the confirmation of {found.name}", "")


@immutable
class _Question:
    """A menu, an `ask` or a field of a form."""

    name: str
    step: InputStep
    choices: Mapping[str, Choice]
    path: DataPath
    """Where the choices are."""
    value: ValuePlace | None = None

    @property
    def kind(self) -> str:
        """`menu`, or what is asked for."""
        return self.value.asked.ask if self.value else self.step.action

    @property
    def key(self) -> object:
        """Equal for questions that have everything but their own choices in common."""
        return self.kind, self.value.asked.scale if self.value else None, self.step.commands


def _questions(subject: Subject) -> Iterator[_Question]:
    for name, step in subject.listening_steps.items():
        if isinstance(step, MenuStep):
            yield _Question(name, step, step.menu.choices, ("steps", name, "menu", "choices"))
    for place in subject.values:
        step = subject.listening_steps[place.step]
        yield _Question(place.step, step, place.asked.choices or {}, (*place.path, "choices"), place)


def listened_for(subject: Subject, step: object, tag: str) -> tuple[str, ...]:
    """All phrases of the questions of a step, of every step where it is None."""
    phrases: dict[str, None] = {}
    done: set[object] = set()
    for question in _questions(subject):
        if step is None or question.name == step:
            phrases |= dict.fromkeys(each.phrase for each in _choices(subject, question, tag))
            if question.key not in done:
                done.add(question.key)
                common = _common(subject, question.step, _asked(subject, question, tag), tag)
                phrases |= dict.fromkeys(each.phrase for each in common)
    return tuple(phrases)


def _asked(subject: Subject, found: _Question, tag: str) -> Question:
    if found.value is None:
        return question_of_choices(subject.flow, found.step, {}, tag)
    return question_of_value(subject.flow, found.step, Asked(found.value.asked, tag, language_for(tag)))


def _different(pairs: Iterable[tuple[_Heard, _Heard]], where: str, kind: str) -> Iterator[_Pair]:
    for one, other in pairs:
        first, second = (other, one) if other.path is None else (one, other)
        if second.path is None or first.meaning == second.meaning:
            continue
        if first.phrase != second.phrase or (first.path is None and kind != "yes_no"):  # else a clash of words
            yield _Pair(first, second, where)


def _choices(subject: Subject, found: _Question, tag: str) -> Iterator[_Heard]:
    for key, choice in found.choices.items():
        for path, phrase in _written(subject, (*found.path, key, "say"), choice.say, tag):
            yield _Heard(phrase, f"choice:{key}", f"the choice {key}", path)


def _common(subject: Subject, step: InputStep, question: Question, tag: str) -> Iterator[_Heard]:
    """What the language brings along: yes, no, numbers, days; then the commands."""
    commands = subject.commands_of(step)
    for word in question.extra_words:
        yield _Heard(normalized(word), "value", "a word of the answer")
    for meaning, phrases in question.phrases.items():
        kind, _, key = meaning.partition(":")
        if kind in ("yes", "no") or (kind == "command" and key not in commands):
            name = f"the command {key}" if key else f"an answer of {meaning}"
            yield from (_Heard(normalized(phrase), meaning, name) for phrase in phrases)
    for key, command in commands.items():
        for path, phrase in _written(subject, ("commands", key, "say"), command.say, tag):
            yield _Heard(phrase, f"command:{key}", f"the command {key}", path)


def _written(subject: Subject, base: DataPath, say: Phrases | None, tag: str) -> Iterator[tuple[DataPath, str]]:
    """The phrases of a language with their places, as `Phrases.for_language` chooses them."""
    if say is None:
        return
    own = tag if say.by_language.get(tag) else primary_language(tag)
    for key in (own, ""):
        for index, phrase in enumerate(say.by_language.get(key, ())):
            yield subject.path_of(base, key, index), normalized(phrase)
