"""PCM and WAV arithmetic: read any WAV, resample, trim, level, write telephone-ready files.

Audio inside is mono float32 from -1.0 to 1.0; files are mono 16-bit.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from ivr.errors import MediaFailed
from ivr.speech.wav_files import write_pcm16

Samples = npt.NDArray[np.float32]

_FRAME_S = 0.02
_ACTIVE_BELOW_PEAK_DB = 30.0
_LOUDEST_GAIN_DB = 40.0
_KNEE = 0.7  # about -3 dBFS; louder samples are bent towards _CEILING
_CEILING = 0.98


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono samples and their rate."""

    samples: Samples
    sample_rate_hz: int

    @property
    def duration_s(self) -> float:
        """Length."""
        return len(self.samples) / self.sample_rate_hz

    def pcm16(self) -> bytes:
        """Mono 16-bit little-endian bytes."""
        return (np.clip(self.samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()


def from_pcm16(pcm: bytes, sample_rate_hz: int) -> Audio:
    """Audio from mono 16-bit little-endian bytes."""
    return Audio(np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768.0), sample_rate_hz)


def silence(duration_s: float, sample_rate_hz: int) -> Audio:
    """Digital silence."""
    return Audio(np.zeros(max(round(duration_s * sample_rate_hz), 1), dtype=np.float32), sample_rate_hz)


def read_wav(path: Path) -> Audio:
    """Read a WAV of any rate, 8 to 32 bits, mixed down to mono. Raises MediaFailed."""
    try:
        with wave.open(str(path), "rb") as file:
            params = file.getparams()
            raw = file.readframes(params.nframes)
    except FileNotFoundError as error:
        raise MediaFailed(f"{path}: no such file; check the path") from error
    except (wave.Error, EOFError, OSError) as error:
        reason = str(error) or "it ends too early"
        raise MediaFailed(f"{path}: not a WAV file that can be read ({reason}); save it as PCM WAV") from error
    samples = _decode(raw, params.sampwidth, path)
    whole = len(samples) - len(samples) % params.nchannels
    if not whole or params.framerate < 1000:
        raise MediaFailed(f"{path}: holds no audio; record it again")
    mono = samples[:whole].reshape(-1, params.nchannels).mean(axis=1).astype(np.float32)
    return Audio(mono, params.framerate)


def _decode(raw: bytes, width_bytes: int, path: Path) -> Samples:
    raw = raw[: len(raw) - len(raw) % width_bytes]
    if width_bytes == 1:  # the one unsigned format of WAV
        return (np.frombuffer(raw, dtype=np.uint8).astype(np.float32) - 128.0) / np.float32(128.0)
    if width_bytes == 2:
        return np.frombuffer(raw, dtype="<i2").astype(np.float32) / np.float32(2**15)
    if width_bytes == 3:
        padded = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
        padded[:, 1:] = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3)
        return padded.view("<i4").ravel().astype(np.float32) / np.float32(2**31)
    if width_bytes == 4:
        return np.frombuffer(raw, dtype="<i4").astype(np.float32) / np.float32(2**31)
    raise MediaFailed(f"{path}: samples of {width_bytes} bytes; save it as 16-bit PCM WAV")


def write_wav(path: Path, audio: Audio) -> None:
    """Write mono 16-bit. Raises MediaFailed."""
    write_pcm16(path, audio.pcm16(), audio.sample_rate_hz)


def resample(audio: Audio, sample_rate_hz: int) -> Audio:
    """The same audio at another rate."""
    if audio.sample_rate_hz == sample_rate_hz:
        return audio
    samples = soxr.resample(audio.samples, audio.sample_rate_hz, sample_rate_hz)
    return Audio(np.asarray(samples, dtype=np.float32), sample_rate_hz)


def pad(audio: Audio, duration_s: float) -> Audio:
    """Silence added on both sides."""
    return Audio(np.pad(audio.samples, round(duration_s * audio.sample_rate_hz)), audio.sample_rate_hz)


def frame_levels_dbfs(audio: Audio) -> npt.NDArray[np.float64]:
    """RMS of each 20 ms frame, relative to full scale; a shorter rest is left out unless it is all there is."""
    frame = max(round(audio.sample_rate_hz * _FRAME_S), 1)
    whole = len(audio.samples) - len(audio.samples) % frame or len(audio.samples)
    frames = audio.samples[:whole].reshape(-1, min(frame, max(whole, 1))).astype(np.float64)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-12))
    return levels


def active_level_dbfs(audio: Audio) -> float:
    """RMS of the frames that hold speech: those within 30 dB of the loudest. -120 for silence."""
    levels = frame_levels_dbfs(audio)
    if not levels.size:
        return -120.0
    active = levels[levels >= levels.max() - _ACTIVE_BELOW_PEAK_DB]
    return float(10 * np.log10(np.mean(10 ** (active / 10))))


def trim(audio: Audio, keep_s: float = 0.04, threshold_db: float = 45.0) -> Audio:
    """Cut silence (`threshold_db` below the loudest frame) from both ends, leaving `keep_s` of it."""
    levels = frame_levels_dbfs(audio)
    loud = np.flatnonzero(levels >= max(levels.max() - threshold_db, -75.0)) if levels.size else np.array([])
    if not loud.size:
        return audio
    frame = round(audio.sample_rate_hz * _FRAME_S)
    keep = round(keep_s * audio.sample_rate_hz)
    begin = max(int(loud[0]) * frame - keep, 0)
    end = len(audio.samples) if loud[-1] == len(levels) - 1 else (int(loud[-1]) + 1) * frame + keep
    return Audio(audio.samples[begin:end], audio.sample_rate_hz)


def level(audio: Audio, loudness_dbfs: float) -> Audio:
    """Bring active speech to `loudness_dbfs` RMS; peaks are bent below full scale, never cut off."""
    measured = active_level_dbfs(audio)
    if measured <= -90.0:
        return audio
    samples = audio.samples
    for _ in range(2):  # bending the peaks costs some level: corrected once
        gain_db = min(loudness_dbfs - active_level_dbfs(Audio(samples, audio.sample_rate_hz)), _LOUDEST_GAIN_DB)
        samples = _soft_limit(samples * np.float32(10 ** (gain_db / 20)))
    return Audio(samples, audio.sample_rate_hz)


def _soft_limit(samples: Samples) -> Samples:
    """Identity up to the knee, from there a smooth bend that never reaches the ceiling."""
    size = np.abs(samples)
    room = _CEILING - _KNEE
    bent = np.sign(samples) * (_KNEE + room * np.tanh((size - _KNEE) / room))
    return np.where(size <= _KNEE, samples, bent).astype(np.float32)


def telephone_ready(audio: Audio, sample_rate_hz: int, loudness_dbfs: float, *, is_trimmed: bool = True) -> Audio:
    """The telephone's rate and an even level; `is_trimmed` takes the synthesizer's silence from both ends."""
    converted = resample(audio, sample_rate_hz)
    return level(trim(converted) if is_trimmed else converted, loudness_dbfs)
