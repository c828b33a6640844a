"""The floor: calls, agents and offers at one moment, and what each act makes of them. Pure; `now` is an argument.

A floor is a draft: whoever keeps agents and calls puts those that an act may touch on it, has the act done, and keeps
what is on it afterwards. Memory and databases differ in nothing but the keeping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ivr.acd.agent import Act, Agent, AgentState, offer_id, perform, settled
from ivr.acd.events import CALLED_BACK, FULL, NOT_REACHED, EventKind, QueueEvent
from ivr.acd.queue import (
    HANG_UP_FIRST,
    CallState,
    Queues,
    WaitingCall,
    for_callback,
    has_waited_too_long,
    is_short_abandon,
    moved,
    not_reached,
    place_for,
    rules_of,
)
from ivr.acd.routing import match
from ivr.acd.talk import Talk
from ivr.config_queues import QueueSettings
from ivr.immutable import immutable

DECLINED: Final = "declined"
"""The agent said no to this call. Other reasons are why the telephone could not be reached: `no_answer`, `busy`, …"""
NO_LEG: Final = "no_leg"
"""The process had no line left to call the agent with: nobody's fault."""
WITHOUT_LEG: Final = timedelta(seconds=5)
"""For so long the calls of that process are offered to nobody: the agent is there for callers of another one."""


@immutable
class Offer:
    """A call that rings at an agent, or that the agent talks to."""

    offer_id: str
    """Never used again: who holds an old one is told so."""
    call_id: str
    agent: str
    owner: str
    """Process that rings the agent, and that has the call."""
    offered_at: datetime


@immutable
class Ring:
    """An offer that its owner is to ring: dial the agent, and with a callback also the caller."""

    offer_id: str
    call_id: str
    queue: str
    agent: str
    sip: str
    """The agent's address."""
    callback: str
    """Number of a caller who is to be called back; empty while the caller holds the line."""
    offered_at: datetime


@dataclass(slots=True)
class Floor:
    """What an act may touch, by name, call and offer."""

    queues: Queues
    agents: dict[str, Agent] = field(default_factory=dict)
    calls: dict[str, WaitingCall] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    events: list[QueueEvent] = field(default_factory=list)
    """What happened on this floor, in order."""
    talks: list[Talk] = field(default_factory=list)
    """Those that ended on this floor, in order."""

    def rules(self, call: WaitingCall) -> QueueSettings:
        """Of the call's queue."""
        return rules_of(self.queues, call.queue)

    def offers_of(self, call_id: str) -> list[Offer]:
        """Those of a call."""
        return [offer for offer in self.offers.values() if offer.call_id == call_id]

    def note(self, kind: EventKind, call: WaitingCall, now: datetime, agent: str = "", detail: str = "") -> None:
        """Something happened to a call that waits."""
        waited_s = (now - call.arrived_at).total_seconds()
        self.events.append(QueueEvent(now, kind, call.queue, call.call_id, agent, detail, waited_s))


# --- agents ----------------------------------------------------------------------------------------------------------


def agent_acts(floor: Floor, name: str, act: Act, now: datetime, reason: str = "") -> Agent:
    """Something that the agent does. An offer that rings at an agent who pauses or leaves is over.

    Raises ActRefused; the agent, the offer and its call must be on the floor.
    """
    _change(floor, name, act, now, reason=reason)
    for offer in [offer for offer in floor.offers.values() if offer.agent == name]:
        if floor.agents[name].state not in (AgentState.RESERVED, AgentState.ON_CALL):
            _take_back(floor, offer, now, f"agent {act}")
    return floor.agents[name]


def settle(floor: Floor, now: datetime) -> None:
    """End the wrap-ups whose time is over."""
    for agent in list(floor.agents.values()):
        _put(floor, settled(agent, now))


def _change(
    floor: Floor, name: str, act: Act, now: datetime, *, reason: str = "", queue: str = "", wrap_up_s: float = 0.0
) -> None:
    _put(floor, settled(floor.agents[name], now))
    _put(floor, perform(floor.agents[name], act, now, reason=reason, queue=queue, wrap_up_s=wrap_up_s))


def _put(floor: Floor, after: Agent) -> None:
    before = floor.agents[after.name]
    floor.agents[after.name] = after
    if after.since_at != before.since_at:
        seconds = (after.since_at - before.since_at).total_seconds()
        if before.state is not AgentState.LOGGED_OUT:
            event = QueueEvent(
                after.since_at, EventKind.AGENT, before.queue, "", after.name, before.state.value, seconds
            )
            floor.events.append(event)


