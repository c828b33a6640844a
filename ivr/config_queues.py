"""Settings of the queues in which callers wait for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ivr.config_section import Section
from ivr.units import Duration, Share

Strategy = Literal["longest_idle", "round_robin", "fewest_calls", "ring_all", "best_match"]
QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
SkillName = QueueName
Level = Annotated[int, Field(ge=1, le=10)]
Disposition = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]

NumberBeginning = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,15}$")]
CALLBACK_TEXTS: Mapping[str, str] = {
    "en": "You asked us to call you back. Press 1, and we connect you.",
    "de": "Sie haben um einen Rückruf gebeten. Drücken Sie die 1, dann verbinden wir Sie.",
}


class CallbackSettings(Section):
    """How callers are called back who keep the place without the line."""

    sip: Annotated[str, StringConstraints(pattern=r"^sips?:[^\s@{}]*\{number\}[^\s@{}]*@[^\s@{}]+$")]
    """SIP URI in which `{number}` stands for the caller's number."""
    account: str = ""
    """Account that places the call; the bot's own address when empty."""
    numbers: tuple[NumberBeginning, ...] = ()
    """Numbers that begin so are called, and no others; all when empty."""
    ring_for: Duration = 30.0
    """How long it rings at the caller's."""
    press_within: Duration = 10.0
    """So long after the text the caller may press 1: what presses nothing is a voicemail, and gets no agent."""
    texts: dict[str, str] = Field(default_factory=dict)
    """What is said to whoever answers, by language tag; a sentence in English or German when empty."""


class QueueSettings(Section):
    """One queue: whom its callers are offered to, how long they wait, and what becomes of them then."""

    strategy: Strategy = "longest_idle"
    """Which of several free agents gets the call; `ring_all`: all of them, and the first one to answer has it."""
    skills: dict[SkillName, Level] = Field(default_factory=dict)
    """What an agent must be able to do, and how well at least; every agent when empty."""
    relax_every: Duration = 0.0
    """The levels asked for go down by one each time a caller has waited so long again; 0s: never."""
    relax_to: int = Field(1, ge=0, le=10)
    """They go down to this one; 0: in the end to agents without the skill."""
    priority: int = Field(0, ge=-100, le=100)
    """Of its callers, among those of all queues; the higher one goes first, whoever came first."""
    ring_for: Duration = 20.0
    """How long an agent's telephone rings before the call is offered to the next one."""
    account: str = ""
    """Account that calls the agents; the bot's own address when empty."""
    wrap_up: Duration = 30.0
    """Time at most after a call in which an agent gets no other one; 0s: none."""
    dispositions: tuple[Disposition, ...] = Field((), max_length=30)
    """What a talk can have come to, for the agent to choose from during the wrap-up; nothing to choose when empty."""
    max_length: int | None = Field(None, ge=1)
    """Callers who may wait at once; any number when empty."""
    max_wait: Duration = 600.0
    """A caller waits no longer; 0s: as long as it takes."""
    overflow: QueueName | None = None
    """Queue that takes those who find this one full or have waited too long; the flow's exit when empty."""
    callback_tries: int = Field(2, ge=0, le=10)
    """How often a caller is called back who keeps the place without the line; 0: nobody is."""
    callback_again_after: Duration = 600.0
    """Between two tries."""
    callback_via: CallbackSettings | None = None
    """The way to them; without it nobody is promised to be called back."""
    short_abandon: Duration = 5.0
    """Who hangs up earlier counts as never having waited."""
    service_within: Duration = 20.0
    """A call that is answered within this time was answered well."""
    service_goal: Share = 0.8
    """Share of calls to be answered well."""
    expected_handle_time: Duration = 180.0
    """What a call takes, talk and wrap-up, as long as there are none to measure it by."""


DEFAULT_QUEUE = QueueSettings()


def overflow_circle(queues: Mapping[str, QueueSettings]) -> tuple[str, ...]:
    """Queues that overflow into each other in a circle, the first of them named at both ends; empty where none do."""
    for start in queues:
        way = [start]
        while (after := queues[way[-1]].overflow) in queues and after is not None:
            way.append(after)
            if after == start:
                return tuple(way)
            if after in way[:-1]:
                break  # found from another start
    return ()


def overflow_way(queues: Mapping[str, QueueSettings], name: str) -> tuple[str, ...]:
    """The queue, and those that its callers overflow into, each once."""
    way = [name]
    while (after := queues[way[-1]].overflow) in queues and after is not None and after not in way:
        way.append(after)
    return tuple(way)
