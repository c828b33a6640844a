"""Model of the step that hands a caller over to a person."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from ivr.flow.marks import Target
from ivr.flow.model import Step
from ivr.flow.parts import Part, Prompt, VariableName
from ivr.units import Duration
from ivr.written import Shape, written

TransferMode = Literal["auto", "attended", "bridge", "refer"]


class Callee(Part):
    """One of those who are called."""

    target: str
    """Name of a target in the configuration."""
    ring_for: Duration | None = None
    """How long it rings there; as long as the transfer says when empty."""


def _name_or_list(inner: Shape) -> Shape:
    name = {"type": "string"}
    several = {**inner, "items": {"anyOf": [name, inner["items"]]}, "minItems": 1}
    return {"anyOf": [name, inner["items"], several]}


@written(_name_or_list)
def _callees(value: object) -> object:
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError("nobody is called; write the name of a target")
    return [each if isinstance(each, dict | Callee) else {"target": each} for each in values]


class Transfer(Part):
    """Whom to call and how."""

    to: Annotated[tuple[Callee, ...], BeforeValidator(_callees)]
    """Name of a target in the configuration, or several."""
    ring: Literal["in_turn", "all"] = "in_turn"
    """Whether several are called one after the other, or all at once: the first who is ready to talk wins."""
    mode: TransferMode = "auto"
    ring_for: Duration = 20.0
    hold: Prompt | None = None
    """Heard by the caller while it rings, again and again; a quiet tone when empty."""
    early_media: Literal["replace", "pass"] = "replace"
    """What the other side sends before it is answered (its ringing, an announcement): replaced by the hold sound, or
    passed to the caller."""
    whisper: Prompt | None = None
    """Said to the person, before the caller is there."""
    accept: Literal["answer", "key"] = "answer"
    """What makes whoever answers the person to talk to; `key`: they press 1, as no voicemail does."""
    accept_within: Annotated[Duration, Field(ge=1, le=60)] | None = None
    """How long after the whisper that key may come; 10s when empty."""
    announce: Prompt | None = None
    """Said to the caller before the dialing starts."""
    return_key: Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")] | None = None
    """Key by which the person sends the caller back into the flow while they talk."""
    context: tuple[VariableName, ...] | None = None
    """Variables that go along with the call; those that callers' answers fill when empty, none for `[]`."""
    notify: str | None = None
    """Name of a webhook in the settings that is told of the call before the telephone rings."""

    @property
    def names(self) -> str:
        """Names of the targets, for people."""
        return ", ".join(callee.target for callee in self.to)


class TransferStep(Step):
    """Hands the caller to a person; each failure has its exit, with the caller still there."""

    action: ClassVar[str] = "transfer"
    transfer: Transfer
    busy: Target | None = None
    no_answer: Target | None = None
    refused: Target | None = None
    unknown: Target | None = None
    unreachable: Target | None = None
    not_accepted: Target | None = None
    """With `accept: key` only: nobody pressed it in time, or who had answered hung up."""
    after: Target | None = None
    """Where the caller goes on when the person hangs up first; else the call is over then."""
    returned: Target | None = None
    """Where the caller goes on whom the person sends back by the `return_key`; as `after` when empty."""
    failed: Target | None = None
    """Every failure that has no exit of its own."""
