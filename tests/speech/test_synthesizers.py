"""The synthesizer that the settings name, and what is particular to programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from ivr.config import SpeechSettings
from ivr.errors import ConfigError, SynthesisFailed
from ivr.flow.segments import Speech
from ivr.ports import Synthesizer
from ivr.speech.command_synthesizer import CommandSynthesizer
from ivr.speech.manner import Manner, manner_of
from ivr.speech.synthesizers import ByLanguage, make_synthesizer, state_of, with_voice
from tests.speech.test_prompt_cache import CountingSynthesizer

pytestmark = pytest.mark.unit

ECHO = "import sys; open(sys.argv[-1], 'w').write(repr((sys.argv[1:-1], sys.stdin.read()))); sys.exit(3)"


class OnlyEnglish(CountingSynthesizer):
    def voice_for(self, language: str) -> str:
        if not language.startswith("en"):
            raise SynthesisFailed("no voice")
        return super().voice_for(language)


def settings(**speech: object) -> SpeechSettings:
    return SpeechSettings.model_validate(speech)


def made(speech: SpeechSettings, engine: str = "") -> Synthesizer:
    synthesizer = make_synthesizer(speech, engine)
    assert synthesizer is not None
    return synthesizer


FLITE = {"flite": {"run": ["flite", "-voice", "{voice}", "-o", "{file}"], "voices": {"en": "slt"}}}


def test_the_settings_choose_the_engine() -> None:
    assert made(settings()).name == "pyttsx3@160"
    assert make_synthesizer(settings(synthesizer="none")) is None
    assert made(settings(synthesizer="piper", rate_wpm=180)).name == "piper@180"
    assert made(settings(synthesizer="flite", commands=FLITE)).name.startswith("flite@160")
    assert made(settings(commands=FLITE), "flite").name.startswith("flite@160")


def test_another_way_to_run_a_program_is_another_sound() -> None:
    other = {"flite": {**FLITE["flite"], "run": ["flite", "-voice", "{voice}", "--loud", "-o", "{file}"]}}
    names = {made(settings(commands=commands), "flite").name for commands in (FLITE, other)}
    assert len(names) == 2, "part of the cache key"


def test_pyttsx3_speaks_what_the_engine_has_no_voice_for() -> None:
    engine = made(settings(synthesizer="flite", commands=FLITE, voices={"de": "de+f3"}))
    assert engine.voice_for("en-US") == "slt"
    assert engine.voice_for("de-DE") == "pyttsx3@160:de+f3"
    with pytest.raises(SynthesisFailed, match="no voice for language 'tlh'"):
        engine.voice_for("tlh")


def test_pyttsx3_is_woken_where_a_prompt_needs_it() -> None:
    english, rest = OnlyEnglish(), CountingSynthesizer()
    engine = ByLanguage(english, rest)
    engine.voice_for("en-US")
    engine.wake()
    assert english.woken.is_set() and not rest.woken.is_set()
    engine.voice_for("de-DE")
    engine.wake()
    assert rest.woken.is_set()


@pytest.mark.parametrize(
    ("speech", "said"),
    [
        ({"synthesizer": "flite"}, r"there is no 'flite'; known are pyttsx3, piper, none"),
        ({"commands": {"piper": FLITE["flite"]}}, "'piper' is taken"),
        ({"commands": {"x": {"run": [], "voices": {}}}}, "there is no program"),
        ({"commands": {"x": {"run": ["say", "{words}"], "voices": {}}}}, r"\{words\} is not known; known are \{text\}"),
        ({"commands": {"x": {"run": "say {text}", "voices": {}}}}, "tuple"),
    ],
)
def test_mistakes_in_the_settings_are_told(speech: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**speech)


def test_a_voice_that_is_not_there_is_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    speech = settings(synthesizer="piper", piper={"voices_dir": str(tmp_path), "voices": {"de": "de_DE-thorsten-low"}})
    engine = made(speech)
    with pytest.raises(SynthesisFailed, match=r"piper\.download_voices de_DE-thorsten-low --download-dir") as caught:
        engine.synthesize(Speech("Guten Tag", "de"), tmp_path / "x.wav")
    assert not caught.value.retryable
    engine.close()


def test_a_voice_can_be_tried_with_any_engine() -> None:
    speech = settings(commands=FLITE)
    assert made(with_voice(speech, "flite", "en", "rms"), "flite").voice_for("en") == "rms"
    assert made(with_voice(speech, "piper", "de", "de_DE-x-low"), "piper").voice_for("de") == "de_DE-x-low"
    assert made(with_voice(speech, "pyttsx3", "de", "de+f3")).voice_for("de") == "de+f3"
    with pytest.raises(ConfigError, match="no synthesizer 'nobody'; known are pyttsx3, piper, flite"):
        with_voice(speech, "nobody", "en", "")


def test_a_program_that_is_not_there_is_told_before_and_while_it_is_needed(tmp_path: Path) -> None:
    speech = settings(commands={"gone": {"run": ["/no/such/program", "{file}"], "voices": {"en": "x"}}})
    assert state_of(speech, "gone") == "there is no program /no/such/program; install it"
    engine = made(speech, "gone")
    with pytest.raises(SynthesisFailed, match=r"cannot be started .*speech\.commands\.gone\.run"):
        engine.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")


def ran(tmp_path: Path, run: tuple[str, ...], text: str) -> str:
    """Arguments and standard input of the program, which then fails."""
    told = tmp_path / "told"
    engine = CommandSynthesizer("echo", (sys.executable, "-c", ECHO, *run, str(told)), {"en": "v"}, rate_wpm=200)
    with pytest.raises(SynthesisFailed, match="echo failed with status 3") as caught:
        engine.synthesize(Speech(text, "en"), tmp_path / "x.wav")
    assert text not in str(caught.value)
    return told.read_text()


@pytest.mark.adapter
def test_a_program_gets_its_placeholders_filled_and_the_text_by_one_way(tmp_path: Path) -> None:
    rest = ("{voice}", "{rate}", "{stretch}", "a{voice}b")
    assert ran(tmp_path, rest, "Hi {voice} $HOME") == repr((["v", "200", "0.800", "avb"], "Hi {voice} $HOME"))
    assert ran(tmp_path, ("{text}",), "Hi {voice} $HOME") == repr((["Hi {voice} $HOME"], ""))
    assert ran(tmp_path, ("{text}",), "-o x") == repr(([" -o x"], "")), "no option"


def test_a_sensitive_text_is_never_an_argument(tmp_path: Path) -> None:
    engine = CommandSynthesizer("echo", ("echo", "{text}", "{file}"), {"en": "v"})
    with pytest.raises(SynthesisFailed, match="standard input") as caught:
        engine.synthesize(Speech("4711", "en", is_sensitive=True), tmp_path / "x.wav")
    assert "4711" not in str(caught.value)


def test_marks_come_to_figures() -> None:
    assert manner_of(Speech("x", "en")) == Manner()
    assert manner_of(Speech("x", "en", rate="slow")) == Manner(rate=0.8)
    strong = manner_of(Speech("x", "en", rate="fast", emphasis="strong"))
    assert strong.rate == pytest.approx(1.25 * 0.85) and strong.pitch > 1 and strong.gain_db > 0
    assert manner_of(Speech("x", "en", emphasis="reduced")).gain_db < 0
