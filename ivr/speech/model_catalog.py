"""The official Vosk models that `ivr models install` knows: https://alphacephei.com/vosk/models."""

from __future__ import annotations

from dataclasses import dataclass

_APACHE = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A model that can be downloaded as `<name>.zip`."""

    key: str
    """What an operator types: `en-us`, `de`."""
    name: str
    language: str
    """Primary language tag."""
    size_mb: int
    """Of the download, about."""
    licence: str = _APACHE
    sha256: str = ""
    """Of the zip, where known."""


CATALOG: tuple[CatalogModel, ...] = (
    CatalogModel(
        "en-us",
        "vosk-model-small-en-us-0.15",
        "en",
        40,
        sha256="30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
    ),
    CatalogModel(
        "en-us-lgraph",
        "vosk-model-en-us-0.22-lgraph",
        "en",
        128,
        sha256="d9838b4aaa82a75c4a17f5aca300eaca129aaab2a7cbf951bafbb500eb9c4334",
    ),
    CatalogModel("en-us-large", "vosk-model-en-us-0.22", "en", 1800),
    CatalogModel("en-in", "vosk-model-small-en-in-0.4", "en", 36),
    CatalogModel("de", "vosk-model-small-de-0.15", "de", 45),
    CatalogModel("de-large", "vosk-model-de-0.21", "de", 1900),
    CatalogModel("fr", "vosk-model-small-fr-0.22", "fr", 41),
    CatalogModel("es", "vosk-model-small-es-0.42", "es", 39),
    CatalogModel("it", "vosk-model-small-it-0.22", "it", 48),
    CatalogModel("nl", "vosk-model-small-nl-0.22", "nl", 39),
    CatalogModel("pt", "vosk-model-small-pt-0.3", "pt", 31),
    CatalogModel("pl", "vosk-model-small-pl-0.22", "pl", 50),
    CatalogModel("cs", "vosk-model-small-cs-0.4-rhasspy", "cs", 44, "MIT"),
    CatalogModel("ru", "vosk-model-small-ru-0.22", "ru", 45),
    CatalogModel("uk", "vosk-model-small-uk-v3-small", "uk", 133),
    CatalogModel("tr", "vosk-model-small-tr-0.3", "tr", 35),
    CatalogModel("zh", "vosk-model-small-cn-0.22", "zh", 42),
    CatalogModel("ja", "vosk-model-small-ja-0.22", "ja", 48),
    CatalogModel("ko", "vosk-model-small-ko-0.22", "ko", 82),
    CatalogModel("hi", "vosk-model-small-hi-0.22", "hi", 42),
    CatalogModel("vi", "vosk-model-small-vn-0.4", "vi", 32),
)

_LANGUAGE_NAMES = {
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def primary_language(tag: str) -> str:
    """`en` of `en-US`."""
    return tag.replace("_", "-").split("-")[0].lower()


def language_name(tag: str) -> str:
    """English name of a language; the tag itself where it is not in the catalogue."""
    return _LANGUAGE_NAMES.get(primary_language(tag), tag or "language unknown")


def catalog_model(wanted: str) -> CatalogModel | None:
    """The entry with that key or name, else the first (smallest) one of that language."""
    lowered = wanted.lower().replace("_", "-")
    exact = next((entry for entry in CATALOG if lowered in (entry.key, entry.name)), None)
    return exact or next((entry for entry in CATALOG if entry.language == lowered), None)
