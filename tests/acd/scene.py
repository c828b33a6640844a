"""Agents, calls and instants for the tests of queues."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ivr.acd.agent import Agent, AgentState
from ivr.acd.queue import WaitingCall

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So long after the beginning."""
    return BEGIN + timedelta(seconds=seconds)


def agent(name: str = "anna", state: AgentState = AgentState.AVAILABLE, **values: Any) -> Agent:
    """An agent since the beginning."""
    plain = Agent(name, f"sip:{name}@pbx", state=state, since_at=BEGIN, idle_since_at=BEGIN)
    return replace(plain, **values)


def waiting(call_id: str = "c1", queue: str = "support", after_s: float = 0.0, **values: Any) -> WaitingCall:
    """A call that came so long after the beginning."""
    call = WaitingCall(call_id, queue, "host/1", arrived_at=at(after_s), entered_at=at(after_s))
    return replace(call, **values)
