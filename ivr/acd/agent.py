"""Agents: the states that they can be in, and what each act makes of them. Pure; `now` is an argument.

    logged_out ⇄ available ─offer→ reserved ─connect→ on_call ─end→ wrap_up → available
                    ⇅                 │ miss                           │
                  paused ←────────────┴────────────────────────────────┘

Who wants to pause or log out during a call does so after it (`then`). The end of a wrap-up needs no timer: `settled`
says what an agent is by now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ivr.errors import ActRefused, AgentUnknown
from ivr.immutable import immutable

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every call, for orders by instant; an instant that every database can keep, in every time zone."""


class AgentState(StrEnum):
    """What an agent is doing."""

    LOGGED_OUT = "logged_out"
    AVAILABLE = "available"
    RESERVED = "reserved"
    """A call is offered: the telephone rings."""
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    """After-call work."""
    PAUSED = "paused"


class Act(StrEnum):
    """What can happen to an agent."""

    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    PAUSE = "pause"
    READY = "ready"
    """Ends a pause or a wrap-up."""
    STAY = "stay"
    """The wrap-up lasts until the agent ends it."""
    OFFER = "offer"
    RELEASE = "release"
    """The offer is over by no doing of the agent's: the caller left, or somebody else was quicker."""
    MISS = "miss"
    """The offer was not answered: the agent is paused, or the next caller would wait for nobody as well."""
    CONNECT = "connect"
    END = "end"
    """Of the call."""


SERVING: Final = (AgentState.AVAILABLE, AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP)
"""Those who take calls, now or after the present one."""
BUSY: Final = (AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP)

_S = AgentState

TRANSITIONS: Final[Mapping[tuple[AgentState, Act], AgentState]] = {
    (_S.LOGGED_OUT, Act.LOG_IN): _S.AVAILABLE,
    (_S.AVAILABLE, Act.LOG_OUT): _S.LOGGED_OUT,
    (_S.AVAILABLE, Act.PAUSE): _S.PAUSED,
    (_S.AVAILABLE, Act.READY): _S.AVAILABLE,
    (_S.AVAILABLE, Act.OFFER): _S.RESERVED,
    (_S.RESERVED, Act.LOG_OUT): _S.LOGGED_OUT,
    (_S.RESERVED, Act.PAUSE): _S.PAUSED,
    (_S.RESERVED, Act.RELEASE): _S.AVAILABLE,
    (_S.RESERVED, Act.MISS): _S.PAUSED,
    (_S.RESERVED, Act.CONNECT): _S.ON_CALL,
    (_S.ON_CALL, Act.LOG_OUT): _S.ON_CALL,
    (_S.ON_CALL, Act.PAUSE): _S.ON_CALL,
    (_S.ON_CALL, Act.READY): _S.ON_CALL,
    (_S.ON_CALL, Act.END): _S.WRAP_UP,
    (_S.WRAP_UP, Act.LOG_OUT): _S.LOGGED_OUT,
    (_S.WRAP_UP, Act.PAUSE): _S.PAUSED,
    (_S.WRAP_UP, Act.READY): _S.AVAILABLE,
    (_S.WRAP_UP, Act.STAY): _S.WRAP_UP,
    (_S.PAUSED, Act.LOG_OUT): _S.LOGGED_OUT,
    (_S.PAUSED, Act.PAUSE): _S.PAUSED,
    (_S.PAUSED, Act.READY): _S.AVAILABLE,
}
"""A pair that is absent is refused and changes nothing."""


