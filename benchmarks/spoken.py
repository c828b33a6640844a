"""What callers say: recordings of people and synthesized voices, and what noise and a telephone line do to it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivr.flow.segments import Speech
from ivr.speech.pcm import pad, read_wav, telephone_ready
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.testing.sip_peer import g711
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.rtp import FRAME_SAMPLES

RATE_HZ = 8000
SHARED = Path(__file__).resolve().parents[2] / "shared" / "speech"
"""Recordings that may be used from there, not copied into the project."""
OWN = Path(__file__).resolve().parents[1] / "tests" / "data" / "speech" / "en"
SPEECH_DBFS = -20.0

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COMMANDS = (
    "agent", "message", "extension", "password", "goodbye", "tuesday", "friday", "september", "call forwarding",
    "do not disturb", "no", "today",
)  # fmt: skip
"""Those that there are recordings of people of."""
VOICES = ("en-gb+f2", "en-gb-scotland+m3", "en-us+f4", "en-gb-x-rp+m7", "en-029+f5", "en-us+m1")
"""Of the callers; the bot's own is en-us."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance and what is said in it."""

    text: str
    audio: Pcm
    """Mono, 8 kHz, with 0.3 s of silence on both sides."""
    who: str


def _ready(path: Path) -> Pcm:
    audio = pad(telephone_ready(read_wav(path), RATE_HZ, SPEECH_DBFS), 0.3)
    return np.frombuffer(audio.pcm16(), dtype="<i2").astype(np.int16)


def human_digits() -> list[Spoken]:
    """Digits by several people; empty where the recordings are absent."""
    files = sorted((SHARED / "digits").glob("*/*.wav"))
    return [Spoken(DIGITS[int(file.name[0])], _ready(file), file.parent.name) for file in files]


def transcribed(folder: Path, texts: Sequence[str] = ()) -> list[Spoken]:
    """Recordings of a folder with `transcripts.tsv`, those with one of `texts`; empty where it is absent."""
    table = folder / "transcripts.tsv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if not texts or row["text"] in texts]
    return [Spoken(row["text"], _ready(folder / row["file"]), folder.name) for row in rows]


def synthesized(texts: Sequence[str], voices: Sequence[str] = VOICES, rate_wpm: int = 150) -> Iterator[Spoken]:
    """Each text by each voice of espeak-ng."""
    with tempfile.TemporaryDirectory(prefix="ivr-voices-") as folder:
        wav = Path(folder) / "said.wav"
        for voice in voices:
            synthesizer = Pyttsx3Synthesizer(voices={"en": voice}, rate_wpm=rate_wpm)
            try:
                for text in texts:
                    synthesizer.synthesize(Speech(text, "en"), wav)
                    yield Spoken(text, _ready(wav), voice)
            finally:
                synthesizer.close()


def with_noise(spoken: Spoken, ratio_db: float | None, seed: int) -> Spoken:
    """The utterance in noise as of a street, `ratio_db` below the speech; None adds nothing."""
    if ratio_db is None:
        return spoken
    level = SPEECH_DBFS - ratio_db
    noise = street(len(spoken.audio), level, seed)
    return Spoken(spoken.text, as_pcm(spoken.audio / 32768.0 + noise), spoken.who)


def street(length: int, dbfs: float, seed: int) -> np.ndarray:
    """Noise that falls by 3 dB an octave ("pink") between 100 and 3400 Hz; RMS level `dbfs` of full scale 1.0."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    spectrum *= np.where((hz >= 100) & (hz <= 3400), 1 / np.sqrt(np.maximum(hz, 100)), 0)
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * 10 ** (dbfs / 20))


def as_pcm(samples: np.ndarray) -> Pcm:
    """Samples of full scale 1.0 as 16 bits."""
    return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)


def lost_packets(count: int, share: float, seed: int) -> list[bool]:
    """Which of `count` packets are lost: exactly `share` of them, rounded up or down by turns of the seed, anywhere."""
    dice = np.random.default_rng(seed)
    lost = np.zeros(count, dtype=bool)
    lost[dice.permutation(count)[: int(count * share + dice.uniform())]] = True
    return lost.tolist()


def through_g711(audio: Pcm, lost: Sequence[bool] = ()) -> Pcm:
    """What arrives after PCMU; a lost packet of 20 ms is silence."""
    heard = g711.decode("PCMU", g711.encode("PCMU", audio)).copy()
    for number, is_lost in enumerate(lost):
        if is_lost:
            heard[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES] = 0
    return heard


def packets(audio: Pcm) -> int:
    """How many packets of 20 ms it takes."""
    return -(-len(audio) // FRAME_SAMPLES)


def on_the_line(spoken: Spoken, ratio_db: float | None, loss: float, seed: int) -> Spoken:
    """With noise and loss, as the other side hears it."""
    noisy = with_noise(spoken, ratio_db, seed)
    lost = lost_packets(packets(noisy.audio), loss, seed)
    return Spoken(spoken.text, through_g711(noisy.audio, lost), spoken.who)
