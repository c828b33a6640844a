"""The synthesizer with the real espeak-ng, and with helper processes that misbehave."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ivr.errors import SynthesisFailed
from ivr.flow.segments import Speech
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.pcm import active_level_dbfs, read_wav, telephone_ready
from ivr.speech.pyttsx3_synthesizer import WORKER_COMMAND, Pyttsx3Synthesizer

pytestmark = pytest.mark.adapter

HANGS = """
import sys, json
print(json.dumps({"ok": True}), flush=True)
for line in sys.stdin:
    import time
    time.sleep(60)
"""
DIES = """
import sys, json
print(json.dumps({"ok": True}), flush=True)
sys.stdin.readline()
"""
NO_LIBRARY = """
import json
print(json.dumps({"ok": False, "kind": "library", "reason": "OSError: libespeak-ng.so.1"}), flush=True)
"""
BABBLES = """
import sys
print("this is not JSON", flush=True)
sys.stdin.readline()
"""


def helper(tmp_path: Path, source: str) -> tuple[str, ...]:
    path = tmp_path / "helper.py"
    path.write_text(source)
    return (sys.executable, str(path))


def hangs_once(tmp_path: Path) -> tuple[str, ...]:
    """A helper that hangs in its first life and is the real one in the next."""
    return helper(
        tmp_path,
        f"""
import os, pathlib
mark = pathlib.Path({str(tmp_path / "mark")!r})
if not mark.exists():
    mark.touch()
    exec({HANGS!r})
