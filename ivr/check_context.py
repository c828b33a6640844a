"""What the check of a flow knows about this machine: targets, recordings, what the recognizer can hear.

Reads files, and asks a helper process how words are pronounced; no engine is started, and none needs to be installed.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from ivr.config import Settings
from ivr.config_queues import QueueSettings, overflow_way
from ivr.errors import Problem, Severity, SpeechError
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.checks.queue_context import QueueContext
from ivr.flow.checks.services import HostContext, ServicesContext
from ivr.flow.loader import LoadedFlow
from ivr.flow.program import flows_run_by
from ivr.flows import FlowSet, library, load_folder, runnable_by
from ivr.immutable import immutable
from ivr.speech.grammar import compound_of
from ivr.speech.model_store import words_file
from ivr.speech.pronunciation import Pronouncer
from ivr.speech.substitutes import SubstituteFinder, Substitutes, Wanted

SOUNDS_PREFIX = "sounds/"
"""How flows name the folder of the recordings, wherever it is."""


@immutable
class Surroundings:
    """The context of a check, and remarks for the operator on what could not be looked at."""

    context: CheckContext
    known_notes: tuple[str, ...] = ()
    pronouncer: Pronouncer | None = None
    finder: SubstituteFinder | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the operator; to be asked for before the end, and best after the check: it waits for espeak."""
        problem = self.pronouncer.problem() if self.pronouncer is not None else None
        remark = () if problem is None else (f"words that sound alike were not looked for: {problem}",)
        return (*self.known_notes, *remark)

    def close(self) -> None:
        """End the helper processes, which otherwise end after some seconds without a question."""
        if self.pronouncer is not None:
            self.pronouncer.close()
        if self.finder is not None:
            self.finder.close()


def surroundings_of(settings: Settings) -> Surroundings:
    """The world around the flows of these settings."""
    pronouncer = None if settings.speech.recognizer == "none" else Pronouncer()
    if pronouncer is not None:
        pronouncer.wake()
    models, notes = _models(settings)
    vocabularies = {tag: _words(model) for tag, model in models.items()}
    finder = SubstituteFinder(Path(settings.speech.cache_dir) if settings.speech.cache_dir else None)
    sounds = Path(settings.sounds)
    context = CheckContext(
        targets=frozenset(settings.targets),
        sound_problem=lambda play: sound_problem(sounds, play),
        knows_word=(lambda language, word: _knows(vocabularies[_primary(language)], word)) if vocabularies else None,
        substitutes=_look_up(finder, models) if models else None,
        pronounce=pronouncer,
        languages_with_model=frozenset(vocabularies) if vocabularies else None,
        services=services_context(settings),
        queues=queues_context(settings.queues),
    )
    return Surroundings(context, notes, pronouncer, finder)


def _look_up(
    finder: SubstituteFinder, models: Mapping[str, Path]
) -> Callable[[str, Sequence[str], Sequence[str]], Substitutes]:
    def look_up(language: str, words: Sequence[str], phrases: Sequence[str]) -> Substitutes:
        tag = _primary(language)
        return finder.find(Wanted(models[tag], tag, tuple(words), tuple(phrases)))

    return look_up


def _knows(vocabulary: Container[str], word: str) -> bool:
    """Whether a word can be heard, if need be as the two words that it is made of."""
    return word in vocabulary or compound_of(word, vocabulary.__contains__) is not None


def services_context(settings: Settings) -> ServicesContext:
    """What flows may reach beyond the call."""
    mail, requests = settings.send.mail, settings.requests
    return ServicesContext(
        hosts={
            name: HostContext(
                requests.allow_private if host.allow_private is None else host.allow_private, host.allow_http
            )
            for name, host in requests.hosts.items()
        },
        calendars=frozenset(settings.calendars),
        webhooks=frozenset(settings.send.webhooks),
        recipients=frozenset(mail.recipients) if mail else frozenset(),
        has_mail=mail is not None,
        takes_addresses=bool(mail and mail.allowed_domains),
        video=frozenset(settings.video),
    )


