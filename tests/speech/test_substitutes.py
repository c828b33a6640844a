"""Substitutes of words that the embedded model lacks: the real helper process with the real espeak-ng."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from ivr.flow.segments import Speech
from ivr.speech.model_store import EMBEDDED_DIR
from ivr.speech.pcm import pad, read_wav, telephone_ready
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.substitutes import SubstituteFinder, Wanted
from ivr.speech.vosk_engine import VoskModel
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter

MODEL = EMBEDDED_DIR / "vosk-model-ivr-en-8k-test"
NAMES = ("goldstein", "kowalczyk")
WANTED = Wanted(MODEL, "en", NAMES, (*NAMES, "agent", "main menu"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def finder(cache: Path) -> Iterator[SubstituteFinder]:
    made = SubstituteFinder(cache)
    yield made
    made.close()


def test_names_are_put_together_of_words_of_the_model(finder: SubstituteFinder, cache: Path) -> None:
    found = finder.find(WANTED)
    assert found["goldstein"][0] == "gold sign" and found["kowalczyk"][0] == "co all kick"
    (kept,) = (cache / "pronunciations").glob("*.json")
    assert json.loads(kept.read_text(encoding="utf-8"))["gold"] == "ɡoʊld"


def test_nothing_is_found_that_sounds_like_another_word_of_the_question(finder: SubstituteFinder) -> None:
    beside = finder.find(replace(WANTED, phrases=(*WANTED.phrases, "gold sign", "how tall")))
    assert not {"gold sign", "gold style"} & set(beside.get("goldstein", ()))
    names = ("hoffman", "hofmann")
    assert finder.find(replace(WANTED, words=names, phrases=names)) == {}, "nobody can tell them apart"


def test_nobody_waits_while_it_is_looked_for(finder: SubstituteFinder) -> None:
    model = VoskModel(MODEL, "en", finder)
    first = model.grammar(WANTED.phrases, True)
    assert first and first.is_provisional and first.phrases == ("agent", "main menu", "[unk]")

    def is_final() -> bool:
        grammar = model.grammar(WANTED.phrases, True)
        return grammar is not None and not grammar.is_provisional

    wait_until(is_final, "the substitutes")
    grammar = model.grammar(WANTED.phrases, True)
    assert grammar and "gold sign" in grammar.phrases and grammar.missing_words == ()


def test_a_name_that_the_model_lacks_is_heard(finder: SubstituteFinder, tmp_path: Path) -> None:
    voice = Pyttsx3Synthesizer(voices={"en": "en-gb+f2"}, rate_wpm=150)
    voice.synthesize(Speech("goldstein", "en"), tmp_path / "said.wav")
    voice.close()
    pcm = pad(telephone_ready(read_wav(tmp_path / "said.wav"), 8000, -20.0), 0.3).pcm16()
    ear = VoskRecognizer({"en": MODEL}, substitutes=finder)
    assert ear.transcribe(pcm, 8000, "en", WANTED.phrases).text == "goldstein"
    ear.close()
    deaf = VoskRecognizer({"en": MODEL})
    assert "goldstein" not in deaf.transcribe(pcm, 8000, "en", WANTED.phrases).text
    deaf.close()


def test_a_word_that_nothing_sounds_like_is_warned_of_once_with_its_step() -> None:
    model = VoskModel(MODEL, "en")
    with structlog.testing.capture_logs() as logs:
        model.warn_of(("xyzzy",), "ask_name")
        model.warn_of(("xyzzy",), "ask_name")
    (entry,) = logs
    assert (entry["log_level"], entry["step"], entry["words"]) == ("warning", "ask_name", ("xyzzy",))
    assert "keys or other words" in entry["remedy"]


def test_without_the_helper_words_are_left_out_and_that_is_told_once(cache: Path) -> None:
    answer = json.dumps({"ok": False, "reason": "no library; install it"})
    broken = SubstituteFinder(cache, [sys.executable, "-I", "-S", "-c", f"print('{answer}', flush=True); input()"])
    with structlog.testing.capture_logs() as logs:
        assert broken.find(WANTED) == {} == broken.find(replace(WANTED, words=("goldstein",)))
    assert [entry["reason"] for entry in logs] == ["no library; install it"]
    broken.close()


def test_a_finder_that_is_closed_while_it_looks_ends_at_once(cache: Path) -> None:
    hanging = SubstituteFinder(cache, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
    assert hanging.known(WANTED) is None
    hanging.close()
    assert hanging.known(WANTED) in (None, {})


def test_a_language_without_a_voice_or_a_model_without_a_list_has_none(
    finder: SubstituteFinder, tmp_path: Path
) -> None:
    assert finder.find(replace(WANTED, language="xx")) == {} == finder.find(replace(WANTED, model=tmp_path))