@immutable
class Agent:
    """A person who takes calls."""

    name: str
    sip: str
    """Address of the telephone, `sip:user@host`."""
    skills: Mapping[str, int] = field(default_factory=dict)
    """Skill to level, 1 to 10."""
    state: AgentState = AgentState.LOGGED_OUT
    since_at: datetime = NEVER
    """When the state began."""
    reason: str = ""
    """Of a pause; of the pause after the call, while there is one."""
    until_at: datetime | None = None
    """When the wrap-up ends by itself."""
    then: AgentState | None = None
    """What comes after the call: a pause or the end of work, where the agent asked for it during the call."""
    queue: str = ""
    """Of the call that is offered, talked or worked on."""
    idle_since_at: datetime = NEVER
    """End of the last call, or of the log-in."""
    offered_at: datetime = NEVER
    """The last offer."""
    offers_made: int = 0
    """Ever; numbers the offers, so that a late answer to an old one is known as such."""
    calls_taken: int = 0
    """Since the log-in."""


def perform(
    agent: Agent, act: Act, now: datetime, *, reason: str = "", queue: str = "", wrap_up_s: float = 0.0
) -> Agent:
    """The agent after the act. `reason` is for PAUSE and MISS, `queue` for OFFER, `wrap_up_s` for END.

    Raises ActRefused for an act that the present state does not allow.
    """
    agent = settled(agent, now)
    state = TRANSITIONS.get((agent.state, act))
    if state is None:
        raise ActRefused(_refusal(agent, act))
    if agent.state is AgentState.ON_CALL:
        return _ended(agent, now, wrap_up_s) if act is Act.END else replace(agent, **_afterwards(act, reason))
    reason = reason if state is AgentState.PAUSED else ""
    return replace(
        agent,
        state=state,
        since_at=agent.since_at if (state, reason) == (agent.state, agent.reason) else now,
        reason=reason,
        until_at=None,
        then=None,
        queue=queue or (agent.queue if state in BUSY else ""),
        **_COUNTED.get(act, _nothing)(agent, now),
    )


def _ended(agent: Agent, now: datetime, wrap_up_s: float) -> Agent:
    until_at = now + timedelta(seconds=wrap_up_s)
    working = replace(agent, state=AgentState.WRAP_UP, since_at=now, until_at=until_at, idle_since_at=now)
    return settled(working, now)


def settled(agent: Agent, now: datetime) -> Agent:
    """What the agent is by now: the wrap-up may be over."""
    if agent.state is not AgentState.WRAP_UP or agent.until_at is None or agent.until_at > now:
        return agent
    state = agent.then or AgentState.AVAILABLE
    reason = agent.reason if state is AgentState.PAUSED else ""
    return replace(agent, state=state, since_at=agent.until_at, until_at=None, then=None, queue="", reason=reason)


def unknown(name: str) -> AgentUnknown:
    """The error for a name that no agent has."""
    return AgentUnknown(f"there is no agent {name!r}; `ivr agents` lists them, `ivr agents add` makes one")


def offer_id(agent: Agent) -> str:
    """Name of the offer that the agent has, or had last."""
    return f"{agent.name}#{agent.offers_made}"


def _afterwards(act: Act, reason: str) -> dict[str, Any]:
    wishes = {Act.PAUSE: AgentState.PAUSED, Act.LOG_OUT: AgentState.LOGGED_OUT}
    return {"then": wishes.get(act), "reason": reason if act is Act.PAUSE else ""}


def _refusal(agent: Agent, act: Act) -> str:
    states = [str(state) for state, possible in TRANSITIONS if possible is act]
    return f"agent {agent.name} is {agent.state}: {act} needs {' or '.join(states)}"


def _nothing(agent: Agent, now: datetime) -> dict[str, Any]:
    return {}


_COUNTED: Final[Mapping[Act, Callable[[Agent, datetime], dict[str, Any]]]] = {
    Act.LOG_IN: lambda agent, now: {"idle_since_at": now, "calls_taken": 0},
    Act.OFFER: lambda agent, now: {"offered_at": now, "offers_made": agent.offers_made + 1},
    Act.CONNECT: lambda agent, now: {"calls_taken": agent.calls_taken + 1},
}
"""What an act changes besides state, instant, reason and wish."""
