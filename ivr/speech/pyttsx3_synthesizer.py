"""`ivr.ports.Synthesizer` on pyttsx3 and espeak-ng, in a helper process that is ended when it takes too long."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ivr.errors import SynthesisFailed
from ivr.flow.segments import Speech
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.manner import manner_of
from ivr.speech.speaking_process import SpeakingProcess, voice_in

# By its path, and with nothing of ours importable: it starts faster and wherever the bot was started from.
WORKER_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("pyttsx3_worker.py")))
_REMEDIES = {
    "library": "espeak-ng cannot be used ({reason}); install the library (`apt install libespeak-ng1`); "
    "`ivr doctor` checks it",
    "voice": "{reason}; `espeak-ng --voices` lists them (--voice, or speech.voices in ivr.yaml)",
}
_USUAL_PITCH = 50
"""Of espeak-ng, on its scale from 0 to 99."""


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
        self._process = SpeakingProcess(
            command, "pyttsx3", _REMEDIES, limit_s=limit_s, start_limit_s=start_limit_s, rest_after_s=rest_after_s
        )

    def voice_for(self, language: str) -> str:
        """The espeak voice of a language. Raises SynthesisFailed for a language that espeak-ng does not speak."""
        if voice := voice_in(self._voices, language) or espeak_voice(language.replace("_", "-")):
            return voice
        raise SynthesisFailed(
            f"espeak-ng has no voice for language {language!r}; name one under speech.voices (`espeak-ng --voices`)"
        )

    def synthesize(self, speech: Speech, wav: Path) -> None:
        """Write the spoken text to `wav` (mono, 16-bit, 22.05 kHz). Raises SynthesisFailed."""
        manner = manner_of(speech)
        request = {
            "voice": self.voice_for(speech.language),
            "rate_wpm": round(self._rate_wpm * manner.rate),
            "pitch": round(_USUAL_PITCH * manner.pitch),
        }
        self._process.speak(request, speech.text, wav)

    def wake(self) -> None:
        """Start the helper process, and do not wait for it."""
        self._process.wake()

    def rest(self) -> None:
        """End the helper process until the next text. Waits for a text in progress, at most `limit_s`."""
        self._process.rest()

    def close(self) -> None:
        """End the helper process. Idempotent; waits for a text in progress, at most `limit_s`."""
        self._process.close()
