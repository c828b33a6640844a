"""`ivr say`: speak a text into a telephone-ready WAV file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ivr.cli.speech_tools import reported_errors
from ivr.errors import ConfigError

_SAMPLE_RATES_HZ = (8000, 16000)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("say")(say)


def say(
    text: Annotated[str, typer.Argument(help="What to speak.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="WAV", help="File to write.")],
    voice: Annotated[
        str, typer.Option("--voice", metavar="V", help="espeak-ng voice, such as en-gb or de+f3; the language's own.")
    ] = "",
    language: Annotated[str, typer.Option("--language", metavar="L", help="Language tag: en, de, en-GB, …")] = "en",
    words_per_minute: Annotated[int, typer.Option("--rate", min=80, max=400, help="Words per minute.")] = 160,
    sample_rate_hz: Annotated[int, typer.Option("--sample-rate", metavar="HZ", help="8000 or 16000.")] = 8000,
    loudness_dbfs: Annotated[float, typer.Option("--loudness", metavar="DBFS", help="Level of the speech.")] = -20.0,
) -> None:
    """Speak TEXT into a telephone-ready WAV file: mono, 16-bit, 8 kHz, at the level of all prompts."""
    with reported_errors():
        if sample_rate_hz not in _SAMPLE_RATES_HZ:
            raise ConfigError(f"--sample-rate {sample_rate_hz}: telephones take 8000 or 16000; use one of them")
        voice, duration_s = _speak(text, output, voice, language, words_per_minute, sample_rate_hz, loudness_dbfs)
    typer.echo(f"{output}: {duration_s:.2f} s at {sample_rate_hz} Hz, voice {voice}", err=True)


def _speak(
    text: str, output: Path, voice: str, language: str, rate_wpm: int, sample_rate_hz: int, loudness_dbfs: float
) -> tuple[str, float]:
    from ivr.speech.pcm import read_wav, telephone_ready, write_wav
    from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer

    synthesizer = Pyttsx3Synthesizer(voices={language: voice} if voice else {}, rate_wpm=rate_wpm)
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-say-") as folder:
            spoken = Path(folder) / "spoken.wav"
            synthesizer.synthesize(text, language, spoken)
            audio = telephone_ready(read_wav(spoken), sample_rate_hz, loudness_dbfs)
        write_wav(output, audio)
        return synthesizer.voice_for(language), audio.duration_s
    finally:
        synthesizer.close()
