"""Agents to whom a call is offered: calling them, and what it means when one does not take it. Pure.

Persons are reached as in a transfer (`ivr.calls.reaching`), but each for an offer of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ivr.acd.floor import DECLINED, NO_LEG, Ring
from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.reaching import Attempt, AttemptState, Welcome, advance_attempt
from ivr.flow.events import TransferOutcome

_TOLD: Final = (AttemptState.WHISPERING, AttemptState.ACCEPTING)


@dataclass(frozen=True, slots=True)
class Rung:
    """An agent who is called."""

    ring: Ring
    attempt: Attempt

    @property
    def number(self) -> int:
        """Of the agent's leg; never used again by the same call."""
        return self.attempt.number

    @property
    def is_ready(self) -> bool:
        """Whether the agent has answered, and has done what was asked for."""
        return self.attempt.state is AttemptState.READY


Commands = tuple[c.TargetCommand, ...]


def ring_agent(ring: Ring, number: int, ring_for_s: float, welcome: Welcome) -> tuple[Rung, Commands]:
    """Begin to call."""
    return _stepped(Rung(ring, Attempt(number, ring_for_s, welcome)), e.TargetTurn(number))


def advance_rung(rung: Rung, event: e.TargetEvent, *, others_ring: bool) -> tuple[Rung, Commands, str]:
    """The agent after the event, what is to be done, and why the offer is refused; empty while it is not.

    While others are called, one for whom there is no leg is tried again as long as those ring. Else other callers may
    have the agent, whose process has a leg.
    """
    if isinstance(event, e.TargetEnded) and event.had_no_leg:
        if not others_ring:
            return rung, (c.SetTargetTimer(rung.number, None),), NO_LEG
        rung = replace(rung, attempt=replace(rung.attempt, tries_without_leg=0))
    after, commands = _stepped(rung, event)
    if after.attempt.state is not AttemptState.OVER:
        return after, commands, ""
    return after, commands, _reason(rung.attempt, after.attempt, event)


def let_go(rung: Rung) -> Commands:
    """Stop calling, or end the leg."""
    return c.SetTargetTimer(rung.number, None), c.HangUpTarget(rung.number)


def _stepped(rung: Rung, event: e.TargetEvent) -> tuple[Rung, Commands]:
    attempt, commands = advance_attempt(rung.attempt, event)
    return replace(rung, attempt=attempt), tuple(each for each in commands if isinstance(each, c.TargetCommand))


def _reason(before: Attempt, after: Attempt, event: e.TargetEvent) -> str:
    """As `CallQueues.refuse` takes it. Who lets it ring and then says no is a person; what says no at once is not."""
    if isinstance(event, e.TargetEnded):
        if after.outcome is TransferOutcome.REFUSED and before.is_ringing:
            return DECLINED
        if before.state in _TOLD and not after.welcome.needs_key:
            return DECLINED
    return after.outcome.value
