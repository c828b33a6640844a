"""The call that an agent is asked to take, talks to or works on, as the agent's page shows it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ivr.acd.agent import Agent, AgentState
from ivr.acd.queue import Queues, WaitingCall, rules_of
from ivr.acd.talk import Talk
from ivr.ports.queues import QueueScene

TEXT_LIMIT: Final = 300
"""Characters of one answer that are shown."""
ANSWERS_LIMIT: Final = 40


@dataclass(frozen=True, slots=True)
class AgentCall:
    """A call at one agent."""

    state: AgentState
    """RESERVED: it rings; ON_CALL; WRAP_UP."""
    call_id: str
    queue: str
    since_at: datetime
    """When it began to ring, the talk, the wrap-up."""
    waited_s: float
    """Of the caller, up to then."""
    caller: str
    name: str
    flow: str
    language: str
    answers: tuple[tuple[str, str], ...]
    """Variable to value, in the order of the flow."""
    talk: Talk | None = None
    """In the wrap-up."""
    until_at: datetime | None = None
    """End of the wrap-up."""
    dispositions: tuple[str, ...] = ()
    return_key: str = ""
    """By which the agent sends the caller back into the flow; empty where there is none, or the talk is over."""
    returns_to: str = ""
    """What the caller goes on with then: `video`, or the name of another step."""

    @property
    def rings(self) -> bool:
        """Whether the agent is to answer."""
        return self.state is AgentState.RESERVED

    @property
    def talk_s(self) -> float:
        """Of a talk that is over."""
        return (self.talk.ended_at - self.talk.began_at).total_seconds() if self.talk else 0.0


def call_of(agent: Agent, scene: QueueScene, rules: Queues) -> AgentCall | None:
    """None where the agent has no call. The agent must be settled."""
    if agent.state is AgentState.WRAP_UP:
        talk = next((talk for talk in scene.talks if talk.agent == agent.name), None)
        return _worked_on(agent, talk, rules) if talk else None
    if agent.state not in (AgentState.RESERVED, AgentState.ON_CALL):
        return None
    call_id = next((offer.call_id for offer in scene.offers if offer.agent == agent.name), None)
    call = next((call for call in scene.calls if call.call_id == call_id), None)
    return _at(agent, call) if call else None


def _at(agent: Agent, call: WaitingCall) -> AgentCall:
    waited_s = _since_s(call.arrived_at, agent.since_at)
    way_back = [as_text(call.context.get(key, "")) for key in ("return_key", "returns_to")]
    shown = AgentCall(agent.state, call.call_id, call.queue, agent.since_at, waited_s, *_told(call.context))
    return replace(shown, return_key=way_back[0], returns_to=way_back[1])


def _worked_on(agent: Agent, talk: Talk, rules: Queues) -> AgentCall:
    return AgentCall(
        agent.state,
        talk.call_id,
        talk.queue,
        agent.since_at,
        talk.waited_s,
        *_told(talk.context),
        talk=talk,
        until_at=agent.until_at,
        dispositions=rules_of(rules, talk.queue).dispositions,
    )


def _told(context: Mapping[str, object]) -> tuple[str, str, str, str, tuple[tuple[str, str], ...]]:
    caller, name, flow, language = (as_text(context.get(key, "")) for key in ("caller", "name", "flow", "language"))
    answers = context.get("answers")
    known = list(answers.items())[:ANSWERS_LIMIT] if isinstance(answers, Mapping) else []
    return caller, name, flow, language, tuple((str(each), as_text(value)) for each, value in known)


def as_text(value: object) -> str:
    """A value of a flow, cut where it is too long to be looked at."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + "…"


def _since_s(begin: datetime, end: datetime) -> float:
    return max(end - begin, timedelta(0)).total_seconds()


def shown_calls(agents: Sequence[Agent], scene: QueueScene, rules: Queues) -> dict[str, AgentCall]:
    """By agent; settled agents only."""
    found = {agent.name: call_of(agent, scene, rules) for agent in agents}
    return {name: call for name, call in found.items() if call is not None}
