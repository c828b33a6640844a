"""`ivr.ports.Synthesizer` on Piper (`pip install 'ivr[piper]'`), in a helper process that holds the voices."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ivr.errors import SynthesisFailed
from ivr.flow.segments import Speech
from ivr.speech.manner import manner_of
from ivr.speech.speaking_process import SpeakingProcess, voice_in

WORKER_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("piper_worker.py")))
_REMEDIES = {
    "library": "Piper cannot be used ({reason}); install it: `pip install 'ivr[piper]'`",
    "voice": "Piper cannot load a voice ({reason}); download it anew",
}
_USUAL_WPM = 160
"""About what voices speak with their own length scale."""


class PiperSynthesizer:
    """Speaks one text at a time; safe to be called from several threads.

    The process starts with a text and loads each voice once; it ends when there has been no text for a while.
    """

    def __init__(
        self,
        voices_dir: Path,
        voices: Mapping[str, str],
        *,
        rate_wpm: int = _USUAL_WPM,
        limit_s: float = 10.0,
        command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        """`voices` maps language tags to names of voices, each a `NAME.onnx` and `NAME.onnx.json` in `voices_dir`."""
        self.name = f"piper@{rate_wpm}"
        self._voices_dir = voices_dir
        self._voices = {tag.lower(): voice for tag, voice in voices.items()}
        self._rate_wpm = rate_wpm
        self._process = SpeakingProcess(command, "piper", _REMEDIES, limit_s=limit_s)

    def voice_for(self, language: str) -> str:
        """The voice of a language. Raises SynthesisFailed where none is named for it."""
        if voice := voice_in(self._voices, language):
            return voice
        raise SynthesisFailed(f"Piper has no voice for language {language!r}; name one under speech.piper.voices")

    def synthesize(self, speech: Speech, wav: Path) -> None:
        """Write the spoken text to `wav` (mono, 16-bit, the voice's rate). Raises SynthesisFailed."""
        model = self._model(self.voice_for(speech.language))
        faster = manner_of(speech).rate * self._rate_wpm / _USUAL_WPM
        self._process.speak({"model": str(model), "length": 1 / faster}, speech.text, wav)

    def _model(self, voice: str) -> Path:
        if remedy := remedy_for_voice(self._voices_dir, voice):
            raise SynthesisFailed(remedy)
        return (self._voices_dir / f"{voice}.onnx").absolute()

    def wake(self) -> None:
        """Start the helper process, and do not wait for it."""
        self._process.wake()

    def rest(self) -> None:
        """End the helper process until the next text. Waits for a text in progress, at most `limit_s`."""
        self._process.rest()

    def close(self) -> None:
        """End the helper process. Idempotent; waits for a text in progress, at most `limit_s`."""
        self._process.close()


def remedy_for_voice(voices_dir: str | Path, voice: str) -> str:
    """What to do about a voice whose files are not there; empty where they are."""
    missing = [file for end in (".onnx", ".onnx.json") if not (file := Path(voices_dir) / (voice + end)).is_file()]
    if not missing:
        return ""
    return (
        f"Piper's voice {voice!r} is not there (no {missing[0]}); get it with "
        f"`python -m piper.download_voices {voice} --download-dir {voices_dir}`"
    )
