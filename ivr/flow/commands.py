"""Everything that the dialog engine can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ivr.flow.completeness import Expected
from ivr.flow.jobs import Job
from ivr.flow.segments import Segment
from ivr.immutable import immutable


@immutable
class Command:
    """A wish of the engine; the driver carries it to a port."""


@immutable
class Answer(Command):
    """Take the call."""


@immutable
class Ring(Command):
    """Let the caller hear that it rings; the call is answered later, or refused."""


@immutable
class StartEarlyMedia(Command):
    """What is said before the answer follows."""


@immutable
class Reject(Command):
    """Refuse the call before it is answered."""

    sip_status: int


@immutable
class HangUp(Command):
    """End the call."""

    hangup_cause: int | None = None


RESUME_BACK_S = 0.7
"""A prompt that goes on begins so long before it was stopped: the noise that stopped it hid some of it."""


@immutable
class PlayPrompt(Command):
    """Play segments one after the other; a running prompt is replaced."""

    play_id: str
    segments: tuple[Segment, ...]
    is_resumed: bool = False
    """They were stopped a moment ago: go on `RESUME_BACK_S` before that place, not from the beginning."""


@immutable
class StopPrompt(Command):
    """Silence at once."""


@immutable
class StartListening(Command):
    """Recognize speech until told otherwise."""

    listen_id: str
    language: str
    phrases: tuple[str, ...]
    """Closed list; empty = free speech."""
    allow_unknown: bool
    final_silence_s: float
    max_speech_duration_s: float
    is_sensitive: bool = False
    complete_silence_s: float = 0.35
    incomplete_silence_s: float = 1.2
    expected: Expected | None = None
    """What shows that an answer is whole; None where nothing does."""
    step: str = ""
    """That asks; for the operator."""


@immutable
class EndUtterance(Command):
    """The caller is done, silence or not: tell what was said so far, and listen on."""


@immutable
class StopListening(Command):
    """Recognize no more."""


@immutable
class StartTimer(Command):
    """Report TimerFired after so many seconds."""

    timer_id: str
    after_s: float


@immutable
class CancelTimer(Command):
    """Forget a timer."""

    timer_id: str


ACCEPT_KEY = "1"
"""The key by which a person takes a call."""


@immutable
class Callee:
    """A target of the configuration, and how long it rings there."""

    target: str
    ring_for_s: float


@immutable
class StartTransfer(Command):
    """Bring the caller to a target of the configuration."""

    callees: tuple[Callee, ...]
    mode: str
    hold: tuple[Segment, ...]
    """Heard by the caller again and again while it rings; empty = the built-in tone."""
    whisper: tuple[Segment, ...] = ()
    """Said to the person before the two are joined."""
    needs_key: bool = False
    """Whether the person has to press a key before the two are joined."""
    accept_within_s: float = 10.0
    """How long after the whisper that key may come."""
    rings_all: bool = False
    """Whether all are called at once; else one after the other."""
    is_heard_early: bool = False
    """Whether the caller hears what the other side sends before it is answered; else the hold sound goes on."""
    comes_back: bool = False
    """Whether the flow goes on with the caller when the person hangs up first; then the bot stays in the talk."""
    return_key: str = ""
    """Key by which the person sends the caller back; empty for none."""
    context: Mapping[str, object] = field(default_factory=dict)
    """What the person is told beside the call: caller, flow, language, wait_s; sensitive values are masked already."""
    answers: Mapping[str, object] = field(default_factory=dict)
    """Variables that go along, masked as well."""

    @property
    def names(self) -> str:
        """Names of the targets, for people."""
        return ", ".join(callee.target for callee in self.callees)


@immutable
class EndTransfer(Command):
    """Take the caller out of the talk; `TransferEnded` follows."""


@immutable
class EnterQueue(Command):
    """Let the caller wait for an agent of a queue: `QueueConnected` when one is there, `QueueEnded` in the end."""

    queue: str
    """Name of a queue in the configuration."""
    hold: tuple[Segment, ...]
    """Heard by the caller again and again while he waits and while it rings at an agent; empty = the packaged music. A
    prompt interrupts it, and it goes on afterwards."""
    priority: int | None = None
    """Of this caller; the queue's own when None."""
    skills: Mapping[str, int] = field(default_factory=dict)
    """What the agent must be able to do besides what the queue asks for: skill to level."""
    whisper: tuple[Segment, ...] = ()
    """Said to the agent before the two are joined."""
    needs_key: bool = False
    accept_within_s: float = 10.0
    comes_back: bool = False
    """Whether the flow goes on with the caller when the agent hangs up first."""
    return_key: str = ""
    returns_to: str = ""
    """What a caller goes on with whom the agent sends back: `video`, or the name of another step."""
    context: Mapping[str, object] = field(default_factory=dict)
    """As for a transfer: caller, flow, language, wait_s; sensitive values are masked already."""
    answers: Mapping[str, object] = field(default_factory=dict)
    """Variables that go along, masked as well."""


@immutable
class AskStanding(Command):
    """Report `QueueStanding`, if the caller still waits."""


@immutable
class LeaveQueue(Command):
    """The caller wants to go on elsewhere; `QueueEnded` with LEFT follows, unless an agent was quicker."""

    exit_name: str
    """For the queue's statistics."""


@immutable
class AskCallback(Command):
    """The caller wants to keep the place without the line; `QueueEnded` with CALLBACK follows, unless an agent was
    quicker, or `QueueStays`."""

    number: str
    """To call back: digits, with or without a leading plus."""


@immutable
class StartJob(Command):
    """Give work to a service; `JobDone` tells what came of it."""

    job_id: str
    job: Job
    is_kept: bool = False
    """Whether the work goes on when nobody waits for it any more."""


@immutable
class CancelJob(Command):
    """Nobody waits for it any more."""

    job_id: str


@immutable
class StartRecording(Command):
    """Keep what the caller says from now on; `RecordingEnded` tells what came of it."""

    record_id: str
    step: str
    """Part of the file's name."""
    max_length_s: float
    final_silence_s: float
    """So much silence after speech ends it."""
    min_length_s: float
    """A shorter recording is not kept."""
    first_input_timeout_s: float
    """So much silence before any speech ends it."""


@immutable
class StopRecording(Command):
    """That is all; the key that the caller pressed is left out. `RecordingEnded` follows."""

    record_id: str


@immutable
class DropRecording(Command):
    """Nobody wants this recording: remove its file."""

    file: str


@immutable
class NoteStep(Command):
    """Write what happened in a step to the call's record; sensitive input is masked already."""

    step: str
    kind: str
    started_at_s: float
    ended_at_s: float
    attempt: int
    outcome: str
    mode: str = ""
    prompt: str = ""
    heard: str = ""
    meaning: str = ""
    confidence: float | None = None
    detail: str = ""


@immutable
class NoteAnswer(Command):
    """Keep what became of one question of a survey; what is sensitive is masked already."""

    survey: str
    question: str
    asked_at_s: float
    outcome: str
    mode: str = ""
    answer: object = None
    confidence: float | None = None
