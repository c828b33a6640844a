"""`ivr.ports.Recognizer` on Vosk: turns, decoding and reports run on threads of its own.

    media thread            worker thread
    write(pcm) ──► bounded queue ──► VAD ──► turn ──► SpeechDetected ──► report
                                              │
                                              └─► Vosk ──► end of turn ──► TranscriptReady ──► report

Vosk is fed only with the speech of a turn, its lead-in and a little silence behind it, so a silent line costs nothing.
Nor does it wake the worker: audio too quiet to be speech waits until there is `_PATIENCE_S` of it, or something louder.
Threads start with the first stream: a process that has loaded the models may fork before.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import structlog

from ivr.errors import ModelMissing, RecognizerFailed, SpeechError
from ivr.flow import turn
from ivr.flow.completeness import completeness
from ivr.flow.languages import language_for
from ivr.ports import (
    ListenRequest,
    RecognitionFailed,
    RecognizerCapabilities,
    RecognizerEvent,
    SpeechDetected,
    TranscriptReady,
)
from ivr.speech.decoding import Heard, SpeechModel, decoder_of
from ivr.speech.grammar import build_grammar
from ivr.speech.line_echo import EchoPaths, LineEcho
from ivr.speech.model_catalog import language_name, primary_language
from ivr.speech.substitutes import SubstituteFinder
from ivr.speech.utterance import UtteranceAudio
from ivr.speech.vad import FRAME_S, VadSettings, VoiceActivityDetector, loudest_rms
from ivr.speech.vosk_engine import VoskModel

log = structlog.get_logger(__name__)

Report = Callable[[RecognizerEvent], None]

_QUEUE_LIMIT_S = 10.0
_STOP_LIMIT_S = 2.0
"""A decoder that hangs does not keep the process from ending."""
_SAMPLE_RATES_HZ = (8000, 16000)
SERVER_WORKERS = 4
"""A server is waited for, so that callers who share a worker wait for each other: one for each leg of the library."""
_PATIENCE_S = 0.3
"""Quiet audio waits so long: waking a thread for three frames costs more than hearing fifteen."""


class VoskRecognizer:
    """Speech recognition in this process. Models are loaded at once, worker threads start with the first stream."""

    def __init__(
        self,
        models: Mapping[str, Path | SpeechModel],
        *,
        worker_count: int | None = None,
        vad_settings: VadSettings | None = None,
        servers: Mapping[str, Sequence[str]] | None = None,
        substitutes: SubstituteFinder | None = None,
    ) -> None:
        """`models` maps language tags to model folders or loaded models, `servers` to addresses of Vosk servers, which
        then hear the language as long as one of them answers. `substitutes`, closed with this, finds what to listen for
        in place of words that a model lacks; without it they are left out. Raises ModelMissing.
        """
        self._substitutes = substitutes
        self._models: dict[str, SpeechModel] = {
            primary_language(tag): VoskModel(model, primary_language(tag), substitutes)
            if isinstance(model, Path)
            else model
            for tag, model in models.items()
        }
        if servers:
            self._models |= _server_models(servers, self._models)
        self.capabilities = RecognizerCapabilities(
            grammar=True, interim_results=False, languages=frozenset(self._models)
        )
        self._vad_settings = vad_settings
        self._lines = EchoPaths()
        count = worker_count or (SERVER_WORKERS if servers else 1)
        self._workers = [_Worker(f"vosk-{number}") for number in range(count)]
        self._lock = threading.Lock()
        self._opened = 0
        self._is_closed = False

    def open(self, request: ListenRequest, sample_rate_hz: int, report: Report) -> VoskStream:
        """Begin to listen. Raises ModelMissing (no model of the language), RecognizerFailed."""
        if sample_rate_hz not in _SAMPLE_RATES_HZ:
            raise RecognizerFailed(f"cannot listen at {sample_rate_hz} Hz; set sip.sample_rate_hz to 8000 or 16000")
        model = self._model(request.language)
        with self._lock:
            if self._is_closed:
                raise RecognizerFailed("the recognizer is closed")
            worker = self._workers[self._opened % len(self._workers)]
            self._opened += 1
            worker.start()
        echo = LineEcho(sample_rate_hz, self._lines.of(request.line))
        return VoskStream(model, request, sample_rate_hz, report, worker, self._vad_settings, echo)

    def transcribe(
        self, pcm: bytes, sample_rate_hz: int, language: str, phrases: Sequence[str] = (), *, allow_unknown: bool = True
    ) -> Heard:
        """Recognize a whole recording (mono, 16-bit) at once, in the calling thread, without turn taking."""
        model = self._model(language)
        model.prepare(phrases)
        decoder = decoder_of(model, phrases, allow_unknown, sample_rate_hz)
        step_bytes = int(sample_rate_hz * 2 * FRAME_S) * 2
        for offset in range(0, len(pcm), step_bytes):
            decoder.feed(pcm[offset : offset + step_bytes])
        return decoder.finish()

    def unknown_words(self, language: str, words: Sequence[str]) -> tuple[str, ...]:
        """Those of `words` (or words of phrases) that the model of the language cannot hear."""
        model = self._model(language)
        return build_grammar(words, False, model.knows).missing_words

    def close(self) -> None:
        """End the threads and free the models. Idempotent."""
        with self._lock:
            self._is_closed = True
        for worker in self._workers:
            worker.stop()
        if self._substitutes is not None:
            self._substitutes.close()
        self._models = {}

    def _model(self, language: str) -> SpeechModel:
        if self._is_closed:
            raise RecognizerFailed("the recognizer is closed")
        tag = primary_language(language)
        if model := self._models.get(tag):
            return model
        loaded = ", ".join(sorted(self._models)) or "none"
        raise ModelMissing(
            f"no speech model is loaded for {language_name(tag)} ({tag}), only for: {loaded}; "
            f"`ivr models install {tag}` gets one, then name it under speech.models"
        )


def _server_models(servers: Mapping[str, Sequence[str]], models: Mapping[str, SpeechModel]) -> dict[str, SpeechModel]:
    from ivr.speech.vosk_server import ServerModel  # a WebSocket library that most bots do without

    tags = {primary_language(language): urls for language, urls in servers.items()}
    return {tag: ServerModel(tag, urls, models.get(tag)) for tag, urls in tags.items()}


class _Worker:
    """A thread that serves streams in the order in which their audio came."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ready: SimpleQueue[VoskStream | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def wake(self, stream: VoskStream) -> None:
        self._ready.put(stream)

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ready.put(None)
            thread.join(_STOP_LIMIT_S)

    def _run(self) -> None:
        while (stream := self._ready.get()) is not None:
            stream.process()


