"""A file with conversations that test a flow, once read: frozen models. Positions: `ivr.rehearsal.reading`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool

from ivr.flow.parts import LanguageTag, Part, StepName, VariableName
from ivr.rehearsal.acts import Act, Place, TransferEnds
from ivr.units import Duration
from ivr.written import written

End = Literal["hung_up", "caller_hung_up", "bot_hung_up", "transferred", "rejected", "failed"]
"""`hung_up` is either side."""

ENDS: tuple[str, ...] = get_args(End)


@written({"type": "string"})
def _instant(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(
                f'{value!r} is not an instant; write "2026-11-23 10:00", or with +01:00 behind it'
            ) from error
    if isinstance(value, datetime):
        return value
    raise ValueError(f'{value!r} is not an instant; write it in quotes: "2026-11-23 10:00"')


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""Date and time of day; in the time zone of the test run unless it names its own."""


@written({"type": "string"})
def _number(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f'a number to call is written in quotes; write "{value}"')
    return value


Number = Annotated[str, BeforeValidator(_number)]


_AS_WRITTEN = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)
"""Keys have their names in the file only."""


class Given(Part):
    """How the world is when the call comes in."""

    model_config = _AS_WRITTEN

    now: Instant | None = None
    caller: Number = Field("+493012345678", alias="from")
    called: Number = Field("100", alias="to")
    name: str = ""
    """Shown with the caller's number."""
    language: LanguageTag | None = None
    variables: dict[VariableName, Any] = Field(default_factory=dict)
    speech: StrictBool = True
    """false: no speech can be recognized in this call, only keys."""


class Mock(Part):
    """What a step gets from outside: how a transfer or a wait ends, what a request is answered."""

    model_config = _AS_WRITTEN

    outcome: str | None = None
    """The exit: `busy`, `no_answer`, `open`, `error` …"""
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    """HTTP status."""
    body: Any = Field(None, alias="json")
    after: Duration = 0.0
    """How long it takes."""
    detail: str = ""
    target: str | None = None
    """Who of several takes a transferred call; the first when empty."""
    agent: str | None = None
    """Who takes a call out of a queue."""
    position: Annotated[int, Field(ge=1)] | None = None
    """The caller's place in a queue; next when empty."""
    wait: Duration | None = None
    """How long it will take, as far as the queue knows; unknown when empty."""
    talk: Duration | None = None
    """How long the talk with an agent lasts."""


def _mocks(value: object) -> object:
    values = value if isinstance(value, list | tuple) else [value]
    return [{"outcome": each} if isinstance(each, str) else each for each in values]


MockList = Annotated[tuple[Mock, ...], BeforeValidator(_mocks)]
"""One after the other, each time that the step is come to; the last repeats."""


class Expect(Part):
    """What is true once the call is over. Keys of no meaning here are variables."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    end: End | None = None
    answered: StrictBool | None = None
    """Whether the call was answered at all."""
    rejected: Annotated[int, Field(ge=400, le=699)] | None = None
    """SIP status with which the call was refused."""
    step: Place | None = None
    """Where the call was last."""
    language: LanguageTag | None = None
    transferred_to: str | None = None
    """Name of the target, or the agent, whom the caller was brought to."""
    reach: tuple[Place, ...] = ()
    """Steps that the call came through, in any order."""
    do_not_reach: tuple[Place, ...] = ()
    tags: Any = None
    """Marks of the call's record: names, or names with their values."""
    variables: dict[VariableName, Any] = Field(default_factory=dict)

    @property
    def all_variables(self) -> dict[str, Any]:
        """Those under `variables` and those written directly."""
        return {**(self.model_extra or {}), **self.variables}


class Conversation(Part):
    """One call."""

    name: str
    given: Given = Given()
    mock: dict[Place, MockList] = Field(default_factory=dict)
    call: tuple[Act, ...] = ()
    expect: Expect = Expect()

    @property
    def ends_transfers(self) -> bool:
        """Whether a line of it says how a transfer ends."""
        return any(isinstance(act, TransferEnds) for act in self.call)


class ConversationFile(Part):
    """All of a file's own keys; the conversations are read one by one."""

    flow: StepName | None = None
    """Name of the flow under test; that of the file when left out."""
    given: Given = Given()
    """For every conversation that does not say otherwise."""
    mock: dict[Place, MockList] = Field(default_factory=dict)
    tests: tuple[Conversation, ...] = ()