def queues_context(queues: Mapping[str, QueueSettings]) -> dict[str, QueueContext]:
    """The queues in which callers can wait."""
    return {name: _queue_context(queues, name) for name in queues}


def _queue_context(queues: Mapping[str, QueueSettings], name: str) -> QueueContext:
    way = [queues[each] for each in overflow_way(queues, name)]
    return QueueContext(
        calls_back=queues[name].callback_via is not None and queues[name].callback_tries > 0,
        can_be_full=all(queue.max_length is not None for queue in way),
        can_take_too_long=any(queue.max_wait > 0 for queue in way),
        skills=frozenset(queues[name].skills),
    )


def _primary(language: str) -> str:
    return language.split("-")[0]


def sound_problem(sounds: Path, play: str) -> str | None:
    """What is wrong with the recording that a flow calls `play`, or None. Any uncompressed WAV can be played."""
    file = sounds / PurePosixPath(play.removeprefix(SOUNDS_PREFIX))
    if not file.is_file():
        return f"there is no recording {file}; record it, or correct the name"
    try:
        with wave.open(str(file), "rb") as opened:
            is_empty = opened.getnframes() == 0
    except (wave.Error, EOFError, OSError) as error:
        return f"{file} cannot be played ({error or 'cut off'}); save it as uncompressed WAV (PCM)"
    return f"{file} holds no sound; record it again" if is_empty else None


def _models(settings: Settings) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Models with a list of words, by primary language; none where one lacks it."""
    if settings.speech.recognizer == "none":
        return {}, ("speech.recognizer is none: spoken words were not checked",)
    try:
        from ivr.speech.model_store import configured_models
    except ImportError as error:
        return {}, (f"spoken words were not checked: {error}",)
    try:
        models = {tag: model.path for tag, model in configured_models(settings.speech.models).items()}
    except SpeechError as error:
        return {}, (f"spoken words were not checked: {error}",)
    unlisted = [tag for tag, path in models.items() if not _words(path)]
    if unlisted:
        remark = f"spoken words in {', '.join(unlisted)} were not checked: the model has no graph/words.txt"
        return {}, (remark,)
    return models, ()


@lru_cache(maxsize=8)
def _words(model: Path) -> frozenset[str]:
    file = words_file(model)
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    return frozenset(line.split()[0] for line in lines if line.strip())


def check_set(flows: Mapping[str, LoadedFlow], context: CheckContext) -> dict[str, list[Problem]]:
    """The problems of each flow of a set that would be in service together."""
    own = {name: loaded.flow for name, loaded in flows.items()}
    worlds = {name: replace(context, flows=runnable_by(name, own)) for name in flows}
    return {name: check_flow(loaded, worlds[name]) for name, loaded in flows.items()}


def check_in(surroundings: Surroundings) -> Callable[[Mapping[str, LoadedFlow]], dict[str, list[Problem]]]:
    """The check of a set of flows in these surroundings."""
    return lambda flows: check_set(flows, surroundings.context)


def flows_in_service(settings: Settings) -> FlowSet:
    """The flows of the settings' folder that pass the check; the problems of all, warnings too, are beside them."""
    found = load_folder(Path(settings.flows))
    surroundings = surroundings_of(settings)
    sound, problems = sound_flows(found.flows, surroundings.context)
    surroundings.close()
    return FlowSet(sound, (*found.problems, *problems))


def sound_flows(
    loaded: Mapping[str, LoadedFlow], context: CheckContext
) -> tuple[dict[str, LoadedFlow], tuple[Problem, ...]]:
    """The flows without errors, and the problems of all; a flow that runs one with errors has an error itself."""
    sound, problems = dict(loaded), dict[str, list[Problem]]()
    waiting = list(loaded)
    while waiting:
        world = replace(context, flows={**library(), **{name: each.flow for name, each in sound.items()}})
        problems |= {name: check_flow(loaded[name], world) for name in waiting}
        bad = {name for name in waiting if any(found.severity is Severity.ERROR for found in problems[name])}
        sound = {name: each for name, each in sound.items() if name not in bad}
        waiting = [name for name, each in sound.items() if bad & set(flows_run_by(each.flow))]
    return sound, tuple(problem for each in problems.values() for problem in each)
