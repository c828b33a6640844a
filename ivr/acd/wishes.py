"""What an agent can ask to be, whatever the present state. Pure."""

from __future__ import annotations

from enum import StrEnum

from ivr.acd.agent import Act, Agent, AgentState


class Wish(StrEnum):
    """What an agent can be told to be."""

    AVAILABLE = "available"
    PAUSED = "paused"
    LOGGED_OUT = "logged_out"


def act_for(agent: Agent, wish: Wish) -> Act | None:
    """What leads there; None where nothing has to be done."""
    is_out = agent.state is AgentState.LOGGED_OUT
    if wish is Wish.AVAILABLE:
        return Act.LOG_IN if is_out else Act.READY
    if wish is Wish.PAUSED:
        return Act.PAUSE
    return None if is_out else Act.LOG_OUT


def act_in_room(agent: Agent) -> Act | None:
    """What keeps calls from an agent who goes into a video room, until the agent takes calls again."""
    return {AgentState.WRAP_UP: Act.STAY, AgentState.AVAILABLE: Act.PAUSE}.get(agent.state)
