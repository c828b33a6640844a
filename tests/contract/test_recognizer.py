"""The same cases over the scripted recognizer, and over Vosk with recordings of human speech."""

from __future__ import annotations

import contextlib
import time
import wave
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ivr.errors import SpeechError
from ivr.ports import (
    ListenRequest,
    RecognitionFailed,
    Recognizer,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    TranscriptReady,
)
from ivr.speech.model_store import EMBEDDED_DIR
from ivr.testing.clock import ManualClock
from ivr.testing.recognizer import ScriptedRecognizer
from tests.vosk_server import VoskServer

RATE_HZ: Final = 8000
FRAME_BYTES: Final = 320
PATIENCE_S: Final = 10.0
SILENCE_S: Final = 0.4
LIST: Final = ("no", "agent", "message")
OUTSIDE: Final = "weasels have eaten our phone system"
RECORDINGS: Final = {"no": "vm-no", "agent": "spy-agent", "message": "vm-message", OUTSIDE: "tt-weasels"}


class Ear(ABC):
    """A recognizer, a caller who says one of `RECORDINGS`, and what is reported."""

    recognizer: Recognizer

    def __init__(self) -> None:
        self.events: list[RecognizerEvent] = []

    def opened(
        self,
        phrases: tuple[str, ...] = LIST,
        *,
        listen_id: str = "l1",
        unknown: bool = True,
        silence_s: float = SILENCE_S,
    ) -> None:
        """Begin to listen."""
        request = ListenRequest(listen_id, "en-US", phrases, unknown, silence_s, 15.0)
        self.stream: RecognizerStream = self.recognizer.open(request, RATE_HZ, self.events.append)

    @abstractmethod
    def hears(self, text: str) -> None:
        """The caller says it, and is silent long enough."""

    @abstractmethod
    def says(self, text: str) -> None:
        """The caller says it, and is not silent for long enough yet."""

    @abstractmethod
    def settles(self) -> None:
        """Everything that was said has been taken in."""

    @abstractmethod
    def breaks(self) -> None:
        """The engine fails on the stream."""

    def transcripts(self) -> list[TranscriptReady]:
        """Utterances so far."""
        return [event for event in self.events if isinstance(event, TranscriptReady)]


class ScriptedEar(Ear):
    """On `ScriptedRecognizer`."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        words = frozenset(" ".join(RECORDINGS).split()) | {"yes"}
        self.recognizer = self.scripted = ScriptedRecognizer(self.clock, frozenset({"en"}), words)

    def hears(self, text: str) -> None:
        """As the script says."""
        self.stream.write(bytes(FRAME_BYTES))
        self.scripted.hears_speech()
        self.clock.advance(0.5)
        self.scripted.hears(text)

    def says(self, text: str) -> None:
        """As the script says."""
        self.stream.write(bytes(FRAME_BYTES))
        self.scripted.says(text)

    def settles(self) -> None:
        """It is so already."""

    def breaks(self) -> None:
        """As the script says."""
        self.scripted.breaks()


class VoskEar(Ear):
    """On `VoskRecognizer` with the embedded model."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        from ivr.speech.vosk_recognizer import VoskRecognizer
        from tests.speech.conftest import ENGLISH_MODEL

        self._patch = patch
        self.recognizer = self.vosk = VoskRecognizer({"en": ENGLISH_MODEL})

    def hears(self, text: str) -> None:
        """A recording, in the telephone's frames."""
        self.says(text, SILENCE_S + 0.2)

    def says(self, text: str, then_silent_s: float = 0.1) -> None:
        """The same without its end."""
        pcm = _recording(RECORDINGS[text]) + bytes(2 * round(RATE_HZ * then_silent_s))
        for offset in range(0, len(pcm), FRAME_BYTES):
            self.stream.write(pcm[offset : offset + FRAME_BYTES])
        self.settles()

    def settles(self) -> None:
        """Waits for the worker."""
        give_up_s = time.monotonic() + PATIENCE_S
        while getattr(self.stream, "has_waiting_audio", False):
            assert time.monotonic() < give_up_s, "the audio was not taken in"
            time.sleep(0.002)

    def breaks(self) -> None:
        """The library raises on the next audio."""
        from ivr.speech.vosk_engine import UtteranceDecoder

        def fail(decoder: UtteranceDecoder, pcm: bytes) -> None:
            raise RuntimeError("broken")

        with self._patch.context() as patch:
            patch.setattr(UtteranceDecoder, "feed", fail)
            self.hears("no")
            self.fails_at_last()

    def fails_at_last(self) -> None:
        """Waits for the report."""
        give_up_s = time.monotonic() + PATIENCE_S
        while not any(isinstance(event, RecognitionFailed) for event in self.events):
            assert time.monotonic() < give_up_s, f"no failure was reported: {self.events}"
            time.sleep(0.002)