class VoskStream:
    """One listening. `write` and `close` may come from any thread, `process` is the worker's."""

    chunk_ms: Final = 60
    """Audio taken at once, three frames: with two, four listening callers took a quarter more CPU. A decision comes at
    most 40 ms later.
    """

    def __init__(
        self,
        model: SpeechModel,
        request: ListenRequest,
        sample_rate_hz: int,
        report: Report,
        worker: _Worker,
        vad_settings: VadSettings | None,
        echo: LineEcho,
    ) -> None:
        self.plays, self.falls_silent = echo.plays, echo.falls_silent
        self.dropped_frames = 0
        """Frames lost because the worker was too far behind."""
        self._request = request
        self._report = report
        self._worker = worker
        self._frames: deque[tuple[float, bytes]] = deque()
        self._limit_bytes = round(_QUEUE_LIMIT_S * sample_rate_hz * 2)
        self._patience_bytes = round(_PATIENCE_S * sample_rate_hz * 2)
        self._wakes, self._served = 0, 0
        self._gate_rms = 0
        """Level of a frame that the worker must hear at once; all of them where it is 0."""
        self._lock = threading.RLock()  # orders reports and close; re-entered when a report closes its own stream
        self._is_closed = self._is_told_to_end = False
        self._echo = echo
        self._vad = VoiceActivityDetector(sample_rate_hz, vad_settings)
        self._settings = turn.TurnSettings(
            final_silence_s=request.final_silence_s,
            complete_silence_s=request.complete_silence_s,
            incomplete_silence_s=request.incomplete_silence_s,
            max_speech_duration_s=request.max_speech_duration_s,
        )
        self._expected, self._words_of = request.expected, language_for(request.language)
        self._turn = turn.TurnState()
        self._rest = b""
        self._heard_s = 0.0  # length of the audio taken so far: the time that turns are measured in

        def tell(missing: tuple[str, ...]) -> None:
            model.warn_of(("***",) if request.is_sensitive and missing else missing, request.step)

        decoder = decoder_of(model, request.phrases, request.allow_unknown, sample_rate_hz, tell)
        self._audio: UtteranceAudio | None = UtteranceAudio(decoder, self._settings.lead_in_s)

    def write(self, pcm: bytes) -> None:
        """Take audio; on the media thread, so it only appends and looks at the level."""
        if self._is_closed:
            return
        queued_bytes = len(self._frames) * len(pcm)
        if queued_bytes >= self._limit_bytes:
            self.dropped_frames += 1
            self._give_up_if_stuck()
            return
        self._frames.append((time.monotonic(), pcm))
        self._echo.written += len(pcm) // 2
        # In this order: the worker sets the gate before it looks for more audio, so none is left lying by both.
        gate_rms = self._gate_rms
        if not gate_rms or queued_bytes >= self._patience_bytes or loudest_rms(pcm, self._vad.frame_bytes) >= gate_rms:
            self._wakes += 1
            self._worker.wake(self)

    def _give_up_if_stuck(self) -> None:
        """The worker may hang in the decoder, of this call or of another one."""
        oldest = self._oldest()
        if oldest is not None and time.monotonic() - oldest[0] >= _QUEUE_LIMIT_S:
            self._fail(RecognizerFailed(f"the recognizer is {_QUEUE_LIMIT_S:.0f} s behind"))

    def end_utterance(self) -> None:
        """Report what was said so far."""
        self._is_told_to_end = True
        self._wakes += 1
        self._worker.wake(self)

    def close(self) -> None:
        """End it; no event follows."""
        self._is_closed = True
        with self._lock:  # a report in progress on the worker ends first
            self._frames.clear()
        self._worker.wake(self)

    @property
    def has_waiting_audio(self) -> bool:
        """Whether audio that the worker was woken for is still to be heard."""
        return self._served < self._wakes

    def process(self) -> None:
        """Take what has come in since the last time."""
        wakes = self._wakes
        try:
            while self._take_oldest():
                pass
            self._end_if_told()
        except Exception as error:
            self._fail(error)
        if self._is_closed:
            self._audio = None  # frees Vosk's part on the thread that used it
        self._served = wakes

    def _end_if_told(self) -> None:
        is_told, self._is_told_to_end = self._is_told_to_end, False
        audio = self._audio
        if not is_told or audio is None or self._is_closed:
            return
        self._turn, event = turn.end(self._turn, self._heard_s)
        if event is not None:
            self._end(audio, event, time.monotonic() - self._heard_s)

    def _take_oldest(self) -> bool:
        self._gate_rms = 0 if self._turn.is_speaking else self._vad.gate_rms
        oldest = self._oldest()
        if oldest is None:
            return False
        self._take(*oldest)
        with contextlib.suppress(IndexError):  # closed, and so emptied, meanwhile
            self._frames.popleft()
        return True

    def _oldest(self) -> tuple[float, bytes] | None:
        try:
            return None if self._is_closed else self._frames[0]
        except IndexError:
            return None

    def _fail(self, error: Exception) -> None:
        log.error("recognition_failed", listen_id=self._request.listen_id, error=type(error).__name__)
        reason = str(error) if isinstance(error, SpeechError) else f"Vosk stopped with {type(error).__name__}"
        self._send(RecognitionFailed(self._request.listen_id, time.monotonic(), reason))
        self._is_closed = True
        self._frames.clear()  # nobody will hear them

    def _take(self, arrived_s: float, pcm: bytes) -> None:
        pcm = self._rest + pcm
        size = self._vad.frame_bytes
        whole = len(pcm) - len(pcm) % size
        self._rest = pcm[whole:]
        for offset in range(0, whole, size):
            behind_s = (whole - offset - size) / size * FRAME_S
            self._frame(arrived_s - behind_s, pcm[offset : offset + size])

    def _frame(self, arrived_s: float, frame: bytes) -> None:
        audio = self._audio
        if audio is None or self._is_closed:
            return
        begin_s, self._heard_s = self._heard_s, self._heard_s + FRAME_S
        was_speaking = self._turn.is_speaking
        frame, may_be_caller = self._echo.clean(frame, self._vad.gate_dbfs)
        is_speech = self._vad.is_speech(frame, may_be_caller=may_be_caller)
        self._turn, event = turn.step(self._settings, self._turn, begin_s, is_speech)
        audio.take(begin_s, frame, is_speech, is_in_turn=was_speaking)
        if isinstance(event, turn.SpeechStarted):
            # Told first: a prompt stops at once, and a decoder that does not come back is noticed.
            started_at_s = arrived_s - (self._heard_s - event.started_at_s)
            self._send(SpeechDetected(self._request.listen_id, time.monotonic(), started_at_s))
            audio.begin(event.audio_from_s)
        elif isinstance(event, turn.Paused):
            self._turn, event = self._judged(audio, event)
        if isinstance(event, turn.SpeechEnded):
            self._end(audio, event, arrived_s - self._heard_s)

    def _judged(self, audio: UtteranceAudio, paused: turn.Paused) -> tuple[turn.TurnState, turn.SpeechEnded | None]:
        if self._expected is None:
            return self._turn, None
        words = completeness(self._expected, audio.so_far(), self._words_of)
        return turn.judge(self._settings, self._turn, paused.decided_at_s, words)

    def _end(self, audio: UtteranceAudio, event: turn.SpeechEnded, clock_offset_s: float) -> None:
        heard = audio.finish()
        if not self._vad.was_certain():  # music, and what else resembles speech
            heard = Heard()
        self._expected = self._expected and self._expected.after(heard.text, self._words_of)
        if self.dropped_frames:
            log.warning("audio_dropped", listen_id=self._request.listen_id, frames=self.dropped_frames)
        self._send(
            TranscriptReady(
                self._request.listen_id,
                time.monotonic(),
                text=heard.text,
                confidence=heard.confidence,
                words=heard.words,
                speech_started_at_s=event.started_at_s + clock_offset_s,
                speech_ended_at_s=event.ended_at_s + clock_offset_s,
                turn_ended_at_s=event.decided_at_s + clock_offset_s,
                n_best=heard.n_best,
                trouble=heard.trouble,
            )
        )

    def _send(self, event: RecognizerEvent) -> None:
        with self._lock:
            if self._is_closed:
                return
            try:
                self._report(event)
            except RuntimeError:  # the loop that is reported to has ended
                log.warning("report_refused", listen_id=self._request.listen_id)
                self._is_closed = True
