"""What the dialog engine remembers between two events of one call. Immutable; made anew by every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Input:
    """A listening step in progress."""

    attempt: int = 1
    started_at_s: float = 0.0
    typed: str = ""
    """Digits so far, of keys and of speech."""
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


@dataclass(frozen=True, slots=True)
class Queued:
    """Prompts that wait to be played together with the next question."""

    segments: tuple[Segment, ...] = ()
    barge_in: str = "any"


@dataclass(frozen=True, slots=True)
class FlowState:
    """Where a call stands."""

    phase: Phase = Phase.NEW
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
    queued: Queued = Queued()
    typed_ahead: str = ""
    """Keys pressed before the question that they answer."""
    resume_at: str = ""
    """Step to enter when what is being said is over."""
    is_announced: bool = False
    """The step to resume has had its say already."""
    history: tuple[str, ...] = ()
    """Listening steps passed through, for `back`."""
    input: Input = Input()
    is_deaf: frozenset[str] = frozenset()
    """Languages in which speech cannot be recognized."""
    swallow_key: str = ""
    """A terminator that callers add to a complete entry; not an answer to the next step."""
    swallow_until_s: float = 0.0
    has_failed: bool = False
    """`on_error` was taken already."""
    steps_without_input: int = 0


MAX_STEPS_WITHOUT_INPUT = 200
"""A flow that goes further than this without the caller is in a loop; it is ended."""
