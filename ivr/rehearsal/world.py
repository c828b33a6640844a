"""The world outside a call without telephone: transfers and jobs end as a conversation's `mock` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.rehearsal.model import Mock
from ivr.testing.conversation import Answered

CONNECTED = Mock(outcome=e.TransferOutcome.CONNECTED)


@dataclass
class World:
    """Answers what a `CallScript` cannot know."""

    mocks: Mapping[str, tuple[Mock, ...]]
    step: Callable[[], str]
    """Where the call stands."""
    leaves_transfers_open: bool = False
    """Whether a line of the conversation ends transfers that have no mock."""
    used: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What the operator should know: commands that nobody plays here."""

    def __call__(self, command: c.Command) -> Answered | None:
        """What becomes of a command; None where nothing does, or not yet."""
        step = getattr(command, "step", "") or self.step()
        if isinstance(command, c.StartTransfer):
            return self._transfer(step)
        note = f"step '{step}' asked for {type(command).__name__}, which is not played here"
        if note not in self.notes:
            self.notes.append(note)
        return None

    def mock_for(self, step: str) -> Mock | None:
        """The next answer that a step gets; the last one repeats."""
        found = self.mocks.get(step)
        if not found:
            return None
        used = self.used.get(step, 0)
        self.used[step] = used + 1
        return found[min(used, len(found) - 1)]

    def _transfer(self, step: str) -> Answered | None:
        mock = self.mock_for(step)
        if mock is None and self.leaves_transfers_open:
            return None
        remark = "" if mock is not None else "; no mock says otherwise"
        mock = mock or CONNECTED
        outcome = e.TransferOutcome(mock.outcome or "failed")
        return Answered(e.TransferEnded(0.0, outcome, mock.detail), mock.after, f"transfer: {outcome}{remark}")
