"""The prompt store: with a counting synthesizer, and with the real one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import structlog

from ivr.errors import MediaFailed, SynthesisFailed
from ivr.ports import Pause, Segment, SoundFile, Speech
from ivr.speech.pcm import Audio, active_level_dbfs, read_wav, write_wav
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.sounds import SoundLibrary

pytestmark = pytest.mark.adapter

HELLO = Speech("Hello there", "en")


def tone(duration_s: float, rate_hz: int = 22050, amplitude: float = 0.02) -> Audio:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return Audio((amplitude * np.sin(2 * np.pi * 500 * time_s)).astype(np.float32), rate_hz)


class CountingSynthesizer:
    """Writes a tone and counts."""

    def __init__(self, name: str = "counting", voice: str = "voice") -> None:
        self.name = name
        self.voice = voice
        self.texts: list[str] = []
        self.gate: threading.Event | None = None
        self.woken = threading.Event()

    def voice_for(self, language: str) -> str:
        return f"{self.voice}-{language}"

    def synthesize(self, speech: Speech, wav: Path) -> None:
        text = speech.text
        self.texts.append(text)
        if self.gate:
            self.gate.wait(5)
        if text == "broken":
            raise SynthesisFailed("no sound today", retryable=True)
        write_wav(wav, tone(0.5))

    def wake(self) -> None:
        self.woken.set()

    def rest(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def engine() -> CountingSynthesizer:
    return CountingSynthesizer()


@pytest.fixture
def sounds(tmp_path: Path) -> SoundLibrary:
    folder = tmp_path / "sounds" / "en"
    folder.mkdir(parents=True)
    write_wav(folder / "welcome.wav", tone(0.8, 44100, 0.5))
    (folder / "sounds.yaml").write_text("- {key: welcome, file: welcome.wav, text: Welcome to the demo.}")
    return SoundLibrary(tmp_path / "sounds")


@pytest.fixture
def store(tmp_path: Path, engine: CountingSynthesizer, sounds: SoundLibrary) -> Iterator[FilePromptStore]:
    made = FilePromptStore(engine, tmp_path / "cache", sounds=sounds)
    yield made
    made.close()


def render(store: FilePromptStore, *segments: Segment) -> list[Path]:
    return asyncio.run(store.render(segments))


def test_speech_becomes_telephone_ready(store: FilePromptStore) -> None:
    (path,) = render(store, HELLO)
    audio = read_wav(path)
    assert audio.sample_rate_hz == 8000
    assert active_level_dbfs(audio) == pytest.approx(-20.0, abs=0.5)


class NotingSynthesizer(CountingSynthesizer):
    """Notes for which call it speaks."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[object] = []

    def synthesize(self, speech: Speech, wav: Path) -> None:
        self.calls.append(structlog.contextvars.get_contextvars().get("call_id"))
        super().synthesize(speech, wav)


def test_what_the_synthesizer_logs_names_the_call(tmp_path: Path) -> None:
    engine = NotingSynthesizer()
    store = FilePromptStore(engine, tmp_path / "cache")

    async def call(call_id: str, speech: Speech) -> None:
        with structlog.contextvars.bound_contextvars(call_id=call_id):
            await store.render([speech])

    try:
        asyncio.run(call("c1", HELLO))
        asyncio.run(call("c2", Speech("A secret", "en", is_sensitive=True)))
        asyncio.run(call("c3", HELLO))
    finally:
        store.close()
    assert engine.calls == ["c1", "c2"], "the last was made before"


def test_nothing_is_cached_before_it_was_rendered(store: FilePromptStore) -> None:
    assert store.cached([HELLO]) is None
    files = render(store, HELLO, Pause(0.3))
    assert store.cached([HELLO, Pause(0.3)]) == files
    assert store.cached([HELLO, Speech("Other", "en")]) is None


