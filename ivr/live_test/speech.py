"""The caller's voice: another one than the bot's, rendered once and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import platformdirs

from ivr.config import Settings
from ivr.flow.segments import Speech
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.recording import read_wav

VARIANT = "+f3"
"""espeak-ng's variant for a caller: a woman's voice."""
RATE_WPM = 140
MURMUR = "la la la la la la la la"
RATE_HZ = 8000


class CallersVoice:
    """Speaks phrases into files."""

    def __init__(self, store: FilePromptStore) -> None:
        self._store = store

    async def file(self, text: str, language: str) -> Path:
        """A file that says it (mono, 16 bit, 8 kHz). Raises SynthesisFailed."""
        (path,) = await self._store.render([Speech(text, language)])
        return path

    async def murmur(self, language: str, lasting_s: float) -> Pcm:
        """What is taken for speech (8 kHz). Raises SynthesisFailed."""
        sound = read_wav(await self.file(MURMUR, language))
        return np.resize(sound, round(lasting_s * RATE_HZ))


@contextmanager
def callers_voice(settings: Settings, languages: Iterable[str], voice: str = "") -> Iterator[CallersVoice]:
    """A voice for some languages; `voice` is an espeak-ng voice for all of them."""
    voices = {language: voice or other_voice(settings.speech.voices.get(language), language) for language in languages}
    synthesizer = Pyttsx3Synthesizer(voices=voices, rate_wpm=RATE_WPM)
    store = FilePromptStore(synthesizer, Path(platformdirs.user_cache_dir("ivr")) / "callers")
    try:
        yield CallersVoice(store)
    finally:
        store.close()
        synthesizer.close()


def other_voice(bots: str | None, language: str) -> str:
    """A voice that is not the bot's."""
    usual = espeak_voice(language.lower()) or language
    name = (bots or usual).partition("+")[0]
    return f"{name}{'+m3' if bots and bots.endswith(VARIANT) else VARIANT}"
