"""The same cases over every engine that speaks: pyttsx3, Piper, and programs of the command line."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
import structlog

from ivr.errors import SynthesisFailed
from ivr.flow.segments import Speech
from ivr.ports import Synthesizer
from ivr.speech.command_synthesizer import CommandSynthesizer
from ivr.speech.pcm import read_wav
from ivr.speech.piper_synthesizer import WORKER_COMMAND as PIPER
from ivr.speech.piper_synthesizer import PiperSynthesizer
from ivr.speech.pyttsx3_synthesizer import WORKER_COMMAND as PYTTSX3
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.wav_files import is_whole_wav

pytestmark = pytest.mark.adapter

PIPER_VOICES = Path(__file__).parents[1] / "data" / "piper"
SECRET = "four seven one one"
TO_STANDARD_OUTPUT = """
import sys
text = sys.stdin.read()
samples = bytes([0, 32] * int(len(text) * 700 * float(sys.argv[1])))
head = b"RIFF" + bytes([0, 0, 0, 128]) + b"WAVEfmt " + bytes([16, 0, 0, 0, 1, 0, 1, 0])
head += (22050).to_bytes(4, "little") + (44100).to_bytes(4, "little") + bytes([2, 0, 16, 0])
sys.stdout.buffer.write(head + b"data" + bytes([0, 0, 0, 128]) + samples)
"""
HANGS = """
import sys, json, time
print(json.dumps({"ok": True}), flush=True)
time.sleep(60)
"""
FLITE = ("flite", "-voice", "{voice}", "--setf", "duration_stretch={stretch}", "-o", "{file}")


def once(tmp_path: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """A command that hangs in its first life, with a child of its own, and is the real one in the next."""
    script = tmp_path / "once.py"
    script.write_text(f"""
import os, pathlib, subprocess, sys
mark = pathlib.Path({str(tmp_path / "mark")!r})
if not mark.exists():
    mark.touch()
    subprocess.Popen(["sleep", "61"])
    exec({HANGS!r})
