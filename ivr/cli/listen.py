"""`ivr listen`: what the recognizer hears in WAV files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivr.cli.speech_tools import reported_errors
from ivr.errors import IvrError

if TYPE_CHECKING:
    from ivr.speech.decoding import Heard
    from ivr.speech.file_turns import FileTurns
    from ivr.speech.vosk_recognizer import VoskRecognizer

_PAD_S = 0.3  # a clip that is cut tight is heard worse
_SAMPLE_RATE_HZ = 8000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("listen")(listen)


def listen(
    wavs: Annotated[list[Path], typer.Argument(metavar="WAV...", help="Recordings: any rate, width, mono or stereo.")],
    words: Annotated[
        str, typer.Option("--words", metavar="LIST", help="Closed list, by commas: yes,no,call back. Else free speech.")
    ] = "",
    model: Annotated[str, typer.Option("--model", metavar="M", help="Name (`ivr models`) or folder.")] = "",
    language: Annotated[str, typer.Option("--language", metavar="L", help="Language tag; the model's own.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file and line.")] = False,
    is_closed: Annotated[
        bool, typer.Option("--closed", help="Leave [unk] out of the list: everything is taken for one of its words.")
    ] = False,
) -> None:
    """Recognize recordings and print what was heard, in their order; exit 1 where one could not be read."""
    from ivr.speech.model_store import find_model
    from ivr.speech.substitutes import SubstituteFinder
    from ivr.speech.vosk_recognizer import VoskRecognizer

    phrases = tuple(phrase.strip() for phrase in words.split(",") if phrase.strip())
    with reported_errors():
        found = find_model(model, language)
        tag = language or found.language or "en"
        typer.echo(f"model: {found}", err=True)
        recognizer = VoskRecognizer({tag: found.path}, substitutes=SubstituteFinder())
        try:
            results = [_show(_listen(recognizer, wav, tag, phrases, is_closed), as_json) for wav in wavs]
        finally:
            recognizer.close()
    if not all(results):
        raise typer.Exit(1)


def _listen(
    recognizer: VoskRecognizer, wav: Path, language: str, phrases: tuple[str, ...], is_closed: bool
) -> dict[str, Any]:
    from ivr.speech.decoding import Heard
    from ivr.speech.file_turns import turns_in
    from ivr.speech.pcm import pad, read_wav, resample

    try:
        audio = pad(resample(read_wav(wav), _SAMPLE_RATE_HZ), _PAD_S)
        started_s = time.perf_counter()
        pcm = audio.pcm16()
        heard = recognizer.transcribe(pcm, _SAMPLE_RATE_HZ, language, phrases, allow_unknown=not is_closed)
        lasted_ms = round((time.perf_counter() - started_s) * 1000, 2)
        turns = turns_in(recognizer, pcm, _SAMPLE_RATE_HZ, language, phrases)
    except IvrError as error:
        return {**_result(wav, Heard(), 0.0, None), "error": str(error)}
    return _result(wav, heard, lasted_ms, turns)


def _result(wav: Path, heard: Heard, lasted_ms: float, turns: FileTurns | None) -> dict[str, Any]:
    """What is printed of a file; instants are null where nobody speaks."""
    readings = heard.n_best or (((heard.text, heard.confidence),) if heard.text else ())
    return {
        "file": str(wav),
        "text": heard.text,
        "confidence": heard.confidence,
        "words": [
            {
                "text": word.text,
                "confidence": round(word.confidence, 4),
                "start_s": round(max(word.start_s - _PAD_S, 0.0), 3),
                "end_s": round(max(word.end_s - _PAD_S, 0.0), 3),
            }
            for word in heard.words
        ],
        "ms": lasted_ms,
        "n_best": [{"text": text, "confidence": share} for text, share in readings],
        "speech_start_ms": _ms(turns.speech_start_s if turns else None),
        "speech_end_ms": _ms(turns.speech_end_s if turns else None),
        "final_at_ms": _ms(turns.final_at_s if turns else None),
    }


def _ms(at_s: float | None) -> int | None:
    """An instant of the padded audio as one of the file."""
    return None if at_s is None else max(round((at_s - _PAD_S) * 1000), 0)


def _show(result: dict[str, Any], as_json: bool) -> bool:
    """Print one result; whether it is one."""
    if error := result.get("error"):
        typer.echo(f"error: {error}", err=True)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    elif not error:
        typer.echo(f"{result['file']}: {result['text'] or '(nothing)'}  ({result['confidence']:.2f})")
    return not error
