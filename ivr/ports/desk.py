"""What the desk shows, and whom it asks for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ivr.calls.monitoring import MonitorWish
from ivr.calls.record import CallRecord
from ivr.errors import Problem


@dataclass(frozen=True, slots=True)
class BotStatus:
    """How the bot is at this moment."""

    is_up: bool
    """Whether it takes calls."""
    calls: int
    capacity: int
    since: datetime
    problem: str
    """What is wrong though calls go on; empty where nothing is."""
    talks: frozenset[str] = frozenset()
    """Ids of the calls in which a supervisor can take part now; none where the settings do not allow it."""


class Bot(Protocol):
    """The bot whose desk it is."""

    async def status(self) -> BotStatus | None:
        """None where it gives no answer."""
        ...

    async def monitor(self, call_id: str, wish: MonitorWish) -> str | None:
        """Let a supervisor take part in a talk: why not, empty where it is so; None where the telephone still rings."""
        ...


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Calls of one flow."""

    flow: str
    """Empty: calls that no flow took."""
    calls: int
    answered: int
    transferred: int
    talk_s: float
    """Of all answered calls that have ended, together."""
    ended: int
    """Answered calls that have ended."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Calls of one day."""

    by_hour: tuple[int, ...]
    """Calls that came in, for each hour asked for."""
    by_flow: tuple[FlowFigures, ...]
    """Most calls first."""

    @property
    def total(self) -> FlowFigures:
        """All flows together."""
        sums = [[each.calls, each.answered, each.transferred, each.ended] for each in self.by_flow]
        calls, answered, transferred, ended = (sum(column) for column in zip((0, 0, 0, 0), *sums, strict=True))
        return FlowFigures("", calls, answered, transferred, sum(each.talk_s for each in self.by_flow), ended)


class RecordedCalls(Protocol):
    """The records of calls, what is sensitive masked in them. Every method raises StorageError."""

    def day(self, hours: Sequence[datetime]) -> DayFigures:
        """Figures of the calls since the first instant, counted by the hours that begin at these."""
        ...

    def in_progress(self, since: datetime, limit: int) -> Sequence[CallRecord]:
        """Calls that began since then and have not ended, newest first, without their steps."""
        ...

    def page(self, limit: int, before: str = "") -> Sequence[CallRecord]:
        """Calls, newest first, without their steps; those before a call, by its id."""
        ...

    def get(self, call_id: str) -> CallRecord | None:
        """One call with its steps; None where there is no such call."""
        ...


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One flow as operators see it."""

    name: str
    version: str
    """In service; empty where nothing is."""
    since: datetime | None
    who: str
    newer: str
    """Version of a file that waits to be published."""
    problems: tuple[Problem, ...]
    """Why the newer file is not in service."""


@dataclass(frozen=True, slots=True)
class FlowsShown:
    """All flows."""

    lines: tuple[FlowLine, ...]
    problems: tuple[Problem, ...]
    """Of files that are no flow."""
    reason: str = ""
    """Why they cannot be shown; empty where they can."""


class ServedFlows(Protocol):
    """The flows of the bot."""

    def shown(self) -> FlowsShown:
        """As `ivr flows` has them. Reads and checks files: not for an event loop."""
        ...