def test_a_text_is_spoken_once(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    for _ in range(3):
        render(store, HELLO)
    assert engine.texts == ["Hello there"]


def test_a_text_asked_for_twice_at_once_is_spoken_once(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    async def ask() -> None:
        await asyncio.gather(*(store.render([HELLO, HELLO]) for _ in range(5)))

    asyncio.run(ask())
    assert engine.texts == ["Hello there"]


def test_one_caller_giving_up_does_not_take_the_prompt_from_another(
    store: FilePromptStore, engine: CountingSynthesizer
) -> None:
    engine.gate = threading.Event()

    async def ask() -> list[Path]:
        first = asyncio.create_task(store.render([HELLO]))
        second = asyncio.create_task(store.render([HELLO]))
        await asyncio.sleep(0.05)  # both wait for the gate by now, or will
        first.cancel()
        assert engine.gate is not None
        engine.gate.set()
        return await second

    assert len(asyncio.run(ask())) == 1


def test_prompts_survive_a_restart(tmp_path: Path, store: FilePromptStore) -> None:
    files = render(store, HELLO)
    store.close()
    second = CountingSynthesizer()
    again = FilePromptStore(second, tmp_path / "cache")
    assert again.cached([HELLO]) == files
    assert second.texts == []
    again.close()


@pytest.mark.parametrize(
    "other",
    [
        {"engine": CountingSynthesizer(name="other")},
        {"engine": CountingSynthesizer(voice="other")},
        {"sample_rate_hz": 16000},
        {"loudness_dbfs": -18.0},
        {"segment": Speech("Hello there", "de")},
        {"segment": Speech("Hello there!", "en")},
    ],
)
def test_whatever_changes_the_sound_changes_the_key(
    tmp_path: Path, store: FilePromptStore, engine: CountingSynthesizer, other: dict[str, object]
) -> None:
    render(store, HELLO)
    options = dict(other)
    segment = options.pop("segment", HELLO)
    second = FilePromptStore(options.pop("engine", engine), tmp_path / "cache", **options)  # type: ignore[arg-type]
    assert second.cached([segment]) is None  # type: ignore[list-item]
    second.close()


def test_a_damaged_prompt_is_rendered_again(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    (path,) = render(store, HELLO)
    path.write_bytes(path.read_bytes()[:500])
    assert store.cached([HELLO]) is None
    assert render(store, HELLO) == [path]
    assert engine.texts == ["Hello there"] * 2
    assert read_wav(path).duration_s > 0.4


@pytest.mark.parametrize("text", ["Welcome to the demo.", "welcome  to the DEMO", "welcome"])
def test_a_recording_goes_before_speech(store: FilePromptStore, engine: CountingSynthesizer, text: str) -> None:
    (path,) = render(store, Speech(text, "en-US"))
    audio = read_wav(path)
    assert engine.texts == []
    assert audio.sample_rate_hz == 8000
    assert audio.duration_s == pytest.approx(0.8, abs=0.01)
    assert active_level_dbfs(audio) == pytest.approx(-20.0, abs=0.5)


@pytest.mark.parametrize("name", ["sounds/en/welcome.wav", "en/welcome.wav"])
def test_a_sound_file_is_converted(store: FilePromptStore, name: str) -> None:
    (path,) = render(store, SoundFile(name))
    assert read_wav(path).duration_s == pytest.approx(0.8, abs=0.01)


def test_a_new_recording_is_noticed(tmp_path: Path, store: FilePromptStore) -> None:
    (first,) = render(store, SoundFile("sounds/en/welcome.wav"))
    write_wav(tmp_path / "sounds" / "en" / "welcome.wav", tone(1.5, 8000))
    (second,) = render(store, SoundFile("sounds/en/welcome.wav"))
    assert second != first
    assert read_wav(second).duration_s == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    ("name", "text"), [("sounds/en/none.wav", "cannot be read"), ("sounds/../../etc/passwd", "lies outside")]
)
def test_a_sound_file_that_cannot_be_used_is_named(store: FilePromptStore, name: str, text: str) -> None:
    assert store.cached([SoundFile(name)]) is None
    with pytest.raises(MediaFailed, match=text):
        render(store, SoundFile(name))


def test_a_pause_is_silence_of_its_length(store: FilePromptStore) -> None:
    (path,) = render(store, Pause(0.35))
    audio = read_wav(path)
    assert audio.duration_s == pytest.approx(0.35, abs=0.001)
    assert np.max(np.abs(audio.samples)) == 0.0


def test_without_synthesizer_recordings_play_and_texts_are_refused(tmp_path: Path, sounds: SoundLibrary) -> None:
    store = FilePromptStore(None, tmp_path / "cache", sounds=sounds)
    assert len(render(store, Speech("Welcome to the demo", "en"))) == 1
    assert store.cached([HELLO]) is None
    with pytest.raises(SynthesisFailed, match="no synthesizer is configured"):
        render(store, HELLO)
    store.close()


def test_a_failed_synthesis_can_be_tried_again(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    for _ in range(2):
        with pytest.raises(SynthesisFailed, match="no sound today"):
            render(store, Speech("broken", "en"), HELLO)
    assert engine.texts.count("broken") == 2
    render(store, HELLO)
    assert engine.texts.count("Hello there") == 1, "the other prompt was finished all the same"


def test_all_prompts_of_a_flow_are_rendered_with_progress(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    prompts: list[list[Segment]] = [[Speech(f"Prompt {number}", "en"), Pause(0.1)] for number in range(5)]
    told: list[tuple[int, int]] = []
    asyncio.run(store.render_all([*prompts, prompts[0]], lambda done, total: told.append((done, total))))
    assert told == [(number, 6) for number in range(1, 7)]
    assert all(store.cached(prompt) for prompt in prompts)
    assert len(engine.texts) == 5


def test_prompts_of_a_loaded_flow_are_never_evicted(tmp_path: Path, engine: CountingSynthesizer) -> None:
    store = FilePromptStore(engine, tmp_path / "cache", limit_bytes=60_000)
    store._folder._recent_s = 0.0  # as if an hour passed between the prompts
    flow: list[list[Segment]] = [[Speech(f"Fixed {number}", "en")] for number in range(4)]
    asyncio.run(store.render_all(flow))
    for number in range(30):
        render(store, Speech(f"Dynamic {number}", "en"))
    assert all(store.cached(prompt) for prompt in flow)
    size_bytes = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.wav"))
    assert size_bytes <= 70_000
    store.release(flow)
    for number in range(30, 60):
        render(store, Speech(f"Dynamic {number}", "en"))
    assert not any(store.cached(prompt) for prompt in flow)
    store.close()


def test_a_store_of_a_forked_process_keeps_what_was_made_before(
    tmp_path: Path, store: FilePromptStore, engine: CountingSynthesizer
) -> None:
    asyncio.run(store.render_all([[HELLO, SoundFile("sounds/en/welcome.wav")]]))
    made = store.made()
    store.close()
    other = FilePromptStore(engine, tmp_path / "cache", limit_bytes=1)
    assert other.take_over(made)
    assert other.cached([HELLO, SoundFile("sounds/en/welcome.wav")])
    render(other, Speech("Something else", "en"))
    assert other.cached([HELLO]), "it was not kept"
    files = render(other, HELLO)
    assert engine.texts == ["Hello there", "Something else"]
    other.close()
    files[0].unlink()
    third = FilePromptStore(engine, tmp_path / "cache")
    assert not third.take_over(made)
    third.close()


def test_the_real_engine_speaks_a_prompt(tmp_path: Path, synthesizer: Pyttsx3Synthesizer) -> None:
    store = FilePromptStore(synthesizer, tmp_path / "cache")
    files = render(store, Speech("Press one for sales.", "en"), Pause(0.2), Speech("Guten Tag", "de"))
    store.close()
    spoken = [read_wav(path) for path in files]
    assert [audio.sample_rate_hz for audio in spoken] == [8000] * 3
    assert active_level_dbfs(spoken[0]) == pytest.approx(-20.0, abs=0.5)
    assert active_level_dbfs(spoken[2]) == pytest.approx(-20.0, abs=0.5)
    assert np.max(np.abs(spoken[0].samples)) < 0.99


def test_what_is_sensitive_is_spoken_and_never_cached(tmp_path: Path, store: FilePromptStore) -> None:
    secret = Speech("four seven one one", "en", is_sensitive=True)
    before = sorted(tmp_path.rglob("*.wav"))
    (first,) = render(store, secret)
    assert read_wav(first).duration_s > 0.3
    assert store.cached([secret]) is None
    assert sorted(tmp_path.rglob("*.wav")) == before
    assert first.parent.stat().st_mode & 0o077 == 0, "only this user may read it"
    store.close()
    assert not first.exists()


def test_emphasis_is_louder_and_a_prompt_of_its_own(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    usual, strong = render(store, HELLO, Speech(HELLO.text, "en", emphasis="strong"))
    assert active_level_dbfs(read_wav(strong)) - active_level_dbfs(read_wav(usual)) == pytest.approx(4.0, abs=0.5)
    assert len(set(render(store, HELLO, Speech(HELLO.text, "en", rate="slow"), Speech(HELLO.text, "en")))) == 2


LONG = Speech("Your order has left our house. It is with you tomorrow at noon. Please be at home by then.", "en")
SENTENCES = ["Your order has left our house.", "It is with you tomorrow at noon.", "Please be at home by then."]


async def first_parts(store: FilePromptStore, count: int, *segments: Segment) -> list[list[Path]]:
    async with aclosing(store.render_in_turn(segments)) as parts:
        return [await anext(parts) for _ in range(count)]


def in_turn(store: FilePromptStore, *segments: Segment) -> list[list[Path]]:
    async def ask() -> list[list[Path]]:
        return [files async for files in store.render_in_turn(segments)]

    return asyncio.run(ask())


def test_a_long_text_is_made_sentence_by_sentence_and_found_again(
    store: FilePromptStore, engine: CountingSynthesizer
) -> None:
    parts = in_turn(store, Speech("Welcome to the demo.", "en"), LONG)
    assert engine.texts == SENTENCES, "in the order of hearing; the greeting is a recording"
    assert [len(part) for part in parts] == [1, 2, 2, 1], "a pause behind each but the last"
    assert [len(part) for part in in_turn(store, LONG, HELLO)] == [5, 1], "what is ready comes at once"
    assert store.cached([Speech("Welcome to the demo.", "en"), LONG]) == [file for part in parts for file in part]


def test_what_nobody_waits_for_any_more_is_not_made(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    asyncio.run(first_parts(store, 1, LONG))
    assert engine.texts == SENTENCES[:1]


def test_a_long_text_that_was_made_whole_is_not_divided(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    whole = render(store, LONG)
    assert in_turn(store, LONG) == [whole] == [store.cached([LONG])]
    assert engine.texts == [LONG.text]


def test_sentences_of_a_sensitive_text_are_not_kept(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    hidden = Speech(LONG.text, "en", is_sensitive=True)
    assert len(in_turn(store, hidden)) == 3 and store.cached([hidden]) is None
    assert store.cached([Speech(SENTENCES[0], "en")]) is None
    in_turn(store, hidden)
    assert engine.texts == SENTENCES * 2


def test_what_makes_prompts_is_woken_off_the_loop(store: FilePromptStore, engine: CountingSynthesizer) -> None:
    store.wake()
    assert engine.woken.wait(5), "the synthesizer was not woken"


def test_waking_after_the_end_is_harmless(tmp_path: Path, engine: CountingSynthesizer) -> None:
    store = FilePromptStore(engine, tmp_path / "cache")
    store.close()
    store.wake()
    assert not engine.woken.is_set()