class ServerEar(VoskEar):
    """On `VoskRecognizer` with a Vosk server, which it hears through."""

    def __init__(self, patch: pytest.MonkeyPatch, server: VoskServer) -> None:
        super().__init__(patch)
        from ivr.speech.vosk_recognizer import VoskRecognizer

        self.recognizer.close()
        self.recognizer = self.vosk = VoskRecognizer({}, servers={"en": [server.url]})

    def breaks(self) -> None:
        """No server is left for a while."""
        from ivr.speech.vosk_server import ServerModel

        with self._patch.context() as patch:
            patch.setattr(ServerModel, "available", lambda model: iter(()))
            self.hears("no")
            self.fails_at_last()


def _recording(name: str) -> bytes:
    from tests.speech.conftest import PROJECT_DIR

    path: Path = PROJECT_DIR / "tests" / "data" / "speech" / "en" / f"{name}.wav"
    with wave.open(str(path)) as file:
        pcm: bytes = file.readframes(file.getnframes())
    return pcm


@pytest.fixture(
    params=[
        pytest.param("scripted", marks=pytest.mark.unit),
        pytest.param("vosk", marks=pytest.mark.adapter),
        pytest.param("vosk_server", marks=pytest.mark.adapter),
    ]
)
def ear(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    with contextlib.ExitStack() as stack:
        made: Ear
        if request.param == "vosk_server":
            made = ServerEar(monkeypatch, stack.enter_context(VoskServer(EMBEDDED_DIR / "vosk-model-ivr-en-8k-test")))
        else:
            made = ScriptedEar() if request.param == "scripted" else VoskEar(monkeypatch)
        yield made
        made.recognizer.close()


# --- what is reported


def test_speech_is_reported_before_its_words_under_the_listenings_name(ear: Ear) -> None:
    ear.opened(listen_id="l7")
    ear.hears("agent")
    detected, transcript = ear.events
    assert isinstance(detected, SpeechDetected) and isinstance(transcript, TranscriptReady)
    assert {event.listen_id for event in ear.events} == {"l7"}
    assert detected.started_at_s <= detected.at_s <= transcript.at_s
    assert transcript.speech_started_at_s < transcript.speech_ended_at_s <= transcript.at_s
    assert transcript.is_final


def test_words_carry_confidence_and_times_of_their_own_utterance(ear: Ear) -> None:
    ear.opened()
    for text in ("agent", "message"):
        ear.hears(text)
    for transcript, text in zip(ear.transcripts(), ("agent", "message"), strict=True):
        assert transcript.text == text
        assert 0.5 < transcript.confidence <= 1.0
        assert [word.text for word in transcript.words] == [text]
        assert all(0.0 <= word.confidence <= 1.0 for word in transcript.words)
        assert all(0.0 <= word.start_s < word.end_s < 2.0 for word in transcript.words)


def test_one_stream_reports_several_utterances_each_with_its_beginning(ear: Ear) -> None:
    ear.opened()
    for text in ("no", "agent", "message"):
        ear.hears(text)
    assert [type(event) for event in ear.events] == [SpeechDetected, TranscriptReady] * 3
    assert [event.text for event in ear.transcripts()] == ["no", "agent", "message"]


def test_speech_outside_the_list_is_unknown_and_worth_nothing(ear: Ear) -> None:
    ear.opened()
    ear.hears(OUTSIDE)
    (transcript,) = ear.transcripts()
    assert set(transcript.text.split()) == {"[unk]"} and transcript.confidence == 0.0


def test_a_list_without_unknown_never_answers_with_other_words(ear: Ear) -> None:
    ear.opened(unknown=False)
    ear.hears(OUTSIDE)
    (transcript,) = ear.transcripts()
    assert set(transcript.text.split()) <= set(LIST)


def test_without_a_list_everything_can_be_heard(ear: Ear) -> None:
    ear.opened(())
    ear.hears("message")
    assert [event.text for event in ear.transcripts()] == ["message"]


# --- ends


def test_an_utterance_can_be_ended_before_its_silence_and_the_next_is_heard(ear: Ear) -> None:
    ear.opened(silence_s=5.0)
    ear.stream.end_utterance()
    ear.settles()
    for text in ("agent", "no"):
        ear.says(text)
        ear.settles()
        assert text not in [event.text for event in ear.transcripts()], "there was no silence"
        for _ in range(2):
            ear.stream.end_utterance()
            ear.settles()
    assert [event.text for event in ear.transcripts()] == ["agent", "no"]


def test_nothing_is_reported_after_a_close_which_can_be_repeated(ear: Ear) -> None:
    ear.opened()
    ear.hears("no")
    ear.stream.close()
    ear.stream.close()
    before = list(ear.events)
    ear.hears("agent")
    ear.settles()
    assert len(before) == 2 and ear.events == before


def test_a_report_may_close_its_own_stream(ear: Ear) -> None:
    events: list[RecognizerEvent] = []

    def report(event: RecognizerEvent) -> None:
        events.append(event)
        ear.stream.close()

    ear.stream = ear.recognizer.open(ListenRequest("l1", "en", LIST, True, SILENCE_S, 15.0), RATE_HZ, report)
    ear.hears("agent")
    assert [type(event) for event in events] == [SpeechDetected]


def test_a_new_listening_is_not_disturbed_by_a_closed_one(ear: Ear) -> None:
    ear.opened(listen_id="l1")
    ear.stream.close()
    ear.opened(listen_id="l2")
    ear.hears("message")
    assert [(event.listen_id, event.text) for event in ear.transcripts()] == [("l2", "message")]


def test_after_a_failure_nothing_is_reported_and_the_next_listening_works(ear: Ear) -> None:
    ear.opened()
    ear.breaks()
    failed = ear.events[-1]
    assert isinstance(failed, RecognitionFailed) and failed.reason
    before = list(ear.events)
    ear.hears("agent")
    assert ear.events == before
    ear.stream.close()
    ear.opened(listen_id="l2")
    ear.hears("agent")
    assert [(event.listen_id, event.text) for event in ear.transcripts()] == [("l2", "agent")]


# --- what is refused


def test_languages_are_primary_tags_and_any_form_of_them_can_be_listened_to(ear: Ear) -> None:
    assert ear.recognizer.capabilities.languages == {"en"} and ear.recognizer.capabilities.grammar
    for language in ("en", "en-US", "EN-gb"):
        ear.recognizer.open(ListenRequest("l", language, LIST, True, SILENCE_S, 15.0), RATE_HZ, print).close()


def test_a_language_without_a_model_is_refused(ear: Ear) -> None:
    with pytest.raises(SpeechError, match="ivr models install"):
        ear.recognizer.open(ListenRequest("l", "fi-FI", LIST, True, SILENCE_S, 15.0), RATE_HZ, print)
    with pytest.raises(SpeechError):
        ear.recognizer.unknown_words("fi-FI", ["ei"])


def test_a_rate_that_is_not_a_telephones_is_refused(ear: Ear) -> None:
    with pytest.raises(SpeechError, match="8000 or 16000"):
        ear.recognizer.open(ListenRequest("l", "en", LIST, True, SILENCE_S, 15.0), 44100, print)


def test_unknown_words_are_named_once_each_in_order(ear: Ear) -> None:
    asked = ["no", "zzxq", "Agent", "qqvv zzxq", "message yes", "zzxq"]
    told = () if isinstance(ear, ServerEar) else ("zzxq", "qqvv")  # a server does not tell what it knows
    assert ear.recognizer.unknown_words("en-US", asked) == told
    assert ear.recognizer.unknown_words("en", LIST) == ()


def test_a_closed_recognizer_listens_no_more(ear: Ear) -> None:
    ear.recognizer.close()
    with pytest.raises(SpeechError):
        ear.opened()
    with pytest.raises(SpeechError):
        ear.recognizer.unknown_words("en", ["no"])
