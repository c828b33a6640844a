"""`ivr say`, `ivr listen` and `ivr models` as a script uses them: their own processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ivr.speech.pcm import active_level_dbfs, read_wav
from tests.speech.conftest import DIGITS, GERMAN_MODEL, PROJECT_DIR, SHARED_DIR, needed

pytestmark = pytest.mark.adapter

ENGLISH_DIR = PROJECT_DIR / "tests" / "data" / "speech" / "en"


def ivr(*arguments: str | Path, models_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_DIR), "NO_COLOR": "1"}
    if models_dir:
        environment["IVR_MODELS_DIR"] = str(models_dir)
        environment["IVR_MODELS_URL"] = "http://127.0.0.1:9"
    command = [sys.executable, "-c", "from ivr.cli.main import app; app()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def results(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_say_writes_a_telephone_ready_wav(tmp_path: Path) -> None:
    done = ivr("say", "Hello, press one.", "-o", tmp_path / "x.wav")
    assert done.returncode == 0, done.stderr
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    assert active_level_dbfs(read_wav(tmp_path / "x.wav")) == pytest.approx(-20.0, abs=0.5)


def test_what_say_says_listen_hears(tmp_path: Path) -> None:
    for index, word in enumerate(("support", "agent", "twelve")):
        assert ivr("say", word, "-o", tmp_path / f"{index}.wav").returncode == 0
    files = [tmp_path / f"{index}.wav" for index in range(3)]
    done = ivr("listen", *files, "--words", "support,agent,twelve,sales", "--json")
    assert [result["text"] for result in results(done)] == ["support", "agent", "twelve"]


def test_say_takes_voice_and_language(tmp_path: Path) -> None:
    done = ivr("say", "Guten Tag", "--language", "de", "--voice", "de+f3", "-o", tmp_path / "x.wav")
    assert done.returncode == 0
    assert "de+f3" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("say", "x", "-o", "/no/such/folder/x.wav"), "cannot be written"),
        (("say", "x", "--voice", "nobody", "-o", "/tmp/ivr-test-x.wav"), "no voice 'nobody'"),
        (("say", "x", "--language", "tlh", "-o", "/tmp/ivr-test-x.wav"), "no voice for language"),
        (("say", "", "-o", "/tmp/ivr-test-x.wav"), "no text"),
        (("listen", "x.wav", "--model", "/no/such/model"), "no such folder"),
        (("listen", "x.wav", "--model", "fr"), "ivr models install fr"),
        (("models", "install", "tlh"), "no model 'tlh' is known"),
    ],
)
def test_mistakes_are_told_without_a_traceback(arguments: tuple[str, ...], text: str, tmp_path: Path) -> None:
    done = ivr(*arguments, models_dir=tmp_path)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


KEYS = [
    *("file", "text", "confidence", "words", "ms"),
    *("n_best", "speech_start_ms", "speech_end_ms", "final_at_ms"),
]


def test_listen_prints_one_object_per_file_in_their_order() -> None:
    files = [ENGLISH_DIR / f"digits_{digit}.wav" for digit in (7, 1, 4)]
    done = ivr("listen", *files, "--words", ",".join(DIGITS), "--json")
    found = results(done)
    assert done.returncode == 0
    assert [list(result) for result in found] == [KEYS] * 3
    assert [result["file"] for result in found] == [str(file) for file in files]
    assert [result["text"] for result in found] == ["seven", "one", "four"]
    assert all(result["confidence"] > 0.8 and result["ms"] > 0 for result in found)
    assert found[0]["words"][0]["text"] == "seven"
    assert [result["n_best"][0]["text"] for result in found] == ["seven", "one", "four"], "the best one is one of them"
    for result in found:
        word = result["words"][0]
        assert abs(result["speech_start_ms"] - word["start_s"] * 1000) < 150
        assert abs(result["speech_end_ms"] - word["end_s"] * 1000) < 250
        assert result["final_at_ms"] - result["speech_end_ms"] in (340, 360, 380), "a whole answer ends after 350 ms"
    assert "model: embedded English (en)" in done.stderr


def test_listen_goes_on_after_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"nothing of the kind")
    done = ivr("listen", tmp_path / "broken.wav", ENGLISH_DIR / "vm-no.wav", "--words", "yes,no", "--json")
    assert done.returncode == 1
    broken, good = results(done)
    assert list(broken) == [*KEYS, "error"] and list(good) == KEYS, "whoever reads them need not look first"
    assert "not a WAV file" in broken["error"]
    assert "broken.wav: not a WAV file" in done.stderr
    assert good["text"] == "no"


def test_listen_takes_stereo_at_another_rate_cut_tight(tmp_path: Path) -> None:
    audio = read_wav(ENGLISH_DIR / "spy-agent.wav").samples
    tight = np.repeat(audio[1600:-1600], 4)
    both = np.stack([tight, tight], axis=1)
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(32000)
        file.writeframes((both * 32767).astype("<i2").tobytes())
    (result,) = results(ivr("listen", tmp_path / "x.wav", "--words", "agent,sales,no", "--json"))
    assert result["text"] == "agent"


def test_listen_without_a_list_is_free_speech() -> None:
    done = ivr("listen", ENGLISH_DIR / "vm-password.wav")
    assert "vm-password.wav: password" in done.stdout


def test_listen_warns_of_words_that_the_model_lacks_on_standard_error() -> None:
    of_one_sound = "hoffman,hofmann"  # so neither can be heard by words that sound like it
    done = ivr("listen", ENGLISH_DIR / "vm-no.wav", "--words", f"no,goldstein,{of_one_sound}", "--json")
    assert [result["text"] for result in results(done)] == ["no"]
    assert "'hoffman', 'hofmann'" in done.stderr
    assert "goldstein" not in done.stderr, "it is heard by 'gold sign'"


def test_listen_hears_german_with_a_model_of_that_language() -> None:
    file = needed(SHARED_DIR / "speech" / "de" / "danke.wav")
    done = ivr(
        "listen", file, "--model", needed(GERMAN_MODEL), "--language", "de", "--words", "danke,zurück,für", "--json"
    )
    assert [result["text"] for result in results(done)] == ["danke"]


def test_models_lists_what_is_there_and_what_can_be_had(tmp_path: Path) -> None:
    done = ivr("models", models_dir=tmp_path)
    assert done.returncode == 0
    assert "vosk-model-ivr-en-8k-test" in done.stdout
    rows = json.loads(ivr("models", "--json", models_dir=tmp_path).stdout)
    states = {row["name"]: row["state"] for row in rows}
    assert states["vosk-model-ivr-en-8k-test"] == "embedded"
    assert states["vosk-model-small-de-0.15"] == "available"
    assert all(row["licence"] and row["size_mb"] and row["where"] for row in rows)


def test_models_install_says_that_the_address_cannot_be_reached(tmp_path: Path) -> None:
    done = ivr("models", "install", "en-us", models_dir=tmp_path)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_test_tries_the_embedded_model(tmp_path: Path) -> None:
    done = ivr("models", "test", models_dir=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "model: embedded English (en)" in done.stdout
    assert "10 of 10 understood" in done.stdout
