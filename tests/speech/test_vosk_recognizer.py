"""The recognizer with the real engine: streams in 20 ms frames, as the telephone delivers them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import structlog

from ivr.errors import RecognizerFailed
from ivr.flow.segments import Speech
from ivr.ports import RecognitionFailed, RecognizerEvent, SpeechDetected, TranscriptReady
from ivr.speech import vosk_engine
from ivr.speech.decoding import Heard
from ivr.speech.pcm import Audio, pad, read_wav, telephone_ready
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.vosk_recognizer import VoskRecognizer, VoskStream
from tests.speech.callers import COMMANDS, Caller, heard, heard_text, request
from tests.speech.conftest import DIGITS, ENGLISH_MODEL, needed, transcripts

pytestmark = pytest.mark.adapter


@pytest.mark.parametrize(("speaker", "least"), [("george", 49), ("lucas", 49), ("theo", 45)])
def test_human_digits_are_understood(recognizer: VoskRecognizer, digits_dir: Path, speaker: str, least: int) -> None:
    files = sorted((digits_dir / speaker).glob("*.wav"))
    texts = [heard_text(recognizer, file, request()) for file in files]
    right = sum(text == DIGITS[int(file.name[0])] for file, text in zip(files, texts, strict=True))
    assert len(files) == 50
    assert right >= least


def test_human_digits_of_all_speakers_are_understood(recognizer: VoskRecognizer, digits_dir: Path) -> None:
    files = sorted(digits_dir.rglob("*.wav"))
    right = sum(heard_text(recognizer, file, request()) == DIGITS[int(file.name[0])] for file in files)
    assert right / len(files) >= 0.93


@pytest.mark.parametrize(
    "file",
    [
        "vm-no.wav",
        "spy-agent.wav",
        "vm-message.wav",
        "extension.wav",
        "vm-password.wav",
        "goodbye.wav",
        "do-not-disturb.wav",
    ],
)
def test_human_commands_are_understood(recognizer: VoskRecognizer, english_dir: Path, file: str) -> None:
    result = heard(recognizer, read_wav(english_dir / file), request(COMMANDS))
    assert result.text == transcripts(english_dir)[file]
    assert result.confidence > 0.8
    assert [word.text for word in result.words] == result.text.split()


def test_german_commands_are_understood(german_recognizer: VoskRecognizer, german_dir: Path) -> None:
    said = transcripts(german_dir)
    files = [name for name, text in said.items() if len(text.split()) == 1]
    wanted = request([said[name] for name in files], "de-DE")
    right = sum(heard_text(german_recognizer, german_dir / name, wanted) == said[name] for name in files)
    assert len(files) >= 15
    assert right / len(files) >= 0.9


def test_synthesized_german_with_umlauts_is_understood(
    german_recognizer: VoskRecognizer, synthesizer: Pyttsx3Synthesizer, tmp_path: Path
) -> None:
    for word in ("zurück", "zwölf", "für", "vertrieb"):
        synthesizer.synthesize(Speech(word, "de"), tmp_path / "word.wav")
        audio = telephone_ready(read_wav(tmp_path / "word.wav"), 8000, -20.0)
        assert heard(german_recognizer, audio, request(["zurück", "zwölf", "für", "vertrieb"], "de")).text == word


@pytest.mark.parametrize("noise_dbfs", [-62.0, -45.0])
def test_a_quiet_line_wakes_the_worker_rarely_and_speech_at_once(
    recognizer: VoskRecognizer, english_dir: Path, noise_dbfs: float
) -> None:
    noise = np.random.default_rng(2).standard_normal(10 * 8000).astype(np.float32) * 10 ** (noise_dbfs / 20)
    caller = Caller(recognizer, request(COMMANDS))
    try:
        for at in range(0, len(noise), 480):
            caller.hears(Audio(noise[at : at + 480], 8000), 0.0, frame_s=0.06)
            caller.wait(lambda _: not caller.stream.has_waiting_audio, "the piece")
        assert caller.stream._wakes < 50  # of 167 pieces
        caller.hears(read_wav(english_dir / "spy-agent.wav"), frame_s=0.06)
        caller.pauses(1.0)
        assert caller.transcripts(1)[0].text == "agent"
    finally:
        caller.stream.close()


def test_speech_outside_the_list_is_unknown(recognizer: VoskRecognizer, english_dir: Path) -> None:
    result = heard(recognizer, read_wav(english_dir / "tt-weasels.wav"), request(COMMANDS))
    assert set(result.text.split()) <= {"[unk]"}
    assert result.confidence == 0.0


def test_a_list_without_unknown_never_answers_it(recognizer: VoskRecognizer, english_dir: Path) -> None:
    result = heard(recognizer, read_wav(english_dir / "tt-weasels.wav"), request(COMMANDS, unknown=False))
    assert "[unk]" not in result.text


def test_free_speech_needs_no_list(recognizer: VoskRecognizer, english_dir: Path) -> None:
    assert heard(recognizer, read_wav(english_dir / "vm-password.wav"), request([])).text == "password"


def test_16_khz_audio_is_understood(recognizer: VoskRecognizer, english_dir: Path) -> None:
    result = heard(recognizer, read_wav(english_dir / "spy-agent.wav"), request(COMMANDS), rate_hz=16000)
    assert result.text == "agent"


def test_one_stream_hears_several_utterances(recognizer: VoskRecognizer, english_dir: Path) -> None:
    caller = Caller(recognizer, request(COMMANDS))
    for file in ("vm-no.wav", "spy-agent.wav", "vm-message.wav"):
        caller.hears(read_wav(english_dir / file))
        caller.pauses(0.7)
    results = caller.transcripts(3)
    caller.stream.close()
    assert [result.text for result in results] == ["no", "agent", "message"]
    for result in results:
        assert result.words[0].start_s < 1.0, "word times count from their own utterance"
    kinds = [type(event) for event in caller.events]
    assert kinds == [SpeechDetected, TranscriptReady] * 3


def test_digits_with_pauses_are_one_utterance(recognizer: VoskRecognizer, english_dir: Path) -> None:
    caller = Caller(recognizer, request(silence_s=2.0, unknown=False))
    for digit in "4711":
        caller.hears(read_wav(english_dir / f"digits_{digit}.wav"), 0.2)
        caller.pauses(0.3)
    caller.pauses(2.1)
    (result,) = caller.transcripts(1)
    caller.stream.close()
    assert result.text == "four seven one one"
    starts = [word.start_s for word in result.words]
    assert starts == sorted(starts)
    assert starts[-1] > 4.0, "pauses that were not decoded still count in the word times"


def test_speech_is_reported_before_its_end_with_its_beginning(recognizer: VoskRecognizer, english_dir: Path) -> None:
    caller = Caller(recognizer, request(COMMANDS))
    caller.hears(read_wav(english_dir / "vm-message.wav"), 0.0)
    caller.wait(lambda events: any(isinstance(event, SpeechDetected) for event in events), "speech")
    assert not any(isinstance(event, TranscriptReady) for event in caller.events)
    caller.pauses(1.0)
    result = caller.transcripts(1)[0]
    caller.stream.close()
    started = caller.events[0]
    assert isinstance(started, SpeechDetected)
    assert 0.3 < result.speech_ended_at_s - result.speech_started_at_s < 1.2


def test_times_are_those_of_the_clock_when_fed_in_real_time(recognizer: VoskRecognizer, english_dir: Path) -> None:
    caller = Caller(recognizer, request(COMMANDS, silence_s=0.3))
    pcm = pad(read_wav(english_dir / "vm-no.wav"), 0.3).pcm16()
    begun_s = time.monotonic()
    for index in range(len(pcm) // 320):
        time.sleep(max(begun_s + (index + 1) * 0.02 - time.monotonic(), 0))
        caller.stream.write(pcm[index * 320 : (index + 1) * 320])
    result = caller.transcripts(1)[0]
    caller.stream.close()
    assert result.speech_started_at_s - begun_s == pytest.approx(0.3 + 0.33, abs=0.2)
    assert result.at_s - result.speech_ended_at_s == pytest.approx(0.3, abs=0.15)


def test_the_result_comes_within_50_ms_of_the_decision(
    recognizer: VoskRecognizer, english_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    took_s: list[float] = []
    finish = vosk_engine.UtteranceDecoder.finish

    def timed(self: vosk_engine.UtteranceDecoder) -> Heard:
        begun_s = time.perf_counter()
        result = finish(self)
        took_s.append(time.perf_counter() - begun_s)
        return result

    monkeypatch.setattr(vosk_engine.UtteranceDecoder, "finish", timed)
    for file in ("vm-no.wav", "spy-agent.wav", "vm-message.wav", "do-not-disturb.wav"):
        heard(recognizer, read_wav(english_dir / file), request(COMMANDS))
    assert sorted(took_s)[len(took_s) // 2] < 0.05


def test_frames_of_any_size_are_taken(recognizer: VoskRecognizer, english_dir: Path) -> None:
    for frame_s in (0.01, 0.03, 0.1, 0.0125):
        caller = Caller(recognizer, request(COMMANDS))
        caller.hears(read_wav(english_dir / "vm-no.wav"), 0.7, frame_s)
        assert caller.transcripts(1)[0].text == "no"
        caller.stream.close()


def test_endless_speech_is_ended(recognizer: VoskRecognizer, english_dir: Path) -> None:
    caller = Caller(recognizer, request([], longest_s=1.5))
    caller.hears(read_wav(english_dir / "vm-sorry.wav"))
    caller.pauses(1.0)
    results = caller.transcripts(2)
    caller.stream.close()
    assert results[0].speech_ended_at_s - results[0].speech_started_at_s == pytest.approx(1.5, abs=0.1)


def test_silence_is_not_decoded(recognizer: VoskRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    monkeypatch.setattr(vosk_engine.UtteranceDecoder, "feed", lambda self, pcm: fed.append(len(pcm)))
    caller = Caller(recognizer, request())
    caller.pauses(5.0)
    caller.wait(lambda _: not caller.stream.has_waiting_audio, "the end of the audio")
    caller.stream.close()
    assert fed == []
    assert caller.events == []


def test_no_event_follows_a_close(recognizer: VoskRecognizer, english_dir: Path) -> None:
    for delay_s in (0.0, 0.001, 0.003, 0.01, 0.02):
        caller = Caller(recognizer, request([]))
        for _ in range(3):
            caller.hears(read_wav(english_dir / "vm-password.wav"))
            caller.pauses(0.7)
        time.sleep(delay_s)
        begun_s = time.perf_counter()
        caller.stream.close()
        assert time.perf_counter() - begun_s < 0.1
        count = len(caller.events)
        caller.stream.write(b"\0" * 320)
        caller.stream.close()
        time.sleep(0.05)
        assert len(caller.events) == count


def test_a_report_may_close_its_own_stream(recognizer: VoskRecognizer, english_dir: Path) -> None:
    events: list[RecognizerEvent] = []
    stream: VoskStream | None = None

    def report(event: RecognizerEvent) -> None:
        events.append(event)
        assert stream is not None
        stream.close()

    stream = recognizer.open(request(COMMANDS), 8000, report)
    pcm = pad(read_wav(english_dir / "vm-no.wav"), 1.0).pcm16()
    for offset in range(0, len(pcm), 320):
        stream.write(pcm[offset : offset + 320])
    deadline_s = time.monotonic() + 5
    while not events and time.monotonic() < deadline_s:
        time.sleep(0.001)
    time.sleep(0.05)
    assert [type(event) for event in events] == [SpeechDetected]


def test_streams_of_several_calls_do_not_mix(english_dir: Path) -> None:
    engine = VoskRecognizer({"en": ENGLISH_MODEL}, worker_count=2)
    try:
        files = ("vm-no.wav", "spy-agent.wav", "vm-message.wav", "extension.wav")
        callers = [Caller(engine, request(COMMANDS)) for _ in files]
        threads = [
            threading.Thread(target=caller.hears, args=(read_wav(english_dir / file), 0.8))
            for caller, file in zip(callers, files, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [caller.transcripts(1)[0].text for caller in callers] == ["no", "agent", "message", "extension"]
    finally:
        engine.close()


def test_a_queue_that_is_full_drops_and_counts(recognizer: VoskRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(VoskStream, "process", lambda self: gate.wait(5) and None)
    stream = recognizer.open(request(), 8000, lambda event: None)
    for _ in range(600):
        stream.write(b"\0" * 320)
    assert stream.dropped_frames == 100
    stream.close()
    gate.set()


def test_a_failing_engine_is_reported_once(
    recognizer: VoskRecognizer, english_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: vosk_engine.UtteranceDecoder, pcm: bytes) -> None:
        raise RuntimeError("decoder gone")

    monkeypatch.setattr(vosk_engine.UtteranceDecoder, "feed", broken)
    caller = Caller(recognizer, request())
    caller.hears(read_wav(english_dir / "vm-no.wav"))
    caller.wait(lambda events: bool(events) and isinstance(events[-1], RecognitionFailed), "the failure")
    caller.hears(read_wav(english_dir / "vm-no.wav"))
    failures = [event for event in caller.events if isinstance(event, RecognitionFailed)]
    assert len(failures) == 1
    assert "RuntimeError" in failures[0].reason


def test_what_was_said_is_never_logged(recognizer: VoskRecognizer, english_dir: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        heard(recognizer, read_wav(english_dir / "vm-password.wav"), request(["password"]))
        heard(recognizer, read_wav(english_dir / "digits_4.wav"), request())
    assert logs == []


def test_an_impossible_rate_is_refused(recognizer: VoskRecognizer) -> None:
    with pytest.raises(RecognizerFailed, match="44100"):
        recognizer.open(request(), 44100, lambda event: None)


def test_a_closed_recognizer_refuses(english_dir: Path) -> None:
    engine = VoskRecognizer({"en": ENGLISH_MODEL})
    caller = Caller(engine, request())
    caller.hears(read_wav(english_dir / "vm-no.wav"))
    engine.close()
    engine.close()
    with pytest.raises(RecognizerFailed, match="closed"):
        engine.open(request(), 8000, lambda event: None)


def test_speech_over_noise_is_understood(recognizer: VoskRecognizer, english_dir: Path) -> None:
    speech = pad(read_wav(english_dir / "spy-agent.wav"), 0.5)
    hiss = np.random.default_rng(5).standard_normal(len(speech.samples)) * 10 ** (-45 / 20)
    noisy = Audio((speech.samples + hiss).astype(np.float32), 8000)
    assert heard(recognizer, noisy, request(COMMANDS)).text == "agent"


def test_shared_recordings_are_looked_for_beside_the_project(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="used from there, not copied"):
        needed(tmp_path / "absent")
