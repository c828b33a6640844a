"""A helper process that speaks: asked for one text at a time, ended when it takes too long and started again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from ivr.errors import SynthesisFailed
from ivr.helper_process import Answer, HelperProcess
from ivr.speech.wav_files import is_whole_wav

log = structlog.get_logger(__name__)


class SpeakingProcess:
    """Speaks one text at a time; safe to be called from several threads."""

    def __init__(
        self,
        command: Sequence[str],
        engine: str,
        remedies: Mapping[str, str],
        *,
        limit_s: float,
        start_limit_s: float = 20.0,
        rest_after_s: float = 60.0,
    ) -> None:
        """`remedies` has a sentence for each kind of refusal that no second try helps against."""
        self.limit_s = limit_s
        self._engine, self._remedies = engine, remedies
        self._helper = HelperProcess(command, start_limit_s=start_limit_s, rest_after_s=rest_after_s)

    def speak(self, request: Mapping[str, object], text: str, wav: Path) -> None:
        """Have `text` written to `wav`; `request` says how. Raises SynthesisFailed, which never holds the text."""
        wav.unlink(missing_ok=True)
        self._check(self._ask({**request, "text": speakable(text), "wav": str(wav.absolute())}))
        check_sound(wav)

    def _ask(self, request: Mapping[str, object]) -> Answer:
        if self._helper.is_closed:
            raise SynthesisFailed("the synthesizer is closed")
        try:
            return self._helper.ask(request, self.limit_s)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            log.warning("synthesizer_restarted", engine=self._engine, error=type(error).__name__, limit_s=self.limit_s)
            what = f"hung for {self.limit_s:g} s" if isinstance(error, TimeoutError) else "ended"
            raise SynthesisFailed(
                f"the synthesizer {what} and was started again; try once more", retryable=True
            ) from error

    def _check(self, answer: Answer) -> None:
        if answer.get("ok"):
            return
        reason = str(answer.get("reason", "no reason given"))
        if remedy := self._remedies.get(str(answer.get("kind"))):
            raise SynthesisFailed(remedy.format(reason=reason))
        raise SynthesisFailed(f"the synthesizer failed ({reason}); try once more", retryable=True)

    def wake(self) -> None:
        """Start the process, and do not wait for it."""
        self._helper.wake()

    def rest(self) -> None:
        """End the process until the next text. Waits for a text in progress, at most `limit_s`."""
        self._helper.rest()

    def close(self) -> None:
        """End the process. Idempotent; waits for a text in progress, at most `limit_s`."""
        self._helper.close()


def speakable(text: str) -> str:
    """The text without zero characters, at which engines end. Raises SynthesisFailed where there is none."""
    text = text.replace("\0", " ")
    if not text.strip():
        raise SynthesisFailed("there is no text to speak; a prompt needs words")
    return text


def check_sound(wav: Path) -> None:
    """Raises SynthesisFailed where an engine made no sound."""
    if not is_whole_wav(wav):
        raise SynthesisFailed("the synthesizer made no sound of a text; a prompt needs words")


def voice_in(voices: Mapping[str, str], language: str) -> str:
    """The voice of a language ("de-AT" finds "de-at", then "de"); empty where there is none. Keys in lower case."""
    tag = language.lower().replace("_", "-")
    return voices.get(tag) or voices.get(tag.split("-")[0]) or ""
