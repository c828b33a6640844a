"""Listens to the caller of one call: opens the recognizer, and tells the dialog what it heard."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ivr.calls.call_ports import CallPorts
from ivr.calls.record import MASK
from ivr.errors import RecognizerFailed, SpeechError
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.ports import (
    LegId,
    ListenRequest,
    RecognitionFailed,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    TranscriptReady,
    metrics,
)


class Listener:
    """At most one listening is open at a time."""

    def __init__(
        self,
        ports: CallPorts,
        leg_id: LegId,
        feed: Callable[[e.Event], None],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`feed` takes the events, on the loop's thread."""
        self._ports, self._leg_id, self._feed, self._log = ports, leg_id, feed, log
        self._stream: RecognizerStream | None = None

    def listen(self, command: c.StartListening) -> None:
        """Begin, in place of what is open."""
        self.stop()
        try:
            self._stream = self._open(command)
        except SpeechError as error:
            self._log.warning("cannot_listen", language=command.language, reason=str(error))
            is_lost = isinstance(error, RecognizerFailed)
            self._feed(e.ListeningFailed(self._ports.clock.monotonic_s(), command.listen_id, str(error), is_lost))
            return
        self._ports.measures.count(metrics.LISTENING)
        self._ports.telephony.listen(self._leg_id, self._stream)

    def _open(self, command: c.StartListening) -> RecognizerStream:
        if self._ports.recognizer is None:
            raise SpeechError("speech recognition is switched off")
        request = ListenRequest(
            listen_id=command.listen_id,
            language=command.language,
            phrases=command.phrases,
            allow_unknown=command.allow_unknown,
            final_silence_s=command.final_silence_s,
            max_speech_duration_s=command.max_speech_duration_s,
            is_sensitive=command.is_sensitive,
            complete_silence_s=command.complete_silence_s,
            incomplete_silence_s=command.incomplete_silence_s,
            expected=command.expected,
            line=self._leg_id,
            step=command.step,
        )

        def report(event: RecognizerEvent) -> None:
            self._ports.call_soon(lambda: self._heard(event, is_sensitive=command.is_sensitive))

        return self._ports.recognizer.open(request, self._ports.telephony.sample_rate_hz, report)

    def end_utterance(self) -> None:
        """What is being said is whole."""
        if self._stream is not None:
            self._stream.end_utterance()

    def stop(self) -> None:
        """Hear no more. Idempotent."""
        stream, self._stream = self._stream, None
        if stream is not None:
            self._ports.measures.count(metrics.LISTENING, by=-1)
            self._ports.telephony.listen(self._leg_id, None)
            stream.close()

    def _measure(self, event: TranscriptReady) -> None:
        measures = self._ports.measures
        measures.count(metrics.UTTERANCES)
        measures.observe(metrics.SPEECH_DELAY, max(0.0, event.at_s - event.speech_ended_at_s))
        if event.turn_ended_at_s:  # engines need not tell
            measures.observe(metrics.RECOGNIZER_LAG, max(0.0, event.at_s - event.turn_ended_at_s))

    def _heard(self, event: RecognizerEvent, *, is_sensitive: bool) -> None:
        match event:
            case SpeechDetected(listen_id=listen_id):
                self._feed(e.SpeechStarted(event.at_s, listen_id))
            case TranscriptReady(listen_id=listen_id, text=text, confidence=confidence, is_final=True):
                self._measure(event)
                self._log.debug("words_heard", heard=MASK if is_sensitive else text, confidence=confidence)
                told = (text, confidence, event.n_best, event.trouble, event.spoken_s)
                self._feed(e.UtteranceHeard(event.at_s, listen_id, *told))
            case RecognitionFailed(listen_id=listen_id, reason=reason):
                self._log.warning("recognition_failed", reason=reason)
                self._feed(e.ListeningFailed(event.at_s, listen_id, reason, is_lost=True))
