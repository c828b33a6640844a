"""Models that cannot be used: the other languages are heard, and whoever would listen is told why not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ivr.app import make_recognizer
from ivr.config import Settings
from ivr.errors import ModelMissing, RecognizerFailed
from ivr.ports import ListenRequest, Recognizer
from tests.speech.conftest import ENGLISH_MODEL

pytestmark = pytest.mark.unit


def listens_in(recognizer: Recognizer, language: str) -> None:
    request = ListenRequest("listen1", language, ("agent",), True, 0.7, 15.0)
    recognizer.open(request, 8000, lambda event: None).close()


def test_one_useless_model_leaves_the_other_languages_heard(tmp_path: Path) -> None:
    broken = Path(shutil.copytree(ENGLISH_MODEL, tmp_path / "broken"))
    (broken / "graph" / "Gr.fst").unlink()
    said: list[str] = []
    speech = {"models": {"en": "", "de": str(broken)}, "cache_dir": str(tmp_path)}
    recognizer = make_recognizer(Settings.model_validate({"speech": speech}), said.append)
    assert recognizer is not None
    try:
        listens_in(recognizer, "en-US")
        with pytest.raises(RecognizerFailed, match=r"is incomplete, missing: graph/Gr\.fst"):
            listens_in(recognizer, "de-DE")
        with pytest.raises(ModelMissing):  # there was to be none
            listens_in(recognizer, "fr-FR")
    finally:
        recognizer.close()
    assert said[0] == "speech model: embedded English (en)"
    assert "missing: graph/Gr.fst" in said[1] and said[1].endswith("callers use keys until then")
