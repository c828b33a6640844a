"""Agents and queues as the pages show them: read once for everybody who looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ivr.acd.agent import Agent, settled, unknown
from ivr.acd.events import QueueEvent
from ivr.acd.measures import ServiceHour, service_by_hour
from ivr.acd.overview import queues_as_json
from ivr.acd.queue import CallState, Queues, WaitingCall, order_of
from ivr.acd.wishes import Wish, act_for, act_in_room
from ivr.errors import StorageError
from ivr.ports.queues import CallQueues
from ivr.ports.video import OpenVisit, VideoDoor
from ivr.web.agent_call import AgentCall, shown_calls

EVENTS_EVERY_S: Final = 10.0
"""How often the day's events are read anew; they are many by the evening."""
FRESH_S: Final = 0.8
"""So old may be what a page is shown: all who look within that time share one reading."""


@dataclass(frozen=True, slots=True)
class FloorFigures:
    """Agents and queues at one moment."""

    at: datetime
    agents: tuple[Agent, ...]
    """By name."""
    queues: tuple[Mapping[str, Any], ...]
    """The fields of docs/queues.md."""
    waiting: tuple[WaitingCall, ...]
    """Who has no agent yet, in their order."""
    hours: tuple[ServiceHour, ...]
    """The service level over the day."""
    calls: Mapping[str, AgentCall]
    """What rings at an agent, is talked to or worked on, by agent."""
    rooms: Mapping[str, OpenVisit]
    """Video rooms in which callers are, by call; none where no agent has a call."""

    def agent(self, name: str) -> Agent | None:
        """None where nobody of that name takes calls."""
        return next((agent for agent in self.agents if agent.name == name), None)

    def waited_s(self, call: WaitingCall) -> float:
        """Since the call came into its first queue."""
        return (self.at - call.arrived_at).total_seconds()


class FloorView:
    """Asks the queues, one question at a time."""

    def __init__(
        self,
        queues: CallQueues,
        rules: Queues,
        now: Callable[[], datetime],
        door: VideoDoor | None = None,
        fresh_s: float = FRESH_S,
    ) -> None:
        """`rules` are the settings of the queues; `door` to the video rooms, where there are any."""
        self._queues, self._rules, self._now, self._door, self._fresh_s = queues, rules, now, door, fresh_s
        self._lock = asyncio.Lock()
        self._figures: FloorFigures | None = None
        self._hours: Sequence[datetime] = ()
        self._figures_at_s = float("-inf")
        self._events: Sequence[QueueEvent] = ()
        self._read_at_s = float("-inf")
        self._since: datetime | None = None

    async def figures(self, hours: Sequence[datetime]) -> FloorFigures | None:
        """This moment, and what happened since the first of the hours; None while the database is away."""
        async with self._lock:
            if time.monotonic() - self._figures_at_s > self._fresh_s or self._hours != hours:
                self._figures, self._hours = await self._read_or_none(hours), hours
                self._figures_at_s = time.monotonic()
            return self._figures

    async def _read_or_none(self, hours: Sequence[datetime]) -> FloorFigures | None:
        try:
            return await asyncio.to_thread(self._read, hours)
        except StorageError:
            return None

    async def wish(self, name: str, wish: Wish, reason: str) -> None:
        """Have an agent be something. Raises AgentUnknown, ActRefused, StorageError."""
        async with self._changing():
            await asyncio.to_thread(self._act, name, wish, reason)

    async def enter_room(self, name: str, reason: str) -> None:
        """Offer no calls to an agent, if it is one, who is in a video room now. Raises ActRefused, StorageError."""
        async with self._changing():
            await asyncio.to_thread(self._enter_room, name, reason)

    async def note_talk(self, name: str, talk_id: str, disposition: str, note: str) -> None:
        """Keep what an agent says about an own talk. Raises ActRefused, StorageError."""
        async with self._changing():
            await asyncio.to_thread(self._queues.note_talk, talk_id, name, disposition, note, self._now())

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """What is changed here is seen at once."""
        async with self._lock:
            self._figures_at_s = float("-inf")
            yield

    def _read(self, hours: Sequence[datetime]) -> FloorFigures:
        now, since, scene = self._now(), hours[0], self._queues.scene()
        if self._since != since or time.monotonic() - self._read_at_s > EVENTS_EVERY_S:
            self._events, self._since = self._queues.events(since), since
            self._read_at_s = time.monotonic()
        waiting = sorted((call for call in scene.calls if call.state is not CallState.CONNECTED), key=order_of)
        queues = queues_as_json(self._rules, scene.agents, scene.calls, self._events, since, now)
        agents = tuple(settled(agent, now) for agent in scene.agents)
        within_s = {name: rules.service_within for name, rules in self._rules.items()}
        by_hour = service_by_hour(self._events, within_s, hours)
        calls = shown_calls(agents, scene, self._rules)
        visits = self._door.visits(now) if self._door is not None and calls else ()
        rooms = {visit.call_id: visit for visit in visits}
        return FloorFigures(now, agents, tuple(queues), tuple(waiting), by_hour, calls, rooms)

    def _act(self, name: str, wish: Wish, reason: str) -> None:
        agent = self._agent(name)
        if agent is None:
            raise unknown(name)
        if act := act_for(agent, wish):
            self._queues.agent_acts(name, act, self._now(), reason)

    def _enter_room(self, name: str, reason: str) -> None:
        agent = self._agent(name)
        if agent and (act := act_in_room(agent)):
            self._queues.agent_acts(name, act, self._now(), reason)

    def _agent(self, name: str) -> Agent | None:
        found = next((agent for agent in self._queues.scene().agents if agent.name == name), None)
        return settled(found, self._now()) if found else None
