"""Everything that can happen to a call, as the dialog engine is told. `at_s` is a monotonic instant in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from ivr.flow.jobs import JobResult
from ivr.flow.state import Frame
from ivr.immutable import immutable


class TransferOutcome(StrEnum):
    """How a transfer ended, as the flow's exits name it."""

    CONNECTED = "connected"
    """Caller and person are talking without us, or talked through us until one of them left."""
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    NOT_ACCEPTED = "not_accepted"
    """Something answered, and did not press the key by which a person takes the call."""
    FAILED = "failed"
    AFTER = "after"
    """They talked through us, the person hung up, and the flow goes on with the caller."""
    RETURNED = "returned"
    """They talked through us, and the person sent the caller back by a key."""


TALKED = frozenset({TransferOutcome.CONNECTED, TransferOutcome.AFTER, TransferOutcome.RETURNED})
"""Outcomes of transfers that reached somebody."""


@immutable
class Event:
    """Something happened."""

    at_s: float


@immutable
class CallOffered(Event):
    """A caller is there; nothing is answered yet. Always the first event."""

    ani: str = ""
    dnis: str = ""
    name: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    """Values that override the flow's own at the start (what an earlier leg of the call had learned)."""
    sensitive: frozenset[str] = frozenset()
    """Which of these stay out of every record."""
    language: str = ""
    """Language to begin in; the flow's own when empty."""
    resume_at: str = ""
    """Step to begin with instead of `start`: the exit of a transfer from which the caller came back."""
    returned_because: str = ""
    """How that transfer failed."""
    part: str = ""
    """The flow that this step belongs to, where it is not the main one."""
    frames: tuple[Frame, ...] = ()
    """Flows that wait for it."""
    offers_video: bool = False
    """Whether the caller's telephone offered to show and be shown."""
    now: datetime | None = None
    """Local time, in the time zone of the settings; None where days cannot be reckoned."""


@immutable
class DigitPressed(Event):
    """One key press, de-duplicated."""

    digit: str


@immutable
class SpeechStarted(Event):
    """Sustained speech began."""

    listen_id: str


@immutable
class UtteranceHeard(Event):
    """An utterance ended; `text` is empty when nothing was recognized in it."""

    listen_id: str
    text: str
    confidence: float
    n_best: tuple[tuple[str, float], ...] = ()
    """What it may have been, `text` among it, each with its share of likelihood; the likeliest first
    (VoiceXML 2.1 §5.1.5). Empty where there was no doubt, or the engine tells none.
    """
    trouble: str = ""
    """What failed on the way, though it was heard all the same; for the record."""
    spoken_s: float | None = None
    """From the first sound to the last, where the engine tells."""


@immutable
class ListeningFailed(Event):
    """Speech cannot be recognized now (no model for the language, engine gone); keys still work."""

    listen_id: str
    reason: str
    is_lost: bool = False
    """Whether a recognizer failed that was to hear the caller: the record tells. That there is none is no news."""


@immutable
class PromptFinished(Event):
    """A prompt was heard to its end."""

    play_id: str


@immutable
class PromptFailed(Event):
    """A prompt could not be played."""

    play_id: str
    reason: str


@immutable
class TimerFired(Event):
    """A timer that the engine started ran out."""

    timer_id: str


@immutable
class TransferEnded(Event):
    """A transfer came to its end, good or bad."""

    outcome: TransferOutcome
    detail: str = ""
    target: str = ""
    """Name of the target that the caller was brought to; empty where he was not, or there was but one."""


class QueueOutcome(StrEnum):
    """How waiting in a queue ended, as the flow's exits name it."""

    CONNECTED = "connected"
    """Caller and agent talked; the call is over with that."""
    AFTER = "after"
    """They talked, the agent hung up, and the flow goes on with the caller."""
    RETURNED = "returned"
    """They talked, and the agent sent the caller back by a key."""
    FULL = "full"
    TOO_LONG = "too_long"
    LEFT = "left"
    """By the caller's own wish: `LeaveQueue`."""
    CALLBACK = "callback"
    """The place is kept without the line."""
    FAILED = "failed"
    """The queues cannot be reached, or know no such queue."""


@immutable
class QueueStanding(Event):
    """Where the caller stands in the queue."""

    position: int
    """1 for who is next."""
    estimated_wait_s: float | None
    """None where nobody is at work who could take the call."""
    queue: str = ""
    """In which he is by now (overflow)."""


@immutable
class QueueConnected(Event):
    """The talk with an agent begins."""

    agent: str
    waited_s: float
    queue: str = ""


@immutable
class QueueStays(Event):
    """The caller who wants to be called back cannot be, at that number: he waits on, with his place."""


@immutable
class QueueEnded(Event):
    """Waiting, or the talk with an agent, came to its end."""

    outcome: QueueOutcome
    detail: str = ""
    agent: str = ""
    """Name of the agent who was talked to; empty where there was none."""
    waited_s: float = 0.0


@immutable
class JobDone(Event):
    """Work that was given away has come to its end."""

    job_id: str
    result: JobResult


class RecordingEnd(StrEnum):
    """Why a recording ended."""

    SILENCE = "silence"
    NOTHING = "nothing"
    """Nobody spoke."""
    MAX_LENGTH = "max_length"
    STOPPED = "stopped"
    """By a key."""
    HUNG_UP = "hung_up"
    FAILED = "failed"


@immutable
class RecordingEnded(Event):
    """A recording is over; where the caller hung up, this comes before `CallerHungUp`."""

    record_id: str
    reason: RecordingEnd
    file: str = ""
    """Name of what was kept; empty where nothing was: nobody spoke, it was too short, it failed."""
    duration_s: float = 0.0
    detail: str = ""


@immutable
class CallerHungUp(Event):
    """The caller left; nothing more can be said."""


@immutable
class CallTooLong(Event):
    """The call reached the longest time that the settings allow."""
