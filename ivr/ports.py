"""The seams between the application and the world: Protocols and the plain values that cross them.

Nothing here knows pjsua2, Vosk, espeak or SQL. Instants named `*_at_s` are `time.monotonic()` seconds of this process;
instants named `*_at` are UTC-aware datetimes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NewType, Protocol, runtime_checkable

from ivr.flow.completeness import Expected
from ivr.flow.events import RecordingEnd
from ivr.flow.jobs import HttpJob, JobResult, Message
from ivr.flow.segments import HOLD_MUSIC as HOLD_MUSIC
from ivr.flow.segments import Pause as Pause
from ivr.flow.segments import Recorded as Recorded
from ivr.flow.segments import Segment as Segment
from ivr.flow.segments import SoundFile as SoundFile
from ivr.flow.segments import Speech as Speech
from ivr.flow.segments import Tone as Tone
from ivr.immutable import immutable

LegId = NewType("LegId", str)
"""Names one leg for the life of the process; never reused."""


# --- telephony: what it reports --------------------------------------------------------------------------------------


class DtmfMethod(StrEnum):
    """How a key arrived."""

    RFC4733 = "rfc4733"
    SIP_INFO = "sip_info"
    IN_AUDIO = "in_audio"
    """As tones, heard where the settings ask for it."""


class EndedBy(StrEnum):
    """Who ended a leg."""

    REMOTE = "remote"
    LOCAL = "local"
    NETWORK = "network"
    """Nobody said so: transport error or timeout."""


@immutable
class LegEvent:
    """Something happened on a leg."""

    leg_id: LegId
    at_s: float


@immutable
class LegOffered(LegEvent):
    """An INVITE came in; 100 (and 180) may have been sent, nothing is answered yet."""

    ani: str
    """User part of the identity header (P-Asserted-Identity of a trusted peer, else From)."""
    ani_name: str
    dnis: str
    """User part of the request URI: the number dialled."""
    account: str
    """Name of the account it came in by; empty for an unregistered trunk."""
    remote: str
    """`address:port` of the peer."""
    sip_call_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that may carry context: X-*, User-to-User, Diversion, Referred-By, by canonical name."""


@immutable
class LegRinging(LegEvent):
    """An outgoing leg got a provisional answer (180 or 183)."""

    sip_status: int


@immutable
class LegEarlyMedia(LegEvent):
    """The leg's audio is up before the answer (RFC 3960). Sent at most once per leg, and never after `LegAnswered`."""

    codec: str = ""


@immutable
class LegAnswered(LegEvent):
    """The leg is answered and its audio is up. Sent once per leg."""

    codec: str = ""


@immutable
class KeyPressed(LegEvent):
    """A new key press (RFC 4733 §2.5, or INFO), reported at its start and not yet de-duplicated."""

    digit: str
    method: DtmfMethod
    held_s: float
    """How long the key was already down when it was first seen (from the RTP event's duration); 0 when unknown."""


@immutable
class PlayFinished(LegEvent):
    """All files of one `play` were heard to the end. Not sent for a play that was stopped."""

    play_id: str


@immutable
class PlayFailed(LegEvent):
    """A `play` could not start (file missing or unreadable, or nothing to play)."""

    play_id: str
    reason: str


@immutable
class ReferProgressed(LegEvent):
    """Progress of a REFER that we sent on this leg (RFC 3515 §2.4.4), or its refusal."""

    sip_status: int
    is_final: bool
    reason: str = ""


@immutable
class LegReferred(LegEvent):
    """A telephone follows its peer's REFER or Replaces: the party goes on at a new leg. A bot never reports this."""

    new_leg_id: LegId


@immutable
class RtpStats:
    """Packets of a leg's audio since it was last negotiated, as the library counted them."""

    sent: int
    received: int
    lost: int
    jitter_ms: float
    """Mean of what was received."""


