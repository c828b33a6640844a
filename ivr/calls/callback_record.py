"""The record of one try to call somebody back: a call of its own, marked with the one in which it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ivr.acd.queue import WaitingCall
from ivr.calls.note import CallNotes, Ending, ending_of
from ivr.calls.record import CALLBACK_OF
from ivr.flow.commands import NoteStep
from ivr.flow.events import QueueEnded
from ivr.ports import Clock, EndReason, LegEnded

KIND: Final = "callback"
"""Of the record's line that says whether the caller was reached."""
REACHED: Final = "reached"

OpenNotes = Callable[[WaitingCall, str], tuple[str, CallNotes]]
"""Opens the record of a call to the caller by an account: the id of the new call, and where to write."""


class CallbackRecord:
    """Written while the call goes on; closed once."""

    def __init__(self, open_notes: OpenNotes, clock: Clock, call: WaitingCall, account: str, text: str) -> None:
        """`text` is what the caller is told."""
        self._clock, self._call, self._text = clock, call, text
        self._began_at_s = clock.monotonic_s()
        self.call_id, self.notes = open_notes(call, account)

    def answered(self) -> None:
        """Somebody, or a voicemail, has picked up."""
        self.notes.answered()

    def reached(self) -> None:
        """The caller has pressed the key."""
        self._note(KIND, REACHED, self._call.queue)
        self._began_at_s = self._clock.monotonic_s()

    def not_reached(self, why: str, ended: LegEnded | None) -> None:
        """Nobody, or nobody who pressed the key; `ended`: the leg, where it is gone."""
        self._note(KIND, why, self._call.queue)
        self._close(Ending(EndReason.FAILED, "network" if ended else "bot"), ended)

    def without_agent(self) -> None:
        """No agent took the call."""
        self._note("queue", "no_agent", self._call.queue)
        self._close(Ending(EndReason.BOT_HUNG_UP, "bot"))

    def hung_up(self, ended: LegEnded) -> None:
        """The caller hung up while it rang at the agent's."""
        self._note("queue", "hung_up", self._call.queue)
        self._close(Ending(EndReason.CALLER_HUNG_UP, "caller"), ended)

    def talked(self, event: QueueEnded, ended_by: str, ended: LegEnded | None) -> None:
        """The talk is over, or could not be begun."""
        detail = event.detail or f"waited {event.waited_s:.0f} s"
        self._note("queue", event.outcome.value, event.agent or self._call.queue, detail)
        reason = EndReason.TRANSFERRED if event.agent else EndReason.BOT_HUNG_UP
        self._close(Ending(reason, ended_by or "bot"), ended, event.agent)

    def broke(self) -> None:
        """Something of ours went wrong, or the process ends."""
        self._close(Ending(EndReason.FAILED, "bot"))

    def _note(self, kind: str, outcome: str, meaning: str, detail: str = "") -> None:
        attempt, now_s = self._call.tries + 1, self._clock.monotonic_s()
        said = self._text if kind == KIND else ""
        self.notes.step(
            NoteStep("", kind, self._began_at_s, now_s, attempt, outcome, prompt=said, meaning=meaning, detail=detail)
        )

    def _close(self, ending: Ending, ended: LegEnded | None = None, agent: str = "") -> None:
        known = ending_of(ended, ending, agent) if ended else replace(ending, transfer_target=agent)
        answers = self._call.context.get("answers")
        variables = answers if isinstance(answers, Mapping) else {}
        self.notes.ended(known, variables, {CALLBACK_OF: self._call.call_id})
