"""Rules about keys and words that are active together: none may mean two things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.form_view import field_ask
from ivr.flow.grammar import normalized
from ivr.flow.languages import language_for
from ivr.flow.model import AskStep, FormStep, InputStep, MenuStep
from ivr.flow.parts import Choice
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


class _Commands:
    """What the commands of a question mean: nearly always the same as in the question before."""

    def __init__(self, meanings: Iterable[_Meaning]) -> None:
        self.meanings = tuple(meanings)
        self.signals = frozenset(meaning.signal for meaning in self.meanings)
        self.has_doubles = len(self.signals) < len(self.meanings)


_Known = dict[object, _Commands]


def same_key_twice(subject: Subject) -> Iterator[Problem]:
    """Two meanings of one key sequence in one step."""
    seen, known = set[tuple[DataPath, DataPath]](), _Known()
    for name, path, step in _questions(subject):
        own, commands = _keys(path, step), _keys_of_commands(subject, step, known)
        yield from _doubles(subject, own, commands, f"the key {{}} is also {{}} ({name})", "same_key", seen)


def same_word_twice(subject: Subject) -> Iterator[Problem]:
    """Two meanings of one phrase in one step."""
    seen, known = set[tuple[DataPath, DataPath]](), _Known()
    for name, path, step in _questions(subject):
        for tag in subject.languages:
            own, commands = _words(path, step, tag), _words_of_commands(subject, step, tag, known)
            yield from _doubles(subject, own, commands, f"'{{}}' is also {{}} ({name})", "same_word", seen)


def _doubles(
    subject: Subject,
    own: list[_Meaning],
    commands: _Commands,
    text: str,
    rule: str,
    seen: set[tuple[DataPath, DataPath]],
) -> Iterator[Problem]:
    first: dict[str, _Meaning] = {}
    are_own_different = len({meaning.signal for meaning in own}) == len(own)
    if are_own_different and not commands.has_doubles and not any(each.signal in commands.signals for each in own):
        return  # so it is nearly always
    for meaning in (*own, *commands.meanings):
        other = first.setdefault(meaning.signal, meaning)
        pair = (other.path, meaning.path)
        if other.path != meaning.path and pair not in seen:
            seen.add(pair)
            where = f"{other.name}, line {subject.line_of(other.path)}"
            remedy = "use another, or leave the command out with `commands:`" if meaning.is_command else "use another"
            yield subject.error(meaning.path, f"{text.format(meaning.signal, where)}; {remedy}", rule)


def key_is_prefix(subject: Subject) -> Iterator[Problem]:
    """A key that begins a longer one, in a step that does not wait for more keys."""
    known = _Known()
    for name, path, step in _questions(subject):
        wait_s = step.inter_digit_timeout
        if (subject.flow.defaults.inter_digit_timeout if wait_s is None else wait_s) > 0:
            continue
        keys = (*_keys(path, step), *_keys_of_commands(subject, step, known).meanings)
        begins: dict[str, _Meaning] = {}
        for key in keys:
            for length in range(1, len(key.signal)):
                begins.setdefault(key.signal[:length], key)
        for short in keys:
            if longer := begins.get(short.signal):
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


def _ends(step: InputStep) -> bool:
    """Whether it has a terminator."""
    return isinstance(step, AskStep) and "terminator" in kind_of(step.ask).options


def _keys(base: DataPath, step: InputStep) -> list[_Meaning]:
    """Keys of a step itself."""
    found = [_Meaning(what, (*path, "keys"), c.keys) for what, path, c in _choices(base, step) if c.keys]
    path: DataPath = (*base, "ask")
    if isinstance(step, AskStep) and step.ask == "yes_no":
        found += [_Meaning("yes", path, YES_KEY), _Meaning("no", (*path, "no"), NO_KEY)]
    if isinstance(step, AskStep) and _ends(step) and step.terminator:
        found.append(_Meaning("the end of the entry", (*path[:-1], "terminator"), step.terminator))
    return found


def _keys_of_commands(subject: Subject, step: InputStep, known: _Known) -> _Commands:
    """Keys of commands as the engine compares them: while a number is entered, digits belong to the number."""
    collects = isinstance(step, AskStep) and _ends(step) and not kind_of(step.ask).is_free
    which = (_commands_of(step), collects)
    if which not in known:
        known[which] = _Commands(
            _Meaning(f"the command {key}", ("commands", key, "keys"), command.keys, is_command=True)
            for key, command in subject.commands_of(step).items()
            if command.keys and not (collects and command.keys[0].isdigit())
        )
    return known[which]


def _commands_of(step: InputStep) -> object:
    """Equal for steps with the same commands."""
    return step.commands, tuple(getattr(step, "own_commands", ()))


def _words(base: DataPath, step: InputStep, tag: str) -> list[_Meaning]:
    """Words of a step itself."""
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
    return found


def _words_of_commands(subject: Subject, step: InputStep, tag: str, known: _Known) -> _Commands:
    which = (_commands_of(step), tag)
    if which not in known:
        known[which] = _Commands(
            _Meaning(f"the command {key}", ("commands", key, "say"), normalized(phrase), is_command=True)
            for key, command in subject.commands_of(step).items()
            for phrase in (command.say.for_language(tag) if command.say else ())
        )
    return known[which]