# --- calls come and go -----------------------------------------------------------------------------------------------


def enter(floor: Floor, call: WaitingCall, now: datetime) -> str | None:
    """Let the call wait; the queue in which it does, None where all on its way are full. A call that is there stays.

    The calls of the queues on its way must be on the floor where one of them has a `max_length`.
    """
    if call.call_id in floor.calls:
        return floor.calls[call.call_id].queue
    floor.note(EventKind.ENTERED, call, now)
    queue = place_for(call.queue, _lengths(floor), floor.queues)
    if queue is None:
        floor.note(EventKind.LEFT, call, now, detail=FULL)
        return None
    if queue != call.queue:
        _move(floor, call, queue, now)
    else:
        floor.calls[call.call_id] = call
    return queue


def leave(floor: Floor, call_id: str, now: datetime, exit_name: str = "") -> bool:
    """The caller goes: hangs up, or leaves by an exit. False, and nothing happens, where the talk has begun."""
    call = floor.calls[call_id]
    if call.state is CallState.CONNECTED:
        return False
    _release_all(floor, call, now)
    del floor.calls[call_id]
    if exit_name:
        floor.note(EventKind.LEFT, call, now, detail=exit_name)
    else:
        is_short = is_short_abandon(call, floor.rules(call), now)
        floor.note(EventKind.SHORT_ABANDONED if is_short else EventKind.ABANDONED, call, now)
    return True


def ask_callback(floor: Floor, call_id: str, number: str, now: datetime) -> bool:
    """The caller hangs up and keeps the place. False where the talk has begun, or the queue calls nobody back."""
    call = floor.calls[call_id]
    if call.state is CallState.CONNECTED or not floor.rules(call).callback_tries:
        return False
    _release_all(floor, call, now)
    floor.calls[call_id] = for_callback(call, number, now + HANG_UP_FIRST)
    floor.note(EventKind.CALLBACK, call, now)
    return True


def move_overdue(floor: Floor, now: datetime) -> None:
    """Those who have waited too long go to the queue of the overflow where that has room. Others see to it themselves.

    All waiting calls must be on the floor.
    """
    for call in list(floor.calls.values()):
        after = floor.rules(call).overflow
        if after is not None and has_waited_too_long(call, floor.rules(call), now):
            queue = place_for(after, _lengths(floor), floor.queues)
            if queue is not None and queue != call.queue:
                _move(floor, call, queue, now)


def _move(floor: Floor, call: WaitingCall, queue: str, now: datetime) -> None:
    floor.note(EventKind.MOVED, call, now, detail=queue)
    after = moved(call, queue, now)
    floor.calls[call.call_id] = after
    floor.note(EventKind.ENTERED, after, now)


def _lengths(floor: Floor) -> Counter[str]:
    return Counter(call.queue for call in floor.calls.values() if call.state is not CallState.CONNECTED)


# --- offers ----------------------------------------------------------------------------------------------------------


def offer_all(floor: Floor, now: datetime, owner: str) -> None:
    """Offer every call that can be to an agent, or to several. Calls back are the owner's."""
    settle(floor, now)
    for pairing in match(floor.calls.values(), floor.agents.values(), floor.queues, now):
        call = floor.calls[pairing.call_id]
        call = replace(call, state=CallState.OFFERED, owner=call.owner or owner)
        floor.calls[call.call_id] = call
        for name in pairing.agents:
            _change(floor, name, Act.OFFER, now, queue=call.queue)
            offer = Offer(offer_id(floor.agents[name]), call.call_id, name, call.owner, now)
            floor.offers[offer.offer_id] = offer
            floor.note(EventKind.OFFERED, call, now, name)


def connect(floor: Floor, offer_id: str, now: datetime) -> bool:
    """The agent has answered. False where the offer is over: the caller left, or somebody else was quicker.

    All offers of the call, and their agents, must be on the floor.
    """
    offer = floor.offers.get(offer_id)
    if offer is None or floor.calls[offer.call_id].state is not CallState.OFFERED:
        return False
    for other in floor.offers_of(offer.call_id):
        if other.offer_id != offer_id:
            _release(floor, other, now)
    call = floor.calls[offer.call_id]
    floor.calls[call.call_id] = replace(call, state=CallState.CONNECTED, connected_at=now)
    _change(floor, offer.agent, Act.CONNECT, now)
    floor.note(EventKind.CONNECTED, call, now, offer.agent, CALLED_BACK if call.callback else "")
    return True


