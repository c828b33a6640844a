"""What is kept of a talk between caller and agent, and what the agent notes about it afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Final

from ivr.acd.agent import Agent, AgentState
from ivr.config_queues import QueueSettings
from ivr.errors import ActRefused
from ivr.immutable import immutable

NOTE_LIMIT: Final = 1000
"""Characters of a note."""
NOTED_WITHIN: Final = timedelta(hours=1)
"""After its end a talk can still be noted for so long: the wrap-up may be over while somebody writes, or see the
caller by video."""


@immutable
class Talk:
    """A talk that is over."""

    talk_id: str
    """That of the offer it came from: never used again."""
    call_id: str
    agent: str
    queue: str
    began_at: datetime
    ended_at: datetime
    waited_s: float
    """What the caller had waited before it."""
    context: Mapping[str, object] = field(default_factory=dict)
    """Of the call, for the agent's work after it."""
    disposition: str = ""
    """What became of it, as the agent says; one of the queue's."""
    note: str = ""
    """The agent's own words; lines end with a line feed."""


def is_worked_on(talk: Talk, agent: Agent) -> bool:
    """Whether it is the talk whose wrap-up the agent is in."""
    is_last = (talk.agent, talk.ended_at) == (agent.name, agent.since_at)
    return is_last and agent.state is AgentState.WRAP_UP


def noted(talk: Talk, rules: QueueSettings, disposition: str, note: str, now: datetime) -> Talk:
    """The talk with what the agent says about it; what was said before is replaced.

    Raises ActRefused for a disposition that the queue does not have, a note that is too long, a talk long past.
    """
    if disposition and disposition not in rules.dispositions:
        raise ActRefused(f"queue {talk.queue} has no disposition {disposition!r}")
    text = _cleaned(note)
    if len(text) > NOTE_LIMIT:
        raise ActRefused(f"a note has {NOTE_LIMIT} characters at most, not {len(text)}")
    if now - talk.ended_at > NOTED_WITHIN:
        raise ActRefused(f"talk {talk.talk_id} is over for too long to be noted")
    return replace(talk, disposition=disposition, note=text)


def no_such_talk(talk_id: str, agent: str) -> ActRefused:
    """The error for a talk that there is not, or that somebody else had."""
    return ActRefused(f"agent {agent} had no talk {talk_id!r}")


def _cleaned(note: str) -> str:
    """Without characters that one cannot see; no database has to keep them."""
    lines = note.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(each if each.isprintable() else " " for each in line) for line in lines).strip()
