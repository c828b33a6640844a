"""Every error that the bot raises on purpose.

    IvrError
    ├── ConfigError            before the start; the message names file, line and key
    ├── FlowError
    │   ├── FlowSyntaxError    the YAML itself cannot be read
    │   └── FlowCheckFailed    the flow was read and breaks rules; carries every problem
    ├── TelephonyError         retryable, sip_status
    │   ├── PortInUse          the SIP address is taken by another program
    │   ├── NoFreeLeg          the library's limit of calls is reached
    │   └── MediaFailed        a file or an audio port could not be used
    ├── SpeechError            retryable
    │   ├── ModelMissing       the speech model is absent or incomplete
    │   ├── RecognizerFailed
    │   └── SynthesisFailed
    ├── StorageError           retryable
    ├── QueueError             an agent, a waiting call or an offer is not as it would have to be
    │   ├── ActRefused         the agent's state does not allow it
    │   └── AgentUnknown
    └── PublishingError        a version cannot be kept, found or put into service

The caller hanging up, silence, a busy or unanswered target are events, never errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice


class IvrError(Exception):
    """Root of all errors raised on purpose; its text is written for the operator."""

    retryable: bool = False


class ConfigError(IvrError):
    """The configuration cannot be used; the text names file, line, key and remedy."""


class Severity(StrEnum):
    """How bad a problem is: an error keeps a flow out of service, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file that an operator wrote, with what to do about it."""

    file: str
    line: int
    """1-based."""
    column: int
    """1-based."""
    step: str
    """Name of the step (or the key) that it concerns; empty for the whole file."""
    message: str
    """`what is wrong; what to do`."""
    severity: Severity = Severity.ERROR
    rule: str = ""
    """Stable machine name of the rule, e.g. `unknown_target`."""

    def __str__(self) -> str:
        step = f" {self.step}:" if self.step else ""
        return f"{self.file}:{self.line}:{self.column}:{step} {self.message}"


MOST_OF_A_KIND = 50
"""So many problems of one kind are shown of a file: nobody reads more, and to find thousands takes long."""


def first_of_a_kind(found: Iterable[Problem]) -> list[Problem]:
    """The first problems of many, and where the rest begins; what comes behind is not looked for."""
    shown = list(islice(found, MOST_OF_A_KIND + 1))
    if len(shown) > MOST_OF_A_KIND:
        shown[-1] = replace(shown[-1], message="there are more mistakes of this kind from here on; correct these first")
    return shown


class FlowError(IvrError):
    """A flow cannot be used; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class FlowSyntaxError(FlowError):
    """The YAML itself cannot be read."""


class FlowCheckFailed(FlowError):
    """The flow was read and breaks rules of the language."""


class TelephonyError(IvrError):
    """Something of SIP or its media failed on our side."""

    def __init__(self, text: str, *, retryable: bool = False, sip_status: int | None = None) -> None:
        super().__init__(text)
        self.retryable = retryable
        self.sip_status = sip_status


class PortInUse(TelephonyError):
    """The SIP address is taken by another program."""


class NoFreeLeg(TelephonyError):
    """All legs that the library offers are taken."""


class MediaFailed(TelephonyError):
    """An audio file or port could not be used."""


class SpeechError(IvrError):
    """Recognition or synthesis failed."""

    def __init__(self, text: str, *, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


class ModelMissing(SpeechError):
    """The speech model is absent or incomplete."""


class RecognizerFailed(SpeechError):
    """The recognizer stopped working during a call."""


class SynthesisFailed(SpeechError):
    """The synthesizer produced no audio (failed, hung, or its library is absent)."""


class StorageError(IvrError):
    """The database refused or is away."""

    def __init__(self, text: str, *, retryable: bool = True) -> None:
        super().__init__(text)
        self.retryable = retryable


class QueueError(IvrError):
    """An agent, a waiting call or an offer is not as it would have to be."""


class ActRefused(QueueError):
    """The agent's state does not allow it."""


class AgentUnknown(QueueError):
    """There is no agent of that name."""


class PublishingError(IvrError):
    """A version of a flow cannot be kept, found or put into service."""
