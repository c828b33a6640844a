"""What a waiting caller can be told. Pure; `now` is an argument."""

from __future__ import annotations

from datetime import datetime

from ivr.acd.agent import SERVING, AgentState, settled
from ivr.acd.floor import Floor
from ivr.acd.queue import CallState, WaitingCall, estimated_wait_s, has_waited_too_long, position
from ivr.acd.routing import can_serve, needed_skills
from ivr.immutable import immutable


@immutable
class Standing:
    """Where a call stands in its queue."""

    queue: str
    """The one that it is in by now."""
    state: CallState
    position: int
    """1 for who is next."""
    estimated_wait_s: float | None
    """0 where an agent is free or called; None where nobody is at work who could take the call."""
    has_waited_too_long: bool
    """Whoever has the call takes it out of the queue then."""


def standing(floor: Floor, call_id: str, now: datetime, handle_time_s: float) -> Standing | None:
    """None for a call that does not wait (any more). All calls of its queue and all agents must be on the floor."""
    call = floor.calls.get(call_id)
    if call is None:
        return None
    rules, place = floor.rules(call), position(call, floor.calls.values())
    is_late = has_waited_too_long(call, rules, now)
    return Standing(call.queue, call.state, place, _wait_s(floor, call, now, handle_time_s), is_late)


def _wait_s(floor: Floor, call: WaitingCall, now: datetime, handle_time_s: float) -> float | None:
    if call.state is not CallState.WAITING:
        return 0.0
    needed = needed_skills(call, floor.rules(call), now)
    fit = [settled(agent, now).state for agent in floor.agents.values() if can_serve(agent, needed)]
    # Calls that ring have their agents, who are not free any more.
    place = position(call, (other for other in floor.calls.values() if other.state is CallState.WAITING))
    serving = sum(state in SERVING for state in fit)
    return estimated_wait_s(place, fit.count(AgentState.AVAILABLE), serving, handle_time_s)
