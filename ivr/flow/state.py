"""What the dialog engine remembers between two events of one call. Immutable; made anew by every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ivr.flow.segments import Segment


class Phase(StrEnum):
    """What the call is doing."""

    NEW = "new"
    SPEAKING = "speaking"
    """Something is said to its end before the flow goes on."""
    LISTENING = "listening"
    """A menu or a question is open, its prompt running or over."""
    TRANSFERRING = "transferring"
    WORKING = "working"
    """A step waits for something that is neither the caller nor a transfer: an answer of a server, a recording."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that waits for its "yes"."""

    meaning: str
    value: object
    heard: str
    spoken: str
    """What is read back to the caller."""
    mode: str
    confidence: float | None
    tries: int = 1
    others: tuple[object, ...] = ()
    """Values that the same words may mean: the caller is being asked which, not whether it is right."""


@dataclass(frozen=True, slots=True)
class FormProgress:
    """How far a form has come."""

    step: str
    asked: str
    """The one that is being asked."""
    stage: str = "fields"
    """`fields` are asked, the `whole` is confirmed, or the caller says what to `change`."""
    is_opening: bool = True
    """Nothing was asked yet but the form's own question."""
    filled: Mapping[str, object] = field(default_factory=dict)
    """Fields that have a value."""
    unsure: bool = False
    """Some value was not heard well."""


@dataclass(frozen=True)
class Input:
    """A listening step in progress."""

    attempt: int = 1
    started_at_s: float = 0.0
    typed: str = ""
    """Digits so far, of keys and of speech."""
    is_mistyped: bool = False
    """The keys in `typed` mean nothing here; those that come together with them belong to the same mistake."""
    mode: str = ""
    confidence: float | None = None
    """Of the spoken part of `typed`."""
    is_speaking: bool = False
    """The caller is."""
    was_interrupted: bool = False
    """The prompt was stopped by speech that has not proved to be an answer yet."""
    has_replayed: bool = False
    prompt_text: str = ""
    lead: tuple[Segment, ...] = ()
    """What was said before the step's own prompt: a greeting, or the text of another attempt."""
    lead_text: str = ""
    is_only_lead: bool = False
    """The step's own prompt is left out in this attempt."""
    pending: Pending | None = None
    help_count: int = 0
    """How often help was asked for."""
    invalid_count: int = 0
    """Values so far that were understood and not allowed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The latest answer that was taken (VoiceXML 2.1 §5.1.5, `application.lastresult$`)."""

    value: object
    mode: str
    confidence: float | None
    asked_at_s: float


@dataclass(frozen=True, slots=True)
class Queued:
    """Prompts that wait to be played together with the next question."""

    segments: tuple[Segment, ...] = ()
    barge_in: str = "any"


@dataclass(frozen=True, slots=True)
class Frame:
    """A flow that waits for one that it runs, or that has ended and can be gone back into."""

    flow: str
    """Its name; empty for the flow that the call began in."""
    step: str
    variables: Mapping[str, object]
    sensitive: frozenset[str]
    history: tuple[str, ...] = ()
    finished: Mapping[str, Frame] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FlowState:
    """Where a call stands."""

    phase: Phase = Phase.NEW
    flow: str = ""
    """The flow that `step` belongs to; empty for the one that the call began in."""
    frames: tuple[Frame, ...] = ()
    """Flows that wait for the current one, the outermost first."""
    step: str = ""
    """The step that is entered or open."""
    language: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    """Variables whose values stay out of every record."""
    counter: int = 0
    """Makes ids of prompts, listenings and timers unique within the call."""
    play_id: str = ""
    """The running prompt; empty when silent."""
    listen_id: str = ""
    """The open listening; empty when deaf."""
    timer_id: str = ""
    job_id: str = ""
    """The work that is waited for; empty where none is."""
    record_id: str = ""
    """The recording in progress; empty when there is none."""
    is_waiting_sound: bool = False
    """What plays is heard while the work goes on, and no longer."""
    queued: Queued = Queued()
    typed_ahead: str = ""
    """Keys pressed before the question that they answer."""
    resume_at: str = ""
    """Step to enter when what is being said is over."""
    is_announced: bool = False
    """The step to resume has had its say already."""
    history: tuple[str, ...] = ()
    """Listening steps passed through in this flow, for `back`."""
    finished: Mapping[str, Frame] = field(default_factory=dict)
    """By `run` step of this flow: the flow that it ran, as it ended, for `back`."""
    visits: Mapping[str, int] = field(default_factory=dict)
    """How often each step of this flow was entered."""
    input: Input = Input()
    form: FormProgress | None = None
    began: datetime | None = None
    """Local time when the call came in, and the instant that it belongs to."""
    began_at_s: float = 0.0
    last_answer: Answered | None = None
    left_step: str = ""
    """The step that the call was in before this one."""
    opening: tuple[Segment, ...] = ()
    """What was said before the open question when it was entered: part of what `repeat` repeats."""
    is_deaf: frozenset[str] = frozenset()
    """Languages in which speech cannot be recognized."""
    swallow_key: str = ""
    """A terminator that callers add to a complete entry; not an answer to the next step."""
    swallow_until_s: float = 0.0
    failed: frozenset[str] = frozenset()
    """Every `on_error` that was taken already, by flow and step."""
    tags: Mapping[str, object] = field(default_factory=dict)
    """Marks of the call's record; what is sensitive is masked already."""
    is_unanswered: bool = False
    """The flow says itself when the call is answered, and has not done so."""
    has_early_media: bool = False
    """Something was said before the answer."""
    has_left: bool = False
    """The caller is gone; a flow may still have something to do."""
    steps_without_input: int = 0


_FIELDS = FlowState.__dataclass_fields__.keys()

# Both classes have no slots, so that a copy is one copy of a dictionary: `replace` takes ten times as long.


def copied(state: FlowState) -> FlowState:
    """A state of its own with the same values."""
    copy = object.__new__(FlowState)
    copy.__dict__.update(state.__dict__)
    return copy


def is_whole(state: FlowState) -> bool:
    """Whether it has the fields of a state and no others: a misspelt one would otherwise be lost without a word."""
    return len(state.__dict__) == len(_FIELDS)


def changed(held: Input, changes: Mapping[str, object]) -> Input:
    """The same with other values."""
    copy = object.__new__(Input)
    copy.__dict__.update(held.__dict__, **changes)
    assert len(copy.__dict__) == len(_INPUT_FIELDS), changes.keys() - _INPUT_FIELDS
    return copy


_INPUT_FIELDS = Input.__dataclass_fields__.keys()

MAX_STEPS_WITHOUT_INPUT = 200
"""A flow that goes further than this without the caller is in a loop; it is ended."""
