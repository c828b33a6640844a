"""`ivr.ports.Synthesizer` on pyttsx3 and espeak-ng, in a helper process that is ended when it takes too long."""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from ivr.errors import SynthesisFailed
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.pcm import is_whole_wav

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
        self._start_limit_s = start_limit_s
        self._rest_after_s = rest_after_s
        self._rest_timer: threading.Timer | None = None
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._helper: _Helper | None = None
        self._is_closed = False

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
        with self._lock:
            answer = self._ask(request)
            self._rest_later()
        self._check(answer)
        if not is_whole_wav(wav):
            raise SynthesisFailed("the synthesizer made no sound of a text; a prompt needs words")

    def _ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        if self._is_closed:
            raise SynthesisFailed("the synthesizer is closed")
        try:
            if self._helper is None:
                self._helper = _Helper(self._command)
                self._check(self._helper.read(self._start_limit_s))
            return self._helper.ask(request, self._limit_s)
        except (TimeoutError, OSError, ValueError) as error:
            self._end_helper()
            log.warning("synthesizer_restarted", error=type(error).__name__, limit_s=self._limit_s)
            what = f"hung for {self._limit_s:g} s" if isinstance(error, TimeoutError) else "ended"
            raise SynthesisFailed(
                f"the synthesizer {what} and was started again; try once more", retryable=True
            ) from error
        except SynthesisFailed:
            self._end_helper()
            raise

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
        with self._lock:
            self._end_helper()

    def _rest_later(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
        self._rest_timer = threading.Timer(self._rest_after_s, self.rest)
        self._rest_timer.daemon = True
        self._rest_timer.start()

    def _end_helper(self) -> None:
        timer, self._rest_timer = self._rest_timer, None
        if timer is not None:
            timer.cancel()
        helper, self._helper = self._helper, None
        if helper is not None:
            helper.kill()

    def close(self) -> None:
        """End the helper process. Idempotent; waits for a text in progress, at most `limit_s`."""
        with self._lock:
            self._is_closed = True
            self._end_helper()


class _Helper:
    """The process and its two pipes."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._buffer = b""

    def ask(self, request: Mapping[str, object], limit_s: float) -> dict[str, Any]:
        """Send a line, wait for the answer. Raises TimeoutError, OSError (the process is gone), ValueError."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return self.read(limit_s)

    def read(self, limit_s: float) -> dict[str, Any]:
        """Wait for one line."""
        assert self._process.stdout is not None
        deadline_s = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(deadline_s - time.monotonic(), 0)):
                    raise TimeoutError
                piece = self._process.stdout.read(4096)
                if not piece:
                    raise BrokenPipeError("the helper process ended")
                self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("the helper process answered nonsense")
        return answer

    def kill(self) -> None:
        """End the process and close the pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