@immutable
class LegEnded(LegEvent):
    """The leg is gone. The last event of every leg, sent exactly once."""

    ended_by: EndedBy
    sip_status: int
    """Final status of the INVITE, 200 for an answered leg that ended by BYE."""
    reason: str = ""
    hangup_cause: int | None = None
    """Q.850 cause of the Reason header (RFC 3326), if one came."""
    rtp: RtpStats | None = None
    """None for a leg that had no audio."""


@immutable
class RegistrationChanged:
    """An account became registered or lost its registration."""

    account: str
    is_registered: bool
    sip_status: int
    reason: str


TelephonyEvent = LegEvent | RegistrationChanged


# --- telephony: what it can be asked for -----------------------------------------------------------------------------


class AudioSink(Protocol):
    """Takes a leg's incoming audio. Called on the media thread: must copy and return at once, never block or raise.

    A sink with an attribute `chunk_ms`, a multiple of 20, is given that much at once: every call into Python costs.
    One that is an `EchoAwareSink` is told what is played to the leg meanwhile.
    """

    def write(self, pcm: bytes) -> None:
        """Take one frame: mono 16-bit little-endian PCM at `Telephony.sample_rate_hz`, normally 20 ms."""


@runtime_checkable
class EchoAwareSink(AudioSink, Protocol):
    """Wants to know what the leg is sent, because the line may send it back. Called on the telephony's thread."""

    def plays(self, pcm: bytes, sample_rate_hz: int) -> None:
        """This (mono, 16-bit) is sent from now on, give or take 0.1 s."""

    def falls_silent(self) -> None:
        """Nothing is sent any more."""


@immutable
class DialRequest:
    """Where an outgoing leg goes. Built from configuration only, never from caller input."""

    uri: str
    """Full SIP URI."""
    account: str = ""
    """Account whose identity and credentials are used; empty for the default local identity."""
    caller_id: str = ""
    """User part shown as From where the account allows it; empty for the account's own."""
    headers: Mapping[str, str] = field(default_factory=dict)


@immutable
class MessageRequest:
    """A text for somebody's telephone (RFC 3428). Built from configuration only, except for the text."""

    uri: str
    """Full SIP URI."""
    text: str
    account: str = ""
    """Account whose identity is used; empty for the default local identity."""


