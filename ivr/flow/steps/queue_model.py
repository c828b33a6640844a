"""Model of the step in which a caller waits for an agent."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ivr.flow.marks import Mark, Target, Template
from ivr.flow.model import Step
from ivr.flow.parts import Part, Prompt, VariableName
from ivr.flow.template_rules import is_template
from ivr.units import Duration
from ivr.written import also, one_or_list, written

LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100
SHORTEST_ROUND_S = 10.0
"""Callers who are told something more often hear nothing else."""

Level = Annotated[int, Field(ge=1, le=10, strict=True)]


@written({"type": "string", "pattern": "^[0-9*#]$"})
def _one_key(value: object) -> object:
    if isinstance(value, str) and (len(value) != 1 or value not in "0123456789*#"):
        raise ValueError(f"{value!r} is not one key; use 0 to 9, * or #")
    return value


Key = Annotated[str, BeforeValidator(_one_key)]
Topic = Literal["position", "wait"]


@written(one_or_list)
def _topics(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


@written(
    {
        "anyOf": [
            {"type": "integer", "minimum": LOWEST_PRIORITY, "maximum": HIGHEST_PRIORITY},
            {"type": "string", "pattern": r"\{[{%]"},
        ]
    }
)
def _priority(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and LOWEST_PRIORITY <= value <= HIGHEST_PRIORITY:  # type: ignore[operator]
        return value
    if isinstance(value, str) and is_template(value):
        return value
    raise ValueError(
        f"{value!r} is no priority; write a number from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, or {{{{ … }}}}"
    )


def _round(value: float) -> float:
    if 0 < value < SHORTEST_ROUND_S:
        raise ValueError(f"the caller would hear nothing else; write at least {SHORTEST_ROUND_S:g}s, or 0s for once")
    return value


class Queue(Part):
    """Which queue, and what is heard in it."""

    name: VariableName
    """Of a queue in the settings."""
    announce: Prompt | None = None
    """Said once, before the wait."""
    music: Prompt | None = None
    """Heard again and again while the caller waits; the hold music when empty."""
    tell: Annotated[tuple[Topic, ...], BeforeValidator(_topics)] = ("position", "wait")
    """What the caller is told of the wait; nothing for `[]`."""
    tell_every: Annotated[Duration, Field(ge=0, le=3600), AfterValidator(_round)] = 45.0
    """Pause before it is told again; 0s: only at the beginning."""
    comfort: Prompt | None = None
    """Said with it each time; one by count counts these times."""
    priority: Annotated[Any, Mark.TEMPLATE, BeforeValidator(_priority)] = None
    """Of this caller, -100 to 100; that of the queue when empty."""
    skills: dict[VariableName, Level] = Field(default_factory=dict)
    """What the agent must be able to do besides what the queue asks for, and how well at least."""
    callback_key: Key | None = None
    """Key by which the caller hangs up, keeps the place, and is called back."""
    callback_number: Template | None = None
    """Where; the number that he calls from when empty."""
    whisper: Prompt | None = None
    """Said to the agent, before the caller is there."""
    accept: Literal["answer", "key"] = "answer"
    """What makes whoever answers the agent to talk to; `key`: they press 1."""
    accept_within: Annotated[Duration, Field(ge=1, le=60)] | None = None
    """How long after the whisper that key may come; 10s when empty."""
    return_key: Key | None = None
    """Key by which the agent sends the caller back into the flow while they talk."""
    context: tuple[VariableName, ...] | None = None
    """Variables that go along with the call; those that callers' answers fill when empty, none for `[]`."""
    notify: str | None = None
    """Name of a webhook in the settings that is told of the call as it enters the queue."""

    @model_validator(mode="before")
    @classmethod
    @written(also({"type": "string"}))
    def _from_yaml(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def says_something(self) -> bool:
        """Whether the caller is told anything while he waits."""
        return bool(self.tell) or self.comfort is not None


class QueueStep(Step):
    """Lets the caller wait for an agent; fills the variable `queue`."""

    action: ClassVar[str] = "queue"
    queue: Queue
    keys: dict[Key, Target] = Field(default_factory=dict)
    """What the caller may press while he waits, and the step that it leads to."""
    commands: tuple[str, ...] | None = None
    """Names of the flow's commands whose keys are heard here; all when empty, none for `[]`."""
    full: Target | None = None
    """No more callers may wait in it."""
    too_long: Target | None = None
    """The caller has waited as long as the settings allow."""
    callback: Target | None = None
    """The place is kept, and the caller will be called back."""
    after: Target | None = None
    """Where the caller goes on when the agent hangs up first; else the call is over then."""
    returned: Target | None = None
    """Where the caller goes on whom the agent sends back by the `return_key`; as `after` when empty."""
    failed: Target | None = None
    """Every failure that has no exit of its own."""
