"""What came of one conversation when it was played."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow import commands as c
from ivr.immutable import immutable
from ivr.rehearsal.trail import Trail
from ivr.rehearsal.world import Handover
from ivr.testing.turns import Turn


@immutable
class Difference:
    """The point at which a call went another way."""

    expected: str
    found: str
    where: str
    """Step, phase and what could be said or pressed there."""
    closest: str = ""
    """What the bot said that is most like what was expected."""
    act_index: int | None = None
    """Line of `call`; None for what was expected of the end."""
    key: str = ""
    """Key of `expect`."""
    at_turn: int = 0
    """How many turns there had been."""


@immutable
class Moment:
    """How far a call was when a line of the conversation came."""

    notes: int
    """Lines of the record."""
    prompts: int
    language: str
    is_answered: bool


@immutable
class Played:
    """One conversation, played."""

    turns: tuple[Turn, ...]
    trail: Trail
    variables: Mapping[str, object]
    """At the end; sensitive ones masked."""
    end: str
    """caller_hung_up | bot_hung_up | transferred | rejected | failed"""
    lasted_s: float
    """Virtual seconds."""
    difference: Difference | None = None
    notes: tuple[str, ...] = ()
    record: tuple[c.NoteStep, ...] = ()
    is_answered: bool = True
    early_prompts: int = 0
    """Prompts that were heard before the answer."""
    refused_with: int | None = None
    """SIP status."""
    moments: tuple[Moment, ...] = ()
    """For every line of `call`: how far things were when it was done."""
    prompts: int = 0
    """How many there were in all."""
    transfers: tuple[Handover, ...] = ()
    """In order."""
    listened_in: tuple[str, ...] = ()
    """Languages in which the bot listened for speech."""
    last_words_at: int = 0
    """Lines of the record before the last prompt or transfer; the others may come after the call."""
