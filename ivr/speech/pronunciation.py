"""How words are pronounced, asked of espeak-ng in a helper process: it ends when the check does."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ivr.helper_process import Answer, HelperProcess
from ivr.speech.espeak_voices import espeak_voice

WORKER_COMMAND = (sys.executable, "-I", "-S", str(Path(__file__).with_name("pronunciation_worker.py")))
"""Without site packages: it starts in a third of the time."""
LIMIT_S = 10.0
"""For one request; a thousand phrases take 0.04 s."""
REST_AFTER_S = 1.0


class Pronouncer:
    """Pronunciations by language, each asked for once. The process (10 MB) starts with the first question."""

    def __init__(self, command: Sequence[str] = WORKER_COMMAND) -> None:
        """Starts nothing yet."""
        self._helper = HelperProcess(command, rest_after_s=REST_AFTER_S)
        self._known: dict[tuple[str, str], str] = {}
        self._is_tried = False
        self._problem: str | None = None

    def wake(self) -> None:
        """Start the process, which takes 70 ms, and do not wait for it."""
        self._helper.wake()

    def problem(self) -> str | None:
        """Why nothing can be pronounced here, or None."""
        if self._is_tried:
            return self._problem
        answer = self._ask("en-us", ())
        self._is_tried = True
        self._problem = None if answer.get("ok") else str(answer.get("reason", "espeak-ng does not work"))
        return self._problem

    def __call__(self, language: str, phrases: Sequence[str]) -> Mapping[str, str]:
        """Phrase to its sounds in the International Phonetic Alphabet, without stress.

        What cannot be pronounced (no voice for the language, no library) is absent.
        """
        if self.problem() is not None:
            return {}
        voice = espeak_voice(language)
        new = [phrase for phrase in dict.fromkeys(phrases) if (voice, phrase) not in self._known]
        if voice and new:
            answer = self._ask(voice, new)
            sounds = answer["ipa"] if answer.get("ok") else [""] * len(new)
            self._known.update(zip(((voice, phrase) for phrase in new), sounds, strict=True))
        return {phrase: ipa for phrase in phrases if (ipa := self._known.get((voice, phrase)))}

    def _ask(self, voice: str, texts: Sequence[str]) -> Answer:
        try:
            return self._helper.ask({"voice": voice, "texts": list(texts)}, LIMIT_S)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            return {"ok": False, "reason": f"the helper process of espeak-ng failed ({type(error).__name__})"}

    def close(self) -> None:
        """End the process for good. Idempotent."""
        self._helper.close()
