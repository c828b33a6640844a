"""Speech models on this machine: which there are, which one a name, folder or language means, which are complete."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import platformdirs

from ivr.errors import ModelMissing
from ivr.speech.fst_file import is_whole_fst
from ivr.speech.model_catalog import CATALOG, CatalogModel, catalog_model, language_name, primary_language

EMBEDDED_DIR = Path(__file__).parent / "models"
_DEFAULT_RATE_HZ = 16000  # Kaldi's own default where mfcc.conf says nothing


class Origin(StrEnum):
    """Where a model comes from."""

    EMBEDDED = "embedded"
    INSTALLED = "installed"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A model that can be loaded."""

    name: str
    language: str
    """Primary language tag; empty where neither name nor caller tells."""
    path: Path
    origin: Origin
    licence: str = ""

    def __str__(self) -> str:
        """As the bot says it: `embedded English (en)`."""
        if self.origin is Origin.EMBEDDED:
            return f"embedded {language_name(self.language)} ({self.language})"
        label = f" {language_name(self.language)} ({self.language})" if self.language else ""
        return f"{self.origin}{label}: {self.name if self.origin is Origin.INSTALLED else self.path}"

    @property
    def size_bytes(self) -> int:
        """Size on disk."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())


def models_dir() -> Path:
    """Folder of the installed models: `IVR_MODELS_DIR`, else below the user's data folder."""
    folder = os.environ.get("IVR_MODELS_DIR")
    return Path(folder) if folder else Path(platformdirs.user_data_dir("ivr")) / "models"


def missing_files(folder: Path) -> tuple[str, ...]:
    """Files that Vosk needs and `folder` lacks (or has empty); with none missing it is a model."""
    is_flat = (folder / "final.mdl").is_file()  # layout of models before 2020
    acoustic, config, graph = ("", "", "") if is_flat else ("am/", "conf/", "graph/")
    needed = [f"{acoustic}final.mdl", f"{config}mfcc.conf"]
    if not is_flat:
        needed.append("conf/model.conf")
    lookahead = [f"{graph}HCLr.fst", f"{graph}Gr.fst"]
    needed += [f"{graph}HCLG.fst"] if _has(folder, f"{graph}HCLG.fst") else lookahead
    if (folder / "ivector").is_dir():
        needed += [f"ivector/{name}" for name in ("final.dubm", "final.ie", "final.mat", "global_cmvn.stats")]
    return tuple(name for name in needed if not _has(folder, name))


def _has(folder: Path, name: str) -> bool:
    file = folder / name
    return file.is_file() and file.stat().st_size > 0


def check_model(folder: Path, language: str = "") -> None:
    """Raise ModelMissing, with what is missing and the remedy, unless `folder` holds a whole model."""
    remedy = f"`ivr models install {language or 'NAME'}` gets one, `ivr models` lists what there is"
    if not folder.is_dir():
        raise ModelMissing(f"speech model {folder}: no such folder; {remedy}")
    if missing := missing_files(folder):
        raise ModelMissing(f"speech model {folder} is incomplete, missing: {', '.join(missing)}; {remedy}")
    graphs = [folder / place / name for place in ("", "graph") for name in ("HCLr.fst", "Gr.fst", "HCLG.fst")]
    if damaged := [file.name for file in graphs if file.is_file() and not is_whole_fst(file)]:
        raise ModelMissing(f"speech model {folder} is damaged, cut off or changed: {', '.join(damaged)}; {remedy}")


def has_closed_lists(folder: Path) -> bool:
    """Whether the model can be held to a list of words; large ones with a ready-made graph cannot."""
    return any((folder / place / "HCLr.fst").is_file() for place in ("", "graph"))


def words_file(folder: Path) -> Path | None:
    """The list of the words that a model knows; None where there is none."""
    files = (folder / "graph" / "words.txt", folder / "words.txt")
    return next((file for file in files if file.is_file()), None)


def model_rate_hz(folder: Path) -> int:
    """The rate that the model was trained for (`--sample-frequency` of its mfcc.conf)."""
    for file in (folder / "conf" / "mfcc.conf", folder / "mfcc.conf"):
        if file.is_file():
            match = re.search(
                r"^\s*--sample-frequency=(\d+)", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
            )
            return int(match[1]) if match else _DEFAULT_RATE_HZ
    return _DEFAULT_RATE_HZ


