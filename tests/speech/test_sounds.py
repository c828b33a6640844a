"""Lists of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.speech.pcm import silence, write_wav
from ivr.speech.sounds import SoundLibrary, normalize_text

pytestmark = pytest.mark.unit

GOOD = """
- {key: welcome, file: welcome.wav, text: "Welcome!", source: Ann, licence: CC0}
- {key: bye, file: bye.wav, text: "Good-bye,  and thank you."}
"""


def library(tmp_path: Path, text: str, language: str = "en") -> SoundLibrary:
    folder = tmp_path / "sounds" / language
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("welcome.wav", "bye.wav"):
        write_wav(folder / name, silence(0.1, 8000))
    (folder / "sounds.yaml").write_text(text, encoding="utf-8")
    return SoundLibrary(tmp_path / "sounds")


def test_a_text_finds_its_recording_whatever_its_spelling(tmp_path: Path) -> None:
    sounds = library(tmp_path, GOOD)
    sound = sounds.for_text("good bye and THANK you", "en-US")
    assert sound is not None
    assert sound.key == "bye"
    assert sound.path == tmp_path / "sounds" / "en" / "bye.wav"
    assert sounds.for_key("welcome", "en") is not None


def test_another_text_or_language_has_none(tmp_path: Path) -> None:
    sounds = library(tmp_path, GOOD)
    assert sounds.for_text("Welcome back", "en") is None
    assert sounds.for_text("Welcome", "de") is None
    assert sounds.for_text("...", "en") is None


def test_the_region_goes_before_the_language(tmp_path: Path) -> None:
    library(tmp_path, GOOD)
    sounds = library(tmp_path, "- {key: welcome, file: welcome.wav, text: Welcome}", "en-GB")
    british, american = sounds.for_text("welcome", "en-GB"), sounds.for_text("welcome", "en-US")
    assert british is not None and british.language == "en-gb"
    assert american is not None and american.language == "en"


def test_no_folder_is_an_empty_library(tmp_path: Path) -> None:
    assert SoundLibrary(tmp_path / "absent").sounds == ()
    assert library(tmp_path, "").sounds == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- [", "not valid YAML"),
        ("welcome: x", "must be a list"),
        ("- welcome", "must have the keys"),
        ("- {key: a, file: welcome.wav}", "text is missing"),
        ("- {key: a, file: welcome.wav, text: 12}", "text must be text"),
        ("- {key: a, file: welcome.wav, text: x, volume: 3}", "unknown key 'volume'"),
        ("- {key: a, file: none.wav, text: x}", "does not exist"),
        ("- {key: a, file: ../../x.wav, text: x}", "lies outside"),
        ("- {key: a, file: bye.wav, text: x}\n- {key: a, file: bye.wav, text: y}", "used twice"),
    ],
)
def test_mistakes_are_named_with_file_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        library(tmp_path, text)
    assert "sounds.yaml" in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        library(tmp_path, "- {key: a}\n- {file: bye.wav}\n- 7")
    assert len(str(caught.value).splitlines()) == 3


def test_texts_are_normalized() -> None:
    assert normalize_text("  I’m  SORRY…\n(Really!) ") == "i'm sorry really"
    assert normalize_text("Straße") == normalize_text("STRASSE")
