"""The usual measures of a call centre, as arithmetic on what happened. Pure.

- Service level: answered within the time, of all calls that were answered, abandoned or turned away (full, waited too
  long). Short abandons count nowhere, nor does who left by a key or went to another queue.
- Average speed of answer: mean wait of the calls that were answered.
- Abandon rate: abandoned, of the same calls as in the service level.
- Handle time: talk and wrap-up, per call that ended.
- Occupancy: share of the agents' time at work (not paused, not logged out) in which they had a call offered, talked
  or worked on one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ivr.acd.agent import BUSY, Agent, AgentState, settled
from ivr.acd.events import CALLED_BACK, TURNED_AWAY, EventKind, QueueEvent
from ivr.immutable import immutable


@immutable
class QueueFigures:
    """A queue over a stretch of time. A ratio without a denominator is None."""

    entered: int
    answered: int
    abandoned: int
    short_abandoned: int
    turned_away: int
    """Found the queue full, or waited too long for it."""
    left: int
    """Went on by a key or in another queue, or could not be called back."""
    lost: int
    callbacks: int
    """Asked for."""
    called_back: int
    """Reached; they count in none of the measures of waiting."""
    service_level: float | None
    """0 to 1."""
    average_speed_of_answer_s: float | None
    longest_wait_s: float
    """Of those who were answered or abandoned."""
    abandon_rate: float | None
    handle_time_s: float | None


def figures(events: Iterable[QueueEvent], queue: str, service_within_s: float) -> QueueFigures:
    """The queue's figures out of the events of the time in question."""
    own = [event for event in events if event.queue == queue]
    counts = Counter(event.kind for event in own)
    answered = [event for event in own if event.kind is EventKind.CONNECTED]
    waits_s = [event.seconds for event in answered if event.detail != CALLED_BACK]
    given_up_s = [event.seconds for event in own if event.kind is EventKind.ABANDONED]
    turned_away = sum(event.detail in TURNED_AWAY for event in own if event.kind is EventKind.LEFT)
    counted = len(waits_s) + len(given_up_s) + turned_away
    return QueueFigures(
        entered=counts[EventKind.ENTERED],
        answered=len(waits_s),
        abandoned=len(given_up_s),
        short_abandoned=counts[EventKind.SHORT_ABANDONED],
        turned_away=turned_away,
        left=counts[EventKind.LEFT] + counts[EventKind.MOVED] - turned_away,
        lost=counts[EventKind.LOST],
        callbacks=counts[EventKind.CALLBACK],
        called_back=len(answered) - len(waits_s),
        service_level=_ratio(sum(wait_s <= service_within_s for wait_s in waits_s), counted),
        average_speed_of_answer_s=_ratio(sum(waits_s), len(waits_s)),
        longest_wait_s=max([*waits_s, *given_up_s], default=0.0),
        abandon_rate=_ratio(len(given_up_s), counted),
        handle_time_s=handle_time_s(own),
    )


@immutable
class ServiceHour:
    """The service level of all queues in one hour, each by its own time."""

    counted: int
    """Calls that count in the service level."""
    served: int
    """Those that were answered within the time."""


def service_by_hour(
    events: Sequence[QueueEvent], within_s: Mapping[str, float], hours: Sequence[datetime]
) -> tuple[ServiceHour, ...]:
    """For each hour that begins at these instants; a call belongs to the hour in which it was answered or given up.

    `within_s` is the time of each queue; others are left out.
    """
    counted, served = [0] * len(hours), [0] * len(hours)
    for event in events:
        index = bisect_right(hours, event.at) - 1
        if index >= 0 and event.queue in within_s and _is_counted(event):
            counted[index] += 1
            served[index] += event.kind is EventKind.CONNECTED and event.seconds <= within_s[event.queue]
    return tuple(map(ServiceHour, counted, served))


def _is_counted(event: QueueEvent) -> bool:
    if event.kind is EventKind.CONNECTED:
        return event.detail != CALLED_BACK
    is_turned_away = event.kind is EventKind.LEFT and event.detail in TURNED_AWAY
    return is_turned_away or event.kind is EventKind.ABANDONED


def handle_time_s(events: Sequence[QueueEvent]) -> float | None:
    """Mean talk and wrap-up of the calls that ended."""
    talks_s = [event.seconds for event in events if event.kind is EventKind.ENDED]
    after_s = sum(event.seconds for event in events if _is_of_agent(event) and event.detail == AgentState.WRAP_UP)
    return _ratio(sum(talks_s) + after_s, len(talks_s))


def occupancy(events: Iterable[QueueEvent], agents: Iterable[Agent], since: datetime, now: datetime) -> float | None:
    """Share of the agents' working time that calls took; the states that still last count up to now."""
    busy_s = free_s = 0.0
    for state, lasted_s in [*_past(events, since), *_present(agents, since, now)]:
        busy_s += lasted_s if state in BUSY else 0.0
        free_s += lasted_s if state == AgentState.AVAILABLE else 0.0
    return _ratio(busy_s, busy_s + free_s)


def _past(events: Iterable[QueueEvent], since: datetime) -> list[tuple[str, float]]:
    own = (event for event in events if _is_of_agent(event))
    return [(event.detail, min(event.seconds, (event.at - since).total_seconds())) for event in own if event.at > since]


def _present(agents: Iterable[Agent], since: datetime, now: datetime) -> list[tuple[str, float]]:
    by_now = [settled(agent, now) for agent in agents]
    return [(agent.state, max(0.0, (now - max(agent.since_at, since)).total_seconds())) for agent in by_now]


def _is_of_agent(event: QueueEvent) -> bool:
    return event.kind is EventKind.AGENT


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