def available_models() -> list[SpeechModel]:
    """Embedded and installed models, complete ones only; installed first."""
    return _models_in(models_dir(), Origin.INSTALLED) + _models_in(EMBEDDED_DIR, Origin.EMBEDDED)


def _models_in(folder: Path, origin: Origin) -> list[SpeechModel]:
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [_describe(path, origin) for path in found if not missing_files(path)]


def _describe(path: Path, origin: Origin, language: str = "") -> SpeechModel:
    entry = next((entry for entry in CATALOG if entry.name == path.name), None)
    licence = "CC BY-SA 4.0" if origin is Origin.EMBEDDED else entry.licence if entry else ""
    guessed = entry.language if entry else _language_of(path.name)
    return SpeechModel(path.name, primary_language(language or guessed), path, origin, licence)


def _language_of(name: str) -> str:
    match = re.fullmatch(r"vosk-model-(?:small-|ivr-)?([a-z]{2,3})(?:-.*)?", name)
    return {"cn": "zh", "vn": "vi", "kz": "kk"}.get(match[1], match[1]) if match else ""


def find_model(wanted: str = "", language: str = "") -> SpeechModel:
    """The model that `wanted` means: a folder, a model's name, a catalogue key (`en-us`) or a language tag.

    Without `wanted` it is the model of `language`, English when that is empty too. An installed model goes before the
    embedded one: whoever installed it wants it. Raises ModelMissing with the remedy.
    """
    if wanted and (Path(wanted).is_dir() or os.sep in wanted):
        check_model(Path(wanted), language)
        return _describe(Path(wanted).resolve(), Origin.FOLDER, language)
    models = available_models()
    if wanted:
        entry = catalog_model(wanted)
        names = {wanted, entry.name} if entry else {wanted}
        if model := next((model for model in models if model.name in names), None):
            return model
        if len(wanted) > 3 and not re.fullmatch(r"[A-Za-z]{2,3}([-_].{2,4})?", wanted):
            raise _absent(wanted, wanted, entry, models)
    tag = primary_language(wanted or language or "en")
    if model := next((model for model in models if model.language == tag), None):
        return model
    raise _absent(f"for {language_name(tag)} ({tag})", wanted or language or tag, catalog_model(tag), models)


def _absent(what: str, wanted: str, entry: CatalogModel | None, models: Sequence[SpeechModel]) -> ModelMissing:
    broken = models_dir() / (entry.name if entry else wanted)
    if broken.is_dir() and (missing := missing_files(broken)):
        return ModelMissing(
            f"speech model {broken} is incomplete, missing: {', '.join(missing)}; "
            f"`ivr models install {entry.key if entry else wanted}` gets it again"
        )
    remedy = f"`ivr models install {entry.key}` gets one" if entry else "`ivr models` lists those that can be installed"
    present = ", ".join(str(model) for model in models) or "none"
    return ModelMissing(f"no speech model {what}; {remedy} (on this machine: {present})")


def configured_models(models: Mapping[str, str]) -> dict[str, SpeechModel]:
    """Models to load, by primary language, from `speech.models` of the configuration; English when that is empty.

    Raises ModelMissing.
    """
    return {primary_language(tag): configured_model(tag, name) for tag, name in wanted_models(models).items()}


def wanted_models(models: Mapping[str, str]) -> Mapping[str, str]:
    """Language tag to model of `speech.models`, and which ones they are when that is empty."""
    return models or {"en": ""}


def configured_model(tag: str, name: str) -> SpeechModel:
    """The model that hears a language. Raises ModelMissing, also for one whose name is that of another language's."""
    model, language = find_model(name, tag), primary_language(tag)
    spoken = _language_of(model.name)
    if spoken not in ("", language):
        raise ModelMissing(
            f"speech model {model.name} is one of {language_name(spoken)} by its name, but stands for "
            f"{language_name(language)} under speech.models.{tag}; name another there, or its folder otherwise "
            f"where this is meant"
        )
    return replace(model, language=language)
