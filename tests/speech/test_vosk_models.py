"""The recognizer and its models: several, damaged, absent, lacking words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from ivr.errors import ModelMissing
from ivr.speech import vosk_engine
from ivr.speech.pcm import Audio, pad, read_wav
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.speech.callers import COMMANDS, heard, request
from tests.speech.conftest import ENGLISH_MODEL, transcripts

pytestmark = pytest.mark.adapter


def test_words_that_the_model_lacks_are_warned_of_once(english_dir: Path) -> None:
    engine = VoskRecognizer({"en": ENGLISH_MODEL})
    try:
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                result = heard(engine, read_wav(english_dir / "vm-no.wav"), request(["no", "frobnicate"]))
                assert result.text == "no"
        assert [entry["words"] for entry in logs] == [("frobnicate",)]
        assert engine.unknown_words("en-GB", ["yes", "frobnicate", "thank you"]) == ("frobnicate",)
    finally:
        engine.close()


def test_a_language_without_model_is_refused_with_the_remedy(recognizer: VoskRecognizer) -> None:
    with pytest.raises(ModelMissing, match=r"French.*only for: en.*ivr models install fr"):
        recognizer.open(request(language="fr-FR"), 8000, lambda event: None)


@pytest.mark.parametrize("missing", ["am/final.mdl", "graph/HCLr.fst", "conf/mfcc.conf"])
def test_an_incomplete_model_is_named_with_the_missing_file(tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ENGLISH_MODEL, folder)
    (folder / missing).unlink()
    with pytest.raises(ModelMissing, match=f"missing: {missing}.*ivr models install en"):
        VoskRecognizer({"en": folder})


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ENGLISH_MODEL, folder)
    (folder / "am" / "final.mdl").write_bytes(b"nothing of use")
    with pytest.raises(ModelMissing, match="damaged"):
        VoskRecognizer({"en": folder})


def test_a_16_khz_model_gets_resampled_audio(tmp_path: Path, english_dir: Path) -> None:
    folder = tmp_path / "model-16k"
    shutil.copytree(ENGLISH_MODEL, folder)
    conf = folder / "conf" / "mfcc.conf"
    conf.write_text(conf.read_text().replace("--sample-frequency=8000", "--sample-frequency=16000"))
    engine = VoskRecognizer({"en": folder})
    try:
        for file in ("spy-agent.wav", "vm-no.wav", "vm-message.wav"):
            result = heard(engine, read_wav(english_dir / file), request(COMMANDS))
            assert result.text == transcripts(english_dir)[file]
    finally:
        engine.close()


def test_workers_forked_after_loading_hear(english_dir: Path) -> None:
    import os

    engine = VoskRecognizer({"en": ENGLISH_MODEL})
    child = os.fork()
    if child == 0:
        code: Any = 1
        try:
            code = 0 if heard(engine, read_wav(english_dir / "vm-no.wav"), request(COMMANDS)).text == "no" else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    engine.close()
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_model_without_closed_lists_hears_free_speech_and_says_so(
    english_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vosk_engine, "has_closed_lists", lambda path: False)
    engine = VoskRecognizer({"en": ENGLISH_MODEL})
    try:
        with structlog.testing.capture_logs() as logs:
            texts = [heard(engine, read_wav(english_dir / "vm-password.wav"), request(["yes"])).text for _ in range(2)]
        assert texts == ["password"] * 2
        assert [entry["event"] for entry in logs] == ["closed_lists_unsupported"]
    finally:
        engine.close()


def test_a_compound_that_the_model_lacks_is_heard(recognizer: VoskRecognizer, english_dir: Path) -> None:
    parts = [read_wav(english_dir / f"digits_{digit}.wav") for digit in (7, 1)]
    pcm = pad(Audio(np.concatenate([part.samples for part in parts]), 8000), 0.3).pcm16()
    assert recognizer.transcribe(pcm, 8000, "en", ("sevenone", "four")).text == "sevenone"
