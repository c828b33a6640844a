"""Queues in memory, with the behavior of those in a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ivr.acd import floor as acts
from ivr.acd.agent import Act, Agent, unknown
from ivr.acd.events import QueueEvent
from ivr.acd.floor import Floor, Offer, Ring
from ivr.acd.queue import CallState, Queues, WaitingCall, order_of, rules_of
from ivr.acd.standing import Standing, standing
from ivr.acd.talk import is_worked_on, no_such_talk, noted
from ivr.ports.queues import FORGOTTEN_AT_ONCE, LEASE_S, QueueScene


class MemoryQueues:
    """Implements `CallQueues` for one thread."""

    def __init__(self, queues: Queues) -> None:
        self.floor = Floor(queues)
        self._leases: dict[str, datetime] = {}

    def add_agent(self, name: str, sip: str, skills: Mapping[str, int]) -> Agent:
        """A new agent, or a known one's address and skills."""
        known = self.floor.agents.get(name, Agent(name, sip))
        self.floor.agents[name] = replace(known, sip=sip, skills=dict(skills))
        return self.floor.agents[name]

    def agent_acts(self, name: str, act: Act, now: datetime, reason: str = "") -> Agent:
        """Raises AgentUnknown, ActRefused."""
        if name not in self.floor.agents:
            raise unknown(name)
        return acts.agent_acts(self.floor, name, act, now, reason)

    def enter(self, call: WaitingCall, now: datetime) -> str | None:
        """Let it wait."""
        self._renew(call.owner, now)
        return acts.enter(self.floor, call, now)

    def standing(self, call_id: str, now: datetime) -> Standing | None:
        """Place and estimated wait, by the expected handle time."""
        call = self.floor.calls.get(call_id)
        handle_time_s = self.floor.rules(call).expected_handle_time if call else 0.0
        return standing(self.floor, call_id, now, handle_time_s)

    def leave(self, call_id: str, now: datetime, exit_name: str = "") -> bool:
        """The caller goes."""
        return call_id in self.floor.calls and acts.leave(self.floor, call_id, now, exit_name)

    def ask_callback(self, call_id: str, number: str, now: datetime) -> bool:
        """The caller hangs up and keeps the place."""
        return call_id in self.floor.calls and acts.ask_callback(self.floor, call_id, number, now)

    def tick(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """The process lives."""
        self._renew(owner, now)
        dead = [name for name, until_at in self._leases.items() if until_at <= now]
        acts.lose(self.floor, dead, now)
        for name in dead:
            del self._leases[name]
        acts.move_overdue(self.floor, now)
        return self.match(owner, now)

    def match(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """Offer calls to agents."""
        acts.offer_all(self.floor, now, owner)
        offers = sorted(self.floor.offers.values(), key=lambda offer: offer.offer_id)
        return tuple(self._ring(offer) for offer in offers if offer.owner == owner and self._rings(offer))

    def connect(self, offer_id: str, now: datetime) -> bool:
        """The agent has answered."""
        return acts.connect(self.floor, offer_id, now)

    def refuse(self, offer_id: str, now: datetime, reason: str) -> None:
        """The agent did not take it."""
        acts.refuse(self.floor, offer_id, now, reason)

    def end(self, call_id: str, now: datetime) -> None:
        """The talk is over."""
        if call_id in self.floor.calls:
            acts.end(self.floor, call_id, now)

    def postpone(self, call_id: str, now: datetime) -> None:
        """Who was to be called back did not answer."""
        if call_id in self.floor.calls:
            acts.postpone(self.floor, call_id, now)

    def note_talk(self, talk_id: str, agent: str, disposition: str, note: str, now: datetime) -> None:
        """Keep what the agent says."""
        for index, talk in enumerate(self.floor.talks):
            if (talk.talk_id, talk.agent) == (talk_id, agent):
                rules = rules_of(self.floor.queues, talk.queue)
                self.floor.talks[index] = noted(talk, rules, disposition, note, now)
                return
        raise no_such_talk(talk_id, agent)

    def scene(self) -> QueueScene:
        """All agents and calls."""
        agents = sorted(self.floor.agents.values(), key=lambda agent: agent.name)
        offers = sorted(self.floor.offers.values(), key=lambda offer: offer.offer_id)
        return QueueScene(
            tuple(agents),
            tuple(sorted(self.floor.calls.values(), key=order_of)),
            tuple(offers),
            tuple(talk for agent in agents for talk in self.floor.talks if is_worked_on(talk, agent)),
        )

    def events(self, since: datetime) -> list[QueueEvent]:
        """What happened since."""
        return [event for event in self.floor.events if event.at >= since]

    def forget(self, before: datetime) -> int:
        """Remove old events."""
        old = [event for event in self.floor.events if event.at < before][:FORGOTTEN_AT_ONCE]
        self.floor.events = [event for event in self.floor.events if event not in old]
        return len(old)

    def forget_talks(self, before: datetime) -> int:
        """Remove old talks: no call has a record in memory."""
        old = [talk for talk in self.floor.talks if talk.ended_at < before][:FORGOTTEN_AT_ONCE]
        self.floor.talks = [talk for talk in self.floor.talks if talk not in old]
        return len(old)

    def _renew(self, owner: str, now: datetime) -> None:
        self._leases[owner] = now + timedelta(seconds=LEASE_S)

    def _rings(self, offer: Offer) -> bool:
        return self.floor.calls[offer.call_id].state is CallState.OFFERED

    def _ring(self, offer: Offer) -> Ring:
        call, sip = self.floor.calls[offer.call_id], self.floor.agents[offer.agent].sip
        return Ring(offer.offer_id, call.call_id, call.queue, offer.agent, sip, call.callback, offer.offered_at)
