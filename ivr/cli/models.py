"""`ivr models`: the speech models: which there are, installing one, trying one."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from ivr.cli.speech_tools import reported_errors
from ivr.errors import ConfigError
from ivr.settings import load_settings

if TYPE_CHECKING:
    from ivr.config_services import ProxySettings
    from ivr.speech.model_catalog import CatalogModel
    from ivr.speech.model_store import SpeechModel

_TEST_WORDS = {
    "en": ("yes", "no", "sales", "support", "agent", "help", "one", "seven", "twelve", "thank you"),
    "de": ("ja", "nein", "vertrieb", "mitarbeiter", "hilfe", "eins", "sieben", "zwölf", "danke", "zurück"),
}


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(invoke_without_command=True, add_completion=False)
    group.callback()(list_models)
    group.command("install")(install)
    group.command("test")(test)
    app.add_typer(group, name="models")


def list_models(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False
) -> None:
    """List the speech models; `ivr models install NAME` gets one, `ivr models test` tries one."""
    if context.invoked_subcommand is not None:
        return
    from ivr.speech.model_download import models_url
    from ivr.speech.model_store import models_dir

    with reported_errors():
        rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("install as", "name", "language", "size", "licence", "state", box=None, pad_edge=False)
    for row in rows:
        cells = (row["key"], row["name"], row["language"], f"{row['size_mb']} MB", row["licence"], row["state"])
        table.add_row(*cells)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a pipe has no width: keep one row per model
    console.print(table)
    for row in rows:
        if row["state"] != "available":
            typer.echo(f"{row['state']}: {row['where']}")
    typer.echo(f"available: {models_url()}, installed to {models_dir()}")


def _rows() -> list[dict[str, Any]]:
    from ivr.speech.model_catalog import CATALOG
    from ivr.speech.model_download import models_url
    from ivr.speech.model_store import available_models

    present = available_models()
    keys = {entry.name: entry.key for entry in CATALOG}
    rows = [_present_row(model, keys.get(model.name, "")) for model in present]
    names = {model.name for model in present}
    return rows + [_catalog_row(entry, models_url()) for entry in CATALOG if entry.name not in names]


def _present_row(model: SpeechModel, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "name": model.name,
        "language": model.language,
        "size_mb": round(model.size_bytes / 1e6),
        "licence": model.licence,
        "state": str(model.origin),
        "where": str(model.path),
    }


def _catalog_row(entry: CatalogModel, url: str) -> dict[str, Any]:
    return {
        "key": entry.key,
        "name": entry.name,
        "language": entry.language,
        "size_mb": entry.size_mb,
        "licence": entry.licence,
        "state": "available",
        "where": f"{url}/{entry.name}.zip",
    }


def install(
    name: Annotated[str, typer.Argument(help="What `ivr models` shows under «install as»: en-us, de, …")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings with a `proxy:`; ./ivr.yaml where there is one.")
    ] = None,
) -> None:
    """Download an official Vosk model; a download that was interrupted goes on where it stopped."""
    from ivr.speech.model_catalog import CATALOG, catalog_model
    from ivr.speech.model_download import install_model, models_url
    from ivr.speech.model_store import missing_files, models_dir

    with reported_errors():
        proxy = _proxy_of(config)
        entry = catalog_model(name)
        if entry is None:
            known = ", ".join(entry.key for entry in CATALOG)
            raise ConfigError(f"no model {name!r} is known; known are {known}")
        target = models_dir() / entry.name
        if target.is_dir() and not missing_files(target):
            typer.echo(f"{entry.name} is installed: {target}")
            return
        typer.echo(f"{entry.name} (about {entry.size_mb} MB, {entry.licence}) from {models_url()}", err=True)
        with _progress_bar() as bar:
            task = bar.add_task(entry.name, total=None)
            installed = install_model(entry, lambda done, total: bar.update(task, completed=done, total=total), proxy)
    typer.echo(f"installed {entry.name} in {installed.path} (verified by {installed.checked_by})")


def _proxy_of(config: Path | None) -> ProxySettings:
    """Settings that are not ready yet, and that nobody named, are no reason to get no model."""
    from ivr.config_services import NO_PROXY

    try:
        return load_settings(config).proxy
    except ConfigError as error:
        if config is not None:
            raise
        typer.echo(f"no proxy is used: the settings cannot be read ({str(error).splitlines()[0]})", err=True)
        return NO_PROXY


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def test(
    name: Annotated[str, typer.Argument(help="Name, folder or language; the English one when empty.")] = "",
    language: Annotated[str, typer.Option("--language", metavar="L", help="Language tag; the model's own.")] = "",
) -> None:
    """Speak some words with espeak-ng, let the model hear them, and show what it understood."""
    from ivr.speech.model_store import find_model

    with reported_errors():
        model = find_model(name, language)
        tag = language or model.language or "en"
        typer.echo(f"model: {model}")
        rows = _try(model, tag, _words_for(tag))
    table = Table("said", "heard", "confidence", "ms", box=None, pad_edge=False)
    for said, heard, confidence, decoding_ms in rows:
        table.add_row(said, heard or "(nothing)", f"{confidence:.2f}", f"{decoding_ms:.0f}")
    Console().print(table)
    right = sum(said == heard for said, heard, _, _ in rows)
    typer.echo(f"{right} of {len(rows)} understood")
    if right < len(rows) / 2:
        typer.echo("error: fewer than half were understood; install another model (`ivr models`)", err=True)
        raise typer.Exit(1)


def _words_for(language: str) -> tuple[str, ...]:
    if words := _TEST_WORDS.get(language.split("-")[0]):
        return words
    from num2words import num2words

    try:
        return tuple(num2words(number, lang=language.split("-")[0]) for number in range(1, 11))
    except NotImplementedError as error:
        raise ConfigError(f"no test words are known for {language!r}; use `ivr say` and `ivr listen`") from error


def _try(model: SpeechModel, language: str, words: tuple[str, ...]) -> list[tuple[str, str, float, float]]:
    from ivr.flow.segments import Speech
    from ivr.speech.pcm import pad, read_wav, telephone_ready
    from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
    from ivr.speech.vosk_recognizer import VoskRecognizer

    rows = []
    recognizer = VoskRecognizer({language: model.path})
    synthesizer = Pyttsx3Synthesizer()
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-models-test-") as folder:
            for word in words:
                wav = Path(folder) / "word.wav"
                synthesizer.synthesize(Speech(word, language), wav)
                pcm = pad(telephone_ready(read_wav(wav), 8000, -20.0), 0.3).pcm16()
                started_s = time.perf_counter()
                heard = recognizer.transcribe(pcm, 8000, language, words)
                rows.append((word, heard.text, heard.confidence, (time.perf_counter() - started_s) * 1000))
    finally:
        synthesizer.close()
        recognizer.close()
    return rows
