"""`ivr.ports.Synthesizer` on pyttsx3 and espeak-ng, in a helper process that is ended when it takes too long."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from ivr.errors import SynthesisFailed
from ivr.helper_process import Answer, HelperProcess
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.wav_files import is_whole_wav

log = structlog.get_logger(__name__)

# By its path, and with nothing of ours importable: it starts faster and wherever the bot was started from.
WORKER_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("pyttsx3_worker.py")))
_REMEDY = "install the library (`apt install libespeak-ng1`); `ivr doctor` checks it"


class Pyttsx3Synthesizer:
    """Speaks one text at a time; safe to be called from several threads.

    The process (20 MB) starts with a text, in 0.2 s, and ends when there has been none for a while.
    """

    def __init__(
        self,
        *,
        voices: Mapping[str, str] | None = None,
        rate_wpm: int = 160,
        limit_s: float = 10.0,
        start_limit_s: float = 20.0,
        rest_after_s: float = 60.0,
        command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        """`voices` maps language tags to espeak voices (`de+f3`) that replace the usual ones; `limit_s` is per text."""
        self.name = f"pyttsx3@{rate_wpm}"
        self._voices = {tag.lower(): voice for tag, voice in (voices or {}).items()}
        self._rate_wpm = rate_wpm
        self._limit_s = limit_s
        self._helper = HelperProcess(command, start_limit_s=start_limit_s, rest_after_s=rest_after_s)

    def voice_for(self, language: str) -> str:
        """The espeak voice of a language. Raises SynthesisFailed for a language that espeak-ng does not speak."""
        tag = language.lower().replace("_", "-")
        if override := self._voices.get(tag) or self._voices.get(tag.split("-")[0]):
            return override
        if voice := espeak_voice(tag):
            return voice
        raise SynthesisFailed(
            f"espeak-ng has no voice for language {language!r}; name one under speech.voices (`espeak-ng --voices`)"
        )

    def synthesize(self, text: str, language: str, wav: Path) -> None:
        """Write the spoken text to `wav` (mono, 16-bit, 22.05 kHz). Raises SynthesisFailed."""
        if not text.strip():
            raise SynthesisFailed("there is no text to speak; a prompt needs words")
        request = {
            "text": text,
            "voice": self.voice_for(language),
            "rate_wpm": self._rate_wpm,
            "wav": str(wav.absolute()),
        }
        wav.unlink(missing_ok=True)
        self._check(self._ask(request))
        if not is_whole_wav(wav):
            raise SynthesisFailed("the synthesizer made no sound of a text; a prompt needs words")

    def _ask(self, request: Mapping[str, object]) -> Answer:
        if self._helper.is_closed:
            raise SynthesisFailed("the synthesizer is closed")
        try:
            return self._helper.ask(request, self._limit_s)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            log.warning("synthesizer_restarted", error=type(error).__name__, limit_s=self._limit_s)
            what = f"hung for {self._limit_s:g} s" if isinstance(error, TimeoutError) else "ended"
            raise SynthesisFailed(
                f"the synthesizer {what} and was started again; try once more", retryable=True
            ) from error

    def _check(self, answer: Mapping[str, Any]) -> None:
        if answer.get("ok"):
            return
        reason = answer.get("reason", "no reason given")
        if answer.get("kind") == "library":
            raise SynthesisFailed(f"espeak-ng cannot be used ({reason}); {_REMEDY}")
        if answer.get("kind") == "voice":
            raise SynthesisFailed(f"{reason}; `espeak-ng --voices` lists them (--voice, or speech.voices in ivr.yaml)")
        raise SynthesisFailed(f"the synthesizer failed ({reason}); try once more", retryable=True)

    def rest(self) -> None:
        """End the helper process until the next text. Waits for a text in progress, at most `limit_s`."""
        self._helper.rest()

    def close(self) -> None:
        """End the helper process. Idempotent; waits for a text in progress, at most `limit_s`."""
        self._helper.close()