os.execv({WORKER_COMMAND[0]!r}, {list(WORKER_COMMAND)!r})
""",
    )


@pytest.fixture
def engine() -> Iterator[Pyttsx3Synthesizer]:
    synthesizer = Pyttsx3Synthesizer()
    yield synthesizer
    synthesizer.close()


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Hello, this is a test."), ("de", "Größe, Straße, zurück."), ("fr", "Bonjour à tous")]
)
def test_a_text_becomes_speech(engine: Pyttsx3Synthesizer, tmp_path: Path, language: str, text: str) -> None:
    engine.synthesize(Speech(text, language), tmp_path / "x.wav")
    audio = read_wav(tmp_path / "x.wav")
    assert audio.duration_s > 0.5
    assert active_level_dbfs(audio) > -40
    assert active_level_dbfs(telephone_ready(audio, 8000, -20.0)) == pytest.approx(-20.0, abs=0.5)


def test_one_helper_serves_many_texts_from_many_threads(engine: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    def speak(number: int) -> None:
        engine.synthesize(Speech(f"Number {number}", "en"), tmp_path / f"{number}.wav")

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(list(tmp_path.glob("*.wav"))) == 12
    assert all(read_wav(path).duration_s > 0.4 for path in tmp_path.glob("*.wav"))


def test_a_prompt_takes_well_under_150_ms(engine: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    engine.synthesize(Speech("Warm up", "en"), tmp_path / "x.wav")
    took_s = []
    for number in range(10):
        begun_s = time.perf_counter()
        engine.synthesize(Speech(f"Press {number} to reach the sales department.", "en"), tmp_path / "x.wav")
        took_s.append(time.perf_counter() - begun_s)
    assert sorted(took_s)[5] < 0.15


def test_the_rate_is_heard_in_every_process_from_the_first_text_on(tmp_path: Path) -> None:
    for _ in range(6):
        durations = []
        for rate_wpm in (120, 240):
            synthesizer = Pyttsx3Synthesizer(rate_wpm=rate_wpm)
            synthesizer.synthesize(Speech("Please tell me your customer number now.", "en"), tmp_path / "x.wav")
            synthesizer.close()
            durations.append(read_wav(tmp_path / "x.wav").duration_s)
        assert durations[0] > durations[1] * 1.8


def test_the_name_tells_the_rate_because_it_is_part_of_the_cache_key() -> None:
    assert Pyttsx3Synthesizer(rate_wpm=120).name != Pyttsx3Synthesizer(rate_wpm=121).name


@pytest.mark.parametrize(
    ("language", "voice"),
    [("en", "en-us"), ("en-GB", "en-gb"), ("de-AT", "de"), ("pt-BR", "pt-br"), ("zh-CN", "cmn"), ("xx", "")],
)
def test_languages_have_their_usual_voice(language: str, voice: str) -> None:
    assert espeak_voice(language) == voice


def test_every_usual_voice_exists(tmp_path: Path, engine: Pyttsx3Synthesizer) -> None:
    for language in (
        "en",
        "en-GB",
        "de",
        "fr",
        "fr-CH",
        "es",
        "es-MX",
        "it",
        "nl",
        "pt",
        "pt-BR",
        "no",
        "zh",
        "vi",
        "pl",
    ):
        engine.synthesize(Speech("1 2 3", language), tmp_path / "x.wav")


def test_a_voice_can_be_named(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(voices={"en": "en-gb", "de-CH": "de+f3"})
    assert synthesizer.voice_for("en-US") == "en-gb"
    assert synthesizer.voice_for("de-CH") == "de+f3"
    assert synthesizer.voice_for("de") == "de"
    synthesizer.synthesize(Speech("Grüezi", "de-CH"), tmp_path / "x.wav")
    synthesizer.close()
    assert read_wav(tmp_path / "x.wav").duration_s > 0.3


def test_a_voice_keeps_nothing_of_the_one_that_spoke_before(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(voices={"en": "en-gb"})
    lengths_s = []
    for language in ("en", "de", "en"):
        synthesizer.synthesize(Speech("yes", language), tmp_path / "x.wav")
        lengths_s.append(read_wav(tmp_path / "x.wav").duration_s)
    synthesizer.close()
    assert lengths_s[2] == pytest.approx(lengths_s[0], abs=0.005)


def test_a_voice_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(voices={"en": "nobody"})
    with pytest.raises(SynthesisFailed, match=r"no voice 'nobody'.*espeak-ng --voices"):
        synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
    synthesizer.close()


def test_a_language_that_is_not_spoken_is_refused(engine: Pyttsx3Synthesizer) -> None:
    with pytest.raises(SynthesisFailed, match="no voice for language 'tlh'"):
        engine.voice_for("tlh")


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_text_is_refused(engine: Pyttsx3Synthesizer, tmp_path: Path, text: str) -> None:
    with pytest.raises(SynthesisFailed, match="no text"):
        engine.synthesize(Speech(text, "en"), tmp_path / "x.wav")


def test_a_helper_that_hangs_is_ended_and_the_next_text_is_spoken(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(limit_s=0.4, command=hangs_once(tmp_path))
    begun_s = time.monotonic()
    with structlog.testing.capture_logs() as logs, pytest.raises(SynthesisFailed, match=r"hung for 0\.4 s") as caught:
        synthesizer.synthesize(Speech("a secret text", "en"), tmp_path / "x.wav")
    assert time.monotonic() - begun_s < 3
    assert caught.value.retryable
    assert "secret" not in str(logs)
    synthesizer._process.limit_s = 10.0  # the real helper may need longer on a busy machine
    synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
    synthesizer.close()
    assert read_wav(tmp_path / "x.wav").duration_s > 0.2


def test_a_helper_that_dies_is_replaced(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(command=helper(tmp_path, DIES))
    for _ in range(2):
        with pytest.raises(SynthesisFailed, match="ended and was started again") as caught:
            synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
        assert caught.value.retryable
    synthesizer.close()


def test_a_helper_that_babbles_is_ended(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(command=helper(tmp_path, BABBLES))
    with pytest.raises(SynthesisFailed):
        synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
    synthesizer.close()


def test_an_absent_library_is_named_with_the_remedy(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(command=helper(tmp_path, NO_LIBRARY))
    with pytest.raises(SynthesisFailed, match="apt install libespeak-ng1") as caught:
        synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
    assert not caught.value.retryable
    synthesizer.close()


def test_a_helper_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(command=(str(tmp_path / "absent"),))
    with pytest.raises(SynthesisFailed):
        synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
    synthesizer.close()


def test_an_old_file_is_not_taken_for_the_result(tmp_path: Path) -> None:
    synthesizer = Pyttsx3Synthesizer(limit_s=0.3, command=helper(tmp_path, HANGS))
    (tmp_path / "x.wav").write_bytes(b"old")
    with pytest.raises(SynthesisFailed):
        synthesizer.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
    synthesizer.close()
    assert not (tmp_path / "x.wav").exists()


def test_a_closed_synthesizer_refuses(engine: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    engine.close()
    engine.close()
    with pytest.raises(SynthesisFailed, match="closed"):
        engine.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")


def test_no_text_of_many_is_empty_or_cut_off(engine: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    durations = []
    for number in range(120):
        engine.synthesize(Speech("Please press one, or say sales.", "de" if number % 3 else "en"), tmp_path / "x.wav")
        durations.append(read_wav(tmp_path / "x.wav").duration_s)
    for language in (0, 1):
        of_language = [duration for number, duration in enumerate(durations) if bool(number % 3) == bool(language)]
        assert max(of_language) - min(of_language) < 0.1


def test_the_helper_rests_after_a_while_and_comes_back(tmp_path: Path) -> None:
    others = children()
    synthesizer = Pyttsx3Synthesizer(rest_after_s=0.1)
    try:
        synthesizer.synthesize(Speech("Hello", "en-US"), tmp_path / "first.wav")
        deadline_s = time.monotonic() + 5
        while children() > others and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert children() <= others, "the helper process goes on without work"
        synthesizer.synthesize(Speech("Hello again", "en-US"), tmp_path / "second.wav")
        assert (tmp_path / "second.wav").stat().st_size > 1000
    finally:
        synthesizer.close()


def children() -> set[str]:
    """Processes that this one started and that still run."""
    task = Path(f"/proc/{os.getpid()}/task")
    return {pid for thread in task.iterdir() for pid in (thread / "children").read_text().split()}


def test_waking_an_engine_that_speaks_waits_for_nothing(tmp_path: Path) -> None:
    engine = Pyttsx3Synthesizer(command=helper(tmp_path, HANGS), limit_s=2.0)
    failed: list[SynthesisFailed] = []

    def speak() -> None:
        try:
            engine.synthesize(Speech("Hello.", "en"), tmp_path / "x.wav")
        except SynthesisFailed as error:
            failed.append(error)

    thread = threading.Thread(target=speak)
    thread.start()
    began_s = time.monotonic()
    while thread.is_alive():
        before_s = time.monotonic()
        engine.wake()
        assert time.monotonic() - before_s < 1.0
        time.sleep(0.01)
    engine.close()
    assert failed and time.monotonic() - began_s >= 2.0
