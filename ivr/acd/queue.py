"""Waiting calls: their order and places, how long it may take, what ends the wait. Pure; `now` is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ivr.acd.agent import NEVER
from ivr.config_queues import DEFAULT_QUEUE, QueueSettings
from ivr.immutable import immutable

HANG_UP_FIRST: Final = timedelta(seconds=8)
"""Who asks to be called back is not called before: the line is busy until the goodbye is heard."""

Queues = Mapping[str, QueueSettings]
"""Settings of every queue, by name."""


class CallState(StrEnum):
    """Where a call of a queue stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    """An agent's telephone rings, or those of several."""
    CONNECTED = "connected"


@immutable
class WaitingCall:
    """A caller in a queue, until the talk with the agent is over."""

    call_id: str
    queue: str
    owner: str
    """Process that has the call; empty while somebody waits to be called back."""
    arrived_at: datetime
    """When the caller came into the first queue: the place among those of the same priority."""
    entered_at: datetime
    """When the caller came into this queue: for the longest wait."""
    priority: int = 0
    skills: Mapping[str, int] = field(default_factory=dict)
    """What the agent must be able to do besides what the queue asks for: skill to level."""
    state: CallState = CallState.WAITING
    connected_at: datetime | None = None
    refused_by: tuple[str, ...] = ()
    """Agents who would not take it: it is not offered to them again."""
    context: Mapping[str, object] = field(default_factory=dict)
    """What the agent is told of the caller: `caller`, `flow`, `language`, and the `answers` by name; masked already."""
    callback: str = ""
    """Number to call; empty while the caller holds the line."""
    tries: int = 0
    """Calls back that did not reach the caller."""
    not_before_at: datetime = NEVER
    """The next call back."""


def rules_of(queues: Queues, name: str) -> QueueSettings:
    """The settings of a queue; those of one that was taken out of the settings are the usual ones."""
    return queues.get(name, DEFAULT_QUEUE)


def order_of(call: WaitingCall) -> tuple[int, datetime, str]:
    """Sort key: who is first comes first. Higher priority, then earlier arrival."""
    return -call.priority, call.arrived_at, call.call_id


def is_due(call: WaitingCall, now: datetime) -> bool:
    """Whether the call may be offered to somebody."""
    return call.state is CallState.WAITING and call.not_before_at <= now


def position(call: WaitingCall, calls: Iterable[WaitingCall]) -> int:
    """1 for who is next. Those who are ringing through are still before the others."""
    mine = order_of(call)
    return 1 + sum(
        other.queue == call.queue and other.state is not CallState.CONNECTED and order_of(other) < mine
        for other in calls
    )


def estimated_wait_s(place: int, free: int, agents: int, handle_time_s: float) -> float | None:
    """From now to the agent; None where none of the `agents` is at work. `free` of them take the first calls at once.

    With `agents` handling `handle_time_s` each, one becomes free every handle_time_s / agents on average (M/M/c).
    """
    return max(0, place - free) * handle_time_s / agents if agents else None


def has_waited_too_long(call: WaitingCall, rules: QueueSettings, now: datetime) -> bool:
    """Whether the longest wait is over. Nobody who is to be called back is sent away, nor one for whom it rings."""
    limit = timedelta(seconds=rules.max_wait)
    is_waiting = call.state is CallState.WAITING and not call.callback
    return is_waiting and rules.max_wait > 0 and now - call.entered_at >= limit


def place_for(queue: str, lengths: Mapping[str, int], queues: Queues) -> str | None:
    """The queue that takes a new call: the one asked for, or the next on the way of overflows that has room.

    None where all of them are full. `lengths` are the calls that wait in each; a queue without one is empty.
    """
    seen: list[str] = []
    name: str | None = queue
    while name is not None and name not in seen:
        rules = rules_of(queues, name)
        if rules.max_length is None or lengths.get(name, 0) < rules.max_length:
            return name
        seen.append(name)
        name = rules.overflow
    return None


def moved(call: WaitingCall, queue: str, now: datetime) -> WaitingCall:
    """The call in another queue. It keeps its place: who came first is still first there."""
    return replace(call, queue=queue, entered_at=now, state=CallState.WAITING, refused_by=())


def for_callback(call: WaitingCall, number: str, not_before_at: datetime = NEVER) -> WaitingCall:
    """The call without its line. It keeps its place, and whichever process is asked dials it."""
    after_at = max(call.not_before_at, not_before_at)
    return replace(call, callback=number, owner="", state=CallState.WAITING, not_before_at=after_at)


def not_reached(call: WaitingCall, rules: QueueSettings, now: datetime) -> WaitingCall | None:
    """A callback whose caller did not answer: to be tried again later, in its old place. None after the last try."""
    tries = call.tries + 1
    if tries >= rules.callback_tries:
        return None
    again_at = now + timedelta(seconds=rules.callback_again_after)
    return replace(call, tries=tries, owner="", state=CallState.WAITING, not_before_at=again_at)


def is_short_abandon(call: WaitingCall, rules: QueueSettings, now: datetime) -> bool:
    """Whether a caller who hangs up now never really waited."""
    return (now - call.arrived_at).total_seconds() < rules.short_abandon
