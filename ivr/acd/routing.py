"""Who gets which call: a function of the waiting calls, the agents and the instant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from ivr.acd.agent import Agent, AgentState, settled
from ivr.acd.queue import Queues, WaitingCall, is_due, order_of, rules_of
from ivr.config_queues import QueueSettings, Strategy
from ivr.immutable import immutable


@immutable
class Pairing:
    """A call and those whose telephones are to ring for it."""

    call_id: str
    queue: str
    agents: tuple[str, ...]
    """Names; one, or several where all ring."""


def match(calls: Iterable[WaitingCall], agents: Iterable[Agent], queues: Queues, now: datetime) -> tuple[Pairing, ...]:
    """Whom to offer which call. Calls in their order over all queues; no agent is in two pairings, nor is a call.

    A call for which no free agent is fit does not hold up those behind it.
    """
    free = {agent.name: agent for agent in agents if settled(agent, now).state is AgentState.AVAILABLE}
    if not free:
        return ()
    pairings: list[Pairing] = []
    for call in sorted((call for call in calls if is_due(call, now)), key=order_of):
        chosen = choose(call, free.values(), rules_of(queues, call.queue), now)
        if chosen:
            pairings.append(Pairing(call.call_id, call.queue, tuple(agent.name for agent in chosen)))
            for agent in chosen:
                del free[agent.name]
    return tuple(pairings)


def choose(call: WaitingCall, free: Iterable[Agent], rules: QueueSettings, now: datetime) -> list[Agent]:
    """The agents to offer the call to; none where nobody fits."""
    needed = needed_skills(call, rules, now)
    fit = [agent for agent in free if can_serve(agent, needed) and agent.name not in call.refused_by]
    if not fit:
        return []
    if rules.strategy == "ring_all":
        return sorted(fit, key=lambda agent: agent.name)
    rank = _RANKS[rules.strategy]
    wanted = {**rules.skills, **call.skills}
    return [min(fit, key=lambda agent: (*rank(agent, wanted), agent.name))]


def needed_skills(call: WaitingCall, rules: QueueSettings, now: datetime) -> dict[str, int]:
    """Skill to the level that the call still asks for after its wait. Of queue and call the higher one counts."""
    names = {**rules.skills, **call.skills}
    skills = {name: max(rules.skills.get(name, 0), call.skills.get(name, 0)) for name in names}
    if not rules.relax_every:
        return skills
    steps = int((now - call.arrived_at).total_seconds() // rules.relax_every)
    return {name: max(level - steps, min(level, rules.relax_to)) for name, level in skills.items()}


def can_serve(agent: Agent, needed: Mapping[str, int]) -> bool:
    """Whether the agent has every skill well enough; level 0 asks for nothing."""
    return all(agent.skills.get(name, 0) >= level for name, level in needed.items())


def _longest_idle(agent: Agent, wanted: Mapping[str, int]) -> tuple[object, ...]:
    return (agent.idle_since_at,)


def _round_robin(agent: Agent, wanted: Mapping[str, int]) -> tuple[object, ...]:
    return (agent.offered_at,)


def _fewest_calls(agent: Agent, wanted: Mapping[str, int]) -> tuple[object, ...]:
    return agent.calls_taken, agent.idle_since_at


def _best_match(agent: Agent, wanted: Mapping[str, int]) -> tuple[object, ...]:
    return -sum(agent.skills.get(name, 0) for name in wanted), agent.idle_since_at


_RANKS: Final[Mapping[Strategy, Callable[[Agent, Mapping[str, int]], tuple[object, ...]]]] = {
    "longest_idle": _longest_idle,
    "round_robin": _round_robin,
    "fewest_calls": _fewest_calls,
    "best_match": _best_match,
}
"""The lowest rank gets the call. Round robin goes by the last offer: with several processes nobody keeps a pointer."""
