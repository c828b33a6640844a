"""Rules about keys and words that are active together: none may mean two things."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.form_view import field_ask
from ivr.flow.grammar import normalized
from ivr.flow.languages import language_for
from ivr.flow.model import AskStep, Choice, FormStep, InputStep, MenuStep
from ivr.flow.values.registry import kind_of
from ivr.flow.values.yes_no import NO_KEY, YES_KEY
from ivr.immutable import immutable
from ivr.yaml_source import DataPath


@immutable
class _Meaning:
    """Something that a caller can answer, by key or word."""

    name: str
    """As messages call it: `the choice sales`."""
    path: DataPath
    signal: str
    """The key sequence or phrase."""
    is_command: bool = False


def same_key_twice(subject: Subject) -> Iterator[Problem]:
    """Two meanings of one key sequence in one step."""
    seen: set[tuple[DataPath, DataPath]] = set()
    for name, path, step in _questions(subject):
        yield from _doubles(
            subject, _keys(subject, path, step), f"the key {{}} is also {{}} ({name})", "same_key", seen
        )


def same_word_twice(subject: Subject) -> Iterator[Problem]:
    """Two meanings of one phrase in one step."""
    seen: set[tuple[DataPath, DataPath]] = set()
    for name, path, step in _questions(subject):
        for tag in subject.languages:
            meanings = _words(subject, path, step, tag)
            yield from _doubles(subject, meanings, f"'{{}}' is also {{}} ({name})", "same_word", seen)


def _doubles(
    subject: Subject, meanings: list[_Meaning], text: str, rule: str, seen: set[tuple[DataPath, DataPath]]
) -> Iterator[Problem]:
    if len({meaning.signal for meaning in meanings}) == len(meanings):  # so it is nearly always
        return
    first: dict[str, _Meaning] = {}
    for meaning in meanings:
        other = first.setdefault(meaning.signal, meaning)
        pair = (other.path, meaning.path)
        if other.path != meaning.path and pair not in seen:
            seen.add(pair)
            where = f"{other.name}, line {subject.line_of(other.path)}"
            remedy = "use another, or leave the command out with `commands:`" if meaning.is_command else "use another"
            yield subject.error(meaning.path, f"{text.format(meaning.signal, where)}; {remedy}", rule)


def key_is_prefix(subject: Subject) -> Iterator[Problem]:
    """A key that begins a longer one, in a step that does not wait for more keys."""
    for name, path, step in _questions(subject):
        wait_s = step.inter_digit_timeout
        if (subject.flow.defaults.inter_digit_timeout if wait_s is None else wait_s) > 0:
            continue
        keys = _keys(subject, path, step)
        for short in keys:
            longer = next((k for k in keys if k.signal != short.signal and k.signal.startswith(short.signal)), None)
            if longer:
                message = (
                    f'"{longer.signal}" ({longer.name}) can never be typed, because "{short.signal}" is taken at once; '
                    f"give {name} an inter_digit_timeout above 0s, or use other keys"
                )
                yield subject.error(short.path, message, "key_is_prefix")


def _questions(subject: Subject) -> Iterator[tuple[str, DataPath, InputStep]]:
    """Everything that listens, under the name of its step; of a form each field."""
    for name, step in subject.listening_steps.items():
        if isinstance(step, FormStep):
            for key in step.form.fields:
                yield name, ("steps", name, "form", "fields", key), field_ask(step, key)
        else:
            yield name, ("steps", name), step


def _choices(base: DataPath, step: InputStep) -> Iterator[tuple[str, DataPath, Choice]]:
    if isinstance(step, MenuStep):
        path: DataPath = (*base, "menu", "choices")
        found = step.menu.choices
    elif isinstance(step, AskStep) and step.ask == "choice":
        path, found = (*base, "choices"), step.choices or {}
    else:
        return
    for key, choice in found.items():
        yield f"the choice {key}", (*path, key), choice


def _keys(subject: Subject, base: DataPath, step: InputStep) -> list[_Meaning]:
    """Keys of a step as the engine compares them: while a number is entered, digits belong to the number."""
    found = [_Meaning(what, (*path, "keys"), c.keys) for what, path, c in _choices(base, step) if c.keys]
    collects = isinstance(step, AskStep) and "terminator" in kind_of(step.ask).options
    path: DataPath = (*base, "ask")
    if isinstance(step, AskStep) and step.ask == "yes_no":
        found += [_Meaning("yes", path, YES_KEY), _Meaning("no", (*path, "no"), NO_KEY)]
    if isinstance(step, AskStep) and collects and step.terminator:
        found.append(_Meaning("the end of the entry", (*path[:-1], "terminator"), step.terminator))
    for key, command in subject.commands_of(step).items():
        if command.keys and not (collects and command.keys[0].isdigit()):
            found.append(_Meaning(f"the command {key}", ("commands", key, "keys"), command.keys, is_command=True))
    return found


def _words(subject: Subject, base: DataPath, step: InputStep, tag: str) -> list[_Meaning]:
    found = [
        _Meaning(what, (*path, "say"), normalized(phrase))
        for what, path, choice in _choices(base, step)
        for phrase in (choice.say.for_language(tag) if choice.say else ())
    ]
    if isinstance(step, AskStep) and step.ask == "yes_no":
        language = language_for(tag)
        path: DataPath = (*base, "ask")
        found += [_Meaning("yes", path, word) for word in language.yes]
        found += [_Meaning("no", (*path, "no"), word) for word in language.no]
    for key, command in subject.commands_of(step).items():
        phrases = command.say.for_language(tag) if command.say else ()
        found += [_Meaning(f"the command {key}", ("commands", key, "say"), normalized(p), True) for p in phrases]
    return found
