"""What the dialog engine remembers between two events of one call.

A `Draft` belongs to the one event that is being handled, which changes it in place; when that is done it becomes a
`FlowState`, which nobody changes any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn

from ivr.flow.segments import Segment
from ivr.immutable import immutable


class Phase(StrEnum):
    """What the call is doing."""

    NEW = "new"
    SPEAKING = "speaking"
    """Something is said to its end before the flow goes on."""
    LISTENING = "listening"
    """A menu or a question is open, its prompt running or over."""
    TRANSFERRING = "transferring"
    QUEUEING = "queueing"
    """The caller waits for an agent, or talks to one."""
    WORKING = "working"
    """A step waits for something that is neither the caller nor a transfer: an answer of a server, a recording."""
    ENDED = "ended"


@immutable
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
    n_best: tuple[tuple[str, float], ...] = ()
    """What the words may have been, as it was heard."""


@immutable
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

    @property
    def where(self) -> str:
        """What of the form is asked: the name of a field, `whole` or `change`."""
        return self.asked if self.stage == "fields" else self.stage


@dataclass
class Input:
    """A listening step in progress. Belongs to one draft or state, like the fields of that."""

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
    waiting_since_s: float = 0.0
    """Since when an input is waited for; noise does not begin the wait anew."""
    is_finished: bool = False
    """The caller has pressed the key that ends what he is saying; what it was is yet to come."""
    was_interrupted: bool = False
    """The prompt was stopped by speech that has not proved to be an answer yet."""
    said: tuple[Segment, ...] = ()
    """What was played last: what is gone on with after noise."""
    resumed_count: int = 0
    """How often noise stopped what was said in this attempt."""
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

    def begin_reply(self, pending: Pending) -> None:
        """What was entered so far has become an answer that waits for its "yes"."""
        self.pending = pending
        self.typed, self.is_mistyped = "", False
        self.confidence, self.is_speaking, self.is_finished = None, False, False


@immutable
class Answered:
    """The latest answer that was taken (VoiceXML 2.1 §5.1.5, `application.lastresult$`)."""

    value: object
    mode: str
    confidence: float | None
    asked_at_s: float


@immutable
class Queued:
    """Prompts that wait to be played together with the next question."""

    segments: tuple[Segment, ...] = ()
    barge_in: str = "any"


NOTHING_QUEUED = Queued()


@immutable
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


@immutable
class InQueue:
    """How far the wait for an agent has come."""

    name: str
    """Of the queue; another one by now where it overflowed."""
    stage: str = "waiting"
    """`waiting`; `leaving`, when the caller wants to go and the queue has not let go yet; `talking` to an agent."""
    goes_to: str = ""
    """When leaving: the step that is entered then."""
    by_key: str = ""
    """What the caller pressed to leave."""
    command: str = ""
    """The command that this was; empty for a key of the step."""
    agent: str = ""
    waited_s: float = 0.0
    """Until the agent was there."""
    told: int = 0
    """How often the caller was told how long it takes."""


@dataclass
class Draft:
    """Where a call stands, while an event is handled."""

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
    in_queue: InQueue | None = None
    """The wait for an agent; None outside of a queue."""
    is_waiting_sound: bool = False
    """What plays is heard while the work goes on, and no longer."""
    queued: Queued = NOTHING_QUEUED
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
    input: Input = field(default_factory=Input)
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
    swallowed_key: str = ""
    """One that was swallowed; it counts after all where it and the next key are a command (`##`)."""
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


class FlowState(Draft):
    """Where a call stands between two events."""

    def __init__(self, **values: Any) -> None:
        """A call that has not begun, but for the values that are given."""
        self.__dict__.update(Draft(**values).__dict__)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse it. Raises AttributeError."""
        raise AttributeError(f"{name} cannot be set: a state is what an event led to; engine.step makes the next one")


# A copy of either is a copy of its dictionary: `dataclasses.replace` takes ten times as long, and it was half of all.


def draft_of(state: FlowState) -> Draft:
    """A draft of its own with the same values."""
    draft, own_input = _new(Draft), _new(Input)
    draft.__dict__ = values = state.__dict__.copy()
    own_input.__dict__ = values["input"].__dict__.copy()
    values["input"] = own_input
    return draft


_new = object.__new__


def finished(draft: Draft) -> FlowState:
    """The draft as a state; nothing may change it from here on."""
    draft.__class__ = FlowState
    assert isinstance(draft, FlowState)
    return draft


MAX_STEPS_WITHOUT_INPUT = 200
"""A flow that goes further than this without the caller is in a loop; it is ended."""
