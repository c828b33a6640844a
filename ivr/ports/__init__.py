"""The seams between the application and the world: Protocols and the plain values that cross them.

Nothing here knows pjsua2, Vosk, espeak or SQL. Instants named `*_at_s` are `time.monotonic()` seconds of this process;
instants named `*_at` are UTC-aware datetimes.
"""

from __future__ import annotations

from ivr.calls.monitoring import Participation
from ivr.flow.segments import HOLD_MUSIC, Pause, Recorded, Segment, SoundFile, Speech, Tone
from ivr.ports.audio import AudioSink, EchoAwareSink
from ivr.ports.clock import Clock
from ivr.ports.legs import (
    DtmfMethod,
    EndedBy,
    KeyPressed,
    LegAnswered,
    LegEarlyMedia,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    LegReferred,
    LegRinging,
    PlayFailed,
    PlayFinished,
    ReferProgressed,
    RegistrationChanged,
    RtpStats,
    TelephonyEvent,
    TextReceived,
)
from ivr.ports.measures import Kind, Measures, Metric, NoMeasures
from ivr.ports.recognition import (
    ListenRequest,
    RecognitionFailed,
    Recognizer,
    RecognizerCapabilities,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    TranscriptReady,
    Word,
)
from ivr.ports.recording import LostRecording, Recorder, RecordingDone, RecordingStream, RecordRequest
from ivr.ports.records import AnswerRecord, CallEnded, CallLog, CallStarted, EndReason, StepRecord
from ivr.ports.services import CalendarService, DataService, MessageService, VideoService
from ivr.ports.synthesis import PromptStore, Synthesizer
from ivr.ports.telephony import DialRequest, MessageRequest, Telephony

__all__ = [
    "HOLD_MUSIC",
    "AnswerRecord",
    "AudioSink",
    "CalendarService",
    "CallEnded",
    "CallLog",
    "CallStarted",
    "Clock",
    "DataService",
    "DialRequest",
    "DtmfMethod",
    "EchoAwareSink",
    "EndReason",
    "EndedBy",
    "KeyPressed",
    "Kind",
    "LegAnswered",
    "LegEarlyMedia",
    "LegEnded",
    "LegEvent",
    "LegId",
    "LegOffered",
    "LegReferred",
    "LegRinging",
    "ListenRequest",
    "LostRecording",
    "Measures",
    "MessageRequest",
    "MessageService",
    "Metric",
    "NoMeasures",
    "Participation",
    "Pause",
    "PlayFailed",
    "PlayFinished",
    "PromptStore",
    "RecognitionFailed",
    "Recognizer",
    "RecognizerCapabilities",
    "RecognizerEvent",
    "RecognizerStream",
    "RecordRequest",
    "Recorded",
    "Recorder",
    "RecordingDone",
    "RecordingStream",
    "ReferProgressed",
    "RegistrationChanged",
    "RtpStats",
    "Segment",
    "SoundFile",
    "Speech",
    "SpeechDetected",
    "StepRecord",
    "Synthesizer",
    "Telephony",
    "TelephonyEvent",
    "TextReceived",
    "Tone",
    "TranscriptReady",
    "VideoService",
    "Word",
]
