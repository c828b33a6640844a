"""What the check of a flow knows about this machine: targets, recordings, what the recognizer can hear.

Reads files only; no engine is started, and none needs to be installed.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from ivr.config import Settings
from ivr.errors import Problem, Severity, SpeechError
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import LoadedFlow
from ivr.flows import FlowSet, load_folder

SOUNDS_PREFIX = "sounds/"
"""How flows name the folder of the recordings, wherever it is."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The context of a check, and remarks for the operator on what could not be looked at."""

    context: CheckContext
    notes: tuple[str, ...] = ()


def surroundings_of(settings: Settings) -> Surroundings:
    """The world around the flows of these settings."""
    vocabularies, notes = _vocabularies(settings)
    sounds = Path(settings.sounds)
    context = CheckContext(
        targets=frozenset(settings.targets),
        sound_problem=lambda play: sound_problem(sounds, play),
        knows_word=(lambda language, word: word in vocabularies[_primary(language)]) if vocabularies else None,
        languages_with_model=frozenset(vocabularies) if vocabularies else None,
    )
    return Surroundings(context, notes)


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


def _vocabularies(settings: Settings) -> tuple[dict[str, frozenset[str]], tuple[str, ...]]:
    """Words by primary language, for every language that has a model."""
    if settings.speech.recognizer == "none":
        return {}, ("speech.recognizer is none: spoken words were not checked",)
    try:
        from ivr.speech.model_store import configured_models
    except ImportError as error:
        return {}, (f"spoken words were not checked: {error}",)
    try:
        models = configured_models(settings.speech.models)
    except SpeechError as error:
        return {}, (f"spoken words were not checked: {error}",)
    words = {tag: _words(model.path) for tag, model in models.items()}
    unlisted = [tag for tag, found in words.items() if not found]
    if unlisted:
        remark = f"spoken words in {', '.join(unlisted)} were not checked: the model has no graph/words.txt"
        return {}, (remark,)
    return words, ()


@lru_cache(maxsize=8)
def _words(model: Path) -> frozenset[str]:
    for file in (model / "graph" / "words.txt", model / "words.txt"):
        if file.is_file():
            lines = file.read_text(encoding="utf-8").splitlines()
            return frozenset(line.split()[0] for line in lines if line.strip())
    return frozenset()


def check_set(flows: Mapping[str, LoadedFlow], context: CheckContext) -> dict[str, list[Problem]]:
    """The problems of each flow of a set that would be in service together."""
    return {name: check_flow(loaded, context) for name, loaded in flows.items()}


def check_in(surroundings: Surroundings) -> Callable[[Mapping[str, LoadedFlow]], dict[str, list[Problem]]]:
    """The check of a set of flows in these surroundings."""
    return lambda flows: check_set(flows, surroundings.context)


def flows_in_service(settings: Settings) -> FlowSet:
    """The flows of the settings' folder that pass the check; the problems of all, warnings too, are beside them."""
    found = load_folder(Path(settings.flows))
    context = surroundings_of(settings).context
    problems = check_set(found.flows, context)
    sound = {
        name: loaded
        for name, loaded in found.flows.items()
        if not any(problem.severity is Severity.ERROR for problem in problems[name])
    }
    return FlowSet(sound, (*found.problems, *(problem for each in problems.values() for problem in each)))
