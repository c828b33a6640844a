"""`ivr.ports.Synthesizer` on any program of the command line: one run per text, never through a shell."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import structlog

from ivr.errors import SynthesisFailed
from ivr.flow.segments import Speech
from ivr.speech.manner import manner_of
from ivr.speech.speaking_process import check_sound, speakable, voice_in
from ivr.speech.wav_files import mend_streamed_wav

log = structlog.get_logger(__name__)

_PLACEHOLDER = re.compile(r"\{(text|voice|rate|stretch|file)\}")
_USUAL_WPM = 160
_END_LIMIT_S = 1.0


class CommandSynthesizer:
    """Several texts may be spoken at once, each by a process of its own."""

    def __init__(
        self,
        name: str,
        run: Sequence[str],
        voices: Mapping[str, str],
        *,
        rate_wpm: int = _USUAL_WPM,
        limit_s: float = 10.0,
    ) -> None:
        """`run` is program and arguments, with placeholders; see `ivr.config_speaking.CommandSettings`."""
        self.name = f"{name}@{rate_wpm}/{zlib.crc32(repr(tuple(run)).encode()):08x}"
        self._label, self._run = name, tuple(run)
        self._voices = {tag.lower(): voice for tag, voice in voices.items()}
        self._rate_wpm, self._limit_s = rate_wpm, limit_s
        self._takes_text_by_argument = "{text}" in "".join(run)
        self._writes_file = "{file}" in "".join(run)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def voice_for(self, language: str) -> str:
        """The voice of a language. Raises SynthesisFailed where none is named for it."""
        if voice := voice_in(self._voices, language):
            return voice
        raise SynthesisFailed(
            f"{self._label} has no voice for language {language!r}; name one under speech.commands.{self._label}.voices"
        )

    def synthesize(self, speech: Speech, wav: Path) -> None:
        """Write the spoken text to `wav`. Raises SynthesisFailed, which never holds the text."""
        text = speakable(speech.text)
        if speech.is_sensitive and self._takes_text_by_argument:
            raise SynthesisFailed(
                f"{self._label} takes its text as an argument, which every user of this machine can see; for what is "
                "sensitive leave {text} out of speech.commands: the text then comes on standard input"
            )
        arguments = self._arguments(text, speech, wav)
        wav.unlink(missing_ok=True)
        if self._writes_file:
            self._speak(arguments, text, None)
        else:
            with wav.open("wb") as file:
                self._speak(arguments, text, file)
            mend_streamed_wav(wav)
        check_sound(wav)

    def _arguments(self, text: str, speech: Speech, wav: Path) -> list[str]:
        rate = manner_of(speech).rate * self._rate_wpm
        values = {
            "text": f" {text}" if text.startswith("-") else text,  # or the program would take it for an option
            "voice": self.voice_for(speech.language),
            "rate": str(round(rate)),
            "stretch": f"{_USUAL_WPM / rate:.3f}",
            "file": str(wav.absolute()),
        }
        return [_PLACEHOLDER.sub(lambda found: values[found[1]], argument) for argument in self._run]

    def _speak(self, arguments: Sequence[str], text: str, output: IO[bytes] | None) -> None:
        process = self._start(arguments, output)
        try:
            process.communicate(b"" if self._takes_text_by_argument else text.encode(), self._limit_s)
        except subprocess.TimeoutExpired as error:
            log.warning("synthesizer_ended", engine=self._label, limit_s=self._limit_s)
            raise SynthesisFailed(
                f"{self._label} hung for {self._limit_s:g} s and was ended; try once more", retryable=True
            ) from error
        finally:
            self._end(process)
        if process.returncode != 0:
            raise SynthesisFailed(
                f"{self._label} failed with status {process.returncode}; run {self._run[0]} by hand to see why",
                retryable=True,
            )

    def _start(self, arguments: Sequence[str], output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_closed:
                raise SynthesisFailed("the synthesizer is closed")
            try:
                process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.PIPE,
                    stdout=output or subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # might hold the text
                    start_new_session=True,
                )
            except OSError as error:
                raise SynthesisFailed(
                    f"{self._label}: {self._run[0]} cannot be started ({error.strerror}); install it, or correct "
                    f"speech.commands.{self._label}.run"
                ) from error
            self._running.add(process)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """With all that it started."""
        with self._lock:
            self._running.discard(process)
        if process.poll() is None:
            _kill(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_LIMIT_S)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def wake(self) -> None:
        """Nothing: each text has a process of its own."""

    def rest(self) -> None:
        """Nothing: no process outlives its text."""

    def close(self) -> None:
        """End what runs. Idempotent."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
