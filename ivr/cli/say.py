"""`ivr say`: speak a text into a telephone-ready WAV file; show the engines that can."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ivr.cli.speech_tools import reported_errors
from ivr.config import SpeechSettings
from ivr.errors import ConfigError
from ivr.settings import load_settings

_SAMPLE_RATES_HZ = (8000, 16000)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("say")(say)


@dataclass(frozen=True)
class _Wish:
    text: str
    output: Path
    engine: str
    voice: str
    language: str
    sample_rate_hz: int
    loudness_dbfs: float


def say(
    text: Annotated[str | None, typer.Argument(help="What to speak.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="WAV", help="File to write.")] = None,
    voice: Annotated[
        str,
        typer.Option("--voice", metavar="V", help="The engine's voice, such as en-gb or de+f3; the language's own."),
    ] = "",
    language: Annotated[str, typer.Option("--language", metavar="L", help="Language tag: en, de, en-GB, …")] = "en",
    words_per_minute: Annotated[int, typer.Option("--rate", min=80, max=400, help="Words per minute.")] = 160,
    sample_rate_hz: Annotated[int, typer.Option("--sample-rate", metavar="HZ", help="8000 or 16000.")] = 8000,
    loudness_dbfs: Annotated[float, typer.Option("--loudness", metavar="DBFS", help="Level of the speech.")] = -20.0,
    engine: Annotated[str, typer.Option("--engine", metavar="E", help="pyttsx3, or another one of --engines.")] = "",
    shows_engines: Annotated[bool, typer.Option("--engines", help="Show the engines and their voices.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings for --engine and --engines; ./ivr.yaml when left out.")
    ] = None,
) -> None:
    """Speak TEXT into a telephone-ready WAV file: mono, 16-bit, 8 kHz, at the level of all prompts."""
    with reported_errors():
        has_settings = bool(engine or shows_engines or config)
        speech = load_settings(config).speech if has_settings else SpeechSettings()
        if shows_engines:
            _show_engines(speech)
            return
        if text is None or output is None:
            raise ConfigError('nothing to do; write `ivr say "Hello." -o hello.wav`, or `ivr say --engines`')
        if sample_rate_hz not in _SAMPLE_RATES_HZ:
            raise ConfigError(f"--sample-rate {sample_rate_hz}: telephones take 8000 or 16000; use one of them")
        wish = _Wish(text, output, engine or "pyttsx3", voice, language, sample_rate_hz, loudness_dbfs)
        spoken_by, duration_s = _speak(wish, speech.model_copy(update={"rate_wpm": words_per_minute}))
    typer.echo(f"{output}: {duration_s:.2f} s at {sample_rate_hz} Hz, voice {spoken_by}", err=True)


def _speak(wish: _Wish, settings: SpeechSettings) -> tuple[str, float]:
    from ivr.flow.segments import Speech
    from ivr.speech.pcm import read_wav, telephone_ready, write_wav
    from ivr.speech.synthesizers import make_synthesizer, with_voice

    synthesizer = make_synthesizer(with_voice(settings, wish.engine, wish.language, wish.voice), wish.engine)
    if synthesizer is None:
        raise ConfigError("--engine none speaks nothing; see `ivr say --engines`")
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-say-") as folder:
            spoken = Path(folder) / "spoken.wav"
            synthesizer.synthesize(Speech(wish.text, wish.language), spoken)
            audio = telephone_ready(read_wav(spoken), wish.sample_rate_hz, wish.loudness_dbfs)
        write_wav(wish.output, audio)
        return synthesizer.voice_for(wish.language), audio.duration_s
    finally:
        synthesizer.close()


def _show_engines(settings: SpeechSettings) -> None:
    from ivr.speech.synthesizers import state_of, voices_of_engines

    for name, voices in voices_of_engines(settings).items():
        mark = "*" if name == settings.synthesizer else " "
        named = ", ".join(f"{language}: {voice}" for language, voice in voices.items())
        usual = "every language of espeak-ng by its usual voice" if name == "pyttsx3" else "no voice is named"
        typer.echo(f"{mark} {name:10} {state_of(settings, name)}; {named or usual}")
