"""Calling persons until one is ready to talk: one after the other, or several at once. Pure.

Where the telephony has fewer legs than persons are to be called at once, the others are tried again and again as long
as those ring; who has failed makes room for them.

The first who is ready wins, and the others are let go. Where nobody is, the outcome is that of the person who came
nearest to a talk: who did not press the key, then who did not answer, who was busy, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.reaching import Attempt, AttemptState, advance_attempt
from ivr.flow.events import TransferOutcome

_NEAREST_FIRST: Final = (
    TransferOutcome.NOT_ACCEPTED,
    TransferOutcome.NO_ANSWER,
    TransferOutcome.BUSY,
    TransferOutcome.REFUSED,
    TransferOutcome.UNREACHABLE,
    TransferOutcome.UNKNOWN,
    TransferOutcome.FAILED,
)

_QUIET: Final = (AttemptState.WAITING, AttemptState.OVER)


@dataclass(frozen=True, slots=True)
class Hunt:
    """The persons, and how many of them are called at the same time."""

    attempts: tuple[Attempt, ...]
    at_once: int = 1

    @property
    def ready(self) -> Attempt | None:
        """The person who is to be joined with the caller."""
        return next((attempt for attempt in self.attempts if attempt.state is AttemptState.READY), None)

    @property
    def has_failed(self) -> bool:
        """Whether there is nobody left."""
        return all(attempt.state is AttemptState.OVER for attempt in self.attempts)

    @property
    def nearest(self) -> Attempt:
        """Whose outcome is that of a hunt that has failed."""
        return min(self.attempts, key=lambda attempt: _NEAREST_FIRST.index(attempt.outcome))

    @property
    def active(self) -> tuple[Attempt, ...]:
        """Those who are being called, or are told who calls."""
        return tuple(attempt for attempt in self.attempts if attempt.state not in _QUIET)


Step = tuple[Hunt, tuple[c.TransferCommand, ...]]


def begin_hunt(hunt: Hunt) -> Step:
    """Call the first."""
    commands: list[c.TransferCommand] = []
    return _call_next(hunt, commands), tuple(commands)


def advance_hunt(hunt: Hunt, event: e.TargetEvent) -> Step:
    """What an event of one person means for all."""
    commands: list[c.TransferCommand] = []
    if isinstance(event, e.TargetEnded) and event.had_no_leg and _others_are_called(hunt, event.number):
        hunt = _with(hunt, replace(hunt.attempts[event.number], tries_without_leg=0))
    hunt = _step(hunt, event, commands)
    if hunt.ready is not None:
        commands += _let_go(attempt for attempt in hunt.active if attempt is not hunt.ready)
    else:
        hunt = _call_next(hunt, commands)
    return hunt, tuple(commands)


def let_all_go(hunt: Hunt) -> tuple[c.TransferCommand, ...]:
    """The caller has left."""
    return tuple(_let_go(hunt.active))


def _step(hunt: Hunt, event: e.TargetEvent, commands: list[c.TransferCommand]) -> Hunt:
    attempt, more = advance_attempt(hunt.attempts[event.number], event)
    commands += more
    return _with(hunt, attempt)


def _others_are_called(hunt: Hunt, number: int) -> bool:
    return any(attempt.state is not AttemptState.NO_LEG for attempt in hunt.active if attempt.number != number)


def _with(hunt: Hunt, attempt: Attempt) -> Hunt:
    before, after = hunt.attempts[: attempt.number], hunt.attempts[attempt.number + 1 :]
    return replace(hunt, attempts=(*before, attempt, *after))


def _call_next(hunt: Hunt, commands: list[c.TransferCommand]) -> Hunt:
    waiting = [attempt for attempt in hunt.attempts if attempt.state is AttemptState.WAITING]
    for attempt in waiting[: max(0, hunt.at_once - len(hunt.active))]:
        hunt = _step(hunt, e.TargetTurn(attempt.number), commands)
    return hunt


def _let_go(attempts: Iterator[Attempt] | tuple[Attempt, ...]) -> Iterator[c.TransferCommand]:
    for attempt in attempts:
        yield c.SetTargetTimer(attempt.number, None)
        yield c.HangUpTarget(attempt.number)
