"""What a waiting caller can be told. Pure; `now` is an argument."""

from __future__ import annotations

from datetime import datetime

from ivr.acd.agent import SERVING, settled
from ivr.acd.floor import Floor
from ivr.acd.queue import CallState, estimated_wait_s, has_waited_too_long, position
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
    """None where nobody is at work who could take the call."""
    has_waited_too_long: bool
    """Whoever has the call takes it out of the queue then."""


def standing(floor: Floor, call_id: str, now: datetime, handle_time_s: float) -> Standing | None:
    """None for a call that does not wait (any more). All calls of its queue and all agents must be on the floor."""
    call = floor.calls.get(call_id)
    if call is None:
        return None
    rules, place = floor.rules(call), position(call, floor.calls.values())
    needed = needed_skills(call, rules, now)
    working = (agent for agent in floor.agents.values() if settled(agent, now).state in SERVING)
    fit = sum(can_serve(agent, needed) for agent in working)
    is_late = has_waited_too_long(call, rules, now)
    return Standing(call.queue, call.state, place, estimated_wait_s(place, fit, handle_time_s), is_late)