def refuse(floor: Floor, offer_id: str, now: datetime, reason: str) -> None:
    """The agent does not take the call. Who says no is not asked again; whose telephone nobody answers is paused.

    Where all ring, silence means nothing: the others may have been meant. An offer that is over changes nothing.
    """
    offer = floor.offers.get(offer_id)
    if offer is None or floor.calls[offer.call_id].state is not CallState.OFFERED:
        return
    call = floor.calls[offer.call_id]
    if reason == DECLINED:
        floor.calls[call.call_id] = replace(call, refused_by=(*call.refused_by, offer.agent))
    elif reason == NO_LEG:
        _stand_back(floor, call, now)
    is_asked_again = reason in (DECLINED, NO_LEG) or floor.rules(call).strategy == "ring_all"
    _change(floor, offer.agent, Act.RELEASE if is_asked_again else Act.MISS, now, reason=reason)
    _take_back(floor, offer, now, reason)


def _stand_back(floor: Floor, refused: WaitingCall, now: datetime) -> None:
    """The other calls of the same process must be on the floor: it has no line for them either."""
    for call in list(floor.calls.values()):
        if call is refused or (call.owner == refused.owner and call.state is CallState.WAITING):
            floor.calls[call.call_id] = replace(call, not_before_at=max(call.not_before_at, now + WITHOUT_LEG))


def end(floor: Floor, call_id: str, now: datetime) -> None:
    """The talk is over; the agent's wrap-up begins. One that never began changes nothing."""
    call = floor.calls[call_id]
    if call.state is not CallState.CONNECTED or call.connected_at is None:
        return
    for offer in floor.offers_of(call_id):
        _change(floor, offer.agent, Act.END, now, wrap_up_s=floor.rules(call).wrap_up)
        talk_s = (now - call.connected_at).total_seconds()
        floor.events.append(QueueEvent(now, EventKind.ENDED, call.queue, call_id, offer.agent, "", talk_s))
        floor.talks.append(_talk(call, call.connected_at, offer, now))
        del floor.offers[offer.offer_id]
    del floor.calls[call_id]


def _talk(call: WaitingCall, began_at: datetime, offer: Offer, now: datetime) -> Talk:
    waited_s = (began_at - call.arrived_at).total_seconds()
    return Talk(offer.offer_id, call.call_id, offer.agent, call.queue, began_at, now, waited_s, call.context)


def postpone(floor: Floor, call_id: str, now: datetime) -> None:
    """Somebody who was called back did not answer: again later, or never. The agents are free again."""
    call = floor.calls[call_id]
    if not call.callback or call.state is CallState.CONNECTED:
        return
    _release_all(floor, call, now)
    after = not_reached(call, floor.rules(call), now)
    if after is not None:
        floor.calls[call_id] = after
        return
    del floor.calls[call_id]
    floor.note(EventKind.LEFT, call, now, detail=NOT_REACHED)


def lose(floor: Floor, owners: Iterable[str], now: datetime) -> None:
    """These processes are dead: their callers are gone with them, and their agents free again. Calls back go on."""
    dead = set(owners)
    for call in [call for call in floor.calls.values() if call.owner in dead]:
        if call.state is CallState.CONNECTED:
            end(floor, call.call_id, now)
            continue
        _release_all(floor, call, now)
        if call.callback:
            floor.calls[call.call_id] = for_callback(call, call.callback)
            continue
        del floor.calls[call.call_id]
        floor.note(EventKind.LOST, call, now)


def _release_all(floor: Floor, call: WaitingCall, now: datetime) -> None:
    for offer in floor.offers_of(call.call_id):
        _release(floor, offer, now)


def _release(floor: Floor, offer: Offer, now: datetime) -> None:
    del floor.offers[offer.offer_id]
    _change(floor, offer.agent, Act.RELEASE, now)


def _take_back(floor: Floor, offer: Offer, now: datetime, why: str) -> None:
    """The offer is over; the call waits again where that was the last one."""
    del floor.offers[offer.offer_id]
    call = floor.calls[offer.call_id]
    floor.note(EventKind.MISSED, call, now, offer.agent, why)
    if not floor.offers_of(call.call_id):
        owner = "" if call.callback else call.owner
        floor.calls[call.call_id] = replace(call, state=CallState.WAITING, owner=owner)
