"""What can be told of a rehearsed call that is over. Its end has the words of call records."""

from __future__ import annotations

from ivr.flow.events import TransferOutcome
from ivr.flow.model import Step
from ivr.flow.run import TEMPORARY_FAILURE
from ivr.flow.steps.video import VideoStep
from ivr.testing.conversation import CallScript


def ended_by_bot(call: CallScript) -> str | None:
    """The word for an end that the bot made; None where it made none."""
    if call.refused_with is not None:
        return "rejected"
    if any(note.kind in ("transfer", "queue") and note.outcome == TransferOutcome.CONNECTED for note in call.record):
        return "transferred"
    if any(note.kind == "video" and note.outcome == "joined" for note in call.record):
        return "transferred"
    if call.hung_up is None:
        return None
    return "failed" if call.hung_up.hangup_cause == TEMPORARY_FAILURE else "bot_hung_up"


def words_of_talk(step: Step) -> tuple[str, ...]:
    """What a record may say of a step in which the caller was left to somebody else."""
    if isinstance(step, VideoStep):
        return () if step.after else ("joined",)
    return ("connected",) if step.action in ("transfer", "queue") else ()
