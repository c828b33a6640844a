"""The synthesizer that the settings name, and the engines that there are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ivr.config import SpeechSettings
from ivr.errors import ConfigError, SynthesisFailed
from ivr.flow.segments import Speech
from ivr.ports import Synthesizer
from ivr.speech.command_synthesizer import CommandSynthesizer
from ivr.speech.piper_synthesizer import PiperSynthesizer, remedy_for_voice
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer


def make_synthesizer(speech: SpeechSettings, engine: str = "") -> Synthesizer | None:
    """The engine of that name, else the one of the settings; None for `none`. Starts nothing yet.

    What another engine than pyttsx3 has no voice for is spoken by pyttsx3.
    """
    name = engine or speech.synthesizer
    if name == "none":
        return None
    usual = Pyttsx3Synthesizer(voices=speech.voices, rate_wpm=speech.rate_wpm, limit_s=speech.synthesis_limit)
    if name == "pyttsx3":
        return usual
    return ByLanguage(_other(speech, name), usual)


def _other(speech: SpeechSettings, name: str) -> Synthesizer:
    rate_wpm, limit_s = speech.rate_wpm, speech.synthesis_limit
    if name == "piper":
        piper = speech.piper
        return PiperSynthesizer(Path(piper.voices_dir), piper.voices, rate_wpm=rate_wpm, limit_s=limit_s)
    command = speech.commands[name]
    return CommandSynthesizer(name, command.run, command.voices, rate_wpm=rate_wpm, limit_s=limit_s)


def voices_of_engines(speech: SpeechSettings) -> dict[str, Mapping[str, str]]:
    """The engines of the settings by name, each with the voices that are named for it."""
    commands = {name: command.voices for name, command in speech.commands.items()}
    return {"pyttsx3": speech.voices, "piper": speech.piper.voices, **commands}


def with_voice(speech: SpeechSettings, engine: str, language: str, voice: str) -> SpeechSettings:
    """The settings, with another voice for a language of an engine. Raises ConfigError for an unknown engine."""
    engines = voices_of_engines(speech)
    if engine not in engines:
        raise ConfigError(f"there is no synthesizer {engine!r}; known are {', '.join(engines)} (`ivr say --engines`)")
    if not voice:
        return speech
    voices = {**engines[engine], language: voice}
    if engine == "pyttsx3":
        return speech.model_copy(update={"voices": voices})
    if engine == "piper":
        return speech.model_copy(update={"piper": speech.piper.model_copy(update={"voices": voices})})
    command = speech.commands[engine].model_copy(update={"voices": voices})
    return speech.model_copy(update={"commands": {**speech.commands, engine: command}})


def state_of(speech: SpeechSettings, engine: str) -> str:
    """Whether an engine could speak, as far as can be seen without trying; what to do where it could not."""
    if command := speech.commands.get(engine):
        program = command.run[0]
        return "ready" if shutil.which(program) else f"there is no program {program}; install it"
    if engine == "piper":
        if find_spec("piper") is None:
            return "not installed; `pip install 'ivr[piper]'`"
        missing = [voice for voice in speech.piper.voices.values() if remedy_for_voice(speech.piper.voices_dir, voice)]
        return remedy_for_voice(speech.piper.voices_dir, missing[0]) if missing else "ready"
    return "ready" if find_spec("pyttsx3") else "not installed; `pip install ivr`"


class ByLanguage:
    """An engine, and another one that speaks the languages for which it has no voice."""

    def __init__(self, engine: Synthesizer, other: Synthesizer) -> None:
        """Both are closed with it."""
        self.name = engine.name
        self._engine, self._other = engine, other
        self._is_other_needed = False
        """A prompt was asked for that only the other one speaks."""

    def voice_for(self, language: str) -> str:
        """The voice that speaks the language. Raises SynthesisFailed where neither engine has one."""
        try:
            return self._engine.voice_for(language)
        except SynthesisFailed:
            self._is_other_needed = True
            return f"{self._other.name}:{self._other.voice_for(language)}"

    def synthesize(self, speech: Speech, wav: Path) -> None:
        """Write the spoken text to `wav`. Raises SynthesisFailed."""
        try:
            self._engine.voice_for(speech.language)
        except SynthesisFailed:
            self._other.synthesize(speech, wav)
        else:
            self._engine.synthesize(speech, wav)

    def wake(self) -> None:
        """Start what speaks most, and the other one where a prompt needs it."""
        self._engine.wake()
        if self._is_other_needed:
            self._other.wake()

    def rest(self) -> None:
        """End helper processes until the next text."""
        self._engine.rest()
        self._other.rest()

    def close(self) -> None:
        """End helper processes. Idempotent."""
        self._engine.close()
        self._other.close()
