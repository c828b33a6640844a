"""The sound device of this machine: PortAudio through `sounddevice` where that is installed, else ALSA's programs."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from ivr.errors import ConfigError

RATE_HZ: Final = 8000
FRAME_BYTES: Final = RATE_HZ // 50 * 2
"""20 ms of mono 16-bit samples."""
_RAW: Final = ("-q", "-t", "raw", "-f", "S16_LE", "-r", str(RATE_HZ), "-c", "1")


class Sound(Protocol):
    """Loudspeaker and microphone: mono, 16 bit, 8 kHz, as on the telephone."""

    def play(self, pcm: bytes) -> None:
        """Begin to play; what is playing stops."""

    def stop(self) -> None:
        """Silence."""

    def record(self, write: Callable[[bytes], object]) -> None:
        """Give every 20 ms of the microphone to `write`, on another thread, until it is closed."""

    def close(self) -> None:
        """Let the device go."""


def open_sound() -> Sound:
    """The device. Raises ConfigError with what to do where there is none."""
    with contextlib.suppress(ImportError, OSError):  # without PortAudio's library the import is an OSError
        return PortAudio()
    if shutil.which("aplay") and shutil.which("arecord"):
        found = subprocess.run(["arecord", "-l"], capture_output=True, text=True, check=False)
        if found.returncode == 0 and "card" in found.stdout:
            return Alsa()
        raise ConfigError("--voice: this machine has no microphone; plug one in, or leave --voice out and type")
    raise ConfigError(
        "--voice: there is no way to a sound device here; install alsa-utils (apt install alsa-utils), or "
        "`pip install 'ivr[voice]'` with libportaudio2, or leave --voice out and type"
    )


class Alsa:
    """`aplay` and `arecord`."""

    def __init__(self) -> None:
        self._player: subprocess.Popen[bytes] | None = None
        self._recorder: subprocess.Popen[bytes] | None = None

    def play(self, pcm: bytes) -> None:
        """A program per prompt, so that it can be cut."""
        self.stop()
        self._player = player = subprocess.Popen(["aplay", *_RAW], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        threading.Thread(target=_write_all, args=(player, pcm), name="aplay", daemon=True).start()

    def stop(self) -> None:
        """End the program."""
        player, self._player = self._player, None
        if player is not None:
            player.kill()
            player.wait()

    def record(self, write: Callable[[bytes], object]) -> None:
        """One program for the whole call."""
        self._recorder = recorder = subprocess.Popen(
            ["arecord", *_RAW], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        threading.Thread(target=_read_all, args=(recorder, write), name="arecord", daemon=True).start()

    def close(self) -> None:
        """End both."""
        self.stop()
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.kill()
            recorder.wait()


def _write_all(player: subprocess.Popen[bytes], pcm: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # it was cut
        assert player.stdin is not None
        player.stdin.write(pcm)
        player.stdin.close()


def _read_all(recorder: subprocess.Popen[bytes], write: Callable[[bytes], object]) -> None:
    assert recorder.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        while len(frame := recorder.stdout.read(FRAME_BYTES)) == FRAME_BYTES:
            write(frame)


class PortAudio:
    """`sounddevice`. Raises ImportError or OSError where it cannot be used."""

    def __init__(self) -> None:
        import sounddevice

        self._library: Any = sounddevice
        if not sounddevice.query_devices():
            raise OSError("no sound device")
        self._input: Any = None

    def play(self, pcm: bytes) -> None:
        """In the background."""
        import numpy as np

        self._library.play(np.frombuffer(pcm, dtype="<i2"), RATE_HZ)

    def stop(self) -> None:
        """Cut it."""
        self._library.stop()

    def record(self, write: Callable[[bytes], object]) -> None:
        """By PortAudio's own thread."""
        self._input = self._library.RawInputStream(
            samplerate=RATE_HZ,
            channels=1,
            dtype="int16",
            blocksize=FRAME_BYTES // 2,
            callback=lambda data, frames, at, status: write(bytes(data)),
        )
        self._input.start()

    def close(self) -> None:
        """Stop both."""
        self.stop()
        if self._input is not None:
            self._input.close()


def pcm_of(files: Sequence[Path]) -> bytes:
    """The samples of WAV files (mono, 16 bit, 8 kHz) one after the other."""
    import wave

    parts = []
    for file in files:
        with wave.open(str(file), "rb") as opened:
            parts.append(opened.readframes(opened.getnframes()))
    return b"".join(parts)