class Telephony(Protocol):
    """SIP legs and their audio.

    Every method may be called from the event loop's thread, returns at once and never raises because of the peer: what
    came of it arrives as an event through the sink given to `start`. Commands for a leg that has already ended are
    ignored (hang-up races are normal).
    """

    sample_rate_hz: int

    @property
    def max_legs(self) -> int:
        """How many legs the library can carry at once, read from it."""

    async def start(self, sink: Callable[[TelephonyEvent], None]) -> None:
        """Open sockets, register accounts; events go to `sink` on the loop's thread. Raises TelephonyError."""

    async def stop(self) -> None:
        """End all legs with BYE/CANCEL/503, unregister, free everything. Idempotent; every end is reported before."""

    def ring(self, leg_id: LegId) -> None:
        """Send 180."""

    def start_early_media(self, leg_id: LegId) -> None:
        """Send 183 with an SDP answer; LegEarlyMedia follows, and what is played is heard before the answer.

        Nothing follows for a caller who sent no offer: his audio comes up with the answer. Without effect on a leg that
        is answered, or was dialled.
        """

    def answer(self, leg_id: LegId) -> None:
        """Send 200 with an SDP answer. Without effect on a leg that was dialled."""

    def reject(self, leg_id: LegId, sip_status: int) -> None:
        """Refuse an offered leg with a final status of 300 or more; any other leg is hung up."""

    def hang_up(self, leg_id: LegId, hangup_cause: int | None = None) -> None:
        """BYE, CANCEL or 603, whichever the leg's state asks for."""

    def dial(self, request: DialRequest) -> LegId:
        """Start an outgoing leg. With no leg free, LegEnded(503, ended_by=LOCAL, reason='no free leg') follows.

        Raises TelephonyError before `start` and after `stop`.
        """

    def play(
        self,
        leg_id: LegId,
        play_id: str,
        files: Sequence[Path],
        *,
        loop: bool = False,
        lead_in_s: float = 0.0,
        from_s: float = 0.0,
    ) -> None:
        """Play WAV files (mono, 16-bit, 8 or 16 kHz) one after the other, without a gap, after `lead_in_s` of silence.
        The first `from_s` of them are left out.

        A play that is already running on the leg is stopped first. One that is asked for before the leg's audio is up
        begins with it.
        """

    def stop_playing(self, leg_id: LegId) -> None:
        """Silence at the next frame."""

    def listen(self, leg_id: LegId, sink: AudioSink | None) -> None:
        """Send the leg's incoming audio to `sink`; None ends it. One sink at a time."""

    def join(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Bridge the audio of two answered legs, both ways; whatever was played to them stops."""

    def refer(self, leg_id: LegId, uri: str) -> None:
        """REFER the party of this leg to `uri` (RFC 3515): blind."""

    def refer_replacing(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """REFER the party of this leg to the party of the other, with Replaces (RFC 3891, RFC 5589 §7.3)."""

    def send_digits(self, leg_id: LegId, digits: str) -> None:
        """Send keys by RFC 4733."""

    def send_message(self, request: MessageRequest, report: Callable[[int, str], None]) -> None:
        """Send a SIP MESSAGE outside of any call. `report` is called once, on the loop's thread, with the final SIP
        status and its reason; what never left has a status too (503 before `start`, 502 for a host without address).
        """


# --- recognition -----------------------------------------------------------------------------------------------------


@immutable
class RecognizerCapabilities:
    """What an engine can do."""

    grammar: bool
    interim_results: bool
    languages: frozenset[str]
    """Primary language tags ("en", "de") that it can listen in."""


@immutable
class ListenRequest:
    """What one listening step wants to hear."""

    listen_id: str
    language: str
    """BCP 47 tag of the call, e.g. "en-US"."""
    phrases: tuple[str, ...]
    """Closed list of phrases; empty = free speech."""
    allow_unknown: bool
    """Whether the engine may answer "something else" (`[unk]`) for speech outside the list."""
    final_silence_s: float
    max_speech_duration_s: float
    is_sensitive: bool = False
    complete_silence_s: float = 0.35
    """Ends an utterance sooner that is a whole answer by `expected`."""
    incomplete_silence_s: float = 1.2
    """Ends one later that is half an answer."""
    expected: Expected | None = None
    line: str = ""
    """Names the line: what one listening learns of its echo holds for the next."""


@immutable
class Word:
    """One recognized word."""

    text: str
    confidence: float
    start_s: float
    """From the beginning of the utterance's audio."""
    end_s: float


@immutable
class RecognizerEvent:
    """Something was heard; `at_s` is when it was decided."""

    listen_id: str
    at_s: float


@immutable
class SpeechDetected(RecognizerEvent):
    """Sustained speech began (false starts excluded); `started_at_s` is its first frame."""

    started_at_s: float


@immutable
class TranscriptReady(RecognizerEvent):
    """An utterance ended. `text` is lower case, without unknown-word marks stripped: `[unk]` stays in it."""

    text: str
    confidence: float
    """0.0 to 1.0; 0.0 when nothing was recognized."""
    words: tuple[Word, ...]
    speech_started_at_s: float
    speech_ended_at_s: float
    turn_ended_at_s: float = 0.0
    """When the audio had come that showed the end of the utterance: its silence is over."""
    is_final: bool = True
    n_best: tuple[tuple[str, float], ...] = ()
    """All readings with their share of the likelihood, the likeliest first; empty where there was no doubt."""


@immutable
class RecognitionFailed(RecognizerEvent):
    """The engine gave up on this listening, and nothing follows; keys still work."""

    reason: str


class RecognizerStream(AudioSink, Protocol):
    """One listening: takes audio, reports events; may report several utterances until it is closed."""

    def close(self) -> None:
        """End it; no event follows. Idempotent, never blocks."""


class Recognizer(Protocol):
    """A speech recognition engine."""

    capabilities: RecognizerCapabilities

    def open(
        self, request: ListenRequest, sample_rate_hz: int, report: Callable[[RecognizerEvent], None]
    ) -> RecognizerStream:
        """Begin to listen; `report` is called on the engine's thread. Raises SpeechError."""

    def unknown_words(self, language: str, words: Sequence[str]) -> tuple[str, ...]:
        """Those of `words` (or words of phrases) that the model of the language cannot hear, as far as it tells.

        Raises SpeechError.
        """

    def close(self) -> None:
        """Free models and threads."""


# --- recording -------------------------------------------------------------------------------------------------------


@immutable
class RecordRequest:
    """What a `record` step wants to keep."""

    record_id: str
    call_id: str
    step: str
    """With the call's id, the name of the file."""
    max_length_s: float
    final_silence_s: float
    min_length_s: float
    first_input_timeout_s: float


@immutable
class RecordingDone:
    """The end of a recording."""

    record_id: str
    reason: RecordingEnd
    file: str = ""
    """Name in the folder of recordings, of a file that is whole; empty where nothing was kept."""
    duration_s: float = 0.0
    detail: str = ""


@immutable
class LostRecording:
    """A recording over which its process died, made whole again."""

    call_id: str
    """Empty where nothing tells which call it was."""
    step: str
    file: str
    """Name in the folder of recordings."""
    duration_s: float
    started_at: datetime
    ended_at: datetime
    """When the last of it was written."""


class RecordingStream(AudioSink, Protocol):
    """One recording: takes audio, ends by itself or by `stop`, and reports its end once."""

    def stop(self, reason: RecordingEnd) -> None:
        """That is all. Idempotent, never blocks."""


class Recorder(Protocol):
    """Keeps what callers say."""

    def open(
        self, request: RecordRequest, sample_rate_hz: int, report: Callable[[RecordingDone], None]
    ) -> RecordingStream:
        """Begin to record; `report` is called on the recorder's thread."""

    def drop(self, file: str) -> None:
        """Remove a recording. Never blocks."""

    def recover(self) -> list[LostRecording]:
        """Make whole what processes that died left unfinished, each once; those of living ones stay theirs. Blocking.

        What was too short for its step is removed.
        """


# --- speech synthesis ------------------------------------------------------------------------------------------------


class Synthesizer(Protocol):
    """A text-to-speech engine. Blocking, run off the loop; may be called from several threads."""

    name: str
    """With all that changes its sound; part of the cache key."""

    def voice_for(self, language: str) -> str:
        """The voice that would speak the language; part of the cache key. Raises SynthesisFailed."""

    def synthesize(self, speech: Speech, wav: Path) -> None:
        """Write mono 16-bit speech to `wav`, at the engine's own rate. Raises SynthesisFailed, never hangs.

        An engine makes of the marks (`rate`, `emphasis`) what it can; the level is the prompt store's affair.
        """

    def wake(self) -> None:
        """A text comes soon: start helper processes, and do not wait for them."""

    def rest(self) -> None:
        """End helper processes until the next text."""

    def close(self) -> None:
        """End helper processes. Idempotent."""


class PromptStore(Protocol):
    """Turns prompts into telephone-ready WAV files (mono, 16-bit, the telephony's rate, about -20 dBFS)."""

    def cached(self, segments: Sequence[Segment]) -> list[Path] | None:
        """Files for the segments if all are ready now; never blocks on synthesis. What is sensitive never is."""

    def wake(self) -> None:
        """Something will have to be made soon. Returns at once."""

    async def render(self, segments: Sequence[Segment]) -> list[Path]:
        """Files for the segments, synthesizing what is missing. Raises SynthesisFailed, MediaFailed."""

    def render_in_turn(self, segments: Sequence[Segment]) -> AsyncGenerator[list[Path], None]:
        """The same part by part as they become ready, long texts sentence by sentence, in the order of hearing.

        Nothing is waited for behind the last part; what is not made yet when the generator is closed is never made.
        Raises SynthesisFailed, MediaFailed.
        """


# --- records ---------------------------------------------------------------------------------------------------------


class EndReason(StrEnum):
    """Why the call ended, technically."""

    CALLER_HUNG_UP = "caller_hung_up"
    BOT_HUNG_UP = "bot_hung_up"
    TRANSFERRED = "transferred"
    REJECTED = "rejected"
    FAILED = "failed"
    LOST = "lost"
    """The process that had the call died."""


@immutable
class CallStarted:
    """First row data of a call."""

    call_id: str
    started_at: datetime
    ani: str
    dnis: str
    account: str
    flow: str
    flow_version: str
    """Content hash."""
    sip_call_id: str
    worker: str


@immutable
class CallEnded:
    """Last row data of a call."""

    call_id: str
    answered_at: datetime | None
    ended_at: datetime
    end_reason: EndReason
    ended_by: str
    """caller | bot | agent | network."""
    sip_status: int
    hangup_cause: int | None
    transfer_target: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    """What the flow knew at the end, sensitive values already masked."""
    tags: Mapping[str, object] = field(default_factory=dict)
    """What the flow marked the call with: name to `true` or to a value."""


@immutable
class StepRecord:
    """One thing that happened in a call: a prompt, an input, a transfer attempt. Sensitive input is already masked."""

    call_id: str
    sequence: int
    step: str
    kind: str
    """say | menu | ask | set | when | transfer | hang_up | command."""
    started_at: datetime
    ended_at: datetime
    attempt: int
    outcome: str
    """match | no_match | no_input | done | confirmed | denied | a transfer outcome | hung_up."""
    mode: str = ""
    """dtmf | voice | mixed; empty where there was no input."""
    prompt: str = ""
    """What the caller was told, as text."""
    heard: str = ""
    """Keys or words; `***` where sensitive."""
    meaning: str = ""
    """What the flow made of it."""
    confidence: float | None = None
    detail: str = ""


@immutable
class AnswerRecord:
    """What became of one question of a survey."""

    call_id: str
    sequence: int
    """Counts the questions of all surveys of the call."""
    survey: str
    question: str
    asked_at: datetime
    outcome: str
    """answered | no_answer | skipped | opted_out | hung_up."""
    mode: str = ""
    """dtmf | voice | mixed; empty without an answer."""
    answer: object = None
    """Number, text, true or false; `***` where sensitive; None without an answer."""
    confidence: float | None = None
    """Of what was recognized; None for keys."""


class CallLog(Protocol):
    """Keeps the records. Methods return at once and never raise; what the database refuses is spooled and retried."""

    def call_started(self, call: CallStarted) -> None:
        """Open the record."""

    def step_done(self, step: StepRecord) -> None:
        """Add a step."""

    def answer_given(self, answer: AnswerRecord) -> None:
        """Add an answer of a survey."""

    def call_ended(self, call: CallEnded) -> None:
        """Close the record."""


# --- services beyond the call ----------------------------------------------------------------------------------------


class DataService(Protocol):
    """Asks data services by HTTP. Reaches only hosts that the settings name."""

    async def ask(self, job: HttpJob) -> JobResult:
        """What the service answered, within `job.timeout_s`. Never raises because of it; cancel to give up."""


class MessageService(Protocol):
    """Sends webhooks, mails and SIP messages, to receivers that the settings name."""

    def post(self, message: Message, call_id: str) -> None:
        """Deliver it sooner or later, also after the call and after a restart. Returns at once, never raises."""

    async def deliver(self, message: Message, call_id: str, timeout_s: float) -> JobResult:
        """Deliver it now or not at all. Never raises because of the receiver; cancel to give up."""


class CalendarService(Protocol):
    """Opening hours."""

    def hours(self, calendar: str) -> JobResult:
        """What the calendar says now: `ivr.flow.calendar.Hours.variables()`. Returns at once, never raises."""


class Clock(Protocol):
    """Time, handed in so that tests own it."""

    def monotonic_s(self) -> float:
        """Seconds that never jump."""

    def now(self) -> datetime:
        """UTC-aware wall clock."""