command = {list(command)!r}
os.execvp(command[0], command + sys.argv[1:])
""")
    return (sys.executable, str(script))


def pyttsx3(tmp_path: Path, *, limit_s: float = 10.0, hangs_once: bool = False) -> Synthesizer:
    command = once(tmp_path, PYTTSX3) if hangs_once else PYTTSX3
    return Pyttsx3Synthesizer(limit_s=limit_s, command=command)


def piper(tmp_path: Path, *, limit_s: float = 10.0, hangs_once: bool = False) -> Synthesizer:
    command = once(tmp_path, PIPER) if hangs_once else PIPER
    return PiperSynthesizer(PIPER_VOICES, {"en": "xx_XX-tone-low"}, limit_s=limit_s, command=command)


def flite(tmp_path: Path, *, limit_s: float = 10.0, hangs_once: bool = False) -> Synthesizer:
    run = (*once(tmp_path, FLITE[:1]), *FLITE[1:]) if hangs_once else FLITE
    return CommandSynthesizer("flite", run, {"en": "slt"}, limit_s=limit_s)


def streamed(tmp_path: Path, *, limit_s: float = 10.0, hangs_once: bool = False) -> Synthesizer:
    script = tmp_path / "speak.py"
    script.write_text(TO_STANDARD_OUTPUT)
    command = (sys.executable, str(script))
    run = (*(once(tmp_path, command) if hangs_once else command), "{stretch}")
    return CommandSynthesizer("streamed", run, {"en": "any"}, limit_s=limit_s)


ENGINES: Mapping[str, Callable[..., Synthesizer]] = {
    "pyttsx3": pyttsx3, "piper": piper, "flite": flite, "streamed": streamed,
}  # fmt: skip


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Synthesizer]:
    if request.param == "piper" and find_spec("piper") is None:
        pytest.skip("Piper is not installed: pip install 'ivr[piper]'")
    if request.param == "flite" and shutil.which("flite") is None:
        pytest.skip("flite is not installed: apt install flite")
    return lambda **options: ENGINES[request.param](tmp_path, **options)


@pytest.fixture
def engine(make: Callable[..., Synthesizer]) -> Iterator[Synthesizer]:
    made = make()
    yield made
    made.close()


def spoken_s(engine: Synthesizer, speech: Speech, tmp_path: Path) -> float:
    wav = tmp_path / "x.wav"
    engine.synthesize(speech, wav)
    assert is_whole_wav(wav)
    return read_wav(wav).duration_s


def test_a_longer_text_takes_longer(engine: Synthesizer, tmp_path: Path) -> None:
    short_s = spoken_s(engine, Speech("Hello there.", "en"), tmp_path)
    long_s = spoken_s(engine, Speech("Hello there, your order has left the house today.", "en-US"), tmp_path)
    assert 0.3 < short_s < long_s / 1.5


def test_the_marks_for_the_rate_and_emphasis_are_heard(engine: Synthesizer, tmp_path: Path) -> None:
    text = "Please tell me your customer number now."
    usual_s = spoken_s(engine, Speech(text, "en"), tmp_path)
    slow_s = spoken_s(engine, Speech(text, "en", rate="slow"), tmp_path)
    fast_s = spoken_s(engine, Speech(text, "en", rate="fast"), tmp_path)
    strong_s = spoken_s(engine, Speech(text, "en", emphasis="strong"), tmp_path)
    assert fast_s < usual_s * 0.9 and slow_s > usual_s * 1.1 and strong_s > usual_s * 1.05


def test_texts_from_several_threads_are_all_spoken(engine: Synthesizer, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.wav" for number in range(6)]
    threads = [
        threading.Thread(target=engine.synthesize, args=(Speech(f"Number {file.stem}", "en"), file)) for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(is_whole_wav(file) for file in files)


@pytest.mark.parametrize(
    "text", ["-o /tmp/elsewhere.wav", "$(touch MADE) `touch MADE`; touch MADE", "{file} {voice} <break/> & \0 ä€"]
)
def test_a_text_is_a_text_whatever_is_in_it(engine: Synthesizer, tmp_path: Path, text: str) -> None:
    assert spoken_s(engine, Speech(f"{text} or so", "en"), tmp_path) > 0.3
    assert not list(Path.cwd().glob("MADE"))


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_refused(engine: Synthesizer, tmp_path: Path, text: str) -> None:
    with pytest.raises(SynthesisFailed, match="no text"):
        engine.synthesize(Speech(text, "en"), tmp_path / "x.wav")


def test_a_language_without_a_voice_is_refused_with_the_remedy(engine: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(SynthesisFailed, match="name one under speech"):
        engine.voice_for("tlh")
    with pytest.raises(SynthesisFailed, match="name one under speech"):
        engine.synthesize(Speech("nuqneH", "tlh"), tmp_path / "x.wav")


def test_an_engine_that_hangs_is_ended_and_the_next_text_is_spoken(
    make: Callable[..., Synthesizer], tmp_path: Path
) -> None:
    engine = make(limit_s=3.0, hangs_once=True)
    begun_s = time.monotonic()
    with structlog.testing.capture_logs() as logs, pytest.raises(SynthesisFailed, match="hung for 3 s") as caught:
        engine.synthesize(Speech(SECRET, "en", is_sensitive=True), tmp_path / "x.wav")
    assert time.monotonic() - begun_s < 6 and caught.value.retryable
    assert logs and SECRET not in f"{logs} {caught.value}"
    assert spoken_s(engine, Speech("Hello there.", "en"), tmp_path) > 0.3
    engine.close()


def test_one_that_rests_or_is_closed(engine: Synthesizer, tmp_path: Path) -> None:
    engine.rest()
    assert spoken_s(engine, Speech("Hello there.", "en"), tmp_path) > 0.3
    engine.rest()
    assert spoken_s(engine, Speech("Hello there.", "en"), tmp_path) > 0.3
    engine.close()
    engine.close()
    with pytest.raises(SynthesisFailed, match="closed"):
        engine.synthesize(Speech("Hello", "en"), tmp_path / "x.wav")
