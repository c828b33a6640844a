"""Queues at a glance: who waits, who serves them, and their figures since an instant. Pure; `now` is an argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ivr.acd.agent import Agent, settled
from ivr.acd.events import QueueEvent
from ivr.acd.measures import figures, occupancy
from ivr.acd.queue import CallState, Queues, WaitingCall, rules_of
from ivr.acd.routing import can_serve
from ivr.config_queues import QueueSettings


def queues_as_json(
    queues: Queues,
    agents: Sequence[Agent],
    calls: Sequence[WaitingCall],
    events: Sequence[QueueEvent],
    since: datetime,
    now: datetime,
) -> list[dict[str, Any]]:
    """Every queue of the settings, and others in which somebody still waits: the fields of docs/queues.md."""
    names = [*queues, *sorted({call.queue for call in calls} - queues.keys())]
    return [_as_json(name, rules_of(queues, name), agents, calls, events, since, now) for name in names]


def _as_json(
    name: str,
    rules: QueueSettings,
    agents: Sequence[Agent],
    calls: Sequence[WaitingCall],
    events: Sequence[QueueEvent],
    since: datetime,
    now: datetime,
) -> dict[str, Any]:
    own = [call for call in calls if call.queue == name]
    states = Counter(call.state for call in own)
    fit = [settled(agent, now) for agent in agents if can_serve(agent, rules.skills)]
    theirs = {agent.name for agent in fit}
    return {
        "queue": name,
        "strategy": rules.strategy,
        "waiting": states[CallState.WAITING],
        "ringing": states[CallState.OFFERED],
        "talking": states[CallState.CONNECTED],
        "callbacks": sum(bool(call.callback) and call.state is CallState.WAITING for call in own),
        "longest_wait_s": max((_waited_s(call, now) for call in own if _is_on_the_line(call)), default=0.0),
        "agents": dict(Counter(agent.state.value for agent in fit)),
        "service_within_s": rules.service_within,
        "service_goal": rules.service_goal,
        "today": {
            **asdict(figures(events, name, rules.service_within)),
            "occupancy": occupancy((event for event in events if event.agent in theirs), fit, since, now),
        },
    }


def _is_on_the_line(call: WaitingCall) -> bool:
    return call.state is not CallState.CONNECTED and not call.callback


def _waited_s(call: WaitingCall, now: datetime) -> float:
    return round((now - call.arrived_at).total_seconds(), 1)
